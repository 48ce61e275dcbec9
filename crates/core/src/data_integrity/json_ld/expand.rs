//! From a document straight to quads (JSON-LD 1.1 Processing §5.1, §7.2 and §8.1 in one).

use std::{collections::HashSet, sync::Arc};

use serde_json::Value;

use super::{
    super::rdf::{Dataset, Node, Predicate},
    Contexts, JsonLdError,
    context::{ActiveContext, Expanded, LocalContext, Processor},
    members::{Members, Property},
    term::{Container, Kind, TermDefinition},
    value,
};
use crate::json::Object;

const RDF_TYPE: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type";
const RDF_FIRST: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#first";
const RDF_REST: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#rest";
const RDF_NIL: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#nil";

/// The properties whose values have a context of their own.
const HAVE_CONTEXTS: [&str; 2] = [
    "<https://www.w3.org/2018/credentials#verifiableCredential>",
    "<https://w3id.org/security#proof>",
];

/// How deep nodes may be nested; a document that was read from text is no deeper than 32.
const MAX_DEPTH: usize = 64;

/// The RDF dataset that a JSON-LD document stands for.
///
/// # Errors
/// One [`JsonLdError`] per rule: everything the document says is in the dataset, or there is none.
pub fn to_rdf(document: &Object, contexts: &Contexts) -> Result<Dataset, JsonLdError> {
    Expansion::of(document, contexts, Reading::Lenient).map(|expansion| expansion.dataset)
}

/// The RDF dataset of a document that is also read as JSON, by the names of its members.
///
/// What is signed are quads: a holder could write the same ones with other names, so that a reader looks for
/// `validUntil` and finds nothing. So each member is named by its term, terms mean what known contexts say,
/// and the document's own node is described in one place (VC Data Integrity §2.4.1, §4.6).
///
/// # Errors
/// As [`to_rdf`], and [`JsonLdError::InlineContext`], [`JsonLdError::NestedContext`],
/// [`JsonLdError::NotATerm`] and [`JsonLdError::DescribedTwice`].
pub(in super::super) fn to_rdf_by_names(
    document: &Object,
    contexts: &Contexts,
) -> Result<Dataset, JsonLdError> {
    Expansion::of(document, contexts, Reading::ByNames).map(|expansion| expansion.dataset)
}

/// How strictly a document is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// As JSON-LD, whatever its members are called.
    Lenient,
    /// As JSON too, by the names of its members.
    ByNames,
}

/// Where an object is in memory, to know it again.
pub(super) fn address(element: &Object) -> usize {
    std::ptr::from_ref(element).addr()
}

pub(super) struct Expansion<'c> {
    processor: Processor<'c>,
    pub(super) dataset: Dataset,
    depth: usize,
    reading: Reading,
    /// The document's own node, once it is known.
    root: Option<Node>,
    /// Where the node objects without an identifier are.
    pub(super) unnamed: HashSet<usize>,
}

/// Where in a document something stands: what terms mean there, and in which graph it is.
#[derive(Clone)]
struct Place {
    active: Arc<ActiveContext>,
    graph: Option<Node>,
}

impl Place {
    fn under(&self, active: Arc<ActiveContext>) -> Self {
        Self { active, graph: self.graph }
    }
}

/// What a property says about the object below it.
#[derive(Clone, Copy)]
struct Under<'u> {
    scoped: Option<&'u LocalContext>,
    may_have_context: bool,
}

impl Under<'_> {
    /// Below no property: the document itself.
    const ROOT: Self = Self { scoped: None, may_have_context: true };
}

/// What became of a value.
#[derive(Clone, Copy)]
enum Made {
    /// An IRI or a blank node that stands for something.
    Resource(Node),
    /// A literal or a list.
    Value(Node),
}

impl Made {
    const fn node(self) -> Node {
        match self {
            Self::Resource(node) | Self::Value(node) => node,
        }
    }
}

impl<'c> Expansion<'c> {
    pub(super) fn of(
        document: &Object,
        contexts: &'c Contexts,
        reading: Reading,
    ) -> Result<Self, JsonLdError> {
        let mut expansion = Self {
            processor: Processor::new(contexts),
            dataset: Dataset::new(),
            depth: 0,
            reading,
            root: None,
            unnamed: HashSet::new(),
        };
        let place = Place { active: ActiveContext::initial(), graph: None };
        match expansion.object(&place, Under::ROOT, document)? {
            Made::Resource(_) if !expansion.dataset.is_empty() => Ok(expansion),
            _ => Err(JsonLdError::Dropped("the document")),
        }
    }

