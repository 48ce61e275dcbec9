//! The credential request, with a proof for each key (OID4VCI 1.0 §7, §8.2).

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use lanyard_core::crypto::{CryptoProvider, PublicKey, SignatureAlgorithm, Signer, SignerError};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    IncomingResponse, KeyName, LoginRefused, OutgoingRequest, PeerError, ProofPlan, Prover,
    Renewal, ResponseFault, Unsupported,
    http::{Body, Sorted, read},
};
use crate::{
    CredentialConfigurationId,
    credential::{CredentialRequest, Proofs, Wanted},
    encryption::{ResponseKey, WalletEncryption},
    key_proof::{KeyProofDraft, sign_di_vp, signed},
    metadata::{CredentialConfigurationMetadata, CredentialIssuerMetadata},
    nonce::{NonceResponse, ProofNonce},
    token::TokenResponse,
};

/// A wallet with an access token; it can be written down, so that a crash loses no credential.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Granted {
    pub(super) token: TokenResponse,
    pub(super) issuer: CredentialIssuerMetadata,
    configurations: Vec<CredentialConfigurationId>,
    renewal: Option<Renewal>,
    #[serde(skip)]
    pub(super) prover: Option<Prover>,
}

/// Why a credential request cannot be made.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RequestRefused {
    /// The credential is not part of the offer.
    #[error("the credential is not part of the offer")]
    NotOffered,
    /// The authorization server gave no right to the credential.
    #[error("the authorization server did not grant the credential")]
    NotGranted,
    /// No key, more keys than the issuer takes, or keys for a credential that has none.
    #[error("the issuer takes another number of keys")]
    KeyCount,
    /// A key of an algorithm that the issuer does not take.
    #[error("the issuer does not take keys of this algorithm")]
    KeyAlgorithm,
    /// The issuer has a nonce endpoint, and no nonce was fetched.
    #[error("a nonce has to be fetched first")]
    NonceMissing,
    /// The issuer demands a key attestation, and there is none.
    #[error("the issuer demands a key attestation")]
    AttestationMissing,
    /// The issuer demands encryption that cannot be had.
    #[error("the issuer demands encryption of a kind that is not supported")]
    Encryption,
    /// The key's home refuses.
    #[error("{0}")]
    Signer(#[from] SignerError),
    /// No Data Integrity proof could be made with the key.
    #[error("no proof could be made with the key")]
    Proof,
}

/// Signs with many keys in one go, where their home is asked only once for all of them.
#[async_trait]
pub trait SignsAtOnce: Send + Sync {
    /// The signatures over these messages, each by the key at the same place among those that are shown.
    ///
    /// # Errors
    /// [`SignerError`] as the keys' home gives it.
    async fn sign_each(&self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, SignerError>;
}

/// What a wallet shows its keys with.
#[derive(Clone, Copy)]
pub struct Showing<'a> {
    /// The issuer's nonce, where it has an endpoint for it.
    pub nonce: Option<&'a ProofNonce>,
    /// An attestation of all the keys, where the plan needs one.
    pub attestation: Option<&'a str>,
    /// Signs all `jwt` proofs in one go; without, each key signs for itself.
    pub at_once: Option<&'a dyn SignsAtOnce>,
    /// The moment of signing.
    pub now: Timestamp,
    /// Cryptography.
    pub provider: &'a dyn CryptoProvider,
}

/// A credential request that can be sent, and what its answer will be held against.
pub struct PendingCredential {
    pub(super) request: OutgoingRequest,
    pub(super) id: CredentialConfigurationId,
    pub(super) metadata: CredentialConfigurationMetadata,
    pub(super) keys: Vec<PublicKey>,
    pub(super) response_key: Option<ResponseKey>,
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

