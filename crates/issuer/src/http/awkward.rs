//! An issuer that is right and hard to deal with, to try wallets with: good nonces are refused, replies come
//! late, and JSON has members that nobody knows.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{self, Body},
    extract::{Request, State},
    http::{
        HeaderMap, Method,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use lanyard_core::json;
use lanyard_oid4vci::{
    credential::CredentialError, dpop::DpopError, key_proof::KeyProofError, nonce::NonceError,
};
use serde_json::{Map, Value};

use super::{At, Failure, body::LARGEST_CREDENTIAL_REQUEST};
use crate::{IssuerService, tenant::Tenant};

/// The largest answer that gets unknown members.
const LARGEST_ANSWER: usize = 4 * 1024 * 1024;

/// A member that no specification knows.
const UNKNOWN: &str = "awkward_member";

/// Maps from names to things: another key would be another thing, and not a member that is unknown.
const MAPS: [&str; 2] = ["credential_configurations_supported", "proof_types_supported"];

/// What is signed, or has to stay equal to what is.
const UNTOUCHED: [&str; 2] = ["credential", "credential_definition"];

/// How awkward an issuer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Awkwardness {
    /// How many of a hundred requests with a good nonce are refused for it.
    pub refused_percent: u8,
    /// The longest time that a reply waits.
    pub longest_delay: Duration,
}

impl Default for Awkwardness {
    fn default() -> Self {
        Self { refused_percent: 5, longest_delay: Duration::from_millis(250) }
    }
}

struct Awkward {
    service: IssuerService,
    how: Awkwardness,
}

/// The routes that wallets use, made awkward; those for integrators stay as they are.
pub(crate) fn around(service: IssuerService, routes: Router, how: Awkwardness) -> Router {
    let awkward = Arc::new(Awkward { service, how });
    routes.layer(middleware::from_fn_with_state(awkward, answer))
}

async fn answer(State(awkward): State<Arc<Awkward>>, request: Request, next: Next) -> Response {
    let place = Place::of(request.uri().path());
    if place == Place::Other {
        return next.run(request).await;
    }
    let reply = match awkward.refuse(place, request).await {
        Ok(request) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    };
    let longest = u32::try_from(awkward.how.longest_delay.as_micros()).unwrap_or(u32::MAX);
    let delay = Duration::from_micros(awkward.below(longest.saturating_add(1)).into());
    tokio::time::sleep(delay).await;
    with_unknown_members(reply).await
}

/// What a path is to a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Proofs are shown there beside the form.
    AuthorizationServer,
    /// Proofs are shown there beside an access token.
    Resource,
    /// Keys are shown there too.
    Credential,
    /// No proof is shown there.
    Document,
    /// Not for wallets, or nothing that may be changed.
    Other,
}

impl Place {
    fn of(path: &str) -> Self {
        let segments: Vec<_> = path.split('/').skip(1).collect();
        match *segments.as_slice() {
            ["api", ..] => Self::Other,
            [".well-known", ..] | [_, "offers", _] | [_, "nonce" | "challenge"] => Self::Document,
            [_, "par" | "token"] => Self::AuthorizationServer,
            [_, "deferred" | "notification"] => Self::Resource,
            [_, "credential"] => Self::Credential,
            _ => Self::Other,
        }
    }
}

impl Awkward {
    /// Refuses a good nonce now and then; what is not refused goes on.
    async fn refuse(&self, place: Place, request: Request) -> Result<Request, Failure> {
        let is_chosen = self.below(100) < self.how.refused_percent.into();
        let tenant = request.uri().path().split('/').nth(1).unwrap_or_default();
        let Some(tenant) = self.service.tenant(tenant) else { return Ok(request) };
        if !is_chosen || request.method() != Method::POST {
            return Ok(request);
        }
        let is_proven = request.headers().contains_key("dpop");
        match place {
            Place::AuthorizationServer if is_proven => {
                Err(self.refuse_proof(&tenant, At::AuthorizationServer))
            }
            Place::Resource if is_proven => Err(self.refuse_proof(&tenant, At::Resource)),
            Place::Credential if is_proven && self.below(2) == 0 => {
                Err(self.refuse_proof(&tenant, At::Resource))
            }
            Place::Credential => {
                let (parts, body) = request.into_parts();
                let too_large = Failure::TooLarge("invalid_credential_request");
                let body = body::to_bytes(body, LARGEST_CREDENTIAL_REQUEST).await;
                let body = body.map_err(|_| too_large)?;
                if !shows_keys(&parts.headers, &body) {
                    return Ok(Request::from_parts(parts, Body::from(body)));
                }
                let nonce = KeyProofError::Nonce(NonceError::Expired);
                Err(Failure::Credential(CredentialError::Proof(nonce)))
            }
            _ => Ok(request),
        }
    }

