//! Whose credentials are believed, and how their keys are found (SD-JWT VC §2.5).

mod claimed;
mod metadata;
mod names;
mod scope;

use std::{fmt, sync::Arc};

use thiserror::Error;

pub use claimed::{ClaimedCertificates, ClaimedIssuer};
pub use metadata::{
    IssuerMetadata, IssuerMetadataError, IssuerMetadataSource, IssuerMetadataUnavailable,
    PublishedKeys,
};
pub use names::{IssuerIdentifier, NameError};
pub(crate) use names::{well_formed, well_formed_uri};
pub(crate) use scope::TypeScope;

use super::{
    LiveTrust,
    x509::{
        CertificateChain, ChainError, LocalRevocationLists, RevocationListSource, RevocationLists,
        RevocationRule, TrustAnchors, VerifiedChain,
    },
};
use crate::{
    Timestamp,
    credential::CredentialType,
    crypto::{CryptoProvider, PublicKey},
    did::{Did, DidMethods, DidResolver, DidUrl, ResolutionError},
    jose::Jwk,
};

/// Whom a verifier or wallet believes, for which types of credential.
///
/// The mechanism by which an issuer's key is found is decided here, never by the credential: an issuer
/// that is trusted by its DID or by its keys is not looked up in a certificate that came along.
#[derive(Clone, Debug, Default)]
pub struct IssuerTrust {
    rules: Vec<Rule>,
    revocation: RevocationRule,
}

#[derive(Clone, Debug)]
struct Rule {
    source: IssuerKeySource,
    types: TypeScope,
}

/// How the key of a trusted issuer is found.
#[derive(Clone, Debug)]
pub enum IssuerKeySource {
    /// By `x5c`, for every issuer whose chain ends at one of these anchors.
    Certificates {
        /// The authorities.
        anchors: TrustAnchors,
        /// What an `iss` beside a certificate must be.
        iss: CertificateIss,
    },
    /// By resolving this DID; `kid` is a DID URL of it (a profile: the specification has none).
    Did(Did),
    /// By keys that were configured.
    Keys {
        /// The `iss` that these keys sign for.
        issuer: IssuerIdentifier,
        /// The keys.
        keys: Vec<Jwk>,
    },
    /// By the metadata that the issuer publishes under its `iss` (SD-JWT VC §4).
    Metadata(IssuerIdentifier),
}

/// What an `iss` beside a certificate must be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CertificateIss {
    /// A name of the certificate: its host a DNS name, or itself a URI (HAIP deployments).
    #[default]
    MatchesCertificate,
    /// Anything: the issuer is the certificate's subject and `iss` is not reported (SD-JWT VC §2.5).
    NotReported,
}

/// Who issued a credential, as far as that was verified.
#[derive(Clone, Debug)]
pub enum IssuerIdentity {
    /// The subject of a certificate, and `iss` where it is a name of that certificate.
    Certificate {
        /// The verified chain.
        chain: Box<VerifiedChain>,
        /// The `iss` that the certificate vouches for.
        issuer: Option<IssuerIdentifier>,
    },
    /// A DID.
    Did(Did),
    /// The owner of keys that were configured, or that it publishes itself.
    Identifier(IssuerIdentifier),
}

/// An issuer's key that the trust policy led to.
#[derive(Clone, Debug)]
pub struct IssuerKey {
    pub(crate) key: PublicKey,
    pub(crate) issuer: IssuerIdentity,
    /// What the rule that led to it believes the issuer for.
    pub(crate) types: TypeScope,
}

/// Why no key of a trusted issuer was found.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IssuerError {
    /// No rule is about this issuer.
    #[error("the issuer is not trusted")]
    NotTrusted,
    /// The issuer is trusted, but not for this type of credential.
    #[error("the issuer is not trusted for this type of credential")]
    NotTrustedForType,
    /// The certificate chain is refused.
    #[error("the issuer's certificate chain is refused: {0}")]
    Chain(ChainError),
    /// `iss` is no name of the certificate.
    #[error("iss is not a name in the issuer's certificate")]
    IssNotInCertificate,
    /// `kid` is missing, or is no DID URL of the issuer.
    #[error("kid is not a DID URL of the issuer")]
    KeyIdNotOfIssuer,
    /// The DID led to no key.
    #[error("the issuer's DID leads to no key: {0}")]
    Resolution(ResolutionError),
    /// The issuer's metadata led to no keys.
    #[error("the issuer's metadata leads to no key: {0}")]
    Metadata(IssuerMetadataError),
    /// None of the issuer's keys fits, or more than one does and `kid` does not say which.
    #[error("kid and alg do not lead to one of the issuer's keys")]
    KeyNotFound,
}

