//! The names a verifier goes by, and how each request is signed for its name (OID4VP 1.0 §5.9.3).

use std::sync::Arc;

use crate::{ClientIdChoice, RequestFault, SettingsError, TenantSettings};
use lanyard_core::{
    crypto::CryptoProvider,
    did::{Did, DidUrl},
    jose::{Jwk, UnverifiedJws},
};
use lanyard_oid4vp::{ClientId, ClientIdPrefix, request::object::RequestSigner};

/// A name with the signer of requests in that name.
pub(crate) struct Name {
    pub(crate) client_id: ClientId,
    pub(crate) signer: RequestSigner,
}

/// Every name of a tenant that does not depend on the request.
pub(crate) struct Names {
    by_hash: Name,
    by_dns_name: Option<Name>,
    by_did: Name,
    by_attestation: Option<Name>,
    registered: Option<Name>,
}

impl Names {
    pub(crate) fn new(
        settings: &TenantSettings,
        by_dns_name: Option<ClientId>,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, SettingsError> {
        let certified = &settings.signer;
        let signer = certified.signer();
        let leaf = certified.chain().first().map(Vec::as_slice).unwrap_or_default();
        let others = &settings.other_names;
        let did = match &others.did {
            Some(url) => url.clone(),
            None => did_jwk(&Jwk::new(*signer.public_key())),
        };
        let attested = |attestation: &String| {
            let sub = UnverifiedJws::parse(attestation).ok()?.danger_unverified_claims().ok()?;
            let client_id = ClientId::verifier_attestation(sub.get("sub")?.as_str()?).ok()?;
            let signer = RequestSigner::attested(Arc::clone(signer), attestation);
            Some(Name { client_id, signer })
        };
        let by_attestation = match &others.attestation {
            None => None,
            Some(attestation) => {
                let name = attested(attestation);
                Some(name.ok_or_else(|| SettingsError::Attestation(settings.tenant.clone()))?)
            }
        };
        let registered = match &others.registered {
            None => None,
            Some(known) => {
                let client_id = ClientId::pre_registered(&known.client_id);
                let client_id =
                    client_id.map_err(|_| SettingsError::Registration(settings.tenant.clone()))?;
                let key_id = known.key_id.as_deref();
                let signer = RequestSigner::registered(Arc::clone(signer), key_id);
                Some(Name { client_id, signer })
            }
        };
        let certified = |client_id| Name { client_id, signer: certified.clone() };
        Ok(Self {
            by_hash: certified(ClientId::x509_hash(leaf, provider)),
            by_dns_name: by_dns_name.map(certified),
            by_did: Name {
                client_id: ClientId::decentralized_identifier(did.did()),
                signer: RequestSigner::of_did(Arc::clone(signer), &did),
            },
            by_attestation,
            registered,
        })
    }

    /// The name that was chosen; `redirect_uri` is no name of the tenant's.
    pub(crate) fn chosen(&self, choice: ClientIdChoice) -> Result<&Name, RequestFault> {
        match choice {
            ClientIdChoice::X509Hash | ClientIdChoice::RedirectUri => Ok(&self.by_hash),
            ClientIdChoice::X509SanDns => self.by_dns_name.as_ref().ok_or(RequestFault::NoDnsName),
            ClientIdChoice::DecentralizedIdentifier => Ok(&self.by_did),
            ClientIdChoice::VerifierAttestation => {
                self.by_attestation.as_ref().ok_or(RequestFault::NoAttestation)
            }
            ClientIdChoice::PreRegistered => {
                self.registered.as_ref().ok_or(RequestFault::NotRegistered)
            }
        }
    }

    /// The signer with the certificate.
    pub(crate) const fn certified(&self) -> &RequestSigner {
        &self.by_hash.signer
    }

    /// Every name, the chosen one first.
    pub(crate) fn all(&self, first: &Name) -> Vec<(ClientId, RequestSigner)> {
        let others =
            [self.by_dns_name.as_ref(), self.by_attestation.as_ref(), self.registered.as_ref()];
        let own = [&self.by_hash, &self.by_did].into_iter().chain(others.into_iter().flatten());
        let others = own.filter(|name| name.client_id != first.client_id);
        let pair = |name: &Name| (name.client_id.clone(), name.signer.clone());
        [first].into_iter().chain(others).map(pair).collect()
    }

    /// The signer of requests in a name; that of the certificate for a name that is no longer known.
    pub(crate) fn signer_of(&self, client_id: &ClientId) -> &RequestSigner {
        let name = match client_id.prefix() {
            ClientIdPrefix::DecentralizedIdentifier(_) => Some(&self.by_did),
            ClientIdPrefix::VerifierAttestation(_) => self.by_attestation.as_ref(),
            ClientIdPrefix::PreRegistered => self.registered.as_ref(),
            ClientIdPrefix::X509Hash(_)
            | ClientIdPrefix::X509SanDns(_)
            | ClientIdPrefix::RedirectUri(_) => None,
        };
        &name.unwrap_or(&self.by_hash).signer
    }
}

/// The did:jwk of a key, with the one fragment it has.
fn did_jwk(jwk: &Jwk) -> DidUrl {
    Did::from_jwk(jwk).with_fragment("0").expect("a digit is a fragment")
}
