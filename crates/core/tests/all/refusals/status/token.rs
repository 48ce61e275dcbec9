//! Status List Tokens, as JWT and as CWT.

use lanyard_core::{
    cbor::Value as Cbor,
    cose::{self, Header, Payload, label},
    json,
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use super::{ISS, Suite, URI, accept, binary_input, changed, input, jwt, ready, signer};
use crate::refusals::{Rule, keys::Known};

const JWT: &str = "application/statuslist+jwt";
const CWT: &str = "application/statuslist+cwt";

/// The list of the specification's first example: 16 statuses of one bit (§4.2).
const LST: &str = "eNrbuRgAAhcBXQ";

/// Number 1 of it is valid.
fn status(index: u64) -> Value {
    json!({"status_list": {"idx": index, "uri": URI}})
}

fn claims(changes: &Value) -> Value {
    let now = test_now().as_second();
    let good = json!({
        "iss": ISS,
        "sub": URI,
        "iat": now - 60,
        "exp": now + 3600,
        "ttl": 600,
        "status_list": {"bits": 1, "lst": LST},
    });
    changed(&good, changes)
}

fn header(changes: &Value) -> Value {
    changed(&json!({"alg": "ES256", "typ": "statuslist+jwt"}), changes)
}

fn token(changes: &Value) -> String {
    jwt(&Known::issuer(), &header(&json!({})), &claims(changes))
}

pub(super) fn cases(suite: &mut Suite) {
    let none = json!({});
    accept(suite, "jwt", input(&status(1), JWT, &token(&none)));
    accept(suite, "jwt-last-index", input(&status(11), JWT, &token(&none)));
    accept(suite, "jwt-without-exp", input(&status(1), JWT, &token(&json!({"exp": null}))));
    let past = json!({"nbf": test_now().as_second()});
    accept(suite, "jwt-with-nbf", input(&status(1), JWT, &token(&past)));
    accept(suite, "jwt-without-iss", input(&status(1), JWT, &token(&json!({"iss": null}))));
    accept(suite, "cwt", binary_input(&status(1), CWT, &cwt(Forged::default())));
    jws(suite);
    who_and_when(suite);
    list(suite);
    as_cwt(suite);
}

fn refuse(suite: &mut Suite, id: &str, rule: Rule, changes: &Value) {
    let id = format!("jwt-{id}");
    suite.refuse(id, rule, input(&status(1), JWT, &token(changes)));
}

fn jws(suite: &mut Suite) {
    let none = json!({});
    let good = token(&none);
    let kind: Rule = ("Token Status List §8.1", "status_list_media_type");
    for (id, media_type) in [
        ("as-html", "text/html"),
        ("as-jwt", "application/jwt"),
        ("as-json", "application/json"),
        ("as-octets", "application/octet-stream"),
    ] {
        suite.refuse(format!("jwt-{id}"), kind, input(&status(1), media_type, &good));
    }
    let other: Rule = ("Token Status List §8.1", "status_list_token_refused");
    suite.refuse("jwt-as-cwt", other, input(&status(1), CWT, &good));

    let form: Rule = ("RFC 7515 §7.1", "status_list_token_refused");
    let parts: Vec<&str> = good.split('.').collect();
    for (id, body) in [
        ("empty", String::new()),
        ("two-parts", format!("{}.{}", parts[0], parts[1])),
        ("four-parts", format!("{good}.{}", parts[2])),
        ("padded-signature", format!("{good}==")),
    ] {
        suite.refuse(format!("jwt-{id}"), form, input(&status(1), JWT, &body));
    }
    let typ: Rule = ("Token Status List §5.1", "status_list_token_refused");
    for (id, typ_value) in [
        ("typ-missing", Value::Null),
        ("typ-jwt", "JWT".into()),
        ("typ-of-the-cwt", "statuslist+cwt".into()),
        ("typ-of-a-credential", "dc+sd-jwt".into()),
    ] {
        let body = jwt(&Known::issuer(), &header(&json!({"typ": typ_value})), &claims(&none));
        suite.refuse(format!("jwt-{id}"), typ, input(&status(1), JWT, &body));
    }
    let algorithm: Rule = ("RFC 7515 §4.1.1", "status_list_token_refused");
    for name in ["none", "HS256", "RS256", "ES256K", "es256"] {
        let body = jwt(&Known::issuer(), &header(&json!({"alg": name})), &claims(&none));
        let id = format!("jwt-alg-{name}-in-header");
        suite.refuse(id, algorithm, input(&status(1), JWT, &body));
    }
    let own_key: Rule = ("RFC 7515 §4.1.3", "status_list_token_refused");
    let jwk = json!({"jwk": Known::stranger().jwk().to_value()});
    let body = jwt(&Known::stranger(), &header(&jwk), &claims(&none));
    suite.refuse("jwt-key-in-header", own_key, input(&status(1), JWT, &body));

    let signature: Rule = ("RFC 7515 §5.2", "status_list_signature");
    let body = jwt(&Known::stranger(), &header(&none), &claims(&none));
    suite.refuse("jwt-signed-by-a-stranger", signature, input(&status(1), JWT, &body));
    let revoked_first = token(&json!({"status_list": {"bits": 1, "lst": "eNpjYAAAAAIAAQ"}}));
    let swapped = format!(
        "{}.{}.{}",
        parts[0],
        revoked_first.split('.').nth(1).expect("a payload"),
        parts[2]
    );
    suite.refuse("jwt-payload-of-another", signature, input(&status(1), JWT, &swapped));
}

fn who_and_when(suite: &mut Suite) {
    let now = test_now().as_second();
    let sub: Rule = ("Token Status List §8.3(4.1)", "status_list_another");
    for (id, value) in [
        ("sub-missing", Value::Null),
        ("sub-number", 1.into()),
        ("sub-of-another-list", "https://issuer.example/status-lists/2".into()),
        ("sub-with-slash", format!("{URI}/").into()),
        ("sub-in-capitals", URI.to_uppercase().into()),
    ] {
        refuse(suite, id, sub, &json!({"sub": value}));
    }
    let iss: Rule = ("RFC 7519 §4.1.1", "status_list_issuer_malformed");
    refuse(suite, "iss-number", iss, &json!({"iss": 1}));
    refuse(suite, "iss-no-uri", iss, &json!({"iss": "somebody"}));
    let trust: Rule = ("Token Status List §11.3", "status_list_issuer_refused");
    refuse(suite, "iss-nobody-trusts", trust, &json!({"iss": "https://other.example"}));

    let iat: Rule = ("Token Status List §5.1", "status_list_iat_malformed");
    refuse(suite, "iat-missing", iat, &json!({"iat": null}));
    refuse(suite, "iat-text", iat, &json!({"iat": "2026-01-01"}));
    let future: Rule = ("Token Status List §5.1", "status_list_issued_in_the_future");
    refuse(suite, "iat-ahead", future, &json!({"iat": now + 61}));
    let nbf: Rule = ("RFC 7519 §4.1.5", "status_list_nbf_malformed");
    refuse(suite, "nbf-text", nbf, &json!({"nbf": "now"}));
    let early: Rule = ("RFC 7519 §4.1.5", "status_list_not_yet_valid");
    refuse(suite, "nbf-ahead", early, &json!({"nbf": now + 61}));
    let exp: Rule = ("RFC 7519 §4.1.4", "status_list_exp_malformed");
    refuse(suite, "exp-text", exp, &json!({"exp": "never"}));
    let expired: Rule = ("Token Status List §8.3(4.3)", "status_list_expired");
    refuse(suite, "exp-now", expired, &json!({"exp": now}));
    refuse(suite, "exp-passed", expired, &json!({"exp": now - 3600}));
    let ttl: Rule = ("Token Status List §5.1", "status_list_ttl_malformed");
    for (id, value) in
        [("ttl-zero", json!(0)), ("ttl-negative", json!(-1)), ("ttl-text", json!("600"))]
    {
        refuse(suite, id, ttl, &json!({"ttl": value}));
    }
}

fn list(suite: &mut Suite) {
    let shape: Rule = ("Token Status List §4.2", "status_list_malformed");
    for (id, value) in [
        ("list-missing", Value::Null),
        ("list-array", json!([])),
        ("list-without-lst", json!({"bits": 1})),
        ("list-without-bits", json!({"lst": LST})),
        ("list-lst-number", json!({"bits": 1, "lst": 7})),
        ("list-aggregation-no-uri", json!({"bits": 1, "lst": LST, "aggregation_uri": "nowhere"})),
    ] {
        refuse(suite, id, shape, &json!({"status_list": value}));
    }
    let bits: Rule = ("Token Status List §4.2", "status_list_bits");
    for (id, value) in [
        ("bits-0", json!(0)),
        ("bits-3", json!(3)),
        ("bits-9", json!(9)),
        ("bits-16", json!(16)),
        ("bits-text", json!("1")),
        ("bits-fraction", json!(1.5)),
        ("bits-negative", json!(-1)),
    ] {
        refuse(suite, id, bits, &json!({"status_list": {"bits": value, "lst": LST}}));
    }
    let lst = |lst: String| json!({"status_list": {"bits": 1, "lst": lst}});
    let whole = json::base64url_decode(LST).expect("base64url");
    let encoded = |bytes: &[u8]| lst(json::base64url(bytes));
    let alphabet: Rule = ("Token Status List §4.2", "status_list_not_base64url");
    refuse(suite, "lst-padded", alphabet, &lst(format!("{LST}==")));
    refuse(suite, "lst-with-plus", alphabet, &lst(format!("+{}", &LST[1..])));
    let zlib: Rule = ("Token Status List §4.1(4)", "status_list_not_zlib");
    refuse(suite, "lst-raw-deflate", zlib, &encoded(&whole[2..whole.len() - 4]));
    let mut bad = whole.clone();
    bad[0] = 0x1f;
    refuse(suite, "lst-gzip-magic", zlib, &encoded(&bad));
    let mut bad = whole.clone();
    *bad.last_mut().expect("bytes") ^= 1;
    refuse(suite, "lst-wrong-checksum", zlib, &encoded(&bad));
    let cut: Rule = ("RFC 1950 §2.2", "status_list_truncated");
    refuse(suite, "lst-empty", cut, &encoded(&[]));
    refuse(suite, "lst-header-alone", cut, &encoded(&whole[..2]));
    refuse(suite, "lst-without-checksum", cut, &encoded(&whole[..whole.len() - 4]));
    let more: Rule = ("RFC 1950 §2.2", "status_list_trailing_bytes");
    refuse(suite, "lst-followed-by-a-byte", more, &encoded(&[&whole[..], &[0]].concat()));
    refuse(suite, "lst-twice", more, &encoded(&[&whole[..], &whole[..]].concat()));
    let empty: Rule = ("Token Status List §4.1", "status_list_empty");
    refuse(suite, "lst-of-nothing", empty, &encoded(&[0x78, 0x9c, 3, 0, 0, 0, 0, 1]));

    let range: Rule = ("Token Status List §8.3(5)", "status_index_out_of_range");
    let good = token(&json!({}));
    for (id, index) in [("16", 16), ("17", 17), ("2-to-the-64", u64::MAX)] {
        suite.refuse(format!("jwt-index-{id}"), range, input(&status(index), JWT, &good));
    }
}

/// The claims of a CWT, by their numbers.
type CwtClaims = Vec<(i64, Cbor)>;

/// What is wrong with a CWT.
struct Forged {
    typ: Option<&'static str>,
    claims: Box<dyn Fn(&mut CwtClaims)>,
    wrap: fn(&[u8]) -> Vec<u8>,
    by: fn() -> Known,
}

impl Default for Forged {
    fn default() -> Self {
        Self { typ: Some(CWT), claims: Box::new(|_| {}), wrap: <[u8]>::to_vec, by: Known::issuer }
    }
}

fn cwt(forged: Forged) -> Vec<u8> {
    let now = test_now().as_second();
    let lst = json::base64url_decode(LST).expect("base64url");
    let list = Cbor::map([("bits", Cbor::from(1_u64)), ("lst", lst.as_slice().into())]);
    let mut claims: Vec<(i64, Cbor)> = vec![
        (1, ISS.into()),
        (2, URI.into()),
        (4, (now + 3600).into()),
        (6, (now - 60).into()),
        (65_533, list),
        (65_534, 600_i64.into()),
    ];
    (forged.claims)(&mut claims);
    let claims = claims.into_iter().map(|(label, value)| (label.into(), value)).collect();
    let payload = Cbor::Map(claims).encode();
    let protected = match forged.typ {
        Some(typ) => Header::new().with(label::TYPE, typ),
        None => Header::new(),
    };
    let (signer, payload) = (signer(&(forged.by)()), Payload::Attached(&payload));
    let signed = cose::sign1(protected, Header::new(), payload, b"", &signer);
    (forged.wrap)(&cose::tagged_sign1(&ready(signed).expect("a key in memory signs")))
}

fn as_cwt(suite: &mut Suite) {
    let mut refuse = |id: &str, rule: Rule, forged: Forged| {
        let body = cwt(forged);
        suite.refuse(format!("cwt-{id}"), rule, binary_input(&status(1), CWT, &body));
    };
    let refused = "status_list_token_refused";
    let typ: Rule = ("Token Status List §5.2", refused);
    refuse("typ-missing", typ, Forged { typ: None, ..Forged::default() });
    refuse("typ-of-the-jwt", typ, Forged { typ: Some("statuslist+jwt"), ..Forged::default() });
    let tag: Rule = ("Token Status List §5.2", refused);
    let untagged = |whole: &[u8]| whole[1..].to_vec();
    refuse("without-tag-18", tag, Forged { wrap: untagged, ..Forged::default() });
    let cwt_tag = |whole: &[u8]| [&[0xd8, 61], whole].concat();
    refuse("with-tag-61", tag, Forged { wrap: cwt_tag, ..Forged::default() });
    let form: Rule = ("RFC 8949 §5.3", refused);
    let trailing = |whole: &[u8]| [whole, &[0]].concat();
    refuse("trailing-byte", form, Forged { wrap: trailing, ..Forged::default() });
    let cut = |whole: &[u8]| whole[..whole.len() - 1].to_vec();
    refuse("cut-short", form, Forged { wrap: cut, ..Forged::default() });
    let signature: Rule = ("RFC 9052 §4.4", "status_list_signature");
    refuse("signed-by-a-stranger", signature, Forged { by: Known::stranger, ..Forged::default() });

    let set = |label: i64, value: Cbor| Forged {
        claims: Box::new(move |claims| {
            claims.retain(|(of, _)| *of != label);
            claims.push((label, value.clone()));
        }),
        ..Forged::default()
    };
    let without = |label: i64| Forged {
        claims: Box::new(move |claims| claims.retain(|(of, _)| *of != label)),
        ..Forged::default()
    };
    let now = test_now().as_second();
    let another: Rule = ("Token Status List §8.3(4.1)", "status_list_another");
    refuse("sub-missing", another, without(2));
    refuse("sub-of-another-list", another, set(2, "https://issuer.example/2".into()));
    refuse("iss-number", ("RFC 8392 §3.1.1", "status_list_issuer_malformed"), set(1, 1_i64.into()));
    let trust: Rule = ("Token Status List §11.3", "status_list_issuer_refused");
    refuse("iss-nobody-trusts", trust, set(1, "https://other.example".into()));
    let iat: Rule = ("Token Status List §5.2", "status_list_iat_malformed");
    refuse("iat-missing", iat, without(6));
    refuse("iat-text", iat, set(6, "now".into()));
    let future: Rule = ("Token Status List §5.2", "status_list_issued_in_the_future");
    refuse("iat-ahead", future, set(6, (now + 61).into()));
    refuse("nbf-text", ("RFC 8392 §3.1.5", "status_list_nbf_malformed"), set(5, "now".into()));
    let early: Rule = ("RFC 8392 §3.1.5", "status_list_not_yet_valid");
    refuse("nbf-ahead", early, set(5, (now + 61).into()));
    let exp: Rule = ("RFC 8392 §3.1.4", "status_list_exp_malformed");
    refuse("exp-text", exp, set(4, "never".into()));
    refuse(
        "exp-passed",
        ("Token Status List §8.3(4.3)", "status_list_expired"),
        set(4, now.into()),
    );
    let ttl: Rule = ("Token Status List §5.2", "status_list_ttl_malformed");
    refuse("ttl-zero", ttl, set(65_534, 0_i64.into()));
    let shape: Rule = ("Token Status List §4.3", "status_list_malformed");
    refuse("list-missing", shape, without(65_533));
    let lst = json::base64url_decode(LST).expect("base64url");
    let text = Cbor::map([("bits", Cbor::from(1_u64)), ("lst", LST.into())]);
    refuse("lst-text", shape, set(65_533, text));
    let three = Cbor::map([("bits", Cbor::from(3_u64)), ("lst", lst.as_slice().into())]);
    refuse("bits-3", ("Token Status List §4.3", "status_list_bits"), set(65_533, three));
    let raw = Cbor::map([("bits", Cbor::from(1_u64)), ("lst", lst[2..lst.len() - 4].into())]);
    refuse(
        "lst-raw-deflate",
        ("Token Status List §4.1(4)", "status_list_not_zlib"),
        set(65_533, raw),
    );
}
