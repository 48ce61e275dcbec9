//! The issuer's states: [`Offered`] → [`Authorized`] → [`Issued`], or [`Ended`]; where the holder logs in,
//! [`Pushed`] → [`Authorizing`] → [`Granted`] → [`Authorized`].
//!
//! Each step eats its state. A refusal says which state the session is left in: a wrong tx code costs a
//! try and leaves the code alive, a credential request that fails leaves the access token usable.

mod authorized;
mod authorizing;
mod claims;
mod deferral;
mod granted;
mod holder;
mod issue;
mod kept_answer;
mod keys;
mod notify;
mod offered;
mod redeemed;
mod rules;
mod sender;
mod status;
mod upstream;
mod w3c;

use std::{collections::BTreeMap, fmt, sync::Arc};

use jiff::Timestamp;
use lanyard_core::{
    credential::Format,
    crypto::{CryptoProvider, Signer, SignerError},
    json::Object,
    sd_jwt_vc::type_metadata::Integrity,
    trust::{IssuerIdentifier, x509::TrustAnchors},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;

pub use authorized::{
    Authorized, AwaitedClaims, ExternalGrant, Issued, IssuedCredential, Progress,
};
pub use authorizing::{Authorizing, BrowserDigest, HolderId, Pushed};
pub use claims::FoundClaims;
pub use deferral::{Accepted, Decision, Readiness};
pub use granted::{Granted, Refreshable};
pub use notify::Heard;
pub use offered::{NewLogin, NewOffer, NewTxCode, OfferRefused, Offered};
pub use rules::{AuthorizationRules, Profile};
pub use sender::{AccessRefused, Sender, ShownToken};
pub use status::{StatusAllocator, StatusUnavailable};
pub use upstream::UpstreamLogin;

use issue::HolderKey;

use crate::{
    AccessToken, CredentialConfigurationId,
    attestation_status::AttestationStatuses,
    configuration::IssuerConfiguration,
    credential::{CredentialError, CredentialRequest},
    deferred::DeferredRequest,
    dpop::{DpopError, DpopRules, UnverifiedDpopProof, VerifiedDpopProof},
    encryption::{self, IssuerEncryption, RequestBody, WantedEncryption},
    metadata::{AuthorizationServerMetadata, CredentialIssuerMetadata},
    nonce::{
        AttestationChallenge, ChallengeResponse, DpopNonce, NonceError, NonceKey, NonceResponse,
    },
};

/// One credential issuer with everything its steps need.
pub struct Issuer {
    configuration: IssuerConfiguration,
    key: IssuingKey,
    /// The keys of formats that need another.
    own_keys: Vec<(Format, IssuingKey)>,
    nonces: NonceKey,
    provider: Arc<dyn CryptoProvider>,
    statuses: Option<Arc<dyn StatusAllocator>>,
    rules: AuthorizationRules,
    restored_at: Option<Timestamp>,
    /// Who is believed about the keys of wallets.
    attesters: TrustAnchors,
    /// Who knows what became of key attestations.
    key_statuses: AttestationStatuses,
    encryption: Option<Arc<IssuerEncryption>>,
    /// The type metadata it serves.
    types: BTreeMap<CredentialConfigurationId, TypeDocument>,
}

/// Type metadata as they are served, and their digest for the credentials of the type.
struct TypeDocument {
    body: Vec<u8>,
    integrity: Integrity,
}

/// The key that an issuer signs credentials with.
#[derive(Clone)]
pub struct IssuingKey {
    /// Where the private half lives.
    pub signer: Arc<dyn Signer>,
    /// How credentials say whose key it is.
    pub name: IssuerName,
}

/// How a credential names its issuer (SD-JWT VC §2.5).
#[derive(Clone, Debug)]
pub enum IssuerName {
    /// By `x5c`: the issuer is the subject of the leaf.
    Certificate {
        /// The certificates, leaf first, the anchor left out (HAIP §6.1.1).
        chain: Vec<Vec<u8>>,
        /// An `iss` beside it, if the leaf vouches for one.
        iss: Option<IssuerIdentifier>,
    },
    /// By `iss`; its keys are known to whoever believes it. A DID is one too.
    Identifier {
        /// The identifier.
        iss: IssuerIdentifier,
        /// `kid`: the key's name in a key set, or a DID URL.
        key_id: Option<String>,
    },
}

impl Issuer {
    /// Puts an issuer together.
    pub fn new(
        configuration: IssuerConfiguration,
        key: IssuingKey,
        nonces: NonceKey,
        provider: Arc<dyn CryptoProvider>,
    ) -> Self {
        let types = configuration.credentials().iter().filter_map(|credential| {
            let body = credential.type_metadata()?;
            let integrity = Integrity::of(&body, &*provider);
            Some((credential.id.clone(), TypeDocument { body, integrity }))
        });
        Self {
            types: types.collect(),
            configuration,
            key,
            own_keys: Vec::new(),
            nonces,
            provider,
            statuses: None,
            rules: AuthorizationRules::default(),
            restored_at: None,
            attesters: TrustAnchors::default(),
            key_statuses: AttestationStatuses::default(),
            encryption: None,
        }
    }

    /// The same issuer, with the same keys and rules, that offers something else.
    #[must_use]
    pub fn offering(&self, configuration: IssuerConfiguration) -> Self {
        let provider = Arc::clone(&self.provider);
        let anew = Self::new(configuration, self.key.clone(), self.nonces.clone(), provider);
        Self {
            own_keys: self.own_keys.clone(),
            statuses: self.statuses.clone(),
            rules: self.rules.clone(),
            restored_at: self.restored_at,
            attesters: self.attesters.clone(),
            key_statuses: self.key_statuses.clone(),
            encryption: self.encryption.clone(),
            ..anew
        }
    }

    /// With other rules for those who ask for tokens than the plain ones.
    #[must_use]
    pub fn with_authorization(mut self, rules: AuthorizationRules) -> Self {
        self.rules = rules;
        self
    }

    /// With a memory of what was shown once that begins at this moment, as after a restore: what may have been
    /// shown before is refused.
    #[must_use]
    pub const fn remembering_since(mut self, restored_at: Option<Timestamp>) -> Self {
        self.restored_at = restored_at;
        self
    }

    /// When what must be shown once began to be remembered, if that was lost once.
    #[must_use]
    pub const fn restored_at(&self) -> Option<Timestamp> {
        self.restored_at
    }

    /// With a status for each copy of what it issues; without, nothing can be revoked.
    #[must_use]
    pub fn with_statuses(mut self, statuses: Arc<dyn StatusAllocator>) -> Self {
        self.statuses = Some(statuses);
        self
    }

    /// With the authorities of those who are believed about the keys of wallets.
    #[must_use]
    pub fn with_attesters(mut self, attesters: TrustAnchors) -> Self {
        self.attesters = attesters;
        self
    }

    /// With somebody who knows what became of key attestations.
    #[must_use]
    pub fn with_key_statuses(mut self, statuses: AttestationStatuses) -> Self {
        self.key_statuses = statuses;
        self
    }

    /// With encrypted requests and responses.
    #[must_use]
    pub fn with_encryption(mut self, encryption: IssuerEncryption) -> Self {
        self.encryption = Some(Arc::new(encryption));
        self
    }

    /// Reads a credential request, which is encrypted as the metadata say.
    ///
    /// # Errors
    /// The [`CredentialError`]s about shape and encryption.
    pub fn read_request(
        &self,
        body: RequestBody<'_>,
    ) -> Result<CredentialRequest, CredentialError> {
        let (encryption, provider) = (self.encryption.as_deref(), &*self.provider);
        let opened = encryption::open(body, encryption, provider)?;
        let request = CredentialRequest::parse(&opened.json)?;
        let wanted = request.encryption.as_ref();
        WantedEncryption::accept(wanted, opened.encrypted, encryption, provider)?;
        Ok(request)
    }

    /// Reads a deferred credential request, which is encrypted as the metadata say.
    ///
    /// # Errors
    /// The [`CredentialError`]s about shape and encryption.
    pub fn read_deferred(&self, body: RequestBody<'_>) -> Result<DeferredRequest, CredentialError> {
        let (encryption, provider) = (self.encryption.as_deref(), &*self.provider);
        let opened = encryption::open(body, encryption, provider)?;
        let request = DeferredRequest::parse(&opened.json)?;
        let wanted = request.encryption.as_ref();
        WantedEncryption::accept(wanted, opened.encrypted, encryption, provider)?;
        Ok(request)
    }

    /// The type metadata of a configuration whose type is an address here (SD-JWT VC §5.3.1).
    pub fn type_metadata(&self, id: &CredentialConfigurationId) -> Option<&[u8]> {
        self.types.get(id).map(|document| document.body.as_slice())
    }

    /// What is offered.
    pub const fn configuration(&self) -> &IssuerConfiguration {
        &self.configuration
    }

    /// What those who ask for tokens have to keep to.
    pub const fn rules(&self) -> &AuthorizationRules {
        &self.rules
    }

    /// What the issuer says about itself (§12.2).
    pub fn metadata(&self) -> CredentialIssuerMetadata {
        let signing = |format| self.key_for(format).signer.algorithm();
        CredentialIssuerMetadata::of(&self.configuration, &signing, self.encryption.as_deref())
    }

    /// Such metadata, signed (§12.2.3); none where the issuer has no certificate to sign with.
    ///
    /// # Errors
    /// [`SignerError`] as the key's home gives it.
    pub async fn sign_metadata(
        &self,
        metadata: &CredentialIssuerMetadata,
        now: Timestamp,
    ) -> Result<Option<String>, SignerError> {
        let IssuerName::Certificate { chain, .. } = &self.key.name else { return Ok(None) };
        metadata.sign(&*self.key.signer, chain, now).await.map(Some)
    }

    /// What its authorization server says about itself (§12.3).
    pub fn authorization_server_metadata(&self) -> AuthorizationServerMetadata {
        let mut metadata = AuthorizationServerMetadata::of(&self.configuration, &self.rules);
        let lists = self.statuses.as_ref().and_then(|statuses| statuses.aggregation());
        metadata.status_list_aggregation_endpoint =
            lists.and_then(|lists| Url::parse(lists.as_str()).ok());
        metadata
    }

    /// Answers a nonce request (§7.2).
    pub fn nonce(&self, now: Timestamp) -> NonceResponse {
        let provider = &*self.provider;
        let issuer = self.configuration.issuer();
        NonceResponse { c_nonce: self.nonces.issue(issuer, now, provider, provider) }
    }
}

impl Issuer {
    /// A nonce for DPoP proofs, at the authorization server and at the endpoints of the issuer alike
    /// (RFC 9449 §8).
    pub fn dpop_nonce(&self, now: Timestamp) -> DpopNonce {
        self.nonces.issue_dpop(self.configuration.issuer(), now, &*self.provider)
    }

    /// Answers a challenge request (attestation-based client authentication §8).
    pub fn challenge(&self, now: Timestamp) -> ChallengeResponse {
        let issuer = self.configuration.issuer();
        let attestation_challenge = self.nonces.issue_challenge(issuer, now, &*self.provider);
        ChallengeResponse { attestation_challenge }
    }

    pub(crate) fn judge_challenge(
        &self,
        challenge: &AttestationChallenge,
        now: Timestamp,
    ) -> Result<(), NonceError> {
        let life = self.configuration.policy().nonce_life;
        let issuer = self.configuration.issuer();
        self.nonces.verify_challenge(challenge, issuer, life, now, &*self.provider)
    }

    pub(crate) fn provider(&self) -> &dyn CryptoProvider {
        &*self.provider
    }

    /// Checks a DPoP proof for a `POST` to one of this issuer's endpoints, with the access token that it
    /// shows there.
    ///
    /// # Errors
    /// One [`DpopError`] per rule.
    pub fn check_proof(
        &self,
        compact: &str,
        url: &Url,
        access_token: Option<&AccessToken>,
        now: Timestamp,
    ) -> Result<VerifiedDpopProof, DpopError> {
        let policy = self.configuration.policy();
        let rules = DpopRules {
            method: "POST",
            url,
            access_token,
            issuer: self.configuration.issuer(),
            nonces: &self.nonces,
            nonce_life: policy.nonce_life,
            window: policy.proof_window,
        };
        UnverifiedDpopProof::parse(compact)?.verify(&rules, &*self.provider, now)
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Issuer({})", self.configuration.issuer())
    }
}

/// A refusal, and what became of the session.
#[derive(Debug)]
pub struct Refused<E, S> {
    /// Why.
    pub error: E,
    /// The state the session is left in.
    pub left: Box<Left<S>>,
}

/// The state a refused step leaves behind.
#[derive(Debug)]
pub enum Left<S> {
    /// As before the step: nothing has to be written.
    Unchanged(S),
    /// The same state, but the refusal cost something: it has to be written before the reply.
    Changed(S),
    /// The session is over: it has to be written before the reply.
    Ended(Ended),
}

impl<E, S> Refused<E, S> {
    fn unchanged(error: E, state: S) -> Self {
        Self { error, left: Box::new(Left::Unchanged(state)) }
    }
}

/// A session in any of its states, as it is stored.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Issuance {
    /// Waiting for the token request, or for a wallet whose holder will log in.
    Offered(Offered),
    /// An authorization request was pushed; waiting for a browser.
    Pushed(Pushed),
    /// The holder logs in and decides.
    Authorizing(Authorizing),
    /// The holder agreed; waiting for the token request.
    Granted(Granted),
    /// Waiting for credential requests.
    Authorized(Authorized),
    /// Everything was issued.
    Issued(Issued),
    /// Nothing will be issued any more.
    Ended(Ended),
}

