//! Every format through the service: what passes, and what is refused with 400 at once.

use http::StatusCode;
use jiff::SignedDuration;
use lanyard_core::{
    credential::Format,
    crypto::RustCrypto,
    mdoc::{OpenId4VpHandover, SessionTranscript},
};
use lanyard_testkit::{Flaws, Mint};
use serde_json::{Value, json};

use crate::world::{Asked, Holder, World, steps};

const YEAR: SignedDuration = SignedDuration::from_hours(24 * 365);

async fn ask(world: &World, format: Format) -> Asked {
    world.ask(json!({ "dcql_query": Mint::query(format) })).await
}

async fn holder(world: &World, format: Format) -> Holder<'_> {
    let held = world.mint.badge(format, world.holder.public()).await;
    Holder::of(world, held)
}

/// Sends what the holder makes of a request; it must be refused for this reason alone.
async fn refused_for(world: &World, holder: &Holder<'_>, reason: &str) {
    let format = holder.held.format();
    let asked = ask(world, format).await;
    let answer = world.post(&holder.answer(&asked).await).await;
    assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{format}: {reason}");
    let status = world.status(&asked).await;
    assert_eq!(status["verdict"]["reason"], reason, "{format}");
    assert_eq!(steps(&status).last(), Some(&format!("refused: {reason}")), "{format}");
    assert!(status["verdict"]["credentials"][0].get("claims").is_none(), "{format}");
    assert_eq!((&status["state"], &status["open"]), (&json!("refused"), &json!(true)), "{format}");
}

#[tokio::test]
async fn every_format_is_verified_with_each_check_named_by_its_own_rules() {
    let world = World::new();
    for format in Format::OPENID4VC {
        let asked = ask(&world, *format).await;
        let answer = world.post(&holder(&world, *format).await.answer(&asked).await).await;
        assert_eq!(answer.status, StatusCode::OK, "{format}: {}", answer.text());
        let status = world.status(&asked).await;
        assert_eq!(status["state"], "verified", "{format}");
        let credential = &status["verdict"]["credentials"][0];
        let name = Mint::name_in(*format, &credential["claims"]);
        assert!(name.is_some_and(|name| name.starts_with("Ada")), "{format}: {credential}");
        let checks = credential["checks"].as_array().expect("checks");
        let rule = |id: &str| {
            let check = checks.iter().find(|check| check["id"] == id).expect("it is listed");
            check["rule"].as_str().expect("a rule").to_owned()
        };
        let signature = match format {
            Format::SdJwtVc => "RFC 9901 §7.1(1)",
            Format::MsoMdoc => "ISO/IEC 18013-5 §9.3.1",
            Format::JwtVcJson => "VCDM 1.1 §6.3.1",
            _ => "Data Integrity §4.4",
        };
        assert_eq!(rule("issuer_signature"), signature, "{format}");
        assert_eq!(rule("query"), "OID4VP 1.0 §8.6", "{format}");
    }
}

#[tokio::test]
async fn refuses_an_mdoc_over_another_session_transcript() {
    let world = World::new();
    let asked = ask(&world, Format::MsoMdoc).await;
    let reviewed = world.review(&asked).await;
    let handover = OpenId4VpHandover {
        client_id: &reviewed.request().client_id.as_str().into(),
        nonce: &"another-nonce-of-another-request".into(),
        encryption_key: None,
        response_uri: reviewed.request().response_uri.as_str(),
    };
    let transcript = Some(SessionTranscript::openid4vp(&handover, &RustCrypto));
    let holder = Holder { transcript, ..holder(&world, Format::MsoMdoc).await };
    refused_for(&world, &holder, "device_signature_invalid").await;
}

#[tokio::test]
async fn refuses_every_format_for_another_nonce_or_another_audience() {
    let world = World::new();
    for (format, nonce, audience) in [
        (Format::SdJwtVc, "nonce_mismatch", "audience_mismatch"),
        (Format::JwtVcJson, "nonce_mismatch", "audience_mismatch"),
        (Format::LdpVc, "proof_challenge", "proof_domain"),
    ] {
        let other = Some("another-nonce-of-another-request".to_owned());
        let wrong = Holder { nonce: other, ..holder(&world, format).await };
        refused_for(&world, &wrong, nonce).await;
        let other = Some("x509_san_dns:verifier.example".to_owned());
        let wrong = Holder { audience: other, ..holder(&world, format).await };
        refused_for(&world, &wrong, audience).await;
    }
}

#[tokio::test]
async fn refuses_a_presentation_of_last_year_and_one_of_next_year() {
    let world = World::new();
    for (format, past, future) in [
        (Format::SdJwtVc, "key_binding_too_old", "key_binding_from_the_future"),
        (Format::JwtVcJson, "presentation_too_old", "presentation_from_the_future"),
        (Format::LdpVc, "presentation_too_old", "proof_created_in_the_future"),
    ] {
        let at = world.now() - YEAR;
        refused_for(&world, &Holder { at, ..holder(&world, format).await }, past).await;
        let at = world.now() + YEAR;
        refused_for(&world, &Holder { at, ..holder(&world, format).await }, future).await;
    }
}

#[tokio::test]
async fn refuses_every_format_whose_holder_signature_is_broken() {
    let world = World::new();
    // one bit in the middle of the last signature
    let of_jwt = |token: String| {
        let place = token.rfind('.').expect("a token has parts") + 20;
        let other = if &token[place..=place] == "A" { "B" } else { "A" };
        format!("{}{other}{}", &token[..place], &token[place + 1..])
    };
    let of_proof = |text: String| {
        let mut presented: Value = serde_json::from_str(&text).expect("JSON");
        let proof = presented["proof"]["proofValue"].as_str().expect("a proof").to_owned();
        let other = if &proof[20..21] == "2" { "3" } else { "2" };
        presented["proof"]["proofValue"] =
            format!("{}{other}{}", &proof[..20], &proof[21..]).into();
        presented.to_string()
    };
    for (format, tamper, reason) in [
        (Format::SdJwtVc, of_jwt as fn(String) -> String, "key_binding_signature_invalid"),
        (Format::JwtVcJson, of_jwt, "presentation_signature_invalid"),
        (Format::LdpVc, of_proof, "proof_signature"),
    ] {
        refused_for(&world, &Holder { tamper, ..holder(&world, format).await }, reason).await;
    }
}

#[tokio::test]
async fn refuses_every_format_once_it_has_expired() {
    let world = World::new();
    for format in Format::OPENID4VC {
        let flaws = Flaws { expired: true, ..Flaws::default() };
        let held = world.mint.flawed(*format, world.holder.public(), flaws).await;
        refused_for(&world, &Holder::of(&world, held), "credential_expired").await;
    }
}

#[tokio::test]
async fn refuses_every_format_from_an_issuer_whom_the_tenant_does_not_trust() {
    let (world, stranger) = (World::new(), World::new());
    for format in Format::OPENID4VC {
        let held = stranger.mint.badge(*format, world.holder.public()).await;
        // the authorities of both have one name, so it is the signature that tells them apart
        let reason = match format {
            Format::SdJwtVc | Format::MsoMdoc => "issuer_certificate_refused",
            _ => "issuer_not_trusted",
        };
        refused_for(&world, &Holder::of(&world, held), reason).await;
    }
}
