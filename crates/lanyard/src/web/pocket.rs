//! The Pocket pages: the real wallet library behind forms.

use std::collections::HashMap;

use axum::{
    Form, Router,
    extract::{Path, RawQuery, State},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use http::{StatusCode, header};
use lanyard_oid4vp::wallet::VerifierReply;
use lanyard_wallet::{
    AcceptError, AuthorizationCode, CardNotice, IssuanceError, Offer, PictureUse, PreAuthorized,
    PresentationError, Request, Review, StatusWord, Wallet, storage::CardId,
};
use serde::Deserialize;

use super::{Failure, Page, Web, conclude, harness, past, review, see_other, shelf::Shelf, show};
use super::{harness::AutoConsent, show_with};
use crate::pages::{
    Next, Place, PocketCardPage, PocketDonePage, PocketPage, Problem, Tone, VerdictView,
};

/// The wallet and what the holder is looking at.
pub struct Pocket {
    pub(super) wallet: Wallet,
    /// Whether links are acted on without asking.
    pub(super) consents: Option<AutoConsent>,
    offers: Shelf<Waiting>,
    requests: Shelf<Request>,
}

/// An offer under review, and what went wrong with the last attempt.
struct Waiting {
    offer: Taken,
    tries: u8,
    fault: Option<Fault>,
}

/// How an offer is taken.
enum Taken {
    Code(Box<PreAuthorized>),
    Login(Box<AuthorizationCode>),
}

impl Taken {
    const fn review(&self) -> &Review {
        match self {
            Self::Code(offer) => offer.review(),
            Self::Login(offer) => offer.review(),
        }
    }
}

/// What went wrong with an attempt to accept.
pub(super) enum Fault {
    /// The code; the next one may be right.
    TxCode(String),
    /// Something else that may pass.
    Other(Problem),
}

impl Pocket {
    /// Shows this wallet, which asks its holder unless it is told to consent to everything.
    #[must_use]
    pub fn new(wallet: Wallet, consents: Option<AutoConsent>) -> Self {
        Self { wallet, consents, offers: Shelf::default(), requests: Shelf::default() }
    }
}

pub(super) fn routes() -> Router<Web> {
    Router::new()
        .route("/pocket", get(home))
        .route("/pocket/open", get(harness::called).post(open))
        .route("/pocket/offers/{id}", get(offer))
        .route("/pocket/offers/{id}/accept", post(accept))
        .route("/pocket/offers/{id}/decline", post(decline_offer))
        .route("/pocket/login", get(login))
        .route("/pocket/requests/{id}", get(request))
        .route("/pocket/requests/{id}/answer", post(answer))
        .route("/pocket/requests/{id}/decline", post(decline_request))
        .route("/pocket/cards/{id}", get(card))
        .route("/pocket/cards/{id}/logo", get(logo))
        .route("/pocket/cards/{id}/background_image", get(background_image))
        .route("/pocket/cards/{id}/delete", post(delete))
        .route("/pocket/notices/seen", post(notices_seen))
        .route("/pocket/history", get(past::history))
}

pub(super) fn pocket(web: &Web) -> Result<&Pocket, Failure> {
    web.0.pocket.as_ref().ok_or_else(|| Failure::absent("This page"))
}

async fn home(State(web): State<Web>) -> Response {
    if let Ok(pocket) = pocket(&web) {
        // what issuers have ready by now; what went wrong is in the history
        let _ = pocket.wallet.collect().await;
        // a list that cannot be had leaves what was known before
        let _ = pocket.wallet.refresh_statuses().await;
    }
    conclude(&web, home_page(&web, String::new(), None))
}

pub(super) fn home_page(web: &Web, link: String, problem: Option<Problem>) -> Page {
    let wallet = &pocket(web)?.wallet;
    let held = wallet.cards().map_err(|_| Failure::internal("wallet_storage"))?;
    let waiting = wallet.waiting().map_err(|_| Failure::internal("wallet_storage"))?;
    let waiting = waiting.iter().map(|(_, waiting)| review::waiting_card(waiting));
    let cards = waiting.chain(held.iter().map(review::card_with_link)).collect();
    let notices = wallet.notices().map_err(|_| Failure::internal("wallet_storage"))?;
    let notices = notices.iter().map(notice).collect();
    Ok(show(&PocketPage { chrome: web.chrome(Place::Pocket), notices, cards, link, problem }))
}

fn notice(notice: &CardNotice) -> String {
    let became = match notice.is {
        StatusWord::Revoked => "was revoked by its issuer: no verifier takes it any more",
        StatusWord::Suspended => "was suspended by its issuer: no verifier takes it for now",
        StatusWord::Valid | StatusWord::Other => "is good again",
    };
    format!("{} {became}.", notice.name)
}

/// The holder saw what became of their cards.
async fn notices_seen(State(web): State<Web>) -> Response {
    let seen = pocket(&web).and_then(|pocket| {
        let notices = pocket.wallet.notices();
        let seen = notices.and_then(|notices| pocket.wallet.notices_seen(&notices));
        seen.map(|()| see_other("/pocket")).map_err(|_| Failure::internal("wallet_storage"))
    });
    conclude(&web, seen)
}

#[derive(Deserialize)]
struct OpenForm {
    link: String,
}

/// The holder chose to open a link: now it is read.
async fn open(State(web): State<Web>, Form(form): Form<OpenForm>) -> Response {
    let opened = open_link(&web, form.link.trim()).await;
    conclude(&web, opened)
}

async fn open_link(web: &Web, link: &str) -> Page {
    let pocket = pocket(web)?;
    if link.len() > 64 << 10 {
        return home_page(web, String::new(), Some(review::not_a_link()));
    }
    if link.contains("client_id=") {
        return match pocket.wallet.read_request(link).await {
            Ok(request) => {
                let id = pocket.requests.put(request);
                Ok(see_other(&format!("/pocket/requests/{id}")))
            }
            Err(error) => {
                // whoever opened the link acted
                if let PresentationError::Refusable(refused) = &error {
                    let _ = refused.refuse().await;
                }
                home_page(web, link.to_owned(), Some(review::request_problem(&error)))
            }
        };
    }
    match pocket.wallet.read_offer(link).await {
        Ok(Offer::PreAuthorized(offer)) => {
            let offer = Taken::Code(offer);
            let id = pocket.offers.put(Waiting { offer, tries: 0, fault: None });
            Ok(see_other(&format!("/pocket/offers/{id}")))
        }
        Ok(Offer::AuthorizationCode(offer)) => {
            let offer = Taken::Login(offer);
            let id = pocket.offers.put(Waiting { offer, tries: 0, fault: None });
            Ok(see_other(&format!("/pocket/offers/{id}")))
        }
        Err(error) => home_page(web, link.to_owned(), Some(review::offer_problem(&error))),
    }
}

async fn offer(State(web): State<Web>, Path(id): Path<String>) -> Response {
    let page = pocket(&web).and_then(|pocket| {
        let chrome = web.chrome(Place::Pocket);
        let page = pocket.offers.look(&id, |waiting| {
            review::offer_page(
                chrome,
                &id,
                waiting.offer.review(),
                waiting.tries,
                waiting.fault.as_ref(),
            )
        });
        page.map(|page| show(&page)).ok_or_else(offer_absent)
    });
    conclude(&web, page)
}

#[derive(Deserialize)]
struct AcceptForm {
    #[serde(default)]
    tx_code: Option<String>,
}

async fn accept(
    State(web): State<Web>,
    Path(id): Path<String>,
    Form(form): Form<AcceptForm>,
) -> Response {
    let accepted = accept_offer(&web, id, form.tx_code.as_deref()).await;
    conclude(&web, accepted)
}

async fn accept_offer(web: &Web, id: String, tx_code: Option<&str>) -> Page {
    let pocket = pocket(web)?;
    let Waiting { offer, tries, .. } = pocket.offers.take(&id).ok_or_else(offer_absent)?;
    let offer = match offer {
        Taken::Code(offer) => offer,
        Taken::Login(offer) => return begin_login(web, *offer).await,
    };
    let needs_code = offer.review().tx_code.is_some();
    let (offer, tries, fault) = match offer.accept(tx_code.filter(|_| needs_code)).await {
        Ok(cards) => return received(web, pocket, &cards),
        Err(AcceptError::TxCodeForm(offer, reason)) => {
            (offer, tries, Fault::TxCode(review::sentence(&reason)))
        }
        Err(AcceptError::TxCodeWrong(offer)) => {
            (offer, tries + 1, Fault::TxCode("That was not the code.".to_owned()))
        }
        Err(AcceptError::TryAgain(offer, error, wait)) => {
            (offer, tries, Fault::Other(review::try_again(&error, wait)))
        }
        Err(AcceptError::Failed(error)) => return Ok(not_received(web, &error)),
    };
    let offer = Taken::Code(offer);
    pocket.offers.put_as(id.clone(), Waiting { offer, tries, fault: Some(fault) });
    Ok(see_other(&format!("/pocket/offers/{id}")))
}

/// The browser goes to the issuer and comes back to `/pocket/login`.
async fn begin_login(web: &Web, offer: AuthorizationCode) -> Page {
    let login = match offer.begin().await {
        Ok(login) => login,
        Err(error) => return Ok(not_received(web, &error)),
    };
    // a form may be answered with a redirect to these pages alone (CSP form-action)
    if login.url().origin() == web.base_url().origin() {
        return Ok(see_other(login.url().as_str()));
    }
    let verdict = VerdictView::words(
        Tone::Waiting,
        "Log in at the issuer",
        "It lets you decide there, and sends you back here.",
    );
    let next = Some(Next { href: login.url().to_string(), label: "Go to the issuer".to_owned() });
    let (chrome, cards) = (web.chrome(Place::Pocket), Vec::new());
    Ok(show(&PocketDonePage { chrome, verdict, cards, next }))
}

/// The browser came back from the issuer.
async fn login(State(web): State<Web>, RawQuery(query): RawQuery) -> Response {
    let finished = finish_login(&web, query.unwrap_or_default()).await;
    conclude(&web, finished)
}

async fn finish_login(web: &Web, query: String) -> Page {
    let pocket = pocket(web)?;
    let mut redirect = web.base_url().clone();
    redirect.set_path("/pocket/login");
    redirect.set_query(Some(&query));
    match pocket.wallet.finish_login(&redirect).await {
        Ok(cards) => received(web, pocket, &cards),
        Err(error) => Ok(not_received(web, &error)),
    }
}

pub(super) fn received(web: &Web, pocket: &Pocket, ids: &[CardId]) -> Page {
    let cards = pocket.wallet.cards().map_err(|_| Failure::internal("wallet_storage"))?;
    let cards =
        cards.iter().filter(|card| ids.contains(&card.id)).map(review::card_with_link).collect();
    let verdict = if ids.is_empty() {
        VerdictView::words(
            Tone::Waiting,
            "Not ready yet",
            "The issuer has taken the request. Open Pocket again later: it asks by itself.",
        )
    } else {
        VerdictView::words(
            Tone::Good,
            "Added to Pocket",
            "Its signature and issuer were checked. Its keys were made here and stay here.",
        )
    };
    let next =
        Some(Next { href: "/verify".to_owned(), label: "Now show it to someone".to_owned() });
    Ok(show(&PocketDonePage { chrome: web.chrome(Place::Pocket), verdict, cards, next }))
}

fn not_received(web: &Web, error: &IssuanceError) -> Response {
    failed(web, StatusCode::OK, review::offer_problem(error))
}

/// What went wrong, as the last page of its way.
pub(super) fn failed(web: &Web, status: StatusCode, problem: Problem) -> Response {
    let Problem { what, remedy } = problem;
    let verdict = VerdictView::words(Tone::Bad, what, remedy);
    let (chrome, cards) = (web.chrome(Place::Pocket), Vec::new());
    show_with(status, &PocketDonePage { chrome, verdict, cards, next: None })
}

async fn decline_offer(State(web): State<Web>, Path(id): Path<String>) -> Response {
    let page = pocket(&web).and_then(|pocket| {
        match pocket.offers.take(&id).ok_or_else(offer_absent)?.offer {
            Taken::Code(offer) => offer.decline(),
            Taken::Login(offer) => offer.decline(),
        }
        let verdict = VerdictView::words(
            Tone::Waiting,
            "Declined",
            "Nothing was taken and the issuer was told nothing.",
        );
        Ok(show(&PocketDonePage {
            chrome: web.chrome(Place::Pocket),
            verdict,
            cards: Vec::new(),
            next: None,
        }))
    });
    conclude(&web, page)
}

async fn request(State(web): State<Web>, Path(id): Path<String>) -> Response {
    let page = pocket(&web).and_then(|pocket| {
        let chrome = web.chrome(Place::Pocket);
        let page = pocket.requests.look(&id, |request| review::request_page(chrome, &id, request));
        page.map(|page| show(&page)).ok_or_else(request_absent)
    });
    conclude(&web, page)
}

async fn answer(
    State(web): State<Web>,
    Path(id): Path<String>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let answered = answer_request(&web, &id, &form).await;
    conclude(&web, answered)
}

async fn answer_request(web: &Web, id: &str, form: &HashMap<String, String>) -> Page {
    let pocket = pocket(web)?;
    let request = pocket.requests.take(id).ok_or_else(request_absent)?;
    let consent = request.choices().ok().and_then(|choices| {
        review::selection(&choices, form).map(|selection| choices.approve(&selection))
    });
    let Some(Ok(consent)) = consent else {
        pocket.requests.put_as(id.to_owned(), request);
        return Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "selection",
            "Nothing was sent",
            "At least one credential has to be chosen, and every required one.",
        )
        .leading_to(&format!("/pocket/requests/{id}"), "Back to the request"));
    };
    let encrypted = review::is_encrypted(&request);
    match request.answer(consent).await {
        Ok(reply) => {
            let how = if encrypted {
                "What you chose was sent, encrypted, and taken."
            } else {
                "What you chose was sent and taken."
            };
            Ok(told(web, VerdictView::words(Tone::Good, "Shared", how), reply))
        }
        Err(error) => Ok(not_answered(web, &error)),
    }
}

