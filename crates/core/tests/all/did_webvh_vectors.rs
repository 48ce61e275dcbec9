//! did:webvh: the official logs of five implementations, and the logs that must be refused.

use std::{fs, path::PathBuf};

use lanyard_core::{
    Timestamp,
    crypto::{AwsLc, CryptoProvider, RustCrypto},
    did::{
        Did, ResolutionError, ResolutionOptions, Version,
        webvh::{LogError, UnverifiedLog, VerifiedLog, WebvhDid, WebvhFault},
    },
};
use lanyard_testkit::vectors;
use serde_json::{Value, json};

const PROVIDERS: [&dyn CryptoProvider; 2] = [&RustCrypto, &AwsLc];

/// Some of the logs were written in May 2026.
fn now() -> Timestamp {
    "2027-01-01T00:00:00Z".parse().expect("a time")
}

/// One log of one implementation.
struct Published {
    scenario: String,
    maker: String,
    folder: PathBuf,
}

impl Published {
    fn all(negative: bool) -> Vec<Self> {
        let sub = |folder: PathBuf| {
            let entries = fs::read_dir(folder).expect("a folder of vectors");
            let mut folders: Vec<_> =
                entries.map(|entry| entry.expect("an entry").path()).collect();
            folders.retain(|path| path.is_dir());
            folders.sort();
            folders
        };
        let name = |path: &PathBuf| {
            path.file_name().expect("it has a name").to_string_lossy().into_owned()
        };
        let scenarios = sub(vectors::folder().join("did-webvh/vectors"));
        let of = |scenario: PathBuf| {
            let makers = sub(scenario.clone());
            makers.into_iter().map(move |folder| Self {
                scenario: name(&scenario),
                maker: name(&folder),
                folder,
            })
        };
        let all = scenarios.into_iter().flat_map(of);
        all.filter(|log| log.scenario.starts_with("negative-") == negative).collect()
    }

    fn file(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(name)).ok()
    }

    fn entry(&self, at: usize) -> Value {
        let bytes = self.file("did.jsonl").expect("every scenario has a log");
        let lines: Vec<_> = bytes.trim_ascii().split(|byte| *byte == b'\n').collect();
        serde_json::from_slice(lines[at.min(lines.len() - 1)]).expect("an entry is JSON")
    }

    fn verify(&self, did: &str) -> Result<VerifiedLog, LogError> {
        let did = Did::parse(did).expect("a DID");
        let witnesses = self.file("did-witness.json");
        let bytes = self.file("did.jsonl").expect("every scenario has a log");
        let [one, other] = PROVIDERS.map(|provider| {
            let log = UnverifiedLog::parse(&bytes)?;
            assert_eq!(log.names_witnesses(), witnesses.is_some() || self.lacks_witnesses());
            log.verify(&WebvhDid::parse(&did)?, witnesses.as_deref(), now(), provider)
        });
        assert_eq!(one.as_ref().err(), other.as_ref().err(), "the providers agree");
        one
    }

    fn lacks_witnesses(&self) -> bool {
        self.scenario.contains("witness-ids") || self.scenario.contains("witness-threshold")
    }

    /// What is wrong with the published log itself, by did:webvh 1.0.
    fn known_error(&self) -> Option<(usize, WebvhFault)> {
        match (self.scenario.as_str(), self.maker.as_str()) {
            // the ids of its witnesses are keys, and no did:keys (The witness Parameter)
            ("witness-threshold" | "witness-update", "rust") => Some((1, WebvhFault::Witnesses)),
            // the replacement list approves the entry that brings it (Witness Lists)
            ("witness-update", _) => Some((2, WebvhFault::WitnessThreshold)),
            _ => None,
        }
    }
}

/// A document with absolute service ids and slashes at the end of hosts, as implementations differ there.
fn normal(document: &Value) -> Value {
    let mut document = document.clone();
    let did = document["id"].as_str().unwrap_or_default().to_owned();
    for service in document["service"].as_array_mut().into_iter().flatten() {
        if let Some(id) = service["id"].as_str()
            && ["#files", "#whois"].contains(&id)
        {
            service["id"] = json!(format!("{did}{id}"));
        }
        if service["type"] == "relativeRef"
            && let Some(endpoint) = service["serviceEndpoint"].as_str()
        {
            service["serviceEndpoint"] = json!(format!("{}/", endpoint.trim_end_matches('/')));
        }
    }
    document
}

fn judge(log: &VerifiedLog, options: &ResolutionOptions, expected: &Value, name: &str) {
    let result = log.resolve(options).expect("the version exists").to_json("application/did");
    for member in
        ["created", "updated", "versionId", "versionTime", "scid", "portable", "deactivated"]
    {
        let expected = &expected["didDocumentMetadata"][member];
        // of an earlier version, some say when that one was updated
        let free = member == "updated" && options.version.is_some();
        if !expected.is_null() && !free {
            assert_eq!(&result["didDocumentMetadata"][member], expected, "{name} {member}");
        }
    }
    // did:webvh 1.0, Deactivate: no document, where the published results have one
    if log.is_deactivated() {
        assert_eq!(result["didDocument"], Value::Null, "{name}");
    } else {
        assert_eq!(normal(&result["didDocument"]), normal(&expected["didDocument"]), "{name}");
    }
}

