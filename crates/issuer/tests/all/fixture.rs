//! Two tenants behind one router, and a wallet that can be told to do wrong.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, Curve, RustCrypto, Signer, SoftwareSigner},
    did::Did,
    jose::{self, Jwk},
    json::Object,
    trust::x509::TrustAnchors,
    trust::{IssuerIdentifier, IssuerKeySource, IssuerKeys, IssuerTrust},
};
use lanyard_issuer::{
    ApiKey, ApiKeyDigest, AskedHolder, ClaimSource, Clock, Consent, DataKey, IssuerService,
    IssuerSettings, LoginSettings, LoginUnavailable, LoginWays, Logins, PlaceKey,
    StatusListSettings, StatusLists, TenantSettings, VcApiKeys, not_found,
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
use lanyard_store::{MemoryStore, SessionId, Store, TenantId};
use lanyard_testkit::{LeafOptions, TestCa, test_now};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt as _;

pub(crate) const BASE: &str = "https://issuer.example/";
pub(crate) const KEY: &str = "key-of-demo";
pub(crate) const OTHER_KEY: &str = "key-of-other";
/// Good for `offers:read` in `demo`, and for nothing else.
pub(crate) const READER_KEY: &str = "key-that-reads";
pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

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

pub(crate) struct Server {
    pub(crate) service: IssuerService,
    pub(crate) ground: Arc<Ground>,
    pub(crate) shutdown: watch::Sender<bool>,
    router: Router,
}

/// A reply, read to its end.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// An offer, as the wallet has it.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) code: String,
    pub(crate) tx_code: Option<String>,
}

/// Ada, whose password is that of a countess, and Bob, for whom there is nothing.
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
            ("ada", "employee_badge") => Some(FoundClaims::Lasting(object(badge_claims()))),
            ("ada", "diploma") => Some(FoundClaims::Lasting(object(json!({ "degree": "MSc" })))),
            _ => None,
        })
    }
}

