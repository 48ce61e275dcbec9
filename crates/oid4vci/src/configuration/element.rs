//! Claims in JSON become the elements of an mdoc.

use lanyard_core::{
    cbor, json,
    json::Object,
    mdoc::{ElementName, ElementType, IssuerNameSpaces},
};
use serde_json::Value;

use super::{ClaimValue, CredentialConfiguration, SubjectClaimsError};

/// The elements of all namespaces: of the type that the standard gives them, else of the configured one.
pub(crate) fn name_spaces(
    configuration: &CredentialConfiguration,
    claims: &Object,
) -> Result<IssuerNameSpaces, SubjectClaimsError> {
    let mut all = IssuerNameSpaces::new();
    for (name_space, elements) in claims {
        for (identifier, value) in elements.as_object().into_iter().flatten() {
            let name = ElementName::parse(name_space.as_str(), identifier.as_str());
            let path = lanyard_core::claims::ClaimsPath::key(name_space.as_str())
                .then_key(identifier.as_str());
            let Ok(name) = name else { return Err(SubjectClaimsError::NotConfigured(path)) };
            let configured = configuration.claims.iter().find(|claim| claim.path == path);
            let configured = configured.map_or(ClaimValue::Any, |claim| claim.value);
            let standard = ElementType::of(&name.name_space, identifier);
            let value =
                element(standard, configured, value).ok_or(SubjectClaimsError::WrongValue(path))?;
            all = all.with(&name, value);
        }
    }
    Ok(all)
}

fn element(standard: ElementType, configured: ClaimValue, value: &Value) -> Option<cbor::Value> {
    match (standard, configured) {
        // ISO/IEC 18013-5 §7.2.1: a portrait is the bytes of its file
        (ElementType::Bytes | ElementType::Any, ClaimValue::Image) => picture(value.as_str()?),
        (ElementType::Any, ClaimValue::Date) => ElementType::FullDate.value(value),
        _ => standard.value(value),
    }
}

/// The bytes in a `data:` URL of a picture.
fn picture(url: &str) -> Option<cbor::Value> {
    let (head, text) = url.strip_prefix("data:image/")?.split_once(',')?;
    head.ends_with(";base64").then_some(())?;
    let text = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    json::base64url_decode(&text).ok().map(cbor::Value::from)
}
