//! Backups of a store in use, and what a store that was made of one refuses.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use lanyard_store::sqlite::{self, begin_epoch, restore};
use lanyard_store::{
    AuditAction, AuditStore as _, BackupError, CredentialStatus, HandleKind, IssuedRecord,
    IssuedStore as _, NewSession, NewStatus, Next, OpenError, Put, Replaced, Restored, Restoring,
    SecretName, SecretStore as _, SessionStore as _, SqliteStore, StatusChange, StatusNote,
    StatusPlace, StatusStore as _, Store, SubjectRef, SubjectStore as _, Taken, TenantId,
};
use rusqlite::Connection;
use tokio::task::JoinSet;

use crate::audit::chained;
use crate::support::{
    EXPIRED, block_on, code, credential, demo, end, handle, id, live, offer, record, second, tenant,
};

/// When backups are taken, and when they are restored.
const TAKEN: i64 = 10;
const RESTORED: i64 = 100;

fn restoring(at: i64) -> Restoring<'static> {
    Restoring { now: second(at), replaces: false, forget: &[] }
}

fn back_up(directory: &Path, file: &Path) -> Result<(), BackupError> {
    sqlite::back_up(directory, file, second(TAKEN)).map(|_| ())
}

/// A step that leaves a session as it is but for what leads to it.
fn step(state: &str) -> Next {
    Next::new(second(2), state.into(), end())
}

async fn replaced(store: &dyn Store, held: &lanyard_store::Session, next: Next) {
    assert!(matches!(store.replace(held, next).await, Ok(Replaced::Done(_))));
}

/// A directory with a store in it, a file for its backup, and a directory to restore into.
struct Places {
    _folder: tempfile::TempDir,
    store: std::path::PathBuf,
    backup: std::path::PathBuf,
    again: std::path::PathBuf,
}

impl Places {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [store, backup, again] =
            ["store", "store.backup", "again"].map(|name| folder.path().join(name));
        Self { _folder: folder, store, backup, again }
    }

    fn restored(&self) -> Restored {
        restore(&self.backup, &self.again, &restoring(RESTORED)).unwrap()
    }

    /// A store that was closed before it was backed up.
    fn with_backup() -> Self {
        let places = Self::new();
        let store = SqliteStore::open(&places.store).unwrap();
        block_on(store.insert(offer(1))).unwrap();
        drop(store);
        back_up(&places.store, &places.backup).unwrap();
        places
    }
}

#[test]
fn a_backup_of_a_store_under_load_holds_all_that_was_acknowledged_before_it() {
    let places = Places::new();
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&places.store).unwrap());
    let (acknowledged, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let before = block_on(async {
        let mut writers = JoinSet::new();
        for writer in 0..8 {
            let (store, acknowledged, stop) = (store.clone(), acknowledged.clone(), stop.clone());
            writers.spawn(async move {
                let mut n = writer;
                while !stop.load(Ordering::Relaxed) {
                    store.insert(offer(n)).await.unwrap();
                    if writer == 0 {
                        acknowledged.store(n, Ordering::Release);
                    }
                    n += 8;
                }
            });
        }
        while acknowledged.load(Ordering::Acquire) < 160 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let before = acknowledged.load(Ordering::Acquire);
        let (from, to) = (places.store.clone(), places.backup.clone());
        tokio::task::spawn_blocking(move || back_up(&from, &to).unwrap()).await.unwrap();
        stop.store(true, Ordering::Relaxed);
        writers.join_all().await;
        before
    });
    assert!(acknowledged.load(Ordering::Acquire) >= before, "the writers went on");
    drop(store);

    let restored = places.restored();
    assert!(restored.ended_sessions > u64::from(before / 8), "{restored:?}");
    assert_eq!(restored.backup_at, Some(second(TAKEN)));
    let store = SqliteStore::open(&places.again).unwrap();
    block_on(async {
        for n in (0..=before).step_by(8) {
            let trail = store.events(&demo(), id(n)).await.unwrap();
            let steps: Vec<_> = trail.iter().map(|event| event.step.as_str()).collect();
            assert_eq!(steps, ["offer_created", "restored"], "session {n}");
        }
    });
}

