//! What every backend promises. A new backend is one more module at the end of this file.

use std::sync::Arc;

use lanyard_store::{
    Handle, HandleKind, IssuedFilter, IssuedPage, NewEvent, NewSession, Next, Put, Replaced, Store,
    StoreError, Unavailability,
};

use crate::audit::{
    each_tenant_has_a_chain_of_its_own, entries_are_shredded_by_age_and_the_chain_stays_whole,
    notes_are_linked_in_their_order_portion_by_portion,
    of_many_who_link_at_once_one_links_each_note, what_was_not_done_is_noted_nowhere,
    whatever_is_issued_changed_sealed_or_erased_is_noted_with_it,
};
use crate::integration::{
    a_call_answers_the_same_until_its_key_expires, a_call_is_begun_by_one_of_sixty_four,
    a_call_that_came_to_nothing_can_be_made_again,
    a_call_whose_process_ended_is_taken_over_after_its_lease,
    a_due_message_is_in_one_hand_until_its_lease_ends,
    a_key_that_was_used_for_another_request_is_refused, a_message_belongs_to_its_tenant,
    a_message_is_written_with_its_step_or_not_at_all,
    a_message_that_another_worker_has_is_not_settled_by_the_one_before,
    a_message_that_is_given_up_holds_up_nothing,
    a_message_that_is_kept_for_ever_is_claimed_as_any_other,
    a_message_that_watches_an_expiry_is_shown_to_nobody,
    a_session_and_the_answer_of_its_call_are_kept_together_or_not_at_all,
    a_settled_message_is_kept_and_can_be_delivered_again,
    a_status_that_does_not_change_is_told_to_nobody,
    a_step_says_whom_a_session_is_about_where_nobody_said_so_before,
    a_webhook_with_much_to_hear_leaves_room_for_others,
    an_erased_subject_leaves_nothing_but_its_places,
    settled_messages_are_purged_and_waiting_ones_are_not,
    what_a_session_issued_is_found_by_its_subject,
    what_an_erased_subject_had_and_nobody_revoked_is_revoked_with_it,
    what_is_issued_and_the_answer_of_its_call_are_kept_together_or_not_at_all,
    what_is_told_of_a_session_is_told_in_its_order,
    what_waits_behind_a_message_is_not_looked_at_before_its_turn,
    what_waits_is_counted_for_the_operator, what_was_issued_is_found_by_its_configuration,
    what_was_issued_is_listed_newest_first_whatever_it_is,
    what_was_told_before_goes_first_when_it_is_delivered_again, why_a_status_changed_is_on_record,
};
use crate::once::{
    a_session_is_not_begun_with_what_was_seen, a_step_that_lost_its_race_shows_nothing,
    of_sixty_four_sessions_with_one_proof_exactly_one_begins,
    what_a_step_showed_is_taken_once_and_a_replay_writes_nothing,
    what_one_tenant_or_kind_saw_is_new_to_another,
    what_was_seen_is_forgotten_when_it_has_expired_and_not_before,
};
use crate::sessions::{
    a_deleted_session_in_the_hand_is_not_replaced,
    a_deleted_session_takes_its_handles_and_its_trail_along,
    a_digest_of_one_kind_opens_nothing_as_another,
    a_flood_of_refusals_fills_the_trail_and_not_the_store,
    a_list_is_newest_first_and_comes_in_pages, a_page_has_a_largest_size,
    a_purge_of_one_kind_leaves_the_others, a_purge_removes_the_longest_expired_and_nothing_live,
    a_purge_spares_a_session_whose_step_moved_its_end,
    a_retired_handle_names_the_session_it_was_used_for,
    a_session_in_the_hand_of_another_tenant_replaces_nothing,
    a_session_is_expired_from_its_last_moment_on,
    a_session_is_found_by_each_of_its_handles_and_by_its_name,
    a_session_that_expires_in_the_hand_is_not_replaced, a_step_replaces_state_version_and_end,
    a_step_retires_only_live_handles_of_its_own_session,
    a_step_that_adds_a_known_handle_changes_nothing, a_version_is_replaced_once,
    an_event_does_not_disturb_whoever_holds_the_session, an_event_needs_a_session,
    an_unknown_handle_or_name_is_absent, handles_are_known_after_the_store_was_asked_by_name_only,
    names_that_are_taken_are_refused_and_leave_nothing,
    of_sixty_four_concurrent_takers_exactly_one_is_done, the_name_of_a_session_alone_opens_nothing,
    the_same_names_in_two_tenants_are_two_things, the_trail_keeps_every_event_in_order,
};
use crate::statuses::{
    a_change_touches_one_run_and_is_told_to_whoever_has_an_older_list,
    a_copy_that_says_nowhere_whether_it_is_suspended_is_only_revoked,
    a_place_is_reserved_once_and_by_one_tenant, a_revocation_is_final_and_can_be_repeated,
    a_status_belongs_to_its_tenant_and_its_credential, a_suspension_ends,
    an_expired_record_takes_its_statuses_along_and_frees_no_place,
    every_copy_of_a_credential_is_revoked_as_one, what_a_lost_race_issued_has_no_status,
    what_is_issued_without_a_session_is_on_record_with_its_status,
};
use crate::support::{code, credential, demo, end, id, live, offer, record, second, tenant};

