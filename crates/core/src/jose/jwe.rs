//! JSON Web Encryption in compact form: ECDH-ES to a P-256 key, direct, with AES-GCM (RFC 7516, RFC 7518).

use std::io::Write as _;

use flate2::{Compression, Decompress, write::DeflateEncoder};
use serde::Serialize;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{HeaderError, JoseHeader, Jwk, JwkError};
use crate::{
    crypto::{
        ContentEncryption, CryptoError, CryptoProvider, HashAlgorithm, HashValue, PrivateKey,
        PublicKey, SharedSecret,
    },
    json,
    status::{InflateError, inflate},
};

/// The one key management algorithm: direct key agreement (RFC 7518 §4.6).
const ALGORITHM: &str = "ECDH-ES";

/// The one way of compressing (RFC 7518 §7.3).
const DEFLATE: &str = "DEF";

/// The most that a compressed plaintext may become.
const MAX_INFLATED: usize = 2 << 20;

/// The longest compact JWE that is read at all: what a response endpoint takes at most.
const MAX_LENGTH: usize = 2 << 20;

/// Why a JWE was refused, or could not be made.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JweError {
    /// Not five base64url parts joined by dots.
    #[error("not a compact JWE")]
    Malformed,
    /// Longer than any message in this field.
    #[error("the JWE is too long")]
    TooLong,
    /// The header breaks a rule that holds for every JOSE header.
    #[error(transparent)]
    Header(#[from] HeaderError),
    /// `alg` is not `ECDH-ES`.
    #[error("alg is not ECDH-ES")]
    AlgorithmNotAllowed,
    /// `enc` is missing, unknown, or not one that was offered.
    #[error("enc is not one that is offered")]
    EncryptionNotAllowed,
    /// The plaintext is said to be compressed, where that is not taken, or by another name than `DEF`.
    #[error("a compressed plaintext is not taken")]
    Compressed,
    /// The plaintext is not DEFLATE, or would become larger than any message here.
    #[error("the compressed plaintext is refused: {0}")]
    Inflate(#[from] InflateError),
    /// `epk` is missing or no acceptable public key.
    #[error("the ephemeral key is refused: {0}")]
    EphemeralKey(#[source] JwkError),
    /// `epk` is on another curve than P-256, or off the curve it names.
    #[error("the ephemeral key is no point of P-256")]
    EphemeralPoint,
    /// `apu` or `apv` is not base64url text.
    #[error("the header member {0} is not base64url")]
    PartyInfo(&'static str),
    /// There is an encrypted key, although the key is agreed on directly.
    #[error("an encrypted key has no place in a direct key agreement")]
    EncryptedKey,
    /// The initialization vector has not 96 bits, or the tag not 128.
    #[error("the initialization vector or the tag has the wrong length")]
    Lengths,
    /// The recipient's key is not a P-256 key for ECDH-ES encryption.
    #[error("the recipient's key is not meant for ECDH-ES over P-256")]
    RecipientKey,
    /// The ciphertext does not decrypt, or the provider failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}

/// Whom to encrypt to: a public key, and the content encryption its owner offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptionRecipient {
    /// The recipient's key; its `kid` goes into the header.
    pub jwk: Jwk,
    /// The content encryption to use.
    pub enc: ContentEncryption,
}

impl EncryptionRecipient {
    /// Encrypts a plaintext with a key made for this one message; `content_type` becomes `cty`.
    ///
    /// # Errors
    /// [`JweError::RecipientKey`] when the key is not P-256, or is reserved for something else by its
    /// `use` or `alg`; [`JweError::Crypto`] when it is off its curve.
    pub fn encrypt(
        &self,
        plaintext: &[u8],
        content_type: Option<&str>,
        provider: &dyn CryptoProvider,
    ) -> Result<String, JweError> {
        self.accept_key()?;
        self.seal(plaintext, content_type, false, provider)
    }

    /// As [`EncryptionRecipient::encrypt`], with the plaintext compressed before (`zip`, RFC 7516 §4.1.3):
    /// for a recipient who asks for it, as the length then tells about the content (RFC 8725 §3.6).
    ///
    /// # Errors
    /// As [`EncryptionRecipient::encrypt`].
    pub fn encrypt_compressed(
        &self,
        plaintext: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<String, JweError> {
        self.accept_key()?;
        self.seal(&deflate(plaintext), None, true, provider)
    }

    /// RFC 7517 §4.2, §4.4: a key says what it is for.
    fn accept_key(&self) -> Result<(), JweError> {
        let for_this =
            |said: &Option<String>, what| said.as_deref().is_none_or(|said| said == what);
        if !for_this(&self.jwk.key_use, "enc") || !for_this(&self.jwk.alg, ALGORITHM) {
            return Err(JweError::RecipientKey);
        }
        Ok(())
    }

    fn seal(
        &self,
        plaintext: &[u8],
        content_type: Option<&str>,
        compressed: bool,
        provider: &dyn CryptoProvider,
    ) -> Result<String, JweError> {
        let (ephemeral, secret) = match provider.agree_ephemeral(&self.jwk.key) {
            Err(CryptoError::KeyMismatch) => return Err(JweError::RecipientKey),
            agreed => agreed?,
        };
        let key = derive_key(&secret, self.enc, &[], &[], provider);
        let mut nonce = [0; 12];
        provider.fill(&mut nonce);

        let header = Header {
            alg: ALGORITHM,
            enc: self.enc.name(),
            kid: self.jwk.kid.as_deref(),
            cty: content_type,
            zip: compressed.then_some(DEFLATE),
            epk: Jwk::new(ephemeral),
        };
        let header = serde_json::to_vec(&header).expect("text and a key always serialize");
        let mut token = String::with_capacity((header.len() + plaintext.len() + 40) * 4 / 3 + 8);
        json::base64url_append(&header, &mut token);
        let sealed = provider.seal(self.enc, &key, &nonce, token.as_bytes(), plaintext)?;
        let (ciphertext, tag) = sealed.split_at(plaintext.len());
        // RFC 7518 §4.6: with direct key agreement the encrypted key is the empty octet sequence
        token.push('.');
        for part in [&nonce, ciphertext, tag] {
            token.push('.');
            json::base64url_append(part, &mut token);
        }
        Ok(token)
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    enc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cty: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    zip: Option<&'static str>,
    epk: Jwk,
}

/// A compact JWE that was split and decoded; what is in it stays closed.
#[derive(Clone, Debug)]
pub struct UnopenedJwe<'t> {
    encoded_header: &'t str,
    header: JoseHeader,
    encryption: ContentEncryption,
    ephemeral: PublicKey,
    apu: Vec<u8>,
    apv: Vec<u8>,
    nonce: [u8; 12],
    sealed: Vec<u8>,
    compressed: bool,
}

impl<'t> UnopenedJwe<'t> {
    /// Splits and decodes a compact JWE.
    ///
    /// # Errors
    /// One [`JweError`] per rule.
    pub fn parse(compact: &'t str) -> Result<Self, JweError> {
        let jwe = Self::parse_compressed(compact)?;
        // RFC 8725 §3.6: compressing before encrypting leaks, and inflating is a bomb
        if jwe.compressed { Err(JweError::Compressed) } else { Ok(jwe) }
    }

    /// As [`UnopenedJwe::parse`], where a protocol lets the sender compress the plaintext (`zip`).
    ///
    /// # Errors
    /// One [`JweError`] per rule.
    pub fn parse_compressed(compact: &'t str) -> Result<Self, JweError> {
        if compact.len() > MAX_LENGTH {
            return Err(JweError::TooLong);
        }
        let mut parts = compact.split('.');
        let mut part = || parts.next().ok_or(JweError::Malformed);
        let (encoded_header, encrypted_key) = (part()?, part()?);
        let (nonce, ciphertext, tag) = (part()?, part()?, part()?);
        if parts.next().is_some() {
            return Err(JweError::Malformed);
        }

        let header = JoseHeader::parse(encoded_header)?;
        // RFC 8725 §3.1, §3.2: one algorithm, named by us; no password, no RSA, no wrapped key
        if header.alg != ALGORITHM {
            return Err(JweError::AlgorithmNotAllowed);
        }
        let encryption = member(&header, "enc")
            .and_then(ContentEncryption::from_name)
            .ok_or(JweError::EncryptionNotAllowed)?;
        // RFC 7518 §7.3: DEF is the only name there is
        let compressed = match header.members.get("zip") {
            None => false,
            Some(zip) if zip == DEFLATE => true,
            Some(_) => return Err(JweError::Compressed),
        };
        let ephemeral = header
            .members
            .get("epk")
            .ok_or(JwkError::Malformed)
            .and_then(Jwk::from_value)
            .map_err(JweError::EphemeralKey)?
            .key;
        // RFC 7518 §4.6.1.1: the ephemeral key is on the recipient's curve
        if !matches!(ephemeral, PublicKey::P256(_)) {
            return Err(JweError::EphemeralPoint);
        }
        // RFC 7516 §5.2(10): direct agreement leaves no key to wrap
        if !encrypted_key.is_empty() {
            return Err(JweError::EncryptedKey);
        }

        let decode = |part| json::base64url_decode(part).map_err(|_| JweError::Malformed);
        let nonce = decode(nonce)?.try_into().map_err(|_| JweError::Lengths)?;
        let mut sealed = decode(ciphertext)?;
        // RFC 7518 §5.3: a 96-bit initialization vector, a 128-bit tag, never a shorter one
        let tag: [u8; 16] = decode(tag)?.try_into().map_err(|_| JweError::Lengths)?;
        sealed.extend_from_slice(&tag);
        Ok(Self {
            encoded_header,
            encryption,
            ephemeral,
            apu: party_info(&header, "apu")?,
            apv: party_info(&header, "apv")?,
            nonce,
            sealed,
            compressed,
            header,
        })
    }

    /// The header, to choose a key by `kid`; it is not trusted.
    pub const fn header(&self) -> &JoseHeader {
        &self.header
    }

    /// The content encryption the header names.
    pub const fn encryption(&self) -> ContentEncryption {
        self.encryption
    }

    /// Decrypts with the recipient's key, when `enc` is one of those offered.
    ///
    /// # Errors
    /// [`JweError::EncryptionNotAllowed`], [`JweError::EphemeralPoint`], [`JweError::RecipientKey`] for a
    /// key that is not P-256, [`CryptoError::InvalidCiphertext`] when the message was changed or is for
    /// another key, and [`JweError::Inflate`].
    pub fn open(
        &self,
        key: &PrivateKey,
        allowed: &[ContentEncryption],
        provider: &dyn CryptoProvider,
    ) -> Result<Vec<u8>, JweError> {
        if !allowed.contains(&self.encryption) {
            return Err(JweError::EncryptionNotAllowed);
        }
        let secret = match provider.agree(key, &self.ephemeral) {
            // RFC 8725 §3.4: a point off its curve would give the private key away bit by bit
            Err(CryptoError::InvalidKey) => return Err(JweError::EphemeralPoint),
            Err(CryptoError::KeyMismatch) => return Err(JweError::RecipientKey),
            agreed => agreed?,
        };
        let key = derive_key(&secret, self.encryption, &self.apu, &self.apv, provider);
        let associated = self.encoded_header.as_bytes();
        let plaintext =
            provider.open(self.encryption, &key, &self.nonce, associated, &self.sealed)?;
        if self.compressed {
            // RFC 7518 §7.3: DEFLATE without a header (RFC 1951); who sent it decides about its size
            return Ok(inflate(Decompress::new(false), &plaintext, MAX_INFLATED)?);
        }
        Ok(plaintext)
    }
}

/// Raw DEFLATE (RFC 1951).
fn deflate(plaintext: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plaintext).expect("a vector takes every byte");
    encoder.finish().expect("a vector takes every byte")
}

fn member<'h>(header: &'h JoseHeader, name: &str) -> Option<&'h str> {
    header.members.get(name)?.as_str()
}

fn party_info(header: &JoseHeader, name: &'static str) -> Result<Vec<u8>, JweError> {
    if !header.members.contains_key(name) {
        return Ok(Vec::new());
    }
    member(header, name)
        .and_then(|text| json::base64url_decode(text).ok())
        .ok_or(JweError::PartyInfo(name))
}

/// The content encryption key: Concat KDF over the shared secret (RFC 7518 §4.6.2).
fn derive_key(
    secret: &SharedSecret,
    encryption: ContentEncryption,
    apu: &[u8],
    apv: &[u8],
    provider: &dyn CryptoProvider,
) -> Zeroizing<Vec<u8>> {
    let length = encryption.key_length();
    // one round of SHA-256 gives 32 bytes, and no key here is longer
    let mut input = Zeroizing::new(Vec::with_capacity(64 + apu.len() + apv.len()));
    input.extend_from_slice(&1_u32.to_be_bytes());
    input.extend_from_slice(secret.as_bytes());
    for info in [encryption.name().as_bytes(), apu, apv] {
        input.extend_from_slice(&(info.len() as u32).to_be_bytes());
        input.extend_from_slice(info);
    }
    input.extend_from_slice(&(length as u32 * 8).to_be_bytes());
    let digest: HashValue = provider.hash(HashAlgorithm::Sha256, &input);
    Zeroizing::new(digest.as_bytes()[..length].to_vec())
}
