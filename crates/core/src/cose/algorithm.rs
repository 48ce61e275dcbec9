//! COSE's numbers for the algorithms (RFC 9053 §2, RFC 8812 §3.2, RFC 9864 §2).

use crate::crypto::SignatureAlgorithm;

/// The COSE identifier that a signature made by us carries: -7, -35, -8 or -47.
pub const fn algorithm_identifier(algorithm: SignatureAlgorithm) -> i64 {
    match algorithm {
        SignatureAlgorithm::Es256 => -7,
        SignatureAlgorithm::Es384 => -35,
        SignatureAlgorithm::EdDsa => -8,
        SignatureAlgorithm::Es256k => -47,
    }
}

/// The algorithm a COSE identifier stands for; none for every number that is not on the list, and for
/// ES256K, which no COSE message here is made with.
///
/// -9, -51 and -19 are the fully-specified names of the same three (RFC 9864 §2.1, §2.2).
pub const fn algorithm_from_identifier(identifier: i128) -> Option<SignatureAlgorithm> {
    match identifier {
        -7 | -9 => Some(SignatureAlgorithm::Es256),
        -35 | -51 => Some(SignatureAlgorithm::Es384),
        -8 | -19 => Some(SignatureAlgorithm::EdDsa),
        _ => None,
    }
}
