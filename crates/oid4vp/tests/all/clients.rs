//! By what else than a certificate verifiers are known: DIDs, attestations, registrations.

use std::sync::Arc;

use lanyard_core::{
    crypto::{CryptoError, CryptoProvider as _, Curve, PrivateKey, RustCrypto},
    did::{Did, DidUrl},
    jose::{self, Jwk, JwsError},
    json::{self, Object},
};
use lanyard_oid4vp::{
    ClientId, ErrorCode,
    request::{
        LinkScheme, RequestError, RequestLink, RequestUriMethod, ResponseMode, VerifierInfo,
        VerifierStatement, object::RequestSigner,
    },
    verifier::{Requested, WalletCannot, WalletMetadata},
    wallet::{
        Attester, KnownVerifiers, Read, RegisteredVerifier, ReviewedRequest, VerifierIdentity,
        WalletSide,
    },
};
use lanyard_testkit::{SeededRandom, vectors};
use serde_json::{Value, json};
use url::Url;

use crate::world::{HOST, REQUEST_URI, RESPONSE_URI, World, badge_query, parameters};

const MODE: ResponseMode = ResponseMode::DirectPostJwt;
const ATTESTER: &str = "https://attester.example";

fn key() -> PrivateKey {
    RustCrypto.generate_key(Curve::P256).expect("a key")
}

/// Reads a request by reference, with this object behind the reference.
async fn read(
    wallet: &WalletSide,
    client_id: &ClientId,
    object: &str,
    world: &World,
) -> Result<ReviewedRequest, RequestError> {
    let link = RequestLink::ByReference {
        client_id: client_id.clone(),
        request_uri: Url::parse(REQUEST_URI).expect("a URL"),
        method: RequestUriMethod::Get,
    };
    let link = link.to_url(&LinkScheme::Openid4vp);
    let read = wallet.read(link.as_str(), world.now, &SeededRandom::new(1)).await?;
    let Read::Fetch(fetch) = read else { unreachable!("the link is by reference") };
    fetch.review(object, wallet, world.now).await
}

async fn signed(world: &World, requested: &Requested, signer: &RequestSigner) -> String {
    requested.request_object(signer, None, world.now).await.expect("a signature")
}

fn did_of(world: &World, key: &PrivateKey) -> (DidUrl, RequestSigner) {
    let did = Did::from_jwk(&Jwk::new(*key.public()));
    let url = did.with_fragment("0").expect("a fragment");
    let signer = RequestSigner::of_did(Arc::new(world.signer(key)), &url);
    (url, signer)
}

#[tokio::test]
async fn a_verifier_with_a_did_is_known_by_a_key_of_the_did() {
    let world = World::new();
    let (url, signer) = did_of(&world, &key());
    let client = ClientId::decentralized_identifier(url.did());
    let requested = world.ask_as(client.clone(), badge_query(&["name"]), MODE);
    let object = signed(&world, &requested, &signer).await;
    let reviewed = read(&world.wallet(), &client, &object, &world).await.unwrap();
    let identity = VerifierIdentity::Did { did: url.did().to_string(), host: HOST.to_owned() };
    assert_eq!(*reviewed.verifier(), identity);
    assert_eq!(reviewed.verifier().name(), None);
    // the audience is the whole identifier, prefix included
    let binding = reviewed.binding(world.provider.as_ref());
    assert!(binding.audience.as_str().starts_with("decentralized_identifier:did:jwk:"));
}

