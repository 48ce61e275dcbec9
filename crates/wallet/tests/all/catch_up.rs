//! What is due when the app opens.

use jiff::SignedDuration;
use lanyard_issuer::Deferral;

use crate::{login, world::World};

#[tokio::test]
async fn everything_that_is_due_is_done_at_once() {
    let world = login::world().await;
    // a batch that runs out, something deferred, and something interrupted
    let begun = world.read_login().await.begin().await.unwrap();
    let redirect = world.browse(begun.url()).await;
    let card = world.wallet.finish_login(&redirect).await.unwrap()[0];
    for _ in 0..2 {
        world.storage.take_copy(card).unwrap().expect("a copy");
    }
    let deferred = world.offer_with(false, Deferral::Seconds(5)).await;
    assert!(world.read(&deferred).await.accept(None).await.unwrap().is_empty());
    let offer = world.offer(false).await;
    world.wire.turn_away("/credential", 503);
    world.read(&offer).await.accept(None).await.unwrap_err();
    world.wire.straighten();
    world.now.forward(SignedDuration::from_secs(5));

    let came = world.wallet.catch_up(1).await.unwrap();
    let cards = world.wallet.cards().unwrap();
    assert_eq!((came.len(), cards.len()), (3, 3));
    assert!(cards.iter().all(|one| came.contains(&one.id) && one.unused_copies == 3));
    assert!(world.wallet.unfinished().unwrap().is_empty());
    assert!(world.wallet.waiting().unwrap().is_empty());
}

#[tokio::test]
async fn a_network_that_is_away_is_no_failure() {
    let world = World::new().await;
    let offer = world.offer(false).await;
    world.wire.turn_away("/credential", 503);
    world.read(&offer).await.accept(None).await.unwrap_err();
    assert!(world.wallet.catch_up(1).await.unwrap().is_empty());
    assert_eq!(world.wallet.unfinished().unwrap().len(), 1);
}