    fn refuse_proof(&self, tenant: &Tenant, at: At) -> Failure {
        self.service.refuse_proof(tenant, DpopError::Nonce(Some(NonceError::Expired)), at)
    }

    /// A number below a limit that is not zero.
    fn below(&self, limit: u32) -> u32 {
        let mut bytes = [0; 4];
        self.service.provider().fill(&mut bytes);
        u32::from_be_bytes(bytes) % limit
    }
}

/// Whether there is a key proof in a request; what is encrypted is taken to have one.
fn shows_keys(headers: &HeaderMap, body: &[u8]) -> bool {
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    !is_json || json::parse_object(body).is_ok_and(|body| body.contains_key("proofs"))
}

/// JSON with members that nobody knows; whatever else it is, it stays as it is.
async fn with_unknown_members(reply: Response) -> Response {
    if reply.headers().get(CONTENT_TYPE).is_none_or(|kind| kind != "application/json") {
        return reply;
    }
    let (mut parts, body) = reply.into_parts();
    let Ok(bytes) = body::to_bytes(body, LARGEST_ANSWER).await else {
        return Response::from_parts(parts, Body::empty());
    };
    let Ok(mut value) = serde_json::from_slice(&bytes) else {
        return Response::from_parts(parts, Body::from(bytes));
    };
    add_members(&mut value);
    parts.headers.remove(CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(value.to_string()))
}

fn add_members(value: &mut Value) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(add_members),
        Value::Object(members) => {
            add_below(members);
            members.insert(UNKNOWN.to_owned(), serde_json::json!({ "nobody": ["knows", 1, null] }));
        }
        _ => {}
    }
}

fn add_below(members: &mut Map<String, Value>) {
    for (name, value) in members.iter_mut() {
        match value {
            _ if UNTOUCHED.contains(&name.as_str()) => {}
            Value::Object(map) if MAPS.contains(&name.as_str()) => add_below(map),
            value => add_members(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_added_everywhere_but_where_they_would_mean_something() {
        let mut value = json!({
            "credentials": [{ "credential": { "signed": true } }],
            "credential_configurations_supported": { "badge": { "display": [{}] } },
        });
        add_members(&mut value);
        assert!(value.get(UNKNOWN).is_some());
        assert!(value["credentials"][0].get(UNKNOWN).is_some());
        assert_eq!(value["credentials"][0]["credential"], json!({ "signed": true }));
        let map = &value["credential_configurations_supported"];
        assert!(map.get(UNKNOWN).is_none());
        assert!(map["badge"].get(UNKNOWN).is_some());
        assert!(map["badge"]["display"][0].get(UNKNOWN).is_some());
    }

    #[test]
    fn only_what_wallets_ask_for_is_awkward() {
        let places = [
            ("/api/demo/offers", Place::Other),
            ("/demo/types/diploma", Place::Other),
            ("/demo/status-lists/1", Place::Other),
            ("/.well-known/openid-credential-issuer/demo", Place::Document),
            ("/demo/offers/x", Place::Document),
            ("/demo/par", Place::AuthorizationServer),
            ("/demo/deferred", Place::Resource),
            ("/demo/credential", Place::Credential),
        ];
        for (path, place) in places {
            assert_eq!(Place::of(path), place, "{path}");
        }
    }
}
