//! The log as it was received: lines, and what each of them holds (did:webvh 1.0, The DID Log File).

use serde_json::Value;

use super::{LogError, WebvhFault};
use crate::{
    Timestamp,
    data_integrity::DataIntegrityProof,
    did::Did,
    json::{self, Object},
};

/// The most bytes of a log that are read.
const MAX_BYTES: usize = 5 * 1024 * 1024;
/// The most entries: each costs a signature and two hashes.
const MAX_ENTRIES: usize = 2_000;
/// The most bytes of an entry.
const MAX_LINE: usize = 512 * 1024;
/// The most proofs of an entry.
const MAX_PROOFS: usize = 8;

/// A log of which nothing is checked but its form.
#[derive(Clone, Debug)]
pub struct UnverifiedLog {
    pub(super) entries: Vec<Entry>,
}

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// All members but the proof: what is hashed and signed.
    pub(super) signed: Object,
    pub(super) version_id: String,
    pub(super) version_time: Timestamp,
    pub(super) parameters: Object,
    pub(super) state: Object,
    pub(super) proofs: Vec<DataIntegrityProof>,
}

impl UnverifiedLog {
    /// Reads the lines of a `did.jsonl`.
    ///
    /// # Errors
    /// [`WebvhFault::TooLarge`], [`WebvhFault::Empty`], [`WebvhFault::Malformed`],
    /// [`WebvhFault::VersionTime`] or [`WebvhFault::Proof`], with the entry's number.
    pub fn parse(bytes: &[u8]) -> Result<Self, LogError> {
        if bytes.len() > MAX_BYTES {
            return Err(WebvhFault::TooLarge.into());
        }
        let lines = bytes.trim_ascii_end().split(|byte| *byte == b'\n');
        let mut entries = Vec::new();
        for (at, line) in lines.enumerate() {
            if at == MAX_ENTRIES || line.len() > MAX_LINE {
                return Err(WebvhFault::TooLarge.at(at + 1));
            }
            if at == 0 && line.is_empty() {
                return Err(WebvhFault::Empty.into());
            }
            entries.push(Entry::parse(line).map_err(|fault| fault.at(at + 1))?);
        }
        Ok(Self { entries })
    }

    /// The DID that the last entry says it is about; not verified.
    pub fn claimed_did(&self) -> Option<Did> {
        let state = &self.entries.last()?.state;
        Did::parse(state.get("id").and_then(Value::as_str)?).ok()
    }

    /// Whether an entry names witnesses, so that their proofs are needed to verify the log.
    pub fn names_witnesses(&self) -> bool {
        let some = |value: &Value| value.as_object().is_none_or(|members| !members.is_empty());
        self.entries
            .iter()
            .filter_map(|entry| entry.parameters.get("witness"))
            .any(|witness| !witness.is_null() && some(witness))
    }
}

impl Entry {
    fn parse(line: &[u8]) -> Result<Self, WebvhFault> {
        let malformed = WebvhFault::Malformed;
        let mut members = json::parse_object(line).map_err(|_| malformed)?;
        let proofs = match members.shift_remove("proof") {
            Some(Value::Array(proofs)) if proofs.len() <= MAX_PROOFS => proofs,
            Some(proof @ Value::Object(_)) => vec![proof],
            _ => return Err(WebvhFault::Proof),
        };
        // did:webvh 1.0, The DID Log File: these four beside the proof, and nothing else
        if members.len() != 4 {
            return Err(malformed);
        }
        let text = |name| members.get(name).and_then(Value::as_str).ok_or(malformed);
        let object = |name| members.get(name).and_then(Value::as_object).ok_or(malformed);
        let proofs: Result<Vec<_>, _> = proofs.iter().map(DataIntegrityProof::parse).collect();
        Ok(Self {
            version_id: text("versionId")?.to_owned(),
            version_time: time(text("versionTime")?)?,
            parameters: object("parameters")?.clone(),
            state: object("state")?.clone(),
            proofs: proofs.map_err(|_| WebvhFault::Proof)?,
            signed: members,
        })
    }
}

/// did:webvh 1.0, Read (4): UTC, and said to be.
fn time(text: &str) -> Result<Timestamp, WebvhFault> {
    if !text.ends_with('Z') && !text.ends_with("+00:00") {
        return Err(WebvhFault::VersionTime);
    }
    text.parse().map_err(|_| WebvhFault::VersionTime)
}
