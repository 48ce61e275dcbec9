//! mdoc: each rule broken alone, and the exact reason.

use jiff::SignedDuration;
use lanyard_core::{
    cbor::{CborError, Item, Value},
    cose::{self, CoseError, CoseKeyError, Header, Payload},
    credential::{ExpiryRule, ValidityError, ValidityPolicy},
    crypto::{AwsLc, CryptoError, CryptoProvider as _, HashAlgorithm, SoftwareSigner},
    mdoc::{
        ExpectedDeviceAuth, ExpectedMdoc, MdocError, MdocPresentationError, NameSpace,
        verify_presentation,
    },
    trust::{IssuerError, x509::ChainError},
    verify::CheckName,
};
use lanyard_testkit::{LeafOptions, TestCa, test_now};

use crate::{
    mdoc_support::{COUNTRY, Part, World, date_time, embedded, item, moment},
    sd_jwt_support::ready,
};

// Issuer data

#[test]
fn refuses_an_element_whose_digest_is_another_one() {
    let world = World::new();
    let swapped = |forge: crate::mdoc_support::Forge<'_>| {
        // digested as it was, sent as it is not
        let other = embedded(&item(0, "family_name", "Mallory".into()).encode());
        let items = Value::map([(NameSpace::MDL, Value::Array(vec![other]))]);
        let forged = forge.set(Part::IssuerSigned, &["nameSpaces"], items);
        (forged.refusal(), forged.wallet_refusal())
    };
    assert_eq!(swapped(world.forge()), (MdocError::DigestMismatch, MdocError::DigestMismatch));
}

#[test]
fn refuses_an_element_without_a_digest() {
    let world = World::new();
    let unknown = embedded(&item(9, "family_name", "Mallory".into()).encode());
    let items = Value::map([(NameSpace::MDL, Value::Array(vec![unknown.clone()]))]);
    let forged = world.forge().set(Part::IssuerSigned, &["nameSpaces"], items);
    assert_eq!(forged.refusal(), MdocError::DigestMissing);
    assert_eq!(forged.wallet_refusal(), MdocError::DigestMissing);
    let elsewhere = Value::map([("org.example", Value::Array(vec![unknown]))]);
    let forged = world.forge().set(Part::IssuerSigned, &["nameSpaces"], elsewhere);
    assert_eq!(forged.refusal(), MdocError::DigestMissing);
}

#[test]
fn refuses_digests_that_are_shorter_than_their_algorithm() {
    let world = World::new();
    let short = Value::map([(
        NameSpace::MDL,
        Value::Map(vec![(0_u64.into(), vec![0; 6].into()), (1_u64.into(), vec![0; 6].into())]),
    )]);
    let forged = world.forge().set(Part::Mso, &["valueDigests"], short);
    assert_eq!(forged.refusal(), MdocError::ValueDigests);
    assert_eq!(forged.wallet_refusal(), MdocError::ValueDigests);
    let negative =
        Value::map([(NameSpace::MDL, Value::Map(vec![((-1_i64).into(), vec![0; 32].into())]))]);
    let forged = world.forge().set(Part::Mso, &["valueDigests"], negative);
    assert_eq!(forged.refusal(), MdocError::ValueDigests);
}

#[test]
fn the_digest_is_over_the_bytes_received_however_they_are_spelled() {
    let world = World::new();
    // the same item with the length of its byte string in eight bytes: another encoding, another digest
    let item = item(0, "family_name", "Example".into()).encode();
    let mut spelled = vec![0xd8, 24, 0x5b];
    spelled.extend((item.len() as u64).to_be_bytes());
    spelled.extend(&item);
    let sent = Value::map([(NameSpace::MDL, Value::Array(vec![Value::Encoded(spelled.clone())]))]);
    let forged = world.forge().set(Part::IssuerSigned, &["nameSpaces"], sent.clone());
    assert_eq!(forged.refusal(), MdocError::DigestMismatch);
    let digest = AwsLc.hash(HashAlgorithm::Sha256, &spelled);
    let digests = Value::Map(vec![(0_u64.into(), digest.as_bytes().into())]);
    let digests = Value::map([(NameSpace::MDL, digests)]);
    let signed = world.forge().set(Part::Mso, &["valueDigests"], digests);
    let signed = signed.set(Part::IssuerSigned, &["nameSpaces"], sent);
    assert!(world.verify(&signed.present()).is_ok());
}

