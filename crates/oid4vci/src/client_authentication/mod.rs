//! Who a client is, and how that is proven: registration, public clients, `private_key_jwt`
//! (RFC 7523) and attestation-based client authentication, which HAIP calls wallet attestation.
//!
//! The attestation drafts changed between -07, which OID4VCI 1.0 refers to, and -08: `iss` was required
//! in both tokens and then removed. Both shapes are taken: an `iss` that is there has to be right.

mod assertion;
mod attestation;
mod client;
mod error;

use jiff::Timestamp;
use lanyard_core::json::Object;
use serde_json::Value;

pub use attestation::{AttestationPop, sign_attestation_pop};
pub use client::{ClientId, ClientMethod, RedirectUri, RedirectUriError, RegisteredClient};
pub use error::ClientError;

use crate::{dpop::KeyThumbprint, issuer::Issuer, once::ShownOnce};

/// `token_endpoint_auth_method` of attested clients.
pub const ATTESTED: &str = "attest_jwt_client_auth";

/// `client_assertion_type` of `private_key_jwt` (RFC 7523 §2.2).
pub const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// What a request says about its client; nothing in it is trusted.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientEvidence<'a> {
    /// `client_id`.
    pub client_id: Option<&'a str>,
    /// `OAuth-Client-Attestation` and `OAuth-Client-Attestation-PoP`.
    pub attestation: Option<(&'a str, &'a str)>,
    /// `client_assertion_type` and `client_assertion`.
    pub assertion: Option<(&'a str, &'a str)>,
}

/// Who a client is, as far as that was proven.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Client {
    /// Nobody in particular.
    #[default]
    Anonymous,
    /// A public client says so; nothing was proven.
    Public(ClientId),
    /// It was proven.
    Proven {
        /// The client.
        id: ClientId,
        /// The key of this one instance, when its attestation names one.
        instance: Option<KeyThumbprint>,
    },
}

/// What was found out about a client, and what must not have been seen before.
#[derive(Clone, Debug, Default)]
pub struct KnownClient {
    /// Who it is.
    pub client: Client,
    /// What it showed once.
    pub shown: Option<ShownOnce>,
}

impl Client {
    /// The name of the client, if it has one.
    pub const fn id(&self) -> Option<&ClientId> {
        match self {
            Self::Anonymous => None,
            Self::Public(id) | Self::Proven { id, .. } => Some(id),
        }
    }

    /// The key of the attested instance.
    pub const fn instance(&self) -> Option<&KeyThumbprint> {
        match self {
            Self::Proven { instance, .. } => instance.as_ref(),
            Self::Anonymous | Self::Public(_) => None,
        }
    }

    /// Whether anything was proven.
    pub const fn is_proven(&self) -> bool {
        matches!(self, Self::Proven { .. })
    }
}

impl Issuer {
    /// Finds out who sends a request to the authorization server.
    ///
    /// # Errors
    /// One [`ClientError`] per rule.
    pub async fn authenticate(
        &self,
        evidence: ClientEvidence<'_>,
        now: Timestamp,
    ) -> Result<KnownClient, ClientError> {
        let known = match (evidence.attestation, evidence.assertion) {
            // RFC 6749 §2.3: not more than one method in a request
            (Some(_), Some(_)) => return Err(ClientError::MoreThanOneMethod),
            (Some(pair), None) => self.attested(pair, now).await?,
            (None, Some(assertion)) => self.asserted(assertion, now)?,
            (None, None) => {
                KnownClient { client: self.unauthenticated(evidence.client_id)?, shown: None }
            }
        };
        // draft §6.1, RFC 7523 §3: the name in the form is the name that was proven
        match (evidence.client_id, known.client.id()) {
            (Some(named), Some(id)) if named != id.as_str() => Err(ClientError::OtherClient),
            _ => Ok(known),
        }
    }

    fn unauthenticated(&self, client_id: Option<&str>) -> Result<Client, ClientError> {
        // HAIP §4.4.1: a client authenticates by its attestation, always
        if self.rules().is_client_authentication_required() {
            return Err(ClientError::AuthenticationMissing);
        }
        let registered = client_id.map(ClientId::new).and_then(|id| self.rules().client(&id));
        match registered {
            None => Ok(Client::Anonymous),
            Some(RegisteredClient { id, method: ClientMethod::Public, .. }) => {
                Ok(Client::Public(id.clone()))
            }
            // RFC 6749 §3.2.1: whoever has credentials uses them
            Some(_) => Err(ClientError::AuthenticationMissing),
        }
    }
}

fn text<'c>(claims: &'c Object, name: &str) -> Option<&'c str> {
    claims.get(name).and_then(Value::as_str)
}

/// `aud` as a text, or as a list with that text in it.
fn is_audience(claims: &Object, expected: &str) -> bool {
    match claims.get("aud") {
        Some(Value::String(one)) => one == expected,
        Some(Value::Array(all)) => all.len() == 1 && all[0] == expected,
        _ => false,
    }
}
