//! Requests and answers in the way of ISO/IEC 18013-7 Annex C, between our two halves; a foreign peer is in
//! `interop-tests`.

use std::sync::Arc;

use jiff::SignedDuration;
use lanyard_core::{
    credential::{Format, HeldCredential},
    crypto::{CryptoProvider as _, Curve, RustCrypto},
    json,
    mdoc::{DeviceRequestError, EncryptionInfo},
    trust::x509::ChainError,
};
use lanyard_oid4vp::{
    ErrorCode,
    dc_api::{
        DcApiAsk, DcApiRequest, DcApiVerifier, IsoMdocRequested, NoDeviceRequest, Origin, Protocol,
    },
    dcql::DcqlQuery,
    request::{RequestError, Transport, object::RequestSigner},
    verifier::{Conclusion, OpenError, Verdict},
};
use lanyard_testkit::{LeafOptions, Mint, TestCa};
use serde_json::{Value, json};

use crate::world::{Honest, World, badge_query, view};

const ORIGIN: &str = "https://verifier.example";
const EVIL: &str = "https://evil.example";

fn origin(text: &str) -> Origin {
    Origin::parse(text, Transport::HttpsOnly).expect("an origin")
}

fn ask_from(world: &World, origins: &[&str], query: Value) -> DcApiAsk {
    DcApiAsk {
        origins: origins.iter().map(|one| origin(one)).collect(),
        query: DcqlQuery::from_value(&query).expect("a query"),
        encrypted: true,
        expires_at: world.now + SignedDuration::from_mins(5),
        transactions: Vec::new(),
        verifier_info: Vec::new(),
    }
}

fn ask(world: &World) -> IsoMdocRequested {
    let ask = ask_from(world, &[ORIGIN], Mint::query(Format::MsoMdoc));
    assert_eq!(IsoMdocRequested::can_ask(&ask), Ok(()));
    let requested = IsoMdocRequested::new(ask, world.provider.as_ref()).expect("a key");
    // also after the way through a store
    let stored = serde_json::to_vec(&requested).expect("JSON");
    serde_json::from_slice(&stored).expect("the same")
}

async fn request(
    world: &World,
    requested: &IsoMdocRequested,
    signer: Option<&RequestSigner>,
) -> Value {
    let made = requested.request(signer, world.provider.as_ref()).await.expect("a request");
    assert_eq!(made["protocol"], "org-iso-mdoc");
    made["data"].clone()
}

async fn read(world: &World, data: &Value, from: &str) -> Result<DcApiRequest, RequestError> {
    world.wallet().read_dc_api(Protocol::IsoMdoc.as_str(), data, from, world.now).await
}

async fn mdoc(world: &World) -> HeldCredential {
    world.mint.badge(Format::MsoMdoc, world.holder.public()).await
}

async fn answer(world: &World, request: &DcApiRequest, held: &HeldCredential) -> Value {
    let choices = request.choices(&[view(held)]).expect("the mdoc fits");
    let selection = choices.smallest();
    let consent = choices.approve(&selection).expect("a selection");
    let presenter = Honest::new(world, held.clone());
    request.answer(consent, &presenter, world.provider.as_ref()).await.expect("an answer")
}

async fn open(
    world: &World,
    requested: &IsoMdocRequested,
    data: &Value,
    from: &str,
) -> Result<Conclusion, OpenError> {
    let (verifier, provider) = (world.presentations(), world.provider.as_ref());
    requested.open(data, &origin(from), &verifier, world.now, provider).await
}

async fn verdict(world: &World, requested: &IsoMdocRequested, data: &Value, from: &str) -> Verdict {
    match open(world, requested, data, from).await {
        Ok(Conclusion::Answered(verdict)) => verdict,
        other => unreachable!("documents came: {other:?}"),
    }
}

#[tokio::test]
async fn an_mdoc_is_asked_for_presented_and_verified_signed_and_unsigned() {
    let world = World::new();
    let signer = world.request_signer();
    for signer in [None, Some(&signer)] {
        let requested = ask(&world);
        let request =
            read(&world, &request(&world, &requested, signer).await, ORIGIN).await.unwrap();
        assert_eq!(*request.verifier() != DcApiVerifier::Origin, signer.is_some());
        assert!(request.is_encrypted());
        let data = answer(&world, &request, &mdoc(&world).await).await;
        let verdict = verdict(&world, &requested, &data, ORIGIN).await;
        assert!(verdict.is_verified(), "{verdict:?}");
        assert!(verdict.credentials[0].claims.is_some());
    }
}

