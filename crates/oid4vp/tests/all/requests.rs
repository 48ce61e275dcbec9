//! Which requests a wallet takes, and what becomes of a holder's choice.

use lanyard_core::{
    crypto::{CryptoError, CryptoProvider as _, Curve, RustCrypto},
    jose::{self, Jwk, JwsError},
    json::Object,
    trust::x509::ChainError,
};
use lanyard_oid4vp::{
    ClientId, ClientIdError, ErrorCode, TextError,
    dcql::DcqlError,
    request::{
        AuthorizationRequest, ClientMetadata, Delivery, LinkScheme, RequestError, RequestLink,
        RequestUriMethod, ResponseMode, Transport, object::AUDIENCE,
    },
    transaction::TransactionError,
    verifier::Requested,
    wallet::{
        AnswerError, NothingFits, Pick, Read, ReplyError, ReviewedRequest, Selection,
        SelectionError, VerifierIdentity, VerifierReply,
    },
};
use lanyard_testkit::{LeafOptions, SeededRandom, TestCa, vectors};
use serde_json::{Value, json};
use url::Url;

use crate::world::{HOST, Honest, REQUEST_URI, RESPONSE_URI, World, badge_query, parameters, view};

const PLAIN: ResponseMode = ResponseMode::DirectPost;
const ENCRYPTED: ResponseMode = ResponseMode::DirectPostJwt;

/// A request object with one thing changed, as the verifier's own key signs it.
struct Forged<'w> {
    world: &'w World,
    claims: Object,
    header: Object,
    client_id: ClientId,
    method: RequestUriMethod,
}

impl<'w> Forged<'w> {
    fn of(world: &'w World, requested: &Requested) -> Self {
        let mut claims = parameters(requested);
        claims.insert("aud".to_owned(), json!(AUDIENCE));
        claims.insert("iat".to_owned(), json!(world.now.as_second()));
        claims.insert("exp".to_owned(), json!(world.now.as_second() + 300));
        let mut header = Object::new();
        header.insert("typ".to_owned(), json!("oauth-authz-req+jwt"));
        header.insert("x5c".to_owned(), x5c(&world.verifier.chain));
        let client_id = requested.client_id().clone();
        Self { world, claims, header, client_id, method: RequestUriMethod::Get }
    }

