//! What all faults have in common: a crowd plays, something happens to the server, and what was promised holds.

use std::{
    cell::{Cell, RefCell},
    path::{Path, PathBuf},
    rc::Rc,
    time::{Duration, Instant},
};

use serde::Serialize;
use tokio::{process::Command, task::LocalSet};

use super::{
    points::Scope,
    receiver::{Hears, Receiver},
    scene::{Program, Scene, Setting, Store},
    wallet::Wallet,
};
use crate::{
    attester::Attester,
    client::Connection,
    failure::Failure,
    ledger::{
        Ledger, Tally,
        checks::{self, Place, Results},
        facts::Facts,
    },
};

/// How many wallets play while something happens.
const CROWD: usize = 8;

/// A message to a webhook has come by then: its lease and a try again.
const TOLD_WITHIN: Duration = Duration::from_secs(100);

/// How long something goes on.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    /// How often the server is killed, and how often it is asked to end.
    pub(crate) kills: u64,
    pub(crate) drains: u64,
    /// How long a disk is full, a lock is held, a database is away, and slow clients stay.
    pub(crate) spell: Duration,
    /// How often the disk is full, and how often somebody else holds the database.
    pub(crate) full: u64,
    pub(crate) locks: u64,
    /// How often all connections are held that there may be.
    pub(crate) scarcities: u64,
    /// How often a database server is killed.
    pub(crate) restarts: u64,
    /// How often a backup is restored.
    pub(crate) restores: u64,
    /// How many points are tried, and how often.
    pub(crate) points: Scope,
    /// How many mutated requests are sent.
    pub(crate) mutations: u64,
    /// How often two replicas race for everything, with each relation of their clocks.
    pub(crate) races: u64,
    /// How many flows go through two replicas, and how often one of them is killed.
    pub(crate) flows: usize,
    pub(crate) kills_of_replicas: u64,
    /// From one kill of a replica to the next.
    pub(crate) between_kills: Duration,
    /// One in so many jumps of clocks.
    pub(crate) jumps: usize,
    /// How often the sealing key is changed.
    pub(crate) rotations: u64,
    /// How often the key that credentials are signed with is replaced.
    pub(crate) replacements: u64,
    /// How often a store of the release before is taken over.
    pub(crate) upgrades: u64,
    /// How long the release before serves together with this one.
    pub(crate) together: Duration,
    /// How often another database server takes over.
    pub(crate) failovers: u64,
    /// How long a replica that was stopped sleeps.
    pub(crate) sleep: Duration,
    /// How many rows of each kind are due when housekeeping begins, and in how many turns it goes through them.
    pub(crate) due: u64,
    pub(crate) turns_of_housekeeping: u64,
    /// How many presentations wait at once for hosts in trouble, and how often.
    pub(crate) troubled: usize,
    pub(crate) rounds_of_hosts: u64,
}

impl Extent {
    /// Each fault a few times.
    pub(crate) const SHORT: Self = Self {
        kills: 3,
        drains: 2,
        spell: Duration::from_secs(1),
        full: 1,
        locks: 2,
        scarcities: 1,
        restarts: 2,
        restores: 1,
        points: Scope { rounds: 1, stride: 15 },
        mutations: 2000,
        races: 1,
        flows: 16,
        kills_of_replicas: 2,
        between_kills: Duration::from_secs(1),
        rotations: 1,
        replacements: 3,
        upgrades: 2,
        together: Duration::from_secs(4),
        jumps: 6,
        failovers: 1,
        sleep: Duration::from_secs(2),
        due: 5000,
        turns_of_housekeeping: 3,
        troubled: 40,
        rounds_of_hosts: 1,
    };

    /// What a reliability report is written of.
    pub(crate) const LONG: Self = Self {
        kills: 200,
        drains: 50,
        spell: Duration::from_secs(10),
        full: 10,
        locks: 20,
        scarcities: 5,
        restarts: 10,
        restores: 20,
        points: Scope { rounds: 3, stride: 1 },
        mutations: 1_000_000,
        races: 20,
        flows: 1000,
        kills_of_replicas: 20,
        between_kills: Duration::from_secs(20),
        rotations: 20,
        replacements: 50,
        upgrades: 20,
        together: Duration::from_secs(600),
        jumps: 1,
        failovers: 3,
        sleep: Duration::from_secs(100),
        due: 20_000,
        turns_of_housekeeping: 5,
        troubled: 500,
        rounds_of_hosts: 3,
    };
}

/// What one fault came to.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) fault: &'static str,
    pub(crate) store: &'static str,
    /// How often it happened.
    pub(crate) times: u64,
    /// Turns that wallets took meanwhile: an offer, mostly a credential, often a presentation.
    pub(crate) turns: u64,
    pub(crate) steps: Tally,
    /// Steps that were done and whose answer nobody got.
    pub(crate) lost_answers: u64,
    /// Replays and leftovers tried afterwards.
    pub(crate) tried: u64,
    pub(crate) credentials: u64,
    /// The longest that a server took to be ready again.
    pub(crate) slowest_start_ms: u64,
    /// What else was seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) seen: Vec<String>,
    pub(crate) broken: Vec<String>,
}

