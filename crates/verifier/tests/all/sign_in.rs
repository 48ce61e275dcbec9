//! Sign in with a wallet: an application that speaks OpenID Connect, a browser, and a wallet.

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::{Request, StatusCode, header};
use jiff::SignedDuration;
use lanyard_core::{
    crypto::{RustCrypto, SignatureAlgorithm},
    jose::{HeaderKey, Jwk, Slot, UnverifiedJws},
    pkce::CodeVerifier,
};
use lanyard_testkit::SeededRandom;
use serde_json::{Value, json};
use url::Url;

use crate::world::{Answer, Asked, CLIENT_SECRET, World};

const BACK: &str = "https://intranet.example/back?here=1";
const NONCE: &str = "n-0S6_WzA2Mj";

/// A browser at the application `client`.
struct Visit<'w> {
    world: &'w World,
    client: &'static str,
    verifier: CodeVerifier,
    cookie: String,
    page: String,
}

fn verifier() -> CodeVerifier {
    CodeVerifier::generate(&SeededRandom::new(7))
}

fn authorize(client: &str, changes: &[(&str, &str)]) -> String {
    let challenge = verifier().challenge(&RustCrypto);
    let mut parameters = vec![
        ("client_id", client),
        ("redirect_uri", BACK),
        ("response_type", "code"),
        ("scope", "openid profile badge"),
        ("state", "s t&te"),
        ("nonce", NONCE),
        ("code_challenge", challenge.as_str()),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        parameters.retain(|(own, _)| own != name);
        parameters.push((name, value));
    }
    let query =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
    format!("/demo/sign-in/authorize?{query}")
}

impl<'w> Visit<'w> {
    async fn begin(world: &'w World, client: &'static str) -> Self {
        let answer = world.get(&authorize(client, &[])).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
        let cookie = answer.header(header::SET_COOKIE);
        assert!(
            cookie.contains("; Path=/demo/sign-in; HttpOnly; SameSite=Lax; Secure"),
            "{cookie}"
        );
        let cookie = cookie.split(';').next().expect("a pair").to_owned();
        let page = answer.header(header::LOCATION).to_owned();
        Self { world, client, verifier: verifier(), cookie, page }
    }

    async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).header(header::COOKIE, &self.cookie);
        self.world.send(request.body(Body::empty()).expect("a request")).await
    }

    async fn post(&self, path: &str) -> Answer {
        let request = Request::post(path).header(header::COOKIE, &self.cookie);
        self.world.send(request.body(Body::empty()).expect("a request")).await
    }

    /// The request that waits, as the wallet finds it: the link is in a picture, so the API tells it.
    async fn asked(&self) -> Asked {
        let id = self.page.rsplit('/').next().expect("an identifier").to_owned();
        let answer = self.world.api(http::Method::GET, &format!("requests/{id}"), None).await;
        let link = answer.json()["link"].as_str().expect("a link").to_owned();
        Asked { id, link: Url::parse(&link).expect("a link") }
    }

    /// The wallet presents, and the browser goes on with a code.
    async fn signed_in(&self) -> Url {
        let asked = self.asked().await;
        let answer = self.world.post(&self.world.answer(&asked).await).await;
        assert_eq!(answer.status, StatusCode::OK);
        back(&self.get(&self.page).await)
    }

    async fn trade(&self, code: &str) -> Answer {
        self.trade_with(&[("code", code)]).await
    }

    async fn trade_with(&self, changes: &[(&str, &str)]) -> Answer {
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("redirect_uri", BACK),
            ("code_verifier", self.verifier.reveal()),
            ("client_id", self.client),
        ];
        for (name, value) in changes {
            form.retain(|(own, _)| own != name);
            form.push((name, value));
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.world.post_form("/demo/sign-in/token", body).await
    }
}

/// Where the browser is sent.
fn back(answer: &Answer) -> Url {
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text());
    Url::parse(answer.header(header::LOCATION)).expect("a URL")
}

fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned())
}

/// The claims of an ID token, verified by the published key.
async fn claims(world: &World, token: &str) -> Value {
    let keys = world.get("/demo/sign-in/jwks").await.json();
    let key = Jwk::from_value(&keys["keys"][0]).expect("a key");
    let slot = Slot {
        name: "ID token",
        typ: &["JWT"],
        algorithms: SignatureAlgorithm::OPENID4VC,
        header_keys: &[HeaderKey::Kid],
    };
    let jws = UnverifiedJws::parse(token).expect("a JWS");
    let verified = jws.verify(&slot, &key.key, &RustCrypto).expect("the provider signed it");
    Value::Object(verified.claims().expect("claims"))
}

