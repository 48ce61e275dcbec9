//! What is begun when there is more to do than can be done: less, so that what was begun is finished.
//!
//! A server that takes everything in gets every flow half done until each wallet has given up. This one
//! watches how long the quickest beginning of each twentieth of a second took: as long as one was quick, there is no
//! queue, however slow the others were. When none was, a share of the next beginnings is answered 503 with
//! `Retry-After`, and never what belongs to a flow that has begun, nor what takes something back.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderValue, Method, StatusCode, header::RETRY_AFTER};
use lanyard_service::http::replies;
use serde_json::json;
use url::form_urlencoded;

use super::metrics::Metrics;

/// Nobody is turned away while no more requests than that are in hand: then the machine is slow, and not the crowd large.
const CROWD: usize = 64;

/// For how long beginnings are watched before the next are judged by them.
const WINDOW: Duration = Duration::from_millis(50);

/// What a beginning may always take.
const QUICK: Duration = Duration::from_millis(40);

/// A beginning that takes so many times what it takes without a queue has waited in one: a distant database is no queue.
const TIMES: u32 = 3;

/// What a beginning takes without a queue is learnt again, slowly: this much more of it is believed in each window.
const FORGETTING: f64 = 1.000_05;

/// The body of a token request that is looked into.
const FORM_BYTES: usize = 64 * 1024;

/// Those who are turned away come back over so many seconds, not all in the same.
const SPREAD: u64 = 4;

/// It is logged again after this long.
const SAID_AGAIN: Duration = Duration::from_secs(10);

/// What begins a flow, or is one by itself.
const BEGINNINGS: [(Method, &str); 11] = [
    (Method::POST, "/api/{tenant}/offers"),
    (Method::POST, "/api/{tenant}/requests"),
    (Method::POST, "/api/{tenant}/credentials/issue"),
    (Method::POST, "/api/{tenant}/credentials/verify"),
    (Method::POST, "/api/{tenant}/presentations/verify"),
    (Method::POST, "/{tenant}/challenge"),
    (Method::POST, "/{tenant}/par"),
    (Method::POST, TOKEN),
    (Method::POST, "/{tenant}/browser"),
    (Method::GET, "/{tenant}/sign-in/authorize"),
    (Method::GET, "/1.0/identifiers/{*identifier}"),
];

/// Here some flows begin, and others go on after a login.
const TOKEN: &str = "/{tenant}/token";

/// The routes at which a flow begins, as the router has them.
pub fn beginnings() -> impl Iterator<Item = (&'static Method, &'static str)> {
    BEGINNINGS.iter().map(|(method, route)| (method, *route))
}

/// Decides what is begun.
#[derive(Debug)]
pub(super) struct Admission {
    in_hand: AtomicUsize,
    turned_away: AtomicU64,
    metrics: Option<Metrics>,
    watch: Mutex<Watch>,
}

/// How long beginnings take.
#[derive(Debug)]
struct Watch {
    window: Instant,
    /// The quickest that ended in this window.
    quickest: Option<Duration>,
    /// What the quickest takes when there is no queue.
    unhindered: Option<Duration>,
    /// Of the beginnings in this window, the share that is turned away.
    share: f64,
    /// Turned away as soon as it reaches one.
    owed: f64,
    /// When it was last logged that somebody is turned away.
    logged: Option<Instant>,
}

impl Watch {
    const fn new(now: Instant) -> Self {
        Self { window: now, quickest: None, unhindered: None, share: 0.0, owed: 0.0, logged: None }
    }

    /// Judges the last window, if it is over.
    fn turn(&mut self, now: Instant, in_hand: usize) {
        let lasted = now.saturating_duration_since(self.window);
        if lasted < WINDOW {
            return;
        }
        // where many wait and none was done, the quickest takes longer than that
        let took = self.quickest.take().or_else(|| (in_hand > CROWD).then_some(lasted));
        self.window = now;
        self.share = took.map_or(0.0, |took| self.share_at(took));
    }

