//! What messages are signed with (Standard Webhooks, symmetric signatures).

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use lanyard_core::crypto::CryptoProvider;
use thiserror::Error;
use zeroize::Zeroizing;

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// The key that a webhook's messages are signed with; sender and receiver share it.
#[derive(Clone)]
pub struct WebhookSecret(Zeroizing<Vec<u8>>);

/// A text that is no secret.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "a webhook secret is whsec_ and 24 to 64 bytes in base64; `lanyard webhook-secret` makes one"
)]
pub struct SecretUnusable;

impl WebhookSecret {
    /// Reads a secret.
    ///
    /// # Errors
    /// [`SecretUnusable`].
    pub fn parse(text: &str) -> Result<Self, SecretUnusable> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(SecretUnusable)?;
        let bytes = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| SecretUnusable)?);
        if !(24..=64).contains(&bytes.len()) {
            return Err(SecretUnusable);
        }
        Ok(Self(bytes))
    }

    /// Makes a secret of 256 random bits: its text.
    pub fn generate(provider: &dyn CryptoProvider) -> Zeroizing<String> {
        let mut random = Zeroizing::new([0; 32]);
        provider.fill(random.as_mut_slice());
        Zeroizing::new(format!("{PREFIX}{}", STANDARD.encode(random.as_slice())))
    }

    /// The `webhook-signature` of a message: its name, the second it is sent in, and its body are signed.
    pub fn sign(&self, id: &str, second: i64, body: &str, provider: &dyn CryptoProvider) -> String {
        let signed = format!("{id}.{second}.{body}");
        format!("v1,{}", STANDARD.encode(provider.hmac_sha256(&self.0, signed.as_bytes())))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("WebhookSecret")
    }
}

#[cfg(test)]
mod tests {
    use lanyard_core::crypto::RustCrypto;

    use super::*;

    #[test]
    fn signs_as_the_example_of_the_specification() {
        let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = r#"{"test": 2432232314}"#;
        let signature =
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body, &RustCrypto);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn reads_what_it_makes_and_nothing_shorter() {
        let secret = WebhookSecret::generate(&RustCrypto);
        assert!(WebhookSecret::parse(&secret).is_ok());
        for text in ["", "whsec_", "whsec_AAAA", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_%"] {
            assert_eq!(WebhookSecret::parse(text).err(), Some(SecretUnusable), "{text}");
        }
    }
}
