//! What status lists said of cards when they were last asked.

use std::{collections::HashMap, sync::PoisonError};

use serde::{Deserialize, Serialize};

use super::{CardId, Storage, StorageError, tables::Rows, tables::Table};
use crate::status::KnownStatus;

/// A status and the card that it is of.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Kept {
    card: CardId,
    status: KnownStatus,
}

impl Storage {
    /// Keeps what was said of a card, in the place of what was said before; of a card that is gone nothing.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be written.
    pub fn keep_status(&self, card: CardId, status: KnownStatus) -> Result<(), StorageError> {
        self.change(|rows| {
            if rows.row(Table::Card, card.0)?.is_none() {
                return Ok(());
            }
            rows.delete_of(Table::Status, card.0)?;
            let kept = Kept { card, status };
            self.insert_sealed(rows, Table::Status, Some(card.0), &kept)?;
            Ok(())
        })
    }

    /// What was last said of one card.
    pub(super) fn status_of(
        &self,
        rows: &mut dyn Rows,
        card: i64,
    ) -> Result<Option<KnownStatus>, StorageError> {
        let Some((id, sealed)) = rows.rows_of(Table::Status, card)?.pop() else { return Ok(None) };
        Ok(Some(self.read_sealed::<Kept>(Table::Status, id, &sealed)?.status))
    }

    /// What was last said of each card.
    pub(super) fn statuses(
        &self,
        rows: &mut dyn Rows,
    ) -> Result<HashMap<CardId, KnownStatus>, StorageError> {
        // a record is written once and its number never used again: what was opened stays good
        let mut opened = self.statuses.lock().unwrap_or_else(PoisonError::into_inner);
        let known = std::mem::take(&mut *opened);
        let mut statuses = HashMap::new();
        for (id, sealed) in rows.rows(Table::Status)? {
            let kept = match known.get(&id) {
                Some(kept) => *kept,
                None => self.read_sealed(Table::Status, id, &sealed)?,
            };
            opened.insert(id, kept);
            statuses.insert(kept.card, kept.status);
        }
        Ok(statuses)
    }
}
