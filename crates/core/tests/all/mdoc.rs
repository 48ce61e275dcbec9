//! mdoc: issuance, holding, presentation and verification of what is good.

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    cbor::{Item, Value},
    claims::{ClaimsPath, PathSegment},
    cose,
    credential::Validity,
    crypto::{AwsLc, CryptoProvider as _, Curve, HashAlgorithm, Signer as _, SoftwareSigner},
    json,
    mdoc::{
        DeviceAuthMethod, DeviceProof, ElementIdentifier, ElementName, ElementType,
        IssuerNameSpaces, KeyAuthorizations, MdocDraft, MdocDraftError, MdocError,
        MdocPresentError, MdocPresentationError, NameSpace, UnverifiedMdoc,
    },
    status::{StatusListUri, StatusReference},
    verify::CheckName,
};
use lanyard_testkit::{LeafOptions, test_now};
use serde_json::json;

use crate::{
    mdoc_support::{
        COUNTRY, Forge, Part, World, date_time, embedded, item, licence, mdl, moment, name,
        transcript, validity,
    },
    sd_jwt_support::{PROVIDERS, ready},
};

// The circle

#[test]
fn what_was_issued_is_held_and_what_is_presented_is_verified() {
    for curve in [Curve::P256, Curve::P384, Curve::Ed25519] {
        let world = World::with_device_on(curve);
        let held = world.hold(&world.issue()).unwrap();
        assert_eq!(held.doc_type(), &mdl());
        assert_eq!(held.device_key(), world.device_key.public());
        assert_eq!(held.validity(), &validity());
        let response = world.present(&held, &[name("birth_date"), name("portrait")]);
        let verified = world.verify(&response).unwrap();
        assert_eq!(verified.doc_type(), &mdl());
        assert_eq!(verified.issuer().name(), "Utopia DS");
        assert_eq!(verified.device_key(), world.device_key.public());
        assert!(matches!(verified.device_auth(), DeviceAuthMethod::Signature(_)));
        assert_eq!(
            verified.claims().as_value(),
            &json!({NameSpace::MDL: {"birth_date": "1990-12-10", "portrait": json::base64url([7; 40])}})
        );
        assert_eq!(verified.device_claims().as_value(), &json!({}));
        assert_eq!(
            verified.disclosed(),
            [name("birth_date").to_claims_path(), name("portrait").to_claims_path()]
        );
        assert_eq!(verified.element(&name("family_name")), None);
        assert_eq!(verified.validity(), &validity());
        assert_eq!(verified.status(), None);
    }
}

#[test]
fn a_forger_who_changes_nothing_is_believed() {
    // so that every refusal below is for the one thing that was changed
    let world = World::new();
    assert!(world.verify(&world.forge().present()).is_ok());
    assert!(world.hold(&world.forge().issue()).is_ok());
}

#[test]
fn a_mac_proves_the_devices_key_to_the_reader_who_agreed_on_it() {
    let world = World::new();
    let held = world.hold(&world.issue()).unwrap();
    let reader = AwsLc.generate_key(Curve::P256).unwrap();
    for provider in PROVIDERS {
        let secret = provider.agree(&world.device_key, reader.public()).unwrap();
        let proof = DeviceProof::Mac(&secret);
        let disclose = [name("given_name")];
        let response = ready(held.present(&disclose, &world.transcript, proof, provider)).unwrap();
        let response = response.to_base64url();
        let verified = world.verify_as(&response, &world.transcript, Some(&reader)).unwrap();
        assert_eq!(verified.device_auth(), DeviceAuthMethod::Mac);
        let refused = world.verify(&response).unwrap_err();
        assert_eq!(refused, MdocPresentationError::Mdoc(MdocError::NoReaderKey));
        let stranger = AwsLc.generate_key(Curve::P256).unwrap();
        let refused = world.verify_as(&response, &world.transcript, Some(&stranger)).unwrap_err();
        assert_eq!(refused.code(), "device_mac_invalid");
    }
}