#[test]
fn refuses_elements_and_digest_identifiers_that_are_there_twice() {
    let world = World::new();
    let twice = world.forge().item(item(7, "family_name", "Mallory".into()));
    assert_eq!(twice.refusal(), MdocError::ElementRepeated);
    let other = item(0, "given_name", "Ada".into());
    let items = vec![
        embedded(&item(0, "family_name", "Example".into()).encode()),
        embedded(&other.encode()),
    ];
    let items = Value::map([(NameSpace::MDL, Value::Array(items))]);
    let forged = world.forge().set(Part::IssuerSigned, &["nameSpaces"], items);
    assert_eq!(forged.refusal(), MdocError::DigestIdRepeated);
}

#[test]
fn refuses_a_random_that_is_too_short() {
    let world = World::new();
    let short = Value::map([
        ("digestID", 5_u64.into()),
        ("random", vec![1; 15].into()),
        ("elementIdentifier", "given_name".into()),
        ("elementValue", "Ada".into()),
    ]);
    assert_eq!(world.forge().item(short).refusal(), MdocError::RandomTooShort);
}

#[test]
fn refuses_elements_that_have_not_the_form() {
    let world = World::new();
    for malformed in [
        Value::map([("digestID", 5_u64.into()), ("random", vec![1; 16].into())]),
        item(5, "", "x".into()),
        item(5, "a b", "x".into()),
        Value::Array(Vec::new()),
        Value::from("text"),
        Value::map([
            ("digestID", "5".into()),
            ("random", vec![1; 16].into()),
            ("elementIdentifier", "a".into()),
            ("elementValue", 1_u64.into()),
        ]),
        Value::map([
            ("digestID", 5_u64.into()),
            ("random", "sixteen bytes as text".into()),
            ("elementIdentifier", "a".into()),
            ("elementValue", 1_u64.into()),
        ]),
    ] {
        let mut forged = world.forge();
        forged.items = vec![malformed];
        assert_eq!(forged.refusal(), MdocError::Element);
    }
    // not behind tag 24 at all
    let bare = Value::Array(vec![item(0, "family_name", "Example".into())]);
    let forged = world.forge().set(
        Part::IssuerSigned,
        &["nameSpaces"],
        Value::map([(NameSpace::MDL, bare)]),
    );
    assert_eq!(forged.refusal(), MdocError::Element);
    // something after the item inside the byte string
    let mut trailing = item(0, "family_name", "Example".into()).encode();
    trailing.push(0);
    let items = Value::Array(vec![embedded(&trailing)]);
    let forged = world.forge().set(
        Part::IssuerSigned,
        &["nameSpaces"],
        Value::map([(NameSpace::MDL, items)]),
    );
    assert_eq!(forged.refusal(), CborError::TrailingBytes.into());
}

#[test]
fn refuses_namespaces_that_have_not_the_form() {
    let world = World::new();
    for malformed in [
        Value::Array(Vec::new()),
        Value::map([(NameSpace::MDL, Value::Array(Vec::new()))]),
        Value::map([(NameSpace::MDL, Value::Map(Vec::new()))]),
        Value::Map(vec![(1_u64.into(), Value::Array(vec![1_u64.into()]))]),
    ] {
        let forged = world.forge().set(Part::IssuerSigned, &["nameSpaces"], malformed);
        assert_eq!(forged.refusal(), MdocError::NameSpace);
    }
}

#[test]
fn refuses_an_issuer_signature_over_anything_else() {
    let world = World::new();
    let other = World::new();
    let item_of = |world: &World| {
        let issued = world.forge().issue();
        Item::parse(&issued).unwrap().get("issuerAuth").unwrap().encoded().to_vec()
    };
    // the signer of another issuer, whose authority has the name of ours and not its key
    let foreign = Value::Encoded(item_of(&other));
    let forged = world.forge().set(Part::IssuerSigned, &["issuerAuth"], foreign);
    let refused = world.verify(&forged.present()).unwrap_err();
    assert_eq!(refused.code(), "issuer_certificate_refused");
    assert_eq!(refused.check(), CheckName::IssuerTrusted);
    // the good certificate and the good MSO beside a signature of another key
    let issued = world.forge().issue();
    let issued = Item::parse(&issued).unwrap();
    let payload = issued.get("issuerAuth").unwrap().as_array().unwrap()[2].as_bytes().unwrap();
    let header = Header::new().with_x5chain(&world.leaf.chain);
    let signed = cose::sign1(Header::new(), header, Payload::Attached(payload), b"", &other.issuer);
    let forged = world.forge().set(
        Part::IssuerSigned,
        &["issuerAuth"],
        Value::Encoded(ready(signed).unwrap()),
    );
    let invalid = CoseError::Signature(CryptoError::InvalidSignature);
    assert_eq!(forged.refusal(), MdocError::IssuerSignature(invalid));
}

