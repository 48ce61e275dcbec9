//! How often one client address may ask a tenant; more is answered 429 with `Retry-After` (RFC 6585 §4).
//!
//! It keeps one client from taking the server from all others; guessing is kept off elsewhere, by the length of
//! what would have to be guessed and by counted tries. This machine itself is not counted, and neither is a trusted
//! proxy, whose clients are told apart by the `X-Forwarded-For` that it writes.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request},
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, Method, StatusCode, header::RETRY_AFTER};
use lanyard_service::http::replies;
use serde_json::json;

use super::{clients::Clients, front::Inner};

/// After so many requests, addresses that have been quiet are forgotten.
const ROUND: u32 = 4096;

/// What is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Token,
    Nonce,
    Credential,
    Fetch,
    Response,
    Login,
    Api,
    Resolution,
}

/// Requests per second that one client address may make of one tenant; a burst of twice as many passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rates {
    /// Token requests, and what comes before them: pushed authorization requests, challenges.
    pub token: NonZeroU32,
    /// Nonces.
    pub nonce: NonZeroU32,
    /// Credential, deferred and notification requests.
    pub credential: NonZeroU32,
    /// Offers and request objects by their id, and requests that a page begins.
    pub fetch: NonZeroU32,
    /// Responses of wallets.
    pub response: NonZeroU32,
    /// Logins and consents that are sent.
    pub login: NonZeroU32,
    /// Calls of the integrator API.
    pub api: NonZeroU32,
    /// DIDs that are resolved for others.
    pub resolution: NonZeroU32,
    /// Calls of the integrator API with a wrong key, per minute.
    pub wrong_keys_per_minute: NonZeroU32,
}

impl Default for Rates {
    fn default() -> Self {
        let rate = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        Self {
            token: rate(10),
            nonce: rate(50),
            credential: rate(20),
            fetch: rate(10),
            response: rate(20),
            login: rate(2),
            api: rate(20),
            resolution: rate(10),
            wrong_keys_per_minute: rate(5),
        }
    }
}

/// Who asks whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Client {
    address: IpAddr,
    tenant: Option<String>,
}

/// Requests that are spread over time, with a burst: the generic cell rate algorithm.
struct Counter {
    /// The time that one request takes up.
    each: Duration,
    /// How far ahead of the clock a client may be.
    ahead: Duration,
    /// Until when each client's requests so far take up the time; whoever is behind the clock is forgotten.
    taken: Mutex<HashMap<Client, Instant>>,
}

impl Counter {
    fn new(rate: NonZeroU32, per: Duration, burst: u32) -> Self {
        let each = per / rate.get();
        let ahead = each.saturating_mul(burst.saturating_sub(1));
        Self { each, ahead, taken: Mutex::default() }
    }

    /// Counts one more; if it is one too many, how long to wait.
    fn refuses(&self, client: &Client, now: Instant) -> Option<Duration> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let until = taken.get(client).map_or(now, |until| now.max(*until));
        let wait = until.duration_since(now).saturating_sub(self.ahead);
        if !wait.is_zero() {
            return Some(wait);
        }
        taken.insert(client.clone(), until + self.each);
        None
    }

    fn forget_the_quiet(&self, now: Instant) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|_, until| *until > now);
        taken.shrink_to_fit();
    }
}

/// Counts, and turns away.
pub(super) struct Doorman {
    clients: Clients,
    counters: [(Class, Counter); 8],
    wrong_keys: Counter,
    round: AtomicU32,
}

impl Doorman {
    /// Keeps these rates.
    pub(super) fn new(rates: Rates, clients: Clients) -> Self {
        let counter = |rate: NonZeroU32| {
            Counter::new(rate, Duration::from_secs(1), rate.get().saturating_mul(2))
        };
        Self {
            clients,
            counters: [
                (Class::Token, counter(rates.token)),
                (Class::Nonce, counter(rates.nonce)),
                (Class::Credential, counter(rates.credential)),
                (Class::Fetch, counter(rates.fetch)),
                (Class::Response, counter(rates.response)),
                (Class::Login, counter(rates.login)),
                (Class::Api, counter(rates.api)),
                (Class::Resolution, counter(rates.resolution)),
            ],
            wrong_keys: Counter::new(
                rates.wrong_keys_per_minute,
                Duration::from_secs(60),
                rates.wrong_keys_per_minute.get(),
            ),
            round: AtomicU32::new(0),
        }
    }

    /// The class of a request and who makes it, if it is counted at all.
    fn counted(&self, request: &Request) -> Option<(Class, Client)> {
        let address = self.clients.of(request)?;
        let route = request.extensions().get::<MatchedPath>()?;
        let class = class(request.method(), route.as_str())?;
        let tenant = tenant(route.as_str(), request.uri().path()).map(str::to_owned);
        Some((class, Client { address, tenant }))
    }

