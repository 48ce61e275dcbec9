//! RustCrypto with randomness of the test's own.

use std::{fmt::Debug, sync::Arc};

use lanyard_core::crypto::{
    ContentEncryption, CryptoError, CryptoProvider, Curve, HashAlgorithm, HashValue, PreparedMac,
    PrivateKey, PublicKey, Random, RsaPublicKey, RustCrypto, SharedSecret, SignatureAlgorithm,
    SigningKey,
};

type Outcome<T> = Result<T, CryptoError>;

/// RustCrypto, but for what is random: that comes from elsewhere, and so may its fresh keys.
#[derive(Debug)]
pub(crate) struct WithRandom<R> {
    random: R,
    fresh: Option<PrivateKey>,
}

impl<R> WithRandom<R> {
    pub(crate) const fn new(random: R) -> Self {
        Self { random, fresh: None }
    }

    /// Every key that is generated is this one.
    pub(crate) fn generating(self, fresh: PrivateKey) -> Self {
        Self { fresh: Some(fresh), ..self }
    }
}

impl<R: Random> Random for WithRandom<R> {
    fn fill(&self, buffer: &mut [u8]) {
        self.random.fill(buffer);
    }
}

impl<R: Random + Debug> CryptoProvider for WithRandom<R> {
    fn name(&self) -> &'static str {
        "rustcrypto with randomness of the test"
    }

    fn hash(&self, algorithm: HashAlgorithm, message: &[u8]) -> HashValue {
        RustCrypto.hash(algorithm, message)
    }

    fn hmac_sha256(&self, key: &[u8], message: &[u8]) -> [u8; 32] {
        RustCrypto.hmac_sha256(key, message)
    }

    fn prepare_mac(&self, key: &[u8; 32]) -> Arc<dyn PreparedMac> {
        RustCrypto.prepare_mac(key)
    }

    fn verify_hmac_sha256(&self, key: &[u8], message: &[u8], code: &[u8]) -> Outcome<()> {
        RustCrypto.verify_hmac_sha256(key, message, code)
    }

    fn verify(
        &self,
        algorithm: SignatureAlgorithm,
        key: &PublicKey,
        message: &[u8],
        signature: &[u8],
    ) -> Outcome<()> {
        RustCrypto.verify(algorithm, key, message, signature)
    }

    fn verify_rs256(&self, key: &RsaPublicKey, message: &[u8], signature: &[u8]) -> Outcome<()> {
        RustCrypto.verify_rs256(key, message, signature)
    }

    fn generate_key(&self, curve: Curve) -> Outcome<PrivateKey> {
        self.fresh.clone().map_or_else(|| RustCrypto.generate_key(curve), Ok)
    }

    fn signing_key(&self, key: &PrivateKey) -> Outcome<Box<dyn SigningKey>> {
        RustCrypto.signing_key(key)
    }

    fn agree(&self, own: &PrivateKey, peer: &PublicKey) -> Outcome<SharedSecret> {
        RustCrypto.agree(own, peer)
    }

    fn agree_ephemeral(&self, peer: &PublicKey) -> Outcome<(PublicKey, SharedSecret)> {
        RustCrypto.agree_ephemeral(peer)
    }

    fn decompress(&self, curve: Curve, point: &[u8]) -> Outcome<PublicKey> {
        RustCrypto.decompress(curve, point)
    }

    fn derive_key_agreement(&self, key: &PublicKey) -> Outcome<PublicKey> {
        RustCrypto.derive_key_agreement(key)
    }

    fn seal(
        &self,
        algorithm: ContentEncryption,
        key: &[u8],
        nonce: &[u8; 12],
        associated: &[u8],
        plaintext: &[u8],
    ) -> Outcome<Vec<u8>> {
        RustCrypto.seal(algorithm, key, nonce, associated, plaintext)
    }

    fn open(
        &self,
        algorithm: ContentEncryption,
        key: &[u8],
        nonce: &[u8; 12],
        associated: &[u8],
        ciphertext: &[u8],
    ) -> Outcome<Vec<u8>> {
        RustCrypto.open(algorithm, key, nonce, associated, ciphertext)
    }
}
