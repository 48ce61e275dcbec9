//! Backups of a store that may be in use, and stores made of them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior};

use super::columns::{moment, to_moment};
use super::fault::fault;
use super::lock::{DirectoryLock, private};
use super::migrations::{self, MIGRATIONS};
use super::open::{
    FILE_NAME, SqliteOptions, connect, make_private, prepare_writer, refuse_damaged,
};
use super::statuses::number;
use super::subjects::{self, Erasure};
use super::{epochs, secrets};
use crate::{OpenError, Restored, Secret, SecretName, StoreError};

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackedUp {
    /// When it was taken.
    pub taken_at: Timestamp,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many credentials are on record in it.
    pub credentials: u64,
}

/// How a store is made of a backup.
#[derive(Debug, Clone)]
pub struct Restoring<'n> {
    /// The moment of the restore, by which the new epoch is numbered.
    pub now: Timestamp,
    /// Whether a store that is there is set aside.
    pub replaces: bool,
    /// The secrets that are made anew, of every tenant: what was made with them is refused from now on.
    pub forget: &'n [SecretName],
}

/// Why a backup was not taken, or no store was made of one. What was there before is as it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A file or directory is not what it should be.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no store to back up.
    #[error("there is no store in {}", directory.display())]
    NoStore {
        /// The directory.
        directory: PathBuf,
    },
    /// The backup would overwrite something.
    #[error("{} exists already; a backup overwrites nothing", path.display())]
    FileExists {
        /// The file.
        path: PathBuf,
    },
    /// The restore would overwrite a store.
    #[error("{} holds a store already; say that it is to be set aside, or restore elsewhere", directory.display())]
    NotEmpty {
        /// The directory.
        directory: PathBuf,
    },
    /// The file is no backup: nothing was ever written to it.
    #[error("{} is empty: no backup of Lanyard", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The clock is wrong, and everything that a restore refuses is refused by the clock.
    #[error("the clock says {now}, and the backup was taken at {taken_at}: set the clock first")]
    ClockBehind {
        /// When the backup was taken.
        taken_at: Timestamp,
        /// What the clock says.
        now: Timestamp,
    },
    /// The numbers of epochs are used up.
    #[error("this store was restored too often, or the clock is wrong: there is no epoch left")]
    NoEpochLeft,
    /// The store does not do what it is told.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file system refuses.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Copies the store in `directory`, as it is at one moment, into the new file `to`; a process that serves it
/// goes on.
///
/// The file is whole, checked and synced when it gets its name.
///
/// # Errors
/// [`BackupError::NoStore`], [`BackupError::FileExists`], and what [`BackupError`] lists about files.
pub fn back_up(directory: &Path, to: &Path, now: Timestamp) -> Result<BackedUp, BackupError> {
    let path = directory.join(FILE_NAME);
    if !path.exists() {
        return Err(BackupError::NoStore { directory: directory.to_owned() });
    }
    if to.exists() {
        return Err(BackupError::FileExists { path: to.to_owned() });
    }
    let store = look(&path)?;
    let unfinished = beside(to, ".unfinished");
    copy(&store, &unfinished)?;
    let copied =
        connect(&unfinished, OpenFlags::SQLITE_OPEN_READ_WRITE, &SqliteOptions::default())?;
    refuse_damaged(&copied, &unfinished)?;
    let mark = "INSERT OR REPLACE INTO backup (id, taken_at) VALUES (1, ?1)";
    copied.execute(mark, [moment(now)]).map_err(fault)?;
    let credentials = count(&copied, "SELECT count(*) FROM issued")?;
    close(copied)?;
    let bytes = fs::metadata(&unfinished).map_err(io_of(&unfinished))?.len();
    synced(&unfinished)?;
    // a link overwrites nothing that came meanwhile
    fs::hard_link(&unfinished, to).map_err(io_of(to))?;
    fs::remove_file(&unfinished).map_err(io_of(&unfinished))?;
    sync_folder(to)?;
    Ok(BackedUp { taken_at: now, bytes, credentials })
}

/// Makes a store in `directory` of a backup: one that begins an epoch, in which nothing that was good before
/// is.
///
/// # Errors
/// [`BackupError::NotEmpty`] unless a store that is there is to be replaced; [`OpenError::NewerSchema`],
/// [`OpenError::Damaged`] and [`OpenError::Foreign`] for a file that no store is made of; [`OpenError::InUse`]
/// while a process serves the directory.
pub fn restore(
    from: &Path,
    directory: &Path,
    restoring: &Restoring<'_>,
) -> Result<Restored, BackupError> {
    // 1. the backup is looked at, every page of it, before anything is touched
    let backup = look(from)?;
    refuse_damaged(&backup, from)?;
    if let Some(taken_at) = taken_at(&backup)?
        && taken_at > restoring.now
    {
        return Err(BackupError::ClockBehind { taken_at, now: restoring.now });
    }
    make_private(directory)?;
    let _lock = DirectoryLock::acquire(directory)?;
    let path = directory.join(FILE_NAME);
    if path.exists() && !restoring.replaces {
        return Err(BackupError::NotEmpty { directory: directory.to_owned() });
    }
    // 2. a copy of it becomes the next epoch
    let unfinished = beside(&path, ".restoring");
    copy(&backup, &unfinished)?;
    let mut copied =
        connect(&unfinished, OpenFlags::SQLITE_OPEN_READ_WRITE, &SqliteOptions::default())?;
    migrations::migrate(&mut copied, &unfinished, MIGRATIONS)?;
    let replaced = Replaced::at(&path);
    let restored = begin(&mut copied, restoring, &replaced)?;
    close(copied)?;
    synced(&unfinished)?;
    // 3. and only then the store; a log of the one before must never lie beside it, so that goes first
    let aside = free_name(&path, restoring.now);
    for part in ["-wal", "-shm", ""] {
        let old = beside(&path, part);
        if old.exists() {
            fs::rename(&old, beside(&aside, part)).map_err(io_of(&old))?;
        }
    }
    fs::rename(&unfinished, &path).map_err(io_of(&path))?;
    sync_folder(&path)?;
    Ok(restored)
}

