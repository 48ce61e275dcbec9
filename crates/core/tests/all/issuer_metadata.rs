//! JWT VC Issuer Metadata: where it is, what it must say, and which key it leads to.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use lanyard_core::{
    crypto::{Curve, PublicKey},
    jose::{Jwk, PrivateJwk},
    sd_jwt_vc::{UnverifiedSdJwtVc, Vct},
    trust::{
        CertificateIss, ClaimedIssuer, IssuerError, IssuerIdentifier, IssuerKeySource, IssuerKeys,
        IssuerMetadata, IssuerMetadataError, IssuerMetadataSource, IssuerMetadataUnavailable,
        IssuerTrust, PublishedKeys, x509::TrustAnchors,
    },
    verify::{CheckName, Expected, KeyBindingRule, Outcome, PresentationVerifier, VerifyError},
};
use lanyard_testkit::{LeafOptions, TestCa, test_now, vectors};
use serde_json::{Value, json};
use url::Url;

use crate::{
    sd_jwt_support::{AUDIENCE, NONCE, Party, ready},
    sd_jwt_vc::providers,
};

const ISS: &str = "https://issuer.example/tenant/1";
const AT: &str = "https://issuer.example/.well-known/jwt-vc-issuer/tenant/1";
const KEY_SET: &str = "https://keys.example/issuer.jwks";
const VCT: &str = "urn:example:badge:1";

fn iss(text: &str) -> IssuerIdentifier {
    IssuerIdentifier::parse(text).expect("a URI")
}

/// Documents by their URL, and which were asked for.
#[derive(Default)]
struct Web {
    documents: BTreeMap<String, Vec<u8>>,
    asked: Mutex<Vec<String>>,
    down: bool,
}

impl Web {
    fn of(documents: &[(&str, Value)]) -> Arc<Self> {
        let documents = documents
            .iter()
            .map(|(url, document)| ((*url).to_owned(), document.to_string().into_bytes()));
        Arc::new(Self { documents: documents.collect(), ..Self::default() })
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("not poisoned").clone()
    }
}

#[async_trait]
impl IssuerMetadataSource for Web {
    async fn document(&self, url: &Url) -> Result<Vec<u8>, IssuerMetadataUnavailable> {
        self.asked.lock().expect("not poisoned").push(url.to_string());
        if self.down {
            return Err(IssuerMetadataUnavailable::Unreachable);
        }
        self.documents.get(url.as_str()).cloned().ok_or(IssuerMetadataUnavailable::NotPublished)
    }
}

fn trust() -> IssuerTrust {
    IssuerTrust::new().with(IssuerKeySource::Metadata(iss(ISS)))
}

/// The key that the published metadata leads to for an ES256 credential with this `kid`.
fn key(web: &Arc<Web>, kid: Option<&str>) -> Result<PublicKey, IssuerError> {
    let (issuer, vct) = (iss(ISS), Vct::parse(VCT).expect("a URN"));
    let claimed = ClaimedIssuer {
        types: vec![vct.into()],
        issuer: Some(&issuer),
        key_id: kid,
        curve: Some(Curve::P256),
        certificates: None,
    };
    let [one, other] = providers().map(|provider| {
        let source: Arc<dyn IssuerMetadataSource> = web.clone();
        let keys = IssuerKeys::new(trust(), provider).with_issuer_metadata(source);
        ready(keys.find(&claimed, test_now())).map(|key| *key.key())
    });
    assert_eq!(one, other);
    one
}

fn published(keys: &[Value]) -> Arc<Web> {
    Web::of(&[(AT, json!({"issuer": ISS, "jwks": {"keys": keys}}))])
}

fn named(jwk: &Jwk, member: &str, value: &str) -> Value {
    let mut named = jwk.to_value();
    named[member] = value.into();
    named
}

fn refused(document: &Value) -> IssuerMetadataError {
    IssuerMetadata::parse(document.to_string().as_bytes(), &iss(ISS)).expect_err("it is refused")
}

#[test]
fn the_well_known_string_goes_between_host_and_path() {
    for (issuer, url) in [
        ("https://example.com", "https://example.com/.well-known/jwt-vc-issuer"),
        ("https://example.com/", "https://example.com/.well-known/jwt-vc-issuer"),
        (
            "https://example.com/tenant/1234",
            "https://example.com/.well-known/jwt-vc-issuer/tenant/1234",
        ),
        (
            "https://example.com:8443/tenant/",
            "https://example.com:8443/.well-known/jwt-vc-issuer/tenant",
        ),
        ("http://localhost:7077/demo", "http://localhost:7077/.well-known/jwt-vc-issuer/demo"),
    ] {
        assert_eq!(IssuerMetadata::url(&iss(issuer)).unwrap().as_str(), url);
    }
}

