//! R14: whoever is told by webhooks is slow, refuses, or is gone. Nobody else notices, and what happened is told in
//! the end and in its order; what was tried too often waits for somebody to have it delivered again.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    receiver::{Hears, Mood},
    scene::{Program, Store},
    trials::{Extent, Line, Trial},
};
use crate::{
    client::{Connection, Content},
    clock,
    failure::Failure,
};

/// How long each kind of trouble lasts at most: what was not taken is tried again after five seconds, and then after
/// five minutes.
const TROUBLE: Duration = Duration::from_secs(1);

/// No try is later than this after the one before, in seconds.
const LATEST_TRY: i64 = 27 * 3600;

/// How many turns there are while nobody listens.
const WHILE_AWAY: u64 = 20;

/// After how many tries a message is given up.
const TRIES: u64 = 10;

/// The receiver is in trouble while a crowd plays, and then until everybody gives it up.
pub(crate) async fn receiver_in_trouble(
    (_, folder): (&Path, &Path),
    database: &dyn Fn() -> Store,
    extent: Extent,
) -> Result<Line, Failure> {
    let fault = "webhook receiver in trouble";
    let program = || std::env::current_exe().map(Program::Failing);
    let mut trial =
        Trial::told(fault, program()?, folder, &database(), (Hears::Steps, None)).await?;
    let alone = trial.plays_alone(extent.spell / 2).await?;
    let spell = extent.spell.min(TROUBLE);
    trial
        .while_playing(async |trial| {
            let Some(receiver) = &trial.receiver else { return Ok(()) };
            for mood in [Mood::Slow(spell * 2), Mood::Refuses] {
                receiver.is(mood);
                tokio::time::sleep(spell).await;
                trial.times += 1;
            }
            receiver.is(Mood::Takes);
            receiver.go();
            tokio::time::sleep(spell).await;
            receiver.come().await?;
            trial.times += 1;
            Ok(())
        })
        .await?;
    trial.is_served_as("R14", alone);
    if trial.receiver.as_ref().is_some_and(|receiver| receiver.counts().1 == 0) {
        trial.broken("R14: nothing was turned away: nothing was tried".to_owned());
    }
    let mut line = trial.ended().await?;
    // at a database without the crowd's messages: two are all there are
    line.add(given_up(fault, program()?, folder, &database()).await?);
    line.add(away_for_an_hour(fault, program()?, folder, &database()).await?);
    Ok(line)
}

/// Nobody listens for an hour, in which presentations begin and end.
async fn away_for_an_hour(
    fault: &'static str,
    program: Program,
    folder: &Path,
    store: &Store,
) -> Result<Line, Failure> {
    let mut trial = Trial::told(fault, program, folder, store, (Hears::Steps, None)).await?;
    let Some(receiver) = &trial.receiver else { return Err(Failure::Lacks("receiver")) };
    receiver.go();
    for _ in 0..WHILE_AWAY {
        trial.wallet().turn().await?;
        trial.turns += 1;
    }
    for _ in 0..4 {
        clock::put_ahead(clock::ahead() + 900);
        trial.scene.put_ahead(clock::ahead()).await?;
        // what is due by now is tried
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    receiver.come().await?;
    clock::put_ahead(clock::ahead() + LATEST_TRY);
    trial.scene.put_ahead(clock::ahead()).await?;
    trial.times += 1;
    // the answers of so long ago are not kept: only that they are told is left
    let gone = trial.facts.take();
    let begun = Instant::now();
    while receiver.misses(&gone) > 0 && begun.elapsed() < Duration::from_secs(30) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    if receiver.misses(&gone) > 0 {
        let missed = receiver.misses(&gone);
        trial.broken(format!("R14: of {missed} results of that hour nobody was told after it"));
    }
    trial.facts.borrow_mut().broken = gone.broken;
    // who comes then is served
    trial.wallet().turn().await?;
    let ended = trial.ended().await;
    clock::put_ahead(0);
    ended
}

/// One message that nobody takes for days, and then somebody has it delivered.
async fn given_up(
    fault: &'static str,
    program: Program,
    folder: &Path,
    store: &Store,
) -> Result<Line, Failure> {
    let mut trial = Trial::told(fault, program, folder, store, (Hears::Ends, None)).await?;
    let Some(receiver) = &trial.receiver else { return Err(Failure::Lacks("receiver")) };
    receiver.is(Mood::Refuses);
    trial.wallet().turn().await?;
    trial.turns += 1;
    // a presentation and a revocation
    let told = 2;
    for tries in 1..=TRIES {
        let begun = Instant::now();
        while receiver.counts().1 < tries * told {
            if begun.elapsed() > Duration::from_secs(30) {
                trial.broken(format!("R14: a message is not tried for the {tries}th time"));
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // what came of a try is written down after it
        tokio::time::sleep(Duration::from_millis(400)).await;
        clock::put_ahead(clock::ahead() + LATEST_TRY);
        trial.scene.put_ahead(clock::ahead()).await?;
    }
    trial.times += 1;
    let mut connection = Connection::open(trial.scene.base()).await?;
    let (listing, key) = (trial.scene.api("messages?state=dead")?, trial.scene.key());
    let (begun, mut jumps) = (Instant::now(), 0);
    let dead = loop {
        let page: Value = serde_json::from_slice(&connection.get(&listing, Some(key)).await?)?;
        let dead = page["messages"].as_array().cloned().unwrap_or_default();
        if dead.len() as u64 >= told || begun.elapsed() > Duration::from_secs(10) {
            break dead;
        }
        // what came of a try while the clock jumped may count for nothing: then it is made once more
        if begun.elapsed() > Duration::from_secs(2) * (jumps + 1) {
            jumps += 1;
            clock::put_ahead(clock::ahead() + LATEST_TRY);
            trial.scene.put_ahead(clock::ahead()).await?;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    if dead.len() as u64 != told || receiver.counts().1 < TRIES * told {
        let (found, tried) = (dead.len(), receiver.counts().1);
        trial.broken(format!("R14: {found} messages are given up after {tried} tries, not {told}"));
    }
    receiver.is(Mood::Takes);
    for message in dead {
        let id = message["id"].as_str().ok_or(Failure::Lacks("message"))?;
        let again = trial.scene.api(&format!("messages/{id}/redeliver"))?;
        connection.post(&again, Some(key), Content::Empty).await?;
    }
    // whoever asked eleven days ago is gone with the answer: only that it is told is left
    let begun = Instant::now();
    while receiver.counts().0 < told && begun.elapsed() < Duration::from_secs(30) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let gone = trial.facts.take();
    if receiver.misses(&gone) > 0 {
        trial.broken("R14: what was delivered again is not what happened".to_owned());
    }
    trial.facts.borrow_mut().broken = gone.broken;
    // who comes then is served
    trial.wallet().turn().await?;
    let ended = trial.ended().await;
    clock::put_ahead(0);
    ended
}
