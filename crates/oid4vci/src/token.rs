//! The token request and response (OID4VCI §6).

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    AccessToken, CredentialConfigurationId, CredentialIdentifier, PreAuthorizedCode, TxCode,
    description::ErrorBody,
    form::{Form, FormError},
    offer::PRE_AUTHORIZED_GRANT,
};

/// A token request, by grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRequest {
    /// `urn:ietf:params:oauth:grant-type:pre-authorized_code`.
    PreAuthorized(PreAuthorizedTokenRequest),
}

/// A token request with a pre-authorized code (§6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreAuthorizedTokenRequest {
    /// The code.
    pub code: PreAuthorizedCode,
    /// What the holder typed in.
    pub tx_code: Option<TxCode>,
    /// What the wallet asks for by name; empty when it leaves that to the offer.
    pub details: Vec<AuthorizationDetail>,
}

/// One object of `authorization_details` (§5.1.1, RFC 9396).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorizationDetail {
    /// Always `openid_credential`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which configuration.
    pub credential_configuration_id: CredentialConfigurationId,
    /// In a response: what the credential request must name (§6.2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credential_identifiers: Vec<CredentialIdentifier>,
}

impl AuthorizationDetail {
    /// The type of authorization details this protocol has.
    pub const TYPE: &'static str = "openid_credential";
}

/// A successful token response (§6.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenResponse {
    /// The token.
    pub access_token: AccessToken,
    /// `Bearer` or `DPoP`, compared without case.
    pub token_type: String,
    /// Seconds until it expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in: Option<u64>,
    /// Present if the request had some; each with its credential identifiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization_details: Option<Vec<AuthorizationDetail>>,
}

/// Why a token request was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// The body is not a form.
    #[error("the body is not a form")]
    Malformed,
    /// A parameter occurs twice.
    #[error("a parameter is included more than once")]
    ParameterRepeated,
    /// `grant_type` is missing.
    #[error("grant_type is missing")]
    GrantTypeMissing,
    /// A grant that the metadata does not name.
    #[error("this grant_type is not supported")]
    GrantTypeUnsupported,
    /// `pre-authorized_code` is missing.
    #[error("pre-authorized_code is missing")]
    CodeMissing,
    /// The code is unknown here, was used, or belongs to another tenant.
    #[error("the code is unknown or was used")]
    CodeUnknown,
    /// The code has expired, or the clock went back behind its making.
    #[error("the code has expired")]
    CodeExpired,
    /// The offer demands a tx code and none was sent.
    #[error("tx_code is missing")]
    TxCodeMissing,
    /// A tx code was sent and the offer demands none.
    #[error("tx_code was not asked for")]
    TxCodeUnexpected,
    /// The tx code is wrong; the code lives on.
    #[error("tx_code is wrong")]
    TxCodeWrong,
    /// The tx code was wrong too often; the code is dead.
    #[error("tx_code was wrong too often")]
    TxCodeExhausted,
    /// The client authenticates in a way the metadata does not name.
    #[error("this client authentication is not supported")]
    ClientAuthenticationUnsupported,
    /// The profile demands a DPoP proof and none was sent.
    #[error("a DPoP proof is needed")]
    DpopMissing,
    /// `authorization_details` cannot be read, or asks for what is not offered.
    #[error("authorization_details is malformed or asks for what was not offered")]
    AuthorizationDetails,
}

