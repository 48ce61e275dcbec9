//! The authorities an operator chose to believe.

use std::sync::Arc;

use x509_cert::{Certificate as Der, der::Encode as _};

use super::{CertificateChain, ChainError, certificate::Certificate, remembered::Remembered};
use crate::crypto::{CryptoProvider, HashAlgorithm, HashValue};

/// Trust anchors: certificates of authorities, by configuration and never from a message.
#[derive(Clone, Debug, Default)]
pub struct TrustAnchors {
    anchors: Vec<Arc<Certificate>>,
    /// Digests of an anchor with a certificate that it signed: one that comes with every presentation has its
    /// signature checked once, and everything else about it each time.
    vouched: Remembered<HashValue>,
    /// Chains that led here, read: every credential of an issuer carries the same one.
    led_here: Remembered<CertificateChain>,
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
        self.led_here.find(|chain| chain.is_of(x5c))
    }

    /// Remembers a chain that led to one of these anchors.
    pub(super) fn remember(&self, chain: &CertificateChain) {
        self.led_here.add(chain.clone(), |known| known.is_same(chain));
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
            match self.check_signed(anchor, certificate, provider) {
                Ok(()) => return Ok(anchor),
                Err(reason) => refusal = reason,
            }
        }
        Err(refusal)
    }

    /// Whether an anchor signed a certificate (RFC 5280 §6.1.3(a)(1)).
    fn check_signed(
        &self,
        anchor: &Certificate,
        certificate: &Certificate,
        provider: &dyn CryptoProvider,
    ) -> Result<(), ChainError> {
        // DER says its own length, so no two pairs share these bytes
        let pair = [anchor.der.as_slice(), certificate.der.as_slice()].concat();
        let pair = provider.hash(HashAlgorithm::Sha256, &pair);
        if self.vouched.find(|known| **known == pair).is_some() {
            return Ok(());
        }
        certificate.verify_signature(&anchor.public_key(provider)?, provider)?;
        self.vouched.add(pair, |known| *known == pair);
        Ok(())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Certificate> {
        self.anchors.iter().map(|anchor| &**anchor)
    }
}

#[cfg(all(test, feature = "aws-lc"))]
mod tests {
    use jiff::Timestamp;
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    };

    use super::*;
    use crate::{crypto::AwsLc, trust::x509::CertificatePurpose};

    struct Authority(TrustAnchors, Issuer<'static, KeyPair>);

    fn authority() -> Authority {
        let key = KeyPair::generate().expect("a key is made");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key).expect("it is signed");
        let anchors = TrustAnchors::from_der([certificate.der()]).expect("it is an authority");
        Authority(anchors, Issuer::new(params, key))
    }

    fn x5c(Authority(_, issuer): &Authority) -> Vec<Vec<u8>> {
        let key = KeyPair::generate().expect("a key is made");
        let mut params = CertificateParams::default();
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let certificate = params.signed_by(&key, issuer).expect("it is signed");
        vec![certificate.der().to_vec()]
    }

    fn verify(anchors: &TrustAnchors, x5c: &[Vec<u8>], now: Timestamp) -> Result<(), ChainError> {
        let purpose = CertificatePurpose::CredentialSigning;
        anchors.read(x5c)?.verify(anchors, purpose, now, &AwsLc).map(drop)
    }

    #[test]
    fn a_chain_that_led_here_is_known_to_every_clone() {
        let authority = authority();
        let (anchors, x5c) = (&authority.0, x5c(&authority));
        let clone = anchors.clone();
        assert!(anchors.known(&x5c).is_none());
        assert_eq!(verify(anchors, &x5c, Timestamp::now()), Ok(()));
        assert!(anchors.known(&x5c).is_some() && clone.known(&x5c).is_some());
    }

    #[test]
    fn what_is_remembered_is_judged_again_at_its_time() {
        let authority = authority();
        let x5c = x5c(&authority);
        assert_eq!(verify(&authority.0, &x5c, Timestamp::now()), Ok(()));
        assert_eq!(verify(&authority.0, &x5c, Timestamp::MAX), Err(ChainError::Expired));
    }

    #[test]
    fn a_chain_to_another_authority_of_the_same_name_is_refused_and_not_remembered() {
        let (ours, theirs) = (authority(), authority());
        let x5c = x5c(&theirs);
        assert_eq!(verify(&ours.0, &x5c, Timestamp::now()), Err(ChainError::Signature));
        assert!(ours.0.known(&x5c).is_none());
    }

    #[test]
    fn a_chain_with_one_certificate_more_is_another() {
        let authority = authority();
        let mut x5c = x5c(&authority);
        assert_eq!(verify(&authority.0, &x5c, Timestamp::now()), Ok(()));
        x5c.push(x5c[0].clone());
        assert!(authority.0.known(&x5c).is_none());
        assert!(authority.0.known(&[]).is_none());
    }

    fn signed(anchors: &TrustAnchors, x5c: &[Vec<u8>]) -> Result<(), ChainError> {
        let certificate = Certificate::parse(&x5c[0])?;
        anchors.check_signed(&anchors.anchors[0], &certificate, &AwsLc)
    }

    #[test]
    fn what_an_anchor_signed_is_known_to_every_clone() {
        let authority = authority();
        let (anchors, x5c) = (&authority.0, x5c(&authority));
        for anchors in [anchors, &anchors.clone()] {
            assert_eq!(signed(anchors, &x5c), Ok(()));
            assert_eq!(anchors.vouched.len(), 1);
        }
    }

    #[test]
    fn what_an_anchor_did_not_sign_is_refused_and_not_remembered() {
        let (ours, theirs) = (authority(), authority());
        let x5c = x5c(&theirs);
        assert_eq!(signed(&theirs.0, &x5c), Ok(()));
        for _ in 0..2 {
            assert_eq!(signed(&ours.0, &x5c), Err(ChainError::Signature));
        }
        assert_eq!(ours.0.vouched.len(), 0);
    }
}
