//! What a database server goes through that everything is kept in.

use std::{
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use lanyard_testkit::PostgresServer;

use tokio::process::Command;

use super::{
    cable::Cable,
    scene::{Store, tell},
    trials::{Extent, Line, Trial},
};
use crate::{client::Connection, failure::Failure, ledger::checks::Results, machine};

/// R7: the database server goes at once, as in a crash, and comes back.
pub(crate) async fn database_gone(place: (&Path, &Path), extent: Extent) -> Result<Line, Failure> {
    let Some(server) = PostgresServer::start() else { return Err(Failure::NoPostgres) };
    let store = Store::Postgres { address: server.database() };
    let mut trial = Trial::set("PostgreSQL killed", place, &store).await?;
    trial.results = Results::MayBeOpen;
    trial
        .while_playing(async |trial| {
            for _ in 0..extent.restarts {
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

/// R5: PostgreSQL says that its disk is full (53100) whenever something is to be written. Triggers say it: a disk
/// that is really full takes a file system of the tool's own, which not everybody may make.
pub(crate) async fn disk_full(
    place: (&Path, &Path),
    server: &PostgresServer,
    extent: Extent,
) -> Result<Line, Failure> {
    let address = server.database();
    let store = Store::Postgres { address: address.clone() };
    let mut trial = Trial::set("disk full", place, &store).await?;
    trial.results = Results::MayBeOpen;
    trial
        .while_playing(async |trial| {
            for _ in 0..extent.full {
                tokio::time::sleep(extent.spell / 4).await;
                let (begun, before) = (Instant::now(), trial.ledger.tally().unknown);
                server.sql_in(&address, FULL);
                let is_tried = || trial.ledger.tally().unknown > before;
                while begun.elapsed() < extent.spell
                    || !is_tried() && begun.elapsed() < Duration::from_secs(60)
                {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    trial.reads_still_work("R5").await?;
                }
                if trial.ledger.tally().unknown == before {
                    trial.broken("R5: the disk was never full: nothing was tried".to_owned());
                }
                server.sql_in(&address, "DROP FUNCTION disk_is_full CASCADE");
                trial.times += 1;
                trial.heals("R5").await?;
            }
            Ok(())
        })
        .await?;
    trial.ended().await
}

/// From then on no table takes anything.
const FULL: &str = r#"
    CREATE FUNCTION disk_is_full() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
    DO $$ DECLARE kept text; BEGIN
        FOR kept IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
            EXECUTE format('CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE OR DELETE ON %I
                            FOR EACH STATEMENT EXECUTE FUNCTION disk_is_full()', kept);
        END LOOP;
    END $$"#;

/// R6: somebody else keeps every table to himself, or the database stands still, for longer than anybody waits.
pub(crate) async fn locked(place: (&Path, &Path), extent: Extent) -> Result<Line, Failure> {
    let Some(server) = PostgresServer::start() else { return Err(Failure::NoPostgres) };
    let address = server.database();
    let store = Store::Postgres { address: address.clone() };
    let mut trial = Trial::set("database locked", place, &store).await?;
    trial.results = Results::MayBeOpen;
    trial
        .while_playing(async |trial| {
            for nth in 0..extent.locks {
                tokio::time::sleep(Duration::from_millis(300)).await;
                let longest = extent.spell + Duration::from_secs(5);
                let held = if nth % 4 == 1 { longest } else { Duration::from_secs(1) };
                match nth % 2 {
                    0 => {
                        let keeps = format!("{KEPT}; SELECT pg_sleep({})", held.as_secs_f64());
                        let keeps = PostgresServer::statement(&address, &keeps);
                        let keeps = keeps.ok_or(Failure::NoPostgres)?;
                        let mut keeper = Command::from(keeps).stdout(Stdio::null()).spawn()?;
                        answers_for(trial, held).await?;
                        keeper.wait().await?;
                    }
                    _ => {
                        let processes = machine::family(server.process());
                        signal_all(&processes, "-STOP").await;
                        let answered = answers_for(trial, held).await;
                        signal_all(&processes, "-CONT").await;
                        answered?;
                    }
                }
                trial.times += 1;
                trial.heals("R6").await?;
            }
            Ok(())
        })
        .await?;
    trial.ended().await
}

/// Keeps every table until the transaction ends, which is that of both statements.
const KEPT: &str = "DO $$ DECLARE kept text; BEGIN
        FOR kept IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
            EXECUTE format('LOCK TABLE %I IN ACCESS EXCLUSIVE MODE', kept);
        END LOOP;
    END $$";

/// Whether it lives the server says at once, whatever its database does.
async fn answers_for(trial: &Trial, long: Duration) -> Result<(), Failure> {
    let begun = Instant::now();
    while begun.elapsed() < long {
        let asked = Instant::now();
        let place = trial.scene.base().join("healthz")?;
        let answer = Connection::open(trial.scene.base()).await?.get(&place, None).await;
        if answer.is_err() || asked.elapsed() > Duration::from_secs(1) {
            trial.broken(format!("R6: /healthz takes {:.1?}", asked.elapsed()));
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn signal_all(processes: &[u32], signal: &str) {
    for process in processes {
        // one that has ended meanwhile needs none
        let _ = tell(*process, signal).await;
    }
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
