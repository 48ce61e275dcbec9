//! Access tokens of somebody else's authorization server (OID4VCI 1.0 §12.2.4, RFC 9068).

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use axum::http::{Method, StatusCode, header::RETRY_AFTER};
use jiff::SignedDuration;
use lanyard_core::{
    crypto::{CryptoProvider, Curve, PrivateKey, RustCrypto, SoftwareSigner},
    jose::{self, Jwk},
};
use lanyard_fetch::{FetchError, HttpClient, Request, Response, ResponseHeaders};
use lanyard_issuer::{
    AskedHolder, AuthorizationServerSettings, ClaimSource, ClaimSources, ClaimsFrom,
    LoginUnavailable, LoginWays, MappedClaim, OtherAuthorizationServer, UpstreamServer,
};
use lanyard_oid4vci::{CredentialConfigurationId, dpop::KeyThumbprint, issuer::FoundClaims};
use lanyard_testkit::store;
use serde_json::{Value, json};

use crate::{
    dpop::Sender,
    fixture::{
        Directory, ELSEWHERE, GRANT, Ground, Server, credential_request, object, refused, text,
    },
};

/// The authorization server: what it publishes, and what it signs.
struct Other {
    key: PrivateKey,
    is_down: AtomicBool,
}

impl Other {
    /// A token for a badge of somebody, with one thing changed; `null` takes a member away.
    async fn token(&self, server: &Server, change: Value) -> String {
        self.token_by(&self.key, server, json!({ "kid": "one", "typ": "at+jwt" }), change).await
    }

    async fn token_by(
        &self,
        key: &PrivateKey,
        server: &Server,
        header: Value,
        change: Value,
    ) -> String {
        let now = server.ground.now().as_second();
        let mut claims = object(json!({
            "iss": ELSEWHERE, "aud": "https://issuer.example/demo", "sub": "0042", "client_id": "w",
            "iat": now, "exp": now + 300, "jti": server.nonce().await, "scope": "openid employee_badge",
            "given_name": "Ada", "employee_id": "AF-1",
        }));
        for (name, value) in object(change) {
            match value {
                Value::Null => claims.shift_remove(&name),
                value => claims.insert(name, value),
            };
        }
        let signer = SoftwareSigner::new(&RustCrypto, key).expect("the key is whole");
        jose::sign(object(header), &claims, &signer).await.expect("a software key signs")
    }
}

#[async_trait]
impl HttpClient for Other {
    async fn send(&self, request: Request) -> Result<Response, FetchError> {
        if self.is_down.load(Ordering::Relaxed) {
            return Err(FetchError::TimedOut { host: "as.acme.example".to_owned() });
        }
        let (status, body) = match request.url.path() {
            "/.well-known/oauth-authorization-server/realm" => {
                (200, json!({ "issuer": ELSEWHERE, "jwks_uri": format!("{ELSEWHERE}/jwks") }))
            }
            "/realm/jwks" => {
                let mut key = Jwk::new(*self.key.public()).to_value();
                key["kid"] = json!("one");
                (200, json!({ "keys": [key] }))
            }
            _ => (404, Value::Null),
        };
        Ok(Response {
            status,
            content_type: Some("application/json".to_owned()),
            headers: ResponseHeaders::default(),
            body: body.to_string().into(),
            final_url: request.url,
        })
    }
}

/// Nobody, who counts how often they were asked.
#[derive(Debug, Default)]
struct Away(AtomicUsize);

#[async_trait]
impl ClaimSource for Away {
    async fn claims(
        &self,
        _: AskedHolder<'_>,
        _: &CredentialConfigurationId,
    ) -> Result<Option<FoundClaims>, LoginUnavailable> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(LoginUnavailable)
    }
}

/// A request for the diploma.
async fn diploma(server: &Server) -> Value {
    let mut request = server.badge_request().await;
    request["credential_configuration_id"] = json!("diploma");
    request
}

fn server() -> (Server, Arc<Other>) {
    let (ground, other) = ground();
    (Server::on(ground), other)
}

fn ground() -> (Arc<Ground>, Arc<Other>) {
    ground_with(Arc::new(Directory))
}

/// The same, where somebody else is asked about the diploma.
fn ground_with(others: Arc<dyn ClaimSource>) -> (Arc<Ground>, Arc<Other>) {
    let key = RustCrypto.generate_key(Curve::P256).expect("the provider makes keys");
    let other = Arc::new(Other { key, is_down: AtomicBool::new(false) });
    let mapped =
        |name: &str| MappedClaim { from: vec![name.to_owned()], to: vec![name.to_owned()] };
    let badge = CredentialConfigurationId::new("employee_badge");
    let told = ClaimsFrom::Login(vec![mapped("given_name"), mapped("employee_id")]);
    let claims: Arc<dyn ClaimSource> = Arc::new(ClaimSources::new([(badge, told)], others));
    let ways = LoginWays::Elsewhere(Arc::new(OtherAuthorizationServer::new(
        AuthorizationServerSettings {
            server: UpstreamServer {
                issuer: ELSEWHERE.to_owned(),
                http: other.clone(),
                provider: Arc::new(RustCrypto),
            },
            introspection: None,
            holder: "sub".to_owned(),
            kept: vec!["given_name".to_owned(), "employee_id".to_owned()],
        },
    )));
    let ground = Ground::new(store(), true);
    (ground.with_login(Some(ways), Some(claims)), other)
}

