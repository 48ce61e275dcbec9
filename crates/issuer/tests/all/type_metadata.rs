//! Type metadata and issuer metadata by language (SD-JWT VC §5, OID4VCI 1.0 §12.2.2).

use axum::{
    body::Body,
    http::{
        Method, StatusCode,
        header::{
            ACCEPT, ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_TYPE, ETAG,
            IF_NONE_MATCH, VARY, X_CONTENT_TYPE_OPTIONS,
        },
    },
};
use lanyard_core::{
    crypto::RustCrypto,
    sd_jwt_vc::type_metadata::{Integrity, SelectiveDisclosure, TypeMetadata},
};
use serde_json::json;

use crate::{
    fixture::{Reply, Server, request, text},
    login_provider::payload_of,
};

#[tokio::test]
async fn a_type_that_is_an_address_is_described_there_and_its_credentials_say_by_which_document() {
    let server = Server::new();
    let body = json!({ "configuration": "diploma", "claims": { "degree": "MSc" } });
    let offer = server.offer_of(&body).await;
    let token = server.access_to(&offer).await;
    let wanted = json!({
        "credential_configuration_id": "diploma", "proofs": { "jwt": [server.proof().await] },
    });
    let reply = server.credential(&token, &wanted).await;
    let issued = text(&reply.json()["credentials"][0]["credential"]);
    let (_, payload) = payload_of(issued.split('~').next().unwrap());
    let vct = text(&payload["vct"]);
    let document = server.get(vct.strip_prefix("https://issuer.example").unwrap()).await;
    assert_eq!(document.status, 200, "{document}");
    let integrity = Integrity::parse(&text(&payload["vct#integrity"])).unwrap();
    assert_eq!(integrity.check(&document.body, &RustCrypto), Ok(()));
    let metadata = TypeMetadata::parse(&document.body).expect("readable by whoever verifies");
    assert_eq!(metadata.vct.as_str(), vct);
    let names: Vec<_> = metadata.display.unwrap().into_iter().map(|one| one.name).collect();
    assert_eq!(names, ["Diploma", "Diplom"]);
    assert_eq!(metadata.claims.len(), 1);
    assert_eq!(metadata.claims[0].mandatory, Some(true));
    assert_eq!(metadata.claims[0].sd, Some(SelectiveDisclosure::Always));
}

#[tokio::test]
async fn a_type_that_is_a_urn_is_described_nowhere() {
    let server = Server::new();
    for name in ["employee_badge", "nothing", "diploma/more"] {
        assert_eq!(server.get(&format!("/demo/types/{name}")).await.status, 404, "{name}");
    }
    let (_, token) = server.access().await;
    let reply = server.credential(&token, &server.badge_request().await).await;
    let issued = text(&reply.json()["credentials"][0]["credential"]);
    let (_, payload) = payload_of(issued.split('~').next().unwrap());
    assert!(payload.get("vct#integrity").is_none(), "{payload}");
}

#[tokio::test]
async fn a_logo_that_is_too_long_for_metadata_stands_at_an_address_of_the_issuer() {
    let server = Server::new();
    let metadata = server.get("/.well-known/openid-credential-issuer/demo").await.json();
    let diploma = &metadata["credential_configurations_supported"]["diploma"];
    let path = "/demo/types/diploma/logo";
    for display in diploma["credential_metadata"]["display"].as_array().expect("a list") {
        let logo = json!({ "uri": format!("https://issuer.example{path}"), "alt_text": "A leaf" });
        assert_eq!(display["logo"], logo);
    }
    let shown = server.get(path).await;
    assert_eq!((shown.status, shown.header(CONTENT_TYPE)), (StatusCode::OK, Some("image/svg+xml")));
    assert_eq!(shown.header(CACHE_CONTROL), Some("public, max-age=3600"));
    assert_eq!(shown.header(X_CONTENT_TYPE_OPTIONS), Some("nosniff"));
    let drawing = std::str::from_utf8(&shown.body).unwrap();
    assert!(drawing.starts_with("<svg") && !drawing.contains("steal"), "{drawing}");
    let known = request(Method::GET, path).header(IF_NONE_MATCH, shown.header(ETAG).unwrap());
    let known = server.send(known.body(Body::empty()).expect("a request")).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));
    for nothing in ["diploma/background_image", "employee_badge/logo", "nothing/logo"] {
        assert_eq!(server.get(&format!("/demo/types/{nothing}")).await.status, 404, "{nothing}");
    }
}

async fn metadata(server: &Server, language: &str, kind: &str) -> Reply {
    let asked = request(Method::GET, "/.well-known/openid-credential-issuer/demo")
        .header(ACCEPT_LANGUAGE, language)
        .header(ACCEPT, kind);
    server.send(asked.body(Body::empty()).expect("a request")).await
}

#[tokio::test]
async fn the_metadata_are_in_the_language_that_the_wallet_speaks() {
    let server = Server::new();
    let names = |document: &serde_json::Value| {
        let diploma = &document["credential_configurations_supported"]["diploma"];
        let display = diploma["credential_metadata"]["display"].as_array().expect("a list");
        display.iter().map(|one| text(&one["name"])).collect::<Vec<_>>()
    };
    for (language, expected, said) in [
        ("de-CH, en;q=0.5", vec!["Diplom"], Some("de")),
        ("it, en;q=0.1", vec!["Diploma"], Some("en")),
        ("it", vec!["Diploma", "Diplom"], None),
    ] {
        let reply = metadata(&server, language, "application/json").await;
        assert_eq!(names(&reply.json()), expected, "{language}");
        assert_eq!(reply.header(CONTENT_LANGUAGE), said, "{language}");
        assert_eq!(reply.header(VARY), Some("accept, accept-language"));
        let signed = metadata(&server, language, "application/jwt").await;
        let (_, payload) = payload_of(std::str::from_utf8(&signed.body).unwrap());
        assert_eq!(names(&payload), expected, "{language}");
    }
}
