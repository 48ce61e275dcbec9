//! How the verifier names itself, what it heeds of a wallet, and what it asks beside credentials.

use http::StatusCode;
use lanyard_core::{
    crypto::{ContentEncryption, CryptoProvider as _, Curve, PrivateKey, RustCrypto},
    jose::{Jwk, UnopenedJwe, UnverifiedJws},
    json::Object,
};
use lanyard_oid4vp::wallet::{ReviewedRequest, VerifierIdentity, WalletSide};
use serde_json::{Value, json};

use crate::world::{Asked, CLIENT, Holder, World, badge_query, steps};

const PAYMENT: &str = "urn:lanyard:transaction-data:payment:1";

fn claims(object: &str) -> Object {
    UnverifiedJws::parse(object).expect("a JWS").danger_unverified_claims().expect("claims")
}

/// Where the response to a request goes, as its object says.
async fn response_uri(world: &World, asked: &Asked) -> String {
    let object = world.get(&asked.request_path()).await.text();
    claims(&object)["response_uri"].as_str().expect("a URI").to_owned()
}

async fn reviewed(world: &World, wallet: &WalletSide, asked: &Asked) -> ReviewedRequest {
    world.review_by(wallet, asked).await
}

#[tokio::test]
async fn verifies_by_a_did_an_attestation_and_a_registration() {
    let world = World::new();
    for (prefix, method) in [
        ("decentralized_identifier", "get"),
        ("decentralized_identifier", "post"),
        ("verifier_attestation", "post"),
        ("pre_registered", "get"),
        ("pre_registered", "post"),
    ] {
        let asked = world
            .ask(json!({
                "dcql_query": badge_query(&["name"]), "client_id_prefix": prefix,
                "request_uri_method": method,
            }))
            .await;
        let wallet = world.wallet_that_knows(&response_uri(&world, &asked).await);
        let reviewed = reviewed(&world, &wallet, &asked).await;
        let known = match reviewed.verifier() {
            VerifierIdentity::Did { did, .. } => did.starts_with("did:jwk:"),
            VerifierIdentity::Attestation { name, .. } => name == "shop.example",
            VerifierIdentity::Registered { .. } => asked.parameter("client_id") == CLIENT,
            _ => false,
        };
        assert!(known, "{prefix}: {:?}", reviewed.verifier());
        let answer = Holder::new(&world).await.answer_to(&reviewed).await;
        assert_eq!(world.post(&answer).await.status, StatusCode::OK, "{prefix}");
        assert_eq!(world.status(&asked).await["state"], "verified", "{prefix}");
    }
}

async fn posted(world: &World, asked: &Asked, metadata: Value) -> crate::world::Answer {
    let form = serde_urlencoded::to_string([("wallet_metadata", metadata.to_string())]);
    world.post_form(&asked.request_path(), form.expect("a form")).await
}

fn generated() -> PrivateKey {
    RustCrypto.generate_key(Curve::P256).expect("a key")
}

/// A key of a wallet, to which a request can be encrypted.
fn wallet_key(key: &PrivateKey) -> Value {
    let mut jwk = Jwk::new(*key.public()).to_value();
    for (name, value) in [("kid", "1"), ("alg", "ECDH-ES"), ("use", "enc")] {
        jwk[name] = json!(value);
    }
    jwk
}

#[tokio::test]
async fn a_wallet_that_wants_the_request_encrypted_gets_it_encrypted_to_its_key() {
    let world = World::new();
    let (own, other) = (generated(), generated());
    let mut for_signatures = wallet_key(&other);
    for_signatures["use"] = json!("sig");
    let bare = Jwk::new(*own.public()).to_value();
    let cases = [
        (wallet_key(&own), None),
        (wallet_key(&own), Some(json!(["A256GCM"]))),
        // neither kid nor alg nor use
        (bare, None),
    ];
    for (key, encs) in cases {
        let mut metadata = json!({
            "jwks": { "keys": [for_signatures, key] },
            "request_object_encryption_alg_values_supported": ["ECDH-ES"],
        });
        if let Some(encs) = encs {
            metadata["request_object_encryption_enc_values_supported"] = encs;
        }
        let asked = world.ask(json!({ "preset": "badge" })).await;
        let encrypted = posted(&world, &asked, metadata).await;
        assert_eq!(encrypted.status, 200, "{}", encrypted.text());
        let token = encrypted.text();
        let open = |key: &PrivateKey| {
            let jwe = UnopenedJwe::parse(&token).expect("a JWE");
            jwe.open(key, ContentEncryption::ALL, &RustCrypto)
        };
        let opened = open(&own).expect("it is for this key");
        let object = String::from_utf8(opened.to_vec()).expect("text");
        let claims = UnverifiedJws::parse(&object).expect("a JWS").danger_unverified_claims();
        assert_eq!(claims.expect("claims")["client_id"], asked.parameter("client_id"));
        assert!(open(&other).is_err(), "and for no other");
    }
}

