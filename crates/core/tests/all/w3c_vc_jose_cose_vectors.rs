//! The examples of VC-JOSE-COSE. They have no `typ`, and some are printed wrong: each fault is named here.

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    credential::{ValidityError, ValidityPolicy},
    crypto::{AwsLc, PublicKey, SignatureAlgorithm},
    jose::{HeaderKey, Jwk, Slot, UnverifiedJws},
    json::Object,
    sd_jwt::UnverifiedSdJwt,
    trust::{IssuerKeySource, IssuerKeys, IssuerTrust},
    w3c::{
        EnvelopeError, EnvelopedPresentation, Presentation, PresentationError, PresentedCredential,
        SecuredCredential, SecuredPresentation,
        vc_jose_cose::{UnverifiedVcJwt, UnverifiedVcSdJwt},
    },
};
use lanyard_testkit::vectors;
use serde_json::Value;

use crate::sd_jwt_support::{PROVIDERS, ready};

/// Whatever the examples are: without `typ`, and with a `kid`.
const EXAMPLE: Slot = Slot {
    name: "example",
    typ: &[""],
    algorithms: SignatureAlgorithm::ALL,
    header_keys: &[HeaderKey::Kid],
};

/// A day on which the examples' signatures count.
fn then() -> Timestamp {
    Timestamp::from_second(1_740_815_043).expect("it is a moment")
}

fn key() -> Jwk {
    Jwk::from_value(&vectors::json("vc-jose-cose/es256_public.jwk.json")).expect("it is a key")
}

/// The examples in one form: the last part of each name, and the token.
fn examples(form: &str) -> Vec<(String, String)> {
    let examples = vectors::json("vc-jose-cose/examples.json");
    let mut found = Vec::new();
    for example in examples.as_array().expect("it is an array") {
        let name = example["id"].as_str().expect("an example has a name");
        for token in example[form].as_array().into_iter().flatten() {
            let token = token.as_str().expect("a token is text").to_owned();
            found.push((name.trim_start_matches("example-").to_owned(), token));
        }
    }
    found
}

fn is_credential(name: &str) -> bool {
    !name.contains("presentation")
}

/// The payload of a JWT whose signature was checked with both providers.
fn verified_jwt(token: &str, key: &PublicKey) -> Object {
    let [one, other] = PROVIDERS.map(|provider| {
        let jws = UnverifiedJws::parse(token).expect("it is a JWS");
        jws.verify(&EXAMPLE, key, provider).expect("it verifies").claims().expect("it is JSON")
    });
    assert_eq!(one, other);
    one
}

fn verified_sd_jwt(token: &str, key: &PublicKey) -> Object {
    let sd_jwt = UnverifiedSdJwt::parse(token).expect("it is an SD-JWT");
    let verified = sd_jwt.verify(&EXAMPLE, key, None, &AwsLc).expect("it verifies");
    verified.claims().as_object().clone()
}

fn issuers(credential: &Object) -> IssuerKeys {
    let issuer = match &credential["issuer"] {
        Value::Object(issuer) => &issuer["id"],
        issuer => issuer,
    };
    let issuer = serde_json::from_value(issuer.clone()).expect("it is an identifier");
    let source = IssuerKeySource::Keys { issuer, keys: vec![key()] };
    IssuerKeys::new(IssuerTrust::new().with(source), Arc::new(AwsLc))
}

#[test]
fn every_credential_of_the_specification_verifies_and_is_its_whole_payload() {
    if !vectors::available("vc-jose-cose") {
        return;
    }
    let mut counted = 0;
    for (name, token) in examples("jwt").into_iter().filter(|(name, _)| is_credential(name)) {
        let printed = verified_jwt(&token, &key().key);
        let parsed = UnverifiedVcJwt::parse(&token).unwrap();
        let key = ready(issuers(&printed).find(&parsed.claimed_issuer(), then())).unwrap();
        let verified = parsed.verify(key, &AwsLc).unwrap();
        assert_eq!(verified.claims().as_object(), &printed, "{name}");
        assert_eq!(verified.judge_validity(&ValidityPolicy::default(), then()), Ok(()), "{name}");
        counted += 1;
    }
    for (name, token) in examples("sd_jwt").into_iter().filter(|(name, _)| is_credential(name)) {
        let printed = verified_sd_jwt(&token, &key().key);
        for provider in PROVIDERS {
            let parsed = UnverifiedVcSdJwt::parse(&token, provider).unwrap();
            let key = ready(issuers(&printed).find(&parsed.claimed_issuer(), then())).unwrap();
            let (verified, _) = parsed.verify(key, None, provider).unwrap();
            assert_eq!(verified.claims().as_object(), &printed, "{name}");
            // every id and type came by a disclosure
            assert!(verified.disclosed().len() >= 6, "{name}");
            let policy = ValidityPolicy::default();
            assert_eq!(verified.judge_validity(&policy, then()), Ok(()), "{name}");
            // the signature stops counting after two weeks, the credential does not
            let later = then() + jiff::SignedDuration::from_hours(24 * 15);
            assert_eq!(verified.judge_validity(&policy, later), Err(ValidityError::Expired));
        }
        counted += 1;
    }
    assert_eq!(counted, 6);
}

