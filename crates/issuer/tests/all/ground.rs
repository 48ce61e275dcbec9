//! What replicas of an issuer share: two tenants with their keys and types, a store, a clock that tests turn.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, Curve, RustCrypto, Signer, SoftwareSigner},
    did::Did,
    jose::Jwk,
    trust::x509::TrustAnchors,
    trust::{IssuerIdentifier, IssuerKeySource, IssuerKeys, IssuerTrust},
};
use lanyard_issuer::{
    ApiKey, ApiKeyDigest, AskedHolder, ClaimSource, Clock, Consent, DataKey, IssuerSettings,
    LiveLists, LoginSettings, LoginUnavailable, LoginWays, Logins, PlaceKey, StatusListSettings,
    StatusLists, TenantSettings, VcApiKeys,
};
use lanyard_oid4vci::{
    CredentialConfigurationId, IssuerUrl, Transport,
    configuration::{IssuancePolicy, IssuerConfiguration},
    encryption::{EncryptionRule, IssuerEncryption},
    issuer::{
        AuthorizationRules, FoundClaims, HolderId, Issuer, IssuerName, IssuingKey, StatusAllocator,
    },
    nonce::NonceKey,
};
use lanyard_service::{Scope, Scopes};
use lanyard_store::{Store, TenantId};
use lanyard_testkit::{LeafOptions, TestCa, test_now};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::fixture::object;

pub(crate) const BASE: &str = "https://issuer.example/";
pub(crate) const KEY: &str = "key-of-demo";
pub(crate) const OTHER_KEY: &str = "key-of-other";
/// Good for `offers:read` in `demo`, and for nothing else.
pub(crate) const READER_KEY: &str = "key-that-reads";
/// The authorization server of somebody else.
pub(crate) const ELSEWHERE: &str = "https://as.acme.example/realm";

/// A clock that tests turn.
#[derive(Debug)]
pub(crate) struct TestClock(Mutex<Timestamp>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no test panics while it holds the clock")
    }
}

/// Parts that a second replica shares.
pub(crate) struct Ground {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<TestClock>,
    provider: Arc<dyn CryptoProvider>,
    authority: TestCa,
    has_statuses: bool,
    /// How many bytes of status lists each replica keeps in memory.
    list_bytes: usize,
    rules: Option<AuthorizationRules>,
    consent: Consent,
    /// Where holders log in, if not by the passwords of the directory.
    ways: Option<LoginWays>,
    /// Where claims come from, if not from the directory.
    claims: Option<Arc<dyn ClaimSource>>,
    is_named_by_did: bool,
    encryption: Option<EncryptionRule>,
    /// When the store was restored, if it was.
    restored_at: Option<Timestamp>,
}

impl Ground {
    pub(crate) fn new(store: Arc<dyn Store>, has_statuses: bool) -> Arc<Self> {
        Arc::new(Self {
            has_statuses,
            list_bytes: 64 << 20,
            rules: None,
            consent: Consent::Ask,
            ways: None,
            claims: None,
            is_named_by_did: false,
            encryption: None,
            restored_at: None,
            store,
            clock: Arc::new(TestClock(Mutex::new(test_now()))),
            provider: Arc::new(RustCrypto),
            authority: TestCa::new("Example authority"),
        })
    }

    /// The same, where holders log in under these rules.
    pub(crate) fn where_holders_log_in(
        store: Arc<dyn Store>,
        rules: impl FnOnce(&TestCa) -> AuthorizationRules,
        consent: Consent,
    ) -> Arc<Self> {
        let mut ground = Self::new(store, false);
        if let Some(own) = Arc::get_mut(&mut ground) {
            own.rules = Some(rules(&own.authority));
            own.consent = consent;
        }
        ground
    }

    /// The same, where the issuers are DIDs.
    pub(crate) fn named_by_did(self: Arc<Self>) -> Arc<Self> {
        let ground = Arc::into_inner(self).expect("nobody else has it yet");
        Arc::new(Self { is_named_by_did: true, ..ground })
    }

