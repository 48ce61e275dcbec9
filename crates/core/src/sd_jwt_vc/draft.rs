//! Issuing an SD-JWT VC.

use std::fmt;

use base64::Engine as _;
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use super::{NEVER_SELECTIVE, TYP, Vct};
use crate::{
    claims::{Claims, ClaimsError},
    credential::Validity,
    crypto::{CryptoProvider, HashAlgorithm, Signer, SignerError},
    jose::{self, Jwk},
    sd_jwt::issue_checked,
    status::StatusReference,
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
    key_id: Option<String>,
    x5c: Option<Vec<String>>,
    claims: Claims,
    status: Option<Claims>,
    aka_vcts: Option<Value>,
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
        if let Some(owned) = OWNED.iter().find(|owned| claims.names().any(|name| name == **owned)) {
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

        let mut own = Claims::with_capacity(OWNED.len() + claims.names().count());
        if let Some(issuer) = issuer {
            own = own.visible("iss", issuer.as_str());
        }
        own = own.visible("vct", vct.as_str());
        for (name, time) in [("iat", issued_at), ("nbf", not_before), ("exp", expires_at)] {
            if let Some(time) = time {
                own = own.visible(name, time.as_second());
            }
        }
        if let KeyBinding::To(key) = key_binding {
            // RFC 7800 §3.2: cnf.jwk; the key alone, as its owner's kid would be one more way to track
            let members = jose::required_members(&key.key).into_iter();
            let jwk = members.fold(Claims::new(), |jwk, (name, value)| jwk.visible(name, value));
            own = own.visible_object("cnf", Claims::new().visible_object("jwk", jwk));
        }
        Ok(Self {
            vct: vct.clone(),
            key_id: None,
            x5c: None,
            claims: own.followed_by(claims),
            status: None,
            aka_vcts: None,
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
        self.status = Some(status.to_claims().ok_or(DraftError::Status)?);
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
        self.aka_vcts = Some(further.iter().map(Vct::as_str).collect());
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
        let Self { vct: _, key_id, x5c, mut claims, status, aka_vcts, hash } = self;
        if let Some(status) = status {
            claims = claims.visible_object("status", status);
        }
        if let Some(aka_vcts) = aka_vcts {
            claims = claims.visible("aka_vcts", aka_vcts);
        }
        let alg = signer.algorithm().name();
        let header = Header { alg, typ: TYP, kid: key_id.as_deref(), x5c: x5c.as_deref() };
        issue_checked(&header, &claims, hash, signer, provider).await.map(IssuedSdJwtVc)
    }
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
