//! What a place in a protocol allows of the JWS put into it.

use crate::crypto::SignatureAlgorithm;

/// A place where a JWS is expected, with everything that is allowed there.
///
/// One constant per slot, next to the message it belongs to, so that no token meant for one place is
/// accepted in another (RFC 8725 §3.11) and no header picks its own rules (RFC 8725 §3.1).
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// What a person would call the token, for errors: `key proof`, `request object`.
    pub name: &'static str,
    /// The `typ` values allowed, compared without case; the long `application/…` spelling is another value,
    /// and the empty one stands for no `typ` at all.
    pub typ: &'static [&'static str],
    /// The algorithms allowed; never empty.
    pub algorithms: &'static [SignatureAlgorithm],
    /// Which of the key-naming header parameters may appear.
    pub header_keys: &'static [HeaderKey],
}

/// A header parameter that names or carries the key (RFC 7515 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderKey {
    /// `jwk`, the key itself.
    Jwk,
    /// `kid`, a name for the key.
    Kid,
    /// `x5c`, a certificate chain, leaf first.
    X5c,
}
