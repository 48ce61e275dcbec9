//! Issuing an SD-JWT VC.

use std::fmt;

use base64::Engine as _;
use jiff::Timestamp;
use serde::Serialize;
use thiserror::Error;

use super::{NEVER_SELECTIVE, TYP, Vct};
use crate::{
    claims::{Claims, ClaimsError},
    credential::Validity,
    crypto::{CryptoProvider, HashAlgorithm, Signer, SignerError},
    jose::Jwk,
    sd_jwt::issue_checked,
    status::{StatusClaim, StatusReference},
    trust::IssuerIdentifier,
};

/// The claims that the draft writes itself.
const OWNED: [&str; 8] = ["iss", "iat", "nbf", "exp", "cnf", "vct", "aka_vcts", "status"];

/// To which key a credential is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyBinding {
    /// To the holder's key: only who has it can present the credential.
    To(Jwk),
    /// To none: whoever has the credential can present it.
    None,
}

/// A credential that is about to be signed.
#[derive(Clone)]
pub struct SdJwtVcDraft {
    vct: Vct,
    issuer: Option<IssuerIdentifier>,
    /// The key alone, as its owner's `kid` would be one more way to track.
    holder: Option<Jwk>,
    validity: Validity,
    key_id: Option<String>,
    x5c: Option<Vec<String>>,
    claims: Claims,
    status: Option<StatusReference>,
    aka_vcts: Vec<Vct>,
    hash: HashAlgorithm,
}