#[test]
fn resolves_every_published_log_to_its_published_result() {
    if !vectors::available("did-webvh") {
        return;
    }
    let (mut resolved, mut refused) = (0, 0);
    for published in Published::all(false) {
        let name = format!("{}/{}", published.scenario, published.maker);
        let last = published.entry(usize::MAX);
        let outcome = published.verify(last["state"]["id"].as_str().unwrap());
        if let Some((entry, fault)) = published.known_error() {
            assert_eq!(outcome.err(), Some(LogError { entry, fault }), "{name}");
            refused += 1;
            continue;
        }
        let log = outcome.unwrap();
        for (file, version) in [
            ("resolutionResult.json", None),
            ("resolutionResult.1.json", Some(Version::Number(1))),
            ("resolutionResult.2.json", Some(Version::Number(2))),
        ] {
            let Some(expected) = published.file(file) else { continue };
            let expected = serde_json::from_slice(&expected).unwrap();
            // one gives the latest version, whichever is asked for
            let version = version.filter(|_| published.maker != "python");
            judge(&log, &ResolutionOptions { version }, &expected, &format!("{name} {file}"));
            resolved += 1;
        }
    }
    assert_eq!((resolved, refused), (68, 6));
}

#[test]
fn refuses_every_log_that_is_published_to_be_refused() {
    if !vectors::available("did-webvh") {
        return;
    }
    for published in Published::all(true) {
        if published.file("did.jsonl").is_some_and(|log| log.is_empty()) {
            continue;
        }
        let first = published.entry(0);
        let did = first["state"]["id"].as_str().unwrap();
        let expected = match published.scenario.trim_start_matches("negative-") {
            "cross-did-witness-replay" => (2, WebvhFault::WitnessThreshold),
            "did-key-body-fragment-mismatch" | "wrong-cryptosuite" => (1, WebvhFault::Proof),
            "duplicate-witness-ids" | "zero-witness-threshold" => (1, WebvhFault::Witnesses),
            // the attacker's SCID is no multihash
            "portable-scid-swap" => (2, WebvhFault::Scid),
            "pre-rotation-omit-updatekeys" => (2, WebvhFault::PreRotationOmitted),
            "scid-mismatch-genesis" => (1, WebvhFault::ScidHash),
            "unknown-method-version" => (1, WebvhFault::Method),
            "versiontime-future" => (2, WebvhFault::VersionTimeFuture),
            "versiontime-non-monotonic" => (2, WebvhFault::VersionTimeOrder),
            other => unreachable!("a scenario without a verdict: {other}"),
        };
        let scid = first["parameters"]["scid"].as_str().unwrap();
        let did = format!("did:webvh:{scid}:{}", did.rsplit_once(':').unwrap().1);
        let outcome = published.verify(&did).err();
        let expected = LogError { entry: expected.0, fault: expected.1 };
        assert_eq!(outcome, Some(expected), "{}", published.scenario);
    }
}

const SCID: &str = "QmfGEUAcMpzo25kF2Rhn8L6FAXysfGnkzjwdKoNPi615XQ";

#[test]
fn refuses_every_identifier_that_is_published_to_be_refused() {
    if !vectors::available("did-webvh") {
        return;
    }
    let mut judged = 0;
    for published in Published::all(true) {
        let script = fs::read_to_string(published.folder.join("../script.yaml")).unwrap();
        let dids = script.lines().filter_map(|line| line.trim().strip_prefix("did: \""));
        for did in dids.map(|line| line.trim_end_matches('"')) {
            // with a good SCID, so that the place alone is to blame
            let did = did.replace("Qm0000000000000000000000000000000000000000000000", SCID);
            let outcome = Did::parse(&did)
                .map_err(|_| ResolutionError::InvalidDid)
                .and_then(|did| WebvhDid::parse(&did).map_err(ResolutionError::from));
            let expected = match did.as_str() {
                did if did.contains('#') => ResolutionError::InvalidDid,
                did if did.contains("admin") || did.contains("%2Fb") => {
                    LogError { entry: 0, fault: WebvhFault::Path }.into()
                }
                _ => LogError { entry: 0, fault: WebvhFault::Host }.into(),
            };
            assert_eq!(outcome, Err(expected), "{did}");
            judged += 1;
        }
    }
    assert_eq!(judged, 9);
}

#[test]
fn every_official_did_maps_to_its_official_url() {
    if !vectors::available("did-webvh") {
        return;
    }
    for pair in vectors::json("did-webvh/did_to_url.json").as_array().unwrap() {
        // a DID is ASCII: what is not is percent-encoded (DID 1.1 §3.1)
        let encoded: String = pair["did"].as_str().unwrap().replace("{SCID}", SCID).bytes().fold(
            String::new(),
            |text, byte| match byte.is_ascii() {
                true => text + &char::from(byte).to_string(),
                false => text + &format!("%{byte:02X}"),
            },
        );
        let did = WebvhDid::parse(&Did::parse(&encoded).unwrap()).unwrap();
        assert_eq!(did.log_url().as_str(), pair["url"], "{encoded}");
        let beside = did.log_url().as_str().replace("did.jsonl", "did-witness.json");
        assert_eq!(did.witness_url().as_str(), beside);
    }
}
