//! The service: its parts, and the few things that every step does.

use std::{collections::HashMap, fmt, mem, sync::Arc};

use axum::Router;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::crypto::CryptoProvider;
use lanyard_oid4vp::{ClientId, request::Transport};
use lanyard_service::{
    Environment, Live,
    http::{Door, api::Operation},
};
use lanyard_store::{NewEvent, SessionId, TenantId};
use tokio::sync::broadcast;
use url::{Host, Url};

use crate::{
    Preset, SettingsError, SignInClient, TenantSettings, TrailEvent, VerifierError,
    VerifierSettings, at_hand::AtHand, http, sessions::Sessions, step, tenant::Tenant,
};

/// The longest a result may be kept.
const LONGEST_RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// The verifier service; cloning is cheap and every clone is the same service.
#[derive(Clone)]
pub struct VerifierService(Arc<Parts>);

struct Parts {
    transport: Transport,
    tenants: HashMap<Box<str>, Arc<Tenant>>,
    sessions: Sessions,
}

impl VerifierService {
    /// Puts the service together.
    ///
    /// # Errors
    /// One [`SettingsError`] per rule.
    pub fn new(settings: VerifierSettings) -> Result<Self, SettingsError> {
        let base_url = settings.base_url;
        if !Environment::is_base_url(&base_url) {
            return Err(SettingsError::BaseUrl);
        }
        let transport = match base_url.scheme() {
            "https" => Transport::HttpsOnly,
            _ => Transport::LoopbackToo,
        };
        if !transport.allows(&base_url) {
            return Err(SettingsError::BaseUrlNotEncrypted);
        }
        let mut tenants = HashMap::with_capacity(settings.tenants.len());
        let mut keys = HashMap::with_capacity(settings.tenants.len());
        for mut tenant in settings.tenants {
            let by_dns_name = examine(&tenant, &base_url)?;
            let id = tenant.tenant.clone();
            keys.insert(id.clone(), mem::take(&mut tenant.api_keys));
            let tenant = Arc::new(Tenant::new(tenant, by_dns_name, &settings.provider)?);
            if tenants.insert(id.as_str().into(), tenant).is_some() {
                return Err(SettingsError::TenantRepeated(id));
            }
        }
        let environment = Environment {
            base_url,
            door: Door::new(keys, Arc::clone(&settings.provider)),
            store: settings.store,
            provider: settings.provider,
            clock: settings.clock,
            live: Live::default(),
            shutdown: settings.shutdown,
            retention: settings.retention.min(LONGEST_RETENTION),
        };
        let sessions = Sessions { environment, at_hand: AtHand::default() };
        Ok(Self(Arc::new(Parts { transport, tenants, sessions })))
    }

    /// The routes; without a fallback, so that they can be merged with others.
    pub fn router(&self) -> Router {
        http::router(self.clone())
    }

    /// Watches the trail of a session from now on.
    ///
    /// Subscribe first, then ask for the status: an event in between shows up in both.
    pub fn subscribe(
        &self,
        tenant: &TenantId,
        session: SessionId,
    ) -> broadcast::Receiver<TrailEvent> {
        self.environment().live.subscribe(tenant, session)
    }

    /// Fetches status lists ahead that go stale within this span, so that nobody is asked while a credential
    /// is looked at; gives how many could be had (Token Status List §12.4).
    pub async fn refresh_status_lists(&self, ahead: SignedDuration) -> usize {
        let mut had = 0;
        for statuses in self.tenants().filter_map(|tenant| tenant.statuses()) {
            had += statuses.refresh(self.now(), ahead).await;
        }
        had
    }

    pub(crate) fn tenant(&self, name: &str) -> Option<&Arc<Tenant>> {
        self.0.tenants.get(name)
    }

    pub(crate) fn known_tenant(&self, id: &TenantId) -> Result<&Arc<Tenant>, VerifierError> {
        self.tenant(id.as_str()).ok_or(VerifierError::UnknownTenant)
    }

    pub(crate) fn tenants(&self) -> impl Iterator<Item = &Arc<Tenant>> {
        self.0.tenants.values()
    }

    /// What this service finds around it.
    pub(crate) fn environment(&self) -> &Environment {
        &self.0.sessions.environment
    }

