//! How a type is shown to people (SD-JWT VC §5.5).

use std::fmt;

use serde::Serialize;
use serde_json::Value;
use url::Url;

use super::{
    Integrity, MAX_LANGUAGES, TypeMetadataError,
    document::{integrity, objects, optional_text, required_text},
};
use crate::json::Object;

/// A language tag, as `de-AT` (RFC 5646 §2).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Language(String);

/// How the type is shown in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TypeDisplay {
    /// The language.
    pub locale: Language,
    /// The type's name for end users.
    pub name: String,
    /// What the type is, for end users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How a credential is drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rendering: Option<Rendering>,
}

/// How a credential is drawn (§5.5.1); methods that are not understood are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rendering {
    /// By colours and images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simple: Option<SimpleRendering>,
    /// By a template.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub svg_templates: Vec<SvgTemplate>,
}

/// The rendering method `simple` (§5.5.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SimpleRendering {
    /// The logo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo: Option<Image>,
    /// The picture behind everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_image: Option<Image>,
    /// The colour behind everything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background_color: Option<Color>,
    /// The colour of text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_color: Option<Color>,
}

/// An image that is referred to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Image {
    /// Where it is.
    pub uri: ResourceUri,
    /// Its digest.
    #[serde(rename = "uri#integrity", skip_serializing_if = "Option::is_none")]
    pub integrity: Option<Integrity>,
    /// What is said in its place; a logo has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alt_text: Option<String>,
}

/// An SVG template that is referred to (§5.5.1.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SvgTemplate {
    /// Where it is.
    pub uri: ResourceUri,
    /// Its digest.
    #[serde(rename = "uri#integrity", skip_serializing_if = "Option::is_none")]
    pub integrity: Option<Integrity>,
    /// What it is good for; there when there is more than one template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub properties: Option<TemplateProperties>,
}

/// What an SVG template is good for (§5.5.1.2.1); at least one is stated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TemplateProperties {
    /// For a screen that stands or lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation: Option<Orientation>,
    /// For light or dark surroundings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub color_scheme: Option<ColorScheme>,
    /// For users who need more contrast.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrast: Option<Contrast>,
}

/// For a screen that stands or lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Orientation {
    /// Higher than wide.
    Portrait,
    /// Wider than high.
    Landscape,
}

/// For light or dark surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ColorScheme {
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// How much contrast there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Contrast {
    /// As usual.
    Normal,
    /// More than usual.
    High,
}

/// An RGB colour as `#rgb`, `#rrggbb`, or either with an alpha channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Color(String);

/// Where a rendering resource is: an https URL, or the resource itself as a `data:` URI (§5.5.1).
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ResourceUri(String);

