//! What status lists said of cards when they were last asked.

use std::{collections::HashMap, sync::PoisonError};

use serde::{Deserialize, Serialize};

use super::{CardId, Storage, StorageError, tables::Rows, tables::Table};
use crate::status::{KnownStatus, StatusWord};

/// A status and the card that it is of.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Kept {
    card: CardId,
    status: KnownStatus,
    /// What the holder last saw; none in records of earlier versions, and of a card that is new.
    #[serde(default)]
    seen: Option<StatusWord>,
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
            let seen = self.kept(rows, card.0)?.and_then(|kept| kept.seen);
            self.keep(rows, Kept { card, status, seen })
        })
    }

    /// Keeps what the holder saw of a card's status.
    pub(crate) fn status_seen(&self, card: CardId, seen: StatusWord) -> Result<(), StorageError> {
        self.change(|rows| match self.kept(rows, card.0)? {
            Some(kept) => self.keep(rows, Kept { seen: Some(seen), ..kept }),
            None => Ok(()),
        })
    }

    /// What the holder last saw of each card that has a status.
    pub(crate) fn statuses_seen(
        &self,
    ) -> Result<HashMap<CardId, Option<StatusWord>>, StorageError> {
        let rows = self.read(|rows| rows.rows(Table::Status))?;
        let seen = |(id, sealed): (i64, Vec<u8>)| {
            let kept: Kept = self.read_sealed(Table::Status, id, &sealed)?;
            Ok((kept.card, kept.seen))
        };
        rows.into_iter().map(seen).collect()
    }

    fn keep(&self, rows: &mut dyn Rows, kept: Kept) -> Result<(), StorageError> {
        rows.delete_of(Table::Status, kept.card.0)?;
        self.insert_sealed(rows, Table::Status, Some(kept.card.0), &kept)?;
        Ok(())
    }

    fn kept(&self, rows: &mut dyn Rows, card: i64) -> Result<Option<Kept>, StorageError> {
        let Some((id, sealed)) = rows.rows_of(Table::Status, card)?.pop() else { return Ok(None) };
        self.read_sealed(Table::Status, id, &sealed).map(Some)
    }

    /// What was last said of one card.
    pub(super) fn status_of(
        &self,
        rows: &mut dyn Rows,
        card: i64,
    ) -> Result<Option<KnownStatus>, StorageError> {
        Ok(self.kept(rows, card)?.map(|kept| kept.status))
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
