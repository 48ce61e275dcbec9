//! What the conformance suite asks of a wallet, module by module.

use lanyard_core::{crypto::RustCrypto, jose::Jwk, json};
use lanyard_oid4vp::{
    ErrorCode,
    request::{LinkScheme, RequestError, ResponseMode},
    response::AuthorizationResponse,
    verifier::{Conclusion, Requested},
    wallet::{NothingFits, Read, Selection},
};
use lanyard_testkit::SeededRandom;
use serde_json::{Value, json};

use crate::world::{BADGE, Honest, World, badge_query, parameters, view};

const PLAIN: ResponseMode = ResponseMode::DirectPost;
const ENCRYPTED: ResponseMode = ResponseMode::DirectPostJwt;

/// What the form of an unencrypted answer says.
fn said(answer: &AuthorizationResponse) -> Value {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&answer.body).expect("a form");
    let value = |(name, text): (String, String)| match name.as_str() {
        "vp_token" => (name, serde_json::from_str(&text).expect("JSON")),
        _ => (name, Value::String(text)),
    };
    pairs.into_iter().map(value).collect()
}

async fn answer(world: &World, requested: &Requested) -> AuthorizationResponse {
    let held = world.badge().await;
    let reviewed = world.review(requested).await;
    let choices = reviewed.choices(&[view(&held)]).expect("the badge fits");
    let selection = choices.smallest();
    let consent = choices.approve(&selection).expect("a selection");
    let presenter = Honest::new(world, held);
    reviewed.answer(consent, &presenter, world.provider.as_ref()).await.expect("an answer")
}

/// The names in the disclosures of an SD-JWT, in order.
fn disclosed(presentation: &str) -> Vec<String> {
    let parts: Vec<_> = presentation.split('~').collect();
    let name = |part: &&str| {
        let bytes = json::base64url_decode(part).expect("a disclosure");
        let disclosure: Value = serde_json::from_slice(&bytes).expect("JSON");
        disclosure[1].as_str().expect("a name").to_owned()
    };
    parts[1..parts.len() - 1].iter().map(name).collect()
}

#[tokio::test]
async fn happy_flow_answers_with_arrays_by_id_and_the_state() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), PLAIN);
    let answer = answer(&world, &requested).await;
    assert!(answer.response_uri.query().is_none(), "nothing goes into the URL");
    let said = said(&answer);
    let token = said["vp_token"].as_object().expect("an object");
    assert_eq!(token.keys().collect::<Vec<_>>(), ["badge"]);
    assert_eq!(token["badge"].as_array().map(Vec::len), Some(1));
    assert_eq!(said["state"], parameters(&requested)["state"]);
    assert!(said.get("presentation_submission").is_none());
}

#[tokio::test]
async fn fewer_claims_than_available_are_disclosed_when_fewer_are_asked_for() {
    let world = World::new();
    let requested = world.ask(badge_query(&["department"]), PLAIN);
    let said = said(&answer(&world, &requested).await);
    let presented = said["vp_token"]["badge"][0].as_str().expect("an SD-JWT");
    assert_eq!(disclosed(presented), ["department"]);
}

#[tokio::test]
async fn no_claims_in_dcql_query_discloses_none_that_can_be_withheld() {
    let world = World::new();
    let requested = world.ask(badge_query(&[]), PLAIN);
    let said = said(&answer(&world, &requested).await);
    let presented = said["vp_token"]["badge"][0].as_str().expect("an SD-JWT");
    assert!(disclosed(presented).is_empty());
}

#[tokio::test]
async fn optional_credential_set_that_cannot_be_answered_is_left_out() {
    let world = World::new();
    let credential = |id: &str, vct: &str| json!({ "id": id, "format": "dc+sd-jwt", "meta": { "vct_values": [vct] } });
    let query = json!({
        "credentials": [credential("badge", BADGE), credential("extra", "urn:not:held")],
        "credential_sets": [
            { "options": [["badge"]] },
            { "options": [["extra"]], "required": false },
        ],
    });
    let requested = world.ask(query, PLAIN);
    let sent = answer(&world, &requested).await;
    let said = said(&sent);
    assert_eq!(said["vp_token"].as_object().map(|token| token.len()), Some(1));
    let verifier = world.presentations();
    let opened =
        requested.open(sent.body.as_bytes(), &verifier, world.now, world.provider.as_ref()).await;
    let Ok(Conclusion::Answered(verdict)) = opened else { unreachable!("presentations came") };
    assert!(verdict.is_verified());
}

