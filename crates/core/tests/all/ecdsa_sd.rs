//! ecdsa-sd-2023: the official vectors, what holders can leave out, and what verifiers refuse.

use std::sync::Arc;

use lanyard_core::{
    crypto::{AwsLc, CryptoProvider, Curve, HashAlgorithm, PrivateKey, RustCrypto, SoftwareSigner},
    data_integrity::{
        Cryptosuite, DataIntegrityError, ExpectedProof, HeldDocument, JsonPointer, ProofDraft,
        ProofVerifier, UnverifiedDocument,
        json_ld::{self, Contexts, JsonLdError},
    },
    did::{Did, DidUrl},
    json::{self, Object},
};
use lanyard_testkit::{test_now, vectors};
use serde_json::{Value, json};

use crate::{
    data_integrity::{PROVIDERS, now, providers},
    data_integrity_vectors::{contexts, hex, moment, object},
};

fn pointers(texts: &[&str]) -> Vec<JsonPointer> {
    texts
        .iter()
        .map(|text| JsonPointer::parse(text).expect("the tests use good pointers"))
        .collect()
}

fn unverified(document: &Object) -> UnverifiedDocument {
    UnverifiedDocument::from_object(document.clone()).expect("it has a proof")
}

#[test]
fn every_step_of_the_official_vectors_is_the_printed_one() {
    if !["ecdsa", "json-ld-contexts"].into_iter().all(vectors::available) {
        return;
    }
    let contexts = contexts();
    for (folder, chosen) in [("prc", "prCredSelective"), ("employ", "employSelective")] {
        let file = |name: &str| format!("ecdsa/ecdsa-sd-2023/{folder}/{name}.json");
        let base = object(&file("addSignedSDBase"));
        let selective: Vec<_> = vectors::json(format!("ecdsa/{chosen}.json"))
            .as_array()
            .unwrap()
            .iter()
            .map(|pointer| JsonPointer::parse(pointer.as_str().unwrap()).unwrap())
            .collect();
        let mut document = base.clone();
        document.shift_remove("proof");
        let derived = object(&file("derivedRevealDocument"));
        for provider in PROVIDERS {
            // 1. the canonical document, and the canonical options
            let canonical = |document: &Object| {
                let dataset = json_ld::to_rdf(document, &contexts).unwrap();
                dataset.canonicalize(HashAlgorithm::Sha256, provider).unwrap().lines().to_vec()
            };
            assert_eq!(json!(canonical(&document)), vectors::json(file("addBaseDocCanon")));
            let options =
                vectors::text(format!("ecdsa/ecdsa-sd-2023/{folder}/addProofConfigCanon.txt"));
            assert_eq!(canonical(&object(&file("addProofConfig"))).concat().trim_end(), options);
            // 2. what is disclosed, with labels, indexes and signatures, all in the text of the proof
            let held =
                HeldDocument::danger_hold_unverified(unverified(&base), Arc::clone(&contexts));
            assert!(held.is_selective());
            assert_eq!(held.danger_to_secured(), base);
            assert_eq!(held.disclose(&selective, provider).unwrap(), derived, "{folder}");
            // 3. what the base signature covers
            let revealed = unverified(&derived);
            let proof = &revealed.proofs()[0];
            let key =
                json::parse(&vectors::bytes("ecdsa/ecdsa-sd-2023/SDKeyMaterial.json")).unwrap();
            let key = key["proofKeyPair"]["publicKeyMultibase"].as_str().unwrap();
            let key = bs58::decode(&key[1..]).into_vec().unwrap();
            let hashes = vectors::json(file("addHashData"));
            let hash = |name: &str| hashes[name].as_str().unwrap();
            let expected = [hash("proofHash"), &hex(&key), hash("mandatoryHash")].concat();
            let document = revealed.danger_unverified_document();
            let method = DidUrl::parse(proof.verification_method()).unwrap();
            let issuer = crate::data_integrity_vectors::key(&method.to_string());
            let data = proof.hash_data(document, &issuer, &contexts, provider).unwrap();
            assert_eq!(hex(&data), expected, "{folder}");
        }
        // 4. every signature, of the base proof and of the derived one
        for provider in providers() {
            let verifier = ProofVerifier::new(provider).with_contexts(Arc::clone(&contexts));
            let expected = ExpectedProof::assertion(moment());
            let held = now(verifier.verify_for_holding(unverified(&base), &expected)).unwrap();
            assert_eq!(held.document(), &document);
            assert!(now(verifier.verify(unverified(&derived), &expected)).is_ok(), "{folder}");
        }
    }
}