impl Ground {
    pub(crate) fn new(store: Arc<dyn Store>, has_statuses: bool) -> Arc<Self> {
        Arc::new(Self {
            has_statuses,
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
        StatusLists::new(self.list_settings(name, 1, key))
    }

    fn list_settings(&self, name: &str, secret: u8, signing: IssuingKey) -> StatusListSettings {
        StatusListSettings {
            tenant: tenant(name),
            issuer: format!("{BASE}{name}"),
            key: PlaceKey::new([secret; 32]),
            w3c_signing: signing.clone(),
            signing,
            ttl: SignedDuration::from_secs(300),
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

    fn tenant(&self, name: &str, api_key: &str, secret: u8) -> TenantSettings {
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
        let lists = || Arc::new(StatusLists::new(self.list_settings(name, secret, key.clone())));
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
        IssuerSettings {
            base_url: BASE.parse().expect("the fixture is a URL"),
            tenants: vec![self.tenant("demo", KEY, 1), self.tenant("other", OTHER_KEY, 2)],
            store: Arc::clone(&self.store),
            provider: Arc::clone(&self.provider),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            shutdown,
            retention: SignedDuration::from_hours(1),
        }
    }
}

impl Server {
    pub(crate) fn new() -> Self {
        Self::with_store(Arc::new(MemoryStore::new()))
    }

    pub(crate) fn with_store(store: Arc<dyn Store>) -> Self {
        Self::on(Ground::new(store, false))
    }

    /// A server that encrypts.
    pub(crate) fn with_encryption(rule: EncryptionRule) -> Self {
        let ground = Ground::new(Arc::new(MemoryStore::new()), false);
        let ground = Arc::into_inner(ground).expect("nobody else has it yet");
        Self::on(Arc::new(Ground { encryption: Some(rule), ..ground }))
    }

    /// A server whose credentials have a status.
    pub(crate) fn with_statuses() -> Self {
        Self::with_statuses_in(Arc::new(MemoryStore::new()))
    }

    pub(crate) fn with_statuses_in(store: Arc<dyn Store>) -> Self {
        Self::on(Ground::new(store, true))
    }

    /// A server whose credentials have a status, and whose issuers are DIDs.
    pub(crate) fn with_statuses_by_did() -> Self {
        let ground = Ground::new(Arc::new(MemoryStore::new()), true);
        let ground = Arc::into_inner(ground).expect("nobody else has it yet");
        Self::on(Arc::new(Ground { is_named_by_did: true, ..ground }))
    }

    /// One more replica on the same ground.
    pub(crate) fn on(ground: Arc<Ground>) -> Self {
        let (shutdown, stopping) = watch::channel(false);
        let service = IssuerService::new(ground.settings(stopping)).expect("settings are right");
        let router = service.router().fallback(|| async { not_found() });
        Self { service, ground, shutdown, router }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let sent = self.router.clone().oneshot(request).await;
        let (parts, body) = sent.expect("a router never fails").into_parts();
        let body = body.collect().await.expect("bodies are in memory").to_bytes().to_vec();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    /// A response whose body goes on.
    pub(crate) async fn open(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.expect("a router never fails")
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.send(request(Method::GET, path).body(Body::empty()).expect("a request")).await
    }

    pub(crate) async fn api(&self, method: Method, path: &str, body: &Value) -> Reply {
        self.send(api_request(method, path, KEY, body)).await
    }

    pub(crate) async fn make_offer(&self, body: &Value) -> Reply {
        self.api(Method::POST, "/api/demo/offers", body).await
    }

    /// A badge on offer.
    pub(crate) async fn offer(&self) -> Offer {
        self.offer_of(&json!({ "configuration": "employee_badge", "claims": badge_claims() })).await
    }

    pub(crate) async fn offer_with_tx_code(&self) -> Offer {
        let (name, claims) = ("employee_badge", badge_claims());
        self.offer_of(&json!({ "configuration": name, "claims": claims, "tx_code": true })).await
    }

    pub(crate) async fn offer_of_two(&self) -> Offer {
        self.offer_of(&json!({ "credentials": [
            { "configuration": "employee_badge", "claims": badge_claims() },
            { "configuration": "diploma", "claims": { "degree": "MSc" } },
        ]}))
        .await
    }

    pub(crate) async fn offer_of(&self, body: &Value) -> Offer {
        let created = self.make_offer(body).await;
        assert_eq!(created.status, StatusCode::CREATED, "{created}");
        self.read_offer(&created.json()).await
    }

    async fn read_offer(&self, created: &Value) -> Offer {
        let uri = text(&created["offer_uri"]);
        let path = uri.strip_prefix("https://issuer.example").expect("our own URL").to_owned();
        let offer = self.get(&path).await.json();
        Offer {
            id: text(&created["id"]),
            path,
            code: text(&offer["grants"][GRANT]["pre-authorized_code"]),
            tx_code: created["tx_code"].as_str().map(str::to_owned),
        }
    }

    /// Takes what was offered, and gives the name of the credential.
    pub(crate) async fn taken(&self, created: &Value) -> String {
        let offer = self.read_offer(created).await;
        let token = self.access_to(&offer).await;
        self.finish(&token).await;
        text(&self.status(&offer).await["credentials"][0]["id"])
    }

    pub(crate) async fn redeem(&self, offer: &Offer) -> Reply {
        self.redeem_with(offer, offer.tx_code.as_deref()).await
    }

    pub(crate) async fn redeem_with(&self, offer: &Offer, tx_code: Option<&str>) -> Reply {
        let mut form = format!("grant_type={GRANT}&pre-authorized_code={}", offer.code);
        if let Some(tx_code) = tx_code {
            form = format!("{form}&tx_code={tx_code}");
        }
        self.token(&form).await
    }

    pub(crate) async fn token(&self, form: &str) -> Reply {
        self.send(token_request("/demo/token", form)).await
    }

    /// An access token for a badge.
    pub(crate) async fn access(&self) -> (Offer, String) {
        let offer = self.offer().await;
        let token = self.access_to(&offer).await;
        (offer, token)
    }

    pub(crate) async fn access_to(&self, offer: &Offer) -> String {
        let reply = self.redeem(offer).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply}");
        text(&reply.json()["access_token"])
    }

    pub(crate) async fn nonce(&self) -> String {
        self.nonce_of("demo").await
    }

    pub(crate) async fn nonce_of(&self, tenant: &str) -> String {
        let path = format!("/{tenant}/nonce");
        let request = request(Method::POST, &path).body(Body::empty()).expect("a request");
        text(&self.send(request).await.json()["c_nonce"])
    }

    /// The header and claims of a good proof, to be broken one at a time.
    pub(crate) async fn proof_parts(&self, key: &dyn Signer) -> (Object, Object) {
        let header = json!({
            "typ": "openid4vci-proof+jwt", "jwk": Jwk::new(*key.public_key()).to_value(),
        });
        let claims = json!({
            "aud": "https://issuer.example/demo", "iat": self.ground.now().as_second(),
            "nonce": self.nonce().await,
        });
        (object(header), object(claims))
    }

    pub(crate) async fn proof(&self) -> String {
        let key = self.ground.key();
        let (header, claims) = self.proof_parts(&*key).await;
        sign(header, claims, &*key).await
    }

    pub(crate) async fn badge_request(&self) -> Value {
        let proof = self.proof().await;
        json!({ "credential_configuration_id": "employee_badge", "proofs": { "jwt": [proof] } })
    }

    pub(crate) async fn credential(&self, token: &str, body: &Value) -> Reply {
        self.send(credential_request("/demo/credential", token, body)).await
    }

    /// Gets the badge that is still due, and so shows that nothing was lost.
    pub(crate) async fn finish(&self, token: &str) {
        let reply = self.credential(token, &self.badge_request().await).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply}");
        assert_eq!(reply.json()["credentials"].as_array().map(Vec::len), Some(1));
    }

    pub(crate) async fn status(&self, offer: &Offer) -> Value {
        let path = format!("/api/demo/offers/{}", offer.id);
        let reply = self.api(Method::GET, &path, &Value::Null).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply}");
        reply.json()
    }

    /// The trail as `step` or `step: reason`.
    pub(crate) async fn trail(&self, offer: &Offer) -> Vec<String> {
        let status = self.status(offer).await;
        let line = |event: &Value| match event["reason"].as_str() {
            Some(reason) => format!("{}: {reason}", text(&event["step"])),
            None => text(&event["step"]),
        };
        status["trail"].as_array().expect("a trail").iter().map(line).collect()
    }
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Status and error code; also checks what every error has in common.
    pub(crate) fn refusal(&self) -> (u16, String) {
        assert_eq!(self.header(header::CONTENT_TYPE), Some("application/json"), "{self}");
        assert_eq!(self.header(header::CACHE_CONTROL), Some("no-store"), "{self}");
        let body = self.json();
        let members: Vec<_> = body.as_object().expect("an object").keys().collect();
        assert_eq!(members, ["error", "error_description"], "{self}");
        let description = text(&body["error_description"]);
        assert!(
            description.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && !b"\"\\".contains(&byte)),
            "{self}"
        );
        (self.status.as_u16(), text(&body["error"]))
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.status, String::from_utf8_lossy(&self.body))
    }
}

