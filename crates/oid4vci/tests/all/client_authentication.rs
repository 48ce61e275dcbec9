//! Clients and what they ask for, against the examples of the specifications; the rules one by one are in
//! the issuer's tests, over HTTP.

use jiff::SignedDuration;
use lanyard_core::{
    Timestamp,
    crypto::RustCrypto,
    jose::{HeaderKey, Jwk, Slot, UnverifiedJws},
    json::Object,
    trust::x509::{ChainError, TrustAnchors},
};
use lanyard_oid4vci::{
    AuthorizationCode, IssuerUrl, Transport,
    authorization::{AnswerRefused, AuthorizationAnswer, AuthorizationError, answer_url},
    client_authentication::{
        ASSERTION_TYPE, Client, ClientError, ClientEvidence, ClientId, ClientMethod, RedirectUri,
        RedirectUriError, RegisteredClient,
    },
    issuer::{AuthorizationRules, Profile},
    offer::PRE_AUTHORIZED_GRANT,
    token::{TokenError, TokenRequest},
};
use lanyard_testkit::{TestCa, vectors};
use serde_json::json;
use url::Url;

use crate::fixture::{ISSUER, World, object, sign};

fn attested_world() -> World {
    let ca = TestCa::new("Wallet provider");
    let anchors = TrustAnchors::from_der([ca.anchor_der()]).expect("a certificate");
    World::new().ruled(AuthorizationRules::new(Profile::Plain).with_attesters(anchors))
}

async fn refusal(world: &World, attestation: &str, at: Timestamp) -> ClientError {
    let evidence =
        ClientEvidence { attestation: Some((attestation, "a.b.c")), ..ClientEvidence::default() };
    world.issuer.authenticate(evidence, at).await.expect_err("bad evidence")
}

/// OID4VCI 1.0 App. E prints an attestation whose certificate signed itself, which HAIP §4.4.1 forbids.
#[tokio::test]
async fn the_attestation_of_openid4vci_is_refused_for_its_self_signed_leaf() {
    if !vectors::available("oid4vci") {
        return;
    }
    let printed: String = vectors::text("oid4vci/examples-1.0/wallet_attestation.jwt.txt")
        .split_whitespace()
        .collect();
    let signed = vectors::json("oid4vci/signed_objects.json");
    assert_eq!(signed[0]["jwt"], printed.as_str());
    let now = Timestamp::from_second(1_755_050_000).unwrap();
    let error = refusal(&attested_world(), &printed, now).await;
    assert_eq!(error, ClientError::Attester(ChainError::LeafSelfSigned));
    assert_eq!(error.code(), "invalid_client_attestation");
}

/// The draft's attester is known by a key identifier, which nobody resolves here; its proofs of possession
/// are made with the key that the attestation names.
#[tokio::test]
async fn the_attestation_of_the_draft_is_refused_for_its_missing_certificates() {
    if !vectors::available("attestation-based-client-auth") {
        return;
    }
    let examples = vectors::json("attestation-based-client-auth/draft10_examples.json");
    let attestation = examples[0]["jwt"].as_str().unwrap();
    let now = Timestamp::from_second(1_772_487_600).unwrap();
    assert_eq!(
        refusal(&attested_world(), attestation, now).await,
        ClientError::CertificatesMissing
    );

    let key = Jwk::from_value(&examples[0]["claims"]["cnf"]["jwk"]).unwrap();
    const NONE: &[HeaderKey] = &[];
    let slot = Slot {
        name: "proof of possession",
        typ: &["oauth-client-attestation-pop+jwt"],
        algorithms: lanyard_core::crypto::SignatureAlgorithm::OPENID4VC,
        header_keys: NONE,
    };
    for place in [1, 2] {
        let pop = examples[place]["jwt"].as_str().unwrap();
        let verified = UnverifiedJws::parse(pop).unwrap().verify(&slot, &key.key, &RustCrypto);
        let claims = verified.unwrap().claims().unwrap();
        // no iss since -08: what is demanded is there
        for name in ["aud", "jti", "iat", "challenge"] {
            assert!(claims.contains_key(name), "{name}");
        }
    }
}

