//! The whole circle in every format, and what each format is refused for.

use jiff::SignedDuration;
use lanyard_core::{
    credential::{Format, HeldCredential},
    data_integrity::Cryptosuite,
    mdoc::{OpenId4VpHandover, SessionTranscript},
};
use lanyard_oid4vp::{
    request::ResponseMode,
    verifier::{CheckOutcome, Conclusion, Requested, Verdict, VerdictState},
    wallet::{AnswerError, NothingFits, PresentError},
};
use lanyard_testkit::{Flaws, Mint, vectors};
use serde_json::{Value, json};

use crate::world::{Honest, World, form, parameters, view};

const MODES: [ResponseMode; 2] = [ResponseMode::DirectPost, ResponseMode::DirectPostJwt];

async fn body(presenter: &Honest<'_>, requested: &Requested) -> Vec<u8> {
    let world = presenter.world;
    let reviewed = world.review(requested).await;
    let choices = reviewed.choices(&[view(&presenter.held)]).expect("the badge fits");
    let selection = choices.smallest();
    let consent = choices.approve(&selection).expect("the smallest selection is one");
    let answer = reviewed.answer(consent, presenter, world.provider.as_ref()).await;
    answer.expect("an answer").body.into_bytes()
}

async fn opened(world: &World, requested: Requested, body: &[u8]) -> Verdict {
    let verifier = world.presentations();
    match requested.open(body, &verifier, world.now, world.provider.as_ref()).await {
        Ok(Conclusion::Answered(verdict)) => verdict,
        other => unreachable!("presentations came: {other:?}"),
    }
}

async fn badge(world: &World, format: Format) -> HeldCredential {
    world.mint.badge(format, world.holder.public()).await
}

/// The verdict on what this presenter sends.
async fn judged(presenter: &Honest<'_>, mode: ResponseMode) -> Verdict {
    let requested = presenter.world.ask(Mint::query(presenter.held.format()), mode);
    let body = body(presenter, &requested).await;
    opened(presenter.world, requested, &body).await
}

fn refused_for(verdict: &Verdict, reason: &str, check: &str) {
    assert_eq!(verdict.state, VerdictState::Refused);
    assert_eq!(verdict.reason.as_deref(), Some(reason));
    let checks = verdict.credentials[0].checks.iter();
    let failed = checks.filter(|check| check.outcome == CheckOutcome::Failed);
    assert_eq!(failed.map(|check| check.id.as_ref()).collect::<Vec<_>>(), [check]);
    assert!(verdict.credentials.iter().all(|credential| credential.claims.is_none()));
}

#[tokio::test]
async fn every_format_goes_from_the_request_to_the_verdict() {
    let world = World::new();
    for format in Format::OPENID4VC {
        for mode in MODES {
            let presenter = Honest::new(&world, badge(&world, *format).await);
            let verdict = judged(&presenter, mode).await;
            assert!(verdict.is_verified(), "{format}: {verdict:?}");
            let credential = &verdict.credentials[0];
            assert_eq!(credential.format, format.name());
            assert!(!credential.types.is_empty() && credential.issuer.is_some(), "{format}");
            let claims = Value::Object(credential.claims.clone().expect("claims"));
            assert!(Mint::name_in(*format, &claims).is_some_and(|name| name.starts_with("Ada")));
            let bad =
                |outcome| !matches!(outcome, CheckOutcome::Passed | CheckOutcome::NotApplicable);
            assert!(!credential.checks.iter().any(|check| bad(check.outcome)), "{format}");
        }
    }
}

#[tokio::test]
async fn a_verdict_shows_what_was_asked_for_alone_also_of_formats_that_withhold_nothing() {
    let world = World::new();
    for (format, whole) in [
        (Format::SdJwtVc, json!({ "name": "Ada Lovelace" })),
        (Format::MsoMdoc, json!({ "org.iso.18013.5.1": { "given_name": "Ada" } })),
        (Format::JwtVcJson, json!({ "credentialSubject": { "name": "Ada Lovelace" } })),
        (Format::LdpVc, json!({ "credentialSubject": { "name": "Ada Lovelace" } })),
    ] {
        let presenter = Honest::new(&world, badge(&world, format).await);
        let verdict = judged(&presenter, MODES[1]).await;
        assert_eq!(verdict.credentials[0].claims.as_ref(), whole.as_object(), "{format}");
    }
}

