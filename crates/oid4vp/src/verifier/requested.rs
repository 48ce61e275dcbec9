//! A presentation request as the verifier keeps it until the response comes.

use std::fmt;

use lanyard_core::{
    Timestamp,
    crypto::{CryptoError, CryptoProvider, Curve, PrivateKey, SignerError},
    jose::{Jwk, PrivateJwk},
    json::{self, Object},
    mdoc::{OpenId4VpHandover, SessionTranscript},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Value, json};
use url::Url;

use crate::{
    ClientId, RequestNonce, State, WalletNonce,
    dcql::DcqlQuery,
    request::{
        LinkScheme, RequestLink, RequestUriMethod, ResponseMode, ResponseUri, VerifierInfo,
        client_metadata, object::RequestSigner,
    },
    transaction::{TransactionData, TransactionError},
};

/// What to ask, and in whose name.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Who asks.
    pub client_id: ClientId,
    /// Where the response shall go; a secret path of this one request.
    pub response_uri: Url,
    /// Whether the response shall be encrypted.
    pub response_mode: ResponseMode,
    /// What is asked for.
    pub query: DcqlQuery,
    /// From when on no response is taken any more.
    pub expires_at: Timestamp,
    /// What the holder is to authorize.
    pub transactions: Vec<TransactionData>,
    /// What others say about the verifier.
    pub verifier_info: Vec<VerifierInfo>,
}

/// A request that waits for its response; serialize it only to seal it, it holds a private key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Requested {
    pub(super) client_id: ClientId,
    response_uri: ResponseUri,
    pub(super) nonce: RequestNonce,
    pub(super) state: State,
    pub(super) query: DcqlQuery,
    pub(super) response_key: Option<ResponseKey>,
    expires_at: Timestamp,
    /// The transactions as they are in the request.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub(super) transaction_data: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    verifier_info: Vec<VerifierInfo>,
}

impl Requested {
    /// Asks, with a nonce, a state and a response key made for this one request.
    ///
    /// # Errors
    /// [`CryptoError`] when no key can be made.
    pub fn new(ask: Ask, provider: &dyn CryptoProvider) -> Result<Self, CryptoError> {
        // HAIP §5: a fresh key for every request
        let response_key = match ask.response_mode {
            ResponseMode::DirectPost => None,
            ResponseMode::DirectPostJwt => Some(ResponseKey::generate(provider)?),
        };
        Ok(Self {
            client_id: ask.client_id,
            response_uri: ask.response_uri.into(),
            // OID4VP 1.0 §5.2: fresh for every request, with at least 128 bits
            nonce: RequestNonce::generate(provider),
            state: State::generate(provider),
            query: ask.query,
            response_key,
            expires_at: ask.expires_at,
            transaction_data: ask.transactions.iter().map(|one| one.encoded().to_owned()).collect(),
            verifier_info: ask.verifier_info,
        })
    }

    /// The parameters of the request, as they are signed or written into a link (§5).
    #[must_use]
    pub fn parameters(&self) -> Object {
        let mode = match self.response_key {
            None => ResponseMode::DirectPost,
            Some(_) => ResponseMode::DirectPostJwt,
        };
        let key = self.response_key.as_ref().map(ResponseKey::public);
        let transactions = (!self.transaction_data.is_empty())
            .then(|| ("transaction_data", json!(self.transaction_data)));
        let verifier_info =
            (!self.verifier_info.is_empty()).then(|| ("verifier_info", json!(self.verifier_info)));
        [
            ("client_id", json!(self.client_id)),
            ("response_type", json!("vp_token")),
            ("response_mode", json!(mode)),
            ("response_uri", json!(self.response_uri.as_str())),
            ("nonce", json!(self.nonce)),
            ("state", json!(self.state)),
            ("dcql_query", self.query.to_value()),
            ("client_metadata", client_metadata::own(&self.query, key.as_ref())),
        ]
        .into_iter()
        .chain(transactions)
        .chain(verifier_info)
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// Signs the request object; a wallet may fetch it more than once.
    ///
    /// # Errors
    /// [`SignerError`] as the signer gives it.
    pub async fn request_object(
        &self,
        signer: &RequestSigner,
        wallet_nonce: Option<&WalletNonce>,
        now: Timestamp,
    ) -> Result<String, SignerError> {
        signer.sign(self.parameters(), wallet_nonce, now, self.expires_at).await
    }

    /// The link to the request object, as short as a QR code needs it.
    #[must_use]
    pub fn link(&self, request_uri: Url, method: RequestUriMethod, scheme: &LinkScheme) -> Url {
        let client_id = self.client_id.clone();
        RequestLink::ByReference { client_id, request_uri, method }.to_url(scheme)
    }

    /// The link with the whole request in it, for a `redirect_uri` client, which cannot sign.
    #[must_use]
    pub fn link_by_value(&self, scheme: &LinkScheme) -> Url {
        RequestLink::ByValue(self.parameters()).to_url(scheme)
    }

    /// What the holder is to authorize.
    ///
    /// # Errors
    /// [`TransactionError`] for what was not asked by the rules; no answer to it is verified.
    pub fn transactions(&self) -> Result<Vec<TransactionData>, TransactionError> {
        TransactionData::all_from_kept(&self.transaction_data, &self.query)
    }

    /// The exchange that a device's signature has to be about (App. B.2.6.1).
    pub(super) fn transcript(&self, provider: &dyn CryptoProvider) -> SessionTranscript {
        let key = self.response_key.as_ref().map(ResponseKey::public);
        let handover = OpenId4VpHandover {
            client_id: &self.client_id.as_str().into(),
            nonce: &self.nonce.as_str().into(),
            encryption_key: key.map(|key| key.thumbprint(provider)),
            response_uri: self.response_uri.as_str(),
        };
        SessionTranscript::openid4vp(&handover, provider)
    }

    /// Where the response shall go.
    pub(super) fn response_uri(&self) -> &str {
        self.response_uri.as_str()
    }

    /// Who asks.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// What is asked for.
    #[must_use]
    pub const fn query(&self) -> &DcqlQuery {
        &self.query
    }

    /// From when on no response is taken any more.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }
}

/// The key pair to which one response is encrypted.
#[derive(Clone)]
pub(crate) struct ResponseKey {
    pub(crate) key: PrivateKey,
    kid: String,
}

impl ResponseKey {
    pub(crate) fn generate(provider: &dyn CryptoProvider) -> Result<Self, CryptoError> {
        let mut kid = [0; 12];
        provider.fill(&mut kid);
        Ok(Self { key: provider.generate_key(Curve::P256)?, kid: json::base64url(kid) })
    }

    pub(crate) fn public(&self) -> Jwk {
        Jwk { kid: Some(self.kid.clone()), ..Jwk::new(*self.key.public()) }
    }
}

impl Serialize for ResponseKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let jwk = PrivateJwk { key: self.key.clone(), kid: Some(self.kid.clone()) };
        jwk.danger_to_json().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for ResponseKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value: Value = serde_json::from_str(&text).map_err(D::Error::custom)?;
        let jwk = PrivateJwk::from_value(&value).map_err(D::Error::custom)?;
        let kid = jwk.kid.ok_or_else(|| D::Error::custom("the response key has no kid"))?;
        Ok(Self { key: jwk.key, kid })
    }
}

impl fmt::Debug for ResponseKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ResponseKey({})", self.kid)
    }
}
