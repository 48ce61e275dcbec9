//! The fixtures of the draft (draft-irtf-cfrg-bbs-signatures, Appendix D.2: BLS12-381-SHA-256), and what a
//! received signature or proof must not be.

use std::{collections::VecDeque, sync::Mutex};

use super::{
    BbsSecretKey, Revealed, derive,
    generators::Generators,
    hash::{expand_message, messages_to_scalars},
    scalar::Scalar,
    sign,
    signature::verify,
    verify_proof,
};
use crate::crypto::{CryptoError, PublicKey, Random, RustCrypto};

const SECRET: &str = "60e55110f76883a13d030b2f6bd11883422d5abde717569fc0731f51237169fc";
const PUBLIC: &str = "a820f230f6ae38503b86c70dc50b61c58a77e45c39ab25c0652bbaa8fa136f2851bd4781c9dcde39fc9d1d52c9e60268061e7d7632171d91aa8d460acee0e96f1e7c4cfb12d3ff9ab5d5dc91c277db75c845d649ef3c4f63aebc364cd55ded0c";
const HEADER: &str = "11223344556677889900aabbccddeeff";
/// Appendix D.2.2: ten messages, each shorter than the one before the last.
const DRAFT_MESSAGES: [&str; 10] = [
    "9872ad089e452c7b6e283dfac2a80d58e8d0ff71cc4d5e310a1debdda4a45f02",
    "c344136d9ab02da4dd5908bbba913ae6f58c2cc844b802a6f811f5fb075f9b80",
    "7372e9daa5ed31e6cd5c825eac1b855e84476a1d94932aa348e07b73",
    "77fe97eb97a1ebe2e81e4e3597a3ee740a66e9ef2412472c",
    "496694774c5604ab1b2544eababcf0f53278ff50",
    "515ae153e22aae04ad16f759e07237b4",
    "d183ddc6e2665aa4e2f088af",
    "ac55fb33a75909ed",
    "96012096",
    "",
];
const OF_ONE: &str = "84773160b824e194073a57493dac1a20b667af70cd2352d8af241c77658da5253aa8458317cca0eae615690d55b1f27164657dcafee1d5c1973947aa70e2cfbb4c892340be5969920d0916067b4565a0";
const OF_ALL: &str = "8339b285a4acd89dec7777c09543a43e3cc60684b0a6f8ab335da4825c96e1463e28f8c5f4fd0641d19cec5920d3a8ff4bedb6c9691454597bbd298288abed3632078557b2ace7d44caed846e1a0a1e8";
const WITHOUT_A_HEADER: &str = "8c87e2080859a97299c148427cd2fcf390d24bea850103a9748879039262ecf4f42206f6ef767f298b6a96b424c1e86c26f8fba62212d0e05b95261c2cc0e5fdc63a32731347e810fd12e9c58355aa0d";
const PRESENTATION_HEADER: &str =
    "bed231d880675ed101ead304512e043ade9958dd0241ea70b4b3957fba941501";
const PROOF_OF_ONE: &str = "94916292a7a6bade28456c601d3af33fcf39278d6594b467e128a3f83686a104ef2b2fcf72df0215eeaf69262ffe8194a19fab31a82ddbe06908985abc4c9825788b8a1610942d12b7f5debbea8985296361206dbace7af0cc834c80f33e0aadaeea5597befbb651827b5eed5a66f1a959bb46cfd5ca1a817a14475960f69b32c54db7587b5ee3ab665fbd37b506830a49f21d592f5e634f47cee05a025a2f8f94e73a6c15f02301d1178a92873b6e8634bafe4983c3e15a663d64080678dbf29417519b78af042be2b3e1c4d08b8d520ffab008cbaaca5671a15b22c239b38e940cfeaa5e72104576a9ec4a6fad78c532381aeaa6fb56409cef56ee5c140d455feeb04426193c57086c9b6d397d9418";

fn hex(text: &str) -> Vec<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).expect("a digit") as u8;
    text.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

fn key() -> BbsSecretKey {
    BbsSecretKey::from_bytes(&hex(SECRET)).expect("it is a scalar")
}

fn public() -> [u8; 96] {
    hex(PUBLIC).try_into().expect("96 bytes")
}

fn draft_messages() -> Vec<Vec<u8>> {
    DRAFT_MESSAGES.iter().map(|message| hex(message)).collect()
}

