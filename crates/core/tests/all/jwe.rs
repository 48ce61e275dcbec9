//! JWE: the official vectors, the round trip over both providers, and every refusal by name.

use std::time::Duration;

use lanyard_core::{
    crypto::{
        AwsLc, ContentEncryption, CryptoError, CryptoProvider, Curve, EcPoint, PrivateKey,
        PublicKey, RustCrypto,
    },
    jose::{EncryptionRecipient, HeaderError, JweError, Jwk, JwkError, PrivateJwk, UnopenedJwe},
    json::{base64url, base64url_decode},
    status::InflateError,
};
use lanyard_testkit::{Effort, vectors};
use serde_json::{Value, json};

const PROVIDERS: [&dyn CryptoProvider; 2] = [&RustCrypto, &AwsLc];

#[test]
fn opens_the_encrypted_response_of_openid4vp() {
    if !vectors::available("oid4vp") {
        return;
    }
    let vector = vectors::json("oid4vp/encrypted_response_ecdh-es_a128gcm.json");
    let key = PrivateJwk::from_value(&vector["recipient_private_jwk"]).unwrap().key;
    for provider in PROVIDERS {
        let jwe = UnopenedJwe::parse(vector["jwe"].as_str().unwrap()).unwrap();
        assert_eq!(jwe.header().kid.as_deref(), Some("ac"));
        let plaintext = jwe.open(&key, &[ContentEncryption::A128Gcm], provider).unwrap();
        assert_eq!(serde_json::from_slice::<Value>(&plaintext).unwrap(), vector["plaintext"]);
    }
}

#[test]
fn each_provider_opens_what_the_other_encrypted() {
    for encrypting in PROVIDERS {
        for opening in PROVIDERS {
            for enc in [ContentEncryption::A128Gcm, ContentEncryption::A256Gcm] {
                let key = opening.generate_key(Curve::P256).unwrap();
                let mut jwk = Jwk::new(*key.public());
                jwk.kid = Some("a \"kid\"".to_owned());
                let recipient = EncryptionRecipient { jwk, enc };
                let token = recipient.encrypt(b"{}", Some("json"), encrypting).unwrap();
                let jwe = UnopenedJwe::parse(&token).unwrap();
                assert_eq!(jwe.header().kid.as_deref(), Some("a \"kid\""));
                assert_eq!(jwe.header().members["cty"], "json");
                assert_eq!(jwe.encryption(), enc);
                assert_eq!(jwe.open(&key, ContentEncryption::ALL, opening), Ok(b"{}".to_vec()));
            }
        }
    }
}

/// RFC 7518 Appendix C agrees on a key between Alice and Bob; a JWE to Bob with Alice's key as `epk`
/// and her `apu` and `apv` opens only when the same key comes out.
#[test]
fn derives_the_key_of_rfc_7518_appendix_c() {
    let bob = json!({
        "kty": "EC", "crv": "P-256",
        "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
        "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
    });
    let header = base64url(
        json!({
            "alg": "ECDH-ES", "enc": "A128GCM", "apu": "QWxpY2U", "apv": "Qm9i",
            "epk": {
                "kty": "EC", "crv": "P-256",
                "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
                "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
            },
        })
        .to_string(),
    );
    let derived = base64url_decode("VqqN6vgjbSBcIijNcacQGg").unwrap();
    let bob = PrivateJwk::from_value(&bob).unwrap().key;
    for provider in PROVIDERS {
        let sealed = provider
            .seal(ContentEncryption::A128Gcm, &derived, &[3; 12], header.as_bytes(), b"text")
            .unwrap();
        let (ciphertext, tag) = sealed.split_at(4);
        let parts = [&[3; 12], ciphertext, tag].map(base64url).join(".");
        let token = format!("{header}..{parts}");
        let jwe = UnopenedJwe::parse(&token).unwrap();
        assert_eq!(jwe.open(&bob, ContentEncryption::ALL, provider), Ok(b"text".to_vec()));
    }
}

/// A good token and its key, to be broken in one place.
struct Good {
    key: PrivateKey,
    header: Value,
    parts: Vec<String>,
}

fn good() -> Good {
    let key = AwsLc.generate_key(Curve::P256).expect("a key can be made");
    let recipient =
        EncryptionRecipient { jwk: Jwk::new(*key.public()), enc: ContentEncryption::A256Gcm };
    let token = recipient.encrypt(b"plaintext", None, &AwsLc).expect("encryption works");
    let parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    let header = base64url_decode(&parts[0]).expect("a header is base64url");
    Good { key, header: serde_json::from_slice(&header).expect("a header is JSON"), parts }
}

impl Good {
    fn open(&self, parts: &[String]) -> Result<Vec<u8>, JweError> {
        let token = parts.join(".");
        let [one, other] = PROVIDERS.map(|provider| {
            UnopenedJwe::parse(&token)?.open(&self.key, ContentEncryption::ALL, provider)
        });
        assert_eq!(one, other, "the providers agree");
        one
    }

