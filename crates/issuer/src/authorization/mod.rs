//! The holder logs in and decides: from the pushed request to the answer in the browser (OID4VCI 1.0 §5).

mod authorize;
mod login;
mod page;
mod push;
mod upstream;

pub(crate) use authorize::{Decision, Outcome, Step, look_up, look_up_all, stopped, stopped_with};
pub use login::{
    AskedHolder, ClaimSource, Consent, LoginSettings, LoginUnavailable, LoginWays, Logins,
};
pub(crate) use page::{STYLESHEET, View};
pub(crate) use upstream::Back;
