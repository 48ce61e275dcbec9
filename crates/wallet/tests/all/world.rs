//! An issuer, a verifier and a wallet in one process.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use axum::body::Body;
use jiff::SignedDuration;
use lanyard_core::{
    credential::Format,
    crypto::{CryptoProvider, RustCrypto, SoftwareSigner},
    trust::IssuerTrust,
    trust::x509::TrustAnchors,
    verify::{Policy, PolicySet},
};
use lanyard_issuer::{
    AskedHolder, Awkwardness, ClaimSource, Consent, CredentialToOffer, IssuerService,
    IssuerSettings, LoginSettings, LoginToOffer, LoginUnavailable, LoginWays, Logins,
    NewOfferRequest, OfferCreated,
};
use lanyard_oid4vci::{
    CredentialConfigurationId, IssuerUrl, Transport,
    client_authentication::{ClientId, ClientMethod, RedirectUri, RegisteredClient},
    configuration::{CredentialConfiguration, IssuancePolicy, IssuerConfiguration},
    issuer::{AuthorizationRules, FoundClaims, HolderId, Issuer, IssuerName, IssuingKey, Profile},
    nonce::NonceKey,
};
use lanyard_oid4vp::request::object::RequestSigner;
use lanyard_store::{MemoryStore, Store, TenantId};
use lanyard_testkit::{Flaws, Leaf, LeafOptions, Mint, TestCa, test_now};
use lanyard_verifier::{NewRequest, OtherNames, RequestCreated, VerifierService, VerifierSettings};
use lanyard_wallet::{
    AuthorizationCode, KnownVerifiers, Offer, PreAuthorized, SignedMetadata, SoftwareKeys, Wallet,
    WalletClient, WalletSettings,
    face::Face,
    ports::{KeyStore as _, Ports, SecureStorage, SecureStorageError, WalletAttestation},
    storage::{Copy, Form, NewCard, Storage},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use url::Url;
use zeroize::Zeroizing;

use crate::wire::{Now, Wire};

pub(crate) const BASE: &str = "http://localhost:7077";

/// Whom everybody knows as Ada, who has a badge and no diploma.
#[derive(Debug)]
struct Directory;

#[async_trait]
impl Logins for Directory {
    async fn log_in(&self, _: &str, _: &str) -> Result<Option<HolderId>, LoginUnavailable> {
        Ok(None)
    }
}

#[async_trait]
impl ClaimSource for Directory {
    async fn claims(
        &self,
        _: AskedHolder<'_>,
        configuration: &CredentialConfigurationId,
    ) -> Result<Option<FoundClaims>, LoginUnavailable> {
        if configuration.as_str() != "badge" {
            return Ok(None);
        }
        let claims = json!({ "given_name": "Ada", "department": "Engines" });
        Ok(serde_json::from_value(claims).ok().map(FoundClaims::Lasting))
    }
}

/// The wallet as an OAuth client.
pub(crate) fn client() -> WalletClient {
    WalletClient {
        id: ClientId::new("pocket"),
        redirect_uri: "http://localhost:7077/pocket/login?from=issuer".to_owned(),
    }
}

/// Rules under which this wallet is a client.
pub(crate) fn rules(profile: Profile, method: ClientMethod) -> AuthorizationRules {
    let place = RedirectUri::parse(&client().redirect_uri).expect("the fixture is a place");
    let client = RegisteredClient { id: client().id, redirect_uris: vec![place], method };
    AuthorizationRules::new(profile).with_code_flow().with_clients(vec![client])
}

struct Key;

#[async_trait]
impl SecureStorage for Key {
    async fn database_key(&self) -> Result<Zeroizing<[u8; 32]>, SecureStorageError> {
        Ok(Zeroizing::new([7; 32]))
    }
}

pub(crate) struct World {
    pub(crate) wallet: Wallet,
    pub(crate) storage: Storage,
    pub(crate) wire: Arc<Wire>,
    pub(crate) now: Now,
    pub(crate) issuer: IssuerService,
    pub(crate) verifier: VerifierService,
    pub(crate) tenant: TenantId,
    pub(crate) mint: Mint,
    keys: SoftwareKeys,
    pub(crate) settings: WalletSettings,
    pub(crate) ports: Ports,
    form: Form,
    _folder: tempfile::TempDir,
}

/// How a world differs from a good one.
pub(crate) struct Setting {
    pub(crate) wallet_trusts_issuer: bool,
    pub(crate) copies: usize,
    /// Whether the wallet asks for signed metadata, and takes no others.
    pub(crate) signed_metadata: Option<bool>,
    /// Whether holders log in, under these rules.
    pub(crate) rules: Option<AuthorizationRules>,
    pub(crate) attestation: Option<Arc<dyn WalletAttestation>>,
    /// In which form the wallet keeps its rows.
    pub(crate) form: Form,
    /// How hard the issuer is to deal with, if it is.
    pub(crate) awkward: Option<Awkwardness>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            wallet_trusts_issuer: true,
            copies: 3,
            signed_metadata: None,
            rules: None,
            attestation: None,
            form: Form::Sqlite,
            awkward: None,
        }
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Setting::default()).await
    }

    pub(crate) async fn with(setting: Setting) -> Self {
        let crypto: Arc<dyn CryptoProvider> = Arc::new(RustCrypto);
        let now = Now::of_test();
        let tenant: TenantId = "demo".parse().expect("a tenant");
        let ca = TestCa::new("Test authority");
        let anchors = TrustAnchors::from_der([ca.anchor_der()]).expect("an anchor");
        let issuer = issuer(&ca, &tenant, &now, &crypto, setting.rules);
        let mint = Mint::new(crypto.clone());
        let trust = IssuerTrust::certificates(anchors.clone()).and(mint.trust());
        let verifier = verifier(&ca, trust, &tenant, &now, &crypto);
        let issuing = match setting.awkward {
            Some(how) => issuer.danger_awkward_router(how),
            None => issuer.router(),
        };
        let wire = Arc::new(Wire::to(issuing.merge(verifier.router())));
        let folder = tempfile::tempdir().expect("a folder");
        let storage = open(setting.form, folder.path(), &crypto).await;
        let stranger = TestCa::new("Another authority");
        let believed = if setting.wallet_trusts_issuer { &ca } else { &stranger };
        let believed = TrustAnchors::from_der([believed.anchor_der()]).expect("an anchor");
        let believed_signers = believed.clone();
        let settings = WalletSettings {
            issuers: IssuerTrust::certificates(believed),
            verifier_anchors: anchors,
            verifiers: KnownVerifiers::new(),
            languages: vec!["en".to_owned()],
            copies: setting.copies,
            signed_metadata: match setting.signed_metadata {
                None => SignedMetadata::Unasked,
                Some(false) => SignedMetadata::Preferred(believed_signers),
                Some(true) => SignedMetadata::Required(believed_signers),
            },
            development: true,
            client: client(),
        };
        let keys = SoftwareKeys::new(storage.clone(), crypto.clone());
        let ports = Ports {
            keys: Arc::new(keys.clone()),
            key_attestation: None,
            user: None,
            crypto,
            http: wire.clone(),
            clock: Arc::new(now.clone()),
            attestation: setting.attestation.clone(),
        };
        let wallet = Wallet::new(settings.clone(), ports.clone(), storage.clone());
        Self {
            wallet,
            storage,
            wire,
            now,
            issuer,
            verifier,
            tenant,
            mint,
            keys,
            settings,
            ports,
            form: setting.form,
            _folder: folder,
        }
    }

    /// A wallet with one card of this format in it, bound to a key of the wallet's own.
    pub(crate) async fn with_minted(format: Format) -> Self {
        let world = Self::new().await;
        world.take_minted(format).await;
        world
    }

    /// Puts a card of this format into the wallet.
    pub(crate) async fn take_minted(&self, format: Format) {
        let key = self.keys.generate(1).await.expect("a key").remove(0);
        let signer = self.keys.signer(&key).await.expect("a signer");
        let flaws = Flaws::default();
        let text = self.mint.issue(format, signer.public_key(), flaws).await;
        let copy = Copy { credential: text, key: Some(key) };
        let held = copy.hold(format, &RustCrypto).expect("a good credential");
        let card = NewCard {
            issuer: "https://mint.example".to_owned(),
            issuer_name: None,
            issuer_identity: "The Mint".to_owned(),
            configuration: "badge".to_owned(),
            format,
            types: held.types().iter().map(|name| name.name().to_owned()).collect(),
            face: Face { name: format!("Badge, {format}"), ..Face::default() },
            has_status: false,
            key_identifiers: Vec::new(),
            holder_bound: true,
            claims: held.claims().as_object().clone(),
            received_at: test_now(),
            expires_at: held.validity().expires_at,
        };
        self.storage.insert_card(&card, &[copy]).expect("a card");
    }

    /// Where the wallet's database is.
    pub(crate) fn folder(&self) -> &Path {
        self._folder.path()
    }

    /// The same wallet, opened anew.
    pub(crate) async fn reopened(&self) -> Wallet {
        let crypto: Arc<dyn CryptoProvider> = Arc::new(RustCrypto);
        let storage = open(self.form, self._folder.path(), &crypto).await;
        let ports = Ports {
            keys: Arc::new(SoftwareKeys::new(storage.clone(), crypto)),
            ..self.ports.clone()
        };
        Wallet::new(self.settings.clone(), ports, storage)
    }

    pub(crate) async fn offer(&self, tx_code: bool) -> OfferCreated {
        self.offer_with(tx_code, lanyard_issuer::Deferral::None).await
    }

    pub(crate) async fn offer_with(
        &self,
        tx_code: bool,
        deferral: lanyard_issuer::Deferral,
    ) -> OfferCreated {
        let claims = json!({
            "given_name": "Ada", "family_name": "Moreau", "department": "Optics",
            "nationalities": ["FR", "IE"],
        });
        self.offer_of(claims, tx_code, deferral).await
    }

    /// An offer of a badge with these claims.
    pub(crate) async fn offer_of(
        &self,
        claims: Value,
        tx_code: bool,
        deferral: lanyard_issuer::Deferral,
    ) -> OfferCreated {
        let Value::Object(claims) = claims else { unreachable!("claims are an object") };
        let credential =
            CredentialToOffer { configuration: CredentialConfigurationId::new("badge"), claims };
        let request = NewOfferRequest {
            credentials: vec![credential],
            looked_up: Vec::new(),
            login: None,
            tx_code,
            by_reference: true,
            deferral,
            subject: None,
        };
        self.issuer.create_offer(&self.tenant, request).await.expect("an offer")
    }

    /// An offer of a diploma and a badge, in this order.
    pub(crate) async fn offer_of_two(&self) -> OfferCreated {
        let of = |configuration: &str| CredentialToOffer {
            configuration: CredentialConfigurationId::new(configuration),
            claims: serde_json::Map::from_iter([("given_name".to_owned(), json!("Ada"))]),
        };
        let request = NewOfferRequest {
            credentials: vec![of("diploma"), of("badge")],
            looked_up: Vec::new(),
            login: None,
            tx_code: false,
            by_reference: true,
            deferral: lanyard_issuer::Deferral::None,
            subject: None,
        };
        self.issuer.create_offer(&self.tenant, request).await.expect("an offer")
    }

    /// Reads an offer that has to be readable.
    pub(crate) async fn read(&self, offer: &OfferCreated) -> PreAuthorized {
        let read = self.wallet.read_offer(&offer.link).await.expect("the offer can be read");
        let Offer::PreAuthorized(offer) = read else { unreachable!("the offer has a code") };
        *offer
    }

    /// An offer that Ada logs in for; her claims are looked up.
    pub(crate) async fn offer_to_log_in(&self) -> OfferCreated {
        self.offer_to_log_in_for(&["badge"]).await
    }

    async fn offer_to_log_in_for(&self, configurations: &[&str]) -> OfferCreated {
        let looked_up = configurations.iter().copied().map(CredentialConfigurationId::new);
        let request = NewOfferRequest {
            credentials: Vec::new(),
            looked_up: looked_up.collect(),
            login: Some(LoginToOffer { holder: None, only: true }),
            tx_code: false,
            by_reference: true,
            deferral: lanyard_issuer::Deferral::None,
            subject: None,
        };
        self.issuer.create_offer(&self.tenant, request).await.expect("an offer")
    }

    /// Reads an offer that its holder has to log in for.
    pub(crate) async fn read_login(&self) -> AuthorizationCode {
        self.read_login_for(&["badge"]).await
    }

    /// The same, for these credentials.
    pub(crate) async fn read_login_for(&self, configurations: &[&str]) -> AuthorizationCode {
        let offer = self.offer_to_log_in_for(configurations).await;
        let read = self.wallet.read_offer(&offer.link).await.expect("the offer can be read");
        let Offer::AuthorizationCode(offer) = read else { unreachable!("there is no code") };
        *offer
    }

    /// The browser: Ada is logged in and agrees, and is sent back.
    pub(crate) async fn browse(&self, url: &Url) -> Url {
        let asked = http::Request::get(url.as_str()).body(Body::empty()).expect("a request");
        let answer = self.wire.routes.clone().oneshot(asked).await.expect("a router never fails");
        assert_eq!(answer.status(), 303);
        let place = answer.headers().get(http::header::LOCATION).expect("a place");
        place.to_str().expect("text").parse().expect("a URL")
    }

    /// The same wallet after its app was killed: nothing is left but the database.
    pub(crate) fn restarted(&self) -> Wallet {
        Wallet::new(self.settings.clone(), self.ports.clone(), self.storage.clone())
    }

    /// A wallet with one card in it.
    pub(crate) async fn with_card() -> Self {
        let world = Self::new().await;
        let offer = world.offer(false).await;
        world.read(&offer).await.accept(None).await.expect("the offer is accepted");
        world
    }

    pub(crate) async fn ask(&self, request: Value) -> RequestCreated {
        let request: NewRequest = serde_json::from_value(request).expect("a request");
        self.verifier.create_request(&self.tenant, request).await.expect("a request")
    }

    /// The last thing in the history, as JSON.
    pub(crate) fn last_event(&self) -> Value {
        let history = self.wallet.history().expect("a history");
        let (_, entry) = history.first().expect("something happened");
        serde_json::to_value(&entry.event).expect("an event is JSON")
    }
}

