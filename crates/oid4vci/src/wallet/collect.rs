//! What is asked for again later, and what the issuer is told afterwards (OID4VCI 1.0 §9, §11).

use super::{Granted, OutgoingRequest, PendingCredential, Prover, RequestRefused, http::Body};
use crate::{
    CredentialConfigurationId, NotificationId, TransactionId,
    deferred::{DeferredRequest, DeferredResponse},
    encryption::WalletEncryption,
    metadata::CredentialConfigurationMetadata,
    notification::{Notification, NotificationEvent},
};
use lanyard_core::{crypto::CryptoProvider, jose::Jwk};
use serde::{Deserialize, Serialize};

/// A credential that the issuer deferred: everything that is needed to collect it, to be kept sealed.
#[derive(Clone, Serialize, Deserialize)]
pub struct DeferredCredential {
    granted: Granted,
    id: CredentialConfigurationId,
    metadata: CredentialConfigurationMetadata,
    keys: Vec<Jwk>,
    transaction: TransactionId,
}

impl PendingCredential {
    /// What to keep of a request that the issuer deferred; none when it has nowhere to collect.
    pub fn deferred(
        &self,
        granted: &Granted,
        response: &DeferredResponse,
    ) -> Option<DeferredCredential> {
        granted.issuer.deferred_credential_endpoint.as_ref()?;
        Some(DeferredCredential {
            granted: granted.clone(),
            id: self.id.clone(),
            metadata: self.metadata.clone(),
            keys: self.keys.iter().map(|key| Jwk::new(*key)).collect(),
            transaction: response.transaction_id.clone(),
        })
    }
}

impl DeferredCredential {
    /// With the key that the access token is bound to, if it is.
    #[must_use]
    pub fn proven_by(mut self, prover: Option<Prover>) -> Self {
        self.granted = self.granted.proven_by(prover);
        self
    }

    /// Asks for it again; its answer is read as that of the first request.
    ///
    /// # Errors
    /// [`RequestRefused::Encryption`], and [`RequestRefused::NotOffered`] without an endpoint.
    pub fn request(
        &self,
        provider: &dyn CryptoProvider,
    ) -> Result<PendingCredential, RequestRefused> {
        let issuer = &self.granted.issuer;
        let endpoint = issuer.deferred_credential_endpoint.clone();
        let endpoint = endpoint.ok_or(RequestRefused::NotOffered)?;
        let request = DeferredRequest { transaction: self.transaction.clone(), encryption: None };
        let request = request.to_object();
        let encryption = WalletEncryption::prepare(
            issuer.credential_request_encryption.as_ref(),
            issuer.credential_response_encryption.as_ref(),
            provider,
        );
        // §9.1: how the answer is encrypted is said anew with each request
        let (body, response_key) = match encryption.map_err(|_| RequestRefused::Encryption)? {
            None => {
                let json = serde_json::Value::Object(request).to_string().into_bytes();
                (Body::Json(json), None)
            }
            Some(encryption) => {
                let sealed = encryption.seal(request, provider);
                let sealed = sealed.map_err(|_| RequestRefused::Encryption)?;
                (Body::Encrypted(sealed), encryption.into_response_key())
            }
        };
        Ok(PendingCredential {
            request: self.granted.authorized(OutgoingRequest::post(endpoint, body)),
            id: self.id.clone(),
            metadata: self.metadata.clone(),
            keys: self.keys.iter().map(|jwk| jwk.key).collect(),
            response_key,
        })
    }

    /// Which credential configuration it is of.
    pub const fn configuration(&self) -> &CredentialConfigurationId {
        &self.id
    }

    /// Tells the issuer what became of it; none when it has no endpoint for that.
    pub fn notification(
        &self,
        id: &NotificationId,
        event: NotificationEvent,
    ) -> Option<OutgoingRequest> {
        self.granted.notification(id, event)
    }
}

impl Granted {
    /// A request with the access token, and its key where it is bound to one.
    fn authorized(&self, request: OutgoingRequest) -> OutgoingRequest {
        OutgoingRequest {
            authorization: Some(self.token.access_token.clone()),
            prover: self.prover.clone().filter(|_| self.is_bound()),
            ..request
        }
    }

    /// Tells the issuer what became of a response; none when it has no endpoint for that.
    pub fn notification(
        &self,
        id: &NotificationId,
        event: NotificationEvent,
    ) -> Option<OutgoingRequest> {
        let endpoint = self.issuer.notification_endpoint.clone()?;
        let body = Body::Json(Notification { id: id.clone(), event }.to_json());
        Some(self.authorized(OutgoingRequest::post(endpoint, body)))
    }
}

impl std::fmt::Debug for DeferredCredential {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "DeferredCredential({}, {} keys)", self.id, self.keys.len())
    }
}