    /// Turns an object into quads: a node, a value or a list.
    fn object(
        &mut self,
        place: &Place,
        under: Under<'_>,
        element: &Object,
    ) -> Result<Made, JsonLdError> {
        self.descend()?;
        // §5.1.2 (7): a context that came by a type ends where the next node begins
        let mut active = match &place.active.previous {
            Some(previous) if !stays(&place.active, element)? => Arc::clone(previous),
            _ => Arc::clone(&place.active),
        };
        // (8): what the property brings, which may override what is protected
        if let Some(scoped) = under.scoped {
            active = self.processor.enter(&active, scoped, true, true)?;
        }
        // (9): what the object brings itself
        if let Some(context) = element.get("@context") {
            let local = LocalContext::read(context, false)?;
            if self.reading == Reading::ByNames {
                // VC Data Integrity §4.6: nobody but the issuer's vocabulary decides what a name means
                if !under.may_have_context {
                    return Err(JsonLdError::NestedContext);
                }
                if local.is_inline() && !self.processor.allows_inline() {
                    return Err(JsonLdError::InlineContext);
                }
            }
            active = self.processor.enter(&active, &local, true, false)?;
        }
        // (11): what its types bring, in the order of their names
        let by_type = Arc::clone(&active);
        for name in type_names(&by_type, element)? {
            if let Some(context) = by_type.term(name).and_then(|term| term.context.as_ref()) {
                active = self.processor.enter(&active, context, false, false)?;
            }
        }
        let members = Members::sort(&active, element)?;
        if self.reading == Reading::ByNames {
            members.check_names(element)?;
        }
        let place = place.under(active);
        let made = if members.is_node() {
            if members.id.is_none() {
                self.unnamed.insert(address(element));
            }
            Made::Resource(self.node(&place, &by_type, members)?)
        } else if let Some(list) = members.list {
            // §5.1.2 (13.4.9): a list object is a list and nothing else
            if element.len() > 1 {
                return Err(JsonLdError::KeywordValue("@list"));
            }
            let list_of = self.dataset.predicate(RDF_FIRST)?;
            Made::Value(self.list(&place, list_of, None, list)?)
        } else {
            Made::Value(self.value(&place.active, &members)?)
        };
        self.depth -= 1;
        Ok(made)
    }

    /// Turns a node object into quads; gives its subject.
    fn node(
        &mut self,
        place: &Place,
        by_type: &ActiveContext,
        members: Members<'_>,
    ) -> Result<Node, JsonLdError> {
        let subject = match members.id {
            None => self.dataset.blank()?,
            Some(Value::String(id)) => {
                let id = place.active.expand_iri(id)?;
                self.resource(&id, "an identifier")?
            }
            Some(_) => return Err(JsonLdError::KeywordValue("@id")),
        };
        if self.reading == Reading::ByNames {
            match self.root {
                None => self.root = Some(subject),
                Some(root) if root == subject && members.says_something() => {
                    return Err(JsonLdError::DescribedTwice);
                }
                Some(_) => {}
            }
        }
        if let Some(types) = members.types {
            let predicate = self.dataset.predicate(RDF_TYPE)?;
            for name in strings(types)? {
                let object = match by_type.expand_vocab(name)? {
                    // a blank node is no type that anybody else could name
                    Expanded::Iri(iri) if iri.starts_with("_:") => {
                        return Err(JsonLdError::KeywordValue("@type"));
                    }
                    expanded => self.resource(&expanded, "a type")?,
                };
                self.dataset.push(subject, predicate, object, place.graph)?;
            }
        }
        for property in members.properties {
            self.property(place, subject, &property)?;
        }
        Ok(subject)
    }

    fn property(
        &mut self,
        place: &Place,
        subject: Node,
        property: &Property<'_>,
    ) -> Result<(), JsonLdError> {
        let predicate = self.dataset.predicate(&property.iri)?;
        let definition = property.definition.as_deref();
        let container = definition.map_or(Container::Set, |definition| definition.container);
        if definition.is_some_and(|definition| definition.kind == Kind::Json) {
            let object = value::json(&mut self.dataset, property.value)?;
            return Ok(self.dataset.push(subject, predicate, object, place.graph)?);
        }
        match container {
            Container::List => {
                let object = self.list(place, predicate, definition, property.value)?;
                Ok(self.dataset.push(subject, predicate, object, place.graph)?)
            }
            Container::Language => self.by_language(place, subject, predicate, property.value),
            Container::Set | Container::Graph => {
                self.each(place, (subject, predicate), definition, property.value)
            }
        }
    }

