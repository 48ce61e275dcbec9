//! Pictures of cards: fetched once, when a credential is received, and kept with the card.
//!
//! Whoever keeps a picture learns when it is fetched, so nothing is fetched when a card is listed or shown, nor before
//! the holder agreed. What came is judged by its bytes alone, and a picture that cannot be had never keeps a
//! credential from being received.

use futures_util::future;
use lanyard_core::picture::data_of;
pub use lanyard_core::picture::{Picture, PictureRefused, PictureType, PictureUse};
use lanyard_fetch::{FetchError, Purpose, Request};
use thiserror::Error;
use url::Url;

use crate::{
    Wallet,
    face::Face,
    storage::{CardId, StorageError},
};

/// What is asked for; what is answered is judged by its bytes.
const ACCEPTED: &str = "image/png, image/jpeg, image/webp, image/gif, image/svg+xml";

/// Why a card gets no picture, for the log.
#[derive(Debug, Error)]
enum NoPicture {
    #[error("the picture is neither at an https URL nor in a data: URL")]
    Url,
    #[error(transparent)]
    Fetch(#[from] FetchError),
    #[error("the picture is not there: status {0}")]
    Status(u16),
    #[error(transparent)]
    Refused(#[from] PictureRefused),
}

impl Wallet {
    /// A picture of a card as it was received with it, if the card has that; nothing is fetched.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn card_picture(
        &self,
        card: CardId,
        kind: PictureUse,
    ) -> Result<Option<Picture>, StorageError> {
        let cards = self.0.storage.listed()?;
        let Some(face) = cards.iter().find(|one| one.id == card).map(|one| &one.content.face)
        else {
            return Ok(None);
        };
        if face.pictures.contains(&kind) {
            return self.0.storage.picture(card, kind);
        }
        // earlier versions kept a `data:` URL in the face
        Ok(face.picture_in(kind))
    }

    /// The pictures of a card that is being received: those of the card that it replaces, and where that has none,
    /// what its issuer shows now.
    pub(crate) async fn pictures(
        &self,
        face: &Face,
        replaces: Option<CardId>,
    ) -> Vec<(PictureUse, Picture)> {
        let kept = replaces.map(|old| self.0.storage.pictures(old));
        let kept = kept.and_then(Result::ok).unwrap_or_default();
        let one = async |kind: PictureUse| {
            if let Some((_, kept)) = kept.iter().find(|(own, _)| *own == kind) {
                return Some((kind, kept.clone()));
            }
            let picture = self.fetch_picture(face.url_of(kind)?).await;
            // it is the issuer's ornament: a card without is as good
            let refused = |error: &NoPicture| tracing::info!(%error, ?kind, "no picture");
            picture.inspect_err(refused).ok().map(|picture| (kind, picture))
        };
        let (logo, background) =
            future::join(one(PictureUse::Logo), one(PictureUse::BackgroundImage)).await;
        logo.into_iter().chain(background).collect()
    }

    async fn fetch_picture(&self, url: &str) -> Result<Picture, NoPicture> {
        if data_of(url).is_some() {
            return Ok(Picture::in_url(url)?);
        }
        let url = Url::parse(url).map_err(|_| NoPicture::Url)?;
        // OID4VCI 1.0 §12.2.4: another scheme can be ignored
        if url.scheme() != "https" && !(self.0.settings.development && url.scheme() == "http") {
            return Err(NoPicture::Url);
        }
        let request = Request::get(url, Purpose::Picture).accept(ACCEPTED);
        let response = self.0.ports.http.send(request).await?;
        if response.status != 200 {
            return Err(NoPicture::Status(response.status));
        }
        Ok(Picture::read(&response.body)?)
    }
}
