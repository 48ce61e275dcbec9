//! mdoc by Lanyard's core, for `interop-tests`: one JSON object on stdin, one on stdout. Bytes are
//! base64url, certificates are as in an `x5c`.
//!
//! ```text
//! transcript { client_id, nonce, response_uri, jwk_thumbprint? }                  -> { session_transcript }
//! issue      { doctype, namespaces, issuer_private_jwk, x5c, device_jwk }         -> { issuer_signed }
//! present    { issuer_signed, elements, session_transcript, device_private_jwk, trust_anchor_pem }
//!                                                                                 -> { device_response }
//! verify     { device_response, session_transcript, trust_anchor_pem }            -> { namespaces }
//! ```

use std::{error::Error, process::ExitCode, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    credential::{Validity, ValidityPolicy},
    crypto::{RustCrypto, SoftwareSigner},
    jose::{Jwk, PrivateJwk, Thumbprint},
    json,
    mdoc::{
        DeviceProof, DocType, ElementName, ExpectedDeviceAuth, ExpectedMdoc, IssuerNameSpaces,
        MdocDraft, OpenId4VpHandover, SessionTranscript, UnverifiedMdoc, verify_presentation,
    },
    sd_jwt::{Audience, RequestNonce},
    trust::{IssuerKeys, IssuerTrust, x509::TrustAnchors},
};
use serde::Deserialize;
use serde_json::{Value, json};

use exchange::{Answer, read};

mod exchange;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let answer = match exchange::verb().as_str() {
        "transcript" => transcript(),
        "issue" => issue().await,
        "present" => present().await,
        "verify" => verify().await,
        _ => Err("say one of: transcript, issue, present, verify".into()),
    };
    exchange::write(&answer)
}

#[derive(Deserialize)]
struct TranscriptRequest {
    client_id: String,
    nonce: String,
    response_uri: String,
    jwk_thumbprint: Option<String>,
}

fn transcript() -> Answer {
    let request: TranscriptRequest = read()?;
    let encryption_key = match request.jwk_thumbprint {
        None => None,
        Some(text) => {
            let bytes = json::base64url_decode(&text)?.try_into();
            Some(Thumbprint(bytes.map_err(|_| "a thumbprint has 32 bytes")?))
        }
    };
    let handover = OpenId4VpHandover {
        client_id: &Audience::from(request.client_id.as_str()),
        nonce: &RequestNonce::from(request.nonce.as_str()),
        encryption_key,
        response_uri: &request.response_uri,
    };
    let transcript = SessionTranscript::openid4vp(&handover, &RustCrypto);
    Ok(json!({"session_transcript": json::base64url(transcript.as_bytes())}))
}

#[derive(Deserialize)]
struct IssueRequest {
    doctype: DocType,
    namespaces: json::Object,
    issuer_private_jwk: Value,
    x5c: Vec<String>,
    device_jwk: Jwk,
}

async fn issue() -> Answer {
    let request: IssueRequest = read()?;
    let elements = IssuerNameSpaces::from_json(&request.namespaces)?;
    let day = SignedDuration::from_hours(24);
    let validity = Validity::rounded_to_days(Timestamp::now(), day);
    let draft = MdocDraft::new(&request.doctype, elements, &request.device_jwk.key, &validity)?;
    let x5chain: Vec<_> =
        request.x5c.iter().map(|der| decode_base64(der)).collect::<Result<_, _>>()?;
    let signer = signer(&request.issuer_private_jwk)?;
    let issued = draft.sign(&signer, &x5chain, &RustCrypto).await?;
    Ok(json!({"issuer_signed": issued.to_base64url()}))
}

#[derive(Deserialize)]
struct PresentRequest {
    issuer_signed: String,
    elements: Vec<(String, String)>,
    session_transcript: String,
    device_private_jwk: Value,
    trust_anchor_pem: String,
}

async fn present() -> Answer {
    let request: PresentRequest = read()?;
    let keys = keys(&request.trust_anchor_pem)?;
    let bytes = json::base64url_decode(&request.issuer_signed)?;
    let mdoc = UnverifiedMdoc::parse(&bytes)?;
    let now = Timestamp::now();
    let key = keys.find(&mdoc.claimed_issuer(), now).await?;
    let held = mdoc.verify_for_holding(key, now, &RustCrypto)?;
    let disclose =
        request.elements.into_iter().map(|(space, name)| ElementName::parse(space, name));
    let disclose: Vec<_> = disclose.collect::<Result<_, _>>()?;
    let transcript = read_transcript(&request.session_transcript)?;
    let device = signer(&request.device_private_jwk)?;
    let proof = DeviceProof::Signature(&device);
    let response = held.present(&disclose, &transcript, proof, &RustCrypto).await?;
    Ok(json!({"device_response": response.to_base64url()}))
}

#[derive(Deserialize)]
struct VerifyRequest {
    device_response: String,
    session_transcript: String,
    trust_anchor_pem: String,
}

async fn verify() -> Answer {
    let request: VerifyRequest = read()?;
    let transcript = read_transcript(&request.session_transcript)?;
    let expected = ExpectedMdoc {
        doc_type: None,
        device_auth: ExpectedDeviceAuth { transcript: &transcript, reader_key: None },
        validity: ValidityPolicy::default(),
        now: Timestamp::now(),
    };
    let keys = keys(&request.trust_anchor_pem)?;
    match verify_presentation(&request.device_response, &expected, &keys).await {
        Ok(verified) => Ok(json!({"namespaces": verified.claims().as_value()})),
        Err(error) => Err(format!("{}: {error}", error.code()).into()),
    }
}

fn keys(trust_anchor_pem: &str) -> Result<IssuerKeys, Box<dyn Error>> {
    let anchors = TrustAnchors::from_pem(trust_anchor_pem)?;
    Ok(IssuerKeys::new(IssuerTrust::certificates(anchors), Arc::new(RustCrypto)))
}

fn signer(private_jwk: &Value) -> Result<SoftwareSigner, Box<dyn Error>> {
    let key = PrivateJwk::from_value(private_jwk)?.key;
    Ok(SoftwareSigner::new(&RustCrypto, &key)?)
}

fn read_transcript(text: &str) -> Result<SessionTranscript, Box<dyn Error>> {
    Ok(SessionTranscript::from_encoded(&json::base64url_decode(text)?)?)
}

/// `x5c` is base64, not base64url.
fn decode_base64(text: &str) -> Result<Vec<u8>, json::Base64UrlError> {
    let url = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    json::base64url_decode(&url)
}
