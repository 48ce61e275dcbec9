//! No reason code without a case.

use std::{collections::BTreeSet, fs, path::Path};

use super::{Suite, folder};

/// Codes that no published case can have, and why.
const WITHOUT_CASE: [(&str, &str); 13] = [
    ("cbor_too_long", "a megabyte of bytes; tests/all/cbor.rs has it"),
    ("credential_exp_missing", "only where a verifier's policy demands exp"),
    (
        "credential_revoked",
        "needs a status list beside the credential; tests/all/status_check.rs has it",
    ),
    (
        "credential_status_not_valid",
        "needs a status list beside the credential; tests/all/status_check.rs has it",
    ),
    (
        "credential_suspended",
        "needs a status list beside the credential; tests/all/status_check.rs has it",
    ),
    ("holder_key_unreachable", "undetermined, not refused"),
    ("issuer_certificate_status_unknown", "undetermined, not refused"),
    ("issuer_jwt_too_long", "an SD-JWT of that length is refused before its JWT is looked at"),
    ("issuer_key_unreachable", "undetermined, not refused"),
    ("key_binding_from_issuer", "said to a wallet, about what an issuer hands out"),
    ("sd_jwt_too_long", "a megabyte of text; tests/all/sd_jwt.rs has it"),
    ("status_unknown", "undetermined, not refused"),
    ("type_metadata_unreachable", "undetermined, not refused"),
];

/// Modules below them that have no suite yet, and where their rules are broken instead.
const WITHOUT_SUITE: [(&str, &str); 2] = [
    ("sd_jwt_vc/type_metadata", "tests/all/type_metadata.rs"),
    ("verify/policy", "tests/all/policy.rs"),
];

/// The modules whose `code()` functions name reasons that a suite must have a case for.
const MODULES: [&str; 5] = ["cbor", "mdoc", "sd_jwt", "sd_jwt_vc", "verify"];

#[test]
fn every_reason_to_refuse_has_a_published_case() {
    let mut published = BTreeSet::new();
    for file in fs::read_dir(folder()).expect("the folder is there") {
        let file = file.expect("it can be listed").path();
        if file.extension().is_some_and(|found| found == "json") {
            let text = fs::read(&file).expect("it can be read");
            let suite: Suite = serde_json::from_slice(&text).expect("it is a suite");
            published.extend(suite.refused.into_iter().map(|case| case.reason));
        }
    }
    let mut missing: Vec<_> = codes().difference(&published).cloned().collect();
    missing.retain(|code| !WITHOUT_CASE.iter().any(|(without, _)| without == code));
    assert!(missing.is_empty(), "reason codes without a case: {missing:?}");
    assert!(WITHOUT_CASE.iter().all(|(code, _)| !published.contains(*code)));
}

/// Every text that a `code()` function in these modules gives.
fn codes() -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for module in MODULES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(module);
        read(&folder, &mut codes);
    }
    assert!(codes.len() > 20, "the code() functions moved");
    codes
}

fn read(folder: &Path, codes: &mut BTreeSet<String>) {
    for file in fs::read_dir(folder).expect("the module is a folder") {
        let file = file.expect("it can be listed").path();
        if file.is_dir() {
            if !WITHOUT_SUITE.iter().any(|(module, _)| file.ends_with(module)) {
                read(&file, codes);
            }
            continue;
        }
        let source = fs::read_to_string(&file).expect("it is text");
        for function in source.split("fn code(").skip(1) {
            // rustfmt ends a method with a brace at one step of indentation
            let body = function.split("\n    }\n").next().expect("a function has a body");
            let texts = body.split('"').skip(1).step_by(2);
            codes.extend(texts.filter(|text| !text.is_empty()).map(str::to_owned));
        }
    }
}
