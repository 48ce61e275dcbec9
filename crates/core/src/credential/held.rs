//! A credential of any format in its holder's hands.

use std::borrow::Cow;

use jiff::Timestamp;
use thiserror::Error;

use super::{CredentialType, Format, Validity};
use crate::{
    claims::DisclosedClaims,
    crypto::CryptoProvider,
    data_integrity::json_ld::Contexts,
    json,
    mdoc::{HeldMdoc, MdocError, UnverifiedMdoc},
    sd_jwt_vc::{HeldSdJwtVc, SdJwtVcError, UnverifiedSdJwtVc},
    trust::{IssuerError, IssuerIdentity, IssuerKeys},
    w3c::{
        expand_types,
        jwt_vc_json::{HeldJwtVc, JwtVcError, UnverifiedJwtVc},
        ldp_vc::{HeldLdpVc, LdpVcError, UnverifiedLdpVc},
        vc_jose_cose::{
            HeldVcJwt, HeldVcSdJwt, UnverifiedVcJwt, UnverifiedVcSdJwt, VcJoseCoseError,
        },
    },
};

/// A credential that was verified when it was received, of whatever format.
#[derive(Clone, Debug)]
pub enum HeldCredential {
    /// An SD-JWT VC.
    SdJwtVc(HeldSdJwtVc),
    /// An mdoc.
    MsoMdoc(HeldMdoc),
    /// A W3C credential of VCDM 1.1 as a JWT.
    JwtVcJson(HeldJwtVc),
    /// A W3C credential of VCDM 2.0 with Data Integrity proofs.
    LdpVc(HeldLdpVc),
    /// A W3C credential of VCDM 2.0 as a JWT.
    VcJwt(HeldVcJwt),
    /// A W3C credential of VCDM 2.0 as an SD-JWT.
    VcSdJwt(HeldVcSdJwt),
}

