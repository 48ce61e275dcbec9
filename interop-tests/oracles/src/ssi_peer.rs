//! JWS, SD-JWT and DIDs by `ssi` (SpruceID).

use serde_json::{Value, json};
use ssi::JWK;
use ssi::claims::jws::{Header, decode_verify, encode_sign_custom_header};
use ssi::claims::sd_jwt::{KbJwtPayload, SdAlg, SdJwt, SdJwtPayload};
use ssi::claims::{JwsPayload, VerificationParameters};
use ssi::dids::{AnyDidMethod, DIDBuf, DIDResolver};
use ssi::json_pointer::JsonPointerBuf;

use crate::{Answer, algorithm_of, optional_text, text, texts, words};

fn jwk(value: &Value) -> Answer<JWK> {
    serde_json::from_value(value.clone()).map_err(words)
}

fn pointers(request: &Value, member: &str) -> Answer<Vec<JsonPointerBuf>> {
    texts(request, member)?
        .into_iter()
        .map(|pointer| pointer.parse().map_err(|_| format!("`{pointer}` is not a JSON pointer")))
        .collect()
}

fn sign_text(payload: &str, header: &Value, private_jwk: &Value) -> Answer<String> {
    let mut members = header.as_object().cloned().unwrap_or_default();
    members.insert("alg".to_owned(), json!(algorithm_of(private_jwk)?));
    let header: Header = serde_json::from_value(Value::Object(members)).map_err(words)?;
    encode_sign_custom_header(payload, &jwk(private_jwk)?, &header).map_err(words)
}

/// `jws-sign`.
pub fn sign(request: &Value) -> Answer<Value> {
    let jws = sign_text(text(request, "payload")?, &request["header"], &request["private_jwk"])?;
    Ok(json!({ "jws": jws }))
}

/// `jws-verify`.
pub fn verify(request: &Value) -> Answer<Value> {
    let (header, payload) =
        decode_verify(text(request, "jws")?, &jwk(&request["jwk"])?).map_err(words)?;
    let payload = String::from_utf8(payload).map_err(words)?;
    Ok(json!({ "payload": payload, "header": header }))
}

/// `sd-jwt-issue`. `ssi` sets no `typ`, so the payload is signed with the header that was asked for.
pub fn issue(request: &Value) -> Answer<Value> {
    let mut claims = request["claims"].clone();
    if request["holder_jwk"].is_object() {
        claims["cnf"] = json!({ "jwk": request["holder_jwk"] });
    }
    let (payload, disclosures) =
        SdJwtPayload::conceal(&claims, SdAlg::Sha256, &pointers(request, "concealed")?)
            .map_err(words)?;
    let payload = serde_json::to_string(&payload).map_err(words)?;
    let jwt = sign_text(&payload, &request["header"], &request["issuer_private_jwk"])?;
    let disclosures: String =
        disclosures.iter().map(|disclosure| format!("{}~", disclosure.encoded)).collect();
    Ok(json!({ "credential": format!("{jwt}~{disclosures}") }))
}

/// `sd-jwt-present`.
pub async fn present(request: &Value) -> Answer<Value> {
    let credential = SdJwt::new(text(request, "credential")?).map_err(words)?;
    let mut presentation = credential
        .decode_reveal_any()
        .map_err(words)?
        .retaining(&pointers(request, "disclosed")?)
        .into_encoded();
    let holder = jwk(&request["holder_private_jwk"])?;
    let (audience, nonce) = (text(request, "audience")?, text(request, "nonce")?);
    let key_binding =
        KbJwtPayload::new(audience.to_owned(), nonce.to_owned(), SdAlg::Sha256, &presentation)
            .sign(&holder)
            .await
            .map_err(words)?;
    presentation.set_kb(&key_binding);
    Ok(json!({ "presentation": presentation }))
}

/// `sd-jwt-verify`. `ssi` leaves nonce, audience, `sd_hash` and the holder's key to its caller: here they are.
pub async fn verify_presentation(request: &Value) -> Answer<Value> {
    let presentation = SdJwt::new(text(request, "presentation")?).map_err(words)?;
    let issuer = jwk(&request["issuer_jwk"])?;
    let (revealed, verification) = presentation
        .decode_reveal_verify_any(VerificationParameters::from_resolver(issuer))
        .await
        .map_err(words)?;
    verification.map_err(words)?;
    let claims = serde_json::to_value(revealed.claims()).map_err(words)?;

    if let Some(nonce) = optional_text(request, "nonce") {
        let key_binding = presentation.decode_kb().map_err(words)?.ok_or("there is no KB-JWT")?;
        let payload = &key_binding.signing_bytes.payload;
        if payload.nonce.0 != nonce {
            return Err("the nonce is another".to_owned());
        }
        if payload.aud != text(request, "audience")? {
            return Err("the audience is another".to_owned());
        }
        if !payload.sd_hash.verify(revealed.sd_alg, presentation) {
            return Err("sd_hash does not fit".to_owned());
        }
        let holder = jwk(&claims["cnf"]["jwk"])?;
        key_binding
            .verify(VerificationParameters::from_resolver(holder))
            .await
            .map_err(words)?
            .map_err(words)?;
    }
    Ok(json!({ "claims": claims }))
}

/// `did-resolve`, for the methods that need no network.
pub async fn resolve(request: &Value) -> Answer<Value> {
    let did: DIDBuf = text(request, "did")?.parse().map_err(|_| "not a DID".to_owned())?;
    let output = AnyDidMethod::default().resolve(&did).await.map_err(words)?;
    Ok(json!({ "document": output.document.document() }))
}
