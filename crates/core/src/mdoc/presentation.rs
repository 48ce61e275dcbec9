//! The whole verification of one presented mdoc, in the order that forgets nothing.

use jiff::Timestamp;
use thiserror::Error;

use super::{DocType, ExpectedDeviceAuth, MdocError, UnverifiedDeviceResponse, VerifiedMdoc};
use crate::{
    credential::ValidityPolicy,
    json,
    trust::{IssuerError, IssuerKeys},
    verify::CheckName,
};

/// What a presented mdoc must answer.
#[derive(Clone, Copy, Debug)]
pub struct ExpectedMdoc<'e> {
    /// The type that was asked for; without, every type will do.
    pub doc_type: Option<&'e DocType>,
    /// The exchange that the device's signature must be about.
    pub device_auth: ExpectedDeviceAuth<'e>,
    /// How its times are judged.
    pub validity: ValidityPolicy,
    /// The moment everything is judged at.
    pub now: Timestamp,
}

/// Why a presented mdoc is not accepted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MdocPresentationError {
    /// One rule about the issuer; see [`IssuerError::is_undetermined`].
    #[error(transparent)]
    Issuer(#[from] IssuerError),
    /// One rule about the mdoc or its presentation.
    #[error(transparent)]
    Mdoc(#[from] MdocError),
    /// It is not of the type that was asked for.
    #[error("the mdoc is of another type than was asked for")]
    WrongType,
}

impl MdocPresentationError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Issuer(error) => error.code(),
            Self::Mdoc(error) => error.code(),
            Self::WrongType => "credential_wrong_type",
        }
    }

    /// The check that was not passed; all before it were.
    pub const fn check(&self) -> CheckName {
        match self {
            Self::Issuer(_) => CheckName::IssuerTrusted,
            Self::Mdoc(error) => error.check(),
            Self::WrongType => CheckName::Type,
        }
    }
}

impl MdocError {
    /// The check that this rule belongs to; whatever is checked before it was passed.
    pub const fn check(&self) -> CheckName {
        match self {
            Self::NotBase64Url
            | Self::Cbor(_)
            | Self::Response
            | Self::ResponseVersion
            | Self::ResponseStatus(_)
            | Self::NoDocument
            | Self::ManyDocuments
            | Self::IssuerSigned
            | Self::NameSpace
            | Self::Element => CheckName::Form,
            Self::IssuerAuth(_)
            | Self::Mso
            | Self::MsoVersion
            | Self::DigestAlgorithm
            | Self::DocTypeMismatch => CheckName::Declaration,
            Self::SignedOutsideCertificate | Self::IssuingCountry | Self::IssuingJurisdiction => {
                CheckName::IssuerTrusted
            }
            Self::IssuerSignature(_) => CheckName::IssuerSignature,
            Self::RandomTooShort
            | Self::ElementRepeated
            | Self::DigestIdRepeated
            | Self::ValueDigests
            | Self::DigestMissing
            | Self::DigestMismatch => CheckName::Disclosures,
            Self::DeviceKey(_)
            | Self::DeviceSignedMissing
            | Self::DeviceSigned
            | Self::DeviceAuth
            | Self::NoReaderKey => CheckName::HolderKey,
            // the nonce, the client and where the response goes are all in the session transcript,
            // which this signature is over
            Self::DeviceSignature(_) | Self::DeviceMac(_) => CheckName::HolderSignature,
            Self::KeyAuthorizations | Self::DeviceElementNotAuthorized | Self::Status => {
                CheckName::Openness
            }
            Self::ValidityInfo | Self::Validity(_) => CheckName::Validity,
        }
    }
}

/// Verifies one presented mdoc, completely but for its status: `received` is one element of a
/// `vp_token`, a base64url DeviceResponse with one document (OID4VP 1.0 App. B.2.5).
///
/// ```
/// # use lanyard_core::{mdoc::*, trust::IssuerKeys, sd_jwt::*, Timestamp};
/// # async fn verify(received: &str, keys: &IssuerKeys, now: Timestamp) -> Result<(), Box<dyn std::error::Error>> {
/// let transcript = SessionTranscript::openid4vp(
///     &OpenId4VpHandover {
///         client_id: &Audience::from("x509_san_dns:shop.example"),
///         nonce: &RequestNonce::from("n-0S6_WzA2Mj"),
///         encryption_key: None,
///         response_uri: "https://shop.example/response",
///     },
///     keys.provider(),
/// );
/// let licence = DocType::parse(DocType::MDL)?;
/// let expected = ExpectedMdoc {
///     doc_type: Some(&licence),
///     device_auth: ExpectedDeviceAuth { transcript: &transcript, reader_key: None },
///     validity: Default::default(),
///     now,
/// };
/// let mdoc = verify_presentation(received, &expected, keys).await?;
/// let name = ElementName::parse(NameSpace::MDL, "family_name")?;
/// println!("{:?}", mdoc.element(&name));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// One [`MdocPresentationError`] per rule.
pub async fn verify_presentation(
    received: &str,
    expected: &ExpectedMdoc<'_>,
    keys: &IssuerKeys,
) -> Result<VerifiedMdoc, MdocPresentationError> {
    let ExpectedMdoc { doc_type, device_auth, validity, now } = expected;
    // 1. it can be read, and is one document
    let response = json::base64url_decode(received).map_err(|_| MdocError::NotBase64Url)?;
    let mdoc = UnverifiedDeviceResponse::parse(&response)?.into_only_document()?;
    // 2. its issuer is trusted for its type
    let key = keys.find(&mdoc.claimed_issuer(), *now).await?;
    // 3. the issuer's signature, the digests, the device's signature and what it may sign
    let verified = mdoc.verify(key, device_auth, keys.provider())?;
    // 4. valid now, and what was asked for
    verified.judge_validity(validity, *now).map_err(MdocError::from)?;
    // OID4VP 1.0 App. B.2.3: doctype_value is the docType
    if doc_type.is_some_and(|wanted| wanted != verified.doc_type()) {
        return Err(MdocPresentationError::WrongType);
    }
    Ok(verified)
}
