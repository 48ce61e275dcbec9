//! Authorization codes and refresh tokens at the token endpoint (security catalogue rows 110 and 112).

use std::{borrow::Borrow, collections::HashSet, sync::Arc};

use axum::http::{Method, header::WWW_AUTHENTICATE};
use jiff::SignedDuration;
use lanyard_issuer::Consent;
use lanyard_oid4vci::issuer::HolderId;
use lanyard_store::{SqliteStore, Store};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    code_wallet::{Answer, DPOP, Wallet, server_in, server_where_ada_agrees},
    fixture::{Reply, Server, refused, text, token_request},
};

fn with(mut parts: Vec<(String, String)>, name: &str, value: &str) -> Vec<(String, String)> {
    parts.retain(|(other, _)| other != name);
    if !value.is_empty() {
        parts.push((name.to_owned(), value.to_owned()));
    }
    parts
}

fn refresh_parts(token: &str) -> Vec<(String, String)> {
    [("grant_type", "refresh_token"), ("client_id", "wallet"), ("refresh_token", token)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

async fn tokens(server: &Server, wallet: &mut Wallet) -> (String, String) {
    let code = wallet.code(server).await;
    let reply = wallet.token(server, &code).await;
    assert_eq!(reply.status, 200, "{reply}");
    let body = reply.json();
    (text(&body["access_token"]), text(&body["refresh_token"]))
}

#[tokio::test]
async fn a_code_that_is_shown_with_one_thing_wrong_is_refused_and_stays_good() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let code = wallet.code(&server).await;
    let other_verifier = "v".repeat(43);
    for (name, value, error) in [
        ("code_verifier", "", "invalid_grant"),
        ("code_verifier", "short", "invalid_grant"),
        ("code_verifier", other_verifier.as_str(), "invalid_grant"),
        ("redirect_uri", "", "invalid_grant"),
        ("redirect_uri", "https://wallet.example/callback", "invalid_grant"),
        ("client_id", "other", "invalid_grant"),
        ("client_id", "", "invalid_grant"),
        ("code", "guess", "invalid_grant"),
        ("code", "", "invalid_request"),
        ("grant_type", "implicit", "unsupported_grant_type"),
    ] {
        let parts = with(wallet.token_parts(&code), name, value);
        let reply = wallet.proven(&server, "/demo/token", &parts).await;
        assert_eq!(reply.refusal(), refused(400, error), "{name}={value}");
    }
    assert_eq!(wallet.token(&server, &code).await.status, 200);
}

#[tokio::test]
async fn a_code_lives_a_minute() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let code = wallet.code(&server).await;
    server.ground.pass(SignedDuration::from_secs(60));
    assert_eq!(wallet.token(&server, &code).await.refusal(), refused(400, "invalid_grant"));
}

/// That a second use of the code was refused, and what came of the first is worth nothing any more.
async fn is_taken_back(server: &Server, wallet: &Wallet, second: &Reply, tokens: &Value) {
    assert_eq!(second.refusal(), refused(400, "invalid_grant"));
    let reply = wallet.badge(server, &text(&tokens["access_token"])).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
    let parts = refresh_parts(&text(&tokens["refresh_token"]));
    let reply = wallet.proven(server, "/demo/token", &parts).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_grant"));
}

// RFC 6749 §4.1.2, RFC 9700 §4.5
#[tokio::test]
async fn a_code_that_is_used_again_in_another_way_takes_back_what_came_of_it() {
    let details =
        r#"[{"type":"openid_credential","credential_configuration_id":"employee_badge"}]"#;
    let other_verifier = "v".repeat(43);
    for (name, value) in [
        ("code_verifier", other_verifier.as_str()),
        ("redirect_uri", "https://wallet.example/callback"),
        ("client_id", "other"),
        ("authorization_details", details),
    ] {
        let server = server_where_ada_agrees();
        let mut wallet = Wallet::new(&server);
        let code = wallet.code(&server).await;
        let tokens = wallet.token(&server, &code).await.json();
        let parts = with(wallet.token_parts(&code), name, value);
        let second = wallet.proven(&server, "/demo/token", &parts).await;
        is_taken_back(&server, &wallet, &second, &tokens).await;
    }
}

