//! The verifier's side of the Digital Credentials API.

use lanyard_core::{
    Timestamp,
    crypto::{CryptoError, CryptoProvider, SignerError},
    jose,
    json::Object,
    mdoc::{OpenId4VpDcApiHandover, SessionTranscript},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use thiserror::Error;

use super::{Origin, Protocol};
use crate::{
    ClientId, RequestNonce,
    dcql::DcqlQuery,
    request::{VerifierInfo, client_metadata, object::RequestSigner},
    response::{ReceivedResponse, ResponseContent},
    transaction::TransactionData,
    verifier::{Conclusion, OpenError, Verifiers, exchange::Exchange, requested::ResponseKey},
};

/// What to ask, and from where.
#[derive(Clone, Debug)]
pub struct DcApiAsk {
    /// The origins that may ask; at least one.
    pub origins: Vec<Origin>,
    /// What is asked for.
    pub query: DcqlQuery,
    /// Whether the answer shall be encrypted (`dc_api.jwt`).
    pub encrypted: bool,
    /// From when on no answer is taken any more.
    pub expires_at: Timestamp,
    /// What the holder is to authorize.
    pub transactions: Vec<TransactionData>,
    /// What others say about the verifier.
    pub verifier_info: Vec<VerifierInfo>,
}

/// A request that waits for its answer; serialize it only to seal it, it holds a private key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DcApiRequested {
    origins: Vec<Origin>,
    query: DcqlQuery,
    nonce: RequestNonce,
    response_key: Option<ResponseKey>,
    expires_at: Timestamp,
    transaction_data: Vec<String>,
    verifier_info: Vec<VerifierInfo>,
}

/// Something came that is no answer to this request; the request still waits for one.
#[derive(Clone, Debug, Error)]
#[error("{reason}")]
pub struct DcApiRefused {
    /// The rule that was broken.
    pub reason: OpenError,
    /// The request, as it was.
    pub requested: Box<DcApiRequested>,
}

impl DcApiRequested {
    /// Asks, with a nonce and a response key made for this one request.
    ///
    /// # Errors
    /// [`CryptoError`] when no key can be made.
    pub fn new(ask: DcApiAsk, provider: &dyn CryptoProvider) -> Result<Self, CryptoError> {
        let response_key = match ask.encrypted {
            true => Some(ResponseKey::generate(provider)?),
            false => None,
        };
        Ok(Self {
            origins: ask.origins,
            query: ask.query,
            nonce: RequestNonce::generate(provider),
            response_key,
            expires_at: ask.expires_at,
            transaction_data: ask.transactions.iter().map(|one| one.encoded().to_owned()).collect(),
            verifier_info: ask.verifier_info,
        })
    }

    /// The request unsigned: a member of `requests` for `navigator.credentials.get` (App. A.3.1).
    #[must_use]
    pub fn unsigned(&self) -> Value {
        let mut data = self.parameters();
        self.insert_verifier_info(&mut data);
        request(Protocol::Unsigned, Value::Object(data))
    }

    /// The request signed in one name (App. A.3.2.1).
    ///
    /// # Errors
    /// [`SignerError`] as the signer gives it.
    pub async fn signed(
        &self,
        client_id: &ClientId,
        signer: &RequestSigner,
        now: Timestamp,
    ) -> Result<Value, SignerError> {
        let mut parameters = self.expecting();
        parameters.insert("client_id".to_owned(), json!(client_id));
        self.insert_verifier_info(&mut parameters);
        let object = signer.sign(parameters, None, now, self.expires_at).await?;
        Ok(request(Protocol::Signed, json!({ "request": object })))
    }

