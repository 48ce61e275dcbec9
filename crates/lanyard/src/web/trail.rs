//! The trail of a session, in words.

use std::pin::Pin;

use futures_util::{Stream, stream};
use http::StatusCode;
use jiff::{Timestamp, tz::TimeZone};
use lanyard_service::TrailEvent;
use lanyard_store::Outcome;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{Failure, review::sentence};
use crate::pages::{Step, Tone};

const NAMES: [(&str, &str); 27] = [
    (lanyard_issuer::step::OFFER_CREATED, "Offer made"),
    (lanyard_issuer::step::OFFER_FETCHED, "A wallet read the offer"),
    (lanyard_issuer::step::OFFER_WITHDRAWN, "Offer taken back"),
    (lanyard_issuer::step::AUTHORIZATION_OPENED, "The holder was asked to log in"),
    (lanyard_issuer::step::LOGIN_ELSEWHERE, "The holder went to the login provider"),
    (lanyard_issuer::step::HOLDER_LOGGED_IN, "The holder logged in"),
    (lanyard_issuer::step::AUTHORIZATION_GRANTED, "The holder agreed"),
    (lanyard_issuer::step::TOKEN_ISSUED, "The wallet was admitted"),
    (lanyard_issuer::step::TOKEN_REPEATED, "Admitted again, as the wallet had not heard"),
    (lanyard_issuer::step::TX_CODE_WRONG, "Wrong transaction code"),
    (lanyard_issuer::step::CREDENTIAL_ISSUED, "Credential issued"),
    (lanyard_issuer::step::CREDENTIAL_DEFERRED, "The wallet waits for it"),
    (lanyard_issuer::step::CREDENTIAL_REPEATED, "Given again, as the wallet had not got it"),
    (lanyard_issuer::step::DEFERRAL_RELEASED, "Released"),
    (lanyard_issuer::step::DEFERRAL_DENIED, "Refused to the wallet"),
    (lanyard_issuer::step::CREDENTIAL_DENIED, "The holder is to have none"),
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

/// The event of a trail as a step that is shown.
pub(super) fn step(event: &TrailEvent) -> Step {
    let name = NAMES.iter().find(|(step, _)| *step == event.step).map(|(_, name)| *name);
    let title = match name {
        Some(name) => name.to_owned(),
        None => sentence(&event.step.replace('_', " ")).trim_end_matches('.').to_owned(),
    };
    let tone = match (&*event.step, event.outcome) {
        (lanyard_verifier::step::DECLINED, _) | (_, Outcome::Undetermined) => Tone::Unsure,
        (lanyard_issuer::step::TX_CODE_WRONG, _) | (_, Outcome::Refused) => Tone::Bad,
        (_, Outcome::Done) => Tone::Good,
    };
    let detail = match (&event.detail, event.reason.as_deref()) {
        (Some(detail), Some(reason)) => Some(format!("{} ({reason})", sentence(detail))),
        (Some(only), None) => Some(sentence(only)),
        (None, Some(reason)) => Some(sentence(&reason.replace('_', " "))),
        (None, None) => None,
    };
    Step { title, detail, at: Some(time(event.at)), tone }
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
