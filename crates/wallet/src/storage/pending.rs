//! Issuances between two steps: what an app that is killed goes on with.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Storage, StorageError, tables::Table};

/// Names an issuance between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PendingId(pub i64);

impl Storage {
    pub(crate) fn insert_pending(&self, value: &impl Serialize) -> Result<PendingId, StorageError> {
        self.change(|rows| self.insert_sealed(rows, Table::Pending, None, value)).map(PendingId)
    }

    pub(crate) fn update_pending(
        &self,
        id: PendingId,
        value: &impl Serialize,
    ) -> Result<(), StorageError> {
        self.update_sealed(Table::Pending, id.0, value)
    }

    /// Oldest first; what does not open or read any more is left out.
    pub(crate) fn pending<T: DeserializeOwned>(&self) -> Result<Vec<(PendingId, T)>, StorageError> {
        let open = |(id, sealed): (i64, Vec<u8>)| {
            Some((PendingId(id), self.read_sealed(Table::Pending, id, &sealed).ok()?))
        };
        let rows = self.read(|rows| rows.rows(Table::Pending))?;
        Ok(rows.into_iter().filter_map(open).collect())
    }

    /// True when it was there: of two who delete one, one is told so.
    pub(crate) fn delete_pending(&self, id: PendingId) -> Result<bool, StorageError> {
        self.change(|rows| rows.delete(Table::Pending, id.0))
    }
}
