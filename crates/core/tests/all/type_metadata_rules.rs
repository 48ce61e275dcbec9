//! SD-JWT VC Type Metadata: the rules a credential is held to, and the official examples.

use lanyard_core::{
    claims::{Claims, Elements, PathError},
    crypto::AwsLc,
    sd_jwt_vc::type_metadata::{
        EffectiveTypeMetadata, Integrity, IntegrityError, LocalTypeMetadata, ResourceUri,
        TypeMetadata, TypeRuleError,
    },
};
use lanyard_testkit::vectors;
use serde_json::{Value, json};

use crate::{
    sd_jwt_support::{PROVIDERS, Party, disclosure, ready},
    type_metadata::{
        ISS, TYPE, describing, held, key_for, of_one, parse, path, shown, unverified, vct,
    },
};

// Judging

fn name_selective() -> Claims {
    Claims::new().selective("name", "Ada").visible("level", 3)
}

#[test]
fn a_credential_that_keeps_every_rule_passes_in_both_hands() {
    let rules = describing(json!([
        {"path": ["name"], "sd": "always", "mandatory": true},
        {"path": ["level"], "sd": "never", "mandatory": true},
        {"path": ["nick"], "sd": "always"},
    ]));
    assert_eq!(rules.judge_held(&held(name_selective())), Ok(()));
    assert_eq!(rules.judge(&shown(name_selective(), &[json!(["name"])])), Ok(()));
    assert_eq!(rules.judge(&shown(name_selective(), &[])), Ok(()));
}

#[test]
fn a_claim_that_is_always_visible_breaks_always() {
    let rules = describing(json!([{"path": ["level"], "sd": "always"}]));
    let broken = Err(TypeRuleError::MustBeSelective(path(&json!(["level"]))));
    assert_eq!(rules.judge(&shown(name_selective(), &[])), broken);
    assert_eq!(rules.judge_held(&held(name_selective())), broken);
}

#[test]
fn a_claim_that_came_by_a_disclosure_breaks_never() {
    let rules = describing(json!([{"path": ["name"], "sd": "never"}]));
    let broken = Err(TypeRuleError::MustNotBeSelective(path(&json!(["name"]))));
    assert_eq!(rules.judge(&shown(name_selective(), &[json!(["name"])])), broken);
    assert_eq!(rules.judge_held(&held(name_selective())), broken);
}

#[test]
fn a_claim_inside_a_disclosed_object_is_not_selective_itself() {
    let inside = || {
        let address = Claims::new().visible("city", "Bern");
        Claims::new().selective_object("address", address)
    };
    let never = describing(json!([{"path": ["address", "city"], "sd": "never"}]));
    assert_eq!(never.judge(&shown(inside(), &[json!(["address"])])), Ok(()));
    let always = describing(json!([{"path": ["address", "city"], "sd": "always"}]));
    let broken = TypeRuleError::MustBeSelective(path(&json!(["address", "city"])));
    assert_eq!(always.judge(&shown(inside(), &[json!(["address"])])), Err(broken));
}

#[test]
fn a_mandatory_claim_that_may_be_withheld_is_not_missing() {
    let rules = describing(json!([{"path": ["birthdate"], "mandatory": true}]));
    assert_eq!(rules.judge(&shown(name_selective(), &[])), Ok(()));
}

#[test]
fn a_mandatory_claim_that_certainly_was_not_issued_is_missing() {
    let missing = |path_: Value| Err(TypeRuleError::MandatoryMissing(path(&path_)));
    let rules = describing(json!([{"path": ["birthdate"], "mandatory": true}]));
    // the holder has every disclosure
    assert_eq!(rules.judge_held(&held(name_selective())), missing(json!(["birthdate"])));
    // nothing was withheld
    let all = shown(name_selective(), &[json!(["name"])]);
    assert_eq!(rules.judge(&all), missing(json!(["birthdate"])));
    // something was withheld, but a claim that is never selective cannot be it
    let rules = describing(json!([{"path": ["birthdate"], "mandatory": true, "sd": "never"}]));
    assert_eq!(rules.judge(&shown(name_selective(), &[])), missing(json!(["birthdate"])));
}

