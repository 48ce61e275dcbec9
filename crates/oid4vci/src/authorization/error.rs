//! Why an authorization request was refused.

use lanyard_core::pkce::PkceError;
use thiserror::Error;

use crate::description::ErrorBody;

/// Why an authorization request was refused, at the PAR endpoint or at the authorization endpoint.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AuthorizationError {
    /// The body is not a form.
    #[error("the request is not a form")]
    Malformed,
    /// A parameter occurs twice.
    #[error("a parameter is included more than once")]
    ParameterRepeated,
    /// `request_uri` in a pushed request.
    #[error("request_uri must not be pushed")]
    RequestUriPushed,
    /// `request`: signed request objects are not offered.
    #[error("request objects are not supported")]
    RequestObject,
    /// The authorization code flow is not offered here.
    #[error("the authorization code flow is not offered here")]
    NotOffered,
    /// `client_id` is missing or not a registered client.
    #[error("the client is not registered for the authorization code flow")]
    ClientUnknown,
    /// `response_type` is missing.
    #[error("response_type is missing")]
    ResponseTypeMissing,
    /// Another `response_type` than `code`.
    #[error("response_type must be code")]
    ResponseTypeUnsupported,
    /// `redirect_uri` is missing.
    #[error("redirect_uri is missing")]
    RedirectUriMissing,
    /// `redirect_uri` is not one that the client registered.
    #[error("redirect_uri is not one that the client registered")]
    RedirectUriUnknown,
    /// `code_challenge` is missing or not one.
    #[error("code_challenge is missing or not the SHA-256 of a verifier")]
    ChallengeMissing,
    /// `code_challenge_method` is not `S256`.
    #[error("code_challenge_method must be S256")]
    ChallengeMethod,
    /// `state` is longer than is kept.
    #[error("state is too long")]
    StateTooLong,
    /// `dpop_jkt` is not the key of the DPoP proof beside it.
    #[error("dpop_jkt is not the key of the DPoP proof")]
    OtherKey,
    /// The profile demands a DPoP key.
    #[error("a DPoP proof or dpop_jkt is needed")]
    KeyMissing,
    /// Neither `scope` nor `authorization_details` asks for a credential of this issuer.
    #[error("no credential of this issuer is asked for")]
    NothingWanted,
    /// `authorization_details` cannot be read, or asks for what there is not.
    #[error("authorization_details is malformed or asks for what there is not")]
    Details,
    /// `issuer_state` leads to no offer that waits, or the request asks for what it does not offer.
    #[error("issuer_state leads to no offer of what is asked for")]
    IssuerState,
    /// The authorization endpoint was called without a pushed request.
    #[error("the request has to be pushed first")]
    NotPushed,
    /// `request_uri` is unknown, was used, has expired, or belongs to another client.
    #[error("request_uri is unknown, used, expired or of another client")]
    RequestUri,
    /// The holder, or a rule, said no.
    #[error("the request was declined")]
    Denied,
    /// The offer is for somebody else.
    #[error("the offer is for somebody else")]
    OtherHolder,
    /// The holder has no such credential to come.
    #[error("there is nothing to issue to this holder")]
    NothingToIssue,
}

impl From<PkceError> for AuthorizationError {
    fn from(error: PkceError) -> Self {
        match error {
            PkceError::Challenge => Self::ChallengeMissing,
            PkceError::Method => Self::ChallengeMethod,
        }
    }
}

impl AuthorizationError {
    /// The error code for the peer (RFC 6749 §4.1.2.1, RFC 9126 §2.3, RFC 9101 §6.4, RFC 9396 §5).
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed
            | Self::ParameterRepeated
            | Self::RequestUriPushed
            | Self::ResponseTypeMissing
            | Self::RedirectUriMissing
            | Self::RedirectUriUnknown
            | Self::ChallengeMissing
            | Self::ChallengeMethod
            | Self::StateTooLong
            | Self::IssuerState
            | Self::NotPushed => "invalid_request",
            Self::RequestObject => "request_not_supported",
            Self::ClientUnknown => "invalid_client",
            Self::NotOffered => "unauthorized_client",
            Self::ResponseTypeUnsupported => "unsupported_response_type",
            Self::OtherKey | Self::KeyMissing => "invalid_dpop_proof",
            Self::NothingWanted => "invalid_scope",
            Self::Details => "invalid_authorization_details",
            Self::RequestUri => "invalid_request_uri",
            Self::Denied | Self::OtherHolder | Self::NothingToIssue => "access_denied",
        }
    }

    /// The stable reason for the operator and the trail.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "authorization_request_malformed",
            Self::ParameterRepeated => "parameter_repeated",
            Self::RequestUriPushed => "request_uri_pushed",
            Self::RequestObject => "request_object_unsupported",
            Self::NotOffered => "code_flow_not_offered",
            Self::ClientUnknown => "client_unknown",
            Self::ResponseTypeMissing => "response_type_missing",
            Self::ResponseTypeUnsupported => "response_type_unsupported",
            Self::RedirectUriMissing => "redirect_uri_missing",
            Self::RedirectUriUnknown => "redirect_uri_unknown",
            Self::ChallengeMissing => "code_challenge_missing",
            Self::ChallengeMethod => "code_challenge_method",
            Self::StateTooLong => "state_too_long",
            Self::OtherKey => "dpop_jkt_other",
            Self::KeyMissing => "dpop_missing",
            Self::NothingWanted => "scope_unknown",
            Self::Details => "authorization_details_refused",
            Self::IssuerState => "issuer_state_unknown",
            Self::NotPushed => "request_not_pushed",
            Self::RequestUri => "request_uri_refused",
            Self::Denied => "access_denied",
            Self::OtherHolder => "other_holder",
            Self::NothingToIssue => "nothing_to_issue",
        }
    }

    /// The body for the peer.
    pub fn to_body(self) -> ErrorBody {
        ErrorBody::new(self.code(), &self)
    }
}
