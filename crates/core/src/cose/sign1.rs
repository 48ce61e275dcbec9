//! COSE_Sign1: one signer (RFC 9052 §4.2, §4.4).

use std::fmt;

use super::{CoseError, Header, Headers, algorithm_identifier, label};
use crate::{
    cbor::{CborLimits, Encoder, Item},
    crypto::{CryptoProvider, PublicKey, SignatureAlgorithm, Signer, SignerError},
};

/// The tag of a COSE_Sign1 (RFC 9052 §2).
const TAG: u64 = 18;

/// A COSE_Sign1 that was taken apart; nothing in it is trusted.
#[derive(Clone)]
pub struct UnverifiedSign1<'b> {
    headers: Headers<'b>,
    payload: Option<&'b [u8]>,
    signature: &'b [u8],
    is_tagged: bool,
}

impl<'b> UnverifiedSign1<'b> {
    /// Reads a COSE_Sign1, with its tag or without.
    ///
    /// # Errors
    /// One [`CoseError`] per rule about its form, its labels and `crit`.
    pub fn parse(bytes: &'b [u8]) -> Result<Self, CoseError> {
        Self::parse_within(bytes, CborLimits::default())
    }

    /// As [`UnverifiedSign1::parse`], within other limits.
    ///
    /// # Errors
    /// As [`UnverifiedSign1::parse`].
    pub fn parse_within(bytes: &'b [u8], limits: CborLimits) -> Result<Self, CoseError> {
        Self::from_item(&Item::parse_within(bytes, limits)?)
    }

    /// Reads an item that was parsed already, with its tag or without.
    ///
    /// # Errors
    /// As [`UnverifiedSign1::parse`].
    pub fn from_item(item: &Item<'b>) -> Result<Self, CoseError> {
        let (parts, is_tagged) = item.tagged(TAG).map_or((item, false), |parts| (parts, true));
        let Some([protected, unprotected, payload, signature]) = parts.as_array() else {
            return Err(CoseError::Malformed);
        };
        Ok(Self {
            headers: Headers::read(protected, unprotected)?,
            payload: read_payload(payload)?,
            signature: signature.as_bytes().ok_or(CoseError::Malformed)?,
            is_tagged,
        })
    }

    /// Both headers, to choose a key by; they are not trusted.
    pub const fn headers(&self) -> &Headers<'b> {
        &self.headers
    }

    /// Whether it came with tag 18, which some formats demand and others forbid.
    pub const fn is_tagged(&self) -> bool {
        self.is_tagged
    }

    /// The attached payload before any check, to find out whose key is needed; never to act upon.
    pub const fn danger_unverified_payload(&self) -> Option<&'b [u8]> {
        self.payload
    }

    /// Checks the signature over the attached payload.
    ///
    /// # Errors
    /// [`CoseError::PayloadMissing`], and as [`UnverifiedSign1::verify_detached`].
    pub fn verify(
        self,
        key: &PublicKey,
        external_aad: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<VerifiedSign1<'b>, CoseError> {
        let payload = self.payload.ok_or(CoseError::PayloadMissing)?;
        let algorithm = self.check(payload, key, external_aad, provider)?;
        Ok(VerifiedSign1 { headers: self.headers, payload, algorithm })
    }

    /// Checks the signature over a payload that did not come along.
    ///
    /// # Errors
    /// [`CoseError::PayloadNotDetached`], [`CoseError::AlgorithmNotProtected`],
    /// [`CoseError::AlgorithmNotAllowed`] and [`CoseError::Signature`].
    pub fn verify_detached(
        &self,
        payload: &[u8],
        key: &PublicKey,
        external_aad: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<SignatureAlgorithm, CoseError> {
        if self.payload.is_some() {
            return Err(CoseError::PayloadNotDetached);
        }
        self.check(payload, key, external_aad, provider)
    }

    fn check(
        &self,
        payload: &[u8],
        key: &PublicKey,
        external_aad: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<SignatureAlgorithm, CoseError> {
        let algorithm = self.headers.algorithm()?;
        let signed = to_be_signed(self.headers.signed, external_aad, payload);
        provider.verify(algorithm, key, &signed, self.signature)?;
        Ok(algorithm)
    }
}

/// The payload, or none when it is detached (`nil`).
pub(super) fn read_payload<'b>(payload: &Item<'b>) -> Result<Option<&'b [u8]>, CoseError> {
    match payload.as_bytes() {
        Some(payload) => Ok(Some(payload)),
        None if payload.is_null() => Ok(None),
        None => Err(CoseError::Malformed),
    }
}

/// RFC 9052 §4.4: the Sig_structure of a COSE_Sign1.
fn to_be_signed(protected: &[u8], external_aad: &[u8], payload: &[u8]) -> Vec<u8> {
    // the strings, and a few bytes for their heads
    let length = protected.len() + external_aad.len() + payload.len() + 32;
    let mut out = Encoder::with_capacity(length);
    out.array(4).text("Signature1").bytes(protected).bytes(external_aad).bytes(payload);
    out.into_bytes()
}

impl fmt::Debug for UnverifiedSign1<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "UnverifiedSign1({:?})", self.payload.map(<[u8]>::len))
    }
}

/// A COSE_Sign1 whose signature was checked.
#[derive(Clone, Debug)]
pub struct VerifiedSign1<'b> {
    headers: Headers<'b>,
    payload: &'b [u8],
    algorithm: SignatureAlgorithm,
}

impl<'b> VerifiedSign1<'b> {
    /// Both headers; only the protected one was signed.
    pub const fn headers(&self) -> &Headers<'b> {
        &self.headers
    }

    /// The payload's bytes as they were signed.
    pub const fn payload(&self) -> &'b [u8] {
        self.payload
    }

    /// The algorithm that verified.
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }
}

/// The payload of a COSE object that is being made.
#[derive(Clone, Copy)]
pub enum Payload<'p> {
    /// It goes along.
    Attached(&'p [u8]),
    /// It is known to both sides, and stays out.
    Detached(&'p [u8]),
}

impl<'p> Payload<'p> {
    pub(super) const fn bytes(self) -> &'p [u8] {
        match self {
            Self::Attached(bytes) | Self::Detached(bytes) => bytes,
        }
    }

    pub(super) fn write(self, out: &mut Encoder) {
        match self {
            Self::Attached(bytes) => out.bytes(bytes),
            Self::Detached(_) => out.null(),
        };
    }
}

/// Signs a payload as a COSE_Sign1 without a tag; `alg` is put into the protected header.
///
/// # Errors
/// [`SignerError`] as the signer gives it.
pub async fn sign1(
    protected: Header,
    unprotected: Header,
    payload: Payload<'_>,
    external_aad: &[u8],
    signer: &dyn Signer,
) -> Result<Vec<u8>, SignerError> {
    let algorithm = algorithm_identifier(signer.algorithm());
    let protected = protected.with(label::ALGORITHM, algorithm).encode();
    let signature = signer.sign(&to_be_signed(&protected, external_aad, payload.bytes())).await?;
    let unprotected = unprotected.encode();
    let length = protected.len() + unprotected.len() + payload.bytes().len() + signature.len();
    let mut out = Encoder::with_capacity(length + 16);
    out.array(4).bytes(&protected).raw(&unprotected);
    payload.write(&mut out);
    out.bytes(&signature);
    Ok(out.into_bytes())
}

/// Puts tag 18 before a COSE_Sign1.
pub fn tagged_sign1(sign1: &[u8]) -> Vec<u8> {
    let mut out = Encoder::new();
    out.tag(TAG).raw(sign1);
    out.into_bytes()
}
