//! Headers, bodies and replies.

pub mod api;
pub mod authorization;
pub mod body;
pub mod qr;
pub mod replies;
