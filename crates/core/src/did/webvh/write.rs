//! Writing a log: the first entry and those after it (did:webvh 1.0, Create, Update and Deactivate).

use serde_json::{Value, json};
use thiserror::Error;

use super::{
    UnverifiedLog, VerifiedLog, WebvhDid, WebvhFault, Witnesses,
    hash::{self, PLACEHOLDER},
    parameters::METHOD,
    verify::next_version,
    versions::Version,
};
use crate::{
    Timestamp,
    crypto::{CryptoProvider, PublicKey, Signer, SignerError},
    data_integrity::{Cryptosuite, DataIntegrityError, ProofDraft},
    did::{Did, datetime, key, multihash},
    json::{self, Object},
};

/// Why an entry was not written.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum WriteError {
    /// The place is no domain name with path segments, or the DID would be too long.
    #[error("the place of the DID is not a domain name and a path")]
    Place,
    /// The document has an `id` that is not the DID's.
    #[error("the document has the id of another DID")]
    ForeignId,
    /// The entry would break a rule: no resolver would take it.
    #[error("the entry would be refused: {0}")]
    Refused(#[from] WebvhFault),
    /// The signer's key is not on Ed25519.
    #[error("the key is not on Ed25519")]
    KeyMismatch,
    /// The signer gave no signature.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

/// A DID that is about to be made.
#[derive(Clone, Debug)]
pub struct NewDid {
    place: String,
    document: Object,
    parameters: Object,
}

/// A signed entry: one line for the end of `did.jsonl`.
///
/// Where witnesses are named, their approvals are published first (did:webvh 1.0, DID Witnesses).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedEntry {
    /// The DID that the entry's document is about.
    pub did: Did,
    /// The entry's `versionId`: what witnesses approve.
    pub version_id: String,
    /// The line, with its line feed.
    pub line: String,
}

impl NewDid {
    /// A DID at a place: `example.com`, or `example.com%3A8080:dids:issuer`.
    ///
    /// The document may leave its `id` out; `{SCID}` in it stands for what is known only afterwards, as in
    /// `did:webvh:{SCID}:example.com#key`.
    pub fn at(place: &str, document: Object) -> Self {
        let mut parameters = Object::new();
        parameters.insert("method".to_owned(), METHOD.into());
        parameters.insert("scid".to_owned(), PLACEHOLDER.into());
        Self { place: place.to_owned(), document, parameters }
    }

    /// Commits to the keys of the next entry (pre-rotation).
    #[must_use]
    pub fn with_next_keys(self, keys: &[PublicKey], provider: &dyn CryptoProvider) -> Self {
        self.with("nextKeyHashes", hashes(keys, provider))
    }

    /// Lets the DID move to another place later.
    #[must_use]
    pub fn portable(self) -> Self {
        self.with("portable", json!(true))
    }

    /// Has every entry approved by witnesses, this one included.
    #[must_use]
    pub fn with_witnesses(self, witnesses: &Witnesses) -> Self {
        self.with("witness", witnesses.to_json())
    }

    /// Says how long a resolved document may serve, in seconds.
    #[must_use]
    pub fn with_ttl(self, seconds: u32) -> Self {
        self.with("ttl", json!(seconds))
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.parameters.insert(name.to_owned(), value);
        self
    }