#[test]
fn messages_and_generators_are_those_of_the_draft() {
    let scalars = messages_to_scalars(&draft_messages(), &RustCrypto);
    let first = "1cb5bb86114b34dc438a911617655a1db595abafac92f47c5001799cf624b430";
    let last = "08e3afeb2b4f2b5f907924ef42856616e6f2d5f1fb373736db1cca32707a7d16";
    assert_eq!(scalars[0].encode().to_vec(), hex(first));
    assert_eq!(scalars[9].encode().to_vec(), hex(last));
    let generators = Generators::new(10, &RustCrypto);
    let domain = "a9ec65b70a7fbe40c874c9eb041c2cb0a7af36ccec1bea48fa2ba4c2eb67ef7f9ecb17ed27d38d27cdeddff44c8137be";
    let first = "98cd5313283aaf5db1b3ba8611fe6070d19e605de4078c38df36019fbaad0bd28dd090fd24ed27f7f4d22d5ff5dea7d4";
    let last = "a1f229540474f4d6f1134761b92b788128c7ac8dc9b0c52d59493132679673032ac7db3fb3d79b46b13c1c41ee495bca";
    assert_eq!(generators.domain.encode().to_vec(), hex(domain));
    assert_eq!(generators.messages[0].encode().to_vec(), hex(first));
    assert_eq!(generators.messages[9].encode().to_vec(), hex(last));
}

#[test]
fn the_key_and_the_signatures_are_those_of_the_draft() {
    assert_eq!(key().public_key(), PublicKey::Bls12381G2(public()));
    let (all, header) = (draft_messages(), hex(HEADER));
    for (messages, header, expected) in [
        (&all[..1], &header[..], OF_ONE),
        (&all[..], &header[..], OF_ALL),
        (&all[..], &[], WITHOUT_A_HEADER),
    ] {
        let signature = sign(&key(), header, messages, &RustCrypto).unwrap();
        assert_eq!(signature, hex(expected));
        assert_eq!(verify(&public(), &signature, header, messages, &RustCrypto), Ok(()));
    }
}

#[test]
fn a_signature_of_anything_else_does_not_verify() {
    let (all, header) = (draft_messages(), hex(HEADER));
    let refused = |header: &[u8], messages: &[Vec<u8>]| {
        let verified = verify(&public(), &hex(OF_ALL), header, messages, &RustCrypto);
        assert_eq!(verified, Err(CryptoError::InvalidSignature));
    };
    refused(&header, &all[..9]);
    refused(&header, &[&all[..], &all[..1]].concat());
    refused(&header, &all.iter().rev().cloned().collect::<Vec<_>>());
    refused(&[], &all);
    refused(&hex("ffeeddccbbaa00998877665544332211"), &all);
}

/// The random scalars of the draft (Mocked Random Scalars), before they are reduced.
struct Mocked(Mutex<VecDeque<u8>>);

impl Random for Mocked {
    fn fill(&self, buffer: &mut [u8]) {
        let mut bytes = self.0.lock().expect("nobody panicked");
        buffer.fill_with(|| bytes.pop_front().expect("no more than there are"));
    }
}

#[test]
fn the_proof_is_that_of_the_draft() {
    let seed = hex("332e313431353932363533353839373933323338343632363433333833323739");
    let tag = super::tag(b"MOCK_RANDOM_SCALARS_DST_");
    let random = Mocked(Mutex::new(expand_message(&seed, &tag, 5 * 48, &RustCrypto).into()));
    let (public, header, presentation_header) = (public(), hex(HEADER), hex(PRESENTATION_HEADER));
    let revealed = Revealed {
        public: &public,
        header: &header,
        presentation_header: &presentation_header,
        indexes: &[0],
    };
    let messages = &draft_messages()[..1];
    let proof = derive(&revealed, &hex(OF_ONE), messages, &random, &RustCrypto).unwrap();
    assert_eq!(proof, hex(PROOF_OF_ONE));
    assert_eq!(verify_proof(&revealed, &proof, messages, &RustCrypto), Ok(()));
}

const MESSAGES: [&str; 5] = ["one", "two", "three", "four", ""];

fn signed() -> Vec<u8> {
    sign(&key(), b"header", &MESSAGES, &RustCrypto).expect("it is signed")
}

fn revealed<'r>(public: &'r [u8; 96], indexes: &'r [usize]) -> Revealed<'r> {
    Revealed { public, header: b"header", presentation_header: b"verifier", indexes }
}

#[test]
fn a_proof_shows_any_of_the_messages_and_no_two_are_alike() {
    let public = public();
    for indexes in [&[][..], &[0], &[1, 3], &[4], &[0, 1, 2, 3, 4]] {
        let revealed = revealed(&public, indexes);
        let shown: Vec<_> = indexes.iter().map(|at| MESSAGES[*at]).collect();
        let derive = || derive(&revealed, &signed(), &MESSAGES, &RustCrypto, &RustCrypto).unwrap();
        let (one, other) = (derive(), derive());
        assert_ne!(one, other);
        assert_eq!(verify_proof(&revealed, &one, &shown, &RustCrypto), Ok(()), "{indexes:?}");
        assert_eq!(verify_proof(&revealed, &other, &shown, &RustCrypto), Ok(()));
    }
}