#[test]
fn what_led_to_a_session_before_leads_nowhere_in_a_restored_store() {
    let places = Places::new();
    let store = SqliteStore::open(&places.store).unwrap();
    let held = block_on(async {
        for n in [1, 2, 4] {
            store.insert(offer(n)).await.unwrap();
        }
        for (n, kind) in HandleKind::ALL.into_iter().enumerate() {
            let n = 100 + u32::try_from(n).unwrap();
            let session = NewSession { handles: vec![handle(kind, n)], ..offer(n) };
            store.insert(session).await.unwrap();
        }
        // used before the backup
        let used = live(&store, code(4)).await;
        replaced(&store, &used, step("used").retiring(code(4))).await;
        let held = live(&store, code(2)).await;
        back_up(&places.store, &places.backup).unwrap();
        // used after it, and given out after it
        let used = live(&store, code(1)).await;
        replaced(&store, &used, step("used").retiring(code(1))).await;
        store.insert(offer(3)).await.unwrap();
        held
    });
    drop(store);

    let restored = places.restored();
    assert_eq!(restored.ended_sessions, 3 + HandleKind::ALL.len() as u64);
    let store = SqliteStore::open(&places.again).unwrap();
    block_on(async {
        let now = second(RESTORED);
        let taken = async |handle| store.take(&demo(), &handle, now).await.unwrap();
        assert_eq!(taken(code(1)).await, EXPIRED, "used after the backup");
        assert_eq!(taken(code(2)).await, EXPIRED, "never used, as far as anybody knows");
        assert_eq!(taken(code(3)).await, Taken::Absent, "made after the backup");
        assert_eq!(taken(code(4)).await, Taken::Used(id(4)), "used before the backup");
        for (n, kind) in HandleKind::ALL.into_iter().enumerate() {
            let n = 100 + u32::try_from(n).unwrap();
            assert_eq!(taken(handle(kind, n)).await, EXPIRED, "{kind}");
            assert_eq!(store.by_id(&demo(), id(n), now).await, Ok(EXPIRED), "{kind}");
        }
        // whoever held a session when the backup was taken takes no step either
        let next = Next { now, ..step("late") };
        assert_eq!(store.replace(&held, next).await, Ok(Replaced::Conflict));
        // and life goes on
        let fresh = NewSession { created_at: now, ..offer(5) };
        store.insert(fresh).await.unwrap();
        assert!(matches!(taken(code(5)).await, Taken::Live(_)));
    });
}

#[test]
fn no_status_place_is_given_twice_whatever_is_restored_where() {
    let places = Places::new();
    let mut given = std::collections::BTreeSet::new();
    let mut take = |directory: &Path, tenant: &TenantId| {
        let store = SqliteStore::open(directory).unwrap();
        for _ in 0..3 {
            let first = block_on(store.reserve_statuses(tenant, 256)).unwrap();
            for number in first..first + 256 {
                let place = (tenant.clone(), number);
                assert!(given.insert(place), "{tenant}: place {number} is given twice");
            }
        }
    };
    let (known, late) = (demo(), tenant("late"));
    take(&places.store, &known);
    back_up(&places.store, &places.backup).unwrap();
    // what the backup does not know of: more places, and a tenant that had none
    take(&places.store, &known);
    take(&places.store, &late);

    places.restored();
    take(&places.again, &known);
    take(&places.again, &late);
    // the same backup once more, later, elsewhere
    let third = places.again.with_file_name("third");
    restore(&places.backup, &third, &restoring(RESTORED + 600)).unwrap();
    take(&third, &known);
    take(&third, &late);
    // and at the same moment in place of the store that went on
    let replacing = Restoring { replaces: true, ..restoring(RESTORED + 600) };
    restore(&places.backup, &third, &replacing).unwrap();
    take(&third, &known);
    // a backup of a restored store, and a copy that other tools made
    let second_backup = places.backup.with_extension("2");
    back_up(&third, &second_backup).unwrap();
    take(&third, &known);
    restore(&second_backup, &third, &replacing).unwrap();
    take(&third, &known);
    begin_epoch(&third, &replacing).unwrap();
    take(&third, &known);
    take(&third, &late);
}

#[test]
fn lists_that_may_have_been_issued_into_after_the_backup_are_still_published() {
    let places = Places::new();
    let store = SqliteStore::open(&places.store).unwrap();
    let lost = block_on(async {
        store.reserve_statuses(&demo(), 256).await.unwrap();
        back_up(&places.store, &places.backup).unwrap();
        store.reserve_statuses(&demo(), 256).await.unwrap()
    });
    drop(store);
    places.restored();
    let store = SqliteStore::open(&places.again).unwrap();
    block_on(async {
        let first = store.reserve_statuses(&demo(), 256).await.unwrap();
        let reserved = store.reserved_statuses(&demo()).await.unwrap();
        assert_eq!(reserved.len(), 2, "one for each epoch: {reserved:?}");
        assert!(reserved[0].contains(&lost) && reserved[0].end < first, "{reserved:?}");
        assert_eq!(reserved[1], first..first + 256);
    });
}

