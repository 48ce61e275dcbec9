//! Keys as plain values; the provider decides what to do with them.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::Curve;

/// The affine coordinates of a point, big-endian, of `N` bytes each.
///
/// Whether the point is on its curve is found out by the provider at first use; no signature
/// verifies and no secret is agreed with a point that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EcPoint<const N: usize> {
    /// The x coordinate.
    pub x: [u8; N],
    /// The y coordinate.
    pub y: [u8; N],
}

/// A public key for signatures or key agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PublicKey {
    /// A point on P-256.
    P256(EcPoint<32>),
    /// A point on P-384.
    P384(EcPoint<48>),
    /// A compressed Edwards point (RFC 8032 §5.1.5).
    Ed25519([u8; 32]),
    /// A point on secp256k1.
    Secp256k1(EcPoint<32>),
    /// The u coordinate of a Montgomery point (RFC 7748 §5), for key agreement alone.
    X25519([u8; 32]),
    /// A compressed point of the group G2 of BLS12-381, for `bbs-2023` alone.
    Bls12381G2([u8; 96]),
}

impl PublicKey {
    /// The curve the key lives on.
    pub const fn curve(&self) -> Curve {
        match self {
            Self::P256(_) => Curve::P256,
            Self::P384(_) => Curve::P384,
            Self::Ed25519(_) => Curve::Ed25519,
            Self::Secp256k1(_) => Curve::Secp256k1,
            Self::X25519(_) => Curve::X25519,
            Self::Bls12381G2(_) => Curve::Bls12381G2,
        }
    }

    /// Reads the `0x04 || x || y` form of SEC 1 §2.3.3, or the 32 bytes of Ed25519 and X25519.
    pub fn from_uncompressed(curve: Curve, bytes: &[u8]) -> Option<Self> {
        match curve {
            Curve::P256 => uncompressed(bytes).map(Self::P256),
            Curve::P384 => uncompressed(bytes).map(Self::P384),
            Curve::Ed25519 => bytes.try_into().ok().map(Self::Ed25519),
            Curve::Secp256k1 => uncompressed(bytes).map(Self::Secp256k1),
            Curve::X25519 => bytes.try_into().ok().map(Self::X25519),
            Curve::Bls12381G2 => bytes.try_into().ok().map(Self::Bls12381G2),
        }
    }

    /// Writes what [`PublicKey::from_uncompressed`] reads.
    pub fn to_uncompressed(&self) -> Vec<u8> {
        match self {
            Self::P256(point) | Self::Secp256k1(point) => [&[4][..], &point.x, &point.y].concat(),
            Self::P384(point) => [&[4][..], &point.x, &point.y].concat(),
            Self::Ed25519(bytes) | Self::X25519(bytes) => bytes.to_vec(),
            Self::Bls12381G2(bytes) => bytes.to_vec(),
        }
    }
}

fn uncompressed<const N: usize>(bytes: &[u8]) -> Option<EcPoint<N>> {
    let (4, point) = bytes.split_first().map(|(tag, rest)| (*tag, rest))? else {
        return None;
    };
    let (x, y) = point.split_at_checked(N)?;
    Some(EcPoint { x: x.try_into().ok()?, y: y.try_into().ok()? })
}

/// A private key with its public half; wiped when dropped, never printed.
#[derive(Clone, ZeroizeOnDrop)]
pub struct PrivateKey {
    scalar: Vec<u8>,
    #[zeroize(skip)]
    public: PublicKey,
}

impl PrivateKey {
    /// Pairs a secret scalar (or Ed25519 seed) with the public key it belongs to.
    ///
    /// `None` when the scalar has not the length its curve demands. That the halves belong together is
    /// checked by [`CryptoProvider::signing_key`](super::CryptoProvider::signing_key).
    pub fn from_parts(mut scalar: Vec<u8>, public: PublicKey) -> Option<Self> {
        let length = match public.curve() {
            Curve::P256 | Curve::Ed25519 | Curve::Secp256k1 | Curve::X25519 | Curve::Bls12381G2 => {
                32
            }
            Curve::P384 => 48,
        };
        if scalar.len() != length {
            scalar.zeroize();
            return None;
        }
        Some(Self { scalar, public })
    }

    /// The public half.
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The secret scalar or seed, big-endian; for sealing a key at rest and for the providers.
    pub fn danger_scalar(&self) -> &[u8] {
        &self.scalar
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PrivateKey({:?})", self.public.curve())
    }
}

/// What two parties share after a key agreement; wiped when dropped.
pub struct SharedSecret(pub(super) Zeroizing<Vec<u8>>);

impl SharedSecret {
    /// The x coordinate both sides computed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SharedSecret")
    }
}
