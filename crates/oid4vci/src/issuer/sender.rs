//! Who sends a request, as far as that was proven before the step.

use thiserror::Error;

use super::{Authorized, Issued, Issuer};
use crate::{
    AccessToken,
    client_authentication::{Client, KnownClient},
    dpop::{KeyThumbprint, VerifiedDpopProof},
    once::ShownOnce,
    token::TokenError,
};

/// Who sends a request to the authorization server.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// Who it is, as far as that was proven.
    pub client: Client,
    client_shown: Option<ShownOnce>,
    /// The key that the sender proved, to which tokens are bound from now on.
    pub proof: Option<VerifiedDpopProof>,
}

impl Sender {
    /// Somebody with or without a key.
    pub fn new(known: KnownClient, proof: Option<VerifiedDpopProof>) -> Self {
        Self { client: known.client, client_shown: known.shown, proof }
    }

    /// Nobody in particular, without a key.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// The proven key.
    pub fn key(&self) -> Option<&KeyThumbprint> {
        self.proof.as_ref().map(VerifiedDpopProof::key)
    }

    /// What must not have been seen before.
    pub fn shown(&self) -> impl Iterator<Item = &ShownOnce> {
        self.proof.iter().map(VerifiedDpopProof::shown).chain(&self.client_shown)
    }

    /// Refuses a sender that proves less than the issuer demands.
    pub(super) fn accept(&self, issuer: &Issuer) -> Result<(), TokenError> {
        // RFC 9449 §5, HAIP §4: a token must be bound where the profile says so
        if issuer.rules.is_dpop_required() && self.proof.is_none() {
            return Err(TokenError::DpopMissing);
        }
        Ok(())
    }
}

/// An access token as it was shown at a resource, and the key that was proven beside it.
#[derive(Clone, Debug)]
pub struct ShownToken {
    /// The token.
    pub token: AccessToken,
    /// The proof, when it was sent with the scheme `DPoP`.
    pub proof: Option<VerifiedDpopProof>,
}

/// Why an access token does not open this session.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AccessRefused {
    /// The session has another token by now.
    #[error("the access token was replaced")]
    Replaced,
    /// The token is bound to a key and was sent as a bearer token.
    #[error("the access token is bound to a key and was sent without a proof")]
    Unproven,
    /// The token is bound to another key, or to none.
    #[error("the access token is not bound to the key of the DPoP proof")]
    OtherKey,
}

impl AccessRefused {
    /// The stable reason for the operator and the trail.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Replaced => "access_token_replaced",
            Self::Unproven => "access_token_unproven",
            Self::OtherKey => "access_token_other_key",
        }
    }
}

impl Authorized {
    /// Whether the token that was shown opens this session.
    ///
    /// # Errors
    /// [`AccessRefused`].
    pub fn admit(&self, shown: &ShownToken) -> Result<(), AccessRefused> {
        admit(self.token(), self.bound_to(), shown)
    }
}

impl Issued {
    /// Whether the token that was shown is the one that everything was got with.
    ///
    /// # Errors
    /// [`AccessRefused`].
    pub fn admit(&self, shown: &ShownToken) -> Result<(), AccessRefused> {
        admit(self.token().ok_or(AccessRefused::Replaced)?, self.bound_to(), shown)
    }
}

fn admit(
    token: &AccessToken,
    bound_to: Option<&KeyThumbprint>,
    shown: &ShownToken,
) -> Result<(), AccessRefused> {
    if *token != shown.token {
        return Err(AccessRefused::Replaced);
    }
    match (bound_to, &shown.proof) {
        (None, None) => Ok(()),
        // RFC 9449 §7.2: a bound token must not be taken as a bearer token
        (Some(_), None) => Err(AccessRefused::Unproven),
        // RFC 9449 §7.1: the key of the proof is the one the token is bound to
        (Some(key), Some(proof)) if key == proof.key() => Ok(()),
        (_, Some(_)) => Err(AccessRefused::OtherKey),
    }
}
