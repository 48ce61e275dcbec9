//! What an integrator does: offer, ask, and read verdicts, over the API.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use lanyard_core::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::{
    client::{Connection, Content},
    crowd::Flow,
    failure::Failure,
    server::Server,
};

/// The demo's credential type that every flow is about.
const TYPE: &str = "verified_identity";

/// The claims that a presentation discloses: four, as in the peers' benchmark.
const ASKED: [&str; 4] = ["given_name", "family_name", "birthdate", "nationalities"];

/// Whoever offers and asks at one server.
#[derive(Clone)]
pub(crate) struct Integrator(Arc<Api>);

enum Api {
    /// The API of tenants, one after the other.
    Lanyard { tenants: Vec<Url>, next: AtomicUsize, key: String },
    /// What the peers of `interop-tests` have beside the protocol.
    Peer(Url),
}

/// What the API answers when something was created.
#[derive(Deserialize)]
pub(crate) struct Created {
    /// The name of the session.
    pub(crate) id: String,
    link: Url,
    /// From this moment on it is worth nothing, where that is said.
    pub(crate) expires_at: Option<Timestamp>,
}

/// What was created at the tenant whose turn it was.
pub(crate) struct Placed {
    pub(crate) created: Created,
    /// Where it is asked for.
    pub(crate) session: Url,
}

/// Creates one offer.
pub(crate) struct Offer(pub(crate) Integrator);

/// Creates one request.
pub(crate) struct Request(pub(crate) Integrator);

/// Reads one verdict, which has to be a good one.
pub(crate) struct Verdict(pub(crate) Integrator);

impl Integrator {
    /// Reads the key of these tenants in the folder of their server.
    pub(crate) fn of(server: &Server, tenants: &[String]) -> Result<Self, Failure> {
        let key = server.file("api-key")?.trim().to_owned();
        let place = |tenant: &String| server.base().join(&format!("api/{tenant}/"));
        let tenants = tenants.iter().map(place).collect::<Result<_, _>>()?;
        Ok(Self(Arc::new(Api::Lanyard { tenants, next: AtomicUsize::new(0), key })))
    }

    /// Asks a peer.
    pub(crate) fn of_peer(server: &Server) -> Result<Self, Failure> {
        Ok(Self(Arc::new(Api::Peer(server.base().join("admin/")?))))
    }

    fn is_peer(&self) -> bool {
        matches!(*self.0, Api::Peer(_))
    }

    /// Where something is at the tenant whose turn it is.
    pub(crate) fn place(&self, what: &str) -> Result<Url, Failure> {
        Ok(match &*self.0 {
            Api::Lanyard { tenants, next, .. } => {
                let turn = next.fetch_add(1, Ordering::Relaxed) % tenants.len();
                tenants[turn].join(what)?
            }
            Api::Peer(base) => base.join(what)?,
        })
    }

    /// The key that opens it.
    pub(crate) fn key(&self) -> Option<&str> {
        match &*self.0 {
            Api::Lanyard { key, .. } => Some(key),
            Api::Peer(_) => None,
        }
    }

    async fn create(
        &self,
        connection: &mut Connection,
        what: &str,
        body: Value,
    ) -> Result<Placed, Failure> {
        let content = Content::Json(body.to_string());
        let place = self.place(what)?;
        let answer = connection.post(&place, self.key(), content).await?;
        let created: Created = serde_json::from_slice(&answer)?;
        Ok(Placed { session: format!("{place}/{}", created.id).parse()?, created })
    }
}

impl Created {
    /// A parameter of the link.
    pub(crate) fn parameter(&self, name: &'static str) -> Result<Url, Failure> {
        let mut parameters = self.link.query_pairs();
        let found = parameters.find(|(found, _)| found == name).ok_or(Failure::Lacks(name))?;
        Ok(found.1.parse()?)
    }
}

impl Flow for Offer {
    type Job = ();
    type Outcome = Placed;

    async fn play(&self, connection: &mut Connection, (): ()) -> Result<Placed, Failure> {
        let offer = match self.0.is_peer() {
            false => json!({ "configuration": TYPE, "claims": claims() }),
            // a peer knows the claims itself
            true => json!({ "configuration": TYPE, "by_reference": true }),
        };
        self.0.create(connection, "offers", offer).await
    }
}

impl Flow for Request {
    type Job = ();
    type Outcome = Placed;

    async fn play(&self, connection: &mut Connection, (): ()) -> Result<Placed, Failure> {
        let claims: Vec<_> = ASKED.iter().map(|name| json!({ "path": [name] })).collect();
        let vct = match self.0.is_peer() {
            false => "urn:lanyard:demo:verified-identity:1",
            true => "urn:example:interop:verified_identity:1",
        };
        let query = json!({ "credentials": [{
            "id": "identity",
            "format": "dc+sd-jwt",
            "meta": { "vct_values": [vct] },
            "claims": claims,
        }]});
        let mut request = json!({ "dcql_query": query });
        if self.0.is_peer() {
            // what ours does unless it is told otherwise
            request["client_id_prefix"] = json!("x509_san_dns");
            request["response_mode"] = json!("direct_post.jwt");
        }
        self.0.create(connection, "requests", request).await
    }
}

impl Flow for Verdict {
    type Job = Url;
    type Outcome = ();

    async fn play(&self, connection: &mut Connection, session: Url) -> Result<(), Failure> {
        let answer = connection.get(&session, self.0.key()).await?;
        let answer: Value = serde_json::from_slice(&answer)?;
        match answer["state"].as_str() {
            Some("verified") => Ok(()),
            other => Err(Failure::Verdict(other.unwrap_or("no verdict").to_owned())),
        }
    }
}

/// A person's ten claims, without the portrait: what the peers' benchmark issues.
fn claims() -> Value {
    json!({
        "given_name": "Ada",
        "family_name": "Moreau",
        "birthdate": "1990-12-10",
        "age_over_18": true,
        "nationalities": ["FR", "IE"],
        "place_of_birth": "Cork",
        "address": {
            "street_address": "14 Rue des Tilleuls",
            "postal_code": "69002",
            "locality": "Lyon",
            "country": "FR",
        },
        "document_number": "X4R7T92K1",
    })
}
