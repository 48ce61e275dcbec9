//! Pictures in files beside a type become `data:` URIs.

use lanyard_core::{json, picture::Picture};

use super::CredentialTypeError;

/// The picture in a file beside a type, as a `data:` URI; its bytes say what it is, not its name.
pub(super) fn embedded(
    file: &str,
    beside: &impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<String, CredentialTypeError> {
    let refused = |reason: &dyn std::fmt::Display| CredentialTypeError::Picture {
        file: file.to_owned(),
        reason: reason.to_string(),
    };
    let plain = !file.contains(['/', '\\']);
    let bytes = plain.then(|| beside(file)).flatten();
    let bytes = bytes.ok_or_else(|| refused(&"it is not beside the type"))?;
    let picture = Picture::read(&bytes).map_err(|reason| refused(&reason))?;
    let encoded = crate::pages::standard_base64(&json::base64url(picture.bytes()));
    Ok(format!("data:{};base64,{encoded}", picture.kind().media_type()))
}
