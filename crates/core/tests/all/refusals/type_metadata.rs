//! The documents of types (SD-JWT VC §5, §6), and the SVG templates they lead to.

use std::collections::BTreeMap;

use async_trait::async_trait;
use lanyard_core::{
    crypto::{AwsLc, CryptoProvider, HashAlgorithm, RustCrypto},
    sd_jwt_vc::{
        Vct,
        type_metadata::{
            CleanSvg, EffectiveTypeMetadata, Integrity, TypeMetadataSource, TypeMetadataUnavailable,
        },
    },
};
use serde_json::{Value, json};

use super::{Rule, Suite};
use crate::sd_jwt_support::ready;

const TYPES: &str = "types";
const SVG: &str = "svg template";

const TYPE: &str = "https://types.example/badge";
const BASE: &str = "https://types.example/base";

#[test]
fn documents_of_types_are_refused_for_the_published_reasons() {
    let suite = suite().published("type-metadata");
    let vct = Vct::parse(suite.setting["vct"].as_str().expect("it is text")).expect("a type");
    for provider in [&RustCrypto as &dyn CryptoProvider, &AwsLc] {
        suite.run_each(|format, input| read(format, input, &vct, provider));
    }
}

fn read(format: &str, input: &str, vct: &Vct, provider: &dyn CryptoProvider) -> Result<(), String> {
    if format == SVG {
        return CleanSvg::read(input.as_bytes()).map(drop).map_err(|error| error.code().to_owned());
    }
    let input: Value = serde_json::from_str(input).expect("it was written so");
    let documents = input["documents"].as_object().expect("an object").iter();
    let documents = documents
        .map(|(vct, text)| (vct.clone(), text.as_str().expect("text").as_bytes().to_vec()));
    let shelf = Shelf(documents.collect());
    let integrity = input["vct#integrity"].as_str();
    let integrity = integrity.map(|text| Integrity::parse(text).expect("it is well-formed"));
    let read = EffectiveTypeMetadata::of_type(vct, integrity.as_ref(), &shelf, provider);
    ready(read).map(drop).map_err(|error| error.code().to_owned())
}

/// Documents by the type that they are asked for by.
struct Shelf(BTreeMap<String, Vec<u8>>);

#[async_trait]
impl TypeMetadataSource for Shelf {
    async fn document(
        &self,
        vct: &Vct,
        _: Option<&Integrity>,
    ) -> Result<Vec<u8>, TypeMetadataUnavailable> {
        self.0.get(vct.as_str()).cloned().ok_or(TypeMetadataUnavailable::NotPublished)
    }
}

fn suite() -> Suite {
    let mut suite = Suite {
        subject: "type metadata: `types`, an object with the `documents` that are published, each \
                  by its type, and the `vct#integrity` of the credential; an `svg template`"
            .into(),
        specifications: vec!["draft-ietf-oauth-sd-jwt-vc-19".into(), "W3C SRI".into()],
        setting: json!({"vct": TYPE}),
        accepted: Vec::new(),
        refused: Vec::new(),
    };
    suite.accept(TYPES, "one-type", one(&good()));
    suite.accept(TYPES, "a-type-that-extends-another", extending(json!({}), json!({})));
    forms(&mut suite);
    claims(&mut suite);
    chains(&mut suite);
    digests(&mut suite);
    templates(&mut suite);
    suite
}

fn good() -> Value {
    json!({
        "vct": TYPE,
        "name": "Badge",
        "display": [{"locale": "en", "name": "Badge"}],
        "claims": [{"path": ["name"], "mandatory": true, "sd": "never", "svg_id": "name"}],
    })
}

fn of(documents: &[(&str, String)], integrity: Option<&str>) -> String {
    let documents: BTreeMap<_, _> = documents.iter().cloned().collect();
    json!({"documents": documents, "vct#integrity": integrity}).to_string()
}

fn one(document: &Value) -> String {
    of(&[(TYPE, document.to_string())], None)
}

/// A good document with a member set, or removed by null.
fn with(name: &str, value: Value) -> String {
    let mut document = good();
    if value.is_null() {
        document.as_object_mut().expect("an object").shift_remove(name);
    } else {
        document[name] = value;
    }
    one(&document)
}

/// A type with one claim, which extends a type with the same claim.
fn extending(child: Value, base: Value) -> String {
    let claim = |mut claim: Value| {
        claim["path"] = json!(["name"]);
        json!([claim])
    };
    let child = json!({"vct": TYPE, "extends": BASE, "claims": claim(child)});
    let base = json!({"vct": BASE, "claims": claim(base)});
    of(&[(TYPE, child.to_string()), (BASE, base.to_string())], None)
}