#[tokio::test]
async fn a_wallet_that_could_make_nothing_of_the_request_is_told_so_at_once() {
    let world = World::new();
    let cases = [
        (
            json!({ "vp_formats_supported": { "mso_mdoc": {} } }),
            "vp_formats_not_supported",
            "wallet_formats",
        ),
        (
            json!({ "client_id_prefixes_supported": ["redirect_uri"] }),
            "invalid_request",
            "wallet_client_id_prefix",
        ),
        (json!({ "jwks": { "keys": [] } }), "invalid_request", "wallet_encryption"),
        (
            json!({
                "jwks": { "keys": [wallet_key(&generated())] },
                "request_object_encryption_alg_values_supported": ["RSA-OAEP-256"],
            }),
            "invalid_request",
            "wallet_encryption",
        ),
        (
            json!({ "request_object_signing_alg_values_supported": ["EdDSA"] }),
            "invalid_request",
            "wallet_signing_algorithm",
        ),
    ];
    for (metadata, code, reason) in cases {
        let asked = world
            .ask(json!({ "dcql_query": badge_query(&["name"]), "request_uri_method": "post" }))
            .await;
        let refused = posted(&world, &asked, metadata).await;
        assert_eq!(refused.refusal(), (400, code.to_owned()));
        let last = steps(&world.status(&asked).await).pop();
        assert_eq!(last, Some(format!("refused: {reason}")));
        // another wallet may still answer
        let good = json!({ "vp_formats_supported": { "dc+sd-jwt": {} }, "unknown": [] });
        assert_eq!(posted(&world, &asked, good).await.status, StatusCode::OK);
        let answer = world.answer(&asked).await;
        assert_eq!(world.post(&answer).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn what_others_say_about_the_verifier_goes_along() {
    let world = World::new();
    let info = json!([{ "format": "jwt", "data": "eyJ", "credential_ids": ["badge"] }]);
    let asked =
        world.ask(json!({ "dcql_query": badge_query(&["name"]), "verifier_info": info })).await;
    let object = world.get(&asked.request_path()).await.text();
    assert_eq!(claims(&object)["verifier_info"], info);
    let reviewed = world.review(&asked).await;
    assert_eq!(reviewed.request().verifier_info.len(), 1);
    let plain = world.ask_for_name().await;
    let object = world.get(&plain.request_path()).await.text();
    assert!(!claims(&object).contains_key("verifier_info"));
}

#[tokio::test]
async fn a_payment_is_authorized_and_the_verdict_says_which() {
    let world = World::new();
    let payment = json!({
        "type": PAYMENT, "credential_ids": ["badge"],
        "payee": "Alder & Finch", "amount": "23.58", "currency": "EUR",
    });
    let asked = world
        .ask(json!({ "dcql_query": badge_query(&["name"]), "transaction_data": [payment] }))
        .await;
    let answer = world.answer(&asked).await;
    assert_eq!(world.post(&answer).await.status, StatusCode::OK);
    let status = world.status(&asked).await;
    assert_eq!(status["state"], "verified");
    let authorized = &status["verdict"]["credentials"][0]["transactions"][0];
    assert_eq!((&authorized["type"], &authorized["amount"]), (&json!(PAYMENT), &json!("23.58")));
}

#[tokio::test]
async fn a_payment_that_the_holder_did_not_authorize_is_refused() {
    let world = World::new();
    let payment = json!({
        "type": PAYMENT, "credential_ids": ["badge"],
        "payee": "Alder & Finch", "amount": "23.58", "currency": "EUR",
    });
    let asked = world
        .ask(json!({ "dcql_query": badge_query(&["name"]), "transaction_data": [payment] }))
        .await;
    let reviewed = world.review(&asked).await;
    // a wallet that knows nothing of transactions answers the query alone
    let mut holder = Holder::new(&world).await;
    holder.forgets_transactions = true;
    let answer = world.post(&holder.answer_to(&reviewed).await).await;
    assert_eq!(answer.refusal(), (400, "invalid_request".to_owned()));
    let status = world.status(&asked).await;
    assert_eq!(status["verdict"]["reason"], "transaction_not_authorized");
    assert!(reviewed.decline(&RustCrypto).is_ok());
}
