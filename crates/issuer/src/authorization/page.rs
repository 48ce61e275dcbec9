//! The pages that the holder sees: plain HTML, no script.

use askama::Template;
use lanyard_oid4vci::{CredentialConfigurationId, issuer::Authorizing};

use url::{Url, form_urlencoded};

use super::LoginSettings;
use crate::tenant::Tenant;

/// The one stylesheet of these pages.
pub(crate) const STYLESHEET: &str = include_str!("../../assets/authorize.css");

/// What the browser shows.
#[derive(Debug)]
pub(crate) enum View {
    /// Asks for name and password.
    Login(LoginPage),
    /// Asks for a decision.
    Consent(ConsentPage),
    /// There is nothing to decide.
    Stopped(StoppedPage),
}

#[derive(Debug, Template)]
#[template(path = "login.html")]
pub(crate) struct LoginPage {
    pub(super) request: Request,
    /// What went wrong just now.
    pub(super) problem: Option<String>,
    /// Whether there are names and passwords here.
    pub(super) passwords: bool,
    pub(super) elsewhere: Option<Elsewhere>,
}

#[derive(Debug, Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage {
    pub(super) request: Request,
    pub(super) holder: String,
}

#[derive(Debug, Template)]
#[template(path = "stopped.html")]
pub(crate) struct StoppedPage {
    pub(super) stylesheet: String,
    pub(super) what: String,
    pub(super) code: &'static str,
}

/// The way to the login provider.
#[derive(Debug)]
pub(super) struct Elsewhere {
    pub(super) name: String,
    pub(super) url: String,
}

/// What every form of these pages carries and shows.
#[derive(Debug)]
pub(crate) struct Request {
    stylesheet: String,
    /// Where the forms go.
    action: String,
    issuer: String,
    client: String,
    request_uri: String,
    credentials: Vec<String>,
    /// Where the browser may be sent after the form: `form-action` covers redirects too.
    destination: String,
}

impl Request {
    pub(super) fn of(tenant: &Tenant, login: &LoginSettings, authorizing: &Authorizing) -> Self {
        let request = authorizing.request();
        let name = |id: &CredentialConfigurationId| {
            let configuration = tenant.issuer.configuration().credential(id);
            let display = configuration.and_then(|one| one.display.first());
            display.map_or_else(|| id.as_str().to_owned(), |display| display.name.clone())
        };
        Self {
            stylesheet: stylesheet(tenant),
            action: format!("/{}/authorize", tenant.id),
            issuer: login.issuer_name.clone(),
            client: request.client.as_str().to_owned(),
            request_uri: authorizing.request_uri().reveal().to_owned(),
            credentials: request.wanted.iter().map(|wanted| name(&wanted.configuration)).collect(),
            destination: destination(&request.redirect_uri),
        }
    }
}

impl View {
    /// The page as HTML; `None` never happens with the templates as they are.
    pub(crate) fn html(&self) -> Option<String> {
        let rendered = match self {
            Self::Login(page) => page.render(),
            Self::Consent(page) => page.render(),
            Self::Stopped(page) => page.render(),
        };
        rendered.ok()
    }

    /// The origin that a form of this page may lead to, besides this server.
    pub(crate) fn destination(&self) -> Option<&str> {
        match self {
            Self::Login(page) => Some(&page.request.destination),
            Self::Consent(page) => Some(&page.request.destination),
            Self::Stopped(_) => None,
        }
    }
}

impl Elsewhere {
    pub(super) fn of(
        tenant: &Tenant,
        login: &LoginSettings,
        request: &Authorizing,
    ) -> Option<Self> {
        let name = login.ways.upstream()?.name().to_owned();
        // a link and no form: `form-action` would have to name every host that the provider sends browsers on to
        let url = format!("/{}/login?{}", tenant.id, named(request));
        Some(Self { name, url })
    }
}

/// The page of a request, by an address that can be reloaded.
pub(super) fn authorize_url(base: &Url, tenant: &Tenant, request: &Authorizing) -> Option<Url> {
    base.join(&format!("/{}/authorize?{}", tenant.id, named(request))).ok()
}

fn named(request: &Authorizing) -> String {
    form_urlencoded::Serializer::new(String::new())
        .append_pair("client_id", request.request().client.as_str())
        .append_pair("request_uri", request.request_uri().reveal())
        .finish()
}

pub(super) fn stylesheet(tenant: &Tenant) -> String {
    format!("/{}/authorize.css", tenant.id)
}

/// CSP Level 3 §2.3.1: an origin, or a scheme where there is none.
fn destination(redirect_uri: &str) -> String {
    let Ok(url) = url::Url::parse(redirect_uri) else { return String::new() };
    match url.scheme() {
        "http" | "https" => url.origin().ascii_serialization(),
        scheme => format!("{scheme}:"),
    }
}
