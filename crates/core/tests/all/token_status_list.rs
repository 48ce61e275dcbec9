//! Token Status List: what is published, what is refused, and for how long a copy is good.

use jiff::SignedDuration;
use lanyard_core::{
    Timestamp, cbor,
    cose::{self, CoseError, Header, Payload},
    crypto::{CryptoError, CryptoProvider},
    jose::JwsError,
    json,
    status::{
        InflateError, Status, StatusListUri,
        token_status_list::{
            Freshness, MEDIA_TYPE_CWT, MEDIA_TYPE_JWT, SharedLists, StatusBits, StatusList,
            StatusListDraft, StatusListError, UnverifiedStatusList, VerifiedStatusList,
        },
    },
    trust::IssuerIdentifier,
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::sd_jwt_support::{PROVIDERS, Party, ready};

const URI: &str = "https://issuer.example/status-lists/1";
const SIZES: [StatusBits; 4] =
    [StatusBits::One, StatusBits::Two, StatusBits::Four, StatusBits::Eight];

fn uri() -> StatusListUri {
    StatusListUri::parse(URI).expect("it is a URI")
}

fn after(seconds: i64) -> Timestamp {
    test_now() + SignedDuration::from_secs(seconds)
}

/// A list of 16 tokens, of which number 3 is revoked.
fn list() -> StatusList {
    let mut list = StatusList::new(StatusBits::One, 16).expect("it is not empty");
    list.set(3, Status::Invalid).expect("it is in the list");
    list
}

fn draft() -> StatusListDraft {
    StatusListDraft::new(&uri(), &list(), test_now())
}

/// The claims of a good list with some of them replaced (by null: removed).
fn forged(issuer: &Party, changes: &Value) -> String {
    let mut claims = json!({
        "sub": URI,
        "iat": test_now().as_second(),
        "exp": after(3600).as_second(),
        "ttl": 600,
        "status_list": {"bits": 1, "lst": json::base64url(list().compress())},
    });
    for (name, value) in changes.as_object().expect("changes are an object") {
        claims[name] = value.clone();
    }
    claims.as_object_mut().expect("claims are an object").retain(|_, value| !value.is_null());
    issuer.sign(&json!({"typ": "statuslist+jwt"}), &claims)
}

fn verify(token: &str, issuer: &Party) -> Result<VerifiedStatusList, StatusListError> {
    let verify = |provider: &dyn CryptoProvider| {
        UnverifiedStatusList::parse_jwt(token)?.verify(
            &issuer.jwk.key,
            &uri(),
            test_now(),
            provider,
        )
    };
    let [one, other] = PROVIDERS.map(verify);
    assert_eq!(one.as_ref().map(|_| ()), other.as_ref().map(|_| ()), "both providers agree");
    one
}

fn refusal(changes: &Value) -> StatusListError {
    let issuer = Party::new();
    verify(&forged(&issuer, changes), &issuer).expect_err("a rule is broken")
}

#[test]
fn a_published_list_says_what_was_set() {
    let issuer = Party::new();
    let iss = IssuerIdentifier::parse("https://issuer.example").unwrap();
    let aggregation = StatusListUri::parse("https://issuer.example/status-lists").unwrap();
    let draft = draft()
        .with_issuer(&iss)
        .with_expiry(after(3600))
        .with_ttl(SignedDuration::from_secs(600))
        .with_aggregation(&aggregation)
        .with_key_id("key-1");
    let token = ready(draft.sign_jwt(&issuer.signer)).unwrap();
    let claimed = UnverifiedStatusList::parse_jwt(&token).unwrap();
    let claimed = claimed.claimed_issuer(None, &[]);
    assert_eq!((claimed.issuer, claimed.key_id), (Some(&iss), Some("key-1")));
    let verified = verify(&token, &issuer).unwrap();
    assert_eq!(verified.list(), &list());
    assert_eq!(verified.uri(), &uri());
    assert_eq!(verified.aggregation(), Some(&aggregation));
    assert_eq!(verified.issued_at(), test_now());
    assert_eq!(verified.expires_at(), Some(after(3600)));
    assert_eq!(verified.ttl(), Some(SignedDuration::from_secs(600)));
    assert_eq!((verified.status(3), verified.status(4)), (Ok(Status::Invalid), Ok(Status::Valid)));
}

#[test]
fn without_iss_a_list_claims_to_be_by_the_issuer_of_the_credential() {
    let issuer = Party::new();
    let token = ready(draft().sign_jwt(&issuer.signer)).unwrap();
    let referring = IssuerIdentifier::parse("https://issuer.example").unwrap();
    let list = UnverifiedStatusList::parse_jwt(&token).unwrap();
    assert_eq!(list.claimed_issuer(Some(&referring), &[]).issuer, Some(&referring));
    assert_eq!(list.claimed_issuer(None, &[]).issuer, None);
}

#[test]
fn a_list_that_two_hold_is_one_and_each_believes_it_for_itself() {
    let (issuer, stranger, lists) = (Party::new(), Party::new(), SharedLists::default());
    let token = ready(draft().sign_jwt(&issuer.signer)).unwrap();
    let read = |by: &Party| {
        let list = UnverifiedStatusList::parse_jwt(&token)?.sharing(&lists);
        list.verify(&by.jwk.key, &uri(), test_now(), PROVIDERS[0])
    };
    let (one, other) = (read(&issuer).unwrap(), read(&issuer).unwrap());
    assert!(std::ptr::eq(one.list(), other.list()), "the same bytes are held once");
    assert!(!std::ptr::eq(one.list(), verify(&token, &issuer).unwrap().list()));
    assert!(
        matches!(read(&stranger), Err(StatusListError::Jws(_))),
        "it is held, and signed by another"
    );
}

#[test]
fn a_status_is_set_without_touching_its_neighbours() {
    for size in SIZES {
        let mut list = StatusList::new(size, 24).unwrap();
        let highest = Status::from_value(u8::MAX >> (8 - size.number()));
        for index in 0..24 {
            list.set(index, highest).unwrap();
        }
        list.set(9, Status::Valid).unwrap();
        let valid: Vec<_> = (0..24).filter(|at| list.status(*at) == Ok(Status::Valid)).collect();
        assert_eq!(valid, [9], "{size:?}");
    }
}

#[test]
fn a_status_that_does_not_fit_is_not_set() {
    let mut list = list();
    assert_eq!(list.set(0, Status::Suspended), Err(StatusListError::StatusTooWide));
    assert_eq!(list.set(16, Status::Invalid), Err(StatusListError::IndexOutOfRange));
    assert_eq!(list, self::list());
}

#[test]
fn an_index_beyond_the_list_is_refused() {
    let list = list();
    assert_eq!(list.length(), 16);
    assert_eq!(list.status(15), Ok(Status::Valid));
    for index in [16, 17, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(list.status(index), Err(StatusListError::IndexOutOfRange), "{index}");
    }
}

#[test]
fn values_mean_what_the_registry_says() {
    assert_eq!(Status::from_value(0), Status::Valid);
    assert_eq!(Status::from_value(1), Status::Invalid);
    assert_eq!(Status::from_value(2), Status::Suspended);
    for value in [3, 12, 13, 14, 15] {
        assert_eq!(Status::from_value(value), Status::ApplicationSpecific(value));
    }
    // 0x0B was application specific in earlier drafts
    for value in [4, 11, 16, 255] {
        assert_eq!(Status::from_value(value), Status::Unassigned(value));
    }
    assert!((0..=255).all(|value| Status::from_value(value).value() == value));
}

#[test]
fn an_empty_list_is_none() {
    assert_eq!(StatusList::new(StatusBits::One, 0), Err(StatusListError::Empty));
    let nothing = StatusList::decompress(StatusBits::One, &[0x78, 0x9c, 3, 0, 0, 0, 0, 1]);
    assert_eq!(nothing, Err(StatusListError::Empty));
}

#[test]
fn another_signature_is_refused() {
    let token = ready(draft().sign_jwt(&Party::new().signer)).unwrap();
    let refused = StatusListError::Jws(JwsError::Signature(CryptoError::InvalidSignature));
    assert_eq!(verify(&token, &Party::new()).unwrap_err(), refused);
}

#[test]
fn a_token_of_another_kind_is_refused() {
    let issuer = Party::new();
    let claims = json!({"sub": URI, "iat": 0, "status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ"}});
    for typ in ["JWT", "dc+sd-jwt", "application/statuslist+jwt", "statuslist+cwt"] {
        let token = issuer.sign(&json!({"typ": typ}), &claims);
        let refused = StatusListError::Jws(JwsError::WrongType("status list token"));
        assert_eq!(verify(&token, &issuer).unwrap_err(), refused, "{typ}");
    }
}

