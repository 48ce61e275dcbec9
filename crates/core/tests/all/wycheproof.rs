//! Project Wycheproof against both providers: the primitives, and JOSE on top of them.

use lanyard_core::{
    crypto::{
        AwsLc, ContentEncryption, CryptoError, CryptoProvider, Curve, EcPoint, PrivateKey,
        PublicKey, RsaPublicKey, RustCrypto, SignatureAlgorithm,
    },
    jose::{Jwk, JwkError, PrivateJwk, Slot, UnopenedJwe, UnverifiedJws},
    json::base64url_decode,
};
use lanyard_testkit::vectors;
use serde_json::Value;
use wycheproof::{TestResult, aead, ecdh, ecdsa, eddsa, rsa_pkcs1_verify};

const PROVIDERS: [&dyn CryptoProvider; 2] = [&RustCrypto, &AwsLc];

/// Each provider takes exactly the signatures that are valid.
fn judge_signature(
    algorithm: SignatureAlgorithm,
    key: &PublicKey,
    message: &[u8],
    signature: &[u8],
    valid: bool,
    case: usize,
) {
    for provider in PROVIDERS {
        let outcome = provider.verify(algorithm, key, message, signature);
        let expected = if valid { Ok(()) } else { Err(CryptoError::InvalidSignature) };
        assert_eq!(outcome, expected, "case {case} with {}", provider.name());
    }
}

fn judge_ecdsa(name: ecdsa::TestName, algorithm: SignatureAlgorithm) {
    let set = ecdsa::TestSet::load(name).expect("the crate brings its vectors");
    for group in set.test_groups {
        let key = PublicKey::from_uncompressed(algorithm.curve(), &group.key.key)
            .expect("the vectors have uncompressed points");
        for test in group.tests {
            let valid = test.result == TestResult::Valid;
            judge_signature(algorithm, &key, &test.msg, &test.sig, valid, test.tc_id);
        }
    }
}

#[test]
fn ecdsa_over_p256() {
    judge_ecdsa(ecdsa::TestName::EcdsaSecp256r1Sha256P1363, SignatureAlgorithm::Es256);
}

#[test]
fn ecdsa_over_p384() {
    judge_ecdsa(ecdsa::TestName::EcdsaSecp384r1Sha384P1363, SignatureAlgorithm::Es384);
}

#[test]
fn ecdsa_over_secp256k1() {
    judge_ecdsa(ecdsa::TestName::EcdsaSecp256k1Sha256P1363, SignatureAlgorithm::Es256k);
}

#[test]
fn ed25519() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    for group in set.test_groups {
        let key = PublicKey::from_uncompressed(Curve::Ed25519, &group.key.pk).unwrap();
        for test in group.tests {
            let valid = test.result == TestResult::Valid;
            let algorithm = SignatureAlgorithm::EdDsa;
            judge_signature(algorithm, &key, &test.msg, &test.sig, valid, test.tc_id);
        }
    }
}

#[test]
fn aes_gcm() {
    let mut judged = 0;
    for group in aead::TestSet::load(aead::TestName::AesGcm).unwrap().test_groups {
        let algorithm = match (group.key_size, group.nonce_size, group.tag_size) {
            (128, 96, 128) => ContentEncryption::A128Gcm,
            (256, 96, 128) => ContentEncryption::A256Gcm,
            // no other size can be said through the door
            _ => continue,
        };
        for test in group.tests {
            let nonce: [u8; 12] = test.nonce.as_slice().try_into().unwrap();
            let sealed = [&test.ct[..], &test.tag].concat();
            for provider in PROVIDERS {
                let opened = provider.open(algorithm, &test.key, &nonce, &test.aad, &sealed);
                if test.result == TestResult::Valid {
                    assert_eq!(opened, Ok(test.pt.to_vec()), "case {}", test.tc_id);
                    let again = provider.seal(algorithm, &test.key, &nonce, &test.aad, &test.pt);
                    assert_eq!(again, Ok(sealed.clone()), "case {}", test.tc_id);
                } else {
                    assert_eq!(opened, Err(CryptoError::InvalidCiphertext), "case {}", test.tc_id);
                }
            }
            judged += 1;
        }
    }
    assert!(judged > 100, "both key sizes have many vectors");
}

#[test]
fn ecdh_over_p256() {
    let set = ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1Ecpoint).unwrap();
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        let private = p256_scalar(&test.private_key);
        // a compressed or malformed point does not even become a key
        let Some(public) = PublicKey::from_uncompressed(Curve::P256, &test.public_key) else {
            assert_ne!(test.result, TestResult::Valid, "case {}", test.tc_id);
            continue;
        };
        for provider in PROVIDERS {
            let outcome = provider.agree(&private, &public);
            if test.result == TestResult::Valid {
                assert_eq!(outcome.unwrap().as_bytes(), &test.shared_secret[..]);
            } else {
                assert_eq!(outcome.err(), Some(CryptoError::InvalidKey), "case {}", test.tc_id);
            }
        }
    }
}

