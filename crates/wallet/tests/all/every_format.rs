//! Presenting credentials of every format to a real verifier.

use std::sync::Arc;

use jiff::SignedDuration;
use lanyard_core::{
    credential::Format,
    crypto::{CryptoProvider as _, Curve, RustCrypto, SoftwareSigner},
    did::Did,
    verify::PresentationVerifier,
};
use lanyard_oid4vp::{
    ClientId,
    dc_api::{DcApiAsk, DcApiRequested, Origin},
    dcql::DcqlQuery,
    request::{Transport, object::RequestSigner},
    verifier::Conclusion,
    wallet::VerifierReply,
};
use lanyard_testkit::{LeafOptions, Mint, TestCa, test_now};
use serde_json::{Value, json};

use crate::world::World;

async fn presented(world: &World, ask: Value) -> Value {
    let asked = world.ask(ask).await;
    let request = world.wallet.read_request(asked.link.as_str()).await.expect("readable");
    let choices = request.choices().expect("choices");
    let smallest = choices.smallest();
    let consent = choices.approve(&smallest).expect("enough");
    assert_eq!(request.answer(consent).await.expect("taken"), VerifierReply::Done);
    let status = world.verifier.request_status(&world.tenant, asked.id).await.expect("known");
    serde_json::to_value(&status).expect("JSON")
}

#[tokio::test]
async fn a_card_of_every_format_is_presented_and_verified() {
    for format in Format::OPENID4VC {
        let world = World::with_minted(*format).await;
        for mode in ["direct_post", "direct_post.jwt"] {
            let ask = json!({ "dcql_query": Mint::query(*format), "response_mode": mode });
            let status = presented(&world, ask).await;
            assert_eq!(status["state"], "verified", "{format} {mode}: {status}");
            let credential = &status["verdict"]["credentials"][0];
            assert_eq!(credential["format"], format.name());
            let name = Mint::name_in(*format, &credential["claims"]);
            assert!(name.is_some_and(|name| name.starts_with("Ada")), "{format}: {credential}");
            assert_eq!(world.last_event()["kind"], "presented");
        }
    }
}

#[tokio::test]
async fn a_wallet_with_every_format_answers_with_the_one_that_is_asked_for() {
    let world = World::new().await;
    for format in Format::OPENID4VC {
        world.take_minted(*format).await;
    }
    for format in Format::OPENID4VC {
        let status = presented(&world, json!({ "dcql_query": Mint::query(*format) })).await;
        assert_eq!(status["state"], "verified", "{format}");
        assert_eq!(status["verdict"]["credentials"][0]["format"], format.name());
    }
}

#[tokio::test]
async fn a_badge_in_one_format_answers_where_any_of_several_would_do() {
    let world = World::with_minted(Format::MsoMdoc).await;
    let named = |format: Format, id: &str| {
        let mut query = Mint::credential_query(format);
        query["id"] = id.into();
        query
    };
    let status = presented(
        &world,
        json!({ "dcql_query": {
            "credentials": [named(Format::SdJwtVc, "sd_jwt"), named(Format::MsoMdoc, "mdoc")],
            "credential_sets": [{ "options": [["sd_jwt"], ["mdoc"]] }],
        }}),
    )
    .await;
    assert_eq!(status["state"], "verified");
    assert_eq!(status["verdict"]["credentials"][0]["query"], "mdoc");
}

#[tokio::test]
async fn the_holder_sees_that_what_cannot_be_withheld_is_shown_whole() {
    let world = World::with_minted(Format::JwtVcJson).await;
    let asked = world.ask(json!({ "dcql_query": Mint::query(Format::JwtVcJson) })).await;
    let request = world.wallet.read_request(asked.link.as_str()).await.unwrap();
    let choices = request.choices().unwrap();
    let disclose = &choices.queries()[0].candidates[0].choices[0].disclose;
    let shown: Vec<_> = disclose.iter().map(|path| serde_json::to_value(path).unwrap()).collect();
    assert_eq!(shown, [json!(["credentialSubject"])]);
}

fn asked_by_api(format: Format, origin: &Origin) -> DcApiRequested {
    let ask = DcApiAsk {
        origins: vec![origin.clone()],
        query: DcqlQuery::from_value(&Mint::query(format)).expect("a query"),
        encrypted: true,
        expires_at: test_now() + SignedDuration::from_mins(5),
        transactions: Vec::new(),
        verifier_info: Vec::new(),
    };
    DcApiRequested::new(ask, &RustCrypto).expect("a request")
}

