//! Issued credentials are looked up, suspended, reinstated, revoked, reissued and forgotten.

use std::{collections::BTreeSet, sync::Arc};

use axum::http::{Method, StatusCode};
use lanyard_core::status::Status;
use lanyard_store::{
    CredentialId, IssuedRecord, NewStatus, SessionId, SqliteStore, StatusPlace, Store,
};
use lanyard_testkit::store;
use serde_json::{Value, json};

use crate::{
    fixture::{OTHER_KEY, Reply, Server, api_request, badge_claims, refused, text},
    statuses::{Badge, badge_about, statuses},
};

async fn call(server: &Server, path: &str, body: &Value) -> Reply {
    server.api(Method::POST, &format!("/api/demo/credentials/{path}"), body).await
}

async fn found(server: &Server, search: &Value) -> Vec<String> {
    let reply = call(server, "search", search).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
    let page = reply.json();
    let all = page["credentials"].as_array().expect("credentials").clone();
    all.iter().map(|one| text(&one["id"])).collect()
}

async fn read(server: &Server, badge: &Badge) -> Value {
    let path = format!("/api/demo/credentials/{}", badge.id);
    server.api(Method::GET, &path, &Value::Null).await.json()
}

#[tokio::test]
async fn credentials_are_found_by_subject_by_configuration_and_by_name() {
    let server = Server::with_statuses();
    let (ada, bob) = (badge_about(&server, "E-1").await, badge_about(&server, "E-2").await);
    assert_eq!(found(&server, &json!({ "subject": "E-1" })).await, [ada.id.as_str()]);
    assert_eq!(found(&server, &json!({ "subject": "E-3" })).await, [""; 0]);
    let both = found(&server, &json!({ "configuration": "employee_badge" })).await;
    assert_eq!(both.len(), 2);
    assert_eq!(found(&server, &json!({ "configuration": "diploma" })).await, [""; 0]);
    let first = found(&server, &json!({ "limit": 1 })).await;
    let second = found(&server, &json!({ "limit": 1, "before": first[0] })).await;
    assert_eq!([first, second].concat(), both, "newest first");

    let record = read(&server, &bob).await;
    assert_eq!(record["configuration"], "employee_badge");
    assert_eq!(record["status"], "valid");
    assert_eq!(record["history"], json!([]));
    let shown = record.to_string();
    assert!(!shown.contains("Ada") && !shown.contains("E-2"), "{shown}");

    let theirs = format!("/api/other/credentials/{}", ada.id);
    let theirs = api_request(Method::GET, &theirs, OTHER_KEY, &Value::Null);
    assert_eq!(server.send(theirs).await.refusal(), refused(404, "not_found"));
    let search = json!({ "subject": "E-1" });
    let theirs = api_request(Method::POST, "/api/other/credentials/search", OTHER_KEY, &search);
    assert_eq!(server.send(theirs).await.json()["credentials"], json!([]));
}

#[tokio::test]
async fn each_change_is_published_at_once_and_recorded_to_the_hour_with_its_reason() {
    let server = Server::with_statuses();
    let badge = badge_about(&server, "E-1").await;
    for (verb, reason, status) in [
        ("suspend", "lost_device", Status::Suspended),
        ("reinstate", "found_again", Status::Valid),
        ("revoke", "left_company", Status::Invalid),
    ] {
        let path = format!("{}/{verb}", badge.id);
        let reply = call(&server, &path, &json!({ "reason": reason })).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply}");
        assert_eq!(statuses(&server, &badge).await, [status; 2]);
    }
    let record = read(&server, &badge).await;
    let history = record["history"].as_array().expect("a history");
    let told: Vec<_> =
        history.iter().map(|entry| (text(&entry["status"]), text(&entry["reason"]))).collect();
    let word = str::to_owned;
    assert_eq!(
        told,
        [
            (word("suspended"), word("lost_device")),
            (word("valid"), word("found_again")),
            (word("revoked"), word("left_company")),
        ]
    );
    let at: jiff::Timestamp = text(&history[0]["at"]).parse().expect("a moment");
    assert_eq!(at.as_second() % 3600, 0);
    let reply = call(&server, &format!("{}/reinstate", badge.id), &json!({})).await;
    assert_eq!(reply.refusal(), refused(409, "credential_revoked"));
}

#[tokio::test]
async fn what_says_nowhere_whether_it_is_suspended_can_be_revoked_alone() {
    let store = store();
    let server = Server::with_statuses_in(Arc::clone(&store));
    let (tenant, now) = ("demo".parse().expect("a tenant"), server.ground.now());
    let record = IssuedRecord {
        credential: CredentialId::new(now, [1; 10]),
        configuration: "membership".to_owned(),
        issued_at: now,
        expires_at: None,
        session: SessionId::new(now, [2; 10]),
        subject: None,
    };
    let place = StatusPlace { list: 0, index: 7 };
    let status = NewStatus { credential: record.credential, place, is_suspendable: false };
    let id = record.credential.to_string();
    store.record_issued(&tenant, record, vec![status], None).await.expect("a record");
    let reply = call(&server, &format!("{id}/suspend"), &json!({})).await;
    assert_eq!(reply.refusal(), refused(409, "credential_not_suspendable"));
    let reply = call(&server, &format!("{id}/revoke"), &json!({})).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply}");
}

