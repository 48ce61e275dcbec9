//! Clients that prove who they are: attestations and assertions, one broken rule at a time (security
//! catalogue row 113; the client attestation modules of the conformance suite).

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::{
    HeaderName, Method,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};
use lanyard_core::{
    crypto::{CryptoProvider as _, Curve, RustCrypto, Signer, SoftwareSigner},
    jose::{self, Jwk},
    json::Object,
    status::{
        Status, StatusCheck, StatusError, StatusListUnavailable, StatusListUri, StatusQuestion,
        StatusReading, StatusReference,
    },
    trust::{IssuerIdentity, x509::TrustAnchors},
};
use lanyard_issuer::{Consent, IssuerService, SettingsError};
use lanyard_oid4vci::{
    CredentialConfigurationId,
    attestation_status::{AttestationStatuses, UnreadableStatus},
    client_authentication::{ClientId, ClientMethod, RedirectUri, RegisteredClient},
    issuer::{AuthorizationRules, HolderId, Profile},
};
use lanyard_testkit::{LeafOptions, TestCa, store};
use serde_json::{Value, json};

use crate::{
    code_wallet::{Answer, CALLBACK, DPOP, ISSUER, Wallet, form},
    fixture::{
        Ground, Reply, Server, credential_request, object, refused, request, text, token_request,
    },
};

const ATTESTATION: HeaderName = HeaderName::from_static("oauth-client-attestation");
const POP: HeaderName = HeaderName::from_static("oauth-client-attestation-pop");
const CHALLENGE: HeaderName = HeaderName::from_static("oauth-client-attestation-challenge");

fn client(name: &str, method: ClientMethod) -> RegisteredClient {
    let redirect_uris = vec![RedirectUri::parse(CALLBACK).expect("the fixture is a place")];
    RegisteredClient { id: ClientId::new(name), redirect_uris, method }
}

/// An attester, a client instance with its key, and a bank with a key of its own.
struct Attested {
    server: Server,
    wallet: Wallet,
    attester: TestCa,
    instance: Arc<dyn Signer>,
    bank: Arc<dyn Signer>,
}

impl Attested {
    fn new(profile: Profile) -> Self {
        Self::knowing(profile, AttestationStatuses::default())
    }

    /// With somebody who knows what became of attestations.
    fn knowing(profile: Profile, statuses: AttestationStatuses) -> Self {
        let attester = TestCa::new("Wallet provider");
        let anchors = TrustAnchors::from_der([attester.anchor_der()]).expect("an anchor");
        let key = || -> Arc<dyn Signer> {
            let key = RustCrypto.generate_key(Curve::P256).expect("a key");
            Arc::new(SoftwareSigner::new(&RustCrypto, &key).expect("a signer"))
        };
        let bank = key();
        let banks_key = Jwk::new(*bank.public_key());
        let ground = Ground::where_holders_log_in(
            store(),
            |_| {
                AuthorizationRules::new(profile)
                    .with_code_flow()
                    .with_attesters(anchors)
                    .with_attestation_statuses(statuses)
                    .with_clients(vec![
                        client("wallet", ClientMethod::Attested),
                        client("bank", ClientMethod::PrivateKey(vec![banks_key])),
                    ])
            },
            Consent::DangerAlways(HolderId::new("ada")),
        );
        let server = Server::on(ground);
        let wallet = Wallet::new(&server);
        Self { server, wallet, attester, instance: key(), bank }
    }

    fn now(&self) -> i64 {
        self.server.ground.now().as_second()
    }

    fn attestation_parts(&self) -> (Object, Object) {
        let jwk = Jwk::new(*self.instance.public_key()).to_value();
        (
            object(json!({ "typ": "oauth-client-attestation+jwt" })),
            object(json!({
                "sub": "wallet", "iat": self.now(), "exp": self.now() + 300, "cnf": { "jwk": jwk },
            })),
        )
    }

