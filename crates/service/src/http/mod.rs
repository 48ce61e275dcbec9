//! Headers, bodies and replies.

pub mod api;
pub mod authorization;
pub mod body;
pub mod browser;
mod integrator;
pub mod paths;
pub mod qr;
pub mod refusal;
pub mod replies;

pub use integrator::{Door, Integrator, IntegratorAtSession, NotLetIn};