impl TokenError {
    /// The error code for the peer (§6.3, RFC 6749 §5.2, RFC 9396 §5).
    pub const fn code(self) -> &'static str {
        match self {
            Self::Malformed
            | Self::ParameterRepeated
            | Self::GrantTypeMissing
            | Self::CodeMissing
            | Self::TxCodeMissing
            | Self::TxCodeUnexpected => "invalid_request",
            Self::GrantTypeUnsupported => "unsupported_grant_type",
            Self::CodeUnknown | Self::CodeExpired | Self::TxCodeWrong | Self::TxCodeExhausted => {
                "invalid_grant"
            }
            Self::ClientAuthenticationUnsupported => "invalid_client",
            Self::DpopMissing => "invalid_dpop_proof",
            Self::AuthorizationDetails => "invalid_authorization_details",
        }
    }

    /// The stable reason for the operator and the trail.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "token_request_malformed",
            Self::ParameterRepeated => "parameter_repeated",
            Self::GrantTypeMissing => "grant_type_missing",
            Self::GrantTypeUnsupported => "grant_type_unsupported",
            Self::CodeMissing => "code_missing",
            Self::CodeUnknown => "code_unknown",
            Self::CodeExpired => "code_expired",
            Self::TxCodeMissing => "tx_code_missing",
            Self::TxCodeUnexpected => "tx_code_unexpected",
            Self::TxCodeWrong => "tx_code_wrong",
            Self::TxCodeExhausted => "tx_code_exhausted",
            Self::ClientAuthenticationUnsupported => "client_authentication_unsupported",
            Self::DpopMissing => "dpop_missing",
            Self::AuthorizationDetails => "authorization_details_refused",
        }
    }

    /// The body for the peer.
    pub fn to_body(self) -> ErrorBody {
        ErrorBody::new(self.code(), &self)
    }
}

impl TokenRequest {
    /// Reads a form body; unknown parameters are ignored.
    ///
    /// # Errors
    /// The [`TokenError`]s about shape; those about values come from the step.
    pub fn parse(body: &[u8]) -> Result<Self, TokenError> {
        let mut form = Form::parse(body).map_err(|error| match error {
            FormError::Malformed => TokenError::Malformed,
            FormError::Repeated => TokenError::ParameterRepeated,
        })?;
        let grant = form.take("grant_type").ok_or(TokenError::GrantTypeMissing)?;
        if grant != PRE_AUTHORIZED_GRANT {
            return Err(TokenError::GrantTypeUnsupported);
        }
        // RFC 6749 §5.2: an authentication method that is not supported is invalid_client, not ignored
        if form.take("client_assertion").or_else(|| form.take("client_secret")).is_some() {
            return Err(TokenError::ClientAuthenticationUnsupported);
        }
        let code = form.take("pre-authorized_code").ok_or(TokenError::CodeMissing)?;
        let details = match form.take("authorization_details") {
            Some(text) => AuthorizationDetail::parse_all(&text)?,
            None => Vec::new(),
        };
        Ok(Self::PreAuthorized(PreAuthorizedTokenRequest {
            code: PreAuthorizedCode::new(code),
            tx_code: form.take("tx_code").map(TxCode::new),
            details,
        }))
    }
}

impl PreAuthorizedTokenRequest {
    /// The form body of the request.
    pub fn to_form(&self) -> String {
        let mut pairs =
            vec![("grant_type", PRE_AUTHORIZED_GRANT), ("pre-authorized_code", self.code.reveal())];
        if let Some(tx_code) = &self.tx_code {
            pairs.push(("tx_code", tx_code.reveal()));
        }
        let details = (!self.details.is_empty())
            .then(|| serde_json::to_string(&self.details).expect("details are text"));
        if let Some(details) = &details {
            pairs.push(("authorization_details", details));
        }
        serde_urlencoded::to_string(pairs).expect("pairs of text always encode")
    }
}

impl AuthorizationDetail {
    fn parse_all(text: &str) -> Result<Vec<Self>, TokenError> {
        let refused = |_| TokenError::AuthorizationDetails;
        let value = lanyard_core::json::parse(text.as_bytes())
            .map_err(|_| TokenError::AuthorizationDetails)?;
        let details: Vec<Self> = serde_json::from_value(value).map_err(refused)?;
        // RFC 9396 §5: an unknown type is refused; OID4VCI §5.1.1: the type is openid_credential
        if details.is_empty() || details.iter().any(|detail| detail.kind != Self::TYPE) {
            return Err(TokenError::AuthorizationDetails);
        }
        Ok(details)
    }
}
