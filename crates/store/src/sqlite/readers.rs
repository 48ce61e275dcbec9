//! Reads, beside the writer: they see the last commit and never wait for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

use rusqlite::Connection;

use crate::{StoreError, Unavailability};

/// A few read-only connections, each used for microseconds at a time.
///
/// A read runs on the calling thread: a point read of a session takes some 7 µs of CPU, an empty
/// trip to tokio's blocking threads and back took 20 to 40 µs on the same machine.
pub(super) struct Readers {
    connections: Vec<Mutex<Option<Connection>>>,
    turn: AtomicUsize,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let connections = connections.into_iter().map(|one| Mutex::new(Some(one))).collect();
        Self { connections, turn: AtomicUsize::new(0) }
    }

    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        let (behind, ahead) = self.connections.split_at(turn);
        for connection in ahead.iter().chain(behind) {
            match connection.try_lock() {
                Ok(connection) => return run(connection.as_ref(), work),
                Err(TryLockError::Poisoned(poisoned)) => {
                    return run(poisoned.into_inner().as_ref(), work);
                }
                Err(TryLockError::WouldBlock) => {}
            }
        }
        let connection = self.connections[turn].lock().unwrap_or_else(PoisonError::into_inner);
        run(connection.as_ref(), work)
    }

    /// Closes every connection, each as soon as its current read is done.
    pub(super) fn close(&self) {
        for connection in &self.connections {
            connection.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
    }
}

fn run<T>(
    connection: Option<&Connection>,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    work(connection.ok_or(StoreError::unavailable(Unavailability::Closed))?)
}
