//! The approvals of witnesses (did:webvh 1.0, DID Witnesses).

use std::collections::HashMap;

use serde_json::{Value, json};

use super::{
    LogError, WebvhFault, Witnesses,
    verify::{check_signature, did_key_of},
    versions::Version,
};
use crate::{
    Timestamp,
    crypto::{CryptoProvider, Signer},
    data_integrity::{Cryptosuite, DataIntegrityProof, ProofDraft},
    did::Did,
    json::{self, Object},
};

/// The most bytes of a `did-witness.json` that are read.
const MAX_BYTES: usize = 1024 * 1024;
/// The most proofs whose signature is checked.
const MAX_PROOFS: usize = 1_000;

/// The verified approvals of a `did-witness.json`.
pub(super) struct WitnessProofs {
    /// The latest entry, counted from 0, that each key approved.
    latest: HashMap<String, usize>,
}

impl WitnessProofs {
    /// Reads the file, and verifies what is about the entries of this log.
    pub(super) fn read(
        file: &[u8],
        versions: &[Version],
        provider: &dyn CryptoProvider,
    ) -> Result<Self, LogError> {
        let unreadable = WebvhFault::WitnessFile;
        if file.len() > MAX_BYTES {
            return Err(unreadable.into());
        }
        let Value::Array(records) = json::parse(file).map_err(|_| unreadable)? else {
            return Err(unreadable.into());
        };
        let mut latest = HashMap::new();
        let mut checked = 0;
        for record in &records {
            let version_id = record.get("versionId").and_then(Value::as_str).ok_or(unreadable)?;
            // did:webvh 1.0, Verifying Witness Proofs (3): what is not published is no evidence
            let found = versions.iter().position(|version| version.version_id == version_id);
            let Some(at) = found else { continue };
            let proofs = match record.get("proof") {
                Some(Value::Array(proofs)) => proofs.as_slice(),
                Some(proof @ Value::Object(_)) => std::slice::from_ref(proof),
                None => &[],
                Some(_) => return Err(unreadable.into()),
            };
            for proof in proofs {
                checked += 1;
                if checked > MAX_PROOFS {
                    return Err(WebvhFault::TooLarge.into());
                }
                // did:webvh 1.0, Verifying Witness Proofs: one that fails counts for nothing
                if let Some(key) = approval(proof, version_id, provider) {
                    let entry = latest.entry(key).or_insert(at);
                    *entry = at.max(*entry);
                }
            }
        }
        Ok(Self { latest })
    }

    /// Whether enough distinct witnesses approved this entry, or a later one.
    pub(super) fn approve(&self, at: usize, witnesses: &Witnesses) -> bool {
        let approved =
            |key: &&String| self.latest.get(key.as_str()).is_some_and(|latest| *latest >= at);
        witnesses.keys().iter().filter(approved).count() >= witnesses.threshold()
    }
}

/// Whose approval of a version a proof is, if it is one.
fn approval(proof: &Value, version_id: &str, provider: &dyn CryptoProvider) -> Option<String> {
    let proof = DataIntegrityProof::parse(proof).ok()?;
    let multibase = did_key_of(&proof)?;
    check_signature(&proof, &multibase, &approved(version_id), provider).ok()?;
    Some(multibase)
}

/// What a witness signs.
fn approved(version_id: &str) -> Object {
    Object::from_iter([("versionId".to_owned(), Value::from(version_id))])
}

/// Approves a version as one of its witnesses; the answer is a record for `did-witness.json`.
///
/// A witness first verifies the log with the new entry in it, as a resolver does.
///
/// # Errors
/// [`WebvhFault::Witnesses`] when the signer's key is not on Ed25519, [`WebvhFault::Signature`] when it
/// gives no signature.
pub async fn approve_version(
    version_id: &str,
    signer: &dyn Signer,
    now: Timestamp,
    provider: &dyn CryptoProvider,
) -> Result<Value, WebvhFault> {
    let did = Did::from_key(signer.public_key());
    let url = did.with_fragment(did.method_specific_id()).map_err(|_| WebvhFault::Witnesses)?;
    if Cryptosuite::EddsaJcs2022.algorithm(signer.public_key()).is_none() {
        return Err(WebvhFault::Witnesses);
    }
    let secured = ProofDraft::assertion(Cryptosuite::EddsaJcs2022, &url)
        .created(now)
        .secure(approved(version_id), signer, provider)
        .await
        .map_err(|_| WebvhFault::Signature)?;
    Ok(json!({"versionId": version_id, "proof": [secured["proof"]]}))
}