#[tokio::test]
async fn of_several_requests_one_in_a_known_name_is_taken_and_none_beside_a_broken_one() {
    let world = World::with_minted(Format::SdJwtVc).await;
    let origin = Origin::parse("https://shop.example", Transport::HttpsOnly).unwrap();
    let requested = asked_by_api(Format::SdJwtVc, &origin);
    let read = async |requests: &[&Value]| {
        let requests = json!({ "requests": requests }).to_string();
        let read = world.wallet.read_platform_requests(&requests, "https://shop.example").await;
        read.map(|request| request.protocol().to_owned()).map_err(|error| error.to_string())
    };
    // signed in the name of somebody for whom nobody vouches
    let leaf = TestCa::new("Strangers").leaf(&LeafOptions::named("Shop").dns("shop.example"));
    let client = ClientId::x509_hash(&leaf.chain[0], &RustCrypto);
    let signer = Arc::new(SoftwareSigner::new(&RustCrypto, &leaf.key).unwrap());
    let signer = RequestSigner::certified(signer, leaf.chain);
    let of_a_stranger = requested.signed(&client, &signer, test_now()).await.unwrap();
    let unsigned = requested.unsigned();
    assert_eq!(read(&[&of_a_stranger, &unsigned]).await.as_deref(), Ok("openid4vp-v1-unsigned"));
    let alone = read(&[&of_a_stranger]).await.unwrap_err();
    assert_eq!(world.wallet.history().unwrap().len(), 1, "{alone}");
    assert_eq!(read(&[&of_a_stranger, &of_a_stranger]).await, Err(alone));

    // a name that is known, and a signature that is not good
    let key = RustCrypto.generate_key(Curve::P256).unwrap();
    let did = Did::from_key(key.public());
    let url = did.with_fragment(did.method_specific_id()).unwrap();
    let signer = Arc::new(SoftwareSigner::new(&RustCrypto, &key).unwrap());
    let client = ClientId::decentralized_identifier(&did);
    let signer = RequestSigner::of_did(signer, &url);
    let good = requested.signed(&client, &signer, test_now()).await.unwrap();
    assert_eq!(read(&[&good, &unsigned]).await.as_deref(), Ok("openid4vp-v1-signed"));
    let mut broken = good;
    let object = broken["data"]["request"].as_str().unwrap();
    let (signed, signature) = object.rsplit_once('.').unwrap();
    let other = if signature.starts_with('A') { "B" } else { "A" };
    broken["data"]["request"] = json!(format!("{signed}.{other}{}", &signature[1..]));
    let refused = read(&[&broken, &unsigned]).await.unwrap_err();
    assert!(refused.contains("signature"), "{refused}");
}

#[tokio::test]
async fn a_request_from_the_platform_is_answered_for_its_origin() {
    let origin = Origin::parse("https://shop.example", Transport::HttpsOnly).unwrap();
    for format in Format::OPENID4VC {
        let world = World::with_minted(*format).await;
        let requested = asked_by_api(*format, &origin);
        let made = requested.unsigned();
        let read = async |from: &str| {
            let protocol = made["protocol"].as_str().unwrap();
            world.wallet.read_platform_request(protocol, &made["data"], from).await
        };
        let request = read("https://shop.example").await.unwrap();
        assert_eq!(request.origin(), "https://shop.example");
        let choices = request.choices().unwrap();
        let smallest = choices.smallest();
        let data = request.answer(choices.approve(&smallest).unwrap()).await.unwrap();
        assert_eq!(world.last_event()["kind"], "presented");
        let verifier = PresentationVerifier::new(world.mint.trust(), Arc::new(RustCrypto));
        let opened = requested.open(&data, &origin, &verifier, test_now(), &RustCrypto).await;
        let Ok(Conclusion::Answered(verdict)) = opened else { unreachable!("an answer came") };
        assert!(verdict.is_verified(), "{format}: {verdict:?}");

        let declined = read("https://shop.example").await.unwrap().decline();
        assert_eq!(declined, json!({ "error": "access_denied" }));
        let refused = read("http://shop.example").await.unwrap_err();
        assert_eq!(refused.code(), "request_refused");
        assert_eq!(world.last_event()["kind"], "presentation_failed");
    }
}
