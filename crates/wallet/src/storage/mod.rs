//! The wallet's database: one file in which every record is sealed.
//!
//! Each record is AES-256-GCM under the key that [`SecureStorage`] gives,
//! bound by its associated data to its table and row: a record that was changed, or moved to another
//! place, does not open. Two processes may share the file.
//!
//! The file is SQLite's (feature `sqlite`), or a journal in Rust alone, for targets without a C compiler. What is
//! there is read in its own form.

mod cards;
mod index;
#[cfg(feature = "rustcrypto")]
mod instances;
mod journal;
mod listed;
#[cfg(feature = "sqlite")]
mod migrate;
mod pending;
mod pictures;
mod pins;
mod seal;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statuses;
mod tables;
mod waiting;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read as _},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use lanyard_core::{crypto::CryptoProvider, jose::PrivateJwk};
use thiserror::Error;

pub use cards::{Card, CardId, Copy, CopyId, NewCard};
pub use pending::PendingId;
pub use waiting::{Waiting, WaitingId};

use self::{
    journal::Journal,
    listed::Listed,
    seal::Seal,
    tables::{Database, Rows, Table},
};
use crate::{
    history::{Entry, EntryId},
    ports::{KeyHandle, SecureStorage},
};

/// Why the database did not do as asked; nothing in it was lost.
#[derive(Debug, Error)]
pub enum StorageError {
    /// The device did not give out the database key.
    #[error("the key of the wallet's database is not available")]
    KeyUnavailable,
    /// The database was made with another key.
    #[error("the wallet's database was made with another key")]
    WrongKey,
    /// A record was changed outside the wallet.
    #[error("a record of the wallet's database was changed or damaged")]
    Damaged,
    /// The database is of a newer version of Lanyard.
    #[error("the wallet's database has schema {found}, this version reads up to {known}")]
    NewerSchema {
        /// The schema found.
        found: i64,
        /// The newest that this version reads.
        known: i64,
    },
    /// The file is not a database of the wallet, or of a form that this build does not read.
    #[error("the file is not a database of the wallet that this build reads")]
    Form,
    /// Another process has the database, and did not let go of it in time: one that is suspended, for example.
    #[error("another process has the wallet's database and does not let go of it")]
    Busy,
    /// SQLite failed: disk full, no permission.
    #[cfg(feature = "sqlite")]
    #[error("the wallet's database cannot be used: {0}")]
    Sqlite(rusqlite::Error),
    /// The file system failed: disk full, no permission.
    #[error("the wallet's database cannot be used: {0}")]
    File(#[from] io::Error),
}

/// How long a process waits for another that has the database.
const PATIENCE: Duration = Duration::from_secs(5);

#[cfg(feature = "sqlite")]
impl From<rusqlite::Error> for StorageError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                Self::Busy
            }
            _ => Self::Sqlite(error),
        }
    }
}

/// The opened database; clones share it.
#[derive(Clone)]
pub struct Storage {
    database: Arc<dyn Database>,
    seal: Arc<Seal>,
    /// The cards as they were when they were last looked at.
    listed: Arc<Mutex<Listed>>,
    /// The statuses that were opened, by their numbers.
    statuses: Arc<Mutex<HashMap<i64, statuses::Kept>>>,
}

/// In which form a database keeps its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A file of SQLite.
    #[cfg(feature = "sqlite")]
    Sqlite,
    /// A journal, in Rust alone.
    Journal,
}

impl Form {
    /// What a new database is made as.
    const fn preferred() -> Self {
        #[cfg(feature = "sqlite")]
        return Self::Sqlite;
        #[cfg(not(feature = "sqlite"))]
        return Self::Journal;
    }

    /// What the file is; none when there is none yet.
    fn found(file: &Path) -> Result<Option<Self>, StorageError> {
        let mut start = [0; 16];
        let read = match File::open(file) {
            Ok(mut file) => file.read(&mut start)?,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => 0,
            Err(cause) => return Err(cause.into()),
        };
        match start.get(..read) {
            None | Some([]) => Ok(None),
            #[cfg(feature = "sqlite")]
            Some(b"SQLite format 3\0") => Ok(Some(Self::Sqlite)),
            Some(start) if start.starts_with(journal::MAGIC) => Ok(Some(Self::Journal)),
            Some(_) => Err(StorageError::Form),
        }
    }
}

impl Storage {
    /// Opens the database file, or makes it; the key comes from the port.
    ///
    /// # Errors
    /// [`StorageError::WrongKey`], [`StorageError::NewerSchema`] and [`StorageError::Form`] leave the file as it is.
    pub async fn open(
        file: &Path,
        secure: &dyn SecureStorage,
        crypto: Arc<dyn CryptoProvider>,
    ) -> Result<Self, StorageError> {
        Self::open_as(Form::preferred(), file, secure, crypto).await
    }

