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
    configured,
    crowd::Flow,
    failure::Failure,
    ledger::{Deed, Fact},
    server::Server,
};

/// The demo's credential type that every flow is about.
const TYPE: &str = "verified_identity";

/// The claims that a presentation discloses: four, as in the peers' benchmark.
const ASKED: [&str; 4] = ["given_name", "family_name", "birthdate", "nationalities"];

/// The parameter of a link that says where its offer is.
pub(crate) const OFFER: &str = "credential_offer_uri";

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

/// Revokes what an offer led to.
pub(crate) struct Revocation(pub(crate) Integrator);

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
        (deed, what): (Deed, &str),
        body: Value,
    ) -> Result<Placed, Failure> {
        let place = self.place(what)?;
        let mut entry = connection.entry(deed, "");
        loop {
            entry.begins().await?;
            let content = Content::Json(body.to_string());
            let created = async {
                let answer = connection.post(&place, self.key(), content).await?;
                let created: Created = serde_json::from_slice(&answer)?;
                Ok(Placed { session: format!("{place}/{}", created.id).parse()?, created })
            };
            let placed = created.await;
            entry.came(&placed, |_, placed: &Placed| placed.fact(deed))?;
            if entry.is_over().await? {
                return placed;
            }
        }
    }
}

impl Placed {
    /// What it promises.
    fn fact(&self, deed: Deed) -> Result<Option<Fact>, Failure> {
        let Created { id, expires_at, .. } = &self.created;
        let (Deed::Offer, Some(until)) = (deed, *expires_at) else { return Ok(None) };
        let offer = self.created.parameter(OFFER)?.into();
        Ok(Some(Fact::Offered { offer, session: id.clone(), until }))
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
        self.0.create(connection, (Deed::Offer, "offers"), offer).await
    }
}

impl Flow for Request {
    type Job = ();
    type Outcome = Placed;

    async fn play(&self, connection: &mut Connection, (): ()) -> Result<Placed, Failure> {
        let claims: Vec<_> = ASKED.iter().map(|name| json!({ "path": [name] })).collect();
        let vct = match self.0.is_peer() {
            false => configured::VCT,
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
        self.0.create(connection, (Deed::Request, "requests"), request).await
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

impl Flow for Revocation {
    type Job = Placed;
    type Outcome = ();

    async fn play(&self, connection: &mut Connection, job: Placed) -> Result<(), Failure> {
        let offer = connection.get(&job.session, self.0.key()).await?;
        let offer: Value = serde_json::from_slice(&offer)?;
        let credential = offer["credentials"][0]["id"].as_str();
        let credential = credential.ok_or(Failure::Lacks("credential on record"))?;
        let place = job.session.join(&format!("../credentials/{credential}/status"))?;
        let body = json!({ "status": "revoked" }).to_string();
        let about = job.created.parameter(OFFER)?;
        let mut entry = connection.entry(Deed::Revocation, about.as_str());
        loop {
            entry.begins().await?;
            let content = Content::Json(body.clone());
            let revoked = connection.post(&place, self.0.key(), content).await;
            entry.came(&revoked, |_, _| Ok(None))?;
            if entry.is_over().await? {
                return revoked.map(drop);
            }
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
