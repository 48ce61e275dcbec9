//! Issuer metadata that somebody signed: each rule broken alone.

use lanyard_core::{
    crypto::{RustCrypto, SoftwareSigner},
    json::{Object, base64url_decode},
    trust::x509::{ChainError, TrustAnchors},
};
use lanyard_oid4vci::{
    Transport,
    metadata::{CredentialIssuerMetadata, SignedMetadataError},
    offer::CredentialOffer,
    wallet::{Discovery, DiscoveryError, IncomingResponse, SignedMetadata},
};
use lanyard_testkit::{LeafOptions, TestCa, test_now, vectors};
use serde_json::json;

use crate::fixture::{ISSUER, World, issuer_url, sign};

fn parts(jwt: &str) -> (Object, Object) {
    let part = |at: usize| -> Object {
        let bytes =
            base64url_decode(jwt.split('.').nth(at).expect("three parts")).expect("base64url");
        serde_json::from_slice(&bytes).expect("an object")
    };
    (part(0), part(1))
}

#[tokio::test]
async fn what_the_issuer_signs_the_wallet_reads_and_nothing_that_was_changed() {
    let world = World::new();
    let (ca, now) = (TestCa::new("Authority"), test_now());
    let leaf = ca.leaf(&LeafOptions::named("Issuer"));
    let signer = SoftwareSigner::new(&RustCrypto, &leaf.key).unwrap();
    let anchors = TrustAnchors::from_der([ca.anchor_der()]).unwrap();
    let metadata = world.issuer.metadata();
    let jwt = metadata.sign(&signer, &leaf.chain, now).await.unwrap();
    let read = |jwt: &str, issuer: &str| {
        let issuer = issuer_url(issuer);
        CredentialIssuerMetadata::parse_signed(jwt, &issuer, &anchors, now, &RustCrypto)
    };
    assert_eq!(read(&jwt, ISSUER), Ok(metadata));
    let (header, claims) = parts(&jwt);
    assert_eq!(header["typ"], "openidvci-issuer-metadata+jwt");
    assert_eq!(claims["sub"], ISSUER);

    let changed = async |change: &dyn Fn(&mut Object, &mut Object)| {
        let (mut header, mut claims) = (header.clone(), claims.clone());
        change(&mut header, &mut claims);
        read(&sign(header, claims, &signer).await, ISSUER).unwrap_err()
    };
    let error = changed(&|header, _| {
        header.insert("typ".to_owned(), json!("JWT"));
    })
    .await;
    assert!(matches!(error, SignedMetadataError::Jws(_)), "{error}");
    let error = changed(&|header, _| {
        header.shift_remove("x5c");
    })
    .await;
    assert_eq!(error, SignedMetadataError::NoCertificates);
    let error = changed(&|_, claims| {
        claims.insert("sub".to_owned(), json!("https://a.example"));
    })
    .await;
    assert_eq!(error, SignedMetadataError::Subject);
    let error = changed(&|_, claims| {
        claims.shift_remove("iat");
    })
    .await;
    assert_eq!(error, SignedMetadataError::IssuedAt);
    let later = now.as_second() + 3600;
    let error = changed(&|_, claims| {
        claims.insert("iat".to_owned(), json!(later));
    })
    .await;
    assert_eq!(error, SignedMetadataError::IssuedAt);
    let ended = now.as_second();
    let error = changed(&|_, claims| {
        claims.insert("exp".to_owned(), json!(ended));
    })
    .await;
    assert_eq!(error, SignedMetadataError::Expired);
    let error = changed(&|_, claims| {
        claims.insert("credential_issuer".to_owned(), json!("https://a.example"));
    })
    .await;
    assert!(matches!(error, SignedMetadataError::Metadata(_)), "{error}");
    let nobody = TrustAnchors::default();
    let refused = CredentialIssuerMetadata::parse_signed(
        &jwt,
        &issuer_url(ISSUER),
        &nobody,
        now,
        &RustCrypto,
    );
    assert_eq!(refused, Err(SignedMetadataError::Chain(ChainError::Untrusted)));
}

