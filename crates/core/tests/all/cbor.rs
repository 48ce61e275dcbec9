//! CBOR: what is read byte for byte, what is refused by which rule, and what it is in JSON.

use lanyard_core::cbor::{CborError, CborLimits, Content, Encoder, Item, Value};
use proptest::prelude::*;
use serde_json::json;

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<_> =
        text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn refusal(text: &str) -> CborError {
    Item::parse(&hex(text)).expect_err("it should be refused")
}

#[test]
fn the_examples_of_rfc_8949_are_read_and_written_alike() {
    // RFC 8949 App. A, those of definite length
    for (encoded, value) in [
        ("00", Value::Integer(0)),
        ("17", Value::Integer(23)),
        ("1818", Value::Integer(24)),
        ("1903e8", Value::Integer(1000)),
        ("1a000f4240", Value::Integer(1_000_000)),
        ("1bffffffffffffffff", Value::Integer(u64::MAX.into())),
        ("3bffffffffffffffff", Value::Integer(-1 - i128::from(u64::MAX))),
        ("20", Value::Integer(-1)),
        ("3863", Value::Integer(-100)),
        ("f90000", Value::Float(0.0)),
        ("f98000", Value::Float(-0.0)),
        ("fb3ff199999999999a", Value::Float(1.1)),
        ("f93e00", Value::Float(1.5)),
        ("f97bff", Value::Float(65504.0)),
        ("fa47c35000", Value::Float(100_000.0)),
        ("fa7f7fffff", Value::Float(3.402_823_466_385_288_6e38)),
        ("f90001", Value::Float(5.960_464_477_539_063e-8)),
        ("f90400", Value::Float(0.000_061_035_156_25)),
        ("f9c400", Value::Float(-4.0)),
        ("f97c00", Value::Float(f64::INFINITY)),
        ("f4", Value::Bool(false)),
        ("f5", Value::Bool(true)),
        ("f6", Value::Null),
        ("4401020304", Value::Bytes(vec![1, 2, 3, 4])),
        ("62c3bc", Value::from("ü")),
        ("80", Value::Array(Vec::new())),
        ("8301820203820405", Value::from(&json!([1, [2, 3], [4, 5]]))),
        ("a26161016162820203", Value::from(&json!({"a": 1, "b": [2, 3]}))),
        (
            "c074323031332d30332d32315432303a30343a30305a",
            Value::Tag(0, Box::new("2013-03-21T20:04:00Z".into())),
        ),
        ("d818456449455446", Value::Tag(24, Box::new(Value::Bytes(hex("6449455446"))))),
    ] {
        let bytes = hex(encoded);
        let item = Item::parse(&bytes).unwrap();
        assert_eq!(item.encoded(), bytes);
        assert!(Value::from(&item) == value, "{encoded}");
        assert_eq!(value.encode(), bytes, "{encoded}");
    }
}

#[test]
fn an_item_keeps_the_bytes_it_was_read_from_however_they_were_spelled() {
    // the integer 1 in two bytes, and a length in three: well-formed, and not what we would write
    let bytes = hex("a2 1801 b90001 6161 20 02 f6");
    let item = Item::parse(&bytes).unwrap();
    assert_eq!(item.get(1).unwrap().encoded(), hex("b90001616120"));
    assert_eq!(item.get(1).unwrap().get("a").unwrap().as_integer(), Some(-1));
    assert!(item.get(2).unwrap().is_null());
    assert!(item.get(3).is_none());
    assert_ne!(Value::from(&item).encode(), bytes);
}

#[test]
fn members_go_out_in_the_order_of_their_encoded_keys() {
    // RFC 8949 §4.2.1 has this very example
    let mut keys: Vec<Value> = vec!["aa".into(), (-1_i64).into(), 100_i64.into()];
    keys.extend(["z".into(), false.into(), 10_i64.into()]);
    let map = Value::Map(keys.into_iter().map(|key| (key, Value::Null)).collect());
    assert_eq!(map.encode(), hex("a6 0af6 1864f6 20f6 617af6 626161f6 f4f6"));
}

#[test]
fn refuses_a_key_that_is_there_twice_however_it_is_spelled() {
    assert_eq!(refusal("a2 6161 01 6161 02"), CborError::DuplicateKey);
    assert_eq!(refusal("a2 01 01 1801 02"), CborError::DuplicateKey);
    assert_eq!(refusal("81 a1 00 a2 4161 01 4161 01"), CborError::DuplicateKey);
    let mut out = Encoder::new();
    out.map(100);
    for number in (0..99).chain([50]) {
        out.integer(number).null();
    }
    assert_eq!(Item::parse(&out.into_bytes()), Err(CborError::DuplicateKey));
}

#[test]
fn refuses_keys_that_nothing_here_uses() {
    assert_eq!(refusal("a1 f5 00"), CborError::KeyType);
    assert_eq!(refusal("a1 80 00"), CborError::KeyType);
}

#[test]
fn refuses_trailing_bytes_and_items_that_are_cut_short() {
    assert_eq!(refusal("00 00"), CborError::TrailingBytes);
    for cut in ["", "18", "42 00", "61", "82 00", "a1 00", "c0", "fb 00", "f9 00", "62 ff fe"] {
        assert!(matches!(refusal(cut), CborError::Malformed | CborError::TooManyItems), "{cut}");
    }
    for reserved in ["1c", "ff", "fc", "3d"] {
        assert_eq!(refusal(reserved), CborError::Malformed, "{reserved}");
    }
}

