//! What every backend promises of sessions, what leads to them and their trails; `contract` runs it.

use std::sync::Arc;

use lanyard_store::event::LONGEST_TRAIL;
use lanyard_store::{
    Handle, HandleKind, NewEvent, NewSession, Next, Outcome, Page, Replaced, Session, SessionKind,
    Store, StoreError, Taken,
};
use tokio::task::JoinSet;

use crate::support::{
    EXPIRED, code, credential, demo, digest, end, handle, id, live, offer, record, second, tenant,
    token,
};

type Backend = Arc<dyn Store>;

pub(crate) async fn a_session_is_found_by_each_of_its_handles_and_by_its_name(store: Backend) {
    let session = NewSession {
        handles: vec![code(1), handle(HandleKind::Offer, 1), handle(HandleKind::TransactionId, 1)],
        ..offer(1)
    };
    store.insert(session).await.unwrap();

    let expected = Session {
        tenant: demo(),
        id: id(1),
        kind: SessionKind::Offer,
        version: 1,
        state: b"offer 1".to_vec(),
        handles: live(&*store, code(1)).await.handles,
        created_at: second(1),
        expires_at: end(),
    };
    for kind in [HandleKind::PreAuthorizedCode, HandleKind::Offer, HandleKind::TransactionId] {
        let taken = store.take(&demo(), &handle(kind, 1), second(1)).await;
        assert_eq!(taken, Ok(Taken::Live(expected.clone())), "{kind}");
    }
    assert_eq!(store.by_id(&demo(), id(1), second(1)).await, Ok(Taken::Live(expected)));
}

pub(crate) async fn an_unknown_handle_or_name_is_absent(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    assert_eq!(store.take(&demo(), &code(2), second(1)).await, Ok(Taken::Absent));
    assert_eq!(store.by_id(&demo(), id(2), second(1)).await, Ok(Taken::Absent));
}

pub(crate) async fn the_name_of_a_session_alone_opens_nothing(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    store.insert(offer(2)).await.unwrap();
    for guess in [digest(2), [0; 32]] {
        let guessed = Handle::new(id(1), HandleKind::PreAuthorizedCode, guess);
        assert_eq!(store.take(&demo(), &guessed, second(1)).await, Ok(Taken::Absent));
    }
    let held = live(&*store, code(1)).await;
    let next = Next::new(second(2), b"authorized".to_vec(), end()).retiring(code(1));
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));
    let guessed = Handle::new(id(1), HandleKind::PreAuthorizedCode, digest(2));
    assert_eq!(
        store.take(&demo(), &guessed, second(1)).await,
        Ok(Taken::Absent),
        "not even as used"
    );
}

pub(crate) async fn a_digest_of_one_kind_opens_nothing_as_another(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    for kind in HandleKind::ALL {
        let taken = store.take(&demo(), &handle(kind, 1), second(1)).await.unwrap();
        assert_eq!(
            matches!(taken, Taken::Live(_)),
            kind == HandleKind::PreAuthorizedCode,
            "{kind}"
        );
    }
}

pub(crate) async fn the_same_names_in_two_tenants_are_two_things(store: Backend) {
    let other = tenant("other");
    store.insert(offer(1)).await.unwrap();
    assert_eq!(store.take(&other, &code(1), second(1)).await, Ok(Taken::Absent));
    assert_eq!(store.by_id(&other, id(1), second(1)).await, Ok(Taken::Absent));
    assert_eq!(store.events(&other, id(1)).await, Ok(vec![]));
    assert_eq!(store.list(&other, SessionKind::Offer, Page::first(9)).await, Ok(vec![]));
    assert_eq!(store.delete(&other, id(1)).await, Ok(false));
    let event = NewEvent::done(second(1), "token");
    assert_eq!(store.append_event(&other, id(1), event).await, Err(StoreError::SessionAbsent));

    let theirs = NewSession { tenant: other.clone(), state: b"theirs".to_vec(), ..offer(1) };
    store.insert(theirs).await.unwrap();
    let Ok(Taken::Live(taken)) = store.take(&other, &code(1), second(1)).await else {
        unreachable!("the other tenant has its own session by now")
    };
    assert_eq!((taken.tenant.clone(), taken.state.as_slice()), (other.clone(), &b"theirs"[..]));

    let next = Next::new(second(2), b"theirs, used".to_vec(), end())
        .retiring(code(1))
        .with_issued(record(1, id(1)));
    assert!(matches!(store.replace(&taken, next).await, Ok(Replaced::Done(_))));
    assert_eq!(live(&*store, code(1)).await.version, 1, "ours is untouched");
    assert_eq!(store.issued(&demo(), credential(1)).await, Ok(None));
    assert_eq!(store.delete(&other, id(1)).await, Ok(true));
    assert_eq!(live(&*store, code(1)).await.state, b"offer 1");
}

