//! The generator inputs of the RFC and of the Python reference: issued, held, presented and verified.

use std::path::Path;

use lanyard_core::{
    claims::{Claims, ClaimsPath, Decoys, Elements},
    crypto::{AwsLc, HashAlgorithm},
    json::Object,
    sd_jwt::{UnverifiedSdJwt, issue},
};
use lanyard_testkit::vectors;
use serde_json::{Value, json};
use yaml_rust2::{
    parser::{Event, EventReceiver, Parser, Tag},
    scanner::TScalarStyle,
};

use crate::sd_jwt_support::{Party, SLOT, ready};

/// A YAML value that remembers where `!sd` was.
#[derive(Clone)]
struct Node {
    selective: bool,
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Scalar(Value),
    Array(Vec<Node>),
    /// Each name with whether it is selective.
    Object(Vec<(String, bool, Node)>),
}

struct Events(std::vec::IntoIter<Event>);

impl Events {
    fn read(text: &str) -> Node {
        let mut collected = Collect(Vec::new());
        let mut parser = Parser::new_from_str(text);
        parser.load(&mut collected, false).expect("the input is YAML");
        let mut events = Self(collected.0.into_iter());
        let first = events.next();
        events.node(first)
    }

    fn next(&mut self) -> Event {
        let ignored = |event: &Event| {
            matches!(event, Event::Nothing | Event::StreamStart | Event::DocumentStart)
        };
        self.0.by_ref().find(|event| !ignored(event)).expect("the document is complete")
    }

    fn node(&mut self, event: Event) -> Node {
        match event {
            Event::Scalar(text, style, _, tag) => {
                Node { selective: is_sd(tag.as_ref()), kind: Kind::Scalar(scalar(text, style)) }
            }
            Event::SequenceStart(_, tag) => {
                let mut elements = Vec::new();
                loop {
                    match self.next() {
                        Event::SequenceEnd => break,
                        event => elements.push(self.node(event)),
                    }
                }
                Node { selective: is_sd(tag.as_ref()), kind: Kind::Array(elements) }
            }
            Event::MappingStart(_, tag) => {
                let mut members = Vec::new();
                loop {
                    match self.next() {
                        Event::MappingEnd => break,
                        Event::Scalar(name, _, _, tag) => {
                            let value = self.next();
                            members.push((name, is_sd(tag.as_ref()), self.node(value)));
                        }
                        other => unreachable!("a name is a scalar, and not {other:?}"),
                    }
                }
                Node { selective: is_sd(tag.as_ref()), kind: Kind::Object(members) }
            }
            other => unreachable!("no value starts with {other:?}"),
        }
    }
}

struct Collect(Vec<Event>);

impl EventReceiver for Collect {
    fn on_event(&mut self, event: Event) {
        self.0.push(event);
    }
}

fn is_sd(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| tag.suffix == "sd")
}

/// What PyYAML makes of a scalar, as far as the inputs need it.
fn scalar(text: String, style: TScalarStyle) -> Value {
    if style != TScalarStyle::Plain {
        return text.into();
    }
    match text.as_str() {
        "null" | "~" | "" => Value::Null,
        "true" | "True" => true.into(),
        "false" | "False" => false.into(),
        text => match serde_json::from_str(text) {
            Ok(Value::Number(number)) => Value::Number(number),
            _ => text.into(),
        },
    }
}

impl Node {
    fn member(&self, name: &str) -> Option<&Self> {
        let Kind::Object(members) = &self.kind else { return None };
        members.iter().find(|(member, ..)| member == name).map(|(_, _, node)| node)
    }

