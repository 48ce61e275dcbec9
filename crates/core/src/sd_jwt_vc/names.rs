//! The type of an SD-JWT VC, which is more than text.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::trust::{NameError, well_formed};

/// The type of a credential, `vct`: compared character by character (SD-JWT VC §2.2.2.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Vct(String);

impl Vct {
    /// Reads a type; any collision-resistant name is one, most are URNs or URLs.
    ///
    /// # Errors
    /// [`NameError::Malformed`].
    pub fn parse(text: impl Into<String>) -> Result<Self, NameError> {
        well_formed(text.into()).map(Self)
    }

    /// The type's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Vct {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

impl From<Vct> for String {
    fn from(vct: Vct) -> Self {
        vct.0
    }
}

impl fmt::Display for Vct {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}
