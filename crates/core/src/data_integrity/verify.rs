//! From the proofs in a document to who made them (VC Data Integrity §4.4, §4.5).

use std::{fmt, sync::Arc};

use super::{
    Cryptosuite, DataIntegrityError, DataIntegrityProof, ExpectedProof, HeldDocument,
    UnverifiedDocument, json_ld::Contexts,
};
use crate::{
    Timestamp,
    crypto::{CryptoProvider, PublicKey},
    did::{Did, DidMethods, DidResolver, DidUrl, Relationship},
    json::Object,
};

/// How one signature is checked.
type Check<'c> = dyn Fn(&DataIntegrityProof, &Object, &PublicKey) -> Result<(), DataIntegrityError>
    + Send
    + Sync
    + 'c;

/// Verifies the proofs in documents.
#[derive(Clone)]
pub struct ProofVerifier {
    resolver: Arc<dyn DidResolver>,
    contexts: Arc<Contexts>,
    provider: Arc<dyn CryptoProvider>,
}

impl ProofVerifier {
    /// Resolves the DID methods that need no network.
    pub fn new(provider: Arc<dyn CryptoProvider>) -> Self {
        let resolver = Arc::new(DidMethods::new(Arc::clone(&provider)));
        Self { resolver, contexts: Arc::clone(Contexts::bundled()), provider }
    }

    /// With other contexts than the bundled ones.
    #[must_use]
    pub fn with_contexts(mut self, contexts: Arc<Contexts>) -> Self {
        self.contexts = contexts;
        self
    }

    /// With another resolver for the DIDs of whoever made the proofs.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Arc<dyn DidResolver>) -> Self {
        self.resolver = resolver;
        self
    }

    /// Verifies every proof in a document: one that fails, or cannot be understood, refuses it.
    ///
    /// # Errors
    /// One [`DataIntegrityError`] per rule; see [`DataIntegrityError::is_undetermined`].
    pub async fn verify(
        &self,
        document: UnverifiedDocument,
        expected: &ExpectedProof,
    ) -> Result<VerifiedDocument, DataIntegrityError> {
        let contexts = &*self.contexts;
        let check = |proof: &DataIntegrityProof, document: &Object, key: &PublicKey| {
            proof.verify_under(contexts, document, key, &*self.provider)
        };
        let proofs = self.verify_each(&document, expected, &check).await?;
        Ok(VerifiedDocument { document: document.signed_document(), proofs })
    }

    /// Verifies every proof in a document that its holder received: a base proof, which is for nobody else,
    /// is checked by everything that it can disclose.
    ///
    /// # Errors
    /// As [`ProofVerifier::verify`].
    pub async fn verify_for_holding(
        &self,
        document: UnverifiedDocument,
        expected: &ExpectedProof,
    ) -> Result<HeldDocument, DataIntegrityError> {
        let contexts = &*self.contexts;
        let check = |proof: &DataIntegrityProof, document: &Object, key: &PublicKey| {
            proof.verify_for_holding(contexts, document, key, &*self.provider)
        };
        self.verify_each(&document, expected, &check).await?;
        Ok(HeldDocument::danger_hold_unverified(document, Arc::clone(&self.contexts)))
    }

    async fn verify_each(
        &self,
        document: &UnverifiedDocument,
        expected: &ExpectedProof,
        check: &Check<'_>,
    ) -> Result<Vec<VerifiedProof>, DataIntegrityError> {
        // 1. what can be told without a key: nothing is resolved for a proof that is for somebody else
        document.proofs().iter().try_for_each(|proof| expected.judge(proof))?;
        // 2. each key, for the purpose, and each signature
        let mut proofs = Vec::with_capacity(document.proofs().len());
        for proof in document.proofs() {
            let (method, key) = self.key(proof).await?;
            check(proof, &document.covered_by(proof), &key)?;
            proofs.push(VerifiedProof { proof: proof.clone(), method, key });
        }
        Ok(proofs)
    }

    async fn key(
        &self,
        proof: &DataIntegrityProof,
    ) -> Result<(DidUrl, PublicKey), DataIntegrityError> {
        let url = DidUrl::parse(proof.verification_method())
            .ok()
            .filter(DidUrl::names_a_key)
            .ok_or(DataIntegrityError::VerificationMethod)?;
        let document = self.resolver.resolve(url.did()).await?;
        // CID 1.0 §3.3: the method is in its controller's document, under the purpose
        let key = *document.key_for(&url, proof.purpose())?;
        Ok((url, key))
    }
}

impl fmt::Debug for ProofVerifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ProofVerifier({})", self.provider.name())
    }
}

/// A document of which every proof was verified.
#[derive(Clone)]
pub struct VerifiedDocument {
    document: Object,
    proofs: Vec<VerifiedProof>,
}

impl VerifiedDocument {
    /// The document without its proofs.
    pub const fn document(&self) -> &Object {
        &self.document
    }

    /// The proofs, at least one.
    pub fn proofs(&self) -> &[VerifiedProof] {
        &self.proofs
    }

    /// Whether one of the proofs is by this DID.
    pub fn is_by(&self, did: &Did) -> bool {
        self.proofs.iter().any(|proof| proof.controller() == did)
    }
}

impl fmt::Debug for VerifiedDocument {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VerifiedDocument({:?})", self.proofs)
    }
}

/// A proof that was verified: who made it, with which key, for what.
#[derive(Clone)]
pub struct VerifiedProof {
    proof: DataIntegrityProof,
    method: DidUrl,
    key: PublicKey,
}

impl VerifiedProof {
    /// Who made it: the DID in whose document the key is listed for the purpose.
    pub const fn controller(&self) -> &Did {
        self.method.did()
    }

    /// The name of the key.
    pub const fn verification_method(&self) -> &DidUrl {
        &self.method
    }

    /// The key.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// What it was made for.
    pub const fn purpose(&self) -> Relationship {
        self.proof.purpose()
    }

    /// How it was made.
    pub const fn cryptosuite(&self) -> Cryptosuite {
        self.proof.cryptosuite()
    }

    /// When it was made, as its maker says.
    pub const fn created(&self) -> Option<Timestamp> {
        self.proof.created()
    }

    /// What it says about itself.
    pub const fn proof(&self) -> &DataIntegrityProof {
        &self.proof
    }
}

impl fmt::Debug for VerifiedProof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VerifiedProof({}, by {})", self.cryptosuite(), self.method)
    }
}