#[tokio::test]
async fn required_non_matching_credential_is_access_denied_without_a_vp_token() {
    let world = World::new();
    let mut query = badge_query(&["name"]);
    let mut second = query["credentials"][0].clone();
    second["id"] = json!("other");
    second["meta"]["vct_values"] = json!(["urn:not:held"]);
    query["credentials"].as_array_mut().unwrap().push(second);
    let requested = world.ask(query, PLAIN);
    let held = world.badge().await;
    let reviewed = world.review(&requested).await;
    assert_eq!(reviewed.choices(&[view(&held)]).unwrap_err(), NothingFits);
    let said = said(&reviewed.decline(world.provider.as_ref()).unwrap());
    assert_eq!(said["error"], "access_denied");
    assert!(said.get("vp_token").is_none());
    assert_eq!(said["state"], parameters(&requested)["state"]);
}

#[tokio::test]
async fn a_value_that_does_not_match_is_access_denied_too() {
    let world = World::new();
    let mut query = badge_query(&["name"]);
    query["credentials"][0]["claims"][0]["values"] = json!(["Somebody Else"]);
    let requested = world.ask(query, PLAIN);
    let held = world.badge().await;
    let reviewed = world.review(&requested).await;
    assert_eq!(reviewed.choices(&[view(&held)]).unwrap_err(), NothingFits);
}

/// Reads the request with its metadata changed.
async fn with_metadata(
    world: &World,
    requested: &Requested,
    change: impl FnOnce(&mut Value),
) -> Result<lanyard_oid4vp::wallet::ReviewedRequest, RequestError> {
    let mut parameters = parameters(requested);
    change(&mut parameters["client_metadata"]);
    let link = lanyard_oid4vp::request::RequestLink::ByValue(parameters);
    let link = link.to_url(&LinkScheme::Openid4vp);
    match world.wallet().read(link.as_str(), world.now, &SeededRandom::new(1)).await? {
        Read::Reviewed(reviewed) => Ok(*reviewed),
        Read::Fetch(_) => unreachable!("everything is in the link"),
    }
}

fn by_address(world: &World, mode: ResponseMode) -> Requested {
    let uri = url::Url::parse(crate::world::RESPONSE_URI).expect("a URL");
    let client = lanyard_oid4vp::ClientId::redirect_uri(&uri);
    world.ask_as(client, badge_query(&["name"]), mode)
}

#[tokio::test]
async fn ignores_unusable_encryption_key_and_encrypts_to_the_next() {
    let world = World::new();
    let requested = by_address(&world, ENCRYPTED);
    let unusable = json!({
        "kty": "EC", "crv": "P-256", "kid": "unusable", "use": "enc", "alg": "ECDH-ES+UNHEARD-OF",
        "x": "DxiH5Q4Yx3UrukE2lWCErq8N8bqC9CHLLrAwLz5BmE0",
        "y": "XtLM4-3h5o3HUH0MHVJV0kyq0iBlrBwlh8qEDMZ4-Pc",
    });
    let reviewed = with_metadata(&world, &requested, |metadata| {
        metadata["jwks"]["keys"].as_array_mut().unwrap().insert(0, unusable);
    });
    let reviewed = reviewed.await.unwrap();
    let held = world.badge().await;
    let choices = reviewed.choices(&[view(&held)]).unwrap();
    let selection = choices.smallest();
    let presenter = Honest::new(&world, held);
    let provider = world.provider.as_ref();
    let consent = choices.approve(&selection).unwrap();
    let answer = reviewed.answer(consent, &presenter, provider).await.unwrap();
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(&answer.body).unwrap();
    let header = pairs[0].1.split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&json::base64url_decode(header).unwrap()).unwrap();
    let own = &parameters(&requested)["client_metadata"]["jwks"]["keys"][0];
    assert_eq!(header["kid"], own["kid"]);
    assert_eq!((&header["alg"], &header["enc"]), (&json!("ECDH-ES"), &json!("A256GCM")));
    let verifier = world.presentations();
    let opened = requested.open(answer.body.as_bytes(), &verifier, world.now, provider).await;
    assert!(matches!(opened, Ok(Conclusion::Answered(verdict)) if verdict.is_verified()));
}

