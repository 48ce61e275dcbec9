//! Wallets, integrators and verifiers that go on whatever happens to the server, and write down what they
//! were promised.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use lanyard_core::{
    crypto::{AwsLc, SoftwareSigner},
    json,
    sd_jwt_vc::{HeldSdJwtVc, UnverifiedSdJwtVc},
};
use serde_json::{Value, json};
use url::Url;

use super::{
    ledger::{Deed, Ledger, Outcome},
    scene::Scene,
};
use crate::{
    client::{Connection, Content, Recorder},
    failure::Failure,
    integrator::Created,
    issuance::{Access, Offer, Places, read},
    presentation::{self, Card},
    proofs::fresh_key,
};

/// Nobody waits longer for a server to come back.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the wallets of one run were promised.
#[derive(Default)]
pub(crate) struct Facts {
    /// Codes that were good once: acknowledged, or perhaps.
    pub(crate) used_codes: Vec<String>,
    /// Codes of offers that nobody took up.
    pub(crate) unused: Vec<String>,
    pub(crate) issued: Vec<Issued>,
    /// Presentations that were taken.
    pub(crate) answered: Vec<Answered>,
    /// Answers that were lost with what they held: done, but nobody has it.
    pub(crate) lost_answers: u64,
    /// Promises that were broken.
    pub(crate) broken: BTreeSet<String>,
    /// How long each step took that was answered.
    pub(crate) latencies: Vec<Duration>,
}

/// A credential in somebody's hands.
pub(crate) struct Issued {
    pub(crate) offer: String,
    pub(crate) text: String,
    pub(crate) list: Url,
    pub(crate) index: u64,
    pub(crate) is_revoked: bool,
    /// Whether its subject was erased, and the record with it.
    pub(crate) is_erased: bool,
}

/// A presentation that was taken.
pub(crate) struct Answered {
    pub(crate) request: String,
    pub(crate) place: Url,
    pub(crate) form: String,
}

/// One step as the wallet sees it.
pub(super) enum Step<T> {
    Done(T),
    /// By a rule, with this status.
    Refused(u16),
    /// Nobody knows.
    Unknown,
    /// Nobody was there to ask.
    Unasked,
}

/// One of a crowd.
pub(crate) struct Wallet {
    pub(crate) scene: Rc<Scene>,
    pub(crate) ledger: Rc<Ledger>,
    pub(crate) facts: Rc<RefCell<Facts>>,
    pub(crate) stop: Rc<Cell<bool>>,
    pub(crate) connection: Option<Connection>,
    pub(crate) turns: u64,
    /// Where its requests are written down, if anywhere.
    pub(crate) recorder: Option<Recorder>,
}

impl Wallet {
    /// Takes turns until it is told to stop; the turn that it is in is finished.
    pub(crate) async fn play(mut self) -> Result<u64, Failure> {
        while !self.stop.get() {
            self.turn().await?;
            self.turns += 1;
        }
        Ok(self.turns)
    }

    pub(crate) async fn turn(&mut self) -> Result<(), Failure> {
        // 1. an offer; one in five waits for the end
        let created = self.offer().await?;
        let offer = created.parameter("credential_offer_uri")?;
        let (places, code) = self.places(&offer).await?;
        if self.turns % 5 == 4 {
            self.facts.borrow_mut().unused.push(code);
            return Ok(());
        }
        // 2. the token, by a code that is good once
        let Some(token) = self.token(&places, &code, &created.id).await? else { return Ok(()) };
        // 3. the credential
        let Some(card) = self.credential(&places, &token, &created.id).await? else {
            return Ok(());
        };
        // 4. a verifier asks for it; of every second one
        if self.turns.is_multiple_of(2) {
            self.present(&card).await?;
        }
        // 5. it is revoked; every third one
        if self.turns.is_multiple_of(3) {
            self.revoke(&created.id).await?;
        }
        Ok(())
    }

    /// Asks until it is answered: an offer that nobody knows of is nobody's.
    pub(super) async fn offer(&mut self) -> Result<Created, Failure> {
        let body = json!({ "configuration": Scene::configuration(), "claims": claims() });
        self.surely(Deed::Offer, "", "offers", body).await
    }