type Backend = Arc<dyn Store>;

async fn what_a_step_issued_is_on_record_with_it(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let held = live(&*store, code(1)).await;
    let endless = lanyard_store::IssuedRecord { expires_at: None, ..record(2, id(1)) };
    let next = Next::new(second(2), b"issued".to_vec(), end())
        .with_issued(record(1, id(1)))
        .with_issued(endless.clone());
    let Ok(Replaced::Done(held)) = store.replace(&held, next).await else {
        unreachable!("nobody else holds it")
    };
    assert_eq!(store.issued(&demo(), credential(2)).await, Ok(Some(endless.clone())));
    assert_eq!(store.issued_in(&demo(), id(1)).await, Ok(vec![record(1, id(1)), endless.clone()]));
    assert_eq!(store.issued_in(&demo(), id(2)).await, Ok(vec![]));
    let all = IssuedFilter::default();
    let page = IssuedPage { before: None, limit: 1 };
    assert_eq!(store.list_issued(&demo(), &all, page).await, Ok(vec![endless]));
    let page = IssuedPage { before: Some(credential(2)), limit: 9 };
    assert_eq!(store.list_issued(&demo(), &all, page).await, Ok(vec![record(1, id(1))]));
    assert_eq!(store.list_issued(&tenant("other"), &all, page).await, Ok(vec![]));

    let again = Next::new(second(3), b"again".to_vec(), end()).with_issued(record(1, id(1)));
    assert_eq!(store.replace(&held, again).await, Err(StoreError::DuplicateCredential));
    assert_eq!(live(&*store, code(1)).await, held);
}

async fn the_record_forgets_only_what_expired(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    let held = live(&*store, code(1)).await;
    let with_end = |n, end| lanyard_store::IssuedRecord { expires_at: end, ..record(n, id(1)) };
    let next = Next::new(second(2), b"issued".to_vec(), end())
        .with_issued(with_end(1, Some(second(50))))
        .with_issued(with_end(2, Some(second(40))))
        .with_issued(with_end(3, Some(second(51))))
        .with_issued(with_end(4, None));
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));

    assert_eq!(store.purge_issued(second(50), 1).await, Ok(1));
    assert_eq!(store.issued(&demo(), credential(2)).await, Ok(None));
    assert_eq!(store.purge_issued(second(50), 9).await, Ok(1));
    let left = store.issued_in(&demo(), id(1)).await.unwrap();
    assert_eq!(left, [with_end(3, Some(second(51))), with_end(4, None)]);
}

async fn a_secret_is_replaced_only_by_who_read_it(store: Backend) {
    let name = "key/issuer".parse().unwrap();
    let put = |expected, sealed: &'static [u8]| {
        let (store, name) = (store.clone(), &name);
        async move { store.put_secret(&demo(), name, expected, sealed.to_vec(), second(1)).await }
    };
    assert_eq!(store.secret(&demo(), &name).await, Ok(None));
    assert_eq!(put(Some(1), b"none").await, Ok(Put::Conflict));
    assert_eq!(put(None, b"one").await, Ok(Put::Done(1)));
    assert_eq!(put(None, b"other one").await, Ok(Put::Conflict));
    assert_eq!(put(Some(1), b"two").await, Ok(Put::Done(2)));
    assert_eq!(put(Some(1), b"late two").await, Ok(Put::Conflict));
    assert_eq!(put(Some(u64::MAX), b"beyond").await, Ok(Put::Conflict));

    let secret = store.secret(&demo(), &name).await.unwrap().unwrap();
    assert_eq!((secret.version, secret.sealed.as_slice()), (2, &b"two"[..]));
    assert_eq!(store.secret(&tenant("other"), &name).await, Ok(None));
    assert_eq!(store.remove_secret(&tenant("other"), &name, second(1)).await, Ok(false));
    assert_eq!(store.remove_secret(&demo(), &name, second(1)).await, Ok(true));
    assert_eq!(store.remove_secret(&demo(), &name, second(1)).await, Ok(false));
    assert_eq!(put(None, b"again").await, Ok(Put::Done(1)));
}

