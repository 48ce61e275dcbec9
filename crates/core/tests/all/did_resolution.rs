//! What a resolution is asked and answers, and what a DID URL leads to (DID Resolution 1.0).

use std::sync::Arc;

use lanyard_core::{
    crypto::RustCrypto,
    did::{
        Dereferenced, Did, DidDocument, DidMethods, DidUrl, DocumentMetadata, ResolutionError,
        ResolutionOptions, Resolved, Version,
    },
};
use serde_json::{Value, json};

use crate::did_support::now;

fn url(text: &str) -> DidUrl {
    DidUrl::parse(text).expect("the tests use good DID URLs")
}

const KEY: &str = "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK";

fn resolve(did: &str, options: &ResolutionOptions) -> Result<Resolved, ResolutionError> {
    now(DidMethods::new(Arc::new(RustCrypto)).resolve_with(&Did::parse(did)?, options))
}

#[test]
fn a_result_has_the_document_and_its_media_type() {
    let resolved = resolve(KEY, &ResolutionOptions::default()).unwrap();
    assert_eq!(resolved.fresh_for, None);
    let result = resolved.to_json("application/did");
    assert_eq!(result["didDocument"]["id"], KEY);
    assert_eq!(result["didDocumentMetadata"], json!({}));
    assert_eq!(result["didResolutionMetadata"], json!({"contentType": "application/did"}));
}

#[test]
fn a_result_says_what_is_known_about_the_document() {
    let metadata = DocumentMetadata {
        created: Some("2025-01-23T04:12:36.789Z".parse().unwrap()),
        updated: Some("2025-02-01T00:00:00Z".parse().unwrap()),
        version_id: Some("1-Qm".to_owned()),
        next_version_id: Some("2-Qm".to_owned()),
        next_update: Some("2025-03-01T00:00:00Z".parse().unwrap()),
        ..DocumentMetadata::default()
    };
    let expected = json!({
        "created": "2025-01-23T04:12:36Z",
        "updated": "2025-02-01T00:00:00Z",
        "versionId": "1-Qm",
        "nextUpdate": "2025-03-01T00:00:00Z",
        "nextVersionId": "2-Qm",
    });
    assert_eq!(Value::Object(metadata.to_json()), expected);
}

#[test]
fn a_deactivated_did_has_a_result_without_a_document() {
    let metadata = DocumentMetadata { deactivated: true, ..DocumentMetadata::default() };
    let resolved = Resolved { document: None, metadata, fresh_for: None };
    let result = resolved.to_json("application/did");
    assert_eq!(result["didDocument"], Value::Null);
    assert_eq!(result["didDocumentMetadata"], json!({"deactivated": true}));
    assert_eq!(result["didResolutionMetadata"], json!({}));
    assert_eq!(resolved.into_document(), Err(ResolutionError::Deactivated));
}

#[test]
fn a_failure_is_a_problem_object_with_the_uri_of_its_type() {
    let failure = resolve("did:example:a", &ResolutionOptions::default()).unwrap_err();
    let result = failure.to_json();
    assert_eq!(result["didDocument"], Value::Null);
    assert_eq!(
        result["didResolutionMetadata"]["error"],
        json!({
            "type": "https://www.w3.org/ns/did#METHOD_NOT_SUPPORTED",
            "title": "DID method not supported",
            "detail": "the DID method is not supported",
        })
    );
}

#[test]
fn a_version_is_read_from_the_query() {
    let version = |query: &str| ResolutionOptions::of(&url(&format!("{KEY}?{query}"))).unwrap();
    let is = |version| ResolutionOptions { version: Some(version) };
    assert_eq!(version("service=a"), ResolutionOptions::default());
    assert_eq!(version("versionId=1-Qm%41"), is(Version::Id("1-QmA".to_owned())));
    assert_eq!(version("versionNumber=2"), is(Version::Number(2)));
    let time = Version::Time("2025-01-23T04:12:36Z".parse().unwrap());
    assert_eq!(version("versionTime=2025-01-23T04:12:36Z"), is(time));
}

#[test]
fn refuses_a_version_that_cannot_be_read() {
    for query in [
        "versionId=",
        "versionTime=yesterday",
        "versionTime=2025-01-23T04:12:36",
        "versionTime=2025-01-23T04:12:36%2B01:00",
        "versionNumber=-1",
        "versionNumber=one",
        "versionId=a&versionId=a",
        "versionId=a&versionNumber=1",
        "versionId=%ff",
    ] {
        let options = ResolutionOptions::of(&url(&format!("{KEY}?{query}")));
        assert_eq!(options, Err(ResolutionError::InvalidOption), "{query}");
    }
}

#[test]
fn refuses_a_version_of_a_did_that_has_no_versions() {
    let options = ResolutionOptions { version: Some(Version::Number(1)) };
    assert_eq!(resolve(KEY, &options), Err(ResolutionError::OptionNotSupported));
    assert_eq!(ResolutionError::OptionNotSupported.code(), "FEATURE_NOT_SUPPORTED");
}

const DID: &str = "did:web:issuer.example";

