//! Who offers, and whether what they say about themselves fits together (OID4VCI 1.0 §4.1.3, §12).

use jiff::Timestamp;
use lanyard_core::{crypto::CryptoProvider, trust::x509::TrustAnchors};
use thiserror::Error;
use url::Url;

use super::{
    IncomingResponse, LoginOffer, OutgoingRequest, PreAuthorizedOffer, ResponseFault, http::Sorted,
};
use crate::{
    CredentialConfigurationId, IssuerUrl, Transport, WellKnown,
    encryption::WalletEncryption,
    metadata::{
        AuthorizationServerMetadata, CredentialConfigurationMetadata, CredentialIssuerMetadata,
        MetadataError, SIGNED_METADATA, SignedMetadataError,
    },
    offer::{CredentialOffer, Grants, OfferError},
    token::CODE_GRANT,
};

/// Why discovery stopped; nothing was sent to the issuer's endpoints.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DiscoveryError {
    /// A document could not be had.
    #[error("{0}: {1}")]
    Unavailable(&'static str, ResponseFault),
    /// The offer is refused.
    #[error("{0}")]
    Offer(#[from] OfferError),
    /// The issuer's metadata is refused.
    #[error("credential issuer: {0}")]
    Issuer(MetadataError),
    /// The issuer's signed metadata are refused.
    #[error("credential issuer: {0}")]
    Signed(#[from] SignedMetadataError),
    /// The issuer's metadata have to be signed, and are not.
    #[error("the metadata of the credential issuer are not signed")]
    NotSigned,
    /// The authorization server's metadata is refused.
    #[error("authorization server: {0}")]
    AuthorizationServer(MetadataError),
    /// The offer names an authorization server that the issuer does not.
    #[error("the offer names an authorization server that the issuer does not name")]
    ForeignAuthorizationServer,
    /// The offer names a configuration that the issuer does not have.
    #[error("the offer names the configuration {0}, which the issuer does not have")]
    UnknownConfiguration(CredentialConfigurationId),
    /// The issuer demands encryption of a kind that is not supported.
    #[error("the issuer demands encryption of a kind that is not supported")]
    EncryptionRequired,
    /// Neither the offer nor the authorization server has a grant that is supported.
    #[error("the offer has no grant that is supported")]
    GrantUnsupported,
    /// The authorization server does not say what a login needs: an endpoint, `S256`.
    #[error("the authorization server does not offer the authorization code flow with S256")]
    LoginUnsupported,
    /// The authorization server has no token endpoint.
    #[error("the authorization server has no token endpoint")]
    TokenEndpointMissing,
}

/// An offer that has to be fetched; only after the holder acted (§15.6).
#[derive(Clone, Debug)]
pub struct OfferReference(Url);

impl OfferReference {
    /// Takes the reference out of a link.
    pub const fn new(place: Url) -> Self {
        Self(place)
    }

    /// Where the offer will be fetched from, for the holder to see.
    pub const fn place(&self) -> &Url {
        &self.0
    }

    /// §4.1.3: a GET.
    pub fn request(&self) -> OutgoingRequest {
        OutgoingRequest::get(self.0.clone())
    }

    /// Reads the offer.
    ///
    /// # Errors
    /// [`DiscoveryError::Unavailable`] and [`DiscoveryError::Offer`].
    pub fn receive(
        self,
        response: IncomingResponse<'_>,
        transport: Transport,
    ) -> Result<CredentialOffer, DiscoveryError> {
        Ok(CredentialOffer::parse(document("credential offer", response)?, transport)?)
    }
}

/// Whether an issuer's metadata are asked for with a signature (§12.2.3), and whose is believed.
#[derive(Clone, Debug, Default)]
pub enum SignedMetadata {
    /// In JSON, for which its host alone vouches.
    #[default]
    Unasked,
    /// Signed, from an issuer that signs them; a signature that does not hold is refused all the same.
    Preferred(TrustAnchors),
    /// Signed, or not at all.
    Required(TrustAnchors),
}

/// Both forms, the signed one first.
const PREFERRED: &str = "application/jwt, application/json;q=0.9";

/// An offer whose issuer has not been asked yet.
#[derive(Clone, Debug)]
pub struct Discovery {
    offer: CredentialOffer,
    signed: SignedMetadata,
}

impl Discovery {
    /// Begins with an offer, which is untrusted input (§4.1).
    pub const fn new(offer: CredentialOffer) -> Self {
        Self { offer, signed: SignedMetadata::Unasked }
    }

    /// With a wish for signed metadata.
    #[must_use]
    pub fn signed(self, signed: SignedMetadata) -> Self {
        Self { signed, ..self }
    }

    /// Asks the issuer about itself, at the place its identifier gives.
    pub fn request(&self) -> OutgoingRequest {
        let accepts = match &self.signed {
            SignedMetadata::Unasked => None,
            SignedMetadata::Preferred(_) => Some(PREFERRED),
            SignedMetadata::Required(_) => Some(SIGNED_METADATA),
        };
        let place = self.offer.issuer.well_known(WellKnown::CredentialIssuer);
        OutgoingRequest { accepts, ..OutgoingRequest::get(place) }
    }

    /// The same without the wish, where the issuer answers that it has no such form and none is required.
    pub fn in_json(&self, response: IncomingResponse<'_>) -> Option<Self> {
        let wished = matches!(self.signed, SignedMetadata::Preferred(_));
        (wished && response.status == 406).then(|| Self::new(self.offer.clone()))
    }

    /// Reads the issuer's metadata and chooses its authorization server.
    ///
    /// # Errors
    /// One [`DiscoveryError`] per rule.
    pub fn receive(
        self,
        response: IncomingResponse<'_>,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<AuthorizationServerDiscovery, DiscoveryError> {
        let signature = match (&self.signed, response.signed()) {
            (SignedMetadata::Preferred(anchors) | SignedMetadata::Required(anchors), Some(jwt)) => {
                Some((anchors, jwt))
            }
            // §12.2.3: a wallet that demands them signed takes no others
            (SignedMetadata::Required(_), None) if response.status == 200 => {
                return Err(DiscoveryError::NotSigned);
            }
            _ => None,
        };
        let issuer = match signature {
            Some((anchors, jwt)) => {
                let jwt = std::str::from_utf8(jwt).map_err(|_| MetadataError::Malformed);
                let (jwt, own) = (jwt.map_err(DiscoveryError::Issuer)?, &self.offer.issuer);
                CredentialIssuerMetadata::parse_signed(jwt, own, anchors, now, provider)?
            }
            None => {
                let body = document("credential issuer metadata", response)?;
                CredentialIssuerMetadata::parse(body, &self.offer.issuer)
                    .map_err(DiscoveryError::Issuer)?
            }
        };
        let signed = signature.is_some();
        // §4.1.1: every configuration on offer is one of the issuer's
        let unknown = |id: &&CredentialConfigurationId| {
            !issuer.credential_configurations_supported.contains_key(id)
        };
        if let Some(id) = self.offer.configurations.iter().find(unknown) {
            return Err(DiscoveryError::UnknownConfiguration(id.clone()));
        }
        let requests = issuer.credential_request_encryption.as_ref();
        if !WalletEncryption::is_possible(requests, issuer.credential_response_encryption.as_ref())
        {
            return Err(DiscoveryError::EncryptionRequired);
        }
        let server = authorization_server(&self.offer, &issuer)?;
        Ok(AuthorizationServerDiscovery { offer: self.offer, issuer, signed, server })
    }
}

fn authorization_server(
    offer: &CredentialOffer,
    issuer: &CredentialIssuerMetadata,
) -> Result<IssuerUrl, DiscoveryError> {
    let named = match &offer.grants {
        Grants::PreAuthorized(code) | Grants::Both(_, code) => code.authorization_server.as_ref(),
        Grants::AuthorizationCode(login) => login.authorization_server.as_ref(),
        Grants::None => None,
    };
    match named {
        // §4.1.1: what the offer names must be one of those that the metadata names
        Some(named) if issuer.authorization_servers.contains(named) => Ok(named.clone()),
        Some(_) => Err(DiscoveryError::ForeignAuthorizationServer),
        // §12.2.4: without authorization_servers the issuer is its own
        None => {
            Ok(issuer.authorization_servers.first().unwrap_or(&issuer.credential_issuer).clone())
        }
    }
}

/// An issuer that is known, and its authorization server that is not.
#[derive(Clone, Debug)]
pub struct AuthorizationServerDiscovery {
    offer: CredentialOffer,
    issuer: CredentialIssuerMetadata,
    signed: bool,
    server: IssuerUrl,
}

impl AuthorizationServerDiscovery {
    /// Asks the authorization server about itself (RFC 8414 §3.1).
    pub fn request(&self) -> OutgoingRequest {
        OutgoingRequest::get(self.server.well_known(WellKnown::AuthorizationServer))
    }

    /// Reads the authorization server's metadata.
    ///
    /// # Errors
    /// One [`DiscoveryError`] per rule.
    pub fn receive(self, response: IncomingResponse<'_>) -> Result<CheckedOffer, DiscoveryError> {
        let body = document("authorization server metadata", response)?;
        let server = AuthorizationServerMetadata::parse(body, &self.server)
            .map_err(DiscoveryError::AuthorizationServer)?;
        let Self { offer, issuer, signed, .. } = self;
        Ok(CheckedOffer { offer, issuer, signed, server })
    }
}

/// An offer whose parts fit together: ready to be shown to the holder.
#[derive(Clone, Debug)]
pub struct CheckedOffer {
    offer: CredentialOffer,
    issuer: CredentialIssuerMetadata,
    signed: bool,
    server: AuthorizationServerMetadata,
}

/// One credential of an offer, as the issuer describes it.
#[derive(Clone, Copy, Debug)]
pub struct OfferedCredential<'a> {
    /// Its name.
    pub id: &'a CredentialConfigurationId,
    /// What the issuer says about it.
    pub metadata: &'a CredentialConfigurationMetadata,
    /// Why it cannot be taken, if it cannot.
    pub unsupported: Option<Unsupported>,
}

/// Why a credential cannot be taken by this wallet.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Unsupported {
    /// A format that this wallet does not keep.
    #[error("the credential format is not supported")]
    Format,
    /// No key proof, or no binding, of a kind that is supported.
    #[error("the credential is bound to a key in a way that is not supported")]
    Binding,
    /// Keys must be attested.
    #[error("the issuer demands a key attestation")]
    KeyAttestation,
}

