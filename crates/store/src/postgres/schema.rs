//! The migrations, and who runs them.

use deadpool_postgres::Transaction;

use super::connect::{ConnectError, not_migrated};

/// The schema that this version writes: how many migrations there are.
const MIGRATIONS: [&str; 4] = [
    include_str!("../../migrations/postgres/0001_all.sql"),
    include_str!("../../migrations/postgres/0002_epochs.sql"),
    include_str!("../../migrations/postgres/0003_suspendable.sql"),
    include_str!("../../migrations/postgres/0004_audit.sql"),
];

/// Of several replicas that start at once one migrates, and the others wait for it.
pub(super) async fn migrate(db: &Transaction<'_>) -> Result<(), ConnectError> {
    db.batch_execute(
        "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
         SELECT pg_advisory_xact_lock(hashtextextended('lanyard schema', 0));
         CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)",
    )
    .await
    .map_err(|error| not_migrated(&error))?;
    let found = "SELECT coalesce(max(version), 0) FROM schema_version";
    let found: i64 = db.query_one(found, &[]).await.map_err(|error| not_migrated(&error))?.get(0);
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(ConnectError::NewerSchema { found, known });
    }
    for (version, migration) in (1_i64..).zip(MIGRATIONS) {
        if version <= found {
            continue;
        }
        db.batch_execute(migration).await.map_err(|error| not_migrated(&error))?;
        let written = "INSERT INTO schema_version (version) VALUES ($1)";
        db.execute(written, &[&version]).await.map_err(|error| not_migrated(&error))?;
    }
    Ok(())
}
