//! The Issue pages: a form, an offer, its trail.

use std::collections::HashMap;

use axum::{
    Form, Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use http::StatusCode;
use lanyard_core::credential::Format;
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
use crate::demo::Demands;
use crate::live_types::LiveTypes;
use crate::pages::{
    CardView, DeferralChoice, HandOver, ImageUri, IssueFormPage, IssuePage, Kind, LoginChoice,
    OfferPage, Place, Problem, Step, Switch, Tone, TrailFragment,
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
    /// Whether there is an issuer for each demand on wallets.
    is_sandbox: bool,
}

/// An offer that a browser made: what only that browser may see again.
struct Made {
    browser: Browser,
    card: CardView,
    offer: OfferCreated,
    /// The issuer that offers it.
    tenant: TenantId,
    demands: Demands,
}

impl IssueRoom {
    /// Issues these types in this name.
    #[must_use]
    pub fn new(service: IssuerService, tenant: TenantId, issuer: String, types: LiveTypes) -> Self {
        let made = Shelf::default();
        Self { service, tenant, issuer, types, made, holder: None, is_sandbox: false }
    }

    /// With switches for what the issuers of the demo demand of wallets.
    #[must_use]
    pub const fn as_sandbox(mut self) -> Self {
        self.is_sandbox = true;
        self
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
            format: format_name(kind.format),
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
        format: format_name(kind.format),
        tx_code: typed.is_none_or(|typed| typed.contains_key("tx_code")),
        deferral: match deferral(typed) {
            Deferral::Seconds(10) => DeferralChoice::Seconds,
            Deferral::Seconds(_) => DeferralChoice::Minute,
            _ => DeferralChoice::Now,
        },
        by_value: typed.is_some_and(|typed| typed.contains_key("by_value")),
        demands: if room.is_sandbox { switches(demands(typed)) } else { Vec::new() },
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
    visitor.greet(conclude(&web, created))
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
        deferral: deferral(Some(typed)),
        login,
        by_reference: !typed.contains_key("by_value"),
        subject: None,
    };
    let demands = if room.is_sandbox { demands(Some(typed)) } else { Demands::default() };
    let tenant = match demands == Demands::default() {
        true => room.tenant.clone(),
        false => demands.tenant().parse().map_err(|_| Failure::internal("sandbox_tenant"))?,
    };
    let offer = room.service.create_offer(&tenant, wanted).await.map_err(failure)?;
    let id = offer.id.to_string();
    let card = verdict::type_card(kind, &room.issuer);
    let browser = visitor.browser.clone();
    room.made.put_as(id.clone(), Made { browser, card, offer, tenant, demands });
    Ok(see_other(&format!("/issue/{id}")))
}

fn deferral(typed: Option<&forms::Typed>) -> Deferral {
    match typed.and_then(|typed| typed.get("deferral")).map(String::as_str) {
        Some("10") => Deferral::Seconds(10),
        Some("60") => Deferral::Seconds(60),
        _ => Deferral::None,
    }
}

fn demands(typed: Option<&forms::Typed>) -> Demands {
    let is_on = |name| typed.is_some_and(|typed| typed.contains_key(name));
    Demands {
        dpop: is_on("demand_dpop"),
        attestation: is_on("demand_attestation"),
        encryption: is_on("demand_encryption"),
        single: is_on("single_copies"),
        keys: is_on("demand_keys"),
    }
}

fn switches(demands: Demands) -> Vec<Switch> {
    vec![
        Switch {
            name: "demand_dpop",
            label: "Demand DPoP",
            hint: "Access tokens are bound to a key of the wallet; a plain bearer token is not given out.",
            on: demands.dpop,
        },
        Switch {
            name: "demand_attestation",
            label: "Demand a wallet attestation",
            hint: "The wallet has to be vouched for. The demo has a provider that vouches for every wallet that asks.",
            on: demands.attestation,
        },
        Switch {
            name: "demand_keys",
            label: "Demand a key attestation",
            hint: "The holder's keys have to be vouched for, each by the same provider.",
            on: demands.keys,
        },
        Switch {
            name: "demand_encryption",
            label: "Demand encryption",
            hint: "Credential requests and responses are encrypted from end to end; else it is offered.",
            on: demands.encryption,
        },
        Switch {
            name: "single_copies",
            label: "One copy at a time",
            hint: "No batches: one key and one copy for each request. Else up to twenty.",
            on: demands.single,
        },
    ]
}

/// A format, for people.
const fn format_name(format: Format) -> &'static str {
    match format {
        Format::SdJwtVc => "SD-JWT VC",
        Format::MsoMdoc => "ISO mdoc",
        Format::JwtVcJson => "W3C credential, JWT",
        Format::LdpVc => "W3C credential, Data Integrity",
        Format::VcJwt => "W3C credential, VC-JWT",
        Format::VcSdJwt => "W3C credential, SD-JWT",
    }
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
        let own = made.browser == visitor.browser;
        own.then(|| (made.card.clone(), made.offer.clone(), made.tenant.clone(), made.demands))
    });
    let (card, offer, tenant, demands) = found.flatten().ok_or_else(absent)?;
    let status = room.service.offer_status(&tenant, offer.id).await.map_err(failure)?;
    Ok(show(&OfferPage {
        chrome: web.chrome(Place::Issue),
        id: id.to_owned(),
        card,
        issuer: room.is_sandbox.then(|| format!("{}{tenant}", web.base_url())),
        demands: demands.names().collect(),
        attestation: demands.attestation.then(|| format!("{}sandbox/attestation", web.base_url())),
        key_attestation: demands.keys.then(|| format!("{}sandbox/key-attestation", web.base_url())),
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
        let own = room.made.look(&id, |made| {
            let own = made.browser == visitor.browser;
            own.then(|| (made.offer.id, made.tenant.clone()))
        });
        own.flatten().map(|(session, tenant)| (room, session, tenant)).ok_or_else(absent)
    });
    let (room, session, tenant): (&IssueRoom, SessionId, TenantId) = match allowed {
        Ok(allowed) => allowed,
        Err(failure) => return failure.into_page(&web),
    };
    let service = room.service.clone();
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
