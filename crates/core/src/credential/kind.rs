//! The types of credentials, whatever the format calls them.

use std::fmt;

use crate::sd_jwt_vc::Vct;

/// The type of a credential in the words of its format; types of two formats are never equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CredentialType {
    vocabulary: Vocabulary,
    name: String,
}

/// Where a type's name comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Vocabulary {
    Vct,
    DocType,
    W3c,
}

impl CredentialType {
    /// The `vct` of an SD-JWT VC (SD-JWT VC §2.2.2.1).
    pub fn vct(vct: &Vct) -> Self {
        Self { vocabulary: Vocabulary::Vct, name: vct.as_str().to_owned() }
    }

    /// The `docType` of an mdoc (ISO/IEC 18013-5 §8.3.1).
    pub fn doc_type(name: impl Into<String>) -> Self {
        Self { vocabulary: Vocabulary::DocType, name: name.into() }
    }

    /// One entry of the `type` of a W3C credential (VCDM 2.0 §4.5).
    pub fn w3c(name: impl Into<String>) -> Self {
        Self { vocabulary: Vocabulary::W3c, name: name.into() }
    }

    /// Whether it is a type of SD-JWT VCs.
    pub(crate) const fn is_vct(&self) -> bool {
        matches!(self.vocabulary, Vocabulary::Vct)
    }

    /// The name alone.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl From<&Vct> for CredentialType {
    fn from(vct: &Vct) -> Self {
        Self::vct(vct)
    }
}

impl From<Vct> for CredentialType {
    fn from(vct: Vct) -> Self {
        Self::vct(&vct)
    }
}

impl fmt::Display for CredentialType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.name)
    }
}
