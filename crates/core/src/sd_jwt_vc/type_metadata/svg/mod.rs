//! SVG templates: what is harmless in them, filled with claims (SD-JWT VC §5.5.1.2.2).
//!
//! A template comes from whoever publishes the type, and is drawn where credentials are shown. So it is
//! not searched for what could hurt: it is read by a small strict parser, and written again from a list
//! of what is known to be harmless. There are no scripts, no style sheets, no animations, no links and
//! nothing that is fetched in what comes out, and a claim is never anything but text in it.

mod allowed;
mod xml;

use std::{collections::HashMap, fmt};

use serde_json::Value;
use thiserror::Error;

use self::xml::{Element, Node};
use super::EffectiveTypeMetadata;
use crate::claims::DisclosedClaims;

/// The longest template that is read.
pub(super) const MAX_TEMPLATE: usize = 512 * 1024;

/// How many characters of one claim are shown.
const MAX_TEXT: usize = 500;

/// The longest picture that is written: placeholders may repeat, what they make does not grow without end.
const MAX_PICTURE: usize = 2 * MAX_TEMPLATE;

/// A template of which only what is harmless is left.
#[derive(Clone, PartialEq, Eq)]
pub struct CleanSvg {
    root: Element,
}

/// Why a template is not used.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SvgError {
    /// The template is longer than any that is read.
    #[error("the SVG template is too long")]
    TooLong,
    /// The template is not UTF-8, or not well-formed XML of the kind that is read.
    #[error("the SVG template is not well-formed: {0}")]
    Malformed(&'static str),
    /// The template declares a document type: entities are how XML is made to explode or to read files.
    #[error("the SVG template has a document type declaration")]
    DocumentType,
    /// The template has more elements or attributes than are read, or is nested too deep.
    #[error("the SVG template has too much in it")]
    TooMuch,
    /// The root is not an `svg` element of SVG.
    #[error("the root of the SVG template is not an svg element")]
    NotSvg,
    /// A placeholder stands somewhere else than in text.
    #[error("the SVG template has a placeholder outside text")]
    MisplacedPlaceholder,
    /// A placeholder is for no claim that the type describes.
    #[error("the SVG template has a placeholder that the type does not describe")]
    UnknownPlaceholder,
    /// The filled template would be longer than any that is written.
    #[error("the filled SVG template is too long")]
    PictureTooLong,
}

impl SvgError {
    /// The stable reason code, for operators.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooLong => "svg_too_long",
            Self::Malformed(_) => "svg_malformed",
            Self::DocumentType => "svg_document_type",
            Self::TooMuch => "svg_too_much",
            Self::NotSvg => "svg_not_svg",
            Self::MisplacedPlaceholder => "svg_placeholder_misplaced",
            Self::UnknownPlaceholder => "svg_placeholder_unknown",
            Self::PictureTooLong => "svg_picture_too_long",
        }
    }
}

impl CleanSvg {
    /// Reads a template as it was received, once its `uri#integrity` was checked, and keeps what is
    /// harmless.
    ///
    /// # Errors
    /// One [`SvgError`] per rule.
    ///
    /// ```
    /// use lanyard_core::sd_jwt_vc::type_metadata::CleanSvg;
    ///
    /// let received = r#"<svg xmlns="http://www.w3.org/2000/svg" onload="steal()">
    ///   <script>steal()</script><rect width="9" height="9" fill="red"/></svg>"#;
    /// let clean = CleanSvg::read(received.as_bytes()).unwrap();
    /// assert!(!clean.to_string().contains("steal"));
    /// assert!(clean.to_string().contains(r#"<rect width="9" height="9" fill="red"/>"#));
    /// ```
    pub fn read(received: &[u8]) -> Result<Self, SvgError> {
        if received.len() > MAX_TEMPLATE {
            return Err(SvgError::TooLong);
        }
        let text = std::str::from_utf8(received).map_err(|_| SvgError::Malformed("encoding"))?;
        let root = xml::parse(text)?;
        if root.name != "svg" || root.attribute("xmlns") != Some(allowed::NAMESPACE) {
            return Err(SvgError::NotSvg);
        }
        let root = allowed::clean(root, false)?.ok_or(SvgError::NotSvg)?;
        Ok(Self { root })
    }

    /// The picture of a credential: the claims that have an `svg_id` in place of its placeholders.
    ///
    /// A claim that was not disclosed leaves its place empty.
    ///
    /// # Errors
    /// [`SvgError::UnknownPlaceholder`] and [`SvgError::PictureTooLong`].
    pub fn fill(
        &self,
        metadata: &EffectiveTypeMetadata,
        claims: &DisclosedClaims,
    ) -> Result<String, SvgError> {
        let named = metadata.claims().iter();
        let named = named.filter_map(|claim| Some((claim.svg_id.as_ref()?.as_str(), &claim.path)));
        // SD-JWT VC §5.5.1.2.2: a claim that is not there leaves nothing
        let text = |path| claims.select(path).map(|values| text_of(&values)).unwrap_or_default();
        let values = named.map(|(id, path)| (id, text(path))).collect();
        let mut root = self.root.clone();
        let mut left = MAX_PICTURE;
        fill(&mut root, &values, &mut left)?;
        Ok(root.to_string())
    }
}

fn fill(
    element: &mut Element,
    values: &HashMap<&str, String>,
    left: &mut usize,
) -> Result<(), SvgError> {
    for child in &mut element.children {
        match child {
            Node::Element(inner) => fill(inner, values, left)?,
            Node::Text(text) => {
                let mut filled = String::with_capacity(text.len());
                let mut rest = text.as_str();
                while let Some((before, placeholder)) = rest.split_once("{{") {
                    filled.push_str(before);
                    let (id, after) =
                        placeholder.split_once("}}").ok_or(SvgError::UnknownPlaceholder)?;
                    // SD-JWT VC §5.5.1.2.2: a placeholder without a claim in the metadata is not rendered
                    let value = values.get(id).ok_or(SvgError::UnknownPlaceholder)?;
                    *left = left.checked_sub(value.len()).ok_or(SvgError::PictureTooLong)?;
                    filled.push_str(value);
                    rest = after;
                }
                filled.push_str(rest);
                *text = filled;
            }
        }
    }
    Ok(())
}

/// What people read of the selected claims; objects and nulls say nothing.
fn text_of(values: &[&Value]) -> String {
    let mut text = String::new();
    let mut characters = 0;
    let mut pending: Vec<&Value> = values.iter().rev().copied().collect();
    while let Some(value) = pending.pop() {
        let one = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Array(elements) => {
                pending.extend(elements.iter().rev());
                continue;
            }
            Value::Null | Value::Object(_) => continue,
        };
        if !text.is_empty() {
            text.push_str(", ");
        }
        for character in one.chars().filter(|character| is_harmless(*character)) {
            // SD-JWT VC §7.5: a display cannot be distorted by overly long text
            if characters == MAX_TEXT {
                text.push('…');
                return text;
            }
            characters += 1;
            text.push(character);
        }
    }
    text
}

/// Not what moves the cursor or turns the text around, nor what XML cannot hold.
fn is_harmless(character: char) -> bool {
    !character.is_control()
        && !matches!(
            character,
            '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
                | '\u{fffe}' | '\u{ffff}'
        )
}

impl fmt::Display for CleanSvg {
    /// The template itself, placeholders and all.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.fmt(out)
    }
}

impl fmt::Debug for CleanSvg {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("CleanSvg")
    }
}
