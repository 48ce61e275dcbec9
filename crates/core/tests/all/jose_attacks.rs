//! JWS and JWK: the rows of the threat model, by number.

use std::time::Duration;

use lanyard_core::{
    crypto::{
        AwsLc, CryptoError, CryptoProvider as _, Curve, PublicKey, RustCrypto, SignatureAlgorithm,
    },
    jose::{HeaderError, Jwk, JwkError, JwsError, UnverifiedJws},
    json::{JsonError, base64url, base64url_decode},
};
use lanyard_testkit::Effort;
use serde_json::{Value, json};

use crate::jose::{SLOT, forge, header, p256, refusal, token, verify};

// The threat model's rows, by number

#[test]
fn row_1_refuses_alg_none_in_every_spelling() {
    for alg in ["none", "None", "nOnE", "NONE", ""] {
        assert_eq!(
            refusal(|header| header["alg"] = json!(alg)),
            JwsError::AlgorithmNotAllowed("test token"),
            "{alg:?}"
        );
    }
    let missing = |header: &mut Value| drop(header.as_object_mut().unwrap().remove("alg"));
    assert_eq!(refusal(missing), JwsError::Header(HeaderError::AlgorithmMissing));
    for alg in [json!(null), json!(["ES256"]), json!(1)] {
        assert_eq!(
            refusal(|header| header["alg"] = alg),
            JwsError::Header(HeaderError::AlgorithmMissing)
        );
    }
}

#[test]
fn row_1_refuses_an_empty_signature() {
    let key = p256();
    let token = token(&header(|_| {}), &key);
    let (input, _) = token.rsplit_once('.').unwrap();
    assert_eq!(
        verify(&format!("{input}."), key.public()),
        Err(JwsError::Signature(CryptoError::InvalidSignature))
    );
}

#[test]
fn row_2_refuses_a_mac_keyed_with_the_public_key() {
    let key = p256();
    let point = key.public().to_uncompressed();
    let jwk = Jwk::new(*key.public()).to_value().to_string();
    for secret in [&point[..], &point[1..], jwk.as_bytes()] {
        for alg in ["HS256", "HS384", "HS512"] {
            let encoded = base64url(header(|header| header["alg"] = json!(alg)).to_string());
            let input = format!("{encoded}.{}", base64url("{}"));
            let mac = AwsLc.hmac_sha256(secret, input.as_bytes());
            assert_eq!(
                verify(&format!("{input}.{}", base64url(mac)), key.public()),
                Err(JwsError::AlgorithmNotAllowed("test token"))
            );
        }
    }
}

/// The token with its signature replaced.
fn with_signature(token: &str, signature: &[u8]) -> String {
    let (input, _) = token.rsplit_once('.').expect("a token has three parts");
    format!("{input}.{}", base64url(signature))
}

fn signature_of(token: &str) -> Vec<u8> {
    let (_, signature) = token.rsplit_once('.').expect("a token has three parts");
    base64url_decode(signature).expect("a signature is base64url")
}

#[test]
fn row_3_refuses_signatures_of_zeros_and_of_the_order() {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
        0x25, 0x51,
    ];
    let key = p256();
    let token = token(&header(|_| {}), &key);
    let mut one = [0; 32];
    one[31] = 1;
    for r in [[0; 32], one, ORDER] {
        for s in [[0; 32], one, ORDER] {
            assert_eq!(
                verify(&with_signature(&token, &[r, s].concat()), key.public()),
                Err(JwsError::Signature(CryptoError::InvalidSignature))
            );
        }
    }
}

#[test]
fn row_4_refuses_signatures_of_another_length_or_in_der() {
    let key = p256();
    let token = token(&header(|_| {}), &key);
    let good = signature_of(&token);
    let der = [&[0x30, 0x44, 0x02, 0x20][..], &good[..32], &[0x02, 0x20], &good[32..]].concat();
    for signature in
        [good[..63].to_vec(), [&good[..], &[0]].concat(), [&[0], &good[..]].concat(), der]
    {
        assert_eq!(
            verify(&with_signature(&token, &signature), key.public()),
            Err(JwsError::Signature(CryptoError::InvalidSignature))
        );
    }
}

