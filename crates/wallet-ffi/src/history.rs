//! What happened, as a screen shows it.

use lanyard_wallet::history::{Entry, EntryId, Event};

/// One thing that happened.
#[derive(uniffi::Record)]
pub struct HistoryRecord {
    /// Its name for `forget`.
    pub id: i64,
    /// Seconds since 1970.
    pub at: i64,
    /// What.
    pub kind: HistoryKind,
    /// Who was at the other end.
    pub party: String,
    /// The other end's name, as it was shown.
    pub party_name: Option<String>,
    /// The credentials, by the name on their card.
    pub credentials: Vec<String>,
    /// What the claims that were shared are called; never their values.
    pub claims: Vec<String>,
}

/// What kind of thing happened.
#[derive(uniffi::Enum)]
pub enum HistoryKind {
    /// Credentials were received.
    Received,
    /// An issuer has them not ready yet.
    Deferred,
    /// The holder declined an offer.
    OfferDeclined,
    /// An issuance failed.
    IssuanceFailed {
        /// The stable code.
        code: String,
        /// For the holder.
        reason: String,
    },
    /// Claims were shared.
    Presented,
    /// The holder declined a request, or had nothing that fits.
    RequestDeclined,
    /// A presentation failed.
    PresentationFailed {
        /// The stable code.
        code: String,
        /// For the holder.
        reason: String,
    },
    /// A card was deleted.
    Deleted,
}

impl From<(EntryId, Entry)> for HistoryRecord {
    fn from((id, entry): (EntryId, Entry)) -> Self {
        Self {
            claims: entry.shown_claims(),
            id: id.0,
            at: entry.at.as_second(),
            kind: entry.event.into(),
            party: entry.party,
            party_name: entry.party_name,
            credentials: entry.credentials,
        }
    }
}

impl From<Event> for HistoryKind {
    fn from(event: Event) -> Self {
        match event {
            Event::Received => Self::Received,
            Event::Deferred => Self::Deferred,
            Event::OfferDeclined => Self::OfferDeclined,
            Event::IssuanceFailed { code, reason } => Self::IssuanceFailed { code, reason },
            Event::Presented => Self::Presented,
            Event::RequestDeclined => Self::RequestDeclined,
            Event::PresentationFailed { code, reason } => Self::PresentationFailed { code, reason },
            Event::Deleted => Self::Deleted,
        }
    }
}