/// Named and unnamed nodes side by side, in arrays and below each other.
fn credential() -> Object {
    let value = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"],
        "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
        "type": ["VerifiableCredential", "DiplomaCredential"],
        "issuer": {"id": "did:example:issuer", "name": "University"},
        "validFrom": "2026-01-01T00:00:00Z",
        "credentialStatus": {
            "id": "https://issuer.example/status/1#3", "type": "BitstringStatusListEntry",
            "statusPurpose": "revocation", "statusListIndex": "3",
            "statusListCredential": "https://issuer.example/status/1",
        },
        "credentialSubject": {
            "id": "did:example:holder",
            "givenName": "Ada", "familyName": "Lovelace",
            "address": {"city": "London", "street": "St James's Square"},
            "degree": [
                {"name": "BSc", "grade": 1, "by": {"id": "urn:a", "label": "A"}},
                {"name": "MSc", "grade": 2, "by": {"label": "B"}},
                {"name": "MSc", "grade": 2},
            ],
            "nicknames": ["A", "B", "C"],
        },
    });
    serde_json::from_value(value).expect("it is an object")
}

struct Issuer {
    key: PrivateKey,
    method: DidUrl,
}

impl Issuer {
    fn new(curve: Curve) -> Self {
        let key = AwsLc.generate_key(curve).expect("a key");
        let did = Did::from_key(key.public());
        let method = did.with_fragment(did.method_specific_id()).expect("a good fragment");
        Self { key, method }
    }

    fn secure(&self, mandatory: &[&str]) -> Result<Object, DataIntegrityError> {
        self.secure_with(&RustCrypto, credential(), mandatory)
    }

    fn secure_with(
        &self,
        provider: &dyn CryptoProvider,
        document: Object,
        mandatory: &[&str],
    ) -> Result<Object, DataIntegrityError> {
        let signer = SoftwareSigner::new(provider, &self.key).expect("a good key");
        let draft = ProofDraft::assertion(Cryptosuite::EcdsaSd2023, &self.method)
            .created(test_now())
            .with_mandatory(pointers(mandatory));
        now(draft.secure(document, &signer, provider))
    }
}

fn held(secured: &Object) -> Result<HeldDocument, DataIntegrityError> {
    let [one, other] = providers().map(|provider| {
        let expected = ExpectedProof::assertion(test_now());
        let document = UnverifiedDocument::from_object(secured.clone())?;
        now(ProofVerifier::new(provider).verify_for_holding(document, &expected))
    });
    assert_eq!(one.as_ref().err(), other.as_ref().err(), "the providers agree");
    one
}

fn verify(revealed: &Object) -> Result<Object, DataIntegrityError> {
    let [one, other] = providers().map(|provider| {
        let expected = ExpectedProof::assertion(test_now());
        let document = UnverifiedDocument::from_object(revealed.clone())?;
        let verified = now(ProofVerifier::new(provider).verify(document, &expected))?;
        Ok(verified.document().clone())
    });
    assert_eq!(one, other, "the providers agree");
    one
}

fn disclosed(held: &HeldDocument, selective: &[&str]) -> Object {
    held.disclose(&pointers(selective), &RustCrypto).expect("the pointers lead somewhere")
}

#[test]
fn a_holder_discloses_what_it_chooses_beside_what_is_mandatory() {
    let issuer = Issuer::new(Curve::P256);
    for provider in PROVIDERS {
        let secured = issuer.secure_with(provider, credential(), &[]).unwrap();
        let held = held(&secured).unwrap();
        let verified = verify(&disclosed(&held, &["/credentialSubject/degree/1/name"])).unwrap();
        let expected = json!({
            "@context": credential()["@context"],
            "id": credential()["id"],
            "type": credential()["type"],
            "issuer": credential()["issuer"],
            "validFrom": credential()["validFrom"],
            "credentialStatus": credential()["credentialStatus"],
            "credentialSubject": {"id": "did:example:holder", "degree": [{"name": "MSc"}]},
        });
        assert_eq!(Value::Object(verified), expected);
    }
}

