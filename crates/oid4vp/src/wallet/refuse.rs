//! The wallet's no to a request that breaks a rule (OID4VP 1.0 §5.1, §8.5).

use lanyard_core::{Timestamp, crypto::CryptoProvider, jose::UnverifiedJws};

use super::{AnswerError, VerifierIdentity, WalletSide};
use crate::{
    ClientId, ErrorCode, State,
    request::{
        Delivery, RequestError, RequestLink, ResponseUri,
        object::Fetched,
        parameters::{response_uri, text},
    },
    response::{AuthorizationResponse, ResponseContent},
};

/// A request that cannot be answered, of a verifier that proved who it is: it can be told why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusableRequest {
    client_id: ClientId,
    verifier: VerifierIdentity,
    response_uri: ResponseUri,
    state: Option<State>,
    code: ErrorCode,
}

impl WalletSide {
    /// Whom to tell that the request object in a link was refused, and why; `None` where nobody proved to have asked.
    /// For an object that was fetched there is [`ObjectFetch::refusable`](super::ObjectFetch::refusable).
    pub async fn refusable(
        &self,
        link: &str,
        reason: &RequestError,
        now: Timestamp,
    ) -> Option<RefusableRequest> {
        match RequestLink::parse(link, self.transport).ok()? {
            RequestLink::Object { client_id, object } => {
                self.refusable_object((&object, &client_id), None, reason, now).await
            }
            RequestLink::ByValue(_) | RequestLink::ByReference { .. } => None,
        }
    }

    pub(super) async fn refusable_object(
        &self,
        (object, client_id): (&str, &ClientId),
        fetched: Option<&Fetched>,
        reason: &RequestError,
        now: Timestamp,
    ) -> Option<RefusableRequest> {
        let jws = UnverifiedJws::parse(object.trim()).ok()?;
        let (claims, signed_by) = self.verified(jws, client_id, fetched, now).await.ok()?;
        let response_uri = response_uri(&claims, client_id, self.transport).ok()?;
        let verifier = self.identified(client_id, &response_uri, &signed_by).ok()?;
        let state = text(&claims, "state").ok()?.map(str::parse).transpose().ok()?;
        let client_id = client_id.clone();
        Some(RefusableRequest { client_id, verifier, response_uri, state, code: reason.code() })
    }
}

impl RefusableRequest {
    /// Who asks.
    #[must_use]
    pub const fn client_id(&self) -> &ClientId {
        &self.client_id
    }

    /// Who that is, and how it is known.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierIdentity {
        &self.verifier
    }

    /// What the verifier is told.
    #[must_use]
    pub const fn code(&self) -> ErrorCode {
        self.code
    }

    /// Says why the request is refused; to be sent only after the holder acted (§15.9).
    ///
    /// # Errors
    /// [`AnswerError::Encryption`].
    pub fn refuse(
        &self,
        provider: &dyn CryptoProvider,
    ) -> Result<AuthorizationResponse, AnswerError> {
        // OID4VP 1.0 §8.3.1: an error may come in the clear, whatever mode was asked for
        Ok(AuthorizationResponse::new(
            self.response_uri.url(),
            &Delivery::Plain,
            self.state.as_ref(),
            &ResponseContent::Error(self.code),
            provider,
        )?)
    }
}
