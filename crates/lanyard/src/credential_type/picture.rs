//! Pictures in files beside a type become `data:` URIs.

use std::path::Path;

use lanyard_core::{json, picture::Picture};
use serde_json::Value;

use super::{ClaimType, CredentialTypeError};

/// A picture of the card that is in a file becomes a `data:` URI.
pub(super) fn embed_face(
    uri: &mut String,
    picture: &impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<(), CredentialTypeError> {
    let Some(file) = uri.strip_prefix('@') else { return Ok(()) };
    let unreadable = |reason: &dyn std::fmt::Display| CredentialTypeError::Face {
        file: file.to_owned(),
        reason: reason.to_string(),
    };
    let plain = !file.contains(['/', '\\']);
    let bytes = plain.then(|| picture(file)).flatten();
    let bytes = bytes.ok_or_else(|| unreadable(&"it is not beside the type"))?;
    let picture = Picture::read(&bytes).map_err(|refused| unreadable(&refused))?;
    let encoded = crate::pages::standard_base64(&json::base64url(picture.bytes()));
    *uri = format!("data:{};base64,{encoded}", picture.kind().media_type());
    Ok(())
}

pub(super) fn embed_picture(
    claim: &mut ClaimType,
    picture: &impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<(), CredentialTypeError> {
    let Some(file) = claim.sample.as_str().and_then(|text| text.strip_prefix('@')) else {
        return Ok(());
    };
    let refused =
        || CredentialTypeError::Picture { name: claim.name.clone(), file: file.to_owned() };
    let media_type = match Path::new(file).extension().and_then(|extension| extension.to_str()) {
        Some("jpg" | "jpeg") => "jpeg",
        Some("png") => "png",
        _ => return Err(refused()),
    };
    let plain = !file.contains(['/', '\\']);
    let bytes = plain.then(|| picture(file)).flatten().ok_or_else(refused)?;
    let encoded = crate::pages::standard_base64(&json::base64url(&bytes));
    claim.sample = Value::String(format!("data:image/{media_type};base64,{encoded}"));
    Ok(())
}
