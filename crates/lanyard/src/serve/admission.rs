//! What is begun when there is more to do than can be done: less, so that what was begun is finished.
//!
//! A server that takes everything in gets every flow half done until each wallet has given up. This one
//! watches how long whoever comes waits for a turn on the processor, and how long the quickest beginning of each
//! twentieth of a second took that waits for the store: as long as one was quick, there is no queue, however slow the
//! others were. When either is too long, a share of those who come for the first time is answered 503 with
//! `Retry-After`, before anything was done for them; only where that does not suffice, a share of what has cost
//! requests already; and never what belongs to a flow that is past its beginning, nor what takes something back.

mod beginnings;
mod gate;
mod known;
#[cfg(test)]
mod tests;
mod watch;

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use axum::{
    body::{Body, to_bytes},
    extract::{MatchedPath, Request},
    response::Response,
};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header::RETRY_AFTER};
use lanyard_service::http::replies;
use serde_json::json;
use url::form_urlencoded;

use super::{accept::Arrival, clients::Clients, front::Inner, metrics::Metrics};
use beginnings::{Beginning, Begins, TOKEN};
use known::Known;
use watch::{Press, Turn, Watch};

/// The body of a token request that is looked into.
const FORM_BYTES: usize = 64 * 1024;

/// Those who are turned away come back over so many seconds, not all in the same.
const SPREAD: u64 = 4;

/// The routes at which a flow begins, as the router has them.
pub fn beginnings() -> impl Iterator<Item = (&'static Method, &'static str)> {
    beginnings::ALL.iter().map(|begins| (&begins.method, begins.route))
}

/// Decides what is begun.
#[derive(Debug)]
pub(super) struct Admission {
    clients: Clients,
    tenants: HashSet<String>,
    in_hand: AtomicUsize,
    turned_away: AtomicU64,
    answers: [Bytes; SPREAD as usize],
    metrics: Option<Metrics>,
    watch: Arc<Mutex<Watch>>,
    known: Mutex<Known>,
    digests: RandomState,
}

/// Who asks for something at a beginning, as far as whoever goes on with the flow can be told by it: as digests under a
/// key of this process.
#[derive(Clone, Copy, Debug)]
struct Askers {
    /// Whoever goes on with this session: its path.
    session: Option<u64>,
    client: Option<u64>,
}

impl Admission {
    pub(super) fn new(
        now: Instant,
        (clients, tenants): (Clients, HashSet<String>),
        metrics: Option<Metrics>,
    ) -> Self {
        Self {
            clients,
            tenants,
            in_hand: AtomicUsize::new(0),
            turned_away: AtomicU64::new(0),
            answers: gate::answers(),
            metrics,
            watch: Arc::new(Mutex::new(Watch::new(now))),
            known: Mutex::new(Known::nobody(now)),
            digests: RandomState::new(),
        }
    }

    fn watch<T>(&self, look: impl FnOnce(&mut Watch) -> T) -> T {
        look(&mut locked(&self.watch))
    }