impl IssuerError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotTrusted | Self::Chain(ChainError::Untrusted) => "issuer_not_trusted",
            Self::NotTrustedForType => "issuer_not_trusted_for_type",
            Self::Chain(ChainError::Revoked) => "issuer_certificate_revoked",
            Self::Chain(ChainError::RevocationUnknown(_)) => "issuer_certificate_status_unknown",
            Self::Chain(_) => "issuer_certificate_refused",
            Self::IssNotInCertificate => "issuer_not_in_certificate",
            Self::KeyIdNotOfIssuer => "issuer_key_id",
            Self::Resolution(ResolutionError::Unreachable) => "issuer_key_unreachable",
            Self::Resolution(_) => "issuer_did_refused",
            Self::Metadata(error) if error.is_undetermined() => "issuer_key_unreachable",
            Self::Metadata(_) => "issuer_metadata_refused",
            Self::KeyNotFound => "issuer_key_not_found",
        }
    }

    /// Whether the issuer may turn out to be trusted once its key can be reached.
    pub const fn is_undetermined(&self) -> bool {
        match self {
            Self::Resolution(ResolutionError::Unreachable)
            | Self::Chain(ChainError::RevocationUnknown(_)) => true,
            Self::Metadata(error) => error.is_undetermined(),
            _ => false,
        }
    }
}

impl IssuerTrust {
    /// Believes nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Believes whoever has a certificate under these anchors, for every type.
    pub fn certificates(anchors: TrustAnchors) -> Self {
        let iss = CertificateIss::default();
        Self::new().with(IssuerKeySource::Certificates { anchors, iss })
    }

    /// Also believes these, for every type.
    #[must_use]
    pub fn with(mut self, source: IssuerKeySource) -> Self {
        self.rules.push(Rule { source, types: TypeScope::default() });
        self
    }

    /// Also believes these, for these types only.
    #[must_use]
    pub fn with_types(
        mut self,
        source: IssuerKeySource,
        types: impl IntoIterator<Item = impl Into<CredentialType>>,
    ) -> Self {
        let types = TypeScope::only(types.into_iter().map(Into::into));
        self.rules.push(Rule { source, types });
        self
    }

    /// Also believes whom another policy believes; the stricter rule about revoked certificates counts.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.rules.extend(other.rules);
        self.revocation = self.revocation.max(other.revocation);
        self
    }

    /// Reads the certificates of an `x5c`, unless they led to one of the anchors before.
    fn read(&self, x5c: &[Vec<u8>]) -> Result<CertificateChain, ChainError> {
        let known = self.rules.iter().find_map(|rule| match &rule.source {
            IssuerKeySource::Certificates { anchors, .. } => anchors.known(x5c),
            _ => None,
        });
        known.map_or_else(|| CertificateChain::from_x5c(x5c), Ok)
    }

    /// With another rule about revoked certificates than to look at no list.
    #[must_use]
    pub const fn with_revocation(mut self, rule: RevocationRule) -> Self {
        self.revocation = rule;
        self
    }
}

/// Finds issuers' keys by a trust policy.
#[derive(Clone)]
pub struct IssuerKeys {
    trust: LiveTrust,
    resolver: Arc<dyn DidResolver>,
    metadata: Option<Arc<dyn IssuerMetadataSource>>,
    revocation_lists: Arc<RevocationLists>,
    provider: Arc<dyn CryptoProvider>,
}

impl IssuerKeys {
    /// With the DID methods that need no network.
    pub fn new(trust: impl Into<LiveTrust>, provider: Arc<dyn CryptoProvider>) -> Self {
        let trust = trust.into();
        let resolver = Arc::new(DidMethods::new(Arc::clone(&provider)));
        let revocation_lists =
            Arc::new(RevocationLists::new(Arc::new(LocalRevocationLists::new())));
        Self { trust, resolver, metadata: None, revocation_lists, provider }
    }

    /// With another resolver for DIDs.
    #[must_use]
    pub fn with_resolver(mut self, resolver: Arc<dyn DidResolver>) -> Self {
        self.resolver = resolver;
        self
    }

    /// With a source for the metadata that issuers publish; without one their keys are unreachable.
    #[must_use]
    pub fn with_issuer_metadata(mut self, source: Arc<dyn IssuerMetadataSource>) -> Self {
        self.metadata = Some(source);
        self
    }

