//! SD-JWT VC presentations under a set of policies: everything about them is right but what one demands.

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    crypto::{AwsLc, CryptoProvider, RustCrypto},
    jose::Jwk,
    sd_jwt_vc::type_metadata::LocalTypeMetadata,
    trust::{IssuerIdentifier, IssuerKeySource, IssuerTrust},
    verify::{Expected, KeyBindingRule, PolicySet, PresentationVerifier},
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use super::{
    Rule, Suite,
    keys::Known,
    sd_jwt_vc::{AUDIENCE, ISS, NONCE, Presentation, VCT, disclosure},
};
use crate::sd_jwt_support::{digest, ready};

/// A second issuer, whom the verifier trusts and the policies do not allow.
const OTHER: &str = "https://other.example";

/// A type that was asked for and the policies do not allow.
const OTHER_VCT: &str = "urn:example:identity:2";

#[test]
fn presentations_are_refused_by_policies_for_the_published_reasons() {
    let suite = suite().published("policy");
    for provider in [Arc::new(RustCrypto) as Arc<dyn CryptoProvider>, Arc::new(AwsLc)] {
        let (verifier, expected) = read(&suite.setting, provider);
        suite.run(|input| {
            let verified = ready(verifier.verify(input, &expected));
            verified.map(drop).map_err(|error| error.code().to_owned())
        });
    }
}

fn read(setting: &Value, provider: Arc<dyn CryptoProvider>) -> (PresentationVerifier, Expected) {
    let text = |value: &Value| value.as_str().expect("it is text").to_owned();
    let mut trust = IssuerTrust::new();
    for trusted in setting["trusted_issuers"].as_array().expect("a list") {
        let issuer = IssuerIdentifier::parse(text(&trusted["issuer"])).expect("an issuer");
        let keys = trusted["jwks"]["keys"].as_array().expect("a list").iter();
        let keys = keys.map(|key| Jwk::from_value(key).expect("a key")).collect();
        trust = trust.with(IssuerKeySource::Keys { issuer, keys });
    }
    let mut types = LocalTypeMetadata::new();
    for document in setting["type_metadata"].as_array().expect("a list") {
        types = types.with(document.to_string()).expect("it is good");
    }
    let policies = PolicySet::from_value(&setting["policies"]).expect("it is a policy set");
    let request = &setting["request"];
    let now = setting["now"].as_i64().expect("a NumericDate");
    let expected = Expected::new(
        text(&request["audience"]),
        text(&request["nonce"]),
        KeyBindingRule::Required,
    );
    let expected = expected.at(Timestamp::from_second(now).expect("a time"));
    let verifier = PresentationVerifier::new(trust, provider)
        .with_policies(policies)
        .with_type_metadata(Arc::new(types));
    (verifier, expected)
}

fn suite() -> Suite {
    let keys = json!({"keys": [Known::issuer().jwk().to_value()]});
    let mut suite = Suite {
        subject: "SD-JWT VC presentation with key binding, under policies of the verifier".into(),
        specifications: vec![
            "Lanyard policy sets".into(),
            "draft-ietf-oauth-sd-jwt-vc-19 §5.6, §5.7".into(),
        ],
        setting: json!({
            "now": test_now().as_second(),
            "trusted_issuers": [{"issuer": ISS, "jwks": keys}, {"issuer": OTHER, "jwks": keys}],
            "request": {"audience": AUDIENCE, "nonce": NONCE},
            "policies": [
                {"policy": "validity", "expiry": "required"},
                {"policy": "allowed_issuer", "issuers": [ISS]},
                {"policy": "allowed_type", "types": [VCT]},
                {"policy": "max_age", "seconds": 3600},
                {"policy": "required_claims", "paths": [["given_name"], ["address", "country"]]},
                {"policy": "claim_value", "path": ["address", "country"], "one_of": ["XX", "XY"]},
                {"policy": "claim_value", "path": ["nationalities", null], "one_of": ["XY", "XZ"]},
                {"policy": "type_metadata", "when": "required"},
            ],
            "type_metadata": [{
                "vct": VCT,
                "claims": [
                    {"path": ["family_name"], "mandatory": true, "sd": "never"},
                    {"path": ["given_name"], "sd": "always"},
                    {"path": ["address", "country"], "sd": "allowed"},
                    {"path": ["residence", "country"]},
                ],
            }, {"vct": OTHER_VCT}],
        }),
        accepted: Vec::new(),
        refused: Vec::new(),
    };
    suite.accept("", "good", Presentation::good().text());
    for accepted in &mut suite.accepted {
        accepted.format = None;
    }
    cases(&mut suite);
    suite
}

