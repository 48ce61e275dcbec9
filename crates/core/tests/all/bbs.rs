//! `bbs-2023`: the official vectors step by step, and every refusal by name.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use lanyard_core::{
    crypto::{AwsLc, BbsSecretKey, CryptoProvider as _, Curve, PublicKey, Random, RustCrypto},
    data_integrity::{
        Cryptosuite, DataIntegrityError, DataIntegrityProof, ExpectedProof, HeldDocument,
        JsonPointer, ProofDraft, ProofVerifier, UnverifiedDocument, VerifiedDocument,
        json_ld::Contexts,
    },
    did::{Did, DidUrl},
    json::{self, Object},
};
use lanyard_testkit::{test_now, vectors};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    data_integrity::{now, providers},
    refusals::keys::hex,
    with_random::WithRandom,
};

/// The random bytes that a vector says.
#[derive(Debug)]
struct Script(Mutex<VecDeque<u8>>);

impl Random for Script {
    fn fill(&self, buffer: &mut [u8]) {
        let mut bytes = self.0.lock().expect("nobody panicked");
        for place in buffer {
            *place = bytes.pop_front().expect("no more random bytes than the vector has");
        }
    }
}

fn scripted(bytes: Vec<u8>) -> WithRandom<Script> {
    WithRandom::new(Script(Mutex::new(bytes.into())))
}

/// One of the two documents of the baseline.
struct Vector {
    folder: &'static str,
    key: BbsSecretKey,
    material: Value,
    derive: Value,
}

impl Vector {
    fn read(folder: &'static str) -> Self {
        let material = vectors::json("bbs/BBSKeyMaterial.json");
        let key = BbsSecretKey::from_bytes(&hex(text(&material["privateKeyHex"])));
        let derive = vectors::json("bbs/BBSDeriveMaterial.json");
        Self { folder, key: key.expect("it is a scalar"), material, derive }
    }

    fn file(&self, name: &str) -> Value {
        vectors::json(format!("bbs/{}{name}", self.folder))
    }

    fn base(&self) -> Object {
        self.file("addSignedSDBase.json").as_object().expect("an object").clone()
    }

