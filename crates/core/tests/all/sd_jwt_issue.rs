//! SD-JWTs (RFC 9901): holding, issuing, and what must hold for any claims.

use std::collections::HashSet;

use lanyard_core::{
    claims::{Claims, ClaimsPath, Decoys, Elements, PathError},
    crypto::{AwsLc, HashAlgorithm},
    json::{self, Object},
    sd_jwt::{
        HeldSdJwt, IssueError, JsonSerializationError, PresentError, SdJwtError, SdJwtJson,
        UnverifiedSdJwt, issue,
    },
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    sd_jwt::{held, issued, one_member, path, verify},
    sd_jwt_key_binding::{Bound, bound, verify_bound},
    sd_jwt_support::{Demand, Party, SLOT, digest, disclosure, ready},
};

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
