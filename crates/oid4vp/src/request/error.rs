//! Why a wallet does not go on with a request.

use lanyard_core::{
    did::ResolutionError,
    jose::JwsError,
    mdoc::{AnnexCError, DeviceRequestError},
    trust::x509::ChainError,
};
use thiserror::Error;

use crate::{ClientIdError, ErrorCode, TextError, dcql::DcqlError, transaction::TransactionError};

/// Why a presentation request was refused; one variant per rule.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RequestError {
    /// The link is no presentation request, or has a parameter twice.
    #[error("the link is not a presentation request")]
    Link,
    /// `request_uri_method` is neither `get` nor `post`.
    #[error("request_uri_method is neither get nor post")]
    RequestUriMethod,
    /// `request_uri` is not https, or has a fragment.
    #[error("request_uri is not an https URL without fragment")]
    RequestUri,
    /// A parameter that must be there is not.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A parameter has the wrong JSON type, or cannot be read.
    #[error("{0} cannot be read")]
    Unreadable(&'static str),
    /// `response_type` is not `vp_token`.
    #[error("response_type is not vp_token")]
    ResponseType,
    /// `response_mode` is neither `direct_post` nor `direct_post.jwt`.
    #[error("response_mode is neither direct_post nor direct_post.jwt")]
    ResponseMode,
    /// `redirect_uri` where only `response_uri` may be.
    #[error("redirect_uri has no place beside a direct_post response mode")]
    RedirectUriPresent,
    /// `response_uri` is not https.
    #[error("response_uri is not an https URL without fragment")]
    ResponseUri,
    /// `nonce` has other characters than allowed.
    #[error("nonce is refused: {0}")]
    Nonce(#[source] TextError),
    /// `state` has other characters than allowed.
    #[error("state is refused: {0}")]
    State(#[source] TextError),
    /// A credential is asked for without holder binding, and nothing ties the response to the request.
    #[error("state is missing although holder binding is not required")]
    StateMissing,
    /// Presentation Exchange, which is gone.
    #[error("a presentation_definition is not taken, only dcql_query")]
    PresentationDefinition,
    /// A `scope` and a query at once.
    #[error("scope and dcql_query exclude each other")]
    ScopeAndQuery,
    /// A `scope`; none is defined here.
    #[error("no scope stands for a query here")]
    Scope,
    /// The query breaks a rule.
    #[error("dcql_query is refused: {0}")]
    Query(#[from] DcqlError),
    /// Nothing that is asked for is of a format that is held here, or that the verifier takes.
    #[error("none of the formats asked for is supported")]
    Formats,
    /// Transaction data that is of no known type, or breaks a rule of its type.
    #[error("{0}")]
    TransactionData(#[from] TransactionError),
    /// A protocol of the Digital Credentials API that is not OpenID4VP 1.0.
    #[error("the protocol is neither openid4vp-v1 nor org-iso-mdoc")]
    Protocol,
    /// The request through the Digital Credentials API has another form than its protocol says.
    #[error("the request has another form than its protocol says")]
    ProtocolForm,
    /// The request came from an origin that it does not expect.
    #[error("the request is not expected from this origin")]
    ExpectedOrigins,
    /// The platform reports no origin, or one that has to be refused.
    #[error("the origin cannot be used")]
    Origin,
    /// What says where the answer is encrypted to breaks a rule (ISO/IEC 18013-7 Annex C).
    #[error("encryptionInfo is refused: {0}")]
    EncryptionInfo(#[from] AnnexCError),
    /// The DeviceRequest breaks a rule.
    #[error("deviceRequest is refused: {0}")]
    DeviceRequest(#[from] DeviceRequestError),
    /// A parameter of one signature in what all of them sign, or the other way round.
    #[error("{0} is in the wrong part of a multi-signed request")]
    WrongPart(&'static str),
    /// `verifier_info` of another form than the specification gives it.
    #[error("verifier_info cannot be read")]
    VerifierInfo,
    /// `client_metadata` beside the metadata that the verifier was registered with.
    #[error("client_metadata from a verifier whose metadata is registered")]
    MetadataTwice,
    /// The header names no key, or one of somebody else.
    #[error("kid is not a key of the verifier")]
    KeyId,
    /// The verifier's DID led to no key.
    #[error("the verifier's DID leads to no key: {0}")]
    Resolution(#[from] ResolutionError),
    /// The header has no attestation.
    #[error("the request object has no verifier attestation")]
    AttestationMissing,
    /// The attestation breaks a rule of JWS, or its issuer did not sign it.
    #[error("the verifier attestation is refused: {0}")]
    Attestation(JwsError),
    /// The attestation has no issuer that this wallet believes.
    #[error("the verifier attestation is by nobody who is trusted")]
    AttestationIssuer,
    /// `sub` of the attestation is another verifier.
    #[error("the verifier attestation is for another verifier")]
    AttestationSubject,
    /// The attestation has expired, is not valid yet, or does not say.
    #[error("the verifier attestation is not valid now")]
    AttestationTime,
    /// The attestation has no key in `cnf`.
    #[error("the verifier attestation has no key")]
    AttestationKey,
    /// The response would go to a place that the attestation does not list.
    #[error("response_uri is not in the verifier attestation")]
    AttestationPlace,
    /// The client identifier breaks a rule.
    #[error(transparent)]
    ClientId(#[from] ClientIdError),
    /// The verifier would have to be known beforehand.
    #[error("the verifier is not registered with this wallet")]
    NotRegistered,
    /// The link and the request object name different verifiers.
    #[error("client_id differs between link and request object")]
    ClientIdDiffers,
    /// A signed request by a verifier that has no key.
    #[error("a request by a redirect_uri client is not signed")]
    SignedByRedirectUri,
    /// An unsigned request by a verifier that has to sign.
    #[error("the request is not signed")]
    NotSigned,
    /// The response would go elsewhere than the client identifier says.
    #[error("response_uri is not what client_id stands for")]
    ResponseUriDiffers,
    /// The request object breaks a rule of JWS.
    #[error("the request object is refused: {0}")]
    Object(#[from] JwsError),
    /// The request object has no certificate chain.
    #[error("the request object has no x5c")]
    CertificateMissing,
    /// The certificate chain is refused; [`ChainError::Untrusted`] for a verifier nobody vouches for.
    #[error("the verifier's certificate chain is refused: {0}")]
    Chain(#[from] ChainError),
    /// The leaf is not the certificate, or not of the name, that the client identifier stands for.
    #[error("the certificate is not the one of client_id")]
    CertificateDiffers,
    /// `aud` is not the wallet.
    #[error("aud is not a wallet")]
    Audience,
    /// The request object has expired.
    #[error("the request has expired")]
    Expired,
    /// The request object is from the future.
    #[error("the request is not valid yet")]
    NotYetValid,
    /// The request object does not repeat the wallet's nonce.
    #[error("wallet_nonce was not repeated")]
    WalletNonce,
    /// Two encryption keys have one `kid`.
    #[error("two keys of client_metadata have the same kid")]
    DuplicateKeyId,
    /// An encrypted response is asked for, with no key it could be encrypted to.
    #[error("there is no usable key to encrypt the response to")]
    NoEncryptionKey,
    /// An encrypted response is asked for, with no content encryption that is supported.
    #[error("none of the content encryption algorithms is supported")]
    NoContentEncryption,
}

impl RequestError {
    /// Whether the request may keep every rule, and its verifier goes by a name that this wallet does not know.
    #[must_use]
    pub const fn is_about_a_stranger(&self) -> bool {
        matches!(
            self,
            Self::Chain(ChainError::Untrusted)
                | Self::NotRegistered
                | Self::AttestationIssuer
                | Self::ClientId(ClientIdError::NotSupported(_) | ClientIdError::UnknownPrefix)
        )
    }

    /// What the verifier is told, where it can be told (§8.5).
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::RequestUriMethod => ErrorCode::InvalidRequestUriMethod,
            Self::Scope => ErrorCode::InvalidScope,
            Self::Formats => ErrorCode::VpFormatsNotSupported,
            Self::TransactionData(_) => ErrorCode::InvalidTransactionData,
            Self::MetadataTwice => ErrorCode::InvalidClient,
            _ => ErrorCode::InvalidRequest,
        }
    }
}
