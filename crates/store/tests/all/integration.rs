//! What every backend promises to integrators: calls done once, messages with their step, subjects found
//! and forgotten; `contract` runs it.

use std::sync::Arc;

use jiff::Timestamp;
use lanyard_store::{
    CallAnswer, CallBegun, Claim, CredentialStatus, Erased, Errand, IssuedFilter, IssuedPage,
    IssuedRecord, Message, MessageId, MessagePage, MessageState, NewCall, NewEvent, NewMessage,
    NewSession, NewStatus, Next, Replaced, Settled, StatusChange, StatusEntry, StatusNote,
    StatusPlace, Store, StoreError, SubjectRef, Taken,
};
use tokio::task::JoinSet;

use crate::support::{code, credential, demo, end, id, live, offer, record, second, tenant};

type Backend = Arc<dyn Store>;

const SUBJECT: SubjectRef = SubjectRef::new([7; 32]);

fn call(key: u8, request: u8, now: i64) -> NewCall {
    NewCall {
        key: [key; 32],
        request: [request; 32],
        now: second(now),
        lease_until: second(now + 60),
        expires_at: second(now + 1_000),
    }
}

/// One of the session of the same number.
fn message(n: u8, due_at: Timestamp) -> NewMessage {
    NewMessage {
        id: MessageId::from_bytes([n; 16]),
        webhook: "hr".to_owned(),
        errand: Errand::Deliver,
        kind: "issuance.offer_created".to_owned(),
        session: Some(id(n.into())),
        payload: format!("{{\"n\":{n}}}"),
        due_at,
        keep_until: second(500),
    }
}

fn all() -> MessagePage {
    MessagePage { state: None, before: None, limit: 50 }
}

fn names(messages: &[Message]) -> Vec<u8> {
    messages.iter().map(|message| message.id.as_bytes()[0]).collect()
}

/// An offer whose first event tells these messages.
fn telling(n: u32, messages: Vec<NewMessage>) -> NewSession {
    let event = NewEvent::done(second(n.into()), "offer_created").telling(messages);
    NewSession { event, ..offer(n) }
}

pub(crate) async fn a_call_is_begun_by_one_of_sixty_four(store: Backend) {
    let mut callers = JoinSet::new();
    for _ in 0..64 {
        let store = store.clone();
        callers.spawn(async move { store.begin_call(&demo(), call(1, 1, 0)).await });
    }
    let begun = callers.join_all().await;
    let fresh = begun.iter().filter(|one| **one == Ok(CallBegun::Fresh)).count();
    let running = begun.iter().filter(|one| **one == Ok(CallBegun::Running)).count();
    assert_eq!((fresh, running), (1, 63));
}

pub(crate) async fn a_call_answers_the_same_until_its_key_expires(store: Backend) {
    assert_eq!(store.begin_call(&demo(), call(1, 1, 0)).await, Ok(CallBegun::Fresh));
    assert_eq!(store.finish_call(&demo(), [1; 32], b"sealed".to_vec()).await, Ok(true));
    assert_eq!(store.finish_call(&demo(), [1; 32], b"other".to_vec()).await, Ok(false));
    let answered = Ok(CallBegun::Answered(b"sealed".to_vec()));
    assert_eq!(store.begin_call(&demo(), call(1, 1, 999)).await, answered);
    let other = tenant("other");
    assert_eq!(store.begin_call(&other, call(1, 1, 999)).await, Ok(CallBegun::Fresh));
    assert_eq!(store.begin_call(&demo(), call(1, 2, 1_000)).await, Ok(CallBegun::Fresh));
    assert_eq!(store.purge_calls(second(1_999), 9).await, Ok(1), "that of the other tenant");
    assert_eq!(store.begin_call(&demo(), call(1, 2, 1_999)).await, Ok(CallBegun::Fresh));
}

pub(crate) async fn a_key_that_was_used_for_another_request_is_refused(store: Backend) {
    assert_eq!(store.begin_call(&demo(), call(1, 1, 0)).await, Ok(CallBegun::Fresh));
    assert_eq!(store.begin_call(&demo(), call(1, 2, 1)).await, Ok(CallBegun::OtherRequest));
    assert_eq!(store.finish_call(&demo(), [1; 32], Vec::new()).await, Ok(true));
    assert_eq!(store.begin_call(&demo(), call(1, 2, 1)).await, Ok(CallBegun::OtherRequest));
}

