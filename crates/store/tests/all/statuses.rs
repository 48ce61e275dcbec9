//! What every backend promises about the statuses of issued credentials; `contract` runs it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use lanyard_store::{
    CredentialStatus, ListChanges, NewStatus, Next, Replaced, StatusChange, StatusChunk,
    StatusNote, StatusPlace, Store, StoreError, TenantId,
};
use tokio::task::JoinSet;

use crate::support::{code, credential, demo, end, id, live, offer, record, second, tenant};

type Backend = Arc<dyn Store>;

fn note() -> StatusNote {
    StatusNote::at(second(3))
}

const fn place(list: u32, index: u32) -> StatusPlace {
    StatusPlace { list, index }
}

/// Issues credential 1 in three copies, whose statuses are in two lists.
async fn issue(store: &dyn Store) {
    store.insert(offer(1)).await.expect("a new session");
    let held = live(store, code(1)).await;
    let mut next = Next::new(second(2), b"issued".to_vec(), end()).with_issued(record(1, id(1)));
    for place in [place(0, 700), place(0, 3), place(1, 9)] {
        next =
            next.with_status(NewStatus { credential: credential(1), place, is_suspendable: true });
    }
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));
}

/// The places of a list that are anything but valid.
async fn not_valid(
    store: &dyn Store,
    tenant: &TenantId,
    list: u32,
) -> Vec<(u32, CredentialStatus)> {
    let changes = store.changed_statuses(tenant, list, 0).await.expect("an answer");
    let runs = changes.chunks.iter().map(|chunk| chunk.not_valid().expect("known statuses"));
    runs.flatten().collect()
}

/// The places of a store that was never restored.
fn only(places: Range<u64>) -> Result<Vec<Range<u64>>, StoreError> {
    Ok(vec![places])
}

fn done(lists: impl IntoIterator<Item = u32>) -> StatusChange {
    StatusChange::Done(lists.into_iter().collect())
}

pub(crate) async fn a_place_is_reserved_once_and_by_one_tenant(store: Backend) {
    assert_eq!(store.reserved_statuses(&demo()).await, only(0..0));
    assert_eq!(store.reserve_statuses(&demo(), 3).await, Ok(0));
    assert_eq!(store.reserve_statuses(&demo(), 1).await, Ok(3));
    assert_eq!(store.reserve_statuses(&tenant("other"), 5).await, Ok(0));
    assert_eq!(store.reserved_statuses(&demo()).await, only(0..4));

    let mut takers = JoinSet::new();
    for _ in 0..64 {
        let store = store.clone();
        takers.spawn(async move { store.reserve_statuses(&demo(), 10).await });
    }
    let taken = takers.join_all().await;
    let firsts: BTreeSet<u64> = taken.into_iter().map(Result::unwrap).collect();
    assert_eq!(firsts, (0..64).map(|nth| 4 + 10 * nth).collect());
}

pub(crate) async fn every_copy_of_a_credential_is_revoked_as_one(store: Backend) {
    issue(&*store).await;
    let valid = Some(CredentialStatus::Valid);
    assert_eq!(store.status(&demo(), credential(1)).await, Ok(valid));
    assert_eq!(not_valid(&*store, &demo(), 0).await, []);
    let revoked = CredentialStatus::Revoked;
    let changed = store.set_status(&demo(), credential(1), revoked, note()).await;
    assert_eq!(changed, Ok(done([0, 1])));
    assert_eq!(store.status(&demo(), credential(1)).await, Ok(Some(revoked)));
    assert_eq!(not_valid(&*store, &demo(), 0).await, [(3, revoked), (700, revoked)]);
    assert_eq!(not_valid(&*store, &demo(), 1).await, [(9, revoked)]);
    assert_eq!(not_valid(&*store, &demo(), 2).await, []);
}