    /// How the keys for a credential are shown; `attests` says whether somebody vouches for them.
    ///
    /// # Errors
    /// [`RequestRefused::NotOffered`], [`RequestRefused::NotGranted`], and [`RequestRefused::AttestationMissing`]
    /// where nothing else is in the way.
    pub fn proof_plan(
        &self,
        id: &CredentialConfigurationId,
        attests: bool,
    ) -> Result<ProofPlan, RequestRefused> {
        let metadata = self.metadata(id).ok_or(RequestRefused::NotOffered)?;
        if !self.grants(id) {
            return Err(RequestRefused::NotGranted);
        }
        metadata.proof_plan(attests).map_err(|unsupported| match unsupported {
            Unsupported::KeyAttestation => RequestRefused::AttestationMissing,
            Unsupported::Format | Unsupported::Binding => RequestRefused::NotOffered,
        })
    }

    /// Shows each key, and makes the request: encrypted wherever the issuer takes that.
    ///
    /// # Errors
    /// One [`RequestRefused`] per rule.
    pub async fn request(
        &self,
        id: &CredentialConfigurationId,
        keys: &[Arc<dyn Signer>],
        showing: Showing<'_>,
    ) -> Result<PendingCredential, RequestRefused> {
        let metadata = self.metadata(id).ok_or(RequestRefused::NotOffered)?;
        let plan = self.proof_plan(id, showing.attestation.is_some())?;
        let bound = plan != ProofPlan::None;
        // §8.2: one proof at least where proofs are taken, batch_size at most
        if keys.is_empty() == bound || keys.len() > self.most_keys(id) {
            return Err(RequestRefused::KeyCount);
        }
        if !keys.iter().all(|key| metadata.takes_proofs_of(&**key, plan)) {
            return Err(RequestRefused::KeyAlgorithm);
        }
        // App. F.1: the nonce is required when the issuer has a nonce endpoint
        if bound && showing.nonce.is_none() && self.issuer.nonce_endpoint.is_some() {
            return Err(RequestRefused::NonceMissing);
        }
        let proofs = self.proofs(plan, keys, showing).await?;
        let request = CredentialRequest { wanted: self.wanted(id), proofs, encryption: None };
        let encryption = WalletEncryption::prepare(
            self.issuer.credential_request_encryption.as_ref(),
            self.issuer.credential_response_encryption.as_ref(),
            showing.provider,
        )
        .map_err(|_| RequestRefused::Encryption)?;
        let (body, response_key) = match encryption {
            None => (Body::Json(request.to_json()), None),
            Some(encryption) => {
                let sealed = encryption.seal(request.to_object(), showing.provider);
                let sealed = sealed.map_err(|_| RequestRefused::Encryption)?;
                (Body::Encrypted(sealed), encryption.into_response_key())
            }
        };
        Ok(PendingCredential {
            request: OutgoingRequest {
                authorization: Some(self.token.access_token.clone()),
                prover: self.prover.clone().filter(|_| self.is_bound()),
                ..OutgoingRequest::post(self.issuer.credential_endpoint.clone(), body)
            },
            id: id.clone(),
            metadata: metadata.clone(),
            keys: keys.iter().map(|key| *key.public_key()).collect(),
            response_key,
        })
    }

    async fn proofs(
        &self,
        plan: ProofPlan,
        keys: &[Arc<dyn Signer>],
        showing: Showing<'_>,
    ) -> Result<Option<Proofs>, RequestRefused> {
        let Showing { nonce, attestation, at_once, now, provider } = showing;
        let issuer = &self.issuer.credential_issuer;
        let attested = || attestation.ok_or(RequestRefused::AttestationMissing);
        let draft = |name: KeyName, key: &PublicKey, attestation| KeyProofDraft {
            issuer,
            nonce,
            now,
            key_id: name.key_id(key),
            attestation,
        };
        Ok(match plan {
            ProofPlan::None => None,
            ProofPlan::Jwt(name) => {
                let unsigned =
                    |key: &Arc<dyn Signer>| draft(name, key.public_key(), None).unsigned(&**key);
                let unsigned: Vec<String> = keys.iter().map(unsigned).collect();
                Some(Proofs::Jwt(signed_all(unsigned, keys, at_once).await?))
            }
            // HAIP §4.5.1: one attestation for all the keys, so one of them signs for all
            ProofPlan::AttestedJwt(name) => {
                let key = keys.first().ok_or(RequestRefused::KeyCount)?;
                let draft = draft(name, key.public_key(), Some(attested()?));
                Some(Proofs::Jwt(vec![draft.sign(&**key).await?]))
            }
            ProofPlan::Attestation => Some(Proofs::Attestation(attested()?.to_owned())),
            ProofPlan::DiVp(name) => {
                let nonce = nonce.ok_or(RequestRefused::NonceMissing)?;
                let mut proofs = Vec::with_capacity(keys.len());
                for key in keys {
                    let key_id = name.key_id(key.public_key()).ok_or(RequestRefused::Proof)?;
                    let proof = sign_di_vp(&**key, &key_id, issuer, nonce, now, provider).await;
                    proofs.push(proof.map_err(|_| RequestRefused::Proof)?);
                }
                Some(Proofs::DiVp(proofs))
            }
        })
    }

