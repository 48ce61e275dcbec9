//! D2, D6: what is good once is shown to two replicas by many wallets at the same moment; with equal clocks, and
//! with one that is ahead of the other.

use std::{path::Path, rc::Rc};

use serde_json::{Value, json};
use tokio::task::LocalSet;

use super::{
    scene::{Program, Scene, Setting, Store},
    trials::{Extent, Line, Trial},
    wallet::claims,
};
use crate::{
    attester::CONFIGURATION,
    client::{Ask, Connection, Content},
    failure::Failure,
    integrator::Created,
    issuance::{Access, Places, form, place_of},
    ledger::facts::{Issued, Unused},
    presentation::Card,
    proofs::{dpop_proof, fresh_key, identifier},
};

/// How many wallets show the same.
const RACERS: usize = 64;

/// How many calls are made by one name, and by one proof, each of them with something of its own.
const CALLERS: usize = 8;

/// How far the clocks of the two are from that of everybody else, in seconds: alike, or 90 apart.
const CLOCKS: [[i64; 2]; 2] = [[0, 0], [-45, 45]];

/// Races, so often with each relation of the clocks.
pub(crate) async fn race(
    (_, folder): (&Path, &Path),
    store: &Store,
    extent: Extent,
) -> Result<Line, Failure> {
    let fault = "two replicas race";
    let folder = Trial::folder(folder, fault, store);
    let program = Program::Failing(std::env::current_exe()?);
    let setting = Setting { program, store, attester: None, receiver: None };
    let mut trial = Trial::of(fault, Scene::laid(&folder, setting)?, &folder, store)?;
    let first = trial.scene.clone();
    let other = first.replica(store)?;
    for [behind, ahead] in CLOCKS {
        first.set_ahead(behind);
        other.set_ahead(ahead);
        trial.start().await?;
        other.start().await?;
        for round in 0..extent.races {
            // each is first in half of the rounds
            let pair = if round.is_multiple_of(2) { [&*first, &other] } else { [&other, &*first] };
            let before = trial.facts.borrow().broken.len();
            Round { pair, trial: &trial }.run().await?;
            if trial.facts.borrow().broken.len() > before {
                trial.broken(format!("  … with clocks {} s apart", ahead - behind));
            }
            trial.times += 1;
            trial.turns += 1;
        }
        other.terminate().await?;
        first.terminate().await?;
    }
    // what they did is judged by who has the right time
    first.set_ahead(0);
    other.set_ahead(0);
    trial.start().await?;
    other.start().await?;
    let line = trial.ended().await?;
    other.terminate().await?;
    Ok(line)
}

/// One of everything that is good once.
struct Round<'r> {
    pair: [&'r Scene; 2],
    trial: &'r Trial,
}