impl Language {
    /// Reads a language tag.
    ///
    /// # Errors
    /// [`TypeMetadataError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, TypeMetadataError> {
        let subtag = |subtag: &str| {
            (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        // RFC 5646 §2.1: subtags of one to eight letters and digits, joined by hyphens
        let first = text.split('-').next().unwrap_or_default();
        let letters = first.bytes().all(|byte| byte.is_ascii_alphabetic());
        if text.len() > 64 || !letters || !text.split('-').all(subtag) {
            return Err(TypeMetadataError::Malformed("locale"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The tag's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Of several things, the one in the language that comes first in the user's list; else the first.
    ///
    /// RFC 4647 §3.4: a wanted tag is shortened from its end until something fits.
    pub(super) fn lookup<'t, T>(
        things: &'t [T],
        language: impl Fn(&T) -> &Self,
        wanted: &[&str],
    ) -> Option<&'t T> {
        for tag in wanted {
            let mut tag = *tag;
            loop {
                let fits = |thing: &&T| language(thing).0.eq_ignore_ascii_case(tag);
                if let Some(thing) = things.iter().find(fits) {
                    return Some(thing);
                }
                match tag.rsplit_once('-') {
                    Some((shorter, _)) => tag = shorter,
                    None => break,
                }
            }
            let within = |thing: &&T| {
                let primary = language(thing).0.split('-').next().unwrap_or_default();
                primary.eq_ignore_ascii_case(tag)
            };
            // a language in another country's edition is nearer than another language
            if let Some(thing) = things.iter().find(within) {
                return Some(thing);
            }
        }
        things.first()
    }
}

impl TypeDisplay {
    pub(super) fn read_all(document: &Object) -> Result<Option<Vec<Self>>, TypeMetadataError> {
        let Some(entries) = objects(document, "display", MAX_LANGUAGES)? else { return Ok(None) };
        entries.into_iter().map(Self::read).collect::<Result<_, _>>().map(Some)
    }

    fn read(entry: &Object) -> Result<Self, TypeMetadataError> {
        Ok(Self {
            // SD-JWT VC §5.5: locale and name are required
            locale: Language::parse(&required_text(entry, "locale")?)?,
            name: required_text(entry, "name")?,
            description: optional_text(entry, "description")?,
            rendering: Rendering::read(entry)?,
        })
    }
}

impl Rendering {
    fn read(entry: &Object) -> Result<Option<Self>, TypeMetadataError> {
        let Some(rendering) = object(entry, "rendering")? else { return Ok(None) };
        let simple = object(rendering, "simple")?.map(SimpleRendering::read).transpose()?;
        let templates = objects(rendering, "svg_templates", MAX_LANGUAGES)?.unwrap_or_default();
        let templates = templates.into_iter().map(SvgTemplate::read);
        let svg_templates = templates.collect::<Result<Vec<_>, _>>()?;
        // SD-JWT VC §5.5.1.2: to choose among several, each says what it is good for
        if svg_templates.len() > 1 && svg_templates.iter().any(|one| one.properties.is_none()) {
            return Err(TypeMetadataError::Malformed("properties"));
        }
        Ok(Some(Self { simple, svg_templates }))
    }
}

impl SimpleRendering {
    fn read(simple: &Object) -> Result<Self, TypeMetadataError> {
        let image = |name| object(simple, name)?.map(Image::read).transpose();
        let color = |name| {
            let Some(text) = optional_text(simple, name)? else { return Ok(None) };
            Color::parse(&text).map(Some).ok_or(TypeMetadataError::Malformed(name))
        };
        Ok(Self {
            logo: image("logo")?,
            background_image: image("background_image")?,
            background_color: color("background_color")?,
            text_color: color("text_color")?,
        })
    }
}

impl Image {
    fn read(image: &Object) -> Result<Self, TypeMetadataError> {
        Ok(Self {
            uri: ResourceUri::read(image)?,
            integrity: integrity(image, "uri#integrity")?,
            alt_text: optional_text(image, "alt_text")?,
        })
    }
}

impl SvgTemplate {
    fn read(template: &Object) -> Result<Self, TypeMetadataError> {
        let properties = object(template, "properties")?;
        Ok(Self {
            uri: ResourceUri::read(template)?,
            integrity: integrity(template, "uri#integrity")?,
            properties: properties.map(TemplateProperties::read).transpose()?,
        })
    }
}

impl TemplateProperties {
    fn read(properties: &Object) -> Result<Self, TypeMetadataError> {
        let read = Self {
            orientation: one_of(
                properties,
                "orientation",
                [("portrait", Orientation::Portrait), ("landscape", Orientation::Landscape)],
            )?,
            color_scheme: one_of(
                properties,
                "color_scheme",
                [("light", ColorScheme::Light), ("dark", ColorScheme::Dark)],
            )?,
            contrast: one_of(
                properties,
                "contrast",
                [("normal", Contrast::Normal), ("high", Contrast::High)],
            )?,
        };
        // SD-JWT VC §5.5.1.2.1: at least one of them
        if read.orientation.is_none() && read.color_scheme.is_none() && read.contrast.is_none() {
            return Err(TypeMetadataError::Malformed("properties"));
        }
        Ok(read)
    }
}

/// One of the values that are defined for a member.
pub(super) fn one_of<T: Copy, const N: usize>(
    object: &Object,
    name: &'static str,
    defined: [(&str, T); N],
) -> Result<Option<T>, TypeMetadataError> {
    let Some(text) = optional_text(object, name)? else { return Ok(None) };
    let found = defined.into_iter().find(|(known, _)| *known == text);
    found.map(|(_, value)| Some(value)).ok_or(TypeMetadataError::Malformed(name))
}

fn object<'o>(
    parent: &'o Object,
    name: &'static str,
) -> Result<Option<&'o Object>, TypeMetadataError> {
    match parent.get(name) {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(TypeMetadataError::Malformed(name)),
    }
}

impl Color {
    /// Reads a colour; none for anything but hexadecimal digits after a `#`.
    ///
    /// Names and functions of CSS are colours too, but what ends up in a style sheet is better dull.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#')?;
        let hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        (hex && matches!(digits.len(), 3 | 4 | 6 | 8)).then(|| Self(text.to_owned()))
    }

    /// The colour's text, safe to put into a style sheet.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ResourceUri {
    fn read(parent: &Object) -> Result<Self, TypeMetadataError> {
        let text = required_text(parent, "uri")?;
        let odd = |character: char| character.is_whitespace() || character.is_control();
        let url = Url::parse(&text).map_err(|_| TypeMetadataError::Malformed("uri"))?;
        // SD-JWT VC §5.5.1: https URLs or data: URIs, nothing else
        if text.contains(odd) || !matches!(url.scheme(), "https" | "data") {
            return Err(TypeMetadataError::Malformed("uri"));
        }
        Ok(Self(text))
    }

    /// The URI's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL to fetch from; none when the resource is in the URI itself.
    pub fn url(&self) -> Option<Url> {
        Url::parse(&self.0).ok().filter(|url| url.scheme() == "https")
    }
}

impl fmt::Debug for ResourceUri {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = self.0.split(':').next().unwrap_or_default();
        write!(out, "ResourceUri({scheme}:, {} bytes)", self.0.len())
    }
}
