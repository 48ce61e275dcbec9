//! A crowd that goes on when it is turned away, and says how that was.

use std::{
    cell::RefCell,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::LocalSet;
use url::Url;

use crate::{
    client::Connection,
    crowd::Flow,
    failure::Failure,
    integrator::{Integrator, Offer, Request, Verdict},
    issuance::Issuance,
    plan::Flows,
    presentation::{Card, Presentation},
    stage::{asked, offered},
};

/// What a crowd did.
#[derive(Default)]
pub(super) struct Tally {
    /// When each flow was done, from the beginning, and how long it took.
    pub(super) done: Vec<(Duration, Duration)>,
    /// How long it took to be told to come again.
    pub(super) asked_again: Vec<Duration>,
    /// Flows that somebody gave up on.
    pub(super) given_up: usize,
    /// Whatever else came out, by what was said.
    pub(super) broken: Vec<String>,
}

impl Tally {
    /// Flows done in the time from one moment to another, per second.
    pub(super) fn rate(&self, from: Duration, to: Duration) -> f64 {
        let done = self.done.iter().filter(|(at, _)| *at >= from && *at < to).count();
        done as f64 / (to.saturating_sub(from)).as_secs_f64()
    }

    /// Of the flows done in that time, what so large a share took at most.
    pub(super) fn percentile(&self, share: f64, from: Duration, to: Duration) -> f64 {
        let done = self.done.iter().filter(|(at, _)| *at >= from && *at < to);
        percentile(done.map(|(_, took)| *took).collect(), share)
    }

    /// Flows that were not done.
    pub(super) const fn failed(&self) -> usize {
        self.broken.len() + self.asked_again.len() + self.given_up
    }

    /// One flow of a crowd, by when the crowd began and when it did, and what its last answer took.
    fn take(
        &mut self,
        (began, begun): (Instant, Instant),
        took: Duration,
        outcome: Result<(), Failure>,
    ) {
        match outcome {
            Ok(()) => self.done.push((began.elapsed(), begun.elapsed())),
            Err(Failure::Refused { status: 429 | 503, asks_again: true, .. }) => {
                self.asked_again.push(took);
            }
            Err(failure) => self.broken.push(failure.to_string()),
        }
    }
}

/// What so large a share is at most, in milliseconds.
pub(super) fn percentile(mut all: Vec<Duration>, share: f64) -> f64 {
    all.sort_unstable();
    let index = ((all.len() as f64 * share) as usize).min(all.len().saturating_sub(1));
    all.get(index).map_or(0.0, |took| took.as_secs_f64() * 1e3)
}

/// Everything that a server does: by turns an offer and its credential, and a request, its answer and its verdict.
pub(super) struct Everything {
    pub(super) integrator: Integrator,
    pub(super) card: Arc<Card>,
}

impl Flow for Everything {
    type Job = bool;
    type Outcome = ();

    async fn play(&self, connection: &mut Connection, presents: bool) -> Result<(), Failure> {
        if presents {
            let request = Request(self.integrator.clone()).play(connection, ()).await?;
            let session = Presentation.play(connection, asked(request, &self.card)?).await?;
            return Verdict(self.integrator.clone()).play(connection, session).await;
        }
        let offer = Offer(self.integrator.clone()).play(connection, ()).await?;
        Issuance.play(connection, offered(&offer.created, Flows::Dpop)?).await.map(|_| ())
    }
}

/// How a crowd comes.
#[derive(Clone, Copy)]
pub(super) struct Crowd {
    pub(super) wallets: usize,
    pub(super) lasts: Duration,
    /// One flow begins in each of these, whoever's turn it is; as soon as the one before is done, if there is none.
    pub(super) pace: Option<Duration>,
}

/// Wallets that each play one flow after the other, over a connection that each keeps.
pub(super) async fn regulars<F: Flow<Job = bool, Outcome = ()>>(
    everything: &Arc<F>,
    base: &Url,
    crowd: Crowd,
) -> Result<Tally, Failure> {
    let mut connections = Vec::with_capacity(crowd.wallets);
    for _ in 0..crowd.wallets {
        connections.push(Connection::open(base).await?);
    }
    let (began, tally) = (Instant::now(), Rc::new(RefCell::new(Tally::default())));
    let turn = Rc::new(RefCell::new(0_u32));
    let local = LocalSet::new();
    for mut connection in connections {
        let (everything, base) = (Arc::clone(everything), base.clone());
        let (tally, turn) = (Rc::clone(&tally), Rc::clone(&turn));
        local.spawn_local(async move {
            while began.elapsed() < crowd.lasts {
                let nth = turn.replace_with(|nth| nth.wrapping_add(1));
                if let Some(pace) = crowd.pace {
                    tokio::time::sleep_until((began + pace * nth).into()).await;
                }
                let begun = Instant::now();
                let outcome = everything.play(&mut connection, nth % 2 == 1).await;
                let took = connection.took();
                if outcome.is_err() {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    if let Ok(again) = Connection::open(&base).await {
                        connection = again;
                    }
                }
                connection.exchanges();
                tally.borrow_mut().take((began, begun), took, outcome);
            }
        });
    }
    local.await;
    Ok(tally.take())
}

/// Wallets that come at a rate, each over a connection of its own and with one job, and give up after a while.
pub(super) async fn passers_by<F: Flow>(
    flow: &Arc<F>,
    base: &Url,
    jobs: Vec<F::Job>,
    (pace, patience): (Duration, Duration),
) -> Result<Tally, Failure> {
    let (began, tally) = (Instant::now(), Rc::new(RefCell::new(Tally::default())));
    let local = LocalSet::new();
    for (nth, job) in (0..).zip(jobs) {
        let (flow, base, tally) = (Arc::clone(flow), base.clone(), Rc::clone(&tally));
        local.spawn_local(async move {
            tokio::time::sleep_until((began + pace * nth).into()).await;
            let begun = Instant::now();
            let played = tokio::time::timeout(patience, once(flow.as_ref(), &base, job)).await;
            let Ok((outcome, took)) = played else {
                tally.borrow_mut().given_up += 1;
                return;
            };
            tally.borrow_mut().take((began, begun), took, outcome);
        });
    }
    local.await;
    Ok(tally.take())
}

/// Wallets that each play one flow after the other, each flow over a connection of its own, until the time is up.
pub(super) async fn by_turns<F: Flow>(
    flow: &Arc<F>,
    base: &Url,
    jobs: Vec<F::Job>,
    (wallets, limit): (usize, Duration),
) -> Tally {
    let (began, tally) = (Instant::now(), Rc::new(RefCell::new(Tally::default())));
    let jobs = Rc::new(RefCell::new(jobs));
    let local = LocalSet::new();
    for _ in 0..wallets {
        let (flow, base) = (Arc::clone(flow), base.clone());
        let (jobs, tally) = (Rc::clone(&jobs), Rc::clone(&tally));
        local.spawn_local(async move {
            while began.elapsed() < limit {
                let Some(job) = jobs.borrow_mut().pop() else { break };
                let begun = Instant::now();
                let (outcome, took) = once(flow.as_ref(), &base, job).await;
                tally.borrow_mut().take((began, begun), took, outcome);
            }
        });
    }
    local.await;
    tally.take()
}

/// One flow over a connection of its own, and what its last answer took.
async fn once<F: Flow>(flow: &F, base: &Url, job: F::Job) -> (Result<(), Failure>, Duration) {
    match Connection::open(base).await {
        Ok(mut connection) => {
            let outcome = flow.play(&mut connection, job).await.map(|_| ());
            (outcome, connection.took())
        }
        Err(failure) => (Err(failure), Duration::ZERO),
    }
}