#[tokio::test]
async fn a_code_that_is_used_again_with_another_key_or_none_takes_back_what_came_of_it() {
    for has_key in [true, false] {
        let server = server_where_ada_agrees();
        let mut wallet = Wallet::new(&server);
        let code = wallet.code(&server).await;
        let tokens = wallet.token(&server, &code).await.json();
        let mut thief = Wallet::new(&server);
        thief.verifier = wallet.verifier.clone();
        let second = match has_key {
            true => thief.token(&server, &code).await,
            false => {
                let parts = crate::code_wallet::form(&wallet.token_parts(&code));
                server.send(token_request("/demo/token", &parts)).await
            }
        };
        is_taken_back(&server, &wallet, &second, &tokens).await;
    }
}

#[tokio::test]
async fn the_same_request_by_the_same_key_gets_the_same_tokens_again_while_the_code_would_have_lived()
 {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let code = wallet.code(&server).await;
    let first = wallet.token(&server, &code).await.json();
    server.ground.pass(SignedDuration::from_secs(59));
    let reply = wallet.token(&server, &code).await;
    assert_eq!(reply.status, 200, "{reply}");
    let mut again = reply.json();
    // as long as the token lives still
    assert_eq!(again["expires_in"], json!(600 - 59));
    again["expires_in"] = first["expires_in"].clone();
    assert_eq!(again, first);
    server.ground.pass(SignedDuration::from_secs(1));
    let late = wallet.token(&server, &code).await;
    is_taken_back(&server, &wallet, &late, &first).await;
}

#[tokio::test]
async fn tokens_that_were_given_again_are_as_good_as_any() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let code = wallet.code(&server).await;
    wallet.token(&server, &code).await;
    let tokens = wallet.token(&server, &code).await.json();
    assert_eq!(wallet.badge(&server, &text(&tokens["access_token"])).await.status, 200);
    let parts = refresh_parts(&text(&tokens["refresh_token"]));
    let reply = wallet.proven(&server, "/demo/token", &parts).await;
    assert_eq!(reply.status, 200, "{reply}");
}

#[tokio::test]
async fn once_a_token_has_got_something_its_code_gets_it_no_more() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let code = code_for_both(&server, &mut wallet).await;
    let tokens = wallet.token(&server, &code).await.json();
    assert_eq!(wallet.badge(&server, &text(&tokens["access_token"])).await.status, 200);
    let second = wallet.token(&server, &code).await;
    is_taken_back(&server, &wallet, &second, &tokens).await;
}

#[tokio::test]
async fn a_token_request_that_is_repeated_with_its_proof_is_refused_and_costs_nothing() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let code = wallet.code(&server).await;
    let proof = wallet.proof(&server, "/demo/token", None).await;
    let send = async || {
        let parts = crate::code_wallet::form(&wallet.token_parts(&code));
        let mut sent = token_request("/demo/token", &parts);
        sent.headers_mut().insert(DPOP, proof.parse().expect("visible ASCII"));
        server.send(sent).await
    };
    let first = send().await.json();
    assert_eq!(send().await.refusal(), refused(400, "invalid_dpop_proof"));
    let again = wallet.token(&server, &code).await.json();
    assert_eq!(again["access_token"], first["access_token"]);
}

#[tokio::test]
async fn without_a_key_no_code_is_answered_twice() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let code = wallet.code(&server).await;
    let send = async || {
        let parts = crate::code_wallet::form(&wallet.token_parts(&code));
        server.send(token_request("/demo/token", &parts)).await
    };
    let token = text(&send().await.json()["access_token"]);
    assert_eq!(send().await.refusal(), refused(400, "invalid_grant"));
    let reply = server.credential(&token, &server.badge_request().await).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
}

