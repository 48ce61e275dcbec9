//! The verifier service of this server.

use std::sync::Arc;

use futures_util::future::try_join_all;
use jiff::SignedDuration;
use lanyard_core::{
    did::DidMethods, status::token_status_list::SharedLists, trust::LiveTrust, verify::Policy,
};
use lanyard_fetch::{
    CacheLimits, CachedClient, CachedDids, HttpClient, IssuerMetadataFetcher,
    RevocationListFetcher, StatusListFetcher, TypeMetadataFetcher,
};
use lanyard_issuer::IssuerService;
use lanyard_oid4vp::{dcql::DcqlQuery, request::object::RequestSigner};
use lanyard_verifier::{
    DataKey, Preset, RequestPolicy, Sources, TenantSettings, VerifierService, VerifierSettings,
};

use super::issuing::AT_ONCE;
use super::own_lists::OwnLists;
use super::plan::{Plan, PlannedTenant};
use super::trust::WatchedList;
use super::{error::StartError, ground::Ground};
use crate::keys::Subject;
use crate::presets::presets;

/// For how long a verdict that nobody read can be asked for.
const RETENTION: SignedDuration = SignedDuration::from_hours(1);

/// The service, and the trust lists that may change while it runs.
pub(super) async fn service(
    ground: &Ground,
    plan: &Plan,
    issuer: Option<&IssuerService>,
) -> Result<(VerifierService, Vec<WatchedList>), StartError> {
    let sources = sources(ground, plan, issuer);
    let (mut tenants, mut lists) = (Vec::new(), Vec::new());
    for together in plan.tenants.chunks(AT_ONCE) {
        let all = together.iter().map(async |tenant| {
            let (trust, list) = trust(ground, tenant).await?;
            let settings = settings(ground, plan, tenant, trust, sources.clone()).await?;
            Ok::<_, StartError>((settings, list))
        });
        for (settings, list) in try_join_all(all).await? {
            tenants.push(settings);
            lists.extend(list);
        }
    }
    let settings = VerifierSettings {
        base_url: plan.base_url.clone(),
        tenants,
        store: ground.store.clone(),
        provider: ground.provider.clone(),
        clock: ground.clock.clone(),
        shutdown: ground.shutdown.clone(),
        retention: RETENTION,
    };
    Ok((VerifierService::new(settings)?, lists))
}

/// Whom a tenant believes: its anchors, and its list as far as it has one.
async fn trust(
    ground: &Ground,
    tenant: &PlannedTenant,
) -> Result<(LiveTrust, Option<WatchedList>), StartError> {
    let anchors = ground.believed(tenant).await?;
    match &tenant.trust_list {
        None => Ok((anchors.into(), None)),
        Some(path) => {
            let list = WatchedList::open(tenant.id.clone(), path.clone(), anchors)?;
            Ok((list.trust(), Some(list)))
        }
    }
}

/// What is asked of the network, each document once for all who need it at the time.
fn sources(ground: &Ground, plan: &Plan, issuer: Option<&IssuerService>) -> Sources {
    let lists: Arc<dyn HttpClient> = match issuer {
        Some(issuer) => Arc::new(OwnLists {
            outside: ground.http.clone(),
            base_url: plan.base_url.clone(),
            issuer: issuer.router(),
        }),
        None => ground.http.clone(),
    };
    let http = Arc::new(CachedClient::new(ground.http.clone(), &CacheLimits::default()));
    let dids = CachedDids::over(ground.http.clone(), DidMethods::new(ground.provider.clone()));
    Sources {
        resolver: Some(Arc::new(dids)),
        issuer_metadata: Some(Arc::new(IssuerMetadataFetcher::new(http.clone()))),
        revocation_lists: Some(Arc::new(RevocationListFetcher::new(http.clone()))),
        type_metadata: Some(Arc::new(TypeMetadataFetcher::new(http, ground.provider.clone()))),
        status_lists: Some(Arc::new(StatusListFetcher::new(lists))),
        shared_lists: SharedLists::default(),
    }
}

async fn settings(
    ground: &Ground,
    plan: &Plan,
    tenant: &PlannedTenant,
    trust: LiveTrust,
    sources: Sources,
) -> Result<TenantSettings, StartError> {
    let subject = Subject {
        key_name: "verifier/key",
        common_name: &tenant.name,
        host: &ground.host,
        uri: None,
    };
    let identity = ground.identity(tenant, subject).await?;
    Ok(TenantSettings {
        tenant: tenant.id.clone(),
        signer: RequestSigner::certified(identity.signer, identity.chain),
        dns_name: plan.base_url.domain().map(str::to_owned),
        trust,
        policy: Policy::default(),
        policies: tenant.policies.clone(),
        sources,
        data_key: DataKey::new(ground.secret(&tenant.id, "verifier/data-key").await?),
        api_keys: tenant.api_keys.clone(),
        presets: presets(&tenant.types)
            .into_iter()
            // what the tenant wrote itself goes before what is made from its types
            .filter(|ready| tenant.saved_requests.iter().all(|saved| saved.id != ready.id))
            .filter_map(|ready| {
                let query = DcqlQuery::from_value(&ready.dcql).ok()?;
                Some(Preset {
                    id: ready.id,
                    version: 1,
                    title: ready.title,
                    purpose: ready.purpose,
                    query,
                    policy: RequestPolicy::default(),
                })
            })
            .chain(tenant.saved_requests.iter().cloned())
            .collect(),
        return_origins: tenant.asking.return_origins.clone(),
        web_origins: tenant.asking.web_origins.clone(),
        other_names: tenant.asking.other_names.clone(),
        sign_in_clients: tenant.sign_in_clients.clone(),
        vc_api: plan.vc_api,
    })
}
