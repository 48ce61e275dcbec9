//! What of SVG is harmless: shapes, text, gradients, clips and pictures that are in the file.

use super::{
    SvgError,
    xml::{Element, Node},
};

/// The namespace of SVG.
pub(super) const NAMESPACE: &str = "http://www.w3.org/2000/svg";

/// The elements that are kept. What is not here is not: `script`, `style`, `foreignObject`, `a`,
/// animations, and `use`, `pattern`, `mask` and filters, by which little files make endless work.
const ELEMENTS: [&str; 19] = [
    "svg",
    "g",
    "defs",
    "title",
    "desc",
    "path",
    "rect",
    "circle",
    "ellipse",
    "line",
    "polyline",
    "polygon",
    "text",
    "tspan",
    "linearGradient",
    "radialGradient",
    "stop",
    "clipPath",
    "image",
];

/// The attributes that are kept: geometry, and presentation without style sheets.
const ATTRIBUTES: [&str; 63] = [
    "clip-path",
    "clip-rule",
    "clipPathUnits",
    "color",
    "cx",
    "cy",
    "d",
    "dominant-baseline",
    "dx",
    "dy",
    "fill",
    "fill-opacity",
    "fill-rule",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "fx",
    "fy",
    "gradientTransform",
    "gradientUnits",
    "height",
    "href",
    "id",
    "lang",
    "lengthAdjust",
    "letter-spacing",
    "offset",
    "opacity",
    "paint-order",
    "points",
    "preserveAspectRatio",
    "r",
    "role",
    "rotate",
    "rx",
    "ry",
    "shape-rendering",
    "spreadMethod",
    "stop-color",
    "stop-opacity",
    "stroke",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-opacity",
    "stroke-width",
    "text-anchor",
    "text-decoration",
    "text-rendering",
    "textLength",
    "transform",
    "viewBox",
    "width",
    "word-spacing",
    "x",
    "x1",
    "x2",
    "y",
    "y1",
    "y2",
];

/// The kinds of picture that may be in the file: none that holds markup.
const PICTURES: [&str; 3] =
    ["data:image/png;base64,", "data:image/jpeg;base64,", "data:image/webp;base64,"];

/// Keeps what is harmless of an element; nothing of one that is not on the list.
pub(super) fn clean(element: Element, within_clip: bool) -> Result<Option<Element>, SvgError> {
    let Element { name, attributes, children } = element;
    // SD-JWT VC §5.5.1.2.2: no placeholder in attributes, whether they stay or not
    if attributes.iter().any(|(_, value)| value.contains("{{")) {
        return Err(SvgError::MisplacedPlaceholder);
    }
    if !ELEMENTS.contains(&name.as_str()) {
        return Ok(None);
    }
    let within_clip = within_clip || name == "clipPath";
    let mut kept = Vec::with_capacity(attributes.len());
    if name == "svg" {
        kept.push(("xmlns".to_owned(), NAMESPACE.to_owned()));
    }
    for (attribute, value) in attributes {
        let attribute = if attribute == "xlink:href" { "href".to_owned() } else { attribute };
        let once = !kept.iter().any(|(known, _)| *known == attribute);
        if once && is_harmless(&name, &attribute, &value, within_clip) {
            kept.push((attribute, value));
        }
    }
    let mut cleaned = Vec::with_capacity(children.len());
    for child in children {
        match child {
            Node::Text(text) => cleaned.push(Node::Text(text)),
            Node::Element(inner) => {
                cleaned.extend(clean(inner, within_clip)?.map(Node::Element));
            }
        }
    }
    Ok(Some(Element { name, attributes: kept, children: cleaned }))
}

fn is_harmless(element: &str, attribute: &str, value: &str, within_clip: bool) -> bool {
    match attribute {
        // SD-JWT VC §5.5.1.2.2: nothing is referred to outside the file
        "href" => match element {
            "image" => PICTURES.iter().any(|kind| {
                value.strip_prefix(kind).is_some_and(|data| data.bytes().all(is_base64))
            }),
            "linearGradient" | "radialGradient" => value.strip_prefix('#').is_some_and(is_id),
            _ => false,
        },
        "id" => is_id(value),
        _ if !ATTRIBUTES.contains(&attribute) => false,
        // clips within clips multiply
        "clip-path" if within_clip => false,
        "clip-path" | "fill" | "stroke" if value.contains('(') && !is_color_function(value) => {
            let id = value.strip_prefix("url(#").and_then(|rest| rest.strip_suffix(')'));
            id.is_some_and(is_id)
        }
        _ => is_plain(value),
    }
}

/// `rgb(1, 2, 3)` and its like: numbers, no names.
fn is_color_function(value: &str) -> bool {
    let inside = ["rgb(", "rgba(", "hsl(", "hsla("]
        .iter()
        .find_map(|name| value.strip_prefix(name))
        .and_then(|rest| rest.strip_suffix(')'));
    inside.is_some_and(|numbers| {
        numbers.bytes().all(|byte| byte.is_ascii_digit() || b" ,.%/".contains(&byte))
    })
}

/// Nothing that a renderer could take for a URL, an escape or a rule.
fn is_plain(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    !lower.contains("url(") && !value.contains([':', '\\', '@', ';', '{', '}', '<', '&', '/'])
}

fn is_id(value: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    !value.is_empty() && value.len() <= 128 && value.bytes().all(fits)
}

const fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}