#[tokio::test]
async fn a_token_of_the_other_server_gets_the_badge_of_whoever_logged_in_there() {
    let (server, other) = server();
    let metadata = server.get("/.well-known/openid-credential-issuer/demo").await.json();
    let own = "https://issuer.example/demo";
    assert_eq!(metadata["authorization_servers"], json!([ELSEWHERE, own]));

    let token = other.token(&server, json!({})).await;
    let request = server.badge_request().await;
    let reply = server.credential(&token, &request).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
    let credential = text(&reply.json()["credentials"][0]["credential"]);
    let ada =
        lanyard_core::json::base64url_decode(credential.split('~').nth(1).expect("a disclosure"));
    assert!(String::from_utf8(ada.expect("base64url")).expect("text").contains("Ada"));
    // one credential for a token, whichever replica is asked
    let replica = Server::on(server.ground.clone());
    let again = replica.credential(&token, &server.badge_request().await).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST, "{again}");

    // what became of it is told with the same token, and it is on record under who logged in
    let told = json!({
        "notification_id": reply.json()["notification_id"], "event": "credential_accepted",
    });
    let reply = server.send(credential_request("/demo/notification", &token, &told)).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT, "{reply}");
    let search = json!({ "subject": "0042" });
    let found = server.api(Method::POST, "/api/demo/credentials/search", &search).await.json();
    assert_eq!(found["credentials"].as_array().map(Vec::len), Some(1), "{found}");
}

#[tokio::test]
async fn authorization_details_say_what_a_token_is_for_as_well_as_scopes() {
    let (server, other) = server();
    let details = json!({
        "scope": null,
        "authorization_details": [{
            "type": "openid_credential", "credential_configuration_id": "employee_badge",
        }],
    });
    let token = other.token(&server, details).await;
    server.finish(&token).await;
}

// OID4VCI 1.0 §6.2, §8.2: the identifiers are the other server's, and each is a credential of its own
#[tokio::test]
async fn a_credential_is_asked_for_by_the_identifier_that_the_other_server_gave_it() {
    let (server, other) = server();
    let details = json!({
        "scope": null,
        "authorization_details": [{
            "type": "openid_credential", "credential_configuration_id": "employee_badge",
            "credential_identifiers": ["x", "y", "x"],
        }],
    });
    let token = other.token(&server, details).await;
    let named = async |name: &str| {
        let request =
            json!({ "credential_identifier": name, "proofs": { "jwt": [server.proof().await] } });
        server.credential(&token, &request).await
    };
    assert_eq!(named("z").await.refusal(), refused(400, "unknown_credential_identifier"));
    let reply = server.credential(&token, &server.badge_request().await).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_credential_request"), "{reply}");
    for name in ["x", "y"] {
        let reply = named(name).await;
        assert_eq!(reply.status, StatusCode::OK, "{name}: {reply}");
        let again = named(name).await;
        assert_eq!(again.refusal(), refused(400, "credential_request_denied"), "{name}");
    }
}

// OID4VCI 1.0 §8.3.1.2
#[tokio::test]
async fn whoever_is_to_have_no_such_credential_is_told_so_and_gets_the_other_one() {
    let (server, other) = server();
    let token = other.token(&server, json!({ "scope": "employee_badge diploma" })).await;
    let reply = server.credential(&token, &diploma(&server).await).await;
    assert_eq!(reply.refusal(), refused(400, "credential_request_denied"));
    server.finish(&token).await;
    let reply = server.credential(&token, &diploma(&server).await).await;
    assert_eq!(reply.refusal(), refused(400, "credential_request_denied"));
}

