//! Headers, bodies and replies.

pub mod authorization;
pub mod body;
pub mod qr;
pub mod replies;
