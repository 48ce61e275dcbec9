//! SD-JWT by `sd-jwt-payload` (IOTA). It signs and verifies nothing itself: `josekit` does.

use async_trait::async_trait;
use sd_jwt_payload::{
    JsonObject, JwsSigner, KeyBindingJwt, RequiredKeyBinding, SdJwt, SdJwtBuilder, Sha256Hasher,
};
use serde_json::{Value, json};

use crate::{Answer, algorithm_of, josekit_peer, optional_text, text, texts, words};

struct Signer(Value);

#[async_trait]
impl JwsSigner for Signer {
    type Error = String;

    async fn sign(&self, header: &JsonObject, payload: &JsonObject) -> Answer<Vec<u8>> {
        let payload = Value::Object(payload.clone()).to_string();
        let header = Value::Object(header.clone());
        josekit_peer::sign_bytes(payload.as_bytes(), &header, &self.0).map(String::into_bytes)
    }
}

/// `sd-jwt-issue`.
pub async fn issue(request: &Value) -> Answer<Value> {
    let mut builder = SdJwtBuilder::new(&request["claims"]).map_err(words)?;
    for pointer in texts(request, "concealed")? {
        builder = builder.make_concealable(&pointer).map_err(words)?;
    }
    if let Some(holder) = request["holder_jwk"].as_object() {
        builder = builder.require_key_binding(RequiredKeyBinding::Jwk(holder.clone()));
    }
    let header = request["header"].as_object().cloned().unwrap_or_default();
    let issuer = &request["issuer_private_jwk"];
    let credential = builder
        .headers(header)
        .finish(&Signer(issuer.clone()), algorithm_of(issuer)?)
        .await
        .map_err(words)?;
    Ok(json!({ "credential": credential.to_string() }))
}

/// `sd-jwt-present`.
pub async fn present(request: &Value) -> Answer<Value> {
    let hasher = Sha256Hasher::new();
    let mut builder = SdJwt::parse(text(request, "credential")?)
        .and_then(|credential| credential.into_presentation(&hasher))
        .map_err(words)?
        .conceal_all();
    for pointer in texts(request, "disclosed")? {
        builder = builder.disclose(&pointer).map_err(words)?;
    }
    let (mut presentation, _omitted) = builder.finish();
    let holder = &request["holder_private_jwk"];
    let key_binding = KeyBindingJwt::builder()
        .iat(seconds_since_epoch()?)
        .aud(text(request, "audience")?)
        .nonce(text(request, "nonce")?)
        .finish(&presentation, &hasher, algorithm_of(holder)?, &Signer(holder.clone()))
        .await
        .map_err(words)?;
    presentation.attach_key_binding_jwt(key_binding);
    Ok(json!({ "presentation": presentation.to_string() }))
}

/// `sd-jwt-verify`.
pub fn verify(request: &Value) -> Answer<Value> {
    let text_form = text(request, "presentation")?;
    let (jwt, _) = text_form.split_once('~').ok_or("no tilde")?;
    josekit_peer::verify(&json!({ "jws": jwt, "jwk": request["issuer_jwk"] }))?;
    let presentation = SdJwt::parse(text_form).map_err(words)?;
    let holder = match presentation.required_key_bind() {
        Some(RequiredKeyBinding::Jwk(holder)) => Value::Object(holder.clone()),
        _ => Value::Null,
    };

    if let Some(nonce) = optional_text(request, "nonce") {
        let key_binding = presentation.key_binding_jwt().ok_or("there is no KB-JWT")?;
        josekit_peer::verify(&json!({ "jws": key_binding.to_string(), "jwk": holder }))?;
        let claims = key_binding.claims();
        if claims.nonce != nonce || claims.aud != text(request, "audience")? {
            return Err("nonce or audience is another".to_owned());
        }
        let hashed = &text_form[..=text_form.rfind('~').ok_or("no tilde")?];
        if claims.sd_hash != sd_jwt_payload::Hasher::encoded_digest(&Sha256Hasher::new(), hashed) {
            return Err("sd_hash does not fit".to_owned());
        }
    }
    let claims = presentation.into_disclosed_object(&Sha256Hasher::new()).map_err(words)?;
    Ok(json!({ "claims": claims }))
}

fn seconds_since_epoch() -> Answer<i64> {
    let elapsed = std::time::UNIX_EPOCH.elapsed().map_err(words)?;
    i64::try_from(elapsed.as_secs()).map_err(words)
}
