//! The verifier's half: whether what arrived is what was asked for, no less and no more.

use std::collections::{BTreeMap, HashSet};

use lanyard_core::claims::{ClaimsPath, PathSegment};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{ClaimQuery, CredentialQuery, CredentialQueryId, CredentialView, DcqlQuery, Mismatch};

/// A presentation that was verified, as the query sees it.
#[derive(Clone, Debug)]
pub struct PresentedView<'p> {
    /// The credential, with the claims that are visible now.
    pub credential: CredentialView<'p>,
    /// Where the claims are that the holder chose to disclose, by keys and indices.
    pub disclosed: &'p [ClaimsPath],
}

/// That a response answers its query, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Satisfied {
    /// The credential queries that were answered, with the claim set each presentation delivers.
    pub answers: BTreeMap<CredentialQueryId, Vec<Option<usize>>>,
}

/// That a response does not answer its query, and everything that is wrong with it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the response does not answer the query: {}", .reasons.first().map_or("no reason".to_owned(), |(_, reason)| reason.to_string()))]
pub struct Unsatisfied {
    /// What is wrong, with the credential query it concerns; `None` for the response as a whole.
    pub reasons: Vec<(Option<CredentialQueryId>, Reason)>,
}

/// One thing that is wrong with a response.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Reason {
    /// The response has an entry that no credential query asks for.
    #[error("an entry of the response answers no credential query")]
    UnknownQuery,
    /// A response, or an entry of one, without presentations.
    #[error("there is no presentation in the response or in an entry of it")]
    NoPresentation,
    /// More than one presentation where one was asked for.
    #[error("more than one presentation where one was asked for")]
    MoreThanOne,
    /// The credential does not answer the credential query.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// A presentation holds more credentials than the one it stands for (§6.1).
    #[error("a presentation has more than one credential in it")]
    ManyCredentials,
    /// A claim was disclosed that nobody asked for.
    #[error("the claim {0} was disclosed although it was not asked for")]
    NotAskedFor(ClaimsPath),
    /// No presentation for a credential query that must be answered.
    #[error("a credential that is required is missing")]
    CredentialMissing,
    /// No option of a required credential set was answered in full.
    #[error("the credential set {0} is not satisfied")]
    SetUnsatisfied(usize),
    /// A presentation that belongs to no option that was answered in full.
    #[error("the credential belongs to no option that was answered in full")]
    OutsideEveryOption,
}

impl Reason {
    /// The stable reason code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownQuery => "query_unknown",
            Self::NoPresentation => "presentation_missing",
            Self::MoreThanOne => "presentation_not_single",
            Self::ManyCredentials => "credential_not_single",
            Self::Mismatch(Mismatch::Format) => "format_not_asked_for",
            Self::Mismatch(Mismatch::Type) => "type_not_asked_for",
            Self::Mismatch(Mismatch::Authority) => "authority_not_trusted",
            Self::Mismatch(Mismatch::HolderBinding) => "holder_binding_missing",
            Self::Mismatch(Mismatch::ClaimMissing(_)) => "claim_missing",
            Self::Mismatch(Mismatch::Value(_)) => "claim_value_not_asked_for",
            Self::NotAskedFor(_) => "claim_not_asked_for",
            Self::CredentialMissing => "credential_missing",
            Self::SetUnsatisfied(_) => "credential_set_unsatisfied",
            Self::OutsideEveryOption => "credential_not_asked_for",
        }
    }
}

/// Judges a response, whose presentations were verified already, against the query (OID4VP 1.0 §8.6).
///
/// # Errors
/// [`Unsatisfied`] with everything that is wrong.
pub fn evaluate(
    query: &DcqlQuery,
    presented: &BTreeMap<String, Vec<PresentedView<'_>>>,
) -> Result<Satisfied, Unsatisfied> {
    let mut reasons = Vec::new();
    let mut answers = BTreeMap::new();
    for (id, presentations) in presented {
        let Some(credential) = query.credential(id) else {
            // OID4VP 1.0 §8.1: the key is the id of a credential query
            reasons.push((None, Reason::UnknownQuery));
            continue;
        };
        match answer(query, credential, presentations) {
            Ok(sets) => drop(answers.insert(credential.id.clone(), sets)),
            Err(reason) => reasons.push((Some(credential.id.clone()), reason)),
        }
    }
    // what was answered badly is reported once, not as missing as well
    if reasons.is_empty() {
        complete(query, &answers, &mut reasons);
    }
    // OID4VP 1.0 §8.1: one or more presentations, even where each alone could be left out
    if reasons.is_empty() && answers.is_empty() {
        reasons.push((None, Reason::NoPresentation));
    }
    if reasons.is_empty() { Ok(Satisfied { answers }) } else { Err(Unsatisfied { reasons }) }
}

