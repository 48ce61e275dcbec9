//! From JSON-LD to RDF, in safe mode, over contexts that are known beforehand (JSON-LD 1.1).
//!
//! This is the part of JSON-LD that credentials and their proofs use, and no more: expansion goes straight
//! to quads. Whatever would be dropped on the way is an error here, because it would not be signed.
//! Nothing is ever fetched.

mod context;
mod contexts;
mod error;
mod expand;
mod members;
mod name;
mod term;
mod types;
mod value;

pub use contexts::Contexts;
pub use error::JsonLdError;
pub use expand::to_rdf;
pub(super) use expand::to_rdf_by_names;
pub(super) use name::name_blank_nodes;
pub(crate) use types::expand_types;

/// Every keyword of JSON-LD 1.1 (JSON-LD 1.1 §1.7).
const KEYWORDS: [&str; 24] = [
    "@base",
    "@container",
    "@context",
    "@direction",
    "@graph",
    "@id",
    "@import",
    "@included",
    "@index",
    "@json",
    "@language",
    "@list",
    "@nest",
    "@none",
    "@prefix",
    "@propagate",
    "@protected",
    "@reverse",
    "@set",
    "@type",
    "@value",
    "@version",
    "@vocab",
    "@default",
];

/// The keyword that a text is.
fn keyword(text: &str) -> Option<&'static str> {
    // most texts are none, and say so with their first byte
    if !text.starts_with('@') {
        return None;
    }
    KEYWORDS.iter().copied().find(|keyword| *keyword == text)
}

/// Whether a text has the form of a keyword: those are reserved (JSON-LD 1.1 §1.7).
fn is_keyword_like(text: &str) -> bool {
    text.strip_prefix('@')
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphabetic()))
}
