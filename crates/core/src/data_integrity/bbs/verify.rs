//! Verifying a derived proof (VC-DI-BBS §3.4.7, §3.4.8).

use super::{
    super::{
        DataIntegrityError,
        selective::{Quads, Tools},
    },
    DerivedProof, header, key_bytes, label,
};
use crate::{
    crypto::{PublicKey, bbs},
    json::Object,
};

/// A document that was derived, with its quads as the issuer signed them.
pub(in super::super) struct Revealed<'p> {
    proof: &'p DerivedProof,
    header: Vec<u8>,
    messages: Vec<String>,
}

impl<'p> Revealed<'p> {
    /// §3.3.8, createVerifyData
    pub(in super::super) fn new(
        document: &Object,
        options: Object,
        proof: &'p DerivedProof,
        tools: Tools<'_>,
    ) -> Result<Self, DataIntegrityError> {
        let secret = |number: u64| {
            let (_, shuffled) = proof.labels.iter().find(|(known, _)| *known == number)?;
            Some(label(*shuffled))
        };
        let Quads { mandatory, others } = Quads::read(document, &secret, &proof.mandatory, tools)?;
        let lines = mandatory.iter().map(String::as_str);
        let header = header(&tools.hashes(document, options, lines)?);
        Ok(Self { proof, header, messages: others })
    }

    /// What the signature has in its header.
    pub(in super::super) fn into_header(self) -> Vec<u8> {
        self.header
    }

    /// Checks the proof by the issuer's key.
    pub(in super::super) fn verify(
        &self,
        key: &PublicKey,
        tools: Tools<'_>,
    ) -> Result<(), DataIntegrityError> {
        let revealed = bbs::Revealed {
            public: key_bytes(key)?,
            header: &self.header,
            presentation_header: &self.proof.presentation_header,
            indexes: &self.proof.selective,
        };
        bbs::verify_proof(&revealed, &self.proof.proof, &self.messages, tools.provider)
            .map_err(|_| DataIntegrityError::Signature)
    }
}
