//! What must not be shown twice: judged here, remembered by whoever has a store.

use std::fmt;

use jiff::Timestamp;

/// Something that was shown and must be seen for the first time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ShownOnce {
    /// What it is.
    pub kind: ShownOnceKind,
    /// The SHA-256 of what makes it unique.
    pub digest: [u8; 32],
    /// From this moment on it is refused for its age.
    pub until: Timestamp,
}

/// What is shown once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownOnceKind {
    /// A DPoP proof (RFC 9449 §11.1).
    DpopProof,
    /// The proof of possession beside a client attestation.
    ClientAttestationPop,
    /// A client assertion (RFC 7523 §3).
    ClientAssertion,
}

impl fmt::Debug for ShownOnce {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ShownOnce({:?})", self.kind)
    }
}
