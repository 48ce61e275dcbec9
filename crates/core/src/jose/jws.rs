//! JSON Web Signatures in compact form (RFC 7515 §3.1, §7.1).

use serde::{Serialize, Serializer, ser::SerializeMap as _};
use thiserror::Error;

use super::{HeaderError, JoseHeader, Slot};
use crate::{
    crypto::{CryptoError, CryptoProvider, PublicKey, SignatureAlgorithm, Signer, SignerError},
    json::{self, JsonError, Object},
};

/// The longest compact JWS that is read at all, unless the slot's owner sets its own bound.
const MAX_LENGTH: usize = 1 << 20;

/// Why a JWS was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JwsError {
    /// Not three base64url parts joined by dots.
    #[error("not a compact JWS")]
    Malformed,
    /// Longer than any token in this field.
    #[error("the token is too long")]
    TooLong,
    /// The header breaks a rule.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// `typ` is not one that the slot takes.
    #[error("typ is not that of a {0}")]
    WrongType(&'static str),
    /// `alg` is not on the slot's allow-list, or unknown, or `none`.
    #[error("alg is not allowed for a {0}")]
    AlgorithmNotAllowed(&'static str),
    /// The header names its key in a way the slot does not allow.
    #[error("the header carries a key that a {0} must not carry")]
    HeaderKeyNotAllowed(&'static str),
    /// The signature does not verify, or the key does not fit the algorithm.
    #[error("{0}")]
    Signature(#[from] CryptoError),
    /// The payload is not a strict JSON object.
    #[error("the payload cannot be read: {0}")]
    Payload(#[from] JsonError),
}

/// A compact JWS that was split and decoded; nothing in it is trusted.
#[derive(Clone, Debug)]
pub struct UnverifiedJws<'t> {
    signing_input: &'t str,
    header: JoseHeader,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl<'t> UnverifiedJws<'t> {
    /// Splits and decodes a compact JWS.
    ///
    /// # Errors
    /// [`JwsError::Malformed`], [`JwsError::TooLong`] or [`JwsError::Header`].
    pub fn parse(compact: &'t str) -> Result<Self, JwsError> {
        Self::parse_within(compact, MAX_LENGTH)
    }

    /// As [`UnverifiedJws::parse`], for a slot whose tokens may be longer than all others.
    pub(crate) fn parse_within(compact: &'t str, longest: usize) -> Result<Self, JwsError> {
        if compact.len() > longest {
            return Err(JwsError::TooLong);
        }
        let (signing_input, signature) = compact.rsplit_once('.').ok_or(JwsError::Malformed)?;
        let (header, payload) = signing_input.split_once('.').ok_or(JwsError::Malformed)?;
        // a further dot in the payload is no base64url, so a fourth part is caught here too
        let decode = |part| json::base64url_decode(part).map_err(|_| JwsError::Malformed);
        Ok(Self {
            signing_input,
            header: JoseHeader::parse(header)?,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }

    /// The header, to choose a key by; it is not trusted.
    pub const fn header(&self) -> &JoseHeader {
        &self.header
    }

    /// The payload before any check, to find out whose key is needed; never to act upon.
    ///
    /// # Errors
    /// [`JwsError::Payload`] when it is not a strict JSON object.
    pub fn danger_unverified_claims(&self) -> Result<Object, JwsError> {
        Ok(json::parse_object(&self.payload)?)
    }

    /// Checks `typ`, `alg`, header keys and signature, in this order.
    ///
    /// # Errors
    /// One [`JwsError`] per rule.
    pub fn verify(
        self,
        slot: &Slot,
        key: &PublicKey,
        provider: &dyn CryptoProvider,
    ) -> Result<VerifiedJws, JwsError> {
        let algorithm = self.check_slot(slot)?;
        provider.verify(algorithm, key, self.signing_input.as_bytes(), &self.signature)?;
        Ok(VerifiedJws { header: self.header, payload: self.payload, algorithm })
    }

    /// Checks everything about the header that the slot rules, before a key is even looked for.
    ///
    /// # Errors
    /// One [`JwsError`] per rule.
    pub fn check_slot(&self, slot: &Slot) -> Result<SignatureAlgorithm, JwsError> {
        self.check_typ(slot)?;
        // RFC 8725 §3.1, §3.2: the slot names the algorithms; `none` is not even a name here
        let algorithm = SignatureAlgorithm::from_name(&self.header.alg)
            .filter(|algorithm| slot.algorithms.contains(algorithm))
            .ok_or(JwsError::AlgorithmNotAllowed(slot.name))?;
        self.check_header_keys(slot)?;
        Ok(algorithm)
    }

    pub(super) fn check_typ(&self, slot: &Slot) -> Result<(), JwsError> {
        // RFC 8725 §3.11: explicit typing keeps a token of one kind out of the slot of another
        if !slot.takes_typ(self.header.typ.as_deref()) {
            return Err(JwsError::WrongType(slot.name));
        }
        Ok(())
    }

    pub(super) fn check_header_keys(&self, slot: &Slot) -> Result<(), JwsError> {
        if self.header.header_keys().any(|key| !slot.header_keys.contains(&key)) {
            return Err(JwsError::HeaderKeyNotAllowed(slot.name));
        }
        Ok(())
    }

    /// What was signed, and the signature.
    pub(super) fn signed(&self) -> (&[u8], &[u8]) {
        (self.signing_input.as_bytes(), &self.signature)
    }
}

impl Slot {
    fn takes_typ(&self, typ: Option<&str>) -> bool {
        match typ {
            None => self.typ.contains(&""),
            Some("") => false,
            Some(typ) => self.typ.iter().any(|allowed| allowed.eq_ignore_ascii_case(typ)),
        }
    }
}

/// A JWS whose `typ`, `alg`, header keys and signature were checked.
#[derive(Clone, Debug)]
pub struct VerifiedJws {
    header: JoseHeader,
    payload: Vec<u8>,
    algorithm: SignatureAlgorithm,
}

impl VerifiedJws {
    /// The header that was signed.
    pub const fn header(&self) -> &JoseHeader {
        &self.header
    }

    /// The algorithm that verified.
    pub const fn algorithm(&self) -> SignatureAlgorithm {
        self.algorithm
    }

    /// The payload's bytes as they were signed.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The payload as a strict JSON object.
    ///
    /// # Errors
    /// [`JwsError::Payload`] when it is not one.
    pub fn claims(&self) -> Result<Object, JwsError> {
        Ok(json::parse_object(&self.payload)?)
    }
}

/// Signs a payload as a compact JWS; `alg` is put first in the header, from the signer.
///
/// # Errors
/// [`SignerError`] as the signer gives it.
pub async fn sign(
    header: Object,
    payload: &(impl Serialize + Sync),
    signer: &dyn Signer,
) -> Result<String, SignerError> {
    sign_encoded(&SignedHeader::new(&header, signer), &written(payload), 0, signer).await
}

/// Signs a payload that is JSON text already, under a header that has its `alg`; the token has room for so
/// many characters after it.
pub(crate) async fn sign_encoded(
    header: &(impl Serialize + Sync),
    payload: &[u8],
    room: usize,
    signer: &dyn Signer,
) -> Result<String, SignerError> {
    let header = written(header);
    // base64url makes four characters of three bytes; a signature takes at most 128
    let mut token = String::with_capacity((header.len() + payload.len()) * 4 / 3 + 136 + room);
    json::base64url_append(&header, &mut token);
    token.push('.');
    json::base64url_append(payload, &mut token);
    let signature = signer.sign(token.as_bytes()).await?;
    token.push('.');
    json::base64url_append(&signature, &mut token);
    Ok(token)
}

/// A header with the signer's `alg` first, whatever else it says.
pub(crate) struct SignedHeader<'h> {
    algorithm: SignatureAlgorithm,
    members: &'h Object,
}

impl<'h> SignedHeader<'h> {
    pub(crate) fn new(members: &'h Object, signer: &dyn Signer) -> Self {
        Self { algorithm: signer.algorithm(), members }
    }
}

impl Serialize for SignedHeader<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut header = serializer.serialize_map(None)?;
        header.serialize_entry("alg", self.algorithm.name())?;
        for (name, value) in self.members.iter().filter(|(name, _)| *name != "alg") {
            header.serialize_entry(name, value)?;
        }
        header.end()
    }
}

fn written(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("JSON values with text keys always serialize")
}
