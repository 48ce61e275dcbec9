//! What the holder can choose from, and the consent that comes of it.

use lanyard_core::claims::ClaimsPath;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::ReviewedRequest;
use crate::{
    RequestNonce,
    dcql::{
        CredentialQueryId, CredentialView, DcqlQuery, Matches, OverAsked, QueryMatches, select,
    },
    request::{AuthorizationRequest, ClientMetadata},
    transaction::TransactionData,
};

/// Everything a request could be answered with; at least one complete answer is among it.
#[derive(Clone, Debug, PartialEq)]
pub struct Choices {
    nonce: RequestNonce,
    matches: Matches,
    transactions: Vec<TransactionData>,
}

/// The wallet cannot answer: to the verifier the same as a holder who does not want to.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the wallet holds nothing that answers the request")]
pub struct NothingFits;

/// One purpose of the request (OID4VP 1.0 §6.2), and the ways to serve it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetChoice {
    /// Whether it must be served; otherwise the holder may leave it out.
    pub required: bool,
    /// The ways that are possible, the verifier's favourite first: each names its credential queries.
    pub options: Vec<Vec<CredentialQueryId>>,
}

/// What the holder picked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// For each set in order: the option picked, or `None` to leave it out.
    pub options: Vec<Option<usize>>,
    /// Picks that differ from the first candidate with its first claim set.
    pub picks: Vec<Pick>,
}

/// The credentials picked for one credential query.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pick {
    /// The credential query.
    pub query: CredentialQueryId,
    /// For each credential: its place among the candidates, and the place of the claim set among its
    /// choices. More than one only if the query asks for `multiple`.
    pub candidates: Vec<(usize, usize)>,
}

/// Why a selection does not answer the request.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SelectionError {
    /// Not one entry for each set.
    #[error("the selection does not have one entry for each set")]
    Sets,
    /// A required set was left out.
    #[error("a required set was left out")]
    RequiredLeftOut,
    /// An option, candidate or claim set that is not among the choices.
    #[error("the selection picks something that is not among the choices")]
    NotAmongChoices,
    /// No credential for a query, the same one twice, or several although one was asked for.
    #[error("the selection picks the wrong number of credentials")]
    Count,
    /// Everything was left out.
    #[error("nothing was selected")]
    Nothing,
    /// A transaction that no selected credential may authorize.
    #[error("no credential that was selected may authorize the transaction")]
    TransactionLeftOut,
}

/// The holder's consent to one answer to one request; made by [`Choices::approve`] alone.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Consent {
    pub(crate) nonce: RequestNonce,
    pub(crate) approved: Vec<Approved>,
}

/// One presentation the holder consented to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approved {
    /// The credential query it answers.
    pub query: CredentialQueryId,
    /// The credential's place among those that were searched.
    pub credential: usize,
    /// What to disclose, and nothing else.
    pub disclose: Vec<ClaimsPath>,
    /// Whether the verifier demands holder binding.
    pub holder_binding: bool,
    /// What is authorized with it; each transaction of the request with one credential (§5.1).
    pub transactions: Vec<TransactionData>,
}

