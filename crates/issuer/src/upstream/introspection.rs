//! What an authorization server says about one of its access tokens when it is asked (RFC 7662).

use std::fmt;

use jiff::Timestamp;
use lanyard_core::json::{self, Object};
use lanyard_fetch::{Authorization, Body, Purpose, Request};
use lanyard_oid4vci::AccessToken;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::{
    UpstreamError, UpstreamServer,
    discovery::{LIFE, endpoint, server_metadata},
    kept::Kept,
};

/// What a tenant is called at the authorization server, and how it proves that (RFC 7662 §2.1).
#[derive(Clone)]
pub struct IntrospectionSettings {
    /// The client identifier.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
}

/// An authorization server that is asked about each of its tokens, each time one is used.
pub(crate) struct Introspection {
    server: UpstreamServer,
    client: IntrospectionSettings,
    endpoint: Kept<Endpoint>,
}

/// Where it is asked, and how the one who asks proves who it is.
#[derive(Clone)]
struct Endpoint {
    place: Url,
    secret_in_form: bool,
}

impl Introspection {
    /// Nothing is asked before the first token.
    pub(crate) fn new(server: UpstreamServer, client: IntrospectionSettings) -> Self {
        Self { server, client, endpoint: Kept::default() }
    }

    /// What the server says about a token that is good now; none for any other.
    pub(crate) async fn ask(
        &self,
        token: &AccessToken,
        now: Timestamp,
    ) -> Result<Option<Object>, UpstreamError> {
        let Endpoint { place, secret_in_form } = self.endpoint(now).await?;
        let IntrospectionSettings { client_id, client_secret } = &self.client;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut form = vec![pair("token", token.reveal()), pair("token_type_hint", "access_token")];
        if secret_in_form {
            form.push(pair("client_id", client_id));
            form.push(pair("client_secret", client_secret.expose_secret()));
        }
        let mut request = Request::post(place, Purpose::LoginProvider, Body::Form(form))
            .accept("application/json");
        if !secret_in_form {
            let (user, password) = (client_id.clone(), client_secret.clone());
            request = request.authorization(Authorization::Basic { user, password });
        }
        let issuer = &self.server.issuer;
        let answer = self.server.http.send(request).await.map_err(|error| {
            tracing::warn!(issuer, %error, "token introspection");
            UpstreamError::Unreachable
        })?;
        // §2.3: whoever may not ask is told so, and that says nothing about the token
        if answer.status != 200 {
            tracing::warn!(issuer, status = answer.status, "token introspection");
            return Err(UpstreamError::Introspection);
        }
        let told = json::parse_object(&answer.body).map_err(|_| UpstreamError::Introspection)?;
        match told.get("active") {
            Some(Value::Bool(true)) => Ok(Some(told)),
            Some(Value::Bool(false)) => Ok(None),
            // §2.2: a boolean, and required
            _ => Err(UpstreamError::Introspection),
        }
    }

    /// One at a time asks; the others wait for the answer.
    async fn endpoint(&self, now: Timestamp) -> Result<Endpoint, UpstreamError> {
        self.endpoint.at_most(LIFE, now, || self.discover()).await
    }

    async fn discover(&self) -> Result<Endpoint, UpstreamError> {
        let UpstreamServer { issuer, http, .. } = &self.server;
        let metadata = server_metadata(&**http, issuer).await?;
        let ways = metadata.get("introspection_endpoint_auth_methods_supported");
        let ways = ways.and_then(Value::as_array);
        let takes = |way: &str| ways.is_none_or(|ways| ways.iter().any(|one| one == way));
        Ok(Endpoint {
            place: endpoint(&metadata, "introspection_endpoint", issuer)?,
            // RFC 6749 §2.3.1: the header, unless the server wants the form
            secret_in_form: !takes("client_secret_basic") && takes("client_secret_post"),
        })
    }
}

impl fmt::Debug for IntrospectionSettings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "IntrospectionSettings({})", self.client_id)
    }
}
