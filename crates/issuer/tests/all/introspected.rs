//! Access tokens that their authorization server is asked about (RFC 7662).

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::http::StatusCode;
use jiff::SignedDuration;
use lanyard_core::{crypto::RustCrypto, jose::Jwk};
use lanyard_fetch::{
    Authorization, Body, FetchError, HttpClient, Request, Response, ResponseHeaders,
};
use lanyard_issuer::{
    AuthorizationServerSettings, ClaimSource, ClaimSources, ClaimsFrom, IntrospectionSettings,
    LoginWays, MappedClaim, OtherAuthorizationServer, UpstreamServer,
};
use lanyard_oid4vci::{CredentialConfigurationId, dpop::KeyThumbprint};
use lanyard_testkit::store;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::{
    dpop::Sender,
    fixture::{
        Directory, ELSEWHERE, Ground, Reply, Server, credential_request, object, refused, text,
    },
};

/// A token that looks like nothing in particular.
const TOKEN: &str = "2YotnFZFEjr1zCsicMWpAA";

/// The authorization server: what it says about itself and about every token, and how it was asked.
struct Asked {
    metadata: Value,
    status: Mutex<u16>,
    told: Mutex<Value>,
    questions: Mutex<Vec<Question>>,
}

/// One question: the credentials in the header, and the form.
#[derive(Clone, Debug, PartialEq)]
struct Question {
    header: Option<(String, String)>,
    form: Vec<(String, String)>,
}

impl Asked {
    fn says(&self, told: Value) {
        *self.told.lock().expect("nobody panicked") = told;
    }

    fn answers(&self, status: u16) {
        *self.status.lock().expect("nobody panicked") = status;
    }

    fn questions(&self) -> Vec<Question> {
        self.questions.lock().expect("nobody panicked").clone()
    }
}

