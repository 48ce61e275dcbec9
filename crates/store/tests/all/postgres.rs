//! What PostgreSQL adds: a second wall between tenants, several replicas, a server that goes and comes back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lanyard_store::{
    AuditStore as _, ConnectError, EpochError, IssuedStore as _, NewEvent, Next, PostgresOptions,
    PostgresStore, Put, Replaced, SecretName, SecretStore as _, SessionStore as _,
    StatusStore as _, Store as _, StoreError, Taken, Unavailability,
};
use lanyard_testkit::PostgresServer;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio_postgres::NoTls;

use crate::support::{EXPIRED, block_on, code, demo, end, id, live, offer, record, second};

/// The address of a new database; none where there is no PostgreSQL, which fails in CI.
pub(crate) fn database() -> Option<String> {
    PostgresServer::shared().map(PostgresServer::database)
}

/// A store in a database of its own.
pub(crate) async fn store() -> Option<PostgresStore> {
    Some(PostgresStore::connect(&PostgresOptions::new(database()?)).await.unwrap())
}

#[test]
fn a_statement_that_forgets_its_tenant_sees_no_row() {
    block_on(async {
        let Some(address) = database() else { return };
        let store = PostgresStore::connect(&PostgresOptions::new(&address)).await.unwrap();
        store.insert(offer(1)).await.unwrap();

        let (client, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
        tokio::spawn(connection);
        let count = async |wall: &str| {
            let set = format!("SET lanyard.tenant = '{wall}'");
            client.batch_execute(&set).await.unwrap();
            let all = "SELECT count(*) FROM session";
            client.query_one(all, &[]).await.unwrap().get::<_, i64>(0)
        };
        let unsaid = client.query_one("SELECT count(*) FROM session", &[]).await.unwrap();
        assert_eq!(unsaid.get::<_, i64>(0), 0);
        assert_eq!((count("other").await, count("demo").await), (0, 1));

        store.record_issued(&demo(), record(1, id(1)), Vec::new(), None).await.unwrap();
        assert_eq!(store.link_audit(9).await, Ok(1));
        client.batch_execute("SET lanyard.tenant = 'other'").await.unwrap();
        for walled in ["audit_head", "audit_block"] {
            let gone = client.execute(&format!("DELETE FROM {walled}"), &[]).await.unwrap();
            assert_eq!(gone, 0, "{walled}");
        }
        let moved = "INSERT INTO secret (tenant, name, version, sealed, written_at)
                     VALUES ('demo', 'key', 1, '', 0)";
        let refused = client.execute(moved, &[]).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501", "row-level security");
    });
}

#[test]
fn a_role_that_no_wall_binds_is_refused() {
    block_on(async {
        let Some(server) = PostgresServer::shared() else { return };
        let refused = PostgresStore::connect(&PostgresOptions::new(server.superuser())).await;
        assert!(matches!(refused, Err(ConnectError::RoleBypassesRowSecurity)), "{refused:?}");
    });
}

#[test]
fn a_database_that_acknowledges_before_it_syncs_is_refused() {
    block_on(async {
        let Some(server) = PostgresServer::shared() else { return };
        let address = server.database();
        let options = PostgresOptions::new(&address);
        drop(PostgresStore::connect(&options).await.unwrap());
        let off = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off',
                   current_database()); END $$";
        server.sql_in(&address, off);
        let refused = PostgresStore::connect(&options).await;
        let setting = "synchronous_commit";
        assert!(
            matches!(refused, Err(ConnectError::NotDurable { setting: found }) if found == setting),
            "{refused:?}"
        );
    });
}

/// A store behind TLS and a password.
fn far(server: &PostgresServer, host: &str) -> PostgresOptions {
    PostgresOptions {
        password: Some(server.password().to_owned()),
        authorities: Some(server.authority_pem().as_bytes().to_vec()),
        connections: 2,
        ..PostgresOptions::new(server.remote_database(host))
    }
}

