//! The database in Rust alone: what a crash tears is cut off, what is damaged is told, what is past is let go.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use jiff::SignedDuration;
use lanyard_core::crypto::RustCrypto;
use lanyard_testkit::test_now;
use lanyard_wallet::{
    history::{Entry, Event},
    ports::{SecureStorage, SecureStorageError},
    storage::{Form, Storage, StorageError},
};
use serde_json::json;
use zeroize::Zeroizing;

use crate::world::{Setting, World, query};

struct Key;

#[async_trait]
impl SecureStorage for Key {
    async fn database_key(&self) -> Result<Zeroizing<[u8; 32]>, SecureStorageError> {
        Ok(Zeroizing::new([6; 32]))
    }
}

async fn open(folder: &Path) -> Result<Storage, StorageError> {
    Storage::open_as(Form::Journal, &file(folder), &Key, Arc::new(RustCrypto)).await
}

fn file(folder: &Path) -> PathBuf {
    folder.join("wallet.journal")
}

fn entry(number: usize) -> Entry {
    Entry {
        at: test_now(),
        event: Event::Presented,
        party: format!("verifier-{number}.example"),
        party_name: None,
        credentials: Vec::new(),
        claims: Vec::new(),
        claim_names: Vec::new(),
        told: None,
    }
}

fn parties(storage: &Storage) -> Vec<String> {
    let history = storage.history().expect("a history").into_iter();
    history.rev().map(|(_, entry)| entry.party).collect()
}

#[tokio::test]
async fn a_wallet_without_c_receives_presents_and_deletes() {
    let world = World::with(Setting { form: Form::Journal, ..Setting::default() }).await;
    let offer = world.offer(false).await;
    let cards = world.read(&offer).await.accept(None).await.unwrap();
    let asked = world.ask(query(&[&["given_name"]])).await;
    let wallet = world.reopened().await;
    let request = wallet.read_request(asked.link.as_str()).await.unwrap();
    let choices = request.choices().unwrap();
    let smallest = choices.smallest();
    let consent = choices.approve(&smallest).unwrap();
    request.answer(consent).await.unwrap();
    let status = world.verifier.request_status(&world.tenant, asked.id).await.unwrap();
    assert_eq!(serde_json::to_value(&status).unwrap()["state"], "verified");
    let kept = &world.wallet.cards().unwrap()[0];
    assert_eq!((kept.copies, kept.unused_copies), (3, 2));
    assert!(world.wallet.delete(cards[0]).await.unwrap());
    assert!(wallet.cards().unwrap().is_empty());
}

#[tokio::test]
async fn a_wallet_without_c_waits_for_what_is_deferred() {
    let world = World::with(Setting { form: Form::Journal, ..Setting::default() }).await;
    let deferral = lanyard_issuer::Deferral::Seconds(60);
    let offer = world.offer_with(false, deferral).await;
    assert!(world.read(&offer).await.accept(None).await.unwrap().is_empty());
    let wallet = world.reopened().await;
    assert_eq!(wallet.waiting().unwrap().len(), 1);
    world.now.forward(SignedDuration::from_hours(1));
    assert_eq!(wallet.collect().await.unwrap().len(), 1);
    assert!(wallet.waiting().unwrap().is_empty());
}

#[tokio::test]
async fn a_frame_that_a_crash_tore_at_any_byte_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path()).await.unwrap();
    storage.record(&entry(1)).unwrap();
    let before = fs::read(file(folder.path())).unwrap().len();
    storage.record(&entry(2)).unwrap();
    let whole = fs::read(file(folder.path())).unwrap();
    drop(storage);
    for torn in before..whole.len() {
        fs::write(file(folder.path()), &whole[..torn]).unwrap();
        let storage = open(folder.path()).await.unwrap();
        assert_eq!(parties(&storage), ["verifier-1.example"], "torn at {torn}");
        storage.record(&entry(3)).unwrap();
        let other = open(folder.path()).await.unwrap();
        assert_eq!(parties(&other), ["verifier-1.example", "verifier-3.example"]);
    }
}

#[tokio::test]
async fn a_last_frame_of_the_right_length_with_other_bytes_never_was() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path()).await.unwrap();
    storage.record(&entry(1)).unwrap();
    let before = fs::read(file(folder.path())).unwrap().len();
    storage.record(&entry(2)).unwrap();
    let mut bytes = fs::read(file(folder.path())).unwrap();
    // the file grew before what belongs there was written
    bytes[before + 40..].fill(0);
    fs::write(file(folder.path()), &bytes).unwrap();
    assert_eq!(parties(&open(folder.path()).await.unwrap()), ["verifier-1.example"]);
}