#[test]
fn a_key_in_the_header_is_refused() {
    let issuer = Party::new();
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": "I3HWm_0Ds1dPMI-IWmf4mBmH-YaeAVbPVu7vB27CxXo",
        "y": "6N_d5Elj9bs1htgV3okJKIdbHEpkgTmAluYKJemzn1M"});
    let token = issuer.sign(&json!({"typ": "statuslist+jwt", "jwk": jwk}), &json!({}));
    let refused = StatusListError::Jws(JwsError::HeaderKeyNotAllowed("status list token"));
    assert_eq!(verify(&token, &issuer).unwrap_err(), refused);
}

#[test]
fn the_list_must_be_the_one_that_was_referred_to() {
    for sub in [json!(null), json!(1), json!("https://issuer.example/status-lists/2")] {
        assert_eq!(refusal(&json!({"sub": sub})), StatusListError::AnotherList);
    }
    // compared character by character
    let upper = json!({"sub": "https://ISSUER.example/status-lists/1"});
    assert_eq!(refusal(&upper), StatusListError::AnotherList);
}

#[test]
fn the_times_of_a_list_are_judged() {
    assert_eq!(refusal(&json!({"iat": null})), StatusListError::IssuedAt);
    assert_eq!(refusal(&json!({"iat": "now"})), StatusListError::IssuedAt);
    let ahead = json!({"iat": after(61).as_second()});
    assert_eq!(refusal(&ahead), StatusListError::IssuedInTheFuture);
    assert_eq!(refusal(&json!({"exp": "never"})), StatusListError::Expiry);
    assert_eq!(refusal(&json!({"exp": test_now().as_second()})), StatusListError::Expired);
    for ttl in [json!(0), json!(-1), json!("600")] {
        assert_eq!(refusal(&json!({"ttl": ttl})), StatusListError::Ttl);
    }
    assert_eq!(refusal(&json!({"iss": 1})), StatusListError::Iss);
    assert_eq!(refusal(&json!({"iss": "somebody"})), StatusListError::Iss);
    let issuer = Party::new();
    let skewed = json!({"iat": after(60).as_second(), "exp": after(1).as_second()});
    assert!(verify(&forged(&issuer, &skewed), &issuer).is_ok());
}