pub(crate) fn query(paths: &[&[&str]]) -> Value {
    let claims: Vec<_> = paths.iter().map(|path| json!({"path": path})).collect();
    json!({"dcql_query": {"credentials": [{
        "id": "badge", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:example:badge"]},
        "claims": claims,
    }]}})
}

async fn open(form: Form, folder: &Path, crypto: &Arc<dyn CryptoProvider>) -> Storage {
    let file = folder.join("wallet.db");
    Storage::open_as(form, &file, &Key, crypto.clone()).await.expect("a database")
}

fn leaf(ca: &TestCa, name: &str) -> Leaf {
    ca.leaf(&LeafOptions::named(name).dns("localhost"))
}

fn issuer(
    ca: &TestCa,
    tenant: &TenantId,
    now: &Now,
    crypto: &Arc<dyn CryptoProvider>,
    rules: Option<AuthorizationRules>,
) -> IssuerService {
    let url = format!("{BASE}/{tenant}");
    let badge = json!({
        "id": "badge", "format": "dc+sd-jwt", "vct": "urn:example:badge", "scope": "badge",
        "display": [{"name": "Employee badge", "locale": "en"}], "valid_days": 30,
        "claims": [
            {"path": ["given_name"], "mandatory": true, "value": "text",
             "display": [{"name": "Given name", "locale": "en"}]},
            {"path": ["family_name"], "value": "text"},
            {"path": ["department"], "value": "text"},
            {"path": ["nationalities"], "value": "any"},
            {"path": ["sex"], "value": "text"},
        ],
    });
    let badge: CredentialConfiguration = serde_json::from_value(badge).expect("a configuration");
    let diploma = json!({
        "id": "diploma", "format": "dc+sd-jwt", "vct": "urn:example:diploma", "scope": "diploma",
        "display": [{"name": "Diploma", "locale": "en"}], "valid_days": 30,
        "claims": [{"path": ["given_name"], "mandatory": true, "value": "text"}],
    });
    let diploma: CredentialConfiguration =
        serde_json::from_value(diploma).expect("a configuration");
    let identifier = IssuerUrl::parse(&url, Transport::DevelopmentLoopback).expect("an identifier");
    let policy = IssuancePolicy::default();
    let configuration =
        IssuerConfiguration::new(identifier, Vec::new(), vec![badge, diploma], policy)
            .expect("data");
    let Leaf { chain, key } = leaf(ca, "Alder & Finch");
    let signer = SoftwareSigner::new(crypto.as_ref(), &key).expect("a signer");
    let key =
        IssuingKey { signer: Arc::new(signer), name: IssuerName::Certificate { chain, iss: None } };
    let issuer = Issuer::new(configuration, key, NonceKey::new([3; 32]), crypto.clone());
    let login = rules.is_some().then(|| LoginSettings {
        issuer_name: "Alder & Finch".to_owned(),
        ways: LoginWays::Passwords(Arc::new(Directory)),
        claims: Arc::new(Directory),
        consent: Consent::DangerAlways(HolderId::new("ada")),
    });
    let issuer = match rules {
        Some(rules) => issuer.with_authorization(rules),
        None => issuer,
    };
    let (_, shutdown) = tokio::sync::watch::channel(false);
    IssuerService::new(IssuerSettings {
        base_url: Url::parse(BASE).expect("a URL"),
        tenants: vec![lanyard_issuer::TenantSettings {
            status_lists: None,
            login,
            vc_api: None,
            tenant: tenant.clone(),
            issuer,
            data_key: lanyard_issuer::DataKey::new([4; 32]),
            api_keys: Vec::new(),
        }],
        store: store(),
        provider: crypto.clone(),
        clock: Arc::new(now.clone()),
        shutdown,
        retention: SignedDuration::from_hours(1),
    })
    .expect("an issuer")
}

