//! Pocket's own URL for links: what pages, and suites that try wallets, call a wallet at.
//!
//! `/pocket/open` takes the parameters of an offer (OID4VCI 1.0 §4.1) or of an authorization request
//! (OID4VP 1.0 §5.2). The holder sees the link and opens it, or not. Only where the demo was told to consent to
//! everything is it acted on at once.

use axum::{
    extract::{RawQuery, State},
    response::Response,
};
use http::StatusCode;
use lanyard_oid4vp::wallet::VerifierReply;
use lanyard_wallet::{AcceptError, Offer, PresentationError, Wallet, ports::Occasion};

use super::{
    Failure, Page, Web, conclude,
    pocket::{Pocket, failed, home_page, pocket, received, told},
    review, see_other,
};
use crate::pages::{Tone, VerdictView};

/// The longest that is waited for what an issuer defers, in seconds.
const PATIENCE: i64 = 600;

/// How a wallet consents by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoConsent {
    /// The transaction code for offers that want one.
    pub tx_code: Option<String>,
}

/// Somebody called Pocket with the parameters of an offer or a request.
pub(super) async fn called(State(web): State<Web>, RawQuery(query): RawQuery) -> Response {
    let page = match query {
        Some(query) if !query.is_empty() => open(&web, &query).await,
        _ => Ok(see_other("/pocket")),
    };
    conclude(&web, page)
}

async fn open(web: &Web, query: &str) -> Page {
    let pocket = pocket(web)?;
    let is_request =
        url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "client_id");
    let scheme = if is_request { "openid4vp" } else { "openid-credential-offer" };
    let link = format!("{scheme}://?{query}");
    match &pocket.consents {
        // whoever sent the browser here is nobody: nothing is fetched before the holder wants it
        None => home_page(web, link, None),
        Some(_) if is_request => answer(web, pocket, &link).await,
        Some(consents) => accept(web, pocket, &link, consents).await,
    }
}

async fn accept(web: &Web, pocket: &Pocket, link: &str, consents: &AutoConsent) -> Page {
    let not_taken = |error| Ok(failed(web, StatusCode::BAD_REQUEST, review::offer_problem(&error)));
    let offer = match pocket.wallet.read_offer(link).await {
        Ok(Offer::PreAuthorized(offer)) => *offer,
        Ok(Offer::AuthorizationCode(offer)) => {
            return match offer.begin().await {
                // the issuer sends the browser back to /pocket/login
                Ok(login) => Ok(see_other(login.url().as_str())),
                Err(error) => not_taken(error),
            };
        }
        Err(error) => return not_taken(error),
    };
    let code = consents.tx_code.as_deref().filter(|_| offer.review().tx_code.is_some());
    match offer.accept(code).await {
        Ok(cards) => {
            if cards.is_empty() {
                tokio::spawn(collect(pocket.wallet.clone()));
            }
            received(web, pocket, &cards)
        }
        Err(AcceptError::TxCodeForm(..) | AcceptError::TxCodeWrong(_)) => Err(Failure::new(
            StatusCode::BAD_REQUEST,
            "tx_code",
            "That was not the code",
            "Start the demo with the right --tx-code.",
        )),
        Err(AcceptError::TryAgain(_, error, _) | AcceptError::Failed(error)) => not_taken(error),
    }
}

/// Asks for what is deferred whenever its time has come, as an app that stays open does.
async fn collect(wallet: Wallet) {
    let begun = wallet.now();
    while let Ok(waiting) = wallet.waiting() {
        let Some(next) = waiting.iter().map(|(_, waiting)| waiting.next_at).min() else { return };
        let now = wallet.now();
        if now.duration_since(begun).as_secs() > PATIENCE {
            return;
        }
        let pause = next.duration_since(now).max(jiff::SignedDuration::ZERO);
        tokio::time::sleep(pause.unsigned_abs()).await;
        if wallet.collect().await.is_err() {
            return;
        }
    }
}

async fn answer(web: &Web, pocket: &Pocket, link: &str) -> Page {
    let not_sent =
        |error| Ok(failed(web, StatusCode::BAD_REQUEST, review::request_problem(&error)));
    let request = match pocket.wallet.read_request(link).await {
        Ok(request) => request,
        Err(error) => {
            if let PresentationError::Refusable(refused) = &error {
                let _ = refused.refuse().await;
            }
            return not_sent(error);
        }
    };
    let authenticated = pocket.wallet.authenticate(Occasion::Share).await;
    let consent = match (request.choices(), authenticated) {
        (Ok(choices), Ok(authenticated)) => {
            request.consent(&choices.smallest(), authenticated).ok()
        }
        _ => None,
    };
    let (sent, tone, what) = match consent {
        Some(consent) => (request.answer(consent).await, Tone::Good, "Shared"),
        None => (request.decline().await, Tone::Waiting, "Declined"),
    };
    match sent {
        Ok(VerifierReply::ContinueAt(url)) => Ok(see_other(url.as_str())),
        Ok(reply) => Ok(told(
            web,
            VerdictView::words(tone, what, "Nobody was asked: this wallet consents to everything."),
            reply,
        )),
        Err(error) => not_sent(error),
    }
}
