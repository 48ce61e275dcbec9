//! The wallet's database: sealed, durable, shared by two processes.

use std::{path::Path, sync::Arc};

use async_trait::async_trait;
use lanyard_core::{credential::Format, crypto::RustCrypto};
use lanyard_testkit::test_now;
use lanyard_wallet::{
    KnownStatus, SoftwareKeys, StatusWord,
    face::Face,
    history::{Entry, Event},
    ports::{KeyHandle, KeyStore as _, KeyStoreError, SecureStorage, SecureStorageError},
    storage::{Card, CardId, Copy, Form, NewCard, Storage, StorageError},
};
use serde_json::json;
use zeroize::Zeroizing;

struct Key(u8);

#[async_trait]
impl SecureStorage for Key {
    async fn database_key(&self) -> Result<Zeroizing<[u8; 32]>, SecureStorageError> {
        Ok(Zeroizing::new([self.0; 32]))
    }
}

const FORMS: [Form; 2] = [Form::Sqlite, Form::Journal];

async fn open(folder: &Path, key: u8) -> Result<Storage, StorageError> {
    open_as(Form::Sqlite, folder, key).await
}

async fn open_as(form: Form, folder: &Path, key: u8) -> Result<Storage, StorageError> {
    Storage::open_as(form, &folder.join("wallet.db"), &Key(key), Arc::new(RustCrypto)).await
}

fn card() -> NewCard {
    let claims = json!({"given_name": "Canary-Ada", "address": {"locality": "Canary-Town"}});
    NewCard {
        issuer: "https://canary-issuer.example/demo".to_owned(),
        issuer_name: Some("Canary Issuer".to_owned()),
        issuer_identity: "CN=Canary".to_owned(),
        configuration: "canary_badge".to_owned(),
        format: Format::SdJwtVc,
        types: vec!["urn:canary:badge".to_owned()],
        face: Face { name: "Canary badge".to_owned(), ..Face::default() },
        holder_bound: true,
        has_status: false,
        key_identifiers: Vec::new(),
        claims: claims.as_object().cloned().expect("an object"),
        received_at: test_now(),
        expires_at: None,
    }
}

fn copies(count: usize) -> Vec<Copy> {
    let copy = |number: usize| Copy {
        credential: format!("canary.credential.{number}~"),
        key: Some(KeyHandle(number.to_string())),
    };
    (1..=count).map(copy).collect()
}

#[tokio::test]
async fn gives_back_after_reopening_what_was_stored() {
    for form in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let storage = open_as(form, folder.path(), 1).await.unwrap();
        let id = storage.insert_card(&card(), &copies(2)).unwrap();
        drop(storage);
        let cards = open_as(form, folder.path(), 1).await.unwrap().cards().unwrap();
        assert_eq!(cards.len(), 1);
        assert_eq!((cards[0].id, cards[0].copies, cards[0].unused_copies), (id, 2, 2));
        assert_eq!(cards[0].content.claims, card().claims);
    }
}

#[tokio::test]
async fn refuses_another_key_and_leaves_the_file_as_it_is() {
    for form in FORMS {
        let folder = tempfile::tempdir().unwrap();
        open_as(form, folder.path(), 1).await.unwrap().insert_card(&card(), &copies(1)).unwrap();
        let refused = open_as(form, folder.path(), 2).await.unwrap_err();
        assert!(matches!(refused, StorageError::WrongKey), "{refused}");
        assert_eq!(open_as(form, folder.path(), 1).await.unwrap().cards().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn refuses_a_newer_schema_and_leaves_the_file_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), 1).await.unwrap();
    let file = folder.path().join("wallet.db");
    let raw = rusqlite::Connection::open(&file).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    let refused = open(folder.path(), 1).await.unwrap_err();
    assert!(matches!(refused, StorageError::NewerSchema { found: 99, .. }), "{refused}");
    let version: i64 = raw.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 99);
}

#[tokio::test]
async fn keeps_nothing_readable_in_the_file() {
    for form in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let storage = open_as(form, folder.path(), 1).await.unwrap();
        storage.insert_card(&card(), &copies(3)).unwrap();
        storage.record(&entry("canary-verifier.example")).unwrap();
        SoftwareKeys::new(storage.clone(), Arc::new(RustCrypto)).generate(1).await.unwrap();
        drop(storage);
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap().to_ascii_lowercase();
            assert!(!bytes.windows(6).any(|window| window == b"canary"));
            assert!(!bytes.windows(5).any(|window| window == b"p-256"));
        }
    }
}

#[tokio::test]
async fn notices_a_flipped_byte_in_a_record() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path(), 1).await.unwrap().insert_card(&card(), &copies(1)).unwrap();
    let raw = rusqlite::Connection::open(folder.path().join("wallet.db")).unwrap();
    let mut sealed: Vec<u8> =
        raw.query_row("SELECT sealed FROM card", [], |row| row.get(0)).unwrap();
    sealed[20] ^= 1;
    raw.execute("UPDATE card SET sealed = ?1", [sealed]).unwrap();
    let refused = open(folder.path(), 1).await.unwrap().cards().unwrap_err();
    assert!(matches!(refused, StorageError::Damaged), "{refused}");
}

