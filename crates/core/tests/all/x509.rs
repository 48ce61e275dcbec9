//! Certificate chains: what leads to an anchor, and every refusal by name.

use jiff::Timestamp;
use lanyard_core::{
    crypto::{AwsLc, CryptoProvider, Curve, PublicKey, RustCrypto},
    trust::x509::{CertificateChain, CertificatePurpose, ChainError, TrustAnchors, VerifiedChain},
};
use lanyard_testkit::test_now;
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    NameConstraints, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ECDSA_P521_SHA512,
    PKCS_ED25519, PublicKeyData as _, SanType, SignatureAlgorithm,
};

const PROVIDERS: [&dyn CryptoProvider; 2] = [&RustCrypto, &AwsLc];

struct Authority {
    der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn root() -> Self {
        Self::root_with(&PKCS_ECDSA_P256_SHA256, |_| {})
    }

    fn root_with(
        algorithm: &'static SignatureAlgorithm,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let key = KeyPair::generate_for(algorithm).expect("a key can be made");
        let mut params = authority_params("Root");
        change(&mut params);
        let der = params.self_signed(&key).expect("a certificate can be made").der().to_vec();
        Self { der, issuer: Issuer::new(params, key) }
    }

    fn below(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key can be made");
        let mut params = authority_params(name);
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate can be made");
        Self { der: certificate.der().to_vec(), issuer: Issuer::new(params, key) }
    }

    fn leaf(&self, change: impl FnOnce(&mut CertificateParams)) -> Vec<u8> {
        self.leaf_of(&PKCS_ECDSA_P256_SHA256, change).0
    }

    fn leaf_of(
        &self,
        algorithm: &'static SignatureAlgorithm,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (Vec<u8>, KeyPair) {
        let key = KeyPair::generate_for(algorithm).expect("a key can be made");
        let mut params = leaf_params();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate can be made");
        (certificate.der().to_vec(), key)
    }

    fn anchors(&self) -> TrustAnchors {
        TrustAnchors::from_der([&self.der]).expect("a root is an anchor")
    }
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn leaf_params() -> CertificateParams {
    let mut params = params("Signer");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    params.subject_alt_names = vec![dns("signer.example")];
    params
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    params
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(name.try_into().expect("test names are ASCII"))
}

fn verify_for(
    purpose: CertificatePurpose,
    chain: &[Vec<u8>],
    anchors: &TrustAnchors,
    now: Timestamp,
) -> Result<VerifiedChain, ChainError> {
    let [one, other] = PROVIDERS.map(|provider| {
        // anchors of its own for each: they remember what they vouched for
        let anchors = TrustAnchors::from_der(anchors.certificates()).expect("they were anchors");
        CertificateChain::from_x5c(chain)?.verify(&anchors, purpose, now, provider)
    });
    assert_eq!(one.as_ref().err(), other.as_ref().err(), "the providers agree");
    one
}

fn verify(chain: &[Vec<u8>], root: &Authority) -> Result<VerifiedChain, ChainError> {
    verify_for(CertificatePurpose::CredentialSigning, chain, &root.anchors(), test_now())
}

fn refusal(chain: &[Vec<u8>], root: &Authority) -> ChainError {
    verify(chain, root).expect_err("this chain is refused")
}

/// A DER element.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let header = match length {
        0..128 => vec![tag, length as u8],
        128..256 => vec![tag, 0x81, length as u8],
        _ => vec![tag, 0x82, (length >> 8) as u8, length as u8],
    };
    [header, content.to_vec()].concat()
}