#[tokio::test]
async fn where_nobody_is_trusted_to_attest_no_attestation_counts() {
    let error = refusal(&World::new(), "a.b.c", World::new().now).await;
    assert_eq!(error, ClientError::NobodyAttests);
}

#[tokio::test]
async fn two_ways_to_authenticate_are_one_too_many() {
    let evidence = ClientEvidence {
        client_id: None,
        attestation: Some(("a.b.c", "d.e.f")),
        assertion: Some(("type", "g.h.i")),
    };
    let world = attested_world();
    let error = world.issuer.authenticate(evidence, world.now).await.unwrap_err();
    assert_eq!((error.code(), error), ("invalid_client", ClientError::MoreThanOneMethod));
}

#[tokio::test]
async fn a_name_that_nobody_registered_is_nobodys() {
    let world = World::new();
    let evidence = ClientEvidence { client_id: Some("wallet"), ..ClientEvidence::default() };
    let known = world.issuer.authenticate(evidence, world.now).await.unwrap();
    assert_eq!(known.client, Client::Anonymous);
    assert!(known.shown.is_none());
}

/// RFC 7523 §3(7): nobody remembers which assertions were shown before a restore.
#[tokio::test]
async fn an_assertion_that_may_have_been_shown_before_a_restore_is_refused() {
    let world = World::new();
    let key = world.key();
    let bank = RegisteredClient {
        id: ClientId::new("bank"),
        redirect_uris: Vec::new(),
        method: ClientMethod::PrivateKey(vec![Jwk::new(*key.public_key())]),
    };
    let rules = AuthorizationRules::new(Profile::Plain).with_clients(vec![bank]);
    let now = world.now;
    let World { issuer, .. } = world.ruled(rules);
    let issuer = issuer.remembering_since(Some(now));
    let shown = async |made_at: Option<i64>, expires_at: i64, at: i64| {
        let mut claims = object(json!({
            "iss": "bank", "sub": "bank", "aud": ISSUER, "jti": "1",
            "exp": now.as_second() + expires_at,
        }));
        if let Some(made_at) = made_at {
            claims.insert("iat".to_owned(), json!(now.as_second() + made_at));
        }
        let assertion = sign(Object::new(), claims, &*key).await;
        let assertion = Some((ASSERTION_TYPE, assertion.as_str()));
        let evidence = ClientEvidence { assertion, ..ClientEvidence::default() };
        issuer.authenticate(evidence, now + SignedDuration::from_secs(at)).await.map(|_| ())
    };
    let refused = Err(ClientError::BeforeRestore);
    assert_eq!(shown(Some(-10), 120, 5).await, refused, "made before");
    assert_eq!(shown(Some(60), 120, 61).await, refused, "by a clock that is ahead");
    assert_eq!(shown(Some(61), 121, 62).await, Ok(()), "made after");
    assert_eq!(shown(None, 3600, 5).await, refused, "made nobody knows when");
    assert_eq!(shown(None, 3601, 5).await, Ok(()), "it would have been refused before");
}

/// OID4VCI 1.0 §5.1.1, App. A: what each format's example asks for is read, `claims` and all.
#[test]
fn reads_the_authorization_details_of_every_example() {
    if !vectors::available("oid4vci") || !vectors::available("haip") {
        return;
    }
    let ask = |file: &str| {
        let details = vectors::text(file);
        let form = serde_urlencoded::to_string([
            ("grant_type", PRE_AUTHORIZED_GRANT),
            ("pre-authorized_code", "abc"),
            ("authorization_details", &details),
        ]);
        TokenRequest::parse(form.unwrap().as_bytes())
    };
    for (kind, count) in [
        ("", 1),
        ("_sd_jwt_vc", 1),
        ("_jwt_vc_json", 1),
        ("_ldp_vc", 1),
        ("_mso_doc", 1),
        ("_multiple_credentials", 2),
        ("_with_as", 1),
    ] {
        let asked = ask(&format!("oid4vci/examples-1.0/authorization_details{kind}.json"));
        let Ok(TokenRequest::PreAuthorized(request)) = asked else { panic!("{kind}: {asked:?}") };
        assert_eq!(request.details.len(), count, "{kind}");
        let located = request.details.iter().any(|detail| !detail.locations.is_empty());
        assert_eq!(located, kind == "_with_as");
    }
    // HAIP's example is older than OID4VCI 1.0: a format instead of a configuration
    let old = ask("haip/examples-1.0/authorization_details_sd_jwt_vc.json");
    assert_eq!(old, Err(TokenError::AuthorizationDetails));
}

