//! Which crate may depend on which: the table in `docs/architecture.md`, enforced.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::command;

/// Every crate of the product with the crates of the workspace that it may name.
const ALLOWED: &[(&str, &[&str])] = &[
    ("lanyard-core", &[]),
    ("lanyard-store", &[]),
    ("lanyard-fetch", &["lanyard-core"]),
    ("lanyard-oid4vci", &["lanyard-core"]),
    ("lanyard-oid4vp", &["lanyard-core"]),
    ("lanyard-service", &["lanyard-core", "lanyard-fetch", "lanyard-store"]),
    (
        "lanyard-issuer",
        &["lanyard-core", "lanyard-fetch", "lanyard-oid4vci", "lanyard-service", "lanyard-store"],
    ),
    (
        "lanyard-verifier",
        &["lanyard-core", "lanyard-fetch", "lanyard-oid4vp", "lanyard-service", "lanyard-store"],
    ),
    ("lanyard-wallet", &["lanyard-core", "lanyard-fetch", "lanyard-oid4vci", "lanyard-oid4vp"]),
    ("lanyard-wallet-ffi", &["lanyard-wallet"]),
    (
        "lanyard",
        &[
            "lanyard-core",
            "lanyard-fetch",
            "lanyard-oid4vci",
            "lanyard-oid4vp",
            "lanyard-store",
            "lanyard-service",
            "lanyard-issuer",
            "lanyard-verifier",
            "lanyard-wallet",
        ],
    ),
    ("lanyard-testkit", &["lanyard-core", "lanyard-store"]),
    ("lanyard-fuzz", &["lanyard-core", "lanyard-oid4vci", "lanyard-oid4vp"]),
    // the product's own composition, over a store that fails (ADR 22)
    (
        "lanyard-load",
        &["lanyard", "lanyard-core", "lanyard-service", "lanyard-store", "lanyard-testkit"],
    ),
    ("lanyard-examples", &["lanyard-core", "lanyard-fetch", "lanyard-testkit", "lanyard-wallet"]),
    ("xtask", &[]),
];

/// What the core never touches: no runtime, no sockets, no database.
const NEVER_IN_CORE: &[&str] =
    &["tokio", "axum", "hyper", "reqwest", "rusqlite", "lanyard-testkit"];

/// Checks every arrow of the workspace.
pub(crate) fn run() -> Result<(), String> {
    let output =
        command::program("cargo", &["metadata", "--format-version", "1", "--no-deps"], ".")
            .output()
            .map_err(|cause| format!("cargo metadata: {cause}"))?;
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|cause| cause.to_string())?;
    let wrong = wrong_arrows(&metadata);
    if wrong.is_empty() {
        println!("arrows: every crate depends on what it may");
        return Ok(());
    }
    Err(wrong.join("\n"))
}

fn wrong_arrows(metadata: &Value) -> Vec<String> {
    let allowed: BTreeMap<_, _> = ALLOWED.iter().copied().collect();
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some(may) = allowed.get(name) else {
            wrong.push(format!("{name} is not in the table (crates/xtask/src/arrows.rs)"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let target = dependency["name"].as_str().unwrap_or_default();
            // dev-dependencies may point anywhere but up: tests are not the product
            if dependency["kind"].as_str() == Some("dev") {
                continue;
            }
            let ours = target.starts_with("lanyard") || target == "xtask";
            if ours && !may.contains(&target) {
                wrong.push(format!("{name} -> {target} is not an allowed arrow"));
            }
            if name == "lanyard-core" && NEVER_IN_CORE.contains(&target) {
                wrong.push(format!("{name} -> {target}: the core does no IO"));
            }
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn package(name: &str, dependency: &str, kind: Value) -> Value {
        json!({"packages": [{"name": name, "dependencies": [{"name": dependency, "kind": kind}]}]})
    }

    #[test]
    fn the_page_says_what_each_crate_may_name() {
        let row = |(name, may): &(&str, &[&str])| {
            let may: Vec<_> = may.iter().map(|name| format!("`{name}`")).collect();
            let may = if may.is_empty() { "none".to_owned() } else { may.join(", ") };
            format!("| `{name}` | {may} |\n")
        };
        let rows: String = ALLOWED.iter().map(row).collect();
        let table = format!("| crate | may name |\n|---|---|\n{rows}\n");
        let page = std::fs::read_to_string(command::root().join("docs/architecture.md")).unwrap();
        assert!(page.contains(&table), "docs/architecture.md is stale; its table is:\n{table}");
    }

    #[test]
    fn names_an_arrow_that_is_not_in_the_table() {
        let metadata = package("lanyard-oid4vci", "lanyard-oid4vp", Value::Null);
        assert_eq!(
            wrong_arrows(&metadata),
            ["lanyard-oid4vci -> lanyard-oid4vp is not an allowed arrow"]
        );
    }

    #[test]
    fn refuses_a_runtime_in_the_core_but_not_in_its_tests() {
        let metadata = package("lanyard-core", "tokio", Value::Null);
        assert_eq!(wrong_arrows(&metadata), ["lanyard-core -> tokio: the core does no IO"]);
        assert!(wrong_arrows(&package("lanyard-core", "tokio", json!("dev"))).is_empty());
    }

    #[test]
    fn names_a_crate_that_nobody_listed() {
        let metadata = json!({"packages": [{"name": "corridor", "dependencies": []}]});
        assert!(wrong_arrows(&metadata)[0].starts_with("corridor is not in the table"));
    }
}
