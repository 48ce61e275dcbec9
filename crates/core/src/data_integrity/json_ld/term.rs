//! What a context says about one term (JSON-LD 1.1 Processing §4.2).

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use super::{
    JsonLdError,
    context::{ActiveContext, Expanded, LocalContext},
    is_keyword_like, keyword,
};
use crate::json::Object;

/// How long a chain of terms may be, each defined by the next.
const MAX_DEPTH: usize = 32;

/// A term, as a context defines it.
#[derive(Clone, Debug)]
pub(super) struct TermDefinition {
    pub(super) mapping: Expanded,
    /// Whether it may stand before the colon of a compact IRI.
    pub(super) is_prefix: bool,
    pub(super) is_protected: bool,
    pub(super) kind: Kind,
    /// The language of its strings: not said, none, or this one.
    pub(super) language: Option<Option<Arc<str>>>,
    pub(super) container: Container,
    /// The context that holds below it, or below nodes of this type.
    pub(super) context: Option<Arc<LocalContext>>,
}

/// What the strings under a term are (`@type` of a term).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Plain,
    /// `@id`: an IRI.
    Id,
    /// `@vocab`: a term or an IRI.
    Vocab,
    /// `@json`: any JSON, kept as it is.
    Json,
    /// A datatype.
    Datatype(Arc<str>),
}

/// How the values under a term belong together (`@container`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    /// Without order; `@set` says the same.
    Set,
    /// In this order.
    List,
    /// Each in a graph of its own.
    Graph,
    /// By their languages.
    Language,
}

impl TermDefinition {
    /// Whether two definitions say the same, protection apart (§4.2.2 (28)).
    fn says_the_same(&self, other: &Self) -> bool {
        self.mapping == other.mapping
            && self.is_prefix == other.is_prefix
            && self.kind == other.kind
            && self.language == other.language
            && self.container == other.container
            && self.context == other.context
    }
}

/// Adds the terms of one local context to an active context.
pub(super) struct Definer<'d> {
    active: &'d mut ActiveContext,
    local: &'d Object,
    /// The terms that are done, and those that are being defined.
    defined: HashMap<&'d str, bool>,
    /// How many of them wait for the one that is being defined.
    depth: usize,
    is_protected: bool,
    overrides: bool,
    is_bundled: bool,
}

impl<'d> Definer<'d> {
    pub(super) fn new(
        active: &'d mut ActiveContext,
        local: &'d Object,
        is_protected: bool,
        overrides: bool,
        is_bundled: bool,
    ) -> Self {
        Self {
            active,
            local,
            defined: HashMap::new(),
            depth: 0,
            is_protected,
            overrides,
            is_bundled,
        }
    }

    /// Defines one term, and those that it is defined by.
    pub(super) fn define(&mut self, term: &str) -> Result<(), JsonLdError> {
        let Some((term, value)) = self.local.get_key_value(term) else {
            return Ok(());
        };
        match self.defined.get(term.as_str()) {
            Some(true) => return Ok(()),
            Some(false) => return Err(JsonLdError::CyclicTerms),
            None => {}
        }
        if term.is_empty() {
            return Err(JsonLdError::TermDefinition("term"));
        }
        // (4), (5): a keyword is not given another meaning; `@type` may only be said to be a set
        if keyword(term).is_some() {
            return type_as_set(term, value);
        }
        if is_keyword_like(term) {
            return Err(JsonLdError::KeywordLike);
        }
        if self.depth == MAX_DEPTH {
            return Err(JsonLdError::ContextTooLarge);
        }
        self.depth += 1;
        self.defined.insert(term, false);
        let definition = match value {
            Value::Null => self.nothing(),
            Value::String(id) => self.simple(term, id)?,
            Value::Object(members) => self.expanded(term, members)?,
            _ => return Err(JsonLdError::TermDefinition("term")),
        };
        self.add(term, definition)?;
        self.defined.insert(term, true);
        self.depth -= 1;
        Ok(())
    }

