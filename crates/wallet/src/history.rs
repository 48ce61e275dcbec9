//! What happened, for the holder's eyes: every issuance, presentation, refusal, failure and deletion.

use lanyard_core::{Timestamp, claims::ClaimsPath};
use serde::{Deserialize, Serialize};

use crate::face::in_words;

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
    /// The paths of the claims that were disclosed; never their values.
    pub claims: Vec<String>,
    /// What those claims are called on their cards, in the same order; empty in entries of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claim_names: Vec<String>,
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
    /// A presentation failed.
    PresentationFailed {
        /// The stable reason code.
        code: String,
        /// What went wrong, for the holder.
        reason: String,
    },
    /// A credential was deleted.
    Deleted,
}

impl Entry {
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
        let texts = [self.party.as_str(), self.party_name.as_deref().unwrap_or_default()];
        let lists = self.credentials.iter().chain(&self.claims).chain(&self.claim_names);
        let lists = lists.map(String::as_str);
        texts
            .into_iter()
            .chain(reason)
            .chain(lists)
            .any(|text| text.to_lowercase().contains(wanted))
    }
}