pub(crate) async fn a_session_and_the_answer_of_its_call_are_kept_together_or_not_at_all(
    store: Backend,
) {
    let outcome = |n, answer: &[u8]| NewSession {
        call: Some(CallAnswer { key: [1; 32], answer: answer.to_vec() }),
        ..offer(n)
    };
    let unbegun = store.insert(outcome(1, b"sealed")).await;
    assert_eq!(unbegun, Err(StoreError::CallAnswered), "nobody makes this call");
    assert_eq!(store.begin_call(&demo(), call(1, 1, 0)).await, Ok(CallBegun::Fresh));
    store.insert(outcome(1, b"sealed")).await.expect("the first to end");
    // the lease of one that is slow runs out, and another one makes the call as well
    let late = store.insert(outcome(2, b"other")).await;
    assert_eq!(late, Err(StoreError::CallAnswered));
    assert_eq!(store.by_id(&demo(), id(2), second(1)).await, Ok(Taken::Absent));
    assert!(matches!(store.by_id(&demo(), id(1), second(1)).await, Ok(Taken::Live(_))));
    let answered = Ok(CallBegun::Answered(b"sealed".to_vec()));
    assert_eq!(store.begin_call(&demo(), call(1, 1, 999)).await, answered);
}

pub(crate) async fn what_is_issued_and_the_answer_of_its_call_are_kept_together_or_not_at_all(
    store: Backend,
) {
    let issue = async |n: u32, answer: &[u8]| {
        let place = StatusPlace { list: 0, index: n };
        let statuses = vec![NewStatus { credential: credential(n), place, is_suspendable: true }];
        let answered = CallAnswer { key: [1; 32], answer: answer.to_vec() };
        store.record_issued(&demo(), record(n, id(7)), statuses, Some(answered)).await
    };
    assert_eq!(issue(1, b"sealed").await, Err(StoreError::CallAnswered), "nobody makes this call");
    assert_eq!(store.issued(&demo(), credential(1)).await, Ok(None));
    assert_eq!(store.begin_call(&demo(), call(1, 1, 0)).await, Ok(CallBegun::Fresh));
    assert_eq!(issue(1, b"sealed").await, Ok(()));
    // the lease of one that is slow runs out, and another one makes the call as well
    assert_eq!(issue(2, b"other").await, Err(StoreError::CallAnswered));
    assert_eq!(store.issued(&demo(), credential(2)).await, Ok(None));
    let kept = Ok(CallBegun::Answered(b"sealed".to_vec()));
    assert_eq!(store.begin_call(&demo(), call(1, 1, 999)).await, kept);
}

pub(crate) async fn a_call_that_came_to_nothing_can_be_made_again(store: Backend) {
    assert_eq!(store.begin_call(&demo(), call(1, 1, 0)).await, Ok(CallBegun::Fresh));
    assert_eq!(store.abandon_call(&demo(), [1; 32]).await, Ok(()));
    assert_eq!(store.begin_call(&demo(), call(1, 2, 1)).await, Ok(CallBegun::Fresh));
    assert_eq!(store.finish_call(&demo(), [1; 32], b"kept".to_vec()).await, Ok(true));
    assert_eq!(store.abandon_call(&demo(), [1; 32]).await, Ok(()));
    let answered = Ok(CallBegun::Answered(b"kept".to_vec()));
    assert_eq!(store.begin_call(&demo(), call(1, 2, 2)).await, answered);
}

pub(crate) async fn a_call_whose_process_ended_is_taken_over_after_its_lease(store: Backend) {
    assert_eq!(store.begin_call(&demo(), call(1, 1, 0)).await, Ok(CallBegun::Fresh));
    assert_eq!(store.begin_call(&demo(), call(1, 1, 59)).await, Ok(CallBegun::Running));
    assert_eq!(store.begin_call(&demo(), call(1, 1, 60)).await, Ok(CallBegun::Fresh));
}

pub(crate) async fn a_message_is_written_with_its_step_or_not_at_all(store: Backend) {
    store.insert(telling(1, vec![message(1, second(1))])).await.unwrap();
    assert!(store.insert(telling(1, vec![message(2, second(1))])).await.is_err());
    let held = live(&*store, code(1)).await;
    let told = |n| NewEvent::done(second(2), "token").telling([message(n, second(2))]);
    let next = Next::new(second(2), b"token".to_vec(), end());
    let done = store.replace(&held, next.clone().with_event(told(3))).await;
    assert!(matches!(done, Ok(Replaced::Done(_))));
    let lost = store.replace(&held, next.with_event(told(4))).await;
    assert_eq!(lost, Ok(Replaced::Conflict));
    store.append_event(&demo(), id(1), told(5)).await.unwrap();
    assert!(store.append_event(&demo(), id(9), told(6)).await.is_err());
    let messages = store.list_messages(&demo(), all()).await.unwrap();
    assert_eq!(names(&messages), [5, 3, 1]);
    let first = &messages[2];
    assert_eq!(first.payload, "{\"n\":1}");
    assert_eq!((first.session, first.state), (Some(id(1)), MessageState::Waiting));
    assert_eq!((first.attempts, first.due_at), (0, second(1)));
}

