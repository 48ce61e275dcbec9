//! DPoP over the routes (RFC 9449; security catalogue rows 118–121).

use std::sync::Arc;

use axum::http::header::{AUTHORIZATION, HeaderName, HeaderValue, WWW_AUTHENTICATE};
use axum::{body::Body, http::Request};
use lanyard_core::{
    crypto::{RustCrypto, Signer},
    jose::{self, Jwk},
    json,
};
use lanyard_store::SqliteStore;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::fixture::{
    GRANT, Offer, Reply, Server, badge_claims, credential_request, object, refused, request, text,
    token_request,
};

const DPOP: HeaderName = HeaderName::from_static("dpop");
const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// A wallet with a key and a counter for the names of its proofs.
pub(crate) struct Sender {
    pub(crate) key: Arc<dyn Signer>,
}

impl Sender {
    pub(crate) fn new(server: &Server) -> Self {
        Self { key: server.ground.key() }
    }

    async fn proof(&self, server: &Server, path: &str, jti: &str, more: Value) -> String {
        let header =
            json!({ "typ": "dpop+jwt", "jwk": Jwk::new(*self.key.public_key()).to_value() });
        let mut claims = object(json!({
            "jti": jti, "htm": "POST", "htu": format!("https://issuer.example{path}"),
            "iat": server.ground.now().as_second(), "nonce": nonce(server).await,
        }));
        claims.extend(object(more));
        jose::sign(object(header), &claims, &*self.key).await.expect("a software key signs")
    }

    async fn token(&self, server: &Server, offer: &Offer, jti: &str) -> Reply {
        let proof = self.proof(server, "/demo/token", jti, json!({})).await;
        server.send(proven(token_of(offer), &proof)).await
    }

    /// Something else than a credential with this token.
    async fn at(&self, path: &str, server: &Server, token: &str, jti: &str, body: &Value) -> Reply {
        let proof = self.proof(server, path, jti, json!({ "ath": hash(token) })).await;
        let mut request = credential_request(path, token, body);
        let value = HeaderValue::try_from(format!("DPoP {token}")).expect("visible ASCII");
        request.headers_mut().insert(AUTHORIZATION, value);
        server.send(proven(request, &proof)).await
    }

    pub(crate) async fn credential(&self, server: &Server, token: &str, jti: &str) -> Reply {
        let proof =
            self.proof(server, "/demo/credential", jti, json!({ "ath": hash(token) })).await;
        server.send(proven(credential_of(server, token, "DPoP").await, &proof)).await
    }
}

fn hash(token: &str) -> String {
    let digest = lanyard_oid4vci::AccessToken::new(token).digest(&RustCrypto);
    json::base64url(digest)
}

async fn nonce(server: &Server) -> String {
    let reply = server
        .send(
            request(axum::http::Method::POST, "/demo/nonce")
                .body(Body::empty())
                .expect("a request"),
        )
        .await;
    reply.header(DPOP_NONCE).expect("the nonce endpoint gives both nonces").to_owned()
}

fn token_of(offer: &Offer) -> Request<Body> {
    token_request("/demo/token", &format!("grant_type={GRANT}&pre-authorized_code={}", offer.code))
}

async fn credential_of(server: &Server, token: &str, scheme: &str) -> Request<Body> {
    let body = server.badge_request().await;
    let mut request = credential_request("/demo/credential", token, &body);
    let value = HeaderValue::try_from(format!("{scheme} {token}")).expect("visible ASCII");
    request.headers_mut().insert(AUTHORIZATION, value);
    request
}

fn proven(mut request: Request<Body>, proof: &str) -> Request<Body> {
    request.headers_mut().append(DPOP, proof.parse().expect("visible ASCII"));
    request
}

