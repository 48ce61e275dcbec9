//! The PIN: what counts, what waits, and what no restart forgets.

use std::sync::Arc;

use jiff::SignedDuration;
use lanyard_wallet::{PinRefused, Wallet, storage::Form};

use crate::world::{Setting, World};

const PIN: &str = "482916";

async fn with_pin() -> World {
    let world = World::new().await;
    world.wallet.set_pin(PIN, None).expect("a PIN");
    world
}

/// Seconds to wait after a try with the wrong PIN.
fn wrong(wallet: &Wallet) -> u64 {
    match wallet.try_pin("111222") {
        Err(PinRefused::Wrong { wait }) => wait,
        other => unreachable!("it was not judged: {other:?}"),
    }
}

fn is_locked(wallet: &Wallet, pin: &str) -> Option<u64> {
    match wallet.try_pin(pin) {
        Err(PinRefused::Locked { wait }) => Some(wait),
        _ => None,
    }
}

#[tokio::test]
async fn who_knows_the_pin_is_authenticated() {
    let world = with_pin().await;
    assert!(world.wallet.has_pin().unwrap());
    assert!(world.wallet.try_pin(PIN).is_ok());
}

#[tokio::test]
async fn what_is_longer_than_any_pin_is_a_wrong_one() {
    let world = with_pin().await;
    let refused = world.wallet.try_pin(&"4".repeat(64 << 20));
    assert!(matches!(refused, Err(PinRefused::Wrong { wait: 0 })));
}

#[tokio::test]
async fn without_a_pin_none_is_right() {
    let world = World::new().await;
    assert!(!world.wallet.has_pin().unwrap());
    assert!(matches!(world.wallet.try_pin(PIN), Err(PinRefused::NotSet)));
}

#[tokio::test]
async fn from_the_third_wrong_try_on_each_makes_the_next_wait_longer() {
    let world = with_pin().await;
    let mut waits = Vec::new();
    for _ in 0..6 {
        let wait = wrong(&world.wallet);
        waits.push(wait);
        world.now.forward(SignedDuration::from_secs(i64::try_from(wait).unwrap()));
    }
    assert_eq!(waits, [0, 0, 30, 90, 300, 300]);
}

#[tokio::test]
async fn while_it_waits_even_the_right_pin_is_not_looked_at() {
    let world = with_pin().await;
    for _ in 0..3 {
        wrong(&world.wallet);
    }
    assert_eq!(is_locked(&world.wallet, PIN), Some(30));
    world.now.forward(SignedDuration::from_secs(29));
    assert_eq!(is_locked(&world.wallet, PIN), Some(1));
    assert_eq!(world.wallet.pin_wait().unwrap(), 1);
    world.now.forward(SignedDuration::from_secs(1));
    assert!(world.wallet.try_pin(PIN).is_ok());
    assert_eq!(wrong(&world.wallet), 0, "the right PIN begins the count anew");
}

#[tokio::test]
async fn a_restart_forgets_no_wrong_try() {
    let world = with_pin().await;
    for _ in 0..3 {
        wrong(&world.wallet);
    }
    let again = world.reopened().await;
    assert_eq!(is_locked(&again, PIN), Some(30));
}

#[tokio::test]
async fn a_clock_that_is_set_back_waits_from_the_beginning() {
    let world = with_pin().await;
    for _ in 0..3 {
        wrong(&world.wallet);
    }
    world.now.forward(SignedDuration::from_hours(-24));
    assert_eq!(is_locked(&world.wallet, PIN), Some(30));
    world.now.forward(SignedDuration::from_secs(30));
    assert!(world.wallet.try_pin(PIN).is_ok(), "and not until the old time comes again");
}

#[tokio::test]
async fn another_pin_is_set_by_who_knows_the_present_one() {
    let world = with_pin().await;
    assert!(matches!(world.wallet.set_pin("739105", None), Err(PinRefused::Wrong { .. })));
    assert!(matches!(
        world.wallet.set_pin("739105", Some("000111")),
        Err(PinRefused::Wrong { .. })
    ));
    world.wallet.set_pin("739105", Some(PIN)).unwrap();
    assert!(matches!(world.wallet.try_pin(PIN), Err(PinRefused::Wrong { .. })));
    assert!(world.wallet.try_pin("739105").is_ok());
    assert!(world.wallet.remove_pin(PIN).is_err() && world.wallet.has_pin().unwrap());
    world.wallet.remove_pin("739105").unwrap();
    assert!(!world.wallet.has_pin().unwrap());
}

#[tokio::test]
async fn what_is_no_pin_or_guessed_at_once_is_not_taken() {
    let world = World::new().await;
    for pin in ["", "12345", "1234567890123", "48291a", "４８２９１６"] {
        assert!(matches!(world.wallet.set_pin(pin, None), Err(PinRefused::Form)), "{pin}");
    }
    for pin in ["000000", "123456", "987654"] {
        assert!(matches!(world.wallet.set_pin(pin, None), Err(PinRefused::Easy)), "{pin}");
    }
    assert!(!world.wallet.has_pin().unwrap());
}

#[tokio::test]
async fn the_pin_is_in_no_file_in_the_clear() {
    for form in [Form::Sqlite, Form::Journal] {
        let world = World::with(Setting { form, ..Setting::default() }).await;
        world.wallet.set_pin(PIN, None).unwrap();
        wrong(&world.wallet);
        for file in std::fs::read_dir(world.folder()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(!bytes.windows(PIN.len()).any(|part| part == PIN.as_bytes()));
        }
    }
}

#[tokio::test]
async fn tries_at_once_are_each_counted() {
    let world = Arc::new(with_pin().await);
    let tries = (0..8).map(|_| {
        let world = world.clone();
        tokio::task::spawn_blocking(move || {
            matches!(world.wallet.try_pin("111222"), Err(PinRefused::Wrong { .. }))
        })
    });
    let mut judged = 0;
    for one in tries.collect::<Vec<_>>() {
        judged += usize::from(one.await.unwrap());
    }
    assert_eq!(judged, 3, "the third locks, whoever else is trying");
}

#[tokio::test]
async fn of_many_who_set_the_first_pin_at_once_one_does() {
    let world = Arc::new(World::new().await);
    let pins = ["739105", "482916", "860413", "295738", "604182", "917350", "351947", "708264"];
    let set = pins.map(|pin| {
        let world = world.clone();
        tokio::task::spawn_blocking(move || world.wallet.set_pin(pin, None).is_ok())
    });
    let mut done = 0;
    for one in set {
        done += usize::from(one.await.unwrap());
    }
    assert_eq!(done, 1, "whoever comes after has to know it");
}