#[tokio::test]
async fn an_encryption_key_without_use_is_for_encryption() {
    let world = World::new();
    let requested = by_address(&world, ENCRYPTED);
    let reviewed = with_metadata(&world, &requested, |metadata| {
        metadata["jwks"]["keys"][0].as_object_mut().unwrap().remove("use");
    });
    assert!(reviewed.await.is_ok());
    // while a key for signatures is none
    let reviewed = with_metadata(&world, &requested, |metadata| {
        metadata["jwks"]["keys"][0]["use"] = json!("sig");
    });
    assert_eq!(reviewed.await.unwrap_err(), RequestError::NoEncryptionKey);
}

#[tokio::test]
async fn what_is_encrypted_has_the_parameters_and_no_claims_of_a_token() {
    let world = World::new();
    let requested = by_address(&world, ENCRYPTED);
    let key = RustCryptoKey::new();
    let reviewed = with_metadata(&world, &requested, |metadata| {
        metadata["jwks"]["keys"] = json!([key.public()]);
    });
    let reviewed = reviewed.await.unwrap();
    let held = world.badge().await;
    let choices = reviewed.choices(&[view(&held)]).unwrap();
    let selection = choices.smallest();
    let presenter = Honest::new(&world, held);
    let consent = choices.approve(&selection).unwrap();
    let answer = reviewed.answer(consent, &presenter, world.provider.as_ref()).await.unwrap();
    let names = key.open(&answer.body);
    assert_eq!(names, ["vp_token", "state"]);
}

/// A key that the test can open answers with.
struct RustCryptoKey(lanyard_core::crypto::PrivateKey);

impl RustCryptoKey {
    fn new() -> Self {
        use lanyard_core::crypto::{CryptoProvider as _, Curve};
        Self(RustCrypto.generate_key(Curve::P256).expect("a key"))
    }

    fn public(&self) -> Value {
        let mut jwk = Jwk::new(*self.0.public()).to_value();
        jwk["kid"] = json!("own");
        jwk["alg"] = json!("ECDH-ES");
        jwk
    }

    /// The names of the members in an encrypted answer.
    fn open(&self, body: &str) -> Vec<String> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(body).expect("a form");
        let jwe = lanyard_core::jose::UnopenedJwe::parse(&pairs[0].1).expect("a JWE");
        let all = lanyard_core::crypto::ContentEncryption::ALL;
        let plain = jwe.open(&self.0, all, &RustCrypto).expect("it is for this key");
        let members = json::parse_object(&plain).expect("JSON");
        members.keys().cloned().collect()
    }
}

#[tokio::test]
async fn a_verifier_that_takes_other_algorithms_gets_nothing() {
    let world = World::new();
    let requested = by_address(&world, PLAIN);
    let held = world.badge().await;
    let reviewed = with_metadata(&world, &requested, |metadata| {
        metadata["vp_formats_supported"] =
            json!({ "dc+sd-jwt": { "kb-jwt_alg_values": ["ES384"] } });
    });
    assert_eq!(reviewed.await.unwrap().choices(&[view(&held)]).unwrap_err(), NothingFits);
    let reviewed = with_metadata(&world, &requested, |metadata| {
        metadata["vp_formats_supported"] = json!({ "mso_mdoc": {} });
    });
    let refused = reviewed.await.unwrap_err();
    assert_eq!(
        (refused.clone(), refused.code()),
        (RequestError::Formats, ErrorCode::VpFormatsNotSupported)
    );
}

#[tokio::test]
async fn nothing_is_answered_that_was_left_out() {
    let world = World::new();
    let query = json!({
        "credentials": [badge_query(&["name"])["credentials"][0]],
        "credential_sets": [{ "options": [["badge"]], "required": false }],
    });
    let requested = world.ask(query, PLAIN);
    let held = world.badge().await;
    let choices = world.review(&requested).await.choices(&[view(&held)]).unwrap();
    let nothing = Selection { options: vec![None], picks: Vec::new() };
    assert!(choices.approve(&nothing).is_err());
}
