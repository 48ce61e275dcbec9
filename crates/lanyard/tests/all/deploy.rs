//! What is in `examples/deploy` is what it says: parsed by parsers that others wrote, its configurations by the server's.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lanyard_cli::config::Config;
use lanyard_testkit::{PostgresServer, free_port, not_exercised};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use yaml_rust2::{Yaml, YamlLoader};

use crate::keys::starts;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/deploy")
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).expect("it is there")
}

fn yaml(text: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(text).expect("YAML");
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

fn files(within: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(within).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn every_file_is_taken_by_a_parser_of_its_kind() {
    let mut found = Vec::new();
    files(&folder(), &mut found);
    assert!(found.len() > 20, "{found:?}");
    for file in found {
        let shown = file.display().to_string();
        let text = std::fs::read_to_string(&file).expect("text");
        let extension = file.extension().and_then(|extension| extension.to_str());
        match extension {
            _ if shown.contains("/templates/") => template(&shown, &text),
            Some("yaml") => {
                let parsed = YamlLoader::load_from_str(&text);
                assert!(parsed.is_ok_and(|parsed| parsed.len() == 1), "{shown}");
            }
            Some("json") => {
                let parsed = serde_json::from_str::<serde_json::Value>(&text);
                assert!(parsed.is_ok(), "{shown}: {parsed:?}");
            }
            Some("tf") => {
                let parsed = hcl::parse(&text);
                assert!(parsed.is_ok(), "{shown}: {parsed:?}");
            }
            // held elsewhere: configuration and script below, the unit by systemd-analyze
            Some("toml" | "md" | "service" | "sql") => {}
            None if shown.ends_with("Containerfile") => {}
            _ => assert!(shown.is_empty(), "nobody checks {shown}"),
        }
    }
}

/// A template of Helm: closed where it opens, and of values that there are.
fn template(shown: &str, text: &str) {
    assert_eq!(text.matches("{{").count(), text.matches("}}").count(), "{shown}");
    let opened = ["{{- if ", "{{- with ", "{{- range ", "{{- define "];
    let opened: usize = opened.iter().map(|word| text.matches(word).count()).sum();
    assert_eq!(opened, text.matches("{{- end").count(), "{shown}");
    let values = yaml(&read("helm/lanyard/values.yaml"));
    for used in text.split(".Values.").skip(1) {
        let path = used.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).next();
        let path = path.unwrap_or_default();
        let value = path.split('.').fold(&values, |value, name| &value[name]);
        assert!(!value.is_badvalue(), "{shown}: there is no value {path}");
    }
}

/// What is wrong with a configuration but for the files that are the reader's to make.
fn faults(text: &str) -> Vec<String> {
    let empty = tempfile::tempdir().expect("a folder");
    let error = Config::parse(&empty.path().join("lanyard.toml"), text).expect_err("files miss");
    let others = error.faults.iter().filter(|fault| !fault.what.starts_with("there is no file"));
    others.map(ToString::to_string).collect()
}

#[test]
fn the_configurations_lack_nothing_but_the_files_that_are_the_readers_to_make() {
    assert_eq!(faults(&read("compose/lanyard/lanyard.toml")), Vec::<String>::new());
    let values = yaml(&read("helm/lanyard/values.yaml"));
    let configuration = values["configuration"].as_str().expect("text");
    assert_eq!(faults(configuration), Vec::<String>::new());
}

#[test]
fn what_is_mounted_asked_and_published_is_what_the_configuration_says() {
    let compose = yaml(&read("compose/compose.yaml"));
    let server = &compose["services"]["lanyard"];
    let configuration: toml::Table = read("compose/lanyard/lanyard.toml").parse().expect("TOML");
    let port = |key: &str| {
        let address = configuration[key].as_str().expect("text");
        address.rsplit(':').next().expect("a port").to_owned()
    };
    assert_eq!(server["ports"][0].as_str(), Some(format!("443:{}", port("listen")).as_str()));
    let scraped = yaml(&read("compose/prometheus.yaml"));
    let target = &scraped["scrape_configs"][0]["static_configs"][0]["targets"][0];
    assert_eq!(target.as_str(), Some(format!("lanyard:{}", port("metrics")).as_str()));
    // alerts ask for this job
    assert_eq!(scraped["scrape_configs"][0]["job_name"].as_str(), Some("lanyard"));
    assert!(read("alerts.yaml").contains("up{job=\"lanyard\"}"));

    // what is mounted is here, or README says how it is made
    let readme = read("README.md");
    let services = compose["services"].as_hash().expect("services");
    let mut mounted = BTreeSet::new();
    for (_, service) in services {
        for volume in service["volumes"].as_vec().into_iter().flatten() {
            let source = volume.as_str().and_then(|it| it.split(':').next()).unwrap_or_default();
            if source.starts_with('.') {
                mounted.insert(source.to_owned());
            } else {
                assert!(!compose["volumes"][source].is_badvalue(), "no volume {source}");
            }
        }
    }
    assert!(mounted.len() > 5, "{mounted:?}");
    for source in mounted {
        let is_here = folder().join("compose").join(&source).exists();
        assert!(is_here || readme.contains(source.trim_start_matches("./")), "{source}");
    }

    let values = yaml(&read("helm/lanyard/values.yaml"));
    let configuration = values["configuration"].as_str().expect("text");
    let deployment = read("helm/lanyard/templates/deployment.yaml");
    for (key, name) in [("listen", "http"), ("metrics", "metrics")] {
        let configuration: toml::Table = configuration.parse().expect("TOML");
        let address = configuration[key].as_str().expect("text").to_owned();
        let port = address.rsplit(':').next().expect("a port");
        assert!(deployment.contains(&format!("name: {name}, containerPort: {port}")), "{key}");
    }
}

/// The folder of compose, with all that README's commands make there; owners apart, who are users of the containers.
fn made_for_compose() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a folder");
    let compose = root.path().join("examples/deploy/compose");
    for name in ["deploy/compose/lanyard/lanyard.toml", "types/badge.json"] {
        let copy = root.path().join("examples").join(name);
        std::fs::create_dir_all(copy.parent().expect("a folder")).expect("it can be made");
        std::fs::copy(folder().join("..").join(name), copy).expect("it is there");
    }
    let readme = read("README.md");
    let (_, commands) = readme.split_once("```\ncd examples/deploy/compose\n").expect("commands");
    let (commands, _) = commands.split_once("```").expect("their end");
    let makes = |line: &&str| !line.starts_with("chown ") && !line.starts_with("docker ");
    let commands: Vec<_> = commands.lines().filter(makes).collect();
    let made = Command::new("sh").args(["-ec", &commands.join("\n")]).current_dir(compose).output();
    let made = made.expect("a shell");
    assert!(made.status.success(), "{made:?}");
    root
}

