//! Where and when something was measured: figures mean nothing without it.

use std::{fmt, path::Path};

use serde::{Deserialize, Serialize};

use crate::{failure::Failure, machine};

/// The machine, its disk, and what was measured on it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    date: String,
    commit: String,
    processors: usize,
    processor: String,
    /// Durable one-row commits per second on this disk.
    fsync_per_second: f64,
    /// Rows per second when a group shares a commit.
    grouped_rows_per_second: f64,
    /// The rows of such a group.
    group: u32,
}

impl About {
    /// Measures the disk under a folder.
    pub(crate) fn here(folder: &Path) -> Result<Self, Failure> {
        let disk = lanyard_store::calibrate(folder)?;
        let date = lanyard_core::Timestamp::now().to_string();
        Ok(Self {
            date: date.chars().take(16).collect(),
            commit: machine::commit(),
            processors: machine::processors(),
            processor: machine::processor(),
            fsync_per_second: disk.single,
            grouped_rows_per_second: disk.grouped,
            group: disk.group,
        })
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "On {} (UTC), {} × {}, {:.0} fsynced commits/s one by one, {:.0} rows/s in groups of {}, commit {}.",
            self.date.replace('T', " "),
            self.processors,
            self.processor,
            self.fsync_per_second,
            self.grouped_rows_per_second,
            self.group,
            self.commit,
        )
    }
}
