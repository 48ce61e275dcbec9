//! Two replicas on one database: each step goes to the one that did not take the step before, and one of them is
//! killed, cut off from the database, or asleep. D2, D3, D4 and D7.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use lanyard_core::json;
use serde_json::Value;

use super::{
    cable::{Cable, Way},
    receiver::Hears,
    scene::{Program, Scene, Store},
    steps::is_open,
    trials::{Extent, Line, Trial},
};
use crate::{
    attester::Attester,
    client::Connection,
    failure::Failure,
    ledger::checks::{self, Results},
};

/// How long a wallet waits for a replica that says nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// After how long a replica without a database is to say that it is not ready.
const NOT_READY: Duration = Duration::from_secs(5);

/// How long the database keeps the rows of a step locked whose replica fell silent in the middle of it.
const LOCKED: Duration = Duration::from_secs(10);

/// How long each replica may show the list of before (docs/scaling.md), and a little for the way.
pub(super) const LIST_DELAY: Duration = Duration::from_millis(1000);

/// Two replicas that a crowd plays with.
pub(super) struct Pair {
    pub(super) trial: Trial,
    pub(super) other: Scene,
    cable: Cable,
}

impl Pair {
    async fn set(
        fault: &'static str,
        place: (&Path, &Path),
        store: &Store,
    ) -> Result<Self, Failure> {
        let pair = Self::half(fault, place, store, None).await?;
        pair.other.start().await?;
        Ok(pair)
    }

    /// The other one is not yet started; with an attester holders log in.
    pub(super) async fn half(
        fault: &'static str,
        (binary, folder): (&Path, &Path),
        store: &Store,
        attester: Option<&Attester>,
    ) -> Result<Self, Failure> {
        let Store::Postgres { address } = store else { return Err(Failure::NoPostgres) };
        let program = Program::Product(binary.to_owned());
        let cable = Cable::to(address)?;
        let trial = Trial::told(fault, program, folder, store, (Hears::Ends, attester)).await?;
        let other = trial.scene.replica(&cable.store())?;
        Ok(Self { trial, other, cable })
    }

    pub(super) async fn ended(self) -> Result<Line, Failure> {
        tokio::time::sleep(LIST_DELAY).await;
        let status = self.other.terminate().await?;
        if status.code() != Some(0) {
            self.trial.broken(format!("R2: asked to end, a replica ended with {status}"));
        }
        self.trial.ended().await
    }
}

