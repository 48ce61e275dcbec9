//! The quads of a document under secret labels, and which of them pointers mean (VC-DI-ECDSA §3.4.1 to §3.4.16).

use std::collections::{BTreeSet, HashMap};

use super::{
    super::{
        DataIntegrityError,
        json_ld::{self, JsonLdError},
        rdf::Dataset,
    },
    JsonPointer, Tools,
    pointer::select,
};
use crate::{
    crypto::HashAlgorithm,
    json::{self, Object},
};

/// A document's quads, with labels for its blank nodes that only the secret key gives.
pub(super) struct Grouped<'t> {
    tools: Tools<'t>,
    /// The document with a name for each of its blank nodes.
    named: Object,
    /// From those names to the secret labels.
    labels: HashMap<String, String>,
    lines: Vec<String>,
}

impl<'t> Grouped<'t> {
    /// Canonicalizes a document and puts secret labels in the place of the canonical ones.
    pub(super) fn new(
        document: &Object,
        hmac_key: &[u8],
        tools: Tools<'t>,
    ) -> Result<Self, DataIntegrityError> {
        // as a verifier will read it
        json_ld::to_rdf_by_names(document, tools.contexts)?;
        // §3.4.6 to §3.4.8, skolemizeCompactJsonLd: so that a part of the document means the same nodes
        let named = json_ld::name_blank_nodes(document, tools.contexts)?;
        let dataset = json_ld::to_rdf(&named, tools.contexts)?;
        // §3.4.3, createHmacIdLabelMapFunction
        let secret = |label: &str| {
            let digest = tools.provider.hmac_sha256(hmac_key, label.as_bytes());
            Some(format!("u{}", json::base64url(digest)))
        };
        let canonical = dataset
            .canonicalize_under(HashAlgorithm::Sha256, tools.provider, &secret)
            .map_err(JsonLdError::from)?;
        let labels = canonical.labels().iter().cloned().collect();
        Ok(Self { tools, named, labels, lines: canonical.lines().to_vec() })
    }

    /// All quads, in their order.
    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The secret label of a blank node.
    pub(super) fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// The part of the document that pointers select, as a dataset with the names of its blank nodes.
    pub(super) fn part<'p>(
        &self,
        pointers: impl Iterator<Item = &'p JsonPointer>,
    ) -> Result<Option<Dataset>, DataIntegrityError> {
        let Some(selection) = select(&self.named, pointers)? else {
            return Ok(None);
        };
        Ok(Some(json_ld::to_rdf(&selection, self.tools.contexts)?))
    }

    /// Which quads pointers mean (§3.4.15, §3.4.16).
    pub(super) fn matching<'p>(
        &self,
        pointers: impl Iterator<Item = &'p JsonPointer>,
    ) -> Result<BTreeSet<usize>, DataIntegrityError> {
        let Some(part) = self.part(pointers)? else {
            return Ok(BTreeSet::new());
        };
        let lines = part.lines_under(&self.labels).map_err(JsonLdError::from)?;
        lines
            .iter()
            .map(|line| self.lines.binary_search(line).map_err(|_| DataIntegrityError::Pointer))
            .collect()
    }
}
