//! What a proof must be for (VC Data Integrity §4.4).

use std::fmt;

use jiff::SignedDuration;

use super::{DataIntegrityError, DataIntegrityProof};
use crate::{Timestamp, did::Relationship};

/// How far the clocks of prover and verifier may be apart.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// What a verifier gave so that a proof cannot be shown twice (`challenge`, VC Data Integrity §2.1).
#[derive(Clone, PartialEq, Eq)]
pub struct Challenge(String);

/// For whom a proof is made (`domain`, VC Data Integrity §2.1): in OpenID4VP the verifier's full client
/// identifier, in OpenID4VCI the credential issuer's identifier.
#[derive(Clone, PartialEq, Eq)]
pub struct Domain(String);

/// What every proof of a document must be for.
#[derive(Clone, Debug)]
pub struct ExpectedProof {
    purpose: Relationship,
    challenge: Option<Challenge>,
    domains: Vec<Domain>,
    now: Timestamp,
}

impl ExpectedProof {
    /// A proof by which somebody makes a statement: that of a credential.
    pub const fn assertion(now: Timestamp) -> Self {
        Self { purpose: Relationship::AssertionMethod, challenge: None, domains: Vec::new(), now }
    }

    /// A proof by which somebody authenticates to this verifier, in answer to this challenge: that of a
    /// presentation.
    pub fn authentication(
        challenge: impl Into<Challenge>,
        domain: impl Into<Domain>,
        now: Timestamp,
    ) -> Self {
        Self {
            purpose: Relationship::Authentication,
            challenge: Some(challenge.into()),
            domains: vec![domain.into()],
            now,
        }
    }

    /// A proof by which somebody authenticates, in answer to whatever: it may have been made for another
    /// verifier, at another time.
    pub const fn danger_unasked_authentication(now: Timestamp) -> Self {
        let purpose = Relationship::Authentication;
        Self { purpose, challenge: None, domains: Vec::new(), now }
    }

    /// Demands that the proof answers this challenge.
    #[must_use]
    pub fn with_challenge(mut self, challenge: impl Into<Challenge>) -> Self {
        self.challenge = Some(challenge.into());
        self
    }

    /// Demands that the proof is for this domain too, and for no other.
    #[must_use]
    pub fn with_domain(mut self, domain: impl Into<Domain>) -> Self {
        self.domains.push(domain.into());
        self
    }

    /// The purpose.
    pub const fn purpose(&self) -> Relationship {
        self.purpose
    }

    /// Judges everything about a proof but its signature.
    pub(crate) fn judge(&self, proof: &DataIntegrityProof) -> Result<(), DataIntegrityError> {
        // VC Data Integrity §4.4 (4): the purpose is the expected one
        if proof.purpose() != self.purpose {
            return Err(DataIntegrityError::Purpose(self.purpose.name()));
        }
        // VC Data Integrity §4.4 (9): the challenge is the one that was given
        let challenge = self.challenge.as_ref().map(|challenge| challenge.0.as_str());
        if challenge.is_some() && proof.challenge() != challenge {
            return Err(DataIntegrityError::Challenge);
        }
        // VC Data Integrity §4.4 (8): the domains are the expected ones, as sets
        let expects = |domain: &String| self.domains.iter().any(|expected| expected.0 == *domain);
        let names = |expected: &Domain| proof.domain().contains(&expected.0);
        let same = proof.domain().iter().all(expects) && self.domains.iter().all(names);
        if !self.domains.is_empty() && !same {
            return Err(DataIntegrityError::Domain);
        }
        // VC Data Integrity §2.1: from `expires` on it is not to be believed
        if proof.expires().is_some_and(|end| end.duration_until(self.now) >= LEEWAY) {
            return Err(DataIntegrityError::Expired);
        }
        // VC Data Integrity §2.1: `created` is when it was made, so it has come
        if proof.created().is_some_and(|start| self.now.duration_until(start) > LEEWAY) {
            return Err(DataIntegrityError::CreatedInTheFuture);
        }
        Ok(())
    }
}

impl Challenge {
    /// The text that goes into the proof.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Challenge {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Challenge")
    }
}

impl Domain {
    /// The text that goes into the proof.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<String>> From<T> for Domain {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Domain({})", self.0)
    }
}
