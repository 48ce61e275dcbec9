//! Hybrid public key encryption (RFC 9180) in the one suite that is needed: base mode, DHKEM(P-256,
//! HKDF-SHA256), HKDF-SHA256, AES-128-GCM, one message a context.

use zeroize::Zeroizing;

use super::{
    ContentEncryption, CryptoError, CryptoProvider, Curve, EcPoint, PrivateKey, PublicKey,
};

/// RFC 9180 §4.1: `"KEM" || 0x0010`.
const KEM_SUITE: &[u8] = b"KEM\x00\x10";
/// RFC 9180 §5.1: `"HPKE" || kem 0x0010 || kdf 0x0001 || aead 0x0001`.
const SUITE: &[u8] = b"HPKE\x00\x10\x00\x01\x00\x01";

/// A message that was sealed to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HpkeMessage {
    /// The encapsulated key: the sender's ephemeral point, uncompressed.
    pub enc: Vec<u8>,
    /// The ciphertext with its tag.
    pub ciphertext: Vec<u8>,
}

impl HpkeMessage {
    /// Seals a message to a key of P-256, without associated data (RFC 9180 §6.1 `SealBase`).
    ///
    /// # Errors
    /// [`CryptoError::KeyMismatch`] for a key of another curve, [`CryptoError::InvalidKey`] for a point off
    /// its curve.
    pub fn seal(
        recipient: &PublicKey,
        info: &[u8],
        plaintext: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<Self, CryptoError> {
        // RFC 9180 §4.1 Encap
        let (ephemeral, secret) = provider.agree_ephemeral(recipient)?;
        let enc = uncompressed(&ephemeral)?;
        let shared = shared_secret(secret.as_bytes(), &enc, recipient, provider)?;
        let context = Context::new(&*shared, info, provider);
        let ciphertext = provider.seal(
            ContentEncryption::A128Gcm,
            &context.key[..16],
            &context.nonce,
            &[],
            plaintext,
        )?;
        Ok(Self { enc, ciphertext })
    }

    /// Opens a message with the recipient's key (RFC 9180 §6.1 `OpenBase`).
    ///
    /// # Errors
    /// [`CryptoError::InvalidKey`] when the encapsulated key is no point of P-256,
    /// [`CryptoError::InvalidCiphertext`] for a message to another key, for another context, or changed.
    pub fn open(
        &self,
        own: &PrivateKey,
        info: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.open_with(own, info, &[], provider)
    }

    fn open_with(
        &self,
        own: &PrivateKey,
        info: &[u8],
        associated: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        // RFC 9180 §7.1.1: the Nsec points of NIST curves are uncompressed; §7.1.4: and on their curve
        let ephemeral = PublicKey::from_uncompressed(Curve::P256, &self.enc);
        let ephemeral = ephemeral.ok_or(CryptoError::InvalidKey)?;
        let secret = provider.agree(own, &ephemeral)?;
        let shared = shared_secret(secret.as_bytes(), &self.enc, own.public(), provider)?;
        let context = Context::new(&*shared, info, provider);
        let (key, nonce) = (&context.key[..16], &context.nonce);
        let algorithm = ContentEncryption::A128Gcm;
        provider.open(algorithm, key, nonce, associated, &self.ciphertext).map(Zeroizing::new)
    }
}

/// RFC 9180 §4.1 ExtractAndExpand, over what was agreed on and who agreed.
fn shared_secret(
    agreed: &[u8],
    enc: &[u8],
    recipient: &PublicKey,
    provider: &dyn CryptoProvider,
) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    let labeled = Labeled { suite: KEM_SUITE, provider };
    let pseudorandom = labeled.extract(&[], "eae_prk", agreed);
    let both = [enc, &uncompressed(recipient)?].concat();
    Ok(labeled.expand(&*pseudorandom, "shared_secret", &both, 32))
}

/// RFC 9180 §5.1 KeySchedule in base mode; for the first message, whose nonce is the base nonce.
struct Context {
    /// The first 16 bytes of it.
    key: Zeroizing<[u8; 32]>,
    nonce: [u8; 12],
}

impl Context {
    fn new(shared: &[u8], info: &[u8], provider: &dyn CryptoProvider) -> Self {
        let labeled = Labeled { suite: SUITE, provider };
        let psk_id = labeled.extract(&[], "psk_id_hash", &[]);
        let info = labeled.extract(&[], "info_hash", info);
        let context = [&[0], psk_id.as_slice(), info.as_slice()].concat();
        let secret = labeled.extract(shared, "secret", &[]);
        let key = labeled.expand(&*secret, "key", &context, 16);
        let base = labeled.expand(&*secret, "base_nonce", &context, 12);
        let mut nonce = [0; 12];
        nonce.copy_from_slice(&base[..12]);
        Self { key, nonce }
    }
}