    fn plain(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value) => value.clone(),
            Kind::Array(elements) => elements.iter().map(Self::plain).collect(),
            Kind::Object(members) => members
                .iter()
                .map(|(name, _, node)| (name.clone(), node.plain()))
                .collect::<Object>()
                .into(),
        }
    }

    fn claims(&self, decoys: Decoys) -> Claims {
        let Kind::Object(members) = &self.kind else { unreachable!("claims are an object") };
        members.iter().fold(Claims::new().decoys(decoys), |claims, (name, selective, node)| match (
            &node.kind, selective,
        ) {
            (Kind::Scalar(value), false) => claims.visible(name, value.clone()),
            (Kind::Scalar(value), true) => claims.selective(name, value.clone()),
            (Kind::Object(_), false) => claims.visible_object(name, node.claims(decoys)),
            (Kind::Object(_), true) => claims.selective_object(name, node.claims(decoys)),
            (Kind::Array(_), false) => claims.visible_array(name, node.elements(decoys)),
            (Kind::Array(_), true) => claims.selective_array(name, node.elements(decoys)),
        })
    }

    fn elements(&self, decoys: Decoys) -> Elements {
        let Kind::Array(elements) = &self.kind else { unreachable!("elements are an array") };
        elements.iter().fold(Elements::new().decoys(decoys), |array, node| {
            match (&node.kind, node.selective) {
                (Kind::Scalar(value), false) => array.visible(value.clone()),
                (Kind::Scalar(value), true) => array.selective(value.clone()),
                (Kind::Object(_), false) => array.visible_object(node.claims(decoys)),
                (Kind::Object(_), true) => array.selective_object(node.claims(decoys)),
                (Kind::Array(_), false) => array.visible_array(node.elements(decoys)),
                (Kind::Array(_), true) => array.selective_array(node.elements(decoys)),
            }
        })
    }

    /// Where the holder's choice says true.
    fn chosen(&self, here: &[Value], paths: &mut Vec<ClaimsPath>) {
        let below = |step: Value| [here, &[step]].concat();
        match &self.kind {
            Kind::Scalar(Value::Bool(true)) => {
                let path = ClaimsPath::from_value(&Value::from(here.to_vec()));
                paths.push(path.expect("a choice is below the top level"));
            }
            Kind::Scalar(_) => {}
            Kind::Array(elements) => {
                for (index, node) in (0_u64..).zip(elements) {
                    node.chosen(&below(index.into()), paths);
                }
            }
            Kind::Object(members) => {
                for (name, _, node) in members {
                    node.chosen(&below(name.as_str().into()), paths);
                }
            }
        }
    }
}

/// Issues, holds, presents and verifies one input; gives what the verifier saw.
fn round_trip(input: &Node) -> (Value, Value) {
    let claims = input.member("user_claims").expect("every input has claims");
    let decoys = input.member("add_decoy_claims").map(Node::plain) == Some(json!(true));
    let decoys = if decoys { Decoys::Count(3) } else { Decoys::None };
    let issuer = Party::new();
    let header = Object::from_iter([("typ".to_owned(), "test+sd-jwt".into())]);
    let tree = claims.claims(decoys);
    let issued = ready(issue(header, &tree, HashAlgorithm::Sha256, &issuer.signer, &AwsLc));
    let issued = issued.expect("a key in memory signs");
    let held = UnverifiedSdJwt::parse(&issued)
        .and_then(|sd_jwt| sd_jwt.verify_for_holding(&SLOT, &issuer.jwk.key, &AwsLc))
        .expect("it was issued here");
    assert_eq!(*held.claims().as_value(), claims.plain());

    let mut paths = Vec::new();
    if let Some(choice) = input.member("holder_disclosed_claims") {
        choice.chosen(&[], &mut paths);
    }
    // the inputs choose some claims that are not there, which the generator overlooks
    paths.retain(|path| path.locate(held.claims().as_value()).is_ok());
    let presentation = ready(held.present(&paths, None, &AwsLc)).expect("the claims are there");
    let verified = UnverifiedSdJwt::parse(&presentation)
        .and_then(|sd_jwt| sd_jwt.verify(&SLOT, &issuer.jwk.key, None, &AwsLc))
        .expect("it was presented here");
    (claims.plain(), verified.into_claims().into_value())
}

#[test]
fn every_generator_input_goes_round() {
    if !vectors::available("sd-jwt") {
        return;
    }
    let (mut seen, mut expected) = (0, 0);
    for group in ["rfc9901", "sd-jwt-vc", "sd-jwt-python-testcases"] {
        let folder = vectors::folder().join("sd-jwt/generator-inputs").join(group);
        for entry in std::fs::read_dir(&folder).unwrap() {
            let file = entry.unwrap().path().join("specification.yml");
            if !file.exists() {
                continue;
            }
            let input = Events::read(&vectors::text(Path::new(&file)));
            let (whole, shown) = round_trip(&input);
            if let Some(printed) = input.member("expect_verified_user_claims") {
                assert_eq!(shown, printed.plain(), "{}", file.display());
                expected += 1;
            }
            assert!(is_part_of(&shown, &whole), "{}", file.display());
            seen += 1;
        }
    }
    assert_eq!((seen, expected), (35, 17));
}

/// Whether nothing is shown that is not there.
fn is_part_of(shown: &Value, whole: &Value) -> bool {
    match (shown, whole) {
        (Value::Object(shown), Value::Object(whole)) => shown
            .iter()
            .all(|(name, value)| whole.get(name).is_some_and(|there| is_part_of(value, there))),
        (Value::Array(shown), Value::Array(whole)) => {
            shown.iter().all(|value| whole.iter().any(|there| is_part_of(value, there)))
        }
        (shown, whole) => shown == whole,
    }
}
