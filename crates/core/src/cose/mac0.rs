//! COSE_Mac0: a key that both sides know (RFC 9052 §6.2, §6.3).

use std::fmt;

use super::{CoseError, Header, Headers, Payload, label, sign1::read_payload};
use crate::{
    cbor::{Encoder, Item},
    crypto::CryptoProvider,
};

/// The tag of a COSE_Mac0 (RFC 9052 §2).
const TAG: u64 = 17;

/// HMAC with SHA-256, the whole 32 bytes (RFC 9053 §3.1).
const HMAC_256: i64 = 5;

/// A COSE_Mac0 that was taken apart; nothing in it is trusted.
#[derive(Clone)]
pub struct UnverifiedMac0<'b> {
    headers: Headers<'b>,
    payload: Option<&'b [u8]>,
    code: &'b [u8],
}

impl<'b> UnverifiedMac0<'b> {
    /// Reads a COSE_Mac0, with its tag or without.
    ///
    /// # Errors
    /// One [`CoseError`] per rule about its form, its labels and `crit`.
    pub fn parse(bytes: &'b [u8]) -> Result<Self, CoseError> {
        Self::from_item(&Item::parse(bytes)?)
    }

    /// Reads an item that was parsed already, with its tag or without.
    ///
    /// # Errors
    /// As [`UnverifiedMac0::parse`].
    pub fn from_item(item: &Item<'b>) -> Result<Self, CoseError> {
        let parts = item.tagged(TAG).unwrap_or(item);
        let Some([protected, unprotected, payload, code]) = parts.as_array() else {
            return Err(CoseError::Malformed);
        };
        Ok(Self {
            headers: Headers::read(protected, unprotected)?,
            payload: read_payload(payload)?,
            code: code.as_bytes().ok_or(CoseError::Malformed)?,
        })
    }

    /// Checks the code over the attached payload, and gives the payload.
    ///
    /// # Errors
    /// [`CoseError::PayloadMissing`], and as [`UnverifiedMac0::verify_detached`].
    pub fn verify(
        &self,
        key: &[u8],
        external_aad: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<&'b [u8], CoseError> {
        let payload = self.payload.ok_or(CoseError::PayloadMissing)?;
        self.check(payload, key, external_aad, provider)?;
        Ok(payload)
    }

    /// Checks the code over a payload that did not come along.
    ///
    /// # Errors
    /// [`CoseError::PayloadNotDetached`], [`CoseError::AlgorithmNotProtected`],
    /// [`CoseError::AlgorithmNotAllowed`] and [`CoseError::Signature`].
    pub fn verify_detached(
        &self,
        payload: &[u8],
        key: &[u8],
        external_aad: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<(), CoseError> {
        if self.payload.is_some() {
            return Err(CoseError::PayloadNotDetached);
        }
        self.check(payload, key, external_aad, provider)
    }

    fn check(
        &self,
        payload: &[u8],
        key: &[u8],
        external_aad: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<(), CoseError> {
        if self.headers.algorithm_identifier()? != i128::from(HMAC_256) {
            return Err(CoseError::AlgorithmNotAllowed);
        }
        let covered = to_be_authenticated(self.headers.signed, external_aad, payload);
        Ok(provider.verify_hmac_sha256(key, &covered, self.code)?)
    }
}

/// RFC 9052 §6.3: the MAC_structure of a COSE_Mac0.
fn to_be_authenticated(protected: &[u8], external_aad: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut out = Encoder::new();
    out.array(4).text("MAC0").bytes(protected).bytes(external_aad).bytes(payload);
    out.into_bytes()
}

/// Authenticates a payload as a COSE_Mac0 without a tag, with HMAC and SHA-256.
pub fn mac0(
    payload: Payload<'_>,
    key: &[u8],
    external_aad: &[u8],
    provider: &dyn CryptoProvider,
) -> Vec<u8> {
    let protected = Header::new().with(label::ALGORITHM, HMAC_256).encode();
    let covered = to_be_authenticated(&protected, external_aad, payload.bytes());
    let mut out = Encoder::new();
    out.array(4).bytes(&protected).map(0);
    payload.write(&mut out);
    out.bytes(&provider.hmac_sha256(key, &covered));
    out.into_bytes()
}

impl fmt::Debug for UnverifiedMac0<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "UnverifiedMac0({:?})", self.payload.map(<[u8]>::len))
    }
}
