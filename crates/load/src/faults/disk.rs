//! What the file that everything is kept in goes through: a disk without room, a lock of somebody else.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::{
    scene::Store,
    trials::{Extent, Line, Trial},
};
use crate::failure::Failure;

/// R5: no file may grow any more; then they may again.
pub(crate) async fn disk_full(place: (&Path, &Path), extent: Extent) -> Result<Line, Failure> {
    let mut trial = Trial::set("disk full", place, &Store::Sqlite).await?;
    for _ in 0..extent.full {
        trial.scene.terminate().await?;
        let database = trial.scene.file("data/lanyard.db");
        let size = std::fs::metadata(database)?.len();
        trial.scene.limit_files(Some(size + (256 << 10)));
        trial.start().await?;
        is_full(&mut trial, extent).await?;
    }
    trial.scene.limit_files(None);
    trial.ended().await
}

/// A disk is full while a crowd plays, and then no more.
async fn is_full(trial: &mut Trial, extent: Extent) -> Result<(), Failure> {
    let before = trial.ledger.tally().unknown;
    trial
        .while_playing(async |trial| {
            let begun = Instant::now();
            let mut full_for = Duration::ZERO;
            let mut full_since = None;
            while full_for < extent.spell && begun.elapsed() < Duration::from_secs(60) {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let unknown = trial.ledger.tally().unknown;
                let since = *full_since.get_or_insert_with(Instant::now);
                if unknown == before {
                    full_since = None;
                } else {
                    full_for = since.elapsed();
                }
                trial.reads_still_work("R5").await?;
            }
            if trial.ledger.tally().unknown == before {
                trial.broken("R5: the disk was never full: nothing was tried".to_owned());
            }
            trial.times += 1;
            trial.scene.lift_limit().await?;
            trial.heals("R5").await
        })
        .await
}

/// R6: somebody else holds the database, for longer than anybody waits.
pub(crate) async fn locked(place: (&Path, &Path), extent: Extent) -> Result<Line, Failure> {
    let mut trial = Trial::set("database locked", place, &Store::Sqlite).await?;
    trial
        .while_playing(async |trial| {
            let other = rusqlite::Connection::open(trial.scene.file("data/lanyard.db"))?;
            let longest = extent.spell + Duration::from_secs(5);
            let all = (0..extent.locks)
                .map(|nth| if nth % 4 == 1 { longest } else { Duration::from_secs(1) });
            for held in all {
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
