//! Bearer values: never printed, compared in constant time, wiped when dropped.

use std::fmt;

use lanyard_core::{
    crypto::{CryptoProvider, HashAlgorithm, Random},
    json,
};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use zeroize::ZeroizeOnDrop;

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
    /// The code a wallet trades for an access token, once (OID4VCI §4.1.1).
    PreAuthorizedCode
}
bearer_value! {
    /// What the holder types in, sent to them on another channel (OID4VCI §4.1.1).
    TxCode
}
bearer_value! {
    /// The token that the credential endpoint asks for (OID4VCI §6.2).
    AccessToken
}

bearer_value! {
    /// The code that a wallet trades for an access token after its holder logged in (RFC 6749 §4.1.2).
    AuthorizationCode
}
bearer_value! {
    /// What leads from an authorization request to an offer (OID4VCI §4.1.1); proof of nothing.
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
    /// What a wallet collects a deferred credential with (OID4VCI §9).
    TransactionId
}
bearer_value! {
    /// What a wallet tells about a credential response with (OID4VCI §11).
    NotificationId
}

impl TransactionId {
    /// A fresh identifier of 256 bits.
    pub fn generate(random: &dyn Random) -> Self {
        Self(generate_text(random))
    }
}

impl AuthorizationCode {
    /// A fresh code of 256 bits.
    pub fn generate(random: &dyn Random) -> Self {
        Self(generate_text(random))
    }
}

impl NotificationId {
    /// A fresh identifier of 256 bits.
    pub fn generate(random: &dyn Random) -> Self {
        Self(generate_text(random))
    }
}

impl IssuerState {
    /// A fresh one of 256 bits.
    pub fn generate(random: &dyn Random) -> Self {
        Self(generate_text(random))
    }
}

impl RequestUri {
    /// A fresh one of 256 bits, in the form that RFC 9126 §2.2 proposes.
    pub fn generate<R: Random + ?Sized>(random: &R) -> Self {
        let mut bytes = [0; 32];
        random.fill(&mut bytes);
        Self(format!("urn:ietf:params:oauth:request_uri:{}", json::base64url(bytes)))
    }
}

impl RefreshToken {
    /// A fresh token of 256 bits.
    pub fn generate(random: &dyn Random) -> Self {
        Self(generate_text(random))
    }
}

impl PreAuthorizedCode {
    /// A fresh code of 256 bits.
    pub fn generate(random: &dyn Random) -> Self {
        Self(generate_text(random))
    }
}

impl AccessToken {
    /// A fresh token of 256 bits.
    pub fn generate(random: &dyn Random) -> Self {
        Self(generate_text(random))
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
