//! From a whole document to the part that a holder shows (VC-DI-ECDSA §3.5.5, VC-DI-BBS §3.3.6).

use std::collections::BTreeSet;

use super::{
    super::{DataIntegrityError, json_ld::JsonLdError},
    Grouped, JsonPointer, Tools,
    pointer::select,
};
use crate::{crypto::HashAlgorithm, json::Object};

/// What is shown of a document.
pub(in super::super) struct Disclosure {
    /// The quads that the issuer made mandatory, by their numbers in the whole document.
    pub(in super::super) mandatory: BTreeSet<usize>,
    /// Those that are shown, the mandatory ones among them.
    pub(in super::super) combined: BTreeSet<usize>,
    /// From the number of the canonical label that a verifier will compute to the secret label.
    pub(in super::super) labels: Vec<(u64, String)>,
    /// The part of the document that is shown.
    pub(in super::super) document: Object,
}

impl Disclosure {
    pub(in super::super) fn new(
        document: &Object,
        grouped: &Grouped<'_>,
        mandatory: &[JsonPointer],
        selective: &[JsonPointer],
        tools: Tools<'_>,
    ) -> Result<Self, DataIntegrityError> {
        let both = || mandatory.iter().chain(selective);
        // the issuer made nothing mandatory, and the holder discloses nothing
        let part = grouped.part(both())?.ok_or(DataIntegrityError::Pointer)?;
        let canonical =
            part.canonicalize(HashAlgorithm::Sha256, tools.provider).map_err(JsonLdError::from)?;
        let label = |(name, canonical): &(String, String)| {
            let number = canonical.strip_prefix("c14n")?.parse().ok()?;
            Some((number, grouped.label(name)?.to_owned()))
        };
        let mut labels: Vec<_> = canonical.labels().iter().filter_map(label).collect();
        labels.sort_unstable();
        Ok(Self {
            mandatory: grouped.matching(mandatory.iter())?,
            combined: grouped.matching(both())?,
            labels,
            document: select(document, both())?.ok_or(DataIntegrityError::Pointer)?,
        })
    }

    /// Where the mandatory quads are among those that are shown.
    pub(in super::super) fn mandatory_indexes(&self) -> Vec<usize> {
        let indexes = self.combined.iter().enumerate();
        indexes.filter(|(_, at)| self.mandatory.contains(at)).map(|(at, _)| at).collect()
    }

    /// Where the others that are shown are among all the others, of so many quads.
    pub(in super::super) fn selective_indexes(&self, quads: usize) -> Vec<usize> {
        let others = (0..quads).filter(|at| !self.mandatory.contains(at)).enumerate();
        others.filter(|(_, at)| self.combined.contains(at)).map(|(at, _)| at).collect()
    }
}
