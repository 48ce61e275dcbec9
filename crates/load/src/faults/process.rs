//! The process ends: at any moment, or because it is asked to.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use lanyard_core::crypto::Random as _;
use lanyard_testkit::SeededRandom;

use super::{
    scene::Store,
    trials::{Extent, Line, Trial},
};
use crate::failure::Failure;

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
    trial.is_determined("R2");
    let lost = trial.facts.borrow().lost_answers;
    if lost > 0 {
        trial.broken(format!("R2: {lost} answers were lost though the server was asked to end"));
    }
    trial.ended().await
}