async fn secrets_are_listed_by_the_beginning_of_their_name(store: Backend) {
    for name in ["key/b", "key/a", "keys", "config", "key_c"] {
        let name = name.parse().unwrap();
        let put = store.put_secret(&demo(), &name, None, vec![1], second(1)).await;
        assert_eq!(put, Ok(Put::Done(1)));
    }
    let names = async |prefix| {
        let names = store.secret_names(&demo(), prefix).await.unwrap();
        names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("key/").await, ["key/a", "key/b"]);
    assert_eq!(names("").await, ["config", "key/a", "key/b", "key_c", "keys"]);
    assert_eq!(names("key%").await, [""; 0], "a prefix is no pattern");
    assert!(store.secret_names(&tenant("other"), "").await.unwrap().is_empty());
}

async fn every_secret_of_every_tenant_is_found_by_whoever_seals_anew(store: Backend) {
    let (other, names) = (tenant("other"), ["a", "b"].map(|name| name.parse().unwrap()));
    for (owner, name) in [(&other, &names[0]), (&demo(), &names[1]), (&demo(), &names[0])] {
        let put = store.put_secret(owner, name, None, vec![1], second(1)).await;
        assert_eq!(put, Ok(Put::Done(1)));
    }
    let put = store.put_secret(&demo(), &names[1], Some(1), vec![2], second(2)).await;
    assert_eq!(put, Ok(Put::Done(2)));
    let all = store.all_secrets().await.unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|one| (one.tenant.as_str(), one.name.as_str(), one.version, one.sealed.as_slice()))
        .collect();
    let [first, second, third] =
        [("demo", "a", 1, &[1]), ("demo", "b", 2, &[2]), ("other", "a", 1, &[1])];
    assert_eq!(told, [first, second, third].map(|(a, b, c, d)| (a, b, c, d.as_slice())));
}

async fn values_that_look_like_sql_are_values(store: Backend) {
    let hostile = "'; DROP TABLE session; -- \" ? ?1 $1 \0 %s \u{202e}";
    let mut digest = [b' '; 32];
    digest[..25].copy_from_slice(b"x' OR 1=1; DELETE FROM se");
    let session = NewSession {
        state: hostile.as_bytes().to_vec(),
        handles: vec![Handle::new(id(1), HandleKind::State, digest)],
        event: NewEvent::done(second(1), "'; --").with_detail(hostile),
        ..offer(1)
    };
    store.insert(session).await.unwrap();
    store.insert(offer(2)).await.unwrap();
    let held = live(&*store, Handle::new(id(1), HandleKind::State, digest)).await;
    assert_eq!(held.state, hostile.as_bytes());
    let odd = lanyard_store::IssuedRecord { configuration: hostile.into(), ..record(1, id(1)) };
    let next = Next::new(second(2), vec![0; 3], end()).with_issued(odd.clone());
    assert!(matches!(store.replace(&held, next).await, Ok(Replaced::Done(_))));
    assert_eq!(store.issued(&demo(), credential(1)).await, Ok(Some(odd)));
    assert_eq!(store.events(&demo(), id(1)).await.unwrap()[0].detail.as_deref(), Some(hostile));
    assert_eq!(store.secret_names(&demo(), hostile).await, Ok(vec![]));
    assert_eq!(live(&*store, code(2)).await.state, b"offer 2");
}

async fn a_state_may_be_empty_or_large(store: Backend) {
    for (n, length) in [(1, 0), (2, 1 << 20)] {
        let state = vec![n; length];
        store.insert(NewSession { state: state.clone(), ..offer(n.into()) }).await.unwrap();
        assert_eq!(live(&*store, code(n.into())).await.state, state);
    }
}

