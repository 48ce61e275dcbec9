//! What the keys of tenants are wrapped with: one key, and the ones before it while anything is wrapped under them.

use std::path::Path;

use lanyard_core::{
    crypto::{CryptoProvider, open_at_rest, seal_at_rest},
    json,
};
use lanyard_store::{SecretName, TenantId};
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::KeyError;
use crate::files;

/// The file of the sealing key in a data folder.
pub const SEALING_KEY: &str = "sealing-key";

/// The first line of a file with more than one key; a file of 32 bytes is one key.
const HEADER: &str = "lanyard sealing keys 1";

const KEY: usize = 32;

/// The key that seals, and those that still open.
#[derive(Clone, ZeroizeOnDrop)]
pub struct SealingKeys(Vec<[u8; KEY]>);

impl SealingKeys {
    /// One fresh key.
    pub fn generate(provider: &dyn CryptoProvider) -> Self {
        let mut fresh = [0; KEY];
        provider.fill(&mut fresh);
        Self(vec![fresh])
    }

    /// Reads a file: 32 bytes are one key.
    ///
    /// # Errors
    /// When it cannot be read, is damaged or open to others.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        if let Some(mode) = files::open_to_others(path) {
            return Err(KeyError::OpenToOthers { file: path.display().to_string(), mode });
        }
        let bytes = Zeroizing::new(std::fs::read(path)?);
        let damaged = || KeyError::SealingKeyDamaged { file: path.display().to_string() };
        Self::parse(&bytes).ok_or_else(damaged)
    }

    /// Reads what is in a file, or keys in base64url with spaces between, the newest first.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if let Ok(key) = bytes.try_into() {
            return Some(Self(vec![key]));
        }
        let text = std::str::from_utf8(bytes).ok()?;
        let words = text.strip_prefix(HEADER).unwrap_or(text).split_whitespace();
        let key = |word: &str| json::base64url_decode(word).ok()?.try_into().ok();
        let keys = words.map(key).collect::<Option<Vec<_>>>()?;
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// As a file.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        if let [key] = self.0.as_slice() {
            return Zeroizing::new(key.to_vec());
        }
        let mut text = Zeroizing::new(format!("{HEADER}\n"));
        for key in &self.0 {
            text.push_str(&Zeroizing::new(json::base64url(key)));
            text.push('\n');
        }
        Zeroizing::new(text.as_bytes().to_vec())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// With a fresh key in front, which seals from now on.
    #[must_use]
    pub fn rotated(&self, provider: &dyn CryptoProvider) -> Self {
        let mut keys = Self::generate(provider);
        keys.0.extend(&self.0);
        keys
    }

    /// The first alone.
    #[must_use]
    pub fn newest(&self) -> Self {
        Self(self.0.iter().take(1).copied().collect())
    }

    /// Seals for one name of one tenant, under the first key.
    ///
    /// # Errors
    /// [`KeyError::Unusable`], if there is no key.
    pub(super) fn seal(
        &self,
        (tenant, name): (&TenantId, &SecretName),
        bytes: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<Vec<u8>, KeyError> {
        let key = self.0.first().ok_or(KeyError::Unusable)?;
        seal_at_rest(key, &bound_to(tenant, name), bytes, provider).map_err(|_| KeyError::Unusable)
    }

    /// Opens what any of the keys sealed for this name of this tenant.
    ///
    /// # Errors
    /// [`KeyError::WrongSealingKey`].
    pub(super) fn open(
        &self,
        (tenant, name): (&TenantId, &SecretName),
        sealed: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let bound = bound_to(tenant, name);
        let mut opened =
            self.0.iter().filter_map(|key| open_at_rest(key, &bound, sealed, provider).ok());
        opened.next().ok_or(KeyError::WrongSealingKey)
    }
}

/// A sealed key moved to another tenant or name does not open there.
fn bound_to(tenant: &TenantId, name: &SecretName) -> Vec<u8> {
    format!("lanyard vault 1\n{tenant}\n{name}").into_bytes()
}

impl std::fmt::Debug for SealingKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SealingKeys({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use lanyard_core::crypto::AwsLc;

    use super::*;

    fn place() -> (TenantId, SecretName) {
        ("demo".parse().unwrap(), "issuer/key".parse().unwrap())
    }

    #[test]
    fn opens_what_an_earlier_version_sealed() {
        let (tenant, name) = place();
        let keys = SealingKeys(vec![[7; KEY]]);
        let sealed = json::base64url_decode("AAECAwQFBgcICQoLc-SQ7wcprMlt8VmIuhSsdwdZHg").unwrap();
        assert_eq!(**keys.open((&tenant, &name), &sealed, &AwsLc).unwrap(), *b"key");
    }

    #[test]
    fn a_rotated_key_seals_and_the_one_before_still_opens() {
        let (tenant, name) = place();
        let old = SealingKeys::generate(&AwsLc);
        let sealed = old.seal((&tenant, &name), b"key", &AwsLc).unwrap();
        let keys = old.rotated(&AwsLc);
        assert_eq!(**keys.open((&tenant, &name), &sealed, &AwsLc).unwrap(), *b"key");
        let sealed = keys.seal((&tenant, &name), b"key", &AwsLc).unwrap();
        assert!(matches!(
            old.open((&tenant, &name), &sealed, &AwsLc),
            Err(KeyError::WrongSealingKey)
        ));
        assert_eq!(**keys.newest().open((&tenant, &name), &sealed, &AwsLc).unwrap(), *b"key");
    }

    #[test]
    fn what_is_sealed_opens_for_its_tenant_and_name_alone() {
        let (tenant, name) = place();
        let keys = SealingKeys::generate(&AwsLc);
        let sealed = keys.seal((&tenant, &name), b"key", &AwsLc).unwrap();
        let other = ("other".parse().unwrap(), "issuer/other".parse().unwrap());
        for place in [(&other.0, &name), (&tenant, &other.1)] {
            let opened = keys.open(place, &sealed, &AwsLc);
            assert!(matches!(opened, Err(KeyError::WrongSealingKey)), "{place:?}");
        }
    }

    #[test]
    fn a_file_says_one_key_or_several() {
        let one = SealingKeys::generate(&AwsLc);
        assert_eq!(one.to_bytes().len(), KEY);
        let three = one.rotated(&AwsLc).rotated(&AwsLc);
        for keys in [one, three] {
            let read = SealingKeys::parse(&keys.to_bytes()).unwrap();
            assert_eq!(read.0, keys.0);
        }
        let text = json::base64url([7; KEY]);
        assert_eq!(SealingKeys::parse(text.as_bytes()).unwrap().0, [[7; KEY]]);
    }

    #[test]
    fn what_is_no_key_is_none() {
        let short = json::base64url([7; 31]);
        for bytes in ["", "x", HEADER, &short, &"x".repeat(33)] {
            assert!(SealingKeys::parse(bytes.as_bytes()).is_none(), "{bytes}");
        }
    }
}
