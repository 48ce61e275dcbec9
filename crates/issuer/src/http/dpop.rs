//! The `DPoP` header (RFC 9449): at the authorization server beside the form, at the issuer beside the
//! access token.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderName, HeaderValue, request::Parts},
    response::Response,
};
use lanyard_oid4vci::{
    AccessToken,
    dpop::{DpopError, VerifiedDpopProof},
    issuer::ShownToken,
    nonce::DpopNonce,
};
use lanyard_service::http::authorization::{self, AuthorizationFault, Scheme};
use url::Url;

use super::{BearerFault, Failure, paths::AtTenant};
use crate::{IssuerService, tenant::Tenant};

const DPOP: HeaderName = HeaderName::from_static("dpop");
pub(super) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Which of the two servers refuses: they answer differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// RFC 9449 §8: 400.
    AuthorizationServer,
    /// RFC 9449 §9: 401 with a challenge.
    Resource,
}

/// A refused proof, and the nonce that the next one may use.
#[derive(Debug)]
pub(crate) struct RefusedProof {
    pub(crate) error: DpopError,
    pub(crate) at: At,
    pub(crate) nonce: DpopNonce,
}

/// The key that a request to the authorization server proved, if any.
pub(crate) struct Proof(pub(crate) Option<VerifiedDpopProof>);

/// The access token of a wallet, with the key that was proven beside it.
pub(crate) struct Access(pub(crate) ShownToken);

impl FromRequestParts<IssuerService> for Proof {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &IssuerService,
    ) -> Result<Self, Failure> {
        let AtTenant(tenant) = AtTenant::from_request_parts(parts, service).await?;
        let proof = header(&parts.headers).and_then(|header| match header {
            Some(compact) => verify(service, &tenant, parts, compact, None).map(Some),
            None => Ok(None),
        });
        proof
            .map(Self)
            .map_err(|error| service.refuse_proof(&tenant, error, At::AuthorizationServer))
    }
}

impl FromRequestParts<IssuerService> for Access {
    type Rejection = Failure;

    async fn from_request_parts(
        parts: &mut Parts,
        service: &IssuerService,
    ) -> Result<Self, Failure> {
        let AtTenant(tenant) = AtTenant::from_request_parts(parts, service).await?;
        let (scheme, token) =
            authorization::token(&parts.uri, &parts.headers).map_err(|fault| match fault {
                // RFC 9449 §7.1: the scheme that is taken here
                AuthorizationFault::Missing if tenant.issuer.rules().is_dpop_required() => {
                    BearerFault::MissingForKey
                }
                fault => fault.into(),
            })?;
        let token = AccessToken::new(token);
        if scheme == Scheme::Bearer {
            return Ok(Self(ShownToken { token, proof: None }));
        }
        let proof = header(&parts.headers)
            .and_then(|header| header.ok_or(DpopError::Missing))
            .and_then(|compact| verify(service, &tenant, parts, compact, Some(&token)));
        match proof {
            Ok(proof) => Ok(Self(ShownToken { token, proof: Some(proof) })),
            Err(error) => Err(service.refuse_proof(&tenant, error, At::Resource)),
        }
    }
}

/// RFC 9449 §4.3(1): not more than one header.
fn header(headers: &HeaderMap) -> Result<Option<&str>, DpopError> {
    let mut found = headers.get_all(DPOP).iter();
    match (found.next(), found.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(Some).map_err(|_| DpopError::Unreadable),
        (Some(_), Some(_)) => Err(DpopError::Repeated),
    }
}

fn verify(
    service: &IssuerService,
    tenant: &Tenant,
    parts: &Parts,
    compact: &str,
    token: Option<&AccessToken>,
) -> Result<VerifiedDpopProof, DpopError> {
    tenant.issuer.check_proof(
        compact,
        &place(&service.environment().base_url, parts),
        token,
        service.now(),
    )
}

/// The URL of the request as configured: what Host and Forwarded say about it is ignored.
fn place(base: &Url, parts: &Parts) -> Url {
    let mut place = base.clone();
    place.set_path(parts.uri.path());
    place
}

impl IssuerService {
    /// The refusal of a proof, with a fresh nonce for the next one.
    pub(crate) fn refuse_proof(&self, tenant: &Tenant, error: DpopError, at: At) -> Failure {
        let nonce = tenant.issuer.dpop_nonce(self.now());
        Failure::Proof(Box::new(RefusedProof { error, at, nonce }))
    }

    /// Gives a nonce along, so that the next proof needs no second try (RFC 9449 §8.2).
    pub(crate) fn with_dpop_nonce(&self, tenant: &Tenant, mut response: Response) -> Response {
        let nonce = tenant.issuer.dpop_nonce(self.now());
        response.headers_mut().insert(DPOP_NONCE, header_value(&nonce));
        response
    }
}

pub(super) fn header_value(nonce: &DpopNonce) -> HeaderValue {
    HeaderValue::from_str(nonce.reveal()).expect("base64url is visible ASCII")
}
