//! From the counter of a store to a place in a list: unpredictable, without a list of free places.

use lanyard_core::crypto::{CryptoProvider, MacKey};
use lanyard_store::StatusPlace;

/// Half of the bits of an index.
const HALF: u32 = 10;

/// How many statuses a list has: enough for one to hide among (Token Status List §12.5).
pub(super) const PLACES: u64 = 1 << (2 * HALF);

/// Rounds of the Feistel network, as many as FF1 takes over small domains (NIST SP 800-38G §5.1).
const ROUNDS: u8 = 10;

const PURPOSE: &[u8] = b"lanyard status place 1\0";

/// The key that a tenant's places are drawn with; all replicas share it.
#[derive(Clone)]
pub struct PlaceKey(MacKey);

impl PlaceKey {
    /// Takes 256 random bits.
    pub const fn new(key: [u8; 32]) -> Self {
        Self(MacKey::new(key))
    }

    /// The place of the n-th copy that a tenant issues; no two numbers share one.
    ///
    /// Neighbours in time must not be neighbours in the list (Token Status List §12.5.2), and a place
    /// must never be given twice: a keyed permutation of each list does both, and remembers nothing.
    pub(super) fn place(&self, number: u64, provider: &dyn CryptoProvider) -> Option<StatusPlace> {
        let list = u32::try_from(number / PLACES).ok()?;
        let number = u32::try_from(number % PLACES).ok()?;
        let mask = (1 << HALF) - 1;
        let (mut left, mut right) = (number >> HALF, number & mask);
        for round in 0..ROUNDS {
            (left, right) = (right, left ^ self.mix(list, round, right, provider) & mask);
        }
        Some(StatusPlace { list, index: left << HALF | right })
    }

    fn mix(&self, list: u32, round: u8, half: u32, provider: &dyn CryptoProvider) -> u32 {
        let message = [PURPOSE, &list.to_be_bytes(), &[round], &half.to_be_bytes()].concat();
        let [b0, b1, ..] = self.0.code(&message, provider);
        u32::from(u16::from_be_bytes([b0, b1]))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use lanyard_core::crypto::RustCrypto;

    use super::*;

    #[test]
    fn no_two_numbers_share_a_place() {
        let key = PlaceKey::new([7; 32]);
        let places = (PLACES - 2_000..PLACES + 2_000).map(|number| key.place(number, &RustCrypto));
        let places: HashSet<_> = places.map(Option::unwrap).collect();
        assert_eq!(places.len(), 4_000);
        assert!(places.iter().all(|place| u64::from(place.index) < PLACES && place.list < 2));
    }

    #[test]
    fn neighbours_in_time_are_no_neighbours_in_the_list() {
        let index = |key: [u8; 32], number| {
            i64::from(PlaceKey::new(key).place(number, &RustCrypto).unwrap().index)
        };
        let close = (0..1_000).filter(|n| (index([7; 32], *n) - index([7; 32], n + 1)).abs() < 50);
        assert!(close.count() < 10);
        let alike = (0..1_000).filter(|n| index([7; 32], *n) == index([8; 32], *n)).count();
        assert!(alike < 10, "another key draws other places");
        let alike = (0..1_000).filter(|n| index([7; 32], *n) == index([7; 32], n + PLACES)).count();
        assert!(alike < 10, "and so does another list");
    }

    #[test]
    fn beyond_four_thousand_million_lists_there_is_no_place() {
        assert_eq!(PlaceKey::new([7; 32]).place(u64::MAX, &RustCrypto), None);
    }
}
