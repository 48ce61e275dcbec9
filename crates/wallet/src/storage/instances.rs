//! The keys that this wallet is attested by, one for each authorization server.

use serde::{Deserialize, Serialize};

use super::{Storage, StorageError, tables::Table};
use crate::ports::KeyHandle;

#[derive(Serialize, Deserialize)]
struct Instance {
    server: String,
    key: KeyHandle,
}

impl Storage {
    /// The key for an authorization server, if it has one.
    pub(crate) fn instance_key(&self, server: &str) -> Result<Option<KeyHandle>, StorageError> {
        for (id, sealed) in self.read(|rows| rows.rows(Table::Instance))?.into_iter().rev() {
            let instance: Instance = self.read_sealed(Table::Instance, id, &sealed)?;
            if instance.server == server {
                return Ok(Some(instance.key));
            }
        }
        Ok(None)
    }

    /// Keeps the key for an authorization server, in the place of an earlier one.
    pub(crate) fn keep_instance_key(
        &self,
        server: &str,
        key: &KeyHandle,
    ) -> Result<(), StorageError> {
        let instance = Instance { server: server.to_owned(), key: key.clone() };
        self.change(|rows| {
            for (id, sealed) in rows.rows(Table::Instance)? {
                let known: Instance = self.read_sealed(Table::Instance, id, &sealed)?;
                if known.server == server {
                    rows.delete(Table::Instance, id)?;
                }
            }
            self.insert_sealed(rows, Table::Instance, None, &instance)
        })?;
        Ok(())
    }
}
