//! Nonces of a server: MACs that any replica can judge and no database remembers.
//!
//! Three of them, and none is taken for another: [`ProofNonce`] (`c_nonce`, OID4VCI 1.0 §7), [`DpopNonce`]
//! (RFC 9449 §8) and [`AttestationChallenge`] (attestation-based client authentication §8).
//!
//! Policy: a nonce may be used again until it expires. A key proof is only worth something together with
//! a single-use access token session, so a replay gives an attacker nothing that the session does not
//! refuse by itself; remembering every nonce would give anybody a way to fill the database.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{CryptoProvider, MacKey, Random},
    json,
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::IssuerUrl;

const VERSION: u8 = 1;
const STAMPED: usize = 1 + 8 + 12;
const LENGTH: usize = STAMPED + 16;

const KEY_PROOF: &[u8] = b"lanyard proof nonce 1\0";
const DPOP: &[u8] = b"lanyard dpop nonce 1\0";
const ATTESTATION: &[u8] = b"lanyard attestation challenge 1\0";

/// How far the clocks of two replicas may be apart.
pub(crate) const REPLICA_SKEW: SignedDuration = SignedDuration::from_secs(120);

macro_rules! nonce {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes a nonce as a peer sent it.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The nonce itself, for the message it belongs into.
            pub fn reveal(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(stringify!($name))
            }
        }
    };
}

nonce! {
    /// The nonce in a key proof (`c_nonce`).
    ProofNonce
}
nonce! {
    /// The nonce in a DPoP proof (`DPoP-Nonce`, RFC 9449 §8).
    DpopNonce
}
nonce! {
    /// The challenge in the proof of possession beside a client attestation.
    AttestationChallenge
}

/// The answer of the nonce endpoint (§7.2).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NonceResponse {
    /// `c_nonce`.
    pub c_nonce: ProofNonce,
}

/// The answer of the challenge endpoint.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ChallengeResponse {
    /// `attestation_challenge`.
    pub attestation_challenge: AttestationChallenge,
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
#[derive(Clone)]
pub struct NonceKey(MacKey);

impl NonceKey {
    /// Takes 256 random bits.
    pub const fn new(key: [u8; 32]) -> Self {
        Self(MacKey::new(key))
    }

    /// Makes a nonce for the key proofs of one issuer.
    pub fn issue(
        &self,
        issuer: &IssuerUrl,
        now: Timestamp,
        provider: &dyn CryptoProvider,
        random: &dyn Random,
    ) -> ProofNonce {
        ProofNonce(self.make(KEY_PROOF, issuer, now, provider, random))
    }

    /// Makes a nonce for the DPoP proofs that one issuer and its authorization server take.
    pub fn issue_dpop(
        &self,
        issuer: &IssuerUrl,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> DpopNonce {
        DpopNonce(self.make(DPOP, issuer, now, provider, provider))
    }

    /// Makes a challenge for the client attestations that one authorization server takes.
    pub fn issue_challenge(
        &self,
        issuer: &IssuerUrl,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> AttestationChallenge {
        AttestationChallenge(self.make(ATTESTATION, issuer, now, provider, provider))
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
        self.judge((KEY_PROOF, &nonce.0), issuer, life, now, provider)
    }

    /// Judges the nonce of a DPoP proof.
    ///
    /// # Errors
    /// [`NonceError`].
    pub fn verify_dpop(
        &self,
        nonce: &DpopNonce,
        issuer: &IssuerUrl,
        life: SignedDuration,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<(), NonceError> {
        self.judge((DPOP, &nonce.0), issuer, life, now, provider)
    }

    /// Judges the challenge in a proof of possession beside a client attestation.
    ///
    /// # Errors
    /// [`NonceError`].
    pub fn verify_challenge(
        &self,
        challenge: &AttestationChallenge,
        issuer: &IssuerUrl,
        life: SignedDuration,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<(), NonceError> {
        self.judge((ATTESTATION, &challenge.0), issuer, life, now, provider)
    }

    fn make(
        &self,
        purpose: &[u8],
        issuer: &IssuerUrl,
        now: Timestamp,
        provider: &dyn CryptoProvider,
        random: &dyn Random,
    ) -> String {
        let mut nonce = [0; LENGTH];
        nonce[0] = VERSION;
        nonce[1..9].copy_from_slice(&now.as_second().to_be_bytes());
        random.fill(&mut nonce[9..STAMPED]);
        let mac = self.mac(purpose, issuer, &nonce[..STAMPED], provider);
        nonce[STAMPED..].copy_from_slice(&mac);
        json::base64url(nonce)
    }

    fn judge(
        &self,
        (purpose, nonce): (&[u8], &str),
        issuer: &IssuerUrl,
        life: SignedDuration,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<(), NonceError> {
        let bytes = json::base64url_decode(nonce).map_err(|_| NonceError::Unknown)?;
        let bytes: [u8; LENGTH] = bytes.try_into().map_err(|_| NonceError::Unknown)?;
        let (stamped, mac) = bytes.split_at(STAMPED);
        let own = self.mac(purpose, issuer, stamped, provider);
        if stamped[0] != VERSION || !bool::from(own.ct_eq(mac)) {
            return Err(NonceError::Unknown);
        }
        let mut second = [0; 8];
        second.copy_from_slice(&stamped[1..9]);
        let issued_at =
            Timestamp::from_second(i64::from_be_bytes(second)).map_err(|_| NonceError::Unknown)?;
        // OID4VCI 1.0 §13.8: a nonce is fresh for a short time, by the issuer's clock
        let age = now.duration_since(issued_at);
        if age > life || age < -REPLICA_SKEW {
            return Err(NonceError::Expired);
        }
        Ok(())
    }

    fn mac(
        &self,
        purpose: &[u8],
        issuer: &IssuerUrl,
        stamped: &[u8],
        provider: &dyn CryptoProvider,
    ) -> [u8; 16] {
        let message = [purpose, stamped, issuer.as_str().as_bytes()].concat();
        let mut mac = [0; 16];
        mac.copy_from_slice(&self.0.code(&message, provider)[..16]);
        mac
    }
}

impl fmt::Debug for NonceKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("NonceKey")
    }
}
