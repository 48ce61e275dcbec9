//! The trail of a session, in words.

use std::pin::Pin;

use futures_util::{Stream, stream};
use http::StatusCode;
use jiff::{Timestamp, tz::TimeZone};
use lanyard_store::Outcome;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{Failure, review::sentence};
use crate::pages::{Step, Tone};

const NAMES: [(&str, &str); 20] = [
    (lanyard_issuer::step::OFFER_CREATED, "Offer made"),
    (lanyard_issuer::step::OFFER_FETCHED, "A wallet read the offer"),
    (lanyard_issuer::step::OFFER_WITHDRAWN, "Offer taken back"),
    (lanyard_issuer::step::TOKEN_ISSUED, "The wallet was admitted"),
    (lanyard_issuer::step::TX_CODE_WRONG, "Wrong transaction code"),
    (lanyard_issuer::step::CREDENTIAL_ISSUED, "Credential issued"),
    (lanyard_issuer::step::CREDENTIAL_DEFERRED, "The wallet waits for it"),
    (lanyard_issuer::step::DEFERRAL_RELEASED, "Released"),
    (lanyard_issuer::step::DEFERRAL_DENIED, "Refused to the wallet"),
    (lanyard_issuer::step::NOTIFIED, "The wallet reported back"),
    (lanyard_verifier::step::REQUEST_CREATED, "Request made"),
    (lanyard_verifier::step::REQUEST_FETCHED, "A wallet read the request"),
    (lanyard_verifier::step::RESPONSE_RECEIVED, "An answer came"),
    (lanyard_verifier::step::BROWSER_RETURNED, "The browser came back"),
    (lanyard_verifier::step::VERIFIED, "Verified"),
    (lanyard_verifier::step::REFUSED, "Refused"),
    (lanyard_verifier::step::UNDETERMINED, "Nobody can tell"),
    (lanyard_verifier::step::DECLINED, "The holder did not answer"),
    (lanyard_verifier::step::CANCELLED, "Request taken back"),
    ("authorized", "Admitted"),
];

/// One event, as both services tell it.
pub(super) struct Told<'e> {
    pub(super) at: Timestamp,
    pub(super) step: &'e str,
    pub(super) outcome: Outcome,
    pub(super) reason: Option<&'e str>,
    pub(super) detail: Option<&'e str>,
}

impl Told<'_> {
    /// The event as a step of a shown trail.
    pub(super) fn step(&self) -> Step {
        let name = NAMES.iter().find(|(step, _)| *step == self.step).map(|(_, name)| *name);
        let title = match name {
            Some(name) => name.to_owned(),
            None => sentence(&self.step.replace('_', " ")).trim_end_matches('.').to_owned(),
        };
        let tone = match (self.step, self.outcome) {
            (lanyard_verifier::step::DECLINED, _) | (_, Outcome::Undetermined) => Tone::Unsure,
            (lanyard_issuer::step::TX_CODE_WRONG, _) | (_, Outcome::Refused) => Tone::Bad,
            (_, Outcome::Done) => Tone::Good,
        };
        let detail = match (self.detail, self.reason) {
            (Some(detail), Some(reason)) => Some(format!("{} ({reason})", sentence(&detail))),
            (Some(only), None) => Some(sentence(&only)),
            (None, Some(reason)) => Some(sentence(&reason.replace('_', " "))),
            (None, None) => None,
        };
        Step { title, detail, at: Some(time(self.at)), tone }
    }
}

impl<'e> From<&'e lanyard_issuer::TrailEvent> for Told<'e> {
    fn from(event: &'e lanyard_issuer::TrailEvent) -> Self {
        let (reason, detail) = (event.reason.as_deref(), event.detail.as_deref());
        Self { at: event.at, step: &event.step, outcome: event.outcome, reason, detail }
    }
}

impl<'e> From<&'e lanyard_verifier::TrailEvent> for Told<'e> {
    fn from(event: &'e lanyard_verifier::TrailEvent) -> Self {
        let (reason, detail) = (event.reason.as_deref(), event.detail.as_deref());
        Self { at: event.at, step: &event.step, outcome: event.outcome, reason, detail }
    }
}

/// Something each time a session changes.
pub(super) type Changes = Pin<Box<dyn Stream<Item = ()> + Send>>;

/// The announcements of a service as changes; one that was missed is one all the same.
pub(super) fn changes<T: Clone + Send + 'static>(receiver: Receiver<T>) -> Changes {
    Box::pin(stream::unfold(receiver, async |mut receiver| match receiver.recv().await {
        Ok(_) | Err(RecvError::Lagged(_)) => Some(((), receiver)),
        Err(RecvError::Closed) => None,
    }))
}

/// `14:05:30`
fn time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M:%S").to_string()
}

/// `14:05 UTC`
pub(super) fn time_of_day(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M UTC").to_string()
}

/// What a page says when a service refuses.
pub(super) fn refused(code: &'static str, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(StatusCode::BAD_REQUEST, code, "This was refused", sentence(why))
}
