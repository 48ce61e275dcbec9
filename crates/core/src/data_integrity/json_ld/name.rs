//! Names for the blank nodes of a document, so that a part of it means the same nodes (VC-DI-ECDSA §3.4.6).

use std::collections::HashSet;

use serde_json::Value;

use super::{
    Contexts, JsonLdError,
    expand::{Expansion, Reading, address},
};
use crate::json::Object;

/// The document with a name, `_:b0` and so on, for each node object that has none.
///
/// # Errors
/// As [`to_rdf`](super::to_rdf), and [`JsonLdError::Unsupported`] when there are other blank nodes in it: in lists, as names
/// of graphs, or named already.
pub(in super::super) fn name_blank_nodes(
    document: &Object,
    contexts: &Contexts,
) -> Result<Object, JsonLdError> {
    let expansion = Expansion::of(document, contexts, Reading::Lenient)?;
    if expansion.dataset.count_blank_nodes() != expansion.unnamed.len() {
        return Err(JsonLdError::Unsupported("a blank node that is no node object"));
    }
    let mut named = document.clone();
    let mut next = 0;
    name_object(document, &mut named, &expansion.unnamed, &mut next);
    Ok(named)
}

fn name_object(original: &Object, named: &mut Object, unnamed: &HashSet<usize>, next: &mut usize) {
    // the addresses are those of the original, which nobody has moved since
    if unnamed.contains(&address(original)) {
        named.insert("@id".to_owned(), format!("_:b{next}").into());
        *next += 1;
    }
    for (name, value) in original {
        if let Some(named) = named.get_mut(name) {
            name_value(value, named, unnamed, next);
        }
    }
}

fn name_value(original: &Value, named: &mut Value, unnamed: &HashSet<usize>, next: &mut usize) {
    match (original, named) {
        (Value::Object(original), Value::Object(named)) => {
            name_object(original, named, unnamed, next);
        }
        (Value::Array(original), Value::Array(named)) => {
            for (original, named) in original.iter().zip(named) {
                name_value(original, named, unnamed, next);
            }
        }
        _ => {}
    }
}
