//! did:webvh logs for tests, good or broken in one place.

use std::sync::Arc;

use lanyard_core::{
    crypto::{CryptoProvider, Curve, HashAlgorithm, RustCrypto, SoftwareSigner},
    data_integrity::{Cryptosuite, ProofDraft},
    did::{
        Did, DidUrl,
        webvh::{LogError, UnverifiedLog, VerifiedLog, WebvhDid, WebvhFault},
    },
    json::{Object, canonicalize_object},
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::did_support::now;

pub(crate) fn signer() -> SoftwareSigner {
    signer_on(Curve::Ed25519)
}

pub(crate) fn signer_on(curve: Curve) -> SoftwareSigner {
    let key = RustCrypto.generate_key(curve).expect("a key can be made");
    SoftwareSigner::new(&RustCrypto, &key).expect("a good key")
}

pub(crate) fn multibase(signer: &SoftwareSigner) -> String {
    use lanyard_core::crypto::Signer as _;
    Did::from_key(signer.public_key()).method_specific_id().to_owned()
}

pub(crate) fn multihash(message: &[u8]) -> String {
    let digest = RustCrypto.hash(HashAlgorithm::Sha256, message);
    bs58::encode([&[0x12, 0x20], digest.as_bytes()].concat()).into_string()
}

fn hash(entry: &Object) -> String {
    multihash(canonicalize_object(entry).expect("a test entry is canonical").as_bytes())
}

/// A log that is about to be hashed and signed: two entries, good as they are.
pub(crate) struct Draft {
    /// Without `versionId` and `proof`; `{SCID}` stands for the SCID everywhere.
    pub(crate) entries: Vec<Value>,
    /// Who signs which entry.
    pub(crate) signers: Vec<Arc<SoftwareSigner>>,
    pub(crate) key: Arc<SoftwareSigner>,
    /// Another SCID than the hash.
    pub(crate) scid: Option<String>,
}

pub(crate) const PLACE: &str = "issuer.example:dids";

impl Draft {
    pub(crate) fn good() -> Self {
        Self::by(signer())
    }

    /// By somebody with this key.
    pub(crate) fn by(key: SoftwareSigner) -> Self {
        let key = Arc::new(key);
        let entry = |day: u8, parameters: Value| {
            json!({
                "versionTime": format!("2025-01-0{day}T00:00:00Z"),
                "parameters": parameters,
                "state": {
                    "@context": ["https://www.w3.org/ns/did/v1"],
                    "id": format!("did:webvh:{{SCID}}:{PLACE}"),
                },
            })
        };
        let first = json!({
            "method": "did:webvh:1.0", "scid": "{SCID}", "updateKeys": [multibase(&key)],
        });
        let entries = vec![entry(1, first), entry(2, json!({}))];
        Self { entries, signers: vec![key.clone(), key.clone()], key, scid: None }
    }

    /// Another entry like the last one, a day later.
    pub(crate) fn and(mut self, parameters: Value) -> Self {
        let mut entry = self.entries.last().expect("a log has an entry").clone();
        entry["versionTime"] = json!(format!("2025-01-0{}T00:00:00Z", self.entries.len() + 1));
        entry["parameters"] = parameters;
        self.entries.push(entry);
        self.signers.push(self.key.clone());
        self
    }

    /// Hashes and signs everything as it is, right or wrong.
    pub(crate) fn sealed(self) -> Sealed {
        let object = |value: &Value| value.as_object().expect("an entry is an object").clone();
        let mut first = object(&self.entries[0]);
        first.insert("versionId".to_owned(), json!("{SCID}"));
        let scid = self.scid.unwrap_or_else(|| hash(&first));
        let mut previous = scid.clone();
        let mut entries = Vec::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let text = entry.to_string().replace("{SCID}", &scid);
            let mut entry = object(&serde_json::from_str(&text).expect("it is JSON still"));
            entry.insert("versionId".to_owned(), json!(previous));
            previous = format!("{}-{}", at + 1, hash(&entry));
            entry.insert("versionId".to_owned(), json!(previous));
            entries.push(sign(entry, &self.signers[at]));
        }
        Sealed { scid, entries }
    }
}

pub(crate) fn sign(mut entry: Object, signer: &SoftwareSigner) -> Value {
    entry.remove("proof");
    let key = multibase(signer);
    let method = DidUrl::parse(&format!("did:key:{key}#{key}")).expect("a DID URL");
    let draft = ProofDraft::assertion(Cryptosuite::EddsaJcs2022, &method);
    Value::Object(now(draft.secure(entry, signer, &RustCrypto)).expect("a good signer"))
}

/// A log as it is published.
pub(crate) struct Sealed {
    pub(crate) scid: String,
    pub(crate) entries: Vec<Value>,
}

impl Sealed {
    pub(crate) fn did(&self) -> WebvhDid {
        let did = Did::parse(&format!("did:webvh:{}:{PLACE}", self.scid)).expect("a DID");
        WebvhDid::parse(&did).expect("a good place")
    }

    pub(crate) fn text(&self) -> String {
        self.entries.iter().map(|entry| format!("{entry}\n")).collect()
    }

    pub(crate) fn verify_with(&self, witnesses: Option<&[u8]>) -> Result<VerifiedLog, LogError> {
        let log = UnverifiedLog::parse(self.text().as_bytes())?;
        log.verify(&self.did(), witnesses, test_now(), &RustCrypto)
    }

    pub(crate) fn refusal(&self) -> LogError {
        self.verify_with(None).expect_err("this log is refused")
    }
}

pub(crate) fn refusal(change: impl FnOnce(&mut Draft)) -> LogError {
    let mut draft = Draft::good();
    change(&mut draft);
    draft.sealed().refusal()
}

/// Changes a sealed log, which stays signed as it was.
pub(crate) fn tampered(change: impl FnOnce(&mut Vec<Value>)) -> LogError {
    let mut sealed = Draft::good().sealed();
    change(&mut sealed.entries);
    sealed.refusal()
}

pub(crate) const fn fault(entry: usize, fault: WebvhFault) -> LogError {
    LogError { entry, fault }
}
