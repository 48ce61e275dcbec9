//! Other credential types are put in force while sessions are under way.

use axum::{
    body::Body,
    http::{
        Method,
        header::{ETAG, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED},
    },
};
use jiff::SignedDuration;
use lanyard_issuer::{Offering, SettingsError};
use lanyard_oid4vci::{
    IssuerUrl, Transport,
    configuration::{CredentialConfiguration, IssuancePolicy, IssuerConfiguration},
};
use serde_json::{Value, json};

use crate::fixture::{BASE, Reply, Server, refused, request, tenant, text};

/// The badge, with a further claim that every one must have, and no diploma.
fn other_types() -> Value {
    json!([{
        "id": "employee_badge", "format": "dc+sd-jwt", "scope": "employee_badge",
        "vct": "urn:example:employee-badge:2", "valid_days": 30,
        "claims": [
            { "path": ["given_name"], "mandatory": true, "value": "text" },
            { "path": ["office"], "mandatory": true, "value": "text" },
        ],
    }])
}

fn offering(name: &str, types: Value) -> Offering {
    let url = IssuerUrl::parse(&format!("{BASE}{name}"), Transport::Https).expect("a URL");
    let types: Vec<CredentialConfiguration> = serde_json::from_value(types).expect("it parses");
    let policy = IssuancePolicy::default();
    let configuration = IssuerConfiguration::new(url, Vec::new(), types, policy).expect("it fits");
    Offering { tenant: tenant(name), configuration, login: None }
}

async fn metadata(server: &Server, known: Option<(axum::http::HeaderName, &str)>) -> Reply {
    let path = "/.well-known/openid-credential-issuer/demo";
    let asked = request(Method::GET, path);
    let asked = match known {
        Some((name, value)) => asked.header(name, value),
        None => asked,
    };
    server.send(asked.body(Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn what_began_before_is_finished_under_the_types_that_it_began_with() {
    let server = Server::new();
    let waiting = server.offer().await;
    let (_, token) = server.access().await;
    server.service.reload(vec![offering("demo", other_types())]).expect("good types");
    // a token, and an offer whose code nobody has redeemed yet
    server.finish(&token).await;
    let token = server.access_to(&waiting).await;
    let reply = server.credential(&token, &server.badge_request().await).await;
    let issued = text(&reply.json()["credentials"][0]["credential"]);
    let (_, payload) = crate::login_provider::payload_of(issued.split('~').next().expect("a JWT"));
    assert_eq!(payload["vct"], "urn:example:employee-badge:1");
}

#[tokio::test]
async fn what_begins_afterwards_is_of_the_new_types_alone() {
    let server = Server::new();
    server.service.reload(vec![offering("demo", other_types())]).expect("good types");
    let old = json!({ "configuration": "employee_badge", "claims": { "given_name": "Ada" } });
    let reply = server.make_offer(&old).await;
    assert_eq!(reply.status, 422, "{reply}");
    let new = json!({
        "configuration": "employee_badge", "claims": { "given_name": "Ada", "office": "Lyon" },
    });
    let offer = server.offer_of(&new).await;
    let token = server.access_to(&offer).await;
    let reply = server.credential(&token, &server.badge_request().await).await;
    let issued = text(&reply.json()["credentials"][0]["credential"]);
    let (_, payload) = crate::login_provider::payload_of(issued.split('~').next().expect("a JWT"));
    assert_eq!(payload["vct"], "urn:example:employee-badge:2");
    let supported = metadata(&server, None).await.json();
    let supported = &supported["credential_configurations_supported"];
    assert!(supported.get("diploma").is_none(), "{supported}");
}

#[tokio::test]
async fn a_session_whose_types_nobody_knows_any_more_gives_out_nothing_that_does_not_fit() {
    let server = Server::new();
    let (_, token) = server.access().await;
    // a restart forgets what was before; the types that it starts with are others
    let restarted = Server::on(server.ground.clone());
    restarted.service.reload(vec![offering("demo", other_types())]).expect("good types");
    for round in 0..20_u8 {
        let mut types = other_types();
        types[0]["valid_days"] = json!(31 + u16::from(round));
        restarted.service.reload(vec![offering("demo", types)]).expect("good types");
    }
    let request = restarted.badge_request().await;
    let reply = restarted.credential(&token, &request).await;
    assert_eq!(reply.refusal(), refused(400, "credential_request_denied"));
}

#[tokio::test]
async fn the_types_of_every_tenant_are_taken_or_none() {
    let server = Server::new();
    let before = metadata(&server, None).await.body;
    let unknown = vec![offering("demo", other_types()), offering("third", other_types())];
    let refusal = server.service.reload(unknown);
    assert_eq!(refusal, Err(SettingsError::TenantUnknown(tenant("third"))));
    let mut attested = other_types();
    attested[0]["proof_types"] = json!(["attestation"]);
    let refusal =
        server.service.reload(vec![offering("demo", other_types()), offering("other", attested)]);
    assert!(matches!(refusal, Err(SettingsError::NoAttesters { .. })), "{refusal:?}");
    assert_eq!(metadata(&server, None).await.body, before);
}

#[tokio::test]
async fn caches_are_told_when_the_metadata_have_changed_and_when_not() {
    let server = Server::new();
    let first = metadata(&server, None).await;
    let etag = first.header(ETAG).expect("an ETag").to_owned();
    let since = first.header(LAST_MODIFIED).expect("a date").to_owned();
    assert!(since.ends_with(" GMT"), "{since}");
    let known = metadata(&server, Some((IF_NONE_MATCH, &etag))).await;
    assert_eq!((known.status.as_u16(), known.body.len()), (304, 0));
    let known = metadata(&server, Some((IF_MODIFIED_SINCE, &since))).await;
    assert_eq!(known.status, 304);

    server.ground.pass(SignedDuration::from_mins(1));
    server.service.reload(vec![offering("demo", other_types())]).expect("good types");
    let changed = metadata(&server, Some((IF_NONE_MATCH, &etag))).await;
    assert_eq!(changed.status, 200, "{changed}");
    assert_ne!(changed.header(ETAG), Some(&*etag));
    assert_ne!(changed.header(LAST_MODIFIED), Some(&*since));
}
