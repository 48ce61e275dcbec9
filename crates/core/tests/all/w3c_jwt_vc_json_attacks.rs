//! `jwt_vc_json`: whose key, whose credential, and what can be reached.

use std::{slice::from_ref, sync::Arc};

use lanyard_core::{
    credential::CredentialType,
    crypto::AwsLc,
    did::{Did, DidDocument, DidResolver, ResolutionError},
    trust::{IssuerIdentifier, IssuerKeySource, IssuerKeys, IssuerTrust},
    w3c::{
        CredentialFault, CredentialV1, CredentialV1Draft, CredentialV1Error,
        jwt_vc_json::{self, UnverifiedJwtVc, verify_presentation},
        vc_jose_cose::SigningOptions,
    },
};
use lanyard_testkit::{LeafOptions, TestCa, test_now};
use serde_json::{Value, json};

use crate::{
    sd_jwt_support::{Party, ready},
    w3c_jwt_vc_json::{World, draft},
    w3c_support::{Asked, Person, issuers_by_did},
};

// Attacks

#[test]
fn a_credential_is_no_presentation_and_a_presentation_no_credential() {
    let world = World::new();
    let credential = world.credential(&json!({}));
    assert_eq!(world.verify(&credential).err(), Some("presentation_jwt_forbidden_claim"));
    let presentation = world.present(&[credential], &json!({}));
    let error = UnverifiedJwtVc::parse(&presentation).unwrap_err();
    assert_eq!(error.code(), "issuer_jwt_forbidden_claim");
    let nested = world.present(&[presentation], &json!({}));
    assert_eq!(world.verify(&nested).err(), Some("issuer_jwt_forbidden_claim"));
}

#[test]
fn nobody_presents_the_credential_of_another_holder() {
    let world = World::new();
    let thief = World { holder: Person::new(), issuer: Person::new() };
    let stolen = world.credential(&json!({}));
    let refused = world.verify(&thief.present(from_ref(&stolen), &json!({})));
    assert_eq!(refused.err(), Some("credential_of_another_holder"));
    // one stolen credential beside one's own spoils both
    let own = world.credential(&json!({"sub": thief.holder.did.as_str()}));
    let refused = world.verify(&thief.present(&[own, stolen], &json!({})));
    assert_eq!(refused.err(), Some("credential_of_another_holder"));
}

#[test]
fn the_key_is_the_one_that_the_name_leads_to() {
    let world = World::new();
    let credential = world.credential(&json!({}));
    let other = Person::new();
    let presented = |header: &Value| {
        world.verify(&world.present_with(header, from_ref(&credential), &json!({}))).err()
    };
    // without kid: did:jwk has one key
    assert_eq!(presented(&json!({"kid": null})), None);
    assert_eq!(presented(&json!({"kid": other.key_id.to_string()})), Some("holder_key_id"));
    assert_eq!(presented(&json!({"kid": "key-1"})), Some("holder_key_id"));
    let fragment = world.holder.did.with_fragment("1").unwrap().to_string();
    assert_eq!(presented(&json!({"kid": fragment})), Some("holder_did_refused"));
    let kid = |header: Value| {
        let credential = world.issuer.sign("JWT", &header, &world.claims(&json!({})));
        world.verify(&world.present(&[credential], &json!({}))).err()
    };
    assert_eq!(kid(json!({"kid": null})), Some("issuer_key_id"));
    assert_eq!(kid(json!({"kid": world.holder.key_id.to_string()})), Some("issuer_key_id"));
    assert_eq!(kid(json!({"kid": "../../etc/passwd"})), Some("issuer_key_id"));
    assert_eq!(kid(json!({"kid": "a\r\nb"})), Some("issuer_jwt_header"));
    // the issuer's key is not the holder's, whoever signs
    let forged = world.holder.sign("JWT", &json!({}), &world.claims(&json!({})));
    let refused = world.verify(&world.present(&[forged], &json!({})));
    assert_eq!(refused.err(), Some("issuer_key_id"));
    let kid = json!({"kid": world.issuer.key_id.to_string()});
    let forged = world.holder.sign("JWT", &kid, &world.claims(&json!({})));
    let refused = world.verify(&world.present(&[forged], &json!({})));
    assert_eq!(refused.err(), Some("issuer_signature_invalid"));
}

