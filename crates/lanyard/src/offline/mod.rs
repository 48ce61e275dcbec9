//! Issuing and verifying from files, without a server: every format that the core knows.

mod issue;
mod recognise;
mod verify;

pub use issue::{IssueError, Order, issue};
pub use recognise::{Recognised, recognise};
pub use verify::{Question, Trusted, TrustedError, Verdict, verify};
