//! The settings of a connection, and what is checked before anything is served.

use std::fmt;
use std::str::FromStr as _;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime, Timeouts, Transaction,
};
use tokio_postgres::config::Host;
use tokio_postgres::{Config, NoTls};

/// The schema that this version writes: how many migrations there are.
const MIGRATIONS: [&str; 1] = [include_str!("../../migrations/postgres/0001_all.sql")];

/// How long a request waits for a connection, new or returned.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where the server is, and as whom to speak to it.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user@host/database`, or `host=/run/postgresql user=… dbname=…`.
    pub url: String,
    /// The password, if the server asks for one and `url` does not say it.
    pub password: Option<String>,
    /// How many connections at most.
    pub connections: usize,
}

impl PostgresOptions {
    /// The server at `url`, without a password, over up to 16 connections.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), password: None, connections: 16 }
    }
}

/// Prints no URL, which may hold a password.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// Why a server is not used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL cannot be read; it is not repeated, for it may hold a password.
    #[error("the address of the PostgreSQL server cannot be read")]
    Address,
    /// The server is on another machine, and this build speaks to it without encryption only.
    #[error("the PostgreSQL server is on another machine: use a tunnel or a proxy that encrypts")]
    Plaintext,
    /// It does not answer, or does not let us in.
    #[error("the PostgreSQL server does not let us in")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The role is not bound by row-level security.
    #[error(
        "the PostgreSQL role is a superuser or has BYPASSRLS: row-level security binds it to nothing"
    )]
    RoleBypassesRowSecurity,
    /// What it acknowledges may be lost.
    #[error("the PostgreSQL server has {setting} off: what it acknowledges may be lost")]
    NotDurable {
        /// The setting.
        setting: &'static str,
    },
    /// A newer Lanyard wrote the database; nothing was touched.
    #[error("the database has schema {found}, and this version knows {known}")]
    NewerSchema {
        /// The schema of the database.
        found: i64,
        /// The schema of this version.
        known: i64,
    },
    /// The schema could not be made.
    #[error("the schema could not be made")]
    Migration(#[source] tokio_postgres::Error),
}

/// Opens the pool, and brings the schema up to date.
pub(super) async fn connect(options: &PostgresOptions) -> Result<Pool, ConnectError> {
    let mut config = Config::from_str(&options.url).map_err(|_| ConnectError::Address)?;
    if !config.get_hosts().iter().all(is_here) {
        return Err(ConnectError::Plaintext);
    }
    if let Some(password) = &options.password {
        config.password(password);
    }
    config.application_name("lanyard").connect_timeout(PATIENCE).options(
        "-c statement_timeout=5s -c lock_timeout=4s -c idle_in_transaction_session_timeout=10s",
    );
    let recycling_method = RecyclingMethod::Fast;
    let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method });
    let timeouts =
        Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) };
    let pool = Pool::builder(manager)
        .max_size(options.connections.max(1))
        .runtime(Runtime::Tokio1)
        .timeouts(timeouts)
        .build()
        .map_err(|_| ConnectError::Address)?;
    check(&pool).await?;
    Ok(pool)
}

/// Whether nobody is between us and the server.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

async fn check(pool: &Pool) -> Result<(), ConnectError> {
    let mut client = pool.get().await.map_err(unreachable)?;
    let role = "SELECT rolsuper OR rolbypassrls, current_setting('fsync') = 'off',
                       current_setting('synchronous_commit') = 'off'
                FROM pg_roles WHERE rolname = current_user";
    let role = client.query_one(role, &[]).await.map_err(|error| unreachable(error.into()))?;
    if role.get(0) {
        return Err(ConnectError::RoleBypassesRowSecurity);
    }
    for (column, setting) in [(1, "fsync"), (2, "synchronous_commit")] {
        if role.get(column) {
            return Err(ConnectError::NotDurable { setting });
        }
    }
    let db = client.transaction().await.map_err(ConnectError::Migration)?;
    migrate(&db).await?;
    db.commit().await.map_err(ConnectError::Migration)
}

/// Of several replicas that start at once one migrates, and the others wait for it.
async fn migrate(db: &Transaction<'_>) -> Result<(), ConnectError> {
    db.batch_execute(
        "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;
         SELECT pg_advisory_xact_lock(hashtextextended('lanyard schema', 0));
         CREATE TABLE IF NOT EXISTS schema_version (version BIGINT PRIMARY KEY)",
    )
    .await
    .map_err(ConnectError::Migration)?;
    let found = "SELECT coalesce(max(version), 0) FROM schema_version";
    let found: i64 = db.query_one(found, &[]).await.map_err(ConnectError::Migration)?.get(0);
    let known = MIGRATIONS.len() as i64;
    if found > known {
        return Err(ConnectError::NewerSchema { found, known });
    }
    for (version, migration) in (1_i64..).zip(MIGRATIONS) {
        if version <= found {
            continue;
        }
        db.batch_execute(migration).await.map_err(ConnectError::Migration)?;
        let written = "INSERT INTO schema_version (version) VALUES ($1)";
        db.execute(written, &[&version]).await.map_err(ConnectError::Migration)?;
    }
    Ok(())
}

fn unreachable(error: PoolError) -> ConnectError {
    ConnectError::Unreachable(Box::new(error))
}
