//! Credentials that an issuer deferred: kept until they are there, or never will be.

use lanyard_core::Timestamp;
use lanyard_oid4vci::wallet::DeferredCredential;
use serde::{Deserialize, Serialize};

use super::{CardId, Copy, NewCard, Storage, StorageError, tables::Table};
use crate::{Picture, PictureUse, face::Face, ports::KeyHandle};

/// Names a credential that is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WaitingId(pub i64);

/// A credential that is waited for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Waiting {
    /// The credential issuer identifier.
    pub issuer: String,
    /// The issuer's name for people.
    pub issuer_name: Option<String>,
    /// How it will look.
    pub face: Face,
    /// When it was asked for.
    pub since: Timestamp,
    /// When it is asked for again.
    pub next_at: Timestamp,
    /// The keys that were shown for it.
    pub(crate) keys: Vec<KeyHandle>,
    /// The key that the access token is bound to, if it is.
    pub(crate) token_key: Option<KeyHandle>,
    /// The card whose place it takes.
    #[serde(default)]
    pub(crate) replaces: Option<CardId>,
    pub(crate) deferred: DeferredCredential,
}

impl Storage {
    /// Keeps what was deferred; durable before anybody relies on it.
    pub(crate) fn insert_waiting(&self, waiting: &Waiting) -> Result<WaitingId, StorageError> {
        self.change(|rows| self.insert_sealed(rows, Table::Waiting, None, waiting)).map(WaitingId)
    }

    /// Everything that is waited for, the oldest first.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] when a record does not open.
    pub fn waiting(&self) -> Result<Vec<(WaitingId, Waiting)>, StorageError> {
        let rows = self.read(|rows| rows.rows(Table::Waiting))?;
        let open = |(id, sealed): (i64, Vec<u8>)| {
            Ok((WaitingId(id), self.read_sealed(Table::Waiting, id, &sealed)?))
        };
        rows.into_iter().map(open).collect()
    }

    /// Notes when it is asked for again.
    pub(crate) fn wait_on(&self, id: WaitingId, waiting: &Waiting) -> Result<(), StorageError> {
        self.update_sealed(Table::Waiting, id.0, waiting)
    }

    /// Stops waiting.
    pub(crate) fn forget_waiting(&self, id: WaitingId) -> Result<(), StorageError> {
        self.change(|rows| rows.delete(Table::Waiting, id.0))?;
        Ok(())
    }

    /// The card is there, in the place of what it replaces, and waited for no longer: all or nothing, and nothing
    /// where it was not waited for any more.
    pub(crate) fn insert_awaited(
        &self,
        id: WaitingId,
        replaces: Option<CardId>,
        card: &NewCard,
        copies: &[Copy],
        pictures: &[(PictureUse, Picture)],
    ) -> Result<Option<(CardId, Vec<KeyHandle>)>, StorageError> {
        self.change(|rows| {
            if !rows.delete(Table::Waiting, id.0)? {
                return Ok(None);
            }
            self.replace_card_in(rows, replaces, card, copies, pictures).map(Some)
        })
    }
}
