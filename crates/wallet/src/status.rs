//! What became of a credential since it was issued: asked of its issuer's status list, and known offline ever after.

use lanyard_core::{
    Timestamp,
    credential::HeldCredential,
    json::Object,
    status::{Status, StatusCheck as _, StatusQuestion, StatusReading, StatusReference},
};
use serde::{Deserialize, Serialize};

use crate::{
    Wallet,
    storage::{Card, CardId, StorageError},
};

/// What an issuer says of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusWord {
    /// It is good.
    Valid,
    /// It is not good for the time being.
    Suspended,
    /// It was taken back for good.
    Revoked,
    /// It says something that issuer and verifier have agreed on.
    Other,
}

/// What a status list said, and how old it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownStatus {
    /// What it said.
    pub word: StatusWord,
    /// When the list was made, or was asked where it does not say.
    pub as_of: Timestamp,
    /// From when on the list says nothing any more, if it tells.
    pub until: Option<Timestamp>,
}

impl KnownStatus {
    /// Whether the list still speaks, or a newer one has to be asked.
    pub fn is_current(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// The worst of what several lists said, as old as the oldest.
    fn of(readings: &[StatusReading], now: Timestamp) -> Self {
        let lists = || readings.iter().flat_map(|reading| &reading.lists);
        let as_of = lists().filter_map(|list| list.issued_at).min().unwrap_or(now);
        let until = lists().filter_map(|list| list.expires_at).min();
        let words = readings.iter().map(|reading| match reading.status {
            Status::Valid => StatusWord::Valid,
            Status::Suspended => StatusWord::Suspended,
            Status::Invalid => StatusWord::Revoked,
            Status::ApplicationSpecific(_) | Status::Unassigned(_) => StatusWord::Other,
        });
        let worst = words.max_by_key(|word| match word {
            StatusWord::Valid => 0,
            StatusWord::Other => 1,
            StatusWord::Suspended => 2,
            StatusWord::Revoked => 3,
        });
        Self { word: worst.unwrap_or(StatusWord::Valid), as_of, until }
    }
}

/// Whether the status of a credential is kept anywhere.
pub(crate) fn is_kept(held: &HeldCredential) -> bool {
    !references(held).is_empty()
}

/// Where its status is kept; a malformed entry counts as absent, as verifiers ignore it too.
fn references(held: &HeldCredential) -> Vec<StatusReference> {
    match held {
        HeldCredential::SdJwtVc(held) => held.status().cloned().into_iter().collect(),
        HeldCredential::MsoMdoc(held) => held.status().cloned().into_iter().collect(),
        HeldCredential::JwtVcJson(held) => read(held.credential().statuses()),
        HeldCredential::LdpVc(held) => read(held.credential().statuses()),
        HeldCredential::VcJwt(held) => read(held.credential().statuses()),
        HeldCredential::VcSdJwt(held) => read(held.credential().statuses()),
    }
}

fn read<'e>(entries: impl Iterator<Item = &'e Object>) -> Vec<StatusReference> {
    StatusReference::of_entries(entries).unwrap_or_default()
}

impl Wallet {
    /// Asks the status list of every card that has one: the cards of which it says something else than before.
    ///
    /// Lists are fetched whole and kept as long as they say, so that their publisher learns neither which
    /// credential is held nor when it is shown (Token Status List §12.4). Where a list cannot be had, or is not
    /// believed, what was known before stays known, with its age.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn refresh_statuses(&self) -> Result<Vec<CardId>, StorageError> {
        let mut changed = Vec::new();
        for card in self.cards()?.into_iter().filter(|card| card.content.has_status) {
            let Some(status) = self.ask_status(&card).await? else { continue };
            if card.status.map(|known| known.word) != Some(status.word) {
                changed.push(card.id);
            }
            if card.status != Some(status) {
                self.0.storage.keep_status(card.id, status)?;
            }
        }
        Ok(changed)
    }

    async fn ask_status(&self, card: &Card) -> Result<Option<KnownStatus>, StorageError> {
        let (inner, now) = (&self.0, self.0.ports.clock.now());
        // the copy that would be shown next
        let Some((_, copy)) = inner.storage.next_copy(card.id)? else { return Ok(None) };
        let format = card.content.format;
        // verified anew: whose list is believed depends on who issued it, which the database does not prove
        let held = HeldCredential::receive(format, &copy.credential, &inner.issuers, now).await;
        let Ok(held) = held else { return Ok(None) };
        let Some(issuer) = held.issuer() else { return Ok(None) };
        let types = held.types();
        let mut readings = Vec::new();
        for reference in references(&held) {
            let question = StatusQuestion {
                reference: &reference,
                issuer,
                types: &types,
                now,
                not_before: None,
            };
            match inner.statuses.status(&question).await {
                Ok(reading) => readings.push(reading),
                Err(_) => return Ok(None),
            }
        }
        Ok((!readings.is_empty()).then(|| KnownStatus::of(&readings, now)))
    }
}

#[cfg(test)]
mod tests {
    use lanyard_core::status::{ReadList, StatusListUri};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a moment")
    }

    fn reading(status: Status, issued_at: Option<i64>, expires_at: Option<i64>) -> StatusReading {
        let uri = StatusListUri::parse("https://issuer.example/list").expect("a URI");
        let (issued_at, expires_at) = (issued_at.map(at), expires_at.map(at));
        StatusReading { status, lists: vec![ReadList { uri, issued_at, expires_at }] }
    }

    #[test]
    fn the_worst_word_counts_and_the_oldest_list_says_how_old_it_is() {
        let readings = [
            reading(Status::Suspended, Some(50), Some(900)),
            reading(Status::Valid, Some(20), Some(400)),
        ];
        let known = KnownStatus::of(&readings, at(100));
        let expected =
            KnownStatus { word: StatusWord::Suspended, as_of: at(20), until: Some(at(400)) };
        assert_eq!(known, expected);
        let revoked = reading(Status::Invalid, Some(60), None);
        let known = KnownStatus::of(&[readings.to_vec(), vec![revoked]].concat(), at(100));
        assert_eq!(known.word, StatusWord::Revoked);
    }

    #[test]
    fn a_list_that_does_not_say_when_it_was_made_is_as_old_as_the_question() {
        let known = KnownStatus::of(&[reading(Status::Valid, None, None)], at(100));
        assert_eq!(known, KnownStatus { word: StatusWord::Valid, as_of: at(100), until: None });
    }

    #[test]
    fn what_a_list_said_is_current_until_the_list_ends() {
        let known = KnownStatus::of(&[reading(Status::Valid, Some(1), Some(200))], at(100));
        assert!(known.is_current(at(199)));
        assert!(!known.is_current(at(200)));
    }
}
