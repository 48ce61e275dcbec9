//! Values as columns, and columns back as values: what does not fit is corruption, not a guess.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::FromSql;

use super::fault::fault;
use crate::StoreError;
use crate::moment::of_microseconds;

pub(super) fn moment(moment: Timestamp) -> i64 {
    moment.as_microsecond()
}

pub(super) fn read<T: FromSql>(row: &Row<'_>, column: usize) -> Result<T, StoreError> {
    row.get(column).map_err(fault)
}

pub(super) fn read_moment(row: &Row<'_>, column: usize) -> Result<Timestamp, StoreError> {
    to_moment(read(row, column)?)
}

pub(super) fn to_moment(microseconds: i64) -> Result<Timestamp, StoreError> {
    of_microseconds(microseconds).ok_or(StoreError::Corrupt { what: "a moment" })
}

/// A moment as it would come back from its column.
pub(super) fn as_kept(at: Timestamp) -> Timestamp {
    to_moment(moment(at)).unwrap_or(at)
}

pub(super) fn read_version(row: &Row<'_>, column: usize) -> Result<u64, StoreError> {
    u64::try_from(read::<i64>(row, column)?).map_err(|_| StoreError::Corrupt { what: "a version" })
}

/// A version as a column. One that no column can hold was never stored, and equals none that was.
pub(super) fn version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(-1)
}