    /// The values of a property, one by one; arrays in arrays are one set (§5.1.2 (5)).
    fn each(
        &mut self,
        place: &Place,
        (subject, predicate): (Node, Predicate),
        definition: Option<&TermDefinition>,
        value: &Value,
    ) -> Result<(), JsonLdError> {
        match value {
            Value::Array(elements) if elements.is_empty() => {
                Err(JsonLdError::Dropped("an empty array"))
            }
            Value::Array(elements) => {
                self.descend()?;
                for element in elements {
                    self.each(place, (subject, predicate), definition, element)?;
                }
                self.depth -= 1;
                Ok(())
            }
            one if definition.is_some_and(|term| term.container == Container::Graph) => {
                // §5.1.2 (13.12), §7.2.2 (6.9.1): a graph with a name of its own around each value
                let name = self.dataset.blank()?;
                self.dataset.push(subject, predicate, name, place.graph)?;
                let inner = Place { active: Arc::clone(&place.active), graph: Some(name) };
                let before = self.dataset.len();
                match self.item(&inner, predicate, definition, one)? {
                    Made::Resource(_) if self.dataset.len() > before => Ok(()),
                    _ => Err(JsonLdError::Dropped("a graph")),
                }
            }
            one => {
                let object = self.item(place, predicate, definition, one)?.node();
                Ok(self.dataset.push(subject, predicate, object, place.graph)?)
            }
        }
    }

    /// One value of a property.
    fn item(
        &mut self,
        place: &Place,
        predicate: Predicate,
        definition: Option<&TermDefinition>,
        value: &Value,
    ) -> Result<Made, JsonLdError> {
        let scoped = definition.and_then(|definition| definition.context.as_deref());
        match value {
            Value::Object(element) => {
                // a credential in a presentation has its own context, and so has a proof of a jcs suite
                let may_have_context = self.dataset.is_one_of(predicate, &HAVE_CONTEXTS);
                self.object(place, Under { scoped, may_have_context }, element)
            }
            // §5.1.2 (1): a null is dropped, so it is not signed
            Value::Null => Err(JsonLdError::Dropped("a null")),
            scalar => {
                let active = match scoped {
                    // §5.1.2 (4.2)
                    Some(scoped) => self.processor.enter(&place.active, scoped, true, true)?,
                    None => Arc::clone(&place.active),
                };
                self.scalar(&active, definition, scalar)
            }
        }
    }

    /// A string, a number or a boolean, by what its term says about it (§5.3).
    fn scalar(
        &mut self,
        active: &ActiveContext,
        definition: Option<&TermDefinition>,
        scalar: &Value,
    ) -> Result<Made, JsonLdError> {
        let kind = definition.map_or(&Kind::Plain, |definition| &definition.kind);
        let datatype = match kind {
            Kind::Datatype(datatype) => Some(&**datatype),
            _ => None,
        };
        if let Some(literal) = value::native(&mut self.dataset, scalar, datatype)? {
            return Ok(Made::Value(literal));
        }
        let Value::String(text) = scalar else {
            return Err(JsonLdError::Unsupported("@list"));
        };
        match kind {
            Kind::Id => {
                let iri = active.expand_iri(text)?;
                self.resource(&iri, "a reference").map(Made::Resource)
            }
            Kind::Vocab => {
                let iri = active.expand_vocab(text)?;
                self.resource(&iri, "a reference").map(Made::Resource)
            }
            Kind::Datatype(datatype) => Ok(Made::Value(self.dataset.literal(text, datatype)?)),
            Kind::Plain | Kind::Json => {
                let language = match definition.and_then(|definition| definition.language.as_ref())
                {
                    Some(language) => language.as_deref(),
                    None => active.language.as_deref(),
                };
                value::text(&mut self.dataset, text, language, None).map(Made::Value)
            }
        }
    }

    /// A value object (JSON-LD 1.1 §4.1, §4.2).
    fn value(
        &mut self,
        active: &ActiveContext,
        members: &Members<'_>,
    ) -> Result<Node, JsonLdError> {
        let malformed = |keyword| JsonLdError::KeywordValue(keyword);
        let value = members.value.ok_or(malformed("@value"))?;
        // §5.1.2 (14.2): nothing but what says how the value is to be read
        if !members.properties.is_empty() || members.id.is_some() {
            return Err(malformed("@value"));
        }
        let string = |value: Option<&Value>, keyword| match value {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(malformed(keyword)),
        };
        let language = string(members.language, "@language")?;
        let direction = string(members.direction, "@direction")?;
        if direction.as_ref().is_some_and(|way| way != "ltr" && way != "rtl") {
            return Err(malformed("@direction"));
        }
        let is_text = language.is_some() || direction.is_some();
        let datatype = match string(members.types, "@type")? {
            None => None,
            // (14.2): a datatype, or a language and a direction
            Some(_) if is_text => return Err(malformed("@type")),
            Some(name) => match active.expand_vocab(&name)? {
                Expanded::Keyword("@json") => return value::json(&mut self.dataset, value),
                Expanded::Iri(iri) if !iri.starts_with("_:") => Some(iri),
                _ => return Err(JsonLdError::Relative("a type")),
            },
        };
        match value {
            Value::String(text) => match datatype {
                Some(datatype) => Ok(self.dataset.literal(text, &datatype)?),
                None => {
                    let language = language.map(|tag| tag.to_ascii_lowercase());
                    let (language, direction) = (language.as_deref(), direction.as_deref());
                    value::text(&mut self.dataset, text, language, direction)
                }
            },
            Value::Null => Err(JsonLdError::Dropped("a null")),
            native if !is_text => value::native(&mut self.dataset, native, datatype.as_deref())?
                .ok_or(malformed("@value")),
            _ => Err(malformed("@language")),
        }
    }

