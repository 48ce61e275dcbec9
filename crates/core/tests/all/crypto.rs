//! Both providers behind the door: what one makes, the other takes.

use lanyard_core::crypto::{
    AwsLc, ContentEncryption, CryptoError, CryptoProvider, Curve, EcPoint, HashAlgorithm, MacKey,
    PrivateKey, PublicKey, RustCrypto, SignatureAlgorithm,
};

const PROVIDERS: [&dyn CryptoProvider; 2] = [&RustCrypto, &AwsLc];
const CURVES: [(Curve, SignatureAlgorithm); 4] = [
    (Curve::P256, SignatureAlgorithm::Es256),
    (Curve::P384, SignatureAlgorithm::Es384),
    (Curve::Ed25519, SignatureAlgorithm::EdDsa),
    (Curve::Secp256k1, SignatureAlgorithm::Es256k),
];

#[test]
fn each_provider_verifies_what_the_other_signed() {
    for signing in PROVIDERS {
        for verifying in PROVIDERS {
            for (curve, algorithm) in CURVES {
                let key = signing.generate_key(curve).unwrap();
                let signature = verifying.signing_key(&key).unwrap().sign(b"message").unwrap();
                assert_eq!(signature.len(), algorithm.signature_length());
                for provider in [signing, verifying] {
                    let verify = |message: &[u8], signature: &[u8]| {
                        provider.verify(algorithm, key.public(), message, signature)
                    };
                    assert_eq!(verify(b"message", &signature), Ok(()));
                    assert_eq!(verify(b"massage", &signature), Err(CryptoError::InvalidSignature));
                }
            }
        }
    }
}

#[test]
fn refuses_a_key_of_another_curve_than_the_algorithms() {
    for provider in PROVIDERS {
        for (curve, algorithm) in CURVES {
            let key = provider.generate_key(curve).unwrap();
            for (_, other) in CURVES.into_iter().filter(|(_, other)| *other != algorithm) {
                let signature = vec![1; other.signature_length()];
                assert_eq!(
                    provider.verify(other, key.public(), b"", &signature),
                    Err(CryptoError::KeyMismatch)
                );
            }
        }
    }
}

#[test]
fn makes_es256k_signatures_with_the_lower_s() {
    // SEC 2 §2.4.1: the order of the group, of which `s` is at most the half
    let half = [&[0x7f][..], &[0xff; 15]].concat();
    for provider in PROVIDERS {
        let key = provider.generate_key(Curve::Secp256k1).unwrap();
        let signer = provider.signing_key(&key).unwrap();
        for message in 0..16 {
            let signature = signer.sign(&[message]).unwrap();
            assert!(signature[32..48] <= half[..], "{signature:x?}");
        }
    }
}

#[test]
fn makes_no_key_for_signatures_on_a_curve_for_key_agreement() {
    for provider in PROVIDERS {
        let made = provider.generate_key(Curve::X25519);
        assert_eq!(made.err(), Some(CryptoError::KeyMismatch));
        let key = PrivateKey::from_parts(vec![1; 32], PublicKey::X25519([9; 32])).unwrap();
        assert_eq!(provider.signing_key(&key).err(), Some(CryptoError::KeyMismatch));
    }
}

#[test]
fn derives_a_key_for_key_agreement_from_an_ed25519_key_alone() {
    for provider in PROVIDERS {
        let derive = |key: &PublicKey| provider.derive_key_agreement(key);
        let key = provider.generate_key(Curve::Ed25519).unwrap();
        assert_eq!(derive(key.public()).map(|key| key.curve()), Ok(Curve::X25519));
        // of small order, and off the curve
        for y in [0, 2] {
            let mut encoding = [0; 32];
            encoding[0] = y;
            assert_eq!(derive(&PublicKey::Ed25519(encoding)), Err(CryptoError::InvalidKey));
        }
        let other = provider.generate_key(Curve::P256).unwrap();
        assert_eq!(derive(other.public()), Err(CryptoError::KeyMismatch));
    }
}

#[test]
fn refuses_halves_of_a_key_that_do_not_belong_together() {
    for provider in PROVIDERS {
        for (curve, _) in CURVES {
            let one = provider.generate_key(curve).unwrap();
            let other = provider.generate_key(curve).unwrap();
            let mixed =
                PrivateKey::from_parts(one.danger_scalar().to_vec(), *other.public()).unwrap();
            assert_eq!(provider.signing_key(&mixed).err(), Some(CryptoError::InvalidKey));
        }
    }
}

#[test]
fn each_provider_agrees_with_the_other() {
    for one in PROVIDERS {
        for other in PROVIDERS {
            let key = one.generate_key(Curve::P256).unwrap();
            let (public, secret) = other.agree_ephemeral(key.public()).unwrap();
            assert_eq!(one.agree(&key, &public).unwrap().as_bytes(), secret.as_bytes());
        }
    }
}

