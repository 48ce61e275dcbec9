//! Taking credentials: from a real issuer, and from one that misbehaves.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use jiff::SignedDuration;
use lanyard_wallet::{
    AcceptError, HardwareKey, HardwareKeys, IssuanceError, KeyHome, Offer, Wallet,
    ports::{KeyHandle, KeyStoreError, Ports},
};
use serde_json::{Value, json};

use crate::world::{Setting, World};

#[tokio::test]
async fn stores_one_card_with_a_key_for_each_copy() {
    let world = World::with_card().await;
    let cards = world.wallet.cards().unwrap();
    assert_eq!(cards.len(), 1);
    assert_eq!((cards[0].copies, cards[0].unused_copies), (3, 3));
    let content = &cards[0].content;
    assert_eq!(content.face.name, "Employee badge");
    assert_eq!(content.issuer_identity, "Alder & Finch");
    assert_eq!(content.claims["given_name"], "Ada");
    let keys: Vec<_> =
        (0..3).map(|_| world.storage.take_copy(cards[0].id).unwrap().unwrap().1.key).collect();
    assert!(keys.iter().all(Option::is_some));
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
    assert_eq!(world.last_event()["kind"], "received");
}

#[tokio::test]
async fn sends_nothing_to_the_issuer_before_the_holder_agrees() {
    let world = World::new().await;
    let offer = world.offer(false).await;
    world.read(&offer).await.decline();
    let paths = world.wire.paths();
    let sent = |path: &String| path.ends_with("/token") || path.ends_with("/credential");
    assert!(!paths.iter().any(sent), "{paths:?}");
    assert!(world.wallet.cards().unwrap().is_empty());
    assert_eq!(world.last_event()["kind"], "offer_declined");
}

#[tokio::test]
async fn a_wrong_tx_code_costs_a_try_and_keeps_the_offer() {
    let world = World::new().await;
    let created = world.offer(true).await;
    let right = created.tx_code.clone().unwrap().reveal().to_owned();
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let offer = world.read(&created).await;
    assert!(offer.review().tx_code.is_some());
    let Err(AcceptError::TxCodeWrong(offer)) = offer.accept(Some(wrong)).await else {
        panic!("a wrong code was taken")
    };
    offer.accept(Some(&right)).await.unwrap();
    assert_eq!(world.wallet.cards().unwrap().len(), 1);
}

#[tokio::test]
async fn a_tx_code_that_cannot_be_right_is_not_sent() {
    let world = World::new().await;
    let created = world.offer(true).await;
    for impossible in [None, Some(""), Some("12"), Some("abcdef"), Some("１２３４５６")] {
        let offer = world.read(&created).await;
        let refused = offer.accept(impossible).await.unwrap_err();
        assert_eq!(refused.code(), "tx_code_form", "{impossible:?}");
    }
    assert!(!world.wire.paths().iter().any(|path| path.ends_with("/token")));
}

#[tokio::test]
async fn believes_no_issuer_without_an_anchor_and_stores_nothing() {
    let world = World::with(Setting { wallet_trusts_issuer: false, ..Setting::default() }).await;
    let offer = world.offer(false).await;
    let refused = world.read(&offer).await.accept(None).await.unwrap_err();
    assert_eq!(refused.code(), "credential_refused");
    assert!(refused.to_string().contains("trust"), "{refused}");
    assert!(world.wallet.cards().unwrap().is_empty());
    assert_eq!(world.last_event()["code"], "credential_refused");
}

#[tokio::test]
async fn compares_the_issuer_identifier_byte_by_byte() {
    for other in
        ["http://localhost:7077/demo/", "http://LOCALHOST:7077/demo", "http://localhost:7077/other"]
    {
        let world = World::new().await;
        let offer = world.offer(false).await;
        world.wire.bend(move |url, _, body| {
            if url.path().contains("openid-credential-issuer") {
                body["credential_issuer"] = other.into();
            }
        });
        let refused = world.wallet.read_offer(&offer.link).await.unwrap_err();
        assert_eq!(refused.code(), "issuer_metadata_refused", "{other}");
    }
}

