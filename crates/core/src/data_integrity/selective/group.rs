//! The quads of a document under secret labels, and which of them pointers mean (VC-DI-ECDSA §3.4.1 to
//! §3.4.16, VC-DI-BBS §3.3.1).

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

/// How the secret key gives labels.
#[derive(Clone, Copy)]
pub(in super::super) enum Labelling<'k> {
    /// The label is the HMAC of the canonical one (VC-DI-ECDSA §3.4.3, createHmacIdLabelMapFunction).
    Hmac(&'k [u8]),
    /// The label is `b` and the place of that HMAC among all of them (VC-DI-BBS §3.3.1,
    /// createShuffledIdLabelMapFunction): it tells nothing, and two documents have the same ones.
    #[cfg(feature = "bbs")]
    Shuffled(&'k [u8]),
}

/// A document's quads, with labels for its blank nodes that only the secret key gives.
pub(in super::super) struct Grouped<'t> {
    tools: Tools<'t>,
    /// The document with a name for each of its blank nodes.
    named: Object,
    /// From those names to the secret labels.
    labels: HashMap<String, String>,
    lines: Vec<String>,
}

impl<'t> Grouped<'t> {
    /// Canonicalizes a document and puts secret labels in the place of the canonical ones.
    pub(in super::super) fn new(
        document: &Object,
        labelling: Labelling<'_>,
        tools: Tools<'t>,
    ) -> Result<Self, DataIntegrityError> {
        // as a verifier will read it
        json_ld::to_rdf_by_names(document, tools.contexts)?;
        // §3.4.6 to §3.4.8, skolemizeCompactJsonLd: so that a part of the document means the same nodes
        let named = json_ld::name_blank_nodes(document, tools.contexts)?;
        let dataset = json_ld::to_rdf(&named, tools.contexts)?;
        let canonical = dataset
            .canonicalize(HashAlgorithm::Sha256, tools.provider)
            .map_err(JsonLdError::from)?;
        let labels = labelling.labels(canonical.labels(), tools);
        let lines = dataset.lines_under(&labels).map_err(JsonLdError::from)?;
        Ok(Self { tools, named, labels, lines })
    }

    /// All quads, in their order.
    pub(in super::super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// The secret label of a blank node.
    pub(in super::super) fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }

    /// The part of the document that pointers select, as a dataset with the names of its blank nodes.
    pub(in super::super) fn part<'p>(
        &self,
        pointers: impl Iterator<Item = &'p JsonPointer>,
    ) -> Result<Option<Dataset>, DataIntegrityError> {
        let Some(selection) = select(&self.named, pointers)? else {
            return Ok(None);
        };
        Ok(Some(json_ld::to_rdf(&selection, self.tools.contexts)?))
    }

    /// Which quads pointers mean (§3.4.15, §3.4.16).
    pub(in super::super) fn matching<'p>(
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

impl Labelling<'_> {
    /// From the names of blank nodes to their secret labels.
    fn labels(self, canonical: &[(String, String)], tools: Tools<'_>) -> HashMap<String, String> {
        let hmac = |key: &[u8], label: &str| {
            let digest = tools.provider.hmac_sha256(key, label.as_bytes());
            format!("u{}", json::base64url(digest))
        };
        match self {
            Self::Hmac(key) => {
                canonical.iter().map(|(name, label)| (name.clone(), hmac(key, label))).collect()
            }
            #[cfg(feature = "bbs")]
            Self::Shuffled(key) => {
                let mut shuffled: Vec<_> =
                    canonical.iter().map(|(name, label)| (hmac(key, label), name)).collect();
                shuffled.sort_unstable();
                let labels = shuffled.into_iter().enumerate();
                labels.map(|(at, (_, name))| (name.clone(), format!("b{at}"))).collect()
            }
        }
    }
}
