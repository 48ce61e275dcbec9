//! One Type Metadata document (SD-JWT VC §5.2).

use serde::Serialize;
use serde_json::Value;
use thiserror::Error;

use super::{
    ClaimMetadata, Integrity, IntegrityError, MAX_LENGTH, TypeDisplay, TypeMetadataUnavailable,
};
use crate::{
    claims::ClaimsPath,
    json::{self, JsonError, Object},
    sd_jwt_vc::Vct,
};

/// What one document says about a type; what it extends is not in it yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TypeMetadata {
    /// The type.
    pub vct: Vct,
    /// Its name for developers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is, for developers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The type it extends.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub extends: Option<Extended>,
    /// How it is shown, by language; none when that is not stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<Vec<TypeDisplay>>,
    /// What its claims are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<ClaimMetadata>,
}

/// A reference to the type that is extended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extended {
    /// The type.
    #[serde(rename = "extends")]
    pub vct: Vct,
    /// The digest of its document.
    #[serde(rename = "extends#integrity", skip_serializing_if = "Option::is_none")]
    pub integrity: Option<Integrity>,
}

/// Why there is no type metadata for a credential.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TypeMetadataError {
    /// A document was not to be had.
    #[error(transparent)]
    Unavailable(#[from] TypeMetadataUnavailable),
    /// A document is longer than any that is read.
    #[error("the type metadata is too long")]
    TooLong,
    /// A document is not a JSON object, or breaks the rules of strict JSON.
    #[error("the type metadata cannot be read: {0}")]
    Unreadable(#[from] JsonError),
    /// A document is about another type than the one it was asked for by.
    #[error("the type metadata is about another type")]
    ForeignVct,
    /// A document is not the one that was meant.
    #[error(transparent)]
    Integrity(#[from] IntegrityError),
    /// A member has not the form that is defined for it.
    #[error("the member {0} of the type metadata is malformed")]
    Malformed(&'static str),
    /// A member has more entries than are read.
    #[error("the member {0} of the type metadata has too many entries")]
    TooMany(&'static str),
    /// Two entries are about the same claims.
    #[error("the type metadata describes {0} twice")]
    RepeatedPath(ClaimsPath),
    /// Two claims have the same name for SVG templates.
    #[error("two claims of the type metadata share an svg_id")]
    RepeatedSvgId,
    /// A type extends itself, directly or by others.
    #[error("the type extends itself")]
    Circular,
    /// The chain of extended types is longer than any that is followed.
    #[error("the chain of extended types is too long")]
    ChainTooLong,
    /// A type changes `sd` of a claim that the extended type fixed.
    #[error("the type changes sd of {0}, which the extended type fixed")]
    SelectiveDisclosureChanged(ClaimsPath),
    /// A type makes a claim optional that is mandatory in the extended type.
    #[error("the type makes {0} optional, which is mandatory in the extended type")]
    MandatoryDropped(ClaimsPath),
}

impl TypeMetadataError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(TypeMetadataUnavailable::NotPublished) => {
                "type_metadata_not_published"
            }
            Self::Unavailable(TypeMetadataUnavailable::Unreachable) => "type_metadata_unreachable",
            Self::TooLong
            | Self::Unreadable(_)
            | Self::Malformed(_)
            | Self::TooMany(_)
            | Self::RepeatedPath(_)
            | Self::RepeatedSvgId => "type_metadata_malformed",
            Self::ForeignVct => "type_metadata_about_another_type",
            Self::Integrity(_) => "type_metadata_integrity",
            Self::Circular => "type_metadata_circular",
            Self::ChainTooLong => "type_metadata_chain_too_long",
            Self::SelectiveDisclosureChanged(_) | Self::MandatoryDropped(_) => {
                "type_metadata_loosened"
            }
        }
    }

    /// Whether the metadata may be had later.
    pub const fn is_undetermined(&self) -> bool {
        matches!(self, Self::Unavailable(TypeMetadataUnavailable::Unreachable))
    }
}

impl TypeMetadata {
    /// Reads a document; members that are not understood are ignored (§5.2).
    ///
    /// # Errors
    /// One [`TypeMetadataError`] per rule of the form.
    pub fn parse(received: &[u8]) -> Result<Self, TypeMetadataError> {
        if received.len() > MAX_LENGTH {
            return Err(TypeMetadataError::TooLong);
        }
        let document = json::parse_object(received)?;
        let extends = match optional_text(&document, "extends")? {
            None => None,
            Some(extends) => Some(Extended {
                vct: Vct::parse(extends).map_err(|_| TypeMetadataError::Malformed("extends"))?,
                integrity: integrity(&document, "extends#integrity")?,
            }),
        };
        let vct = required_text(&document, "vct")?;
        Ok(Self {
            vct: Vct::parse(vct).map_err(|_| TypeMetadataError::Malformed("vct"))?,
            name: optional_text(&document, "name")?,
            description: optional_text(&document, "description")?,
            extends,
            display: TypeDisplay::read_all(&document)?,
            claims: ClaimMetadata::read_all(&document)?,
        })
    }
}

/// The objects of an array.
pub(super) fn objects<'o>(
    parent: &'o Object,
    name: &'static str,
    most: usize,
) -> Result<Option<Vec<&'o Object>>, TypeMetadataError> {
    let entries = match parent.get(name) {
        None => return Ok(None),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(TypeMetadataError::Malformed(name)),
    };
    if entries.len() > most {
        return Err(TypeMetadataError::TooMany(name));
    }
    let objects = entries.iter().map(Value::as_object);
    objects.collect::<Option<_>>().map(Some).ok_or(TypeMetadataError::Malformed(name))
}

pub(super) fn optional_text(
    parent: &Object,
    name: &'static str,
) -> Result<Option<String>, TypeMetadataError> {
    match parent.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(TypeMetadataError::Malformed(name)),
    }
}

pub(super) fn required_text(
    parent: &Object,
    name: &'static str,
) -> Result<String, TypeMetadataError> {
    optional_text(parent, name)?.ok_or(TypeMetadataError::Malformed(name))
}

pub(super) fn integrity(
    parent: &Object,
    name: &'static str,
) -> Result<Option<Integrity>, TypeMetadataError> {
    let Some(text) = optional_text(parent, name)? else { return Ok(None) };
    Integrity::parse(&text).map(Some).map_err(|_| TypeMetadataError::Malformed(name))
}