#[tokio::test]
async fn the_metadata_lead_to_everything() {
    let world = World::new();
    let metadata = world.get("/demo/sign-in/.well-known/openid-configuration").await.json();
    assert_eq!(metadata["issuer"], "https://verifier.example/demo/sign-in");
    assert_eq!(metadata["scopes_supported"], json!(["openid", "badge"]));
    for name in ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"] {
        let url = Url::parse(metadata[name].as_str().expect(name)).expect("a URL");
        assert_ne!(world.get(url.path()).await.status, StatusCode::NOT_FOUND, "{name}");
    }
    let none = world.get("/nobody/sign-in/.well-known/openid-configuration").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_wallet_elsewhere_signs_the_browser_in() {
    let world = World::new();
    let visit = Visit::begin(&world, "app").await;
    let page = visit.get(&visit.page).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("<svg") && page.text().contains("The Intranet"));
    assert!(page.header(header::CONTENT_SECURITY_POLICY).contains("default-src 'none'"));
    let state = visit.get(&format!("{}/state", visit.page)).await.json();
    assert_eq!(state, json!({ "state": "waiting", "was_refused": false }));

    let url = visit.signed_in().await;
    assert!(url.as_str().starts_with(&format!("{BACK}&code=")), "{url}");
    assert_eq!(parameter(&url, "state").as_deref(), Some("s t&te"));
    assert_eq!(parameter(&url, "iss").as_deref(), Some("https://verifier.example/demo/sign-in"));
    let code = parameter(&url, "code").expect("a code");
    let tokens = visit.trade(&code).await;
    assert_eq!(tokens.status, StatusCode::OK, "{}", tokens.text());
    assert_eq!(tokens.header(header::CACHE_CONTROL), "no-store");
    let tokens = tokens.json();
    let said = claims(&world, tokens["id_token"].as_str().expect("a token")).await;
    assert_eq!(said["iss"], "https://verifier.example/demo/sign-in");
    assert_eq!(
        (&said["aud"], &said["nonce"], &said["acr"]),
        (&json!("app"), &json!(NONCE), &json!("badge"))
    );
    assert_eq!(said["name"], "Ada Lovelace");
    let badge = &said["presentations"]["badge"][0];
    assert_eq!(
        (&badge["claims"]["name"], &badge["issuer"]),
        (&json!("Ada Lovelace"), &json!("Acme"))
    );
    assert_eq!(said["exp"].as_i64(), Some(world.now().as_second() + 300));

    let request = Request::get("/demo/sign-in/userinfo").header(
        header::AUTHORIZATION,
        format!("Bearer {}", tokens["access_token"].as_str().expect("a token")),
    );
    let again = world.send(request.body(Body::empty()).expect("a request")).await.json();
    assert_eq!((&again["sub"], &again["name"]), (&said["sub"], &said["name"]));
}

