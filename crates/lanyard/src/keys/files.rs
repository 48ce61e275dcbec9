//! A signing key and its certificates from files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lanyard_core::crypto::{CryptoProvider, Curve, PrivateKey, PublicKey};
use rcgen::{KeyPair, PublicKeyData as _};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};

use super::{KeyError, Pkcs11Uri, SigningIdentity};
use crate::files;

/// Where a private key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFile {
    /// A file, PKCS #8, PEM.
    Pem(PathBuf),
    /// A PKCS #11 token, which it does not leave.
    Token(Pkcs11Uri),
}

/// Reads a chain (leaf first, anchor left out), PEM, and finds the key of its leaf.
///
/// # Errors
/// When a file cannot be read, is open to others, the key is not there, or the two do not belong together.
pub fn read_signing_files(
    certificates: &Path,
    key: &KeyFile,
    provider: &Arc<dyn CryptoProvider>,
) -> Result<SigningIdentity, KeyError> {
    let identity = read_signer(key, provider)?;
    let chain = CertificateDer::pem_file_iter(certificates)
        .map_err(|_| KeyError::Certificate)?
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| KeyError::Certificate)?;
    let leaf = chain.first().ok_or(KeyError::Certificate)?;
    let point = identity.signer.public_key().to_uncompressed();
    if !leaf.windows(point.len()).any(|window| window == point) {
        return Err(KeyError::Unusable);
    }
    Ok(SigningIdentity { chain, ..identity })
}

/// Finds a key without certificates: that of a DID.
///
/// # Errors
/// When the file cannot be read, is open to others, or what is there is no P-256 key.
pub fn read_signer(
    key: &KeyFile,
    provider: &Arc<dyn CryptoProvider>,
) -> Result<SigningIdentity, KeyError> {
    match key {
        KeyFile::Pem(file) => SigningIdentity::new(provider.as_ref(), &read_key(file)?, Vec::new()),
        KeyFile::Token(uri) => {
            let signer = super::TokenSigner::open(uri, provider.clone())?;
            Ok(SigningIdentity { signer: Arc::new(signer), chain: Vec::new() })
        }
    }
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
