//! What every backend promises of the audit chain.

use std::sync::Arc;

use lanyard_store::sqlite::{AuditFile, FILE_NAME};
use lanyard_store::{
    AuditAction, AuditChain, AuditEntry, AuditFault, AuditHead, AuditObject, AuditStore as _,
    AuditTrail, AuditWalk, CredentialStatus, NewSession, NewStatus, Next, Put, Replaced,
    SqliteStore, StatusChange, StatusNote, StatusPlace, Store, SubjectRef, TenantId,
};
use rusqlite::Connection;
use tokio::task::JoinSet;

use crate::support::{
    block_on, code, credential, demo, end, id, live, offer, record, second, tenant,
};

type Backend = Arc<dyn Store>;

const SUBJECT: SubjectRef = SubjectRef::new([5; 32]);

/// Session and credential of this number, with a status.
async fn issue(store: &dyn Store, n: u32) {
    store.insert(NewSession { subject: Some(SUBJECT), ..offer(n) }).await.unwrap();
    let held = live(store, code(n)).await;
    let status = NewStatus {
        credential: credential(n),
        place: StatusPlace { list: 0, index: n },
        is_suspendable: true,
    };
    let next = Next::new(second(2), b"issued".to_vec(), end())
        .with_issued(record(n, id(n)))
        .with_status(status);
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));
}

async fn set(store: &dyn Store, n: u32, status: CredentialStatus, at: i64) -> StatusChange {
    store.set_status(&demo(), credential(n), status, StatusNote::at(second(at))).await.unwrap()
}

fn about(n: u32, action: AuditAction, at: i64) -> AuditEntry {
    let object = Some(AuditObject::of_credential(credential(n)));
    AuditEntry { at: second(at), action, object, detail: None }
}

fn issued(n: u32) -> AuditEntry {
    let detail = Some("employee_badge".to_owned());
    AuditEntry { detail, ..about(n, AuditAction::Issued, n.into()) }
}

fn secret(action: AuditAction, detail: &str, at: i64) -> AuditEntry {
    AuditEntry { at: second(at), action, object: None, detail: Some(detail.to_owned()) }
}

/// Every entry of a chain, which is followed to its head.
pub(crate) async fn chained(store: &dyn AuditTrail, tenant: &TenantId) -> Vec<AuditEntry> {
    let (mut walk, mut entries) = (AuditWalk::along(store, tenant), Vec::new());
    while let Some(block) = walk.next().await.unwrap() {
        entries.extend(block.read().unwrap());
    }
    let heads = store.audit_heads().await.unwrap();
    let head = heads.iter().find(|(owner, _)| owner == tenant).map(|(_, head)| *head);
    let none = AuditHead { number: 0, entries: 0, hash: [0; 32] };
    assert_eq!(walk.head(), head.unwrap_or(none));
    assert_eq!(walk.head().entries, entries.len() as u64);
    entries
}

pub(crate) async fn whatever_is_issued_changed_sealed_or_erased_is_noted_with_it(store: Backend) {
    use CredentialStatus::{Revoked, Suspended, Valid};

    issue(&*store, 1).await;
    store.record_issued(&demo(), record(2, id(9)), Vec::new(), None).await.unwrap();
    for (status, at) in [(Suspended, 3), (Valid, 4), (Revoked, 5)] {
        assert!(matches!(set(&*store, 1, status, at).await, StatusChange::Done(_)));
    }
    let name = "key".parse().unwrap();
    for (expected, at) in [(None, 6), (Some(1), 7)] {
        let put = store.put_secret(&demo(), &name, expected, vec![1], second(at)).await;
        assert!(matches!(put, Ok(Put::Done(_))));
    }
    assert_eq!(store.remove_secret(&demo(), &name, second(8)).await, Ok(true));
    store.erase_subject(&demo(), SUBJECT, second(9)).await.unwrap();

    let erased = AuditEntry {
        at: second(9),
        action: AuditAction::SubjectErased,
        object: Some(AuditObject::of_subject(&SUBJECT)),
        detail: Some("1 credential".to_owned()),
    };
    let expected = [
        issued(1),
        issued(2),
        about(1, AuditAction::Suspended, 3),
        about(1, AuditAction::Reinstated, 4),
        about(1, AuditAction::Revoked, 5),
        secret(AuditAction::SecretWritten, "key version 1", 6),
        secret(AuditAction::SecretWritten, "key version 2", 7),
        secret(AuditAction::SecretRemoved, "key", 8),
        erased,
    ];
    assert_eq!(store.audit_notes(&demo()).await.unwrap(), expected);
    assert_eq!(store.link_audit(100).await, Ok(9));
    assert_eq!(store.audit_notes(&demo()).await, Ok(Vec::new()));
    assert_eq!(chained(&*store, &demo()).await, expected);
}

