//! The token and UserInfo endpoints of a login provider (OpenID Connect Core §3.1.3, §5.3).

use lanyard_core::json::{self, Object};
use lanyard_fetch::{Authorization, Body, Purpose, Request, Response};
use lanyard_oid4vci::issuer::UpstreamLogin;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::Url;

use super::{OidcProvider, UpstreamError, discovery::ProviderMetadata};

/// What a code is worth.
pub(super) struct Tokens {
    pub(super) id_token: String,
    pub(super) access_token: SecretString,
}

impl OidcProvider {
    /// Trades the code, with the verifier that the browser never had (RFC 7636 §4.5).
    pub(super) async fn redeem(
        &self,
        metadata: &ProviderMetadata,
        login: &UpstreamLogin,
        code: &str,
    ) -> Result<Tokens, UpstreamError> {
        let settings = &self.settings;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut form = vec![
            pair("grant_type", "authorization_code"),
            pair("code", code),
            pair("redirect_uri", settings.redirect_uri.as_str()),
            pair("code_verifier", login.verifier().reveal()),
        ];
        let mut header = None;
        match &settings.client_secret {
            // RFC 6749 §3.2.1: a public client says who it is
            None => form.push(pair("client_id", &settings.client_id)),
            Some(secret) if metadata.secret_in_form => {
                form.push(pair("client_id", &settings.client_id));
                form.push(pair("client_secret", secret.expose_secret()));
            }
            Some(secret) => {
                let user = settings.client_id.clone();
                header = Some(Authorization::Basic { user, password: secret.clone() });
            }
        }
        let request = Request::post(
            metadata.token_endpoint.clone(),
            Purpose::LoginProvider,
            Body::Form(form),
        )
        .accept("application/json");
        let request = match header {
            Some(header) => request.authorization(header),
            None => request,
        };
        let answer = self.ask(request).await?;
        let body = json::parse_object(&answer.body).map_err(|_| UpstreamError::CodeRefused)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        if answer.status != 200 {
            let error = text("error").unwrap_or_default();
            tracing::warn!(issuer = settings.issuer, status = answer.status, error, "login code");
            return Err(UpstreamError::CodeRefused);
        }
        // OpenID Connect Core §3.1.3.3
        match (text("id_token"), text("access_token")) {
            (Some(id_token), Some(access_token)) => {
                Ok(Tokens { id_token, access_token: access_token.into() })
            }
            _ => Err(UpstreamError::CodeRefused),
        }
    }

    /// What the provider says about whom the ID token is about.
    pub(super) async fn user_info(
        &self,
        endpoint: &Url,
        token: &SecretString,
        claims: &Object,
    ) -> Result<Object, UpstreamError> {
        let request = Request::get(endpoint.clone(), Purpose::LoginProvider)
            .accept("application/json")
            .authorization(Authorization::Bearer(token.clone()));
        let answer = self.ask(request).await?;
        if answer.status != 200 {
            return Err(UpstreamError::UserInfo);
        }
        let told = json::parse_object(&answer.body).map_err(|_| UpstreamError::UserInfo)?;
        // OpenID Connect Core §5.3.2: about the same subject, or not to be used
        if told.get("sub").is_none() || told.get("sub") != claims.get("sub") {
            return Err(UpstreamError::UserInfo);
        }
        Ok(told)
    }

    async fn ask(&self, request: Request) -> Result<Response, UpstreamError> {
        self.settings.http.send(request).await.map_err(|error| {
            tracing::warn!(issuer = self.settings.issuer, %error, "login provider");
            UpstreamError::Unreachable
        })
    }
}
