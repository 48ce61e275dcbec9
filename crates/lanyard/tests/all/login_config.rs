//! Where holders log in and where their claims come from, as the configuration says it.

use std::os::unix::fs::PermissionsExt as _;

use lanyard_cli::config::{ClaimsSource, Config, HolderLogin};
use secrecy::ExposeSecret as _;

const START: &str = r#"mode = "development"
base_url = "http://localhost:7077"
listen = "127.0.0.1:7077"
data = "data"
[issuer]
[[tenants]]
id = "acme"
name = "Acme"
api_key_files = ["acme.api-key"]
credential_types = ["badge.json"]
[[tenants.clients]]
id = "wallet"
redirect_uris = ["https://wallet.example/callback"]
"#;

const PROVIDER: &str = r#"[tenants.login.provider]
issuer = "https://login.acme.example"
name = "Acme account"
client_id = "lanyard"
client_secret = "secret"
"#;

fn read(more: &str) -> Result<HolderLogin, Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in
        [("acme.api-key", "0123456789abcdef0123456789abcdef"), ("secret", "s3cret\n")]
    {
        let file = folder.path().join(name);
        std::fs::write(&file, text).expect("writable");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("ours");
    }
    let badge = include_str!("../../../../examples/types/badge.json");
    std::fs::write(folder.path().join("badge.json"), badge).expect("writable");
    std::fs::write(folder.path().join("holders.json"), "[]").expect("writable");
    let config = Config::parse(&folder.path().join("lanyard.toml"), &format!("{START}{more}"));
    let whats = |error: lanyard_cli::config::ConfigError| {
        error
            .faults
            .into_iter()
            .map(|fault| format!("{}: {}", fault.line, fault.what))
            .collect::<Vec<_>>()
    };
    let mut config = config.map_err(whats)?;
    config.tenants.remove(0).authorization.login.ok_or_else(Vec::new)
}

/// What is wrong with this, and nothing else.
fn fault(more: &str) -> String {
    let mut faults = read(more).expect_err("this configuration is wrong");
    assert_eq!(faults.len(), 1, "{faults:?}");
    faults.remove(0)
}

#[test]
fn a_login_provider_is_read_with_its_secret_and_sensible_scopes() {
    let login = read(PROVIDER).expect("good");
    assert!(login.place.directory().is_none());
    let provider = login.place.provider().expect("a provider");
    assert_eq!(provider.identifier, "https://login.acme.example");
    assert_eq!((&*provider.name, &*provider.holder), ("Acme account", "sub"));
    assert_eq!(provider.scopes, ["profile", "email"]);
    assert!(provider.client_secret.is_some());
    assert!(!format!("{login:?}").contains("s3cret"));
    let both = PROVIDER
        .replace("[tenants.login", "[tenants.login]\nholders = \"holders.json\"\n[tenants.login");
    let login = read(&both).expect("good");
    assert!(login.place.directory().is_some() && login.place.provider().is_some());
}

#[test]
fn claims_are_put_together_in_the_order_of_the_file() {
    let sources = r#"[[tenants.claims]]
type = "badge"
fixed = { sites = ["Lyon"] }
login = { given_name = "given_name", "desk.floor" = "address.floor" }
ask = { url = "https://hr.acme.example/badges", timeout_seconds = 2 }
"#;
    let login = read(&format!("{PROVIDER}{sources}")).expect("good");
    let [
        (_, ClaimsSource::Fixed(fixed)),
        (_, ClaimsSource::Login(mapped)),
        (id, ClaimsSource::Ask(url, wait)),
    ] = &login.sources[..]
    else {
        panic!("{:?}", login.sources);
    };
    assert_eq!((id.as_str(), url.as_str()), ("badge", "https://hr.acme.example/badges"));
    assert_eq!((fixed.len(), wait.as_secs()), (1, 2));
    let floor = mapped.iter().find(|claim| claim.to == ["desk", "floor"]).expect("mapped");
    assert_eq!(floor.from, ["address", "floor"]);
}

