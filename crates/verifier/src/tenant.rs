//! One tenant, prepared: what can be made once is made once.

use std::sync::Arc;

use lanyard_core::{
    crypto::CryptoProvider,
    data_integrity::ProofVerifier,
    did::Did,
    status::StatusChecker,
    trust::x509::{ChainError, TrustAnchors},
    trust::{CertificateIss, IssuerKeySource, IssuerKeys, LiveTrust},
    verify::{Policy, PolicySet, PresentationVerifier},
};
use lanyard_oid4vp::{ClientId, dc_api::Origin};
use lanyard_store::TenantId;
use url::Url;

use crate::{
    ApiKey, DataKey, Preset, SettingsError, Sources, TenantSettings, VcApiTrust, names::Names,
};

/// A tenant with what it verifies by and the names it goes by.
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) names: Names,
    verifier: Arc<PresentationVerifier>,
    statuses: Option<Arc<StatusChecker>>,
    pub(crate) data_key: DataKey,
    pub(crate) api_keys: Vec<ApiKey>,
    pub(crate) presets: Vec<Preset>,
    pub(crate) return_origins: Vec<Url>,
    pub(crate) web_origins: Vec<Origin>,
    pub(crate) vc_api: Option<VcApiTrust>,
    verifying: Verifying,
}

/// What a verifier of presentations is made of.
struct Verifying {
    trust: LiveTrust,
    policy: Policy,
    policies: PolicySet,
    sources: Sources,
    provider: Arc<dyn CryptoProvider>,
}

impl Tenant {
    pub(crate) fn new(
        settings: TenantSettings,
        by_dns_name: Option<ClientId>,
        provider: &Arc<dyn CryptoProvider>,
    ) -> Result<Self, SettingsError> {
        let names = Names::new(&settings, by_dns_name, provider.as_ref())?;
        let verifying = Verifying {
            trust: settings.trust,
            policy: settings.policy,
            policies: settings.policies,
            sources: settings.sources,
            provider: Arc::clone(provider),
        };
        let (verifier, statuses) = verifying.believing(verifying.trust.clone());
        Ok(Self {
            names,
            verifier,
            statuses,
            id: settings.tenant,
            data_key: settings.data_key,
            api_keys: settings.api_keys,
            presets: settings.presets,
            return_origins: settings.return_origins,
            web_origins: settings.web_origins,
            vc_api: settings.vc_api,
            verifying,
        })
    }

    /// The verifier of the VC API, which believes this DID too where it believes any.
    pub(crate) fn verifier_for_vc_api(
        &self,
        trust: VcApiTrust,
        issuer: &[Did],
    ) -> Arc<PresentationVerifier> {
        match (trust, issuer) {
            (VcApiTrust::AnyDid, [issuer]) => {
                let source = IssuerKeySource::Did(issuer.clone());
                let trust = self.verifying.trust.current().as_ref().clone();
                self.verifying.believing(trust.with(source).into()).0
            }
            _ => Arc::clone(&self.verifier),
        }
    }

    /// Verifies proofs, whoever made them.
    pub(crate) fn proof_verifier(&self) -> ProofVerifier {
        let verifier = ProofVerifier::new(Arc::clone(&self.verifying.provider));
        match &self.verifying.sources.resolver {
            Some(resolver) => verifier.with_resolver(Arc::clone(resolver)),
            None => verifier,
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
        let trust = self.verifying.trust.current().as_ref().clone();
        Ok(self.verifying.believing(trust.with(source).into()).0)
    }

    /// What keeps the status lists of its credentials, where it looks at any.
    pub(crate) fn statuses(&self) -> Option<&StatusChecker> {
        self.statuses.as_deref()
    }
}

impl Verifying {
    /// A verifier that believes these, and what keeps the status lists for it.
    fn believing(
        &self,
        trust: LiveTrust,
    ) -> (Arc<PresentationVerifier>, Option<Arc<StatusChecker>>) {
        let Sources { resolver, issuer_metadata, revocation_lists, type_metadata, status_lists } =
            self.sources.clone();
        let mut keys = IssuerKeys::new(trust.clone(), Arc::clone(&self.provider));
        let mut verifier = PresentationVerifier::new(trust, Arc::clone(&self.provider))
            .with_policy(self.policy)
            .with_policies(self.policies.clone());
        if let Some(resolver) = resolver {
            keys = keys.with_resolver(Arc::clone(&resolver));
            verifier = verifier.with_resolver(resolver);
        }
        if let Some(source) = issuer_metadata {
            keys = keys.with_issuer_metadata(Arc::clone(&source));
            verifier = verifier.with_issuer_metadata(source);
        }
        if let Some(source) = revocation_lists {
            keys = keys.with_revocation_lists(Arc::clone(&source));
            verifier = verifier.with_revocation_lists(source);
        }
        if let Some(source) = type_metadata {
            verifier = verifier.with_type_metadata(source);
        }
        // a list is believed by the same rules as the credential that refers to it
        let statuses = status_lists.map(|lists| Arc::new(StatusChecker::new(keys, lists)));
        if let Some(statuses) = &statuses {
            verifier = verifier.with_status(statuses.clone());
        }
        (Arc::new(verifier), statuses)
    }
}