pub(crate) async fn a_session_in_the_hand_of_another_tenant_replaces_nothing(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let forged = Session { tenant: tenant("other"), ..live(&*store, code(1)).await };
    let next = Next::new(second(2), b"forged".to_vec(), end());
    assert_eq!(store.replace(&forged, next).await, Ok(Replaced::Conflict));
    assert_eq!(live(&*store, code(1)).await.state, b"offer 1");
}

pub(crate) async fn a_session_is_expired_from_its_last_moment_on(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let just_before = end() - jiff::SignedDuration::from_micros(1);
    let taken = store.take(&demo(), &code(1), just_before).await.unwrap();
    assert!(matches!(taken, Taken::Live(_)));
    assert_eq!(store.take(&demo(), &code(1), end()).await, Ok(EXPIRED));
    assert_eq!(store.by_id(&demo(), id(1), end()).await, Ok(EXPIRED));
}

pub(crate) async fn a_session_that_expires_in_the_hand_is_not_replaced(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let held = live(&*store, code(1)).await;
    let late = Next::new(end(), b"too late".to_vec(), second(9_999)).retiring(code(1));
    assert_eq!(store.replace(&held, late).await, Ok(Replaced::Conflict));
    assert_eq!(live(&*store, code(1)).await.state, b"offer 1");
}

pub(crate) async fn a_step_replaces_state_version_and_end(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let held = live(&*store, code(1)).await;
    let next = Next::new(second(2), b"authorized".to_vec(), second(900)).adding(token(1));
    let Ok(Replaced::Done(done)) = store.replace(&held, next).await else {
        unreachable!("nobody else holds it")
    };
    let expected = Session {
        version: 2,
        state: b"authorized".to_vec(),
        handles: done.handles.clone(),
        expires_at: second(900),
        ..held.clone()
    };
    assert_eq!(done, expected);
    for handle in [code(1), token(1)] {
        assert_eq!(
            store.take(&demo(), &handle, second(2)).await,
            Ok(Taken::Live(expected.clone()))
        );
    }
}

pub(crate) async fn a_version_is_replaced_once(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let held = live(&*store, code(1)).await;
    let first = Next::new(second(2), b"first".to_vec(), end());
    let second_try = Next::new(second(2), b"second".to_vec(), end())
        .adding(token(1))
        .with_event(NewEvent::done(second(2), "token"))
        .with_issued(record(1, id(1)));
    assert!(matches!(store.replace(&held, first).await, Ok(Replaced::Done(_))));
    assert_eq!(store.replace(&held, second_try).await, Ok(Replaced::Conflict));

    assert_eq!(live(&*store, code(1)).await.state, b"first");
    assert_eq!(store.take(&demo(), &token(1), second(2)).await, Ok(Taken::Absent));
    assert_eq!(store.events(&demo(), id(1)).await.unwrap().len(), 1);
    assert_eq!(store.issued(&demo(), credential(1)).await, Ok(None));
}

pub(crate) async fn of_sixty_four_concurrent_takers_exactly_one_is_done(store: Backend) {
    for round in 0..8 {
        store.insert(offer(round)).await.unwrap();
        let mut takers = JoinSet::new();
        for taker in 0..64 {
            let store = store.clone();
            takers.spawn(async move {
                let held = match store.take(&demo(), &code(round), second(1)).await.unwrap() {
                    Taken::Live(session) => session,
                    Taken::Used(used) => {
                        assert_eq!(used, id(round));
                        return None;
                    }
                    other => unreachable!("neither live nor used: {other:?}"),
                };
                let next = Next::new(second(2), format!("won by {taker}").into(), end())
                    .retiring(code(round))
                    .adding(token(round))
                    .with_event(NewEvent::done(second(2), "token"));
                match store.replace(&held, next).await.unwrap() {
                    Replaced::Done(session) => Some(session),
                    Replaced::Conflict => None,
                }
            });
        }
        let winners: Vec<_> = takers.join_all().await.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1);
        assert_eq!(live(&*store, token(round)).await, winners[0]);
        assert_eq!(store.events(&demo(), id(round)).await.unwrap().len(), 2);
    }
}

