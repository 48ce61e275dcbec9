//! The issuer service of this server.

use std::sync::Arc;

use futures_util::future::try_join_all;
use jiff::SignedDuration;
use lanyard_core::{
    credential::Format,
    status::StatusChecker,
    trust::{IssuerIdentifier, IssuerKeys, IssuerTrust, x509::TrustAnchors},
};
use lanyard_issuer::{
    DataKey, IssuerService, IssuerSettings, Offering, PlaceKey, StatusListSettings, StatusLists,
    TenantSettings,
};
use lanyard_oid4vci::{
    IssuerUrl, Transport,
    attestation_status::{AttestationStatuses, UnreadableStatus},
    configuration::IssuerConfiguration,
    encryption::{EncryptionRule, IssuerEncryption},
    issuer::{Issuer, IssuerName, IssuingKey},
    metadata::IssuerDisplay,
    nonce::NonceKey,
};

use super::plan::{Plan, PlannedTenant};
use super::{error::StartError, ground::Ground};
use super::{login, vc_api};
use crate::config::{EncryptionMode, UnreadableAttestations};
use crate::keys::{KeyError, SigningIdentity, Subject};

/// What nonces are made and judged with; a store that is restored makes a new one.
pub(crate) const NONCE_KEY: &str = "issuer/nonce-key";

/// How many tenants are put together at once: keys that are made at the same time share the syncs of the store.
pub(super) const AT_ONCE: usize = 16;

/// For how long the status of a finished offer can be asked for.
const RETENTION: SignedDuration = SignedDuration::from_hours(24);

pub(super) async fn service(ground: &Ground, plan: &Plan) -> Result<IssuerService, StartError> {
    let mut tenants = Vec::with_capacity(plan.tenants.len());
    // the tenants of the sandbox have keys of the others
    for together in plan.tenants.chunks(AT_ONCE).chain([plan.sandbox.as_slice()]) {
        let settings = together.iter().map(|tenant| settings(ground, plan, tenant));
        tenants.extend(try_join_all(settings).await?);
    }
    let settings = IssuerSettings {
        base_url: plan.base_url.clone(),
        tenants,
        store: ground.store.clone(),
        provider: ground.provider.clone(),
        clock: ground.clock.clone(),
        shutdown: ground.shutdown.clone(),
        retention: RETENTION,
    };
    Ok(IssuerService::new(settings)?)
}

async fn settings(
    ground: &Ground,
    plan: &Plan,
    tenant: &PlannedTenant,
) -> Result<TenantSettings, StartError> {
    let (issuer, status_lists) = issuer(ground, plan, tenant).await?;
    Ok(TenantSettings {
        tenant: tenant.id.clone(),
        login: login::settings(ground, plan, tenant, issuer.key_for(Format::SdJwtVc)),
        issuer,
        status_lists,
        vc_api: match plan.vc_api {
            Some(_) => Some(vc_api::keys(ground, tenant).await?),
            None => None,
        },
        data_key: DataKey::new(ground.secret(&tenant.keys_of, "issuer/data-key").await?),
        api_keys: tenant.api_keys.clone(),
    })
}

async fn issuer(
    ground: &Ground,
    plan: &Plan,
    tenant: &PlannedTenant,
) -> Result<(Issuer, Option<Arc<StatusLists>>), StartError> {
    let identity = identity(ground, plan, tenant).await?;
    let configuration = configuration(plan, tenant)?;
    let key = issuing_key(identity, plan, tenant, configuration.issuer());
    let nonces = NonceKey::new(ground.secret(&tenant.keys_of, NONCE_KEY).await?);
    let rules = tenant.authorization.rules.clone();
    let rules = match tenant.demands.attestation {
        // the wallet provider of the demo is one of its own
        true => rules.with_attesters(ground.anchors(tenant)?),
        false => rules,
    };
    let wallets = rules.attesters().cloned().unwrap_or_default();
    let rules = rules.with_attestation_statuses(attestation_statuses(ground, tenant, wallets));
    let mut issuer = Issuer::new(configuration, key, nonces, ground.provider.clone())
        .with_authorization(rules)
        .remembering_since(ground.store.epoch().await.map_err(KeyError::from)?.began_at);
    let rule = match tenant.encryption {
        EncryptionMode::Offered => EncryptionRule::Offered,
        EncryptionMode::Required => EncryptionRule::Required,
    };
    let key = ground.encryption_key(&tenant.keys_of).await?;
    let encryption = IssuerEncryption::new(key, rule, ground.provider.as_ref());
    let key_attesters = match tenant.demands.keys {
        true => ground.anchors(tenant)?,
        false => tenant.key_attesters.clone(),
    };
    let key_statuses = attestation_statuses(ground, tenant, key_attesters.clone());
    issuer = issuer
        .with_attesters(key_attesters)
        .with_key_statuses(key_statuses)
        .with_encryption(encryption);
    for (format, key) in own_keys(ground, tenant).await? {
        issuer = issuer.with_key(format, key);
    }
    let statuses = status_lists(ground, tenant, &issuer).await?;
    Ok(match statuses {
        Some(lists) => (issuer.with_statuses(lists.clone()), Some(lists)),
        None => (issuer, None),
    })
}

