//! From key proofs to the keys that credentials are bound to (OID4VCI 1.0 App. F).

use std::collections::HashSet;

use jiff::Timestamp;
use lanyard_core::jose::Jwk;

use super::{HolderKey, Issuer};
use crate::{
    client_authentication::ClientId,
    configuration::{Binding, CredentialConfiguration},
    credential::{CredentialError, Proofs},
    key_proof::{ProofRules, UnverifiedKeyProof, VerifiedKeyProof, di_vp, verify_attestation},
};

/// The keys that the proofs show; `None` is a credential bound to no key.
pub(super) async fn holder_keys(
    proofs: Option<&Proofs>,
    client: Option<&ClientId>,
    configuration: &CredentialConfiguration,
    issuer: &Issuer,
    now: Timestamp,
) -> Result<Vec<Option<HolderKey>>, CredentialError> {
    let proofs = match (configuration.binding, proofs) {
        (Binding::Bearer, None) => return Ok(vec![None]),
        (Binding::Bearer, Some(_)) => return Err(CredentialError::ProofsUnexpected),
        // §8.2: required when the configuration names proof types
        (Binding::HolderKey, None) => return Err(CredentialError::ProofsMissing),
        (Binding::HolderKey, Some(proofs)) => proofs,
    };
    // §8.2: a type that the metadata name
    if !configuration.proof_types.contains(&proofs.kind()) {
        return Err(CredentialError::ProofTypeUnsupported);
    }
    let policy = issuer.configuration.policy();
    let batch_size = usize::from(issuer.configuration.batch_size());
    // §8.2: no more than batch_size, and one where there are no batches
    if proofs.count() > batch_size {
        return Err(CredentialError::TooManyProofs);
    }
    let rules = ProofRules {
        issuer: issuer.configuration.issuer(),
        client,
        algorithms: configuration.proof_algorithms(),
        nonces: &issuer.nonces,
        nonce_life: policy.nonce_life,
        window: policy.proof_window,
        attesters: &issuer.attesters,
        attestation: configuration.key_attestation.as_ref(),
        statuses: &issuer.key_statuses,
    };
    let provider = &issuer.provider;
    let mut keys = Keys::default();
    match proofs {
        Proofs::Jwt(proofs) => {
            for proof in proofs {
                let proof = UnverifiedKeyProof::parse(proof)?;
                keys.add(proof.verify(&rules, provider, now).await?)?;
            }
        }
        Proofs::DiVp(proofs) => {
            for proof in proofs {
                keys.add(di_vp::verify(proof, &rules, provider, now).await?)?;
            }
        }
        Proofs::Attestation(attestation) => {
            let attested = verify_attestation(attestation, &rules, &**provider, now).await?;
            keys.add_attested(&attested);
        }
    }
    // §8.3: one credential per key, and no more than batch_size of either
    if keys.found.len() > batch_size {
        return Err(CredentialError::TooManyProofs);
    }
    // §8.3: fewer than keys, where the type is given out in smaller batches
    let copies = usize::from(issuer.configuration.batch_size_of(configuration));
    Ok(keys.found.into_iter().take(copies).map(Some).collect())
}

/// The keys found so far, each once.
#[derive(Default)]
struct Keys {
    found: Vec<HolderKey>,
    proven: HashSet<lanyard_core::crypto::PublicKey>,
}

impl Keys {
    fn add(&mut self, proof: VerifiedKeyProof) -> Result<(), CredentialError> {
        // §8.2: each proof is for a different key
        if !self.proven.insert(*proof.key()) {
            return Err(CredentialError::KeyRepeated);
        }
        if proof.attested().is_empty() {
            self.push(HolderKey { jwk: proof.holder_key(), did: proof.did().cloned() });
        } else {
            // App. F.1: a credential for each key that is attested
            self.add_attested(proof.attested());
        }
        Ok(())
    }

    fn add_attested(&mut self, attested: &[Jwk]) {
        attested.iter().for_each(|jwk| self.push(HolderKey { jwk: Jwk::new(jwk.key), did: None }));
    }

    fn push(&mut self, key: HolderKey) {
        if self.found.iter().all(|known| known.jwk.key != key.jwk.key) {
            self.found.push(key);
        }
    }
}
