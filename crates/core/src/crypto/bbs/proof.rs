//! Proofs that show some of the signed messages (draft-irtf-cfrg-bbs-signatures §3.6.3, §3.6.4, §3.7).

use super::{
    generators::Generators,
    hash::{hash_to_inner_scalar, messages_to_scalars},
    point::{Point, PublicPoint, pairs},
    scalar::Scalar,
    signature::{Signature, commitment, domain},
};
use crate::crypto::{CryptoError, CryptoProvider, Random};

/// The points and the scalars of every proof, without those for messages that are not shown.
const FIXED: usize = 3 * Point::LENGTH + 4 * Scalar::LENGTH;

/// What a proof is about, besides the messages.
#[derive(Clone, Copy)]
pub(crate) struct Revealed<'r> {
    /// The issuer's key.
    pub(crate) public: &'r [u8; PublicPoint::LENGTH],
    /// What was signed with the messages, and is always shown.
    pub(crate) header: &'r [u8],
    /// What the proof is bound to.
    pub(crate) presentation_header: &'r [u8],
    /// Which messages are shown, in their order.
    pub(crate) indexes: &'r [usize],
}

impl Revealed<'_> {
    /// Whether the indexes ascend, each once, and are those of so many messages.
    fn is_in_order(&self, count: usize) -> bool {
        let ascends = self.indexes.windows(2).all(|pair| pair.first() < pair.last());
        ascends && self.indexes.last().is_none_or(|last| *last < count)
    }
}

/// What the prover and the verifier both compute, and the challenge is made of.
struct Commitments {
    a_bar: Point,
    b_bar: Point,
    d: Point,
    t1: Point,
    t2: Point,
    domain: Scalar,
}

impl Commitments {
    /// §3.7.4, `ProofChallengeCalculate`.
    fn challenge(
        &self,
        shown: &[Scalar],
        revealed: &Revealed<'_>,
        provider: &dyn CryptoProvider,
    ) -> Scalar {
        let mut input = (shown.len() as u64).to_be_bytes().to_vec();
        for (index, message) in revealed.indexes.iter().zip(shown) {
            input.extend((*index as u64).to_be_bytes());
            input.extend(message.encode());
        }
        for point in [&self.a_bar, &self.b_bar, &self.d, &self.t1, &self.t2] {
            input.extend(point.encode());
        }
        input.extend(self.domain.encode());
        input.extend((revealed.presentation_header.len() as u64).to_be_bytes());
        input.extend(revealed.presentation_header);
        hash_to_inner_scalar(&input, provider)
    }
}

/// Splits a list into those at the indexes and the others.
fn split<T: Copy>(list: &[T], indexes: &[usize]) -> (Vec<T>, Vec<T>) {
    let mut shown = Vec::with_capacity(indexes.len());
    let mut hidden = Vec::with_capacity(list.len());
    for (at, one) in list.iter().enumerate() {
        let half = if indexes.contains(&at) { &mut shown } else { &mut hidden };
        half.push(*one);
    }
    (shown, hidden)
}

/// Derives a proof for some of the messages (§3.6.3, `CoreProofGen`).
///
/// That the signature is one over the messages is the caller's to know: the proof of another verifies
/// nowhere.
pub(crate) fn derive<M: AsRef<[u8]>>(
    revealed: &Revealed<'_>,
    signature: &[u8],
    messages: &[M],
    random: &dyn Random,
    provider: &dyn CryptoProvider,
) -> Result<Vec<u8>, CryptoError> {
    let Signature { a, e } = Signature::decode(signature).ok_or(CryptoError::InvalidSignature)?;
    if !revealed.is_in_order(messages.len()) {
        return Err(CryptoError::InvalidSignature);
    }
    let generators = Generators::new(messages.len(), provider);
    let messages = messages_to_scalars(messages, provider);
    let domain = domain(revealed.public, &generators, revealed.header, provider);
    let (shown, hidden) = split(&messages, revealed.indexes);
    let (_, hidden_generators) = split(&generators.messages, revealed.indexes);

    // 1. §3.7.1, ProofInit: the signature, blinded, and commitments to everything that is not shown
    let [r1, r2, e_blind, r1_blind, r3_blind] = std::array::from_fn(|_| Scalar::random(random));
    let blinds: Vec<_> = hidden.iter().map(|_| Scalar::random(random)).collect();
    let b = commitment(&generators, domain, &messages);
    let d = b.times(&r2);
    let a_bar = a.times(&r1.times(&r2));
    let b_bar = d.times(&r1).plus(&a.times(&r1.times(&r2).times(&e).negated()));
    let t1 = a_bar.times(&e_blind).plus(&d.times(&r1_blind));
    let blinded = hidden_generators.iter().zip(&blinds);
    let t2 = blinded
        .fold(d.times(&r3_blind), |sum, (generator, blind)| sum.plus(&generator.times(blind)));
    let commitments = Commitments { a_bar, b_bar, d, t1, t2, domain };

    // 2. §3.7.2, ProofFinalize: the answers to the challenge
    let challenge = commitments.challenge(&shown, revealed, provider);
    let r3 = r2.inverted().ok_or(CryptoError::Failed)?;
    let mut proof = Vec::with_capacity(FIXED + hidden.len() * Scalar::LENGTH);
    for point in [a_bar, b_bar, d] {
        proof.extend(point.encode());
    }
    proof.extend(e_blind.plus(&e.times(&challenge)).encode());
    proof.extend(r1_blind.minus(&r1.times(&challenge)).encode());
    proof.extend(r3_blind.minus(&r3.times(&challenge)).encode());
    for (blind, message) in blinds.iter().zip(&hidden) {
        proof.extend(blind.plus(&message.times(&challenge)).encode());
    }
    proof.extend(challenge.encode());
    Ok(proof)
}

