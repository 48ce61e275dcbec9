//! `ecdsa-sd-2023`: selective disclosure (VC-DI-ECDSA §3.4 to §3.6).
//!
//! The issuer signs what must always be shown as one, and every other quad by itself, with a key that was
//! made for this proof alone. The holder derives a document with fewer quads; the blank nodes keep labels
//! that the issuer's secret key made, so that nothing can be told from their order.

mod derive;
mod group;
mod pointer;
mod proof_value;
mod secure;
mod verify;

pub(super) use derive::derive;
pub use pointer::JsonPointer;
pub(super) use proof_value::{BaseProof, DerivedProof, SelectiveProof};
pub(super) use secure::secure;
pub(super) use verify::Revealed;

use super::{DataIntegrityError, json_ld::Contexts};
use crate::{
    crypto::{CryptoProvider, HashAlgorithm},
    json::Object,
};

/// What every step works with.
#[derive(Clone, Copy)]
pub(super) struct Tools<'t> {
    pub(super) contexts: &'t Contexts,
    pub(super) provider: &'t dyn CryptoProvider,
}

impl Tools<'_> {
    /// VC-DI-ECDSA §3.4.5, §3.4.17: what the base signature covers besides the key.
    fn base_data<'l>(
        &self,
        document: &Object,
        mut options: Object,
        proof_key: &[u8],
        mandatory: impl Iterator<Item = &'l str>,
    ) -> Result<Vec<u8>, DataIntegrityError> {
        let context = document.get("@context").cloned().unwrap_or_default();
        options.insert("@context".to_owned(), context);
        let options = super::json_ld::to_rdf_by_names(&options, self.contexts)?;
        let options = options
            .canonicalize(HashAlgorithm::Sha256, self.provider)
            .map_err(super::json_ld::JsonLdError::from)?
            .to_n_quads();
        let hash = |text: &str| self.provider.hash(HashAlgorithm::Sha256, text.as_bytes());
        let mandatory: String = mandatory.collect();
        // §3.5.1, serializeSignData: options, key, mandatory quads
        Ok([hash(&options).as_bytes(), proof_key, hash(&mandatory).as_bytes()].concat())
    }
}
