//! The wallet's half: what could be answered, and what that would disclose.

use std::collections::HashSet;

use lanyard_core::claims::ClaimsPath;
use serde::{Deserialize, Serialize};

use super::{
    ClaimsSelection, CredentialQuery, CredentialQueryId, CredentialView, DcqlQuery, Mismatch,
};

/// The most elements that all claims of one credential query may select in one credential.
const MAX_SELECTED: usize = 10_000;

/// Everything a wallet could answer a query with.
#[derive(Clone, Debug, PartialEq)]
pub struct Matches {
    queries: Vec<QueryMatches>,
    sets: Vec<SetMatches>,
}

/// A set of credential queries, and which of its options could be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetMatches {
    pub(crate) required: bool,
    /// The options in the verifier's order, as places in the queries; those that cannot be met left out.
    pub(crate) options: Vec<Vec<usize>>,
}

/// The credentials that answer one credential query.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryMatches {
    /// The credential query.
    pub query: CredentialQuery,
    /// The credentials that fit, in the order in which they are held.
    pub candidates: Vec<Candidate>,
}

/// A held credential that answers a credential query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its place among the credentials that were searched.
    pub credential: usize,
    /// The ways in which it answers, the verifier's favourite first; never empty.
    pub choices: Vec<ClaimSetChoice>,
}

/// One way to answer a credential query with a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimSetChoice {
    /// Which of the query's `claim_sets` this is; `None` when there are none.
    pub claim_set: Option<usize>,
    /// The claims this discloses, each by keys and indices, without repetition; nothing else is sent. First those that
    /// are asked for, then what cannot be withheld from whoever gets them.
    pub disclose: Vec<ClaimsPath>,
}

/// Finds everything a wallet could answer with.
///
/// The work is bounded by the limits of a query times the size of the credentials (OID4VP 1.0 §6.4).
#[must_use]
pub fn select(query: &DcqlQuery, held: &[CredentialView<'_>]) -> Matches {
    let queries: Vec<_> = query
        .credentials()
        .iter()
        .map(|query| QueryMatches { query: query.clone(), candidates: candidates(query, held) })
        .collect();
    let place = |id: &CredentialQueryId| {
        query.credentials().iter().position(|credential| credential.id == *id)
    };
    let answerable =
        |option: &Vec<usize>| option.iter().all(|index| !queries[*index].candidates.is_empty());
    // OID4VP 1.0 §6.4.2: without credential_sets every credential query must be answered
    let sets = if query.credential_sets().is_empty() {
        let option = (0..queries.len()).collect();
        vec![SetMatches {
            required: true,
            options: [option].into_iter().filter(answerable).collect(),
        }]
    } else {
        let options = |options: &[Vec<_>]| {
            options
                .iter()
                .map(|option| option.iter().filter_map(place).collect())
                .filter(answerable)
                .collect()
        };
        let set = |set: &super::CredentialSetQuery| SetMatches {
            required: set.required,
            options: options(&set.options),
        };
        query.credential_sets().iter().map(set).collect()
    };
    Matches { queries, sets }
}

impl Matches {
    /// The matches for each credential query, in the query's order.
    #[must_use]
    pub fn queries(&self) -> &[QueryMatches] {
        &self.queries
    }

    /// Whether every required set has an option that can be answered in full.
    ///
    /// If not, nothing is returned at all (§6.4.2).
    #[must_use]
    pub fn can_be_satisfied(&self) -> bool {
        self.sets.iter().all(|set| !set.required || !set.options.is_empty())
    }

    pub(crate) fn sets(&self) -> &[SetMatches] {
        &self.sets
    }
}

fn candidates(query: &CredentialQuery, held: &[CredentialView<'_>]) -> Vec<Candidate> {
    let answer = |(index, credential): (usize, &CredentialView<'_>)| {
        query.admits(credential).ok()?;
        let choices = choices(&query.claims, credential);
        (!choices.is_empty()).then_some(Candidate { credential: index, choices })
    };
    held.iter().enumerate().filter_map(answer).collect()
}

fn choices(claims: &ClaimsSelection, credential: &CredentialView<'_>) -> Vec<ClaimSetChoice> {
    let mut found: Vec<Result<Vec<ClaimsPath>, Mismatch>> = Vec::new();
    let mut selected = 0;
    for claim in claims.all() {
        let paths = claim.find(credential.claims, &[]);
        selected += paths.as_ref().map_or(0, Vec::len);
        // what a hostile request and a hostile credential could cost together is bounded here
        if selected > MAX_SELECTED {
            return Vec::new();
        }
        found.push(paths);
    }
    // OID4VP 1.0 §6.4.1: if a claim cannot be delivered the credential is not returned for this set
    let deliver = |wanted: &mut dyn Iterator<Item = usize>| {
        let (mut disclose, mut seen) = (Vec::new(), HashSet::new());
        for index in wanted {
            let paths = found[index].as_ref().ok()?;
            // what cannot be withheld is shown whole
            if !credential.selective {
                continue;
            }
            disclose.extend(paths.iter().filter(|path| seen.insert(*path)).cloned());
        }
        disclose.extend(credential.shown_beside(&disclose));
        Some(disclose)
    };
    let choice = |claim_set, disclose| ClaimSetChoice { claim_set, disclose };
    match claims {
        // OID4VP 1.0 §6.4.1: no claims asks for nothing that is selectively disclosable
        ClaimsSelection::NoneDisclosable => vec![choice(None, credential.shown_beside(&[]))],
        ClaimsSelection::All(claims) => {
            let disclose = deliver(&mut (0..claims.len()));
            disclose.map(|disclose| choice(None, disclose)).into_iter().collect()
        }
        ClaimsSelection::OneOf { sets, .. } => {
            let deliver = |(index, set): (usize, &Vec<usize>)| {
                Some(choice(Some(index), deliver(&mut set.iter().copied())?))
            };
            sets.iter().enumerate().filter_map(deliver).collect()
        }
    }
}
