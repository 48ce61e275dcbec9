//! What happened, for the holder's eyes: every issuance, presentation, refusal, failure and deletion.

use lanyard_core::{Timestamp, claims::ClaimsPath};
use serde::{Deserialize, Serialize};

use crate::{Told, face::in_words};

/// Names an entry of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(pub i64);

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub event: Event,
    /// Who was at the other end: an issuer's or a verifier's identifier.
    pub party: String,
    /// The other end's name, as it was shown to the holder.
    pub party_name: Option<String>,
    /// The credentials involved, by the name on their card.
    pub credentials: Vec<String>,
    /// The paths of the claims that were disclosed, whether or not the verifier took them; never their values.
    pub claims: Vec<String>,
    /// What those claims are called on their cards, in the same order; empty in entries of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claim_names: Vec<String>,
    /// What a verifier said of itself and of why it asks: whom to ask for the deletion of what it got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
}

/// What kind of thing happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// Credentials were received, verified and stored.
    Received,
    /// An issuer took the request and has no credentials yet: they are asked for again.
    Deferred,
    /// The holder declined an offer.
    OfferDeclined,
    /// An issuance failed.
    IssuanceFailed {
        /// The stable reason code.
        code: String,
        /// What went wrong, for the holder.
        reason: String,
    },
    /// Claims were presented and the verifier took the answer.
    Presented,
    /// The holder declined, or had nothing that fits: the verifier cannot tell which.
    RequestDeclined,
    /// A presentation failed; what was sent before it did is in the entry.
    PresentationFailed {
        /// The stable reason code.
        code: String,
        /// What went wrong, for the holder.
        reason: String,
    },
    /// A credential was deleted.
    Deleted,
}

/// The kinds of event, to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// [`Event::Received`].
    Received,
    /// [`Event::Deferred`].
    Deferred,
    /// [`Event::OfferDeclined`].
    OfferDeclined,
    /// [`Event::IssuanceFailed`].
    IssuanceFailed,
    /// [`Event::Presented`].
    Presented,
    /// [`Event::RequestDeclined`].
    RequestDeclined,
    /// [`Event::PresentationFailed`].
    PresentationFailed,
    /// [`Event::Deleted`].
    Deleted,
}

/// Which entries are wanted: those that fit everything that is said here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// A text that occurs, in any case.
    pub text: String,
    /// What happened, one of these; anything when there are none.
    pub kinds: Vec<EventKind>,
    /// Who was at the other end, by the identifier.
    pub party: Option<String>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

impl Event {
    /// What kind it is of.
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::Received => EventKind::Received,
            Self::Deferred => EventKind::Deferred,
            Self::OfferDeclined => EventKind::OfferDeclined,
            Self::IssuanceFailed { .. } => EventKind::IssuanceFailed,
            Self::Presented => EventKind::Presented,
            Self::RequestDeclined => EventKind::RequestDeclined,
            Self::PresentationFailed { .. } => EventKind::PresentationFailed,
            Self::Deleted => EventKind::Deleted,
        }
    }
}

impl HistoryFilter {
    /// Whether an entry is wanted.
    pub(crate) fn takes(&self, entry: &Entry) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&entry.event.kind()))
            && self.party.as_ref().is_none_or(|party| *party == entry.party)
            && self.from.is_none_or(|from| entry.at >= from)
            && self.until.is_none_or(|until| entry.at < until)
            && entry.mentions(&self.text)
    }
}

impl Entry {
    /// Whether something was sent to a verifier, and may have arrived.
    pub fn left_the_wallet(&self) -> bool {
        match &self.event {
            Event::Presented => true,
            // before it was answered nothing of a card was in it
            Event::PresentationFailed { code, .. } => {
                let is_sent = ["verifier_unreachable", "answer_refused"].contains(&code.as_str());
                is_sent && !self.credentials.is_empty()
            }
            _ => false,
        }
    }

    /// What the disclosed claims are called, once each: by their cards, else by their paths in words.
    pub fn shown_claims(&self) -> Vec<String> {
        let named = self.claims.iter().enumerate().map(|(place, path)| {
            let of_path =
                || serde_json::from_str::<ClaimsPath>(path).ok().map(|path| in_words(&path));
            let known = self.claim_names.get(place).cloned().or_else(of_path);
            known.filter(|name| !name.is_empty()).unwrap_or_else(|| path.clone())
        });
        let mut names = Vec::new();
        for name in named {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Whether a text in lower case occurs in what a person reads of it.
    pub(crate) fn mentions(&self, wanted: &str) -> bool {
        let reason = match &self.event {
            Event::IssuanceFailed { code, reason } | Event::PresentationFailed { code, reason } => {
                [code.as_str(), reason.as_str()]
            }
            _ => ["", ""],
        };
        let purpose = self.told.as_ref().and_then(|told| told.purpose.as_deref());
        let texts = [
            self.party.as_str(),
            self.party_name.as_deref().unwrap_or_default(),
            purpose.unwrap_or_default(),
        ];
        let lists = self.credentials.iter().chain(&self.claims).chain(&self.claim_names);
        let lists = lists.map(String::as_str);
        texts
            .into_iter()
            .chain(reason)
            .chain(lists)
            .any(|text| text.to_lowercase().contains(wanted))
    }
}