#[test]
fn what_lies_in_a_withheld_object_is_not_missing_even_if_it_is_never_selective() {
    let claims = Claims::new().selective_object("address", Claims::new().visible("city", "Bern"));
    let rules =
        describing(json!([{"path": ["address", "country"], "mandatory": true, "sd": "never"}]));
    assert_eq!(rules.judge(&shown(claims.clone(), &[])), Ok(()));
    let missing = TypeRuleError::MandatoryMissing(path(&json!(["address", "country"])));
    assert_eq!(rules.judge(&shown(claims, &[json!(["address"])])), Err(missing));
}

#[test]
fn a_path_that_goes_through_something_else_is_an_error() {
    let claims = || Claims::new().visible("a", "text").visible("b", json!(["x"]));
    for (rule, error) in [
        (json!(["a", "b"]), PathError::KeyOutsideObject),
        (json!(["a", null]), PathError::IndexOutsideArray),
        (json!(["a", 0]), PathError::IndexOutsideArray),
        (json!(["b", "x"]), PathError::KeyOutsideObject),
        (json!(["b", null, "x"]), PathError::KeyOutsideObject),
    ] {
        let rules = describing(json!([{"path": rule}]));
        let broken = TypeRuleError::Path { path: path(&rule), error };
        assert_eq!(rules.judge(&shown(claims(), &[])), Err(broken), "{rule}");
    }
    // a path that selects nothing is no error, other than in DCQL
    assert_eq!(describing(json!([{"path": ["c", "d", 7]}])).judge(&shown(claims(), &[])), Ok(()));
}

fn degrees() -> Claims {
    let degree = |name: &str| Claims::new().visible("field", name);
    let degrees = Elements::new()
        .selective_object(degree("politics"))
        .visible_object(degree("navigation"))
        .selective_object(degree("mechanics"));
    Claims::new().visible_array("degrees", degrees)
}

#[test]
fn elements_are_counted_as_they_were_issued() {
    // what the issuer calls element 1 is the first that a verifier sees
    let first_visible = describing(json!([{"path": ["degrees", 1], "sd": "never"}]));
    assert_eq!(first_visible.judge(&shown(degrees(), &[])), Ok(()));
    let selective = describing(json!([{"path": ["degrees", 1], "sd": "always"}]));
    let broken = TypeRuleError::MustBeSelective(path(&json!(["degrees", 1])));
    assert_eq!(selective.judge(&shown(degrees(), &[])), Err(broken));
    // with the last one shown it is seen at index 1, and still it is element 2
    let last = describing(json!([{"path": ["degrees", 2], "sd": "always", "mandatory": true}]));
    assert_eq!(last.judge(&shown(degrees(), &[json!(["degrees", 2])])), Ok(()));
    assert_eq!(last.judge(&shown(degrees(), &[])), Ok(()));
    let beyond = describing(json!([{"path": ["degrees", 3], "mandatory": true}]));
    let missing = TypeRuleError::MandatoryMissing(path(&json!(["degrees", 3])));
    assert_eq!(beyond.judge(&shown(degrees(), &[])), Err(missing));
}

#[test]
fn an_element_that_was_not_disclosed_is_selective_and_its_contents_are_unknown() {
    for withheld in [json!(["degrees", 0]), json!(["degrees", null])] {
        let never = describing(json!([{"path": withheld, "sd": "never"}]));
        let broken = TypeRuleError::MustNotBeSelective(path(&withheld));
        assert_eq!(never.judge(&shown(degrees(), &[])), Err(broken));
    }
    let inside = json!(["degrees", 0, "year"]);
    let deeper = describing(json!([{"path": inside, "mandatory": true, "sd": "never"}]));
    assert_eq!(deeper.judge(&shown(degrees(), &[])), Ok(()));
    let missing = TypeRuleError::MandatoryMissing(path(&inside));
    assert_eq!(deeper.judge(&shown(degrees(), &[json!(["degrees", 0])])), Err(missing));
}

