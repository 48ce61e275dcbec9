//! Who may open a data directory, and what is refused before anything is touched.

use std::fs;
use std::path::Path;
use std::process::Command;

use lanyard_store::{OpenError, SessionStore as _, SqliteOptions, SqliteStore, Store as _};
use rusqlite::Connection;

use crate::support::{block_on, code, live, offer};

/// Tells this test binary, started by itself, which directory to open.
const SECOND: &str = "LANYARD_STORE_TEST_SECOND";

#[test]
fn a_second_process_is_refused_and_told_who_has_the_directory() {
    if let Some(directory) = std::env::var_os(SECOND) {
        let error = SqliteStore::open(directory).expect_err("the first process has it");
        eprintln!("{error}");
        std::process::exit(if matches!(error, OpenError::InUse { .. }) { 7 } else { 8 });
    }
    let directory = tempfile::tempdir().unwrap();
    let first = SqliteStore::open(directory.path()).unwrap();
    let second = || {
        Command::new(std::env::current_exe().unwrap())
            .args(["opening::a_second_process_is_refused_and_told_who_has_the_directory"])
            .args(["--exact", "--nocapture"])
            .env(SECOND, directory.path())
            .output()
            .unwrap()
    };
    let refused = second();
    assert_eq!(refused.status.code(), Some(7));
    let told = String::from_utf8(refused.stderr).unwrap();
    assert!(told.contains(&format!("in use by process {}", std::process::id())), "{told}");
    assert!(told.contains(&directory.path().display().to_string()), "{told}");

    block_on(async {
        first.insert(offer(1)).await.unwrap();
        assert_eq!(live(&first, code(1)).await.version, 1, "the first is not disturbed");
    });
}

#[test]
fn the_directory_is_free_again_once_the_store_is_dropped() {
    let directory = tempfile::tempdir().unwrap();
    for n in 0..3 {
        let store = SqliteStore::open(directory.path()).unwrap();
        block_on(store.insert(offer(n))).unwrap();
        assert!(matches!(SqliteStore::open(directory.path()), Err(OpenError::InUse { .. })));
    }
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let parent = tempfile::tempdir().unwrap();
    let directory = parent.path().join("data/store");
    let store = SqliteStore::open(&directory).unwrap();
    block_on(store.insert(offer(1))).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&directory), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        files += 1;
    }
    assert_eq!(files, 4, "database, log, log index and lock");
}

#[test]
fn a_newer_schema_is_refused_and_left_untouched() {
    let directory = closed_store();
    let file = directory.path().join("lanyard.db");
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&file).unwrap();

    let error = SqliteStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, OpenError::NewerSchema { found: 99, known: 11, .. }), "{error:?}");
    assert!(error.to_string().contains("schema version 99"), "{error}");
    assert_eq!(fs::read(&file).unwrap(), before);
}

#[test]
fn a_store_of_the_version_before_is_brought_up_with_what_it_keeps() {
    let directory = closed_store();
    let file = Connection::open(directory.path().join("lanyard.db")).unwrap();
    // the last migration only adds an index
    file.execute_batch(
        "DROP INDEX message_by_session;
         DELETE FROM migration WHERE version = 11; PRAGMA user_version = 10",
    )
    .unwrap();
    drop(file);
    let store = SqliteStore::open(directory.path()).unwrap();
    let taken = block_on(store.take(&crate::support::demo(), &code(1), crate::support::second(1)));
    assert!(matches!(taken, Ok(lanyard_store::Taken::Live(_))), "{taken:?}");
    assert!(block_on(store.epoch()).is_ok());
}

#[test]
fn an_edited_migration_is_refused() {
    let directory = closed_store();
    let file = Connection::open(directory.path().join("lanyard.db")).unwrap();
    file.execute("UPDATE migration SET sql = sql || ' -- edited'", []).unwrap();
    drop(file);
    let error = SqliteStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, OpenError::EditedMigration { name: "0001_sessions", .. }), "{error:?}");
}

#[test]
fn the_database_of_another_program_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = Connection::open(directory.path().join("lanyard.db")).unwrap();
    file.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
    drop(file);
    let error = SqliteStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error:?}");
}