#[test]
fn what_is_on_record_is_kept_and_can_be_revoked() {
    let places = Places::new();
    let store = SqliteStore::open(&places.store).unwrap();
    let place = |index| StatusPlace { list: 0, index };
    block_on(async {
        store.insert(offer(1)).await.unwrap();
        let mut next = step("issued");
        for n in [1, 2] {
            let status =
                NewStatus { credential: credential(n), place: place(n), is_suspendable: true };
            next = next.with_issued(record(n, id(1))).with_status(status);
        }
        replaced(&store, &live(&store, code(1)).await, next).await;
        revoke(&store, 1).await;
    });
    back_up(&places.store, &places.backup).unwrap();
    drop(store);
    assert_eq!(places.restored().credentials, 2);
    let store = SqliteStore::open(&places.again).unwrap();
    block_on(async {
        let status = async |n| store.status(&demo(), credential(n)).await.unwrap().unwrap();
        assert_eq!(status(1).await, CredentialStatus::Revoked, "revoked before the backup");
        assert_eq!(status(2).await, CredentialStatus::Valid);
        let before = store.changed_statuses(&demo(), 0, 0).await.unwrap().version;
        revoke(&store, 2).await;
        let changes = store.changed_statuses(&demo(), 0, before).await.unwrap();
        assert_eq!(changes.chunks.len(), 1, "whoever has the list of before is told");
        assert!(store.issued(&demo(), credential(2)).await.unwrap().is_some());
    });
}

async fn revoke(store: &dyn Store, n: u32) {
    let note = StatusNote::at(second(3));
    let revoked = store.set_status(&demo(), credential(n), CredentialStatus::Revoked, note).await;
    assert_eq!(revoked, Ok(StatusChange::Done([0].into())));
}

#[test]
fn the_secrets_that_are_to_be_forgotten_are_and_no_others() {
    let places = Places::new();
    let [kept, forgotten]: [SecretName; 2] =
        ["a/kept", "a/forgotten"].map(|it| it.parse().unwrap());
    let store = SqliteStore::open(&places.store).unwrap();
    block_on(async {
        for tenant in [demo(), tenant("other")] {
            for name in [&kept, &forgotten] {
                let put = store.put_secret(&tenant, name, None, vec![7], second(1)).await;
                assert_eq!(put, Ok(Put::Done(1)));
            }
        }
    });
    back_up(&places.store, &places.backup).unwrap();
    assert_eq!(sqlite::sealed_in(&places.backup).unwrap().len(), 4);
    let forget = [forgotten.clone()];
    let forgetting = Restoring { forget: &forget, ..restoring(RESTORED) };
    restore(&places.backup, &places.again, &forgetting).unwrap();
    let left = sqlite::sealed_in(&places.again.join(sqlite::FILE_NAME)).unwrap();
    assert_eq!(left.iter().map(|secret| &secret.name).collect::<Vec<_>>(), [&kept, &kept]);
}

#[test]
fn an_epoch_says_when_the_store_was_restored_and_a_new_store_has_the_first() {
    let places = Places::with_backup();
    let epoch = |directory: &Path| {
        let store = SqliteStore::open(directory).unwrap();
        block_on(store.epoch()).unwrap()
    };
    assert_eq!((epoch(&places.store).number, epoch(&places.store).began_at), (0, None));
    let restored = places.restored().epoch;
    assert_eq!(epoch(&places.again), restored);
    assert!(restored.number > 0 && restored.began_at == Some(second(RESTORED)), "{restored:?}");
}