/// RFC 9180 §4: the labelled functions of one suite.
struct Labeled<'p> {
    suite: &'static [u8],
    provider: &'p dyn CryptoProvider,
}

impl Labeled<'_> {
    fn extract(&self, salt: &[u8], label: &str, input: &[u8]) -> Zeroizing<[u8; 32]> {
        let input = Zeroizing::new([b"HPKE-v1", self.suite, label.as_bytes(), input].concat());
        Zeroizing::new(self.provider.hmac_sha256(salt, &input))
    }

    /// The first block of the expansion to `length` bytes, which is all of it here; the rest is not of it.
    fn expand(&self, key: &[u8], label: &str, info: &[u8], length: u16) -> Zeroizing<[u8; 32]> {
        let info = [
            &length.to_be_bytes(),
            b"HPKE-v1".as_slice(),
            self.suite,
            label.as_bytes(),
            info,
            // RFC 5869 §2.3: the number of the block
            &[1],
        ];
        Zeroizing::new(self.provider.hmac_sha256(key, &info.concat()))
    }
}

fn uncompressed(key: &PublicKey) -> Result<Vec<u8>, CryptoError> {
    match key {
        PublicKey::P256(EcPoint { .. }) => Ok(key.to_uncompressed()),
        _ => Err(CryptoError::KeyMismatch),
    }
}

#[cfg(all(test, feature = "rustcrypto"))]
mod tests {
    use super::*;
    use crate::crypto::RustCrypto;

    fn hex(text: &str) -> Vec<u8> {
        let digit = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal digits");
        (0..text.len()).step_by(2).map(digit).collect()
    }

    /// RFC 9180 App. A.3.1: the recipient, the info, and the first message.
    fn vector() -> (PrivateKey, Vec<u8>, HpkeMessage) {
        let public = hex(
            "04fe8c19ce0905191ebc298a9245792531f26f0cece2460639e8bc39cb7f706a826a779b4cf969b8a0e539c7f62fb3d30ad6aa8f80e30f1d128aafd68a2ce72ea0",
        );
        let public =
            PublicKey::from_uncompressed(Curve::P256, &public).expect("a point of the curve");
        let scalar = hex("f3ce7fdae57e1a310d87f1ebbde6f328be0a99cdbcadf4d6589cf29de4b8ffd2");
        let message = HpkeMessage {
            enc: hex(
                "04a92719c6195d5085104f469a8b9814d5838ff72b60501e2c4466e5e67b325ac98536d7b61a1af4b78e5b7f951c0900be863c403ce65c9bfcb9382657222d18c4",
            ),
            ciphertext: hex(
                "5ad590bb8baa577f8619db35a36311226a896e7342a6d836d8b7bcd2f20b6c7f9076ac232e3ab2523f39513434",
            ),
        };
        let info = hex("4f6465206f6e2061204772656369616e2055726e");
        (PrivateKey::from_parts(scalar, public).expect("a key of the curve"), info, message)
    }

    #[test]
    fn opens_the_first_message_of_rfc_9180_a_3_1() {
        let (own, info, message) = vector();
        let opened = message.open_with(&own, &info, b"Count-0", &RustCrypto).unwrap();
        assert_eq!(*opened, b"Beauty is truth, truth beauty");
        #[cfg(feature = "aws-lc")]
        assert_eq!(message.open_with(&own, &info, b"Count-0", &crate::crypto::AwsLc), Ok(opened));
    }

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let own = RustCrypto.generate_key(Curve::P256).unwrap();
        let other = RustCrypto.generate_key(Curve::P256).unwrap();
        let sealed = HpkeMessage::seal(own.public(), b"info", b"message", &RustCrypto).unwrap();
        assert_eq!(*sealed.open(&own, b"info", &RustCrypto).unwrap(), b"message");
        let broken = Err(CryptoError::InvalidCiphertext);
        assert_eq!(sealed.open(&other, b"info", &RustCrypto), broken);
        assert_eq!(sealed.open(&own, b"other info", &RustCrypto), broken);
        let mut changed = sealed.clone();
        changed.ciphertext[0] ^= 1;
        assert_eq!(changed.open(&own, b"info", &RustCrypto), broken);
        let off_curve = HpkeMessage { enc: [&[4], [7; 64].as_slice()].concat(), ..sealed.clone() };
        assert_eq!(off_curve.open(&own, b"info", &RustCrypto), Err(CryptoError::InvalidKey));
        let compressed = HpkeMessage { enc: sealed.enc[..33].to_vec(), ..sealed };
        assert_eq!(compressed.open(&own, b"info", &RustCrypto), Err(CryptoError::InvalidKey));
    }

    #[test]
    fn seals_to_no_other_curve() {
        let key = RustCrypto.generate_key(Curve::P384).unwrap();
        let sealed = HpkeMessage::seal(key.public(), b"", b"", &RustCrypto);
        assert_eq!(sealed, Err(CryptoError::KeyMismatch));
    }
}
