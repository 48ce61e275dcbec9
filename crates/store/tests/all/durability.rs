//! What was acknowledged stays, whatever happens to the process; what was not is whole or absent.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use lanyard_store::{
    IssuedStore as _, NewEvent, NewSession, Next, Once, OnceKind, Replaced, SessionStore as _,
    SqliteStore, Store, StoreError, Taken,
};
use tokio::task::JoinSet;

use crate::support::{block_on, code, demo, end, id, live, offer, record, second, token};

#[test]
fn what_was_acknowledged_is_there_after_a_reopen_without_close() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    block_on(async {
        let store = Arc::new(store);
        let mut writers = JoinSet::new();
        for n in 0..200 {
            let store = store.clone();
            writers.spawn(async move { store.insert(offer(n)).await });
        }
        assert!(writers.join_all().await.into_iter().all(|written| written.is_ok()));
    });

    let store = SqliteStore::open(directory.path()).unwrap();
    block_on(async {
        for n in 0..200 {
            assert_eq!(live(&store, code(n)).await.state, format!("offer {n}").into_bytes());
        }
    });
}

#[test]
fn closing_answers_every_write_that_was_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(directory.path()).unwrap());
    let acknowledged = block_on(async {
        let mut writers = JoinSet::new();
        for n in 0..500 {
            let store = store.clone();
            writers.spawn(async move { store.insert(offer(n)).await.map(|()| n) });
        }
        tokio::task::yield_now().await;
        store.close().await.unwrap();
        let answers = writers.join_all().await;
        assert!(answers.iter().all(|answer| match answer {
            Ok(_) => true,
            Err(refused) => refused.reason() == "store_closed",
        }));
        answers.into_iter().flatten().collect::<Vec<_>>()
    });
    drop(store);

    let log = directory.path().join("lanyard.db-wal");
    assert!(!log.exists(), "a closed store is one file");
    let store = SqliteStore::open(directory.path()).unwrap();
    block_on(async {
        for n in acknowledged {
            assert_eq!(live(&store, code(n)).await.id, id(n));
        }
    });
}

#[test]
fn a_failing_write_does_not_hurt_its_neighbours_in_the_group() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(directory.path()).unwrap());
    block_on(async {
        let shown = Once { kind: OnceKind::DpopProof, digest: [7; 32], expires_at: second(60) };
        store.insert(NewSession { once: vec![shown], ..offer(0) }).await.unwrap();
        let mut writers = JoinSet::new();
        for n in 1..=300 {
            let store = store.clone();
            // Every third one is written half before it meets what was seen.
            let once = if n % 3 == 0 { vec![shown] } else { Vec::new() };
            let session = NewSession { once, ..offer(n) };
            writers.spawn(async move { (n, store.insert(session).await) });
        }
        for (n, written) in writers.join_all().await {
            let found = store.by_id(&demo(), id(n), second(1)).await;
            if n % 3 == 0 {
                assert_eq!(written, Err(StoreError::SeenBefore));
                assert_eq!(found, Ok(Taken::Absent));
                let half = store.take(&demo(), &code(n), second(1)).await;
                assert_eq!(half, Ok(Taken::Absent));
            } else {
                assert_eq!(written, Ok(()));
                assert!(matches!(found, Ok(Taken::Live(_))));
            }
        }
    });
}

#[test]
fn a_write_that_nobody_waits_for_any_more_is_whole_or_absent() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(directory.path()).unwrap());
    block_on(async {
        let mut writers = JoinSet::new();
        for n in 0..200 {
            let store = store.clone();
            writers.spawn(async move { store.insert(offer(n)).await });
        }
        tokio::task::yield_now().await;
        writers.shutdown().await;
        store.ready().await.unwrap();
        for n in 0..200 {
            let events = store.events(&demo(), id(n)).await.unwrap().len();
            match store.take(&demo(), &code(n), second(1)).await.unwrap() {
                Taken::Live(_) => assert_eq!(events, 1),
                Taken::Absent => assert_eq!(events, 0),
                other => unreachable!("neither whole nor absent: {other:?}"),
            }
        }
    });
}

#[test]
fn a_deleted_state_is_not_left_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let canary = b"canary-5d0c1f".repeat(300);
    let store = SqliteStore::open(directory.path()).unwrap();
    block_on(async {
        for n in 0..20 {
            store.insert(NewSession { state: canary.clone(), ..offer(n) }).await.unwrap();
        }
        let held = live(&store, code(0)).await;
        let next = Next::new(second(2), b"issued".to_vec(), end());
        assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));
        store.close().await.unwrap();
    });
    drop(store);
    let found = |path: &Path| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(13).filter(|window| window == b"canary-5d0c1f").count()
    };
    let file = directory.path().join("lanyard.db");
    assert_eq!(found(&file), 19 * 300, "the canary can be found while it is kept");

    let store = SqliteStore::open(directory.path()).unwrap();
    block_on(async {
        assert_eq!(store.purge_expired(end(), 100).await, Ok(20));
        store.close().await.unwrap();
    });
    drop(store);
    assert_eq!(found(&file), 0);
}

