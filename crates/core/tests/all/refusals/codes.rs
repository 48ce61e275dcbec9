//! No reason code without a case.

use std::{collections::BTreeSet, fs, path::Path};

use super::{Suite, folder};

/// Codes that no published case can have, and why.
const WITHOUT_CASE: [(&str, &str); 54] = [
    ("cbor_too_long", "a megabyte of bytes; tests/all/cbor.rs has it"),
    ("context_term_malformed", "contexts are the verifier's own; tests/all/json_ld.rs has it"),
    ("context_term_protected", "contexts are the verifier's own; tests/all/json_ld.rs has it"),
    ("context_too_large", "contexts are the verifier's own; tests/all/json_ld.rs has it"),
    ("cose_payload_not_detached", "of a device signature, which has a code of its own"),
    ("cose_signature_invalid", "whoever uses COSE says whose signature it is"),
    ("credential_revoked", NEEDS_A_LIST),
    ("credential_status_not_valid", NEEDS_A_LIST),
    ("credential_suspended", NEEDS_A_LIST),
    ("did_deactivated", "what is known of a DID, not a fault of its log; tests/all/did_webvh.rs"),
    ("did_not_found", UNDETERMINED),
    ("did_option_invalid", "of an option, not of a DID; tests/all/did_resolution.rs has it"),
    ("did_option_not_supported", "of an option, not of a DID; tests/all/did_resolution.rs has it"),
    ("did_representation_not_supported", "said by whoever fetches"),
    ("did_unreachable", UNDETERMINED),
    ("did_url_malformed", "of a DID URL, not of a DID; tests/all/did_resolution.rs has it"),
    (
        "holder_binding_missing",
        "of a credential that comes alone; tests/all/every_format.rs has it",
    ),
    ("holder_key_unreachable", UNDETERMINED),
    ("issuer_certificate_revoked", "needs a revocation list; tests/all/crl.rs has it"),
    ("issuer_certificate_status_unknown", UNDETERMINED),
    ("issuer_jwt_too_long", "a megabyte of text; tests/all/jose_attacks.rs has it"),
    ("issuer_key_of_another", "no rule of trust leads to the key of another than the issuer"),
    ("issuer_key_unreachable", UNDETERMINED),
    ("issuer_metadata_refused", "needs published metadata; tests/all/issuer_metadata.rs has it"),
    ("issuer_not_in_certificate", "needs a certificate; tests/all/sd_jwt_vc_trust.rs has it"),
    ("json_ld_colliding_keywords", "of documents that are not secured; tests/all/json_ld.rs"),
    ("json_ld_too_deep", "strict JSON is refused at that depth first; tests/all/json_ld.rs"),
    ("json_ld_unsupported", "of documents that are not secured; tests/all/json_ld.rs has it"),
    ("key_binding_from_issuer", "said to a wallet, about what an issuer hands out"),
    ("policy_status_list_too_old", UNDETERMINED),
    ("policy_type_metadata_none", "of the other formats; tests/all/every_format.rs has it"),
    ("presentation_jwt_too_long", "a megabyte of text; tests/all/jose_attacks.rs has it"),
    ("proof_key_unreachable", UNDETERMINED),
    ("proof_not_selective", "said to a holder; tests/all/ecdsa_sd.rs has it"),
    ("proof_not_signed", "said to whoever makes a proof"),
    ("proof_pointer", "said to whoever makes or derives a proof; tests/all/ecdsa_sd.rs has it"),
    ("rdf_literal_misplaced", "JSON-LD has no such dataset; tests/all/rdf_canon.rs has it"),
    ("sd_jwt_too_long", "a megabyte of text; tests/all/sd_jwt.rs has it"),
    ("status_aggregation_malformed", "no credential hangs on it; token_status_list_vectors.rs"),
    ("status_aggregation_media_type", "no credential hangs on it; token_status_list_vectors.rs"),
    ("status_aggregation_unreadable", "no credential hangs on it; token_status_list_vectors.rs"),
    ("status_entries_too_many", "nine entries; tests/all/bitstring_check.rs has it"),
    ("status_entry_type", "another mechanism, and so status_unknown; bitstring_status_list.rs"),
    ("status_list_too_large", "sixteen mebibytes; tests/all/token_status_list.rs has it"),
    ("status_list_unreachable", "undetermined, and nothing was published"),
    ("status_too_wide", "said to an issuer, about what it sets"),
    ("svg_picture_too_long", "of a filled template; tests/all/type_metadata_svg.rs has it"),
    ("svg_placeholder_unknown", "of a filled template; tests/all/type_metadata_svg.rs has it"),
    ("svg_too_long", "half a megabyte of text; tests/all/type_metadata_svg.rs has it"),
    ("type_metadata_unreachable", UNDETERMINED),
    ("vc_related_resource_digest_mismatch", RESOURCE),
    ("vc_related_resource_digest_unsupported", RESOURCE),
    ("webvh_log_too_large", "megabytes of text; tests/all/did_webvh.rs has it"),
    ("webvh_log_truncated", "needs what was seen before; tests/all/did_webvh_write.rs has it"),
];

const UNDETERMINED: &str = "undetermined, not refused";
const NEEDS_A_LIST: &str =
    "needs a status list beside the credential; tests/all/status_check.rs has it";
const RESOURCE: &str = "of a resource beside the credential; tests/all/w3c_data_model.rs has it";

/// The modules whose `code()` and `reason()` functions name reasons that a suite must have a case for.
const MODULES: [&str; 12] = [
    "cbor",
    "cose",
    "credential",
    "data_integrity",
    "did",
    "mdoc",
    "sd_jwt",
    "sd_jwt_vc",
    "status",
    "trust",
    "verify",
    "w3c",
];

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
    let with_case = WITHOUT_CASE.iter().filter(|(code, _)| published.contains(*code));
    let with_case: Vec<_> = with_case.map(|(code, _)| code).collect();
    assert!(with_case.is_empty(), "these have a case: {with_case:?}");
    let gone = WITHOUT_CASE.iter().filter(|(code, _)| !codes().contains(*code));
    let gone: Vec<_> = gone.map(|(code, _)| code).collect();
    assert!(gone.is_empty(), "these are no reason codes: {gone:?}");
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
            read(&file, codes);
            continue;
        }
        let source = fs::read_to_string(&file).expect("it is text");
        for (at, _) in source.match_indices("code(").chain(source.match_indices("reason(")) {
            let (before, function) = source.split_at(at);
            // a name may say more, as in `fn jwt_code(`
            let more = |c: char| c.is_ascii_lowercase() || c == '_';
            let head = before.trim_end_matches(more);
            let more = &before[head.len()..];
            if !head.ends_with("fn ") || !(more.is_empty() || more.ends_with('_')) {
                continue;
            }
            // rustfmt ends a method with a brace at one step of indentation, a function with one at none
            let ends = [function.find("\n    }\n"), function.find("\n}\n")];
            let end = ends.into_iter().flatten().min().expect("a function has an end");
            let body = &function[..end];
            let texts = body.split('"').skip(1).step_by(2);
            // the error types of DID Resolution are not reasons
            let is_reason = |text: &&str| !text.is_empty() && *text != text.to_uppercase();
            codes.extend(texts.filter(is_reason).map(str::to_owned));
        }
    }
}
