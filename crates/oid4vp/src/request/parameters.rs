//! The parameters of a request, judged one by one.

use std::fmt;

use lanyard_core::{jose::EncryptionRecipient, json::Object};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::{ClientMetadata, RequestError, Transport, VerifierInfo};
use crate::{
    ClientId, ClientIdPrefix, RequestNonce, State,
    dcql::{DcqlQuery, RequestedFormat},
    transaction::TransactionData,
};

/// A presentation request whose parameters keep every rule (OID4VP 1.0 §5).
///
/// Who sent it is another question, answered by [`crate::wallet::ReviewedRequest`].
#[derive(Clone, Debug, PartialEq)]
pub struct AuthorizationRequest {
    /// Who claims to ask.
    pub client_id: ClientId,
    /// Where the response goes.
    pub response_uri: ResponseUri,
    /// Whether the response is encrypted, and to whom.
    pub delivery: Delivery,
    /// What every key binding repeats.
    pub nonce: RequestNonce,
    /// What the response repeats.
    pub state: Option<State>,
    /// What is asked for.
    pub query: DcqlQuery,
    /// What the verifier says about itself.
    pub metadata: ClientMetadata,
    /// What the holder would authorize; to be shown before consent.
    pub transactions: Vec<TransactionData>,
    /// What others say about the verifier; nothing of it is verified.
    pub verifier_info: Vec<VerifierInfo>,
}

/// How a wallet sends its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// `direct_post`.
    Plain,
    /// `direct_post.jwt`, encrypted to this key.
    Encrypted(EncryptionRecipient),
}

/// The URL a response is posted to, as it was written.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ResponseUri {
    text: String,
    url: Url,
}

impl ResponseUri {
    /// The URI as it was written, for comparisons.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URI as a URL, for sending.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }
}

impl TryFrom<String> for ResponseUri {
    type Error = RequestError;

    fn try_from(text: String) -> Result<Self, RequestError> {
        let url = Url::parse(&text).map_err(|_| RequestError::ResponseUri)?;
        if url.fragment().is_some() {
            return Err(RequestError::ResponseUri);
        }
        Ok(Self { text, url })
    }
}

impl From<ResponseUri> for String {
    fn from(uri: ResponseUri) -> Self {
        uri.text
    }
}

impl From<Url> for ResponseUri {
    fn from(mut url: Url) -> Self {
        url.set_fragment(None);
        Self { text: url.to_string(), url }
    }
}

impl fmt::Debug for ResponseUri {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // the path is a secret of the session
        write!(out, "ResponseUri({})", self.url.host_str().unwrap_or_default())
    }
}

impl AuthorizationRequest {
    /// Judges the parameters of a request; unknown ones are ignored.
    ///
    /// # Errors
    /// One [`RequestError`] per rule.
    pub fn from_parameters(
        parameters: &Object,
        transport: Transport,
    ) -> Result<Self, RequestError> {
        let client_id: ClientId =
            text(parameters, "client_id")?.ok_or(RequestError::Missing("client_id"))?.parse()?;
        let metadata = metadata(parameters)?;
        // OID4VP 1.0 §5.2: response_mode is REQUIRED
        let delivery = match text(parameters, "response_mode")? {
            Some("direct_post") => Delivery::Plain,
            Some("direct_post.jwt") => Delivery::Encrypted(metadata.recipient()?),
            Some(_) => return Err(RequestError::ResponseMode),
            None => return Err(RequestError::Missing("response_mode")),
        };
        let response_uri = response_uri(parameters, &client_id, transport)?;
        let state = text(parameters, "state")?;
        let state: Option<State> =
            state.map(str::parse).transpose().map_err(RequestError::State)?;
        let Asked { nonce, query, transactions, verifier_info } =
            Asked::from_parameters(parameters, &metadata)?;
        // OID4VP 1.0 §5.3: without holder binding only the state ties the response to the request
        if query.takes_unbound_credentials() && state.is_none() {
            return Err(RequestError::StateMissing);
        }
        Ok(Self {
            client_id,
            response_uri,
            delivery,
            nonce,
            state,
            query,
            metadata,
            transactions,
            verifier_info,
        })
    }
}