async fn a_moment_is_kept_to_the_microsecond(store: Backend) {
    let fine = "2026-11-24T10:00:00.123456789Z".parse().unwrap();
    store.insert(NewSession { created_at: fine, ..offer(1) }).await.unwrap();
    let kept = live(&*store, code(1)).await.created_at;
    assert_eq!(kept, "2026-11-24T10:00:00.123456Z".parse().unwrap());
}

async fn nothing_sealed_is_printed(store: Backend) {
    store.insert(NewSession { state: b"canary".to_vec(), ..offer(1) }).await.unwrap();
    let name = "key".parse().unwrap();
    let put = store.put_secret(&demo(), &name, None, b"canary".to_vec(), second(1)).await;
    assert_eq!(put, Ok(Put::Done(1)));
    let session = live(&*store, code(1)).await;
    let secret = store.secret(&demo(), &name).await.unwrap();
    let next = Next::new(second(1), b"canary".to_vec(), end());
    let printed = format!("{session:?} {secret:?} {next:?} {:?} {store:?}", offer(1));
    let bytes = format!("{:?}", b"canary");
    assert!(!printed.contains("canary") && !printed.contains(&bytes[1..]), "{printed}");
    assert!(!printed.contains("[99, 97"), "{printed}");
}

async fn a_closed_store_says_so(store: Backend) {
    store.insert(offer(1)).await.unwrap();
    assert_eq!(store.ready().await, Ok(()));
    assert_eq!(store.close().await, Ok(()));
    assert_eq!(store.close().await, Ok(()), "closing twice is harmless");

    let closed = |error: StoreError| {
        matches!(error, StoreError::Unavailable { cause: Unavailability::Closed, .. })
    };
    assert!(closed(store.ready().await.unwrap_err()));
    assert!(closed(store.insert(offer(2)).await.unwrap_err()));
    assert!(closed(store.take(&demo(), &code(1), second(1)).await.unwrap_err()));
    assert_eq!(store.ready().await.unwrap_err().reason(), "store_closed");
    assert!(store.ready().await.unwrap_err().retry_after().is_some());
}

macro_rules! every_backend_keeps {
    ($($promise:ident,)+) => {
        mod memory {
            use std::sync::Arc;
            use lanyard_store::MemoryStore;
            $(#[test] fn $promise() {
                crate::support::block_on(super::$promise(Arc::new(MemoryStore::new())));
            })+
        }

        mod sqlite {
            use std::sync::Arc;
            use lanyard_store::SqliteStore;
            $(#[test] fn $promise() {
                let directory = tempfile::tempdir().expect("a directory");
                let store = SqliteStore::open(directory.path()).expect("a store");
                crate::support::block_on(super::$promise(Arc::new(store)));
            })+
        }

        #[cfg(feature = "postgres")]
        mod postgres {
            use std::sync::Arc;
            $(#[test] fn $promise() {
                crate::support::block_on(async {
                    if let Some(store) = crate::postgres::store().await {
                        super::$promise(Arc::new(store)).await;
                    }
                });
            })+
        }
    };
}

