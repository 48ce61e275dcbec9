//! The settings of a connection, and what is checked before anything is served.

use std::error::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr as _;
use std::time::Duration;

use deadpool_postgres::{
    Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::schema;
use super::tls::Tls;

/// What every connection calls itself.
pub(super) const APPLICATION: &str = "lanyard";

/// How long a request waits for a connection, new or returned.
const PATIENCE: Duration = Duration::from_secs(2);

/// For how long what was sent may stay without an answer of the other machine's network.
const SILENCE: Duration = Duration::from_secs(5);

/// What every connection asks the server for: it gives up before we do.
///
/// A plan is kept for as long as a connection lives: one that was made while a table was small would look at every
/// row once it is full. Whatever there is an index for goes by it from the first row on; what has none seems so
/// expensive then that it would be compiled each time.
const LIMITS: &str = "-c statement_timeout=4s -c lock_timeout=3s -c idle_in_transaction_session_timeout=5s \
                      -c enable_seqscan=off -c jit=off";

/// Where the server is, and as whom to speak to it.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user@host/database`, or `host=/run/postgresql user=… dbname=…`.
    pub url: String,
    /// As whom to speak to it, if not as the role that `url` names.
    pub role: Option<String>,
    /// The password, if the server asks for one and `url` does not say it.
    pub password: Option<String>,
    /// Who vouches for the server's certificate, as PEM; without, those that the system believes.
    ///
    /// On this machine a server is spoken to without TLS unless this is set; on any other always with it.
    pub authorities: Option<Vec<u8>>,
    /// How many connections at most.
    pub connections: usize,
}

impl PostgresOptions {
    /// How many connections there are at most unless something else is said.
    pub const CONNECTIONS: usize = 16;

    /// The server at `url`, without a password, over up to 16 connections.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            role: None,
            password: None,
            authorities: None,
            connections: Self::CONNECTIONS,
        }
    }

    /// The settings of a connection.
    fn config(&self) -> Result<Config, ConnectError> {
        // whatever is not on this machine is verified in full: these ask for no more
        let url = self.url.replace("sslmode=verify-full", "sslmode=require");
        let url = url.replace("sslmode=verify-ca", "sslmode=require");
        let mut config = Config::from_str(&url).map_err(|_| ConnectError::Address)?;
        if let Some(role) = &self.role {
            config.user(role);
        }
        Ok(config)
    }

    /// As whom the server is spoken to; none where the address cannot be read.
    #[must_use]
    pub fn spoken_as(&self) -> Option<String> {
        self.config().ok()?.get_user().map(str::to_owned)
    }

    /// Whether the address holds a password, which a file that others read should not.
    #[must_use]
    pub fn says_password(&self) -> bool {
        self.config().is_ok_and(|config| config.get_password().is_some())
    }

    /// Whether the address can be read, and names a host, a user and a database.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.config().is_ok_and(|config| {
            !config.get_hosts().is_empty()
                && config.get_user().is_some()
                && config.get_dbname().is_some()
        })
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
    /// The authorities are no certificates.
    #[error("the authorities of the PostgreSQL server are no certificates (PEM)")]
    Authorities,
    /// TLS cannot be set up.
    #[error("TLS to the PostgreSQL server cannot be set up")]
    Tls(#[source] rustls::Error),
    /// It does not answer, or does not let us in.
    #[error("the PostgreSQL server does not let us in: {why}")]
    Unreachable {
        /// What it or the network says; never a password.
        why: String,
    },
    /// The role is not bound by row-level security.
    #[error(
        "the PostgreSQL role is a superuser or has BYPASSRLS: row-level security binds it to nothing; \
         use a role of its own"
    )]
    RoleBypassesRowSecurity,
    /// What it acknowledges may be lost.
    #[error("the PostgreSQL server has {setting} off: what it acknowledges may be lost")]
    NotDurable {
        /// The setting.
        setting: &'static str,
    },
    /// A newer Lanyard wrote the database; nothing was touched.
    #[error(
        "the database has schema {found}, and this Lanyard knows {known}; it was left untouched, start the \
         newer Lanyard"
    )]
    NewerSchema {
        /// The schema of the database.
        found: i64,
        /// The schema of this version.
        known: i64,
    },
    /// The schema could not be made.
    #[error("the schema could not be made: {why}")]
    Migration {
        /// What the server says.
        why: String,
    },
    /// The schema is of an earlier version, and the role may not change it.
    #[error(
        "the database has schema {found}, this Lanyard needs {known}, and the PostgreSQL role may not change it: \
         `lanyard migrate` does, as the role that owns the tables"
    )]
    MayNotMigrate {
        /// The schema of the database.
        found: i64,
        /// The schema of this version.
        known: i64,
    },
    /// The role may not read and write a table.
    #[error(
        "the PostgreSQL role may not read and write the table {table}: `lanyard migrate` lets it, as the role \
         that owns the tables"
    )]
    MayNotServe {
        /// The table.
        table: String,
    },
    /// A role could not be let read and write.
    #[error("the PostgreSQL role that serves could not be let read and write: {why}")]
    NotGranted {
        /// What the server says.
        why: String,
    },
}

/// Opens the pool, and brings the schema up to date.
pub(super) async fn connect(options: &PostgresOptions) -> Result<Pool, ConnectError> {
    let pool = pool(options)?;
    let mut client = checked(&pool).await?;
    schema::bring_up(&mut client).await?;
    schema::may_serve(&client).await?;
    Ok(pool)
}

