//! The verifier service of this server.

use std::sync::Arc;

use jiff::SignedDuration;
use lanyard_core::{status::StatusListSource, trust::IssuerTrust, verify::Policy};
use lanyard_fetch::StatusListFetcher;
use lanyard_oid4vp::{dcql::DcqlQuery, request::object::RequestSigner};
use lanyard_verifier::{
    ApiKeyDigest, DataKey, Preset, SystemClock, TenantSettings, VerifierService, VerifierSettings,
};
use secrecy::ExposeSecret as _;

use super::compose::{Ground, StartError};
use super::plan::{Plan, PlannedTenant};
use crate::keys::Subject;
use crate::presets::presets;

/// For how long a verdict that nobody read can be asked for.
const RETENTION: SignedDuration = SignedDuration::from_hours(1);

pub(super) async fn service(ground: &Ground, plan: &Plan) -> Result<VerifierService, StartError> {
    let status_lists: Arc<dyn StatusListSource> =
        Arc::new(StatusListFetcher::new(ground.http.clone()));
    let mut tenants = Vec::new();
    for tenant in &plan.tenants {
        tenants.push(settings(ground, plan, tenant, &status_lists).await?);
    }
    let settings = VerifierSettings {
        base_url: plan.base_url.clone(),
        tenants,
        store: ground.store.clone(),
        provider: ground.provider.clone(),
        clock: Arc::new(SystemClock),
        shutdown: ground.shutdown.clone(),
        retention: RETENTION,
    };
    Ok(VerifierService::new(settings)?)
}

async fn settings(
    ground: &Ground,
    plan: &Plan,
    tenant: &PlannedTenant,
    status_lists: &Arc<dyn StatusListSource>,
) -> Result<TenantSettings, StartError> {
    let subject = Subject {
        key_name: "verifier/key",
        common_name: &tenant.name,
        host: &ground.host,
        uri: None,
    };
    let identity = ground.identity(tenant, subject).await?;
    let keys = tenant.api_keys.iter();
    Ok(TenantSettings {
        tenant: tenant.id.clone(),
        signer: RequestSigner { signer: identity.signer, chain: identity.chain },
        dns_name: plan.base_url.domain().map(str::to_owned),
        trust: IssuerTrust::certificates(ground.anchors(tenant)?),
        policy: Policy::default(),
        resolver: None,
        status_lists: Some(status_lists.clone()),
        data_key: DataKey::new(ground.secret(&tenant.id, "verifier/data-key").await?),
        api_keys: keys
            .map(|key| ApiKeyDigest::of(key.expose_secret(), ground.provider.as_ref()))
            .collect(),
        presets: presets(&tenant.types)
            .into_iter()
            .filter_map(|ready| {
                let query = DcqlQuery::from_value(&ready.dcql).ok()?;
                Some(Preset { id: ready.id, title: ready.title, purpose: ready.purpose, query })
            })
            .collect(),
        return_origins: Vec::new(),
    })
}
