//! The test suite of RDF Dataset Canonicalization 1.0, and poisoned datasets.

use std::time::Duration;

use lanyard_core::{
    crypto::HashAlgorithm,
    data_integrity::rdf::{Dataset, RdfError, Term},
};
use lanyard_testkit::{Effort, vectors};

use crate::data_integrity::PROVIDERS;

/// Reads a term of N-Quads; gives it with what comes after.
enum Read {
    Iri(String),
    Blank(String),
    Literal(String, String),
    Text(String, String),
}

const XSD_STRING: &str = "http://www.w3.org/2001/XMLSchema#string";

impl Read {
    fn term(&self) -> Term<'_> {
        match self {
            Self::Iri(iri) => Term::Iri(iri),
            Self::Blank(label) => Term::Blank(label),
            Self::Literal(lexical, datatype) => Term::Literal { lexical, datatype },
            Self::Text(lexical, language) => Term::Text { lexical, language },
        }
    }

    fn next(text: &str) -> Option<(Self, &str)> {
        let text = text.trim_start();
        if let Some(rest) = text.strip_prefix('<') {
            let (iri, rest) = rest.split_once('>')?;
            return Some((Self::Iri(unescape(iri)), rest));
        }
        if let Some(rest) = text.strip_prefix("_:") {
            let (label, rest) = rest.split_once(' ')?;
            return Some((Self::Blank(label.to_owned()), rest));
        }
        let rest = text.strip_prefix('"')?;
        let mut escaped = false;
        let end = rest.find(|character: char| {
            let ends = character == '"' && !escaped;
            escaped = character == '\\' && !escaped;
            ends
        })?;
        let (lexical, rest) = (unescape(&rest[..end]), &rest[end + 1..]);
        if let Some(rest) = rest.strip_prefix("^^<") {
            let (datatype, rest) = rest.split_once('>')?;
            return Some((Self::Literal(lexical, unescape(datatype)), rest));
        }
        if let Some(rest) = rest.strip_prefix('@') {
            let (language, rest) = rest.split_once(' ')?;
            return Some((Self::Text(lexical, language.to_owned()), rest));
        }
        Some((Self::Literal(lexical, XSD_STRING.to_owned()), rest))
    }
}

fn unescape(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        let escape = (character == '\\').then(|| characters.next()).flatten();
        let digits = match escape {
            None => {
                out.push(character);
                continue;
            }
            Some('u') => 4,
            Some('U') => 8,
            Some(short) => {
                out.push(match short {
                    't' => '\t',
                    'b' => '\u{8}',
                    'n' => '\n',
                    'r' => '\r',
                    'f' => '\u{c}',
                    same => same,
                });
                continue;
            }
        };
        let digits: String = characters.by_ref().take(digits).collect();
        let code = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32);
        out.push(code.expect("a code point"));
    }
    out
}

fn nquads(text: &str) -> Dataset {
    let mut dataset = Dataset::new();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let (subject, rest) = Read::next(line).expect("a subject");
        let (predicate, rest) = Read::next(rest).expect("a predicate");
        let (object, rest) = Read::next(rest).expect("an object");
        let graph = Read::next(rest).map(|(graph, _)| graph);
        let Read::Iri(predicate) = predicate else { unreachable!("a predicate is an IRI") };
        dataset
            .insert(subject.term(), &predicate, object.term(), graph.as_ref().map(Read::term))
            .expect("the quads are good");
    }
    dataset
}

#[test]
fn every_test_of_the_suite_passes_with_both_providers() {
    if !vectors::available("rdf-canon") {
        return;
    }
    let manifest = vectors::json("rdf-canon/manifest.jsonld");
    let mut exercised = 0;
    for entry in manifest["entries"].as_array().unwrap() {
        let text = |name: &str| entry[name].as_str();
        let name = text("id").unwrap();
        let file = |name: &str| format!("rdf-canon/{}", text(name).unwrap());
        let dataset = nquads(&String::from_utf8(vectors::bytes(file("action"))).unwrap());
        let algorithm = match text("hashAlgorithm") {
            None => HashAlgorithm::Sha256,
            Some(algorithm) => {
                assert_eq!(algorithm, "SHA384", "{name}");
                HashAlgorithm::Sha384
            }
        };
        for provider in PROVIDERS {
            let outcome = dataset.canonicalize(algorithm, provider);
            match text("type").unwrap() {
                "rdfc:RDFC10EvalTest" => {
                    let expected = String::from_utf8(vectors::bytes(file("result"))).unwrap();
                    assert_eq!(outcome.unwrap().to_n_quads(), expected, "{name}");
                }
                "rdfc:RDFC10MapTest" => {
                    let expected = vectors::json(file("result"));
                    let labels = outcome.unwrap();
                    let labels =
                        labels.labels().iter().map(|(of, to)| (of.clone(), to.as_str().into()));
                    assert_eq!(serde_json::Value::Object(labels.collect()), expected, "{name}");
                }
                "rdfc:RDFC10NegativeEvalTest" => {
                    assert_eq!(outcome, Err(RdfError::TooMuchWork), "{name}");
                }
                other => unreachable!("{name} is a {other}"),
            }
        }
        exercised += 1;
    }
    assert_eq!(exercised, 86);
}

/// Every blank node is related to these others.
fn graph(nodes: usize, related: impl Fn(usize) -> Vec<usize>) -> Dataset {
    let mut dataset = Dataset::new();
    for node in 0..nodes {
        for other in related(node) {
            let (subject, object) = (format!("n{node}"), format!("n{other}"));
            dataset
                .insert(Term::Blank(&subject), "urn:p", Term::Blank(&object), None)
                .expect("it is small enough");
        }
    }
    dataset
}

#[test]
fn a_poisoned_dataset_is_refused_in_bounded_time() {
    let cliques = [7, 8, 10, 20, 40].map(|n| {
        let clique = graph(n, |node| (0..n).filter(|other| *other != node).collect());
        (format!("clique of {n}"), clique)
    });
    let prisms = [16, 32, 64].map(|n| {
        let half = n / 2;
        let ring = |node: usize| {
            let (floor, at) = (node / half * half, node % half);
            vec![floor + (at + 1) % half, floor + (at + half - 1) % half, (node + half) % n]
        };
        (format!("prism of {n}"), graph(n, ring))
    });
    let cube = |dimensions: usize| {
        let related = move |node: usize| (0..dimensions).map(|bit| node ^ (1 << bit)).collect();
        (format!("cube of {dimensions}"), graph(1 << dimensions, related))
    };
    let bipartite = [3, 6, 16, 32].map(|n| {
        let related = move |node: usize| if node < n { (n..2 * n).collect() } else { Vec::new() };
        (format!("bipartite of {n}"), graph(2 * n, related))
    });
    let cubes = [3, 4, 5, 6].map(cube);
    for (name, dataset) in cliques.into_iter().chain(prisms).chain(cubes).chain(bipartite) {
        for provider in PROVIDERS {
            let effort = Effort::start();
            let outcome = dataset.canonicalize(HashAlgorithm::Sha256, provider);
            let took = effort.spent();
            println!("{name}: {took:?} {:?}", outcome.as_ref().map(|_| ()));
            // far more than it takes without optimization; released, it is a few dozen milliseconds
            assert!(took < Duration::from_secs(10), "{name} took {took:?}");
            if !name.ends_with(" 3") && !name.ends_with(" 4") {
                assert_eq!(outcome, Err(RdfError::TooMuchWork), "{name}");
            }
        }
    }
}
