//! The points that messages are multiplied with (draft-irtf-cfrg-bbs-signatures §4.1.1).

use std::sync::{Mutex, PoisonError};

use super::{
    hash::{EXPANDED, expand_message},
    point::Point,
    tag,
};
use crate::crypto::CryptoProvider;

/// `P1` of the ciphersuite (§7.2.2).
const P1: [u8; Point::LENGTH] = [
    0xa8, 0xce, 0x25, 0x61, 0x02, 0x84, 0x08, 0x21, 0xa3, 0xe9, 0x4e, 0xa9, 0x02, 0x5e, 0x46, 0x62,
    0xb2, 0x05, 0x76, 0x2f, 0x97, 0x76, 0xb3, 0xa7, 0x66, 0xc8, 0x72, 0xb9, 0x48, 0xf1, 0xfd, 0x22,
    0x5e, 0x7c, 0x59, 0x69, 0x85, 0x88, 0xe7, 0x0d, 0x11, 0x40, 0x6d, 0x16, 0x1b, 0x4e, 0x28, 0xc9,
];

/// The generators that were made so far: they are the same for everybody, and take long to make.
static MADE: Mutex<Made> = Mutex::new(Made { seed: Vec::new(), points: Vec::new() });

struct Made {
    /// What the last one was made from.
    seed: Vec<u8>,
    points: Vec<Point>,
}

/// The generators for a number of messages.
pub(super) struct Generators {
    /// `P1`.
    pub(super) base: Point,
    /// `Q_1`, of the domain.
    pub(super) domain: Point,
    /// `H_1` and so on, one for each message.
    pub(super) messages: Vec<Point>,
}

impl Generators {
    pub(super) fn new(count: usize, provider: &dyn CryptoProvider) -> Self {
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let seed_tag = tag(b"SIG_GENERATOR_SEED_");
        let expand = |seed: &[u8]| expand_message(seed, &seed_tag, EXPANDED, provider);
        if made.points.is_empty() {
            made.seed = expand(&tag(b"MESSAGE_GENERATOR_SEED"));
        }
        let point_tag = tag(b"SIG_GENERATOR_DST_");
        while made.points.len() <= count {
            let number = made.points.len() as u64 + 1;
            let seed = expand(&[&made.seed[..], &number.to_be_bytes()].concat());
            made.points.push(Point::hash(&seed, &point_tag));
            made.seed = seed;
        }
        let base = Point::decode(&P1).expect("the ciphersuite's own point is one");
        let mut points = made.points.iter().take(count + 1).copied();
        let domain = points.next().expect("there is one more than messages");
        Self { base, domain, messages: points.collect() }
    }
}
