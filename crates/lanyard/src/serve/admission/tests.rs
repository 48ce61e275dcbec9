use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::{
    Router,
    extract::{ConnectInfo, State},
    middleware::{self, Next},
    routing::{get, on, post},
};
use http::Uri;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::{
    watch::{ASKING, CROWD},
    *,
};
use crate::serve::accept::{Gate as _, Judgement, judged};

const PRE_AUTHORIZED: &str =
    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Apre-authorized_code";
const METADATA: &str = "/.well-known/openid-credential-issuer/demo";

/// The routes of a server that watches itself.
fn server(admission: Arc<Admission>) -> Router {
    let mut router = Router::new()
        .route("/{tenant}/credential", post(async || "done"))
        .route("/api/{tenant}/credentials/{id}/revoke", post(async || "done"))
        .route("/healthz", get(async || "done"));
    for (method, route) in beginnings() {
        let method = method.clone().try_into().unwrap();
        let answer = async |uri: Uri, form: String| match uri.path().ends_with("gone") {
            true => Err(StatusCode::NOT_FOUND),
            false => Ok(form),
        };
        router = router.route(route, on(method, answer));
    }
    router.layer(middleware::from_fn_with_state(admission, at_the_door))
}

async fn at_the_door(
    State(admission): State<Arc<Admission>>,
    request: Request,
    next: Next,
) -> Response {
    admit(&admission, request, |request| next.run(request)).await
}

/// Where so many requests are in hand and the quickest took so many times what is quick.
fn pressed(in_hand: usize, times: f64, metrics: Option<Metrics>) -> Arc<Admission> {
    let now = Instant::now();
    let tenants = HashSet::from(["demo".to_owned()]);
    let admission = Admission::new(now, (Clients::default(), tenants), metrics);
    let admission = Arc::new(admission);
    press(&admission, in_hand, times);
    admission
}

fn press(admission: &Admission, in_hand: usize, times: f64) {
    for _ in 0..in_hand {
        std::mem::forget(admission.takes());
    }
    admission.watch(|watch| *watch = Watch::pressed(Instant::now(), times));
}

async fn ask_from(
    server: &Router,
    peer: Option<&str>,
    (method, path): (&Method, &str),
    form: &'static str,
) -> Response {
    let mut request = Request::builder().method(method).uri(path).body(Body::from(form)).unwrap();
    if let Some(peer) = peer {
        let peer: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
    }
    // whoever waits for a turn here gets it
    tokio::task::yield_now().await;
    server.clone().oneshot(request).await.unwrap()
}

async fn ask(server: &Router, method: &Method, path: &str, form: &'static str) -> Response {
    ask_from(server, Some("192.0.2.1:7"), (method, path), form).await
}

fn path_of(route: &str) -> String {
    let path = route.replace("{tenant}", "demo").replace("{*identifier}", "did:key:z");
    path.replace("{id}", "s1")
}

#[tokio::test]
async fn under_pressure_every_beginning_is_told_when_to_come_again() {
    let metrics = Metrics::default();
    let server = server(pressed(CROWD + 1, 8.0, Some(metrics.clone())));
    for (nth, (method, route)) in beginnings().enumerate() {
        let path = path_of(route);
        let answer = ask(&server, method, &path, PRE_AUTHORIZED).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        let again = answer.headers()[RETRY_AFTER].to_str().unwrap().to_owned();
        assert_eq!(again, (1 + nth as u64 % SPREAD).to_string(), "spread over seconds");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let said: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(said["error"], "temporarily_unavailable");
    }
    let counted = format!("lanyard_turned_away_total {}", beginnings::ALL.len());
    assert!(metrics.text().unwrap().contains(&counted));
}

#[tokio::test]
async fn what_has_cost_requests_is_begun_while_it_suffices_to_turn_first_contacts_away() {
    let server = server(pressed(CROWD + 1, 4.0, None));
    for Begins { method, route, beginning, .. } in &beginnings::ALL {
        let answer = ask(&server, method, &path_of(route), PRE_AUTHORIZED).await;
        let is_begun = answer.status() == StatusCode::OK;
        assert_eq!(is_begun, *beginning == Beginning::UnderWay, "{route}");
    }
}