#[test]
fn an_issuer_that_is_no_https_url_has_no_metadata() {
    for issuer in [
        "did:web:example.com",
        "urn:example:issuer",
        "http://example.com",
        "http://127.0.0.1:7077",
        "https://example.com?tenant=1",
        "https://example.com/#a",
        "https://user@example.com",
        "https://:secret@example.com",
        "https://",
    ] {
        assert_eq!(
            IssuerMetadata::url(&iss(issuer)),
            Err(IssuerMetadataError::Identifier),
            "{issuer}"
        );
    }
}

#[test]
fn metadata_about_another_issuer_is_not_used() {
    for issuer in
        [json!("https://issuer.example/tenant/1/"), json!("https://evil.example"), json!([ISS])]
    {
        let document = json!({"issuer": issuer, "jwks": {"keys": []}});
        assert_eq!(refused(&document), IssuerMetadataError::ForeignIssuer, "{issuer}");
    }
    assert_eq!(refused(&json!({"jwks": {"keys": []}})), IssuerMetadataError::ForeignIssuer);
}

#[test]
fn there_is_exactly_one_of_jwks_and_jwks_uri() {
    let both = json!({"issuer": ISS, "jwks": {"keys": []}, "jwks_uri": KEY_SET});
    assert_eq!(refused(&both), IssuerMetadataError::NotExactlyOneKeySource);
    assert_eq!(refused(&json!({"issuer": ISS})), IssuerMetadataError::NotExactlyOneKeySource);
}

#[test]
fn jwks_uri_is_an_https_url_and_leads_nowhere_else() {
    for uri in [
        json!("http://keys.example/jwks"),
        json!("http://localhost:1/jwks"),
        json!("file:///etc/passwd"),
        json!("https://user@keys.example/jwks"),
        json!("/jwks"),
        json!(7),
    ] {
        let document = json!({"issuer": ISS, "jwks_uri": uri});
        assert_eq!(refused(&document), IssuerMetadataError::KeySetUrl, "{uri}");
    }
}

