//! The digest that a reference to a document carries (SD-JWT VC §6).

use std::fmt;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Serialize, Serializer};
use thiserror::Error;

use crate::crypto::{CryptoProvider, HashAlgorithm};

/// The longest value that is read.
const MAX_LENGTH: usize = 2048;

/// Standard base64 with padding; what is compared is the decoded digest, so stray trailing bits are taken.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// "Integrity metadata" of a referenced document (W3C SRI §3): one hash expression or more.
///
/// ```
/// use lanyard_core::{crypto::RustCrypto, sd_jwt_vc::type_metadata::Integrity};
///
/// let integrity =
///     Integrity::parse("sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=").unwrap();
/// assert!(integrity.check(b"", &RustCrypto).is_ok());
/// assert!(integrity.check(b"another document", &RustCrypto).is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Integrity {
    text: String,
    /// The algorithm that decides, and every digest given for it.
    strongest: Option<(HashAlgorithm, Vec<Vec<u8>>)>,
}

/// Why a document is not the one that was meant.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum IntegrityError {
    /// The value is not an integrity metadata string.
    #[error("the integrity metadata is malformed")]
    Malformed,
    /// None of the hash algorithms is supported.
    #[error("the integrity metadata uses no supported hash algorithm")]
    NotSupported,
    /// The document has another digest.
    #[error("the document has another digest than the reference to it")]
    Mismatch,
}

impl Integrity {
    /// Reads the value of a member such as `vct#integrity`.
    ///
    /// # Errors
    /// [`IntegrityError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, IntegrityError> {
        if text.len() > MAX_LENGTH {
            return Err(IntegrityError::Malformed);
        }
        let mut strongest: Option<(HashAlgorithm, Vec<Vec<u8>>)> = None;
        let mut expressions = 0;
        // W3C SRI §3.5: hash expressions separated by white space, each with options after a `?`
        for expression in text.split_ascii_whitespace() {
            expressions += 1;
            let hash = expression.split_once('?').map_or(expression, |(hash, _options)| hash);
            let (name, digest) = hash.split_once('-').ok_or(IntegrityError::Malformed)?;
            if !is_base64_value(digest) {
                return Err(IntegrityError::Malformed);
            }
            let Some(algorithm) = algorithm(name) else { continue };
            // by the grammar a digest may be of any length; what does not decode is matched by nothing
            let digest = BASE64.decode(digest).unwrap_or_default();
            match &mut strongest {
                Some((known, digests)) if *known == algorithm => digests.push(digest),
                Some((known, _)) if length(*known) > length(algorithm) => {}
                // SD-JWT VC §6: the strongest supported algorithm decides, alone
                _ => strongest = Some((algorithm, vec![digest])),
            }
        }
        if expressions == 0 {
            return Err(IntegrityError::Malformed);
        }
        Ok(Self { text: text.to_owned(), strongest })
    }

    /// The value as it was read.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Holds a document, exactly as it was received, against the digest.
    ///
    /// # Errors
    /// [`IntegrityError::NotSupported`] and [`IntegrityError::Mismatch`].
    pub fn check(
        &self,
        received: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<(), IntegrityError> {
        // SD-JWT VC §6: with none of the algorithms supported the document is rejected
        let (algorithm, digests) = self.strongest.as_ref().ok_or(IntegrityError::NotSupported)?;
        let digest = provider.hash(*algorithm, received);
        // SD-JWT VC §6: any of the digests of that algorithm may match
        if digests.iter().any(|expected| expected == digest.as_bytes()) {
            Ok(())
        } else {
            Err(IntegrityError::Mismatch)
        }
    }

    /// The value for a document, with SHA-256, to be put beside a reference to it.
    pub fn of(document: &[u8], provider: &dyn CryptoProvider) -> Self {
        let digest = provider.hash(HashAlgorithm::Sha256, document);
        let text = format!("sha256-{}", BASE64.encode(digest.as_bytes()));
        let strongest = Some((HashAlgorithm::Sha256, vec![digest.as_bytes().to_vec()]));
        Self { text, strongest }
    }
}

/// CSP 3 §2.3.1, `base64-value`: letters, digits and `+/-_`, then at most two `=`.
fn is_base64_value(text: &str) -> bool {
    let value = text.trim_end_matches('=');
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte);
    !value.is_empty() && text.len() - value.len() <= 2 && value.bytes().all(fits)
}

/// W3C SRI §3.2: sha256, sha384 and sha512, and in time perhaps others.
fn algorithm(name: &str) -> Option<HashAlgorithm> {
    match name {
        "sha256" => Some(HashAlgorithm::Sha256),
        "sha384" => Some(HashAlgorithm::Sha384),
        "sha512" => Some(HashAlgorithm::Sha512),
        _ => None,
    }
}

const fn length(algorithm: HashAlgorithm) -> usize {
    match algorithm {
        HashAlgorithm::Sha256 => 32,
        HashAlgorithm::Sha384 => 48,
        HashAlgorithm::Sha512 => 64,
    }
}

impl fmt::Debug for Integrity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Integrity({})", self.text)
    }
}

impl Serialize for Integrity {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}
