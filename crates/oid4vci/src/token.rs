//! The token request and response (OID4VCI 1.0 §6).

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    AccessToken, AuthorizationCode, CredentialConfigurationId, CredentialIdentifier,
    PreAuthorizedCode, RefreshToken, TxCode,
    authorization::CodeVerifier,
    client_authentication::ClientEvidence,
    description::ErrorBody,
    form::{Form, FormError},
    offer::PRE_AUTHORIZED_GRANT,
};

/// The grant type of authorization codes (RFC 6749 §4.1.3).
pub const CODE_GRANT: &str = "authorization_code";

/// The grant type of refresh tokens (RFC 6749 §6).
pub const REFRESH_GRANT: &str = "refresh_token";

/// A token request, by grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenRequest {
    /// `urn:ietf:params:oauth:grant-type:pre-authorized_code`.
    PreAuthorized(PreAuthorizedTokenRequest),
    /// `authorization_code`.
    AuthorizationCode(CodeTokenRequest),
    /// `refresh_token`.
    Refresh(RefreshTokenRequest),
}

/// A token request with what its form says about the client.
#[derive(Debug)]
pub struct TokenForm {
    /// The request.
    pub request: TokenRequest,
    client_id: Option<String>,
    assertion: Option<(String, String)>,
}

/// A token request with an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeTokenRequest {
    /// The code.
    pub code: AuthorizationCode,
    /// Where the code came.
    pub redirect_uri: Option<String>,
    /// What the challenge was made from.
    pub verifier: Option<CodeVerifier>,
    /// What is asked for of everything that was granted; empty when that is all of it (RFC 9396 §6).
    pub details: Vec<AuthorizationDetail>,
}

/// A token request with a refresh token (RFC 6749 §6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefreshTokenRequest {
    /// The token.
    pub token: RefreshToken,
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
    /// In a request: the credential issuers it is for (§5.1.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<String>,
    /// In a response: what the credential request must name (§6.2).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credential_identifiers: Vec<CredentialIdentifier>,
}

impl AuthorizationDetail {
    /// The type of authorization details this protocol has.
    pub const TYPE: &'static str = "openid_credential";

    /// What a request asks for.
    pub fn wanted(configuration: CredentialConfigurationId) -> Self {
        Self {
            kind: Self::TYPE.to_owned(),
            credential_configuration_id: configuration,
            locations: Vec::new(),
            credential_identifiers: Vec::new(),
        }
    }

    /// What a response gives a right to.
    pub(crate) fn issued(
        configuration: CredentialConfigurationId,
        identifier: CredentialIdentifier,
    ) -> Self {
        Self { credential_identifiers: vec![identifier], ..Self::wanted(configuration) }
    }
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
    /// To renew the access token with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<RefreshToken>,
    /// What was granted of the scopes that were asked for (RFC 6749 §5.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
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
    /// `code` was issued to another client, or the refresh token was.
    #[error("it was issued to another client")]
    OtherClient,
    /// `redirect_uri` is not the one of the authorization request.
    #[error("redirect_uri is not the one of the authorization request")]
    RedirectUri,
    /// `code_verifier` is missing or has not the form of one.
    #[error("code_verifier is missing")]
    VerifierMissing,
    /// `code_verifier` is not what `code_challenge` was made from.
    #[error("code_verifier is not what code_challenge was made from")]
    VerifierWrong,
    /// The code or the refresh token is bound to another key.
    #[error("it is bound to another key than that of the DPoP proof")]
    OtherKey,
    /// `refresh_token` is missing.
    #[error("refresh_token is missing")]
    RefreshTokenMissing,
    /// The refresh token is unknown here, was replaced, or has expired.
    #[error("the refresh token is unknown, replaced or expired")]
    RefreshTokenUnknown,
    /// There are no claims for this holder any more.
    #[error("there is nothing to issue any more")]
    NothingToIssue,
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
            | Self::RefreshTokenMissing
            | Self::TxCodeUnexpected => "invalid_request",
            Self::GrantTypeUnsupported => "unsupported_grant_type",
            Self::CodeUnknown
            | Self::CodeExpired
            | Self::TxCodeWrong
            | Self::TxCodeExhausted
            | Self::OtherClient
            | Self::RedirectUri
            | Self::VerifierMissing
            | Self::VerifierWrong
            | Self::OtherKey
            | Self::RefreshTokenUnknown
            | Self::NothingToIssue => "invalid_grant",
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
            Self::OtherClient => "client_other",
            Self::RedirectUri => "redirect_uri_other",
            Self::VerifierMissing => "code_verifier_missing",
            Self::VerifierWrong => "code_verifier_wrong",
            Self::OtherKey => "dpop_other_key",
            Self::RefreshTokenMissing => "refresh_token_missing",
            Self::RefreshTokenUnknown => "refresh_token_unknown",
            Self::NothingToIssue => "nothing_to_issue",
            Self::DpopMissing => "dpop_missing",
            Self::AuthorizationDetails => "authorization_details_refused",
        }
    }

    /// The body for the peer.
    pub fn to_body(self) -> ErrorBody {
        ErrorBody::new(self.code(), &self)
    }
}

