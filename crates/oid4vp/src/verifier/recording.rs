//! A response as it came, with what it was bound to: enough to judge it again, by other policies.

use std::fmt;

use lanyard_core::{
    Timestamp,
    crypto::CryptoProvider,
    jose::Jwk,
    mdoc::{OpenId4VpHandover, SessionTranscript},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{OpenError, Requested, Verdict, Verifiers, exchange::Exchange};
use crate::{
    ClientId, RequestNonce,
    dcql::DcqlQuery,
    response::{ResponseContent, VpToken},
    transaction::TransactionData,
};

/// A recorded response; it holds everything that was presented.
#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// When it came: everything in it is judged at this moment.
    pub received_at: Timestamp,
    /// Who asked.
    pub client_id: ClientId,
    /// What was asked for.
    pub dcql_query: DcqlQuery,
    /// The nonce that the presentations are bound to.
    pub nonce: RequestNonce,
    /// Where the response went.
    pub response_uri: String,
    /// The public key that it was encrypted to; the session of an mdoc has its thumbprint in it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub response_key: Option<Value>,
    /// The transactions as they were in the request.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub transaction_data: Vec<String>,
    /// The presentations.
    pub vp_token: VpToken,
}

impl Requested {
    /// Records a response without judging it; a wallet's error is not recorded.
    ///
    /// # Errors
    /// [`OpenError`] when it is no response to this request.
    pub fn record(
        &self,
        body: &[u8],
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<Option<Recording>, OpenError> {
        let ResponseContent::VpToken(vp_token) = self.receive(body, now, provider)? else {
            return Ok(None);
        };
        Ok(Some(Recording {
            received_at: now,
            client_id: self.client_id().clone(),
            dcql_query: self.query().clone(),
            nonce: self.nonce.clone(),
            response_uri: self.response_uri().to_owned(),
            response_key: self.response_key.as_ref().map(|key| key.public().to_value()),
            transaction_data: self.transaction_data.clone(),
            vp_token,
        }))
    }
}

impl Recording {
    /// Concludes from the recorded response, as if it came now at the moment it came.
    pub async fn conclude<'v>(
        &self,
        verifiers: impl Into<Verifiers<'v>>,
        provider: &dyn CryptoProvider,
    ) -> Verdict {
        let key = self.response_key.as_ref().and_then(|key| Jwk::from_value(key).ok());
        let exchange = Exchange {
            query: &self.dcql_query,
            audience: self.client_id.as_str(),
            nonce: &self.nonce,
            transcript: SessionTranscript::openid4vp(
                &OpenId4VpHandover {
                    client_id: &self.client_id.as_str().into(),
                    nonce: &self.nonce.as_str().into(),
                    encryption_key: key.map(|key| key.thumbprint(provider)),
                    response_uri: &self.response_uri,
                },
                provider,
            ),
            transactions: TransactionData::all_from_kept(&self.transaction_data, &self.dcql_query),
        };
        let token = self.vp_token.clone();
        exchange.conclude(token, verifiers.into(), self.received_at, provider).await
    }
}

impl fmt::Debug for Recording {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Recording({})", self.received_at)
    }
}
