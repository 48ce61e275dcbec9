//! A verifier service with two tenants, an issuer, and a wallet that does as it is told.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::{Router, body::Body};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    claims::Claims,
    credential::{Format, HeldCredential, Validity},
    crypto::{CryptoProvider, Curve, HashAlgorithm, PrivateKey, RustCrypto, SoftwareSigner},
    jose::{self, Jwk},
    json::Object,
    mdoc::SessionTranscript,
    sd_jwt_vc::{KeyBinding, SdJwtVcDraft, Vct},
    status::StatusReference,
    trust::IssuerTrust,
    trust::x509::TrustAnchors,
    verify::{Policy, PolicySet},
};
use lanyard_oid4vp::{
    dc_api::Origin,
    dcql::{CredentialView, DcqlQuery},
    request::{Transport, object::RequestSigner},
    response::AuthorizationResponse,
    wallet::{
        Approved, Attester, Binding, KnownVerifiers, PresentError, PresentWith, Presenter, Read,
        RegisteredVerifier, ReviewedRequest, WalletSide, present,
    },
};
use lanyard_service::Scope;
use lanyard_store::{SessionId, Store, TenantId};
use lanyard_testkit::{Leaf, LeafOptions, Mint, SeededRandom, TestCa, store, test_now};
use lanyard_verifier::{
    ApiKey, ApiKeyDigest, Clock, DataKey, OtherNames, Preset, Registered, RequestPolicy,
    SignInClient, Sources, TenantSettings, VcApiTrust, VerifierService, VerifierSettings,
};
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt as _;
use url::Url;

pub(crate) const HOST: &str = "verifier.example";
pub(crate) const KEY: &str = "lk_demo_0123456789";
pub(crate) const OTHER_KEY: &str = "lk_other_9876543210";
/// The secret of the application `intranet`.
pub(crate) const CLIENT_SECRET: &str = "a secret / with + signs";
/// What wallets registered the verifier as.
pub(crate) const CLIENT: &str = "the-shop";
/// The page that asks through the browser, and an app of the same shop.
pub(crate) const SHOP: &str = "https://shop.example";
pub(crate) const APP: &str = "android:apk-key-hash:c2hvcA";
pub(crate) const BADGE: &str = "urn:example:badge";
pub(crate) const RETENTION: SignedDuration = SignedDuration::from_hours(24);

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub(crate) struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub(crate) fn forward(&self, by: SignedDuration) {
        let mut now = self.0.lock().expect("no test panics while it holds this lock");
        *now += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().expect("no test panics while it holds this lock")
    }
}

pub(crate) struct World {
    pub(crate) service: VerifierService,
    pub(crate) router: Router,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) shutdown: watch::Sender<bool>,
    issuer: Leaf,
    /// Issues in every format, and is believed.
    pub(crate) mint: Mint,
    anchors: TrustAnchors,
    attester: Jwk,
    verifier_key: Jwk,
    verifier_private_key: PrivateKey,
    pub(crate) holder: PrivateKey,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).expect("the body is text")
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a header is text"))
    }

    /// Status and `error` together, for one comparison.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let error = self.json()["error"].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), error)
    }
}

/// A request that was created.
pub(crate) struct Asked {
    pub(crate) id: String,
    pub(crate) link: Url,
}

impl Asked {
    /// A parameter of the link.
    pub(crate) fn parameter(&self, name: &str) -> String {
        let mut pairs = self.link.query_pairs();
        pairs.find(|(found, _)| found == name).expect("the link has it").1.into_owned()
    }

    /// The path of the request object.
    pub(crate) fn request_path(&self) -> String {
        Url::parse(&self.parameter("request_uri")).expect("a URL").path().to_owned()
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_store(store())
    }

    pub(crate) fn with_store(store: Arc<dyn Store>) -> Self {
        Self::with(store, None, Sources::default())
    }

    /// A verifier that asks these.
    pub(crate) fn with_sources(sources: Sources) -> Self {
        Self::with(store(), None, sources)
    }

    /// A verifier with the routes of the VC API.
    pub(crate) fn with_vc_api(trust: VcApiTrust) -> Self {
        Self::with(store(), Some(trust), Sources::default())
    }

