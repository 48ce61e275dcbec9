//! The Verify pages: a question, a link, a verdict for the browser that asked and for no other.

use std::sync::Arc;

use axum::{
    Form, Router,
    extract::{Path, Query, State},
    response::Response,
    routing::get,
};
use http::StatusCode;
use lanyard_core::jose::UnverifiedJws;
use lanyard_oid4vp::dcql::DcqlQuery;
use lanyard_store::{SessionId, TenantId};
use lanyard_verifier::{
    Advice, BrowserSession, ClientIdChoice, NewDcApi, NewRequest, RequestState, RequestStatus,
    SameDevice, VerifierError, VerifierService, lint,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Failure, Page, Web, answer, ask, build, conclude,
    guard::Visitor,
    live, qr,
    review::sentence,
    see_other, show, show_with,
    trail::{changes, refused, step, time_of_day},
    verdict,
};
use crate::credential_type::CredentialType;
use crate::pages::{
    HandOver, OwnQuestion, Place, Problem, RequestPage, Step, Tone, VerdictFragment, VerdictView,
    VerifyPage,
};
use crate::presets::{Ready, asked, label, presets};

/// What verifying by hand needs.
pub struct VerifyRoom {
    service: VerifierService,
    tenant: TenantId,
    verifier: String,
    types: Arc<Vec<CredentialType>>,
    presets: Vec<Ready>,
}

impl VerifyRoom {
    /// Verifies in this name, with questions for these types.
    #[must_use]
    pub fn new(
        service: VerifierService,
        tenant: TenantId,
        verifier: String,
        types: Vec<CredentialType>,
    ) -> Self {
        Self { service, tenant, verifier, presets: presets(&types), types: Arc::new(types) }
    }

    pub(super) const fn service(&self) -> &VerifierService {
        &self.service
    }

    pub(super) const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    pub(super) fn types(&self) -> &[CredentialType] {
        &self.types
    }

    pub(super) async fn status(
        &self,
        id: &str,
        visitor: &Visitor,
    ) -> Result<RequestStatus, Failure> {
        let session: SessionId = id.parse().map_err(|_| absent())?;
        let browser = visitor.session();
        self.service
            .request_status_in_browser(&self.tenant, session, &browser)
            .await
            .map_err(failure)
    }
}

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/verify", get(choose).post(create))
        .route("/verify/{id}", get(request))
        .route("/verify/ask/{kind}", get(build::form).post(build::create))
        .route("/verify/{id}/events", get(events))
        .route("/verify/{id}/now", get(ask::now))
        .route("/verify/{id}/dc-api", get(ask::requests).post(ask::answer))
        .route("/{tenant}/return", get(returned))
}

pub(super) fn room(web: &Web) -> Result<&VerifyRoom, Failure> {
    web.0.verify.as_ref().ok_or_else(|| Failure::absent("This page"))
}

pub(super) fn absent() -> Failure {
    Failure::absent("This request").leading_to("/verify", "Ask again")
}

pub(super) fn failure(error: VerifierError) -> Failure {
    match error {
        VerifierError::UnknownRequest | VerifierError::UnknownTenant => absent(),
        VerifierError::Fault(why) => refused(why.code(), &why),
        other => Failure::internal(other.code()),
    }
}

async fn choose(State(web): State<Web>) -> Response {
    let page = room(&web).map(|room| {
        let example =
            room.presets.first().map(|preset| format!("{:#}", preset.dcql)).unwrap_or_default();
        show(&verify_page(&web, room, example, None))
    });
    conclude(&web, page)
}

fn verify_page(web: &Web, room: &VerifyRoom, dcql: String, problem: Option<Problem>) -> VerifyPage {
    VerifyPage {
        chrome: web.chrome(Place::Verify),
        presets: room.presets.iter().map(|preset| preset.shown(&room.types)).collect(),
        types: build::types(&room.types),
        own: OwnQuestion {
            dcql,
            problem,
            vcts: room
                .types
                .iter()
                .filter_map(|kind| kind.vct.as_ref())
                .map(ToString::to_string)
                .collect(),
        },
    }
}

#[derive(Deserialize)]
struct AskForm {
    preset: String,
    #[serde(default)]
    dcql: String,
    #[serde(default)]
    here: bool,
}

