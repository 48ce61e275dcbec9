//! What the disk can do at best: the floor under every figure of a load test.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fmt, fs};

use rusqlite::Connection;

use crate::sqlite::open::prepare_writer;
use crate::{OpenError, SqliteOptions};

/// How many rows the grouped measurement writes per commit.
const GROUP: u32 = 32;

/// How long each of the two measurements takes.
const SPAN: Duration = Duration::from_millis(400);

/// How many durable rows a disk takes per second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// Commits per second, each with one row of 400 bytes and one sync.
    pub single: f64,
    /// Rows per second if as many as [`group`](Self::group) share one commit and one sync.
    pub grouped: f64,
    /// The rows of one such group.
    pub group: u32,
}

impl fmt::Display for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} durable commits/s one by one, {:.0} rows/s in groups of {}",
            self.single, self.grouped, self.group
        )
    }
}

/// Measures, for a little under a second, the disk under `directory` with the settings of
/// [`SqliteStore`](crate::SqliteStore).
///
/// # Errors
/// [`OpenError::Io`] or [`OpenError::Database`] if the directory cannot be written.
pub fn calibrate(directory: impl AsRef<Path>) -> Result<Calibration, OpenError> {
    let scratch = Scratch::new(directory.as_ref())?;
    let path = scratch.0.join("calibration.db");
    measure(&path).map_err(|source| OpenError::Database { path, source: source.into() })
}

fn measure(path: &Path) -> rusqlite::Result<Calibration> {
    let connection = Connection::open(path)?;
    prepare_writer(&connection, &SqliteOptions::default())?;
    connection.execute_batch("CREATE TABLE row (id INTEGER PRIMARY KEY, bytes BLOB) STRICT")?;
    Ok(Calibration {
        single: rows_per_second(&connection, 1)?,
        grouped: rows_per_second(&connection, GROUP)?,
        group: GROUP,
    })
}

fn rows_per_second(connection: &Connection, group: u32) -> rusqlite::Result<f64> {
    let mut insert = connection.prepare("INSERT INTO row (bytes) VALUES (zeroblob(400))")?;
    let start = Instant::now();
    let mut rows = 0;
    while start.elapsed() < SPAN {
        connection.execute_batch("BEGIN IMMEDIATE")?;
        for _ in 0..group {
            insert.execute([])?;
        }
        connection.execute_batch("COMMIT")?;
        rows += group;
    }
    Ok(f64::from(rows) / start.elapsed().as_secs_f64())
}

/// A directory that is removed again, whatever happens.
struct Scratch(PathBuf);

impl Scratch {
    fn new(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(format!("calibration-{}", std::process::id()));
        match fs::create_dir_all(&path) {
            Ok(()) => Ok(Self(path)),
            Err(source) => Err(OpenError::Io { path, source }),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