#[test]
fn a_list_of_another_shape_is_refused() {
    let lst = json::base64url(list().compress());
    for status_list in [json!(null), json!([]), json!({"bits": 1}), json!({"lst": lst})] {
        assert_eq!(refusal(&json!({"status_list": status_list})), StatusListError::Malformed);
    }
    for bits in [json!(0), json!(3), json!(9), json!(16), json!("1"), json!(1.5), json!(-1)] {
        let changed = json!({"status_list": {"bits": bits, "lst": lst}});
        assert_eq!(refusal(&changed), StatusListError::Bits, "{bits}");
    }
    let aggregation = json!({"status_list": {"bits": 1, "lst": lst, "aggregation_uri": "nowhere"}});
    assert_eq!(refusal(&aggregation), StatusListError::Malformed);
    let padded = json!({"status_list": {"bits": 1, "lst": "eNrbuRgAAhcBXQ=="}});
    assert_eq!(refusal(&padded).code(), "status_list_not_base64url");
}

#[test]
fn what_is_not_exactly_one_zlib_stream_is_refused() {
    let whole = list().compress();
    let decompress = |bytes: &[u8]| StatusList::decompress(StatusBits::One, bytes).unwrap_err();
    let raw_deflate = &whole[2..whole.len() - 4];
    assert_eq!(decompress(raw_deflate), InflateError::Corrupt.into());
    let gzip = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(decompress(&gzip), InflateError::Corrupt.into());
    let mut wrong_sum = whole.clone();
    *wrong_sum.last_mut().unwrap() ^= 1;
    assert_eq!(decompress(&wrong_sum), InflateError::Corrupt.into());
    for length in 0..whole.len() {
        assert_eq!(decompress(&whole[..length]), InflateError::Truncated.into(), "{length}");
    }
    let trailing = [&whole[..], &[0]].concat();
    assert_eq!(decompress(&trailing), InflateError::TrailingBytes.into());
    let twice = [&whole[..], &whole[..]].concat();
    assert_eq!(decompress(&twice), InflateError::TrailingBytes.into());
}

#[test]
fn sixteen_mebibytes_are_read_and_not_one_byte_more() {
    let largest = StatusList::new(StatusBits::Eight, 16 << 20).unwrap();
    let compressed = largest.compress();
    assert!(compressed.len() < 64 << 10, "a bomb of hundreds to one");
    assert_eq!(StatusList::decompress(StatusBits::Eight, &compressed), Ok(largest));
    let beyond = StatusList::from_bytes(StatusBits::Eight, vec![0; (16 << 20) + 1]).unwrap();
    let refused = StatusList::decompress(StatusBits::Eight, &beyond.compress());
    assert_eq!(refused, Err(InflateError::TooLarge.into()));
    let refused = StatusList::new(StatusBits::One, u64::MAX);
    assert_eq!(refused, Err(InflateError::TooLarge.into()));
}

