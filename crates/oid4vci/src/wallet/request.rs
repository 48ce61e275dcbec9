//! The credential request, with a proof for each key (OID4VCI §7, §8.2).

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use lanyard_core::crypto::{PublicKey, Signer, SignerError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    IncomingResponse, LoginRefused, OutgoingRequest, PeerError, Prover, Renewal, ResponseFault,
    http::{Body, Sorted, read},
};
use crate::{
    CredentialConfigurationId,
    credential::{CredentialRequest, Proofs, Wanted},
    key_proof::sign_key_proof,
    metadata::{CredentialConfigurationMetadata, CredentialIssuerMetadata},
    nonce::{NonceResponse, ProofNonce},
    token::TokenResponse,
};

/// A wallet with an access token; it can be written down, so that a crash loses no credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Granted {
    token: TokenResponse,
    issuer: CredentialIssuerMetadata,
    configurations: Vec<CredentialConfigurationId>,
    renewal: Option<Renewal>,
    #[serde(skip)]
    prover: Option<Prover>,
}

/// Why a credential request cannot be made.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RequestRefused {
    /// The credential is not part of the offer.
    #[error("the credential is not part of the offer")]
    NotOffered,
    /// No key, more keys than the issuer takes, or keys for a credential that has none.
    #[error("the issuer takes another number of keys")]
    KeyCount,
    /// A key of an algorithm that the issuer does not take.
    #[error("the issuer does not take keys of this algorithm")]
    KeyAlgorithm,
    /// The issuer has a nonce endpoint, and no nonce was fetched.
    #[error("a nonce has to be fetched first")]
    NonceMissing,
    /// The key's home refuses.
    #[error("{0}")]
    Signer(#[from] SignerError),
}

/// A credential request that can be sent, and what its answer will be held against.
pub struct PendingCredential {
    request: OutgoingRequest,
    pub(super) id: CredentialConfigurationId,
    pub(super) metadata: CredentialConfigurationMetadata,
    pub(super) keys: Vec<PublicKey>,
}

impl Granted {
    pub(super) const fn new(
        token: TokenResponse,
        issuer: CredentialIssuerMetadata,
        configurations: Vec<CredentialConfigurationId>,
    ) -> Self {
        Self { token, issuer, configurations, renewal: None, prover: None }
    }

    /// With the key that the access token is bound to; needed again after it was written down.
    #[must_use]
    pub fn proven_by(mut self, prover: Option<Prover>) -> Self {
        self.prover = prover;
        self
    }

    pub(super) fn renewed_by(mut self, renewal: Option<Renewal>) -> Self {
        self.renewal = renewal;
        self
    }

    /// What the access token is renewed with, to be issued the same credentials again.
    pub const fn renewal(&self) -> Option<&Renewal> {
        self.renewal.as_ref()
    }

    /// Reads the answer to the renewal.
    ///
    /// # Errors
    /// [`LoginRefused`].
    pub fn renewed(self, response: IncomingResponse<'_>) -> Result<Self, LoginRefused> {
        let Some(renewal) = self.renewal else { return Err(ResponseFault::Malformed.into()) };
        let (token, renewal) = renewal.receive(response, self.prover.is_some())?;
        let next = Self::new(token, self.issuer, self.configurations).renewed_by(Some(renewal));
        Ok(next.proven_by(self.prover))
    }

    /// The credential issuer.
    pub const fn issuer(&self) -> &CredentialIssuerMetadata {
        &self.issuer
    }

    /// Whether the access token is bound to a key, so that each request has to prove it.
    pub fn is_bound(&self) -> bool {
        self.token.token_type.eq_ignore_ascii_case("dpop")
    }

    /// What may be asked for.
    pub fn configurations(&self) -> &[CredentialConfigurationId] {
        &self.configurations
    }

    /// How many keys, and so copies, one request may have; none for a credential bound to no key.
    pub fn most_keys(&self, id: &CredentialConfigurationId) -> usize {
        match self.metadata(id) {
            Some(metadata) if metadata.proof_types_supported.is_empty() => 0,
            Some(_) => self
                .issuer
                .batch_credential_issuance
                .map_or(1, |batch| usize::try_from(batch.batch_size).unwrap_or(usize::MAX)),
            None => 0,
        }
    }