#[test]
fn every_choice_of_parts_verifies() {
    let secured = Issuer::new(Curve::P256).secure(&["/credentialSubject/givenName"]).unwrap();
    let held = held(&secured).unwrap();
    let parts = [
        "/credentialSubject/familyName",
        "/credentialSubject/address/city",
        "/credentialSubject/degree/0/by",
        "/credentialSubject/degree/1/by/label",
        "/credentialSubject/degree/2",
        "/credentialSubject/nicknames/1",
        "/credentialSubject/address",
    ];
    for choice in 0..1_u32 << parts.len() {
        let chosen: Vec<_> = parts
            .iter()
            .enumerate()
            .filter(|(at, _)| choice >> at & 1 == 1)
            .map(|(_, part)| *part)
            .collect();
        let revealed = disclosed(&held, &chosen);
        let expected = ExpectedProof::assertion(test_now());
        let verifier = ProofVerifier::new(Arc::new(AwsLc));
        let verified = now(verifier.verify(unverified(&revealed), &expected)).unwrap();
        let subject = &verified.document()["credentialSubject"];
        assert_eq!(subject["givenName"], "Ada", "{chosen:?}");
        assert_eq!(subject.get("familyName").is_some(), choice & 1 == 1, "{chosen:?}");
        let whole_address = choice >> 6 & 1 == 1;
        let city = choice >> 1 & 1 == 1;
        assert_eq!(subject.get("address").is_some(), whole_address || city, "{chosen:?}");
        assert_eq!(subject["address"].get("street").is_some(), whole_address, "{chosen:?}");
    }
    let everything = verify(&disclosed(&held, &[""])).unwrap();
    assert_eq!(everything, credential());
}

#[test]
fn a_base_proof_is_refused_by_a_verifier() {
    let secured = Issuer::new(Curve::P256).secure(&[]).unwrap();
    assert_eq!(verify(&secured), Err(DataIntegrityError::BaseProof));
    assert!(held(&secured).is_ok());
}

#[test]
fn a_holder_refuses_a_base_proof_that_does_not_cover_everything() {
    let secured = Issuer::new(Curve::P256).secure(&[]).unwrap();
    for pointer in
        ["/credentialSubject/givenName", "/issuer/name", "/credentialSubject/degree/1/grade"]
    {
        let mut changed = Value::Object(secured.clone());
        *changed.pointer_mut(pointer).unwrap() = json!("another");
        let Value::Object(changed) = changed else { unreachable!("it is an object") };
        assert_eq!(held(&changed).unwrap_err(), DataIntegrityError::Signature, "{pointer}");
    }
    let mut more = secured;
    more["credentialSubject"]["title"] = json!("Countess");
    assert_eq!(held(&more).unwrap_err(), DataIntegrityError::Signature);
}

#[test]
fn refuses_a_disclosure_in_which_anything_was_changed() {
    let held = held(&Issuer::new(Curve::P256).secure(&[]).unwrap()).unwrap();
    let revealed = disclosed(&held, &["/credentialSubject/address", "/credentialSubject/degree/1"]);
    let with = |change: &dyn Fn(&mut Object)| {
        let mut changed = revealed.clone();
        change(&mut changed);
        verify(&changed).unwrap_err()
    };
    let signature = DataIntegrityError::Signature;
    assert_eq!(with(&|all| all["issuer"]["name"] = json!("Mill")), signature, "mandatory");
    assert_eq!(with(&|all| all["credentialSubject"]["address"]["city"] = json!("Rome")), signature);
    assert_eq!(
        with(&|all| all["credentialSubject"]["title"] = json!("Countess")),
        signature,
        "more"
    );
    let less = with(&|all| {
        all["credentialSubject"]["address"].as_object_mut().unwrap().remove("city");
    });
    assert_eq!(less, signature, "less");
    let no_status = with(&|all| {
        all.remove("credentialStatus");
    });
    assert_eq!(no_status, signature, "mandatory parts cannot be left out");
    assert_eq!(with(&|all| all["proof"]["created"] = json!("2026-01-15T11:00:00Z")), signature);
    let swapped = with(&|all| {
        let address = all["credentialSubject"]["address"].take();
        all["credentialSubject"]["degree"][0]["by"] = address;
        all["credentialSubject"].as_object_mut().unwrap().remove("address");
    });
    assert_eq!(swapped, signature);
}

/// The CBOR of a proof, without `u` and in bytes.
fn proof_bytes(document: &Object) -> Vec<u8> {
    let text = document["proof"]["proofValue"].as_str().expect("it has a proof");
    json::base64url_decode(&text[1..]).expect("it is base64url")
}

