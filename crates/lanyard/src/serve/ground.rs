//! What everything in a server is built on: its store, its keys, its clock, and what is made of them.

use std::sync::Arc;

use jiff::Timestamp;
use lanyard_core::{
    crypto::{AwsLc, CryptoProvider, Curve, PrivateKey},
    did::{Did, DidUrl},
    jose::Jwk,
    trust::{IssuerKeySource, IssuerTrust, x509::TrustAnchors},
};
use lanyard_fetch::{HostPort, HttpClient, SafeFetcher, StatusListFetcher};
use lanyard_issuer::{IssuerService, LiveLists};
use lanyard_service::{
    Clock,
    webhook::{Deliverer, ExpiryJudge, Webhooks},
};
use lanyard_store::{PostgresOptions, PostgresStore, SecretName, SqliteStore, Store, TenantId};
use lanyard_verifier::VerifierService;
use lanyard_wallet::{KeyAttester, SignedMetadata, ports::WalletAttestation};
use tokio::sync::watch;

use super::compose::{AroundStore, Surroundings};
use super::error::StartError;
use super::login;
use super::plan::{Pages, Plan, PlannedTenant, PocketWorld};
use super::vitals::{self, Gauges, Watched, Writing};
use crate::config::SharedStore;
use crate::demo::WalletProvider;
use crate::keys::{
    KeyError, KeyPlace, KeyRing, SigningIdentity, Subject, TestAuthority, Vault, read_signer,
    read_signing_files,
};
use crate::live_types::LiveTypes;
use crate::wallet_home;
use crate::web::{IssueRoom, Pocket, Site, VerifyRoom, Web};
use crate::{demo, files};

/// Where the password of the database stands if no file holds it.
const PASSWORD: &str = "LANYARD_POSTGRES_PASSWORD";

/// What everything is built on.
pub(super) struct Ground {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) provider: Arc<dyn CryptoProvider>,
    /// Status lists of wallets' and keys' attestations, fetched once for all tenants.
    pub(super) attesters_lists: Arc<StatusListFetcher>,
    pub(super) http: Arc<dyn HttpClient>,
    pub(super) lists: Arc<LiveLists>,
    webhooks: Arc<Webhooks>,
    pub(super) shutdown: watch::Receiver<bool>,
    vault: Vault,
    authority: Option<TestAuthority>,
    pub(super) host: String,
    now: Timestamp,
}

impl Ground {
    /// Sends to webhooks what is due, until the server stops.
    pub(super) fn deliver(&self, judges: Vec<Arc<dyn ExpiryJudge>>) {
        if self.webhooks.is_empty() {
            return;
        }
        let deliverer = Deliverer {
            store: self.store.clone(),
            http: self.http.clone(),
            webhooks: self.webhooks.clone(),
            provider: self.provider.clone(),
            clock: self.clock.clone(),
            judges,
        };
        tokio::spawn(deliverer.run(self.shutdown.clone()));
    }

    /// Says whether the store can be written, and tells the operator how far behind the server is.
    pub(super) fn keep_watching(&self, gauges: Option<Gauges>) -> watch::Receiver<Writing> {
        let watched = Watched {
            store: self.store.clone(),
            webhooks: self.webhooks.clone(),
            lists: self.lists.clone(),
        };
        vitals::keep_watching(watched, gauges, self.shutdown.clone())
    }

    pub(super) async fn lay(
        surroundings: Surroundings,
        plan: &Plan,
        shutdown: watch::Receiver<bool>,
    ) -> Result<Self, StartError> {
        let Surroundings { clock, around_store, .. } = surroundings;
        let now = clock.now();
        files::private_folder(&plan.data)?;
        let provider: Arc<dyn CryptoProvider> = Arc::new(AwsLc);
        let told = plan.tenants.iter().map(|tenant| (tenant.id.clone(), tenant.webhooks.clone()));
        let webhooks = Arc::new(Webhooks::new(told, provider.clone()));
        let (store, vault) = storage(plan, &webhooks, &provider, around_store).await?;
        // in development mode the server itself and receivers of webhooks may be on this machine
        let receivers = plan.tenants.iter().flat_map(|tenant| &tenant.webhooks);
        let near = receivers.map(|webhook| &webhook.url).filter(|url| url.scheme() == "http");
        let near = near.chain([&plan.base_url]).chain(login::neighbours(plan));
        let near = near.filter_map(HostPort::of);
        let near: Vec<_> = if plan.development { near.collect() } else { Vec::new() };
        let http = Arc::new(SafeFetcher::builder().danger_allow_plain_http_to(near).build());
        let authority = match plan.development {
            true => Some(TestAuthority::of(&vault, now).await?),
            false => None,
        };
        if let Some(authority) = &authority {
            files::replace(&plan.data.join("ca.pem"), authority.anchors_pem().as_bytes())?;
        }
        let host = plan.base_url.host_str().ok_or(StartError::Host)?.to_owned();
        let attesters_lists = Arc::new(StatusListFetcher::new(http.clone()));
        let lists = Arc::default();
        Ok(Self {
            attesters_lists,
            store,
            clock,
            provider,
            http,
            lists,
            webhooks,
            shutdown,
            vault,
            authority,
            host,
            now,
        })
    }

