//! From a link to a request whose sender is known as far as it can be.

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    credential::Format,
    crypto::{CryptoProvider, PublicKey, Random, SignatureAlgorithm},
    jose::UnverifiedJws,
    json::Object,
    trust::x509::{CertificatePurpose, TrustAnchors, VerifiedChain},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

use super::{
    KnownVerifiers, RefusableRequest, RegisteredVerifier,
    known::{Attested, only_key},
};
use crate::{
    ClientId, ClientIdPrefix, WalletNonce, formats,
    request::{
        AuthorizationRequest, RequestError, RequestLink, RequestUriMethod, ResponseUri, Transport,
        VerifierInfo, VerifierStatement,
        object::{self, Fetched},
    },
};

/// A wallet's standing: whom it believes and how it may be reached.
#[derive(Clone, Debug)]
pub struct WalletSide {
    /// Whether http on loopback is taken.
    pub transport: Transport,
    /// Who vouches for verifiers.
    pub anchors: TrustAnchors,
    /// Cryptography.
    pub provider: Arc<dyn CryptoProvider>,
    /// Verifiers that are known beforehand, and who is believed about others.
    pub known: KnownVerifiers,
}

/// What a link led to.
#[derive(Clone, Debug)]
pub enum Read {
    /// A request that is complete and reviewed.
    Reviewed(Box<ReviewedRequest>),
    /// A request object that has to be fetched first.
    Fetch(ObjectFetch),
}

/// A request object to be fetched: one request, redirects not followed (OID4VP 1.0 §14.7).
#[derive(Clone, Debug)]
pub struct ObjectFetch {
    client_id: ClientId,
    request_uri: Url,
    method: RequestUriMethod,
    wallet_nonce: Option<WalletNonce>,
}

/// A presentation request that keeps every rule, from a verifier that proved who it is.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewedRequest {
    pub(super) request: AuthorizationRequest,
    verifier: VerifierIdentity,
    statement: VerifierStatement,
}

/// Who asks, and how that is known; for the holder to see before anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "known_by")]
pub enum VerifierIdentity {
    /// Nobody vouches for it: all that is known is where the response goes.
    Address {
        /// The host that receives the response.
        host: String,
    },
    /// A trusted authority certified it.
    Certificate {
        /// The name in its certificate.
        name: String,
        /// The DNS names in its certificate.
        dns_names: Vec<String>,
        /// The host that receives the response.
        host: String,
    },
    /// It has a key of this DID; who is behind the DID, nobody says.
    Did {
        /// The DID.
        did: String,
        /// The host that receives the response.
        host: String,
    },
    /// Somebody who is believed about verifiers attested it.
    Attestation {
        /// What the attestation calls it.
        name: String,
        /// Who attested it.
        attester: String,
        /// The host that receives the response.
        host: String,
    },
    /// The wallet knew it beforehand.
    Registered {
        /// Its name for people.
        name: String,
        /// The host that receives the response.
        host: String,
    },
}

impl VerifierIdentity {
    /// The name that somebody vouches for; none where nobody does.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Certificate { name, .. }
            | Self::Attestation { name, .. }
            | Self::Registered { name, .. } => Some(name),
            Self::Address { .. } | Self::Did { .. } => None,
        }
    }
}

