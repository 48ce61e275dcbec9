//! From the body of a POST to a verdict (OID4VP 1.0 §8.6).

use lanyard_core::{Timestamp, crypto::CryptoProvider};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use super::{Requested, Verdict, VerdictState, Verifiers, exchange::Exchange};
use crate::{
    ErrorCode,
    response::{ReceivedResponse, ResponseContent, ResponseError},
};

/// How a request ended; nothing that comes later changes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// Presentations came, and this is what they are worth.
    Answered(Verdict),
    /// The wallet did not answer, for this reason.
    Declined(ErrorCode),
}

impl Conclusion {
    /// The error for the wallet; `None` when its response was taken.
    #[must_use]
    pub fn error(&self) -> Option<ErrorCode> {
        match self {
            Self::Declined(_) => None,
            Self::Answered(verdict) => match verdict.state {
                VerdictState::Verified => None,
                VerdictState::Refused => Some(ErrorCode::InvalidRequest),
                VerdictState::Undetermined => Some(ErrorCode::ServerError),
            },
        }
    }
}

/// Something came that is no response to this request; the request still waits for one.
#[derive(Clone, Debug, Error)]
#[error("{reason}")]
pub struct Refused {
    /// The rule that was broken.
    pub reason: OpenError,
    /// The request, as it was.
    pub requested: Box<Requested>,
}

/// Why something is no response to a request.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OpenError {
    /// It came too late.
    #[error("the request has expired")]
    Expired,
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] ResponseError),
    /// It came through another origin than was asked from.
    #[error("the response came through another origin")]
    Origin,
    /// It is of an exchange protocol that nothing was asked by.
    #[error("the response is of another protocol than was asked by")]
    Protocol,
    /// `state` is missing or another one.
    #[error("state is not that of the request")]
    State,
}

impl OpenError {
    /// What the wallet is told.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        ErrorCode::InvalidRequest
    }

    /// The stable reason code, for operators.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Expired => "request_expired",
            Self::State => "state_mismatch",
            Self::Origin => "origin_mismatch",
            Self::Protocol => "protocol_mismatch",
            Self::Unreadable(error) => match error {
                ResponseError::Form => "response_not_a_form",
                ResponseError::Json(_) => "response_not_json",
                ResponseError::NotEncrypted => "response_not_encrypted",
                ResponseError::EncryptionNotAskedFor => "response_encrypted_unasked",
                ResponseError::Encryption(_) | ResponseError::Sealed(_) => {
                    "response_does_not_decrypt"
                }
                ResponseError::EncryptedResponse(_) => "response_not_encrypted",
                ResponseError::DeviceResponse(_) => "response_without_device_response",
                ResponseError::Content => "response_without_vp_token",
                ResponseError::VpToken => "vp_token_malformed",
            },
        }
    }
}

impl Requested {
    /// Opens a response and concludes the request, whatever the verdict.
    ///
    /// # Errors
    /// [`Refused`] when it is no response to this request; the request goes on waiting.
    pub async fn open<'v>(
        self,
        body: &[u8],
        verifiers: impl Into<Verifiers<'v>>,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<Conclusion, Refused> {
        // 1. it is in time, can be read and decrypted, and belongs to this request
        let content = match self.receive(body, now, provider) {
            Ok(content) => content,
            Err(reason) => return Err(Refused { reason, requested: Box::new(self) }),
        };
        let token = match content {
            ResponseContent::Error(code) => return Ok(Conclusion::Declined(code)),
            ResponseContent::VpToken(token) => token,
        };
        // 2. OID4VP 1.0 §8.6: what came is what was asked for, each and all together
        let exchange = Exchange {
            query: &self.query,
            // OID4VP 1.0 App. B: the audience is the client identifier
            audience: self.client_id.as_str(),
            nonce: &self.nonce,
            transcript: self.transcript(provider),
            transactions: self.transactions(),
        };
        let verdict = exchange.conclude(token, verifiers.into(), now, provider).await;
        Ok(Conclusion::Answered(verdict))
    }

    pub(super) fn receive(
        &self,
        body: &[u8],
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<ResponseContent, OpenError> {
        if now >= self.expires_at() {
            return Err(OpenError::Expired);
        }
        let key = self.response_key.as_ref().map(|response_key| &response_key.key);
        let received = ReceivedResponse::read(body, key, provider)?;
        // OID4VP 1.0 §5.3, §14.3.2: the state of this very request
        let state = received.state.unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(self.state.as_str().as_bytes())) {
            return Err(OpenError::State);
        }
        Ok(received.content)
    }
}
