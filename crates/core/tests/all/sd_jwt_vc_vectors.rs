//! The official examples of SD-JWT VC, by the paved road and in a holder's hands.

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    crypto::{AwsLc, Signer as _, SoftwareSigner},
    jose::{Jwk, PrivateJwk},
    sd_jwt_vc::{UnverifiedSdJwtVc, Vct},
    trust::{IssuerIdentifier, IssuerKeySource, IssuerTrust},
    verify::{Expected, KeyBindingRule, Policy, PresentationVerifier, StatusPolicy},
};
use lanyard_testkit::{test_now, vectors};
use serde_json::json;

use crate::{
    sd_jwt_support::{AUDIENCE, NONCE, ready},
    sd_jwt_vc::{World, providers},
};

#[test]
fn the_examples_of_the_specification_verify_by_the_paved_road() {
    if !vectors::available("sd-jwt-vc") {
        return;
    }
    let keys = vectors::json("sd-jwt-vc/keys.json");
    let issuer = PrivateJwk::from_value(&keys["issuer"]).unwrap();
    let issuer_key = Jwk::new(*issuer.key.public());
    for (example, file, bound) in [
        ("example-2.3-identity", "presentation_kb.sd-jwt.txt", true),
        ("example-A.1-pid", "presentation_kb.sd-jwt.txt", true),
        ("example-2.3-no-kb", "presentation.sd-jwt.txt", false),
    ] {
        let presentation = vectors::text(format!("sd-jwt-vc/{example}/{file}"));
        let printed = vectors::json(format!("sd-jwt-vc/{example}/verified_payload.json"));
        let iss = IssuerIdentifier::parse(printed["iss"].as_str().unwrap()).unwrap();
        let vct = Vct::parse(printed["vct"].as_str().unwrap()).unwrap();
        let keys_of_issuer = vec![issuer_key.clone()];
        let trust =
            IssuerTrust::new().with(IssuerKeySource::Keys { issuer: iss, keys: keys_of_issuer });
        let audience = keys["verifier_identifier"].as_str().unwrap();
        let nonce = keys["nonce"].as_str().unwrap();
        // the key bindings of the examples were all made in one build
        let now = Timestamp::from_second(1_787_325_881).unwrap();
        let rule = if bound { KeyBindingRule::Required } else { KeyBindingRule::NotRequired };
        let expected = Expected::new(audience, nonce, rule).of_type(&vct).at(now);
        for provider in providers() {
            let accept = Policy { status: StatusPolicy::Accept, ..Policy::default() };
            let verifier = PresentationVerifier::new(trust.clone(), provider).with_policy(accept);
            let verified = ready(verifier.verify(&presentation, &expected)).unwrap();
            assert_eq!(*verified.claims().as_value(), printed, "{example}");
        }
    }
    let aka = vectors::json("sd-jwt-vc/aka_vcts_example.json");
    let world = World::new();
    let changes = json!({"vct": aka["vct"], "aka_vcts": aka["aka_vcts"]});
    let presentation = world.present(&changes);
    let further = Vct::parse(aka["aka_vcts"][0].as_str().unwrap()).unwrap();
    let expected =
        Expected::new(AUDIENCE, NONCE, KeyBindingRule::Required).of_type(&further).at(test_now());
    let verifier = PresentationVerifier::new(world.trust(), Arc::new(AwsLc));
    assert!(ready(verifier.verify(&presentation, &expected)).is_ok());
}

#[test]
fn every_issuance_of_the_specification_can_be_held() {
    if !vectors::available("sd-jwt-vc") {
        return;
    }
    let keys = vectors::json("sd-jwt-vc/keys.json");
    let holder = PrivateJwk::from_value(&keys["holder"]).unwrap();
    let signer = SoftwareSigner::new(&AwsLc, &holder.key).unwrap();
    for example in ["example-2.3-identity", "example-A.1-pid"] {
        let issuance = vectors::text(format!("sd-jwt-vc/{example}/issuance.sd-jwt.txt"));
        let input = vectors::json(format!("sd-jwt-vc/{example}/input_claims.json"));
        let held =
            UnverifiedSdJwtVc::parse(&issuance).unwrap().danger_hold_unverified(&AwsLc).unwrap();
        assert_eq!(held.holder_key(), Some(*signer.public_key()));
        for (name, value) in input.as_object().unwrap() {
            assert_eq!(held.claims().claim(name), Some(value), "{example}: {name}");
        }
    }
}