async fn bound(server: &Server, sender: &Sender) -> String {
    let reply = sender.token(server, &server.offer().await, "token").await;
    assert_eq!(reply.status, 200, "{reply}");
    assert_eq!(reply.json()["token_type"], "DPoP");
    assert!(reply.header(DPOP_NONCE).is_some());
    text(&reply.json()["access_token"])
}

#[tokio::test]
async fn a_bound_token_gets_the_credential_whatever_the_case_of_its_scheme() {
    for scheme in ["DPoP", "dpop", "DPOP"] {
        let server = Server::new();
        let sender = Sender::new(&server);
        let token = bound(&server, &sender).await;
        let ath = json!({ "ath": hash(&token) });
        let proof = sender.proof(&server, "/demo/credential", "c", ath).await;
        let reply = server.send(proven(credential_of(&server, &token, scheme).await, &proof)).await;
        assert_eq!(reply.status, 200, "{reply}");
        assert!(reply.header(DPOP_NONCE).is_some());
    }
}

#[tokio::test]
async fn a_bound_token_is_worth_nothing_as_a_bearer_token_or_with_another_key() {
    let server = Server::new();
    let sender = Sender::new(&server);
    let token = bound(&server, &sender).await;
    let bearer = server.send(credential_of(&server, &token, "Bearer").await).await;
    assert_eq!(bearer.refusal(), refused(401, "invalid_token"));
    let thief = Sender::new(&server);
    let stolen = thief.credential(&server, &token, "thief").await;
    assert_eq!(stolen.refusal(), refused(401, "invalid_token"));
    assert_eq!(sender.credential(&server, &token, "mine").await.status, 200);
}