#[tokio::test]
async fn refuses_a_request_that_no_key_of_the_did_signed() {
    let world = World::new();
    let (url, _) = did_of(&world, &key());
    let (other_url, other) = did_of(&world, &key());
    let client = ClientId::decentralized_identifier(url.did());
    let requested = world.ask_as(client.clone(), badge_query(&["name"]), MODE);
    let refusal = async |object: String| {
        read(&world.wallet(), &client, &object, &world).await.expect_err("a rule is broken")
    };
    // kid of another DID
    assert_eq!(refusal(signed(&world, &requested, &other).await).await, RequestError::KeyId);
    // no kid at all
    let bare = RequestSigner::registered(Arc::clone(other.signer()), None);
    assert_eq!(refusal(signed(&world, &requested, &bare).await).await, RequestError::KeyId);
    // the right kid over another key's signature
    let thief = RequestSigner::of_did(Arc::clone(other.signer()), &url);
    let signature = RequestError::Object(JwsError::Signature(CryptoError::InvalidSignature));
    assert_eq!(refusal(signed(&world, &requested, &thief).await).await, signature);
    // a kid that the document does not have
    let missing = url.did().with_fragment("1").expect("a fragment");
    let signer = RequestSigner::of_did(Arc::clone(other.signer()), &missing);
    assert_eq!(refusal(signed(&world, &requested, &signer).await).await, RequestError::KeyId);
    drop(other_url);
    // a method that nobody here resolves
    let unknown = Did::parse("did:example:123").expect("a DID");
    let client = ClientId::decentralized_identifier(&unknown);
    let requested = world.ask_as(client.clone(), badge_query(&["name"]), MODE);
    let url = unknown.with_fragment("1").expect("a fragment");
    let signer = RequestSigner::of_did(Arc::clone(other.signer()), &url);
    let object = signed(&world, &requested, &signer).await;
    let refused = read(&world.wallet(), &client, &object, &world).await.unwrap_err();
    assert!(matches!(refused, RequestError::Resolution(_)), "{refused}");
}

#[tokio::test]
async fn refuses_a_request_that_has_to_be_signed_and_is_not() {
    let world = World::new();
    let (url, _) = did_of(&world, &key());
    for client in [
        ClientId::decentralized_identifier(url.did()),
        ClientId::verifier_attestation("shop.example").unwrap(),
    ] {
        let requested = world.ask_as(client.clone(), badge_query(&["name"]), MODE);
        let link = requested.link_by_value(&LinkScheme::Openid4vp);
        let read = world.wallet().read(link.as_str(), world.now, &SeededRandom::new(1)).await;
        assert_eq!(read.unwrap_err(), RequestError::NotSigned);
    }
}

/// A verifier with an attestation, and what is in it.
struct Attested {
    attester: PrivateKey,
    verifier: PrivateKey,
    claims: Value,
    typ: &'static str,
}

impl Attested {
    fn new(world: &World) -> Self {
        let verifier = key();
        let claims = json!({
            "iss": ATTESTER, "sub": "shop.example", "exp": world.now.as_second() + 3600,
            "cnf": { "jwk": Jwk::new(*verifier.public()).to_value() },
        });
        Self { attester: key(), verifier, claims, typ: "verifier-attestation+jwt" }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.claims[name] = value;
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.claims.as_object_mut().expect("an object").remove(name);
        self
    }

    fn wallet(&self, world: &World) -> WalletSide {
        let keys = vec![Jwk::new(*self.attester.public())];
        let attester = Attester { issuer: ATTESTER.to_owned(), keys };
        let known = KnownVerifiers::new().with_attester(attester);
        WalletSide { known, ..world.wallet() }
    }

    async fn read(&self, world: &World) -> Result<ReviewedRequest, RequestError> {
        self.read_by(&self.wallet(world), world).await
    }

    async fn read_by(
        &self,
        wallet: &WalletSide,
        world: &World,
    ) -> Result<ReviewedRequest, RequestError> {
        let header = Object::from_iter([("typ".to_owned(), json!(self.typ))]);
        let attester = world.signer(&self.attester);
        let attestation = jose::sign(header, &self.claims, &attester).await.expect("a signature");
        let signer = RequestSigner::attested(Arc::new(world.signer(&self.verifier)), &attestation);
        let client = ClientId::verifier_attestation("shop.example").expect("a name");
        let requested = world.ask_as(client.clone(), badge_query(&["name"]), MODE);
        read(wallet, &client, &signed(world, &requested, &signer).await, world).await
    }

