//! Claims on their way into a credential, each visible or selectively disclosable.

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::{ClaimsPath, PathError, PathSegment};
use crate::json::Object;

/// The claims of one object, in the order they were added.
///
/// Each member is *visible* (always in the credential) or *selective* (the holder may withhold it). The
/// three shapes of RFC 9901 §6 for a nested object:
///
/// ```
/// use lanyard_core::claims::{Claims, Elements};
/// use serde_json::json;
///
/// let address = || Claims::new().selective("locality", "Utopia").selective("country", "UT");
/// Claims::new()
///     // flat (§6.1): all of the address or nothing
///     .selective("address_flat", json!({"locality": "Utopia", "country": "UT"}))
///     // structured (§6.2): that there is an address is visible, each part of it is selective
///     .visible_object("address_structured", address())
///     // recursive (§6.3): the address is selective, and so is each part of it
///     .selective_object("address_recursive", address())
///     .visible_array("nationalities", Elements::new().selective("DE").selective("FR"));
/// ```
#[derive(Clone, Default)]
pub struct Claims {
    pub(crate) members: Vec<(String, Claim)>,
    pub(crate) decoys: Decoys,
}

/// The elements of one array.
#[derive(Clone, Default)]
pub struct Elements {
    pub(crate) elements: Vec<Claim>,
    pub(crate) decoys: Decoys,
}

/// How many digests that belong to nothing are mixed in (RFC 9901 §4.2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decoys {
    /// None.
    #[default]
    None,
    /// Exactly this many.
    Count(usize),
    /// As many as it takes to have this many digests, so that the number tells nothing.
    PadTo(usize),
}

#[derive(Clone)]
pub(crate) struct Claim {
    pub(crate) selective: bool,
    pub(crate) content: Content,
}

#[derive(Clone)]
pub(crate) enum Content {
    /// A value without anything selective inside.
    Plain(Value),
    Object(Claims),
    Array(Elements),
}

/// Why claims cannot be issued as they were put together.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ClaimsError {
    /// A member is called `_sd`, `...` or `_sd_alg`, which would read as something else.
    #[error("a claim has a name that is reserved by SD-JWT")]
    ReservedName,
    /// A name was added twice to the same object.
    #[error("a claim was added twice")]
    Duplicate,
    /// A path for selective disclosure does not fit the claims.
    #[error("a selectively disclosable path does not fit the claims: {0}")]
    Path(#[from] PathError),
}

impl Claims {
    /// No claims yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a claim that every verifier sees.
    #[must_use]
    pub fn visible(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with(name, Claim { selective: false, content: Content::Plain(value.into()) })
    }

    /// Adds a claim that the holder may withhold, as a whole.
    #[must_use]
    pub fn selective(self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.with(name, Claim { selective: true, content: Content::Plain(value.into()) })
    }

    /// Adds an object that is always there, with members that each decide for themselves.
    #[must_use]
    pub fn visible_object(self, name: impl Into<String>, members: Self) -> Self {
        self.with(name, Claim { selective: false, content: Content::Object(members) })
    }

    /// Adds an object that may be withheld, with members that each decide for themselves.
    #[must_use]
    pub fn selective_object(self, name: impl Into<String>, members: Self) -> Self {
        self.with(name, Claim { selective: true, content: Content::Object(members) })
    }

    /// Adds an array that is always there, with elements that each decide for themselves.
    #[must_use]
    pub fn visible_array(self, name: impl Into<String>, elements: Elements) -> Self {
        self.with(name, Claim { selective: false, content: Content::Array(elements) })
    }

    /// Adds an array that may be withheld, with elements that each decide for themselves.
    #[must_use]
    pub fn selective_array(self, name: impl Into<String>, elements: Elements) -> Self {
        self.with(name, Claim { selective: true, content: Content::Array(elements) })
    }

    /// Mixes decoy digests into this object.
    #[must_use]
    pub const fn decoys(mut self, decoys: Decoys) -> Self {
        self.decoys = decoys;
        self
    }

    fn with(mut self, name: impl Into<String>, claim: Claim) -> Self {
        self.members.push((name.into(), claim));
        self
    }

    /// Marks the claims that these pointers select as selectively disclosable; all others are visible.
    ///
    /// A pointer to a claim that this object does not have marks nothing: which claims may be withheld
    /// is configured per credential type, and not every subject has every claim.
    ///
    /// # Errors
    /// [`ClaimsError::Path`] when a pointer goes through a claim of another type.
    pub fn from_json(claims: Object, selective: &[ClaimsPath]) -> Result<Self, ClaimsError> {
        let paths: Vec<_> = selective.iter().map(ClaimsPath::segments).collect();
        mark_members(claims, &paths)
    }

    /// The names at the top level.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|(name, _)| name.as_str())
    }

    /// Whether a claim at the top level, or anything inside it, may be withheld.
    pub(crate) fn is_selective_within(&self, name: &str) -> bool {
        self.members.iter().any(|(member, claim)| member == name && claim.has_selective())
    }

    /// Finds what would be misread once issued.
    pub(crate) fn check(&self) -> Result<(), ClaimsError> {
        for (name, claim) in &self.members {
            check_name(name)?;
            claim.check()?;
        }
        let mut names: Vec<_> = self.names().collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(ClaimsError::Duplicate);
        }
        Ok(())
    }
}

impl Elements {
    /// No elements yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an element that every verifier sees.
    #[must_use]
    pub fn visible(self, value: impl Into<Value>) -> Self {
        self.with(Claim { selective: false, content: Content::Plain(value.into()) })
    }

