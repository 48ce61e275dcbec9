//! Bitstring Status List 1.0: each rule broken alone, and the examples of the Recommendation.

use flate2::{Compression, write::GzEncoder};
use jiff::SignedDuration;
use lanyard_core::{
    Timestamp,
    credential::ValidityError,
    json,
    status::{
        InflateError, Status, StatusListUri,
        bitstring_status_list::{
            Bitstring, BitstringError, BitstringStatusList, MIN_ENTRIES, StatusEntry,
            StatusMessage, StatusPurpose, StatusSize,
        },
    },
    w3c::Credential,
};
use lanyard_testkit::{test_now, vectors};
use serde_json::{Value, json};
use std::io::Write as _;

const SUITE: &str = "bitstring-status-list";
const LIST: &str = "https://example.com/credentials/status/3";

fn uri() -> StatusListUri {
    StatusListUri::parse(LIST).expect("it is a URI")
}

fn size(bits: u64) -> StatusSize {
    StatusSize::new(bits).expect("1 to 8")
}

/// A document with some members replaced (by null: removed).
fn changed(mut document: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().expect("changes are an object") {
        document[name] = value.clone();
    }
    document.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    document
}

fn read(changes: &Value) -> Result<StatusEntry, BitstringError> {
    let entry = json!({
        "id": "https://example.com/credentials/status/3#94567",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": "94567",
        "statusListCredential": LIST,
    });
    StatusEntry::read(changed(entry, changes).as_object().expect("an object"))
}

/// A list of which number 94567 is set.
fn bits() -> Bitstring {
    let mut bits = Bitstring::new(MIN_ENTRIES, StatusSize::ONE).expect("it is small");
    bits.set(94_567, StatusSize::ONE, 1).expect("it is in the list");
    bits
}

fn list_of(changes: &Value, subject: &Value) -> Result<BitstringStatusList, BitstringError> {
    let good = BitstringStatusList::subject(None, StatusPurpose::Revocation, &bits());
    let document = json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "id": LIST,
        "type": ["VerifiableCredential", "BitstringStatusListCredential"],
        "issuer": "did:example:12345",
        "validFrom": "2021-04-05T14:27:40Z",
        "credentialSubject": changed(good.into(), subject),
    });
    let document = changed(document, changes).to_string();
    let credential = Credential::from_json(document.as_bytes()).expect("a credential");
    BitstringStatusList::of_verified(&credential, &uri(), test_now())
}

fn refused(changes: &Value, subject: &Value) -> BitstringError {
    list_of(changes, subject).expect_err("a rule is broken")
}

fn gzip(bytes: &[u8]) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).expect("a vector takes every byte");
    format!("u{}", json::base64url(gzip.finish().expect("a vector takes every byte")))
}

fn messages(count: u8) -> Vec<StatusMessage> {
    (0..count).map(|status| StatusMessage { status, message: format!("m{status}") }).collect()
}

#[test]
fn a_revoked_credential_is_found_revoked_and_its_neighbours_are_not() {
    let list = list_of(&json!({}), &json!({})).unwrap();
    let status = |index: &str| {
        let entry = read(&json!({"statusListIndex": index})).unwrap();
        list.look_up(&entry).map(|found| found.status())
    };
    assert_eq!(status("94567"), Ok(Status::Invalid));
    assert_eq!((status("94566"), status("94568")), (Ok(Status::Valid), Ok(Status::Valid)));
    assert_eq!(status("131071"), Ok(Status::Valid));
    assert_eq!(status("131072"), Err(BitstringError::IndexOutOfRange));
    assert_eq!(status("18446744073709551615"), Err(BitstringError::IndexOutOfRange));
}

#[test]
fn each_purpose_says_something_else_about_a_credential() {
    for (purpose, status) in [
        ("revocation", Status::Invalid),
        ("suspension", Status::Suspended),
        ("message", Status::Valid),
        ("refresh", Status::Valid),
    ] {
        let list = list_of(&json!({}), &json!({"statusPurpose": purpose})).unwrap();
        let entry = read(&json!({"statusPurpose": purpose})).unwrap();
        let found = list.look_up(&entry).unwrap();
        assert_eq!((found.value(), found.status()), (1, status), "{purpose}");
    }
}

