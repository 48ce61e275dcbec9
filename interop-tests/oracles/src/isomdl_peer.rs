//! mdoc by `isomdl` (SpruceID). Bytes are base64url, certificates are as in an `x5c`.

use std::collections::BTreeMap;

use ciborium::Value as Cbor;
use coset::{CoseSign1Builder, HeaderBuilder, iana::Algorithm};
use isomdl::{
    cbor,
    cose::sign1::PreparedCoseSign1,
    definitions::{
        CoseKey, DeviceAuth, DeviceKeyInfo, DeviceResponse, DeviceSigned, DigestAlgorithm,
        Document, EC2Curve, EC2Y, IssuerSigned, Mso, ValidityInfo,
        device_response::Status,
        device_signed::DeviceAuthentication,
        helpers::{NonEmptyMap, NonEmptyVec, Tag24},
        session::SessionTranscript,
        x509::{
            X5Chain,
            trust_anchor::{TrustAnchor, TrustAnchorRegistry, TrustPurpose},
            validation::ValidationRuleset,
        },
    },
    issuance::Mdoc,
    presentation::{
        authentication::mdoc::{device_authentication, issuer_authentication},
        reader,
    },
};
use lanyard_core::json::{base64url, base64url_decode};
use p256::ecdsa::{Signature, SigningKey, signature::Signer as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use x509_cert::{Certificate, der::DecodePem as _};

use crate::{Answer, text, words};

/// The tag of a full-date, and the elements that are one (ISO/IEC 18013-5 §7.2.1).
const FULL_DATE: u64 = 1004;
const DATES: [&str; 3] = ["birth_date", "issue_date", "expiry_date"];

/// A transcript of whatever handover: `isomdl` has none of OpenID4VP.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct Transcript(Cbor);

impl SessionTranscript for Transcript {}

/// `mdoc-issue`.
pub fn issue(request: &Value) -> Answer<Value> {
    let mut namespaces = BTreeMap::new();
    for (namespace, elements) in object(&request["namespaces"])? {
        let typed =
            object(elements)?.iter().map(|(name, value)| (name.clone(), typed(name, value)));
        namespaces.insert(namespace.clone(), typed.collect::<BTreeMap<_, _>>());
    }
    let now = OffsetDateTime::now_utc().replace_nanosecond(0).map_err(words)?;
    let signed = now - Duration::seconds(request["ago"].as_i64().unwrap_or(0));
    let device_jwk = &request["device_jwk"];
    let device_key = CoseKey::EC2 {
        crv: EC2Curve::P256,
        x: bytes(device_jwk, "x")?,
        y: EC2Y::Value(bytes(device_jwk, "y")?),
    };
    let mut chain = X5Chain::builder();
    for der in crate::texts(request, "x5c")? {
        let url = der.trim_end_matches('=').replace('+', "-").replace('/', "_");
        let der = base64url_decode(&url).map_err(words)?;
        chain = chain.with_der_certificate(&der).map_err(words)?;
    }
    let mdoc = Mdoc::builder()
        .doc_type(text(request, "doctype")?.to_owned())
        .namespaces(namespaces)
        .validity_info(ValidityInfo {
            signed,
            valid_from: signed,
            valid_until: signed + Duration::seconds(lifetime(request)),
            expected_update: None,
        })
        .digest_algorithm(DigestAlgorithm::SHA256)
        .device_key_info(DeviceKeyInfo { device_key, key_authorizations: None, key_info: None })
        .issue::<SigningKey, Signature>(
            chain.build().map_err(words)?,
            signing_key(&request["issuer_private_jwk"])?,
        )
        .map_err(words)?;
    let issued = IssuerSigned { namespaces: Some(mdoc.namespaces), issuer_auth: mdoc.issuer_auth };
    Ok(json!({ "issuer_signed": base64url(cbor::to_vec(&issued).map_err(words)?) }))
}

/// `mdoc-present`; `isomdl` has no presentation of OpenID4VP, so its parts are put together here.
pub fn present(request: &Value) -> Answer<Value> {
    let held: IssuerSigned = cbor::from_slice(&bytes(request, "issuer_signed")?).map_err(words)?;
    let payload = held.issuer_auth.inner.payload.clone().ok_or("no MSO")?;
    let mso: Tag24<Mso> = cbor::from_slice(&payload).map_err(words)?;
    let doc_type = mso.into_inner().doc_type;
    let wanted: Vec<(String, String)> =
        serde_json::from_value(request["elements"].clone()).map_err(words)?;
    let mut disclosed = BTreeMap::new();
    for (namespace, items) in held.namespaces.ok_or("no elements")?.into_inner() {
        let is_wanted = |name: &str| wanted.iter().any(|(of, one)| *of == namespace && one == name);
        let items = items.into_inner().into_iter();
        let items = items.filter(|item| is_wanted(&item.as_ref().element_identifier)).collect();
        if let Some(items) = NonEmptyVec::maybe_new(items) {
            disclosed.insert(namespace, items);
        }
    }
    let namespaces = Tag24::new(BTreeMap::new()).map_err(words)?;
    let signed =
        DeviceAuthentication::new(transcript(request)?, doc_type.clone(), namespaces.clone());
    let signed = cbor::to_vec(&Tag24::new(signed).map_err(words)?).map_err(words)?;
    let header = HeaderBuilder::new().algorithm(Algorithm::ES256).build();
    let builder = CoseSign1Builder::new().protected(header);
    let prepared = PreparedCoseSign1::new(builder, Some(&signed), None, false).map_err(words)?;
    let key = signing_key(&request["device_private_jwk"])?;
    let signature: Signature = key.sign(prepared.signature_payload());
    let signature = prepared.finalize(signature.to_bytes().to_vec());
    let document = Document {
        doc_type,
        issuer_signed: IssuerSigned {
            namespaces: NonEmptyMap::maybe_new(disclosed),
            issuer_auth: held.issuer_auth,
        },
        device_signed: DeviceSigned {
            namespaces,
            device_auth: DeviceAuth::DeviceSignature(signature),
        },
        errors: None,
    };
    let response = DeviceResponse {
        version: DeviceResponse::VERSION.to_owned(),
        documents: Some(NonEmptyVec::new(document)),
        document_errors: None,
        status: Status::OK,
    };
    Ok(json!({ "device_response": base64url(cbor::to_vec(&response).map_err(words)?) }))
}

/// `mdoc-verify`, by everything that `isomdl` looks at: chain, issuer's signature, device's signature.
pub fn verify(request: &Value) -> Answer<Value> {
    let response: DeviceResponse =
        cbor::from_slice(&bytes(request, "device_response")?).map_err(words)?;
    let (document, chain, namespaces) = reader::parse(&response).map_err(words)?;
    let certificate = Certificate::from_pem(text(request, "trust_anchor_pem")?).map_err(words)?;
    let anchors = TrustAnchorRegistry {
        anchors: vec![TrustAnchor { certificate, purpose: TrustPurpose::Iaca }],
    };
    let chained = ValidationRuleset::Mdl.validate(&chain, &anchors);
    if !chained.success() {
        return Err(chained.errors.join("; "));
    }
    issuer_authentication(chain, &document.issuer_signed).map_err(words)?;
    device_authentication(document, transcript(request)?).map_err(words)?;
    Ok(json!({ "namespaces": namespaces }))
}

/// What an element is in CBOR.
fn typed(name: &str, value: &Value) -> Cbor {
    match value {
        Value::String(text) if DATES.contains(&name) => {
            Cbor::Tag(FULL_DATE, Box::new(Cbor::Text(text.clone())))
        }
        Value::String(text) => Cbor::Text(text.clone()),
        Value::Bool(value) => Cbor::Bool(*value),
        other => other.as_i64().map_or(Cbor::Null, |number| Cbor::Integer(number.into())),
    }
}

/// In seconds; a day, unless something else is asked for.
fn lifetime(request: &Value) -> i64 {
    request["lifetime"].as_i64().unwrap_or(86_400)
}

fn object(value: &Value) -> Answer<&serde_json::Map<String, Value>> {
    value.as_object().ok_or_else(|| "namespaces are objects of objects".to_owned())
}

fn bytes(request: &Value, member: &str) -> Answer<Vec<u8>> {
    base64url_decode(text(request, member)?).map_err(words)
}

fn transcript(request: &Value) -> Answer<Transcript> {
    cbor::from_slice(&bytes(request, "session_transcript")?).map(Transcript).map_err(words)
}

fn signing_key(private_jwk: &Value) -> Answer<SigningKey> {
    SigningKey::from_slice(&bytes(private_jwk, "d")?).map_err(words)
}