#[test]
fn a_header_never_brings_its_own_rules() {
    let world = World::new();
    let jwk = world.holder.jwk().to_value();
    for (header, code) in [
        (json!({"typ": "vc+jwt"}), "wrong_typ"),
        (json!({"typ": "dc+sd-jwt"}), "wrong_typ"),
        (json!({"typ": "kb+jwt"}), "wrong_typ"),
        (json!({"typ": "application/jwt"}), "wrong_typ"),
        (json!({"jwk": jwk}), "header_key"),
        (json!({"jku": "https://canary.example"}), "header"),
        (json!({"x5u": "https://canary.example"}), "header"),
        (json!({"crit": ["b64"], "b64": false}), "header"),
    ] {
        let credential = world.issuer.sign("JWT", &header, &world.claims(&json!({})));
        let refused = world.verify(&world.present(&[credential], &json!({})));
        assert_eq!(refused.err(), Some(format!("issuer_jwt_{code}").as_str()), "{header}");
        let presentation = world.present_with(&header, &[world.credential(&json!({}))], &json!({}));
        let refused = world.verify(&presentation);
        assert_eq!(refused.err(), Some(format!("presentation_jwt_{code}").as_str()), "{header}");
    }
    let untyped = world.issuer.sign("JWT", &json!({"typ": null}), &world.claims(&json!({})));
    assert!(world.verify(&world.present(&[untyped], &json!({}))).is_ok());
    // algorithms that no slot takes, with and without a signature
    let good = world.credential(&json!({}));
    let (_, rest) = good.split_once('.').unwrap();
    for alg in ["none", "None", "nOnE", "", "HS256", "RS256", "ES512"] {
        let header = lanyard_core::json::base64url(json!({"alg": alg, "typ": "JWT"}).to_string());
        for forged in [format!("{header}.{rest}"), {
            let (payload, _) = rest.split_once('.').unwrap();
            format!("{header}.{payload}.")
        }] {
            let refused = world.verify(&world.present(&[forged], &json!({})));
            assert_eq!(refused.err(), Some("issuer_jwt_algorithm"), "{alg}");
        }
    }
}

#[test]
fn an_issuer_is_believed_for_its_types_only() {
    let world = World::new();
    let asked = Asked::new();
    let presentation = world.present(&[world.credential(&json!({}))], &json!({}));
    for (name, expected) in [
        ("IDCredential", None),
        ("OtherCredential", Some("issuer_not_trusted_for_type")),
        // the type that every credential has is worth nothing
        ("VerifiableCredential", Some("issuer_not_trusted_for_type")),
    ] {
        let source = IssuerKeySource::Did(world.issuer.did.clone());
        let trust = IssuerTrust::new().with_types(source, [CredentialType::w3c(name)]);
        let issuers = IssuerKeys::new(trust, Arc::new(AwsLc));
        let verdict = ready(verify_presentation(&presentation, &asked.expected(), &issuers));
        assert_eq!(verdict.err().map(|error| error.code()), expected, "{name}");
    }
    // who may issue one type does not issue another by issuing both at once
    let both = json!({"vc": {"type": ["VerifiableCredential", "IDCredential", "Badge"]}});
    let presentation = world.present(&[world.credential(&both)], &json!({}));
    for (types, expected) in [
        (vec!["Badge"], Some("issuer_not_trusted_for_type")),
        (vec!["Badge", "IDCredential"], None),
    ] {
        let source = IssuerKeySource::Did(world.issuer.did.clone());
        let types = types.into_iter().map(CredentialType::w3c);
        let issuers =
            IssuerKeys::new(IssuerTrust::new().with_types(source, types), Arc::new(AwsLc));
        let verdict = ready(verify_presentation(&presentation, &asked.expected(), &issuers));
        assert_eq!(verdict.err().map(|error| error.code()), expected);
    }
}

#[test]
fn a_key_that_cannot_be_reached_is_neither_good_nor_bad() {
    struct Unreachable;
    #[async_trait::async_trait]
    impl DidResolver for Unreachable {
        async fn resolve(&self, _: &Did) -> Result<DidDocument, ResolutionError> {
            Err(ResolutionError::Unreachable)
        }
    }
    let world = World::new();
    let asked = Asked::new();
    let issuers = issuers_by_did(&[&world.issuer], Arc::new(AwsLc));
    let issuers = issuers.with_resolver(Arc::new(Unreachable));
    let presentation = world.present(&[world.credential(&json!({}))], &json!({}));
    let verdict = ready(verify_presentation(&presentation, &asked.expected(), &issuers));
    let error = verdict.unwrap_err();
    assert!(error.is_undetermined());
    assert_eq!(error.code(), "holder_key_unreachable");
    // bound to a key there is nothing to resolve for the holder, but there is for the issuer
    let bound = json!({"sub": null, "cnf": {"jwk": world.holder.jwk().to_value()}});
    let changes = json!({"iss": null});
    let presentation =
        world.present_with(&json!({"kid": null}), &[world.credential(&bound)], &changes);
    let verdict = ready(verify_presentation(&presentation, &asked.expected(), &issuers));
    let error = verdict.unwrap_err();
    assert!(error.is_undetermined());
    assert_eq!(error.code(), "issuer_key_unreachable");
}

