//! What a verifier makes of responses, good and bad.

use jiff::SignedDuration;
use lanyard_core::{
    claims::{Claims, Elements},
    credential::Validity,
    crypto::{CryptoProvider as _, Curve, RustCrypto},
    jose::{EncryptionRecipient, JweError, Jwk},
    sd_jwt_vc::KeyBinding,
    status::{StatusListUri, StatusReference},
};
use lanyard_oid4vp::{
    ErrorCode,
    request::ResponseMode,
    response::{AuthorizationResponse, ResponseError},
    verifier::{CheckOutcome, Conclusion, OpenError, Requested, Verdict, VerdictState},
    wallet::Selection,
};
use lanyard_testkit::{LeafOptions, TestCa, vectors};
use serde_json::{Value, json};

use crate::world::{BADGE, Honest, World, badge_query, form, parameters, view};

const PLAIN: ResponseMode = ResponseMode::DirectPost;
const ENCRYPTED: ResponseMode = ResponseMode::DirectPostJwt;

async fn respond(presenter: &Honest<'_>, requested: &Requested) -> AuthorizationResponse {
    let world = presenter.world;
    let reviewed = world.review(requested).await;
    let choices = reviewed.choices(&[view(&presenter.held)]).expect("the badge fits");
    let selection = choices.smallest();
    let consent = choices.approve(&selection).expect("the smallest selection is one");
    reviewed.answer(consent, presenter, world.provider.as_ref()).await.expect("an answer")
}

async fn open(world: &World, requested: Requested, body: &[u8]) -> Result<Conclusion, OpenError> {
    let verifier = world.presentations();
    let opened = requested.open(body, &verifier, world.now, world.provider.as_ref()).await;
    opened.map_err(|refused| refused.reason)
}

async fn verdict(world: &World, requested: Requested, body: &[u8]) -> Verdict {
    match open(world, requested, body).await {
        Ok(Conclusion::Answered(verdict)) => verdict,
        other => unreachable!("presentations came: {other:?}"),
    }
}

/// The verdict on what this presenter sends.
async fn judged(presenter: &Honest<'_>) -> Verdict {
    let requested = presenter.world.ask(badge_query(&["name"]), ENCRYPTED);
    let response = respond(presenter, &requested).await;
    verdict(presenter.world, requested, response.body.as_bytes()).await
}

fn refused_for(verdict: &Verdict, reason: &str, check: &str) {
    assert_eq!(verdict.state, VerdictState::Refused);
    assert_eq!(verdict.reason.as_deref(), Some(reason));
    let failed: Vec<_> = verdict.credentials[0]
        .checks
        .iter()
        .filter(|check| check.outcome == CheckOutcome::Failed)
        .map(|check| check.id.as_ref())
        .collect();
    assert_eq!(failed, [check]);
    assert!(verdict.credentials.iter().all(|credential| credential.claims.is_none()));
    assert_eq!(Conclusion::Answered(verdict.clone()).error(), Some(ErrorCode::InvalidRequest));
}

#[tokio::test]
async fn a_presentation_is_verified_with_every_check_and_only_what_was_disclosed() {
    let world = World::new();
    for mode in [PLAIN, ENCRYPTED] {
        let requested = world.ask(badge_query(&["name", "department"]), mode);
        let response = respond(&Honest::new(&world, world.badge().await), &requested).await;
        assert_eq!(response.body.contains("vp_token"), mode == PLAIN);
        let verdict = verdict(&world, requested, response.body.as_bytes()).await;
        assert!(verdict.is_verified(), "{verdict:?}");
        let credential = &verdict.credentials[0];
        let claims = json!({ "name": "Ada Lovelace", "department": "Engines" });
        assert_eq!(credential.claims.as_ref(), claims.as_object());
        assert_eq!(
            (credential.format.as_str(), &credential.types[..]),
            ("dc+sd-jwt", &[BADGE.to_owned()][..])
        );
        let issuer = credential.issuer.as_ref().expect("a verified issuer");
        assert_eq!((issuer.name.as_str(), issuer.trusted_by.as_ref()), ("Acme", "certificate"));
        let bad = |outcome| !matches!(outcome, CheckOutcome::Passed | CheckOutcome::NotApplicable);
        assert!(!credential.checks.iter().any(|check| bad(check.outcome)));
        assert_eq!(credential.checks.last().map(|check| check.id.as_ref()), Some("query"));
        // the verdict is what pages and integrators get, so it survives the way through the store
        let stored = serde_json::to_vec(&verdict).unwrap();
        let read: Verdict = serde_json::from_slice(&stored).unwrap();
        assert_eq!(serde_json::to_vec(&read).unwrap(), stored);
    }
}

