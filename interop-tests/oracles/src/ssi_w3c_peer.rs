//! W3C credentials by `ssi` (SpruceID) as JWTs of VC-JOSE-COSE. Keys are private JWKs, and named by their did:key.

use serde_json::{Value, json};
use ssi::JWK;
use ssi::claims::vc::v2::JsonCredential;
use ssi::claims::vc_jose_cose::JoseVc;
use ssi::claims::{JwsBuf, JwsPayload as _, VerificationParameters};
use ssi::dids::{AnyDidMethod, DIDKey, DIDResolver as _, DIDURLBuf};
use ssi::verification_methods::AnyJwkMethod;

use crate::{Answer, algorithm_of, text, words};

/// `vc-jwt-issue`: `credential`, `private_jwk`.
pub async fn issue_jwt(request: &Value) -> Answer<Value> {
    let mut key = jwk(&request["private_jwk"])?;
    key.key_id = Some(method(&key)?.to_string());
    let credential: JsonCredential = read(&request["credential"])?;
    let jwt = JoseVc(credential).sign(&key).await.map_err(words)?;
    Ok(json!({ "jwt": jwt.to_string() }))
}

/// `vc-jwt-verify`: `jwt`.
pub async fn verify_jwt(request: &Value) -> Answer<Value> {
    let jwt = JwsBuf::new(text(request, "jwt")?.to_owned()).map_err(|_| "not a JWS".to_owned())?;
    let decoded = JoseVc::<JsonCredential>::decode(&jwt).map_err(words)?;
    let resolver = AnyDidMethod::default().into_vm_resolver::<AnyJwkMethod>();
    let parameters = VerificationParameters::from_resolver(resolver);
    decoded.verify(parameters).await.map_err(words)?.map_err(words)?;
    let header = json!({ "typ": decoded.header().type_ });
    Ok(json!({ "credential": decoded.signing_bytes.payload.0, "header": header }))
}

pub(crate) fn jwk(value: &Value) -> Answer<JWK> {
    algorithm_of(value)?;
    read(value)
}

/// The did:key of a key, with its one method.
pub(crate) fn method(key: &JWK) -> Answer<DIDURLBuf> {
    DIDKey::generate_url(&key.to_public()).map_err(words)
}

pub(crate) fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Answer<T> {
    serde_json::from_value(value.clone()).map_err(words)
}
