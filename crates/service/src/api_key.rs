//! API keys of integrators: known by their digests alone, each good for its scopes.

use std::fmt;

use lanyard_core::{
    crypto::{CryptoProvider, HashAlgorithm},
    json,
};
use lanyard_store::TenantId;
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use crate::{Scope, Scopes};

/// What every API key begins with, so that one that leaked is recognised as one.
const PREFIX: &str = "lyk_";

/// The SHA-256 of an API key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ApiKeyDigest([u8; 32]);

impl ApiKeyDigest {
    /// Takes a digest that was made when the key was.
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    /// Hashes a key.
    pub fn of(key: &str, provider: &dyn CryptoProvider) -> Self {
        let mut digest = [0; 32];
        let hash = provider.hash(HashAlgorithm::Sha256, key.as_bytes());
        digest.copy_from_slice(hash.as_bytes());
        Self(digest)
    }

    /// Reads a digest as [`ApiKeyDigest::to_text`] writes it.
    pub fn from_text(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("sha256:")?.as_bytes();
        let digit = |byte: &u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let (pairs, []) = digits.as_chunks::<2>() else { return None };
        let bytes: Option<Vec<u8>> =
            pairs.iter().map(|[high, low]| Some(digit(high)? << 4 | digit(low)?)).collect();
        bytes?.try_into().ok().map(Self)
    }

    /// The digest as a configuration file has it: `sha256:` and 64 hexadecimal digits.
    pub fn to_text(&self) -> String {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{digits}")
    }
}

impl fmt::Debug for ApiKeyDigest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ApiKeyDigest")
    }
}

/// A key that a tenant gave to one of its systems.
#[derive(Clone, Copy, Debug)]
pub struct ApiKey {
    digest: ApiKeyDigest,
    scopes: Scopes,
}

impl ApiKey {
    /// A key that is good for these scopes.
    pub const fn new(digest: ApiKeyDigest, scopes: Scopes) -> Self {
        Self { digest, scopes }
    }

    /// A key that is good for everything.
    pub const fn of_every_scope(digest: ApiKeyDigest) -> Self {
        Self::new(digest, Scopes::EVERY)
    }

    /// Makes a key: its text, to be given out once, with 256 random bits behind `lyk_` and the tenant's name.
    pub fn generate(tenant: &TenantId, provider: &dyn CryptoProvider) -> Zeroizing<String> {
        let mut random = Zeroizing::new([0; 32]);
        provider.fill(random.as_mut_slice());
        Zeroizing::new(format!("{PREFIX}{tenant}_{}", json::base64url(random.as_slice())))
    }
}

impl From<ApiKeyDigest> for ApiKey {
    fn from(digest: ApiKeyDigest) -> Self {
        Self::of_every_scope(digest)
    }
}

/// The scopes of a key that was shown, if it is one of these; takes the same time whichever it is.
fn scopes_of(shown: &ApiKeyDigest, keys: &[ApiKey]) -> Option<Scopes> {
    let (mut known, mut scopes) = (0, 0);
    for key in keys {
        let is_it = shown.0.ct_eq(&key.digest.0);
        known.conditional_assign(&1_u8, is_it);
        scopes.conditional_assign(&key.scopes.bits(), is_it);
    }
    (known == 1).then(|| Scopes::from_bits(scopes))
}

/// Why a caller whose key can be read is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAdmitted {
    /// No tenant has this key.
    Unknown,
    /// Another tenant has it: no more is told than about a tenant that does not exist.
    Elsewhere,
    /// It is not good for what is asked.
    Scope(Scope),
}

/// Admits a caller to a tenant for one scope; a route that says none needs a key of every scope.
///
/// # Errors
/// [`NotAdmitted`]. Without a tenant the key is looked for among those of all the others.
pub(crate) fn admit<'k>(
    shown: &ApiKeyDigest,
    needed: Option<Scope>,
    tenant: Option<&[ApiKey]>,
    all: impl Iterator<Item = &'k [ApiKey]>,
) -> Result<(), NotAdmitted> {
    match tenant.and_then(|keys| scopes_of(shown, keys)) {
        Some(scopes) if needed.map_or(scopes == Scopes::EVERY, |needed| scopes.has(needed)) => {
            Ok(())
        }
        Some(_) => Err(needed.map_or(NotAdmitted::Elsewhere, NotAdmitted::Scope)),
        None => {
            let elsewhere = all.fold(false, |found, keys| scopes_of(shown, keys).is_some() | found);
            Err(if elsewhere { NotAdmitted::Elsewhere } else { NotAdmitted::Unknown })
        }
    }
}

#[cfg(test)]
mod tests {
    use lanyard_core::crypto::RustCrypto;

    use super::*;

    fn key(text: &str, scopes: impl IntoIterator<Item = Scope>) -> ApiKey {
        ApiKey::new(ApiKeyDigest::of(text, &RustCrypto), scopes.into_iter().collect())
    }

    #[test]
    fn a_key_is_good_for_its_own_scopes_in_its_own_tenant() {
        let ours = [key("hr", [Scope::OffersWrite]), key("desk", [Scope::RequestsRead])];
        let theirs = [key("other", Scope::ALL)];
        let asked = |text: &str, scope, tenant: Option<&[ApiKey]>| {
            let shown = ApiKeyDigest::of(text, &RustCrypto);
            admit(&shown, Some(scope), tenant, [ours.as_slice(), theirs.as_slice()].into_iter())
        };
        let here = Some(ours.as_slice());
        assert_eq!(asked("hr", Scope::OffersWrite, here), Ok(()));
        assert_eq!(asked("desk", Scope::RequestsRead, here), Ok(()));
        let scope = NotAdmitted::Scope(Scope::OffersWrite);
        assert_eq!(asked("desk", Scope::OffersWrite, here), Err(scope));
        assert_eq!(asked("other", Scope::OffersWrite, here), Err(NotAdmitted::Elsewhere));
        assert_eq!(asked("hr", Scope::OffersWrite, None), Err(NotAdmitted::Elsewhere));
        assert_eq!(asked("guess", Scope::OffersWrite, here), Err(NotAdmitted::Unknown));
    }

    #[test]
    fn a_key_names_its_tenant_and_no_two_are_alike() {
        let tenant = "acme".parse().unwrap();
        let one = ApiKey::generate(&tenant, &RustCrypto);
        assert!(one.starts_with("lyk_acme_"));
        assert_eq!(one.len(), "lyk_acme_".len() + 43);
        assert_ne!(one, ApiKey::generate(&tenant, &RustCrypto));
    }

    #[test]
    fn a_digest_is_read_as_it_is_written_and_in_no_other_spelling() {
        let digest = ApiKeyDigest::of("key", &RustCrypto);
        let text = digest.to_text();
        assert_eq!(ApiKeyDigest::from_text(&text), Some(digest));
        for other in [&text[7..], &text[..70], &text.to_uppercase(), "sha256:", "sha256:zz"] {
            assert_eq!(ApiKeyDigest::from_text(other), None, "{other}");
        }
    }
}