    /// With a source for lists of revoked certificates; without one every list is unreachable.
    #[must_use]
    pub fn with_revocation_lists(mut self, source: Arc<dyn RevocationListSource>) -> Self {
        self.revocation_lists = Arc::new(RevocationLists::new(source));
        self
    }

    /// The provider that checks certificates.
    pub fn provider(&self) -> &dyn CryptoProvider {
        &*self.provider
    }

    /// The resolver for DIDs: issuers' here, holders' where a presentation names one.
    pub fn resolver(&self) -> &dyn DidResolver {
        &*self.resolver
    }

    /// Finds the key for a credential that claims to be by a certain issuer.
    ///
    /// # Errors
    /// One [`IssuerError`] per rule; see [`IssuerError::is_undetermined`].
    pub async fn find(
        &self,
        claimed: &ClaimedIssuer<'_>,
        now: Timestamp,
    ) -> Result<IssuerKey, IssuerError> {
        // one policy for the whole of this search, whatever replaces it meanwhile
        let trust = self.trust.current();
        // SD-JWT VC §2.5: the mechanism is fixed for an issuer, so an attacker cannot pick another
        let named: Vec<_> = trust.rules.iter().filter(|rule| rule.names(claimed)).collect();
        if named.is_empty() {
            return self.by_certificate(&trust, claimed, now).await;
        }
        let rule = named
            .into_iter()
            .find(|rule| rule.types.cover_all(&claimed.types))
            .ok_or(IssuerError::NotTrustedForType)?;
        let (key, issuer) = match &rule.source {
            IssuerKeySource::Did(did) => self.by_did(did, claimed).await?,
            IssuerKeySource::Keys { issuer, keys } => one_of(issuer, keys, claimed)?,
            IssuerKeySource::Metadata(issuer) => self.by_metadata(issuer, claimed).await?,
            IssuerKeySource::Certificates { .. } => return Err(IssuerError::NotTrusted),
        };
        Ok(IssuerKey { key, issuer, types: rule.types.clone() })
    }

    async fn by_certificate(
        &self,
        trust: &IssuerTrust,
        claimed: &ClaimedIssuer<'_>,
        now: Timestamp,
    ) -> Result<IssuerKey, IssuerError> {
        // without a certificate there is nothing to go by, as no rule is about this issuer
        let certificates = claimed.certificates.ok_or(IssuerError::NotTrusted)?;
        let chain = trust.read(certificates.der).map_err(IssuerError::Chain)?;
        let mut refusal = IssuerError::NotTrusted;
        for rule in &trust.rules {
            let IssuerKeySource::Certificates { anchors, iss } = &rule.source else {
                continue;
            };
            match chain.clone().verify(anchors, certificates.purpose, now, self.provider()) {
                Ok(_) if !rule.types.cover_all(&claimed.types) => {
                    refusal = IssuerError::NotTrustedForType;
                }
                Ok(chain) => {
                    // RFC 5280 §6.3: only a chain that leads to an anchor is worth asking for
                    let (lists, demanded) = (&*self.revocation_lists, trust.revocation);
                    let asked = chain.ask_revocation(lists, demanded, now, self.provider()).await;
                    asked.map_err(IssuerError::Chain)?;
                    let (key, issuer) = certified(chain, *iss, claimed.issuer)?;
                    return Ok(IssuerKey { key, issuer, types: rule.types.clone() });
                }
                // a chain of another rule's authority is no news; anything else is worth telling
                Err(ChainError::Untrusted) if refusal != IssuerError::NotTrusted => {}
                Err(error) => refusal = IssuerError::Chain(error),
            }
        }
        Err(refusal)
    }

    async fn by_did(
        &self,
        did: &Did,
        claimed: &ClaimedIssuer<'_>,
    ) -> Result<(PublicKey, IssuerIdentity), IssuerError> {
        let url = claimed.key_id.and_then(|kid| DidUrl::parse(kid).ok());
        // DID 1.1 §5.3: the key is one of the issuer's own document
        let url = url.filter(|url| url.did() == did).ok_or(IssuerError::KeyIdNotOfIssuer)?;
        let document = self.resolver.resolve(did).await.map_err(IssuerError::Resolution)?;
        let key = *document.assertion_method(&url).map_err(IssuerError::Resolution)?;
        Ok((key, IssuerIdentity::Did(did.clone())))
    }

