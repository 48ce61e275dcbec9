//! The wallet's database: one SQLite file in which every record is sealed.
//!
//! Each record is AES-256-GCM under the key that [`SecureStorage`] gives,
//! bound by its associated data to its table and row: a record that was changed, or moved to another
//! place, does not open. Two processes may share the file.

mod cards;
mod migrate;
mod notices;
mod pending;
mod seal;
mod waiting;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
};

use lanyard_core::{crypto::CryptoProvider, jose::PrivateJwk};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use thiserror::Error;

pub use cards::{Card, CardId, Copy, CopyId, NewCard};
pub(crate) use notices::KeptNotice;
pub use pending::PendingId;
pub use waiting::{Waiting, WaitingId};

use self::{migrate::SCHEMA, seal::Seal};
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
    #[error("the wallet's database has schema {found}, this version reads up to {SCHEMA}")]
    NewerSchema {
        /// The schema found.
        found: i64,
    },
    /// SQLite failed: disk full, file locked, no permission.
    #[error("the wallet's database cannot be used: {0}")]
    Sqlite(#[from] rusqlite::Error),
}

/// The opened database; clones share it.
#[derive(Clone)]
pub struct Storage {
    connection: Arc<Mutex<Connection>>,
    seal: Arc<Seal>,
    /// The cards that were opened, by their numbers.
    opened: Arc<Mutex<HashMap<i64, Arc<NewCard>>>>,
}

impl Storage {
    /// Opens the database file, or makes it; the key comes from the port.
    ///
    /// # Errors
    /// [`StorageError::WrongKey`] and [`StorageError::NewerSchema`] leave the file as it is.
    pub async fn open(
        file: &Path,
        secure: &dyn SecureStorage,
        crypto: Arc<dyn CryptoProvider>,
    ) -> Result<Self, StorageError> {
        let key = secure.database_key().await.map_err(|_| StorageError::KeyUnavailable)?;
        let connection = Connection::open(file)?;
        restrict(file);
        Self::prepare(connection, Seal::new(key, crypto))
    }

    fn prepare(mut connection: Connection, seal: Seal) -> Result<Self, StorageError> {
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "secure_delete", true)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match found {
            0 => {
                transaction.execute_batch(include_str!("schema.sql"))?;
                let check = seal.seal("check", 0, b"lanyard wallet");
                transaction.execute("INSERT INTO key_check (sealed) VALUES (?1)", [check])?;
                migrate::bring_up(&transaction, &seal, 1)?;
                transaction.commit()?;
            }
            1..=SCHEMA => {
                let check: Vec<u8> =
                    transaction.query_row("SELECT sealed FROM key_check", [], |row| row.get(0))?;
                seal.open("check", 0, &check).map_err(|_| StorageError::WrongKey)?;
                if found < SCHEMA {
                    migrate::bring_up(&transaction, &seal, found)?;
                }
                transaction.commit()?;
            }
            found => return Err(StorageError::NewerSchema { found }),
        }
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            seal: Arc::new(seal),
            opened: Arc::default(),
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // a panic while the lock was held rolled its transaction back: the connection is still good
        self.connection.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Adds an entry to the history.
    ///
    /// # Errors
    /// [`StorageError::Sqlite`] when it cannot be written.
    pub fn record(&self, entry: &Entry) -> Result<EntryId, StorageError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let id = self.insert_sealed(
            &transaction,
            "history",
            &serde_json::to_vec(entry).map_err(|_| StorageError::Damaged)?,
        )?;
        transaction.commit()?;
        Ok(EntryId(id))
    }

    /// The history, newest first.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] when a record does not open.
    pub fn history(&self) -> Result<Vec<(EntryId, Entry)>, StorageError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT id, sealed FROM history ORDER BY id DESC")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.map(|row| {
            let (id, sealed): (i64, Vec<u8>) = row?;
            Ok((EntryId(id), self.read_sealed("history", id, &sealed)?))
        })
        .collect()
    }

    /// Forgets an entry of the history; true when it was there.
    ///
    /// # Errors
    /// [`StorageError::Sqlite`] when it cannot be written.
    pub fn forget(&self, entry: EntryId) -> Result<bool, StorageError> {
        Ok(self.connection().execute("DELETE FROM history WHERE id = ?1", [entry.0])? == 1)
    }

    /// Forgets the whole history.
    ///
    /// # Errors
    /// [`StorageError::Sqlite`] when it cannot be written.
    pub fn forget_history(&self) -> Result<(), StorageError> {
        self.connection().execute("DELETE FROM history", [])?;
        Ok(())
    }

    pub(crate) fn insert_keys(&self, keys: &[PrivateJwk]) -> Result<Vec<KeyHandle>, StorageError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let handles: Result<Vec<_>, StorageError> = keys
            .iter()
            .map(|key| {
                let id = self.insert_sealed(
                    &transaction,
                    "holder_key",
                    key.danger_to_json().as_bytes(),
                )?;
                Ok(KeyHandle(id.to_string()))
            })
            .collect();
        let handles = handles?;
        transaction.commit()?;
        Ok(handles)
    }

    pub(crate) fn key(&self, handle: &KeyHandle) -> Result<Option<PrivateJwk>, StorageError> {
        let Ok(id) = handle.0.parse::<i64>() else { return Ok(None) };
        let connection = self.connection();
        let sealed: Option<Vec<u8>> = connection
            .query_row("SELECT sealed FROM holder_key WHERE id = ?1", [id], |row| row.get(0))
            .optional()?;
        let Some(sealed) = sealed else { return Ok(None) };
        let value: serde_json::Value = self.read_sealed("holder_key", id, &sealed)?;
        PrivateJwk::from_value(&value).map(Some).map_err(|_| StorageError::Damaged)
    }

    pub(crate) fn delete_keys(&self, handles: &[KeyHandle]) -> Result<(), StorageError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for id in handles.iter().filter_map(|handle| handle.0.parse::<i64>().ok()) {
            transaction.execute("DELETE FROM holder_key WHERE id = ?1", [id])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Inserts a row first, because its number is part of what the seal binds.
    fn insert_sealed(
        &self,
        connection: &Connection,
        table: &'static str,
        plain: &[u8],
    ) -> Result<i64, StorageError> {
        connection.execute(&format!("INSERT INTO {table} (sealed) VALUES (x'')"), [])?;
        let id = connection.last_insert_rowid();
        let sealed = self.seal.seal(table, id, plain);
        connection.execute(
            &format!("UPDATE {table} SET sealed = ?1 WHERE id = ?2"),
            params![sealed, id],
        )?;
        Ok(id)
    }

    fn read_sealed<T: serde::de::DeserializeOwned>(
        &self,
        table: &'static str,
        id: i64,
        sealed: &[u8],
    ) -> Result<T, StorageError> {
        let plain = self.seal.open(table, id, sealed).map_err(|_| StorageError::Damaged)?;
        serde_json::from_slice(&plain).map_err(|_| StorageError::Damaged)
    }
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
