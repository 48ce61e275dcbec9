//! The official vectors of RFC 9901: every signature, digest, key binding and processed payload.

use lanyard_core::{
    Timestamp,
    crypto::{AwsLc, CryptoProvider, HashAlgorithm, RustCrypto, SignatureAlgorithm},
    jose::{HeaderKey, Jwk, Slot, UnverifiedJws},
    json,
    sd_jwt::{
        Audience, Disclosure, ExpectedKeyBinding, KeyBindingWindow, RequestNonce, SdJwtJson,
        UnverifiedSdJwt,
    },
};
use lanyard_testkit::vectors;
use serde_json::Value;

const PROVIDERS: [&dyn CryptoProvider; 2] = [&RustCrypto, &AwsLc];

/// The examples carry a typ of their own, so that nobody mistakes them for credentials.
const SLOT: Slot = Slot {
    name: "example",
    typ: &["example+sd-jwt", "dc+sd-jwt"],
    algorithms: SignatureAlgorithm::ALL,
    header_keys: &[HeaderKey::Kid],
};

const EXAMPLES: [&str; 9] = [
    "5.1-main",
    "6.1-flat",
    "6.2-structured",
    "6.2-structured-one-open",
    "6.3-recursive",
    "A.1-simple-structured",
    "A.2-complex-ekyc",
    "A.3-sd-jwt-vc-pid",
    "A.4-w3c-vcdm",
];

fn file(path: &str) -> String {
    format!("sd-jwt/rfc9901/{path}")
}

fn exists(path: &str) -> bool {
    vectors::folder().join(file(path)).exists()
}

fn issuer_key() -> Jwk {
    Jwk::from_value(&vectors::json(file("issuer_key_public.jwk.json"))).expect("it is a P-256 key")
}

#[test]
fn digests_are_over_the_characters_received_however_the_json_is_spelled() {
    if !vectors::available("sd-jwt") {
        return;
    }
    let section = vectors::json(file("section4_disclosure_hashing.json"));
    let member = &section["object_property"];
    for provider in PROVIDERS {
        for spelling in member["equivalent_encodings"].as_array().unwrap() {
            let encoded = spelling["disclosure"].as_str().unwrap();
            let digest = Disclosure::digest(encoded, HashAlgorithm::Sha256, provider);
            assert_eq!(digest, spelling["sha256"]);
            let decoded = Disclosure::decode(encoded).unwrap();
            assert_eq!(decoded.salt, member["decoded"][0]);
            assert_eq!(decoded.name.as_deref(), member["decoded"][1].as_str());
            assert_eq!(decoded.value, member["decoded"][2]);
        }
        let element = &section["array_element"];
        let encoded = element["disclosure"].as_str().unwrap();
        assert_eq!(Disclosure::digest(encoded, HashAlgorithm::Sha256, provider), element["sha256"]);
        let decoded = Disclosure::decode(encoded).unwrap();
        assert_eq!((decoded.name, decoded.value), (None, element["decoded"][1].clone()));
    }
}

#[test]
fn every_disclosure_of_every_example_has_the_printed_digest_and_content() {
    if !vectors::available("sd-jwt") {
        return;
    }
    let mut seen = 0;
    for example in EXAMPLES.into_iter().filter(|name| exists(&format!("{name}/disclosures.json"))) {
        let disclosures = vectors::json(file(&format!("{example}/disclosures.json")));
        for disclosure in disclosures.as_array().unwrap() {
            let encoded = disclosure["disclosure"].as_str().unwrap();
            for provider in PROVIDERS {
                let digest = Disclosure::digest(encoded, HashAlgorithm::Sha256, provider);
                assert_eq!(digest, disclosure["sha256"], "{example}");
            }
            let Disclosure { salt, name, value } = Disclosure::decode(encoded).unwrap();
            let parts: Vec<Value> = [Some(salt.into()), name.map(Value::from), Some(value)]
                .into_iter()
                .flatten()
                .collect();
            assert_eq!(Value::from(parts), disclosure["decoded"], "{example}");
            seen += 1;
        }
    }
    assert!(seen > 40, "only {seen} disclosures were found");
}