    async fn by_metadata(
        &self,
        issuer: &IssuerIdentifier,
        claimed: &ClaimedIssuer<'_>,
    ) -> Result<(PublicKey, IssuerIdentity), IssuerError> {
        let unreachable = IssuerMetadataUnavailable::Unreachable;
        let source = self.metadata.as_deref().ok_or(IssuerError::Metadata(unreachable.into()))?;
        let keys = IssuerMetadata::keys(issuer, source).await.map_err(IssuerError::Metadata)?;
        one_of(issuer, &keys, claimed)
    }
}

/// The key of a verified chain, if `iss` is what the rule wants it to be.
fn certified(
    chain: VerifiedChain,
    rule: CertificateIss,
    iss: Option<&IssuerIdentifier>,
) -> Result<(PublicKey, IssuerIdentity), IssuerError> {
    let issuer = match (rule, iss) {
        (CertificateIss::NotReported, _) | (_, None) => None,
        (CertificateIss::MatchesCertificate, Some(iss)) => {
            let host = iss.host();
            let is_host =
                |name: &str| host.as_ref().is_some_and(|host| host.eq_ignore_ascii_case(name));
            // HAIP 1.0 §6.1.1: the certificate is that of the issuer whom the credential names
            if !chain.dns_names().any(is_host) && !chain.uri_names().any(|uri| uri == iss.as_str())
            {
                return Err(IssuerError::IssNotInCertificate);
            }
            Some(iss.clone())
        }
    };
    let key = *chain.public_key();
    Ok((key, IssuerIdentity::Certificate { chain: Box::new(chain), issuer }))
}

/// The one of an issuer's keys that `kid` and `alg` lead to.
fn one_of(
    issuer: &IssuerIdentifier,
    keys: &[Jwk],
    claimed: &ClaimedIssuer<'_>,
) -> Result<(PublicKey, IssuerIdentity), IssuerError> {
    // RFC 7517 §4.2 to §4.4: a key that is for something else signs no credential
    let fits = |jwk: &&Jwk| jwk.is_for_signatures() && Some(jwk.curve()) == claimed.curve;
    let fitting = || keys.iter().filter(fits);
    // RFC 7517 §4.5: kid matches exactly; a key without one is not excluded by it
    let named: Vec<_> = match claimed.key_id {
        Some(wanted) => fitting().filter(|jwk| jwk.kid.as_deref() == Some(wanted)).collect(),
        None => Vec::new(),
    };
    let found = match (named.is_empty(), claimed.key_id) {
        (false, _) => named,
        (true, Some(_)) => fitting().filter(|jwk| jwk.kid.is_none()).collect(),
        (true, None) => fitting().collect(),
    };
    match found.as_slice() {
        [jwk] => Ok((jwk.key, IssuerIdentity::Identifier(issuer.clone()))),
        _ => Err(IssuerError::KeyNotFound),
    }
}

impl Rule {
    /// Whether the rule is about the issuer that the credential names: by `iss`, else by a DID in `kid`.
    fn names(&self, claimed: &ClaimedIssuer<'_>) -> bool {
        match &self.source {
            IssuerKeySource::Certificates { .. } => false,
            IssuerKeySource::Keys { issuer, .. } | IssuerKeySource::Metadata(issuer) => {
                claimed.issuer == Some(issuer)
            }
            IssuerKeySource::Did(did) => match (claimed.issuer, claimed.key_id) {
                (Some(iss), _) => iss.as_str() == did.as_str(),
                (None, Some(kid)) => DidUrl::parse(kid).is_ok_and(|url| url.did() == did),
                (None, None) => false,
            },
        }
    }
}

impl IssuerIdentity {
    /// A name for humans: the certificate's subject, the DID or the identifier.
    pub fn name(&self) -> String {
        match self {
            Self::Certificate { chain, issuer } => match (chain.subject(), issuer) {
                (subject, Some(issuer)) if subject.is_empty() => issuer.to_string(),
                (subject, _) => subject,
            },
            Self::Did(did) => did.as_str().to_owned(),
            Self::Identifier(issuer) => issuer.to_string(),
        }
    }

    /// The authority key identifiers along the certificate chain, for DCQL `aki`.
    pub fn authority_key_identifiers(&self) -> impl Iterator<Item = &[u8]> {
        let chain = match self {
            Self::Certificate { chain, .. } => Some(chain),
            Self::Did(_) | Self::Identifier(_) => None,
        };
        chain.into_iter().flat_map(|chain| chain.authority_key_identifiers())
    }
}

impl IssuerKey {
    /// The key.
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }

    /// Whose key it is.
    pub const fn issuer(&self) -> &IssuerIdentity {
        &self.issuer
    }
}

impl fmt::Debug for IssuerKeys {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "IssuerKeys({} rules)", self.trust.current().rules.len())
    }
}
