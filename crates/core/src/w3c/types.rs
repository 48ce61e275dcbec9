//! The types of a W3C credential by their IRIs (OID4VP 1.0 App. B.1.1).

use super::members;
use crate::{
    data_integrity::json_ld::{Contexts, expand_types as by_contexts},
    json::Object,
};

/// The types of a document as its contexts expand them, as far as they are known; a type that none of them
/// defines stays as it is written.
pub(crate) fn expand_types(document: &Object) -> Vec<String> {
    let contexts = document.get("@context").map_or(&[][..], members::set);
    by_contexts(contexts, members::types_of(document), Contexts::bundled())
}
