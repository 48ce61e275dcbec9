//! What the wallet asks of a database: sealed rows in a few tables, changed whole and durably or not at all.

use super::StorageError;

/// The kinds of record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Table {
    HolderKey,
    Card,
    /// Belongs to a card and goes with it; counts how often it was used.
    Copy,
    History,
    Pending,
    Waiting,
    /// Written by earlier versions alone; belongs to a card and goes with it.
    Notice,
    /// Belongs to a card and goes with it.
    Status,
    Instance,
    /// One at most.
    Pin,
    /// Belongs to a card and goes with it.
    Picture,
}

impl Table {
    pub(super) const ALL: [Self; 11] = [
        Self::HolderKey,
        Self::Card,
        Self::Copy,
        Self::History,
        Self::Pending,
        Self::Waiting,
        Self::Notice,
        Self::Status,
        Self::Instance,
        Self::Pin,
        Self::Picture,
    ];

    /// The name, which the seal binds too.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::HolderKey => "holder_key",
            Self::Card => "card",
            Self::Copy => "copy",
            Self::History => "history",
            Self::Pending => "pending",
            Self::Waiting => "waiting",
            Self::Notice => "notice",
            Self::Status => "status",
            Self::Instance => "instance",
            Self::Pin => "pin",
            Self::Picture => "picture",
        }
    }
}

/// A row: its number, which is never used again in its table, and its sealed record.
pub(super) type Row = (i64, Vec<u8>);

/// Which state of the rows it is.
pub(super) type Version = (u128, u64);

/// How many copies a card has, and how many of them were never used.
pub(super) struct Counted {
    pub(super) card: i64,
    pub(super) copies: u32,
    pub(super) unused: u32,
}

/// A database under a [`Storage`](super::Storage).
pub(super) trait Database: Send + Sync {
    /// Looks at one state of all rows.
    fn read(&self, look: &mut Work<'_>) -> Result<(), StorageError>;

    /// Changes rows, alone among all who have the file open; durable when it returns, undone when the work fails.
    fn change(&self, work: &mut Work<'_>) -> Result<(), StorageError>;
}

/// What is done inside of a transaction.
pub(super) type Work<'w> = dyn FnMut(&mut dyn Rows) -> Result<(), StorageError> + 'w;

/// The rows, inside of a transaction.
pub(super) trait Rows {
    /// Adds a row, of a card where the table has that; its number is known before its record is sealed.
    fn insert(
        &mut self,
        table: Table,
        card: Option<i64>,
        seal: &dyn Fn(i64) -> Vec<u8>,
    ) -> Result<i64, StorageError>;

    /// Gives a row, if it is there, another record.
    fn update(&mut self, table: Table, row: i64, sealed: &[u8]) -> Result<(), StorageError>;

    /// Deletes a row, and with a card what belongs to it; true when it was there.
    fn delete(&mut self, table: Table, row: i64) -> Result<bool, StorageError>;

    /// Deletes what belongs to a card in a table.
    fn delete_of(&mut self, table: Table, card: i64) -> Result<(), StorageError>;

    /// Deletes every row of a table.
    fn clear(&mut self, table: Table) -> Result<(), StorageError>;

    /// One record.
    fn row(&mut self, table: Table, row: i64) -> Result<Option<Vec<u8>>, StorageError>;

    /// Every row of a table, the oldest first.
    fn rows(&mut self, table: Table) -> Result<Vec<Row>, StorageError>;

    /// The rows that belong to a card, the oldest first.
    fn rows_of(&mut self, table: Table, card: i64) -> Result<Vec<Row>, StorageError>;

    /// What tells the present rows from those at any other moment that this process saw.
    fn version(&mut self) -> Result<Version, StorageError>;

    /// Every card with its copies counted, the newest first.
    fn counted(&mut self) -> Result<Vec<Counted>, StorageError>;

    /// One card, if it is there, with its copies counted.
    fn counted_of(&mut self, card: i64) -> Result<Option<Counted>, StorageError>;

    /// The copy of a card to use next: one never used, else the least used.
    fn next_copy(&mut self, card: i64) -> Result<Option<Row>, StorageError>;

    /// Counts one more use of a copy of a card.
    fn note_use(&mut self, card: i64, copy: i64) -> Result<(), StorageError>;
}