fn answer(
    query: &DcqlQuery,
    credential: &CredentialQuery,
    presentations: &[PresentedView<'_>],
) -> Result<Vec<Option<usize>>, Reason> {
    // OID4VP 1.0 §8.1: one or more presentations, only one unless `multiple`
    if presentations.is_empty() {
        return Err(Reason::NoPresentation);
    }
    if presentations.len() > 1 && !credential.multiple {
        return Err(Reason::MoreThanOne);
    }
    presentations.iter().map(|presented| claim_set(query, credential, presented)).collect()
}

/// Finds the claim set that a presentation delivers, without anything that was not asked for.
fn claim_set(
    query: &DcqlQuery,
    credential: &CredentialQuery,
    presented: &PresentedView<'_>,
) -> Result<Option<usize>, Reason> {
    credential.admits(&presented.credential)?;
    // OID4VP 1.0 §6.4: more claims are fine if another query asks the same credential for them
    let elsewhere: Vec<&ClaimQuery> = query
        .credentials()
        .iter()
        .filter(|other| other.id != credential.id && other.admits(&presented.credential).is_ok())
        .flat_map(|other| other.claims.all())
        .collect();
    let mut first_reason = None;
    for (index, mut claims) in credential.claims.combinations().into_iter().enumerate() {
        let found = claims.iter().try_for_each(|claim| {
            claim.find(presented.credential.claims, presented.disclosed).map(drop)
        });
        claims.extend(&elsewhere);
        match found.map_err(Reason::from).and_then(|()| nothing_extra(&claims, presented.disclosed))
        {
            Ok(()) => {
                let has_sets = matches!(credential.claims, super::ClaimsSelection::OneOf { .. });
                return Ok(has_sets.then_some(index));
            }
            Err(reason) => {
                first_reason.get_or_insert(reason);
            }
        }
    }
    Err(first_reason.expect("there is at least one combination"))
}

/// OID4VP 1.0 §6.4: claims that were not selected MUST NOT be sent.
fn nothing_extra(asked: &[&ClaimQuery], disclosed: &[ClaimsPath]) -> Result<(), Reason> {
    // the arrays that elements were left out of, so that those behind them moved up
    let shortened: HashSet<&[PathSegment]> = disclosed
        .iter()
        .filter_map(|place| match place.segments().split_last()? {
            (PathSegment::Index(_), array) => Some(array),
            _ => None,
        })
        .collect();
    for claim in disclosed {
        let place = claim.segments();
        // what is above a claim comes with it, and what is inside it too
        let covering: Vec<&[PathSegment]> = asked
            .iter()
            .map(|asked| asked.path.segments())
            .filter(|asked| {
                let mut levels = asked.iter().zip(place).enumerate();
                levels.all(|(depth, (asked, found))| match (asked, found) {
                    (PathSegment::All, PathSegment::Index(_)) => true,
                    (PathSegment::Index(_), PathSegment::Index(_))
                        if shortened.contains(&place[..depth]) =>
                    {
                        true
                    }
                    (asked, found) => asked == found,
                })
            })
            .collect();
        if covering.is_empty() {
            return Err(Reason::NotAskedFor(claim.clone()));
        }
        let Some((PathSegment::Index(_), array)) = place.split_last() else { continue };
        // An index says nothing about which element it was, so they are counted
        let mut indices = Vec::new();
        let all = covering.iter().any(|asked| match asked.get(array.len()) {
            Some(PathSegment::Index(index)) => {
                indices.push(*index);
                false
            }
            _ => true,
        });
        indices.sort_unstable();
        indices.dedup();
        let elements = disclosed
            .iter()
            .map(ClaimsPath::segments)
            .filter(|other| other.len() == place.len() && other.starts_with(array));
        if !all && elements.count() > indices.len() {
            return Err(Reason::NotAskedFor(claim.clone()));
        }
    }
    Ok(())
}

/// OID4VP 1.0 §6.4.2: every credential that must be there is there, and no other.
fn complete(
    query: &DcqlQuery,
    answers: &BTreeMap<CredentialQueryId, Vec<Option<usize>>>,
    reasons: &mut Vec<(Option<CredentialQueryId>, Reason)>,
) {
    if query.credential_sets().is_empty() {
        let missing = query.credentials().iter().filter(|query| !answers.contains_key(&query.id));
        reasons.extend(missing.map(|query| (Some(query.id.clone()), Reason::CredentialMissing)));
        return;
    }
    let answered = |option: &&Vec<_>| option.iter().all(|id| answers.contains_key(id));
    for (index, set) in query.credential_sets().iter().enumerate() {
        if set.required && !set.options.iter().any(|option| answered(&option)) {
            reasons.push((None, Reason::SetUnsatisfied(index)));
        }
    }
    let options = || query.credential_sets().iter().flat_map(|set| &set.options).filter(answered);
    for id in answers.keys() {
        if !options().any(|option| option.contains(id)) {
            reasons.push((Some(id.clone()), Reason::OutsideEveryOption));
        }
    }
}