#[test]
fn every_presentation_of_the_specification_is_one_as_far_as_it_is_printed_right() {
    if !vectors::available("vc-jose-cose") {
        return;
    }
    let mut payloads = Vec::new();
    for (name, token) in examples("jwt").into_iter().filter(|(name, _)| !is_credential(name)) {
        payloads.push((name, verified_jwt(&token, &key().key)));
    }
    for (name, token) in examples("sd_jwt").into_iter().filter(|(name, _)| !is_credential(name)) {
        payloads.push((name, verified_sd_jwt(&token, &key().key)));
    }
    assert_eq!(payloads.len(), 6);
    let mut faults = Vec::new();
    for (name, payload) in payloads {
        match Presentation::parse(payload.clone()) {
            Ok(presentation) => faults.extend(presentation.credentials().iter().map(fault_of)),
            Err(PresentationError::Enveloped) => {
                let envelope = EnvelopedPresentation::parse(&payload).unwrap();
                faults.push(match envelope.open() {
                    Ok(SecuredPresentation::Jwt(token)) => {
                        let inner = UnverifiedJws::parse(token).unwrap();
                        let error = inner.verify(&EXAMPLE, &key().key, &AwsLc).unwrap_err();
                        error.to_string()
                    }
                    Ok(SecuredPresentation::Cose(_)) => "binary".to_owned(),
                    Err(error) => error.code().to_owned(),
                });
            }
            Err(error) => unreachable!("{name}: {error}"),
        }
    }
    assert_eq!(
        faults,
        [
            // the data: URL is printed twice, joined by a semicolon
            "issuer_jwt_malformed",
            // the inner presentation is signed by a key that is not printed, if by any
            "the signature does not verify",
            // COSE in base64url, where RFC 2397 has base64
            "envelope_encoding",
            // cut short for print, "eyVjV...RMjU"
            "issuer_jwt_header",
            "issuer_jwt_header",
            // a space after the comma
            "issuer_jwt_header",
            // vp+sd-jwt, which is not looked into
            "envelope_media_type",
            "envelope_encoding",
            "issuer_jwt_header",
            "issuer_jwt_header",
        ]
    );
}

/// What is wrong with an envelope in an example.
fn fault_of(credential: &PresentedCredential) -> String {
    let PresentedCredential::Enveloped(envelope) = credential else {
        unreachable!("all examples are enveloped")
    };
    let code = match envelope.open() {
        Ok(SecuredCredential::Jwt(token)) => UnverifiedVcJwt::parse(token).err().map(|e| e.code()),
        Ok(SecuredCredential::SdJwt(token)) => {
            UnverifiedVcSdJwt::parse(token, &AwsLc).err().map(|e| e.code())
        }
        Ok(SecuredCredential::Cose(_)) => Some("binary"),
        Err(error) => Some(EnvelopeError::code(error)),
    };
    code.unwrap_or("none").to_owned()
}

#[test]
fn no_example_verifies_by_the_key_of_another_algorithm() {
    if !vectors::available("vc-jose-cose") {
        return;
    }
    // the credential inside the first presentation says ES384, and there is no such key
    let (_, token) = &examples("jwt")[1];
    let payload = verified_jwt(token, &key().key);
    let id = payload["verifiableCredential"][0]["id"].as_str().unwrap();
    let (_, token) = id.split_once(',').unwrap();
    let (token, _) = token.split_once(';').unwrap();
    let parsed = UnverifiedVcJwt::parse(token).unwrap();
    let credential = UnverifiedJws::parse(token).unwrap().danger_unverified_claims().unwrap();
    let found = ready(issuers(&credential).find(&parsed.claimed_issuer(), then()));
    assert_eq!(found.unwrap_err().code(), "issuer_key_not_found");
}
