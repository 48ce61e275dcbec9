//! What others say about a verifier, as the request carries it (OID4VP 1.0 §5.11).

use lanyard_core::json::Object;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RequestError;
use crate::dcql::{CredentialQueryId, DcqlQuery};

/// The most attestations in one request.
const MAX: usize = 32;

/// An attestation about the verifier; what it is worth is decided by whoever knows its format.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VerifierInfo {
    /// The format of the attestation.
    pub format: String,
    /// The attestation: a text or an object.
    pub data: Value,
    /// The credential queries it is about; none when it is about all of them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential_ids: Option<Vec<CredentialQueryId>>,
}

impl VerifierInfo {
    /// Reads `verifier_info`; unknown formats are kept as they are, for whoever may know them.
    ///
    /// # Errors
    /// [`RequestError::VerifierInfo`] for everything that is against §5.1.
    pub fn list_from_value(value: &Value, query: &DcqlQuery) -> Result<Vec<Self>, RequestError> {
        // OID4VP 1.0 §5.1: a non-empty array
        let entries = value.as_array().filter(|entries| (1..=MAX).contains(&entries.len()));
        let entries = entries.ok_or(RequestError::VerifierInfo)?;
        let read = |entry: &Value| Self::from_value(entry, query);
        entries.iter().map(read).collect::<Option<_>>().ok_or(RequestError::VerifierInfo)
    }

    fn from_value(value: &Value, query: &DcqlQuery) -> Option<Self> {
        let members: &Object = value.as_object()?;
        let format = members.get("format")?.as_str().filter(|format| !format.is_empty())?;
        // OID4VP 1.0 §5.1: an object or a string
        let data = members.get("data").filter(|data| data.is_object() || data.is_string())?;
        let credential_ids = match members.get("credential_ids") {
            None => None,
            Some(ids) => {
                let ids = ids.as_array().filter(|ids| !ids.is_empty())?;
                // OID4VP 1.0 §5.1: each matches the id of a credential query
                let id = |id: &Value| Some(query.credential(id.as_str()?)?.id.clone());
                Some(ids.iter().map(id).collect::<Option<Vec<_>>>()?)
            }
        };
        Some(Self { format: format.to_owned(), data: data.clone(), credential_ids })
    }
}