    /// The same, where so many bytes of status lists are kept in memory.
    pub(crate) fn keeping_lists_within(self: Arc<Self>, list_bytes: usize) -> Arc<Self> {
        let ground = Arc::into_inner(self).expect("nobody else has it yet");
        Arc::new(Self { list_bytes, ..ground })
    }

    /// The same, where answers may or must be encrypted.
    pub(crate) fn encrypting(self: Arc<Self>, rule: EncryptionRule) -> Arc<Self> {
        let ground = Arc::into_inner(self).expect("nobody else has it yet");
        Arc::new(Self { encryption: Some(rule), ..ground })
    }

    /// The same, where they log in and their claims come from elsewhere.
    pub(crate) fn with_login(
        self: Arc<Self>,
        ways: Option<LoginWays>,
        claims: Option<Arc<dyn ClaimSource>>,
    ) -> Arc<Self> {
        let ground = Arc::into_inner(self).expect("nobody else has it yet");
        Arc::new(Self { ways, claims, ..ground })
    }

    /// As it is after a restore at this moment.
    pub(crate) fn restored_now(self: Arc<Self>) -> Arc<Self> {
        let ground = Arc::into_inner(self).expect("nobody else has it yet");
        Arc::new(Self { restored_at: Some(ground.now()), ..ground })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn pass(&self, time: SignedDuration) {
        let mut now = self.clock.0.lock().expect("no test panics while it holds the clock");
        *now += time;
    }

    /// A wallet's trust: the authority behind both tenants.
    pub(crate) fn trust(&self) -> IssuerKeys {
        let anchors =
            TrustAnchors::from_der([self.authority.anchor_der()]).expect("the CA is an anchor");
        IssuerKeys::new(IssuerTrust::certificates(anchors), Arc::clone(&self.provider))
    }

    /// A wallet's trust: the authority, or an issuer that is a DID.
    pub(crate) fn trust_of(&self, issuer: Option<&IssuerIdentifier>) -> IssuerKeys {
        match issuer.and_then(|issuer| Did::parse(issuer.as_str()).ok()) {
            Some(did) => {
                let trust = IssuerTrust::new().with(IssuerKeySource::Did(did));
                IssuerKeys::new(trust, Arc::clone(&self.provider))
            }
            None => self.trust(),
        }
    }

    pub(crate) fn key(&self) -> Arc<dyn Signer> {
        let key = self.provider.generate_key(Curve::P256).expect("the provider makes keys");
        Arc::new(SoftwareSigner::new(&*self.provider, &key).expect("a fresh key is whole"))
    }

    /// Two issuers that are DIDs, one for each curve.
    fn vc_api(&self) -> Option<VcApiKeys> {
        let key = |curve| {
            let key = self.provider.generate_key(curve).expect("the provider makes keys");
            let did = Did::from_key(key.public());
            let fragment = did.as_str().rsplit(':').next().expect("a DID has an identifier");
            let iss = IssuerIdentifier::parse(did.as_str()).expect("a DID is an identifier");
            let name = IssuerName::Identifier { iss, key_id: Some(format!("{did}#{fragment}")) };
            let signer = SoftwareSigner::new(&*self.provider, &key).expect("a fresh key is whole");
            IssuingKey { signer: Arc::new(signer), name }
        };
        let keys = || VcApiKeys::new([Curve::Ed25519, Curve::P256].map(key));
        self.is_named_by_did.then(keys)
    }

    /// The status lists of a tenant, as one more replica allocates from them.
    pub(crate) fn status_lists(&self, name: &str) -> StatusLists {
        let name_of_key = IssuerName::Certificate { chain: Vec::new(), iss: None };
        let key = IssuingKey { signer: self.key(), name: name_of_key };
        StatusLists::new(self.list_settings((name, 1), key, &self.live_lists()))
    }

    fn live_lists(&self) -> Arc<LiveLists> {
        Arc::new(LiveLists::within(self.list_bytes))
    }

    fn list_settings(
        &self,
        (name, secret): (&str, u8),
        signing: IssuingKey,
        live: &Arc<LiveLists>,
    ) -> StatusListSettings {
        StatusListSettings {
            tenant: tenant(name),
            issuer: format!("{BASE}{name}"),
            key: PlaceKey::new([secret; 32]),
            w3c_signing: signing.clone(),
            signing,
            ttl: SignedDuration::from_secs(300),
            live: Arc::clone(live),
            store: Arc::clone(&self.store),
            provider: Arc::clone(&self.provider),
        }
    }

    /// Whether holders log in at the authorization server of somebody else.
    fn is_elsewhere(&self) -> bool {
        matches!(self.ways, Some(LoginWays::Elsewhere(_)))
    }

    /// A key that is good for everything, and in `demo` one that may only read offers.
    fn api_keys(&self, api_key: &str) -> Vec<ApiKey> {
        let key = |text: &str, scopes| ApiKey::new(ApiKeyDigest::of(text, &*self.provider), scopes);
        let reader = [Scope::OffersRead].into_iter().collect();
        let all = [key(api_key, Scopes::EVERY), key(READER_KEY, reader)];
        all.into_iter().take(if api_key == KEY { 2 } else { 1 }).collect()
    }

    fn tenant(
        &self,
        (name, secret): (&str, u8),
        api_key: &str,
        live: &Arc<LiveLists>,
    ) -> TenantSettings {
        let url = format!("{BASE}{name}");
        let url = IssuerUrl::parse(&url, Transport::Https).expect("the fixture is an identifier");
        let credentials = serde_json::from_value(configurations(name)).expect("the fixture parses");
        let policy = IssuancePolicy::default();
        let configuration = IssuerConfiguration::new(url, Vec::new(), credentials, policy)
            .expect("the fixture is consistent");
        let configuration = if self.is_elsewhere() {
            let server = IssuerUrl::parse(ELSEWHERE, Transport::Https);
            configuration.with_authorization_server(server.expect("the fixture is an identifier"))
        } else {
            configuration
        };
        let leaf = self.authority.leaf(&LeafOptions::named(name).dns("issuer.example"));
        let signer = SoftwareSigner::new(&*self.provider, &leaf.key).expect("the key is whole");
        let did = Did::from_jwk(&Jwk::new(*leaf.key.public()));
        let name_of_key = if self.is_named_by_did {
            let iss = IssuerIdentifier::parse(did.as_str()).expect("a DID is an identifier");
            IssuerName::Identifier { iss, key_id: Some(format!("{did}#0")) }
        } else {
            IssuerName::Certificate { chain: leaf.chain, iss: None }
        };
        let key = IssuingKey { signer: Arc::new(signer), name: name_of_key };
        let lists = || self.list_settings((name, secret), key.clone(), live);
        let lists = || Arc::new(StatusLists::new(lists()));
        let status_lists = self.has_statuses.then(lists);
        let nonces = NonceKey::new([secret; 32]);
        let issuer = Issuer::new(configuration, key, nonces, Arc::clone(&self.provider))
            .remembering_since(self.restored_at);
        let issuer = match &self.rules {
            Some(rules) => issuer.with_authorization(rules.clone()),
            None => issuer,
        };
        let issuer = match self.encryption {
            Some(rule) => {
                let key = self.provider.generate_key(Curve::P256).expect("the provider makes keys");
                issuer.with_encryption(IssuerEncryption::new(key, rule, &*self.provider))
            }
            None => issuer,
        };
        TenantSettings {
            tenant: tenant(name),
            issuer: match &status_lists {
                Some(lists) => issuer.with_statuses(Arc::clone(lists) as Arc<dyn StatusAllocator>),
                None => issuer,
            },
            status_lists,
            login: (self.rules.is_some() || self.is_elsewhere()).then(|| LoginSettings {
                issuer_name: "Alder & Finch".to_owned(),
                ways: self
                    .ways
                    .clone()
                    .unwrap_or_else(|| LoginWays::Passwords(Arc::new(Directory))),
                claims: self.claims.clone().unwrap_or_else(|| Arc::new(Directory)),
                consent: self.consent.clone(),
            }),
            vc_api: self.vc_api(),
            data_key: data_key(name),
            api_keys: self.api_keys(api_key),
        }
    }

    pub(crate) fn settings(&self, shutdown: watch::Receiver<bool>) -> IssuerSettings {
        let live = self.live_lists();
        let demo = self.tenant(("demo", 1), KEY, &live);
        let other = self.tenant(("other", 2), OTHER_KEY, &live);
        IssuerSettings {
            base_url: BASE.parse().expect("the fixture is a URL"),
            tenants: vec![demo, other],
            store: Arc::clone(&self.store),
            provider: Arc::clone(&self.provider),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            shutdown,
            retention: SignedDuration::from_hours(1),
        }
    }
}

/// Ada, whose password is that of a countess, Cleo, who has a badge only, and Bob, for whom there is nothing.
#[derive(Debug)]
pub(crate) struct Directory;

#[async_trait]
impl Logins for Directory {
    async fn log_in(
        &self,
        name: &str,
        password: &str,
    ) -> Result<Option<HolderId>, LoginUnavailable> {
        let known = [("ada", "lovelace"), ("bob", "builder")].contains(&(name, password));
        Ok(known.then(|| HolderId::new(name)))
    }
}

#[async_trait]
impl ClaimSource for Directory {
    async fn claims(
        &self,
        holder: AskedHolder<'_>,
        configuration: &CredentialConfigurationId,
    ) -> Result<Option<FoundClaims>, LoginUnavailable> {
        Ok(match (holder.id.as_str(), configuration.as_str()) {
            ("ada" | "cleo", "employee_badge") => {
                Some(FoundClaims::Lasting(object(badge_claims())))
            }
            ("ada", "diploma") => Some(FoundClaims::Lasting(object(json!({ "degree": "MSc" })))),
            _ => None,
        })
    }
}

/// The key that the waiting sessions of a tenant are sealed under.
pub(crate) fn data_key(tenant: &str) -> DataKey {
    DataKey::new(if tenant == "demo" { [1; 32] } else { [2; 32] })
}

pub(crate) fn tenant(name: &str) -> TenantId {
    name.parse().expect("the fixture is a tenant name")
}

pub(crate) fn badge_claims() -> Value {
    json!({ "given_name": "Ada", "employee_id": "AF-1", "since": "2019-03-01", "manager": false })
}

/// Too long for metadata, and with something in it that nobody should run.
fn long_logo() -> Value {
    let drawing = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' onload='steal()'><desc>{}</desc></svg>",
        "a leaf ".repeat(700)
    );
    json!({ "uri": format!("data:image/svg+xml,{drawing}"), "alt_text": "A leaf" })
}

fn configurations(tenant: &str) -> Value {
    json!([
        {
            "id": "employee_badge", "format": "dc+sd-jwt", "scope": "employee_badge",
            "vct": "urn:example:employee-badge:1", "valid_days": 30,
            "claims": [
                { "path": ["given_name"], "mandatory": true, "value": "text" },
                { "path": ["employee_id"], "disclosure": "always", "value": "text" },
                { "path": ["since"], "value": "date" },
                { "path": ["manager"], "value": "boolean" },
            ],
        },
        {
            "id": "diploma", "format": "dc+sd-jwt", "scope": "diploma",
            "vct": format!("{BASE}{tenant}/types/diploma"), "valid_days": 3650,
            "display": [
                { "name": "Diploma", "locale": "en", "logo": long_logo() },
                { "name": "Diplom", "locale": "de", "logo": long_logo() },
            ],
            "claims": [{ "path": ["degree"], "mandatory": true }],
        },
    ])
}