#[tokio::test]
async fn a_code_is_bound_to_the_key_of_the_pushed_request() {
    let server = server_where_ada_agrees();
    for named in [false, true] {
        let mut wallet = Wallet::new(&server);
        let jkt = lanyard_core::jose::Jwk::new(*wallet.key.public_key())
            .thumbprint(&lanyard_core::crypto::RustCrypto)
            .to_base64url();
        let reply = if named {
            wallet.push(&server, &wallet.parts_with("dpop_jkt", &jkt)).await
        } else {
            wallet.proven(&server, "/demo/par", &wallet.parts()).await
        };
        assert_eq!(reply.status, 201, "{reply}");
        let answer = wallet.open(&server, &text(&reply.json()["request_uri"])).await;
        let code = Answer::of(&answer).one("code").unwrap();
        let mut thief = Wallet::new(&server);
        thief.verifier = wallet.verifier.clone();
        assert_eq!(thief.token(&server, &code).await.refusal(), refused(400, "invalid_grant"));
        let unproven =
            token_request("/demo/token", &crate::code_wallet::form(&wallet.token_parts(&code)));
        assert_eq!(server.send(unproven).await.refusal(), refused(400, "invalid_grant"));
        assert_eq!(wallet.token(&server, &code).await.status, 200);
    }
    let wallet = Wallet::new(&server);
    let mismatched = wallet.parts_with("dpop_jkt", &"A".repeat(43));
    let reply = wallet.proven(&server, "/demo/par", &mismatched).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_dpop_proof"));
}

#[tokio::test]
async fn authorization_details_are_answered_with_identifiers_that_the_credential_is_named_by() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let details = r#"[{"type":"openid_credential","credential_configuration_id":"employee_badge",
        "locations":["https://issuer.example/demo"],"claims":[{"path":["given_name"]}]}]"#;
    let mut parts = wallet.parts_with("authorization_details", details);
    // the same asked for by scope too: it is one credential; the diploma is asked for by scope alone
    parts.retain(|(name, _)| name != "scope");
    parts.push(("scope".to_owned(), "employee_badge diploma".to_owned()));
    let reply = wallet.push(&server, &parts).await;
    let answer = wallet.open(&server, &text(&reply.json()["request_uri"])).await;
    let code = Answer::of(&answer).one("code").unwrap();
    let body = wallet.token(&server, &code).await.json();
    assert_eq!(body["authorization_details"], json!([named("employee_badge"), named("diploma")]));
    assert_eq!(body["scope"], "employee_badge diploma");
    let token = text(&body["access_token"]);
    for identifier in ["employee_badge.1", "diploma.1"] {
        let request = json!({
            "credential_identifier": identifier, "proofs": { "jwt": [server.proof().await] },
        });
        let reply = wallet.credential(&server, &token, &request).await;
        assert_eq!(reply.status, 200, "{identifier}: {reply}");
    }
    // and again after a refresh
    let parts = refresh_parts(&text(&body["refresh_token"]));
    let refreshed = wallet.proven(&server, "/demo/token", &parts).await.json();
    assert_eq!(refreshed["authorization_details"], body["authorization_details"]);
}

fn named(configuration: &str) -> Value {
    json!({
        "type": "openid_credential", "credential_configuration_id": configuration,
        "credential_identifiers": [format!("{configuration}.1")],
    })
}

/// A code for a badge and a diploma, which were asked for by scope.
async fn code_for_both(server: &Server, wallet: &mut Wallet) -> String {
    let parts = wallet.parts_with("scope", "openid employee_badge diploma");
    let reply = wallet.push(server, &parts).await;
    let answer = wallet.open(server, &text(&reply.json()["request_uri"])).await;
    Answer::of(&answer).one("code").expect("a code")
}

#[tokio::test]
async fn a_token_request_that_names_a_part_of_what_was_granted_gets_that_part_by_its_name() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let code = code_for_both(&server, &mut wallet).await;
    let details = |id: &str| {
        let detail = json!({ "type": "openid_credential", "credential_configuration_id": id });
        json!([detail]).to_string()
    };
    for wrong in [details("driving_licence"), "[]".to_owned(), "diploma".to_owned()] {
        let parts = with(wallet.token_parts(&code), "authorization_details", &wrong);
        let reply = wallet.proven(&server, "/demo/token", &parts).await;
        assert_eq!(reply.refusal(), refused(400, "invalid_authorization_details"), "{wrong}");
    }
    let parts = with(wallet.token_parts(&code), "authorization_details", &details("diploma"));
    let body = wallet.proven(&server, "/demo/token", &parts).await.json();
    assert_eq!(body["authorization_details"], json!([named("diploma")]));
    assert_eq!(body["scope"], "diploma");
}

