//! mdoc responses: each rule about the document and the device broken alone.

use lanyard_core::{
    cbor::{CborError, Value},
    cose::{self, CoseError, Header, Payload},
    credential::ValidityPolicy,
    crypto::{AwsLc, CryptoError, CryptoProvider as _, Curve},
    json,
    mdoc::{
        DocType, ExpectedDeviceAuth, ExpectedMdoc, MdocError, MdocPresentationError, NameSpace,
        UnverifiedDeviceResponse, UnverifiedMdoc, verify_presentation,
    },
    trust::IssuerKeys,
    verify::CheckName,
};
use lanyard_testkit::test_now;
use proptest::prelude::*;
use serde_json::json;

use crate::{
    mdoc_support::{Part, World, embedded, mdl, name, shared, transcript},
    sd_jwt_support::ready,
};

// The document and the response

#[test]
fn refuses_a_document_of_another_type_than_its_mso_or_than_was_asked_for() {
    let world = World::new();
    let other = "org.example.other";
    let forged = world.forge().set(Part::Document, &["docType"], other);
    assert_eq!(forged.refusal(), MdocError::DocTypeMismatch);
    let forged = world.forge().set(Part::Mso, &["docType"], other);
    assert_eq!(forged.refusal(), MdocError::DocTypeMismatch);
    let wanted = DocType::parse(other).unwrap();
    let [keys, _] = world.keys();
    let expected = ExpectedMdoc {
        doc_type: Some(&wanted),
        device_auth: ExpectedDeviceAuth { transcript: &world.transcript, reader_key: None },
        validity: ValidityPolicy::default(),
        now: test_now(),
    };
    let refused = ready(verify_presentation(&world.forge().present(), &expected, &keys));
    let refused = refused.unwrap_err();
    assert_eq!((refused.code(), refused.check()), ("credential_wrong_type", CheckName::Type));
}

#[test]
fn refuses_a_response_that_has_not_the_form_or_not_one_document() {
    let world = World::new();
    let refusal = |path: &str, value: Option<Value>| {
        world.forge().edit(Part::Response, vec![path.into()], value).refusal()
    };
    assert_eq!(refusal("version", Some("9.9".into())), MdocError::ResponseVersion);
    assert_eq!(refusal("version", None), MdocError::Response);
    assert_eq!(refusal("status", Some(10_u64.into())), MdocError::ResponseStatus(10));
    assert_eq!(refusal("status", None), MdocError::Response);
    assert_eq!(refusal("status", Some("0".into())), MdocError::Response);
    assert_eq!(refusal("documents", None), MdocError::NoDocument);
    assert_eq!(refusal("documents", Some(Value::Array(Vec::new()))), MdocError::NoDocument);
    assert_eq!(refusal("documents", Some(Value::Map(Vec::new()))), MdocError::Response);
    let two = Value::Array(vec![world.forge().document(), world.forge().document()]);
    assert_eq!(refusal("documents", Some(two)), MdocError::ManyDocuments);
    for malformed in [Value::Map(Vec::new()), Value::Array(vec![1_u64.into()])] {
        assert_eq!(refusal("documentErrors", Some(malformed)), MdocError::Response);
    }
    let missing = Value::Array(vec![Value::map([("org.example", 0_u64.into())])]);
    let errors_only = world
        .forge()
        .set(Part::Response, &["documentErrors"], missing)
        .remove(Part::Response, &["documents"]);
    assert_eq!(errors_only.refusal(), MdocError::NoDocument);
    let bytes = json::base64url_decode(&errors_only.present()).unwrap();
    let response = UnverifiedDeviceResponse::parse(&bytes).unwrap();
    assert_eq!(response.missing(), [DocType::parse("org.example").unwrap()]);
}

#[test]
fn documents_are_verified_one_by_one_where_more_were_asked_for() {
    let world = World::new();
    let two = Value::Array(vec![world.forge().document(), world.forge().document()]);
    let response = world.forge().set(Part::Response, &["documents"], two).present();
    let bytes = json::base64url_decode(&response).unwrap();
    let documents = UnverifiedDeviceResponse::parse(&bytes).unwrap().into_documents();
    assert_eq!(documents.len(), 2);
    let keys = IssuerKeys::new(world.trust(), shared());
    for document in documents {
        let key = ready(keys.find(&document.claimed_issuer(), test_now())).unwrap();
        let expected = ExpectedDeviceAuth { transcript: &world.transcript, reader_key: None };
        assert!(document.verify(key, &expected, &AwsLc).is_ok());
    }
}

