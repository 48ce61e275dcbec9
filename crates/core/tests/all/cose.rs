//! COSE: the published examples, and each rule broken alone.

use lanyard_core::{
    cbor::{Encoder, Item, Value},
    cose::{
        self, CoseError, CoseKeyError, Header, Payload, UnverifiedMac0, UnverifiedSign1, label,
    },
    crypto::{
        AwsLc, CryptoError, CryptoProvider, Curve, EcPoint, PublicKey, SignatureAlgorithm,
        Signer as _, SoftwareSigner,
    },
};
use lanyard_testkit::vectors;

use crate::{
    cbor::hex,
    sd_jwt_support::{PROVIDERS, ready},
};

fn signer(curve: Curve) -> SoftwareSigner {
    let key = AwsLc.generate_key(curve).expect("a key can be made");
    SoftwareSigner::new(&AwsLc, &key).expect("its halves belong together")
}

/// A COSE_Sign1 over `payload` with any protected bytes and any unprotected header.
fn forge(signer: &SoftwareSigner, protected: &[u8], unprotected: &Value) -> Vec<u8> {
    let mut covered = Encoder::new();
    covered.array(4).text("Signature1").bytes(protected).bytes(b"").bytes(b"payload");
    let signature = ready(signer.sign(&covered.into_bytes())).expect("a key in memory signs");
    let mut out = Encoder::new();
    out.array(4).bytes(protected).value(unprotected).bytes(b"payload").bytes(&signature);
    out.into_bytes()
}

fn refusal(signer: &SoftwareSigner, bytes: &[u8]) -> CoseError {
    let refusals = PROVIDERS.map(|provider| {
        UnverifiedSign1::parse(bytes)
            .and_then(|sign1| sign1.verify(signer.public_key(), b"", provider).map(|_| ()))
            .expect_err("it should be refused")
    });
    assert_eq!(refusals[0], refusals[1]);
    refusals[0]
}

fn empty() -> Value {
    Value::Map(Vec::new())
}

#[test]
fn the_published_sign1_verifies_with_its_key() {
    if !vectors::available("mdoc") {
        return;
    }
    let bytes =
        hex(&vectors::text("mdoc/isomdl/definitions__cose__sign1__serialized.cbor.hex.txt"));
    // the key with the identifier 11 of the COSE working group's examples (RFC 9052 App. C.2.1)
    let x = hex("bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff");
    let y = hex("20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e");
    let key = PublicKey::P256(EcPoint { x: x.try_into().unwrap(), y: y.try_into().unwrap() });
    for provider in PROVIDERS {
        let sign1 = UnverifiedSign1::parse(&bytes).unwrap();
        assert_eq!(sign1.headers().key_id(), Some(&b"11"[..]));
        let verified = sign1.verify(&key, b"", provider).unwrap();
        assert_eq!(verified.payload(), b"This is the content.");
        assert_eq!(verified.algorithm(), SignatureAlgorithm::Es256);
        assert!(UnverifiedSign1::parse(&bytes).unwrap().verify(&key, b"other", provider).is_err());
    }
}

#[test]
fn the_published_mac0_verifies_with_its_key() {
    if !vectors::available("mdoc") {
        return;
    }
    let read =
        |name: &str| hex(&vectors::text(format!("mdoc/isomdl/definitions__cose__mac0__{name}")));
    let (bytes, key) = (read("serialized.cbor.hex.txt"), read("secret_key.hex.txt"));
    // a known oddity: the octets of the encoded key were taken as the key, not the key in them
    assert!(Item::parse(&key).unwrap().get("-1").is_some());
    for provider in PROVIDERS {
        let mac0 = UnverifiedMac0::parse(&bytes).unwrap();
        assert_eq!(mac0.verify(&key, b"", provider), Ok(&b"This is the content."[..]));
        assert_eq!(
            mac0.verify(&key[1..], b"", provider),
            Err(CoseError::Signature(CryptoError::InvalidSignature))
        );
    }
}

#[test]
fn the_published_key_is_read_and_written_back() {
    if !vectors::available("mdoc") {
        return;
    }
    let bytes = hex(&vectors::text("mdoc/isomdl/definitions__cose_key__ec_p256.cbor.hex.txt"));
    for provider in PROVIDERS {
        let key = cose::public_key(&Item::parse(&bytes).unwrap(), provider).unwrap();
        assert_eq!(key.curve(), Curve::P256);
        let written = cose::public_key_value(&key).encode();
        // theirs is in the order of the labels' absolute values, as ours is
        assert_eq!(written, bytes);
    }
}