pub(crate) async fn a_retired_handle_names_the_session_it_was_used_for(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let held = live(&*store, code(1)).await;
    let next =
        Next::new(second(2), b"authorized".to_vec(), end()).retiring(code(1)).adding(token(1));
    let Ok(Replaced::Done(_)) = store.replace(&held, next).await else {
        unreachable!("nobody else holds it")
    };
    assert_eq!(store.take(&demo(), &code(1), second(3)).await, Ok(Taken::Used(id(1))));
    assert_eq!(store.take(&demo(), &code(1), end()).await, Ok(Taken::Used(id(1))), "expired too");
    assert!(matches!(store.take(&demo(), &token(1), second(3)).await, Ok(Taken::Live(_))));
    let Ok(Taken::Live(held)) = store.by_id(&demo(), id(1), second(3)).await else {
        unreachable!("it is live")
    };
    let again = Next::new(second(3), b"again".to_vec(), end()).adding(code(1));
    assert_eq!(store.replace(&held, again).await, Err(StoreError::DuplicateHandle));
}

pub(crate) async fn handles_are_known_after_the_store_was_asked_by_name_only(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let Ok(Taken::Live(held)) = store.by_id(&demo(), id(1), second(1)).await else {
        unreachable!("it is live")
    };
    let next = Next::new(second(2), b"authorized".to_vec(), end()).retiring(code(1));
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));
    let listed = store.list(&demo(), SessionKind::Offer, Page::first(1)).await.unwrap();
    let next = Next::new(second(2), b"again".to_vec(), end()).retiring(code(1));
    assert_eq!(store.replace(&listed[0], next).await, Err(StoreError::HandleNotHeld));
}

pub(crate) async fn a_step_retires_only_live_handles_of_its_own_session(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    store.insert(offer(2)).await.unwrap();
    let held = live(&*store, code(1)).await;
    for retired in [vec![code(2)], vec![code(3)], vec![code(1), code(1)]] {
        let next = Next {
            retire_handles: retired,
            ..Next::new(second(2), b"changed".to_vec(), end()).adding(token(1))
        };
        assert_eq!(store.replace(&held, next).await, Err(StoreError::HandleNotHeld));
    }
    assert_eq!(live(&*store, code(1)).await, held, "nothing of a refused step remains");
    assert_eq!(live(&*store, code(2)).await.version, 1);
    assert_eq!(store.take(&demo(), &token(1), second(2)).await, Ok(Taken::Absent));
}

pub(crate) async fn a_step_that_adds_a_known_handle_changes_nothing(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    store.insert(offer(2)).await.unwrap();
    let held = live(&*store, code(1)).await;
    let known = [(code(2), StoreError::HandleElsewhere), (code(1), StoreError::DuplicateHandle)];
    for (added, refused) in known {
        let next = Next::new(second(2), b"changed".to_vec(), end())
            .adding(token(1))
            .adding(added)
            .with_event(NewEvent::done(second(2), "token"))
            .with_issued(record(1, id(1)));
        assert_eq!(store.replace(&held, next).await, Err(refused));
    }
    assert_eq!(live(&*store, code(1)).await, held);
    assert_eq!(store.take(&demo(), &token(1), second(2)).await, Ok(Taken::Absent));
    assert_eq!(store.events(&demo(), id(1)).await.unwrap().len(), 1);
    assert_eq!(store.issued(&demo(), credential(1)).await, Ok(None));
}