/// The certificate with its statement of the signature algorithm replaced, inside and outside.
fn with_algorithm(der: &[u8], algorithm: &[u8]) -> Vec<u8> {
    const ECDSA_SHA256: [u8; 12] =
        [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let find = |bytes: &[u8]| {
        let mut windows = bytes.windows(ECDSA_SHA256.len());
        windows.position(|window| window == ECDSA_SHA256).expect("ECDSA with SHA-256")
    };
    let content = &der[4..];
    let tbs_length = 4 + usize::from(u16::from_be_bytes([content[2], content[3]]));
    let (tbs, rest) = content.split_at(tbs_length);
    let replace = |bytes: &[u8]| {
        let at = find(bytes);
        [&bytes[..at], algorithm, &bytes[at + ECDSA_SHA256.len()..]].concat()
    };
    element(0x30, &[element(0x30, &replace(&tbs[4..])), replace(rest)].concat())
}

#[test]
fn a_leaf_under_an_anchor_gives_its_key_and_names() {
    let root = Authority::root();
    let (leaf, key) = root.leaf_of(&PKCS_ECDSA_P256_SHA256, |params| {
        params.subject_alt_names.push(SanType::URI("https://signer.example/".try_into().unwrap()));
    });
    let chain = verify(std::slice::from_ref(&leaf), &root).unwrap();
    let expected = PublicKey::from_uncompressed(Curve::P256, key.der_bytes()).unwrap();
    assert_eq!(*chain.public_key(), expected);
    assert_eq!(chain.subject(), "Signer");
    assert_eq!(chain.dns_names().collect::<Vec<_>>(), ["signer.example"]);
    assert_eq!(chain.uri_names().collect::<Vec<_>>(), ["https://signer.example/"]);
    assert_eq!(chain.leaf_der(), leaf);
    assert_eq!(chain.leaf_sha256(&RustCrypto), chain.leaf_sha256(&AwsLc));
    assert_eq!(chain.authority_key_identifiers().count(), 1);
}

#[test]
fn a_leaf_under_two_authorities_leads_to_the_anchor() {
    let root = Authority::root();
    let middle = root.below("Middle", |_| {});
    let low = middle.below("Low", |_| {});
    let chain = [low.leaf(|_| {}), low.der.clone(), middle.der.clone()];
    assert_eq!(verify(&chain, &root).unwrap().subject(), "Signer");
}

#[test]
fn takes_every_supported_kind_of_key() {
    for algorithm in [&PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
        let root = Authority::root_with(algorithm, |_| {});
        let (leaf, key) = root.leaf_of(algorithm, |_| {});
        let chain = verify(&[leaf], &root).unwrap();
        assert_eq!(chain.public_key().to_uncompressed(), key.der_bytes());
    }
}

#[test]
fn names_a_subject_without_a_common_name_by_its_organisation() {
    let root = Authority::root();
    let leaf = root.leaf(|params| {
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, "Signer\u{202e} Ltd");
    });
    assert_eq!(verify(&[leaf], &root).unwrap().subject(), "Signer Ltd");
}

#[test]
fn refuses_an_empty_chain_and_one_of_seven() {
    let leaf = Authority::root().leaf(|_| {});
    for chain in [vec![], vec![leaf; 7]] {
        assert_eq!(CertificateChain::from_x5c(&chain).err(), Some(ChainError::Length));
    }
}

#[test]
fn refuses_what_is_not_der() {
    let leaf = Authority::root().leaf(|_| {});
    for der in [vec![], vec![0; 100], leaf[1..].to_vec(), [leaf.clone(), vec![0]].concat()] {
        assert_eq!(CertificateChain::from_x5c(&[der]).err(), Some(ChainError::Malformed));
    }
}

#[test]
fn refuses_an_extension_that_comes_twice() {
    let twice = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    let leaf =
        Authority::root().leaf(|params| params.custom_extensions = vec![twice.clone(), twice]);
    assert_eq!(CertificateChain::from_x5c(&[leaf]).err(), Some(ChainError::Malformed));
}

#[test]
fn refuses_a_critical_extension_that_is_not_understood() {
    let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    let root = Authority::root();
    let ignored = root.leaf(|params| params.custom_extensions = vec![extension.clone()]);
    assert!(verify(&[ignored], &root).is_ok());
    extension.set_criticality(true);
    let leaf = root.leaf(|params| params.custom_extensions = vec![extension]);
    assert_eq!(refusal(&[leaf], &root), ChainError::UnknownCriticalExtension);
}