    /// None as long as the quickest is quick; all when it takes twice as long.
    fn share_at(&mut self, took: Duration) -> f64 {
        let before = self.unhindered.map_or(took, |least| least.mul_f64(FORGETTING));
        let unhindered = took.min(before);
        self.unhindered = Some(unhindered);
        let quick = QUICK.max(unhindered * TIMES).as_secs_f64();
        ((took.as_secs_f64() - quick) / quick).clamp(0.0, 1.0)
    }

    fn ended(&mut self, took: Duration) {
        self.quickest = Some(self.quickest.map_or(took, |quickest| quickest.min(took)));
    }

    /// Whether the next beginning is the one that is turned away.
    fn turns_away(&mut self) -> bool {
        self.owed += self.share;
        let is_due = self.owed >= 1.0;
        if is_due {
            self.owed -= 1.0;
        }
        is_due
    }

    /// Says in the log that there is too much to do, once in a while.
    fn log(&mut self, now: Instant, in_hand: usize) {
        let is_new = self.logged.is_none_or(|logged| now.duration_since(logged) >= SAID_AGAIN);
        if is_new {
            self.logged = Some(now);
            tracing::warn!(
                in_hand,
                share = self.share,
                "too much to do: beginnings are turned away"
            );
        }
    }
}

impl Admission {
    pub(super) fn new(now: Instant, metrics: Option<Metrics>) -> Self {
        let (in_hand, turned_away) = (AtomicUsize::new(0), AtomicU64::new(0));
        Self { in_hand, turned_away, metrics, watch: Mutex::new(Watch::new(now)) }
    }