#[test]
fn a_store_that_is_there_is_not_replaced_unless_that_is_said_and_is_kept_then() {
    let places = Places::with_backup();
    let other = SqliteStore::open(&places.again).unwrap();
    block_on(other.insert(offer(7))).unwrap();
    let in_use = Restoring { replaces: true, ..restoring(RESTORED) };
    let refused = restore(&places.backup, &places.again, &in_use).unwrap_err();
    assert!(matches!(refused, BackupError::Open(OpenError::InUse { .. })), "{refused:?}");
    drop(other);
    let refused = restore(&places.backup, &places.again, &restoring(RESTORED)).unwrap_err();
    assert!(matches!(refused, BackupError::NotEmpty { .. }), "{refused:?}");
    let store = SqliteStore::open(&places.again).unwrap();
    assert_eq!(block_on(live(&store, code(7))).id, id(7), "it is as it was");
    drop(store);

    restore(&places.backup, &places.again, &in_use).unwrap();
    let aside = format!("{}.replaced-{}-1", sqlite::FILE_NAME, second(RESTORED).as_second());
    let elsewhere = tempfile::tempdir().unwrap();
    fs::copy(places.again.join(aside), elsewhere.path().join(sqlite::FILE_NAME)).unwrap();
    let store = SqliteStore::open(elsewhere.path()).unwrap();
    assert_eq!(block_on(live(&store, code(7))).id, id(7), "it is beside the other");
}

#[test]
fn a_log_that_a_killed_server_left_goes_aside_with_its_store() {
    let places = Places::with_backup();
    // as kill -9 leaves it: committed, and still in the log
    let killed = Connection::open(places.store.join(sqlite::FILE_NAME)).unwrap();
    killed.execute_batch("PRAGMA journal_mode = WAL; DELETE FROM session").unwrap();
    fs::create_dir_all(&places.again).unwrap();
    for part in ["", "-wal"] {
        let name = format!("{}{part}", sqlite::FILE_NAME);
        fs::copy(places.store.join(&name), places.again.join(&name)).unwrap();
    }
    drop(killed);
    let replacing = Restoring { replaces: true, ..restoring(RESTORED) };
    restore(&places.backup, &places.again, &replacing).unwrap();
    let store = SqliteStore::open(&places.again).unwrap();
    let trail = block_on(store.events(&demo(), id(1))).unwrap();
    assert_eq!(trail.len(), 2, "the log of the other store is not taken for its own");
}

#[test]
fn no_store_is_made_of_what_is_no_whole_backup_that_this_version_reads() {
    let places = Places::with_backup();
    let refused = |file: &Path| {
        let refused = restore(file, &places.again, &restoring(RESTORED)).unwrap_err();
        assert!(!places.again.join(sqlite::FILE_NAME).exists(), "nothing was made");
        refused
    };
    let newer = places.backup.with_extension("newer");
    fs::copy(&places.backup, &newer).unwrap();
    Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = refused(&newer);
    assert!(
        matches!(error, BackupError::Open(OpenError::NewerSchema { found: 99, .. })),
        "{error:?}"
    );

    let damaged = places.backup.with_extension("damaged");
    let mut bytes = fs::read(&places.backup).unwrap();
    let last_page = bytes.len() - 4096;
    bytes[last_page..].fill(0xee);
    fs::write(&damaged, bytes).unwrap();
    let error = refused(&damaged);
    assert!(matches!(error, BackupError::Open(OpenError::Damaged { .. })), "{error:?}");

    let cut = places.backup.with_extension("cut");
    let bytes = fs::read(&places.backup).unwrap();
    fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    let error = refused(&cut);
    assert!(matches!(error, BackupError::Open(OpenError::Damaged { .. })), "{error:?}");

    let foreign = places.backup.with_extension("foreign");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE bookmarks (url)").unwrap();
    let error = refused(&foreign);
    assert!(matches!(error, BackupError::Open(OpenError::Foreign { .. })), "{error:?}");

    let empty = places.backup.with_extension("empty");
    fs::write(&empty, []).unwrap();
    assert!(matches!(refused(&empty), BackupError::Empty { .. }));
    assert!(matches!(refused(Path::new("no such file")), BackupError::Io { .. }));
}

#[test]
fn a_restore_is_in_the_chain_of_every_tenant_that_has_one() {
    let (places, other) = (Places::new(), tenant("other"));
    let store = SqliteStore::open(&places.store).unwrap();
    block_on(async {
        store.record_issued(&demo(), record(1, id(9)), Vec::new(), None).await.unwrap();
        assert_eq!(store.link_audit(9).await, Ok(1));
        store.record_issued(&other, record(2, id(9)), Vec::new(), None).await.unwrap();
    });
    back_up(&places.store, &places.backup).unwrap();
    let epoch = places.restored().epoch.number;
    let store = SqliteStore::open(&places.again).unwrap();
    block_on(async {
        store.link_audit(9).await.unwrap();
        for owner in [demo(), other] {
            let [issued, restored] = &chained(&store, &owner).await[..] else {
                unreachable!("one credential, one restore")
            };
            assert_eq!(issued.action, AuditAction::Issued);
            assert_eq!(restored.action, AuditAction::StoreRestored);
            assert_eq!(restored.detail, Some(format!("epoch {epoch}")));
            assert_eq!(restored.at, second(RESTORED));
        }
    });
}