#[test]
fn every_issuance_verifies_and_unfolds_to_what_went_in() {
    if !vectors::available("sd-jwt") {
        return;
    }
    let mut seen = 0;
    for example in
        EXAMPLES.into_iter().filter(|name| exists(&format!("{name}/issuance.sd-jwt.txt")))
    {
        let issuance = vectors::text(file(&format!("{example}/issuance.sd-jwt.txt")));
        let printed = vectors::json(file(&format!("{example}/sd_jwt_payload.json")));
        let input = vectors::json(file(&format!("{example}/input_claims.json")));
        for provider in PROVIDERS {
            let sd_jwt = UnverifiedSdJwt::parse(&issuance).unwrap();
            assert_eq!(Value::Object(sd_jwt.danger_unverified_payload().clone()), printed);
            let held = sd_jwt.verify_for_holding(&SLOT, &issuer_key().key, provider).unwrap();
            assert_eq!(held.as_str(), issuance);
            for (name, value) in input.as_object().unwrap() {
                assert_eq!(held.claims().claim(name), Some(value), "{example}: {name}");
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 3);
}

#[test]
fn every_presentation_verifies_and_unfolds_to_the_printed_payload() {
    if !vectors::available("sd-jwt") {
        return;
    }
    let keys = vectors::json(file("keys.json"));
    let audience = Audience::from(keys["verifier_identifier"].as_str().unwrap());
    let nonce = RequestNonce::from(keys["nonce"].as_str().unwrap());
    let (mut seen, mut bound) = (0, 0);
    for example in
        EXAMPLES.into_iter().filter(|name| exists(&format!("{name}/presentation.sd-jwt.txt")))
    {
        let presentation = vectors::text(file(&format!("{example}/presentation.sd-jwt.txt")));
        let printed = vectors::json(file(&format!("{example}/verified_payload.json")));
        for provider in PROVIDERS {
            let sd_jwt = UnverifiedSdJwt::parse(&presentation).unwrap();
            let now = presented_at(&presentation);
            let expected = now.map(|now| {
                let window = KeyBindingWindow::default();
                ExpectedKeyBinding { audience: &audience, nonce: &nonce, now, window }
            });
            assert_eq!(sd_jwt.has_key_binding(), expected.is_some());
            let verified =
                sd_jwt.verify(&SLOT, &issuer_key().key, expected.as_ref(), provider).unwrap();
            assert_eq!(*verified.claims().as_value(), printed, "{example}");
            assert_eq!(verified.key_binding().map(|binding| binding.issued_at()), now);
            bound += usize::from(now.is_some());
        }
        seen += 1;
    }
    assert_eq!((seen, bound), (5, 6));
}

/// When the holder signed: the only part of the expectation that the vectors leave to us.
fn presented_at(presentation: &str) -> Option<Timestamp> {
    let (_, key_binding) = presentation.rsplit_once('~')?;
    let claims = UnverifiedJws::parse(key_binding).ok()?.danger_unverified_claims().ok()?;
    Timestamp::from_second(claims["iat"].as_i64()?).ok()
}

#[test]
fn both_json_serializations_verify_as_the_compact_form_they_stand_for() {
    if !vectors::available("sd-jwt") {
        return;
    }
    let keys = vectors::json(file("keys.json"));
    let audience = Audience::from(keys["verifier_identifier"].as_str().unwrap());
    let nonce = RequestNonce::from(keys["nonce"].as_str().unwrap());
    let second =
        Jwk::from_value(&public(&keys["issuer_key_2_for_general_json_serialization"])).unwrap();
    for (name, bound, further) in [
        ("flattened_issuance", false, 0),
        ("flattened_presentation_kb", true, 0),
        ("general_presentation_kb", true, 1),
    ] {
        let received = vectors::bytes(file(&format!("8-json-serialization/{name}.json")));
        let json = SdJwtJson::parse(&received).unwrap();
        for provider in PROVIDERS {
            let sd_jwt = UnverifiedSdJwt::parse(json.as_compact()).unwrap();
            let now = presented_at(json.as_compact());
            assert_eq!(now.is_some(), bound);
            let expected = now.map(|now| {
                let window = KeyBindingWindow::default();
                ExpectedKeyBinding { audience: &audience, nonce: &nonce, now, window }
            });
            let verified =
                sd_jwt.verify(&SLOT, &issuer_key().key, expected.as_ref(), provider).unwrap();
            assert!(verified.claims().text("iss").is_ok());
            // RFC 9901 §8: the second issuer signed the same payload
            assert_eq!(json.further_signatures().len(), further);
            for jws in json.further_signatures() {
                UnverifiedJws::parse(jws).unwrap().verify(&SLOT, &second.key, provider).unwrap();
            }
        }
        let received: Value = serde_json::from_slice(&received).unwrap();
        if further == 0 {
            let mut written = SdJwtJson::flatten(json.as_compact()).unwrap();
            // kid was never signed, so it is not written again
            if let Some(kid) = json.unprotected_key_id() {
                written["header"]["kid"] = kid.into();
            }
            assert_eq!(written, received);
        }
    }
}

fn public(private: &Value) -> Value {
    let mut members = private.as_object().expect("a JWK is an object").clone();
    members.shift_remove("d");
    Value::Object(members)
}

#[test]
fn the_public_issuer_key_is_the_one_the_examples_are_signed_with() {
    if !vectors::available("sd-jwt") {
        return;
    }
    let keys = vectors::json(file("keys.json"));
    assert_eq!(Jwk::from_value(&public(&keys["issuer"])).unwrap().key, issuer_key().key);
    assert!(json::parse(&vectors::bytes(file("keys.json"))).is_ok());
}