/// D2: every flow, each request at the other replica.
pub(crate) async fn alternating(
    place: (&Path, &Path),
    store: &Store,
    extent: Extent,
) -> Result<Line, Failure> {
    let mut pair = Pair::set("each request at the other replica", place, store).await?;
    let trial = &mut pair.trial;
    trial
        .while_playing(async |trial| {
            let begun = Instant::now();
            while trial.facts.borrow().issued.len() < extent.flows {
                if begun.elapsed() > Duration::from_secs(600) {
                    trial.broken("D2: flows do not get on".to_owned());
                    break;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Ok(())
        })
        .await?;
    trial.times = trial.turns;
    trial.is_served_by_both("D2");
    pair.ended().await
}

/// The fault whose pace is held to something.
pub(super) const PACED: &str = "one of two replicas killed";

/// The part of their pace that steps go on at while one replica of two is killed again and again, at least.
const GOODPUT: f64 = 0.6;

/// A pace is one after so long: a second of a busy machine says nothing.
const A_PACE: Duration = Duration::from_secs(10);

/// D3: one of two replicas is killed, again and again.
pub(crate) async fn killed(
    place: (&Path, &Path),
    store: &Store,
    extent: Extent,
) -> Result<Line, Failure> {
    let mut pair = Pair::set(PACED, place, store).await?;
    let Pair { trial, other, .. } = &mut pair;
    let every = extent.between_kills;
    let calm = async |_: &mut Trial| {
        tokio::time::sleep(every).await;
        Ok(())
    };
    let before = pace_of(trial, calm).await?;
    let kills = extent.kills_of_replicas;
    let first = trial.scene.clone();
    let rough = pace_of(trial, async |trial| {
        for kill in 0..kills {
            let one = if kill.is_multiple_of(2) { other as &Scene } else { &first };
            tokio::time::sleep(every - every / 4).await;
            one.kill().await?;
            trial.times += 1;
            tokio::time::sleep(every / 4).await;
            let took = one.start().await?;
            trial.slowest_start = trial.slowest_start.max(took);
        }
        Ok(())
    })
    .await?;
    // a store that has filled up meanwhile is no kill: the pace beside it is that of before and after
    let after = pace_of(trial, calm).await?;
    let share = rough / ((before + after) / 2.0).max(f64::MIN_POSITIVE);
    trial.seen.push(format!(
        "With one of two replicas killed every {} s, {kills} times, {rough:.0} steps a second went on, {:.0} % of the \
         {before:.0} before and {after:.0} after.",
        every.as_secs(),
        100.0 * share
    ));
    if every >= A_PACE
        && let Some(broken) = too_slow(share)
    {
        trial.broken(broken);
    }
    pair.ended().await
}

/// D3: what is broken by a part of the pace.
fn too_slow(share: f64) -> Option<String> {
    let percent = |share| 100.0 * share;
    (share < GOODPUT).then(|| {
        format!(
            "D3: steps went on at {:.0} % of their pace, not {:.0} %",
            percent(share),
            percent(GOODPUT)
        )
    })
}

/// How many steps a second are acknowledged meanwhile.
async fn pace_of(
    trial: &mut Trial,
    happens: impl AsyncFnOnce(&mut Trial) -> Result<(), Failure>,
) -> Result<f64, Failure> {
    let (begun, before) = (Instant::now(), trial.ledger.tally().ok);
    trial.while_playing(happens).await?;
    let steps = trial.ledger.tally().ok - before;
    Ok(steps as f64 / begun.elapsed().as_secs_f64())
}

/// D4: one replica loses its way to the database: the way is cut, silent, or silent in one direction.
pub(crate) async fn cut_off(
    place: (&Path, &Path),
    store: &Store,
    extent: Extent,
) -> Result<Line, Failure> {
    let mut pair = Pair::set("one replica cut off", place, store).await?;
    let Pair { trial, other, cable } = &mut pair;
    // where the database is away, so is the status list of whoever verifies
    trial.results = Results::MayBeOpen;
    trial.scene.set_patience(PATIENCE);
    trial
        .while_playing(async |trial| {
            for way in [Way::Cut, Way::Silent, Way::WithoutAnswers] {
                tokio::time::sleep(extent.spell / 2).await;
                let since = clock_second();
                cable.is(way);
                let begun = Instant::now();
                if other.is_ready().await || begun.elapsed() > NOT_READY + NOT_READY / 10 {
                    trial.broken(format!("D4: ready {:.1?} after it was {way:?}", begun.elapsed()));
                }
                let before = trial.ledger.tally().ok;
                let mut newest = since;
                while begun.elapsed() < extent.spell.max(NOT_READY / 2) {
                    // a list that is signed by whoever knows nothing new is no new list
                    if let Some(signed) = signed_at(other).await {
                        newest = newest.max(signed);
                    }
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                // what was under way when it was cut may still have been answered
                if newest > since + 2 {
                    trial.broken(format!(
                        "D4: a list was signed {} s after {way:?}",
                        newest - since
                    ));
                }
                while trial.ledger.tally().ok <= before {
                    if begun.elapsed() > LOCKED + NOT_READY {
                        trial.broken(format!("D4: nothing gets on while one replica is {way:?}"));
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                cable.is(Way::Open);
                trial.times += 1;
                let begun = Instant::now();
                while !other.is_ready().await {
                    if begun.elapsed() > NOT_READY * 2 {
                        trial.broken(format!("D4: not ready again after {way:?}"));
                        break;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
            Ok(())
        })
        .await?;
    pair.ended().await
}

/// D7: a replica sleeps past every lease, with whatever it was doing, and wakes.
pub(crate) async fn asleep(
    place: (&Path, &Path),
    store: &Store,
    extent: Extent,
) -> Result<Line, Failure> {
    let mut pair = Pair::set("one replica asleep", place, store).await?;
    let Pair { trial, other, .. } = &mut pair;
    trial.scene.set_patience(PATIENCE);
    let first = trial.scene.clone();
    trial
        .while_playing(async |trial| {
            for (sleeper, waker) in [(&*other, &*first), (&*first, &*other)] {
                tokio::time::sleep(extent.spell).await;
                sleeper.freeze().await?;
                let (begun, before) = (Instant::now(), trial.ledger.tally().ok);
                let mut newest = 0;
                // a crowd that was all asking the sleeper, or waits for what it keeps locked, gets on after that
                let gets_on = || trial.ledger.tally().ok > before;
                while begun.elapsed() < extent.sleep
                    || !gets_on() && begun.elapsed() < LOCKED + NOT_READY
                {
                    newest = signed_at(waker).await.unwrap_or_default().max(newest);
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                let revoked = trial.revoked();
                if !gets_on() {
                    trial.broken("D7: nothing gets on while one replica sleeps".to_owned());
                }
                sleeper.thaw().await?;
                trial.times += 1;
                // the list of whoever wakes is no older than the one that was seen meanwhile
                if let Some(signed) = signed_at(sleeper).await
                    && signed + 1 < newest
                {
                    trial.broken(format!("D7: a list is {} s older than before", newest - signed));
                }
                let begun = Instant::now();
                loop {
                    // its connections may have been given up meanwhile
                    let held = async {
                        let mut connection = Connection::open(sleeper.base()).await?;
                        checks::hold_revoked(&sleeper.site()?, &mut connection, &revoked).await
                    };
                    match held.await {
                        Err(failure) if is_open(&failure) && begun.elapsed() < NOT_READY => {
                            tokio::time::sleep(Duration::from_millis(20)).await;
                        }
                        held => {
                            trial.facts.borrow_mut().broken.extend(held?);
                            break;
                        }
                    }
                }
            }
            Ok(())
        })
        .await?;
    pair.ended().await
}

impl Trial {
    /// Holds two replicas to have done every step.
    pub(super) fn is_served_by_both(&self, rule: &str) {
        let tally = self.ledger.tally();
        let failed = tally.refused + tally.unknown;
        if failed > 0 {
            let why = self.why_open();
            self.broken(format!("{rule}: {failed} steps failed between two replicas: {why}"));
        }
    }
}

fn clock_second() -> i64 {
    crate::clock::now().as_second()
}

/// When a replica signed the list that it shows; nothing if it shows none.
async fn signed_at(scene: &Scene) -> Option<i64> {
    let asked = async {
        let place = scene.base().join("load/status-lists/0").ok()?;
        Connection::open(scene.base()).await.ok()?.get(&place, None).await.ok()
    };
    let token = tokio::time::timeout(PATIENCE, asked).await.ok()??;
    let payload = std::str::from_utf8(&token).ok()?.split('.').nth(1)?;
    let payload: Value = serde_json::from_slice(&json::base64url_decode(payload).ok()?).ok()?;
    payload["iat"].as_i64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_more_than_half_the_pace_is_too_slow_while_replicas_are_killed() {
        let broken = too_slow(0.54);
        assert_eq!(broken.as_deref(), Some("D3: steps went on at 54 % of their pace, not 60 %"));
        assert_eq!(too_slow(0.6), None);
    }
}
