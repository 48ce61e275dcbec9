//! The routes: messages and their redelivery, the description as a document and as a page.

use axum::{
    Router,
    extract::{FromRef, FromRequestParts, RawQuery, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    request::Parts,
};
use jiff::Timestamp;
use lanyard_store::{Message, MessageId, MessagePage, MessageState, SessionId, StoreError};
use serde::Serialize;
use serde_json::Value;
use thiserror::Error;
use url::form_urlencoded;

use super::{IntegrationApi, docs};
use crate::{
    Scope,
    http::{
        Door, Integrator,
        api::{Api, Operation, Verb},
        paths::parameter,
        refusal::{NOTHING_HERE, Refusal},
        replies,
    },
};

/// The schemas that the operations refer to.
pub(super) const SCHEMAS: &str = include_str!("messages.json");

pub(super) fn router(api: IntegrationApi) -> Router {
    self::api()
        .into_router()
        .route("/api/openapi.json", get(document))
        .route("/api/docs", get(page))
        .route("/api/docs.css", get(stylesheet))
        .with_state(api)
}

pub(super) fn api() -> Api<IntegrationApi> {
    let list = Operation::new(
        Verb::Get,
        "/api/{tenant}/messages",
        (
            "listMessages",
            "List the messages to webhooks, newest first, those of a status change by its hour, and how their delivery went.",
        ),
        Scope::MessagesRead,
        "MessagePage",
    );
    let again = Operation::new(
        Verb::Post,
        "/api/{tenant}/messages/{id}/redeliver",
        ("redeliverMessage", "Have a message delivered again, from its first try on."),
        Scope::MessagesWrite,
        "Error",
    );
    let list = list
        .asking("state", "waiting, delivered or dead")
        .asking("before", "The id of the last message of the page before")
        .asking("limit", "How many at most, up to 200");
    Api::new().on(list, list_messages).on(again.silent(), redeliver)
}

/// Why a request is refused.
#[derive(Debug, Error)]
enum Refused {
    #[error("{NOTHING_HERE}")]
    NotFound,
    #[error("{0} in the query cannot be read")]
    Query(&'static str),
    #[error("{0}")]
    Store(#[from] StoreError),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, code) = match &self {
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found"),
            Self::Query(_) => (StatusCode::BAD_REQUEST, "invalid_request"),
            Self::Store(error) if error.retry_after().is_some() => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable")
            }
            Self::Store(_) => (StatusCode::INTERNAL_SERVER_ERROR, "server_error"),
        };
        let retry_after = match &self {
            Self::Store(error) => error.retry_after(),
            _ => None,
        };
        Refusal { retry_after, ..Refusal::new(status, code, &self) }.into_response()
    }
}

impl FromRef<IntegrationApi> for Door {
    fn from_ref(api: &IntegrationApi) -> Self {
        api.0.door.clone()
    }
}

/// The message that the path names.
struct AtMessage(MessageId);

impl FromRequestParts<IntegrationApi> for AtMessage {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, _: &IntegrationApi) -> Result<Self, Refused> {
        let id = parameter(parts, "id").await.and_then(|id| id.parse().ok());
        id.map(Self).ok_or(Refused::NotFound)
    }
}

#[derive(Serialize)]
struct PageBody {
    messages: Vec<MessageBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<MessageId>,
}

#[derive(Serialize)]
struct MessageBody {
    id: MessageId,
    webhook: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<SessionId>,
    state: &'static str,
    attempts: u32,
    due_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    payload: Value,
}

impl From<Message> for MessageBody {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            webhook: message.webhook,
            kind: message.kind,
            session: message.session,
            state: message.state.as_str(),
            attempts: message.attempts,
            due_at: message.due_at,
            outcome: message.outcome,
            payload: serde_json::from_str(&message.payload).unwrap_or_default(),
        }
    }
}

async fn list_messages(
    State(api): State<IntegrationApi>,
    Integrator(tenant): Integrator,
    RawQuery(query): RawQuery,
) -> Result<Response, Refused> {
    let page = page_of(query.as_deref().unwrap_or_default())?;
    let found = api.0.store.list_messages(&tenant, page).await?;
    let next = found.last().map(|message| message.id);
    let messages = found.into_iter().map(MessageBody::from).collect();
    Ok(replies::json(replies::to_json(&PageBody { messages, next })))
}

fn page_of(query: &str) -> Result<MessagePage, Refused> {
    let mut page = MessagePage { state: None, before: None, limit: 50 };
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*name {
            "state" => {
                let state = MessageState::from_text(&value);
                page.state = Some(state.ok_or(Refused::Query("state"))?);
            }
            "before" => page.before = Some(value.parse().map_err(|_| Refused::Query("before"))?),
            "limit" => page.limit = value.parse().map_err(|_| Refused::Query("limit"))?,
            _ => return Err(Refused::Query("something")),
        }
    }
    Ok(page)
}

async fn redeliver(
    State(api): State<IntegrationApi>,
    Integrator(tenant): Integrator,
    AtMessage(id): AtMessage,
) -> Result<Response, Refused> {
    match api.0.store.redeliver_message(&tenant, id, api.0.clock.now()).await? {
        true => Ok(replies::no_content()),
        false => Err(Refused::NotFound),
    }
}

async fn document(State(api): State<IntegrationApi>) -> Response {
    replies::json(api.0.document.to_string())
}

async fn page(State(api): State<IntegrationApi>) -> Response {
    let policy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    let headers: [(HeaderName, HeaderValue); 2] = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
    ];
    (headers, api.0.page.clone()).into_response()
}

async fn stylesheet() -> Response {
    let kind = (CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"));
    ([kind], docs::STYLESHEET).into_response()
}