#[test]
fn refuses_a_leaf_that_signed_itself() {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let leaf = leaf_params().self_signed(&key).unwrap().der().to_vec();
    assert_eq!(refusal(&[leaf], &Authority::root()), ChainError::LeafSelfSigned);
}

#[test]
fn refuses_an_anchor_that_was_sent_along() {
    let root = Authority::root();
    let chain = [root.leaf(|_| {}), root.der.clone()];
    assert_eq!(refusal(&chain, &root), ChainError::AnchorInChain);
}

#[test]
fn refuses_another_edition_of_the_anchor_in_the_chain() {
    let root = Authority::root();
    let mut params = authority_params("Root");
    params.not_after = rcgen::date_time_ymd(2030, 1, 1);
    let renewed = params.self_signed(root.issuer.key()).unwrap().der().to_vec();
    assert_eq!(refusal(&[root.leaf(|_| {}), renewed], &root), ChainError::AnchorInChain);
}

#[test]
fn refuses_certificates_out_of_order() {
    let root = Authority::root();
    let (middle, low) = (root.below("Middle", |_| {}), root.below("Low", |_| {}));
    let chain = [low.leaf(|_| {}), middle.der, low.der.clone()];
    assert_eq!(refusal(&chain, &root), ChainError::Order);
}

#[test]
fn refuses_a_chain_to_an_authority_that_is_no_anchor() {
    let other = Authority::root_with(&PKCS_ECDSA_P256_SHA256, |params| {
        params.distinguished_name.push(DnType::CommonName, "Other");
    });
    let chain = [other.leaf(|_| {})];
    assert_eq!(refusal(&chain, &Authority::root()), ChainError::Untrusted);
    let nobody = TrustAnchors::default();
    let purpose = CertificatePurpose::CredentialSigning;
    assert_eq!(verify_for(purpose, &chain, &nobody, test_now()).err(), Some(ChainError::Untrusted));
}

#[test]
fn refuses_a_signature_by_another_key_under_an_anchors_name() {
    let chain = [Authority::root().leaf(|_| {})];
    assert_eq!(refusal(&chain, &Authority::root()), ChainError::Signature);
}

#[test]
fn refuses_a_signature_by_another_key_under_an_authoritys_name() {
    let root = Authority::root();
    let (one, other) = (root.below("Middle", |_| {}), root.below("Middle", |_| {}));
    assert_eq!(refusal(&[one.leaf(|_| {}), other.der], &root), ChainError::Signature);
}

#[test]
fn takes_the_second_anchor_of_one_name() {
    let (old, new) = (Authority::root(), Authority::root());
    let anchors = old.anchors().and(new.anchors());
    let purpose = CertificatePurpose::CredentialSigning;
    assert!(verify_for(purpose, &[new.leaf(|_| {})], &anchors, test_now()).is_ok());
}

#[test]
fn refuses_a_change_of_any_signed_byte() {
    let root = Authority::root();
    let mut leaf = root.leaf(|_| {});
    let at = leaf.windows(6).position(|window| window == b"Signer").unwrap();
    leaf[at] = b's';
    assert_eq!(refusal(&[leaf], &root), ChainError::Signature);
}

