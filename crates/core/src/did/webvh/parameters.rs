//! The parameters of a log and how they pass from entry to entry (did:webvh 1.0, DID Method Parameters).

use serde_json::{Value, json};

use super::WebvhFault;
use crate::{
    crypto::{CryptoProvider, PublicKey},
    did::{Did, key, multihash},
    json::Object,
};

/// The one version of the method that is spoken here.
pub(super) const METHOD: &str = "did:webvh:1.0";

/// How long a resolved document may serve when the log does not say: one hour.
const DEFAULT_TTL: u32 = 3600;

/// The most keys, hashes, witnesses or watchers of one entry.
const MAX_LIST: usize = 64;

/// The parameters in force at an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Parameters {
    pub(super) scid: String,
    pub(super) update_keys: Vec<String>,
    pub(super) next_key_hashes: Vec<String>,
    pub(super) witnesses: Option<Witnesses>,
    pub(super) watchers: Vec<String>,
    pub(super) portable: bool,
    pub(super) deactivated: bool,
    pub(super) ttl: u32,
}

/// Who approves new entries, and how many of them it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witnesses {
    threshold: usize,
    /// The keys, each once, as their multibase text.
    keys: Vec<String>,
}

impl Parameters {
    /// Reads the parameters of the first entry.
    pub(super) fn first(
        stated: &Object,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, WebvhFault> {
        // did:webvh 1.0, method: in the first entry always
        if !stated.contains_key("method") {
            return Err(WebvhFault::Method);
        }
        let scid = stated.get("scid").and_then(Value::as_str).ok_or(WebvhFault::ScidPlace)?;
        if !multihash::is_sha256(scid) {
            return Err(WebvhFault::Scid);
        }
        if !stated.get("updateKeys").is_some_and(Value::is_array) {
            return Err(WebvhFault::Parameter("updateKeys"));
        }
        let mut parameters = Self {
            scid: scid.to_owned(),
            update_keys: Vec::new(),
            next_key_hashes: Vec::new(),
            witnesses: None,
            watchers: Vec::new(),
            portable: false,
            deactivated: false,
            ttl: DEFAULT_TTL,
        };
        parameters.read(stated, provider)?;
        Ok(parameters)
    }

    /// Reads the parameters of the entry after this one; what it leaves out stays as it is.
    pub(super) fn next(
        &self,
        stated: &Object,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, WebvhFault> {
        // did:webvh 1.0, deactivated: no further updates are permitted
        if self.deactivated {
            return Err(WebvhFault::AfterDeactivation);
        }
        if stated.contains_key("scid") {
            return Err(WebvhFault::ScidPlace);
        }
        if stated.get("portable") == Some(&Value::Bool(true)) {
            return Err(WebvhFault::PortableLater);
        }
        let mut next = self.clone();
        next.read(stated, provider)?;
        if !self.next_key_hashes.is_empty() {
            // did:webvh 1.0, nextKeyHashes: nothing is inherited while keys are committed to
            let written_out = |name| stated.get(name).is_some_and(Value::is_array);
            if !written_out("updateKeys") || !written_out("nextKeyHashes") {
                return Err(WebvhFault::PreRotationOmitted);
            }
            // did:webvh 1.0, Read (7): every key, not only those that are new
            let committed = |key: &String| {
                self.next_key_hashes.contains(&multihash::sha256(key.as_bytes(), provider))
            };
            if !next.update_keys.iter().all(committed) {
                return Err(WebvhFault::PreRotationHash);
            }
        }
        Ok(next)
    }

    /// The keys that may sign the entry after this one, whose own parameters are `next`.
    pub(super) fn authorised<'p>(&'p self, next: &'p Self) -> &'p [String] {
        // did:webvh 1.0, Authorized Keys: those of the entry before, unless they were committed to there
        if self.next_key_hashes.is_empty() { &self.update_keys } else { &next.update_keys }
    }

    /// The witnesses of the entry after this one, whose own parameters are `next`.
    pub(super) fn witnesses_of<'p>(&'p self, next: &'p Self) -> Option<&'p Witnesses> {
        // did:webvh 1.0, witness: a first list is active at once, a replacement after its entry
        self.witnesses.as_ref().or(next.witnesses.as_ref())
    }

    fn read(&mut self, stated: &Object, provider: &dyn CryptoProvider) -> Result<(), WebvhFault> {
        for (name, value) in stated {
            match (name.as_str(), value) {
                // did:webvh 1.0, method: exactly one of the supported values, never downgraded
                ("method", value) if value == METHOD => {}
                ("method", _) => return Err(WebvhFault::Method),
                ("scid", Value::String(_)) => {}
                ("scid", _) => return Err(WebvhFault::ScidPlace),
                ("updateKeys", Value::Null) => {}
                ("updateKeys", value) => self.update_keys = texts(value, "updateKeys")?,
                ("nextKeyHashes", value) => self.next_key_hashes = texts(value, "nextKeyHashes")?,
                ("watchers", value) => self.watchers = texts(value, "watchers")?,
                ("witness", value) => self.witnesses = Witnesses::read(value, provider)?,
                ("portable", Value::Bool(portable)) => self.portable = *portable,
                ("portable", Value::Null) => {}
                ("portable", _) => return Err(WebvhFault::Parameter("portable")),
                ("deactivated", Value::Bool(deactivated)) => self.deactivated = *deactivated,
                ("deactivated", Value::Null) => {}
                ("deactivated", _) => return Err(WebvhFault::Parameter("deactivated")),
                ("ttl", Value::Null) => self.ttl = DEFAULT_TTL,
                ("ttl", value) => {
                    // did:webvh 1.0, ttl: an unsigned integer up to 2^31
                    let ttl = value.as_u64().filter(|ttl| *ttl <= 1 << 31);
                    let ttl = ttl.and_then(|ttl| u32::try_from(ttl).ok());
                    self.ttl = ttl.ok_or(WebvhFault::Parameter("ttl"))?;
                }
                // did:webvh 1.0, DID Method Parameters: only those that the version defines
                _ => return Err(WebvhFault::UnknownParameter),
            }
        }
        Ok(())
    }
}

/// A list of texts; `null` stands for an empty one in older logs (did:webvh 1.0, General Rules, note).
fn texts(value: &Value, name: &'static str) -> Result<Vec<String>, WebvhFault> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(entries) if entries.len() <= MAX_LIST => entries
            .iter()
            .map(|entry| entry.as_str().map(str::to_owned).ok_or(WebvhFault::Parameter(name)))
            .collect(),
        _ => Err(WebvhFault::Parameter(name)),
    }
}

impl Witnesses {
    /// The holders of these Ed25519 keys, of whom so many approve an entry.
    ///
    /// # Errors
    /// [`WebvhFault::Witnesses`] when a key is of another curve or comes twice, and when the threshold is
    /// not from 1 to their number.
    pub fn new(threshold: usize, keys: &[PublicKey]) -> Result<Self, WebvhFault> {
        let is_edwards = |key: &PublicKey| matches!(key, PublicKey::Ed25519(_));
        if !keys.iter().all(is_edwards) {
            return Err(WebvhFault::Witnesses);
        }
        Self::of(threshold, keys.iter().map(key::encode_multikey).collect())
    }

