//! The parsers of the credentials core.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use lanyard_core::{
    claims::ClaimsPath,
    crypto::RustCrypto,
    did::{Did, DidDocument, DidMethods, DidResolver as _, DidUrl},
    jose::{JoseHeader, Jwk, UnopenedJwe, UnverifiedJws},
    json,
    sd_jwt::{Disclosure, SdJwtJson, UnverifiedSdJwt},
    sd_jwt_vc::UnverifiedSdJwtVc,
    trust::x509::{CertificateChain, TrustAnchors},
};

use super::Target;

/// SD-JWT VC presentations that verify, as published.
const SUITE: &str = include_str!("../../../../spec-vectors/refusals/sd-jwt-vc.json");

const CERTIFICATE: &str = include_str!("certificate.pem");

pub(super) const JSON: Target = Target {
    name: "json",
    seeds: || vec![br#"{"a":[1,-2.5e3,"\u00e9",null,true,{"b":{}}],"c":""}"#.to_vec()],
    run: |bytes| {
        if let Ok(value) = json::parse(bytes) {
            let again = json::parse(value.to_string().as_bytes());
            assert_eq!(again.ok(), Some(value), "what was read can be written and read again");
        }
    },
};

pub(super) const BASE64URL: Target = Target {
    name: "base64url",
    seeds: || vec![b"SGVsbG8".to_vec(), b"-_-_".to_vec()],
    run: |bytes| {
        let Ok(text) = str::from_utf8(bytes) else { return };
        if let Ok(decoded) = json::base64url_decode(text) {
            assert_eq!(json::base64url(decoded), text, "there is one spelling only");
        }
    },
};

pub(super) const JOSE_HEADER: Target = Target {
    name: "jose-header",
    seeds: || vec![presentations()[0].split(|byte| *byte == b'.').next().unwrap_or(&[]).to_vec()],
    run: |bytes| text(bytes, |text| drop(JoseHeader::parse(text))),
};

pub(super) const JWS: Target = Target {
    name: "jws",
    seeds: || presentations().iter().map(|text| until(text, b'~')).collect(),
    run: |bytes| text(bytes, |text| drop(UnverifiedJws::parse(text))),
};

pub(super) const JWE: Target = Target {
    name: "jwe",
    // the form alone counts: nothing here could be opened
    seeds: || vec![include_bytes!("message.jwe").to_vec()],
    run: |bytes| text(bytes, |text| drop(UnopenedJwe::parse(text))),
};

pub(super) const JWK: Target = Target {
    name: "jwk",
    seeds: || {
        vec![
            br#"{"kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM","use":"sig","kid":"1"}"#.to_vec(),
            br#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#.to_vec(),
        ]
    },
    run: |bytes| {
        let Ok(value) = json::parse(bytes) else { return };
        if let Ok(jwk) = Jwk::from_value(&value) {
            assert!(Jwk::from_value(&jwk.to_value()).is_ok_and(|again| again.key == jwk.key));
        }
    },
};

pub(super) const SD_JWT: Target = Target {
    name: "sd-jwt",
    seeds: presentations,
    run: |bytes| text(bytes, |text| drop(UnverifiedSdJwt::parse(text))),
};

pub(super) const SD_JWT_JSON: Target = Target {
    name: "sd-jwt-json",
    seeds: || {
        vec![
            br#"{"payload":"eyJhIjoxfQ","protected":"eyJhbGciOiJFUzI1NiJ9","signature":"AAAA","header":{"disclosures":["WyJhIiwiYiIsMV0"],"kb_jwt":"a.b.c"}}"#.to_vec(),
            br#"{"payload":"eyJhIjoxfQ","signatures":[{"protected":"eyJhbGciOiJFUzI1NiJ9","signature":"AAAA","header":{"disclosures":[]}}]}"#.to_vec(),
        ]
    },
    run: |bytes| drop(SdJwtJson::parse(bytes)),
};

pub(super) const DISCLOSURE: Target = Target {
    name: "disclosure",
    seeds: || {
        let presented = presentations();
        presented[0].split(|byte| *byte == b'~').skip(1).map(<[u8]>::to_vec).collect()
    },
    run: |bytes| text(bytes, |text| drop(Disclosure::decode(text))),
};

pub(super) const SD_JWT_VC: Target = Target {
    name: "sd-jwt-vc",
    seeds: presentations,
    run: |bytes| {
        text(bytes, |text| {
            // past the signature: what an issuer signed may be as bad as anything else
            if let Ok(credential) = UnverifiedSdJwtVc::parse(text) {
                drop(credential.danger_hold_unverified(&RustCrypto));
            }
        });
    },
};

pub(super) const CLAIMS_PATH: Target = Target {
    name: "claims-path",
    seeds: || vec![br#"["address","street",null,0,"x"]"#.to_vec()],
    run: |bytes| {
        if let Ok(value) = json::parse(bytes) {
            drop(ClaimsPath::from_value(&value));
        }
    },
};

pub(super) const CERTIFICATE_CHAIN: Target = Target {
    name: "certificate-chain",
    seeds: || vec![der()],
    run: |bytes| drop(CertificateChain::from_x5c(&[bytes.to_vec(), der()])),
};

pub(super) const TRUST_ANCHORS: Target = Target {
    name: "trust-anchors",
    seeds: || vec![CERTIFICATE.as_bytes().to_vec()],
    run: |bytes| text(bytes, |text| drop(TrustAnchors::from_pem(text))),
};

const DIDS: [&str; 4] = [
    "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
    "did:key:zDnaerDaTF5BXEavCrfRZEk316dpbLsfPDZ3WJ5hRTPFU2169",
    "did:jwk:eyJrdHkiOiJPS1AiLCJjcnYiOiJFZDI1NTE5IiwieCI6IjExcVlBWUt4Q3JmVlNfN1R5V1FIT2c3aGN2UGFwaU1scndJYWFQY0hVUm8ifQ",
    "did:web:example.com%3A3000:user:alice",
];

pub(super) const DID_URL: Target = Target {
    name: "did-url",
    seeds: || vec![b"did:example:123/path?service=files&relativeRef=%2Fa#key-1".to_vec()],
    run: |bytes| {
        text(bytes, |text| {
            if let Ok(url) = DidUrl::parse(text) {
                assert!(DidUrl::parse(&url.to_string()).is_ok(), "a DID URL reads itself");
            }
        });
    },
};

pub(super) const DID: Target = Target {
    name: "did",
    seeds: || DIDS.iter().map(|did| did.as_bytes().to_vec()).collect(),
    run: |bytes| {
        text(bytes, |text| {
            let methods = DidMethods::new(Arc::new(RustCrypto));
            if let Ok(did) = Did::parse(text) {
                drop(ready(methods.resolve(&did)));
            }
        });
    },
};

pub(super) const DID_DOCUMENT: Target = Target {
    name: "did-document",
    seeds: || {
        vec![
            br##"{"@context":"https://www.w3.org/ns/did/v1","id":"did:web:example.com","verificationMethod":[{"id":"did:web:example.com#1","type":"JsonWebKey","controller":"did:web:example.com","publicKeyJwk":{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}},{"id":"did:web:example.com#2","type":"Multikey","controller":"did:web:example.com","publicKeyMultibase":"z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"}],"assertionMethod":["#1","did:web:example.com#2"]}"##.to_vec(),
        ]
    },
    run: |bytes| {
        if let Ok(did) = Did::parse("did:web:example.com") {
            drop(DidDocument::parse(&did, bytes, &RustCrypto));
        }
    },
};

/// What the published suite of SD-JWT VC accepts.
fn presentations() -> Vec<Vec<u8>> {
    let suite: serde_json::Value = serde_json::from_str(SUITE).unwrap_or_default();
    let accepted = suite["accepted"].as_array().cloned().unwrap_or_default();
    accepted.iter().filter_map(|one| Some(one["input"].as_str()?.as_bytes().to_vec())).collect()
}

fn der() -> Vec<u8> {
    use lanyard_core::json::base64url_decode;

    let body: String = CERTIFICATE.lines().filter(|line| !line.starts_with('-')).collect();
    let body = body.replace('+', "-").replace('/', "_");
    base64url_decode(body.trim_end_matches('=')).unwrap_or_default()
}

fn until(bytes: &[u8], end: u8) -> Vec<u8> {
    bytes.split(|byte| *byte == end).next().unwrap_or_default().to_vec()
}

pub(super) fn text(bytes: &[u8], run: impl FnOnce(&str)) {
    if let Ok(text) = str::from_utf8(bytes) {
        run(text);
    }
}

/// The output of a future that never waits; none of a future that would.
pub(super) fn ready<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}