#[tokio::test]
async fn only_what_is_asked_for_is_looked_up() {
    let away = Arc::new(Away::default());
    let (ground, other) = ground_with(away.clone());
    let server = Server::on(ground);
    let token = other.token(&server, json!({ "scope": "employee_badge diploma" })).await;
    server.finish(&token).await;
    assert_eq!(away.0.load(Ordering::Relaxed), 0);
    let reply = server.credential(&token, &diploma(&server).await).await;
    assert_eq!(reply.refusal(), refused(503, "temporarily_unavailable"));
    assert_eq!(reply.header(RETRY_AFTER), Some("5"));
    assert_eq!(away.0.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_token_that_breaks_one_rule_opens_nothing() {
    let (server, other) = server();
    let now = server.ground.now().as_second();
    let faults = [
        json!({ "iss": "https://as.elsewhere.example" }),
        json!({ "aud": "https://issuer.example/other" }),
        json!({ "aud": null }),
        json!({ "exp": now }),
        json!({ "exp": null }),
        json!({ "iat": now + 120 }),
        json!({ "scope": "openid" }),
        json!({ "sub": null }),
        json!({ "sub": "" }),
    ];
    for fault in faults {
        let token = other.token(&server, fault.clone()).await;
        let reply = server.credential(&token, &server.badge_request().await).await;
        assert_eq!(reply.refusal(), refused(401, "invalid_token"), "{fault}");
    }
    // RFC 9068 §4: an ID token, or any other JWT, is no access token
    for header in [json!({ "kid": "one", "typ": "JWT" }), json!({ "kid": "two", "typ": "at+jwt" })]
    {
        let token = other.token_by(&other.key, &server, header.clone(), json!({})).await;
        let reply = server.credential(&token, &server.badge_request().await).await;
        assert_eq!(reply.refusal(), refused(401, "invalid_token"), "{header}");
    }
    let stranger = RustCrypto.generate_key(Curve::P256).expect("the provider makes keys");
    let header = json!({ "kid": "one", "typ": "at+jwt" });
    let forged = other.token_by(&stranger, &server, header, json!({})).await;
    let reply = server.credential(&forged, &server.badge_request().await).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
    for garbage in ["a.b.c", "..", "garbage"] {
        let reply = server.credential(garbage, &server.badge_request().await).await;
        assert_eq!(reply.refusal(), refused(401, "invalid_token"), "{garbage}");
    }
    // and a good one is worth nothing once it has expired
    let token = other.token(&server, json!({})).await;
    server.ground.pass(SignedDuration::from_secs(300));
    let reply = server.credential(&token, &server.badge_request().await).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
}

// ADR 19: the row that says a token was used may be younger than the backup
#[tokio::test]
async fn a_token_of_before_a_restore_opens_nothing_and_one_of_after_it_does() {
    let (ground, other) = ground();
    let server = Server::on(ground.restored_now());
    let before = other.token(&server, json!({})).await;
    server.ground.pass(SignedDuration::from_secs(61));
    let reply = server.credential(&before, &server.badge_request().await).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
    let after = other.token(&server, json!({})).await;
    let reply = server.credential(&after, &server.badge_request().await).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_is_taken_with_that_key_alone() {
    let (server, other) = server();
    let (owner, thief) = (Sender::new(&server), Sender::new(&server));
    let key = KeyThumbprint::of(&Jwk::new(*owner.key.public_key()), &RustCrypto);
    let bound = json!({ "cnf": { "jkt": key.as_str() } });
    let token = other.token(&server, bound).await;
    let reply = server.credential(&token, &server.badge_request().await).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "as a bearer token: {reply}");
    let reply = thief.credential(&server, &token, "thief").await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "with another key: {reply}");
    let reply = owner.credential(&server, &token, "owner").await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
}

#[tokio::test]
async fn a_server_that_cannot_be_asked_makes_nothing_invalid() {
    let (server, other) = server();
    other.is_down.store(true, Ordering::Relaxed);
    let token = other.token(&server, json!({})).await;
    let reply = server.credential(&token, &server.badge_request().await).await;
    assert_eq!(reply.refusal(), refused(503, "temporarily_unavailable"));
    assert_eq!(reply.header(RETRY_AFTER), Some("5"));
    other.is_down.store(false, Ordering::Relaxed);
    server.finish(&token).await;
}

#[tokio::test]
async fn an_offer_to_log_in_names_the_other_server_and_a_code_our_own() {
    let (server, _) = server();
    let login = json!({ "configuration": "employee_badge", "login": "only" });
    let made = server.make_offer(&login).await;
    assert_eq!(made.status, StatusCode::CREATED, "{made}");
    let uri = text(&made.json()["offer_uri"]);
    let path = uri.strip_prefix("https://issuer.example").expect("our own URL");
    let offer = server.get(path).await.json();
    assert_eq!(
        offer["grants"],
        json!({ "authorization_code": { "authorization_server": ELSEWHERE } })
    );

    // another server knows nothing of an offer: neither who has to log in, nor what is to be said of them
    for more in [json!({ "holder": "ada" }), json!({ "claims": { "given_name": "Ada" } })] {
        let mut asked = object(login.clone());
        asked.extend(object(more));
        let reply = server.make_offer(&asked.into()).await;
        assert_eq!(reply.refusal().0, 422, "{reply}");
    }

    let coded = server.offer().await;
    let offer = server.get(&coded.path).await.json();
    let own = &offer["grants"][GRANT]["authorization_server"];
    assert_eq!(*own, json!("https://issuer.example/demo"));
    let token = server.access_to(&coded).await;
    server.finish(&token).await;
}
