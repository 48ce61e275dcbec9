//! A configuration is refused with the line of every fault and with what to write instead.

use std::path::Path;

use lanyard_cli::config::{Config, Transport};
use lanyard_verifier::VcApiTrust;

const GOOD: &str = r#"mode = "development"
base_url = "http://localhost:7077"
listen = "127.0.0.1:7077"
data = "data"
[issuer]
[verifier]
[[tenants]]
id = "acme"
name = "Acme"
api_key_files = ["acme.api-key"]
credential_types = ["badge.json"]
"#;

fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("acme.api-key");
    std::fs::write(&key, "0123456789abcdef0123456789abcdef").expect("writable");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("ours");
    let badge = include_str!("../../../../examples/types/badge.json");
    std::fs::write(folder.path().join("badge.json"), badge).expect("writable");
    folder
}

fn parse(text: &str) -> Result<Config, Vec<String>> {
    parse_in(&folder(), text)
}

fn parse_in(folder: &tempfile::TempDir, text: &str) -> Result<Config, Vec<String>> {
    Config::parse(&folder.path().join("lanyard.toml"), text).map_err(|error| {
        let prefix = format!("{}/", folder.path().display());
        error.faults.iter().map(|fault| fault.to_string().replace(&prefix, "")).collect()
    })
}

fn faults(text: &str) -> Vec<String> {
    parse(text).expect_err("this configuration is wrong")
}

#[test]
fn a_good_configuration_is_read_whole() {
    let config = parse(GOOD).expect("good");
    assert_eq!(config.transport, Transport::PlainLoopback);
    assert!(config.issuer && config.verifier && !config.pages);
    assert_eq!(config.tenants[0].credential_types[0].id, "badge");
}

#[test]
fn the_documented_example_differs_from_a_good_configuration_by_missing_files_alone() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/lanyard.toml"));
    let error = Config::read(path).expect_err("the API key is the reader's to make");
    let whats: Vec<_> = error.faults.iter().map(|fault| fault.what.as_str()).collect();
    assert_eq!(whats.len(), 1, "{whats:?}");
    assert!(whats[0].starts_with("there is no file") && whats[0].contains("keys/acme.api-key"));
}

#[test]
fn dids_are_resolved_for_others_when_the_section_is_there() {
    assert!(!parse(GOOD).expect("good").resolver);
    let with = GOOD.replace("[verifier]\n", "[verifier]\n[resolver]\n");
    assert!(parse(&with).expect("good").resolver);
}

#[test]
fn the_vc_api_is_off_unless_one_word_says_whom_it_believes() {
    assert_eq!(parse(GOOD).expect("good").vc_api, None);
    for (word, trust) in
        [("trusted_issuers", VcApiTrust::TrustedIssuers), ("any_did", VcApiTrust::AnyDid)]
    {
        let with = format!("vc_api = \"{word}\"\n{GOOD}");
        assert_eq!(parse(&with).expect("good").vc_api, Some(trust));
    }
    assert!(parse(&format!("vc_api = \"everybody\"\n{GOOD}")).is_err());
}

#[test]
fn metrics_have_an_address_of_their_own() {
    assert_eq!(parse(GOOD).expect("good").metrics, None);
    let with = |address: &str| format!("metrics = \"{address}\"\n{GOOD}");
    let read = parse(&with("127.0.0.1:9464")).expect("good").metrics;
    assert_eq!(read, "127.0.0.1:9464".parse().ok());
    let wrong = faults(&with("0.0.0.0:7077"));
    assert!(wrong[0].contains("metrics need a port of their own"), "{wrong:?}");
    let wrong = faults(&with("9464"));
    assert!(wrong[0].starts_with("lanyard.toml:1: metrics is not an address"), "{wrong:?}");
}

