//! RFC 9901: each rule broken alone, and what must hold for any claims.

use std::collections::HashSet;

use lanyard_core::{
    claims::{Claims, ClaimsPath, Decoys, Elements, PathError},
    crypto::{AwsLc, CryptoError, HashAlgorithm},
    jose::{HeaderError, JwsError},
    json::{self, Object},
    sd_jwt::{
        HeldSdJwt, IssueError, JsonSerializationError, MAX_LENGTH, PresentError, SdJwtError,
        SdJwtJson, UnverifiedSdJwt, issue,
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    sd_jwt_key_binding::{Bound, bound, verify_bound},
    sd_jwt_support::{Demand, PROVIDERS, Party, SLOT, digest, disclosure, ready},
};

/// What both providers say about an SD-JWT without key binding.
pub(crate) fn verify(issuer: &Party, sd_jwt: &str) -> Result<Value, SdJwtError> {
    let verdict = |provider| {
        let verified =
            UnverifiedSdJwt::parse(sd_jwt)?.verify(&SLOT, &issuer.jwk.key, None, provider)?;
        Ok(verified.into_claims().into_value())
    };
    let [one, other] = PROVIDERS.map(verdict);
    assert_eq!(one, other);
    one
}

/// What is said about a payload and its disclosures, rightly signed.
fn verdict(payload: &Value, disclosures: &[String]) -> Result<Value, SdJwtError> {
    let issuer = Party::new();
    verify(&issuer, &issuer.forge(payload, disclosures))
}

/// One disclosure that is referenced in `_sd` at the top level.
fn one_member(parts: &Value) -> Result<Value, SdJwtError> {
    let encoded = disclosure(parts);
    verdict(&json!({"_sd": [digest(&encoded)]}), &[encoded])
}

/// One disclosure that is referenced in an array.
fn one_element(parts: &Value) -> Result<Value, SdJwtError> {
    let encoded = disclosure(parts);
    verdict(&json!({"array": [{"...": digest(&encoded)}]}), &[encoded])
}

fn issued(issuer: &Party, claims: &Claims) -> String {
    let header = Object::from_iter([("typ".to_owned(), "test+sd-jwt".into())]);
    ready(issue(header, claims, HashAlgorithm::Sha256, &issuer.signer, &AwsLc))
        .expect("a key in memory signs")
}

fn held(issuer: &Party, claims: &Claims) -> HeldSdJwt {
    let sd_jwt = issued(issuer, claims);
    let unverified = UnverifiedSdJwt::parse(&sd_jwt).expect("it was issued here");
    unverified.verify_for_holding(&SLOT, &issuer.jwk.key, &AwsLc).expect("it was issued here")
}

fn path(pointer: Value) -> ClaimsPath {
    ClaimsPath::from_value(&pointer).expect("a test points rightly")
}

// The form

#[test]
fn refuses_a_plain_jwt() {
    let issuer = Party::new();
    let jwt = issuer.sign(&json!({"typ": "test+sd-jwt"}), &json!({}));
    assert_eq!(verify(&issuer, &jwt), Err(SdJwtError::NotAnSdJwt));
    assert_eq!(verify(&issuer, &format!("{jwt}~")), Ok(json!({})));
}

#[test]
fn refuses_a_missing_final_tilde() {
    let encoded = disclosure(&json!(["salt", "name", 1]));
    let issuer = Party::new();
    let sd_jwt = issuer.forge(&json!({"_sd": [digest(&encoded)]}), &[encoded]);
    assert_eq!(
        verify(&issuer, sd_jwt.strip_suffix('~').unwrap()),
        Err(SdJwtError::FinalTildeMissing)
    );
}

#[test]
fn refuses_an_empty_disclosure() {
    let issuer = Party::new();
    let sd_jwt = issuer.forge(&json!({}), &[]);
    assert_eq!(verify(&issuer, &format!("{sd_jwt}~")), Err(SdJwtError::EmptyDisclosure));
    assert_eq!(verify(&issuer, &format!("{sd_jwt}~~")), Err(SdJwtError::EmptyDisclosure));
}

#[test]
fn refuses_anything_before_or_after_it() {
    let issuer = Party::new();
    let sd_jwt = issuer.forge(&json!({}), &[]);
    assert_eq!(
        verify(&issuer, &format!("~{sd_jwt}")),
        Err(SdJwtError::IssuerJwt(JwsError::Malformed))
    );
    for before in ["\u{feff}", " "] {
        assert_eq!(
            verify(&issuer, &format!("{before}{sd_jwt}")),
            Err(SdJwtError::IssuerJwt(JwsError::Header(HeaderError::NotBase64Url)))
        );
    }
    for after in ["\n", " ", "\u{feff}"] {
        assert_eq!(
            verify(&issuer, &format!("{sd_jwt}{after}")),
            Err(SdJwtError::FinalTildeMissing)
        );
    }
}

#[test]
fn refuses_what_is_too_long_before_reading_it() {
    let issuer = Party::new();
    let huge = format!("{}{}~", issuer.forge(&json!({}), &[]), "A".repeat(5 << 20));
    assert!(huge.len() > MAX_LENGTH);
    assert_eq!(verify(&issuer, &huge), Err(SdJwtError::TooLong));
}

#[test]
fn takes_five_hundred_disclosures_and_not_one_more() {
    let many = |count: usize| -> Vec<String> {
        (0..count)
            .map(|n| disclosure(&json!([format!("salt {n}"), format!("claim {n}"), n])))
            .collect()
    };
    let payload = |disclosures: &[String]| json!({"_sd": disclosures.iter().map(|one| digest(one)).collect::<Vec<_>>()});
    let enough = many(500);
    assert_eq!(verdict(&payload(&enough), &enough).unwrap().as_object().unwrap().len(), 500);
    let too_many = many(501);
    assert_eq!(verdict(&payload(&too_many), &too_many), Err(SdJwtError::TooManyDisclosures));
    let issuer = Party::new();
    let flood = format!("{}{}", issuer.forge(&json!({}), &[]), "AA~".repeat(50_000));
    assert_eq!(verify(&issuer, &flood), Err(SdJwtError::TooManyDisclosures));
}

// The issuer-signed JWT

#[test]
fn refuses_another_issuers_key() {
    let sd_jwt = Party::new().forge(&json!({}), &[]);
    assert_eq!(
        verify(&Party::new(), &sd_jwt),
        Err(SdJwtError::IssuerJwt(JwsError::Signature(CryptoError::InvalidSignature)))
    );
}

#[test]
fn refuses_a_key_that_the_token_brings_along() {
    let issuer = Party::new();
    let header = json!({"typ": "test+sd-jwt", "jwk": issuer.jwk.to_value()});
    let sd_jwt = format!("{}~", issuer.sign(&header, &json!({})));
    assert_eq!(
        verify(&issuer, &sd_jwt),
        Err(SdJwtError::IssuerJwt(JwsError::HeaderKeyNotAllowed("test")))
    );
}

#[test]
fn refuses_a_payload_with_a_duplicate_member() {
    let issuer = Party::new();
    let sd_jwt = issuer.forge(&json!({"name": 1}), &[]);
    let payload = sd_jwt.split('.').nth(1).unwrap();
    let doubled = sd_jwt.replace(payload, &json::base64url(r#"{"name":1,"name":2}"#));
    assert!(matches!(
        verify(&issuer, &doubled),
        Err(SdJwtError::IssuerJwt(JwsError::Payload(json::JsonError::Malformed(reason))))
            if reason.contains("duplicate member")
    ));
}

// Hash algorithms

#[test]
fn refuses_a_hash_that_is_weak_unknown_or_not_named() {
    for name in
        [json!("sha-256-32"), json!("md5"), json!("SHA-256"), json!(""), json!(256), json!(null)]
    {
        assert_eq!(
            verdict(&json!({"_sd_alg": name}), &[]),
            Err(SdJwtError::HashAlgorithm),
            "{name}"
        );
    }
}

#[test]
fn takes_each_hash_that_is_strong_and_forgets_its_name() {
    for hash in [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512] {
        let issuer = Party::new();
        let claims = Claims::new().selective("given_name", "Ada");
        let header = Object::from_iter([("typ".to_owned(), "test+sd-jwt".into())]);
        let sd_jwt = ready(issue(header, &claims, hash, &issuer.signer, &AwsLc)).unwrap();
        assert_eq!(verify(&issuer, &sd_jwt), Ok(json!({"given_name": "Ada"})));
    }
}

#[test]
fn refuses_a_hash_algorithm_below_the_top_level() {
    let expected = Err(SdJwtError::MisplacedHashAlgorithm);
    assert_eq!(verdict(&json!({"address": {"_sd_alg": "sha-256"}}), &[]), expected);
    assert_eq!(verdict(&json!({"array": [{"_sd_alg": "sha-256"}]}), &[]), expected);
    assert_eq!(one_member(&json!(["salt", "_sd_alg", "sha-256"])), expected);
    assert_eq!(one_member(&json!(["salt", "address", {"_sd_alg": "sha-256"}])), expected);
}

// Digests

#[test]
fn refuses_digests_that_are_not_an_array() {
    for digests in [json!("digest"), json!({}), json!(null), json!(1)] {
        assert_eq!(verdict(&json!({"_sd": digests}), &[]), Err(SdJwtError::DigestsNotAnArray));
    }
    assert_eq!(verdict(&json!({"_sd": []}), &[]), Ok(json!({})));
}

#[test]
fn refuses_a_digest_that_is_not_text() {
    assert_eq!(verdict(&json!({"_sd": [1]}), &[]), Err(SdJwtError::DigestNotText));
    assert_eq!(verdict(&json!({"array": [{"...": 1}]}), &[]), Err(SdJwtError::DigestNotText));
}

#[test]
fn refuses_an_ellipsis_with_siblings_or_outside_an_array() {
    for payload in [
        json!({"array": [{"...": "digest", "sibling": 1}]}),
        json!({"...": "digest"}),
        json!({"address": {"...": "digest"}}),
        json!({"array": [[{"...": "digest", "_sd": []}]]}),
    ] {
        assert_eq!(verdict(&payload, &[]), Err(SdJwtError::MisplacedEllipsis), "{payload}");
    }
    assert_eq!(
        one_element(&json!(["salt", {"...": "digest"}])),
        Err(SdJwtError::MisplacedEllipsis)
    );
}

#[test]
fn refuses_a_digest_that_appears_twice() {
    let encoded = disclosure(&json!(["salt", "name", 1]));
    let there = digest(&encoded);
    let disclosures = [encoded];
    for payload in [
        json!({"_sd": [there, there]}),
        json!({"_sd": [there], "address": {"_sd": [there]}}),
        json!({"_sd": [there, "decoy"], "array": [{"...": "decoy"}]}),
        json!({"_sd": [there, "decoy", "decoy"]}),
    ] {
        assert_eq!(verdict(&payload, &disclosures), Err(SdJwtError::RepeatedDigest), "{payload}");
    }
    // inside a disclosed value too
    let inner = disclosure(&json!(["salt", "address", {"_sd": ["decoy"]}]));
    let payload = json!({"_sd": [digest(&inner), "decoy"]});
    assert_eq!(verdict(&payload, &[inner]), Err(SdJwtError::RepeatedDigest));
}

// Disclosures

#[test]
fn refuses_a_disclosure_that_is_not_base64url() {
    let good = disclosure(&json!(["salt", "name", 1]));
    for bad in [format!("{good}="), format!("{good}+"), format!(" {good}"), format!("{good}\n")] {
        let payload = json!({"_sd": [digest(&bad)]});
        assert_eq!(verdict(&payload, &[bad]), Err(SdJwtError::DisclosureNotBase64Url));
    }
}

#[test]
fn refuses_a_disclosure_that_is_not_strict_json() {
    for text in ["", "[", r#"["salt","name",{"a":1,"a":2}]"#, r#"["salt","name",1] "#] {
        let encoded = json::base64url(text);
        let payload = json!({"_sd": [digest(&encoded)]});
        let verdict = verdict(&payload, &[encoded]);
        match text {
            // an empty one is no disclosure at all
            "" => assert_eq!(verdict, Err(SdJwtError::EmptyDisclosure)),
            // white space around JSON is JSON
            text if text.ends_with(' ') => assert_eq!(verdict, Ok(json!({"name": 1}))),
            _ => assert!(matches!(verdict, Err(SdJwtError::DisclosureNotJson(_))), "{text}"),
        }
    }
}

#[test]
fn refuses_a_disclosure_of_another_shape() {
    for parts in
        [json!({}), json!("text"), json!([]), json!(["salt"]), json!(["salt", "name", 1, 2])]
    {
        assert_eq!(one_member(&parts), Err(SdJwtError::DisclosureShape), "{parts}");
    }
}

#[test]
fn refuses_a_salt_or_a_name_that_is_not_text() {
    assert_eq!(one_member(&json!([1, "name", 1])), Err(SdJwtError::SaltNotText));
    assert_eq!(one_element(&json!([null, 1])), Err(SdJwtError::SaltNotText));
    assert_eq!(one_member(&json!(["salt", 1, 1])), Err(SdJwtError::NameNotText));
}

#[test]
fn refuses_an_elements_disclosure_for_a_member_and_the_other_way_round() {
    assert_eq!(one_member(&json!(["salt", "value"])), Err(SdJwtError::MemberWithoutName));
    assert_eq!(one_element(&json!(["salt", "name", "value"])), Err(SdJwtError::ElementWithName));
}

#[test]
fn refuses_a_disclosed_claim_with_a_reserved_name() {
    for name in ["_sd", "..."] {
        assert_eq!(one_member(&json!(["salt", name, []])), Err(SdJwtError::ReservedClaimName));
    }
}

#[test]
fn refuses_a_disclosed_claim_that_is_there_already() {
    let (one, other) =
        (disclosure(&json!(["salt 1", "name", 1])), disclosure(&json!(["salt 2", "name", 2])));
    let expected = Err(SdJwtError::ClaimCollision);
    assert_eq!(
        verdict(&json!({"name": 0, "_sd": [digest(&one)]}), std::slice::from_ref(&one)),
        expected
    );
    assert_eq!(verdict(&json!({"_sd": [digest(&one), digest(&other)]}), &[one, other]), expected);
}

#[test]
fn refuses_a_disclosure_that_was_changed() {
    for changed in [json!(["salt", "name", 2]), json!(["tlas", "name", 1])] {
        let payload = json!({"_sd": [digest(&disclosure(&json!(["salt", "name", 1])))]});
        assert_eq!(
            verdict(&payload, &[disclosure(&changed)]),
            Err(SdJwtError::DisclosureNotReferenced)
        );
    }
}

#[test]
fn refuses_a_disclosure_not_referenced_by_any_digest() {
    let encoded = disclosure(&json!(["salt", "name", 1]));
    assert_eq!(
        verdict(&json!({}), std::slice::from_ref(&encoded)),
        Err(SdJwtError::DisclosureNotReferenced)
    );
    // referenced only by one that was withheld
    let outer = disclosure(&json!(["salt", "address", {"_sd": [digest(&encoded)]}]));
    assert_eq!(
        verdict(&json!({"_sd": [digest(&outer)]}), &[encoded]),
        Err(SdJwtError::DisclosureNotReferenced)
    );
}

#[test]
fn refuses_a_disclosure_that_is_attached_twice() {
    let encoded = disclosure(&json!(["salt", "name", 1]));
    let payload = json!({"_sd": [digest(&encoded)]});
    assert_eq!(verdict(&payload, &[encoded.clone(), encoded]), Err(SdJwtError::RepeatedDisclosure));
}

#[test]
fn takes_disclosures_inside_one_another_sixteen_deep_and_not_deeper() {
    let tower = |levels: usize| {
        let mut disclosures = vec![disclosure(&json!(["salt", "c", 1]))];
        for _ in 1..levels {
            let inner = digest(&disclosures[disclosures.len() - 1]);
            disclosures.push(disclosure(&json!(["salt", "c", {"_sd": [inner]}])));
        }
        verdict(&json!({"_sd": [digest(&disclosures[levels - 1])]}), &disclosures)
    };
    assert!(tower(16).is_ok());
    assert_eq!(tower(17), Err(SdJwtError::RecursionTooDeep));
    assert_eq!(tower(500), Err(SdJwtError::RecursionTooDeep));
}

#[test]
fn refuses_claims_that_are_nested_too_deep_once_put_together() {
    let nested = |levels: usize, inner: Value| (0..levels).fold(inner, |inner, _| json!([inner]));
    let encoded = disclosure(&json!(["salt", nested(20, json!(1))]));
    let payload = |levels| json!({"array": nested(levels, json!({"...": digest(&encoded)}))});
    assert!(verdict(&payload(11), std::slice::from_ref(&encoded)).is_ok());
    assert_eq!(
        verdict(&payload(12), std::slice::from_ref(&encoded)),
        Err(SdJwtError::NestedTooDeep)
    );
}

#[test]
fn an_element_that_was_withheld_vanishes_and_an_empty_object_stays() {
    let encoded = disclosure(&json!(["salt", "second"]));
    let payload = json!({
        "array": [{"...": "withheld"}, {"...": digest(&encoded)}, "third"],
        "address": {"_sd": ["withheld too"]},
    });
    assert_eq!(
        verdict(&payload, &[encoded]),
        Ok(json!({"array": ["second", "third"], "address": {}}))
    );
}

// Holding

#[test]
fn a_holder_refuses_a_key_binding_from_an_issuer() {
    let (issuer, holder) = (Party::new(), Party::new());
    let bound = holder.bind(&issuer.forge(&json!({}), &[]), &json!({}));
    let hold = |bound| UnverifiedSdJwt::parse(bound).unwrap();
    assert_eq!(
        hold(&bound).verify_for_holding(&SLOT, &issuer.jwk.key, &AwsLc).unwrap_err(),
        SdJwtError::KeyBindingFromIssuer
    );
    assert_eq!(
        hold(&bound).danger_hold_unverified(&AwsLc).unwrap_err(),
        SdJwtError::KeyBindingFromIssuer
    );
}

#[test]
fn presenting_a_claim_discloses_what_it_lies_in_and_what_lies_in_it_and_nothing_else() {
    let issuer = Party::new();
    let claims = Claims::new()
        .selective("given_name", "Ada")
        .selective_object(
            "address",
            Claims::new()
                .selective("locality", "Utopia")
                .selective_object("geo", Claims::new().selective("lat", 1).selective("lon", 2)),
        )
        .visible_array("nationalities", Elements::new().selective("DE").selective("FR"));
    let held = held(&issuer, &claims);
    assert_eq!(held.disclosable().count(), 8);
    let shown = |pointers: &[Value]| {
        let paths: Vec<_> = pointers.iter().cloned().map(path).collect();
        let presentation = ready(held.present(&paths, None, &AwsLc)).unwrap();
        assert_eq!(
            presentation.matches('~').count() - 1,
            held.disclosed_by(&paths).unwrap().len(),
            "the preview says what is sent"
        );
        verify(&issuer, &presentation).unwrap()
    };
    assert_eq!(shown(&[]), json!({"nationalities": []}));
    assert_eq!(
        shown(&[json!(["address", "geo", "lat"])]),
        json!({"address": {"geo": {"lat": 1}}, "nationalities": []})
    );
    assert_eq!(
        shown(&[json!(["address"])]),
        json!({"address": {"locality": "Utopia", "geo": {"lat": 1, "lon": 2}}, "nationalities": []})
    );
    assert_eq!(shown(&[json!(["nationalities", 1])]), json!({"nationalities": ["FR"]}));
    assert_eq!(shown(&[json!(["nationalities", null])]), json!({"nationalities": ["DE", "FR"]}));
    assert_eq!(
        ready(held.present(&[path(json!(["family_name"]))], None, &AwsLc)),
        Err(PresentError::Path(PathError::NothingSelected))
    );
}

#[test]
fn a_holder_binds_only_with_the_key_in_the_credential() {
    let (issuer, holder) = (Party::new(), Party::new());
    let demand = Demand::new();
    let bound = held(&issuer, &Claims::new().visible("cnf", json!({"jwk": holder.jwk.to_value()})));
    let unbound = held(&issuer, &Claims::new());
    let present = |held: &HeldSdJwt, with: &Party| {
        ready(held.present(&[], Some(&demand.request(with)), &AwsLc))
    };
    assert!(present(&bound, &holder).is_ok());
    assert_eq!(present(&bound, &Party::new()), Err(PresentError::WrongKey));
    assert_eq!(present(&unbound, &holder), Err(PresentError::WrongKey));
}

// Issuing

#[test]
fn a_hundred_issuances_share_no_salt_and_their_digests_show_no_order() {
    let issuer = Party::new();
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let claims = names.iter().fold(Claims::new(), |claims, name| claims.selective(*name, 1));
    let (mut salts, mut in_order) = (HashSet::new(), 0);
    for _ in 0..100 {
        let sd_jwt = issued(&issuer, &claims);
        let unverified = UnverifiedSdJwt::parse(&sd_jwt).unwrap();
        for disclosure in unverified.danger_unverified_disclosures().unwrap() {
            // RFC 9901 §9.3: 128 bits
            assert_eq!(json::base64url_decode(&disclosure.salt).unwrap().len(), 16);
            assert!(salts.insert(disclosure.salt));
        }
        let digests = unverified.danger_unverified_payload()["_sd"].as_array().unwrap().clone();
        let of_claims: Vec<Value> =
            sd_jwt.split('~').skip(1).take(names.len()).map(|one| digest(one).into()).collect();
        in_order += usize::from(digests == of_claims);
    }
    assert_eq!(salts.len(), 800);
    // one in 40,320 would be chance
    assert!(in_order <= 1, "{in_order} of 100 had the order of their claims");
}

#[test]
fn decoys_stand_for_nothing_and_make_every_count_the_same() {
    let issuer = Party::new();
    for real in 0..=4 {
        let (mut claims, mut elements) = (Claims::new(), Elements::new().visible("first"));
        for n in 0..real {
            claims = claims.selective(format!("claim {n}"), n);
            elements = elements.selective(n);
        }
        let claims = claims
            .decoys(Decoys::PadTo(4))
            .visible_array("array", elements.decoys(Decoys::PadTo(4)))
            .visible_object("object", Claims::new().decoys(Decoys::Count(2)));
        let sd_jwt = issued(&issuer, &claims);
        let unverified = UnverifiedSdJwt::parse(&sd_jwt).unwrap();
        let payload = unverified.danger_unverified_payload();
        assert_eq!(payload["_sd"].as_array().unwrap().len(), 4);
        assert_eq!(payload["object"]["_sd"].as_array().unwrap().len(), 2);
        assert_eq!(payload["array"].as_array().unwrap().len(), 5);
        let claims = verify(&issuer, &sd_jwt).unwrap();
        assert_eq!(claims.as_object().unwrap().len(), 2 + real);
        assert_eq!(claims["array"].as_array().unwrap().len(), 1 + real);
        assert_eq!(claims["object"], json!({}));
    }
}

#[test]
fn nothing_selective_means_no_digest_and_no_disclosure() {
    let issuer = Party::new();
    let sd_jwt = issued(&issuer, &Claims::new().visible("given_name", "Ada"));
    assert!(sd_jwt.ends_with('~') && sd_jwt.matches('~').count() == 1);
    let payload = UnverifiedSdJwt::parse(&sd_jwt).unwrap().danger_unverified_payload().clone();
    assert_eq!(Value::Object(payload), json!({"given_name": "Ada"}));
}

#[test]
fn does_not_issue_claims_that_would_be_misread() {
    use lanyard_core::claims::ClaimsError;
    let issuer = Party::new();
    for (claims, expected) in [
        (Claims::new().visible("_sd", 1), ClaimsError::ReservedName),
        (Claims::new().selective("...", 1), ClaimsError::ReservedName),
        (Claims::new().visible("a", json!([{"_sd_alg": 1}])), ClaimsError::ReservedName),
        (Claims::new().visible("a", 1).selective("a", 2), ClaimsError::Duplicate),
    ] {
        let issued =
            ready(issue(Object::new(), &claims, HashAlgorithm::Sha256, &issuer.signer, &AwsLc));
        assert_eq!(issued, Err(IssueError::Claims(expected)));
    }
}

// JSON serializations

#[test]
fn refuses_json_serializations_that_do_not_add_up() {
    use JsonSerializationError as Error;
    let good = json!({"payload": "e30", "protected": "e30", "signature": "AA"});
    let with = |name: &str, value: Value| {
        let mut changed = good.clone();
        changed[name] = value;
        changed
    };
    let first = json!({"protected": "e30", "signature": "AA"});
    let late = json!({"protected": "e30", "signature": "AA", "header": {"disclosures": ["AA"]}});
    for (received, expected) in [
        (json!({"payload": "e30", "signature": "AA"}), Error::Part),
        (with("payload", json!(1)), Error::Part),
        (with("protected", json!("e30.e30")), Error::Part),
        (with("signature", json!("AA~AA")), Error::Part),
        (with("signatures", json!([first])), Error::MixedForms),
        (json!({"payload": "e30", "signatures": []}), Error::NoSignature),
        (json!({"payload": "e30", "signatures": {}}), Error::NoSignature),
        (json!({"payload": "e30", "signatures": [first, late]}), Error::MisplacedAttachment),
        (with("header", json!([])), Error::UnprotectedHeader),
        (with("header", json!({"alg": "ES256"})), Error::UnprotectedHeader),
        (with("header", json!({"disclosures": "AA"})), Error::Attachment),
        (with("header", json!({"disclosures": ["AA~AA"]})), Error::Attachment),
        (with("header", json!({"disclosures": [""]})), Error::Attachment),
        (with("header", json!({"kb_jwt": 1})), Error::Attachment),
    ] {
        let read = SdJwtJson::parse(received.to_string().as_bytes());
        assert_eq!(read.unwrap_err(), expected, "{received}");
    }
    let doubled = br#"{"payload":"e30","payload":"e30","protected":"e30","signature":"AA"}"#;
    assert!(matches!(SdJwtJson::parse(doubled), Err(Error::Unreadable(_))));
    assert_eq!(SdJwtJson::flatten("not an SD-JWT"), Err(Error::NotCompact));
}

// What must hold for any claims

/// Claims of any shape, with the projection that is left when nothing is disclosed.
fn any_claims() -> impl Strategy<Value = Claims> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        "[a-zäß🙂]{0,6}".prop_map(Value::from),
        Just(Value::Null),
    ];
    let member = (any::<bool>(), leaf.clone());
    let level = prop::collection::vec(member, 0..4).prop_map(|members| {
        members.into_iter().enumerate().fold(Claims::new(), |claims, (n, (selective, value))| {
            let name = format!("m{n}");
            if selective { claims.selective(name, value) } else { claims.visible(name, value) }
        })
    });
    let elements = prop::collection::vec((any::<bool>(), leaf), 0..4).prop_map(|elements| {
        elements.into_iter().fold(Elements::new(), |array, (selective, value)| {
            if selective { array.selective(value) } else { array.visible(value) }
        })
    });
    (level.clone(), level.clone(), level, elements.clone(), elements).prop_map(
        |(top, structured, recursive, array, hidden)| {
            top.visible_object("structured", structured)
                .selective_object("recursive", recursive.selective_array("array", hidden))
                .visible_array("array", array)
        },
    )
}

/// What is left of the whole when only these places are disclosed.
fn project(whole: &Value, here: &[Value], hidden: &HashSet<Value>) -> Value {
    let below = |step: Value| [here, &[step]].concat();
    match whole {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| !hidden.contains(&Value::from(below(Value::from(name.as_str())))))
            .map(|(name, value)| {
                (name.clone(), project(value, &below(Value::from(name.as_str())), hidden))
            })
            .collect::<Object>()
            .into(),
        Value::Array(elements) => (0_u64..)
            .zip(elements)
            .filter(|(index, _)| !hidden.contains(&Value::from(below(Value::from(*index)))))
            .map(|(index, value)| project(value, &below(Value::from(index)), hidden))
            .collect(),
        leaf => leaf.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_part_that_is_disclosed_unfolds_to_that_part(claims in any_claims(), choice in any::<u64>()) {
        let issuer = Party::new();
        let held = held(&issuer, &claims);
        let places: Vec<_> = held.disclosable().cloned().collect();
        let wanted: Vec<_> = places
            .iter()
            .enumerate()
            .filter(|(n, _)| choice >> (n % 64) & 1 == 1)
            .map(|(_, place)| place.clone())
            .collect();
        let shown: HashSet<_> =
            held.disclosed_by(&wanted).unwrap().into_iter().map(ClaimsPath::to_value).collect();
        let hidden = places.iter().map(ClaimsPath::to_value).filter(|place| !shown.contains(place)).collect();
        let presentation = ready(held.present(&wanted, None, &AwsLc)).unwrap();
        let verified = verify(&issuer, &presentation).unwrap();
        prop_assert_eq!(verified, project(held.claims().as_value(), &[], &hidden));
    }

    #[test]
    fn no_byte_can_be_changed(position in any::<prop::sample::Index>(), replacement in any::<u8>()) {
        let Bound { issuer, holder, sd_jwt } = bound();
        let good = holder.bind(&sd_jwt, &json!({}));
        let mut bytes = good.clone().into_bytes();
        let position = position.index(bytes.len());
        prop_assume!(bytes[position] != replacement);
        bytes[position] = replacement;
        if let Ok(changed) = String::from_utf8(bytes) {
            prop_assert!(verify_bound(&issuer, &changed).is_err(), "byte {}", position);
        }
    }
}

#[test]
fn no_error_says_a_claim_a_nonce_or_a_token() {
    let Bound { issuer, holder, sd_jwt } = bound();
    let canary = "canary-claim-77";
    let encoded = disclosure(&json!(["canary-salt", canary, canary]));
    let errors = [
        verify(&issuer, &format!("{sd_jwt}{encoded}~")).unwrap_err(),
        verify(&issuer, &format!("{canary}~")).unwrap_err(),
        one_member(&json!(["canary-salt", "_sd", canary])).unwrap_err(),
        one_member(&json!({"canary-salt": canary})).unwrap_err(),
        verify_bound(&issuer, &holder.bind(&sd_jwt, &json!({"nonce": canary}))).unwrap_err(),
        verify_bound(&issuer, &holder.bind(&sd_jwt, &json!({"aud": canary}))).unwrap_err(),
    ];
    for error in errors {
        let said = format!("{error} {error:?} {}", error.code());
        assert!(!said.contains("canary") && !said.contains("eyJ"), "{said}");
    }
}
