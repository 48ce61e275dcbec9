//! One step of a flow in the ledger: an intent before it, what came of it after it, and again while that is open.
//!
//! Where no ledger is kept a step is asked for once, and what comes is its end.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Deed, Fact, Ledger, Line, Outcome};
use crate::{client::Connection, crowd::Flow, failure::Failure};

/// I7: what is open is tried again for so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long somebody waits who tries again.
const PAUSE: Duration = Duration::from_millis(50);

/// A flow whose steps are written down, if there is a ledger.
pub(crate) struct Written<F> {
    flow: F,
    ledger: Option<Arc<Ledger>>,
}

impl<F> Written<F> {
    pub(crate) fn new(flow: F, ledger: Option<&Arc<Ledger>>) -> Self {
        Self { flow, ledger: ledger.cloned() }
    }
}

impl<F: Flow> Flow for Written<F> {
    type Job = F::Job;
    type Outcome = F::Outcome;

    async fn play(&self, connection: &mut Connection, job: F::Job) -> Result<F::Outcome, Failure> {
        connection.write_to(self.ledger.clone());
        self.flow.play(connection, job).await
    }
}

/// A step of a flow, whose facts are made where there is a ledger only.
pub(crate) struct Entry {
    ledger: Option<Arc<Ledger>>,
    line: Line,
    /// What is known of it before, told with each intent.
    asked: Option<Fact>,
    begun: Instant,
    tries: u64,
    /// Whether trying again would change nothing.
    is_final: bool,
}

impl Entry {
    /// A step that is about to be asked for.
    pub(crate) fn new(ledger: Option<Arc<Ledger>>, deed: Deed, about: &str) -> Self {
        let step = ledger.as_ref().map_or(0, |ledger| ledger.step());
        let about = about.to_owned();
        let line = Line { step, deed, about, outcome: Outcome::Intended, fact: None };
        Self { ledger, line, asked: None, begun: Instant::now(), tries: 0, is_final: false }
    }

    /// With what is known of it before.
    pub(crate) fn with(mut self, fact: impl FnOnce(&Ledger) -> Fact) -> Self {
        self.asked = self.ledger.as_deref().map(fact);
        self
    }

    /// Writes down that it is asked for.
    pub(crate) async fn begins(&mut self) -> Result<(), Failure> {
        self.tries += 1;
        self.line.outcome = Outcome::Intended;
        self.line.fact = self.asked.clone();
        match &self.ledger {
            Some(ledger) => ledger.note(&self.line).await,
            None => Ok(()),
        }
    }

    /// Whether it was asked for before.
    pub(crate) const fn is_again(&self) -> bool {
        self.tries > 1
    }

    /// Takes what came of it, and what that promises.
    pub(crate) fn came<T>(
        &mut self,
        came: &Result<T, Failure>,
        promised: impl FnOnce(&Ledger, &T) -> Result<Option<Fact>, Failure>,
    ) -> Result<(), Failure> {
        let Some(ledger) = &self.ledger else { return Ok(()) };
        self.line.fact = None;
        self.line.outcome = match came {
            Ok(came) => {
                self.line.fact = promised(ledger, came)?;
                Outcome::Ok
            }
            Err(failure) => Outcome::of(failure).unwrap_or_else(|| {
                // an answer that cannot be read is none
                self.is_final = true;
                Outcome::Unknown
            }),
        };
        Ok(())
    }

    /// Writes down what came of it, and says whether that is its end: what is open is to be tried again.
    pub(crate) async fn is_over(&self) -> Result<bool, Failure> {
        let Some(ledger) = &self.ledger else { return Ok(true) };
        ledger.note(&self.line).await?;
        let is_open = matches!(self.line.outcome, Outcome::Unknown | Outcome::Unasked);
        if !is_open || self.is_final || self.begun.elapsed() > PATIENCE {
            return Ok(true);
        }
        tokio::time::sleep(PAUSE).await;
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::read;

    fn refused(status: u16) -> Failure {
        let (path, said) = ("/token".to_owned(), String::new());
        Failure::Refused { path, status, said, asks_again: false }
    }

    #[tokio::test]
    async fn what_is_open_is_tried_again_under_one_number_and_what_is_said_is_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("ledger");
        let ledger = Arc::new(Ledger::create(&place).unwrap());
        let code = Fact::Code("once".to_owned());
        let mut entry = Entry::new(Some(Arc::clone(&ledger)), Deed::Token, "offer");
        entry = entry.with(|_| code.clone());
        for (came, is_over) in [(Err(refused(503)), false), (Ok(()), true)] {
            entry.begins().await.unwrap();
            entry.came(&came, |_, ()| Ok(None)).unwrap();
            assert_eq!(entry.is_over().await.unwrap(), is_over);
        }
        let mut other = Entry::new(Some(ledger), Deed::Token, "another");
        other.begins().await.unwrap();
        other.came(&Err::<(), _>(refused(400)), |_, ()| Ok(None)).unwrap();
        assert!(other.is_over().await.unwrap());

        let lines = read(&place).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        let said: Vec<_> = lines.iter().map(|line| (line.step, line.outcome)).collect();
        let of = [Outcome::Intended, Outcome::Unknown, Outcome::Intended, Outcome::Ok];
        let of = of.map(|outcome| (0, outcome));
        assert_eq!(said[..4], of);
        assert_eq!(said[4..], [(1, Outcome::Intended), (1, Outcome::Refused)]);
        // whoever reads the last intent knows what was shown
        for nth in [0, 2] {
            assert_eq!(lines[nth].fact.as_ref(), Some(&code));
        }
    }

    #[tokio::test]
    async fn without_a_ledger_a_step_is_asked_for_once() {
        let mut entry = Entry::new(None, Deed::Token, "offer");
        entry.begins().await.unwrap();
        entry.came(&Err::<(), _>(refused(503)), |_, ()| Ok(None)).unwrap();
        assert!(entry.is_over().await.unwrap());
    }
}