    fn with(store: Arc<dyn Store>, vc_api: Option<VcApiTrust>, sources: Sources) -> Self {
        let issuer_ca = TestCa::new("Issuers");
        let verifier_ca = TestCa::new("Verifiers");
        let issuer = issuer_ca.leaf(&LeafOptions::named("Acme").dns("issuer.example"));
        let leaf = verifier_ca.leaf(&LeafOptions::named("The Shop").dns(HOST));
        let trusted = TrustAnchors::from_der([issuer_ca.anchor_der()]).expect("an anchor");
        let mint = Mint::new(Arc::new(RustCrypto));
        let trust = IssuerTrust::certificates(trusted).and(mint.trust());
        let attester = RustCrypto.generate_key(Curve::P256).expect("a key");
        let attestation = attestation(&attester, &leaf.key);
        let other_names = OtherNames {
            did: None,
            attestation: Some(attestation),
            registered: Some(Registered { client_id: CLIENT.to_owned(), key_id: None }),
        };
        let tenant = |name: &str, key: &str, data_key| TenantSettings {
            tenant: name.parse().expect("a name"),
            signer: RequestSigner::certified(Arc::new(signer(&leaf.key)), leaf.chain.clone()),
            dns_name: Some(HOST.to_owned()),
            trust: trust.clone().into(),
            policy: Policy::default(),
            policies: PolicySet::new(),
            sources: sources.clone(),
            data_key: DataKey::new(data_key),
            api_keys: vec![
                ApiKeyDigest::of(key, &RustCrypto).into(),
                ApiKey::new(
                    ApiKeyDigest::of(&format!("{key}-asks"), &RustCrypto),
                    [Scope::RequestsWrite].into_iter().collect(),
                ),
            ],
            presets: vec![Preset {
                id: "badge".to_owned(),
                version: 1,
                title: "A colleague".to_owned(),
                purpose: "To let you in".to_owned(),
                query: DcqlQuery::from_value(&badge_query(&["name"])).expect("a query"),
                policy: RequestPolicy::default(),
            }],
            return_origins: vec![Url::parse("https://shop.example").expect("a URL")],
            web_origins: vec![origin(SHOP), origin(APP)],
            other_names: other_names.clone(),
            sign_in_clients: sign_in_clients(),
            vc_api,
        };
        let clock = Arc::new(TestClock(Mutex::new(test_now())));
        let (shutdown, stops) = watch::channel(false);
        let service = VerifierService::new(VerifierSettings {
            base_url: Url::parse(&format!("https://{HOST}")).expect("a URL"),
            tenants: vec![tenant("demo", KEY, [1; 32]), tenant("other", OTHER_KEY, [2; 32])],
            store,
            provider: Arc::new(RustCrypto),
            clock: clock.clone(),
            shutdown: stops,
            retention: RETENTION,
        });
        let service = service.expect("settings that keep every rule");
        Self {
            router: service.router(),
            service,
            clock,
            shutdown,
            issuer,
            mint,
            anchors: TrustAnchors::from_der([verifier_ca.anchor_der()]).expect("an anchor"),
            attester: Jwk::new(*attester.public()),
            verifier_key: Jwk::new(*leaf.key.public()),
            verifier_private_key: leaf.key.clone(),
            holder: RustCrypto.generate_key(Curve::P256).expect("a key"),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let Ok(response) = self.router.clone().oneshot(request).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn api(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/demo/{path}"))
            .header(header::AUTHORIZATION, format!("Bearer {KEY}"))
            .header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(body).expect("a request")).await
    }

    /// Asks, as an integrator.
    pub(crate) async fn ask(&self, body: Value) -> Asked {
        let answer = self.api(Method::POST, "requests", Some(body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        let created = answer.json();
        let text = |name: &str| created[name].as_str().expect("a text").to_owned();
        Asked { id: text("id"), link: Url::parse(&text("link")).expect("a link") }
    }

    /// Asks for the name on a badge.
    pub(crate) async fn ask_for_name(&self) -> Asked {
        self.ask(json!({ "dcql_query": badge_query(&["name"]) })).await
    }

    pub(crate) async fn status(&self, asked: &Asked) -> Value {
        let answer = self.api(Method::GET, &format!("requests/{}", asked.id), None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }

    pub(crate) async fn post_form(&self, path: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into());
        self.send(request.expect("a request")).await
    }

    /// Sends a response where it says it belongs.
    pub(crate) async fn post(&self, response: &AuthorizationResponse) -> Answer {
        self.post_form(response.response_uri.path(), response.body.clone()).await
    }

    pub(crate) fn wallet(&self) -> WalletSide {
        WalletSide {
            transport: Transport::HttpsOnly,
            anchors: self.anchors.clone(),
            provider: Arc::new(RustCrypto),
            known: KnownVerifiers::new().with_attester(Attester {
                issuer: "https://attester.example".to_owned(),
                keys: vec![self.attester.clone()],
            }),
        }
    }

    /// A wallet that registered the verifier, for where this request's response goes.
    pub(crate) fn wallet_that_knows(&self, response_uri: &str) -> WalletSide {
        let known = self.wallet().known.with_registered(RegisteredVerifier {
            client_id: CLIENT.parse().expect("a client identifier"),
            name: "The Shop we know".to_owned(),
            keys: vec![self.verifier_key.clone()],
            response_uris: vec![response_uri.to_owned()],
            metadata: None,
        });
        WalletSide { known, ..self.wallet() }
    }

    /// A wallet reads the link, fetching the request object as the link says.
    pub(crate) async fn review(&self, asked: &Asked) -> ReviewedRequest {
        self.review_by(&self.wallet(), asked).await
    }

    /// As [`World::review`], by another wallet.
    pub(crate) async fn review_by(&self, wallet: &WalletSide, asked: &Asked) -> ReviewedRequest {
        let read = wallet.read(asked.link.as_str(), self.now(), &SeededRandom::new(1)).await;
        let fetch = match read.expect("a link that keeps every rule") {
            Read::Reviewed(reviewed) => return *reviewed,
            Read::Fetch(fetch) => fetch,
        };
        let path = fetch.request_uri().path().to_owned();
        let answer = match fetch.form(wallet) {
            None => self.get(&path).await,
            Some(form) => self.post_form(&path, form).await,
        };
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/oauth-authz-req+jwt");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
        let reviewed = fetch.review(&answer.text(), wallet, self.now()).await;
        reviewed.expect("a request that keeps every rule")
    }

    /// Reads, consents and answers as an honest holder does, but sends nothing yet.
    pub(crate) async fn answer(&self, asked: &Asked) -> AuthorizationResponse {
        Holder::new(self).await.answer(asked).await
    }

    pub(crate) async fn badge(&self) -> HeldCredential {
        let validity = Validity::rounded_to_days(test_now(), SignedDuration::from_hours(24 * 365));
        self.issue(&self.issuer, BADGE, validity).await
    }

    /// The key that the verifier signs with.
    pub(crate) const fn verifier_private_key(&self) -> &PrivateKey {
        &self.verifier_private_key
    }

    /// The authorities that vouch for the verifier.
    pub(crate) const fn verifier_anchors(&self) -> &TrustAnchors {
        &self.anchors
    }

    pub(crate) fn trusted_issuer(&self) -> &Leaf {
        &self.issuer
    }

    pub(crate) async fn badge_with_status(&self, status: &StatusReference) -> HeldCredential {
        self.draft_and_sign(&self.issuer, BADGE, Validity::UNLIMITED, Some(status)).await
    }

    pub(crate) async fn issue(&self, by: &Leaf, vct: &str, validity: Validity) -> HeldCredential {
        self.draft_and_sign(by, vct, validity, None).await
    }

    async fn draft_and_sign(
        &self,
        by: &Leaf,
        vct: &str,
        validity: Validity,
        status: Option<&StatusReference>,
    ) -> HeldCredential {
        let claims = Claims::new()
            .selective("name", "Ada Lovelace")
            .selective("department", "Engines")
            .visible("site", "Sloane Street");
        let vct = Vct::parse(vct).expect("a type");
        let binding = KeyBinding::To(Jwk::new(*self.holder.public()));
        let mut draft =
            SdJwtVcDraft::new(&vct, None, claims, &binding, &validity).expect("a draft");
        if let Some(status) = status {
            draft = draft.with_status(status).expect("a status");
        }
        let issued = draft.with_x5c(&by.chain).sign(&signer(&by.key), &RustCrypto).await;
        let issued = issued.expect("a credential");
        HeldCredential::danger_hold_unverified(Format::SdJwtVc, issued.as_str(), &RustCrypto)
            .expect("what was issued can be held")
    }
}

/// An attestation about the verifier with this key, by somebody whom the wallet believes.
fn attestation(attester: &PrivateKey, verifier: &PrivateKey) -> String {
    let header = Object::from_iter([("typ".to_owned(), json!("verifier-attestation+jwt"))]);
    let claims = json!({
        "iss": "https://attester.example", "sub": "shop.example",
        "exp": test_now().as_second() + 3600,
        "cnf": { "jwk": Jwk::new(*verifier.public()).to_value() },
    });
    let attester = signer(attester);
    pollster(jose::sign(header, &claims, &attester)).expect("a signature")
}

/// An application with a secret, and one without, for which `sub` follows the name.
fn sign_in_clients() -> Vec<SignInClient> {
    let client = |id: &str| SignInClient {
        id: id.to_owned(),
        name: "The Intranet".to_owned(),
        secret_sha256: None,
        redirect_uris: vec!["https://intranet.example/back?here=1".to_owned()],
        presets: vec!["badge".to_owned()],
        subject: None,
    };
    let subject = json!({ "credential": "badge", "path": ["name"] });
    let digest = RustCrypto.hash(HashAlgorithm::Sha256, CLIENT_SECRET.as_bytes());
    vec![
        SignInClient { secret_sha256: digest.as_bytes().try_into().ok(), ..client("intranet") },
        SignInClient {
            subject: Some(serde_json::from_value(subject).expect("a subject")),
            ..client("app")
        },
    ]
}

/// Waits for what a key in memory does at once.
fn pollster<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(done) => done,
        std::task::Poll::Pending => unreachable!("a key in memory never waits"),
    }
}

fn origin(text: &str) -> Origin {
    Origin::parse(text, Transport::HttpsOnly).expect("an origin")
}

pub(crate) fn demo() -> TenantId {
    "demo".parse().expect("a name")
}

pub(crate) fn session(asked: &Asked) -> SessionId {
    asked.id.parse().expect("a session identifier")
}

pub(crate) fn signer(key: &PrivateKey) -> SoftwareSigner {
    SoftwareSigner::new(&RustCrypto, key).expect("a whole key")
}

pub(crate) fn badge_query(claims: &[&str]) -> Value {
    let mut credential =
        json!({ "id": "badge", "format": "dc+sd-jwt", "meta": { "vct_values": [BADGE] } });
    if !claims.is_empty() {
        credential["claims"] = claims.iter().map(|name| json!({ "path": [name] })).collect();
    }
    json!({ "credentials": [credential] })
}

/// The steps of a trail with their reasons.
pub(crate) fn steps(status: &Value) -> Vec<String> {
    let trail = status["trail"].as_array().expect("a trail");
    let step = |event: &Value| match event["reason"].as_str() {
        Some(reason) => format!("{}: {reason}", event["step"].as_str().unwrap_or_default()),
        None => event["step"].as_str().unwrap_or_default().to_owned(),
    };
    trail.iter().map(step).collect()
}

/// Presents honestly, unless told otherwise.
pub(crate) struct Holder<'w> {
    pub(crate) world: &'w World,
    pub(crate) held: HeldCredential,
    pub(crate) key: PrivateKey,
    pub(crate) at: Timestamp,
    pub(crate) audience: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) transcript: Option<SessionTranscript>,
    /// Whether it signs nothing beside the request.
    pub(crate) forgets_transactions: bool,
    /// What becomes of the presentation before it is sent.
    pub(crate) tamper: fn(String) -> String,
}

