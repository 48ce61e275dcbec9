//! Puts stores, keys, services and pages together.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, middleware};
use lanyard_issuer::{Awkwardness, IssuerService};
use lanyard_service::{
    Clock, SystemClock,
    integration::{IntegrationApi, IntegrationSettings},
    webhook::ExpiryJudge,
};
use lanyard_store::Store;
use lanyard_verifier::VerifierService;
use tokio::sync::watch;

use super::accept::Routes;
use super::admission::Admission;
use super::clients::Clients;
pub use super::error::StartError;
use super::front::{self, Front};
use super::ground::Ground;
use super::health::Health;
use super::metrics::Metrics;
use super::otlp::Telemetry;
use super::plan::Plan;
use super::rates::Doorman;
use super::reload::{self, WatchedConfiguration};
use super::trust::TrustHealth;
use super::{ahead, auditing, housekeeping, issuing, resolving, trust, verifying};
use crate::demo;
use crate::live_types::LiveTypes;

/// What a server takes from outside; whoever tries a server puts something else in its place.
pub struct Surroundings {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Puts something between the server and its store.
    pub around_store: AroundStore,
    /// How long housekeeping rests before it looks again for what is due.
    pub chores_every: Duration,
}

/// Puts something around a store.
pub type AroundStore = Box<dyn FnOnce(Arc<dyn Store>) -> Arc<dyn Store> + Send>;

impl Default for Surroundings {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            around_store: Box::new(|store| store),
            chores_every: housekeeping::INTERVAL,
        }
    }
}

/// The routes of a server.
///
/// # Errors
/// When folder, store or keys cannot be used.
pub async fn compose(plan: Plan, shutdown: watch::Receiver<bool>) -> Result<Routes, StartError> {
    compose_in(Surroundings::default(), plan, shutdown).await
}

/// The routes of a server with a clock and a store of somebody's own.
///
/// # Errors
/// As [`compose`].
pub async fn compose_in(
    surroundings: Surroundings,
    plan: Plan,
    shutdown: watch::Receiver<bool>,
) -> Result<Routes, StartError> {
    let chores_every = surroundings.chores_every;
    let ground = Arc::new(Ground::lay(surroundings, &plan, shutdown).await?);
    let issuer = match plan.issuer {
        true => Some(issuing::service(&ground, &plan).await?),
        false => None,
    };
    let (store, clock) = (ground.store.clone(), ground.clock.clone());
    let gauges = plan.metrics.as_ref().map(Metrics::gauges);
    let stops = ground.shutdown.clone();
    let pace = (chores_every, plan.audit.kept);
    housekeeping::keep_house((store, clock), pace, gauges.clone(), stops);
    auditing::keep_saying(ground.clone(), plan.audit.heads.clone())?;
    let trust = TrustHealth::default();
    let verifier = match plan.verifier {
        true => {
            let (service, lists) = verifying::service(&ground, &plan, issuer.as_ref()).await?;
            trust::keep_looking(lists, trust.clone(), ground.shutdown.clone());
            ahead::fetch_ahead(service.clone(), ground.shutdown.clone());
            Some(service)
        }
        false => None,
    };
    let shown = plan.tenants.first().map(|tenant| tenant.types.clone()).unwrap_or_default();
    let shown = LiveTypes::new(shown);
    if let Some(service) = issuer.clone() {
        let (ground, shown, health) = (ground.clone(), shown.clone(), trust.clone());
        let stops = ground.shutdown.clone();
        let watched = WatchedConfiguration::of(&plan, ground, service, shown, health);
        watched.into_iter().for_each(|watched| reload::keep_looking(watched, stops.clone()));
    }
    let integration = integration(&ground, &plan);
    let mut judges: Vec<Arc<dyn ExpiryJudge>> = Vec::new();
    judges.extend(issuer.clone().map(|judge| Arc::new(judge) as Arc<dyn ExpiryJudge>));
    judges.extend(verifier.clone().map(|judge| Arc::new(judge) as Arc<dyn ExpiryJudge>));
    ground.deliver(judges);
    let services = Router::new()
        .merge(integration.router())
        .merge(
            issuer.as_ref().map(|issuer| wallet_routes(issuer, plan.awkward)).unwrap_or_default(),
        )
        .merge(verifier.as_ref().map(VerifierService::router).unwrap_or_default());
    let provider = ground.wallet_provider(&plan).await?;
    let services = match provider.clone() {
        Some(provider) => services.merge(provider.routes()),
        None => services,
    };
    let web = ground.pages(&plan, shown, (issuer, verifier), provider).await?;
    let health = Health {
        store: ground.store.clone(),
        trust,
        writing: ground.keep_watching(gauges),
        stopping: ground.shutdown.clone(),
    };
    let all = services.merge(health.routes());
    let all = match plan.resolver {
        true => all.merge(resolving::routes(ground.http.clone(), ground.provider.clone())),
        false => all,
    };
    let all = match web {
        Some(web) => all.merge(web.router()),
        None => all,
    };
    let clients = Clients::behind(plan.proxies);
    let tenants = plan.tenants.iter().chain(&plan.sandbox);
    let tenants = tenants.map(|tenant| tenant.id.as_str().to_owned()).collect();
    let admission =
        Admission::new(Instant::now(), (clients.clone(), tenants), plan.metrics.clone());
    let admission = Arc::new(admission);
    let stops = ground.shutdown.clone();
    let told = plan.metrics.clone().zip(plan.telemetry);
    let front = Front {
        telemetry: told.map(|(metrics, options)| Telemetry::start(options, metrics, stops)),
        admission: Arc::clone(&admission),
        metrics: plan.metrics,
        doorman: plan.rates.map(|rates| Doorman::new(rates, clients)),
    };
    let router = all.layer(middleware::from_fn_with_state(Arc::new(front), front::pass));
    Ok(Routes { router, gate: Some(admission) })
}