#[test]
fn the_published_credentials_in_cose_are_refused_for_their_algorithm() {
    if !vectors::available("vc-jose-cose") {
        return;
    }
    // a known error: alg says ES384, but key and signature are of P-256
    let key =
        lanyard_core::jose::Jwk::from_value(&vectors::json("vc-jose-cose/es256_public.jwk.json"));
    let key = key.unwrap().key;
    let examples = vectors::json("vc-jose-cose/examples.json");
    let mut count = 0;
    let examples = examples.as_array().unwrap().iter();
    for sign1 in examples.filter_map(|example| example["cose_sign1_hex"].as_array()).flatten() {
        let bytes = hex(sign1.as_str().unwrap());
        for provider in PROVIDERS {
            let sign1 = UnverifiedSign1::parse(&bytes).unwrap();
            assert!(sign1.is_tagged());
            let refused = sign1.verify(&key, b"", provider).unwrap_err();
            assert_eq!(refused, CoseError::Signature(CryptoError::KeyMismatch));
        }
        count += 1;
    }
    assert!(count > 0);
}

#[test]
fn what_one_provider_signed_the_other_verifies_on_every_curve() {
    for curve in [Curve::P256, Curve::P384, Curve::Ed25519] {
        for provider in PROVIDERS {
            let key = provider.generate_key(curve).unwrap();
            let signer = SoftwareSigner::new(provider, &key).unwrap();
            let protected = Header::new().with(label::TYPE, "application/example+cwt");
            let unprotected = Header::new().with_x5chain([b"leaf", b"next"]);
            let attached = Payload::Attached(b"payload");
            let signed =
                ready(cose::sign1(protected, unprotected, attached, b"aad", &signer)).unwrap();
            for other in PROVIDERS {
                let sign1 = UnverifiedSign1::parse(&signed).unwrap();
                assert!(!sign1.is_tagged());
                assert_eq!(sign1.headers().typ(), Some("application/example+cwt"));
                let chain = sign1.headers().x5chain().unwrap().unwrap();
                assert_eq!(chain, [b"leaf".to_vec(), b"next".to_vec()]);
                assert_eq!(
                    sign1.verify(key.public(), b"aad", other).unwrap().payload(),
                    b"payload"
                );
            }
        }
    }
}

#[test]
fn a_detached_payload_is_the_one_that_is_handed_in() {
    let signer = signer(Curve::P256);
    let detached = Payload::Detached(b"payload");
    let signed = ready(cose::sign1(Header::new(), Header::new(), detached, b"", &signer)).unwrap();
    let key = signer.public_key();
    for provider in PROVIDERS {
        let sign1 = UnverifiedSign1::parse(&signed).unwrap();
        assert!(sign1.verify_detached(b"payload", key, b"", provider).is_ok());
        assert_eq!(
            sign1.verify_detached(b"another", key, b"", provider),
            Err(CoseError::Signature(CryptoError::InvalidSignature))
        );
        assert_eq!(sign1.verify(key, b"", provider).unwrap_err(), CoseError::PayloadMissing);
        let attached = forge(&signer, &hex("a10126"), &empty());
        let attached = UnverifiedSign1::parse(&attached).unwrap();
        let refused = attached.verify_detached(b"payload", key, b"", provider);
        assert_eq!(refused, Err(CoseError::PayloadNotDetached));
    }
}

#[test]
fn a_tag_is_read_and_told() {
    let signer = signer(Curve::P256);
    let tagged = cose::tagged_sign1(&forge(&signer, &hex("a10126"), &empty()));
    assert!(UnverifiedSign1::parse(&tagged).unwrap().is_tagged());
    assert_eq!(refusal(&signer, &[&[0xd1], &tagged[1..]].concat()), CoseError::Malformed);
}

#[test]
fn refuses_an_algorithm_that_is_not_protected_not_known_or_not_of_the_key() {
    let signer = signer(Curve::P256);
    let unprotected = Value::Map(vec![(1_i64.into(), (-7_i64).into())]);
    for nothing in ["", "a0"] {
        let forged = forge(&signer, &hex(nothing), &unprotected);
        assert_eq!(refusal(&signer, &forged), CoseError::AlgorithmNotProtected);
    }
    // RS256, ES512, ES256K, HMAC, none at all, and a text
    for protected in ["a101390100", "a1013823", "a101382e", "a10105", "a10100", "a101654553323536"]
    {
        let forged = forge(&signer, &hex(protected), &empty());
        assert_eq!(refusal(&signer, &forged), CoseError::AlgorithmNotAllowed, "{protected}");
    }
    // ES384 with a P-256 key
    assert_eq!(
        refusal(&signer, &forge(&signer, &hex("a1013822"), &empty())),
        CoseError::Signature(CryptoError::KeyMismatch)
    );
    let p384 = self::signer(Curve::P384);
    assert_eq!(
        refusal(&p384, &forge(&p384, &hex("a10126"), &empty())),
        CoseError::Signature(CryptoError::KeyMismatch)
    );
}

