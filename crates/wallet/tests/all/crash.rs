//! kill −9: a process is killed at random points of storing, using and deleting; nothing that it had said is lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use lanyard_core::{
    credential::Format,
    crypto::{Random as _, RustCrypto},
};
use lanyard_testkit::test_now;
use lanyard_wallet::{
    face::Face,
    ports::{SecureStorage, SecureStorageError},
    storage::{CardId, Copy, Form, NewCard, Storage},
};
use serde_json::json;
use zeroize::Zeroizing;

const FOLDER: &str = "LANYARD_WALLET_CRASH_FOLDER";
const CHILD: &str = "crash::the_process_that_is_killed";
const JOURNAL: &str = "LANYARD_WALLET_CRASH_JOURNAL";
const ROUNDS: &str = "LANYARD_WALLET_CRASHES";
const COPIES: u32 = 3;

struct Key;

#[async_trait]
impl SecureStorage for Key {
    async fn database_key(&self) -> Result<Zeroizing<[u8; 32]>, SecureStorageError> {
        Ok(Zeroizing::new([3; 32]))
    }
}

async fn open(form: Form, folder: &Path) -> Storage {
    let file = folder.join("wallet.db");
    Storage::open_as(form, &file, &Key, Arc::new(RustCrypto)).await.expect("the database opens")
}

fn card() -> NewCard {
    NewCard {
        issuer: "https://issuer.example".to_owned(),
        issuer_name: None,
        issuer_identity: "CN=Issuer".to_owned(),
        configuration: "badge".to_owned(),
        format: Format::SdJwtVc,
        types: vec!["urn:example:badge".to_owned()],
        face: Face { name: "Badge".to_owned(), ..Face::default() },
        holder_bound: true,
        has_status: false,
        key_identifiers: Vec::new(),
        claims: json!({"given_name": "Ada"}).as_object().cloned().expect("an object"),
        received_at: test_now(),
        expires_at: None,
    }
}

/// Says each thing after it was done, so that what was said is what must still be there.
#[tokio::test]
#[ignore = "the process that the other test starts and kills"]
async fn the_process_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let form = if std::env::var_os(JOURNAL).is_some() { Form::Journal } else { Form::Sqlite };
    let storage = open(form, Path::new(&folder)).await;
    let mut out = std::io::stdout();
    let mut say = |what: &str, id: i64| {
        writeln!(out, "\n{what} {id}").and_then(|()| out.flush()).expect("a pipe");
    };
    let copy = |number| Copy { credential: format!("credential {number}"), key: None };
    let copies: Vec<_> = (0..COPIES).map(copy).collect();
    let mut kept: Vec<CardId> =
        storage.cards().expect("cards").iter().map(|card| card.id).collect();
    loop {
        let card = storage.insert_card(&card(), &copies).expect("stored");
        say("stored", card.0);
        kept.push(card);
        storage.take_copy(card).expect("taken").expect("a copy");
        say("used", card.0);
        if kept.len() > 4 {
            let old = kept.remove(0);
            say("deleting", old.0);
            storage.delete_card(old).expect("deleted");
            say("deleted", old.0);
        }
        let (new, _) =
            storage.replace_card(kept.pop(), &self::card(), &copies, &[]).expect("replaced");
        say("replaced", card.0);
        say("stored", new.0);
        kept.push(new);
    }
}

/// What the killed process had said.
#[derive(Default)]
struct Said {
    stored: BTreeSet<i64>,
    used: BTreeSet<i64>,
    /// Deleted, or about to be: such a card may be there or not.
    leaving: BTreeSet<i64>,
    gone: BTreeSet<i64>,
}

/// Kills it so long after it began to work, or after it was started.
fn run_and_kill(form: Form, folder: &Path, at_work: bool, after: Duration) -> Said {
    let program = std::env::current_exe().expect("this test");
    let mut command = Command::new(program);
    if form == Form::Journal {
        command.env(JOURNAL, "1");
    }
    let mut child = command
        .args(["--exact", CHILD, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
    let pipe = child.stdout.take().expect("a pipe");
    let (works, working) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut said = Said::default();
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let Some((what, id)) = line.split_once(' ') else { continue };
            let Ok(id) = id.parse::<i64>() else { continue };
            let _ = works.send(());
            match what {
                "stored" => drop(said.stored.insert(id)),
                "used" => drop(said.used.insert(id)),
                "deleting" => drop(said.leaving.insert(id)),
                "deleted" | "replaced" => drop(said.gone.insert(id)),
                _ => {}
            }
        }
        said
    });
    if at_work {
        working.recv_timeout(Duration::from_secs(120)).expect("the process gets to work");
    }
    std::thread::sleep(after);
    child.kill().expect("it is killed");
    child.wait().expect("it ended");
    reader.join().expect("it was read")
}

#[tokio::test]
async fn a_kill_at_any_point_loses_nothing_and_reuses_nothing() {
    kill_again_and_again(Form::Sqlite).await;
}

#[tokio::test]
async fn a_kill_at_any_point_loses_nothing_of_a_journal_either() {
    kill_again_and_again(Form::Journal).await;
}

async fn kill_again_and_again(form: Form) {
    let rounds = std::env::var(ROUNDS).ok().and_then(|text| text.parse().ok()).unwrap_or(25_u32);
    let folder = tempfile::tempdir().expect("a folder");
    let mut known = BTreeMap::new();
    for round in 0..rounds {
        let mut dice = [0; 1];
        RustCrypto.fill(&mut dice);
        let after = Duration::from_millis(dice[0].into());
        // one of four is killed while it starts, as far as it has come
        let said = run_and_kill(form, folder.path(), round % 4 > 0, after);
        known.extend(said.stored.iter().map(|id| (*id, false)));
        for id in &said.used {
            known.insert(*id, true);
        }
        let cards = open(form, folder.path()).await.cards().expect("every record opens");
        let found: BTreeMap<_, _> = cards.iter().map(|card| (card.id.0, card)).collect();
        for card in &cards {
            assert_eq!(card.copies, COPIES, "a card is there with all its copies, or not at all");
        }
        for id in &said.gone {
            assert!(!found.contains_key(id), "what was deleted stays deleted");
            known.remove(id);
        }
        // the last card may have been replaced just before the kill, unsaid
        let last = said.stored.last().copied();
        known.retain(|id, is_used| {
            let Some(card) = found.get(id) else {
                let may = said.leaving.contains(id) || Some(*id) == last;
                assert!(may, "card {id} had been stored and is lost");
                return false;
            };
            assert!(!*is_used || card.unused_copies < COPIES, "card {id} looks unused again");
            true
        });
    }
}
