//! Terms as canonical N-Quads write them (RDF Dataset Canonicalization 1.0 §5).

use std::fmt::Write as _;

const XSD_STRING: &str = "http://www.w3.org/2001/XMLSchema#string";

/// Whether a text is an absolute IRI that can be written between `<` and `>`: anything else could make
/// one quad look like two (RDF 1.1 N-Quads §3.1, IRIREF).
pub(super) fn is_iri(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else {
        return false;
    };
    let mut scheme = scheme.bytes();
    // RFC 3986 §3.1
    let has_scheme = scheme.next().is_some_and(|first| first.is_ascii_alphabetic())
        && scheme.all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    has_scheme && text.bytes().all(|byte| byte > 0x20 && !b"<>\"{}|^`\\".contains(&byte))
}

/// RDF 1.1 N-Quads §3.1, LANGTAG; BCP 47 subtags have no more than eight characters.
pub(super) fn is_language(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    let fits = |subtag: &str, allowed: fn(&u8) -> bool| {
        (1..=8).contains(&subtag.len()) && subtag.as_bytes().iter().all(allowed)
    };
    subtags.next().is_some_and(|first| fits(first, u8::is_ascii_alphabetic))
        && subtags.all(|subtag| fits(subtag, u8::is_ascii_alphanumeric))
}

pub(super) fn literal(lexical: &str, datatype: &str) -> String {
    let mut written = quoted(lexical);
    // RDFC-1.0 §5: the datatype of a plain string is not written
    if datatype != XSD_STRING {
        written.push_str("^^<");
        written.push_str(datatype);
        written.push('>');
    }
    written
}

pub(super) fn text(lexical: &str, language: &str) -> String {
    let mut written = quoted(lexical);
    written.push('@');
    written.push_str(language);
    written
}

/// RDFC-1.0 §5: these characters are escaped, and no others.
fn quoted(lexical: &str) -> String {
    let mut written = String::with_capacity(lexical.len() + 2);
    written.push('"');
    for character in lexical.chars() {
        match character {
            '\u{8}' => written.push_str("\\b"),
            '\t' => written.push_str("\\t"),
            '\n' => written.push_str("\\n"),
            '\u{c}' => written.push_str("\\f"),
            '\r' => written.push_str("\\r"),
            '"' => written.push_str("\\\""),
            '\\' => written.push_str("\\\\"),
            '\0'..='\u{1f}' | '\u{7f}' => {
                let code = u32::from(character);
                write!(written, "\\u{code:04X}").expect("a string takes everything");
            }
            other => written.push(other),
        }
    }
    written.push('"');
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iri_is_absolute_and_cannot_end_early() {
        for iri in
            ["https://a.example/b#c", "urn:a", "did:key:z6Mk#z6Mk", "data:image/png;base64,A="]
        {
            assert!(is_iri(iri), "{iri}");
        }
        for text in
            ["", "a", "/a", "#a", ":a", "1:a", "a b:c", "a:b>", "a:b c", "a:\"", "a:\n", "é:a"]
        {
            assert!(!is_iri(text), "{text:?}");
        }
    }

    #[test]
    fn a_language_tag_is_made_of_subtags() {
        for tag in ["en", "de-CH-1996", "x-a"] {
            assert!(is_language(tag), "{tag}");
        }
        for tag in ["", "1", "en-", "en--us", "en_us", "abcdefghi", "en us", "é"] {
            assert!(!is_language(tag), "{tag}");
        }
    }
}
