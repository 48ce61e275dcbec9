//! What a page in the browser may do, and what every other page may not; and links that rotate.

use axum::body::Body;
use http::{HeaderName, Method, Request, StatusCode, header};
use jiff::SignedDuration;
use lanyard_core::crypto::RustCrypto;
use lanyard_oid4vp::{dcql::CredentialView, wallet::Read};
use lanyard_testkit::SeededRandom;
use serde_json::{Value, json};

use crate::world::{Answer, Asked, Holder, SHOP, World, steps};

const SIGNED: &str = "openid4vp-v1-signed";

/// A request that a page began.
struct Begun {
    id: String,
    secret: String,
    view: Value,
}

async fn send(
    world: &World,
    (method, path): (Method, &str),
    headers: &[(HeaderName, &str)],
    body: Option<Value>,
) -> Answer {
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    request = request.header(header::CONTENT_TYPE, "application/json");
    world.send(request.body(body).expect("a request")).await
}

async fn begin(world: &World) -> Begun {
    let body = json!({ "preset": "badge" });
    let to = (Method::POST, "/demo/browser");
    let answer = send(world, to, &[(header::ORIGIN, SHOP)], Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), SHOP);
    let view = answer.json();
    let text = |name: &str| view[name].as_str().expect("a text").to_owned();
    Begun { id: text("id"), secret: text("browser_session"), view }
}

impl Begun {
    async fn send(&self, world: &World, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.send_as(world, &self.secret, method, path, body).await
    }

    async fn send_as(
        &self,
        world: &World,
        secret: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let path = format!("/demo/browser/{}{path}", self.id);
        let bearer = format!("Bearer {secret}");
        let headers = [(header::ORIGIN, SHOP), (header::AUTHORIZATION, bearer.as_str())];
        send(world, (method, &path), &headers, body).await
    }