    fn with_header(&self, change: impl FnOnce(&mut Value)) -> Result<Vec<u8>, JweError> {
        let mut header = self.header.clone();
        change(&mut header);
        let mut parts = self.parts.clone();
        parts[0] = base64url(header.to_string());
        self.open(&parts)
    }

    fn with_part(&self, part: usize, text: &str) -> Result<Vec<u8>, JweError> {
        let mut parts = self.parts.clone();
        parts[part] = text.to_owned();
        self.open(&parts)
    }
}

#[test]
fn opens_only_what_was_not_changed() {
    let good = good();
    assert_eq!(good.open(&good.parts), Ok(b"plaintext".to_vec()));
    let changed = Err(JweError::Crypto(CryptoError::InvalidCiphertext));
    for part in [2, 3, 4] {
        let mut bytes = base64url_decode(&good.parts[part]).unwrap();
        bytes[0] ^= 1;
        assert_eq!(good.with_part(part, &base64url(bytes)), changed);
    }
    // the header is covered as it was written, and so is what it says about the parties
    assert_eq!(good.with_header(|header| header["kid"] = json!("other")), changed);
    assert_eq!(good.with_header(|header| header["apu"] = json!("QWxpY2U")), changed);
    let other = AwsLc.generate_key(Curve::P256).unwrap();
    let other = Good { key: other, ..good };
    assert_eq!(other.open(&other.parts), changed);
}

#[test]
fn row_19_refuses_a_password_without_deriving_anything() {
    let good = good();
    let effort = Effort::start();
    let refused = good.with_header(|header| {
        header["alg"] = json!("PBES2-HS256+A128KW");
        header["p2c"] = json!(2_147_483_647);
        header["p2s"] = json!("AAAA");
    });
    assert_eq!(refused, Err(JweError::AlgorithmNotAllowed));
    // so many iterations take an hour
    assert!(effort.spent() < Duration::from_secs(1));
}

#[test]
fn row_21_refuses_an_ephemeral_key_that_is_no_public_point_of_p256() {
    let good = good();
    let epk = |change: &dyn Fn(&mut Value)| good.with_header(|header| change(&mut header["epk"]));
    let mut y = base64url_decode(good.header["epk"]["y"].as_str().unwrap()).unwrap();
    y[31] ^= 1;
    let y = base64url(y);
    assert_eq!(epk(&|epk| epk["y"] = json!(y)), Err(JweError::EphemeralPoint));
    assert_eq!(
        epk(&|epk| epk["x"] = json!(base64url([1; 31]))),
        Err(JweError::EphemeralKey(JwkError::Coordinate))
    );
    assert_eq!(
        epk(&|epk| epk["d"] = json!("AAAA")),
        Err(JweError::EphemeralKey(JwkError::PrivateMember))
    );
    let p384 = Jwk::new(*AwsLc.generate_key(Curve::P384).unwrap().public()).to_value();
    assert_eq!(epk(&|epk| *epk = p384.clone()), Err(JweError::EphemeralPoint));
    for nothing in [json!(null), json!("key")] {
        assert_eq!(
            epk(&|epk| *epk = nothing.clone()),
            Err(JweError::EphemeralKey(JwkError::Malformed))
        );
    }
    let missing = good.with_header(|header| drop(header.as_object_mut().unwrap().remove("epk")));
    assert_eq!(missing, Err(JweError::EphemeralKey(JwkError::Malformed)));
}

#[test]
fn row_22_refuses_every_algorithm_but_ecdh_es() {
    let good = good();
    for alg in ["RSA1_5", "RSA-OAEP-256", "dir", "A128KW", "ECDH-ES+A256KW", "ecdh-es", "none", ""]
    {
        assert_eq!(
            good.with_header(|header| header["alg"] = json!(alg)),
            Err(JweError::AlgorithmNotAllowed),
            "{alg}"
        );
    }
}

#[test]
fn row_22_refuses_a_content_encryption_that_is_not_offered() {
    let good = good();
    for enc in [json!("A192GCM"), json!("A128CBC-HS256"), json!("none"), json!(null), json!(1)] {
        assert_eq!(
            good.with_header(|header| header["enc"] = enc),
            Err(JweError::EncryptionNotAllowed)
        );
    }
    let token = good.parts.join(".");
    assert_eq!(
        UnopenedJwe::parse(&token).unwrap().open(&good.key, &[ContentEncryption::A128Gcm], &AwsLc),
        Err(JweError::EncryptionNotAllowed)
    );
}

#[test]
fn row_23_refuses_party_information_that_is_not_base64url() {
    for name in ["apu", "apv"] {
        for value in [json!("QQ=="), json!(1)] {
            assert_eq!(
                good().with_header(|header| header[name] = value),
                Err(JweError::PartyInfo(name))
            );
        }
    }
}

