//! The formats that credentials come in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A credential format. The list is closed: every `match` on it is exhaustive, so that none is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Format {
    /// SD-JWT VC.
    #[serde(rename = "dc+sd-jwt")]
    SdJwtVc,
    /// ISO mdoc.
    #[serde(rename = "mso_mdoc")]
    MsoMdoc,
    /// A W3C credential of VCDM 1.1, signed as a JWT.
    #[serde(rename = "jwt_vc_json")]
    JwtVcJson,
    /// A W3C credential of VCDM 2.0 with a Data Integrity proof.
    #[serde(rename = "ldp_vc")]
    LdpVc,
    /// A W3C credential of VCDM 2.0, signed as a JWT (VC-JOSE-COSE §3.1.1).
    #[serde(rename = "vc+jwt")]
    VcJwt,
    /// A W3C credential of VCDM 2.0, signed as an SD-JWT (VC-JOSE-COSE §3.2.1).
    #[serde(rename = "vc+sd-jwt")]
    VcSdJwt,
}

impl Format {
    /// Every format that can be issued, held, presented and verified.
    pub const ALL: &'static [Self] =
        &[Self::SdJwtVc, Self::MsoMdoc, Self::JwtVcJson, Self::LdpVc, Self::VcJwt, Self::VcSdJwt];

    /// The formats that OpenID4VC has an identifier for (OID4VCI 1.0 App. A, OID4VP 1.0 App. B).
    pub const OPENID4VC: &'static [Self] =
        &[Self::SdJwtVc, Self::MsoMdoc, Self::JwtVcJson, Self::LdpVc];

    /// The format identifier of OpenID4VC; for the two that it has none for, the media subtype.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SdJwtVc => "dc+sd-jwt",
            Self::MsoMdoc => "mso_mdoc",
            Self::JwtVcJson => "jwt_vc_json",
            Self::LdpVc => "ldp_vc",
            Self::VcJwt => "vc+jwt",
            Self::VcSdJwt => "vc+sd-jwt",
        }
    }

    /// The format that an identifier of OpenID4VC stands for.
    ///
    /// `vc+sd-jwt` stands for none: it was a draft's name of SD-JWT VC before it became a media type of
    /// the W3C's.
    pub fn from_identifier(identifier: &str) -> Option<Self> {
        Self::OPENID4VC.iter().copied().find(|format| format.name() == identifier)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
