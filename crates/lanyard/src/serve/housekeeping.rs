//! What nobody asks for any more is deleted while the server runs.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use lanyard_service::Clock;
use lanyard_store::{SessionKind, Store, StoreError};
use tokio::sync::watch;

use super::{ticks::Ticks, vitals::Gauges};

/// How often it is looked for.
pub(super) const INTERVAL: Duration = Duration::from_secs(60);

/// For how long an expired session still says that it has expired: claims that wait in an offer are gone
/// within a day of its making.
const GRACE: SignedDuration = SignedDuration::from_hours(23);

/// For how long the record of a credential that has expired is kept.
const KEPT_RECORDS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// For how long what must not be shown twice is remembered beyond its time: a replica whose clock is behind still
/// takes it, and so does a server whose clock was put ahead for a while and then right.
const KEPT_SEEN: SignedDuration = SignedDuration::from_mins(15);

/// How much is deleted at once: a write that keeps nobody waiting.
const PORTION: u32 = 500;

/// Deletes until the server stops.
///
/// What was noted for the audit chains is linked on the way, and entries are forgotten that were kept for long enough.
pub(super) fn keep_house(
    (store, clock): (Arc<dyn Store>, Arc<dyn Clock>),
    (interval, kept_entries): (Duration, SignedDuration),
    gauges: Option<Gauges>,
    shutdown: watch::Receiver<bool>,
) {
    tokio::spawn(async move {
        let mut ticks = Ticks::every(interval, shutdown);
        let done = |now| gauges.iter().for_each(|gauges| gauges.chores_done(now));
        // nothing is overdue yet
        done(clock.now());
        while ticks.next().await {
            let now = clock.now();
            let mut is_done = sweep(&*store, now).await;
            is_done &= all_of(|| store.link_audit(PORTION)).await;
            is_done &= all_of(|| store.shred_audit(now - kept_entries, PORTION)).await;
            if is_done {
                done(now);
            }
        }
    });
}

/// Deletes what is due, and says whether all of it is deleted.
async fn sweep(store: &dyn Store, now: Timestamp) -> bool {
    // a result that was read, or that nobody read for a day, is gone when its time is over
    all_of(|| store.purge_expired_of(SessionKind::Request, now, PORTION)).await
        & all_of(|| store.purge_expired(now - GRACE, PORTION)).await
        & all_of(|| store.purge_once(now - KEPT_SEEN, PORTION)).await
        & all_of(|| store.purge_calls(now, PORTION)).await
        & all_of(|| store.purge_messages(now, PORTION)).await
        & all_of(|| store.purge_issued(now - KEPT_RECORDS, PORTION)).await
}