    /// The nonce request (§7.1), if the issuer has an endpoint for it.
    pub fn nonce_request(&self) -> Option<OutgoingRequest> {
        let endpoint = self.issuer.nonce_endpoint.clone()?;
        Some(OutgoingRequest::post(endpoint, Body::Empty))
    }

    /// Reads the nonce (§7.2).
    ///
    /// # Errors
    /// [`ResponseFault`].
    pub fn receive_nonce(
        &self,
        response: IncomingResponse<'_>,
    ) -> Result<ProofNonce, ResponseFault> {
        match response.sort() {
            Sorted::Success(body) => read(body).map(|nonce: NonceResponse| nonce.c_nonce),
            Sorted::Peer(PeerError { .. }) => Err(ResponseFault::Status(response.status)),
            Sorted::Fault(fault) => Err(fault),
        }
    }

    /// Signs one proof per key and makes the request.
    ///
    /// # Errors
    /// One [`RequestRefused`] per rule.
    pub async fn request(
        &self,
        id: &CredentialConfigurationId,
        keys: &[Arc<dyn Signer>],
        nonce: Option<&ProofNonce>,
        now: Timestamp,
    ) -> Result<PendingCredential, RequestRefused> {
        let metadata = self.metadata(id).ok_or(RequestRefused::NotOffered)?;
        let bound = !metadata.proof_types_supported.is_empty();
        // §8.2: one proof at least where proofs are taken, batch_size at most
        if keys.is_empty() == bound || keys.len() > self.most_keys(id) {
            return Err(RequestRefused::KeyCount);
        }
        if !keys.iter().all(|key| metadata.takes_proofs_of(&**key)) {
            return Err(RequestRefused::KeyAlgorithm);
        }
        // App. F.1: the nonce is required when the issuer has a nonce endpoint
        if bound && nonce.is_none() && self.issuer.nonce_endpoint.is_some() {
            return Err(RequestRefused::NonceMissing);
        }
        let mut proofs = Vec::with_capacity(keys.len());
        for key in keys {
            let issuer = &self.issuer.credential_issuer;
            proofs.push(sign_key_proof(&**key, issuer, nonce, now).await?);
        }
        let request = CredentialRequest {
            wanted: self.wanted(id),
            proofs: bound.then_some(Proofs::Jwt(proofs)),
        };
        Ok(PendingCredential {
            request: OutgoingRequest {
                authorization: Some(self.token.access_token.clone()),
                prover: self.prover.clone().filter(|_| self.is_bound()),
                ..OutgoingRequest::post(
                    self.issuer.credential_endpoint.clone(),
                    Body::Json(request.to_json()),
                )
            },
            id: id.clone(),
            metadata: metadata.clone(),
            keys: keys.iter().map(|key| *key.public_key()).collect(),
        })
    }

    fn metadata(&self, id: &CredentialConfigurationId) -> Option<&CredentialConfigurationMetadata> {
        let offered = self.configurations.contains(id);
        offered.then(|| self.issuer.credential_configurations_supported.get(id)).flatten()
    }

    /// §8.2: the identifier that the token response gave, else the configuration.
    fn wanted(&self, id: &CredentialConfigurationId) -> Wanted {
        let details = self.token.authorization_details.iter().flatten();
        let identifier = details
            .filter(|detail| detail.credential_configuration_id == *id)
            .find_map(|detail| detail.credential_identifiers.first());
        match identifier {
            Some(identifier) => Wanted::Identifier(identifier.clone()),
            None => Wanted::Configuration(id.clone()),
        }
    }
}

impl CredentialConfigurationMetadata {
    fn takes_proofs_of(&self, key: &dyn Signer) -> bool {
        self.proof_types_supported.get("jwt").is_some_and(|proof| {
            let name = key.algorithm().name();
            proof.proof_signing_alg_values_supported.iter().any(|taken| taken == name)
        })
    }
}

impl PendingCredential {
    /// The request to send.
    pub const fn request(&self) -> &OutgoingRequest {
        &self.request
    }
}

impl fmt::Debug for PendingCredential {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PendingCredential({}, {} keys)", self.id, self.keys.len())
    }
}