#[test]
fn a_clock_before_the_backup_restores_nothing() {
    let places = Places::with_backup();
    let refused = restore(&places.backup, &places.again, &restoring(TAKEN - 1)).unwrap_err();
    assert!(matches!(refused, BackupError::ClockBehind { .. }), "{refused:?}");
    let spent = Restoring { now: Timestamp::MAX, ..restoring(0) };
    let refused = restore(&places.backup, &places.again, &spent).unwrap_err();
    assert!(matches!(refused, BackupError::NoEpochLeft), "{refused:?}");
}

#[test]
fn a_backup_overwrites_nothing_and_needs_a_store() {
    let places = Places::with_backup();
    let before = fs::read(&places.backup).unwrap();
    let refused = back_up(&places.store, &places.backup).unwrap_err();
    assert!(matches!(refused, BackupError::FileExists { .. }), "{refused:?}");
    assert_eq!(fs::read(&places.backup).unwrap(), before);
    let refused = back_up(&places.again, &places.backup.with_extension("2")).unwrap_err();
    assert!(matches!(refused, BackupError::NoStore { .. }), "{refused:?}");
    let refused = begin_epoch(&places.again, &restoring(RESTORED)).unwrap_err();
    assert!(matches!(refused, BackupError::NoStore { .. }), "{refused:?}");
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_backup_and_a_restored_store() {
    use std::os::unix::fs::PermissionsExt as _;

    let places = Places::with_backup();
    places.restored();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&places.backup), 0o600);
    assert_eq!(mode(&places.again), 0o700);
    assert_eq!(mode(&places.again.join(sqlite::FILE_NAME)), 0o600);
}

/// Issues the n-th credential to a subject, with a status.
async fn issue_to(store: &SqliteStore, subject: SubjectRef, n: u32) {
    let record = IssuedRecord { subject: Some(subject), ..record(n, id(n)) };
    let place = StatusPlace { list: 0, index: n };
    let status = NewStatus { credential: credential(n), place, is_suspendable: true };
    store.record_issued(&demo(), record, vec![status], None).await.unwrap();
}

#[test]
fn whom_the_replaced_store_erased_since_the_backup_is_erased_again() {
    let places = Places::new();
    let store = SqliteStore::open(&places.store).unwrap();
    let [gone, back, linked] = [1, 2, 3].map(|n| SubjectRef::new([n; 32]));
    block_on(async {
        issue_to(&store, gone, 1).await;
        issue_to(&store, back, 2).await;
        issue_to(&store, linked, 4).await;
        // whoever was issued something after an erasure that the backup knows of stays
        store.erase_subject(&demo(), back, second(5)).await.unwrap();
        issue_to(&store, back, 3).await;
        back_up(&places.store, &places.backup).unwrap();
        store.erase_subject(&demo(), linked, second(TAKEN)).await.unwrap();
        store.link_audit(99).await.unwrap();
        store.erase_subject(&demo(), gone, second(TAKEN + 1)).await.unwrap();
    });
    drop(store);
    assert_eq!(places.restored().erased_again, 0, "elsewhere nobody knows of it");

    let replacing = Restoring { replaces: true, ..restoring(RESTORED) };
    let restored = restore(&places.backup, &places.store, &replacing).unwrap();
    assert_eq!((restored.erased_again, restored.credentials), (2, 1));
    let store = SqliteStore::open(&places.store).unwrap();
    block_on(async {
        for (n, is_kept) in [(1, false), (3, true), (4, false)] {
            let record = store.issued(&demo(), credential(n)).await.unwrap();
            assert_eq!(record.is_some(), is_kept, "credential {n}");
        }
        let published = store.changed_statuses(&demo(), 0, 0).await.unwrap();
        let revoked = [1, 2, 4].map(|place| (place, CredentialStatus::Revoked));
        assert_eq!(published.chunks[0].not_valid(), Some(revoked.to_vec()));
    });
}
