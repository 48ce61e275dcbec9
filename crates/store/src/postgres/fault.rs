//! PostgreSQL's errors in the words of [`StoreError`].

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::Error;

use crate::{StoreError, Unavailability};

/// Says what a failed statement means for the caller.
#[expect(clippy::needless_pass_by_value, reason = "what map_err calls")]
pub(super) fn fault(error: Error) -> StoreError {
    // without a code the server said nothing: the connection is gone, or was never made
    let Some(state) = error.code() else {
        return StoreError::unavailable(Unavailability::Unreachable);
    };
    match state.code() {
        // disk full
        "53100" => StoreError::Full,
        // too many connections, out of memory, out of locks
        "53000" | "53200" | "53300" | "53400" => {
            StoreError::unavailable(Unavailability::Overloaded)
        }
        // serialization failure, deadlock, lock and statement timeouts
        "40001" | "40P01" | "55P03" | "57014" => StoreError::unavailable(Unavailability::Busy),
        // shutting down, starting up, a standby that takes no writes, a broken connection
        "57P01" | "57P02" | "57P03" | "57P05" | "25006" | "25P03" => {
            StoreError::unavailable(Unavailability::Unreachable)
        }
        code if code.starts_with("08") || code.starts_with("58") => {
            StoreError::unavailable(Unavailability::Unreachable)
        }
        code => StoreError::SqlState { state: code.to_owned() },
    }
}

/// Says what it means that no connection was to be had.
pub(super) fn pool_fault(error: PoolError) -> StoreError {
    match error {
        PoolError::Closed => StoreError::unavailable(Unavailability::Closed),
        PoolError::Timeout(TimeoutType::Wait) => {
            StoreError::unavailable(Unavailability::Overloaded)
        }
        PoolError::Backend(error) => fault(error),
        _ => StoreError::unavailable(Unavailability::Unreachable),
    }
}
