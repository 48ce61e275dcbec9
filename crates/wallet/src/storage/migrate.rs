//! Databases of older versions, brought to the schema of today.

use rusqlite::{Transaction, params};
use serde_json::{Map, Value, json};

use super::{StorageError, seal::Seal};

/// The schema this version reads and writes.
pub(super) const SCHEMA: i64 = 8;

/// Brings an older schema up, step by step; the caller commits all of it or nothing.
pub(super) fn bring_up(
    transaction: &Transaction<'_>,
    seal: &Seal,
    found: i64,
) -> Result<(), StorageError> {
    if found < 2 {
        name_formats(transaction, seal)?;
    }
    if found < 3 {
        // 2 → 3: issuances between two steps
        transaction.execute_batch(
            "CREATE TABLE pending (id INTEGER PRIMARY KEY AUTOINCREMENT, sealed BLOB NOT NULL)",
        )?;
    }
    if found < 4 {
        // 3 → 4: credentials that an issuer deferred
        transaction.execute_batch(
            "CREATE TABLE waiting (id INTEGER PRIMARY KEY AUTOINCREMENT, sealed BLOB NOT NULL)",
        )?;
    }
    if found < 5 {
        // 4 → 5: what issuers are told when their cards are deleted
        transaction.execute_batch(
            "CREATE TABLE notice (
                 id INTEGER PRIMARY KEY AUTOINCREMENT,
                 card INTEGER REFERENCES card (id) ON DELETE CASCADE,
                 sealed BLOB NOT NULL
             );
             CREATE INDEX notice_by_card ON notice (card)",
        )?;
    }
    if found < 6 {
        // 5 → 6: what status lists say of cards, and the keys that the wallet is attested by
        transaction.execute_batch(
            "CREATE TABLE status (
                 id INTEGER PRIMARY KEY AUTOINCREMENT,
                 card INTEGER NOT NULL REFERENCES card (id) ON DELETE CASCADE,
                 sealed BLOB NOT NULL
             );
             CREATE INDEX status_by_card ON status (card);
             CREATE TABLE instance (id INTEGER PRIMARY KEY AUTOINCREMENT, sealed BLOB NOT NULL)",
        )?;
    }
    if found < 7 {
        // 6 → 7: the PIN and its wrong tries
        transaction.execute_batch(
            "CREATE TABLE pin (id INTEGER PRIMARY KEY AUTOINCREMENT, sealed BLOB NOT NULL)",
        )?;
    }
    if found < 8 {
        // 7 → 8: the pictures of cards
        transaction.execute_batch(
            "CREATE TABLE picture (
                 id INTEGER PRIMARY KEY AUTOINCREMENT,
                 card INTEGER NOT NULL REFERENCES card (id) ON DELETE CASCADE,
                 sealed BLOB NOT NULL
             );
             CREATE INDEX picture_by_card ON picture (card)",
        )?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    Ok(())
}

