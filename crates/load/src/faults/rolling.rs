//! D5: the release before serves, this one comes beside it, and then takes its place.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use lanyard_testkit::PostgresServer;

use super::{
    replicas::Pair,
    scene::{Program, Scene, Store},
    trials::{Extent, Line, Trial},
};
use crate::{attester::Attester, failure::Failure};

/// A server of this release brings the schema up to date under one of the release before; both serve; then the older
/// one is asked to end, and comes again as this release.
pub(crate) async fn upgraded(
    (binary, folder): (&Path, &Path),
    before: &Path,
    server: &PostgresServer,
    extent: Extent,
) -> Result<Line, Failure> {
    let address = server.database();
    let schema = || server.sql_in(&address, "SELECT max(version) FROM schema_version");
    let store = Store::Postgres { address: address.clone() };
    let this = || Program::Product(binary.to_owned());
    let attester = Attester::new()?;
    let mut pair = Pair::half("rolling upgrade", (before, folder), &store, Some(&attester)).await?;
    let Pair { trial, other, .. } = &mut pair;
    other.becomes(this());
    // the release before may know of no chain
    trial.is_audited = false;
    trial
        .while_playing(async |trial| {
            tokio::time::sleep(extent.spell).await;
            let older = schema();
            let took = other.start().await?;
            trial.slowest_start = trial.slowest_start.max(took);
            let newer = schema();
            let steps = trial.both_serve(other, &attester, extent.together).await?;
            trial.seen.push(format!(
                "Rolling upgrade from schema {older} to {newer}: both releases served for {} s, {steps} steps.",
                extent.together.as_secs(),
            ));
            let status = trial.scene.terminate().await?;
            if status.code() != Some(0) {
                trial.broken(format!("R2: asked to end, the release before ended with {status}"));
            }
            trial.scene.becomes(this());
            trial.start().await?;
            trial.times += 1;
            tokio::time::sleep(extent.spell).await;
            Ok(())
        })
        .await?;
    trial.is_served_by_both("D5");
    pair.ended().await
}

impl Trial {
    /// Holds both releases to be ready for so long, while every kind of issuance goes through them; says how many
    /// steps were done.
    async fn both_serve(
        &self,
        other: &Scene,
        attester: &Attester,
        lasts: Duration,
    ) -> Result<u64, Failure> {
        let done = || self.ledger.tally().ok;
        let (begun, before) = (Instant::now(), done());
        while begun.elapsed() < lasts {
            for (scene, release) in [(&*self.scene, "the release before"), (other, "this one")] {
                if !scene.is_ready().await {
                    self.broken(format!("D5: beside the other, {release} is not ready"));
                }
            }
            self.wallet().issuances(attester).await?;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(done() - before)
    }
}