impl Line {
    /// The same fault once more, at another server.
    pub(super) fn add(&mut self, other: Self) {
        self.times += other.times;
        self.turns += other.turns;
        self.steps.ok += other.steps.ok;
        self.steps.refused += other.steps.refused;
        self.steps.unknown += other.steps.unknown;
        self.lost_answers += other.lost_answers;
        self.tried += other.tried;
        self.credentials += other.credentials;
        self.slowest_start_ms = self.slowest_start_ms.max(other.slowest_start_ms);
        self.seen.extend(other.seen);
        self.broken.extend(other.broken);
    }
}

/// A server, its crowd, and what it was promised.
pub(super) struct Trial {
    pub(super) fault: &'static str,
    pub(super) store: &'static str,
    pub(super) scene: Rc<Scene>,
    pub(super) ledger: Rc<Ledger>,
    pub(super) facts: Rc<RefCell<Facts>>,
    pub(super) stop: Rc<Cell<bool>>,
    pub(super) times: u64,
    pub(super) turns: u64,
    pub(super) tried: u64,
    pub(super) slowest_start: Duration,
    pub(super) results: Results,
    /// What else was seen, for the report.
    pub(super) seen: Vec<String>,
    /// Who is told of what happens, if anybody is.
    pub(super) receiver: Option<Receiver>,
    /// Whether the audit chain was there all the time.
    pub(super) is_audited: bool,
    /// Where PostgreSQL is, if that keeps everything.
    address: Option<String>,
    /// Whether it was played to its end.
    is_over: bool,
}

impl Drop for Trial {
    /// What was broken until it ended early is in no line.
    fn drop(&mut self) {
        if !self.is_over {
            for broken in &self.facts.borrow().broken {
                eprintln!("broken: {} on {}: {broken}", self.fault, self.store);
            }
        }
    }
}

impl Trial {
    pub(super) async fn set(
        fault: &'static str,
        (binary, folder): (&Path, &Path),
        store: &Store,
    ) -> Result<Self, Failure> {
        let folder = Self::folder(folder, fault, store);
        let program = Program::Product(binary.to_owned());
        let setting = Setting { program, store, attester: None, receiver: None };
        let scene = Scene::laid(&folder, setting)?;
        scene.start().await?;
        Self::of(fault, scene, &folder, store)
    }

    /// One whose webhooks are heard; with an attester holders log in, too.
    pub(super) async fn told(
        fault: &'static str,
        program: Program,
        folder: &Path,
        store: &Store,
        (hears, attester): (Hears, Option<&Attester>),
    ) -> Result<Self, Failure> {
        let folder = Self::folder(folder, fault, store);
        let receiver = Receiver::listening(hears).await?;
        let setting = Setting { program, store, attester, receiver: Some(&receiver) };
        let scene = Scene::laid(&folder, setting)?;
        let mut trial = Self::of(fault, scene, &folder, store)?;
        trial.receiver = Some(receiver);
        trial.start().await?;
        Ok(trial)
    }

    /// A folder that no other trial has.
    pub(super) fn folder(folder: &Path, fault: &'static str, store: &Store) -> PathBuf {
        let name = format!("{}-{}", fault.replace(' ', "-"), store.name());
        let names = std::iter::once(name.clone()).chain((2..).map(|nth| format!("{name}-{nth}")));
        names.map(|name| folder.join(name)).find(|folder| !folder.exists()).unwrap_or_default()
    }

    pub(super) fn of(
        fault: &'static str,
        scene: Scene,
        folder: &Path,
        store: &Store,
    ) -> Result<Self, Failure> {
        let scene = Rc::new(scene);
        let ledger = Rc::new(Ledger::create(&folder.join("ledger"))?);
        Ok(Self {
            fault,
            store: store.name(),
            scene,
            ledger,
            facts: Rc::default(),
            stop: Rc::default(),
            times: 0,
            turns: 0,
            tried: 0,
            seen: Vec::new(),
            receiver: None,
            slowest_start: Duration::ZERO,
            results: Results::Determined,
            is_audited: true,
            address: match store {
                Store::Sqlite => None,
                Store::Postgres { address } => Some(address.clone()),
            },
            is_over: false,
        })
    }

    /// Lets the crowd play while something happens, and for as long as its turns then take.
    pub(super) async fn while_playing(
        &mut self,
        happens: impl AsyncFnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.stop.set(false);
        let crowd = LocalSet::new();
        let players: Vec<_> = (0..CROWD).map(|_| crowd.spawn_local(self.wallet().play())).collect();
        let stop = self.stop.clone();
        crowd
            .run_until(async {
                let happened = happens(self).await;
                stop.set(true);
                for player in players {
                    self.turns += player.await??;
                }
                happened
            })
            .await
    }

    pub(super) fn wallet(&self) -> Wallet {
        Wallet {
            scene: self.scene.clone(),
            ledger: self.ledger.clone(),
            facts: self.facts.clone(),
            stop: self.stop.clone(),
            connection: None,
            turns: 0,
            sent_again: false,
            recorder: None,
        }
    }

