//! Storage for the issuer and the verifier: one set of traits, memory, SQLite and PostgreSQL behind it.
//!
//! Reading order:
//!
//! 1. [`tenant`], [`id`], [`handle`]: how a row is named. Every row carries its tenant, every
//!    query names it.
//! 2. [`session`]: the protocol run as stored state. A session is *taken into the hand* by a
//!    handle, one step eats its state, and [`SessionStore::replace`] puts the next state back only
//!    if nobody else did. That compare-and-swap is what makes a code single-use.
//! 3. [`once`], [`event`], [`issued`], [`status`], [`secret`]: what a step must not see twice, the
//!    trail of a session, the record of what was issued and what became of it, and sealed tenant
//!    material.
//! 4. [`subject`], [`call`], [`message`], [`herald`]: what integrators are promised: looked up and erased by their own
//!    reference, done once, told of each step.
//! 5. [`epoch`]: what a restored store refuses. [`audit`]: what happened, in a chain that shows what was changed.
//! 6. [`error`]: what can go wrong, and whether it is worth a retry.
//! 7. [`memory`], [`sqlite`], `postgres`: the backends. `tests/all/contract.rs` holds all to one contract.
//!
//! The store never sees a secret. Codes and tokens arrive as SHA-256 digests ([`Handle`]), state
//! and tenant material arrive sealed by the caller.
//!
//! ```
//! # use jiff::Timestamp;
//! # use lanyard_store::*;
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (now, later): (Timestamp, Timestamp) = ("2026-11-24T10:00:00Z".parse()?, "2026-11-24T10:10:00Z".parse()?);
//! # let (random, digest) = ([7; 10], [9; 32]);
//! let store: std::sync::Arc<dyn Store> = std::sync::Arc::new(MemoryStore::new());
//! let tenant: TenantId = "demo".parse()?;
//! let id = SessionId::new(now, random);
//! let code = Handle::new(id, HandleKind::PreAuthorizedCode, digest);
//! store.insert(NewSession {
//!     tenant: tenant.clone(),
//!     id,
//!     kind: SessionKind::Offer,
//!     state: b"sealed".to_vec(),
//!     created_at: now,
//!     expires_at: later,
//!     handles: vec![code],
//!     subject: None,
//!     once: Vec::new(),
//!     call: None,
//!     event: NewEvent::done(now, "offer_created"),
//! }).await?;
//!
//! let Taken::Live(session) = store.take(&tenant, &code, now).await? else { return Ok(()) };
//! let next = Next::new(now, b"sealed, after the step".to_vec(), later)
//!     .retiring(code)
//!     .with_event(NewEvent::done(now, "token"));
//! assert!(matches!(store.replace(&session, next.clone()).await?, Replaced::Done(_)));
//! assert!(matches!(store.replace(&session, next).await?, Replaced::Conflict)); // the second one loses
//! # Ok(()) }
//! ```

use std::fmt;

use async_trait::async_trait;

pub mod audit;
pub mod calibrate;
pub mod call;
pub mod epoch;
pub mod error;
pub mod event;
pub mod figures;
pub mod handle;
pub mod herald;
pub mod id;
pub mod issued;
pub mod memory;
pub mod message;
mod moment;
pub mod once;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod secret;
pub mod session;
pub mod sqlite;
pub mod status;
pub mod subject;
pub mod tenant;
mod trail;

pub use audit::{
    AuditAction, AuditBlock, AuditChain, AuditEntry, AuditFault, AuditHead, AuditObject, AuditRead,
    AuditStore, AuditTrail, AuditWalk,
};
pub use calibrate::{Calibration, calibrate};
pub use call::{CallAnswer, CallBegun, CallStore, NewCall};
pub use epoch::{Epoch, Restored};
pub use error::{StoreError, Unavailability};
pub use event::{Event, NewEvent, Outcome};
pub use figures::StoreFigures;
pub use handle::{Handle, HandleKind, Handles};
pub use herald::Herald;
pub(crate) use herald::Heralded;
pub use id::{CredentialId, MessageId, ParseIdError, SessionId};
pub use issued::{IssuedFilter, IssuedPage, IssuedRecord, IssuedStore};
pub use memory::MemoryStore;
pub use message::{
    Claim, Errand, Message, MessagePage, MessageState, MessageStore, NewMessage, Settled,
};
pub use once::{Once, OnceKind, OnceStore};
#[cfg(feature = "postgres")]
pub use postgres::{ConnectError, EpochError, PostgresOptions, PostgresStore};
pub use secret::{ParseSecretNameError, Put, Secret, SecretName, SecretStore};
pub use session::{NewSession, Next, Page, Replaced, Session, SessionKind, SessionStore, Taken};
pub use sqlite::{BackedUp, BackupError, OpenError, Restoring, SqliteOptions, SqliteStore};
pub use status::{
    CredentialStatus, ListChanges, NewStatus, StatusChange, StatusChunk, StatusEntry, StatusNote,
    StatusPlace, StatusStore,
};
pub use subject::{Erased, SubjectRef, SubjectStore};
pub use tenant::{ParseTenantIdError, TenantId};

/// Everything a service keeps, as one port: `Arc<dyn Store>`.
///
/// A part that needs less asks for `Arc<dyn SessionStore>` and gets it by upcasting.
#[async_trait]
pub trait Store:
    SessionStore
    + OnceStore
    + SecretStore
    + IssuedStore
    + StatusStore
    + CallStore
    + MessageStore
    + SubjectStore
    + AuditStore
    + fmt::Debug
{
    /// Says whether a durable write would succeed right now, for the readiness probe.
    ///
    /// # Errors
    /// What the write met: [`StoreError::Unavailable`] or [`StoreError::Full`].
    async fn ready(&self) -> Result<(), StoreError>;

    /// How far behind it is and how full, at a cost that does not grow with what is in it.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn figures(&self) -> Result<StoreFigures, StoreError>;

    /// The epoch that the store is in: it changes when a backup is restored, never while the store is open.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn epoch(&self) -> Result<Epoch, StoreError>;

    /// Writes what is waiting, then refuses every later call with [`Unavailability::Closed`].
    ///
    /// Dropping a store loses nothing that was acknowledged either; closing also answers what is
    /// still queued and leaves one tidy file. Closing twice is harmless.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if the last writes could not be made durable.
    async fn close(&self) -> Result<(), StoreError>;
}