/// A world whose document signer has a certificate that is valid from and until these moments.
fn world_certified(from: Timestamp, until: Timestamp) -> World {
    let mut world = World::new();
    let validity = (from, until);
    let options = LeafOptions { validity, ..LeafOptions::mdoc_signer("Utopia DS", COUNTRY) };
    world.leaf = world.iaca().leaf(&options);
    world.issuer = SoftwareSigner::new(&AwsLc, &world.leaf.key).expect("a key signs");
    world
}

#[test]
fn an_mdoc_of_the_day_on_which_its_signer_is_certified_begins_with_the_certificate() {
    let now = test_now();
    let world = world_certified(now, now + SignedDuration::from_hours(24 * 30));
    assert!(validity().issued_at.unwrap() < now, "the day began before");
    let early = world.hold(&world.issue_draft(world.draft())).unwrap_err();
    assert_eq!(early.code(), "mso_signed_outside_certificate");
    let draft = world.draft().under(&world.leaf.chain[0], now).unwrap();
    let held = world.hold(&world.issue_draft(draft)).unwrap();
    assert_eq!((held.validity().issued_at, held.validity().not_before), (Some(now), Some(now)));
    assert!(world.verify(&world.present(&held, &[name("given_name")])).is_ok());
    // what began after the certificate stays as it is rounded
    let world = World::new();
    let draft = world.draft().under(&world.leaf.chain[0], now).unwrap();
    let held = world.hold(&world.issue_draft(draft)).unwrap();
    assert_eq!(held.validity(), &validity());
}

#[test]
fn an_mdoc_is_not_signed_while_its_signers_certificate_is_not_valid() {
    let (now, second) = (test_now(), SignedDuration::from_secs(1));
    let year = SignedDuration::from_hours(24 * 365);
    for (from, until, good) in [
        (now - year, now, true),
        (now - year, now - second, false),
        (now, now + year, true),
        (now + second, now + year, false),
    ] {
        let world = world_certified(from, until);
        let draft = world.draft().under(&world.leaf.chain[0], now);
        assert_eq!(draft.err(), (!good).then_some(MdocDraftError::Certificate));
    }
    let world = World::new();
    let unreadable = world.draft().under(b"no certificate", now).err();
    assert_eq!(unreadable, Some(MdocDraftError::Certificate));
    let ending = Validity { expires_at: Some(now), ..validity() };
    let draft = MdocDraft::new(&mdl(), licence(), world.device.public_key(), &ending).unwrap();
    let world = world_certified(now, now + year);
    assert_eq!(
        draft.under(&world.leaf.chain[0], now).err(),
        Some(MdocDraftError::NeverValid),
        "it would end where the certificate begins"
    );
}

#[test]
fn an_mdoc_may_be_presented_without_any_element() {
    let world = World::new();
    let held = world.hold(&world.issue()).unwrap();
    let verified = world.verify(&world.present(&held, &[])).unwrap();
    assert_eq!(verified.claims().as_value(), &json!({}));
}

// Issuance

#[test]
fn every_element_has_a_random_of_its_own_and_a_digest_in_no_foreseeable_place() {
    let world = World::new();
    let read = |issued: &[u8]| {
        let item = Item::parse(issued).unwrap();
        let items = item.get("nameSpaces").unwrap().get(NameSpace::MDL).unwrap();
        let items = items.as_array().unwrap().iter().map(|element| {
            let element = Item::parse(element.embedded().unwrap()).unwrap();
            let random = element.get("random").unwrap().as_bytes().unwrap().to_vec();
            (element.get("digestID").unwrap().as_unsigned().unwrap(), random)
        });
        items.collect::<Vec<_>>()
    };
    let runs: Vec<_> = (0..20).map(|_| read(&world.issue())).collect();
    let mut randoms: Vec<_> = runs.iter().flatten().map(|(_, random)| random).collect();
    assert!(randoms.iter().all(|random| random.len() >= 16));
    randoms.sort_unstable();
    let count = randoms.len();
    randoms.dedup();
    assert_eq!(randoms.len(), count);
    let mut orders = Vec::new();
    for run in &runs {
        let ids: Vec<_> = run.iter().map(|(id, _)| *id).collect();
        let mut sorted = ids.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4, 5]);
        orders.push(ids);
    }
    orders.sort_unstable();
    orders.dedup();
    // 20 draws of 720 orders
    assert!(orders.len() > 10, "{} orders", orders.len());
}

