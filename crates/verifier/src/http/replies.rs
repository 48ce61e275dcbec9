//! What goes back when all is well; nobody may keep any of it.

use axum::{
    http::{HeaderValue, header::CONTENT_TYPE},
    response::{IntoResponse as _, Response},
};
use lanyard_oid4vp::request::object;
use lanyard_service::once::Answer;
use serde_json::json;

use super::Failure;
use crate::{Reply, RequestCreated};

pub(crate) use lanyard_service::http::replies::{
    JSON, NO_STORE, json, no_content, to_json, unstored,
};

/// A request object (RFC 9101 §5.2.3).
pub(crate) fn request_object(object: String) -> Response {
    let kind = (CONTENT_TYPE, HeaderValue::from_static(object::MEDIA_TYPE));
    ([kind, NO_STORE], object).into_response()
}

/// OID4VP 1.0 §8.2: 200 with a JSON object, whose only member is where the browser goes on; 400 at once for
/// what is refused.
pub(crate) fn to_response(reply: Reply) -> Result<Response, Failure> {
    match reply {
        Reply::Done => Ok(json("{}")),
        Reply::ContinueAt(url) => Ok(json(json!({ "redirect_uri": url.as_str() }).to_string())),
        Reply::Refused(code) => Err(Failure::Response(code)),
    }
}

/// 201, with everything the integrator needs to show the request.
pub(crate) fn created(request: &RequestCreated) -> Answer {
    Answer::created(Some(format!("requests/{}", request.id)), to_json(request))
}