#[test]
fn each_provider_opens_what_the_other_sealed() {
    for sealing in PROVIDERS {
        for opening in PROVIDERS {
            for enc in [ContentEncryption::A128Gcm, ContentEncryption::A256Gcm] {
                let key = vec![7; enc.key_length()];
                let sealed = sealing.seal(enc, &key, &[1; 12], b"header", b"text").unwrap();
                let open = |associated: &[u8], sealed: &[u8]| {
                    opening.open(enc, &key, &[1; 12], associated, sealed)
                };
                assert_eq!(open(b"header", &sealed), Ok(b"text".to_vec()));
                assert_eq!(open(b"headers", &sealed), Err(CryptoError::InvalidCiphertext));
                assert_eq!(open(b"header", &sealed[..15]), Err(CryptoError::InvalidCiphertext));
                assert_eq!(
                    opening.open(enc, &key[1..], &[1; 12], b"header", &sealed),
                    Err(CryptoError::InvalidKey)
                );
            }
        }
    }
}

#[test]
fn nothing_verifies_under_an_ed25519_key_that_is_off_the_curve() {
    let key = RustCrypto.generate_key(Curve::Ed25519).unwrap();
    let signature = RustCrypto.signing_key(&key).unwrap().sign(b"message").unwrap();
    // half of these y coordinates belong to no point
    for y in 2..34 {
        let mut encoding = [0; 32];
        encoding[0] = y;
        for provider in PROVIDERS {
            assert_eq!(
                provider.verify(
                    SignatureAlgorithm::EdDsa,
                    &PublicKey::Ed25519(encoding),
                    b"message",
                    &signature
                ),
                Err(CryptoError::InvalidSignature),
                "{y} with {}",
                provider.name()
            );
        }
    }
}

#[test]
fn decompresses_what_was_compressed_and_nothing_else() {
    for provider in PROVIDERS {
        for (curve, _) in CURVES {
            for _ in 0..8 {
                let key = *provider.generate_key(curve).unwrap().public();
                let whole = key.to_uncompressed();
                let compressed = match curve {
                    Curve::Ed25519 | Curve::X25519 | Curve::Bls12381G2 => whole.clone(),
                    Curve::P256 | Curve::P384 | Curve::Secp256k1 => {
                        let tag = 2 + (whole[whole.len() - 1] & 1);
                        [&[tag], &whole[1..=whole.len() / 2]].concat()
                    }
                };
                assert_eq!(provider.decompress(curve, &compressed), Ok(key));
                let short = &compressed[..compressed.len() - 1];
                assert_eq!(provider.decompress(curve, short), Err(CryptoError::InvalidKey));
                if curve != Curve::Ed25519 {
                    assert_eq!(provider.decompress(curve, &whole), Err(CryptoError::InvalidKey));
                }
            }
        }
    }
}

#[test]
fn refuses_to_agree_with_a_point_that_is_off_its_curve_or_with_another_kind_of_key() {
    for provider in PROVIDERS {
        let own = provider.generate_key(Curve::P256).unwrap();
        let nowhere = PublicKey::P256(EcPoint { x: [1; 32], y: [1; 32] });
        assert_eq!(provider.agree(&own, &nowhere).err(), Some(CryptoError::InvalidKey));
        assert_eq!(provider.agree_ephemeral(&nowhere).err(), Some(CryptoError::InvalidKey));
        for curve in [Curve::P384, Curve::Ed25519] {
            let other = provider.generate_key(curve).unwrap();
            for refusal in [
                provider.agree(&own, other.public()).err(),
                provider.agree(&other, own.public()).err(),
                provider.agree_ephemeral(other.public()).err(),
            ] {
                assert_eq!(refusal, Some(CryptoError::KeyMismatch));
            }
        }
    }
}

#[test]
fn both_providers_hash_alike() {
    for algorithm in [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512] {
        let [one, other] = PROVIDERS.map(|provider| provider.hash(algorithm, b"message"));
        assert_eq!(one, other);
        assert_eq!(one.as_bytes().len(), algorithm.length());
    }
    for key in [&b""[..], b"key", &[7; 200]] {
        let [one, other] = PROVIDERS.map(|provider| provider.hmac_sha256(key, b"message"));
        assert_eq!(one, other);
    }
    for provider in PROVIDERS {
        let key = MacKey::new([7; 32]);
        for message in [&b"message"[..], b"", &[7; 200]] {
            assert_eq!(key.code(message, provider), provider.hmac_sha256(&[7; 32], message));
        }
    }
}

#[test]
fn randomness_fills_the_whole_buffer() {
    for provider in PROVIDERS {
        let mut buffers = [[0; 64]; 2];
        for buffer in &mut buffers {
            provider.fill(buffer);
            // one in 2^64 that a half stays as it was
            assert_ne!(buffer[..8], [0; 8]);
            assert_ne!(buffer[56..], [0; 8]);
        }
        assert_ne!(buffers[0], buffers[1]);
    }
}