#[test]
fn refuses_every_indefinite_length() {
    for indefinite in ["9f 00 ff", "bf 00 00 ff", "5f 41 00 ff", "7f 61 61 ff", "81 9f ff"] {
        assert_eq!(refusal(indefinite), CborError::Indefinite, "{indefinite}");
    }
    let chunks = [&[0x5f][..], &[0x41, 0x00].repeat(1000), &[0xff]].concat();
    assert_eq!(Item::parse(&chunks), Err(CborError::Indefinite));
}

#[test]
fn refuses_what_is_nested_deeper_than_the_limit() {
    for level in [&[0x81][..], &[0xc6], &[0xa1, 0x00]] {
        let nested = |levels: usize| [&level.repeat(levels), &[0x00][..]].concat();
        assert!(Item::parse(&nested(32)).is_ok());
        assert_eq!(Item::parse(&nested(33)), Err(CborError::TooDeep));
        assert_eq!(Item::parse(&nested(10_000)), Err(CborError::TooDeep));
    }
}

#[test]
fn refuses_lengths_that_the_document_cannot_hold_before_taking_memory() {
    for claimed in ["9bffffffffffffffff", "bb7fffffffffffffff", "9b0000000100000000", "9a00ffffff"]
    {
        assert_eq!(refusal(claimed), CborError::TooManyItems, "{claimed}");
    }
    for claimed in ["5bffffffffffffffff", "7b8000000000000000", "5a7fffffff"] {
        assert_eq!(refusal(claimed), CborError::Malformed, "{claimed}");
    }
}

#[test]
fn refuses_what_is_larger_than_the_limits() {
    let many = |count: usize| {
        let mut out = Encoder::new();
        out.array(count);
        (0..count).for_each(|_| {
            out.null();
        });
        out.into_bytes()
    };
    assert!(Item::parse(&many(9_999)).is_ok());
    assert_eq!(Item::parse(&many(10_000)), Err(CborError::TooManyItems));
    let long = Value::Bytes(vec![0; 1 << 20]).encode();
    assert_eq!(Item::parse(&long), Err(CborError::TooLong));
    let wider = CborLimits { length: 2 << 20, ..CborLimits::default() };
    assert!(Item::parse_within(&long, wider).is_ok());
}

#[test]
fn refuses_tags_about_something_of_another_type() {
    for wrong in ["c0 00", "d903ec 00", "d903ec 4161", "c1 6161", "d864 6161", "c2 6161", "d818 00"]
    {
        assert_eq!(refusal(wrong), CborError::TagContent, "{wrong}");
    }
    assert!(Item::parse(&hex("d903ec 6a 313939302d31322d3130")).is_ok());
}

#[test]
fn is_in_json_what_rfc_8949_advises() {
    let json = |text: &str| Item::parse(&hex(text)).unwrap().to_json();
    for (encoded, expected) in [
        ("18 2a", json!(42)),
        ("1b ffffffffffffffff", json!(u64::MAX)),
        ("3b ffffffffffffffff", json!(-18_446_744_073_709_551_616.0)),
        ("f9 3e00", json!(1.5)),
        ("f9 7e00", json!(null)),
        ("f9 fc00", json!(null)),
        ("f7", json!(null)),
        ("e0", json!(null)),
        ("43 fbefbe", json!("----")),
        ("d6 43 fbefbe", json!("++++")),
        ("d7 43 fbefbe", json!("FBEFBE")),
        ("d6 82 43 fbefbe d5 43 fbefbe", json!(["++++", "----"])),
        ("c2 43 010000", json!("AQAA")),
        ("c3 43 010000", json!("~AQAA")),
        ("d903ec 6a 313939302d31322d3130", json!("1990-12-10")),
        ("a3 01 f5 6161 f4 41ff f6", json!({"1": true, "a": false, "_w": null})),
    ] {
        assert_eq!(json(encoded), Ok(expected), "{encoded}");
    }
    assert_eq!(json("a2 01 f5 6131 f4"), Err(CborError::NotJson));
}

#[test]
fn nothing_printed_shows_a_value() {
    let bytes = hex("a1 6163 6663616e617279");
    let item = Item::parse(&bytes).unwrap();
    let printed = format!("{item:?} {:?}", Value::from(&item));
    assert!(!printed.contains("canary"), "{printed}");
    assert!(matches!(item.content(), Content::Map(_)));
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("NaN is not equal to itself", |n| !n.is_nan())
            .prop_map(Value::Float),
        any::<bool>().prop_map(Value::Bool),
        any::<Vec<u8>>().prop_map(Value::Bytes),
        ".*".prop_map(Value::Text),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::btree_map(".{0,8}", inner.clone(), 0..8).prop_map(|members| {
                Value::Map(members.into_iter().map(|(key, value)| (key.into(), value)).collect())
            }),
            (1000_u64..1004, inner).prop_map(|(tag, value)| Value::Tag(tag, Box::new(value))),
        ]
    })
}

proptest! {
    #[test]
    fn what_was_encoded_decodes_to_itself(value in any_value()) {
        let encoded = value.encode();
        let item = Item::parse(&encoded).expect("what we write can be read");
        prop_assert_eq!(item.encoded(), &encoded[..]);
        prop_assert_eq!(&Value::from(&item).encode(), &encoded);
        prop_assert!(item.to_json().is_ok());
    }

    #[test]
    fn rubbish_is_read_or_refused_without_a_panic(bytes in any::<Vec<u8>>()) {
        if let Ok(item) = Item::parse(&bytes) {
            prop_assert_eq!(item.encoded(), &bytes[..]);
            let _ = item.to_json();
        }
    }
}
