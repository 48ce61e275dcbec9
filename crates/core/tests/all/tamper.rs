//! One change anywhere, and nothing verifies; rubbish anywhere, and nothing panics.

use lanyard_core::{
    crypto::{AwsLc, ContentEncryption, CryptoProvider, Curve, SignatureAlgorithm},
    did::{Did, DidDocument, DidUrl},
    jose::{EncryptionRecipient, Jwk, Slot, UnopenedJwe, UnverifiedJws},
    json::base64url,
    trust::x509::{CertificateChain, CertificatePurpose, TrustAnchors},
};
use lanyard_testkit::{LeafOptions, TestCa, test_now};
use proptest::prelude::*;

const SLOT: Slot = Slot {
    name: "test token",
    typ: &["test+jwt"],
    algorithms: SignatureAlgorithm::ALL,
    header_keys: &[],
};

/// Every token that differs from this one in one character.
pub(crate) fn changed(token: &str) -> impl Iterator<Item = String> {
    (0..token.len()).flat_map(move |at| {
        [b'A', b'B', b'.', b'='].into_iter().filter_map(move |other| {
            let mut bytes = token.as_bytes().to_vec();
            let differs = bytes[at] != other;
            bytes[at] = other;
            differs.then(|| String::from_utf8(bytes).expect("one ASCII character for another"))
        })
    })
}

#[test]
fn no_changed_jws_verifies() {
    for algorithm in SignatureAlgorithm::ALL {
        let key = AwsLc.generate_key(algorithm.curve()).unwrap();
        let alg = algorithm.name();
        let header = format!(r#"{{"alg":"{alg}","typ":"test+jwt"}}"#);
        let input = format!("{}.{}", base64url(header), base64url(r#"{"a":1}"#));
        let signature = AwsLc.signing_key(&key).unwrap().sign(input.as_bytes()).unwrap();
        let token = format!("{input}.{}", base64url(signature));
        let verifies = |token: &str| {
            UnverifiedJws::parse(token)
                .and_then(|jws| jws.verify(&SLOT, key.public(), &AwsLc))
                .is_ok()
        };
        assert!(verifies(&token));
        for changed in changed(&token) {
            assert!(!verifies(&changed), "{changed}");
        }
    }
}

#[test]
fn no_changed_jwe_opens() {
    let key = AwsLc.generate_key(Curve::P256).unwrap();
    let recipient =
        EncryptionRecipient { jwk: Jwk::new(*key.public()), enc: ContentEncryption::A128Gcm };
    let token = recipient.encrypt(b"plaintext", None, &AwsLc).unwrap();
    let opens = |token: &str| {
        UnopenedJwe::parse(token)
            .and_then(|jwe| jwe.open(&key, ContentEncryption::ALL, &AwsLc))
            .is_ok()
    };
    assert!(opens(&token));
    for changed in changed(&token) {
        assert!(!opens(&changed), "{changed}");
    }
}

#[test]
fn no_changed_certificate_verifies() {
    let root = TestCa::new("Root");
    let middle = root.intermediate("Middle", None);
    let leaf = middle.leaf(&LeafOptions::named("Signer").dns("signer.example")).chain;
    let chain = [leaf[0].clone(), middle.anchor_der().to_vec()];
    let anchors = TrustAnchors::from_der([root.anchor_der()]).unwrap();
    let verifies = |chain: &[Vec<u8>]| {
        let purpose = CertificatePurpose::CredentialSigning;
        CertificateChain::from_x5c(chain)
            .and_then(|chain| chain.verify(&anchors, purpose, test_now(), &AwsLc))
            .is_ok()
    };
    assert!(verifies(&chain));
    for certificate in 0..chain.len() {
        for at in 0..chain[certificate].len() {
            for bit in [1, 0x80] {
                let mut changed = chain.clone();
                changed[certificate][at] ^= bit;
                assert!(!verifies(&changed), "certificate {certificate}, byte {at}");
            }
        }
    }
}

proptest! {
    #[test]
    fn rubbish_is_refused_without_a_panic(
        text in any::<String>(),
        bytes in any::<Vec<u8>>(),
        parts in prop::collection::vec(any::<Vec<u8>>(), 0..7),
    ) {
        let dotted: Vec<_> = parts.iter().map(base64url).collect();
        for token in [&text, &dotted.join(".")] {
            prop_assert!(UnverifiedJws::parse(token).is_err());
            prop_assert!(UnopenedJwe::parse(token).is_err());
        }
        prop_assert!(CertificateChain::from_x5c(&parts).is_err());
        prop_assert!(TrustAnchors::from_der([&bytes]).is_err());
        let did = Did::parse("did:web:example.com").expect("a good DID");
        prop_assert!(DidDocument::parse(&did, &bytes, &AwsLc).is_err());
        for method in ["key:z", "jwk:"] {
            let name = format!("did:{method}{}", base64url(&bytes));
            prop_assert_eq!(Did::parse(&name).is_ok(), DidUrl::parse(&name).is_ok());
        }
    }

    #[test]
    fn a_certificate_cut_or_changed_is_read_without_a_panic(
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        length in any::<prop::sample::Index>(),
    ) {
        let mut der = TestCa::new("Root").anchor_der().to_vec();
        let at = at.index(der.len());
        der[at] = value;
        der.truncate(length.index(der.len()) + 1);
        let whole = CertificateChain::from_x5c(&[der.clone()]);
        prop_assert_eq!(whole.err(), CertificateChain::from_x5c(&[der]).err());
    }
}
