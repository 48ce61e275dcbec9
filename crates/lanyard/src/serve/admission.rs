//! What is begun when there is more to do than can be done: less, so that what was begun is finished.
//!
//! A server that takes everything in gets every flow half done until each wallet has given up. This one
//! watches how long whoever comes waits for a turn on the processor, and how long the quickest beginning of each
//! twentieth of a second took that waits for the store: as long as one was quick, there is no queue, however slow the
//! others were. When either is too long, a share of those who come for the first time is answered 503 with
//! `Retry-After`, before anything was done for them; only where that does not suffice, a share of what has cost
//! requests already; and never what belongs to a flow that is past its beginning, nor what takes something back.

mod known;
mod watch;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, Request},
    response::Response,
};
use http::{HeaderValue, Method, StatusCode, header::RETRY_AFTER};
use lanyard_service::http::replies;
use serde_json::json;
use url::form_urlencoded;

use super::{accept::Asking, clients::Clients, front::Inner, metrics::Metrics};
use known::Known;
use watch::{Press, Turn, Watch};

/// The body of a token request that is looked into.
const FORM_BYTES: usize = 64 * 1024;

/// Those who are turned away come back over so many seconds, not all in the same.
const SPREAD: u64 = 4;

/// At which of its requests a flow begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beginning {
    /// An integrator's, a page's or a resolver's: the first request is known by its route.
    First,
    /// The session that the path names is asked for the first time, unless it was let pass before.
    FirstOfSession,
    /// A wallet that was not let pass lately asks what the issuer is: it has no offer by reference. Whoever cannot be
    /// told from others is let pass.
    FirstOfClient,
    /// What a wallet keeps for the first time, after it has read what it needs for that.
    UnderWay,
}

/// What begins a flow, or is one by itself; and whether the store or long work is waited for, so that what it takes
/// tells of a queue.
const BEGINNINGS: [(Method, &str, Beginning, bool); 15] = [
    (Method::POST, "/api/{tenant}/offers", Beginning::First, true),
    (Method::POST, "/api/{tenant}/requests", Beginning::First, true),
    (Method::POST, "/api/{tenant}/credentials/issue", Beginning::First, true),
    (Method::POST, "/api/{tenant}/credentials/verify", Beginning::First, true),
    (Method::POST, "/api/{tenant}/presentations/verify", Beginning::First, true),
    (Method::GET, "/{tenant}/offers/{id}", Beginning::FirstOfSession, false),
    (Method::GET, "/{tenant}/requests/{id}", Beginning::FirstOfSession, false),
    (Method::POST, "/{tenant}/requests/{id}", Beginning::FirstOfSession, false),
    (
        Method::GET,
        "/.well-known/openid-credential-issuer/{tenant}",
        Beginning::FirstOfClient,
        false,
    ),
    (Method::POST, "/{tenant}/challenge", Beginning::UnderWay, false),
    (Method::POST, "/{tenant}/par", Beginning::UnderWay, true),
    (Method::POST, TOKEN, Beginning::UnderWay, true),
    (Method::POST, "/{tenant}/browser", Beginning::First, true),
    (Method::GET, "/{tenant}/sign-in/authorize", Beginning::First, true),
    (Method::GET, "/1.0/identifiers/{*identifier}", Beginning::First, false),
];

/// Here some flows begin, and others go on after a login.
const TOKEN: &str = "/{tenant}/token";

/// The routes at which a flow begins, as the router has them.
pub fn beginnings() -> impl Iterator<Item = (&'static Method, &'static str)> {
    BEGINNINGS.iter().map(|(method, route, ..)| (method, *route))
}

/// Decides what is begun.
#[derive(Debug)]
pub(super) struct Admission {
    clients: Clients,
    in_hand: AtomicUsize,
    turned_away: AtomicU64,
    metrics: Option<Metrics>,
    watch: Mutex<Watch>,
    known: Mutex<Known>,
}

/// Who asks for something at a beginning, as it is known afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Asker {
    /// Whoever goes on with this session: its path.
    Session(String),
    Client(IpAddr),
}

impl Admission {
    pub(super) fn new(now: Instant, clients: Clients, metrics: Option<Metrics>) -> Self {
        let (in_hand, turned_away) = (AtomicUsize::new(0), AtomicU64::new(0));
        let (watch, known) = (Mutex::new(Watch::new(now)), Mutex::new(Known::nobody(now)));
        Self { clients, in_hand, turned_away, metrics, watch, known }
    }

