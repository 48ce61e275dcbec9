//! The specification's own examples of requests and responses.

use lanyard_core::{
    credential::{self, Format, HeldCredential},
    jose::{Jwk, PrivateJwk},
    json,
    trust::{IssuerIdentifier, IssuerKeySource, IssuerKeys, IssuerTrust},
    w3c::{ContextFault, CredentialFault, ldp_vc::LdpVcError},
};
use lanyard_oid4vci::{
    Transport,
    credential::{CredentialError, CredentialRequest, CredentialResponse},
    metadata::CredentialIssuerMetadata,
    offer::{CredentialOffer, OfferError},
};
use lanyard_testkit::vectors;
use serde_json::json;

use crate::fixture::{ISSUER, World, issuer_url};

/// A JSON text that was broken over lines, inside its strings too.
fn unwrapped(text: &str) -> serde_json::Value {
    let text: String = text.lines().map(str::trim).collect();
    json::parse(text.as_bytes()).expect("it is JSON once its lines are joined")
}

/// The one credential in the body of an HTTP message.
fn credential(file: &str) -> serde_json::Value {
    let message = vectors::text(format!("oid4vci/examples-1.0/{file}"));
    let (_, body) = message.split_once("\n\n").expect("a message has a body");
    let response: CredentialResponse =
        serde_json::from_value(unwrapped(body)).expect("a credential response");
    let [one] = response.credentials.try_into().expect("one credential");
    one.credential
}

#[tokio::test]
async fn the_sd_jwt_vc_of_the_credential_response_is_held_by_the_key_of_the_sd_jwt_vc_examples() {
    if !vectors::available("oid4vci") || !vectors::available("sd-jwt-vc") {
        return;
    }
    let world = World::new();
    let text = credential("credential_response_sd_jwt_vc.txt");
    let text = text.as_str().expect("an SD-JWT VC is a string");
    let key = PrivateJwk::from_value(&vectors::json("sd-jwt-vc/keys.json")["issuer"]).unwrap();
    let held_by = |key: Jwk| {
        let issuer = IssuerIdentifier::parse("https://example.com/issuer").unwrap();
        let source = IssuerKeySource::Keys { issuer, keys: vec![key] };
        IssuerKeys::new(IssuerTrust::new().with(source), world.provider.clone())
    };
    let issuers = held_by(Jwk::new(*key.key.public()));
    let held = HeldCredential::receive(Format::SdJwtVc, text, &issuers, world.now).await.unwrap();
    assert_eq!(held.claims().claim("email"), Some(&json!("johndoe@example.com")));
    assert_eq!(held.claims().claim("is_over_65"), Some(&json!(true)));
    // the keys that the issuer publishes in another example are others, named by their thumbprints
    let published = unwrapped(&vectors::text("oid4vci/examples-1.0/issuer_jwks.json"));
    let published = Jwk::from_value(&published["jwks"]["keys"][0]).unwrap();
    let thumbprint = published.thumbprint(&*world.provider).to_base64url();
    let name = format!("urn:ietf:params:oauth:jwk-thumbprint:sha-256:{thumbprint}");
    assert_eq!(published.kid, Some(name));
    let issuers = held_by(Jwk::new(published.key));
    let refused = HeldCredential::receive(Format::SdJwtVc, text, &issuers, world.now).await;
    let refused = refused.expect_err("that key did not sign it");
    assert_eq!(refused.code(), "issuer_signature_invalid");
}

#[test]
fn the_examples_of_haip_are_of_a_draft_and_taken_for_nothing_else() {
    if !vectors::available("haip") {
        return;
    }
    let example = |name: &str| vectors::bytes(format!("haip/examples-1.0/{name}_sd_jwt_vc.json"));
    let offer = CredentialOffer::parse(&example("credential_offer"), Transport::Https);
    assert_eq!(offer, Err(OfferError::Malformed));
    let text = vectors::text("haip/examples-1.0/credential_request_sd_jwt_vc.json");
    let request = CredentialRequest::parse(unwrapped(&text).to_string().as_bytes());
    assert_eq!(request, Err(CredentialError::NotExactlyOneName));
    let configuration = json::parse(&example("credential_metadata")).unwrap();
    let metadata = json!({
        "credential_issuer": ISSUER,
        "credential_endpoint": "https://issuer.example/credential",
        "credential_configurations_supported": { "identity": configuration },
    });
    let metadata = metadata.to_string();
    let read = CredentialIssuerMetadata::parse(metadata.as_bytes(), &issuer_url(ISSUER)).unwrap();
    let format = &read.credential_configurations_supported.values().next().unwrap().format;
    // what the draft called an SD-JWT VC is the name of another format since
    assert_eq!(format, "vc+sd-jwt");
    assert_ne!(serde_json::from_value::<Format>(json!(format)).ok(), Some(Format::SdJwtVc));
}

#[tokio::test]
async fn the_responses_have_the_form_of_their_format_and_are_refused_for_what_they_leave_out() {
    if !vectors::available("oid4vci") {
        return;
    }
    let world = World::new();
    let nobody = IssuerKeys::new(IssuerTrust::new(), world.provider.clone());
    // cut short in the middle
    let text = credential("credential_response_mso_mdoc.txt");
    let text = text.as_str().expect("an mdoc is a string");
    let refused = HeldCredential::receive(Format::MsoMdoc, text, &nobody, world.now).await;
    let refused = refused.expect_err("it is cut short");
    assert!(matches!(refused, credential::CredentialRefused::MsoMdoc(_)), "{refused}");
    // of VCDM 1.1, which this format is not issued in any more
    let object = credential("credential_response_ldp_vc.txt");
    assert!(object.is_object(), "an ldp_vc is an object");
    let text = object.to_string();
    let refused = HeldCredential::receive(Format::LdpVc, &text, &nobody, world.now).await;
    let refused = refused.expect_err("its context is that of VCDM 1.1");
    let credential::CredentialRefused::LdpVc(refused) = refused else {
        unreachable!("it is an ldp_vc: {refused}")
    };
    let expected = LdpVcError::Credential(CredentialFault::from(ContextFault::Base).into());
    let is_known = refused == expected || matches!(refused, LdpVcError::Proof(_));
    assert!(is_known, "{refused}");
}

#[test]
fn the_request_for_a_driving_licence_is_of_a_draft_and_names_no_configuration() {
    if !vectors::available("oid4vci") {
        return;
    }
    let body = vectors::bytes("oid4vci/examples-1.0/credential_request_iso_mdl.json");
    let refused = CredentialRequest::parse(&body);
    assert_eq!(refused, Err(CredentialError::NotExactlyOneName));
}

#[test]
fn the_signed_metadata_are_those_of_the_signed_objects() {
    if !vectors::available("oid4vci") {
        return;
    }
    let wrapped = vectors::text("oid4vci/examples-1.0/credential_issuer_metadata_sd_jwt_jwt.txt");
    let jwt: String = wrapped.lines().map(str::trim).collect();
    let objects = vectors::json("oid4vci/signed_objects.json");
    let mut names = objects.as_array().expect("a list").iter();
    assert!(names.any(|object| object["jwt"].as_str() == Some(jwt.as_str())));
}
