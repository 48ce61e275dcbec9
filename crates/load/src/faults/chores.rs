//! The hand on housekeeping: it rests, it goes on, and what it has done is counted.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The housekeeping of one server.
#[derive(Debug, Default)]
pub(crate) struct Chores {
    rests: AtomicBool,
    rows: AtomicU64,
}

impl Chores {
    /// Has it go on, or rest.
    pub(crate) fn go_on(&self, go_on: bool) {
        self.rests.store(!go_on, Ordering::Relaxed);
    }

    /// Whether it rests.
    pub(crate) fn rest(&self) -> bool {
        self.rests.load(Ordering::Relaxed)
    }

    /// It has been through so many rows.
    pub(crate) fn done(&self, call: &str, rows: u64) {
        // how much is noted for the chains is up to whoever plays
        if call != "link_audit" {
            self.rows.fetch_add(rows, Ordering::Relaxed);
        }
    }

    /// How many rows that were due are gone.
    pub(crate) fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }
}
