//! did:webvh: every rule of a log, each broken alone.

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    crypto::{RustCrypto, SoftwareSigner},
    did::{
        Dereferenced, Did, DidUrl, ResolutionError, ResolutionOptions, Version,
        webvh::{LogError, UnverifiedLog, VerifiedLog, WebvhDid, WebvhFault},
    },
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::did_webvh_support::{
    Draft, PLACE, fault, multibase, multihash, refusal, sign, signer, tampered,
};

#[test]
fn takes_a_good_log() {
    let log = Draft::good().sealed().verify_with(None).unwrap();
    assert_eq!(log.version_count(), 2);
    assert!(!log.is_deactivated());
}

#[test]
fn refuses_an_empty_or_overlong_log() {
    let parse = |text: &str| UnverifiedLog::parse(text.as_bytes()).map(drop);
    assert_eq!(parse(""), Err(fault(0, WebvhFault::Empty)));
    assert_eq!(parse("\n\n"), Err(fault(0, WebvhFault::Empty)));
    assert_eq!(parse(&" ".repeat(6 << 20)), Err(fault(0, WebvhFault::TooLarge)));
    assert_eq!(parse(&"a".repeat(600 << 10)), Err(fault(1, WebvhFault::TooLarge)));
    let line = Draft::good().sealed().entries[0].to_string();
    let many = format!("{line}\n").repeat(2001);
    assert_eq!(parse(&many), Err(fault(2001, WebvhFault::TooLarge)));
}

