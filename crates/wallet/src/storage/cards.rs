//! Cards and their copies.
//!
//! A card is one logical credential; each of its copies is a credential of its own, with its own key,
//! so that two presentations cannot be linked by what they carry.

use std::sync::{Arc, PoisonError};

use lanyard_core::{
    Timestamp,
    credential::{CredentialRefused, Format, HeldCredential},
    crypto::CryptoProvider,
};
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Storage, StorageError};
use crate::{face::Face, ports::KeyHandle};

/// Names a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CardId(pub i64);

/// Names a copy of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CopyId(pub i64);

/// What is stored when a credential arrives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct NewCard {
    /// The credential issuer identifier.
    pub issuer: String,
    /// The issuer's name for people.
    pub issuer_name: Option<String>,
    /// How the issuer is known: the subject of the certificate that signed, or a DID.
    pub issuer_identity: String,
    /// The credential configuration it was issued from.
    pub configuration: String,
    /// The format of its copies.
    pub format: Format,
    /// The types it is of, in the words of its format and never empty: of an SD-JWT VC the `vct` and the
    /// `aka_vcts`, of an mdoc the `docType`, of a W3C credential every `type` as it stands there.
    pub types: Vec<String>,
    /// How it looks.
    pub face: Face,
    /// The authority key identifiers in the chain it came with, for `trusted_authorities`.
    pub key_identifiers: Vec<Vec<u8>>,
    /// Whether its copies are bound to keys.
    pub holder_bound: bool,
    /// The claims, as the verified credential disclosed them to the holder, in their places: those of an
    /// mdoc in its namespaces, those of a W3C credential as the whole document.
    pub claims: Map<String, Value>,
    /// When it was received.
    pub received_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
}

/// A stored card.
#[derive(Clone, Debug)]
pub struct Card {
    /// Its name.
    pub id: CardId,
    /// What was stored.
    pub content: Arc<NewCard>,
    /// Copies that were never presented.
    pub unused_copies: u32,
    /// All copies.
    pub copies: u32,
}

/// One copy: a credential and the name of its key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Copy {
    /// The credential as received: text in the form of its card's format.
    pub credential: String,
    /// The key it is bound to; none when it is bound to no key.
    pub key: Option<KeyHandle>,
}

impl NewCard {
    /// The claims to show, in their places: what is said about the subject, without what the format says
    /// about the credential; pictures as `data:` URLs.
    pub fn shown_claims(&self) -> Map<String, Value> {
        match self.format {
            Format::SdJwtVc => self.claims.clone(),
            Format::MsoMdoc => {
                let mut name_spaces = self.claims.clone();
                let elements = name_spaces.values_mut().filter_map(Value::as_object_mut);
                elements.flat_map(Map::values_mut).for_each(show_picture);
                name_spaces
            }
            Format::JwtVcJson | Format::LdpVc | Format::VcJwt | Format::VcSdJwt => {
                let mut subject = self.claims.get("credentialSubject").cloned().unwrap_or_default();
                if let Some(claims) = subject.as_object_mut() {
                    claims.shift_remove("id");
                }
                Map::from_iter([("credentialSubject".to_owned(), subject)])
            }
        }
    }
}

/// The bytes of a JPEG or PNG file in base64url become a `data:` URL; every other value stays.
fn show_picture(value: &mut Value) {
    let Some(text) = value.as_str() else { return };
    let kind = match text {
        _ if text.starts_with("_9j_") => "jpeg",
        _ if text.starts_with("iVBORw0KGgo") => "png",
        _ => return,
    };
    let padding = "=".repeat(text.len().wrapping_neg() % 4);
    let text = text.replace('-', "+").replace('_', "/");
    *value = format!("data:image/{kind};base64,{text}{padding}").into();
}

impl Copy {
    /// Takes it back from the sealed storage, where it went after it had been verified.
    ///
    /// # Errors
    /// [`CredentialRefused`] when it cannot be read, which is never the case for what a wallet stored.
    pub fn hold(
        &self,
        format: Format,
        crypto: &dyn CryptoProvider,
    ) -> Result<HeldCredential, CredentialRefused> {
        HeldCredential::danger_hold_unverified(format, &self.credential, crypto)
    }
}

impl Storage {
    /// Stores a card with all its copies, or nothing.
    ///
    /// # Errors
    /// [`StorageError::Sqlite`] when it cannot be written.
    pub fn insert_card(&self, card: &NewCard, copies: &[Copy]) -> Result<CardId, StorageError> {
        Ok(self.replace_card(None, card, copies)?.0)
    }

