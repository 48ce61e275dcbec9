//! The pages of a sign-in: they work without scripts; with one the browser goes on by itself.

use askama::Template;

/// Shows the QR code and the button.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub(crate) struct SignInPage {
    pub(crate) root: String,
    pub(crate) id: String,
    pub(crate) client: String,
    pub(crate) purpose: Option<String>,
    pub(crate) picture: Option<String>,
    pub(crate) was_refused: bool,
}

/// Says why nothing goes on.
#[derive(Template)]
#[template(path = "stopped.html")]
pub(crate) struct StoppedPage {
    pub(crate) root: String,
    pub(crate) what: String,
}

/// The one stylesheet of these pages.
pub(crate) const STYLESHEET: &str = include_str!("../../assets/sign_in.css");

/// Looks whether the wallet has answered.
pub(crate) const SCRIPT: &str = include_str!("../../assets/sign_in.js");
