//! A small strict reader and writer of XML: elements, attributes, text, and nothing that expands.

use std::fmt;

use super::SvgError;

/// How deep elements may be nested.
const MAX_DEPTH: usize = 32;

/// How many elements are read.
const MAX_ELEMENTS: usize = 2_000;

/// How many attributes one element may have.
const MAX_ATTRIBUTES: usize = 64;

/// An element with what is in it; values and text are unescaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Node>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Reads a document: one element, with declarations and comments around it.
pub(super) fn parse(text: &str) -> Result<Element, SvgError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { rest: text, elements: 0 };
    reader.declaration()?;
    reader.between()?;
    let root = reader.element(MAX_DEPTH)?;
    reader.between()?;
    if reader.rest.is_empty() { Ok(root) } else { Err(SvgError::Malformed("text after the root")) }
}

struct Reader<'t> {
    rest: &'t str,
    elements: usize,
}

impl<'t> Reader<'t> {
    fn take(&mut self, start: &str) -> bool {
        match self.rest.strip_prefix(start) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, start: &str) -> Result<(), SvgError> {
        if self.take(start) { Ok(()) } else { Err(SvgError::Malformed("markup")) }
    }

    fn until(&mut self, end: &str) -> Result<&'t str, SvgError> {
        let (inside, rest) =
            self.rest.split_once(end).ok_or(SvgError::Malformed("the end is missing"))?;
        self.rest = rest;
        Ok(inside)
    }

    fn space(&mut self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let any = rest.len() < self.rest.len();
        self.rest = rest;
        any
    }

    fn declaration(&mut self) -> Result<(), SvgError> {
        if self.take("<?xml ") {
            let declared = self.until("?>")?.to_ascii_lowercase();
            let encoding = declared.split_once("encoding").map(|(_, value)| {
                value.trim_start_matches([' ', '=', '"', '\'']).starts_with("utf-8")
            });
            // XML 1.0 §4.3.3: what calls itself otherwise would be read otherwise by others
            if encoding == Some(false) {
                return Err(SvgError::Malformed("encoding"));
            }
        }
        Ok(())
    }

    /// What may stand around the root, and comments anywhere.
    fn between(&mut self) -> Result<(), SvgError> {
        loop {
            self.space();
            if self.take("<!--") {
                self.until("-->")?;
            } else if self.rest.starts_with("<!DOCTYPE") || self.rest.starts_with("<!doctype") {
                return Err(SvgError::DocumentType);
            } else {
                return Ok(());
            }
        }
    }

    fn name(&mut self) -> Result<String, SvgError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ':' | '.');
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') || name.len() > 128 {
            return Err(SvgError::Malformed("name"));
        }
        self.rest = rest;
        Ok(name.to_owned())
    }

    fn element(&mut self, depth: usize) -> Result<Element, SvgError> {
        let depth = depth.checked_sub(1).ok_or(SvgError::TooMuch)?;
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(SvgError::TooMuch);
        }
        self.expect("<")?;
        let name = self.name()?;
        let mut attributes: Vec<(String, String)> = Vec::new();
        loop {
            let spaced = self.space();
            if self.take("/>") {
                return Ok(Element { name, attributes, children: Vec::new() });
            }
            if self.take(">") {
                break;
            }
            if !spaced {
                return Err(SvgError::Malformed("attribute"));
            }
            let (attribute, value) = self.attribute()?;
            // XML 1.0 §3.1: an attribute appears once in a tag
            if attributes.iter().any(|(known, _)| *known == attribute) {
                return Err(SvgError::Malformed("attribute"));
            }
            if attributes.len() == MAX_ATTRIBUTES {
                return Err(SvgError::TooMuch);
            }
            attributes.push((attribute, value));
        }
        let children = self.children(depth)?;
        // XML 1.0 §3: the end tag has the name of the start tag
        if self.name()? != name {
            return Err(SvgError::Malformed("end tag"));
        }
        self.space();
        self.expect(">")?;
        Ok(Element { name, attributes, children })
    }

    fn attribute(&mut self) -> Result<(String, String), SvgError> {
        let name = self.name()?;
        self.space();
        self.expect("=")?;
        self.space();
        let quote = if self.take("\"") { "\"" } else { self.expect("'").map(|()| "'")? };
        let value = self.until(quote)?;
        // XML 1.0 §3.1: no `<` in attribute values
        if value.contains('<') {
            return Err(SvgError::Malformed("attribute"));
        }
        Ok((name, unescape(value)?))
    }

    /// Everything up to the end tag, whose `</` is taken too.
    fn children(&mut self, depth: usize) -> Result<Vec<Node>, SvgError> {
        let mut children: Vec<Node> = Vec::new();
        loop {
            let end = self.rest.find('<').ok_or(SvgError::Malformed("the end is missing"))?;
            let (text, rest) = self.rest.split_at(end);
            self.rest = rest;
            let text = unescape(text)?;
            let text = if self.take("<![CDATA[") { text + self.until("]]>")? } else { text };
            match children.last_mut() {
                Some(Node::Text(before)) => before.push_str(&text),
                _ if text.is_empty() => {}
                _ => children.push(Node::Text(text)),
            }
            if self.take("</") {
                return Ok(children);
            }
            if self.take("<!--") {
                self.until("-->")?;
            } else if self.rest.starts_with("<!") || self.rest.starts_with("<?") {
                return Err(SvgError::Malformed("markup"));
            } else if self.rest.starts_with('<') {
                children.push(Node::Element(self.element(depth)?));
            }
        }
    }
}

/// Resolves the five predefined entities and character references; there are no others.
fn unescape(text: &str) -> Result<String, SvgError> {
    let mut unescaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, reference)) = rest.split_once('&') {
        unescaped.push_str(before);
        let malformed = SvgError::Malformed("reference");
        let (name, after) = reference.split_once(';').ok_or(malformed)?;
        unescaped.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            name => {
                let number = name.strip_prefix('#').ok_or(malformed)?;
                let code = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                code.ok().and_then(char::from_u32).ok_or(malformed)?
            }
        });
        rest = after;
    }
    unescaped.push_str(rest);
    // XML 1.0 §2.2: control characters are not characters of XML
    let odd = |c: char| c.is_control() && !matches!(c, '\t' | '\r' | '\n');
    if unescaped.contains(odd) { Err(SvgError::Malformed("character")) } else { Ok(unescaped) }
}

impl fmt::Display for Element {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "<{}", self.name)?;
        for (name, value) in &self.attributes {
            write!(out, " {name}=\"")?;
            escape(value, out)?;
            out.write_str("\"")?;
        }
        if self.children.is_empty() {
            return out.write_str("/>");
        }
        out.write_str(">")?;
        for child in &self.children {
            match child {
                Node::Element(element) => element.fmt(out)?,
                Node::Text(text) => escape(text, out)?,
            }
        }
        write!(out, "</{}>", self.name)
    }
}

/// SD-JWT VC §5.5.1.2.2: these five characters are escaped wherever they stand.
fn escape(text: &str, out: &mut fmt::Formatter<'_>) -> fmt::Result {
    use fmt::Write as _;
    for character in text.chars() {
        match character {
            '&' => out.write_str("&amp;")?,
            '<' => out.write_str("&lt;")?,
            '>' => out.write_str("&gt;")?,
            '"' => out.write_str("&quot;")?,
            '\'' => out.write_str("&apos;")?,
            other => out.write_char(other)?,
        }
    }
    Ok(())
}