pub(crate) async fn a_due_message_is_in_one_hand_until_its_lease_ends(store: Backend) {
    let messages = vec![message(1, second(1)), message(2, second(2)), message(3, second(9))];
    store.insert(telling(1, messages)).await.unwrap();
    let claim = async |now, limit| {
        let claim = Claim::of_all(second(now), second(now + 30), limit);
        store.claim_messages(claim).await.unwrap()
    };
    assert_eq!(names(&claim(0, 9).await), [0u8; 0]);
    assert_eq!(names(&claim(2, 1).await), [1], "the longest due first");
    let claimed = claim(2, 9).await;
    assert_eq!((names(&claimed), claimed[0].attempts), (vec![2], 1));
    assert_eq!(names(&claim(31, 9).await), [3]);
    let again = claim(32, 9).await;
    assert_eq!((names(&again), again[0].attempts), (vec![1, 2], 2));

    let mut workers = JoinSet::new();
    for _ in 0..16 {
        let store = store.clone();
        let claim = Claim::of_all(second(99), second(999), 2);
        workers.spawn(async move { store.claim_messages(claim).await });
    }
    let claimed = workers.join_all().await;
    let all: Vec<_> = claimed.into_iter().flat_map(Result::unwrap).collect();
    assert_eq!(all.len(), 3, "each went to one worker");
}

/// One that the first session tells.
fn of_first(n: u8, due_at: Timestamp) -> NewMessage {
    NewMessage { session: Some(id(1)), ..message(n, due_at) }
}

async fn due(store: &dyn Store, now: i64) -> Vec<Message> {
    let claim = Claim::of_all(second(now), second(now + 90), 9);
    store.claim_messages(claim).await.expect("the store is there")
}

/// Settles what is in the hand, all of it alike.
async fn all_settled(store: &dyn Store, held: &[Message], settled: Settled) {
    for message in held {
        assert_eq!(store.settle_message(message, settled.clone()).await, Ok(true));
    }
}

fn taken(at: i64) -> Settled {
    Settled::Delivered { at: second(at), outcome: "204".to_owned() }
}

fn again(due_at: i64) -> Settled {
    Settled::Retry { due_at: second(due_at), outcome: "500".to_owned() }
}

pub(crate) async fn what_is_told_of_a_session_is_told_in_its_order(store: Backend) {
    let (first, second_one) = (of_first(1, second(1)), of_first(2, second(1)));
    let elsewhere = NewMessage { webhook: "crm".to_owned(), ..of_first(3, second(1)) };
    store.insert(telling(1, vec![first, second_one, elsewhere])).await.unwrap();
    store.insert(telling(4, vec![message(4, second(1))])).await.unwrap();
    let held = due(&*store, 1).await;
    assert_eq!(names(&held), [1, 3, 4], "another webhook and another session do not wait");
    all_settled(&*store, &held[1..], taken(2)).await;
    assert_eq!(names(&due(&*store, 2).await), [0u8; 0], "the first is under way");
    all_settled(&*store, &held[..1], again(40)).await;
    assert_eq!(names(&due(&*store, 39).await), [0u8; 0], "the first is tried again");
    let held = due(&*store, 40).await;
    assert_eq!(names(&held), [1]);
    all_settled(&*store, &held, taken(41)).await;
    assert_eq!(names(&due(&*store, 41).await), [2]);
}

pub(crate) async fn a_message_that_is_given_up_holds_up_nothing(store: Backend) {
    let messages = vec![of_first(1, second(1)), of_first(2, second(1))];
    store.insert(telling(1, messages)).await.unwrap();
    let held = due(&*store, 1).await;
    let dead = Settled::Dead { at: second(2), outcome: "410".to_owned() };
    all_settled(&*store, &held, dead).await;
    assert_eq!(names(&due(&*store, 2).await), [2]);
}

pub(crate) async fn what_waits_behind_a_message_is_not_looked_at_before_its_turn(store: Backend) {
    let messages = vec![of_first(1, second(1)), of_first(2, second(1))];
    store.insert(telling(1, messages)).await.unwrap();
    all_settled(&*store, &due(&*store, 1).await, again(40)).await;
    let event = NewEvent::done(second(3), "token").telling([of_first(3, second(3))]);
    store.append_event(&demo(), id(1), event).await.unwrap();
    let waiting = store.list_messages(&demo(), all()).await.unwrap();
    let dues: Vec<_> = waiting.iter().map(|message| message.due_at).collect();
    assert_eq!(dues, [second(40); 3]);
    all_settled(&*store, &due(&*store, 40).await, taken(41)).await;
    all_settled(&*store, &due(&*store, 41).await, taken(42)).await;
    assert_eq!(names(&due(&*store, 42).await), [3]);
    // one that is under way for the first time may be taken at any moment
    let event = NewEvent::done(second(43), "token").telling([of_first(4, second(43))]);
    store.append_event(&demo(), id(1), event).await.unwrap();
    let newest = store.list_messages(&demo(), all()).await.unwrap().remove(0);
    assert_eq!(newest.due_at, second(43));
}