fn verifier(
    ca: &TestCa,
    trust: IssuerTrust,
    tenant: &TenantId,
    now: &Now,
    crypto: &Arc<dyn CryptoProvider>,
) -> VerifierService {
    let Leaf { chain, key } = leaf(ca, "Front desk");
    let signer = SoftwareSigner::new(crypto.as_ref(), &key).expect("a signer");
    let (_, shutdown) = tokio::sync::watch::channel(false);
    VerifierService::new(VerifierSettings {
        base_url: Url::parse(BASE).expect("a URL"),
        tenants: vec![lanyard_verifier::TenantSettings {
            tenant: tenant.clone(),
            signer: RequestSigner::certified(Arc::new(signer), chain),
            dns_name: Some("localhost".to_owned()),
            trust: trust.into(),
            policy: Policy::default(),
            policies: PolicySet::new(),
            sources: lanyard_verifier::Sources::default(),
            data_key: lanyard_verifier::DataKey::new([5; 32]),
            api_keys: Vec::new(),
            presets: Vec::new(),
            return_origins: Vec::new(),
            web_origins: Vec::new(),
            other_names: OtherNames::default(),
            sign_in_clients: Vec::new(),
            vc_api: None,
        }],
        store: store(),
        provider: crypto.clone(),
        clock: Arc::new(now.clone()),
        shutdown,
        retention: SignedDuration::from_hours(24),
    })
    .expect("a verifier")
}

fn store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}