    fn new(world: &'w World) -> Self {
        Self::of(world, &world.ask(badge_query(&["name"]), ENCRYPTED))
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.claims.insert(name.to_owned(), value);
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    async fn sign(&self) -> String {
        let signer = self.world.signer(&self.world.verifier.key);
        jose::sign(self.header.clone(), &self.claims, &signer).await.expect("a signature")
    }

    async fn read(&self) -> Result<ReviewedRequest, RequestError> {
        self.fetch(&self.sign().await).await
    }

    async fn fetch(&self, object: &str) -> Result<ReviewedRequest, RequestError> {
        let link = RequestLink::ByReference {
            client_id: self.client_id.clone(),
            request_uri: url(REQUEST_URI),
            method: self.method,
        };
        let wallet = self.world.wallet();
        let link = link.to_url(&LinkScheme::HaipVp);
        match wallet.read(link.as_str(), self.world.now, &SeededRandom::new(7)).await? {
            Read::Fetch(fetch) => fetch.review(object, &wallet, self.world.now).await,
            Read::Reviewed(_) => unreachable!("the link is by reference"),
        }
    }

    async fn refusal(&self) -> RequestError {
        self.read().await.expect_err("a rule is broken")
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

fn x5c(chain: &[Vec<u8>]) -> Value {
    use base64::Engine as _;
    chain.iter().map(|der| base64::engine::general_purpose::STANDARD.encode(der)).collect()
}

#[tokio::test]
async fn a_signed_request_says_who_asks() {
    let world = World::new();
    let reviewed = Forged::new(&world).read().await.unwrap();
    let by_certificate = VerifierIdentity::Certificate {
        name: "The Shop".to_owned(),
        dns_names: vec![HOST.to_owned()],
        host: HOST.to_owned(),
    };
    assert_eq!(*reviewed.verifier(), by_certificate);
    assert!(matches!(reviewed.request().delivery, Delivery::Encrypted(_)));
    let binding = reviewed.binding(world.provider.as_ref());
    assert_eq!(binding.audience.as_str(), world.client_id().as_str());

    let by_name = ClientId::x509_san_dns(HOST).unwrap();
    let requested = world.ask_as(by_name, badge_query(&["name"]), PLAIN);
    let reviewed = Forged::of(&world, &requested).read().await.unwrap();
    assert_eq!(*reviewed.verifier(), by_certificate);
}

#[tokio::test]
async fn a_request_by_value_is_known_by_where_the_response_goes() {
    let world = World::new();
    let client = ClientId::redirect_uri(&url(RESPONSE_URI));
    let requested = world.ask_as(client.clone(), badge_query(&["name"]), PLAIN);
    let link = requested.link_by_value(&LinkScheme::Openid4vp);
    let read = async |link: &str| world.wallet().read(link, world.now, &SeededRandom::new(1)).await;
    let Read::Reviewed(reviewed) = read(link.as_str()).await.unwrap() else {
        unreachable!("everything is in the link")
    };
    assert_eq!(*reviewed.verifier(), VerifierIdentity::Address { host: HOST.to_owned() });
    assert_eq!(reviewed.request().query, *requested.query());

    let elsewhere = link.as_str().replace("responses%2Fr1&nonce", "responses%2Fr2&nonce");
    assert_eq!(read(&elsewhere).await.unwrap_err(), RequestError::ResponseUriDiffers);

    let signed = world.ask(badge_query(&["name"]), PLAIN).link_by_value(&LinkScheme::HaipVp);
    assert_eq!(read(signed.as_str()).await.unwrap_err(), RequestError::NotSigned);
    let known = link.as_str().replace("client_id=redirect_uri%3Ahttps%3A%2F%2F", "client_id=");
    assert_eq!(read(&known).await.unwrap_err(), RequestError::NotRegistered);
}

#[tokio::test]
async fn a_redirect_uri_client_may_leave_the_object_unsigned_and_may_not_sign_it() {
    let world = World::new();
    let client = ClientId::redirect_uri(&url(RESPONSE_URI));
    let forged = Forged::of(&world, &world.ask_as(client, badge_query(&["name"]), PLAIN));
    assert_eq!(forged.refusal().await, RequestError::SignedByRedirectUri);
    let encode = |value: &Value| lanyard_core::json::base64url(value.to_string());
    let header = json!({ "alg": "none", "typ": "oauth-authz-req+jwt" });
    let object = format!("{}.{}.", encode(&header), encode(&json!(forged.claims)));
    assert!(forged.fetch(&object).await.is_ok());
    // nobody else may
    let signed = Forged::new(&world);
    let object = format!("{}.{}.", encode(&header), encode(&json!(signed.claims)));
    let refused = signed.fetch(&object).await.unwrap_err();
    assert_eq!(refused, RequestError::Object(JwsError::AlgorithmNotAllowed("request object")));
}

#[tokio::test]
async fn refuses_an_object_whose_signature_or_type_is_wrong() {
    let world = World::new();
    let mut forged = Forged::new(&world);
    let object = forged.sign().await;
    let place = object.len() - 10;
    let flipped = if object.as_bytes()[place] == b'A' { "B" } else { "A" };
    let broken = format!("{}{flipped}{}", &object[..place], &object[place + 1..]);
    let signature = RequestError::Object(JwsError::Signature(CryptoError::InvalidSignature));
    assert_eq!(forged.fetch(&broken).await.unwrap_err(), signature);
    forged.header.insert("typ".to_owned(), json!("JWT"));
    let typ = RequestError::Object(JwsError::WrongType("request object"));
    assert_eq!(forged.refusal().await, typ);
}

#[tokio::test]
async fn refuses_a_verifier_nobody_vouches_for() {
    let world = World::new();
    let mut forged = Forged::new(&world);
    forged.header.remove("x5c");
    assert_eq!(forged.refusal().await, RequestError::CertificateMissing);

    let stranger = TestCa::new("Strangers").leaf(&LeafOptions::named("Shop").dns(HOST));
    forged.header.insert("x5c".to_owned(), x5c(&stranger.chain));
    assert_eq!(forged.refusal().await, RequestError::Chain(ChainError::Untrusted));

    let own = TestCa::self_signed_leaf(&LeafOptions::named("Shop").dns(HOST));
    forged.header.insert("x5c".to_owned(), x5c(&own.chain));
    assert_eq!(forged.refusal().await, RequestError::Chain(ChainError::LeafSelfSigned));
}

#[tokio::test]
async fn refuses_a_certificate_that_is_not_the_one_of_the_client_identifier() {
    let world = World::new();
    let query = || badge_query(&["name"]);
    let other = ClientId::x509_hash(b"another certificate", world.provider.as_ref());
    let forged = Forged::of(&world, &world.ask_as(other, query(), PLAIN));
    assert_eq!(forged.refusal().await, RequestError::CertificateDiffers);
    let other = ClientId::x509_san_dns("other.example").unwrap();
    let forged = Forged::of(&world, &world.ask_as(other, query(), PLAIN));
    assert_eq!(forged.refusal().await, RequestError::CertificateDiffers);
    let by_name = ClientId::x509_san_dns(HOST).unwrap();
    let forged = Forged::of(&world, &world.ask_as(by_name, query(), PLAIN))
        .with("response_uri", json!("https://evil.example/post"));
    assert_eq!(forged.refusal().await, RequestError::ResponseUriDiffers);
}

#[tokio::test]
async fn refuses_a_client_identifier_that_differs_between_link_and_object() {
    let world = World::new();
    let bare = world.client_id().as_str().trim_start_matches("x509_hash:").to_owned();
    for other in [bare, "x509_san_dns:verifier.example".to_owned()] {
        let forged = Forged::new(&world).with("client_id", json!(other));
        assert_eq!(forged.refusal().await, RequestError::ClientIdDiffers);
    }
    let missing = Forged::new(&world).without("client_id");
    assert_eq!(missing.refusal().await, RequestError::Missing("client_id"));
}

#[tokio::test]
async fn refuses_links_whose_client_identifier_has_a_prefix_that_is_not_supported() {
    let world = World::new();
    for (client, reason) in [
        ("origin:https://a.example", ClientIdError::OriginReserved),
        ("openid_federation:https://a.example", ClientIdError::NotSupported("openid_federation")),
        ("decentralized_identifier:web:a", ClientIdError::NotADid),
        ("https://a.example", ClientIdError::UnknownPrefix),
    ] {
        let link = format!("openid4vp://?client_id={client}&request_uri=https://a.example/r");
        let read = world.wallet().read(&link, world.now, &SeededRandom::new(1)).await;
        let refused = read.unwrap_err();
        assert_eq!(refused, RequestError::ClientId(reason));
        assert_eq!(refused.code(), ErrorCode::InvalidRequest);
    }
}

#[tokio::test]
async fn refuses_an_object_for_somebody_else_or_another_time() {
    let world = World::new();
    let now = world.now.as_second();
    let refusal = async |forged: Forged<'_>| forged.refusal().await;
    for aud in [json!("https://other.example"), json!(1), json!([])] {
        let forged = Forged::new(&world).with("aud", aud);
        assert_eq!(refusal(forged).await, RequestError::Audience);
    }
    assert_eq!(refusal(Forged::new(&world).without("aud")).await, RequestError::Audience);
    assert_eq!(refusal(Forged::new(&world).with("exp", json!(now))).await, RequestError::Expired);
    for name in ["iat", "nbf"] {
        let forged = Forged::new(&world).with(name, json!(now + 3600));
        assert_eq!(refusal(forged).await, RequestError::NotYetValid);
    }
    // the quirk of @openid4vc/openid4vp
    assert!(Forged::new(&world).with("aud", json!(REQUEST_URI)).read().await.is_ok());
}

#[tokio::test]
async fn a_wallet_nonce_has_to_come_back() {
    let world = World::new();
    let requested = world.ask(badge_query(&["name"]), ENCRYPTED);
    let mut forged = Forged::of(&world, &requested);
    forged.method = RequestUriMethod::Post;
    assert_eq!(forged.refusal().await, RequestError::WalletNonce);
    let other = forged.with("wallet_nonce", json!("another"));
    assert_eq!(other.refusal().await, RequestError::WalletNonce);

    let wallet = world.wallet();
    let link = requested.link(url(REQUEST_URI), RequestUriMethod::Post, &LinkScheme::Openid4vp);
    let read = wallet.read(link.as_str(), world.now, &SeededRandom::new(7)).await.unwrap();
    let Read::Fetch(fetch) = read else { unreachable!("the link is by reference") };
    let form: Vec<(String, String)> =
        serde_urlencoded::from_str(&fetch.form(&wallet).unwrap()).unwrap();
    assert_eq!(form[0].0, "wallet_metadata");
    let metadata: Value = serde_json::from_str(&form[0].1).unwrap();
    assert!(metadata["vp_formats_supported"]["dc+sd-jwt"].is_object());
    assert!(metadata["request_object_signing_alg_values_supported"].is_array());
    let nonce = form[1].1.parse().unwrap();
    let signer = world.request_signer();
    let object = requested.request_object(&signer, Some(&nonce), world.now).await.unwrap();
    assert!(fetch.review(&object, &wallet, world.now).await.is_ok());
}

#[tokio::test]
async fn every_parameter_keeps_its_rule() {
    let world = World::new();
    let changed = |name: &str, value: Value| Forged::new(&world).with(name, value);
    let cases = [
        (Forged::new(&world).without("response_type"), RequestError::Missing("response_type")),
        (changed("response_type", json!("code")), RequestError::ResponseType),
        (Forged::new(&world).without("response_mode"), RequestError::Missing("response_mode")),
        (changed("response_mode", json!("fragment")), RequestError::ResponseMode),
        (Forged::new(&world).without("response_uri"), RequestError::Missing("response_uri")),
        (changed("response_uri", json!("http://verifier.example/")), RequestError::ResponseUri),
        (changed("response_uri", json!("javascript:alert(1)")), RequestError::ResponseUri),
        (changed("response_uri", json!("https://a@verifier.example/")), RequestError::ResponseUri),
        (changed("response_uri", json!("https://verifier.example/#a")), RequestError::ResponseUri),
        (changed("redirect_uri", json!(RESPONSE_URI)), RequestError::RedirectUriPresent),
        (Forged::new(&world).without("nonce"), RequestError::Missing("nonce")),
        (changed("nonce", json!("a b")), RequestError::Nonce(TextError::Characters)),
        (changed("nonce", json!("")), RequestError::Nonce(TextError::Empty)),
        (changed("nonce", json!(1)), RequestError::Unreadable("nonce")),
        (changed("state", json!("ä")), RequestError::State(TextError::Characters)),
        (changed("presentation_definition", json!({})), RequestError::PresentationDefinition),
        (changed("presentation_definition_uri", json!("")), RequestError::PresentationDefinition),
        (changed("scope", json!("a")), RequestError::ScopeAndQuery),
        (changed("scope", json!("a")).without("dcql_query"), RequestError::Scope),
        (Forged::new(&world).without("dcql_query"), RequestError::Missing("dcql_query")),
        (changed("dcql_query", json!({})), RequestError::Query(DcqlError::Missing("credentials"))),
        (
            changed("transaction_data", json!(["e30"])),
            RequestError::TransactionData(TransactionError::Missing("type")),
        ),
        (changed("verifier_info", json!([])), RequestError::VerifierInfo),
        (changed("client_metadata", json!(1)), RequestError::Unreadable("client_metadata")),
        (changed("client_metadata", json!({})), RequestError::NoEncryptionKey),
        (Forged::new(&world).without("client_metadata"), RequestError::NoEncryptionKey),
    ];
    for (forged, reason) in cases {
        assert_eq!(forged.refusal().await, reason);
    }
    let unknown = RequestError::TransactionData(TransactionError::UnknownType);
    assert_eq!(unknown.code(), ErrorCode::InvalidTransactionData);
    assert_eq!(RequestError::MetadataTwice.code(), ErrorCode::InvalidClient);
    assert_eq!(RequestError::Scope.code(), ErrorCode::InvalidScope);
    assert_eq!(RequestError::RedirectUriPresent.code(), ErrorCode::InvalidRequest);
}

#[tokio::test]
async fn ignores_what_it_does_not_know_in_any_order() {
    let world = World::new();
    let mut forged = Forged::new(&world).with("future", json!({ "a": 1 }));
    forged.claims = forged.claims.into_iter().rev().collect();
    forged.claims.insert("state".to_owned(), json!("s".repeat(64)));
    let reviewed = forged.read().await.unwrap();
    assert_eq!(reviewed.request().state.as_ref().map(|state| state.as_str().len()), Some(64));
    assert!(forged.without("state").read().await.is_ok());
}

#[tokio::test]
async fn without_holder_binding_a_state_is_needed() {
    let world = World::new();
    let mut query = badge_query(&["name"]);
    query["credentials"][0]["require_cryptographic_holder_binding"] = json!(false);
    let forged = Forged::new(&world).with("dcql_query", query).without("state");
    assert_eq!(forged.refusal().await, RequestError::StateMissing);
}

#[tokio::test]
async fn refuses_a_request_for_formats_it_does_not_hold_or_the_verifier_does_not_take() {
    let world = World::new();
    let mdoc = json!({ "credentials": [
        { "id": "m", "format": "mso_mdoc", "meta": { "doctype_value": "x" } }
    ]});
    let forged = Forged::new(&world).with("dcql_query", mdoc);
    assert_eq!(forged.refusal().await, RequestError::Formats);
    let mut forged = Forged::new(&world);
    forged.claims["client_metadata"]["vp_formats_supported"] = json!({ "mso_mdoc": {} });
    assert_eq!(forged.refusal().await, RequestError::Formats);
    assert_eq!(RequestError::Formats.code(), ErrorCode::VpFormatsNotSupported);
}

#[test]
fn encryption_keys_that_cannot_be_used_are_left_alone() {
    let good = RustCrypto.generate_key(Curve::P256).unwrap();
    let jwk = |kid: &str| {
        let mut jwk = Jwk::new(*good.public()).to_value();
        jwk["kid"] = json!(kid);
        jwk["alg"] = json!("ECDH-ES");
        jwk
    };
    let with = |kid: &str, name: &str, value: Value| {
        let mut jwk = jwk(kid);
        jwk[name] = value;
        jwk
    };
    let mut nameless = jwk("n");
    nameless.as_object_mut().unwrap().remove("kid");
    let unusable = [
        with("a", "use", json!("sig")),
        with("b", "alg", json!("RSA-OAEP")),
        with("c", "crv", json!("X25519")),
        with("d", "d", json!("AAAA")),
        json!({ "kty": "RSA", "kid": "e", "n": "AQ", "e": "AQ" }),
        nameless,
    ];
    let metadata = |keys: &[Value]| {
        ClientMetadata::from_value(&json!({
            "jwks": { "keys": keys },
            "encrypted_response_enc_values_supported": ["A128CBC-HS256", "A128GCM", "A256GCM"],
        }))
    };
    assert_eq!(metadata(&unusable).unwrap().recipient(), Err(RequestError::NoEncryptionKey));
    let some = [&unusable[..], &[jwk("good")]].concat();
    let recipient = metadata(&some).unwrap().recipient().unwrap();
    assert_eq!(recipient.jwk.kid.as_deref(), Some("good"));
    assert_eq!(recipient.enc.name(), "A256GCM");
    let twice = metadata(&[jwk("x"), jwk("x")]);
    assert_eq!(twice, Err(RequestError::DuplicateKeyId));
    let silent = ClientMetadata::from_value(&json!({ "jwks": { "keys": [jwk("x")] } })).unwrap();
    assert_eq!(silent.recipient().unwrap().enc.name(), "A128GCM");
    let foreign = ClientMetadata::from_value(&json!({
        "jwks": { "keys": [jwk("x")] },
        "encrypted_response_enc_values_supported": ["A128CBC-HS256"],
    }));
    assert_eq!(foreign.unwrap().recipient(), Err(RequestError::NoContentEncryption));
}

#[test]
fn the_metadata_examples_of_the_specification_can_be_read() {
    if !vectors::available("oid4vp") {
        return;
    }
    for file in vectors::files("oid4vp/examples-1.0/client_metadata", "json") {
        assert!(ClientMetadata::from_value(&vectors::json(file)).is_ok());
    }
}

#[test]
fn the_metadata_example_of_haip_is_of_a_draft_and_says_nothing_about_formats() {
    if !vectors::available("haip") {
        return;
    }
    let example = vectors::json("haip/examples-1.0/client_metadata_sd_jwt_vc.json");
    let nothing = ClientMetadata::from_value(&json!({}));
    assert_eq!(ClientMetadata::from_value(&example), nothing);
    let mut final_name = example.clone();
    final_name["vp_formats_supported"] = example["vp_formats"].clone();
    assert_ne!(ClientMetadata::from_value(&final_name), nothing);
}

#[test]
fn links_are_read_strictly() {
    let world = World::new();
    let client = world.client_id();
    let read = |link: &str| RequestLink::parse(link, Transport::HttpsOnly);
    let reference = |more: &str| {
        read(&format!(
            "openid4vp://?client_id={client}&request_uri=https%3A%2F%2Fa.example%2Fr{more}"
        ))
    };
    assert!(matches!(
        reference(""),
        Ok(RequestLink::ByReference { method: RequestUriMethod::Get, .. })
    ));
    assert!(matches!(
        reference("&request_uri_method=post&future=1"),
        Ok(RequestLink::ByReference { method: RequestUriMethod::Post, .. })
    ));
    assert_eq!(reference("&request_uri_method=POST"), Err(RequestError::RequestUriMethod));
    assert_eq!(reference("&client_id=other"), Err(RequestError::Link));
    assert_eq!(reference("&request=e30"), Err(RequestError::Link));
    assert_eq!(reference("%23fragment"), Err(RequestError::RequestUri));
    for uri in ["http://a.example/r", "https://u@a.example/r", "file:///etc/passwd", "javascript:a"]
    {
        let link = format!("haip-vp://?client_id={client}&request_uri={uri}");
        assert_eq!(read(&link), Err(RequestError::RequestUri), "{uri}");
    }
    assert_eq!(read("openid4vp://?request_uri=https://a.example/r"), Err(RequestError::Link));
    assert_eq!(
        read(&format!("openid4vp://?client_id={client}&request_uri_method=post")),
        Err(RequestError::RequestUriMethod)
    );
    for link in
        ["", "openid4vci://?client_id=a", "javascript:alert(1)", "http://a.example/?client_id=a"]
    {
        assert_eq!(read(link), Err(RequestError::Link), "{link}");
    }
    assert_eq!(read(&format!("openid4vp://?a={}", "a".repeat(70_000))), Err(RequestError::Link));
    let bad_json = format!("openid4vp://?client_id={client}&dcql_query=x");
    assert_eq!(read(&bad_json), Err(RequestError::Unreadable("dcql_query")));
}

#[test]
fn plain_http_is_for_loopback_and_development_only() {
    let loopback = ["http://localhost:7077/r", "http://127.0.0.1:1/r", "http://[::1]/r"];
    for link in loopback {
        assert!(Transport::LoopbackToo.allows(&url(link)), "{link}");
        assert!(!Transport::HttpsOnly.allows(&url(link)), "{link}");
    }
    for link in ["http://10.0.0.1/r", "http://localhost.evil.example/r", "http://0.0.0.0/"] {
        assert!(!Transport::LoopbackToo.allows(&url(link)), "{link}");
    }
}

#[tokio::test]
async fn nothing_fits_and_no_thanks_look_the_same_to_the_verifier() {
    let world = World::new();
    let requested = world.ask(badge_query(&["shoe_size"]), PLAIN);
    let reviewed = world.review(&requested).await;
    let badge = world.badge().await;
    assert_eq!(reviewed.choices(&[view(&badge)]), Err(NothingFits));
    assert_eq!(reviewed.choices(&[]), Err(NothingFits));
    let without = reviewed.decline(world.provider.as_ref()).unwrap();
    let state = parameters(&requested)["state"].as_str().unwrap().to_owned();
    assert_eq!(without.body, format!("error=access_denied&state={state}"));
    assert_eq!(without.response_uri, url(RESPONSE_URI));
}

#[tokio::test]
async fn consent_is_for_one_request_and_what_was_chosen() {
    let world = World::new();
    let badge = world.badge().await;
    let one = world.review(&world.ask(badge_query(&["name"]), PLAIN)).await;
    let other = world.review(&world.ask(badge_query(&["name"]), PLAIN)).await;
    let choices = one.choices(&[view(&badge)]).unwrap();
    let consent = choices.clone().approve(&choices.smallest()).unwrap();
    assert_eq!(consent.approved()[0].disclose.len(), 1);
    let presenter = Honest::new(&world, badge);
    let answer = other.answer(consent, &presenter, world.provider.as_ref()).await;
    assert_eq!(answer, Err(AnswerError::OtherRequest));
}

#[tokio::test]
async fn a_selection_has_to_be_among_the_choices() {
    let world = World::new();
    let badge = world.badge().await;
    let mut query = badge_query(&["name"]);
    query["credential_sets"] =
        json!([{ "options": [["badge"]] }, { "options": [["badge"]], "required": false }]);
    let reviewed = world.review(&world.ask(query, PLAIN)).await;
    let choices = reviewed.choices(&[view(&badge), view(&badge)]).unwrap();
    assert_eq!(choices.smallest().options, [Some(0), None]);
    assert_eq!(choices.sets().len(), 2);
    let id = choices.queries()[0].query.id.clone();
    let approve = |options: &[Option<usize>], picks: &[&[(usize, usize)]]| {
        let picks = picks
            .iter()
            .map(|candidates| Pick { query: id.clone(), candidates: candidates.to_vec() });
        let selection = Selection { options: options.to_vec(), picks: picks.collect() };
        choices.clone().approve(&selection).map(|consent| consent.approved()[0].credential)
    };
    let required = [Some(0), None];
    assert_eq!(approve(&required, &[]), Ok(0));
    assert_eq!(approve(&required, &[&[(1, 0)]]), Ok(1));
    assert_eq!(approve(&[Some(0)], &[]), Err(SelectionError::Sets));
    assert_eq!(approve(&[None, Some(0)], &[]), Err(SelectionError::RequiredLeftOut));
    assert_eq!(approve(&[Some(1), None], &[]), Err(SelectionError::NotAmongChoices));
    assert_eq!(approve(&required, &[&[(2, 0)]]), Err(SelectionError::NotAmongChoices));
    assert_eq!(approve(&required, &[&[(0, 1)]]), Err(SelectionError::NotAmongChoices));
    assert_eq!(approve(&required, &[&[]]), Err(SelectionError::Count));
    assert_eq!(approve(&required, &[&[(0, 0), (1, 0)]]), Err(SelectionError::Count));
    assert_eq!(approve(&required, &[&[(0, 0)], &[(1, 0)]]), Err(SelectionError::Count));
}

#[tokio::test]
async fn a_request_in_which_everything_is_optional_cannot_be_answered_with_nothing() {
    let world = World::new();
    let badge = world.badge().await;
    let mut query = badge_query(&["name"]);
    query["credential_sets"] = json!([{ "options": [["badge"]], "required": false }]);
    let reviewed = world.review(&world.ask(query, PLAIN)).await;
    let choices = reviewed.choices(&[view(&badge)]).unwrap();
    assert_eq!(choices.smallest().options, [Some(0)]);
    let nothing = Selection { options: vec![None], picks: Vec::new() };
    assert_eq!(choices.approve(&nothing), Err(SelectionError::Nothing));
    assert_eq!(reviewed.choices(&[]), Err(NothingFits));
}

#[test]
fn the_verifiers_reply_is_read_with_care() {
    let read =
        |status, body: &str| VerifierReply::read(status, body.as_bytes(), Transport::HttpsOnly);
    assert_eq!(read(200, "{}"), Ok(VerifierReply::Done));
    assert_eq!(read(200, r#"{"other":1}"#), Ok(VerifierReply::Done));
    let next = read(200, r#"{"redirect_uri":"https://a.example/r?response_code=x"}"#);
    assert_eq!(next, Ok(VerifierReply::ContinueAt(url("https://a.example/r?response_code=x"))));
    // OID4VP 1.0 §8.2: any absolute URI, so one of an app too
    let next = read(200, r#"{"redirect_uri":"myapp://x?response_code=x"}"#);
    assert_eq!(next, Ok(VerifierReply::ContinueInApp(url("myapp://x?response_code=x"))));
    let followed_nowhere = [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "intent://x#Intent;end",
        "http://a.example/",
        "//a",
        "",
    ];
    for target in followed_nowhere {
        let body = json!({ "redirect_uri": target }).to_string();
        assert_eq!(read(200, &body), Err(ReplyError::RedirectUri), "{target}");
    }
    assert_eq!(read(200, "<html>"), Err(ReplyError::Unreadable));
    let refused = |status, code| Err(ReplyError::Refused { status, code });
    assert_eq!(read(302, ""), refused(302, None));
    let code = Some(ErrorCode::InvalidRequest);
    assert_eq!(read(400, r#"{"error":"invalid_request"}"#), refused(400, code));
}

#[test]
fn parameters_alone_make_no_reviewed_request() {
    // what is read from parameters has no sender; only a wallet's review gives it one
    let world = World::new();
    let request = parameters(&world.ask(badge_query(&["name"]), PLAIN));
    let request = AuthorizationRequest::from_parameters(&request, Transport::HttpsOnly).unwrap();
    assert_eq!(request.client_id, world.client_id());
    assert_eq!(format!("{:?}", request.nonce), "RequestNonce(43 characters)");
}
