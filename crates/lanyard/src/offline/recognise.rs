//! What a text is: which format, and whether a credential or a presentation of it.

use lanyard_core::{
    cbor,
    credential::Format,
    json::{self, Object},
};
use serde_json::Value;

/// A credential or a presentation, by its looks; nothing about it is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// The format.
    pub format: Format,
    /// Whether a holder presents it.
    pub presented: bool,
}

/// Tells the format of a text; none when it is of no format.
#[must_use]
pub fn recognise(text: &str) -> Option<Recognised> {
    let text = text.trim();
    let found = |format, presented| Some(Recognised { format, presented });
    if text.starts_with('{') {
        let document = json::parse_object(text.as_bytes()).ok()?;
        let is_presentation = names(&document, "VerifiablePresentation");
        let is_credential = names(&document, "VerifiableCredential");
        return if is_presentation || is_credential {
            found(Format::LdpVc, is_presentation)
        } else {
            None
        };
    }
    if let Some((jwt, rest)) = text.split_once('~') {
        let presented = !rest.is_empty() && !rest.ends_with('~');
        return match part(jwt, 0)?.get("typ").and_then(Value::as_str)? {
            "vc+sd-jwt" => found(Format::VcSdJwt, presented),
            _ => found(Format::SdJwtVc, presented),
        };
    }
    if text.matches('.').count() == 2 {
        let (header, claims) = (part(text, 0)?, part(text, 1)?);
        return match header.get("typ").and_then(Value::as_str) {
            Some("vp+jwt") => found(Format::VcJwt, true),
            Some("vc+jwt") => found(Format::VcJwt, false),
            _ if claims.contains_key("vp") => found(Format::JwtVcJson, true),
            _ if claims.contains_key("vc") => found(Format::JwtVcJson, false),
            _ if names(&claims, "VerifiablePresentation") => found(Format::VcJwt, true),
            _ if names(&claims, "VerifiableCredential") => found(Format::VcJwt, false),
            _ => None,
        };
    }
    let bytes = json::base64url_decode(text).ok()?;
    let item = cbor::Item::parse(&bytes).ok()?;
    match (item.get("issuerAuth").is_some(), item.get("documents").is_some()) {
        (true, _) => found(Format::MsoMdoc, false),
        (_, true) => found(Format::MsoMdoc, true),
        _ => None,
    }
}

/// One part of a compact JWS as a JSON object.
fn part(compact: &str, position: usize) -> Option<Object> {
    let bytes = json::base64url_decode(compact.split('.').nth(position)?).ok()?;
    json::parse_object(&bytes).ok()
}

fn names(document: &Object, kind: &str) -> bool {
    match document.get("type") {
        Some(Value::String(one)) => one == kind,
        Some(Value::Array(many)) => many.iter().any(|one| one == kind),
        _ => false,
    }
}
