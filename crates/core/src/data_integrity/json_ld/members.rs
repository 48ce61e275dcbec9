//! The members of an object, by what they stand for (JSON-LD 1.1 Processing §5.1.2 (13)).

use std::sync::Arc;

use serde_json::Value;

use super::{
    JsonLdError,
    context::{ActiveContext, Expanded},
    term::TermDefinition,
};
use crate::json::Object;

/// A member that is no keyword.
pub(super) struct Property<'d> {
    pub(super) iri: Arc<str>,
    pub(super) definition: Option<Arc<TermDefinition>>,
    pub(super) value: &'d Value,
}

/// The members of an object, by what they stand for.
#[derive(Default)]
pub(super) struct Members<'d> {
    pub(super) id: Option<&'d Value>,
    pub(super) types: Option<&'d Value>,
    pub(super) value: Option<&'d Value>,
    pub(super) language: Option<&'d Value>,
    pub(super) direction: Option<&'d Value>,
    pub(super) list: Option<&'d Value>,
    pub(super) properties: Vec<Property<'d>>,
}

impl<'d> Members<'d> {
    /// JSON-LD 1.1 Processing §5.1.2 (13): no member is passed over.
    pub(super) fn sort(active: &ActiveContext, element: &'d Object) -> Result<Self, JsonLdError> {
        let mut members = Self::default();
        for (name, value) in element.iter().filter(|(name, _)| *name != "@context") {
            let slot = match active.expand_vocab(name)? {
                Expanded::Keyword(keyword) => match keyword {
                    "@id" => (&mut members.id, keyword),
                    "@type" => (&mut members.types, keyword),
                    "@value" => (&mut members.value, keyword),
                    "@language" => (&mut members.language, keyword),
                    "@direction" => (&mut members.direction, keyword),
                    "@list" => (&mut members.list, keyword),
                    other => return Err(JsonLdError::Unsupported(other)),
                },
                Expanded::Iri(iri) if !iri.starts_with("_:") => {
                    let definition = active.term(name).cloned();
                    members.properties.push(Property { iri, definition, value });
                    continue;
                }
                _ => {
                    let shown = name.chars().filter(|shown| !shown.is_control()).take(64);
                    return Err(JsonLdError::UndefinedTerm(shown.collect()));
                }
            };
            if slot.0.replace(value).is_some() {
                return Err(JsonLdError::CollidingKeywords(slot.1));
            }
        }
        Ok(members)
    }

    /// Each member goes by the name of a term; keywords only say how a value is to be read.
    pub(super) fn check_names(&self, element: &Object) -> Result<(), JsonLdError> {
        let is_value = !self.is_node();
        for name in element.keys().filter(|name| *name != "@context") {
            if name.contains(':') || name.starts_with('@') && !is_value {
                return Err(JsonLdError::NotATerm);
            }
        }
        Ok(())
    }

    pub(super) fn says_something(&self) -> bool {
        self.types.is_some() || !self.properties.is_empty()
    }

    pub(super) const fn is_node(&self) -> bool {
        self.value.is_none()
            && self.list.is_none()
            && self.language.is_none()
            && self.direction.is_none()
    }
}
