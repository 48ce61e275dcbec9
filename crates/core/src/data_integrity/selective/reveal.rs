//! The quads of a document that was derived, as the issuer signed them (VC-DI-ECDSA §3.5.8, VC-DI-BBS §3.3.8).

use super::{
    super::{
        DataIntegrityError,
        json_ld::{self, JsonLdError},
    },
    Tools,
};
use crate::{crypto::HashAlgorithm, json::Object};

/// The quads of a derived document under their secret labels.
pub(in super::super) struct Quads {
    pub(in super::super) mandatory: Vec<String>,
    pub(in super::super) others: Vec<String>,
}

impl Quads {
    /// `secret` gives the secret label for the number of a canonical one; `mandatory` are the places of the
    /// mandatory quads.
    pub(in super::super) fn read(
        document: &Object,
        secret: &dyn Fn(u64) -> Option<String>,
        mandatory: &[usize],
        tools: Tools<'_>,
    ) -> Result<Self, DataIntegrityError> {
        let dataset = json_ld::to_rdf_by_names(document, tools.contexts)?;
        let label = |label: &str| secret(label.strip_prefix("c14n")?.parse().ok()?);
        let canonical = dataset
            .canonicalize_under(HashAlgorithm::Sha256, tools.provider, &label)
            .map_err(JsonLdError::from)?;
        let mut quads = Self { mandatory: Vec::new(), others: Vec::new() };
        for (at, line) in canonical.lines().iter().enumerate() {
            let is_mandatory = mandatory.contains(&at);
            let list = if is_mandatory { &mut quads.mandatory } else { &mut quads.others };
            list.push(line.clone());
        }
        // an index that is none of a quad
        if quads.mandatory.len() != mandatory.len() {
            return Err(DataIntegrityError::Signature);
        }
        Ok(quads)
    }
}
