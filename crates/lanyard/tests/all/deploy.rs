//! What is in `examples/deploy` is what it says: parsed by parsers that others wrote, its configurations by the server's.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lanyard_cli::config::Config;
use yaml_rust2::{Yaml, YamlLoader};

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
            // held elsewhere: the configuration below, the unit by systemd-analyze
            Some("toml" | "md" | "service") => {}
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