    fn pointers(&self, name: &str) -> Vec<JsonPointer> {
        let pointers = vectors::json(name);
        let pointers = pointers.as_array().expect("a list").iter();
        pointers.map(|pointer| JsonPointer::parse(text(pointer)).expect("a pointer")).collect()
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("it is text")
}

/// The windsurf document brings its own vocabulary, so whoever reads it must ask for that.
fn contexts() -> Arc<Contexts> {
    let citizenship = vectors::bytes("json-ld-contexts/citizenship-v4rc1.jsonld");
    let contexts = Contexts::new().with("https://w3id.org/citizenship/v4rc1", &citizenship);
    Arc::new(contexts.expect("it is a context").danger_with_inline_contexts())
}

const BASELINE: [(&str, &str, &str); 2] = [
    ("", "bbs/windMandatory.json", "bbs/windSelective.json"),
    ("prc/", "bbs/prCredMandatory.json", "bbs/prCredSelective.json"),
];

#[test]
fn the_base_proof_is_that_of_the_vector() {
    if !vectors::available("bbs") {
        return;
    }
    // the other document leaves its validity to the holder to show, which is never done here
    let (folder, mandatory, _) = BASELINE[0];
    let vector = Vector::read(folder);
    let public = PublicKey::Bls12381G2(
        hex(text(&vector.material["publicKeyHex"])).try_into().expect("96 bytes"),
    );
    assert_eq!(vector.key.public_key(), public);
    let signed = vector.base();
    let proof = &signed["proof"];
    let method = DidUrl::parse(text(&proof["verificationMethod"])).expect("a DID URL");
    let created = text(&proof["created"]).parse().expect("a time");
    let draft = ProofDraft::assertion(Cryptosuite::Bbs2023, &method)
        .created(created)
        .with_mandatory(vector.pointers(mandatory))
        .with_contexts(contexts());
    let mut document = signed.clone();
    document.shift_remove("proof");
    // the HMAC key is all that is random about it
    let random = scripted(hex(text(&vector.material["hmacKeyString"])));
    let secured = draft.secure_with_bbs(document, &vector.key, &random).unwrap();
    let made = decoded(&secured["proof"]);
    let info = vector.file("addRawBaseSignatureInfo.json");
    let hashes = vector.file("addHashData.json");
    let header = [hex(text(&hashes["proofHash"])), hex(text(&hashes["mandatoryHash"]))].concat();
    assert!(contains(&made, &header), "{folder} the header of the signature");
    assert!(contains(&made, &hex(text(&info["bbsSignature"]))), "{folder} the signature");
    assert_eq!(secured["proof"]["proofValue"], proof["proofValue"], "{folder}");
}

fn decoded(proof: &Value) -> Vec<u8> {
    json::base64url_decode(&text(&proof["proofValue"])[1..]).expect("base64url")
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn the_derived_proofs_are_those_of_the_vectors() {
    if !vectors::available("bbs") {
        return;
    }
    for (folder, _, selective) in BASELINE {
        let vector = Vector::read(folder);
        let base = UnverifiedDocument::from_object(vector.base()).unwrap();
        let held = HeldDocument::danger_hold_unverified(base, contexts());
        assert!(held.is_selective());
        let expected = vector.file("derivedRevealDocument.json");
        let data = vector.file("derivedDisclosureData.json");
        let proof = hex(text(&data["bbsProof"]));
        let header = hex(text(&vector.derive["presentationHeaderHex"]));
        let revealed =
            held.disclose_bound_to(&header, &vector.pointers(selective), &RustCrypto).unwrap();
        // the prefix, an array, and a byte string of two bytes for its length; the proof itself is random
        let start = 3 + 1 + 3;
        let (ours, theirs) = (decoded(&revealed["proof"]), decoded(&expected["proof"]));
        assert_eq!(theirs[start..start + proof.len()], proof, "{folder}");
        assert_eq!(ours[..start], theirs[..start], "{folder} the length of the proof");
        let rest = start + proof.len();
        assert_eq!(ours[rest..], theirs[rest..], "{folder} labels, indexes, presentation header");
        let mut revealed = revealed;
        revealed["proof"]["proofValue"] = expected["proof"]["proofValue"].clone();
        assert_eq!(Value::Object(revealed), expected, "{folder}");
    }
}

#[test]
fn the_derived_proofs_of_the_vectors_verify() {
    if !vectors::available("bbs") {
        return;
    }
    for (folder, ..) in BASELINE {
        let vector = Vector::read(folder);
        let derived = vector.file("derivedRevealDocument.json");
        for provider in providers() {
            let verify = |document: &Value| {
                let document = UnverifiedDocument::parse(document.to_string().as_bytes()).unwrap();
                let verifier = ProofVerifier::new(Arc::clone(&provider)).with_contexts(contexts());
                now(verifier.verify(document, &ExpectedProof::assertion(test_now())))
            };
            assert!(verify(&derived).is_ok(), "{folder}");
            let mut changed = derived.clone();
            changed["issuer"] = json!("https://issuer.example");
            assert_eq!(verify(&changed).unwrap_err(), DataIntegrityError::Signature);
            let base = Value::Object(vector.base());
            assert_eq!(verify(&base).unwrap_err(), DataIntegrityError::BaseProof);
        }
    }
}

// Our own documents

fn key() -> BbsSecretKey {
    BbsSecretKey::from_bytes(&[7; 32]).expect("it is a scalar")
}

fn method() -> DidUrl {
    let did = Did::from_key(&key().public_key());
    did.with_fragment(did.method_specific_id()).expect("it is one")
}

fn document() -> Object {
    let document = json!({
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            "https://www.w3.org/ns/credentials/examples/v2",
        ],
        "type": ["VerifiableCredential"],
        "issuer": method().did().as_str(),
        "validUntil": "2099-01-01T00:00:00Z",
        "credentialSubject": {
            "name": "Ada", "points": 7, "degree": {"name": "MSc"}, "employer": {"name": "Example"},
        },
    });
    document.as_object().expect("an object").clone()
}

fn held() -> HeldDocument {
    let draft = ProofDraft::assertion(Cryptosuite::Bbs2023, &method()).created(test_now());
    let secured = draft.secure_with_bbs(document(), &key(), &AwsLc).expect("it is good");
    let document = UnverifiedDocument::from_object(secured).expect("it is good");
    let verifier = ProofVerifier::new(Arc::new(AwsLc));
    now(verifier.verify_for_holding(document, &ExpectedProof::assertion(test_now())))
        .expect("it is good")
}

fn derived(pointers: &[&str]) -> Value {
    let pointers: Vec<_> =
        pointers.iter().map(|text| JsonPointer::parse(text).expect("a pointer")).collect();
    Value::Object(held().disclose(&pointers, &AwsLc).expect("it is there"))
}

fn verify(secured: &Value) -> Result<VerifiedDocument, DataIntegrityError> {
    let document = UnverifiedDocument::from_object(secured.as_object().expect("one").clone())?;
    let verifier = ProofVerifier::new(Arc::new(RustCrypto));
    now(verifier.verify(document, &ExpectedProof::assertion(test_now())))
}

#[test]
fn a_holder_shows_what_it_chooses_and_what_is_mandatory() {
    let shown = derived(&["/credentialSubject/degree"]);
    let verified = verify(&shown).unwrap();
    assert_eq!(verified.document()["credentialSubject"], json!({"degree": {"name": "MSc"}}));
    assert_eq!(verified.document()["validUntil"], "2099-01-01T00:00:00Z");
    assert_eq!(verified.proofs()[0].cryptosuite(), Cryptosuite::Bbs2023);
    assert!(verify(&derived(&[])).is_ok());
    assert_eq!(verify(&derived(&[""])).unwrap().document(), &document());
}

#[test]
fn two_proofs_have_nothing_in_common_but_what_they_show() {
    let (one, other) = (derived(&[]), derived(&[]));
    assert_ne!(one["proof"]["proofValue"], other["proof"]["proofValue"]);
    let (one, other) = (decoded(&one["proof"]), decoded(&other["proof"]));
    // the points and scalars of the proof, in its one byte string
    let unlike = one.iter().zip(&other).filter(|(one, other)| one != other).count();
    assert!(unlike > 300, "{unlike}");
}

#[test]
fn a_claim_that_was_changed_added_or_taken_away_is_refused() {
    let changes: [fn(&mut Value); 6] = [
        |d| d["credentialSubject"]["degree"]["name"] = json!("PhD"),
        |d| d["credentialSubject"]["points"] = json!(7),
        |d| d["validUntil"] = json!("2100-01-01T00:00:00Z"),
        |d| drop(d.as_object_mut().expect("an object").shift_remove("validUntil")),
        |d| d["credentialSubject"] = json!({"name": "Ada"}),
        |d| d["proof"]["created"] = json!("2020-01-01T00:00:00Z"),
    ];
    for change in changes {
        let mut shown = derived(&["/credentialSubject/degree"]);
        change(&mut shown);
        let reason = verify(&shown).unwrap_err().code();
        assert!(["proof_signature", "rdf_blank_node_unlabelled"].contains(&reason), "{reason}");
    }
}

#[test]
fn a_base_proof_of_another_document_or_key_is_not_kept() {
    let draft = ProofDraft::assertion(Cryptosuite::Bbs2023, &method()).created(test_now());
    let secured = draft.secure_with_bbs(document(), &key(), &AwsLc).unwrap();
    let refusal = |change: fn(&mut Object)| {
        let mut secured = secured.clone();
        change(&mut secured);
        let document = UnverifiedDocument::from_object(secured).unwrap();
        let verifier = ProofVerifier::new(Arc::new(AwsLc));
        let expected = ExpectedProof::assertion(test_now());
        now(verifier.verify_for_holding(document, &expected)).unwrap_err()
    };
    let name = refusal(|d| d["credentialSubject"]["name"] = json!("Eve"));
    assert_eq!(name, DataIntegrityError::Signature);
    let until = refusal(|d| d["validUntil"] = json!("2100-01-01T00:00:00Z"));
    assert_eq!(until, DataIntegrityError::Signature);
    let stranger = refusal(|d| {
        let key = BbsSecretKey::from_bytes(&[8; 32]).unwrap().public_key();
        let did = Did::from_key(&key);
        d["proof"]["verificationMethod"] = json!(format!("{did}#{}", did.method_specific_id()));
    });
    assert_eq!(stranger, DataIntegrityError::Signature);
    let other = refusal(|d| {
        let key = AwsLc.generate_key(Curve::P256).unwrap();
        let did = Did::from_key(key.public());
        d["proof"]["verificationMethod"] = json!(format!("{did}#{}", did.method_specific_id()));
    });
    assert_eq!(other, DataIntegrityError::KeyMismatch);
}

#[test]
fn the_optional_features_are_not_taken_for_the_baseline() {
    for feature in 4..=9 {
        let mut shown = derived(&[]);
        let mut bytes = decoded(&shown["proof"]);
        bytes[2] = feature;
        shown["proof"]["proofValue"] = json!(format!("u{}", json::base64url(bytes)));
        let malformed = DataIntegrityError::ProofValue;
        assert_eq!(DataIntegrityProof::parse(&shown["proof"]).err(), Some(malformed));
    }
}

#[test]
fn an_ordinary_signer_makes_no_proof_of_this_kind() {
    let key = AwsLc.generate_key(Curve::P256).unwrap();
    let signer = lanyard_core::crypto::SoftwareSigner::new(&AwsLc, &key).unwrap();
    let draft = ProofDraft::assertion(Cryptosuite::Bbs2023, &method());
    let outcome = now(draft.secure(document(), &signer, &AwsLc));
    assert_eq!(outcome.err(), Some(DataIntegrityError::KeyMismatch));
    let draft = ProofDraft::assertion(Cryptosuite::EcdsaSd2023, &method());
    let outcome = draft.secure_with_bbs(document(), &self::key(), &AwsLc);
    assert_eq!(outcome.err(), Some(DataIntegrityError::KeyMismatch));
}

#[test]
fn a_key_of_the_group_is_read_from_its_did_and_its_document() {
    let did = Did::from_key(&key().public_key());
    assert!(did.as_str().starts_with("did:key:zUC7"), "{did}");
    let off = {
        let mut bytes = vec![0xeb, 0x01];
        bytes.extend([0xc0]);
        bytes.extend([0; 95]);
        format!("did:key:z{}", bs58::encode(bytes).into_string())
    };
    let methods = lanyard_core::did::DidMethods::new(Arc::new(AwsLc));
    let resolve = |text: &str| {
        use lanyard_core::did::DidResolver as _;
        now(methods.resolve(&Did::parse(text).expect("a DID"))).map(drop)
    };
    assert_eq!(resolve(did.as_str()), Ok(()));
    let identity = resolve(&off).unwrap_err();
    assert_eq!(identity, lanyard_core::did::ResolutionError::InvalidKey);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn no_changed_proof_value_verifies(at in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut shown = derived(&["/credentialSubject/degree"]);
        let mut bytes = decoded(&shown["proof"]);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        shown["proof"]["proofValue"] = json!(format!("u{}", json::base64url(bytes)));
        prop_assert!(verify(&shown).is_err());
    }
}
