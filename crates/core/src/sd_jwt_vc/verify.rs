//! Parsing and verifying an SD-JWT VC (SD-JWT VC §2.4).

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::{HeldSdJwtVc, NEVER_SELECTIVE, SLOT, Vct};
use crate::{
    Timestamp,
    claims::{ClaimsPath, DisclosedClaims, PathSegment},
    credential::{CredentialType, Validity, ValidityError, ValidityPolicy},
    crypto::{CryptoProvider, SignatureAlgorithm},
    jose::JoseHeader,
    json::Object,
    sd_jwt::{
        ExpectedKeyBinding, SdJwtError, UnverifiedSdJwt, VerifiedKeyBinding, VerifiedSdJwt,
        Withheld,
    },
    status::StatusReference,
    trust::{
        ClaimedCertificates, ClaimedIssuer, IssuerIdentifier, IssuerIdentity, IssuerKey,
        x509::CertificatePurpose,
    },
};

/// An SD-JWT VC that was taken apart; nothing in it is trusted.
#[derive(Debug)]
pub struct UnverifiedSdJwtVc<'t> {
    sd_jwt: UnverifiedSdJwt<'t>,
    vct: Vct,
    iss: Option<IssuerIdentifier>,
}

/// Why an SD-JWT VC is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SdJwtVcError {
    /// It is refused as an SD-JWT.
    #[error(transparent)]
    SdJwt(#[from] SdJwtError),
    /// `vct` is missing or no type.
    #[error("vct is missing or malformed")]
    Vct,
    /// `aka_vcts` is not a non-empty array of further types.
    #[error("aka_vcts is malformed")]
    FurtherTypes,
    /// `iss` is there but no identifier.
    #[error("iss is malformed")]
    Iss,
    /// A claim that decides about the credential came by a disclosure.
    #[error("the claim {0} must not be selectively disclosable")]
    NeverSelective(&'static str),
    /// `status` is malformed.
    #[error("status is malformed")]
    Status,
    /// The credential is not valid now.
    #[error(transparent)]
    Validity(#[from] ValidityError),
}

impl SdJwtVcError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SdJwt(error) => error.code(),
            Self::Vct => "credential_type_malformed",
            Self::FurtherTypes => "credential_further_types_malformed",
            Self::Iss => "credential_issuer_malformed",
            Self::NeverSelective(_) => "claim_must_not_be_selective",
            Self::Status => "credential_status_malformed",
            Self::Validity(error) => error.code(),
        }
    }
}

impl<'t> UnverifiedSdJwtVc<'t> {
    /// Takes a credential or a presentation apart, and checks that it says it is an SD-JWT VC.
    ///
    /// # Errors
    /// [`SdJwtVcError::SdJwt`] for its form, `typ` and `alg`; [`SdJwtVcError::Vct`] and
    /// [`SdJwtVcError::Iss`].
    pub fn parse(compact: &'t str) -> Result<Self, SdJwtVcError> {
        Self::from_sd_jwt(UnverifiedSdJwt::parse(compact)?)
    }

    pub(crate) fn from_sd_jwt(sd_jwt: UnverifiedSdJwt<'t>) -> Result<Self, SdJwtVcError> {
        // SD-JWT VC §2.2.1: typ comes before everything else
        sd_jwt.check_slot(&SLOT)?;
        let payload = sd_jwt.danger_unverified_payload();
        // SD-JWT VC §2.2.2.2: vct is required and always visible
        let vct = payload.get("vct").and_then(Value::as_str).ok_or(SdJwtVcError::Vct)?;
        let vct = Vct::parse(vct).map_err(|_| SdJwtVcError::Vct)?;
        // SD-JWT VC §2.2.2.2: iss is optional, and always visible where it is there
        let iss = match payload.get("iss") {
            None => None,
            Some(Value::String(iss)) => {
                Some(IssuerIdentifier::parse(iss.as_str()).map_err(|_| SdJwtVcError::Iss)?)
            }
            Some(_) => return Err(SdJwtVcError::Iss),
        };
        Ok(Self { sd_jwt, vct, iss })
    }

