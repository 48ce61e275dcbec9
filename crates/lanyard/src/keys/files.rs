//! A signing key and its certificates from files.

use std::path::Path;

use lanyard_core::crypto::{CryptoProvider, Curve, PrivateKey, PublicKey};
use rcgen::{KeyPair, PublicKeyData as _};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

use super::{KeyError, SigningIdentity};
use crate::files;

/// Reads a chain (leaf first, anchor left out) and the PKCS #8 key of its leaf, both PEM.
///
/// # Errors
/// When a file cannot be read, is open to others, or the two do not belong together.
pub fn read_signing_files(
    certificates: &Path,
    key: &Path,
    provider: &dyn CryptoProvider,
) -> Result<SigningIdentity, KeyError> {
    let key = read_key(key)?;
    let chain = CertificateDer::pem_file_iter(certificates)
        .map_err(|_| KeyError::Certificate)?
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| KeyError::Certificate)?;
    let leaf = chain.first().ok_or(KeyError::Certificate)?;
    let point = key.public().to_uncompressed();
    if !leaf.windows(point.len()).any(|window| window == point) {
        return Err(KeyError::Unusable);
    }
    SigningIdentity::new(provider, &key, chain)
}

/// Reads a PKCS #8 key without certificates: that of a DID.
///
/// # Errors
/// When the file cannot be read, is open to others, or holds no P-256 key.
pub fn read_signer(key: &Path, provider: &dyn CryptoProvider) -> Result<SigningIdentity, KeyError> {
    SigningIdentity::new(provider, &read_key(key)?, Vec::new())
}

fn read_key(key: &Path) -> Result<PrivateKey, KeyError> {
    if let Some(mode) = files::open_to_others(key) {
        return Err(KeyError::OpenToOthers { file: key.display().to_string(), mode });
    }
    let pair = KeyPair::from_pem(&std::fs::read_to_string(key)?).map_err(|_| KeyError::Unusable)?;
    private_key(&pair).ok_or(KeyError::Unusable)
}

fn private_key(pair: &KeyPair) -> Option<PrivateKey> {
    let public = PublicKey::from_uncompressed(Curve::P256, pair.der_bytes())?;
    // RFC 5915 §3 inside RFC 5208 §5: version 1, then the scalar as an octet string of 32 bytes
    let der = pair.serialize_der();
    let header = [0x02, 0x01, 0x01, 0x04, 0x20];
    let start = der.windows(header.len()).position(|window| window == header)? + header.len();
    PrivateKey::from_parts(der.get(start..start + 32)?.to_vec(), public)
}
