//! What PostgreSQL reads where a plan was made while the tables were small, and they have filled since.

use std::time::Duration;

use lanyard_store::{
    AuditStore as _, CallStore as _, Claim, IssuedStore as _, MessageStore as _, OnceStore as _,
    PostgresOptions, PostgresStore, SessionStore as _, Taken,
};
use lanyard_testkit::PostgresServer;

use crate::support::{block_on, code, demo, offer, second};

/// A connection keeps a plan from the sixth time on.
const OFTEN: usize = 7;

/// Fills what grows with rows from one number up to another, none of which is due.
fn fill(server: &PostgresServer, address: &str, first: u32, last: u32) {
    let never = i64::MAX;
    let numbers = format!("generate_series({first}, {last}) AS n (i)");
    let id = "decode(md5(i::text), 'hex')";
    server.sql_in(
        address,
        &format!(
            "INSERT INTO message (tenant, id, webhook, errand, kind, payload, state, due_at, keep_until)
             SELECT 'demo', {id}, 'hr', 'deliver', 'k', '{{}}', 'delivered', 0, {never} FROM {numbers};
             INSERT INTO session (tenant, id, kind, version, created_at, expires_at, handles, events, trail, state)
             SELECT 'demo', {id}, 'offer', 1, 1, {never}, '', 1, '', '' FROM {numbers};
             INSERT INTO seen_once (tenant, kind, digest, expires_at)
             SELECT 'demo', 'k', {id} || {id}, {never} FROM {numbers};
             INSERT INTO call (tenant, key, request, lease_until, expires_at)
             SELECT 'demo', {id} || {id}, {id} || {id}, 0, {never} FROM {numbers};
             INSERT INTO issued (tenant, credential, configuration, issued_at, expires_at, session)
             SELECT 'demo', {id}, 'c', 1, {never}, {id} FROM {numbers};
             INSERT INTO audit_block (tenant, number, entries, at, previous, digest, hash, text)
             SELECT 'demo', i, 1, {never}, {id} || {id}, {id} || {id}, {id} || {id}, 'l' FROM {numbers}"
        ),
    );
}

/// What replicas ask again and again, and nothing is due.
async fn ask(store: &PostgresStore) {
    let due = Claim::of_all(second(2), second(9), 9);
    assert_eq!(store.claim_messages(due).await, Ok(Vec::new()));
    assert!(matches!(store.take(&demo(), &code(1), second(2)).await, Ok(Taken::Live(_))));
    assert_eq!(store.purge_expired(second(2), 500).await, Ok(0));
    assert_eq!(store.purge_messages(second(2), 500).await, Ok(0));
    assert_eq!(store.purge_once(second(2), 500).await, Ok(0));
    assert_eq!(store.purge_calls(second(2), 500).await, Ok(0));
    assert_eq!(store.purge_issued(second(2), 500).await, Ok(0));
    assert_eq!(store.shred_audit(second(2), 500).await, Ok(0));
}

/// The rows that were read of each table, once every connection of the store has told its count.
fn read(server: &PostgresServer, address: &str) -> String {
    let name = address.rsplit_once("dbname=").unwrap().1;
    let open = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'");
    for _ in 0..100 {
        if server.sql(&open) == "0" {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    server.sql_in(
        address,
        "SELECT coalesce(string_agg(relname, ' ' ORDER BY relname), '') FROM pg_stat_user_tables
         WHERE relname IN ('message', 'session', 'seen_once', 'call', 'issued', 'audit_block')
           AND seq_tup_read + coalesce(idx_tup_fetch, 0) > 5000",
    )
}

#[test]
fn a_plan_from_a_small_table_does_not_read_what_was_kept_since() {
    block_on(async {
        let Some(server) = PostgresServer::shared() else { return };
        let address = server.database();
        let options = PostgresOptions { connections: 1, ..PostgresOptions::new(&address) };
        let store = PostgresStore::connect(&options).await.unwrap();
        store.insert(offer(1)).await.unwrap();
        fill(server, &address, 1, 20);
        server.sql_in(&address, "ANALYZE message, session, seen_once, call, issued, audit_block");
        for _ in 0..OFTEN {
            ask(&store).await;
        }
        fill(server, &address, 21, 10_000);
        ask(&store).await;
        drop(store);
        assert_eq!(read(server, &address), "", "of these all rows were read");
    });
}