#[test]
fn what_the_draft_says_is_in_the_mso() {
    let world = World::new();
    let uri = StatusListUri::parse("https://a.example/1").unwrap();
    let status = StatusReference::TokenStatusList { index: 7, uri };
    let authorizations = KeyAuthorizations {
        name_spaces: vec![NameSpace::parse("org.example").unwrap()],
        elements: vec![(
            NameSpace::parse(NameSpace::MDL).unwrap(),
            vec![ElementIdentifier::parse("given_name").unwrap()],
        )],
    };
    let later = test_now() + SignedDuration::from_hours(24);
    for algorithm in [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512] {
        let draft = world.draft().with_status(&status).unwrap();
        let draft = draft.with_key_authorizations(authorizations.clone());
        let draft = draft.with_expected_update(later).with_digest_algorithm(algorithm);
        let issued = world.issue_draft(draft);
        let held = world.hold(&issued).unwrap();
        assert_eq!(held.status(), Some(&status));
        assert_eq!(held.expected_update().unwrap().as_second(), later.as_second());
        let verified = world.verify(&world.present(&held, &[name("age_over_18")])).unwrap();
        assert_eq!(verified.status(), Some(&status));
        assert_eq!(verified.element(&name("age_over_18")), Some(&json!(true)));
    }
}

#[test]
fn the_signers_certificate_is_in_the_unprotected_header() {
    let world = World::new();
    let issued = world.issue();
    let item = Item::parse(&issued).unwrap();
    let sign1 = cose::UnverifiedSign1::from_item(item.get("issuerAuth").unwrap()).unwrap();
    assert!(!sign1.is_tagged());
    let certificate = sign1.headers().unprotected(cose::label::X5CHAIN).unwrap();
    assert_eq!(certificate.as_bytes(), Some(&world.leaf.chain[0][..]));
    assert!(sign1.headers().protected(cose::label::X5CHAIN).is_none());
}

#[test]
fn a_draft_that_could_not_be_verified_is_not_signed() {
    let key = *World::new().device_key.public();
    let refused = |elements, validity: Validity| {
        MdocDraft::new(&mdl(), elements, &key, &validity).map(|_| ()).unwrap_err()
    };
    let good = validity();
    assert_eq!(refused(IssuerNameSpaces::new(), good), MdocDraftError::NoElements);
    let twice = licence().with(&name("given_name"), "Eve");
    assert_eq!(refused(twice, good), MdocDraftError::Duplicate("given_name".to_owned()));
    let endless = Validity { expires_at: None, ..good };
    assert_eq!(refused(licence(), endless), MdocDraftError::UnlimitedValidity);
    let unsigned = Validity { issued_at: None, ..good };
    assert_eq!(refused(licence(), unsigned), MdocDraftError::UnlimitedValidity);
    let never = Validity { expires_at: good.not_before, ..good };
    assert_eq!(refused(licence(), never), MdocDraftError::NeverValid);
    let early = Validity { issued_at: good.expires_at, ..good };
    assert_eq!(refused(licence(), early), MdocDraftError::NeverValid);
    let draft = MdocDraft::new(&mdl(), licence(), &key, &good).unwrap();
    let unknown = draft.with_status(&StatusReference::Unknown).map(|_| ());
    assert_eq!(unknown, Err(MdocDraftError::Status));
}

