//! Opening: what is checked, in which order, before the first request is served.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, config::DbConfig};

use super::lock::{DirectoryLock, private};
use super::migrations::{self, MIGRATIONS};

/// The file in the directory of a store.
pub const FILE_NAME: &str = "lanyard.db";

/// Marks the file as ours, in SQLite's `application_id`: "Lnyd".
pub(super) const APPLICATION_ID: i32 = 0x4c6e_7964;

/// Bytes of one page of the file.
const PAGE: u64 = 4096;

/// The limits of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// How large the database file may grow, in bytes; then writes answer
    /// [`StoreError::Full`](crate::StoreError::Full) until something is purged.
    pub largest_size: Option<u64>,
    /// How long to wait for another process, such as a backup, that holds the database.
    pub busy_timeout: Duration,
    /// How many connections read beside the writer; at least one.
    pub readers: usize,
    /// Up to this size, in bytes, the file is checked whole at each start; a larger one is, but for whether its
    /// indices say what its rows do: that takes half a minute for a million credentials.
    pub checked_whole: u64,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            largest_size: None,
            busy_timeout: Duration::from_secs(5),
            readers: 4,
            checked_whole: 64 << 20,
        }
    }
}

/// Why a store cannot be opened. Nothing in the directory was changed, except that a migration
/// that was interrupted may have been rolled back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process has the directory.
    #[error(
        "the data directory {} is in use by {}; stop that process or choose another directory",
        directory.display(),
        process.map_or_else(|| "another process".to_owned(), |id| format!("process {id}"))
    )]
    InUse {
        /// The directory.
        directory: PathBuf,
        /// The process that has it, if it says so.
        process: Option<u32>,
    },
    /// A newer version of Lanyard wrote the file.
    #[error(
        "{} has schema version {found}, this Lanyard knows versions up to {known}; it was left untouched, start the newer Lanyard",
        path.display()
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its schema version.
        found: u32,
        /// The newest version that this build knows.
        known: u32,
    },
    /// The file was built with another text of a migration than this build holds.
    #[error("{} was built with another text of migration {name}; released migrations never change", path.display())]
    EditedMigration {
        /// The file.
        path: PathBuf,
        /// The migration.
        name: &'static str,
    },
    /// The file is an SQLite database of some other program.
    #[error("{} belongs to another program", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file fails SQLite's own checks.
    #[error("{} is damaged: {report}; restore a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first line of SQLite's report, which names tables and pages, never values.
        report: String,
    },
    /// The file system refuses.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The database refuses.
    #[error("cannot open {}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl OpenError {
    pub(super) fn database(path: &Path, source: rusqlite::Error) -> Self {
        match source.sqlite_error_code() {
            Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
                Self::Damaged { path: path.to_owned(), report: source.to_string() }
            }
            _ => Self::Database { path: path.to_owned(), source: source.into() },
        }
    }

    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

pub(super) struct Opened {
    pub(super) lock: DirectoryLock,
    pub(super) writer: Connection,
    pub(super) readers: Vec<Connection>,
}

pub(super) fn open(directory: &Path, options: &SqliteOptions) -> Result<Opened, OpenError> {
    let path = directory.join(FILE_NAME);

    // 1. Nobody else may have the directory.
    make_private(directory)?;
    let lock = DirectoryLock::acquire(directory)?;

    // 2. Look without touching: a file that we must not change is opened for reading only.
    if path.exists() {
        let looked = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY, options)?;
        migrations::refuse_unknown(&looked, &path, MIGRATIONS)?;
    } else {
        create(directory, &path)?;
    }

    // 3. The file must be whole, then it is brought to the newest schema.
    let mut writer = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE, options)?;
    prepare_writer(&writer, options).map_err(|source| OpenError::database(&path, source))?;
    refuse_broken(&writer, &path, options)?;
    migrations::migrate(&mut writer, &path, MIGRATIONS)?;

    let readers = (0..options.readers.max(1))
        .map(|_| connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY, options))
        .collect::<Result<_, _>>()?;
    Ok(Opened { lock, writer, readers })
}

pub(super) fn make_private(directory: &Path) -> Result<(), OpenError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(OpenError::io(directory))
}