#[tokio::test]
async fn the_scope_of_a_token_is_what_was_granted_of_what_was_asked_for() {
    for (holder, granted) in [("ada", "employee_badge diploma"), ("cleo", "employee_badge")] {
        let agrees = Consent::DangerAlways(HolderId::new(holder));
        let server = server_in(lanyard_testkit::store(), agrees);
        let mut wallet = Wallet::new(&server);
        let code = code_for_both(&server, &mut wallet).await;
        let body = wallet.token(&server, &code).await.json();
        assert_eq!(body["scope"], granted, "{holder}");
        let parts = refresh_parts(&text(&body["refresh_token"]));
        let refreshed = wallet.proven(&server, "/demo/token", &parts).await.json();
        assert_eq!(refreshed["scope"], granted, "{holder}");
    }
}

#[tokio::test]
async fn whoever_asked_by_no_scope_is_told_of_none() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let details =
        r#"[{"type":"openid_credential","credential_configuration_id":"employee_badge"}]"#;
    let mut parts = wallet.parts_without("scope");
    parts.push(("authorization_details".to_owned(), details.to_owned()));
    let reply = wallet.push(&server, &parts).await;
    let answer = wallet.open(&server, &text(&reply.json()["request_uri"])).await;
    let code = Answer::of(&answer).one("code").unwrap();
    let body = wallet.token(&server, &code).await.json();
    assert_eq!((body.get("scope"), body["authorization_details"].is_array()), (None, true));
}

#[tokio::test]
async fn a_refresh_token_gets_the_credential_again_and_another_refresh_token() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let (access, refresh) = tokens(&server, &mut wallet).await;
    assert_eq!(wallet.badge(&server, &access).await.status, 200);
    server.ground.pass(SignedDuration::from_hours(24 * 20));
    let reply = wallet.proven(&server, "/demo/token", &refresh_parts(&refresh)).await;
    assert_eq!(reply.status, 200, "{reply}");
    let body = reply.json();
    assert_ne!(text(&body["refresh_token"]), refresh);
    assert_eq!(wallet.badge(&server, &text(&body["access_token"])).await.status, 200);
    // the token that gave out the first badge was replaced: it is none, whatever was got with the second
    let reply = wallet.badge(&server, &access).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
    // thirty days from the last use
    server.ground.pass(SignedDuration::from_hours(24 * 31));
    let parts = refresh_parts(&text(&body["refresh_token"]));
    let reply = wallet.proven(&server, "/demo/token", &parts).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_grant"));
}

#[tokio::test]
async fn an_access_token_gets_what_can_be_looked_up_again_as_long_as_it_lives() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let (access, refresh) = tokens(&server, &mut wallet).await;
    for _ in 0..2 {
        let reply = wallet.badge(&server, &access).await;
        assert_eq!(reply.status, 200, "{reply}");
    }
    server.ground.pass(SignedDuration::from_mins(11));
    let reply = wallet.badge(&server, &access).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
    // RFC 9449 §7.1: told under the scheme that it was shown by
    let challenge = reply.header(WWW_AUTHENTICATE);
    assert_eq!(challenge, Some(r#"DPoP error="invalid_token", algs="ES256 ES384 EdDSA""#));
    // and none of it costs the refresh token
    let reply = wallet.proven(&server, "/demo/token", &refresh_parts(&refresh)).await;
    assert_eq!(reply.status, 200, "{reply}");
}

#[tokio::test]
async fn an_access_token_gets_the_same_thirty_two_times_and_no_more() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let (access, refresh) = tokens(&server, &mut wallet).await;
    for _ in 0..32 {
        assert_eq!(wallet.badge(&server, &access).await.status, 200);
    }
    let reply = wallet.badge(&server, &access).await;
    assert_eq!(reply.refusal(), refused(400, "credential_request_denied"));
    // another access token gets it as often
    let body = wallet.proven(&server, "/demo/token", &refresh_parts(&refresh)).await.json();
    for _ in 0..2 {
        let reply = wallet.badge(&server, &text(&body["access_token"])).await;
        assert_eq!(reply.status, 200, "{reply}");
    }
}