pub(crate) async fn what_was_told_before_goes_first_when_it_is_delivered_again(store: Backend) {
    let messages = vec![of_first(1, second(1)), of_first(2, second(1))];
    store.insert(telling(1, messages)).await.unwrap();
    all_settled(&*store, &due(&*store, 1).await, taken(2)).await;
    let first = MessageId::from_bytes([1; 16]);
    assert_eq!(store.redeliver_message(&demo(), first, second(3)).await, Ok(true));
    let held = due(&*store, 3).await;
    assert_eq!(names(&held), [1]);
    all_settled(&*store, &held, taken(4)).await;
    assert_eq!(names(&due(&*store, 4).await), [2]);
}

pub(crate) async fn a_settled_message_is_kept_and_can_be_delivered_again(store: Backend) {
    let messages = vec![message(1, second(1)), message(2, second(1)), message(3, second(1))];
    store.insert(telling(1, messages)).await.unwrap();
    let held = store.claim_messages(Claim::of_all(second(1), second(90), 9)).await.unwrap();
    let settle =
        async |n: usize, settled| store.settle_message(&held[n - 1], settled).await.unwrap();
    let words = |word: &str| word.to_owned();
    assert!(settle(1, Settled::Delivered { at: second(2), outcome: words("200") }).await);
    assert!(settle(2, Settled::Dead { at: second(2), outcome: words("410") }).await);
    assert!(settle(3, Settled::Retry { due_at: second(40), outcome: words("timeout") }).await);
    assert!(!settle(1, Settled::Dead { at: second(3), outcome: words("late") }).await);
    let in_state = async |state| {
        let page = MessagePage { state: Some(state), ..all() };
        names(&store.list_messages(&demo(), page).await.unwrap())
    };
    assert_eq!(in_state(MessageState::Delivered).await, [1]);
    assert_eq!(in_state(MessageState::Dead).await, [2]);
    assert_eq!(in_state(MessageState::Waiting).await, [3]);
    let before = MessagePage { before: Some(MessageId::from_bytes([2; 16])), ..all() };
    let older = store.list_messages(&demo(), before).await.unwrap();
    assert_eq!((names(&older), older[0].outcome.as_deref()), (vec![1], Some("200")));

    let dead = MessageId::from_bytes([2; 16]);
    assert_eq!(store.redeliver_message(&demo(), dead, second(5)).await, Ok(true));
    let due = store.claim_messages(Claim::of_all(second(5), second(50), 9)).await.unwrap();
    assert_eq!((names(&due), due[0].attempts), (vec![2], 1));
    let unknown = MessageId::from_bytes([9; 16]);
    assert_eq!(store.redeliver_message(&demo(), unknown, second(5)).await, Ok(false));
}

pub(crate) async fn a_message_that_watches_an_expiry_is_shown_to_nobody(store: Backend) {
    let watch = NewMessage { errand: Errand::WatchExpiry, ..message(1, second(60)) };
    store.insert(telling(1, vec![watch.clone()])).await.unwrap();
    assert_eq!(store.list_messages(&demo(), all()).await, Ok(Vec::new()));
    assert_eq!(store.redeliver_message(&demo(), watch.id, second(5)).await, Ok(false));
    let due = store.claim_messages(Claim::of_all(second(60), second(90), 9)).await.unwrap();
    assert_eq!((names(&due), due[0].errand), (vec![1], Errand::WatchExpiry));
    let told = vec![message(2, second(61))];
    assert_eq!(store.settle_message(&due[0], Settled::Replaced(told)).await, Ok(true));
    let again = store.settle_message(&due[0], Settled::Replaced(Vec::new())).await;
    assert_eq!(again, Ok(false));
    let told = store.list_messages(&demo(), all()).await.unwrap();
    assert_eq!(names(&told), [2]);
    let due = store.claim_messages(Claim::of_all(second(999), second(1_000), 9)).await.unwrap();
    assert_eq!(names(&due), [2], "the watch is over");
}

pub(crate) async fn a_message_that_is_kept_for_ever_is_claimed_as_any_other(store: Backend) {
    let watch = NewMessage {
        errand: Errand::WatchExpiry,
        keep_until: Timestamp::MAX,
        ..message(1, second(60))
    };
    store.insert(telling(1, vec![watch])).await.unwrap();
    let due = store.claim_messages(Claim::of_all(second(60), second(90), 9)).await.unwrap();
    assert_eq!(names(&due), [1]);
    assert_eq!(due[0].keep_until.as_microsecond(), Timestamp::MAX.as_microsecond());
}