#[tokio::test]
async fn a_request_survives_the_way_through_the_store() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), ENCRYPTED);
    let response = respond(&Honest::new(&world, world.badge().await), &requested).await;
    let stored = serde_json::to_vec(&requested).unwrap();
    let back: Requested = serde_json::from_slice(&stored).unwrap();
    assert_eq!(parameters(&back), parameters(&requested));
    assert!(verdict(&world, back, response.body.as_bytes()).await.is_verified());
}

#[test]
fn every_request_has_a_nonce_state_and_response_key_of_its_own() {
    let world = World::new();
    let one = parameters(&world.ask(badge_query(&[]), ENCRYPTED));
    let two = parameters(&world.ask(badge_query(&[]), ENCRYPTED));
    for name in ["nonce", "state"] {
        assert_ne!(one[name], two[name]);
        assert_eq!(one[name].as_str().map(str::len), Some(43));
    }
    let (one, two) = (&one["client_metadata"], &two["client_metadata"]);
    assert_ne!(one["jwks"]["keys"][0]["x"], two["jwks"]["keys"][0]["x"]);
    assert_ne!(one["jwks"]["keys"][0]["kid"], two["jwks"]["keys"][0]["kid"]);
}

#[test]
fn the_request_says_what_the_conformance_suite_wants_to_hear() {
    let world = World::new();
    let parameters = parameters(&world.ask(badge_query(&[]), ENCRYPTED));
    let names: Vec<_> = parameters.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "client_id",
            "response_type",
            "response_mode",
            "response_uri",
            "nonce",
            "state",
            "dcql_query",
            "client_metadata"
        ]
    );
    let metadata = &parameters["client_metadata"];
    let key = &metadata["jwks"]["keys"][0];
    assert_eq!(
        (&key["alg"], &key["use"], &key["crv"]),
        (&json!("ECDH-ES"), &json!("enc"), &json!("P-256"))
    );
    assert!(key.get("d").is_none());
    assert_eq!(metadata["encrypted_response_enc_values_supported"], json!(["A128GCM", "A256GCM"]));
    let algorithms = json!(["ES256", "ES384", "EdDSA", "Ed25519"]);
    let formats = &metadata["vp_formats_supported"]["dc+sd-jwt"];
    assert_eq!(formats["sd-jwt_alg_values"], algorithms);
    assert_eq!(formats["kb-jwt_alg_values"], algorithms);
}

#[tokio::test]
async fn refuses_a_key_binding_by_another_key() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), PLAIN);
    let presented = presented(&world, &requested).await;
    let broken = flip_last_character(&presented);
    let verdict = verdict(&world, requested.clone(), &token(&requested, &broken)).await;
    refused_for(&verdict, "key_binding_signature_invalid", "holder_signature");
}

#[tokio::test]
async fn refuses_a_broken_issuer_signature() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), PLAIN);
    let presented = presented(&world, &requested).await;
    let (issuer_jwt, rest) = presented.split_once('~').unwrap();
    let broken = format!("{}~{rest}", flip_last_character(issuer_jwt));
    let verdict = verdict(&world, requested.clone(), &token(&requested, &broken)).await;
    refused_for(&verdict, "issuer_signature_invalid", "issuer_signature");
}

#[tokio::test]
async fn refuses_a_key_binding_over_other_disclosures() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), PLAIN);
    let presented = presented(&world, &requested).await;
    let (issuer_jwt, rest) = presented.split_once('~').unwrap();
    let (_, key_binding) = rest.split_once('~').unwrap();
    let without = format!("{issuer_jwt}~{key_binding}");
    let verdict = verdict(&world, requested.clone(), &token(&requested, &without)).await;
    refused_for(&verdict, "sd_hash_mismatch", "sd_hash");
}

