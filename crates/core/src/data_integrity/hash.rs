//! From a document and the options of its proof to the bytes that are signed.

use serde_json::Value;

use super::{
    Cryptosuite, DataIntegrityError,
    cryptosuite::{Canonicalization, hash_algorithm},
    json_ld::{self, Contexts, JsonLdError},
};
use crate::{
    crypto::{CryptoProvider, HashValue, SignatureAlgorithm},
    json::{self, Object},
};

/// How one cryptosuite makes a document and the options of a proof into bytes, with one kind of key.
pub(super) struct Transformation<'t> {
    pub(super) suite: Cryptosuite,
    pub(super) algorithm: SignatureAlgorithm,
    pub(super) contexts: &'t Contexts,
    pub(super) provider: &'t dyn CryptoProvider,
}

impl Transformation<'_> {
    /// What is signed when a proof is made.
    pub(super) fn sign_data(
        &self,
        document: &Object,
        options: &mut Object,
    ) -> Result<Vec<u8>, DataIntegrityError> {
        match self.suite.canonicalization() {
            Canonicalization::Jcs => {
                // VC-DI-EDDSA §3.3.1 (2): the proof keeps the context that it was made under
                if let Some(context) = document.get("@context") {
                    options.insert("@context".to_owned(), context.clone());
                }
                self.jcs(document, options)
            }
            Canonicalization::Rdfc => self.rdfc(document, options.clone()),
        }
    }

    /// What must have been signed, by the options of a proof.
    pub(super) fn verify_data(
        &self,
        document: &Object,
        options: Object,
    ) -> Result<Vec<u8>, DataIntegrityError> {
        match self.suite.canonicalization() {
            Canonicalization::Jcs => match options.get("@context") {
                Some(context) if document.get("@context") != Some(context) => {
                    // VC-DI-EDDSA §3.3.2 (4): the document's context may only have grown since
                    if !starts_with(document.get("@context"), context) {
                        return Err(DataIntegrityError::Context);
                    }
                    let mut document = document.clone();
                    document.insert("@context".to_owned(), context.clone());
                    self.jcs(&document, &options)
                }
                _ => self.jcs(document, &options),
            },
            Canonicalization::Rdfc => self.rdfc(document, options),
        }
    }

    fn jcs(&self, document: &Object, options: &Object) -> Result<Vec<u8>, DataIntegrityError> {
        let options = self.hash(&json::canonicalize_object(options)?);
        let document = self.hash(&json::canonicalize_object(document)?);
        Ok(concatenate(options, document))
    }

    fn rdfc(&self, document: &Object, mut options: Object) -> Result<Vec<u8>, DataIntegrityError> {
        // VC-DI-EDDSA §3.2.5 (4): the options mean what they mean in the document
        let context =
            document.get("@context").ok_or(JsonLdError::UndefinedTerm("@context".to_owned()))?;
        options.insert("@context".to_owned(), context.clone());
        let options = self.hash(&self.n_quads(&options)?);
        let document = self.hash(&self.n_quads(document)?);
        Ok(concatenate(options, document))
    }

    fn n_quads(&self, document: &Object) -> Result<String, JsonLdError> {
        let dataset = json_ld::to_rdf_by_names(document, self.contexts)?;
        // VC-DI-ECDSA §3.2.3: with P-384 the canonicalization itself works with SHA-384, too
        let canonical = dataset.canonicalize(hash_algorithm(self.algorithm), self.provider)?;
        Ok(canonical.to_n_quads())
    }

    fn hash(&self, canonical: &str) -> HashValue {
        self.provider.hash(hash_algorithm(self.algorithm), canonical.as_bytes())
    }
}

/// VC-DI-EDDSA §3.2.4, §3.3.4, VC-DI-ECDSA §3.2.4, §3.3.4: the digest of the options comes first.
fn concatenate(options: HashValue, document: HashValue) -> Vec<u8> {
    [options.as_bytes(), document.as_bytes()].concat()
}

/// Whether a document's context starts with all the entries of a proof's, in their order.
fn starts_with(document: Option<&Value>, proof: &Value) -> bool {
    let entries = |context: &Value| match context {
        Value::Array(entries) => entries.clone(),
        one => vec![one.clone()],
    };
    document.is_some_and(|document| entries(document).starts_with(&entries(proof)))
}