pub(crate) async fn what_waits_is_counted_for_the_operator(store: Backend) {
    let watch = NewMessage { errand: Errand::WatchExpiry, ..message(3, second(10)) };
    let messages = vec![message(1, second(10)), message(2, second(400)), watch];
    store.insert(telling(2, messages)).await.unwrap();
    issue(&*store).await;
    let figures = store.figures().await.unwrap();
    assert_eq!((figures.waiting_messages, figures.unlinked_notes), (2, 1));
    let taken = Settled::Delivered { at: second(20), outcome: "200".to_owned() };
    let due = store.claim_messages(Claim::of_all(second(20), second(90), 9)).await.unwrap();
    let due = due.iter().find(|message| message.errand == Errand::Deliver).unwrap();
    assert_eq!(store.settle_message(due, taken).await, Ok(true));
    store.link_audit(9).await.unwrap();
    let figures = store.figures().await.unwrap();
    assert_eq!((figures.waiting_messages, figures.unlinked_notes), (1, 0));
}

pub(crate) async fn a_message_belongs_to_its_tenant(store: Backend) {
    store.insert(telling(1, vec![message(1, second(1))])).await.unwrap();
    let theirs = tenant("other");
    let name = MessageId::from_bytes([1; 16]);
    assert_eq!(store.list_messages(&theirs, all()).await, Ok(Vec::new()));
    assert_eq!(store.redeliver_message(&theirs, name, second(1)).await, Ok(false));
    let held = store.claim_messages(Claim::of_all(second(1), second(9), 9)).await.unwrap();
    let forged = Message { tenant: theirs, ..held[0].clone() };
    let dead = Settled::Dead { at: second(1), outcome: "forged".to_owned() };
    assert_eq!(store.settle_message(&forged, dead).await, Ok(false));
}

pub(crate) async fn a_message_that_another_worker_has_is_not_settled_by_the_one_before(
    store: Backend,
) {
    store.insert(telling(1, vec![message(1, second(1))])).await.unwrap();
    let claim = async |now| {
        let claim = Claim::of_all(second(now), second(now + 30), 9);
        store.claim_messages(claim).await.unwrap().remove(0)
    };
    let waiting = async || {
        let message = store.list_messages(&demo(), all()).await.unwrap().remove(0);
        (message.state, message.due_at)
    };
    let dead = || Settled::Dead { at: second(40), outcome: "timeout".to_owned() };
    // it was paused beyond the end of its lease
    let (paused, other) = (claim(1).await, claim(31).await);
    assert_eq!(store.settle_message(&paused, dead()).await, Ok(false));
    let replaced = Settled::Replaced(vec![message(2, second(40))]);
    assert_eq!(store.settle_message(&paused, replaced).await, Ok(false));
    assert_eq!(waiting().await, (MessageState::Waiting, other.due_at));

    // sent again by hand meanwhile, its attempts begin anew
    assert_eq!(store.redeliver_message(&demo(), other.id, second(32)).await, Ok(true));
    let first = claim(33).await;
    assert_eq!(first.attempts, paused.attempts);
    assert_eq!(store.settle_message(&paused, dead()).await, Ok(false));
    assert_eq!(waiting().await, (MessageState::Waiting, first.due_at));
    assert_eq!(store.settle_message(&first, dead()).await, Ok(true));
}

pub(crate) async fn a_webhook_with_much_to_hear_leaves_room_for_others(store: Backend) {
    let other = NewMessage { webhook: "crm".to_owned(), ..message(9, second(2)) };
    let messages = (1..=5).map(|n| message(n, second(1))).chain([other]).collect();
    store.insert(telling(1, messages)).await.unwrap();
    let claim = async |without: &[&str]| {
        let without = without.iter().map(|&webhook| (demo(), webhook.to_owned())).collect();
        let claim = Claim { of_one_webhook: 2, without, ..Claim::of_all(second(3), second(90), 3) };
        names(&store.claim_messages(claim).await.unwrap())
    };
    assert_eq!(claim(&["hr", "crm"]).await, [0u8; 0]);
    assert_eq!(claim(&["crm"]).await, [1, 2], "no more than its share");
    assert_eq!(claim(&[]).await, [3, 4, 9], "and then that of another");
    assert_eq!(claim(&[]).await, [5]);
}

pub(crate) async fn settled_messages_are_purged_and_waiting_ones_are_not(store: Backend) {
    let long = NewMessage { keep_until: second(900), ..message(3, second(1)) };
    let messages = vec![message(1, second(1)), message(2, second(1)), long];
    store.insert(telling(1, messages)).await.unwrap();
    let held = store.claim_messages(Claim::of_all(second(1), second(9), 9)).await.unwrap();
    for n in [0, 2] {
        let done = Settled::Delivered { at: second(2), outcome: "204".to_owned() };
        assert_eq!(store.settle_message(&held[n], done).await, Ok(true));
    }
    assert_eq!(store.purge_messages(second(499), 9).await, Ok(0));
    assert_eq!(store.purge_messages(second(500), 9).await, Ok(1));
    assert_eq!(names(&store.list_messages(&demo(), all()).await.unwrap()), [3, 2]);
}