#[test]
fn row_26_refuses_what_is_too_long_without_reading_it() {
    let token = "a".repeat(10 << 20);
    assert_eq!(UnopenedJwe::parse(&token).err(), Some(JweError::TooLong));
}

#[test]
fn refuses_a_compressed_plaintext() {
    assert_eq!(
        good().with_header(|header| header["zip"] = json!("DEF")),
        Err(JweError::Compressed)
    );
}

#[test]
fn opens_what_was_compressed_only_where_that_is_taken_and_never_without_a_bound() {
    let key = RustCrypto.generate_key(Curve::P256).unwrap();
    let jwk = Jwk::new(*key.public());
    let recipient = EncryptionRecipient { jwk, enc: ContentEncryption::A256Gcm };
    let opened = |plaintext: &[u8]| {
        let token = recipient.encrypt_compressed(plaintext, &AwsLc).unwrap();
        assert_eq!(UnopenedJwe::parse(&token).err(), Some(JweError::Compressed));
        let jwe = UnopenedJwe::parse_compressed(&token).unwrap();
        assert_eq!(jwe.header().members["zip"], "DEF");
        jwe.open(&key, ContentEncryption::ALL, &RustCrypto)
    };
    assert_eq!(opened(b"{\"a\": 1}"), Ok(b"{\"a\": 1}".to_vec()));
    assert_eq!(opened(&vec![b' '; 2 << 20]).map(|plain| plain.len()), Ok(2 << 20));
    // a kilobyte of ciphertext that would become more than any message is
    assert_eq!(opened(&vec![0; (2 << 20) + 1]), Err(JweError::Inflate(InflateError::TooLarge)));
    // what says that it is compressed and is not
    let token = recipient.encrypt(b"{}", None, &AwsLc).unwrap();
    let plain = UnopenedJwe::parse_compressed(&token).unwrap();
    assert_eq!(plain.open(&key, ContentEncryption::ALL, &RustCrypto), Ok(b"{}".to_vec()));
    let other = good().with_header(|header| header["zip"] = json!("GZ"));
    assert_eq!(other, Err(JweError::Compressed));
}

#[test]
fn refuses_an_extension_that_is_not_understood() {
    assert_eq!(
        good().with_header(|header| header["crit"] = json!(["exp"])),
        Err(JweError::Header(HeaderError::CriticalExtension))
    );
}

#[test]
fn refuses_an_encrypted_key() {
    assert_eq!(good().with_part(1, "AAAA"), Err(JweError::EncryptedKey));
}

#[test]
fn refuses_a_short_or_long_initialization_vector_or_tag() {
    for (part, lengths) in [(2, [0, 8, 16]), (4, [0, 12, 17])] {
        for length in lengths {
            assert_eq!(good().with_part(part, &base64url(vec![0; length])), Err(JweError::Lengths));
        }
    }
}

#[test]
fn refuses_what_does_not_have_five_parts() {
    let good = good();
    assert_eq!(good.open(&good.parts[..4]), Err(JweError::Malformed));
    let six = [&good.parts[..], &[String::new()]].concat();
    assert_eq!(good.open(&six), Err(JweError::Malformed));
    assert_eq!(good.with_part(3, "not base64url!"), Err(JweError::Malformed));
}

#[test]
fn encrypts_only_to_a_key_that_is_meant_for_it() {
    let refusal = |change: &dyn Fn(&mut Jwk)| {
        let mut jwk = Jwk::new(*AwsLc.generate_key(Curve::P256).unwrap().public());
        change(&mut jwk);
        let recipient = EncryptionRecipient { jwk, enc: ContentEncryption::A128Gcm };
        let [one, other] = PROVIDERS.map(|provider| recipient.encrypt(b"", None, provider).err());
        assert_eq!(one, other, "the providers agree");
        one
    };
    assert_eq!(refusal(&|_| {}), None);
    assert_eq!(refusal(&|jwk| jwk.key_use = Some("enc".to_owned())), None);
    let other = Some(JweError::RecipientKey);
    assert_eq!(refusal(&|jwk| jwk.key_use = Some("sig".to_owned())), other);
    assert_eq!(refusal(&|jwk| jwk.alg = Some("ES256".to_owned())), other);
    for curve in [Curve::P384, Curve::Ed25519] {
        let key = *AwsLc.generate_key(curve).unwrap().public();
        assert_eq!(refusal(&|jwk| jwk.key = key), other);
    }
    let nowhere = PublicKey::P256(EcPoint { x: [1; 32], y: [1; 32] });
    assert_eq!(refusal(&|jwk| jwk.key = nowhere), Some(JweError::Crypto(CryptoError::InvalidKey)));
}
