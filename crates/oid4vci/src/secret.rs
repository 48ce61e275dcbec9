//! Bearer values: never printed, compared in constant time, wiped when dropped.

use std::fmt;

use lanyard_core::{
    crypto::{CryptoProvider, HashAlgorithm, Random},
    json,
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::ZeroizeOnDrop;

/// Where the bearer values of one session come from.
///
/// A service that hides in each value where its session is kept brings a source of its own. Whatever is a
/// source of randomness makes values that say nothing.
pub trait Secrets {
    /// A value that nobody else has, with at least 256 random bits, in base64url.
    fn fresh(&self) -> String;

    /// Randomness for what is no bearer value.
    fn random(&self) -> &dyn Random;
}

impl<R: Random> Secrets for R {
    fn fresh(&self) -> String {
        generate_text(self)
    }

    fn random(&self) -> &dyn Random {
        self
    }
}

macro_rules! bearer_value {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Serialize, Deserialize, ZeroizeOnDrop)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the value as a peer sent it.
            pub fn new(value: impl Into<String>) -> Self {
                Self(value.into())
            }

            /// The value itself, for the one message it belongs into.
            pub fn reveal(&self) -> &str {
                &self.0
            }

            /// The SHA-256 of the value: what a store may know of it.
            pub fn digest(&self, provider: &dyn CryptoProvider) -> [u8; 32] {
                let mut digest = [0; 32];
                let hash = provider.hash(HashAlgorithm::Sha256, self.0.as_bytes());
                digest.copy_from_slice(hash.as_bytes());
                digest
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
            }
        }

        impl Eq for $name {}

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(stringify!($name))
            }
        }
    };
}

bearer_value! {
    /// The code a wallet trades for an access token, once (OID4VCI 1.0 §4.1.1).
    PreAuthorizedCode
}
bearer_value! {
    /// What the holder types in, sent to them on another channel (OID4VCI 1.0 §4.1.1).
    TxCode
}
bearer_value! {
    /// The token that the credential endpoint asks for (OID4VCI 1.0 §6.2).
    AccessToken
}

bearer_value! {
    /// The code that a wallet trades for an access token after its holder logged in (RFC 6749 §4.1.2).
    AuthorizationCode
}
bearer_value! {
    /// What leads from an authorization request to an offer (OID4VCI 1.0 §4.1.1); proof of nothing.
    IssuerState
}
bearer_value! {
    /// What stands for a pushed authorization request (RFC 9126 §2.2).
    RequestUri
}
bearer_value! {
    /// The token that access tokens are renewed with (RFC 6749 §6).
    RefreshToken
}

bearer_value! {
    /// What a wallet collects a deferred credential with (OID4VCI 1.0 §9).
    TransactionId
}
bearer_value! {
    /// What a wallet tells about a credential response with (OID4VCI 1.0 §11).
    NotificationId
}

bearer_value! {
    /// `state` of a login at a login provider (RFC 6749 §4.1.1).
    LoginState
}
bearer_value! {
    /// `nonce` of a login at a login provider (OpenID Connect Core §3.1.2.1).
    LoginNonce
}

impl LoginState {
    /// A fresh one of 256 bits.
    pub fn generate(random: &dyn Random) -> Self {
        Self(generate_text(random))
    }
}

impl LoginNonce {
    /// A fresh one of 256 bits.
    pub fn generate(random: &dyn Random) -> Self {
        Self(generate_text(random))
    }
}

impl TransactionId {
    /// A fresh identifier of 256 bits.
    pub fn generate(random: &dyn Random) -> Self {
        Self(generate_text(random))
    }
}

impl AuthorizationCode {
    /// A fresh code of at least 256 random bits.
    pub fn generate(secrets: &dyn Secrets) -> Self {
        Self(secrets.fresh())
    }
}

impl NotificationId {
    /// A fresh identifier of 256 bits.
    pub fn generate(random: &dyn Random) -> Self {
        Self(generate_text(random))
    }
}

impl IssuerState {
    /// A fresh one of at least 256 random bits.
    pub fn generate(secrets: &dyn Secrets) -> Self {
        Self(secrets.fresh())
    }
}

impl RequestUri {
    const PREFIX: &str = "urn:ietf:params:oauth:request_uri:";

    /// A fresh one of at least 256 random bits, in the form that RFC 9126 §2.2 proposes.
    pub fn generate(secrets: &dyn Secrets) -> Self {
        Self(format!("{}{}", Self::PREFIX, secrets.fresh()))
    }

    /// What [`Secrets::fresh`] made, if it begins as ours do.
    pub fn secret(&self) -> &str {
        self.0.strip_prefix(Self::PREFIX).unwrap_or_default()
    }
}

impl RefreshToken {
    /// A fresh token of at least 256 random bits.
    pub fn generate(secrets: &dyn Secrets) -> Self {
        Self(secrets.fresh())
    }
}

impl PreAuthorizedCode {
    /// A fresh code of at least 256 random bits.
    pub fn generate(secrets: &dyn Secrets) -> Self {
        Self(secrets.fresh())
    }
}

impl AccessToken {
    /// A fresh token of at least 256 random bits.
    pub fn generate(secrets: &dyn Secrets) -> Self {
        Self(secrets.fresh())
    }
}

impl TxCode {
    /// A fresh code of decimal digits.
    pub fn generate_digits(length: u8, random: &dyn Random) -> Self {
        let mut digits = String::with_capacity(usize::from(length));
        while digits.len() < usize::from(length) {
            let mut byte = [0];
            random.fill(&mut byte);
            // 250 is the largest multiple of ten in a byte: beyond it digits would not be equally likely
            if byte[0] < 250 {
                digits.push(char::from(b'0' + byte[0] % 10));
            }
        }
        Self(digits)
    }
}

fn generate_text(random: &dyn Random) -> String {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    json::base64url(bytes)
}