    async fn pop_parts(&self) -> (Object, Object) {
        let sent = request(Method::POST, "/demo/challenge")
            .body(axum::body::Body::empty())
            .expect("a request");
        let reply = self.server.send(sent).await;
        assert_eq!(reply.header(axum::http::header::CACHE_CONTROL), Some("no-store"));
        let mut jti = [0; 16];
        lanyard_core::crypto::Random::fill(&RustCrypto, &mut jti);
        (
            object(json!({ "typ": "oauth-client-attestation-pop+jwt" })),
            object(json!({
                "aud": ISSUER, "jti": lanyard_core::json::base64url(jti), "iat": self.now(),
                "challenge": reply.json()["attestation_challenge"],
            })),
        )
    }

    async fn attestation(&self, (mut header, claims): (Object, Object)) -> String {
        let leaf = self.attester.leaf(&LeafOptions::named("Wallet provider"));
        let signer = SoftwareSigner::new(&RustCrypto, &leaf.key).expect("a signer");
        let chain: Vec<_> = leaf.chain.iter().map(|der| base64(der)).collect();
        header.entry("x5c").or_insert(json!(chain));
        jose::sign(header, &claims, &signer).await.expect("a software key signs")
    }

    async fn pop(&self, (header, claims): (Object, Object)) -> String {
        jose::sign(header, &claims, &*self.instance).await.expect("a software key signs")
    }

    async fn send(&self, path: &str, parts: &[(String, String)], pair: (&str, &str)) -> Reply {
        let mut sent = token_request(path, &form(parts));
        let proof = self.wallet.proof(&self.server, path, None).await;
        let headers = sent.headers_mut();
        headers.insert(DPOP, proof.parse().expect("visible ASCII"));
        headers.insert(ATTESTATION, pair.0.parse().expect("visible ASCII"));
        headers.insert(POP, pair.1.parse().expect("visible ASCII"));
        self.server.send(sent).await
    }

    async fn attested(&self, parts: &[(String, String)]) -> Reply {
        let attestation = self.attestation(self.attestation_parts()).await;
        let pop = self.pop(self.pop_parts().await).await;
        self.send("/demo/token", parts, (&attestation, &pop)).await
    }

    /// With everything but a DPoP proof.
    async fn unproven(&self, path: &str, parts: &[(String, String)]) -> Reply {
        let attestation = self.attestation(self.attestation_parts()).await;
        let pop = self.pop(self.pop_parts().await).await;
        let mut sent = token_request(path, &form(parts));
        let headers = sent.headers_mut();
        headers.insert(ATTESTATION, attestation.parse().expect("visible ASCII"));
        headers.insert(POP, pop.parse().expect("visible ASCII"));
        self.server.send(sent).await
    }

    async fn push(&self, attestation: (Object, Object), pop: (Object, Object)) -> Reply {
        let pair = (self.attestation(attestation).await, self.pop(pop).await);
        self.send("/demo/par", &self.wallet.parts(), (&pair.0, &pair.1)).await
    }

    async fn with_attestation(&self, change: impl FnOnce(&mut Object, &mut Object)) -> Reply {
        let mut parts = self.attestation_parts();
        change(&mut parts.0, &mut parts.1);
        self.push(parts, self.pop_parts().await).await
    }

    async fn with_pop(&self, change: impl FnOnce(&mut Object, &mut Object)) -> Reply {
        let mut parts = self.pop_parts().await;
        change(&mut parts.0, &mut parts.1);
        self.push(self.attestation_parts(), parts).await
    }
}

fn base64(der: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(der)
}

fn set(claims: &mut Object, name: &str, value: Value) {
    claims.insert(name.to_owned(), value);
}

const LIST: &str = "https://wallets.example/status-lists/1";

/// Says the same of every attestation, once it is asked about the right one.
struct Desk(Result<Status, StatusError>);

