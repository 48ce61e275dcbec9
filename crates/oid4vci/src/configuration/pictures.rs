//! Pictures that are too long to stand in metadata: served beside them, at an address of this issuer.

use std::collections::BTreeMap;

use lanyard_core::picture::{Picture, PictureUse, data_of};

use super::{ConfigurationError, CredentialConfiguration};
use crate::{CredentialConfigurationId, IssuerUrl};

/// The longest `data:` URL that metadata hold: many wallets take no longer ones, or none.
const LONGEST: usize = 4096;

/// What is served, by the configuration that it is of.
pub(super) type Pictures = BTreeMap<(CredentialConfigurationId, PictureUse), Picture>;

impl CredentialConfiguration {
    /// Puts addresses in the place of pictures that are long. One picture is shown in every language: the first.
    pub(super) fn refer_to_pictures(
        &mut self,
        issuer: &IssuerUrl,
        pictures: &mut Pictures,
    ) -> Result<(), ConfigurationError> {
        for display in &mut self.display {
            let logo = display.logo.as_mut().map(|logo| &mut logo.uri);
            let behind = display.background_image.as_mut().map(|image| &mut image.uri);
            let uses = [(PictureUse::Logo, logo), (PictureUse::BackgroundImage, behind)];
            for (place, uri) in uses {
                let Some(uri) = uri.filter(|uri| uri.len() > LONGEST && data_of(uri).is_some())
                else {
                    continue;
                };
                let picture = Picture::in_url(uri);
                let refused = |reason| ConfigurationError::Picture(self.id.clone(), reason);
                let picture = picture.map_err(refused)?;
                let kept =
                    pictures.entry((self.id.clone(), place)).or_insert_with(|| picture.clone());
                // another one for another language stays where it is
                if *kept == picture {
                    *uri = format!("{}/types/{}/{}", issuer.as_str(), self.id, place.name());
                }
            }
        }
        Ok(())
    }
}
