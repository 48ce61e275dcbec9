//! From a document and the options of its proof to the bytes that are signed.

use serde_json::Value;

use super::{
    Cryptosuite, DataIntegrityError,
    cryptosuite::{Canonicalization, hash_algorithm},
};
use crate::{
    crypto::{CryptoProvider, SignatureAlgorithm},
    json::{self, Object},
};

/// What is signed when a proof is made.
pub(super) fn sign_data(
    suite: Cryptosuite,
    algorithm: SignatureAlgorithm,
    document: &Object,
    options: &mut Object,
    provider: &dyn CryptoProvider,
) -> Result<Vec<u8>, DataIntegrityError> {
    match suite.canonicalization() {
        Canonicalization::Jcs => {
            // VC-DI-EDDSA §3.3.1 (2): the proof keeps the context that it was made under
            if let Some(context) = document.get("@context") {
                options.insert("@context".to_owned(), context.clone());
            }
            jcs(algorithm, document, options, provider)
        }
    }
}

/// What must have been signed, by the options of a proof.
pub(super) fn verify_data(
    suite: Cryptosuite,
    algorithm: SignatureAlgorithm,
    document: &Object,
    options: Object,
    provider: &dyn CryptoProvider,
) -> Result<Vec<u8>, DataIntegrityError> {
    match suite.canonicalization() {
        Canonicalization::Jcs => match options.get("@context") {
            Some(context) if document.get("@context") != Some(context) => {
                // VC-DI-EDDSA §3.3.2 (4): the document's context may only have grown since
                if !starts_with(document.get("@context"), context) {
                    return Err(DataIntegrityError::Context);
                }
                let mut document = document.clone();
                document.insert("@context".to_owned(), context.clone());
                jcs(algorithm, &document, &options, provider)
            }
            _ => jcs(algorithm, document, &options, provider),
        },
    }
}

/// Whether a document's context starts with all the entries of a proof's, in their order.
fn starts_with(document: Option<&Value>, proof: &Value) -> bool {
    let entries = |context: &Value| match context {
        Value::Array(entries) => entries.clone(),
        one => vec![one.clone()],
    };
    document.is_some_and(|document| entries(document).starts_with(&entries(proof)))
}

fn jcs(
    algorithm: SignatureAlgorithm,
    document: &Object,
    options: &Object,
    provider: &dyn CryptoProvider,
) -> Result<Vec<u8>, DataIntegrityError> {
    let digest = |members: &Object| {
        let canonical = json::canonicalize_object(members)?;
        Ok::<_, DataIntegrityError>(provider.hash(hash_algorithm(algorithm), canonical.as_bytes()))
    };
    // VC-DI-EDDSA §3.3.4, VC-DI-ECDSA §3.3.4: that of the options comes first
    Ok([digest(options)?.as_bytes(), digest(document)?.as_bytes()].concat())
}
