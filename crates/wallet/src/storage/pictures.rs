//! The pictures of cards: read one by one when they are shown, never with the list of cards.

use super::{
    CardId, Storage, StorageError,
    tables::{Rows, Table},
};
use crate::{Picture, PictureUse};

impl Storage {
    /// One picture of a card, if it has that.
    pub(crate) fn picture(
        &self,
        card: CardId,
        kind: PictureUse,
    ) -> Result<Option<Picture>, StorageError> {
        let pictures = self.pictures(card)?.into_iter();
        Ok(pictures.filter(|(own, _)| *own == kind).map(|(_, picture)| picture).next())
    }

    /// Every picture of a card.
    pub(crate) fn pictures(
        &self,
        card: CardId,
    ) -> Result<Vec<(PictureUse, Picture)>, StorageError> {
        let rows = self.read(|rows| rows.rows_of(Table::Picture, card.0))?;
        let open = |(id, sealed): (i64, Vec<u8>)| {
            let plain = self.seal.open(Table::Picture.name(), id, &sealed);
            // what a stricter version would not take any more is no picture, and no damage
            plain.map(|plain| unpacked(&plain)).map_err(|_| StorageError::Damaged).transpose()
        };
        rows.into_iter().filter_map(open).collect()
    }

    pub(super) fn insert_pictures(
        &self,
        rows: &mut dyn Rows,
        card: i64,
        pictures: &[(PictureUse, Picture)],
    ) -> Result<(), StorageError> {
        for (kind, picture) in pictures {
            let plain = packed(*kind, picture);
            let seal = |id| self.seal.seal(Table::Picture.name(), id, &plain);
            rows.insert(Table::Picture, Some(card), &seal)?;
        }
        Ok(())
    }
}

/// The kind, then the picture itself: as JSON, bytes would take four times their room.
fn packed(kind: PictureUse, picture: &Picture) -> Vec<u8> {
    let mut plain = Vec::with_capacity(1 + picture.bytes().len());
    plain.push(match kind {
        PictureUse::Logo => 0,
        PictureUse::BackgroundImage => 1,
    });
    plain.extend(picture.bytes());
    plain
}

fn unpacked(plain: &[u8]) -> Option<(PictureUse, Picture)> {
    let (kind, bytes) = plain.split_first()?;
    let kind = match kind {
        0 => PictureUse::Logo,
        1 => PictureUse::BackgroundImage,
        _ => return None,
    };
    Some((kind, Picture::read(bytes).ok()?))
}
