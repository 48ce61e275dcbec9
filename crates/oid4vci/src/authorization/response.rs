//! The authorization response: a redirect with a code or an error (RFC 6749 §4.1.2, RFC 9207).

use thiserror::Error;
use url::Url;

use super::AuthorizationError;
use crate::{AuthorizationCode, IssuerUrl};

/// Where the browser goes with the answer.
///
/// # Errors
/// None for a place that was registered; a text that is no URL stays where it is.
pub fn answer_url(
    redirect_uri: &str,
    answer: Result<&AuthorizationCode, AuthorizationError>,
    state: Option<&str>,
    issuer: &IssuerUrl,
) -> Option<Url> {
    let mut url = Url::parse(redirect_uri).ok()?;
    {
        // RFC 6749 §3.1.2: the query that the place has already is kept
        let mut query = url.query_pairs_mut();
        match answer {
            Ok(code) => query.append_pair("code", code.reveal()),
            Err(error) => query
                .append_pair("error", error.code())
                .append_pair("error_description", &error.to_string()),
        };
        // RFC 6749 §4.1.2: unchanged, and only if the request had one
        if let Some(state) = state {
            query.append_pair("state", state);
        }
        // RFC 9207 §2: who answers, in errors too
        query.append_pair("iss", issuer.as_str());
    }
    Some(url)
}

/// What came back with the browser; nothing in it was held against the request yet.
#[derive(Clone, Debug)]
pub struct AuthorizationAnswer {
    code: Option<AuthorizationCode>,
    error: Option<(String, Option<String>)>,
    state: Option<String>,
    issuer: Option<String>,
}

/// Why an answer is not the answer to our request; no further call is made then.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AnswerRefused {
    /// A parameter occurs twice.
    #[error("the answer has a parameter twice")]
    Repeated,
    /// `state` is missing or another one.
    #[error("the answer belongs to another request")]
    State,
    /// `iss` is missing although the server announces it, or is another one.
    #[error("the answer is not from the authorization server that was asked")]
    Issuer,
    /// The server, or the holder there, said no.
    #[error("the authorization server answered {0}")]
    Error(String, Option<String>),
    /// Neither a code nor an error.
    #[error("the answer has no code")]
    CodeMissing,
}

impl AuthorizationAnswer {
    /// Reads the query of the redirect.
    ///
    /// # Errors
    /// [`AnswerRefused::Repeated`].
    pub fn parse(redirect: &Url) -> Result<Self, AnswerRefused> {
        let (mut code, mut error, mut description) = (None, None, None);
        let (mut state, mut issuer) = (None, None);
        for (name, value) in redirect.query_pairs() {
            let slot = match &*name {
                "code" => &mut code,
                "error" => &mut error,
                "error_description" => &mut description,
                "state" => &mut state,
                "iss" => &mut issuer,
                _ => continue,
            };
            // RFC 6749 §3.1: not more than once
            if slot.replace(value.into_owned()).is_some() {
                return Err(AnswerRefused::Repeated);
            }
        }
        let code = code.map(AuthorizationCode::new);
        Ok(Self { code, error: error.map(|error| (error, description)), state, issuer })
    }

    /// `state`, to find the request by.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }

    /// The code, once state and issuer are those of the request.
    ///
    /// # Errors
    /// One [`AnswerRefused`] per rule.
    pub fn accept(
        self,
        state: &str,
        issuer: &IssuerUrl,
        announces_issuer: bool,
    ) -> Result<AuthorizationCode, AnswerRefused> {
        // RFC 6749 §10.12: the answer to our own request
        if self.state.as_deref() != Some(state) {
            return Err(AnswerRefused::State);
        }
        // RFC 9207 §2.4: compared as plain strings; missing is as bad as wrong where it is announced
        match self.issuer {
            Some(found) if found == issuer.as_str() => {}
            None if !announces_issuer => {}
            _ => return Err(AnswerRefused::Issuer),
        }
        if let Some((error, description)) = self.error {
            return Err(AnswerRefused::Error(error, description));
        }
        self.code.ok_or(AnswerRefused::CodeMissing)
    }
}