#[test]
fn a_list_may_have_several_purposes_and_answers_for_no_other() {
    let both = json!({"statusPurpose": ["suspension", "revocation", "of-our-own"]});
    let list = list_of(&json!({}), &both).unwrap();
    assert!(list.look_up(&read(&json!({})).unwrap()).is_ok());
    let other = read(&json!({"statusPurpose": "refresh"})).unwrap();
    assert_eq!(list.look_up(&other), Err(BitstringError::PurposeMismatch));
    for purpose in [json!(null), json!([]), json!(1), json!(["revocation", 1])] {
        let refusal = refused(&json!({}), &json!({"statusPurpose": purpose}));
        assert_eq!(refusal, BitstringError::Purpose);
    }
}

#[test]
fn a_status_of_more_bits_has_a_message_for_each_value() {
    for width in 1..=8 {
        let mut bits = Bitstring::new(MIN_ENTRIES, size(width)).unwrap();
        let highest = (size(width).values() - 1) as u8;
        bits.set(1000, size(width), highest).unwrap();
        assert_eq!(bits.value(1000, size(width)), Ok(highest));
        assert_eq!((bits.value(999, size(width)), bits.value(1001, size(width))), (Ok(0), Ok(0)));
        bits.set(1000, size(width), 0).unwrap();
        assert_eq!(bits, Bitstring::new(MIN_ENTRIES, size(width)).unwrap());
    }
    let entry = StatusEntry::new(StatusPurpose::Message, 7, uri()).with_messages(messages(4));
    let entry = entry.unwrap();
    assert_eq!(StatusEntry::read(&entry.to_object()), Ok(entry.clone()));
    let mut bits = Bitstring::new(MIN_ENTRIES, entry.size()).unwrap();
    bits.set(7, entry.size(), 2).unwrap();
    let subject = json!({"statusPurpose": "message", "encodedList": bits.encode()});
    let list = list_of(&json!({}), &subject).unwrap();
    let found = list.look_up(&entry).unwrap();
    assert_eq!((found.value(), found.message()), (2, Some("m2")));
    assert_eq!(found.status(), Status::Valid, "a message is not against the credential");
}

#[test]
fn messages_are_as_many_as_values() {
    let with =
        |count| StatusEntry::new(StatusPurpose::Message, 7, uri()).with_messages(messages(count));
    for count in [0, 1, 3, 5, 255] {
        assert_eq!(with(count), Err(BitstringError::Messages), "{count}");
    }
    let mut twice = messages(4);
    twice[3].status = 2;
    let entry = StatusEntry::new(StatusPurpose::Message, 7, uri());
    assert_eq!(entry.with_messages(twice), Err(BitstringError::Messages));
    let one = json!({"status": "0x0", "message": "fine"});
    for (size, messages) in [
        (json!(2), json!(null)),
        (json!(1), json!([])),
        (json!(1), json!([one])),
        (json!(1), json!([one, {"status": "1", "message": "bad"}])),
        (json!(1), json!([one, {"status": "0x+1", "message": "bad"}])),
        (json!(1), json!([one, {"status": "0x1"}])),
        (json!(1), json!("fine")),
    ] {
        let changes = json!({"statusSize": size, "statusMessage": messages});
        assert_eq!(read(&changes), Err(BitstringError::Messages), "{changes}");
    }
}

#[test]
fn an_entry_of_another_shape_is_refused() {
    for (changes, error) in [
        (json!({"type": "StatusList2021Entry"}), BitstringError::EntryType),
        (json!({"type": null}), BitstringError::EntryType),
        (json!({"id": LIST}), BitstringError::EntryId),
        (json!({"statusPurpose": null}), BitstringError::Purpose),
        (json!({"statusPurpose": "of-our-own"}), BitstringError::Purpose),
        (json!({"statusListIndex": 94567}), BitstringError::Index),
        (json!({"statusListIndex": "-1"}), BitstringError::Index),
        (json!({"statusListIndex": "+1"}), BitstringError::Index),
        (json!({"statusListIndex": "1.5"}), BitstringError::Index),
        (json!({"statusListIndex": ""}), BitstringError::Index),
        (json!({"statusListIndex": "18446744073709551616"}), BitstringError::Index),
        (json!({"statusListCredential": null}), BitstringError::ListUrl),
        (json!({"statusListCredential": "status/3"}), BitstringError::ListUrl),
        (json!({"statusSize": 0}), BitstringError::Size),
        (json!({"statusSize": 9}), BitstringError::Size),
        (json!({"statusSize": "2"}), BitstringError::Size),
    ] {
        assert_eq!(read(&changes), Err(error), "{changes}");
    }
    assert!(read(&json!({"id": null})).is_ok());
}