fn with_bytes(document: &Object, bytes: &[u8]) -> Object {
    let mut changed = document.clone();
    changed["proof"]["proofValue"] = json!(format!("u{}", json::base64url(bytes)));
    changed
}

#[test]
fn refuses_a_disclosure_whose_labels_or_signatures_were_changed() {
    let held = held(&Issuer::new(Curve::P256).secure(&[]).unwrap()).unwrap();
    let revealed = disclosed(&held, &["/credentialSubject/address", "/credentialSubject/degree/1"]);
    let bytes = proof_bytes(&revealed);
    assert!(verify(&with_bytes(&revealed, &bytes)).is_ok());
    // every byte counts: the signatures, the key, the labels and the indexes
    let mut refused = 0;
    for at in (0..bytes.len()).step_by(7) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let outcome =
            UnverifiedDocument::from_object(with_bytes(&revealed, &changed)).and_then(|document| {
                let expected = ExpectedProof::assertion(test_now());
                now(ProofVerifier::new(Arc::new(AwsLc)).verify(document, &expected))
            });
        assert!(outcome.is_err(), "byte {at}");
        refused += 1;
    }
    assert!(refused > 30);
    // nothing may follow, and nothing may be of indefinite length
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(verify(&with_bytes(&revealed, &longer)), Err(DataIntegrityError::ProofValue));
    let indefinite = [&bytes[..3], &[0x9f], &bytes[4..], &[0xff]].concat();
    assert_eq!(verify(&with_bytes(&revealed, &indefinite)), Err(DataIntegrityError::ProofValue));
    let mut other = bytes;
    other[2] = 7;
    assert_eq!(verify(&with_bytes(&revealed, &other)), Err(DataIntegrityError::ProofValue));
    let mut base58 = revealed;
    base58["proof"]["proofValue"] =
        json!("z2YwC8z3ap7yx1nZYCg4L3j3ApHsF8kgPdSb5xoS1VR7vPG3F561B52hY");
    assert_eq!(verify(&base58), Err(DataIntegrityError::ProofValue));
}

#[test]
fn what_decides_about_a_credential_is_always_mandatory() {
    let held = held(&Issuer::new(Curve::P256).secure(&[]).unwrap()).unwrap();
    let verified = verify(&disclosed(&held, &["/credentialSubject/givenName"])).unwrap();
    for name in ["issuer", "validFrom", "credentialStatus"] {
        assert_eq!(verified[name], credential()[name]);
    }
}

#[test]
fn refuses_pointers_that_lead_nowhere_and_documents_that_are_not_selective() {
    let issuer = Issuer::new(Curve::P256);
    assert_eq!(issuer.secure(&["/credentialSubject/none"]), Err(DataIntegrityError::Pointer));
    let held = held(&issuer.secure(&[]).unwrap()).unwrap();
    let nowhere = held.disclose(&pointers(&["/credentialSubject/degree/3"]), &RustCrypto);
    assert_eq!(nowhere, Err(DataIntegrityError::Pointer));
    let revealed = disclosed(&held, &["/credentialSubject/givenName"]);
    let again = HeldDocument::danger_hold_unverified(
        unverified(&revealed),
        Arc::clone(Contexts::bundled()),
    );
    assert!(!again.is_selective());
    let refusal = again.disclose(&pointers(&["/issuer"]), &RustCrypto);
    assert_eq!(refusal, Err(DataIntegrityError::NotSelective));
}

#[test]
fn refuses_other_keys_and_blank_nodes_that_cannot_be_told_apart_in_a_part() {
    for curve in [Curve::P384, Curve::Ed25519] {
        assert_eq!(Issuer::new(curve).secure(&[]), Err(DataIntegrityError::KeyMismatch));
    }
    let issuer = Issuer::new(Curve::P256);
    let mut named = credential();
    named["credentialSubject"]["address"]["id"] = json!("_:b0");
    let mut list = credential();
    list["credentialSubject"]["nicknames"] = json!({"@list": ["A"]});
    for document in [named, list] {
        let refusal = issuer.secure_with(&AwsLc, document, &[]).unwrap_err();
        let unsupported = JsonLdError::Unsupported("a blank node that is no node object");
        assert_eq!(refusal, DataIntegrityError::JsonLd(unsupported));
    }
}