#[test]
fn refuses_an_issuer_auth_that_has_a_tag_or_no_algorithm_or_an_unknown_critical_parameter() {
    let world = World::new();
    let issued = world.forge().issue();
    let issuer_auth = Item::parse(&issued).unwrap();
    let issuer_auth = issuer_auth.get("issuerAuth").unwrap();
    let tagged = cose::tagged_sign1(issuer_auth.encoded());
    let refusal = |issuer_auth: Vec<u8>| {
        let value = Value::Encoded(issuer_auth);
        world.forge().set(Part::IssuerSigned, &["issuerAuth"], value).refusal()
    };
    assert_eq!(refusal(tagged), MdocError::IssuerAuth(CoseError::Malformed));
    let parts = issuer_auth.as_array().unwrap();
    let with_protected = |protected: &[u8]| {
        Value::Array(vec![
            protected.into(),
            Value::Encoded(parts[1].encoded().to_vec()),
            Value::Encoded(parts[2].encoded().to_vec()),
            Value::Encoded(parts[3].encoded().to_vec()),
        ])
        .encode()
    };
    assert_eq!(
        refusal(with_protected(b"")),
        MdocError::IssuerSignature(CoseError::AlgorithmNotProtected)
    );
    // {1: -7, 2: [99], 99: 0}
    let critical = [0xa3, 1, 0x26, 2, 0x81, 0x18, 99, 0x18, 99, 0];
    assert_eq!(
        refusal(with_protected(&critical)),
        MdocError::IssuerAuth(CoseError::CriticalUnknown)
    );
    // ES384 with the signer's P-256 key
    let es384 = [0xa1, 1, 0x38, 0x22];
    let mismatch = CoseError::Signature(CryptoError::KeyMismatch);
    assert_eq!(refusal(with_protected(&es384)), MdocError::IssuerSignature(mismatch));
}

#[test]
fn refuses_an_mso_that_has_not_the_form() {
    let world = World::new();
    let refusal = |path: &[&str], value: Option<Value>| {
        let path = path.iter().map(|key| (*key).into()).collect();
        world.forge().edit(Part::Mso, path, value).refusal()
    };
    assert_eq!(refusal(&["version"], Some("1.1".into())), MdocError::MsoVersion);
    assert_eq!(refusal(&["version"], None), MdocError::MsoVersion);
    for weak in ["SHA-1", "sha-256", "MD5"] {
        assert_eq!(refusal(&["digestAlgorithm"], Some(weak.into())), MdocError::DigestAlgorithm);
    }
    assert_eq!(refusal(&["docType"], None), MdocError::Mso);
    assert_eq!(refusal(&["docType"], Some(vec![1_u8].into())), MdocError::Mso);
    assert_eq!(refusal(&["valueDigests"], None), MdocError::ValueDigests);
    let missing = MdocError::DeviceKey(CoseKeyError::Malformed);
    assert_eq!(refusal(&["deviceKeyInfo"], None), missing);
    assert_eq!(refusal(&["deviceKeyInfo", "deviceKey"], None), missing);
    let symmetric = Value::Map(vec![(1_u64.into(), 4_u64.into())]);
    assert_eq!(
        refusal(&["deviceKeyInfo", "deviceKey"], Some(symmetric)),
        MdocError::DeviceKey(CoseKeyError::PrivateKey)
    );
    for malformed in [
        Value::Array(Vec::new()),
        Value::map([("nameSpaces", "org.example".into())]),
        Value::map([("dataElements", Value::map([("org.example", 1_u64.into())]))]),
    ] {
        assert_eq!(
            refusal(&["deviceKeyInfo", "keyAuthorizations"], Some(malformed)),
            MdocError::KeyAuthorizations
        );
    }
    for malformed in [
        Value::from("revoked"),
        Value::map([("status_list", Value::map([("idx", (-1_i64).into()), ("uri", "u".into())]))]),
    ] {
        assert_eq!(refusal(&["status"], Some(malformed)), MdocError::Status);
    }
}