#[tokio::test]
async fn refuses_an_authorization_server_that_calls_itself_another() {
    let world = World::new().await;
    let offer = world.offer(false).await;
    world.wire.bend(|url, _, body| {
        if url.path().contains("oauth-authorization-server") {
            body["issuer"] = "http://localhost:7077/other".into();
        }
    });
    let refused = world.wallet.read_offer(&offer.link).await.unwrap_err();
    assert_eq!(refused.code(), "issuer_metadata_refused");
}

#[tokio::test]
async fn maps_credentials_to_keys_whatever_their_order() {
    let world = World::new().await;
    let offer = world.offer(false).await;
    world.wire.bend(|url, _, body| {
        if url.path().ends_with("/credential") {
            body["credentials"].as_array_mut().expect("credentials").reverse();
        }
    });
    world.read(&offer).await.accept(None).await.unwrap();
    assert_eq!(world.wallet.cards().unwrap()[0].copies, 3);
}

#[tokio::test]
async fn keeps_fewer_copies_when_the_issuer_gives_fewer() {
    let world = World::new().await;
    let offer = world.offer(false).await;
    world.wire.bend(|url, _, body| {
        if url.path().ends_with("/credential") {
            body["credentials"].as_array_mut().expect("credentials").truncate(1);
        }
    });
    world.read(&offer).await.accept(None).await.unwrap();
    assert_eq!(world.wallet.cards().unwrap()[0].copies, 1);
}

#[tokio::test]
async fn refuses_a_response_in_which_one_credential_was_changed() {
    let world = World::new().await;
    let offer = world.offer(false).await;
    world.wire.bend(|url, _, body| {
        if url.path().ends_with("/credential") {
            let credential = &mut body["credentials"][1]["credential"];
            let changed = credential.as_str().expect("text").replacen('~', "A~", 1);
            *credential = changed.into();
        }
    });
    let refused = world.read(&offer).await.accept(None).await.unwrap_err();
    assert_eq!(refused.code(), "credential_refused");
    assert!(world.wallet.cards().unwrap().is_empty());
}

#[tokio::test]
async fn asks_again_when_the_issuer_wants_another_nonce() {
    let world = World::new().await;
    let offer = world.offer(false).await;
    let once = std::sync::atomic::AtomicBool::new(true);
    world.wire.bend(move |url, _, body| {
        let first = || once.swap(false, std::sync::atomic::Ordering::Relaxed);
        if url.path().ends_with("/nonce") && first() {
            body["c_nonce"] = "stale".into();
        }
    });
    world.read(&offer).await.accept(None).await.unwrap();
    let nonces = world.wire.paths().iter().filter(|path| path.ends_with("/nonce")).count();
    assert_eq!(nonces, 2);
}

#[tokio::test]
async fn gives_the_offer_back_when_the_token_endpoint_has_no_answer() {
    let world = World::new().await;
    let offer = world.offer(false).await;
    let offer = world.read(&offer).await;
    world.wire.bend(|url, status, body| {
        // the answer that gets lost is the one with the token, not the one that asks for a nonce
        if url.path().ends_with("/token") && body.get("access_token").is_some() {
            *status = 503;
        }
    });
    let Err(AcceptError::TryAgain(again, IssuanceError::Answer("token", _), Some(7))) =
        offer.accept(None).await
    else {
        panic!("an outage is not the end of an offer")
    };
    world.wire.straighten();
    // the code was used by the request whose answer got lost: the issuer says so, nothing hangs
    let refused = again.accept(None).await.unwrap_err();
    assert_eq!(refused.code(), "token_refused");
}

#[tokio::test]
async fn says_what_the_issuer_said_when_an_offer_has_expired() {
    let world = World::new().await;
    let offer = world.offer(false).await;
    let offer = world.read(&offer).await;
    world.now.forward(SignedDuration::from_mins(11));
    let refused = offer.accept(None).await.unwrap_err();
    assert_eq!(refused.code(), "token_refused");
    assert!(refused.to_string().contains("invalid_grant"), "{refused}");
    assert!(matches!(world.last_event(), Value::Object(event) if event["code"] == "token_refused"));
}

