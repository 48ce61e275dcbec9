//! The authorization request, as it is pushed (RFC 9126 §2.1).

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::{AuthorizationError, CodeChallenge};
use crate::{
    CredentialConfigurationId, IssuerState, RequestUri,
    client_authentication::{ClientEvidence, ClientId},
    configuration::IssuerConfiguration,
    dpop::KeyThumbprint,
    form::{Form, FormError},
    token::AuthorizationDetail,
};

/// The longest `state` that is kept and sent back.
const MAX_STATE: usize = 2048;

/// A pushed form, before anybody is known to have sent it.
#[derive(Debug)]
pub struct AuthorizationForm {
    client_id: Option<String>,
    assertion: Option<(String, String)>,
    response_type: Option<String>,
    redirect_uri: Option<String>,
    state: Option<String>,
    challenge: Option<String>,
    challenge_method: Option<String>,
    scope: Option<String>,
    details: Option<String>,
    issuer_state: Option<String>,
    dpop_jkt: Option<String>,
}

/// An authorization request that can be acted upon; every part of it was judged.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AuthorizationRequest {
    /// Who asks.
    pub client: ClientId,
    /// Where the answer goes: one of the client's registered places.
    pub redirect_uri: String,
    /// What the client wants back unchanged.
    pub state: Option<String>,
    /// What the client commits itself to.
    pub challenge: CodeChallenge,
    /// What is asked for; not empty, each once.
    pub wanted: Vec<WantedCredential>,
    /// The key that the code is bound to (RFC 9449 §10).
    pub key: Option<KeyThumbprint>,
}

/// One credential that an authorization request asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedCredential {
    /// Which configuration.
    pub configuration: CredentialConfigurationId,
    /// Whether the token response names it: where `authorization_details` asked for anything (§6.2).
    pub named: bool,
    /// Whether `scope` asked for it: then the token response says that it was granted (RFC 6749 §5.1).
    #[serde(default)]
    pub by_scope: bool,
}

/// The answer of the PAR endpoint (RFC 9126 §2.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PushedResponse {
    /// What stands for the request from now on.
    pub request_uri: RequestUri,
    /// Seconds until it is worth nothing.
    pub expires_in: u64,
}

impl AuthorizationForm {
    /// Reads a pushed form; unknown parameters are ignored.
    ///
    /// # Errors
    /// The [`AuthorizationError`]s about shape.
    pub fn parse(body: &[u8]) -> Result<Self, AuthorizationError> {
        let mut form = Form::parse(body).map_err(|error| match error {
            FormError::Malformed => AuthorizationError::Malformed,
            FormError::Repeated => AuthorizationError::ParameterRepeated,
        })?;
        // RFC 9126 §2.1(1): request_uri must not be provided
        if form.take("request_uri").is_some() {
            return Err(AuthorizationError::RequestUriPushed);
        }
        // RFC 9101 §6.4: what is not supported is not ignored
        if form.take("request").is_some() {
            return Err(AuthorizationError::RequestObject);
        }
        let kind = form.take("client_assertion_type").unwrap_or_default();
        Ok(Self {
            client_id: form.take("client_id"),
            assertion: form.take("client_assertion").map(|assertion| (kind, assertion)),
            response_type: form.take("response_type"),
            redirect_uri: form.take("redirect_uri"),
            state: form.take("state"),
            challenge: form.take("code_challenge"),
            challenge_method: form.take("code_challenge_method"),
            scope: form.take("scope"),
            details: form.take("authorization_details"),
            issuer_state: form.take("issuer_state"),
            dpop_jkt: form.take("dpop_jkt"),
        })
    }

