//! The formats that are issued, and what each demands of a configuration and of claims.

use lanyard_core::{
    claims::PathSegment,
    credential::Format,
    data_integrity::{
        Cryptosuite,
        json_ld::{Contexts, to_rdf},
    },
    json::Object,
    mdoc::{DocType, ElementName},
    sd_jwt_vc::Vct,
    w3c::BASE_CONTEXT,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    ClaimDefinition, ConfigurationError, CredentialConfiguration, SubjectClaimsError, Visibility,
    element,
};
use crate::{CredentialConfigurationId, metadata::CredentialDefinition};

/// The credential formats that are issued, each with its type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "format")]
pub enum CredentialFormat {
    /// SD-JWT VC.
    #[serde(rename = "dc+sd-jwt")]
    SdJwtVc {
        /// The type: a URN, or the address at which the issuer serves its type metadata.
        vct: Vct,
    },
    /// ISO mdoc; each claim is an element in its namespace.
    #[serde(rename = "mso_mdoc")]
    MsoMdoc {
        /// The type.
        doctype: DocType,
    },
    /// A W3C credential of VCDM 1.1 as a JWT; each claim is below `credentialSubject`.
    #[serde(rename = "jwt_vc_json")]
    JwtVcJson {
        /// The types.
        credential_definition: CredentialDefinition,
    },
    /// A W3C credential of VCDM 2.0 with a Data Integrity proof; each claim is below `credentialSubject`.
    #[serde(rename = "ldp_vc")]
    LdpVc {
        /// The types, and the contexts that define them and the claims.
        credential_definition: CredentialDefinition,
        /// How the proof is made; the issuer's key has to fit.
        #[serde(default = "rdfc", with = "suite")]
        cryptosuite: Cryptosuite,
    },
}

const fn rdfc() -> Cryptosuite {
    Cryptosuite::EcdsaRdfc2019
}