#[tokio::test]
async fn a_flipped_byte_in_the_midst_is_told_and_nothing_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path()).await.unwrap();
    let start = fs::read(file(folder.path())).unwrap().len();
    storage.record(&entry(1)).unwrap();
    storage.record(&entry(2)).unwrap();
    let mut bytes = fs::read(file(folder.path())).unwrap();
    bytes[start + 60] ^= 1;
    fs::write(file(folder.path()), &bytes).unwrap();
    let refused = open(folder.path()).await.unwrap().record(&entry(3)).unwrap_err();
    assert!(matches!(refused, StorageError::Damaged), "{refused}");
    assert_eq!(fs::read(file(folder.path())).unwrap(), bytes);
}

#[tokio::test]
async fn a_damaged_length_is_told_wherever_it_is_and_nothing_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path()).await.unwrap();
    let length = || fs::read(file(folder.path())).unwrap().len();
    let mut frames = vec![length()];
    for number in 0..3 {
        storage.record(&entry(number)).unwrap();
        frames.push(length());
    }
    drop(storage);
    let whole = fs::read(file(folder.path())).unwrap();
    frames.pop();
    for (frame, byte, bit) in
        frames.iter().flat_map(|frame| (0..8).map(move |byte| (*frame, byte, 1 << (byte % 8))))
    {
        let mut bytes = whole.clone();
        bytes[frame + byte] ^= bit;
        fs::write(file(folder.path()), &bytes).unwrap();
        let storage = open(folder.path()).await.unwrap();
        let what = format!("byte {byte} of the frame at {frame}");
        assert!(matches!(storage.history(), Err(StorageError::Damaged)), "{what}");
        assert!(matches!(storage.record(&entry(9)), Err(StorageError::Damaged)), "{what}");
        assert_eq!(fs::read(file(folder.path())).unwrap(), bytes, "{what}");
    }
}

#[tokio::test]
async fn a_file_of_somebody_else_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for other in [&b"notes\n"[..], b"lanyard wallet 9 from tomorrow", b"SQLite format 2\0"] {
        fs::write(file(folder.path()), other).unwrap();
        let refused = open(folder.path()).await.unwrap_err();
        assert!(matches!(refused, StorageError::Form), "{refused}");
        assert_eq!(fs::read(file(folder.path())).unwrap(), other);
    }
}

#[tokio::test]
async fn a_database_is_opened_in_its_own_form_whatever_is_preferred() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).await.unwrap().record(&entry(1)).unwrap();
    let storage = Storage::open(&file(folder.path()), &Key, Arc::new(RustCrypto)).await.unwrap();
    assert_eq!(parties(&storage), ["verifier-1.example"]);
}

#[tokio::test]
async fn what_is_past_is_let_go_and_numbers_are_never_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let (storage, other) = (open(folder.path()).await.unwrap(), open(folder.path()).await.unwrap());
    let mut last = 0;
    let mut largest = 0;
    for number in 0..1_000 {
        let id = storage.record(&entry(number)).unwrap();
        assert!(id.0 > last);
        last = id.0;
        assert!(storage.forget(id).unwrap());
        largest = largest.max(fs::metadata(file(folder.path())).unwrap().len());
    }
    assert!(largest < 70_000, "the journal grew to {largest} bytes");
    let id = other.record(&entry(1_000)).unwrap();
    assert_eq!(id.0, last + 1);
    assert_eq!(parties(&storage), ["verifier-1000.example"]);
}

#[tokio::test]
async fn a_deleted_key_leaves_nothing_in_the_file() {
    use lanyard_wallet::{SoftwareKeys, ports::KeyStore as _};
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path()).await.unwrap();
    let empty = fs::metadata(file(folder.path())).unwrap().len();
    let keys = SoftwareKeys::new(storage, Arc::new(RustCrypto));
    let handles = keys.generate(3).await.unwrap();
    keys.delete(&handles).await.unwrap();
    let left = fs::metadata(file(folder.path())).unwrap().len();
    // a frame that says up to which number keys were made
    assert!(left < empty + 100, "{left} bytes, {empty} at first");
}

#[tokio::test]
async fn a_tail_of_zeros_is_no_frame() {
    let folder = tempfile::tempdir().unwrap();
    let storage = open(folder.path()).await.unwrap();
    storage.record(&entry(1)).unwrap();
    drop(storage);
    let mut end = OpenOptions::new().append(true).open(file(folder.path())).unwrap();
    end.write_all(&[0; 4096]).unwrap();
    let storage = open(folder.path()).await.unwrap();
    storage.record(&entry(2)).unwrap();
    let written = json!(parties(&open(folder.path()).await.unwrap()));
    assert_eq!(written, json!(["verifier-1.example", "verifier-2.example"]));
}