#[test]
fn a_start_that_was_interrupted_before_the_first_migration_is_taken_up() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("lanyard.db"), []).unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    assert_eq!(block_on(store.ready()), Ok(()));
}

#[test]
fn a_file_that_is_no_database_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("lanyard.db"), b"no database".repeat(1_000)).unwrap();
    let error = SqliteStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_page_that_was_overwritten_is_noticed() {
    let directory = closed_store();
    let file = directory.path().join("lanyard.db");
    let mut bytes = fs::read(&file).unwrap();
    let last_page = bytes.len() - 4096;
    bytes[last_page..].fill(0xee);
    fs::write(&file, bytes).unwrap();
    let error = SqliteStore::open(directory.path()).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

/// The index over kinds says what the kind of the session was; the row says another one.
fn damage_an_index(directory: &Path) {
    let file = Connection::open(directory.join("lanyard.db")).unwrap();
    let entry = "FROM sqlite_master WHERE name = 'session_by_kind'";
    file.execute_batch(&format!(
        "PRAGMA writable_schema = ON;
         CREATE TEMP TABLE kept AS SELECT type, name, tbl_name, rootpage, sql {entry};
         DELETE {entry};"
    ))
    .unwrap();
    drop_cached_schema(&file);
    file.execute_batch("UPDATE session SET kind = kind || '2'").unwrap();
    file.execute_batch("INSERT INTO sqlite_master SELECT * FROM temp.kept").unwrap();
    drop_cached_schema(&file);
}

/// A statement that was prepared before knows an index that the schema does not hold any more.
fn drop_cached_schema(file: &Connection) {
    file.execute_batch("PRAGMA writable_schema = RESET; PRAGMA writable_schema = ON;").unwrap();
}

#[test]
fn an_index_that_does_not_say_what_the_rows_do_is_noticed() {
    let directory = closed_store();
    damage_an_index(directory.path());
    let error = SqliteStore::open(directory.path()).unwrap_err();
    let OpenError::Damaged { report, .. } = &error else { panic!("{error:?}") };
    assert!(report.contains("session_by_kind"), "{report}");
}

#[test]
fn a_large_file_is_not_checked_for_what_its_indices_say() {
    let directory = closed_store();
    damage_an_index(directory.path());
    let options = SqliteOptions { checked_whole: 4096, ..SqliteOptions::default() };
    let opened = SqliteStore::open_with(directory.path(), &options);
    assert!(opened.is_ok(), "{:?}", opened.err());
}

#[test]
fn places_of_an_epoch_that_never_was_are_noticed_whatever_the_size_of_the_file() {
    let directory = closed_store();
    let file = Connection::open(directory.path().join("lanyard.db")).unwrap();
    file.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    let orphan = "INSERT INTO status_epoch (tenant, epoch, reserved) VALUES ('demo', 99, 256)";
    file.execute_batch(orphan).unwrap();
    drop(file);
    for checked_whole in [0, u64::MAX] {
        let options = SqliteOptions { checked_whole, ..SqliteOptions::default() };
        let error = SqliteStore::open_with(directory.path(), &options).unwrap_err();
        let OpenError::Damaged { report, .. } = &error else { panic!("{error:?}") };
        assert_eq!(report, "a row of status_epoch belongs to a row of epoch that is not there");
    }
}

#[test]
fn a_column_that_cannot_be_read_is_corrupt_and_not_a_guess() {
    let directory = closed_store();
    let file = Connection::open(directory.path().join("lanyard.db")).unwrap();
    file.execute("UPDATE session SET kind = 'unheard_of'", []).unwrap();
    drop(file);
    let store = SqliteStore::open(directory.path()).unwrap();
    let taken = block_on(store.take(&crate::support::demo(), &code(1), crate::support::second(1)));
    let expected = lanyard_store::StoreError::Corrupt { what: "the kind of a session" };
    assert_eq!(taken, Err(expected));
}

/// A directory with a store of one session in it, closed.
fn closed_store() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    block_on(store.insert(offer(1))).unwrap();
    directory
}
