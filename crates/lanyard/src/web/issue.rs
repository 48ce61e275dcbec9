//! The Issue pages: a form, an offer, its trail.

use std::collections::HashMap;

use axum::{
    Form, Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use http::StatusCode;
use lanyard_issuer::{
    CredentialToOffer, Deferral, IssuerError, IssuerService, LoginToOffer, NewOfferRequest,
    OfferCreated, OfferState, OfferStatus,
};
use lanyard_oid4vci::CredentialConfigurationId;
use lanyard_store::{SessionId, TenantId};

use super::{
    Failure, Page, Web, conclude, forms,
    guard::{Browser, Visitor},
    live, qr, see_other,
    shelf::Shelf,
    show, show_with,
    trail::{changes, refused, step, time_of_day},
    verdict,
};
use crate::credential_type::{ClaimKind, CredentialType};
use crate::live_types::LiveTypes;
use crate::pages::{
    CardView, HandOver, ImageUri, IssueFormPage, IssuePage, Kind, LoginChoice, OfferPage, Place,
    Problem, Step, Tone, TrailFragment,
};

/// What issuing by hand needs.
pub struct IssueRoom {
    service: IssuerService,
    tenant: TenantId,
    issuer: String,
    types: LiveTypes,
    made: Shelf<Made>,
    /// Who can log in for what is issued here, if anybody.
    holder: Option<(&'static str, &'static str)>,
}

/// An offer that a browser made: what only that browser may see again.
struct Made {
    browser: Browser,
    card: CardView,
    offer: OfferCreated,
}

impl IssueRoom {
    /// Issues these types in this name.
    #[must_use]
    pub fn new(service: IssuerService, tenant: TenantId, issuer: String, types: LiveTypes) -> Self {
        Self { service, tenant, issuer, types, made: Shelf::default(), holder: None }
    }

    /// With a holder who can log in instead of being given a code.
    #[must_use]
    pub const fn for_holder(mut self, name: &'static str, password: &'static str) -> Self {
        self.holder = Some((name, password));
        self
    }

    fn kind(&self, id: &str) -> Result<CredentialType, Failure> {
        let kind = self.types.now().iter().find(|kind| kind.id == id).cloned();
        kind.ok_or_else(|| {
            Failure::absent("This credential type").leading_to("/issue", "All credentials")
        })
    }

    /// A type with the name and picture that its form starts with.
    fn sample_card(&self, kind: &CredentialType) -> CardView {
        let text = |name: &String| kind.sample_text(name);
        let names: Vec<_> = kind.holder.iter().filter_map(text).collect();
        let portrait = kind.claims.iter().find(|claim| claim.kind == ClaimKind::Image);
        CardView {
            holder: (!names.is_empty()).then(|| names.join(" ")),
            line: kind.line.as_ref().and_then(text),
            portrait: portrait.and_then(|claim| claim.sample.as_str()).and_then(ImageUri::parse),
            ..verdict::type_card(kind, &self.issuer)
        }
    }
}

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/issue", get(choose).post(create))
        .route("/issue/new/{type}", get(form))
        .route("/issue/{id}", get(offer))
        .route("/issue/{id}/events", get(events))
}

fn room(web: &Web) -> Result<&IssueRoom, Failure> {
    web.0.issue.as_ref().ok_or_else(|| Failure::absent("This page"))
}

async fn choose(State(web): State<Web>) -> Response {
    let page = room(&web).map(|room| {
        let kind = |kind: &CredentialType| Kind {
            id: kind.id.clone(),
            card: room.sample_card(kind),
            description: kind.description.clone(),
        };
        let kinds = room.types.now().iter().map(kind).collect();
        show(&IssuePage { chrome: web.chrome(Place::Issue), issuer: room.issuer.clone(), kinds })
    });
    conclude(&web, page)
}

async fn form(State(web): State<Web>, Path(id): Path<String>) -> Response {
    let page = room(&web).and_then(|room| {
        let kind = &room.kind(&id)?;
        Ok(show(&form_page(&web, room, kind, None, &HashMap::new())))
    });
    conclude(&web, page)
}

fn form_page(
    web: &Web,
    room: &IssueRoom,
    kind: &CredentialType,
    typed: Option<&forms::Typed>,
    faults: &HashMap<String, String>,
) -> IssueFormPage {
    let problem = match faults.len() {
        0 => None,
        1 => Some(Problem::new("One field needs a look", "Correct it, then create the offer.")),
        count => Some(Problem::new(
            format!("{count} fields need a look"),
            "Correct them, then create the offer.",
        )),
    };
    IssueFormPage {
        chrome: web.chrome(Place::Issue),
        id: kind.id.clone(),
        card: room.sample_card(kind),
        groups: forms::groups(kind, typed, faults),
        tx_code: typed.is_none_or(|typed| typed.contains_key("tx_code")),
        login: room.holder.map(|(holder, password)| LoginChoice {
            holder,
            password,
            on: typed.is_some_and(|typed| typed.contains_key("login")),
        }),
        problem,
    }
}

async fn create(
    State(web): State<Web>,
    visitor: Visitor,
    Form(typed): Form<forms::Typed>,
) -> Response {
    let created = create_offer(&web, &visitor, &typed).await;
    visitor.greet(&web, conclude(&web, created))
}