#[tokio::test]
async fn refuses_a_key_binding_for_another_nonce() {
    let world = World::new();
    let mut presenter = Honest::new(&world, world.badge().await);
    presenter.nonce = Some("another".to_owned());
    refused_for(&judged(&presenter).await, "nonce_mismatch", "nonce");
}

#[tokio::test]
async fn refuses_a_key_binding_for_another_audience() {
    let world = World::new();
    let mut presenter = Honest::new(&world, world.badge().await);
    // the client identifier without its prefix is another one
    presenter.audience = Some(world.client_id().as_str().trim_start_matches("x509_hash:").into());
    refused_for(&judged(&presenter).await, "audience_mismatch", "audience");
}

#[tokio::test]
async fn refuses_a_key_binding_that_is_a_year_old() {
    let world = World::new();
    let mut presenter = Honest::new(&world, world.badge().await);
    presenter.at = world.now - SignedDuration::from_hours(24 * 365);
    refused_for(&judged(&presenter).await, "key_binding_too_old", "freshness");
}

#[tokio::test]
async fn refuses_a_key_binding_from_next_year() {
    let world = World::new();
    let mut presenter = Honest::new(&world, world.badge().await);
    presenter.at = world.now + SignedDuration::from_hours(24 * 365);
    refused_for(&judged(&presenter).await, "key_binding_from_the_future", "freshness");
}

#[tokio::test]
async fn refuses_a_presentation_without_key_binding() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), PLAIN);
    let presented = presented(&world, &requested).await;
    let (credential, _) = presented.rsplit_once('~').unwrap();
    let bare = format!("{credential}~");
    let verdict = verdict(&world, requested.clone(), &token(&requested, &bare)).await;
    refused_for(&verdict, "key_binding_missing", "holder_key");
}

#[tokio::test]
async fn refuses_an_expired_credential_and_one_of_the_future_by_different_reasons() {
    let world = World::new();
    let bound = || KeyBinding::To(Jwk::new(*world.holder.public()));
    let year = SignedDuration::from_hours(24 * 365);
    let valid =
        |from, until| Validity { issued_at: None, not_before: Some(from), expires_at: Some(until) };
    let expired = world.issue(bound(), valid(world.now - year - year, world.now - year)).await;
    let verdict = judged(&Honest::new(&world, expired)).await;
    refused_for(&verdict, "credential_expired", "validity");
    let early = world.issue(bound(), valid(world.now + year, world.now + year + year)).await;
    let verdict = judged(&Honest::new(&world, early)).await;
    refused_for(&verdict, "credential_not_yet_valid", "validity");
}

#[tokio::test]
async fn refuses_an_issuer_nobody_trusts() {
    let world = World::new();
    let stranger = TestCa::new("Strangers").leaf(&LeafOptions::named("Acme"));
    let bound = KeyBinding::To(Jwk::new(*world.holder.public()));
    let held = world.issue_by(&stranger, bound, World::year()).await;
    refused_for(&judged(&Honest::new(&world, held)).await, "issuer_not_trusted", "issuer_trusted");
}

#[tokio::test]
async fn refuses_a_presentation_that_answers_less_or_more_than_was_asked() {
    let world = World::new();
    let narrow = world.ask(badge_query(&["name"]), PLAIN);
    let wide = world.ask(badge_query(&["name", "level"]), PLAIN);
    let mut presenter = Honest::new(&world, world.badge().await);

    presenter.nonce = nonce(&wide);
    let response = respond(&presenter, &narrow).await;
    let less = verdict(&world, wide.clone(), &with_state(&response.body, &wide)).await;
    refused_for(&less, "claim_missing", "query");

    presenter.nonce = nonce(&narrow);
    let response = respond(&presenter, &wide).await;
    let more = verdict(&world, narrow.clone(), &with_state(&response.body, &narrow)).await;
    refused_for(&more, "claim_not_asked_for", "query");
}

#[tokio::test]
async fn refuses_a_response_to_another_request() {
    let world = World::new();
    let one = world.ask(badge_query(&["name"]), PLAIN);
    let other = world.ask(badge_query(&["name"]), PLAIN);
    let response = respond(&Honest::new(&world, world.badge().await), &one).await;
    let opened = open(&world, other.clone(), response.body.as_bytes()).await;
    assert_eq!(opened, Err(OpenError::State));
    // with the right state the nonce still gives it away
    let verdict = verdict(&world, other.clone(), &with_state(&response.body, &other)).await;
    refused_for(&verdict, "nonce_mismatch", "nonce");
}