    /// 32 random bytes of a tenant, made on first use.
    pub(super) async fn secret(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<[u8; 32], StartError> {
        let name: SecretName = name.parse().map_err(|_| KeyError::Unusable)?;
        let make = || {
            let mut fresh = [0; 32];
            self.provider.fill(&mut fresh);
            Ok(fresh.to_vec())
        };
        let bytes = self.vault.bytes(tenant, &name, self.now, make).await?;
        Ok(bytes.try_into().map_err(|_| KeyError::Unusable)?)
    }

    /// A key of a tenant, made on first use.
    pub(super) async fn key(
        &self,
        tenant: &TenantId,
        name: &str,
        curve: Curve,
    ) -> Result<PrivateKey, StartError> {
        let name: SecretName = name.parse().map_err(|_| KeyError::Unusable)?;
        Ok(self.vault.key_of(tenant, &name, curve, self.now).await?)
    }

    /// What a tenant signs with.
    pub(super) async fn identity(
        &self,
        tenant: &PlannedTenant,
        subject: Subject<'_>,
    ) -> Result<SigningIdentity, StartError> {
        if let Some(files) = &tenant.signing {
            return Ok(read_signing_files(&files.certificates, &files.key, &self.provider)?);
        }
        let authority = self.authority.as_ref().ok_or(KeyError::Certificate)?;
        Ok(authority.identity(&self.vault, &tenant.keys_of, &subject, self.now).await?)
    }

    /// The key that wallets encrypt their requests to, made on first use.
    pub(super) async fn encryption_key(&self, tenant: &TenantId) -> Result<PrivateKey, StartError> {
        let name: SecretName = "issuer/encryption-key".parse().map_err(|_| KeyError::Unusable)?;
        Ok(self.vault.key(tenant, &name, self.now).await?)
    }

    /// What a tenant signs mdocs with; none where it has no document signer.
    pub(super) async fn document_signer(
        &self,
        tenant: &PlannedTenant,
    ) -> Result<Option<SigningIdentity>, StartError> {
        if let Some(files) = &tenant.document_signing {
            let (chain, key) = (&files.certificates, &files.key);
            return Ok(Some(read_signing_files(chain, key, &self.provider)?));
        }
        let Some(authority) = &self.authority else { return Ok(None) };
        let name = format!("{} Document Signer", tenant.name);
        let made = authority.document_signer(&self.vault, &tenant.keys_of, &name, self.now).await?;
        Ok(Some(made))
    }

    /// What a tenant signs W3C credentials with, and the name of that key; none where it has no DID.
    pub(super) async fn did_identity(
        &self,
        tenant: &PlannedTenant,
    ) -> Result<Option<(SigningIdentity, DidUrl)>, StartError> {
        if let Some(file) = &tenant.did_signing {
            let identity = read_signer(&file.key, &self.provider)?;
            return Ok(Some((identity, file.verification_method.clone())));
        }
        if self.authority.is_none() {
            return Ok(None);
        }
        let name: SecretName = "issuer/did-key".parse().map_err(|_| KeyError::Unusable)?;
        let key = self.vault.key(&tenant.keys_of, &name, self.now).await?;
        let identity = SigningIdentity::new(self.provider.as_ref(), &key, Vec::new())?;
        let did = Did::from_jwk(&Jwk::new(*key.public()));
        let method = did.with_fragment("0").map_err(|_| KeyError::Unusable)?;
        Ok(Some((identity, method)))
    }

    /// Whom a tenant and its wallet believe: the authorities, and the DID that was made for it here.
    pub(super) async fn believed(&self, tenant: &PlannedTenant) -> Result<IssuerTrust, StartError> {
        let trust = IssuerTrust::certificates(self.anchors(tenant)?);
        Ok(match self.did_identity(tenant).await? {
            Some((_, method)) if tenant.did_signing.is_none() => {
                trust.with(IssuerKeySource::Did(method.did().clone()))
            }
            _ => trust,
        })
    }

    /// Whom a tenant trusts: those it names, and the test authority where there is one.
    pub(super) fn anchors(&self, tenant: &PlannedTenant) -> Result<TrustAnchors, StartError> {
        let named = tenant.anchors.clone();
        match &self.authority {
            Some(authority) => Ok(named.and(TrustAnchors::from_der(authority.anchors_der())?)),
            None => Ok(named),
        }
    }

    /// The pages serve the first tenant; the configuration has them with one tenant alone.
    pub(super) async fn pages(
        &self,
        plan: &Plan,
        shown: LiveTypes,
        (issuer, verifier): (Option<IssuerService>, Option<VerifierService>),
        provider: Option<Arc<WalletProvider>>,
    ) -> Result<Option<Web>, StartError> {
        let Some(tenant) = plan.tenants.first().filter(|_| plan.pages != Pages::None) else {
            return Ok(None);
        };
        let is_demo = plan.pages == Pages::Demo;
        let pocket = if is_demo { Some(self.pocket(plan, tenant, provider).await?) } else { None };
        let (id, name, types) = (&tenant.id, &tenant.name, &tenant.types);
        Ok(Some(Web::new(Site {
            base_url: plan.base_url.clone(),
            demo: is_demo.then(|| plan.data.display().to_string()),
            issue: issuer.map(|service| {
                let room = IssueRoom::new(service, id.clone(), name.clone(), shown);
                if is_demo {
                    room.for_holder(demo::HOLDER, demo::PASSWORD).as_sandbox()
                } else {
                    room
                }
            }),
            verify: verifier
                .map(|service| VerifyRoom::new(service, id.clone(), name.clone(), types.clone())),
            pocket,
            shutdown: self.shutdown.clone(),
        })))
    }

    /// Who vouches for wallets in the demo.
    pub(super) async fn wallet_provider(
        &self,
        plan: &Plan,
    ) -> Result<Option<Arc<WalletProvider>>, StartError> {
        let Some(tenant) = plan.tenants.first().filter(|_| plan.pages == Pages::Demo) else {
            return Ok(None);
        };
        let subject = Subject {
            key_name: "wallet-provider/key",
            common_name: "Lanyard Demo Wallet Provider",
            host: &self.host,
            uri: None,
        };
        let identity = self.identity(tenant, subject).await?;
        let client = demo::pocket_client(&plan.base_url).id;
        let name = plan.base_url.as_str().trim_end_matches('/').to_owned();
        Ok(Some(Arc::new(WalletProvider::new(name, identity, client))))
    }

    async fn pocket(
        &self,
        plan: &Plan,
        tenant: &PlannedTenant,
        provider: Option<Arc<WalletProvider>>,
    ) -> Result<Pocket, StartError> {
        let PocketWorld { anchors, tls_roots, hosts } = plan.pocket.clone();
        let issuers = self.believed(tenant).await?.and(IssuerTrust::certificates(anchors.clone()));
        let anchors = self.anchors(tenant)?.and(anchors);
        // the server itself is on this machine; the rest of what the server reaches is none of a wallet's
        let http = SafeFetcher::builder()
            .danger_allow_plain_http_to(HostPort::of(&plan.base_url))
            .private_hosts(hosts);
        let http = tls_roots.iter().try_fold(http, |http, roots| http.trust_roots(roots))?;
        let opening = wallet_home::Opening {
            folder: plan.data.join("pocket"),
            issuers,
            signed_metadata: SignedMetadata::Preferred(anchors.clone()),
            anchors,
            http: Arc::new(http.build()),
            development: true,
            client: demo::pocket_client(&plan.base_url),
            attestation: provider.clone().map(|provider| provider as Arc<dyn WalletAttestation>),
            key_attester: provider.map(|provider| provider as Arc<dyn KeyAttester>),
        };
        Ok(Pocket::new(wallet_home::open(opening).await?, plan.danger_auto_consent.clone()))
    }
}

/// What everything is kept in, and what opens the keys in it.
async fn storage(
    plan: &Plan,
    webhooks: &Arc<Webhooks>,
    provider: &Arc<dyn CryptoProvider>,
    around: AroundStore,
) -> Result<(Arc<dyn Store>, Vault), StartError> {
    let store: Arc<dyn Store> = match &plan.store {
        None => Arc::new(SqliteStore::open(&plan.data)?.heralded_by(webhooks.clone())),
        Some(shared) => {
            let store = PostgresStore::connect(&options_of(shared)).await?;
            Arc::new(store.heralded_by(webhooks.clone()))
        }
    };
    let store = around(store);
    // replicas are told their key; a demo is alone, wherever its rows are
    let alone = plan.store.is_none() || plan.pages == Pages::Demo;
    let folder = alone.then_some(plan.data.as_path());
    let named = KeyPlace::find(plan.sealing.file.as_deref());
    if let Some(folder) = folder.filter(|_| named.is_none() && plan.sealing.service.is_none()) {
        let vault = Vault::of_folder(folder, store.clone(), provider.clone()).await?;
        return Ok((store, vault));
    }
    let ring = KeyRing::of(&plan.sealing, folder, provider)?;
    Ok((store.clone(), Vault::new(ring, store, provider.clone())))
}

/// How a shared store is connected to: the password is in a file or in the environment.
pub(crate) fn options_of(shared: &SharedStore) -> PostgresOptions {
    let mut options = shared.postgres.clone();
    if options.password.is_none() {
        options.password = std::env::var(PASSWORD).ok();
    }
    options
}
