//! Securing a document with a proof (VC Data Integrity §4.2, §4.3).

use std::{borrow::Cow, fmt, sync::Arc};

use serde_json::Value;

use super::{
    Challenge, Cryptosuite, DataIntegrityError, DataIntegrityProof, Domain, ecdsa_sd,
    hash::Transformation,
    json_ld::Contexts,
    proof::encode_proof_value,
    selective::{JsonPointer, Tools},
};
use crate::{
    Timestamp,
    crypto::{CryptoProvider, Signer},
    did::{DidUrl, Relationship},
    json::Object,
    w3c::write_date_time_stamp,
};

/// A proof that is about to be made.
#[derive(Clone)]
pub struct ProofDraft {
    cryptosuite: Cryptosuite,
    verification_method: DidUrl,
    options: Object,
    mandatory: Vec<JsonPointer>,
    contexts: Arc<Contexts>,
}

impl ProofDraft {
    /// A proof by which the owner of a key makes a statement: that of a credential.
    pub fn assertion(cryptosuite: Cryptosuite, verification_method: &DidUrl) -> Self {
        Self::new(cryptosuite, verification_method, Relationship::AssertionMethod)
    }

    /// A proof by which the owner of a key authenticates to a verifier: that of a presentation.
    pub fn authentication(
        cryptosuite: Cryptosuite,
        verification_method: &DidUrl,
        challenge: &Challenge,
        domain: &Domain,
    ) -> Self {
        Self::new(cryptosuite, verification_method, Relationship::Authentication)
            .with("challenge", challenge.as_str())
            .with("domain", domain.as_str())
    }

    fn new(cryptosuite: Cryptosuite, verification_method: &DidUrl, purpose: Relationship) -> Self {
        let contexts = Arc::clone(Contexts::bundled());
        Self {
            cryptosuite,
            verification_method: verification_method.clone(),
            options: Object::new(),
            mandatory: Vec::new(),
            contexts,
        }
        .with("type", DataIntegrityProof::TYPE)
        .with("cryptosuite", cryptosuite.name())
        .with("verificationMethod", verification_method.to_string())
        .with("proofPurpose", purpose.name())
    }

    /// The name of the key that is to make it.
    pub const fn verification_method(&self) -> &DidUrl {
        &self.verification_method
    }

    /// Says when it was made, to the second.
    #[must_use]
    pub fn created(self, now: Timestamp) -> Self {
        self.with("created", to_the_second(now))
    }

    /// Says from when on it proves nothing, to the second.
    #[must_use]
    pub fn expires(self, end: Timestamp) -> Self {
        self.with("expires", to_the_second(end))
    }

    /// Gives it a name, a URL, for later proofs to refer to.
    #[must_use]
    pub fn with_id(self, id: impl Into<String>) -> Self {
        self.with("id", id.into())
    }

    /// Also covers these proofs of the document, by their names (a proof chain).
    #[must_use]
    pub fn after(self, previous: &[&str]) -> Self {
        match previous {
            [] => self,
            [one] => self.with("previousProof", *one),
            several => self.with("previousProof", several.to_vec()),
        }
    }

    /// Also always shows these parts of the document, with `ecdsa-sd-2023` and `bbs-2023`; the issuer,
    /// the validity and the status always are. The other cryptosuites show everything.
    #[must_use]
    pub fn with_mandatory(mut self, pointers: impl IntoIterator<Item = JsonPointer>) -> Self {
        self.mandatory.extend(pointers);
        self
    }

    /// With other contexts than the bundled ones.
    #[must_use]
    pub fn with_contexts(mut self, contexts: Arc<Contexts>) -> Self {
        self.contexts = contexts;
        self
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.options.insert(name.to_owned(), value.into());
        self
    }

