//! Logging in for credentials: with a good authorization server, and with one that misbehaves (the FAPI
//! client modules of the conformance suite).

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::SignedDuration;
use lanyard_core::{
    crypto::{CryptoProvider as _, Curve, RustCrypto, Signer, SoftwareSigner},
    jose::{self, Jwk},
    json::Object,
    trust::x509::TrustAnchors,
};
use lanyard_oid4vci::{IssuerUrl, client_authentication::ClientMethod, issuer::Profile};
use lanyard_testkit::{LeafOptions, TestCa, test_now};
use lanyard_wallet::{
    IssuanceError,
    ports::{AttestedInstance, KeyStoreError, WalletAttestation},
};
use serde_json::{Value, json};
use url::Url;

use crate::world::{Setting, World, client, rules};

pub(crate) async fn world() -> World {
    let rules = Some(rules(Profile::Plain, ClientMethod::Public));
    World::with(Setting { rules, ..Setting::default() }).await
}

/// From an offer to the answer in the browser.
async fn answered(world: &World) -> Url {
    let login = world.read_login().await.begin().await.expect("a login");
    world.browse(login.url()).await
}

fn with(url: &Url, name: &str, value: Option<&str>) -> Url {
    let mut changed = url.clone();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    changed.query_pairs_mut().clear().extend_pairs(pairs.iter().filter(|(other, _)| other != name));
    if let Some(value) = value {
        changed.query_pairs_mut().append_pair(name, value);
    }
    changed
}

#[tokio::test]
async fn logs_in_and_stores_the_card() {
    let world = world().await;
    let offer = world.read_login().await;
    assert_eq!(offer.review().credentials[0].face.name, "Employee badge");
    let login = offer.begin().await.unwrap();
    // RFC 9126 §4: client_id and request_uri, and nothing else, go through the browser
    let names: Vec<_> = login.url().query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["client_id", "request_uri"]);
    let redirect = world.browse(login.url()).await;
    let cards = login.finish(&redirect).await.unwrap();
    assert_eq!(cards.len(), 1);
    let stored = world.wallet.cards().unwrap();
    assert_eq!(stored[0].content.claims["given_name"], "Ada");
    assert_eq!(stored[0].copies, 3);
    assert_eq!(world.last_event()["kind"], "received");
    // OID4VCI 1.0 §12.2.2, RFC 8414 §3.1: the well-known part is put between host and path
    let paths = world.wire.paths();
    let known: Vec<_> = paths.iter().filter(|path| path.contains("well-known")).collect();
    let inserted = |kind: &str| format!("/.well-known/{kind}/demo");
    assert_eq!(
        known,
        [&inserted("openid-credential-issuer"), &inserted("oauth-authorization-server")]
    );
}

#[tokio::test]
async fn goes_on_after_the_app_was_killed_in_the_browser() {
    let world = world().await;
    let redirect = answered(&world).await;
    let cards = world.restarted().finish_login(&redirect).await.unwrap();
    assert_eq!(cards.len(), 1);
    // and an answer counts once
    let again = world.restarted().finish_login(&redirect).await.unwrap_err();
    assert_eq!(again.code(), "login_answer_refused");
}

