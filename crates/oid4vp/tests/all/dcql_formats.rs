//! What a query says of each format, and which credentials answer it.

use lanyard_core::{credential::Format, mdoc::DocType};
use lanyard_oid4vp::dcql::{CredentialView, DcqlError, DcqlQuery, RequestedFormat, select};
use lanyard_testkit::vectors;
use serde_json::{Value, json};

fn query(credential: Value) -> Result<DcqlQuery, DcqlError> {
    DcqlQuery::from_value(&json!({ "credentials": [credential] }))
}

fn of(format: &str, meta: Value) -> Value {
    json!({ "id": "c", "format": format, "meta": meta })
}

fn refusal(credential: Value) -> DcqlError {
    query(credential).expect_err("it breaks a rule")
}

fn types(all: &[&str]) -> Vec<std::borrow::Cow<'static, str>> {
    all.iter().map(|name| (*name).to_owned().into()).collect()
}

fn fits(query: &DcqlQuery, format: Format, names: &[&str]) -> bool {
    let claims = json!({});
    let claims = claims.as_object().expect("an object");
    let view = CredentialView::new(format, types(names), claims);
    select(query, &[view]).can_be_satisfied()
}

#[test]
fn every_format_of_openid4vc_is_read_with_its_own_meta() {
    let cases = [
        (Format::SdJwtVc, json!({ "vct_values": ["urn:a"] })),
        (Format::MsoMdoc, json!({ "doctype_value": DocType::MDL })),
        (Format::JwtVcJson, json!({ "type_values": [["A", "B"], ["C"]] })),
        (Format::LdpVc, json!({ "type_values": [["https://a.example/A"]] })),
    ];
    for (format, meta) in cases {
        let read = query(of(format.name(), meta.clone())).unwrap();
        assert_eq!(read.credentials()[0].format.format(), Some(format));
        assert_eq!(read.to_value()["credentials"][0]["meta"], meta, "{format}");
    }
}

#[test]
fn the_types_that_a_format_demands_are_required_and_of_their_type() {
    let missing = DcqlError::Missing;
    assert_eq!(refusal(of("mso_mdoc", json!({}))), missing("doctype_value"));
    assert_eq!(refusal(of("jwt_vc_json", json!({}))), missing("type_values"));
    assert_eq!(refusal(of("ldp_vc", json!({}))), missing("type_values"));
    let several = json!({ "doctype_value": [DocType::MDL] });
    assert_eq!(refusal(of("mso_mdoc", several)), DcqlError::WrongType("doctype_value"));
    for (values, error) in [
        (json!([]), DcqlError::Empty("type_values")),
        (json!([[]]), DcqlError::Empty("type_values")),
        (json!(["A"]), DcqlError::WrongType("type_values")),
        (json!([[1]]), DcqlError::WrongType("type_values")),
        (json!([vec!["A"; 33]]), DcqlError::TooMany("type_values")),
    ] {
        assert_eq!(refusal(of("ldp_vc", json!({ "type_values": values }))), error);
    }
}

#[test]
fn a_path_into_an_mdoc_is_a_namespace_and_an_element() {
    let with = |path: Value| {
        let mut credential = of("mso_mdoc", json!({ "doctype_value": DocType::MDL }));
        credential["claims"] = json!([{ "path": path, "intent_to_retain": true }]);
        query(credential)
    };
    let read = with(json!(["org.iso.18013.5.1", "given_name"])).unwrap();
    assert_eq!(read.credentials()[0].claims.all()[0].intent_to_retain, Some(true));
    assert_eq!(read.to_value()["credentials"][0]["claims"][0]["intent_to_retain"], true);
    for path in [
        json!(["given_name"]),
        json!(["org.iso.18013.5.1", null]),
        json!(["org.iso.18013.5.1", 0]),
        json!(["org.iso.18013.5.1", "driving_privileges", "codes"]),
    ] {
        assert_eq!(with(path), Err(DcqlError::MdocPath));
    }
    let mut credential = of("mso_mdoc", json!({ "doctype_value": DocType::MDL }));
    credential["claims"] =
        json!([{ "path": ["org.iso.18013.5.1", "x"], "intent_to_retain": "yes" }]);
    assert_eq!(refusal(credential), DcqlError::WrongType("intent_to_retain"));
}

#[test]
fn of_one_alternative_a_w3c_credential_is_of_every_type() {
    let read = query(of("ldp_vc", json!({ "type_values": [["A", "B"], ["C"]] }))).unwrap();
    assert!(fits(&read, Format::LdpVc, &["B", "X", "A"]));
    assert!(fits(&read, Format::LdpVc, &["C"]));
    assert!(!fits(&read, Format::LdpVc, &["A", "X"]));
    assert!(!fits(&read, Format::LdpVc, &[]));
    // the same types in another format are another credential
    assert!(!fits(&read, Format::JwtVcJson, &["C"]));
}

#[test]
fn an_mdoc_is_of_the_one_document_type() {
    let read = query(of("mso_mdoc", json!({ "doctype_value": DocType::MDL }))).unwrap();
    assert!(fits(&read, Format::MsoMdoc, &[DocType::MDL]));
    assert!(!fits(&read, Format::MsoMdoc, &["org.iso.18013.5.1"]));
    assert!(!fits(&read, Format::SdJwtVc, &[DocType::MDL]));
}

#[test]
fn what_cannot_be_withheld_is_shown_whole_and_the_holder_sees_it() {
    let read = query(of("jwt_vc_json", json!({ "type_values": [["A"]] }))).unwrap();
    let claims = json!({
        "@context": ["https://www.w3.org/2018/credentials/v1"], "type": ["A"], "issuer": "did:x:y",
        "credentialSubject": { "id": "did:x:z", "name": "Ada" }, "evidence": [{ "id": "e" }],
    });
    let claims = claims.as_object().unwrap();
    let view = CredentialView::new(Format::JwtVcJson, types(&["A"]), claims);
    let view = CredentialView { selective: false, ..view };
    let matches = select(&read, &[view]);
    let disclose = &matches.queries()[0].candidates[0].choices[0].disclose;
    let shown: Vec<_> = disclose.iter().map(|path| serde_json::to_value(path).unwrap()).collect();
    assert_eq!(shown, [json!(["credentialSubject"]), json!(["evidence"])]);
}

#[test]
fn the_w3c_examples_of_the_specification_are_read_and_written_back() {
    if !vectors::available("oid4vp") {
        return;
    }
    for (name, format) in [("dcql_jwt_vc", Format::JwtVcJson), ("dcql_ldp_vc", Format::LdpVc)] {
        let file = format!("oid4vp/examples-1.0/request/{name}.json");
        let example = vectors::json(file);
        let read = DcqlQuery::from_value(&example).unwrap();
        assert_eq!(read.to_value(), example);
        let asked = &read.credentials()[0];
        assert_eq!(asked.format.format(), Some(format));
        let (RequestedFormat::JwtVcJson { type_values } | RequestedFormat::LdpVc { type_values }) =
            &asked.format
        else {
            unreachable!("it is a W3C format")
        };
        assert_eq!(type_values, &[["IDCredential"]]);
    }
}
