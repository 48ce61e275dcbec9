//! JSON-LD, its canonical dataset, and the proofs of documents.

use lanyard_core::{
    crypto::{HashAlgorithm, RustCrypto},
    data_integrity::{
        HeldDocument, JsonPointer, UnverifiedDocument,
        json_ld::{Contexts, to_rdf},
    },
    json::{canonicalize, parse, parse_object},
    w3c::ldp_vc::UnverifiedLdpVc,
};
use std::sync::Arc;

use super::{Target, core::text};

const DOCUMENT: &str = r#"{"@context":["https://www.w3.org/ns/credentials/v2",{"@vocab":"urn:v:","l":{"@id":"urn:l","@container":"@list"},"j":{"@id":"urn:j","@type":"@json"},"m":{"@id":"urn:m","@container":"@language"},"T":{"@id":"urn:T","@context":{"p":{"@id":"urn:p","@type":"@id"}}}}],"id":"urn:uuid:1","type":["VerifiableCredential","T"],"issuer":"did:example:a","name":{"@value":"a","@language":"en","@direction":"ltr"},"credentialSubject":[{"l":["a",{"b":1.5}],"j":[null],"m":{"en":"a"}},{"c":true}]}"#;

const SECURED: &str = r#"{"@context":["https://www.w3.org/ns/credentials/v2"],"type":["VerifiableCredential"],"issuer":"did:example:a","credentialSubject":{"id":"did:example:b","name":"Ada"},"proof":{"type":"DataIntegrityProof","cryptosuite":"eddsa-rdfc-2022","created":"2023-02-24T23:36:38Z","verificationMethod":"did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2#z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2","proofPurpose":"assertionMethod","proofValue":"z2YwC8z3ap7yx1nZYCg4L3j3ApHsF8kgPdSb5xoS1VR7vPG3F561B52hYnQF9iseabecm3ijx4K1FBTQsCZahKZme"}}"#;

const BASE_PROOF: &str = include_str!("base_proof.json");

pub(super) const JCS: Target = Target {
    name: "jcs",
    seeds: || vec![br#"{"b":[1,2.5,"\u20ac\n",null,true],"a":{}}"#.to_vec()],
    run: |bytes| {
        if let Some(canonical) = parse(bytes).ok().and_then(|value| canonicalize(&value).ok()) {
            let again = parse(canonical.as_bytes()).map(|value| canonicalize(&value));
            assert_eq!(again, Ok(Ok(canonical)), "the canonical form is its own");
        }
    },
};

pub(super) const JSON_LD: Target = Target {
    name: "json-ld",
    seeds: || vec![DOCUMENT.as_bytes().to_vec(), SECURED.as_bytes().to_vec()],
    run: |bytes| {
        if let Some(dataset) =
            parse_object(bytes).ok().and_then(|object| to_rdf(&object, Contexts::bundled()).ok())
        {
            let _ = dataset.canonicalize(HashAlgorithm::Sha256, &RustCrypto);
        }
    },
};

pub(super) const PROOF: Target = Target {
    name: "data-integrity-proof",
    seeds: || vec![SECURED.as_bytes().to_vec(), BASE_PROOF.trim_end().as_bytes().to_vec()],
    run: |bytes| {
        let _ = UnverifiedLdpVc::parse(bytes);
        if let Ok(document) = UnverifiedDocument::parse(bytes) {
            let contexts = Arc::clone(Contexts::bundled());
            let held = HeldDocument::danger_hold_unverified(document, contexts);
            let everything = JsonPointer::parse("").into_iter().collect::<Vec<_>>();
            let _ = held.disclose(&everything, &RustCrypto);
        }
    },
};

pub(super) const POINTER: Target = Target {
    name: "json-pointer",
    seeds: || vec![b"/credentialSubject/a~1b/0".to_vec()],
    run: |bytes| {
        text(bytes, |pointer| {
            if let Ok(read) = JsonPointer::parse(pointer) {
                assert_eq!(read.as_str(), pointer, "it is kept as it was written");
            }
        });
    },
};
