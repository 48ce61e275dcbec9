//! The official vectors of Token Status List: encodings of every size, and the signed tokens.

use lanyard_core::{
    Timestamp,
    cbor::Item,
    cose::UnverifiedSign1,
    crypto::{AwsLc, CryptoProvider, RustCrypto},
    jose::Jwk,
    json,
    sd_jwt::UnverifiedSdJwt,
    status::{
        Status, StatusListUri,
        token_status_list::{
            AggregationError, MEDIA_TYPE_CWT, StatusBits, StatusList, StatusListAggregation,
            UnverifiedStatusList,
        },
    },
};
use lanyard_testkit::vectors;
use serde_json::Value;

const SUITE: &str = "token-status-list";
const URI: &str = "https://example.com/statuslists/1";

fn file(name: &str) -> String {
    format!("{SUITE}/{name}")
}

fn hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digit).collect()
}

/// What a vector says each status is; everything that it does not name is valid.
fn statuses(vector: &Value) -> Vec<(u64, u64)> {
    let number = |value: &Value| value.as_u64().expect("a number");
    match vector["statuses"].as_array() {
        Some(all) => (0..).zip(all.iter().map(number)).collect(),
        None => {
            let listed = vector["non_zero_statuses"].as_array().expect("indices and statuses");
            listed.iter().map(|entry| (number(&entry[0]), number(&entry[1]))).collect()
        }
    }
}

fn bits(vector: &Value) -> StatusBits {
    vector["bits"].as_u64().and_then(StatusBits::from_number).expect("1, 2, 4 or 8")
}

fn test_key() -> Jwk {
    let mut key = vectors::json(file("test_key.jwk.json"));
    // the key file holds the private half too, which a public key must not
    key.as_object_mut().expect("a JWK is an object").remove("d");
    Jwk::from_value(&key).expect("it is a P-256 key")
}

#[test]
fn every_listed_status_of_every_size_is_read_from_both_encodings() {
    if !vectors::available(SUITE) {
        return;
    }
    let all = vectors::json(file("status_list_encoding_vectors.json"));
    for vector in all.as_array().unwrap() {
        let lst = vector["status_list_json"]["lst"].as_str().unwrap();
        let compressed = json::base64url_decode(lst).unwrap();
        // the CBOR form ends with the byte string, and its bytes are the same
        assert!(hex(vector["status_list_cbor_hex"].as_str().unwrap()).ends_with(&compressed));
        let list = StatusList::decompress(bits(vector), &compressed).unwrap();
        let listed = statuses(vector);
        for (index, value) in &listed {
            let value = u8::try_from(*value).unwrap();
            assert_eq!(list.status(*index), Ok(Status::from_value(value)), "{index}");
        }
        let set = listed.iter().filter(|(_, value)| *value != 0).count();
        let found = (0..list.length()).filter(|at| list.status(*at) != Ok(Status::Valid)).count();
        assert_eq!(found, set, "everything else is valid: {}", vector["name"]);
        if let Some(entries) = vector["entries"].as_u64() {
            assert_eq!(list.length(), entries);
        }
    }
}

#[test]
fn a_list_that_is_built_status_by_status_has_the_printed_bytes() {
    if !vectors::available(SUITE) {
        return;
    }
    let all = vectors::json(file("status_list_encoding_vectors.json"));
    for vector in all.as_array().unwrap() {
        let listed = statuses(vector);
        let length = vector["entries"].as_u64().unwrap_or(listed.len() as u64);
        let mut ours = StatusList::new(bits(vector), length).unwrap();
        for (index, value) in listed {
            ours.set(index, Status::from_value(u8::try_from(value).unwrap())).unwrap();
        }
        let lst = vector["status_list_json"]["lst"].as_str().unwrap();
        let theirs = json::base64url_decode(lst).unwrap();
        assert_eq!(Ok(&ours), StatusList::decompress(bits(vector), &theirs).as_ref());
        assert_eq!(Ok(&ours), StatusList::decompress(bits(vector), &ours.compress()).as_ref());
        if let Some(bytes) = vector["byte_array_hex"].as_str() {
            assert_eq!(ours.as_bytes(), hex(bytes));
        }
    }
}

