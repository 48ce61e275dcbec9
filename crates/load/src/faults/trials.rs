//! The faults, one function each: a crowd plays, something happens to the server, and what was promised holds.

use std::{
    cell::{Cell, RefCell},
    path::{Path, PathBuf},
    rc::Rc,
    time::{Duration, Instant},
};

use lanyard_core::crypto::Random;
use lanyard_testkit::{PostgresServer, SeededRandom};
use serde::Serialize;
use tokio::{io::AsyncWriteExt as _, net::TcpStream, process::Command, task::LocalSet};

use super::{
    checks::{self, Results},
    ledger::{Ledger, Tally},
    points::Scope,
    scene::{Program, Scene, Store},
    wallet::{Facts, Wallet},
};
use crate::{client::Connection, failure::Failure};

/// How many wallets play while something happens.
const CROWD: usize = 8;

/// How long something goes on.
#[derive(Clone, Copy)]
pub(crate) struct Extent {
    /// How often the server is killed, and how often it is asked to end.
    pub(crate) kills: u64,
    pub(crate) drains: u64,
    /// How long a disk is full, a lock is held, a database is away, and slow clients stay.
    pub(crate) spell: Duration,
    /// How often a backup is restored.
    pub(crate) restores: u64,
    /// How many points are tried, and how often.
    pub(crate) points: Scope,
    /// How many mutated requests are sent.
    pub(crate) mutations: u64,
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
}

impl Trial {
    async fn set(
        fault: &'static str,
        (binary, folder): (&Path, &Path),
        store: &Store,
    ) -> Result<Self, Failure> {
        let folder = Self::folder(folder, fault, store);
        let program = Program::Product(binary.to_owned());
        let scene = Scene::set(program, &folder, store).await?;
        Self::of(fault, scene, &folder, store)
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
            slowest_start: Duration::ZERO,
            results: Results::Determined,
        })
    }

    /// Lets the crowd play while something happens, and for as long as its turns then take.
    async fn while_playing(
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
        self.tried += checks::hold(&self.scene, &self.facts, self.results).await?;
        let status = self.scene.terminate().await?;
        if status.code() != Some(0) {
            self.broken(format!("R2: asked to end, it ended with {status}"));
        }
        if self.store == "SQLite"
            && let Some(unsound) = checks::sound(&self.scene.file("data"))?
        {
            self.broken(unsound);
        }
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
            broken: facts.broken.iter().cloned().collect(),
        })
    }
}

/// R1: the server is killed at any moment, as by a power cut, and started again.
pub(crate) async fn killed(
    place: (&Path, &Path),
    store: &Store,
    extent: Extent,
    seed: u64,
) -> Result<Line, Failure> {
    let mut trial = Trial::set("kill -9", place, store).await?;
    let random = SeededRandom::new(seed);
    trial
        .while_playing(async |trial| {
            for _ in 0..extent.kills {
                let mut byte = [0; 2];
                random.fill(&mut byte);
                let moment = u64::from(u16::from_be_bytes(byte)) % 900;
                tokio::time::sleep(Duration::from_millis(100 + moment)).await;
                trial.scene.kill().await?;
                trial.times += 1;
                trial.start().await?;
            }
            Ok(())
        })
        .await?;
    trial.ended().await
}

/// R2: the server is asked to end while it is busy, and started again.
pub(crate) async fn drained(
    place: (&Path, &Path),
    store: &Store,
    extent: Extent,
) -> Result<Line, Failure> {
    let mut trial = Trial::set("SIGTERM", place, store).await?;
    trial
        .while_playing(async |trial| {
            for _ in 0..extent.drains {
                tokio::time::sleep(Duration::from_millis(400)).await;
                let begun = Instant::now();
                let status = trial.scene.terminate().await?;
                if status.code() != Some(0) || begun.elapsed() > Duration::from_secs(11) {
                    trial.broken(format!("R2: ended with {status} after {:.1?}", begun.elapsed()));
                }
                trial.times += 1;
                trial.start().await?;
            }
            Ok(())
        })
        .await?;
    let unknown = trial.ledger.tally().unknown;
    if trial.facts.borrow().lost_answers > 0 || unknown > 0 {
        trial.broken(format!("R2: {unknown} answers are open though the server was asked to end"));
    }
    trial.ended().await
}

