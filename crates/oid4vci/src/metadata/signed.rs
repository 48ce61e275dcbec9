//! Issuer metadata that somebody signed (OID4VCI 1.0 §12.2.3), chosen by `Accept: application/jwt`.

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, SignatureAlgorithm, Signer, SignerError},
    jose::{self, HeaderKey, JwsError, Slot, UnverifiedJws},
    json::{Object, numeric_date},
    trust::x509::{CertificatePurpose, ChainError, TrustAnchors},
};
use serde_json::{Value, json};
use thiserror::Error;

use super::{CredentialIssuerMetadata, MetadataError};
use crate::{IssuerUrl, key_proof::x5c};

/// The slot of signed metadata; HAIP §4.1 has the key in certificates.
const SLOT: Slot = Slot {
    name: "signed issuer metadata",
    typ: &["openidvci-issuer-metadata+jwt"],
    algorithms: SignatureAlgorithm::OPENID4VC,
    header_keys: &[HeaderKey::X5c],
};

/// The media type to ask for.
pub const SIGNED_METADATA: &str = "application/jwt";

/// How far the clock of the signer may be ahead.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);

/// Why signed metadata are refused; a wallet that needs them signed stops then.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SignedMetadataError {
    /// Broken as a JWS: form, `typ`, `alg`, header or signature.
    #[error("the signed metadata are refused: {0}")]
    Jws(#[from] JwsError),
    /// No certificates.
    #[error("the signed metadata have no x5c")]
    NoCertificates,
    /// The signer is not believed.
    #[error("the signer of the metadata is not believed: {0}")]
    Chain(#[from] ChainError),
    /// `sub` is not the credential issuer identifier.
    #[error("sub is not the credential issuer identifier")]
    Subject,
    /// `iat` is missing, or in the future.
    #[error("iat is missing or in the future")]
    IssuedAt,
    /// `exp` has passed.
    #[error("the signed metadata have expired")]
    Expired,
    /// What is signed is refused.
    #[error("{0}")]
    Metadata(#[from] MetadataError),
}

impl CredentialIssuerMetadata {
    /// Signs the metadata; `chain` is the signer's certificate first, the anchor left out.
    ///
    /// # Errors
    /// [`SignerError`] as the key's home gives it.
    pub async fn sign(
        &self,
        signer: &dyn Signer,
        chain: &[Vec<u8>],
        now: Timestamp,
    ) -> Result<String, SignerError> {
        let header = Object::from_iter([
            ("typ".to_owned(), json!(SLOT.typ[0])),
            ("x5c".to_owned(), x5c(chain)),
        ]);
        // §12.2.3: sub and iat beside all metadata as claims of their own
        let mut claims = Object::from_iter([
            ("sub".to_owned(), json!(self.credential_issuer.as_str())),
            ("iat".to_owned(), json!(now.as_second())),
        ]);
        if let Ok(Value::Object(members)) = serde_json::to_value(self) {
            claims.extend(members);
        }
        jose::sign(header, &claims, signer).await
    }

    /// Reads signed metadata as a wallet must: from whom it believes, about the issuer it asked.
    ///
    /// # Errors
    /// One [`SignedMetadataError`] per rule.
    pub fn parse_signed(
        compact: &str,
        expected: &IssuerUrl,
        anchors: &TrustAnchors,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, SignedMetadataError> {
        let jws = UnverifiedJws::parse(compact.trim())?;
        jws.check_slot(&SLOT)?;
        // HAIP §4.1: x5c to an anchor that is not in it; the leaf is not self-signed
        let x5c = jws.header().x5c.as_deref().ok_or(SignedMetadataError::NoCertificates)?;
        let chain = anchors.read(x5c)?;
        let chain = chain.verify(anchors, CertificatePurpose::RequestSigning, now, provider)?;
        let verified = jws.verify(&SLOT, chain.public_key(), provider)?;
        let claims = verified.claims()?;
        if claims.get("sub").and_then(Value::as_str) != Some(expected.as_str()) {
            return Err(SignedMetadataError::Subject);
        }
        match claims.get("iat").and_then(numeric_date) {
            Some(issued_at) if now.duration_until(issued_at) <= LEEWAY => {}
            _ => return Err(SignedMetadataError::IssuedAt),
        }
        match claims.get("exp").map(numeric_date) {
            None => {}
            Some(Some(end)) if now < end => {}
            Some(_) => return Err(SignedMetadataError::Expired),
        }
        Ok(Self::parse(verified.payload(), expected)?)
    }
}
