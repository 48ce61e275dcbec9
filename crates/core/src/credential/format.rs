//! The formats that credentials come in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A credential format, by its identifier in OID4VCI App. A and OID4VP App. B.
///
/// The list is closed: mdoc (`mso_mdoc`) and the W3C formats (`jwt_vc_json`, `ldp_vc`) become variants
/// when they are whole, and every `match` on a format is exhaustive so that none is forgotten then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// SD-JWT VC, `dc+sd-jwt`.
    #[serde(rename = "dc+sd-jwt")]
    SdJwtVc,
}

impl Format {
    /// Every format that can be issued, held, presented and verified.
    pub const ALL: &'static [Self] = &[Self::SdJwtVc];

    /// The format identifier.
    pub const fn identifier(self) -> &'static str {
        match self {
            Self::SdJwtVc => "dc+sd-jwt",
        }
    }

    /// The format an identifier stands for; `vc+sd-jwt` was a draft's name and stands for none.
    pub fn from_identifier(identifier: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.identifier() == identifier)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.identifier())
    }
}
