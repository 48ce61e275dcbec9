//! Presentations of every format, as they arrive and as they were verified.

use std::fmt;

use super::Checks;
use crate::{
    claims::{ClaimsPath, DisclosedClaims},
    credential::{CredentialType, Format, Validity},
    mdoc::{SessionTranscript, VerifiedMdoc},
    sd_jwt_vc::VerifiedSdJwtVc,
    status::{StatusReading, StatusReference, bitstring_status_list::BitstringError},
    trust::{IssuerIdentity, TypeScope},
    w3c::{expand_types, jwt_vc_json::VerifiedJwtVc, ldp_vc::VerifiedLdpVc, vc_jose_cose},
};

/// A presentation as it arrived: one element of a `vp_token` (OID4VP 1.0 §8.1, App. B).
#[derive(Clone, Copy, Debug)]
pub enum Presented<'p> {
    /// An SD-JWT VC, compact, with its key binding.
    SdJwtVc(&'p str),
    /// An mdoc: a DeviceResponse in base64url with one document.
    MsoMdoc {
        /// The response.
        device_response: &'p str,
        /// The exchange that the device's signature must be about: it stands for nonce and audience.
        transcript: &'p SessionTranscript,
    },
    /// A presentation of VCDM 1.1 as a JWT.
    JwtVcJson(&'p str),
    /// A credential of VCDM 1.1 as a JWT, alone: nothing shows whose it is.
    JwtVcAlone(&'p str),
    /// A presentation of VCDM 2.0 with a Data Integrity proof, as JSON.
    LdpVc(&'p str),
    /// A credential of VCDM 2.0 with Data Integrity proofs, as JSON, alone: nothing shows whose it is.
    LdpVcAlone(&'p str),
    /// A presentation of VCDM 2.0 as a JWT, `vp+jwt`.
    VpJwt(&'p str),
    /// A credential of VCDM 2.0 as a JWT, `vc+jwt`, alone: nothing shows whose it is.
    VcJwtAlone(&'p str),
}

impl Presented<'_> {
    /// The format of the credentials in it; in a `vp+jwt` that of a credential is told by its envelope.
    pub const fn format(&self) -> Format {
        match self {
            Self::SdJwtVc(_) => Format::SdJwtVc,
            Self::MsoMdoc { .. } => Format::MsoMdoc,
            Self::JwtVcJson(_) | Self::JwtVcAlone(_) => Format::JwtVcJson,
            Self::LdpVc(_) | Self::LdpVcAlone(_) => Format::LdpVc,
            Self::VpJwt(_) | Self::VcJwtAlone(_) => Format::VcJwt,
        }
    }

    /// Whether it is a W3C credential without a presentation around it.
    pub(super) const fn is_alone(&self) -> bool {
        matches!(self, Self::JwtVcAlone(_) | Self::LdpVcAlone(_) | Self::VcJwtAlone(_))
    }
}

/// The credentials of a presentation that answers its request in every respect; at least one.
pub struct VerifiedCredentials {
    pub(super) credentials: Vec<VerifiedCredential>,
    pub(super) status_readings: Vec<StatusReading>,
    pub(super) checks: Checks,
}

impl VerifiedCredentials {
    /// The credentials.
    pub fn credentials(&self) -> &[VerifiedCredential] {
        &self.credentials
    }

    /// What was read about their status; nothing where they have none or nobody looked.
    pub fn status_readings(&self) -> &[StatusReading] {
        &self.status_readings
    }

    /// Every check and how it came out; those about a credential hold for each of them.
    pub const fn checks(&self) -> &Checks {
        &self.checks
    }
}

/// A credential of any format that was presented and verified in every respect.
pub enum VerifiedCredential {
    /// An SD-JWT VC.
    SdJwtVc(Box<VerifiedSdJwtVc>),
    /// An mdoc.
    MsoMdoc(VerifiedMdoc),
    /// A credential of VCDM 1.1.
    JwtVcJson(VerifiedJwtVc),
    /// A credential of VCDM 2.0 with proofs.
    LdpVc(VerifiedLdpVc),
    /// A credential of VCDM 2.0 in an envelope.
    VcJoseCose(vc_jose_cose::VerifiedVc),
}

impl VerifiedCredential {
    /// What it says, as far as the holder disclosed it.
    pub const fn claims(&self) -> &DisclosedClaims {
        match self {
            Self::SdJwtVc(credential) => credential.claims(),
            Self::MsoMdoc(credential) => credential.claims(),
            Self::JwtVcJson(credential) => credential.claims(),
            Self::LdpVc(credential) => credential.claims(),
            Self::VcJoseCose(credential) => credential.claims(),
        }
    }

    /// Which claims the holder chose to disclose; all others every verifier sees.
    pub fn disclosed(&self) -> &[ClaimsPath] {
        match self {
            Self::SdJwtVc(credential) => credential.disclosed(),
            Self::MsoMdoc(credential) => credential.disclosed(),
            Self::VcJoseCose(credential) => credential.disclosed(),
            Self::JwtVcJson(_) | Self::LdpVc(_) => &[],
        }
    }

    /// Who issued it.
    pub const fn issuer(&self) -> &IssuerIdentity {
        match self {
            Self::SdJwtVc(credential) => credential.issuer(),
            Self::MsoMdoc(credential) => credential.issuer(),
            Self::JwtVcJson(credential) => credential.issuer(),
            Self::LdpVc(credential) => credential.issuer(),
            Self::VcJoseCose(credential) => credential.issuer(),
        }
    }

    /// The times in it.
    pub const fn validity(&self) -> Validity {
        match self {
            Self::SdJwtVc(credential) => *credential.validity(),
            Self::MsoMdoc(credential) => *credential.validity(),
            Self::JwtVcJson(credential) => *credential.validity(),
            Self::LdpVc(credential) => credential.validity(),
            Self::VcJoseCose(credential) => *credential.validity(),
        }
    }

    /// The types it is of; the type that every W3C credential has is among them.
    pub fn types(&self) -> Vec<CredentialType> {
        let w3c = |name: &str| CredentialType::w3c(name);
        match self {
            Self::SdJwtVc(credential) => {
                let types = [credential.vct()].into_iter().chain(credential.aka_vcts());
                types.map(CredentialType::vct).collect()
            }
            Self::MsoMdoc(credential) => vec![credential.doc_type().into()],
            Self::JwtVcJson(credential) => credential.credential().types().map(w3c).collect(),
            Self::LdpVc(credential) => credential.credential().types().map(w3c).collect(),
            Self::VcJoseCose(credential) => credential.credential().types().map(w3c).collect(),
        }
    }

    /// The types of a W3C credential as its contexts expand them, which is how OpenID4VP asks for them; none
    /// for other formats (OID4VP 1.0 App. B.1.1).
    pub fn expanded_types(&self) -> Vec<String> {
        match self {
            Self::SdJwtVc(_) | Self::MsoMdoc(_) => Vec::new(),
            Self::JwtVcJson(credential) => expand_types(credential.credential().document()),
            Self::LdpVc(credential) => expand_types(credential.credential().document()),
            Self::VcJoseCose(credential) => expand_types(credential.credential().document()),
        }
    }

    /// The types that the issuer of a W3C credential is trusted for; an mdoc has one type, and an SD-JWT VC is
    /// held to it before.
    pub(super) fn trusted_for(&self) -> TypeScope {
        match self {
            Self::SdJwtVc(_) | Self::MsoMdoc(_) => TypeScope::default(),
            Self::JwtVcJson(credential) => credential.trusted_for().clone(),
            Self::LdpVc(credential) => credential.trusted_for().clone(),
            Self::VcJoseCose(credential) => credential.trusted_for().clone(),
        }
    }

    /// The types that say what it is: not what it is also known as, nor the type that every W3C credential
    /// has.
    pub(super) fn specific_types(&self) -> Vec<CredentialType> {
        match self {
            Self::SdJwtVc(credential) => vec![CredentialType::vct(credential.vct())],
            _ => {
                let mut types = self.types();
                types.retain(|kind| kind.name() != "VerifiableCredential");
                types
            }
        }
    }

    /// Where its status is kept; several are all to be asked, and none means that it has no status.
    ///
    /// # Errors
    /// One [`BitstringError`] per rule that an entry of a W3C credential breaks.
    pub fn statuses(&self) -> Result<Vec<StatusReference>, BitstringError> {
        let of_entries = StatusReference::of_entries;
        let (claim, mut references) = match self {
            Self::SdJwtVc(credential) => (credential.status(), Vec::new()),
            Self::MsoMdoc(credential) => (credential.status(), Vec::new()),
            Self::LdpVc(credential) => (None, of_entries(credential.credential().statuses())?),
            // a credential in a JWT or in COSE may have a claim and entries: both count
            Self::JwtVcJson(credential) => {
                (credential.status_claim(), of_entries(credential.credential().statuses())?)
            }
            Self::VcJoseCose(credential) => {
                (credential.status_claim(), of_entries(credential.credential().statuses())?)
            }
        };
        references.extend(claim.cloned());
        Ok(references)
    }
}

impl fmt::Debug for VerifiedCredentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_list().entries(&self.credentials).finish()
    }
}

impl fmt::Debug for VerifiedCredential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SdJwtVc(credential) => credential.fmt(out),
            Self::MsoMdoc(credential) => credential.fmt(out),
            Self::JwtVcJson(credential) => credential.fmt(out),
            Self::LdpVc(credential) => write!(out, "LdpVc(by {})", credential.issuer().name()),
            Self::VcJoseCose(credential) => {
                write!(out, "VcJoseCose(by {})", credential.issuer().name())
            }
        }
    }
}
