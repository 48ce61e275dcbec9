//! What issuers are told when their cards are deleted.

use lanyard_oid4vci::wallet::Notice;
use rusqlite::{OptionalExtension as _, TransactionBehavior, params};
use serde::{Deserialize, Serialize};

use super::{CardId, Storage, StorageError};
use crate::ports::KeyHandle;

/// What an issuer is told with, and the key that it is proven by, if it is.
#[derive(Serialize, Deserialize)]
pub(crate) struct KeptNotice {
    pub(crate) notice: Notice,
    pub(crate) token_key: Option<KeyHandle>,
}

impl Storage {
    /// Keeps what the issuer of a card is told with; it goes with the card.
    pub(crate) fn keep_notice(
        &self,
        card: CardId,
        notice: &KeptNotice,
    ) -> Result<(), StorageError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let plain = serde_json::to_vec(notice).map_err(|_| StorageError::Damaged)?;
        let id = self.insert_sealed(&transaction, "notice", &plain)?;
        transaction.execute("UPDATE notice SET card = ?1 WHERE id = ?2", params![card.0, id])?;
        transaction.commit()?;
        Ok(())
    }

    /// What the issuer of a card is told with.
    pub(crate) fn notice_of(&self, card: CardId) -> Result<Option<KeptNotice>, StorageError> {
        let connection = self.connection();
        let find = "SELECT id, sealed FROM notice WHERE card = ?1 ORDER BY id DESC LIMIT 1";
        let found = connection
            .query_row(find, [card.0], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))
            .optional()?;
        found.map(|(id, sealed)| self.read_sealed("notice", id, &sealed)).transpose()
    }

    /// Whether some card's issuer is told with this key; a card that has just come is looked at first.
    pub(crate) fn tells_with(&self, key: &KeyHandle) -> Result<bool, StorageError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT id, sealed FROM notice ORDER BY id DESC")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))?;
        for row in rows {
            let (id, sealed) = row?;
            let kept: KeptNotice = self.read_sealed("notice", id, &sealed)?;
            if kept.token_key.as_ref() == Some(key) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
