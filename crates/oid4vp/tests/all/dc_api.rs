//! The whole circle through the Digital Credentials API, and what is refused on both sides.

use std::sync::Arc;

use jiff::SignedDuration;
use lanyard_core::{
    credential::{Format, HeldCredential},
    crypto::{CryptoError, CryptoProvider as _, Curve, RustCrypto},
    did::Did,
    jose::{Jwk, JwsError},
    json,
};
use lanyard_oid4vp::{
    ClientId, ErrorCode,
    dc_api::{DcApiAsk, DcApiRequest, DcApiRequested, DcApiVerifier, Origin, Protocol},
    dcql::DcqlQuery,
    request::{RequestError, Transport, VerifierInfo, object::RequestSigner},
    transaction::TransactionData,
    verifier::{Conclusion, Verdict},
};
use lanyard_testkit::{Mint, vectors};
use serde_json::{Value, json};

use crate::world::{Honest, World, badge_query, view};

const ORIGIN: &str = "https://verifier.example";

fn origin(text: &str) -> Origin {
    Origin::parse(text, Transport::HttpsOnly).expect("an origin")
}

fn ask(world: &World, query: Value, encrypted: bool) -> DcApiRequested {
    let query = DcqlQuery::from_value(&query).expect("a query");
    let ask = DcApiAsk {
        origins: vec![origin(ORIGIN), origin("https://other.example")],
        query,
        encrypted,
        expires_at: world.now + SignedDuration::from_mins(5),
        transactions: Vec::new(),
        verifier_info: Vec::new(),
    };
    DcApiRequested::new(ask, world.provider.as_ref()).expect("a key can be made")
}

async fn read(world: &World, made: &Value, from: &str) -> Result<DcApiRequest, RequestError> {
    let protocol = made["protocol"].as_str().expect("a protocol");
    world.wallet().read_dc_api(protocol, &made["data"], from, world.now).await
}

async fn answer(world: &World, request: &DcApiRequest, held: &HeldCredential) -> Value {
    let choices = request.choices(&[view(held)]).expect("the badge fits");
    let selection = choices.smallest();
    let consent = choices.approve(&selection).expect("a selection");
    let presenter = Honest::new(world, held.clone());
    request.answer(consent, &presenter, world.provider.as_ref()).await.expect("an answer")
}

async fn opened(world: &World, requested: DcApiRequested, data: &Value, from: &str) -> Verdict {
    let (verifier, provider) = (world.presentations(), world.provider.as_ref());
    match requested.open(data, &origin(from), &verifier, world.now, provider).await {
        Ok(Conclusion::Answered(verdict)) => verdict,
        other => unreachable!("presentations came: {other:?}"),
    }
}

/// The request in each of the three ways.
async fn each_way(world: &World, requested: &DcApiRequested) -> Vec<Value> {
    let names = [(world.client_id(), world.request_signer()), of_did(world)];
    vec![
        requested.unsigned(),
        requested
            .signed(&world.client_id(), &world.request_signer(), world.now)
            .await
            .expect("a signature"),
        requested.multi_signed(&names).await.expect("signatures"),
    ]
}

fn of_did(world: &World) -> (ClientId, RequestSigner) {
    let key = RustCrypto.generate_key(Curve::P256).expect("a key");
    let did = Did::from_jwk(&Jwk::new(*key.public()));
    let url = did.with_fragment("0").expect("a fragment");
    let signer = RequestSigner::of_did(Arc::new(world.signer(&key)), &url);
    (ClientId::decentralized_identifier(&did), signer)
}

#[tokio::test]
async fn every_format_is_asked_for_and_verified_in_every_way() {
    let world = World::new();
    for format in Format::OPENID4VC {
        let held = world.mint.badge(*format, world.holder.public()).await;
        for encrypted in [false, true] {
            let requested = ask(&world, Mint::query(*format), encrypted);
            for made in each_way(&world, &requested).await {
                let request = read(&world, &made, ORIGIN).await.unwrap();
                assert_eq!(request.is_encrypted(), encrypted);
                let is_known = *request.verifier() != DcApiVerifier::Origin;
                assert_eq!(is_known, made["protocol"] != "openid4vp-v1-unsigned");
                let data = answer(&world, &request, &held).await;
                assert_eq!(data.get("response").is_some(), encrypted);
                let verdict = opened(&world, requested.clone(), &data, ORIGIN).await;
                assert!(verdict.is_verified(), "{format} {}: {verdict:?}", made["protocol"]);
            }
        }
    }
}

