//! A server over the ground, and a wallet that can be told to do wrong.

use std::{fmt, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt as _;
use lanyard_core::{
    crypto::Signer,
    jose::{self, Jwk},
    json::Object,
};
use lanyard_issuer::{IssuerService, not_found};
use lanyard_oid4vci::encryption::EncryptionRule;
use lanyard_store::{SessionId, Store};
use lanyard_testkit::store;
use serde_json::{Value, json};
use tokio::sync::watch;
use tower::ServiceExt as _;

pub(crate) use crate::ground::{
    BASE, Directory, ELSEWHERE, Ground, KEY, OTHER_KEY, READER_KEY, badge_claims, data_key, tenant,
};

pub(crate) const GRANT: &str = "urn:ietf:params:oauth:grant-type:pre-authorized_code";

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

impl Server {
    pub(crate) fn new() -> Self {
        Self::with_store(store())
    }

    pub(crate) fn with_store(store: Arc<dyn Store>) -> Self {
        Self::on(Ground::new(store, false))
    }

    /// A server that encrypts.
    pub(crate) fn with_encryption(rule: EncryptionRule) -> Self {
        Self::on(Ground::new(store(), false).encrypting(rule))
    }

    /// A server whose credentials have a status.
    pub(crate) fn with_statuses() -> Self {
        Self::with_statuses_in(store())
    }

    pub(crate) fn with_statuses_in(store: Arc<dyn Store>) -> Self {
        Self::on(Ground::new(store, true))
    }

    /// A server whose credentials have a status, and whose issuers are DIDs.
    pub(crate) fn with_statuses_by_did() -> Self {
        Self::on(Ground::new(store(), true).named_by_did())
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
            // none where its holder logs in
            code: offer["grants"][GRANT]["pre-authorized_code"].as_str().unwrap_or_default().into(),
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

    /// How many credentials a search by subject finds.
    pub(crate) async fn issued_to(&self, subject: &str) -> usize {
        let search = json!({ "subject": subject });
        let found = self.api(Method::POST, "/api/demo/credentials/search", &search).await;
        assert_eq!(found.status, StatusCode::OK, "{found}");
        found.json()["credentials"].as_array().expect("a list").len()
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

pub(crate) fn session(offer: &Offer) -> SessionId {
    offer.id.parse().expect("the API gives session names")
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("the value is a text").to_owned()
}

pub(crate) fn object(value: Value) -> Object {
    serde_json::from_value(value).expect("the fixture is an object")
}