#[tokio::test]
async fn a_proof_without_a_nonce_is_told_one_at_both_servers() {
    let server = Server::new();
    let sender = Sender::new(&server);
    let offer = server.offer().await;
    let stale = json!({ "nonce": "stale" });
    let proof = sender.proof(&server, "/demo/token", "a", stale.clone()).await;
    let reply = server.send(proven(token_of(&offer), &proof)).await;
    assert_eq!(reply.refusal(), refused(400, "use_dpop_nonce"));
    assert!(reply.header(DPOP_NONCE).is_some());

    let token = bound(&server, &sender).await;
    let mut claims = object(stale);
    claims.insert("ath".to_owned(), json!(hash(&token)));
    let proof = sender.proof(&server, "/demo/credential", "b", claims.into()).await;
    let reply = server.send(proven(credential_of(&server, &token, "DPoP").await, &proof)).await;
    assert_eq!(reply.refusal(), refused(401, "use_dpop_nonce"));
    let challenge = reply.header(WWW_AUTHENTICATE).unwrap();
    assert_eq!(challenge, r#"DPoP error="use_dpop_nonce", algs="ES256 ES384 EdDSA""#);
    assert!(reply.header(DPOP_NONCE).is_some());
}

#[tokio::test]
async fn refuses_two_proofs_a_missing_one_and_one_for_another_endpoint() {
    let server = Server::new();
    let sender = Sender::new(&server);
    let offer = server.offer().await;
    let proof = sender.proof(&server, "/demo/token", "a", json!({})).await;
    let twice = proven(proven(token_of(&offer), &proof), &proof);
    assert_eq!(server.send(twice).await.refusal(), refused(400, "invalid_dpop_proof"));
    let elsewhere = sender.proof(&server, "/other/token", "b", json!({})).await;
    let reply = server.send(proven(token_of(&offer), &elsewhere)).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_dpop_proof"));

    let token = bound(&server, &sender).await;
    let reply = server.send(credential_of(&server, &token, "DPoP").await).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_dpop_proof"));
    let no_hash = sender.proof(&server, "/demo/credential", "c", json!({})).await;
    let reply = server.send(proven(credential_of(&server, &token, "DPoP").await, &no_hash)).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_dpop_proof"));
}

#[tokio::test]
async fn a_replayed_proof_leaves_the_code_and_the_token_as_they_were() {
    let server = Server::new();
    let sender = Sender::new(&server);
    let (first, second) = (server.offer().await, server.offer().await);
    assert_eq!(sender.token(&server, &first, "same").await.status, 200);
    let replayed = sender.token(&server, &second, "same").await;
    assert_eq!(replayed.refusal(), refused(400, "invalid_dpop_proof"));
    assert!(server.trail(&second).await.contains(&"refused: proof_replayed".to_owned()));
    let reply = sender.token(&server, &second, "fresh").await;
    assert_eq!(reply.status, 200, "{reply}");
    let token = text(&reply.json()["access_token"]);
    let replayed = sender.credential(&server, &token, "fresh").await;
    assert_eq!(replayed.refusal(), refused(401, "invalid_dpop_proof"));
    assert_eq!(sender.credential(&server, &token, "fresher").await.status, 200);
    // another key may use the same name (RFC 9449 §11.1)
    let other = Sender::new(&server);
    assert_eq!(other.token(&server, &server.offer().await, "same").await.status, 200);
}

#[tokio::test]
async fn a_proof_is_taken_once_at_every_step_that_a_token_opens() {
    let server = Server::new();
    let sender = Sender::new(&server);
    let offer = json!({
        "configuration": "employee_badge", "claims": badge_claims(), "deferral": "until_decided",
    });
    let offer = server.offer_of(&offer).await;
    let token = text(&sender.token(&server, &offer, "token").await.json()["access_token"]);
    let replayed = refused(401, "invalid_dpop_proof");

    let deferred = sender.credential(&server, &token, "token").await;
    assert_eq!(deferred.refusal(), replayed, "taken at the token endpoint");
    let deferred = sender.credential(&server, &token, "deferred").await;
    assert_eq!(deferred.status, 202, "{deferred}");
    let transaction = json!({ "transaction_id": deferred.json()["transaction_id"] });
    let collect = async |jti| sender.at("/demo/deferred", &server, &token, jti, &transaction).await;
    assert_eq!(collect("deferred").await.refusal(), replayed, "taken when it was deferred");
    assert_eq!(collect("poll").await.status, 202);
    assert_eq!(collect("poll").await.refusal(), replayed, "taken while it waits");
    let path = format!("/api/demo/offers/{}/decision", offer.id);
    let body = json!({ "decision": "release" });
    server.api(axum::http::Method::POST, &path, &body).await;
    assert_eq!(collect("poll").await.refusal(), replayed, "nor is it good for the credential");
    let collected = collect("collect").await;
    assert_eq!(collected.status, 200, "{collected}");

    let notify = async |event: &str, jti| {
        let told =
            json!({ "notification_id": collected.json()["notification_id"], "event": event });
        sender.at("/demo/notification", &server, &token, jti, &told).await
    };
    assert_eq!(notify("credential_accepted", "collect").await.refusal(), replayed);
    assert_eq!(notify("credential_accepted", "told").await.status, 204);
    for event in ["credential_accepted", "credential_deleted"] {
        assert_eq!(notify(event, "told").await.refusal(), replayed, "{event}");
    }
    assert_eq!(notify("credential_accepted", "again").await.status, 204);
    assert_eq!(notify("credential_deleted", "again").await.refusal(), replayed);
    assert_eq!(notify("credential_deleted", "deleted").await.status, 204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_codes_with_one_proof_exactly_one_becomes_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(folder.path()).unwrap());
    let server = Arc::new(Server::with_store(store));
    let sender = Sender::new(&server);
    let proof = sender.proof(&server, "/demo/token", "same", json!({})).await;
    let mut rivals = JoinSet::new();
    for _ in 0..16 {
        let (server, proof) = (Arc::clone(&server), proof.clone());
        let offer = server.offer().await;
        rivals.spawn(async move { server.send(proven(token_of(&offer), &proof)).await });
    }
    let won = rivals.join_all().await.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(won, 1);
}