pub(crate) async fn names_that_are_taken_are_refused_and_leave_nothing(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let same_name = NewSession { handles: vec![token(1)], ..offer(1) };
    assert_eq!(store.insert(same_name).await, Err(StoreError::DuplicateSession));
    assert_eq!(store.take(&demo(), &token(1), second(1)).await, Ok(Taken::Absent));

    let of_another = NewSession { handles: vec![token(3), code(1)], ..offer(3) };
    assert_eq!(store.insert(of_another).await, Err(StoreError::HandleElsewhere));
    let handle_twice = NewSession { handles: vec![token(3), token(3)], ..offer(3) };
    assert_eq!(store.insert(handle_twice).await, Err(StoreError::DuplicateHandle));
    assert_eq!(store.by_id(&demo(), id(3), second(1)).await, Ok(Taken::Absent));
    assert_eq!(store.take(&demo(), &token(3), second(1)).await, Ok(Taken::Absent));
}

pub(crate) async fn the_trail_keeps_every_event_in_order(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let refused = NewEvent::refused(second(2), "token", "tx_code_wrong").with_detail("try 1 of 5");
    store.append_event(&demo(), id(1), refused).await.unwrap();
    let next = Next::new(second(3), b"authorized".to_vec(), end())
        .with_event(NewEvent::done(second(3), "token"))
        .with_event(NewEvent::undetermined(second(3), "status", "list_unreachable"));
    let held = live(&*store, code(1)).await;
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));

    let trail = store.events(&demo(), id(1)).await.unwrap();
    let told: Vec<_> = trail
        .iter()
        .map(|it| (it.seq, it.at, it.step.as_str(), it.outcome, it.reason.as_deref()))
        .collect();
    assert_eq!(
        told,
        [
            (1, second(1), "offer_created", Outcome::Done, None),
            (2, second(2), "token", Outcome::Refused, Some("tx_code_wrong")),
            (3, second(3), "token", Outcome::Done, None),
            (4, second(3), "status", Outcome::Undetermined, Some("list_unreachable")),
        ]
    );
    assert_eq!(trail[1].detail.as_deref(), Some("try 1 of 5"));
}

pub(crate) async fn an_event_does_not_disturb_whoever_holds_the_session(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let held = live(&*store, code(1)).await;
    let event = NewEvent::refused(second(2), "token", "tx_code_wrong");
    store.append_event(&demo(), id(1), event).await.unwrap();
    let next = Next::new(second(3), b"authorized".to_vec(), end());
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));
}

pub(crate) async fn an_event_needs_a_session(store: Backend) {
    let event = NewEvent::done(second(1), "token");
    let appended = store.append_event(&demo(), id(1), event).await;
    assert_eq!(appended, Err(StoreError::SessionAbsent));
    assert_eq!(store.events(&demo(), id(1)).await, Ok(vec![]));
}

pub(crate) async fn a_flood_of_refusals_fills_the_trail_and_not_the_store(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    for _ in 0..LONGEST_TRAIL + 10 {
        let event = NewEvent::refused(second(2), "token", "tx_code_wrong");
        store.append_event(&demo(), id(1), event).await.unwrap();
    }
    let held = live(&*store, code(1)).await;
    let next = Next::new(second(3), b"authorized".to_vec(), end())
        .with_event(NewEvent::done(second(3), "token"));
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));

    let trail = store.events(&demo(), id(1)).await.unwrap();
    assert_eq!(trail.len(), LONGEST_TRAIL as usize + 1, "steps are always kept");
    assert_eq!(trail.last().unwrap().outcome, Outcome::Done);
}

