//! The service: its parts, and the few things that every step does.

use std::{collections::HashMap, fmt, mem, sync::Arc};

use axum::Router;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::crypto::CryptoProvider;
use lanyard_oid4vp::{ClientId, request::Transport};
use lanyard_service::{
    Live,
    http::{Door, api::Operation},
    once::Calls,
};
use lanyard_store::{NewEvent, SessionId, TenantId};
use tokio::sync::{broadcast, watch};
use url::{Host, Url};

use crate::{
    Clock, Preset, SettingsError, SignInClient, TenantSettings, TrailEvent, VerifierError,
    VerifierSettings, at_hand::AtHand, http, sessions::Sessions, step, tenant::Tenant,
};

/// The longest a result may be kept.
const LONGEST_RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// The verifier service; cloning is cheap and every clone is the same service.
#[derive(Clone)]
pub struct VerifierService(Arc<Parts>);

struct Parts {
    base_url: Url,
    transport: Transport,
    tenants: HashMap<Box<str>, Arc<Tenant>>,
    door: Door,
    sessions: Sessions,
    clock: Arc<dyn Clock>,
    live: Live,
    shutdown: watch::Receiver<bool>,
    retention: SignedDuration,
}

impl VerifierService {
    /// Puts the service together.
    ///
    /// # Errors
    /// One [`SettingsError`] per rule.
    pub fn new(settings: VerifierSettings) -> Result<Self, SettingsError> {
        let base_url = settings.base_url;
        if !base_url.has_host() || base_url.path() != "/" || base_url.query().is_some() {
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
        let door = Door::new(keys, Arc::clone(&settings.provider));
        let (store, provider) = (settings.store, settings.provider);
        let sessions = Sessions { store, provider, at_hand: AtHand::default() };
        let retention = settings.retention.min(LONGEST_RETENTION);
        let (clock, shutdown, live) = (settings.clock, settings.shutdown, Live::default());
        Ok(Self(Arc::new(Parts {
            base_url,
            transport,
            tenants,
            door,
            sessions,
            clock,
            live,
            shutdown,
            retention,
        })))
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
        self.0.live.subscribe(tenant, session)
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

    pub(crate) fn door(&self) -> &Door {
        &self.0.door
    }

    /// A URL of this server; what a request says about its host is ignored.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.0.base_url.clone();
        url.set_path(path);
        url
    }

    pub(crate) fn base_url(&self) -> &Url {
        &self.0.base_url
    }

    pub(crate) fn transport(&self) -> Transport {
        self.0.transport
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    pub(crate) fn provider(&self) -> &dyn CryptoProvider {
        &*self.0.sessions.provider
    }

    pub(crate) fn live(&self) -> &Live {
        &self.0.live
    }

    pub(crate) fn shutdown(&self) -> watch::Receiver<bool> {
        self.0.shutdown.clone()
    }

    /// Until when a result is kept that nobody reads.
    pub(crate) fn kept_until(&self, now: Timestamp) -> Timestamp {
        now.checked_add(self.0.retention).unwrap_or(Timestamp::MAX)
    }

    /// The present moment, as the store keeps it.
    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now_as_kept()
    }

    /// Where the calls of a tenant are remembered that are made once.
    pub(crate) fn calls(&self, tenant: &Tenant, operation: impl Into<String>) -> Calls {
        Calls {
            store: Arc::clone(&self.sessions().store),
            provider: Arc::clone(&self.sessions().provider),
            data_key: tenant.data_key.clone(),
            tenant: tenant.id.clone(),
            operation: operation.into(),
            now: self.now(),
        }
    }

    /// What is said about the routes for integrators, with the schemas that it refers to.
    pub fn described() -> (Vec<Operation>, &'static str) {
        (http::description::api().into_operations(), http::description::SCHEMAS)
    }

    /// Tells watchers and the log what the store has acknowledged.
    pub(crate) fn announce(&self, tenant: &Tenant, session: SessionId, event: &NewEvent) {
        let (step, reason) = (event.step, event.reason.unwrap_or_default());
        tracing::info!(tenant = tenant.id.as_str(), %session, step, reason, "presentation");
        self.live().publish(&tenant.id, session, event);
    }

    /// The fetch that is still to be written down, if there is one.
    pub(crate) fn fetch_event(&self, tenant: &Tenant, session: SessionId) -> Option<NewEvent> {
        let at = self.live().fetched_at(&tenant.id, session)?;
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
        self.live().forget_fetch(&tenant.id, session);
        for event in fetch.into_iter().chain([event.clone()]) {
            let kept = self.sessions().store.append_event(&tenant.id, session, event).await;
            if let Err(error) = kept {
                let (tenant, reason) = (tenant.id.as_str(), error.reason());
                tracing::warn!(tenant, %session, reason, "the trail was not written");
            }
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
        write!(out, "VerifierService({}, {} tenants)", self.0.base_url, self.0.tenants.len())
    }
}