    /// Adds the proof to a document, beside those that it has already.
    ///
    /// # Errors
    /// [`DataIntegrityError::KeyMismatch`] when the signer's key does not fit the cryptosuite,
    /// [`DataIntegrityError::PreviousProof`], [`DataIntegrityError::Canonicalize`],
    /// [`DataIntegrityError::JsonLd`], [`DataIntegrityError::Pointer`] and
    /// [`DataIntegrityError::Signer`].
    pub async fn secure(
        mut self,
        mut document: Object,
        signer: &dyn Signer,
        provider: &dyn CryptoProvider,
    ) -> Result<Object, DataIntegrityError> {
        let algorithm = self
            .cryptosuite
            .algorithm(signer.public_key())
            .ok_or(DataIntegrityError::KeyMismatch)?;
        let proofs = take_proofs(&mut document);
        let value = {
            let covered = covered(&document, &proofs, self.options.get("previousProof"))?;
            let (suite, contexts) = (self.cryptosuite, &*self.contexts);
            if suite == Cryptosuite::EcdsaSd2023 {
                let tools = Tools { contexts, provider };
                ecdsa_sd::secure(&covered, &self.options, &self.mandatory, signer, tools).await?
            } else {
                let transformation = Transformation { suite, algorithm, contexts, provider };
                let data = transformation.sign_data(&covered, &mut self.options)?;
                encode_proof_value(&signer.sign(&data).await?)
            }
        };
        Ok(self.finish(document, proofs, value))
    }

    /// Adds a proof of `bbs-2023` to a document, beside those that it has already.
    ///
    /// # Errors
    /// As [`ProofDraft::secure`].
    #[cfg(feature = "bbs")]
    pub fn secure_with_bbs(
        self,
        mut document: Object,
        key: &crate::crypto::BbsSecretKey,
        provider: &dyn CryptoProvider,
    ) -> Result<Object, DataIntegrityError> {
        if self.cryptosuite != Cryptosuite::Bbs2023 {
            return Err(DataIntegrityError::KeyMismatch);
        }
        let proofs = take_proofs(&mut document);
        let value = {
            let covered = covered(&document, &proofs, self.options.get("previousProof"))?;
            let tools = Tools { contexts: &self.contexts, provider };
            super::bbs::secure(&covered, &self.options, &self.mandatory, key, tools)?
        };
        Ok(self.finish(document, proofs, value))
    }

    fn finish(self, mut document: Object, mut proofs: Vec<Value>, value: String) -> Object {
        proofs.push(Value::Object(self.with("proofValue", value).options));
        let proofs = match <[Value; 1]>::try_from(proofs) {
            Ok([one]) => one,
            Err(several) => Value::Array(several),
        };
        document.insert("proof".to_owned(), proofs);
        document
    }
}

/// VC Data Integrity §4.3: the proofs that are there, beside which the new one goes.
fn take_proofs(document: &mut Object) -> Vec<Value> {
    match document.shift_remove("proof") {
        None => Vec::new(),
        Some(Value::Array(proofs)) => proofs,
        Some(proof) => vec![proof],
    }
}

/// A fraction of a second says nothing that anybody needs, and tells documents apart.
fn to_the_second(moment: Timestamp) -> String {
    write_date_time_stamp(Timestamp::from_second(moment.as_second()).unwrap_or(moment))
}

/// The document with the proofs that a new one refers to.
fn covered<'d>(
    document: &'d Object,
    proofs: &[Value],
    previous: Option<&Value>,
) -> Result<Cow<'d, Object>, DataIntegrityError> {
    let Some(previous) = previous else {
        return Ok(Cow::Borrowed(document));
    };
    let wanted = match previous {
        Value::Array(ids) => ids.as_slice(),
        one => std::slice::from_ref(one),
    };
    let is_wanted = |proof: &&Value| proof.get("id").is_some_and(|id| wanted.contains(id));
    let matching: Vec<_> = proofs.iter().filter(is_wanted).cloned().collect();
    if matching.len() != wanted.len() {
        return Err(DataIntegrityError::PreviousProof);
    }
    let mut document = document.clone();
    document.insert("proof".to_owned(), Value::Array(matching));
    Ok(Cow::Owned(document))
}

impl fmt::Debug for ProofDraft {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ProofDraft({})", self.cryptosuite)
    }
}
