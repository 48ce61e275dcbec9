//! The web pages: server-rendered, readable without JavaScript, under a strict content security policy.

mod claims;
mod screens;
mod view;

pub use claims::{Label, in_order, rows, rows_at};
pub use screens::*;
pub use view::*;
