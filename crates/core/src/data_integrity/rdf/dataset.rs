//! A set of quads, with every term kept once and as N-Quads write it.

use std::{collections::HashMap, fmt, sync::Arc};

use thiserror::Error;

use super::n_quads;

/// The most quads in a dataset.
const MAX_QUADS: usize = 2_000;

/// The most blank nodes in a dataset.
pub(in super::super) const MAX_BLANK_NODES: usize = 64;

/// The most bytes that a dataset's quads may be written with: a long term in many quads adds up.
const MAX_BYTES: usize = 8 << 20;

/// A set of quads.
#[derive(Clone, Default)]
pub struct Dataset {
    pub(super) quads: Vec<Quad>,
    /// IRIs and literals, as N-Quads write them.
    pub(super) terms: Vec<Arc<str>>,
    known: HashMap<Arc<str>, u32>,
    /// For each blank node, the label it came with.
    pub(super) blank_nodes: Vec<Option<Arc<str>>>,
    labels: HashMap<Arc<str>, u32>,
    bytes: usize,
}

/// The subject or object of a quad, or the name of its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) enum Node {
    /// A blank node, by its number.
    Blank(u32),
    /// An IRI or a literal, by its place in the table of terms.
    Written(u32),
}

/// The predicate of a quad: an IRI, by its place in the table of terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in super::super) struct Predicate(pub(super) u32);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Quad {
    pub(super) subject: Node,
    pub(super) predicate: Predicate,
    pub(super) object: Node,
    pub(super) graph: Option<Node>,
}

/// A term of RDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term<'t> {
    /// An absolute IRI.
    Iri(&'t str),
    /// A blank node, by a label without `_:`.
    Blank(&'t str),
    /// A literal with a datatype.
    Literal {
        /// The lexical form.
        lexical: &'t str,
        /// The datatype's IRI.
        datatype: &'t str,
    },
    /// A text in a language.
    Text {
        /// The text.
        lexical: &'t str,
        /// The language tag.
        language: &'t str,
    },
}

/// Why a dataset has no canonical form.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RdfError {
    /// Not an absolute IRI, or one with characters that it must not have.
    #[error("not an absolute IRI")]
    Iri,
    /// Not a language tag.
    #[error("not a language tag")]
    Language,
    /// A literal where only an IRI or a blank node makes sense.
    #[error("a literal cannot be a subject or a graph")]
    Literal,
    /// More quads than the limit, or longer ones.
    #[error("the dataset is too large")]
    TooLarge,
    /// More blank nodes than the limit.
    #[error("the dataset has too many blank nodes")]
    TooManyBlankNodes,
    /// Telling the blank nodes apart takes too long: a poisoned dataset.
    #[error("the blank nodes of the dataset cannot be told apart in reasonable time")]
    TooMuchWork,
    /// A blank node for which the proof has no label.
    #[error("a blank node has no label in the proof")]
    Unlabelled,
}

impl RdfError {
    /// The stable reason code, for operators.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Iri => "rdf_iri_malformed",
            Self::Language => "rdf_language_malformed",
            Self::Literal => "rdf_literal_misplaced",
            Self::TooLarge | Self::TooManyBlankNodes => "rdf_too_large",
            Self::TooMuchWork => "rdf_poisoned",
            Self::Unlabelled => "rdf_blank_node_unlabelled",
        }
    }
}

impl Dataset {
    /// Without a quad.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a quad, to the default graph when there is no other.
    ///
    /// # Errors
    /// [`RdfError`] for a term that is malformed or in the wrong place, and for a dataset beyond the
    /// limits.
    pub fn insert(
        &mut self,
        subject: Term<'_>,
        predicate: &str,
        object: Term<'_>,
        graph: Option<Term<'_>>,
    ) -> Result<(), RdfError> {
        let resource = |term: &Term<'_>| matches!(term, Term::Iri(_) | Term::Blank(_));
        if !resource(&subject) || !graph.as_ref().is_none_or(resource) {
            return Err(RdfError::Literal);
        }
        let subject = self.term(subject)?;
        let predicate = self.predicate(predicate)?;
        let object = self.term(object)?;
        let graph = graph.map(|graph| self.term(graph)).transpose()?;
        self.push(subject, predicate, object, graph)
    }

    fn term(&mut self, term: Term<'_>) -> Result<Node, RdfError> {
        match term {
            Term::Iri(iri) => self.iri(iri),
            Term::Blank(label) => self.labelled(label),
            Term::Literal { lexical, datatype } => self.literal(lexical, datatype),
            Term::Text { lexical, language } => self.text(lexical, language),
        }
    }

