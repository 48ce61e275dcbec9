//! What a verified credential says.

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::{ClaimsPath, PathError};
use crate::json::Object;

/// The claims of a verified credential: what was always visible, and what the holder disclosed.
///
/// Only verification makes one. `Debug` names no claim and shows no value.
#[derive(Clone, PartialEq, Eq)]
pub struct DisclosedClaims(Value);

/// Why a claim cannot be read as asked.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ClaimError {
    /// The claim is not there: the issuer left it out, or the holder withheld it.
    #[error("the claim was not disclosed")]
    NotDisclosed,
    /// The claim has another JSON type.
    #[error("the claim has another type")]
    WrongType,
}

impl DisclosedClaims {
    pub(crate) const fn new(claims: Object) -> Self {
        Self(Value::Object(claims))
    }

    /// A claim at the top level.
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// A text claim at the top level.
    ///
    /// # Errors
    /// [`ClaimError::NotDisclosed`] and [`ClaimError::WrongType`].
    pub fn text(&self, name: &str) -> Result<&str, ClaimError> {
        self.claim(name).ok_or(ClaimError::NotDisclosed)?.as_str().ok_or(ClaimError::WrongType)
    }

    /// A true-or-false claim at the top level, as `age_over_18`.
    ///
    /// # Errors
    /// [`ClaimError::NotDisclosed`] and [`ClaimError::WrongType`].
    pub fn flag(&self, name: &str) -> Result<bool, ClaimError> {
        self.claim(name).ok_or(ClaimError::NotDisclosed)?.as_bool().ok_or(ClaimError::WrongType)
    }

    /// The claims that a pointer selects.
    ///
    /// # Errors
    /// As [`ClaimsPath::select`].
    pub fn select(&self, path: &ClaimsPath) -> Result<Vec<&Value>, PathError> {
        path.select(&self.0)
    }

    /// All claims as one JSON object.
    pub fn as_object(&self) -> &Object {
        self.0.as_object().expect("it was made from an object")
    }

    /// Gives the claims away as one JSON object.
    pub(crate) fn into_object(self) -> Object {
        match self.0 {
            Value::Object(object) => object,
            _ => unreachable!("it was made from an object"),
        }
    }

    /// All claims as one JSON value, always an object.
    pub const fn as_value(&self) -> &Value {
        &self.0
    }

    /// Gives the claims away as one JSON value, always an object.
    pub fn into_value(self) -> Value {
        self.0
    }
}

impl fmt::Debug for DisclosedClaims {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "DisclosedClaims({} members)", self.as_object().len())
    }
}
