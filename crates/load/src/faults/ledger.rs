//! What was asked for and what was answered, written down before and after, and synced: what a server that
//! was killed owes is what stands here.

use std::{cell::RefCell, fs::File, io::Write as _, path::Path};

use serde::Serialize;

use crate::failure::Failure;

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    Offer,
    Token,
    Credential,
    Revocation,
    /// Another change of something.
    Change,
    Erasure,
    Notification,
    Response,
}

/// What came of it. Something unknown was done, or was not; never half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Intended,
    Ok,
    Refused,
    Unknown,
    /// Nobody was there to ask.
    Unasked,
}

/// How often what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Tally {
    pub(crate) ok: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
}

/// A file of lines, each synced before anybody goes on.
pub(crate) struct Ledger {
    file: RefCell<File>,
    tally: RefCell<Tally>,
}

#[derive(Serialize)]
struct Line<'l> {
    deed: Deed,
    about: &'l str,
    outcome: Outcome,
}

impl Ledger {
    /// An empty one.
    pub(crate) fn create(path: &Path) -> Result<Self, Failure> {
        let (file, tally) = (RefCell::new(File::create_new(path)?), RefCell::default());
        Ok(Self { file, tally })
    }

    /// Adds a line.
    pub(crate) fn note(&self, deed: Deed, about: &str, outcome: Outcome) -> Result<(), Failure> {
        let mut line = serde_json::to_vec(&Line { deed, about, outcome })?;
        line.push(b'\n');
        let mut file = self.file.borrow_mut();
        file.write_all(&line)?;
        file.sync_data()?;
        let mut tally = self.tally.borrow_mut();
        match outcome {
            Outcome::Intended | Outcome::Unasked => {}
            Outcome::Ok => tally.ok += 1,
            Outcome::Refused => tally.refused += 1,
            Outcome::Unknown => tally.unknown += 1,
        }
        Ok(())
    }

    /// What came of everything so far.
    pub(crate) fn tally(&self) -> Tally {
        *self.tally.borrow()
    }
}
