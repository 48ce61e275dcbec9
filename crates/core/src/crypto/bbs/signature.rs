//! Signing messages as one, and checking such a signature (draft-irtf-cfrg-bbs-signatures §3.6.1, §3.6.2).

#[cfg(test)]
use super::point::pairs;
use super::{
    API_ID, BbsSecretKey,
    generators::Generators,
    hash::{hash_to_inner_scalar, messages_to_scalars},
    point::{Point, PublicPoint},
    scalar::Scalar,
};
use crate::crypto::{CryptoError, CryptoProvider};

/// The length of a signature: a point and a scalar.
pub(crate) const SIGNATURE_LENGTH: usize = Point::LENGTH + Scalar::LENGTH;

/// A signature.
pub(super) struct Signature {
    pub(super) a: Point,
    pub(super) e: Scalar,
}

impl Signature {
    /// §4.2.4.2, `octets_to_signature`.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (a, e) = bytes.split_at_checked(Point::LENGTH)?;
        Some(Self { a: Point::decode(a)?, e: Scalar::decode(e)? })
    }
}

/// §4.1.3, `calculate_domain`: what binds a signature to its key, its header and its number of messages.
pub(super) fn domain(
    public: &[u8; PublicPoint::LENGTH],
    generators: &Generators,
    header: &[u8],
    provider: &dyn CryptoProvider,
) -> Scalar {
    let mut input = public.to_vec();
    input.extend((generators.messages.len() as u64).to_be_bytes());
    input.extend(generators.domain.encode());
    generators.messages.iter().for_each(|generator| input.extend(generator.encode()));
    input.extend(API_ID);
    input.extend((header.len() as u64).to_be_bytes());
    input.extend(header);
    hash_to_inner_scalar(&input, provider)
}

/// `B`: the commitment to the header and the messages that was signed.
pub(super) fn commitment(generators: &Generators, domain: Scalar, messages: &[Scalar]) -> Point {
    let points = [&[generators.base, generators.domain][..], &generators.messages].concat();
    Point::sum_of_products(&points, &[&[Scalar::ONE, domain][..], messages].concat())
}

/// Signs a header and messages (§3.6.1, `CoreSign`).
pub(crate) fn sign<M: AsRef<[u8]>>(
    key: &BbsSecretKey,
    header: &[u8],
    messages: &[M],
    provider: &dyn CryptoProvider,
) -> Result<Vec<u8>, CryptoError> {
    let generators = Generators::new(messages.len(), provider);
    let scalars = messages_to_scalars(messages, provider);
    let domain = domain(key.public(), &generators, header, provider);
    // 1. e is different for every key, header and list of messages
    let secret = key.scalar();
    let mut input = zeroize::Zeroizing::new(secret.encode().to_vec());
    scalars.iter().for_each(|scalar| input.extend(scalar.encode()));
    input.extend(domain.encode());
    let e = hash_to_inner_scalar(&input, provider);
    // 2. A = B * 1 / (SK + e)
    let inverse = secret.plus(&e).inverted().ok_or(CryptoError::Failed)?;
    let a = commitment(&generators, domain, &scalars).times(&inverse);
    Ok([&a.encode()[..], &e.encode()].concat())
}

/// Checks a signature over a header and messages (§3.6.2, `CoreVerify`); a verifier gets proofs alone.
#[cfg(test)]
pub(super) fn verify<M: AsRef<[u8]>>(
    public: &[u8; PublicPoint::LENGTH],
    signature: &[u8],
    header: &[u8],
    messages: &[M],
    provider: &dyn CryptoProvider,
) -> Result<(), CryptoError> {
    let key = PublicPoint::decode(public).ok_or(CryptoError::InvalidKey)?;
    let Signature { a, e } = Signature::decode(signature).ok_or(CryptoError::InvalidSignature)?;
    let generators = Generators::new(messages.len(), provider);
    let scalars = messages_to_scalars(messages, provider);
    let domain = domain(public, &generators, header, provider);
    // e(A, W + G * e) = e(B, G), with the multiplication on the cheaper side: e(A, W) = e(B - A * e, G)
    let signed = commitment(&generators, domain, &scalars).plus(&a.times(&e.negated()));
    if pairs(&a, &key, &signed) { Ok(()) } else { Err(CryptoError::InvalidSignature) }
}