#[test]
fn json_becomes_the_types_of_the_standardised_elements() {
    let claims = json!({
        NameSpace::MDL: {
            "family_name": "Example",
            "birth_date": "1990-12-10",
            "issue_date": "2024-01-01T00:00:00Z",
            "portrait": "BwcH",
            "height": 180,
            "age_over_18": true,
            "driving_privileges": [{"vehicle_category_code": "B", "expiry_date": "2034-01-01"}],
        },
        "org.example.club": {"member_since": "2020-01-01", "level": 3},
    });
    let elements = IssuerNameSpaces::from_json(claims.as_object().unwrap()).unwrap();
    let world = World::new();
    let draft = MdocDraft::new(&mdl(), elements, world.device_key.public(), &validity()).unwrap();
    let issued = world.issue_draft(draft);
    let held = world.hold(&issued).unwrap();
    // JSON and back is the same, and the CBOR between had the types of the standard
    assert_eq!(held.claims().as_value(), &claims);
    let item = Item::parse(&issued).unwrap();
    let element = |space: &str, wanted: &str| {
        let items = item.get("nameSpaces").unwrap().get(space).unwrap().as_array().unwrap();
        let read = |item: &Item<'_>| {
            let bytes = item.embedded().unwrap().to_vec();
            let element = Item::parse(&bytes).unwrap();
            let found = element.get("elementIdentifier").unwrap().as_text() == Some(wanted);
            found.then(|| Value::from(element.get("elementValue").unwrap()))
        };
        items.iter().find_map(read).unwrap()
    };
    assert!(element(NameSpace::MDL, "birth_date") == Value::full_date("1990-12-10"));
    assert!(element(NameSpace::MDL, "issue_date") == date_time("2024-01-01T00:00:00Z"));
    assert!(element(NameSpace::MDL, "portrait") == Value::Bytes(vec![7; 3]));
    let privilege = Value::map([
        ("expiry_date", Value::full_date("2034-01-01")),
        ("vehicle_category_code", "B".into()),
    ]);
    assert_eq!(
        element(NameSpace::MDL, "driving_privileges").encode(),
        Value::Array(vec![privilege]).encode()
    );
    assert!(element("org.example.club", "member_since") == Value::from("2020-01-01"));
}

#[test]
fn json_of_another_type_than_the_standard_says_is_refused() {
    for (identifier, value) in [
        ("family_name", json!(1)),
        ("birth_date", json!("1990-13-10")),
        ("birth_date", json!("19901210")),
        ("birth_date", json!("1990-12-10T00:00:00Z")),
        ("expiry_date", json!("tomorrow")),
        ("portrait_capture_date", json!("2024-01-01")),
        ("portrait", json!("a+b=")),
        ("height", json!(-1)),
        ("age_over_21", json!("yes")),
        ("driving_privileges", json!([{"issue_date": "x"}])),
        ("driving_privileges", json!({})),
    ] {
        let claims = json!({NameSpace::MDL: {identifier: value}});
        let refused = IssuerNameSpaces::from_json(claims.as_object().unwrap()).unwrap_err();
        assert_eq!(refused, MdocDraftError::ElementType(identifier.to_owned()));
    }
    for malformed in [json!({NameSpace::MDL: 1}), json!({"a b": {"c": 1}}), json!({"a": {"": 1}})] {
        let refused = IssuerNameSpaces::from_json(malformed.as_object().unwrap()).unwrap_err();
        assert_eq!(refused, MdocDraftError::Malformed);
    }
    let elsewhere = ElementType::of(&NameSpace::parse("org.example").unwrap(), "birth_date");
    assert_eq!(elsewhere, ElementType::Any);
}

// Holding and presenting