    /// (27), (28): a protected term may be said again, but not be changed.
    fn add(&mut self, term: &str, mut definition: TermDefinition) -> Result<(), JsonLdError> {
        if let Some(previous) = self.active.term(term)
            && previous.is_protected
            && !self.overrides
        {
            if !previous.says_the_same(&definition) {
                return Err(JsonLdError::ProtectedTerm);
            }
            definition.is_protected = true;
        }
        self.active.terms.insert(term.into(), Arc::new(definition));
        Ok(())
    }

    fn blank(&self, mapping: Expanded) -> TermDefinition {
        TermDefinition {
            mapping,
            is_prefix: false,
            is_protected: self.is_protected,
            kind: Kind::Plain,
            language: None,
            container: Container::Set,
            context: None,
        }
    }

    fn nothing(&self) -> TermDefinition {
        self.blank(Expanded::Nothing)
    }

    fn simple(&mut self, term: &str, id: &str) -> Result<TermDefinition, JsonLdError> {
        let mapping = self.mapping(term, Some(id))?;
        let mut definition = self.blank(mapping);
        // (14.2.5): a simple term that ends like a namespace may be a prefix
        definition.is_prefix = match &definition.mapping {
            Expanded::Iri(iri) => {
                !term.contains([':', '/']) && iri.ends_with([':', '/', '?', '#', '[', ']', '@'])
            }
            _ => false,
        };
        Ok(definition)
    }

    fn expanded(&mut self, term: &str, members: &Object) -> Result<TermDefinition, JsonLdError> {
        for name in members.keys() {
            match name.as_str() {
                "@id" | "@type" | "@container" | "@context" | "@language" | "@prefix"
                | "@protected" => {}
                "@reverse" => return Err(JsonLdError::Unsupported("@reverse")),
                "@nest" => return Err(JsonLdError::Unsupported("@nest")),
                "@index" => return Err(JsonLdError::Unsupported("@index")),
                "@direction" => return Err(JsonLdError::Unsupported("@direction")),
                _ => return Err(JsonLdError::TermDefinition("term")),
            }
        }
        let mapping = match members.get("@id") {
            None => self.mapping(term, None)?,
            Some(Value::Null) => Expanded::Nothing,
            Some(Value::String(id)) if id == term => self.mapping(term, None)?,
            Some(Value::String(id)) => self.mapping(term, Some(id))?,
            Some(_) => return Err(JsonLdError::TermDefinition("@id")),
        };
        let mut definition = self.blank(mapping);
        match members.get("@protected") {
            None => {}
            Some(Value::Bool(flag)) => definition.is_protected = *flag,
            Some(_) => return Err(JsonLdError::TermDefinition("@protected")),
        }
        match members.get("@prefix") {
            None => {}
            Some(Value::Bool(flag)) if !term.contains([':', '/']) => definition.is_prefix = *flag,
            Some(_) => return Err(JsonLdError::TermDefinition("@prefix")),
        }
        definition.kind = match members.get("@type") {
            None => Kind::Plain,
            Some(Value::String(kind)) => self.kind(kind)?,
            Some(_) => return Err(JsonLdError::TermDefinition("@type")),
        };
        definition.language = match members.get("@language") {
            None => None,
            Some(Value::Null) => Some(None),
            Some(Value::String(tag)) => Some(Some(tag.to_ascii_lowercase().into())),
            Some(_) => return Err(JsonLdError::TermDefinition("@language")),
        };
        definition.container = container(members.get("@container"))?;
        if let Some(context) = members.get("@context") {
            definition.context = Some(Arc::new(LocalContext::read(context, self.is_bundled)?));
        }
        Ok(definition)
    }