impl CheckedOffer {
    /// Who offers.
    pub const fn issuer(&self) -> &CredentialIssuerMetadata {
        &self.issuer
    }

    /// Whether somebody who is believed signed what the issuer says about itself.
    pub const fn is_signed(&self) -> bool {
        self.signed
    }

    /// Who gives the token.
    pub const fn authorization_server(&self) -> &AuthorizationServerMetadata {
        &self.server
    }

    /// What is offered, in the order of the offer.
    pub fn credentials(&self) -> impl Iterator<Item = OfferedCredential<'_>> {
        self.offer.configurations.iter().filter_map(|id| {
            let metadata = self.issuer.credential_configurations_supported.get(id)?;
            Some(OfferedCredential { id, metadata, unsupported: metadata.unsupported() })
        })
    }

    /// Whether the holder can bring a code.
    pub const fn has_code(&self) -> bool {
        matches!(self.offer.grants, Grants::PreAuthorized(_) | Grants::Both(..))
    }

    /// Goes on with a login; after the holder agreed.
    ///
    /// # Errors
    /// [`DiscoveryError::GrantUnsupported`], [`DiscoveryError::LoginUnsupported`] and
    /// [`DiscoveryError::TokenEndpointMissing`].
    pub fn log_in(self) -> Result<LoginOffer, DiscoveryError> {
        let grant = match self.offer.grants {
            Grants::AuthorizationCode(grant) | Grants::Both(grant, _) => Some(grant),
            // §4.1.1: the authorization server's metadata decides
            Grants::None => None,
            Grants::PreAuthorized(_) => return Err(DiscoveryError::GrantUnsupported),
        };
        let server = self.server;
        if !server.offers_grant(CODE_GRANT) {
            return Err(DiscoveryError::GrantUnsupported);
        }
        // RFC 9700 §2.1.1: S256 or nothing
        let methods = &server.code_challenge_methods_supported;
        if server.authorization_endpoint.is_none() || !methods.iter().any(|name| name == "S256") {
            return Err(DiscoveryError::LoginUnsupported);
        }
        if server.token_endpoint.is_none() {
            return Err(DiscoveryError::TokenEndpointMissing);
        }
        let issuer_state = grant.and_then(|grant| grant.issuer_state);
        Ok(LoginOffer::new(self.issuer, server, self.offer.configurations, issuer_state))
    }

    /// Goes on with the pre-authorized code; after the holder agreed.
    ///
    /// # Errors
    /// [`DiscoveryError::GrantUnsupported`] and [`DiscoveryError::TokenEndpointMissing`].
    pub fn redeem(self) -> Result<PreAuthorizedOffer, DiscoveryError> {
        let grant = match self.offer.grants {
            Grants::PreAuthorized(grant) | Grants::Both(_, grant) => grant,
            Grants::AuthorizationCode(_) | Grants::None => {
                return Err(DiscoveryError::GrantUnsupported);
            }
        };
        if self.server.token_endpoint.is_none() {
            return Err(DiscoveryError::TokenEndpointMissing);
        }
        Ok(PreAuthorizedOffer::new(grant, self.server, self.issuer, self.offer.configurations))
    }
}

fn document<'a>(
    name: &'static str,
    response: IncomingResponse<'a>,
) -> Result<&'a [u8], DiscoveryError> {
    let unavailable = |fault| Err(DiscoveryError::Unavailable(name, fault));
    match response.sort() {
        // exactly 200: nothing else is a document
        Sorted::Success(body) if response.status == 200 => Ok(body),
        Sorted::Fault(fault) => unavailable(fault),
        Sorted::Success(_) | Sorted::Peer(_) => unavailable(ResponseFault::Status(response.status)),
    }
}