impl WalletSide {
    /// Reads a link: `openid4vp://`, `haip-vp://` or https.
    ///
    /// # Errors
    /// One [`RequestError`] per rule.
    pub async fn read(
        &self,
        link: &str,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Read, RequestError> {
        match RequestLink::parse(link, self.transport)? {
            RequestLink::ByValue(parameters) => {
                let reviewed = self.review_unsigned(&parameters)?;
                Ok(Read::Reviewed(Box::new(reviewed)))
            }
            RequestLink::Object { client_id, object } => {
                let reviewed = self.review_object(&object, &client_id, None, now).await?;
                Ok(Read::Reviewed(Box::new(reviewed)))
            }
            RequestLink::ByReference { client_id, request_uri, method } => {
                let wallet_nonce =
                    (method == RequestUriMethod::Post).then(|| WalletNonce::generate(random));
                Ok(Read::Fetch(ObjectFetch { client_id, request_uri, method, wallet_nonce }))
            }
        }
    }

    async fn review_object(
        &self,
        object: &str,
        client_id: &ClientId,
        fetched: Option<&Fetched>,
        now: Timestamp,
    ) -> Result<ReviewedRequest, RequestError> {
        let jws = UnverifiedJws::parse(object.trim())?;
        let is_unsigned = match client_id.prefix() {
            ClientIdPrefix::RedirectUri(_) => true,
            // OID4VP 1.0 §5.9.2: signed if a key is registered
            ClientIdPrefix::PreRegistered => self.known.registered(client_id)?.keys.is_empty(),
            _ => false,
        };
        if is_unsigned {
            let parameters = object::unsigned(&jws)?;
            same_client(&parameters, client_id)?;
            object::check_claims(&parameters, fetched, now)?;
            return self.review_unsigned(&parameters);
        }
        let (claims, signed_by) = self.verified(jws, client_id, fetched, now).await?;
        let claims = signed_by.with_metadata(claims)?;
        let request = AuthorizationRequest::from_parameters(&claims, self.transport)?;
        let verifier = self.identified(&request.client_id, &request.response_uri, &signed_by)?;
        let statement = signed_by.statement(&request.verifier_info);
        Ok(ReviewedRequest { request, verifier, statement })
    }

    /// The parameters of a request object that its client signed for this wallet and for now, whatever they say.
    pub(super) async fn verified<'w>(
        &'w self,
        jws: UnverifiedJws<'_>,
        client_id: &ClientId,
        fetched: Option<&Fetched>,
        now: Timestamp,
    ) -> Result<(Object, SignedBy<'w>), RequestError> {
        jws.check_slot(&object::SLOT)?;
        let signed_by = self.signed_by(&jws, client_id, now).await?;
        let key = *signed_by.key();
        let verified = jws.verify(&object::SLOT, &key, self.provider.as_ref())?;
        // OID4VP 1.0 §5.10.1: only the parameters in the object count
        let claims = verified.claims()?;
        same_client(&claims, client_id)?;
        object::check_claims(&claims, fetched, now)?;
        Ok((claims, signed_by))
    }

    /// Finds the key that a request object must be signed with, and what vouches for it (§5.9.3).
    pub(crate) async fn signed_by<'w>(
        &'w self,
        jws: &UnverifiedJws<'_>,
        client_id: &ClientId,
        now: Timestamp,
    ) -> Result<SignedBy<'w>, RequestError> {
        let header = jws.header();
        match client_id.prefix() {
            // the key is the one of the leaf in x5c, and the chain is verified
            ClientIdPrefix::X509SanDns(_) | ClientIdPrefix::X509Hash(_) => {
                let certificates = header.x5c.as_deref().ok_or(RequestError::CertificateMissing)?;
                let chain = self.anchors.read(certificates)?.verify(
                    &self.anchors,
                    CertificatePurpose::RequestSigning,
                    now,
                    self.provider.as_ref(),
                )?;
                Ok(SignedBy::Certificate(Box::new(chain)))
            }
            ClientIdPrefix::DecentralizedIdentifier(did) => {
                let key = self.known.key_of_did(did, header, &self.provider).await?;
                Ok(SignedBy::Did(did.as_str().to_owned(), key))
            }
            ClientIdPrefix::VerifierAttestation(name) => {
                let provider = self.provider.as_ref();
                let attested = self.known.attested(header, name, now, provider)?;
                Ok(SignedBy::Attestation(name.clone(), attested))
            }
            ClientIdPrefix::PreRegistered => {
                let known = self.known.registered(client_id)?;
                let key = only_key(&known.keys, header.kid.as_deref());
                Ok(SignedBy::Registered(known, key.ok_or(RequestError::KeyId)?))
            }
            ClientIdPrefix::RedirectUri(_) => Err(RequestError::SignedByRedirectUri),
        }
    }

    fn review_unsigned(&self, parameters: &Object) -> Result<ReviewedRequest, RequestError> {
        let client_id = parameters.get("client_id").and_then(Value::as_str);
        let client_id: ClientId = client_id.ok_or(RequestError::Missing("client_id"))?.parse()?;
        match client_id.prefix() {
            // OID4VP 1.0 §5.9.3: the identifier is the response URI
            ClientIdPrefix::RedirectUri(uri) => {
                let request = AuthorizationRequest::from_parameters(parameters, self.transport)?;
                if uri != request.response_uri.as_str() {
                    return Err(RequestError::ResponseUriDiffers);
                }
                let verifier = VerifierIdentity::Address { host: host(&request.response_uri) };
                // what nobody signed is nobody's word
                let statement = VerifierStatement::default();
                Ok(ReviewedRequest { request, verifier, statement })
            }
            // OID4VP 1.0 §5.9.2: a client without prefix is known beforehand
            ClientIdPrefix::PreRegistered => {
                let known = self.known.registered(&client_id)?;
                if !known.keys.is_empty() {
                    return Err(RequestError::NotSigned);
                }
                let parameters = with_metadata(known, parameters.clone())?;
                let request = AuthorizationRequest::from_parameters(&parameters, self.transport)?;
                let verifier = registered(known, &request.response_uri)?;
                let statement = known.statement(VerifierStatement::default());
                Ok(ReviewedRequest { request, verifier, statement })
            }
            // OID4VP 1.0 §5.9.3: these MUST be signed
            ClientIdPrefix::X509SanDns(_)
            | ClientIdPrefix::X509Hash(_)
            | ClientIdPrefix::DecentralizedIdentifier(_)
            | ClientIdPrefix::VerifierAttestation(_) => {
                // whatever else is wrong with it is told first
                AuthorizationRequest::from_parameters(parameters, self.transport)?;
                Err(RequestError::NotSigned)
            }
        }
    }

    pub(super) fn identified(
        &self,
        client_id: &ClientId,
        response_uri: &ResponseUri,
        signed_by: &SignedBy<'_>,
    ) -> Result<VerifierIdentity, RequestError> {
        let host = host(response_uri);
        match signed_by {
            SignedBy::Certificate(chain) => self.certified(client_id, host, chain),
            SignedBy::Did(did, _) => Ok(VerifierIdentity::Did { did: did.clone(), host }),
            SignedBy::Attestation(name, attested) => {
                attested.check_place(response_uri.as_str())?;
                let (name, attester) = (name.clone(), attested.issuer.clone());
                Ok(VerifierIdentity::Attestation { name, attester, host })
            }
            SignedBy::Registered(known, _) => registered(known, response_uri),
        }
    }

    fn certified(
        &self,
        client_id: &ClientId,
        host: String,
        chain: &VerifiedChain,
    ) -> Result<VerifierIdentity, RequestError> {
        match client_id.prefix() {
            // OID4VP 1.0 §5.9.3: a dNSName of the leaf is the host of the response URI too
            ClientIdPrefix::X509SanDns(name) if host != *name => {
                self.check_certificate(client_id, chain)?;
                return Err(RequestError::ResponseUriDiffers);
            }
            _ => self.check_certificate(client_id, chain)?,
        }
        Ok(VerifierIdentity::Certificate {
            name: chain.subject(),
            dns_names: chain.dns_names().map(str::to_owned).collect(),
            host,
        })
    }
}

