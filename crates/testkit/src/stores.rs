//! The store that tests of services run on: in memory, or what `LANYARD_TEST_STORE` names.

use std::{
    env,
    sync::{Arc, LazyLock},
    thread,
};

use lanyard_store::{Herald, MemoryStore, PostgresOptions, PostgresStore, SqliteStore, Store};
use tokio::runtime::Runtime;

use crate::PostgresServer;

/// A store with nothing in it: `LANYARD_TEST_STORE` names `memory`, which it is anyway, `sqlite` or `postgres`.
///
/// # Panics
/// When it cannot be made, or the variable says something else.
pub fn store() -> Arc<dyn Store> {
    made(None)
}

/// The same, which asks this herald who is told of each step.
///
/// # Panics
/// As [`store`].
pub fn store_heralded_by(herald: Arc<dyn Herald>) -> Arc<dyn Store> {
    made(Some(herald))
}

fn made(herald: Option<Arc<dyn Herald>>) -> Arc<dyn Store> {
    macro_rules! heralded {
        ($store:expr) => {
            match herald {
                Some(herald) => Arc::new($store.heralded_by(herald)),
                None => Arc::new($store),
            }
        };
    }
    match env::var("LANYARD_TEST_STORE").as_deref() {
        Ok("sqlite") => heralded!(sqlite()),
        Ok("postgres") => match postgres() {
            Some(store) => heralded!(store),
            None => heralded!(MemoryStore::new()),
        },
        Ok("memory") | Err(_) => heralded!(MemoryStore::new()),
        Ok(other) => unreachable!("LANYARD_TEST_STORE is no {other}"),
    }
}

/// Its files are gone for everybody else as soon as it is open: nothing is left behind.
fn sqlite() -> SqliteStore {
    let folder = tempfile::tempdir().expect("a folder");
    SqliteStore::open(folder.path()).expect("a store")
}

/// In a database of its own; none where PostgreSQL is not installed, which fails in CI.
fn postgres() -> Option<PostgresStore> {
    // a connection lives as long as the runtime that it was made in, and every test has one of its own
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));
    let address = PostgresServer::shared()?.database();
    let options = PostgresOptions { connections: 8, ..PostgresOptions::new(&address) };
    let connected = thread::spawn(move || RUNTIME.block_on(PostgresStore::connect(&options)));
    Some(connected.join().expect("it connects").expect("a store"))
}
