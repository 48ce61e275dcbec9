//! What became of cards since the holder last looked: told until they have seen it, and then no more.

use crate::{
    Wallet,
    status::StatusWord,
    storage::{CardId, StorageError},
};

/// A card that its issuer revoked, suspended or gave back, which the holder has not seen yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardNotice {
    /// The card.
    pub card: CardId,
    /// Its name.
    pub name: String,
    /// What the holder last saw; a card that is new is good.
    pub was: StatusWord,
    /// What its issuer's list says now.
    pub is: StatusWord,
}

impl Wallet {
    /// What changed since the holder last saw it, by the lists that were last had: to be shown until it is
    /// [seen](Wallet::notices_seen). It asks nobody: [`Wallet::refresh_statuses`] does.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn notices(&self) -> Result<Vec<CardNotice>, StorageError> {
        let seen = self.0.storage.statuses_seen()?;
        let notice = |card: crate::storage::Card| {
            let is = told(card.status?.word);
            let was = told(seen.get(&card.id).copied().flatten().unwrap_or(StatusWord::Valid));
            let name = card.content.face.name.clone();
            (was != is).then_some(CardNotice { card: card.id, name, was, is })
        };
        Ok(self.cards()?.into_iter().filter_map(notice).collect())
    }

    /// The holder saw these, and is not told again; what changed since stays to be told.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn notices_seen(&self, notices: &[CardNotice]) -> Result<(), StorageError> {
        notices.iter().try_for_each(|notice| self.0.storage.status_seen(notice.card, notice.is))
    }
}

/// A word as the holder is told it: what issuer and verifier have agreed on is between them.
const fn told(word: StatusWord) -> StatusWord {
    match word {
        StatusWord::Valid | StatusWord::Other => StatusWord::Valid,
        StatusWord::Suspended | StatusWord::Revoked => word,
    }
}
