//! The closed lists of algorithms that Lanyard speaks.

use std::fmt;

/// An elliptic curve that a key lives on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Curve {
    /// NIST P-256 (`crv` `P-256`).
    P256,
    /// NIST P-384 (`crv` `P-384`).
    P384,
    /// Edwards 25519 for signatures (`crv` `Ed25519`).
    Ed25519,
    /// secp256k1 of SEC 2 (`crv` `secp256k1`, RFC 8812 §3.1).
    Secp256k1,
    /// Curve25519 for key agreement (`crv` `X25519`); read in DID documents, no key of it is made here.
    X25519,
    /// The group G2 of BLS12-381: for `bbs-2023` alone, no provider works with it.
    Bls12381G2,
}

impl Curve {
    /// The algorithm that keys of this curve sign with; none on a curve for key agreement.
    pub const fn signature_algorithm(self) -> Option<SignatureAlgorithm> {
        match self {
            Self::P256 => Some(SignatureAlgorithm::Es256),
            Self::P384 => Some(SignatureAlgorithm::Es384),
            Self::Ed25519 => Some(SignatureAlgorithm::EdDsa),
            Self::Secp256k1 => Some(SignatureAlgorithm::Es256k),
            Self::X25519 | Self::Bls12381G2 => None,
        }
    }
}

/// A signature algorithm by its JOSE name (RFC 7518 §3.4, RFC 8037 §3.1, RFC 8812 §3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureAlgorithm {
    /// ECDSA over P-256 with SHA-256; the signature is `r || s`, 64 bytes.
    Es256,
    /// ECDSA over P-384 with SHA-384; the signature is `r || s`, 96 bytes.
    Es384,
    /// Ed25519, verified strictly (no small-order points, no malleable `S`).
    EdDsa,
    /// ECDSA over secp256k1 with SHA-256; the signature is `r || s`, 64 bytes, made with the lower `s`.
    Es256k,
}

impl SignatureAlgorithm {
    /// Every algorithm there is: the widest allow-list a slot can have.
    pub const ALL: &'static [Self] = &[Self::Es256, Self::Es384, Self::EdDsa, Self::Es256k];

    /// What the slots of OpenID4VCI and OpenID4VP allow; ES256K is for DIDs that bring no other key.
    pub const OPENID4VC: &'static [Self] = &[Self::Es256, Self::Es384, Self::EdDsa];

    /// The name that goes into a JOSE header or metadata.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
            Self::Es256k => "ES256K",
        }
    }

    /// The algorithm a JOSE name stands for; `None` for every name not on the list, `none` first of all.
    ///
    /// `Ed25519` is the fully-specified name of what RFC 8037 calls `EdDSA` (RFC 9864 §2.2).
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "ES384" => Some(Self::Es384),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            "ES256K" => Some(Self::Es256k),
            _ => None,
        }
    }

    /// The only curve whose keys fit this algorithm.
    pub const fn curve(self) -> Curve {
        match self {
            Self::Es256 => Curve::P256,
            Self::Es384 => Curve::P384,
            Self::EdDsa => Curve::Ed25519,
            Self::Es256k => Curve::Secp256k1,
        }
    }

    /// The length of a signature in bytes.
    pub const fn signature_length(self) -> usize {
        match self {
            Self::Es256 | Self::EdDsa | Self::Es256k => 64,
            Self::Es384 => 96,
        }
    }
}

impl fmt::Display for SignatureAlgorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

/// A hash algorithm by its name in the IANA "Named Information Hash Algorithm" registry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// SHA-256, 32 bytes.
    #[default]
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
    /// SHA-512, 64 bytes.
    Sha512,
}

impl HashAlgorithm {
    /// The registered name, as in `_sd_alg`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha-256",
            Self::Sha384 => "sha-384",
            Self::Sha512 => "sha-512",
        }
    }

    /// The algorithm a registered name stands for; truncated and weak entries have none.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "sha-256" => Some(Self::Sha256),
            "sha-384" => Some(Self::Sha384),
            "sha-512" => Some(Self::Sha512),
            _ => None,
        }
    }

    /// The length of a digest in bytes.
    pub const fn length(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

/// The digest of a message; as many bytes as its algorithm gives.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HashValue {
    bytes: [u8; 64],
    length: u8,
}

impl HashValue {
    /// Takes a digest as a provider computed it; at most 64 bytes count.
    #[cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
    pub(super) fn new(digest: &[u8]) -> Self {
        let length = digest.len().min(64);
        let mut bytes = [0; 64];
        bytes[..length].copy_from_slice(&digest[..length]);
        Self { bytes, length: length as u8 }
    }

    /// The digest's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

impl AsRef<[u8]> for HashValue {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl fmt::Debug for HashValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HashValue({} bytes)", self.length)
    }
}

/// A JWE content encryption algorithm (RFC 7518 §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ContentEncryption {
    /// AES in Galois/Counter Mode with a 128-bit key.
    A128Gcm,
    /// AES in Galois/Counter Mode with a 256-bit key.
    A256Gcm,
}

impl ContentEncryption {
    /// Both algorithms, the one HAIP prefers first (HAIP §5).
    pub const ALL: &'static [Self] = &[Self::A256Gcm, Self::A128Gcm];

    /// The `enc` name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A128Gcm => "A128GCM",
            Self::A256Gcm => "A256GCM",
        }
    }

    /// The algorithm an `enc` name stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "A128GCM" => Some(Self::A128Gcm),
            "A256GCM" => Some(Self::A256Gcm),
            _ => None,
        }
    }

    /// The length of the content encryption key in bytes.
    pub const fn key_length(self) -> usize {
        match self {
            Self::A128Gcm => 16,
            Self::A256Gcm => 32,
        }
    }
}
