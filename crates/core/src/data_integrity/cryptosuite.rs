//! The cryptosuites that proofs are made with.

use std::fmt;

use crate::crypto::{Curve, HashAlgorithm, PublicKey, SignatureAlgorithm};

/// How the document is made into bytes, and which keys sign them.
///
/// The list is closed, and every `match` on it is exhaustive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cryptosuite {
    /// `eddsa-jcs-2022`: Ed25519 over canonical JSON (VC-DI-EDDSA §3.3).
    EddsaJcs2022,
    /// `ecdsa-jcs-2019`: P-256 or P-384 over canonical JSON (VC-DI-ECDSA §3.3).
    EcdsaJcs2019,
    /// `eddsa-rdfc-2022`: Ed25519 over canonical RDF (VC-DI-EDDSA §3.2).
    EddsaRdfc2022,
    /// `ecdsa-rdfc-2019`: P-256 or P-384 over canonical RDF (VC-DI-ECDSA §3.2).
    EcdsaRdfc2019,
    /// `ecdsa-sd-2023`: P-256 over canonical RDF, quad by quad, for selective disclosure
    /// (VC-DI-ECDSA §3.4).
    EcdsaSd2023,
    /// `bbs-2023`: BLS12-381 over canonical RDF, for selective disclosure that nobody can link (VC-DI-BBS
    /// §3). The specification is a candidate; there is no optional feature of it here.
    #[cfg(feature = "bbs")]
    Bbs2023,
}

/// How a cryptosuite makes a document into bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Canonicalization {
    /// The JSON Canonicalization Scheme, RFC 8785.
    Jcs,
    /// JSON-LD to RDF, and RDF Dataset Canonicalization 1.0.
    Rdfc,
}

impl Cryptosuite {
    /// Every cryptosuite there is.
    pub const ALL: &'static [Self] = &[
        Self::EddsaJcs2022,
        Self::EcdsaJcs2019,
        Self::EddsaRdfc2022,
        Self::EcdsaRdfc2019,
        Self::EcdsaSd2023,
        #[cfg(feature = "bbs")]
        Self::Bbs2023,
    ];

    /// The identifier, as in `cryptosuite`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EddsaJcs2022 => "eddsa-jcs-2022",
            Self::EcdsaJcs2019 => "ecdsa-jcs-2019",
            Self::EddsaRdfc2022 => "eddsa-rdfc-2022",
            Self::EcdsaRdfc2019 => "ecdsa-rdfc-2019",
            Self::EcdsaSd2023 => "ecdsa-sd-2023",
            #[cfg(feature = "bbs")]
            Self::Bbs2023 => "bbs-2023",
        }
    }

    /// The cryptosuite that an identifier stands for; `eddsa-2022` was a draft's name and stands for none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|suite| suite.name() == name)
    }

    /// Whether the cryptosuite works with such keys.
    pub const fn takes(self, key: &PublicKey) -> bool {
        match self {
            // VC-DI-BBS §2.1.1: BLS12-381 in G2, and no other
            #[cfg(feature = "bbs")]
            Self::Bbs2023 => matches!(key, PublicKey::Bls12381G2(_)),
            _ => self.algorithm(key).is_some(),
        }
    }

    /// The signature algorithm with a key; none when the cryptosuite does not work with such keys, or signs in
    /// a way of its own.
    pub const fn algorithm(self, key: &PublicKey) -> Option<SignatureAlgorithm> {
        match (self, key.curve()) {
            // VC-DI-EDDSA §2.2.1: an Ed25519 key, and no other
            (Self::EddsaJcs2022 | Self::EddsaRdfc2022, Curve::Ed25519) => {
                Some(SignatureAlgorithm::EdDsa)
            }
            // VC-DI-ECDSA §2.2.1: the curve decides
            (Self::EcdsaJcs2019 | Self::EcdsaRdfc2019 | Self::EcdsaSd2023, Curve::P256) => {
                Some(SignatureAlgorithm::Es256)
            }
            (Self::EcdsaJcs2019 | Self::EcdsaRdfc2019, Curve::P384) => {
                Some(SignatureAlgorithm::Es384)
            }
            _ => None,
        }
    }

    pub(super) const fn canonicalization(self) -> Canonicalization {
        match self {
            Self::EddsaJcs2022 | Self::EcdsaJcs2019 => Canonicalization::Jcs,
            Self::EddsaRdfc2022 | Self::EcdsaRdfc2019 | Self::EcdsaSd2023 => Canonicalization::Rdfc,
            #[cfg(feature = "bbs")]
            Self::Bbs2023 => Canonicalization::Rdfc,
        }
    }
}

/// VC-DI-ECDSA §3.2.4, VC-DI-EDDSA §3.2.4: SHA-256, or SHA-384 with a key on P-384.
pub(super) const fn hash_algorithm(algorithm: SignatureAlgorithm) -> HashAlgorithm {
    match algorithm {
        SignatureAlgorithm::EdDsa | SignatureAlgorithm::Es256 | SignatureAlgorithm::Es256k => {
            HashAlgorithm::Sha256
        }
        SignatureAlgorithm::Es384 => HashAlgorithm::Sha384,
    }
}

impl fmt::Display for Cryptosuite {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
