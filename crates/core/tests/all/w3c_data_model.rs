//! VCDM 2.0: the inputs of the W3C test suite, and each rule of the data model broken alone.

use lanyard_core::{
    crypto::HashAlgorithm,
    json::{self, Object},
    trust::IssuerIdentifier,
    w3c::{
        BASE_CONTEXT, Credential, CredentialDraft, CredentialError, CredentialFault, EnvelopeError,
        EnvelopedCredential, EnvelopedPresentation, Presentation, PresentationError,
        PresentedCredential, RelatedResourceError, SecuredCredential, SecuredPresentation, Uri,
        date_time_stamp,
    },
};
use lanyard_testkit::vectors;
use serde_json::{Value, json};

use crate::sd_jwt_support::PROVIDERS;

const ISSUER: &str = "did:key:z6MkpJySvETLnxhQG9DzEdmKJtysBDjuuTeDfUj1uNNCUqcj";

fn issuer() -> IssuerIdentifier {
    IssuerIdentifier::parse(ISSUER).expect("a DID is one")
}

fn holder() -> Uri {
    Uri::parse(ISSUER).expect("a DID is a URL")
}

/// The inputs that only JSON-LD refuses: terms that are redefined, mapped to no URL or not mapped at all.
/// The rules for them belong to the mechanisms that sign what terms mean.
const REFUSED_BY_JSON_LD: [&str; 4] = [
    "credential-redef-type-fail",
    "credential-redef-type2-fail",
    "credential-type-mapped-nonurl-fail",
    "credential-type-unmapped-fail",
];

/// By which rule an input is refused.
fn expected_code(input: &str) -> Option<&'static str> {
    Some(match input {
        "credential-context-combo3-fail" | "credential-context-combo4-fail" => "vc_context_item",
        "credential-missing-base-context-fail-or-inject" => "vc_context_base",
        "credential-no-context-fail-or-inject" => "vc_context_missing",
        "credential-no-type-fail" => "vc_type_missing",
        "credential-missing-required-type-fail" => "vc_type_kind",
        "credential-id-multi-fail"
        | "credential-id-nonidentifier-fail"
        | "credential-id-not-url-fail" => "vc_id",
        "credential-issuer-no-url-fail"
        | "credential-issuer-null-fail"
        | "credential-issuer-object-id-no-url-fail"
        | "credential-issuer-object-id-null-fail" => "vc_issuer_malformed",
        "credential-no-subject-fail" => "vc_subject_missing",
        // the suite fills in the issuer, so that only the empty subject is left to refuse it by
        "credential-no-issuer-fail"
        | "credential-subject-multiple-empty-fail"
        | "credential-subject-no-claims-fail" => "vc_subject_malformed",
        "credential-id-subject-multi-fail" => "vc_subject_id",
        "credential-validfrom-invalid-fail" => "vc_valid_from_malformed",
        "credential-validuntil-invalid-fail" => "vc_valid_until_malformed",
        "credential-validUntil-validFrom-fail" => "vc_validity_order",
        "credential-name-extra-prop-en-fail" | "issuer-name-extra-prop-en-fail" => "vc_name",
        "credential-description-extra-prop-en-fail" | "issuer-description-extra-prop-en-fail" => {
            "vc_description"
        }
        "credential-status-missing-type-fail"
        | "credential-status-multiple-id-fail"
        | "credential-status-nonurl-id-fail"
        | "credential-status-type-nonurl-fail" => "vc_status_malformed",
        "credential-schema-no-id-fail"
        | "credential-schema-no-type-fail"
        | "credential-schema-non-url-id-fail" => "vc_schema_malformed",
        "credential-refresh-no-type-fail" => "vc_refresh_service_malformed",
        "credential-termsofuse-missing-type-fail" | "credential-termsofuse-no-type-fail" => {
            "vc_terms_of_use_malformed"
        }
        "credential-evidence-missing-type-fail" => "vc_evidence_malformed",
        "credential-proof-missing-type-fail" => "vc_proof_malformed",
        "presentation-context-order-fail" | "presentation-missing-base-context-fail" => {
            "vp_context_base"
        }
        "presentation-no-context-fail-or-inject" => "vp_context_missing",
        "presentation-no-type-fail" => "vp_type_missing",
        "presentation-missing-required-type-fail" => "vp_type_kind",
        "presentation-holder-fail"
        | "presentation-holder-name-fail"
        | "presentation-holder-object-fail" => "vp_holder_malformed",
        "presentation-vc-as-string-fail" => "vp_credential_not_an_object",
        "presentation-vc-missing-required-type-fail" => "vc_type_malformed",
        "presentation-enveloped-vc-missing-type-fail" => "vc_context_not_an_array",
        "presentation-self-asserted-vc-holder-mismatch"
        | "presentation-self-asserted-vc-issuer-mismatch"
        | "presentation-self-asserted-vc-no-holder" => "vp_credential_unsecured",
        _ => return None,
    })
}

