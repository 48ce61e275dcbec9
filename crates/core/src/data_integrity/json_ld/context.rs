//! Active contexts and how a local context changes them (JSON-LD 1.1 Processing §4.1).

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use serde_json::Value;

use super::{
    Contexts, JsonLdError,
    contexts::Step,
    is_keyword_like, keyword,
    term::{Definer, TermDefinition},
};
use crate::json::Object;

/// The most that the contexts of one document may say or carry on: members of contexts, and an eighth for
/// each term that is there already. What is kept counts as much as what is worked through anew, so that a
/// document is refused whatever came before it.
const MAX_WORK: usize = 20_000;

/// The most contexts that are named in one place; credentials name two or three.
pub(super) const MAX_ENTRIES: usize = 16;

/// How deep contexts may name each other.
const MAX_DEPTH: usize = 8;

/// What terms mean at a place in a document.
#[derive(Clone, Default)]
pub(super) struct ActiveContext {
    id: u64,
    /// Whether it is made of bundled contexts alone, so that it is worth keeping.
    is_bundled: bool,
    pub(super) terms: HashMap<Arc<str>, Arc<TermDefinition>>,
    pub(super) vocab: Option<Arc<str>>,
    pub(super) language: Option<Arc<str>>,
    /// What it goes back to in the nodes below, when it came by a type.
    pub(super) previous: Option<Arc<ActiveContext>>,
}

/// A context as somebody wrote it.
#[derive(Debug)]
pub(super) enum LocalContext {
    Null,
    Url(String),
    Map { id: u64, is_bundled: bool, size: usize, members: Object },
    List(Vec<LocalContext>),
}

/// What an IRI, a term or a compact IRI stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expanded {
    Keyword(&'static str),
    /// An absolute IRI, or a blank node identifier.
    Iri(Arc<str>),
    /// A term that is explicitly nothing.
    Nothing,
    /// No term, and not absolute.
    Relative,
}

fn next_id() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::Relaxed) + 1
}

impl LocalContext {
    pub(super) fn read(value: &Value, is_bundled: bool) -> Result<Self, JsonLdError> {
        match value {
            Value::Null => Ok(Self::Null),
            Value::String(url) => Ok(Self::Url(url.clone())),
            Value::Object(members) => Ok(Self::Map {
                id: next_id(),
                is_bundled,
                size: size_of(members),
                members: members.clone(),
            }),
            Value::Array(entries) => {
                let one = |entry: &Value| match entry {
                    Value::Array(_) => Err(JsonLdError::Context("@context")),
                    entry => Self::read(entry, is_bundled),
                };
                Ok(Self::List(entries.iter().map(one).collect::<Result<_, _>>()?))
            }
            _ => Err(JsonLdError::Context("@context")),
        }
    }
}

/// How many members there are, with those of the contexts within.
fn size_of(members: &Object) -> usize {
    let within = members.values().flat_map(|value| match value {
        Value::Array(entries) => entries.as_slice(),
        one => std::slice::from_ref(one),
    });
    members.len() + within.filter_map(Value::as_object).map(size_of).sum::<usize>()
}

impl LocalContext {
    /// Whether it says itself what terms mean, instead of naming a known document.
    pub(super) fn is_inline(&self) -> bool {
        match self {
            Self::Map { .. } => true,
            Self::List(entries) => entries.iter().any(Self::is_inline),
            Self::Null | Self::Url(_) => false,
        }
    }
}

impl PartialEq for LocalContext {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Url(one), Self::Url(other)) => one == other,
            (Self::Map { members: one, .. }, Self::Map { members: other, .. }) => one == other,
            (Self::List(one), Self::List(other)) => one == other,
            _ => false,
        }
    }
}

impl ActiveContext {
    /// Before any context: no term means anything.
    pub(super) fn initial() -> Arc<Self> {
        Arc::new(Self { is_bundled: true, ..Self::default() })
    }

    pub(super) fn term(&self, term: &str) -> Option<&Arc<TermDefinition>> {
        self.terms.get(term)
    }

    /// Expands a term or an IRI by the vocabulary: members, types (JSON-LD 1.1 Processing §5.2).
    pub(super) fn expand_vocab(&self, text: &str) -> Result<Expanded, JsonLdError> {
        if let Some(keyword) = keyword(text) {
            return Ok(Expanded::Keyword(keyword));
        }
        if let Some(definition) = self.term(text) {
            return Ok(definition.mapping.clone());
        }
        match self.expand_iri(text)? {
            Expanded::Relative => match &self.vocab {
                Some(vocab) => Ok(Expanded::Iri(format!("{vocab}{text}").into())),
                None => Ok(Expanded::Relative),
            },
            absolute => Ok(absolute),
        }
    }

    /// Expands an IRI or a compact IRI; there is no base for relative ones.
    pub(super) fn expand_iri(&self, text: &str) -> Result<Expanded, JsonLdError> {
        if is_keyword_like(text) {
            return Err(JsonLdError::KeywordLike);
        }
        // §5.2 (6): a colon after the first character makes it absolute or compact
        let Some((prefix, suffix)) = text.split_once(':').filter(|(prefix, _)| !prefix.is_empty())
        else {
            return Ok(Expanded::Relative);
        };
        if prefix == "_" || suffix.starts_with("//") {
            return Ok(Expanded::Iri(text.into()));
        }
        match self.term(prefix).map(|term| &**term) {
            Some(TermDefinition { mapping: Expanded::Iri(iri), is_prefix: true, .. }) => {
                Ok(Expanded::Iri(format!("{iri}{suffix}").into()))
            }
            _ => Ok(Expanded::Iri(text.into())),
        }
    }
}