/// A proof as it was received.
struct Proof {
    a_bar: Point,
    b_bar: Point,
    d: Point,
    e: Scalar,
    r1: Scalar,
    r3: Scalar,
    hidden: Vec<Scalar>,
    challenge: Scalar,
}

impl Proof {
    /// §4.2.4.5, `octets_to_proof`.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let (points, scalars) = bytes.split_at_checked(3 * Point::LENGTH)?;
        let points: Vec<_> =
            points.chunks(Point::LENGTH).map(Point::decode).collect::<Option<_>>()?;
        let scalars: Vec<_> =
            scalars.chunks(Scalar::LENGTH).map(Scalar::decode).collect::<Option<_>>()?;
        let [a_bar, b_bar, d] = points.try_into().ok()?;
        let ([e, r1, r3], rest) = scalars.split_first_chunk()?;
        let (challenge, hidden) = rest.split_last()?;
        Some(Self {
            a_bar,
            b_bar,
            d,
            e: *e,
            r1: *r1,
            r3: *r3,
            hidden: hidden.to_vec(),
            challenge: *challenge,
        })
    }
}

/// Checks a proof for the messages that are shown, in the order of their indexes (§3.6.4,
/// `CoreProofVerify`).
pub(crate) fn verify_proof<M: AsRef<[u8]>>(
    revealed: &Revealed<'_>,
    proof: &[u8],
    shown: &[M],
    provider: &dyn CryptoProvider,
) -> Result<(), CryptoError> {
    let invalid = CryptoError::InvalidSignature;
    let key = PublicPoint::decode(revealed.public).ok_or(CryptoError::InvalidKey)?;
    let proof = Proof::decode(proof).ok_or(invalid)?;
    let count = proof.hidden.len() + shown.len();
    if shown.len() != revealed.indexes.len() || !revealed.is_in_order(count) {
        return Err(invalid);
    }
    let generators = Generators::new(count, provider);
    let shown = messages_to_scalars(shown, provider);
    let domain = domain(revealed.public, &generators, revealed.header, provider);

    // §3.7.3, ProofVerifyInit: the commitments, from the answers to the challenge
    let Proof { a_bar, b_bar, d, e, r1, r3, hidden, challenge } = proof;
    let t1 = Point::sum_of_products(&[b_bar, a_bar, d], &[challenge, e, r1]);
    let mut points = vec![generators.base, generators.domain, d];
    let mut scalars = vec![challenge, domain.times(&challenge), r3];
    let (shown_generators, hidden_generators) = split(&generators.messages, revealed.indexes);
    points.extend(shown_generators);
    scalars.extend(shown.iter().map(|message| message.times(&challenge)));
    points.extend(hidden_generators);
    scalars.extend(&hidden);
    let t2 = Point::sum_of_products(&points, &scalars);
    let commitments = Commitments { a_bar, b_bar, d, t1, t2, domain };
    if commitments.challenge(&shown, revealed, provider) != challenge {
        return Err(invalid);
    }
    // the blinded signature is one: e(A, W) = e(B, G)
    if pairs(&a_bar, &key, &b_bar) { Ok(()) } else { Err(invalid) }
}
