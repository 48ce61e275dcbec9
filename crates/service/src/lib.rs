//! What the issuer service and the verifier service have in common: nothing in here knows a protocol.
//!
//! - [`ApiKey`] who integrates, and for which [`Scope`]s; [`Clock`] what time it is
//! - [`Environment`] what a service finds around it: its URL, store, cryptography, time, watchers
//! - [`once`] a call that is done once however often it is made; [`webhook`] how integrators are told
//! - [`DataKey`] how a session waits: sealed, for one purpose, one tenant and one session;
//!   and how the values that lead to it are made and read
//! - [`TrailEvent`] what happened in a session; [`Live`] the same, as it happens
//! - [`OneAsks`] something that many want at once, asked for once
//! - [`http`] headers, bodies and replies that both services read and write the same way

mod api_key;
mod clock;
mod environment;
pub mod http;
pub mod integration;
mod lead;
mod live;
pub mod once;
mod one_asks;
mod scope;
mod sealing;
mod trail;
pub mod webhook;

pub use api_key::{ApiKey, ApiKeyDigest};
use api_key::{NotAdmitted, admit};
pub use clock::{Clock, SystemClock};
pub use environment::Environment;
pub use live::Live;
pub use one_asks::OneAsks;
pub use scope::{Scope, Scopes, UnknownScope};
pub use sealing::{DataKey, SealBroken, Sealed};
pub use trail::TrailEvent;
