//! The deferred credential request and response (OID4VCI 1.0 §9).

use lanyard_core::json::{self, Object};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{TransactionId, credential::CredentialError, encryption::WantedEncryption};

/// A wallet asks again for what was deferred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeferredRequest {
    /// What the issuer called it.
    pub transaction: TransactionId,
    /// How the answer is to be encrypted; what the first request said is forgotten (§9.1).
    pub encryption: Option<WantedEncryption>,
}

/// The answer while a credential is not ready (§8.3, §9.2): 202.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeferredResponse {
    /// To ask again with; the same until the credential is there.
    pub transaction_id: TransactionId,
    /// After how many seconds, at the earliest.
    #[serde(default = "five_seconds")]
    pub interval: u64,
}

const fn five_seconds() -> u64 {
    5
}

impl DeferredRequest {
    /// Reads the JSON of a request; unknown members are ignored.
    ///
    /// # Errors
    /// [`CredentialError::Malformed`] and [`CredentialError::EncryptionParameters`].
    pub fn parse(body: &[u8]) -> Result<Self, CredentialError> {
        let members = json::parse_object(body).map_err(|_| CredentialError::Malformed)?;
        let transaction = members.get("transaction_id").and_then(Value::as_str);
        let transaction = transaction.filter(|text| !text.is_empty());
        let transaction = transaction.ok_or(CredentialError::Malformed)?;
        let encryption = WantedEncryption::read(&members)?;
        Ok(Self { transaction: TransactionId::new(transaction), encryption })
    }

    /// The request as a JSON object.
    pub(crate) fn to_object(&self) -> Object {
        let transaction = Value::from(self.transaction.reveal());
        Object::from_iter([("transaction_id".to_owned(), transaction)])
    }
}