impl ReviewedRequest {
    /// Finds every credential that fits some part of the request, whether or not all of it can be answered.
    #[must_use]
    pub fn matches(&self, held: &[CredentialView<'_>]) -> Matches {
        matching(&self.request.query, &self.request.metadata, held)
    }

    /// Finds what the request could be answered with, among the credentials held.
    ///
    /// # Errors
    /// [`NothingFits`]: show it to the holder, then [`ReviewedRequest::decline`].
    pub fn choices(&self, held: &[CredentialView<'_>]) -> Result<Choices, NothingFits> {
        let AuthorizationRequest { nonce, query, metadata, transactions, .. } = &self.request;
        Choices::find(query, metadata, (nonce, transactions), held)
    }
}

/// Every credential that fits a credential query, whether or not the request can be answered as a whole.
pub(crate) fn matching(
    query: &DcqlQuery,
    metadata: &ClientMetadata,
    held: &[CredentialView<'_>],
) -> Matches {
    let Some(formats) = &metadata.formats else { return select(query, held) };
    // OID4VP 1.0 §11.1: what the verifier does not take is as good as not held
    let held: Vec<_> = held
        .iter()
        .map(|view| match formats.takes(view.format, &view.algorithms) {
            true => view.clone(),
            // its place stays, and it is of no type that anybody asks for
            false => CredentialView { types: Vec::new(), ..view.clone() },
        })
        .collect();
    select(query, &held)
}

impl Choices {
    /// Finds what a query could be answered with.
    pub(crate) fn find(
        query: &DcqlQuery,
        metadata: &ClientMetadata,
        (nonce, transactions): (&RequestNonce, &[TransactionData]),
        held: &[CredentialView<'_>],
    ) -> Result<Self, NothingFits> {
        let matches = matching(query, metadata, held);
        // OID4VP 1.0 §6.4.2: if not all can be delivered, nothing is returned
        if !matches.can_be_satisfied() || matches.sets().iter().all(|set| set.options.is_empty()) {
            return Err(NothingFits);
        }
        // OID4VP 1.0 §8.5: a transaction that no credential here can authorize
        let fits = |id: &CredentialQueryId| {
            let mut queries = matches.queries().iter();
            queries.any(|found| found.query.id == *id && !found.candidates.is_empty())
        };
        if !transactions.iter().all(|one| one.credential_ids().iter().any(fits)) {
            return Err(NothingFits);
        }
        Ok(Self { nonce: nonce.clone(), matches, transactions: transactions.to_vec() })
    }
}

impl Choices {
    /// The candidates for each credential query, in the query's order.
    #[must_use]
    pub fn queries(&self) -> &[QueryMatches] {
        self.matches.queries()
    }

    /// The candidates for one credential query.
    #[must_use]
    pub fn query(&self, id: &CredentialQueryId) -> Option<&QueryMatches> {
        self.queries().iter().find(|matches| matches.query.id == *id)
    }

    /// The purposes of the request, with the ways to serve each.
    #[must_use]
    pub fn sets(&self) -> Vec<SetChoice> {
        let id = |index: &usize| self.queries()[*index].query.id.clone();
        let option = |option: &Vec<usize>| option.iter().map(id).collect();
        let set = |set: &crate::dcql::SetMatches| SetChoice {
            required: set.required,
            options: set.options.iter().map(option).collect(),
        };
        self.matches.sets().iter().map(set).collect()
    }

    /// What the request asks for that most purposes do not need, and that cannot be replaced by something else: with
    /// the credential query it is in. Of one way to answer, [`QueryMatches::over_asked`] tells.
    #[must_use]
    pub fn over_asked(&self) -> Vec<(CredentialQueryId, OverAsked)> {
        let of = |matches: &QueryMatches| {
            let id = matches.query.id.clone();
            matches.query.over_asked().into_iter().map(move |over_asked| (id.clone(), over_asked))
        };
        let fits = |matches: &&QueryMatches| !matches.candidates.is_empty();
        self.queries().iter().filter(fits).flat_map(of).collect()
    }

    /// What is asked for at least: the favourite of each required set, nothing optional.
    ///
    /// When everything is optional, the first set that can be served.
    #[must_use]
    pub fn smallest(&self) -> Selection {
        let sets = self.matches.sets();
        let mut options: Vec<_> = sets.iter().map(|set| set.required.then_some(0)).collect();
        if options.iter().all(Option::is_none)
            && let Some(first) = sets.iter().position(|set| !set.options.is_empty())
        {
            options[first] = Some(0);
        }
        Selection { options, picks: Vec::new() }
    }

    /// Turns the holder's selection into consent.
    ///
    /// # Errors
    /// One [`SelectionError`] per rule; the choices are gone then, and can be made again.
    pub fn approve(self, selection: &Selection) -> Result<Consent, SelectionError> {
        let sets = self.matches.sets();
        if selection.options.len() != sets.len() {
            return Err(SelectionError::Sets);
        }
        let mut wanted: Vec<usize> = Vec::new();
        for (set, option) in sets.iter().zip(&selection.options) {
            match option {
                // OID4VP 1.0 §6.4.2: every required set is satisfied by one whole option
                None if set.required => return Err(SelectionError::RequiredLeftOut),
                None => {}
                Some(option) => {
                    let option = set.options.get(*option).ok_or(SelectionError::NotAmongChoices)?;
                    wanted.extend(option);
                }
            }
        }
        wanted.sort_unstable();
        wanted.dedup();
        if wanted.is_empty() {
            return Err(SelectionError::Nothing);
        }
        let picked =
            |pick: &Pick| wanted.iter().any(|query| self.queries()[*query].query.id == pick.query);
        if !selection.picks.iter().all(picked) {
            return Err(SelectionError::NotAmongChoices);
        }
        let mut approved: Vec<Approved> = Vec::new();
        for query in wanted {
            approved.extend(approve(&self.queries()[query], &selection.picks)?);
        }
        // OID4VP 1.0 §5.1: only one of the referenced credentials authorizes a transaction
        for transaction in &self.transactions {
            let ids = transaction.credential_ids();
            let one = approved.iter_mut().find(|approved| ids.contains(&approved.query));
            let one = one.ok_or(SelectionError::TransactionLeftOut)?;
            one.transactions.push(transaction.clone());
        }
        Ok(Consent { nonce: self.nonce, approved })
    }

    /// What the holder would authorize, to be shown before consent.
    #[must_use]
    pub fn transactions(&self) -> &[TransactionData] {
        &self.transactions
    }
}

fn approve(matches: &QueryMatches, picks: &[Pick]) -> Result<Vec<Approved>, SelectionError> {
    let mut own = picks.iter().filter(|pick| pick.query == matches.query.id);
    let candidates = match (own.next(), own.next()) {
        (None, _) => &[(0, 0)][..],
        (Some(pick), None) => &pick.candidates,
        (Some(_), Some(_)) => return Err(SelectionError::Count),
    };
    // OID4VP 1.0 §8.1: one presentation, more only if `multiple`
    let twice = candidates
        .iter()
        .enumerate()
        .any(|(index, (one, _))| candidates[..index].iter().any(|(other, _)| one == other));
    if candidates.is_empty() || twice || (candidates.len() > 1 && !matches.query.multiple) {
        return Err(SelectionError::Count);
    }
    let approved = |(candidate, choice): &(usize, usize)| {
        let candidate =
            matches.candidates.get(*candidate).ok_or(SelectionError::NotAmongChoices)?;
        let choice = candidate.choices.get(*choice).ok_or(SelectionError::NotAmongChoices)?;
        Ok(Approved {
            query: matches.query.id.clone(),
            credential: candidate.credential,
            disclose: choice.disclose.clone(),
            holder_binding: matches.query.holder_binding,
            transactions: Vec::new(),
        })
    };
    candidates.iter().map(approved).collect()
}

impl Consent {
    /// What the holder consented to, for the history.
    #[must_use]
    pub fn approved(&self) -> &[Approved] {
        &self.approved
    }
}