/// The routes of the issuer; awkward ones where wallets are tried out.
fn wallet_routes(issuer: &IssuerService, awkward: bool) -> Router {
    if awkward {
        tracing::warn!(
            "this issuer is awkward on purpose: it refuses good nonces and answers late"
        );
        return issuer.danger_awkward_router(Awkwardness::default());
    }
    issuer.router()
}

/// What integrators have beside issuer and verifier, and the description of what there is.
fn integration(ground: &Ground, plan: &Plan) -> IntegrationApi {
    let mut described = Vec::new();
    described.extend(plan.issuer.then(IssuerService::described));
    described.extend(plan.verifier.then(VerifierService::described));
    let keys = plan.tenants.iter().map(|tenant| (tenant.id.clone(), tenant.api_keys.clone()));
    IntegrationApi::new(IntegrationSettings {
        tenants: keys.collect(),
        store: ground.store.clone(),
        provider: ground.provider.clone(),
        clock: ground.clock.clone(),
        described,
    })
}

/// What the demo says once it runs.
#[must_use]
pub fn welcome(plan: &Plan) -> String {
    let (url, data) = (plan.base_url.as_str().trim_end_matches('/'), plan.data.display());
    format!(
        "Lanyard demo is ready: {url}\n\n\
         In the browser   open {url}, issue a badge, open it in Pocket, then verify it\n\
         To log in        {holder}, with the password {password}\n\
         In the terminal  lanyard offer --type employee_badge --api-key-file {data}/api-key\n                 \
         lanyard wallet accept '<link>' --trust-anchor {data}/ca.pem --allow-http localhost:{port}\n\n\
         {enterprise} is made up and its test authority is trusted by nobody else. Everything is in {data}; Ctrl+C stops.",
        port = plan.base_url.port().unwrap_or(80),
        enterprise = demo::ENTERPRISE,
        holder = demo::HOLDER,
        password = demo::PASSWORD,
    )
}
