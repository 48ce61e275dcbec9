//! The authorities an operator chose to believe.

use std::sync::Arc;

use x509_cert::{Certificate as Der, der::Encode as _};

use super::{
    CertificateChain, ChainError, certificate::Certificate, led_here::LedHere, vouched::Vouched,
};
use crate::crypto::CryptoProvider;

/// Trust anchors: certificates of authorities, by configuration and never from a message.
#[derive(Clone, Debug, Default)]
pub struct TrustAnchors {
    anchors: Vec<Arc<Certificate>>,
    vouched: Vouched,
    led_here: LedHere,
}

impl TrustAnchors {
    /// Reads DER certificates.
    ///
    /// # Errors
    /// [`ChainError::Malformed`], and [`ChainError::NotAnAuthority`] or
    /// [`ChainError::NotACertificateSigner`] for a certificate that could never anchor anything.
    pub fn from_der<D: AsRef<[u8]>>(
        certificates: impl IntoIterator<Item = D>,
    ) -> Result<Self, ChainError> {
        let read = |der: D| {
            let certificate = Certificate::parse(der.as_ref())?;
            certificate.check_authority()?;
            Ok(Arc::new(certificate))
        };
        let anchors = certificates.into_iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self { anchors, ..Self::default() })
    }

    /// Reads a PEM file with one certificate or more.
    ///
    /// # Errors
    /// As [`TrustAnchors::from_der`].
    pub fn from_pem(pem: &str) -> Result<Self, ChainError> {
        let certificates =
            Der::load_pem_chain(pem.as_bytes()).map_err(|_| ChainError::Malformed)?;
        let ders: Result<Vec<_>, _> = certificates.iter().map(Der::to_der).collect();
        Self::from_der(ders.map_err(|_| ChainError::Malformed)?)
    }

    /// With the anchors of another set.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.anchors.extend(other.anchors);
        self
    }

    /// The certificates, DER.
    pub fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.anchors.iter().map(|anchor| anchor.der.as_slice())
    }

    /// Whether nothing at all is trusted.
    pub fn is_empty(&self) -> bool {
        self.anchors.is_empty()
    }

    /// Reads the DER certificates of an `x5c`, leaf first; what led to one of these anchors before is
    /// not read again, and is no more trusted for it.
    ///
    /// # Errors
    /// As [`CertificateChain::from_x5c`].
    pub fn read(&self, x5c: &[Vec<u8>]) -> Result<CertificateChain, ChainError> {
        self.known(x5c).map_or_else(|| CertificateChain::from_x5c(x5c), Ok)
    }

    /// The chain of an `x5c` that led to one of these anchors before.
    pub(in crate::trust) fn known(&self, x5c: &[Vec<u8>]) -> Option<CertificateChain> {
        self.led_here.find(x5c)
    }

    /// Remembers a chain that led to one of these anchors.
    pub(super) fn remember(&self, chain: &CertificateChain) {
        self.led_here.remember(chain);
    }

    /// The anchor whose name and key stand behind a certificate.
    pub(super) fn behind(
        &self,
        certificate: &Certificate,
        provider: &dyn CryptoProvider,
    ) -> Result<&Arc<Certificate>, ChainError> {
        let mut refusal = ChainError::Untrusted;
        // an authority that renewed its key has two anchors of one name
        let named = |anchor: &&Arc<Certificate>| anchor.subject() == certificate.issuer();
        for anchor in self.anchors.iter().filter(named) {
            match self.vouched.check(anchor, certificate, provider) {
                Ok(()) => return Ok(anchor),
                Err(reason) => refusal = reason,
            }
        }
        Err(refusal)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Certificate> {
        self.anchors.iter().map(|anchor| &**anchor)
    }
}
