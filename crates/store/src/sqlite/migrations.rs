//! The schema, step by step. A released step never changes; what is wrong in it the next one mends.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};

use super::OpenError;
use super::open::APPLICATION_ID;

/// One step of the schema. Its version is its place in the list, from 1.
pub(super) struct Migration {
    name: &'static str,
    sql: &'static str,
}

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { name: "0001_sessions", sql: include_str!("../../migrations/0001_sessions.sql") },
    Migration { name: "0002_statuses", sql: include_str!("../../migrations/0002_statuses.sql") },
    Migration { name: "0003_seen_once", sql: include_str!("../../migrations/0003_seen_once.sql") },
    Migration {
        name: "0004_status_chunks",
        sql: include_str!("../../migrations/0004_status_chunks.sql"),
    },
    Migration {
        name: "0005_integration",
        sql: include_str!("../../migrations/0005_integration.sql"),
    },
    Migration { name: "0006_one_row", sql: include_str!("../../migrations/0006_one_row.sql") },
    Migration { name: "0007_epochs", sql: include_str!("../../migrations/0007_epochs.sql") },
    Migration {
        name: "0008_newest_at_the_end",
        sql: include_str!("../../migrations/0008_newest_at_the_end.sql"),
    },
    Migration {
        name: "0009_suspendable",
        sql: include_str!("../../migrations/0009_suspendable.sql"),
    },
    Migration { name: "0010_audit", sql: include_str!("../../migrations/0010_audit.sql") },
    Migration {
        name: "0011_messages_of_a_session",
        sql: include_str!("../../migrations/0011_messages_of_a_session.sql"),
    },
];

/// The text of each step as it ran here, so that an edited step is noticed.
const LEDGER: &str = "CREATE TABLE IF NOT EXISTS migration (
    version INTEGER PRIMARY KEY,
    name    TEXT NOT NULL,
    sql     TEXT NOT NULL
) STRICT";

/// Refuses a file of another program, of a newer Lanyard, or with an edited step. Only reads.
pub(super) fn refuse_unknown(
    connection: &Connection,
    path: &Path,
    migrations: &'static [Migration],
) -> Result<(), OpenError> {
    let failed = |source| OpenError::database(path, source);
    let found = version(connection).map_err(failed)?;

    if application_id(connection).map_err(failed)? != APPLICATION_ID {
        // A start that was interrupted before the first step leaves an empty file.
        let tables: u32 = connection
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(failed)?;
        return match (found, tables) {
            (0, 0) => Ok(()),
            _ => Err(OpenError::Foreign { path: path.to_owned() }),
        };
    }

    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(OpenError::NewerSchema { path: path.to_owned(), found, known });
    }
    for (migration, version) in migrations.iter().zip(1..=found) {
        let ran: Option<String> = connection
            .query_row("SELECT sql FROM migration WHERE version = ?1", [version], |row| row.get(0))
            .optional()
            .map_err(failed)?;
        if ran.as_deref() != Some(migration.sql) {
            return Err(OpenError::EditedMigration { path: path.to_owned(), name: migration.name });
        }
    }
    Ok(())
}

/// Takes the steps that the file has not seen, each in a transaction with its own version mark.
pub(super) fn migrate(
    connection: &mut Connection,
    path: &Path,
    migrations: &'static [Migration],
) -> Result<(), OpenError> {
    let failed = |source| OpenError::database(path, source);
    let found = version(connection).map_err(failed)?;
    for (migration, version) in migrations.iter().zip(1u32..).skip(found as usize) {
        step(connection, migration, version).map_err(failed)?;
        tracing::info!(migration = migration.name, "schema migrated");
    }
    Ok(())
}