#[tokio::test]
async fn rules_see_what_was_not_asked_for_too_and_it_goes_no_further() {
    let world = World::new();
    for format in [Format::JwtVcJson, Format::LdpVc] {
        let presenter = Honest::new(&world, badge(&world, format).await);
        let mut verdict = judged(&presenter, MODES[1]).await;
        let all = verdict.credentials[0].all_claims().expect("it is verified");
        assert_eq!(all["credentialSubject"]["department"], "Engines", "{format}");
        let told = serde_json::to_value(&verdict).expect("a verdict is JSON");
        assert!(!told.to_string().contains("Engines"), "{format}: {told}");
        let read: Verdict = serde_json::from_value(told).expect("and read again");
        assert_eq!(read.credentials[0].all_claims(), None, "{format}");
        verdict.withhold_claims();
        assert_eq!(verdict.credentials[0].all_claims(), None, "{format}");
    }
}

#[tokio::test]
async fn every_format_is_refused_in_answer_to_another_nonce() {
    let world = World::new();
    for format in Format::OPENID4VC {
        let mut presenter = Honest::new(&world, badge(&world, *format).await);
        presenter.nonce = Some("another-nonce".to_owned());
        let (reason, check) = match format {
            // the nonce of an mdoc is in the transcript, which has a test of its own
            Format::MsoMdoc => continue,
            Format::LdpVc => ("proof_challenge", "nonce"),
            _ => ("nonce_mismatch", "nonce"),
        };
        refused_for(&judged(&presenter, MODES[1]).await, reason, check);
    }
}

#[tokio::test]
async fn every_format_is_refused_that_is_for_another_verifier() {
    let world = World::new();
    for format in Format::OPENID4VC {
        let mut presenter = Honest::new(&world, badge(&world, *format).await);
        // the client identifier without its prefix is another one
        let bare = world.client_id().as_str().trim_start_matches("x509_hash:").to_owned();
        presenter.audience = Some(bare);
        let (reason, check) = match format {
            Format::MsoMdoc => continue,
            Format::LdpVc => ("proof_domain", "audience"),
            _ => ("audience_mismatch", "audience"),
        };
        refused_for(&judged(&presenter, MODES[1]).await, reason, check);
    }
}

#[tokio::test]
async fn an_mdoc_over_another_session_transcript_is_refused_whatever_differs_in_it() {
    let world = World::new();
    let requested = world.ask(Mint::query(Format::MsoMdoc), MODES[1]);
    let reviewed = world.review(&requested).await;
    let (client_id, nonce) = (world.client_id(), reviewed.request().nonce.clone());
    let uri = reviewed.request().response_uri.as_str().to_owned();
    let lanyard_oid4vp::request::Delivery::Encrypted(recipient) = &reviewed.request().delivery
    else {
        unreachable!("it was asked for")
    };
    let key = Some(recipient.jwk.thumbprint(world.provider.as_ref()));
    let other_key = Some(lanyard_core::jose::Thumbprint([7; 32]));
    let transcript = |client: &str, nonce: &str, encryption_key, response_uri: &str| {
        let handover = OpenId4VpHandover {
            client_id: &client.into(),
            nonce: &nonce.into(),
            encryption_key,
            response_uri,
        };
        SessionTranscript::openid4vp(&handover, world.provider.as_ref())
    };
    let good = transcript(client_id.as_str(), nonce.as_str(), key, &uri);
    let cases = [
        ("another client", transcript("x509_san_dns:other", nonce.as_str(), key, &uri)),
        ("another nonce", transcript(client_id.as_str(), "another", key, &uri)),
        ("another key", transcript(client_id.as_str(), nonce.as_str(), other_key, &uri)),
        ("no key", transcript(client_id.as_str(), nonce.as_str(), None, &uri)),
        ("another place", transcript(client_id.as_str(), nonce.as_str(), key, "https://a.b/")),
    ];
    let mut presenter = Honest::new(&world, badge(&world, Format::MsoMdoc).await);
    presenter.transcript = Some(good);
    let answer = body(&presenter, &requested).await;
    assert!(opened(&world, requested.clone(), &answer).await.is_verified());
    for (case, transcript) in cases {
        presenter.transcript = Some(transcript);
        let answer = body(&presenter, &requested).await;
        let verdict = opened(&world, requested.clone(), &answer).await;
        assert_eq!(verdict.reason.as_deref(), Some("device_signature_invalid"), "{case}");
        refused_for(&verdict, "device_signature_invalid", "holder_signature");
    }
}

