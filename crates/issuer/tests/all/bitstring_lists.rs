//! The statuses as W3C credentials see them: two lists of bits beside each Token Status List.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use jiff::SignedDuration;
use lanyard_core::{
    credential::CredentialType,
    json,
    status::{
        Status, StatusMechanism, StatusReference,
        bitstring_status_list::{
            BitstringStatusList, StatusEntry, StatusPurpose, UnverifiedListCredential,
        },
    },
    trust::IssuerIdentifier,
};
use lanyard_oid4vci::issuer::StatusAllocator as _;
use serde_json::Value;

use crate::{
    fixture::{Reply, Server},
    statuses::{badge, path, set},
};

const PURPOSES: [StatusPurpose; 2] = [StatusPurpose::Revocation, StatusPurpose::Suspension];

async fn get(server: &Server, uri: &str, accept: &str) -> Reply {
    let request = Request::builder().uri(path(uri)).header(header::ACCEPT, accept);
    server.send(request.body(Body::empty()).expect("a request")).await
}

/// Fetches the list that an entry refers to and verifies it as a verifier does.
async fn list(server: &Server, entry: &StatusEntry, accept: &str) -> BitstringStatusList {
    let reply = get(server, entry.list().as_str(), accept).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
    let kind = reply.header(header::CONTENT_TYPE).expect("a media type");
    assert_eq!(kind, accept);
    let issuer = issuer(&reply);
    let keys = server.ground.trust_of(Some(&issuer));
    let list = UnverifiedListCredential::parse(kind, &reply.body).expect("a list credential");
    let types = [CredentialType::w3c("Badge")];
    let verified = list.verify(entry.list(), &types, &keys, server.ground.now()).await;
    verified.expect("our own list")
}

/// Who the list says it is by.
pub(crate) fn issuer(reply: &Reply) -> IssuerIdentifier {
    let body = String::from_utf8(reply.body.clone()).expect("text");
    let document = match body.split('.').collect::<Vec<_>>().as_slice() {
        [_, payload, _] if !body.starts_with('{') => {
            json::base64url_decode(payload).expect("base64url")
        }
        _ => body.into_bytes(),
    };
    let document: Value = serde_json::from_slice(&document).expect("JSON");
    IssuerIdentifier::parse(document["issuer"].as_str().expect("text")).expect("an identifier")
}

/// The entries that a W3C credential in this place of a list would have.
fn entries(place: &(u64, String)) -> [StatusEntry; 2] {
    PURPOSES.map(|purpose| {
        let uri = format!("{}/{}", place.1, purpose.name()).try_into().expect("a URI");
        StatusEntry::new(purpose, place.0, uri)
    })
}

async fn status(server: &Server, place: &(u64, String), accept: &str) -> [Status; 2] {
    let [revocation, suspension] = &entries(place);
    let mut found = [Status::Valid; 2];
    for (entry, found) in [revocation, suspension].into_iter().zip(&mut found) {
        *found = list(server, entry, accept).await.look_up(entry).expect("an answer").status();
    }
    found
}