    /// Stores a card in the place of another, whose keys come back: both happen or neither.
    ///
    /// # Errors
    /// [`StorageError::Sqlite`] when it cannot be written.
    pub fn replace_card(
        &self,
        old: Option<CardId>,
        card: &NewCard,
        copies: &[Copy],
    ) -> Result<(CardId, Vec<KeyHandle>), StorageError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let card = self.insert_card_in(&transaction, card, copies)?;
        let keys = match old {
            Some(old) => self.delete_card_in(&transaction, old)?,
            None => Vec::new(),
        };
        transaction.commit()?;
        Ok((card, keys))
    }

    pub(super) fn insert_card_in(
        &self,
        transaction: &Transaction<'_>,
        card: &NewCard,
        copies: &[Copy],
    ) -> Result<CardId, StorageError> {
        let plain = serde_json::to_vec(card).map_err(|_| StorageError::Damaged)?;
        let card = self.insert_sealed(transaction, "card", &plain)?;
        for copy in copies {
            let plain = serde_json::to_vec(copy).map_err(|_| StorageError::Damaged)?;
            transaction.execute("INSERT INTO copy (card, sealed) VALUES (?1, x'')", [card])?;
            let id = transaction.last_insert_rowid();
            let sealed = self.seal.seal("copy", id, &plain);
            transaction
                .execute("UPDATE copy SET sealed = ?1 WHERE id = ?2", params![sealed, id])?;
        }
        Ok(CardId(card))
    }

    /// All cards, newest first.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] when a record does not open.
    pub fn cards(&self) -> Result<Vec<Card>, StorageError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT card.id, count(copy.id), count(copy.id) FILTER (WHERE copy.uses = 0)
             FROM card LEFT JOIN copy ON copy.card = card.id
             GROUP BY card.id ORDER BY card.id DESC",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let rows = rows.collect::<Result<Vec<(i64, u32, u32)>, _>>()?;
        // a card's record is written once and its number never used again: what was opened stays good
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let known = std::mem::take(&mut *opened);
        let mut cards = Vec::with_capacity(rows.len());
        for (id, copies, unused_copies) in rows {
            let content = match known.get(&id) {
                Some(content) => content.clone(),
                None => Arc::new(self.open_card(&connection, id)?),
            };
            opened.insert(id, content.clone());
            cards.push(Card { id: CardId(id), content, unused_copies, copies });
        }
        Ok(cards)
    }

    fn open_card(&self, connection: &Connection, id: i64) -> Result<NewCard, StorageError> {
        let sealed: Vec<u8> = connection
            .prepare_cached("SELECT sealed FROM card WHERE id = ?1")?
            .query_row([id], |row| row.get(0))?;
        self.read_sealed("card", id, &sealed)
    }

    /// The copy that is presented next: one never used, else the least used.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] when the record does not open.
    pub fn next_copy(&self, card: CardId) -> Result<Option<(CopyId, Copy)>, StorageError> {
        let connection = self.connection();
        let row: Option<(i64, Vec<u8>)> = connection
            .prepare_cached(
                "SELECT id, sealed FROM copy WHERE card = ?1 ORDER BY uses, id LIMIT 1",
            )?
            .query_row([card.0], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        row.map(|(id, sealed)| Ok((CopyId(id), self.read_sealed("copy", id, &sealed)?))).transpose()
    }

    /// Takes the next copy into use: marked durably before it is handed out, so that a crash after the
    /// release cannot make it look unused.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] when the record does not open.
    pub fn take_copy(&self, card: CardId) -> Result<Option<(CopyId, Copy)>, StorageError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let row: Option<(i64, Vec<u8>)> = transaction
            .query_row(
                "UPDATE copy SET uses = uses + 1
                 WHERE id = (SELECT id FROM copy WHERE card = ?1 ORDER BY uses, id LIMIT 1)
                 RETURNING id, sealed",
                [card.0],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let Some((id, sealed)) = row else { return Ok(None) };
        let copy = self.read_sealed("copy", id, &sealed)?;
        transaction.commit()?;
        Ok(Some((CopyId(id), copy)))
    }

    /// Deletes a card with its copies; gives back the keys nobody needs any more.
    ///
    /// # Errors
    /// [`StorageError::Sqlite`] when it cannot be written.
    pub fn delete_card(&self, card: CardId) -> Result<Vec<KeyHandle>, StorageError> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let keys = self.delete_card_in(&transaction, card)?;
        transaction.commit()?;
        Ok(keys)
    }

    pub(super) fn delete_card_in(
        &self,
        transaction: &Transaction<'_>,
        card: CardId,
    ) -> Result<Vec<KeyHandle>, StorageError> {
        let mut statement = transaction.prepare("SELECT id, sealed FROM copy WHERE card = ?1")?;
        let rows = statement.query_map([card.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let mut keys = Vec::new();
        for row in rows {
            let (id, sealed): (i64, Vec<u8>) = row?;
            // a damaged copy can still be deleted; its key then stays behind, useless
            keys.extend(
                self.read_sealed::<Copy>("copy", id, &sealed).ok().and_then(|copy| copy.key),
            );
        }
        transaction.execute("DELETE FROM card WHERE id = ?1", [card.0])?;
        Ok(keys)
    }
}