#[tokio::test]
async fn no_wallet_signs_for_a_key_that_is_not_the_credentials() {
    let world = World::new();
    let thief = World::new();
    for format in Format::OPENID4VC {
        let held = thief.mint.badge(*format, thief.holder.public()).await;
        let mut presenter = Honest::new(&world, held);
        presenter.key = world.holder.clone();
        let requested = world.ask(Mint::query(*format), MODES[1]);
        let reviewed = world.review(&requested).await;
        let choices = reviewed.choices(&[view(&presenter.held)]).expect("the badge fits");
        let selection = choices.smallest();
        let consent = choices.approve(&selection).expect("a selection");
        let answer = reviewed.answer(consent, &presenter, world.provider.as_ref()).await;
        assert_eq!(answer.unwrap_err(), AnswerError::Present(PresentError::Credential), "{format}");
    }
}

#[tokio::test]
async fn every_format_is_refused_once_it_has_expired() {
    let world = World::new();
    for format in Format::OPENID4VC {
        let flaws = Flaws { expired: true, ..Flaws::default() };
        let held = world.mint.flawed(*format, world.holder.public(), flaws).await;
        let verdict = judged(&Honest::new(&world, held), MODES[1]).await;
        assert_eq!(verdict.reason.as_deref(), Some("credential_expired"), "{format}");
        refused_for(&verdict, "credential_expired", "validity");
    }
}

#[tokio::test]
async fn every_format_is_refused_from_an_issuer_whom_nobody_trusts() {
    let (world, stranger) = (World::new(), World::new());
    for format in Format::OPENID4VC {
        let held = stranger.mint.badge(*format, world.holder.public()).await;
        let verdict = judged(&Honest::new(&world, held), MODES[1]).await;
        // the authorities of both have one name, so it is the signature that tells them apart
        let reason = match format {
            Format::SdJwtVc | Format::MsoMdoc => "issuer_certificate_refused",
            _ => "issuer_not_trusted",
        };
        refused_for(&verdict, reason, "issuer_trusted");
    }
}

#[tokio::test]
async fn a_credential_of_another_type_does_not_answer_the_query() {
    let world = World::new();
    for (format, meta) in [
        (Format::MsoMdoc, json!({ "doctype_value": "org.iso.23220.photoid.1" })),
        (Format::JwtVcJson, json!({ "type_values": [["Badge", "Gold"], ["Diploma"]] })),
        (Format::LdpVc, json!({ "type_values": [[Mint::TYPE_IRI, "Gold"]] })),
    ] {
        let held = badge(&world, format).await;
        let mut asked = Mint::credential_query(format);
        asked["meta"] = meta;
        let requested = world.ask(json!({ "credentials": [asked] }), MODES[0]);
        let choices = world.review(&requested).await.choices(&[view(&held)]);
        assert!(matches!(choices, Err(NothingFits)), "{format}");
        // and a wallet that answers all the same is refused
        let good = world.ask(Mint::query(format), MODES[0]);
        let reviewed = world.review(&requested).await;
        let binding = reviewed.binding(world.provider.as_ref());
        let token = token_for(&world, &held, &good, &binding).await;
        let state = &reviewed.request().state;
        let answer = form(state.as_ref(), &[("vp_token", json!({ "badge": [token] }).to_string())]);
        let verdict = opened(&world, requested, &answer).await;
        refused_for(&verdict, "credential_wrong_type", "type");
    }
}

/// A presentation made for one request, of what another one asks for.
async fn token_for(
    world: &World,
    held: &HeldCredential,
    asked: &Requested,
    binding: &lanyard_oid4vp::wallet::Binding,
) -> Value {
    use lanyard_oid4vp::wallet::Presenter as _;
    let choices = world.review(asked).await.choices(&[view(held)]).expect("the badge fits");
    let selection = choices.smallest();
    let consent = choices.approve(&selection).expect("a selection");
    let presenter = Honest::new(world, held.clone());
    presenter.present(&consent.approved()[0], binding).await.expect("a presentation")
}

#[tokio::test]
async fn a_w3c_credential_is_asked_for_by_its_iri_or_as_it_is_written() {
    let world = World::new();
    let base = "https://www.w3.org/2018/credentials#VerifiableCredential";
    for (format, types) in [
        (Format::LdpVc, json!([[Mint::TYPE_IRI, base]])),
        (Format::LdpVc, json!([[Mint::TYPE, "VerifiableCredential"]])),
        (Format::JwtVcJson, json!([[Mint::TYPE, base]])),
        (Format::JwtVcJson, json!([["VerifiableCredential"]])),
    ] {
        let presenter = Honest::new(&world, badge(&world, format).await);
        let mut asked = Mint::credential_query(format);
        asked["meta"] = json!({ "type_values": types });
        let requested = world.ask(json!({ "credentials": [asked] }), MODES[1]);
        let answer = body(&presenter, &requested).await;
        let verdict = opened(&world, requested, &answer).await;
        assert!(verdict.is_verified(), "{format} {types}: {verdict:?}");
    }
}

