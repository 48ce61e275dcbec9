//! The server: its accept loop and its TLS.

pub mod accept;
pub mod admission;
mod ahead;
mod clients;
pub mod tls;

mod auditing;
pub mod compose;
mod error;
mod front;
pub(crate) mod ground;
mod health;
mod housekeeping;
pub(crate) mod issuing;
mod login;
pub mod metrics;
pub mod observe;
pub mod otlp;
mod own_lists;
pub mod plan;
pub mod rates;
mod reload;
mod resolving;
mod ticks;
pub mod trust;
mod vc_api;
mod verifying;
mod vitals;