    /// Whether there is a quad.
    pub const fn is_empty(&self) -> bool {
        self.quads.is_empty()
    }

    /// Whether a predicate is one of these IRIs, as N-Quads write them.
    pub(in super::super) fn is_one_of(&self, predicate: Predicate, iris: &[&str]) -> bool {
        iris.contains(&self.written(predicate.0))
    }

    pub(in super::super) const fn count_blank_nodes(&self) -> usize {
        self.blank_nodes.len()
    }

    pub(in super::super) const fn len(&self) -> usize {
        self.quads.len()
    }

    pub(in super::super) fn push(
        &mut self,
        subject: Node,
        predicate: Predicate,
        object: Node,
        graph: Option<Node>,
    ) -> Result<(), RdfError> {
        let quad = Quad { subject, predicate, object, graph };
        self.bytes += self.length(&quad);
        if self.quads.len() == MAX_QUADS || self.bytes > MAX_BYTES {
            return Err(RdfError::TooLarge);
        }
        self.quads.push(quad);
        Ok(())
    }

    fn length(&self, quad: &Quad) -> usize {
        let length = |node: Node| match node {
            Node::Blank(_) => 8,
            Node::Written(term) => self.written(term).len(),
        };
        let graph = quad.graph.map_or(0, length);
        length(quad.subject) + self.written(quad.predicate.0).len() + length(quad.object) + graph
    }

    pub(super) fn written(&self, term: u32) -> &str {
        self.terms.get(term as usize).map_or("", |term| term)
    }

    pub(in super::super) fn iri(&mut self, iri: &str) -> Result<Node, RdfError> {
        self.predicate(iri).map(|predicate| Node::Written(predicate.0))
    }

    pub(in super::super) fn predicate(&mut self, iri: &str) -> Result<Predicate, RdfError> {
        if !n_quads::is_iri(iri) {
            return Err(RdfError::Iri);
        }
        self.keep(&format!("<{iri}>")).map(Predicate)
    }

    pub(in super::super) fn literal(
        &mut self,
        lexical: &str,
        datatype: &str,
    ) -> Result<Node, RdfError> {
        if !n_quads::is_iri(datatype) {
            return Err(RdfError::Iri);
        }
        self.keep(&n_quads::literal(lexical, datatype)).map(Node::Written)
    }

    pub(in super::super) fn text(
        &mut self,
        lexical: &str,
        language: &str,
    ) -> Result<Node, RdfError> {
        if !n_quads::is_language(language) {
            return Err(RdfError::Language);
        }
        self.keep(&n_quads::text(lexical, language)).map(Node::Written)
    }

    /// The blank node of a label: the same for the same label.
    pub(in super::super) fn labelled(&mut self, label: &str) -> Result<Node, RdfError> {
        if let Some(known) = self.labels.get(label) {
            return Ok(Node::Blank(*known));
        }
        let label: Arc<str> = label.into();
        let number = self.add_blank(Some(Arc::clone(&label)))?;
        self.labels.insert(label, number);
        Ok(Node::Blank(number))
    }

    /// A blank node that is no other.
    pub(in super::super) fn blank(&mut self) -> Result<Node, RdfError> {
        self.add_blank(None).map(Node::Blank)
    }

    fn add_blank(&mut self, label: Option<Arc<str>>) -> Result<u32, RdfError> {
        if self.blank_nodes.len() == MAX_BLANK_NODES {
            return Err(RdfError::TooManyBlankNodes);
        }
        self.blank_nodes.push(label);
        // no more than the limit, so it fits
        Ok(self.blank_nodes.len() as u32 - 1)
    }

    fn keep(&mut self, written: &str) -> Result<u32, RdfError> {
        if let Some(known) = self.known.get(written) {
            return Ok(*known);
        }
        self.bytes += written.len();
        // each quad brings three new terms at most, and its own count is limited in `push`
        if self.terms.len() > 4 * MAX_QUADS || self.bytes > MAX_BYTES {
            return Err(RdfError::TooLarge);
        }
        let written: Arc<str> = written.into();
        let place = self.terms.len() as u32;
        self.terms.push(Arc::clone(&written));
        self.known.insert(written, place);
        Ok(place)
    }
}

impl fmt::Debug for Dataset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Dataset({} quads)", self.quads.len())
    }
}
