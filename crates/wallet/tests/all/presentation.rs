//! Presenting credentials: to a real verifier, and what is never sent.

use std::sync::Arc;

use jiff::SignedDuration;
use lanyard_core::{
    crypto::{CryptoProvider as _, Curve, RustCrypto, SoftwareSigner},
    did::Did,
    json,
};
use lanyard_oid4vp::{
    ClientId,
    request::object::RequestSigner,
    wallet::{Selection, VerifierIdentity, VerifierReply},
};
use lanyard_testkit::test_now;
use lanyard_wallet::{
    KnownStatus, PresentationError, Request, Standing, StatusWord, protocol::OverAsking,
};
use serde_json::{Value, json};
use url::Url;

use crate::world::{World, query};

#[tokio::test]
async fn discloses_what_was_asked_for_and_nothing_else() {
    let world = World::with_card().await;
    let asked = world.ask(query(&[&["given_name"]])).await;
    let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
    assert!(matches!(
        request.verifier(),
        VerifierIdentity::Certificate { name, .. } if name == "Front desk"
    ));
    let choices = request.choices().unwrap();
    let consent = {
        let smallest = choices.smallest();
        choices.approve(&smallest).unwrap()
    };
    assert_eq!(request.answer(consent).await.unwrap(), VerifierReply::Done);
    let status = world.verifier.request_status(&world.tenant, asked.id).await.unwrap();
    let verdict = serde_json::to_value(&status).unwrap();
    assert_eq!(verdict["state"], "verified", "{verdict}");
    let claims = &verdict["verdict"]["credentials"][0]["claims"];
    assert_eq!(claims["given_name"], "Ada");
    assert!(claims.get("family_name").is_none() && claims.get("department").is_none());
    assert_eq!(world.last_event()["kind"], "presented");
}

#[tokio::test]
async fn uses_another_copy_for_each_presentation_and_marks_it_first() {
    let world = World::with_card().await;
    for left in [2, 1, 0, 0] {
        let asked = world.ask(query(&[&["given_name"]])).await;
        let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
        let choices = request.choices().unwrap();
        let smallest = choices.smallest();
        request.answer(choices.approve(&smallest).unwrap()).await.unwrap();
        assert_eq!(world.wallet.cards().unwrap()[0].unused_copies, left);
    }
}

#[tokio::test]
async fn a_copy_stays_used_when_the_verifier_does_not_take_the_answer() {
    let world = World::with_card().await;
    let asked = world.ask(query(&[&["given_name"]])).await;
    let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
    let choices = request.choices().unwrap();
    let smallest = choices.smallest();
    world.now.forward(SignedDuration::from_mins(6));
    let refused = request.answer(choices.approve(&smallest).unwrap()).await.unwrap_err();
    assert_eq!(refused.code(), "answer_refused");
    assert_eq!(world.wallet.cards().unwrap()[0].unused_copies, 2);
    assert_eq!(world.last_event()["code"], "answer_refused");
}