/// R5: no file may grow any more; then they may again.
pub(crate) async fn disk_full(place: (&Path, &Path), extent: Extent) -> Result<Line, Failure> {
    let mut trial = Trial::set("disk full", place, &Store::Sqlite).await?;
    trial.scene.terminate().await?;
    let database = trial.scene.file("data/lanyard.db");
    let size = std::fs::metadata(database)?.len();
    trial.scene.limit_files(Some(size + (256 << 10)));
    trial.start().await?;
    trial
        .while_playing(async |trial| {
            let begun = Instant::now();
            let mut full_for = Duration::ZERO;
            let mut full_since = None;
            while full_for < extent.spell && begun.elapsed() < Duration::from_secs(60) {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let unknown = trial.ledger.tally().unknown;
                let since = *full_since.get_or_insert_with(Instant::now);
                if unknown == 0 {
                    full_since = None;
                } else {
                    full_for = since.elapsed();
                }
                trial.reads_still_work("R5").await?;
            }
            if trial.ledger.tally().unknown == 0 {
                trial.broken("R5: the disk was never full: nothing was tried".to_owned());
            }
            trial.times += 1;
            trial.scene.lift_limit().await?;
            trial.heals("R5").await
        })
        .await?;
    trial.scene.limit_files(None);
    trial.ended().await
}