#[test]
fn clients_are_counted_by_default_or_as_written_or_not_at_all() {
    use lanyard_cli::serve::rates::Rates;
    assert_eq!(parse(GOOD).expect("good").rates, Some(Rates::default()));
    let with = |rates: &str| GOOD.replace("[issuer]\n", &format!("[rates]\n{rates}\n[issuer]\n"));
    let written = parse(&with("token = 7")).expect("good").rates.expect("counted");
    assert_eq!((written.token.get(), written.nonce), (7, Rates::default().nonce));
    assert_eq!(parse(&with("off = true")).expect("good").rates, None);
    let wrong = faults(&with("token = 0"));
    assert!(wrong[0].starts_with("lanyard.toml:6: "), "{wrong:?}");
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_keys_there_are() {
    let found = faults(&GOOD.replace("[issuer]\n", "[issuer]\nbatch = 3\n"));
    assert_eq!(found, ["lanyard.toml:6: unknown key `batch`, expected `awkward`"]);
    let found = faults(&GOOD.replace("listen", "lisen"));
    assert!(
        found[0].starts_with("lanyard.toml:3: unknown key `lisen`, expected one of"),
        "{found:?}"
    );
}

#[test]
fn plain_http_in_production_is_refused() {
    let found = faults(&GOOD.replace("mode = \"development\"", "mode = \"production\""));
    assert_eq!(
        found[0],
        "lanyard.toml:2: base_url must be https in production; write \"https://…\", or mode = \"development\" with a loopback URL"
    );
}

#[test]
fn an_awkward_issuer_is_for_development_alone() {
    let awkward = GOOD.replace("[issuer]", "[issuer]\nawkward = true");
    assert!(parse(&awkward).expect("good").awkward);
    assert!(!parse(GOOD).expect("good").awkward);
    let found = faults(&awkward.replace("mode = \"development\"", "mode = \"production\""));
    let wanted = "lanyard.toml:6: an awkward issuer is for trying wallets out; it needs mode = \"development\"";
    assert!(found.iter().any(|fault| fault == wanted), "{found:?}");
    let off = awkward.replace("true", "false").replace("\"development\"", "\"production\"");
    assert!(faults(&off).iter().all(|fault| !fault.contains("awkward")));
}

#[test]
fn plain_http_to_another_machine_is_refused_in_development_too() {
    let found = faults(&GOOD.replace("http://localhost:7077", "http://demo.example"));
    assert_eq!(
        found,
        [
            "lanyard.toml:2: plain http is for loopback alone; write \"http://localhost:7077\" or an https URL"
        ]
    );
}

#[test]
fn plain_http_on_all_interfaces_is_refused() {
    let found = faults(&GOOD.replace("listen = \"127.0.0.1", "listen = \"0.0.0.0"));
    assert_eq!(
        found,
        ["lanyard.toml:3: plain http listens on loopback alone; write \"127.0.0.1:7077\""]
    );
}

#[test]
fn https_without_certificates_or_a_proxy_is_refused() {
    let found = faults(&GOOD.replace("http://localhost", "https://localhost"));
    assert_eq!(
        found,
        [
            "lanyard.toml:2: an https base_url needs [tls] with certificates and key, or behind_proxy = [\"127.0.0.1\"]"
        ]
    );
}

fn behind(proxies: &str) -> String {
    format!("behind_proxy = [{proxies}]\n{}", GOOD.replace("http://localhost", "https://localhost"))
}

#[test]
fn proxies_are_named_by_address_or_by_network() {
    let read = parse(&behind(r#""127.0.0.1", "10.0.0.0/8", "fd00::/8""#)).expect("good");
    let named = ["127.0.0.1", "10.0.0.0/8", "fd00::/8"].map(|it| it.parse().expect("a network"));
    assert_eq!(read.transport, Transport::BehindProxy(named.to_vec()));
}

#[test]
fn a_proxy_that_is_no_network_is_told_with_its_line_and_what_is_wrong_with_it() {
    for (proxy, wrong) in [
        (
            "proxy.internal",
            "neither an IP address nor a network; write for example \"127.0.0.1\" or \"10.0.0.0/8\"",
        ),
        ("10.0.0.0/33", "a prefix of 33 bits for an address of 32"),
        (
            "10.0.0.7/8",
            "an address within a network; write \"10.0.0.0/8\" for the network, or the address without a prefix",
        ),
    ] {
        let found = faults(&behind(&format!("\n\"127.0.0.1\",\n\"{proxy}\",\n")));
        assert_eq!(found, [format!("lanyard.toml:3: {proxy}: {wrong}")]);
    }
}

#[test]
fn proxies_that_could_be_anybody_are_refused() {
    for everybody in ["0.0.0.0/0", "::/0"] {
        let found = faults(&behind(&format!("{everybody:?}")));
        assert!(found[0].starts_with("lanyard.toml:1: everybody would be a proxy"), "{found:?}");
    }
}

#[test]
fn a_base_url_with_a_path_is_refused() {
    let found = faults(&GOOD.replace("localhost:7077", "localhost:7077/lanyard"));
    assert_eq!(
        found,
        [
            "lanyard.toml:2: base_url must be scheme, host and port alone; write \"http://localhost:7077\""
        ]
    );
}

#[test]
fn all_faults_are_told_at_once_in_the_order_of_the_file() {
    let text = GOOD.replace("127.0.0.1:7077", "here").replace("\"acme\"", "\"Acme!\"");
    let found = faults(&text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("lanyard.toml:3: listen is not an address"));
    assert!(found[1].starts_with("lanyard.toml:8: a tenant's id is 1 to 63 characters"));
}

#[test]
fn an_api_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let key = folder.path().join("acme.api-key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("ours");
    let found = parse_in(&folder, GOOD).expect_err("open to others");
    assert_eq!(
        found,
        [
            "lanyard.toml:10: acme.api-key can be read by others (mode 644); run chmod 600 acme.api-key"
        ]
    );
}

#[test]
fn a_fault_in_a_credential_type_is_told_with_its_own_file_and_line() {
    let folder = folder();
    std::fs::write(folder.path().join("badge.json"), "{\n\"id\": 3 }").expect("writable");
    let found = parse_in(&folder, GOOD).expect_err("a bad type");
    assert!(
        found[0].starts_with("badge.json:2: invalid type: integer `3`, expected a string"),
        "{found:?}"
    );
}

#[test]
fn a_server_that_neither_issues_nor_verifies_is_refused() {
    let found = faults(&GOOD.replace("[issuer]\n[verifier]\n", ""));
    assert_eq!(
        found,
        ["lanyard.toml:1: nothing to serve; add an [issuer] section, a [verifier] section or both"]
    );
}

#[test]
fn an_issuer_alone_needs_no_verifier_section() {
    let config = parse(&GOOD.replace("[verifier]\n", "")).expect("good");
    assert!(config.issuer && !config.verifier);
}

#[test]
fn two_tenants_of_one_name_are_refused() {
    let second = GOOD.split("[verifier]\n").nth(1).expect("the tenant");
    let found = faults(&format!("{GOOD}{second}"));
    assert_eq!(found, ["lanyard.toml:13: there is another tenant \"acme\"; give each its own id"]);
}

#[test]
fn a_trust_list_is_read_with_the_configuration() {
    let folder = folder();
    let text = format!("{GOOD}trust_list = \"issuers.json\"\n");
    let missing = parse_in(&folder, &text).expect_err("there is none");
    assert_eq!(
        missing,
        [
            "lanyard.toml:12: there is no file issuers.json; paths are relative to the configuration file"
        ]
    );
    let list = folder.path().join("issuers.json");
    std::fs::write(&list, r#"{"version": 1, "issuers": [{"did": "x"}]}"#).expect("writable");
    let broken = parse_in(&folder, &text).expect_err("it is broken");
    assert_eq!(broken, ["issuers.json:1: issuers.json: issuers[0].did: expected a DID"]);
    std::fs::write(&list, r#"{"version": 1, "issuers": []}"#).expect("writable");
    let config = parse_in(&folder, &text).expect("good");
    assert_eq!(config.tenants[0].trust_list.as_deref(), Some(list.as_path()));
}

#[test]
fn policies_are_read_with_the_configuration_and_their_faults_have_a_place() {
    let with = |policies: &str| format!("{GOOD}policies = {policies}\n");
    let good = with(r#"["holder_binding", {policy = "max_age", seconds = 86400}]"#);
    assert_eq!(parse(&good).expect("good").tenants[0].policies.rules().len(), 2);
    assert_eq!(
        faults(&with(r#"["holder_bindin", {policy = "max_age"}]"#)),
        [
            "lanyard.toml:12: policies[0]: there is no policy holder_bindin; did you mean holder_binding?",
            "lanyard.toml:12: policies[1].seconds: expected seconds, from 0 to a century",
        ]
    );
}

#[test]
fn a_verifier_names_its_pages_and_itself_as_the_configuration_says() {
    let folder = folder();
    std::fs::write(folder.path().join("attestation.jwt"), "a.b.c\n").expect("writable");
    let text = format!(
        "{GOOD}[tenants.verifier]\n\
         web_origins = [\"https://shop.example\", \"http://localhost:8080\", \"android:apk-key-hash:abc\"]\n\
         return_origins = [\"https://shop.example\"]\n\
         did = \"did:web:acme.example#key-1\"\n\
         attestation = \"attestation.jwt\"\n\
         registered = {{ client_id = \"acme-shop\", key_id = \"1\" }}\n"
    );
    let config = parse_in(&folder, &text).expect("good");
    let asking = &config.tenants[0].asking;
    let origins: Vec<_> = asking.web_origins.iter().map(|origin| origin.as_str()).collect();
    assert_eq!(
        origins,
        ["https://shop.example", "http://localhost:8080", "android:apk-key-hash:abc"]
    );
    assert_eq!(asking.return_origins[0].as_str(), "https://shop.example/");
    let names = &asking.other_names;
    assert_eq!(names.did.as_ref().expect("a DID").did().as_str(), "did:web:acme.example");
    assert_eq!(names.attestation.as_deref(), Some("a.b.c"));
    let registered = names.registered.as_ref().expect("a registration");
    assert_eq!(
        (registered.client_id.as_str(), registered.key_id.as_deref()),
        ("acme-shop", Some("1"))
    );
}

#[test]
fn each_wrong_name_of_a_verifier_is_told_with_what_to_write_instead() {
    let cases = [
        ("web_origins = [\"https://shop.example/path\"]", "an origin is scheme, host and port"),
        ("web_origins = [\"http://shop.example\"]", "an origin is scheme, host and port"),
        ("return_origins = [\"shop\"]", "an origin is scheme, host and port"),
        ("did = \"did:web:acme.example\"", "the name of the signing key in a DID document"),
        ("attestation = \"acme.api-key\"", "is no verifier attestation"),
        ("registered = { client_id = \"x509_hash:abc\" }", "a registered client_id has no prefix"),
        ("web_origin = []", "unknown key `web_origin`"),
    ];
    for (line, expected) in cases {
        let found = faults(&format!("{GOOD}[tenants.verifier]\n{line}\n"));
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        assert!(found[0].contains(expected), "{line}: {found:?}");
    }
}

#[test]
fn api_keys_are_named_by_their_digests_and_scopes() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let with = |digest: &str, scopes: &str| {
        let table = format!(
            "[[tenants.api_keys]]\nname = \"hr\"\ndigest = \"{digest}\"\nscopes = {scopes}\n"
        );
        format!("{}{table}", GOOD.replace("api_key_files = [\"acme.api-key\"]\n", ""))
    };
    let config = parse(&with(&digest, r#"["offers:write", "offers:read"]"#)).expect("good");
    assert_eq!(config.tenants[0].api_keys.len(), 1);
    let wrong = faults(&with("sha256:abc", r#"["offers:write"]"#));
    assert!(wrong[0].contains("lanyard.toml:13: the digest of the API key \"hr\""), "{wrong:?}");
    let wrong = faults(&with(&digest, r#"["offers:*"]"#));
    assert!(wrong[0].contains("there is no such scope; known are offers:write, "), "{wrong:?}");
    let wrong = faults(&with(&digest, "[]"));
    assert!(wrong[0].contains("an API key is good for something"), "{wrong:?}");
    let none = GOOD.replace("api_key_files = [\"acme.api-key\"]\n", "");
    assert!(faults(&none)[0].contains("no API key; run `lanyard api-key create`"));
}

#[test]
fn webhooks_are_https_and_have_a_secret_that_nobody_else_reads() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let secret = folder.path().join("hook.secret");
    let write = |text: &str, mode: u32| {
        std::fs::write(&secret, text).expect("writable");
        std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(mode)).expect("ours");
    };
    let with = |url: &str| {
        format!(
            "{GOOD}[[tenants.webhooks]]\nname = \"hr\"\nurl = \"{url}\"\nsecret_file = \"hook.secret\"\n"
        )
    };
    write("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 0o600);
    let config = parse_in(&folder, &with("https://hr.example/hook")).expect("good");
    assert_eq!(config.tenants[0].webhooks[0].events, ["*"]);
    assert!(parse_in(&folder, &with("http://localhost:9000/hook")).is_ok());
    for url in ["http://hr.example/hook", "https://hr.example:8443/hook", "hr.example"] {
        let wrong = parse_in(&folder, &with(url)).expect_err("no webhook");
        assert!(wrong[0].contains("a webhook is an https URL"), "{wrong:?}");
    }
    write("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", 0o644);
    let wrong = parse_in(&folder, &with("https://hr.example/hook")).expect_err("readable");
    assert!(wrong[0].contains("can be read by others"), "{wrong:?}");
    write("short", 0o600);
    let wrong = parse_in(&folder, &with("https://hr.example/hook")).expect_err("no secret");
    assert!(wrong[0].contains("`lanyard webhook-secret` makes one"), "{wrong:?}");
}

#[test]
fn a_saved_request_is_read_with_its_policy_and_each_fault_has_its_file_and_line() {
    let folder = folder();
    let write = |text: &str| std::fs::write(folder.path().join("age.json"), text).expect("ours");
    let with = format!("{GOOD}saved_requests = [\"age.json\"]\n");
    let query =
        r#"{"credentials":[{"id":"a","format":"dc+sd-jwt","meta":{"vct_values":["urn:a"]}}]}"#;
    write(&format!(
        "{{\"id\": \"over-18\", \"title\": \"Age\", \"purpose\": \"To sell wine\",\n\"dcql_query\": {query}}}"
    ));
    let config = parse_in(&folder, &with).expect("good");
    let saved = &config.tenants[0].saved_requests[0];
    assert_eq!((saved.id.as_str(), saved.version), ("over-18", 1));

    let twice = format!("{GOOD}saved_requests = [\"age.json\", \"age.json\"]\n");
    let found = parse_in(&folder, &twice).expect_err("one name, two requests");
    assert!(found[0].contains("over-18 version 1 is there twice"), "{found:?}");

    write("{\"id\": \"over-18\",\n\"title\": 7}");
    let found = parse_in(&folder, &with).expect_err("a title is text");
    assert!(found[0].starts_with("age.json:2: "), "{found:?}");

    write(&format!(
        "{{\"id\": \"over 18\", \"title\": \"Age\", \"purpose\": \"x\", \"dcql_query\": {query}}}"
    ));
    let found = parse_in(&folder, &with).expect_err("an id is plain");
    assert!(found[0].contains("an id is letters, digits, '_' and '-'"), "{found:?}");
}

#[test]
fn an_application_that_signs_people_in_says_where_they_return_to_and_keeps_a_long_secret() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let secret = |text: &str| {
        let path = folder.path().join("intranet.secret");
        std::fs::write(&path, text).expect("ours");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("ours");
    };
    let with = |requests: &str| {
        format!(
            "{GOOD}[[tenants.sign_in_clients]]\nid = \"intranet\"\n\
             redirect_uris = [\"https://intranet.example/callback\"]\nrequests = {requests}\n\
             secret_file = \"intranet.secret\"\n"
        )
    };
    secret(&"ab".repeat(32));
    let config = parse_in(&folder, &with("[\"badge\"]")).expect("good");
    assert_eq!(config.tenants[0].sign_in_clients[0].id, "intranet");
    let found = parse_in(&folder, &with("[]")).expect_err("it asks for nothing");
    assert!(found[0].contains("requests = [\"the id of a saved request\"]"), "{found:?}");
    secret("short");
    let found = parse_in(&folder, &with("[\"badge\"]")).expect_err("a short secret");
    assert!(found[0].contains("32 characters or more"), "{found:?}");
}

/// A folder with what a shared store needs, and the section of the configuration.
fn with_store(section: &str) -> Result<Config, Vec<String>> {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    for (name, bytes) in [
        ("sealing-key", &[7; 32][..]),
        ("short-key", b"short"),
        ("password", b"canary\n"),
        ("empty", b"\n"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).expect("writable");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("ours");
    }
    parse_in(&folder, &GOOD.replace("[issuer]", &format!("[store]\n{section}\n[issuer]")))
}

#[test]
fn a_shared_store_is_a_database_a_password_that_no_log_shows_and_a_sealing_key() {
    let section = "postgres = \"postgres://lanyard@db.example.com/lanyard\"
sealing_key_file = \"sealing-key\"
password_file = \"password\"
connections = 8";
    let config = with_store(section).expect("good");
    let store = config.store.expect("a shared store");
    assert_eq!(store.postgres.password.as_deref(), Some("canary"));
    assert_eq!(store.postgres.connections, 8);
    assert!(!format!("{store:?}").contains("canary"));
    assert!(config.sealing.file.is_some_and(|key| key.ends_with("sealing-key")));
}

#[test]
fn replicas_need_a_sealing_key_from_somewhere() {
    let store = "postgres = \"postgres://lanyard@localhost/lanyard\"";
    let both = with_store(&format!("{store}\nsealing_key_file = \"sealing-key\""));
    assert!(both.is_ok(), "{both:?}");
    let nowhere = with_store(store).expect_err("replicas need one key");
    assert!(nowhere[0].contains("no sealing key"), "{nowhere:?}");
}

#[test]
fn each_fault_of_a_shared_store_is_told_with_its_line_and_no_password() {
    let good =
        "postgres = \"postgres://lanyard@localhost/lanyard\"\nsealing_key_file = \"sealing-key\"";
    for (section, line, part) in [
        (good.replace("lanyard@", "lanyard:canary@"), 6, "password_file"),
        (good.replace("lanyard@localhost/", "localhost/"), 6, "user, host and database"),
        (good.replace("\"sealing-key\"", "\"short-key\""), 7, "32 bytes"),
        (good.replace("\"sealing-key\"", "\"none\""), 7, "there is no file"),
        (format!("{good}\npassword_file = \"empty\""), 8, "no password"),
        (format!("{good}\nauthorities = \"password\""), 8, "no certificate"),
        (format!("{good}\nconnections = 0"), 8, "from 1 to 1000"),
    ] {
        let faults = with_store(&section).expect_err("this is wrong");
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with(&format!("lanyard.toml:{line}: ")), "{faults:?}");
        assert!(faults[0].contains(part) && !faults[0].contains("canary"), "{faults:?}");
    }
}
