//! COSE: signed and authenticated CBOR (RFC 9052, RFC 9053, RFC 9360).
//!
//! As in [`jose`](crate::jose), what was parsed is [`UnverifiedSign1`], and only verification gives the
//! payload away. Received bytes are never encoded again: a signature is checked over what came.
//!
//! ```
//! # use lanyard_core::{cose::{self, Header, Payload, UnverifiedSign1}, crypto::*};
//! # async fn sign(signer: &dyn Signer, provider: &dyn CryptoProvider) {
//! let protected = Header::new().with(cose::label::TYPE, "application/example+cwt");
//! let signed = cose::sign1(protected, Header::new(), Payload::Attached(b"payload"), b"", signer)
//!     .await
//!     .unwrap();
//! let tagged = cose::tagged_sign1(&signed);
//! let received = UnverifiedSign1::parse(&tagged).unwrap();
//! let verified = received.verify(signer.public_key(), b"", provider).unwrap();
//! assert_eq!(verified.payload(), b"payload");
//! # }
//! ```

mod algorithm;
mod header;
mod key;
mod mac0;
mod sign1;

use thiserror::Error;

pub use algorithm::{algorithm_from_identifier, algorithm_identifier};
pub use header::{Header, Headers, label};
pub use key::{CoseKeyError, public_key, public_key_value};
pub use mac0::{UnverifiedMac0, mac0};
pub use sign1::{Payload, UnverifiedSign1, VerifiedSign1, sign1, tagged_sign1};

use crate::{cbor::CborError, crypto::CryptoError};

/// Why a COSE object is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum CoseError {
    /// It is not acceptable CBOR.
    #[error(transparent)]
    Cbor(#[from] CborError),
    /// It is not an array of the four parts, each of its type.
    #[error("not a COSE object of this kind")]
    Malformed,
    /// A label is in a header twice, be it once protected and once not.
    #[error("a COSE header has a label twice")]
    DuplicateLabel,
    /// A parameter that is known is of another type than it has to be.
    #[error("a COSE header parameter has another type")]
    ParameterType,
    /// `crit` is not a list of labels in the protected header, or not where it belongs.
    #[error("crit is malformed or not protected")]
    CriticalMalformed,
    /// A parameter that is critical is not understood.
    #[error("a critical COSE header parameter is not understood")]
    CriticalUnknown,
    /// There is no `alg` in the protected header.
    #[error("alg is not in the protected header")]
    AlgorithmNotProtected,
    /// `alg` is not one that is allowed.
    #[error("alg is not allowed")]
    AlgorithmNotAllowed,
    /// The payload is missing where it has to be attached.
    #[error("the payload is not attached")]
    PayloadMissing,
    /// The payload is attached where it has to be detached.
    #[error("the payload is not detached")]
    PayloadNotDetached,
    /// The signature or the authentication code does not verify, or the key does not fit the algorithm.
    #[error("{0}")]
    Signature(#[from] CryptoError),
}

impl CoseError {
    /// The stable reason code, for operators.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cbor(error) => error.code(),
            Self::Malformed => "cose_malformed",
            Self::DuplicateLabel => "cose_duplicate_label",
            Self::ParameterType => "cose_parameter_type",
            Self::CriticalMalformed => "cose_critical_malformed",
            Self::CriticalUnknown => "cose_critical_unknown",
            Self::AlgorithmNotProtected => "cose_algorithm_not_protected",
            Self::AlgorithmNotAllowed => "cose_algorithm_not_allowed",
            Self::PayloadMissing => "cose_payload_missing",
            Self::PayloadNotDetached => "cose_payload_not_detached",
            Self::Signature(_) => "cose_signature_invalid",
        }
    }
}
