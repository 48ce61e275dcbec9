//! Which certificates an anchor is known to have signed, so that a certificate that comes with every
//! presentation has its signature checked once. Everything else about it is checked each time.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{ChainError, certificate::Certificate};
use crate::crypto::{CryptoProvider, HashAlgorithm, HashValue};

/// How many certificates are remembered. Only an anchor's own signature puts one here.
const MOST: usize = 64;

/// Digests of an anchor with a certificate under it, the newest last; clones remember together.
#[derive(Clone, Debug, Default)]
pub(super) struct Vouched(Arc<Mutex<VecDeque<HashValue>>>);

impl Vouched {
    /// Whether an anchor signed a certificate (RFC 5280 §6.1.3(a)(1)).
    pub(super) fn check(
        &self,
        anchor: &Certificate,
        certificate: &Certificate,
        provider: &dyn CryptoProvider,
    ) -> Result<(), ChainError> {
        // DER says its own length, so no two pairs share these bytes
        let pair = [anchor.der.as_slice(), certificate.der.as_slice()].concat();
        let pair = provider.hash(HashAlgorithm::Sha256, &pair);
        if self.known().contains(&pair) {
            return Ok(());
        }
        certificate.verify_signature(&anchor.public_key(provider)?, provider)?;
        let mut known = self.known();
        if known.len() == MOST {
            known.pop_front();
        }
        known.push_back(pair);
        Ok(())
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<HashValue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, feature = "aws-lc"))]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    };

    use super::*;
    use crate::crypto::AwsLc;

    struct Authority(Certificate, Issuer<'static, KeyPair>);

    fn authority() -> Authority {
        let key = KeyPair::generate().expect("a key is made");
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.self_signed(&key).expect("it is signed");
        let certificate = Certificate::parse(certificate.der()).expect("it is a certificate");
        Authority(certificate, Issuer::new(params, key))
    }

    fn below(Authority(_, issuer): &Authority) -> Certificate {
        let key = KeyPair::generate().expect("a key is made");
        let certificate =
            CertificateParams::default().signed_by(&key, issuer).expect("it is signed");
        Certificate::parse(certificate.der()).expect("it is a certificate")
    }

    #[test]
    fn a_certificate_is_remembered_once_and_by_every_clone() {
        let (vouched, authority) = (Vouched::default(), authority());
        let certificate = below(&authority);
        for vouched in [&vouched, &vouched.clone()] {
            assert_eq!(vouched.check(&authority.0, &certificate, &AwsLc), Ok(()));
            assert_eq!(vouched.known().len(), 1);
        }
    }

    #[test]
    fn what_an_anchor_did_not_sign_is_refused_and_not_remembered() {
        let (vouched, ours, theirs) = (Vouched::default(), authority(), authority());
        let certificate = below(&theirs);
        assert_eq!(vouched.check(&theirs.0, &certificate, &AwsLc), Ok(()));
        for _ in 0..2 {
            let refused = vouched.check(&ours.0, &certificate, &AwsLc);
            assert_eq!(refused, Err(ChainError::Signature));
        }
        assert_eq!(vouched.known().len(), 1);
    }

    #[test]
    fn the_oldest_make_room() {
        let (vouched, authority) = (Vouched::default(), authority());
        for _ in 0..=MOST {
            assert_eq!(vouched.check(&authority.0, &below(&authority), &AwsLc), Ok(()));
        }
        assert_eq!(vouched.known().len(), MOST);
    }
}
