//! did:key: the identifier is the key (did:key v0.9).

use super::{Did, DidDocument, Relationship, ResolutionError, VerificationMethod};
use crate::crypto::{CryptoProvider, Curve, PublicKey};

impl Did {
    /// The did:key of a public key.
    pub fn from_key(key: &PublicKey) -> Self {
        let text = format!("did:key:{}", encode_multikey(key));
        Self::parse(&text).expect("base58 is made of characters that a DID may have")
    }
}

/// Resolves a did:key; its document has one Multikey for every purpose of a signature key.
pub(super) fn resolve(
    did: &Did,
    provider: &dyn CryptoProvider,
) -> Result<DidDocument, ResolutionError> {
    let multibase = did.method_specific_id();
    let key = decode_multikey(multibase, provider)?;
    // did:key v0.9, Document Creation Algorithm: the fragment is the multibase value; X25519 is not derived unless asked for
    let method = VerificationMethod {
        id: did.with_fragment(multibase)?,
        controller: Some(did.clone()),
        key: Some(key),
        key_use: None,
    };
    let relationships = match key {
        PublicKey::X25519(_) => &[Relationship::KeyAgreement],
        _ => Relationship::SIGNATURES,
    };
    Ok(DidDocument::of_one(did.clone(), method, relationships))
}

/// Resolves a did:key of Ed25519 with the X25519 key that belongs to it, for those who encrypt.
///
/// did:key v0.9, Document Creation Algorithm (6), `enableEncryptionKeyDerivation`. Of another curve, the
/// document is the usual one.
pub(super) fn resolve_with_key_agreement(
    did: &Did,
    provider: &dyn CryptoProvider,
) -> Result<DidDocument, ResolutionError> {
    let key = decode_multikey(did.method_specific_id(), provider)?;
    let document = resolve(did, provider)?;
    if key.curve() != Curve::Ed25519 {
        return Ok(document);
    }
    let derived = provider.derive_key_agreement(&key).map_err(|_| ResolutionError::InvalidKey)?;
    let method = VerificationMethod {
        id: did.with_fragment(&encode_multikey(&derived))?,
        controller: Some(did.clone()),
        key: Some(derived),
        key_use: None,
    };
    Ok(document.and(method, Relationship::KeyAgreement))
}

/// The multibase form of a public key: base58btc of the multicodec prefix and the compressed point.
pub(crate) fn encode_multikey(key: &PublicKey) -> String {
    let compressed = |x: &[u8], y: &[u8]| {
        let odd = y.last().is_some_and(|last| last & 1 == 1);
        [&[2 + u8::from(odd)][..], x].concat()
    };
    let (prefix, point) = match key {
        PublicKey::Ed25519(point) => (ED25519, point.to_vec()),
        PublicKey::P256(point) => (P256, compressed(&point.x, &point.y)),
        PublicKey::P384(point) => (P384, compressed(&point.x, &point.y)),
        PublicKey::Secp256k1(point) => (SECP256K1, compressed(&point.x, &point.y)),
        PublicKey::X25519(point) => (X25519, point.to_vec()),
        PublicKey::Bls12381G2(point) => (BLS12_381_G2, point.to_vec()),
    };
    format!("z{}", bs58::encode([&prefix[..], &point].concat()).into_string())
}

/// Reads what [`encode_multikey`] writes.
pub(crate) fn decode_multikey(
    multibase: &str,
    provider: &dyn CryptoProvider,
) -> Result<PublicKey, ResolutionError> {
    // did:key v0.9, Decode Public Key Algorithm (2): base58btc, and no other base
    let encoded = multibase.strip_prefix('z').ok_or(ResolutionError::InvalidDid)?;
    // base58 is decoded in quadratic time, and no key here needs more; those of RSA and of post-quantum
    // algorithms do
    if encoded.len() > MAX_MULTIBASE {
        return Err(ResolutionError::KeyNotSupported);
    }
    let bytes = bs58::decode(encoded).into_vec().map_err(|_| ResolutionError::InvalidDid)?;
    let (prefix, point) = bytes.split_first_chunk().ok_or(ResolutionError::InvalidDid)?;
    // compared as bytes: a varint with a needless byte is another prefix, and an unknown one
    let (curve, length) = match *prefix {
        ED25519 => (Curve::Ed25519, 32),
        P256 => (Curve::P256, 33),
        P384 => (Curve::P384, 49),
        SECP256K1 => (Curve::Secp256k1, 33),
        X25519 => (Curve::X25519, 32),
        #[cfg(feature = "bbs")]
        BLS12_381_G2 => return bls_key(point),
        // a beginning of a name is no key of an unknown kind
        _ if point.is_empty() => return Err(ResolutionError::InvalidDid),
        _ => return Err(ResolutionError::KeyNotSupported),
    };
    // did:key v0.9, Signature Method Creation Algorithm (3): the length the multicodec demands
    if point.len() != length {
        return Err(ResolutionError::KeyLength);
    }
    // did:key v0.9, Signature Method Creation Algorithm (4): a point on its curve
    provider.decompress(curve, point).map_err(|_| ResolutionError::InvalidKey)
}

/// A key for BBS signatures, which no provider reads.
#[cfg(feature = "bbs")]
fn bls_key(point: &[u8]) -> Result<PublicKey, ResolutionError> {
    let bytes = point.try_into().map_err(|_| ResolutionError::KeyLength)?;
    if !crate::crypto::bbs::is_public_key(point) {
        return Err(ResolutionError::InvalidKey);
    }
    Ok(PublicKey::Bls12381G2(bytes))
}

/// The longest multibase text that is decoded; a BLS12-381 G2 key has 134 characters.
const MAX_MULTIBASE: usize = 256;

// multicodec prefixes as varints
const ED25519: [u8; 2] = [0xed, 0x01];
const P256: [u8; 2] = [0x80, 0x24];
const P384: [u8; 2] = [0x81, 0x24];
const SECP256K1: [u8; 2] = [0xe7, 0x01];
const X25519: [u8; 2] = [0xec, 0x01];
const BLS12_381_G2: [u8; 2] = [0xeb, 0x01];