#[test]
fn of_a_certificate_that_was_seen_before_everything_but_its_signature_is_checked_again() {
    let (root, stranger) = (Authority::root(), Authority::root());
    let leaf = root.leaf(|params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let anchors = root.anchors();
    let verify = |der: &[u8], anchors: &TrustAnchors, purpose, now| {
        let chain = CertificateChain::from_x5c(&[der.to_vec()])?;
        chain.verify(anchors, purpose, now, &AwsLc).map(|_| ())
    };
    let signing = CertificatePurpose::RequestSigning;
    for _ in 0..2 {
        assert_eq!(verify(&leaf, &anchors, signing, test_now()), Ok(()));
    }
    let late = "2027-06-01T00:00:00Z".parse().unwrap();
    assert_eq!(verify(&leaf, &anchors, signing, late), Err(ChainError::Expired));
    let credentials = CertificatePurpose::CredentialSigning;
    let foreign = verify(&leaf, &anchors, credentials, test_now());
    assert_eq!(foreign, Err(ChainError::WrongPurpose));
    let mut changed = leaf.clone();
    *changed.last_mut().unwrap() ^= 1;
    let changed = verify(&changed, &anchors, signing, test_now());
    assert_eq!(changed, Err(ChainError::Signature));
    // another authority of the same name remembers nothing of it
    let theirs = anchors.clone().and(stranger.anchors());
    assert_eq!(verify(&leaf, &theirs, signing, test_now()), Ok(()));
    let theirs = verify(&leaf, &stranger.anchors(), signing, test_now());
    assert_eq!(theirs, Err(ChainError::Signature));
}

#[test]
fn refuses_a_signature_over_a_sha1_digest() {
    let root = Authority::root();
    let ecdsa_sha1 = [0x30, 0x09, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
    let leaf = with_algorithm(&root.leaf(|_| {}), &ecdsa_sha1);
    assert_eq!(refusal(&[leaf], &root), ChainError::Sha1);
}

#[test]
fn refuses_a_signature_algorithm_that_is_not_on_the_list() {
    let root = Authority::root();
    let ecdsa_sha224 = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x01];
    let leaf = with_algorithm(&root.leaf(|_| {}), &ecdsa_sha224);
    assert_eq!(refusal(&[leaf], &root), ChainError::AlgorithmNotSupported);
}

#[test]
fn refuses_two_statements_of_the_algorithm_that_differ() {
    let mut leaf = Authority::root().leaf(|_| {});
    let ecdsa = [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let outer = leaf.windows(8).rposition(|window| window == ecdsa).unwrap();
    leaf[outer + 7] = 3;
    assert_eq!(CertificateChain::from_x5c(&[leaf]).err(), Some(ChainError::Malformed));
}

#[test]
fn refuses_a_kind_of_key_that_is_not_supported() {
    let root = Authority::root();
    let (leaf, _) = root.leaf_of(&PKCS_ECDSA_P521_SHA512, |_| {});
    assert_eq!(refusal(&[leaf], &root), ChainError::KeyNotSupported);
}

#[test]
fn refuses_an_anchor_whose_key_is_off_its_curve() {
    let mut root = Authority::root();
    let leaf = root.leaf(|_| {});
    let (_, point) = PublicKey::from_uncompressed(Curve::P256, root.issuer.key().der_bytes())
        .unwrap()
        .to_uncompressed()
        .split_first()
        .map(|(tag, point)| (*tag, point.to_vec()))
        .unwrap();
    let at = root.der.windows(64).position(|window| window == point).unwrap();
    root.der[at + 63] ^= 1;
    assert_eq!(refusal(&[leaf], &root), ChainError::InvalidKey);
}

#[test]
fn judges_validity_with_both_ends_included() {
    let root = Authority::root();
    let leaf = root.leaf(|params| {
        params.not_before = rcgen::date_time_ymd(2026, 2, 1);
        params.not_after = rcgen::date_time_ymd(2026, 3, 1);
    });
    let at = |moment: &str| {
        let purpose = CertificatePurpose::CredentialSigning;
        let now = moment.parse().unwrap();
        verify_for(purpose, std::slice::from_ref(&leaf), &root.anchors(), now).err()
    };
    assert_eq!(at("2026-01-31T23:59:59Z"), Some(ChainError::NotYetValid));
    assert_eq!(at("2026-02-01T00:00:00Z"), None);
    assert_eq!(at("2026-03-01T00:00:00Z"), None);
    assert_eq!(at("2026-03-01T00:00:01Z"), Some(ChainError::Expired));
    assert_eq!(at("1900-01-01T00:00:00Z"), Some(ChainError::NotYetValid));
}

#[test]
fn refuses_an_authority_that_has_expired() {
    let root = Authority::root();
    let middle = root.below("Middle", |params| params.not_after = rcgen::date_time_ymd(2026, 1, 1));
    assert_eq!(refusal(&[middle.leaf(|_| {}), middle.der], &root), ChainError::Expired);
}

#[test]
fn refuses_an_issuer_that_is_no_authority() {
    let root = Authority::root();
    let middle = root.below("Middle", |params| {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages.clear();
    });
    assert_eq!(refusal(&[middle.leaf(|_| {}), middle.der], &root), ChainError::NotAnAuthority);
}

#[test]
fn refuses_an_authority_whose_key_signs_no_certificates() {
    let root = Authority::root();
    let middle = root.below("Middle", |params| params.key_usages = vec![KeyUsagePurpose::CrlSign]);
    let chain = [middle.leaf(|_| {}), middle.der];
    assert_eq!(refusal(&chain, &root), ChainError::NotACertificateSigner);
}

#[test]
fn refuses_more_authorities_than_one_allows_below_itself() {
    let root = Authority::root();
    for (allowed, expected) in [(1, None), (0, Some(ChainError::PathLength))] {
        let middle = root.below("Middle", |params| {
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(allowed));
        });
        let low = middle.below("Low", |_| {});
        let chain = [low.leaf(|_| {}), low.der, middle.der];
        assert_eq!(verify(&chain, &root).err(), expected);
    }
}

#[test]
fn holds_the_anchor_itself_to_its_path_length() {
    let root = Authority::root_with(&PKCS_ECDSA_P256_SHA256, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    let middle = root.below("Middle", |_| {});
    assert_eq!(refusal(&[middle.leaf(|_| {}), middle.der], &root), ChainError::PathLength);
}

#[test]
fn refuses_a_leaf_that_is_an_authority() {
    let root = Authority::root();
    let leaf = root.below("Signer", |_| {}).der;
    assert_eq!(refusal(&[leaf], &root), ChainError::LeafIsAuthority);
}

#[test]
fn refuses_a_leaf_whose_key_signs_no_documents() {
    let root = Authority::root();
    let leaf = root.leaf(|params| params.key_usages = vec![KeyUsagePurpose::KeyAgreement]);
    assert_eq!(refusal(&[leaf], &root), ChainError::NotADocumentSigner);
}

#[test]
fn refuses_a_certificate_meant_for_something_else() {
    use CertificatePurpose::{CredentialSigning, RequestSigning};
    use ExtendedKeyUsagePurpose as Usage;
    let root = Authority::root();
    let private = Usage::Other(vec![1, 3, 6, 1, 4, 1, 99999, 1]);
    let mdoc_signer = Usage::Other(vec![1, 0, 18013, 5, 1, 2]);
    let mdoc_reader = Usage::Other(vec![1, 0, 18013, 5, 1, 6]);
    for (usages, credentials, requests) in [
        (vec![], true, true),
        (vec![Usage::ServerAuth], false, true),
        (vec![Usage::ServerAuth, Usage::ClientAuth], false, true),
        (vec![Usage::CodeSigning], false, false),
        (vec![Usage::EmailProtection, Usage::OcspSigning], false, false),
        (vec![Usage::Any], true, true),
        (vec![private.clone()], true, true),
        (vec![Usage::ServerAuth, private], true, true),
        (vec![mdoc_signer.clone()], true, false),
        (vec![mdoc_reader.clone()], false, true),
        (vec![mdoc_signer, mdoc_reader], true, true),
    ] {
        let leaf = root.leaf(|params| params.extended_key_usages.clone_from(&usages));
        for (purpose, taken) in [(CredentialSigning, credentials), (RequestSigning, requests)] {
            let outcome =
                verify_for(purpose, std::slice::from_ref(&leaf), &root.anchors(), test_now());
            let expected = (!taken).then_some(ChainError::WrongPurpose);
            assert_eq!(outcome.err(), expected, "{usages:?} {purpose:?}");
        }
    }
}

#[test]
fn holds_dns_names_to_an_authoritys_constraints() {
    let root = Authority::root();
    let middle = root.below("Middle", |params| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("good.example".to_owned())],
            excluded_subtrees: vec![GeneralSubtree::DnsName("bad.good.example".to_owned())],
        });
    });
    let outcome = |name: &str| {
        let leaf = middle.leaf(|params| params.subject_alt_names = vec![dns(name)]);
        verify(&[leaf, middle.der.clone()], &root).err()
    };
    for name in ["good.example", "GOOD.example", "a.good.example"] {
        assert_eq!(outcome(name), None, "{name}");
    }
    for name in ["other.example", "notgood.example", "bad.good.example", "*.good.example"] {
        assert_eq!(outcome(name), Some(ChainError::NameConstraint), "{name}");
    }
}

