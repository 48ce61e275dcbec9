//! Where the holders of a tenant log in, and where their claims come from.

use std::sync::Arc;

use async_trait::async_trait;
use lanyard_issuer::{
    AskedHolder, AttributeProvider, AttributeProviderSettings, AuthorizationServerSettings,
    ClaimSource, ClaimSources, ClaimsFrom, IntrospectionSettings, LoginSettings, LoginUnavailable,
    LoginWays, OidcProvider, OidcSettings, OtherAuthorizationServer, UpstreamServer,
    login_callback,
};
use lanyard_oid4vci::{
    CredentialConfigurationId,
    issuer::{FoundClaims, IssuingKey},
};
use url::Url;

use super::ground::Ground;
use super::plan::{Plan, PlannedTenant};
use crate::config::{
    ClaimsSource, HolderLogin, LoginPlace, LoginProvider, OtherServer, is_loopback,
};

/// How the holders of a tenant log in, if they can.
pub(super) fn settings(
    ground: &Ground,
    plan: &Plan,
    tenant: &PlannedTenant,
    key: &IssuingKey,
) -> Option<LoginSettings> {
    let login = tenant.authorization.login.as_ref()?;
    let provider = |provider| Arc::new(oidc_provider(ground, plan, tenant, login, provider));
    let ways = match &login.place {
        LoginPlace::Here(directory) => LoginWays::Passwords(Arc::new(directory.clone())),
        LoginPlace::Provider(found) => LoginWays::Upstream(provider(found)),
        LoginPlace::Either(directory, found) => {
            LoginWays::Either(Arc::new(directory.clone()), provider(found))
        }
        LoginPlace::Elsewhere(server) => {
            LoginWays::Elsewhere(Arc::new(other_server(ground, login, server)))
        }
    };
    let holders: Arc<dyn ClaimSource> = match login.place.directory() {
        Some(directory) => Arc::new(directory.clone()),
        None => Arc::new(Nobody),
    };
    let named = login.sources.iter().map(|(id, source)| {
        let source = match source {
            ClaimsSource::Fixed(claims) => ClaimsFrom::Fixed(claims.clone()),
            ClaimsSource::Login(mapping) => ClaimsFrom::Login(mapping.clone()),
            ClaimsSource::Holders => ClaimsFrom::Source(holders.clone()),
            ClaimsSource::Ask(url, timeout) => {
                let settings = AttributeProviderSettings {
                    url: url.clone(),
                    issuer: format!("{}{}", plan.base_url, tenant.id),
                    key: key.clone(),
                    timeout: *timeout,
                    http: ground.http.clone(),
                    random: Arc::new(lanyard_core::crypto::AwsLc),
                    clock: ground.clock.clone(),
                };
                ClaimsFrom::Source(Arc::new(AttributeProvider::new(settings)))
            }
        };
        (id.clone(), source)
    });
    Some(LoginSettings {
        issuer_name: tenant.name.clone(),
        ways,
        claims: Arc::new(ClaimSources::new(named, holders.clone())),
        consent: login.consent.clone(),
    })
}

fn other_server(
    ground: &Ground,
    login: &HolderLogin,
    server: &OtherServer,
) -> OtherAuthorizationServer {
    OtherAuthorizationServer::new(AuthorizationServerSettings {
        server: UpstreamServer {
            issuer: server.identifier.clone(),
            http: ground.http.clone(),
            provider: ground.provider.clone(),
        },
        introspection: server
            .client
            .clone()
            .map(|(client_id, client_secret)| IntrospectionSettings { client_id, client_secret }),
        holder: server.holder.clone(),
        kept: kept(login).collect(),
    })
}

/// The claims of a login that something is made of.
fn kept(login: &HolderLogin) -> impl Iterator<Item = String> {
    let mapped = login.sources.iter().filter_map(|(_, source)| match source {
        ClaimsSource::Login(mapping) => Some(mapping),
        _ => None,
    });
    mapped.flatten().filter_map(|claim| claim.from.first().cloned())
}

fn oidc_provider(
    ground: &Ground,
    plan: &Plan,
    tenant: &PlannedTenant,
    login: &HolderLogin,
    provider: &LoginProvider,
) -> OidcProvider {
    OidcProvider::new(OidcSettings {
        issuer: provider.identifier.clone(),
        name: provider.name.clone(),
        client_id: provider.client_id.clone(),
        client_secret: provider.client_secret.clone(),
        scopes: provider.scopes.clone(),
        holder: provider.holder.clone(),
        kept: kept(login).collect(),
        redirect_uri: login_callback(&plan.base_url, &tenant.id),
        http: ground.http.clone(),
        provider: ground.provider.clone(),
    })
}

/// What else on this machine may be reached while one develops: what the configuration names itself.
pub(super) fn neighbours(plan: &Plan) -> impl Iterator<Item = &Url> {
    let logins = plan.tenants.iter().filter_map(|tenant| tenant.authorization.login.as_ref());
    let named = logins.flat_map(|login| {
        let provider = login.place.provider().map(|provider| &provider.issuer);
        let server = login.place.elsewhere().map(|server| &server.issuer);
        let asked = login.sources.iter().filter_map(|(_, source)| match source {
            ClaimsSource::Ask(url, _) => Some(url),
            _ => None,
        });
        provider.into_iter().chain(server).chain(asked)
    });
    named.filter(|url| is_loopback(url))
}

/// There is no file of holders.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl ClaimSource for Nobody {
    async fn claims(
        &self,
        _: AskedHolder<'_>,
        _: &CredentialConfigurationId,
    ) -> Result<Option<FoundClaims>, LoginUnavailable> {
        Ok(None)
    }
}