/// Reads an input as the suite's endpoints do: an issuer fills itself in, and every credential in a
/// presentation is secured before, unless the input is about one that its holder asserts.
fn verdict_on(input: &str, document: &Value) -> Result<(), &'static str> {
    let text = document.to_string().replace("FUTURE DATE", "3024-01-01T00:00:00Z");
    let text = text.replace("PAST DATE", "2024-01-01T00:00:00Z");
    let mut document = json::parse_object(text.as_bytes()).expect("an input is an object");
    if !input.starts_with("presentation") {
        let made = CredentialDraft::from_document(document, &issuer());
        return made.map(|_| ()).map_err(|error| error.code());
    }
    if !input.contains("self-asserted")
        && let Some(credentials) = document.get_mut("verifiableCredential")
    {
        for credential in credentials.as_array_mut().into_iter().flatten() {
            if let Some(credential) = credential.as_object_mut() {
                credential.insert("proof".to_owned(), json!({"type": "DataIntegrityProof"}));
            }
        }
    }
    Presentation::parse(document).map(|_| ()).map_err(|error| error.code())
}

#[test]
fn every_input_of_the_w3c_suite_is_taken_or_refused_by_its_rule() {
    if !vectors::available("vc-data-model") {
        return;
    }
    let mut counted = 0;
    for folder in ["vc-data-model/inputs", "vc-data-model/inputs/names-and-descriptions"] {
        for file in vectors::files(folder, "json") {
            let name = file.file_stem().unwrap().to_str().unwrap();
            let verdict = verdict_on(name, &vectors::json(&file));
            if REFUSED_BY_JSON_LD.contains(&name) {
                assert_eq!(verdict, Ok(()), "{name}");
            } else {
                assert_eq!(verdict.err(), expected_code(name), "{name}");
                let is_good = name.ends_with("-ok");
                assert_eq!(expected_code(name).is_none(), is_good, "{name}");
            }
            counted += 1;
        }
    }
    assert_eq!(counted, 120);
}

// Each rule alone

fn credential() -> Value {
    json!({
        "@context": [BASE_CONTEXT],
        "type": ["VerifiableCredential"],
        "issuer": ISSUER,
        "credentialSubject": {"id": "did:example:ada"},
    })
}

