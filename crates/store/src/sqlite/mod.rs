//! The durable store of one machine: one SQLite file, one writer thread, readers beside it.
//!
//! Reading order: `open` (the settings of a connection, what is checked before anything is
//! served), `lock` (one process per directory), `migrations`, `queue` and `writer` (group commit), `readers`, `hot`
//! (what was written a moment ago), then what the store does, with its statements, in `sessions`, `once`, `secrets`, `issued`,
//! `statuses`, `calls`, `messages`, `subjects` and `epochs`, and `backup`.
//!
//! An acknowledged write survives `kill -9` and power loss: the log is synced before anyone gets
//! an answer (`synchronous=FULL`). One sync serves all writes that were waiting.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{Epoch, Herald, Heralded, Store, StoreError, StoreFigures};

mod audit;
mod backup;
mod calls;
mod columns;
mod epochs;
mod fault;
mod hot;
mod issued;
mod lock;
mod messages;
mod migrations;
mod once;
pub(crate) mod open;
mod queue;
mod readers;
mod secrets;
mod sessions;
mod statuses;
mod subjects;
mod writer;

pub use audit::AuditFile;
pub use backup::{BackedUp, BackupError, Restoring, back_up, begin_epoch, restore, sealed_in};
pub use open::{FILE_NAME, OpenError, SqliteOptions};

use hot::Hot;
use lock::DirectoryLock;
use readers::Readers;
use writer::Writer;

/// Keeps everything in `lanyard.db` in one directory that no other process uses.
pub struct SqliteStore {
    parts: Arc<Parts>,
}

/// Fields are dropped in this order: the readers close, the writer finishes and closes, and only
/// then may another process have the directory.
struct Parts {
    readers: Readers,
    writer: Writer,
    hot: Arc<Hot>,
    herald: Heralded,
    _lock: DirectoryLock,
}

impl SqliteStore {
    /// Opens the store in `directory`, which is made if it does not exist.
    ///
    /// # Errors
    /// [`OpenError::InUse`] if another process has it, [`OpenError::NewerSchema`] if a newer
    /// Lanyard wrote it (nothing is touched then), and what else [`OpenError`] lists.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, OpenError> {
        Self::open_with(directory, &SqliteOptions::default())
    }

    /// Opens the store with other than the default limits.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_with(
        directory: impl AsRef<Path>,
        options: &SqliteOptions,
    ) -> Result<Self, OpenError> {
        let opened = open::open(directory.as_ref(), options)?;
        let parts = Parts {
            readers: Readers::new(opened.readers),
            writer: Writer::start(opened.writer)?,
            hot: Arc::default(),
            herald: Heralded::default(),
            _lock: opened.lock,
        };
        Ok(Self { parts: Arc::new(parts) })
    }

    /// Has a herald asked who is told of each step; to be called before the store is shared.
    #[must_use]
    pub fn heralded_by(mut self, herald: Arc<dyn Herald>) -> Self {
        if let Some(parts) = Arc::get_mut(&mut self.parts) {
            parts.herald = Heralded::by(herald);
        }
        self
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn ready(&self) -> Result<(), StoreError> {
        self.parts.writer.write(sessions::probe).await
    }

    async fn figures(&self) -> Result<StoreFigures, StoreError> {
        self.parts.readers.read(sessions::figures)
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.parts.readers.read(epochs::current)
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.parts.readers.close();
        self.parts.hot.forget();
        self.parts.writer.close().await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteStore")
    }
}
