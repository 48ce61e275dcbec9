//! The database in SQLite: the one for apps that compile C anyway.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
};

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};

use super::{
    StorageError,
    migrate::{self, SCHEMA},
    seal::Seal,
    tables::{Counted, Database, Row, Rows, Table, Version, Work},
};

/// An opened file.
pub(super) struct Sqlite(Mutex<Connection>);

impl Sqlite {
    /// Opens the file, or makes it, if the key is the one it was made with.
    pub(super) fn open(file: &Path, seal: &Seal) -> Result<Self, StorageError> {
        let mut connection = Connection::open(file)?;
        super::restrict(file);
        connection.busy_timeout(super::PATIENCE)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "secure_delete", true)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
        match found {
            0 => {
                transaction.execute_batch(include_str!("schema.sql"))?;
                let check = seal.check();
                transaction.execute("INSERT INTO key_check (sealed) VALUES (?1)", [check])?;
                migrate::bring_up(&transaction, seal, 1)?;
                transaction.commit()?;
            }
            1..=SCHEMA => {
                let check: Vec<u8> =
                    transaction.query_row("SELECT sealed FROM key_check", [], |row| row.get(0))?;
                seal.opens(&check)?;
                if found < SCHEMA {
                    migrate::bring_up(&transaction, seal, found)?;
                }
                transaction.commit()?;
            }
            found => return Err(StorageError::NewerSchema { found, known: SCHEMA }),
        }
        Ok(Self(Mutex::new(connection)))
    }

    fn within(
        &self,
        behavior: TransactionBehavior,
        work: &mut Work<'_>,
    ) -> Result<(), StorageError> {
        // a panic while the lock was held rolled its transaction back: the connection is still good
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut transaction = connection.transaction_with_behavior(behavior)?;
        work(&mut transaction)?;
        Ok(transaction.commit()?)
    }
}

impl Database for Sqlite {
    fn read(&self, look: &mut Work<'_>) -> Result<(), StorageError> {
        self.within(TransactionBehavior::Deferred, look)
    }

    fn change(&self, work: &mut Work<'_>) -> Result<(), StorageError> {
        self.within(TransactionBehavior::Immediate, work)
    }
}

impl Rows for Transaction<'_> {
    fn insert(
        &mut self,
        table: Table,
        card: Option<i64>,
        seal: &dyn Fn(i64) -> Vec<u8>,
    ) -> Result<i64, StorageError> {
        let name = table.name();
        match card {
            Some(card) => self
                .prepare_cached(&format!("INSERT INTO {name} (card, sealed) VALUES (?1, x'')"))?
                .execute([card])?,
            None => self
                .prepare_cached(&format!("INSERT INTO {name} (sealed) VALUES (x'')"))?
                .execute([])?,
        };
        let row = self.last_insert_rowid();
        self.update(table, row, &seal(row))?;
        Ok(row)
    }

    fn update(&mut self, table: Table, row: i64, sealed: &[u8]) -> Result<(), StorageError> {
        let update = format!("UPDATE {} SET sealed = ?1 WHERE id = ?2", table.name());
        self.prepare_cached(&update)?.execute(params![sealed, row])?;
        Ok(())
    }

    fn delete(&mut self, table: Table, row: i64) -> Result<bool, StorageError> {
        let delete = format!("DELETE FROM {} WHERE id = ?1", table.name());
        Ok(self.prepare_cached(&delete)?.execute([row])? == 1)
    }

    fn delete_of(&mut self, table: Table, card: i64) -> Result<(), StorageError> {
        let delete = format!("DELETE FROM {} WHERE card = ?1", table.name());
        self.prepare_cached(&delete)?.execute([card])?;
        Ok(())
    }

    fn clear(&mut self, table: Table) -> Result<(), StorageError> {
        self.execute(&format!("DELETE FROM {}", table.name()), [])?;
        Ok(())
    }

    fn row(&mut self, table: Table, row: i64) -> Result<Option<Vec<u8>>, StorageError> {
        let select = format!("SELECT sealed FROM {} WHERE id = ?1", table.name());
        Ok(self.prepare_cached(&select)?.query_row([row], |row| row.get(0)).optional()?)
    }

    fn rows(&mut self, table: Table) -> Result<Vec<Row>, StorageError> {
        let select = format!("SELECT id, sealed FROM {} ORDER BY id", table.name());
        let mut select = self.prepare_cached(&select)?;
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn rows_of(&mut self, table: Table, card: i64) -> Result<Vec<Row>, StorageError> {
        let select = format!("SELECT id, sealed FROM {} WHERE card = ?1 ORDER BY id", table.name());
        let mut select = self.prepare_cached(&select)?;
        let rows = select.query_map([card], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn version(&mut self) -> Result<Version, StorageError> {
        // the first changes with what others commit, the second with what is done here
        let others: i64 =
            self.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        Ok((u128::from(others.unsigned_abs()), self.total_changes()))
    }

    fn counted(&mut self) -> Result<Vec<Counted>, StorageError> {
        let mut select = self.prepare_cached("SELECT id FROM card ORDER BY id DESC")?;
        let cards = select.query_map([], |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
        // from the index alone; joined here, as a join in SQL looks up every card anew
        let mut select = self.prepare_cached(
            "SELECT card, count(*), count(*) FILTER (WHERE uses = 0)
             FROM copy GROUP BY card ORDER BY card DESC",
        )?;
        let counts = select.query_map([], |row| {
            Ok(Counted { card: row.get(0)?, copies: row.get(1)?, unused: row.get(2)? })
        })?;
        let mut counts = counts.collect::<Result<Vec<_>, _>>()?.into_iter().peekable();
        let counted = |card| {
            let own = counts.next_if(|counted| counted.card == card);
            own.unwrap_or(Counted { card, copies: 0, unused: 0 })
        };
        Ok(cards.into_iter().map(counted).collect())
    }

    fn counted_of(&mut self, card: i64) -> Result<Option<Counted>, StorageError> {
        let mut select = self.prepare_cached(
            "SELECT (SELECT count(*) FROM copy WHERE card = ?1),
                    (SELECT count(*) FROM copy WHERE card = ?1 AND uses = 0)
             FROM card WHERE id = ?1",
        )?;
        let counted = select.query_row([card], |row| {
            Ok(Counted { card, copies: row.get(0)?, unused: row.get(1)? })
        });
        Ok(counted.optional()?)
    }

    fn next_copy(&mut self, card: i64) -> Result<Option<Row>, StorageError> {
        let mut select = self.prepare_cached(
            "SELECT id, sealed FROM copy WHERE card = ?1 ORDER BY uses, id LIMIT 1",
        )?;
        Ok(select.query_row([card], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    fn note_use(&mut self, _: i64, copy: i64) -> Result<(), StorageError> {
        self.prepare_cached("UPDATE copy SET uses = uses + 1 WHERE id = ?1")?.execute([copy])?;
        Ok(())
    }
}
