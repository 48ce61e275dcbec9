//! The verifier's side of ISO/IEC 18013-7 Annex C: the same question as a DeviceRequest (`org-iso-mdoc`), for
//! wallets and platforms that know nothing else.

use lanyard_core::{
    Timestamp,
    crypto::{CryptoError, CryptoProvider, SignerError},
    json,
    mdoc::{
        DeviceResponse, DocumentRequest, ElementName, EncryptionInfo, Reader, SessionTranscript,
        device_request, read_encrypted_response,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use super::{DcApiAsk, Origin, Protocol};
use crate::{
    RequestNonce,
    dcql::{ClaimsSelection, CredentialQuery, DcqlQuery, RequestedFormat},
    request::object::RequestSigner,
    response::{ResponseError, VpToken},
    verifier::{Conclusion, OpenError, Verifiers, exchange::Exchange, requested::ResponseKey},
};

/// Why a question cannot be put as a DeviceRequest; one variant per rule.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum NoDeviceRequest {
    /// A credential that is no mdoc.
    #[error("it asks for a credential that is no mdoc")]
    Format,
    /// Alternatives, of which a DeviceRequest has none.
    #[error("it has alternatives")]
    Alternatives,
    /// An mdoc of which no element is asked for.
    #[error("it asks for no element of an mdoc")]
    NoElement,
    /// Two documents of one type, whose answers could not be told apart.
    #[error("it asks for two documents of one type")]
    SameType,
    /// What is to be authorized has no place in a DeviceRequest.
    #[error("it has transactions")]
    Transactions,
}

/// A DeviceRequest that waits for its answer; serialize it only to seal it, it holds a private key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IsoMdocRequested {
    origins: Vec<Origin>,
    query: DcqlQuery,
    /// Of which base64url is the nonce of the exchange.
    nonce: RequestNonce,
    key: ResponseKey,
    expires_at: Timestamp,
}

impl IsoMdocRequested {
    /// Whether a question can be put as a DeviceRequest.
    ///
    /// # Errors
    /// One [`NoDeviceRequest`] per rule.
    pub fn can_ask(ask: &DcApiAsk) -> Result<(), NoDeviceRequest> {
        if !ask.transactions.is_empty() {
            return Err(NoDeviceRequest::Transactions);
        }
        documents(&ask.query).map(drop)
    }

    /// Asks, with a nonce and a key made for this one request.
    ///
    /// # Errors
    /// [`CryptoError`] when no key can be made.
    pub fn new(ask: DcApiAsk, provider: &dyn CryptoProvider) -> Result<Self, CryptoError> {
        Ok(Self {
            origins: ask.origins,
            query: ask.query,
            nonce: RequestNonce::generate(provider),
            key: ResponseKey::generate(provider)?,
            expires_at: ask.expires_at,
        })
    }

    /// The request, a member of `requests` for `navigator.credentials.get`.
    ///
    /// The reader's signature is about one origin, so only a request for one is signed.
    ///
    /// # Errors
    /// [`SignerError`] as the signer gives it.
    pub async fn request(
        &self,
        reader: Option<&RequestSigner>,
        provider: &dyn CryptoProvider,
    ) -> Result<Value, SignerError> {
        let documents = documents(&self.query).unwrap_or_default();
        let transcript = match &self.origins[..] {
            [origin] => Some(self.transcript(origin, provider)),
            _ => None,
        };
        let reader = reader.zip(transcript.as_ref()).map(|(reader, transcript)| Reader {
            signer: reader.signer().as_ref(),
            chain: reader.chain(),
            transcript,
        });
        let device_request = json::base64url(device_request(&documents, reader).await?);
        Ok(json!({
            "protocol": Protocol::IsoMdoc.as_str(),
            "data": {
                "deviceRequest": device_request,
                "encryptionInfo": self.encryption_info().to_base64url(),
            },
        }))
    }