#[tokio::test]
async fn goes_on_after_the_app_was_killed_between_token_and_credential() {
    let world = world().await;
    let redirect = answered(&world).await;
    world.wire.bend(|url, status, _| {
        if url.path().ends_with("/nonce") {
            *status = 503;
        }
    });
    let error = world.wallet.finish_login(&redirect).await.unwrap_err();
    assert!(matches!(error, IssuanceError::Answer("nonce", _)), "{error}");
    world.wire.straighten();
    let wallet = world.restarted();
    let unfinished = wallet.unfinished().unwrap();
    assert_eq!(unfinished.len(), 1);
    assert_eq!(unfinished[0].credentials, ["Employee badge"]);
    assert_eq!(wallet.go_on(unfinished[0].id).await.unwrap().len(), 1);
    assert!(wallet.unfinished().unwrap().is_empty());
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_costs_no_login() {
    let world = world().await;
    let redirect = answered(&world).await;
    world.wire.turn_away("/token", 503);
    let error = world.wallet.finish_login(&redirect).await.unwrap_err();
    assert_eq!(error.code(), "answer_unusable");
    world.wire.straighten();
    let wallet = world.restarted();
    let unfinished = wallet.unfinished().unwrap();
    assert_eq!(unfinished.len(), 1);
    assert_eq!(unfinished[0].credentials, ["Employee badge"]);
    // the answer counted, although its token is still to be had
    let again = wallet.finish_login(&redirect).await.unwrap_err();
    assert_eq!(again.code(), "login_answer_refused");
    assert_eq!(wallet.go_on(unfinished[0].id).await.unwrap().len(), 1);
    assert!(wallet.unfinished().unwrap().is_empty());
}

// RFC 6749 §4.1.2: the issuer has used the code up, and gives the same token again to the same key
#[tokio::test]
async fn a_token_whose_answer_was_lost_is_had_again() {
    let world = world().await;
    let redirect = answered(&world).await;
    world.wire.bend(|url, status, _| {
        if url.path().ends_with("/token") && *status == 200 {
            *status = 503;
        }
    });
    let error = world.wallet.finish_login(&redirect).await.unwrap_err();
    assert_eq!(error.code(), "answer_unusable");
    world.wire.straighten();
    let unfinished = world.wallet.unfinished().unwrap();
    assert_eq!(world.wallet.go_on(unfinished[0].id).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_code_that_lived_too_short_is_not_gone_on_with() {
    let world = world().await;
    let redirect = answered(&world).await;
    world.wire.turn_away("/token", 503);
    world.wallet.finish_login(&redirect).await.unwrap_err();
    world.wire.straighten();
    world.now.forward(SignedDuration::from_mins(1));
    let unfinished = world.wallet.unfinished().unwrap();
    let error = world.wallet.go_on(unfinished[0].id).await.unwrap_err();
    assert_eq!(error.code(), "token_refused");
    assert!(world.wallet.unfinished().unwrap().is_empty());
}

#[tokio::test]
async fn after_an_answer_that_is_not_ours_nobody_is_called() {
    for (name, value) in [
        ("iss", None),
        ("iss", Some("http://localhost:7077/other")),
        ("iss", Some("http://localhost:7077/demo/")),
        ("state", None),
        ("state", Some("another")),
    ] {
        let world = world().await;
        let redirect = with(&answered(&world).await, name, value);
        let before = world.wire.paths().len();
        let error = world.wallet.finish_login(&redirect).await.unwrap_err();
        assert_eq!(error.code(), "login_answer_refused", "{name} {value:?}");
        assert_eq!(world.wire.paths().len(), before, "{name} {value:?}");
        assert!(world.wallet.cards().unwrap().is_empty());
    }
    let world = world().await;
    let mut redirect = answered(&world).await;
    redirect.query_pairs_mut().append_pair("state", "twice");
    let before = world.wire.paths().len();
    assert!(world.wallet.finish_login(&redirect).await.is_err());
    assert_eq!(world.wire.paths().len(), before);
}

#[tokio::test]
async fn a_missing_issuer_is_fine_where_the_server_announces_none() {
    let world = world().await;
    world.wire.bend(|url, _, body| {
        if url.path().contains("oauth-authorization-server") {
            body["authorization_response_iss_parameter_supported"] = false.into();
        }
    });
    let redirect = with(&answered(&world).await, "iss", None);
    assert_eq!(world.wallet.finish_login(&redirect).await.unwrap().len(), 1);
}

#[tokio::test]
async fn begins_nothing_with_a_server_that_calls_itself_another() {
    let world = world().await;
    let offer = world.offer_to_log_in().await;
    world.wire.bend(|url, _, body| {
        if url.path().contains("oauth-authorization-server") {
            body["issuer"] = "http://localhost:7077/other".into();
        }
    });
    let error = world.wallet.read_offer(&offer.link).await.unwrap_err();
    assert_eq!(error.code(), "issuer_metadata_refused");
    assert!(!world.wire.paths().iter().any(|path| path.ends_with("/par")));
}

#[tokio::test]
async fn what_a_thief_gets_of_a_token_of_an_honest_server_is_bound_to_a_key_that_it_has_not() {
    let world = world().await;
    world.wire.bend(|url, _, body| {
        if url.path().contains("openid-credential-issuer") {
            // the authorization server stays the honest one
            body["credential_endpoint"] = "http://localhost:7077/thief/credential".into();
        }
    });
    let redirect = answered(&world).await;
    assert!(world.wallet.finish_login(&redirect).await.is_err());
    let shown = world.wire.shown();
    assert!(shown.iter().any(|(path, ..)| path == "/thief/credential"), "{shown:?}");
    assert!(shown.iter().all(|(_, scheme, proven)| (*scheme, *proven) == ("DPoP", true)));
}

#[tokio::test]
async fn a_refused_request_to_log_in_is_told_as_what_it_is() {
    let world = world().await;
    let offer = world.read_login().await;
    world.wire.bend(|url, status, body| {
        if url.path().ends_with("/par") {
            *status = 400;
            *body = json!({ "error": "invalid_request" });
        }
    });
    let error = offer.begin().await.unwrap_err();
    assert_eq!(error.code(), "authorization_request_refused");
}

#[tokio::test]
async fn refuses_a_server_without_s256() {
    for methods in [json!(["plain"]), json!([])] {
        let world = world().await;
        let offer = world.offer_to_log_in().await;
        world.wire.bend(move |url, _, body| {
            if url.path().contains("oauth-authorization-server") {
                body["code_challenge_methods_supported"] = methods.clone();
            }
        });
        let error = world.wallet.read_offer(&offer.link).await.unwrap_err();
        assert_eq!(error.code(), "issuer_metadata_refused");
    }
}

#[tokio::test]
async fn takes_a_token_without_expiry_and_a_type_in_any_case() {
    for kind in ["dpop", "DPOP", "DPoP"] {
        let world = world().await;
        let redirect = answered(&world).await;
        world.wire.bend(move |url, _, body| {
            if url.path().ends_with("/token") && body.get("access_token").is_some() {
                body["token_type"] = kind.into();
                body.as_object_mut().expect("an object").remove("expires_in");
            }
        });
        assert_eq!(world.wallet.finish_login(&redirect).await.unwrap().len(), 1, "{kind}");
    }
}

#[tokio::test]
async fn refuses_a_token_of_a_type_that_it_does_not_know() {
    let world = world().await;
    let redirect = answered(&world).await;
    world.wire.bend(|url, _, body| {
        if url.path().ends_with("/token") && body.get("access_token").is_some() {
            body["token_type"] = "mac".into();
        }
    });
    let error = world.wallet.finish_login(&redirect).await.unwrap_err();
    assert_eq!(error.code(), "token_type_unsupported");
    assert!(!world.wire.paths().iter().any(|path| path.ends_with("/credential")));
}

#[tokio::test]
async fn a_nonce_costs_one_more_request_and_is_kept_for_the_next() {
    let world = world().await;
    let redirect = answered(&world).await;
    world.wallet.finish_login(&redirect).await.unwrap();
    let count = |end: &str| world.wire.paths().iter().filter(|path| path.ends_with(end)).count();
    // the first proof had no nonce yet; every later one did
    assert_eq!((count("/par"), count("/token"), count("/credential")), (2, 1, 1));
}

#[tokio::test]
async fn a_server_that_never_has_enough_nonces_is_asked_five_times_and_no_more() {
    let world = world().await;
    world.wire.bend(|url, status, body| {
        if url.path().ends_with("/par") {
            *status = 400;
            *body = json!({ "error": "use_dpop_nonce" });
        }
    });
    let error = world.read_login().await.begin().await.unwrap_err();
    assert_eq!(error.code(), "authorization_request_refused");
    let pushed = world.wire.paths().iter().filter(|path| path.ends_with("/par")).count();
    assert_eq!(pushed, 5);
}

#[tokio::test]
async fn without_proofs_the_token_is_a_bearer_token() {
    let world = world().await;
    world.wire.bend(|url, _, body| {
        if url.path().contains("oauth-authorization-server") {
            body.as_object_mut().expect("an object").remove("dpop_signing_alg_values_supported");
        }
    });
    let redirect = answered(&world).await;
    assert_eq!(world.wallet.finish_login(&redirect).await.unwrap().len(), 1);
}

#[tokio::test]
async fn says_that_the_holder_declined_and_asks_nobody() {
    let world = world().await;
    let redirect = with(&answered(&world).await, "code", None);
    let redirect = with(&redirect, "error", Some("access_denied"));
    let before = world.wire.paths().len();
    let error = world.wallet.finish_login(&redirect).await.unwrap_err();
    assert_eq!(error.code(), "login_declined");
    assert!(error.to_string().contains("access_denied"), "{error}");
    assert_eq!(world.wire.paths().len(), before);
}

#[tokio::test]
async fn asks_for_what_the_token_was_granted_for_and_for_everything_where_it_does_not_say() {
    for (said, asked) in [("badge", 1), ("", 2), ("openid profile", 2)] {
        let world = world().await;
        let login = world.read_login_for(&["diploma", "badge"]).await.begin().await.unwrap();
        let redirect = world.browse(login.url()).await;
        world.wire.bend(move |url, _, body| {
            if url.path().ends_with("/token") && body.get("access_token").is_some() {
                assert_eq!(body["scope"], "badge");
                body["scope"] = said.into();
                if said.is_empty() {
                    body.as_object_mut().expect("an object").remove("scope");
                }
            }
        });
        assert_eq!(login.finish(&redirect).await.unwrap().len(), 1, "{said}");
        assert_eq!(world.wallet.cards().unwrap()[0].content.face.name, "Employee badge", "{said}");
        let paths = world.wire.paths();
        let credentials = paths.iter().filter(|path| path.ends_with("/credential")).count();
        assert_eq!(credentials, asked, "{said}");
    }
}

#[tokio::test]
async fn names_the_credential_as_the_token_response_does() {
    let world = world().await;
    // no scope: the wallet asks with authorization details
    world.wire.bend(|url, _, body| {
        if url.path().contains("openid-credential-issuer") {
            let badge = &mut body["credential_configurations_supported"]["badge"];
            badge.as_object_mut().expect("an object").remove("scope");
        }
    });
    let redirect = answered(&world).await;
    assert_eq!(world.wallet.finish_login(&redirect).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_card_is_issued_again_with_the_refresh_token() {
    let world = world().await;
    let redirect = answered(&world).await;
    let first = world.wallet.finish_login(&redirect).await.unwrap()[0];
    world.now.forward(SignedDuration::from_hours(24 * 7));
    let wallet = world.restarted();
    let second = wallet.renew(first).await.unwrap();
    let cards = wallet.cards().unwrap();
    assert_eq!(cards.iter().map(|card| card.id).collect::<Vec<_>>(), [second]);
    assert_eq!((cards[0].copies, cards[0].unused_copies), (3, 3));
    let third = wallet.renew(second).await.unwrap();
    assert_ne!(second, third);
    assert_eq!(wallet.renew(second).await.unwrap_err().code(), "nothing_pending");
}

#[tokio::test]
async fn a_card_that_came_by_a_code_cannot_be_renewed() {
    let world = World::with_card().await;
    let card = world.wallet.cards().unwrap()[0].id;
    assert_eq!(world.wallet.renew(card).await.unwrap_err().code(), "nothing_pending");
}

/// A wallet provider that attests one key.
struct Provider {
    ca: TestCa,
    key: Arc<dyn Signer>,
    asked: Mutex<Vec<String>>,
}

impl Provider {
    fn new() -> Arc<Self> {
        let key = RustCrypto.generate_key(Curve::P256).expect("a key");
        let key = Arc::new(SoftwareSigner::new(&RustCrypto, &key).expect("a signer"));
        Arc::new(Self { ca: TestCa::new("Provider"), key, asked: Mutex::new(Vec::new()) })
    }
}

#[async_trait]
impl WalletAttestation for Provider {
    async fn attest(&self, server: &IssuerUrl) -> Result<AttestedInstance, KeyStoreError> {
        self.asked.lock().expect("no lock is poisoned").push(server.as_str().to_owned());
        let leaf = self.ca.leaf(&LeafOptions::named("Wallet provider"));
        let signer = SoftwareSigner::new(&RustCrypto, &leaf.key).expect("a signer");
        let encode = |der: &Vec<u8>| {
            use base64::Engine as _;
            base64::engine::general_purpose::STANDARD.encode(der)
        };
        let chain: Vec<_> = leaf.chain.iter().map(encode).collect();
        let now = test_now().as_second();
        let object = |value: Value| -> Object { serde_json::from_value(value).expect("an object") };
        let header = object(json!({ "typ": "oauth-client-attestation+jwt", "x5c": chain }));
        let claims = object(json!({
            "sub": client().id, "iat": now, "exp": now + 3600,
            "cnf": { "jwk": Jwk::new(*self.key.public_key()).to_value() },
        }));
        let attestation = jose::sign(header, &claims, &signer).await?;
        Ok(AttestedInstance { attestation, key: self.key.clone() })
    }
}

#[tokio::test]
async fn an_attested_wallet_keeps_to_the_high_assurance_profile() {
    let provider = Provider::new();
    let anchors = TrustAnchors::from_der([provider.ca.anchor_der()]).unwrap();
    let rules = rules(Profile::Haip, ClientMethod::Attested).with_attesters(anchors);
    let setting =
        Setting { rules: Some(rules), attestation: Some(provider.clone()), ..Setting::default() };
    let world = World::with(setting).await;
    let redirect = answered(&world).await;
    assert_eq!(world.wallet.finish_login(&redirect).await.unwrap().len(), 1);
    assert!(world.wire.paths().iter().any(|path| path.ends_with("/challenge")));
    let asked = provider.asked.lock().unwrap().clone();
    assert!(asked.iter().all(|server| server == "http://localhost:7077/demo"), "{asked:?}");

    // with a code instead of a login: the same is proven
    let offer = world.offer(false).await;
    assert_eq!(world.read(&offer).await.accept(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_wallet_that_nobody_attests_is_told_so() {
    let provider = Provider::new();
    let anchors = TrustAnchors::from_der([provider.ca.anchor_der()]).unwrap();
    let rules = rules(Profile::Haip, ClientMethod::Attested).with_attesters(anchors);
    let world = World::with(Setting { rules: Some(rules), ..Setting::default() }).await;
    let error = world.read_login().await.begin().await.unwrap_err();
    assert_eq!(error.code(), "authorization_request_refused");
    assert!(error.to_string().contains("invalid_client"), "{error}");
}