#[test]
fn a_certificate_vouches_for_the_issuer_that_it_names() {
    let world = World::new();
    let ca = TestCa::new("Root");
    let leaf = ca.leaf(&LeafOptions::named("Issuer").dns("issuer.example"));
    let anchors = lanyard_core::trust::x509::TrustAnchors::from_der([ca.anchor_der()]).unwrap();
    let issuers = IssuerKeys::new(IssuerTrust::certificates(anchors), Arc::new(AwsLc));
    let signer = lanyard_core::crypto::SoftwareSigner::new(&AwsLc, &leaf.key).unwrap();
    let party = Party { jwk: lanyard_core::jose::Jwk::new(*leaf.key.public()), signer };
    for (iss, expected) in [
        ("https://issuer.example", None),
        ("https://other.example", Some("issuer_not_in_certificate")),
    ] {
        let options = SigningOptions::new().with_x5c(&leaf.chain);
        let credential = CredentialV1Draft::new(&IssuerIdentifier::parse(iss).unwrap(), test_now())
            .about(json!({"id": world.holder.did.as_str()}))
            .finish()
            .unwrap();
        let issued = ready(jwt_vc_json::issue(&credential, &options, &party.signer)).unwrap();
        let presentation = world.present(&[issued.into_string()], &json!({}));
        let asked = Asked::new();
        let verdict = ready(verify_presentation(&presentation, &asked.expected(), &issuers));
        assert_eq!(verdict.err().map(|error| error.code()), expected, "{iss}");
    }
}

#[test]
fn a_key_of_another_issuer_verifies_nothing() {
    let world = World::new();
    let other = Person::new();
    let issuers = issuers_by_did(&[&world.issuer, &other], Arc::new(AwsLc));
    let theirs = other.sign("JWT", &json!({}), &world.claims(&json!({"iss": other.did.as_str()})));
    let key =
        ready(issuers.find(&UnverifiedJwtVc::parse(&theirs).unwrap().claimed_issuer(), test_now()))
            .unwrap();
    // signed by the other, in the name of the first: whoever looked up the key looked up the wrong one
    let kid = json!({"kid": world.issuer.key_id.to_string()});
    let forged = other.sign("JWT", &kid, &world.claims(&json!({})));
    let error = UnverifiedJwtVc::parse(&forged).unwrap().verify(key, &AwsLc).unwrap_err();
    assert_eq!(error.code(), "issuer_key_of_another");
}

#[test]
fn a_credential_that_is_no_good_now_is_not_kept() {
    let world = World::new();
    let now = test_now().as_second();
    let expired = world.credential(&json!({"nbf": now - 200, "exp": now - 100}));
    let issuers = issuers_by_did(&[&world.issuer], Arc::new(AwsLc));
    let parsed = UnverifiedJwtVc::parse(&expired).unwrap();
    let key = ready(issuers.find(&parsed.claimed_issuer(), test_now())).unwrap();
    let error = parsed.verify_for_holding(key, test_now(), &AwsLc).unwrap_err();
    assert_eq!(error.code(), "credential_expired");
}

#[test]
fn drafts_of_the_older_version_keep_its_rules() {
    let world = World::new();
    let several = draft(&world).about(json!({"id": "did:example:bob"})).finish().unwrap();
    assert_eq!(several.subjects().count(), 2);
    let nobody = CredentialV1Draft::new(&world.issuer.identifier(), test_now()).finish();
    assert_eq!(nobody.unwrap_err(), CredentialFault::SubjectMissing.into());
    let status = draft(&world).with("credentialStatus", json!({"type": "A"})).finish();
    assert_eq!(status.unwrap_err().code(), "vc_status_malformed");
    let early = draft(&world).expires(test_now() - jiff::SignedDuration::from_secs(1)).finish();
    assert_eq!(early.unwrap_err(), CredentialV1Error::ValidityOrder);
    let document = draft(&world).in_context("https://schema.example").finish().unwrap();
    assert_eq!(document.contexts().len(), 2);
    assert_eq!(CredentialV1::parse(document.clone().into_document()).unwrap(), document);
}
