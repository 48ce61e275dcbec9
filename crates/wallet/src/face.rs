//! How a credential looks: the issuer's display metadata, in the holder's language.

use lanyard_core::{claims::ClaimsPath, picture::data_of};
use lanyard_oid4vci::metadata::{
    ClaimDescription, CredentialConfigurationMetadata, CredentialDisplay, CredentialIssuerMetadata,
    IssuerDisplay,
};
use serde::{Deserialize, Serialize};

use crate::picture::{Picture, PictureUse};

/// The face of a card.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Face {
    /// What the credential is called.
    pub name: String,
    /// What it is.
    pub description: Option<String>,
    /// Where the logo is: https, or before the card is received also `data:`. It is not to be fetched when the card is
    /// shown: [`Wallet::card_picture`](crate::Wallet::card_picture) has it.
    pub logo: Option<String>,
    /// What to read out for the logo.
    #[serde(default)]
    pub logo_alt: Option<String>,
    /// Where the picture behind the text is, likewise.
    #[serde(default)]
    pub background_image: Option<String>,
    /// The pictures that are kept with the card.
    #[serde(default)]
    pub pictures: Vec<PictureUse>,
    /// The card's colour, as the issuer wrote it: check it before it goes into a style.
    pub background_color: Option<String>,
    /// The colour of the text on it, likewise.
    pub text_color: Option<String>,
    /// The claims in the order of display, with their labels.
    pub labels: Vec<ClaimLabel>,
}

/// What a claim is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimLabel {
    /// Where the claim is.
    pub path: ClaimsPath,
    /// What people call it.
    pub label: String,
}

impl Face {
    /// Picks what fits the holder's languages best, the most wanted first.
    pub fn of(
        configuration: &CredentialConfigurationMetadata,
        fallback: &str,
        languages: &[String],
    ) -> Self {
        let Some(metadata) = &configuration.credential_metadata else {
            return Self { name: fallback.to_owned(), ..Self::default() };
        };
        let best = best(&metadata.display, |display| display.locale.as_deref(), languages).cloned();
        let display =
            best.unwrap_or_else(|| CredentialDisplay { name: fallback.to_owned(), ..empty() });
        let (logo, logo_alt) = display.logo.map(|logo| (logo.uri, logo.alt_text)).unzip();
        Self {
            name: display.name,
            description: display.description,
            logo,
            logo_alt: logo_alt.flatten(),
            background_image: display.background_image.map(|image| image.uri),
            pictures: Vec::new(),
            background_color: display.background_color,
            text_color: display.text_color,
            labels: metadata.claims.iter().map(|claim| ClaimLabel::of(claim, languages)).collect(),
        }
    }

    /// The picture that the issuer's metadata hold themselves, as a `data:` URL: it can be shown before the holder
    /// agrees, as nothing is fetched.
    pub fn picture_in(&self, kind: PictureUse) -> Option<Picture> {
        Picture::in_url(self.url_of(kind)?).ok()
    }

    /// Whether a card with this face has a picture to show.
    pub fn has_picture(&self, kind: PictureUse) -> bool {
        let earlier = || self.url_of(kind).and_then(data_of).is_some();
        self.pictures.contains(&kind) || earlier()
    }

    pub(crate) fn url_of(&self, kind: PictureUse) -> Option<&str> {
        match kind {
            PictureUse::Logo => self.logo.as_deref(),
            PictureUse::BackgroundImage => self.background_image.as_deref(),
        }
    }

    /// The face of a card that is kept with these pictures: what a `data:` URL held is in them.
    pub(crate) fn with(&self, pictures: &[(PictureUse, Picture)]) -> Self {
        let elsewhere = |url: &Option<String>| url.clone().filter(|url| data_of(url).is_none());
        Self {
            logo: elsewhere(&self.logo),
            background_image: elsewhere(&self.background_image),
            pictures: pictures.iter().map(|(kind, _)| *kind).collect(),
            ..self.clone()
        }
    }

