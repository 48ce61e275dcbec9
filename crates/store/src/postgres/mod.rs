//! The store of many machines: one PostgreSQL database, a pool of connections, row-level security.
//!
//! Reading order: `connect` and `tls` (settings, checks), `schema` (migrations), `within`, `fault`, `columns`, then what the store does, with its statements, in
//! `sessions`, `once`, `secrets`, `issued`, `statuses`, `calls`, `messages`, `subjects`, `epochs` and `audit`.
//!
//! Every call is one transaction that says whose rows it is about before it looks at any: a statement that
//! forgot its tenant would still see no other's. Nothing is kept between calls, so any replica may take
//! the next step of a session.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use deadpool_postgres::Pool;
use jiff::Timestamp;

use crate::{
    Epoch, Herald, Heralded, Restored, SecretName, Store, StoreError, StoreFigures, TenantId,
};

mod audit;
mod calls;
mod columns;
mod connect;
mod epochs;
mod fault;
mod issued;
mod messages;
mod once;
mod schema;
mod secrets;
mod sessions;
mod statuses;
mod subjects;
mod tls;
mod within;

pub use connect::{ConnectError, PostgresOptions};
pub use epochs::EpochError;

use columns::{query_opt, read};
use fault::pool_fault;
use within::Transaction;

/// Keeps everything in one PostgreSQL database, which any number of replicas share.
pub struct PostgresStore {
    pool: Pool,
    herald: Heralded,
}

impl PostgresStore {
    /// Connects, checks the server and the role, and brings the schema up to date, where it is not and the role may.
    ///
    /// A server that is not on this machine is spoken to in TLS, and its certificate is verified.
    ///
    /// # Errors
    /// [`ConnectError::NewerSchema`] if a newer Lanyard wrote the database (nothing is touched then), and
    /// what else [`ConnectError`] lists.
    pub async fn connect(options: &PostgresOptions) -> Result<Self, ConnectError> {
        Ok(Self { pool: connect::connect(options).await?, herald: Heralded::default() })
    }

    /// Brings the schema up to date as a role that may, and lets the role `serving` read and write and no more.
    ///
    /// # Errors
    /// As of [`connect`](Self::connect), and [`ConnectError::NotGranted`].
    pub async fn migrate(
        owner: &PostgresOptions,
        serving: Option<&str>,
    ) -> Result<(), ConnectError> {
        connect::migrate(owner, serving).await
    }

    /// Has a herald asked who is told of each step; to be called before the store is shared.
    #[must_use]
    pub fn heralded_by(mut self, herald: Arc<dyn Herald>) -> Self {
        self.herald = Heralded::by(herald);
        self
    }

    /// Begins an epoch in a database that was restored by its own tools: nothing that was good before is, and
    /// `forget` is made anew.
    ///
    /// # Errors
    /// [`EpochError::InUse`] while a replica is connected, [`EpochError::NoEpochLeft`], and those of a store
    /// that cannot answer.
    pub async fn begin_epoch(
        &self,
        now: Timestamp,
        forget: &[SecretName],
    ) -> Result<Restored, EpochError> {
        let db = self.of_all().await?;
        let others = epochs::others(&db).await?;
        if others > 0 {
            return Err(EpochError::InUse { connections: others });
        }
        let restored = epochs::begin(&db, now, forget).await?.ok_or(EpochError::NoEpochLeft)?;
        db.commit().await?;
        Ok(restored)
    }

    /// Begins a transaction that sees the rows of one tenant.
    async fn of(&self, tenant: &TenantId) -> Result<Transaction, StoreError> {
        self.within(tenant.as_str()).await
    }

    /// Begins a transaction that sees the rows of all tenants: housekeeping.
    async fn of_all(&self) -> Result<Transaction, StoreError> {
        self.within("*").await
    }

    /// Begins a transaction of housekeeping, unless another replica is about the same.
    ///
    /// The lock ends with the transaction: whoever was stopped in the middle has deleted nothing when it wakes,
    /// and holds nobody up meanwhile.
    async fn of_all_alone(&self, chore: &str) -> Result<Option<Transaction>, StoreError> {
        let db = self.of_all().await?;
        let turn = "SELECT pg_try_advisory_xact_lock(hashtextextended('lanyard ' || $1, 0))";
        let alone =
            query_opt(&db, turn, &[&chore]).await?.map_or(Ok(false), |row| read(&row, 0))?;
        Ok(alone.then_some(db))
    }

    async fn within(&self, wall: &str) -> Result<Transaction, StoreError> {
        Transaction::begin(self.pool.get().await.map_err(pool_fault)?, wall).await
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn ready(&self) -> Result<(), StoreError> {
        let db = self.of_all().await?;
        sessions::probe(&db).await?;
        db.commit().await
    }

    async fn figures(&self) -> Result<StoreFigures, StoreError> {
        let pool = self.pool.status();
        let in_use = pool.size.saturating_sub(pool.available);
        let db = self.of_all().await?;
        let (waiting_messages, unlinked_notes) = sessions::figures(&db).await?;
        db.commit().await?;
        Ok(StoreFigures {
            waiting_messages,
            unlinked_notes,
            log_bytes: 0,
            connections: in_use as u64,
            most_connections: pool.max_size as u64,
        })
    }

    async fn epoch(&self) -> Result<Epoch, StoreError> {
        let db = self.of_all().await?;
        let found = epochs::current(&db).await?;
        db.done(found).await
    }

    async fn close(&self) -> Result<(), StoreError> {
        self.pool.close();
        Ok(())
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresStore")
    }
}