impl<'w> Holder<'w> {
    pub(crate) async fn new(world: &'w World) -> Self {
        Self::of(world, world.badge().await)
    }

    pub(crate) fn of(world: &'w World, held: HeldCredential) -> Self {
        let (key, at) = (world.holder.clone(), world.now());
        Self {
            world,
            held,
            key,
            at,
            audience: None,
            nonce: None,
            transcript: None,
            forgets_transactions: false,
            tamper: |text| text,
        }
    }

    pub(crate) async fn answer(&self, asked: &Asked) -> AuthorizationResponse {
        let reviewed = self.world.review(asked).await;
        self.answer_to(&reviewed).await
    }

    pub(crate) async fn answer_to(&self, reviewed: &ReviewedRequest) -> AuthorizationResponse {
        let view = CredentialView::of_held(&self.held, &[]);
        let choices = reviewed.choices(&[view]).expect("the badge fits");
        let selection = choices.smallest();
        let consent = choices.approve(&selection).expect("the smallest selection is one");
        reviewed.answer(consent, self, &RustCrypto).await.expect("an answer")
    }
}

#[async_trait]
impl Presenter for Holder<'_> {
    async fn present(&self, approved: &Approved, binding: &Binding) -> Result<Value, PresentError> {
        let mut binding = binding.clone();
        if let Some(audience) = &self.audience {
            binding.audience = audience.as_str().into();
        }
        if let Some(nonce) = &self.nonce {
            binding.nonce = nonce.as_str().into();
        }
        if let Some(transcript) = &self.transcript {
            binding.transcript = transcript.clone();
        }
        let signer = signer(&self.key);
        let with = PresentWith { signer: Some(&signer), now: self.at, provider: &RustCrypto };
        let mut approved = approved.clone();
        if self.forgets_transactions {
            approved.transactions.clear();
        }
        let presented = present(&self.held, &approved, &binding, with).await?;
        Ok(match presented {
            Value::String(text) => Value::String((self.tamper)(text)),
            other => serde_json::from_str(&(self.tamper)(other.to_string())).expect("still JSON"),
        })
    }
}
