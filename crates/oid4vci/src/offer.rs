//! The credential offer and the links that carry it (OID4VCI 1.0 §4.1).

use std::collections::HashSet;

use lanyard_core::json;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{Url, form_urlencoded};

use crate::{
    CredentialConfigurationId, IssuerUrl, PreAuthorizedCode, Transport, identifier::IssuerUrlError,
};

/// The grant type of pre-authorized codes.
pub const PRE_AUTHORIZED_GRANT: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

/// What an issuer offers to a wallet; untrusted until discovery has checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialOffer {
    /// Who offers.
    pub issuer: IssuerUrl,
    /// What is offered: not empty, each once.
    pub configurations: Vec<CredentialConfigurationId>,
    /// How the wallet may get it.
    pub grants: Grants,
}

/// The grants that an offer names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grants {
    /// The holder logs in at the authorization server.
    AuthorizationCode(AuthorizationCodeGrant),
    /// The issuer knows the holder already.
    PreAuthorized(PreAuthorizedGrant),
    /// The wallet chooses.
    Both(AuthorizationCodeGrant, PreAuthorizedGrant),
    /// The offer names none that is known here: authorization server metadata decides (§4.1.1).
    None,
}

/// `authorization_code` in an offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationCodeGrant {
    /// `issuer_state`: proof of nothing, to be handed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_state: Option<String>,
    /// Which of the issuer's authorization servers to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_server: Option<IssuerUrl>,
}

/// The pre-authorized code in an offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreAuthorizedGrant {
    /// The code.
    #[serde(rename = "pre-authorized_code")]
    pub code: PreAuthorizedCode,
    /// Present, even when empty: the holder has to type in a code (§4.1.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_code: Option<TxCodeDescription>,
    /// Which of the issuer's authorization servers to ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_server: Option<IssuerUrl>,
}

/// What a wallet needs to ask its holder for a tx code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TxCodeDescription {
    /// Which keyboard to show.
    #[serde(default)]
    pub input_mode: TxCodeInput,
    /// How many characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<u8>,
    /// Where the holder finds the code; 300 characters at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// The characters of a tx code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TxCodeInput {
    /// Digits alone.
    #[default]
    Numeric,
    /// Any text.
    Text,
}

/// Why an offer or its link was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum OfferError {
    /// Not a link that can carry an offer.
    #[error("this is no credential offer link")]
    NotAnOfferLink,
    /// Neither `credential_offer` nor `credential_offer_uri`, or both, or one of them twice.
    #[error("an offer link carries exactly one of credential_offer and credential_offer_uri")]
    NotExactlyOne,
    /// `credential_offer_uri` is not an https URL.
    #[error("credential_offer_uri is not an https URL")]
    ReferenceNotHttps,
    /// Not strict JSON of the right shape.
    #[error("the credential offer cannot be read")]
    Malformed,
    /// The issuer is not a credential issuer identifier.
    #[error("credential_issuer: {0}")]
    Issuer(IssuerUrlError),
    /// Nothing is offered.
    #[error("the credential offer offers nothing")]
    Empty,
    /// A configuration is offered twice.
    #[error("the credential offer names a configuration twice")]
    Repeated,
    /// A tx code description of more than 300 characters.
    #[error("the description of the tx code is too long")]
    DescriptionTooLong,
}

/// What an offer link carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OfferLink {
    /// The offer itself.
    ByValue(CredentialOffer),
    /// Where to fetch it; to be fetched only after the holder acted (§15.6).
    ByReference(Url),
}

impl OfferLink {
    /// Reads a link of any scheme a wallet is started with: `openid-credential-offer://`,
    /// `haip-vci://`, or an https link of the wallet's own.
    ///
    /// # Errors
    /// [`OfferError`].
    pub fn parse(link: &str, transport: Transport) -> Result<Self, OfferError> {
        let link = Url::parse(link.trim()).map_err(|_| OfferError::NotAnOfferLink)?;
        if !matches!(link.scheme(), "openid-credential-offer" | "haip-vci" | "https" | "http") {
            return Err(OfferError::NotAnOfferLink);
        }
        let named = |wanted: &'static str| {
            link.query_pairs().filter(move |(name, _)| name == wanted).map(|(_, value)| value)
        };
        let (values, references): (Vec<_>, Vec<_>) =
            (named("credential_offer").collect(), named("credential_offer_uri").collect());
        // OID4VCI 1.0 §4.1: the two parameters are mutually exclusive
        match (values.as_slice(), references.as_slice()) {
            ([], []) if link.query().is_none() => Err(OfferError::NotAnOfferLink),
            ([value], []) => CredentialOffer::parse(value.as_bytes(), transport).map(Self::ByValue),
            ([], [reference]) => {
                let reference = Url::parse(reference).map_err(|_| OfferError::ReferenceNotHttps)?;
                // OID4VCI 1.0 §4.1.3: credential_offer_uri is an https URL
                if !transport.allows(&reference) {
                    return Err(OfferError::ReferenceNotHttps);
                }
                Ok(Self::ByReference(reference))
            }
            _ => Err(OfferError::NotExactlyOne),
        }
    }

    /// Writes the link a wallet is started with (§4.1.2, §4.1.3).
    pub fn to_link(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match self {
            Self::ByValue(offer) => query.append_pair("credential_offer", &offer.to_json()),
            Self::ByReference(place) => query.append_pair("credential_offer_uri", place.as_str()),
        };
        format!("openid-credential-offer://?{}", query.finish())
    }
}

