//! Bad inputs: requests that were good, mutated a million times. None may be answered by 5xx, no handler may panic,
//! memory stays flat, and everything works afterwards.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::PoisonError,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{
    mutate::{Dice, mutated},
    raw::{Came, Raw},
    scene::{Program, Scene, Setting, Store},
    trials::{Line, Trial},
};
use crate::{
    attester::Attester,
    client::{Recorded, Recorder},
    failure::Failure,
};

/// How many requests are sent between two recordings: codes and nonces get old.
const BETWEEN_RECORDINGS: u64 = 20_000;

/// How many connections send at once.
const SENDERS: usize = 8;

/// How many good requests the mutations of one recording are made of, at least.
const GOOD: usize = 200;

/// How much memory may be more at the end than after the first tenth.
const GROWTH: u64 = 48 << 20;

/// What bad inputs came to.
#[derive(Debug, Serialize)]
pub(crate) struct Inputs {
    pub(crate) store: &'static str,
    /// Good requests that the mutations were made of, and how many routes they are to.
    pub(crate) recorded: usize,
    pub(crate) routes: usize,
    pub(crate) sent: u64,
    /// How often which status came back; 0 is a connection that was closed.
    pub(crate) answers: BTreeMap<u16, u64>,
    pub(crate) seconds: f64,
    pub(crate) memory_after_a_tenth_mib: u64,
    pub(crate) memory_at_the_end_mib: u64,
    pub(crate) line: Line,
}

/// Sends mutated requests, then does everything once as it should be.
pub(crate) async fn mutations(
    (binary, folder): (&Path, &Path),
    store: &Store,
    count: u64,
    seed: u64,
) -> Result<Inputs, Failure> {
    let fault = "mutated requests";
    let attester = Attester::new()?;
    let folder = Trial::folder(folder, fault, store);
    let program = Program::Product(binary.to_owned());
    let setting = Setting { program, store, attester: Some(&attester), receiver: None };
    let scene = Scene::laid(&folder, setting)?;
    let mut trial = Trial::of(fault, scene, &folder, store)?;
    trial.start().await?;

    let begun = Instant::now();
    let mut found = Found::default();
    let (mut sent, mut early) = (0, None);
    while sent < count {
        let good = recorded(&mut trial, &attester).await?;
        found.heard_of(&good);
        let portion = BETWEEN_RECORDINGS.min(count - sent);
        send(&trial, (&good, portion, seed ^ sent), &mut found).await?;
        sent += portion;
        if early.is_none() && sent >= count / 10 {
            early = Some(trial.scene.memory()?);
        }
    }
    let (early, late) = (early.unwrap_or_default(), trial.scene.memory()?);
    if late > early + GROWTH {
        trial.broken(format!("memory grew from {} to {} MiB", early >> 20, late >> 20));
    }
    let log = fs::read_to_string(trial.scene.file("log"))?;
    let panics = log.lines().filter(|line| line.contains("panicked")).count();
    if panics > 0 {
        trial.broken(format!("{panics} panics"));
    }
    found.bad.into_iter().take(20).for_each(|bad| trial.broken(bad));
    // what was promised meanwhile may have been taken back by a mutated request
    trial.facts.take();
    let everything = recorded(&mut trial, &attester).await?.len();
    trial.times = sent;
    trial.tried += sent + everything as u64;
    Ok(Inputs {
        store: store.name(),
        recorded: found.recorded,
        routes: found.routes.len(),
        sent,
        answers: found.answers,
        seconds: begun.elapsed().as_secs_f64(),
        memory_after_a_tenth_mib: early >> 20,
        memory_at_the_end_mib: late >> 20,
        line: trial.ended().await?,
    })
}

#[derive(Default)]
struct Found {
    recorded: usize,
    routes: BTreeSet<String>,
    answers: BTreeMap<u16, u64>,
    bad: Vec<String>,
}

impl Found {
    fn heard_of(&mut self, good: &[Recorded]) {
        self.recorded += good.len();
        self.routes.extend(good.iter().map(route));
    }

    fn note(&mut self, request: &Recorded, came: &Came) {
        let (status, said) = match came {
            Came::Answer { status, body, .. } => (*status, String::from_utf8_lossy(body)),
            Came::Closed => (0, "".into()),
            Came::Nothing => (504, "nothing for a long time".into()),
        };
        *self.answers.entry(status).or_default() += 1;
        if status >= 500 {
            let body = String::from_utf8_lossy(&request.body);
            let short = |text: &str| text.chars().take(400).collect::<String>();
            self.bad.push(format!(
                "{status} to {} {} {:?} {}: {}",
                request.method,
                request.target,
                request.headers,
                short(&body),
                short(&said)
            ));
        }
    }
}

/// Method and path, without what names one session.
fn route(request: &Recorded) -> String {
    let path = request.target.split('?').next().unwrap_or_default();
    let short =
        |segment: &str| if segment.len() > 20 { "…".to_owned() } else { segment.to_owned() };
    let segments: Vec<_> = path.split('/').map(short).collect();
    format!("{} {}", request.method, segments.join("/"))
}

/// Everything that wallets and integrators do, with each request as it was sent; and each single-use thing
/// once more in a request that was kept back.
async fn recorded(trial: &mut Trial, attester: &Attester) -> Result<Vec<Recorded>, Failure> {
    let recorder = Recorder::default();
    let recorded = || recorder.lock().unwrap_or_else(PoisonError::into_inner);
    while recorded().len() < GOOD {
        let mut wallet = trial.wallet();
        wallet.recorder = Some(recorder.clone());
        wallet.turn().await?;
        wallet.errands(attester).await?;
        wallet.look_around().await?;
        wallet.kept_back().await?;
        trial.turns += 1;
    }
    Ok(std::mem::take(&mut *recorded()))
}

async fn send(
    trial: &Trial,
    (good, count, seed): (&[Recorded], u64, u64),
    found: &mut Found,
) -> Result<(), Failure> {
    let authority = trial.scene.base().authority().to_owned();
    let next = RefCell::new((0, Dice::new(seed)));
    let found = RefCell::new(found);
    let sender = async || {
        let mut raw = Raw::to(&authority);
        loop {
            let request = {
                let (sent, dice) = &mut *next.borrow_mut();
                if *sent == count {
                    return Ok::<(), Failure>(());
                }
                *sent += 1;
                mutated(&good[dice.below(good.len())], dice)
            };
            let came = raw.send(&request).await?;
            found.borrow_mut().note(&request, &came);
        }
    };
    let senders = (0..SENDERS).map(|_| Box::pin(sender()));
    let ended = tokio::time::timeout(Duration::from_secs(3600), all(senders.collect())).await;
    ended.map_err(|_| Failure::ServerGone)?
}

/// Runs all of them until the last has ended.
async fn all<F: Future<Output = Result<(), Failure>> + Unpin>(
    mut running: Vec<F>,
) -> Result<(), Failure> {
    std::future::poll_fn(|cx| {
        let mut failed = None;
        running.retain_mut(|one| match std::pin::Pin::new(one).poll(cx) {
            std::task::Poll::Pending => true,
            std::task::Poll::Ready(ended) => {
                failed = failed.take().or(ended.err());
                false
            }
        });
        match failed {
            Some(failure) => std::task::Poll::Ready(Err(failure)),
            None if running.is_empty() => std::task::Poll::Ready(Ok(())),
            None => std::task::Poll::Pending,
        }
    })
    .await
}
