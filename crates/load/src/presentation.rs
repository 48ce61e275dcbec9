//! One encrypted presentation as a wallet sees it: two requests (OID4VP 1.0 §5.10, §8.3.1).

use std::sync::Arc;

use lanyard_core::{
    claims::ClaimsPath,
    crypto::{AwsLc, ContentEncryption, SoftwareSigner},
    jose::{EncryptionRecipient, Jwk},
    json::{self, Object},
    sd_jwt::{Audience, KeyBindingRequest, RequestNonce},
    sd_jwt_vc::HeldSdJwtVc,
};
use serde_json::{Value, json};
use url::Url;

use crate::{
    client::{Connection, Content},
    clock,
    crowd::Flow,
    failure::Failure,
    ledger::{Deed, Fact},
};

/// The flow.
pub(crate) struct Presentation;

/// A request that waits, and the card that answers it.
pub(crate) struct Asked {
    /// Where the request object is.
    pub(crate) request: Url,
    /// Where the integrator asks what came of it.
    pub(crate) session: Url,
    /// The credential.
    pub(crate) card: Arc<Card>,
}

/// A verified credential with the key it is bound to.
pub(crate) struct Card {
    pub(crate) held: HeldSdJwtVc,
    pub(crate) key: SoftwareSigner,
}

impl Flow for Presentation {
    type Job = Asked;
    type Outcome = Url;

    async fn play(&self, connection: &mut Connection, job: Asked) -> Result<Url, Failure> {
        // 1. the request object; a load tool that verified it too would measure itself
        let object = connection.get(&job.request, None).await?;
        let request = payload(&object)?;
        // 2. the answer, encrypted
        let (response_uri, form) = answer(&request, &job.card).await?;
        let mut entry = connection.entry(Deed::Response, job.session.as_str()).with(|ledger| {
            let name = job.session.path_segments().and_then(Iterator::last);
            Fact::Answer {
                session: name.unwrap_or_default().to_owned(),
                at: clock::now(),
                sent: ledger.keeps_whole().then(|| (response_uri.clone(), form.clone())),
            }
        });
        loop {
            entry.begins().await?;
            let content = Content::Form(form.clone());
            let taken = connection.post(&response_uri, None, content).await;
            entry.came(&taken, |_, _| Ok(None))?;
            if entry.is_over().await? {
                return taken.map(|_| job.session);
            }
        }
    }
}

/// What a request object says; its signature is not looked at.
pub(crate) fn payload(object: &[u8]) -> Result<Object, Failure> {
    let text = std::str::from_utf8(object).map_err(|_| Failure::Lacks("request object"))?;
    let payload = text.split('.').nth(1).ok_or(Failure::Lacks("request object"))?;
    let payload = json::base64url_decode(payload).map_err(|_| Failure::Lacks("request object"))?;
    Ok(json::parse_object(&payload)?)
}

/// The encrypted answer to a request, and where it goes.
pub(crate) async fn answer(request: &Object, card: &Card) -> Result<(Url, String), Failure> {
    let text = |name| request.get(name).and_then(Value::as_str).ok_or(Failure::Lacks(name));
    let (audience, nonce) =
        (Audience::from(text("client_id")?), RequestNonce::from(text("nonce")?));
    let binding = KeyBindingRequest {
        audience: &audience,
        nonce: &nonce,
        now: clock::now(),
        signer: &card.key,
    };
    let query = request.get("dcql_query").and_then(|query| query.pointer("/credentials/0"));
    let query = query.ok_or(Failure::Lacks("dcql_query"))?;
    let disclose = claims_asked_for(query)?;
    let presentation = card.held.present(&disclose, Some(&binding), &AwsLc).await?;

    let id = query.get("id").and_then(Value::as_str).ok_or(Failure::Lacks("credential query"))?;
    let mut response = json!({ "vp_token": { id: [presentation] } });
    if let Some(state) = request.get("state") {
        response["state"] = state.clone();
    }
    let recipient = recipient(request)?;
    let token = recipient.encrypt(response.to_string().as_bytes(), None, &AwsLc)?;
    let form = serde_urlencoded::to_string([("response", token)]);
    Ok((text("response_uri")?.parse()?, form.expect("pairs of texts make a form")))
}

fn claims_asked_for(query: &Value) -> Result<Vec<ClaimsPath>, Failure> {
    let claims = query.get("claims").and_then(Value::as_array).into_iter().flatten();
    let path = |claim: &Value| claim.get("path").and_then(|path| ClaimsPath::from_value(path).ok());
    claims.map(|claim| path(claim).ok_or(Failure::Lacks("claims path pointer"))).collect()
}

fn recipient(request: &Object) -> Result<EncryptionRecipient, Failure> {
    let metadata = request.get("client_metadata").ok_or(Failure::Lacks("client_metadata"))?;
    let jwk = metadata.pointer("/jwks/keys/0").ok_or(Failure::Lacks("response key"))?;
    // a wallet that can do both takes the longer key
    Ok(EncryptionRecipient { jwk: Jwk::from_value(jwk)?, enc: ContentEncryption::A256Gcm })
}