#[tokio::test]
async fn a_response_that_is_none_leaves_the_request_open() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), PLAIN);
    let presenter = Honest::new(&world, world.badge().await);
    let response = respond(&presenter, &requested).await;
    let verifier = world.presentations();
    let opened = requested.open(b"a=1&a=2", &verifier, world.now, world.provider.as_ref()).await;
    let refused = opened.unwrap_err();
    assert_eq!(refused.reason, OpenError::Unreadable(ResponseError::Form));
    assert_eq!(refused.reason.code(), ErrorCode::InvalidRequest);
    assert!(verdict(&world, *refused.requested, response.body.as_bytes()).await.is_verified());
}

#[tokio::test]
async fn refuses_what_comes_after_the_end() {
    let mut world = World::new();
    let requested = world.ask(badge_query(&["name"]), PLAIN);
    let response = respond(&Honest::new(&world, world.badge().await), &requested).await;
    world.now += SignedDuration::from_mins(5);
    let opened = open(&world, requested, response.body.as_bytes()).await;
    assert_eq!(opened, Err(OpenError::Expired));
}

#[tokio::test]
async fn refuses_a_response_without_state_or_with_a_megabyte_of_it() {
    let world = World::new();
    let requested = world.ask(badge_query(&[]), PLAIN);
    let body = form(None, &[("error", "access_denied".to_owned())]);
    assert_eq!(open(&world, requested.clone(), &body).await, Err(OpenError::State));
    let long = ("state", "a".repeat(1 << 20));
    let body = form(None, &[("error", "access_denied".to_owned()), long]);
    assert_eq!(open(&world, requested, &body).await, Err(OpenError::State));
}

#[tokio::test]
async fn a_wallet_that_declines_concludes_the_request_plain_or_encrypted() {
    let world = World::new();
    for mode in [PLAIN, ENCRYPTED] {
        let requested = world.ask(badge_query(&["name"]), mode);
        let reviewed = world.review(&requested).await;
        let response = reviewed.decline(world.provider.as_ref()).unwrap();
        let declined = Ok(Conclusion::Declined(ErrorCode::AccessDenied));
        assert_eq!(open(&world, requested, response.body.as_bytes()).await, declined);
    }
    // OID4VP 1.0 §8.3.1: a wallet that cannot encrypt says so in the clear
    let requested = world.ask(badge_query(&["name"]), ENCRYPTED);
    let state = state(&requested);
    let members = [("error", "invalid_request".to_owned()), ("state", state)];
    let declined = Ok(Conclusion::Declined(ErrorCode::InvalidRequest));
    assert_eq!(open(&world, requested, &form(None, &members)).await, declined);
}

#[tokio::test]
async fn refuses_a_plain_response_where_an_encrypted_one_was_asked_for_and_vice_versa() {
    let world = World::new();
    let plain = world.ask(badge_query(&["name"]), PLAIN);
    let encrypted = world.ask(badge_query(&["name"]), ENCRYPTED);
    let presenter = Honest::new(&world, world.badge().await);
    let body = respond(&presenter, &plain).await.body;
    let opened = open(&world, encrypted.clone(), body.as_bytes()).await;
    assert_eq!(opened, Err(OpenError::Unreadable(ResponseError::NotEncrypted)));
    let body = respond(&presenter, &encrypted).await.body;
    let opened = open(&world, plain, body.as_bytes()).await;
    assert_eq!(opened, Err(OpenError::Unreadable(ResponseError::EncryptionNotAskedFor)));
}

#[tokio::test]
async fn refuses_a_response_encrypted_to_another_key() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), ENCRYPTED);
    let other = RustCrypto.generate_key(Curve::P256).unwrap();
    let recipient = EncryptionRecipient {
        jwk: Jwk::new(*other.public()),
        enc: lanyard_core::crypto::ContentEncryption::A128Gcm,
    };
    let token = recipient.encrypt(b"{}", None, world.provider.as_ref()).unwrap();
    let opened = open(&world, requested, &form(None, &[("response", token)])).await;
    let crypto = lanyard_core::crypto::CryptoError::InvalidCiphertext;
    let reason = ResponseError::Encryption(JweError::Crypto(crypto));
    assert_eq!(opened, Err(OpenError::Unreadable(reason)));
}