#[test]
fn a_constraint_of_other_names_than_dns_names_refuses_only_whoever_has_such_a_name() {
    let root = Authority::root();
    let everywhere = CidrSubnet::V4([0; 4], [0; 4]);
    let address = || SanType::IpAddress([192, 0, 2, 1].into());
    let mail = || SanType::Rfc822Name("ada@good.example".try_into().expect("ASCII"));
    for (subtree, name) in [
        (GeneralSubtree::IpAddress(everywhere), address()),
        (GeneralSubtree::Rfc822Name("good.example".to_owned()), mail()),
    ] {
        for is_excluded in [true, false] {
            let middle = root.below("Middle", |params| {
                let (mut permitted, mut excluded) = (vec![], vec![subtree.clone()]);
                if !is_excluded {
                    std::mem::swap(&mut permitted, &mut excluded);
                }
                params.name_constraints = Some(NameConstraints {
                    permitted_subtrees: permitted,
                    excluded_subtrees: excluded,
                });
            });
            let chain = |names: Vec<SanType>| {
                [middle.leaf(|params| params.subject_alt_names = names), middle.der.clone()]
            };
            assert!(verify(&chain(vec![dns("a.example")]), &root).is_ok());
            let both = chain(vec![dns("a.example"), name.clone()]);
            assert_eq!(refusal(&both, &root), ChainError::NameConstraintNotSupported);
        }
    }
}