    fn of(threshold: usize, keys: Vec<String>) -> Result<Self, WebvhFault> {
        // did:webvh 1.0, The witness Parameter: distinct, and from 1 to all of them
        let distinct = keys.iter().enumerate().all(|(at, key)| !keys[..at].contains(key));
        if !distinct || threshold < 1 || threshold > keys.len() || keys.len() > MAX_LIST {
            return Err(WebvhFault::Witnesses);
        }
        Ok(Self { threshold, keys })
    }

    fn read(value: &Value, provider: &dyn CryptoProvider) -> Result<Option<Self>, WebvhFault> {
        let members = match value {
            Value::Null => return Ok(None),
            Value::Object(members) if members.is_empty() => return Ok(None),
            Value::Object(members) => members,
            _ => return Err(WebvhFault::Witnesses),
        };
        let threshold = members.get("threshold").and_then(Value::as_u64);
        let threshold = threshold.and_then(|threshold| usize::try_from(threshold).ok());
        let listed = members.get("witnesses").and_then(Value::as_array);
        let keys = listed.ok_or(WebvhFault::Witnesses)?.iter().map(|witness| {
            let id = witness.get("id").and_then(Value::as_str)?;
            let did = Did::parse(id).ok().filter(|did| did.method() == "key")?;
            // did:webvh 1.0, The witness Parameter: a key of another kind is refused here, not later
            let multibase = did.method_specific_id();
            ed25519(multibase, provider).map(|_| multibase.to_owned())
        });
        let keys: Option<Vec<_>> = keys.take(MAX_LIST + 1).collect();
        let threshold = threshold.ok_or(WebvhFault::Witnesses)?;
        Self::of(threshold, keys.ok_or(WebvhFault::Witnesses)?).map(Some)
    }

    /// How many approvals an entry needs.
    pub const fn threshold(&self) -> usize {
        self.threshold
    }

    /// The multibase texts of the witnesses' keys.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// The parameter as it is written, the threshold as a number.
    pub(super) fn to_json(&self) -> Value {
        json!({"threshold": self.threshold, "witnesses": self.ids()})
    }

    /// The metadata as it is written, the threshold as text (did:webvh 1.0, Read).
    pub(super) fn to_metadata(&self) -> Value {
        json!({"threshold": self.threshold.to_string(), "witnesses": self.ids()})
    }

    fn ids(&self) -> Vec<Value> {
        self.keys.iter().map(|key| json!({"id": format!("did:key:{key}")})).collect()
    }
}

/// An Ed25519 key from its multibase text: the only kind that eddsa-jcs-2022 has.
pub(super) fn ed25519(multibase: &str, provider: &dyn CryptoProvider) -> Option<PublicKey> {
    let key = key::decode_multikey(multibase, provider).ok()?;
    matches!(key, PublicKey::Ed25519(_)).then_some(key)
}