fn document() -> DidDocument {
    let document = json!({
        "id": DID,
        "verificationMethod": [{
            "id": "#key", "type": "Multikey", "controller": DID,
            "publicKeyMultibase": "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
        }],
        "authentication": [{
            "id": format!("{DID}#embedded"), "type": "Multikey", "controller": DID,
            "publicKeyMultibase": "z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK",
        }],
        "assertionMethod": ["#key"],
        "service": [
            {"id": "#files", "type": "Files", "serviceEndpoint": "https://files.example/staff/"},
            {"id": format!("{DID}#many"), "type": ["Many", "Files"],
             "serviceEndpoint": ["https://one.example/", {"uri": "https://two.example/"}]},
            {"id": "#map", "type": "Map", "serviceEndpoint": {"uri": "https://map.example/"}},
            {"id": "#part", "type": "Part", "serviceEndpoint": "https://part.example/#part"},
        ],
    });
    let did = Did::parse(DID).expect("a good DID");
    DidDocument::parse(&did, document.to_string().as_bytes(), &RustCrypto).expect("a good document")
}

fn dereference(rest: &str) -> Result<Dereferenced, ResolutionError> {
    document().dereference(&url(&format!("{DID}{rest}")))
}

fn endpoints(rest: &str) -> Result<Vec<String>, ResolutionError> {
    Ok(match dereference(rest)? {
        Dereferenced::ServiceEndpoints(urls) => urls.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    })
}

#[test]
fn a_bare_did_names_the_document() {
    assert_eq!(dereference(""), Ok(Dereferenced::Document(document())));
    assert_eq!(dereference("?versionNumber=1"), Ok(Dereferenced::Document(document())));
}

#[test]
fn a_fragment_names_a_part_of_the_document() {
    for (fragment, kind) in [("key", "Multikey"), ("embedded", "Multikey"), ("files", "Files")] {
        let Ok(Dereferenced::Resource(part)) = dereference(&format!("#{fragment}")) else {
            unreachable!("{fragment} is a part of the document");
        };
        assert_eq!(part["type"], kind);
    }
    assert_eq!(dereference("#other"), Err(ResolutionError::NotFound));
}

#[test]
fn a_service_leads_to_its_endpoints() {
    let one = |url: &str| Ok(vec![url.to_owned()]);
    assert_eq!(endpoints("?service=files"), one("https://files.example/staff/"));
    assert_eq!(endpoints("?service=%23files"), one("https://files.example/staff/"));
    assert_eq!(endpoints("?service=many"), one("https://one.example/"));
    assert_eq!(endpoints("?serviceType=Many"), one("https://one.example/"));
    assert_eq!(endpoints("?serviceType=Files").unwrap().len(), 2);
    assert_eq!(
        endpoints("?service=files&relativeRef=cv.pdf%3Fv%3D1#page"),
        one("https://files.example/staff/cv.pdf?v=1#page")
    );
    for nothing in ["?service=other", "?service=map", "?serviceType=Other"] {
        assert_eq!(endpoints(nothing), Err(ResolutionError::NotFound), "{nothing}");
    }
}

#[test]
fn no_reference_leads_out_of_its_services_place() {
    for reference in [
        "//evil.example/",
        "https://evil.example/",
        "http://files.example/staff/",
        "javascript:alert(1)",
        "/other",
        "../other",
        "%2E%2E/other",
        "..%5Cother",
        "a%252e%252e%252fb",
        "a%252Fb",
    ] {
        let outcome = endpoints(&format!("?service=files&relativeRef={reference}"));
        assert_eq!(outcome, Err(ResolutionError::InvalidDidUrl), "{reference}");
    }
}

#[test]
fn two_fragments_do_not_fit_into_one_url() {
    assert_eq!(endpoints("?service=part#other"), Err(ResolutionError::InvalidDidUrl));
}

#[test]
fn a_path_or_an_unknown_query_names_nothing() {
    for rest in ["/whois", "?transformKey=JsonWebKey", "/a?service"] {
        assert_eq!(dereference(rest), Err(ResolutionError::NotFound), "{rest}");
    }
    let twice = dereference("?service=files&service=many");
    assert_eq!(twice, Err(ResolutionError::InvalidOption));
}

#[test]
fn a_did_url_of_another_did_names_nothing_here() {
    let outcome = document().dereference(&url(KEY));
    assert_eq!(outcome, Err(ResolutionError::InvalidDidUrl));
}

#[test]
fn a_dereferencing_result_has_its_content_and_media_type() {
    let result = dereference("#key").unwrap().to_json();
    assert_eq!(result["contentStream"]["type"], "Multikey");
    assert_eq!(result["dereferencingMetadata"], json!({"contentType": "application/did"}));
    let result = dereference("?service=files").unwrap().to_json();
    assert_eq!(result["contentStream"], json!(["https://files.example/staff/"]));
    assert_eq!(result["dereferencingMetadata"]["contentType"], "text/uri-list");
    let result = ResolutionError::NotFound.to_dereferencing_json();
    assert_eq!(
        result["dereferencingMetadata"]["error"]["type"],
        "https://www.w3.org/ns/did#NOT_FOUND"
    );
}