/// Runs the script that makes the role and its database, as whom these options say.
fn database(server: &PostgresServer, password: &Path, options: &str) -> Output {
    let mut psql = server.psql();
    psql.env("LANYARD_PASSWORD_FILE", password).env("PGOPTIONS", options);
    psql.arg("--file").arg(folder().join("database.sql")).output().expect("psql runs")
}

/// Whether the role can log in with a password, where the server asks for it.
fn logs_in(server: &PostgresServer, password: &str) -> bool {
    let mut psql = server.psql();
    psql.env("PGPASSWORD", password).args(["--no-password", "--command", "SELECT 1"]);
    let port = server.port();
    psql.args(["--dbname", &format!("postgres://lanyard@127.0.0.1:{port}/lanyard")]);
    psql.output().expect("psql runs").status.success()
}

#[test]
fn an_administrator_who_is_no_superuser_makes_the_role_and_gives_it_another_password_later() {
    let Some(server) = PostgresServer::start_bare() else { return };
    server.sql("CREATE ROLE master CREATEROLE CREATEDB");
    let password = tempfile::NamedTempFile::new().expect("a file");
    for word in ["first", "second"] {
        std::fs::write(password.path(), word).expect("writable");
        let done = database(&server, password.path(), "-c role=master");
        assert!(done.status.success(), "{done:?}");
        assert!(logs_in(&server, word), "{word}");
    }
    assert!(!logs_in(&server, "first"), "the password of before is good no more");
    let bound = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = 'lanyard'";
    assert_eq!(server.sql(bound), "f");
    let members = "SELECT count(*) FROM pg_auth_members WHERE roleid = 'lanyard'::regrole";
    assert_eq!(server.sql(members), "0", "the administrator is no member");
}

