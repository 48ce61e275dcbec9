//! Verifying a derived proof (VC-DI-ECDSA §3.6.7, §3.6.8).

use super::{
    super::{
        DataIntegrityError,
        selective::{Quads, Tools},
    },
    DerivedProof, base_data,
    proof_value::decode_key,
};
use crate::{
    crypto::{PublicKey, SignatureAlgorithm},
    json::{self, Object},
};

/// A document that was derived, with its quads as the issuer signed them.
pub(in super::super) struct Revealed<'p> {
    proof: &'p DerivedProof,
    /// What the base signature covers.
    data: Vec<u8>,
    /// The quads that are signed one by one.
    others: Vec<String>,
}

impl<'p> Revealed<'p> {
    /// §3.5.8, createVerifyData
    pub(in super::super) fn new(
        document: &Object,
        options: Object,
        proof: &'p DerivedProof,
        tools: Tools<'_>,
    ) -> Result<Self, DataIntegrityError> {
        let secret = |number: u64| {
            let (_, secret) = proof.labels.iter().find(|(known, _)| *known == number)?;
            Some(format!("u{}", json::base64url(secret)))
        };
        let Quads { mandatory, others } = Quads::read(document, &secret, &proof.mandatory, tools)?;
        let lines = mandatory.iter().map(String::as_str);
        let data = base_data(document, options, &proof.proof_key, lines, tools)?;
        Ok(Self { proof, data, others })
    }

    /// What the base signature covers.
    pub(in super::super) fn into_data(self) -> Vec<u8> {
        self.data
    }

    /// Checks the base signature by the issuer's key, and every other one by the key of the proof.
    pub(in super::super) fn verify(
        &self,
        key: &PublicKey,
        tools: Tools<'_>,
    ) -> Result<(), DataIntegrityError> {
        // §3.6.8 (3): a signature for each quad that is not mandatory, and none more
        if self.others.len() != self.proof.signatures.len() {
            return Err(DataIntegrityError::Signature);
        }
        let check = |key: &PublicKey, message: &[u8], signature: &[u8]| {
            tools
                .provider
                .verify(SignatureAlgorithm::Es256, key, message, signature)
                .map_err(|_| DataIntegrityError::Signature)
        };
        check(key, &self.data, &self.proof.signature)?;
        let proof_key = decode_key(&self.proof.proof_key, tools.provider)?;
        self.others
            .iter()
            .zip(&self.proof.signatures)
            .try_for_each(|(line, signature)| check(&proof_key, line.as_bytes(), signature))
    }
}