    /// Adds an element that the holder may withhold.
    #[must_use]
    pub fn selective(self, value: impl Into<Value>) -> Self {
        self.with(Claim { selective: true, content: Content::Plain(value.into()) })
    }

    /// Adds an object that is always there, with members that each decide for themselves.
    #[must_use]
    pub fn visible_object(self, members: Claims) -> Self {
        self.with(Claim { selective: false, content: Content::Object(members) })
    }

    /// Adds an object that may be withheld, with members that each decide for themselves.
    #[must_use]
    pub fn selective_object(self, members: Claims) -> Self {
        self.with(Claim { selective: true, content: Content::Object(members) })
    }

    /// Adds an array that is always there, with elements that each decide for themselves.
    #[must_use]
    pub fn visible_array(self, elements: Self) -> Self {
        self.with(Claim { selective: false, content: Content::Array(elements) })
    }

    /// Adds an array that may be withheld, with elements that each decide for themselves.
    #[must_use]
    pub fn selective_array(self, elements: Self) -> Self {
        self.with(Claim { selective: true, content: Content::Array(elements) })
    }

    /// Mixes decoy digests into this array.
    #[must_use]
    pub const fn decoys(mut self, decoys: Decoys) -> Self {
        self.decoys = decoys;
        self
    }

    fn with(mut self, claim: Claim) -> Self {
        self.elements.push(claim);
        self
    }
}

impl Decoys {
    /// How many decoys stand beside this many real digests.
    pub(crate) const fn beside(self, digests: usize) -> usize {
        match self {
            Self::None => 0,
            Self::Count(count) => count,
            Self::PadTo(total) => total.saturating_sub(digests),
        }
    }
}

impl Claim {
    fn has_selective(&self) -> bool {
        self.selective
            || match &self.content {
                Content::Plain(_) => false,
                Content::Object(claims) => {
                    claims.members.iter().any(|(_, claim)| claim.has_selective())
                }
                Content::Array(array) => array.elements.iter().any(Self::has_selective),
            }
    }

    fn check(&self) -> Result<(), ClaimsError> {
        match &self.content {
            Content::Plain(value) => check_names(value),
            Content::Object(claims) => claims.check(),
            Content::Array(array) => array.elements.iter().try_for_each(Self::check),
        }
    }
}

fn check_name(name: &str) -> Result<(), ClaimsError> {
    // RFC 9901 §4.1: `_sd`, `...` and `_sd_alg` convey digests and nothing else
    if matches!(name, "_sd" | "..." | "_sd_alg") {
        return Err(ClaimsError::ReservedName);
    }
    Ok(())
}

fn check_names(value: &Value) -> Result<(), ClaimsError> {
    match value {
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            check_name(name)?;
            check_names(value)
        }),
        Value::Array(elements) => elements.iter().try_for_each(check_names),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn mark_members(object: Object, paths: &[&[PathSegment]]) -> Result<Claims, ClaimsError> {
    if paths.iter().any(|path| !matches!(path.first(), Some(PathSegment::Key(_)))) {
        return Err(PathError::IndexOutsideArray.into());
    }
    let mut members = Vec::with_capacity(object.len());
    for (name, value) in object {
        let is_here =
            |segment: &PathSegment| matches!(segment, PathSegment::Key(key) if *key == name);
        let claim = mark(value, Marks::below(paths, is_here))?;
        members.push((name, claim));
    }
    Ok(Claims { members, decoys: Decoys::None })
}

fn mark_elements(array: Vec<Value>, paths: &[&[PathSegment]]) -> Result<Elements, ClaimsError> {
    if paths.iter().any(|path| matches!(path.first(), Some(PathSegment::Key(_)))) {
        return Err(PathError::KeyOutsideObject.into());
    }
    let mut elements = Vec::with_capacity(array.len());
    for (index, value) in (0..).zip(array) {
        let here = |segment: &PathSegment| match segment {
            PathSegment::All => true,
            PathSegment::Index(wanted) => *wanted == index,
            PathSegment::Key(_) => false,
        };
        elements.push(mark(value, Marks::below(paths, here))?);
    }
    Ok(Elements { elements, decoys: Decoys::None })
}

fn mark(value: Value, Marks { selective, below }: Marks<'_>) -> Result<Claim, ClaimsError> {
    let content = match (value, below.first()) {
        (value, None) => Content::Plain(value),
        (Value::Object(object), Some(_)) => Content::Object(mark_members(object, &below)?),
        (Value::Array(array), Some(_)) => Content::Array(mark_elements(array, &below)?),
        (_, Some([PathSegment::Key(_), ..])) => return Err(PathError::KeyOutsideObject.into()),
        (_, Some(_)) => return Err(PathError::IndexOutsideArray.into()),
    };
    Ok(Claim { selective, content })
}

/// What the paths say about one claim.
struct Marks<'p> {
    /// One of them ends here.
    selective: bool,
    /// What is left of those that go on.
    below: Vec<&'p [PathSegment]>,
}

impl<'p> Marks<'p> {
    fn below(paths: &[&'p [PathSegment]], here: impl Fn(&PathSegment) -> bool) -> Self {
        let mut marks = Self { selective: false, below: Vec::new() };
        for path in paths {
            match path.split_first() {
                Some((segment, [])) if here(segment) => marks.selective = true,
                Some((segment, rest)) if here(segment) => marks.below.push(rest),
                _ => {}
            }
        }
        marks
    }
}

impl fmt::Debug for Claims {
    /// The number of claims; never a name or a value.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Claims({} members)", self.members.len())
    }
}

impl fmt::Debug for Elements {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Elements({})", self.elements.len())
    }
}