#[test]
fn a_list_of_another_shape_is_refused() {
    let none = json!({});
    let types = json!({"type": ["VerifiableCredential"]});
    assert_eq!(refused(&types, &none), BitstringError::ListType);
    let other = json!({"id": "https://example.com/credentials/status/4"});
    assert_eq!(refused(&other, &none), BitstringError::AnotherList);
    let status = json!({"credentialStatus": {"type": "BitstringStatusListEntry"}});
    assert_eq!(refused(&status, &none), BitstringError::Recursive);
    let expired = refused(&json!({"validUntil": "2022-01-01T00:00:00Z"}), &none);
    assert_eq!(expired, BitstringError::Validity(ValidityError::Expired));
    let early = refused(&json!({"validFrom": "2999-01-01T00:00:00Z"}), &none);
    assert_eq!(early, BitstringError::Validity(ValidityError::NotYetValid));
    let two = json!({"credentialSubject": [{"id": "urn:example:1"}, {"id": "urn:example:2"}]});
    assert_eq!(refused(&two, &none), BitstringError::Subject);
    assert_eq!(refused(&none, &json!({"type": "StatusList2021"})), BitstringError::Subject);
    assert_eq!(refused(&none, &json!({"encodedList": null})), BitstringError::Subject);
    for ttl in [json!(0), json!(-1), json!("300000"), json!(1.5)] {
        assert_eq!(refused(&none, &json!({"ttl": ttl})), BitstringError::Ttl);
    }
    let five = list_of(&none, &json!({"ttl": 300_000})).unwrap();
    assert_eq!(five.ttl(), Some(SignedDuration::from_secs(300)), "milliseconds");
}

#[test]
fn an_entry_is_looked_up_in_the_list_it_names() {
    let elsewhere = json!({"statusListCredential": "https://example.com/credentials/status/4"});
    let list = list_of(&json!({"id": null}), &json!({})).unwrap();
    let found = list.look_up(&read(&elsewhere).unwrap()).map(|found| found.value());
    assert_eq!(found, Err(BitstringError::AnotherList));
}

#[test]
fn bits_are_compressed_as_the_recommendation_says_and_no_other_way() {
    let whole = bits().encode();
    let compressed = json::base64url_decode(&whole[1..]).unwrap();
    let encoded = |bytes: &[u8]| format!("u{}", json::base64url(bytes));
    let decode = |text: &str| Bitstring::decode(text).unwrap_err();
    assert_eq!(Bitstring::decode(&whole), Ok(bits()));
    assert_eq!(decode(&whole[1..]), BitstringError::Multibase, "as StatusList2021 wrote it");
    assert_eq!(decode(&format!("z{}", &whole[1..])), BitstringError::Multibase);
    assert_eq!(decode("u=").code(), "status_list_not_base64url");
    let zlib = [0x78, 0x9c, 3, 0, 0, 0, 0, 1];
    assert_eq!(decode(&encoded(&zlib)), InflateError::Corrupt.into());
    let cut = &compressed[..compressed.len() - 1];
    assert_eq!(decode(&encoded(cut)), InflateError::Truncated.into());
    let trailing = [&compressed[..], &[0]].concat();
    assert_eq!(decode(&encoded(&trailing)), InflateError::TrailingBytes.into());
    let twice = [&compressed[..], &compressed[..]].concat();
    assert_eq!(decode(&encoded(&twice)), InflateError::TrailingBytes.into(), "two members");
    let bomb = gzip(&vec![0; (16 << 20) + 1]);
    assert_eq!(decode(&bomb), InflateError::TooLarge.into());
    let huge = Bitstring::new(u64::MAX, StatusSize::ONE);
    assert_eq!(huge, Err(InflateError::TooLarge.into()));
}

