//! Receipts: what a verifier concluded, as evidence that can be checked years later (`docs/receipts.md`).

mod verify;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use jiff::Timestamp;
use lanyard_core::{
    crypto::SignatureAlgorithm,
    jose::{self, HeaderKey, Slot},
    json::Object,
};
use lanyard_oid4vp::{ClientId, dcql::DcqlQuery, verifier::Verdict};
use lanyard_store::{SessionId, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use verify::{ReceiptChecker, ReceiptRefused, VerifiedReceipt};

use crate::{RequestState, RequestStatus, VerifierError, VerifierService};

/// The media type, without `application/`, which is also the `typ` of the token.
pub const RECEIPT_TYPE: &str = "verification-receipt+jwt";

/// What is allowed of a receipt.
const SLOT: Slot = Slot {
    name: "receipt",
    typ: &[RECEIPT_TYPE],
    algorithms: SignatureAlgorithm::OPENID4VC,
    header_keys: &[HeaderKey::X5c],
};

/// Whether the claims are in a receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptClaims {
    /// The digest of each presentation alone says what was shown.
    #[default]
    Withheld,
    /// They are there, for as long as the receipt is.
    Included,
}

/// What was asked, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// When it was signed, in seconds since 1970.
    pub iat: i64,
    /// Who asked, under the name that the holder saw.
    pub iss: String,
    /// The request.
    pub request: ReceiptRequest,
    /// Whether the claims are in the verdict.
    pub claims: ReceiptClaims,
    /// The verdict, with the digest of each presentation, the issuer's certificates, the status lists that
    /// were read and every check.
    pub verdict: Verdict,
}

/// The request of a receipt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptRequest {
    /// Its name for the integrator.
    pub id: SessionId,
    /// When it was made.
    pub created_at: Timestamp,
    /// The preset it was made from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub preset: Option<String>,
    /// Why it was asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub purpose: Option<String>,
    /// What was asked for.
    pub dcql_query: DcqlQuery,
    /// What was demanded beyond the tenant's policies.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub policy: Option<Value>,
}

impl Receipt {
    fn new(status: RequestStatus, claims: ReceiptClaims, now: Timestamp) -> Option<Self> {
        let mut verdict = match status.state {
            RequestState::Verified | RequestState::Refused | RequestState::Undetermined => {
                status.verdict?
            }
            _ => return None,
        };
        if claims == ReceiptClaims::Withheld {
            verdict.withhold_claims();
        }
        let client_id: &ClientId = &status.client_id;
        Some(Self {
            iat: now.as_second(),
            iss: client_id.as_str().to_owned(),
            request: ReceiptRequest {
                id: status.id,
                created_at: status.created_at,
                preset: status.preset,
                purpose: status.purpose,
                dcql_query: status.dcql_query,
                policy: status.policy,
            },
            claims,
            verdict,
        })
    }
}

impl VerifierService {
    /// A signed receipt of the last verdict on a request; one with claims counts as reading the result.
    ///
    /// # Errors
    /// [`VerifierError::NoVerdict`] as long as there is none, and where the wallet declined.
    pub async fn receipt(
        &self,
        tenant: &TenantId,
        id: SessionId,
        claims: ReceiptClaims,
    ) -> Result<String, VerifierError> {
        let tenant = self.known_tenant(tenant)?;
        let now = self.now();
        let status = match claims {
            ReceiptClaims::Included => self.read_result(tenant, id).await?,
            ReceiptClaims::Withheld => {
                let held = self.sessions().by_id(tenant, id, now).await?;
                self.status_of(tenant, &held, now).await?
            }
        };
        let receipt = Receipt::new(status, claims, now).ok_or(VerifierError::NoVerdict)?;
        let signer = tenant.names.certified();
        let x5c: Vec<_> = signer.chain().iter().map(|der| BASE64.encode(der)).collect();
        let mut header = Object::new();
        header.insert("typ".to_owned(), json!(RECEIPT_TYPE));
        header.insert("x5c".to_owned(), json!(x5c));
        Ok(jose::sign(header, &receipt, signer.signer().as_ref()).await?)
    }
}