    /// A list, as RDF chains it together (§8.1.3).
    fn list(
        &mut self,
        place: &Place,
        predicate: Predicate,
        definition: Option<&TermDefinition>,
        value: &Value,
    ) -> Result<Node, JsonLdError> {
        let elements = match value {
            Value::Array(elements) => elements.as_slice(),
            // §5.1.2 (13.11): what is a list already is not put into another
            Value::Object(element) if element.contains_key("@list") => {
                return Ok(self.item(place, predicate, definition, value)?.node());
            }
            one => std::slice::from_ref(one),
        };
        let (first, rest) = (self.dataset.predicate(RDF_FIRST)?, self.dataset.predicate(RDF_REST)?);
        let mut head = self.dataset.iri(RDF_NIL)?;
        for element in elements.iter().rev() {
            let object = self.item(place, predicate, definition, element)?.node();
            let link = self.dataset.blank()?;
            self.dataset.push(link, first, object, place.graph)?;
            self.dataset.push(link, rest, head, place.graph)?;
            head = link;
        }
        Ok(head)
    }

    /// Texts by their languages (§5.1.2 (13.7)).
    fn by_language(
        &mut self,
        place: &Place,
        subject: Node,
        predicate: Predicate,
        map: &Value,
    ) -> Result<(), JsonLdError> {
        let malformed = JsonLdError::KeywordValue("@language");
        let map = map.as_object().ok_or(malformed.clone())?;
        if map.is_empty() {
            return Err(JsonLdError::Dropped("an empty language map"));
        }
        for (tag, texts) in map {
            let tag = match place.active.expand_vocab(tag)? {
                Expanded::Keyword("@none") => None,
                _ => Some(tag.to_ascii_lowercase()),
            };
            for text in strings(texts)? {
                let object = value::text(&mut self.dataset, text, tag.as_deref(), None)?;
                self.dataset.push(subject, predicate, object, place.graph)?;
            }
        }
        Ok(())
    }

    /// An absolute IRI or a blank node.
    fn resource(&mut self, expanded: &Expanded, what: &'static str) -> Result<Node, JsonLdError> {
        match expanded {
            Expanded::Iri(iri) => match iri.strip_prefix("_:") {
                Some(label) => Ok(self.dataset.labelled(label)?),
                None => Ok(self.dataset.iri(iri)?),
            },
            Expanded::Relative => Err(JsonLdError::Relative(what)),
            Expanded::Nothing => Err(JsonLdError::Dropped(what)),
            Expanded::Keyword(keyword) => Err(JsonLdError::KeywordValue(keyword)),
        }
    }

    fn descend(&mut self) -> Result<(), JsonLdError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(JsonLdError::TooDeep) } else { Ok(()) }
    }
}

/// §5.1.2 (7): a value or a mere reference stays under the context that came by a type.
fn stays(active: &ActiveContext, element: &Object) -> Result<bool, JsonLdError> {
    for name in element.keys() {
        match active.expand_vocab(name)? {
            Expanded::Keyword("@value") => return Ok(true),
            Expanded::Keyword("@id") if element.len() == 1 => return Ok(true),
            _ => {}
        }
    }
    Ok(false)
}

/// The names of an object's types, in the order of their code points.
fn type_names<'d>(
    active: &ActiveContext,
    element: &'d Object,
) -> Result<Vec<&'d str>, JsonLdError> {
    let mut names = Vec::new();
    for (name, value) in element {
        if active.expand_vocab(name)? == Expanded::Keyword("@type") {
            names.extend(strings(value)?);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// A string, or strings in an array that is not empty.
fn strings(value: &Value) -> Result<Vec<&str>, JsonLdError> {
    match value {
        Value::String(one) => Ok(vec![one]),
        Value::Array(several) if !several.is_empty() => several
            .iter()
            .map(|one| one.as_str().ok_or(JsonLdError::KeywordValue("@type")))
            .collect(),
        Value::Array(_) => Err(JsonLdError::Dropped("an empty array")),
        _ => Err(JsonLdError::KeywordValue("@type")),
    }
}
