//! R3, R4: the server ends, or its store fails, at every point that a server comes past while everything that
//! it does is done once. Points are found by passing them: a new call to the store is a new point.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::Path,
    pin::pin,
    rc::Rc,
    time::{Duration, Instant},
};

use serde::Serialize;

use super::{
    failing_store::COMMITS,
    receiver::{Hears, Receiver},
    scene::{Program, Scene, Setting, Store},
    script::{Arming, Kind, Mishap, Moment, Passed, Point},
    trials::{Line, Trial},
};
use crate::{
    attester::Attester,
    client::{Connection, Content},
    clock,
    failure::Failure,
    ledger::checks::Results,
};

/// How long a point waits for a chore that comes past it.
const CHORE: Duration = Duration::from_secs(2);

/// How long the last answer of a turn takes to be followed by the end of the process.
const LAST_ANSWER: Duration = Duration::from_millis(200);

/// How much of it is tried.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    /// How often the process ends at each point.
    pub(crate) rounds: u64,
    /// One in so many points beside the first of each call that keeps something, and of them one in so many mishaps.
    pub(crate) stride: usize,
}

impl Scope {
    /// Which of the points that are wanted are tried.
    fn of(self, passed: &[Passed], wanted: fn(&Passed) -> bool) -> Vec<&Passed> {
        let mut calls = BTreeSet::new();
        let wanted = passed.iter().filter(|passed| wanted(passed)).enumerate();
        let tried = wanted.filter(|(nth, passed)| {
            let is_first = passed.kind == Kind::Commit && calls.insert(&passed.point.call);
            is_first || nth.is_multiple_of(self.stride)
        });
        tried.map(|(_, passed)| passed).collect()
    }
}

/// What happened at one point.
#[derive(Debug, Serialize)]
pub(crate) struct AtPoint {
    #[serde(flatten)]
    pub(crate) passed: Passed,
    /// How often the process ended there.
    pub(crate) ended: u64,
    /// How often the store failed there.
    pub(crate) failed: u64,
}

/// What both runs found.
pub(crate) struct Found {
    pub(crate) lines: Vec<Line>,
    pub(crate) points: Vec<AtPoint>,
    /// Calls that keep something and that nothing came past.
    pub(crate) unvisited: Vec<&'static str>,
}

/// Ends the process and fails the store at every point, on databases of their own.
pub(crate) async fn everywhere(
    folder: &Path,
    database: &dyn Fn() -> Store,
    scope: Scope,
) -> Result<Found, Failure> {
    let attester = Attester::new()?;
    let receiver = Receiver::listening(Hears::Ends).await?;
    let seldom = RefCell::default();
    let ground = Ground { folder, attester: &attester, receiver: &receiver, seldom };
    let mut tried: BTreeMap<Point, (u64, u64)> = BTreeMap::new();
    let mut lines = Vec::new();

    let mut trial = ground.trial("ends at a point", &database()).await?;
    let passed = ground.rehearsal(&mut trial).await?;
    let ends =
        scope.of(&passed, |passed| passed.point.during != START && passed.kind != Kind::Read);
    for _ in 0..scope.rounds {
        for Passed { point, .. } in &ends {
            if ground.ends_at(&mut trial, point).await? {
                tried.entry(point.clone()).or_default().0 += 1;
            }
        }
    }
    lines.push(trial.ended().await?);
    clock::put_ahead(0);

    let mut trial = ground.trial("store fails at a point", &database()).await?;
    trial.results = Results::MayBeOpen;
    let fails =
        scope.of(&passed, |passed| passed.point.during != START && passed.kind != Kind::Reply);
    for Passed { point, kind } in fails {
        let all = mishaps(point.moment, *kind).iter();
        // another one at each point
        let first = tried.len() % scope.stride.min(all.len()).max(1);
        for mishap in all.skip(first).step_by(scope.stride) {
            if ground.fails_at(&mut trial, point, *mishap).await? {
                tried.entry(point.clone()).or_default().1 += 1;
            }
        }
    }
    lines.push(trial.ended().await?);
    clock::put_ahead(0);

    let mut starts: Option<Line> = None;
    let first =
        scope.of(&passed, |passed| passed.point.during == START && passed.kind == Kind::Commit);
    for Passed { point, .. } in first {
        let line = ground.starts_past(point, &database()).await?;
        tried.entry(point.clone()).or_default().0 += line.times;
        match &mut starts {
            Some(starts) => starts.add(line),
            None => starts = Some(line),
        }
    }
    lines.extend(starts);

    let points = passed.iter().map(|passed| {
        let (ended, failed) = tried.get(&passed.point).copied().unwrap_or_default();
        AtPoint { passed: passed.clone(), ended, failed }
    });
    let visited = |call: &&str| passed.iter().any(|passed| passed.point.call == **call);
    let unvisited = COMMITS.iter().copied().filter(|call| !visited(call)).collect();
    Ok(Found { points: points.collect(), unvisited, lines })
}