    async fn view(&self, world: &World) -> Value {
        let answer = self.send(world, Method::GET, "", None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    }

    fn asked(&self, view: &Value) -> Asked {
        let link = view["link"].as_str().expect("a link").parse().expect("a URL");
        Asked { id: self.id.clone(), link }
    }

    async fn answer_of(&self, world: &World) -> Value {
        let holder = Holder::new(world).await;
        let request = &self.view["dc_api"]["requests"][0];
        let read = world.wallet().read_dc_api(SIGNED, &request["data"], SHOP, world.now()).await;
        let read = read.expect("a request that keeps every rule");
        let choices =
            read.choices(&[CredentialView::of_held(&holder.held, &[])]).expect("the badge fits");
        let selection = choices.smallest();
        let consent = choices.approve(&selection).expect("a selection");
        let data = read.answer(consent, &holder, &RustCrypto).await.expect("an answer");
        json!({ "protocol": SIGNED, "data": data })
    }
}

#[tokio::test]
async fn the_secret_of_a_page_is_refused_in_the_query() {
    let world = World::new();
    let begun = begin(&world).await;
    let path = format!("?access_token={}", begun.secret);
    let answer = begun.send(&world, Method::GET, &path, None).await;
    assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn a_page_begins_a_request_asks_through_the_browser_and_learns_the_outcome() {
    let world = World::new();
    let begun = begin(&world).await;
    assert_eq!(
        (&begun.view["state"], &begun.view["title"]),
        (&json!("waiting"), &json!("A colleague"))
    );
    let answer = begun.answer_of(&world).await;
    let reply = begun.send(&world, Method::POST, "/dc-api", Some(answer)).await;
    assert_eq!((reply.status, reply.text()), (StatusCode::OK, "{}".to_owned()));
    let view = begun.view(&world).await;
    assert_eq!((&view["state"], &view["open"]), (&json!("verified"), &json!(false)));
    assert!(!view.to_string().contains("Lovelace"), "the page is told no claim: {view}");
    let asked = Asked { id: begun.id.clone(), link: "a:b".parse().unwrap() };
    let status = world.status(&asked).await;
    assert_eq!(status["verdict"]["credentials"][0]["claims"]["name"], "Ada Lovelace");
}

#[tokio::test]
async fn a_page_shows_the_code_of_the_moment_and_a_wallet_that_scans_it_answers() {
    let world = World::new();
    let begun = begin(&world).await;
    let qr = begun.send(&world, Method::GET, "/qr", None).await;
    assert_eq!((qr.status, qr.header(header::CONTENT_TYPE)), (StatusCode::OK, "image/svg+xml"));
    let asked = begun.asked(&begun.view(&world).await);
    let response = world.answer(&asked).await;
    let view = begun.view(&world).await;
    assert_eq!((&view["state"], &view["fetched"]), (&json!("waiting"), &json!(true)));
    assert_ne!(view["tag"], begun.view["tag"], "that it was scanned is news");
    assert_eq!(world.post(&response).await.status, StatusCode::OK);
    assert_eq!(begun.view(&world).await["state"], "verified");
}

#[tokio::test]
async fn a_page_learns_why_a_presentation_was_refused() {
    let world = World::new();
    let begun = begin(&world).await;
    let asked = begun.asked(&begun.view(&world).await);
    let nonce = Some("another-nonce-of-another-request".to_owned());
    let holder = Holder { nonce, ..Holder::new(&world).await };
    world.post(&holder.answer(&asked).await).await;
    let view = begun.view(&world).await;
    assert_eq!((&view["state"], &view["reason"]), (&json!("refused"), &json!("nonce_mismatch")));
    assert_eq!(view["open"], true);
}

#[tokio::test]
async fn a_page_that_waits_is_answered_when_there_is_news() {
    let world = World::new();
    let begun = begin(&world).await;
    let asked = begun.asked(&begun.view(&world).await);
    let response = world.answer(&asked).await;
    let known = begun.view(&world).await["tag"].as_str().expect("a tag").to_owned();
    let path = format!("?known={known}");
    let waits = begun.send(&world, Method::GET, &path, None);
    let (news, posted) = tokio::join!(waits, world.post(&response));
    assert_eq!(posted.status, StatusCode::OK);
    assert_eq!(news.json()["state"], "verified");
}

#[tokio::test]
async fn a_page_whose_server_made_the_request_gets_all_of_it() {
    let world = World::new();
    let secret = "a-secret-of-this-browser-0123456789abcdefgh";
    let body = json!({
        "preset": "badge", "rotating_link": true, "browser_session": secret,
        "dc_api": { "origins": [SHOP] },
    });
    let id = world.ask(body).await.id;
    let mut begun = Begun { id, secret: secret.to_owned(), view: Value::Null };
    begun.view = begun.view(&world).await;
    let answer = begun.answer_of(&world).await;
    let reply = begun.send(&world, Method::POST, "/dc-api", Some(answer)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    assert_eq!(begun.view(&world).await["state"], "verified");
}

#[tokio::test]
async fn another_browser_gets_nothing_and_uses_nothing_up() {
    let world = World::new();
    let (begun, other) = (begin(&world).await, begin(&world).await);
    let answer = begun.answer_of(&world).await;
    for secret in [other.secret.as_str(), "a-secret-that-somebody-made-up-01234567890"] {
        for (method, path, body) in [
            (Method::GET, "", None),
            (Method::GET, "/qr", None),
            (Method::POST, "/dc-api", Some(answer.clone())),
        ] {
            let got = begun.send_as(&world, secret, method, path, body).await;
            assert_eq!(got.refusal(), (404, "not_found".to_owned()), "{path}");
        }
    }
    let asked = Asked { id: begun.id.clone(), link: "a:b".parse().unwrap() };
    assert!(steps(&world.status(&asked).await).contains(&"refused: other_browser".to_owned()));
    let reply = begun.send(&world, Method::POST, "/dc-api", Some(answer)).await;
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_without_its_secret_gets_nothing() {
    let world = World::new();
    let begun = begin(&world).await;
    let path = format!("/demo/browser/{}", begun.id);
    let answer = send(&world, (Method::GET, &path), &[(header::ORIGIN, SHOP)], None).await;
    assert_eq!(answer.refusal(), (401, "invalid_token".to_owned()));
}

#[tokio::test]
async fn a_page_of_another_origin_may_not_ask() {
    let world = World::new();
    let begun = begin(&world).await;
    let bearer = format!("Bearer {}", begun.secret);
    let path = format!("/demo/browser/{}", begun.id);
    for origin in
        ["https://evil.example", "https://shop.example:8443", "http://shop.example", "null"]
    {
        let headers = [(header::ORIGIN, origin), (header::AUTHORIZATION, bearer.as_str())];
        let body = Some(json!({ "preset": "badge" }));
        for (to, body) in [
            ((Method::POST, "/demo/browser"), body),
            ((Method::GET, path.as_str()), None),
            ((Method::OPTIONS, path.as_str()), None),
        ] {
            let answer = send(&world, to, &headers, body).await;
            assert_eq!(answer.refusal(), (403, "origin_not_allowed".to_owned()), "{origin}");
            assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "", "{origin}");
        }
    }
    // and a program that says nothing about where it comes from is no page
    let answer = send(&world, (Method::POST, "/demo/browser"), &[], Some(json!({}))).await;
    assert_eq!(answer.refusal(), (403, "origin_not_allowed".to_owned()));
}

#[tokio::test]
async fn a_page_of_the_verifier_s_own_origin_is_a_page_too() {
    let world = World::new();
    let own = [(header::ORIGIN, "https://verifier.example")];
    let body = Some(json!({ "preset": "badge" }));
    let answer = send(&world, (Method::POST, "/demo/browser"), &own, body).await;
    assert_eq!(answer.status, StatusCode::OK);
    let begun = answer.json();
    let text = |name: &str| begun[name].as_str().expect("a text").to_owned();
    let (path, bearer) =
        (format!("/demo/browser/{}", text("id")), format!("Bearer {}", text("browser_session")));
    let site = HeaderName::from_static("sec-fetch-site");
    let headers = [(site, "same-origin"), (header::AUTHORIZATION, bearer.as_str())];
    assert_eq!(send(&world, (Method::GET, &path), &headers, None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_page_asks_what_is_ready_to_ask_and_nothing_else() {
    let world = World::new();
    for (body, code) in [
        (json!({ "preset": "unknown" }), "unknown_preset"),
        (json!({ "preset": "badge", "trust_anchors": [] }), "invalid_request"),
        (json!({ "dcql_query": {} }), "invalid_request"),
    ] {
        let to = (Method::POST, "/demo/browser");
        let answer = send(&world, to, &[(header::ORIGIN, SHOP)], Some(body.clone())).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{body}");
    }
}

#[tokio::test]
async fn a_browser_that_asks_first_is_told_what_the_page_may_send() {
    let world = World::new();
    let to = (Method::OPTIONS, "/demo/browser");
    let answer = send(&world, to, &[(header::ORIGIN, SHOP)], None).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT);
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), SHOP);
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_HEADERS), "authorization, content-type");
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_CREDENTIALS), "", "no cookie is read");
}