#[tokio::test]
async fn refuses_a_vp_token_of_another_shape() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), PLAIN);
    for shape in ["[]", r#""x""#, r#"{"badge":"x"}"#, r#"{"badge":[]}"#, r#"{"badge":{}}"#] {
        let body = form(None, &[("vp_token", shape.to_owned()), ("state", state(&requested))]);
        let opened = open(&world, requested.clone(), &body).await;
        assert_eq!(opened, Err(OpenError::Unreadable(ResponseError::VpToken)), "{shape}");
    }
    let neither = form(None, &[("state", state(&requested))]);
    let opened = open(&world, requested.clone(), &neither).await;
    assert_eq!(opened, Err(OpenError::Unreadable(ResponseError::Content)));
    let both = [
        ("vp_token", r#"{"badge":["x"]}"#.to_owned()),
        ("error", "access_denied".to_owned()),
        ("state", state(&requested)),
    ];
    let opened = open(&world, requested.clone(), &form(None, &both)).await;
    assert_eq!(opened, Err(OpenError::Unreadable(ResponseError::Content)));
}

#[tokio::test]
async fn refuses_entries_that_were_not_asked_for_before_looking_at_any() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), PLAIN);
    let presented = presented(&world, &requested).await;
    for (token, reason) in [
        (json!({ "badge": [presented], "extra": ["x"] }), "query_unknown"),
        (json!({ "badge": [presented, presented] }), "presentation_not_single"),
        (json!({}), "credential_missing"),
    ] {
        let members = [("vp_token", token.to_string()), ("state", state(&requested))];
        let verdict = verdict(&world, requested.clone(), &form(None, &members)).await;
        assert_eq!(verdict.state, VerdictState::Refused);
        assert_eq!(verdict.reason.as_deref(), Some(reason));
    }
}

#[tokio::test]
async fn refuses_a_response_without_presentations_although_each_could_be_left_out() {
    let world = World::new();
    let mut query = badge_query(&["name"]);
    query["credential_sets"] = json!([{ "options": [["badge"]], "required": false }]);
    let requested = world.ask(query, PLAIN);
    let empty = [("vp_token", "{}".to_owned()), ("state", state(&requested))];
    let verdict = verdict(&world, requested, &form(None, &empty)).await;
    assert_eq!(verdict.state, VerdictState::Refused);
    assert_eq!(verdict.reason.as_deref(), Some("presentation_missing"));
}

#[tokio::test]
async fn refuses_a_form_with_more_in_it_than_any_response_has() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), PLAIN);
    let refused = async |body: Vec<u8>| open(&world, requested.clone(), &body).await;
    let members: String = (0..33).map(|index| format!("m{index}=&")).collect();
    let form_error = Err(OpenError::Unreadable(ResponseError::Form));
    assert_eq!(refused(members.into_bytes()).await, form_error);
    let many: serde_json::Map<_, _> =
        (0..100_000).map(|index| (format!("q{index}"), json!(["x"]))).collect();
    let body = form(None, &[("vp_token", Value::Object(many).to_string())]);
    let Err(OpenError::Unreadable(ResponseError::Json(_))) = refused(body).await else {
        unreachable!("more members than a document may have")
    };
}

#[tokio::test]
async fn an_error_of_any_code_is_a_wallet_that_does_not_answer() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), PLAIN);
    for code in ["invalid_request_object", "user_cancelled", "no_such_code", "other"] {
        let body = form(None, &[("error", code.to_owned()), ("state", state(&requested))]);
        let declined = Ok(Conclusion::Declined(ErrorCode::Other));
        assert_eq!(open(&world, requested.clone(), &body).await, declined, "{code}");
        let of_nobody = form(None, &[("error", code.to_owned())]);
        let opened = open(&world, requested.clone(), &of_nobody).await;
        assert_eq!(opened, Err(OpenError::State));
    }
}