    async fn refusal(self, world: &World) -> RequestError {
        self.read(world).await.expect_err("a rule is broken")
    }
}

#[tokio::test]
async fn a_verifier_with_an_attestation_is_known_by_who_attested_it() {
    let world = World::new();
    let places = json!([RESPONSE_URI, "https://shop.example/other"]);
    for attested in [Attested::new(&world), Attested::new(&world).with("redirect_uris", places)] {
        let reviewed = attested.read(&world).await.unwrap();
        let identity = VerifierIdentity::Attestation {
            name: "shop.example".to_owned(),
            attester: ATTESTER.to_owned(),
            host: HOST.to_owned(),
        };
        assert_eq!(*reviewed.verifier(), identity);
    }
}

#[tokio::test]
async fn refuses_an_attestation_that_breaks_a_rule() {
    let world = World::new();
    let now = world.now.as_second();
    let new = || Attested::new(&world);
    let cases = [
        (new().with("iss", json!("https://other.example")), RequestError::AttestationIssuer),
        (new().without("iss"), RequestError::AttestationIssuer),
        (new().with("sub", json!("other.example")), RequestError::AttestationSubject),
        (new().without("exp"), RequestError::AttestationTime),
        (new().with("exp", json!(now - 61)), RequestError::AttestationTime),
        (new().with("nbf", json!(now + 61)), RequestError::AttestationTime),
        (new().with("iat", json!(now + 61)), RequestError::AttestationTime),
        (new().without("cnf"), RequestError::AttestationKey),
        (new().with("cnf", json!({ "kid": "a" })), RequestError::AttestationKey),
        (
            new().with("redirect_uris", json!(["https://a.example/"])),
            RequestError::AttestationPlace,
        ),
        (
            Attested { typ: "JWT", ..new() },
            RequestError::Attestation(JwsError::WrongType("verifier attestation")),
        ),
    ];
    for (attested, reason) in cases {
        assert_eq!(attested.refusal(&world).await, reason);
    }
    let signature = |error: RequestError| {
        let broken = JwsError::Signature(CryptoError::InvalidSignature);
        assert!(
            error == RequestError::Attestation(broken.clone())
                || error == RequestError::Object(broken)
        );
    };
    // the attester's name over another key's signature
    let attested = new();
    let wallet = new().wallet(&world);
    signature(attested.read_by(&wallet, &world).await.unwrap_err());
    // the attestation of another verifier, stolen
    let stolen = Attested { verifier: key(), ..new() };
    signature(stolen.refusal(&world).await);
    // a wallet that believes nobody about verifiers
    let refused = new().read_by(&world.wallet(), &world).await.unwrap_err();
    assert_eq!(refused, RequestError::AttestationIssuer);
    // no attestation at all
    let client = ClientId::verifier_attestation("shop.example").unwrap();
    let requested = world.ask_as(client.clone(), badge_query(&["name"]), MODE);
    let signer = RequestSigner::registered(Arc::new(world.signer(&key())), None);
    let object = signed(&world, &requested, &signer).await;
    let refused = read(&wallet, &client, &object, &world).await.unwrap_err();
    assert_eq!(refused, RequestError::AttestationMissing);
}

fn registration(keys: Vec<Jwk>) -> RegisteredVerifier {
    RegisteredVerifier {
        client_id: ClientId::pre_registered("the-shop").expect("a client identifier"),
        name: "The Shop".to_owned(),
        keys,
        response_uris: vec![RESPONSE_URI.to_owned()],
        metadata: None,
    }
}

fn knowing(world: &World, verifier: RegisteredVerifier) -> WalletSide {
    let known = KnownVerifiers::new().with_registered(verifier);
    WalletSide { known, ..world.wallet() }
}