/// Begins an epoch in the store in `directory`, which something else than [`restore`] brought back.
///
/// # Errors
/// As [`restore`].
pub fn begin_epoch(directory: &Path, restoring: &Restoring<'_>) -> Result<Restored, BackupError> {
    let path = directory.join(FILE_NAME);
    if !path.exists() {
        return Err(BackupError::NoStore { directory: directory.to_owned() });
    }
    let _lock = DirectoryLock::acquire(directory)?;
    refuse_damaged(&look(&path)?, &path)?;
    let options = SqliteOptions::default();
    let mut store = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE, &options)?;
    prepare_writer(&store, &options).map_err(|source| OpenError::database(&path, source))?;
    migrations::migrate(&mut store, &path, MIGRATIONS)?;
    let restored = begin(&mut store, restoring, &Replaced::default())?;
    close(store)?;
    Ok(restored)
}

/// What is sealed in a backup, or in a store that may be in use: whoever has the right key opens all of it.
///
/// # Errors
/// As [`restore`], as far as it is about the file.
pub fn sealed_in(file: &Path) -> Result<Vec<Secret>, BackupError> {
    Ok(secrets::all(&look(file)?)?)
}

/// Opens a file without touching it, and refuses what this build cannot read.
pub(super) fn look(path: &Path) -> Result<Connection, BackupError> {
    fs::metadata(path).map_err(io_of(path))?;
    let db = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, &SqliteOptions::default())?;
    migrations::refuse_unknown(&db, path, MIGRATIONS)?;
    match count(&db, "SELECT count(*) FROM sqlite_schema WHERE name = 'session'")? {
        0 => Err(BackupError::Empty { path: path.to_owned() }),
        _ => Ok(db),
    }
}

/// A copy as of one moment, whoever writes meanwhile; for its owner alone.
fn copy(db: &Connection, to: &Path) -> Result<(), BackupError> {
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(io_of(to)(error)),
        _ => {}
    }
    // SQLite writes into an empty file that is there, and leaves its mode
    private(fs::OpenOptions::new().write(true).create_new(true)).open(to).map_err(io_of(to))?;
    let path = to.to_str().ok_or_else(|| {
        io_of(to)(io::Error::new(io::ErrorKind::InvalidFilename, "the name is no UTF-8"))
    })?;
    db.execute("VACUUM INTO ?1", [path]).map_err(fault)?;
    Ok(())
}

fn begin(
    db: &mut Connection,
    restoring: &Restoring<'_>,
    replaced: &Replaced,
) -> Result<Restored, BackupError> {
    let Restoring { now, forget, .. } = *restoring;
    let begun = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
    // nobody who was erased comes back
    let erased_again = subjects::erase_again(&begun, &replaced.erasures, now)?;
    let restored = epochs::begin(&begun, now, replaced.reached, forget)?;
    let restored = restored.ok_or(BackupError::NoEpochLeft)?;
    begun.commit().map_err(fault)?;
    Ok(Restored { erased_again, ..restored })
}

/// What is known of a store that is replaced, as far as it can still be read.
#[derive(Default)]
struct Replaced {
    /// Its epoch, and its furthest place.
    reached: (u32, u64),
    erasures: BTreeSet<Erasure>,
}

impl Replaced {
    fn at(path: &Path) -> Self {
        let looked = look(path).ok();
        looked.map_or_else(Self::default, |db| {
            let epoch = epochs::current(&db).map_or(0, |epoch| epoch.number);
            Self {
                reached: (epoch, epochs::furthest(&db).unwrap_or(0)),
                erasures: subjects::erasures(&db).unwrap_or_default(),
            }
        })
    }
}

/// When a backup was taken; none in one of an older schema, and in a copy that something else made.
fn taken_at(db: &Connection) -> Result<Option<Timestamp>, BackupError> {
    if count(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'backup'")? == 0 {
        return Ok(None);
    }
    let taken = db.query_row("SELECT taken_at FROM backup", [], |row| row.get(0)).optional();
    Ok(taken.map_err(fault)?.map(to_moment).transpose()?)
}

fn count(db: &Connection, sql: &str) -> Result<u64, BackupError> {
    Ok(number(db.query_row(sql, [], |row| row.get(0)).map_err(fault)?)?)
}

fn close(db: Connection) -> Result<(), BackupError> {
    Ok(db.close().map_err(|(_, error)| fault(error))?)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A name for a store that is set aside, which nothing has yet.
fn free_name(path: &Path, now: Timestamp) -> PathBuf {
    let name = |nth: u64| beside(path, &format!(".replaced-{}-{nth}", now.as_second()));
    let free = (1..).map(name).find(|name| !name.exists() && !beside(name, "-wal").exists());
    free.unwrap_or_else(|| name(0))
}

fn synced(path: &Path) -> Result<(), BackupError> {
    fs::File::open(path).and_then(|file| file.sync_all()).map_err(io_of(path))
}

fn sync_folder(path: &Path) -> Result<(), BackupError> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    synced(folder)
}

fn io_of(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    move |source| BackupError::Io { path: path.to_owned(), source }
}
