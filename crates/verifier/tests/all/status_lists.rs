//! Whom the verifier asks about the status of a credential, and when.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::SignedDuration;
use lanyard_core::status::{
    PublishedStatusList, StatusListSource, StatusListUnavailable, StatusListUri, StatusMechanism,
    StatusReference,
    token_status_list::{
        MEDIA_TYPE_JWT, StatusBits, StatusList, StatusListAggregation, StatusListDraft,
    },
};
use lanyard_testkit::test_now;
use lanyard_verifier::Sources;

use crate::world::{Holder, World, signer};

const URI: &str = "https://issuer.example/statuslists/1";

/// A host with one list, that counts who asks.
#[derive(Default)]
struct Host {
    token: Mutex<String>,
    asked: Mutex<usize>,
}

#[async_trait]
impl StatusListSource for Host {
    async fn list(
        &self,
        _: &StatusListUri,
        _: StatusMechanism,
    ) -> Result<PublishedStatusList, StatusListUnavailable> {
        *self.asked.lock().expect("nobody panicked") += 1;
        let bytes = self.token.lock().expect("nobody panicked").clone().into_bytes();
        Ok(PublishedStatusList { media_type: MEDIA_TYPE_JWT.to_owned(), bytes })
    }

    async fn aggregation(
        &self,
        _: &StatusListUri,
    ) -> Result<StatusListAggregation, StatusListUnavailable> {
        Err(StatusListUnavailable)
    }
}

#[tokio::test]
async fn a_list_is_fetched_ahead_so_that_nobody_is_asked_when_a_credential_is_shown() {
    let host = Arc::new(Host::default());
    let world =
        World::with_sources(Sources { status_lists: Some(host.clone()), ..Sources::default() });
    let uri = StatusListUri::parse(URI).unwrap();
    let list = StatusList::new(StatusBits::One, 8).unwrap();
    let issuer = world.trusted_issuer();
    let token = StatusListDraft::new(&uri, &list, test_now())
        .with_ttl(SignedDuration::from_secs(300))
        .with_x5c(&issuer.chain)
        .sign_jwt(&signer(&issuer.key))
        .await;
    *host.token.lock().unwrap() = token.unwrap();
    let status = StatusReference::TokenStatusList { uri, index: 7 };
    let asked = || *host.asked.lock().unwrap();

    let passes = async || {
        let request = world.ask_for_name().await;
        let holder = Holder::of(&world, world.badge_with_status(&status).await);
        assert_eq!(world.post(&holder.answer(&request).await).await.status, 200);
        assert_eq!(world.status(&request).await["state"], "verified");
    };
    passes().await;
    assert_eq!(asked(), 1);

    let ahead = SignedDuration::from_secs(45);
    assert_eq!(world.service.refresh_status_lists(ahead).await, 0, "the list is fresh");
    world.clock.forward(SignedDuration::from_secs(290));
    assert_eq!(world.service.refresh_status_lists(ahead).await, 1);
    assert_eq!(asked(), 2);
    world.clock.forward(SignedDuration::from_secs(20));
    passes().await;
    assert_eq!(asked(), 2, "the copy that was fetched ahead is fresh");
}
