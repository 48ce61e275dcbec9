//! The specification's own examples of requests and responses.

use lanyard_core::{
    credential::{self, Format, HeldCredential},
    trust::{IssuerKeys, IssuerTrust},
    w3c::{ContextFault, CredentialError as W3cError, ldp_vc::LdpVcError},
};
use lanyard_oid4vci::credential::{CredentialError, CredentialRequest, CredentialResponse};
use lanyard_testkit::vectors;

use crate::fixture::World;

/// The one credential in the body of an HTTP message.
fn credential(file: &str) -> serde_json::Value {
    let message = vectors::text(format!("oid4vci/examples-1.0/{file}"));
    let (_, body) = message.split_once("\n\n").expect("a message has a body");
    // what the example breaks over lines
    let body: String = body.lines().map(str::trim).collect();
    let response: CredentialResponse = serde_json::from_str(&body).expect("a credential response");
    let [one] = response.credentials.try_into().expect("one credential");
    one.credential
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
    let expected = LdpVcError::Credential(W3cError::Context(ContextFault::Base));
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