    /// Starts the server again; a slow start is a broken promise.
    pub(super) async fn start(&mut self) -> Result<(), Failure> {
        let took = self.scene.start().await?;
        self.slowest_start = self.slowest_start.max(took);
        if took > Duration::from_secs(5) {
            self.broken(format!("R1: the server needs {took:.1?} to start"));
        }
        Ok(())
    }

    pub(super) fn broken(&self, what: String) {
        self.facts.borrow_mut().broken.insert(what);
    }

    /// Holds the server to everything, ends it, and looks at what it leaves.
    pub(super) async fn ended(mut self) -> Result<Line, Failure> {
        self.webhooks_are_told().await;
        let (site, mut connection) = (self.scene.site()?, self.scene.connect().await?);
        let mut facts = self.facts.take();
        let held = checks::hold(&site, &mut connection, &mut facts, self.results).await;
        self.facts.replace(facts);
        self.tried += held?;
        let status = self.scene.terminate().await?;
        if status.code() != Some(0) {
            self.broken(format!("R2: asked to end, it ended with {status}"));
        }
        let left = self.scene.left(self.address.clone());
        if let Some(unsound) = left.unsound().await? {
            self.broken(unsound);
        }
        if self.is_audited {
            let mut facts = self.facts.take();
            let audited = left.audit(&mut facts).await;
            self.facts.replace(facts);
            audited?;
        }
        self.is_over = true;
        let facts = self.facts.borrow();
        Ok(Line {
            fault: self.fault,
            store: self.store,
            times: self.times,
            turns: self.turns,
            steps: self.ledger.tally(),
            lost_answers: facts.lost_answers,
            tried: self.tried,
            credentials: facts.issued.len() as u64,
            slowest_start_ms: u64::try_from(self.slowest_start.as_millis()).unwrap_or(u64::MAX),
            seen: std::mem::take(&mut self.seen),
            broken: facts.broken.iter().cloned().collect(),
        })
    }
}

impl Trial {
    /// I5: every result is told of, under one name.
    async fn webhooks_are_told(&mut self) {
        let Some(receiver) = &self.receiver else { return };
        let begun = Instant::now();
        // a message whose sender ended is sent again by the next, after its lease
        while receiver.misses(&self.facts.borrow()) > 0 && begun.elapsed() < TOLD_WITHIN {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let missed = receiver.misses(&self.facts.borrow());
        if missed > 0 {
            self.broken(format!("I5: of {missed} results nobody was told"));
        }
        let wrong = receiver.told_twice().into_iter().chain(receiver.told_late());
        wrong.for_each(|wrong| self.broken(wrong));
        let (taken, _) = receiver.counts();
        let results = counted(self.facts.borrow().answered.len() as u64, "result");
        let messages = counted(taken, "message");
        let webhooks = format!("Webhooks of *{}*: {messages} taken for {results}.", self.fault);
        self.seen.push(webhooks);
    }

    /// What is acknowledged as revoked so far.
    pub(super) fn revoked(&self) -> Vec<Place> {
        let mut places = self.facts.borrow().places();
        places.retain(|(.., is_revoked)| *is_revoked);
        places
    }

    /// Whether everything that needs no write is answered, and at once.
    pub(super) async fn reads_still_work(&self, rule: &str) -> Result<(), Failure> {
        let begun = Instant::now();
        let mut connection = Connection::open(self.scene.base()).await?;
        for path in ["healthz", ".well-known/openid-credential-issuer/load", "load/status-lists"] {
            if let Err(failure) = connection.get(&self.scene.base().join(path)?, None).await {
                self.broken(format!("{rule}: {path} does not answer: {failure}"));
            }
        }
        if begun.elapsed() > Duration::from_secs(2) {
            self.broken(format!("{rule}: three reads take {:.1?}", begun.elapsed()));
        }
        Ok(())
    }

    /// Waits until a step is acknowledged again, which takes five seconds at most.
    pub(super) async fn heals(&self, rule: &str) -> Result<(), Failure> {
        let (begun, before) = (Instant::now(), self.ledger.tally().ok);
        while self.ledger.tally().ok <= before {
            if begun.elapsed() > Duration::from_secs(10) {
                self.broken(format!("{rule}: nothing is acknowledged ten seconds after the end"));
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    pub(super) async fn command(&self, arguments: &[&str]) -> Result<(), Failure> {
        let mut command = Command::new(self.scene.binary());
        let (name, rest) = arguments.split_first().unwrap_or((&"help", &[]));
        command.arg(name).arg("--config").arg(self.scene.file("lanyard.toml")).args(rest);
        let done = command.output().await?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            self.broken(format!("lanyard {}: {said}", arguments.join(" ")));
        }
        Ok(())
    }
}

/// So many of something.
fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_no_plural() {
        assert_eq!(counted(1, "result"), "1 result");
        assert_eq!(counted(0, "result"), "0 results");
        assert_eq!(counted(4, "message"), "4 messages");
    }
}
