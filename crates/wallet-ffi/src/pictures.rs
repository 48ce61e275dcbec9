//! Logos and pictures of cards, as a screen draws them.

use lanyard_wallet::{Picture, PictureUse};

/// What a picture of a card is for.
#[derive(Clone, Copy, uniffi::Enum)]
pub enum CardPictureKind {
    /// The logo.
    Logo,
    /// What is behind the text.
    BackgroundImage,
}

/// A picture that can be shown: bounded in bytes and in pixels, and an SVG without anything that runs or is fetched.
#[derive(Clone, uniffi::Record)]
pub struct PictureRecord {
    /// `image/png`, `image/jpeg`, `image/webp`, `image/gif` or `image/svg+xml`, by its bytes.
    pub media_type: String,
    /// The file.
    pub bytes: Vec<u8>,
}

impl From<CardPictureKind> for PictureUse {
    fn from(kind: CardPictureKind) -> Self {
        match kind {
            CardPictureKind::Logo => Self::Logo,
            CardPictureKind::BackgroundImage => Self::BackgroundImage,
        }
    }
}

impl From<Picture> for PictureRecord {
    fn from(picture: Picture) -> Self {
        let media_type = picture.kind().media_type().to_owned();
        Self { media_type, bytes: picture.into_bytes() }
    }
}
