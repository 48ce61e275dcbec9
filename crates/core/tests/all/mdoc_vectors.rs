//! mdocs made by others: the example of ISO/IEC 18013-5 Annex D, isomdl's, and OpenID4VP's handovers.

use lanyard_core::{
    Timestamp,
    cbor::Item,
    crypto::{Curve, EcPoint, PrivateKey, PublicKey},
    jose::{Jwk, Thumbprint},
    json,
    mdoc::{
        DeviceAuthMethod, DeviceProof, ElementName, ExpectedDeviceAuth, MdocError, NameSpace,
        OpenId4VpDcApiHandover, OpenId4VpHandover, SessionTranscript, UnverifiedDeviceResponse,
        UnverifiedMdoc,
    },
    sd_jwt::{Audience, RequestNonce},
    trust::{
        ClaimedIssuer, IssuerError, IssuerIdentifier, IssuerKey, IssuerKeySource, IssuerKeys,
        IssuerTrust,
        x509::{CertificateChain, CertificatePurpose, ChainError, TrustAnchors},
    },
};
use lanyard_testkit::vectors;
use serde_json::{Value, json as value};

use crate::{
    cbor::hex,
    sd_jwt_support::{PROVIDERS, ready},
    sd_jwt_vc::providers,
};

fn annex_d(name: &str) -> Vec<u8> {
    hex(&vectors::text(format!("mdoc/iso18013-5-annex-d/{name}.hex.txt")))
}

fn key(x: &str, y: &str) -> PublicKey {
    let coordinate = |name| annex_d(name).try_into().expect("a coordinate has 32 bytes");
    PublicKey::P256(EcPoint { x: coordinate(x), y: coordinate(y) })
}

/// The example has no authority, so its signer's key is taken as it stands in the certificate.
fn issuer_key(mdoc: &UnverifiedMdoc<'_>, now: Timestamp, keys: &IssuerKeys) -> IssuerKey {
    let id = utopia();
    let claimed = mdoc.claimed_issuer();
    assert!(claimed.certificates.is_some());
    let claimed = ClaimedIssuer { issuer: Some(&id), certificates: None, ..claimed };
    ready(keys.find(&claimed, now)).expect("the key is configured")
}

fn utopia() -> IssuerIdentifier {
    IssuerIdentifier::parse("https://utopia.example").expect("a URL is an issuer")
}

fn keys_of_annex_d() -> [IssuerKeys; 2] {
    let der = annex_d("ds_cert");
    // SubjectPublicKeyInfo ends with a bit string of 66 bytes without unused bits
    let start = der.windows(3).position(|found| found == [0x03, 0x42, 0x00]);
    let start = start.expect("it has a key on P-256") + 3;
    let key = PublicKey::from_uncompressed(Curve::P256, &der[start..start + 65]);
    let key = key.expect("it is not compressed");
    providers().map(|provider| {
        let source = IssuerKeySource::Keys { issuer: utopia(), keys: vec![Jwk::new(key)] };
        IssuerKeys::new(IssuerTrust::new().with(source), provider)
    })
}

fn annex_d_transcript() -> SessionTranscript {
    let bytes = annex_d("session_transcript_bytes");
    let item = Item::parse(&bytes).expect("it is CBOR");
    let transcript = item.embedded().expect("it is behind tag 24");
    SessionTranscript::from_encoded(transcript).expect("it is CBOR too")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a moment")
}

