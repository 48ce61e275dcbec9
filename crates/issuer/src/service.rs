//! The service: its parts, and the few things that every step does.

use std::{
    collections::HashMap,
    fmt, mem,
    sync::{Arc, PoisonError, RwLock},
};

use axum::Router;
use jiff::Timestamp;
use lanyard_core::crypto::CryptoProvider;
use lanyard_service::{
    Environment, Live,
    http::{Door, api::Operation},
};
use lanyard_store::{NewEvent, Next, Replaced, Session, SessionId, StoreError, TenantId};
use tokio::sync::broadcast;

use crate::{
    Awkwardness, IssuerError, IssuerSettings, Offering, SettingsError, TrailEvent, http,
    localized::Localized,
    sessions::{Sessions, State},
    step,
    tenant::{AsBegan, Edition, Editions, Tenant},
};

/// The issuer service; cloning is cheap and every clone is the same service.
#[derive(Clone)]
pub struct IssuerService(Arc<Parts>);

struct Parts {
    tenants: HashMap<Box<str>, RwLock<Editions>>,
    localized: Localized,
    sessions: Sessions,
}

impl IssuerService {
    /// Puts the service together and renders the metadata documents.
    ///
    /// # Errors
    /// One [`SettingsError`] per rule.
    pub fn new(settings: IssuerSettings) -> Result<Self, SettingsError> {
        let base_url = settings.base_url;
        if !Environment::is_base_url(&base_url) {
            return Err(SettingsError::BaseUrl);
        }
        let now = settings.clock.now();
        let mut tenants = HashMap::with_capacity(settings.tenants.len());
        let mut keys = HashMap::with_capacity(settings.tenants.len());
        for mut tenant in settings.tenants {
            SettingsError::accept(
                &tenant.tenant,
                &tenant.issuer,
                tenant.login.as_ref(),
                &base_url,
            )?;
            let id = tenant.tenant.clone();
            keys.insert(id.clone(), mem::take(&mut tenant.api_keys));
            let editions = Editions::new(Tenant::new(tenant, &*settings.provider, now));
            if tenants.insert(id.as_str().into(), RwLock::new(editions)).is_some() {
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
            retention: settings.retention,
        };
        let sessions = Sessions { environment };
        Ok(Self(Arc::new(Parts { tenants, localized: Localized::default(), sessions })))
    }

    /// The routes; without a fallback, so that they can be merged with others.
    pub fn router(&self) -> Router {
        http::router(self.clone())
    }

    /// The same routes, on purpose hard to deal with, to try wallets with: not for credentials that anybody
    /// relies on.
    pub fn danger_awkward_router(&self, how: Awkwardness) -> Router {
        http::awkward::around(self.clone(), self.router(), how)
    }

    /// Watches the trail of a session from now on.
    ///
    /// Subscribe first, then ask for the status: an event in between shows up in both, equal in every
    /// field.
    pub fn subscribe(
        &self,
        tenant: &TenantId,
        session: SessionId,
    ) -> broadcast::Receiver<TrailEvent> {
        self.environment().live.subscribe(tenant, session)
    }

    /// Puts other credential types, logins and sources of claims in force: those of every tenant or of none.
    ///
    /// What began before is finished under the types that it began with.
    ///
    /// # Errors
    /// [`SettingsError::TenantUnknown`], and one [`SettingsError`] per rule that an issuer has to keep.
    pub fn reload(&self, offerings: Vec<Offering>) -> Result<(), SettingsError> {
        let now = self.now();
        let mut prepared = Vec::with_capacity(offerings.len());
        for Offering { tenant, configuration, login } in offerings {
            let before = self.tenant(tenant.as_str());
            let before = before.ok_or_else(|| SettingsError::TenantUnknown(tenant.clone()))?;
            let issuer = before.issuer.offering(configuration);
            SettingsError::accept(&tenant, &issuer, login.as_ref(), &self.environment().base_url)?;
            prepared.push(before.offering(issuer, login, self.provider(), now));
        }
        for tenant in prepared {
            if let Some(editions) = self.0.tenants.get(tenant.id.as_str()) {
                editions.write().unwrap_or_else(PoisonError::into_inner).replace(tenant);
            }
        }
        Ok(())
    }

    pub(crate) fn tenant(&self, name: &str) -> Option<Arc<Tenant>> {
        let editions = self.0.tenants.get(name)?;
        let editions = editions.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(editions.current()))
    }

    /// The tenant's edition at the time a session began, if it has changed since and is still known.
    pub(crate) fn tenant_at_edition<'t>(&self, tenant: &'t Tenant, begun: Edition) -> AsBegan<'t> {
        if tenant.edition == begun {
            return AsBegan::Present(tenant);
        }
        let editions = self.0.tenants.get(tenant.id.as_str());
        let editions =
            editions.map(|editions| editions.read().unwrap_or_else(PoisonError::into_inner));
        let earlier = editions.and_then(|editions| editions.earlier(begun).cloned());
        earlier.map_or(AsBegan::Present(tenant), AsBegan::Earlier)
    }

    pub(crate) fn known_tenant(&self, id: &TenantId) -> Result<Arc<Tenant>, IssuerError> {
        self.tenant(id.as_str()).ok_or(IssuerError::UnknownTenant)
    }

    /// What this service finds around it.
    pub(crate) fn environment(&self) -> &Environment {
        &self.0.sessions.environment
    }

    pub(crate) fn localized(&self) -> &Localized {
        &self.0.localized
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

    /// The step after which a session is in this state, until then.
    pub(crate) fn next(
        &self,
        tenant: &Tenant,
        session: SessionId,
        state: &State,
        (now, ends_at): (Timestamp, Timestamp),
    ) -> Next {
        Next::new(now, self.sessions().seal(tenant, session, state), ends_at)
    }

    /// Writes a step down, and with it that the offer was fetched before, and tells of both; `false` when
    /// another request changed the session in between: nothing was written.
    pub(crate) async fn step(
        &self,
        tenant: &Tenant,
        session: &Session,
        mut next: Next,
        event: Option<NewEvent>,
    ) -> Result<bool, StoreError> {
        let fetched = self.environment().live.fetched_at(&tenant.id, session.id);
        next.events.extend(fetched.map(|at| NewEvent::done(at, step::OFFER_FETCHED)));
        next.events.extend(event.clone());
        match self.environment().store.replace(session, next).await? {
            Replaced::Conflict => Ok(false),
            Replaced::Done(_) => {
                self.environment().live.forget_fetch(&tenant.id, session.id);
                if let Some(event) = event {
                    self.announce(tenant, session.id, &event);
                }
                Ok(true)
            }
        }
    }

    /// Tells watchers and the log what the store has acknowledged.
    pub(crate) fn announce(&self, tenant: &Tenant, session: SessionId, event: &NewEvent) {
        let reason = event.reason.unwrap_or_default();
        tracing::info!(tenant = tenant.id.as_str(), %session, step = event.step, reason, "issuance");
        self.environment().live.publish(&tenant.id, session, event);
    }

    /// Leaves a trace of a refused request that changed nothing.
    ///
    /// A store that cannot take the trace does not change the answer.
    pub(crate) async fn trace_refusal(
        &self,
        tenant: &Tenant,
        session: SessionId,
        now: Timestamp,
        reason: &'static str,
    ) {
        let event = NewEvent::refused(now, step::REFUSED, reason);
        self.environment().append(&tenant.id, session, event.clone()).await;
        self.announce(tenant, session, &event);
    }
}

impl fmt::Debug for IssuerService {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "IssuerService({}, {} tenants)",
            self.environment().base_url,
            self.0.tenants.len()
        )
    }
}