impl TokenForm {
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
        // RFC 6749 §5.2: an authentication method that is not supported is invalid_client, not ignored
        if form.take("client_secret").is_some() {
            return Err(TokenError::ClientAuthenticationUnsupported);
        }
        let kind = form.take("client_assertion_type").unwrap_or_default();
        let assertion = form.take("client_assertion").map(|assertion| (kind, assertion));
        let client_id = form.take("client_id");
        let request = match grant.as_str() {
            PRE_AUTHORIZED_GRANT => {
                TokenRequest::PreAuthorized(PreAuthorizedTokenRequest::take_from(&mut form)?)
            }
            CODE_GRANT => TokenRequest::AuthorizationCode(CodeTokenRequest::take_from(&mut form)?),
            REFRESH_GRANT => {
                let token = form.take("refresh_token").ok_or(TokenError::RefreshTokenMissing)?;
                TokenRequest::Refresh(RefreshTokenRequest { token: RefreshToken::new(token) })
            }
            _ => return Err(TokenError::GrantTypeUnsupported),
        };
        Ok(Self { request, client_id, assertion })
    }

    /// What the form says about its client, beside the headers that attest it.
    pub fn evidence<'a>(&'a self, attestation: Option<(&'a str, &'a str)>) -> ClientEvidence<'a> {
        ClientEvidence {
            client_id: self.client_id.as_deref(),
            attestation,
            assertion: self.assertion.as_ref().map(|(kind, text)| (kind.as_str(), text.as_str())),
        }
    }
}

impl TokenRequest {
    /// Reads a form body, and forgets what it says about the client.
    ///
    /// # Errors
    /// As [`TokenForm::parse`].
    pub fn parse(body: &[u8]) -> Result<Self, TokenError> {
        TokenForm::parse(body).map(|form| form.request)
    }
}

impl CodeTokenRequest {
    fn take_from(form: &mut Form) -> Result<Self, TokenError> {
        let code = form.take("code").ok_or(TokenError::CodeMissing)?;
        Ok(Self {
            code: AuthorizationCode::new(code),
            redirect_uri: form.take("redirect_uri"),
            verifier: form.take("code_verifier").and_then(CodeVerifier::parse),
            details: AuthorizationDetail::take_from(form)?,
        })
    }

    /// The form body of the request; a client that has no other way to name itself does it here.
    pub(crate) fn to_form(&self, client_id: &str) -> String {
        let mut pairs = vec![
            ("grant_type", CODE_GRANT),
            ("code", self.code.reveal()),
            ("client_id", client_id),
        ];
        pairs.extend(self.redirect_uri.as_deref().map(|place| ("redirect_uri", place)));
        pairs.extend(self.verifier.as_ref().map(|verifier| ("code_verifier", verifier.reveal())));
        serde_urlencoded::to_string(pairs).expect("pairs of text always encode")
    }
}

impl RefreshTokenRequest {
    /// The form body of the request.
    pub(crate) fn to_form(&self, client_id: &str) -> String {
        let pairs = [
            ("grant_type", REFRESH_GRANT),
            ("refresh_token", self.token.reveal()),
            ("client_id", client_id),
        ];
        serde_urlencoded::to_string(pairs).expect("pairs of text always encode")
    }
}

impl PreAuthorizedTokenRequest {
    fn take_from(form: &mut Form) -> Result<Self, TokenError> {
        let code = form.take("pre-authorized_code").ok_or(TokenError::CodeMissing)?;
        Ok(Self {
            code: PreAuthorizedCode::new(code),
            tx_code: form.take("tx_code").map(TxCode::new),
            details: AuthorizationDetail::take_from(form)?,
        })
    }

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
    fn take_from(form: &mut Form) -> Result<Vec<Self>, TokenError> {
        match form.take("authorization_details") {
            Some(text) => Self::parse_all(&text),
            None => Ok(Vec::new()),
        }
    }

    pub(crate) fn parse_all(text: &str) -> Result<Vec<Self>, TokenError> {
        let refused = |_| TokenError::AuthorizationDetails;
        let value = lanyard_core::json::parse(text.as_bytes())
            .map_err(|_| TokenError::AuthorizationDetails)?;
        let details: Vec<Self> = serde_json::from_value(value).map_err(refused)?;
        // RFC 9396 §5: an unknown type is refused; OID4VCI 1.0 §5.1.1: the type is openid_credential
        if details.is_empty() || details.iter().any(|detail| detail.kind != Self::TYPE) {
            return Err(TokenError::AuthorizationDetails);
        }
        Ok(details)
    }
}