#[tokio::test]
async fn who_signed_the_request_is_shown_by_the_name_in_its_certificate() {
    let world = World::new();
    let data = request(&world, &ask(&world), Some(&world.request_signer())).await;
    let request = read(&world, &data, ORIGIN).await.unwrap();
    let DcApiVerifier::Known { client_id, name } = request.verifier() else { unreachable!() };
    assert!(client_id.as_str().starts_with("x509_hash:"));
    assert_eq!(name.as_deref(), Some("The Shop"));
}

#[tokio::test]
async fn a_request_that_another_origin_replays_is_refused_where_it_is_signed() {
    let world = World::new();
    let data = request(&world, &ask(&world), Some(&world.request_signer())).await;
    let refused = read(&world, &data, EVIL).await.unwrap_err();
    let RequestError::DeviceRequest(DeviceRequestError::ReaderAuth(_)) = refused else {
        unreachable!("{refused:?}")
    };
    assert_eq!(refused.code(), ErrorCode::InvalidRequest);
}

#[tokio::test]
async fn a_reader_whom_nobody_vouches_for_is_refused() {
    let world = World::new();
    let leaf = TestCa::new("Somebody").leaf(&LeafOptions::named("Evil").dns("evil.example"));
    let signer = RequestSigner::certified(Arc::new(world.signer(&leaf.key)), leaf.chain.clone());
    let data = request(&world, &ask(&world), Some(&signer)).await;
    let refused = read(&world, &data, ORIGIN).await.unwrap_err();
    assert_eq!(refused, RequestError::Chain(ChainError::Untrusted));
}

#[tokio::test]
async fn a_request_for_several_origins_is_not_signed() {
    let world = World::new();
    let ask = ask_from(&world, &[ORIGIN, "https://other.example"], Mint::query(Format::MsoMdoc));
    let requested = IsoMdocRequested::new(ask, world.provider.as_ref()).unwrap();
    let data = request(&world, &requested, Some(&world.request_signer())).await;
    for from in [ORIGIN, "https://other.example"] {
        let request = read(&world, &data, from).await.unwrap();
        assert_eq!(*request.verifier(), DcApiVerifier::Origin);
        let data = answer(&world, &request, &mdoc(&world).await).await;
        assert!(verdict(&world, &requested, &data, from).await.is_verified(), "{from}");
    }
}

#[tokio::test]
async fn an_answer_made_for_another_origin_does_not_decrypt() {
    let world = World::new();
    let requested = ask(&world);
    // a page elsewhere shows the request as its own, and hands the answer on
    let phished = read(&world, &request(&world, &requested, None).await, EVIL).await.unwrap();
    let data = answer(&world, &phished, &mdoc(&world).await).await;
    let refused = open(&world, &requested, &data, ORIGIN).await.unwrap_err();
    assert_eq!(refused.reason(), "response_does_not_decrypt");
    assert_eq!(open(&world, &requested, &data, EVIL).await, Err(OpenError::Origin));
}

#[tokio::test]
async fn an_answer_to_another_request_does_not_decrypt() {
    let world = World::new();
    let (requested, other) = (ask(&world), ask(&world));
    let read = read(&world, &request(&world, &other, None).await, ORIGIN).await.unwrap();
    let data = answer(&world, &read, &mdoc(&world).await).await;
    let refused = open(&world, &requested, &data, ORIGIN).await.unwrap_err();
    assert_eq!(refused.reason(), "response_does_not_decrypt");
    assert!(verdict(&world, &other, &data, ORIGIN).await.is_verified());
}