#[test]
fn refuses_times_that_are_not_in_order_or_not_of_the_one_spelling() {
    let world = World::new();
    let refusal = |name: &str, value: Option<Value>| {
        world.forge().edit(Part::Mso, vec!["validityInfo".into(), name.into()], value).refusal()
    };
    for name in ["signed", "validFrom", "validUntil"] {
        assert_eq!(refusal(name, None), MdocError::ValidityInfo, "{name}");
        for other in [
            date_time("2026-03-01T00:00:00.5Z"),
            date_time("2026-03-01T00:00:00+00:00"),
            date_time("2026-12-31T23:59:60Z"),
            date_time(&"2026-03-01T00:00:00Z".repeat(10)),
            Value::from("2026-03-01T00:00:00Z"),
            Value::full_date("2026-03-01"),
        ] {
            assert_eq!(refusal(name, Some(other)), MdocError::ValidityInfo, "{name}");
        }
    }
    // signed after it ends, and valid before it was signed
    assert_eq!(refusal("signed", Some(moment(test_now(), 90_000))), MdocError::ValidityInfo);
    assert_eq!(refusal("validFrom", Some(moment(test_now(), -3601))), MdocError::ValidityInfo);
    assert_eq!(refusal("validUntil", Some(moment(test_now(), -3600))), MdocError::ValidityInfo);
    let update = world.forge().set(Part::Mso, &["validityInfo", "expectedUpdate"], "soon");
    assert_eq!(update.refusal(), MdocError::ValidityInfo);
    // tag 0 over something that is no text is no CBOR that anybody could agree on
    let number = Value::Tag(0, Box::new(1_u64.into()));
    assert_eq!(refusal("signed", Some(number)), CborError::TagContent.into());
}

#[test]
fn refuses_what_is_not_valid_now_at_the_verifier_and_in_the_wallet() {
    let world = World::new();
    let times = |from: i64, until: i64| {
        world
            .forge()
            .set(Part::Mso, &["validityInfo", "signed"], moment(test_now(), from.min(-7200)))
            .set(Part::Mso, &["validityInfo", "validFrom"], moment(test_now(), from))
            .set(Part::Mso, &["validityInfo", "validUntil"], moment(test_now(), until))
    };
    let expired = times(-7200, -61);
    assert_eq!(expired.refusal(), MdocError::Validity(ValidityError::Expired));
    assert_eq!(expired.wallet_refusal(), MdocError::Validity(ValidityError::Expired));
    let future = times(61, 7200);
    assert_eq!(future.refusal(), MdocError::Validity(ValidityError::NotYetValid));
    assert_eq!(future.wallet_refusal(), MdocError::Validity(ValidityError::NotYetValid));
    // a minute of leeway either way, and a verifier that wants an end is content: there always is one
    assert!(world.verify(&times(60, 7200).present()).is_ok());
    assert!(world.verify(&times(-7200, -59).present()).is_ok());
    let [keys, _] = world.keys();
    let expected = ExpectedMdoc {
        doc_type: None,
        device_auth: ExpectedDeviceAuth { transcript: &world.transcript, reader_key: None },
        validity: ValidityPolicy { expiry: ExpiryRule::Required, ..Default::default() },
        now: test_now(),
    };
    assert!(ready(verify_presentation(&world.forge().present(), &expected, &keys)).is_ok());
}

#[test]
fn refuses_an_mso_signed_outside_the_validity_of_its_signers_certificate() {
    let world = World::new();
    // the test certificates are valid from 2025
    let early = date_time("2024-12-31T23:59:59Z");
    let forged = world.forge().set(Part::Mso, &["validityInfo", "signed"], early);
    assert_eq!(forged.refusal(), MdocError::SignedOutsideCertificate);
    assert_eq!(forged.wallet_refusal(), MdocError::SignedOutsideCertificate);
}

#[test]
fn refuses_an_issuing_country_that_is_not_the_signers() {
    let world = World::new();
    let mut forged = world.forge();
    for other in ["XX".into(), Value::Null] {
        forged.items = vec![item(0, "issuing_country", other)];
        assert_eq!(forged.refusal(), MdocError::IssuingCountry);
    }
}

