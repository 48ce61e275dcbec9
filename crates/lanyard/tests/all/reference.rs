//! The reference of the configuration is that of the code, and the example shows every key there is.

use std::collections::BTreeSet;
use std::path::Path;

use clap::CommandFactory as _;
use lanyard_cli::cli::Cli;
use lanyard_cli::config::{reference, schema};
use serde_json::Value;

const EXAMPLE: &str = include_str!("../../../../examples/lanyard.toml");

#[test]
fn the_reference_in_the_documents_is_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let written = std::fs::read_to_string(path).expect("it is there");
    assert!(
        written == reference(),
        "docs/configuration.md is stale; run: cargo run -- config reference > docs/configuration.md"
    );
}

#[test]
fn the_map_lists_every_command_as_its_help_does() {
    let row = |command: &clap::Command| {
        let about = command.get_about().expect("a help").to_string();
        let mut letters = about.chars();
        let lowered = match (letters.next(), letters.as_str()) {
            (Some(first), rest) => format!("{}{rest}", first.to_lowercase()),
            (None, _) => about,
        };
        format!("| `{}` | {lowered} |\n", command.get_name())
    };
    let rows: String = Cli::command().get_subcommands().map(row).collect();
    let table = format!("| `lanyard …` | what it does |\n|---|---|\n{rows}\n");
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/architecture.md");
    let written = std::fs::read_to_string(path).expect("it is there");
    assert!(written.contains(&table), "docs/architecture.md is stale; its commands are:\n{table}");
}

/// The text of every source in a folder.
fn sources(folder: &Path, text: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let is_source = path.extension().is_some_and(|ending| ending == "rs" || ending == "py");
        match path.is_dir() {
            true => sources(&path, text),
            false if is_source => text.push_str(&std::fs::read_to_string(&path).expect("text")),
            false => {}
        }
    }
}

#[test]
fn every_test_that_a_document_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut text = String::new();
    sources(&root.join("crates"), &mut text);
    for document in ["docs/conformance.md", "docs/threat-model.md"] {
        let written = std::fs::read_to_string(root.join(document)).expect("it is there");
        // what stands between backticks and has as many words as the name of a test
        let named = written.split('`').skip(1).step_by(2);
        let tests: Vec<_> = named.filter(|name| name.matches('_').count() >= 4).collect();
        assert!(tests.len() > 20, "{document}");
        for test in tests {
            let is_there =
                ["fn", "def"].iter().any(|word| text.contains(&format!("{word} {test}(")));
            assert!(is_there, "{document} names {test}");
        }
    }
}

/// The schema of a table, of what is in a list of tables too.
fn table(schema: &Value) -> Option<&Value> {
    let schema = if schema["type"] == "array" { &schema["items"] } else { schema };
    schema.get("properties")
}

/// Every key of a schema with its path, tables left out that hold keys of their own.
fn keys(schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    for (name, schema) in table(schema).and_then(Value::as_object).into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        match table(schema) {
            Some(_) => keys(schema, &path, found),
            None => drop(found.insert(path)),
        }
    }
}

/// The keys of a value with their paths, as far as the schema names them.
fn shown(value: &toml::Value, within: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(values) if within.is_object() => {
            for (name, value) in values {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                let known = within.get(name);
                assert!(known.is_some(), "the example has {path}, which no type reads");
                let inner = known.and_then(table).unwrap_or(&Value::Null);
                shown(value, inner, &path, found);
            }
        }
        toml::Value::Array(values) if within.is_object() => {
            for value in values {
                shown(value, within, path, found);
            }
        }
        _ => drop(found.insert(path.to_owned())),
    }
}

/// The example's keys, those in comments too: a comment that is TOML is an example of it.
fn example_keys() -> BTreeSet<String> {
    let schema = schema();
    let mut found = BTreeSet::new();
    let (mut real, mut commented) = (String::new(), None::<String>);
    for line in EXAMPLE.lines() {
        let text = line.strip_prefix("# ").unwrap_or(line).trim();
        let is_comment = line.starts_with('#');
        if text.is_empty() || text == "#" || !is_comment {
            commented = None;
        }
        let header = text.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        if let Some((name, _)) = header.filter(|_| !text.contains(" = ")) {
            let name = name.trim_matches(['[', ']']).to_owned();
            // an empty section shows what it is by being there
            found.insert(name.clone());
            if is_comment {
                commented = Some(name);
            } else {
                real = name;
            }
            continue;
        }
        let Ok(parsed) = toml::from_str::<toml::Table>(text) else { continue };
        let place = commented.as_ref().unwrap_or(&real);
        let within = place.split('.').filter(|part| !part.is_empty());
        let within = within.fold(table(&schema).expect("tables"), |within, part| {
            within.get(part).and_then(table).unwrap_or(&Value::Null)
        });
        assert!(within.is_object() || parsed.is_empty(), "no section {place}: {line}");
        shown(&toml::Value::Table(parsed), within, place, &mut found);
    }
    found
}

#[test]
fn the_example_names_every_key_there_is_and_no_other() {
    let mut known = BTreeSet::new();
    keys(&schema(), "", &mut known);
    assert!(known.len() > 80, "{known:?}");
    // for tests of wallets alone: nobody should copy it
    known.remove("tenants.login.danger_consent");
    let shown = example_keys();
    let missing: Vec<_> = known.difference(&shown).collect();
    assert!(missing.is_empty(), "not in examples/lanyard.toml: {missing:?}");
}

#[test]
fn the_schema_takes_the_example_and_refuses_a_key_that_is_not_known() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let example: toml::Table = EXAMPLE.parse().expect("TOML");
    let mut example = serde_json::to_value(example).expect("JSON");
    let faults: Vec<_> = validator.iter_errors(&example).map(|fault| fault.to_string()).collect();
    assert_eq!(faults, Vec::<String>::new());

    example["tenants"][0]["credential_typs"] = serde_json::json!([]);
    assert!(!validator.is_valid(&example));
    example["tenants"][0].as_object_mut().expect("a table").remove("credential_typs");
    example["mode"] = "prodution".into();
    assert!(!validator.is_valid(&example));
}

#[test]
fn defaults_are_those_that_the_code_takes() {
    let schema = schema();
    let default = |path: &[&str]| {
        let place =
            path.iter().fold(&schema, |schema, name| &table(schema).expect("a table")[*name]);
        place["default"].clone()
    };
    assert_eq!(default(&["mode"]), "production");
    assert_eq!(default(&["rates", "nonce"]), 50);
    assert_eq!(default(&["store", "connections"]), lanyard_store::PostgresOptions::CONNECTIONS);
    assert_eq!(default(&["tenants", "login", "provider", "scopes"])[0], "profile");
    assert_eq!(default(&["tenants", "claims", "ask", "timeout_seconds"]), 3);
    assert_eq!(default(&["tenants", "trust_list"]), Value::Null);
}