#[test]
fn row_6_refuses_ed25519_signatures_that_are_not_strict() {
    /// The order of the base point, little-endian.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let key = RustCrypto.generate_key(Curve::Ed25519).unwrap();
    let token = token(&header(|header| header["alg"] = json!("EdDSA")), &key);
    let good = signature_of(&token);
    assert_eq!(verify(&token, key.public()), Ok(()));

    let mut malleable = good.clone();
    let mut carry = 0;
    for (byte, order) in malleable[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        (*byte, carry) = (sum as u8, sum >> 8);
    }
    let identity = [&[1][..], &[0; 63]].concat();
    for signature in [malleable, identity.clone(), [&good[..], &[0]].concat()] {
        assert_eq!(
            verify(&with_signature(&token, &signature), key.public()),
            Err(JwsError::Signature(CryptoError::InvalidSignature))
        );
    }
    // under a key of small order, this signature fits every message
    let mut small = [0; 32];
    small[0] = 1;
    assert_eq!(
        verify(&with_signature(&token, &identity), &PublicKey::Ed25519(small)),
        Err(JwsError::Signature(CryptoError::InvalidKey))
    );
}

#[test]
fn row_7_refuses_a_key_that_the_slot_does_not_take_from_the_header() {
    let attacker = p256();
    let jwk = Jwk::new(*attacker.public()).to_value();
    let with_jwk = header(|header| header["jwk"] = jwk);
    let with_x5c = header(|header| header["x5c"] = json!(["AAAA"]));
    for header in [with_jwk, with_x5c] {
        assert_eq!(
            verify(&token(&header, &attacker), p256().public()),
            Err(JwsError::HeaderKeyNotAllowed("test token"))
        );
    }
}

#[test]
fn row_8_refuses_a_key_by_url() {
    for name in ["jku", "x5u"] {
        assert_eq!(
            refusal(|header| header[name] = json!("https://canary.example/")),
            JwsError::Header(HeaderError::KeyByUrl(name))
        );
    }
}

#[test]
fn row_9_refuses_a_kid_that_is_no_name() {
    for kid in ["key\0", "key\r\nforged line", &"k".repeat(10 << 10)] {
        assert_eq!(
            refusal(|header| header["kid"] = json!(kid)),
            JwsError::Header(HeaderError::NotAName("kid"))
        );
    }
    // odd, but only ever compared
    for kid in ["../../etc/passwd", "' OR 1=1--", "https://canary.example/"] {
        let key = p256();
        let token = token(&header(|header| header["kid"] = json!(kid)), &key);
        assert_eq!(verify(&token, key.public()), Ok(()));
    }
}

#[test]
fn row_11_refuses_an_extension_that_is_not_understood() {
    for (name, value) in [("crit", json!(["b64"])), ("crit", json!([])), ("b64", json!(false))] {
        assert_eq!(
            refusal(|header| header[name] = value),
            JwsError::Header(HeaderError::CriticalExtension)
        );
    }
}

#[test]
fn row_13_refuses_every_spelling_of_base64url_but_the_canonical_one() {
    let key = p256();
    let token = token(&header(|_| {}), &key);
    let parts: Vec<_> = token.split('.').collect();
    for (part, expected) in [
        (0, JwsError::Header(HeaderError::NotBase64Url)),
        (1, JwsError::Malformed),
        (2, JwsError::Malformed),
    ] {
        let good = parts[part];
        for spelling in [
            format!("{good}="),
            format!("{good} "),
            format!("{good}\n"),
            format!("+{good}"),
            format!("/{good}"),
        ] {
            let mut parts = parts.clone();
            parts[part] = &spelling;
            assert_eq!(verify(&parts.join("."), key.public()), Err(expected.clone()), "{part}");
        }
    }
    // `e31` differs from `e30`, which is `{}`, in bits that stand for nothing
    let mut parts = parts;
    parts[1] = "e31";
    assert_eq!(verify(&parts.join("."), key.public()), Err(JwsError::Malformed));
}

#[test]
fn row_15_refuses_the_json_serialization() {
    let key = p256();
    let token = token(&header(|_| {}), &key);
    let parts: Vec<_> = token.split('.').collect();
    let signature = json!({"protected": parts[0], "signature": parts[2]});
    let flattened =
        json!({"payload": parts[1], "protected": parts[0], "signature": parts[2]}).to_string();
    let general = json!({"payload": parts[1], "signatures": [signature]}).to_string();
    for serialization in [flattened, general] {
        assert_eq!(verify(&serialization, key.public()), Err(JwsError::Malformed));
    }
    for parts in [&parts[..2], &[parts[0], parts[1], parts[2], ""], &["", parts[1], parts[2], ""]] {
        assert!(
            matches!(
                verify(&parts.join("."), key.public()),
                Err(JwsError::Malformed | JwsError::Header(HeaderError::Unreadable(_)))
            ),
            "{parts:?}"
        );
    }
}