#[test]
fn jwks_is_a_key_set_of_a_size_that_is_read() {
    let key = Party::new().jwk.to_value();
    for jwks in [json!([]), json!({}), json!({"keys": {}}), json!({"keys": vec![key; 101]})] {
        let document = json!({"issuer": ISS, "jwks": jwks});
        assert_eq!(refused(&document), IssuerMetadataError::KeySet);
    }
    let long = format!(r#"{{"issuer":"{ISS}","x":"{}"}}"#, "x".repeat(256 * 1024));
    let long = IssuerMetadata::parse(long.as_bytes(), &iss(ISS));
    assert_eq!(long, Err(IssuerMetadataError::TooLong));
    let twice = format!(r#"{{"issuer":"https://evil.example","issuer":"{ISS}"}}"#);
    let twice = IssuerMetadata::parse(twice.as_bytes(), &iss(ISS));
    assert!(matches!(twice, Err(IssuerMetadataError::Unreadable(_))));
}

#[test]
fn an_issuer_that_published_a_private_key_is_not_believed() {
    let mut key = Party::new().jwk.to_value();
    key["d"] = "AAAA".into();
    let document = json!({"issuer": ISS, "jwks": {"keys": [key]}});
    assert_eq!(refused(&document), IssuerMetadataError::PrivateKey);
}

#[test]
fn kid_chooses_among_the_keys() {
    let (one, other) = (Party::new().jwk, Party::new().jwk);
    let both = published(&[named(&one, "kid", "1"), named(&other, "kid", "2")]);
    assert_eq!(key(&both, Some("1")), Ok(one.key));
    assert_eq!(key(&both, Some("2")), Ok(other.key));
    // a kid of nobody, and none where there is a choice
    assert_eq!(key(&both, Some("3")), Err(IssuerError::KeyNotFound));
    assert_eq!(key(&both, None), Err(IssuerError::KeyNotFound));
    // two keys of one name
    let twice = published(&[named(&one, "kid", "1"), named(&other, "kid", "1")]);
    assert_eq!(key(&twice, Some("1")), Err(IssuerError::KeyNotFound));
    // a key without a name gives way to the one that has it
    let nameless = published(&[other.to_value(), named(&one, "kid", "1")]);
    assert_eq!(key(&nameless, Some("1")), Ok(one.key));
    assert_eq!(key(&nameless, Some("2")), Ok(other.key));
    assert_eq!(key(&published(&[one.to_value()]), None), Ok(one.key));
}

#[test]
fn keys_for_something_else_and_keys_of_unknown_kinds_are_passed_over() {
    let (one, other) = (Party::new().jwk, Party::new().jwk);
    let rsa = json!({"kty": "RSA", "kid": "1", "n": "AQAB", "e": "AQAB"});
    let encryption = named(&other, "use", "enc");
    let agreement = named(&other, "alg", "ECDH-ES");
    assert_eq!(key(&published(&[rsa, encryption, agreement, one.to_value()]), None), Ok(one.key));
    assert_eq!(key(&published(&[named(&one, "use", "enc")]), None), Err(IssuerError::KeyNotFound));
    assert_eq!(key(&published(&[]), None), Err(IssuerError::KeyNotFound));
}

#[test]
fn a_key_set_of_its_own_is_fetched_from_where_the_metadata_says() {
    let one = Party::new().jwk;
    let web = Web::of(&[
        (AT, json!({"issuer": ISS, "jwks_uri": KEY_SET})),
        (KEY_SET, json!({"keys": [one.to_value()]})),
    ]);
    assert_eq!(key(&web, Some("any")), Ok(one.key));
    assert_eq!(web.asked(), [AT, KEY_SET, AT, KEY_SET]);
}

#[test]
fn an_issuer_without_metadata_is_refused_and_one_out_of_reach_is_undetermined() {
    let nobody = key(&Web::of(&[]), None).unwrap_err();
    assert_eq!((nobody.code(), nobody.is_undetermined()), ("issuer_metadata_refused", false));
    let down = Arc::new(Web { down: true, ..Web::default() });
    let down = key(&down, None).unwrap_err();
    assert_eq!((down.code(), down.is_undetermined()), ("issuer_key_unreachable", true));
    let half = key(&Web::of(&[(AT, json!({"issuer": ISS, "jwks_uri": KEY_SET}))]), None);
    assert!(matches!(half, Err(IssuerError::Metadata(_))));
}

fn payload(issuer: &str) -> Value {
    json!({"iss": issuer, "vct": VCT})
}

fn verdict(
    trust: IssuerTrust,
    web: &Arc<Web>,
    credential: &str,
) -> Result<(), (&'static str, Outcome)> {
    let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::NotRequired).at(test_now());
    let [one, other] = providers().map(|provider| {
        let source: Arc<dyn IssuerMetadataSource> = web.clone();
        let verifier = PresentationVerifier::new(trust.clone(), provider);
        let verdict = ready(verifier.with_issuer_metadata(source).verify(credential, &expected));
        verdict.map(|_| ()).map_err(|error: VerifyError| {
            (error.code(), error.checks().outcome(CheckName::IssuerTrusted))
        })
    });
    assert_eq!(one, other);
    one
}

#[test]
fn a_presentation_is_verified_with_a_published_key() {
    let issuer = Party::new();
    let web = published(&[issuer.jwk.to_value()]);
    let credential = issuer.forge_as("dc+sd-jwt", &payload(ISS), &[]);
    assert_eq!(verdict(trust(), &web, &credential), Ok(()));
    let forged = Party::new().forge_as("dc+sd-jwt", &payload(ISS), &[]);
    assert_eq!(verdict(trust(), &web, &forged).unwrap_err().1, Outcome::Passed);
    let down = Arc::new(Web { down: true, ..Web::default() });
    assert_eq!(
        verdict(trust(), &down, &credential),
        Err(("issuer_key_unreachable", Outcome::Undetermined))
    );
}

#[test]
fn the_key_of_one_trusted_issuer_does_not_sign_for_another() {
    let (one, other) = (Party::new(), Party::new());
    let other_iss = "https://issuer.example/tenant/2";
    let other_at = "https://issuer.example/.well-known/jwt-vc-issuer/tenant/2";
    let web = Web::of(&[
        (AT, json!({"issuer": ISS, "jwks": {"keys": [named(&one.jwk, "kid", "1")]}})),
        (other_at, json!({"issuer": other_iss, "jwks": {"keys": [named(&other.jwk, "kid", "2")]}})),
    ]);
    let both = || trust().with(IssuerKeySource::Metadata(iss(other_iss)));
    let signed = |signer: &Party, kid: &str, issuer: &str| {
        let header = json!({"typ": "dc+sd-jwt", "kid": kid});
        signer.sign(&header, &payload(issuer)) + "~"
    };
    assert_eq!(verdict(both(), &web, &signed(&one, "1", ISS)), Ok(()));
    assert_eq!(verdict(both(), &web, &signed(&other, "2", other_iss)), Ok(()));
    // by its own kid, and by the kid of the issuer it pretends to be
    let foreign = verdict(both(), &web, &signed(&one, "1", other_iss)).unwrap_err();
    assert_eq!(foreign, ("issuer_key_not_found", Outcome::Failed));
    let pretending = verdict(both(), &web, &signed(&one, "2", other_iss)).unwrap_err();
    assert_eq!(pretending.0, "issuer_signature_invalid");
}

#[test]
fn nothing_is_fetched_for_an_issuer_that_no_rule_names() {
    let stranger = Party::new();
    let web = published(&[stranger.jwk.to_value()]);
    for issuer in ["https://evil.example", "https://issuer.example", "https://169.254.169.254"] {
        let credential = stranger.forge_as("dc+sd-jwt", &payload(issuer), &[]);
        let refused = verdict(trust(), &web, &credential);
        assert_eq!(refused, Err(("issuer_not_trusted", Outcome::Failed)), "{issuer}");
    }
    assert_eq!(web.asked(), Vec::<String>::new());
}

#[test]
fn a_certificate_that_came_along_does_not_replace_the_published_keys() {
    let ca = TestCa::new("Authority");
    let leaf = ca.leaf(&LeafOptions::named("Issuer").dns("issuer.example"));
    let anchors = TrustAnchors::from_der([ca.anchor_der()]).unwrap();
    let certificates =
        IssuerKeySource::Certificates { anchors, iss: CertificateIss::MatchesCertificate };
    let x5c: Vec<_> = leaf
        .chain
        .iter()
        .map(|der| {
            use base64::{Engine as _, engine::general_purpose::STANDARD};
            STANDARD.encode(der)
        })
        .collect();
    let signer = Party::of(&leaf.key);
    let header = json!({"typ": "dc+sd-jwt", "x5c": x5c});
    let credential = signer.sign(&header, &payload(ISS)) + "~";
    let web = published(&[Party::new().jwk.to_value()]);
    let by_certificate = IssuerTrust::new().with(certificates.clone());
    assert_eq!(verdict(by_certificate, &web, &credential), Ok(()));
    let by_metadata = trust().with(certificates);
    assert_eq!(verdict(by_metadata, &web, &credential).unwrap_err().0, "issuer_signature_invalid");
}

#[test]
fn the_metadata_of_the_specification_leads_to_the_key_that_signed_its_examples() {
    if !vectors::available("sd-jwt-vc") {
        return;
    }
    let inline = vectors::bytes("sd-jwt-vc/jwt-vc-issuer-metadata/with_jwks.json");
    let issuer = iss("https://example.com");
    let PublishedKeys::Inline(keys) = IssuerMetadata::parse(&inline, &issuer).unwrap().keys else {
        unreachable!("the keys are in it");
    };
    let referring = vectors::bytes("sd-jwt-vc/jwt-vc-issuer-metadata/with_jwks_uri.json");
    let keys_at = IssuerMetadata::parse(&referring, &issuer).unwrap().keys;
    let at = "https://jwt-vc-issuer.example.com/my_public_keys.jwks";
    assert_eq!(keys_at, PublishedKeys::At(Url::parse(at).unwrap()));
    let issuance = vectors::text("sd-jwt-vc/example-2.3-identity/issuance.sd-jwt.txt");
    let credential = UnverifiedSdJwtVc::parse(&issuance).unwrap();
    let kid = credential.claimed_issuer().key_id.map(str::to_owned);
    let signer = PrivateJwk::from_value(&vectors::json("sd-jwt-vc/keys.json")["issuer"]).unwrap();
    let named = keys.iter().find(|jwk| jwk.kid == kid).unwrap();
    assert_eq!(named.key, *signer.key.public());
    // the whole way, for the iss that the examples have
    let claimed = credential.issuer().unwrap().clone();
    let mut document: Value = serde_json::from_slice(&inline).unwrap();
    document["issuer"] = claimed.as_str().into();
    let url = IssuerMetadata::url(&claimed).unwrap();
    let web = Web::of(&[(url.as_str(), document)]);
    let trust = IssuerTrust::new().with(IssuerKeySource::Metadata(claimed));
    for provider in providers() {
        let source: Arc<dyn IssuerMetadataSource> = web.clone();
        let keys = IssuerKeys::new(trust.clone(), provider).with_issuer_metadata(source);
        let key = ready(keys.find(&credential.claimed_issuer(), test_now())).unwrap();
        assert_eq!(*key.key(), *signer.key.public());
    }
}
