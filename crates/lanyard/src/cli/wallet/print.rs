//! What is held and what happened, printed.

use lanyard_wallet::{
    Wallet,
    history::{Entry, Event},
    storage::{Card, StorageError},
};
use serde_json::{Value, json};

use super::super::{Ending, ExitCode};

pub(super) fn storage_refused(error: &StorageError) -> Ending {
    Ending::not_done(ExitCode::Failed, "storage_refused", error.to_string())
}

pub(super) fn list(wallet: &Wallet) -> Result<Ending, Ending> {
    let cards = cards(wallet)?;
    let lines: Vec<_> = cards.iter().map(line).collect();
    let text = if lines.is_empty() {
        "No credentials yet. Take one with: lanyard wallet accept <offer>".to_owned()
    } else {
        lines.join("\n")
    };
    Ok(Ending::done(text, json!({ "cards": cards.iter().map(summary).collect::<Vec<_>>() })))
}

pub(super) fn show(wallet: &Wallet, id: &str) -> Result<Ending, Ending> {
    let card = &card(wallet, id)?;
    let mut shown = summary(card);
    shown["claims"] = Value::Object(card.content.claims.clone());
    let text = format!("{}\n{:#}", line(card), Value::Object(card.content.claims.clone()));
    Ok(Ending::done(text, shown))
}

/// The card of that identifier, or of the only one that begins so.
pub(super) fn card(wallet: &Wallet, id: &str) -> Result<Card, Ending> {
    let mut cards = cards(wallet)?;
    let ids: Vec<_> = cards.iter().map(|card| card.id.0.to_string()).collect();
    match &places(&ids, id)[..] {
        [place] => Ok(cards.swap_remove(*place)),
        [] => Err(Ending::not_done(
            ExitCode::NothingMatches,
            "card_absent",
            format!("There is no credential {id}; lanyard wallet list shows those there are."),
        )),
        several => Err(Ending::not_done(
            ExitCode::Usage,
            "card_ambiguous",
            format!(
                "The identifiers of {} credentials begin with {id}; say more of it.",
                several.len()
            ),
        )),
    }
}

/// Where that identifier is; where it is nowhere, those that begin so.
fn places(ids: &[String], wanted: &str) -> Vec<usize> {
    if let Some(place) = ids.iter().position(|id| id == wanted) {
        return vec![place];
    }
    let begins = |place: &usize| !wanted.is_empty() && ids[*place].starts_with(wanted);
    (0..ids.len()).filter(begins).collect()
}

pub(super) fn history(wallet: &Wallet) -> Result<Ending, Ending> {
    let entries = wallet.history().map_err(|error| {
        Ending::not_done(ExitCode::Failed, "storage_refused", error.to_string())
    })?;
    let lines: Vec<_> = entries.iter().map(|(_, entry)| told(entry)).collect();
    let text = if lines.is_empty() { "Nothing happened yet.".to_owned() } else { lines.join("\n") };
    let values: Vec<_> =
        entries.iter().filter_map(|(_, entry)| serde_json::to_value(entry).ok()).collect();
    Ok(Ending::done(text, json!({ "history": values })))
}

fn told(entry: &Entry) -> String {
    let whom = entry.party_name.as_deref().unwrap_or(&entry.party);
    let what = match &entry.event {
        Event::Received => "received",
        Event::OfferDeclined => "declined an offer",
        Event::IssuanceFailed { .. } => "FAILED to accept",
        Event::Presented => "shared",
        Event::RequestDeclined => "declined a request",
        Event::PresentationFailed { .. } => "FAILED to answer",
        Event::Deferred => "waits for",
        Event::Deleted => "removed",
    };
    let why = match &entry.event {
        Event::IssuanceFailed { code, reason } | Event::PresentationFailed { code, reason } => {
            format!(": {reason} [{code}]")
        }
        _ => String::new(),
    };
    format!("{}  {what}  {}  {whom}{why}", entry.at, entry.credentials.join(", "))
}

pub(super) fn cards(wallet: &Wallet) -> Result<Vec<Card>, Ending> {
    wallet
        .cards()
        .map_err(|error| Ending::not_done(ExitCode::Failed, "storage_refused", error.to_string()))
}

pub(super) fn line(card: &Card) -> String {
    let content = &card.content;
    let issuer = content.issuer_name.as_deref().unwrap_or(&content.issuer);
    let until = content.expires_at.map(|end| format!(", until {end}")).unwrap_or_default();
    format!("{}  {} from {issuer}{until}", card.id.0, content.face.name)
}

pub(super) fn summary(card: &Card) -> Value {
    let content = &card.content;
    json!({
        "id": card.id.0,
        "name": content.face.name,
        "issuer": content.issuer,
        "issuer_name": content.issuer_name,
        "signed_by": content.issuer_identity,
        "format": content.format,
        "types": content.types,
        "received_at": content.received_at.to_string(),
        "expires_at": content.expires_at.map(|end| end.to_string()),
        "copies": card.copies,
        "unused_copies": card.unused_copies,
    })
}

#[cfg(test)]
mod tests {
    use super::places;

    #[test]
    fn a_beginning_names_what_it_is_the_only_beginning_of() {
        let ids = ["1", "12", "340", "341"].map(str::to_owned);
        for (wanted, found) in [
            ("1", &[0][..]),
            ("12", &[1]),
            ("340", &[2]),
            ("34", &[2, 3]),
            ("2", &[]),
            ("3400", &[]),
            ("", &[]),
        ] {
            assert_eq!(places(&ids, wanted), found, "{wanted}");
        }
        assert_eq!(places(&["7".to_owned(), "340".to_owned()], "3"), [1]);
    }
}