/// Works contexts into each other, for one document.
pub(super) struct Processor<'c> {
    contexts: &'c Contexts,
    /// What came of the contexts of this document.
    own: HashMap<Step, Arc<ActiveContext>>,
    work: usize,
}

impl<'c> Processor<'c> {
    pub(super) fn new(contexts: &'c Contexts) -> Self {
        Self { contexts, own: HashMap::new(), work: 0 }
    }

    /// Whether a document that is read by names may say itself what terms mean.
    pub(super) const fn allows_inline(&self) -> bool {
        self.contexts.allows_inline()
    }

    /// Changes an active context by a local one.
    ///
    /// A context that came by a type does not propagate to the nodes below; one that came by a property
    /// may override protected terms (JSON-LD 1.1 §4.1.8, §4.1.11).
    pub(super) fn enter(
        &mut self,
        active: &Arc<ActiveContext>,
        local: &LocalContext,
        propagates: bool,
        overrides: bool,
    ) -> Result<Arc<ActiveContext>, JsonLdError> {
        self.enter_within(active, local, propagates, overrides, MAX_DEPTH)
    }

    fn enter_within(
        &mut self,
        active: &Arc<ActiveContext>,
        local: &LocalContext,
        propagates: bool,
        overrides: bool,
        depth: usize,
    ) -> Result<Arc<ActiveContext>, JsonLdError> {
        let depth = depth.checked_sub(1).ok_or(JsonLdError::ContextTooLarge)?;
        match local {
            LocalContext::List(entries) if entries.len() > MAX_ENTRIES => {
                Err(JsonLdError::ContextTooLarge)
            }
            LocalContext::List(entries) => {
                let mut active = Arc::clone(active);
                for entry in entries {
                    active = self.enter_within(&active, entry, propagates, overrides, depth)?;
                }
                Ok(active)
            }
            LocalContext::Url(url) => {
                // §4.1.2 (5.2): what a URL stands for is decided here, and may not override what is protected
                let document = Arc::clone(self.contexts.document(url)?);
                self.enter_within(active, &document, propagates, false, depth)
            }
            LocalContext::Null => {
                // §4.1.2 (5.1): protected terms are not forgotten, but below a property that says so
                if !overrides && active.terms.values().any(|term| term.is_protected) {
                    return Err(JsonLdError::ProtectedTerm);
                }
                let mut initial = (*ActiveContext::initial()).clone();
                if !propagates {
                    initial.id = next_id();
                    initial.is_bundled = false;
                    initial.previous = Some(Arc::clone(active));
                }
                Ok(Arc::new(initial))
            }
            LocalContext::Map { id, is_bundled, size, members } => {
                let step = Step { active: active.id, local: *id, propagates, overrides };
                if let Some(known) = self.own.get(&step) {
                    return Ok(Arc::clone(known));
                }
                self.work += size + active.terms.len() / 8;
                if self.work > MAX_WORK {
                    return Err(JsonLdError::ContextTooLarge);
                }
                let is_bundled = *is_bundled && active.is_bundled;
                let kept = if is_bundled { self.contexts.kept(&step) } else { None };
                let context = match kept {
                    Some(kept) => kept,
                    None => {
                        let context = Arc::new(define(active, members, step, is_bundled)?);
                        if is_bundled {
                            self.contexts.keep(step, &context);
                        }
                        context
                    }
                };
                self.own.insert(step, Arc::clone(&context));
                Ok(context)
            }
        }
    }
}

/// JSON-LD 1.1 Processing §4.1.2 (5.4) to (5.13).
fn define(
    active: &Arc<ActiveContext>,
    members: &Object,
    step: Step,
    is_bundled: bool,
) -> Result<ActiveContext, JsonLdError> {
    let flag = |name: &'static str| match members.get(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(JsonLdError::Context(name)),
    };
    // (5.5): nothing but 1.1
    if members.get("@version").is_some_and(|version| version.as_f64() != Some(1.1)) {
        return Err(JsonLdError::Context("@version"));
    }
    for name in ["@import", "@base", "@direction"] {
        if members.contains_key(name) {
            return Err(JsonLdError::Unsupported(keyword(name).expect("these are keywords")));
        }
    }
    let propagates = flag("@propagate")?.unwrap_or(step.propagates);
    let is_protected = flag("@protected")?.unwrap_or(false);
    let mut result = (**active).clone();
    result.id = next_id();
    result.is_bundled = is_bundled;
    // (4): what does not propagate remembers what it goes back to
    if !propagates && result.previous.is_none() {
        result.previous = Some(Arc::clone(active));
    }
    // (5.8): an absolute vocabulary, or none
    match members.get("@vocab") {
        None => {}
        Some(Value::Null) => result.vocab = None,
        Some(Value::String(vocab)) => match result.expand_vocab(vocab)? {
            Expanded::Iri(iri) if !iri.starts_with("_:") => result.vocab = Some(iri),
            _ => return Err(JsonLdError::Context("@vocab")),
        },
        Some(_) => return Err(JsonLdError::Context("@vocab")),
    }
    // (5.9)
    match members.get("@language") {
        None => {}
        Some(Value::Null) => result.language = None,
        Some(Value::String(tag)) => result.language = Some(tag.to_ascii_lowercase().into()),
        Some(_) => return Err(JsonLdError::Context("@language")),
    }
    // (5.13)
    let mut definer = Definer::new(&mut result, members, is_protected, step.overrides, is_bundled);
    for term in members.keys() {
        let is_setting = matches!(
            term.as_str(),
            "@version" | "@propagate" | "@protected" | "@vocab" | "@language"
        );
        if !is_setting {
            definer.define(term)?;
        }
    }
    Ok(result)
}