#[test]
fn the_device_response_of_annex_d_verifies_with_its_mac() {
    if !vectors::available("mdoc") {
        return;
    }
    let (bytes, transcript) = (annex_d("device_response"), annex_d_transcript());
    let public = key("ephemeral_reader_key_x", "ephemeral_reader_key_y");
    let reader = PrivateKey::from_parts(annex_d("ephemeral_reader_key_d"), public).unwrap();
    let expected = ExpectedDeviceAuth { transcript: &transcript, reader_key: Some(&reader) };
    let now = at("2021-01-01T00:00:00Z");
    for keys in keys_of_annex_d() {
        let response = UnverifiedDeviceResponse::parse(&bytes).unwrap();
        let mdoc = response.into_only_document().unwrap();
        assert_eq!(mdoc.doc_type().as_str(), "org.iso.18013.5.1.mDL");
        let issuer = issuer_key(&mdoc, now, &keys);
        let verified = mdoc.verify(issuer, &expected, keys.provider()).unwrap();
        assert_eq!(verified.device_auth(), DeviceAuthMethod::Mac);
        assert_eq!(verified.device_key(), &key("static_device_key_x", "static_device_key_y"));
        assert!(verified.judge_validity(&Default::default(), now).is_ok());
        assert!(verified.judge_validity(&Default::default(), at("2022-01-01T00:00:00Z")).is_err());
        let element = |name| verified.element(&ElementName::parse(NameSpace::MDL, name).unwrap());
        assert_eq!(element("family_name"), Some(&value!("Doe")));
        assert_eq!(element("issue_date"), Some(&value!("2019-10-20")));
        assert_eq!(element("document_number"), Some(&value!("123456789")));
        assert_eq!(
            element("driving_privileges").unwrap()[0],
            value!({"vehicle_category_code": "A", "issue_date": "2018-08-09", "expiry_date": "2024-10-20"})
        );
        assert_eq!(verified.disclosed().len(), 6);
    }
}

#[test]
fn the_device_response_of_annex_d_is_refused_in_another_session_and_without_the_readers_key() {
    if !vectors::available("mdoc") {
        return;
    }
    let (bytes, transcript) = (annex_d("device_response"), annex_d_transcript());
    let public = key("ephemeral_reader_key_x", "ephemeral_reader_key_y");
    let reader = PrivateKey::from_parts(annex_d("ephemeral_reader_key_d"), public).unwrap();
    let other_session = SessionTranscript::from_encoded(&hex("83f6f6f6")).unwrap();
    for keys in keys_of_annex_d() {
        let refusal = |transcript, reader_key| {
            let response = UnverifiedDeviceResponse::parse(&bytes).unwrap();
            let mdoc = response.into_only_document().unwrap();
            let issuer = issuer_key(&mdoc, at("2021-01-01T00:00:00Z"), &keys);
            let expected = ExpectedDeviceAuth { transcript, reader_key };
            mdoc.verify(issuer, &expected, keys.provider()).unwrap_err()
        };
        assert_eq!(refusal(&transcript, None), MdocError::NoReaderKey);
        assert!(matches!(refusal(&other_session, Some(&reader)), MdocError::DeviceMac(_)));
        // a key that took no part in the agreement
        let stranger = keys.provider().generate_key(Curve::P256).unwrap();
        assert!(matches!(refusal(&transcript, Some(&stranger)), MdocError::DeviceMac(_)));
    }
}