#[test]
fn the_example_of_the_specification_is_signed_by_itself_and_so_by_nobody() {
    if !vectors::available("oid4vci") {
        return;
    }
    let objects = vectors::json("oid4vci/signed_objects.json");
    let example = objects
        .as_array()
        .unwrap()
        .iter()
        .find(|object| object["name"] == "signed issuer metadata")
        .expect("it is among the vectors");
    let issuer = issuer_url("https://credential-issuer.example.com");
    let refused = CredentialIssuerMetadata::parse_signed(
        example["jwt"].as_str().unwrap(),
        &issuer,
        &TrustAnchors::default(),
        test_now(),
        &RustCrypto,
    );
    // HAIP §4.1: its leaf signed itself
    assert_eq!(refused, Err(SignedMetadataError::Chain(ChainError::LeafSelfSigned)));
}

/// What the wallet makes of an answer when it wishes for signed metadata.
fn received(
    world: &World,
    signed: SignedMetadata,
    media_type: &str,
    body: &str,
) -> Result<(), DiscoveryError> {
    let code = "urn:ietf:params:oauth:grant-type:pre-authorized_code";
    let offer = json!({
        "credential_issuer": ISSUER,
        "credential_configuration_ids": [world.issuer.metadata()
            .credential_configurations_supported.keys().next().expect("one")],
        "grants": { code: { "pre-authorized_code": "c-1" } },
    });
    let offer = CredentialOffer::parse(offer.to_string().as_bytes(), Transport::Https);
    let offer = offer.expect("an offer");
    let answer =
        IncomingResponse { status: 200, content_type: Some(media_type), body: body.as_bytes() };
    let discovery = Discovery::new(offer).signed(signed);
    discovery.receive(answer, test_now(), &RustCrypto).map(drop)
}

#[tokio::test]
async fn a_wallet_takes_signed_metadata_from_whom_it_believes_and_unsigned_ones_unless_it_demands_more()
 {
    let world = World::new();
    let (ca, stranger) = (TestCa::new("Authority"), TestCa::new("Stranger"));
    let leaf = ca.leaf(&LeafOptions::named("Issuer"));
    let signer = SoftwareSigner::new(&RustCrypto, &leaf.key).unwrap();
    let metadata = world.issuer.metadata();
    let jwt = metadata.sign(&signer, &leaf.chain, test_now()).await.unwrap();
    let text = String::from_utf8(metadata.to_json()).unwrap();
    let anchors = |ca: &TestCa| TrustAnchors::from_der([ca.anchor_der()]).unwrap();
    let (preferred, required) = (SignedMetadata::Preferred, SignedMetadata::Required);
    let (signed, plain) = ("application/jwt", "application/json");

    assert_eq!(received(&world, preferred(anchors(&ca)), signed, &jwt), Ok(()));
    assert_eq!(received(&world, required(anchors(&ca)), signed, &jwt), Ok(()));
    assert_eq!(received(&world, preferred(anchors(&ca)), plain, &text), Ok(()));
    let refused = received(&world, required(anchors(&ca)), plain, &text);
    assert_eq!(refused, Err(DiscoveryError::NotSigned));
    let unknown = Err(DiscoveryError::Signed(SignedMetadataError::Chain(ChainError::Untrusted)));
    assert_eq!(received(&world, preferred(anchors(&stranger)), signed, &jwt), unknown);
    assert_eq!(received(&world, required(anchors(&stranger)), signed, &jwt), unknown);
    let unasked = received(&world, SignedMetadata::Unasked, signed, &jwt);
    assert!(matches!(unasked, Err(DiscoveryError::Unavailable(..))), "{unasked:?}");
}

#[test]
fn a_wallet_asks_for_the_form_it_wants_and_again_in_json_where_there_is_no_other() {
    let offer = json!({
        "credential_issuer": ISSUER,
        "credential_configuration_ids": ["badge"],
        "grants": { "authorization_code": {} },
    });
    let offer = CredentialOffer::parse(offer.to_string().as_bytes(), Transport::Https).unwrap();
    let anchors = TrustAnchors::default();
    let no_such_form = IncomingResponse { status: 406, content_type: None, body: b"" };
    let wishing = |signed| Discovery::new(offer.clone()).signed(signed);
    let accept = |discovery: &Discovery| discovery.request().accept();

    let preferred = wishing(SignedMetadata::Preferred(anchors.clone()));
    assert_eq!(accept(&preferred), "application/jwt, application/json;q=0.9");
    let again = preferred.in_json(no_such_form).expect("JSON will do");
    assert_eq!(accept(&again), "application/json");
    assert!(again.in_json(no_such_form).is_none());
    let required = wishing(SignedMetadata::Required(anchors));
    assert_eq!(accept(&required), "application/jwt");
    assert!(required.in_json(no_such_form).is_none());
}
