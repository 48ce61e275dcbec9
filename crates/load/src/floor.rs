//! What no server can avoid: the cryptography of one flow, measured in this process.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use lanyard_core::crypto::{
    AwsLc, ContentEncryption, CryptoProvider as _, Curve, HashAlgorithm, PrivateKey,
    SignatureAlgorithm, SigningKey,
};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Batches of which the fastest counts, so that whoever else uses the machine does not raise the floor.
const BATCHES: usize = 40;
const ROUNDS: u32 = 25;

/// The operations of one flow that no server can do without.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Work {
    verifications: usize,
    signatures: usize,
    /// Key agreements, each with the decryption of one response.
    agreements: usize,
    /// Disclosures that are hashed.
    hashes: usize,
}

/// How much there is to hash, decrypt and sign, from a flow that was played.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Sizes {
    /// Disclosures of a credential.
    pub(crate) issued: usize,
    /// Disclosures of a presentation.
    pub(crate) disclosed: usize,
    /// The bytes of the issuer-signed JWT.
    pub(crate) token: usize,
}

impl Work {
    /// Verify the key proofs, sign the copies, hash their disclosures.
    pub(crate) const fn issuance(sizes: Sizes, copies: usize) -> Self {
        Self {
            verifications: copies,
            signatures: copies,
            agreements: 0,
            hashes: copies * sizes.issued,
        }
    }

    /// The same, with a DPoP proof at the token endpoint and one at the credential endpoint.
    pub(crate) const fn bound_issuance(sizes: Sizes) -> Self {
        Self { verifications: 3, ..Self::issuance(sizes, 1) }
    }

    /// The same, with a third DPoP proof where the request is pushed, and at both forms the proof that the
    /// wallet has the key of its attestation, which is verified once with the certificate in it.
    pub(crate) const fn code_flow(sizes: Sizes) -> Self {
        Self { verifications: 1 + 3 + 2 + 2, ..Self::issuance(sizes, 1) }
    }

    /// Sign the request object, agree and decrypt, verify issuer and holder, hash what was disclosed.
    ///
    /// The response key is made before the clock starts; the issuer's certificate may be remembered.
    pub(crate) const fn presentation(sizes: Sizes) -> Self {
        Self { verifications: 2, signatures: 1, agreements: 1, hashes: sizes.disclosed }
    }
}

/// What the cryptography of a flow is done with.
pub(crate) struct Workbench {
    own: PrivateKey,
    peer: PrivateKey,
    signer: Box<dyn SigningKey>,
    message: Vec<u8>,
    signature: Vec<u8>,
    sealed: Vec<u8>,
}

const CONTENT_KEY: [u8; 32] = [1; 32];
const CONTENT_NONCE: [u8; 12] = [2; 12];

impl Workbench {
    pub(crate) fn new(sizes: Sizes) -> Result<Self, Failure> {
        let own = AwsLc.generate_key(Curve::P256)?;
        let peer = AwsLc.generate_key(Curve::P256)?;
        let signer = AwsLc.signing_key(&own)?;
        let message = vec![7; sizes.token];
        let signature = signer.sign(&message)?;
        let (key, nonce) = (&CONTENT_KEY, &CONTENT_NONCE);
        let sealed = AwsLc.seal(ContentEncryption::A256Gcm, key, nonce, b"", &message)?;
        Ok(Self { own, peer, signer, message, signature, sealed })
    }

    /// Does the cryptography of one flow.
    pub(crate) fn perform(&self, work: Work) -> Result<(), Failure> {
        for _ in 0..work.signatures {
            black_box(self.signer.sign(&self.message)?);
        }
        for _ in 0..work.agreements {
            black_box(AwsLc.agree(&self.own, self.peer.public())?);
            let (key, nonce) = (&CONTENT_KEY, &CONTENT_NONCE);
            black_box(AwsLc.open(ContentEncryption::A256Gcm, key, nonce, b"", &self.sealed)?);
        }
        let (key, message) = (self.own.public(), &self.message);
        for _ in 0..work.verifications {
            AwsLc.verify(SignatureAlgorithm::Es256, key, message, &self.signature)?;
        }
        for _ in 0..work.hashes {
            black_box(AwsLc.hash(HashAlgorithm::Sha256, &[7; 80]));
        }
        Ok(())
    }
}

/// The unavoidable cryptography of a flow.
pub(crate) fn measure(work: Work, sizes: Sizes) -> Result<Duration, Failure> {
    let workbench = Workbench::new(sizes)?;
    time(|| workbench.perform(work))
}

fn time(mut flow: impl FnMut() -> Result<(), Failure>) -> Result<Duration, Failure> {
    let mut fastest = Duration::MAX;
    for _ in 0..BATCHES {
        let started = Instant::now();
        for _ in 0..ROUNDS {
            flow()?;
        }
        fastest = fastest.min(started.elapsed() / ROUNDS);
    }
    Ok(fastest)
}