    /// The same, and a database that is not there yet is made in this form.
    ///
    /// # Errors
    /// As [`Storage::open`].
    pub async fn open_as(
        form: Form,
        file: &Path,
        secure: &dyn SecureStorage,
        crypto: Arc<dyn CryptoProvider>,
    ) -> Result<Self, StorageError> {
        let key = secure.database_key().await.map_err(|_| StorageError::KeyUnavailable)?;
        let seal = Seal::new(key, crypto.clone());
        let database: Arc<dyn Database> = match Form::found(file)?.unwrap_or(form) {
            #[cfg(feature = "sqlite")]
            Form::Sqlite => Arc::new(sqlite::Sqlite::open(file, &seal)?),
            Form::Journal => Arc::new(Journal::open(file, &seal, crypto)?),
        };
        Ok(Self {
            database,
            seal: Arc::new(seal),
            listed: Arc::default(),
            statuses: Arc::default(),
        })
    }

    fn read<T>(
        &self,
        look: impl FnOnce(&mut dyn Rows) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        once(look, |work| self.database.read(work))
    }

    /// Adds an entry to the history.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be written.
    pub fn record(&self, entry: &Entry) -> Result<EntryId, StorageError> {
        self.change(|rows| self.insert_sealed(rows, Table::History, None, entry)).map(EntryId)
    }

    /// The history, newest first.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] when a record does not open.
    pub fn history(&self) -> Result<Vec<(EntryId, Entry)>, StorageError> {
        let rows = self.read(|rows| rows.rows(Table::History))?;
        let open = |(id, sealed): (i64, Vec<u8>)| {
            Ok((EntryId(id), self.read_sealed(Table::History, id, &sealed)?))
        };
        rows.into_iter().rev().map(open).collect()
    }

    /// Forgets an entry of the history; true when it was there.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be written.
    pub fn forget(&self, entry: EntryId) -> Result<bool, StorageError> {
        self.change(|rows| rows.delete(Table::History, entry.0))
    }

    /// Forgets the whole history.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be written.
    pub fn forget_history(&self) -> Result<(), StorageError> {
        self.change(|rows| rows.clear(Table::History))
    }

    pub(crate) fn insert_keys(&self, keys: &[PrivateJwk]) -> Result<Vec<KeyHandle>, StorageError> {
        self.change(|rows| {
            let insert = |key: &PrivateJwk| {
                let plain = key.danger_to_json();
                let seal = |id| self.seal.seal(Table::HolderKey.name(), id, plain.as_bytes());
                Ok(KeyHandle(rows.insert(Table::HolderKey, None, &seal)?.to_string()))
            };
            keys.iter().map(insert).collect()
        })
    }

    pub(crate) fn key(&self, handle: &KeyHandle) -> Result<Option<PrivateJwk>, StorageError> {
        let Ok(id) = handle.0.parse::<i64>() else { return Ok(None) };
        let sealed = self.read(|rows| rows.row(Table::HolderKey, id))?;
        let Some(sealed) = sealed else { return Ok(None) };
        let value: serde_json::Value = self.read_sealed(Table::HolderKey, id, &sealed)?;
        PrivateJwk::from_value(&value).map(Some).map_err(|_| StorageError::Damaged)
    }

    pub(crate) fn delete_keys(&self, handles: &[KeyHandle]) -> Result<(), StorageError> {
        self.change(|rows| {
            for id in handles.iter().filter_map(|handle| handle.0.parse::<i64>().ok()) {
                rows.delete(Table::HolderKey, id)?;
            }
            Ok(())
        })
    }

    /// Adds a record, sealed for the row it gets.
    fn insert_sealed(
        &self,
        rows: &mut dyn Rows,
        table: Table,
        card: Option<i64>,
        value: &impl serde::Serialize,
    ) -> Result<i64, StorageError> {
        let plain = serde_json::to_vec(value).map_err(|_| StorageError::Damaged)?;
        rows.insert(table, card, &|id| self.seal.seal(table.name(), id, &plain))
    }

    /// Puts a record in the place of the one in a row, if that is still there.
    fn update_sealed(
        &self,
        table: Table,
        id: i64,
        value: &impl serde::Serialize,
    ) -> Result<(), StorageError> {
        let plain = serde_json::to_vec(value).map_err(|_| StorageError::Damaged)?;
        let sealed = self.seal.seal(table.name(), id, &plain);
        self.change(|rows| rows.update(table, id, &sealed))
    }

    fn read_sealed<T: serde::de::DeserializeOwned>(
        &self,
        table: Table,
        id: i64,
        sealed: &[u8],
    ) -> Result<T, StorageError> {
        let plain = self.seal.open(table.name(), id, sealed).map_err(|_| StorageError::Damaged)?;
        serde_json::from_slice(&plain).map_err(|_| StorageError::Damaged)
    }
}

/// Brings what the work gives out of a transaction, which knows no types.
fn once<T>(
    work: impl FnOnce(&mut dyn Rows) -> Result<T, StorageError>,
    within: impl FnOnce(&mut tables::Work<'_>) -> Result<(), StorageError>,
) -> Result<T, StorageError> {
    let (mut work, mut given) = (Some(work), None);
    within(&mut |rows| {
        given = work.take().map(|work| work(rows)).transpose()?;
        Ok(())
    })?;
    Ok(given.expect("a database does the work that it is given"))
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Storage")
    }
}

/// Lets nobody but the owner read the file.
fn restrict(file: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // a file system without permissions cannot be helped; every record is sealed anyway
        let _ = std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600));
    }
}
