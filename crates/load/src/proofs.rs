//! What a wallet signs on its way to a credential.

use lanyard_core::{
    crypto::{
        AwsLc, CryptoProvider as _, Curve, HashAlgorithm, Random as _, Signer, SoftwareSigner,
    },
    jose::{self, Jwk},
    json::{self, Object},
};
use serde_json::{Value, json};
use url::Url;

use crate::{clock, failure::Failure};

/// A key as a wallet makes it for one credential.
pub(crate) fn fresh_key() -> Result<SoftwareSigner, Failure> {
    Ok(SoftwareSigner::new(&AwsLc, &AwsLc.generate_key(Curve::P256)?)?)
}

/// The `jwt` key proof (OID4VCI 1.0 App. F.1).
pub(crate) async fn key_proof(
    key: &dyn Signer,
    issuer: &Url,
    nonce: &str,
) -> Result<String, Failure> {
    let claims = json!({ "aud": issuer.as_str(), "iat": now(), "nonce": nonce });
    sign(headed("openid4vci-proof+jwt", Some(key)), &claims, key).await
}

/// A DPoP proof for one POST (RFC 9449 §4.2).
pub(crate) async fn dpop_proof(
    key: &dyn Signer,
    place: &Url,
    nonce: &str,
    token: Option<&str>,
) -> Result<String, Failure> {
    let mut claims = json!({
        "jti": identifier(), "htm": "POST", "htu": place.as_str(), "iat": now(), "nonce": nonce,
    });
    if let Some(token) = token {
        claims["ath"] = json!(digest(token));
    }
    sign(headed("dpop+jwt", Some(key)), &claims, key).await
}

/// An attestation of a wallet's key, with the chain of its attester (OAuth attestation-based client
/// authentication).
pub(crate) async fn attestation(
    attester: &dyn Signer,
    chain: &[String],
    client: &str,
    key: &dyn Signer,
) -> Result<String, Failure> {
    let mut header = headed("oauth-client-attestation+jwt", None);
    header.insert("x5c".to_owned(), json!(chain));
    let jwk = Jwk::new(*key.public_key()).to_value();
    let claims = json!({ "sub": client, "iat": now(), "exp": now() + 3600, "cnf": { "jwk": jwk } });
    sign(header, &claims, attester).await
}

/// The proof that the wallet has the key of its attestation.
pub(crate) async fn attestation_proof(
    key: &dyn Signer,
    issuer: &Url,
    challenge: &str,
) -> Result<String, Failure> {
    let claims = json!({
        "aud": issuer.as_str(), "jti": identifier(), "iat": now(), "challenge": challenge,
    });
    sign(headed("oauth-client-attestation-pop+jwt", None), &claims, key).await
}

/// A PKCE verifier and its challenge (RFC 7636 §4.1, §4.2).
pub(crate) fn code_verifier() -> (String, String) {
    let verifier = identifier();
    let challenge = digest(&verifier);
    (verifier, challenge)
}

fn headed(typ: &str, key: Option<&dyn Signer>) -> Object {
    let mut header = Object::from_iter([("typ".to_owned(), json!(typ))]);
    if let Some(key) = key {
        header.insert("jwk".to_owned(), Jwk::new(*key.public_key()).to_value());
    }
    header
}

async fn sign(header: Object, claims: &Value, key: &dyn Signer) -> Result<String, Failure> {
    Ok(jose::sign(header, claims, key).await?)
}

/// 256 random bits.
pub(crate) fn identifier() -> String {
    let mut bytes = [0; 32];
    AwsLc.fill(&mut bytes);
    json::base64url(bytes)
}

fn digest(text: &str) -> String {
    json::base64url(AwsLc.hash(HashAlgorithm::Sha256, text.as_bytes()).as_bytes())
}

fn now() -> i64 {
    clock::now().as_second()
}
