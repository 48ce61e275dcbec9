//! What a holder keeps, and discloses in part (VC-DI-ECDSA §3.6.6, VC-DI-BBS §3.4.6).

use std::{fmt, sync::Arc};

use serde_json::Value;

use super::{
    DataIntegrityError, DataIntegrityProof, JsonPointer, UnverifiedDocument, json_ld::Contexts,
    selective::Tools,
};
use crate::{crypto::CryptoProvider, json::Object};

/// A document in its holder's hands, whose proofs were verified when it was received.
#[derive(Clone)]
pub struct HeldDocument {
    document: Object,
    proofs: Vec<DataIntegrityProof>,
    contexts: Arc<Contexts>,
}

impl HeldDocument {
    /// Takes back what was verified when it was received and has been in the holder's own sealed storage
    /// since.
    pub fn danger_hold_unverified(document: UnverifiedDocument, contexts: Arc<Contexts>) -> Self {
        let proofs = document.proofs().to_vec();
        Self { document: document.into_document(), proofs, contexts }
    }

    /// The document without its proofs.
    pub const fn document(&self) -> &Object {
        &self.document
    }

    /// Whether parts of it can be left out.
    pub fn is_selective(&self) -> bool {
        matches!(self.proofs.as_slice(), [proof] if proof.is_base())
    }

    /// The document with its proofs, as it was received; with a base proof in it, it is for nobody else.
    pub fn danger_to_secured(&self) -> Object {
        let proofs = self.proofs.iter().map(|proof| Value::Object(proof.as_object().clone()));
        let proofs = match <[Value; 1]>::try_from(proofs.collect::<Vec<_>>()) {
            Ok([one]) => one,
            Err(several) => Value::Array(several),
        };
        let mut secured = self.document.clone();
        secured.insert("proof".to_owned(), proofs);
        secured
    }

    /// Discloses these parts of the document, beside those that the issuer made mandatory.
    ///
    /// # Errors
    /// [`DataIntegrityError::NotSelective`], [`DataIntegrityError::Pointer`] and
    /// [`DataIntegrityError::JsonLd`].
    pub fn disclose(
        &self,
        pointers: &[JsonPointer],
        provider: &dyn CryptoProvider,
    ) -> Result<Object, DataIntegrityError> {
        self.disclose_bound_to(b"", pointers, provider)
    }

    /// As [`HeldDocument::disclose`], with the proof bound to a presentation header that holder and verifier
    /// agreed on (VC-DI-BBS §3.4.6); `bbs-2023` alone has one.
    ///
    /// # Errors
    /// As [`HeldDocument::disclose`].
    pub fn disclose_bound_to(
        &self,
        presentation_header: &[u8],
        pointers: &[JsonPointer],
        provider: &dyn CryptoProvider,
    ) -> Result<Object, DataIntegrityError> {
        let [proof] = self.proofs.as_slice() else {
            return Err(DataIntegrityError::NotSelective);
        };
        let tools = Tools { contexts: &self.contexts, provider };
        let (mut revealed, proof) =
            proof.derive(&self.document, pointers, presentation_header, tools)?;
        revealed.insert("proof".to_owned(), Value::Object(proof.as_object().clone()));
        Ok(revealed)
    }
}

impl fmt::Debug for HeldDocument {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HeldDocument({:?})", self.proofs)
    }
}
