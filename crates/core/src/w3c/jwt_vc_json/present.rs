//! Signing a presentation (VCDM 1.1 §6.3.1, OID4VP 1.0 App. B.1.3.1).

use serde_json::Value;

use super::{
    super::{
        BASE_CONTEXT_V1,
        vc_jose_cose::{PresentVpError, PresentationRequest},
    },
    HeldJwtVc, TYP,
};
use crate::{jose, json::Object};

/// Signs a presentation of these credentials, useless for any other request.
///
/// # Errors
/// One [`PresentVpError`] per rule.
pub async fn present(
    credentials: &[&HeldJwtVc],
    request: &PresentationRequest<'_>,
) -> Result<String, PresentVpError> {
    for credential in credentials {
        request.check(credential.binding())?;
    }
    let jwts = credentials.iter().map(|credential| Value::from(credential.as_str()));
    let mut vp = Object::from_iter([
        ("@context".to_owned(), Value::Array(vec![BASE_CONTEXT_V1.into()])),
        ("type".to_owned(), Value::Array(vec!["VerifiablePresentation".into()])),
        ("verifiableCredential".to_owned(), jwts.collect()),
    ]);
    // VCDM 1.1 §6.3.1: iss stands for the holder
    if let Some(did) = request.did() {
        vp.insert("holder".to_owned(), did.as_str().into());
    }
    let mut claims = request.claims();
    claims.insert("vp".to_owned(), vp.into());
    Ok(jose::sign(request.header(TYP), &claims, request.signer).await?)
}
