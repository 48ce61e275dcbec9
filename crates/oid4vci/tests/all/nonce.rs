use jiff::SignedDuration;
use lanyard_oid4vci::nonce::{NonceError, NonceKey, ProofNonce};

use crate::fixture::{ISSUER, World, issuer_url};

const LIFE: SignedDuration = SignedDuration::from_mins(5);

fn judge(world: &World, nonce: &ProofNonce, key: u8, issuer: &str) -> Result<(), NonceError> {
    let key = NonceKey::new([key; 32]);
    key.verify(nonce, &issuer_url(issuer), LIFE, world.now, &*world.provider)
}

fn issued(world: &World, age: SignedDuration) -> ProofNonce {
    let key = NonceKey::new([7; 32]);
    key.issue(&issuer_url(ISSUER), world.now - age, &*world.provider, &world.random)
}

#[test]
fn a_nonce_is_good_on_every_replica_and_again_until_it_expires() {
    let world = World::new();
    let nonce = issued(&world, LIFE);
    assert_eq!(judge(&world, &nonce, 7, ISSUER), Ok(()));
    assert_eq!(judge(&world, &nonce, 7, ISSUER), Ok(()));
    let ahead = issued(&world, SignedDuration::from_secs(-90));
    assert_eq!(judge(&world, &ahead, 7, ISSUER), Ok(()));
}

#[test]
fn a_nonce_of_another_tenant_or_another_key_is_unknown() {
    let world = World::new();
    let nonce = issued(&world, SignedDuration::ZERO);
    let other = "https://issuer.example/other";
    assert_eq!(judge(&world, &nonce, 7, other), Err(NonceError::Unknown));
    assert_eq!(judge(&world, &nonce, 8, ISSUER), Err(NonceError::Unknown));
}

#[test]
fn a_nonce_is_worth_nothing_after_its_life_or_from_a_far_future() {
    let world = World::new();
    for age in [LIFE + SignedDuration::from_secs(1), SignedDuration::from_secs(-121)] {
        assert_eq!(judge(&world, &issued(&world, age), 7, ISSUER), Err(NonceError::Expired));
    }
}

#[test]
fn no_byte_of_a_nonce_can_be_changed() {
    let world = World::new();
    let nonce = issued(&world, SignedDuration::ZERO);
    for index in 0..nonce.reveal().len() {
        let mut text = nonce.reveal().as_bytes().to_vec();
        text[index] = if text[index] == b'A' { b'B' } else { b'A' };
        let text = ProofNonce::new(String::from_utf8(text).unwrap());
        assert_eq!(judge(&world, &text, 7, ISSUER), Err(NonceError::Unknown), "byte {index}");
    }
    for text in ["", "A", "wKI4LT17ac15ES9bw8ac4", &"A".repeat(10_000)] {
        assert_eq!(judge(&world, &ProofNonce::new(text), 7, ISSUER), Err(NonceError::Unknown));
    }
}

#[test]
fn nonces_do_not_repeat_and_do_not_print() {
    let world = World::new();
    let (one, other) = (issued(&world, SignedDuration::ZERO), issued(&world, SignedDuration::ZERO));
    assert_ne!(one, other);
    assert_eq!(format!("{one:?}"), "ProofNonce");
}