/// A private key of which the agreement uses the scalar alone.
fn p256_scalar(encoded: &[u8]) -> PrivateKey {
    let start = encoded.iter().position(|byte| *byte != 0).unwrap_or(encoded.len());
    let mut scalar = vec![0; 32 - (encoded.len() - start)];
    scalar.extend_from_slice(&encoded[start..]);
    let anything = PublicKey::P256(EcPoint { x: [0; 32], y: [0; 32] });
    PrivateKey::from_parts(scalar, anything).expect("a scalar of 32 bytes")
}

#[test]
fn ecdh_over_p256_with_jwks() {
    if !vectors::available("wycheproof") {
        return;
    }
    let set = vectors::json("wycheproof/ecdh_secp256r1_webcrypto_test.json");
    let mut agreed = 0;
    for test in tests(&set).map(|(_, test)| test) {
        let valid = test["result"] == "valid";
        let public = Jwk::from_value(&test["public"]);
        let private = PrivateJwk::from_value(&test["private"]).unwrap().key;
        let shared = hex(test["shared"].as_str().unwrap());
        for provider in PROVIDERS {
            let outcome = public.as_ref().ok().map(|public| provider.agree(&private, &public.key));
            match outcome {
                Some(Ok(secret)) => {
                    assert!(valid, "case {}", test["tcId"]);
                    assert_eq!(secret.as_bytes(), shared, "case {}", test["tcId"]);
                    agreed += 1;
                }
                _ => assert!(!valid, "case {}: {public:?}", test["tcId"]),
            }
        }
    }
    assert!(agreed > 300, "most vectors are valid");
}

const SLOT: Slot = Slot {
    name: "test token",
    // the vectors have no `typ`
    typ: &["", "JWT"],
    algorithms: SignatureAlgorithm::ALL,
    header_keys: &[lanyard_core::jose::HeaderKey::Kid],
};

/// The whole way of a token that is checked with one known key.
fn judge_jws(token: &Value, key: &Value, provider: &dyn CryptoProvider) -> Result<(), String> {
    let token = token.as_str().ok_or("no compact serialization")?;
    let jwk = Jwk::from_value(key).map_err(|refusal| refusal.to_string())?;
    let jws = UnverifiedJws::parse(token).map_err(|refusal| refusal.to_string())?;
    let algorithm = jws.check_slot(&SLOT).map_err(|refusal| refusal.to_string())?;
    let key = jwk.for_signatures(algorithm).map_err(|refusal| refusal.to_string())?;
    jws.verify(&SLOT, key, provider).map(drop).map_err(|refusal| refusal.to_string())
}

/// Judges every JWS of a file; gives how many were accepted and how many refused.
fn judge_jws_file(file: &str) -> (usize, usize) {
    let set = vectors::json(file);
    let (mut accepted, mut refused) = (0, 0);
    for (group, test) in tests(&set).filter(|(_, test)| test.get("jws").is_some()) {
        let keys = group.get("public").unwrap_or(&group["private"]);
        let key = match &keys["keys"] {
            // in a set, the key with the token's kid; a kid that two keys have names none
            Value::Array(keys) if keys.len() == 1 => &keys[0],
            Value::Array(_) => &Value::Null,
            _ => keys,
        };
        for provider in PROVIDERS {
            match judge_jws(&test["jws"], key, provider) {
                Ok(()) => {
                    assert_eq!(test["result"], "valid", "{}", test["tcId"]);
                    accepted += 1;
                }
                Err(reason) => {
                    // only what is not supported may be refused although it is valid
                    if test["result"] == "valid" {
                        let why = Jwk::from_value(key).err();
                        let unsupported = [
                            Some(JwkError::Unsupported),
                            Some(JwkError::PrivateMember),
                            Some(JwkError::Malformed),
                        ];
                        assert!(unsupported.contains(&why), "{}: {reason}", test["tcId"]);
                    }
                    refused += 1;
                }
            }
        }
    }
    (accepted, refused)
}

#[test]
fn json_web_signatures() {
    if !vectors::available("wycheproof") {
        return;
    }
    let (accepted, refused) = judge_jws_file("wycheproof/json_web_signature_test.json");
    // es256 and its special cases have one valid token each, for each provider
    assert_eq!((accepted, refused), (4, 2 * 401 - 4));
}

