//! Statements, and values of their rows: what does not fit is corruption, not a guess.

use std::future::Future;
use std::time::Duration;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql};

use super::fault::fault;
use super::within::Transaction;
use crate::moment::of_microseconds;
use crate::{StoreError, Unavailability};

/// What a statement is given.
pub(super) type Params<'p> = &'p [&'p (dyn ToSql + Sync)];

/// How long an answer is waited for: a server that was stopped says nothing at all.
const LONGEST: Duration = Duration::from_secs(5);

/// Waits for the server, and not for ever. What was asked may have happened all the same.
pub(super) async fn patient<T>(
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(LONGEST, answer).await {
        Ok(answer) => answer.map_err(fault),
        Err(_) => Err(StoreError::unavailable(Unavailability::Unreachable)),
    }
}

pub(super) async fn execute(
    db: &Transaction,
    sql: &str,
    params: Params<'_>,
) -> Result<u64, StoreError> {
    let statement = patient(db.prepare_cached(sql)).await?;
    patient(db.execute(&statement, params)).await
}

pub(super) async fn query(
    db: &Transaction,
    sql: &str,
    params: Params<'_>,
) -> Result<Vec<Row>, StoreError> {
    let statement = patient(db.prepare_cached(sql)).await?;
    patient(db.query(&statement, params)).await
}

pub(super) async fn query_opt(
    db: &Transaction,
    sql: &str,
    params: Params<'_>,
) -> Result<Option<Row>, StoreError> {
    let statement = patient(db.prepare_cached(sql)).await?;
    patient(db.query_opt(&statement, params)).await
}

pub(super) fn read<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Result<T, StoreError> {
    row.try_get(column).map_err(|_| StoreError::Corrupt { what: "a column" })
}

pub(super) fn read_bytes<const N: usize>(row: &Row, column: usize) -> Result<[u8; N], StoreError> {
    fixed(read(row, column)?)
}

pub(super) fn read_bytes_opt<const N: usize>(
    row: &Row,
    column: usize,
) -> Result<Option<[u8; N]>, StoreError> {
    read::<Option<&[u8]>>(row, column)?.map(fixed).transpose()
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| StoreError::Corrupt { what: "a column" })
}

/// A text that others chose, kept as bytes.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, StoreError> {
    String::from_utf8(bytes).map_err(|_| StoreError::Corrupt { what: "a text" })
}

pub(super) fn moment(moment: Timestamp) -> i64 {
    moment.as_microsecond()
}

pub(super) fn to_moment(microseconds: i64) -> Result<Timestamp, StoreError> {
    of_microseconds(microseconds).ok_or(StoreError::Corrupt { what: "a moment" })
}

pub(super) fn read_moment(row: &Row, column: usize) -> Result<Timestamp, StoreError> {
    to_moment(read(row, column)?)
}

/// A moment as it would come back from its column.
pub(super) fn as_kept(at: Timestamp) -> Timestamp {
    to_moment(moment(at)).unwrap_or(at)
}

pub(super) fn read_number<T: TryFrom<i64>>(row: &Row, column: usize) -> Result<T, StoreError> {
    T::try_from(read::<i64>(row, column)?).map_err(|_| StoreError::Corrupt { what: "a number" })
}

/// A version as a column. One that no column can hold was never stored, and equals none that was.
pub(super) fn version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(-1)
}
