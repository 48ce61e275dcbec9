//! Proof key for code exchange: `S256` and nothing else (RFC 7636, RFC 9700 §2.1.1).

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::{
    crypto::{CryptoProvider, HashAlgorithm, Random},
    json,
};

/// What a client commits itself to when it asks for a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeChallenge(String);

/// What a client shows when it redeems the code; never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CodeVerifier(String);

/// Why there is no challenge in a request.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PkceError {
    /// `code_challenge` is missing or not one.
    #[error("code_challenge is missing or not the SHA-256 of a verifier")]
    Challenge,
    /// `code_challenge_method` is not `S256`.
    #[error("code_challenge_method must be S256")]
    Method,
}

impl CodeChallenge {
    /// The name of the one method.
    pub const METHOD: &'static str = "S256";

    /// Reads the two parameters of an authorization request.
    ///
    /// # Errors
    /// One [`PkceError`] per rule.
    pub fn parse(challenge: Option<String>, method: Option<&str>) -> Result<Self, PkceError> {
        let challenge = challenge.ok_or(PkceError::Challenge)?;
        // RFC 7636 §4.3: a missing method means plain, which RFC 9700 §2.1.1 forbids
        if method != Some(Self::METHOD) {
            return Err(PkceError::Method);
        }
        // RFC 7636 §4.2: the base64url of 32 bytes
        match json::base64url_decode(&challenge) {
            Ok(digest) if digest.len() == 32 => Ok(Self(challenge)),
            _ => Err(PkceError::Challenge),
        }
    }

    /// The text of `code_challenge`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the verifier is the one this was made from.
    pub fn is_met_by(&self, verifier: &CodeVerifier, provider: &dyn CryptoProvider) -> bool {
        let own = verifier.challenge(provider);
        own.0.as_bytes().ct_eq(self.0.as_bytes()).into()
    }
}

impl CodeVerifier {
    /// A fresh verifier of 256 bits.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(json::base64url(bytes))
    }

    /// Takes a verifier as a peer sent it; `None` when it has not the form of one.
    pub fn parse(text: String) -> Option<Self> {
        // RFC 7636 §4.1: 43 to 128 unreserved characters
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        ((43..=128).contains(&text.len()) && text.bytes().all(unreserved)).then_some(Self(text))
    }

    /// The challenge that belongs to it.
    pub fn challenge(&self, provider: &dyn CryptoProvider) -> CodeChallenge {
        let digest = provider.hash(HashAlgorithm::Sha256, self.0.as_bytes());
        CodeChallenge(json::base64url(digest.as_bytes()))
    }

    /// The verifier itself, for the token request.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for CodeVerifier {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("CodeVerifier")
    }
}