async fn create(State(web): State<Web>, visitor: Visitor, Form(form): Form<AskForm>) -> Response {
    let created = create_request(&web, &visitor, form).await;
    visitor.greet(conclude(&web, created))
}

async fn create_request(web: &Web, visitor: &Visitor, form: AskForm) -> Page {
    let room = room(web)?;
    let new = match room.presets.iter().find(|preset| preset.id == form.preset) {
        Some(preset) => NewRequest::preset(preset.id.clone()),
        None => match own_question(&form.dcql) {
            Ok(dcql) => NewRequest::query(dcql),
            Err(problem) => {
                let page = verify_page(web, room, form.dcql, Some(problem));
                return Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
            }
        },
    };
    created(web, visitor, new, form.here).await
}

/// Makes the request, for a wallet on this device or on another, and leads to its page.
pub(super) async fn created(web: &Web, visitor: &Visitor, new: NewRequest, here: bool) -> Page {
    let room = room(web)?;
    let by_value = new.client_id_prefix == ClientIdChoice::RedirectUri;
    let own = web.base_url().origin().ascii_serialization();
    let new = NewRequest {
        same_device: here.then(SameDevice::default),
        browser_session: Some(visitor.session()),
        // what is shown to a room is good for less than a minute; what is clicked is not shown
        rotating_link: !here && !by_value,
        dc_api: Some(NewDcApi { origins: vec![own], ..NewDcApi::default() }),
        // nobody's data in the demo: whoever tries a wallet sees all of what it sent
        record: web.0.demo.is_some(),
        ..new
    };
    let created = room.service.create_request(&room.tenant, new).await.map_err(failure)?;
    let here = if here { "?here=true" } else { "" };
    Ok(see_other(&format!("/verify/{}{here}", created.id)))
}

fn own_question(text: &str) -> Result<Value, Problem> {
    let dcql: Value = serde_json::from_str(text)
        .map_err(|error| Problem::new("This is not JSON", sentence(&error)))?;
    match DcqlQuery::from_value(&dcql) {
        Ok(_) => Ok(dcql),
        Err(error) => Err(Problem::new("This is not a DCQL query yet", sentence(&error))),
    }
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    here: bool,
}

async fn request(
    State(web): State<Web>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(shown): Query<Shown>,
) -> Response {
    let page = request_page(&web, &visitor, &id, shown.here).await;
    conclude(&web, page)
}

async fn request_page(web: &Web, visitor: &Visitor, id: &str, here: bool) -> Page {
    let room = room(web)?;
    let status = room.status(id, visitor).await?;
    let raw = raw(room, visitor, &status).await;
    let answer = answer::decoded(room, visitor, status.id).await;
    let handover = status.link.as_ref().map(|link| HandOver {
        id: "request-link",
        link: link.to_string(),
        link_label: "Request link",
        qr: if here { None } else { qr::draw(link.as_str()) },
        qr_alt: "QR code with the request link",
        pocket: web.0.pocket.is_some(),
    });
    Ok(show(&RequestPage {
        chrome: web.chrome(Place::Verify),
        id: id.to_owned(),
        title: status.title.clone().unwrap_or_else(|| "Your own question".to_owned()),
        purpose: status
            .purpose
            .clone()
            .unwrap_or_else(|| "Asked with a DCQL query of your own.".to_owned()),
        verifier: format!("{} ({})", room.verifier, web.host()),
        asked: asked(&status.dcql_query.to_value(), &room.types),
        live: !ended(&status),
        reload: status.link_expires_at.is_some(),
        advice: if handover.is_some() { advice(&status, &room.types) } else { Vec::new() },
        handover,
        raw,
        answer,
        expires: time_of_day(status.expires_at),
        verdict: conclusion(&status, &room.types),
        trail: trail(&status),
    }))
}

/// The request as wallets get it, for who wants to see all of it.
async fn raw(
    room: &VerifyRoom,
    visitor: &Visitor,
    status: &RequestStatus,
) -> Vec<(String, String)> {
    let pretty = |value: &Value| format!("{value:#}");
    let mut parts = vec![("The question (DCQL)".to_owned(), pretty(&status.dcql_query.to_value()))];
    let browser = visitor.session();
    let object = room.service.request_in_browser(&room.tenant, status.id, &browser).await;
    let object = object.ok().flatten();
    if let Some(jws) = object.as_deref().and_then(|object| UnverifiedJws::parse(object).ok()) {
        parts.push(("Its header".to_owned(), pretty(&json!(jws.header().members))));
        if let Ok(claims) = jws.danger_unverified_claims() {
            parts.push(("Its parameters".to_owned(), pretty(&json!(claims))));
        }
    }
    parts
}

