//! What no server can avoid: the cryptography of one flow, measured in this process.

use std::time::{Duration, Instant};

use lanyard_core::crypto::{
    AwsLc, ContentEncryption, CryptoProvider as _, Curve, HashAlgorithm, SignatureAlgorithm,
};

use crate::failure::Failure;

/// Batches of which the fastest counts, so that whoever else uses the machine does not raise the floor.
const BATCHES: usize = 40;
const ROUNDS: u32 = 25;

/// The unavoidable cryptography of each flow.
pub(crate) struct Floor {
    /// Verify the key proof, sign the credential, hash its disclosures.
    pub(crate) issuance: Duration,
    /// Sign the request object, agree and decrypt, verify issuer and holder, hash what was disclosed.
    ///
    /// The response key is made before the clock starts; the issuer's certificate may be remembered.
    pub(crate) presentation: Duration,
}

/// How much there is to hash, decrypt and sign, from a flow that was played.
pub(crate) struct Sizes {
    /// Disclosures of a credential, and the bytes in the largest part of it.
    pub(crate) issued: usize,
    /// Disclosures of a presentation.
    pub(crate) disclosed: usize,
    /// The bytes of the issuer-signed JWT.
    pub(crate) token: usize,
}

impl Floor {
    /// Measures both.
    pub(crate) fn measure(sizes: &Sizes) -> Result<Self, Failure> {
        let own = AwsLc.generate_key(Curve::P256)?;
        let peer = AwsLc.generate_key(Curve::P256)?;
        let signer = AwsLc.signing_key(&own)?;
        let message = vec![7; sizes.token];
        let signature = signer.sign(&message)?;
        let (key, nonce) = ([1; 32], [2; 12]);
        let sealed = AwsLc.seal(ContentEncryption::A256Gcm, &key, &nonce, b"", &message)?;
        let verify = || AwsLc.verify(SignatureAlgorithm::Es256, own.public(), &message, &signature);
        let hash = |disclosures: usize| {
            for _ in 0..disclosures {
                std::hint::black_box(AwsLc.hash(HashAlgorithm::Sha256, &[7; 80]));
            }
        };
        let issuance = time(|| {
            verify()?;
            std::hint::black_box(signer.sign(&message)?);
            hash(sizes.issued);
            Ok(())
        })?;
        let presentation = time(|| {
            std::hint::black_box(signer.sign(&message)?);
            std::hint::black_box(AwsLc.agree(&own, peer.public())?);
            AwsLc.open(ContentEncryption::A256Gcm, &key, &nonce, b"", &sealed)?;
            verify()?;
            verify()?;
            hash(sizes.disclosed);
            Ok(())
        })?;
        Ok(Self { issuance, presentation })
    }
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