#[tokio::test]
async fn a_session_that_was_let_pass_once_is_let_pass_again_and_no_other() {
    let admission = pressed(0, 1.0, None);
    let server = server(admission.clone());
    for route in ["/demo/offers/s1", "/demo/requests/s1"] {
        assert_eq!(ask(&server, &Method::GET, route, "").await.status(), StatusCode::OK);
    }
    press(&admission, CROWD + 1, 8.0);
    for route in ["/demo/offers/s1", "/demo/requests/s1"] {
        let again = ask_from(&server, Some("198.51.100.1:9"), (&Method::GET, route), "").await;
        assert_eq!(again.status(), StatusCode::OK, "{route}, by whomever");
    }
    let posted = ask(&server, &Method::POST, "/demo/requests/s1", "").await;
    assert_eq!(posted.status(), StatusCode::OK, "the same request, by POST");
    for route in ["/demo/offers/s2", "/demo/requests/s2", "/acme/offers/s1"] {
        let first = ask(&server, &Method::GET, route, "").await;
        assert_eq!(first.status(), StatusCode::SERVICE_UNAVAILABLE, "{route}");
    }
}

#[tokio::test]
async fn an_issuer_is_described_to_whoever_was_let_pass_or_cannot_be_told_from_others() {
    let admission = pressed(0, 1.0, None);
    let server = server(admission.clone());
    let offer = (&Method::GET, "/demo/offers/s1");
    assert_eq!(ask_from(&server, Some("192.0.2.1:7"), offer, "").await.status(), StatusCode::OK);
    press(&admission, CROWD + 1, 8.0);
    for (peer, status) in [
        (Some("192.0.2.1:8"), StatusCode::OK),
        (Some("192.0.2.2:7"), StatusCode::SERVICE_UNAVAILABLE),
        (Some("127.0.0.1:7"), StatusCode::OK),
        (None, StatusCode::OK),
    ] {
        let answer = ask_from(&server, peer, (&Method::GET, METADATA), "").await;
        assert_eq!(answer.status(), status, "{peer:?}");
    }
}

#[tokio::test]
async fn who_asks_for_what_does_not_exist_has_begun_nothing() {
    let admission = pressed(0, 1.0, None);
    let server = server(admission.clone());
    let answer = ask(&server, &Method::GET, "/demo/offers/gone", "").await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    press(&admission, CROWD + 1, 8.0);
    let answer = ask(&server, &Method::GET, METADATA, "").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn under_pressure_what_has_begun_goes_on_and_what_is_taken_back_is_taken_back() {
    let server = server(pressed(CROWD + 1, 8.0, None));
    let revoke = "/api/demo/credentials/c1/revoke";
    for (method, path) in
        [(Method::POST, "/demo/credential"), (Method::POST, revoke), (Method::GET, "/healthz")]
    {
        assert_eq!(ask(&server, &method, path, "").await.status(), StatusCode::OK, "{path}");
    }
    let form = "code=abc&grant_type=authorization_code";
    let answer = ask(&server, &Method::POST, "/demo/token", form).await;
    assert_eq!(answer.status(), StatusCode::OK, "the holder has logged in already");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, form, "its body is all there");
}