#[tokio::test]
async fn an_access_token_in_the_query_tells_nothing_about_who_signed_in() {
    // RFC 6750 §2.3, RFC 9700 §4.3.2
    let world = World::new();
    let visit = Visit::begin(&world, "app").await;
    let code = parameter(&visit.signed_in().await, "code").expect("a code");
    let tokens = visit.trade(&code).await.json();
    let token = tokens["access_token"].as_str().expect("a token");
    for (query, status) in [("", 200), (&*format!("?access_token={token}"), 401)] {
        let request = Request::get(format!("/demo/sign-in/userinfo{query}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty());
        let answer = world.send(request.expect("a request")).await;
        assert_eq!(answer.status.as_u16(), status, "{query}");
    }
}

#[tokio::test]
async fn a_wallet_on_the_same_device_signs_the_browser_in() {
    let world = World::new();
    let visit = Visit::begin(&world, "app").await;
    let link = back(&visit.post(&format!("{}/same-device", visit.page)).await);
    assert_eq!(link.scheme(), "openid4vp");
    let asked = Asked { id: String::new(), link };
    let answer = world.post(&world.answer(&asked).await).await.json();
    let place = Url::parse(answer["redirect_uri"].as_str().expect("a text")).expect("a URL");
    let path = format!("{}?{}", place.path(), place.query().expect("a code"));
    assert_eq!(world.get(&path).await.status, StatusCode::NOT_FOUND, "another browser");
    let url = back(&visit.get(&path).await);
    let code = parameter(&url, "code").expect("a code");
    assert_eq!(visit.trade(&code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_browser_gets_neither_page_nor_code() {
    let world = World::new();
    let visit = Visit::begin(&world, "app").await;
    let other = Visit::begin(&world, "app").await;
    assert_eq!(world.get(&visit.page).await.status, StatusCode::NOT_FOUND);
    assert_eq!(other.get(&visit.page).await.status, StatusCode::NOT_FOUND);
    let asked = visit.asked().await;
    world.post(&world.answer(&asked).await).await;
    assert_eq!(other.get(&visit.page).await.status, StatusCode::NOT_FOUND);
    for path in ["same-device", "cancel"] {
        let answer = other.post(&format!("{}/{path}", visit.page)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    back(&visit.get(&visit.page).await);
}

#[tokio::test]
async fn nobody_is_sent_to_where_the_client_did_not_register() {
    let world = World::new();
    for (name, value) in [
        ("client_id", "nobody"),
        ("redirect_uri", "https://intranet.example/back"),
        ("redirect_uri", "https://intranet.example/back?here=1&more"),
        ("redirect_uri", "https://INTRANET.example/back?here=1"),
        ("redirect_uri", "javascript:alert(1)"),
        ("redirect_uri", ""),
    ] {
        let answer = world.get(&authorize("app", &[(name, value)])).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{name}={value}");
        assert!(answer.headers.get(header::LOCATION).is_none());
        assert!(answer.text().contains("not known here"));
    }
}

#[tokio::test]
async fn each_fault_of_a_request_goes_back_with_its_own_error() {
    let world = World::new();
    let long = "x".repeat(2_001);
    let cases: [(&[(&str, &str)], &str); 11] = [
        (&[("response_type", "id_token")], "unsupported_response_type"),
        (&[("response_mode", "fragment")], "invalid_request"),
        (&[("scope", "badge")], "invalid_scope"),
        (&[("acr_values", "passport")], "invalid_scope"),
        (&[("code_challenge", "")], "invalid_request"),
        (&[("code_challenge_method", "plain")], "invalid_request"),
        (&[("code_challenge", "short")], "invalid_request"),
        (&[("request", "ey")], "request_not_supported"),
        (&[("prompt", "none")], "login_required"),
        (&[("nonce", &long)], "invalid_request"),
        (&[("state", &long)], "invalid_request"),
    ];
    for (changes, error) in cases {
        let url = back(&world.get(&authorize("app", changes)).await);
        assert!(url.as_str().starts_with(BACK), "{url}");
        assert_eq!(parameter(&url, "error").as_deref(), Some(error), "{changes:?}");
        assert!(parameter(&url, "code").is_none());
    }
    let twice = format!("{}&nonce=b", authorize("app", &[]));
    let url = back(&world.get(&twice).await);
    assert_eq!(parameter(&url, "error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn a_code_is_good_once_for_a_minute_and_for_whoever_asked_for_it() {
    let world = World::new();
    let refused = (400, "invalid_grant".to_owned());
    let visit = Visit::begin(&world, "app").await;
    let code = parameter(&visit.signed_in().await, "code").expect("a code");

    let other = CodeVerifier::generate(&SeededRandom::new(8));
    for changes in [
        [("code", code.as_str()), ("code_verifier", other.reveal())],
        [("code", &code), ("code_verifier", "short")],
        [("code", &code), ("redirect_uri", "https://intranet.example/")],
        [("code", "unknown"), ("redirect_uri", BACK)],
    ] {
        assert_eq!(visit.trade_with(&changes).await.refusal(), refused, "{changes:?}");
    }
    let tokens = visit.trade(&code).await;
    assert_eq!(tokens.status, StatusCode::OK);
    assert_eq!(visit.trade(&code).await.refusal(), refused);
    // RFC 6749 §4.1.2: what the first use gave out is taken back
    let token = tokens.json()["access_token"].as_str().expect("a token").to_owned();
    let request = Request::get("/demo/sign-in/userinfo")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::empty());
    let answer = world.send(request.expect("a request")).await;
    assert_eq!(answer.refusal(), (401, "invalid_token".to_owned()));

    let visit = Visit::begin(&world, "app").await;
    let code = parameter(&visit.signed_in().await, "code").expect("a code");
    world.clock.forward(SignedDuration::from_secs(60));
    assert_eq!(visit.trade(&code).await.refusal(), refused);
}

#[tokio::test]
async fn a_client_with_a_secret_has_to_show_it_one_way() {
    let world = World::new();
    let visit = Visit::begin(&world, "intranet").await;
    let code = parameter(&visit.signed_in().await, "code").expect("a code");
    let refused = (401, "invalid_client".to_owned());
    assert_eq!(visit.trade(&code).await.refusal(), refused, "no secret");
    let wrong = visit.trade_with(&[("code", &code), ("client_secret", "wrong")]).await;
    assert_eq!(wrong.refusal(), refused);
    assert_eq!(wrong.header(header::WWW_AUTHENTICATE), "Basic");
    let unknown = visit.trade_with(&[("code", &code), ("client_id", "nobody")]).await;
    assert_eq!(unknown.refusal(), refused);

    let encoded: String = url::form_urlencoded::byte_serialize(CLIENT_SECRET.as_bytes()).collect();
    let basic = format!("Basic {}", BASE64.encode(format!("intranet:{encoded}")));
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("grant_type", "authorization_code"),
            ("redirect_uri", BACK),
            ("code_verifier", visit.verifier.reveal()),
            ("code", code.as_str()),
        ])
        .finish();
    let send = |body: String| {
        let request = Request::post("/demo/sign-in/token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::AUTHORIZATION, &basic)
            .body(Body::from(body));
        world.send(request.expect("a request"))
    };
    let both = send(format!("{body}&client_secret=a")).await;
    assert_eq!(both.refusal(), (400, "invalid_request".to_owned()));
    assert_eq!(send(body).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_code_of_one_client_is_none_of_another_s_business() {
    let world = World::new();
    let visit = Visit::begin(&world, "app").await;
    let code = parameter(&visit.signed_in().await, "code").expect("a code");
    let as_other =
        [("code", code.as_str()), ("client_id", "intranet"), ("client_secret", CLIENT_SECRET)];
    assert_eq!(visit.trade_with(&as_other).await.refusal(), (400, "invalid_grant".to_owned()));
    assert_eq!(visit.trade(&code).await.status, StatusCode::OK);
}

#[tokio::test]
async fn sub_is_the_same_for_one_client_only_where_a_claim_says_who_it_is() {
    let world = World::new();
    let mut subs = Vec::new();
    for client in ["app", "app", "intranet", "intranet"] {
        let visit = Visit::begin(&world, client).await;
        let code = parameter(&visit.signed_in().await, "code").expect("a code");
        let secret = if client == "intranet" { CLIENT_SECRET } else { "" };
        let mut form = vec![("code", code.as_str())];
        form.extend((!secret.is_empty()).then_some(("client_secret", secret)));
        let tokens = visit.trade_with(&form).await.json();
        let said = claims(&world, tokens["id_token"].as_str().expect("a token")).await;
        subs.push(said["sub"].as_str().expect("a text").to_owned());
    }
    assert_eq!(subs[0], subs[1]);
    assert_ne!(subs[2], subs[3]);
    assert!(!subs.contains(&"Ada Lovelace".to_owned()));
}

#[tokio::test]
async fn who_declines_cancels_or_waits_too_long_goes_back_without_a_code() {
    let world = World::new();
    let visit = Visit::begin(&world, "app").await;
    let url = back(&visit.post(&format!("{}/cancel", visit.page)).await);
    assert_eq!(parameter(&url, "error").as_deref(), Some("access_denied"));
    assert_eq!(parameter(&url, "state").as_deref(), Some("s t&te"));

    let visit = Visit::begin(&world, "app").await;
    let asked = visit.asked().await;
    let declined = world.review(&asked).await.decline(&RustCrypto).expect("an answer");
    world.post(&declined).await;
    let url = back(&visit.get(&visit.page).await);
    assert_eq!(parameter(&url, "error").as_deref(), Some("access_denied"));

    let visit = Visit::begin(&world, "app").await;
    world.clock.forward(SignedDuration::from_mins(6));
    let url = back(&visit.get(&visit.page).await);
    assert_eq!(parameter(&url, "error").as_deref(), Some("access_denied"));
}

#[tokio::test]
async fn a_code_is_given_to_one_of_many_tabs_and_traded_by_one_of_many_requests() {
    let world = World::new();
    let visit = Visit::begin(&world, "app").await;
    let asked = visit.asked().await;
    world.post(&world.answer(&asked).await).await;
    let tabs = futures_util::future::join_all((0..16).map(|_| visit.get(&visit.page))).await;
    let codes: Vec<_> = tabs
        .iter()
        .filter(|answer| answer.status == StatusCode::SEE_OTHER)
        .filter_map(|answer| parameter(&back(answer), "code"))
        .collect();
    assert_eq!(codes.len(), 1);
    let trades = futures_util::future::join_all((0..16).map(|_| visit.trade(&codes[0]))).await;
    assert_eq!(trades.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1);
}