#[test]
fn row_24_refuses_a_private_key_in_the_header() {
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        let mut jwk = Jwk::new(*p256().public()).to_value();
        jwk[name] = json!("AAAA");
        assert_eq!(
            refusal(|header| header["jwk"] = jwk),
            JwsError::Header(HeaderError::Jwk(JwkError::PrivateMember))
        );
    }
}

#[test]
fn row_25_refuses_a_key_of_another_curve_than_the_algorithms() {
    let signed = token(&header(|_| {}), &p256());
    for curve in [Curve::P384, Curve::Ed25519] {
        let other = RustCrypto.generate_key(curve).unwrap();
        assert_eq!(
            verify(&signed, other.public()),
            Err(JwsError::Signature(CryptoError::KeyMismatch))
        );
        assert_eq!(
            Jwk::new(*other.public()).for_signatures(SignatureAlgorithm::Es256),
            Err(JwkError::OtherPurpose)
        );
    }
}

#[test]
fn row_25_refuses_a_point_that_is_off_its_curve() {
    let key = p256();
    let PublicKey::P256(mut point) = *key.public() else { panic!("a P-256 key") };
    point.y[31] ^= 1;
    assert_eq!(
        verify(&token(&header(|_| {}), &key), &PublicKey::P256(point)),
        Err(JwsError::Signature(CryptoError::InvalidKey))
    );
}

#[test]
fn row_25_refuses_keys_of_other_kinds() {
    for jwk in [
        json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"}),
        json!({"kty": "EC", "crv": "X25519", "x": "AA", "y": "AA"}),
        json!({"kty": "OKP", "crv": "X448", "x": "AA"}),
        json!({"kty": "OKP", "crv": "P-256", "x": "AA", "y": "AA"}),
        json!({"kty": "EC", "x": "AA", "y": "AA"}),
    ] {
        assert_eq!(Jwk::from_value(&jwk), Err(JwkError::Unsupported), "{jwk}");
    }
    assert_eq!(Jwk::from_value(&json!({"kty": "oct", "k": "AAAA"})), Err(JwkError::PrivateMember));
    for jwk in [json!(null), json!("key"), json!({}), json!({"kty": 1})] {
        assert_eq!(Jwk::from_value(&jwk), Err(JwkError::Malformed), "{jwk}");
    }
}

#[test]
fn row_26_refuses_what_is_too_long_without_reading_it() {
    let token = "a".repeat(10 << 20);
    let header = format!("{}.e30.AA", "a".repeat(100 << 10));
    let effort = Effort::start();
    assert_eq!(UnverifiedJws::parse(&token).err(), Some(JwsError::TooLong));
    assert_eq!(UnverifiedJws::parse(&header).err(), Some(JwsError::Header(HeaderError::TooLong)));
    assert!(effort.spent() < Duration::from_millis(100));
}

#[test]
fn row_26_refuses_more_members_than_anybody_needs() {
    let key = p256();
    let members: Vec<_> = (0..100_000).map(|number| format!(r#""{number}":0"#)).collect();
    let wide = format!("{{{}}}", members.join(","));
    let array = format!(r#"{{"a":[{}0]}}"#, "0,".repeat(100_000));
    let header = header(|_| {}).to_string();
    for payload in [array, wide] {
        let token = forge(header.as_bytes(), payload.as_bytes(), &key);
        match UnverifiedJws::parse(&token) {
            Ok(jws) => {
                let refusal = jws.verify(&SLOT, key.public(), &AwsLc).unwrap().claims();
                let Err(JwsError::Payload(JsonError::Malformed(reason))) = refusal else {
                    panic!("the payload is refused");
                };
                assert!(reason.contains("too many members"), "{reason}");
            }
            Err(refusal) => assert_eq!(refusal, JwsError::TooLong),
        }
    }
}

#[test]
fn row_27_refuses_what_is_nested_too_deep() {
    let key = p256();
    let deep = format!(r#"{{"a":{}{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    let in_header = forge(deep.as_bytes(), b"{}", &key);
    let Err(JwsError::Header(HeaderError::Unreadable(JsonError::Malformed(reason)))) =
        UnverifiedJws::parse(&in_header)
    else {
        panic!("the header is refused");
    };
    assert!(reason.contains("nested too deep"), "{reason}");

    let in_payload = forge(header(|_| {}).to_string().as_bytes(), deep.as_bytes(), &key);
    let jws = UnverifiedJws::parse(&in_payload).unwrap();
    let Err(JwsError::Payload(JsonError::Malformed(reason))) = jws.danger_unverified_claims()
    else {
        panic!("the payload is refused");
    };
    assert!(reason.contains("nested too deep"), "{reason}");
}
