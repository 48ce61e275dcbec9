//! What happened, as a screen shows it.

use lanyard_wallet::{
    SharedWith,
    history::{Entry, EntryId, Event, EventKind, HistoryFilter},
    protocol::Timestamp,
};

use crate::choices::ToldRecord;

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
    /// What a verifier said of itself, and whom to ask for the deletion of what it got.
    pub told: Option<ToldRecord>,
}

/// Which entries are wanted: those that fit everything that is said here.
#[derive(uniffi::Record)]
pub struct HistoryQuery {
    /// A text that occurs, in any case.
    #[uniffi(default = None)]
    pub text: Option<String>,
    /// What happened, one of these; anything when there are none.
    #[uniffi(default = [])]
    pub kinds: Vec<HistoryKindName>,
    /// Who was at the other end, by the identifier.
    #[uniffi(default = None)]
    pub party: Option<String>,
    /// Not before, in seconds since 1970.
    #[uniffi(default = None)]
    pub from: Option<i64>,
    /// Before, in seconds since 1970.
    #[uniffi(default = None)]
    pub until: Option<i64>,
}

/// The kinds of thing that happen, to look for.
#[derive(Clone, Copy, uniffi::Enum)]
pub enum HistoryKindName {
    /// Credentials were received.
    Received,
    /// An issuer has them not ready yet.
    Deferred,
    /// The holder declined an offer.
    OfferDeclined,
    /// An issuance failed.
    IssuanceFailed,
    /// Claims were shared.
    Presented,
    /// The holder declined a request, or had nothing that fits.
    RequestDeclined,
    /// A presentation failed.
    PresentationFailed,
    /// A card was deleted.
    Deleted,
}

/// A verifier that got something, and whom to ask about it.
#[derive(uniffi::Record)]
pub struct SharedWithRecord {
    /// Its identifier.
    pub party: String,
    /// Its name, as it was last shown.
    pub party_name: Option<String>,
    /// How often it got something.
    pub times: u32,
    /// When it last did, in seconds since 1970.
    pub last_at: i64,
    /// What the claims that it got are called, once each.
    pub claims: Vec<String>,
    /// What it said of itself, and whom to ask for the deletion of what it got.
    pub told: ToldRecord,
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
            told: entry.told.clone().map(ToldRecord::from),
            id: id.0,
            at: entry.at.as_second(),
            kind: entry.event.into(),
            party: entry.party,
            party_name: entry.party_name,
            credentials: entry.credentials,
        }
    }
}

impl HistoryQuery {
    pub(crate) fn filter(self) -> HistoryFilter {
        // a moment that no clock can show bounds nothing
        let moment = |seconds: Option<i64>| Timestamp::from_second(seconds?).ok();
        HistoryFilter {
            text: self.text.unwrap_or_default(),
            kinds: self.kinds.into_iter().map(EventKind::from).collect(),
            party: self.party,
            from: moment(self.from),
            until: moment(self.until),
        }
    }
}

impl From<HistoryKindName> for EventKind {
    fn from(name: HistoryKindName) -> Self {
        match name {
            HistoryKindName::Received => Self::Received,
            HistoryKindName::Deferred => Self::Deferred,
            HistoryKindName::OfferDeclined => Self::OfferDeclined,
            HistoryKindName::IssuanceFailed => Self::IssuanceFailed,
            HistoryKindName::Presented => Self::Presented,
            HistoryKindName::RequestDeclined => Self::RequestDeclined,
            HistoryKindName::PresentationFailed => Self::PresentationFailed,
            HistoryKindName::Deleted => Self::Deleted,
        }
    }
}

impl From<SharedWith> for SharedWithRecord {
    fn from(shared: SharedWith) -> Self {
        Self {
            party: shared.party,
            party_name: shared.party_name,
            times: u32::try_from(shared.times).unwrap_or(u32::MAX),
            last_at: shared.last_at.as_second(),
            claims: shared.claims,
            told: shared.told.into(),
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
