//! What the file that everything is kept in goes through: a disk without room, a lock of somebody else, a backup
//! that is restored.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use super::{
    checks,
    facts::Issued,
    scene::Store,
    trials::{Extent, Line, Trial},
};
use crate::failure::Failure;

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
    /// I2: no place that was given out before any restore is given out since.
    fn places_are_apart(&self, before: &[Issued]) {
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