    /// The label of a claim: the issuer's for exactly this path or for all elements of its array, else
    /// the path's last name in words.
    pub fn label(&self, path: &ClaimsPath) -> String {
        let described = self.labels.iter().find(|label| {
            label.path.covers(path) && label.path.segments().len() == path.segments().len()
        });
        described.map_or_else(|| in_words(path), |label| label.label.clone())
    }
}

impl ClaimLabel {
    fn of(claim: &ClaimDescription, languages: &[String]) -> Self {
        let display = best(&claim.display, |display| display.locale.as_deref(), languages);
        let label = display.map_or_else(|| in_words(&claim.path), |display| display.name.clone());
        Self { path: claim.path.clone(), label }
    }
}

/// The issuer's name for people, in the holder's language.
pub(crate) fn issuer_name(
    issuer: &CredentialIssuerMetadata,
    languages: &[String],
) -> Option<String> {
    let locale = |display: &'_ IssuerDisplay| display.locale.clone();
    let named: Vec<_> = issuer.display.iter().filter(|display| display.name.is_some()).collect();
    let locales: Vec<_> = named.iter().map(|display| locale(display)).collect();
    let place = best_place(&locales, languages)?;
    named.get(place).and_then(|display| display.name.clone())
}

/// The entry in the most wanted language, else in its base language, else without one, else the first.
pub(crate) fn best<'d, T>(
    entries: &'d [T],
    locale: impl Fn(&T) -> Option<&str>,
    languages: &[String],
) -> Option<&'d T> {
    let locales: Vec<_> = entries.iter().map(|entry| locale(entry).map(str::to_owned)).collect();
    entries.get(best_place(&locales, languages)?)
}

fn best_place(locales: &[Option<String>], languages: &[String]) -> Option<usize> {
    let base = |tag: &str| tag.split('-').next().unwrap_or(tag).to_ascii_lowercase();
    let position = |test: &dyn Fn(&Option<String>) -> bool| locales.iter().position(test);
    let exact = |language: &String| {
        position(&|locale| locale.as_ref().is_some_and(|tag| tag.eq_ignore_ascii_case(language)))
    };
    let related = |language: &String| {
        position(&|locale| locale.as_ref().is_some_and(|tag| base(tag) == base(language)))
    };
    languages
        .iter()
        .find_map(exact)
        .or_else(|| languages.iter().find_map(related))
        .or_else(|| position(&Option::is_none))
        .or(if locales.is_empty() { None } else { Some(0) })
}

/// `["address", "postal_code"]` → `Postal code`.
pub(crate) fn in_words(path: &ClaimsPath) -> String {
    let name = path.segments().iter().rev().find_map(|segment| match segment {
        lanyard_core::claims::PathSegment::Key(name) => Some(name.replace(['_', '-'], " ")),
        _ => None,
    });
    let name = name.unwrap_or_default();
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

const fn empty() -> CredentialDisplay {
    CredentialDisplay {
        name: String::new(),
        locale: None,
        logo: None,
        description: None,
        background_color: None,
        background_image: None,
        text_color: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(locales: &[Option<&str>], languages: &[&str]) -> Option<usize> {
        let locales: Vec<_> = locales.iter().map(|locale| locale.map(str::to_owned)).collect();
        let languages: Vec<_> = languages.iter().map(|language| (*language).to_owned()).collect();
        best_place(&locales, &languages)
    }

    #[test]
    fn prefers_the_exact_language_then_its_relatives_then_none() {
        let locales = [Some("en-US"), Some("de"), None];
        assert_eq!(place(&locales, &["de"]), Some(1));
        assert_eq!(place(&locales, &["de-AT"]), Some(1));
        assert_eq!(place(&locales, &["fr", "EN-us"]), Some(0));
        assert_eq!(place(&locales, &["fr"]), Some(2));
        assert_eq!(place(&locales[..2], &["fr"]), Some(0));
        assert_eq!(place(&[], &["fr"]), None);
    }

    #[test]
    fn says_a_path_in_words() {
        let path = ClaimsPath::key("address").then_key("postal_code");
        assert_eq!(in_words(&path), "Postal code");
        assert_eq!(in_words(&ClaimsPath::key("nationalities").then_all()), "Nationalities");
    }
}