/// The reason a document is refused with some members replaced (by null: removed).
fn changed(mut document: Value, changes: &Value) -> Object {
    let members = document.as_object_mut().expect("a document is an object");
    for (name, value) in changes.as_object().expect("changes are an object") {
        if value.is_null() {
            members.shift_remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    members.clone()
}

fn refusal(changes: &Value) -> Option<&'static str> {
    Credential::parse(changed(credential(), changes)).err().map(|error| error.code())
}

#[test]
fn each_rule_about_a_credential_refuses_it_alone() {
    assert_eq!(refusal(&json!({})), None);
    for (changes, code) in [
        (json!({"@context": null}), "vc_context_missing"),
        (json!({"@context": BASE_CONTEXT}), "vc_context_not_an_array"),
        (json!({"@context": []}), "vc_context_base"),
        (json!({"@context": ["https://www.w3.org/2018/credentials/v1"]}), "vc_context_base"),
        (json!({"@context": [{}, BASE_CONTEXT]}), "vc_context_base"),
        (json!({"@context": [BASE_CONTEXT, null]}), "vc_context_item"),
        (json!({"@context": [BASE_CONTEXT, "examples"]}), "vc_context_item"),
        (json!({"type": null}), "vc_type_missing"),
        (json!({"type": []}), "vc_type_malformed"),
        (json!({"type": ["VerifiableCredential", ""]}), "vc_type_malformed"),
        (json!({"type": ["VerifiableCredential", 1]}), "vc_type_malformed"),
        (json!({"type": "VerifiablePresentation"}), "vc_type_kind"),
        (json!({"id": "relative"}), "vc_id"),
        (json!({"id": {}}), "vc_id"),
        (json!({"issuer": null}), "vc_issuer_missing"),
        (json!({"issuer": {"name": "Ada"}}), "vc_issuer_malformed"),
        (json!({"issuer": [ISSUER]}), "vc_issuer_malformed"),
        (json!({"credentialSubject": null}), "vc_subject_missing"),
        (json!({"credentialSubject": []}), "vc_subject_malformed"),
        (json!({"credentialSubject": "did:example:ada"}), "vc_subject_malformed"),
        (json!({"credentialSubject": {"id": "ada"}}), "vc_subject_id"),
        (json!({"validFrom": 1}), "vc_valid_from_malformed"),
        (json!({"validFrom": "2024-02-30T00:00:00Z"}), "vc_valid_from_malformed"),
        (json!({"validUntil": "2024-01-01"}), "vc_valid_until_malformed"),
        (
            json!({"validFrom": "2024-01-01T00:00:01Z", "validUntil": "2024-01-01T01:00:00+01:00"}),
            "vc_validity_order",
        ),
        (json!({"name": 1}), "vc_name"),
        (json!({"issuer": {"id": ISSUER, "description": []}}), "vc_description"),
        (json!({"credentialStatus": []}), "vc_status_malformed"),
        (json!({"credentialStatus": "https://status.example"}), "vc_status_malformed"),
        (json!({"credentialSchema": {"type": "JsonSchema"}}), "vc_schema_malformed"),
        (json!({"refreshService": {}}), "vc_refresh_service_malformed"),
        (json!({"termsOfUse": [{"type": "A"}, {"type": ""}]}), "vc_terms_of_use_malformed"),
        (json!({"evidence": {"type": "A", "id": "relative"}}), "vc_evidence_malformed"),
        (json!({"proof": []}), "vc_proof_malformed"),
        (json!({"relatedResource": []}), "vc_related_resource_malformed"),
    ] {
        assert_eq!(refusal(&changes), Some(code), "{changes}");
    }
    assert_eq!(Credential::from_json(b"[]").unwrap_err().code(), "vc_unreadable");
    assert_eq!(
        Credential::from_json(br#"{"id": "urn:a", "id": "urn:b"}"#).unwrap_err().code(),
        "vc_unreadable"
    );
}

#[test]
fn takes_what_is_rare_but_legal_in_a_credential() {
    for changes in [
        json!({"type": "VerifiableCredential"}),
        json!({"issuer": {"id": ISSUER, "name": {"@value": "Ada", "@language": "en"}}}),
        json!({"validFrom": "2024-01-01T00:00:00Z", "validUntil": "2024-01-01T01:00:00+01:00"}),
        json!({"validUntil": "2024-01-01T00:00:00"}),
        json!({"confidenceMethod": 1, "renderMethod": [], "unknown": null}),
        json!({"evidence": [{"type": ["A", "B"], "id": "urn:a", "more": {}}]}),
    ] {
        assert_eq!(refusal(&changes), None, "{changes}");
    }
}

#[test]
fn a_credential_says_what_is_in_its_document() {
    let document = changed(
        credential(),
        &json!({
            "id": "urn:uuid:1",
            "type": ["VerifiableCredential", "Badge"],
            "validFrom": "2024-01-01T00:00:00Z",
            "credentialStatus": {"type": "BitstringStatusListEntry"},
            "credentialSchema": [{"type": "JsonSchema", "id": "https://schema.example"}],
        }),
    );
    let credential = Credential::parse(document.clone()).unwrap();
    assert_eq!(*credential.document(), document);
    assert_eq!(credential.id().unwrap().as_str(), "urn:uuid:1");
    assert_eq!(credential.types().collect::<Vec<_>>(), ["VerifiableCredential", "Badge"]);
    assert_eq!(credential.issuer(), &issuer());
    assert_eq!(credential.subjects().count(), 1);
    assert_eq!(credential.statuses().count(), 1);
    assert_eq!(credential.schemas().next().unwrap()["type"], "JsonSchema");
    assert_eq!(credential.validity().not_before, date_time_stamp("2024-01-01T00:00:00Z"));
    assert_eq!(credential.validity().expires_at, None);
    assert!(!credential.has_proof());
}

#[test]
fn a_draft_becomes_the_credential_that_it_describes() {
    let moment = date_time_stamp("2024-01-01T00:00:00Z").unwrap();
    let draft = CredentialDraft::new(&issuer())
        .with_id(&Uri::parse("urn:uuid:1").unwrap())
        .of_type("Badge")
        .in_context("https://badge.example/v1")
        .valid_from(moment)
        .valid_until(moment)
        .with("name", "Badge")
        .about(json!({"id": "did:example:ada"}));
    let one = draft.clone().finish().unwrap().into_document();
    let expected = json!({
        "@context": [BASE_CONTEXT, "https://badge.example/v1"],
        "type": ["VerifiableCredential", "Badge"],
        "issuer": ISSUER,
        "id": "urn:uuid:1",
        "validFrom": "2024-01-01T00:00:00Z",
        "validUntil": "2024-01-01T00:00:00Z",
        "name": "Badge",
        "credentialSubject": {"id": "did:example:ada"},
    });
    assert_eq!(Value::Object(one), expected);
    let several = draft.about(json!({"id": "did:example:bob"})).finish().unwrap();
    assert_eq!(several.subjects().count(), 2);
    let empty = CredentialDraft::new(&issuer()).finish();
    assert_eq!(empty.unwrap_err(), CredentialFault::SubjectMissing.into());
    let foreign = changed(credential(), &json!({"issuer": "https://other.example"}));
    let foreign = CredentialDraft::from_document(foreign, &issuer());
    assert_eq!(foreign.unwrap_err(), CredentialFault::Issuer.into());
}

// Related resources

fn with_resource(entries: &Value) -> Result<Credential, CredentialError> {
    Credential::parse(changed(credential(), &json!({"relatedResource": entries})))
}

const RESOURCE: &str = "https://resource.example/context";

#[test]
fn a_related_resource_has_the_digest_that_the_issuer_gave() {
    for provider in PROVIDERS {
        let content = b"the resource";
        let digest = |hash| provider.hash(hash, content);
        let sri = |hash: HashAlgorithm| {
            let name = hash.name().replace('-', "");
            format!("{name}-{}", json::base64url(digest(hash)))
        };
        let multibase = |code: u8, hash: HashAlgorithm| {
            let length = u8::try_from(hash.length()).unwrap();
            let multihash = [&[code, length][..], digest(hash).as_bytes()].concat();
            format!("u{}", json::base64url(multihash))
        };
        let good = sri(HashAlgorithm::Sha384);
        let other = provider.hash(HashAlgorithm::Sha512, b"another");
        let other = format!("sha512-{}", json::base64url(other));
        for (digests, expected) in [
            (json!({"digestSRI": good}), Ok(())),
            (json!({"digestSRI": [sri(HashAlgorithm::Sha256)]}), Ok(())),
            (json!({"digestMultibase": multibase(0x12, HashAlgorithm::Sha256)}), Ok(())),
            (json!({"digestMultibase": multibase(0x20, HashAlgorithm::Sha384)}), Ok(())),
            (json!({"digestMultibase": multibase(0x13, HashAlgorithm::Sha512)}), Ok(())),
            // one good digest of the strongest algorithm is enough, and a weaker one does not help
            (json!({"digestSRI": format!("{other} {}", sri(HashAlgorithm::Sha512))}), Ok(())),
            (
                json!({"digestSRI": format!("{other} {good}")}),
                Err(RelatedResourceError::DigestMismatch),
            ),
            // both forms must match
            (
                json!({"digestSRI": other, "digestMultibase": multibase(0x12, HashAlgorithm::Sha256)}),
                Err(RelatedResourceError::DigestMismatch),
            ),
            // SHA-1, and what the W3C suite takes for a wrong digest
            (
                json!({"digestMultibase": format!("u{}", json::base64url([0x11, 1, 0]))}),
                Err(RelatedResourceError::DigestUnsupported),
            ),
            (
                json!({"digestMultibase": "uM4RgWQc3RUDtjJCSgTJtTfvpZ7SPEg_LNO0ESlovQC0"}),
                Err(RelatedResourceError::DigestUnsupported),
            ),
            (
                json!({"digestSRI":
                    "sha384-_rCVIV7fSXXTNIvpiq26jRDyj8JG8TDjij-tD0ewLk4JpnXEz6a5AeeY_1qQ0d0P"}),
                Err(RelatedResourceError::DigestMismatch),
            ),
        ] {
            let mut entry = digests.clone();
            entry["id"] = RESOURCE.into();
            let credential = with_resource(&entry).unwrap();
            let [resource] = credential.related_resources() else { unreachable!() };
            assert_eq!(resource.id().as_str(), RESOURCE);
            assert_eq!(resource.check(content, provider), expected, "{digests}");
            let changed = resource.check(b"another resource", provider);
            assert!(changed.is_err(), "{digests}");
        }
    }
}

#[test]
fn each_rule_about_related_resources_refuses_a_credential_alone() {
    let sri = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let good = json!({"id": RESOURCE, "mediaType": "text/plain", "digestSRI": sri});
    assert!(with_resource(&good).is_ok());
    let many: Vec<_> =
        (0..65).map(|n| json!({"id": format!("urn:a:{n}"), "digestSRI": sri})).collect();
    for (entries, reason) in [
        (json!([RESOURCE]), "not one or more objects"),
        (json!(many), "too many"),
        (json!({"digestSRI": sri}), "an id is missing"),
        (json!({"id": "relative", "digestSRI": sri}), "an id is missing"),
        (json!([good, good]), "one id"),
        (json!({"id": RESOURCE, "digestSRI": sri, "mediaType": 1}), "mediaType"),
        (json!({"id": RESOURCE}), "a digest is missing"),
        (json!({"id": RESOURCE, "digestSRI": ""}), "digestSRI"),
        (json!({"id": RESOURCE, "digestSRI": 1}), "digestSRI"),
        (json!({"id": RESOURCE, "digestSRI": "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk="}), "digestSRI"),
        (json!({"id": RESOURCE, "digestSRI": "sha256-AAAA"}), "digestSRI"),
        (json!({"id": RESOURCE, "digestMultibase": []}), "digestMultibase"),
        (json!({"id": RESOURCE, "digestMultibase": "m47DEQpj8"}), "digestMultibase"),
        (json!({"id": RESOURCE, "digestMultibase": "uEiAA"}), "digestMultibase"),
        (json!({"id": RESOURCE, "digestMultibase": "z".repeat(129)}), "digestMultibase"),
    ] {
        let error = with_resource(&entries).unwrap_err();
        assert_eq!(error.code(), "vc_related_resource_malformed");
        assert!(error.to_string().contains(reason), "{entries}: {error}");
    }
}

// Presentations and envelopes

fn envelope(kind: &str, id: &str) -> Value {
    json!({"@context": BASE_CONTEXT, "type": kind, "id": id})
}

fn presentation(credentials: &Value) -> Value {
    json!({
        "@context": [BASE_CONTEXT],
        "type": ["VerifiablePresentation"],
        "holder": ISSUER,
        "verifiableCredential": credentials,
    })
}

#[test]
fn each_rule_about_a_presentation_refuses_it_alone() {
    let refusal = |changes: &Value| {
        Presentation::parse(changed(presentation(&json!([])), changes)).err().map(|e| e.code())
    };
    assert_eq!(refusal(&json!({})), None);
    let jwt = envelope("EnvelopedVerifiableCredential", "data:application/vc+jwt,a.b.c");
    let many = vec![jwt.clone(); 33];
    for (changes, code) in [
        (json!({"@context": BASE_CONTEXT}), "vp_context_not_an_array"),
        (json!({"@context": [BASE_CONTEXT, 1]}), "vp_context_item"),
        (json!({"type": [1]}), "vp_type_malformed"),
        (json!({"type": "VerifiableCredential"}), "vp_type_kind"),
        (
            json!({"type": "EnvelopedVerifiablePresentation", "id": "data:application/vp+jwt,a"}),
            "vp_enveloped",
        ),
        (json!({"id": 1}), "vp_id"),
        (json!({"holder": 1}), "vp_holder_malformed"),
        (json!({"termsOfUse": {}}), "vp_terms_of_use_malformed"),
        (json!({"proof": 1}), "vp_proof_malformed"),
        (json!({"verifiableCredential": "a.b.c"}), "vp_credential_not_an_object"),
        (json!({"verifiableCredential": many}), "vp_too_many_credentials"),
        (json!({"verifiableCredential": {"type": "VerifiableCredential"}}), "vc_context_missing"),
        (
            json!({"verifiableCredential": [jwt], "holder": null, "type": "VerifiableCredential"}),
            "vp_type_kind",
        ),
        (
            json!({"verifiableCredential": envelope("EnvelopedVerifiableCredential", "urn:a")}),
            "envelope_not_a_data_url",
        ),
        (
            json!({"verifiableCredential":
                changed(credential(), &json!({"issuer": "https://other.example"}))}),
            "vp_credential_unsecured",
        ),
        (json!({"verifiableCredential": credential(), "holder": null}), "vp_credential_unsecured"),
    ] {
        assert_eq!(refusal(&changes), Some(code), "{changes}");
    }
    let unreadable = Presentation::from_json(b"1").unwrap_err();
    assert!(matches!(unreadable, PresentationError::Unreadable(_)));
    assert_eq!(unreadable.code(), "vp_unreadable");
}

#[test]
fn a_presentation_tells_how_each_credential_is_secured() {
    let enveloped = EnvelopedCredential::around_jwt("a.b.c");
    let with_proof = changed(credential(), &json!({"proof": {"type": "DataIntegrityProof"}}));
    let self_asserted = Credential::parse(changed(credential(), &json!({}))).unwrap();
    let credentials = vec![
        PresentedCredential::Enveloped(enveloped),
        PresentedCredential::WithProof(Box::new(Credential::parse(with_proof).unwrap())),
        PresentedCredential::SelfAsserted(Box::new(self_asserted)),
    ];
    let written = Presentation::of(credentials.clone(), Some(&holder()));
    let read = Presentation::parse(written.document().clone()).unwrap();
    assert_eq!(read, written);
    assert_eq!(read.credentials(), credentials);
    assert_eq!(read.holder(), Some(&holder()));
}

#[test]
fn an_envelope_is_opened_by_its_media_type() {
    let opened = |id: &str| {
        let object = changed(envelope("EnvelopedVerifiableCredential", id), &json!({}));
        EnvelopedCredential::parse(&object)
            .and_then(|envelope| envelope.open().map(|secured| format!("{secured:?}")))
    };
    let expect = |secured: SecuredCredential<'_>| Ok(format!("{secured:?}"));
    assert_eq!(opened("data:application/vc+jwt,a.b.c"), expect(SecuredCredential::Jwt("a.b.c")));
    assert_eq!(opened("DATA:Application/VC+JWT,a"), expect(SecuredCredential::Jwt("a")));
    assert_eq!(opened("data:application/vc+sd-jwt,a~"), expect(SecuredCredential::SdJwt("a~")));
    assert_eq!(
        opened("data:application/vc+cose;base64,0oQ="),
        expect(SecuredCredential::Cose(vec![0xd2, 0x84]))
    );
    for (id, error) in [
        ("a.b.c", EnvelopeError::NotADataUrl),
        ("https://issuer.example,a", EnvelopeError::NotADataUrl),
        ("data:application/vc+jwt", EnvelopeError::NotADataUrl),
        ("data:application/vc+jwt,", EnvelopeError::NotADataUrl),
        ("data:,a.b.c", EnvelopeError::MediaType),
        ("data:application/jwt,a.b.c", EnvelopeError::MediaType),
        // names of drafts
        ("data:application/vc-ld+jwt,a.b.c", EnvelopeError::MediaType),
        ("data:application/vc+ld+json+jwt,a.b.c", EnvelopeError::MediaType),
        // a presentation where a credential belongs
        ("data:application/vp+jwt,a.b.c", EnvelopeError::MediaType),
        ("data:application/vc+jwt;base64,YS5iLmM=", EnvelopeError::MediaType),
        ("data:application/vc+cose,0oQ", EnvelopeError::Encoding),
        ("data:application/vc+cose;base64url,0oQ", EnvelopeError::Encoding),
        ("data:application/vc+cose;base64,0o-_", EnvelopeError::Encoding),
    ] {
        assert_eq!(opened(id), Err(error), "{id}");
    }
    let presentation = EnvelopedPresentation::around_jwt("a.b.c");
    let read = EnvelopedPresentation::parse(&presentation.to_object()).unwrap();
    assert_eq!(read.open(), Ok(SecuredPresentation::Jwt("a.b.c")));
}

#[test]
fn an_envelope_is_one_by_its_type_and_context() {
    let good = envelope("EnvelopedVerifiableCredential", "data:application/vc+jwt,a.b.c");
    let refusal = |changes: &Value| {
        EnvelopedCredential::parse(&changed(good.clone(), changes)).err().map(|e| e.code())
    };
    assert_eq!(refusal(&json!({})), None);
    // whatever else is in it was not signed, and is not looked at
    assert_eq!(refusal(&json!({"credentialSubject": {"id": "did:example:eve"}})), None);
    assert_eq!(refusal(&json!({"@context": ["https://other.example", BASE_CONTEXT]})), None);
    for (changes, code) in [
        (json!({"type": null}), "envelope_type"),
        (json!({"type": "VerifiableCredential"}), "envelope_type"),
        (
            json!({"type": ["EnvelopedVerifiableCredential", "VerifiableCredential"]}),
            "envelope_type",
        ),
        (json!({"@context": null}), "envelope_context"),
        (json!({"@context": []}), "envelope_context"),
        (json!({"@context": "https://www.w3.org/ns/credentials/examples/v2"}), "envelope_context"),
        (json!({"id": null}), "envelope_not_a_data_url"),
    ] {
        assert_eq!(refusal(&changes), Some(code), "{changes}");
    }
}
