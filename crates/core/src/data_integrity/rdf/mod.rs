//! RDF datasets and their canonical form (RDF 1.1 Concepts §4, RDF Dataset Canonicalization 1.0).

mod canonical;
mod dataset;
mod n_quads;

pub use canonical::CanonicalDataset;
pub use dataset::{Dataset, RdfError, Term};
pub(super) use dataset::{MAX_BLANK_NODES, Node, Predicate};
