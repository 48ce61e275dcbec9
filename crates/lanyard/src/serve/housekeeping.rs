//! What nobody asks for any more is deleted while the server runs.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use lanyard_service::Clock;
use lanyard_store::{SessionKind, Store};
use tokio::sync::watch;

use super::ticks::Ticks;

/// How often it is looked for.
const INTERVAL: Duration = Duration::from_secs(60);

/// For how long an expired session still says that it has expired: claims that wait in an offer are gone
/// within a day of its making.
const GRACE: SignedDuration = SignedDuration::from_hours(23);

/// For how long the record of a credential that has expired is kept.
const KEPT_RECORDS: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How much is deleted at once: a write that keeps nobody waiting.
const PORTION: u32 = 500;

/// Deletes until the server stops.
pub(super) fn keep_house(
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    shutdown: watch::Receiver<bool>,
) {
    tokio::spawn(async move {
        let mut ticks = Ticks::every(INTERVAL, shutdown);
        while ticks.next().await {
            sweep(&*store, clock.now()).await;
        }
    });
}

async fn sweep(store: &dyn Store, now: Timestamp) {
    // a result that was read, or that nobody read for a day, is gone when its time is over
    let results = store.purge_expired_of(SessionKind::Request, now, PORTION).await;
    let sessions = store.purge_expired(now - GRACE, PORTION).await;
    let seen = store.purge_once(now, PORTION).await;
    let calls = store.purge_calls(now, PORTION).await;
    let messages = store.purge_messages(now, PORTION).await;
    let issued = store.purge_issued(now - KEPT_RECORDS, PORTION).await;
    let all =
        [results.err(), sessions.err(), seen.err(), calls.err(), messages.err(), issued.err()];
    for failed in all.into_iter().flatten() {
        tracing::warn!(reason = failed.reason(), "housekeeping");
    }
}

#[cfg(test)]
mod tests {
    use lanyard_store::{
        CallBegun, CallStore as _, CredentialId, IssuedRecord, IssuedStore as _, MemoryStore,
        NewCall, NewEvent, NewSession, SessionId, SessionStore as _, Taken, TenantId,
    };

    use super::*;

    #[tokio::test]
    async fn what_nobody_asks_for_any_more_is_deleted_and_what_somebody_may_is_kept() {
        let (store, tenant): (_, TenantId) = (MemoryStore::new(), "acme".parse().unwrap());
        let begin: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let id = SessionId::from_bytes([1; 16]);
        let session = NewSession {
            tenant: tenant.clone(),
            id,
            kind: SessionKind::Offer,
            state: Vec::new(),
            created_at: begin,
            expires_at: begin,
            handles: Vec::new(),
            subject: None,
            once: Vec::new(),
            call: None,
            event: NewEvent::done(begin, "offer_created"),
        };
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
        store.record_issued(&tenant, record, Vec::new()).await.unwrap();
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
        assert_eq!(store.by_id(&tenant, result, begin).await, Ok(Taken::Expired));
        sweep(&store, begin).await;
        assert_eq!(store.by_id(&tenant, result, begin).await, Ok(Taken::Absent));
        sweep(&store, begin + GRACE - second).await;
        assert_eq!(store.by_id(&tenant, id, begin).await, Ok(Taken::Expired));
        let other = NewCall { request: [5; 32], ..call };
        assert_eq!(store.begin_call(&tenant, other).await, Ok(CallBegun::OtherRequest));
        sweep(&store, begin + day).await;
        assert_eq!(store.by_id(&tenant, id, begin).await, Ok(Taken::Absent));
        assert_eq!(store.begin_call(&tenant, other).await, Ok(CallBegun::Fresh));
        assert!(store.issued(&tenant, credential).await.unwrap().is_some());
        sweep(&store, begin + day * 30).await;
        assert_eq!(store.issued(&tenant, credential).await, Ok(None));
    }
}
