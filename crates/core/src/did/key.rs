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
        controller: did.clone(),
        key: Some(key),
        key_use: None,
    };
    Ok(DidDocument::of_one(did.clone(), method, Relationship::SIGNATURES))
}

/// The multibase form of a public key: base58btc of the multicodec prefix and the compressed point.
pub(super) fn encode_multikey(key: &PublicKey) -> String {
    let compressed = |x: &[u8], y: &[u8]| {
        let odd = y.last().is_some_and(|last| last & 1 == 1);
        [&[2 + u8::from(odd)][..], x].concat()
    };
    let (prefix, point) = match key {
        PublicKey::Ed25519(point) => (ED25519, point.to_vec()),
        PublicKey::P256(point) => (P256, compressed(&point.x, &point.y)),
        PublicKey::P384(point) => (P384, compressed(&point.x, &point.y)),
    };
    format!("z{}", bs58::encode([&prefix[..], &point].concat()).into_string())
}

/// Reads what [`encode_multikey`] writes.
pub(super) fn decode_multikey(
    multibase: &str,
    provider: &dyn CryptoProvider,
) -> Result<PublicKey, ResolutionError> {
    // did:key v0.9, Decode Public Key Algorithm (2): base58btc, and no other base
    let encoded = multibase.strip_prefix('z').ok_or(ResolutionError::InvalidDid)?;
    // base58 is decoded in quadratic time, and no key here needs more
    if encoded.len() > MAX_MULTIBASE {
        return Err(ResolutionError::InvalidDid);
    }
    let bytes = bs58::decode(encoded).into_vec().map_err(|_| ResolutionError::InvalidDid)?;
    let (prefix, point) = bytes.split_first_chunk().ok_or(ResolutionError::InvalidDid)?;
    // compared as bytes: a varint with a needless byte is another prefix, and an unknown one
    let (curve, length) = match *prefix {
        ED25519 => (Curve::Ed25519, 32),
        P256 => (Curve::P256, 33),
        P384 => (Curve::P384, 49),
        P521 | SECP256K1 | X25519 | BLS12_381_G2 => return Err(ResolutionError::KeyNotSupported),
        _ => return Err(ResolutionError::InvalidDid),
    };
    // did:key v0.9, Signature Method Creation Algorithm (3): the length the multicodec demands
    if point.len() != length {
        return Err(ResolutionError::KeyLength);
    }
    // did:key v0.9, Signature Method Creation Algorithm (4): a point on its curve
    provider.decompress(curve, point).map_err(|_| ResolutionError::InvalidKey)
}

/// The longest multibase text that is decoded; a BLS12-381 G2 key has 134 characters.
const MAX_MULTIBASE: usize = 256;

// multicodec prefixes as varints
const ED25519: [u8; 2] = [0xed, 0x01];
const P256: [u8; 2] = [0x80, 0x24];
const P384: [u8; 2] = [0x81, 0x24];
const P521: [u8; 2] = [0x82, 0x24];
const SECP256K1: [u8; 2] = [0xe7, 0x01];
const X25519: [u8; 2] = [0xec, 0x01];
const BLS12_381_G2: [u8; 2] = [0xeb, 0x01];
