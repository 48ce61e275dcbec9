//! What a type says about one of its claims (SD-JWT VC §5.6).

use serde::Serialize;
use serde_json::Value;

use super::{
    Language, MAX_CLAIMS, MAX_LANGUAGES, TypeMetadataError,
    display::one_of,
    document::{objects, optional_text, required_text},
};
use crate::{claims::ClaimsPath, json::Object};

/// Metadata of one claim, or of all that a path selects.
///
/// A member that is none was not stated; what that means depends on what the type extends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClaimMetadata {
    /// Which claims.
    pub path: ClaimsPath,
    /// How they are shown, by language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<Vec<ClaimDisplay>>,
    /// Whether the issuer must put them in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mandatory: Option<bool>,
    /// Whether the holder can withhold them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sd: Option<SelectiveDisclosure>,
    /// Their name in SVG templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub svg_id: Option<SvgId>,
}

/// How a claim is shown in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClaimDisplay {
    /// The language.
    pub locale: Language,
    /// The claim's label for end users.
    pub label: String,
    /// What the claim says, for end users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// Whether a claim is selectively disclosable (§5.6.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SelectiveDisclosure {
    /// It must be.
    Always,
    /// It may be.
    #[default]
    Allowed,
    /// It must not be.
    Never,
}

/// The name of a claim in SVG templates: letters, digits and underscores, no digit first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct SvgId(String);

impl ClaimMetadata {
    pub(super) fn read_all(document: &Object) -> Result<Vec<Self>, TypeMetadataError> {
        let entries = objects(document, "claims", MAX_CLAIMS)?.unwrap_or_default();
        let mut claims = Vec::with_capacity(entries.len());
        for entry in entries {
            let claim = Self::read(entry)?;
            // which of two would be right nobody can tell
            if claims.iter().any(|earlier: &Self| earlier.path == claim.path) {
                return Err(TypeMetadataError::RepeatedPath(claim.path));
            }
            claims.push(claim);
        }
        Ok(claims)
    }

    fn read(entry: &Object) -> Result<Self, TypeMetadataError> {
        let path = entry.get("path").ok_or(TypeMetadataError::Malformed("path"))?;
        let path =
            ClaimsPath::from_value(path).map_err(|_| TypeMetadataError::Malformed("path"))?;
        let mandatory = match entry.get("mandatory") {
            None => None,
            Some(Value::Bool(mandatory)) => Some(*mandatory),
            Some(_) => return Err(TypeMetadataError::Malformed("mandatory")),
        };
        let sd = one_of(
            entry,
            "sd",
            [
                ("always", SelectiveDisclosure::Always),
                ("allowed", SelectiveDisclosure::Allowed),
                ("never", SelectiveDisclosure::Never),
            ],
        )?;
        let svg_id = match optional_text(entry, "svg_id")? {
            None => None,
            Some(text) => Some(SvgId::parse(&text).ok_or(TypeMetadataError::Malformed("svg_id"))?),
        };
        let display = match objects(entry, "display", MAX_LANGUAGES)? {
            None => None,
            Some(entries) => {
                Some(entries.into_iter().map(ClaimDisplay::read).collect::<Result<_, _>>()?)
            }
        };
        Ok(Self { path, display, mandatory, sd, svg_id })
    }

    /// Whether the issuer must put the claim in; false when nothing is stated.
    pub fn is_mandatory(&self) -> bool {
        self.mandatory.unwrap_or_default()
    }

    /// Whether the claim is selectively disclosable; allowed when nothing is stated.
    pub fn selective_disclosure(&self) -> SelectiveDisclosure {
        self.sd.unwrap_or_default()
    }

    /// The display in the language that comes first in the user's list, as `["de-AT", "en"]`.
    pub fn display_in(&self, languages: &[&str]) -> Option<&ClaimDisplay> {
        let display = self.display.as_deref().unwrap_or_default();
        Language::lookup(display, |display| &display.locale, languages)
    }

    /// These members where they are stated, else those of the extended type (§5.6.5).
    pub(super) fn over(self, extended: Self) -> Result<Self, TypeMetadataError> {
        // SD-JWT VC §5.6.5.1: always and never stay what they are
        if let (Some(SelectiveDisclosure::Always | SelectiveDisclosure::Never), Some(own)) =
            (extended.sd, self.sd)
            && extended.sd != Some(own)
        {
            return Err(TypeMetadataError::SelectiveDisclosureChanged(self.path));
        }
        // SD-JWT VC §5.6.5.1: what is mandatory stays mandatory
        if extended.is_mandatory() && self.mandatory == Some(false) {
            return Err(TypeMetadataError::MandatoryDropped(self.path));
        }
        Ok(Self {
            path: self.path,
            // SD-JWT VC §5.6.5: contents are never merged
            display: self.display.or(extended.display),
            mandatory: self.mandatory.or(extended.mandatory),
            sd: self.sd.or(extended.sd),
            svg_id: self.svg_id.or(extended.svg_id),
        })
    }
}

impl ClaimDisplay {
    fn read(entry: &Object) -> Result<Self, TypeMetadataError> {
        Ok(Self {
            // SD-JWT VC §5.6.2: locale and label are required
            locale: Language::parse(&required_text(entry, "locale")?)?,
            label: required_text(entry, "label")?,
            description: optional_text(entry, "description")?,
        })
    }
}

impl SvgId {
    /// Reads a name; none when it is malformed (§5.6).
    pub fn parse(text: &str) -> Option<Self> {
        let word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let digit_first = text.starts_with(|first: char| first.is_ascii_digit());
        (word && !digit_first && (1..=128).contains(&text.len())).then(|| Self(text.to_owned()))
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
