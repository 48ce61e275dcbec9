//! Scalars: integers modulo the order of the groups of BLS12-381.

use std::fmt;

use crypto_bigint::{U256, const_monty_params, modular::ConstMontyForm};

use super::hash::EXPANDED;
use crate::crypto::Random;

const_monty_params!(
    Order,
    U256,
    "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001",
    "The order of the groups."
);

type Field = ConstMontyForm<Order, { U256::LIMBS }>;

/// The order, to tell what is reduced.
const ORDER: U256 =
    U256::from_be_hex("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001");

/// An integer modulo the order; its arithmetic takes the same time whatever it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Scalar(Field);

impl Scalar {
    /// The length of its encoding.
    pub(super) const LENGTH: usize = 32;

    pub(super) const ONE: Self = Self(Field::ONE);

    /// Reads 32 bytes that are reduced and not zero (draft-irtf-cfrg-bbs-signatures §4.2.4.4).
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::LENGTH] = bytes.try_into().ok()?;
        let integer = U256::from_be_slice(bytes);
        let is_good = integer < ORDER && integer != U256::ZERO;
        is_good.then(|| Self(Field::new(&integer)))
    }

    /// Reduces 48 bytes, which is so much more than the order that nothing can be told from the rest.
    pub(super) fn reduce(bytes: &[u8]) -> Self {
        let mut padded = [0; 64];
        padded[64 - EXPANDED..].copy_from_slice(&bytes[..EXPANDED]);
        let (high, low) = padded.split_at(Self::LENGTH);
        let field = |half: &[u8]| Field::new(&U256::from_be_slice(half));
        // what stands for one in Montgomery form is 2^256, reduced
        let shift = Field::new(Field::ONE.as_montgomery());
        Self(field(high) * shift + field(low))
    }

    /// A random one.
    pub(super) fn random(random: &dyn Random) -> Self {
        let mut bytes = [0; EXPANDED];
        random.fill(&mut bytes);
        Self::reduce(&bytes)
    }

    pub(super) fn encode(&self) -> [u8; Self::LENGTH] {
        let mut bytes = self.little_endian();
        bytes.reverse();
        bytes
    }

    /// As blst takes it.
    pub(super) fn little_endian(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes.copy_from_slice(&self.0.retrieve().to_le_bytes());
        bytes
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        Self(self.0 + other.0)
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        Self(self.0 - other.0)
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        Self(self.0 * other.0)
    }

    pub(super) fn negated(&self) -> Self {
        Self(-self.0)
    }

    /// None of zero alone.
    pub(super) fn inverted(&self) -> Option<Self> {
        self.0.invert().into_option().map(Self)
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Scalar")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_is_modulo_the_order() {
        let minus_one = Scalar::ONE.negated();
        assert_eq!(minus_one.times(&minus_one), Scalar::ONE);
        assert_eq!(minus_one.inverted(), Some(minus_one));
        assert_eq!(Scalar::ONE.minus(&Scalar::ONE).inverted(), None);
        let mut encoded = Scalar::ONE.encode();
        assert_eq!((encoded[31], encoded[0]), (1, 0));
        assert_eq!(Scalar::decode(&encoded), Some(Scalar::ONE));
        encoded[31] = 0;
        assert_eq!(Scalar::decode(&encoded), None, "zero");
        assert_eq!(Scalar::decode(&ORDER.to_be_bytes()), None, "the order");
        assert_eq!(Scalar::decode(&minus_one.encode()), Some(minus_one));
    }

    #[test]
    fn reduction_is_that_of_the_whole_number() {
        // 2^256 as 48 bytes, against 2^255 doubled
        let mut bytes = [0; EXPANDED];
        bytes[15] = 1;
        let mut half = [0; EXPANDED];
        half[16] = 0x80;
        let half = Scalar::reduce(&half);
        assert_eq!(Scalar::reduce(&bytes), half.plus(&half));
    }
}