/// R6: somebody else holds the database, for longer than anybody waits.
pub(crate) async fn locked(place: (&Path, &Path), extent: Extent) -> Result<Line, Failure> {
    let mut trial = Trial::set("database locked", place, &Store::Sqlite).await?;
    trial
        .while_playing(async |trial| {
            let other = rusqlite::Connection::open(trial.scene.file("data/lanyard.db"))?;
            for held in [Duration::from_secs(1), extent.spell + Duration::from_secs(5)] {
                tokio::time::sleep(Duration::from_millis(300)).await;
                other.busy_timeout(Duration::from_secs(5))?;
                other.execute_batch("BEGIN EXCLUSIVE")?;
                let since = Instant::now();
                while since.elapsed() < held {
                    trial.reads_still_work("R6").await?;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                other.execute_batch("ROLLBACK")?;
                trial.times += 1;
                trial.heals("R6").await?;
            }
            Ok(())
        })
        .await?;
    trial.ended().await
}

/// R7: the database server goes at once, as in a crash, and comes back.
pub(crate) async fn database_gone(
    place: (&Path, &Path),
    server: &PostgresServer,
    extent: Extent,
) -> Result<Line, Failure> {
    let store = Store::Postgres { address: server.database() };
    let mut trial = Trial::set("PostgreSQL killed", place, &store).await?;
    trial.results = Results::MayBeOpen;
    trial
        .while_playing(async |trial| {
            for _ in 0..extent.drains {
                tokio::time::sleep(Duration::from_millis(500)).await;
                server.stop();
                tokio::time::sleep(extent.spell / 2).await;
                if trial.scene.is_ready().await {
                    trial.broken("R7: ready, without a database".to_owned());
                }
                server.start_again();
                trial.times += 1;
                trial.heals("R7").await?;
            }
            Ok(())
        })
        .await?;
    trial.ended().await
}

/// R7: every connection to the database is cut, ten times a second.
pub(crate) async fn connections_cut(
    place: (&Path, &Path),
    server: &PostgresServer,
    extent: Extent,
) -> Result<Line, Failure> {
    let store = Store::Postgres { address: server.database() };
    let mut trial = Trial::set("connections cut", place, &store).await?;
    trial.results = Results::MayBeOpen;
    trial
        .while_playing(async |trial| {
            let begun = Instant::now();
            while begun.elapsed() < extent.spell {
                tokio::time::sleep(Duration::from_millis(100)).await;
                server.sql(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                     WHERE usename = 'lanyard'",
                );
                trial.times += 1;
            }
            trial.heals("R7").await
        })
        .await?;
    trial.ended().await
}

/// R11: clients that send a byte at a time, and clients that send nothing.
pub(crate) async fn slow_clients(
    place: (&Path, &Path),
    store: &Store,
    extent: Extent,
) -> Result<Line, Failure> {
    let mut trial = Trial::set("slow clients", place, store).await?;
    // what the same crowd waits for beside nobody, on this machine, in this minute
    trial
        .while_playing(async |_| {
            tokio::time::sleep(extent.spell / 2).await;
            Ok(())
        })
        .await?;
    let alone = slowest(&std::mem::take(&mut trial.facts.borrow_mut().latencies));
    trial
        .while_playing(async |trial| {
            let (host, port) = ("127.0.0.1", trial.scene.base().port().unwrap_or(80));
            let mut slow = Vec::new();
            for _ in 0..200 {
                slow.push(TcpStream::connect((host, port)).await?);
            }
            trial.times += 1;
            let head =
                b"POST /load/token HTTP/1.1\r\nhost: localhost\r\ncontent-length: 60000\r\n\r\n";
            let (begun, mut sent) = (Instant::now(), 0);
            while begun.elapsed() < extent.spell {
                for stream in slow.iter_mut().skip(50) {
                    // the server may have had enough of it
                    let _ = stream.write_all(&[head[sent % head.len()]]).await;
                }
                sent += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        })
        .await?;
    let beside = slowest(&trial.facts.borrow().latencies);
    if beside > MOST_WAITED.max(alone * 3) || trial.ledger.tally().unknown > 0 {
        trial.broken(format!("R11: others wait {beside:.1?} instead of {alone:.1?}, or in vain"));
    }
    trial.ended().await
}

/// How long others may wait beside slow clients, or three times as long as without them.
const MOST_WAITED: Duration = Duration::from_secs(1);

/// What 99 of 100 steps took at most.
fn slowest(latencies: &[Duration]) -> Duration {
    let mut sorted = latencies.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() * 99 / 100).copied().unwrap_or_default()
}

/// R9: a backup is taken under load, and restored after the server went on from there.
pub(crate) async fn restored(place: (&Path, &Path), extent: Extent) -> Result<Line, Failure> {
    let mut trial = Trial::set("restore", place, &Store::Sqlite).await?;
    for round in 0..extent.restores {
        let backup = trial.scene.file(&format!("backup-{round}"));
        trial
            .while_playing(async |trial| {
                tokio::time::sleep(Duration::from_millis(500)).await;
                trial.command(&["backup"], &backup).await?;
                tokio::time::sleep(Duration::from_millis(500)).await;
                Ok(())
            })
            .await?;
        trial.scene.kill().await?;
        trial.command(&["restore", "--replace"], &backup).await?;
        trial.times += 1;
        trial.start().await?;
        trial.tried += checks::nothing_is_good_any_more(&trial.scene, &trial.facts).await?;
        // the next round begins with what this one left; only places are never forgotten
    }
    let lost: Vec<_> = {
        let mut facts = trial.facts.borrow_mut();
        facts.issued.drain(..).collect()
    };
    trial
        .while_playing(async |_| {
            tokio::time::sleep(Duration::from_millis(500)).await;
            Ok(())
        })
        .await?;
    trial.places_are_apart(&lost);
    trial.ended().await
}

impl Trial {
    /// Whether everything that needs no write is answered, and at once.
    async fn reads_still_work(&self, rule: &str) -> Result<(), Failure> {
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
    async fn heals(&self, rule: &str) -> Result<(), Failure> {
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

    async fn command(&self, arguments: &[&str], file: &Path) -> Result<(), Failure> {
        let mut command = Command::new(self.scene.binary());
        command.args(arguments).arg(file).arg("--config").arg(self.scene.file("lanyard.toml"));
        let done = command.output().await?;
        if !done.status.success() {
            let said = String::from_utf8_lossy(&done.stderr).into_owned();
            self.broken(format!("R9: lanyard {}: {said}", arguments.join(" ")));
        }
        Ok(())
    }

    /// I2: no place that was given out before any restore is given out since.
    fn places_are_apart(&self, before: &[super::wallet::Issued]) {
        let mut seen: std::collections::BTreeSet<_> =
            before.iter().map(|issued| (issued.list.clone(), issued.index)).collect();
        if seen.len() < before.len() {
            self.broken("I2: a place is given twice across restores".to_owned());
        }
        let again = {
            let facts = self.facts.borrow();
            facts.issued.iter().any(|issued| !seen.insert((issued.list.clone(), issued.index)))
        };
        if again {
            self.broken("I2: a place of before a restore is given again".to_owned());
        }
    }
}