    /// Calls the API until it answers.
    pub(super) async fn surely<T: serde::de::DeserializeOwned>(
        &mut self,
        deed: Deed,
        about: &str,
        what: &str,
        body: Value,
    ) -> Result<T, Failure> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let (place, key) = (self.scene.api(what)?, self.scene.key().to_owned());
            let content = Content::Json(body.to_string());
            let call = async |connection: &mut Connection| {
                let answer = connection.post(&place, Some(&key), content).await?;
                Ok::<T, Failure>(serde_json::from_slice(&answer)?)
            };
            match self.attempt(deed, about, call).await? {
                Step::Done(answer) => return Ok(answer),
                Step::Refused(status) => {
                    self.broken(format!("{deed:?} was refused with {status}"));
                    return Err(Failure::Lacks("answer of the API"));
                }
                Step::Unknown | Step::Unasked => {}
            }
        }
        self.broken(format!("I7: {deed:?} gets no answer for {} s", PATIENCE.as_secs()));
        Err(Failure::ServerGone)
    }

    pub(super) async fn places(&mut self, offer: &Url) -> Result<(Places, String), Failure> {
        self.read(async |connection| {
            let offer: Offer = read(&connection.get(offer, None).await?)?;
            let places = Places::discover(connection, &offer.credential_issuer).await?;
            Ok((places, offer.code().to_owned()))
        })
        .await
    }

    /// Reads until it is answered.
    pub(super) async fn read<T>(
        &mut self,
        reads: impl AsyncFn(&mut Connection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let begun = Instant::now();
        loop {
            let mut connection = self.connected().await?;
            match reads(&mut connection).await {
                Ok(read) => {
                    self.connection = Some(connection);
                    return Ok(read);
                }
                Err(failure) if is_open(&failure) && begun.elapsed() < PATIENCE => {
                    self.holds_to_503(&failure);
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// One token; none if its answer was lost.
    pub(super) async fn token(
        &mut self,
        places: &Places,
        code: &str,
        about: &str,
    ) -> Result<Option<String>, Failure> {
        let mut was_sent = false;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let ask =
                async |connection: &mut Connection| places.token(connection, code, None).await;
            match self.attempt(Deed::Token, about, ask).await? {
                Step::Done(token) => {
                    self.facts.borrow_mut().used_codes.push(code.to_owned());
                    return Ok(Some(token));
                }
                // it was done, and what it was answered with is gone
                Step::Refused(_) if was_sent => {
                    let mut facts = self.facts.borrow_mut();
                    facts.used_codes.push(code.to_owned());
                    facts.lost_answers += 1;
                    return Ok(None);
                }
                Step::Refused(status) => {
                    self.broken(format!("I1: a fresh code is refused with {status}"));
                    return Ok(None);
                }
                Step::Unknown => was_sent = true,
                Step::Unasked => {}
            }
        }
        self.broken("I7: no token for a minute".to_owned());
        Ok(None)
    }

    /// The credential; none if its answer was lost.
    pub(super) async fn credential(
        &mut self,
        places: &Places,
        token: &str,
        about: &str,
    ) -> Result<Option<Arc<Card>>, Failure> {
        let mut was_sent = false;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let ask = async |connection: &mut Connection| {
                let nonces = places.nonces(connection).await?;
                let access = Access { token: token.to_owned(), bound_to: None };
                let wish = (Scene::configuration(), &nonces);
                places.credential(connection, &access, wish, vec![fresh_key()?]).await
            };
            match self.attempt(Deed::Credential, about, ask).await? {
                Step::Done(received) => {
                    let (text, key) =
                        received.into_iter().next().ok_or(Failure::Lacks("credential"))?;
                    let card = self.verified(&text, key).await?;
                    let (list, index) = place_of(&text)?;
                    let issued = Issued {
                        offer: about.to_owned(),
                        text,
                        list,
                        index,
                        is_revoked: false,
                        is_erased: false,
                    };
                    self.facts.borrow_mut().issued.push(issued);
                    return Ok(Some(Arc::new(card)));
                }
                Step::Refused(_) if was_sent => {
                    self.facts.borrow_mut().lost_answers += 1;
                    return Ok(None);
                }
                Step::Refused(status) => {
                    self.broken(format!("I1: a fresh token is refused with {status}"));
                    return Ok(None);
                }
                Step::Unknown => was_sent = true,
                Step::Unasked => {}
            }
        }
        self.broken("I7: no credential for a minute".to_owned());
        Ok(None)
    }

    async fn verified(&self, text: &str, key: SoftwareSigner) -> Result<Card, Failure> {
        Ok(Card { held: self.well_signed(text).await?, key })
    }

    /// I9: a credential is signed by the issuer that everybody knows.
    pub(super) async fn well_signed(&self, text: &str) -> Result<HeldSdJwtVc, Failure> {
        let (now, issuers) = (lanyard_core::Timestamp::now(), self.scene.issuers()?);
        let credential = UnverifiedSdJwtVc::parse(text)?;
        let issuer = issuers.find(&credential.claimed_issuer(), now).await?;
        Ok(credential.verify_for_holding(issuer, now, &AwsLc)?)
    }

    /// A verifier asks.
    pub(super) async fn asked(&mut self) -> Result<Created, Failure> {
        let query = json!({ "credentials": [{
            "id": "identity", "format": "dc+sd-jwt",
            "meta": { "vct_values": ["urn:example:load:verified-identity:1"] },
            "claims": [{ "path": ["given_name"] }],
        }]});
        self.surely(Deed::Offer, "", "requests", json!({ "dcql_query": query })).await
    }

    /// The answer to a request, not yet sent.
    pub(super) async fn answer_to(
        &mut self,
        asked: &Created,
        card: &Arc<Card>,
    ) -> Result<(Url, String), Failure> {
        let place = asked.parameter("request_uri")?;
        let object = self.read(async |connection| connection.get(&place, None).await).await?;
        presentation::answer(&presentation::payload(&object)?, card).await
    }

    async fn present(&mut self, card: &Arc<Card>) -> Result<(), Failure> {
        let asked = self.asked().await?;
        let (place, form) = self.answer_to(&asked, card).await?;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let (content, to) = (Content::Form(form.clone()), &place);
            let ask = async |connection: &mut Connection| connection.post(to, None, content).await;
            match self.attempt(Deed::Response, &asked.id, ask).await? {
                // what was taken once is taken no more, and what could not be checked is refused: the result tells
                Step::Done(_) | Step::Refused(_) => {
                    let answered = Answered { request: asked.id, place: place.clone(), form };
                    self.facts.borrow_mut().answered.push(answered);
                    return Ok(());
                }
                Step::Unknown | Step::Unasked => {}
            }
        }
        self.broken("I7: no answer to a presentation for a minute".to_owned());
        Ok(())
    }

    async fn revoke(&mut self, offer: &str) -> Result<(), Failure> {
        let (place, key) =
            (self.scene.api(&format!("offers/{offer}"))?, self.scene.key().to_owned());
        let status = self.read(async |connection| connection.get(&place, Some(&key)).await).await?;
        let status: Value = serde_json::from_slice(&status)?;
        let credential = status["credentials"][0]["id"].as_str().map(str::to_owned);
        let Some(credential) = credential else {
            self.broken("I2: an acknowledged credential is on no record".to_owned());
            return Ok(());
        };
        let what = format!("credentials/{credential}/status");
        let revoked = json!({ "status": "revoked" });
        self.surely::<Value>(Deed::Revocation, offer, &what, revoked).await?;
        let mut facts = self.facts.borrow_mut();
        let issued = facts.issued.iter_mut().find(|issued| issued.offer == offer);
        issued.ok_or(Failure::Lacks("credential"))?.is_revoked = true;
        Ok(())
    }

    /// Tries one step once, and writes down what came of it.
    pub(super) async fn attempt<T>(
        &mut self,
        deed: Deed,
        about: &str,
        step: impl AsyncFnOnce(&mut Connection) -> Result<T, Failure>,
    ) -> Result<Step<T>, Failure> {
        let mut connection = self.connected().await?;
        self.ledger.note(deed, about, Outcome::Intended)?;
        let begun = Instant::now();
        let (outcome, step) = match step(&mut connection).await {
            Ok(done) => {
                self.facts.borrow_mut().latencies.push(begun.elapsed());
                self.connection = Some(connection);
                (Outcome::Ok, Step::Done(done))
            }
            Err(Failure::Refused { status, .. }) if (400..500).contains(&status) => {
                self.connection = Some(connection);
                (Outcome::Refused, Step::Refused(status))
            }
            Err(Failure::NobodyThere(_)) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
                (Outcome::Unasked, Step::Unasked)
            }
            Err(failure) if is_open(&failure) => {
                self.holds_to_503(&failure);
                tokio::time::sleep(Duration::from_millis(20)).await;
                (Outcome::Unknown, Step::Unknown)
            }
            Err(failure) => return Err(failure),
        };
        self.ledger.note(deed, about, outcome)?;
        Ok(step)
    }

    /// A server that cannot answer now says so, and when to ask again.
    pub(super) fn holds_to_503(&self, failure: &Failure) {
        if let Failure::Refused { status, path, asks_again, .. } = failure
            && (*status != 503 || !asks_again)
        {
            let when = if *asks_again { "with" } else { "without" };
            self.broken(format!("{path} answered {status} {when} Retry-After"));
        }
    }

    /// A connection, once there is a server to connect to.
    pub(super) async fn connected(&mut self) -> Result<Connection, Failure> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Ok(mut connection) = Connection::open(self.scene.base()).await {
                connection.record(self.recorder.clone());
                return Ok(connection);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.broken("I7: nobody answers for a minute".to_owned());
        Err(Failure::ServerGone)
    }

    pub(super) fn broken(&self, what: String) {
        self.facts.borrow_mut().broken.insert(what);
    }
}

/// Whether it is open what became of a step: the connection broke, or the server could not say.
pub(crate) const fn is_open(failure: &Failure) -> bool {
    match failure {
        Failure::NobodyThere(_) | Failure::Io(_) | Failure::Connection(_) => true,
        Failure::Refused { status, .. } => *status >= 500,
        _ => false,
    }
}

/// Where a credential has its status.
pub(super) fn place_of(text: &str) -> Result<(Url, u64), Failure> {
    let lacks = || Failure::Lacks("status");
    let payload = text.split('.').nth(1).ok_or_else(lacks)?;
    let payload = json::base64url_decode(payload).map_err(|_| lacks())?;
    let payload: Value = serde_json::from_slice(&payload)?;
    let status = &payload["status"]["status_list"];
    let uri = status["uri"].as_str().ok_or_else(lacks)?;
    Ok((uri.parse()?, status["idx"].as_u64().ok_or_else(lacks)?))
}

pub(super) fn claims() -> Value {
    json!({ "given_name": "Ada", "family_name": "Moreau", "birthdate": "1990-12-10" })
}
