//! The key that everything at rest is sealed with: rotated, taken from elsewhere, wrong, gone.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json as value};

use crate::circle::{Demo, json, text};

fn keys(data: &Path, command: &str) -> Output {
    let mut keys = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    keys.args(["keys", "--json", "--data"]).arg(data).arg(command);
    keys.output().expect("the binary runs")
}

/// Does it, and gives what it says.
fn done(data: &Path, command: &str) -> Value {
    let output = keys(data, command);
    assert_eq!(output.status.code(), Some(0), "{command}: {output:?}");
    json(&output)
}

fn accept(demo: &Demo, home: &Path) {
    let offer = json(&demo.integrator(&["offer", "--type", "employee_badge"]));
    let accepted = demo.wallet(home, &["accept", &text(&offer["link"])]);
    assert_eq!(accepted.status.code(), Some(0), "{accepted:?}");
}

fn state(demo: &Demo, home: &Path) -> Value {
    let request = json(&demo.integrator(&["request", "--preset", "badge"]));
    demo.wallet(home, &["present", &text(&request["link"])]);
    json(&demo.integrator(&["result", &text(&request["id"])]))["verdict"]["state"].clone()
}

#[test]
fn what_was_issued_verifies_after_the_sealing_key_was_changed_and_the_old_one_dropped() {
    let mut demo = Demo::start();
    let (data, home) = (demo.file(""), demo.folder.path().join("wallet"));
    accept(&demo, &home);
    let before = done(&data, "status");
    let (all, tenants) = (before["secrets"].clone(), before["tenants"].clone());
    assert!(all.as_u64() > Some(5) && tenants.as_u64() > Some(1), "{before}");
    let status = |keys: usize, under_newest: &Value| {
        value!({ "keys": keys, "tenants": tenants, "under_newest": under_newest, "erased": 0,
            "secrets": all, "direct": 0 })
    };
    assert_eq!(before, status(1, &tenants));

    // while the server runs: it goes on with what it has in memory
    assert_eq!(done(&data, "rotate"), value!({ "keys": 2 }));
    assert_eq!(done(&data, "status"), status(2, &value!(0)));
    let refused = keys(&data, "rewrap");
    assert_eq!(json(&refused)["error"], "store", "the server has the store: {refused:?}");
    assert_eq!(state(&demo, &home), "verified");

    demo.kill();
    demo.start_again();
    assert_eq!(state(&demo, &home), "verified", "the key of before still opens");
    demo.kill();
    let refused = keys(&data, "retire");
    assert_eq!(
        (refused.status.code(), &json(&refused)["error"]),
        (Some(3), &value!("still_sealed"))
    );
    assert_eq!(done(&data, "rewrap"), value!({ "rewrapped": tenants }));
    assert_eq!(done(&data, "rewrap"), value!({ "rewrapped": 0 }));
    assert_eq!(done(&data, "retire"), value!({ "keys": 1, "dropped": 1 }));
    assert_eq!(done(&data, "status"), status(1, &tenants));

    demo.start_again();
    assert_eq!(state(&demo, &home), "verified");
    let later = demo.folder.path().join("wallet-2");
    accept(&demo, &later);
    assert_eq!(state(&demo, &later), "verified", "and so does what is issued now");
    let mode = std::fs::metadata(demo.file("sealing-key")).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

/// A demo whose key comes from elsewhere.
fn start(data: &Path, name: &str, key: &Path) -> Child {
    let port = lanyard_testkit::free_port().to_string();
    let mut demo = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    demo.args(["demo", "--port", &port, "--data"]).arg(data).env(name, key);
    demo.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs")
}

/// Whether it starts; what it says instead if not.
pub(crate) fn starts(mut demo: Child) -> Result<(), String> {
    use std::io::Read as _;
    let mut first = [0; 1];
    let is_ready = demo.stdout.as_mut().is_some_and(|out| out.read_exact(&mut first).is_ok());
    if is_ready {
        demo.kill().expect("it runs");
        demo.wait().expect("it ends");
        return Ok(());
    }
    let output = demo.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_key_comes_from_the_environment_or_from_systemd_and_a_wrong_one_starts_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let encoded = |byte: u8| lanyard_core::json::base64url([byte; 32]);
    let environment = |text: String| start(&data, "LANYARD_SEALING_KEY", Path::new(&text));
    assert_eq!(starts(environment(encoded(7))), Ok(()));
    assert!(!data.join("sealing-key").exists(), "none is made");
    let wrong = starts(environment(encoded(8))).expect_err("another key");
    assert!(wrong.contains("does not open the keys in the database"), "{wrong}");
    let wrong = starts(environment("no key".to_owned())).expect_err("no key");
    assert!(wrong.contains("LANYARD_SEALING_KEY does not hold a sealing key"), "{wrong}");
    // a fresh one in front, as after a rotation
    assert_eq!(starts(environment(format!("{} {}", encoded(8), encoded(7)))), Ok(()));

    let credentials = folder.path().join("credentials");
    std::fs::create_dir(&credentials).expect("a folder");
    std::fs::write(credentials.join("sealing-key"), [7; 32]).expect("writable");
    // as systemd 254 and later show what an ACL opens to the service alone
    let mode = std::fs::Permissions::from_mode(0o440);
    std::fs::set_permissions(credentials.join("sealing-key"), mode).expect("ours");
    assert_eq!(starts(start(&data, "CREDENTIALS_DIRECTORY", &credentials)), Ok(()));

    let mut rotate = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    rotate.args(["keys", "--json", "--data"]).arg(&data).arg("rotate");
    let refused = rotate.env("LANYARD_SEALING_KEY", encoded(7)).output().expect("it runs");
    let why = text(&json(&refused)["message"]);
    assert!(why.contains("comes from LANYARD_SEALING_KEY"), "{why}");
}

#[test]
fn keys_that_systemd_gives_are_taken_with_a_group_and_refused_with_one_elsewhere() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        std::fs::write(&path, text).expect("writable");
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&path, mode).expect("ours");
    };
    for name in ["tls", "signing"] {
        let pair = rcgen::KeyPair::generate().expect("a key can be made");
        let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()]);
        let certificate = certificate.and_then(|it| it.self_signed(&pair)).expect("it can be made");
        write(&format!("{name}.pem"), &certificate.pem(), 0o644);
        write(&format!("credentials/{name}-key.pem"), &pair.serialize_pem(), 0o440);
    }
    write("badge.json", include_str!("../../../../examples/types/badge.json"), 0o644);
    write("acme.api-key", "0123456789abcdef0123456789abcdef", 0o600);
    let port = lanyard_testkit::free_port();
    let configuration = format!(
        r#"base_url = "https://localhost:{port}"
listen = "127.0.0.1:{port}"
data = "data"
[tls]
certificates = "tls.pem"
key = "credentials/tls-key.pem"
[issuer]
[[tenants]]
id = "acme"
name = "Acme"
api_key_files = ["acme.api-key"]
credential_types = ["badge.json"]
signing = {{ certificates = "signing.pem", key = "credentials/signing-key.pem" }}
"#
    );
    write("lanyard.toml", &configuration, 0o644);
    let serve = |credentials: &str, more: &[&str]| {
        let mut serve = Command::new(env!("CARGO_BIN_EXE_lanyard"));
        serve.args(["serve", "--config"]).arg(folder.path().join("lanyard.toml")).args(more);
        serve.env("CREDENTIALS_DIRECTORY", folder.path().join(credentials));
        serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs")
    };
    let started = starts(serve("credentials", &[]));
    assert_eq!(started, Ok(()));

    let refused = serve("other", &["--check"]).wait_with_output().expect("it ends");
    assert_eq!(refused.status.code(), Some(2), "{refused:?}");
    let said = String::from_utf8_lossy(&refused.stderr);
    for line in ["lanyard.toml:6: ", "lanyard.toml:13: "] {
        let fault = said.lines().find(|fault| fault.contains(line));
        let is_open = fault.is_some_and(|fault| fault.contains("read by others (mode 440)"));
        assert!(is_open, "{line}{said}");
    }
}
