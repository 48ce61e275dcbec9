//! Members of a query, read with their types and limits.

use lanyard_core::json::Object;
use serde_json::Value;

use super::DcqlError;

pub(super) fn is_integer(value: &Value) -> bool {
    value.is_i64() || value.is_u64()
}

pub(super) fn text<'m>(
    members: &'m Object,
    name: &'static str,
) -> Result<Option<&'m str>, DcqlError> {
    match members.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or(DcqlError::WrongType(name)),
    }
}

pub(super) fn boolean(members: &Object, name: &'static str) -> Result<Option<bool>, DcqlError> {
    match members.get(name) {
        None => Ok(None),
        Some(value) => value.as_bool().map(Some).ok_or(DcqlError::WrongType(name)),
    }
}

pub(super) fn texts(
    members: &Object,
    name: &'static str,
    most: usize,
) -> Result<Option<Vec<String>>, DcqlError> {
    let Some(values) = entries(members, name, most)? else { return Ok(None) };
    let text = |value: &Value| value.as_str().map(str::to_owned).ok_or(DcqlError::WrongType(name));
    values.iter().map(text).collect::<Result<_, _>>().map(Some)
}

pub(super) fn entries<'m>(
    members: &'m Object,
    name: &'static str,
    most: usize,
) -> Result<Option<&'m [Value]>, DcqlError> {
    members.get(name).map(|value| non_empty(value, name, most)).transpose()
}

pub(super) fn non_empty<'v>(
    value: &'v Value,
    name: &'static str,
    most: usize,
) -> Result<&'v [Value], DcqlError> {
    match value.as_array().ok_or(DcqlError::WrongType(name))?.as_slice() {
        [] => Err(DcqlError::Empty(name)),
        entries if entries.len() > most => Err(DcqlError::TooMany(name)),
        entries => Ok(entries),
    }
}
