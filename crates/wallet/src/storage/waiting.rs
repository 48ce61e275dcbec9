//! Credentials that an issuer deferred: kept until they are there, or never will be.

use lanyard_core::Timestamp;
use lanyard_oid4vci::wallet::DeferredCredential;
use rusqlite::{TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use super::{CardId, Copy, NewCard, Storage, StorageError};
use crate::{face::Face, ports::KeyHandle};

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
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let plain = serde_json::to_vec(waiting).map_err(|_| StorageError::Damaged)?;
        let id = self.insert_sealed(&transaction, "waiting", &plain)?;
        transaction.commit()?;
        Ok(WaitingId(id))
    }

    /// Everything that is waited for, the oldest first.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] when a record does not open.
    pub fn waiting(&self) -> Result<Vec<(WaitingId, Waiting)>, StorageError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT id, sealed FROM waiting ORDER BY id")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.map(|row| {
            let (id, sealed): (i64, Vec<u8>) = row?;
            Ok((WaitingId(id), self.read_sealed("waiting", id, &sealed)?))
        })
        .collect()
    }

    /// Notes when it is asked for again.
    pub(crate) fn wait_on(&self, id: WaitingId, waiting: &Waiting) -> Result<(), StorageError> {
        let plain = serde_json::to_vec(waiting).map_err(|_| StorageError::Damaged)?;
        let sealed = self.seal.seal("waiting", id.0, &plain);
        self.connection()
            .execute("UPDATE waiting SET sealed = ?1 WHERE id = ?2", params![sealed, id.0])?;
        Ok(())
    }

    /// Stops waiting.
    pub(crate) fn forget_waiting(&self, id: WaitingId) -> Result<(), StorageError> {
        self.connection().execute("DELETE FROM waiting WHERE id = ?1", [id.0])?;
        Ok(())
    }

    /// The card is there, in the place of what it replaces, and waited for no longer: all or nothing.
    pub(crate) fn insert_awaited(
        &self,
        id: WaitingId,
        replaces: Option<CardId>,
        card: &NewCard,
        copies: &[Copy],
    ) -> Result<(CardId, Vec<KeyHandle>), StorageError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let card = self.insert_card_in(&transaction, card, copies)?;
        let keys = match replaces {
            Some(old) => self.delete_card_in(&transaction, old)?,
            None => Vec::new(),
        };
        transaction.execute("DELETE FROM waiting WHERE id = ?1", [id.0])?;
        transaction.commit()?;
        Ok((card, keys))
    }
}
