//! The history page of Pocket: what happened, looked for by text, kind, time and party, and whom to ask about it.

use axum::{
    extract::{Query, State},
    response::Response,
};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use lanyard_wallet::{
    SharedWith,
    history::{Entry, Event, EventKind, HistoryFilter},
};
use serde::Deserialize;

use super::{Failure, Web, conclude, pocket::pocket, review, show};
use crate::pages::{HistorySearch, PastStep, Place, PocketHistoryPage, SharedWithView, Step, Tone};

/// The kinds to look for, with their values in the form.
const KINDS: [(&str, &str, &[EventKind]); 5] = [
    ("received", "Received", &[EventKind::Received, EventKind::Deferred]),
    ("shared", "Shared", &[EventKind::Presented]),
    ("declined", "Declined", &[EventKind::OfferDeclined, EventKind::RequestDeclined]),
    ("failed", "Failed", &[EventKind::IssuanceFailed, EventKind::PresentationFailed]),
    ("removed", "Removed", &[EventKind::Deleted]),
];

/// What is looked for, as the form has it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Search {
    text: String,
    kind: String,
    from: String,
    until: String,
    party: String,
}

pub(super) async fn history(State(web): State<Web>, Query(search): Query<Search>) -> Response {
    let page = pocket(&web).and_then(|pocket| {
        let storage = |_| Failure::internal("wallet_storage");
        let entries = pocket.wallet.find_in_history(&search.filter()).map_err(storage)?;
        let search = search.shown();
        let shared_with = match search.on {
            true => Vec::new(),
            false => pocket.wallet.shared_with().map_err(storage)?,
        };
        Ok(show(&PocketHistoryPage {
            chrome: web.chrome(Place::Pocket),
            search,
            shared_with: shared_with.iter().map(shared_with_view).collect(),
            entries: entries.iter().map(|(_, entry)| past_step(entry)).collect(),
        }))
    });
    conclude(&web, page)
}

impl Search {
    fn filter(&self) -> HistoryFilter {
        let kinds = KINDS.iter().find(|(value, ..)| *value == self.kind);
        // what is no day bounds nothing
        let day = |text: &str| text.parse::<Date>().ok();
        let start = |day: Date| Some(day.to_zoned(TimeZone::UTC).ok()?.timestamp());
        let next = |day: Date| day.checked_add(1.day()).ok();
        let until: Option<Timestamp> = day(&self.until).and_then(next).and_then(start);
        HistoryFilter {
            text: self.text.clone(),
            kinds: kinds.map(|(.., kinds)| kinds.to_vec()).unwrap_or_default(),
            party: Some(self.party.clone()).filter(|party| !party.is_empty()),
            from: day(&self.from).and_then(start),
            until,
        }
    }

    fn shown(self) -> HistorySearch {
        let on = [&self.text, &self.kind, &self.from, &self.until, &self.party];
        HistorySearch {
            on: on.iter().any(|field| !field.is_empty()),
            kinds: KINDS.map(|(value, name, _)| (value, name, value == self.kind)).into(),
            text: self.text,
            from: self.from,
            until: self.until,
            party: self.party,
        }
    }
}

fn shared_with_view(shared: &SharedWith) -> SharedWithView {
    let name = shared.party_name.as_deref().filter(|name| !name.is_empty());
    let times = match shared.times {
        1 => "once".to_owned(),
        times => format!("{times} times"),
    };
    let party = url::form_urlencoded::byte_serialize(shared.party.as_bytes()).collect::<String>();
    let (claims, last) = (shared.claims.join(", "), review::moment(shared.last_at));
    SharedWithView {
        name: name.unwrap_or(&shared.party).to_owned(),
        line: format!("{times}, last on {last}: {claims}"),
        href: format!("/pocket/history?party={party}"),
        told: review::for_deletion(&shared.told),
    }
}

fn past_step(entry: &Entry) -> PastStep {
    let told = entry.told.as_ref().map(review::told).unwrap_or_default();
    PastStep { step: step(entry), told }
}

fn step(entry: &Entry) -> Step {
    let whom = entry.party_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&entry.party);
    let whom = if whom.is_empty() { "somebody" } else { whom };
    let what = entry.credentials.join(", ");
    let (title, detail, tone) = match &entry.event {
        Event::Received => (format!("Received from {whom}"), Some(what), Tone::Good),
        Event::Deferred => (format!("{whom} has it ready later"), Some(what), Tone::Waiting),
        Event::OfferDeclined => (format!("Declined an offer of {whom}"), Some(what), Tone::Waiting),
        Event::IssuanceFailed { reason, .. } => (
            format!("Could not accept an offer of {whom}"),
            Some(review::sentence(reason)),
            Tone::Bad,
        ),
        Event::Presented => (
            format!("Shared with {whom}"),
            Some(format!("{what}: {}", review::sentence(&entry.shown_claims().join(", ")))),
            Tone::Good,
        ),
        Event::RequestDeclined => (format!("Declined a request of {whom}"), None, Tone::Waiting),
        Event::PresentationFailed { .. } if entry.left_the_wallet() => (
            format!("Sent to {whom}, who did not take it"),
            Some(format!("{what}: {}", review::sentence(&entry.shown_claims().join(", ")))),
            Tone::Bad,
        ),
        Event::PresentationFailed { reason, .. } => {
            (format!("Could not answer {whom}"), Some(review::sentence(reason)), Tone::Bad)
        }
        Event::Deleted => {
            (format!("Removed {what}"), Some(format!("It came from {whom}.")), Tone::Waiting)
        }
    };
    Step {
        title,
        detail: detail.filter(|text| !text.is_empty()),
        at: Some(review::moment(entry.at)),
        tone,
    }
}