/// SQLite gives its log files the mode of the database file, so that is made first, by us.
///
/// It must not be opened again past SQLite: closing any descriptor of the file would drop SQLite's
/// locks (POSIX advisory locks belong to the process).
fn create(directory: &Path, path: &Path) -> Result<(), OpenError> {
    private(fs::OpenOptions::new().write(true).create_new(true))
        .open(path)
        .and_then(|file| file.sync_all())
        .map_err(OpenError::io(path))?;
    // Without this the name of the file may be gone after power loss, and all commits with it.
    fs::File::open(directory).and_then(|it| it.sync_all()).map_err(OpenError::io(directory))
}

pub(super) fn connect(
    path: &Path,
    access: OpenFlags,
    options: &SqliteOptions,
) -> Result<Connection, OpenError> {
    // Each connection is used by one thread at a time, so SQLite's own mutexes are not needed.
    Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .and_then(|connection| {
            connection.busy_timeout(options.busy_timeout)?;
            connection.set_prepared_statement_cache_capacity(64);
            // Without this the bundled SQLite looks at the bound values of a cached statement, and
            // plans it anew at nearly every use: more work than the point read itself.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
            connection.execute_batch(
                "PRAGMA trusted_schema = OFF;
                 PRAGMA cell_size_check = ON;
                 PRAGMA temp_store = MEMORY;
                 PRAGMA cache_size = -1024;",
            )?;
            Ok(connection)
        })
        .map_err(|source| OpenError::database(path, source))
}

pub(crate) fn prepare_writer(
    connection: &Connection,
    options: &SqliteOptions,
) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA cache_size = -2048;
         PRAGMA wal_autocheckpoint = 4000;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    if let Some(bytes) = options.largest_size {
        let pages = i64::try_from(bytes / PAGE).unwrap_or(i64::MAX).max(1);
        connection.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
    }
    Ok(())
}

/// What a file must pass that a backup is made of or restored from: every row and every index of it.
pub(super) fn refuse_damaged(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    refuse_unless_ok(connection, path, "PRAGMA integrity_check(1)")
}

/// What a file must pass at each start.
fn refuse_broken(
    connection: &Connection,
    path: &Path,
    options: &SqliteOptions,
) -> Result<(), OpenError> {
    let size = fs::metadata(path).map_err(OpenError::io(path))?.len();
    if size <= options.checked_whole {
        refuse_damaged(connection, path)?;
    } else {
        refuse_unless_ok(connection, path, "PRAGMA quick_check(1)")?;
    }
    refuse_orphans(connection, path)
}

/// No check of the file's structure looks at whether the row that another belongs to is there.
fn refuse_orphans(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let mut check = connection
        .prepare("PRAGMA foreign_key_check")
        .map_err(|source| OpenError::database(path, source))?;
    let orphan = check
        .query_row([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(2)?)))
        .optional()
        .map_err(|source| OpenError::database(path, source))?;
    match orphan {
        None => Ok(()),
        Some((table, parent)) => {
            let report = format!("a row of {table} belongs to a row of {parent} that is not there");
            Err(OpenError::Damaged { path: path.to_owned(), report })
        }
    }
}

fn refuse_unless_ok(connection: &Connection, path: &Path, check: &str) -> Result<(), OpenError> {
    let report: String = connection
        .query_row(check, [], |row| row.get(0))
        .map_err(|source| OpenError::database(path, source))?;
    match report.as_str() {
        "ok" => Ok(()),
        _ => Err(OpenError::Damaged { path: path.to_owned(), report }),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;

    #[test]
    fn a_cached_statement_is_planned_once_whatever_is_bound_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("plan.db");
        let access = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = connect(&file, access, &SqliteOptions::default()).unwrap();
        connection.execute_batch("CREATE TABLE t (a, b); CREATE INDEX i ON t (a, b);").unwrap();
        for round in 0..50 {
            connection.execute("INSERT INTO t VALUES (?1, ?2)", [round, round * 2]).unwrap();
        }
        connection.execute_batch("ANALYZE").unwrap();
        let mut statement = connection.prepare("SELECT b FROM t WHERE a > ?1 AND b < ?2").unwrap();
        for round in 0..50 {
            statement.query_row([0, round + 3], |row| row.get::<_, i64>(0)).unwrap();
        }
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
    }
}