#[test]
fn refuses_a_document_without_its_parts() {
    let world = World::new();
    let refusal = |path: &[&str]| world.forge().remove(Part::Document, path).refusal();
    assert_eq!(refusal(&["docType"]), MdocError::Response);
    assert_eq!(refusal(&["issuerSigned"]), MdocError::Response);
    assert_eq!(refusal(&["deviceSigned"]), MdocError::DeviceSignedMissing);
    let no_issuer_auth = world.forge().remove(Part::IssuerSigned, &["issuerAuth"]);
    assert_eq!(no_issuer_auth.refusal(), MdocError::IssuerSigned);
    // an IssuerSigned alone is what an issuer hands out, and no presentation
    let issued = json::base64url(world.forge().issue());
    assert_eq!(
        world.verify(&issued).unwrap_err(),
        MdocPresentationError::Mdoc(MdocError::Response)
    );
}

#[test]
fn refuses_what_is_no_base64url_no_cbor_or_says_things_twice() {
    let world = World::new();
    let refusal = |text: &str| match world.verify(text).unwrap_err() {
        MdocPresentationError::Mdoc(error) => error,
        other => unreachable!("it should be refused as an mdoc, and not {other:?}"),
    };
    let good = world.forge().present();
    assert_eq!(refusal(&format!("{good}=")), MdocError::NotBase64Url);
    assert_eq!(refusal(&format!("{good}\n")), MdocError::NotBase64Url);
    assert_eq!(refusal(""), CborError::Malformed.into());
    let bytes = json::base64url_decode(&good).unwrap();
    let with = |bytes: Vec<u8>| json::base64url(bytes);
    assert_eq!(refusal(&with([&bytes[..], &[0]].concat())), CborError::TrailingBytes.into());
    // documents, status, version: one member more, and the same one again
    let again = [&[bytes[0] + 1], &bytes[1..], b"\x66status\x00"].concat();
    assert_eq!(refusal(&with(again)), CborError::DuplicateKey.into());
    let twice = Value::Encoded(b"\xa2\x67docType\x61a\x67docType\x61b".to_vec());
    let forged = world.forge().set(Part::Response, &["documents"], Value::Array(vec![twice]));
    assert_eq!(forged.refusal(), CborError::DuplicateKey.into());
    for (path, twice) in [
        (&["valueDigests"][..], b"\xa2\x61a\xa0\x61a\xa0".to_vec()),
        (&["deviceKeyInfo", "deviceKey"], b"\xa2\x01\x02\x01\x02".to_vec()),
    ] {
        let forged = world.forge().set(Part::Mso, path, Value::Encoded(twice));
        assert_eq!(forged.refusal(), CborError::DuplicateKey.into());
    }
}

// The device

#[test]
fn refuses_a_device_auth_with_nothing_or_with_both() {
    let world = World::new();
    let set = |value: Value| world.forge().set(Part::DeviceSigned, &["deviceAuth"], value);
    assert_eq!(set(Value::Map(Vec::new())).refusal(), MdocError::DeviceAuth);
    let mac = Value::Encoded(cose::mac0(Payload::Detached(b""), b"key", b"", &AwsLc));
    let both = world.forge().set(Part::DeviceSigned, &["deviceAuth", "deviceMac"], mac.clone());
    assert_eq!(both.refusal(), MdocError::DeviceAuth);
    let only_mac = set(Value::map([("deviceMac", mac)]));
    assert_eq!(only_mac.refusal(), MdocError::NoReaderKey);
    assert_eq!(
        world.forge().remove(Part::DeviceSigned, &["deviceAuth"]).refusal(),
        MdocError::DeviceAuth
    );
    assert_eq!(
        world.forge().remove(Part::DeviceSigned, &["nameSpaces"]).refusal(),
        MdocError::DeviceSigned
    );
    let bare = world.forge().set(Part::DeviceSigned, &["nameSpaces"], Value::Map(Vec::new()));
    assert_eq!(bare.refusal(), MdocError::DeviceSigned);
    let list = world.forge().set(Part::DeviceSigned, &["nameSpaces"], embedded(&[0x80]));
    assert_eq!(list.refusal(), MdocError::DeviceSigned);
}

#[test]
fn refuses_a_device_signature_of_another_key_or_with_its_payload_attached() {
    let world = World::new();
    let other = World::new();
    let invalid = CoseError::Signature(CryptoError::InvalidSignature);
    let key = cose::public_key_value(other.device_key.public());
    let forged = world.forge().set(Part::Mso, &["deviceKeyInfo", "deviceKey"], key);
    assert_eq!(forged.refusal(), MdocError::DeviceSignature(invalid));
    // ES256 by header and signature, with a key on P-384 in the MSO
    let p384 = AwsLc.generate_key(Curve::P384).unwrap();
    let key = cose::public_key_value(p384.public());
    let forged = world.forge().set(Part::Mso, &["deviceKeyInfo", "deviceKey"], key);
    let mismatch = CoseError::Signature(CryptoError::KeyMismatch);
    assert_eq!(forged.refusal(), MdocError::DeviceSignature(mismatch));
    let none = Header::new();
    let payload = Payload::Attached(b"payload");
    let attached = ready(cose::sign1(none.clone(), none, payload, b"", &world.device)).unwrap();
    let forged = world.forge().set(
        Part::DeviceSigned,
        &["deviceAuth", "deviceSignature"],
        Value::Encoded(attached),
    );
    assert_eq!(forged.refusal(), MdocError::DeviceSignature(CoseError::PayloadNotDetached));
}