impl WalletSide {
    /// OID4VP 1.0 §5.9.3: the leaf is the certificate, or of the name, that the client identifier says.
    pub(crate) fn check_certificate(
        &self,
        client_id: &ClientId,
        chain: &VerifiedChain,
    ) -> Result<(), RequestError> {
        let is_own = match client_id.prefix() {
            ClientIdPrefix::X509SanDns(name) => {
                chain.dns_names().any(|own| own.eq_ignore_ascii_case(name))
            }
            ClientIdPrefix::X509Hash(hash) => chain.leaf_sha256(self.provider.as_ref()) == *hash,
            _ => false,
        };
        if is_own { Ok(()) } else { Err(RequestError::CertificateDiffers) }
    }
}

impl ObjectFetch {
    /// Where the request object is.
    #[must_use]
    pub const fn request_uri(&self) -> &Url {
        &self.request_uri
    }

    /// The form to POST; `None` when it is a GET. Either way `Accept` is [`object::MEDIA_TYPE`].
    #[must_use]
    pub fn form(&self, wallet: &WalletSide) -> Option<String> {
        let nonce = self.wallet_nonce.as_ref()?;
        let algorithms: Vec<_> =
            SignatureAlgorithm::OPENID4VC.iter().map(|one| one.name()).collect();
        let mut metadata = json!({
            "vp_formats_supported": formats::supported(Format::OPENID4VC.iter().copied()),
            "client_id_prefixes_supported": wallet.known.prefixes(),
            "authorization_encryption_alg_values_supported": ["ECDH-ES"],
            "authorization_encryption_enc_values_supported": ["A256GCM", "A128GCM"],
        });
        // OID4VP 1.0 §5.10: not for a client that cannot sign
        if !matches!(self.client_id.prefix(), ClientIdPrefix::RedirectUri(_)) {
            metadata["request_object_signing_alg_values_supported"] = json!(algorithms);
        }
        let form =
            [("wallet_metadata", metadata.to_string()), ("wallet_nonce", nonce.clone().into())];
        Some(serde_urlencoded::to_string(form).expect("pairs of texts make a form"))
    }