#[tokio::test]
async fn notices_a_record_that_was_moved_to_another_row() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path(), 1).await.unwrap();
    let id = storage.insert_card(&card(), &copies(2)).unwrap();
    let raw = rusqlite::Connection::open(folder.path().join("wallet.db")).unwrap();
    raw.execute("UPDATE copy SET sealed = (SELECT sealed FROM copy WHERE id = 2) WHERE id = 1", [])
        .unwrap();
    let refused = storage.take_copy(id).unwrap_err();
    assert!(matches!(refused, StorageError::Damaged), "{refused}");
}

#[tokio::test]
async fn takes_every_copy_once_before_it_takes_one_again() {
    for form in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let storage = open_as(form, folder.path(), 1).await.unwrap();
        let id = storage.insert_card(&card(), &copies(3)).unwrap();
        let mut taken: Vec<_> =
            (0..3).map(|_| storage.take_copy(id).unwrap().unwrap().1.credential).collect();
        taken.sort();
        taken.dedup();
        assert_eq!(taken.len(), 3);
        assert_eq!(storage.cards().unwrap()[0].unused_copies, 0);
        assert!(storage.take_copy(id).unwrap().is_some());
    }
}

#[tokio::test]
async fn two_openers_never_take_the_same_unused_copy() {
    for form in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let one = open_as(form, folder.path(), 1).await.unwrap();
        let other = open_as(form, folder.path(), 1).await.unwrap();
        let id = one.insert_card(&card(), &copies(40)).unwrap();
        let takers: Vec<_> = [one, other]
            .into_iter()
            .map(|storage| {
                std::thread::spawn(move || {
                    (0..20).map(|_| storage.take_copy(id).unwrap().unwrap().0.0).collect::<Vec<_>>()
                })
            })
            .collect();
        let mut taken: Vec<_> =
            takers.into_iter().flat_map(|taker| taker.join().unwrap()).collect();
        taken.sort_unstable();
        taken.dedup();
        assert_eq!(taken.len(), 40);
    }
}

#[tokio::test]
async fn the_list_of_cards_has_what_this_process_and_others_changed() {
    for form in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let one = open_as(form, folder.path(), 1).await.unwrap();
        let other = open_as(form, folder.path(), 1).await.unwrap();
        let first = one.insert_card(&card(), &copies(2)).unwrap();
        let seen = |storage: &Storage| {
            let card = |card: &Card| (card.id, card.unused_copies, card.status.is_some());
            storage.cards().unwrap().iter().map(card).collect::<Vec<_>>()
        };
        let both = |expected: &[(CardId, u32, bool)]| {
            assert_eq!((seen(&one).as_slice(), seen(&other).as_slice()), (expected, expected));
        };
        both(&[(first, 2, false)]);
        other.take_copy(first).unwrap();
        both(&[(first, 1, false)]);
        let word = KnownStatus { word: StatusWord::Valid, as_of: test_now(), until: None };
        one.keep_status(first, word).unwrap();
        both(&[(first, 1, true)]);
        let second = other.insert_card(&card(), &copies(1)).unwrap();
        both(&[(second, 1, false), (first, 1, true)]);
        one.delete_card(first).unwrap();
        both(&[(second, 1, false)]);
    }
}

#[tokio::test]
async fn the_list_that_follows_is_the_one_that_is_read_anew_whatever_happens() {
    let word = |word| KnownStatus { word, as_of: test_now(), until: None };
    let seen = |storage: &Storage| {
        let of = |card: &Card| {
            let name = card.content.face.name.clone();
            (card.id, name, card.copies, card.unused_copies, card.status.map(|known| known.word))
        };
        storage.cards().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    for form in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let one = open_as(form, folder.path(), 1).await.unwrap();
        let other = open_as(form, folder.path(), 1).await.unwrap();
        let mut made = Vec::new();
        // a fixed walk over everything that changes a card, now and then by another process
        for step in 0..120_usize {
            let storage = if step % 11 == 7 { &other } else { &one };
            let some = made.get(step * 7 % made.len().max(1)).copied().unwrap_or(CardId(0));
            match step % 8 {
                0 | 3 => {
                    let face = Face { name: format!("Badge {step}"), ..Face::default() };
                    let card = NewCard { face, ..card() };
                    made.push(storage.insert_card(&card, &copies(step % 4)).unwrap());
                }
                1 | 4 => drop(storage.take_copy(some).unwrap()),
                2 => storage.keep_status(some, word(StatusWord::Suspended)).unwrap(),
                5 => storage.keep_status(some, word(StatusWord::Valid)).unwrap(),
                6 => drop(storage.replace_card(Some(some), &card(), &copies(2), &[]).unwrap()),
                _ => drop(storage.delete_card(some).unwrap()),
            }
            let anew = open_as(form, folder.path(), 1).await.unwrap();
            assert_eq!(seen(&one), seen(&anew), "{form:?}, step {step}");
        }
    }
}

