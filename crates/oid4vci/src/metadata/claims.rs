//! Claims descriptions (OID4VCI 1.0 App. B.1).

use lanyard_core::claims::{ClaimsPath, PathSegment};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ClaimDisplay;

/// The most claims that one credential describes.
const MAX_CLAIMS: usize = 256;

/// One claim as metadata describes it; the order is the order of display.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimDescription {
    /// Where it is.
    pub path: ClaimsPath,
    /// Whether every credential has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub mandatory: bool,
    /// How a wallet names it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub display: Vec<ClaimDisplay>,
}

/// Why a list of claims descriptions cannot be true.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ContradictoryClaims {
    /// One claim is described twice.
    #[error("a claim is described twice")]
    Repeated,
    /// One place is an object here and an array there.
    #[error("a claim is an object in one description and an array in another")]
    ObjectAndArray,
    /// One array is pointed into by `null` and by an index.
    #[error("an array is described by null and by an index")]
    AllAndIndex,
    /// More than anybody shows.
    #[error("there are more than {MAX_CLAIMS} claims")]
    TooMany,
}

impl ClaimDescription {
    /// Refuses paths that contradict each other.
    ///
    /// # Errors
    /// One [`ContradictoryClaims`] per rule.
    pub fn accept_paths<'p>(
        paths: impl Iterator<Item = &'p ClaimsPath>,
    ) -> Result<(), ContradictoryClaims> {
        let paths: Vec<_> = paths.collect();
        if paths.len() > MAX_CLAIMS {
            return Err(ContradictoryClaims::TooMany);
        }
        for (index, path) in paths.iter().enumerate() {
            for other in &paths[..index] {
                contradiction(path.segments(), other.segments())?;
            }
        }
        Ok(())
    }
}

fn contradiction(one: &[PathSegment], other: &[PathSegment]) -> Result<(), ContradictoryClaims> {
    // App. B.2: the same claim twice, or two shapes of one claim, abort the processing
    if one == other {
        return Err(ContradictoryClaims::Repeated);
    }
    let Some((own, foreign)) = one.iter().zip(other).find(|(own, foreign)| own != foreign) else {
        return Ok(());
    };
    match (own, foreign) {
        (PathSegment::Key(_), PathSegment::Key(_))
        | (PathSegment::Index(_), PathSegment::Index(_)) => Ok(()),
        (PathSegment::All, PathSegment::Index(_)) | (PathSegment::Index(_), PathSegment::All) => {
            Err(ContradictoryClaims::AllAndIndex)
        }
        _ => Err(ContradictoryClaims::ObjectAndArray),
    }
}