#[test]
fn a_presentation_is_useless_in_every_other_exchange() {
    let world = World::new();
    let response = world.presented();
    assert!(world.verify(&response).is_ok());
    for other in [
        transcript("x509_san_dns:other.example", "nonce-1"),
        transcript("x509_san_dns:verifier.example", "nonce-2"),
    ] {
        let refused = world.verify_as(&response, &other, None).unwrap_err();
        assert_eq!(refused.code(), "device_signature_invalid");
        assert_eq!(refused.check(), CheckName::HolderSignature);
    }
}

#[test]
fn the_device_signs_elements_only_where_the_issuer_allowed_it() {
    let world = World::new();
    let own = |name: &str| Value::map([("org.example", Value::map([(name, Value::from(42_u64))]))]);
    let mut forged = world.forge();
    forged.device_elements = own("balance");
    assert_eq!(forged.refusal(), MdocError::DeviceElementNotAuthorized);
    let path = ["deviceKeyInfo", "keyAuthorizations"];
    let elements = Value::map([("org.example", Value::Array(vec!["balance".into()]))]);
    let by_element = Value::map([("dataElements", elements)]);
    let by_space = Value::map([("nameSpaces", Value::Array(vec!["org.example".into()]))]);
    for allowed in [by_element.clone(), by_space] {
        let mut forged = world.forge().set(Part::Mso, &path, allowed);
        forged.device_elements = own("balance");
        let verified = world.verify(&forged.present()).unwrap();
        assert_eq!(verified.device_claims().as_value(), &json!({"org.example": {"balance": 42}}));
        // never among what the issuer signed
        assert_eq!(verified.claims().claim("org.example"), None);
    }
    let mut forged = world.forge().set(Part::Mso, &path, by_element);
    forged.device_elements = own("limit");
    assert_eq!(forged.refusal(), MdocError::DeviceElementNotAuthorized);
}

// Nothing at all

#[test]
fn no_changed_response_says_anything_else() {
    let world = World::new();
    let bytes = json::base64url_decode(&world.presented()).unwrap();
    let keys = IssuerKeys::new(world.trust(), shared());
    let expected = ExpectedMdoc {
        doc_type: Some(&mdl()),
        device_auth: ExpectedDeviceAuth { transcript: &world.transcript, reader_key: None },
        validity: ValidityPolicy::default(),
        now: test_now(),
    };
    let verify =
        |bytes: &[u8]| ready(verify_presentation(&json::base64url(bytes), &expected, &keys));
    assert_eq!(verify(&bytes).unwrap().disclosed().len(), 2);
    // nothing signs the word nameSpaces: without it the elements are withheld, and nothing is put in
    let key = b"\x6anameSpaces\xa1";
    let withheld = bytes.windows(key.len()).position(|found| found == key).unwrap();
    for at in 0..bytes.len() {
        for bit in [1, 0x20, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= bit;
            match verify(&changed) {
                Err(_) => {}
                Ok(verified) => {
                    assert!((withheld..withheld + 11).contains(&at), "byte {at}");
                    assert_eq!(verified.claims().as_value(), &json!({}));
                }
            }
        }
    }
}

#[test]
fn nothing_printed_shows_an_element() {
    let world = World::new();
    let held = world.hold(&world.issue()).unwrap();
    let verified = world.verify(&world.present(&held, &[name("family_name")])).unwrap();
    let issued = world.issue();
    let parsed = UnverifiedMdoc::parse(&issued).unwrap();
    let printed = format!("{held:?} {verified:?} {parsed:?} {:?}", world.draft());
    for secret in ["Example", "Ada", "1990", "nonce-1"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

proptest! {
    #[test]
    fn rubbish_is_refused_without_a_panic(bytes in any::<Vec<u8>>(), text in any::<String>()) {
        prop_assert!(UnverifiedDeviceResponse::parse(&bytes).is_err());
        prop_assert!(UnverifiedMdoc::parse(&bytes).is_err());
        prop_assert!(DocType::parse(text.clone()).is_ok() == NameSpace::parse(text).is_ok());
    }

    #[test]
    fn a_response_cut_or_changed_is_read_without_a_panic(
        at in any::<prop::sample::Index>(),
        value in any::<u8>(),
        length in any::<prop::sample::Index>(),
    ) {
        let world = World::new();
        let mut bytes = json::base64url_decode(&world.presented()).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = value;
        bytes.truncate(length.index(bytes.len()) + 1);
        let one = UnverifiedDeviceResponse::parse(&bytes).err();
        prop_assert_eq!(one, UnverifiedDeviceResponse::parse(&bytes).err());
    }
}