#[test]
fn what_goes_over_a_network_is_encrypted_to_the_server_that_was_meant() {
    block_on(async {
        let Some(server) = PostgresServer::shared() else { return };
        let good = far(server, "localhost");
        let store = PostgresStore::connect(&good).await.unwrap();
        store.insert(offer(1)).await.unwrap();
        let name = good.url.rsplit_once('/').unwrap().1;
        let encrypted = format!(
            "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE datname = '{name}'"
        );
        assert_eq!(server.sql(&encrypted), "t");

        let unnamed = PostgresStore::connect(&far(server, "127.0.0.1")).await.unwrap_err();
        assert!(unnamed.to_string().contains("certificate"), "{unnamed}");
        let other = PostgresServer::other_authority_pem().into_bytes();
        let strange = PostgresOptions { authorities: Some(other), ..good.clone() };
        let strange = PostgresStore::connect(&strange).await.unwrap_err();
        assert!(strange.to_string().contains("certificate"), "{strange}");
        let none = PostgresOptions { authorities: Some(b"no PEM".to_vec()), ..good };
        let none = PostgresStore::connect(&none).await;
        assert!(matches!(none, Err(ConnectError::Authorities)), "{none:?}");
    });
}

#[test]
fn a_password_is_in_no_message() {
    block_on(async {
        let Some(server) = PostgresServer::shared() else { return };
        let password = "canary-of-a-wrong-password";
        let wrong =
            PostgresOptions { password: Some(password.to_owned()), ..far(server, "localhost") };
        let refused = PostgresStore::connect(&wrong).await.unwrap_err();
        assert!(matches!(refused, ConnectError::Unreachable { .. }), "{refused}");
        assert!(refused.to_string().contains("password authentication failed"), "{refused}");
        let in_url = PostgresOptions::new(format!("postgres://u:{password}@localhost:1/d"));
        assert!(in_url.says_password());
        let nobody = PostgresStore::connect(&in_url).await.unwrap_err();
        for said in [format!("{refused} {refused:?}"), format!("{nobody} {nobody:?} {in_url:?}")] {
            assert!(!said.contains("canary"), "{said}");
        }
    });
}