    fn encryption_info(&self) -> EncryptionInfo {
        // what we made ourselves is base64url
        let nonce = json::base64url_decode(self.nonce.as_str()).unwrap_or_default();
        EncryptionInfo { nonce, recipient: *self.key.key.public() }
    }

    fn transcript(&self, origin: &Origin, provider: &dyn CryptoProvider) -> SessionTranscript {
        let info = self.encryption_info().to_base64url();
        SessionTranscript::annex_c(&info, origin.as_str(), provider)
    }

    /// Opens the `data` of an answer that came through this origin, and concludes the request.
    ///
    /// # Errors
    /// One [`OpenError`] per rule when it is no answer to this request; the request goes on waiting.
    pub async fn open<'v>(
        &self,
        data: &Value,
        origin: &Origin,
        verifiers: impl Into<Verifiers<'v>>,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<Conclusion, OpenError> {
        if now >= self.expires_at {
            return Err(OpenError::Expired);
        }
        if !self.origins.contains(origin) {
            return Err(OpenError::Origin);
        }
        let transcript = self.transcript(origin, provider);
        let token = self.receive(data, &transcript, provider)?;
        let exchange = Exchange {
            query: &self.query,
            audience: &origin.audience(),
            nonce: &self.nonce,
            transcript,
            transactions: Ok(Vec::new()),
        };
        let verdict = exchange.conclude(token, verifiers.into(), now, provider).await;
        Ok(Conclusion::Answered(verdict))
    }

    fn receive(
        &self,
        data: &Value,
        transcript: &SessionTranscript,
        provider: &dyn CryptoProvider,
    ) -> Result<VpToken, ResponseError> {
        let response = data.get("response").and_then(Value::as_str);
        let message = read_encrypted_response(response.ok_or(ResponseError::Content)?)?;
        // ISO/IEC 18013-7 Annex C: HPKE, with the session transcript as info and nothing as aad
        let opened = message.open(&self.key.key, transcript.as_bytes(), provider);
        let response = opened.map_err(ResponseError::Sealed)?;
        // each document answers the query for its type; one of a type that was not asked for answers none
        let mut token = VpToken::new();
        for (doc_type, document) in DeviceResponse::split(&response)? {
            let of_type = |query: &&CredentialQuery| match &query.format {
                RequestedFormat::MsoMdoc { doctype_value } => *doctype_value == doc_type,
                _ => false,
            };
            let query = self.query.credentials().iter().find(of_type);
            let id = query.map_or(doc_type.as_str(), |query| query.id.as_str());
            token.entry(id.to_owned()).or_default().push(json!(document.to_base64url()));
        }
        if token.is_empty() { Err(ResponseError::VpToken) } else { Ok(token) }
    }
}

/// What is asked of each document.
fn documents(query: &DcqlQuery) -> Result<Vec<DocumentRequest>, NoDeviceRequest> {
    if !query.credential_sets().is_empty() {
        return Err(NoDeviceRequest::Alternatives);
    }
    let mut documents: Vec<DocumentRequest> = Vec::new();
    for credential in query.credentials() {
        let RequestedFormat::MsoMdoc { doctype_value } = &credential.format else {
            return Err(NoDeviceRequest::Format);
        };
        if documents.iter().any(|other| other.doc_type == *doctype_value) {
            return Err(NoDeviceRequest::SameType);
        }
        if matches!(credential.claims, ClaimsSelection::OneOf { .. }) {
            return Err(NoDeviceRequest::Alternatives);
        }
        let names = credential.claims.all().iter();
        let names = names.filter_map(|claim| ElementName::from_claims_path(&claim.path));
        // nothing here is kept beyond the verdict
        let elements: Vec<_> = names.map(|name| (name, false)).collect();
        if elements.is_empty() {
            return Err(NoDeviceRequest::NoElement);
        }
        documents.push(DocumentRequest { doc_type: doctype_value.clone(), elements });
    }
    Ok(documents)
}
