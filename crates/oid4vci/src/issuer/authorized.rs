//! From the access token to the credentials (OID4VCI §8).

use std::collections::HashSet;

use jiff::Timestamp;
use lanyard_core::status::StatusReference;
use serde::{Deserialize, Serialize};

use super::{HolderKey, Issuance, Issuer, Refreshable, Refused, WaitingClaims};
use crate::{
    AccessToken, CredentialConfigurationId, CredentialIdentifier,
    configuration::{Binding, CredentialConfiguration},
    credential::{CredentialError, CredentialRequest, CredentialResponse, Proofs, Wanted},
    dpop::KeyThumbprint,
    key_proof::{ProofRules, UnverifiedKeyProof},
};

/// A session whose access token is out; some credentials are still due.
#[derive(Debug, Serialize, Deserialize)]
pub struct Authorized {
    token: AccessToken,
    /// The key that the token is bound to; none makes it a bearer token.
    #[serde(default)]
    bound_to: Option<KeyThumbprint>,
    due: Vec<Due>,
    issued: Vec<IssuedCredential>,
    expires_at: Timestamp,
    /// What the access token is renewed with.
    #[serde(default)]
    refresh: Option<Refreshable>,
}

/// A credential that the access token gives a right to.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Due {
    pub(super) configuration: CredentialConfigurationId,
    /// Given out in the token response: then the credential request must use it.
    pub(super) identifier: Option<CredentialIdentifier>,
    pub(super) claims: WaitingClaims,
}

/// What was issued: how many copies, when, until when; no claim of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedCredential {
    /// Which configuration.
    pub configuration: CredentialConfigurationId,
    identifier: Option<CredentialIdentifier>,
    /// How many copies, each for a key of its own.
    pub copies: usize,
    /// When.
    pub issued_at: Timestamp,
    /// Until when it is valid.
    pub expires_at: Timestamp,
    /// Where each copy has its status, if any has; known to the step that issued it, and not kept.
    #[serde(skip)]
    pub statuses: Vec<StatusReference>,
}

/// A session that has given out everything; no claim is left in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    credentials: Vec<IssuedCredential>,
    /// What another access token is had with, to be issued the same again.
    #[serde(default)]
    refresh: Option<Refreshable>,
}

/// Where a session goes after it gave out a credential.
#[derive(Debug)]
pub enum Progress {
    /// More credentials are due.
    Authorized(Authorized),
    /// None is.
    Issued(Issued),
}

impl Authorized {
    pub(super) const fn new(
        token: AccessToken,
        bound_to: Option<KeyThumbprint>,
        due: Vec<Due>,
        expires_at: Timestamp,
    ) -> Self {
        Self { token, bound_to, due, issued: Vec::new(), expires_at, refresh: None }
    }

    pub(super) fn refreshed_by(mut self, refresh: Option<Refreshable>) -> Self {
        self.refresh = refresh;
        self
    }

    /// What the access token is renewed with, if it can be.
    pub const fn refresh(&self) -> Option<&Refreshable> {
        self.refresh.as_ref()
    }

    /// From this moment on nothing leads anywhere any more.
    pub fn ends_at(&self) -> Timestamp {
        let refresh = self.refresh.as_ref().map(Refreshable::expires_at);
        refresh.map_or(self.expires_at, |refresh| refresh.max(self.expires_at))
    }

    /// The key that the token is bound to (`cnf.jkt`, RFC 9449 §6).
    pub const fn bound_to(&self) -> Option<&KeyThumbprint> {
        self.bound_to.as_ref()
    }

    /// The token, for the handle that leads to this session.
    pub const fn token(&self) -> &AccessToken {
        &self.token
    }

    /// What was issued so far.
    pub fn issued(&self) -> &[IssuedCredential] {
        &self.issued
    }