    fn forget_the_quiet(&self, now: Instant) {
        if self.round.fetch_add(1, Ordering::Relaxed) % ROUND != ROUND - 1 {
            return;
        }
        for counter in self.counters.iter().map(|(_, counter)| counter).chain([&self.wrong_keys]) {
            counter.forget_the_quiet(now);
        }
    }
}

fn class(method: &Method, route: &str) -> Option<Class> {
    if let Some((_, class)) = ROUTES.iter().find(|(known, _)| *known == route) {
        let form = *class != Class::Login || method == Method::POST;
        return form.then_some(*class);
    }
    route.starts_with("/api/{tenant}/").then_some(Class::Api)
}

/// Routes that are counted, beside all of the integrator API.
const ROUTES: [(&str, Class); 17] = [
    ("/{tenant}/token", Class::Token),
    ("/{tenant}/par", Class::Token),
    ("/{tenant}/challenge", Class::Token),
    ("/{tenant}/sign-in/token", Class::Token),
    ("/{tenant}/nonce", Class::Nonce),
    ("/{tenant}/credential", Class::Credential),
    ("/{tenant}/deferred", Class::Credential),
    ("/{tenant}/notification", Class::Credential),
    ("/{tenant}/offers/{id}", Class::Fetch),
    ("/{tenant}/requests/{id}", Class::Fetch),
    ("/{tenant}/browser", Class::Fetch),
    ("/{tenant}/browser/{id}", Class::Fetch),
    ("/{tenant}/sign-in/authorize", Class::Fetch),
    ("/{tenant}/responses/{id}", Class::Response),
    ("/{tenant}/browser/{id}/dc-api", Class::Response),
    ("/{tenant}/authorize", Class::Login),
    ("/1.0/identifiers/{*identifier}", Class::Resolution),
];

/// The routes that are counted, as the router has them, beside those of the integrator API.
pub fn counted_routes() -> impl Iterator<Item = &'static str> {
    ROUTES.iter().map(|(route, _)| *route)
}

/// What stands in a path where its route has the tenant.
fn tenant<'p>(route: &str, path: &'p str) -> Option<&'p str> {
    let place = route.split('/').position(|segment| segment == "{tenant}")?;
    path.split('/').nth(place)
}

/// Lets a request pass, or turns it away.
pub(super) async fn keep(doorman: &Doorman, request: Request, next: impl Inner) -> Response {
    let Some((class, client)) = doorman.counted(&request) else { return next.run(request).await };
    let now = Instant::now();
    doorman.forget_the_quiet(now);
    let counter = doorman.counters.iter().find(|(of, _)| *of == class);
    if let Some(wait) = counter.and_then(|(_, counter)| counter.refuses(&client, now)) {
        return turned_away(class, wait);
    }
    let response = next.run(request).await;
    let wrong_key = class == Class::Api && response.status() == StatusCode::UNAUTHORIZED;
    match wrong_key.then(|| doorman.wrong_keys.refuses(&client, now)).flatten() {
        Some(wait) => turned_away(class, wait),
        None => response,
    }
}

fn turned_away(class: Class, wait: Duration) -> Response {
    let seconds = wait.as_secs().saturating_add(1);
    let said = format!("Too many requests from this address; try again in {seconds} s.");
    let mut response = match class {
        Class::Login => replies::unstored(said.into_response()),
        _ => {
            replies::json(json!({ "error": "rate_limited", "error_description": said }).to_string())
        }
    };
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_one_in_each_interval_and_the_quiet_are_forgotten() {
        let counter = Counter::new(NonZeroU32::MIN, Duration::from_secs(1), 2);
        let client = Client { address: "192.0.2.1".parse().unwrap(), tenant: None };
        let begun = Instant::now();
        let at = |millis| counter.refuses(&client, begun + Duration::from_millis(millis));
        assert_eq!([at(0), at(0)], [None, None]);
        assert_eq!(at(400), Some(Duration::from_millis(600)));
        assert_eq!(at(1000), None);
        assert_eq!(at(1001), Some(Duration::from_millis(999)));
        counter.forget_the_quiet(begun + Duration::from_secs(2));
        assert_eq!(counter.taken.lock().unwrap().len(), 1);
        counter.forget_the_quiet(begun + Duration::from_secs(3));
        assert!(counter.taken.lock().unwrap().is_empty());
    }

    #[test]
    fn a_tenant_is_read_where_its_route_has_it() {
        assert_eq!(tenant("/{tenant}/token", "/acme/token"), Some("acme"));
        assert_eq!(tenant("/api/{tenant}/offers", "/api/acme/offers"), Some("acme"));
        assert_eq!(tenant("/1.0/identifiers/{*identifier}", "/1.0/identifiers/did:key:z"), None);
    }

    #[test]
    fn a_login_page_is_read_as_often_as_one_likes_and_sent_in_seldom() {
        assert_eq!(class(&Method::GET, "/{tenant}/authorize"), None);
        assert_eq!(class(&Method::POST, "/{tenant}/authorize"), Some(Class::Login));
    }
}
