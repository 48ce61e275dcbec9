//! What the page of a request asks for while the request is open: the code of the moment, and the request for the
//! browser's own dialogue (Digital Credentials API) with the way back for its answer.

use axum::{
    Json,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use lanyard_oid4vp::dc_api::Protocol;
use lanyard_verifier::{DcApiAnswer, Reply};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Failure, Web,
    guard::Visitor,
    qr,
    verify::{absent, failure, room},
};

/// The link and the code of this moment.
pub(super) async fn now(
    State(web): State<Web>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Response {
    let now = async {
        let status = room(&web)?.status(&id, &visitor).await?;
        let link = status.link.ok_or_else(absent)?;
        Ok(json!({ "link": link, "qr": qr::draw(link.as_str()).map(|code| code.to_string()) }))
    };
    reply(&web, now.await)
}

/// What the browser is asked with.
pub(super) async fn requests(
    State(web): State<Web>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Response {
    let requests = async {
        let room = room(&web)?;
        let session = id.parse().map_err(|_| absent())?;
        let browser = visitor.session();
        let requests = room.service().digital_requests_in_browser(room.tenant(), session, &browser);
        let requests = requests.await.map_err(failure)?.ok_or_else(absent)?;
        Ok(json!(requests))
    };
    reply(&web, requests.await)
}

/// A `DigitalCredential` as the browser gave it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Got {
    protocol: Protocol,
    data: Value,
}

/// What the browser answered; whatever it is worth, the page shows it.
pub(super) async fn answer(
    State(web): State<Web>,
    visitor: Visitor,
    Path(id): Path<String>,
    Json(Got { protocol, data }): Json<Got>,
) -> Response {
    let answered = async {
        let room = room(&web)?;
        let session = id.parse().map_err(|_| absent())?;
        // these pages are of one origin, and `guard` lets no other page send this
        let origin = web.base_url().origin().ascii_serialization();
        let answer = DcApiAnswer { protocol, data, origin };
        let (tenant, browser) = (room.tenant(), visitor.session());
        let service = room.service();
        let reply = service.answer_dc_api_in_browser(tenant, session, &browser, &answer).await;
        Ok(match reply.map_err(failure)? {
            Reply::Done => json!({ "taken": true }),
            Reply::ContinueAt(url) => json!({ "taken": true, "redirect_uri": url }),
            Reply::Refused(code) => json!({ "taken": false, "error": code }),
        })
    };
    reply(&web, answered.await)
}

fn reply(web: &Web, answer: Result<Value, Failure>) -> Response {
    match answer {
        Ok(answer) => (StatusCode::OK, Json(answer)).into_response(),
        Err(failure) => failure.into_page(web),
    }
}