#[test]
fn metadata_is_asked_for_with_a_verified_credential_only() {
    // `of_credential` takes a `VerifiedSdJwtVc`, and a forged disclosure never becomes one
    let issuer = Party::new();
    let forged = issuer.forge_as(
        "dc+sd-jwt",
        &json!({"iss": ISS, "vct": TYPE}),
        &[disclosure(&json!(["salt", "name", "Eve"]))],
    );
    let key = key_for(&issuer, &forged);
    assert!(unverified(&forged).verify(key, None, &AwsLc).is_err());
}

// Vectors

#[test]
fn the_full_example_of_the_specification_is_read_and_written_again() {
    if !vectors::available("sd-jwt-vc") {
        return;
    }
    let document = vectors::json("sd-jwt-vc/type-metadata/A.2_type_metadata.json");
    let read =
        TypeMetadata::parse(&vectors::bytes("sd-jwt-vc/type-metadata/A.2_type_metadata.json"));
    let read = read.unwrap();
    assert_eq!(json!(read), document);
    let rendering = read.display.as_ref().unwrap()[0].rendering.as_ref().unwrap();
    let logo = rendering.simple.as_ref().unwrap().logo.as_ref().unwrap();
    assert_eq!(logo.uri.url().unwrap().host_str(), Some("betelgeuse.example.com"));
    assert!(rendering.svg_templates[0].uri.url().is_some());
    // known error of the vector: one digest has 43 characters, which no document can have
    let german = read.display.as_ref().unwrap()[1].rendering.as_ref().unwrap();
    let image = german.simple.as_ref().unwrap().background_image.as_ref().unwrap();
    let integrity = image.integrity.as_ref().unwrap();
    assert_eq!(integrity.as_str().len(), "sha256-".len() + 43);
    assert_eq!(integrity.check(b"anything", &AwsLc), Err(IntegrityError::Mismatch));
    let _: &ResourceUri = &logo.uri;
}

#[test]
fn the_credential_of_the_full_example_keeps_its_rules_once_it_is_issued_by_them() {
    if !vectors::available("sd-jwt-vc") {
        return;
    }
    let mut document = vectors::json("sd-jwt-vc/type-metadata/A.2_type_metadata.json");
    let mut payload = vectors::json("sd-jwt-vc/type-metadata/A.2_credential_payload.json");
    let integrity = payload.as_object_mut().unwrap().shift_remove("vct#integrity").unwrap();
    payload.as_object_mut().unwrap().shift_remove("vct");
    document["vct"] = TYPE.into();
    // the type it extends is not printed anywhere
    document.as_object_mut().unwrap().shift_remove("extends");
    let rules = of_one(document);
    let always = |claim: &&lanyard_core::sd_jwt_vc::type_metadata::ClaimMetadata| {
        json!(claim.selective_disclosure()) == json!("always")
    };
    let selective: Vec<_> = rules.claims().iter().filter(always).map(|c| c.path.clone()).collect();
    let payload = payload.as_object().unwrap().clone();
    let good = Claims::from_json(payload.clone(), &selective).unwrap();
    assert_eq!(rules.judge_held(&held(good.clone())), Ok(()));
    assert_eq!(rules.judge(&shown(good, &[json!(["degrees", 1, "date_awarded"])])), Ok(()));
    let open = Claims::from_json(payload, &selective[1..]).unwrap();
    let broken = TypeRuleError::MustBeSelective(path(&json!(["name"])));
    assert_eq!(rules.judge_held(&held(open)), Err(broken));
    // known error of the vector: the digest in the payload is not the one of the printed document
    let received = vectors::bytes("sd-jwt-vc/type-metadata/A.2_type_metadata.json");
    let integrity = Integrity::parse(integrity.as_str().unwrap()).unwrap();
    assert_eq!(integrity.check(&received, &AwsLc), Err(IntegrityError::Mismatch));
}

