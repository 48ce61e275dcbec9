//! The holder logs in and decides: from the pushed request to the answer in the browser (OID4VCI §5).

mod authorize;
mod login;
mod page;
mod push;

pub(crate) use authorize::{Decision, Outcome, Step, look_up, stopped};
pub use login::{ClaimSource, Consent, LoginSettings, LoginUnavailable, Logins};
pub(crate) use page::{STYLESHEET, View};
