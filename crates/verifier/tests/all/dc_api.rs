//! The same questions through the Digital Credentials API: every way to ask, and everything that is no answer.

use http::{Method, StatusCode};
use jiff::SignedDuration;
use lanyard_core::{credential::Format, crypto::RustCrypto};
use lanyard_oid4vp::{
    dc_api::{DcApiRequest, DcApiVerifier},
    dcql::CredentialView,
};
use lanyard_testkit::Mint;
use serde_json::{Value, json};

use crate::world::{APP, Answer, Asked, Holder, SHOP, World, badge_query, steps};

const SIGNED: &str = "openid4vp-v1-signed";
const UNSIGNED: &str = "openid4vp-v1-unsigned";
const ISO_MDOC: &str = "org-iso-mdoc";
const MULTI_SIGNED: &str = "openid4vp-v1-multisigned";

/// A request through the API, as the page got it.
struct AskedByPage {
    asked: Asked,
    requests: Vec<Value>,
}

async fn ask(world: &World, dc_api: Value, more: Value) -> AskedByPage {
    let mut body = json!({ "dcql_query": badge_query(&["name"]), "dc_api": dc_api });
    for (name, value) in more.as_object().expect("members") {
        body[name] = value.clone();
    }
    let answer = world.api(Method::POST, "requests", Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
    let created = answer.json();
    let text = |name: &str| created[name].as_str().expect("a text").to_owned();
    let asked = Asked { id: text("id"), link: text("link").parse().expect("a link") };
    let requests = created["dc_api"]["requests"].as_array().expect("requests").clone();
    AskedByPage { asked, requests }
}

impl AskedByPage {
    async fn read(&self, world: &World, place: usize, origin: &str) -> DcApiRequest {
        let (protocol, data) = (&self.requests[place]["protocol"], &self.requests[place]["data"]);
        let protocol = protocol.as_str().expect("a protocol");
        let read = world.wallet().read_dc_api(protocol, data, origin, world.now()).await;
        read.expect("a request that keeps every rule")
    }

    async fn answered(&self, holder: &Holder<'_>, place: usize, origin: &str) -> Value {
        let request = self.read(holder.world, place, origin).await;
        let choices =
            request.choices(&[CredentialView::of_held(&holder.held, &[])]).expect("the badge fits");
        let selection = choices.smallest();
        let consent = choices.approve(&selection).expect("a selection");
        request.answer(consent, holder, &RustCrypto).await.expect("an answer")
    }

    async fn post(&self, world: &World, protocol: &str, origin: &str, data: Value) -> Answer {
        let answer = json!({ "protocol": protocol, "origin": origin, "data": data });
        world.api(Method::POST, &format!("requests/{}/dc-api", self.asked.id), Some(answer)).await
    }

    /// Refused at once for this reason alone, and still open for a good answer.
    async fn refused_for(&self, world: &World, answer: Answer, reason: &str) {
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{reason}");
        let status = world.status(&self.asked).await;
        assert_eq!(steps(&status).last(), Some(&format!("refused: {reason}")));
        let good = self.answered(&Holder::new(world).await, 0, SHOP).await;
        let protocol = self.requests[0]["protocol"].as_str().expect("a protocol");
        let answer = self.post(world, protocol, SHOP, good).await;
        assert_eq!(answer.status, StatusCode::OK, "after {reason}: {}", answer.text());
        assert_eq!(world.status(&self.asked).await["state"], "verified");
    }
}

#[tokio::test]
async fn verifies_an_answer_by_each_protocol_encrypted_and_plain() {
    let world = World::new();
    let holder = Holder::new(&world).await;
    for mode in ["direct_post", "direct_post.jwt"] {
        for protocol in [UNSIGNED, SIGNED, MULTI_SIGNED] {
            let dc_api = json!({ "protocols": [protocol] });
            let page = ask(&world, dc_api, json!({ "response_mode": mode })).await;
            assert_eq!(page.requests.len(), 1);
            let request = page.read(&world, 0, SHOP).await;
            assert_eq!(request.is_encrypted(), mode == "direct_post.jwt");
            let is_known = matches!(request.verifier(), DcApiVerifier::Known { .. });
            assert_eq!(is_known, protocol != UNSIGNED);
            let data = page.answered(&holder, 0, SHOP).await;
            let answer = page.post(&world, protocol, SHOP, data).await;
            assert_eq!((answer.status, answer.text()), (StatusCode::OK, "{}".to_owned()));
            let status = world.status(&page.asked).await;
            assert_eq!(status["state"], "verified", "{protocol} {mode}");
            let credential = &status["verdict"]["credentials"][0];
            assert_eq!(credential["claims"], json!({ "name": "Ada Lovelace" }));
            assert_eq!(steps(&status), ["request_created", "response_received", "verified"]);
            assert_eq!(status["trail"][1]["detail"], protocol);
        }
    }
}

#[tokio::test]
async fn verifies_every_format_through_the_api() {
    let world = World::new();
    for format in Format::OPENID4VC {
        let held = world.mint.badge(*format, world.holder.public()).await;
        let holder = Holder::of(&world, held);
        let more = json!({ "dcql_query": Mint::query(*format) });
        let page = ask(&world, json!({}), more).await;
        let data = page.answered(&holder, 0, SHOP).await;
        let answer = page.post(&world, SIGNED, SHOP, data).await;
        assert_eq!(answer.status, StatusCode::OK, "{format}: {}", answer.text());
        assert_eq!(world.status(&page.asked).await["state"], "verified", "{format}");
    }
}

#[tokio::test]
async fn asks_signed_and_unsigned_from_every_allowed_origin_unless_told_otherwise() {
    let world = World::new();
    let page = ask(&world, json!({}), json!({})).await;
    let protocols: Vec<_> = page.requests.iter().map(|one| &one["protocol"]).collect();
    assert_eq!(protocols, [SIGNED, UNSIGNED]);
    let holder = Holder::new(&world).await;
    for origin in ["https://verifier.example", SHOP, APP] {
        let page = ask(&world, json!({}), json!({})).await;
        let data = page.answered(&holder, 0, origin).await;
        let answer = page.post(&world, SIGNED, origin, data).await;
        assert_eq!(answer.status, StatusCode::OK, "{origin}: {}", answer.text());
    }
}

#[tokio::test]
async fn an_answer_through_the_api_ends_the_request_for_its_link_too() {
    let world = World::new();
    let holder = Holder::new(&world).await;
    let page = ask(&world, json!({}), json!({})).await;
    let by_link = holder.answer(&page.asked).await;
    let data = page.answered(&holder, 0, SHOP).await;
    assert_eq!(page.post(&world, SIGNED, SHOP, data).await.status, StatusCode::OK);
    let late = world.post(&by_link).await;
    assert_eq!(late.refusal(), (400, "invalid_request".to_owned()));
    assert_eq!(
        steps(&world.status(&page.asked).await).last(),
        Some(&"refused: request_ended".to_owned())
    );
}

#[tokio::test]
async fn an_answer_by_the_link_ends_the_request_for_the_api_too() {
    let world = World::new();
    let holder = Holder::new(&world).await;
    let page = ask(&world, json!({}), json!({})).await;
    let data = page.answered(&holder, 0, SHOP).await;
    assert_eq!(world.post(&holder.answer(&page.asked).await).await.status, StatusCode::OK);
    let late = page.post(&world, SIGNED, SHOP, data).await;
    assert_eq!(late.refusal(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn refuses_an_answer_that_is_replayed() {
    let world = World::new();
    let page = ask(&world, json!({}), json!({})).await;
    let data = page.answered(&Holder::new(&world).await, 0, SHOP).await;
    assert_eq!(page.post(&world, SIGNED, SHOP, data.clone()).await.status, StatusCode::OK);
    let again = page.post(&world, SIGNED, SHOP, data).await;
    assert_eq!(again.refusal(), (400, "invalid_request".to_owned()));
    let status = world.status(&page.asked).await;
    assert_eq!(status["state"], "verified", "what was verified stays so");
    assert_eq!(steps(&status).last(), Some(&"refused: request_ended".to_owned()));
}

#[tokio::test]
async fn refuses_an_answer_to_another_request() {
    let world = World::new();
    let holder = Holder::new(&world).await;
    // plain, the nonce tells them apart; encrypted, the key does
    for (mode, reason) in
        [("direct_post", "nonce_mismatch"), ("direct_post.jwt", "response_does_not_decrypt")]
    {
        let more = json!({ "response_mode": mode });
        let other = ask(&world, json!({}), more.clone()).await;
        let page = ask(&world, json!({}), more).await;
        let data = other.answered(&holder, 0, SHOP).await;
        let answer = page.post(&world, SIGNED, SHOP, data).await;
        page.refused_for(&world, answer, reason).await;
        assert_eq!(world.status(&other.asked).await["state"], "waiting");
    }
}

#[tokio::test]
async fn refuses_an_answer_for_another_nonce() {
    let world = World::new();
    let page = ask(&world, json!({}), json!({})).await;
    let nonce = Some("another-nonce-of-another-request".to_owned());
    let holder = Holder { nonce, ..Holder::new(&world).await };
    let data = page.answered(&holder, 0, SHOP).await;
    let answer = page.post(&world, SIGNED, SHOP, data).await;
    page.refused_for(&world, answer, "nonce_mismatch").await;
}

#[tokio::test]
async fn refuses_an_answer_that_was_made_for_another_origin() {
    let world = World::new();
    let page = ask(&world, json!({}), json!({})).await;
    // a phishing page shows the unsigned request as its own, and hands the answer on as the shop's
    let data = page.answered(&Holder::new(&world).await, 1, "https://evil.example").await;
    let answer = page.post(&world, UNSIGNED, SHOP, data).await;
    page.refused_for(&world, answer, "audience_mismatch").await;
}

#[tokio::test]
async fn refuses_an_answer_from_an_origin_that_did_not_ask() {
    let world = World::new();
    let page = ask(&world, json!({ "origins": [SHOP] }), json!({})).await;
    for origin in [APP, "https://verifier.example", "https://evil.example", ""] {
        let data = page.answered(&Holder::new(&world).await, 0, SHOP).await;
        let answer = page.post(&world, SIGNED, origin, data).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()), "{origin}");
        assert_eq!(
            steps(&world.status(&page.asked).await).last(),
            Some(&"refused: origin_mismatch".to_owned())
        );
    }
}

#[tokio::test]
async fn refuses_an_answer_for_the_client_id_instead_of_the_origin() {
    let world = World::new();
    let page = ask(&world, json!({}), json!({})).await;
    let audience = Some(page.asked.parameter("client_id"));
    let holder = Holder { audience, ..Holder::new(&world).await };
    let data = page.answered(&holder, 0, SHOP).await;
    let answer = page.post(&world, SIGNED, SHOP, data).await;
    page.refused_for(&world, answer, "audience_mismatch").await;
}

#[tokio::test]
async fn refuses_an_answer_by_a_protocol_that_was_not_offered() {
    let world = World::new();
    let page = ask(&world, json!({ "protocols": [SIGNED] }), json!({})).await;
    let data = page.answered(&Holder::new(&world).await, 0, SHOP).await;
    let answer = page.post(&world, UNSIGNED, SHOP, data).await;
    page.refused_for(&world, answer, "protocol_mismatch").await;
    // and one through the API to a request that was not made there
    let asked = world.ask_for_name().await;
    let plain = AskedByPage { asked, requests: Vec::new() };
    let answer = plain.post(&world, SIGNED, SHOP, json!({})).await;
    assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn refuses_a_plain_answer_where_an_encrypted_one_was_asked_for() {
    let world = World::new();
    let page = ask(&world, json!({}), json!({})).await;
    let answer = page.post(&world, SIGNED, SHOP, json!({ "vp_token": { "badge": ["a"] } })).await;
    page.refused_for(&world, answer, "response_not_encrypted").await;
}

#[tokio::test]
async fn an_answer_that_comes_too_late_finds_nothing() {
    let world = World::new();
    let page = ask(&world, json!({}), json!({})).await;
    let data = page.answered(&Holder::new(&world).await, 0, SHOP).await;
    world.clock.forward(SignedDuration::from_mins(5));
    assert_eq!(page.post(&world, SIGNED, SHOP, data).await.status, StatusCode::NOT_FOUND);
    assert_eq!(world.status(&page.asked).await["state"], "expired");
}

#[tokio::test]
async fn a_holder_who_declines_is_recorded() {
    let world = World::new();
    let page = ask(&world, json!({}), json!({})).await;
    let answer = page.post(&world, SIGNED, SHOP, json!({ "error": "access_denied" })).await;
    assert_eq!(answer.status, StatusCode::OK);
    let status = world.status(&page.asked).await;
    assert_eq!(
        (&status["state"], &status["declined"]),
        (&json!("declined"), &json!("access_denied"))
    );
}

#[tokio::test]
async fn a_presentation_through_the_api_fails_three_times_and_then_no_more() {
    let world = World::new();
    let page = ask(&world, json!({}), json!({})).await;
    let nonce = Some("another-nonce-of-another-request".to_owned());
    let holder = Holder { nonce, ..Holder::new(&world).await };
    for left in [2, 1, 0] {
        let data = page.answered(&holder, 0, SHOP).await;
        assert_eq!(page.post(&world, SIGNED, SHOP, data).await.status, StatusCode::BAD_REQUEST);
        assert_eq!(world.status(&page.asked).await["attempts_left"], left);
    }
    let good = page.answered(&Holder::new(&world).await, 0, SHOP).await;
    assert_eq!(page.post(&world, SIGNED, SHOP, good).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(world.status(&page.asked).await["state"], "refused");
}

#[tokio::test]
async fn only_an_origin_of_this_verifier_may_ask_and_only_in_a_way_it_can() {
    let world = World::new();
    let cases = [
        (json!({ "dc_api": { "origins": ["https://evil.example"] } }), "origin_not_allowed"),
        (
            json!({ "dc_api": { "origins": [SHOP, "https://shop.example:8443"] } }),
            "origin_not_allowed",
        ),
        (
            json!({ "dc_api": { "protocols": [SIGNED] }, "client_id_prefix": "redirect_uri" }),
            "invalid_protocols",
        ),
        (json!({ "dc_api": { "protocols": [ISO_MDOC] } }), "invalid_protocols"),
        (json!({ "dc_api": { "protocols": ["openid4vp-v2"] } }), "invalid_request"),
        (json!({ "dc_api": { "origin": SHOP } }), "invalid_request"),
    ];
    for (more, code) in cases {
        let mut body = json!({ "preset": "badge" });
        for (name, value) in more.as_object().expect("members") {
            body[name] = value.clone();
        }
        let answer = world.api(Method::POST, "requests", Some(body)).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{more}");
    }
    // what is not signed needs no name
    let more = json!({ "client_id_prefix": "redirect_uri" });
    let page = ask(&world, json!({}), more).await;
    assert_eq!(page.requests.len(), 1);
    let data = page.answered(&Holder::new(&world).await, 0, SHOP).await;
    assert_eq!(page.post(&world, UNSIGNED, SHOP, data).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_request_signed_in_every_name_is_read_in_each_of_them() {
    let world = World::new();
    let dc_api = json!({ "protocols": [MULTI_SIGNED] });
    let page = ask(&world, dc_api, json!({ "client_id_prefix": "x509_san_dns" })).await;
    let signatures = page.requests[0]["data"]["request"]["signatures"].as_array().unwrap().clone();
    assert_eq!(signatures.len(), 5, "by hash, DNS name, DID, attestation and registration");
    let request = page.read(&world, 0, SHOP).await;
    let DcApiVerifier::Known { client_id, .. } = request.verifier() else { unreachable!() };
    assert_eq!(client_id.as_str(), "x509_san_dns:verifier.example", "the chosen name is first");
}

#[tokio::test]
async fn an_mdoc_is_also_asked_for_and_verified_by_iso_18013_7_annex_c() {
    let world = World::new();
    let held = world.mint.badge(Format::MsoMdoc, world.holder.public()).await;
    let holder = Holder::of(&world, held);
    for dc_api in [json!({}), json!({ "origins": [SHOP] }), json!({ "protocols": [ISO_MDOC] })] {
        let more = json!({ "dcql_query": Mint::query(Format::MsoMdoc) });
        let page = ask(&world, dc_api, more).await;
        let is = |one: &Value| one["protocol"] == ISO_MDOC;
        let place = page.requests.iter().position(is).expect("asked for by itself");
        let data = page.answered(&holder, place, SHOP).await;
        let answer = page.post(&world, ISO_MDOC, SHOP, data.clone()).await;
        assert_eq!((answer.status, answer.text()), (StatusCode::OK, "{}".to_owned()));
        assert_eq!(world.status(&page.asked).await["state"], "verified");
        // and once only
        assert_eq!(page.post(&world, ISO_MDOC, SHOP, data).await.refusal().0, 400);
    }
}

#[tokio::test]
async fn an_annex_c_answer_to_another_request_or_for_another_origin_is_refused() {
    let world = World::new();
    let held = world.mint.badge(Format::MsoMdoc, world.holder.public()).await;
    let holder = Holder::of(&world, held);
    let more = json!({ "dcql_query": Mint::query(Format::MsoMdoc) });
    let dc_api = json!({ "protocols": [ISO_MDOC] });
    let page = ask(&world, dc_api.clone(), more.clone()).await;
    let other = ask(&world, dc_api, more).await;
    let for_other = other.answered(&holder, 0, SHOP).await;
    let phished = page.answered(&holder, 0, "https://evil.example").await;
    let good = page.answered(&holder, 0, SHOP).await;
    for (data, origin, reason) in [
        (for_other, SHOP, "response_does_not_decrypt"),
        (phished, SHOP, "response_does_not_decrypt"),
        (good.clone(), APP, "response_does_not_decrypt"),
        (good.clone(), "https://evil.example", "origin_mismatch"),
    ] {
        let answer = page.post(&world, ISO_MDOC, origin, data).await;
        assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()));
        let status = world.status(&page.asked).await;
        assert_eq!(steps(&status).last(), Some(&format!("refused: {reason}")), "{origin}");
    }
    assert_eq!(page.post(&world, ISO_MDOC, SHOP, good).await.status, StatusCode::OK);
}