    /// The header, to choose a key by; it is not trusted.
    pub const fn header(&self) -> &JoseHeader {
        self.sd_jwt.header()
    }

    /// The type it claims to be of.
    pub const fn vct(&self) -> &Vct {
        &self.vct
    }

    /// The issuer it claims to be by.
    pub const fn issuer(&self) -> Option<&IssuerIdentifier> {
        self.iss.as_ref()
    }

    /// What it says about who signed it, to find the key by.
    pub fn claimed_issuer(&self) -> ClaimedIssuer<'_> {
        let header = self.header();
        let purpose = CertificatePurpose::CredentialSigning;
        ClaimedIssuer {
            types: vec![CredentialType::vct(&self.vct)],
            issuer: self.issuer(),
            key_id: header.kid.as_deref(),
            curve: SignatureAlgorithm::from_name(&header.alg).map(SignatureAlgorithm::curve),
            certificates: header.x5c.as_deref().map(|der| ClaimedCertificates { der, purpose }),
        }
    }

    /// Verifies what a holder presented.
    ///
    /// Times are not judged here; see [`VerifiedSdJwtVc::judge_validity`]. Better use
    /// [`PresentationVerifier`](crate::verify::PresentationVerifier), which forgets nothing.
    ///
    /// # Errors
    /// One [`SdJwtVcError`] per rule.
    pub fn verify(
        self,
        key: IssuerKey,
        binding: Option<&ExpectedKeyBinding<'_>>,
        provider: &dyn CryptoProvider,
    ) -> Result<VerifiedSdJwtVc, SdJwtVcError> {
        let verified = self.sd_jwt.verify(&SLOT, &key.key, binding, provider)?;
        let facts = Facts::read(verified.claims().as_object(), verified.disclosed().iter())?;
        Ok(VerifiedSdJwtVc { verified, vct: self.vct, issuer: key.issuer, facts })
    }

    /// Verifies what an issuer handed out, for the holder to keep.
    ///
    /// # Errors
    /// One [`SdJwtVcError`] per rule.
    pub fn verify_for_holding(
        self,
        key: IssuerKey,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<HeldSdJwtVc, SdJwtVcError> {
        let held = self.sd_jwt.verify_for_holding(&SLOT, &key.key, provider)?;
        let facts = Facts::read(held.claims().as_object(), held.disclosable())?;
        // RFC 9901 §7.2, SD-JWT VC §2.4: a credential that is no good now is not kept
        ValidityPolicy::default().judge(&facts.validity, now)?;
        Ok(HeldSdJwtVc::new(held, self.vct, Some(key.issuer), facts))
    }

    /// Takes back what was verified when it was received and has been in the holder's own sealed storage
    /// since; neither the issuer's signature nor its times are checked again.
    ///
    /// # Errors
    /// As [`UnverifiedSdJwtVc::verify_for_holding`], signature and times apart.
    pub fn danger_hold_unverified(
        self,
        provider: &dyn CryptoProvider,
    ) -> Result<HeldSdJwtVc, SdJwtVcError> {
        let held = self.sd_jwt.danger_hold_unverified(provider)?;
        let facts = Facts::read(held.claims().as_object(), held.disclosable())?;
        Ok(HeldSdJwtVc::new(held, self.vct, None, facts))
    }
}

/// What the registered claims of a processed payload say.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) aka_vcts: Vec<Vct>,
    pub(super) validity: Validity,
    pub(super) status: Option<StatusReference>,
}