#[tokio::test]
async fn without_holder_binding_the_w3c_credential_comes_alone() {
    let world = World::new();
    for format in [Format::JwtVcJson, Format::LdpVc, Format::SdJwtVc] {
        for unbound in [false, true] {
            let flaws = Flaws { unbound, ..Flaws::default() };
            let held = world.mint.flawed(format, world.holder.public(), flaws).await;
            let mut asked = Mint::credential_query(format);
            asked["require_cryptographic_holder_binding"] = json!(false);
            let requested = world.ask(json!({ "credentials": [asked] }), MODES[0]);
            let answer = body(&Honest::new(&world, held), &requested).await;
            let verdict = opened(&world, requested, &answer).await;
            assert!(verdict.is_verified(), "{format}: {verdict:?}");
            let holder =
                |check: &&lanyard_oid4vp::verifier::CheckVerdict| check.id == "holder_signature";
            let check = verdict.credentials[0].checks.iter().find(holder).expect("it is listed");
            assert_eq!(check.outcome, CheckOutcome::NotApplicable, "{format}");
        }
        // where binding is demanded, a credential that nobody can prove theirs is not offered
        let flaws = Flaws { unbound: true, ..Flaws::default() };
        let held = world.mint.flawed(format, world.holder.public(), flaws).await;
        let requested = world.ask(Mint::query(format), MODES[0]);
        let reviewed = world.review(&requested).await;
        assert!(reviewed.choices(&[view(&held)]).is_err(), "{format}");
    }
}

#[tokio::test]
async fn a_w3c_credential_that_comes_alone_is_no_presentation() {
    let world = World::new();
    for (format, reason) in
        [(Format::JwtVcJson, "presentation_jwt_forbidden_claim"), (Format::LdpVc, "vp_type_kind")]
    {
        let held = badge(&world, format).await;
        let alone = match format {
            Format::LdpVc => serde_json::from_str(&held.to_text()).unwrap(),
            _ => Value::from(held.to_text().as_ref()),
        };
        let requested = world.ask(Mint::query(format), MODES[0]);
        let state = world.review(&requested).await.request().state.clone();
        let answer = form(state.as_ref(), &[("vp_token", json!({ "badge": [alone] }).to_string())]);
        let verdict = opened(&world, requested, &answer).await;
        assert_eq!(verdict.state, VerdictState::Refused, "{format}");
        let found = verdict.reason.clone().unwrap_or_default();
        assert!(
            found.contains("vp") || found.contains("presentation"),
            "{format}: {found} {reason}"
        );
    }
}

#[tokio::test]
async fn the_metadata_names_the_formats_asked_for_with_what_is_enforced() {
    let world = World::new();
    let names = json!(["ES256", "ES384", "EdDSA", "Ed25519"]);
    let numbers = json!([-7, -8, -9, -19, -35, -51]);
    let mut cryptosuites = vec![
        "eddsa-jcs-2022",
        "ecdsa-jcs-2019",
        "eddsa-rdfc-2022",
        "ecdsa-rdfc-2019",
        "ecdsa-sd-2023",
    ];
    // a workspace build may bring the core's feature along
    cryptosuites.extend(Cryptosuite::from_name("bbs-2023").map(Cryptosuite::name));
    for (format, members) in [
        (Format::SdJwtVc, json!({ "sd-jwt_alg_values": names, "kb-jwt_alg_values": names })),
        (
            Format::MsoMdoc,
            json!({ "issuerauth_alg_values": numbers, "deviceauth_alg_values": numbers }),
        ),
        (Format::JwtVcJson, json!({ "alg_values": names })),
        (
            Format::LdpVc,
            json!({
                "proof_type_values": ["DataIntegrityProof"],
                "cryptosuite_values": cryptosuites,
            }),
        ),
    ] {
        let requested = world.ask(Mint::query(format), MODES[1]);
        let metadata = &parameters(&requested)["client_metadata"];
        assert_eq!(metadata["vp_formats_supported"], json!({ format.name(): members }));
    }
}

