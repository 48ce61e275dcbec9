//! What became of the cards of an issuance, and what the holder is told of it.

use crate::{IssuanceError, Wallet, storage::CardId, wallet::Party};

/// What became of the cards of an issuance.
#[derive(Default)]
pub(crate) struct Outcome {
    /// What came.
    pub(crate) came: Vec<Came>,
    /// The names of those that the issuer has not ready.
    pub(crate) deferred: Vec<String>,
    /// What was refused for good.
    pub(crate) refused: Vec<Failure>,
    /// Why the rest is still to come.
    pub(crate) stopped: Option<Failure>,
}

/// A card that came.
pub(crate) struct Came {
    pub(crate) card: CardId,
    /// The card whose place it took.
    pub(crate) replaces: Option<CardId>,
    pub(crate) name: String,
}

/// What went wrong, and with which cards, by their names.
pub(crate) struct Failure {
    pub(crate) names: Vec<String>,
    pub(crate) error: IssuanceError,
}

impl Outcome {
    /// The cards that came; an error where something is still to come, or where nothing came and nothing is waited for.
    pub(crate) fn into_result(self) -> Result<Vec<CardId>, IssuanceError> {
        if let Some(stopped) = self.stopped {
            return Err(stopped.error);
        }
        let nothing = self.came.is_empty() && self.deferred.is_empty();
        match self.refused.into_iter().next() {
            Some(refused) if nothing => Err(refused.error),
            _ => Ok(self.came.into_iter().map(|one| one.card).collect()),
        }
    }
}

impl Wallet {
    /// Keeps in the history what went wrong.
    pub(crate) fn conclude(
        &self,
        party: Party,
        outcome: Outcome,
    ) -> Result<Vec<CardId>, IssuanceError> {
        for Failure { names, error } in outcome.refused.iter().chain(&outcome.stopped) {
            self.record_failure(error, party.clone(), names.clone());
        }
        outcome.into_result()
    }
}