/// Tells this test binary, started by itself, where to write until it is killed.
const VICTIM: &str = "LANYARD_STORE_TEST_VICTIM";
const VICTIM_TASKS: u32 = 16;

#[test]
fn nothing_acknowledged_is_lost_or_half_there_after_kill_nine() {
    if let Some(directory) = std::env::var_os(VICTIM) {
        write_until_killed(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    for round in 1..=6 {
        let before = acknowledged.len();
        kill_after(40 * round, directory.path(), &mut acknowledged);
        assert!(acknowledged.len() > before, "round {round} acknowledged nothing");
        block_on(compare(directory.path(), &acknowledged));
    }
}

/// Runs issuances, and says on stdout how far each is, after the store said so.
fn write_until_killed(directory: &Path) -> ! {
    let store = Arc::new(SqliteStore::open(directory).expect("the lock died with its process"));
    block_on(async {
        let mut first = 0;
        while store.by_id(&demo(), id(first), second(1)).await != Ok(Taken::Absent) {
            first += VICTIM_TASKS;
        }
        let mut tasks = JoinSet::new();
        for task in 0..VICTIM_TASKS {
            let store = store.clone();
            tasks.spawn(async move {
                for n in (first + task..).step_by(VICTIM_TASKS as usize) {
                    // A task that was killed before its insert leaves a gap in front.
                    if store.by_id(&demo(), id(n), second(1)).await == Ok(Taken::Absent) {
                        issue(&*store, n).await;
                    }
                }
            });
        }
        tasks.join_all().await;
    });
    std::process::exit(1)
}

async fn issue(store: &dyn Store, n: u32) {
    let say = |version: u64| writeln!(std::io::stdout(), "kept {n} {version} .").expect("stdout");
    store.insert(offer(n)).await.expect("an insert");
    say(1);
    let mut held = live(store, code(n)).await;
    for version in 2..=3 {
        let next = Next::new(second(2), format!("offer {n} at {version}").into(), end())
            .with_event(NewEvent::done(second(2), "step"));
        let next = match version {
            2 => next.retiring(code(n)).adding(token(n)),
            _ => next.with_issued(record(n, id(n))),
        };
        let Ok(Replaced::Done(done)) = store.replace(&held, next).await else {
            unreachable!("nobody else holds it")
        };
        held = done;
        say(version);
    }
}

fn kill_after(lines: usize, directory: &Path, acknowledged: &mut BTreeMap<u32, u64>) {
    let name = "durability::nothing_acknowledged_is_lost_or_half_there_after_kill_nine";
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture"])
        .env(VICTIM, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let mut seen = 0;
    for line in BufReader::new(victim.stdout.take().unwrap()).lines() {
        // A line that was cut off by the kill has no dot at its end.
        let line = line.unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        if let ["kept", n, version, "."] = words[..] {
            acknowledged.insert(n.parse().unwrap(), version.parse().unwrap());
            seen += 1;
            if seen == lines {
                victim.kill().unwrap();
            }
        }
    }
    assert!(!victim.wait().unwrap().success());
}

async fn compare(directory: &Path, acknowledged: &BTreeMap<u32, u64>) {
    let store = SqliteStore::open(directory).expect("the lock died with its process");
    let last = *acknowledged.keys().last().unwrap();
    for n in 0..=last + VICTIM_TASKS {
        let kept = store.by_id(&demo(), id(n), second(2)).await.unwrap();
        let by_code = store.take(&demo(), &code(n), second(2)).await.unwrap();
        let by_token = store.take(&demo(), &token(n), second(2)).await.unwrap();
        let trail = store.events(&demo(), id(n)).await.unwrap().len() as u64;
        let issued = store.issued_in(&demo(), id(n)).await.unwrap();

        // Nothing acknowledged is lost.
        let version = match &kept {
            Taken::Live(session) => session.version,
            _ => 0,
        };
        let promised = acknowledged.get(&n).copied().unwrap_or(0);
        assert!(version >= promised, "session {n}: {version} kept, {promised} acknowledged");

        // Nothing is half there: all that one step wrote is there if its version is.
        assert_eq!(trail, version, "session {n}");
        assert_eq!(issued, if version == 3 { vec![record(n, id(n))] } else { vec![] });
        match version {
            0 => assert_eq!((by_code, by_token), (Taken::Absent, Taken::Absent)),
            1 => assert_eq!((by_code, by_token), (kept, Taken::Absent)),
            _ => assert_eq!((by_code, by_token), (Taken::Used(id(n)), kept)),
        }
    }
}