#[tokio::test]
async fn all_credentials_of_a_subject_or_a_configuration_change_together() {
    let server = Server::with_statuses();
    let first = badge_about(&server, "E-1").await;
    let second = badge_about(&server, "E-1").await;
    let other = badge_about(&server, "E-2").await;
    let about = json!({ "subject": "E-1", "reason": "left_company" });
    let changed = call(&server, "revoke", &about).await.json();
    assert_eq!(changed["changed"].as_array().map(Vec::len), Some(2));
    assert_eq!(changed["unchanged"], json!([]));
    assert_eq!(statuses(&server, &first).await, [Status::Invalid; 2]);
    assert_eq!(statuses(&server, &second).await, [Status::Invalid; 2]);
    assert_eq!(statuses(&server, &other).await, [Status::Valid; 2]);

    let all = json!({ "configuration": "employee_badge" });
    let changed = call(&server, "suspend", &all).await.json();
    assert_eq!(changed["changed"], json!([other.id]));
    assert_eq!(changed["unchanged"].as_array().map(Vec::len), Some(2), "revoked for good");
}

#[tokio::test]
async fn nobody_changes_everything_by_leaving_something_out() {
    let server = Server::with_statuses();
    let badge = badge_about(&server, "E-1").await;
    for body in [json!({}), json!({ "reason": "oops" }), json!({ "subjects": "E-1" })] {
        let reply = call(&server, "revoke", &body).await;
        assert_eq!(reply.refusal(), refused(400, "invalid_request"), "{body}");
    }
    for reason in ["Erika is ill", "", "Ärger", &"x".repeat(65)] {
        let path = format!("{}/revoke", badge.id);
        let reply = call(&server, &path, &json!({ "reason": reason })).await;
        assert_eq!(reply.refusal(), refused(400, "invalid_request"), "{reason}");
    }
    assert_eq!(statuses(&server, &badge).await, [Status::Valid; 2]);
}

#[tokio::test]
async fn a_reissued_credential_is_about_the_same_subject_and_its_predecessor_is_revoked() {
    let server = Server::with_statuses();
    let old = badge_about(&server, "E-1").await;
    let body = json!({ "claims": badge_claims(), "reason": "new_department" });
    let reply = call(&server, &format!("{}/reissue", old.id), &body).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply}");
    assert_eq!(statuses(&server, &old).await, [Status::Invalid; 2]);
    assert_eq!(read(&server, &old).await["history"][0]["reason"], "new_department");

    let new = server.taken(&reply.json()).await;
    let names: BTreeSet<_> =
        found(&server, &json!({ "subject": "E-1" })).await.into_iter().collect();
    assert_eq!(names, [new.clone(), old.id.clone()].into());

    let kept = json!({ "claims": badge_claims(), "keep_old": true });
    let reply = call(&server, &format!("{new}/reissue"), &kept).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{reply}");
    let path = format!("/api/demo/credentials/{new}");
    let record = server.api(Method::GET, &path, &Value::Null).await.json();
    assert_eq!(record["status"], "valid");
}

#[tokio::test]
async fn an_erased_subject_is_found_nowhere_and_its_credentials_are_revoked() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(directory.path()).unwrap());
    let server = Server::with_statuses_in(store.clone());
    let badge = badge_about(&server, "E-canary-4711").await;
    let waiting = server
        .make_offer(&json!({
            "configuration": "employee_badge", "claims": badge_claims(), "subject": "E-canary-4711",
        }))
        .await
        .json();
    let path = "/api/demo/subjects/erase";
    let erased = server.api(Method::POST, path, &json!({ "subject": "E-canary-4711" })).await;
    assert_eq!(erased.status, StatusCode::OK, "{erased}");
    let erased = erased.json();
    assert_eq!(erased["credentials"], json!([badge.id]));
    assert_eq!(erased["sessions"].as_array().map(Vec::len), Some(2));
    assert_eq!((&erased["revoked"], &erased["left"]), (&json!(1), &json!(0)));
    assert_eq!(text(&erased["proof"]).len(), 43);

    assert_eq!(statuses(&server, &badge).await, [Status::Invalid; 2]);
    assert_eq!(found(&server, &json!({ "subject": "E-canary-4711" })).await, [""; 0]);
    let offer = format!("/api/demo/offers/{}", text(&waiting["id"]));
    let gone = server.api(Method::GET, &offer, &Value::Null).await;
    assert_eq!(gone.refusal(), refused(404, "not_found"));
    let again = server.api(Method::POST, path, &json!({ "subject": "E-canary-4711" })).await.json();
    assert_eq!(again["sessions"], json!([]));

    // neither the reference, nor its HMAC, nor the names of what was erased
    store.close().await.unwrap();
    let file = std::fs::read(directory.path().join("lanyard.db")).unwrap();
    let holds = |bytes: &[u8]| file.windows(bytes.len()).any(|window| window == bytes);
    assert!(!holds(b"E-canary-4711"));
    let subject = {
        use base64::Engine as _;
        let text = text(&erased["subject"]);
        base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
    };
    assert!(!holds(&subject), "secure_delete overwrites what is deleted");
    let id: lanyard_store::CredentialId = badge.id.parse().unwrap();
    assert!(!holds(id.as_bytes()));
}
