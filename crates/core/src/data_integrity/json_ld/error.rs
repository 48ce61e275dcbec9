//! Why a document has no RDF dataset that says all that it says.

use thiserror::Error;

use super::super::rdf::RdfError;
use crate::json::{CanonicalizeError, JsonError};

/// Why a document is refused as JSON-LD: part of it would be dropped, or read in more than one way.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum JsonLdError {
    /// A context that is not on the allow-list; it is never fetched.
    #[error("the context {0} is not known")]
    UnknownContext(String),
    /// A context that was handed in cannot be read.
    #[error("the context cannot be read: {0}")]
    UnreadableContext(JsonError),
    /// A context, or a keyword in it, has the wrong JSON type or value.
    #[error("a context is malformed at {0}")]
    Context(&'static str),
    /// Contexts that take more work than any document needs.
    #[error("the contexts are too large")]
    ContextTooLarge,
    /// A term's definition is malformed.
    #[error("the definition of a term is malformed at {0}")]
    TermDefinition(&'static str),
    /// Terms that are defined by each other.
    #[error("terms are defined by each other")]
    CyclicTerms,
    /// A context defines a protected term anew.
    #[error("a context defines a protected term anew")]
    ProtectedTerm,
    /// A keyword that is never needed in a secured document.
    #[error("{0} is not supported")]
    Unsupported(&'static str),
    /// A term that no context defines: it would be dropped, and not be signed.
    #[error("the term {0} is not defined")]
    UndefinedTerm(String),
    /// Text that looks like a keyword and is none.
    #[error("a term has the form of a keyword")]
    KeywordLike,
    /// A member stands for a keyword that another member stands for already.
    #[error("two members stand for {0}")]
    CollidingKeywords(&'static str),
    /// The value of a keyword has the wrong form.
    #[error("the value of {0} is malformed")]
    KeywordValue(&'static str),
    /// An identifier, a type or a reference is relative: it would be dropped, or mean what the reader wants.
    #[error("{0} is not absolute")]
    Relative(&'static str),
    /// A null, an empty array or an empty graph: it would be dropped, and not be signed.
    #[error("{0} says nothing and would not be signed")]
    Dropped(&'static str),
    /// A secured document says itself what its terms mean; that is not signed.
    #[error("the document defines terms itself")]
    InlineContext,
    /// A context within a secured document, where no credential or proof begins.
    #[error("there is a context within the document")]
    NestedContext,
    /// A member of a secured document goes by an IRI or a keyword: who reads it by its term misses it.
    #[error("a member is not named by a term")]
    NotATerm,
    /// The document's own node is described in a second place: who reads the first misses the rest.
    #[error("the document's own node is described in two places")]
    DescribedTwice,
    /// Nested deeper than any document needs.
    #[error("nested too deep")]
    TooDeep,
    /// A JSON literal, or a number, has no canonical form.
    #[error("a literal has no canonical form: {0}")]
    Literal(#[from] CanonicalizeError),
    /// The dataset breaks a rule of RDF or a limit.
    #[error(transparent)]
    Rdf(#[from] RdfError),
}

impl JsonLdError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownContext(_) => "context_unknown",
            Self::UnreadableContext(_) | Self::Context(_) => "context_malformed",
            Self::ContextTooLarge => "context_too_large",
            Self::TermDefinition(_) | Self::CyclicTerms => "context_term_malformed",
            Self::ProtectedTerm => "context_term_protected",
            Self::Unsupported(_) => "json_ld_unsupported",
            Self::UndefinedTerm(_) => "term_undefined",
            Self::KeywordLike => "term_keyword_like",
            Self::CollidingKeywords(_) => "json_ld_colliding_keywords",
            Self::KeywordValue(_) => "json_ld_keyword_value",
            Self::Relative(_) => "json_ld_relative_iri",
            Self::Dropped(_) => "json_ld_dropped_value",
            Self::InlineContext => "context_inline",
            Self::NestedContext => "context_nested",
            Self::NotATerm => "json_ld_not_a_term",
            Self::DescribedTwice => "json_ld_described_twice",
            Self::TooDeep => "json_ld_too_deep",
            Self::Literal(_) => "json_ld_literal",
            Self::Rdf(error) => error.code(),
        }
    }
}