#[test]
fn a_copy_is_fresh_for_as_long_as_the_list_and_the_bounds_allow() {
    let issuer = Party::new();
    let bounds = Freshness::default();
    let fresh_for = |changes: &Value| {
        let list = verify(&forged(&issuer, changes), &issuer).unwrap();
        list.fresh_until(test_now(), &bounds).as_second() - test_now().as_second()
    };
    assert_eq!(fresh_for(&json!({})), 600);
    assert_eq!(fresh_for(&json!({"ttl": 0.5})), 1, "not asked for at every presentation");
    assert_eq!(fresh_for(&json!({"ttl": null})), 300);
    assert_eq!(fresh_for(&json!({"ttl": 1e12, "exp": null})), 86_400, "not kept for ever");
    assert_eq!(fresh_for(&json!({"ttl": 1e12})), 3600, "never beyond exp");
    assert_eq!(fresh_for(&json!({"exp": after(5).as_second()})), 5);
}

#[test]
fn a_list_expires_while_it_is_kept() {
    let issuer = Party::new();
    let list = verify(&forged(&issuer, &json!({})), &issuer).unwrap();
    assert!(!list.has_expired(after(3599)));
    assert!(list.has_expired(after(3600)));
}

#[test]
fn a_published_cwt_says_what_was_set() {
    let issuer = Party::new();
    let iss = IssuerIdentifier::parse("https://issuer.example").unwrap();
    let aggregation = StatusListUri::parse("https://issuer.example/status-lists").unwrap();
    let draft = draft()
        .with_issuer(&iss)
        .with_expiry(after(3600))
        .with_ttl(SignedDuration::from_secs(600))
        .with_aggregation(&aggregation)
        .with_key_id("key-1")
        .with_x5c([b"not looked at here"]);
    let token = ready(draft.sign_cwt(&issuer.signer)).unwrap();
    for provider in PROVIDERS {
        let list = UnverifiedStatusList::parse(MEDIA_TYPE_CWT, &token).unwrap();
        let claimed = list.claimed_issuer(None, &[]);
        assert_eq!((claimed.issuer, claimed.key_id), (Some(&iss), Some("key-1")));
        assert_eq!(claimed.certificates.map(|chain| chain.der.len()), Some(1));
        let list = list.verify(&issuer.jwk.key, &uri(), test_now(), provider).unwrap();
        assert_eq!(list.list(), &self::list());
        assert_eq!(list.aggregation(), Some(&aggregation));
        assert_eq!(list.expires_at(), Some(after(3600)));
        assert_eq!(list.ttl(), Some(SignedDuration::from_secs(600)));
    }
}

/// A signed CWT with a good list in it, some of its claims replaced (by null: removed).
fn forged_cwt(issuer: &Party, typ: &str, changes: &[(i64, cbor::Value)]) -> Vec<u8> {
    let lst = cbor::Value::map([("bits", 1_u64.into()), ("lst", list().compress().into())]);
    let mut claims = vec![(2, URI.into()), (6, test_now().as_second().into()), (65_533, lst)];
    claims.retain(|(label, _)| changes.iter().all(|(changed, _)| changed != label));
    claims.extend(changes.iter().filter(|(_, value)| *value != cbor::Value::Null).cloned());
    let claims = claims.into_iter().map(|(label, value)| (label.into(), value)).collect();
    let payload = cbor::Value::Map(claims).encode();
    let protected = Header::new().with(cose::label::TYPE, typ);
    let payload = Payload::Attached(&payload);
    let signed = cose::sign1(protected, Header::new(), payload, b"", &issuer.signer);
    cose::tagged_sign1(&ready(signed).expect("a key in memory signs"))
}

fn verify_cwt(token: &[u8], issuer: &Party) -> Result<VerifiedStatusList, StatusListError> {
    let list = UnverifiedStatusList::parse_cwt(token)?;
    list.verify(&issuer.jwk.key, &uri(), test_now(), PROVIDERS[0])
}