#[tokio::test]
async fn a_change_shows_in_the_list_of_its_purpose_and_in_every_form() {
    for (server, forms) in [
        (Server::with_statuses(), &["application/vc+jwt"][..]),
        (Server::with_statuses_by_did(), &["application/vc+jwt", "application/vc"][..]),
    ] {
        let badge = badge(&server).await;
        for (name, expected) in [
            ("valid", [Status::Valid; 2]),
            ("suspended", [Status::Valid, Status::Suspended]),
            ("valid", [Status::Valid; 2]),
            ("revoked", [Status::Invalid, Status::Valid]),
        ] {
            set(&server, &badge.id, name).await;
            for form in forms {
                for place in &badge.places {
                    assert_eq!(status(&server, place, form).await, expected, "{name} {form}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_proof_is_made_only_by_an_issuer_that_is_a_did() {
    let server = Server::with_statuses();
    let badge = badge(&server).await;
    let uri = format!("{}/revocation", badge.places[0].1);
    let reply = get(&server, &uri, "application/vc").await;
    assert_eq!(reply.header(header::CONTENT_TYPE), Some("application/vc+jwt"));
    assert_eq!(issuer(&reply).as_str(), "https://issuer.example/demo");
}

#[tokio::test]
async fn a_list_is_served_from_memory_and_made_anew_when_it_is_due() {
    let server = Server::with_statuses();
    let badge = badge(&server).await;
    let uri = format!("{}/revocation", badge.places[0].1);
    let first = get(&server, &uri, "*/*").await;
    assert_eq!(first.header(header::CACHE_CONTROL), Some("public, max-age=300"));
    let list = list(&server, &entries(&badge.places[0])[0], "application/vc+jwt").await;
    assert_eq!(list.ttl(), Some(SignedDuration::from_secs(300)), "as the header says");
    assert_eq!(get(&server, &format!("{uri}?cred=7"), "*/*").await.body, first.body);
    server.ground.pass(SignedDuration::from_secs(299));
    assert_eq!(get(&server, &uri, "*/*").await.body, first.body);
    server.ground.pass(SignedDuration::from_secs(1));
    assert_ne!(get(&server, &uri, "*/*").await.body, first.body);
}

#[tokio::test]
async fn there_are_lists_of_two_purposes_and_no_history() {
    let server = Server::with_statuses();
    badge(&server).await;
    for path in [
        "/demo/status-lists/0/message",
        "/demo/status-lists/0/Revocation",
        "/demo/status-lists/1/revocation",
        "/demo/status-lists/00/revocation",
    ] {
        assert_eq!(server.get(path).await.refusal(), (404, "not_found".to_owned()), "{path}");
    }
    let history = "/demo/status-lists/0/revocation?timestamp=2026-01-01T00:00:00Z";
    assert_eq!(server.get(history).await.status, StatusCode::NOT_IMPLEMENTED);
}

#[tokio::test]
async fn copies_of_w3c_credentials_get_places_that_no_other_copy_has() {
    let server = Server::with_statuses();
    let badge = badge(&server).await;
    let lists = server.ground.status_lists("demo");
    let mechanism = StatusMechanism::BitstringStatusList;
    let copies = lists.allocate(2, mechanism, &PURPOSES).await.expect("places");
    let mut taken: Vec<u64> = badge.places.iter().map(|(index, _)| *index).collect();
    for copy in &copies {
        let StatusReference::Bitstring(entries) = copy else { unreachable!("not {copy:?}") };
        let [revocation, suspension] = entries.as_slice() else { unreachable!("two purposes") };
        assert_eq!(revocation.index(), suspension.index(), "one place for both");
        assert_ne!(revocation.list(), suspension.list());
        assert!(!taken.contains(&revocation.index()));
        taken.push(revocation.index());
        let member = copy.to_credential_status().expect("entries");
        assert_eq!(member[0]["statusPurpose"], "revocation");
        assert_eq!(member[1]["statusPurpose"], "suspension");
        for entry in entries {
            let found = list(&server, entry, "application/vc+jwt").await;
            assert_eq!(found.look_up(entry).expect("an answer").status(), Status::Valid);
        }
    }
}

#[tokio::test]
async fn a_copy_has_an_entry_for_each_purpose_of_its_type_alone() {
    let server = Server::with_statuses();
    let lists = server.ground.status_lists("demo");
    let (mechanism, revocation) = (StatusMechanism::BitstringStatusList, StatusPurpose::Revocation);
    let copies = lists.allocate(1, mechanism, &[revocation]).await.expect("a place");
    let member = copies[0].to_credential_status().expect("an entry");
    assert_eq!(member["statusPurpose"], "revocation", "one entry, and no list of entries");
}
