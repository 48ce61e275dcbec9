//! Hashing to scalars (draft-irtf-cfrg-bbs-signatures §4.2, RFC 9380 §5.3.1).

use super::{scalar::Scalar, tag};
use crate::crypto::{CryptoProvider, HashAlgorithm};

/// How many bytes a scalar or a generator is hashed to before it is reduced (§7.2.2, `expand_len`).
pub(super) const EXPANDED: usize = 48;

/// The block of SHA-256.
const BLOCK: usize = 64;

/// RFC 9380 §5.3.1, `expand_message_xmd` with SHA-256.
pub(super) fn expand_message(
    message: &[u8],
    tag: &[u8],
    length: usize,
    provider: &dyn CryptoProvider,
) -> Vec<u8> {
    let hash = |input: &[u8]| provider.hash(HashAlgorithm::Sha256, input);
    // a tag of ours is far shorter than 255 bytes
    let tag = [tag, &[tag.len() as u8]].concat();
    let length_bytes = (length as u16).to_be_bytes();
    let first = hash(&[&[0; BLOCK], message, &length_bytes, &[0], &tag[..]].concat());
    let mut block = hash(&[first.as_bytes(), &[1], &tag].concat());
    let mut expanded = block.as_bytes().to_vec();
    let mut number = 1_u8;
    while expanded.len() < length {
        number += 1;
        let mixed: Vec<u8> =
            first.as_bytes().iter().zip(block.as_bytes()).map(|(one, other)| one ^ other).collect();
        block = hash(&[&mixed[..], &[number], &tag].concat());
        expanded.extend(block.as_bytes());
    }
    expanded.truncate(length);
    expanded
}

/// §4.2.1, `hash_to_scalar`.
pub(super) fn hash_to_scalar(message: &[u8], tag: &[u8], provider: &dyn CryptoProvider) -> Scalar {
    Scalar::reduce(&expand_message(message, tag, EXPANDED, provider))
}

/// What is hashed within an operation: the signature's `e`, the domain, the challenge (`H2S_`).
pub(super) fn hash_to_inner_scalar(message: &[u8], provider: &dyn CryptoProvider) -> Scalar {
    hash_to_scalar(message, &tag(b"H2S_"), provider)
}

/// §4.1.2, `messages_to_scalars`.
pub(super) fn messages_to_scalars<M: AsRef<[u8]>>(
    messages: &[M],
    provider: &dyn CryptoProvider,
) -> Vec<Scalar> {
    let tag = tag(b"MAP_MSG_TO_SCALAR_AS_HASH_");
    messages.iter().map(|message| hash_to_scalar(message.as_ref(), &tag, provider)).collect()
}