#[tokio::test]
async fn a_registered_verifier_is_known_by_its_registration() {
    let world = World::new();
    let own = key();
    let jwk = Jwk { kid: Some("k1".to_owned()), ..Jwk::new(*own.public()) };
    let other = Jwk { kid: Some("k2".to_owned()), ..Jwk::new(*key().public()) };
    let wallet = knowing(&world, registration(vec![other, jwk]));
    let client = ClientId::pre_registered("the-shop").unwrap();
    let requested = world.ask_as(client.clone(), badge_query(&["name"]), MODE);
    let signer = |kid| RequestSigner::registered(Arc::new(world.signer(&own)), kid);
    let object = signed(&world, &requested, &signer(Some("k1"))).await;
    let reviewed = read(&wallet, &client, &object, &world).await.unwrap();
    let identity =
        VerifierIdentity::Registered { name: "The Shop".to_owned(), host: HOST.to_owned() };
    assert_eq!(*reviewed.verifier(), identity);
    // of several keys, nobody knows which
    let object = signed(&world, &requested, &signer(None)).await;
    let refused = read(&wallet, &client, &object, &world).await.unwrap_err();
    assert_eq!(refused, RequestError::KeyId);
    // a wallet that does not know it
    let refused = read(&world.wallet(), &client, &object, &world).await.unwrap_err();
    assert_eq!(refused, RequestError::NotRegistered);
    // a verifier that registered a key signs
    let link = requested.link_by_value(&LinkScheme::Openid4vp);
    let refused = wallet.read(link.as_str(), world.now, &SeededRandom::new(1)).await;
    assert_eq!(refused.unwrap_err(), RequestError::NotSigned);
}

#[tokio::test]
async fn a_verifier_registered_without_a_key_asks_unsigned_and_gets_the_answer_where_it_said() {
    let world = World::new();
    let wallet = knowing(&world, registration(Vec::new()));
    let client = ClientId::pre_registered("the-shop").unwrap();
    let requested = world.ask_as(client.clone(), badge_query(&["name"]), MODE);
    let link = requested.link_by_value(&LinkScheme::Openid4vp);
    let read_link = async |wallet: &WalletSide| {
        wallet.read(link.as_str(), world.now, &SeededRandom::new(1)).await
    };
    assert!(matches!(read_link(&wallet).await, Ok(Read::Reviewed(_))));
    // as an unsigned object too
    let mut claims = parameters(&requested);
    claims.insert("aud".to_owned(), json!("https://self-issued.me/v2"));
    let encode = |value: &Value| json::base64url(value.to_string());
    let header = json!({ "alg": "none", "typ": "oauth-authz-req+jwt" });
    let object = format!("{}.{}.", encode(&header), encode(&json!(claims)));
    assert!(read(&wallet, &client, &object, &world).await.is_ok());

    let elsewhere = vec!["https://verifier.example/other".to_owned()];
    let moved = RegisteredVerifier { response_uris: elsewhere, ..registration(Vec::new()) };
    let refused = read_link(&knowing(&world, moved)).await.unwrap_err();
    assert_eq!(refused, RequestError::ResponseUriDiffers);
}

#[tokio::test]
async fn metadata_that_is_registered_counts_and_is_not_sent_again() {
    let world = World::new();
    let metadata = Some(json!({ "vp_formats_supported": { "dc+sd-jwt": {} } }));
    let known = RegisteredVerifier { metadata, ..registration(Vec::new()) };
    let wallet = knowing(&world, known);
    let client = ClientId::pre_registered("the-shop").unwrap();
    let plain = world.ask_as(client, badge_query(&["name"]), ResponseMode::DirectPost);
    let both = plain.link_by_value(&LinkScheme::Openid4vp);
    let refused = wallet.read(both.as_str(), world.now, &SeededRandom::new(1)).await.unwrap_err();
    assert_eq!(
        (refused.clone(), refused.code()),
        (RequestError::MetadataTwice, ErrorCode::InvalidClient)
    );
    let mut parameters = parameters(&plain);
    parameters.remove("client_metadata");
    let without = RequestLink::ByValue(parameters).to_url(&LinkScheme::Openid4vp);
    let read = wallet.read(without.as_str(), world.now, &SeededRandom::new(1)).await;
    assert!(matches!(read, Ok(Read::Reviewed(_))));
}