#[test]
fn a_cwt_is_held_to_the_same_rules() {
    let issuer = Party::new();
    let refusal = |label: i64, value: cbor::Value| {
        let token = forged_cwt(&issuer, MEDIA_TYPE_CWT, &[(label, value)]);
        verify_cwt(&token, &issuer).unwrap_err()
    };
    let time = |seconds| cbor::Value::from(after(seconds).as_second());
    assert_eq!(refusal(1, "somebody".into()), StatusListError::Iss);
    assert_eq!(refusal(2, "https://issuer.example/2".into()), StatusListError::AnotherList);
    assert_eq!(refusal(4, time(0)), StatusListError::Expired);
    assert_eq!(refusal(4, "never".into()), StatusListError::Expiry);
    assert_eq!(refusal(6, cbor::Value::Null), StatusListError::IssuedAt);
    let tagged = cbor::Value::Tag(1, Box::new(time(0)));
    assert_eq!(refusal(6, tagged), StatusListError::IssuedAt, "RFC 8392: no tag");
    assert_eq!(refusal(6, time(61)), StatusListError::IssuedInTheFuture);
    assert_eq!(refusal(65_534, 0_u64.into()), StatusListError::Ttl);
    assert_eq!(refusal(65_533, cbor::Value::Null), StatusListError::Malformed);
    let three = cbor::Value::map([("bits", 3_u64.into()), ("lst", list().compress().into())]);
    assert_eq!(refusal(65_533, three), StatusListError::Bits);
    let text = json::base64url(list().compress());
    let text = cbor::Value::map([("bits", 1_u64.into()), ("lst", text.into())]);
    assert_eq!(refusal(65_533, text), StatusListError::Malformed, "lst is a byte string");
    assert!(verify_cwt(&forged_cwt(&issuer, MEDIA_TYPE_CWT, &[]), &issuer).is_ok());
}

#[test]
fn a_cwt_is_tagged_and_typed_as_a_status_list_token() {
    let issuer = Party::new();
    let token = forged_cwt(&issuer, MEDIA_TYPE_CWT, &[]);
    let untagged = &token[1..];
    assert_eq!(verify_cwt(untagged, &issuer).unwrap_err(), StatusListError::CwtType);
    let as_cwt = [&[0xd8, 61], &token[..]].concat();
    assert_eq!(verify_cwt(&as_cwt, &issuer).unwrap_err(), CoseError::Malformed.into());
    let typed = forged_cwt(&issuer, "application/mso", &[]);
    assert_eq!(verify_cwt(&typed, &issuer).unwrap_err(), StatusListError::CwtType);
    let refused = CoseError::Signature(CryptoError::InvalidSignature).into();
    assert_eq!(verify_cwt(&token, &Party::new()).unwrap_err(), refused);
}

#[test]
fn the_media_type_says_which_of_the_two_forms_it_is() {
    let issuer = Party::new();
    let jwt = ready(draft().sign_jwt(&issuer.signer)).unwrap();
    let cwt = ready(draft().sign_cwt(&issuer.signer)).unwrap();
    let parse = |media_type: &str, bytes: &[u8]| {
        UnverifiedStatusList::parse(media_type, bytes).map(drop).map_err(|error| error.code())
    };
    assert_eq!(parse(MEDIA_TYPE_JWT, jwt.as_bytes()), Ok(()));
    assert_eq!(parse(MEDIA_TYPE_CWT, &cwt), Ok(()));
    assert_eq!(parse(MEDIA_TYPE_CWT, jwt.as_bytes()), Err("status_list_token_refused"));
    assert_eq!(parse(MEDIA_TYPE_JWT, &cwt), Err("status_list_token_refused"));
    assert_eq!(parse("text/html", jwt.as_bytes()), Err("status_list_media_type"));
}

#[test]
fn a_list_of_a_million_statuses_fits_whatever_they_are() {
    let issuer = Party::new();
    let mut noise = 1_u32;
    let bytes = (0..1_000_000).map(|_| {
        // xorshift: nothing that compresses
        noise ^= noise << 13;
        noise ^= noise >> 17;
        noise ^= noise << 5;
        noise as u8
    });
    let list = StatusList::from_bytes(StatusBits::Eight, bytes.collect()).unwrap();
    let draft = StatusListDraft::new(&uri(), &list, test_now());
    let jwt = ready(draft.sign_jwt(&issuer.signer)).unwrap();
    assert!(jwt.len() > 1_700_000, "it does not compress, and is encoded twice");
    let read = verify(&jwt, &issuer).unwrap();
    assert_eq!(*read.list(), list);
    let cwt = ready(draft.sign_cwt(&issuer.signer)).unwrap();
    assert!(UnverifiedStatusList::parse(MEDIA_TYPE_CWT, &cwt).is_ok());
    let too_long = "a".repeat(lanyard_core::status::MAX_TOKEN + 1);
    let refused = UnverifiedStatusList::parse_jwt(&too_long).unwrap_err();
    assert_eq!(refused, StatusListError::Jws(JwsError::TooLong));
}
