//! Our wallet takes credentials from our issuer, message by message.

use std::sync::Arc;

use lanyard_core::claims::ClaimsPath;
use lanyard_core::credential::HeldCredential;
use lanyard_core::crypto::Signer;
use lanyard_oid4vci::{
    Transport,
    credential::CredentialRequest,
    issuer::{Offered, Progress, Sender},
    offer::OfferLink,
    token::TokenRequest,
    wallet::{Discovery, Granted, IncomingResponse, PreAuthorizedOffer, ReceivedCredential},
};
use serde_json::json;

use crate::fixture::{World, badge, diploma};

pub(crate) fn ok(body: &[u8]) -> IncomingResponse<'_> {
    IncomingResponse { status: 200, content_type: Some("application/json; charset=utf-8"), body }
}

/// From a link to the state in which the holder has agreed.
pub(crate) fn agreed(world: &World, offered: &Offered) -> PreAuthorizedOffer {
    let link = OfferLink::ByValue(offered.offer(&world.issuer)).to_link();
    let Ok(OfferLink::ByValue(offer)) = OfferLink::parse(&link, Transport::Https) else {
        unreachable!("the link carries the offer")
    };
    let discovery = Discovery::new(offer);
    let place = "https://issuer.example/.well-known/openid-credential-issuer/demo";
    assert_eq!(discovery.request().url.as_str(), place);
    let metadata = world.issuer.metadata().to_json();
    let discovery = discovery.receive(ok(&metadata), world.now, &*world.provider);
    let discovery = discovery.expect("the issuer is as it says");
    let place = "https://issuer.example/.well-known/oauth-authorization-server/demo";
    assert_eq!(discovery.request().url.as_str(), place);
    let metadata = world.issuer.authorization_server_metadata().to_json();
    let checked = discovery.receive(ok(&metadata)).expect("the server is as it says");
    assert!(checked.credentials().all(|credential| credential.metadata.proof_plan(true).is_ok()));
    checked.redeem().expect("the offer has a code")
}

pub(crate) fn granted(
    world: &World,
    offered: Offered,
) -> (Granted, lanyard_oid4vci::issuer::Authorized) {
    let wallet = agreed(world, &offered);
    let request = wallet.request(None).expect("no tx code is asked for");
    let request = TokenRequest::parse(request.body.as_bytes()).expect("the wallet writes it well");
    let (response, authorized) = offered
        .exchange(request, &Sender::anonymous(), &world.issuer, world.now, &world.random)
        .expect("the code is good");
    let body = serde_json::to_vec(&response).expect("a token response is JSON");
    (wallet.receive(ok(&body)).expect("the response is good"), authorized)
}

#[tokio::test]
async fn a_batch_comes_back_verified_and_mapped_to_its_keys() {
    let world = World::new();
    let (wallet, authorized) = granted(&world, world.offered(None));
    assert_eq!(wallet.most_keys(&badge()), 20);
    assert!(wallet.nonce_request().is_some());
    let nonce = serde_json::to_vec(&world.issuer.nonce(world.now)).unwrap();
    let nonce = wallet.receive_nonce(ok(&nonce)).unwrap();

    let keys: Vec<Arc<dyn Signer>> = (0..3).map(|_| world.key()).collect();
    let pending = wallet.request(&badge(), &keys, world.showing(Some(&nonce))).await.unwrap();
    let request = pending.request();
    assert_eq!(request.url.as_str(), "https://issuer.example/demo/credential");
    assert_eq!(request.authorization.as_ref(), Some(authorized.token()));
    let request = CredentialRequest::parse(request.body.as_bytes()).unwrap();
    let (mut response, issued, progress) =
        authorized.accept(request, &world.issuer, world.now).await.unwrap();
    assert_eq!(issued.copies, 3);

    // issuers answer in any order
    response.credentials.reverse();
    let body = serde_json::to_vec(&response).unwrap();
    let received = pending.receive(ok(&body), &world.trust(), world.now).await.unwrap();
    let order: Vec<_> = received.iter().map(|received| received.key).collect();
    let expected: Vec<_> = keys.iter().rev().map(|key| Some(*key.public_key())).collect();
    assert_eq!(order, expected);
    for ReceivedCredential { credential, .. } in &received {
        let HeldCredential::SdJwtVc(credential) = credential else { panic!("an SD-JWT VC") };
        assert_eq!(credential.vct().as_str(), "urn:example:employee-badge:1");
        assert_eq!(credential.claims().text("given_name"), Ok("Ada"));
        let locality = ClaimsPath::key("workplace").then_key("site");
        assert_eq!(credential.claims().select(&locality).unwrap(), [&json!("Lyon")]);
        let disclosable: Vec<_> = credential.disclosable().cloned().collect();
        assert!(disclosable.contains(&locality));
        assert!(!disclosable.contains(&ClaimsPath::key("employee_id")));
        // times are those of the day
        let issued_at = credential.validity().issued_at.unwrap().as_second();
        assert_eq!(issued_at % 86_400, 0);
    }

    let Progress::Authorized(authorized) = progress else { panic!("the diploma is due") };
    let pending =
        wallet.request(&diploma(), &[world.key()], world.showing(Some(&nonce))).await.unwrap();
    let request = CredentialRequest::parse(pending.request().body.as_bytes()).unwrap();
    let (response, _, progress) =
        authorized.accept(request, &world.issuer, world.now).await.unwrap();
    assert!(matches!(progress, Progress::Issued(_)));
    let body = serde_json::to_vec(&response).unwrap();
    assert_eq!(pending.receive(ok(&body), &world.trust(), world.now).await.unwrap().len(), 1);
}
