//! `lanyard issue` and `lanyard verify` from files, in every format.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use base64::Engine as _;
use lanyard_core::{credential::Format, jose::PrivateJwk};
use lanyard_testkit::{LeafOptions, TestCa};
use serde_json::Value;
use tempfile::TempDir;

const EXAMPLES: &str = "https://www.w3.org/ns/credentials/examples/v2";

/// A folder with an mdoc signer's certificate, its authority's, and keys that are made on first use.
struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = TestCa::iaca("Utopia IACA", "UT");
        let leaf = authority.leaf(&LeafOptions::mdoc_signer("Utopia DS", "UT"));
        let desk = Self { folder };
        desk.write("authority.pem", &pem(authority.anchor_der()));
        desk.write("signer.pem", &pem(&leaf.chain[0]));
        let key = PrivateJwk { key: leaf.key, kid: None };
        desk.write("signer.jwk", &key.danger_to_json());
        fs::set_permissions(desk.path("signer.jwk"), fs::Permissions::from_mode(0o600))
            .expect("the owner may");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("the folder can be written");
    }

    fn run(&self, arguments: &[&str]) -> Output {
        lanyard(self.folder.path(), arguments)
    }

    /// Issues a credential of this format into a file of its name; gives what the command printed.
    fn issue(&self, format: Format) -> String {
        let (kind, claims) = match format {
            Format::SdJwtVc => ("urn:example:badge:1", r#"{"name":"Ada"}"#),
            Format::MsoMdoc => (
                "org.iso.18013.5.1.mDL",
                r#"{"org.iso.18013.5.1":{"family_name":"Ada","issuing_country":"UT"}}"#,
            ),
            _ => ("Badge", r#"{"name":"Ada"}"#),
        };
        self.write("claims.json", claims);
        let mut arguments = vec!["issue", "--format", format.name(), "--type", kind];
        if format == Format::MsoMdoc {
            // the holder's key, which any command makes that needs a key
            self.run(&["issue", "--format", "vc+jwt", "--type", "A", "--key", "holder.jwk", "{}"]);
            arguments.extend(["--key", "signer.jwk", "--certificate", "signer.pem"]);
            arguments.extend(["--holder", "holder.jwk"]);
        } else {
            arguments.extend(["--key", "issuer.jwk"]);
        }
        if matches!(format, Format::LdpVc | Format::VcJwt | Format::VcSdJwt) {
            arguments.extend(["--context", EXAMPLES]);
        }
        arguments.push("@claims.json");
        let output = self.run(&arguments);
        assert_eq!(output.status.code(), Some(0), "{format}: {}", said(&output));
        let text = String::from_utf8(output.stdout).expect("text");
        self.write("credential", &text);
        text
    }

    /// The did:key of the key that issues everything but mdoc.
    fn issuer(&self, credential: &str) -> String {
        let output = self.run(&["inspect", "--json", credential.trim()]);
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        let start = shown.find("did:key:").expect("the issuer is a did:key");
        shown[start..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == ':').collect()
    }
}

fn pem(der: &[u8]) -> String {
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    // RFC 7468 §2: lines of 64 characters
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let body = lines.join("\n");
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}

fn lanyard(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lanyard"))
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("the binary runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

#[test]
fn every_format_is_issued_and_verified_from_files() {
    let desk = Desk::new();
    for format in Format::ALL {
        let credential = desk.issue(*format);
        let issuer = match format {
            Format::MsoMdoc => String::new(),
            _ => desk.issuer(&credential),
        };
        let trust = match format {
            Format::MsoMdoc => ["--trust-anchor", "authority.pem"],
            _ => ["--trust-did", &issuer],
        };
        let output = desk.run(&[&["verify", "--json", "@credential"][..], &trust].concat());
        assert_eq!(output.status.code(), Some(0), "{format}: {}", said(&output));
        let verdict: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(verdict["verdict"], "verified");
        assert_eq!(verdict["format"], format.name());
        assert!(verdict["claims"].to_string().contains("Ada"), "{format}");

        let output = desk.run(&["verify", "--json", "@credential"]);
        assert_eq!(output.status.code(), Some(3), "nobody is trusted: {}", said(&output));
        let verdict: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(verdict["reason"], "issuer_not_trusted", "{format}");

        let asked = [&["verify", "@credential", "--type", "urn:other"][..], &trust].concat();
        let output = desk.run(&asked);
        assert_eq!(output.status.code(), Some(3), "{format}");
        assert!(said(&output).contains("credential_wrong_type"), "{format}");
    }
}

#[test]
fn every_format_can_be_inspected_by_whoever_trusts_nobody() {
    let desk = Desk::new();
    for format in Format::ALL {
        let credential = desk.issue(*format);
        let output = desk.run(&["inspect", "--json", credential.trim()]);
        assert_eq!(output.status.code(), Some(0), "{format}: {}", said(&output));
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert!(report["parts"].to_string().contains("Ada"), "{format}");
        let changed = credential.trim().replacen("Ada", "Eve", 1);
        // where the claims stand in the open a change is not seen without the issuer's key
        if *format == Format::LdpVc {
            let output = desk.run(&["verify", &changed, "--trust-did", &desk.issuer(&credential)]);
            assert_eq!(output.status.code(), Some(3), "{}", said(&output));
            assert!(said(&output).contains("proof_signature"), "{}", said(&output));
        }
    }
}

#[test]
fn a_credential_can_be_read_from_standard_input() {
    use std::io::Write as _;
    let desk = Desk::new();
    let credential = desk.issue(Format::SdJwtVc);
    let issuer = desk.issuer(&credential);
    let mut child = Command::new(env!("CARGO_BIN_EXE_lanyard"))
        .args(["verify", "-", "--trust-did", &issuer])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("the binary runs");
    let mut input = child.stdin.take().expect("standard input is piped");
    input.write_all(credential.as_bytes()).expect("it reads");
    drop(input);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn what_cannot_be_issued_is_said_in_one_sentence() {
    let desk = Desk::new();
    let cases: [(&[&str], &str); 5] = [
        (&["--format", "jwt"], "jwt is not a format"),
        (&["--format", "mso_mdoc"], "--certificate"),
        (&["--format", "dc+sd-jwt", "--curve", "P-521"], "is not P-256, P-384 or Ed25519"),
        (&["--format", "dc+sd-jwt", "--issuer", "somebody"], "--issuer"),
        (&["--format", "ldp_vc"], "JSON-LD"),
    ];
    for (arguments, expected) in cases {
        let common = ["issue", "--type", "T", "--key", "new.jwk", r#"{"undefined":1}"#];
        let output = desk.run(&[&common[..1], arguments, &common[1..]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(expected), "{arguments:?}: {}", said(&output));
        let _ = fs::remove_file(desk.path("new.jwk"));
    }
}

#[test]
fn a_key_that_others_can_read_is_not_used() {
    let desk = Desk::new();
    desk.issue(Format::SdJwtVc);
    fs::set_permissions(desk.path("issuer.jwk"), fs::Permissions::from_mode(0o644)).unwrap();
    let output =
        desk.run(&["issue", "--format", "vc+jwt", "--type", "A", "--key", "issuer.jwk", "{}"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("others can read this key"), "{}", said(&output));
}

#[test]
fn what_is_no_credential_is_not_verified() {
    let desk = Desk::new();
    for thing in ["hello", "{}", "a.b.c", "e30.e30.e30", "oWFhAQ"] {
        let output = desk.run(&["verify", thing]);
        assert_eq!(output.status.code(), Some(2), "{thing}: {}", said(&output));
        assert!(said(&output).contains("lanyard inspect"), "{thing}");
    }
}
