//! R9: a backup is taken under load, and restored after the server went on from there.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use lanyard_testkit::PostgresServer;
use tokio::process::Command;

use super::{
    scene::Store,
    trials::{Extent, Line, Trial},
};
use crate::{
    failure::Failure,
    ledger::{checks, facts::Issued},
};

/// How a store is backed up and restored.
enum Backups<'b> {
    /// By the product.
    Own,
    /// By the tools of the database server.
    Dumps { server: &'b PostgresServer, address: String },
}

impl Backups<'_> {
    /// Takes one while a server is in use.
    async fn take(&self, trial: &Trial, file: &Path) -> Result<(), Failure> {
        match self {
            Self::Own => trial.command(&["backup", &file.to_string_lossy()]).await,
            Self::Dumps { server, address } => {
                match Command::from(server.dump(address, file)).status().await?.success() {
                    true => Ok(()),
                    false => Err(Failure::Lacks("dump")),
                }
            }
        }
    }

    /// Puts one in the place of what is there; no server is running.
    async fn restore(&self, trial: &Trial, file: &Path) -> Result<(), Failure> {
        match self {
            Self::Own => trial.command(&["restore", "--replace", &file.to_string_lossy()]).await,
            Self::Dumps { server, address } => {
                server.refill(address, file);
                trial.command(&["restore", "--epoch-only"]).await
            }
        }
    }
}

/// A backup is restored, again and again; with the tools of the database server where there is one.
pub(crate) async fn restored(
    place: (&Path, &Path),
    server: Option<&PostgresServer>,
    extent: Extent,
) -> Result<Line, Failure> {
    let (store, backups) = match server {
        None => (Store::Sqlite, Backups::Own),
        Some(server) => {
            let address = server.database();
            (Store::Postgres { address: address.clone() }, Backups::Dumps { server, address })
        }
    };
    let mut trial = Trial::set("restore", place, &store).await?;
    for round in 0..extent.restores {
        let backup: PathBuf = trial.scene.file(&format!("backup-{round}"));
        trial
            .while_playing(async |trial| {
                tokio::time::sleep(Duration::from_millis(500)).await;
                backups.take(trial, &backup).await?;
                tokio::time::sleep(Duration::from_millis(500)).await;
                Ok(())
            })
            .await?;
        trial.scene.kill().await?;
        backups.restore(&trial, &backup).await?;
        trial.times += 1;
        trial.start().await?;
        let (site, mut connection) = (trial.scene.site()?, trial.scene.connect().await?);
        let mut facts = trial.facts.take();
        let held = checks::nothing_is_good_any_more(&site, &mut connection, &mut facts).await;
        trial.facts.replace(facts);
        trial.tried += held?;
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
        let mut seen: BTreeSet<_> =
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