#[test]
fn without_a_password_no_role_is_made() {
    let Some(server) = PostgresServer::start_bare() else { return };
    let refused = database(&server, Path::new("/nowhere"), "");
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("lanyard cannot be read"),
        "{refused:?}"
    );
    assert_eq!(server.sql("SELECT count(*) FROM pg_roles WHERE rolname = 'lanyard'"), "0");
}

#[test]
fn what_readme_makes_for_compose_serves_on_the_database_that_its_script_makes() {
    if Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_err() {
        return not_exercised("the files for compose (apt-get install openssl)");
    }
    let root = made_for_compose();
    let compose = root.path().join("examples/deploy/compose");
    let text = |name: &str| std::fs::read_to_string(compose.join(name)).expect("it was made");
    let (certificate, key) = (text("postgres/tls/tls.crt"), text("postgres/tls/tls.key"));
    let Some(server) = PostgresServer::start_certified(&certificate, &key) else { return };
    let made = database(&server, &compose.join("postgres/database-password"), "");
    assert!(made.status.success(), "{made:?}");

    // what README leaves to its reader
    let write = |name: &str, text: &str| {
        let path = compose.join("lanyard").join(name);
        std::fs::write(&path, text).expect("writable");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("ours");
    };
    let pair = || KeyPair::generate().expect("a key can be made");
    let named =
        || CertificateParams::new(vec!["credentials.example.com".to_owned()]).expect("a name");
    let (mut authority, its_key) = (named(), pair());
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    write("trust/issuers.pem", &authority.self_signed(&its_key).expect("it can be made").pem());
    let authority = Issuer::new(authority, its_key);
    for (certificate, key) in
        [("tls/fullchain.pem", "tls/privkey.pem"), ("keys/acme.pem", "keys/acme.key")]
    {
        let pair = pair();
        let made = named().signed_by(&pair, &authority).expect("it can be made");
        write(certificate, &made.pem());
        write(key, &pair.serialize_pem());
    }
    let database = format!("postgres:{}/lanyard?hostaddr=127.0.0.1", server.port());
    let mut configuration = text("lanyard/lanyard.toml");
    for (there, here) in [
        ("@postgres/lanyard", format!("@{database}")),
        ("0.0.0.0:7443", format!("127.0.0.1:{}", free_port())),
        ("0.0.0.0:9464", format!("127.0.0.1:{}", free_port())),
        ("/var/lib/lanyard", "data".to_owned()),
    ] {
        assert!(configuration.contains(there), "{there}");
        configuration = configuration.replace(there, &here);
    }
    write("lanyard.toml", &configuration);
    let mut serve = Command::new(env!("CARGO_BIN_EXE_lanyard"));
    serve.args(["serve", "--config"]).arg(compose.join("lanyard/lanyard.toml"));
    let serve = serve.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    assert_eq!(starts(serve.expect("the binary runs")), Ok(()));
}

/// What the blocks of this kind and name in main.tf say.
fn terraform(block: &str, kind: &str) -> serde_json::Value {
    let main: serde_json::Value = hcl::from_str(&read("terraform/main.tf")).expect("HCL");
    main[block][kind].clone()
}

#[test]
fn the_password_of_the_serving_role_is_drawn_into_its_secret_and_nowhere_else() {
    let drawn = "ephemeral.random_password.role.result";
    let secret = &terraform("resource", "aws_secretsmanager_secret_version")["password"];
    assert_eq!(secret["secret_string_wo"], format!("${{{drawn}}}"));
    assert_eq!(
        read("terraform/main.tf").matches(drawn).count(),
        1,
        "it is another one in each run"
    );
}

#[test]
fn the_master_of_a_managed_database_is_no_role_to_serve_as_and_has_no_password_of_ours() {
    let database = &terraform("resource", "aws_db_instance")["database"];
    assert_eq!(database["manage_master_user_password"], true);
    for ours in ["password", "password_wo"] {
        assert!(database[ours].is_null(), "{ours}");
    }
    let outputs: serde_json::Value = hcl::from_str(&read("terraform/outputs.tf")).expect("HCL");
    let address = outputs["output"]["postgres"]["value"].as_str().expect("text");
    let role = address.strip_prefix("postgres://").and_then(|rest| rest.split('@').next());
    assert_eq!(role, Some("lanyard"));
    assert_ne!(database["username"], "lanyard");
    let made = read("database.sql");
    assert!(made.contains("CREATE ROLE lanyard LOGIN") && made.contains("CREATE DATABASE lanyard"));
}