/// The offer as it is written; what the parser makes of it is [`CredentialOffer`].
#[derive(Serialize, Deserialize)]
struct WireOffer {
    credential_issuer: String,
    credential_configuration_ids: Vec<CredentialConfigurationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    grants: Option<WireGrants>,
}

#[derive(Default, Serialize, Deserialize)]
struct WireGrants {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    authorization_code: Option<AuthorizationCodeGrant>,
    #[serde(
        default,
        rename = "urn:ietf:params:oauth:grant-type:pre-authorized_code",
        skip_serializing_if = "Option::is_none"
    )]
    pre_authorized: Option<PreAuthorizedGrant>,
}

impl CredentialOffer {
    /// Reads an offer: strict JSON, unknown members ignored.
    ///
    /// # Errors
    /// One [`OfferError`] per rule.
    pub fn parse(text: &[u8], transport: Transport) -> Result<Self, OfferError> {
        let value = json::parse(text).map_err(|_| OfferError::Malformed)?;
        let wire: WireOffer = serde_json::from_value(value).map_err(|_| OfferError::Malformed)?;
        let issuer =
            IssuerUrl::parse(&wire.credential_issuer, transport).map_err(OfferError::Issuer)?;
        // OID4VCI 1.0 §4.1.1: a non-empty array of unique strings
        let configurations = wire.credential_configuration_ids;
        if configurations.is_empty() {
            return Err(OfferError::Empty);
        }
        if configurations.iter().collect::<HashSet<_>>().len() != configurations.len() {
            return Err(OfferError::Repeated);
        }
        let grants = wire.grants.unwrap_or_default();
        if let Some(tx_code) = grants.pre_authorized.as_ref().and_then(|g| g.tx_code.as_ref()) {
            tx_code.accept_length()?;
        }
        let grants = match (grants.authorization_code, grants.pre_authorized) {
            (Some(login), Some(code)) => Grants::Both(login, code),
            (Some(login), None) => Grants::AuthorizationCode(login),
            (None, Some(code)) => Grants::PreAuthorized(code),
            (None, None) => Grants::None,
        };
        Ok(Self { issuer, configurations, grants })
    }

    /// The offer as JSON text: what is shown by value, and served by reference.
    pub fn to_json(&self) -> String {
        let (authorization_code, pre_authorized) = match self.grants.clone() {
            Grants::Both(login, code) => (Some(login), Some(code)),
            Grants::AuthorizationCode(login) => (Some(login), None),
            Grants::PreAuthorized(code) => (None, Some(code)),
            Grants::None => (None, None),
        };
        let named = authorization_code.is_some() || pre_authorized.is_some();
        let wire = WireOffer {
            credential_issuer: self.issuer.as_str().to_owned(),
            credential_configuration_ids: self.configurations.clone(),
            grants: named.then_some(WireGrants { authorization_code, pre_authorized }),
        };
        serde_json::to_string(&wire).expect("an offer is text, numbers and lists of them")
    }

    /// The pre-authorized grant, if the offer has one.
    pub const fn pre_authorized(&self) -> Option<&PreAuthorizedGrant> {
        match &self.grants {
            Grants::PreAuthorized(grant) | Grants::Both(_, grant) => Some(grant),
            Grants::AuthorizationCode(_) | Grants::None => None,
        }
    }
}

impl TxCodeDescription {
    /// Refuses a description that a wallet need not show.
    pub(crate) fn accept_length(&self) -> Result<(), OfferError> {
        // OID4VCI 1.0 §4.1.1: the description must not exceed 300 characters
        match &self.description {
            Some(text) if text.chars().count() > 300 => Err(OfferError::DescriptionTooLong),
            _ => Ok(()),
        }
    }
}
