//! Why an mdoc is refused: one variant per rule.

use thiserror::Error;

use crate::{
    cbor::CborError,
    cose::{CoseError, CoseKeyError},
    credential::ValidityError,
};

/// Why an mdoc, or a response with mdocs, is refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MdocError {
    /// It is not base64url without padding.
    #[error("not base64url")]
    NotBase64Url,
    /// It is not acceptable CBOR.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// It is no DeviceResponse.
    #[error("not a DeviceResponse")]
    Response,
    /// The DeviceResponse is of another version.
    #[error("the DeviceResponse is of another version")]
    ResponseVersion,
    /// The DeviceResponse reports a failure.
    #[error("the DeviceResponse reports the status {0}")]
    ResponseStatus(u64),
    /// There is no document in the DeviceResponse.
    #[error("the DeviceResponse has no document")]
    NoDocument,
    /// There is more than one document where one was asked for.
    #[error("the DeviceResponse has more than one document")]
    ManyDocuments,
    /// It is no IssuerSigned.
    #[error("not an IssuerSigned")]
    IssuerSigned,
    /// A namespace has no elements, or something that is no list of them.
    #[error("a namespace is malformed")]
    NameSpace,
    /// An element is not an IssuerSignedItem behind tag 24.
    #[error("an element is malformed")]
    Element,
    /// The `random` of an element has less than 16 bytes.
    #[error("the random of an element is too short")]
    RandomTooShort,
    /// An element is there twice.
    #[error("an element is there twice")]
    ElementRepeated,
    /// Two elements of a namespace have the same digest identifier.
    #[error("a digest identifier is there twice")]
    DigestIdRepeated,
    /// `issuerAuth` is not a COSE_Sign1 without a tag, or its headers break a rule.
    #[error("issuerAuth is refused: {0}")]
    IssuerAuth(CoseError),
    /// The issuer's signature does not verify.
    #[error("the issuer's signature is refused: {0}")]
    IssuerSignature(CoseError),
    /// The payload of `issuerAuth` is no MobileSecurityObject behind tag 24.
    #[error("the MSO is malformed")]
    Mso,
    /// The MSO is of another version.
    #[error("the MSO is of another version")]
    MsoVersion,
    /// `digestAlgorithm` names no hash that is supported.
    #[error("digestAlgorithm names no hash algorithm that is supported")]
    DigestAlgorithm,
    /// `valueDigests` is malformed, or a digest has another length than its algorithm gives.
    #[error("valueDigests is malformed")]
    ValueDigests,
    /// `validityInfo` is malformed, or its times are not in order.
    #[error("validityInfo is malformed")]
    ValidityInfo,
    /// `deviceKey` is no public key.
    #[error("deviceKey is refused: {0}")]
    DeviceKey(CoseKeyError),
    /// `keyAuthorizations` is malformed.
    #[error("keyAuthorizations is malformed")]
    KeyAuthorizations,
    /// `status` is malformed.
    #[error("status is malformed")]
    Status,
    /// The document says another type than its MSO.
    #[error("the document and its MSO are of different types")]
    DocTypeMismatch,
    /// The MSO has no digest for an element.
    #[error("the MSO has no digest for an element")]
    DigestMissing,
    /// The digest of an element is another one.
    #[error("the digest of an element does not match")]
    DigestMismatch,
    /// The MSO was signed when the document signer's certificate was not valid.
    #[error("the MSO was signed outside the validity of the signer's certificate")]
    SignedOutsideCertificate,
    /// `issuing_country` is not the country of the document signer.
    #[error("issuing_country is not the country of the document signer")]
    IssuingCountry,
    /// `issuing_jurisdiction` is not the state or province of the document signer.
    #[error("issuing_jurisdiction is not the state or province of the document signer")]
    IssuingJurisdiction,
    /// Nothing was signed by the device.
    #[error("deviceSigned is missing")]
    DeviceSignedMissing,
    /// `deviceSigned` is malformed.
    #[error("deviceSigned is malformed")]
    DeviceSigned,
    /// `deviceAuth` has neither a signature nor a MAC, or both.
    #[error("deviceAuth has not exactly one of a signature and a MAC")]
    DeviceAuth,
    /// The device's signature does not verify.
    #[error("the device's signature is refused: {0}")]
    DeviceSignature(CoseError),
    /// The device's MAC does not verify.
    #[error("the device's MAC is refused: {0}")]
    DeviceMac(CoseError),
    /// There is a MAC, but no reader key to check it with.
    #[error("the device's MAC cannot be checked without a reader key")]
    NoReaderKey,
    /// The device signed an element that the issuer did not authorise it for.
    #[error("the device signed an element that it is not authorised for")]
    DeviceElementNotAuthorized,
    /// The mdoc is not valid now.
    #[error(transparent)]
    Validity(#[from] ValidityError),
}

impl MdocError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotBase64Url => "mdoc_not_base64url",
            Self::Cbor(error) => error.code(),
            Self::Response => "mdoc_response_malformed",
            Self::ResponseVersion => "mdoc_response_version",
            Self::ResponseStatus(_) => "mdoc_response_status",
            Self::NoDocument => "mdoc_no_document",
            Self::ManyDocuments => "mdoc_many_documents",
            Self::IssuerSigned => "mdoc_issuer_signed_malformed",
            Self::NameSpace => "mdoc_namespace_malformed",
            Self::Element => "mdoc_element_malformed",
            Self::RandomTooShort => "mdoc_random_too_short",
            Self::ElementRepeated => "mdoc_element_repeated",
            Self::DigestIdRepeated => "mdoc_digest_id_repeated",
            Self::IssuerAuth(_) => "mdoc_issuer_auth",
            Self::IssuerSignature(_) => "issuer_signature_invalid",
            Self::Mso => "mso_malformed",
            Self::MsoVersion => "mso_version",
            Self::DigestAlgorithm => "mso_digest_algorithm",
            Self::ValueDigests => "mso_value_digests",
            Self::ValidityInfo => "mso_validity_info",
            Self::DeviceKey(_) => "mso_device_key",
            Self::KeyAuthorizations => "mso_key_authorizations",
            Self::Status => "credential_status_malformed",
            Self::DocTypeMismatch => "mdoc_doc_type_mismatch",
            Self::DigestMissing => "mdoc_digest_missing",
            Self::DigestMismatch => "mdoc_digest_mismatch",
            Self::SignedOutsideCertificate => "mso_signed_outside_certificate",
            Self::IssuingCountry => "mdoc_issuing_country",
            Self::IssuingJurisdiction => "mdoc_issuing_jurisdiction",
            Self::DeviceSignedMissing => "device_signed_missing",
            Self::DeviceSigned => "device_signed_malformed",
            Self::DeviceAuth => "device_auth_malformed",
            Self::DeviceSignature(_) => "device_signature_invalid",
            Self::DeviceMac(_) => "device_mac_invalid",
            Self::NoReaderKey => "device_mac_without_reader_key",
            Self::DeviceElementNotAuthorized => "device_element_not_authorized",
            Self::Validity(error) => error.code(),
        }
    }
}