#[tokio::test]
async fn a_device_signature_of_another_exchange_is_refused() {
    let world = World::new();
    let (requested, other) = (ask(&world), ask(&world));
    let held = mdoc(&world).await;
    let first = read(&world, &request(&world, &other, None).await, ORIGIN).await.unwrap();
    let second = read(&world, &request(&world, &requested, None).await, ORIGIN).await.unwrap();
    // the document of one exchange, encrypted for another
    let choices = second.choices(&[view(&held)]).unwrap();
    let selection = choices.smallest();
    let consent = choices.approve(&selection).unwrap();
    let transcript = Some(first.binding(world.provider.as_ref()).transcript);
    let presenter = Honest { transcript, ..Honest::new(&world, held.clone()) };
    let data = second.answer(consent, &presenter, world.provider.as_ref()).await.unwrap();
    let verdict = verdict(&world, &requested, &data, ORIGIN).await;
    assert_eq!(verdict.reason.as_deref(), Some("device_signature_invalid"));
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_none() {
    let world = World::new();
    let requested = ask(&world);
    let read = read(&world, &request(&world, &requested, None).await, ORIGIN).await.unwrap();
    let data = answer(&world, &read, &mdoc(&world).await).await;
    let (verifier, provider) = (world.presentations(), world.provider.as_ref());
    let late = world.now + SignedDuration::from_mins(5);
    let opened = requested.open(&data, &origin(ORIGIN), &verifier, late, provider).await;
    assert_eq!(opened, Err(OpenError::Expired));
}

#[tokio::test]
async fn what_is_no_encrypted_response_leaves_the_request_open() {
    let world = World::new();
    let requested = ask(&world);
    let cases = [
        (json!({}), "response_without_vp_token"),
        (json!({ "response": 7 }), "response_without_vp_token"),
        (json!({ "response": "***" }), "response_not_encrypted"),
        (json!({ "response": "gA" }), "response_not_encrypted"),
        (json!({ "vp_token": {} }), "response_without_vp_token"),
    ];
    for (data, reason) in cases {
        let refused = open(&world, &requested, &data, ORIGIN).await.unwrap_err();
        assert_eq!(refused.reason(), reason, "{data}");
    }
}

#[tokio::test]
async fn what_a_device_request_cannot_say_is_not_asked_by_one() {
    let world = World::new();
    let two = |id: &str| {
        let mut credential = Mint::query(Format::MsoMdoc)["credentials"][0].clone();
        credential["id"] = json!(id);
        credential
    };
    let without_claims = {
        let mut credential = two("a");
        credential.as_object_mut().unwrap().remove("claims");
        credential
    };
    let cases = [
        (badge_query(&["name"]), NoDeviceRequest::Format),
        (json!({ "credentials": [two("a"), two("b")] }), NoDeviceRequest::SameType),
        (json!({ "credentials": [without_claims] }), NoDeviceRequest::NoElement),
        (
            json!({ "credentials": [two("a")], "credential_sets": [{ "options": [["a"]] }] }),
            NoDeviceRequest::Alternatives,
        ),
    ];
    for (query, reason) in cases {
        let ask = ask_from(&world, &[ORIGIN], query);
        assert_eq!(IsoMdocRequested::can_ask(&ask), Err(reason));
    }
}

#[tokio::test]
async fn a_request_of_another_form_is_refused() {
    let world = World::new();
    let good = request(&world, &ask(&world), None).await;
    let with = |name: &str, value: Value| {
        let mut data = good.clone();
        data[name] = value;
        data
    };
    let key = RustCrypto.generate_key(Curve::P256).unwrap();
    let guessable = EncryptionInfo { nonce: vec![1; 15], recipient: *key.public() };
    let form = "the request has another form than its protocol says";
    let cases = [
        (json!({}), form),
        (with("deviceRequest", json!("***")), form),
        (with("deviceRequest", json!("gA")), "deviceRequest is refused: not a DeviceRequest"),
        (
            // {"version": "2.0", "docRequests": []}
            with("deviceRequest", json!("omd2ZXJzaW9uYzIuMGtkb2NSZXF1ZXN0c4A")),
            "deviceRequest is refused: the DeviceRequest is of another version",
        ),
        (
            // {"version": "1.0", "docRequests": []}
            with("deviceRequest", json!("omd2ZXJzaW9uYzEuMGtkb2NSZXF1ZXN0c4A")),
            "deviceRequest is refused: not a DeviceRequest",
        ),
        (
            with("encryptionInfo", json!("gA")),
            "encryptionInfo is refused: not a structure of ISO/IEC 18013-7 Annex C",
        ),
        (
            with("encryptionInfo", json!(guessable.to_base64url())),
            "encryptionInfo is refused: the nonce is too short",
        ),
    ];
    for (data, reason) in cases {
        let refused = read(&world, &data, ORIGIN).await.unwrap_err();
        assert_eq!(refused.to_string(), reason, "{data}");
    }
    assert!(read(&world, &good, ORIGIN).await.is_ok());
    assert!(json::base64url_decode(good["deviceRequest"].as_str().unwrap()).is_ok());
}
