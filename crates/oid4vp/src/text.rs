//! Values that tie messages together, each with a type of its own.

use std::{fmt, str::FromStr};

use lanyard_core::{crypto::Random, json};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The longest value that is taken from a peer.
const MAX_LENGTH: usize = 1024;

/// Why a nonce or state was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TextError {
    /// Nothing in it.
    #[error("it is empty")]
    Empty,
    /// Longer than anyone needs.
    #[error("it is too long")]
    TooLong,
    /// Other characters than are allowed there.
    #[error("it has characters that are not allowed there")]
    Characters,
}

/// The `nonce` of a presentation request, bound by every key binding (§5.2, §14.1).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RequestNonce(String);

/// The `wallet_nonce` with which a wallet makes a request object its own (§5.10).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WalletNonce(String);

/// The `state` of a presentation request, returned with the response (§5.3).
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct State(String);

/// OID4VP 1.0 §5.2, §5.3: ASCII URL safe characters only.
const fn url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// OID4VP 1.0 §5.10 sets no alphabet; what is visible is taken, so nothing breaks a line of a log.
const fn visible(byte: u8) -> bool {
    byte.is_ascii_graphic()
}

macro_rules! tie {
    ($name:ident, $allowed:ident) => {
        impl $name {
            /// A fresh value of 256 random bits.
            #[must_use]
            pub fn generate(random: &dyn Random) -> Self {
                let mut bytes = [0; 32];
                random.fill(&mut bytes);
                Self(json::base64url(bytes))
            }

            /// The value as it is sent.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                text.to_owned().try_into()
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                match text.len() {
                    0 => Err(TextError::Empty),
                    1..=MAX_LENGTH if text.bytes().all($allowed) => Ok(Self(text)),
                    1..=MAX_LENGTH => Err(TextError::Characters),
                    _ => Err(TextError::TooLong),
                }
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, "{}({} characters)", stringify!($name), self.0.len())
            }
        }
    };
}

tie!(RequestNonce, url_safe);
tie!(WalletNonce, visible);
tie!(State, url_safe);