#[tokio::test]
async fn the_element_is_served_to_pages_of_any_origin() {
    let world = World::new();
    let answer = world.get("/lanyard-verify.js").await;
    assert_eq!(answer.header(header::CONTENT_TYPE), "text/javascript; charset=utf-8");
    assert_eq!(answer.header(header::ACCESS_CONTROL_ALLOW_ORIGIN), "*");
    let script = answer.text();
    assert!(script.contains("customElements.define(\"lanyard-verify\""));
    for never in ["eval(", "innerHTML", "new Function", "style="] {
        assert!(!script.contains(never), "a strict CSP refuses {never}");
    }
}

async fn rotating(world: &World) -> Asked {
    world.ask(json!({ "preset": "badge", "rotating_link": true })).await
}

async fn current(world: &World, asked: &Asked) -> Asked {
    let status = world.status(asked).await;
    let link = status["link"].as_str().expect("a link").parse().expect("a URL");
    Asked { id: asked.id.clone(), link }
}

#[tokio::test]
async fn a_photographed_code_dies_within_the_minute_while_the_shown_one_is_good() {
    let world = World::new();
    let photographed = rotating(&world).await;
    let path = photographed.request_path();
    assert_eq!(world.get(&path).await.status, StatusCode::OK);
    assert_eq!(world.get(&path).await.status, StatusCode::OK, "a wallet may fetch twice");
    let mut shown = photographed.request_path();
    for _ in 0..12 {
        world.clock.forward(SignedDuration::from_secs(5));
        shown = current(&world, &photographed).await.request_path();
        assert_eq!(world.get(&shown).await.status, StatusCode::OK);
    }
    assert_ne!(shown, path);
    assert_eq!(world.get(&path).await.refusal(), (404, "not_found".to_owned()));
    let status = world.status(&photographed).await;
    assert!(steps(&status).contains(&"refused: link_outdated".to_owned()), "{status}");
    let asked = current(&world, &photographed).await;
    assert_eq!(world.post(&world.answer(&asked).await).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_link_is_good_for_as_long_as_it_says_and_no_longer() {
    let world = World::new();
    let asked = rotating(&world).await;
    let until = world.status(&asked).await["link_expires_at"].as_str().expect("a time").to_owned();
    let until: jiff::Timestamp = until.parse().expect("a time");
    let left = until.duration_since(world.now());
    assert!(
        left <= SignedDuration::from_secs(50) && left > SignedDuration::from_secs(30),
        "{left}"
    );
    let path = current(&world, &asked).await.request_path();
    world.clock.forward(left - SignedDuration::from_secs(1));
    assert_eq!(world.get(&path).await.status, StatusCode::OK);
    world.clock.forward(SignedDuration::from_secs(1));
    assert_eq!(world.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_wallet_that_fetched_in_time_may_answer_until_the_request_expires() {
    let world = World::new();
    let reviewed = world.review(&rotating(&world).await).await;
    world.clock.forward(SignedDuration::from_mins(4));
    let response = Holder::new(&world).await.answer_to(&reviewed).await;
    assert_eq!(world.post(&response).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_stamp_of_one_session_is_of_no_use_in_another_and_none_can_be_made_up() {
    let world = World::new();
    let (one, other) =
        (rotating(&world).await.request_path(), rotating(&world).await.request_path());
    let (one_path, one_stamp) = one.split_once('~').expect("a stamp");
    let (other_path, other_stamp) = other.split_once('~').expect("a stamp");
    assert_ne!(one_stamp, other_stamp);
    for path in [
        one_path.to_owned(),
        format!("{one_path}~"),
        format!("{one_path}~{other_stamp}"),
        format!("{one_path}~AAAAAAAAAAAAAAAAAAAAAA"),
        format!("{other_path}~{one_stamp}"),
    ] {
        assert_eq!(world.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    // and a link that does not rotate takes no stamp
    let plain = world.ask_for_name().await.request_path();
    assert_eq!(world.get(&format!("{plain}~{one_stamp}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.get(&plain).await.status, StatusCode::OK);
}

#[tokio::test]
async fn no_shown_code_has_the_request_s_name_in_it() {
    let world = World::new();
    let asked = rotating(&world).await;
    assert!(!asked.link.as_str().contains(&asked.id));
    let read = world.wallet().read(asked.link.as_str(), world.now(), &SeededRandom::new(1)).await;
    assert!(matches!(read, Ok(Read::Fetch(_))));
}

#[tokio::test]
async fn a_link_with_the_whole_request_in_it_does_not_rotate() {
    let world = World::new();
    let body =
        json!({ "preset": "badge", "rotating_link": true, "client_id_prefix": "redirect_uri" });
    let answer = world.api(Method::POST, "requests", Some(body)).await;
    assert_eq!(answer.refusal(), (400, "invalid_rotating_link".to_owned()));
}

#[tokio::test]
async fn a_code_is_drawn_as_svg_or_png_as_the_caller_likes() {
    let world = World::new();
    let asked = world.ask_for_name().await;
    for (name, accept, kind) in [
        ("qr", "image/png", "image/png"),
        ("qr", "image/svg+xml, image/png;q=0.9", "image/svg+xml"),
        ("qr", "*/*", "image/svg+xml"),
        ("qr.png", "*/*", "image/png"),
        ("qr.svg", "image/png", "image/svg+xml"),
    ] {
        let path = format!("/api/demo/requests/{}/{name}", asked.id);
        let bearer = format!("Bearer {}", crate::world::KEY);
        let headers = [(header::ACCEPT, accept), (header::AUTHORIZATION, bearer.as_str())];
        let answer = send(&world, (Method::GET, &path), &headers, None).await;
        assert_eq!(answer.header(header::CONTENT_TYPE), kind, "{name} {accept}");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
        let begins: &[u8] = if kind == "image/png" { b"\x89PNG" } else { b"<" };
        assert!(answer.body.starts_with(begins), "{name} {accept}");
    }
}
