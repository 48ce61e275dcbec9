//! Issuances between two steps: what an app that is killed goes on with.

use rusqlite::{TransactionBehavior, params};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Storage, StorageError};

/// Names an issuance between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PendingId(pub i64);

impl Storage {
    pub(crate) fn insert_pending(&self, value: &impl Serialize) -> Result<PendingId, StorageError> {
        let plain = serde_json::to_vec(value).map_err(|_| StorageError::Damaged)?;
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let id = self.insert_sealed(&transaction, "pending", &plain)?;
        transaction.commit()?;
        Ok(PendingId(id))
    }

    pub(crate) fn update_pending(
        &self,
        id: PendingId,
        value: &impl Serialize,
    ) -> Result<(), StorageError> {
        let plain = serde_json::to_vec(value).map_err(|_| StorageError::Damaged)?;
        let sealed = self.seal.seal("pending", id.0, &plain);
        let connection = self.connection();
        connection
            .execute("UPDATE pending SET sealed = ?1 WHERE id = ?2", params![sealed, id.0])?;
        Ok(())
    }

    /// Oldest first; what does not open or read any more is left out.
    pub(crate) fn pending<T: DeserializeOwned>(&self) -> Result<Vec<(PendingId, T)>, StorageError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT id, sealed FROM pending ORDER BY id")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let rows = rows.collect::<Result<Vec<(i64, Vec<u8>)>, _>>()?;
        let open = |(id, sealed): (i64, Vec<u8>)| {
            Some((PendingId(id), self.read_sealed("pending", id, &sealed).ok()?))
        };
        Ok(rows.into_iter().filter_map(open).collect())
    }

    /// True when it was there: of two who delete one, one is told so.
    pub(crate) fn delete_pending(&self, id: PendingId) -> Result<bool, StorageError> {
        Ok(self.connection().execute("DELETE FROM pending WHERE id = ?1", [id.0])? == 1)
    }
}