#[test]
fn the_signed_jwt_verifies_and_says_what_the_small_list_says() {
    if !vectors::available(SUITE) {
        return;
    }
    let token = vectors::text(file("status_list_token.jwt.txt"));
    let uri = StatusListUri::parse(URI).unwrap();
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    for provider in [&RustCrypto as &dyn CryptoProvider, &AwsLc] {
        let list = UnverifiedStatusList::parse_jwt(&token).unwrap();
        assert_eq!(list.claimed_issuer(None, &[]).key_id, Some("12"));
        let list = list.verify(&test_key().key, &uri, now, provider).unwrap();
        assert_eq!(list.list().as_bytes(), [0xb9, 0xa3]);
        assert_eq!(list.ttl().map(|ttl| ttl.as_secs()), Some(43_200));
        assert_eq!(list.expires_at().map(|end| end.as_second()), Some(2_291_720_170));
        assert_eq!((list.status(0), list.status(1)), (Ok(Status::Invalid), Ok(Status::Valid)));
    }
}

#[test]
fn the_referenced_token_points_to_the_signed_list() {
    if !vectors::available(SUITE) {
        return;
    }
    let token = vectors::text(file("referenced_token.sd-jwt.txt"));
    // its typ is example+sd-jwt, so it is no credential; the reference alone is of interest
    let token = UnverifiedSdJwt::parse(&token).unwrap();
    let reference = &token.danger_unverified_payload()["status"]["status_list"];
    assert_eq!((&reference["idx"], reference["uri"].as_str()), (&0.into(), Some(URI)));
}

#[test]
fn the_aggregation_names_lists_by_uris() {
    if !vectors::available(SUITE) {
        return;
    }
    let all = vectors::json(file("status_list_aggregation.json"));
    let uris = all["status_lists"].as_array().unwrap().iter();
    let uris: Vec<_> = uris.map(|uri| StatusListUri::parse(uri.as_str().unwrap())).collect();
    assert_eq!(uris.len(), 3);
    assert_eq!(uris[0].as_ref().map(StatusListUri::as_str), Ok(URI));
    assert!(uris.iter().all(Result::is_ok));
}

#[test]
fn the_signed_cwt_verifies_and_says_what_the_small_list_says() {
    if !vectors::available(SUITE) {
        return;
    }
    let token = hex(&vectors::text(file("status_list_token.cwt.hex.txt")));
    let uri = StatusListUri::parse(URI).unwrap();
    let now = Timestamp::from_second(1_700_000_000).unwrap();
    for provider in [&RustCrypto as &dyn CryptoProvider, &AwsLc] {
        let list = UnverifiedStatusList::parse(MEDIA_TYPE_CWT, &token).unwrap();
        assert_eq!(list.claimed_issuer(None, &[]).key_id, Some("12"));
        let list = list.verify(&test_key().key, &uri, now, provider).unwrap();
        assert_eq!(list.list().as_bytes(), [0xb9, 0xa3]);
        assert_eq!(list.ttl().map(|ttl| ttl.as_secs()), Some(43_200));
        assert_eq!(list.expires_at().map(|end| end.as_second()), Some(2_291_720_170));
    }
}

#[test]
fn the_referenced_cwt_points_to_the_signed_list() {
    if !vectors::available(SUITE) {
        return;
    }
    let token = hex(&vectors::text(file("referenced_token.cwt.hex.txt")));
    let token = UnverifiedSign1::parse(&token).unwrap();
    let token = token.verify(&test_key().key, b"", &RustCrypto).unwrap();
    let claims = Item::parse(token.payload()).unwrap();
    // Token Status List §6.2: the claim 65535
    let reference = claims.get(65_535).and_then(|status| status.get("status_list")).unwrap();
    assert_eq!(reference.get("idx").and_then(Item::as_integer), Some(0));
    assert_eq!(reference.get("uri").and_then(Item::as_text), Some(URI));
}

#[test]
fn the_list_of_lists_of_the_specification_is_read_and_written() {
    if !vectors::available(SUITE) {
        return;
    }
    let document = vectors::json(file("status_list_aggregation.json"));
    let text = document.to_string();
    let read = StatusListAggregation::parse("application/json", text.as_bytes()).unwrap();
    let lists: Vec<_> = read.lists.iter().map(StatusListUri::as_str).collect();
    assert_eq!(lists, [1, 2, 3].map(|nth| format!("https://example.com/statuslists/{nth}")));
    assert_eq!(read.to_json().parse::<Value>().unwrap(), document);
    let refused = |media_type, text: &str| {
        StatusListAggregation::parse(media_type, text.as_bytes()).unwrap_err().code()
    };
    assert_eq!(refused("text/html", &text), "status_aggregation_media_type");
    assert_eq!(refused("application/json", "[]"), "status_aggregation_unreadable");
    for malformed in ["{}", r#"{"status_lists": "x"}"#, r#"{"status_lists": ["no uri"]}"#] {
        let refused = StatusListAggregation::parse("application/json", malformed.as_bytes());
        assert_eq!(refused, Err(AggregationError::Malformed), "{malformed}");
    }
}
