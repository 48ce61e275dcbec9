//! The protocol crates speak in values; this is where they become HTTP.

use std::borrow::Cow;

use bytes::Bytes;
use lanyard_core::Timestamp;
use lanyard_fetch::{Authorization, Body, Purpose, Request, Response};
use lanyard_oid4vci::wallet::{self as oid4vci, IncomingResponse, OutgoingRequest};

/// The longest wait that a peer is believed about, in seconds: a day.
const LONGEST_WAIT: u64 = 86_400;

/// A request of OpenID4VCI, without what it has to prove.
pub(crate) fn to_request(request: &OutgoingRequest, purpose: Purpose) -> Request {
    let body = match (&request.body, request.body.content_type()) {
        (oid4vci::Body::Empty, _) | (_, None) => Body::None,
        (body, Some(content_type)) => Body::Other {
            content_type: Cow::Borrowed(content_type),
            bytes: Bytes::copy_from_slice(body.as_bytes()),
        },
    };
    let sent = match request.method {
        oid4vci::Method::Get => Request::get(request.url.clone(), purpose),
        oid4vci::Method::Post => Request::post(request.url.clone(), purpose, body),
    };
    let sent = sent.accept(request.accept());
    match (&request.authorization, &request.prover) {
        // RFC 9449 §7.1: a bound token is sent with its proof, and never without
        (Some(token), Some(_)) => sent.authorization(Authorization::Dpop(token.reveal().into())),
        (Some(token), None) => sent.authorization(Authorization::Bearer(token.reveal().into())),
        (None, _) => sent,
    }
}

/// What came back, as OpenID4VCI reads it.
pub(crate) fn incoming(response: &Response) -> IncomingResponse<'_> {
    IncomingResponse {
        status: response.status,
        content_type: response.content_type.as_deref(),
        body: &response.body,
    }
}

/// How many seconds a peer asks to wait from now on; none where it says nothing that can be read.
pub(crate) fn retry_after(response: &Response, now: Timestamp) -> Option<u64> {
    // RFC 9110 §10.2.3: seconds, or a date
    let text = response.headers.retry_after.as_deref()?.trim();
    let seconds = text.parse().ok().or_else(|| {
        let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        u64::try_from(at.as_second().saturating_sub(now.as_second()).max(0)).ok()
    })?;
    Some(seconds.min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use lanyard_fetch::ResponseHeaders;

    use super::*;

    fn asks(text: &str) -> Option<u64> {
        let now = "2026-11-29T12:00:00Z".parse().expect("a moment");
        let response = Response {
            status: 503,
            content_type: None,
            headers: ResponseHeaders {
                retry_after: Some(text.to_owned()),
                ..ResponseHeaders::default()
            },
            body: Bytes::new(),
            final_url: "https://issuer.example/".parse().expect("a URL"),
        };
        retry_after(&response, now)
    }

    #[test]
    fn a_wait_is_read_in_seconds_and_as_a_date() {
        assert_eq!(asks("120"), Some(120));
        assert_eq!(asks("Sun, 29 Nov 2026 12:00:30 GMT"), Some(30));
        assert_eq!(asks("Sun, 29 Nov 2026 11:00:00 GMT"), Some(0), "it is over");
    }

    #[test]
    fn a_wait_is_never_longer_than_a_day_and_never_negative() {
        assert_eq!(asks("99999999999"), Some(86_400));
        assert_eq!(asks("-5"), None);
        assert_eq!(asks("soon"), None);
    }
}
