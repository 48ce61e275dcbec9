//! The body that sets a status: revoked for good, suspended, or valid again.

use lanyard_core::json;
use lanyard_store::{CredentialId, CredentialStatus};
use serde_json::Value;
use thiserror::Error;

/// Why the body is not a change of status.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum StatusRequestFault {
    /// Not a strict JSON object.
    #[error("the body must be a JSON object")]
    NotAnObject,
    /// Something else than one `status` that is known.
    #[error("the body must be {{\"status\": \"revoked\"}}, \"suspended\" or \"valid\"")]
    Status,
    /// `status` of the VC API is neither true nor false.
    #[error("status must be true or false")]
    Bit,
    /// `credentialId` is not the name of a credential in the API.
    #[error("credentialId must be what Location named when the credential was issued")]
    CredentialId,
    /// `credentialStatus` says neither that it is about revocation nor about suspension.
    #[error("credentialStatus must have the statusPurpose \"revocation\" or \"suspension\"")]
    Purpose,
    /// A revocation would be taken back.
    #[error("a revocation is not taken back")]
    RevocationCleared,
}

/// The names of statuses in the API. Released names never change.
pub(crate) const fn name(status: CredentialStatus) -> &'static str {
    match status {
        CredentialStatus::Valid => "valid",
        CredentialStatus::Suspended => "suspended",
        CredentialStatus::Revoked => "revoked",
    }
}

/// Reads the status that is wanted.
pub(crate) fn parse(body: &[u8]) -> Result<CredentialStatus, StatusRequestFault> {
    let body = json::parse_object(body).map_err(|_| StatusRequestFault::NotAnObject)?;
    let wanted = body.get("status").and_then(|status| status.as_str());
    match (body.len(), wanted) {
        (1, Some("revoked")) => Ok(CredentialStatus::Revoked),
        (1, Some("suspended")) => Ok(CredentialStatus::Suspended),
        (1, Some("valid")) => Ok(CredentialStatus::Valid),
        _ => Err(StatusRequestFault::Status),
    }
}

/// Reads which credential gets which status (VC API §3.2.2).
///
/// The status that is set is the bit of the entry in `credentialStatus`; without `status` it becomes one.
pub(crate) fn parse_vc_api(
    body: &[u8],
) -> Result<(CredentialId, CredentialStatus), StatusRequestFault> {
    let body = json::parse_object(body).map_err(|_| StatusRequestFault::NotAnObject)?;
    let credential = body.get("credentialId").and_then(Value::as_str);
    let credential = credential.and_then(|id| id.parse().ok());
    let credential = credential.ok_or(StatusRequestFault::CredentialId)?;
    let is_set = match body.get("status") {
        None => true,
        Some(status) => status.as_bool().ok_or(StatusRequestFault::Bit)?,
    };
    let purpose = body.get("credentialStatus").and_then(|entry| entry.get("statusPurpose"));
    let status = match (purpose.and_then(Value::as_str), is_set) {
        (Some("revocation"), true) => CredentialStatus::Revoked,
        (Some("revocation"), false) => return Err(StatusRequestFault::RevocationCleared),
        (Some("suspension"), true) => CredentialStatus::Suspended,
        (Some("suspension"), false) => CredentialStatus::Valid,
        _ => return Err(StatusRequestFault::Purpose),
    };
    Ok((credential, status))
}
