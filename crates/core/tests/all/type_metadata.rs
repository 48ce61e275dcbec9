//! SD-JWT VC Type Metadata: reading, extending, integrity, and the rules a credential is held to.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use lanyard_core::{
    claims::{Claims, ClaimsPath},
    credential::Validity,
    crypto::{AwsLc, HashAlgorithm, RustCrypto},
    sd_jwt_vc::{
        HeldSdJwtVc, KeyBinding, SdJwtVcDraft, UnverifiedSdJwtVc, Vct, VerifiedSdJwtVc,
        type_metadata::{
            EffectiveTypeMetadata, Integrity, IntegrityError, LocalTypeMetadata, MAX_CHAIN,
            MAX_LENGTH, TypeMetadata, TypeMetadataError, TypeMetadataSource,
            TypeMetadataUnavailable,
        },
    },
    trust::{IssuerIdentifier, IssuerKey, IssuerKeySource, IssuerKeys, IssuerTrust},
};
use lanyard_testkit::test_now;
use serde_json::{Value, json};

use crate::{
    sd_jwt_support::{PROVIDERS, Party, ready},
    sd_jwt_vc::providers,
};

pub(crate) const TYPE: &str = "https://types.example/badge";
pub(crate) const BASE: &str = "https://types.example/base";
pub(crate) const ISS: &str = "https://issuer.example";

pub(crate) fn vct(text: &str) -> Vct {
    Vct::parse(text).expect("a URL is a type")
}

pub(crate) fn parse(document: &Value) -> Result<TypeMetadata, TypeMetadataError> {
    TypeMetadata::parse(document.to_string().as_bytes())
}

pub(crate) fn path(segments: &Value) -> ClaimsPath {
    ClaimsPath::from_value(segments).expect("a path")
}

/// Documents by the name they are asked for by, right or wrong, and how often anyone asked.
#[derive(Default)]
pub(crate) struct Shelf {
    documents: BTreeMap<String, Vec<u8>>,
    asked: AtomicUsize,
}