#[test]
fn each_fault_in_a_login_is_told_with_its_line_and_what_to_write_instead() {
    for (more, expected) in [
        (
            "[tenants.login]\n".to_owned(),
            "14: nobody can log in; write holders = \"holders.json\", provider = { issuer, name, client_id } or server = { issuer }",
        ),
        (
            PROVIDER.replace("https://login", "http://login"),
            "15: this is no https address; write for example \"https://login.acme.example\"",
        ),
        (
            PROVIDER.replace("\"Acme account\"", "\" \""),
            "16: a login provider needs a name; write for example \"Acme account\"",
        ),
        (
            format!("{PROVIDER}[[tenants.claims]]\ntype = \"licence\"\nholders = true\n"),
            "20: there is no credential type \"licence\" here",
        ),
        (
            format!(
                "{PROVIDER}[[tenants.claims]]\ntype = \"badge\"\nlogin = {{ nick = \"nickname\" }}\n"
            ),
            "21: badge has no claim \"nick\"",
        ),
        (
            format!(
                "{PROVIDER}[[tenants.claims]]\ntype = \"badge\"\nask = {{ url = \"http://hr.acme.example\" }}\n"
            ),
            "21: this is no https address; write for example \"https://login.acme.example\"",
        ),
    ] {
        let found = fault(&more);
        assert!(found.starts_with(expected), "{more}: {found}");
    }
    let nobody = "[[tenants.claims]]\ntype = \"badge\"\nfixed = { department = \"All\" }\n";
    assert!(fault(nobody).contains("claims are looked up for whoever logs in"));
}

const ELSEWHERE: &str = r#"[tenants.login.server]
issuer = "https://as.acme.example/realm"
"#;

#[test]
fn another_authorization_server_logs_holders_in_and_tells_about_them() {
    let claims = r#"[[tenants.claims]]
type = "badge"
login = { given_name = "given_name", family_name = "family_name" }
"#;
    let login = read(&format!("{ELSEWHERE}holder = \"oid\"\n{claims}")).expect("good");
    let server = login.place.elsewhere().expect("another server");
    assert_eq!(server.identifier, "https://as.acme.example/realm");
    assert_eq!(server.holder, "oid");
    assert!(matches!(&login.sources[0].1, ClaimsSource::Login(mapped) if mapped.len() == 2));
    assert!(login.place.provider().is_none() && login.place.directory().is_none());
}

#[test]
fn another_authorization_server_is_asked_about_its_tokens_by_whoever_has_a_secret_there() {
    let id = "client_id = \"lanyard\"\n";
    let file = "client_secret = \"secret\"\n";
    let login = read(&format!("{ELSEWHERE}{id}{file}")).expect("good");
    let client = &login.place.elsewhere().expect("another server").client;
    let (name, secret) = client.as_ref().expect("a client");
    assert_eq!((name.as_str(), secret.expose_secret()), ("lanyard", "s3cret"));
    assert!(read(ELSEWHERE).unwrap().place.elsewhere().unwrap().client.is_none());
    let found = fault(&format!("{ELSEWHERE}{id}"));
    assert!(found.contains("client_id needs client_secret beside it"), "{found}");
    let found = fault(&format!("{ELSEWHERE}{file}"));
    assert!(found.contains("client_secret needs client_id beside it"), "{found}");
}

#[test]
fn another_authorization_server_is_the_only_place_to_log_in() {
    for more in [PROVIDER, "[tenants.login]\nholders = \"holders.json\"\n"] {
        let found = fault(&format!("{more}{ELSEWHERE}"));
        assert!(
            found.contains("another authorization server logs holders in by itself"),
            "{found}"
        );
    }
    let found = fault(&ELSEWHERE.replace("https", "http"));
    assert!(found.contains("this is no https address"), "{found}");
}