/// Issues credential 1 about the subject, with one status.
async fn issue(store: &dyn Store) {
    store.insert(NewSession { subject: Some(SUBJECT), ..offer(1) }).await.expect("a new session");
    let held = live(store, code(1)).await;
    let status = NewStatus {
        credential: credential(1),
        place: StatusPlace { list: 0, index: 3 },
        is_suspendable: true,
    };
    let next = Next::new(second(2), b"issued".to_vec(), end()).with_issued(record(1, id(1)));
    let issued = store.replace(&held, next.with_status(status)).await;
    assert!(matches!(issued, Ok(Replaced::Done(_))));
}

pub(crate) async fn why_a_status_changed_is_on_record(store: Backend) {
    issue(&*store).await;
    assert_eq!(store.status_history(&demo(), credential(1)).await, Ok(Vec::new()));
    let note = |at, reason: &str, n| StatusNote {
        at: second(at),
        reason: Some(reason.to_owned()),
        messages: vec![message(n, second(at))],
    };
    let set = async |status, note| {
        let changed = store.set_status(&demo(), credential(1), status, note).await;
        assert_eq!(changed, Ok(StatusChange::Done([0].into())));
    };
    set(CredentialStatus::Suspended, note(3, "lost_device", 1)).await;
    set(CredentialStatus::Revoked, note(4, "left_company", 2)).await;
    let entry = |at, status, reason: &str| StatusEntry {
        at: second(at),
        status,
        reason: Some(reason.to_owned()),
    };
    let expected = vec![
        entry(3, CredentialStatus::Suspended, "lost_device"),
        entry(4, CredentialStatus::Revoked, "left_company"),
    ];
    assert_eq!(store.status_history(&demo(), credential(1)).await, Ok(expected));
    assert_eq!(store.status_history(&tenant("other"), credential(1)).await, Ok(Vec::new()));
    assert_eq!(names(&store.list_messages(&demo(), all()).await.unwrap()), [2, 1]);
    assert_eq!(store.purge_issued(second(1_000), 9).await, Ok(1));
    assert_eq!(store.status_history(&demo(), credential(1)).await, Ok(Vec::new()));
}

pub(crate) async fn a_status_that_does_not_change_is_told_to_nobody(store: Backend) {
    issue(&*store).await;
    let note = || StatusNote { messages: vec![message(1, second(3))], ..StatusNote::at(second(3)) };
    let valid = CredentialStatus::Valid;
    let same = store.set_status(&demo(), credential(1), valid, note()).await;
    assert_eq!(same, Ok(StatusChange::Done([].into())));
    let absent = store.set_status(&demo(), credential(9), valid, note()).await;
    assert_eq!(absent, Ok(StatusChange::Absent));
    assert_eq!(store.list_messages(&demo(), all()).await, Ok(Vec::new()));
    assert_eq!(store.status_history(&demo(), credential(1)).await, Ok(Vec::new()));
}

fn first_page() -> IssuedPage {
    IssuedPage { before: None, limit: 9 }
}

pub(crate) async fn what_a_session_issued_is_found_by_its_subject(store: Backend) {
    issue(&*store).await;
    store.record_issued(&demo(), record(2, id(7)), Vec::new(), None).await.unwrap();
    let holder = SubjectRef::new([5; 32]);
    let logged_in = lanyard_store::IssuedRecord { subject: Some(holder), ..record(3, id(7)) };
    store.record_issued(&demo(), logged_in.clone(), Vec::new(), None).await.unwrap();
    let in_session = lanyard_store::IssuedRecord { subject: Some(holder), ..record(4, id(1)) };
    store.record_issued(&demo(), in_session, Vec::new(), None).await.unwrap();
    let by_login = IssuedFilter { subject: Some(holder), ..IssuedFilter::default() };
    let listed = store.list_issued(&demo(), &by_login, first_page()).await;
    assert_eq!(listed, Ok(vec![logged_in]), "what the session says goes first");
    let about = IssuedFilter { subject: Some(SUBJECT), ..IssuedFilter::default() };
    let found = lanyard_store::IssuedRecord { subject: Some(SUBJECT), ..record(1, id(1)) };
    let listed = store.list_issued(&demo(), &about, first_page()).await;
    let other = lanyard_store::IssuedRecord { subject: Some(SUBJECT), ..record(4, id(1)) };
    assert_eq!(listed, Ok(vec![other, found.clone()]));
    assert_eq!(store.issued(&demo(), credential(1)).await, Ok(Some(found)));
    assert_eq!(store.list_issued(&tenant("other"), &about, first_page()).await, Ok(Vec::new()));
    let nobody = IssuedFilter { subject: Some(SubjectRef::new([8; 32])), ..about };
    assert_eq!(store.list_issued(&demo(), &nobody, first_page()).await, Ok(Vec::new()));
}

