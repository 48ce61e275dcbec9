//! Why a did:webvh log was refused.

use thiserror::Error;

/// A rule that a log breaks, and where.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("{}{fault}", place(*entry))]
pub struct LogError {
    /// The entry's number, counted from 1; 0 when the rule is about the log as a whole.
    pub entry: usize,
    /// The rule.
    pub fault: WebvhFault,
}

fn place(entry: usize) -> String {
    match entry {
        0 => String::new(),
        entry => format!("entry {entry}: "),
    }
}

impl WebvhFault {
    /// This fault, in an entry counted from 1.
    pub(super) const fn at(self, entry: usize) -> LogError {
        LogError { entry, fault: self }
    }
}

impl From<WebvhFault> for LogError {
    fn from(fault: WebvhFault) -> Self {
        fault.at(0)
    }
}

/// One rule of did:webvh 1.0.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum WebvhFault {
    /// The identifier has no SHA-256 multihash in base58btc at its front.
    #[error("the SCID is no SHA-256 multihash")]
    Scid,
    /// The host is no domain name of two labels or more, or the port is not from 1 to 65535.
    #[error("the host is not a domain name")]
    Host,
    /// A path segment is empty, or would lead elsewhere.
    #[error("a path segment leads elsewhere")]
    Path,
    /// No entry at all.
    #[error("the log is empty")]
    Empty,
    /// More bytes or entries than are read.
    #[error("the log is too large")]
    TooLarge,
    /// A line is no strict JSON object with the five members of an entry.
    #[error("the line is not a log entry")]
    Malformed,
    /// `versionId` is not the next number, a dash and a SHA-256 multihash.
    #[error("the versionId is not the next one")]
    VersionId,
    /// The hash in `versionId` is not the entry's.
    #[error("the entry hash does not fit the entry")]
    EntryHash,
    /// `versionTime` is no UTC time with its zone.
    #[error("the versionTime cannot be read")]
    VersionTime,
    /// `versionTime` is not later than the one before.
    #[error("the versionTime is not later than the one before")]
    VersionTimeOrder,
    /// `versionTime` is more than five minutes ahead.
    #[error("the versionTime is in the future")]
    VersionTimeFuture,
    /// `method` is missing in the first entry, or not `did:webvh:1.0`.
    #[error("the method version is not supported")]
    Method,
    /// A parameter that the method version does not define.
    #[error("a parameter is unknown")]
    UnknownParameter,
    /// A parameter of the wrong type, or outside its range.
    #[error("the parameter {0} is not valid")]
    Parameter(&'static str),
    /// `scid` is missing in the first entry, or present in a later one.
    #[error("the scid parameter is in the wrong place")]
    ScidPlace,
    /// The SCID is not the hash of the first entry.
    #[error("the SCID is not the hash of the first entry")]
    ScidHash,
    /// A document's `id` is no did:webvh, or of another SCID.
    #[error("the document belongs to another SCID")]
    ForeignScid,
    /// The document moved although the DID is not portable, or forgot where it came from.
    #[error("the DID moved without leave")]
    Portability,
    /// `portable: true` after the first entry.
    #[error("the DID becomes portable after its creation")]
    PortableLater,
    /// The witnesses are not distinct did:keys of Ed25519, or the threshold is not from 1 to their number.
    #[error("the witnesses are not valid")]
    Witnesses,
    /// The key of the proof is not among the active `updateKeys`.
    #[error("the entry is not signed by an active update key")]
    NotAuthorised,
    /// No proof of type `DataIntegrityProof`, suite `eddsa-jcs-2022` and purpose `assertionMethod`.
    #[error("the entry has no proof of the suite demanded")]
    Proof,
    /// The signature of the proof does not verify.
    #[error("the proof does not verify")]
    Signature,
    /// `updateKeys` and `nextKeyHashes` are not both written out although keys were committed to.
    #[error("the entry leaves out the keys that were committed to")]
    PreRotationOmitted,
    /// An update key was not committed to in the entry before.
    #[error("an update key was not committed to")]
    PreRotationHash,
    /// An entry after the DID was deactivated.
    #[error("the DID was deactivated before")]
    AfterDeactivation,
    /// No entry's document has the DID that is resolved.
    #[error("the log is of another DID")]
    ForeignDid,
    /// The witnesses' file is missing, or cannot be read.
    #[error("the witnesses' proofs cannot be read")]
    WitnessFile,
    /// Fewer distinct witnesses approved an entry than its threshold.
    #[error("too few witnesses approved the entry")]
    WitnessThreshold,
    /// The log is shorter than it was seen before, or another one of the same length.
    #[error("the log has lost entries that were seen before")]
    Truncated,
    /// A document in the log breaks a rule of DID documents.
    #[error("the document is not a DID document")]
    Document,
}

impl WebvhFault {
    /// The stable reason, for operators.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Scid => "webvh_scid_malformed",
            Self::Host => "webvh_host",
            Self::Path => "webvh_path",
            Self::Empty => "webvh_log_empty",
            Self::TooLarge => "webvh_log_too_large",
            Self::Malformed => "webvh_entry_malformed",
            Self::VersionId => "webvh_version_id",
            Self::EntryHash => "webvh_entry_hash",
            Self::VersionTime => "webvh_version_time_malformed",
            Self::VersionTimeOrder => "webvh_version_time_order",
            Self::VersionTimeFuture => "webvh_version_time_future",
            Self::Method => "webvh_method_version",
            Self::UnknownParameter => "webvh_parameter_unknown",
            Self::Parameter(_) => "webvh_parameter_malformed",
            Self::ScidPlace => "webvh_scid_place",
            Self::ScidHash => "webvh_scid_hash",
            Self::ForeignScid => "webvh_scid_of_another",
            Self::Portability => "webvh_moved_without_leave",
            Self::PortableLater => "webvh_portable_later",
            Self::Witnesses => "webvh_witnesses_malformed",
            Self::NotAuthorised => "webvh_not_an_update_key",
            Self::Proof => "webvh_proof_malformed",
            Self::Signature => "webvh_proof_signature",
            Self::PreRotationOmitted => "webvh_committed_keys_left_out",
            Self::PreRotationHash => "webvh_key_not_committed",
            Self::AfterDeactivation => "webvh_after_deactivation",
            Self::ForeignDid => "webvh_log_of_another",
            Self::WitnessFile => "webvh_witness_file",
            Self::WitnessThreshold => "webvh_too_few_witnesses",
            Self::Truncated => "webvh_log_truncated",
            Self::Document => "webvh_document_malformed",
        }
    }
}