async fn decline_request(State(web): State<Web>, Path(id): Path<String>) -> Response {
    let declined = async {
        let request = pocket(&web)?.requests.take(&id).ok_or_else(request_absent)?;
        let words = "Nothing was shared. The verifier learns that there is no answer, and not why.";
        match request.decline().await {
            Ok(reply) => {
                Ok(told(&web, VerdictView::words(Tone::Waiting, "Declined", words), reply))
            }
            Err(_) => Ok(told(
                &web,
                VerdictView::words(
                    Tone::Waiting,
                    "Declined",
                    "Nothing was shared. The verifier could not be told.",
                ),
                VerifierReply::Done,
            )),
        }
    };
    let page = declined.await;
    conclude(&web, page)
}

pub(super) fn told(web: &Web, verdict: VerdictView, reply: VerifierReply) -> Response {
    let next = match reply {
        VerifierReply::ContinueAt(url) => {
            Some(Next { href: url.into(), label: "Continue at the verifier".to_owned() })
        }
        // an app is opened by its platform, not by a page
        VerifierReply::ContinueInApp(_) | VerifierReply::Done => None,
    };
    show(&PocketDonePage { chrome: web.chrome(Place::Pocket), verdict, cards: Vec::new(), next })
}

fn not_answered(web: &Web, error: &PresentationError) -> Response {
    failed(web, StatusCode::OK, review::request_problem(error))
}