/// What is passed before the server serves.
const START: &str = "start";

/// What nobody asked for.
const ASIDE: &str = "aside";

/// What a store can say at a point: after a call, only that it does not know.
const fn mishaps(moment: Moment, kind: Kind) -> &'static [Mishap] {
    match (moment, kind) {
        (Moment::Before, _) => &[Mishap::Busy, Mishap::Full, Mishap::Io, Mishap::Unreachable],
        (Moment::After, Kind::Commit) => &[Mishap::Io, Mishap::Unreachable],
        // what is read is forgotten either way
        (Moment::After, _) => &[],
    }
}

struct Ground<'g> {
    folder: &'g Path,
    attester: &'g Attester,
    receiver: &'g Receiver,
    /// What a server comes past once it has started, and then perhaps for long no more: a block of places is
    /// reserved, house is kept, a list is read for the first time.
    seldom: RefCell<BTreeSet<Point>>,
}

impl Ground<'_> {
    /// A server over a store that fails, not yet started.
    fn laid(&self, fault: &'static str, store: &Store) -> Result<Trial, Failure> {
        let folder = Trial::folder(self.folder, fault, store);
        let program = Program::Failing(std::env::current_exe()?);
        let (attester, receiver) = (Some(self.attester), Some(self.receiver));
        let setting = Setting { program, store, attester, receiver };
        let scene = Scene::laid(&folder, setting)?;
        Trial::of(fault, scene, &folder, store)
    }

    async fn trial(&self, fault: &'static str, store: &Store) -> Result<Trial, Failure> {
        let trial = self.laid(fault, store)?;
        trial.scene.start().await?;
        Ok(trial)
    }

    /// Everything once, undisturbed; the points that were passed.
    async fn rehearsal(&self, trial: &mut Trial) -> Result<Vec<Passed>, Failure> {
        // a second time, as the first makes what the server then keeps
        for _ in 0..2 {
            self.everything(trial).await?;
        }
        tokio::time::sleep(CHORE).await;
        let mut connection = Connection::open(trial.scene.base()).await?;
        let place = trial.scene.base().join("faults/passed")?;
        Ok(serde_json::from_slice(&connection.get(&place, None).await?)?)
    }

    async fn everything(&self, trial: &mut Trial) -> Result<(), Failure> {
        let mut wallet = trial.wallet();
        wallet.turn().await?;
        wallet.errands(self.attester).await?;
        trial.turns += 1;
        Ok(())
    }

    async fn arm(&self, trial: &Trial, arming: Option<&Arming>) -> Result<(), Failure> {
        let mut connection = Connection::open(trial.scene.base()).await?;
        let place = trial.scene.base().join("faults/armed")?;
        let content = Content::Json(serde_json::to_string(&arming)?);
        connection.post(&place, None, content).await.map(drop)
    }

    /// Whether the server ended there, and is back.
    async fn ends_at(&self, trial: &mut Trial, point: &Point) -> Result<bool, Failure> {
        let arming = Arming { point: point.clone(), mishap: Mishap::Abort };
        let mut ended = false;
        if !self.seldom.borrow().contains(point) {
            self.arm(trial, Some(&arming)).await?;
            let patience = if point.during == ASIDE { CHORE } else { LAST_ANSWER };
            ended = self.everything_past_an_end(trial, patience).await?;
        }
        if !ended {
            self.seldom.borrow_mut().insert(point.clone());
            ended = self.ends_after_a_start(trial, &arming).await?;
        }
        if !ended {
            self.arm(trial, None).await?;
            trial.broken(format!("R3: the process did not end {point}: nothing came past it"));
        }
        trial.times += u64::from(ended);
        Ok(ended)
    }

    /// Starts the server once more, which then ends at a point; whether it did, and is back.
    async fn ends_after_a_start(
        &self,
        trial: &mut Trial,
        arming: &Arming,
    ) -> Result<bool, Failure> {
        self.ends_unarmed(trial).await?;
        trial.scene.arm_start(serde_json::to_string(arming)?);
        if trial.scene.comes().await?.is_some() {
            // what is done aside at a start may come after the server is ready
            return self.everything_past_an_end(trial, CHORE).await;
        }
        trial.start().await?;
        self.everything(trial).await?;
        Ok(true)
    }

    /// Asks the server to end, when nothing is armed that it could come past on the way.
    async fn ends_unarmed(&self, trial: &Trial) -> Result<(), Failure> {
        self.arm(trial, None).await?;
        trial.scene.terminate().await.map(drop)
    }

    /// Everything once, while the server may end and is started again; whether it did.
    async fn everything_past_an_end(
        &self,
        trial: &mut Trial,
        patience: Duration,
    ) -> Result<bool, Failure> {
        let scene: Rc<Scene> = trial.scene.clone();
        let mut turn = pin!(self.everything_once(trial));
        let ended = tokio::select! {
            biased;
            ended = scene.ends(Duration::MAX) => {
                ended?;
                scene.start().await?;
                turn.as_mut().await?;
                true
            }
            played = &mut turn => {
                played?;
                let ended = scene.ends(patience).await?;
                if ended {
                    scene.start().await?;
                }
                ended
            }
        };
        trial.turns += 1;
        Ok(ended)
    }

    /// A turn that borrows the trial no longer than it takes to begin.
    fn everything_once(
        &self,
        trial: &Trial,
    ) -> impl Future<Output = Result<(), Failure>> + use<'_> {
        let (mut wallet, attester) = (trial.wallet(), self.attester);
        async move {
            wallet.turn().await?;
            wallet.errands(attester).await
        }
    }

    /// Whether the store failed there.
    async fn fails_at(
        &self,
        trial: &mut Trial,
        point: &Point,
        mishap: Mishap,
    ) -> Result<bool, Failure> {
        let arming = Arming { point: point.clone(), mishap };
        let before = trial.facts.borrow().broken.len();
        let mut failed = false;
        if !self.seldom.borrow().contains(point) {
            self.arm(trial, Some(&arming)).await?;
            failed = self.fails_within_a_turn(trial, point).await?;
        }
        if !failed {
            self.seldom.borrow_mut().insert(point.clone());
            self.ends_unarmed(trial).await?;
            trial.scene.arm_start(serde_json::to_string(&arming)?);
            trial.start().await?;
            failed = self.fails_within_a_turn(trial, point).await?;
        }
        if !failed {
            self.arm(trial, None).await?;
            trial.broken(format!("R4: the store did not fail {point}: nothing came past it"));
        }
        if trial.facts.borrow().broken.len() > before {
            trial.broken(format!("  … by {mishap:?} {point}"));
        }
        trial.times += u64::from(failed);
        Ok(failed)
    }

    /// Everything once; whether what is armed happened.
    async fn fails_within_a_turn(&self, trial: &mut Trial, point: &Point) -> Result<bool, Failure> {
        self.everything(trial).await?;
        let place = trial.scene.base().join("faults/armed")?;
        let patience = if point.during == ASIDE { CHORE } else { Duration::ZERO };
        let begun = Instant::now();
        loop {
            let waits = Connection::open(trial.scene.base()).await?.get(&place, None).await?;
            if &*waits == b"null" || begun.elapsed() >= patience {
                return Ok(&*waits == b"null");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A first start that ends at a point; the second is to make up for it.
    async fn starts_past(&self, point: &Point, store: &Store) -> Result<Line, Failure> {
        let mut trial = self.laid("first start ends at a point", store)?;
        let arming = Arming { point: point.clone(), mishap: Mishap::Abort };
        trial.scene.arm_start(serde_json::to_string(&arming)?);
        if trial.scene.comes().await?.is_none() {
            trial.times += 1;
            trial.start().await?;
            self.everything(&mut trial).await?;
        } else {
            self.arm(&trial, None).await?;
            trial.broken(format!("R3: the first start did not end {point}"));
        }
        let line = trial.ended().await;
        clock::put_ahead(0);
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(call: &str, nth: u32, kind: Kind) -> Passed {
        let (during, call) = ("POST /a".to_owned(), call.to_owned());
        Passed { point: Point { during, call, nth, moment: Moment::Before }, kind }
    }

    #[test]
    fn however_few_points_are_tried_each_call_that_keeps_something_is_among_them() {
        let all = [
            passed("take", 1, Kind::Read),
            passed("replace", 1, Kind::Commit),
            passed("replace", 2, Kind::Commit),
            passed("events", 1, Kind::Read),
            passed("shred_audit", 1, Kind::Commit),
        ];
        let tried = |stride| {
            let chosen = Scope { rounds: 1, stride }.of(&all, |_| true);
            chosen.iter().map(|passed| passed.point.call.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(tried(100), ["take", "replace", "shred_audit"]);
        assert_eq!(tried(1).len(), all.len());
    }
}
