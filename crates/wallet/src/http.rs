//! The protocol crates speak in values; this is where they become HTTP.

use std::borrow::Cow;

use bytes::Bytes;
use lanyard_fetch::{Authorization, Body, FetchError, HttpClient, Purpose, Request, Response};
use lanyard_oid4vci::wallet::{self as oid4vci, IncomingResponse, OutgoingRequest};

/// Sends a request of OpenID4VCI.
pub(crate) async fn send(
    http: &dyn HttpClient,
    request: &OutgoingRequest,
    purpose: Purpose,
) -> Result<Response, FetchError> {
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
    let sent = sent.accept(OutgoingRequest::ACCEPT);
    let sent = match &request.authorization {
        Some(token) => sent.authorization(Authorization::Bearer(token.reveal().into())),
        None => sent,
    };
    http.send(sent).await
}

/// What came back, as OpenID4VCI reads it.
pub(crate) fn incoming(response: &Response) -> IncomingResponse<'_> {
    IncomingResponse {
        status: response.status,
        content_type: response.content_type.as_deref(),
        body: &response.body,
    }
}