/// A cryptosuite by its name.
mod suite {
    use lanyard_core::data_integrity::Cryptosuite;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
    pub(super) fn serialize<S: Serializer>(suite: &Cryptosuite, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(suite.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(of: D) -> Result<Cryptosuite, D::Error> {
        let name = String::deserialize(of)?;
        Cryptosuite::from_name(&name).ok_or_else(|| D::Error::custom("an unknown cryptosuite"))
    }
}

/// Claims that SD-JWT VC and JWT give a meaning of their own.
const RESERVED: &[&str] = &[
    "iss",
    "iat",
    "nbf",
    "exp",
    "cnf",
    "vct",
    "vct#integrity",
    "aka_vcts",
    "status",
    "_sd",
    "_sd_alg",
    "...",
];

/// Where W3C credentials have their claims (VCDM 2.0 §4.8).
const SUBJECT: &str = "credentialSubject";

impl CredentialFormat {
    /// The format alone.
    pub const fn format(&self) -> Format {
        match self {
            Self::SdJwtVc { .. } => Format::SdJwtVc,
            Self::MsoMdoc { .. } => Format::MsoMdoc,
            Self::JwtVcJson { .. } => Format::JwtVcJson,
            Self::LdpVc { .. } => Format::LdpVc,
        }
    }

    /// The types of a W3C credential with their contexts.
    pub const fn definition(&self) -> Option<&CredentialDefinition> {
        match self {
            Self::JwtVcJson { credential_definition }
            | Self::LdpVc { credential_definition, .. } => Some(credential_definition),
            Self::SdJwtVc { .. } | Self::MsoMdoc { .. } => None,
        }
    }

    pub(super) fn accept_itself(
        &self,
        id: &CredentialConfigurationId,
    ) -> Result<(), ConfigurationError> {
        match self {
            Self::SdJwtVc { .. } | Self::MsoMdoc { .. } => Ok(()),
            Self::JwtVcJson { credential_definition } => accept_types(credential_definition, id),
            Self::LdpVc { credential_definition, .. } => {
                accept_types(credential_definition, id)?;
                accept_contexts(credential_definition, id)
            }
        }
    }

    pub(super) fn accept_claim(
        &self,
        claim: &ClaimDefinition,
        id: &CredentialConfigurationId,
    ) -> Result<(), ConfigurationError> {
        let misplaced = || ConfigurationError::ClaimPlace(id.clone(), claim.path.clone());
        let segments = claim.path.segments();
        match self {
            // SD-JWT VC §2.2.2.2: what the format itself says about a credential is no subject claim
            Self::SdJwtVc { .. } => match segments.first() {
                Some(PathSegment::Key(name)) if !RESERVED.contains(&name.as_str()) => Ok(()),
                _ => Err(ConfigurationError::ReservedClaim(id.clone(), claim.path.clone())),
            },
            // App. C.2: a namespace, then an element, and from there into its value
            Self::MsoMdoc { .. } => {
                let [PathSegment::Key(name_space), PathSegment::Key(identifier), ..] = segments
                else {
                    return Err(misplaced());
                };
                ElementName::parse(name_space, identifier).map_err(|_| misplaced())?;
                // ISO/IEC 18013-5 §8.3: the holder may withhold every element
                if claim.disclosure == Visibility::Always {
                    let path = claim.path.clone();
                    return Err(ConfigurationError::AlwaysShown(id.clone(), path));
                }
                Ok(())
            }
            // App. A.1: the pointer starts at the credential; who the subject is, the key proof says
            Self::JwtVcJson { .. } | Self::LdpVc { .. } => match segments {
                [PathSegment::Key(subject), PathSegment::Key(name), ..]
                    if subject == SUBJECT && name != "id" && !name.starts_with('@') =>
                {
                    Ok(())
                }
                _ => Err(misplaced()),
            },
        }
    }

    /// What only this format finds wrong with claims that are configured.
    pub(super) fn accept_claims(
        &self,
        configuration: &CredentialConfiguration,
        claims: &Object,
    ) -> Result<(), SubjectClaimsError> {
        match self {
            Self::SdJwtVc { .. } | Self::JwtVcJson { .. } => Ok(()),
            Self::MsoMdoc { .. } => element::name_spaces(configuration, claims).map(|_| ()),
            Self::LdpVc { credential_definition, .. } => {
                let mut document = Object::new();
                document.insert("@context".to_owned(), json!(credential_definition.contexts));
                document.insert("type".to_owned(), json!(credential_definition.types));
                document.extend(claims.clone());
                // VC Data Integrity §4.6: what no context defines would not be signed
                to_rdf(&document, Contexts::bundled())
                    .map(|_| ())
                    .map_err(|_| SubjectClaimsError::NotDefined)
            }
        }
    }
}

impl CredentialDefinition {
    /// The types beside the one that every credential has.
    pub(crate) fn own_types(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(String::as_str).filter(|name| *name != "VerifiableCredential")
    }

    /// The contexts beside the one that every credential starts with.
    pub(crate) fn own_contexts(&self) -> impl Iterator<Item = &Value> {
        self.contexts.iter().filter(|context| context.as_str() != Some(BASE_CONTEXT))
    }
}

/// VCDM 2.0 §4.5: the type of all credentials, and one that says more.
fn accept_types(
    definition: &CredentialDefinition,
    id: &CredentialConfigurationId,
) -> Result<(), ConfigurationError> {
    let of_all = definition.types.iter().any(|name| name == "VerifiableCredential");
    if of_all && definition.own_types().next().is_some() {
        Ok(())
    } else {
        Err(ConfigurationError::Types(id.clone()))
    }
}

/// VCDM 2.0 §4.3: the base context first; then those that are known here, as nothing is ever fetched.
fn accept_contexts(
    definition: &CredentialDefinition,
    id: &CredentialConfigurationId,
) -> Result<(), ConfigurationError> {
    let known = |context: &Value| {
        context.as_str().is_some_and(|url| Contexts::bundled().urls().any(|known| known == url))
    };
    let first = definition.contexts.first().and_then(Value::as_str);
    if first == Some(BASE_CONTEXT) && definition.contexts.iter().all(known) {
        Ok(())
    } else {
        Err(ConfigurationError::Contexts(id.clone()))
    }
}
