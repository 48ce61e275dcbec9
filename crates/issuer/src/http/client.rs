//! Who sends a form to the authorization server: headers and form together.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
    response::Response,
};
use jiff::Timestamp;
use lanyard_oid4vci::{
    client_authentication::{ClientError, ClientEvidence},
    dpop::DpopError,
    issuer::Sender,
    nonce::AttestationChallenge,
};
use lanyard_store::{SessionId, StoreError};

use super::{At, Failure, dpop::Proof};
use crate::{IssuerService, tenant::Tenant};

const ATTESTATION: HeaderName = HeaderName::from_static("oauth-client-attestation");
const POP: HeaderName = HeaderName::from_static("oauth-client-attestation-pop");
pub(super) const CHALLENGE: HeaderName =
    HeaderName::from_static("oauth-client-attestation-challenge");

/// A refused client, and the challenge that the next proof may use.
#[derive(Debug)]
pub(crate) struct RefusedClient {
    pub(crate) error: ClientError,
    pub(crate) challenge: Option<AttestationChallenge>,
}

/// What the headers say about the client, not judged yet.
pub(crate) struct ClientHeaders(Result<Option<(String, String)>, ClientError>);

impl FromRequestParts<IssuerService> for ClientHeaders {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &IssuerService,
    ) -> Result<Self, Self::Rejection> {
        Ok(Self(pair(&parts.headers)))
    }
}

impl ClientHeaders {
    /// The attestation and its proof of possession, for whoever reads the form beside it.
    pub(crate) fn attestation(&self) -> Result<Option<(&str, &str)>, ClientError> {
        match &self.0 {
            Ok(pair) => Ok(pair.as_ref().map(|(one, other)| (one.as_str(), other.as_str()))),
            Err(error) => Err(error.clone()),
        }
    }
}

/// Exactly one of each, or neither.
fn pair(headers: &HeaderMap) -> Result<Option<(String, String)>, ClientError> {
    match (one(headers, ATTESTATION)?, one(headers, POP)?) {
        (None, None) => Ok(None),
        (Some(attestation), Some(pop)) => Ok(Some((attestation, pop))),
        _ => Err(ClientError::AttestationHeaders),
    }
}

fn one(headers: &HeaderMap, name: HeaderName) -> Result<Option<String>, ClientError> {
    let mut found = headers.get_all(name).iter();
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => {
            let text = value.to_str().map_err(|_| ClientError::AttestationHeaders)?;
            Ok(Some(text.to_owned()))
        }
        (Some(_), Some(_)) => Err(ClientError::AttestationHeaders),
    }
}

impl IssuerService {
    /// Who sends this, with everything that was proven.
    pub(crate) async fn sender(
        &self,
        tenant: &Tenant,
        proof: Proof,
        evidence: Result<ClientEvidence<'_>, ClientError>,
    ) -> Result<Sender, Failure> {
        let known = match evidence {
            Ok(evidence) => tenant.issuer.authenticate(evidence, self.now()).await,
            Err(error) => Err(error),
        };
        let known = known.map_err(|error| self.refuse_client(tenant, error))?;
        Ok(Sender::new(known, proof.0))
    }

    fn refuse_client(&self, tenant: &Tenant, error: ClientError) -> Failure {
        let wants = matches!(error, ClientError::Challenge(_));
        let challenge = wants.then(|| tenant.issuer.challenge(self.now()).attestation_challenge);
        Failure::Client(Box::new(RefusedClient { error, challenge }))
    }

    /// What the store refused to write of a step: most likely a replay, which the trail tells of.
    pub(crate) async fn refuse_replay(
        &self,
        tenant: &Tenant,
        (session, now): (SessionId, Timestamp),
        error: StoreError,
        sender: &Sender,
    ) -> Failure {
        if error == StoreError::SeenBefore {
            self.trace_refusal(tenant, session, now, "proof_replayed").await;
        }
        self.refuse_unkept(tenant, error, sender)
    }

    /// The same, where no session was begun.
    pub(crate) fn refuse_unkept(
        &self,
        tenant: &Tenant,
        error: StoreError,
        sender: &Sender,
    ) -> Failure {
        match error {
            StoreError::SeenBefore if sender.proof.is_some() => {
                self.refuse_proof(tenant, DpopError::Replayed, At::AuthorizationServer)
            }
            StoreError::SeenBefore => self.refuse_client(tenant, ClientError::Replayed),
            error => error.into(),
        }
    }

    /// Gives along what the next request of this sender needs, so that it needs no second try.
    pub(crate) fn with_nonces(
        &self,
        tenant: &Tenant,
        sender: &Sender,
        mut response: Response,
    ) -> Response {
        if sender.client.instance().is_some() {
            let challenge = tenant.issuer.challenge(self.now()).attestation_challenge;
            response.headers_mut().insert(CHALLENGE, challenge_value(&challenge));
        }
        match sender.proof {
            Some(_) => self.with_dpop_nonce(tenant, response),
            None => response,
        }
    }
}

pub(super) fn challenge_value(challenge: &AttestationChallenge) -> HeaderValue {
    HeaderValue::from_str(challenge.reveal()).expect("base64url is visible ASCII")
}