#[tokio::test]
async fn nobody_is_turned_away_while_few_are_in_hand() {
    let server = server(pressed(CROWD - 1, 8.0, None));
    let answer = ask(&server, &Method::POST, "/demo/par", "").await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn what_was_let_pass_at_the_door_is_not_judged_again() {
    let server = server(pressed(CROWD + 1, 8.0, None));
    let arrival = Arrival { asking: 1, was_let_pass: true };
    let request = Request::get("/demo/offers/s1").extension(arrival).body(Body::empty());
    let answer = server.clone().oneshot(request.unwrap()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
}

/// What somebody hears at the door who connects from there and asks for that.
fn at_the_gate(admission: &Admission, peer: &str, request: &str) -> Judgement {
    let peer = peer.parse().unwrap();
    judged(request.as_bytes(), peer, |opening| admission.judges(opening, 1))
}

fn head(method: &Method, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: a\r\n\r\n")
}

#[tokio::test]
async fn at_the_door_first_contacts_are_told_the_same_and_counted_the_same() {
    let metrics = Metrics::default();
    let admission = pressed(CROWD + 1, 8.0, Some(metrics.clone()));
    assert!(admission.is_pressed(1));
    let mut told = Vec::new();
    for Begins { method, route, beginning, .. } in &beginnings::ALL {
        let judgement = at_the_gate(&admission, "192.0.2.1", &head(method, &path_of(route)));
        match judgement {
            Judgement::Later(answer) => told.push(String::from_utf8(answer.to_vec()).unwrap()),
            other => assert!(other == Judgement::Open && *beginning == Beginning::UnderWay),
        }
        if *beginning != Beginning::UnderWay {
            let status = format!("route=\"{route}\",method=\"{method}\",status=\"503\"");
            assert!(metrics.text().unwrap().contains(&status), "{route}");
        }
    }
    let counted = format!("lanyard_turned_away_total {}", told.len());
    assert!(metrics.text().unwrap().contains(&counted));
    let offers = "/api/demo/offers";
    let inside = server(pressed(CROWD + 1, 8.0, None));
    let inside = ask(&inside, &Method::POST, offers, "").await;
    let (parts, body) = inside.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let (first, said) = told[0].split_once("\r\n\r\n").unwrap();
    assert_eq!(said, body);
    let mut lines = first.lines();
    assert_eq!(lines.next(), Some("HTTP/1.1 503 Service Unavailable"));
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        match name {
            "content-length" => assert_eq!(value, body.len().to_string()),
            "connection" => assert_eq!(value, "close"),
            _ => assert_eq!(parts.headers[name], value, "{name}"),
        }
    }
    assert_ne!(told[0], told[1], "spread over seconds");
}

#[tokio::test]
async fn at_the_door_who_was_let_pass_before_goes_on() {
    let clients = Clients::behind(vec!["10.0.0.2".parse().unwrap()]);
    let tenants = HashSet::from(["demo".to_owned()]);
    let admission = Arc::new(Admission::new(Instant::now(), (clients, tenants), None));
    let server = server(admission.clone());
    let offer = (&Method::GET, "/demo/offers/s1");
    ask_from(&server, Some("192.0.2.1:7"), offer, "").await;
    press(&admission, CROWD + 1, 8.0);
    let metadata = head(&Method::GET, METADATA);
    let forwarded = |client: &str| {
        metadata.replace("Host: a", &format!("Host: a\r\nX-Forwarded-For: {client}"))
    };
    for (peer, request, goes_on) in [
        ("198.51.100.1", head(&Method::GET, "/demo/offers/s1"), true),
        ("198.51.100.1", head(&Method::GET, "/demo/offers/s2"), false),
        ("192.0.2.1", metadata.clone(), true),
        ("192.0.2.2", metadata.clone(), false),
        ("127.0.0.1", metadata.clone(), true),
        ("10.0.0.2", metadata.clone(), true),
        ("10.0.0.2", forwarded("192.0.2.1"), true),
        ("10.0.0.2", forwarded("192.0.2.2"), false),
        ("198.51.100.1", head(&Method::GET, "/pocket/offers/s2"), true),
        ("198.51.100.1", head(&Method::POST, "/demo/credential"), true),
    ] {
        let judgement = at_the_gate(&admission, peer, &request);
        assert_eq!(judgement == Judgement::Open, goes_on, "{peer} {request}");
    }
}

#[tokio::test]
async fn at_the_door_a_share_is_let_pass_and_nobody_is_looked_at_where_there_is_no_press() {
    let admission = pressed(CROWD + 1, 1.5, None);
    let offer = head(&Method::GET, "/demo/offers/s1");
    let judged = [(); 4].map(|()| at_the_gate(&admission, "192.0.2.1", &offer));
    let let_pass = judged.iter().filter(|judgement| **judgement == Judgement::LetPass).count();
    assert_eq!(let_pass, 2);
    assert!(!pressed(CROWD + 1, 0.9, None).is_pressed(1));
    assert!(!pressed(CROWD, 8.0, None).is_pressed(1));
}

#[tokio::test]
async fn what_a_client_gave_up_is_no_longer_in_hand() {
    let admission = pressed(0, 1.0, None);
    let stuck = post(async || std::future::pending::<&str>().await);
    let server = Router::new().route("/{tenant}/par", stuck);
    let server = server.layer(middleware::from_fn_with_state(admission.clone(), at_the_door));
    let asked = ask(&server, &Method::POST, "/demo/par", "");
    assert!(tokio::time::timeout(Duration::from_millis(20), asked).await.is_err());
    assert_eq!(admission.in_hand.load(Ordering::Relaxed), 0);
}

#[test]
fn whoever_waits_in_the_queue_that_all_workers_share_counts() {
    let workers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let admission = pressed(0, 0.0, None);
    let is_over = Arc::new(AtomicBool::new(false));
    for _ in 0..2_000 {
        let is_over = Arc::clone(&is_over);
        workers.spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let begun = Instant::now();
                while begun.elapsed() < Duration::from_micros(20) {
                    std::hint::spin_loop();
                }
                tokio::task::yield_now().await;
            }
        });
    }
    let begun = Instant::now();
    let asking = ASKING + 1;
    while !admission.is_pressed(asking) && begun.elapsed() < Duration::from_secs(20) {
        let admission = Arc::clone(&admission);
        workers.spawn(async move { admission.try_a_turn(Instant::now()) });
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(admission.is_pressed(asking));
    is_over.store(true, Ordering::Relaxed);
}