#[test]
fn a_holder_makes_the_very_mac_of_annex_d() {
    if !vectors::available("mdoc") {
        return;
    }
    let bytes = annex_d("device_response");
    let item = Item::parse(&bytes).unwrap();
    let document = &item.get("documents").unwrap().as_array().unwrap()[0];
    let issuer_signed = document.get("issuerSigned").unwrap().encoded();
    let device = PrivateKey::from_parts(
        annex_d("static_device_key_d"),
        key("static_device_key_x", "static_device_key_y"),
    )
    .unwrap();
    let reader = key("ephemeral_reader_key_x", "ephemeral_reader_key_y");
    let transcript = annex_d_transcript();
    for (keys, provider) in keys_of_annex_d().into_iter().zip(providers()) {
        let mdoc = UnverifiedMdoc::parse(issuer_signed).unwrap();
        let now = at("2021-01-01T00:00:00Z");
        let issuer = issuer_key(&mdoc, now, &keys);
        let held = mdoc.verify_for_holding(issuer, now, &*provider).unwrap();
        let secret = provider.agree(&device, &reader).unwrap();
        let names: Vec<_> = held.elements().cloned().collect();
        let proof = DeviceProof::Mac(&secret);
        let response = ready(held.present(&names, &transcript, proof, &*provider)).unwrap();
        let ours = Item::parse(response.as_bytes()).unwrap();
        let ours = &ours.get("documents").unwrap().as_array().unwrap()[0];
        let auth = |document: &Item<'_>| {
            let signed = document.get("deviceSigned").unwrap();
            signed.get("deviceAuth").unwrap().encoded().to_vec()
        };
        assert_eq!(auth(ours), auth(document));
        // the elements and the issuer's signature went out as they came in
        let sent = ours.get("issuerSigned").unwrap();
        assert_eq!(
            sent.get("nameSpaces").unwrap().encoded(),
            document.get("issuerSigned").unwrap().get("nameSpaces").unwrap().encoded()
        );
        assert_eq!(
            sent.get("issuerAuth").unwrap().encoded(),
            document.get("issuerSigned").unwrap().get("issuerAuth").unwrap().encoded()
        );
    }
}

#[test]
fn the_issuer_signed_of_isomdl_is_that_of_annex_d_and_verifies() {
    if !vectors::available("mdoc") {
        return;
    }
    let bytes = hex(&vectors::text("mdoc/isomdl/definitions__issuer_signed.cbor.hex.txt"));
    let now = at("2021-01-01T00:00:00Z");
    for keys in keys_of_annex_d() {
        let mdoc = UnverifiedMdoc::parse(&bytes).unwrap();
        let issuer = issuer_key(&mdoc, now, &keys);
        let held = mdoc.verify_for_holding(issuer, now, keys.provider()).unwrap();
        assert_eq!(held.elements().count(), 6);
        // what is kept is what came, and reads the same
        let kept = held.to_bytes();
        let again = UnverifiedMdoc::parse(&kept).unwrap();
        let again = again.danger_hold_unverified(keys.provider()).unwrap();
        assert_eq!(again.claims(), held.claims());
    }
}

#[test]
fn the_device_response_of_isomdl_is_no_mdoc() {
    if !vectors::available("mdoc") {
        return;
    }
    // known errors: issuerAuth has a tag, its payload is no MSO, and random has one byte
    let bytes = hex(&vectors::text("mdoc/isomdl/definitions__device_response.cbor.hex.txt"));
    let refused = UnverifiedDeviceResponse::parse(&bytes).unwrap_err();
    assert_eq!(refused.code(), "mdoc_issuer_auth");
}

#[test]
fn the_session_transcript_of_isomdl_is_read() {
    if !vectors::available("mdoc") {
        return;
    }
    let path = "mdoc/isomdl/definitions__session__session_transcript.cbor.hex.txt";
    let bytes = hex(&vectors::text(path));
    let item = Item::parse(&bytes).unwrap();
    let transcript = SessionTranscript::from_encoded(item.embedded().unwrap()).unwrap();
    assert_eq!(transcript.as_bytes(), item.embedded().unwrap());
}

fn certificate(name: &str) -> Vec<u8> {
    let pem = vectors::text(format!("mdoc/isomdl/presentation__{name}.pem"));
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let standard = body.replace('+', "-").replace('/', "_");
    json::base64url_decode(standard.trim_end_matches('=')).expect("PEM is base64")
}

fn chain(names: &[&str], root: &str, now: Timestamp) -> Result<Option<String>, ChainError> {
    let chain: Vec<_> = names.iter().map(|name| certificate(name)).collect();
    let anchors = TrustAnchors::from_der([certificate(root)])?;
    let verify = |provider| {
        CertificateChain::from_x5c(&chain)?
            .verify(&anchors, CertificatePurpose::MdocSigning, now, provider)
            .map(|verified| verified.country())
    };
    let [one, other] = PROVIDERS.map(verify);
    assert_eq!(one, other);
    one
}

