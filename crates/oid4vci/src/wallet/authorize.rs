//! The holder logs in at the authorization server (OID4VCI 1.0 §5): from the offer to the code in the
//! browser, and from the code to the access token.
//!
//! [`LoginOffer`] → [`Login`] (push it, then send the browser) → [`CodeInHand`] → [`Granted`]. Each of the
//! last three can be written down: an app may be killed while its holder is in the browser.

use lanyard_core::crypto::CryptoProvider;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use super::{
    Granted, IncomingResponse, OutgoingRequest, PeerError, Prover, ResponseFault,
    http::{Body, Sorted, read},
    redeem::accept_type,
};
use crate::{
    AuthorizationCode, CredentialConfigurationId, IssuerUrl,
    authorization::{
        AnswerRefused, AuthorizationAnswer, CodeVerifier, NewAuthorizationRequest, PushedResponse,
    },
    client_authentication::{ATTESTED, ClientId},
    dpop::KeyThumbprint,
    metadata::{AuthorizationServerMetadata, CredentialIssuerMetadata},
    token::{AuthorizationDetail, CodeTokenRequest, RefreshTokenRequest, TokenResponse},
};

/// An offer that the holder logs in for.
#[derive(Clone, Debug)]
pub struct LoginOffer {
    issuer: CredentialIssuerMetadata,
    server: AuthorizationServerMetadata,
    configurations: Vec<CredentialConfigurationId>,
    issuer_state: Option<String>,
}

/// The wallet as an OAuth client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletClient {
    /// Its name at this authorization server.
    pub id: ClientId,
    /// Where browsers come back to.
    pub redirect_uri: String,
}

/// A login that was begun: what the answer will be held against.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Login {
    issuer: CredentialIssuerMetadata,
    server: AuthorizationServerMetadata,
    configurations: Vec<CredentialConfigurationId>,
    issuer_state: Option<String>,
    client: WalletClient,
    state: String,
    verifier: CodeVerifier,
    key: Option<KeyThumbprint>,
    #[serde(skip)]
    prover: Option<Prover>,
}

/// A code that came back with the right state from the right server.
#[derive(Debug, Serialize, Deserialize)]
pub struct CodeInHand {
    login: Login,
    code: AuthorizationCode,
}

/// What a wallet needs to have its access token renewed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Renewal {
    request: RefreshTokenRequest,
    server: AuthorizationServerMetadata,
    client: ClientId,
}

/// Why there is no code or no token.
#[derive(Debug, Error)]
pub enum LoginRefused {
    /// The server refused for good.
    #[error("{0}")]
    Refused(PeerError),
    /// No answer that can be read; the same request may be sent again.
    #[error("{0}")]
    Unavailable(#[from] ResponseFault),
    /// A token of a type that is not supported.
    #[error("the token has a type that is not supported")]
    TokenType,
}

impl WalletClient {
    /// The client of this name, called back here.
    pub fn new(id: &str, redirect_uri: impl Into<String>) -> Self {
        Self { id: ClientId::new(id), redirect_uri: redirect_uri.into() }
    }
}

impl LoginOffer {
    pub(super) const fn new(
        issuer: CredentialIssuerMetadata,
        server: AuthorizationServerMetadata,
        configurations: Vec<CredentialConfigurationId>,
        issuer_state: Option<String>,
    ) -> Self {
        Self { issuer, server, configurations, issuer_state }
    }

    /// The authorization server.
    pub const fn server(&self) -> &AuthorizationServerMetadata {
        &self.server
    }

    /// Begins: fresh state and verifier, bound to the key of the wallet's proofs where the server takes
    /// them.
    pub fn begin(
        self,
        client: WalletClient,
        prover: Option<Prover>,
        provider: &dyn CryptoProvider,
    ) -> Login {
        let mut state = [0; 32];
        provider.fill(&mut state);
        let prover = prover.filter(|_| self.server.takes_dpop());
        Login {
            issuer: self.issuer,
            server: self.server,
            configurations: self.configurations,
            issuer_state: self.issuer_state,
            client,
            state: lanyard_core::json::base64url(state),
            verifier: CodeVerifier::generate(provider),
            key: prover.as_ref().map(|prover| prover.key(provider)),
            prover,
        }
    }
}

impl Login {
    /// With the key that it was begun with; needed again after it was written down.
    #[must_use]
    pub fn proven_by(mut self, prover: Option<Prover>) -> Self {
        self.prover = prover;
        self
    }

