//! Why a client is not who it says.

use lanyard_core::{jose::JwsError, trust::x509::ChainError};
use thiserror::Error;

use crate::{
    attestation_status::AttestationStatusError, description::ErrorBody, nonce::NonceError,
};

/// Why a client was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ClientError {
    /// The client has to authenticate and did not.
    #[error("the client has to authenticate")]
    AuthenticationMissing,
    /// Two ways to authenticate in one request.
    #[error("the request has more than one client authentication")]
    MoreThanOneMethod,
    /// A way to authenticate that this client is not registered with.
    #[error("this client authentication is not supported here")]
    MethodUnsupported,
    /// `client_id` is not the client that was proven.
    #[error("client_id is not the client that authenticated")]
    OtherClient,
    /// No such client.
    #[error("the client is unknown")]
    Unknown,
    /// One of the two headers without the other, one of them twice, or one that is not text.
    #[error("OAuth-Client-Attestation and OAuth-Client-Attestation-PoP belong together, once each")]
    AttestationHeaders,
    /// Nobody is trusted to attest clients here.
    #[error("client attestations are not taken here")]
    NobodyAttests,
    /// The attestation is broken as a JWS.
    #[error("the client attestation is refused: {0}")]
    Attestation(JwsError),
    /// The attestation carries no certificates.
    #[error("the client attestation carries no x5c")]
    CertificatesMissing,
    /// The attester is not trusted.
    #[error("the attester is not trusted: {0}")]
    Attester(ChainError),
    /// `sub` is missing.
    #[error("the client attestation has no sub")]
    SubjectMissing,
    /// `exp` is missing or not a number.
    #[error("the client attestation has no exp")]
    ExpiryMissing,
    /// The attestation has expired.
    #[error("the client attestation has expired")]
    Expired,
    /// `iat` or `nbf` of the attestation is in the future.
    #[error("the client attestation is not valid yet")]
    NotYetValid,
    /// `cnf.jwk` is missing or no key for signatures.
    #[error("the client attestation names no key")]
    KeyMissing,
    /// Whoever attested took it back, or nobody can tell.
    #[error("the client attestation is refused: {0}")]
    AttestationStatus(#[from] AttestationStatusError),
    /// The proof of possession is broken as a JWS, or made with another key than `cnf` names.
    #[error("the proof of possession is refused: {0}")]
    Pop(JwsError),
    /// `iss` is there and not the client.
    #[error("iss is not the client")]
    Issuer,
    /// `aud` is not the issuer identifier of this authorization server.
    #[error("aud is not the issuer identifier of this authorization server")]
    Audience,
    /// `jti` is missing.
    #[error("jti is missing")]
    IdentifierMissing,
    /// `iat` is missing, not a number, or too far from now.
    #[error("iat is missing or too far from now")]
    IssuedAt,
    /// No `challenge`, or one that is not good (any more).
    #[error("the authorization server wants its own challenge in the proof of possession")]
    Challenge(Option<NonceError>),
    /// The client assertion is broken as a JWS.
    #[error("the client assertion is refused: {0}")]
    Assertion(JwsError),
    /// `exp` of the client assertion is missing or not a number.
    #[error("the client assertion has no exp")]
    AssertionExpiryMissing,
    /// The client assertion has expired, or lives longer than assertions may.
    #[error("the client assertion has expired or lives too long")]
    AssertionExpired,
    /// `iat` or `nbf` of the client assertion is in the future.
    #[error("the client assertion is not valid yet")]
    AssertionNotYetValid,
    /// Another `client_assertion_type` than that of JWTs.
    #[error("client_assertion_type is not supported")]
    AssertionType,
    /// The client assertion was made before the server's memory of what was shown begins.
    #[error("the client's proof may have been used before the authorization server was restored")]
    BeforeRestore,
    /// What was shown was shown before.
    #[error("the client's proof was used before")]
    Replayed,
}

impl ClientError {
    /// The error code for the peer (RFC 6749 §5.2, attestation-based client authentication §6).
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Challenge(_) => "use_attestation_challenge",
            Self::Expired => "use_fresh_attestation",
            Self::AttestationHeaders
            | Self::Attestation(_)
            | Self::CertificatesMissing
            | Self::Attester(_)
            | Self::SubjectMissing
            | Self::ExpiryMissing
            | Self::NotYetValid
            | Self::KeyMissing
            | Self::Pop(_) => "invalid_client_attestation",
            // and one that was taken back; RFC 7521 §4.2.1: whatever is wrong with an assertion
            _ => "invalid_client",
        }
    }

    /// The stable reason for the operator and the trail.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::AuthenticationMissing => "client_authentication_missing",
            Self::MoreThanOneMethod => "client_authentication_ambiguous",
            Self::MethodUnsupported => "client_authentication_unsupported",
            Self::OtherClient => "client_id_other",
            Self::Unknown => "client_unknown",
            Self::AttestationHeaders => "attestation_headers",
            Self::NobodyAttests => "attestation_unsupported",
            Self::Attestation(JwsError::Signature(_)) => "attestation_signature",
            Self::Attestation(_) => "attestation_malformed",
            Self::CertificatesMissing => "attestation_x5c_missing",
            Self::Attester(_) => "attester_untrusted",
            Self::SubjectMissing => "attestation_sub_missing",
            Self::ExpiryMissing => "attestation_exp_missing",
            Self::Expired => "attestation_expired",
            Self::NotYetValid => "attestation_not_yet_valid",
            Self::KeyMissing => "attestation_cnf_missing",
            Self::AttestationStatus(error) => error.reason(),
            Self::Pop(JwsError::Signature(_)) => "attestation_pop_signature",
            Self::Pop(_) => "attestation_pop_malformed",
            Self::Issuer => "client_iss",
            Self::Audience => "client_aud",
            Self::IdentifierMissing => "client_jti_missing",
            Self::IssuedAt => "client_iat",
            Self::Challenge(None) => "attestation_challenge_missing",
            Self::Challenge(Some(_)) => "attestation_challenge_refused",
            Self::Assertion(JwsError::Signature(_)) => "client_assertion_signature",
            Self::Assertion(_) => "client_assertion_malformed",
            Self::AssertionExpiryMissing => "client_assertion_exp_missing",
            Self::AssertionExpired => "client_assertion_expired",
            Self::AssertionNotYetValid => "client_assertion_not_yet_valid",
            Self::AssertionType => "client_assertion_type",
            Self::BeforeRestore => "client_proof_before_restore",
            Self::Replayed => "client_proof_replayed",
        }
    }

    /// The body for the peer.
    pub fn to_body(&self) -> ErrorBody {
        ErrorBody::new(self.code(), self)
    }
}
