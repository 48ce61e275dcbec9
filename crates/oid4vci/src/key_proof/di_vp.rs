//! The `di_vp` key proof: a presentation without credentials, with a Data Integrity proof (App. F.2).

use std::sync::Arc;

use jiff::Timestamp;
use lanyard_core::{
    crypto::{CryptoProvider, SignatureAlgorithm, Signer},
    data_integrity::{
        Challenge, Cryptosuite, DataIntegrityError, Domain, ExpectedProof, ProofDraft,
        ProofVerifier, UnverifiedDocument,
    },
    did::DidUrl,
    json::Object,
    w3c::BASE_CONTEXT,
};
use serde_json::{Value, json};

use super::{KeyProofError, ProofRules, VerifiedKeyProof};
use crate::{IssuerUrl, nonce::ProofNonce};

/// The cryptosuites that are taken; one for selective disclosure proves nothing more here.
pub(crate) const CRYPTOSUITES: &[Cryptosuite] = &[
    Cryptosuite::EcdsaRdfc2019,
    Cryptosuite::EddsaRdfc2022,
    Cryptosuite::EcdsaJcs2019,
    Cryptosuite::EddsaJcs2022,
];

/// Checks everything that App. F.2 and F.4 demand.
pub(crate) async fn verify(
    presentation: &Object,
    rules: &ProofRules<'_>,
    provider: &Arc<dyn CryptoProvider>,
    now: Timestamp,
) -> Result<VerifiedKeyProof, KeyProofError> {
    let document = UnverifiedDocument::from_object(presentation.clone())?;
    let [proof] = document.proofs() else { return Err(KeyProofError::NotExactlyOneKey) };
    if !CRYPTOSUITES.contains(&proof.cryptosuite()) {
        return Err(KeyProofError::AlgorithmNotOffered);
    }
    // App. F.2: challenge is the c_nonce, domain the credential issuer identifier
    let challenge = proof.challenge().ok_or(KeyProofError::NonceMissing)?.to_owned();
    let method = DidUrl::parse(proof.verification_method());
    let method = method.map_err(|_| KeyProofError::KidUnsupported)?;
    if !matches!(method.did().method(), "key" | "jwk") {
        return Err(KeyProofError::KidUnsupported);
    }
    let expected = ExpectedProof::authentication(challenge.as_str(), rules.issuer.as_str(), now);
    let verified = ProofVerifier::new(Arc::clone(provider)).verify(document, &expected).await?;
    let nonce = ProofNonce::new(challenge);
    rules.accept_nonce(&nonce, &**provider, now)?;
    // App. F.2: the holder is whoever controls the verification method
    let holder = verified.document().get("holder").map(|holder| match holder {
        Value::Object(members) => members.get("id").unwrap_or(&Value::Null),
        holder => holder,
    });
    if holder.and_then(Value::as_str) != Some(method.did().as_str()) {
        return Err(KeyProofError::Holder);
    }
    let proof = verified.proofs().first().ok_or(KeyProofError::NotExactlyOneKey)?;
    let did = Some(method.did().clone());
    Ok(VerifiedKeyProof { key: *proof.key(), did, attested: Vec::new() })
}

/// Signs a `di_vp` key proof: the wallet's half.
///
/// # Errors
/// [`DataIntegrityError`] when the key does not sign, or fits no cryptosuite.
pub async fn sign_di_vp(
    signer: &dyn Signer,
    key_id: &DidUrl,
    issuer: &IssuerUrl,
    nonce: &ProofNonce,
    now: Timestamp,
    provider: &dyn CryptoProvider,
) -> Result<Object, DataIntegrityError> {
    let cryptosuite = match signer.algorithm() {
        SignatureAlgorithm::EdDsa => Cryptosuite::EddsaRdfc2022,
        _ => Cryptosuite::EcdsaRdfc2019,
    };
    let presentation = Object::from_iter([
        ("@context".to_owned(), json!([BASE_CONTEXT])),
        ("type".to_owned(), json!(["VerifiablePresentation"])),
        ("holder".to_owned(), json!(key_id.did().as_str())),
    ]);
    let (challenge, domain) = (Challenge::from(nonce.reveal()), Domain::from(issuer.as_str()));
    let draft = ProofDraft::authentication(cryptosuite, key_id, &challenge, &domain).created(now);
    draft.secure(presentation, signer, provider).await
}