#[test]
fn a_constraint_of_directory_names_refuses_every_certificate_below() {
    let root = Authority::root();
    let middle = root.below("Middle", |params| {
        let mut name = DistinguishedName::new();
        name.push(DnType::CountryName, "XX");
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DirectoryName(name)],
            excluded_subtrees: vec![],
        });
    });
    let chain = [middle.leaf(|_| {}), middle.der];
    assert_eq!(refusal(&chain, &root), ChainError::NameConstraintNotSupported);
}

#[test]
fn takes_no_anchor_that_is_not_an_authority() {
    let leaf = Authority::root().leaf(|_| {});
    assert_eq!(TrustAnchors::from_der([leaf]).err(), Some(ChainError::NotAnAuthority));
}

#[test]
fn reads_anchors_from_pem() {
    use base64::Engine as _;
    let (one, other) = (Authority::root(), Authority::root());
    let pem: String = [&one, &other]
        .map(|root| {
            let text = base64::engine::general_purpose::STANDARD.encode(&root.der);
            let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
            let body = lines.join("\n");
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        })
        .concat();
    let anchors = TrustAnchors::from_pem(&pem).unwrap();
    let purpose = CertificatePurpose::CredentialSigning;
    for root in [one, other] {
        assert!(verify_for(purpose, &[root.leaf(|_| {})], &anchors, test_now()).is_ok());
    }
    assert_eq!(TrustAnchors::from_pem("no certificate").err(), Some(ChainError::Malformed));
}