#[tokio::test]
async fn credentials_of_several_formats_answer_one_request() {
    let world = World::new();
    let mut credentials = Vec::new();
    let mut held = Vec::new();
    for format in Format::OPENID4VC {
        let mut query = Mint::credential_query(*format);
        query["id"] = format.name().replace('+', "_").into();
        credentials.push(query);
        held.push(badge(&world, *format).await);
    }
    let requested = world.ask(json!({ "credentials": credentials }), MODES[1]);
    let reviewed = world.review(&requested).await;
    let views: Vec<_> = held.iter().map(view).collect();
    let choices = reviewed.choices(&views).expect("every badge fits");
    let selection = choices.smallest();
    let consent = choices.approve(&selection).expect("a selection");
    let presenter = Several(held.into_iter().map(|held| Honest::new(&world, held)).collect());
    let answer = reviewed.answer(consent, &presenter, world.provider.as_ref()).await.unwrap();
    let verdict = opened(&world, requested, answer.body.as_bytes()).await;
    assert!(verdict.is_verified(), "{verdict:?}");
    assert_eq!(verdict.credentials.len(), 4);
}

/// Several credentials, each with its own way to be presented.
struct Several<'w>(Vec<Honest<'w>>);

#[async_trait::async_trait]
impl lanyard_oid4vp::wallet::Presenter for Several<'_> {
    async fn present(
        &self,
        approved: &lanyard_oid4vp::wallet::Approved,
        binding: &lanyard_oid4vp::wallet::Binding,
    ) -> Result<Value, lanyard_oid4vp::wallet::PresentError> {
        self.0[approved.credential].present(approved, binding).await
    }
}

#[tokio::test]
async fn a_presentation_of_two_credentials_answers_no_query() {
    let world = World::new();
    let held = badge(&world, Format::JwtVcJson).await;
    let HeldCredential::JwtVcJson(jwt) = &held else { unreachable!("it was asked for") };
    let requested = world.ask(Mint::query(Format::JwtVcJson), MODES[0]);
    let reviewed = world.review(&requested).await;
    let binding = reviewed.binding(world.provider.as_ref());
    let did = lanyard_core::did::Did::from_key(world.holder.public());
    let key_id = did.with_fragment(did.method_specific_id()).unwrap();
    let signer = world.signer(&world.holder);
    let request = lanyard_core::w3c::vc_jose_cose::PresentationRequest {
        audience: &binding.audience,
        nonce: &binding.nonce,
        now: world.now,
        signer: &signer,
        key_id: Some(&key_id),
    };
    let both = lanyard_core::w3c::jwt_vc_json::present(&[jwt, jwt], &request).await.unwrap();
    let state = reviewed.request().state.clone();
    let answer = form(state.as_ref(), &[("vp_token", json!({ "badge": [both] }).to_string())]);
    let verdict = opened(&world, requested, &answer).await;
    assert_eq!(verdict.reason.as_deref(), Some("credential_not_single"));
}

#[tokio::test]
async fn an_mdoc_signed_long_after_its_request_is_late() {
    let world = World::new();
    let requested = world.ask(Mint::query(Format::MsoMdoc), MODES[1]);
    let presenter = Honest::new(&world, badge(&world, Format::MsoMdoc).await);
    let answer = body(&presenter, &requested).await;
    let later = world.now + SignedDuration::from_mins(6);
    let verifier = world.presentations();
    let refused = requested.open(&answer, &verifier, later, world.provider.as_ref()).await;
    assert_eq!(refused.unwrap_err().reason.reason(), "request_expired");
}

#[test]
fn the_transcript_is_the_one_of_the_specification() {
    if !vectors::available("oid4vp") {
        return;
    }
    let vector = &vectors::json("oid4vp/mdoc_session_transcript.json")[0];
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let jwk = lanyard_core::jose::Jwk::from_value(&vector["verifier_encryption_jwk"]).unwrap();
    let inputs = &vector["inputs"];
    let handover = OpenId4VpHandover {
        client_id: &text(&inputs["client_id"]).into(),
        nonce: &text(&inputs["nonce"]).into(),
        encryption_key: Some(jwk.thumbprint(&lanyard_core::crypto::RustCrypto)),
        response_uri: &text(&inputs["response_uri"]),
    };
    let transcript = SessionTranscript::openid4vp(&handover, &lanyard_core::crypto::RustCrypto);
    let hex: String = transcript.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, text(&vector["session_transcript_hex"]));
}
