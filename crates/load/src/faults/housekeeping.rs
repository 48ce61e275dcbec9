//! R18: housekeeping goes on all the time beside wallets. It slows nobody down, deletes everything that is due, and
//! nothing that is not.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use lanyard_testkit::PostgresServer;

use super::{
    due::{SHELVES, Stock},
    receiver::{Hears, Receiver},
    scene::{Program, Scene, Setting, Store},
    trials::{Extent, Line, Trial},
};
use crate::{
    client::{Connection, Content},
    clock,
    failure::Failure,
    fill::{Dialect, FILE},
};

/// The fault; how long others wait beside it is held to something.
pub(super) const FAULT: &str = "housekeeping all the time";

/// How long it rests, in milliseconds; the product's rests for a minute.
const REST: u64 = 1;

/// How much longer than alone the slowest of a hundred steps may take beside it.
const MOST_TIMES: u32 = 2;

/// How long it may always take: a machine that others use has such moments.
const ALWAYS: Duration = Duration::from_millis(30);

/// Of fewer steps nobody can tell what the slowest of a hundred takes.
const STEPS: usize = 1000;

/// A wait is held to something where it lasts so long each time: a second of a busy machine says nothing.
const MEASURED: Duration = Duration::from_secs(10);

/// All that is due is gone within this time, for each turn.
const GONE_WITHIN: Duration = Duration::from_secs(120);

/// A crowd plays with and without housekeeping beside it, by turns, over a store that is full of what is due.
pub(crate) async fn goes_on(
    folder: &Path,
    server: Option<&PostgresServer>,
    extent: Extent,
) -> Result<Line, Failure> {
    let store = super::store_of(server);
    let folder = Trial::folder(folder, FAULT, &store);
    let receiver = Receiver::listening(Hears::Ends).await?;
    let program = Program::Failing(std::env::current_exe()?);
    let setting = Setting { program, store: &store, attester: None, receiver: Some(&receiver) };
    let scene = Scene::laid(&folder, setting)?;
    scene.set_chores_every(REST);
    let mut trial = Trial::of(FAULT, scene, &folder, &store)?;
    trial.receiver = Some(receiver);
    // the tables come with the first start
    trial.start().await?;
    trial.scene.terminate().await?;
    let stock = Stock { at: clock::now(), due: extent.due, not_yet: extent.due / 10 };
    let shelves = Shelves { folder: trial.scene.file("data"), server, store };
    for shelf in &SHELVES {
        shelves.run(&stock.filling(shelf, shelves.dialect()))?;
    }
    shelves.settle()?;
    trial.start().await?;

    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    trial
        .while_playing(async |trial| {
            let hand = Hand::of(trial).await?;
            // nobody measures what a server does that has just started
            tokio::time::sleep(extent.spell).await;
            trial.steps_so_far();
            for turn in 1..=extent.turns_of_housekeeping {
                tokio::time::sleep(extent.spell).await;
                alone.extend(trial.steps_so_far());
                hand.go_on(true).await?;
                let part = stock.rows() * turn / extent.turns_of_housekeeping;
                let begun = Instant::now();
                while hand.rows().await? < part {
                    if begun.elapsed() > GONE_WITHIN {
                        trial.broken(format!("R18: what is due is there after {GONE_WITHIN:?}"));
                        return Ok(());
                    }
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                beside.push((begun.elapsed(), trial.steps_so_far()));
                hand.go_on(false).await?;
                trial.times += 1;
            }
            hand.go_on(true).await
        })
        .await?;
    let busy: Duration = beside.iter().map(|(took, _)| *took).sum();
    let beside: Vec<_> = beside.into_iter().flat_map(|(_, steps)| steps).collect();
    trial.is_determined("R18");
    trial.seen.push(told(trial.store, &stock, busy, [&alone, &beside]));
    if extent.spell >= MEASURED
        && let Some(broken) = held([&alone, &beside])
    {
        trial.broken(broken);
    }
    let mut line = trial.ended().await?;
    for shelf in &SHELVES {
        let [due, not_yet] = stock.counting(shelf).map(|count| shelves.count(&count));
        line.broken.extend(left(shelf.name, due?, (not_yet?, stock.not_yet)));
    }
    Ok(line)
}

/// R18: what housekeeping left, and what it should not have taken.
fn left(what: &str, due: u64, (there, before): (u64, u64)) -> Vec<String> {
    let mut broken = Vec::new();
    if due > 0 {
        broken.push(format!("R18: of the {what} that were due {due} are left"));
    }
    if there != before {
        broken.push(format!("R18: of {before} {what} that were not yet due {there} are there"));
    }
    broken
}

/// R18: what is broken by how long steps took, alone and beside housekeeping.
fn held([alone, beside]: [&[Duration]; 2]) -> Option<String> {
    let fewest = alone.len().min(beside.len());
    if fewest < STEPS {
        return Some(format!("R18: {fewest} steps say nothing"));
    }
    let [alone, beside] = [alone, beside].map(|steps| of_a_thousand(steps, 990));
    (beside > ALWAYS.max(alone * MOST_TIMES)).then(|| {
        format!(
            "R18: one of a hundred steps takes {beside:.1?} beside housekeeping, {alone:.1?} alone"
        )
    })
}

/// What so many of a thousand steps take at most.
fn of_a_thousand(steps: &[Duration], share: usize) -> Duration {
    let mut sorted = steps.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() * share / 1000).copied().unwrap_or_default()
}

