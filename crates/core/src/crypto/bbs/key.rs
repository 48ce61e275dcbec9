//! The keys of issuers (draft-irtf-cfrg-bbs-signatures §3.4).

use std::fmt;

use zeroize::Zeroizing;

use super::{point::PublicPoint, scalar::Scalar};
use crate::crypto::{PublicKey, Random};

/// A secret key for BBS signatures.
pub struct BbsSecretKey {
    scalar: Zeroizing<[u8; Scalar::LENGTH]>,
    public: [u8; PublicPoint::LENGTH],
}

impl BbsSecretKey {
    /// Makes a new one.
    pub fn generate(random: &dyn Random) -> Self {
        loop {
            let scalar = Zeroizing::new(Scalar::random(random).encode());
            // of 2^255 only one is no key
            if let Some(key) = Self::from_bytes(&*scalar) {
                return key;
            }
        }
    }

    /// Takes a scalar, big-endian; none when it has not 32 bytes, is zero or not reduced.
    pub fn from_bytes(scalar: &[u8]) -> Option<Self> {
        let bytes = Zeroizing::new(<[u8; Scalar::LENGTH]>::try_from(scalar).ok()?);
        Scalar::decode(&*bytes)?;
        let public = PublicPoint::of_secret(&*bytes)?;
        Some(Self { scalar: bytes, public })
    }

    /// The public half.
    pub const fn public_key(&self) -> PublicKey {
        PublicKey::Bls12381G2(self.public)
    }

    /// The secret scalar, big-endian; for sealing a key at rest.
    pub fn danger_scalar(&self) -> &[u8] {
        &*self.scalar
    }

    pub(super) fn scalar(&self) -> Scalar {
        Scalar::decode(&*self.scalar).expect("it was read as one")
    }

    pub(super) const fn public(&self) -> &[u8; PublicPoint::LENGTH] {
        &self.public
    }
}

/// Whether bytes are a public key: a point of the subgroup that is not the identity.
pub(crate) fn is_public_key(bytes: &[u8]) -> bool {
    PublicPoint::decode(bytes).is_some()
}

impl fmt::Debug for BbsSecretKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("BbsSecretKey")
    }
}
