//! Where everything is kept, if not in the data folder.

use std::path::Path;

use lanyard_store::PostgresOptions;

use super::fault::Faults;
use super::file::{File, StoreTable};
use super::{existing, private};

/// The most connections that one process may ask of a server.
const MOST_CONNECTIONS: usize = 1000;

/// One PostgreSQL database.
#[derive(Debug, Clone)]
pub struct SharedStore {
    /// Where the database is.
    pub postgres: PostgresOptions,
}

/// The shared store, if one is named; nothing inside where something is wrong with it.
pub(super) fn examine(
    file: &File,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<Option<SharedStore>> {
    match &file.store {
        None => Some(None),
        Some(table) => shared(table.get_ref(), folder, faults).map(Some),
    }
}

fn shared(table: &StoreTable, folder: &Path, faults: &mut Faults<'_>) -> Option<SharedStore> {
    let options = PostgresOptions::new(table.postgres.get_ref().as_str());
    // neither message repeats the address: it may hold a password
    let usable = if options.says_password() {
        faults.at(
            table.postgres.span(),
            "the address holds a password; put it in a file of mode 600 and write password_file = \"…\", or set LANYARD_POSTGRES_PASSWORD",
        );
        false
    } else if !options.is_usable() {
        faults.at(
            table.postgres.span(),
            "postgres is an address with user, host and database; write for example \"postgres://lanyard@db.example.com/lanyard\"",
        );
        false
    } else {
        true
    };
    let password = password(table, folder, faults);
    let authorities = authorities(table, folder, faults);
    let connections = connections(table, faults);
    let options = PostgresOptions {
        password: password?,
        authorities: authorities?,
        connections: connections?,
        ..options
    };
    Some(SharedStore { postgres: usable.then_some(options)? })
}

fn password(table: &StoreTable, folder: &Path, faults: &mut Faults<'_>) -> Option<Option<String>> {
    let Some(written) = &table.password_file else { return Some(None) };
    let path = private(written, folder, faults)?;
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        faults.at(written.span(), "the file holds no password");
        return None;
    }
    Some(Some(password.to_owned()))
}

fn authorities(
    table: &StoreTable,
    folder: &Path,
    faults: &mut Faults<'_>,
) -> Option<Option<Vec<u8>>> {
    let Some(written) = &table.authorities else { return Some(None) };
    let pem = std::fs::read(existing(written, folder, faults)?).unwrap_or_default();
    if !String::from_utf8_lossy(&pem).contains("-----BEGIN CERTIFICATE-----") {
        faults.at(written.span(), "the file holds no certificate (PEM)");
        return None;
    }
    Some(Some(pem))
}

fn connections(table: &StoreTable, faults: &mut Faults<'_>) -> Option<usize> {
    let Some(written) = &table.connections else { return Some(PostgresOptions::CONNECTIONS) };
    let number = *written.get_ref();
    if !(1..=MOST_CONNECTIONS).contains(&number) {
        faults.at(written.span(), format!("connections is a number from 1 to {MOST_CONNECTIONS}"));
        return None;
    }
    Some(number)
}
