//! Credentials that an integrator hands in and gets back secured.

use std::sync::Arc;

use axum::http::{Method, StatusCode, header};
use lanyard_core::{
    crypto::RustCrypto,
    data_integrity::json_ld::Contexts,
    did::Did,
    status::{
        Status, StatusReference,
        bitstring_status_list::{StatusEntry, StatusPurpose, UnverifiedListCredential},
    },
    trust::{IssuerKeySource, IssuerKeys, IssuerTrust},
    w3c::{
        EnvelopedCredential, SecuredCredential, ldp_vc::UnverifiedLdpVc,
        vc_jose_cose::UnverifiedVcJwt,
    },
};
use serde_json::{Value, json};

use crate::{
    fixture::{KEY, OTHER_KEY, Reply, Server, api_request, text},
    statuses::path,
};

const PATH: &str = "/api/demo/credentials/issue";
const STATUS: &str = "/api/demo/credentials/status";

fn credential() -> Value {
    json!({
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            "https://www.w3.org/ns/credentials/examples/v2",
        ],
        "type": ["VerifiableCredential", "ExampleDegreeCredential"],
        "validUntil": "2030-01-01T00:00:00Z",
        "credentialSubject": {"id": "did:example:ada", "degree": "MSc"},
    })
}

/// The credential with some members replaced (by null: removed).
fn changed(changes: &Value) -> Value {
    let mut credential = credential();
    for (name, value) in changes.as_object().expect("changes are an object") {
        credential[name] = value.clone();
    }
    credential.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    credential
}

async fn issue(server: &Server, body: &Value) -> Reply {
    server.api(Method::POST, PATH, body).await
}

async fn refused(server: &Server, body: &Value) -> (u16, String) {
    let reply = issue(server, body).await;
    assert_eq!(reply.header(header::CONTENT_TYPE), Some("application/problem+json"), "{reply}");
    let problem = reply.json();
    assert_eq!(problem["status"], reply.status.as_u16());
    assert!(text(&problem["type"]).starts_with("https://www.w3.org/TR/vc-data-model#"));
    (reply.status.as_u16(), text(&problem["reason"]))
}

fn keys(issuer: &str) -> IssuerKeys {
    let did = Did::parse(issuer).expect("a DID");
    IssuerKeys::new(IssuerTrust::new().with(IssuerKeySource::Did(did)), Arc::new(RustCrypto))
}

#[tokio::test]
async fn a_credential_is_issued_with_every_cryptosuite() {
    let server = Server::with_statuses_by_did();
    for suite in
        ["eddsa-rdfc-2022", "eddsa-jcs-2022", "ecdsa-rdfc-2019", "ecdsa-jcs-2019", "ecdsa-sd-2023"]
    {
        let options = json!({"cryptosuite": suite, "mandatoryPointers": ["/validUntil"]});
        let reply = issue(&server, &json!({"credential": credential(), "options": options})).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{suite}: {reply}");
        let issued = reply.json();
        assert_eq!(issued["proof"]["cryptosuite"], suite);
        assert_eq!(issued["proof"]["proofPurpose"], "assertionMethod");
        let secured = UnverifiedLdpVc::parse(&reply.body).expect("a credential");
        let keys = keys(&text(&issued["issuer"]));
        let held = secured.verify_for_holding(&keys, Contexts::bundled(), server.ground.now());
        held.await.unwrap_or_else(|error| unreachable!("{suite}: {error}"));
    }
}

#[tokio::test]
async fn a_credential_is_issued_in_an_envelope() {
    let server = Server::with_statuses_by_did();
    let options = json!({"cryptosuite": "vc+jwt"});
    let reply = issue(&server, &json!({"credential": credential(), "options": options})).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply}");
    let envelope = reply.json();
    let envelope = EnvelopedCredential::parse(envelope.as_object().expect("an object"));
    let envelope = envelope.expect("an envelope");
    let Ok(SecuredCredential::Jwt(jwt)) = envelope.open() else { unreachable!("a JWT") };
    let jwt = UnverifiedVcJwt::parse(jwt).expect("a credential");
    let claimed = jwt.claimed_issuer();
    let keys = keys(claimed.issuer.expect("an issuer").as_str());
    let key = keys.find(&claimed, server.ground.now()).await.expect("its key");
    assert!(jwt.verify(key, &RustCrypto).is_ok());
}