/// Why a credential that an issuer handed out is not taken.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CredentialRefused {
    /// Its issuer is not believed; see [`CredentialRefused::is_undetermined`].
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// It breaks a rule of SD-JWT VC.
    #[error(transparent)]
    SdJwtVc(#[from] SdJwtVcError),
    /// It breaks a rule of mdoc.
    #[error(transparent)]
    MsoMdoc(#[from] MdocError),
    /// It breaks a rule of VCDM 1.1 or its JWT.
    #[error(transparent)]
    JwtVcJson(#[from] JwtVcError),
    /// It breaks a rule of VCDM 2.0 or of Data Integrity.
    #[error(transparent)]
    LdpVc(#[from] LdpVcError),
    /// It breaks a rule of VCDM 2.0 or of VC-JOSE-COSE.
    #[error(transparent)]
    VcJoseCose(#[from] VcJoseCoseError),
}

impl CredentialRefused {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Issuer(error) => error.code(),
            Self::SdJwtVc(error) => error.code(),
            Self::MsoMdoc(error) => error.code(),
            Self::JwtVcJson(error) => error.code(),
            Self::LdpVc(error) => error.code(),
            Self::VcJoseCose(error) => error.code(),
        }
    }

    /// Whether it may turn out to be good once its issuer's key can be reached.
    pub const fn is_undetermined(&self) -> bool {
        match self {
            Self::Issuer(error) => error.is_undetermined(),
            Self::LdpVc(error) => error.is_undetermined(),
            Self::SdJwtVc(_) | Self::MsoMdoc(_) | Self::JwtVcJson(_) | Self::VcJoseCose(_) => false,
        }
    }
}

impl HeldCredential {
    /// Verifies what an issuer handed out, as text in the form of its format: the issuer's key is found by
    /// `issuers`, everything in it holds, and it is valid at `now`.
    ///
    /// # Errors
    /// One [`CredentialRefused`] per rule.
    pub async fn receive(
        format: Format,
        text: &str,
        issuers: &IssuerKeys,
        now: Timestamp,
    ) -> Result<Self, CredentialRefused> {
        let provider = issuers.provider();
        match format {
            Format::SdJwtVc => {
                let credential = UnverifiedSdJwtVc::parse(text)?;
                let key = issuers.find(&credential.claimed_issuer(), now).await?;
                Ok(Self::SdJwtVc(credential.verify_for_holding(key, now, provider)?))
            }
            Format::MsoMdoc => {
                let bytes = issuer_signed(text)?;
                let credential = UnverifiedMdoc::parse(&bytes)?;
                let key = issuers.find(&credential.claimed_issuer(), now).await?;
                Ok(Self::MsoMdoc(credential.verify_for_holding(key, now, provider)?))
            }
            Format::JwtVcJson => {
                let credential = UnverifiedJwtVc::parse(text)?;
                let key = issuers.find(&credential.claimed_issuer(), now).await?;
                Ok(Self::JwtVcJson(credential.verify_for_holding(key, now, provider)?))
            }
            Format::LdpVc => {
                // each proof names its own key, so the keys are found on the way
                let credential = UnverifiedLdpVc::parse(text.as_bytes())?;
                let contexts = Contexts::bundled();
                Ok(Self::LdpVc(credential.verify_for_holding(issuers, contexts, now).await?))
            }
            Format::VcJwt => {
                let credential = UnverifiedVcJwt::parse(text)?;
                let key = issuers.find(&credential.claimed_issuer(), now).await?;
                Ok(Self::VcJwt(credential.verify_for_holding(key, now, provider)?))
            }
            Format::VcSdJwt => {
                let credential = UnverifiedVcSdJwt::parse(text, provider)?;
                let key = issuers.find(&credential.claimed_issuer(), now).await?;
                Ok(Self::VcSdJwt(credential.verify_for_holding(key, now, provider)?))
            }
        }
    }

    /// Takes back what was verified when it was received and has been in the holder's own sealed storage
    /// since; neither the issuer's signature nor its times are checked again.
    ///
    /// # Errors
    /// As [`HeldCredential::receive`], issuer, signature and times apart.
    pub fn danger_hold_unverified(
        format: Format,
        text: &str,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, CredentialRefused> {
        Ok(match format {
            Format::SdJwtVc => {
                Self::SdJwtVc(UnverifiedSdJwtVc::parse(text)?.danger_hold_unverified(provider)?)
            }
            Format::MsoMdoc => Self::MsoMdoc(
                UnverifiedMdoc::parse(&issuer_signed(text)?)?.danger_hold_unverified(provider)?,
            ),
            Format::JwtVcJson => {
                Self::JwtVcJson(UnverifiedJwtVc::parse(text)?.danger_hold_unverified())
            }
            Format::LdpVc => {
                let credential = UnverifiedLdpVc::parse(text.as_bytes())?;
                Self::LdpVc(credential.danger_hold_unverified(Contexts::bundled()))
            }
            Format::VcJwt => Self::VcJwt(UnverifiedVcJwt::parse(text)?.danger_hold_unverified()),
            Format::VcSdJwt => Self::VcSdJwt(
                UnverifiedVcSdJwt::parse(text, provider)?.danger_hold_unverified(provider)?,
            ),
        })
    }

    /// Its format.
    pub const fn format(&self) -> Format {
        match self {
            Self::SdJwtVc(_) => Format::SdJwtVc,
            Self::MsoMdoc(_) => Format::MsoMdoc,
            Self::JwtVcJson(_) => Format::JwtVcJson,
            Self::LdpVc(_) => Format::LdpVc,
            Self::VcJwt(_) => Format::VcJwt,
            Self::VcSdJwt(_) => Format::VcSdJwt,
        }
    }

    /// The text that it was received as: what a wallet keeps.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Self::SdJwtVc(held) => held.as_str().into(),
            Self::MsoMdoc(held) => held.to_base64url().into(),
            Self::JwtVcJson(held) => held.as_str().into(),
            Self::LdpVc(held) => {
                serde_json::Value::Object(held.danger_to_secured()).to_string().into()
            }
            Self::VcJwt(held) => held.as_str().into(),
            Self::VcSdJwt(held) => held.as_str().into(),
        }
    }

    /// The types it is of.
    pub fn types(&self) -> Vec<CredentialType> {
        let w3c = |name: &str| CredentialType::w3c(name);
        match self {
            Self::SdJwtVc(held) => {
                [held.vct()].into_iter().chain(held.aka_vcts()).map(CredentialType::vct).collect()
            }
            Self::MsoMdoc(held) => vec![held.doc_type().into()],
            Self::JwtVcJson(held) => held.credential().types().map(w3c).collect(),
            Self::LdpVc(held) => held.credential().types().map(w3c).collect(),
            Self::VcJwt(held) => held.credential().types().map(w3c).collect(),
            Self::VcSdJwt(held) => held.credential().types().map(w3c).collect(),
        }
    }

    /// The types of a W3C credential as its contexts expand them, which is how OpenID4VP asks for them; none
    /// for other formats (OID4VP 1.0 App. B.1.1).
    pub fn expanded_types(&self) -> Vec<String> {
        match self {
            Self::SdJwtVc(_) | Self::MsoMdoc(_) => Vec::new(),
            Self::JwtVcJson(held) => expand_types(held.credential().document()),
            Self::LdpVc(held) => expand_types(held.credential().document()),
            Self::VcJwt(held) => expand_types(held.credential().document()),
            Self::VcSdJwt(held) => expand_types(held.credential().document()),
        }
    }

    /// Everything that could be presented, in its place.
    pub const fn claims(&self) -> &DisclosedClaims {
        match self {
            Self::SdJwtVc(held) => held.claims(),
            Self::MsoMdoc(held) => held.claims(),
            Self::JwtVcJson(held) => held.claims(),
            Self::LdpVc(held) => held.claims(),
            Self::VcJwt(held) => held.claims(),
            Self::VcSdJwt(held) => held.claims(),
        }
    }

    /// Who issued it; none when it came back from storage.
    pub const fn issuer(&self) -> Option<&IssuerIdentity> {
        match self {
            Self::SdJwtVc(held) => held.issuer(),
            Self::MsoMdoc(held) => held.issuer(),
            Self::JwtVcJson(held) => held.issuer(),
            Self::LdpVc(held) => held.issuer(),
            Self::VcJwt(held) => held.issuer(),
            Self::VcSdJwt(held) => held.issuer(),
        }
    }

    /// The times in it.
    pub const fn validity(&self) -> Validity {
        match self {
            Self::SdJwtVc(held) => *held.validity(),
            Self::MsoMdoc(held) => *held.validity(),
            Self::JwtVcJson(held) => *held.validity(),
            Self::LdpVc(held) => held.credential().validity(),
            Self::VcJwt(held) => *held.validity(),
            Self::VcSdJwt(held) => *held.validity(),
        }
    }
}

/// OID4VCI 1.0 App. A.2.4: an mdoc is handed out as its IssuerSigned in base64url.
fn issuer_signed(text: &str) -> Result<Vec<u8>, MdocError> {
    json::base64url_decode(text).map_err(|_| MdocError::NotBase64Url)
}