    /// What names this login in its answer.
    pub fn state(&self) -> &str {
        &self.state
    }

    /// The authorization server.
    pub const fn server(&self) -> &AuthorizationServerMetadata {
        &self.server
    }

    /// The credential issuer.
    pub const fn issuer(&self) -> &CredentialIssuerMetadata {
        &self.issuer
    }

    /// The request to push (RFC 9126 §2.1), where the server takes it.
    pub fn push_request(&self, provider: &dyn CryptoProvider) -> Option<OutgoingRequest> {
        let endpoint = self.server.pushed_authorization_request_endpoint.clone()?;
        let body = Body::Form(self.parameters(provider));
        Some(OutgoingRequest::post(endpoint, body).proven_to(&self.server, self.prover.as_ref()))
    }

    /// Where the browser goes after the request was pushed: `client_id` and `request_uri`, nothing else.
    ///
    /// # Errors
    /// [`LoginRefused`].
    pub fn receive_push(&self, response: IncomingResponse<'_>) -> Result<Url, LoginRefused> {
        let pushed: PushedResponse = match response.sort() {
            Sorted::Success(body) => read(body)?,
            Sorted::Peer(error) => return Err(LoginRefused::Refused(error)),
            Sorted::Fault(fault) => return Err(fault.into()),
        };
        let mut url = self.endpoint()?;
        url.query_pairs_mut()
            .append_pair("client_id", self.client.id.as_str())
            .append_pair("request_uri", pushed.request_uri.reveal());
        Ok(url)
    }

    /// Where the browser goes when the server takes no pushed requests.
    ///
    /// # Errors
    /// [`LoginRefused::Unavailable`] when the server has no authorization endpoint.
    pub fn url(&self, provider: &dyn CryptoProvider) -> Result<Url, LoginRefused> {
        let mut url = self.endpoint()?;
        let before = url.query().map(|query| format!("{query}&")).unwrap_or_default();
        url.set_query(Some(&format!("{before}{}", self.parameters(provider))));
        Ok(url)
    }

    fn endpoint(&self) -> Result<Url, LoginRefused> {
        let endpoint = self.server.authorization_endpoint.clone();
        endpoint.ok_or(LoginRefused::Unavailable(ResponseFault::Malformed))
    }

    fn parameters(&self, provider: &dyn CryptoProvider) -> String {
        let scope = |id: &CredentialConfigurationId| {
            self.issuer.credential_configurations_supported.get(id)?.scope.clone()
        };
        // §5.1.2: by scope where every configuration has one (HAIP §4.3), else by authorization details
        let scopes: Option<Vec<_>> = self.configurations.iter().map(scope).collect();
        let details = match &scopes {
            Some(_) => Vec::new(),
            None => self.configurations.iter().map(|id| self.detail(id)).collect(),
        };
        NewAuthorizationRequest {
            client_id: &self.client.id,
            redirect_uri: &self.client.redirect_uri,
            state: &self.state,
            challenge: &self.verifier.challenge(provider),
            scope: scopes.map(|scopes| scopes.join(" ")),
            details,
            issuer_state: self.issuer_state.as_deref(),
            key: self.key.as_ref(),
            // §5.1.2: at a server that serves others too, whom the token is for (RFC 8707)
            resource: (!self.issuer.authorization_servers.is_empty())
                .then(|| self.issuer.credential_issuer.as_str()),
        }
        .to_form()
    }

    fn detail(&self, id: &CredentialConfigurationId) -> AuthorizationDetail {
        let mut detail = AuthorizationDetail::wanted(id.clone());
        // §5.1.1: required when the metadata names authorization servers
        if !self.issuer.authorization_servers.is_empty() {
            detail.locations.push(self.issuer.credential_issuer.as_str().to_owned());
        }
        detail
    }

    /// Holds the answer in the browser against this login; after a refusal no further call is made.
    ///
    /// # Errors
    /// One [`AnswerRefused`] per rule.
    pub fn answer(self, redirect: &Url) -> Result<CodeInHand, AnswerRefused> {
        let answer = AuthorizationAnswer::parse(redirect)?;
        let announced = self.server.authorization_response_iss_parameter_supported;
        let code = answer.accept(&self.state, &self.server.issuer, announced)?;
        Ok(CodeInHand { login: self, code })
    }
}

impl CodeInHand {
    /// With the key that proves who sends it, which is not kept.
    #[must_use]
    pub fn proven_by(mut self, prover: Option<Prover>) -> Self {
        self.login = self.login.proven_by(prover);
        self
    }