pub(crate) async fn a_revocation_is_final_and_can_be_repeated(store: Backend) {
    issue(&*store).await;
    let set = async |status| store.set_status(&demo(), credential(1), status, note()).await;
    assert_eq!(set(CredentialStatus::Revoked).await, Ok(done([0, 1])));
    assert_eq!(set(CredentialStatus::Revoked).await, Ok(done([])), "nothing to publish anew");
    assert_eq!(set(CredentialStatus::Valid).await, Ok(StatusChange::Final));
    assert_eq!(set(CredentialStatus::Suspended).await, Ok(StatusChange::Final));
    let status = store.status(&demo(), credential(1)).await;
    assert_eq!(status, Ok(Some(CredentialStatus::Revoked)));
}

pub(crate) async fn a_suspension_ends(store: Backend) {
    issue(&*store).await;
    let set = async |status| store.set_status(&demo(), credential(1), status, note()).await;
    assert_eq!(set(CredentialStatus::Suspended).await, Ok(done([0, 1])));
    assert_eq!(not_valid(&*store, &demo(), 1).await, [(9, CredentialStatus::Suspended)]);
    assert_eq!(set(CredentialStatus::Valid).await, Ok(done([0, 1])));
    assert_eq!(not_valid(&*store, &demo(), 1).await, []);
    assert_eq!(set(CredentialStatus::Suspended).await, Ok(done([0, 1])));
    assert_eq!(set(CredentialStatus::Revoked).await, Ok(done([0, 1])));
}

pub(crate) async fn a_copy_that_says_nowhere_whether_it_is_suspended_is_only_revoked(
    store: Backend,
) {
    store.insert(offer(1)).await.unwrap();
    let held = live(&*store, code(1)).await;
    let copy = |index, is_suspendable| NewStatus {
        credential: credential(1),
        place: place(0, index),
        is_suspendable,
    };
    let next = Next::new(second(2), b"issued".to_vec(), end())
        .with_issued(record(1, id(1)))
        .with_status(copy(3, true))
        .with_status(copy(4, false));
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));
    let set = async |status| store.set_status(&demo(), credential(1), status, note()).await;
    assert_eq!(set(CredentialStatus::Suspended).await, Ok(StatusChange::NotSuspendable));
    let status = store.status(&demo(), credential(1)).await;
    assert_eq!(status, Ok(Some(CredentialStatus::Valid)));
    assert_eq!(set(CredentialStatus::Revoked).await, Ok(done([0])));
}

pub(crate) async fn a_status_belongs_to_its_tenant_and_its_credential(store: Backend) {
    issue(&*store).await;
    let revoked = CredentialStatus::Revoked;
    let theirs = store.set_status(&tenant("other"), credential(1), revoked, note()).await;
    assert_eq!(theirs, Ok(StatusChange::Absent));
    assert_eq!(
        store.set_status(&demo(), credential(2), revoked, note()).await,
        Ok(StatusChange::Absent)
    );
    assert_eq!(store.status(&tenant("other"), credential(1)).await, Ok(None));
    assert_eq!(not_valid(&*store, &tenant("other"), 0).await, []);
    assert_eq!(store.status(&demo(), credential(1)).await, Ok(Some(CredentialStatus::Valid)));
}

pub(crate) async fn what_a_lost_race_issued_has_no_status(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let held = live(&*store, code(1)).await;
    let next = Next::new(second(2), b"first".to_vec(), end());
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));
    let status = NewStatus { credential: credential(1), place: place(0, 3), is_suspendable: true };
    let late = Next::new(second(2), b"second".to_vec(), end()).with_status(status);
    assert_eq!(store.replace(&held, late).await, Ok(Replaced::Conflict));
    assert_eq!(store.status(&demo(), credential(1)).await, Ok(None));
}