#[test]
fn json_web_keys() {
    if !vectors::available("wycheproof") {
        return;
    }
    assert_eq!(judge_jws_file("wycheproof/json_web_key_test.json"), (0, 2 * 26));
    assert_eq!(judge_jws_file("wycheproof/json_web_crypto_test.json").0, 2);
}

#[test]
fn json_web_encryption() {
    if !vectors::available("wycheproof") {
        return;
    }
    let mut opened = 0;
    for file in ["json_web_encryption_test.json", "json_web_crypto_test.json"] {
        let set = vectors::json(format!("wycheproof/{file}"));
        for (group, test) in tests(&set).filter(|(_, test)| test.get("jwe").is_some()) {
            for provider in PROVIDERS {
                match judge_jwe(&test["jwe"], &group["private"], provider) {
                    Ok(plaintext) => {
                        assert_eq!(test["result"], "valid", "{}", test["tcId"]);
                        assert_eq!(plaintext, hex(test["pt"].as_str().unwrap()));
                        opened += 1;
                    }
                    Err(reason) => {
                        let taken = test["result"] == "valid" && is_offered(&test["jwe"]);
                        assert!(!taken, "{}: {reason}", test["tcId"]);
                    }
                }
            }
        }
    }
    // ECDH-ES with A128GCM and with A256GCM, for each provider
    assert_eq!(opened, 4);
}

fn judge_jwe(token: &Value, key: &Value, provider: &dyn CryptoProvider) -> Result<Vec<u8>, String> {
    let token = token.as_str().ok_or("no compact serialization")?;
    let jwe = UnopenedJwe::parse(token).map_err(|refusal| refusal.to_string())?;
    let key = PrivateJwk::from_value(key).map_err(|refusal| refusal.to_string())?.key;
    jwe.open(&key, ContentEncryption::ALL, provider).map_err(|refusal| refusal.to_string())
}

/// Whether a token's header asks for nothing but what is offered.
fn is_offered(token: &Value) -> bool {
    let header = token.as_str().and_then(|token| token.split('.').next());
    let header = header.and_then(|header| base64url_decode(header).ok()).unwrap_or_default();
    let header: Value = serde_json::from_slice(&header).unwrap_or_default();
    let enc = header["enc"].as_str().and_then(ContentEncryption::from_name);
    header["alg"] == "ECDH-ES" && enc.is_some()
}

fn tests(set: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let groups = set["testGroups"].as_array().expect("a file of test groups");
    groups.iter().flat_map(|group| {
        let tests = group["tests"].as_array().expect("a group of tests");
        tests.iter().map(move |test| (group, test))
    })
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

/// Without the zero that keeps a number positive.
fn trimmed(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}

/// RS256 with keys of every length that is taken.
#[test]
fn rsassa_pkcs1_with_sha_256() {
    for name in [
        rsa_pkcs1_verify::TestName::Rsa2048Sha256,
        rsa_pkcs1_verify::TestName::Rsa3072Sha256,
        rsa_pkcs1_verify::TestName::Rsa4096Sha256,
    ] {
        let set = rsa_pkcs1_verify::TestSet::load(name).expect("the crate brings its vectors");
        for group in set.test_groups {
            let (modulus, exponent) = (trimmed(&group.key.n), trimmed(&group.key.e));
            let key = RsaPublicKey::from_parts(modulus, exponent).expect("a usable key");
            for test in group.tests {
                // "acceptable" stands for a missing NULL in the encoding, which is another encoding
                let valid = test.result == TestResult::Valid;
                for provider in PROVIDERS {
                    let outcome = provider.verify_rs256(&key, &test.msg, &test.sig);
                    let expected = if valid { Ok(()) } else { Err(CryptoError::InvalidSignature) };
                    assert_eq!(outcome, expected, "case {} with {}", test.tc_id, provider.name());
                }
            }
        }
    }
}

#[test]
fn takes_no_rsa_key_that_is_short_long_or_even() {
    let key = |modulus: Vec<u8>, exponent: &[u8]| {
        RsaPublicKey::from_parts(modulus, exponent.to_vec()).map(|_| ())
    };
    let usual = [1, 0, 1];
    assert_eq!(key(vec![0xff; 256], &usual), Ok(()));
    let zero_first = [&[0][..], &[0xff; 256]].concat();
    for modulus in [vec![0xff; 255], vec![0xff; 513], vec![0xfe; 256], zero_first, Vec::new()] {
        assert_eq!(key(modulus, &usual), Err(CryptoError::InvalidKey));
    }
    for exponent in [&[][..], &[1], &[2], &[0, 3], &[1, 0, 0, 0, 1]] {
        assert_eq!(key(vec![0xff; 256], exponent), Err(CryptoError::InvalidKey), "{exponent:?}");
    }
}