    /// The request signed in several names, of which a wallet picks one (App. A.3.2.2).
    ///
    /// # Errors
    /// [`SignerError`] as a signer gives it.
    pub async fn multi_signed(
        &self,
        names: &[(ClientId, RequestSigner)],
    ) -> Result<Value, SignerError> {
        let payload = self.expecting();
        let (mut signatures, mut encoded) = (Vec::with_capacity(names.len()), String::new());
        for (client_id, signer) in names {
            let mut header = signer.header();
            // OID4VP 1.0 App. A.3.2.2: what is of one name alone is in its protected header
            header.insert("client_id".to_owned(), json!(client_id));
            self.insert_verifier_info(&mut header);
            let compact = jose::sign(header, &payload, signer.signer().as_ref()).await?;
            let mut parts = compact.split('.');
            let mut part = || parts.next().unwrap_or_default().to_owned();
            let (protected, payload, signature) = (part(), part(), part());
            encoded = payload;
            signatures.push(json!({ "protected": protected, "signature": signature }));
        }
        let object = json!({ "payload": encoded, "signatures": signatures });
        Ok(request(Protocol::MultiSigned, json!({ "request": object })))
    }

    fn parameters(&self) -> Object {
        let key = self.response_key.as_ref().map(ResponseKey::public);
        let mode = if key.is_some() { "dc_api.jwt" } else { "dc_api" };
        let transactions = (!self.transaction_data.is_empty())
            .then(|| ("transaction_data", json!(self.transaction_data)));
        [
            ("response_type", json!("vp_token")),
            ("response_mode", json!(mode)),
            ("nonce", json!(self.nonce)),
            ("dcql_query", self.query.to_value()),
            ("client_metadata", client_metadata::own(&self.query, key.as_ref())),
        ]
        .into_iter()
        .chain(transactions)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// The parameters of a signed request: an origin that replays it is found out.
    fn expecting(&self) -> Object {
        let mut parameters = self.parameters();
        // OID4VP 1.0 App. A.2: REQUIRED in signed requests
        parameters.insert("expected_origins".to_owned(), json!(self.origins));
        parameters
    }

    fn insert_verifier_info(&self, members: &mut Object) {
        if !self.verifier_info.is_empty() {
            members.insert("verifier_info".to_owned(), json!(self.verifier_info));
        }
    }

    /// The origins that may ask.
    #[must_use]
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// What is asked for.
    #[must_use]
    pub const fn query(&self) -> &DcqlQuery {
        &self.query
    }

    /// Opens the `data` of an answer that came through this origin, and concludes the request.
    ///
    /// # Errors
    /// [`DcApiRefused`] when it is no answer to this request; the request goes on waiting.
    pub async fn open<'v>(
        self,
        data: &Value,
        origin: &Origin,
        verifiers: impl Into<Verifiers<'v>>,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<Conclusion, DcApiRefused> {
        let content = match self.receive(data, origin, now, provider) {
            Ok(content) => content,
            Err(reason) => return Err(DcApiRefused { reason, requested: Box::new(self) }),
        };
        let token = match content {
            ResponseContent::Error(code) => return Ok(Conclusion::Declined(code)),
            ResponseContent::VpToken(token) => token,
        };
        let exchange = Exchange {
            query: &self.query,
            audience: &origin.audience(),
            nonce: &self.nonce,
            transcript: self.transcript(origin, provider),
            transactions: TransactionData::all_from_kept(&self.transaction_data, &self.query),
        };
        let verdict = exchange.conclude(token, verifiers.into(), now, provider).await;
        Ok(Conclusion::Answered(verdict))
    }

    fn receive(
        &self,
        data: &Value,
        origin: &Origin,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<ResponseContent, OpenError> {
        if now >= self.expires_at {
            return Err(OpenError::Expired);
        }
        if !self.origins.contains(origin) {
            return Err(OpenError::Origin);
        }
        let key = self.response_key.as_ref().map(|response_key| &response_key.key);
        Ok(ReceivedResponse::read_data(data, key, provider)?)
    }

    fn transcript(&self, origin: &Origin, provider: &dyn CryptoProvider) -> SessionTranscript {
        let key = self.response_key.as_ref().map(ResponseKey::public);
        let handover = OpenId4VpDcApiHandover {
            origin: origin.as_str(),
            nonce: &self.nonce.as_str().into(),
            encryption_key: key.map(|key| key.thumbprint(provider)),
        };
        SessionTranscript::openid4vp_dc_api(&handover, provider)
    }
}

fn request(protocol: Protocol, data: Value) -> Value {
    json!({ "protocol": protocol.as_str(), "data": data })
}