pub(crate) async fn what_was_not_done_is_noted_nowhere(store: Backend) {
    issue(&*store, 1).await;
    let revoked = set(&*store, 1, CredentialStatus::Revoked, 3).await;
    assert!(matches!(revoked, StatusChange::Done(_)));
    let before = store.audit_notes(&demo()).await.unwrap();

    let again = set(&*store, 1, CredentialStatus::Revoked, 4).await;
    assert_eq!(again, StatusChange::Done([].into()));
    assert_eq!(set(&*store, 1, CredentialStatus::Valid, 4).await, StatusChange::Final);
    assert_eq!(set(&*store, 7, CredentialStatus::Revoked, 4).await, StatusChange::Absent);
    store.record_issued(&demo(), record(1, id(9)), Vec::new(), None).await.unwrap_err();
    store.insert(offer(3)).await.unwrap();
    let held = live(&*store, code(3)).await;
    let twice = Next::new(second(4), Vec::new(), end())
        .with_issued(record(3, id(3)))
        .with_issued(record(1, id(3)));
    store.replace(&held, twice).await.unwrap_err();
    let name = "key".parse().unwrap();
    let put = store.put_secret(&demo(), &name, Some(1), vec![1], second(4)).await;
    assert_eq!(put, Ok(Put::Conflict));
    assert_eq!(store.remove_secret(&demo(), &name, second(4)).await, Ok(false));
    store.erase_subject(&demo(), SubjectRef::new([6; 32]), second(4)).await.unwrap();

    assert_eq!(store.audit_notes(&demo()).await, Ok(before));
}

pub(crate) async fn notes_are_linked_in_their_order_portion_by_portion(store: Backend) {
    for n in 1..=5 {
        issue(&*store, n).await;
    }
    for linked in [2, 2, 1, 0] {
        assert_eq!(store.link_audit(2).await, Ok(linked));
    }
    assert_eq!(chained(&*store, &demo()).await, (1..=5).map(issued).collect::<Vec<_>>());
    issue(&*store, 6).await;
    assert_eq!(store.link_audit(2).await, Ok(1));
    assert_eq!(chained(&*store, &demo()).await, (1..=6).map(issued).collect::<Vec<_>>());
}

pub(crate) async fn each_tenant_has_a_chain_of_its_own(store: Backend) {
    let other = tenant("other");
    store.record_issued(&demo(), record(1, id(9)), Vec::new(), None).await.unwrap();
    store.record_issued(&other, record(2, id(9)), Vec::new(), None).await.unwrap();
    store.record_issued(&demo(), record(3, id(9)), Vec::new(), None).await.unwrap();
    assert_eq!(store.audit_notes(&other).await, Ok(vec![issued(2)]));
    assert_eq!(store.link_audit(100).await, Ok(3));
    assert_eq!(chained(&*store, &demo()).await, [issued(1), issued(3)]);
    assert_eq!(chained(&*store, &other).await, [issued(2)]);
    assert_eq!(chained(&*store, &tenant("third")).await, []);
    let heads = store.audit_heads().await.unwrap();
    let owners: Vec<_> = heads.iter().map(|(owner, _)| owner.as_str()).collect();
    assert_eq!(owners, ["demo", "other"]);
    assert_ne!(heads[0].1.hash, heads[1].1.hash);
}