#[tokio::test]
async fn a_status_nobody_looked_at_is_neither_good_nor_bad() {
    let mut world = World::new();
    let uri = StatusListUri::parse("https://issuer.example/status/1").unwrap();
    world.status = Some(StatusReference::TokenStatusList { uri, index: 7 });
    let verdict = judged(&Honest::new(&world, world.badge().await)).await;
    assert_eq!(verdict.state, VerdictState::Undetermined);
    assert_eq!(verdict.reason.as_deref(), Some("status_unknown"));
    assert_eq!(verdict.credentials[0].claims, None);
    assert_eq!(Conclusion::Answered(verdict).error(), Some(ErrorCode::ServerError));
}

#[tokio::test]
async fn the_verifier_looks_for_the_trusted_authority_itself() {
    let world = World::new();
    let asked = |identifier: &[u8]| {
        let mut query = badge_query(&["name"]);
        let value = lanyard_core::json::base64url(identifier);
        query["credentials"][0]["trusted_authorities"] =
            json!([{ "type": "aki", "values": [value] }]);
        world.ask(query, PLAIN)
    };
    let unconditional = world.ask(badge_query(&["name"]), PLAIN);
    let mut presenter = Honest::new(&world, world.badge().await);

    let by_ours = asked(&world.issuer_key_identifiers()[0]);
    presenter.nonce = nonce(&by_ours);
    let body = respond(&presenter, &unconditional).await.body;
    let ours = verdict(&world, by_ours.clone(), &with_state(&body, &by_ours)).await;
    assert!(ours.is_verified(), "{ours:?}");

    let by_others = asked(b"somebody else");
    presenter.nonce = nonce(&by_others);
    let body = respond(&presenter, &unconditional).await.body;
    let others = verdict(&world, by_others.clone(), &with_state(&body, &by_others)).await;
    refused_for(&others, "authority_not_trusted", "query");
}

#[tokio::test]
async fn what_is_optional_may_be_left_out_or_come_along() {
    let world = World::new();
    let mut query = badge_query(&["name"]);
    let mut level = badge_query(&["level"])["credentials"][0].clone();
    level["id"] = json!("level");
    query["credentials"].as_array_mut().unwrap().push(level);
    query["credential_sets"] =
        json!([{ "options": [["badge"]] }, { "options": [["level"]], "required": false }]);
    let badge = world.badge().await;
    for (options, credentials) in [([Some(0), None], 1), ([Some(0), Some(0)], 2)] {
        let requested = world.ask(query.clone(), ENCRYPTED);
        let reviewed = world.review(&requested).await;
        let choices = reviewed.choices(&[view(&badge)]).unwrap();
        let selection = Selection { options: options.to_vec(), picks: Vec::new() };
        let consent = choices.approve(&selection).unwrap();
        let presenter = Honest::new(&world, badge.clone());
        let response = reviewed.answer(consent, &presenter, world.provider.as_ref()).await.unwrap();
        let verdict = verdict(&world, requested, response.body.as_bytes()).await;
        assert!(verdict.is_verified(), "{verdict:?}");
        assert_eq!(verdict.credentials.len(), credentials);
    }
}

#[tokio::test]
async fn no_claims_in_the_query_discloses_none_that_can_be_withheld() {
    let world = World::new();
    let requested = world.ask(badge_query(&[]), ENCRYPTED);
    let response = respond(&Honest::new(&world, world.badge().await), &requested).await;
    let verdict = verdict(&world, requested, response.body.as_bytes()).await;
    assert!(verdict.is_verified());
    assert_eq!(verdict.credentials[0].claims.as_ref().map(serde_json::Map::len), Some(0));
}

#[tokio::test]
async fn refuses_a_presentation_that_is_no_text() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), PLAIN);
    for presentation in [json!({}), json!(1), json!(""), json!("eyJhbGciOiJub25lIn0.e30.")] {
        let token = json!({ "badge": [presentation] }).to_string();
        let members = [("vp_token", token), ("state", state(&requested))];
        let verdict = verdict(&world, requested.clone(), &form(None, &members)).await;
        assert_eq!(verdict.state, VerdictState::Refused);
        assert_eq!(verdict.credentials[0].checks[0].outcome, CheckOutcome::Failed);
    }
}

