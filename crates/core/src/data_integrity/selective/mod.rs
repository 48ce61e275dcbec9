//! What the cryptosuites for selective disclosure have in common (VC-DI-ECDSA §3.4, VC-DI-BBS §3.3).
//!
//! A document is taken quad by quad. Its blank nodes have labels that only the issuer's secret key gives, so
//! that nothing can be told from their order; JSON pointers say which quads must always be shown, and which
//! a holder shows.

mod disclose;
mod group;
mod pointer;
mod reveal;

pub(super) use disclose::Disclosure;
pub(super) use group::{Grouped, Labelling};
pub use pointer::JsonPointer;
pub(super) use reveal::Quads;

use super::{DataIntegrityError, json_ld::Contexts};
use crate::{
    crypto::{CryptoProvider, HashAlgorithm, HashValue},
    json::Object,
};

/// What is always shown where it is there: without it nobody could judge the credential.
const ALWAYS: [&str; 4] = ["/issuer", "/validFrom", "/validUntil", "/credentialStatus"];

/// What every step works with.
#[derive(Clone, Copy)]
pub(super) struct Tools<'t> {
    pub(super) contexts: &'t Contexts,
    pub(super) provider: &'t dyn CryptoProvider,
}

impl Tools<'_> {
    /// VC-DI-ECDSA §3.4.5, §3.4.17: the digests of the options and of the mandatory quads.
    pub(super) fn hashes<'l>(
        &self,
        document: &Object,
        mut options: Object,
        mandatory: impl Iterator<Item = &'l str>,
    ) -> Result<[HashValue; 2], DataIntegrityError> {
        let context = document.get("@context").cloned().unwrap_or_default();
        options.insert("@context".to_owned(), context);
        let options = super::json_ld::to_rdf_by_names(&options, self.contexts)?;
        let options = options
            .canonicalize(HashAlgorithm::Sha256, self.provider)
            .map_err(super::json_ld::JsonLdError::from)?
            .to_n_quads();
        let hash = |text: &str| self.provider.hash(HashAlgorithm::Sha256, text.as_bytes());
        let mandatory: String = mandatory.collect();
        Ok([hash(&options), hash(&mandatory)])
    }
}

/// What the issuer always shows: what it chose, and what nobody could judge the credential without.
pub(super) fn mandatory(
    document: &Object,
    chosen: &[JsonPointer],
) -> Result<Vec<JsonPointer>, DataIntegrityError> {
    let mut mandatory = chosen.to_vec();
    for always in ALWAYS {
        let always = JsonPointer::parse(always)?;
        let is_there = document.contains_key(always.as_str().trim_start_matches('/'));
        if is_there && !mandatory.iter().any(|pointer| pointer.covers(&always)) {
            mandatory.push(always);
        }
    }
    Ok(mandatory)
}
