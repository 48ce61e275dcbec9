//! The issuer service of this server.

use std::sync::Arc;

use jiff::SignedDuration;
use lanyard_core::{crypto::CryptoProvider, trust::IssuerIdentifier};
use lanyard_issuer::{
    ApiKeyDigest, DataKey, IssuerService, IssuerSettings, SystemClock, TenantSettings,
};
use lanyard_oid4vci::{
    IssuerUrl, Transport,
    configuration::{IssuancePolicy, IssuerConfiguration},
    issuer::{Issuer, IssuerName, IssuingKey},
    metadata::IssuerDisplay,
    nonce::NonceKey,
};
use secrecy::ExposeSecret as _;

use super::compose::{Ground, StartError};
use super::plan::{Plan, PlannedTenant};
use crate::keys::{SigningIdentity, Subject};

/// For how long the status of a finished offer can be asked for.
const RETENTION: SignedDuration = SignedDuration::from_hours(24);

pub(super) async fn service(ground: &Ground, plan: &Plan) -> Result<IssuerService, StartError> {
    let mut tenants = Vec::new();
    for tenant in &plan.tenants {
        tenants.push(TenantSettings {
            tenant: tenant.id.clone(),
            issuer: issuer(ground, plan, tenant).await?,
            data_key: DataKey::new(ground.secret(&tenant.id, "issuer/data-key").await?),
            api_keys: digests(tenant, ground.provider.as_ref()),
            status_lists: None,
        });
    }
    let settings = IssuerSettings {
        base_url: plan.base_url.clone(),
        tenants,
        store: ground.store.clone(),
        provider: ground.provider.clone(),
        clock: Arc::new(SystemClock),
        shutdown: ground.shutdown.clone(),
        retention: RETENTION,
    };
    Ok(IssuerService::new(settings)?)
}

async fn issuer(
    ground: &Ground,
    plan: &Plan,
    tenant: &PlannedTenant,
) -> Result<Issuer, StartError> {
    let transport =
        if plan.development { Transport::DevelopmentLoopback } else { Transport::Https };
    let url = format!("{}{}", plan.base_url, tenant.id);
    let subject = Subject {
        key_name: "issuer/key",
        common_name: &format!("{} Credentials", tenant.name),
        host: &ground.host,
        uri: Some(&url),
    };
    let identity = ground.identity(tenant, subject).await?;
    let display = IssuerDisplay {
        name: Some(tenant.name.clone()),
        locale: Some("en".to_owned()),
        logo: None,
    };
    let credentials = tenant.types.iter().map(Into::into).collect();
    let url = IssuerUrl::parse(&url, transport)?;
    let key = issuing_key(identity, plan, tenant, &url);
    let configuration =
        IssuerConfiguration::new(url, vec![display], credentials, IssuancePolicy::default())?;
    let nonces = NonceKey::new(ground.secret(&tenant.id, "issuer/nonce-key").await?);
    Ok(Issuer::new(configuration, key, nonces, ground.provider.clone()))
}

fn issuing_key(
    identity: SigningIdentity,
    plan: &Plan,
    tenant: &PlannedTenant,
    url: &IssuerUrl,
) -> IssuingKey {
    // SD-JWT VC §2.5: an iss beside a certificate is a name that the certificate vouches for
    let own_certificate = tenant.signing.is_none();
    let vouched =
        own_certificate || (plan.base_url.scheme() == "https" && plan.base_url.domain().is_some());
    let iss = vouched.then(|| IssuerIdentifier::parse(url.as_str()).ok()).flatten();
    IssuingKey {
        signer: identity.signer,
        name: IssuerName::Certificate { chain: identity.chain, iss },
    }
}

fn digests(tenant: &PlannedTenant, provider: &dyn CryptoProvider) -> Vec<ApiKeyDigest> {
    tenant.api_keys.iter().map(|key| ApiKeyDigest::of(key.expose_secret(), provider)).collect()
}
