//! A type with everything it extends (SD-JWT VC §5.4, §5.5.2, §5.6.5).

use serde::Serialize;

use super::{
    ClaimMetadata, Integrity, Language, MAX_CHAIN, MAX_CLAIMS, TypeDisplay, TypeMetadata,
    TypeMetadataError, TypeMetadataSource,
};
use crate::{
    claims::ClaimsPath,
    crypto::CryptoProvider,
    sd_jwt_vc::{Vct, VerifiedSdJwtVc},
};

/// What holds for the credentials of a type, once all that it extends was read.
///
/// There is no way to look into a chain that was read halfway: nothing in it counts before all of it
/// does (§5.7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EffectiveTypeMetadata {
    /// The type, then what it extends, one after another.
    #[serde(skip)]
    types: Vec<Vct>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    display: Vec<TypeDisplay>,
    claims: Vec<ClaimMetadata>,
}

impl EffectiveTypeMetadata {
    /// Reads the metadata for a credential, by its `vct` and its `vct#integrity`.
    ///
    /// It takes a verified credential, since nothing is fetched on behalf of one that is not.
    ///
    /// # Errors
    /// One [`TypeMetadataError`] per rule; see [`TypeMetadataError::is_undetermined`].
    pub async fn of_credential(
        credential: &VerifiedSdJwtVc,
        source: &dyn TypeMetadataSource,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, TypeMetadataError> {
        let integrity = match credential.claims().claim("vct#integrity") {
            None => None,
            // SD-JWT VC §5.3: an integrity metadata string
            Some(value) => {
                let text = value.as_str().ok_or(TypeMetadataError::Malformed("vct#integrity"))?;
                let read = Integrity::parse(text);
                Some(read.map_err(|_| TypeMetadataError::Malformed("vct#integrity"))?)
            }
        };
        Self::of_type(credential.vct(), integrity.as_ref(), source, provider).await
    }

    /// Reads the metadata of a type and of everything it extends.
    ///
    /// # Errors
    /// One [`TypeMetadataError`] per rule; see [`TypeMetadataError::is_undetermined`].
    pub async fn of_type(
        vct: &Vct,
        integrity: Option<&Integrity>,
        source: &dyn TypeMetadataSource,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, TypeMetadataError> {
        let mut chain: Vec<TypeMetadata> = Vec::new();
        let mut next = Some((vct.clone(), integrity.cloned()));
        while let Some((vct, integrity)) = next {
            // SD-JWT VC §7.4: a circle is found before it is walked a second time
            if chain.iter().any(|document| document.vct == vct) {
                return Err(TypeMetadataError::Circular);
            }
            if chain.len() == MAX_CHAIN {
                return Err(TypeMetadataError::ChainTooLong);
            }
            let received = source.document(&vct, integrity.as_ref()).await?;
            // SD-JWT VC §6: the integrity of what was received comes before what it says
            if let Some(integrity) = &integrity {
                integrity.check(&received, provider)?;
            }
            let document = TypeMetadata::parse(&received)?;
            // SD-JWT VC §5.3: about the very type that was asked for
            if document.vct != vct {
                return Err(TypeMetadataError::ForeignVct);
            }
            next = document.extends.clone().map(|extended| (extended.vct, extended.integrity));
            chain.push(document);
        }
        Self::combine(chain)
    }

    /// Puts a chain together, what is extended first (§5.4).
    fn combine(chain: Vec<TypeMetadata>) -> Result<Self, TypeMetadataError> {
        let types = chain.iter().map(|document| document.vct.clone()).collect();
        let mut effective = Self { types, display: Vec::new(), claims: Vec::new() };
        for document in chain.into_iter().rev() {
            // SD-JWT VC §5.5.2: a display of one's own replaces the inherited one
            if let Some(display) = document.display {
                effective.display = display;
            }
            for claim in document.claims {
                effective.add(claim)?;
            }
        }
        if effective.claims.len() > MAX_CLAIMS {
            return Err(TypeMetadataError::TooMany("claims"));
        }
        // SD-JWT VC §5.6: an svg_id is unique within the type metadata
        let ids = || effective.claims.iter().filter_map(|claim| claim.svg_id.as_ref());
        if ids().enumerate().any(|(index, id)| ids().take(index).any(|earlier| earlier == id)) {
            return Err(TypeMetadataError::RepeatedSvgId);
        }
        Ok(effective)
    }

    fn add(&mut self, claim: ClaimMetadata) -> Result<(), TypeMetadataError> {
        match self.claims.iter_mut().find(|inherited| inherited.path == claim.path) {
            Some(inherited) => *inherited = claim.over(inherited.clone())?,
            None => self.claims.push(claim),
        }
        Ok(())
    }

    /// The type.
    pub fn vct(&self) -> &Vct {
        self.types.first().expect("a chain has the type itself in it")
    }

    /// The type and every type it extends, nearest first; to be one of these gives no authority (§7.6).
    pub fn types(&self) -> &[Vct] {
        &self.types
    }

    /// How the type is shown, by language.
    pub fn display(&self) -> &[TypeDisplay] {
        &self.display
    }

    /// The display in the language that comes first in the user's list, as `["de-AT", "en"]`.
    pub fn display_in(&self, languages: &[&str]) -> Option<&TypeDisplay> {
        Language::lookup(&self.display, |display| &display.locale, languages)
    }

    /// What the claims are: those of the extended types first.
    pub fn claims(&self) -> &[ClaimMetadata] {
        &self.claims
    }

    /// What is said about the claim at this place, by its own path or by one with wildcards.
    pub fn claim_at(&self, place: &ClaimsPath) -> Option<&ClaimMetadata> {
        let about = |claim: &&ClaimMetadata| {
            claim.path.segments().len() == place.segments().len() && claim.path.covers(place)
        };
        let exact = self.claims.iter().find(|claim| claim.path == *place);
        exact.or_else(|| self.claims.iter().find(about))
    }
}
