//! A PostgreSQL database of another version: brought up, or left alone.

use std::time::Duration;

use lanyard_store::{
    AuditStore as _, ConnectError, IssuedStore as _, PostgresOptions, PostgresStore,
    SessionStore as _, StatusStore as _, Store as _, Taken,
};
use lanyard_testkit::PostgresServer;
use tokio_postgres::{Client, NoTls};

use crate::postgres::database;
use crate::support::{block_on, code, credential, demo, id, offer, record, second};

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    block_on(async {
        let Some(address) = database() else { return };
        drop(PostgresStore::connect(&PostgresOptions::new(&address)).await.unwrap());
        let client = client(&address).await;
        client.execute("INSERT INTO schema_version (version) VALUES (99)", &[]).await.unwrap();
        let refused = PostgresStore::connect(&PostgresOptions::new(&address)).await;
        assert!(matches!(refused, Err(ConnectError::NewerSchema { found: 99, .. })), "{refused:?}");
    });
}

/// What undoes each migration, the newest first.
const UNDONE: [(i64, &str); 4] = [
    (5, "DROP INDEX message_by_session"),
    (4, "DROP TABLE audit_note, audit_block, audit_head"),
    (3, "ALTER TABLE status DROP COLUMN suspendable"),
    (2, "DROP TABLE status_epoch; DROP TABLE epoch"),
];

/// Makes a database what an earlier version left.
async fn put_back(client: &Client, version: i64) {
    for (_, undone) in UNDONE.iter().filter(|(migration, _)| *migration > version) {
        client.batch_execute(undone).await.unwrap();
    }
    client.execute("DELETE FROM schema_version WHERE version > $1", &[&version]).await.unwrap();
}

async fn version(client: &Client) -> i64 {
    client.query_one("SELECT max(version) FROM schema_version", &[]).await.unwrap().get(0)
}

