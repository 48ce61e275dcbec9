//! The list of all lists of an issuer, for whoever fetches them ahead (Token Status List §9).

use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    json::{self, JsonError},
    status::StatusListUri,
};

/// The media type of the list of all lists (Token Status List §9.2).
pub const MEDIA_TYPE_AGGREGATION: &str = "application/json";

/// The lists of an issuer, by their addresses; nobody has signed it, so it says only where to look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusListAggregation {
    /// The addresses.
    pub lists: Vec<StatusListUri>,
}

/// Why a list of lists cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AggregationError {
    /// It came as something else than JSON.
    #[error("the list of status lists is not application/json")]
    MediaType,
    /// It is not strict JSON, or not an object.
    #[error("the list of status lists cannot be read: {0}")]
    Unreadable(#[from] JsonError),
    /// `status_lists` is missing or is not a list of URIs.
    #[error("status_lists is missing or is no list of URIs")]
    Malformed,
}

impl AggregationError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::MediaType => "status_aggregation_media_type",
            Self::Unreadable(_) => "status_aggregation_unreadable",
            Self::Malformed => "status_aggregation_malformed",
        }
    }
}

impl StatusListAggregation {
    /// Reads what came with this media type, which is without parameters.
    ///
    /// # Errors
    /// One [`AggregationError`] per rule.
    pub fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, AggregationError> {
        // Token Status List §9.2: application/json, with one member, an array of URIs
        if media_type != MEDIA_TYPE_AGGREGATION {
            return Err(AggregationError::MediaType);
        }
        let object = json::parse_object(bytes)?;
        let lists = object.get("status_lists").and_then(Value::as_array);
        let uri = |uri: &Value| StatusListUri::parse(uri.as_str()?).ok();
        let lists = lists.and_then(|lists| lists.iter().map(uri).collect());
        Ok(Self { lists: lists.ok_or(AggregationError::Malformed)? })
    }

    /// The document.
    pub fn to_json(&self) -> String {
        let lists: Vec<_> = self.lists.iter().map(StatusListUri::as_str).collect();
        json!({ "status_lists": lists }).to_string()
    }
}