/// Why a draft cannot become a credential.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DraftError {
    /// The claims hold one that the draft writes itself.
    #[error("the claim {0} is set by the draft")]
    OwnedClaim(&'static str),
    /// A claim that decides about the credential would be selectively disclosable.
    #[error("the claim {0} must not be selectively disclosable")]
    NeverSelective(&'static str),
    /// The claims would be misread.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// The credential would expire before it starts to be valid.
    #[error("the credential would never be valid")]
    NeverValid,
    /// A list of further types is empty or holds the type itself.
    #[error("aka_vcts is empty or holds the vct")]
    FurtherTypes,
    /// A status reference of an unknown kind cannot be written.
    #[error("the status reference cannot be written")]
    Status,
}

impl SdJwtVcDraft {
    /// Puts a credential together.
    ///
    /// `issuer` becomes `iss`; without it the issuer is the subject of the certificate that goes along
    /// with [`SdJwtVcDraft::with_x5c`].
    ///
    /// # Errors
    /// One [`DraftError`] per rule.
    pub fn new(
        vct: &Vct,
        issuer: Option<&IssuerIdentifier>,
        claims: Claims,
        key_binding: &KeyBinding,
        validity: &Validity,
    ) -> Result<Self, DraftError> {
        let owned = |name| OWNED.into_iter().find(|owned| *owned == name);
        if let Some(owned) = claims.names().find_map(owned) {
            return Err(DraftError::OwnedClaim(owned));
        }
        // SD-JWT VC §2.2.2.2: never selectively disclosable, what is inside included
        if let Some(name) = NEVER_SELECTIVE.iter().find(|name| claims.is_selective_within(name)) {
            return Err(DraftError::NeverSelective(name));
        }
        claims.check()?;
        let Validity { issued_at, not_before, expires_at } = validity;
        if let (Some(start), Some(end)) = (not_before.or(*issued_at), expires_at)
            && start >= *end
        {
            return Err(DraftError::NeverValid);
        }

        let holder = match key_binding {
            KeyBinding::To(key) => Some(Jwk::new(key.key)),
            KeyBinding::None => None,
        };
        Ok(Self {
            vct: vct.clone(),
            issuer: issuer.cloned(),
            holder,
            validity: *validity,
            key_id: None,
            x5c: None,
            claims,
            status: None,
            aka_vcts: Vec::new(),
            hash: HashAlgorithm::Sha256,
        })
    }

    /// With the issuer's certificate chain, leaf first, the anchor left out (HAIP 1.0 §6.1.1).
    #[must_use]
    pub fn with_x5c<D: AsRef<[u8]>>(mut self, chain: impl IntoIterator<Item = D>) -> Self {
        // RFC 7515 §4.1.6: base64, not base64url, of DER
        let encode = |der: D| base64::engine::general_purpose::STANDARD.encode(der);
        self.x5c = Some(chain.into_iter().map(encode).collect());
        self
    }

    /// With the name of the issuer's key: a DID URL, or the `kid` in a key set.
    #[must_use]
    pub fn with_key_id(mut self, key_id: &str) -> Self {
        self.key_id = Some(key_id.to_owned());
        self
    }

    /// With a reference to the credential's status.
    ///
    /// # Errors
    /// [`DraftError::Status`] for a reference of an unknown kind.
    pub fn with_status(mut self, status: &StatusReference) -> Result<Self, DraftError> {
        status.to_claim().ok_or(DraftError::Status)?;
        self.status = Some(status.clone());
        Ok(self)
    }

    /// With further types that the credential may be asked for by (SD-JWT VC §2.2.2.2, `aka_vcts`).
    ///
    /// # Errors
    /// [`DraftError::FurtherTypes`] when there is none, or one of them is the type itself.
    pub fn with_aka_vcts(mut self, further: &[Vct]) -> Result<Self, DraftError> {
        // SD-JWT VC §2.2.2.2: a non-empty array that does not contain vct
        if further.is_empty() || further.contains(&self.vct) {
            return Err(DraftError::FurtherTypes);
        }
        self.aka_vcts = further.to_vec();
        Ok(self)
    }

    /// With another hash algorithm for digests than SHA-256.
    #[must_use]
    pub const fn with_hash(mut self, hash: HashAlgorithm) -> Self {
        self.hash = hash;
        self
    }

    /// Signs the credential; salts and decoys come from the provider's randomness.
    ///
    /// # Errors
    /// [`SignerError`] when the issuer's key gives no signature.
    pub async fn sign(
        self,
        signer: &dyn Signer,
        provider: &dyn CryptoProvider,
    ) -> Result<IssuedSdJwtVc, SignerError> {
        let alg = signer.algorithm().name();
        let (kid, x5c) = (self.key_id.as_deref(), self.x5c.as_deref());
        let (header, own) = (Header { alg, typ: TYP, kid, x5c }, self.own());
        issue_checked(&header, &own, &self.claims, self.hash, signer, provider)
            .await
            .map(IssuedSdJwtVc)
    }

    fn own(&self) -> OwnClaims<'_> {
        let Validity { issued_at, not_before, expires_at } = self.validity;
        let seconds = |time: Option<Timestamp>| time.map(Timestamp::as_second);
        OwnClaims {
            iss: self.issuer.as_ref().map(IssuerIdentifier::as_str),
            vct: self.vct.as_str(),
            iat: seconds(issued_at),
            nbf: seconds(not_before),
            exp: seconds(expires_at),
            cnf: self.holder.as_ref().map(|jwk| Confirmation { jwk }),
            status: self.status.as_ref().and_then(StatusReference::to_claim),
            aka_vcts: &self.aka_vcts,
        }
    }
}

/// What the draft writes itself: visible, and before everything else.
#[derive(Serialize)]
struct OwnClaims<'d> {
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'d str>,
    vct: &'d str,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation<'d>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<StatusClaim<'d>>,
    #[serde(skip_serializing_if = "<[Vct]>::is_empty")]
    aka_vcts: &'d [Vct],
}

/// RFC 7800 §3.2: `cnf.jwk`.
#[derive(Serialize)]
struct Confirmation<'d> {
    jwk: &'d Jwk,
}

/// The header of the issuer-signed JWT.
#[derive(Serialize)]
struct Header<'h> {
    alg: &'static str,
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'h str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5c: Option<&'h [String]>,
}

impl fmt::Debug for SdJwtVcDraft {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SdJwtVcDraft({:?})", self.claims)
    }
}

/// A credential as its issuer signed it, with every disclosure: for its holder alone.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedSdJwtVc(String);

impl IssuedSdJwtVc {
    /// The compact serialization.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives the compact serialization away.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl fmt::Debug for IssuedSdJwtVc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("IssuedSdJwtVc")
    }
}
