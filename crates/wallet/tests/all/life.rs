//! Life with credentials: refills, recovery, history, and the holder who is asked first.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use jiff::SignedDuration;
use lanyard_core::credential::Format;
use lanyard_issuer::Deferral;
use lanyard_testkit::test_now;
use lanyard_wallet::{
    ConsentError, InventoryError, KnownStatus, Offer, SoftwareKeys, Standing, StatusWord, Wallet,
    history::Event,
    ports::{NotAuthenticated, Occasion, Ports, UserAuthentication},
};
use serde_json::json;

use crate::{
    login::world,
    world::{Setting, World, query},
};

/// A holder who authenticates, or not.
#[derive(Default)]
struct Holder {
    is_there: AtomicBool,
    asked: AtomicUsize,
}

#[async_trait]
impl UserAuthentication for Holder {
    async fn authenticate(&self, _: Occasion) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.is_there.load(Ordering::Relaxed)
    }
}

async fn request(world: &World, wallet: &Wallet) -> lanyard_wallet::Request {
    let asked = world.ask(query(&[&["given_name"]])).await;
    wallet.read_request(asked.link.as_str()).await.expect("a request")
}

#[tokio::test]
async fn nothing_is_shared_before_the_holder_has_authenticated() {
    let world = World::with_card().await;
    let holder = Arc::new(Holder::default());
    let ports = Ports { user: Some(holder.clone()), ..world.ports.clone() };
    let wallet = Wallet::new(world.settings.clone(), ports, world.storage.clone());
    let request = request(&world, &wallet).await;
    let refused = wallet.authenticate(Occasion::Share).await.unwrap_err();
    assert_eq!(refused, NotAuthenticated);
    holder.is_there.store(true, Ordering::Relaxed);
    let authenticated = wallet.authenticate(Occasion::Share).await.unwrap();
    let picked = request.choices().unwrap().smallest();
    let consent = request.consent(&picked, authenticated).unwrap();
    request.answer(consent).await.unwrap();
    assert_eq!(holder.asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_selection_that_leaves_out_what_is_required_is_no_consent() {
    let world = World::with_card().await;
    let request = request(&world, &world.wallet).await;
    let mut picked = request.choices().unwrap().smallest();
    picked.options[0] = None;
    let authenticated = world.wallet.authenticate(Occasion::Share).await.unwrap();
    let refused = request.consent(&picked, authenticated).unwrap_err();
    assert!(matches!(refused, ConsentError::Selection(_)), "{refused}");
}

#[tokio::test]
async fn a_batch_is_filled_up_when_few_copies_are_left() {
    let world = world().await;
    let login = world.read_login().await.begin().await.unwrap();
    let redirect = world.browse(login.url()).await;
    let card = world.wallet.finish_login(&redirect).await.unwrap()[0];
    assert!(world.wallet.refill(1).await.unwrap().is_empty(), "all copies are unused");
    for _ in 0..2 {
        world.storage.take_copy(card).unwrap().expect("a copy");
    }
    let filled = world.wallet.refill(1).await.unwrap();
    let cards = world.wallet.cards().unwrap();
    assert_eq!(cards.iter().map(|card| card.id).collect::<Vec<_>>(), filled);
    assert_eq!(cards[0].unused_copies, cards[0].copies);
}

#[tokio::test]
async fn a_refill_that_fails_leaves_the_copies_that_are_there_and_the_next_one_works() {
    for (code, status) in [("server_error", 503), ("credential_request_denied", 400), ("", 500)] {
        let world = world().await;
        let login = world.read_login().await.begin().await.unwrap();
        let redirect = world.browse(login.url()).await;
        let card = world.wallet.finish_login(&redirect).await.unwrap()[0];
        for _ in 0..2 {
            world.storage.take_copy(card).unwrap().expect("a copy");
        }
        world.wire.bend(move |url, answered, body| {
            if url.path().ends_with("/credential") {
                *answered = status;
                *body = if code.is_empty() { json!([]) } else { json!({ "error": code }) };
            }
        });
        assert!(world.wallet.refill(1).await.unwrap().is_empty(), "{code}");
        let cards = world.wallet.cards().unwrap();
        assert_eq!((cards[0].id, cards[0].unused_copies), (card, 1), "{code}");
        // the refresh token was replaced on the way: the next one was kept
        world.wire.straighten();
        let filled = world.wallet.refill(1).await.unwrap();
        let cards = world.wallet.cards().unwrap();
        assert_eq!(cards.iter().map(|card| card.id).collect::<Vec<_>>(), filled, "{code}");
        assert_eq!(cards[0].unused_copies, cards[0].copies, "{code}");
        assert!(world.wallet.unfinished().unwrap().is_empty(), "{code}");
    }
}

#[tokio::test]
async fn an_inventory_names_what_was_held_and_has_it_issued_again() {
    let world = world().await;
    let offer = world.offer(false).await;
    world.read(&offer).await.accept(None).await.expect("the offer is accepted");
    let exported = world.wallet.export_inventory().unwrap();
    let readable = String::from_utf8_lossy(&exported.sealed).into_owned();
    let items = world.wallet.open_inventory(&exported.sealed, &exported.recovery_code).unwrap();
    assert_eq!((items.len(), items[0].configuration.as_str()), (1, "badge"));
    assert!(!readable.contains("badge") && !readable.contains(&items[0].issuer));
    let Offer::AuthorizationCode(offer) = world.wallet.ask_again(&items[0]).await.unwrap() else {
        panic!("a login is all that is left")
    };
    let login = offer.begin().await.unwrap();
    let redirect = world.browse(login.url()).await;
    assert_eq!(world.wallet.finish_login(&redirect).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_inventory_does_not_open_with_another_code_or_when_it_was_changed() {
    let world = World::with_card().await;
    let one = world.wallet.export_inventory().unwrap();
    let other = world.wallet.export_inventory().unwrap();
    let open = |sealed: &[u8], code: &str| world.wallet.open_inventory(sealed, code).unwrap_err();
    assert_eq!(open(&one.sealed, &other.recovery_code), InventoryError::Closed);
    assert_eq!(open(&one.sealed[..8], &one.recovery_code), InventoryError::Closed);
    let mut changed = one.sealed.clone();
    changed[20] ^= 1;
    assert_eq!(open(&changed, &one.recovery_code), InventoryError::Closed);
    assert_eq!(open(&one.sealed, "AAAAA"), InventoryError::Code);
}

#[tokio::test]
async fn the_history_is_searched_by_what_a_person_reads() {
    let world = World::with_card().await;
    let request = request(&world, &world.wallet).await;
    request.decline().await.unwrap();
    let found = |text: &str| world.wallet.search_history(text).unwrap().len();
    assert_eq!((found(""), found(" EMPLOYEE "), found("nobody")), (2, 1, 0));
    let exported = world.wallet.export_history().unwrap();
    assert!(exported.contains("\"request_declined\""), "{exported}");
    world.wallet.forget_history().unwrap();
    assert_eq!(found(""), 0);
}

/// The most memory that this process ever had, in KiB.
#[cfg(target_os = "linux")]
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a line of it");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_gibibyte_is_refused_by_its_length_and_nothing_of_it_is_copied() {
    let world = World::with_card().await;
    let wallet = &world.wallet;
    let sealed = wallet.export_inventory().unwrap();
    // the system gives out pages when they are written to, which these never are
    let huge = String::from_utf8(vec![0; 1 << 30]).unwrap();
    let before = most_memory();
    let offer = wallet.read_offer(&huge).await.unwrap_err();
    assert_eq!(offer.code(), "offer_refused");
    let request = wallet.read_request(&huge).await.unwrap_err();
    assert_eq!(request.code(), "request_refused");
    let origin = "https://shop.example";
    let asked = wallet.read_platform_text("openid4vp-v1-unsigned", &huge, origin).await;
    assert_eq!(asked.unwrap_err().code(), "request_refused");
    let asked = wallet.read_platform_requests(&huge, origin).await;
    assert_eq!(asked.unwrap_err().code(), "request_refused");
    let opened = wallet.open_inventory(huge.as_bytes(), &sealed.recovery_code);
    assert_eq!(opened.unwrap_err(), InventoryError::Closed);
    let opened = wallet.open_inventory(&sealed.sealed, &huge);
    assert_eq!(opened.unwrap_err(), InventoryError::Code);
    assert!(wallet.search_history(&huge).unwrap().is_empty());
    let offer = world.read(&world.offer(true).await).await;
    let refused = offer.accept(Some(&huge)).await.unwrap_err();
    assert_eq!(refused.code(), "tx_code_form");
    // other tests run beside; a copy would be twice as much as this
    let grown = most_memory() - before;
    assert!(grown < 512 << 10, "{grown} KiB");
}

#[tokio::test]
async fn who_stops_waiting_keeps_no_key_for_it() {
    let world = World::new().await;
    let offer = world.offer_with(false, Deferral::UntilDecided).await;
    world.read(&offer).await.accept(None).await.expect("the offer is accepted");
    let (id, _) = world.wallet.waiting().unwrap().remove(0);
    assert!(world.wallet.stop_waiting(id).await.unwrap());
    assert!(!world.wallet.stop_waiting(id).await.unwrap());
    assert!(world.wallet.waiting().unwrap().is_empty());
    let entry = world.wallet.history().unwrap().remove(0).1;
    assert_eq!(entry.event, Event::OfferDeclined);
}

#[tokio::test]
async fn a_card_says_how_it_stands() {
    let world = World::with_card().await;
    let card = world.wallet.cards().unwrap().remove(0);
    let end = card.content.expires_at.expect("an end");
    let before = |hours: i64| end - SignedDuration::from_hours(hours);
    assert_eq!(card.standing(before(24 * 30)), Standing::Valid);
    assert_eq!(card.standing(before(24)), Standing::EndsSoon);
    assert_eq!(card.standing(end), Standing::Expired);
}

#[tokio::test]
async fn the_platform_is_told_which_claims_there_are_and_no_value_and_no_card_that_is_of_no_use() {
    let world = World::with_card().await;
    for format in [Format::MsoMdoc, Format::LdpVc] {
        world.take_minted(format).await;
    }
    let registered = world.wallet.registrations().unwrap();
    let kinds: Vec<_> = registered.iter().map(|one| (one.format, one.kind.as_str())).collect();
    let expected =
        [(Format::MsoMdoc, "org.iso.18013.5.1.mDL"), (Format::SdJwtVc, "urn:example:badge")];
    assert_eq!(kinds, expected);
    let paths = |place: usize| {
        let claims = registered[place].claims.iter();
        // disclosures come in no order
        claims.map(|claim| claim.path.join(" ")).collect::<BTreeSet<_>>()
    };
    assert!(paths(0).contains("org.iso.18013.5.1 given_name"), "{:?}", paths(0));
    let all = ["given_name", "family_name", "department", "nationalities"].map(str::to_owned);
    assert_eq!(paths(1), BTreeSet::from(all));
    assert!(registered[1].claims.iter().any(|claim| claim.label == "Given name"));
    assert!(!registered[1].key_identifiers.is_empty());
    assert!(!format!("{registered:?}").contains("Ada"), "{registered:?}");
    let card = registered[1].card;
    let status = KnownStatus { word: StatusWord::Suspended, as_of: test_now(), until: None };
    world.storage.keep_status(card, status).unwrap();
    let left = world.wallet.registrations().unwrap();
    assert!(left.iter().all(|one| one.card != card));
}

#[tokio::test]
async fn software_keys_go_with_a_replaced_card() {
    let world = world().await;
    let login = world.read_login().await.begin().await.unwrap();
    let redirect = world.browse(login.url()).await;
    let card = world.wallet.finish_login(&redirect).await.unwrap()[0];
    let (_, copy) = world.storage.next_copy(card).unwrap().expect("a copy");
    let key = copy.key.expect("a key");
    world.wallet.renew(card).await.unwrap();
    let keys = SoftwareKeys::new(world.storage.clone(), world.ports.crypto.clone());
    use lanyard_wallet::ports::KeyStore as _;
    assert!(keys.signer(&key).await.is_err());
}

/// What the issuer was told about its only offer.
async fn told(world: &World, offer: &lanyard_issuer::OfferCreated) -> Vec<String> {
    let status = world.issuer.offer_status(&world.tenant, offer.id).await.expect("a status");
    let notified = status.trail.into_iter().filter(|event| event.step == "notified");
    notified.filter_map(|event| event.detail).collect()
}

#[tokio::test]
async fn an_issuer_whose_card_was_kept_is_not_told_when_it_is_deleted_later() {
    for deferral in [Deferral::None, Deferral::Seconds(5)] {
        let world = World::new().await;
        let offer = world.offer_with(false, deferral).await;
        world.read(&offer).await.accept(None).await.expect("the offer is accepted");
        world.now.forward(SignedDuration::from_secs(5));
        world.wallet.collect().await.unwrap();
        let card = world.wallet.cards().unwrap()[0].id;
        assert!(world.restarted().delete(card).await.unwrap());
        assert_eq!(told(&world, &offer).await, ["credential_accepted"]);
        assert!(!world.wallet.delete(card).await.unwrap(), "it is gone");
    }
}

#[tokio::test]
async fn an_issuer_is_told_of_a_credential_that_the_holder_stopped_waiting_for_on_its_way() {
    let world = World::new().await;
    let offer = world.offer_with(false, Deferral::Seconds(5)).await;
    world.read(&offer).await.accept(None).await.expect("the offer is accepted");
    let (id, _) = world.wallet.waiting().unwrap().remove(0);
    let other = world.restarted();
    world.wire.bend(move |url, _, _| {
        if url.path().ends_with("/deferred") {
            let stop = other.stop_waiting(id);
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let stopped = std::pin::pin!(stop).poll(&mut context);
            assert!(matches!(stopped, std::task::Poll::Ready(Ok(true))), "nothing to wait for");
        }
    });
    world.now.forward(SignedDuration::from_secs(5));
    assert!(world.wallet.collect().await.unwrap().is_empty());
    assert!(world.wallet.cards().unwrap().is_empty());
    assert_eq!(told(&world, &offer).await, ["credential_deleted"]);
}

#[tokio::test]
async fn the_issuer_is_told_of_credentials_that_the_wallet_refuses() {
    for deferral in [Deferral::None, Deferral::Seconds(5)] {
        let setting = Setting { wallet_trusts_issuer: false, ..Setting::default() };
        let world = World::with(setting).await;
        let offer = world.offer_with(false, deferral).await;
        let _ = world.read(&offer).await.accept(None).await;
        world.now.forward(SignedDuration::from_secs(5));
        world.wallet.collect().await.unwrap();
        assert!(world.wallet.cards().unwrap().is_empty());
        assert_eq!(told(&world, &offer).await, ["credential_failure"]);
    }
}