/// What the question asks for that it may not need, claim by claim.
fn advice(status: &RequestStatus, types: &[CredentialType]) -> Vec<String> {
    let line = |advice: Advice| match &advice.path {
        Some(path) => format!("{}: {}.", label(types, None, path), advice.advice),
        None => sentence(&advice.advice),
    };
    lint(&status.dcql_query).into_iter().map(line).collect()
}

fn ended(status: &RequestStatus) -> bool {
    !status.open && status.state != RequestState::Responded
}

fn trail(status: &RequestStatus) -> Vec<Step> {
    status.trail.iter().map(step).collect()
}

/// The verdict, or how it stands with it.
fn conclusion(status: &RequestStatus, types: &[CredentialType]) -> VerdictView {
    let words =
        |tone, headline: &str, explanation: &str| VerdictView::words(tone, headline, explanation);
    if let Some(verdict) = &status.verdict {
        let mut shown = verdict::shown(verdict, types);
        if status.open {
            shown.explanation.push_str(
                " The request is still open: the holder can try with another credential.",
            );
        }
        return shown;
    }
    let fetched =
        status.trail.iter().any(|event| event.step == lanyard_verifier::step::REQUEST_FETCHED);
    match status.state {
        RequestState::Declined => words(
            Tone::Unsure,
            "No answer",
            "The holder declined, or has nothing that fits: the wallet does not say which.",
        ),
        RequestState::Expired => {
            words(Tone::Unsure, "Too late", "Nobody answered in time. Ask again.")
        }
        RequestState::Cancelled => words(Tone::Unsure, "Taken back", "The request was cancelled."),
        RequestState::Responded => words(
            Tone::Waiting,
            "The wallet answered",
            "Continue from the wallet: it leads back to this browser.",
        ),
        _ if fetched => words(
            Tone::Waiting,
            "A wallet is looking at it",
            "The holder reviews what you ask for.",
        ),
        _ => words(
            Tone::Waiting,
            "Waiting for a wallet",
            "Scan the code with a wallet, or open the link.",
        ),
    }
}

async fn events(State(web): State<Web>, visitor: Visitor, Path(id): Path<String>) -> Response {
    let allowed = async {
        let room = room(&web)?;
        let status = room.status(&id, &visitor).await?;
        Ok::<_, Failure>((room, status.id))
    };
    let (room, session) = match allowed.await {
        Ok(allowed) => allowed,
        Err(failure) => return failure.into_page(&web),
    };
    let (service, tenant, types) = (room.service.clone(), room.tenant.clone(), room.types.clone());
    let news = changes(service.subscribe(&tenant, session));
    let render = Box::new(move || -> live::Rendering {
        let (service, tenant, types, browser) =
            (service.clone(), tenant.clone(), types.clone(), visitor.session());
        Box::pin(async move {
            let status =
                service.request_status_in_browser(&tenant, session, &browser).await.ok()?;
            let fragment =
                VerdictFragment { verdict: conclusion(&status, &types), trail: trail(&status) };
            let html = askama::Template::render(&fragment).ok()?;
            let ended = ended(&status);
            Some(live::Now { html, ended, goto: ended.then(|| format!("/verify/{session}")) })
        })
    });
    live::follow(news, render, web.0.shutdown.clone())
}

#[derive(Deserialize)]
struct Returned {
    response_code: String,
}

/// The wallet on this device sent the browser back (OID4VP 1.0 §8.2, §13.3).
async fn returned(
    State(web): State<Web>,
    visitor: Visitor,
    Path(tenant): Path<String>,
    Query(query): Query<Returned>,
) -> Response {
    let page = async {
        let room = room(&web)?;
        if tenant != room.tenant.as_str() {
            return Err(absent());
        }
        let browser: BrowserSession = visitor.session();
        let finished =
            room.service.finish_same_device(&room.tenant, &query.response_code, &browser).await;
        let status = finished.map_err(failure)?;
        Ok(see_other(&format!("/verify/{}", status.id)))
    };
    let page = page.await;
    conclude(&web, page)
}
