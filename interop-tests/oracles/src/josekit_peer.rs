//! JWS and JWE by `josekit` (OpenSSL).

use josekit::jwe::{self, JweHeader};
use josekit::jwk::Jwk;
use josekit::jws::{self, JwsHeader, JwsSigner, JwsVerifier};
use serde_json::{Value, json};

use crate::{Answer, algorithm_of, optional_text, text, words};

fn jwk(value: &Value) -> Answer<Jwk> {
    Jwk::from_bytes(value.to_string()).map_err(words)
}

fn signer(private_jwk: &Value) -> Answer<Box<dyn JwsSigner>> {
    let key = jwk(private_jwk)?;
    Ok(match algorithm_of(private_jwk)? {
        "ES256" => Box::new(jws::ES256.signer_from_jwk(&key).map_err(words)?),
        "ES384" => Box::new(jws::ES384.signer_from_jwk(&key).map_err(words)?),
        _ => Box::new(jws::EdDSA.signer_from_jwk(&key).map_err(words)?),
    })
}

fn verifier(public_jwk: &Value) -> Answer<Box<dyn JwsVerifier>> {
    let key = jwk(public_jwk)?;
    Ok(match algorithm_of(public_jwk)? {
        "ES256" => Box::new(jws::ES256.verifier_from_jwk(&key).map_err(words)?),
        "ES384" => Box::new(jws::ES384.verifier_from_jwk(&key).map_err(words)?),
        _ => Box::new(jws::EdDSA.verifier_from_jwk(&key).map_err(words)?),
    })
}

/// Signs a payload as a compact JWS; `alg` follows from the key.
pub(crate) fn sign_bytes(payload: &[u8], header: &Value, private_jwk: &Value) -> Answer<String> {
    let members = header.as_object().cloned().unwrap_or_default();
    let header = JwsHeader::from_map(members).map_err(words)?;
    jws::serialize_compact(payload, &header, &*signer(private_jwk)?).map_err(words)
}

/// `jws-sign`.
pub fn sign(request: &Value) -> Answer<Value> {
    let jws = sign_bytes(
        text(request, "payload")?.as_bytes(),
        &request["header"],
        &request["private_jwk"],
    )?;
    Ok(json!({ "jws": jws }))
}

/// `jws-verify`.
pub fn verify(request: &Value) -> Answer<Value> {
    let (payload, header) =
        jws::deserialize_compact(text(request, "jws")?, &*verifier(&request["jwk"])?)
            .map_err(words)?;
    let payload = String::from_utf8(payload).map_err(words)?;
    Ok(json!({ "payload": payload, "header": header.claims_set() }))
}

/// `jwe-encrypt`, ECDH-ES only.
pub fn encrypt(request: &Value) -> Answer<Value> {
    let mut header = JweHeader::new();
    header.set_content_encryption(text(request, "enc")?);
    if let Some(kid) = optional_text(request, "kid") {
        header.set_key_id(kid);
    }
    let encrypter = jwe::ECDH_ES.encrypter_from_jwk(&jwk(&request["jwk"])?).map_err(words)?;
    let jwe = jwe::serialize_compact(text(request, "plaintext")?.as_bytes(), &header, &encrypter)
        .map_err(words)?;
    Ok(json!({ "jwe": jwe }))
}

/// `jwe-decrypt`, ECDH-ES only.
pub fn decrypt(request: &Value) -> Answer<Value> {
    let decrypter =
        jwe::ECDH_ES.decrypter_from_jwk(&jwk(&request["private_jwk"])?).map_err(words)?;
    let (plaintext, header) =
        jwe::deserialize_compact(text(request, "jwe")?, &decrypter).map_err(words)?;
    let plaintext = String::from_utf8(plaintext).map_err(words)?;
    Ok(json!({ "plaintext": plaintext, "header": header.claims_set() }))
}
