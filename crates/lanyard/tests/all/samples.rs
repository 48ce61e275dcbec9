//! Every sample type in `examples/types` is served, offered with its own values and taken by a wallet.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use lanyard_core::{
    crypto::{Curve, PublicKey},
    did::Did,
    jose::Jwk,
};
use serde_json::Value;

use crate::circle::STARTED;
use crate::stores;

/// A server with every sample; it stops when dropped.
struct Served {
    process: Child,
    folder: tempfile::TempDir,
    port: u16,
    did: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn samples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/types");
    let files = std::fs::read_dir(folder).expect("the samples are there");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    files
}

fn binary(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    command.args(arguments);
    command
}

fn json(output: &Output) -> Value {
    let parsed = serde_json::from_slice(&output.stdout);
    assert!(parsed.is_ok(), "no JSON: {output:?}");
    parsed.expect("it was just looked at")
}

impl Served {
    fn start() -> Self {
        let port = lanyard_testkit::free_port();
        let folder = tempfile::tempdir().expect("a folder");
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).expect("a file can be written");
        };
        write("api-key", &"k".repeat(40));
        // W3C credentials are issued by a DID, which the wallet believes
        let key = rcgen::KeyPair::generate().expect("a key can be made");
        let point = PublicKey::from_uncompressed(Curve::P256, key.public_key_raw());
        let did = Did::from_jwk(&Jwk::new(point.expect("a point on P-256"))).to_string();
        write("did.key", &key.serialize_pem());
        // a type that is an address: its metadata are served there
        let badge = samples().into_iter().find(|file| file.ends_with("badge.json"));
        let badge = std::fs::read_to_string(badge.expect("the badge")).expect("text");
        let address = format!("http://localhost:{port}/acme/types/served_badge");
        let badge = badge.replace("\"id\": \"badge\"", "\"id\": \"served_badge\"");
        write("served_badge.json", &badge.replace("urn:example:badge:1", &address));
        let mut types: Vec<_> = samples().iter().map(|file| format!("{file:?}")).collect();
        types.push("\"served_badge.json\"".to_owned());
        write(
            "lanyard.toml",
            &format!(
                "mode = \"development\"\nbase_url = \"http://localhost:{port}\"\n\
                 listen = \"127.0.0.1:{port}\"\ndata = \"data\"\n{}[issuer]\n[[tenants]]\n\
                 id = \"acme\"\nname = \"Acme\"\napi_key_files = [\"api-key\"]\n\
                 status_lists = {{ ttl_seconds = 60 }}\ncredential_types = [{}]\n\
                 did_signing = {{ verification_method = \"{did}#0\", key = \"did.key\" }}\n",
                stores::section(folder.path()),
                types.join(", ")
            ),
        );
        for name in ["api-key", "did.key"] {
            let private = std::fs::Permissions::from_mode(0o600);
            std::fs::set_permissions(folder.path().join(name), private).expect("its own file");
        }
        let process = binary(&["serve", "--config"])
            .arg(folder.path().join("lanyard.toml"))
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let served = Self { process, folder, port, did };
        let begun = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < STARTED, "the server does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
        served
    }

    /// Offers one with its own values, and takes it: the card that the wallet has.
    fn issue(&self, id: &str, sample: &Value) -> Value {
        let offer = binary(&["offer", "--type", id, "--tenant", "acme", "--json", "--server"])
            .arg(format!("http://localhost:{}", self.port))
            .arg("--api-key-file")
            .arg(self.folder.path().join("api-key"))
            .args(["--claims", &values(sample).to_string()])
            .output()
            .expect("the binary runs");
        let link = json(&offer)["link"].as_str().map(str::to_owned);
        assert!(link.is_some(), "{id}: {offer:?}");
        let link = link.expect("a link");
        let taken = binary(&["wallet", "accept", &link, "--yes", "--json", "--allow-http"])
            .arg(format!("localhost:{}", self.port))
            .arg("--home")
            .arg(self.folder.path().join("wallet"))
            .arg("--trust-anchor")
            .arg(self.folder.path().join("data/ca.pem"))
            .args(["--trust-did", &self.did])
            .output()
            .expect("the binary runs");
        assert!(taken.status.success(), "{id}: {taken:?}");
        json(&taken)
    }
}

/// The values that a sample brings, as nested as their paths.
fn values(sample: &Value) -> Value {
    let mut values = Value::Object(serde_json::Map::new());
    for claim in sample["claims"].as_array().expect("claims") {
        let path = claim["path"].as_array().expect("a path").iter();
        let place = path.fold(&mut values, |place, name| &mut place[name.as_str().expect("text")]);
        *place = claim["sample"].clone();
    }
    values
}

#[test]
fn every_sample_is_issued_with_its_own_values_and_taken() {
    let served = Served::start();
    let mut formats = BTreeSet::new();
    for file in samples() {
        let text = std::fs::read_to_string(&file).expect("text");
        let sample: Value = serde_json::from_str(&text).expect("JSON");
        let id = sample["id"].as_str().expect("an id");
        assert_eq!(file.file_stem().and_then(|name| name.to_str()), Some(id));
        formats.insert(sample["format"].as_str().unwrap_or("dc+sd-jwt").to_owned());
        let ids = if id == "badge" { vec![id, "served_badge"] } else { vec![id] };
        for id in ids {
            let taken = served.issue(id, &sample);
            assert_eq!(taken["cards"].as_array().map(Vec::len), Some(1), "{id}: {taken}");
        }
    }
    let formats: Vec<_> = formats.iter().map(String::as_str).collect();
    assert_eq!(formats, ["dc+sd-jwt", "jwt_vc_json", "ldp_vc", "mso_mdoc"]);
}