#[tokio::test]
async fn refuses_what_is_not_an_offer_and_keeps_it_in_the_history() {
    let world = World::new().await;
    for link in ["", "https://localhost/", "openid-credential-offer://?credential_offer={}"] {
        let refused = world.wallet.read_offer(link).await.unwrap_err();
        assert_eq!(refused.code(), "offer_refused", "{link:?}");
        assert_eq!(world.last_event()["kind"], json!("issuance_failed"));
    }
    assert!(world.wire.paths().is_empty());
}

#[tokio::test]
async fn an_issuer_that_signs_its_metadata_is_shown_as_vouched_for() {
    for (required, is_signed) in [(None, false), (Some(false), true), (Some(true), true)] {
        let world = World::with(Setting { signed_metadata: required, ..Setting::default() }).await;
        let offer = world.offer(false).await;
        let offer = world.read(&offer).await;
        assert_eq!(offer.review().signed, is_signed);
        offer.accept(None).await.unwrap();
    }
}

#[tokio::test]
async fn metadata_signed_by_a_stranger_are_refused_and_nothing_is_asked_for() {
    let setting =
        Setting { signed_metadata: Some(false), wallet_trusts_issuer: false, ..Setting::default() };
    let world = World::with(setting).await;
    let offer = world.offer(false).await;
    let refused = world.wallet.read_offer(&offer.link).await.unwrap_err();
    assert_eq!(refused.code(), "issuer_metadata_refused");
    assert!(!world.wire.paths().iter().any(|path| path.ends_with("/token")));
    assert_eq!(world.last_event()["kind"], "issuance_failed");
}

/// Hardware that counts how many sign at once.
struct Counted {
    keys: Arc<dyn lanyard_wallet::ports::KeyStore>,
    batches: AtomicUsize,
    in_batches: AtomicUsize,
}

#[async_trait]
impl KeyHome for Counted {
    async fn generate(&self, count: u32) -> Result<Vec<HardwareKey>, KeyStoreError> {
        let mut made = Vec::new();
        for handle in self.keys.generate(count as usize).await? {
            let public_key = self.public_key(&handle).await?;
            made.push(HardwareKey { handle, public_key });
        }
        Ok(made)
    }

    async fn public_key(&self, handle: &KeyHandle) -> Result<Vec<u8>, KeyStoreError> {
        let signer = self.keys.signer(handle).await?;
        Ok(signer.public_key().to_uncompressed())
    }

    async fn sign(&self, handle: &KeyHandle, message: &[u8]) -> Result<Vec<u8>, KeyStoreError> {
        Ok(self.keys.signer(handle).await?.sign(message).await?)
    }

    async fn sign_each(
        &self,
        wanted: &[(KeyHandle, Vec<u8>)],
    ) -> Result<Vec<Vec<u8>>, KeyStoreError> {
        self.batches.fetch_add(1, Ordering::SeqCst);
        self.in_batches.fetch_add(wanted.len(), Ordering::SeqCst);
        self.keys.sign_each(wanted).await
    }

    async fn delete(&self, handles: &[KeyHandle]) -> Result<(), KeyStoreError> {
        self.keys.delete(handles).await
    }
}

#[tokio::test]
async fn the_keys_of_a_whole_batch_sign_in_one_call() {
    let world = World::new().await;
    let home = Arc::new(Counted {
        keys: world.ports.keys.clone(),
        batches: AtomicUsize::new(0),
        in_batches: AtomicUsize::new(0),
    });
    let ports = Ports { keys: Arc::new(HardwareKeys::new(home.clone())), ..world.ports.clone() };
    let wallet = Wallet::new(world.settings.clone(), ports, world.storage.clone());
    let offer = world.offer(false).await;
    let Offer::PreAuthorized(offer) = wallet.read_offer(&offer.link).await.unwrap() else {
        unreachable!("the offer has a code")
    };
    offer.accept(None).await.unwrap();
    assert_eq!(wallet.cards().unwrap()[0].copies, 3);
    let count = |counter: &AtomicUsize| counter.load(Ordering::SeqCst);
    assert_eq!((count(&home.batches), count(&home.in_batches)), (1, 3));
}
