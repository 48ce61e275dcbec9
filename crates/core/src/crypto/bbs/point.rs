//! Points of the groups G1 and G2, and the pairing: the safe part of blst.

use std::{slice, sync::OnceLock};

use blst::{
    MultiPoint as _, blst_fp12, blst_p1, blst_p1_affine, blst_p2_affine,
    min_sig::{AggregateSignature, PublicKey, SecretKey, Signature},
};

use super::scalar::Scalar;

/// The bits of a scalar.
const BITS: usize = 255;

/// A point of G1.
#[derive(Clone, Copy)]
pub(super) struct Point(Signature);

impl Point {
    /// The length of its compressed encoding.
    pub(super) const LENGTH: usize = 48;

    /// Reads a compressed point, on the curve, in the subgroup and not the identity.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let point = Signature::uncompress(bytes).ok().filter(|_| bytes.len() == Self::LENGTH)?;
        point.validate(true).ok().map(|()| Self(point))
    }

    /// RFC 9380, the suite BLS12381G1_XMD:SHA-256_SSWU_RO_.
    pub(super) fn hash(message: &[u8], tag: &[u8]) -> Self {
        Self(one().sign(message, tag, &[]))
    }

    pub(super) fn encode(&self) -> [u8; Self::LENGTH] {
        self.0.compress()
    }

    /// Times a scalar that may be secret.
    pub(super) fn times(&self, scalar: &Scalar) -> Self {
        // of one point blst takes the way that is the same for all scalars
        let product = slice::from_ref(self.affine()).mult(&scalar.little_endian(), BITS);
        Self::from_projective(product)
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let mut sum = AggregateSignature::from_signature(&self.0);
        sum.add_aggregate(&AggregateSignature::from_signature(&other.0));
        Self(sum.to_signature())
    }

    /// The sum of points times scalars; what takes how long tells something about the scalars.
    pub(super) fn sum_of_products(points: &[Self], scalars: &[Scalar]) -> Self {
        let points: Vec<blst_p1_affine> = points.iter().map(|point| *point.affine()).collect();
        let scalars: Vec<u8> = scalars.iter().flat_map(|scalar| scalar.little_endian()).collect();
        Self::from_projective(points.mult(&scalars, BITS))
    }

    fn from_projective(point: blst_p1) -> Self {
        Self(AggregateSignature::from(point).to_signature())
    }

    fn affine(&self) -> &blst_p1_affine {
        (&self.0).into()
    }
}

/// A public key: a point of G2.
#[derive(Clone, Copy)]
pub(super) struct PublicPoint(PublicKey);

impl PublicPoint {
    /// The length of its compressed encoding.
    pub(super) const LENGTH: usize = 96;

    /// Reads a compressed point, on the curve, in the subgroup and not the identity.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let point = PublicKey::uncompress(bytes).ok().filter(|_| bytes.len() == Self::LENGTH)?;
        point.validate().ok().map(|()| Self(point))
    }

    /// That of a secret key; none when it is no scalar, or zero.
    pub(super) fn of_secret(scalar: &[u8]) -> Option<[u8; Self::LENGTH]> {
        SecretKey::from_bytes(scalar).ok().map(|secret| secret.sk_to_pk().compress())
    }

    fn affine(&self) -> &blst_p2_affine {
        (&self.0).into()
    }
}

/// Whether e(one, key) = e(other, G), where G is the generator of G2.
pub(super) fn pairs(one: &Point, key: &PublicPoint, other: &Point) -> bool {
    static GENERATOR: OnceLock<PublicKey> = OnceLock::new();
    let generator = PublicPoint(*GENERATOR.get_or_init(|| self::one().sk_to_pk()));
    let left = blst_fp12::miller_loop(key.affine(), one.affine());
    let right = blst_fp12::miller_loop(generator.affine(), other.affine());
    blst_fp12::finalverify(&left, &right)
}

/// The secret key that changes nothing.
fn one() -> SecretKey {
    let mut bytes = [0; Scalar::LENGTH];
    bytes[Scalar::LENGTH - 1] = 1;
    SecretKey::from_bytes(&bytes).expect("one is a scalar")
}