async fn client(address: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(address, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[test]
fn a_database_of_an_earlier_version_is_brought_up_with_what_it_keeps() {
    block_on(async {
        let Some(address) = database() else { return };
        let options = PostgresOptions::new(&address);
        let store = PostgresStore::connect(&options).await.unwrap();
        store.insert(offer(1)).await.unwrap();
        let reserved = store.reserve_statuses(&demo(), 256).await.unwrap();
        drop(store);
        let client = client(&address).await;
        put_back(&client, 1).await;

        let store = PostgresStore::connect(&options).await.unwrap();
        assert!(matches!(store.take(&demo(), &code(1), second(2)).await, Ok(Taken::Live(_))));
        assert_eq!(store.reserve_statuses(&demo(), 256).await, Ok(reserved + 256));
        assert!(store.epoch().await.is_ok());
    });
}

#[test]
fn a_migration_whose_connection_ends_leaves_the_version_before_and_is_taken_up() {
    block_on(async {
        let Some(server) = PostgresServer::shared() else { return };
        let address = server.database();
        let options = PostgresOptions::new(&address);
        let store = PostgresStore::connect(&options).await.unwrap();
        store.insert(offer(1)).await.unwrap();
        drop(store);
        let mut client = client(&address).await;
        put_back(&client, 1).await;
        // a table of the next version is in the way: whoever migrates waits at its second half
        let blocked = client.transaction().await.unwrap();
        blocked.batch_execute("CREATE TABLE status_epoch (x BIGINT)").await.unwrap();
        let starting = {
            let options = options.clone();
            tokio::spawn(async move { PostgresStore::connect(&options).await.map(drop) })
        };
        let waiting = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                       WHERE application_name = 'lanyard' AND wait_event_type = 'Lock'
                         AND query LIKE '%CREATE TABLE epoch%'";
        while server.sql(waiting) == "0" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let refused = starting.await.unwrap();
        assert!(matches!(refused, Err(ConnectError::Migration { .. })), "{refused:?}");
        blocked.rollback().await.unwrap();
        assert_eq!(version(&client).await, 1);
        let half = client.query_one("SELECT to_regclass('epoch') IS NULL", &[]).await;
        assert!(half.unwrap().get::<_, bool>(0), "no half of it is there");

        let store = PostgresStore::connect(&options).await.unwrap();
        assert!(matches!(store.take(&demo(), &code(1), second(2)).await, Ok(Taken::Live(_))));
    });
}

/// Waits until a migration waits for the table `status`, or until none does any more.
async fn until_waiting(server: &PostgresServer, address: &str, wanted: bool) {
    let name = address.rsplit_once("dbname=").unwrap().1;
    let waiting = format!(
        "SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = '{name}'
           AND wait_event_type = 'Lock' AND query LIKE '%ALTER TABLE status%'"
    );
    while server.sql(&waiting) != if wanted { "t" } else { "f" } {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn a_migration_that_waits_for_a_table_lets_the_replicas_of_the_version_before_go_on() {
    block_on(async {
        let Some(server) = PostgresServer::shared() else { return };
        let address = server.database();
        let options = PostgresOptions::new(&address);
        drop(PostgresStore::connect(&options).await.unwrap());
        let mut backup = client(&address).await;
        put_back(&backup, 2).await;
        // as pg_dump does, for as long as it takes
        let read = backup.transaction().await.unwrap();
        read.batch_execute("LOCK TABLE status IN ACCESS SHARE MODE").await.unwrap();

        let starting = tokio::spawn({
            let options = options.clone();
            async move { PostgresStore::connect(&options).await.map(drop) }
        });
        let before = client(&address).await;
        before.batch_execute("SET lock_timeout = '2s'; SET lanyard.tenant = 'demo'").await.unwrap();
        for n in 0..2_u32 {
            until_waiting(server, &address, true).await;
            let issued = "INSERT INTO status (tenant, credential, list, place, value)
                          VALUES ('demo', $1, 0, 0, 0)";
            let credential = credential(n);
            before.execute(issued, &[&credential.as_bytes().as_slice()]).await.unwrap();
            until_waiting(server, &address, false).await;
        }
        assert!(!starting.is_finished());
        read.commit().await.unwrap();
        starting.await.unwrap().unwrap();
        assert_eq!(version(&backup).await, 5);
    });
}

/// A role of its own beside the one that owns the tables, and the address as that role.
fn other_role(server: &PostgresServer, address: &str, role: &str) -> PostgresOptions {
    server.sql(&format!("CREATE ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS"));
    PostgresOptions { role: Some(role.to_owned()), ..PostgresOptions::new(address) }
}

#[test]
fn a_role_that_may_only_read_and_write_serves_what_its_owner_brought_up() {
    block_on(async {
        let Some(server) = PostgresServer::shared() else { return };
        let address = server.database();
        let serving = other_role(server, &address, "serving");
        let owner = PostgresOptions::new(&address);
        PostgresStore::migrate(&owner, serving.spoken_as().as_deref()).await.unwrap();

        let rights = server.sql_in(
            &address,
            "SELECT string_agg(DISTINCT privilege_type, ' ') FROM information_schema.role_table_grants
             WHERE grantee = 'serving'",
        );
        assert_eq!(rights, "DELETE INSERT SELECT UPDATE");
        let store = PostgresStore::connect(&serving).await.unwrap();
        store.insert(offer(1)).await.unwrap();
        store.record_issued(&demo(), record(1, id(1)), Vec::new(), None).await.unwrap();
        assert_eq!(store.reserve_statuses(&demo(), 256).await, Ok(0));
        assert_eq!(store.link_audit(9).await, Ok(1));
        assert_eq!(store.ready().await, Ok(()));
        assert!(matches!(store.take(&demo(), &code(1), second(2)).await, Ok(Taken::Live(_))));
    });
}

#[test]
fn whoever_serves_reads_and_writes_every_table() {
    block_on(async {
        let Some(server) = PostgresServer::shared() else { return };
        let address = server.database();
        let serving = other_role(server, &address, "serving_all");
        let owner = PostgresOptions::new(&address);
        PostgresStore::migrate(&owner, serving.spoken_as().as_deref()).await.unwrap();
        let unknown = "SELECT string_agg(relname, ' ') FROM pg_class
                       WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
                         AND NOT has_table_privilege('serving_all', oid, 'UPDATE')";
        assert_eq!(server.sql_in(&address, unknown), "schema_version");
    });
}

#[test]
fn a_role_that_may_not_migrate_is_told_who_does() {
    block_on(async {
        let Some(server) = PostgresServer::shared() else { return };
        let address = server.database();
        let serving = other_role(server, &address, "serving_an_old_schema");
        let refused = PostgresStore::connect(&serving).await.unwrap_err();
        assert!(matches!(refused, ConnectError::MayNotMigrate { found: 0, .. }), "{refused:?}");

        let owner = PostgresOptions::new(&address);
        PostgresStore::migrate(&owner, serving.spoken_as().as_deref()).await.unwrap();
        put_back(&client(&address).await, 2).await;
        let refused = PostgresStore::connect(&serving).await.unwrap_err();
        assert!(matches!(refused, ConnectError::MayNotMigrate { found: 2, .. }), "{refused:?}");
        assert!(refused.to_string().contains("lanyard migrate"), "{refused}");
        assert_eq!(version(&client(&address).await).await, 2);
    });
}

#[test]
fn a_role_that_lacks_a_table_is_told_which() {
    block_on(async {
        let Some(server) = PostgresServer::shared() else { return };
        let address = server.database();
        let serving = other_role(server, &address, "serving_less");
        let owner = PostgresOptions::new(&address);
        PostgresStore::migrate(&owner, serving.spoken_as().as_deref()).await.unwrap();
        let taken = "REVOKE UPDATE ON status FROM serving_less";
        client(&address).await.batch_execute(taken).await.unwrap();
        let refused = PostgresStore::connect(&serving).await.unwrap_err();
        let told = matches!(&refused, ConnectError::MayNotServe { table } if table == "status");
        assert!(told, "{refused:?}");
    });
}