#[test]
fn fully_specified_algorithms_mean_the_same() {
    // RFC 9864: -9, -51 and -19
    for (curve, protected) in
        [(Curve::P256, "a10128"), (Curve::P384, "a1013832"), (Curve::Ed25519, "a10132")]
    {
        let signer = signer(curve);
        let forged = forge(&signer, &hex(protected), &empty());
        let sign1 = UnverifiedSign1::parse(&forged).unwrap();
        assert!(sign1.verify(signer.public_key(), b"", &AwsLc).is_ok());
    }
}

#[test]
fn refuses_critical_parameters_that_are_not_understood_or_not_there() {
    let signer = signer(Curve::P256);
    for (protected, expected) in [
        // {1: -7, 2: [99], 99: 0}, {1: -7, 2: ["b64"], "b64": false}
        ("a3 01 26 02 81 1863 1863 00", CoseError::CriticalUnknown),
        ("a3 01 26 02 81 63623634 63623634 f4", CoseError::CriticalUnknown),
        // crit names what is not protected, is empty, is no list
        ("a2 01 26 02 81 1863", CoseError::CriticalMalformed),
        ("a2 01 26 02 80", CoseError::CriticalMalformed),
        ("a2 01 26 02 01", CoseError::CriticalMalformed),
    ] {
        assert_eq!(refusal(&signer, &forge(&signer, &hex(protected), &empty())), expected);
    }
    let unprotected = Value::Map(vec![(2_i64.into(), Value::Array(vec![1_i64.into()]))]);
    let forged = forge(&signer, &hex("a10126"), &unprotected);
    assert_eq!(refusal(&signer, &forged), CoseError::CriticalMalformed);
    // {1: -7, 2: [16], 16: "t"}
    let understood = forge(&signer, &hex("a3 01 26 02 81 10 10 6174"), &empty());
    let sign1 = UnverifiedSign1::parse(&understood).unwrap();
    assert!(sign1.verify(signer.public_key(), b"", &AwsLc).is_ok());
}

#[test]
fn refuses_a_label_in_both_headers() {
    let signer = signer(Curve::P256);
    let unprotected = Value::Map(vec![(1_i64.into(), (-7_i64).into())]);
    let forged = forge(&signer, &hex("a10126"), &unprotected);
    assert_eq!(refusal(&signer, &forged), CoseError::DuplicateLabel);
}

#[test]
fn refuses_what_has_not_the_form() {
    let signer = signer(Curve::P256);
    for malformed in [
        "83 43a10126 a0 40",
        "84 a10126 a0 40 40",
        "84 43a10126 80 40 40",
        "84 43a10126 a0 6161 40",
        "84 43a10126 a0 40 f6",
        "a0",
        "84 4180 a0 40 40",
    ] {
        assert_eq!(refusal(&signer, &hex(malformed)), CoseError::Malformed, "{malformed}");
    }
}

#[test]
fn refuses_certificates_that_are_not_byte_strings() {
    for unprotected in ["a1 1821 6161", "a1 1821 80", "a1 1821 81 6161", "a1 1821 01"] {
        let bytes = hex(&format!("84 43a10126 {unprotected} 40 40"));
        let sign1 = UnverifiedSign1::parse(&bytes).unwrap();
        assert_eq!(sign1.headers().x5chain(), Err(CoseError::ParameterType), "{unprotected}");
    }
    let one = hex("84 43a10126 a1 1821 81 4161 40 40");
    let sign1 = UnverifiedSign1::parse(&one).unwrap();
    assert_eq!(sign1.headers().x5chain(), Ok(Some(vec![b"a".to_vec()])));
}

