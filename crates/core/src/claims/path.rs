//! Claims path pointers (OID4VP 1.0 §7, OID4VCI 1.0 App. C).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;
use thiserror::Error;

use crate::json::Object;

/// The longest pointer that is read; nothing signed is nested deeper.
const MAX_SEGMENTS: usize = 32;

/// Points to one claim or several: a key, an index or a wildcard for each level.
///
/// ```
/// use lanyard_core::claims::ClaimsPath;
///
/// let path: ClaimsPath = serde_json::from_str(r#"["address", "locality"]"#).unwrap();
/// let credential = serde_json::json!({"address": {"locality": "Utopia", "region": "North"}});
/// assert_eq!(path.select(&credential).unwrap(), ["Utopia"]);
/// assert_eq!(path, ClaimsPath::key("address").then_key("locality"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClaimsPath(Vec<PathSegment>);

/// One level of a [`ClaimsPath`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PathSegment {
    /// The member of an object with this name.
    Key(String),
    /// The element of an array at this index, counted from zero.
    Index(u64),
    /// All elements of an array (`null` in JSON).
    All,
}

/// Why a claims path pointer cannot be read, or selects nothing.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PathError {
    /// The pointer is not an array.
    #[error("a claims path pointer is an array")]
    NotAnArray,
    /// The pointer has no segment.
    #[error("a claims path pointer has at least one segment")]
    Empty,
    /// The pointer has more segments than anything it could point into.
    #[error("the claims path pointer is too long")]
    TooLong,
    /// A segment is neither a string, nor null, nor a non-negative integer.
    #[error("a segment is a string, null or a non-negative integer")]
    BadSegment,
    /// A key meets something that is not an object.
    #[error("a key points into something that is not an object")]
    KeyOutsideObject,
    /// An index or a wildcard meets something that is not an array.
    #[error("an index or null points into something that is not an array")]
    IndexOutsideArray,
    /// No element is left at the end.
    #[error("the claims path pointer selects nothing")]
    NothingSelected,
}

impl ClaimsPath {
    /// Points to a claim at the top level.
    pub fn key(name: impl Into<String>) -> Self {
        Self(vec![PathSegment::Key(name.into())])
    }

    /// Continues to a member of the object pointed to.
    #[must_use]
    pub fn then_key(self, name: impl Into<String>) -> Self {
        self.then(PathSegment::Key(name.into()))
    }

    /// Continues to an element of the array pointed to.
    #[must_use]
    pub fn then_index(self, index: u64) -> Self {
        self.then(PathSegment::Index(index))
    }

    /// Continues to all elements of the array pointed to.
    #[must_use]
    pub fn then_all(self) -> Self {
        self.then(PathSegment::All)
    }

    fn then(mut self, segment: PathSegment) -> Self {
        self.0.push(segment);
        self
    }

    /// Takes the segments of a pointer.
    ///
    /// # Errors
    /// [`PathError::Empty`] and [`PathError::TooLong`].
    pub fn from_segments(segments: Vec<PathSegment>) -> Result<Self, PathError> {
        match segments.len() {
            // OID4VP 1.0 §7: a claims path pointer is a non-empty array
            0 => Err(PathError::Empty),
            1..=MAX_SEGMENTS => Ok(Self(segments)),
            _ => Err(PathError::TooLong),
        }
    }

    /// Reads a pointer from its JSON array.
    ///
    /// # Errors
    /// [`PathError::NotAnArray`], [`PathError::Empty`], [`PathError::TooLong`] and
    /// [`PathError::BadSegment`].
    pub fn from_value(value: &Value) -> Result<Self, PathError> {
        let segments = value.as_array().ok_or(PathError::NotAnArray)?;
        if segments.len() > MAX_SEGMENTS {
            return Err(PathError::TooLong);
        }
        // OID4VP 1.0 §7: strings, nulls and non-negative integers, nothing else
        let segment = |segment: &Value| match segment {
            Value::String(name) => Ok(PathSegment::Key(name.clone())),
            Value::Null => Ok(PathSegment::All),
            Value::Number(number) => {
                number.as_u64().map(PathSegment::Index).ok_or(PathError::BadSegment)
            }
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(PathError::BadSegment),
        };
        Self::from_segments(segments.iter().map(segment).collect::<Result<_, _>>()?)
    }

    /// The pointer as its JSON array.
    pub fn to_value(&self) -> Value {
        let segment = |segment: &PathSegment| match segment {
            PathSegment::Key(name) => Value::String(name.clone()),
            PathSegment::Index(index) => Value::from(*index),
            PathSegment::All => Value::Null,
        };
        Value::Array(self.0.iter().map(segment).collect())
    }

    /// The pointer to a place that was just visited, so it is neither empty nor without end.
    pub(crate) const fn located(segments: Vec<PathSegment>) -> Self {
        Self(segments)
    }

    /// The segments, from the top level down.
    pub fn segments(&self) -> &[PathSegment] {
        &self.0
    }

    /// Whether everything that `other` can point to lies at or below what this pointer can point to.
    ///
    /// A wildcard covers every index; an index does not cover a wildcard.
    pub fn covers(&self, other: &Self) -> bool {
        let covers = |(own, other): (&PathSegment, &PathSegment)| match (own, other) {
            (PathSegment::All, PathSegment::Index(_)) => true,
            (own, other) => own == other,
        };
        self.0.len() <= other.0.len() && self.0.iter().zip(&other.0).all(covers)
    }