pub(crate) async fn a_list_is_newest_first_and_comes_in_pages(store: Backend) {
    for n in [3, 1, 5, 2, 4] {
        store.insert(offer(n)).await.unwrap();
    }
    store.insert(NewSession { kind: SessionKind::Request, ..offer(6) }).await.unwrap();
    store.insert(NewSession { tenant: tenant("other"), ..offer(7) }).await.unwrap();

    let ids = async |page| {
        let listed = store.list(&demo(), SessionKind::Offer, page).await.unwrap();
        listed.into_iter().map(|session| session.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(Page::first(2)).await, [id(5), id(4)]);
    assert_eq!(ids(Page { before: Some(id(4)), limit: 2 }).await, [id(3), id(2)]);
    assert_eq!(ids(Page { before: Some(id(2)), limit: 2 }).await, [id(1)]);
    assert_eq!(ids(Page { before: Some(id(1)), limit: 2 }).await, []);
    let requests = store.list(&demo(), SessionKind::Request, Page::first(9)).await.unwrap();
    assert_eq!(requests.len(), 1);
}

pub(crate) async fn a_page_has_a_largest_size(store: Backend) {
    for n in 0..u32::from(Page::LARGEST) + 5 {
        store.insert(offer(n)).await.unwrap();
    }
    let listed = store.list(&demo(), SessionKind::Offer, Page::first(u16::MAX)).await.unwrap();
    assert_eq!(listed.len(), usize::from(Page::LARGEST));
}

pub(crate) async fn a_deleted_session_takes_its_handles_and_its_trail_along(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let held = live(&*store, code(1)).await;
    let next = Next::new(second(2), b"authorized".to_vec(), end())
        .retiring(code(1))
        .adding(token(1))
        .with_issued(record(1, id(1)));
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));

    assert_eq!(store.delete(&demo(), id(1)).await, Ok(true));
    assert_eq!(store.delete(&demo(), id(1)).await, Ok(false));
    for handle in [code(1), token(1)] {
        assert_eq!(store.take(&demo(), &handle, second(2)).await, Ok(Taken::Absent));
    }
    assert_eq!(store.events(&demo(), id(1)).await, Ok(vec![]));
    assert_eq!(store.issued(&demo(), credential(1)).await, Ok(Some(record(1, id(1)))));

    store.insert(offer(1)).await.unwrap();
    assert_eq!(store.events(&demo(), id(1)).await.unwrap().len(), 1);
}

pub(crate) async fn a_deleted_session_in_the_hand_is_not_replaced(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let held = live(&*store, code(1)).await;
    store.delete(&demo(), id(1)).await.unwrap();
    let next = Next::new(second(2), b"ghost".to_vec(), end()).adding(token(1));
    assert_eq!(store.replace(&held, next).await, Ok(Replaced::Conflict));
    assert_eq!(store.take(&demo(), &token(1), second(2)).await, Ok(Taken::Absent));
}

pub(crate) async fn a_purge_removes_the_longest_expired_and_nothing_live(store: Backend) {
    for n in 1..=6 {
        let expires_at = second(100 + i64::from(n) * 10);
        store.insert(NewSession { expires_at, ..offer(n) }).await.unwrap();
    }
    let elsewhere = NewSession { tenant: tenant("other"), expires_at: second(1), ..offer(7) };
    store.insert(elsewhere).await.unwrap();

    let now = second(140);
    assert_eq!(store.purge_expired(now, 3).await, Ok(3));
    assert_eq!(store.by_id(&tenant("other"), id(7), second(0)).await, Ok(Taken::Absent));
    assert_eq!(store.take(&demo(), &code(2), now).await, Ok(Taken::Absent));
    assert_eq!(store.take(&demo(), &code(4), now).await, Ok(EXPIRED));
    assert_eq!(store.purge_expired(now, 100).await, Ok(2));
    assert_eq!(store.purge_expired(now, 100).await, Ok(0));
    for n in [5, 6] {
        assert!(matches!(store.take(&demo(), &code(n), now).await, Ok(Taken::Live(_))), "{n}");
    }
}

pub(crate) async fn a_purge_of_one_kind_leaves_the_others(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    store.insert(NewSession { kind: SessionKind::Request, ..offer(2) }).await.unwrap();
    let early = end() - jiff::SignedDuration::from_micros(1);
    assert_eq!(store.purge_expired_of(SessionKind::Request, early, 9).await, Ok(0));
    assert_eq!(store.purge_expired_of(SessionKind::Request, end(), 9).await, Ok(1));
    assert_eq!(store.by_id(&demo(), id(1), end()).await, Ok(EXPIRED));
    assert_eq!(store.by_id(&demo(), id(2), end()).await, Ok(Taken::Absent));
}

pub(crate) async fn a_purge_spares_a_session_whose_step_moved_its_end(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let held = live(&*store, code(1)).await;
    let next = Next::new(second(2), b"authorized".to_vec(), second(5_000));
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));
    assert_eq!(store.purge_expired(end(), 100).await, Ok(0));
    assert!(matches!(store.take(&demo(), &code(1), end()).await, Ok(Taken::Live(_))));
}
