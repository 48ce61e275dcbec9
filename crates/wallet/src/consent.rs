//! From what the holder picked to a consent: the holder in front of the device first shows who they are.

use lanyard_oid4vp::wallet::{Consent, NothingFits, Selection, SelectionError};
use thiserror::Error;

use crate::{
    PlatformRequest, Request, Wallet,
    ports::{NotAuthenticated, Occasion},
};

/// Why there is no consent; nothing was sent, and the holder can pick again.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ConsentError {
    /// The wallet holds nothing that fits any more.
    #[error(transparent)]
    NothingFits(#[from] NothingFits),
    /// What was picked does not answer the request.
    #[error(transparent)]
    Selection(#[from] SelectionError),
    /// The holder did not authenticate.
    #[error(transparent)]
    NotAuthenticated(#[from] NotAuthenticated),
}

/// The holder authenticated, or this wallet has nobody who asks; made by [`Wallet::authenticate`] and
/// [`Wallet::try_pin`] alone.
#[derive(Debug)]
#[must_use]
pub struct Authenticated(());

impl Authenticated {
    pub(crate) const fn by_pin() -> Self {
        Self(())
    }
}

impl Wallet {
    /// Asks the holder who they are, through the port.
    ///
    /// # Errors
    /// [`NotAuthenticated`].
    pub async fn authenticate(
        &self,
        occasion: Occasion,
    ) -> Result<Authenticated, NotAuthenticated> {
        match &self.0.ports.user {
            Some(user) if !user.authenticate(occasion).await => Err(NotAuthenticated),
            _ => Ok(Authenticated(())),
        }
    }
}

impl Request {
    /// Turns what an authenticated holder picked into consent.
    ///
    /// # Errors
    /// [`ConsentError`]; the request can still be answered.
    pub fn consent(&self, picked: &Selection, _: Authenticated) -> Result<Consent, ConsentError> {
        Ok(self.choices()?.approve(picked)?)
    }
}

impl PlatformRequest {
    /// Turns what an authenticated holder picked into consent.
    ///
    /// # Errors
    /// [`ConsentError`]; the request can still be answered.
    pub fn consent(&self, picked: &Selection, _: Authenticated) -> Result<Consent, ConsentError> {
        Ok(self.choices()?.approve(picked)?)
    }
}
