//! What an integrator does: offer, ask, and read verdicts, over the API.

use std::sync::Arc;

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
    /// The API of one tenant.
    Lanyard { tenant: Url, key: String },
    /// What the peers of `interop-tests` have beside the protocol.
    Peer(Url),
}

/// What the API answers when something was created.
#[derive(Deserialize)]
pub(crate) struct Created {
    /// The name of the session.
    pub(crate) id: String,
    link: Url,
}

/// Creates one offer.
pub(crate) struct Offer(pub(crate) Integrator);

/// Creates one request.
pub(crate) struct Request(pub(crate) Integrator);

/// Reads one verdict, which has to be a good one.
pub(crate) struct Verdict(pub(crate) Integrator);

impl Integrator {
    /// Reads the key that the demo left in its folder.
    pub(crate) fn of(server: &Server) -> Result<Self, Failure> {
        let key = server.file("api-key")?.trim().to_owned();
        Ok(Self(Arc::new(Api::Lanyard { tenant: server.base().join("api/demo/")?, key })))
    }

    /// Asks a peer.
    pub(crate) fn of_peer(server: &Server) -> Result<Self, Failure> {
        Ok(Self(Arc::new(Api::Peer(server.base().join("admin/")?))))
    }

    fn is_peer(&self) -> bool {
        matches!(*self.0, Api::Peer(_))
    }

    /// Where something is, and the key that opens it.
    fn place(&self, what: &str) -> Result<(Url, Option<&str>), Failure> {
        Ok(match &*self.0 {
            Api::Lanyard { tenant, key } => (tenant.join(what)?, Some(key)),
            Api::Peer(base) => (base.join(what)?, None),
        })
    }

    async fn create(
        &self,
        connection: &mut Connection,
        what: &str,
        body: Value,
    ) -> Result<Created, Failure> {
        let content = Content::Json(body.to_string());
        let (place, key) = self.place(what)?;
        let answer = connection.post(&place, key, content).await?;
        Ok(serde_json::from_slice(&answer)?)
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
    type Outcome = Created;

    async fn play(&self, connection: &mut Connection, (): ()) -> Result<Created, Failure> {
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
    type Outcome = Created;

    async fn play(&self, connection: &mut Connection, (): ()) -> Result<Created, Failure> {
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
    type Job = String;
    type Outcome = ();

    async fn play(&self, connection: &mut Connection, id: String) -> Result<(), Failure> {
        let (place, key) = self.0.place(&format!("requests/{id}"))?;
        let answer = connection.get(&place, key).await?;
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