every_backend_keeps! {
    a_session_is_found_by_each_of_its_handles_and_by_its_name,
    an_unknown_handle_or_name_is_absent,
    the_name_of_a_session_alone_opens_nothing,
    handles_are_known_after_the_store_was_asked_by_name_only,
    a_digest_of_one_kind_opens_nothing_as_another,
    the_same_names_in_two_tenants_are_two_things,
    a_session_in_the_hand_of_another_tenant_replaces_nothing,
    a_session_is_expired_from_its_last_moment_on,
    a_session_that_expires_in_the_hand_is_not_replaced,
    a_step_replaces_state_version_and_end,
    a_version_is_replaced_once,
    of_sixty_four_concurrent_takers_exactly_one_is_done,
    a_retired_handle_names_the_session_it_was_used_for,
    a_step_retires_only_live_handles_of_its_own_session,
    a_step_that_adds_a_known_handle_changes_nothing,
    names_that_are_taken_are_refused_and_leave_nothing,
    the_trail_keeps_every_event_in_order,
    an_event_does_not_disturb_whoever_holds_the_session,
    an_event_needs_a_session,
    a_flood_of_refusals_fills_the_trail_and_not_the_store,
    a_list_is_newest_first_and_comes_in_pages,
    a_page_has_a_largest_size,
    a_deleted_session_takes_its_handles_and_its_trail_along,
    a_deleted_session_in_the_hand_is_not_replaced,
    a_purge_removes_the_longest_expired_and_nothing_live,
    a_purge_of_one_kind_leaves_the_others,
    a_purge_spares_a_session_whose_step_moved_its_end,
    what_a_step_issued_is_on_record_with_it,
    the_record_forgets_only_what_expired,
    a_secret_is_replaced_only_by_who_read_it,
    secrets_are_listed_by_the_beginning_of_their_name,
    every_secret_of_every_tenant_is_found_by_whoever_seals_anew,
    values_that_look_like_sql_are_values,
    a_state_may_be_empty_or_large,
    a_moment_is_kept_to_the_microsecond,
    nothing_sealed_is_printed,
    a_closed_store_says_so,
    a_place_is_reserved_once_and_by_one_tenant,
    every_copy_of_a_credential_is_revoked_as_one,
    a_revocation_is_final_and_can_be_repeated,
    a_suspension_ends,
    a_copy_that_says_nowhere_whether_it_is_suspended_is_only_revoked,
    a_status_belongs_to_its_tenant_and_its_credential,
    what_a_lost_race_issued_has_no_status,
    an_expired_record_takes_its_statuses_along_and_frees_no_place,
    what_a_step_showed_is_taken_once_and_a_replay_writes_nothing,
    a_session_is_not_begun_with_what_was_seen,
    what_one_tenant_or_kind_saw_is_new_to_another,
    a_step_that_lost_its_race_shows_nothing,
    what_was_seen_is_forgotten_when_it_has_expired_and_not_before,
    of_sixty_four_sessions_with_one_proof_exactly_one_begins,
    what_is_issued_without_a_session_is_on_record_with_its_status,
    a_change_touches_one_run_and_is_told_to_whoever_has_an_older_list,
    a_call_is_begun_by_one_of_sixty_four,
    a_call_answers_the_same_until_its_key_expires,
    a_key_that_was_used_for_another_request_is_refused,
    a_call_that_came_to_nothing_can_be_made_again,
    a_session_and_the_answer_of_its_call_are_kept_together_or_not_at_all,
    what_is_issued_and_the_answer_of_its_call_are_kept_together_or_not_at_all,
    a_call_whose_process_ended_is_taken_over_after_its_lease,
    a_message_is_written_with_its_step_or_not_at_all,
    a_due_message_is_in_one_hand_until_its_lease_ends,
    a_settled_message_is_kept_and_can_be_delivered_again,
    a_message_that_watches_an_expiry_is_shown_to_nobody,
    a_message_that_is_kept_for_ever_is_claimed_as_any_other,
    a_message_belongs_to_its_tenant,
    a_message_that_another_worker_has_is_not_settled_by_the_one_before,
    a_webhook_with_much_to_hear_leaves_room_for_others,
    what_waits_is_counted_for_the_operator,
    what_is_told_of_a_session_is_told_in_its_order,
    a_message_that_is_given_up_holds_up_nothing,
    what_waits_behind_a_message_is_not_looked_at_before_its_turn,
    what_was_told_before_goes_first_when_it_is_delivered_again,
    settled_messages_are_purged_and_waiting_ones_are_not,
    why_a_status_changed_is_on_record,
    a_status_that_does_not_change_is_told_to_nobody,
    what_a_session_issued_is_found_by_its_subject,
    a_step_says_whom_a_session_is_about_where_nobody_said_so_before,
    what_was_issued_is_found_by_its_configuration,
    what_was_issued_is_listed_newest_first_whatever_it_is,
    an_erased_subject_leaves_nothing_but_its_places,
    what_an_erased_subject_had_and_nobody_revoked_is_revoked_with_it,
    whatever_is_issued_changed_sealed_or_erased_is_noted_with_it,
    what_was_not_done_is_noted_nowhere,
    notes_are_linked_in_their_order_portion_by_portion,
    each_tenant_has_a_chain_of_its_own,
    entries_are_shredded_by_age_and_the_chain_stays_whole,
    of_many_who_link_at_once_one_links_each_note,
}