impl Shelf {
    fn of(documents: &[(&str, Value)]) -> Self {
        let documents = documents
            .iter()
            .map(|(name, document)| ((*name).to_owned(), document.to_string().into_bytes()));
        Self { documents: documents.collect(), asked: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl TypeMetadataSource for Shelf {
    async fn document(
        &self,
        vct: &Vct,
        _: Option<&Integrity>,
    ) -> Result<Vec<u8>, TypeMetadataUnavailable> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.documents.get(vct.as_str()).cloned().ok_or(TypeMetadataUnavailable::NotPublished)
    }
}

pub(crate) fn effective(
    source: &dyn TypeMetadataSource,
) -> Result<EffectiveTypeMetadata, TypeMetadataError> {
    let [one, other] = PROVIDERS
        .map(|provider| ready(EffectiveTypeMetadata::of_type(&vct(TYPE), None, source, provider)));
    assert_eq!(one, other, "the providers agree");
    one
}

pub(crate) fn of_one(document: Value) -> EffectiveTypeMetadata {
    effective(&Shelf::of(&[(TYPE, document)])).expect("the metadata is good")
}

/// The metadata of a type with these claims.
pub(crate) fn describing(claims: Value) -> EffectiveTypeMetadata {
    of_one(json!({"vct": TYPE, "claims": claims}))
}

pub(crate) fn extended(
    base: Value,
    child: Value,
) -> Result<EffectiveTypeMetadata, TypeMetadataError> {
    effective(&Shelf::of(&[
        (TYPE, json!({"vct": TYPE, "extends": BASE, "claims": child})),
        (BASE, json!({"vct": BASE, "claims": base})),
    ]))
}

pub(crate) fn held(claims: Claims) -> HeldSdJwtVc {
    let issuer = Party::new();
    let iss = IssuerIdentifier::parse(ISS).expect("a URL");
    let draft =
        SdJwtVcDraft::new(&vct(TYPE), Some(&iss), claims, &KeyBinding::None, &Validity::UNLIMITED);
    let issued = ready(draft.expect("a good draft").sign(&issuer.signer, &AwsLc)).expect("signed");
    let key = key_for(&issuer, issued.as_str());
    unverified(issued.as_str()).verify_for_holding(key, test_now(), &AwsLc).expect("good")
}

pub(crate) fn unverified(text: &str) -> UnverifiedSdJwtVc<'_> {
    UnverifiedSdJwtVc::parse(text).expect("it can be read")
}

pub(crate) fn key_for(issuer: &Party, credential: &str) -> IssuerKey {
    let [_, provider] = providers();
    let iss = IssuerIdentifier::parse(ISS).expect("a URL");
    let source = IssuerKeySource::Keys { issuer: iss, keys: vec![issuer.jwk.clone()] };
    let keys = IssuerKeys::new(IssuerTrust::new().with(source), provider);
    ready(keys.find(&unverified(credential).claimed_issuer(), test_now())).expect("trusted")
}

/// What a verifier gets when only these claims are disclosed.
pub(crate) fn shown(claims: Claims, disclose: &[Value]) -> VerifiedSdJwtVc {
    let held = held(claims);
    let paths: Vec<_> = disclose.iter().map(path).collect();
    let presented = ready(held.present(&paths, None, &AwsLc)).expect("the paths select something");
    // the signature is the issuer's of `held`, so its payload is signed again by one we know
    resigned(&presented)
}

pub(crate) fn resigned(presented: &str) -> VerifiedSdJwtVc {
    let issuer = Party::new();
    let (jwt, disclosures) = presented.split_once('~').expect("an SD-JWT");
    let payload = jwt.split('.').nth(1).expect("a JWS");
    let payload = lanyard_core::json::base64url_decode(payload).expect("base64url");
    let payload: Value = serde_json::from_slice(&payload).expect("JSON");
    let forged = issuer.forge_as("dc+sd-jwt", &payload, &[]) + disclosures;
    let key = key_for(&issuer, &forged);
    unverified(&forged).verify(key, None, &AwsLc).expect("good")
}

// Reading

#[test]
fn only_the_type_is_required_and_unknown_members_are_ignored() {
    let read = parse(&json!({"vct": TYPE, "schema": {}, "whatever": [1]})).unwrap();
    assert_eq!(read.vct, vct(TYPE));
    assert_eq!((read.extends, read.display, read.claims), (None, None, Vec::new()));
}

#[test]
fn refuses_each_member_of_another_form_by_its_name() {
    let text = |member: &str| json!({"vct": TYPE, member: 1});
    let display = |display: Value| json!({"vct": TYPE, "display": [display]});
    let simple = |member: &str, value: Value| {
        display(json!({"locale": "en", "name": "A", "rendering": {"simple": {member: value}}}))
    };
    let svg = |templates: Value| {
        display(json!({"locale": "en", "name": "A", "rendering": {"svg_templates": templates}}))
    };
    let claim = |claim: Value| json!({"vct": TYPE, "claims": [claim]});
    for (member, document) in [
        ("vct", json!({})),
        ("vct", json!({"vct": "with space"})),
        ("vct", json!({"vct": 1})),
        ("name", text("name")),
        ("description", text("description")),
        ("extends", text("extends")),
        ("extends#integrity", json!({"vct": TYPE, "extends": BASE, "extends#integrity": "md5"})),
        ("display", text("display")),
        ("display", display(json!("en"))),
        ("locale", display(json!({"name": "A"}))),
        ("locale", display(json!({"locale": "en_US", "name": "A"}))),
        ("locale", display(json!({"locale": "", "name": "A"}))),
        ("locale", display(json!({"locale": "englishish", "name": "A"}))),
        ("name", display(json!({"locale": "en"}))),
        ("rendering", display(json!({"locale": "en", "name": "A", "rendering": []}))),
        ("logo", simple("logo", json!("https://a.example/logo.png"))),
        ("uri", simple("logo", json!({}))),
        ("uri", simple("logo", json!({"uri": "http://a.example/logo.png"}))),
        ("uri", simple("background_image", json!({"uri": "javascript:alert(1)"}))),
        ("uri", simple("background_image", json!({"uri": "https://a.example/\u{a0}x"}))),
        ("uri#integrity", simple("logo", json!({"uri": "data:,", "uri#integrity": "sha256"}))),
        ("background_color", simple("background_color", json!("red; } * { x: y"))),
        ("text_color", simple("text_color", json!("#12345"))),
        ("svg_templates", svg(json!({}))),
        ("properties", svg(json!([{"uri": "data:,"}, {"uri": "data:,"}]))),
        ("properties", svg(json!([{"uri": "data:,", "properties": {}}]))),
        ("orientation", svg(json!([{"uri": "data:,", "properties": {"orientation": "up"}}]))),
        ("contrast", svg(json!([{"uri": "data:,", "properties": {"contrast": "low"}}]))),
        ("color_scheme", svg(json!([{"uri": "data:,", "properties": {"color_scheme": 1}}]))),
        ("claims", text("claims")),
        ("path", claim(json!({}))),
        ("path", claim(json!({"path": []}))),
        ("path", claim(json!({"path": ["a", -1]}))),
        ("mandatory", claim(json!({"path": ["a"], "mandatory": "yes"}))),
        ("sd", claim(json!({"path": ["a"], "sd": "sometimes"}))),
        ("svg_id", claim(json!({"path": ["a"], "svg_id": "1a"}))),
        ("svg_id", claim(json!({"path": ["a"], "svg_id": "a-b"}))),
        ("display", claim(json!({"path": ["a"], "display": {}}))),
        ("label", claim(json!({"path": ["a"], "display": [{"locale": "en", "name": "A"}]}))),
        ("locale", claim(json!({"path": ["a"], "display": [{"lang": "en", "label": "A"}]}))),
    ] {
        assert_eq!(parse(&document), Err(TypeMetadataError::Malformed(member)), "{document}");
    }
}

#[test]
fn refuses_what_is_too_much_to_read() {
    let claims: Vec<_> = (0..501).map(|n| json!({"path": [n.to_string()]})).collect();
    let too_many = parse(&json!({"vct": TYPE, "claims": claims}));
    assert_eq!(too_many, Err(TypeMetadataError::TooMany("claims")));
    let display: Vec<_> = (0..65).map(|_| json!({"locale": "en", "name": "A"})).collect();
    let too_many = parse(&json!({"vct": TYPE, "display": display}));
    assert_eq!(too_many, Err(TypeMetadataError::TooMany("display")));
    let long = vec![b' '; MAX_LENGTH + 1];
    assert_eq!(TypeMetadata::parse(&long), Err(TypeMetadataError::TooLong));
}

#[test]
fn refuses_json_that_two_readers_could_read_differently() {
    let twice = format!(r#"{{"vct":"{BASE}","vct":"{TYPE}"}}"#);
    for text in [twice.as_str(), "[]", "", "\"x\""] {
        let error = TypeMetadata::parse(text.as_bytes()).unwrap_err();
        assert!(matches!(error, TypeMetadataError::Unreadable(_)), "{text}: {error}");
    }
}

#[test]
fn refuses_two_entries_for_one_path() {
    let claims = json!([{"path": ["a"], "sd": "always"}, {"path": ["a"], "sd": "never"}]);
    let twice = TypeMetadataError::RepeatedPath(path(&json!(["a"])));
    assert_eq!(parse(&json!({"vct": TYPE, "claims": claims})), Err(twice));
}

#[test]
fn refuses_one_svg_id_for_two_claims_even_when_one_is_inherited() {
    let one = json!([{"path": ["a"], "svg_id": "x"}]);
    let other = json!([{"path": ["b"], "svg_id": "x"}]);
    assert_eq!(extended(one, other), Err(TypeMetadataError::RepeatedSvgId));
}

// Integrity

#[test]
fn the_strongest_supported_hash_decides_alone() {
    let document = b"as it was received";
    for provider in PROVIDERS {
        let sri = |name: &str, algorithm, document: &[u8]| {
            use base64::{Engine as _, engine::general_purpose::STANDARD};
            format!("{name}-{}", STANDARD.encode(provider.hash(algorithm, document).as_bytes()))
        };
        let (good256, bad256) = (
            sri("sha256", HashAlgorithm::Sha256, document),
            sri("sha256", HashAlgorithm::Sha256, b"x"),
        );
        let (good384, bad384) = (
            sri("sha384", HashAlgorithm::Sha384, document),
            sri("sha384", HashAlgorithm::Sha384, b"x"),
        );
        let good512 = sri("sha512", HashAlgorithm::Sha512, document);
        let check = |text: String| Integrity::parse(&text)?.check(document, provider);
        assert_eq!(check(good256.clone()), Ok(()));
        assert_eq!(check(format!("{bad256} {good384}")), Ok(()));
        assert_eq!(check(format!("{bad384}\t{good512}?ct=application/json")), Ok(()));
        assert_eq!(check(format!("{bad384} {good384}")), Ok(()));
        assert_eq!(check(format!("{good256} {bad384}")), Err(IntegrityError::Mismatch));
        assert_eq!(check(bad256.clone()), Err(IntegrityError::Mismatch));
        assert_eq!(check(format!("md5-AAAA {good256}")), Ok(()));
        assert_eq!(check("sha1-AAAA".to_owned()), Err(IntegrityError::NotSupported));
        for text in ["", "  ", "sha256", "sha256-", "sha256-!!", "sha256-AA===", &"a".repeat(3000)]
        {
            assert_eq!(check(text.to_owned()), Err(IntegrityError::Malformed), "{text}");
        }
        // what the grammar allows and is no digest, is matched by nothing
        for text in ["sha256-AAAA", "sha256-A", "sha256-__--", good256.trim_end_matches('=')] {
            assert_eq!(check(text.to_owned()), Err(IntegrityError::Mismatch), "{text}");
        }
    }
}

#[test]
fn a_document_of_another_digest_is_refused_before_it_is_read() {
    let base = b"{}, which is not even JSON".to_vec();
    let integrity = Integrity::of(b"another", &AwsLc);
    let child = json!({"vct": TYPE, "extends": BASE, "extends#integrity": integrity});
    let mut shelf = Shelf::of(&[(TYPE, child)]);
    shelf.documents.insert(BASE.to_owned(), base);
    assert_eq!(effective(&shelf), Err(TypeMetadataError::Integrity(IntegrityError::Mismatch)));
}

#[test]
fn a_document_of_the_right_digest_is_taken_byte_by_byte() {
    let base = format!("{{ \"vct\" :\n \"{BASE}\" }}");
    let integrity = Integrity::of(base.as_bytes(), &AwsLc);
    let child = json!({"vct": TYPE, "extends": BASE, "extends#integrity": integrity});
    let source = LocalTypeMetadata::new();
    let source = source.with(base).unwrap().with(child.to_string()).unwrap();
    assert_eq!(effective(&source).unwrap().types(), [vct(TYPE), vct(BASE)]);
}

#[test]
fn the_integrity_in_the_credential_is_enforced() {
    let document = json!({"vct": TYPE}).to_string();
    let source = LocalTypeMetadata::new().with(document.clone()).unwrap();
    let of = |integrity: Value| {
        let credential = shown(Claims::new().visible("vct#integrity", integrity), &[]);
        let [one, other] = PROVIDERS.map(|provider| {
            ready(EffectiveTypeMetadata::of_credential(&credential, &source, provider))
        });
        assert_eq!(one, other);
        one.map(|_| ())
    };
    assert_eq!(of(json!(Integrity::of(document.as_bytes(), &AwsLc))), Ok(()));
    let mismatch = Err(TypeMetadataError::Integrity(IntegrityError::Mismatch));
    assert_eq!(of(json!(Integrity::of(b"{}", &RustCrypto))), mismatch);
    let malformed = Err(TypeMetadataError::Malformed("vct#integrity"));
    assert_eq!(of(json!(7)), malformed);
    assert_eq!(of(json!("sha256")), malformed);
}

// Extending

#[test]
fn a_type_that_extends_itself_is_refused() {
    let own = effective(&Shelf::of(&[(TYPE, json!({"vct": TYPE, "extends": TYPE}))]));
    assert_eq!(own, Err(TypeMetadataError::Circular));
    let circle = Shelf::of(&[
        (TYPE, json!({"vct": TYPE, "extends": BASE})),
        (BASE, json!({"vct": BASE, "extends": TYPE})),
    ]);
    assert_eq!(effective(&circle), Err(TypeMetadataError::Circular));
    assert_eq!(circle.asked.load(Ordering::SeqCst), 4, "two documents for each provider");
}

#[test]
fn a_chain_of_a_hundred_types_is_followed_no_further_than_the_limit() {
    let name = |n: usize| if n == 0 { TYPE.to_owned() } else { format!("{BASE}/{n}") };
    let chain = |length: usize| {
        let document = |n: usize| {
            let end = n + 1 == length;
            let document = json!({"vct": name(n), "extends": name(n + 1)});
            (name(n), if end { json!({"vct": name(n)}) } else { document })
        };
        let documents: Vec<_> = (0..length).map(document).collect();
        let borrowed: Vec<_> =
            documents.iter().map(|(name, document)| (name.as_str(), document.clone())).collect();
        Shelf::of(&borrowed)
    };
    assert_eq!(effective(&chain(MAX_CHAIN)).unwrap().types().len(), MAX_CHAIN);
    let long = chain(100);
    assert_eq!(effective(&long), Err(TypeMetadataError::ChainTooLong));
    assert_eq!(long.asked.load(Ordering::SeqCst), 2 * MAX_CHAIN);
}

#[test]
fn a_document_about_another_type_is_refused() {
    let foreign = Shelf::of(&[(TYPE, json!({"vct": BASE}))]);
    assert_eq!(effective(&foreign), Err(TypeMetadataError::ForeignVct));
}

#[test]
fn an_extended_type_that_is_nowhere_published_spoils_the_whole() {
    let source = Shelf::of(&[(TYPE, json!({"vct": TYPE, "extends": BASE}))]);
    let error = effective(&source).unwrap_err();
    assert_eq!(error, TypeMetadataError::Unavailable(TypeMetadataUnavailable::NotPublished));
    assert!(!error.is_undetermined());
    let unreachable = TypeMetadataError::Unavailable(TypeMetadataUnavailable::Unreachable);
    assert!(unreachable.is_undetermined());
}

#[test]
fn a_child_may_fix_what_the_extended_type_left_open() {
    let base =
        json!([{"path": ["a"]}, {"path": ["b"], "sd": "allowed"}, {"path": ["c"], "sd": "never"}]);
    let child = json!([
        {"path": ["a"], "sd": "always", "mandatory": true},
        {"path": ["b"], "sd": "never", "mandatory": false},
        {"path": ["c"], "sd": "never"},
    ]);
    let effective = extended(base, child.clone()).unwrap();
    assert_eq!(json!(effective.claims()), child);
}

#[test]
fn a_child_changes_no_sd_that_is_fixed() {
    for fixed in ["always", "never"] {
        for changed in ["always", "allowed", "never"] {
            let base = json!([{"path": ["a"], "sd": fixed}]);
            let outcome = extended(base, json!([{"path": ["a"], "sd": changed}]));
            if fixed == changed {
                assert!(outcome.is_ok());
            } else {
                let path = path(&json!(["a"]));
                assert_eq!(outcome, Err(TypeMetadataError::SelectiveDisclosureChanged(path)));
            }
        }
    }
}

#[test]
fn a_child_makes_nothing_optional_that_is_mandatory() {
    let base = json!([{"path": ["a"], "mandatory": true}]);
    let outcome = extended(base.clone(), json!([{"path": ["a"], "mandatory": false}]));
    assert_eq!(outcome, Err(TypeMetadataError::MandatoryDropped(path(&json!(["a"])))));
    let silent = extended(base, json!([{"path": ["a"], "sd": "never"}])).unwrap();
    assert!(silent.claims()[0].is_mandatory());
}

#[test]
fn a_grandchild_is_bound_by_what_a_child_fixed() {
    let middle = "https://types.example/middle";
    let source = Shelf::of(&[
        (TYPE, json!({"vct": TYPE, "extends": middle, "claims": [{"path": ["a"], "sd": "never"}]})),
        (
            middle,
            json!({"vct": middle, "extends": BASE, "claims": [{"path": ["a"], "sd": "always"}]}),
        ),
        (BASE, json!({"vct": BASE, "claims": [{"path": ["a"]}]})),
    ]);
    let refused = TypeMetadataError::SelectiveDisclosureChanged(path(&json!(["a"])));
    assert_eq!(effective(&source), Err(refused));
}

#[test]
fn a_display_of_its_own_replaces_the_inherited_one_whole() {
    let display = |name: &str| json!([{"locale": "en", "name": name}]);
    let base = json!({"vct": BASE, "display": display("Base")});
    let own = json!({"vct": TYPE, "extends": BASE, "display": display("Own")});
    let none = json!({"vct": TYPE, "extends": BASE});
    let name = |child: Value| {
        let effective = effective(&Shelf::of(&[(TYPE, child), (BASE, base.clone())])).unwrap();
        effective.display_in(&["en"]).unwrap().name.clone()
    };
    assert_eq!((name(own).as_str(), name(none).as_str()), ("Own", "Base"));
}

#[test]
fn the_language_of_the_user_is_found_step_by_step() {
    let locales = ["de-DE", "en-GB", "fr"];
    let display: Vec<_> = locales.iter().map(|tag| json!({"locale": tag, "name": tag})).collect();
    let metadata = of_one(json!({"vct": TYPE, "display": display}));
    for (wanted, found) in [
        (vec!["en-GB"], "en-GB"),
        (vec!["EN-gb-oed"], "en-GB"),
        (vec!["de-AT"], "de-DE"),
        (vec!["it", "fr-CH"], "fr"),
        (vec!["it"], "de-DE"),
        (vec![], "de-DE"),
    ] {
        assert_eq!(metadata.display_in(&wanted).unwrap().name, found, "{wanted:?}");
    }
}