#[test]
fn a_list_in_which_nobody_can_hide_is_refused() {
    assert_eq!(Bitstring::decode(&gzip(&[0; 16_383])), Err(BitstringError::TooShort));
    let least = Bitstring::decode(&gzip(&[0; 16_384])).unwrap();
    assert_eq!(least.value(0, StatusSize::ONE), Ok(0));
    // the same bits are half as many statuses of twice the size
    assert_eq!(least.value(0, size(2)), Err(BitstringError::TooShort));
    let made = Bitstring::new(1, StatusSize::ONE).unwrap();
    assert_eq!(made.length(StatusSize::ONE), MIN_ENTRIES);
}

#[test]
fn what_does_not_fit_is_not_set() {
    let mut bits = bits();
    assert_eq!(bits.set(0, StatusSize::ONE, 2), Err(BitstringError::ValueTooWide));
    let beyond = bits.set(MIN_ENTRIES, StatusSize::ONE, 1);
    assert_eq!(beyond, Err(BitstringError::IndexOutOfRange));
    assert_eq!(bits, self::bits());
}

#[test]
fn every_refusal_has_the_name_that_the_recommendation_gives_it() {
    assert_eq!(BitstringError::TooShort.problem(), "STATUS_LIST_LENGTH_ERROR");
    assert_eq!(BitstringError::IndexOutOfRange.problem(), "RANGE_ERROR");
    assert_eq!(BitstringError::PurposeMismatch.problem(), "STATUS_VERIFICATION_ERROR");
    assert_eq!(BitstringError::Multibase.problem(), "MALFORMED_VALUE_ERROR");
}

#[test]
fn the_entries_of_the_recommendation_are_read() {
    if !vectors::available(SUITE) {
        return;
    }
    let entries = |name: &str| {
        let document = vectors::json(format!("{SUITE}/{name}")).to_string();
        let credential = Credential::from_json(document.as_bytes()).expect("a credential");
        credential.statuses().map(StatusEntry::read).collect::<Result<Vec<_>, _>>()
    };
    let both = entries("example_1_entry.json").unwrap();
    assert_eq!(both.len(), 2);
    assert_eq!((both[0].purpose(), both[0].index()), (StatusPurpose::Revocation, 94_567));
    assert_eq!((both[1].purpose(), both[1].index()), (StatusPurpose::Suspension, 23_452));
    assert_eq!(entries("example_4_entry.json").unwrap()[0].list(), &uri());
    // upstream elides the fourth message with dots, and three are not enough for two bits
    assert_eq!(entries("example_2_entry.json"), Err(BitstringError::Messages));
}

#[test]
fn the_lists_of_the_recommendation_are_read() {
    if !vectors::available(SUITE) {
        return;
    }
    for name in ["example_3_list.json", "example_5_list.json"] {
        let document = vectors::json(format!("{SUITE}/{name}")).to_string();
        let credential = Credential::from_json(document.as_bytes()).unwrap();
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let list = BitstringStatusList::of_verified(&credential, &uri(), now).unwrap();
        let found = list.look_up(&read(&json!({})).unwrap()).map(|found| found.status());
        assert_eq!(found, Ok(Status::Valid), "{name}");
    }
}

#[test]
fn the_derived_encodings_have_exactly_the_statuses_they_list() {
    if !vectors::available(SUITE) {
        return;
    }
    let derived = vectors::json(format!("{SUITE}/derived_local_encodings.json"));
    for list in derived["lists"].as_array().unwrap() {
        let size = size(list["statusSize"].as_u64().unwrap());
        let entries = list["entries"].as_u64().unwrap();
        let bits = Bitstring::decode(list["encodedList"].as_str().unwrap()).unwrap();
        let mut ours = Bitstring::new(entries, size).unwrap();
        for (index, value) in list["set"].as_object().unwrap() {
            let (index, value) = (index.parse().unwrap(), value.as_u64().unwrap());
            assert_eq!(bits.value(index, size).map(u64::from), Ok(value), "{index}");
            ours.set(index, size, u8::try_from(value).unwrap()).unwrap();
        }
        assert_eq!(bits, ours);
    }
}