#[tokio::test]
async fn without_holder_binding_the_state_alone_ties_the_response_to_the_request() {
    let world = World::new();
    let mut query = badge_query(&["name"]);
    query["credentials"][0]["require_cryptographic_holder_binding"] = json!(false);
    let requested = world.ask(query, PLAIN);
    let held = world.issue(KeyBinding::None, World::year()).await;
    let response = respond(&Honest::new(&world, held), &requested).await;
    let stateless = response.body.replace("state=", "other=");
    let opened = open(&world, requested.clone(), stateless.as_bytes()).await;
    assert_eq!(opened, Err(OpenError::State));
    assert!(verdict(&world, requested, response.body.as_bytes()).await.is_verified());
}

#[test]
fn the_example_response_of_the_specification_opens_with_its_key() {
    if !vectors::available("oid4vp") {
        return;
    }
    let vector = vectors::json("oid4vp/encrypted_response_ecdh-es_a128gcm.json");
    let key = lanyard_core::jose::PrivateJwk::from_value(&vector["recipient_private_jwk"]).unwrap();
    let jwe = lanyard_core::jose::UnopenedJwe::parse(vector["jwe"].as_str().unwrap()).unwrap();
    let allowed = lanyard_core::crypto::ContentEncryption::ALL;
    let plaintext = jwe.open(&key.key, allowed, &RustCrypto).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&plaintext).unwrap(), vector["plaintext"]);
}

async fn presented(world: &World, requested: &Requested) -> String {
    let body = respond(&Honest::new(world, world.badge().await), requested).await.body;
    let form: Vec<(String, String)> = serde_urlencoded::from_str(&body).expect("a form");
    let token = form.iter().find(|(name, _)| name == "vp_token").expect("a vp_token");
    let token: Value = serde_json::from_str(&token.1).expect("JSON");
    token["badge"][0].as_str().expect("a presentation").to_owned()
}

fn token(requested: &Requested, presentation: &str) -> Vec<u8> {
    let token = json!({ "badge": [presentation] }).to_string();
    form(None, &[("vp_token", token), ("state", state(requested))])
}

fn state(requested: &Requested) -> String {
    parameters(requested)["state"].as_str().expect("a state").to_owned()
}

fn nonce(requested: &Requested) -> Option<String> {
    parameters(requested)["nonce"].as_str().map(str::to_owned)
}

fn with_state(body: &str, requested: &Requested) -> Vec<u8> {
    let form: Vec<(String, String)> = serde_urlencoded::from_str(body).expect("a form");
    let replaced = form.into_iter().map(|(name, value)| match name.as_str() {
        "state" => (name, state(requested)),
        _ => (name, value),
    });
    let form: Vec<_> = replaced.collect();
    serde_urlencoded::to_string(form).expect("pairs make a form").into_bytes()
}

/// Flips a bit in the middle of the last part: base64url ends with bits that do not count.
fn flip_last_character(token: &str) -> String {
    let place = token.len() - 10;
    let flipped = if token.as_bytes()[place] == b'A' { "B" } else { "A" };
    format!("{}{flipped}{}", &token[..place], &token[place + 1..])
}

/// A good badge as `badge`, and this one beside it as `other`, which may be left out.
async fn beside_a_good_one(world: &World, other: Honest<'_>) -> Verdict {
    let mut query = badge_query(&["name"]);
    let mut second = badge_query(&["level"])["credentials"][0].clone();
    second["id"] = json!("other");
    query["credentials"].as_array_mut().expect("it is as the test made it").push(second);
    query["credential_sets"] =
        json!([{ "options": [["badge"]] }, { "options": [["other"]], "required": false }]);
    let requested = world.ask(query, PLAIN);
    let mut token = json!({});
    for (id, presenter) in [("badge", Honest::new(world, world.badge().await)), ("other", other)] {
        let reviewed = world.review(&requested).await;
        let choices =
            reviewed.choices(&[view(&presenter.held)]).expect("it is as the test made it");
        let selection = Selection { options: vec![Some(0), Some(0)], picks: Vec::new() };
        let consent = choices.approve(&selection).expect("it is as the test made it");
        let answer = reviewed
            .answer(consent, &presenter, world.provider.as_ref())
            .await
            .expect("it is as the test made it");
        let form: Vec<(String, String)> =
            serde_urlencoded::from_str(&answer.body).expect("it is as the test made it");
        let (_, sent) =
            form.iter().find(|(name, _)| name == "vp_token").expect("it is as the test made it");
        let sent: Value = serde_json::from_str(sent).expect("it is as the test made it");
        token[id] = sent[id].clone();
    }
    let members = [("vp_token", token.to_string()), ("state", state(&requested))];
    verdict(world, requested, &form(None, &members)).await
}