pub(crate) async fn a_step_says_whom_a_session_is_about_where_nobody_said_so_before(
    store: Backend,
) {
    store.insert(offer(1)).await.expect("a new session");
    // the first one counts, for what its step issues too
    for (n, subject) in [(1, SUBJECT), (2, SubjectRef::new([5; 32]))] {
        let held = live(&*store, code(1)).await;
        let next = Next::new(second(2), b"next".to_vec(), end()).about(Some(subject));
        let replaced = store.replace(&held, next.with_issued(record(n, id(1)))).await;
        assert!(matches!(replaced, Ok(Replaced::Done(_))));
        let issued = store.issued(&demo(), credential(n)).await.unwrap();
        assert_eq!(issued.and_then(|record| record.subject), Some(SUBJECT));
    }
    let erased = store.erase_subject(&demo(), SUBJECT, second(4)).await.unwrap();
    assert_eq!((erased.sessions.as_slice(), erased.credentials.len()), ([id(1)].as_slice(), 2));
}

pub(crate) async fn what_was_issued_is_found_by_its_configuration(store: Backend) {
    issue(&*store).await;
    let diploma =
        lanyard_store::IssuedRecord { configuration: "diploma".into(), ..record(2, id(7)) };
    store.record_issued(&demo(), diploma.clone(), Vec::new(), None).await.unwrap();
    let of = |name: &str| IssuedFilter { configuration: Some(name.into()), subject: None };
    let listed = store.list_issued(&demo(), &of("diploma"), first_page()).await;
    assert_eq!(listed, Ok(vec![diploma]));
    let both = IssuedFilter { subject: Some(SUBJECT), ..of("diploma") };
    assert_eq!(store.list_issued(&demo(), &both, first_page()).await, Ok(Vec::new()));
}

pub(crate) async fn what_was_issued_is_listed_newest_first_whatever_it_is(store: Backend) {
    let kinds = ["badge", "diploma", "badge", "card", "diploma"];
    let named = |(n, kind): (u32, &str)| lanyard_store::IssuedRecord {
        configuration: kind.into(),
        ..record(n, id(7))
    };
    let issued: Vec<_> = (1..).zip(kinds).map(named).collect();
    for record in &issued {
        store.record_issued(&demo(), record.clone(), Vec::new(), None).await.unwrap();
    }
    let other = lanyard_store::IssuedRecord { configuration: "other".into(), ..record(6, id(7)) };
    store.record_issued(&tenant("other"), other, Vec::new(), None).await.unwrap();
    let mut listed = Vec::new();
    loop {
        let before = listed.last().map(|last: &lanyard_store::IssuedRecord| last.credential);
        let page = IssuedPage { before, limit: 2 };
        let page = store.list_issued(&demo(), &IssuedFilter::default(), page).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    listed.reverse();
    assert_eq!(listed, issued);
}

pub(crate) async fn an_erased_subject_leaves_nothing_but_its_places(store: Backend) {
    issue(&*store).await;
    store.insert(offer(2)).await.unwrap();
    let told = NewEvent::done(second(2), "told").telling([message(1, second(2))]);
    store.append_event(&demo(), id(1), told).await.unwrap();
    assert_eq!(
        store.erase_subject(&tenant("other"), SUBJECT, second(4)).await,
        Ok(Erased::default())
    );
    let revoked = CredentialStatus::Revoked;
    let changed =
        store.set_status(&demo(), credential(1), revoked, StatusNote::at(second(3))).await;
    assert_eq!(changed, Ok(StatusChange::Done([0].into())));

    let erased = store.erase_subject(&demo(), SUBJECT, second(4)).await;
    let expected = Erased {
        sessions: vec![id(1)],
        credentials: vec![credential(1)],
        messages: 1,
        ..Erased::default()
    };
    assert_eq!(erased, Ok(expected));
    assert_eq!(store.by_id(&demo(), id(1), second(1)).await, Ok(Taken::Absent));
    assert_eq!(store.take(&demo(), &code(1), second(1)).await, Ok(Taken::Absent));
    assert_eq!(store.events(&demo(), id(1)).await, Ok(Vec::new()));
    assert_eq!(store.issued(&demo(), credential(1)).await, Ok(None));
    assert_eq!(store.status(&demo(), credential(1)).await, Ok(None));
    assert_eq!(store.status_history(&demo(), credential(1)).await, Ok(Vec::new()));
    assert_eq!(store.list_messages(&demo(), all()).await, Ok(Vec::new()));
    let published = store.changed_statuses(&demo(), 0, 0).await.unwrap();
    assert_eq!(published.chunks[0].not_valid(), Some(vec![(3, revoked)]), "still revoked");
    assert!(matches!(store.take(&demo(), &code(2), second(1)).await, Ok(Taken::Live(_))));
    assert_eq!(store.erase_subject(&demo(), SUBJECT, second(4)).await, Ok(Erased::default()));
}

pub(crate) async fn what_an_erased_subject_had_and_nobody_revoked_is_revoked_with_it(
    store: Backend,
) {
    issue(&*store).await;
    let suspended = CredentialStatus::Suspended;
    let changed =
        store.set_status(&demo(), credential(1), suspended, StatusNote::at(second(3))).await;
    assert_eq!(changed, Ok(StatusChange::Done([0].into())));
    let seen = store.changed_statuses(&demo(), 0, 0).await.unwrap().version;

    let erased = store.erase_subject(&demo(), SUBJECT, second(4)).await.unwrap();
    assert_eq!((erased.revoked, erased.lists), (vec![credential(1)], [0].into()));
    assert_eq!(store.status(&demo(), credential(1)).await, Ok(None));
    let published = store.changed_statuses(&demo(), 0, seen).await.unwrap();
    let revoked = Some(vec![(3, CredentialStatus::Revoked)]);
    assert_eq!(
        published.chunks[0].not_valid(),
        revoked,
        "whoever saw the list before learns of it"
    );
    let notes = store.audit_notes(&demo()).await.unwrap();
    let actions: Vec<_> = notes.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["issued", "suspended", "revoked", "subject_erased"]);
}

