//! Holder keys in a home of their own: Secure Enclave, Android Keystore. Only names and signatures come out.

use std::sync::Arc;

use async_trait::async_trait;
use lanyard_core::crypto::{Curve, PublicKey, SignatureAlgorithm, Signer, SignerError};

use crate::ports::{KeyHandle, KeyStore, KeyStoreError};

/// A key as its home shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HardwareKey {
    /// Its name there.
    pub handle: KeyHandle,
    /// Its public half: `0x04 || x || y` on P-256 (SEC 1 §2.3.3).
    pub public_key: Vec<u8>,
}

/// The hardware that makes and uses keys on P-256, in the forms that platforms speak.
#[async_trait]
pub trait KeyHome: Send + Sync {
    /// Makes so many keys.
    ///
    /// # Errors
    /// [`KeyStoreError`].
    async fn generate(&self, count: u32) -> Result<Vec<HardwareKey>, KeyStoreError>;

    /// The public half of a key.
    ///
    /// # Errors
    /// [`KeyStoreError::Unknown`] when there is no such key.
    async fn public_key(&self, handle: &KeyHandle) -> Result<Vec<u8>, KeyStoreError>;

    /// Signs by ECDSA with SHA-256; the signature is `r || s` or the DER form of X9.62.
    ///
    /// # Errors
    /// [`KeyStoreError`].
    async fn sign(&self, handle: &KeyHandle, message: &[u8]) -> Result<Vec<u8>, KeyStoreError>;

    /// Signs each message by its key, as [`KeyHome::sign`] does, with one authentication of the holder for all.
    ///
    /// # Errors
    /// [`KeyStoreError`].
    async fn sign_each(
        &self,
        wanted: &[(KeyHandle, Vec<u8>)],
    ) -> Result<Vec<Vec<u8>>, KeyStoreError>;

    /// Deletes keys; unknown ones are no error.
    ///
    /// # Errors
    /// [`KeyStoreError`].
    async fn delete(&self, handles: &[KeyHandle]) -> Result<(), KeyStoreError>;
}

/// The [`KeyStore`] over a [`KeyHome`].
#[derive(Clone)]
pub struct HardwareKeys(Arc<dyn KeyHome>);

impl HardwareKeys {
    /// Uses the keys of this home.
    pub fn new(home: Arc<dyn KeyHome>) -> Self {
        Self(home)
    }
}

#[async_trait]
impl KeyStore for HardwareKeys {
    async fn generate(&self, count: usize) -> Result<Vec<KeyHandle>, KeyStoreError> {
        let count = u32::try_from(count).map_err(|_| KeyStoreError::Unavailable)?;
        let keys = self.0.generate(count).await?;
        // fewer keys than copies would bind two copies to one key
        if keys.len() != count as usize {
            return Err(KeyStoreError::Unavailable);
        }
        Ok(keys.into_iter().map(|key| key.handle).collect())
    }

    async fn signer(&self, handle: &KeyHandle) -> Result<Arc<dyn Signer>, KeyStoreError> {
        let point = self.0.public_key(handle).await?;
        let public = PublicKey::from_uncompressed(Curve::P256, &point);
        let public = public.ok_or(KeyStoreError::Unavailable)?;
        Ok(Arc::new(HardwareSigner { home: self.0.clone(), handle: handle.clone(), public }))
    }

    async fn sign_each(
        &self,
        wanted: &[(KeyHandle, Vec<u8>)],
    ) -> Result<Vec<Vec<u8>>, KeyStoreError> {
        let signatures = self.0.sign_each(wanted).await?;
        if signatures.len() != wanted.len() {
            return Err(KeyStoreError::Unavailable);
        }
        let joined: Option<Vec<_>> = signatures.iter().map(|signature| joined(signature)).collect();
        joined.ok_or(KeyStoreError::Unavailable)
    }

    async fn delete(&self, handles: &[KeyHandle]) -> Result<(), KeyStoreError> {
        self.0.delete(handles).await
    }
}

struct HardwareSigner {
    home: Arc<dyn KeyHome>,
    handle: KeyHandle,
    public: PublicKey,
}

#[async_trait]
impl Signer for HardwareSigner {
    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::Es256
    }

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignerError> {
        let signature = self.home.sign(&self.handle, message).await.map_err(SignerError::from)?;
        joined(&signature).ok_or(SignerError::Unavailable)
    }
}

/// `r || s` in 64 bytes (RFC 7518 §3.4), from that form or from DER.
fn joined(signature: &[u8]) -> Option<Vec<u8>> {
    if signature.len() == 64 {
        return Some(signature.to_vec());
    }
    let (body, rest) = element(signature, 0x30)?;
    let (r, s) = element(body, 0x02)?;
    let (s, end) = element(s, 0x02)?;
    if !rest.is_empty() || !end.is_empty() {
        return None;
    }
    Some([fixed(r)?, fixed(s)?].concat())
}

/// The content of a short DER element with this tag, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    (*found == tag && *length < 0x80).then(|| rest.split_at_checked(usize::from(*length)))?
}

/// A DER integer of at most 256 bits in exactly 32 bytes.
fn fixed(integer: &[u8]) -> Option<[u8; 32]> {
    let digits = integer.strip_prefix(&[0]).unwrap_or(integer);
    let mut fixed = [0; 32];
    fixed.get_mut(32_usize.checked_sub(digits.len())?..)?.copy_from_slice(digits);
    Some(fixed)
}

impl std::fmt::Debug for HardwareKeys {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("HardwareKeys")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_forms_of_a_signature() {
        let plain = [[0x11; 32], [0x92; 32]].concat();
        let mut der = vec![0x30, 69, 0x02, 32];
        der.extend([0x11; 32]);
        der.extend([0x02, 33, 0]);
        der.extend([0x92; 32]);
        assert_eq!(joined(&plain), Some(plain.clone()));
        assert_eq!(joined(&der), Some(plain));
    }

    #[test]
    fn pads_a_short_integer_and_refuses_a_long_one() {
        let short = [0x30, 6, 0x02, 1, 7, 0x02, 1, 9];
        let read = joined(&short).expect("a signature");
        assert_eq!((read[31], read[63], read[0]), (7, 9, 0));
        let mut long = vec![0x30, 39, 0x02, 34, 1];
        long.extend([1; 33]);
        long.extend([0x02, 1, 9]);
        assert_eq!(joined(&long), None);
    }

    #[test]
    fn refuses_what_follows_a_signature() {
        assert_eq!(joined(&[0x30, 6, 0x02, 1, 7, 0x02, 1, 9, 0]), None);
        assert_eq!(joined(&[0x30, 7, 0x02, 1, 7, 0x02, 1, 9, 0]), None);
        assert_eq!(joined(&[]), None);
    }
}
