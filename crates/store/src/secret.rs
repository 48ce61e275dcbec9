//! Sealed tenant material: signing keys and configuration that must not be readable at rest.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{StoreError, TenantId};

/// The longest secret name.
const LONGEST: usize = 128;

/// The name of one piece of sealed material, `[a-z0-9._/-]{1,128}`, such as `key/issuer/2026`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

impl SecretName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SecretName {
    type Err = ParseSecretNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._/-".contains(&byte)
        };
        if text.is_empty() || text.len() > LONGEST || !text.bytes().all(allowed) {
            return Err(ParseSecretNameError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a secret name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a secret name is 1 to {LONGEST} characters of a-z, 0-9, '.', '_', '/' and '-'")]
pub struct ParseSecretNameError;

/// One piece of sealed material.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its name.
    pub name: SecretName,
    /// How often it was written.
    pub version: u64,
    /// The bytes, sealed by the caller and opaque here.
    pub sealed: Vec<u8>,
    /// When this version was written.
    pub written_at: Timestamp,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("tenant", &self.tenant)
            .field("name", &self.name)
            .field("version", &self.version)
            .field("sealed", &format_args!("{} bytes", self.sealed.len()))
            .field("written_at", &self.written_at)
            .finish()
    }
}

/// Whether a secret was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Put {
    /// It was, as this version.
    Done(u64),
    /// The stored version is another one, or one exists where none was expected.
    Conflict,
}

/// Keeps sealed material by tenant and name.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Reads one secret.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
    ) -> Result<Option<Secret>, StoreError>;

    /// Writes a secret in place of version `expected`, or as the first one if that is `None`.
    ///
    /// Two processes that make the same key on first start cannot both believe that theirs counts.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn put_secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        expected: Option<u64>,
        sealed: Vec<u8>,
        now: Timestamp,
    ) -> Result<Put, StoreError>;

    /// The names that begin with `prefix`, in order.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn secret_names(
        &self,
        tenant: &TenantId,
        prefix: &str,
    ) -> Result<Vec<SecretName>, StoreError>;

    /// Every secret of every tenant, for whoever seals them anew.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn all_secrets(&self) -> Result<Vec<Secret>, StoreError>;

    /// Removes a secret; says whether there was one.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn remove_secret(
        &self,
        tenant: &TenantId,
        name: &SecretName,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::{ParseSecretNameError, SecretName};

    #[test]
    fn names_are_plain_text_of_bounded_length() {
        for name in ["key/issuer/2026-11", "a", "config.toml", "x_y", &"a".repeat(128)] {
            assert_eq!(name.parse::<SecretName>().unwrap().as_str(), name);
        }
        for name in ["", "Key", "a b", "a%", "a'", "\0", "é", &"a".repeat(129)] {
            assert_eq!(name.parse::<SecretName>(), Err(ParseSecretNameError), "{name}");
        }
    }
}