    /// Selects elements of a credential.
    ///
    /// An array element that was not disclosed is not there, so later indices shift (RFC 9901 §7.1).
    ///
    /// # Errors
    /// [`PathError::KeyOutsideObject`], [`PathError::IndexOutsideArray`] and
    /// [`PathError::NothingSelected`].
    pub fn select<'v>(&self, credential: &'v Value) -> Result<Vec<&'v Value>, PathError> {
        let mut selected = vec![credential];
        for segment in &self.0 {
            let mut next = Vec::with_capacity(selected.len());
            for element in selected {
                step(element, segment, |_, inner| next.push(inner))?;
            }
            selected = next;
        }
        non_empty(selected)
    }

    /// The places that this pointer selects, each as a pointer of keys and indices.
    ///
    /// # Errors
    /// As [`ClaimsPath::select`].
    pub fn locate(&self, credential: &Value) -> Result<Vec<Self>, PathError> {
        let mut places = vec![(Vec::new(), credential)];
        for segment in &self.0 {
            let mut next = Vec::with_capacity(places.len());
            for (place, element) in places {
                step(element, segment, |index, inner| {
                    let found = index.map_or_else(|| segment.clone(), PathSegment::Index);
                    next.push(([place.as_slice(), &[found]].concat(), inner));
                })?;
            }
            places = next;
        }
        non_empty(places.into_iter().map(|(place, _)| Self(place)).collect())
    }

    /// What some pointers select of a credential, inside the objects and arrays that hold it, and nothing else.
    ///
    /// Where elements of an array are left out those behind them move up, as where they were not disclosed
    /// (RFC 9901 §7.1).
    pub fn only<'p>(paths: impl IntoIterator<Item = &'p Self>, credential: &Object) -> Object {
        let paths: Vec<_> = paths.into_iter().map(Self::segments).collect();
        only_members(&paths, credential)
    }
}

fn only_members(paths: &[&[PathSegment]], members: &Object) -> Object {
    let kept = members.iter().filter_map(|(name, inner)| {
        let is_key =
            |segment: &PathSegment| matches!(segment, PathSegment::Key(key) if key == name);
        Some((name.clone(), only_below(paths, &is_key, inner)?))
    });
    kept.collect()
}

/// What is kept of an element to which the paths lead that have such a segment first.
fn only_below(
    paths: &[&[PathSegment]],
    leads: &dyn Fn(&PathSegment) -> bool,
    element: &Value,
) -> Option<Value> {
    let rests = paths.iter().filter_map(|path| path.split_first());
    let paths: Vec<_> = rests.filter(|(first, _)| leads(first)).map(|(_, rest)| rest).collect();
    if paths.iter().any(|path| path.is_empty()) {
        return Some(element.clone());
    }
    match element {
        Value::Object(members) if !paths.is_empty() => {
            let kept = only_members(&paths, members);
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(elements) if !paths.is_empty() => {
            let kept = (0..).zip(elements).filter_map(|(place, inner): (u64, _)| {
                let is_here = |segment: &PathSegment| match segment {
                    PathSegment::All => true,
                    PathSegment::Index(index) => *index == place,
                    PathSegment::Key(_) => false,
                };
                only_below(&paths, &is_here, inner)
            });
            let kept: Vec<_> = kept.collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

/// Calls `found` with what one segment selects of one element, and its index in an array.
fn step<'v>(
    element: &'v Value,
    segment: &PathSegment,
    mut found: impl FnMut(Option<u64>, &'v Value),
) -> Result<(), PathError> {
    match segment {
        // OID4VP 1.0 §7.1.1(2.1): a key needs an object; an object without the key drops out
        PathSegment::Key(name) => {
            let object = element.as_object().ok_or(PathError::KeyOutsideObject)?;
            object.get(name).into_iter().for_each(|inner| found(None, inner));
        }
        // OID4VP 1.0 §7.1.1(2.2): null needs an array and selects all of its elements
        PathSegment::All => {
            let array = element.as_array().ok_or(PathError::IndexOutsideArray)?;
            (0..).zip(array).for_each(|(index, inner)| found(Some(index), inner));
        }
        // OID4VP 1.0 §7.1.1(2.3): an index needs an array; an array without the index drops out
        PathSegment::Index(index) => {
            let array = element.as_array().ok_or(PathError::IndexOutsideArray)?;
            let inner = usize::try_from(*index).ok().and_then(|index| array.get(index));
            inner.into_iter().for_each(|inner| found(Some(*index), inner));
        }
    }
    Ok(())
}

fn non_empty<T>(selected: Vec<T>) -> Result<Vec<T>, PathError> {
    // OID4VP 1.0 §7.1.1(3): an empty selection is an error
    if selected.is_empty() { Err(PathError::NothingSelected) } else { Ok(selected) }
}

impl fmt::Display for ClaimsPath {
    /// The JSON array, the one spelling that every specification shares.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.to_value())
    }
}

impl Serialize for ClaimsPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ClaimsPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
