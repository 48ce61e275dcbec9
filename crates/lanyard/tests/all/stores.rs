//! The store that servers run on: that of their data folder, or what `LANYARD_TEST_STORE` names.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use lanyard_cli::config::SharedStore;
use lanyard_store::PostgresOptions;
use lanyard_testkit::PostgresServer;

/// The address of a database with nothing in it, where servers are to have one.
pub(crate) fn database() -> Option<String> {
    match std::env::var("LANYARD_TEST_STORE").as_deref() {
        Ok("postgres") => PostgresServer::shared().map(PostgresServer::database),
        Ok("sqlite") | Err(_) => None,
        Ok(other) => unreachable!("no server runs on {other}"),
    }
}

/// The same, as a plan says it.
pub(crate) fn shared() -> Option<SharedStore> {
    database().map(|address| SharedStore { postgres: PostgresOptions::new(address) })
}

/// What a configuration in this folder says of the store, with the key that goes with it.
pub(crate) fn section(folder: &Path) -> String {
    let Some(database) = database() else { return String::new() };
    let key = folder.join("sealing-key");
    std::fs::write(&key, [7; 32]).expect("writable");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("ours");
    format!("[store]\npostgres = \"{database}\"\nsealing_key_file = \"sealing-key\"\n")
}
