//! Chains that led to an anchor, read: every credential of an issuer carries the same one.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::CertificateChain;

/// How many chains are remembered. Only one that an anchor stands behind is, so nobody else makes room.
const MOST: usize = 64;

/// Chains as they were read, the newest last; clones remember together.
#[derive(Clone, Debug, Default)]
pub(super) struct LedHere(Arc<Mutex<VecDeque<CertificateChain>>>);

impl LedHere {
    pub(super) fn find(&self, x5c: &[Vec<u8>]) -> Option<CertificateChain> {
        self.known().iter().find(|chain| chain.is_of(x5c)).cloned()
    }

    pub(super) fn remember(&self, chain: &CertificateChain) {
        let mut known = self.known();
        if known.iter().any(|one| one.is_same(chain)) {
            return;
        }
        if known.len() == MOST {
            known.pop_front();
        }
        known.push_back(chain.clone());
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<CertificateChain>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, feature = "aws-lc"))]
mod tests {
    use jiff::Timestamp;
    use rcgen::{
        BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    };

    use super::*;
    use crate::{
        crypto::AwsLc,
        trust::x509::{CertificatePurpose, ChainError, TrustAnchors},
    };

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
    fn a_chain_is_remembered_once() {
        let known = LedHere::default();
        let chain = CertificateChain::from_x5c(&x5c(&authority())).expect("it is a chain");
        known.remember(&chain);
        known.remember(&chain);
        assert_eq!(known.known().len(), 1);
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

    #[test]
    fn the_oldest_make_room() {
        let (known, authority) = (LedHere::default(), authority());
        for _ in 0..=MOST {
            known.remember(&CertificateChain::from_x5c(&x5c(&authority)).expect("it is a chain"));
        }
        assert_eq!(known.known().len(), MOST);
    }
}