impl Round<'_> {
    async fn run(&self) -> Result<(), Failure> {
        self.code().await?;
        let card = self.token().await?;
        self.presentation(&card).await?;
        self.transaction().await?;
        self.proof().await?;
        self.call().await
    }

    /// One code, many token requests.
    async fn code(&self) -> Result<(), Failure> {
        let (places, code, _) = self.offer().await?;
        let places = Rc::new(places);
        let racers = self.racers(RACERS).await?;
        let tokens = race_of(racers, |_, mut connection| {
            let (places, code) = (places.clone(), code.clone());
            async move { places.token(&mut connection, &code, None).await }
        })
        .await?;
        self.only("code", tokens);
        self.trial.facts.borrow_mut().used_codes.push(code);
        Ok(())
    }

    /// One token, many credential requests, each for a key of its own.
    async fn token(&self) -> Result<Card, Failure> {
        // a code that was shown twice ends what came of it: this one is shown once
        let (places, code, created) = self.offer().await?;
        let [mut one, mut other] = self.connections().await?;
        let token = places.token(&mut one, &code, None).await?;
        self.trial.facts.borrow_mut().used_codes.push(code);
        let nonces = Rc::new(places.nonces(&mut other).await?);
        let places = Rc::new(places);
        let racers = self.racers(RACERS).await?;
        let answers = race_of(racers, |_, mut connection| {
            let (places, nonces, token) = (places.clone(), nonces.clone(), token.clone());
            async move {
                let access = Access { token, bound_to: None };
                let wish = (CONFIGURATION, &*nonces);
                let keys = vec![fresh_key()?];
                places.credential(&mut connection, &access, wish, keys).await
            }
        })
        .await?;
        let received = self.only("token", answers).and_then(|received| received.into_iter().next());
        let (text, key) = received.ok_or(Failure::Lacks("credential"))?;
        let held = self.trial.wallet().well_signed(&text).await?;
        let (list, index) = place_of(&text)?;
        let (offer, text) = (Some(created.id), Some(text));
        let issued = Issued { offer, text, list, index, is_revoked: false, is_erased: false };
        self.trial.facts.borrow_mut().issued.push(issued);
        Ok(Card { held, key })
    }

    /// One presentation, shown many times; its result is read at the other replica.
    async fn presentation(&self, card: &Card) -> Result<(), Failure> {
        let mut wallet = self.trial.wallet();
        let asked = wallet.asked().await?;
        let (place, form) = wallet.answer_to(&asked, card).await?;
        let racers = self.racers(RACERS).await?;
        let taken = race_of(racers, |_, mut connection| {
            let (place, content) = (place.clone(), Content::Form(form.clone()));
            async move { connection.post(&place, None, content).await }
        })
        .await?;
        self.only("presentation", taken);
        for connection in &mut self.connections().await? {
            let result = self.api(connection, &format!("requests/{}", asked.id)).await?;
            if result["state"] != "verified" {
                let reason = &result["verdict"]["reason"];
                self.broken(format!("D2: a presentation is {} ({reason})", result["state"]));
            }
        }
        Ok(())
    }

    /// One transaction, collected many times: whoever gets the credential gets the same.
    async fn transaction(&self) -> Result<(), Failure> {
        let mut wallet = self.trial.wallet();
        let subject = identifier();
        let Some(waiting) = wallet.waits(&subject).await? else { return Ok(()) };
        let racers = self.racers(RACERS).await?;
        let place = waiting.places.sibling("deferred")?;
        let body = json!({ "transaction_id": waiting.transaction }).to_string();
        let answers = race_of(racers, |_, mut connection| {
            let (place, content) = (place.clone(), Content::Json(body.clone()));
            let token = waiting.token.clone();
            async move { connection.post(&place, Some(&token), content).await }
        })
        .await?;
        let mut credentials = Vec::new();
        for answer in answers {
            match answer {
                Ok(body) => {
                    let answer: Value = serde_json::from_slice(&body)?;
                    credentials.push(answer["credentials"].clone());
                }
                Err(failure) if is_rule(&failure) => {}
                Err(failure) => return Err(failure),
            }
        }
        credentials.dedup();
        if credentials.len() != 1 {
            self.broken(format!("I6: a transaction leads to {} credentials", credentials.len()));
        }
        Ok(())
    }

    /// One DPoP proof (RFC 9449 §11.1), shown with many codes; the codes that it did not get are still good.
    async fn proof(&self) -> Result<(), Failure> {
        let mut codes = Vec::new();
        let mut places = None;
        for _ in 0..CALLERS {
            let (found, code, created) = self.offer().await?;
            codes.push((code.clone(), Unused::new(&created, code)?));
            places = Some(found);
        }
        let places = places.ok_or(Failure::Lacks("places"))?;
        let [_, mut other] = self.connections().await?;
        let nonces = places.nonces(&mut other).await?;
        let place = places.server.token_endpoint.clone();
        let proof = dpop_proof(&fresh_key()?, &place, nonces.dpop()?, None).await?;
        let racers = self.racers(CALLERS).await?;
        let answers = race_of(racers, |nth, mut connection| {
            let pre_authorized = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
            let code = codes.get(nth).map(|(code, _)| code.clone()).unwrap_or_default();
            let form =
                form(&[("grant_type", pre_authorized), ("pre-authorized_code", code.as_str())]);
            let (place, proof) = (place.clone(), proof.clone());
            async move {
                let ask = Ask::post(&place, Content::Form(form)).with("dpop", proof);
                connection.ask(ask).await.map(|_| code)
            }
        })
        .await?;
        if let Some(used) = self.only("DPoP proof", answers) {
            codes.retain(|(code, _)| *code != used);
            let mut facts = self.trial.facts.borrow_mut();
            facts.used_codes.push(used);
            facts.unused.extend(codes.into_iter().map(|(_, unused)| unused));
        }
        Ok(())
    }

    /// One call by its name, made many times: it is done once.
    async fn call(&self) -> Result<(), Failure> {
        let name = identifier();
        let wanted = json!({ "configuration": CONFIGURATION, "claims": claims() }).to_string();
        let place = self.pair[0].api("offers")?;
        let key = self.pair[0].key().to_owned();
        let racers = self.racers(CALLERS).await?;
        let call = |_: usize, mut connection: Connection| {
            let (place, key, name) = (place.clone(), key.clone(), name.clone());
            let content = Content::Json(wanted.clone());
            async move {
                let ask = Ask::post(&place, content).with("idempotency-key", name);
                let answer = connection.ask(ask.bearing(Some(&key))).await?;
                Ok(serde_json::from_slice::<Created>(&answer.body)?.id)
            }
        };
        let mut made = race_of(racers, call).await?;
        // and once they are all through
        made.extend(race_of(self.racers(2).await?, call).await?);
        let mut offers = Vec::new();
        for made in made {
            match made {
                Ok(offer) => offers.push(offer),
                Err(failure) if is_rule(&failure) => {}
                Err(failure) => return Err(failure),
            }
        }
        offers.sort();
        offers.dedup();
        if offers.len() != 1 {
            self.broken(format!("I6: one call makes {} offers", offers.len()));
        }
        Ok(())
    }

    /// An offer that one makes and the other shows.
    async fn offer(&self) -> Result<(Places, String, Created), Failure> {
        let mut wallet = self.trial.wallet();
        let created = wallet.offer().await?;
        let offer = created.parameter("credential_offer_uri")?;
        let (places, code) = wallet.places(&offer).await?;
        Ok((places, code, created))
    }

    async fn connections(&self) -> Result<[Connection; 2], Failure> {
        let [one, other] = self.pair;
        Ok([Connection::open(one.base()).await?, Connection::open(other.base()).await?])
    }

    /// Connections, half of them to each replica.
    async fn racers(&self, count: usize) -> Result<Vec<Connection>, Failure> {
        let mut racers = Vec::new();
        for scene in self.pair.into_iter().cycle().take(count) {
            racers.push(Connection::open(scene.base()).await?);
        }
        Ok(racers)
    }

    async fn api(&self, connection: &mut Connection, what: &str) -> Result<Value, Failure> {
        let (place, key) = (self.pair[0].api(what)?, self.pair[0].key());
        Ok(serde_json::from_slice(&connection.get(&place, Some(key)).await?)?)
    }

    /// The one answer; all others are refused by a rule.
    fn only<T>(&self, what: &str, answers: Vec<Result<T, Failure>>) -> Option<T> {
        let (mut won, mut winners) = (None, 0);
        for answer in answers {
            match answer {
                Ok(answer) => {
                    winners += 1;
                    won = Some(answer);
                }
                Err(failure) if is_rule(&failure) => {}
                Err(failure) => self.broken(format!("D2: a {what} ends in: {failure}")),
            }
        }
        if winners != 1 {
            self.broken(format!(
                "I6: of {RACERS} who show one {what} at once {winners} are served"
            ));
        }
        won
    }

    fn broken(&self, what: String) {
        self.trial.broken(what);
    }
}

/// Whether a rule refused it, or too many asked at once and it says when to ask again.
const fn is_rule(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::Refused { status: 400..500, .. }
            | Failure::Refused { status: 503, asks_again: true, .. }
    )
}

/// What everybody was answered who asked at the same moment.
async fn race_of<T: 'static, F>(
    racers: Vec<Connection>,
    ask: impl Fn(usize, Connection) -> F,
) -> Result<Vec<Result<T, Failure>>, Failure>
where
    F: Future<Output = Result<T, Failure>> + 'static,
{
    let crowd = LocalSet::new();
    let racers = racers.into_iter().enumerate();
    let asked: Vec<_> = racers.map(|(nth, racer)| crowd.spawn_local(ask(nth, racer))).collect();
    crowd
        .run_until(async {
            let mut answers = Vec::with_capacity(asked.len());
            for racer in asked {
                answers.push(racer.await?);
            }
            Ok(answers)
        })
        .await
}