#[async_trait]
impl HttpClient for Asked {
    async fn send(&self, request: Request) -> Result<Response, FetchError> {
        let (status, body) = match (request.url.path(), request.body) {
            ("/.well-known/oauth-authorization-server/realm", Body::None) => {
                (200, self.metadata.clone())
            }
            ("/realm/introspect", Body::Form(form)) => {
                let header = request.authorization.map(|header| match header {
                    Authorization::Basic { user, password } => {
                        (user, password.expose_secret().to_owned())
                    }
                    other => unreachable!("{other:?}"),
                });
                self.questions.lock().expect("nobody panicked").push(Question { header, form });
                (
                    *self.status.lock().expect("nobody panicked"),
                    self.told.lock().expect("nobody panicked").clone(),
                )
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

fn ground(more: Value) -> (Arc<Ground>, Arc<Asked>) {
    let mut metadata = object(json!({
        "issuer": ELSEWHERE, "introspection_endpoint": format!("{ELSEWHERE}/introspect"),
    }));
    metadata.extend(object(more));
    let asked = Arc::new(Asked {
        metadata: metadata.into(),
        status: Mutex::new(200),
        told: Mutex::default(),
        questions: Mutex::default(),
    });
    let mapped =
        |name: &str| MappedClaim { from: vec![name.to_owned()], to: vec![name.to_owned()] };
    let badge = CredentialConfigurationId::new("employee_badge");
    let told = ClaimsFrom::Login(vec![mapped("given_name"), mapped("employee_id")]);
    let claims: Arc<dyn ClaimSource> =
        Arc::new(ClaimSources::new([(badge, told)], Arc::new(Directory)));
    let settings = AuthorizationServerSettings {
        server: UpstreamServer {
            issuer: ELSEWHERE.to_owned(),
            http: asked.clone(),
            provider: Arc::new(RustCrypto),
        },
        introspection: Some(IntrospectionSettings {
            client_id: "lanyard".to_owned(),
            client_secret: "s3cret".to_owned().into(),
        }),
        holder: "sub".to_owned(),
        kept: vec!["given_name".to_owned(), "employee_id".to_owned()],
    };
    let ways = LoginWays::Elsewhere(Arc::new(OtherAuthorizationServer::new(settings)));
    let ground = Ground::new(store(), true);
    (ground.with_login(Some(ways), Some(claims)), asked)
}

fn server() -> (Server, Arc<Asked>) {
    let (ground, asked) = ground(json!({}));
    (Server::on(ground), asked)
}

/// What the server says of a good token, with one thing changed; `null` takes a member away.
fn told(server: &Server, change: Value) -> Value {
    let now = server.ground.now().as_second();
    let mut told = object(json!({
        "active": true, "iss": ELSEWHERE, "aud": "https://issuer.example/demo", "sub": "0042",
        "client_id": "w", "iat": now, "exp": now + 300, "scope": "openid employee_badge",
        "given_name": "Ada", "employee_id": "AF-1",
    }));
    for (name, value) in object(change) {
        match value {
            Value::Null => told.shift_remove(&name),
            value => told.insert(name, value),
        };
    }
    told.into()
}

async fn credential(server: &Server, token: &str) -> Reply {
    server.credential(token, &server.badge_request().await).await
}

fn invalid() -> (u16, String) {
    refused(401, "invalid_token")
}

#[tokio::test]
async fn a_token_that_its_server_vouches_for_gets_the_badge_of_whoever_logged_in_there() {
    let (server, asked) = server();
    asked.says(told(&server, json!({})));
    let reply = credential(&server, TOKEN).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
    let credential = text(&reply.json()["credentials"][0]["credential"]);
    let ada =
        lanyard_core::json::base64url_decode(credential.split('~').nth(1).expect("a disclosure"));
    assert!(String::from_utf8(ada.expect("base64url")).expect("text").contains("Ada"));
    // RFC 7662 §2.1: authenticated, and by form
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let question = Question {
        header: Some(pair("lanyard", "s3cret")),
        form: vec![pair("token", TOKEN), pair("token_type_hint", "access_token")],
    };
    assert_eq!(asked.questions(), [question], "and once");
}

#[tokio::test]
async fn a_server_that_wants_the_secret_in_the_form_gets_it_there() {
    let methods =
        json!({ "introspection_endpoint_auth_methods_supported": ["client_secret_post"] });
    let (ground, asked) = ground(methods);
    let server = Server::on(ground);
    asked.says(told(&server, json!({})));
    server.finish(TOKEN).await;
    let question = asked.questions().remove(0);
    assert_eq!(question.header, None);
    let has =
        |name: &str, value: &str| question.form.contains(&(name.to_owned(), value.to_owned()));
    assert!(has("client_id", "lanyard") && has("client_secret", "s3cret"));
}

#[tokio::test]
async fn what_a_server_may_leave_unsaid_is_not_missed() {
    for left_out in ["iss", "aud", "exp", "iat", "client_id"] {
        let (server, asked) = server();
        asked.says(told(&server, json!({ left_out: null })));
        let reply = credential(&server, TOKEN).await;
        assert_eq!(reply.status, StatusCode::OK, "{left_out}: {reply}");
    }
}

#[tokio::test]
async fn a_token_of_which_one_thing_is_wrong_opens_nothing() {
    let (server, asked) = server();
    let now = server.ground.now().as_second();
    for fault in [
        json!({ "active": false }),
        json!({ "iss": "https://as.elsewhere.example" }),
        json!({ "aud": "https://issuer.example/other" }),
        json!({ "exp": now }),
        json!({ "iat": now + 120 }),
        json!({ "scope": "openid" }),
        json!({ "sub": null }),
    ] {
        asked.says(told(&server, fault.clone()));
        assert_eq!(credential(&server, TOKEN).await.refusal(), invalid(), "{fault}");
    }
    // and nothing was kept of it
    asked.says(told(&server, json!({})));
    server.finish(TOKEN).await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_the_question_makes_nothing_invalid() {
    let (server, asked) = server();
    let unavailable = refused(503, "temporarily_unavailable");
    for told in [json!({}), json!({ "active": "true" }), json!("yes")] {
        asked.says(told.clone());
        assert_eq!(credential(&server, TOKEN).await.refusal(), unavailable, "{told}");
    }
    asked.says(told(&server, json!({})));
    asked.answers(401);
    assert_eq!(credential(&server, TOKEN).await.refusal(), unavailable);
    asked.answers(200);
    server.finish(TOKEN).await;
}

#[tokio::test]
async fn a_token_that_is_taken_back_opens_nothing_more() {
    let (server, asked) = server();
    asked.says(told(&server, json!({})));
    let reply = credential(&server, TOKEN).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
    let event = json!({
        "notification_id": reply.json()["notification_id"], "event": "credential_accepted",
    });
    asked.says(json!({ "active": false }));
    let notify = || credential_request("/demo/notification", TOKEN, &event);
    assert_eq!(server.send(notify()).await.refusal(), invalid());
    asked.says(told(&server, json!({})));
    let reply = server.send(notify()).await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT, "{reply}");
}

#[tokio::test]
async fn nobody_else_is_told_a_token_of_our_own_not_even_an_expired_one() {
    let (server, asked) = server();
    let (_, token) = server.access().await;
    server.ground.pass(SignedDuration::from_hours(24));
    assert_eq!(credential(&server, &token).await.refusal(), invalid());
    let (_, token) = server.access().await;
    server.finish(&token).await;
    assert_eq!(asked.questions(), []);
}

#[tokio::test]
async fn a_token_that_is_bound_to_a_key_is_taken_with_that_key_alone() {
    let (server, asked) = server();
    let (owner, thief) = (Sender::new(&server), Sender::new(&server));
    let key = KeyThumbprint::of(&Jwk::new(*owner.key.public_key()), &RustCrypto);
    asked.says(told(&server, json!({ "cnf": { "jkt": key.as_str() } })));
    let reply = credential(&server, TOKEN).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "as a bearer token: {reply}");
    let reply = thief.credential(&server, TOKEN, "thief").await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "with another key: {reply}");
    let reply = owner.credential(&server, TOKEN, "owner").await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
}

// ADR 19: the row that says a token was used may be younger than the backup
#[tokio::test]
async fn after_a_restore_a_token_of_unknown_age_opens_nothing() {
    let (ground, asked) = ground(json!({}));
    let server = Server::on(ground.restored_now());
    asked.says(told(&server, json!({ "iat": null })));
    assert_eq!(credential(&server, TOKEN).await.refusal(), invalid());
    server.ground.pass(SignedDuration::from_secs(61));
    asked.says(told(&server, json!({})));
    server.finish(TOKEN).await;
}
