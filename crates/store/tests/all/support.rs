//! Short names for the values that the tests are about.

use std::future::Future;

use jiff::{SignedDuration, Timestamp};
use lanyard_store::{
    CredentialId, Handle, HandleKind, IssuedRecord, NewEvent, NewSession, Session, SessionId,
    SessionKind, Store, Taken, TenantId,
};

/// So many seconds after the beginning of the tests' time.
pub(crate) fn second(seconds: i64) -> Timestamp {
    let start = Timestamp::from_second(1_795_500_000).expect("a moment in 2026");
    start + SignedDuration::from_secs(seconds)
}

/// When the sessions of these tests expire.
pub(crate) fn end() -> Timestamp {
    second(600)
}

pub(crate) fn tenant(name: &str) -> TenantId {
    name.parse().expect("a tenant name")
}

pub(crate) fn demo() -> TenantId {
    tenant("demo")
}

/// The n-th session: begun in second n.
pub(crate) fn id(n: u32) -> SessionId {
    SessionId::new(second(n.into()), tail(n))
}

/// The n-th credential.
pub(crate) fn credential(n: u32) -> CredentialId {
    CredentialId::new(second(n.into()), tail(n))
}

fn tail(n: u32) -> [u8; 10] {
    let mut tail = [0; 10];
    tail[6..].copy_from_slice(&n.to_be_bytes());
    tail
}

/// A handle of the n-th session.
pub(crate) fn handle(kind: HandleKind, n: u32) -> Handle {
    Handle::new(id(n), kind, digest(n))
}

pub(crate) fn digest(n: u32) -> [u8; 32] {
    let mut digest = [0x5a; 32];
    digest[..4].copy_from_slice(&n.to_be_bytes());
    digest
}

/// The code of the n-th session.
pub(crate) fn code(n: u32) -> Handle {
    handle(HandleKind::PreAuthorizedCode, n)
}

/// The access token of the n-th session.
pub(crate) fn token(n: u32) -> Handle {
    handle(HandleKind::AccessToken, n)
}

/// The n-th offer of tenant `demo`, which its code leads to.
pub(crate) fn offer(n: u32) -> NewSession {
    NewSession {
        tenant: demo(),
        id: id(n),
        kind: SessionKind::Offer,
        state: format!("offer {n}").into_bytes(),
        created_at: second(n.into()),
        expires_at: end(),
        handles: vec![code(n)],
        subject: None,
        once: Vec::new(),
        call: None,
        event: NewEvent::done(second(n.into()), "offer_created"),
    }
}

/// That session `session` issued the n-th credential.
pub(crate) fn record(n: u32, session: SessionId) -> IssuedRecord {
    IssuedRecord {
        credential: credential(n),
        configuration: "employee_badge".into(),
        issued_at: second(n.into()),
        expires_at: Some(second(1_000)),
        session,
        subject: None,
    }
}

/// What an offer gives once its time is over.
pub(crate) const EXPIRED: Taken = Taken::Expired(SessionKind::Offer);

/// Takes what must be there and live.
pub(crate) async fn live(store: &dyn Store, handle: Handle) -> Session {
    match store.take(&demo(), &handle, second(1)).await.expect("an answer") {
        Taken::Live(session) => session,
        other => unreachable!("expected a live session, got {other:?}"),
    }
}

/// Runs a test that needs the scheduler of a server.
pub(crate) fn block_on<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(test)
}
