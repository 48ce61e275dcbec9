//! Proof nonces (`c_nonce`, OID4VCI §7): MACs that any replica can judge and no database remembers.
//!
//! Policy: a nonce may be used again until it expires. A key proof is only worth something together with
//! a single-use access token session, so a replay gives an attacker nothing that the session does not
//! refuse by itself; remembering every nonce would give anybody a way to fill the database.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, Random},
    json,
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::ZeroizeOnDrop;

use crate::IssuerUrl;

const VERSION: u8 = 1;
const PURPOSE: &[u8] = b"lanyard proof nonce 1\0";
const STAMPED: usize = 1 + 8 + 12;
const LENGTH: usize = STAMPED + 16;

/// How far the clocks of two replicas may be apart.
const REPLICA_SKEW: SignedDuration = SignedDuration::from_secs(120);

/// The nonce in a key proof (`c_nonce`).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProofNonce(String);

impl ProofNonce {
    /// Takes a nonce as a peer sent it.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The nonce itself, for the message it belongs into.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ProofNonce {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ProofNonce")
    }
}

/// The answer of the nonce endpoint (§7.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NonceResponse {
    /// `c_nonce`.
    pub c_nonce: ProofNonce,
}

/// Why a nonce is not one of ours, or no longer.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NonceError {
    /// Not made by this issuer: another tenant's, forged or cut.
    #[error("the nonce was not issued here")]
    Unknown,
    /// Older than its life.
    #[error("the nonce has expired")]
    Expired,
}

/// The secret that one issuer's nonces are made with; all replicas share it.
#[derive(Clone, ZeroizeOnDrop)]
pub struct NonceKey([u8; 32]);

impl NonceKey {
    /// Takes 256 random bits.
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// Makes a nonce for the key proofs of one issuer.
    pub fn issue(
        &self,
        issuer: &IssuerUrl,
        now: Timestamp,
        provider: &dyn CryptoProvider,
        random: &dyn Random,
    ) -> ProofNonce {
        let mut nonce = [0; LENGTH];
        nonce[0] = VERSION;
        nonce[1..9].copy_from_slice(&now.as_second().to_be_bytes());
        random.fill(&mut nonce[9..STAMPED]);
        let mac = self.mac(issuer, &nonce[..STAMPED], provider);
        nonce[STAMPED..].copy_from_slice(&mac);
        ProofNonce(json::base64url(nonce))
    }

    /// Judges a nonce by the server's clock.
    ///
    /// # Errors
    /// [`NonceError`].
    pub fn verify(
        &self,
        nonce: &ProofNonce,
        issuer: &IssuerUrl,
        life: SignedDuration,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<(), NonceError> {
        let bytes = json::base64url_decode(&nonce.0).map_err(|_| NonceError::Unknown)?;
        let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| NonceError::Unknown)?;
        let (stamped, mac) = bytes.split_at(STAMPED);
        if stamped[0] != VERSION || !bool::from(self.mac(issuer, stamped, provider).ct_eq(mac)) {
            return Err(NonceError::Unknown);
        }
        let mut second = [0; 8];
        second.copy_from_slice(&stamped[1..9]);
        let issued_at =
            Timestamp::from_second(i64::from_be_bytes(second)).map_err(|_| NonceError::Unknown)?;
        // OID4VCI §13.8: a nonce is fresh for a short time, by the issuer's clock
        let age = now.duration_since(issued_at);
        if age > life || age < -REPLICA_SKEW {
            return Err(NonceError::Expired);
        }
        Ok(())
    }

    fn mac(&self, issuer: &IssuerUrl, stamped: &[u8], provider: &dyn CryptoProvider) -> [u8; 16] {
        let message = [PURPOSE, stamped, issuer.as_str().as_bytes()].concat();
        let mut mac = [0; 16];
        mac.copy_from_slice(&provider.hmac_sha256(&self.0, &message)[..16]);
        mac
    }
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("NonceKey")
    }
}
