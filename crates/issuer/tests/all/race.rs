//! Two at once: one wins, and the other is told so.

use std::sync::Arc;

use lanyard_store::{SqliteStore, Store};
use serde_json::json;
use tokio::task::JoinSet;

use crate::fixture::{Reply, Server, refused, session, tenant, text};

const RIVALS: usize = 16;

fn durable() -> (tempfile::TempDir, Arc<Server>) {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let store: Arc<dyn Store> =
        Arc::new(SqliteStore::open(folder.path()).expect("a fresh store opens"));
    (folder, Arc::new(Server::with_store(store)))
}

fn sorted(replies: &[Reply]) -> (Vec<&Reply>, Vec<&Reply>) {
    replies.iter().partition(|reply| reply.status == 200)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_token_requests_with_one_code_exactly_one_gets_a_token() {
    let (_folder, server) = durable();
    let offer = server.offer().await;
    let mut rivals = JoinSet::new();
    for _ in 0..RIVALS {
        let (server, offer) = (Arc::clone(&server), offer.clone());
        rivals.spawn(async move { server.redeem(&offer).await });
    }
    let replies = rivals.join_all().await;
    let (won, lost) = sorted(&replies);
    assert_eq!((won.len(), lost.len()), (1, RIVALS - 1));
    for reply in lost {
        assert_eq!(reply.refusal(), refused(400, "invalid_grant"));
    }
    server.finish(&text(&won[0].json()["access_token"])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_credential_requests_with_one_token_exactly_one_gets_the_credential() {
    let (_folder, server) = durable();
    let (offer, token) = server.access().await;
    let mut rivals = JoinSet::new();
    for _ in 0..RIVALS {
        let (server, token) = (Arc::clone(&server), token.clone());
        rivals.spawn(async move {
            let request = server.badge_request().await;
            server.credential(&token, &request).await
        });
    }
    let replies = rivals.join_all().await;
    let (won, lost) = sorted(&replies);
    assert_eq!((won.len(), lost.len()), (1, RIVALS - 1));
    for reply in lost {
        assert_eq!(reply.refusal(), refused(400, "credential_request_denied"));
    }
    let store = &server.ground.store;
    let records = store.issued_in(&tenant("demo"), session(&offer)).await.unwrap();
    assert_eq!(records.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_credentials_of_one_token_may_be_asked_for_at_once() {
    let (_folder, server) = durable();
    let offer = server.offer_of_two().await;
    let token = server.access_to(&offer).await;
    let mut both = JoinSet::new();
    for name in ["employee_badge", "diploma"] {
        let (server, token) = (Arc::clone(&server), token.clone());
        both.spawn(async move {
            let proofs = json!({ "jwt": [server.proof().await] });
            let request = json!({ "credential_configuration_id": name, "proofs": proofs });
            server.credential(&token, &request).await
        });
    }
    for reply in both.join_all().await {
        assert_eq!(reply.status, 200, "{reply}");
    }
    assert_eq!(server.status(&offer).await["state"], "issued");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn wrong_tx_codes_at_once_are_all_counted() {
    let (_folder, server) = durable();
    let offer = server.offer_with_tx_code().await;
    let mut rivals = JoinSet::new();
    for _ in 0..RIVALS {
        let (server, offer) = (Arc::clone(&server), offer.clone());
        rivals.spawn(async move { server.redeem_with(&offer, Some("wrong")).await });
    }
    for reply in rivals.join_all().await {
        assert_eq!(reply.refusal(), refused(400, "invalid_grant"));
    }
    assert_eq!(server.status(&offer).await["state"], "tx_code_exhausted");
    let trail = server.trail(&offer).await;
    let wrong = trail.iter().filter(|step| *step == "tx_code_wrong: tx_code_wrong").count();
    assert_eq!(wrong, 4, "{trail:?}");
    assert_eq!(server.redeem(&offer).await.refusal(), refused(400, "invalid_grant"));
}
