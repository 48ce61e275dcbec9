//! What PostgreSQL adds: a second wall between tenants, several replicas, a server that goes and comes back.

use std::sync::Arc;

use lanyard_store::{
    ConnectError, NewEvent, Next, PostgresOptions, PostgresStore, Replaced, SessionStore as _,
    Store as _, StoreError, Taken, Unavailability,
};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;

use crate::server;
use crate::support::{block_on, code, demo, end, id, live, offer, second};

#[test]
fn a_statement_that_forgets_its_tenant_sees_no_row() {
    block_on(async {
        let Some(address) = server::database() else { return };
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

        client.batch_execute("SET lanyard.tenant = 'other'").await.unwrap();
        let moved = "INSERT INTO secret (tenant, name, version, sealed, written_at)
                     VALUES ('demo', 'key', 1, '', 0)";
        let refused = client.execute(moved, &[]).await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "42501", "row-level security");
    });
}

#[test]
fn a_role_that_no_wall_binds_is_refused() {
    block_on(async {
        if server::database().is_none() {
            return;
        }
        let refused = PostgresStore::connect(&PostgresOptions::new(server::superuser())).await;
        assert!(matches!(refused, Err(ConnectError::RoleBypassesRowSecurity)), "{refused:?}");
    });
}

#[test]
fn a_server_on_another_machine_is_not_spoken_to_in_plain_text() {
    block_on(async {
        let far = PostgresOptions::new("postgres://lanyard:canary@192.0.2.1/lanyard");
        assert!(!format!("{far:?}").contains("canary"));
        let refused = PostgresStore::connect(&far).await;
        assert!(matches!(refused, Err(ConnectError::Plaintext)), "{refused:?}");
    });
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    block_on(async {
        let Some(address) = server::database() else { return };
        drop(PostgresStore::connect(&PostgresOptions::new(&address)).await.unwrap());
        let (client, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.execute("INSERT INTO schema_version (version) VALUES (99)", &[]).await.unwrap();
        let refused = PostgresStore::connect(&PostgresOptions::new(&address)).await;
        assert!(matches!(refused, Err(ConnectError::NewerSchema { found: 99, .. })), "{refused:?}");
    });
}

#[test]
fn replicas_that_start_at_once_make_one_schema_and_one_of_them_takes_each_step() {
    block_on(async {
        let Some(address) = server::database() else { return };
        let mut starting = JoinSet::new();
        for _ in 0..4 {
            let options = PostgresOptions { connections: 4, ..PostgresOptions::new(&address) };
            starting.spawn(async move { PostgresStore::connect(&options).await.unwrap() });
        }
        let replicas: Vec<_> = starting.join_all().await.into_iter().map(Arc::new).collect();
        for n in 0..20 {
            replicas[0].insert(offer(n)).await.unwrap();
            let mut racing = JoinSet::new();
            for replica in &replicas {
                let replica = replica.clone();
                racing.spawn(async move {
                    let held = live(&*replica, code(n)).await;
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

#[test]
fn connections_that_are_cut_cost_a_retry_and_nothing_that_was_acknowledged() {
    block_on(async {
        let Some(address) = server::database() else { return };
        let store =
            Arc::new(PostgresStore::connect(&PostgresOptions::new(&address)).await.unwrap());
        let database = address.rsplit_once("dbname=").unwrap().1;
        let mut writing = JoinSet::new();
        for writer in 0..8_u32 {
            let store = store.clone();
            writing.spawn(async move {
                let mut acknowledged = Vec::new();
                for n in (writer * 100)..(writer * 100 + 60) {
                    match store.insert(offer(n)).await {
                        Ok(()) => acknowledged.push(n),
                        Err(error) => {
                            let unreachable = Unavailability::Unreachable;
                            let told = matches!(&error, StoreError::Unavailable { cause, .. }
                                if *cause == unreachable);
                            assert!(told && error.retry_after().is_some(), "{error:?}");
                        }
                    }
                }
                acknowledged
            });
        }
        let cut = format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{database}'"
        );
        for _ in 0..4 {
            server::as_superuser(&cut);
        }
        let acknowledged = writing.join_all().await.concat();
        assert!(acknowledged.len() > 100, "{} of 480", acknowledged.len());
        for n in acknowledged {
            let found = store.by_id(&demo(), id(n), second(1)).await;
            assert!(matches!(found, Ok(Taken::Live(_))), "{n}: {found:?}");
        }
        assert_eq!(store.ready().await, Ok(()));
    });
}
