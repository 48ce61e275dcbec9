//! What the issuer service and the verifier service have in common: nothing in here knows a protocol.
//!
//! - [`ApiKeyDigest`] who integrates; [`Clock`] what time it is
//! - [`DataKey`] how a session waits: sealed, for one purpose, one tenant and one session
//! - [`TrailEvent`] what happened in a session; [`Live`] the same, as it happens
//! - [`http`] headers, bodies and replies that both services read and write the same way

mod api_key;
mod clock;
pub mod http;
mod live;
mod sealing;
mod trail;

pub use api_key::ApiKeyDigest;
pub use clock::{Clock, SystemClock};
pub use live::Live;
pub use sealing::{DataKey, SealBroken, Sealed};
pub use trail::TrailEvent;
