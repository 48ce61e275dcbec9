//! What issuers are told when their cards are deleted.

use lanyard_oid4vci::wallet::Notice;
use serde::{Deserialize, Serialize};

use super::{CardId, Storage, StorageError, tables::Table};
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
        self.change(|rows| self.insert_sealed(rows, Table::Notice, Some(card.0), notice))?;
        Ok(())
    }

    /// What the issuer of a card is told with.
    pub(crate) fn notice_of(&self, card: CardId) -> Result<Option<KeptNotice>, StorageError> {
        let last = self.read(|rows| Ok(rows.rows_of(Table::Notice, card.0)?.pop()))?;
        last.map(|(id, sealed)| self.read_sealed(Table::Notice, id, &sealed)).transpose()
    }

    /// Whether some card's issuer is told with this key; a card that has just come is looked at first.
    pub(crate) fn tells_with(&self, key: &KeyHandle) -> Result<bool, StorageError> {
        for (id, sealed) in self.read(|rows| rows.rows(Table::Notice))?.into_iter().rev() {
            let kept: KeptNotice = self.read_sealed(Table::Notice, id, &sealed)?;
            if kept.token_key.as_ref() == Some(key) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