    fn watch<T>(&self, look: impl FnOnce(&mut Watch) -> T) -> T {
        look(&mut self.watch.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether something that begins now is to come later.
    fn turns_away(&self, now: Instant) -> bool {
        let in_hand = self.in_hand.load(Ordering::Relaxed);
        self.watch(|watch| {
            watch.turn(now, in_hand);
            let turns_away = in_hand > CROWD && watch.turns_away();
            if turns_away {
                watch.log(now, in_hand);
            }
            turns_away
        })
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
}

struct InHand<'a>(&'a Admission);

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.in_hand.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets a request pass, or has it come later.
pub(super) async fn admit(
    State(admission): State<Arc<Admission>>,
    request: Request,
    next: Next,
) -> Response {
    let is_beginning = begins(&request);
    // whoever waits for events waits with GET
    if request.method() == Method::GET && !is_beginning {
        return next.run(request).await;
    }
    let in_hand = admission.takes();
    if !is_beginning {
        return next.run(request).await;
    }
    let begun = Instant::now();
    let request = if admission.turns_away(begun) {
        match goes_on(request).await {
            Some(request) => request,
            None => return admission.later(),
        }
    } else {
        request
    };
    let response = next.run(request).await;
    drop(in_hand);
    admission.watch(|watch| watch.ended(begun.elapsed()));
    response
}

fn begins(request: &Request) -> bool {
    let Some(route) = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) else {
        return false;
    };
    beginnings().any(|(method, known)| method == request.method() && known == route)
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
    use axum::{Router, middleware, routing::post};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    /// What beginnings take in each window, and the share that is turned away afterwards.
    fn shares(took: &[u64], in_hand: usize) -> Vec<f64> {
        let began = Instant::now();
        let mut watch = Watch::new(began);
        let windows = (1..).zip(took);
        let shares = windows.map(|(nth, millis)| {
            watch.ended(Duration::from_millis(*millis));
            watch.turn(began + WINDOW * nth, in_hand);
            (watch.share * 100.0).round()
        });
        shares.collect()
    }

    #[test]
    fn the_share_that_is_turned_away_grows_with_the_time_that_the_quickest_took() {
        assert_eq!(shares(&[5, 40, 50, 80, 400, 5], CROWD), [0.0, 0.0, 25.0, 100.0, 100.0, 0.0]);
    }

    #[test]
    fn one_quick_beginning_is_enough_to_say_that_there_is_no_queue() {
        let began = Instant::now();
        let mut watch = Watch::new(began);
        for millis in [900, 3, 700] {
            watch.ended(Duration::from_millis(millis));
        }
        watch.turn(began + WINDOW, CROWD);
        assert!(watch.share.abs() < f64::EPSILON);
    }

    #[test]
    fn a_distant_database_is_no_queue() {
        assert_eq!(shares(&[80, 80, 200, 300], CROWD), [0.0, 0.0, 0.0, 25.0]);
    }

    #[test]
    fn what_it_takes_without_a_queue_is_learnt_again_when_it_stays_longer() {
        let mut windows = vec![10; 1];
        windows.extend(vec![60; 20_000]);
        let shares = shares(&windows, CROWD);
        assert!(shares[1] > 0.0 && shares.last().unwrap().abs() < f64::EPSILON);
    }

    #[test]
    fn where_many_wait_and_none_is_done_the_wait_itself_counts() {
        let began = Instant::now();
        let mut watch = Watch::new(began);
        watch.ended(Duration::from_millis(2));
        watch.turn(began + WINDOW, CROWD + 1);
        watch.turn(began + WINDOW * 3, CROWD + 1);
        assert!(watch.share > 0.9, "{watch:?}");
        watch.turn(began + WINDOW * 6, CROWD);
        assert!(watch.share.abs() < f64::EPSILON, "few wait: {watch:?}");
    }

    #[test]
    fn a_share_is_turned_away_evenly() {
        let mut watch = Watch::new(Instant::now());
        watch.share = 0.25;
        let turned = (0..8).map(|_| watch.turns_away()).collect::<Vec<_>>();
        assert_eq!(turned, [false, false, false, true, false, false, false, true]);
    }

    /// A server where so many requests are in hand and nobody is quick.
    fn pressed(in_hand: usize, metrics: Option<Metrics>) -> Router {
        let now = Instant::now();
        let admission = Arc::new(Admission::new(now, metrics));
        for _ in 0..in_hand {
            std::mem::forget(admission.takes());
        }
        admission.watch(|watch| {
            watch.unhindered = Some(QUICK / TIMES);
            watch.share = 1.0;
            watch.window = now + Duration::from_secs(3600);
        });
        let mut router = Router::new()
            .route("/{tenant}/credential", post(async || "done"))
            .route("/api/{tenant}/credentials/{id}/revoke", post(async || "done"))
            .route("/healthz", axum::routing::get(async || "done"));
        for (method, route) in beginnings() {
            let on = method.clone().try_into().unwrap();
            router = router.route(route, axum::routing::on(on, |form: String| async { form }));
        }
        router.layer(middleware::from_fn_with_state(admission, admit))
    }

    async fn ask(server: &Router, method: &Method, path: &str, form: &'static str) -> Response {
        let request = Request::builder().method(method).uri(path).body(Body::from(form)).unwrap();
        server.clone().oneshot(request).await.unwrap()
    }

    #[tokio::test]
    async fn under_pressure_every_beginning_is_told_when_to_come_again() {
        let metrics = Metrics::default();
        let server = pressed(CROWD + 1, Some(metrics.clone()));
        for (nth, (method, route)) in beginnings().enumerate() {
            let path = route.replace("{tenant}", "demo").replace("{*identifier}", "did:key:z");
            let form = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Apre-authorized_code";
            let answer = ask(&server, method, &path, form).await;
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
    async fn under_pressure_what_has_begun_goes_on_and_what_is_taken_back_is_taken_back() {
        let server = pressed(CROWD + 1, None);
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
        let server = pressed(CROWD - 1, None);
        let answer = ask(&server, &Method::POST, "/demo/par", "").await;
        assert_eq!(answer.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn what_a_client_gave_up_is_no_longer_in_hand() {
        let admission = Arc::new(Admission::new(Instant::now(), None));
        let stuck = post(async || std::future::pending::<&str>().await);
        let server = Router::new().route("/{tenant}/par", stuck);
        let server = server.layer(middleware::from_fn_with_state(admission.clone(), admit));
        let asked = ask(&server, &Method::POST, "/demo/par", "");
        assert!(tokio::time::timeout(Duration::from_millis(20), asked).await.is_err());
        assert_eq!(admission.in_hand.load(Ordering::Relaxed), 0);
    }
}
