//! Checking a receipt, offline and at any later time.

use std::fmt;

use jiff::Timestamp;
use lanyard_core::{
    crypto::{CryptoProvider, HashAlgorithm},
    jose::{JwsError, UnverifiedJws},
    json::{self, JsonError},
    trust::x509::{CertificateChain, CertificatePurpose, ChainError, TrustAnchors},
};
use lanyard_oid4vp::verifier::{CheckOutcome, CredentialVerdict, Verdict, VerdictState};
use thiserror::Error;

use super::{Receipt, ReceiptClaims, SLOT};

/// How far the clock of a verifier may be ahead, in seconds.
const LEEWAY: i64 = 60;

/// What a receipt is checked against.
pub struct ReceiptChecker<'c> {
    /// The authorities that vouch for verifiers.
    pub anchors: &'c TrustAnchors,
    /// The DNS name that the verifier's certificate must have, if it is known who signed.
    pub verifier: Option<&'c str>,
    /// Presentations that the receipt is said to be about.
    pub presentations: &'c [String],
    /// The present moment.
    pub now: Timestamp,
    /// Cryptography.
    pub provider: &'c dyn CryptoProvider,
}

/// A receipt of which everything holds.
#[derive(Debug)]
pub struct VerifiedReceipt {
    /// What it says.
    pub receipt: Receipt,
    /// Who signed it, for people.
    pub signed_by: String,
    /// The DNS names in the certificate of whoever signed it.
    pub dns_names: Vec<String>,
}

/// Why a receipt is no evidence; one variant per rule.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ReceiptRefused {
    /// It is no signed token, of another kind, or changed after it was signed.
    #[error("the receipt is not what its verifier signed: {0}")]
    Token(#[from] JwsError),
    /// Nobody vouches for its key.
    #[error("the receipt names no certificate")]
    CertificateMissing,
    /// The certificate was not good when it was signed.
    #[error("the verifier's certificate is refused: {0}")]
    Certificate(#[from] ChainError),
    /// It is of another verifier.
    #[error("the receipt is by another verifier")]
    Verifier,
    /// Its content cannot be read.
    #[error("the receipt cannot be read: {0}")]
    Json(#[from] JsonError),
    /// Its content is of another form.
    #[error("the receipt has another form: {0}")]
    Form(String),
    /// It was signed in the future.
    #[error("the receipt was signed in the future")]
    FromTheFuture,
    /// It was signed before what it is about was concluded, or that before it was asked.
    #[error(
        "the receipt was signed before its verdict, or the verdict was reached before the request was made"
    )]
    Order,
    /// It says that all is well although a check says otherwise, or the other way round.
    #[error("the verdict of the receipt does not follow from its checks")]
    Verdict,
    /// It shows claims that it says are withheld, or that a refusal must not show.
    #[error("the receipt shows claims that it should not have")]
    Claims,
    /// A presentation is not one of those it is about.
    #[error("the presentation is not one that the receipt is about")]
    Presentation,
}

impl ReceiptRefused {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Token(_) => "receipt_signature",
            Self::CertificateMissing => "receipt_certificate_missing",
            Self::Certificate(_) => "receipt_certificate_refused",
            Self::Verifier => "receipt_other_verifier",
            Self::Json(_) | Self::Form(_) => "receipt_unreadable",
            Self::FromTheFuture => "receipt_from_the_future",
            Self::Order => "receipt_out_of_order",
            Self::Verdict => "receipt_verdict_inconsistent",
            Self::Claims => "receipt_claims_unexpected",
            Self::Presentation => "receipt_other_presentation",
        }
    }
}

