//! Encrypted requests and responses, both sides, each rule broken alone.

use std::sync::Arc;

use lanyard_core::{
    crypto::{ContentEncryption, Curve, Signer},
    jose::{EncryptionRecipient, Jwk},
};
use lanyard_oid4vci::{
    credential::{CredentialError, CredentialRequest},
    encryption::{EncryptionRule, IssuerEncryption, RequestBody},
    metadata::CredentialIssuerMetadata,
    wallet::{Body, CredentialRefused, IncomingResponse, PendingCredential},
};
use serde_json::{Value, json};

use crate::{
    circle::granted,
    fixture::{ISSUER, World, badge, issuer_url},
};

fn world(rule: EncryptionRule) -> World {
    let (mut world, fresh) = (World::new(), World::new());
    let key = world.provider.generate_key(Curve::P256).expect("a key");
    let encryption = IssuerEncryption::new(key, rule, &*world.provider);
    let anchor = fresh.anchor();
    world.issuer = fresh.issuer.with_encryption(encryption);
    world.with_anchor_of(anchor)
}

async fn pending(world: &World) -> (PendingCredential, lanyard_oid4vci::issuer::Authorized) {
    let (wallet, authorized) = granted(world, world.offered(None));
    let nonce = world.issuer.nonce(world.now).c_nonce;
    let keys: [Arc<dyn Signer>; 1] = [world.key()];
    let pending = wallet.request(&badge(), &keys, world.showing(Some(&nonce))).await;
    (pending.expect("asked"), authorized)
}

fn jwt(body: &[u8]) -> IncomingResponse<'_> {
    IncomingResponse { status: 200, content_type: Some("application/jwt"), body }
}

#[tokio::test]
async fn wallet_and_issuer_encrypt_both_ways_wherever_it_is_offered() {
    for rule in [EncryptionRule::Offered, EncryptionRule::Required] {
        let world = world(rule);
        let (pending, authorized) = pending(&world).await;
        let Body::Encrypted(jwe) = &pending.request().body else {
            unreachable!("the issuer takes encrypted requests")
        };
        assert_eq!(pending.request().body.content_type(), Some("application/jwt"));
        let request = world.issuer.read_request(RequestBody::Encrypted(jwe.as_bytes())).unwrap();
        let wanted = request.encryption.clone().expect("the issuer encrypts responses");
        let (response, ..) = authorized.accept(request, &world.issuer, world.now).await.unwrap();
        let json = serde_json::to_vec(&response).unwrap();
        let sealed = wanted.seal(&json, &*world.provider).unwrap();
        let trust = world.trust();
        let received = pending.receive(jwt(sealed.as_bytes()), &trust, world.now).await.unwrap();
        assert_eq!(received.len(), 1);
        // plain, or for somebody else, it is not taken
        let plain =
            IncomingResponse { status: 200, content_type: Some("application/json"), body: &json };
        let refused = pending.receive(plain, &trust, world.now).await.unwrap_err();
        assert_eq!(refused, CredentialRefused::Encryption);
        let mut changed = sealed.clone().into_bytes();
        let last = changed.len() - 3;
        changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
        let refused = pending.receive(jwt(&changed), &trust, world.now).await.unwrap_err();
        assert_eq!(refused, CredentialRefused::Encryption);
        // errors are never encrypted
        let error = IncomingResponse {
            status: 400,
            content_type: Some("application/json"),
            body: br#"{"error":"invalid_nonce"}"#,
        };
        let refused = pending.receive(error, &trust, world.now).await.unwrap_err();
        assert_eq!(refused, CredentialRefused::Nonce);
    }
}

/// What a request says about its answer, changed.
fn wanting(world: &World, change: impl FnOnce(&mut Value)) -> Value {
    let key = world.provider.generate_key(Curve::P256).expect("a key");
    let jwk = Jwk { alg: Some("ECDH-ES".to_owned()), ..Jwk::new(*key.public()) };
    let mut wanted = json!({ "jwk": jwk.to_value(), "enc": "A128GCM", "zip": "DEF" });
    change(&mut wanted);
    json!({ "credential_configuration_id": "employee_badge", "credential_response_encryption": wanted })
}

/// A request encrypted to the key in the metadata.
fn encrypted(world: &World, request: &Value, compressed: bool) -> String {
    let metadata: Value = serde_json::from_slice(&world.issuer.metadata().to_json()).expect("JSON");
    let jwk = &metadata["credential_request_encryption"]["jwks"]["keys"][0];
    let jwk = Jwk::from_value(jwk).expect("the metadata have a key");
    let recipient = EncryptionRecipient { jwk, enc: ContentEncryption::A128Gcm };
    let text = request.to_string();
    let sealed = if compressed {
        recipient.encrypt_compressed(text.as_bytes(), &*world.provider)
    } else {
        recipient.encrypt(text.as_bytes(), None, &*world.provider)
    };
    sealed.expect("it encrypts")
}

