//! What goes wrong after the token was had: what may pass is gone on with, and what is refused keeps nothing else.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use lanyard_core::crypto::{Signer, SignerError};
use lanyard_wallet::{
    AcceptError, IssuanceError, Offer, PreAuthorized, Wallet,
    history::Event,
    ports::{KeyAttestation, KeyAttestationUnavailable, KeyHandle, KeyStore, KeyStoreError, Ports},
};
use serde_json::{Value, json};

use crate::{login, world::World};

/// What this wallet has still to get, and then gets.
async fn goes_on(wallet: &Wallet, what: &str) {
    let unfinished = wallet.unfinished().expect("the wallet opens");
    assert_eq!(unfinished.len(), 1, "{what}");
    assert_eq!(unfinished[0].credentials, ["Employee badge"], "{what}");
    assert_eq!(wallet.go_on(unfinished[0].id).await.expect("it goes on").len(), 1, "{what}");
    assert_eq!(wallet.cards().expect("the wallet opens").len(), 1, "{what}");
    assert!(wallet.unfinished().expect("the wallet opens").is_empty(), "{what}");
}

fn kinds(world: &World) -> Vec<(Value, Vec<String>)> {
    let history = world.wallet.history().expect("the wallet opens").into_iter();
    let kind =
        |event: &Event| serde_json::to_value(event).expect("an event is JSON")["kind"].clone();
    history.map(|(_, entry)| (kind(&entry.event), entry.credentials)).collect()
}

#[tokio::test]
async fn a_credential_endpoint_that_is_down_or_turns_away_is_asked_again_later() {
    for status in [503, 429] {
        let world = World::new().await;
        let offer = world.offer(false).await;
        world.wire.turn_away("/credential", status);
        let error = world.read(&offer).await.accept(None).await.unwrap_err();
        assert_eq!(error.code(), "credential_refused", "{status}");
        assert_eq!(world.last_event()["kind"], "issuance_failed", "{status}");
        world.wire.straighten();
        goes_on(&world.wallet, &status.to_string()).await;
    }
}

