//! For how long audit entries are kept, and where the ends of their chains are written down.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;

use super::fault::Faults;
use super::file::File;

/// For how many days entries are kept, unless it is said.
pub(super) const DAYS: u16 = 365;

/// What a server does with its audit chains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Auditing {
    /// Where it writes down where they end, if anywhere.
    pub heads: Option<PathBuf>,
    /// For how long it keeps their entries.
    pub kept: SignedDuration,
}

impl Default for Auditing {
    fn default() -> Self {
        Self { heads: None, kept: days(DAYS) }
    }
}

fn days(number: u16) -> SignedDuration {
    SignedDuration::from_hours(i64::from(number) * 24)
}

/// The section, if it is there; nothing where something is wrong with it.
pub(super) fn examine(file: &File, folder: &Path, faults: &mut Faults<'_>) -> Option<Auditing> {
    let Some(table) = file.audit.as_ref() else { return Some(Auditing::default()) };
    let heads = table.heads_file.as_ref().map(|written| (folder.join(written.get_ref()), written));
    if let Some((path, written)) = &heads
        && !path.parent().is_some_and(Path::is_dir)
    {
        let what = "there is no such folder; make it, on another disk than the database's";
        faults.at(written.span(), what);
        return None;
    }
    let kept = table.keep_days.as_ref().map_or(DAYS, |number| *number.get_ref());
    if let Some(written) = table.keep_days.as_ref().filter(|_| kept == 0) {
        faults.at(written.span(), "entries are kept for 1 to 65535 days");
        return None;
    }
    Some(Auditing { heads: heads.map(|(path, _)| path), kept: days(kept) })
}
