//! The schema: what is to be there, how it is brought up while others serve, and who may do that.

use std::time::Duration;

use deadpool_postgres::Object;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use super::connect::{ConnectError, not_migrated, why};

/// The schema that this version writes: how many migrations there are.
const MIGRATIONS: [&str; 5] = [
    include_str!("../../migrations/postgres/0001_all.sql"),
    include_str!("../../migrations/postgres/0002_epochs.sql"),
    include_str!("../../migrations/postgres/0003_suspendable.sql"),
    include_str!("../../migrations/postgres/0004_audit.sql"),
    include_str!("../../migrations/postgres/0005_messages_of_a_session.sql"),
];

/// What whoever serves reads and writes.
const TABLES: [&str; 16] = [
    "session",
    "secret",
    "issued",
    "status_counter",
    "status",
    "status_chunk",
    "status_change",
    "seen_once",
    "call",
    "message",
    "probe",
    "epoch",
    "status_epoch",
    "audit_note",
    "audit_block",
    "audit_head",
];

/// For how long a migration waits for a table, and with it everybody who wants that table after it: not as long
/// as a request waits for a connection, so that nobody is refused.
const TURN: &str = "SET LOCAL lock_timeout = '1s'";

/// For how long everybody else has the table before a migration waits for it again.
const PAUSE: Duration = Duration::from_secs(2);

/// How often a migration waits: five minutes in all.
const TURNS: u32 = 100;

/// Brings the schema up to date, one migration after the other.
///
/// Of one that is up to date nothing is asked but to read its version.
pub(super) async fn bring_up(client: &mut Object) -> Result<(), ConnectError> {
    let known = MIGRATIONS.len() as i64;
    let mut turn = 1;
    loop {
        let found = version(client).await.map_err(|error| not_migrated(&error))?;
        if found > known {
            return Err(ConnectError::NewerSchema { found, known });
        }
        let next = usize::try_from(found).unwrap_or(0);
        let Some(migration) = MIGRATIONS.get(next) else { return Ok(()) };
        match migrate(client, found, migration).await {
            Ok(()) => turn = 1,
            Err(error) if is_held_up(&error) && turn < TURNS => {
                let migration = found + 1;
                tracing::warn!(
                    migration,
                    turn,
                    "a migration waits for a table that somebody else has, perhaps a backup"
                );
                turn += 1;
                tokio::time::sleep(PAUSE).await;
            }
            Err(error) if is_forbidden(&error) => {
                return Err(ConnectError::MayNotMigrate { found, known });
            }
            Err(error) => return Err(not_migrated(&error)),
        }
    }
}

/// How many migrations there were.
async fn version(client: &Object) -> Result<i64, Error> {
    let is_there = "SELECT to_regclass('schema_version') IS NOT NULL";
    if !client.query_one(is_there, &[]).await?.get::<_, bool>(0) {
        return Ok(0);
    }
    let found = "SELECT coalesce(max(version), 0) FROM schema_version";
    Ok(client.query_one(found, &[]).await?.get(0))
}

/// Runs the migration after `found`, unless another replica did.
async fn migrate(client: &mut Object, found: i64, migration: &str) -> Result<(), Error> {
    let db = client.transaction().await?;
    // of several replicas that start at once one migrates; nobody else waits for this lock
    db.batch_execute(
        "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
         SELECT pg_advisory_xact_lock(hashtextextended('lanyard schema', 0))",
    )
    .await?;
    db.batch_execute(TURN).await?;
    if found == 0 {
        let versions = "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)";
        db.batch_execute(versions).await?;
    }
    let now = "SELECT coalesce(max(version), 0) FROM schema_version";
    if db.query_one(now, &[]).await?.get::<_, i64>(0) != found {
        return Ok(());
    }
    db.batch_execute(migration).await?;
    let written = "INSERT INTO schema_version (version) VALUES ($1)";
    db.execute(written, &[&(found + 1)]).await?;
    db.commit().await
}

/// Whether somebody else has what a migration needs.
fn is_held_up(error: &Error) -> bool {
    let held_up = [SqlState::LOCK_NOT_AVAILABLE, SqlState::T_R_DEADLOCK_DETECTED];
    error.code().is_some_and(|state| held_up.contains(state))
}

/// Whether the role does not own what a migration changes, or may not make anything where it would be.
fn is_forbidden(error: &Error) -> bool {
    let forbidden = [SqlState::INSUFFICIENT_PRIVILEGE, SqlState::INVALID_SCHEMA_NAME];
    error.code().is_some_and(|state| forbidden.contains(state))
}

/// Refuses a role that may not read and write everything.
pub(super) async fn may_serve(client: &Object) -> Result<(), ConnectError> {
    let lacking = "SELECT name FROM unnest($1::text[]) AS name
                   WHERE NOT (has_table_privilege(name, 'SELECT')
                          AND has_table_privilege(name, 'INSERT')
                          AND has_table_privilege(name, 'UPDATE')
                          AND has_table_privilege(name, 'DELETE'))
                   LIMIT 1";
    let lacking = client.query_opt(lacking, &[&TABLES.as_slice()]).await;
    match lacking.map_err(|error| not_migrated(&error))? {
        Some(row) => Err(ConnectError::MayNotServe { table: row.get(0) }),
        None => Ok(()),
    }
}

/// Lets a role read and write everything, and change no table.
pub(super) async fn let_serve(client: &Object, role: &str) -> Result<(), ConnectError> {
    let granted = async {
        let grants = "SELECT format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO %I', name, $2::text)
                      FROM unnest($1::text[]) AS name
                      UNION ALL SELECT format('GRANT SELECT ON schema_version TO %I', $2::text)
                      UNION ALL SELECT format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), $2::text)
                      WHERE NOT has_schema_privilege($2::text, current_schema(), 'USAGE')";
        let grants = client.query(grants, &[&TABLES.as_slice(), &role]).await?;
        let grants: Vec<&str> = grants.iter().map(|row| row.get(0)).collect();
        client.batch_execute(&grants.join("; ")).await
    };
    granted.await.map_err(|error| ConnectError::NotGranted { why: why(&error) })
}