#[test]
fn each_rule_of_encryption_is_a_reason_of_its_own_and_one_code_for_the_peer() {
    let offered = world(EncryptionRule::Offered);
    let read = |world: &World, request: &Value| {
        let jwe = encrypted(world, request, true);
        world.issuer.read_request(RequestBody::Encrypted(jwe.as_bytes()))
    };
    assert!(read(&offered, &wanting(&offered, |_| {})).is_ok());
    for change in [
        |wanted: &mut Value| wanted["enc"] = json!("A192GCM"),
        |wanted: &mut Value| wanted["zip"] = json!("GZ"),
        |wanted: &mut Value| wanted["jwk"]["alg"] = json!("ECDH-ES+A256KW"),
        |wanted: &mut Value| wanted["jwk"] = json!({ "kty": "oct", "k": "AA", "alg": "ECDH-ES" }),
        |wanted: &mut Value| wanted["jwk"]["use"] = json!("sig"),
        |wanted: &mut Value| wanted["jwk"]["y"] = wanted["jwk"]["x"].clone(),
        |wanted: &mut Value| wanted["jwk"]["d"] = wanted["jwk"]["x"].clone(),
        |wanted: &mut Value| *wanted = json!("A128GCM"),
    ] {
        let refused = read(&offered, &wanting(&offered, change)).unwrap_err();
        assert_eq!(refused, CredentialError::EncryptionParameters);
        assert_eq!(refused.code(), "invalid_encryption_parameters");
    }
    let request = wanting(&offered, |_| {}).to_string();
    let plain = |world: &World, text: &str| {
        world.issuer.read_request(RequestBody::Plain(text.as_bytes())).unwrap_err()
    };
    assert_eq!(plain(&offered, &request), CredentialError::RequestNotEncrypted);
    let none = World::new();
    assert_eq!(plain(&none, &request), CredentialError::EncryptionUnsupported);
    let jwe = encrypted(&offered, &json!({}), false);
    let foreign = none.issuer.read_request(RequestBody::Encrypted(jwe.as_bytes())).unwrap_err();
    assert_eq!(foreign, CredentialError::EncryptionUnsupported);

    let required = world(EncryptionRule::Required);
    let bare = json!({ "credential_configuration_id": "employee_badge" });
    assert_eq!(plain(&required, &bare.to_string()), CredentialError::EncryptionRequired);
    assert_eq!(read(&required, &bare).unwrap_err(), CredentialError::EncryptionRequired);
    // for another key, changed, or no JWE at all
    let other = encrypted(&offered, &bare, false);
    for body in [other.as_str(), "a.b.c", ""] {
        let body = RequestBody::Encrypted(body.as_bytes());
        let refused = required.issuer.read_request(body).unwrap_err();
        assert_eq!(refused, CredentialError::RequestNotDecrypted);
        assert_eq!(refused.code(), "invalid_encryption_parameters");
    }
}

#[test]
fn a_request_that_inflates_without_end_is_not_read() {
    let world = world(EncryptionRule::Offered);
    let bomb = json!({ "credential_configuration_id": "a".repeat(4 << 20) });
    let jwe = encrypted(&world, &bomb, true);
    assert!(jwe.len() < 32 << 10, "{}", jwe.len());
    let refused = world.issuer.read_request(RequestBody::Encrypted(jwe.as_bytes())).unwrap_err();
    assert_eq!(refused, CredentialError::RequestNotDecrypted);
}

#[test]
fn encryption_is_advertised_as_it_is_enforced() {
    let metadata = |world: &World| -> Value {
        serde_json::from_slice(&world.issuer.metadata().to_json()).unwrap()
    };
    let none = metadata(&World::new());
    assert!(none.get("credential_request_encryption").is_none());
    assert!(none.get("credential_response_encryption").is_none());
    for (rule, required) in [(EncryptionRule::Offered, false), (EncryptionRule::Required, true)] {
        let metadata = metadata(&world(rule));
        let request = &metadata["credential_request_encryption"];
        assert_eq!(request["encryption_required"], json!(required));
        assert_eq!(request["enc_values_supported"], json!(["A256GCM", "A128GCM"]));
        assert_eq!(request["zip_values_supported"], json!(["DEF"]));
        let key = &request["jwks"]["keys"][0];
        assert_eq!((&key["alg"], &key["use"]), (&json!("ECDH-ES"), &json!("enc")));
        assert!(key["kid"].is_string() && key.get("d").is_none());
        let response = &metadata["credential_response_encryption"];
        assert_eq!(response["alg_values_supported"], json!(["ECDH-ES"]));
        assert_eq!(response["encryption_required"], json!(required));
        let text = metadata.to_string();
        assert!(CredentialIssuerMetadata::parse(text.as_bytes(), &issuer_url(ISSUER)).is_ok());
    }
}

#[test]
fn a_plain_request_still_parses_where_encryption_is_only_offered() {
    let world = world(EncryptionRule::Offered);
    let body = br#"{"credential_configuration_id":"employee_badge"}"#;
    let read = world.issuer.read_request(RequestBody::Plain(body));
    assert_eq!(read, CredentialRequest::parse(body));
}