#[async_trait]
impl StatusCheck for Desk {
    async fn status(&self, question: &StatusQuestion<'_>) -> Result<StatusReading, StatusError> {
        let uri = StatusListUri::parse(LIST).expect("it is a URI");
        assert_eq!(*question.reference, StatusReference::TokenStatusList { index: 7, uri });
        assert!(matches!(question.issuer, IssuerIdentity::Certificate { .. }));
        self.0.clone().map(Into::into)
    }
}

// OID4VCI 1.0 App. E
#[tokio::test]
async fn an_attestation_that_was_taken_back_or_that_nobody_can_tell_of_is_no_authentication() {
    let away = || Err(StatusError::from(StatusListUnavailable));
    for (found, rule, words) in [
        (Ok(Status::Valid), UnreadableStatus::Refused, None),
        (Ok(Status::Invalid), UnreadableStatus::Taken, Some("it was revoked")),
        (Ok(Status::Suspended), UnreadableStatus::Taken, Some("it is suspended")),
        (away(), UnreadableStatus::Refused, Some("its status cannot be read now")),
        (away(), UnreadableStatus::Taken, None),
    ] {
        let statuses = AttestationStatuses::new(Arc::new(Desk(found)), rule);
        let world = Attested::knowing(Profile::Haip, statuses);
        let status = json!({ "status_list": { "idx": 7, "uri": LIST } });
        let reply = world.with_attestation(|_, claims| set(claims, "status", status)).await;
        match words {
            None => assert_eq!(reply.status, 201, "{reply}"),
            Some(words) => {
                assert_eq!(reply.refusal(), refused(401, "invalid_client"), "{words}");
                let said = text(&reply.json()["error_description"]);
                assert!(said.ends_with(words), "{said}");
            }
        }
    }
}

#[tokio::test]
async fn a_list_is_fetched_for_the_instance_alone() {
    struct Nobody;
    #[async_trait]
    impl StatusCheck for Nobody {
        async fn status(&self, _: &StatusQuestion<'_>) -> Result<StatusReading, StatusError> {
            unreachable!("nobody has proven to be the instance")
        }
    }
    let statuses = AttestationStatuses::new(Arc::new(Nobody), UnreadableStatus::Refused);
    let world = Attested::knowing(Profile::Plain, statuses);
    let mut attestation = world.attestation_parts();
    let status = json!({ "status_list": { "idx": 7, "uri": LIST } });
    set(&mut attestation.1, "status", status);
    let mut pop = world.pop_parts().await;
    set(&mut pop.1, "aud", json!("https://other.example"));
    let reply = world.push(attestation, pop).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_client"));
}

