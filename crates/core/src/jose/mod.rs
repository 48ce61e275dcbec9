//! JOSE: keys, signatures and encryption in JSON (RFC 7515 to 7518, 7638, 8037, 9864).

mod header;
mod jwe;
mod jwk;
mod jws;
mod rsa;
mod slot;

pub use header::{HeaderError, JoseHeader};
pub use jwe::{EncryptionRecipient, JweError, UnopenedJwe};
pub use jwk::{Jwk, JwkError, PrivateJwk, Thumbprint};
pub use jws::{JwsError, UnverifiedJws, VerifiedJws, sign};
pub(crate) use jws::{SignedHeader, sign_encoded};
pub use rsa::RsaJwk;
pub use slot::{HeaderKey, Slot};