#[test]
fn a_holder_presents_only_what_there_is_with_only_its_own_key() {
    let world = World::new();
    let held = world.hold(&world.issue()).unwrap();
    let refused = |disclose: &[ElementName], signer: &SoftwareSigner| {
        let proof = DeviceProof::Signature(signer);
        ready(held.present(disclose, &world.transcript, proof, &AwsLc)).unwrap_err()
    };
    assert_eq!(refused(&[name("height")], &world.device), MdocPresentError::NotHeld);
    let elsewhere = ElementName::parse("org.example", "given_name").unwrap();
    assert_eq!(refused(&[elsewhere], &world.device), MdocPresentError::NotHeld);
    assert_eq!(refused(&[], &world.issuer), MdocPresentError::WrongKey);
}

#[test]
fn what_a_wallet_keeps_is_read_back_to_the_same_mdoc() {
    let world = World::new();
    let held = world.hold(&world.issue()).unwrap();
    for provider in PROVIDERS {
        let kept = held.to_bytes();
        let again = UnverifiedMdoc::parse(&kept).unwrap().danger_hold_unverified(provider).unwrap();
        assert_eq!(again.claims(), held.claims());
        assert!(again.elements().eq(held.elements()));
        assert!(again.issuer().is_none());
        assert_eq!(again.to_bytes(), kept);
        assert!(world.verify(&world.present(&again, &[name("given_name")])).is_ok());
    }
}

#[test]
fn an_element_is_named_by_a_pointer_of_two_keys() {
    let path = name("given_name").to_claims_path();
    assert_eq!(
        path.segments(),
        [PathSegment::Key(NameSpace::MDL.into()), PathSegment::Key("given_name".into())]
    );
    assert_eq!(ElementName::from_claims_path(&path), Some(name("given_name")));
    for other in [
        ClaimsPath::key("a"),
        ClaimsPath::key("a").then_index(0),
        ClaimsPath::key("a").then_key("b").then_key("c"),
    ] {
        assert_eq!(ElementName::from_claims_path(&other), None);
    }
    let world = World::new();
    let held = world.hold(&world.issue()).unwrap();
    assert_eq!(held.claims().select(&path).unwrap(), ["Ada"]);
}

// The order of the checks

#[test]
fn faults_are_found_in_the_order_of_the_checks() {
    let world = World::new();
    let check = |forged: &Forge<'_>| world.verify(&forged.present()).unwrap_err().check();
    // from the last check to the first, one fault more each time
    let expired = moment(test_now(), -3000);
    let mut forged = world.forge().set(Part::Mso, &["validityInfo", "validUntil"], expired);
    assert_eq!(check(&forged), CheckName::Validity);
    forged.device_elements = Value::map([("org.example", Value::map([("a", true.into())]))]);
    assert_eq!(check(&forged), CheckName::Openness);
    forged.transcript = transcript("x509_san_dns:other.example", "nonce-2");
    assert_eq!(check(&forged), CheckName::HolderSignature);
    let forged = forged.set(Part::DeviceSigned, &["deviceAuth"], Value::Map(Vec::new()));
    assert_eq!(check(&forged), CheckName::HolderKey);
    let changed = embedded(&item(0, "family_name", "Mallory".into()).encode());
    let changed = Value::map([(NameSpace::MDL, Value::Array(vec![changed]))]);
    let forged = forged.set(Part::IssuerSigned, &["nameSpaces"], changed);
    assert_eq!(check(&forged), CheckName::Disclosures);
    let issued = forged.issue();
    let issued = Item::parse(&issued).unwrap();
    let parts = issued.get("issuerAuth").unwrap().as_array().unwrap().iter();
    let mut parts: Vec<_> = parts.map(|part| Value::Encoded(part.encoded().to_vec())).collect();
    parts[3] = vec![1; 64].into();
    let forged = forged.set(Part::IssuerSigned, &["issuerAuth"], parts);
    assert_eq!(check(&forged), CheckName::IssuerSignature);
    let forged = forged.set(Part::Document, &["docType"], "org.example.other");
    assert_eq!(check(&forged), CheckName::Declaration);
    let forged = forged.set(Part::Response, &["version"], "9.9");
    assert_eq!(check(&forged), CheckName::Form);
}
