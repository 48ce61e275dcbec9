//! RFC 9901: each rule broken alone, and what must hold for any claims.

use lanyard_core::{
    claims::{Claims, ClaimsPath},
    crypto::{AwsLc, CryptoError, HashAlgorithm},
    jose::{HeaderError, JwsError},
    json::{self, Object},
    sd_jwt::{HeldSdJwt, MAX_LENGTH, SdJwtError, UnverifiedSdJwt, issue},
};
use serde_json::{Value, json};

use crate::sd_jwt_support::{PROVIDERS, Party, SLOT, digest, disclosure, ready};

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
pub(crate) fn verdict(payload: &Value, disclosures: &[String]) -> Result<Value, SdJwtError> {
    let issuer = Party::new();
    verify(&issuer, &issuer.forge(payload, disclosures))
}

/// One disclosure that is referenced in `_sd` at the top level.
pub(crate) fn one_member(parts: &Value) -> Result<Value, SdJwtError> {
    let encoded = disclosure(parts);
    verdict(&json!({"_sd": [digest(&encoded)]}), &[encoded])
}

/// One disclosure that is referenced in an array.
pub(crate) fn one_element(parts: &Value) -> Result<Value, SdJwtError> {
    let encoded = disclosure(parts);
    verdict(&json!({"array": [{"...": digest(&encoded)}]}), &[encoded])
}

pub(crate) fn issued(issuer: &Party, claims: &Claims) -> String {
    let header = Object::from_iter([("typ".to_owned(), "test+sd-jwt".into())]);
    ready(issue(header, claims, HashAlgorithm::Sha256, &issuer.signer, &AwsLc))
        .expect("a key in memory signs")
}

pub(crate) fn held(issuer: &Party, claims: &Claims) -> HeldSdJwt {
    let sd_jwt = issued(issuer, claims);
    let unverified = UnverifiedSdJwt::parse(&sd_jwt).expect("it was issued here");
    unverified.verify_for_holding(&SLOT, &issuer.jwk.key, &AwsLc).expect("it was issued here")
}

pub(crate) fn path(pointer: Value) -> ClaimsPath {
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