#[test]
fn the_did_example_of_the_specification_is_read_as_one() {
    if !vectors::available("oid4vp") {
        return;
    }
    // its query is abbreviated, so the file is no JSON
    let file = "oid4vp/examples-1.0/request/request_object_client_id_did.json";
    let text = vectors::text(file).replace("{ ... }", "{}");
    let example: Value = serde_json::from_str(&text).unwrap();
    let client: ClientId = example["client_id"].as_str().unwrap().parse().unwrap();
    let did = Did::parse("did:example:123").unwrap();
    assert_eq!(client, ClientId::decentralized_identifier(&did));
    let header = vectors::json("oid4vp/examples-1.0/request/request_header_client_id_did.json");
    let kid = DidUrl::parse(header["kid"].as_str().unwrap()).unwrap();
    assert_eq!(*kid.did(), did);
}

#[tokio::test]
async fn a_wallet_that_posts_says_whom_it_can_know_and_what_it_can_present() {
    let world = World::new();
    let prefixes = async |wallet: &WalletSide| {
        let requested = world.ask(badge_query(&["name"]), MODE);
        let uri = Url::parse(REQUEST_URI).unwrap();
        let link = requested.link(uri, RequestUriMethod::Post, &LinkScheme::Openid4vp);
        let read = wallet.read(link.as_str(), world.now, &SeededRandom::new(1)).await.unwrap();
        let Read::Fetch(fetch) = read else { unreachable!("the link is by reference") };
        let form = fetch.form(wallet).expect("a form");
        let form: Vec<(String, String)> = serde_urlencoded::from_str(&form).unwrap();
        let metadata: Value = serde_json::from_str(&form[0].1).unwrap();
        let formats: Vec<_> =
            metadata["vp_formats_supported"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(formats, ["dc+sd-jwt", "mso_mdoc", "jwt_vc_json", "ldp_vc"]);
        metadata["client_id_prefixes_supported"].clone()
    };
    let always = ["redirect_uri", "x509_san_dns", "x509_hash", "decentralized_identifier"];
    assert_eq!(prefixes(&world.wallet()).await, json!(always));
    let knowing = knowing(&world, registration(Vec::new()));
    let known = [&always[..], &["pre-registered"]].concat();
    assert_eq!(prefixes(&knowing).await, json!(known));
    let attested = [&always[..], &["verifier_attestation"]].concat();
    assert_eq!(prefixes(&Attested::new(&world).wallet(&world)).await, json!(attested));
}

#[test]
fn what_a_wallet_says_about_itself_is_heeded() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), MODE);
    let suits = |metadata: Value| {
        let metadata = WalletMetadata::parse(&metadata.to_string()).unwrap();
        requested.suits(&metadata, &world.request_signer())
    };
    for metadata in [
        json!({}),
        json!({ "client_id_prefixes_supported": ["x509_hash"], "unknown": 1 }),
        json!({ "request_object_signing_alg_values_supported": ["ES384", "ES256"] }),
        json!({ "vp_formats_supported": { "dc+sd-jwt": {}, "mso_mdoc": {} } }),
    ] {
        assert_eq!(suits(metadata), Ok(()));
    }
    let cases = [
        (json!({ "client_id_prefixes_supported": ["x509_san_dns"] }), WalletCannot::Prefix),
        (
            json!({ "request_object_signing_alg_values_supported": ["EdDSA", "RS256"] }),
            WalletCannot::Algorithm,
        ),
        (json!({ "vp_formats_supported": { "mso_mdoc": {} } }), WalletCannot::Formats),
    ];
    for (metadata, reason) in cases {
        assert_eq!(suits(metadata), Err(reason));
    }
    assert_eq!(WalletCannot::Formats.code(), ErrorCode::VpFormatsNotSupported);
    assert!(WalletMetadata::parse("[]").is_err());
}

fn info(value: Value) -> Result<Vec<VerifierInfo>, RequestError> {
    let query =
        lanyard_oid4vp::dcql::DcqlQuery::from_value(&badge_query(&["name"])).expect("a query");
    VerifierInfo::list_from_value(&value, &query)
}