impl Facts {
    fn read<'p>(
        claims: &Object,
        mut disclosed: impl Iterator<Item = &'p ClaimsPath>,
    ) -> Result<Self, SdJwtVcError> {
        // SD-JWT VC §2.2.2.2: what decides about the credential cannot be withheld, nor parts of it
        let decides = |path: &ClaimsPath| match path.segments().first() {
            Some(PathSegment::Key(name)) => NEVER_SELECTIVE.iter().find(|never| *never == name),
            _ => None,
        };
        if let Some(name) = disclosed.find_map(decides) {
            return Err(SdJwtVcError::NeverSelective(name));
        }
        let status = match claims.get("status") {
            None => None,
            Some(status) => Some(StatusReference::read(status).ok_or(SdJwtVcError::Status)?),
        };
        Ok(Self { aka_vcts: further_types(claims)?, validity: Validity::read(claims)?, status })
    }
}

fn further_types(claims: &Object) -> Result<Vec<Vct>, SdJwtVcError> {
    let Some(further) = claims.get("aka_vcts") else {
        return Ok(Vec::new());
    };
    let malformed = SdJwtVcError::FurtherTypes;
    let Some(further) = further.as_array().filter(|further| !further.is_empty()) else {
        return Err(malformed);
    };
    let read = |vct: &Value| vct.as_str().and_then(|vct| Vct::parse(vct).ok());
    let further = further.iter().map(read).collect::<Option<Vec<_>>>().ok_or(malformed.clone())?;
    // SD-JWT VC §2.2.2.2: further types, so the type itself is not among them
    if further.iter().any(|one| claims.get("vct").and_then(Value::as_str) == Some(one.as_str())) {
        return Err(malformed);
    }
    Ok(further)
}

/// An SD-JWT VC of which everything was verified but its times, its status and its purpose.
pub struct VerifiedSdJwtVc {
    verified: VerifiedSdJwt,
    vct: Vct,
    issuer: IssuerIdentity,
    facts: Facts,
}

impl VerifiedSdJwtVc {
    /// The header that the issuer signed.
    pub const fn header(&self) -> &JoseHeader {
        self.verified.header()
    }

    /// The type.
    pub const fn vct(&self) -> &Vct {
        &self.vct
    }

    /// Further types that it may be asked for by; they give no authority.
    pub fn aka_vcts(&self) -> &[Vct] {
        &self.facts.aka_vcts
    }

    /// Whether it is of this type, by `vct` or by `aka_vcts`.
    pub fn is_of_type(&self, vct: &Vct) -> bool {
        self.vct == *vct || self.facts.aka_vcts.contains(vct)
    }

    /// Who issued it.
    pub const fn issuer(&self) -> &IssuerIdentity {
        &self.issuer
    }

    /// The processed payload.
    pub const fn claims(&self) -> &DisclosedClaims {
        self.verified.claims()
    }

    /// Which claims came by a disclosure; all others were visible to everybody.
    pub fn disclosed(&self) -> &[ClaimsPath] {
        self.verified.disclosed()
    }

    /// Where something was withheld, or seems to have been.
    pub(super) const fn withheld(&self) -> &Withheld {
        self.verified.withheld()
    }

    /// The key binding, when one was asked for.
    pub const fn key_binding(&self) -> Option<&VerifiedKeyBinding> {
        self.verified.key_binding()
    }

    /// The times in it.
    pub const fn validity(&self) -> &Validity {
        &self.facts.validity
    }

    /// Where its status is kept, if it has one.
    pub const fn status(&self) -> Option<&StatusReference> {
        self.facts.status.as_ref()
    }

    /// Judges its times.
    ///
    /// # Errors
    /// One [`ValidityError`] per rule.
    pub fn judge_validity(
        &self,
        policy: &ValidityPolicy,
        now: Timestamp,
    ) -> Result<(), ValidityError> {
        policy.judge(&self.facts.validity, now)
    }
}

impl fmt::Debug for VerifiedSdJwtVc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VerifiedSdJwtVc({}, by {})", self.vct, self.issuer.name())
    }
}
