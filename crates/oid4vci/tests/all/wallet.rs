use lanyard_core::{
    credential,
    crypto::Curve,
    trust::{IssuerError, IssuerKeys, IssuerTrust},
};
use lanyard_oid4vci::{
    AccessToken, CredentialConfigurationId, Transport, TxCode,
    credential::{CredentialRequest, CredentialResponse},
    offer::{CredentialOffer, OfferError},
    wallet::{
        CheckedOffer, CredentialRefused, Discovery, DiscoveryError, IncomingResponse,
        OfferReference, PendingCredential, RequestRefused, ResponseFault, TokenRefused,
        TxCodeRefused, Unsupported,
    },
};
use serde_json::{Value, json};
use url::Url;

use crate::{
    circle::{agreed, granted, ok},
    fixture::{World, badge, diploma},
};

fn answer(status: u16, body: &[u8]) -> IncomingResponse<'_> {
    IncomingResponse { status, content_type: Some("application/json"), body }
}

fn offer(world: &World) -> CredentialOffer {
    world.offered(None).offer(&world.issuer)
}

/// What a wallet makes of an offer when the issuer's metadata are changed on the way.
pub(crate) fn discover_with(
    world: &World,
    offer: CredentialOffer,
    change: impl FnOnce(&mut Value),
) -> CheckedOffer {
    discover(world, offer, change).expect("the change is fine")
}

fn discover(
    world: &World,
    offer: CredentialOffer,
    change: impl FnOnce(&mut Value),
) -> Result<CheckedOffer, DiscoveryError> {
    let mut metadata =
        serde_json::from_slice(&world.issuer.metadata().to_json()).expect("metadata is JSON");
    change(&mut metadata);
    let discovery = Discovery::new(offer).receive(
        ok(metadata.to_string().as_bytes()),
        world.now,
        &*world.provider,
    )?;
    discovery.receive(ok(&world.issuer.authorization_server_metadata().to_json()))
}

#[test]
fn an_offer_by_reference_is_fetched_as_json_and_nothing_else() {
    let world = World::new();
    let place = Url::parse("https://issuer.example/demo/offers/x").unwrap();
    let body = offer(&world).to_json();
    let receive = |response| OfferReference::new(place.clone()).receive(response, Transport::Https);
    assert_eq!(receive(ok(body.as_bytes())), Ok(offer(&World::new())));
    let jwt = IncomingResponse { content_type: Some("application/jwt"), ..ok(body.as_bytes()) };
    let fault = |fault| Err(DiscoveryError::Unavailable("credential offer", fault));
    assert_eq!(receive(jwt), fault(ResponseFault::ContentType));
    assert_eq!(receive(answer(404, b"{}")), fault(ResponseFault::Status(404)));
    assert_eq!(receive(answer(301, body.as_bytes())), fault(ResponseFault::Status(301)));
    assert_eq!(receive(ok(b"{")), Err(DiscoveryError::Offer(OfferError::Malformed)));
}

#[test]
fn refuses_an_offer_of_what_the_issuer_does_not_have() {
    let world = World::new();
    let mut offer = offer(&world);
    let unknown = CredentialConfigurationId::new("unknown");
    offer.configurations.push(unknown.clone());
    let refused = discover(&world, offer, |_| {}).unwrap_err();
    assert_eq!(refused, DiscoveryError::UnknownConfiguration(unknown));
}

#[test]
fn refuses_an_authorization_server_that_the_issuer_does_not_name() {
    let world = World::new();
    let mut text: Value = serde_json::from_str(&offer(&world).to_json()).unwrap();
    text["grants"]["urn:ietf:params:oauth:grant-type:pre-authorized_code"]["authorization_server"] =
        json!("https://evil.example");
    let offer = CredentialOffer::parse(text.to_string().as_bytes(), Transport::Https).unwrap();
    let refused = discover(&world, offer, |_| {}).unwrap_err();
    assert_eq!(refused, DiscoveryError::ForeignAuthorizationServer);
}

#[test]
fn refuses_an_authorization_server_that_says_it_is_another() {
    let world = World::new();
    let refused = discover(&world, offer(&world), |metadata| {
        metadata["authorization_servers"] = json!(["https://as.example"]);
    });
    assert!(matches!(refused, Err(DiscoveryError::AuthorizationServer(_))));
}