    /// A URL of this server; what a request says about its host is ignored.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.environment().base_url.clone();
        url.set_path(path);
        url
    }

    pub(crate) fn transport(&self) -> Transport {
        self.0.transport
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    pub(crate) fn provider(&self) -> &dyn CryptoProvider {
        &*self.environment().provider
    }

    /// The present moment, as the store keeps it.
    pub(crate) fn now(&self) -> Timestamp {
        self.environment().now()
    }

    /// What is said about the routes for integrators, with the schemas that it refers to.
    pub fn described() -> (Vec<Operation>, &'static str) {
        (http::description::api().into_operations(), http::description::SCHEMAS)
    }

    /// Tells watchers and the log what the store has acknowledged.
    pub(crate) fn announce(&self, tenant: &Tenant, session: SessionId, event: &NewEvent) {
        let (step, reason) = (event.step, event.reason.unwrap_or_default());
        tracing::info!(tenant = tenant.id.as_str(), %session, step, reason, "presentation");
        self.environment().live.publish(&tenant.id, session, event);
    }

    /// The fetch that is still to be written down, if there is one.
    pub(crate) fn fetch_event(&self, tenant: &Tenant, session: SessionId) -> Option<NewEvent> {
        let at = self.environment().live.fetched_at(&tenant.id, session)?;
        Some(NewEvent::done(at, step::REQUEST_FETCHED))
    }

    /// Leaves a trace of a refused message that changed nothing: no webhook is told, as nothing ended by it.
    ///
    /// A store that cannot take the trace does not change the answer.
    pub(crate) async fn trace_refusal(
        &self,
        tenant: &Tenant,
        session: SessionId,
        now: Timestamp,
        reason: &'static str,
    ) {
        let event = NewEvent::refused(now, step::REFUSED, reason).unheralded();
        // the trail is told in order, so a fetch that was only remembered goes first
        let fetch = self.fetch_event(tenant, session);
        self.environment().live.forget_fetch(&tenant.id, session);
        for event in fetch.into_iter().chain([event.clone()]) {
            self.environment().append(&tenant.id, session, event).await;
        }
        self.announce(tenant, session, &event);
    }
}

fn examine(tenant: &TenantSettings, base_url: &Url) -> Result<Option<ClientId>, SettingsError> {
    let id = || tenant.tenant.clone();
    if tenant.signer.chain().is_empty() {
        return Err(SettingsError::CertificateMissing(id()));
    }
    for (place, preset) in tenant.presets.iter().enumerate() {
        let same = |other: &Preset| (&other.id, other.version) == (&preset.id, preset.version);
        if tenant.presets[..place].iter().any(same) {
            let preset = preset.id.clone();
            return Err(SettingsError::PresetRepeated { tenant: id(), preset });
        }
        preset.policy.fit(&preset.query).map_err(|fault| {
            let preset = preset.id.clone();
            SettingsError::PresetPolicy { tenant: id(), preset, fault }
        })?;
    }
    for (place, client) in tenant.sign_in_clients.iter().enumerate() {
        let is_named = |other: &SignInClient| other.id == client.id;
        let is_preset = |name: &String| tenant.presets.iter().any(|preset| preset.id == *name);
        // RFC 9700 §2.1: nothing but a page, and no fragment
        let is_page = |uri: &String| {
            let url = Url::parse(uri).ok();
            url.is_some_and(|url| url.fragment().is_none() && url.has_host())
        };
        let fault = if tenant.sign_in_clients[..place].iter().any(is_named) {
            "is there twice"
        } else if client.redirect_uris.is_empty() || !client.redirect_uris.iter().all(is_page) {
            "needs redirect URIs that are web pages"
        } else if client.presets.is_empty() || !client.presets.iter().all(is_preset) {
            "needs presets that there are"
        } else {
            continue;
        };
        let client = client.id.clone();
        return Err(SettingsError::SignInClient { tenant: id(), client, fault });
    }
    let Some(name) = &tenant.dns_name else { return Ok(None) };
    // OID4VP 1.0 §5.9.3: the name is also the host of the response URI
    if !matches!(base_url.host(), Some(Host::Domain(host)) if host == name) {
        return Err(SettingsError::DnsName(id()));
    }
    ClientId::x509_san_dns(name).map(Some).map_err(|_| SettingsError::DnsName(id()))
}

impl fmt::Debug for VerifierService {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "VerifierService({}, {} tenants)",
            self.environment().base_url,
            self.0.tenants.len()
        )
    }
}