#[tokio::test]
async fn an_issuer_is_filled_in_or_is_one_of_those_here() {
    let server = Server::with_statuses_by_did();
    let reply = issue(&server, &json!({"credential": credential()})).await;
    let issuer = text(&reply.json()["issuer"]);
    assert!(issuer.starts_with("did:key:z6Mk"), "the first key: {issuer}");
    let options = json!({"cryptosuite": "ecdsa-rdfc-2019"});
    let named = changed(&json!({"issuer": {"id": issuer, "name": "University"}}));
    let reply = issue(&server, &json!({"credential": named})).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply}");
    assert_eq!(reply.json()["issuer"]["name"], "University");
    let refusal = refused(&server, &json!({"credential": named, "options": options})).await;
    assert_eq!(refusal, (400, "vc_api_cryptosuite".to_owned()), "its key is of another curve");
    let other = changed(&json!({"issuer": "did:example:somebody"}));
    let refusal = refused(&server, &json!({ "credential": other })).await;
    assert_eq!(refusal, (400, "vc_api_issuer".to_owned()));
}

/// A credential with a status, as it came back: its name in the API, and its two entries.
async fn with_status(server: &Server) -> (String, Vec<StatusEntry>) {
    let reply = issue(server, &json!({"credential": credential()})).await;
    let place = reply.header(header::LOCATION).expect("where it is revoked").to_owned();
    let issued = reply.json();
    let entries = issued["credentialStatus"].as_array().expect("two purposes");
    let entries = entries.iter().map(|entry| entry.as_object().expect("an object"));
    let mut references = StatusReference::of_entries(entries).expect("entries");
    let Some(StatusReference::Bitstring(entries)) = references.pop() else {
        unreachable!("not {references:?}")
    };
    (place.strip_suffix("/status").expect("its status").to_owned(), entries)
}

/// What the list says about an entry now.
async fn status(server: &Server, entry: &StatusEntry) -> Status {
    let list = server.get(path(entry.list().as_str())).await;
    let kind = list.header(header::CONTENT_TYPE).expect("a media type").to_owned();
    let read = UnverifiedListCredential::parse(&kind, &list.body).expect("a list");
    let keys = server.ground.trust_of(Some(&crate::bitstring_lists::issuer(&list)));
    let list = read.verify(entry.list(), &[], &keys, server.ground.now()).await;
    list.expect("our own list").look_up(entry).expect("an answer").status()
}

#[tokio::test]
async fn a_credential_gets_a_status_that_can_be_revoked() {
    let server = Server::with_statuses_by_did();
    let (id, entries) = with_status(&server).await;
    assert_eq!(status(&server, &entries[0]).await, Status::Valid);
    let revoked = json!({"status": "revoked"});
    let revoke = format!("/api/demo/credentials/{id}/status");
    assert_eq!(server.api(Method::POST, &revoke, &revoked).await.status, StatusCode::OK);
    assert_eq!(status(&server, &entries[0]).await, Status::Invalid);
    let own = json!({"id": "urn:example:1", "type": "ExampleStatus"});
    let with_its_own = changed(&json!({ "credentialStatus": own }));
    let options = json!({"cryptosuite": "eddsa-jcs-2022"});
    let reply = issue(&server, &json!({"credential": with_its_own, "options": options})).await;
    assert_eq!(
        (reply.json()["credentialStatus"].clone(), reply.header(header::LOCATION)),
        (own, None)
    );
}

#[tokio::test]
async fn a_status_is_set_and_cleared_by_its_entry() {
    let server = Server::with_statuses_by_did();
    let (id, entries) = with_status(&server).await;
    let of = |purpose: StatusPurpose| {
        entries.iter().find(|entry| entry.purpose() == purpose).expect("an entry")
    };
    let set = async |purpose: &str, bit: Option<bool>| {
        let mut body = json!({
            "credentialId": id,
            "credentialStatus": {"type": "BitstringStatusListEntry", "statusPurpose": purpose},
        });
        if let Some(bit) = bit {
            body["status"] = bit.into();
        }
        server.api(Method::POST, STATUS, &body).await
    };
    assert_eq!(set("suspension", Some(true)).await.status, StatusCode::OK);
    assert_eq!(status(&server, of(StatusPurpose::Suspension)).await, Status::Suspended);
    assert_eq!(set("suspension", Some(false)).await.status, StatusCode::OK);
    assert_eq!(status(&server, of(StatusPurpose::Suspension)).await, Status::Valid);
    assert_eq!(set("revocation", None).await.status, StatusCode::OK);
    assert_eq!(status(&server, of(StatusPurpose::Revocation)).await, Status::Invalid);
    let reinstated = set("suspension", Some(false)).await;
    assert_eq!(reinstated.status, StatusCode::CONFLICT, "a revocation is for good");
}