/// Whoever is believed about wallets or keys is believed about what became of what they said.
fn attestation_statuses(
    ground: &Ground,
    tenant: &PlannedTenant,
    attesters: TrustAnchors,
) -> AttestationStatuses {
    let keys = IssuerKeys::new(IssuerTrust::certificates(attesters), ground.provider.clone());
    let lists = ground.attesters_lists.clone();
    let unreadable = match tenant.unreadable_attestations {
        UnreadableAttestations::Refused => UnreadableStatus::Refused,
        UnreadableAttestations::Taken => UnreadableStatus::Taken,
    };
    AttestationStatuses::new(Arc::new(StatusChecker::new(keys, lists)), unreadable)
}

/// What a tenant signs SD-JWT VCs with.
async fn identity(
    ground: &Ground,
    plan: &Plan,
    tenant: &PlannedTenant,
) -> Result<SigningIdentity, StartError> {
    let url = format!("{}{}", plan.base_url, tenant.id);
    let common_name = format!("{} Credentials", tenant.name);
    let subject = Subject {
        key_name: "issuer/key",
        common_name: &common_name,
        host: &ground.host,
        uri: Some(&url),
    };
    ground.identity(tenant, subject).await
}

/// What a tenant offers.
fn configuration(plan: &Plan, tenant: &PlannedTenant) -> Result<IssuerConfiguration, StartError> {
    let transport =
        if plan.development { Transport::DevelopmentLoopback } else { Transport::Https };
    let url = IssuerUrl::parse(&format!("{}{}", plan.base_url, tenant.id), transport)?;
    let display = IssuerDisplay {
        name: Some(tenant.name.clone()),
        locale: Some("en".to_owned()),
        logo: None,
    };
    let credentials = tenant.types.iter().map(|kind| tenant.demands.of_keys(kind.into())).collect();
    let policy = tenant.demands.policy();
    let configuration = IssuerConfiguration::new(url, vec![display], credentials, policy)?;
    let login = tenant.authorization.login.as_ref();
    Ok(match login.and_then(|login| login.place.elsewhere()) {
        Some(server) => {
            let server = IssuerUrl::parse(&server.identifier, transport)?;
            configuration.with_authorization_server(server)
        }
        None => configuration,
    })
}

/// What every tenant of a plan offers, for a service that serves others already.
pub(super) async fn offerings(ground: &Ground, plan: &Plan) -> Result<Vec<Offering>, StartError> {
    let mut offerings = Vec::with_capacity(plan.tenants.len());
    for tenant in plan.tenants.iter().chain(&plan.sandbox) {
        let identity = identity(ground, plan, tenant).await?;
        let configuration = configuration(plan, tenant)?;
        let key = issuing_key(identity, plan, tenant, configuration.issuer());
        let login = login::settings(ground, plan, tenant, &key);
        offerings.push(Offering { tenant: tenant.id.clone(), configuration, login });
    }
    Ok(offerings)
}

/// The status lists of a tenant that wants to be able to revoke.
async fn status_lists(
    ground: &Ground,
    tenant: &PlannedTenant,
    issuer: &Issuer,
) -> Result<Option<Arc<StatusLists>>, StartError> {
    let Some(ttl) = tenant.status_ttl else { return Ok(None) };
    Ok(Some(Arc::new(StatusLists::new(StatusListSettings {
        tenant: tenant.id.clone(),
        issuer: issuer.configuration().issuer().as_str().to_owned(),
        key: PlaceKey::new(ground.secret(&tenant.keys_of, "issuer/status-places").await?),
        signing: issuer.key_for(Format::SdJwtVc).clone(),
        // both W3C formats have one key: a list is secured like the credentials that refer to it
        w3c_signing: issuer.key_for(Format::LdpVc).clone(),
        ttl,
        live: ground.lists.clone(),
        store: ground.store.clone(),
        provider: ground.provider.clone(),
    }))))
}

/// The keys of the formats that need another than the tenant's certificate, whether it issues them already
/// or will once its types change.
async fn own_keys(
    ground: &Ground,
    tenant: &PlannedTenant,
) -> Result<Vec<(Format, IssuingKey)>, StartError> {
    let mut keys = Vec::new();
    if let Some(SigningIdentity { signer, chain }) = ground.document_signer(tenant).await? {
        let name = IssuerName::Certificate { chain, iss: None };
        keys.push((Format::MsoMdoc, IssuingKey { signer, name }));
    }
    let w3c = [Format::JwtVcJson, Format::LdpVc];
    if let Some((identity, method)) = ground.did_identity(tenant).await?
        && let Ok(iss) = IssuerIdentifier::parse(method.did().as_str())
    {
        let name = IssuerName::Identifier { iss, key_id: Some(method.to_string()) };
        let key = IssuingKey { signer: identity.signer, name };
        keys.extend(w3c.map(|format| (format, key.clone())));
    }
    Ok(keys)
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