/// What every request asks for, however it came.
pub(crate) struct Asked {
    pub(crate) nonce: RequestNonce,
    pub(crate) query: DcqlQuery,
    pub(crate) transactions: Vec<TransactionData>,
    pub(crate) verifier_info: Vec<VerifierInfo>,
}

impl Asked {
    pub(crate) fn from_parameters(
        parameters: &Object,
        metadata: &ClientMetadata,
    ) -> Result<Self, RequestError> {
        let nonce = text(parameters, "nonce")?.ok_or(RequestError::Missing("nonce"))?;
        let nonce = nonce.parse().map_err(RequestError::Nonce)?;
        let query = query(parameters, metadata)?;
        // OID4VP 1.0 §5.1: one transaction that is not understood refuses the request
        let transactions = match parameters.get("transaction_data") {
            Some(list) => TransactionData::list_from_value(list, &query)?,
            None => Vec::new(),
        };
        let verifier_info = match parameters.get("verifier_info") {
            Some(list) => VerifierInfo::list_from_value(list, &query)?,
            None => Vec::new(),
        };
        Ok(Self { nonce, query, transactions, verifier_info })
    }
}

/// The metadata of a request whose response type is the one there is.
pub(crate) fn metadata(parameters: &Object) -> Result<ClientMetadata, RequestError> {
    // OID4VP 1.0 §5.6: the response type is `vp_token`
    match text(parameters, "response_type")? {
        Some("vp_token") => {}
        Some(_) => return Err(RequestError::ResponseType),
        None => return Err(RequestError::Missing("response_type")),
    }
    match parameters.get("client_metadata") {
        Some(value) => ClientMetadata::from_value(value),
        None => Ok(ClientMetadata::default()),
    }
}

pub(crate) fn response_uri(
    parameters: &Object,
    client_id: &ClientId,
    transport: Transport,
) -> Result<ResponseUri, RequestError> {
    // OID4VP 1.0 §8.2: redirect_uri MUST NOT be present beside response_uri
    if parameters.contains_key("redirect_uri") {
        return Err(RequestError::RedirectUriPresent);
    }
    let uri = match (text(parameters, "response_uri")?, client_id.prefix()) {
        (Some(uri), _) => uri,
        // OID4VP 1.0 §5.9.3: a `redirect_uri` client may omit it, its identifier says it
        (None, ClientIdPrefix::RedirectUri(uri)) => uri,
        (None, _) => return Err(RequestError::Missing("response_uri")),
    };
    let uri = ResponseUri::try_from(uri.to_owned())?;
    if !transport.allows(uri.url()) {
        return Err(RequestError::ResponseUri);
    }
    Ok(uri)
}

fn query(parameters: &Object, metadata: &ClientMetadata) -> Result<DcqlQuery, RequestError> {
    // OID4VP 1.0 §5: Presentation Exchange is gone
    if ["presentation_definition", "presentation_definition_uri"]
        .iter()
        .any(|name| parameters.contains_key(*name))
    {
        return Err(RequestError::PresentationDefinition);
    }
    // OID4VP 1.0 §5.1: either dcql_query or a scope that stands for one, not both
    let query = match (parameters.get("dcql_query"), parameters.contains_key("scope")) {
        (Some(_), true) => return Err(RequestError::ScopeAndQuery),
        (None, true) => return Err(RequestError::Scope),
        (None, false) => return Err(RequestError::Missing("dcql_query")),
        (Some(query), false) => DcqlQuery::from_value(query)?,
    };
    // OID4VP 1.0 §8.5: vp_formats_not_supported
    let possible =
        |format: &RequestedFormat| format.format().is_some() && !metadata.excludes(format);
    if !query.credentials().iter().any(|credential| possible(&credential.format)) {
        return Err(RequestError::Formats);
    }
    Ok(query)
}

pub(crate) fn text<'p>(
    parameters: &'p Object,
    name: &'static str,
) -> Result<Option<&'p str>, RequestError> {
    match parameters.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(RequestError::Unreadable(name)),
    }
}