impl ReceiptChecker<'_> {
    /// Checks a receipt; its certificate counts as of when it was signed, so that time alone ends nothing.
    ///
    /// # Errors
    /// One [`ReceiptRefused`] per rule.
    pub fn verify(&self, receipt: &str) -> Result<VerifiedReceipt, ReceiptRefused> {
        // 1. signed by somebody who had a certificate then
        let jws = UnverifiedJws::parse(receipt.trim())?;
        jws.check_slot(&SLOT)?;
        let certificates = jws.header().x5c.as_deref().ok_or(ReceiptRefused::CertificateMissing)?;
        let claimed = jws.danger_unverified_claims()?;
        let signed_at = claimed.get("iat").and_then(serde_json::Value::as_i64);
        let signed_at = signed_at.and_then(|at| Timestamp::from_second(at).ok());
        let signed_at = signed_at.ok_or_else(|| ReceiptRefused::Form("iat is missing".into()))?;
        let chain = CertificateChain::from_x5c(certificates)?.verify(
            self.anchors,
            CertificatePurpose::RequestSigning,
            signed_at,
            self.provider,
        )?;
        let verified = jws.verify(&SLOT, chain.public_key(), self.provider)?;

        // 2. by the one it is said to be by
        let dns_names: Vec<_> = chain.dns_names().map(str::to_owned).collect();
        let is_own = |name: &str| dns_names.iter().any(|own| own.eq_ignore_ascii_case(name));
        if !self.verifier.is_none_or(is_own) {
            return Err(ReceiptRefused::Verifier);
        }

        // 3. it can be read, and what it says hangs together
        let content = json::parse(verified.payload())?;
        let receipt: Receipt = serde_json::from_value(content)
            .map_err(|error| ReceiptRefused::Form(error.to_string()))?;
        if signed_at.as_second() > self.now.as_second().saturating_add(LEEWAY) {
            return Err(ReceiptRefused::FromTheFuture);
        }
        let concluded_at = receipt.verdict.concluded_at;
        if receipt.iat < concluded_at.as_second() || concluded_at < receipt.request.created_at {
            return Err(ReceiptRefused::Order);
        }
        if !follows(&receipt.verdict) {
            return Err(ReceiptRefused::Verdict);
        }
        let shows_claims = receipt.verdict.credentials.iter().any(|one| one.claims.is_some());
        let may_show = receipt.claims == ReceiptClaims::Included && receipt.verdict.is_verified();
        if shows_claims && !may_show {
            return Err(ReceiptRefused::Claims);
        }

        // 4. it is about what one has
        for presentation in self.presentations {
            let digest = self.provider.hash(HashAlgorithm::Sha256, presentation.trim().as_bytes());
            let digest = json::base64url(digest.as_bytes());
            let about = |one: &CredentialVerdict| one.presentation_sha256 == digest;
            let Verdict { credentials, discarded, .. } = &receipt.verdict;
            if !credentials.iter().chain(discarded).any(about) {
                return Err(ReceiptRefused::Presentation);
            }
        }
        Ok(VerifiedReceipt { receipt, signed_by: chain.subject(), dns_names })
    }
}

/// Whether a verdict is what its checks come to: verified means that no check failed, was left out or
/// stayed open, but for a status that a policy accepts unknown.
fn follows(verdict: &Verdict) -> bool {
    let accepted = |id: &str, outcome| id == "status" && outcome == CheckOutcome::Undetermined;
    let is_good = |credential: &CredentialVerdict| {
        credential.state == VerdictState::Verified
            && credential.checks.iter().all(|check| {
                matches!(check.outcome, CheckOutcome::Passed | CheckOutcome::NotApplicable)
                    || accepted(&check.id, check.outcome)
            })
    };
    let is_bad = |credential: &CredentialVerdict| {
        credential.state != VerdictState::Verified && credential.claims.is_none()
    };
    if !verdict.discarded.iter().all(is_bad) {
        return false;
    }
    match verdict.state {
        VerdictState::Verified => {
            verdict.reason.is_none()
                && !verdict.credentials.is_empty()
                && verdict.credentials.iter().all(is_good)
        }
        VerdictState::Refused | VerdictState::Undetermined => verdict.reason.is_some(),
    }
}

impl fmt::Debug for ReceiptChecker<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ReceiptChecker({:?})", self.now)
    }
}
