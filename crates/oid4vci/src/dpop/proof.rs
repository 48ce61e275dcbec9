//! The sender's half.

use jiff::Timestamp;
use lanyard_core::{
    crypto::{CryptoProvider, Signer, SignerError},
    jose::{self, Jwk},
    json::{self, Object},
};
use serde_json::json;
use url::Url;

use super::check::{SLOT, hash};
use crate::{AccessToken, nonce::DpopNonce};

/// The request that a proof is made for.
#[derive(Clone, Copy, Debug)]
pub struct Proven<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its URL; query and fragment are left out of the proof.
    pub url: &'a Url,
    /// The access token that it shows, at a resource.
    pub access_token: Option<&'a AccessToken>,
    /// The last nonce that this server gave.
    pub nonce: Option<&'a DpopNonce>,
}

/// Signs a proof for one request (RFC 9449 §4.2).
///
/// # Errors
/// [`SignerError`] as the key's home gives it.
pub async fn sign_dpop_proof(
    signer: &dyn Signer,
    proven: Proven<'_>,
    provider: &dyn CryptoProvider,
    now: Timestamp,
) -> Result<String, SignerError> {
    let mut header = Object::new();
    header.insert("typ".to_owned(), json!(SLOT.typ[0]));
    header.insert("jwk".to_owned(), Jwk::new(*signer.public_key()).to_value());
    let mut place = proven.url.clone();
    place.set_query(None);
    place.set_fragment(None);
    // §4.2: at least 96 bits of randomness
    let mut identifier = [0; 16];
    provider.fill(&mut identifier);
    let mut claims = Object::new();
    claims.insert("jti".to_owned(), json!(json::base64url(identifier)));
    claims.insert("htm".to_owned(), json!(proven.method));
    claims.insert("htu".to_owned(), json!(place.as_str()));
    claims.insert("iat".to_owned(), json!(now.as_second()));
    if let Some(token) = proven.access_token {
        claims.insert("ath".to_owned(), json!(hash(token, provider)));
    }
    if let Some(nonce) = proven.nonce {
        claims.insert("nonce".to_owned(), json!(nonce.reveal()));
    }
    jose::sign(header, &claims, signer).await
}
