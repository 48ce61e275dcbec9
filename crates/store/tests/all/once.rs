//! What every backend promises about what must not be seen twice; `contract` runs it.

use std::sync::Arc;

use lanyard_store::{NewSession, Next, Once, OnceKind, Replaced, Store, StoreError, Taken};
use tokio::task::JoinSet;

use crate::support::{code, demo, end, id, live, offer, second, tenant, token};

type Backend = Arc<dyn Store>;

fn proof(n: u8, until: i64) -> Once {
    Once { kind: OnceKind::DpopProof, digest: [n; 32], expires_at: second(until) }
}

/// A step of session `n` that uses its code up and shows `once`.
async fn step(store: &dyn Store, n: u32, once: Once) -> Result<Replaced, StoreError> {
    let held = live(store, code(n)).await;
    let next = Next::new(second(2), b"stepped".to_vec(), end())
        .retiring(code(n))
        .adding(token(n))
        .seeing([once]);
    store.replace(&held, next).await
}

pub(crate) async fn what_a_step_showed_is_taken_once_and_a_replay_writes_nothing(store: Backend) {
    for n in 1..=2 {
        store.insert(offer(n)).await.unwrap();
    }
    assert!(matches!(step(&*store, 1, proof(7, 60)).await, Ok(Replaced::Done(_))));
    assert_eq!(step(&*store, 2, proof(7, 60)).await, Err(StoreError::SeenBefore));
    let untouched = live(&*store, code(2)).await;
    assert_eq!((untouched.version, untouched.state.as_slice()), (1, &b"offer 2"[..]));
    assert_eq!(store.take(&demo(), &token(2), second(2)).await, Ok(Taken::Absent));
    assert!(matches!(step(&*store, 2, proof(8, 60)).await, Ok(Replaced::Done(_))));
}

pub(crate) async fn a_session_is_not_begun_with_what_was_seen(store: Backend) {
    let begun = NewSession { once: vec![proof(7, 60)], ..offer(1) };
    store.insert(begun).await.unwrap();
    let replayed = NewSession { once: vec![proof(7, 60)], ..offer(2) };
    assert_eq!(store.insert(replayed).await, Err(StoreError::SeenBefore));
    assert_eq!(store.by_id(&demo(), id(2), second(2)).await, Ok(Taken::Absent));
    let twice = NewSession { once: vec![proof(9, 60), proof(9, 60)], ..offer(3) };
    assert_eq!(store.insert(twice).await, Err(StoreError::SeenBefore));
}

pub(crate) async fn what_one_tenant_or_kind_saw_is_new_to_another(store: Backend) {
    let begun = NewSession { once: vec![proof(7, 60)], ..offer(1) };
    store.insert(begun).await.unwrap();
    let theirs = NewSession { tenant: tenant("other"), once: vec![proof(7, 60)], ..offer(1) };
    assert_eq!(store.insert(theirs).await, Ok(()));
    let other_kind = Once { kind: OnceKind::ClientAttestationPop, ..proof(7, 60) };
    let begun = NewSession { once: vec![other_kind], ..offer(2) };
    assert_eq!(store.insert(begun).await, Ok(()));
}

pub(crate) async fn a_step_that_lost_its_race_shows_nothing(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let stale = live(&*store, code(1)).await;
    let first = Next::new(second(2), b"first".to_vec(), end());
    assert!(matches!(store.replace(&stale, first).await, Ok(Replaced::Done(_))));
    let late = Next::new(second(2), b"late".to_vec(), end()).seeing([proof(7, 60)]);
    assert_eq!(store.replace(&stale, late).await, Ok(Replaced::Conflict));
    assert!(matches!(step(&*store, 1, proof(7, 60)).await, Ok(Replaced::Done(_))));
}

pub(crate) async fn what_was_seen_is_forgotten_when_it_has_expired_and_not_before(store: Backend) {
    let until = [(1, 10), (2, 20), (3, 30)];
    for (n, until) in until {
        let begun = NewSession { once: vec![proof(n, until)], ..offer(n.into()) };
        store.insert(begun).await.unwrap();
    }
    assert_eq!(store.purge_once(second(20), 1).await, Ok(1));
    assert_eq!(store.purge_once(second(20), 9).await, Ok(1));
    assert_eq!(store.purge_once(second(20), 9).await, Ok(0));
    let replayed = NewSession { once: vec![proof(3, 30)], ..offer(9) };
    assert_eq!(store.insert(replayed).await, Err(StoreError::SeenBefore));
    let again = NewSession { once: vec![proof(1, 40)], ..offer(9) };
    assert_eq!(store.insert(again).await, Ok(()));
}

pub(crate) async fn of_sixty_four_sessions_with_one_proof_exactly_one_begins(store: Backend) {
    let mut rivals = JoinSet::new();
    for n in 1..=64 {
        let store = Arc::clone(&store);
        let begun = NewSession { once: vec![proof(7, 60)], ..offer(n) };
        rivals.spawn(async move { store.insert(begun).await });
    }
    let done = rivals.join_all().await.into_iter().filter(Result::is_ok).count();
    assert_eq!(done, 1);
}