    fn metadata(&self, id: &CredentialConfigurationId) -> Option<&CredentialConfigurationMetadata> {
        let offered = self.configurations.contains(id);
        offered.then(|| self.issuer.credential_configurations_supported.get(id)).flatten()
    }

    /// Whether the token response gave a right to it; one that speaks of nothing that was offered says nothing of it.
    fn grants(&self, id: &CredentialConfigurationId) -> bool {
        let is_among = |granted: &dyn Fn(&CredentialConfigurationId) -> bool| {
            granted(id) || !self.configurations.iter().any(granted)
        };
        // §6.2: everything that was granted is named where anything is
        let named = |id: &CredentialConfigurationId| {
            let mut details = self.token.authorization_details.iter().flatten();
            details.any(|detail| detail.credential_configuration_id == *id)
        };
        // RFC 6749 §5.1: the scope is that of the token, where it is not the one that was asked for
        let scoped = |id: &CredentialConfigurationId| {
            let known = self.issuer.credential_configurations_supported.get(id);
            let scope = known.and_then(|metadata| metadata.scope.as_deref());
            let mut granted = self.token.scope.iter().flat_map(|scopes| scopes.split(' '));
            scope.is_some_and(|scope| granted.any(|one| one == scope))
        };
        is_among(&named) && (named(id) || is_among(&scoped))
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

async fn signed_all(
    unsigned: Vec<String>,
    keys: &[Arc<dyn Signer>],
    at_once: Option<&dyn SignsAtOnce>,
) -> Result<Vec<String>, SignerError> {
    let messages: Vec<_> = unsigned.iter().map(|message| message.as_bytes().to_vec()).collect();
    let signatures = match at_once {
        Some(at_once) => at_once.sign_each(messages).await?,
        None => {
            let mut signatures = Vec::with_capacity(keys.len());
            for (key, message) in keys.iter().zip(&messages) {
                signatures.push(key.sign(message).await?);
            }
            signatures
        }
    };
    // fewer signatures than keys would leave a proof out
    if signatures.len() != unsigned.len() {
        return Err(SignerError::Unavailable);
    }
    Ok(unsigned.into_iter().zip(&signatures).map(|(text, by)| signed(text, by)).collect())
}

impl CredentialConfigurationMetadata {
    fn takes_proofs_of(&self, key: &dyn Signer, plan: ProofPlan) -> bool {
        let (kind, names): (_, &[&str]) = match (plan, key.algorithm()) {
            (ProofPlan::None, _) => return true,
            // the algorithm of an attestation is its maker's affair
            (ProofPlan::Attestation, _) => return true,
            (ProofPlan::Jwt(_) | ProofPlan::AttestedJwt(_), algorithm) => {
                ("jwt", &[algorithm.name()])
            }
            (ProofPlan::DiVp(_), SignatureAlgorithm::EdDsa) => ("di_vp", &["eddsa-rdfc-2022"]),
            (ProofPlan::DiVp(_), _) => ("di_vp", &["ecdsa-rdfc-2019"]),
        };
        self.proof_types_supported.get(kind).is_some_and(|proof| {
            let taken = &proof.proof_signing_alg_values_supported;
            taken.iter().any(|taken| names.iter().any(|name| taken == name))
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