fn step(connection: &mut Connection, migration: &Migration, version: u32) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.execute_batch(LEDGER)?;
    transaction.execute_batch(migration.sql)?;
    transaction.execute(
        "INSERT INTO migration (version, name, sql) VALUES (?1, ?2, ?3)",
        (version, migration.name, migration.sql),
    )?;
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn application_id(connection: &Connection) -> rusqlite::Result<i32> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rusqlite::Connection;

    use super::{MIGRATIONS, Migration, migrate, refuse_unknown, version};
    use crate::sqlite::{sessions, subjects};
    use crate::{OpenError, SessionId, Taken};

    const FIRST: Migration = Migration { name: "0001_a", sql: "CREATE TABLE a (x INTEGER) STRICT" };
    const SECOND: Migration =
        Migration { name: "0002_b", sql: "ALTER TABLE a ADD COLUMN y INTEGER" };
    const BROKEN: Migration =
        Migration { name: "0002_b", sql: "CREATE TABLE b (x INTEGER) STRICT; CREATE TABLE a (x)" };
    const EDITED: Migration = Migration { name: "0001_a", sql: "CREATE TABLE a (x TEXT) STRICT" };

    fn memory() -> (Connection, &'static Path) {
        (Connection::open_in_memory().unwrap(), Path::new("test.db"))
    }

    fn tables(connection: &Connection) -> Vec<String> {
        let mut statement = connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn takes_only_the_steps_that_are_missing_and_keeps_the_rows() {
        let (mut db, path) = memory();
        migrate(&mut db, path, &[FIRST]).unwrap();
        db.execute("INSERT INTO a (x) VALUES (7)", []).unwrap();
        migrate(&mut db, path, &[FIRST, SECOND]).unwrap();
        migrate(&mut db, path, &[FIRST, SECOND]).unwrap();

        let row = db.query_row("SELECT x, y FROM a", [], |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(row, Ok((7, None::<i64>)));
        assert_eq!(version(&db), Ok(2));
        assert!(refuse_unknown(&db, path, &[FIRST, SECOND]).is_ok());
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_behind() {
        let (mut db, path) = memory();
        let error = migrate(&mut db, path, &[FIRST, BROKEN]).unwrap_err();
        assert!(matches!(error, OpenError::Database { .. }), "{error:?}");
        assert_eq!(tables(&db), ["a", "migration"]);
        assert_eq!(version(&db), Ok(1));
        migrate(&mut db, path, &[FIRST, SECOND]).unwrap();
        assert_eq!(version(&db), Ok(2));
    }

    #[test]
    fn what_was_revoked_before_there_were_runs_is_in_them() {
        let (mut db, path) = memory();
        migrate(&mut db, path, &MIGRATIONS[..2]).unwrap();
        for (place, value) in [(0, 1), (3, 2), (4095, 1), (4096, 0), (12_289, 2)] {
            db.execute(
                "INSERT INTO status (tenant, credential, list, place, value)
                 VALUES ('demo', zeroblob(16), 7, ?1, ?2)",
                (place, value),
            )
            .unwrap();
        }
        migrate(&mut db, path, MIGRATIONS).unwrap();
        let mut statement = db
            .prepare("SELECT list, chunk, version, bits FROM status_chunk ORDER BY chunk")
            .unwrap();
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, Vec<u8>>(3)?))
        });
        let rows: Vec<(u32, u32, u32, Vec<u8>)> = rows.unwrap().map(Result::unwrap).collect();
        let mut first = vec![0; 1024];
        (first[0], first[1023]) = (0b1000_0001, 0b0100_0000);
        let mut fourth = vec![0; 1024];
        fourth[0] = 0b0000_1000;
        assert_eq!(rows, [(7, 0, 1, first), (7, 3, 1, fourth)]);
    }

    #[test]
    fn a_session_from_before_it_was_one_row_keeps_its_state_and_its_trail() {
        let (mut db, path) = memory();
        migrate(&mut db, path, &MIGRATIONS[..5]).unwrap();
        db.execute_batch(
            "INSERT INTO session (tenant, id, kind, version, state, created_at, expires_at)
             VALUES ('demo', zeroblob(16), 'offer', 2, x'0102', 5, 900),
                    ('demo', x'01010101010101010101010101010101', 'request', 1, x'03', 6, 901);
             INSERT INTO handle (tenant, kind, digest, session)
             VALUES ('demo', 'pre_code', zeroblob(32), zeroblob(16));
             INSERT INTO event (tenant, session, seq, at, step, outcome, reason, detail)
             VALUES ('demo', zeroblob(16), 2, 6, 'token', 'refused', 'code_used', 'a \"b\"'),
                    ('demo', zeroblob(16), 1, 5, 'offer_created', 'done', NULL, NULL);",
        )
        .unwrap();
        migrate(&mut db, path, MIGRATIONS).unwrap();
        let tenant = "demo".parse().unwrap();
        let now = jiff::Timestamp::from_microsecond(10).unwrap();
        let first = SessionId::from_bytes([0; 16]);
        let Ok(Taken::Live(session)) = sessions::by_id(&db, &tenant, first, now) else {
            unreachable!("it was live before")
        };
        assert_eq!((session.version, session.state), (2, vec![1, 2]));
        let trail = sessions::events(&db, &tenant, first).unwrap();
        let told: Vec<_> =
            trail.iter().map(|it| (it.seq, it.step.as_str(), it.detail.as_deref())).collect();
        assert_eq!(told, [(1, "offer_created", None), (2, "token", Some("a \"b\""))]);
        let second = SessionId::from_bytes([1; 16]);
        assert_eq!(sessions::events(&db, &tenant, second), Ok(vec![]));
        assert_eq!(
            tables(&db).iter().filter(|it| ["handle", "event"].contains(&it.as_str())).count(),
            0
        );
    }

    #[test]
    fn what_a_flow_writes_is_in_few_indices_that_begin_with_its_tenant() {
        let (mut db, path) = memory();
        migrate(&mut db, path, MIGRATIONS).unwrap();
        let mut statement = db
            .prepare(
                "SELECT il.name FROM sqlite_schema s, pragma_index_list(s.name) il,
                     pragma_index_info(il.name) ii
                 WHERE s.name IN ('session', 'issued', 'status') AND il.partial = 0
                   AND ii.seqno = 0 AND ii.name = 'tenant' ORDER BY 1",
            )
            .unwrap();
        let names = statement.query_map([], |row| row.get(0)).unwrap();
        let names: Vec<String> = names.map(Result::unwrap).collect();
        assert_eq!(names, ["issued_by_configuration", "session_by_kind"]);
    }

    #[test]
    fn messages_are_forgotten_with_their_session_without_a_look_at_any_other() {
        let (mut db, path) = memory();
        migrate(&mut db, path, MIGRATIONS).unwrap();
        let plan = format!("EXPLAIN QUERY PLAN {}", subjects::FORGET_MESSAGES);
        let plan = db.query_row(&plan, ["demo", "id"], |row| row.get::<_, String>("detail"));
        let plan = plan.unwrap();
        assert!(plan.contains("message_by_session (session=? AND tenant=?)"), "{plan}");
    }

    #[test]
    fn refuses_an_edited_step() {
        let (mut db, path) = memory();
        migrate(&mut db, path, &[FIRST]).unwrap();
        let error = refuse_unknown(&db, path, &[EDITED, SECOND]).unwrap_err();
        assert!(matches!(error, OpenError::EditedMigration { name: "0001_a", .. }), "{error:?}");
    }

    #[test]
    fn refuses_a_newer_schema() {
        let (mut db, path) = memory();
        migrate(&mut db, path, &[FIRST, SECOND]).unwrap();
        let error = refuse_unknown(&db, path, &[FIRST]).unwrap_err();
        assert!(matches!(error, OpenError::NewerSchema { found: 2, known: 1, .. }), "{error:?}");
    }

    #[test]
    fn refuses_the_database_of_another_program() {
        let (db, path) = memory();
        db.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
        let error = refuse_unknown(&db, path, MIGRATIONS).unwrap_err();
        assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
    }

    #[test]
    fn released_steps_have_not_been_edited() {
        // An edited step locks every user out of their
        // data: add a new one instead.
        let released: Vec<_> = MIGRATIONS.iter().map(|it| (it.name, fingerprint(it.sql))).collect();
        let known = [
            ("0001_sessions", 10_246_979_642_059_405_649),
            ("0002_statuses", 17_244_361_808_202_163_741),
            ("0003_seen_once", 11_189_164_349_707_730_766),
            ("0004_status_chunks", 14_371_428_854_603_172_669),
            ("0005_integration", 4_904_350_504_043_083_361),
            ("0006_one_row", 3_491_819_745_997_093_226),
            ("0007_epochs", 11_917_545_139_192_041_119),
            ("0008_newest_at_the_end", 18_380_243_534_700_077_821),
            ("0009_suspendable", 3_132_149_328_419_185_352),
            ("0010_audit", 9_560_177_010_799_208_962),
            ("0011_messages_of_a_session", 10_425_738_245_038_014_007),
        ];
        assert_eq!(released, known);
    }

    /// FNV-1a: enough to notice an edit.
    fn fingerprint(text: &str) -> u64 {
        text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }
}