pub(crate) async fn entries_are_shredded_by_age_and_the_chain_stays_whole(store: Backend) {
    for n in 1..=3 {
        issue(&*store, n).await;
        assert_eq!(store.link_audit(9).await, Ok(1));
    }
    assert_eq!(store.shred_audit(second(2), 1).await, Ok(1));
    assert_eq!(store.shred_audit(second(2), 9).await, Ok(1));
    assert_eq!(store.shred_audit(second(2), 9).await, Ok(0));
    let blocks = store.audit_blocks(&demo(), 0, 9).await.unwrap();
    let mut chain = AuditChain::of(demo());
    blocks.iter().try_for_each(|block| chain.follow(block)).unwrap();
    let kept: Vec<_> = blocks.iter().map(|block| block.read().unwrap()).collect();
    assert_eq!(kept, [vec![], vec![], vec![issued(3)]]);
}

pub(crate) async fn of_many_who_link_at_once_one_links_each_note(store: Backend) {
    for n in 1..=40 {
        issue(&*store, n).await;
    }
    let mut linking = JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        linking.spawn(async move { store.link_audit(3).await.unwrap() });
    }
    let linked: u64 = linking.join_all().await.into_iter().sum();
    assert!(linked > 0, "somebody links");
    while store.link_audit(3).await.unwrap() > 0 {}
    assert_eq!(chained(&*store, &demo()).await, (1..=40).map(issued).collect::<Vec<_>>());
}

/// What is wrong with the chain of `demo` in a file of three blocks, once `change` was made to it; and where it ends
/// as far as it is good.
fn found_after(change: &str) -> (Result<(), AuditFault>, u64, u64) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(directory.path()).unwrap();
    block_on(async {
        for n in 1..=3 {
            issue(&store, n).await;
            assert_eq!(store.link_audit(9).await, Ok(1));
        }
        store.close().await.unwrap();
    });
    drop(store);
    let file = directory.path().join(FILE_NAME);
    Connection::open(&file).unwrap().execute_batch(change).unwrap();
    let read = AuditFile::open(&file).unwrap();
    block_on(async {
        let mut chain = AuditChain::of(demo());
        let blocks = read.audit_blocks(&demo(), 0, 9).await.unwrap();
        let followed = blocks.iter().try_for_each(|block| chain.follow(block));
        let kept = read.audit_heads().await.unwrap()[0].1;
        (followed, chain.head().number, kept.number)
    })
}

#[test]
fn what_was_changed_in_the_database_is_found_in_its_block() {
    let entries = |number| Err(AuditFault::Entries { number });
    let missing = |expected, found| Err(AuditFault::Missing { expected, found });
    for (change, found) in [
        ("SELECT 1", Ok(())),
        (
            "UPDATE audit_block SET text = replace(text, 'issued', 'revoked') WHERE number = 2",
            entries(2),
        ),
        ("UPDATE audit_block SET text = '' WHERE number = 3", entries(3)),
        (
            "UPDATE audit_block SET at = at + 1 WHERE number = 2",
            Err(AuditFault::Changed { number: 2 }),
        ),
        ("DELETE FROM audit_block WHERE number = 2", missing(2, 3)),
        ("DELETE FROM audit_block WHERE number = 1", missing(1, 2)),
        (
            "UPDATE audit_block SET number = -number; UPDATE audit_block SET number = 4 + number",
            Err(AuditFault::NotLinked { number: 1 }),
        ),
    ] {
        let change = format!("PRAGMA ignore_check_constraints = ON; {change}");
        assert_eq!(found_after(&change).0, found, "{change}");
    }
}

#[test]
fn a_chain_whose_end_was_cut_off_no_longer_reaches_its_head() {
    let cut = "DELETE FROM audit_block WHERE number = 3";
    assert_eq!(found_after(cut), (Ok(()), 2, 3));
}