#[tokio::test]
async fn what_a_failed_change_did_is_not_listed() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path(), 1).await.unwrap();
    let card = storage.insert_card(&card(), &copies(2)).unwrap();
    assert_eq!(storage.cards().unwrap()[0].unused_copies, 2);
    // the copy is marked, and then does not open: the change is undone
    let raw = rusqlite::Connection::open(folder.path().join("wallet.db")).unwrap();
    raw.execute("UPDATE copy SET sealed = x'00' WHERE id = 1", []).unwrap();
    drop(storage.cards().unwrap());
    assert!(matches!(storage.take_copy(card), Err(StorageError::Damaged)));
    assert_eq!(storage.cards().unwrap()[0].unused_copies, 2);
}

#[tokio::test]
async fn a_process_that_does_not_let_go_of_the_database_is_waited_for_with_an_end() {
    for form in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let storage = open_as(form, folder.path(), 1).await.unwrap();
        let card = storage.insert_card(&card(), &copies(2)).unwrap();
        // as an app that the system suspended in the middle of a change
        let suspended = rusqlite::Connection::open(folder.path().join("wallet.db"));
        let lock = std::fs::File::create(folder.path().join("wallet.db-lock")).unwrap();
        match form {
            Form::Sqlite => suspended.as_ref().unwrap().execute_batch("BEGIN IMMEDIATE").unwrap(),
            Form::Journal => lock.lock().unwrap(),
        }
        let begun = std::time::Instant::now();
        let refused = storage.take_copy(card).unwrap_err();
        assert!(matches!(refused, StorageError::Busy), "{refused}");
        let waited = begun.elapsed().as_secs();
        assert!((4..30).contains(&waited), "{waited} s");
        drop((suspended, lock));
        assert_eq!(storage.cards().unwrap()[0].unused_copies, 2, "nothing was used");
        assert!(storage.take_copy(card).unwrap().is_some());
    }
}

#[tokio::test]
async fn deletes_a_card_with_its_copies_and_names_their_keys() {
    for form in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let storage = open_as(form, folder.path(), 1).await.unwrap();
        let id = storage.insert_card(&card(), &copies(2)).unwrap();
        let keys = storage.delete_card(id).unwrap();
        assert_eq!(keys, [KeyHandle("1".to_owned()), KeyHandle("2".to_owned())]);
        assert!(storage.cards().unwrap().is_empty());
        assert!(storage.take_copy(id).unwrap().is_none());
    }
}

#[tokio::test]
async fn software_keys_sign_after_reopening_and_are_gone_after_deletion() {
    for form in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let keys =
            SoftwareKeys::new(open_as(form, folder.path(), 1).await.unwrap(), Arc::new(RustCrypto));
        let handles = keys.generate(2).await.unwrap();
        let before = *keys.signer(&handles[0]).await.unwrap().public_key();
        let keys =
            SoftwareKeys::new(open_as(form, folder.path(), 1).await.unwrap(), Arc::new(RustCrypto));
        assert_eq!(*keys.signer(&handles[0]).await.unwrap().public_key(), before);
        keys.delete(&handles).await.unwrap();
        assert_eq!(keys.signer(&handles[0]).await.err(), Some(KeyStoreError::Unknown));
    }
}

#[tokio::test]
async fn history_is_newest_first_and_forgets_what_it_is_told_to() {
    for form in FORMS {
        let folder = tempfile::tempdir().unwrap();
        let storage = open_as(form, folder.path(), 1).await.unwrap();
        let first = storage.record(&entry("first.example")).unwrap();
        storage.record(&entry("second.example")).unwrap();
        let parties: Vec<_> =
            storage.history().unwrap().into_iter().map(|(_, entry)| entry.party).collect();
        assert_eq!(parties, ["second.example", "first.example"]);
        assert!(storage.forget(first).unwrap());
        assert!(!storage.forget(first).unwrap());
        assert_eq!(storage.history().unwrap().len(), 1);
    }
}

fn entry(party: &str) -> Entry {
    Entry {
        at: test_now(),
        event: Event::Presented,
        party: party.to_owned(),
        party_name: None,
        credentials: vec!["Canary badge".to_owned()],
        claims: vec![r#"["given_name"]"#.to_owned()],
        claim_names: vec!["Vorname".to_owned()],
        told: None,
    }
}

#[test]
fn the_history_says_what_claims_are_called_and_of_older_entries_their_paths_in_words() {
    assert_eq!(entry("verifier").shown_claims(), ["Vorname"]);
    let older = json!({
        "at": "2026-01-15T12:00:00Z", "event": { "kind": "presented" }, "party": "verifier",
        "party_name": null, "credentials": ["Badge"],
        "claims": [r#"["given_name"]"#, r#"["address","postal_code"]"#, r#"["nationalities",0]"#,
            r#"["nationalities",1]"#, "no path"],
    });
    let older: Entry = serde_json::from_value(older).unwrap();
    let shown = older.shown_claims();
    assert_eq!(shown, ["Given name", "Postal code", "Nationalities", "no path"]);
}
