//! Where and when something was measured: figures mean nothing without it.

use std::{fmt, path::Path};

use serde::{Deserialize, Serialize};

use crate::{failure::Failure, machine};

/// The machine, its disk, and what was measured on it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) date: String,
    pub(crate) commit: String,
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

#[cfg(test)]
impl About {
    /// A machine that nothing is known of.
    pub(crate) fn of(commit: &str) -> Self {
        Self {
            date: "2026-11-30T00:00".to_owned(),
            commit: commit.to_owned(),
            processors: 2,
            processor: String::new(),
            fsync_per_second: 1.0,
            grouped_rows_per_second: 1.0,
            group: 32,
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "On {} (UTC), {} × {}, {:.0} fsynced commits/s one by one, {:.0} rows/s in groups of {}, commit {}.{}",
            self.date.replace('T', " "),
            self.processors,
            self.processor,
            self.fsync_per_second,
            self.grouped_rows_per_second,
            self.group,
            self.commit,
            machine::mark(&self.commit),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_no_commit_is_marked() {
        assert!(About::of("abc, with changes").to_string().contains("Not to be published"));
        assert!(!About::of("abc").to_string().contains("Not to be published"));
    }
}