#[tokio::test]
async fn a_change_of_status_that_says_too_little_is_refused() {
    let server = Server::with_statuses_by_did();
    let (id, _) = with_status(&server).await;
    let entry = json!({"statusPurpose": "revocation"});
    let good = json!({"credentialId": id, "credentialStatus": entry});
    for (name, value) in [
        ("credentialId", json!(null)),
        ("credentialId", json!("urn:uuid:0")),
        ("credentialStatus", json!(null)),
        ("credentialStatus", json!({"statusPurpose": "refresh"})),
        ("status", json!("1")),
        ("status", json!(false)),
    ] {
        let mut body = good.clone();
        body[name] = value;
        let reply = server.api(Method::POST, STATUS, &body).await;
        assert_eq!(reply.refusal(), (400, "invalid_request".to_owned()), "{body}");
    }
    let mut unknown = good.clone();
    unknown["credentialId"] = json!(id.chars().rev().collect::<String>());
    assert_eq!(server.api(Method::POST, STATUS, &unknown).await.refusal().0, 404);
    let of_another = api_request(Method::POST, STATUS, OTHER_KEY, &good);
    assert_eq!(server.send(of_another).await.refusal(), (404, "not_found".to_owned()));
    let off = Server::with_statuses();
    assert_eq!(off.api(Method::POST, STATUS, &good).await.refusal().0, 404);
    assert_eq!(server.api(Method::POST, STATUS, &good).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_with_a_problem_that_names_it() {
    let server = Server::with_statuses_by_did();
    for (changes, reason) in [
        (json!({"@context": null}), "vc_context_missing"),
        (json!({"@context": "https://www.w3.org/ns/credentials/v2"}), "vc_context_not_an_array"),
        (json!({"@context": ["https://www.w3.org/2018/credentials/v1"]}), "vc_context_base"),
        (json!({"type": null}), "vc_type_missing"),
        (json!({"type": ["ExampleDegreeCredential"]}), "vc_type_kind"),
        (json!({"id": ["urn:example:1", "urn:example:2"]}), "vc_id"),
        (json!({"credentialSubject": null}), "vc_subject_missing"),
        (json!({"credentialSubject": {}}), "vc_subject_malformed"),
        (json!({"validUntil": "tomorrow"}), "vc_valid_until_malformed"),
        (json!({"validFrom": "2031-01-01T00:00:00Z"}), "vc_validity_order"),
        (json!({"credentialStatus": {"id": "urn:example:1"}}), "vc_status_malformed"),
    ] {
        let refusal = refused(&server, &json!({"credential": changed(&changes)})).await;
        assert_eq!(refusal, (400, reason.to_owned()), "{changes}");
    }
    // a term that no context defines would not be signed
    let undefined = changed(&json!({
        "@context": ["https://www.w3.org/ns/credentials/v2"],
        "type": ["VerifiableCredential"],
        "credentialSubject": {"id": "did:example:ada", "nobodyDefinedThis": 1},
    }));
    let (status, reason) = refused(&server, &json!({ "credential": undefined })).await;
    assert_eq!(status, 400, "{reason}");
    for (body, reason) in [
        (json!({}), "vc_api_credential_missing"),
        (json!({"credential": []}), "vc_api_credential_missing"),
        (json!([]), "vc_api_unreadable"),
        (json!({"credential": credential(), "options": 1}), "vc_api_option"),
        (json!({"credential": credential(), "options": {"cryptosuite": 1}}), "vc_api_option"),
        (
            json!({"credential": credential(), "options": {"mandatoryPointers": ["no pointer"]}}),
            "vc_api_option",
        ),
        (
            json!({"credential": credential(), "options": {"cryptosuite": "bbs-2023"}}),
            "vc_api_cryptosuite",
        ),
    ] {
        assert_eq!(refused(&server, &body).await, (400, reason.to_owned()), "{body}");
    }
}

#[tokio::test]
async fn there_is_no_such_route_where_it_is_not_switched_on_and_none_without_a_key() {
    let off = Server::with_statuses();
    let body = json!({"credential": credential()});
    assert_eq!(issue(&off, &body).await.refusal(), (404, "not_found".to_owned()));
    let on = Server::with_statuses_by_did();
    let as_key = async |key| on.send(api_request(Method::POST, PATH, key, &body)).await;
    assert_eq!(as_key("guessed").await.refusal(), (401, "invalid_token".to_owned()));
    assert_eq!(as_key(OTHER_KEY).await.refusal(), (404, "not_found".to_owned()));
    assert_eq!(as_key(KEY).await.status, StatusCode::CREATED);
}