#[tokio::test]
async fn the_audience_is_the_origin_also_of_a_signed_request() {
    let world = World::new();
    let requested = ask(&world, badge_query(&["name"]), false);
    for made in each_way(&world, &requested).await {
        let request = read(&world, &made, ORIGIN).await.unwrap();
        let binding = request.binding(world.provider.as_ref());
        assert_eq!(binding.audience.as_str(), "origin:https://verifier.example");
    }
}

#[tokio::test]
async fn an_answer_for_another_origin_is_refused() {
    let world = World::new();
    for format in Format::OPENID4VC {
        let held = world.mint.badge(*format, world.holder.public()).await;
        let requested = ask(&world, Mint::query(*format), true);
        // a page elsewhere shows the unsigned request as its own, and hands the answer on
        let phished = read(&world, &requested.unsigned(), "https://evil.example").await.unwrap();
        let data = answer(&world, &phished, &held).await;
        let verdict = opened(&world, requested.clone(), &data, ORIGIN).await;
        let reason = match format {
            Format::MsoMdoc => "device_signature_invalid",
            Format::LdpVc => "proof_domain",
            _ => "audience_mismatch",
        };
        assert_eq!(verdict.reason.as_deref(), Some(reason), "{format}");
        // and what comes through an origin that never asked is no answer at all
        let (verifier, provider) = (world.presentations(), world.provider.as_ref());
        let from = origin("https://evil.example");
        let refused = requested.open(&data, &from, &verifier, world.now, provider).await;
        assert_eq!(refused.unwrap_err().reason.reason(), "origin_mismatch");
    }
}

#[tokio::test]
async fn wrong_expected_origins_refuses_a_signed_request_that_another_origin_replays() {
    let world = World::new();
    let requested = ask(&world, badge_query(&["name"]), false);
    let ways = each_way(&world, &requested).await;
    for made in &ways[1..] {
        for from in ["https://evil.example", "https://verifier.example:8443"] {
            let refused = read(&world, made, from).await.unwrap_err();
            assert_eq!(refused, RequestError::ExpectedOrigins);
            assert_eq!(refused.code(), ErrorCode::InvalidRequest);
        }
        assert!(read(&world, made, "https://other.example").await.is_ok());
    }
}

#[tokio::test]
async fn an_unsigned_request_says_nothing_about_who_asks() {
    let world = World::new();
    let requested = ask(&world, badge_query(&["name"]), false);
    let mut made = requested.unsigned();
    made["data"]["client_id"] = json!("x509_san_dns:bank.example");
    made["data"]["expected_origins"] = json!(["https://bank.example"]);
    let request = read(&world, &made, ORIGIN).await.unwrap();
    assert_eq!(*request.verifier(), DcApiVerifier::Origin);
}

#[tokio::test]
async fn what_a_verifier_says_of_itself_counts_where_it_signed() {
    let world = World::new();
    let info = VerifierInfo {
        format: "registrar_dataset".to_owned(),
        data: json!({ "purpose": { "content": "To let you in" } }),
        credential_ids: None,
    };
    let ask = DcApiAsk {
        origins: vec![origin(ORIGIN)],
        query: DcqlQuery::from_value(&badge_query(&["name"])).unwrap(),
        encrypted: false,
        expires_at: world.now + SignedDuration::from_mins(5),
        transactions: Vec::new(),
        verifier_info: vec![info],
    };
    let requested = DcApiRequested::new(ask, world.provider.as_ref()).unwrap();
    for mut made in each_way(&world, &requested).await {
        let is_signed = made["protocol"] != "openid4vp-v1-unsigned";
        if !is_signed {
            made["data"]["verifier_info"] = json!([{ "format": "registrar_dataset", "data": { "purpose": { "content": "x" } } }]);
        }
        let request = read(&world, &made, ORIGIN).await.unwrap();
        assert_eq!(request.verifier_info().len(), 1, "{made}");
        assert_eq!(request.statement().purposes.len(), usize::from(is_signed), "{made}");
    }
}