#[test]
fn refuses_a_mac_of_another_algorithm_or_length() {
    let provider = PROVIDERS[0];
    let good = cose::mac0(Payload::Attached(b"payload"), b"key", b"aad", provider);
    let mac0 = UnverifiedMac0::parse(&good).unwrap();
    assert_eq!(mac0.verify(b"key", b"aad", PROVIDERS[1]), Ok(&b"payload"[..]));
    assert!(mac0.verify(b"key", b"", provider).is_err());
    let detached = mac0.verify_detached(b"payload", b"key", b"aad", provider);
    assert_eq!(detached, Err(CoseError::PayloadNotDetached));
    // HMAC 256/64 and no algorithm at all
    for (protected, expected) in [
        ("43a10104", CoseError::AlgorithmNotAllowed),
        ("43a10126", CoseError::AlgorithmNotAllowed),
        ("40", CoseError::AlgorithmNotProtected),
    ] {
        let forged = hex(&format!("84 {protected} a0 477061796c6f6164 40"));
        let refused = UnverifiedMac0::parse(&forged).unwrap().verify(b"key", b"aad", provider);
        assert_eq!(refused, Err(expected));
    }
    let short = &[&good[..good.len() - 34], &[0x48, 1, 2, 3, 4, 5, 6, 7, 8][..]].concat();
    for provider in PROVIDERS {
        assert_eq!(
            UnverifiedMac0::parse(short).unwrap().verify(b"key", b"aad", provider),
            Err(CoseError::Signature(CryptoError::InvalidSignature))
        );
    }
}

#[test]
fn a_key_keeps_its_value_through_cose_on_every_curve() {
    for provider in PROVIDERS {
        for curve in [Curve::P256, Curve::P384, Curve::Ed25519] {
            let key = *provider.generate_key(curve).unwrap().public();
            let encoded = cose::public_key_value(&key).encode();
            assert_eq!(cose::public_key(&Item::parse(&encoded).unwrap(), provider), Ok(key));
        }
    }
}

#[test]
fn a_compressed_key_is_the_same_key() {
    for provider in PROVIDERS {
        let key = *provider.generate_key(Curve::P256).unwrap().public();
        let PublicKey::P256(EcPoint { x, y }) = key else { unreachable!("it was made on P-256") };
        let compressed = Value::Map(vec![
            (1_i64.into(), 2_i64.into()),
            ((-1_i64).into(), 1_i64.into()),
            ((-2_i64).into(), x[..].into()),
            ((-3_i64).into(), (y[31] & 1 == 1).into()),
        ])
        .encode();
        assert_eq!(cose::public_key(&Item::parse(&compressed).unwrap(), provider), Ok(key));
    }
}

#[test]
fn refuses_a_key_that_is_private_of_another_kind_or_off_its_length() {
    let x = format!("5820{}", "11".repeat(32));
    for (key, expected) in [
        (format!("a5 01 02 20 01 21 {x} 22 {x} 23 {x}"), CoseKeyError::PrivateKey),
        (format!("a2 01 04 20 {x}"), CoseKeyError::PrivateKey),
        (format!("a4 01 02 20 03 21 {x} 22 {x}"), CoseKeyError::Unsupported),
        (format!("a3 01 01 20 04 21 {x}"), CoseKeyError::Unsupported),
        (format!("a3 01 02 20 01 21 {x}"), CoseKeyError::Coordinate),
        (format!("a4 01 02 20 02 21 {x} 22 {x}"), CoseKeyError::Coordinate),
        (format!("a4 01 02 20 01 21 {x} 22 4100"), CoseKeyError::Coordinate),
        ("a3 01 01 20 06 21 4100".to_owned(), CoseKeyError::Coordinate),
        (format!("a5 01 02 03 3822 20 01 21 {x} 22 {x}"), CoseKeyError::Algorithm),
        (format!("a3 20 01 21 {x} 22 {x}"), CoseKeyError::Malformed),
        ("80".to_owned(), CoseKeyError::Malformed),
    ] {
        let bytes = hex(&key);
        for provider in PROVIDERS {
            let item = Item::parse(&bytes).unwrap();
            assert_eq!(cose::public_key(&item, provider), Err(expected), "{key}");
        }
    }
}

#[test]
fn no_changed_sign1_verifies() {
    let signer = signer(Curve::P256);
    let signed = forge(&signer, &hex("a10126"), &empty());
    for at in 0..signed.len() {
        for bit in [1, 2, 0x20, 0x80] {
            let mut changed = signed.clone();
            changed[at] ^= bit;
            let verified = UnverifiedSign1::parse(&changed)
                .and_then(|sign1| sign1.verify(signer.public_key(), b"", &AwsLc).map(|_| ()));
            assert!(verified.is_err(), "byte {at}");
        }
    }
}
