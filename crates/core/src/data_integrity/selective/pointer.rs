//! Which part of a document is meant: JSON pointers and what they select (RFC 6901, VC-DI-ECDSA §3.4.12).

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use super::super::DataIntegrityError;
use crate::json::Object;

/// A JSON pointer, as `/credentialSubject/name` (RFC 6901).
#[derive(Clone, PartialEq, Eq)]
pub struct JsonPointer {
    text: String,
    segments: Vec<String>,
}

impl JsonPointer {
    /// Reads a JSON pointer; the empty one means the whole document.
    ///
    /// # Errors
    /// [`DataIntegrityError::Pointer`] when it does not start with `/`, or has a `~` that is neither `~0`
    /// nor `~1`.
    pub fn parse(text: &str) -> Result<Self, DataIntegrityError> {
        let malformed = DataIntegrityError::Pointer;
        if text.is_empty() {
            return Ok(Self { text: String::new(), segments: Vec::new() });
        }
        let rest = text.strip_prefix('/').ok_or(malformed.clone())?;
        let segment = |segment: &str| {
            // RFC 6901 §3: escaped = "~" ( "0" / "1" )
            let mut parts = segment.split('~').skip(1);
            if !parts.all(|part| part.starts_with(['0', '1'])) {
                return Err(malformed.clone());
            }
            Ok(segment.replace("~1", "/").replace("~0", "~"))
        };
        let segments = rest.split('/').map(segment).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), segments })
    }

    /// The pointer as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether this one means all that another means.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.segments.starts_with(&self.segments)
    }
}

impl fmt::Debug for JsonPointer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "JsonPointer({})", self.text)
    }
}

/// What some pointers select of a value.
#[derive(Debug)]
enum Selected<'p> {
    All,
    Members(BTreeMap<&'p str, Selected<'p>>),
    Elements(BTreeMap<usize, Selected<'p>>),
}

/// The part of a document that pointers select: on the way to each, identifiers and types stay; none when
/// there is no pointer (VC-DI-ECDSA §3.4.13, selectJsonLd).
pub(super) fn select<'p>(
    document: &Object,
    pointers: impl Iterator<Item = &'p JsonPointer>,
) -> Result<Option<Object>, DataIntegrityError> {
    let mut tree = None;
    for pointer in pointers {
        let root = tree.get_or_insert_with(|| Selected::Members(BTreeMap::new()));
        add(root, document, &pointer.segments)?;
    }
    let Some(tree) = tree else {
        return Ok(None);
    };
    let Selected::Members(members) = tree else {
        return Ok(Some(document.clone()));
    };
    let mut selection = Object::new();
    if let Some(context) = document.get("@context") {
        selection.insert("@context".to_owned(), context.clone());
    }
    selection.extend(object(document, &members));
    Ok(Some(selection))
}

/// Adds what one pointer selects, below an object.
fn add<'p>(
    selected: &mut Selected<'p>,
    members: &Object,
    segments: &'p [String],
) -> Result<(), DataIntegrityError> {
    let Some((name, rest)) = segments.split_first() else {
        *selected = Selected::All;
        return Ok(());
    };
    let value = members.get(name).ok_or(DataIntegrityError::Pointer)?;
    match selected {
        Selected::All => find(value, rest),
        Selected::Members(chosen) => {
            add_value(chosen.entry(name).or_insert_with(|| nothing_of(value)), value, rest)
        }
        Selected::Elements(_) => Err(DataIntegrityError::Pointer),
    }
}

fn add_value<'p>(
    selected: &mut Selected<'p>,
    value: &Value,
    segments: &'p [String],
) -> Result<(), DataIntegrityError> {
    match (value, segments.split_first()) {
        (_, None) => {
            *selected = Selected::All;
            Ok(())
        }
        (Value::Object(members), Some(_)) => add(selected, members, segments),
        (Value::Array(elements), Some((index, rest))) => {
            let index = array_index(index)?;
            let element = elements.get(index).ok_or(DataIntegrityError::Pointer)?;
            match selected {
                Selected::All => find(element, rest),
                Selected::Elements(chosen) => {
                    let chosen = chosen.entry(index).or_insert_with(|| nothing_of(element));
                    add_value(chosen, element, rest)
                }
                Selected::Members(_) => Err(DataIntegrityError::Pointer),
            }
        }
        _ => Err(DataIntegrityError::Pointer),
    }
}

/// What is selected already is selected again; it must be there all the same.
fn find(value: &Value, segments: &[String]) -> Result<(), DataIntegrityError> {
    let mut value = value;
    for segment in segments {
        let next = match value {
            Value::Object(members) => members.get(segment),
            Value::Array(elements) => elements.get(array_index(segment)?),
            _ => None,
        };
        value = next.ok_or(DataIntegrityError::Pointer)?;
    }
    Ok(())
}

