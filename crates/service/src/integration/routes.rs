//! The routes: messages and their redelivery, the description as a document and as a page.

use axum::{
    Router,
    extract::{FromRequestParts, RawPathParams, RawQuery, State},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    request::Parts,
};
use jiff::Timestamp;
use lanyard_store::{
    Message, MessageId, MessagePage, MessageState, SessionId, StoreError, TenantId,
};
use serde::Serialize;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{IntegrationApi, docs};
use crate::{
    ApiKeyDigest, NotAdmitted, Scope, admit,
    http::{
        api::{Api, Operation, Verb, needed_scope},
        authorization::{AuthorizationFault, Scheme, challenge_scope, token},
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
enum Refused {
    Header(AuthorizationFault),
    UnknownKey,
    Scope(Scope),
    NotFound,
    Query(&'static str),
    Store(StoreError),
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let bearer = HeaderValue::from_static;
        let (status, code, why, challenge) = match &self {
            Self::Header(AuthorizationFault::Missing) => {
                let why = AuthorizationFault::Missing.to_string();
                (StatusCode::UNAUTHORIZED, "invalid_token", why, Some(bearer("Bearer")))
            }
            Self::Header(fault) => {
                let challenge = bearer(r#"Bearer error="invalid_request""#);
                (StatusCode::BAD_REQUEST, "invalid_request", fault.to_string(), Some(challenge))
            }
            Self::UnknownKey => {
                let why = "the API key is unknown or revoked".to_owned();
                let challenge = bearer(r#"Bearer error="invalid_token""#);
                (StatusCode::UNAUTHORIZED, "invalid_token", why, Some(challenge))
            }
            Self::Scope(scope) => {
                let why = format!("the API key is not good for {scope}");
                let challenge = challenge_scope(*scope);
                (StatusCode::FORBIDDEN, "insufficient_scope", why, Some(challenge))
            }
            Self::NotFound => {
                (StatusCode::NOT_FOUND, "not_found", "there is nothing here".to_owned(), None)
            }
            Self::Query(name) => {
                let why = format!("{name} in the query cannot be read");
                (StatusCode::BAD_REQUEST, "invalid_request", why, None)
            }
            Self::Store(error) if error.retry_after().is_some() => {
                let why = "the server cannot do this now".to_owned();
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", why, None)
            }
            Self::Store(_) => {
                let why = "the server failed".to_owned();
                (StatusCode::INTERNAL_SERVER_ERROR, "server_error", why, None)
            }
        };
        let body = json!({ "error": code, "error_description": why }).to_string();
        let mut response = (status, replies::json(body)).into_response();
        if let Some(challenge) = challenge {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if let Self::Store(error) = &self
            && let Some(after) = error.retry_after()
        {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}

/// The tenant whose API key was shown.
struct Integrator(TenantId);

impl FromRequestParts<IntegrationApi> for Integrator {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &IntegrationApi) -> Result<Self, Refused> {
        let key = match token(&parts.headers).map_err(Refused::Header)? {
            (Scheme::Bearer, key) => ApiKeyDigest::of(key, &*api.0.provider),
            (Scheme::Dpop, _) => return Err(Refused::Header(AuthorizationFault::Missing)),
        };
        let needed = needed_scope(parts);
        let tenant: Option<TenantId> =
            parameter(parts, api, "tenant").await.and_then(|name| name.parse().ok());
        let keys = tenant.as_ref().and_then(|tenant| api.0.tenants.get(tenant)).map(Vec::as_slice);
        let all = api.0.tenants.values().map(Vec::as_slice);
        match (admit(&key, needed, keys, all), tenant) {
            (Ok(()), Some(tenant)) => Ok(Self(tenant)),
            (Err(NotAdmitted::Scope(scope)), _) => Err(Refused::Scope(scope)),
            (Err(NotAdmitted::Unknown), _) => Err(Refused::UnknownKey),
            (Err(NotAdmitted::Elsewhere) | Ok(()), _) => Err(Refused::NotFound),
        }
    }
}

/// The message that the path names.
struct AtMessage(MessageId);

impl FromRequestParts<IntegrationApi> for AtMessage {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, api: &IntegrationApi) -> Result<Self, Refused> {
        let id = parameter(parts, api, "id").await.and_then(|id| id.parse().ok());
        id.map(Self).ok_or(Refused::NotFound)
    }
}

async fn parameter(parts: &mut Parts, api: &IntegrationApi, name: &str) -> Option<String> {
    let parameters = RawPathParams::from_request_parts(parts, api).await.ok()?;
    let mut named = parameters.iter().filter(|(found, _)| *found == name);
    named.next().map(|(_, value)| value.to_owned())
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
