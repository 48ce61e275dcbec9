//! From a log to the versions of a document (did:webvh 1.0, Read (Resolve)).

use serde_json::Value;

use super::{
    LogError, UnverifiedLog, VerifiedLog, WebvhDid, WebvhFault, hash,
    log::Entry,
    parameters::{Parameters, ed25519},
    versions::Version,
    witness::WitnessProofs,
};
use crate::{
    Timestamp,
    crypto::CryptoProvider,
    data_integrity::{Cryptosuite, DataIntegrityProof},
    did::{Did, DidDocument, DidUrl, Relationship, multihash},
    json::Object,
};

/// How far ahead of our clock a controller's may be: did:webvh 1.0, Read (4).
const TOLERANCE: i64 = 5 * 60;

impl UnverifiedLog {
    /// Verifies every entry, for the DID that is resolved; `witnesses` is the `did-witness.json` where
    /// [`UnverifiedLog::names_witnesses`].
    ///
    /// A fault in any entry refuses the whole log: did:webvh 1.0, Read (10) leaves that choice, and a
    /// log with a false end may hide a newer one.
    ///
    /// # Errors
    /// One [`WebvhFault`] per rule, with the entry's number.
    pub fn verify(
        self,
        did: &WebvhDid,
        witnesses: Option<&[u8]>,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<VerifiedLog, LogError> {
        let mut versions: Vec<Version> = Vec::with_capacity(self.entries.len());
        for (at, entry) in self.entries.into_iter().enumerate() {
            let version = next_version(versions.last(), entry, did.scid(), now, provider)
                .map_err(|fault| fault.at(at + 1))?;
            versions.push(version);
        }
        // did:webvh 1.0, Read: at least one entry is about the DID that is resolved
        if !versions.iter().any(|version| version.document.id() == did.did()) {
            return Err(WebvhFault::ForeignDid.into());
        }
        // did:webvh 1.0, Verifying Witness Proofs (1): after everything else
        check_witnesses(&versions, witnesses, provider)?;
        let last = versions.pop().ok_or(WebvhFault::Empty)?;
        Ok(VerifiedLog { earlier: versions, last })
    }
}

/// Checks one entry against the one before it, everything but its witnesses.
pub(super) fn next_version(
    previous: Option<&Version>,
    entry: Entry,
    scid: &str,
    now: Timestamp,
    provider: &dyn CryptoProvider,
) -> Result<Version, WebvhFault> {
    // 1. the parameters, and whose keys count
    let parameters = match previous {
        None => Parameters::first(&entry.parameters, provider)?,
        Some(previous) => previous.parameters.next(&entry.parameters, provider)?,
    };
    let before = previous.map_or(&parameters, |previous| &previous.parameters);
    // 2. the proofs
    check_proofs(&entry, before.authorised(&parameters), provider)?;
    // 3. the number and the hash
    let (number, predecessor) = match previous {
        None => (1, parameters.scid.as_str()),
        Some(previous) => (previous.number + 1, previous.version_id.as_str()),
    };
    check_version_id(&entry, number, predecessor, provider)?;
    // 4. the time
    if previous.is_some_and(|previous| previous.time >= entry.version_time) {
        return Err(WebvhFault::VersionTimeOrder);
    }
    if entry.version_time.as_second() > now.as_second().saturating_add(TOLERANCE) {
        return Err(WebvhFault::VersionTimeFuture);
    }
    // 5. the SCID
    if previous.is_none()
        && hash::scid(&entry.signed, &parameters.scid, provider)? != parameters.scid
    {
        return Err(WebvhFault::ScidHash);
    }
    // 6. the document
    let subject = subject(&entry.state, &parameters.scid, scid)?;
    if let Some(previous) = previous {
        check_move(previous, &subject, &entry.state)?;
    }
    let document = document(entry.state, &subject, provider)?;
    let (version_id, time) = (entry.version_id, entry.version_time);
    Ok(Version { number, version_id, time, parameters, document })
}

/// did:webvh 1.0, Authorized Keys: each proof of the one suite, by a key from the active list.
fn check_proofs(
    entry: &Entry,
    authorised: &[String],
    provider: &dyn CryptoProvider,
) -> Result<(), WebvhFault> {
    if entry.proofs.is_empty() {
        return Err(WebvhFault::Proof);
    }
    for proof in &entry.proofs {
        let multibase = did_key_of(proof).ok_or(WebvhFault::Proof)?;
        if !authorised.contains(&multibase) {
            return Err(WebvhFault::NotAuthorised);
        }
        check_signature(proof, &multibase, &entry.signed, provider)?;
    }
    Ok(())
}

/// The key a proof of the one suite and purpose says it is by, in its multibase text.
pub(super) fn did_key_of(proof: &DataIntegrityProof) -> Option<String> {
    // did:webvh 1.0, method: exactly this suite; Authorized Keys (3): exactly this purpose
    if proof.cryptosuite() != Cryptosuite::EddsaJcs2022
        || proof.purpose() != Relationship::AssertionMethod
    {
        return None;
    }
    let url = DidUrl::parse(proof.verification_method()).ok()?;
    let multibase = url.did().method_specific_id();
    // did:webvh 1.0, Witness DIDs: the fragment is the body, byte for byte
    let is_own = url.names_a_key() && url.fragment() == Some(multibase);
    (url.did().method() == "key" && is_own).then(|| multibase.to_owned())
}

/// Checks a proof with the key in a did:key, and no other.
pub(super) fn check_signature(
    proof: &DataIntegrityProof,
    multibase: &str,
    document: &Object,
    provider: &dyn CryptoProvider,
) -> Result<(), WebvhFault> {
    let key = ed25519(multibase, provider).ok_or(WebvhFault::Signature)?;
    proof.verify_with_key(document, &key, provider).map_err(|_| WebvhFault::Signature)
}

/// did:webvh 1.0, Read (3): the next number, one dash, and the hash of the entry.
fn check_version_id(
    entry: &Entry,
    number: u64,
    predecessor: &str,
    provider: &dyn CryptoProvider,
) -> Result<(), WebvhFault> {
    let (stated, entry_hash) = entry.version_id.split_once('-').ok_or(WebvhFault::VersionId)?;
    if stated != number.to_string() || !multihash::is_sha256(entry_hash) {
        return Err(WebvhFault::VersionId);
    }
    if hash::entry_hash(&entry.signed, predecessor, provider)? != entry_hash {
        return Err(WebvhFault::EntryHash);
    }
    Ok(())
}

/// did:webvh 1.0, Read (6): the document's DID, of the SCID that every entry has.
fn subject(state: &Object, scid: &str, resolved: &str) -> Result<WebvhDid, WebvhFault> {
    let id = state.get("id").and_then(Value::as_str).ok_or(WebvhFault::ForeignScid)?;
    let did = Did::parse(id).map_err(|_| WebvhFault::ForeignScid)?;
    let subject = WebvhDid::parse(&did).map_err(|error| error.fault)?;
    if subject.scid() != scid || scid != resolved {
        return Err(WebvhFault::ForeignScid);
    }
    Ok(subject)
}

/// did:webvh 1.0, DID Portability: only with leave, and with the former DID in `alsoKnownAs`.
fn check_move(previous: &Version, subject: &WebvhDid, state: &Object) -> Result<(), WebvhFault> {
    let former = previous.document.id();
    if former == subject.did() {
        return Ok(());
    }
    let known = state.get("alsoKnownAs").and_then(Value::as_array);
    let names_former = known.is_some_and(|known| known.iter().any(|name| name == former.as_str()));
    if previous.parameters.portable && names_former { Ok(()) } else { Err(WebvhFault::Portability) }
}

/// The document with the services that every did:webvh has, unless it says otherwise.
fn document(
    mut state: Object,
    subject: &WebvhDid,
    provider: &dyn CryptoProvider,
) -> Result<DidDocument, WebvhFault> {
    super::services::add_implicit(&mut state, subject);
    DidDocument::from_members(subject.did(), state, provider).map_err(|_| WebvhFault::Document)
}

/// did:webvh 1.0, Verifying Witness Proofs During Resolution.
fn check_witnesses(
    versions: &[Version],
    file: Option<&[u8]>,
    provider: &dyn CryptoProvider,
) -> Result<(), LogError> {
    let mut proofs: Option<WitnessProofs> = None;
    for (at, version) in versions.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| versions.get(at)).unwrap_or(version);
        let Some(witnesses) = before.parameters.witnesses_of(&version.parameters) else {
            continue;
        };
        let proofs = match &mut proofs {
            Some(proofs) => proofs,
            None => {
                let file = file.ok_or(WebvhFault::WitnessFile)?;
                proofs.insert(WitnessProofs::read(file, versions, provider)?)
            }
        };
        if !proofs.approve(at, witnesses) {
            return Err(WebvhFault::WitnessThreshold.at(at + 1));
        }
    }
    Ok(())
}