    fn known<T>(&self, look: impl FnOnce(&mut Known) -> T) -> T {
        look(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// As what a beginning counts: nothing, if it belongs to what was let pass before.
    fn turn(&self, beginning: Beginning, askers: Askers, now: Instant) -> Option<Turn> {
        let is_known =
            |asker: Option<u64>| asker.map(|asker| self.known(|known| known.knows(asker, now)));
        let is_first = match beginning {
            Beginning::First => true,
            Beginning::FirstOfSession => is_known(askers.session) != Some(true),
            Beginning::FirstOfClient => is_known(askers.client) == Some(false),
            Beginning::UnderWay => return Some(Turn::UnderWay),
        };
        is_first.then_some(Turn::FirstContact)
    }

    fn press(&self, asking: usize) -> Press {
        Press { in_hand: self.in_hand.load(Ordering::Relaxed), asking }
    }

    /// Whether something that begins now is to come later.
    fn turns_away(&self, turn: Turn, now: Instant, asking: usize) -> bool {
        let press = self.press(asking);
        self.watch(|watch| {
            watch.turn(now, press);
            watch.turns_away(turn, now, press)
        })
    }

    /// Has somebody wait for a turn on the processor, once in a while: as long as whoever comes now may have to.
    ///
    /// What a worker spawns waits in the worker's own queue. Where more wait than fit, most are in the queue that all
    /// workers share and each looks into now and then: a short wait in one says nothing of the other.
    fn try_a_turn(&self, now: Instant) {
        if !self.watch(|watch| watch.tries_a_turn(now)) {
            return;
        }
        let watch = Arc::clone(&self.watch);
        // a thread that is no worker has only the shared queue
        tokio::task::spawn_blocking(move || {
            locked(&watch).turn_is_due(Instant::now());
            tokio::spawn(async move {
                tokio::spawn(async move { locked(&watch).turn_came(Instant::now()) });
                // what a worker spawned last it does next: only what was spawned before that waits for its turn
                tokio::spawn(std::future::ready(()));
            });
        });
    }

    /// One more is in hand, until the returned value is dropped.
    fn takes(&self) -> InHand<'_> {
        self.in_hand.fetch_add(1, Ordering::Relaxed);
        InHand(self)
    }

    /// One more is told to come later; how many were before.
    fn turned_away(&self) -> u64 {
        if let Some(metrics) = &self.metrics {
            metrics.turned_away();
        }
        self.turned_away.fetch_add(1, Ordering::Relaxed)
    }

    fn later(&self) -> Response {
        let nth = self.turned_away();
        let mut response = replies::json(said(nth));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds(nth)));
        response
    }

    fn askers(&self, beginning: Beginning, path: &str, client: Option<IpAddr>) -> Askers {
        let names_session = beginning == Beginning::FirstOfSession;
        let session = names_session.then(|| self.digests.hash_one(path));
        Askers { session, client: client.map(|client| self.digests.hash_one(client)) }
    }
}

/// In how many seconds the next one who is turned away is to come again.
const fn seconds(nth: u64) -> u64 {
    1 + nth % SPREAD
}

/// What the next one is told who is turned away.
fn said(nth: u64) -> String {
    let said = format!("The server has too much to do; try again in {} s.", seconds(nth));
    json!({ "error": "temporarily_unavailable", "error_description": said }).to_string()
}

fn locked(watch: &Mutex<Watch>) -> MutexGuard<'_, Watch> {
    watch.lock().unwrap_or_else(PoisonError::into_inner)
}

struct InHand<'a>(&'a Admission);

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        self.0.in_hand.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets a request pass, or has it come later.
pub(super) async fn admit(admission: &Admission, request: Request, next: impl Inner) -> Response {
    let Some(Begins { beginning, is_judged, .. }) = begins(&request) else {
        // whoever waits for events waits with GET
        if request.method() == Method::GET {
            return next.run(request).await;
        }
        let _in_hand = admission.takes();
        return next.run(request).await;
    };
    let in_hand = admission.takes();
    let begun = Instant::now();
    let client = admission.clients.of(&request);
    let askers = admission.askers(*beginning, request.uri().path(), client);
    admission.try_a_turn(begun);
    let Arrival { asking, was_let_pass } = request.extensions().get().copied().unwrap_or_default();
    let turn = admission.turn(*beginning, askers, begun).filter(|_| !was_let_pass);
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
    if *is_judged {
        admission.watch(|watch| watch.ended(now.saturating_duration_since(begun)));
    }
    // what does not exist is no flow that has begun
    if response.status().is_success() {
        let askers = [askers.session, askers.client].into_iter().flatten();
        admission.known(|known| askers.for_each(|asker| known.let_pass(asker, now)));
    }
    response
}

fn begins(request: &Request) -> Option<&'static Begins> {
    let route = request.extensions().get::<MatchedPath>()?.as_str();
    beginnings::by_route(request.method(), route)
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