#[test]
fn a_proof_of_anything_else_does_not_verify() {
    let public = public();
    let good = revealed(&public, &[1, 3]);
    let proof = derive(&good, &signed(), &MESSAGES, &RustCrypto, &RustCrypto).unwrap();
    let shown = ["two", "four"];
    let refused = |revealed: &Revealed<'_>, proof: &[u8], shown: &[&str]| {
        let verified = verify_proof(revealed, proof, shown, &RustCrypto);
        assert_eq!(verified, Err(CryptoError::InvalidSignature));
    };
    assert_eq!(verify_proof(&good, &proof, &shown, &RustCrypto), Ok(()));
    refused(&good, &proof, &["two", "five"]);
    refused(&good, &proof, &["four", "two"]);
    refused(&good, &proof, &["two"]);
    refused(&good, &proof, &["two", "four", "one"]);
    refused(&Revealed { header: b"another", ..good }, &proof, &shown);
    refused(&Revealed { presentation_header: b"another", ..good }, &proof, &shown);
    for indexes in [&[1, 2][..], &[3, 1], &[1, 1], &[1], &[1, 5], &[1, usize::MAX]] {
        refused(&Revealed { indexes, ..good }, &proof, &shown);
    }
    let stranger = BbsSecretKey::generate(&RustCrypto);
    let PublicKey::Bls12381G2(stranger) = stranger.public_key() else { unreachable!("it is") };
    refused(&Revealed { public: &stranger, ..good }, &proof, &shown);
    // a message that is not shown is one more or one less to whoever cuts or adds a scalar
    refused(&good, &proof[..proof.len() - Scalar::LENGTH], &shown);
    refused(&good, &[&proof[..], &[1; Scalar::LENGTH]].concat(), &shown);
    refused(&good, &[], &shown);
}

#[test]
fn no_byte_of_a_signature_or_a_proof_can_be_changed() {
    let public = public();
    let signature = signed();
    for at in 0..signature.len() {
        let mut changed = signature.clone();
        changed[at] ^= 1;
        let verified = verify(&public, &changed, b"header", &MESSAGES, &RustCrypto);
        assert_eq!(verified, Err(CryptoError::InvalidSignature), "byte {at}");
    }
    let revealed = revealed(&public, &[0, 2]);
    let proof = derive(&revealed, &signature, &MESSAGES, &RustCrypto, &RustCrypto).unwrap();
    for at in 0..proof.len() {
        let mut changed = proof.clone();
        changed[at] ^= 1;
        let verified = verify_proof(&revealed, &changed, &["one", "three"], &RustCrypto);
        assert_eq!(verified, Err(CryptoError::InvalidSignature), "byte {at}");
    }
}

#[test]
fn a_point_at_infinity_or_outside_the_subgroup_is_no_key_and_in_no_proof() {
    let mut infinity = [0; 96];
    infinity[0] = 0xc0;
    let revealed = revealed(&infinity, &[]);
    let none: [&str; 0] = [];
    let verified = verify_proof(&revealed, &[0; 272], &none, &RustCrypto);
    assert_eq!(verified, Err(CryptoError::InvalidKey));
    assert!(!super::is_public_key(&infinity));
    let public = public();
    assert!(super::is_public_key(&public));
    let mut off = public;
    off[0] ^= 0x20;
    // the other y is a point of the subgroup all the same, another key
    assert!(super::is_public_key(&off));
    off[95] ^= 1;
    assert!(!super::is_public_key(&off));
    let good = super::proof::Revealed { public: &public, ..revealed };
    let proof = derive(&good, &signed(), &MESSAGES, &RustCrypto, &RustCrypto).unwrap();
    // x = 4 is on the curve and in no subgroup of ours
    let mut small = [0; 48];
    (small[0], small[47]) = (0x80, 4);
    for point in [&infinity[..48], &small] {
        for place in 0..3 {
            let mut changed = proof.clone();
            changed[place * 48..][..48].copy_from_slice(point);
            let verified = verify_proof(&good, &changed, &none, &RustCrypto);
            assert_eq!(verified, Err(CryptoError::InvalidSignature));
        }
    }
}

#[test]
fn a_secret_key_is_a_reduced_scalar_that_is_not_zero() {
    assert!(BbsSecretKey::from_bytes(&[0; 32]).is_none());
    assert!(BbsSecretKey::from_bytes(&[0xff; 32]).is_none());
    assert!(BbsSecretKey::from_bytes(&[1; 31]).is_none());
    assert!(BbsSecretKey::from_bytes(&[1; 32]).is_some());
}
