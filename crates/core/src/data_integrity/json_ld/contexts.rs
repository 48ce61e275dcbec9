//! The contexts that are known: bundled ones, and those that an integrator adds.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, OnceLock, PoisonError, RwLock},
};

use super::{
    JsonLdError,
    context::{ActiveContext, LocalContext},
};
use crate::json;

/// The most active contexts that are kept: the bundled documents in the orders in which credentials
/// name them, and the scoped contexts within them.
const MAX_KEPT: usize = 256;

/// The documents that are bundled, by their URLs.
///
/// A test holds each to the digest that its publisher gives, or to its official copy.
const BUNDLED: [(&str, &str); 10] = [
    ("https://www.w3.org/ns/credentials/v2", ssi_contexts::CREDENTIALS_V2),
    ("https://www.w3.org/ns/credentials/examples/v2", ssi_contexts::CREDENTIALS_EXAMPLES_V2),
    ("https://www.w3.org/2018/credentials/v1", ssi_contexts::CREDENTIALS_V1),
    ("https://www.w3.org/2018/credentials/examples/v1", ssi_contexts::CREDENTIALS_EXAMPLES_V1),
    ("https://w3id.org/security/data-integrity/v2", ssi_contexts::W3ID_DATA_INTEGRITY_V2),
    ("https://w3id.org/security/data-integrity/v1", ssi_contexts::W3ID_DATA_INTEGRITY_V1),
    ("https://w3id.org/security/suites/jws-2020/v1", ssi_contexts::W3ID_JWS2020_V1),
    ("https://www.w3.org/ns/did/v1", ssi_contexts::DID_V1),
    ("https://w3id.org/vc/status-list/2021/v1", ssi_contexts::STATUS_LIST_2021_V1),
    ("https://w3id.org/vdl/v1", ssi_contexts::VDL_V1),
];

/// The contexts that documents may name, compiled once.
pub struct Contexts {
    documents: HashMap<String, Arc<LocalContext>>,
    kept: RwLock<HashMap<Step, Arc<ActiveContext>>>,
    allows_inline: bool,
}

/// One step from an active context to the next.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Step {
    pub(super) active: u64,
    pub(super) local: u64,
    pub(super) propagates: bool,
    pub(super) overrides: bool,
}

impl Contexts {
    /// The bundled contexts: VCDM 2.0 and 1.1 with their examples, Data Integrity, DID, JWS 2020, status
    /// list 2021 and vehicle licences; one copy for the whole program.
    pub fn bundled() -> &'static Arc<Self> {
        static SHARED: OnceLock<Arc<Contexts>> = OnceLock::new();
        SHARED.get_or_init(|| Arc::new(Self::new()))
    }

    /// The bundled contexts, to add others to.
    pub fn new() -> Self {
        let mut contexts =
            Self { documents: HashMap::new(), kept: RwLock::default(), allows_inline: false };
        for (url, document) in BUNDLED {
            contexts.add(url, document.as_bytes()).expect("a bundled context is a context");
        }
        contexts
    }

    /// With another context: documents may name this URL, and mean this document.
    ///
    /// # Errors
    /// [`JsonLdError::UnreadableContext`] or [`JsonLdError::Context`]. What is in the context is judged
    /// when a document uses it.
    pub fn with(mut self, url: &str, document: &[u8]) -> Result<Self, JsonLdError> {
        self.add(url, document)?;
        Ok(self)
    }

    /// Also accepts secured documents that say themselves what their terms mean.
    ///
    /// Such a context is not signed by the rdfc suites and `ecdsa-sd-2023`: whoever holds the document can
    /// exchange it for another under which other names say the same. Read such documents by what their terms
    /// mean, and never by their names alone (VC Data Integrity §4.6).
    #[must_use]
    pub const fn danger_with_inline_contexts(mut self) -> Self {
        self.allows_inline = true;
        self
    }

    pub(super) const fn allows_inline(&self) -> bool {
        self.allows_inline
    }

    fn add(&mut self, url: &str, document: &[u8]) -> Result<(), JsonLdError> {
        let document = json::parse_object(document).map_err(JsonLdError::UnreadableContext)?;
        let context = document.get("@context").ok_or(JsonLdError::Context("@context"))?;
        let context = LocalContext::read(context, true)?;
        self.documents.insert(url.to_owned(), Arc::new(context));
        Ok(())
    }

    /// The URLs that are known.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        self.documents.keys().map(String::as_str)
    }

    /// The bundled documents, by their URLs.
    pub fn bundled_documents() -> impl Iterator<Item = (&'static str, &'static str)> {
        BUNDLED.into_iter()
    }

    pub(super) fn document(&self, url: &str) -> Result<&Arc<LocalContext>, JsonLdError> {
        self.documents.get(url).ok_or_else(|| {
            // enough to find the context, and not what somebody would like to have in a log
            let shown = url.chars().filter(|shown| !shown.is_control()).take(256);
            JsonLdError::UnknownContext(shown.collect())
        })
    }

    pub(super) fn kept(&self, step: &Step) -> Option<Arc<ActiveContext>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).get(step).cloned()
    }

    pub(super) fn keep(&self, step: Step, context: &Arc<ActiveContext>) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == MAX_KEPT {
            // documents that name contexts in odd orders may not crowd out the usual ones for ever
            kept.clear();
        }
        kept.insert(step, Arc::clone(context));
    }
}

impl Default for Contexts {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Contexts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Contexts({} documents)", self.documents.len())
    }
}