async fn expired(world: &World) -> lanyard_core::credential::HeldCredential {
    let year = SignedDuration::from_hours(24 * 365);
    let validity = Validity {
        issued_at: None,
        not_before: Some(world.now - year - year),
        expires_at: Some(world.now - year),
    };
    world.issue(KeyBinding::To(Jwk::new(*world.holder.public())), validity).await
}

#[tokio::test]
async fn a_presentation_that_is_no_good_is_discarded_where_the_rest_is_what_was_asked_for() {
    let world = World::new();
    let verdict = beside_a_good_one(&world, Honest::new(&world, expired(&world).await)).await;
    assert!(verdict.is_verified(), "{verdict:?}");
    let [badge] = &verdict.credentials[..] else { panic!("one that is good") };
    assert_eq!(badge.query.as_str(), "badge");
    let [other] = &verdict.discarded[..] else { panic!("one that is not") };
    assert_eq!((other.query.as_str(), other.state), ("other", VerdictState::Refused));
    assert!(other.claims.is_none());
    let failed = |check: &&lanyard_oid4vp::verifier::CheckVerdict| {
        (check.id == "validity") && check.outcome == CheckOutcome::Failed
    };
    assert_eq!(other.checks.iter().filter(failed).count(), 1);
}

#[tokio::test]
async fn one_presentation_with_the_nonce_of_another_request_refuses_all() {
    let world = World::new();
    let mut replayed = Honest::new(&world, world.badge().await);
    replayed.nonce = Some("of another request".to_owned());
    let verdict = beside_a_good_one(&world, replayed).await;
    assert_eq!(verdict.state, VerdictState::Refused);
    assert_eq!(verdict.reason.as_deref(), Some("nonce_mismatch"));
    assert!(verdict.discarded.is_empty());
    assert!(verdict.credentials.iter().all(|credential| credential.claims.is_none()));
}

#[tokio::test]
async fn of_several_for_one_query_those_that_are_good_count() {
    let world = World::new();
    let mut query = badge_query(&["name"]);
    query["credentials"][0]["multiple"] = json!(true);
    let requested = world.ask(query, PLAIN);
    let good = presented(&world, &requested).await;
    let bad = flip_last_character(&good);
    let members = |token: Value| [("vp_token", token.to_string()), ("state", state(&requested))];
    let both = form(None, &members(json!({ "badge": [bad, good] })));
    let one_good = verdict(&world, requested.clone(), &both).await;
    assert!(one_good.is_verified());
    assert_eq!((one_good.credentials.len(), one_good.discarded.len()), (1, 1));
    // with none that is good, the first reason is told
    let neither = form(None, &members(json!({ "badge": [bad, bad] })));
    let none_good = verdict(&world, requested.clone(), &neither).await;
    refused_for(&none_good, "key_binding_signature_invalid", "holder_signature");
    assert_eq!(none_good.credentials.len(), 2);
}

#[tokio::test]
async fn a_claim_that_was_asked_for_by_its_index_is_in_the_verdict() {
    let world = World::new();
    let nationalities = Elements::new().selective("GB").selective("FR").selective("DE");
    let held = world.badge_of(Claims::new().selective_array("nationalities", nationalities)).await;
    let mut query = badge_query(&["name"]);
    query["credentials"][0]["claims"] = json!([{ "path": ["nationalities", 1] }]);
    let requested = world.ask(query, PLAIN);
    let response = respond(&Honest::new(&world, held), &requested).await;
    let verdict = verdict(&world, requested, response.body.as_bytes()).await;
    assert!(verdict.is_verified(), "{verdict:?}");
    let claims = json!({ "nationalities": ["FR"] });
    assert_eq!(verdict.credentials[0].claims.as_ref(), claims.as_object());
}
