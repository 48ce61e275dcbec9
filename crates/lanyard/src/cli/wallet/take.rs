//! Taking credentials: from an offer, by logging in, later, again.

use lanyard_wallet::{
    AcceptError, AuthorizationCode, IssuanceError, Offer, PreAuthorized, Review, Wallet,
    storage::CardId,
};
use serde_json::json;

use super::super::callback::Callback;
use super::super::{Ending, ExitCode};
use super::print::{card, cards, line, storage_refused, summary};
use super::{ask, ask_yes, with_hint};

pub(super) async fn accept(
    wallet: &Wallet,
    link: &str,
    tx_code: Option<&str>,
    yes: bool,
    callback: Callback,
) -> Result<Ending, Ending> {
    let offer = match wallet.read_offer(link).await.map_err(|error| not_issued(&error))? {
        Offer::PreAuthorized(offer) => offer,
        Offer::AuthorizationCode(offer) => {
            if !yes && !ask_yes(&question_about(offer.review()))? {
                offer.decline();
                return Ok(declined());
            }
            return log_in(wallet, *offer, callback).await;
        }
    };
    let review = offer.review();
    if !yes && !ask_yes(&question_about(review))? {
        offer.decline();
        return Ok(declined());
    }
    let code = match (tx_code, &review.tx_code) {
        (None, Some(description)) => {
            let about = description
                .description
                .as_deref()
                .map(|text| format!(" ({text})"))
                .unwrap_or_default();
            Some(ask(&format!("Transaction code{about}: "))?)
        }
        (given, _) => given.map(str::to_owned),
    };
    redeem(wallet, offer, code.as_deref()).await
}

fn question_about(review: &Review) -> String {
    let names: Vec<_> = review.credentials.iter().map(|card| card.face.name.as_str()).collect();
    let issuer = review.issuer_name.as_deref().unwrap_or(&review.issuer);
    format!("{issuer} ({}) offers: {}. Take it?", review.issuer, names.join(", "))
}

fn declined() -> Ending {
    Ending::done("Declined. Nothing was taken.", json!({ "declined": true }))
}

/// The holder logs in with a browser, which comes back to this process.
async fn log_in(
    wallet: &Wallet,
    offer: AuthorizationCode,
    callback: Callback,
) -> Result<Ending, Ending> {
    let login = offer.begin().await.map_err(|error| not_issued(&error))?;
    eprintln!("Log in with your browser:\n\n  {}\n", login.url());
    let redirect = callback.wait().await?;
    let ids = login.finish(&redirect).await.map_err(|error| not_issued(&error))?;
    added(wallet, &ids)
}

pub(super) async fn renew(wallet: &Wallet, id: &str) -> Result<Ending, Ending> {
    let renewed = wallet.renew(card(wallet, id)?.id).await.map_err(|error| not_issued(&error))?;
    added(wallet, &[renewed])
}

/// Takes what was still to come when the last attempt was interrupted.
pub(super) async fn go_on(wallet: &Wallet) -> Result<Ending, Ending> {
    let mut ids = Vec::new();
    for waiting in wallet.unfinished().map_err(|error| storage_refused(&error))? {
        ids.extend(wallet.go_on(waiting.id).await.map_err(|error| not_issued(&error))?);
    }
    if ids.is_empty() {
        return Ok(Ending::done("Nothing was interrupted.", json!({ "cards": [] })));
    }
    added(wallet, &ids)
}

async fn redeem(
    wallet: &Wallet,
    offer: Box<PreAuthorized>,
    code: Option<&str>,
) -> Result<Ending, Ending> {
    let code = code.filter(|_| offer.review().tx_code.is_some());
    let ids = offer.accept(code).await.map_err(|error| match &error {
        AcceptError::TxCodeForm(..) | AcceptError::TxCodeWrong(_) => Ending::not_done(
            ExitCode::Refused,
            error.code(),
            format!("{error}; run the command again with the right --tx-code"),
        ),
        AcceptError::TryAgain(_, error, _) | AcceptError::Failed(error) => not_issued(error),
    })?;
    added(wallet, &ids)
}

pub(super) async fn collect(wallet: &Wallet) -> Result<Ending, Ending> {
    let ids = wallet.collect().await.map_err(|error| storage_refused(&error))?;
    added(wallet, &ids)
}

/// What came, and what is waited for.
fn added(wallet: &Wallet, ids: &[CardId]) -> Result<Ending, Ending> {
    let cards = cards(wallet)?;
    let waiting = wallet.waiting().map_err(|error| storage_refused(&error))?;
    let taken: Vec<_> = cards.iter().filter(|card| ids.contains(&card.id)).collect();
    let came = taken.iter().map(|card| format!("Added {}", line(card)));
    let late = waiting.iter().map(|(_, waiting)| {
        let (name, issuer) = (&waiting.face.name, &waiting.issuer);
        format!("Not ready yet: {name} from {issuer}; ask again with lanyard wallet collect, from {} on", waiting.next_at)
    });
    let lines: Vec<_> = came.chain(late).collect();
    let mut told = json!({ "cards": taken.iter().map(|card| summary(card)).collect::<Vec<_>>() });
    if !waiting.is_empty() {
        told["waiting"] = waiting
            .iter()
            .map(|(_, waiting)| {
                json!({ "name": waiting.face.name, "issuer": waiting.issuer, "next_at": waiting.next_at.to_string() })
            })
            .collect();
    }
    Ok(Ending::done(lines.join("\n"), told))
}

fn not_issued(error: &IssuanceError) -> Ending {
    let code = match error {
        IssuanceError::Fetch(_) => ExitCode::Network,
        IssuanceError::Offer(_) => ExitCode::Usage,
        IssuanceError::Keys(_) | IssuanceError::Storage(_) => ExitCode::Failed,
        _ => ExitCode::Refused,
    };
    Ending::not_done(code, error.code(), with_hint(error.to_string()))
}
