//! The names in an mdoc, which are more than text.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    claims::{ClaimsPath, PathSegment},
    credential::CredentialType,
    trust::{NameError, well_formed},
};

/// The type of an mdoc, for example `org.iso.18013.5.1.mDL` (ISO/IEC 18013-5 §8.3.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DocType(String);

/// What the names of some elements are unique in, for example `org.iso.18013.5.1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NameSpace(String);

/// The name of a data element in its namespace, for example `family_name`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ElementIdentifier(String);

/// A data element by its whole name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ElementName {
    /// The namespace.
    pub name_space: NameSpace,
    /// The name in it.
    pub identifier: ElementIdentifier,
}

impl DocType {
    /// The mobile driving licence (ISO/IEC 18013-5 §7.1).
    pub const MDL: &'static str = "org.iso.18013.5.1.mDL";
    /// The European person identification data.
    pub const PID: &'static str = "eu.europa.ec.eudi.pid.1";

    /// Reads a document type.
    ///
    /// # Errors
    /// [`NameError::Malformed`].
    pub fn parse(text: impl Into<String>) -> Result<Self, NameError> {
        well_formed(text.into()).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NameSpace {
    /// The elements of the mobile driving licence (ISO/IEC 18013-5 §7.2.1).
    pub const MDL: &'static str = "org.iso.18013.5.1";
    /// The elements of the European person identification data.
    pub const PID: &'static str = "eu.europa.ec.eudi.pid.1";

    /// Reads a namespace.
    ///
    /// # Errors
    /// [`NameError::Malformed`].
    pub fn parse(text: impl Into<String>) -> Result<Self, NameError> {
        well_formed(text.into()).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ElementIdentifier {
    /// Reads an element identifier.
    ///
    /// # Errors
    /// [`NameError::Malformed`].
    pub fn parse(text: impl Into<String>) -> Result<Self, NameError> {
        well_formed(text.into()).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ElementName {
    /// Reads a whole name.
    ///
    /// # Errors
    /// [`NameError::Malformed`].
    pub fn parse(
        name_space: impl Into<String>,
        identifier: impl Into<String>,
    ) -> Result<Self, NameError> {
        Ok(Self {
            name_space: NameSpace::parse(name_space)?,
            identifier: ElementIdentifier::parse(identifier)?,
        })
    }

    /// The element that a claims path pointer of exactly two keys points to (OID4VP 1.0 §7.2).
    pub fn from_claims_path(path: &ClaimsPath) -> Option<Self> {
        match path.segments() {
            [PathSegment::Key(name_space), PathSegment::Key(identifier)] => {
                Self::parse(name_space, identifier).ok()
            }
            _ => None,
        }
    }

    /// The claims path pointer to it: the namespace, then the identifier (OID4VP 1.0 §7.2).
    pub fn to_claims_path(&self) -> ClaimsPath {
        ClaimsPath::key(self.name_space.as_str()).then_key(self.identifier.as_str())
    }
}

impl From<&DocType> for CredentialType {
    fn from(doc_type: &DocType) -> Self {
        Self::doc_type(doc_type.as_str())
    }
}

impl From<DocType> for CredentialType {
    fn from(doc_type: DocType) -> Self {
        Self::doc_type(doc_type.0)
    }
}

impl TryFrom<String> for DocType {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl From<DocType> for String {
    fn from(name: DocType) -> Self {
        name.0
    }
}

impl fmt::Display for DocType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<String> for NameSpace {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl From<NameSpace> for String {
    fn from(name: NameSpace) -> Self {
        name.0
    }
}

impl fmt::Display for NameSpace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl TryFrom<String> for ElementIdentifier {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl From<ElementIdentifier> for String {
    fn from(name: ElementIdentifier) -> Self {
        name.0
    }
}

impl fmt::Display for ElementIdentifier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
