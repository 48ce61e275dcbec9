//! Waiting for what an issuer has not ready.

use jiff::SignedDuration;
use lanyard_issuer::Deferral;

use crate::world::World;

async fn accepted(deferral: Deferral) -> (World, lanyard_issuer::OfferCreated) {
    let world = World::new().await;
    let offer = world.offer_with(false, deferral).await;
    let stored = world.read(&offer).await.accept(None).await.expect("the offer is accepted");
    assert!(stored.is_empty());
    assert_eq!(world.last_event()["kind"], "deferred");
    (world, offer)
}

#[tokio::test]
async fn what_is_deferred_is_collected_when_its_time_has_come_and_not_before() {
    let (world, offer) = accepted(Deferral::Seconds(12)).await;
    let asked = || world.wire.paths().iter().filter(|path| path.ends_with("/deferred")).count();
    assert!(world.wallet.collect().await.unwrap().is_empty());
    assert_eq!(asked(), 0, "the interval of the issuer is kept");
    let waiting = world.wallet.waiting().unwrap();
    assert_eq!((waiting.len(), waiting[0].1.face.name.as_str()), (1, "Employee badge"));
    for _ in 0..2 {
        world.now.forward(SignedDuration::from_secs(5));
        assert!(world.wallet.collect().await.unwrap().is_empty());
    }
    assert_eq!(asked(), 2);
    // another process, another day: everything is in the database
    let reopened = world.reopened().await;
    world.now.forward(SignedDuration::from_secs(5));
    let came = reopened.collect().await.unwrap();
    assert_eq!(came.len(), 1);
    let cards = reopened.cards().unwrap();
    assert_eq!((cards[0].copies, cards[0].content.claims["given_name"].as_str()), (3, Some("Ada")));
    assert!(reopened.waiting().unwrap().is_empty());
    assert_eq!(world.last_event()["kind"], "received");
    // and the issuer was told
    let status = world.issuer.offer_status(&world.tenant, offer.id).await.unwrap();
    let last = status.trail.last().unwrap();
    assert_eq!((&*last.step, last.detail.as_deref()), ("notified", Some("credential_accepted")));
}

#[tokio::test]
async fn a_denial_ends_the_waiting_and_an_outage_does_not() {
    let (world, offer) = accepted(Deferral::UntilDecided).await;
    world.now.forward(SignedDuration::from_secs(5));
    world.wire.bend(|url, status, _| {
        if url.path().ends_with("/deferred") {
            *status = 503;
        }
    });
    assert!(world.wallet.collect().await.unwrap().is_empty());
    assert_eq!(world.wallet.waiting().unwrap().len(), 1);
    world.wire.straighten();
    let deny = lanyard_oid4vci::issuer::Decision::Deny;
    world.issuer.decide_deferral(&world.tenant, offer.id, deny).await.unwrap();
    world.now.forward(SignedDuration::from_secs(30));
    assert!(world.wallet.collect().await.unwrap().is_empty());
    assert!(world.wallet.waiting().unwrap().is_empty());
    assert!(world.wallet.cards().unwrap().is_empty());
    assert_eq!(world.last_event()["code"], "credential_refused");
}

#[tokio::test]
async fn to_be_turned_away_ends_no_waiting_and_is_asked_again_when_the_issuer_says() {
    let (world, _) = accepted(Deferral::Seconds(5)).await;
    world.now.forward(SignedDuration::from_secs(5));
    world.wire.turn_away("/deferred", 429);
    assert!(world.wallet.collect().await.unwrap().is_empty());
    assert_eq!(world.wallet.waiting().unwrap().len(), 1);
    world.wire.straighten();
    world.now.forward(SignedDuration::from_secs(6));
    assert!(world.wallet.collect().await.unwrap().is_empty());
    world.now.forward(SignedDuration::from_secs(1));
    assert_eq!(world.wallet.collect().await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_collected_the_next_time() {
    let (world, offer) = accepted(Deferral::Seconds(5)).await;
    world.now.forward(SignedDuration::from_secs(5));
    // the issuer gives the credential out, and it does not arrive
    world.wire.bend(|url, status, _| {
        if url.path().ends_with("/deferred") {
            *status = 503;
        }
    });
    assert!(world.wallet.collect().await.unwrap().is_empty());
    world.wire.straighten();
    world.now.forward(SignedDuration::from_secs(30));
    assert_eq!(world.wallet.collect().await.unwrap().len(), 1);
    let status = world.issuer.offer_status(&world.tenant, offer.id).await.unwrap();
    assert_eq!(status.credentials.len(), 1, "it was issued once");
    let trail: Vec<_> = status.trail.iter().map(|event| &*event.step).collect();
    assert!(
        trail.ends_with(&["credential_issued", "credential_repeated", "notified"]),
        "{trail:?}"
    );
}

#[tokio::test]
async fn the_issuer_is_told_when_a_credential_was_stored() {
    let world = World::with_card().await;
    assert!(world.wire.paths().last().unwrap().ends_with("/notification"));
}
