//! What credentials and presentations have in common: contexts, types, identifiers, sets of objects.

use std::slice;

use serde_json::Value;
use thiserror::Error;

use super::Uri;
use crate::json::Object;

/// Why the `@context` of a document is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ContextFault {
    /// There is none.
    #[error("@context is missing")]
    Missing,
    /// It is not an array.
    #[error("@context is not an array")]
    NotAnArray,
    /// The first one is not that of the data model's version.
    #[error("the first @context is not that of the data model")]
    Base,
    /// One of them is neither a URL nor an object.
    #[error("a @context is neither a URL nor an object")]
    Item,
}

/// Why the `type` of a document is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TypeFault {
    /// There is none.
    #[error("type is missing")]
    Missing,
    /// It is not one or more names.
    #[error("type is not one or more names")]
    Malformed,
    /// The name that says what kind of document this is, is not among them.
    #[error("type does not say what kind of document this is")]
    Kind,
}

/// Why an object that refers to something beyond the document is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum EntryFault {
    /// The value is not one or more objects.
    #[error("not one or more objects")]
    NotAnObject,
    /// An object has no `type`.
    #[error("an object without a type")]
    Type,
    /// An `id` is not a URL.
    #[error("an id that is not a URL")]
    Id,
    /// An `id` is required and not there.
    #[error("an object without an id")]
    IdMissing,
}

/// VCDM 2.0 §4.3: an ordered set that starts with the base context; the others are URLs or objects.
pub(super) fn check_contexts(document: &Object, base: &str) -> Result<(), ContextFault> {
    let contexts = document.get("@context").ok_or(ContextFault::Missing)?;
    let contexts = contexts.as_array().ok_or(ContextFault::NotAnArray)?;
    if contexts.first().and_then(Value::as_str) != Some(base) {
        return Err(ContextFault::Base);
    }
    let fits = |context: &Value| match context {
        Value::String(url) => Uri::parse(url).is_ok(),
        other => other.is_object(),
    };
    if contexts.iter().all(fits) { Ok(()) } else { Err(ContextFault::Item) }
}

/// VCDM 2.0 §4.5: one or more names, the kind of document among them.
pub(super) fn check_types(document: &Object, kind: &str) -> Result<(), TypeFault> {
    let types = document.get("type").ok_or(TypeFault::Missing)?;
    if !is_type(types) {
        return Err(TypeFault::Malformed);
    }
    if names(types).any(|name| name == kind) { Ok(()) } else { Err(TypeFault::Kind) }
}

pub(super) fn is_type(types: &Value) -> bool {
    let types = set(types);
    let is_name = |name: &Value| name.as_str().is_some_and(|name| !name.is_empty());
    !types.is_empty() && types.iter().all(is_name)
}

/// The names in a `type` that was checked.
pub(super) fn names(types: &Value) -> impl Iterator<Item = &str> {
    set(types).iter().filter_map(Value::as_str)
}

/// The names in a document whose `type` was checked.
pub(super) fn types_of(document: &Object) -> impl Iterator<Item = &str> {
    document.get("type").into_iter().flat_map(names)
}

/// VCDM 2.0 §4.4: an `id` is a single URL; whether it must be there is up to the caller.
pub(super) fn read_id(document: &Object) -> Result<Option<Uri>, EntryFault> {
    match document.get("id") {
        None => Ok(None),
        Some(Value::String(id)) => Uri::parse(id).map(Some).map_err(|_| EntryFault::Id),
        Some(_) => Err(EntryFault::Id),
    }
}

/// A URL, or an object whose `id` is one: `issuer` and `holder`.
pub(super) fn read_identity(value: &Value) -> Option<Uri> {
    let id = match value {
        Value::String(id) => Some(id.as_str()),
        other => other.get("id").and_then(Value::as_str),
    };
    id.and_then(|id| Uri::parse(id).ok())
}

/// A value that stands for itself, or an array that stands for its elements.
pub(super) fn set(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        value => slice::from_ref(value),
    }
}

/// The objects of a member that was checked.
pub(super) fn objects<'d>(document: &'d Object, name: &str) -> impl Iterator<Item = &'d Object> {
    document.get(name).into_iter().flat_map(set).filter_map(Value::as_object)
}

/// VCDM 2.0 §4.5: what refers to something beyond the document says of which type that is.
pub(super) fn check_entries(document: &Object, name: &str) -> Result<(), EntryFault> {
    let Some(value) = document.get(name) else {
        return Ok(());
    };
    let entries = set(value);
    if entries.is_empty() {
        return Err(EntryFault::NotAnObject);
    }
    for entry in entries {
        let entry = entry.as_object().ok_or(EntryFault::NotAnObject)?;
        if !entry.get("type").is_some_and(is_type) {
            return Err(EntryFault::Type);
        }
        read_id(entry)?;
    }
    Ok(())
}

/// As [`check_entries`], of which each also has an `id`.
pub(super) fn check_identified(document: &Object, name: &str) -> Result<(), EntryFault> {
    check_entries(document, name)?;
    let has_id = |entry: &Object| entry.contains_key("id");
    if objects(document, name).all(has_id) { Ok(()) } else { Err(EntryFault::IdMissing) }
}
