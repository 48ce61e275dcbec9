//! A wallet tells what became of what it got (OID4VCI 1.0 §11).

use super::{AccessRefused, Issuance, IssuedCredential, ShownToken, authorized::ToldAbout};
use crate::notification::{Notification, NotificationError};

/// What a notification changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It is the first of its kind.
    New,
    /// The same was heard before: nothing has to be written (§11: idempotent).
    Again,
}

impl Issuance {
    /// Whether a token that was shown opens a session for notifications; also one that has given out
    /// everything.
    ///
    /// # Errors
    /// [`AccessRefused`].
    pub fn admit(&self, shown: &ShownToken) -> Result<(), AccessRefused> {
        match self {
            Self::Authorized(authorized) => authorized.admit(shown),
            Self::Issued(issued) => issued.admit(shown),
            _ => Err(AccessRefused::Replaced),
        }
    }

    /// Takes a notification in.
    ///
    /// # Errors
    /// [`NotificationError::UnknownId`].
    pub fn notified(&mut self, notification: &Notification) -> Result<Heard, NotificationError> {
        let ToldAbout { earlier, issued, answers } = match self {
            Self::Authorized(authorized) => authorized.told_about(),
            Self::Issued(issued) => issued.told_about(),
            _ => return Err(NotificationError::UnknownId),
        };
        let is_meant =
            |issued: &&mut IssuedCredential| issued.notification.as_ref() == Some(&notification.id);
        // §11.3: an identifier of this session's own credentials, whichever of its tokens got them
        let mut all = issued.iter_mut().chain(earlier);
        let issued = all.find(is_meant).ok_or(NotificationError::UnknownId)?;
        if issued.heard == Some(notification.event) {
            return Ok(Heard::Again);
        }
        issued.heard = Some(notification.event);
        // §9.1: the transaction is invalid once the wallet has got its credential
        answers.retain(|answer| !answer.is_told_of_by(&notification.id));
        Ok(Heard::New)
    }
}