    /// Makes the DID and its first entry, which the signer's key may update from now on.
    ///
    /// # Errors
    /// One [`WriteError`] per rule.
    pub async fn sign(
        self,
        signer: &dyn Signer,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<SignedEntry, WriteError> {
        let mut document = self.document;
        let id = Value::from(format!("did:webvh:{PLACEHOLDER}:{}", self.place));
        if document.get("id").is_some_and(|stated| *stated != id) {
            return Err(WriteError::ForeignId);
        }
        document.insert("id".to_owned(), id);
        let mut parameters = self.parameters;
        parameters.insert("updateKeys".to_owned(), multikeys(&[*signer.public_key()]));
        let entry = entry(PLACEHOLDER, now, parameters, document);
        // did:webvh 1.0, Create (5): the SCID over the placeholders, then in their place
        let scid = hash::hash(&entry, provider)?;
        let text = Value::Object(entry).to_string().replace(PLACEHOLDER, &scid);
        let entry = json::parse_object(text.as_bytes()).map_err(|_| WebvhFault::Malformed)?;
        let did = format!("did:webvh:{scid}:{}", self.place.replace(PLACEHOLDER, &scid));
        let did = Did::parse(&did).map_err(|_| WriteError::Place)?;
        WebvhDid::parse(&did).map_err(|_| WriteError::Place)?;
        finish(None, entry, &scid, signer, now, provider).await
    }
}

/// A change to a DID that is about to be made; what is not said stays as it is.
#[derive(Clone, Debug)]
pub struct NewEntry<'l> {
    log: &'l VerifiedLog,
    document: Object,
    parameters: Object,
}

impl VerifiedLog {
    /// The next entry of this log.
    ///
    /// The document starts as the one in force, without the services that every did:webvh has anyway.
    pub fn next_entry(&self) -> NewEntry<'_> {
        let mut document = self.last.document.to_json();
        if let Ok(subject) = WebvhDid::parse(self.last.document.id()) {
            super::services::remove_implicit(&mut document, &subject);
        }
        NewEntry { log: self, document, parameters: Object::new() }
    }
}

impl NewEntry<'_> {
    /// The document as it will be written.
    pub const fn document(&self) -> &Object {
        &self.document
    }

    /// Replaces the document; its `id` may be left out.
    #[must_use]
    pub fn with_document(mut self, document: Object) -> Self {
        self.document = document;
        self
    }

    /// Moves the DID to another place; its former name goes into `alsoKnownAs`.
    ///
    /// Only the DID itself is renamed; references in the document follow it.
    ///
    /// # Errors
    /// [`WriteError::Place`].
    pub fn moved_to(mut self, place: &str) -> Result<Self, WriteError> {
        let former = self.log.last.document.id();
        let scid = &self.log.last.parameters.scid;
        let did =
            Did::parse(&format!("did:webvh:{scid}:{place}")).map_err(|_| WriteError::Place)?;
        WebvhDid::parse(&did).map_err(|_| WriteError::Place)?;
        let mut names = match self.document.shift_remove("alsoKnownAs") {
            Some(Value::Array(names)) => names,
            _ => Vec::new(),
        };
        rename(&mut self.document, former.as_str(), did.as_str());
        if !names.contains(&json!(former)) {
            names.push(json!(former));
        }
        self.document.insert("alsoKnownAs".to_owned(), names.into());
        self.document.insert("id".to_owned(), json!(did));
        Ok(self)
    }

    /// Hands the right to update to other keys, from the next entry on; or, where keys were committed to,
    /// takes them up with this one.
    #[must_use]
    pub fn with_update_keys(self, keys: &[PublicKey]) -> Self {
        self.with("updateKeys", multikeys(keys))
    }

    /// Commits to the keys of the entry after this one; to none ends pre-rotation.
    #[must_use]
    pub fn with_next_keys(self, keys: &[PublicKey], provider: &dyn CryptoProvider) -> Self {
        self.with("nextKeyHashes", hashes(keys, provider))
    }

    /// Replaces the witnesses once this entry is published; none ends witnessing.
    #[must_use]
    pub fn with_witnesses(self, witnesses: Option<&Witnesses>) -> Self {
        self.with("witness", witnesses.map_or_else(|| json!({}), Witnesses::to_json))
    }

    /// Says how long a resolved document may serve, in seconds.
    #[must_use]
    pub fn with_ttl(self, seconds: u32) -> Self {
        self.with("ttl", json!(seconds))
    }

    /// Gives the DID up: no entry comes after this one.
    #[must_use]
    pub fn deactivated(self) -> Self {
        let closed = self.with("deactivated", json!(true));
        // did:webvh 1.0, Deactivate: no keys; while keys are committed to, these must be named
        if closed.log.last.parameters.next_key_hashes.is_empty() {
            closed.with("updateKeys", json!([]))
        } else {
            closed.with("nextKeyHashes", json!([]))
        }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.parameters.insert(name.to_owned(), value);
        self
    }

    /// Signs the entry with a key that may update the DID.
    ///
    /// # Errors
    /// One [`WriteError`] per rule; [`WebvhFault::NotAuthorised`] within it for a key that may not.
    pub async fn sign(
        self,
        signer: &dyn Signer,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<SignedEntry, WriteError> {
        let last = &self.log.last;
        let mut document = self.document;
        document.entry("id").or_insert_with(|| json!(last.document.id()));
        let entry = entry(&last.version_id, now, self.parameters, document);
        finish(Some(last), entry, &last.parameters.scid, signer, now, provider).await
    }
}

