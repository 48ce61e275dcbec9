//! did:webvh: what we write, anybody may read.

use lanyard_core::{
    Timestamp,
    crypto::{Curve, PublicKey, RustCrypto, Signer as _, SoftwareSigner},
    did::{
        Did, DidUrl, Relationship, ResolutionOptions,
        webvh::{
            NewDid, SignedEntry, UnverifiedLog, VerifiedLog, WebvhDid, WebvhFault, Witnesses,
            WriteError, approve_version, parallel_did_web,
        },
    },
    json::Object,
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::{
    did_support::now,
    did_webvh_support::{multibase, signer, signer_on},
};

const PLACE: &str = "issuer.example%3A8443:dids";

fn object(value: Value) -> Object {
    value.as_object().expect("an object").clone()
}

/// A document with one key, named before its DID is known.
fn document(key: &SoftwareSigner) -> Object {
    let did = format!("did:webvh:{{SCID}}:{PLACE}");
    object(json!({
        "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
        "verificationMethod": [{
            "id": format!("{did}#key"), "type": "Multikey", "controller": did,
            "publicKeyMultibase": multibase(key),
        }],
        "assertionMethod": [format!("{did}#key")],
    }))
}

/// So many days after the first entry.
fn day(days: i64) -> Timestamp {
    Timestamp::from_second(1_735_689_600 + days * 86_400).expect("a time")
}

fn read(did: &Did, text: &str, witnesses: Option<&str>) -> VerifiedLog {
    let log = UnverifiedLog::parse(text.as_bytes()).expect("what we write can be read");
    let did = WebvhDid::parse(did).expect("what we make is a did:webvh");
    let witnesses = witnesses.map(str::as_bytes);
    log.verify(&did, witnesses, test_now(), &RustCrypto).expect("what we write verifies")
}

fn create(key: &SoftwareSigner) -> SignedEntry {
    let draft = NewDid::at(PLACE, document(key));
    now(draft.sign(key, day(0), &RustCrypto)).expect("a good draft")
}

fn public(signer: &SoftwareSigner) -> PublicKey {
    *signer.public_key()
}

#[test]
fn a_new_did_has_its_scid_in_every_place() {
    let key = signer();
    let entry = create(&key);
    assert!(!entry.line.contains("{SCID}") && entry.line.ends_with("}\n"));
    assert!(entry.did.as_str().ends_with(&format!(":{PLACE}")));
    let log = read(&entry.did, &entry.line, None);
    assert_eq!(log.version_id(), entry.version_id);
    let name = entry.did.with_fragment("key").unwrap();
    assert_eq!(log.document().assertion_method(&name), Ok(&public(&key)));
}

#[test]
fn a_place_may_have_the_scid_in_its_path() {
    let key = signer();
    let draft = NewDid::at("issuer.example:{SCID}", Object::new());
    let entry = now(draft.sign(&key, day(0), &RustCrypto)).unwrap();
    let scid = entry.did.method_specific_id().split(':').next().unwrap();
    assert!(entry.did.as_str().ends_with(&format!(":issuer.example:{scid}")));
    assert_eq!(read(&entry.did, &entry.line, None).version_count(), 1);
}

#[test]
fn an_update_changes_the_document_and_nothing_else() {
    let key = signer();
    let first = create(&key);
    let log = read(&first.did, &first.line, None);
    let mut changed = document(&key);
    changed.insert("alsoKnownAs".to_owned(), json!(["https://issuer.example/"]));
    let text = Value::Object(changed)
        .to_string()
        .replace("{SCID}", first.did.method_specific_id().split(':').next().unwrap());
    let changed: Object = serde_json::from_str(&text).unwrap();
    let second = now(log.next_entry().with_document(changed).sign(&key, day(1), &RustCrypto));
    let second = second.unwrap();
    let log = read(&first.did, &format!("{}{}", first.line, second.line), None);
    assert_eq!(log.version_count(), 2);
    let written: Value = serde_json::from_str(&second.line).unwrap();
    assert_eq!(written["parameters"], json!({}));
    assert_eq!(written["state"]["alsoKnownAs"], json!(["https://issuer.example/"]));
    assert!(written["proof"].is_array());
    assert_eq!(written["state"]["id"], first.did.as_str());
}

#[test]
fn the_services_that_every_did_has_are_not_written() {
    let key = signer();
    let first = create(&key);
    let log = read(&first.did, &first.line, None);
    assert_eq!(log.document().services().count(), 2);
    let second = now(log.next_entry().sign(&key, day(1), &RustCrypto)).unwrap();
    let written: Value = serde_json::from_str(&second.line).unwrap();
    assert_eq!(written["state"].get("service"), None);
}

#[test]
fn a_rotated_key_signs_the_next_entry() {
    let (old, new) = (signer(), signer());
    let first = create(&old);
    let log = read(&first.did, &first.line, None);
    let rotate = log.next_entry().with_update_keys(&[public(&new)]);
    let second = now(rotate.sign(&old, day(1), &RustCrypto)).unwrap();
    let text = format!("{}{}", first.line, second.line);
    let log = read(&first.did, &text, None);
    let by_old = now(log.next_entry().sign(&old, day(2), &RustCrypto));
    assert_eq!(by_old, Err(WriteError::Refused(WebvhFault::NotAuthorised)));
    assert!(now(log.next_entry().sign(&new, day(2), &RustCrypto)).is_ok());
}

#[test]
fn a_committed_key_signs_the_entry_that_takes_it_up() {
    let (old, new) = (signer(), signer());
    let draft = NewDid::at(PLACE, document(&old)).with_next_keys(&[public(&new)], &RustCrypto);
    let first = now(draft.sign(&old, day(0), &RustCrypto)).unwrap();
    let log = read(&first.did, &first.line, None);
    let omitted = now(log.next_entry().sign(&old, day(1), &RustCrypto));
    assert_eq!(omitted, Err(WriteError::Refused(WebvhFault::PreRotationOmitted)));
    let rotate =
        log.next_entry().with_update_keys(&[public(&new)]).with_next_keys(&[], &RustCrypto);
    let by_old = now(rotate.clone().sign(&old, day(1), &RustCrypto));
    assert_eq!(by_old, Err(WriteError::Refused(WebvhFault::NotAuthorised)));
    let second = now(rotate.sign(&new, day(1), &RustCrypto)).unwrap();
    let log = read(&first.did, &format!("{}{}", first.line, second.line), None);
    assert!(now(log.next_entry().sign(&new, day(2), &RustCrypto)).is_ok());
}

#[test]
fn a_deactivated_did_takes_no_further_entry() {
    let key = signer();
    let first = create(&key);
    let log = read(&first.did, &first.line, None);
    let last = now(log.next_entry().deactivated().sign(&key, day(1), &RustCrypto)).unwrap();
    let log = read(&first.did, &format!("{}{}", first.line, last.line), None);
    assert!(log.is_deactivated());
    assert_eq!(log.resolve(&ResolutionOptions::default()).unwrap().document, None);
    let after = now(log.next_entry().sign(&key, day(2), &RustCrypto));
    assert_eq!(after, Err(WriteError::Refused(WebvhFault::AfterDeactivation)));
}

#[test]
fn a_did_with_committed_keys_is_deactivated_with_them() {
    let (old, new) = (signer(), signer());
    let draft = NewDid::at(PLACE, document(&old)).with_next_keys(&[public(&new)], &RustCrypto);
    let first = now(draft.sign(&old, day(0), &RustCrypto)).unwrap();
    let log = read(&first.did, &first.line, None);
    let last = log.next_entry().with_update_keys(&[public(&new)]).deactivated();
    let last = now(last.sign(&new, day(1), &RustCrypto)).unwrap();
    assert!(read(&first.did, &format!("{}{}", first.line, last.line), None).is_deactivated());
}

#[test]
fn a_portable_did_moves_with_its_keys() {
    let key = signer();
    let draft = NewDid::at(PLACE, document(&key)).portable();
    let first = now(draft.sign(&key, day(0), &RustCrypto)).unwrap();
    let log = read(&first.did, &first.line, None);
    let moved = log.next_entry().moved_to("elsewhere.example").unwrap();
    let second = now(moved.sign(&key, day(1), &RustCrypto)).unwrap();
    let text = format!("{}{}", first.line, second.line);
    // under its new name and under its former one
    for did in [&first.did, &second.did] {
        let log = read(did, &text, None);
        assert_eq!(log.document().id(), &second.did);
        assert_eq!(log.document().to_json()["alsoKnownAs"], json!([first.did]));
        let name = second.did.with_fragment("key").unwrap();
        assert!(log.document().assertion_method(&name).is_ok());
    }
    let fixed = create(&key);
    let log = read(&fixed.did, &fixed.line, None);
    let moved = log.next_entry().moved_to("elsewhere.example").unwrap();
    let refused = now(moved.sign(&key, day(1), &RustCrypto));
    assert_eq!(refused, Err(WriteError::Refused(WebvhFault::Portability)));
    assert!(matches!(log.next_entry().moved_to("127.0.0.1"), Err(WriteError::Place)));
}

#[test]
fn a_witnessed_did_is_read_with_its_approvals() {
    let (key, one, two) = (signer(), signer(), signer());
    let witnesses = Witnesses::new(2, &[public(&one), public(&two)]).unwrap();
    let draft = NewDid::at(PLACE, document(&key)).with_witnesses(&witnesses).with_ttl(0);
    let entry = now(draft.sign(&key, day(0), &RustCrypto)).unwrap();
    let approvals = [&one, &two].map(|witness| {
        now(approve_version(&entry.version_id, witness, day(0), &RustCrypto)).unwrap()
    });
    let file = json!(approvals).to_string();
    let log = read(&entry.did, &entry.line, Some(&file));
    assert_eq!(log.witnesses(), Some(&witnesses));
    let metadata = log.resolve(&ResolutionOptions::default()).unwrap().metadata.to_json();
    assert_eq!(metadata["witness"]["threshold"], "2");
    assert_eq!(metadata["ttl"], "0");
    let ended = log.next_entry().with_witnesses(None).with_ttl(60);
    assert!(now(ended.sign(&key, day(1), &RustCrypto)).is_ok());
}

#[test]
fn refuses_to_write_what_nobody_would_take() {
    let key = signer();
    for place in ["", "localhost", "127.0.0.1", "issuer.example:..", "issuer.example/dids", "a b.c"]
    {
        let draft = NewDid::at(place, Object::new());
        let refused = now(draft.sign(&key, day(0), &RustCrypto));
        assert_eq!(refused, Err(WriteError::Place), "{place}");
    }
    let foreign = NewDid::at(PLACE, object(json!({"id": "did:web:issuer.example"})));
    assert_eq!(now(foreign.sign(&key, day(0), &RustCrypto)), Err(WriteError::ForeignId));
    let other = signer_on(Curve::P256);
    let refused = now(NewDid::at(PLACE, Object::new()).sign(&other, day(0), &RustCrypto));
    assert_eq!(refused, Err(WriteError::KeyMismatch));
    let first = create(&key);
    let log = read(&first.did, &first.line, None);
    let early = now(log.next_entry().sign(&key, day(0), &RustCrypto));
    assert_eq!(early, Err(WriteError::Refused(WebvhFault::VersionTimeOrder)));
    assert_eq!(Witnesses::new(1, &[public(&other)]), Err(WebvhFault::Witnesses));
    assert_eq!(Witnesses::new(0, &[public(&key)]), Err(WebvhFault::Witnesses));
}

#[test]
fn the_did_web_beside_it_has_the_same_keys() {
    let key = signer();
    let entry = create(&key);
    let log = read(&entry.did, &entry.line, None);
    let (web, written) = parallel_did_web(log.document()).unwrap();
    assert_eq!(web.as_str(), format!("did:web:{PLACE}"));
    assert_eq!(written["alsoKnownAs"], json!([entry.did]));
    let text = Value::Object(written).to_string();
    let read = lanyard_core::did::DidDocument::parse(&web, text.as_bytes(), &RustCrypto).unwrap();
    let name = DidUrl::parse(&format!("{web}#key")).unwrap();
    assert_eq!(read.key_for(&name, Relationship::AssertionMethod), Ok(&public(&key)));
    assert_eq!(parallel_did_web(&read), None);
}