#[tokio::test]
async fn a_credential_that_nobody_granted_is_not_given_by_asking_again() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let (access, _) = tokens(&server, &mut wallet).await;
    assert_eq!(wallet.badge(&server, &access).await.status, 200);
    let request = json!({
        "credential_configuration_id": "diploma",
        "proofs": { "jwt": [server.proof().await] },
    });
    let reply = wallet.credential(&server, &access, &request).await;
    assert_eq!(reply.refusal(), refused(400, "credential_request_denied"));
}

#[tokio::test]
async fn a_refresh_token_is_bound_to_its_key_and_its_client() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let (_, refresh) = tokens(&server, &mut wallet).await;
    let thief = Wallet::new(&server);
    let reply = thief.proven(&server, "/demo/token", &refresh_parts(&refresh)).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_grant"));
    let parts = with(refresh_parts(&refresh), "client_id", "other");
    let reply = wallet.proven(&server, "/demo/token", &parts).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_grant"));
    let unproven =
        token_request("/demo/token", &crate::code_wallet::form(&refresh_parts(&refresh)));
    assert_eq!(server.send(unproven).await.refusal(), refused(400, "invalid_grant"));
    let reply = wallet.proven(&server, "/demo/token", &refresh_parts(&refresh)).await;
    assert_eq!(reply.status, 200, "{reply}");
}

#[tokio::test]
async fn a_refresh_token_that_was_replaced_ends_the_whole_family() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let (old_access, first) = tokens(&server, &mut wallet).await;
    let second = wallet.proven(&server, "/demo/token", &refresh_parts(&first)).await.json();
    // the access token that was replaced opens nothing
    let reply = wallet.badge(&server, &old_access).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
    let replayed = wallet.proven(&server, "/demo/token", &refresh_parts(&first)).await;
    assert_eq!(replayed.refusal(), refused(400, "invalid_grant"));
    let parts = refresh_parts(&text(&second["refresh_token"]));
    let reply = wallet.proven(&server, "/demo/token", &parts).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_grant"));
    let reply = wallet.badge(&server, &text(&second["access_token"])).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
}

#[tokio::test]
async fn a_public_wallet_without_a_key_gets_no_refresh_token() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let code = wallet.code(&server).await;
    let form = crate::code_wallet::form(&wallet.token_parts(&code));
    let body = server.send(token_request("/demo/token", &form)).await.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body.get("refresh_token"), None::<&Value>);
    server.finish(&text(&body["access_token"])).await;
    assert_eq!(server.issued_to("ada").await, 1, "on record under who logged in");
}