/// RFC 6901 §4: digits, without leading zeros.
fn array_index(segment: &str) -> Result<usize, DataIntegrityError> {
    let is_index = segment.bytes().all(|byte| byte.is_ascii_digit())
        && (segment == "0" || !segment.starts_with('0'));
    segment.parse().ok().filter(|_| is_index).ok_or(DataIntegrityError::Pointer)
}

fn nothing_of<'p>(value: &Value) -> Selected<'p> {
    match value {
        Value::Array(_) => Selected::Elements(BTreeMap::new()),
        _ => Selected::Members(BTreeMap::new()),
    }
}

fn object(members: &Object, chosen: &BTreeMap<&str, Selected<'_>>) -> Object {
    let part = |(name, value): (&String, &Value)| {
        let selected = match chosen.get(name.as_str()) {
            Some(Selected::All) => value.clone(),
            Some(Selected::Members(chosen)) => Value::Object(object(value.as_object()?, chosen)),
            Some(Selected::Elements(chosen)) => Value::Array(array(value.as_array()?, chosen)),
            // VC-DI-ECDSA §3.4.11, createInitialSelection
            None if is_kept(name, value) => value.clone(),
            None => return None,
        };
        Some((name.clone(), selected))
    };
    members.iter().filter_map(part).collect()
}

fn array(elements: &[Value], chosen: &BTreeMap<usize, Selected<'_>>) -> Vec<Value> {
    let part = |(index, selected): (&usize, &Selected<'_>)| {
        let element = elements.get(*index)?;
        Some(match selected {
            Selected::All => element.clone(),
            Selected::Members(chosen) => Value::Object(object(element.as_object()?, chosen)),
            Selected::Elements(chosen) => Value::Array(array(element.as_array()?, chosen)),
        })
    };
    chosen.iter().filter_map(part).collect()
}

/// Whether a member stays on the way to what is selected; a name that only this program gave is a keyword.
fn is_kept(name: &str, value: &Value) -> bool {
    match name {
        "type" | "@type" | "@id" => true,
        "id" => value.as_str().is_some_and(|id| !id.starts_with("_:")),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selected(document: &Value, pointers: &[&str]) -> Result<Value, DataIntegrityError> {
        let pointers: Vec<_> =
            pointers.iter().map(|text| JsonPointer::parse(text)).collect::<Result<_, _>>()?;
        let document = document.as_object().unwrap();
        Ok(select(document, pointers.iter())?.map_or(Value::Null, Value::Object))
    }

    #[test]
    fn keeps_identifiers_and_types_on_the_way() {
        let document = json!({
            "@context": ["a"], "id": "urn:a", "type": "T", "x": 1,
            "s": {"id": "_:b", "type": "S", "a": [{"id": "urn:c", "n": 1}, {"n": 2, "m": 3}, 4], "y": 5},
        });
        let select = |pointers: &[&str]| selected(&document, pointers).unwrap();
        assert_eq!(select(&[]), Value::Null);
        assert_eq!(select(&[""]), document);
        assert_eq!(select(&["/x"]), json!({"@context": ["a"], "id": "urn:a", "type": "T", "x": 1}));
        assert_eq!(
            select(&["/s/a/2", "/s/a/1/m"])["s"],
            json!({"type": "S", "a": [{"m": 3}, 4]}),
            "elements keep their order and leave no gaps"
        );
        assert_eq!(select(&["/s", "/s/y"])["s"], document["s"]);
        assert_eq!(select(&["/s/y", "/s"])["s"], document["s"]);
        assert_eq!(select(&["/s/a/0/n"])["s"]["a"], json!([{"id": "urn:c", "n": 1}]));
    }

    #[test]
    fn refuses_pointers_that_are_malformed_or_lead_nowhere() {
        let document = json!({"a": [1, {"b~/": 2}]});
        assert_eq!(selected(&document, &["/a/1/b~0~1"]).unwrap(), document_part());
        for pointer in
            ["a", "/a~", "/a~2", "/b", "/a/2", "/a/01", "/a/+1", "/a/-", "/a/0/c", "/a/1/c"]
        {
            assert_eq!(
                selected(&document, &[pointer]),
                Err(DataIntegrityError::Pointer),
                "{pointer}"
            );
            let after_all = selected(&document, &["", pointer]);
            assert_eq!(after_all, Err(DataIntegrityError::Pointer), "{pointer}");
        }
    }

    fn document_part() -> Value {
        json!({"a": [{"b~/": 2}]})
    }
}