pub(crate) fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

pub(crate) fn request(method: Method, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path)
}

pub(crate) fn token_request(path: &str, form: &str) -> Request<Body> {
    request(Method::POST, path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(form.to_owned()))
        .expect("a request")
}

pub(crate) fn credential_request(path: &str, token: &str, body: &Value) -> Request<Body> {
    request(Method::POST, path)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request")
}

pub(crate) fn api_request(method: Method, path: &str, key: &str, body: &Value) -> Request<Body> {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    request(method, path)
        .header(header::AUTHORIZATION, format!("Bearer {key}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(body)
        .expect("a request")
}

pub(crate) async fn sign(header: Object, claims: Object, key: &dyn Signer) -> String {
    jose::sign(header, &claims, key).await.expect("a software key always signs")
}

/// The key that the waiting sessions of a tenant are sealed under.
pub(crate) fn data_key(tenant: &str) -> DataKey {
    DataKey::new(if tenant == "demo" { [1; 32] } else { [2; 32] })
}

pub(crate) fn tenant(name: &str) -> TenantId {
    name.parse().expect("the fixture is a tenant name")
}

pub(crate) fn session(offer: &Offer) -> SessionId {
    offer.id.parse().expect("the API gives session names")
}

pub(crate) fn badge_claims() -> Value {
    json!({ "given_name": "Ada", "employee_id": "AF-1", "since": "2019-03-01", "manager": false })
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("the value is a text").to_owned()
}

pub(crate) fn object(value: Value) -> Object {
    serde_json::from_value(value).expect("the fixture is an object")
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
                { "name": "Diploma", "locale": "en" }, { "name": "Diplom", "locale": "de" },
            ],
            "claims": [{ "path": ["degree"], "mandatory": true }],
        },
    ])
}