    fn watch<T>(&self, look: impl FnOnce(&mut Watch) -> T) -> T {
        look(&mut self.watch.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn known<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// As what a beginning counts: nothing, if it belongs to what was let pass before.
    fn turn(&self, beginning: Beginning, askers: &[Asker], now: Instant) -> Option<Turn> {
        let is_known = |which: fn(&Asker) -> bool| {
            let mut of_its_kind = askers.iter().filter(|asker| which(asker));
            of_its_kind.next().map(|asker| self.known(|known| known.knows(asker, now)))
        };
        let is_first = match beginning {
            Beginning::First => true,
            Beginning::FirstOfSession => {
                is_known(|asker| matches!(asker, Asker::Session(_))) != Some(true)
            }
            Beginning::FirstOfClient => {
                is_known(|asker| matches!(asker, Asker::Client(_))) == Some(false)
            }
            Beginning::UnderWay => return Some(Turn::UnderWay),
        };
        is_first.then_some(Turn::FirstContact)
    }

    /// Whether something that begins now is to come later.
    fn turns_away(&self, turn: Turn, now: Instant, asking: usize) -> bool {
        let press = Press { in_hand: self.in_hand.load(Ordering::Relaxed), asking };
        self.watch(|watch| {
            watch.turn(now, press);
            watch.turns_away(turn, now, press)
        })
    }

    /// Has somebody wait for a turn on the processor, once in a while: as long as whoever comes now.
    fn try_a_turn(self: &Arc<Self>, now: Instant) {
        if self.watch(|watch| watch.tries_a_turn(now)) {
            let admission = Arc::clone(self);
            tokio::spawn(async move { admission.watch(|watch| watch.turn_came(Instant::now())) });
            // what a worker spawned last it does next: only what was spawned before that waits for its turn
            tokio::spawn(std::future::ready(()));
        }
    }

    /// One more is in hand, until the returned value is dropped.
    fn takes(&self) -> InHand<'_> {
        self.in_hand.fetch_add(1, Ordering::Relaxed);
        InHand(self)
    }

    fn later(&self) -> Response {
        let nth = self.turned_away.fetch_add(1, Ordering::Relaxed);
        if let Some(metrics) = &self.metrics {
            metrics.turned_away();
        }
        let seconds = 1 + nth % SPREAD;
        let said = format!("The server has too much to do; try again in {seconds} s.");
        let error = json!({ "error": "temporarily_unavailable", "error_description": said });
        let mut response = replies::json(error.to_string());
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        response
    }

    /// Who asks, as far as whoever goes on with the flow can be told by it.
    fn askers(&self, beginning: Beginning, request: &Request) -> Vec<Asker> {
        let client = self.clients.of(request).map(Asker::Client);
        let session = matches!(beginning, Beginning::FirstOfSession)
            .then(|| Asker::Session(request.uri().path().to_owned()));
        client.into_iter().chain(session).collect()
    }
}

struct InHand<'a>(&'a Admission);

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.in_hand.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets a request pass, or has it come later.
pub(super) async fn admit(
    admission: &Arc<Admission>,
    request: Request,
    next: impl Inner,
) -> Response {
    let Some((beginning, is_judged)) = begins(&request) else {
        // whoever waits for events waits with GET
        if request.method() == Method::GET {
            return next.run(request).await;
        }
        let _in_hand = admission.takes();
        return next.run(request).await;
    };
    let in_hand = admission.takes();
    let begun = Instant::now();
    let askers = admission.askers(beginning, &request);
    admission.try_a_turn(begun);
    let turn = admission.turn(beginning, &askers, begun);
    let asking = request.extensions().get().map_or(0, |Asking(many)| *many);
    let request = if turn.is_some_and(|turn| admission.turns_away(turn, begun, asking)) {
        match goes_on(request).await {
            Some(request) => request,
            None => return admission.later(),
        }
    } else {
        request
    };
    let response = next.run(request).await;
    drop(in_hand);
    let now = Instant::now();
    if is_judged {
        admission.watch(|watch| watch.ended(now.saturating_duration_since(begun)));
    }
    // what does not exist is no flow that has begun
    if response.status().is_success() {
        admission.known(|known| askers.iter().for_each(|asker| known.let_pass(asker, now)));
    }
    response
}

fn begins(request: &Request) -> Option<(Beginning, bool)> {
    let route = request.extensions().get::<MatchedPath>()?.as_str();
    let mut all = BEGINNINGS.iter();
    let found = all.find(|(method, known, ..)| method == request.method() && *known == route);
    found.map(|(_, _, beginning, is_judged)| (*beginning, *is_judged))
}

/// The request, if it is the token request of a login that is done already.
async fn goes_on(request: Request) -> Option<Request> {
    let route = request.extensions().get::<MatchedPath>()?;
    if route.as_str() != TOKEN {
        return None;
    }
    let (parts, body) = request.into_parts();
    let form = to_bytes(body, FORM_BYTES).await.ok()?;
    let after_login = form_urlencoded::parse(&form)
        .any(|(name, value)| name == "grant_type" && value == "authorization_code");
    after_login.then(|| Request::from_parts(parts, Body::from(form)))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
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

    use super::{watch::CROWD, *};

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
        let admission = Arc::new(Admission::new(now, Clients::default(), metrics));
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
        let mut request =
            Request::builder().method(method).uri(path).body(Body::from(form)).unwrap();
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
        let counted = format!("lanyard_turned_away_total {}", BEGINNINGS.len());
        assert!(metrics.text().unwrap().contains(&counted));
    }

    #[tokio::test]
    async fn what_has_cost_requests_is_begun_while_it_suffices_to_turn_first_contacts_away() {
        let server = server(pressed(CROWD + 1, 4.0, None));
        for (method, route, beginning, _) in &BEGINNINGS {
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
        assert_eq!(
            ask_from(&server, Some("192.0.2.1:7"), offer, "").await.status(),
            StatusCode::OK
        );
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
    async fn what_a_client_gave_up_is_no_longer_in_hand() {
        let admission = pressed(0, 1.0, None);
        let stuck = post(async || std::future::pending::<&str>().await);
        let server = Router::new().route("/{tenant}/par", stuck);
        let server = server.layer(middleware::from_fn_with_state(admission.clone(), at_the_door));
        let asked = ask(&server, &Method::POST, "/demo/par", "");
        assert!(tokio::time::timeout(Duration::from_millis(20), asked).await.is_err());
        assert_eq!(admission.in_hand.load(Ordering::Relaxed), 0);
    }
}