/// Works portion by portion until there is no whole one left, and rests as long as each took: whoever writes beside it
/// has half of the time at least. A store that cannot is asked again next time.
async fn all_of<F>(purge: impl Fn() -> F) -> bool
where
    F: Future<Output = Result<u64, StoreError>>,
{
    loop {
        let begun = Instant::now();
        match purge().await {
            Ok(deleted) if deleted >= u64::from(PORTION) => {
                tokio::time::sleep(begun.elapsed()).await;
            }
            Ok(_) => return true,
            Err(failed) => {
                tracing::warn!(reason = failed.reason(), "housekeeping");
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use lanyard_store::{
        CallBegun, CallStore as _, CredentialId, IssuedRecord, IssuedStore as _, MemoryStore,
        NewCall, NewEvent, NewSession, Once, OnceKind, SessionId, SessionStore as _, Taken,
        TenantId,
    };

    use super::*;

    #[tokio::test]
    async fn what_nobody_asks_for_any_more_is_deleted_and_what_somebody_may_is_kept() {
        let (store, tenant): (_, TenantId) = (MemoryStore::new(), "acme".parse().unwrap());
        let begin: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let session = session(1, begin, Vec::new());
        let id = session.id;
        let result = SessionId::from_bytes([9; 16]);
        let request = NewSession { id: result, kind: SessionKind::Request, ..session.clone() };
        store.insert(request).await.unwrap();
        store.insert(session).await.unwrap();
        let credential = CredentialId::from_bytes([2; 16]);
        let record = IssuedRecord {
            credential,
            configuration: "badge".into(),
            issued_at: begin,
            expires_at: Some(begin),
            session: id,
            subject: None,
        };
        store.record_issued(&tenant, record, Vec::new(), None).await.unwrap();
        let call = NewCall {
            key: [3; 32],
            request: [4; 32],
            now: begin,
            lease_until: begin,
            expires_at: begin + SignedDuration::from_hours(24),
        };
        assert_eq!(store.begin_call(&tenant, call).await, Ok(CallBegun::Fresh));

        let (day, second) = (SignedDuration::from_hours(24), SignedDuration::from_secs(1));
        sweep(&store, begin - second).await;
        assert_eq!(
            store.by_id(&tenant, result, begin).await,
            Ok(Taken::Expired(SessionKind::Request))
        );
        sweep(&store, begin).await;
        assert_eq!(store.by_id(&tenant, result, begin).await, Ok(Taken::Absent));
        sweep(&store, begin + GRACE - second).await;
        assert_eq!(store.by_id(&tenant, id, begin).await, Ok(Taken::Expired(SessionKind::Offer)));
        let other = NewCall { request: [5; 32], ..call };
        assert_eq!(store.begin_call(&tenant, other).await, Ok(CallBegun::OtherRequest));
        sweep(&store, begin + day).await;
        assert_eq!(store.by_id(&tenant, id, begin).await, Ok(Taken::Absent));
        assert_eq!(store.begin_call(&tenant, other).await, Ok(CallBegun::Fresh));
        assert!(store.issued(&tenant, credential).await.unwrap().is_some());
        sweep(&store, begin + day * 30).await;
        assert_eq!(store.issued(&tenant, credential).await, Ok(None));
    }

    fn tenant() -> TenantId {
        "acme".parse().unwrap()
    }

    fn session(number: u64, at: Timestamp, once: Vec<Once>) -> NewSession {
        let mut id = [0; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        NewSession {
            tenant: tenant(),
            id: SessionId::from_bytes(id),
            kind: SessionKind::Offer,
            state: Vec::new(),
            created_at: at,
            expires_at: at,
            handles: Vec::new(),
            subject: None,
            once,
            call: None,
            event: NewEvent::done(at, "offer_created"),
        }
    }

    #[tokio::test]
    async fn what_was_shown_is_refused_by_a_replica_whose_clock_is_behind_the_one_that_keeps_house()
    {
        let store = MemoryStore::new();
        let begin: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let (window, second) = (SignedDuration::from_secs(60), SignedDuration::from_secs(1));
        let proof = Once { kind: OnceKind::DpopProof, digest: [7; 32], expires_at: begin + window };
        store.insert(session(1, begin, vec![proof])).await.unwrap();
        // by the clock of the one that deletes the proof has long been too old; by the other's it is not
        sweep(&store, begin + window + SignedDuration::from_mins(10)).await;
        let again = store.insert(session(2, begin, vec![proof])).await;
        assert_eq!(again, Err(StoreError::SeenBefore));
        sweep(&store, begin + window + KEPT_SEEN + second).await;
        assert_eq!(store.insert(session(3, begin, vec![proof])).await, Ok(()));
    }

    #[tokio::test]
    async fn whatever_came_in_since_is_deleted_however_much_it_is() {
        let store = MemoryStore::new();
        let begin: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let many = u64::from(PORTION) * 2 + 1;
        for number in 0..many {
            store.insert(session(number, begin, Vec::new())).await.unwrap();
        }
        sweep(&store, begin + GRACE).await;
        for number in [0, many / 2, many - 1] {
            let id = session(number, begin, Vec::new()).id;
            assert_eq!(store.by_id(&tenant(), id, begin).await, Ok(Taken::Absent), "{number}");
        }
    }
}