fn claim(name: &str, value: Value) -> String {
    Presentation::with(|p| set(&mut p.payload, name, value)).text()
}

fn set(object: &mut Value, name: &str, value: Value) {
    let members = object.as_object_mut().expect("it is an object");
    if value.is_null() {
        members.shift_remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
}

fn refuse(suite: &mut Suite, rule: Rule, cases: Vec<(&str, String)>) {
    for (id, input) in cases {
        suite.refuse(id, rule, input);
    }
}

fn cases(suite: &mut Suite) {
    let now = test_now().as_second();
    refuse(
        suite,
        ("validity: expiry required", "credential_exp_missing"),
        vec![("exp-missing", claim("exp", Value::Null))],
    );
    refuse(
        suite,
        ("allowed_issuer", "policy_issuer_not_allowed"),
        vec![("issuer-trusted-but-not-allowed", claim("iss", json!(OTHER)))],
    );
    refuse(
        suite,
        ("allowed_type", "policy_type_not_allowed"),
        vec![
            ("type-not-allowed", claim("vct", json!(OTHER_VCT))),
            (
                "type-also-known-as-an-allowed-one",
                Presentation::with(|p| {
                    p.payload["vct"] = json!(OTHER_VCT);
                    p.payload["aka_vcts"] = json!([VCT]);
                })
                .text(),
            ),
            ("type-in-capitals", claim("vct", json!("URN:example:identity:1"))),
        ],
    );
    refuse(
        suite,
        ("max_age", "policy_credential_too_old"),
        vec![("iat-too-long-ago", claim("iat", json!(now - 3601)))],
    );
    refuse(
        suite,
        ("max_age", "policy_credential_age_unknown"),
        vec![("iat-missing", claim("iat", Value::Null))],
    );
    refuse(
        suite,
        ("required_claims", "policy_claim_missing"),
        vec![
            ("given-name-withheld", Presentation::with(|p| drop(p.disclosures.remove(0))).text()),
            ("address-withheld", Presentation::with(|p| drop(p.disclosures.drain(1..3))).text()),
        ],
    );
    refuse(
        suite,
        ("claim_value", "policy_claim_value"),
        vec![
            (
                "one-nationality-another",
                Presentation::with(|p| {
                    p.payload["nationalities"][1] = json!("ZZ");
                })
                .text(),
            ),
            (
                "country-another",
                Presentation::with(|p| {
                    let address = disclosure(
                        &json!(["eluV5Og3gSNII8EYnsxA_A", "address", {"country": "ZZ"}]),
                    );
                    p.payload["_sd"][1] = json!(digest(&address));
                    p.disclosures.truncate(2);
                    p.disclosures[1] = address;
                })
                .text(),
            ),
            (
                "country-a-number",
                Presentation::with(|p| {
                    let address =
                        disclosure(&json!(["eluV5Og3gSNII8EYnsxA_A", "address", {"country": 1}]));
                    p.payload["_sd"][1] = json!(digest(&address));
                    p.disclosures.truncate(2);
                    p.disclosures[1] = address;
                })
                .text(),
            ),
        ],
    );
    types(suite);
}

fn types(suite: &mut Suite) {
    refuse(
        suite,
        ("SD-JWT VC §5.6", "type_mandatory_claim_missing"),
        vec![(
            "family-name-missing-and-nothing-withheld",
            Presentation::with(|p| {
                set(&mut p.payload, "family_name", Value::Null);
            })
            .text(),
        )],
    );
    refuse(
        suite,
        ("SD-JWT VC §5.7", "type_path_does_not_fit"),
        vec![("residence-a-text", claim("residence", json!("XX")))],
    );
    let selective = |name: &str, value: &str| {
        Presentation::with(|p| {
            set(&mut p.payload, name, Value::Null);
            p.signed_disclosure(disclosure(&json!(["Qg_O64zqAxe412a108iroA", name, value])));
        })
        .text()
    };
    refuse(
        suite,
        ("SD-JWT VC §5.6", "type_claim_must_not_be_selective"),
        vec![("family-name-by-disclosure", selective("family_name", "Lovelace"))],
    );
    refuse(
        suite,
        ("SD-JWT VC §5.6", "type_claim_must_be_selective"),
        vec![(
            "given-name-always-visible",
            Presentation::with(|p| {
                p.payload["given_name"] = json!("Ada");
                p.disclosures.remove(0);
                p.payload["_sd"].as_array_mut().expect("a list").remove(0);
            })
            .text(),
        )],
    );
}