    /// Judges the request object that was fetched.
    ///
    /// # Errors
    /// One [`RequestError`] per rule.
    pub async fn review(
        &self,
        object: &str,
        wallet: &WalletSide,
        now: Timestamp,
    ) -> Result<ReviewedRequest, RequestError> {
        wallet.review_object(object, &self.client_id, Some(&self.fetched()), now).await
    }

    /// Whom to tell that the object was refused, and why; `None` where nobody proved to have asked.
    pub async fn refusable(
        &self,
        object: &str,
        reason: &RequestError,
        wallet: &WalletSide,
        now: Timestamp,
    ) -> Option<RefusableRequest> {
        let fetched = self.fetched();
        wallet.refusable_object((object, &self.client_id), Some(&fetched), reason, now).await
    }

    fn fetched(&self) -> Fetched {
        let request_uri = self.request_uri.to_string();
        Fetched { request_uri, wallet_nonce: self.wallet_nonce.clone() }
    }

    /// How to fetch it.
    #[must_use]
    pub const fn method(&self) -> RequestUriMethod {
        self.method
    }
}

impl ReviewedRequest {
    /// Who asks, and how that is known.
    #[must_use]
    pub const fn verifier(&self) -> &VerifierIdentity {
        &self.verifier
    }

    /// What the verifier says of itself and of why it asks: empty where the request is not signed.
    #[must_use]
    pub const fn statement(&self) -> &VerifierStatement {
        &self.statement
    }

    /// The request itself.
    #[must_use]
    pub const fn request(&self) -> &AuthorizationRequest {
        &self.request
    }
}

/// What vouches for the key of a request object.
pub(crate) enum SignedBy<'w> {
    Certificate(Box<VerifiedChain>),
    Did(String, PublicKey),
    Attestation(String, Attested),
    Registered(&'w RegisteredVerifier, PublicKey),
}

impl SignedBy<'_> {
    pub(crate) fn key(&self) -> &PublicKey {
        match self {
            Self::Certificate(chain) => chain.public_key(),
            Self::Did(_, key) | Self::Registered(_, key) => key,
            Self::Attestation(_, attested) => &attested.key,
        }
    }

    /// What the signer says of itself.
    pub(crate) fn statement(&self, info: &[VerifierInfo]) -> VerifierStatement {
        let statement = VerifierStatement::of_signed(info);
        match self {
            Self::Registered(known, _) => known.statement(statement),
            Self::Certificate(_) | Self::Did(..) | Self::Attestation(..) => statement,
        }
    }

    pub(crate) fn with_metadata(&self, parameters: Object) -> Result<Object, RequestError> {
        match self {
            Self::Registered(known, _) => with_metadata(known, parameters),
            Self::Certificate(_) | Self::Did(..) | Self::Attestation(..) => Ok(parameters),
        }
    }
}

/// OID4VP 1.0 §8.5: metadata that is registered is not sent a second time.
fn with_metadata(
    known: &RegisteredVerifier,
    mut parameters: Object,
) -> Result<Object, RequestError> {
    if let Some(metadata) = &known.metadata
        && parameters.insert("client_metadata".to_owned(), metadata.clone()).is_some()
    {
        return Err(RequestError::MetadataTwice);
    }
    Ok(parameters)
}

/// A registered verifier gets its responses where it said beforehand.
fn registered(
    known: &RegisteredVerifier,
    response_uri: &ResponseUri,
) -> Result<VerifierIdentity, RequestError> {
    if !known.response_uris.iter().any(|uri| uri == response_uri.as_str()) {
        return Err(RequestError::ResponseUriDiffers);
    }
    Ok(VerifierIdentity::Registered { name: known.name.clone(), host: host(response_uri) })
}

fn same_client(claims: &Object, client_id: &ClientId) -> Result<(), RequestError> {
    // OID4VP 1.0 §5.10.1: identical in link and object, prefix included
    let own = claims.get("client_id").ok_or(RequestError::Missing("client_id"))?;
    if own.as_str() == Some(client_id.as_str()) {
        Ok(())
    } else {
        Err(RequestError::ClientIdDiffers)
    }
}

fn host(response_uri: &ResponseUri) -> String {
    response_uri.url().host_str().unwrap_or_default().to_owned()
}
