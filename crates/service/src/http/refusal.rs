//! What goes back when a request is refused: the status, a code, and a sentence of ours.

use std::{fmt::Display, time::Duration};

use axum::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde_json::json;

use super::replies;

/// The sentence of a 404, whatever is not there.
pub const NOTHING_HERE: &str = "there is nothing here";

/// A refusal of a request, as every route tells it.
pub struct Refusal<'r> {
    /// The status.
    pub status: StatusCode,
    /// The code, of the specification where it has one.
    pub code: &'r str,
    /// Why: for the peer, and for the log where this server is what is wrong.
    pub why: &'r dyn Display,
    /// What a caller has to show.
    pub challenge: Option<HeaderValue>,
    /// When the same request may succeed.
    pub retry_after: Option<Duration>,
}

impl<'r> Refusal<'r> {
    /// A refusal with nothing but these.
    pub fn new(status: StatusCode, code: &'r str, why: &'r dyn Display) -> Self {
        Self { status, code, why, challenge: None, retry_after: None }
    }

    /// For the peer: what is wrong with this server is not told, and nothing about what is not there.
    fn description(&self) -> String {
        match self.status {
            StatusCode::NOT_FOUND => NOTHING_HERE.to_owned(),
            StatusCode::INTERNAL_SERVER_ERROR => "the server failed".to_owned(),
            StatusCode::SERVICE_UNAVAILABLE => "the server cannot do this now".to_owned(),
            _ => self.why.to_string(),
        }
    }
}

impl IntoResponse for Refusal<'_> {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::error!(cause = %self.why, "request failed");
        }
        let body = json!({ "error": self.code, "error_description": self.description() });
        let mut response = (self.status, replies::json(body.to_string())).into_response();
        let headers = response.headers_mut();
        if let Some(challenge) = self.challenge {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(after) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}
