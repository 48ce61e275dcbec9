//! One tenant, prepared: what can be made once is made once.

use std::sync::Arc;

use lanyard_core::{
    crypto::CryptoProvider,
    did::DidResolver,
    status::{StatusChecker, StatusListSource},
    trust::x509::{ChainError, TrustAnchors},
    trust::{CertificateIss, IssuerKeySource, IssuerKeys, IssuerTrust},
    verify::{Policy, PresentationVerifier},
};
use lanyard_oid4vp::{ClientId, request::object::RequestSigner};
use lanyard_store::TenantId;
use url::Url;

use crate::{ApiKeyDigest, DataKey, Preset, TenantSettings};

/// A tenant with what it verifies by and the names it goes by.
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) signer: RequestSigner,
    pub(crate) by_hash: ClientId,
    pub(crate) by_dns_name: Option<ClientId>,
    verifier: Arc<PresentationVerifier>,
    pub(crate) data_key: DataKey,
    pub(crate) api_keys: Vec<ApiKeyDigest>,
    pub(crate) presets: Vec<Preset>,
    pub(crate) return_origins: Vec<Url>,
    verifying: Verifying,
}

/// What a verifier of presentations is made of.
struct Verifying {
    trust: IssuerTrust,
    policy: Policy,
    resolver: Option<Arc<dyn DidResolver>>,
    status_lists: Option<Arc<dyn StatusListSource>>,
    provider: Arc<dyn CryptoProvider>,
}

impl Tenant {
    pub(crate) fn new(
        settings: TenantSettings,
        by_dns_name: Option<ClientId>,
        provider: &Arc<dyn CryptoProvider>,
    ) -> Self {
        let leaf = settings.signer.chain.first().map(Vec::as_slice).unwrap_or_default();
        let verifying = Verifying {
            trust: settings.trust,
            policy: settings.policy,
            resolver: settings.resolver,
            status_lists: settings.status_lists,
            provider: Arc::clone(provider),
        };
        Self {
            by_hash: ClientId::x509_hash(leaf, provider.as_ref()),
            by_dns_name,
            verifier: verifying.believing(verifying.trust.clone()),
            id: settings.tenant,
            signer: settings.signer,
            data_key: settings.data_key,
            api_keys: settings.api_keys,
            presets: settings.presets,
            return_origins: settings.return_origins,
            verifying,
        }
    }

    /// The tenant's verifier, which for one request also believes these authorities.
    pub(crate) fn verifier_with(
        &self,
        anchors: &[String],
    ) -> Result<Arc<PresentationVerifier>, ChainError> {
        if anchors.is_empty() {
            return Ok(Arc::clone(&self.verifier));
        }
        let mut more = TrustAnchors::default();
        for pem in anchors {
            more = more.and(TrustAnchors::from_pem(pem)?);
        }
        let source =
            IssuerKeySource::Certificates { anchors: more, iss: CertificateIss::default() };
        Ok(self.verifying.believing(self.verifying.trust.clone().with(source)))
    }
}

impl Verifying {
    fn believing(&self, trust: IssuerTrust) -> Arc<PresentationVerifier> {
        let mut keys = IssuerKeys::new(trust.clone(), Arc::clone(&self.provider));
        let mut verifier =
            PresentationVerifier::new(trust, Arc::clone(&self.provider)).with_policy(self.policy);
        if let Some(resolver) = &self.resolver {
            keys = keys.with_resolver(Arc::clone(resolver));
            verifier = verifier.with_resolver(Arc::clone(resolver));
        }
        if let Some(lists) = &self.status_lists {
            // a list is believed by the same rules as the credential that refers to it
            let checker = StatusChecker::new(keys, Arc::clone(lists));
            verifier = verifier.with_status(Arc::new(checker));
        }
        Arc::new(verifier)
    }
}