    /// (13): the `@type` of a term.
    fn kind(&mut self, kind: &str) -> Result<Kind, JsonLdError> {
        match self.expand(kind)? {
            Expanded::Keyword("@id") => Ok(Kind::Id),
            Expanded::Keyword("@vocab") => Ok(Kind::Vocab),
            Expanded::Keyword("@json") => Ok(Kind::Json),
            Expanded::Keyword("@none") => Ok(Kind::Plain),
            Expanded::Iri(iri) if !iri.starts_with("_:") => Ok(Kind::Datatype(iri)),
            _ => Err(JsonLdError::TermDefinition("@type")),
        }
    }

    /// (14) to (18): what a term stands for, by its `@id` or by itself.
    fn mapping(&mut self, term: &str, id: Option<&str>) -> Result<Expanded, JsonLdError> {
        let malformed = JsonLdError::TermDefinition("@id");
        let mapping = match id {
            Some(id) => self.expand(id)?,
            // (15) to (17): a compact or absolute IRI says itself what it stands for, else the vocabulary does
            None => {
                self.define_prefix(term)?;
                match self.active.expand_iri(term)? {
                    Expanded::Relative => match &self.active.vocab {
                        Some(vocab) => Expanded::Iri(format!("{vocab}{term}").into()),
                        None => Expanded::Relative,
                    },
                    absolute => absolute,
                }
            }
        };
        match &mapping {
            Expanded::Relative | Expanded::Keyword("@context") => return Err(malformed),
            // a blank node is no predicate of RDF, and no type that anybody else could name
            Expanded::Iri(iri) if iri.starts_with("_:") => return Err(malformed),
            _ => {}
        }
        // (14.2.4): a term in the form of an IRI stands for that IRI
        if id.is_some() && term.contains([':', '/']) {
            self.define_prefix(term)?;
            if self.active.expand_iri(term)? != mapping {
                return Err(malformed);
            }
        }
        Ok(mapping)
    }

    /// Expands by the vocabulary, defining first what this context says itself.
    fn expand(&mut self, text: &str) -> Result<Expanded, JsonLdError> {
        if keyword(text).is_none() && self.local.contains_key(text) {
            self.define(text)?;
        }
        self.define_prefix(text)?;
        self.active.expand_vocab(text)
    }

    fn define_prefix(&mut self, text: &str) -> Result<(), JsonLdError> {
        match text.split_once(':') {
            Some((prefix, suffix)) if !suffix.starts_with("//") && keyword(prefix).is_none() => {
                self.define(prefix)
            }
            _ => Ok(()),
        }
    }
}

/// (4): `@type` may be said to be a set, which changes nothing in RDF.
fn type_as_set(term: &str, value: &Value) -> Result<(), JsonLdError> {
    let says_so = |members: &Object| {
        !members.is_empty()
            && members.iter().all(|(name, value)| match name.as_str() {
                "@container" => value == "@set",
                "@protected" => value.is_boolean(),
                _ => false,
            })
    };
    match value {
        Value::Object(members) if term == "@type" && says_so(members) => Ok(()),
        _ => Err(JsonLdError::TermDefinition("keyword")),
    }
}

/// (19)
fn container(value: Option<&Value>) -> Result<Container, JsonLdError> {
    let malformed = JsonLdError::TermDefinition("@container");
    let names = match value {
        None | Some(Value::Null) => return Ok(Container::Set),
        Some(Value::Array(names)) => names.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    let mut container = Container::Set;
    for name in names {
        let next = match name.as_str() {
            Some("@set") => continue,
            Some("@list") if names.len() == 1 => Container::List,
            Some("@graph") => Container::Graph,
            Some("@language") => Container::Language,
            Some("@index") => return Err(JsonLdError::Unsupported("@index")),
            Some("@id" | "@type") => return Err(JsonLdError::Unsupported("@container")),
            _ => return Err(malformed),
        };
        if container != Container::Set {
            return Err(malformed);
        }
        container = next;
    }
    Ok(container)
}
