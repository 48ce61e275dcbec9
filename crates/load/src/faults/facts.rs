//! What wallets were promised.

use std::{collections::BTreeSet, time::Duration};

use lanyard_core::Timestamp;
use lanyard_store::CredentialId;
use url::Url;

use super::checks::Place;
use crate::{failure::Failure, integrator::Created};

/// What the wallets of one run were promised.
#[derive(Default)]
pub(crate) struct Facts {
    /// Codes that were good once: acknowledged, or perhaps.
    pub(crate) used_codes: Vec<String>,
    /// Offers that nobody took up.
    pub(crate) unused: Vec<Unused>,
    pub(crate) issued: Vec<Issued>,
    /// The credentials that are on record in the end, and whether each was acknowledged as revoked.
    pub(crate) on_record: Vec<(CredentialId, bool)>,
    /// Presentations that were taken.
    pub(crate) answered: Vec<Answered>,
    /// Answers that were lost with what they held: done, but nobody has it.
    pub(crate) lost_answers: u64,
    /// Promises that were broken.
    pub(crate) broken: BTreeSet<String>,
    /// How long each step took that was answered.
    pub(crate) latencies: Vec<Duration>,
    /// Why it is open what became of some.
    pub(crate) open: BTreeSet<String>,
}

impl Facts {
    /// Every place of a list that somebody has, and whether it is revoked.
    pub(crate) fn places(&self) -> Vec<Place> {
        let place = |issued: &Issued| (issued.list.clone(), issued.index, issued.is_revoked);
        self.issued.iter().map(place).collect()
    }
}

/// An offer that nobody took up.
#[derive(Clone)]
pub(crate) struct Unused {
    pub(crate) code: String,
    /// From then on it is worth nothing.
    pub(crate) until: Timestamp,
}

impl Unused {
    pub(crate) fn new(created: &Created, code: String) -> Result<Self, Failure> {
        let until = created.expires_at.ok_or(Failure::Lacks("expires_at"))?;
        Ok(Self { code, until })
    }
}

/// A credential in somebody's hands.
pub(crate) struct Issued {
    pub(crate) offer: String,
    pub(crate) text: String,
    pub(crate) list: Url,
    pub(crate) index: u64,
    pub(crate) is_revoked: bool,
    /// Whether its subject was erased, and the record with it.
    pub(crate) is_erased: bool,
}

/// A presentation that was taken.
pub(crate) struct Answered {
    pub(crate) request: String,
    pub(crate) place: Url,
    pub(crate) form: String,
}
