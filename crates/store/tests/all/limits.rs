//! A full disk, a locked database: clear answers, no damage, and all is well again afterwards.

use std::sync::Arc;
use std::time::Duration;

use lanyard_store::{
    NewSession, Next, Replaced, SessionStore as _, SqliteOptions, SqliteStore, Store as _,
    StoreError, Taken, Unavailability,
};

use crate::support::{block_on, code, demo, end, id, live, offer, second};

#[test]
fn a_full_store_refuses_writes_still_reads_and_heals_when_something_is_purged() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions { largest_size: Some(1 << 20), ..SqliteOptions::default() };
    let store = SqliteStore::open_with(directory.path(), &options).unwrap();
    block_on(async {
        let large = |n| NewSession { state: vec![7; 20_000], ..offer(n) };
        let mut kept = 0;
        let refused = loop {
            match store.insert(large(kept)).await {
                Ok(()) => kept += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(refused, StoreError::Full);
        assert_eq!(refused.reason(), "store_full");
        assert!(kept > 20, "{kept} sessions fit");

        // What was acknowledged is there, what was refused is not, and reads go on.
        for n in 0..kept {
            assert_eq!(live(&store, code(n)).await.state.len(), 20_000);
        }
        assert_eq!(store.by_id(&demo(), id(kept), second(1)).await, Ok(Taken::Absent));
        assert_eq!(store.take(&demo(), &code(kept), second(1)).await, Ok(Taken::Absent));

        // A step that gives room back is still taken.
        let next = Next::new(second(2), vec![8; 100], end());
        let held = live(&store, code(0)).await;
        assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));

        assert_eq!(store.purge_expired(end(), 5).await, Ok(5));
        assert_eq!(store.insert(large(kept)).await, Ok(()));
        assert_eq!(store.ready().await, Ok(()));
    });
    drop(store);
    SqliteStore::open_with(directory.path(), &options).expect("no damage");
}

#[test]
fn one_write_too_large_for_a_full_store_is_refused_alone() {
    let directory = tempfile::tempdir().unwrap();
    let options = SqliteOptions { largest_size: Some(1 << 20), ..SqliteOptions::default() };
    let store = Arc::new(SqliteStore::open_with(directory.path(), &options).unwrap());
    block_on(async {
        let huge = NewSession { state: vec![7; 2 << 20], ..offer(50) };
        let mut writers = tokio::task::JoinSet::new();
        for n in 0..100 {
            let session = if n == 50 { huge.clone() } else { offer(n) };
            let store = store.clone();
            writers.spawn(async move { (n, store.insert(session).await) });
        }
        for (n, written) in writers.join_all().await {
            assert_eq!(written, if n == 50 { Err(StoreError::Full) } else { Ok(()) }, "{n}");
            let found = store.take(&demo(), &code(n), second(1)).await.unwrap();
            assert_eq!(matches!(found, Taken::Live(_)), n != 50, "{n}");
        }
    });
}

#[test]
fn a_database_that_another_process_holds_is_busy_and_then_free_again() {
    let directory = tempfile::tempdir().unwrap();
    let options =
        SqliteOptions { busy_timeout: Duration::from_millis(30), ..SqliteOptions::default() };
    let store = SqliteStore::open_with(directory.path(), &options).unwrap();
    let backup = rusqlite::Connection::open(directory.path().join("lanyard.db")).unwrap();
    block_on(async {
        store.insert(offer(1)).await.unwrap();
        backup.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let busy = store.insert(offer(2)).await.unwrap_err();
        assert!(matches!(busy, StoreError::Unavailable { cause: Unavailability::Busy, .. }));
        assert_eq!(busy.reason(), "store_busy");
        assert_eq!(busy.retry_after(), Some(Duration::from_secs(1)));
        assert_eq!(store.ready().await, Err(busy));
        assert_eq!(live(&store, code(1)).await.id, id(1), "reads do not wait");

        backup.execute_batch("ROLLBACK").unwrap();
        assert_eq!(store.insert(offer(2)).await, Ok(()));
    });
}

#[test]
fn a_queue_that_is_full_refuses_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    let backup = rusqlite::Connection::open(directory.path().join("lanyard.db")).unwrap();
    backup.execute_batch("BEGIN EXCLUSIVE").unwrap();
    block_on(async {
        let mut waiting: Vec<_> = (0..5_000).map(|n| store.insert(offer(n))).collect();
        // Poll each once: the writer waits for the lock, so no answer but a refusal can come yet.
        let refused = std::future::poll_fn(|context| {
            let refused = waiting.iter_mut().find_map(|it| match it.as_mut().poll(context) {
                std::task::Poll::Ready(Err(error)) => Some(error),
                _ => None,
            });
            std::task::Poll::Ready(refused)
        });
        let refused = refused.await.unwrap();
        assert!(
            matches!(refused, StoreError::Unavailable { cause: Unavailability::Overloaded, .. }),
            "{refused:?}"
        );
        backup.execute_batch("ROLLBACK").unwrap();
    });
}