#[test]
fn refuses_an_issuing_jurisdiction_that_is_not_the_signers() {
    let world = World::new();
    // the signer's certificate names no state, so it contradicts none
    let mut forged = world.forge();
    forged.items = vec![item(0, "issuing_jurisdiction", "UT-1".into())];
    assert!(world.verify(&forged.present()).is_ok());
    let state = |text: &str| LeafOptions {
        state: Some(text.to_owned()),
        ..LeafOptions::mdoc_signer("Utopia DS", COUNTRY)
    };
    let leaf = world.iaca().leaf(&state("UT-2"));
    let issuer = SoftwareSigner::new(&AwsLc, &leaf.key).unwrap();
    let world = World { leaf, issuer, ..world };
    let mut forged = world.forge();
    forged.items = vec![item(0, "issuing_jurisdiction", "UT-1".into())];
    assert_eq!(forged.refusal(), MdocError::IssuingJurisdiction);
    forged.items = vec![item(0, "issuing_jurisdiction", "UT-2".into())];
    assert!(world.verify(&forged.present()).is_ok());
}

// The signer's certificate

fn chain_refusal(world: &World, chain: Vec<Vec<u8>>) -> IssuerError {
    let mut forged = world.forge();
    forged.chain = chain;
    match world.verify(&forged.present()) {
        Err(MdocPresentationError::Issuer(error)) => error,
        other => unreachable!("the issuer should be refused, and not {other:?}"),
    }
}

#[test]
fn refuses_certificates_that_are_not_those_of_a_document_signer() {
    let world = World::new();
    let signer = || LeafOptions::mdoc_signer("Utopia DS", COUNTRY);
    let refusal = |options: LeafOptions| chain_refusal(&world, world.iaca().leaf(&options).chain);
    assert_eq!(
        refusal(LeafOptions { usages: Vec::new(), ..signer() }),
        IssuerError::Chain(ChainError::WrongPurpose)
    );
    let tls = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    assert_eq!(
        refusal(LeafOptions { usages: tls, ..signer() }),
        IssuerError::Chain(ChainError::WrongPurpose)
    );
    assert_eq!(
        refusal(LeafOptions { is_ca: true, ..signer() }),
        IssuerError::Chain(ChainError::LeafIsAuthority)
    );
    assert_eq!(
        refusal(LeafOptions::mdoc_signer("Elsewhere DS", "XX")),
        IssuerError::Chain(ChainError::Jurisdiction)
    );
    let (from, _) = signer().validity;
    assert_eq!(
        refusal(LeafOptions {
            validity: (from, test_now() - SignedDuration::from_secs(1)),
            ..signer()
        })
        .code(),
        "issuer_certificate_refused"
    );
}

#[test]
fn refuses_chains_that_do_not_lead_to_the_authority() {
    let world = World::new();
    let own = world.leaf.chain.clone();
    assert_eq!(chain_refusal(&world, Vec::new()), IssuerError::NotTrusted);
    let self_signed = TestCa::self_signed_leaf(&LeafOptions::mdoc_signer("Utopia DS", COUNTRY));
    assert_eq!(
        chain_refusal(&world, self_signed.chain),
        IssuerError::Chain(ChainError::LeafSelfSigned)
    );
    let with_anchor = vec![own[0].clone(), world.iaca().anchor_der().to_vec()];
    assert_eq!(chain_refusal(&world, with_anchor), IssuerError::Chain(ChainError::AnchorInChain));
    let reversed = vec![world.iaca().anchor_der().to_vec(), own[0].clone()];
    assert!(matches!(chain_refusal(&world, reversed), IssuerError::Chain(_)));
    let hundred = vec![own[0].clone(); 100];
    assert_eq!(chain_refusal(&world, hundred), IssuerError::Chain(ChainError::Length));
    let stranger = TestCa::iaca("Other IACA", COUNTRY);
    let foreign = stranger.leaf(&LeafOptions::mdoc_signer("Utopia DS", COUNTRY));
    assert_eq!(chain_refusal(&world, foreign.chain), IssuerError::Chain(ChainError::Untrusted));
    // ISO/IEC 18013-5 Annex B.1.2: the root's path length is 0, so nothing stands between
    let middle = world.iaca().intermediate("Middle", None);
    let leaf = middle.leaf(&LeafOptions::mdoc_signer("Utopia DS", COUNTRY));
    let chain = vec![leaf.chain[0].clone(), middle.anchor_der().to_vec()];
    assert_eq!(chain_refusal(&world, chain), IssuerError::Chain(ChainError::PathLength));
}
