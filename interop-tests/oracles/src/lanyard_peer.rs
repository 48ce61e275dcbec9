//! Lanyard itself, in the shape of its counterparts: W3C credentials of holders and issuers who are did:jwk.

use std::sync::Arc;

use lanyard_core::Timestamp;
use lanyard_core::claims::ClaimsPath;
use lanyard_core::credential::ValidityPolicy;
use lanyard_core::crypto::{RustCrypto, SoftwareSigner};
use lanyard_core::did::{Did, DidUrl};
use lanyard_core::jose::{Jwk, PrivateJwk};
use lanyard_core::sd_jwt::{Audience, KeyBindingWindow, RequestNonce};
use lanyard_core::trust::{IssuerIdentifier, IssuerKeySource, IssuerKeys, IssuerTrust};
use lanyard_core::w3c::jwt_vc_json::UnverifiedJwtVc;
use lanyard_core::w3c::vc_jose_cose::{
    HeldCredential, PresentationRequest, SigningOptions, UnverifiedVcJwt, UnverifiedVcSdJwt,
    issue_jwt, issue_sd_jwt, present_jwt,
};
use lanyard_core::w3c::{
    CredentialDraft, CredentialV1Draft, ExpectedPresentation, Holder, jwt_vc_json, vc_jose_cose,
};
use serde_json::{Value, json};

use crate::{Answer, optional_text, text, texts, words};

/// Someone with a private key, and the did:jwk of its public half.
struct Person {
    signer: SoftwareSigner,
    did: Did,
    key_id: DidUrl,
}

impl Person {
    fn new(private_jwk: &Value) -> Answer<Self> {
        let private = PrivateJwk::from_value(private_jwk).map_err(words)?;
        let did = Did::from_jwk(&Jwk::new(*private.key.public()));
        let signer = SoftwareSigner::new(&RustCrypto, &private.key).map_err(words)?;
        let key_id = did.with_fragment("0").map_err(words)?;
        Ok(Self { signer, did, key_id })
    }
}

/// `did`: the did:jwk of a key.
pub fn did(request: &Value) -> Answer<Value> {
    let jwk = Jwk::from_value(&request["jwk"]).map_err(words)?;
    Ok(json!({ "did": Did::from_jwk(&jwk).as_str() }))
}

/// `w3c-issue`.
pub async fn issue(request: &Value) -> Answer<Value> {
    let issuer = Person::new(&request["issuer_private_jwk"])?;
    let identifier = IssuerIdentifier::parse(issuer.did.as_str()).map_err(words)?;
    let now = moment(request)?;
    let (kind, subject) = (text(request, "type")?, request["subject"].clone());
    let mut options = SigningOptions::new().with_key_id(&issuer.key_id.to_string());
    if let Some(jwk) = request.get("holder_jwk").filter(|jwk| jwk.is_object()) {
        options = options.bound_to(&Jwk::from_value(jwk).map_err(words)?);
    }
    let draft = CredentialDraft::new(&identifier)
        .of_type(kind)
        .in_context(context(kind))
        .valid_from(now)
        .about(subject.clone());
    let credential = match text(request, "format")? {
        "jwt_vc_json" => {
            let draft = CredentialV1Draft::new(&identifier, now).of_type(kind).about(subject);
            let credential = draft.finish().map_err(words)?;
            jwt_vc_json::issue(&credential, &options, &issuer.signer).await.map_err(words)?
        }
        "vc+jwt" => {
            let credential = draft.finish().map_err(words)?;
            issue_jwt(&credential, &options, &issuer.signer).await.map_err(words)?
        }
        "vc+sd-jwt" => {
            let credential = draft.finish().map_err(words)?;
            let selective = paths(request, "selective")?;
            issue_sd_jwt(&credential, &selective, &options, &issuer.signer, &RustCrypto)
                .await
                .map_err(words)?
        }
        other => return Err(format!("no format `{other}`")),
    };
    Ok(json!({ "credential": credential.as_str() }))
}