    /// The token request (RFC 6749 §4.1.3).
    ///
    /// # Errors
    /// [`LoginRefused::Unavailable`] when the server has no token endpoint.
    pub fn request(&self) -> Result<OutgoingRequest, LoginRefused> {
        let request = CodeTokenRequest {
            code: self.code.clone(),
            redirect_uri: Some(self.login.client.redirect_uri.clone()),
            verifier: Some(self.login.verifier.clone()),
            details: Vec::new(),
        };
        let body = Body::Form(request.to_form(self.login.client.id.as_str()));
        token_request(&self.login.server, body, self.login.prover.as_ref())
    }

    /// The authorization server.
    pub const fn server(&self) -> &AuthorizationServerMetadata {
        &self.login.server
    }

    /// Reads the token response.
    ///
    /// # Errors
    /// [`LoginRefused`].
    pub fn receive(self, response: IncomingResponse<'_>) -> Result<Granted, LoginRefused> {
        let Login { issuer, server, configurations, client, prover, .. } = self.login;
        let token = read_token(response, prover.is_some())?;
        let renewal = renewal(&token, &server, &client.id);
        Ok(Granted::new(token, issuer, configurations).renewed_by(renewal).proven_by(prover))
    }
}

impl Renewal {
    /// The token request (RFC 6749 §6).
    ///
    /// # Errors
    /// [`LoginRefused::Unavailable`] when the server has no token endpoint.
    pub fn request(&self, prover: Option<&Prover>) -> Result<OutgoingRequest, LoginRefused> {
        let body = Body::Form(self.request.to_form(self.client.as_str()));
        token_request(&self.server, body, prover)
    }

    /// The authorization server.
    pub const fn server(&self) -> &AuthorizationServerMetadata {
        &self.server
    }

    /// Reads the token response: a token, and what renews it next time.
    ///
    /// # Errors
    /// [`LoginRefused`].
    pub(super) fn receive(
        self,
        response: IncomingResponse<'_>,
        is_proven: bool,
    ) -> Result<(TokenResponse, Self), LoginRefused> {
        let token = read_token(response, is_proven)?;
        let next = renewal(&token, &self.server, &self.client);
        // RFC 6749 §6: without another refresh token the old one stays good
        Ok((token, next.unwrap_or(self)))
    }
}

fn renewal(
    token: &TokenResponse,
    server: &AuthorizationServerMetadata,
    client: &ClientId,
) -> Option<Renewal> {
    let token = token.refresh_token.clone()?;
    let request = RefreshTokenRequest { token };
    Some(Renewal { request, server: server.clone(), client: client.clone() })
}

fn token_request(
    server: &AuthorizationServerMetadata,
    body: Body,
    prover: Option<&Prover>,
) -> Result<OutgoingRequest, LoginRefused> {
    let endpoint = server.token_endpoint.clone();
    let endpoint = endpoint.ok_or(LoginRefused::Unavailable(ResponseFault::Malformed))?;
    Ok(OutgoingRequest::post(endpoint, body).proven_to(server, prover))
}

fn read_token(
    response: IncomingResponse<'_>,
    is_proven: bool,
) -> Result<TokenResponse, LoginRefused> {
    let token: TokenResponse = match response.sort() {
        Sorted::Success(body) => read(body)?,
        Sorted::Peer(error) => return Err(LoginRefused::Refused(error)),
        Sorted::Fault(fault) => return Err(fault.into()),
    };
    if accept_type(&token, is_proven) { Ok(token) } else { Err(LoginRefused::TokenType) }
}

impl AuthorizationServerMetadata {
    /// Whether tokens can be bound to a P-256 key (RFC 9449 §5.1).
    pub fn takes_dpop(&self) -> bool {
        self.dpop_signing_alg_values_supported.iter().any(|name| name == "ES256")
    }

    /// Whether clients authenticate by an attestation.
    pub fn takes_attestations(&self) -> bool {
        self.token_endpoint_auth_methods_supported.iter().any(|name| name == ATTESTED)
    }

    /// The issuer identifier of the server.
    pub const fn identifier(&self) -> &IssuerUrl {
        &self.issuer
    }
}