    /// What the form says about its client, beside the headers that attest it.
    pub fn evidence<'a>(&'a self, attestation: Option<(&'a str, &'a str)>) -> ClientEvidence<'a> {
        ClientEvidence {
            client_id: self.client_id.as_deref(),
            attestation,
            assertion: self.assertion.as_ref().map(|(kind, text)| (kind.as_str(), text.as_str())),
        }
    }

    /// The offer that the request goes on from; proof of nothing (§5.1.3).
    pub fn issuer_state(&self) -> Option<IssuerState> {
        self.issuer_state.as_ref().map(IssuerState::new)
    }

    pub(crate) fn key(&self) -> Option<KeyThumbprint> {
        self.dpop_jkt.as_ref().map(KeyThumbprint::new)
    }

    /// The rest of the form, for a client that is known by now.
    pub(crate) fn judge(
        self,
        client: ClientId,
        key: Option<KeyThumbprint>,
        takes_place: impl Fn(&str) -> bool,
        configuration: &IssuerConfiguration,
    ) -> Result<AuthorizationRequest, AuthorizationError> {
        // RFC 6749 §3.1.1
        match self.response_type.as_deref() {
            Some("code") => {}
            Some(_) => return Err(AuthorizationError::ResponseTypeUnsupported),
            None => return Err(AuthorizationError::ResponseTypeMissing),
        }
        // FAPI 2.0 §5.3.2.2: redirect_uri is in every pushed request; RFC 9700 §4.1.3: compared exactly
        let redirect_uri = self.redirect_uri.ok_or(AuthorizationError::RedirectUriMissing)?;
        if !takes_place(&redirect_uri) {
            return Err(AuthorizationError::RedirectUriUnknown);
        }
        if self.state.as_ref().is_some_and(|state| state.len() > MAX_STATE) {
            return Err(AuthorizationError::StateTooLong);
        }
        let challenge = CodeChallenge::parse(self.challenge, self.challenge_method.as_deref())?;
        let wanted = wanted(self.details.as_deref(), self.scope.as_deref(), configuration)?;
        Ok(AuthorizationRequest { client, redirect_uri, state: self.state, challenge, wanted, key })
    }
}

fn wanted(
    details: Option<&str>,
    scope: Option<&str>,
    configuration: &IssuerConfiguration,
) -> Result<Vec<WantedCredential>, AuthorizationError> {
    let mut wanted: Vec<WantedCredential> = Vec::new();
    let details = details.map(AuthorizationDetail::parse_all).transpose();
    for detail in details.map_err(|_| AuthorizationError::Details)?.unwrap_or_default() {
        let id = detail.credential_configuration_id;
        // §5.1.1: a configuration of this issuer, asked for once
        let known = configuration.credential(&id).is_some();
        // §5.1.1: locations, where there are any, name the credential issuer
        let here = detail.locations.is_empty()
            || detail.locations.iter().any(|place| place == configuration.issuer().as_str());
        if !known || !here || wanted.iter().any(|other| other.configuration == id) {
            return Err(AuthorizationError::Details);
        }
        wanted.push(WantedCredential { configuration: id, named: true, by_scope: false });
    }
    // §8.2: where the token response names one credential, each is asked for by its name
    let named = !wanted.is_empty();
    // §5.1.2: a scope stands for one configuration; unknown ones are ignored
    for scope in scope.unwrap_or_default().split(' ') {
        let found = configuration.credentials().iter().find(|one| one.scope == scope);
        let Some(found) = found else { continue };
        // §5.1.2: what both ask for is one credential
        match wanted.iter_mut().find(|other| other.configuration == found.id) {
            Some(other) => other.by_scope = true,
            None => {
                let configuration = found.id.clone();
                wanted.push(WantedCredential { configuration, named, by_scope: true });
            }
        }
    }
    if wanted.is_empty() { Err(AuthorizationError::NothingWanted) } else { Ok(wanted) }
}

/// What a wallet pushes.
#[derive(Clone, Debug)]
pub(crate) struct NewAuthorizationRequest<'a> {
    pub(crate) client_id: &'a ClientId,
    pub(crate) redirect_uri: &'a str,
    pub(crate) state: &'a str,
    pub(crate) challenge: &'a CodeChallenge,
    pub(crate) scope: Option<String>,
    pub(crate) details: Vec<AuthorizationDetail>,
    pub(crate) issuer_state: Option<&'a str>,
    pub(crate) key: Option<&'a KeyThumbprint>,
    pub(crate) resource: Option<&'a str>,
}

impl NewAuthorizationRequest<'_> {
    /// The form body of the request, or the query where nothing is pushed.
    pub(crate) fn to_form(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("response_type", "code")
            .append_pair("client_id", self.client_id.as_str())
            .append_pair("redirect_uri", self.redirect_uri)
            .append_pair("state", self.state)
            .append_pair("code_challenge", self.challenge.as_str())
            .append_pair("code_challenge_method", CodeChallenge::METHOD);
        if let Some(scope) = &self.scope {
            form.append_pair("scope", scope);
        }
        if !self.details.is_empty() {
            let details = serde_json::to_string(&self.details).expect("details are text");
            form.append_pair("authorization_details", &details);
        }
        if let Some(issuer_state) = self.issuer_state {
            form.append_pair("issuer_state", issuer_state);
        }
        if let Some(key) = self.key {
            form.append_pair("dpop_jkt", key.as_str());
        }
        if let Some(resource) = self.resource {
            form.append_pair("resource", resource);
        }
        form.finish()
    }
}
