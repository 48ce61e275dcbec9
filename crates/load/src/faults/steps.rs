//! One step of a wallet or an integrator: asked, written down, and asked again while it is open what became of it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::Value;

use super::wallet::Wallet;
use crate::{
    client::{Ask, Connection, Content},
    failure::Failure,
    ledger::{Deed, Line, Outcome},
};

/// Nobody waits longer for a server to come back.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

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

impl Wallet {
    /// Tries one step once, and writes down what came of it.
    pub(super) async fn attempt<T>(
        &mut self,
        deed: Deed,
        about: &str,
        step: impl AsyncFnOnce(&mut Connection) -> Result<T, Failure>,
    ) -> Result<Step<T>, Failure> {
        let mut connection = self.connected().await?;
        let (number, about) = (self.ledger.step(), about.to_owned());
        let outcome = Outcome::Intended;
        let mut line = Line { step: number, deed, about, outcome, fact: None };
        self.ledger.note(&line).await?;
        let begun = Instant::now();
        let (outcome, came) = match self.in_time(step(&mut connection)).await {
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
                self.facts.borrow_mut().open.insert(failure.to_string());
                self.gave_up(connection).await;
                (Outcome::Unknown, Step::Unknown)
            }
            Err(failure) => return Err(failure),
        };
        line.outcome = outcome;
        self.ledger.note(&line).await?;
        Ok(came)
    }

    /// Asks until it is answered; nothing if an answer was lost and a refusal with this status says that it was done.
    pub(super) async fn insist<'u>(
        &mut self,
        deed: Deed,
        gone: Option<u16>,
        ask: impl Fn() -> Ask<'u>,
    ) -> Result<Option<Bytes>, Failure> {
        let mut was_sent = false;
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            let ask = ask();
            let call = async |connection: &mut Connection| connection.ask(ask).await;
            match self.attempt(deed, "", call).await? {
                Step::Done(answer) => return Ok(Some(answer.body)),
                Step::Refused(status) if was_sent && gone == Some(status) => return Ok(None),
                Step::Refused(status) => {
                    self.broken(format!("{deed:?} was refused with {status}"));
                    return Ok(None);
                }
                Step::Unknown => was_sent = true,
                Step::Unasked => {}
            }
        }
        self.broken(format!("I7: {deed:?} gets no answer for {} s", PATIENCE.as_secs()));
        Err(Failure::ServerGone)
    }

    /// Waits no longer than a wallet does.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let patience = self.scene.patience();
        let answered = tokio::time::timeout(patience, answer).await;
        answered.unwrap_or(Err(Failure::NoAnswer(patience)))
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
            if let Ok(mut connection) = self.scene.connect().await {
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

    /// Reads until it is answered.
    pub(super) async fn read<T>(
        &mut self,
        reads: impl AsyncFn(&mut Connection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let begun = Instant::now();
        loop {
            let mut connection = self.connected().await?;
            match self.in_time(reads(&mut connection)).await {
                Ok(read) => {
                    self.connection = Some(connection);
                    return Ok(read);
                }
                Err(failure) if is_open(&failure) && begun.elapsed() < PATIENCE => {
                    self.holds_to_503(&failure);
                    self.gave_up(connection).await;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Asks another replica next, where there is one.
    async fn gave_up(&mut self, mut connection: Connection) {
        connection.give_up();
        self.connection = Some(connection);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether it is open what became of a step: the connection broke, or the server could not say.
pub(crate) fn is_open(failure: &Failure) -> bool {
    matches!(Outcome::of(failure), Some(Outcome::Unknown | Outcome::Unasked))
}