#[test]
fn refuses_an_issuer_that_demands_encryption() {
    let world = World::new();
    let refused = discover(&world, offer(&world), |metadata| {
        metadata["credential_response_encryption"] = json!({
            "alg_values_supported": ["ECDH-ES"], "enc_values_supported": ["A256GCM"],
            "encryption_required": true,
        });
    });
    assert_eq!(refused.unwrap_err(), DiscoveryError::EncryptionRequired);
}

#[test]
fn says_of_each_credential_why_it_cannot_be_taken() {
    let world = World::new();
    let unsupported = |change: fn(&mut Value)| {
        let checked = discover(&world, offer(&world), |metadata| {
            change(&mut metadata["credential_configurations_supported"]["employee_badge"]);
        });
        checked.unwrap().credentials().find_map(|credential| credential.unsupported)
    };
    assert_eq!(unsupported(|_| {}), None);
    let unknown = unsupported(|badge| badge["format"] = json!("vc+sd-jwt"));
    assert_eq!(unknown, Some(Unsupported::Format));
    let mdoc = unsupported(|badge| {
        badge["format"] = json!("mso_mdoc");
        badge["doctype"] = json!("org.iso.18013.5.1.mDL");
        badge["cryptographic_binding_methods_supported"] = json!(["cose_key"]);
    });
    assert_eq!(mdoc, None);
    let attested = unsupported(|badge| {
        badge["proof_types_supported"]["jwt"]["key_attestations_required"] = json!({});
    });
    assert_eq!(attested, Some(Unsupported::KeyAttestation));
    let by_did = unsupported(|badge| {
        badge["cryptographic_binding_methods_supported"] = json!(["did:web"]);
    });
    assert_eq!(by_did, Some(Unsupported::Binding));
    let no_proof = unsupported(|badge| {
        badge.as_object_mut().unwrap().shift_remove("proof_types_supported");
    });
    assert_eq!(no_proof, Some(Unsupported::Binding));
}

#[test]
fn an_offer_without_a_code_cannot_be_redeemed() {
    let world = World::new();
    let mut offer = offer(&world);
    offer.grants = lanyard_oid4vci::offer::Grants::None;
    let checked = discover(&world, offer, |_| {}).unwrap();
    assert_eq!(checked.redeem().unwrap_err(), DiscoveryError::GrantUnsupported);
}

#[test]
fn a_tx_code_that_cannot_be_right_is_not_sent() {
    let world = World::new();
    let wallet = agreed(&world, &world.offered(Some("0123")));
    let refused = |code: Option<&str>| wallet.request(code.map(TxCode::new)).unwrap_err();
    assert_eq!(refused(None), TxCodeRefused::Missing);
    for code in ["123", "012a", "01234", ""] {
        assert_eq!(refused(Some(code)), TxCodeRefused::Form, "{code}");
    }
    assert!(wallet.request(Some(TxCode::new("9999"))).is_ok());
    let wallet = agreed(&world, &world.offered(None));
    let refused = wallet.request(Some(TxCode::new("0123"))).unwrap_err();
    assert_eq!(refused, TxCodeRefused::Unexpected);
}