/// 1 → 2: a card says its format and its types; before, every card was an SD-JWT VC.
fn name_formats(transaction: &Transaction<'_>, seal: &Seal) -> Result<(), StorageError> {
    let mut statement = transaction.prepare("SELECT id, sealed FROM card")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    for row in rows.collect::<Result<Vec<(i64, Vec<u8>)>, _>>()? {
        let (id, sealed) = row;
        let plain = seal.open("card", id, &sealed).map_err(|_| StorageError::Damaged)?;
        let mut card: Map<String, Value> =
            serde_json::from_slice(&plain).map_err(|_| StorageError::Damaged)?;
        let mut types: Vec<_> = card.shift_remove("vct").into_iter().collect();
        if let Some(Value::Array(aka)) = card.shift_remove("aka_vcts") {
            types.extend(aka);
        }
        card.insert("format".to_owned(), json!("dc+sd-jwt"));
        card.insert("types".to_owned(), Value::Array(types));
        let plain = serde_json::to_vec(&card).map_err(|_| StorageError::Damaged)?;
        let sealed = seal.seal("card", id, &plain);
        transaction.execute("UPDATE card SET sealed = ?1 WHERE id = ?2", params![sealed, id])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use async_trait::async_trait;
    use lanyard_core::{credential::Format, crypto::RustCrypto};
    use rusqlite::Connection;
    use zeroize::Zeroizing;

    use super::{super::Storage, *};
    use crate::{
        ports::{SecureStorage, SecureStorageError},
        storage::CardId,
    };

    struct Key;

    #[async_trait]
    impl SecureStorage for Key {
        async fn database_key(&self) -> Result<Zeroizing<[u8; 32]>, SecureStorageError> {
            Ok(Zeroizing::new([1; 32]))
        }
    }

    /// A card as the first version wrote it.
    const FIRST: &str = r#"{"issuer":"https://issuer.example/demo","issuer_name":"Issuer","issuer_identity":"CN=Issuer","configuration":"badge","vct":"urn:example:badge","face":{"name":"Badge","description":null,"logo":null,"background_color":null,"text_color":null,"labels":[]},"aka_vcts":["urn:example:pass"],"key_identifiers":[[1,2,3]],"holder_bound":true,"claims":{"given_name":"Ada"},"received_at":"2026-01-15T12:00:00Z","expires_at":null}"#;

    /// A database of schema 1 with one card of one copy.
    fn first(file: &Path) {
        let seal = Seal::new(Zeroizing::new([1; 32]), Arc::new(RustCrypto));
        let raw = Connection::open(file).expect("a database");
        raw.execute_batch(include_str!("schema.sql")).expect("the first schema");
        let check = seal.seal("check", 0, b"lanyard wallet");
        raw.execute("INSERT INTO key_check (sealed) VALUES (?1)", [check]).expect("a row");
        let card = seal.seal("card", 1, FIRST.as_bytes());
        raw.execute("INSERT INTO card (id, sealed) VALUES (1, ?1)", [card]).expect("a row");
        let copy = seal.seal("copy", 1, br#"{"credential":"a.b.c~","key":"7"}"#);
        raw.execute("INSERT INTO copy (id, card, sealed) VALUES (1, 1, ?1)", [copy])
            .expect("a row");
        raw.pragma_update(None, "user_version", 1).expect("a version");
    }

    #[tokio::test]
    async fn a_card_of_the_first_version_is_an_sd_jwt_vc_with_its_types() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("wallet.sqlite");
        first(&file);
        for _ in 0..2 {
            let storage = Storage::open(&file, &Key, Arc::new(RustCrypto)).await.expect("it opens");
            let cards = storage.cards().expect("the card opens");
            assert_eq!(cards[0].content.format, Format::SdJwtVc);
            assert_eq!(cards[0].content.types, ["urn:example:badge", "urn:example:pass"]);
            assert_eq!(cards[0].content.claims["given_name"], "Ada");
            let (_, copy) = storage.take_copy(CardId(1)).expect("it opens").expect("a copy");
            assert_eq!(copy.credential, "a.b.c~");
        }
        let raw = Connection::open(&file).expect("a database");
        let version: i64 =
            raw.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version");
        assert_eq!(version, SCHEMA);
    }

    #[tokio::test]
    async fn an_older_database_under_another_key_is_refused_and_left_as_it_is() {
        struct Other;
        #[async_trait]
        impl SecureStorage for Other {
            async fn database_key(&self) -> Result<Zeroizing<[u8; 32]>, SecureStorageError> {
                Ok(Zeroizing::new([2; 32]))
            }
        }
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("wallet.sqlite");
        first(&file);
        let refused = Storage::open(&file, &Other, Arc::new(RustCrypto)).await;
        assert!(matches!(refused, Err(StorageError::WrongKey)));
        let raw = Connection::open(&file).expect("a database");
        let version: i64 =
            raw.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version");
        assert_eq!(version, 1);
    }
}