#[tokio::test]
async fn an_attested_wallet_goes_all_the_way_and_refreshes() {
    for profile in [Profile::Plain, Profile::Haip] {
        let mut world = Attested::new(profile);
        let reply = world.push(world.attestation_parts(), world.pop_parts().await).await;
        assert_eq!(reply.status, 201, "{reply}");
        assert!(reply.header(CHALLENGE).is_some());
        let request_uri = text(&reply.json()["request_uri"]);
        let answer = world.wallet.open(&world.server, &request_uri).await;
        let code = Answer::of(&answer).one("code").unwrap();

        let parts = world.wallet.token_parts(&code);
        let attestation = world.attestation(world.attestation_parts()).await;
        let pop = world.pop(world.pop_parts().await).await;
        let reply = world.send("/demo/token", &parts, (&attestation, &pop)).await;
        assert_eq!(reply.status, 200, "{reply}");
        let tokens = reply.json();
        let access = text(&tokens["access_token"]);
        assert_eq!(world.wallet.badge(&world.server, &access).await.status, 200);

        // FAPI refresh-token: without client authentication, then with another instance's key
        let refresh: Vec<_> = [
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", "wallet".to_owned()),
            ("refresh_token", text(&tokens["refresh_token"])),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .to_vec();
        let bare = world.wallet.proven(&world.server, "/demo/token", &refresh).await;
        assert_eq!(bare.refusal(), refused(401, "invalid_client"));
        let own = std::mem::replace(&mut world.instance, world.server.ground.key());
        let attestation = world.attestation(world.attestation_parts()).await;
        let pop = world.pop(world.pop_parts().await).await;
        let reply = world.send("/demo/token", &refresh, (&attestation, &pop)).await;
        assert_eq!(reply.refusal(), refused(400, "invalid_grant"));
        world.instance = own;
        let attestation = world.attestation(world.attestation_parts()).await;
        let pop = world.pop(world.pop_parts().await).await;
        let reply = world.send("/demo/token", &refresh, (&attestation, &pop)).await;
        assert_eq!(reply.status, 200, "{reply}");
    }
}

/// The refresh token of a wallet that logged in, as a token request.
async fn refresh_of(world: &mut Attested) -> Vec<(String, String)> {
    let reply = world.push(world.attestation_parts(), world.pop_parts().await).await;
    let request_uri = text(&reply.json()["request_uri"]);
    let answer = world.wallet.open(&world.server, &request_uri).await;
    let code = Answer::of(&answer).one("code").expect("a code");
    let tokens = world.attested(&world.wallet.token_parts(&code)).await.json();
    let token = text(&tokens["refresh_token"]);
    [("grant_type", "refresh_token"), ("client_id", "wallet"), ("refresh_token", &token)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
}

#[tokio::test]
async fn an_attested_wallet_keeps_its_refresh_token_and_may_change_the_key_of_its_proofs() {
    let mut world = Attested::new(Profile::Haip);
    let refresh = refresh_of(&mut world).await;
    world.wallet.key = world.server.ground.key();
    for _ in 0..2 {
        let reply = world.attested(&refresh).await;
        assert_eq!(reply.status, 200, "{reply}");
        let tokens = reply.json();
        assert_eq!(text(&tokens["refresh_token"]), refresh[2].1);
        let access = text(&tokens["access_token"]);
        assert_eq!(world.wallet.badge(&world.server, &access).await.status, 200);
    }
}

#[tokio::test]
async fn an_attested_wallet_whose_token_was_bound_to_a_key_is_refused_without_one() {
    let mut world = Attested::new(Profile::Plain);
    let refresh = refresh_of(&mut world).await;
    let reply = world.unproven("/demo/token", &refresh).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_grant"));
}

#[tokio::test]
async fn takes_the_shape_with_iss_and_the_one_without() {
    let world = Attested::new(Profile::Plain);
    let reply = world
        .with_attestation(|_, claims| {
            set(claims, "iss", json!("https://provider.example"));
            set(claims, "wallet_name", json!("Wallet"));
            set(claims, "nbf", claims["iat"].clone());
        })
        .await;
    assert_eq!(reply.status, 201, "{reply}");
    let reply = world.with_pop(|_, claims| set(claims, "iss", json!("wallet"))).await;
    assert_eq!(reply.status, 201, "{reply}");
    let reply = world.with_pop(|_, claims| set(claims, "iss", json!("other"))).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_client"));
}

#[tokio::test]
async fn refuses_an_attestation_that_breaks_one_rule() {
    let world = Attested::new(Profile::Plain);
    let now = world.now();
    let (invalid, fresh) = ("invalid_client_attestation", "use_fresh_attestation");
    let reply = world.with_attestation(|header, _| set(header, "typ", json!("JWT"))).await;
    assert_eq!(reply.refusal(), refused(400, invalid));
    let reply = world.with_attestation(|_, claims| drop(claims.shift_remove("sub"))).await;
    assert_eq!(reply.refusal(), refused(400, invalid));
    let reply = world.with_attestation(|_, claims| drop(claims.shift_remove("exp"))).await;
    assert_eq!(reply.refusal(), refused(400, invalid));
    let reply = world.with_attestation(|_, claims| set(claims, "exp", json!(now - 1))).await;
    assert_eq!(reply.refusal(), refused(400, fresh));
    let reply = world.with_attestation(|_, claims| set(claims, "iat", json!(now + 3600))).await;
    assert_eq!(reply.refusal(), refused(400, invalid));
    let reply = world.with_attestation(|_, claims| drop(claims.shift_remove("cnf"))).await;
    assert_eq!(reply.refusal(), refused(400, invalid));
    let reply = world.with_attestation(|_, claims| claims["cnf"]["jwk"]["d"] = json!("AQ")).await;
    assert_eq!(reply.refusal(), refused(400, invalid));
    let reply = world.with_attestation(|_, claims| set(claims, "sub", json!("bank"))).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_client"));
    let reply = world.with_attestation(|header, _| set(header, "x5c", json!([]))).await;
    assert_eq!(reply.refusal(), refused(400, invalid));

    // signed by another attester, and by nobody
    let mut stranger = Attested::new(Profile::Plain);
    stranger.attester = TestCa::new("Somebody else");
    let reply = stranger.with_attestation(|_, _| {}).await;
    assert_eq!(reply.refusal(), refused(400, invalid));
    let attestation = world.attestation(world.attestation_parts()).await;
    let (rest, _) = attestation.rsplit_once('.').unwrap();
    let forged = format!("{rest}.{}", "A".repeat(86));
    let pop = world.pop(world.pop_parts().await).await;
    let reply = world.send("/demo/par", &world.wallet.parts(), (&forged, &pop)).await;
    assert_eq!(reply.refusal(), refused(400, invalid));
}

#[tokio::test]
async fn refuses_a_proof_of_possession_that_breaks_one_rule() {
    let world = Attested::new(Profile::Plain);
    let now = world.now();
    let (client, challenge) = ("invalid_client", "use_attestation_challenge");
    let reply = world.with_pop(|header, _| set(header, "typ", json!("JWT"))).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_client_attestation"));
    for audience in
        [json!(format!("{ISSUER}/par")), json!("https://issuer.example/other"), json!([])]
    {
        let reply = world.with_pop(|_, claims| set(claims, "aud", audience)).await;
        assert_eq!(reply.refusal(), refused(401, client));
    }
    let reply = world.with_pop(|_, claims| drop(claims.shift_remove("jti"))).await;
    assert_eq!(reply.refusal(), refused(401, client));
    for late in [now - 61, now + 61] {
        let reply = world.with_pop(|_, claims| set(claims, "iat", json!(late))).await;
        assert_eq!(reply.refusal(), refused(401, client));
    }
    let reply = world.with_pop(|_, claims| drop(claims.shift_remove("challenge"))).await;
    assert_eq!(reply.refusal(), refused(400, challenge));
    assert!(reply.header(CHALLENGE).is_some());
    let reply = world.with_pop(|_, claims| set(claims, "challenge", json!("guess"))).await;
    assert_eq!(reply.refusal(), refused(400, challenge));
    let (header, claims) = world.pop_parts().await;
    let other = jose::sign(header, &claims, &*world.bank).await.unwrap();
    let attestation = world.attestation(world.attestation_parts()).await;
    let reply = world.send("/demo/par", &world.wallet.parts(), (&attestation, &other)).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_client_attestation"));
}

#[tokio::test]
async fn refuses_a_replayed_proof_of_possession_and_headers_that_are_no_pair() {
    let world = Attested::new(Profile::Plain);
    let attestation = world.attestation(world.attestation_parts()).await;
    let pop = world.pop(world.pop_parts().await).await;
    let send = || {
        let mut sent = token_request("/demo/par", &form(&world.wallet.parts()));
        sent.headers_mut().insert(ATTESTATION, attestation.parse().unwrap());
        sent.headers_mut().insert(POP, pop.parse().unwrap());
        sent
    };
    assert_eq!(world.server.send(send()).await.status, 201);
    assert_eq!(world.server.send(send()).await.refusal(), refused(401, "invalid_client"));
    let mut alone = send();
    alone.headers_mut().remove(POP);
    let invalid = refused(400, "invalid_client_attestation");
    assert_eq!(world.server.send(alone).await.refusal(), invalid);
    let mut twice = send();
    twice.headers_mut().append(ATTESTATION, attestation.parse().unwrap());
    assert_eq!(world.server.send(twice).await.refusal(), invalid);
}

/// One thing that is wrong with an assertion.
type Fault = fn(&mut Object);

#[tokio::test]
async fn a_registered_key_authenticates_its_client_and_nobody_else() {
    let world = Attested::new(Profile::Plain);
    let assertion = |change: fn(&mut Object)| {
        let now = world.now();
        let mut claims = object(json!({
            "iss": "bank", "sub": "bank", "aud": ISSUER, "exp": now + 60, "iat": now,
            "jti": lanyard_core::json::base64url(now.to_be_bytes()),
        }));
        change(&mut claims);
        let bank = Arc::clone(&world.bank);
        async move { jose::sign(Object::new(), &claims, &*bank).await.unwrap() }
    };
    let send = async |assertion: String| {
        let mut parts = world.wallet.parts_with("client_id", "bank");
        let kind = lanyard_oid4vci::client_authentication::ASSERTION_TYPE;
        parts.push(("client_assertion_type".to_owned(), kind.to_owned()));
        parts.push(("client_assertion".to_owned(), assertion));
        world.wallet.push(&world.server, &parts).await
    };
    let faults: [(Fault, &str); 9] = [
        (|claims| set(claims, "iss", json!("wallet")), "iss is not the client"),
        (|claims| set(claims, "sub", json!("wallet")), "this client authentication is not"),
        (|claims| set(claims, "sub", json!("nobody")), "the client is unknown"),
        (
            |claims| set(claims, "aud", json!("https://issuer.example/demo/token")),
            "aud is not the issuer identifier",
        ),
        (|claims| set(claims, "exp", json!(1)), "the client assertion has expired"),
        (|claims| drop(claims.shift_remove("exp")), "the client assertion has no exp"),
        (
            |claims| {
                let later = claims["exp"].as_i64().expect("a number") + 3600;
                set(claims, "exp", json!(later));
            },
            "the client assertion has expired or lives too long",
        ),
        (
            |claims| set(claims, "iat", claims["exp"].as_i64().map(|exp| exp + 1).into()),
            "the client assertion is not valid yet",
        ),
        (|claims| drop(claims.shift_remove("jti")), "jti is missing"),
    ];
    for (fault, reason) in faults {
        let reply = send(assertion(fault).await).await;
        assert_eq!(reply.refusal(), refused(401, "invalid_client"), "{reason}");
        let said = text(&reply.json()["error_description"]);
        assert!(said.starts_with(reason), "{reason}: {said}");
    }
    let good = assertion(|_| {}).await;
    let reply = send(good.clone()).await;
    assert_eq!(reply.status, 201, "{reply}");
    assert_eq!(send(good).await.refusal(), refused(401, "invalid_client"));
    // who is registered with a key does not get in without
    let parts = world.wallet.parts_with("client_id", "bank");
    let reply = world.wallet.push(&world.server, &parts).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_client"));
}

#[tokio::test]
async fn nobody_attests_a_client_that_is_registered_with_a_key_of_its_own() {
    let world = Attested::new(Profile::Plain);
    let mut parts = world.attestation_parts();
    set(&mut parts.1, "sub", json!("bank"));
    let pair = (world.attestation(parts).await, world.pop(world.pop_parts().await).await);
    let form = world.wallet.parts_with("client_id", "bank");
    let reply = world.send("/demo/par", &form, (&pair.0, &pair.1)).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_client"));
    let said = text(&reply.json()["error_description"]);
    assert!(said.starts_with("this client authentication is not supported"), "{said}");
}

#[tokio::test]
async fn the_high_assurance_profile_takes_nobody_without_attestation_and_says_so() {
    let world = Attested::new(Profile::Haip);
    let reply = world.wallet.proven(&world.server, "/demo/par", &world.wallet.parts()).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_client"));
    let offer = world.server.offer().await;
    assert_eq!(world.server.redeem(&offer).await.refusal(), refused(401, "invalid_client"));
    let metadata = world.server.get("/.well-known/oauth-authorization-server/demo").await.json();
    let methods = metadata["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(methods.contains(&json!("attest_jwt_client_auth")));
    assert!(!methods.contains(&json!("none")), "{methods:?}");
    assert_eq!(metadata["pre-authorized_grant_anonymous_access_supported"], false);
    assert_eq!(metadata["challenge_endpoint"], format!("{ISSUER}/challenge"));
    for name in [
        "client_attestation_signing_alg_values_supported",
        "client_attestation_pop_signing_alg_values_supported",
    ] {
        assert!(metadata[name].as_array().unwrap().contains(&json!("ES256")), "{name}");
    }
    // RFC 9449 §7.1: no token at all is answered with the one scheme that is taken
    let mut bare = credential_request("/demo/credential", "none", &json!({}));
    bare.headers_mut().remove(AUTHORIZATION);
    let reply = world.server.send(bare).await;
    assert_eq!(reply.refusal(), refused(401, "invalid_token"));
    assert_eq!(reply.header(WWW_AUTHENTICATE), Some(r#"DPoP algs="ES256 ES384 EdDSA""#));
}

// FAPI 2.0 §5.3.2.1
#[tokio::test]
async fn the_high_assurance_profile_answers_no_code_twice() {
    for (profile, again) in [(Profile::Plain, 200), (Profile::Haip, 400)] {
        let mut world = Attested::new(profile);
        let reply = world.push(world.attestation_parts(), world.pop_parts().await).await;
        let answer = world.wallet.open(&world.server, &text(&reply.json()["request_uri"])).await;
        let code = world.wallet.token_parts(&Answer::of(&answer).one("code").unwrap());
        assert_eq!(world.attested(&code).await.status, 200);
        assert_eq!(world.attested(&code).await.status, again, "{profile:?}");
    }
}

#[tokio::test]
async fn the_high_assurance_profile_trades_no_code_and_no_refresh_token_without_a_proof_of_a_key() {
    let mut world = Attested::new(Profile::Haip);
    // the code is bound to no key: what is missing is the proof, and nothing else
    let reply = world.unproven("/demo/par", &world.wallet.parts()).await;
    assert_eq!(reply.status, 201, "{reply}");
    let request_uri = text(&reply.json()["request_uri"]);
    let answer = world.wallet.open(&world.server, &request_uri).await;
    let code = world.wallet.token_parts(&Answer::of(&answer).one("code").unwrap());
    let reply = world.unproven("/demo/token", &code).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_dpop_proof"));
    let tokens = world.attested(&code).await.json();
    let refresh: Vec<_> = [
        ("grant_type", "refresh_token"),
        ("client_id", "wallet"),
        ("refresh_token", &text(&tokens["refresh_token"])),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let reply = world.unproven("/demo/token", &refresh).await;
    assert_eq!(reply.refusal(), refused(400, "invalid_dpop_proof"));
    assert_eq!(world.attested(&refresh).await.status, 200);
}

#[test]
fn the_high_assurance_profile_starts_with_no_key_that_has_no_certificate() {
    let started = |profile| {
        let rules = |_: &TestCa| AuthorizationRules::new(profile).with_code_flow();
        let consent = Consent::DangerAlways(HolderId::new("ada"));
        let store = store();
        let ground = Ground::where_holders_log_in(store, rules, consent).named_by_did();
        let (_shutdown, stopping) = tokio::sync::watch::channel(false);
        IssuerService::new(ground.settings(stopping)).map(|_| ())
    };
    assert_eq!(started(Profile::Plain), Ok(()));
    let configuration = CredentialConfigurationId::new("employee_badge");
    let tenant = crate::fixture::tenant("demo");
    assert_eq!(started(Profile::Haip), Err(SettingsError::OutsideHaip { tenant, configuration }));
}