#[test]
fn the_type_of_the_example_is_a_type() {
    if !vectors::available("sd-jwt-vc") {
        return;
    }
    let example = vectors::json("sd-jwt-vc/vct_claim_example.json");
    let credential = Party::new().forge_as("dc+sd-jwt", &example, &[]);
    assert_eq!(unverified(&credential).vct().as_str(), example["vct"].as_str().unwrap());
}

#[test]
fn the_extending_example_of_the_specification_has_the_printed_effect() {
    if !vectors::available("sd-jwt-vc") {
        return;
    }
    let file = |name: &str| vectors::bytes(format!("sd-jwt-vc/type-metadata/extends_{name}.json"));
    let source = LocalTypeMetadata::new();
    let source = source.with(file("base")).unwrap().with(file("child")).unwrap();
    for provider in PROVIDERS {
        let child = vct("https://example.com/custom-type-metadata");
        let effective = ready(EffectiveTypeMetadata::of_type(&child, None, &source, provider));
        let printed = vectors::json("sd-jwt-vc/type-metadata/extends_effective.json");
        assert_eq!(json!(effective.unwrap()), printed);
    }
}

#[test]
fn the_paths_of_the_specification_select_what_it_says() {
    if !vectors::available("sd-jwt-vc") {
        return;
    }
    let mut payload = vectors::json("sd-jwt-vc/type-metadata/claim_path_credential.json");
    payload.as_object_mut().unwrap().shift_remove("vct");
    let claims = Claims::from_json(payload.as_object().unwrap().clone(), &[]).unwrap();
    let credential = shown(claims, &[]);
    for (rule, exists) in [
        (json!(["name"]), true),
        (json!(["address"]), true),
        (json!(["address", "street_address"]), true),
        (json!(["degrees", null, "type"]), true),
        (json!(["nationalities", 1]), true),
        (json!(["nationalities", 2]), false),
    ] {
        let rules = describing(json!([{"path": rule, "mandatory": true}]));
        assert_eq!(rules.judge(&credential).is_ok(), exists, "{rule}");
    }
}

#[test]
fn what_is_written_satisfies_the_schema_of_the_conformance_suite_and_what_it_refuses_is_refused() {
    if !vectors::available("oidf-schemas") {
        return;
    }
    let schema = vectors::json("oidf-schemas/sdjwtvc-type_metadata.json");
    let schema = jsonschema::validator_for(&schema).unwrap();
    let full = vectors::json("sd-jwt-vc/type-metadata/A.2_type_metadata.json");
    for document in [
        full.clone(),
        vectors::json("sd-jwt-vc/type-metadata/extends_base.json"),
        vectors::json("sd-jwt-vc/type-metadata/extends_child.json"),
        json!({"vct": TYPE}),
    ] {
        assert!(schema.is_valid(&json!(parse(&document).unwrap())), "{document}");
    }
    for (pointer, bad) in [
        ("/vct", json!(1)),
        ("/display/0/locale", json!(null)),
        ("/display/0/name", json!([])),
        ("/claims/0/path", json!([])),
        ("/claims/0/path/0", json!(-1)),
        ("/claims/0/sd", json!("maybe")),
        ("/claims/0/mandatory", json!("true")),
        ("/claims/2/svg_id", json!("0x")),
        ("/claims/0/display/0/label", json!(0)),
    ] {
        let mut document = full.clone();
        *document.pointer_mut(pointer).unwrap() = bad;
        assert!(!schema.is_valid(&document) && parse(&document).is_err(), "{pointer}");
    }
}