#[test]
fn a_refused_tx_code_can_be_typed_again() {
    let world = World::new();
    let wallet = agreed(&world, &world.offered(Some("0123")));
    let refused = wallet.receive(answer(400, br#"{"error":"invalid_grant"}"#)).unwrap_err();
    let TokenRefused::TxCode(wallet) = refused else { panic!("the wallet may ask again") };
    assert!(wallet.request(Some(TxCode::new("0123"))).is_ok());
}

#[test]
fn a_token_answer_that_says_nothing_can_be_asked_for_again() {
    let world = World::new();
    for (response, expected) in [
        (answer(503, b""), ResponseFault::Status(503)),
        (answer(200, b"{}"), ResponseFault::Malformed),
        (answer(400, b"<html>"), ResponseFault::Status(400)),
    ] {
        let refused = agreed(&world, &world.offered(None)).receive(response).unwrap_err();
        let TokenRefused::Unavailable(_, fault) = refused else { panic!("it is nobody's no") };
        assert_eq!(fault, expected);
    }
    let refused = agreed(&world, &world.offered(None))
        .receive(answer(400, br#"{"error":"invalid_grant","error_description":"used"}"#));
    let Err(TokenRefused::Refused(error)) = refused else { panic!("the server said no") };
    assert_eq!(error.code, "invalid_grant");
}

#[test]
fn a_token_of_another_type_is_not_used() {
    let world = World::new();
    let with_type = |name: &str| {
        let body = json!({ "access_token": "a", "token_type": name }).to_string();
        agreed(&world, &world.offered(None)).receive(ok(body.as_bytes()))
    };
    assert!(matches!(with_type("DPoP"), Err(TokenRefused::TokenType)));
    assert!(with_type("bearer").is_ok());
}

#[tokio::test]
async fn a_credential_request_is_not_made_when_it_would_be_refused() {
    let world = World::new();
    let (wallet, _) = granted(&world, world.offered(None));
    let nonce = world.issuer.nonce(world.now).c_nonce;
    let refused = async |id: CredentialConfigurationId, keys: usize, nonce| {
        let keys: Vec<_> = (0..keys).map(|_| world.key()).collect();
        wallet.request(&id, &keys, world.showing(nonce)).await.unwrap_err()
    };
    let voucher = CredentialConfigurationId::new("voucher");
    assert_eq!(refused(voucher, 1, Some(&nonce)).await, RequestRefused::NotOffered);
    assert_eq!(refused(badge(), 0, Some(&nonce)).await, RequestRefused::KeyCount);
    assert_eq!(refused(badge(), 21, Some(&nonce)).await, RequestRefused::KeyCount);
    assert_eq!(refused(badge(), 1, None).await, RequestRefused::NonceMissing);
}

#[tokio::test]
async fn a_key_of_an_algorithm_that_the_issuer_does_not_take_is_not_shown() {
    let world = World::new();
    let checked = discover(&world, offer(&world), |metadata| {
        let badges = &mut metadata["credential_configurations_supported"]["employee_badge"];
        badges["proof_types_supported"]["jwt"]["proof_signing_alg_values_supported"] =
            json!(["ES256"]);
    });
    let body = json!({ "access_token": "a", "token_type": "Bearer" }).to_string();
    let wallet = checked.unwrap().redeem().unwrap().receive(ok(body.as_bytes())).unwrap();
    let nonce = world.issuer.nonce(world.now).c_nonce;
    let keys = [world.key_on(Curve::Ed25519)];
    let refused = wallet.request(&badge(), &keys, world.showing(Some(&nonce))).await.unwrap_err();
    assert_eq!(refused, RequestRefused::KeyAlgorithm);
}

/// A request for the badge, and the issuer's answer to it.
async fn answered(world: &World, keys: usize) -> (PendingCredential, CredentialResponse) {
    let (wallet, authorized) = granted(world, world.offered(None));
    let nonce = world.issuer.nonce(world.now).c_nonce;
    let keys: Vec<_> = (0..keys).map(|_| world.key()).collect();
    let pending = wallet
        .request(&badge(), &keys, world.showing(Some(&nonce)))
        .await
        .expect("the request can be made");
    let request = CredentialRequest::parse(pending.request().body.as_bytes());
    let (response, _, _) = authorized
        .accept(request.expect("the wallet writes it well"), &world.issuer, world.now)
        .await
        .expect("the issuer takes it");
    (pending, response)
}

async fn received(
    world: &World,
    pending: &PendingCredential,
    response: &CredentialResponse,
) -> Result<usize, CredentialRefused> {
    let body = serde_json::to_vec(response).expect("a response is JSON");
    Ok(pending.receive(ok(&body), &world.trust(), world.now).await?.len())
}

#[tokio::test]
async fn fewer_credentials_than_keys_are_fine_and_more_are_not() {
    let world = World::new();
    let (pending, mut response) = answered(&world, 2).await;
    let all = response.clone();
    response.credentials.pop();
    assert_eq!(received(&world, &pending, &response).await, Ok(1));
    response.credentials.pop();
    assert_eq!(received(&world, &pending, &response).await, Err(CredentialRefused::Count));
    response.credentials = [all.credentials.clone(), all.credentials].concat();
    assert_eq!(received(&world, &pending, &response).await, Err(CredentialRefused::Count));
}

#[tokio::test]
async fn refuses_a_credential_that_is_bound_to_another_key_or_twice_to_one() {
    let world = World::new();
    let (pending, mut response) = answered(&world, 2).await;
    let (_, other) = answered(&world, 1).await;
    let twice = response.credentials[0].clone();
    assert_eq!(received(&world, &pending, &other).await, Err(CredentialRefused::Key));
    response.credentials[1] = twice;
    assert_eq!(received(&world, &pending, &response).await, Err(CredentialRefused::Key));
}

#[tokio::test]
async fn refuses_a_credential_of_another_type() {
    let world = World::new();
    let (wallet, authorized) = granted(&world, world.offered(None));
    let nonce = world.issuer.nonce(world.now).c_nonce;
    let keys = [world.key()];
    let badge = wallet.request(&badge(), &keys, world.showing(Some(&nonce))).await.unwrap();
    let diploma = wallet.request(&diploma(), &keys, world.showing(Some(&nonce))).await.unwrap();
    let request = CredentialRequest::parse(diploma.request().body.as_bytes()).unwrap();
    let (response, _, _) = authorized.accept(request, &world.issuer, world.now).await.unwrap();
    assert_eq!(received(&world, &badge, &response).await, Err(CredentialRefused::Type));
}

#[tokio::test]
async fn refuses_a_credential_whose_issuer_is_not_believed() {
    let world = World::new();
    let (pending, response) = answered(&world, 1).await;
    let body = serde_json::to_vec(&response).unwrap();
    let nobody = IssuerKeys::new(IssuerTrust::new(), world.provider.clone());
    let refused = pending.receive(ok(&body), &nobody, world.now).await.unwrap_err();
    let not_believed = credential::CredentialRefused::Issuer(IssuerError::NotTrusted);
    assert_eq!(refused, CredentialRefused::Credential(not_believed));
}

#[tokio::test]
async fn refuses_a_credential_that_does_not_verify() {
    let world = World::new();
    let (pending, mut response) = answered(&world, 1).await;
    let text = response.credentials[0].credential.as_str().unwrap();
    let (jwt, rest) = text.split_once('~').unwrap();
    let (signed, _) = jwt.rsplit_once('.').unwrap();
    response.credentials[0].credential = json!(format!("{signed}.{}~{rest}", "A".repeat(86)));
    let refused = received(&world, &pending, &response).await;
    assert!(matches!(refused, Err(CredentialRefused::Credential(_))), "{refused:?}");
    response.credentials[0].credential = json!({});
    assert_eq!(received(&world, &pending, &response).await, Err(CredentialRefused::Form));
}

#[tokio::test]
async fn tells_a_bad_nonce_from_every_other_refusal() {
    let world = World::new();
    let (pending, _) = answered(&world, 1).await;
    let trust = world.trust();
    let refused = async |response| {
        pending.receive(response, &trust, world.now).await.expect_err("it is no credential")
    };
    let nonce = refused(answer(400, br#"{"error":"invalid_nonce"}"#)).await;
    assert_eq!(nonce, CredentialRefused::Nonce);
    let proof = refused(answer(400, br#"{"error":"invalid_proof"}"#)).await;
    let CredentialRefused::Peer(error) = proof else { panic!("the issuer said no") };
    assert_eq!(error.code, "invalid_proof");
    let deferred = refused(answer(202, br#"{"transaction_id":"a","interval":5}"#)).await;
    let CredentialRefused::Deferred(deferred) = deferred else { panic!("it is not ready") };
    assert_eq!((deferred.transaction_id.reveal(), deferred.interval), ("a", 5));
    let fault = refused(answer(500, b"")).await;
    assert_eq!(fault, CredentialRefused::Unavailable(ResponseFault::Status(500)));
}

#[test]
fn an_access_token_does_not_print() {
    assert_eq!(format!("{:?}", AccessToken::new("secret")), "AccessToken");
}