#[test]
fn verifier_info_is_read_by_the_rules_of_its_schema() {
    let good = json!([
        { "format": "jwt", "data": "eyJ" },
        { "format": "x", "data": { "a": 1 }, "credential_ids": ["badge"], "future": 1 },
    ]);
    let read = info(good).unwrap();
    assert_eq!(read[1].credential_ids.as_ref().map(Vec::len), Some(1));
    for bad in [
        json!([]),
        json!({}),
        json!([{ "data": "a" }]),
        json!([{ "format": "", "data": "a" }]),
        json!([{ "format": "jwt" }]),
        json!([{ "format": "jwt", "data": 1 }]),
        json!([{ "format": "jwt", "data": "a", "credential_ids": [] }]),
        json!([{ "format": "jwt", "data": "a", "credential_ids": ["other"] }]),
    ] {
        assert_eq!(info(bad.clone()), Err(RequestError::VerifierInfo), "{bad}");
    }
}

#[test]
fn what_is_written_as_verifier_info_keeps_the_foundations_schema() {
    if !vectors::available("oidf-schemas") {
        return;
    }
    let schema = vectors::json("oidf-schemas/oid4vp-verifier_info.json");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let list = json!([
        { "format": "jwt", "data": "eyJ" },
        { "format": "registrar", "data": { "a": 1 }, "credential_ids": ["badge"] },
    ]);
    let written = json!({ "verifier_info": info(list).unwrap() });
    assert!(validator.is_valid(&written), "{written}");
    assert!(!validator.is_valid(&json!({ "verifier_info": [{ "data": "a" }] })));
}

#[tokio::test]
async fn what_a_verifier_registered_about_itself_is_told_without_being_sent() {
    let world = World::new();
    let metadata = json!({
        "vp_formats_supported": { "dc+sd-jwt": {} }, "policy_uri": "https://shop.example/privacy",
        "contacts": ["privacy@shop.example"],
    });
    let known = RegisteredVerifier { metadata: Some(metadata), ..registration(Vec::new()) };
    let wallet = knowing(&world, known);
    let client = ClientId::pre_registered("the-shop").unwrap();
    let requested = world.ask_as(client.clone(), badge_query(&["name"]), ResponseMode::DirectPost);
    let mut claims = parameters(&requested);
    claims.remove("client_metadata");
    claims.insert("aud".to_owned(), json!("https://self-issued.me/v2"));
    let encode = |value: &Value| json::base64url(value.to_string());
    let header = json!({ "alg": "none", "typ": "oauth-authz-req+jwt" });
    let object = format!("{}.{}.", encode(&header), encode(&json!(claims)));
    let reviewed = read(&wallet, &client, &object, &world).await.unwrap();
    let contacts: Vec<_> = reviewed.statement().contacts.iter().map(ToString::to_string).collect();
    assert_eq!(contacts, ["privacy@shop.example"]);
    assert!(reviewed.statement().privacy_policy.is_some());
}

#[tokio::test]
async fn what_stands_in_the_metadata_of_a_request_says_nothing_to_a_holder() {
    let world = World::new();
    let wallet = knowing(&world, registration(Vec::new()));
    let client = ClientId::pre_registered("the-shop").unwrap();
    let requested = world.ask_as(client.clone(), badge_query(&["name"]), MODE);
    let mut claims = parameters(&requested);
    claims["client_metadata"]["policy_uri"] = json!("https://shop.example/privacy");
    claims.insert("aud".to_owned(), json!("https://self-issued.me/v2"));
    let encode = |value: &Value| json::base64url(value.to_string());
    let header = json!({ "alg": "none", "typ": "oauth-authz-req+jwt" });
    let object = format!("{}.{}.", encode(&header), encode(&json!(claims)));
    let reviewed = read(&wallet, &client, &object, &world).await.unwrap();
    assert_eq!(*reviewed.statement(), VerifierStatement::default());
}
