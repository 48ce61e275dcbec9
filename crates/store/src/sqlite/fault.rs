//! SQLite's result codes in the words of [`StoreError`].

use rusqlite::{Error, ErrorCode};

use crate::{StoreError, Unavailability};

/// Says what a failed statement means for the caller.
pub(super) fn fault(error: Error) -> StoreError {
    let (code, extended_code) = match &error {
        Error::SqliteFailure(failure, _) => (failure.code, failure.extended_code),
        Error::SqlInputError { error, .. } => (error.code, error.extended_code),
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..) => return StoreError::Corrupt { what: "a column" },
        _ => return StoreError::Statement { code: 0 },
    };
    match code {
        ErrorCode::DiskFull => StoreError::Full,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            StoreError::unavailable(Unavailability::Busy)
        }
        ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::OutOfMemory
        | ErrorCode::FileLockingProtocolFailed => {
            StoreError::unavailable(Unavailability::Io { code: extended_code })
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            StoreError::Corrupt { what: "the database file" }
        }
        _ => StoreError::Statement { code: extended_code },
    }
}
