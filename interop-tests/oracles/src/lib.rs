//! What `ssi`, `isomdl`, `josekit` and `sd-jwt-payload` do with the same JSON in and out.

pub mod isomdl_peer;
pub mod josekit_peer;
pub mod lanyard_peer;
pub mod sd_jwt_payload_peer;
pub mod ssi_data_integrity_peer;
pub mod ssi_peer;
pub mod ssi_w3c_peer;

use serde_json::Value;

/// A JSON object, or what went wrong in words.
pub type Answer<T> = Result<T, String>;

pub(crate) fn text<'a>(request: &'a Value, member: &str) -> Answer<&'a str> {
    request[member].as_str().ok_or_else(|| format!("`{member}` must be a string"))
}

pub(crate) fn texts(request: &Value, member: &str) -> Answer<Vec<String>> {
    serde_json::from_value(request[member].clone()).map_err(|error| format!("`{member}`: {error}"))
}

pub(crate) fn optional_text<'a>(request: &'a Value, member: &str) -> Option<&'a str> {
    request[member].as_str()
}

pub(crate) fn words(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The JWS algorithm that belongs to the curve of a JWK.
pub(crate) fn algorithm_of(jwk: &Value) -> Answer<&'static str> {
    match jwk["crv"].as_str() {
        Some("P-256") => Ok("ES256"),
        Some("P-384") => Ok("ES384"),
        Some("Ed25519") => Ok("EdDSA"),
        other => Err(format!("no algorithm for curve {other:?}")),
    }
}
