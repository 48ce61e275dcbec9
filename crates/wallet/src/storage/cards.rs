//! Cards and their copies.
//!
//! A card is one logical credential; each of its copies is a credential of its own, with its own key,
//! so that two presentations cannot be linked by what they carry.

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    credential::{CredentialRefused, Format, HeldCredential},
    crypto::CryptoProvider,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Storage, StorageError,
    tables::{Row, Rows, Table},
};
use crate::{Picture, PictureUse, face::Face, ports::KeyHandle, status::KnownStatus};

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
    /// Whether its issuer keeps its status in a list.
    #[serde(default)]
    pub has_status: bool,
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
    /// What the issuer's status list said when it was last asked.
    pub status: Option<KnownStatus>,
}

/// One copy: a credential and the name of its key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Copy {
    /// The credential as received: text in the form of its card's format.
    pub credential: String,
    /// The key it is bound to; none when it is bound to no key.
    pub key: Option<KeyHandle>,
}

/// A copy that was not opened.
pub(crate) struct SealedCopy(Row);

impl SealedCopy {
    /// Which copy it is; what it holds never changes.
    pub(crate) const fn id(&self) -> CopyId {
        CopyId(self.0.0)
    }
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
    /// [`StorageError`] when it cannot be written.
    pub fn insert_card(&self, card: &NewCard, copies: &[Copy]) -> Result<CardId, StorageError> {
        Ok(self.replace_card(None, card, copies, &[])?.0)
    }

    /// Stores a card with its pictures in the place of another, whose keys come back: both happen or neither.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be written.
    pub fn replace_card(
        &self,
        old: Option<CardId>,
        card: &NewCard,
        copies: &[Copy],
        pictures: &[(PictureUse, Picture)],
    ) -> Result<(CardId, Vec<KeyHandle>), StorageError> {
        self.change(|rows| self.replace_card_in(rows, old, card, copies, pictures))
    }

    pub(super) fn replace_card_in(
        &self,
        rows: &mut dyn Rows,
        old: Option<CardId>,
        card: &NewCard,
        copies: &[Copy],
        pictures: &[(PictureUse, Picture)],
    ) -> Result<(CardId, Vec<KeyHandle>), StorageError> {
        let card = self.insert_sealed(rows, Table::Card, None, card)?;
        for copy in copies {
            self.insert_sealed(rows, Table::Copy, Some(card), copy)?;
        }
        self.insert_pictures(rows, card, pictures)?;
        let keys = match old {
            Some(old) => self.delete_card_in(rows, old)?,
            None => Vec::new(),
        };
        Ok((CardId(card), keys))
    }

    /// The copy that is presented next: one never used, else the least used.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] when the record does not open.
    pub fn next_copy(&self, card: CardId) -> Result<Option<(CopyId, Copy)>, StorageError> {
        let next = self.read(|rows| rows.next_copy(card.0))?;
        next.map(|row| self.open_copy(row)).transpose()
    }

    /// The copies that are presented next, of each card that has one, as sealed.
    pub(crate) fn next_copies(
        &self,
        cards: &[Card],
    ) -> Result<Vec<Option<SealedCopy>>, StorageError> {
        self.read(|rows| {
            let next = |card: &Card| Ok(rows.next_copy(card.id.0)?.map(SealedCopy));
            cards.iter().map(next).collect()
        })
    }

    /// Opens a copy.
    pub(crate) fn unseal(&self, SealedCopy(row): SealedCopy) -> Result<Copy, StorageError> {
        Ok(self.open_copy(row)?.1)
    }

    /// Takes the next copy into use: marked durably before it is handed out, so that a crash after the
    /// release cannot make it look unused.
    ///
    /// # Errors
    /// [`StorageError::Damaged`] when the record does not open.
    pub fn take_copy(&self, card: CardId) -> Result<Option<(CopyId, Copy)>, StorageError> {
        self.change(|rows| {
            let Some(next) = rows.next_copy(card.0)? else { return Ok(None) };
            rows.note_use(card.0, next.0)?;
            self.open_copy(next).map(Some)
        })
    }

    fn open_copy(&self, (id, sealed): Row) -> Result<(CopyId, Copy), StorageError> {
        Ok((CopyId(id), self.read_sealed(Table::Copy, id, &sealed)?))
    }

    /// Deletes a card with its copies; gives back the keys nobody needs any more.
    ///
    /// # Errors
    /// [`StorageError`] when it cannot be written.
    pub fn delete_card(&self, card: CardId) -> Result<Vec<KeyHandle>, StorageError> {
        self.change(|rows| self.delete_card_in(rows, card))
    }

    fn delete_card_in(
        &self,
        rows: &mut dyn Rows,
        card: CardId,
    ) -> Result<Vec<KeyHandle>, StorageError> {
        // a damaged copy can still be deleted; its key then stays behind, useless
        let copies = rows.rows_of(Table::Copy, card.0)?.into_iter();
        let keys = copies.filter_map(|row| self.open_copy(row).ok()?.1.key).collect();
        rows.delete(Table::Card, card.0)?;
        Ok(keys)
    }
}
