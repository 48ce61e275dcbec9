//! What a database server goes through that everything is kept in.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use lanyard_testkit::PostgresServer;

use super::{
    cable::Cable,
    checks::Results,
    scene::Store,
    trials::{Extent, Line, Trial},
};
use crate::failure::Failure;

/// R7: the database server goes at once, as in a crash, and comes back.
pub(crate) async fn database_gone(place: (&Path, &Path), extent: Extent) -> Result<Line, Failure> {
    let Some(server) = PostgresServer::start() else { return Err(Failure::NoPostgres) };
    let store = Store::Postgres { address: server.database() };
    let mut trial = Trial::set("PostgreSQL killed", place, &store).await?;
    trial.results = Results::MayBeOpen;
    trial
        .while_playing(async |trial| {
            for _ in 0..extent.drains {
                tokio::time::sleep(Duration::from_millis(500)).await;
                server.stop();
                tokio::time::sleep(extent.spell / 2).await;
                if trial.scene.is_ready().await {
                    trial.broken("R7: ready, without a database".to_owned());
                }
                server.start_again();
                trial.times += 1;
                trial.heals("R7").await?;
            }
            Ok(())
        })
        .await?;
    trial.ended().await
}

/// R7: every connection to the database is cut, ten times a second.
pub(crate) async fn connections_cut(
    place: (&Path, &Path),
    server: &PostgresServer,
    extent: Extent,
) -> Result<Line, Failure> {
    let address = server.database();
    let store = Store::Postgres { address: address.clone() };
    let mut trial = Trial::set("connections cut", place, &store).await?;
    trial.results = Results::MayBeOpen;
    trial
        .while_playing(async |trial| {
            let begun = Instant::now();
            while begun.elapsed() < extent.spell {
                tokio::time::sleep(Duration::from_millis(100)).await;
                server.sql_in(
                    &address,
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                     WHERE usename = 'lanyard' AND datname = current_database()",
                );
                trial.times += 1;
            }
            trial.heals("R7").await
        })
        .await?;
    trial.ended().await
}

/// R7: the database server ends for good, and another one that followed it takes over.
pub(crate) async fn failed_over(place: (&Path, &Path), extent: Extent) -> Result<Line, Failure> {
    let Some(mut primary) = PostgresServer::start() else { return Err(Failure::NoPostgres) };
    let address = primary.database();
    let cable = Cable::to(&address)?;
    let mut trial = Trial::set("PostgreSQL failed over", place, &cable.store()).await?;
    trial.results = Results::MayBeOpen;
    for _ in 0..extent.failovers {
        let standby = primary.standby();
        trial
            .while_playing(async |trial| {
                tokio::time::sleep(extent.spell / 2).await;
                primary.stop();
                standby.promote();
                cable.lead_to(&standby.own_address_of(&address))?;
                trial.times += 1;
                trial.heals("R7").await?;
                tokio::time::sleep(extent.spell / 2).await;
                Ok(())
            })
            .await?;
        primary = standby;
    }
    trial.ended().await
}
