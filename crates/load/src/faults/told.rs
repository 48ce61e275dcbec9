//! R14: whoever is told by webhooks is slow, refuses, or is gone. Nobody else notices, and what happened is told in
//! the end.

use std::{path::Path, time::Duration};

use super::{
    clients::{MOST_WAITED, slowest},
    receiver::Mood,
    scene::{Program, Store},
    trials::{Extent, Line, Trial},
};
use crate::failure::Failure;

/// How long each kind of trouble lasts at most: what was not taken is tried again after five seconds, and then after
/// five minutes.
const TROUBLE: Duration = Duration::from_secs(2);

/// The receiver is in trouble while a crowd plays.
pub(crate) async fn receiver_in_trouble(
    (binary, folder): (&Path, &Path),
    store: &Store,
    extent: Extent,
) -> Result<Line, Failure> {
    let fault = "webhook receiver in trouble";
    let program = Program::Product(binary.to_owned());
    let mut trial = Trial::told(fault, program, folder, store).await?;
    trial
        .while_playing(async |_| {
            tokio::time::sleep(extent.spell / 2).await;
            Ok(())
        })
        .await?;
    let alone = slowest(&std::mem::take(&mut trial.facts.borrow_mut().latencies));
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
    let beside = slowest(&trial.facts.borrow().latencies);
    if beside > MOST_WAITED.max(alone * 3) || trial.ledger.tally().unknown > 0 {
        trial.broken(format!("R14: flows wait {beside:.1?} instead of {alone:.1?}, or in vain"));
    }
    if trial.receiver.as_ref().is_some_and(|receiver| receiver.counts().1 == 0) {
        trial.broken("R14: nothing was turned away: nothing was tried".to_owned());
    }
    trial.ended().await
}
