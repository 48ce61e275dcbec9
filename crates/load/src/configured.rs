//! The configuration of a server that is measured, and the files that it names.

use std::{fmt::Write as _, fs, os::unix::fs::DirBuilderExt as _, path::Path};

use lanyard_testkit::free_port;
use serde_json::Value;

use crate::{
    attester::{self, Attester},
    failure::Failure,
    faults::Store,
    machine,
    proofs::identifier,
};

/// The only tenant, where there is one.
pub(crate) const ONE: &str = "demo";

/// The type of what it issues.
pub(crate) const VCT: &str = "urn:lanyard:demo:verified-identity:1";

/// Whose credentials are issued.
pub(crate) enum Tenants<'a> {
    /// So many tenants that issue and verify.
    Many(usize),
    /// One where holders log in; this attester is believed about wallets.
    Attested(&'a Attester),
}

/// The names of so many tenants.
pub(crate) fn names(count: usize) -> Vec<String> {
    match count {
        1 => vec![ONE.to_owned()],
        _ => (0..count).map(|nth| format!("t{nth:04}")).collect(),
    }
}

/// Writes the configuration of a server with its data in a folder, which may have been another's before; gives
/// the port that it listens on.
pub(crate) fn lay(folder: &Path, store: &Store, tenants: &Tenants<'_>) -> Result<u16, Failure> {
    if !folder.exists() {
        fs::DirBuilder::new().mode(0o700).create(folder)?;
        machine::write_private(&folder.join("api-key"), identifier().as_bytes())?;
        machine::write_private(&folder.join("sealing-key"), &[7; 32])?;
    }
    let shared = match store {
        Store::Sqlite => String::new(),
        Store::Postgres { address } => {
            format!("[store]\npostgres = \"{address}\"\nsealing_key_file = \"sealing-key\"\n")
        }
    };
    let (type_of, verifier, sections) = match tenants {
        Tenants::Attested(attester) => {
            (attester::TYPE.to_owned(), "", attester.tenant(attester::TENANT, folder)?)
        }
        Tenants::Many(count) => (demo_type()?, "[verifier]\n", sections(*count)),
    };
    fs::write(folder.join("type.json"), type_of)?;
    // certificates and links name where it is
    let port = port_of(folder).unwrap_or_else(free_port);
    let configuration = format!(
        "mode = \"development\"\nbase_url = \"http://localhost:{port}\"\nlisten = \"127.0.0.1:{port}\"\n\
         data = \".\"\n{shared}[issuer]\n{verifier}{sections}"
    );
    fs::write(folder.join("lanyard.toml"), configuration)?;
    Ok(port)
}

/// The port of the server that was here before.
fn port_of(folder: &Path) -> Option<u16> {
    let configuration = fs::read_to_string(folder.join("lanyard.toml")).ok()?;
    let (_, rest) = configuration.split_once("listen = \"127.0.0.1:")?;
    rest.split('"').next()?.parse().ok()
}

/// What the demo issues, without the portrait: a picture that lies beside the type.
fn demo_type() -> Result<String, Failure> {
    let demo = include_str!("../../lanyard/demo/verified_identity.json");
    let mut demo: Value = serde_json::from_str(demo)?;
    let claims = demo["claims"].as_array_mut().ok_or(Failure::Lacks("claims"))?;
    claims.retain(|claim| claim["kind"] != "image");
    Ok(demo.to_string())
}

fn sections(count: usize) -> String {
    let mut text = String::new();
    for name in names(count) {
        let _ = writeln!(
            text,
            "[[tenants]]\nid = \"{name}\"\nname = \"Load\"\napi_key_files = [\"api-key\"]\n\
             credential_types = [\"type.json\"]\nstatus_lists = {{ ttl_seconds = 300 }}"
        );
    }
    text
}