/// Brings the schema up to date, and lets another role serve it.
pub(super) async fn migrate(
    options: &PostgresOptions,
    serving: Option<&str>,
) -> Result<(), ConnectError> {
    let mut client = checked(&pool(options)?).await?;
    schema::bring_up(&mut client).await?;
    match serving {
        Some(role) => schema::let_serve(&client, role).await,
        None => Ok(()),
    }
}

fn pool(options: &PostgresOptions) -> Result<Pool, ConnectError> {
    let mut config = options.config()?;
    if let Some(password) = &options.password {
        config.password(password);
    }
    let tls = Tls::new(options.authorities.as_deref())?;
    config.ssl_mode(mode(&config, options));
    config
        .application_name(APPLICATION)
        .connect_timeout(PATIENCE)
        .tcp_user_timeout(SILENCE)
        .options(LIMITS);
    let recycling_method = RecyclingMethod::Fast;
    let manager = Manager::from_config(config, tls, ManagerConfig { recycling_method });
    let timeouts =
        Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) };
    Pool::builder(manager)
        .max_size(options.connections.max(1))
        .runtime(Runtime::Tokio1)
        .timeouts(timeouts)
        .build()
        .map_err(|_| ConnectError::Address)
}

/// Encrypted, whatever the address says, unless nobody is between us and the server.
fn mode(config: &Config, options: &PostgresOptions) -> SslMode {
    let hosts = config.get_hosts();
    if hosts.iter().all(|host| matches!(host, Host::Unix(_))) && config.get_hostaddrs().is_empty() {
        return SslMode::Disable;
    }
    let here = hosts.iter().all(is_here) && config.get_hostaddrs().iter().all(IpAddr::is_loopback);
    match here && options.authorities.is_none() && config.get_ssl_mode() != SslMode::Require {
        true => SslMode::Disable,
        false => SslMode::Require,
    }
}

/// Whether nobody is between us and the server.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

/// A connection to a server that keeps what it acknowledges, as a role that row-level security binds.
async fn checked(pool: &Pool) -> Result<Object, ConnectError> {
    let client = pool.get().await.map_err(|error| unreachable(&error))?;
    let role = "SELECT rolsuper OR rolbypassrls, current_setting('fsync') = 'off',
                       current_setting('synchronous_commit') = 'off'
                FROM pg_roles WHERE rolname = current_user";
    let role = client.query_one(role, &[]).await.map_err(|error| unreachable(&error.into()))?;
    if role.get(0) {
        return Err(ConnectError::RoleBypassesRowSecurity);
    }
    for (column, setting) in [(1, "fsync"), (2, "synchronous_commit")] {
        if role.get(column) {
            return Err(ConnectError::NotDurable { setting });
        }
    }
    Ok(client)
}

pub(super) fn not_migrated(error: &tokio_postgres::Error) -> ConnectError {
    ConnectError::Migration { why: why(error) }
}

fn unreachable(error: &PoolError) -> ConnectError {
    ConnectError::Unreachable {
        why: match error {
            PoolError::Backend(error) => why(error),
            PoolError::Timeout(_) => "no answer within two seconds".to_owned(),
            error => error.to_string(),
        },
    }
}

/// What the server says, or else what happened to the connection.
pub(super) fn why(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode_of(url: &str, authorities: Option<&[u8]>) -> SslMode {
        let authorities = authorities.map(<[u8]>::to_vec);
        let options = PostgresOptions { authorities, ..PostgresOptions::new(url) };
        mode(&options.config().unwrap(), &options)
    }

    #[test]
    fn a_server_on_another_machine_is_spoken_to_in_tls_whatever_the_address_says() {
        for url in [
            "postgres://lanyard@db.example.com/lanyard",
            "postgres://lanyard@db.example.com/lanyard?sslmode=disable",
            "postgres://lanyard@db.example.com/lanyard?sslmode=prefer",
            "postgres://lanyard@localhost,db.example.com/lanyard",
            "postgres://lanyard@192.0.2.1/lanyard",
            "host=localhost hostaddr=192.0.2.1 user=lanyard dbname=lanyard",
        ] {
            assert_eq!(mode_of(url, None), SslMode::Require, "{url}");
        }
    }

    #[test]
    fn a_server_on_this_machine_is_spoken_to_in_tls_where_that_is_asked_for() {
        let here = "postgres://lanyard@localhost/lanyard";
        assert_eq!(mode_of(here, None), SslMode::Disable);
        assert_eq!(mode_of(here, Some(b"-")), SslMode::Require);
        for sslmode in ["require", "verify-ca", "verify-full"] {
            assert_eq!(mode_of(&format!("{here}?sslmode={sslmode}"), None), SslMode::Require);
        }
        let socket = "host=/run/postgresql user=lanyard dbname=lanyard";
        assert_eq!(mode_of(socket, Some(b"-")), SslMode::Disable);
    }

    #[test]
    fn an_address_says_host_user_and_database() {
        for (url, usable) in [
            ("postgres://lanyard@localhost/lanyard", true),
            ("host=/run/postgresql user=lanyard dbname=lanyard", true),
            ("postgres://localhost/lanyard", false),
            ("postgres://lanyard@localhost", false),
            ("user=lanyard dbname=lanyard", false),
            ("mysql://lanyard@localhost/lanyard", false),
        ] {
            assert_eq!(PostgresOptions::new(url).is_usable(), usable, "{url}");
        }
    }
}