#[test]
fn a_redirect_uri_is_taken_exactly_but_for_the_port_of_a_loopback_address() {
    let registered = RedirectUri::parse("https://wallet.example/cb?a=1&b=2").unwrap();
    for (asked, fits) in [
        ("https://wallet.example/cb?a=1&b=2", true),
        ("https://wallet.example/cb?b=2&a=1", false),
        ("https://wallet.example/cb", false),
        ("https://wallet.example/cb/?a=1&b=2", false),
        ("https://wallet.example:443/cb?a=1&b=2", false),
        ("https://WALLET.example/cb?a=1&b=2", false),
        ("http://wallet.example/cb?a=1&b=2", false),
    ] {
        assert_eq!(registered.takes(asked), fits, "{asked}");
    }
    let loopback = RedirectUri::parse("http://127.0.0.1/callback").unwrap();
    for (asked, fits) in [
        ("http://127.0.0.1:49152/callback", true),
        ("http://127.0.0.1/callback", true),
        ("http://127.0.0.1:49152/callback?x=1", false),
        ("http://127.0.0.1:49152/other", false),
        ("http://localhost:49152/callback", false),
        ("https://127.0.0.1:49152/callback", false),
        ("http://127.0.0.1.evil.example/callback", false),
        ("http://user@127.0.0.1/callback", false),
    ] {
        assert_eq!(loopback.takes(asked), fits, "{asked}");
    }
    assert!(RedirectUri::parse("com.example.wallet:/cb").is_ok());
    for (text, error) in [
        ("callback", RedirectUriError::NotAUrl),
        ("https://wallet.example/#x", RedirectUriError::Fragment),
        ("http://wallet.example/", RedirectUriError::Scheme),
        ("javascript:alert(1)", RedirectUriError::Scheme),
    ] {
        assert_eq!(RedirectUri::parse(text), Err(error), "{text}");
    }
}

#[test]
fn an_answer_comes_back_as_it_was_written() {
    let issuer = IssuerUrl::parse("https://issuer.example/demo", Transport::Https).unwrap();
    let code = AuthorizationCode::new("the code");
    let place = "https://wallet.example/cb?a=1";
    let url = answer_url(place, Ok(&code), Some("a&b=c"), &issuer).unwrap();
    let accept =
        |url: &Url, state: &str| AuthorizationAnswer::parse(url)?.accept(state, &issuer, true);
    assert_eq!(accept(&url, "a&b=c"), Ok(code));
    assert_eq!(accept(&url, "other"), Err(AnswerRefused::State));
    let denied = answer_url(place, Err(AuthorizationError::Denied), Some("s"), &issuer).unwrap();
    assert!(
        matches!(accept(&denied, "s"), Err(AnswerRefused::Error(code, _)) if code == "access_denied")
    );
    // an error from somebody else is not even an error
    let elsewhere = IssuerUrl::parse("https://other.example", Transport::Https).unwrap();
    let forged = answer_url(place, Err(AuthorizationError::Denied), Some("s"), &elsewhere).unwrap();
    assert_eq!(accept(&forged, "s"), Err(AnswerRefused::Issuer));
    let empty = Url::parse("https://wallet.example/cb?state=s&iss=https://issuer.example/demo");
    assert_eq!(accept(&empty.unwrap(), "s"), Err(AnswerRefused::CodeMissing));
    assert_eq!(ClientId::new("a").as_str(), "a");
}
