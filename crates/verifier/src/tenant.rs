//! One tenant, prepared: what can be made once is made once.

use std::sync::Arc;

use lanyard_core::{
    crypto::CryptoProvider,
    data_integrity::ProofVerifier,
    did::Did,
    status::StatusChecker,
    trust::x509::TrustAnchors,
    trust::{CertificateIss, IssuerKeySource, IssuerKeys, IssuerTrust, LiveTrust},
    verify::{Policy, PolicySet, PresentationVerifier},
};
use lanyard_oid4vp::{ClientId, dc_api::Origin};
use lanyard_store::TenantId;
use url::Url;

use crate::{
    DataKey, Preset, RequestFault, RequestPolicy, SettingsError, SignInClient, Sources,
    TenantSettings, VcApiTrust, VerifierError, names::Names, policy::PolicyVerifiers,
};

/// A tenant with what it verifies by and the names it goes by.
pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) names: Names,
    verifier: Arc<PresentationVerifier>,
    statuses: Option<Arc<StatusChecker>>,
    pub(crate) data_key: DataKey,
    pub(crate) presets: Vec<Preset>,
    pub(crate) return_origins: Vec<Url>,
    pub(crate) web_origins: Vec<Origin>,
    pub(crate) sign_in_clients: Vec<SignInClient>,
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
            presets: settings.presets,
            return_origins: settings.return_origins,
            web_origins: settings.web_origins,
            sign_in_clients: settings.sign_in_clients,
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

    /// A question by its name, or by its name, `@` and its version; the highest unless told otherwise.
    pub(crate) fn preset(&self, name: &str) -> Option<&Preset> {
        let (id, version) = match name.split_once('@') {
            Some((id, version)) => (id, Some(version.parse().ok()?)),
            None => (name, None),
        };
        let wanted = |preset: &&Preset| {
            preset.id == id && version.is_none_or(|version: u32| version == preset.version)
        };
        self.presets.iter().filter(wanted).max_by_key(|preset| preset.version)
    }

    /// An application by its `client_id`.
    pub(crate) fn sign_in_client(&self, id: &str) -> Option<&SignInClient> {
        self.sign_in_clients.iter().find(|client| client.id == id)
    }

    /// The name of an application for people.
    pub(crate) fn sign_in_name(&self, id: &str) -> String {
        self.sign_in_client(id).map_or_else(|| id.to_owned(), |client| client.name.clone())
    }

    /// Verifies proofs, whoever made them.
    pub(crate) fn proof_verifier(&self) -> ProofVerifier {
        let verifier = ProofVerifier::new(Arc::clone(&self.verifying.provider));
        match &self.verifying.sources.resolver {
            Some(resolver) => verifier.with_resolver(Arc::clone(resolver)),
            None => verifier,
        }
    }

    /// What verifies the responses to one request, which also believes these authorities.
    pub(crate) fn verifiers_for(
        &self,
        anchors: &[String],
        policy: &RequestPolicy,
    ) -> Result<PolicyVerifiers, VerifierError> {
        let trust = policy.trust().map_err(RequestFault::from)?;
        let base = self.verifier_with(anchors, trust)?;
        let own = &self.verifying.policies;
        Ok(policy.verifiers(|further| match further.is_empty() {
            true => Arc::clone(&base),
            false => Arc::new(base.as_ref().clone().with_policies(own.clone().and(further))),
        }))
    }

    /// The tenant's verifier, which for one request believes others, or these authorities too.
    fn verifier_with(
        &self,
        anchors: &[String],
        trust: Option<IssuerTrust>,
    ) -> Result<Arc<PresentationVerifier>, RequestFault> {
        if anchors.is_empty() && trust.is_none() {
            return Ok(Arc::clone(&self.verifier));
        }
        let trust = trust.unwrap_or_else(|| self.verifying.trust.current().as_ref().clone());
        if anchors.is_empty() {
            return Ok(self.verifying.believing(trust.into()).0);
        }
        let mut more = TrustAnchors::default();
        for pem in anchors {
            more = more.and(TrustAnchors::from_pem(pem)?);
        }
        let source =
            IssuerKeySource::Certificates { anchors: more, iss: CertificateIss::default() };
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
        let Sources {
            resolver,
            issuer_metadata,
            revocation_lists,
            type_metadata,
            status_lists,
            shared_lists,
        } = self.sources.clone();
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
        let statuses = status_lists
            .map(|lists| Arc::new(StatusChecker::new(keys, lists).sharing(shared_lists)));
        if let Some(statuses) = &statuses {
            verifier = verifier.with_status(statuses.clone());
        }
        (Arc::new(verifier), statuses)
    }
}
