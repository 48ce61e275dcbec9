//! The keys of an issuer: one for everything, and others for the formats that need another.

use lanyard_core::{
    credential::Format,
    crypto::SignatureAlgorithm,
    did::{Did, DidUrl},
    trust::x509::CertificateChain,
};

use super::{Issuer, IssuerName, IssuingKey, Profile};
use crate::{CredentialConfigurationId, configuration::CredentialFormat};

impl Issuer {
    /// With a key of its own for one format: a document signer for mdocs, a DID for W3C credentials.
    #[must_use]
    pub fn with_key(mut self, format: Format, key: IssuingKey) -> Self {
        self.own_keys.retain(|(of, _)| *of != format);
        self.own_keys.push((format, key));
        self
    }

    /// The key that credentials of a format are signed with.
    pub fn key_for(&self, format: Format) -> &IssuingKey {
        let own = self.own_keys.iter().find(|(of, _)| *of == format);
        own.map_or(&self.key, |(_, key)| key)
    }

    /// The configurations that cannot be issued, as they demand attested keys and nobody is believed
    /// about any.
    pub fn without_attesters(&self) -> Vec<&CredentialConfigurationId> {
        let credentials = self.configuration.credentials().iter();
        credentials
            .filter(|credential| self.attesters.is_empty() && credential.needs_attesters())
            .map(|credential| &credential.id)
            .collect()
    }

    /// The configurations whose keys the High Assurance profile does not allow, where it is kept to.
    pub fn outside_haip(&self) -> Vec<&CredentialConfigurationId> {
        let outside = |format: &CredentialFormat| {
            // HAIP covers these two formats alone
            let covered = matches!(format.format(), Format::SdJwtVc | Format::MsoMdoc);
            covered && !self.is_haip_key(self.key_for(format.format()))
        };
        let credentials = self.configuration.credentials().iter();
        credentials
            .filter(|one| self.rules.profile() == Profile::Haip && outside(&one.format))
            .map(|one| &one.id)
            .collect()
    }

    fn is_haip_key(&self, key: &IssuingKey) -> bool {
        // HAIP §6.1.1, §6.2: the certificate goes along, and is that of the key
        let IssuerName::Certificate { chain, .. } = &key.name else { return false };
        let leaf = CertificateChain::from_x5c(chain);
        let leaf = leaf.and_then(|chain| chain.danger_leaf_key(&*self.provider));
        // HAIP §7: ES256 is what everybody verifies
        leaf.is_ok_and(|leaf| leaf == *key.signer.public_key())
            && key.signer.algorithm() == SignatureAlgorithm::Es256
    }

    /// Configurations that cannot be issued, because their format cannot name its key that way.
    pub fn without_key(&self) -> Vec<&CredentialConfigurationId> {
        let unfit = |format: &CredentialFormat| !format.takes(self.key_for(format.format()));
        self.configuration
            .credentials()
            .iter()
            .filter(|credential| unfit(&credential.format))
            .map(|credential| &credential.id)
            .collect()
    }
}

impl CredentialFormat {
    fn takes(&self, key: &IssuingKey) -> bool {
        match (self, &key.name) {
            (Self::SdJwtVc { .. }, _)
            // ISO/IEC 18013-5 §9.1.2.4: the document signer's certificate is beside the signature
            | (Self::MsoMdoc { .. }, IssuerName::Certificate { .. })
            // VCDM 1.1 §4.5: a credential names its issuer
            | (Self::JwtVcJson { .. }, IssuerName::Identifier { .. })
            | (Self::JwtVcJson { .. }, IssuerName::Certificate { iss: Some(_), .. }) => true,
            // VC Data Integrity §2.1: the proof names a verification method of the issuer's
            (Self::LdpVc { cryptosuite, .. }, IssuerName::Identifier { .. }) => {
                cryptosuite.algorithm(key.signer.public_key()).is_some()
                    && key.name.verification_method().is_some()
            }
            _ => false,
        }
    }
}

impl IssuerName {
    /// The DID URL of the key, for an issuer that is a DID.
    pub(super) fn verification_method(&self) -> Option<DidUrl> {
        let Self::Identifier { iss, key_id: Some(key_id) } = self else { return None };
        let (did, url) = (Did::parse(iss.as_str()).ok()?, DidUrl::parse(key_id).ok()?);
        (*url.did() == did && url.names_a_key()).then_some(url)
    }
}
