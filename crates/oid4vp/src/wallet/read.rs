//! From a link to a request whose sender is known as far as it can be.

use std::sync::Arc;

use lanyard_core::{
    Timestamp,
    credential::Format,
    crypto::{CryptoProvider, Random, SignatureAlgorithm},
    jose::UnverifiedJws,
    json::Object,
    trust::x509::TrustAnchors,
};
use serde_json::{Value, json};
use url::Url;

use super::{
    KnownVerifiers, RefusableRequest, VerifierIdentity,
    identity::{SignedBy, host, registered, with_metadata},
};
use crate::{
    ClientId, ClientIdPrefix, WalletNonce, formats,
    request::{
        AuthorizationRequest, RequestError, RequestLink, RequestUriMethod, Transport,
        VerifierStatement,
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

fn same_client(claims: &Object, client_id: &ClientId) -> Result<(), RequestError> {
    // OID4VP 1.0 §5.10.1: identical in link and object, prefix included
    let own = claims.get("client_id").ok_or(RequestError::Missing("client_id"))?;
    if own.as_str() == Some(client_id.as_str()) {
        Ok(())
    } else {
        Err(RequestError::ClientIdDiffers)
    }
}