#[tokio::test]
async fn a_token_endpoint_that_turns_away_says_when_to_come_again_and_costs_no_offer() {
    let world = World::new().await;
    let offer = world.offer(false).await;
    world.wire.turn_away("/token", 429);
    let Err(AcceptError::TryAgain(again, IssuanceError::Answer("token", _), Some(7))) =
        world.read(&offer).await.accept(None).await
    else {
        panic!("to be turned away is not the end of an offer")
    };
    world.wire.straighten();
    assert_eq!(again.accept(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_that_is_no_good_any_more_is_not_gone_on_with() {
    let world = World::new().await;
    let offer = world.offer(false).await;
    world.wire.turn_away("/credential", 401);
    let error = world.read(&offer).await.accept(None).await.unwrap_err();
    assert_eq!(error.code(), "credential_refused");
    assert!(world.wallet.unfinished().unwrap().is_empty());
}

#[tokio::test]
async fn of_two_cards_the_first_that_is_refused_leaves_the_second() {
    let world = World::new().await;
    let offer = world.offer_of_two().await;
    let first = AtomicBool::new(true);
    world.wire.bend(move |url, status, body| {
        if url.path().ends_with("/credential") && first.swap(false, Ordering::Relaxed) {
            *status = 400;
            *body = json!({ "error": "credential_request_denied" });
        }
    });
    assert_eq!(world.read(&offer).await.accept(None).await.unwrap().len(), 1);
    let cards = world.wallet.cards().unwrap();
    assert_eq!(cards.len(), 1);
    assert_eq!(cards[0].content.face.name, "Employee badge");
    assert!(world.wallet.unfinished().unwrap().is_empty());
    let names = |name: &str| vec![name.to_owned()];
    assert_eq!(
        kinds(&world),
        [
            (json!("issuance_failed"), names("Diploma")),
            (json!("received"), names("Employee badge"))
        ]
    );
}

#[tokio::test]
async fn what_came_before_an_outage_is_in_the_history_and_the_rest_is_still_to_come() {
    let world = World::new().await;
    let offer = world.offer_of_two().await;
    let asked = AtomicUsize::new(0);
    world.wire.bend(move |url, status, _| {
        if url.path().ends_with("/nonce") && asked.fetch_add(1, Ordering::Relaxed) == 1 {
            *status = 503;
        }
    });
    world.read(&offer).await.accept(None).await.unwrap_err();
    let names = |name: &str| vec![name.to_owned()];
    assert_eq!(
        kinds(&world),
        [
            (json!("issuance_failed"), names("Employee badge")),
            (json!("received"), names("Diploma"))
        ]
    );
    let unfinished = world.wallet.unfinished().unwrap();
    assert_eq!((unfinished.len(), &unfinished[0].credentials), (1, &names("Employee badge")));
    assert_eq!(world.wallet.go_on(unfinished[0].id).await.unwrap().len(), 1);
    assert_eq!(world.wallet.cards().unwrap().len(), 2);
}

/// Keys whose home is locked, or away.
struct Locked {
    keys: Arc<dyn KeyStore>,
    /// How many more times keys are made.
    left: AtomicUsize,
    /// Whether nothing is signed.
    locked: bool,
}

impl Locked {
    fn ports(world: &World, left: usize, locked: bool) -> (Arc<Self>, Ports) {
        let keys = world.ports.keys.clone();
        let keys = Arc::new(Self { keys, left: AtomicUsize::new(left), locked });
        (keys.clone(), Ports { keys, ..world.ports.clone() })
    }
}

#[async_trait]
impl KeyStore for Locked {
    async fn generate(&self, count: usize) -> Result<Vec<KeyHandle>, KeyStoreError> {
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
        {
            Err(_) => Err(KeyStoreError::Unavailable),
            Ok(_) => self.keys.generate(count).await,
        }
    }

    async fn signer(&self, handle: &KeyHandle) -> Result<Arc<dyn Signer>, KeyStoreError> {
        self.keys.signer(handle).await
    }

    async fn sign_each(
        &self,
        wanted: &[(KeyHandle, Vec<u8>)],
    ) -> Result<Vec<Vec<u8>>, KeyStoreError> {
        match self.locked {
            true => Err(SignerError::NotAuthorised.into()),
            false => self.keys.sign_each(wanted).await,
        }
    }

    async fn delete(&self, handles: &[KeyHandle]) -> Result<(), KeyStoreError> {
        self.keys.delete(handles).await
    }
}

/// Nobody vouches for any key.
struct NoAttestation;

#[async_trait]
impl KeyAttestation for NoAttestation {
    async fn attest(
        &self,
        _: &[KeyHandle],
        _: Option<&str>,
    ) -> Result<String, KeyAttestationUnavailable> {
        Err(KeyAttestationUnavailable)
    }
}

/// Reads an offer of a badge, with these ports.
async fn read_with(world: &World, ports: Ports) -> Box<PreAuthorized> {
    let wallet = Wallet::new(world.settings.clone(), ports, world.storage.clone());
    let offer = world.offer(false).await;
    let Offer::PreAuthorized(offer) =
        wallet.read_offer(&offer.link).await.expect("the offer is read")
    else {
        unreachable!("the offer has a code")
    };
    offer
}

#[tokio::test]
async fn without_a_key_for_the_token_the_offer_is_not_even_begun() {
    let world = login::world().await;
    let (keys, ports) = Locked::ports(&world, 0, false);
    let Err(AcceptError::TryAgain(again, IssuanceError::Keys(_), None)) =
        read_with(&world, ports).await.accept(None).await
    else {
        panic!("a key store that is away is not the end of an offer")
    };
    assert!(!world.wire.paths().iter().any(|path| path.ends_with("/token")));
    keys.left.store(2, Ordering::SeqCst);
    assert_eq!(again.accept(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn keys_that_cannot_be_had_or_used_now_are_asked_for_again_later() {
    for (left, locked, code) in
        [(1, false, "key_store_refused"), (2, true, "credential_request_impossible")]
    {
        let world = login::world().await;
        let (_, ports) = Locked::ports(&world, left, locked);
        let error = read_with(&world, ports).await.accept(None).await.unwrap_err();
        assert_eq!(error.code(), code);
        goes_on(&world.wallet, code).await;
    }
}

#[tokio::test]
async fn keys_that_nobody_vouches_for_now_are_vouched_for_later() {
    let world = World::new().await;
    let ports = Ports { key_attestation: Some(Arc::new(NoAttestation)), ..world.ports.clone() };
    world.wire.bend(|url, _, body| {
        if url.path().contains("openid-credential-issuer") {
            let badge = &mut body["credential_configurations_supported"]["badge"];
            badge["proof_types_supported"]["jwt"]["key_attestations_required"] = json!({});
        }
    });
    let error = read_with(&world, ports).await.accept(None).await.unwrap_err();
    assert_eq!(error.code(), "key_attestation_unavailable");
    assert_eq!(world.wallet.unfinished().unwrap().len(), 1);
}