/// An entry before its own `versionId` and proof.
fn entry(previous: &str, now: Timestamp, parameters: Object, state: Object) -> Object {
    [
        ("versionId", Value::from(previous)),
        ("versionTime", datetime(now)),
        ("parameters", parameters.into()),
        ("state", state.into()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// did:webvh 1.0, Create (5.3 to 6), Update (4 to 9): the hash, the proof, the line; and our own judgement.
async fn finish(
    previous: Option<&Version>,
    mut entry: Object,
    scid: &str,
    signer: &dyn Signer,
    now: Timestamp,
    provider: &dyn CryptoProvider,
) -> Result<SignedEntry, WriteError> {
    let (number, predecessor) = match previous {
        None => (1, scid),
        Some(previous) => (previous.number + 1, previous.version_id.as_str()),
    };
    let version_id = format!("{number}-{}", hash::entry_hash(&entry, predecessor, provider)?);
    entry.insert("versionId".to_owned(), version_id.clone().into());
    let did_key = Did::from_key(signer.public_key());
    let method =
        did_key.with_fragment(did_key.method_specific_id()).map_err(|_| WriteError::KeyMismatch)?;
    let mut entry = ProofDraft::assertion(Cryptosuite::EddsaJcs2022, &method)
        .created(now)
        .secure(entry, signer, provider)
        .await
        .map_err(|error| match error {
            DataIntegrityError::Signer(error) => WriteError::Signer(error),
            DataIntegrityError::KeyMismatch => WriteError::KeyMismatch,
            _ => WriteError::Refused(WebvhFault::Malformed),
        })?;
    // did:webvh 1.0, The DID Log File: a list of proofs
    if let Some(proof) = entry.shift_remove("proof") {
        entry.insert("proof".to_owned(), json!([proof]));
    }
    let line = format!("{}\n", Value::Object(entry));
    let read = UnverifiedLog::parse(line.as_bytes()).map_err(|error| error.fault)?;
    let read = read.entries.into_iter().next().ok_or(WebvhFault::Empty)?;
    let version = next_version(previous, read, scid, now, provider)?;
    Ok(SignedEntry { did: version.document.id().clone(), version_id, line })
}

fn multikeys(keys: &[PublicKey]) -> Value {
    keys.iter().map(key::encode_multikey).collect()
}

/// did:webvh 1.0, Pre-Rotation Key Hash Generation: of the text of a key.
fn hashes(keys: &[PublicKey], provider: &dyn CryptoProvider) -> Value {
    keys.iter()
        .map(|key| multihash::sha256(key::encode_multikey(key).as_bytes(), provider))
        .collect()
}

/// Puts one DID in another's place, alone and in front of a fragment, path or query.
fn rename(members: &mut Object, former: &str, did: &str) {
    members.values_mut().for_each(|value| rename_value(value, former, did));
}

fn rename_value(value: &mut Value, former: &str, did: &str) {
    match value {
        Value::String(text) => {
            if let Some(rest) = text.strip_prefix(former)
                && (rest.is_empty() || rest.starts_with(['#', '/', '?']))
            {
                *text = format!("{did}{rest}");
            }
        }
        Value::Array(elements) => {
            elements.iter_mut().for_each(|element| rename_value(element, former, did));
        }
        Value::Object(members) => rename(members, former, did),
        _ => {}
    }
}