/// What was seen, for the report.
fn told(store: &str, stock: &Stock, busy: Duration, steps: [&[Duration]; 2]) -> String {
    let rows = stock.rows();
    let [alone, beside] = steps.map(|steps| {
        let [half, most, nearly_all] =
            [500, 990, 999].map(|share| of_a_thousand(steps, share).as_secs_f64() * 1000.0);
        let count = steps.len();
        format!("{half:.1}, {most:.1} and {nearly_all:.1} ms ({count} steps)")
    });
    format!(
        "Housekeeping on {store} deleted {rows} rows in {:.1} s beside the wallets, who waited {beside} at the median, \
         at 99 % and at 99.9 %; without it {alone}.",
        busy.as_secs_f64()
    )
}

impl Trial {
    /// What steps took since this was asked last.
    fn steps_so_far(&self) -> Vec<Duration> {
        std::mem::take(&mut self.facts.borrow_mut().latencies)
    }
}

/// The hand on the housekeeping of a server.
struct Hand {
    scene: std::rc::Rc<Scene>,
    place: url::Url,
}

impl Hand {
    async fn of(trial: &Trial) -> Result<Self, Failure> {
        let scene = trial.scene.clone();
        let place = scene.base().join("faults/chores")?;
        Ok(Self { scene, place })
    }

    async fn go_on(&self, go_on: bool) -> Result<(), Failure> {
        let mut connection = Connection::open(self.scene.base()).await?;
        connection.post(&self.place, None, Content::Json(go_on.to_string())).await.map(drop)
    }

    /// How many rows are gone.
    async fn rows(&self) -> Result<u64, Failure> {
        let mut connection = Connection::open(self.scene.base()).await?;
        Ok(serde_json::from_slice(&connection.get(&self.place, None).await?)?)
    }
}

/// The tables of a server that has stopped.
struct Shelves<'s> {
    folder: std::path::PathBuf,
    server: Option<&'s PostgresServer>,
    store: Store,
}

impl Shelves<'_> {
    fn dialect(&self) -> Dialect {
        if self.server.is_some() { Dialect::Postgres } else { Dialect::Sqlite }
    }

    fn run(&self, statements: &[String]) -> Result<(), Failure> {
        for statement in statements {
            match (self.server, &self.store) {
                (Some(server), Store::Postgres { address }) => {
                    server.sql_in(address, statement);
                }
                _ => self.file()?.execute_batch(statement)?,
            }
        }
        Ok(())
    }

    /// What a database does by itself after such a change is not to be measured.
    fn settle(&self) -> Result<(), Failure> {
        match (self.server, &self.store) {
            (Some(server), Store::Postgres { address }) => {
                server.sql_in(address, "VACUUM ANALYZE");
                server.sql_in(address, "CHECKPOINT");
            }
            _ => self.file()?.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?,
        }
        Ok(())
    }

    fn count(&self, statement: &str) -> Result<u64, Failure> {
        match (self.server, &self.store) {
            (Some(server), Store::Postgres { address }) => {
                let count = server.sql_in(address, statement).parse();
                count.map_err(|_| Failure::Lacks("count"))
            }
            _ => Ok(self
                .file()?
                .query_row(statement, [], |row| row.get::<_, i64>(0))?
                .cast_unsigned()),
        }
    }

    fn file(&self) -> Result<rusqlite::Connection, Failure> {
        Ok(rusqlite::Connection::open(self.folder.join(FILE))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(count: usize, slow: usize, each: u64) -> Vec<Duration> {
        let (fast, slow) = (vec![Duration::from_millis(20); count - slow], vec![each; slow]);
        fast.into_iter().chain(slow.into_iter().map(Duration::from_millis)).collect()
    }

    #[test]
    fn more_than_twice_as_long_beside_housekeeping_is_too_long_for_one_of_a_hundred_steps() {
        let alone = steps(1000, 0, 0);
        assert_eq!(
            held([&alone, &steps(1000, 10, 41)]).as_deref(),
            Some("R18: one of a hundred steps takes 41.0ms beside housekeeping, 20.0ms alone")
        );
        assert_eq!(held([&alone, &steps(1000, 10, 40)]), None);
        assert_eq!(held([&alone, &steps(1000, 9, 41)]), None, "fewer than one of a hundred");
    }

    #[test]
    fn a_few_steps_are_no_measurement() {
        let broken = held([&steps(1000, 0, 0), &steps(999, 0, 0)]);
        assert_eq!(broken.as_deref(), Some("R18: 999 steps say nothing"));
    }

    #[test]
    fn what_is_left_and_what_should_be_is_told_by_name() {
        assert!(left("offers", 0, (7, 7)).is_empty());
        assert_eq!(left("offers", 3, (7, 7)), ["R18: of the offers that were due 3 are left"]);
        let taken = left("offers", 0, (6, 7));
        assert_eq!(taken, ["R18: of 7 offers that were not yet due 6 are there"]);
    }
}