#[tokio::test]
async fn multisigned_one_invalid_signature_still_succeeds_by_the_other() {
    let world = World::new();
    let requested = ask(&world, badge_query(&["name"]), false);
    let names = [of_did(&world), (world.client_id(), world.request_signer())];
    let mut made = requested.multi_signed(&names).await.unwrap();
    let broken = json::base64url([7; 64]);
    made["data"]["request"]["signatures"][0]["signature"] = json!(broken);
    let request = read(&world, &made, ORIGIN).await.unwrap();
    let known =
        DcApiVerifier::Known { client_id: world.client_id(), name: Some("The Shop".to_owned()) };
    assert_eq!(*request.verifier(), known);
    made["data"]["request"]["signatures"][1]["signature"] = json!(broken);
    let refused = read(&world, &made, ORIGIN).await.unwrap_err();
    assert_eq!(refused, RequestError::Object(JwsError::Signature(CryptoError::InvalidSignature)));
}

#[tokio::test]
async fn what_is_of_one_signature_alone_is_not_in_the_payload() {
    let world = World::new();
    let requested = ask(&world, badge_query(&["name"]), false);
    // the payload of a request signed once has its client_id in it
    let signed =
        requested.signed(&world.client_id(), &world.request_signer(), world.now).await.unwrap();
    let compact = signed["data"]["request"].as_str().unwrap().to_owned();
    let parts: Vec<_> = compact.split('.').collect();
    let made = json!({ "protocol": Protocol::MultiSigned.as_str(), "data": { "request": {
        "payload": parts[1], "signatures": [{ "protected": parts[0], "signature": parts[2] }],
    }}});
    let refused = read(&world, &made, ORIGIN).await.unwrap_err();
    assert_eq!(refused, RequestError::Missing("client_id"));
}

#[tokio::test]
async fn refuses_what_is_of_another_protocol_or_another_form() {
    let world = World::new();
    let requested = ask(&world, badge_query(&["name"]), false);
    let unsigned = requested.unsigned();
    let with = |protocol: &str, data: Value| json!({ "protocol": protocol, "data": data });
    let changed = |name: &str, value: Value| {
        let mut made = unsigned.clone();
        made["data"][name] = value;
        made
    };
    let without = |name: &str| {
        let mut made = unsigned.clone();
        made["data"].as_object_mut().unwrap().remove(name);
        made
    };
    let form = RequestError::ProtocolForm;
    let cases = [
        (with("openid4vp", unsigned["data"].clone()), RequestError::Protocol),
        (with("openid4vp-v2-unsigned", unsigned["data"].clone()), RequestError::Protocol),
        (with("openid4vp-v1-unsigned", json!("text")), form.clone()),
        (with("openid4vp-v1-signed", json!({})), form.clone()),
        (with("openid4vp-v1-multisigned", json!({ "request": "a.b.c" })), form.clone()),
        (
            with(
                "openid4vp-v1-multisigned",
                json!({ "request": { "payload": "e30", "signatures": [] } }),
            ),
            form,
        ),
        (changed("response_mode", json!("direct_post")), RequestError::ResponseMode),
        (without("response_mode"), RequestError::Missing("response_mode")),
        (without("nonce"), RequestError::Missing("nonce")),
        (without("dcql_query"), RequestError::Missing("dcql_query")),
        (changed("response_mode", json!("dc_api.jwt")), RequestError::NoEncryptionKey),
    ];
    for (made, reason) in cases {
        assert_eq!(read(&world, &made, ORIGIN).await.unwrap_err(), reason, "{made}");
    }
    for from in [
        "",
        "null",
        "http://verifier.example",
        "https://verifier.example/path",
        "data:,a",
        "javascript:a",
    ] {
        assert_eq!(
            read(&world, &unsigned, from).await.unwrap_err(),
            RequestError::Origin,
            "{from}"
        );
    }
    // what a platform calls an app is an origin too
    assert!(read(&world, &unsigned, "android:apk-key-hash:abc").await.is_ok());
}