pub(crate) async fn an_expired_record_takes_its_statuses_along_and_frees_no_place(store: Backend) {
    issue(&*store).await;
    assert_eq!(store.reserve_statuses(&demo(), 3).await, Ok(0));
    let revoked = store.set_status(&demo(), credential(1), CredentialStatus::Revoked, note()).await;
    assert_eq!(revoked, Ok(done([0, 1])));
    assert_eq!(store.purge_issued(second(1_000), 9).await, Ok(1));
    assert_eq!(store.status(&demo(), credential(1)).await, Ok(None));
    let revoked = CredentialStatus::Revoked;
    let kept = [(3, revoked), (700, revoked)];
    assert_eq!(not_valid(&*store, &demo(), 0).await, kept, "nobody is told that it is valid again");
    assert_eq!(store.reserved_statuses(&demo()).await, only(0..3));
}

pub(crate) async fn a_change_touches_one_run_and_is_told_to_whoever_has_an_older_list(
    store: Backend,
) {
    store.insert(offer(1)).await.expect("a new session");
    let held = live(&*store, code(1)).await;
    let mut next = Next::new(second(2), b"issued".to_vec(), end());
    let far = 5 * StatusChunk::PLACES + 1;
    for (name, index) in [(1, 3), (2, 4095), (3, 4096), (4, far)] {
        let status = NewStatus {
            credential: credential(name),
            place: place(0, index),
            is_suspendable: true,
        };
        next = next.with_status(status).with_issued(record(name, id(1)));
    }
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));
    let set = async |name, status| {
        let change = store.set_status(&demo(), credential(name), status, note()).await;
        assert_eq!(change, Ok(done([0])));
    };
    let changes = async |after| store.changed_statuses(&demo(), 0, after).await.expect("an answer");
    assert_eq!(changes(0).await, ListChanges::default(), "nothing was ever changed");

    set(4, CredentialStatus::Revoked).await;
    set(1, CredentialStatus::Suspended).await;
    set(2, CredentialStatus::Revoked).await;
    let all = changes(0).await;
    let numbers: Vec<_> = all.chunks.iter().map(|chunk| chunk.number).collect();
    assert_eq!(numbers, [0, 5]);
    assert!(all.chunks.iter().all(|chunk| chunk.bits.len() == StatusChunk::BYTES as usize));
    assert_eq!(all.chunks[0].bits[0], 0b1000_0000, "the fourth status of the first byte");
    assert_eq!(all.chunks[0].bits[1023], 0b0100_0000, "the last of the run");
    let none = ListChanges { version: all.version, chunks: Vec::new() };
    assert_eq!(changes(all.version).await, none);

    set(3, CredentialStatus::Revoked).await;
    let newer = changes(all.version).await;
    assert!(newer.version > all.version);
    let revoked = vec![(4096, CredentialStatus::Revoked)];
    assert_eq!(newer.chunks[0].not_valid(), Some(revoked));
    assert_eq!(newer.chunks.len(), 1, "the other runs are as they were");

    set(1, CredentialStatus::Valid).await;
    let back = changes(newer.version).await;
    assert_eq!(back.chunks[0].not_valid(), Some(vec![(4095, CredentialStatus::Revoked)]));
}

pub(crate) async fn what_is_issued_without_a_session_is_on_record_with_its_status(store: Backend) {
    let issued = record(1, id(7));
    let status = NewStatus { credential: credential(1), place: place(0, 3), is_suspendable: true };
    assert_eq!(store.record_issued(&demo(), issued.clone(), vec![status], None).await, Ok(()));
    assert_eq!(store.issued(&demo(), credential(1)).await, Ok(Some(issued.clone())));
    let revoked = CredentialStatus::Revoked;
    assert_eq!(store.set_status(&demo(), credential(1), revoked, note()).await, Ok(done([0])));
    assert_eq!(not_valid(&*store, &demo(), 0).await, [(3, revoked)]);
    // all of it or nothing
    let other = NewStatus { credential: credential(1), place: place(0, 4), is_suspendable: true };
    let twice = store.record_issued(&demo(), issued, vec![other], None).await;
    assert_eq!(twice, Err(lanyard_store::StoreError::DuplicateCredential));
    assert_eq!(
        store.set_status(&tenant("other"), credential(1), revoked, note()).await,
        Ok(StatusChange::Absent)
    );
}
