//! `GET /.well-known/openid-credential-issuer/{tenant}` and its authorization server's sibling
//! (OID4VCI §12.2, §12.3, RFC 8414 §3).

use axum::{
    extract::State,
    http::{HeaderMap, header::ACCEPT},
    response::Response,
};
use lanyard_oid4vci::metadata::SIGNED_METADATA;

use super::{Failure, paths::AtTenant, replies};
use crate::{IssuerError, IssuerService};

pub(crate) async fn issuer(
    State(service): State<IssuerService>,
    AtTenant(tenant): AtTenant,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    // OID4VCI §12.2.2: JSON, unless the wallet asks for the signed form
    if prefers_signed(&headers) {
        let signed = tenant.issuer.signed_metadata(service.now()).await;
        let signed = signed.map_err(|_| IssuerError::SigningKeyUnavailable)?;
        if let Some(signed) = signed {
            return Ok(replies::public_metadata(signed, SIGNED_METADATA));
        }
    }
    Ok(replies::public_metadata(tenant.issuer_metadata.clone(), "application/json"))
}

/// RFC 9110 §12.5.1, as far as two media types need it: the heavier one, JSON where both weigh the same.
fn prefers_signed(headers: &HeaderMap) -> bool {
    let (mut signed, mut plain) = (0.0_f32, 0.0_f32);
    let values = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        let weight = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
        match essence.as_str() {
            SIGNED_METADATA => signed = weight,
            "application/json" | "application/*" | "*/*" => plain = f32::max(plain, weight),
            _ => {}
        }
    }
    signed > plain
}

pub(crate) async fn server(AtTenant(tenant): AtTenant) -> Response {
    replies::public_document(tenant.server_metadata.clone())
}