/// A session that ended without its credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// The tx code was wrong too often.
    TxCodeExhausted,
    /// The integrator took the offer back.
    Withdrawn,
    /// The holder, or a rule, said no.
    Denied,
    /// The authorization code was shown again: what came of it is worth nothing any more.
    CodeReplayed,
    /// A refresh token was shown again after it was replaced.
    RefreshReplayed,
}

impl Issuance {
    /// The offer, as long as it waits for a wallet or its holder.
    pub const fn waiting_offer(&self) -> Option<&Offered> {
        match self {
            Self::Offered(offered) => Some(offered),
            Self::Pushed(pushed) => pushed.offered(),
            Self::Authorizing(authorizing) => authorizing.offered(),
            _ => None,
        }
    }

    /// The offer, as long as it is also good: a holder who began in time may finish after that.
    pub fn offer_at(&self, now: Timestamp) -> Option<&Offered> {
        self.waiting_offer().filter(|offered| now < offered.expires_at())
    }

    /// The waiting offer, taken out.
    pub fn into_waiting_offer(self) -> Option<Offered> {
        match self {
            Self::Offered(offered) => Some(offered),
            Self::Pushed(pushed) => pushed.into_offered(),
            Self::Authorizing(authorizing) => authorizing.into_offered(),
            _ => None,
        }
    }

    /// The stable name of the state.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Offered(_) => "offered",
            Self::Pushed(_) => "pushed",
            Self::Authorizing(_) => "authorizing",
            Self::Granted(_) => "granted",
            Self::Authorized(_) => "authorized",
            Self::Issued(_) => "issued",
            Self::Ended(Ended::TxCodeExhausted) => "tx_code_exhausted",
            Self::Ended(Ended::Withdrawn) => "withdrawn",
            Self::Ended(Ended::Denied) => "denied",
            Self::Ended(Ended::CodeReplayed) => "code_replayed",
            Self::Ended(Ended::RefreshReplayed) => "refresh_replayed",
        }
    }
}

/// Claims about a subject that wait to be issued; never printed.
///
/// Kept as JSON text, so that a step which does not need them does not read them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct WaitingClaims(Box<RawValue>);

impl WaitingClaims {
    fn new(claims: &Object) -> Self {
        let text = serde_json::value::to_raw_value(claims);
        Self(text.expect("a JSON object with text keys always serializes"))
    }

    fn to_object(&self) -> Object {
        serde_json::from_str(self.0.get()).expect("the text was made from a JSON object")
    }
}

impl fmt::Debug for WaitingClaims {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("WaitingClaims")
    }
}
