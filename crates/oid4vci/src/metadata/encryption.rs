//! How requests and responses are encrypted (OID4VCI 1.0 §12.2.4).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::encryption::ALGORITHM;

/// `credential_request_encryption`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestEncryption {
    /// The keys to encrypt to, each with a `kid` and an `alg`.
    pub jwks: Value,
    /// The content encryptions that are taken.
    pub enc_values_supported: Vec<String>,
    /// The compressions that are taken.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zip_values_supported: Vec<String>,
    /// Whether plain requests are refused.
    pub encryption_required: bool,
}

/// `credential_response_encryption`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseEncryption {
    /// The ways of agreeing on a key.
    #[serde(default)]
    pub alg_values_supported: Vec<String>,
    /// The content encryptions.
    #[serde(default)]
    pub enc_values_supported: Vec<String>,
    /// The compressions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zip_values_supported: Vec<String>,
    /// Whether plain responses are not given.
    pub encryption_required: bool,
}

impl ResponseEncryption {
    pub(crate) fn takes_ecdh_es(&self) -> bool {
        self.alg_values_supported.iter().any(|name| name == ALGORITHM)
    }
}
