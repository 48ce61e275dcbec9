//! A PostgreSQL database of another version: brought up, or left alone.

use std::time::Duration;

use lanyard_store::{
    ConnectError, PostgresOptions, PostgresStore, SessionStore as _, StatusStore as _, Store as _,
    Taken,
};
use lanyard_testkit::PostgresServer;
use tokio_postgres::NoTls;

use crate::postgres::database;
use crate::support::{block_on, code, demo, offer, second};

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    block_on(async {
        let Some(address) = database() else { return };
        drop(PostgresStore::connect(&PostgresOptions::new(&address)).await.unwrap());
        let (client, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.execute("INSERT INTO schema_version (version) VALUES (99)", &[]).await.unwrap();
        let refused = PostgresStore::connect(&PostgresOptions::new(&address)).await;
        assert!(matches!(refused, Err(ConnectError::NewerSchema { found: 99, .. })), "{refused:?}");
    });
}

/// Makes a database what the first version left.
async fn put_back(client: &tokio_postgres::Client) {
    let undone = "DROP TABLE audit_note, audit_block, audit_head;
                  ALTER TABLE status DROP COLUMN suspendable;
                  DROP TABLE status_epoch; DROP TABLE epoch;
                  DELETE FROM schema_version WHERE version > 1";
    client.batch_execute(undone).await.unwrap();
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
        let (client, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
        tokio::spawn(connection);
        put_back(&client).await;

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
        let (mut client, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
        tokio::spawn(connection);
        put_back(&client).await;
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
        let version = client.query_one("SELECT max(version) FROM schema_version", &[]).await;
        assert_eq!(version.unwrap().get::<_, i64>(0), 1);
        let half = client.query_one("SELECT to_regclass('epoch') IS NULL", &[]).await;
        assert!(half.unwrap().get::<_, bool>(0), "no half of it is there");

        let store = PostgresStore::connect(&options).await.unwrap();
        assert!(matches!(store.take(&demo(), &code(1), second(2)).await, Ok(Taken::Live(_))));
    });
}