async fn card(State(web): State<Web>, Path(id): Path<i64>) -> Response {
    let page = pocket(&web).and_then(|pocket| {
        let cards = pocket.wallet.cards().map_err(|_| Failure::internal("wallet_storage"))?;
        let card = cards
            .iter()
            .find(|card| card.id == CardId(id))
            .ok_or_else(|| Failure::absent("This credential"))?;
        Ok(show(&PocketCardPage {
            chrome: web.chrome(Place::Pocket),
            id: id.to_string(),
            card: review::card(card),
            claims: review::all_claims(card),
            facts: review::facts(card),
        }))
    });
    conclude(&web, page)
}

async fn logo(State(web): State<Web>, Path(id): Path<i64>) -> Response {
    picture(&web, CardId(id), PictureUse::Logo)
}

async fn background_image(State(web): State<Web>, Path(id): Path<i64>) -> Response {
    picture(&web, CardId(id), PictureUse::BackgroundImage)
}

/// A picture as it was kept; nothing is fetched.
fn picture(web: &Web, card: CardId, kind: PictureUse) -> Response {
    let picture = pocket(web).and_then(|pocket| {
        let kept = pocket.wallet.card_picture(card, kind);
        let kept = kept.map_err(|_| Failure::internal("wallet_storage"))?;
        let picture = kept.ok_or_else(|| Failure::absent("This picture"))?;
        let media_type = [(header::CONTENT_TYPE, picture.kind().media_type())];
        Ok((media_type, picture.into_bytes()).into_response())
    });
    conclude(web, picture)
}

async fn delete(State(web): State<Web>, Path(id): Path<i64>) -> Response {
    let deleted = match pocket(&web) {
        Ok(pocket) => {
            pocket.wallet.delete(CardId(id)).await.map_err(|_| Failure::internal("wallet_storage"))
        }
        Err(failure) => Err(failure),
    };
    conclude(&web, deleted.map(|_| see_other("/pocket")))
}

fn offer_absent() -> Failure {
    Failure::absent("This offer").leading_to("/pocket", "Back to Pocket")
}

fn request_absent() -> Failure {
    Failure::absent("This request").leading_to("/pocket", "Back to Pocket")
}
