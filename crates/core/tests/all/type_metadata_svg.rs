//! SVG templates: what is left of a hostile one, and what a claim becomes in it.

use lanyard_core::{
    claims::Claims,
    sd_jwt_vc::type_metadata::{CleanSvg, EffectiveTypeMetadata, SvgError},
};
use proptest::prelude::*;
use serde_json::json;

use crate::type_metadata::{describing, shown};

fn svg(inside: &str) -> String {
    format!(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{inside}</svg>"#)
}

fn clean(inside: &str) -> String {
    CleanSvg::read(svg(inside).as_bytes()).expect("it can be read").to_string()
}

fn refusal(text: &str) -> SvgError {
    CleanSvg::read(text.as_bytes()).expect_err("it is refused")
}

fn rules() -> EffectiveTypeMetadata {
    describing(json!([
        {"path": ["name"], "svg_id": "name"},
        {"path": ["nick"], "svg_id": "nick"},
        {"path": ["nations", null], "svg_id": "nations"},
        {"path": ["level"], "svg_id": "level"},
        {"path": ["address"], "svg_id": "address"},
    ]))
}

fn fill(template: &str, claims: Claims) -> Result<String, SvgError> {
    let clean = CleanSvg::read(svg(template).as_bytes()).expect("it can be read");
    clean.fill(&rules(), shown(claims, &[]).claims())
}

#[test]
fn a_harmless_template_is_kept_as_it_is() {
    let harmless = concat!(
        r##"<defs><linearGradient id="g"><stop offset="0" stop-color="#12107c"/></linearGradient>"##,
        r##"<clipPath id="c"><rect width="9" height="9"/></clipPath></defs>"##,
        r##"<g clip-path="url(#c)"><rect width="9" height="9" fill="url(#g)"/>"##,
        r##"<path d="M0 0L9 9" stroke="rgb(1, 2, 3)" transform="rotate(45)"/></g>"##,
        r##"<image href="data:image/png;base64,AAAA" width="1" height="1"/>"##,
        r##"<text x="1" y="2" font-family="Noto Sans, sans-serif">Stra&amp;ße {{name}}</text>"##,
    );
    assert_eq!(clean(harmless), svg(harmless));
}

#[test]
fn nothing_that_runs_fetches_or_multiplies_is_left() {
    for hostile in [
        r#"<script>canary()</script>"#,
        r#"<script href="https://canary.example/x.js"/>"#,
        r#"<style>@import url(https://canary.example/x.css);</style>"#,
        r#"<foreignObject><iframe src="https://canary.example"/></foreignObject>"#,
        r#"<a href="javascript:canary()"><text>x</text></a>"#,
        r#"<animate attributeName="href" to="javascript:canary()"/>"#,
        r#"<set attributeName="onclick" to="canary()"/>"#,
        r#"<use href="https://canary.example/x.svg#a"/>"#,
        r##"<use href="#canary"/>"##,
        r#"<filter id="f"><feImage href="https://canary.example/x.png"/></filter>"#,
        r#"<pattern id="canary"/>"#,
        r#"<image href="https://canary.example/x.png"/>"#,
        r#"<image href="//canary.example/x.png"/>"#,
        r#"<image xlink:href="https://canary.example/x.png"/>"#,
        r#"<image href="data:image/svg+xml;base64,canary"/>"#,
        r#"<image href="data:image/png;base64,AA&quot; onload=&quot;canary()"/>"#,
        r#"<rect onclick="canary()"/>"#,
        r#"<rect ONLOAD="canary()"/>"#,
        r#"<rect style="fill:url(https://canary.example)"/>"#,
        r#"<rect fill="url(https://canary.example/x.svg#a)"/>"#,
        r#"<rect fill="url('https://canary.example')"/>"#,
        r#"<rect fill="u\72l(https://canary.example)"/>"#,
        r#"<rect fill="image-set('//canary.example')"/>"#,
        r#"<rect clip-path="url(canary.svg#a)"/>"#,
        r#"<rect xmlns:x="canary" x:y="canary"/>"#,
        r#"<x:script xmlns:x="http://www.w3.org/2000/svg">canary()</x:script>"#,
        r#"<SCRIPT>canary()</SCRIPT>"#,
        r#"<!-- canary -->"#,
        r##"<linearGradient href="https://canary.example/#a"/>"##,
        r#"<text xml:base="https://canary.example">x</text>"#,
        r#"<handler xmlns="http://www.w3.org/2001/xml-events">canary()</handler>"#,
    ] {
        let clean = clean(hostile);
        assert!(!clean.contains("canary"), "{hostile} became {clean}");
    }
}

#[test]
fn clips_within_clips_are_not_kept() {
    let nested = r##"<clipPath id="a"><rect clip-path="url(#b)" width="1"/></clipPath>"##;
    assert_eq!(clean(nested), svg(r##"<clipPath id="a"><rect width="1"/></clipPath>"##));
}

#[test]
fn a_document_type_is_refused_whatever_is_in_it() {
    for doctype in [
        "<!DOCTYPE svg [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>",
        "<!DOCTYPE svg SYSTEM \"file:///etc/passwd\">",
        "<!doctype svg>",
    ] {
        assert_eq!(refusal(&format!("{doctype}{}", svg(""))), SvgError::DocumentType);
    }
}

#[test]
fn what_is_not_well_formed_is_refused() {
    let whole = |inside: &str| svg(inside);
    for text in [
        String::new(),
        "svg".to_owned(),
        whole("<g>"),
        whole("</g>"),
        whole("<g></h>"),
        whole("<g x=1/>"),
        whole("<g x='1' x='2'/>"),
        whole("<g x='<'/>"),
        whole("<g x='1'y='2'/>"),
        whole("&nbsp;"),
        whole("&#0;"),
        whole("&#x110000;"),
        whole("&amp"),
        whole("<!-- "),
        whole("<?php canary() ?>"),
        whole("<![CDATA[ "),
        whole("\u{1}"),
        format!("{}{}", svg(""), svg("")),
        format!("<?xml version='1.0' encoding='utf-7'?>{}", svg("")),
    ] {
        assert!(matches!(refusal(&text), SvgError::Malformed(_)), "{text}");
    }
    let latin = CleanSvg::read(b"<svg xmlns='http://www.w3.org/2000/svg'>\xff</svg>");
    assert_eq!(latin.unwrap_err(), SvgError::Malformed("encoding"));
}

#[test]
fn what_is_too_much_is_refused() {
    let deep = |levels: usize| svg(&format!("{}{}", "<g>".repeat(levels), "</g>".repeat(levels)));
    assert!(CleanSvg::read(deep(31).as_bytes()).is_ok());
    assert_eq!(refusal(&deep(32)), SvgError::TooMuch);
    assert_eq!(refusal(&deep(50_000)), SvgError::TooMuch);
    assert_eq!(refusal(&svg(&"<g/>".repeat(2_000))), SvgError::TooMuch);
    let attributes: String = (0..65).map(|n| format!(" a{n}='1'")).collect();
    assert_eq!(refusal(&svg(&format!("<g{attributes}/>"))), SvgError::TooMuch);
    assert_eq!(refusal(&" ".repeat(512 * 1024 + 1)), SvgError::TooLong);
}

#[test]
fn the_root_is_an_svg_element_of_svg() {
    for text in [
        r#"<html xmlns="http://www.w3.org/2000/svg"/>"#,
        r#"<svg xmlns="http://www.w3.org/1999/xhtml"/>"#,
        r#"<svg/>"#,
        r#"<s:svg xmlns:s="http://www.w3.org/2000/svg"/>"#,
    ] {
        assert_eq!(refusal(text), SvgError::NotSvg, "{text}");
    }
}

#[test]
fn a_placeholder_stands_in_text_only() {
    for inside in [
        r#"<text x="{{name}}">a</text>"#,
        r#"<text data-x="{{name}}">a</text>"#,
        r#"<script x="{{name}}"/>"#,
    ] {
        assert_eq!(refusal(&svg(inside)), SvgError::MisplacedPlaceholder);
    }
}

#[test]
fn a_claim_is_text_whatever_it_says() {
    let claims = Claims::new().visible("name", "<script>&\"'</script>{{nick}}\u{202e}\u{7}");
    assert_eq!(
        fill("<text>{{name}}</text>", claims),
        Ok(svg("<text>&lt;script&gt;&amp;&quot;&apos;&lt;/script&gt;{{nick}}</text>"))
    );
}

#[test]
fn several_values_are_listed_and_what_is_not_there_leaves_nothing() {
    let claims = Claims::new()
        .visible("nations", json!(["CH", "AT"]))
        .visible("level", 3)
        .visible("address", json!({"city": "Bern"}));
    let filled = fill("<text>{{nations}}|{{level}}|{{address}}|{{nick}}|</text>", claims);
    assert_eq!(filled, Ok(svg("<text>CH, AT|3|||</text>")));
}

#[test]
fn a_placeholder_that_the_type_does_not_describe_is_not_drawn() {
    for text in ["<text>{{other}}</text>", "<text>{{name</text>", "<text>{{ name }}</text>"] {
        assert_eq!(fill(text, Claims::new()), Err(SvgError::UnknownPlaceholder), "{text}");
    }
}

#[test]
fn long_claims_are_cut_and_repeated_ones_do_not_grow_without_end() {
    let claims = || Claims::new().visible("name", "x".repeat(10_000));
    let filled = fill("<text>{{name}}</text>", claims()).unwrap();
    assert_eq!(filled, svg(&format!("<text>{}…</text>", "x".repeat(500))));
    let many = format!("<text>{}</text>", "{{name}}".repeat(10_000));
    assert_eq!(fill(&many, claims()), Err(SvgError::PictureTooLong));
}

#[test]
fn the_example_of_the_specification_is_filled() {
    let template = r#"<text x="10" y="20">Street address: {{name}}</text>"#;
    let filled = fill(template, Claims::new().visible("name", "42 Galaxy Way"));
    assert_eq!(filled, Ok(svg(r#"<text x="10" y="20">Street address: 42 Galaxy Way</text>"#)));
}

proptest! {
    /// Pieces of markup in any order: what comes out is clean, and cleaning it again changes nothing.
    #[test]
    fn whatever_goes_in_what_comes_out_is_clean(pieces in prop::collection::vec(prop::sample::select(vec![
        "<g>", "</g>", "<g", "/>", ">", "<script>", "</script>", " onload='x'", " href='#a'",
        " href=\"javascript:x\"", "<image", "<![CDATA[", "]]>", "<!--", "-->", "&lt;script&gt;",
        "&#60;", "text", "'", "\"", " fill='url(http://x)'", " style='x'", "<rect", "<use", "\u{202e}",
    ]), 0..24)) {
        let hostile = svg(&pieces.concat());
        if let Ok(once) = CleanSvg::read(hostile.as_bytes()) {
            let text = once.to_string();
            for bad in ["<script", "<use", "onload=\"", "style=\"", "\"javascript:", "<!--", "\"url(http"] {
                prop_assert!(!text.contains(bad), "{} left {}", hostile, text);
            }
            let twice = CleanSvg::read(text.as_bytes()).expect("what is written can be read");
            prop_assert_eq!(twice.to_string(), text);
        }
    }
}