#[tokio::test]
async fn what_left_the_wallet_is_in_the_history_whatever_the_verifier_replies() {
    let replies: [(u16, Value); 3] = [
        (400, json!({ "error": "invalid_request" })),
        (200, Value::Null),
        (200, json!({ "redirect_uri": "javascript:alert(1)" })),
    ];
    for (status, body) in replies {
        let world = World::with_card().await;
        let asked = world.ask(query(&[&["given_name"]])).await;
        let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
        let choices = request.choices().unwrap();
        let smallest = choices.smallest();
        let bent = body.clone();
        world.wire.bend(move |url, code, told| {
            if url.path().contains("/responses/") {
                (*code, *told) = (status, bent.clone());
            }
        });
        let refused = request.answer(choices.approve(&smallest).unwrap()).await.unwrap_err();
        assert_eq!(refused.code(), "answer_refused", "{body}");
        let (_, entry) = world.wallet.history().unwrap().remove(0);
        assert_eq!(entry.claims, [r#"["given_name"]"#], "{body}");
        let [desk] = &world.wallet.shared_with().unwrap()[..] else { panic!("one verifier") };
        assert_eq!((desk.times, desk.claims.len()), (1, 1));
    }
}

#[tokio::test]
async fn a_verifier_may_send_the_holder_back_to_an_app() {
    let world = World::with_card().await;
    let asked = world.ask(query(&[&["given_name"]])).await;
    let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
    let choices = request.choices().unwrap();
    let smallest = choices.smallest();
    world.wire.bend(|url, _, told| {
        if url.path().contains("/responses/") {
            *told = json!({ "redirect_uri": "myapp://x" });
        }
    });
    let reply = request.answer(choices.approve(&smallest).unwrap()).await.unwrap();
    assert!(matches!(reply, VerifierReply::ContinueInApp(url) if url.as_str() == "myapp://x"));
    assert_eq!(world.last_event()["kind"], "presented");
}

#[tokio::test]
async fn nothing_that_fits_and_an_unwilling_holder_look_the_same_to_the_verifier() {
    let world = World::with_card().await;
    let mut states = Vec::new();
    for claim in ["given_name", "shoe_size"] {
        let asked = world.ask(query(&[&[claim]])).await;
        let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
        assert_eq!(request.choices().is_err(), claim == "shoe_size");
        assert_eq!(request.decline().await.unwrap(), VerifierReply::Done);
        let status = world.verifier.request_status(&world.tenant, asked.id).await.unwrap();
        states.push(serde_json::to_value(&status).unwrap()["state"].clone());
        assert_eq!(world.last_event(), json!({"kind": "request_declined"}));
    }
    assert_eq!(states[0], "declined");
    assert_eq!(states[0], states[1]);
    assert_eq!(world.wallet.cards().unwrap()[0].unused_copies, 3);
}

#[tokio::test]
async fn an_expired_card_answers_nothing() {
    let world = World::with_card().await;
    world.now.forward(SignedDuration::from_hours(24 * 40));
    let asked = world.ask(query(&[&["given_name"]])).await;
    let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
    assert!(request.choices().is_err());
    assert_eq!(standings(&request), [(0, Standing::Expired)]);
}

/// What a list of this age said, which tells nothing any more.
fn said(word: StatusWord) -> KnownStatus {
    let until = Some(test_now() - SignedDuration::from_hours(1));
    KnownStatus { word, as_of: test_now() - SignedDuration::from_hours(24), until }
}

fn standings(request: &Request) -> Vec<(usize, Standing)> {
    let unusable = request.unusable().into_iter();
    unusable
        .inspect(|one| assert_eq!(one.query.as_str(), "badge"))
        .map(|one| (one.card, one.standing))
        .collect()
}

#[tokio::test]
async fn a_card_that_its_issuer_took_back_is_shown_with_the_reason_and_never_picked() {
    for (word, standing) in
        [(StatusWord::Revoked, Standing::Revoked), (StatusWord::Suspended, Standing::Suspended)]
    {
        let world = World::with_card().await;
        let card = world.wallet.cards().unwrap()[0].id;
        world.storage.keep_status(card, said(word)).unwrap();
        let asked = world.ask(query(&[&["given_name"]])).await;
        let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
        assert!(request.choices().is_err(), "{word:?}");
        assert_eq!(standings(&request), [(0, standing)]);
        // how old the list is, and that no newer one could be had, is on the card
        let status = request.cards()[0].status.unwrap();
        assert_eq!((status, status.is_current(test_now())), (said(word), false));
        // the verifier learns nothing of it
        request.decline().await.unwrap();
        let status = world.verifier.request_status(&world.tenant, asked.id).await.unwrap();
        assert_eq!(serde_json::to_value(&status).unwrap()["state"], "declined");
        assert_eq!(world.wallet.cards().unwrap()[0].unused_copies, 3);
    }
}

#[tokio::test]
async fn a_good_card_is_picked_in_the_place_of_a_revoked_one() {
    let world = World::with_card().await;
    let offer = world.offer(false).await;
    let good = world.read(&offer).await.accept(None).await.unwrap()[0];
    let taken_back = world.wallet.cards().unwrap()[1].id;
    for (revoked, other) in [(taken_back, good), (good, taken_back)] {
        world.storage.keep_status(revoked, said(StatusWord::Revoked)).unwrap();
        world.storage.keep_status(other, said(StatusWord::Valid)).unwrap();
        let asked = world.ask(query(&[&["given_name"]])).await;
        let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
        let choices = request.choices().unwrap();
        let candidates = &choices.queries()[0].candidates;
        let picked: Vec<_> =
            candidates.iter().map(|one| request.cards()[one.credential].id).collect();
        assert_eq!(picked, [other]);
        assert_eq!(request.cards()[request.unusable()[0].card].id, revoked);
    }
}

#[tokio::test]
async fn a_card_that_would_answer_twice_if_it_were_good_is_shown_once() {
    let world = World::with_card().await;
    let card = world.wallet.cards().unwrap()[0].id;
    world.storage.keep_status(card, said(StatusWord::Revoked)).unwrap();
    let mut twice = query(&[&["given_name"]]);
    let queries = twice["dcql_query"]["credentials"].as_array_mut().unwrap();
    let mut second = queries[0].clone();
    second["id"] = json!("again");
    queries.push(second);
    let asked = world.ask(twice).await;
    let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
    assert_eq!(standings(&request), [(0, Standing::Revoked)]);
}

#[tokio::test]
async fn what_is_asked_too_much_is_told_by_its_name_on_the_card() {
    let world = World::new().await;
    let claims = json!({ "given_name": "Ada", "sex": "f" });
    let offer = world.offer_of(claims, false, lanyard_issuer::Deferral::None).await;
    world.read(&offer).await.accept(None).await.unwrap();
    let asked = world.ask(query(&[&["given_name"], &["sex"]])).await;
    let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
    let told = request.asked_too_much(&request.choices().unwrap());
    let [told] = &told[..] else { panic!("one claim is too much: {told:?}") };
    assert_eq!((told.what, told.name()), (OverAsking::Sex, "Sex"));
}

#[tokio::test]
async fn what_would_not_answer_if_it_were_good_is_not_shown_as_unusable() {
    let world = World::with_card().await;
    let card = world.wallet.cards().unwrap()[0].id;
    world.storage.keep_status(card, said(StatusWord::Revoked)).unwrap();
    let asked = world.ask(query(&[&["shoe_size"]])).await;
    let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
    assert!(request.unusable().is_empty());
}

#[tokio::test]
async fn presents_one_element_of_an_array() {
    let world = World::with_card().await;
    let asked = world
        .ask(json!({"dcql_query": {"credentials": [{
            "id": "badge", "format": "dc+sd-jwt", "meta": {"vct_values": ["urn:example:badge"]},
            "claims": [{"path": ["nationalities", null], "values": ["IE"]}],
        }]}}))
        .await;
    let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
    let choices = request.choices().unwrap();
    let smallest = choices.smallest();
    request.answer(choices.approve(&smallest).unwrap()).await.unwrap();
    let status = world.verifier.request_status(&world.tenant, asked.id).await.unwrap();
    assert_eq!(serde_json::to_value(&status).unwrap()["state"], "verified");
}

#[tokio::test]
async fn posts_its_nonce_and_answers_in_every_way_a_verifier_can_ask() {
    let world = World::with_card().await;
    for (prefix, method, mode) in [
        ("x509_hash", Some("get"), "direct_post.jwt"),
        ("x509_hash", Some("post"), "direct_post.jwt"),
        ("x509_san_dns", Some("post"), "direct_post"),
        ("redirect_uri", None, "direct_post"),
        ("redirect_uri", None, "direct_post.jwt"),
        ("decentralized_identifier", Some("get"), "direct_post.jwt"),
        ("decentralized_identifier", Some("post"), "direct_post"),
    ] {
        let mut ask = query(&[&["department"]]);
        ask["client_id_prefix"] = prefix.into();
        ask["response_mode"] = mode.into();
        if let Some(method) = method {
            ask["request_uri_method"] = method.into();
        }
        let asked = world.ask(ask).await;
        let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
        let choices = request.choices().unwrap();
        let smallest = choices.smallest();
        request.answer(choices.approve(&smallest).unwrap()).await.unwrap();
        let status = world.verifier.request_status(&world.tenant, asked.id).await.unwrap();
        let status = serde_json::to_value(&status).unwrap();
        assert_eq!(status["state"], "verified", "{prefix} {method:?} {mode}");
    }
}

#[tokio::test]
async fn consent_to_one_request_answers_no_other() {
    let world = World::with_card().await;
    let first = world.ask(query(&[&["given_name"]])).await;
    let second = world.ask(query(&[&["given_name"]])).await;
    let first = world.wallet.read_request(first.link.as_str()).await.unwrap();
    let second = world.wallet.read_request(second.link.as_str()).await.unwrap();
    let choices = first.choices().unwrap();
    let smallest = choices.smallest();
    let consent = choices.approve(&smallest).unwrap();
    assert_eq!(second.answer(consent).await.unwrap_err().code(), "answer_impossible");
    assert_eq!(world.wallet.cards().unwrap()[0].unused_copies, 3);
}

#[tokio::test]
async fn refuses_a_selection_that_leaves_out_what_is_required() {
    let world = World::with_card().await;
    let asked = world.ask(query(&[&["given_name"]])).await;
    let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
    let nothing = Selection { options: vec![None], picks: Vec::new() };
    let refused = request.choices().unwrap().approve(&nothing).unwrap_err();
    assert_eq!(refused.to_string(), "a required set was left out");
}

#[tokio::test]
async fn refuses_what_is_not_a_request_and_keeps_it_in_the_history() {
    let world = World::with_card().await;
    for link in [
        "",
        "openid4vp://?client_id=x",
        "openid4vp://?client_id=origin%3Ahttps%3A%2F%2Fx&request_uri=https%3A%2F%2Fx",
    ] {
        let refused = world.wallet.read_request(link).await.unwrap_err();
        assert_eq!(refused.code(), "request_refused", "{link:?}");
        assert_eq!(world.last_event()["kind"], "presentation_failed");
    }
}

#[tokio::test]
async fn deletes_a_card_and_remembers_that_it_did() {
    let world = World::with_card().await;
    let id = world.wallet.cards().unwrap()[0].id;
    assert!(world.wallet.delete(id).await.unwrap());
    assert!(!world.wallet.delete(id).await.unwrap());
    assert!(world.wallet.cards().unwrap().is_empty());
    assert_eq!(world.last_event(), json!({"kind": "deleted"}));
}

#[tokio::test]
async fn shows_what_the_holder_would_authorize_and_signs_it() {
    let world = World::with_card().await;
    let mut ask = query(&[&["given_name"]]);
    ask["transaction_data"] = json!([{
        "type": "urn:lanyard:transaction-data:payment:1", "credential_ids": ["badge"],
        "payee": "Alder & Finch", "amount": "23.58", "currency": "EUR",
    }]);
    let asked = world.ask(ask).await;
    let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
    let shown: Vec<_> =
        request.transactions().iter().map(|one| one.transaction().to_string()).collect();
    assert_eq!(shown, ["a payment of 23.58 EUR to Alder & Finch"]);
    let choices = request.choices().unwrap();
    let smallest = choices.smallest();
    request.answer(choices.approve(&smallest).unwrap()).await.unwrap();
    let status = world.verifier.request_status(&world.tenant, asked.id).await.unwrap();
    let status = serde_json::to_value(&status).unwrap();
    assert_eq!(status["state"], "verified", "{status}");
    let authorized = &status["verdict"]["credentials"][0]["transactions"][0];
    assert_eq!(authorized["payee"], "Alder & Finch");
}

#[tokio::test]
async fn a_verifier_whose_request_is_refused_is_told_why_once_the_holder_acted() {
    let world = World::with_card().await;
    let asked = world.ask(query(&[&["given_name"]])).await;
    let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
    let honest = request.reviewed().request();
    // the same verifier asks for a transaction of a type that nobody knows, in the name of a DID
    let key = RustCrypto.generate_key(Curve::P256).unwrap();
    let did = Did::from_key(key.public());
    let url = did.with_fragment(did.method_specific_id()).unwrap();
    let signer = Arc::new(SoftwareSigner::new(&RustCrypto, &key).unwrap());
    let signer = RequestSigner::of_did(signer, &url);
    let unheard = json::base64url(r#"{"type":"unheard of","credential_ids":["badge"]}"#);
    let parameters = json!({
        "client_id": ClientId::decentralized_identifier(&did),
        "response_type": "vp_token", "response_mode": "direct_post",
        "response_uri": honest.response_uri.as_str(),
        "state": honest.state, "nonce": honest.nonce, "dcql_query": honest.query.to_value(),
        "transaction_data": [unheard],
    });
    let Value::Object(parameters) = parameters else { unreachable!("it is an object") };
    let ends = test_now() + SignedDuration::from_mins(5);
    let object = signer.sign(parameters, None, test_now(), ends).await.unwrap();
    let mut link = Url::parse("openid4vp://").unwrap();
    let client_id = ClientId::decentralized_identifier(&did);
    link.query_pairs_mut()
        .append_pair("client_id", client_id.as_str())
        .append_pair("request", &object);

    let refused = world.wallet.read_request(link.as_str()).await.unwrap_err();
    assert_eq!(refused.code(), "request_refused");
    let state = async || {
        let status = world.verifier.request_status(&world.tenant, asked.id).await.unwrap();
        serde_json::to_value(&status).unwrap()
    };
    assert_eq!(state().await["state"], "waiting", "nothing is told before the holder acts");
    let PresentationError::Refusable(refused) = refused else { panic!("it proved who it is") };
    assert_eq!(refused.refuse().await.unwrap(), VerifierReply::Done);
    let status = state().await;
    assert_eq!(status["state"], "declined");
    assert_eq!(status["declined"], "invalid_transaction_data");
}