#[test]
fn the_certificates_of_isomdl_lead_to_their_root_or_not() {
    if !vectors::available("mdoc") {
        return;
    }
    let root = "isomdl_iaca_root_cert";
    let now = at("2024-01-01T00:00:00Z");
    assert_eq!(chain(&["isomdl_iaca_signer"], root, now), Ok(Some("US".to_owned())));
    assert_eq!(
        chain(&["isomdl_iaca_signer"], root, at("2026-01-01T00:00:00Z")),
        Err(ChainError::Expired)
    );
    let incorrect = chain(&["isomdl_incorrect_iaca_signer"], root, now);
    assert_eq!(incorrect, Err(ChainError::LeafIsAuthority));
    let through = chain(&["isomdl_iaca_leaf_signer", "isomdl_iaca_intermediate"], root, now);
    assert_eq!(through, Err(ChainError::LeafIsAuthority));
    assert_eq!(chain(&["isomdl_iaca_leaf_signer"], root, now), Err(ChainError::Untrusted));
    // a reader's certificate signs no mdocs
    assert_eq!(chain(&["reader_auth"], root, now), Err(ChainError::Untrusted));
    // an authority on P-384 over a signer on P-256
    let now = at("2026-11-01T00:00:00Z");
    let signer = chain(&["owf_multipaz_ds_p384"], "owf_multipaz_iaca_p384", now);
    assert_eq!(signer, Ok(Some("US".to_owned())));
}

#[test]
fn the_signer_of_annex_d_is_not_trusted_without_its_authority() {
    if !vectors::available("mdoc") {
        return;
    }
    let bytes = annex_d("device_response");
    for provider in providers() {
        let anchors = TrustAnchors::from_der([certificate("isomdl_iaca_root_cert")]).unwrap();
        let keys = IssuerKeys::new(IssuerTrust::certificates(anchors), provider);
        let response = UnverifiedDeviceResponse::parse(&bytes).unwrap();
        let mdoc = response.into_only_document().unwrap();
        let refused = ready(keys.find(&mdoc.claimed_issuer(), at("2021-01-01T00:00:00Z")));
        assert_eq!(refused.unwrap_err(), IssuerError::Chain(ChainError::Untrusted));
    }
}

#[test]
fn the_handovers_of_openid4vp_are_byte_for_byte_the_specifications() {
    if !vectors::available("oid4vp") {
        return;
    }
    let examples = vectors::json("oid4vp/mdoc_session_transcript.json");
    let examples = examples.as_array().unwrap();
    assert_eq!(examples.len(), 2);
    for example in examples {
        let text = |name: &str| example["inputs"][name].as_str().unwrap();
        let nonce = RequestNonce::from(text("nonce"));
        let jwk = Jwk::from_value(&example["verifier_encryption_jwk"]).unwrap();
        for provider in PROVIDERS {
            let encryption_key = Some(jwk.thumbprint(provider));
            let thumbprint = hex(text("jwk_thumbprint")).try_into().map(Thumbprint).ok();
            assert_eq!(encryption_key, thumbprint);
            let transcript = match &example["inputs"]["origin"] {
                Value::String(origin) => SessionTranscript::openid4vp_dc_api(
                    &OpenId4VpDcApiHandover { origin, nonce: &nonce, encryption_key },
                    provider,
                ),
                _ => SessionTranscript::openid4vp(
                    &OpenId4VpHandover {
                        client_id: &Audience::from(text("client_id")),
                        nonce: &nonce,
                        encryption_key,
                        response_uri: text("response_uri"),
                    },
                    provider,
                ),
            };
            let expected = example["session_transcript_hex"].as_str().unwrap();
            assert_eq!(transcript.as_bytes(), hex(expected));
        }
    }
}