fn refuse(suite: &mut Suite, rule: Rule, cases: Vec<(&str, String)>) {
    for (id, input) in cases {
        suite.refuse_as(TYPES, id, rule, input);
    }
}

fn forms(suite: &mut Suite) {
    let text = good().to_string();
    let raw = |text: &str| of(&[(TYPE, text.to_owned())], None);
    refuse(
        suite,
        ("SD-JWT VC §5.2", "type_metadata_malformed"),
        vec![
            ("not-json", raw("<html>")),
            ("an-array", raw("[]")),
            ("with-a-member-twice", raw(&text.replacen('{', r#"{"name":"a","#, 1))),
            ("vct-missing", with("vct", Value::Null)),
            ("vct-a-number", with("vct", json!(1))),
            ("vct-empty", with("vct", json!(""))),
            ("name-a-number", with("name", json!(1))),
            ("extends-a-number", with("extends", json!(1))),
            ("extends-integrity-malformed", {
                let mut document = good();
                document["extends"] = json!(BASE);
                document["extends#integrity"] = json!("sha256");
                one(&document)
            }),
            ("display-an-object", with("display", json!({}))),
            ("display-without-a-name", with("display", json!([{"locale": "en"}]))),
            ("display-without-a-locale", with("display", json!([{"name": "Badge"}]))),
            (
                "display-of-no-language",
                with("display", json!([{"locale": "e n", "name": "Badge"}])),
            ),
        ],
    );
    refuse(
        suite,
        ("SD-JWT VC §5.2", "type_metadata_about_another_type"),
        vec![
            ("about-another-type", with("vct", json!("https://types.example/other"))),
            ("about-another-spelling", with("vct", json!("https://types.example/Badge"))),
        ],
    );
    refuse(
        suite,
        ("SD-JWT VC §5.7", "type_metadata_not_published"),
        vec![
            ("published-nowhere", of(&[], None)),
            ("extends-what-is-published-nowhere", with("extends", json!(BASE))),
        ],
    );
}

fn claims(suite: &mut Suite) {
    let claim = |claim: Value| with("claims", json!([claim]));
    refuse(
        suite,
        ("SD-JWT VC §5.6", "type_metadata_malformed"),
        vec![
            ("claims-an-object", with("claims", json!({}))),
            ("claim-a-text", claim(json!("name"))),
            ("claim-without-a-path", claim(json!({"sd": "always"}))),
            ("claim-with-an-empty-path", claim(json!({"path": []}))),
            ("claim-with-a-negative-index", claim(json!({"path": ["a", -1]}))),
            ("claim-with-a-text-for-a-path", claim(json!({"path": "name"}))),
            ("claim-mandatory-a-text", claim(json!({"path": ["a"], "mandatory": "true"}))),
            ("claim-sd-unknown", claim(json!({"path": ["a"], "sd": "sometimes"}))),
            ("claim-svg-id-with-a-dash", claim(json!({"path": ["a"], "svg_id": "a-b"}))),
            ("claim-svg-id-with-a-digit-first", claim(json!({"path": ["a"], "svg_id": "1a"}))),
            ("claim-display-a-text", claim(json!({"path": ["a"], "display": "a"}))),
            ("claim-twice", with("claims", json!([{"path": ["a"]}, {"path": ["a"]}]))),
            (
                "svg-id-twice",
                with(
                    "claims",
                    json!([
                        {"path": ["a"], "svg_id": "a"}, {"path": ["b"], "svg_id": "a"},
                    ]),
                ),
            ),
        ],
    );
}

fn chains(suite: &mut Suite) {
    let extends = |vct: &str, other: &str| json!({"vct": vct, "extends": other}).to_string();
    refuse(
        suite,
        ("SD-JWT VC §5.3", "type_metadata_circular"),
        vec![
            ("extends-itself", of(&[(TYPE, extends(TYPE, TYPE))], None)),
            (
                "extends-what-extends-it",
                of(&[(TYPE, extends(TYPE, BASE)), (BASE, extends(BASE, TYPE))], None),
            ),
        ],
    );
    let names: Vec<_> = (0..20).map(|n| format!("https://types.example/{n}")).collect();
    let mut chain = vec![(TYPE, extends(TYPE, &names[0]))];
    for pair in names.windows(2) {
        chain.push((&pair[0], extends(&pair[0], &pair[1])));
    }
    refuse(
        suite,
        ("SD-JWT VC §5.3", "type_metadata_chain_too_long"),
        vec![("extends-without-end", of(&chain, None))],
    );
    let rule: Rule = ("SD-JWT VC §5.6.5.1", "type_metadata_loosened");
    refuse(
        suite,
        rule,
        vec![
            ("always-made-allowed", extending(json!({"sd": "allowed"}), json!({"sd": "always"}))),
            ("always-made-never", extending(json!({"sd": "never"}), json!({"sd": "always"}))),
            ("never-made-always", extending(json!({"sd": "always"}), json!({"sd": "never"}))),
            (
                "mandatory-made-optional",
                extending(json!({"mandatory": false}), json!({"mandatory": true})),
            ),
        ],
    );
}

fn digests(suite: &mut Suite) {
    let text = good().to_string();
    let digest = |algorithm: HashAlgorithm, text: &str| {
        use base64::Engine as _;
        let digest = RustCrypto.hash(algorithm, text.as_bytes());
        base64::engine::general_purpose::STANDARD.encode(digest.as_bytes())
    };
    let sha256 = format!("sha256-{}", digest(HashAlgorithm::Sha256, &text));
    let document = || [(TYPE, text.clone())];
    suite.accept(TYPES, "of-its-digest", of(&document(), Some(&sha256)));
    let other = format!("sha256-{}", digest(HashAlgorithm::Sha256, "{}"));
    let stronger = format!("{sha256} sha384-{}", digest(HashAlgorithm::Sha384, "{}"));
    let extended = |base: &str, integrity: &str| {
        let child = json!({"vct": TYPE, "extends": BASE, "extends#integrity": integrity});
        of(&[(TYPE, child.to_string()), (BASE, base.to_owned())], None)
    };
    let base = json!({"vct": BASE}).to_string();
    refuse(
        suite,
        ("SD-JWT VC §6", "type_metadata_integrity"),
        vec![
            ("of-another-digest", of(&document(), Some(&other))),
            ("of-a-weaker-digest-alone", of(&document(), Some(&stronger))),
            ("with-a-space-more", of(&[(TYPE, format!("{text} "))], Some(&sha256))),
            ("of-an-unknown-digest", of(&document(), Some("md5-1B2M2Y8AsgTpgAmY7PhCfg=="))),
            ("extends-of-another-digest", extended(&base, &other)),
        ],
    );
}

fn templates(suite: &mut Suite) {
    let svg = |inside: &str| format!(r#"<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>"#);
    suite.accept(SVG, "svg-with-a-placeholder", svg("<text>{{name}}</text>"));
    let mut refuse = |rule: Rule, cases: Vec<(&str, String)>| {
        for (id, input) in cases {
            suite.refuse_as(SVG, format!("svg-{id}"), rule, input);
        }
    };
    let deep = format!("{}{}", "<g>".repeat(32), "</g>".repeat(32));
    let attributes: String = (0..65).map(|n| format!(" a{n}='1'")).collect();
    refuse(
        ("XML 1.0 §2.8", "svg_document_type"),
        vec![
            ("with-entities", format!("<!DOCTYPE svg [<!ENTITY a \"aaaa\">]>{}", svg(""))),
            ("with-a-file", format!("<!DOCTYPE svg SYSTEM \"file:///etc/passwd\">{}", svg(""))),
        ],
    );
    refuse(
        ("XML 1.0 §2.1", "svg_malformed"),
        vec![
            ("not-closed", svg("<g>")),
            ("crossed", svg("<g><text></g></text>")),
            ("twice", format!("{}{}", svg(""), svg(""))),
            ("with-an-unknown-entity", svg("<text>&a;</text>")),
            ("with-an-attribute-twice", svg("<g x='1' x='2'/>")),
            ("of-utf-7", format!("<?xml version='1.0' encoding='utf-7'?>{}", svg(""))),
            ("of-nothing", String::new()),
        ],
    );
    refuse(
        ("a limit", "svg_too_much"),
        vec![
            ("too-deep", svg(&deep)),
            ("of-too-many-elements", svg(&"<g/>".repeat(2_000))),
            ("of-too-many-attributes", svg(&format!("<g{attributes}/>"))),
        ],
    );
    refuse(
        ("SVG 2 §5.1", "svg_not_svg"),
        vec![
            ("of-html", "<html/>".into()),
            ("of-no-namespace", "<svg/>".into()),
            ("of-another-namespace", r#"<svg xmlns="http://www.w3.org/1999/xhtml"/>"#.into()),
        ],
    );
    refuse(
        ("SD-JWT VC §5.5.1.2.2", "svg_placeholder_misplaced"),
        vec![
            ("placeholder-in-an-attribute", svg(r#"<text x="{{name}}">a</text>"#)),
            ("placeholder-in-a-script", svg(r#"<script x="{{name}}"/>"#)),
        ],
    );
}
