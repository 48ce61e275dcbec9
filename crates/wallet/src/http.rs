//! The protocol crates speak in values; this is where they become HTTP.

use std::borrow::Cow;

use bytes::Bytes;
use lanyard_fetch::{Authorization, Body, Purpose, Request, Response};
use lanyard_oid4vci::wallet::{self as oid4vci, IncomingResponse, OutgoingRequest};

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