fn durable() -> (tempfile::TempDir, Arc<Server>) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(folder.path()).expect("a store"));
    (folder, Arc::new(server_in(store, Consent::DangerAlways(HolderId::new("ada")))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_sixty_four_wallets_with_one_code_exactly_one_gets_a_token() {
    let (_folder, server) = durable();
    let mut wallet = Wallet::new(&server);
    let code = wallet.code(&server).await;
    let rivals = (0..64).map(|_| {
        let mut rival = Wallet::new(&server);
        rival.verifier = wallet.verifier.clone();
        rival
    });
    let replies = race(&server, &code, rivals).await;
    let (won, lost): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 63));
    for reply in lost {
        assert_eq!(reply.refusal(), refused(400, "invalid_grant"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_that_shows_its_code_sixteen_times_at_once_gets_one_token() {
    let (_folder, server) = durable();
    let mut wallet = Wallet::new(&server);
    let code = wallet.code(&server).await;
    let replies = race(&server, &code, std::iter::repeat_n(&wallet, 16)).await;
    let tokens: HashSet<_> =
        replies.iter().map(|reply| reply.json()["access_token"].clone()).collect();
    assert_eq!((tokens.len(), replies.iter().all(|reply| reply.status == 200)), (1, true));
}

/// What these wallets get for one code, all at once.
async fn race(
    server: &Arc<Server>,
    code: &str,
    wallets: impl Iterator<Item = impl Borrow<Wallet>>,
) -> Vec<Reply> {
    let mut rivals = JoinSet::new();
    for wallet in wallets {
        let wallet = wallet.borrow();
        let proof = wallet.proof(server, "/demo/token", None).await;
        let form = crate::code_wallet::form(&wallet.token_parts(code));
        let server = Arc::clone(server);
        rivals.spawn(async move {
            let mut sent = token_request("/demo/token", &form);
            sent.headers_mut().insert(DPOP, proof.parse().expect("visible ASCII"));
            server.send(sent).await
        });
    }
    rivals.join_all().await
}

#[tokio::test]
async fn a_server_that_stops_between_token_and_credential_leaves_the_holder_able_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let open = || -> Arc<dyn Store> { Arc::new(SqliteStore::open(folder.path()).unwrap()) };
    let agrees = || Consent::DangerAlways(HolderId::new("ada"));
    let server = server_in(open(), agrees());
    let mut wallet = Wallet::new(&server);
    let (access, refresh) = tokens(&server, &mut wallet).await;
    drop(server);
    let server = server_in(open(), agrees());
    assert_eq!(wallet.badge(&server, &access).await.status, 200);
    drop(server);
    let server = server_in(open(), agrees());
    let reply = wallet.proven(&server, "/demo/token", &refresh_parts(&refresh)).await;
    assert_eq!(reply.status, 200, "{reply}");
}

/// An offer of badge and diploma that waits for a decision and that its holder logs in for: its name, the tokens,
/// and the transaction of the badge, which was asked for.
async fn waiting(server: &Server, wallet: &mut Wallet) -> (String, Value, Value) {
    let offer = json!({
        "credentials": [{ "configuration": "employee_badge" }, { "configuration": "diploma" }],
        "login": "only", "deferral": "until_decided",
    });
    let offer = server.make_offer(&offer).await.json();
    let path = text(&offer["offer_uri"]);
    let path = path.strip_prefix("https://issuer.example").expect("our own URL");
    let grants = server.get(path).await.json()["grants"].clone();
    let members: Vec<_> = grants.as_object().expect("an object").keys().cloned().collect();
    assert_eq!(members, ["authorization_code"], "no pre-authorized code where logging in is all");
    let state = text(&grants["authorization_code"]["issuer_state"]);
    let mut parts = with(wallet.parts(), "issuer_state", &state);
    parts = with(parts, "scope", "employee_badge diploma");
    let reply = wallet.push(server, &parts).await;
    assert_eq!(reply.status, 201, "{reply}");
    let request_uri = text(&reply.json()["request_uri"]);
    let answer = Answer::of(&wallet.open(server, &request_uri).await);
    let tokens = wallet.token(server, &answer.one("code").expect("Ada agreed")).await.json();
    let waiting = wallet.badge(server, &text(&tokens["access_token"])).await;
    assert_eq!(waiting.status, 202, "{waiting}");
    let transaction = json!({ "transaction_id": waiting.json()["transaction_id"] });
    (text(&offer["id"]), tokens, transaction)
}

#[tokio::test]
async fn what_has_to_wait_can_be_taken_by_logging_in_and_goes_on_waiting_under_a_refreshed_token() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let (offer, tokens, transaction) = waiting(&server, &mut wallet).await;
    let (access, refresh) = (text(&tokens["access_token"]), text(&tokens["refresh_token"]));
    let tokens = wallet.proven(&server, "/demo/token", &refresh_parts(&refresh)).await.json();
    let stale = wallet.at("/demo/deferred", &server, &access, &transaction).await;
    assert_eq!(stale.refusal(), refused(401, "invalid_token"));
    let access = text(&tokens["access_token"]);
    let reply = wallet.at("/demo/deferred", &server, &access, &transaction).await;
    assert_eq!(reply.status, 202, "{reply}");
    let path = format!("/api/demo/offers/{offer}/decision");
    let body = json!({ "decision": "release" });
    let decided = server.api(Method::POST, &path, &body).await;
    assert_eq!(decided.status, 204, "{decided}");
    let reply = wallet.at("/demo/deferred", &server, &access, &transaction).await;
    assert_eq!(reply.status, 200, "{reply}");
}

#[tokio::test]
async fn a_refresh_token_outlives_what_waited_and_what_waited_too_long_can_be_asked_for_again() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let (_, tokens, transaction) = waiting(&server, &mut wallet).await;
    server.ground.pass(SignedDuration::from_hours(25));
    let parts = refresh_parts(&text(&tokens["refresh_token"]));
    let reply = wallet.proven(&server, "/demo/token", &parts).await;
    assert_eq!(reply.status, 200, "{reply}");
    let access = text(&reply.json()["access_token"]);
    let reply = wallet.at("/demo/deferred", &server, &access, &transaction).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_transaction_id"));
    let waiting = wallet.badge(&server, &access).await;
    assert_eq!(waiting.status, 202, "{waiting}");
    let transaction = json!({ "transaction_id": waiting.json()["transaction_id"] });
    let reply = wallet.at("/demo/deferred", &server, &access, &transaction).await;
    assert_eq!(reply.status, 202, "{reply}");
}

#[tokio::test]
async fn a_proof_that_is_replayed_with_an_authorization_code_is_in_the_trail() {
    let server = server_where_ada_agrees();
    let wallet = &mut Wallet::new(&server);
    let proof = wallet.proof(&server, "/demo/token", None).await;
    let redeem = async |code: &str, wallet: &Wallet| {
        let form = crate::code_wallet::form(&wallet.token_parts(code));
        let mut sent = token_request("/demo/token", &form);
        sent.headers_mut().insert(DPOP, proof.parse().expect("visible ASCII"));
        server.send(sent).await
    };
    let code = wallet.code(&server).await;
    assert_eq!(redeem(&code, wallet).await.status, 200);
    let offer = json!({ "configuration": "employee_badge", "login": "only" });
    let offer = server.offer_of(&offer).await;
    let grants = server.get(&offer.path).await.json()["grants"].clone();
    let state = text(&grants["authorization_code"]["issuer_state"]);
    let pushed = wallet.push(&server, &with(wallet.parts(), "issuer_state", &state)).await.json();
    let answer = Answer::of(&wallet.open(&server, &text(&pushed["request_uri"])).await);
    let replayed = redeem(&answer.one("code").expect("Ada agreed"), wallet).await;
    assert_eq!(replayed.refusal(), refused(400, "invalid_dpop_proof"));
    let trail = server.trail(&offer).await;
    assert!(trail.contains(&"refused: proof_replayed".to_owned()), "{trail:?}");
}

#[tokio::test]
async fn a_credential_of_before_a_refresh_can_be_told_about() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let (access, mut refresh) = tokens(&server, &mut wallet).await;
    let badge = wallet.badge(&server, &access).await.json();
    let told = |event: &str| json!({ "notification_id": badge["notification_id"], "event": event });
    // after one refresh, and after one more under which nothing was issued
    for event in ["credential_accepted", "credential_deleted"] {
        let body = wallet.proven(&server, "/demo/token", &refresh_parts(&refresh)).await.json();
        refresh = text(&body["refresh_token"]);
        let access = text(&body["access_token"]);
        let reply = wallet.at("/demo/notification", &server, &access, &told(event)).await;
        assert_eq!(reply.status, 204, "{reply}");
    }
}

#[tokio::test]
async fn whoever_was_erased_gets_nothing_more_by_a_refresh_token() {
    let server = server_where_ada_agrees();
    let mut wallet = Wallet::new(&server);
    let (access, refresh) = tokens(&server, &mut wallet).await;
    assert_eq!(wallet.badge(&server, &access).await.status, 200);
    let path = "/api/demo/subjects/erase";
    let erased = server.api(Method::POST, path, &json!({ "subject": "ada" })).await.json();
    assert_eq!(erased["credentials"].as_array().map(Vec::len), Some(1), "{erased}");
    assert_eq!(erased["sessions"].as_array().map(Vec::len), Some(1), "{erased}");
    let reply = wallet.proven(&server, "/demo/token", &refresh_parts(&refresh)).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_grant"));
    let reply = wallet.badge(&server, &access).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
}