    /// From this moment on the access token is worth nothing.
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Issues one credential, once, in as many copies as keys were proven.
    ///
    /// The claims are dropped from the session in the same step.
    ///
    /// # Errors
    /// One [`CredentialError`] per rule; the session is always left as it was.
    pub async fn accept(
        mut self,
        request: CredentialRequest,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<(CredentialResponse, IssuedCredential, Progress), Refused<CredentialError, Self>>
    {
        let (place, response, issued) = match self.issue(&request, issuer, now).await {
            Ok(done) => done,
            Err(error) => return Err(Refused::unchanged(error, self)),
        };
        self.due.remove(place);
        self.issued.push(issued.clone());
        let progress = if self.due.is_empty() {
            Progress::Issued(Issued { credentials: self.issued, refresh: self.refresh })
        } else {
            Progress::Authorized(self)
        };
        Ok((response, issued, progress))
    }

    async fn issue(
        &self,
        request: &CredentialRequest,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<(usize, CredentialResponse, IssuedCredential), CredentialError> {
        // 1. RFC 6750 §3.1: an expired token is no token
        if now >= self.expires_at {
            return Err(CredentialError::AccessTokenExpired);
        }
        // 2. §8.2: the credential is named the way the token response demands, and is due
        let place = self.place(&request.wanted, issuer)?;
        let due = &self.due[place];
        let configuration = issuer
            .configuration
            .credential(&due.configuration)
            .ok_or(CredentialError::UnknownConfiguration)?;
        // 3. App. F: the holder has shown each key
        let keys = holder_keys(request.proofs.as_ref(), configuration, issuer, now).await?;
        // 4. §8.3: one credential per key
        let (response, expires_at, statuses) =
            issuer.issue(configuration, &due.claims, &keys, now).await?;
        let issued = IssuedCredential {
            configuration: due.configuration.clone(),
            identifier: due.identifier.clone(),
            copies: response.credentials.len(),
            issued_at: now,
            expires_at,
            statuses,
        };
        Ok((place, response, issued))
    }

    fn place(&self, wanted: &Wanted, issuer: &Issuer) -> Result<usize, CredentialError> {
        let named = self
            .due
            .iter()
            .map(|due| &due.identifier)
            .chain(self.issued.iter().map(|issued| &issued.identifier));
        let named = named.into_iter().any(Option::is_some);
        match wanted {
            // §8.3.1.2: a name that nobody knows is that before it is anything else
            Wanted::Configuration(id) if issuer.configuration.credential(id).is_none() => {
                Err(CredentialError::UnknownConfiguration)
            }
            // §8.2: either name may be used in one case only, and never in the other
            Wanted::Configuration(_) if named => Err(CredentialError::IdentifierExpected),
            Wanted::Identifier(_) if !named => Err(CredentialError::ConfigurationExpected),
            Wanted::Configuration(id) => {
                let due = self.due.iter().position(|due| due.configuration == *id);
                due.ok_or_else(|| {
                    let before = self.issued.iter().any(|issued| issued.configuration == *id);
                    if before {
                        CredentialError::AlreadyIssued
                    } else {
                        // §6.1: the token gives a right to what was offered and to nothing else
                        CredentialError::NotOffered
                    }
                })
            }
            Wanted::Identifier(id) => {
                let due = self.due.iter().position(|due| due.identifier.as_ref() == Some(id));
                due.ok_or_else(|| {
                    let before =
                        self.issued.iter().any(|issued| issued.identifier.as_ref() == Some(id));
                    if before {
                        CredentialError::AlreadyIssued
                    } else {
                        CredentialError::UnknownIdentifier
                    }
                })
            }
        }
    }
}

/// The keys that the proofs show; `None` is a credential bound to no key.
async fn holder_keys(
    proofs: Option<&Proofs>,
    configuration: &CredentialConfiguration,
    issuer: &Issuer,
    now: Timestamp,
) -> Result<Vec<Option<HolderKey>>, CredentialError> {
    let Proofs::Jwt(proofs) = match (configuration.binding, proofs) {
        (Binding::Bearer, None) => return Ok(vec![None]),
        (Binding::Bearer, Some(_)) => return Err(CredentialError::ProofsUnexpected),
        // §8.2: required when the configuration names proof types
        (Binding::HolderKey, None) => return Err(CredentialError::ProofsMissing),
        (Binding::HolderKey, Some(proofs)) => proofs,
    };
    let policy = issuer.configuration.policy();
    // §8.2: no more than batch_size, and one where there are no batches
    if proofs.len() > usize::from(policy.batch_size) {
        return Err(CredentialError::TooManyProofs);
    }
    let rules = ProofRules {
        issuer: issuer.configuration.issuer(),
        algorithms: configuration.proof_algorithms(),
        nonces: &issuer.nonces,
        nonce_life: policy.nonce_life,
        window: policy.proof_window,
    };
    let (mut keys, mut seen) = (Vec::with_capacity(proofs.len()), HashSet::new());
    for proof in proofs {
        let proof = UnverifiedKeyProof::parse(proof)?.verify(&rules, &issuer.provider, now).await?;
        // §8.2: each proof is for a different key
        if !seen.insert(*proof.key()) {
            return Err(CredentialError::KeyRepeated);
        }
        keys.push(Some(HolderKey { jwk: proof.holder_key(), did: proof.did().cloned() }));
    }
    Ok(keys)
}

impl Issued {
    /// What was issued.
    pub fn credentials(&self) -> &[IssuedCredential] {
        &self.credentials
    }

    /// What another access token is had with.
    pub const fn refresh(&self) -> Option<&Refreshable> {
        self.refresh.as_ref()
    }
}

impl From<Progress> for Issuance {
    fn from(progress: Progress) -> Self {
        match progress {
            Progress::Authorized(authorized) => Self::Authorized(authorized),
            Progress::Issued(issued) => Self::Issued(issued),
        }
    }
}