/// `w3c-present`.
pub async fn present(request: &Value) -> Answer<Value> {
    let holder = Person::new(&request["holder_private_jwk"])?;
    let (audience, nonce) = request_of(request)?;
    let presentation_request = PresentationRequest {
        audience: &audience,
        nonce: &nonce,
        now: moment(request)?,
        signer: &holder.signer,
        key_id: Some(&holder.key_id),
    };
    let credential = text(request, "credential")?;
    let presentation = match text(request, "format")? {
        "jwt_vc_json" => {
            let held = UnverifiedJwtVc::parse(credential).map_err(words)?.danger_hold_unverified();
            jwt_vc_json::present(&[&held], &presentation_request).await
        }
        "vc+jwt" => {
            let held = UnverifiedVcJwt::parse(credential).map_err(words)?.danger_hold_unverified();
            present_jwt(&[HeldCredential::Jwt(&held)], &presentation_request).await
        }
        "vc+sd-jwt" => {
            let held = UnverifiedVcSdJwt::parse(credential, &RustCrypto)
                .and_then(|parsed| parsed.danger_hold_unverified(&RustCrypto))
                .map_err(words)?;
            let disclosed = paths(request, "disclosed")?;
            let presented = held.present(&disclosed, None, &RustCrypto).await.map_err(words)?;
            let credential = HeldCredential::SdJwt { held: &held, presented: &presented };
            present_jwt(&[credential], &presentation_request).await
        }
        other => return Err(format!("no format `{other}`")),
    };
    Ok(json!({ "presentation": presentation.map_err(words)? }))
}

/// `w3c-verify`; what is refused is answered by its reason code.
pub async fn verify(request: &Value) -> Answer<Value> {
    let (audience, nonce) = request_of(request)?;
    let expected = ExpectedPresentation {
        audience: &audience,
        nonce: &nonce,
        now: moment(request)?,
        window: KeyBindingWindow::default(),
        validity: ValidityPolicy::default(),
    };
    let issuers = issuers(request)?;
    let presentation = text(request, "presentation")?;
    match text(request, "format")? {
        "jwt_vc_json" => {
            let verified = jwt_vc_json::verify_presentation(presentation, &expected, &issuers)
                .await
                .map_err(|error| error.code().to_owned())?;
            answer(verified.holder(), verified.credentials()[0].claims().as_value())
        }
        _ => {
            let verified = vc_jose_cose::verify_presentation(presentation, &expected, &issuers)
                .await
                .map_err(|error| error.code().to_owned())?;
            answer(verified.holder(), verified.credentials()[0].claims().as_value())
        }
    }
}

/// `w3c-verify-credential`: one that comes without a presentation.
pub async fn verify_credential(request: &Value) -> Answer<Value> {
    let (issuers, now) = (issuers(request)?, moment(request)?);
    let credential = text(request, "credential")?;
    let refused = |code: &str| code.to_owned();
    let claims = match text(request, "format")? {
        "vc+jwt" => {
            let parsed = UnverifiedVcJwt::parse(credential).map_err(|e| refused(e.code()))?;
            let key = issuers.find(&parsed.claimed_issuer(), now).await;
            let key = key.map_err(|error| refused(error.code()))?;
            let verified = parsed.verify(key, &RustCrypto).map_err(|e| refused(e.code()))?;
            verified.claims().as_value().clone()
        }
        "vc+sd-jwt" => {
            let parsed = UnverifiedVcSdJwt::parse(credential, &RustCrypto);
            let parsed = parsed.map_err(|error| refused(error.code()))?;
            let key = issuers.find(&parsed.claimed_issuer(), now).await;
            let key = key.map_err(|error| refused(error.code()))?;
            let verified = parsed.verify(key, None, &RustCrypto).map_err(|e| refused(e.code()))?;
            verified.0.claims().as_value().clone()
        }
        other => return Err(format!("no format `{other}`")),
    };
    Ok(json!({ "claims": claims }))
}

fn answer(holder: &Holder, claims: &Value) -> Answer<Value> {
    Ok(json!({ "holder": holder.did().map(Did::as_str), "claims": claims }))
}

fn issuers(request: &Value) -> Answer<IssuerKeys> {
    let did = Did::parse(text(request, "issuer_did")?).map_err(words)?;
    let trust = IssuerTrust::new().with(IssuerKeySource::Did(did));
    Ok(IssuerKeys::new(trust, Arc::new(RustCrypto)))
}

fn request_of(request: &Value) -> Answer<(Audience, RequestNonce)> {
    Ok((text(request, "audience")?.into(), text(request, "nonce")?.into()))
}

fn moment(request: &Value) -> Answer<Timestamp> {
    let seconds = request["now"].as_i64().ok_or("`now` must be seconds")?;
    Timestamp::from_second(seconds).map_err(words)
}

/// Claims of the subject, by name.
fn paths(request: &Value, member: &str) -> Answer<Vec<ClaimsPath>> {
    let names = if optional_text(request, "format") == Some("vc+sd-jwt") {
        texts(request, member)?
    } else {
        Vec::new()
    };
    let path = |name: String| ClaimsPath::key("credentialSubject").then_key(name.as_str());
    Ok(names.into_iter().map(path).collect())
}

/// A context that gives the type and everything else a meaning of its own.
fn context(kind: &str) -> Value {
    json!({ kind: format!("https://example.org/#{kind}"), "@vocab": "https://example.org/#" })
}
