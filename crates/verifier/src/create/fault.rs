//! Why something cannot be asked.

use lanyard_core::trust::x509::ChainError;
use lanyard_oid4vp::{dc_api::NoDeviceRequest, dcql::DcqlError, transaction::TransactionError};
use thiserror::Error;

use super::question::{MAX_ANCHORS, MAX_PURPOSE};
use crate::RequestPolicyFault;

/// Why something cannot be asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RequestFault {
    /// Neither a preset nor a query, or both.
    #[error("a request has either a preset or a dcql_query")]
    Question,
    /// No such preset.
    #[error("there is no such preset")]
    UnknownPreset,
    /// The query breaks a rule.
    #[error("the dcql_query cannot be asked: {0}")]
    Query(#[from] DcqlError),
    /// No credential of the query could ever be accepted.
    #[error("the dcql_query asks for {0} that is not supported")]
    NeverSatisfied(&'static str),
    /// The purpose is longer than anyone reads.
    #[error("the purpose is longer than {MAX_PURPOSE} characters")]
    Purpose,
    /// The certificate has no DNS name that is the host of this server.
    #[error("this verifier has no DNS name to go by")]
    NoDnsName,
    /// Nobody gave this verifier an attestation.
    #[error("this verifier has no attestation to go by")]
    NoAttestation,
    /// No wallet registered this verifier.
    #[error("this verifier is not registered with wallets")]
    NotRegistered,
    /// The transactions break a rule of their type.
    #[error("transaction_data cannot be asked for: {0}")]
    Transaction(#[from] TransactionError),
    /// What others say about the verifier is of another form.
    #[error("verifier_info is not a list of attestations")]
    VerifierInfo,
    /// OID4VP 1.0 §5.9.3: a `redirect_uri` client cannot sign, so there is nothing to fetch.
    #[error("request_uri_method is not for the client_id_prefix redirect_uri")]
    NothingToFetch,
    /// What has the whole request in it cannot change while it is shown.
    #[error("a link of the client_id_prefix redirect_uri does not rotate")]
    NothingToRotate,
    /// The page that would ask is none of this verifier's.
    #[error("dc_api.origins has an origin that is not allowed to ask")]
    Origin,
    /// Only requests that are not signed can be made in no name.
    #[error(
        "dc_api.protocols has a signed protocol; the client_id_prefix redirect_uri cannot sign"
    )]
    CannotSign,
    /// `org-iso-mdoc` for what a DeviceRequest cannot say.
    #[error("the question cannot be asked by org-iso-mdoc: {0}")]
    DeviceRequest(NoDeviceRequest),
    /// The redirect URI leads elsewhere, or is no web page.
    #[error("redirect_uri is not an https page of an allowed origin")]
    RedirectUri,
    /// Nothing would tell the returning browser from another one.
    #[error("this server's own return page needs a browser_session")]
    BrowserSessionMissing,
    /// The browser session could be guessed.
    #[error("browser_session has less than 128 bits")]
    BrowserSession,
    /// The wallet's endpoint is no web page.
    #[error("link_scheme is not an https endpoint")]
    LinkScheme,
    /// Too many authorities.
    #[error("there are more than {MAX_ANCHORS} trust_anchors")]
    TooManyTrustAnchors,
    /// A trust anchor that cannot be parsed.
    #[error("trust_anchors cannot be read: {0}")]
    TrustAnchors(#[from] ChainError),
    /// The policy cannot be used for the query.
    #[error("policy: {0}")]
    Policy(#[from] RequestPolicyFault),
    /// The preset has a policy of its own, and so has the request.
    #[error("the preset {0} has a policy of its own")]
    PolicyOfPreset(String),
    /// A saved request whose name is no name.
    #[error("id is not 1 to 48 lower-case letters, digits, '-' and '_'")]
    SavedName,
    /// A saved request with a name that the configuration has given.
    #[error("the preset {0} is in the server's configuration")]
    Configured(String),
    /// More saved requests than are kept.
    #[error("there are too many saved requests")]
    TooManySaved,
    /// The request would wait too short or too long.
    #[error("expires_in is not from 10 to 3600 seconds")]
    ExpiresIn,
}

impl RequestFault {
    /// The stable reason code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Question => "question_missing",
            Self::UnknownPreset => "unknown_preset",
            Self::Query(_) => "invalid_query",
            Self::NeverSatisfied(_) => "query_never_satisfied",
            Self::Purpose => "invalid_purpose",
            Self::NoDnsName => "no_dns_name",
            Self::NoAttestation => "no_verifier_attestation",
            Self::NotRegistered => "not_registered",
            Self::Transaction(_) => "invalid_transaction_data",
            Self::VerifierInfo => "invalid_verifier_info",
            Self::NothingToFetch => "invalid_request_uri_method",
            Self::NothingToRotate => "invalid_rotating_link",
            Self::Origin => "origin_not_allowed",
            Self::CannotSign | Self::DeviceRequest(_) => "invalid_protocols",
            Self::RedirectUri => "invalid_redirect_uri",
            Self::BrowserSessionMissing | Self::BrowserSession => "invalid_browser_session",
            Self::LinkScheme => "invalid_link_scheme",
            Self::TooManyTrustAnchors | Self::TrustAnchors(_) => "invalid_trust_anchors",
            Self::Policy(_) | Self::PolicyOfPreset(_) => "invalid_policy",
            Self::SavedName => "invalid_id",
            Self::Configured(_) => "preset_configured",
            Self::TooManySaved => "too_many_presets",
            Self::ExpiresIn => "invalid_expires_in",
        }
    }
}
