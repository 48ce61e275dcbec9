//! What became of cards since the holder last looked.

use lanyard_testkit::test_now;
use lanyard_wallet::{KnownStatus, StatusWord, Wallet};

use crate::world::World;

/// What a list of today says of the only card.
fn say(world: &World, word: StatusWord) {
    let card = world.wallet.cards().expect("cards")[0].id;
    let status = KnownStatus { word, as_of: test_now(), until: None };
    world.storage.keep_status(card, status).expect("kept");
}

fn told(wallet: &Wallet) -> Vec<(StatusWord, StatusWord)> {
    let notices = wallet.notices().expect("notices");
    notices.into_iter().map(|notice| (notice.was, notice.is)).collect()
}

fn see(wallet: &Wallet) {
    wallet.notices_seen(&wallet.notices().expect("notices")).expect("seen");
}

#[tokio::test]
async fn a_card_that_was_revoked_is_told_until_the_holder_saw_it() {
    let world = World::with_card().await;
    assert_eq!(told(&world.wallet), []);
    say(&world, StatusWord::Valid);
    assert_eq!(told(&world.wallet), [], "a good card is no news");
    say(&world, StatusWord::Revoked);
    let news = [(StatusWord::Valid, StatusWord::Revoked)];
    assert_eq!(told(&world.wallet), news);
    assert_eq!(told(&world.restarted()), news, "also after a restart");
    assert_eq!(world.wallet.notices().unwrap()[0].name, "Employee badge");
    see(&world.wallet);
    assert_eq!(told(&world.wallet), []);
    // the next list says the same
    say(&world, StatusWord::Revoked);
    assert_eq!(told(&world.restarted()), []);
}

#[tokio::test]
async fn a_card_that_was_suspended_and_given_back_is_told_both_times() {
    let world = World::with_card().await;
    say(&world, StatusWord::Suspended);
    assert_eq!(told(&world.wallet), [(StatusWord::Valid, StatusWord::Suspended)]);
    see(&world.wallet);
    say(&world, StatusWord::Valid);
    assert_eq!(told(&world.wallet), [(StatusWord::Suspended, StatusWord::Valid)]);
    see(&world.wallet);
    assert_eq!(told(&world.wallet), []);
}

#[tokio::test]
async fn what_came_and_went_before_the_holder_looked_is_no_news() {
    let world = World::with_card().await;
    say(&world, StatusWord::Suspended);
    say(&world, StatusWord::Valid);
    assert_eq!(told(&world.wallet), []);
}

#[tokio::test]
async fn what_changed_while_the_holder_looked_stays_to_be_told() {
    let world = World::with_card().await;
    say(&world, StatusWord::Suspended);
    let shown = world.wallet.notices().unwrap();
    say(&world, StatusWord::Revoked);
    world.wallet.notices_seen(&shown).unwrap();
    assert_eq!(told(&world.wallet), [(StatusWord::Suspended, StatusWord::Revoked)]);
}

#[tokio::test]
async fn what_issuer_and_verifier_agreed_on_is_not_the_holders_news() {
    let world = World::with_card().await;
    say(&world, StatusWord::Other);
    assert_eq!(told(&world.wallet), []);
}

#[tokio::test]
async fn a_card_that_is_gone_is_no_news() {
    let world = World::with_card().await;
    say(&world, StatusWord::Revoked);
    let shown = world.wallet.notices().unwrap();
    world.wallet.delete(shown[0].card).await.unwrap();
    assert_eq!(told(&world.wallet), []);
    world.wallet.notices_seen(&shown).unwrap();
}
