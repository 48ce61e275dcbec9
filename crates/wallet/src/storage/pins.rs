//! The PIN, if there is one.

use super::{Storage, StorageError, tables::Rows, tables::Table};
use crate::pin::KeptPin;

impl Storage {
    /// What is kept of the PIN.
    pub(crate) fn pin(&self) -> Result<Option<KeptPin>, StorageError> {
        self.read(|rows| self.kept_pin(rows))
    }

    /// Changes what is kept of the PIN, alone among all who have the database; durable when it returns.
    pub(crate) fn change_pin<T>(
        &self,
        change: impl FnOnce(Option<KeptPin>) -> (Option<KeptPin>, T),
    ) -> Result<T, StorageError> {
        self.change(|rows| {
            let (kept, outcome) = change(self.kept_pin(rows)?);
            rows.clear(Table::Pin)?;
            if let Some(kept) = kept {
                self.insert_sealed(rows, Table::Pin, None, &kept)?;
            }
            Ok(outcome)
        })
    }

    fn kept_pin(&self, rows: &mut dyn Rows) -> Result<Option<KeptPin>, StorageError> {
        let Some((id, sealed)) = rows.rows(Table::Pin)?.pop() else { return Ok(None) };
        self.read_sealed(Table::Pin, id, &sealed).map(Some)
    }
}