#[test]
fn one_replica_at_a_time_does_a_chore() {
    block_on(async {
        let Some(address) = database() else { return };
        let store = PostgresStore::connect(&PostgresOptions::new(&address)).await.unwrap();
        store.insert(offer(1)).await.unwrap();
        let (mut other, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
        tokio::spawn(connection);
        let chore = other.transaction().await.unwrap();
        let turn = "SELECT pg_advisory_xact_lock(hashtextextended('lanyard sessions', 0))";
        chore.query_one(turn, &[]).await.unwrap();
        let late = end() + jiff::SignedDuration::from_hours(1);
        assert_eq!(store.purge_expired(late, 10).await, Ok(0), "another replica is about it");
        drop(chore);
        other.query_one("SELECT 1", &[]).await.unwrap();
        assert_eq!(store.purge_expired(late, 10).await, Ok(1));
    });
}

#[test]
fn a_table_that_somebody_locks_costs_a_retry_and_heals_by_itself() {
    block_on(async {
        let Some(address) = database() else { return };
        let store = PostgresStore::connect(&PostgresOptions::new(&address)).await.unwrap();
        let (mut other, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
        tokio::spawn(connection);
        let lock = other.transaction().await.unwrap();
        lock.batch_execute("LOCK TABLE session").await.unwrap();
        let refused = store.insert(offer(1)).await.unwrap_err();
        let busy = Unavailability::Busy;
        let told = matches!(&refused, StoreError::Unavailable { cause, .. } if *cause == busy);
        assert!(told && refused.retry_after().is_some(), "{refused:?}");
        assert_eq!(store.ready().await, Ok(()), "what needs no such table goes on");
        drop(lock);
        assert_eq!(store.insert(offer(1)).await, Ok(()));
    });
}

#[test]
fn replicas_that_start_at_once_make_one_schema_and_one_of_them_takes_each_step() {
    block_on(async {
        let Some(address) = database() else { return };
        let mut starting = JoinSet::new();
        for _ in 0..4 {
            let options = PostgresOptions { connections: 4, ..PostgresOptions::new(&address) };
            starting.spawn(async move { PostgresStore::connect(&options).await.unwrap() });
        }
        let replicas: Vec<_> = starting.join_all().await.into_iter().map(Arc::new).collect();
        for n in 0..20 {
            replicas[0].insert(offer(n)).await.unwrap();
            let mut racing = JoinSet::new();
            let mut held = Vec::new();
            for replica in &replicas {
                held.push((replica.clone(), live(&**replica, code(n)).await));
            }
            for (replica, held) in held {
                racing.spawn(async move {
                    let next = Next::new(second(2), b"stepped".to_vec(), end())
                        .with_event(NewEvent::done(second(2), "token"));
                    replica.replace(&held, next).await.unwrap()
                });
            }
            let told = racing.join_all().await;
            let done = told.iter().filter(|told| matches!(told, Replaced::Done(_))).count();
            assert_eq!(done, 1, "round {n}");
            assert_eq!(replicas[3].events(&demo(), id(n)).await.unwrap().len(), 2);
        }
    });
}

/// Eight writers that begin sessions until they are told to stop.
struct Writers {
    /// How many sessions were acknowledged.
    kept: Arc<AtomicUsize>,
    stop: watch::Sender<bool>,
    writing: JoinHandle<Vec<u32>>,
}

impl Writers {
    fn start(store: &Arc<PostgresStore>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let kept = Arc::<AtomicUsize>::default();
        let writing = tokio::spawn(write_until(store.clone(), kept.clone(), stopped));
        Self { kept, stop, writing }
    }

    /// Waits until so many more were acknowledged.
    async fn keep(&self, more: usize) {
        let wanted = self.kept.load(Ordering::SeqCst) + more;
        let kept = async {
            while self.kept.load(Ordering::SeqCst) < wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(120), kept).await.expect("they go on");
    }

    /// What was acknowledged until now.
    async fn stopped(self) -> Vec<u32> {
        self.stop.send(true).unwrap();
        self.writing.await.unwrap()
    }
}

/// Gives what was acknowledged, and checks that whatever was not is worth a retry.
async fn write_until(
    store: Arc<PostgresStore>,
    kept: Arc<AtomicUsize>,
    mut stop: watch::Receiver<bool>,
) -> Vec<u32> {
    let mut writing = JoinSet::new();
    for writer in 0..8_u32 {
        let (store, kept, stop) = (store.clone(), kept.clone(), stop.clone());
        writing.spawn(async move {
            let mut acknowledged = Vec::new();
            for n in (writer * 100_000).. {
                if *stop.borrow() {
                    break;
                }
                match store.insert(offer(n)).await {
                    Ok(()) => {
                        acknowledged.push(n);
                        kept.fetch_add(1, Ordering::SeqCst);
                    }
                    Err(error) => {
                        let told = matches!(&error, StoreError::Unavailable { cause, .. }
                            if matches!(cause, Unavailability::Unreachable | Unavailability::Overloaded));
                        assert!(told && error.retry_after().is_some(), "{error:?}");
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
            }
            acknowledged
        });
    }
    stop.wait_for(|stop| *stop).await.unwrap();
    writing.join_all().await.concat()
}

async fn find_all(store: &PostgresStore, acknowledged: Vec<u32>) {
    for n in acknowledged {
        let found = with_patience(async || store.by_id(&demo(), id(n), second(1)).await).await;
        assert!(matches!(found, Ok(Taken::Live(_))), "{n}: {found:?}");
    }
}

/// Asks again for a second at most, as callers are told to: a connection that was cut while nobody used it is
/// noticed by its next user.
async fn with_patience<T>(ask: impl AsyncFn() -> Result<T, StoreError>) -> Result<T, StoreError> {
    for _ in 0..50 {
        match ask().await {
            Err(error) if error.retry_after().is_some() => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            answer => return answer,
        }
    }
    ask().await
}

#[test]
fn connections_that_are_cut_cost_a_retry_and_nothing_that_was_acknowledged() {
    block_on(async {
        let Some(server) = PostgresServer::shared() else { return };
        let address = server.database();
        let store = PostgresStore::connect(&PostgresOptions::new(&address)).await.unwrap();
        let store = Arc::new(store);
        let database = address.rsplit_once("dbname=").unwrap().1;
        let writers = Writers::start(&store);
        let cut = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{database}'"
        );
        let mut cuts = 0;
        for _ in 0..10 {
            writers.keep(10).await;
            cuts += server.sql(&cut).parse::<u32>().unwrap();
        }
        assert!(cuts > 10, "{cuts} connections were cut");
        find_all(&store, writers.stopped().await).await;
        assert_eq!(with_patience(async || store.ready().await).await, Ok(()));
    });
}

#[test]
fn a_server_that_crashes_and_comes_back_is_waited_for_and_has_lost_nothing_that_was_acknowledged() {
    block_on(async {
        let Some(server) = PostgresServer::start() else { return };
        let server = Arc::new(server);
        let store = PostgresStore::connect(&PostgresOptions::new(server.database())).await.unwrap();
        let store = Arc::new(store);
        let writers = Writers::start(&store);
        for _ in 0..3 {
            writers.keep(20).await;
            let crash = server.clone();
            tokio::task::spawn_blocking(move || crash.stop()).await.unwrap();
            let down = store.ready().await.unwrap_err();
            assert!(down.retry_after().is_some(), "{down:?}");
            let back = server.clone();
            tokio::task::spawn_blocking(move || back.start_again()).await.unwrap();
            assert_eq!(store.ready().await, Ok(()), "the pool has healed");
        }
        find_all(&store, writers.stopped().await).await;
    });
}

#[test]
fn a_database_that_its_own_tools_restored_begins_an_epoch() {
    block_on(async {
        let Some(address) = database() else { return };
        let options = PostgresOptions { connections: 1, ..PostgresOptions::new(&address) };
        let nonces: SecretName = "issuer/nonce-key".parse().unwrap();
        let replica = PostgresStore::connect(&options).await.unwrap();
        replica.insert(offer(1)).await.unwrap();
        for name in [&nonces, &"issuer/key".parse().unwrap()] {
            let put = replica.put_secret(&demo(), name, None, vec![7], second(1)).await;
            assert_eq!(put, Ok(Put::Done(1)));
        }
        let before = replica.reserve_statuses(&demo(), 256).await.unwrap();
        let forget = [nonces.clone()];

        let store = PostgresStore::connect(&options).await.unwrap();
        let refused = store.begin_epoch(second(100), &forget).await;
        assert!(matches!(refused, Err(EpochError::InUse { connections: 1 })), "{refused:?}");
        assert!(matches!(replica.take(&demo(), &code(1), second(100)).await, Ok(Taken::Live(_))));
        replica.close().await.unwrap();
        drop(replica);
        let restored = loop {
            match store.begin_epoch(second(100), &forget).await {
                // the server takes a moment to see that a connection was closed
                Err(EpochError::InUse { .. }) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                begun => break begun.unwrap(),
            }
        };
        assert_eq!((restored.ended_sessions, restored.backup_at), (1, None));
        assert_eq!(store.epoch().await, Ok(restored.epoch));
        assert_eq!(store.take(&demo(), &code(1), second(100)).await, Ok(EXPIRED));
        assert_eq!(store.secret(&demo(), &nonces).await, Ok(None));
        assert_eq!(store.secret_names(&demo(), "").await.unwrap().len(), 1);
        // in the database as it was restored, others were given out that it does not know of
        for tenant in [demo(), "late".parse().unwrap()] {
            let first = store.reserve_statuses(&tenant, 256).await.unwrap();
            assert!(first >= 1 << 32, "{tenant}: {first}");
            let reserved = store.reserved_statuses(&tenant).await.unwrap();
            assert!(reserved[0].contains(&(before + 300)) && reserved[0].end < first);
            assert_eq!(reserved[1], first..first + 256);
            assert_eq!(store.reserve_statuses(&tenant, 256).await, Ok(first + 256));
        }
    });
}