/// Tells one webhook of everything that `demo` does.
#[derive(Debug)]
pub(crate) struct TellsAll(std::sync::atomic::AtomicU8);

impl TellsAll {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self(0.into()))
    }

    fn tell(&self, kind: String, session: Option<lanyard_store::SessionId>) -> Vec<NewMessage> {
        let n = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        vec![NewMessage { kind, session, ..message(n, second(1)) }]
    }
}

impl lanyard_store::Herald for TellsAll {
    fn serves(&self, of: &lanyard_store::TenantId) -> bool {
        *of == demo()
    }

    fn begun(&self, session: &NewSession) -> Vec<NewMessage> {
        self.tell(format!("begun {}", session.event.step), Some(session.id))
    }

    fn stepped(
        &self,
        _: &lanyard_store::TenantId,
        kind: lanyard_store::SessionKind,
        session: lanyard_store::SessionId,
        event: &NewEvent,
    ) -> Vec<NewMessage> {
        self.tell(format!("{} {}", kind.as_str(), event.step), Some(session))
    }

    fn status_changed(
        &self,
        _: &lanyard_store::TenantId,
        _: lanyard_store::CredentialId,
        status: CredentialStatus,
        _: &StatusNote,
    ) -> Vec<NewMessage> {
        self.tell(format!("{status:?}"), None)
    }
}

async fn a_herald_is_asked_at_every_step(store: Backend) {
    issue(&*store).await;
    let elsewhere = NewSession { tenant: tenant("other"), ..offer(1) };
    store.insert(elsewhere).await.unwrap();
    let held = live(&*store, code(1)).await;
    let next = Next::new(second(2), b"next".to_vec(), end());
    let next = next.with_event(NewEvent::done(second(2), "token"));
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));
    store.append_event(&demo(), id(1), NewEvent::refused(second(2), "refused", "x")).await.unwrap();
    let revoked = CredentialStatus::Revoked;
    let changed =
        store.set_status(&demo(), credential(1), revoked, StatusNote::at(second(3))).await;
    assert_eq!(changed, Ok(StatusChange::Done([0].into())));
    let subject = SubjectRef::new([8; 32]);
    let other = IssuedRecord { subject: Some(subject), ..record(9, id(9)) };
    let place = StatusPlace { list: 0, index: 9 };
    let status = NewStatus { credential: credential(9), place, is_suspendable: true };
    store.record_issued(&demo(), other, vec![status], None).await.unwrap();
    store.erase_subject(&demo(), subject, second(4)).await.unwrap();
    let told = store.list_messages(&demo(), all()).await.unwrap();
    let kinds: Vec<_> = told.iter().rev().map(|message| message.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["begun offer_created", "offer token", "offer refused", "Revoked", "Revoked"]
    );
    assert_eq!(store.list_messages(&tenant("other"), all()).await, Ok(Vec::new()));
}

#[test]
fn a_herald_of_the_memory_store_is_asked_at_every_step() {
    let store = lanyard_store::MemoryStore::new().heralded_by(TellsAll::new());
    crate::support::block_on(a_herald_is_asked_at_every_step(Arc::new(store)));
}

#[test]
fn a_herald_of_the_sqlite_store_is_asked_at_every_step() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = lanyard_store::SqliteStore::open(directory.path()).expect("a store");
    let store = store.heralded_by(TellsAll::new());
    crate::support::block_on(a_herald_is_asked_at_every_step(Arc::new(store)));
}
