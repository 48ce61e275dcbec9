//! The formats of a query, each with its own `meta` (OID4VP 1.0 App. B).

use lanyard_core::{
    credential::{CredentialType, Format},
    json::Object,
    mdoc::DocType,
    sd_jwt_vc::Vct,
};
use serde_json::{Value, json};

use super::{
    DcqlError,
    query::MAX_SETS,
    read::{entries, non_empty, text, texts},
};

/// A credential format with its own constraints from `meta`.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestedFormat {
    /// `dc+sd-jwt`, of one of these types (App. B.3.5).
    SdJwtVc {
        /// The types allowed; a credential of a type that extends one of them counts where it says so itself, in
        /// `aka_vcts`. What type metadata say is extended is not looked at, as a wallet has none at hand.
        vct_values: Vec<String>,
    },
    /// `mso_mdoc`, of this type (App. B.2.3).
    MsoMdoc {
        /// The type.
        doctype_value: DocType,
    },
    /// `jwt_vc_json` (App. B.1.3.1).
    JwtVcJson {
        /// Alternatives; of one of them the credential is of every type.
        type_values: Vec<Vec<String>>,
    },
    /// `ldp_vc` (App. B.1.3.2).
    LdpVc {
        /// Alternatives; of one of them the credential is of every type.
        type_values: Vec<Vec<String>>,
    },
    /// A format nothing here is held in, so nothing matches; kept as it was asked for.
    Unsupported {
        /// The format identifier.
        format: String,
        /// Its `meta`.
        meta: Object,
    },
}

impl RequestedFormat {
    /// Whether a credential that is kept under these types could be asked for: a quick no, before it is read.
    #[must_use]
    pub fn may_be(&self, format: Format, types: &[String]) -> bool {
        match self {
            Self::SdJwtVc { vct_values } => {
                format == Format::SdJwtVc && types.iter().any(|own| vct_values.contains(own))
            }
            Self::MsoMdoc { doctype_value } => {
                format == Format::MsoMdoc && types.iter().any(|own| own == doctype_value.as_str())
            }
            // the types of a W3C credential mean something in its contexts alone
            _ => !matches!(format, Format::SdJwtVc | Format::MsoMdoc),
        }
    }

    /// The format, if it is one that is held and verified here.
    #[must_use]
    pub const fn format(&self) -> Option<Format> {
        match self {
            Self::SdJwtVc { .. } => Some(Format::SdJwtVc),
            Self::MsoMdoc { .. } => Some(Format::MsoMdoc),
            Self::JwtVcJson { .. } => Some(Format::JwtVcJson),
            Self::LdpVc { .. } => Some(Format::LdpVc),
            Self::Unsupported { .. } => None,
        }
    }

    /// The format identifier.
    #[must_use]
    pub fn identifier(&self) -> &str {
        match self {
            Self::Unsupported { format, .. } => format,
            other => other.format().map_or("", Format::name),
        }
    }

    /// The types asked for: alternatives, of one of which a credential is of every type.
    #[must_use]
    pub fn types(&self) -> Vec<Vec<CredentialType>> {
        match self {
            Self::SdJwtVc { vct_values } => {
                let types = vct_values.iter().filter_map(|vct| Vct::parse(vct.as_str()).ok());
                types.map(|vct| vec![CredentialType::vct(&vct)]).collect()
            }
            Self::MsoMdoc { doctype_value } => vec![vec![doctype_value.into()]],
            Self::JwtVcJson { type_values } | Self::LdpVc { type_values } => type_values
                .iter()
                .map(|all| all.iter().map(|name| CredentialType::w3c(name.as_str())).collect())
                .collect(),
            Self::Unsupported { .. } => Vec::new(),
        }
    }

    /// Whether a credential with types of these names is one that is asked for.
    pub(super) fn is_satisfied_by(&self, is_of: impl Fn(&str) -> bool) -> bool {
        match self {
            // OID4VP 1.0 App. B.3.5: one of the types, or one that the credential says inherits from it
            Self::SdJwtVc { vct_values } => vct_values.iter().any(|vct| is_of(vct)),
            // OID4VP 1.0 App. B.2.3: the document type
            Self::MsoMdoc { doctype_value } => is_of(doctype_value.as_str()),
            // OID4VP 1.0 App. B.1.1: of one alternative, every type
            Self::JwtVcJson { type_values } | Self::LdpVc { type_values } => {
                type_values.iter().any(|all| all.iter().all(|name| is_of(name)))
            }
            Self::Unsupported { .. } => false,
        }
    }

    pub(super) fn from_meta(format: &str, meta: &Object) -> Result<Self, DcqlError> {
        match Format::from_identifier(format) {
            // OID4VP 1.0 App. B.3.5: vct_values is REQUIRED, a non-empty array of strings
            Some(Format::SdJwtVc) => {
                let vct_values = texts(meta, "vct_values", MAX_SETS)?;
                Ok(Self::SdJwtVc {
                    vct_values: vct_values.ok_or(DcqlError::Missing("vct_values"))?,
                })
            }
            // OID4VP 1.0 App. B.2.3: doctype_value is REQUIRED, one string
            Some(Format::MsoMdoc) => {
                let name = text(meta, "doctype_value")?;
                let name = name.ok_or(DcqlError::Missing("doctype_value"))?;
                let doctype_value =
                    DocType::parse(name).map_err(|_| DcqlError::WrongType("doctype_value"))?;
                Ok(Self::MsoMdoc { doctype_value })
            }
            Some(Format::JwtVcJson) => Ok(Self::JwtVcJson { type_values: type_values(meta)? }),
            Some(Format::LdpVc) => Ok(Self::LdpVc { type_values: type_values(meta)? }),
            Some(Format::VcJwt | Format::VcSdJwt) | None => {
                Ok(Self::Unsupported { format: format.to_owned(), meta: meta.clone() })
            }
        }
    }

    pub(super) fn to_meta(&self) -> Value {
        match self {
            Self::SdJwtVc { vct_values } => json!({ "vct_values": vct_values }),
            Self::MsoMdoc { doctype_value } => json!({ "doctype_value": doctype_value }),
            Self::JwtVcJson { type_values } | Self::LdpVc { type_values } => {
                json!({ "type_values": type_values })
            }
            Self::Unsupported { meta, .. } => Value::Object(meta.clone()),
        }
    }
}

/// OID4VP 1.0 App. B.1.1: REQUIRED, a non-empty array of non-empty arrays of strings.
fn type_values(meta: &Object) -> Result<Vec<Vec<String>>, DcqlError> {
    const NAME: &str = "type_values";
    let alternative = |all: &Value| {
        let names = non_empty(all, NAME, MAX_SETS)?.iter();
        names
            .map(|name| name.as_str().map(str::to_owned).ok_or(DcqlError::WrongType(NAME)))
            .collect()
    };
    let alternatives = entries(meta, NAME, MAX_SETS)?.ok_or(DcqlError::Missing(NAME))?;
    alternatives.iter().map(alternative).collect()
}