#[tokio::test]
async fn an_answer_in_another_way_than_asked_for_leaves_the_request_open() {
    let world = World::new();
    let held = world.badge().await;
    let (verifier, provider) = (world.presentations(), world.provider.as_ref());
    for encrypted in [false, true] {
        let requested = ask(&world, badge_query(&["name"]), encrypted);
        let other = ask(&world, badge_query(&["name"]), !encrypted);
        let request = read(&world, &other.unsigned(), ORIGIN).await.unwrap();
        let data = answer(&world, &request, &held).await;
        let refused = requested
            .open(&data, &origin(ORIGIN), &verifier, world.now, provider)
            .await
            .unwrap_err();
        let reason =
            if encrypted { "response_not_encrypted" } else { "response_encrypted_unasked" };
        assert_eq!(refused.reason.reason(), reason);
        let request = read(&world, &refused.requested.unsigned(), ORIGIN).await.unwrap();
        let good = answer(&world, &request, &held).await;
        assert!(opened(&world, *refused.requested, &good, ORIGIN).await.is_verified());
    }
}

#[tokio::test]
async fn a_holder_who_declines_ends_the_request() {
    let world = World::new();
    let requested = ask(&world, badge_query(&["name"]), true);
    let request = read(&world, &requested.unsigned(), ORIGIN).await.unwrap();
    let data = request.decline();
    assert_eq!(data, json!({ "error": "access_denied" }));
    let (verifier, provider) = (world.presentations(), world.provider.as_ref());
    let ended = requested.open(&data, &origin(ORIGIN), &verifier, world.now, provider).await;
    assert_eq!(ended.unwrap(), Conclusion::Declined(ErrorCode::AccessDenied));
}

#[tokio::test]
async fn a_payment_is_authorized_through_the_api_too() {
    let world = World::new();
    let query = DcqlQuery::from_value(&badge_query(&["name"])).unwrap();
    let payment = json!({
        "type": "urn:lanyard:transaction-data:payment:1", "credential_ids": ["badge"],
        "payee": "Alder & Finch", "amount": "1", "currency": "EUR",
    });
    let transactions = vec![TransactionData::from_value(&payment, &query).unwrap()];
    let ask = DcApiAsk {
        origins: vec![origin(ORIGIN)],
        query,
        encrypted: true,
        expires_at: world.now + SignedDuration::from_mins(5),
        transactions,
        verifier_info: Vec::new(),
    };
    let requested = DcApiRequested::new(ask, world.provider.as_ref()).unwrap();
    // also after the way through a store
    let stored = serde_json::to_vec(&requested).unwrap();
    let requested: DcApiRequested = serde_json::from_slice(&stored).unwrap();
    let request = read(&world, &requested.unsigned(), ORIGIN).await.unwrap();
    assert_eq!(request.transactions().len(), 1);
    let data = answer(&world, &request, &world.badge().await).await;
    let verdict = opened(&world, requested, &data, ORIGIN).await;
    assert_eq!(verdict.credentials[0].transactions.len(), 1);
}

#[tokio::test]
async fn the_examples_of_the_specification_have_the_members_that_are_read() {
    if !vectors::available("oid4vp") {
        return;
    }
    let folder = "oid4vp/examples-1.0/digital_credentials_api";
    // the query in them is abbreviated, so the files are no JSON
    let example = |name: &str| -> Value {
        let text = vectors::text(format!("{folder}/{name}.json"));
        let query = badge_query(&["name"]).to_string();
        serde_json::from_str(&text.replace("{...}", &query)).unwrap()
    };
    let world = World::new();
    for name in ["signed_request_payload", "signed_request_payload_compact"] {
        let mut data = example(name);
        // for SD-JWT VC alone, and unsigned as it is published
        data["client_metadata"] = json!({ "vp_formats_supported": { "dc+sd-jwt": {} } });
        let made = json!({ "protocol": "openid4vp-v1-unsigned", "data": data });
        assert!(read(&world, &made, "https://origin1.example.com").await.is_ok(), "{name}");
    }
    let error = example("error_invalid_request");
    let requested = ask(&world, badge_query(&["name"]), false);
    let (verifier, provider) = (world.presentations(), world.provider.as_ref());
    let ended = requested.open(&error, &origin(ORIGIN), &verifier, world.now, provider).await;
    assert_eq!(ended.unwrap(), Conclusion::Declined(ErrorCode::InvalidRequest));
}