async fn create_offer(web: &Web, visitor: &Visitor, typed: &forms::Typed) -> Page {
    let room = room(web)?;
    let kind = &room.kind(typed.get("type").map_or("", String::as_str))?;
    let claims = match forms::claims(kind, typed) {
        Ok(claims) => claims,
        Err(faults) => {
            let page = form_page(web, room, kind, Some(typed), &faults);
            return Ok(show_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let configuration = CredentialConfigurationId::new(kind.id.clone());
    let login = room
        .holder
        .filter(|_| typed.contains_key("login"))
        .map(|(holder, _)| LoginToOffer { holder: Some(holder.to_owned()), only: true });
    let wanted = NewOfferRequest {
        credentials: vec![CredentialToOffer { configuration, claims }],
        looked_up: Vec::new(),
        tx_code: login.is_none() && typed.contains_key("tx_code"),
        deferral: match typed.get("deferral").map(String::as_str) {
            Some("10") => Deferral::Seconds(10),
            Some("60") => Deferral::Seconds(60),
            _ => Deferral::None,
        },
        login,
        by_reference: !typed.contains_key("by_value"),
        subject: None,
    };
    let offer = room.service.create_offer(&room.tenant, wanted).await.map_err(failure)?;
    let id = offer.id.to_string();
    let card = verdict::type_card(kind, &room.issuer);
    room.made.put_as(id.clone(), Made { browser: visitor.browser.clone(), card, offer });
    Ok(see_other(&format!("/issue/{id}")))
}

fn failure(error: IssuerError) -> Failure {
    match error {
        IssuerError::UnknownOffer | IssuerError::UnknownTenant => absent(),
        IssuerError::Refused(why) => refused("offer_refused", &why),
        other => Failure::internal(other.code()),
    }
}

async fn offer(State(web): State<Web>, visitor: Visitor, Path(id): Path<String>) -> Response {
    let page = offer_page(&web, &visitor, &id).await;
    conclude(&web, page)
}

fn absent() -> Failure {
    Failure::absent("This offer").leading_to("/issue", "Issue another")
}

async fn offer_page(web: &Web, visitor: &Visitor, id: &str) -> Page {
    let room = room(web)?;
    let found = room.made.look(id, |made| {
        (made.browser == visitor.browser).then(|| (made.card.clone(), made.offer.clone()))
    });
    let (card, offer) = found.flatten().ok_or_else(absent)?;
    let status = room.service.offer_status(&room.tenant, offer.id).await.map_err(failure)?;
    Ok(show(&OfferPage {
        chrome: web.chrome(Place::Issue),
        id: id.to_owned(),
        card,
        handover: HandOver {
            id: "offer-link",
            qr: qr::draw(&offer.link),
            link: offer.link,
            link_label: "Offer link",
            qr_alt: "QR code with the offer link",
            pocket: web.0.pocket.is_some(),
        },
        tx_code: offer.tx_code.as_ref().map(|code| code.reveal().to_owned()),
        expires: time_of_day(offer.expires_at),
        trail: trail(&status),
    }))
}

/// What happened, and what is still to come.
fn trail(status: &OfferStatus) -> Vec<Step> {
    let mut steps: Vec<Step> = status.trail.iter().map(step).collect();
    let fetched =
        status.trail.iter().any(|event| event.step == lanyard_issuer::step::OFFER_FETCHED);
    let (title, tone) = match status.state {
        OfferState::Offered if fetched => ("The holder decides", Tone::Waiting),
        OfferState::Offered => ("A wallet opens it", Tone::Waiting),
        OfferState::Authorized => ("The wallet takes the credential", Tone::Waiting),
        OfferState::Deferred => ("The wallet asks again when it is ready", Tone::Waiting),
        OfferState::TxCodeExhausted => {
            ("Closed: the transaction code was wrong too often", Tone::Bad)
        }
        OfferState::LoggingIn => ("The holder logs in and decides", Tone::Waiting),
        OfferState::Denied => ("Closed: it was declined", Tone::Bad),
        OfferState::Revoked => ("Closed: a code was used twice", Tone::Bad),
        OfferState::Expired => ("Closed: nobody took it in time", Tone::Unsure),
        OfferState::Issued | OfferState::Withdrawn => return steps,
    };
    steps.push(Step { title: title.to_owned(), detail: None, at: None, tone });
    steps
}

const fn ended(state: OfferState) -> bool {
    !matches!(
        state,
        OfferState::Offered | OfferState::LoggingIn | OfferState::Authorized | OfferState::Deferred
    )
}

async fn events(State(web): State<Web>, visitor: Visitor, Path(id): Path<String>) -> Response {
    let allowed = room(&web).and_then(|room| {
        let own =
            room.made.look(&id, |made| (made.browser == visitor.browser).then_some(made.offer.id));
        own.flatten().map(|session| (room, session)).ok_or_else(absent)
    });
    let (room, session): (&IssueRoom, SessionId) = match allowed {
        Ok(allowed) => allowed,
        Err(failure) => return failure.into_page(&web),
    };
    let (service, tenant) = (room.service.clone(), room.tenant.clone());
    let news = changes(service.subscribe(&tenant, session));
    let render = Box::new(move || -> live::Rendering {
        let (service, tenant) = (service.clone(), tenant.clone());
        Box::pin(async move {
            let status = service.offer_status(&tenant, session).await.ok()?;
            let html = askama::Template::render(&TrailFragment { trail: trail(&status) }).ok()?;
            Some(live::Now { html, ended: ended(status.state), goto: None })
        })
    });
    live::follow(news, render, web.0.shutdown.clone())
}