#[test]
fn refuses_a_line_that_is_no_entry() {
    let malformed = |text: &str| {
        assert_eq!(
            UnverifiedLog::parse(text.as_bytes()).err(),
            Some(fault(1, WebvhFault::Malformed)),
            "{text}"
        );
    };
    malformed("[]");
    malformed("<html>");
    malformed(r#"{"versionId":"1","versionId":"1"}"#);
    let good = Draft::good().sealed().entries[0].clone();
    for name in ["versionId", "versionTime", "parameters", "state"] {
        let mut entry = good.clone();
        entry[name] = json!(1);
        malformed(&entry.to_string());
        entry.as_object_mut().unwrap().remove(name);
        malformed(&entry.to_string());
    }
    let mut entry = good;
    entry["more"] = json!(1);
    malformed(&entry.to_string());
}

#[test]
fn refuses_a_version_number_that_is_not_the_next() {
    for version in ["3", "1", "02", "+2", "2-", ""] {
        let refused = tampered(|entries| {
            let id = entries[1]["versionId"].as_str().unwrap().split_once('-').unwrap().1;
            entries[1]["versionId"] = json!(format!("{version}-{id}"));
        });
        // the proof covers the versionId
        assert_eq!(refused, fault(2, WebvhFault::Signature), "{version}");
    }
    for version in ["3-QmfGEUAcMpzo25kF2Rhn8L6FAXysfGnkzjwdKoNPi615XQ", "2", "2-Qm", "2--Qm"] {
        let draft = Draft::good();
        let key = draft.key.clone();
        let mut sealed = draft.sealed();
        let mut entry = sealed.entries[1].as_object().unwrap().clone();
        entry.insert("versionId".to_owned(), json!(version));
        sealed.entries[1] = sign(entry, &key);
        assert_eq!(sealed.refusal(), fault(2, WebvhFault::VersionId), "{version}");
    }
}

#[test]
fn refuses_a_log_with_an_entry_left_out() {
    let mut sealed = Draft::good().and(json!({})).sealed();
    sealed.entries.remove(1);
    assert_eq!(sealed.refusal(), fault(2, WebvhFault::VersionId));
}

#[test]
fn refuses_an_entry_hash_of_another_entry() {
    let draft = Draft::good();
    let key = draft.key.clone();
    let mut sealed = draft.sealed();
    let mut entry = sealed.entries[1].as_object().unwrap().clone();
    entry["state"]["service"] = json!([]);
    sealed.entries[1] = sign(entry, &key);
    assert_eq!(sealed.refusal(), fault(2, WebvhFault::EntryHash));
}

#[test]
fn refuses_a_time_that_is_not_utc() {
    for time in ["2025-01-02", "2025-01-02T00:00:00", "2025-01-02T00:00:00+01:00", "Z"] {
        let refused = refusal(|draft| draft.entries[1]["versionTime"] = json!(time));
        assert_eq!(refused, fault(2, WebvhFault::VersionTime), "{time}");
    }
    let mut draft = Draft::good();
    draft.entries[1]["versionTime"] = json!("2025-01-02T00:00:00.5+00:00");
    assert!(draft.sealed().verify_with(None).is_ok());
}

#[test]
fn refuses_a_time_that_is_not_later_than_the_one_before() {
    for time in ["2025-01-01T00:00:00Z", "2024-12-31T23:59:59Z"] {
        let refused = refusal(|draft| draft.entries[1]["versionTime"] = json!(time));
        assert_eq!(refused, fault(2, WebvhFault::VersionTimeOrder));
    }
}

#[test]
fn refuses_a_time_more_than_five_minutes_ahead() {
    let at = |seconds| {
        let time = Timestamp::from_second(test_now().as_second() + seconds).unwrap();
        let mut draft = Draft::good();
        draft.entries[1]["versionTime"] = json!(time.to_string());
        draft.sealed().verify_with(None).map(drop)
    };
    assert_eq!(at(300), Ok(()));
    assert_eq!(at(301), Err(fault(2, WebvhFault::VersionTimeFuture)));
}

#[test]
fn refuses_a_scid_that_is_not_the_hash_of_the_first_entry() {
    // the first entry is another one, chained and signed as if its SCID were this
    let mut draft = Draft::good();
    draft.scid = Some("QmfGEUAcMpzo25kF2Rhn8L6FAXysfGnkzjwdKoNPi615XQ".to_owned());
    assert_eq!(draft.sealed().refusal(), fault(1, WebvhFault::ScidHash));
}

#[test]
fn refuses_an_unknown_or_missing_method_version() {
    for method in
        [json!("did:webvh:99.0"), json!("did:webvh:1.0-rc1"), json!("did:tdw:0.4"), json!(1)]
    {
        let refused = refusal(|draft| draft.entries[0]["parameters"]["method"] = method.clone());
        assert_eq!(refused, fault(1, WebvhFault::Method), "{method}");
        let refused = refusal(|draft| draft.entries[1]["parameters"]["method"] = method.clone());
        assert_eq!(refused, fault(2, WebvhFault::Method), "{method}");
    }
    let refused = refusal(|draft| {
        draft.entries[0]["parameters"].as_object_mut().unwrap().remove("method");
    });
    assert_eq!(refused, fault(1, WebvhFault::Method));
}

#[test]
fn refuses_a_parameter_that_is_unknown_or_of_the_wrong_type() {
    let refused = refusal(|draft| draft.entries[1]["parameters"]["prerotation"] = json!(true));
    assert_eq!(refused, fault(2, WebvhFault::UnknownParameter));
    for (name, value) in [
        ("updateKeys", json!("z6Mk")),
        ("updateKeys", json!([1])),
        ("nextKeyHashes", json!({})),
        ("watchers", json!("https://watcher.example")),
        ("portable", json!("false")),
        ("deactivated", json!(1)),
        ("ttl", json!("3600")),
        ("ttl", json!(-1)),
        ("ttl", json!(1.5)),
        ("ttl", json!((1_u64 << 31) + 1)),
    ] {
        let refused = refusal(|draft| draft.entries[1]["parameters"][name] = value.clone());
        assert_eq!(refused, fault(2, WebvhFault::Parameter(name)), "{name} {value}");
    }
    let refused = refusal(|draft| {
        draft.entries[0]["parameters"].as_object_mut().unwrap().remove("updateKeys");
    });
    assert_eq!(refused, fault(1, WebvhFault::Parameter("updateKeys")));
}

#[test]
fn takes_null_for_the_default_as_older_logs_have_it() {
    let parameters = json!({
        "updateKeys": null, "nextKeyHashes": null, "witness": null, "watchers": null, "ttl": null,
        "portable": null, "deactivated": null,
    });
    let log = Draft::good().and(parameters).and(json!({})).sealed().verify_with(None);
    assert_eq!(log.unwrap().version_count(), 4);
}

#[test]
fn refuses_a_scid_parameter_in_a_later_entry() {
    let refused = refusal(|draft| draft.entries[1]["parameters"]["scid"] = json!("{SCID}"));
    assert_eq!(refused, fault(2, WebvhFault::ScidPlace));
    let refused = refusal(|draft| {
        draft.entries[0]["parameters"].as_object_mut().unwrap().remove("scid");
    });
    assert_eq!(refused, fault(1, WebvhFault::ScidPlace));
}

#[test]
fn refuses_a_document_of_another_scid() {
    for id in [
        json!("did:webvh:QmfGEUAcMpzo25kF2Rhn8L6FAXysfGnkzjwdKoNPi615XQ:issuer.example:dids"),
        json!(["did:webvh:{SCID}:issuer.example:dids"]),
        json!("did:webvh:{SCID}:issuer.example:dids#key"),
        json!(null),
    ] {
        let refused = refusal(|draft| draft.entries[1]["state"]["id"] = id.clone());
        assert_eq!(refused, fault(2, WebvhFault::ForeignScid), "{id}");
    }
}

#[test]
fn refuses_the_log_of_another_did() {
    let sealed = Draft::good().sealed();
    let did = Did::parse(&format!("did:webvh:{}:other.example", sealed.scid)).unwrap();
    let log = UnverifiedLog::parse(sealed.text().as_bytes()).unwrap();
    let outcome = log.verify(&WebvhDid::parse(&did).unwrap(), None, test_now(), &RustCrypto);
    assert_eq!(outcome.err(), Some(fault(0, WebvhFault::ForeignDid)));
}

#[test]
fn refuses_a_document_that_is_none() {
    let refused = refusal(|draft| draft.entries[1]["state"]["verificationMethod"] = json!({}));
    assert_eq!(refused, fault(2, WebvhFault::Document));
    let refused = refusal(|draft| draft.entries[1]["state"]["service"] = json!({}));
    assert_eq!(refused, fault(2, WebvhFault::Document));
}

#[test]
fn refuses_an_entry_signed_by_another_key() {
    let refused = refusal(|draft| draft.signers[1] = Arc::new(signer()));
    assert_eq!(refused, fault(2, WebvhFault::NotAuthorised));
}

#[test]
fn the_keys_of_an_entry_count_from_the_next_one_on() {
    let next = Arc::new(signer());
    let rotated = |by: [bool; 2]| {
        let mut draft = Draft::good().and(json!({}));
        draft.entries[1]["parameters"] = json!({"updateKeys": [multibase(&next)]});
        for (at, by_next) in by.into_iter().enumerate() {
            if by_next {
                draft.signers[at + 1] = next.clone();
            }
        }
        draft.sealed().verify_with(None).map(drop)
    };
    assert_eq!(rotated([false, true]), Ok(()));
    assert_eq!(rotated([true, true]), Err(fault(2, WebvhFault::NotAuthorised)));
    assert_eq!(rotated([false, false]), Err(fault(3, WebvhFault::NotAuthorised)));
}

#[test]
fn refuses_a_proof_of_another_suite_purpose_or_form() {
    for (member, value) in [
        ("cryptosuite", json!("ecdsa-jcs-2019")),
        ("cryptosuite", json!("eddsa-jcs-2099")),
        ("proofPurpose", json!("authentication")),
        ("type", json!("Ed25519Signature2020")),
        ("verificationMethod", json!("did:web:issuer.example#key")),
        ("verificationMethod", json!("did:key:z6Mk")),
        ("proofValue", json!("u0")),
    ] {
        let refused = tampered(|entries| entries[1]["proof"][member] = value.clone());
        assert_eq!(refused, fault(2, WebvhFault::Proof), "{member} {value}");
    }
    for proof in [json!([]), json!("proof"), json!([1])] {
        let refused = tampered(|entries| entries[1]["proof"] = proof.clone());
        assert_eq!(refused, fault(2, WebvhFault::Proof), "{proof}");
    }
}

#[test]
fn refuses_a_proof_whose_key_and_name_differ() {
    let other = multibase(&signer());
    let refused = tampered(|entries| {
        let method = entries[1]["proof"]["verificationMethod"].as_str().unwrap();
        let (_, fragment) = method.split_once('#').unwrap();
        entries[1]["proof"]["verificationMethod"] = json!(format!("did:key:{other}#{fragment}"));
    });
    assert_eq!(refused, fault(2, WebvhFault::Proof));
}

#[test]
fn refuses_a_proof_that_does_not_verify() {
    let refused = tampered(|entries| {
        entries[1]["proof"]["proofValue"] = entries[0]["proof"]["proofValue"].clone();
    });
    assert_eq!(refused, fault(2, WebvhFault::Signature));
    // one good proof does not make up for a bad one
    let refused = tampered(|entries| {
        let (good, bad) = (entries[1]["proof"].clone(), entries[0]["proof"].clone());
        entries[1]["proof"] = json!([good, bad]);
    });
    assert_eq!(refused, fault(2, WebvhFault::Signature));
}

/// A log whose second entry takes up a key that the first committed to.
fn prerotated(
    second: impl FnOnce(&SoftwareSigner) -> Value,
    by_next: bool,
) -> Result<(), LogError> {
    let next = Arc::new(signer());
    let mut draft = Draft::good();
    draft.entries[0]["parameters"]["nextKeyHashes"] =
        json!([multihash(multibase(&next).as_bytes()), "unused"]);
    draft.entries[1]["parameters"] = second(&next);
    if by_next {
        draft.signers[1] = next;
    }
    draft.sealed().verify_with(None).map(drop)
}

#[test]
fn a_committed_key_signs_the_entry_that_names_it() {
    let good =
        |next: &SoftwareSigner| json!({"updateKeys": [multibase(next)], "nextKeyHashes": []});
    assert_eq!(prerotated(good, true), Ok(()));
    assert_eq!(prerotated(good, false), Err(fault(2, WebvhFault::NotAuthorised)));
}

#[test]
fn refuses_an_entry_that_leaves_out_the_committed_keys() {
    for left_out in ["updateKeys", "nextKeyHashes"] {
        for gone in [true, false] {
            let outcome = prerotated(
                |next| {
                    let mut stated = json!({"updateKeys": [multibase(next)], "nextKeyHashes": []});
                    match gone {
                        true => drop(stated.as_object_mut().unwrap().remove(left_out)),
                        false => stated[left_out] = json!(null),
                    }
                    stated
                },
                true,
            );
            assert_eq!(outcome, Err(fault(2, WebvhFault::PreRotationOmitted)), "{left_out}");
        }
    }
}

#[test]
fn refuses_a_key_that_was_not_committed_to() {
    let outcome = prerotated(
        |next| {
            let keys = [multibase(next), multibase(&signer())];
            json!({"updateKeys": keys, "nextKeyHashes": []})
        },
        true,
    );
    assert_eq!(outcome, Err(fault(2, WebvhFault::PreRotationHash)));
}

/// A log whose second entry moves the DID.
fn moved(portable: Value, known: Value) -> Result<VerifiedLog, LogError> {
    let mut draft = Draft::good();
    draft.entries[0]["parameters"]["portable"] = portable;
    draft.entries[1]["state"]["id"] = json!("did:webvh:{SCID}:elsewhere.example");
    draft.entries[1]["state"]["alsoKnownAs"] = known;
    draft.sealed().verify_with(None)
}

#[test]
fn a_portable_did_moves_and_remembers_where_it_was() {
    let former = json!([format!("did:webvh:{{SCID}}:{PLACE}")]);
    let log = moved(json!(true), former.clone()).unwrap();
    assert!(log.document().id().as_str().ends_with(":elsewhere.example"));
    let refused = fault(2, WebvhFault::Portability);
    assert_eq!(moved(json!(false), former).err(), Some(refused));
    assert_eq!(moved(json!(true), json!([])).err(), Some(refused));
    assert_eq!(moved(json!(true), json!(["did:web:issuer.example"])).err(), Some(refused));
}

#[test]
fn refuses_to_become_portable_later() {
    let refused = refusal(|draft| draft.entries[1]["parameters"]["portable"] = json!(true));
    assert_eq!(refused, fault(2, WebvhFault::PortableLater));
}

#[test]
fn refuses_an_entry_after_the_deactivation() {
    let draft = Draft::good().and(json!({"deactivated": true})).and(json!({}));
    assert_eq!(draft.sealed().refusal(), fault(4, WebvhFault::AfterDeactivation));
}

#[test]
fn a_deactivated_did_has_its_earlier_versions_only() {
    let sealed = Draft::good().and(json!({"deactivated": true})).sealed();
    let log = sealed.verify_with(None).unwrap();
    let resolve = |version| log.resolve(&ResolutionOptions { version }).unwrap();
    for hidden in [resolve(None), resolve(Some(Version::Number(3)))] {
        assert_eq!((hidden.document, hidden.metadata.deactivated), (None, true));
    }
    let earlier = resolve(Some(Version::Number(2)));
    assert!(earlier.document.is_some() && earlier.metadata.deactivated);
}

#[test]
fn a_version_is_found_by_its_id_number_or_time() {
    let sealed = Draft::good().and(json!({"ttl": 60})).sealed();
    let log = sealed.verify_with(None).unwrap();
    let find = |version| {
        let resolved = log.resolve(&ResolutionOptions { version: Some(version) });
        resolved.map(|resolved| resolved.metadata.version_id.unwrap_or_default())
    };
    let id = |at: usize| sealed.entries[at]["versionId"].as_str().unwrap().to_owned();
    let time = |text: &str| Version::Time(text.parse().unwrap());
    assert_eq!(find(Version::Id(id(1))), Ok(id(1)));
    assert_eq!(find(Version::Number(3)), Ok(id(2)));
    assert_eq!(find(time("2025-01-02T00:00:00Z")), Ok(id(1)));
    assert_eq!(find(time("2025-01-02T23:59:59Z")), Ok(id(1)));
    assert_eq!(find(time("2030-01-01T00:00:00Z")), Ok(id(2)));
    for nothing in [
        Version::Id("2".to_owned()),
        Version::Number(0),
        Version::Number(4),
        time("2024-12-31T23:59:59Z"),
    ] {
        assert_eq!(find(nothing), Err(ResolutionError::NotFound));
    }
    let latest = log.resolve(&ResolutionOptions::default()).unwrap();
    assert_eq!(latest.fresh_for.map(|fresh| fresh.as_secs()), Some(60));
    let metadata = latest.metadata.to_json();
    assert_eq!(metadata["ttl"], "60");
    assert_eq!(metadata["created"], "2025-01-01T00:00:00Z");
    assert_eq!(metadata["versionTime"], "2025-01-03T00:00:00Z");
}

#[test]
fn a_path_is_relative_to_the_log_unless_the_document_says_otherwise() {
    let endpoint = |draft: Draft, path: &str| {
        let sealed = draft.sealed();
        let log = sealed.verify_with(None).expect("a good log");
        let url = DidUrl::parse(&format!("{}{path}", sealed.did().did())).expect("a DID URL");
        match log.document().dereference(&url) {
            Ok(Dereferenced::ServiceEndpoints(urls)) => urls[0].to_string(),
            other => format!("{other:?}"),
        }
    };
    assert_eq!(endpoint(Draft::good(), "/whois"), "https://issuer.example/dids/whois.vp");
    assert_eq!(endpoint(Draft::good(), "/a/b.json"), "https://issuer.example/dids/a/b.json");
    assert!(endpoint(Draft::good(), "/../b.json").contains("InvalidDidUrl"));
    let mut own = Draft::good();
    own.entries[1]["state"]["service"] = json!([
        {"id": "#files", "type": "relativeRef", "serviceEndpoint": "https://files.example/"},
    ]);
    assert_eq!(endpoint(own, "/a/b.json"), "https://files.example/a/b.json");
}
