//! Lists of revoked certificates: each rule broken alone, and what each policy makes of it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    crypto::{Curve, PrivateKey, PublicKey},
    trust::{
        CertificateIss, IssuerKeySource, IssuerTrust,
        x509::{
            CertificateChain, CertificatePurpose, ChainError, LocalRevocationLists, RevocationList,
            RevocationListError, RevocationListSource, RevocationListUnavailable, RevocationLists,
            RevocationRule, TrustAnchors, VerifiedChain,
        },
    },
    verify::{CheckName, Expected, KeyBindingRule, Outcome, PresentationVerifier},
};
use lanyard_testkit::test_now;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CrlIssuingDistributionPoint, CrlScope, CustomExtension, DistinguishedName, DnType, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _,
    RevocationReason, RevokedCertParams, SanType, SerialNumber, SigningKey as _,
};
use serde_json::json;
use url::Url;
use x509_cert::{
    crl::CertificateList,
    der::{
        Decode as _, Encode as _,
        asn1::{BitString, ObjectIdentifier, OctetString},
    },
    ext::Extension,
};

use crate::{
    sd_jwt_support::{AUDIENCE, NONCE, PROVIDERS, Party, ready},
    sd_jwt_vc::providers,
};

const POINT: &str = "https://ca.example/revoked.crl";
const LEAF: u64 = 42;

struct Authority {
    params: CertificateParams,
    key: KeyPair,
    der: Vec<u8>,
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2027, 1, 1);
    params
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key can be made")
}

impl Authority {
    fn root(name: &str) -> Self {
        Self::root_for(name, vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign])
    }

    fn root_for(name: &str, usages: Vec<KeyUsagePurpose>) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = usages;
        let key = key();
        let der = params.self_signed(&key).expect("a certificate can be made").der().to_vec();
        Self { params, key, der }
    }

    fn below(&self, name: &str, serial: u64) -> Self {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.serial_number = Some(SerialNumber::from(serial));
        let key = key();
        let der = params.signed_by(&key, &self.issuer()).expect("a certificate can be made");
        Self { der: der.der().to_vec(), params, key }
    }

    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    /// A leaf with the usual serial number, which names these distribution points.
    fn leaf(&self, points: &[&str]) -> (Vec<u8>, KeyPair) {
        let mut params = params("Signer");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.serial_number = Some(SerialNumber::from(LEAF));
        params.subject_alt_names =
            vec![SanType::DnsName("issuer.example".try_into().expect("ASCII"))];
        params.crl_distribution_points = points
            .iter()
            .map(|point| CrlDistributionPoint { uris: vec![(*point).to_owned()] })
            .collect();
        let key = key();
        let leaf = params.signed_by(&key, &self.issuer()).expect("a certificate can be made");
        (leaf.der().to_vec(), key)
    }

    fn chain(&self, points: &[&str]) -> VerifiedChain {
        verified(&[self.leaf(points).0], self)
    }

    /// A good list on which these are, unless it is changed.
    fn list_with(
        &self,
        revoked: &[u64],
        change: impl FnOnce(&mut CertificateRevocationListParams),
    ) -> Vec<u8> {
        let entry = |serial: &u64| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: rcgen::date_time_ymd(2026, 1, 1),
            reason_code: Some(RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let mut params = CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2026, 1, 10),
            next_update: rcgen::date_time_ymd(2026, 1, 20),
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        change(&mut params);
        params.signed_by(&self.issuer()).expect("a list can be made").der().to_vec()
    }

    fn list(&self, revoked: &[u64]) -> Vec<u8> {
        self.list_with(revoked, |_| {})
    }

    /// A good list, changed in ways that no library would, and signed again.
    fn odd_list(&self, change: impl FnOnce(&mut CertificateList)) -> Vec<u8> {
        let mut list = CertificateList::from_der(&self.list(&[LEAF])).expect("it is a list");
        change(&mut list);
        let signed = list.tbs_cert_list.to_der().expect("it can be written");
        let signature = self.key.sign(&signed).expect("a key in memory signs");
        list.signature = BitString::from_bytes(&signature).expect("it is short");
        list.to_der().expect("it can be written")
    }
}

fn verified(chain: &[Vec<u8>], root: &Authority) -> VerifiedChain {
    let anchors = TrustAnchors::from_der([&root.der]).expect("a root is an anchor");
    CertificateChain::from_x5c(chain)
        .and_then(|chain| {
            let purpose = CertificatePurpose::CredentialSigning;
            chain.verify(&anchors, purpose, test_now(), PROVIDERS[0])
        })
        .expect("the chain is good")
}

fn extension(id: &str, critical: bool, value: &[u8]) -> Extension {
    Extension {
        extn_id: ObjectIdentifier::new_unwrap(id),
        critical,
        extn_value: OctetString::new(value).expect("it is short"),
    }
}

fn judge_at(
    chain: &VerifiedChain,
    list: &[u8],
    rule: RevocationRule,
    now: Timestamp,
) -> Result<(), ChainError> {
    let [one, other] = PROVIDERS.map(|provider| {
        let list = RevocationList::parse(list).map_err(ChainError::RevocationUnknown)?;
        chain.judge_revocation(&[list], rule, now, provider)
    });
    assert_eq!(one, other, "the providers agree");
    one
}

fn demanded(chain: &VerifiedChain, list: &[u8]) -> Result<(), ChainError> {
    judge_at(chain, list, RevocationRule::Demanded, test_now())
}

fn unknown(error: RevocationListError) -> Result<(), ChainError> {
    Err(ChainError::RevocationUnknown(error))
}

#[test]
fn a_certificate_on_the_list_is_revoked_and_another_is_not() {
    let root = Authority::root("Root");
    let chain = root.chain(&[]);
    assert_eq!(demanded(&chain, &root.list(&[7, LEAF])), Err(ChainError::Revoked));
    assert_eq!(demanded(&chain, &root.list(&[7])), Ok(()));
    assert_eq!(demanded(&chain, &root.list(&[])), Ok(()));
}

#[test]
fn a_certificate_on_hold_is_revoked_too() {
    let root = Authority::root("Root");
    let list = root.list_with(&[LEAF], |list| {
        list.revoked_certs[0].reason_code = Some(RevocationReason::CertificateHold);
    });
    assert_eq!(demanded(&root.chain(&[]), &list), Err(ChainError::Revoked));
}

#[test]
fn an_authority_of_the_chain_can_be_revoked() {
    let root = Authority::root("Root");
    let middle = root.below("Middle", 9);
    let chain = verified(&[middle.leaf(&[]).0, middle.der.clone()], &root);
    let judge = |lists: &[Vec<u8>]| {
        let lists: Vec<_> =
            lists.iter().map(|list| RevocationList::parse(list).expect("a list")).collect();
        let rule = RevocationRule::Demanded;
        chain.judge_revocation(&lists, rule, test_now(), PROVIDERS[0])
    };
    assert_eq!(judge(&[middle.list(&[]), root.list(&[])]), Ok(()));
    assert_eq!(judge(&[middle.list(&[]), root.list(&[9])]), Err(ChainError::Revoked));
    assert_eq!(judge(&[middle.list(&[LEAF]), root.list(&[])]), Err(ChainError::Revoked));
    // the same serial number, revoked by another issuer, is another certificate
    assert_eq!(judge(&[middle.list(&[9]), root.list(&[LEAF])]), Ok(()));
    assert_eq!(judge(&[middle.list(&[])]), unknown(RevocationListError::NoList));
}

#[test]
fn a_list_by_somebody_else_says_nothing() {
    let (root, other) = (Authority::root("Root"), Authority::root("Other"));
    let judged = demanded(&root.chain(&[]), &other.list(&[LEAF]));
    assert_eq!(judged, unknown(RevocationListError::NoList));
}

#[test]
fn a_list_that_an_impostor_signed_is_not_believed() {
    let (root, impostor) = (Authority::root("Root"), Authority::root("Root"));
    for list in [impostor.list(&[LEAF]), impostor.list(&[])] {
        assert_eq!(demanded(&root.chain(&[]), &list), unknown(RevocationListError::Signature));
    }
    let mut changed = root.list(&[7]);
    let place = changed.windows(3).position(|bytes| bytes == [2, 1, 7]).expect("the entry");
    changed[place + 2] = 8;
    assert_eq!(demanded(&root.chain(&[]), &changed), unknown(RevocationListError::Signature));
}

#[test]
fn an_authority_that_may_not_sign_lists_does_not() {
    let mut root = Authority::root("Root");
    let list = root.list(&[LEAF]);
    root.params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    root.der = root.params.self_signed(&root.key).expect("a certificate").der().to_vec();
    assert_eq!(demanded(&root.chain(&[]), &list), unknown(RevocationListError::NotASigner));
    let silent = Authority::root_for("Root", Vec::new());
    assert_eq!(demanded(&silent.chain(&[]), &silent.list(&[LEAF])), Err(ChainError::Revoked));
}

#[test]
fn a_list_counts_from_this_update_to_next_update() {
    let root = Authority::root("Root");
    let (chain, list) = (root.chain(&[]), root.list(&[]));
    let at = |text: &str| {
        let now = text.parse().expect("a moment");
        judge_at(&chain, &list, RevocationRule::Demanded, now)
    };
    assert_eq!(at("2026-01-09T23:59:59Z"), unknown(RevocationListError::NotYetValid));
    assert_eq!(at("2026-01-10T00:00:00Z"), Ok(()));
    assert_eq!(at("2026-01-20T00:00:00Z"), Ok(()));
    assert_eq!(at("2026-01-20T00:00:01Z"), unknown(RevocationListError::OutOfDate));
    let endless = root.odd_list(|list| list.tbs_cert_list.next_update = None);
    assert_eq!(demanded(&chain, &endless), unknown(RevocationListError::OutOfDate));
}

#[test]
fn a_list_of_a_kind_that_is_not_evaluated_is_not_used() {
    let root = Authority::root("Root");
    let with = |extension: Extension| {
        root.odd_list(|list| {
            list.tbs_cert_list.crl_extensions.get_or_insert_default().push(extension);
        })
    };
    let delta = with(extension("2.5.29.27", true, &[2, 1, 1]));
    let odd = with(extension("1.2.3.4", true, &[5, 0]));
    // IssuingDistributionPoint with indirectCRL, onlySomeReasons, onlyContainsAttributeCerts
    let indirect = with(extension("2.5.29.28", true, &[0x30, 3, 0x84, 1, 0xff]));
    let some = with(extension("2.5.29.28", true, &[0x30, 4, 0x83, 2, 6, 0x40]));
    let attributes = with(extension("2.5.29.28", true, &[0x30, 3, 0x85, 1, 0xff]));
    let entry = root.odd_list(|list| {
        let entries = list.tbs_cert_list.revoked_certificates.as_mut().expect("an entry");
        let foreign = extension("2.5.29.29", true, &[0x30, 0]);
        entries[0].crl_entry_extensions.get_or_insert_default().push(foreign);
    });
    for list in [delta, odd, indirect, some, attributes, entry] {
        let judged = demanded(&root.chain(&[]), &list);
        assert_eq!(judged, unknown(RevocationListError::NotSupported));
    }
    let harmless = with(extension("1.2.3.4", false, &[5, 0]));
    assert_eq!(demanded(&root.chain(&[]), &harmless), Err(ChainError::Revoked));
}

#[test]
fn a_list_for_other_certificates_says_nothing_about_this_one() {
    let root = Authority::root("Root");
    let chain = root.chain(&[POINT]);
    let list = |uri: &str, scope: Option<CrlScope>| {
        root.list_with(&[LEAF], |list| {
            let distribution_point = CrlDistributionPoint { uris: vec![uri.to_owned()] };
            list.issuing_distribution_point =
                Some(CrlIssuingDistributionPoint { distribution_point, scope });
        })
    };
    let nothing = || unknown(RevocationListError::NoList);
    assert_eq!(demanded(&chain, &list(POINT, None)), Err(ChainError::Revoked));
    let users = list(POINT, Some(CrlScope::UserCertsOnly));
    assert_eq!(demanded(&chain, &users), Err(ChainError::Revoked));
    assert_eq!(demanded(&chain, &list(POINT, Some(CrlScope::CaCertsOnly))), nothing());
    assert_eq!(demanded(&chain, &list("https://ca.example/other.crl", None)), nothing());
}

#[test]
fn what_is_no_list_is_malformed() {
    let root = Authority::root("Root");
    let good = root.list(&[LEAF]);
    let mut inner = root.odd_list(|list| {
        list.tbs_cert_list.signature.oid = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
    });
    let trailing = [good.as_slice(), &[0]].concat();
    let certificate = root.der.clone();
    let pem =
        |label: &str| format!("-----BEGIN {label}-----\nAAAA\n-----END {label}-----\n").into();
    for bad in [
        Vec::new(),
        b"<html>".to_vec(),
        std::mem::take(&mut inner),
        trailing,
        certificate,
        pem("CERTIFICATE"),
        pem("X509 CRL"),
        good[..good.len() - 1].to_vec(),
    ] {
        let error = RevocationList::parse(&bad).expect_err("it is refused");
        assert_eq!(error, RevocationListError::Malformed);
    }
    let long = RevocationList::parse(&vec![0; 5 * 1024 * 1024 + 1]);
    assert_eq!(long.expect_err("it is refused"), RevocationListError::TooLong);
}

#[test]
fn a_list_may_be_pem() {
    let root = Authority::root("Root");
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let body = STANDARD.encode(root.list(&[LEAF]));
    let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    let pem = format!("-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n", lines.join("\n"));
    assert_eq!(demanded(&root.chain(&[]), pem.as_bytes()), Err(ChainError::Revoked));
}

/// A source that counts, and has only what it was given.
#[derive(Default)]
struct Counting {
    lists: LocalRevocationLists,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl RevocationListSource for Counting {
    async fn list(&self, url: &Url) -> Result<Vec<u8>, RevocationListUnavailable> {
        self.asked.lock().expect("not poisoned").push(url.to_string());
        self.lists.list(url).await
    }
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

fn asked(
    chain: &VerifiedChain,
    lists: LocalRevocationLists,
    rule: RevocationRule,
) -> Result<(), ChainError> {
    let lists = RevocationLists::new(Arc::new(lists));
    ready(chain.ask_revocation(&lists, rule, test_now(), PROVIDERS[0]))
}

#[test]
fn each_rule_makes_its_own_of_what_cannot_be_known() {
    use RevocationRule::{BestEffort, Demanded, Ignored, WherePublished};
    let root = Authority::root("Root");
    let (named, silent) = (root.chain(&[POINT]), root.chain(&[]));
    let with = |list: Vec<u8>| LocalRevocationLists::new().with(url(POINT), list);
    let none = LocalRevocationLists::new;
    let unreachable = || unknown(RevocationListError::Unreachable);
    for (rule, revoked, out_of_reach, no_point) in [
        (Ignored, Ok(()), Ok(()), Ok(())),
        (BestEffort, Err(ChainError::Revoked), Ok(()), Ok(())),
        (WherePublished, Err(ChainError::Revoked), unreachable(), Ok(())),
        (Demanded, Err(ChainError::Revoked), unreachable(), unknown(RevocationListError::NoList)),
    ] {
        assert_eq!(asked(&named, with(root.list(&[LEAF])), rule), revoked, "{rule:?}");
        assert_eq!(asked(&named, with(root.list(&[])), rule), Ok(()), "{rule:?}");
        assert_eq!(asked(&named, none(), rule), out_of_reach, "{rule:?}");
        assert_eq!(asked(&silent, none(), rule), no_point, "{rule:?}");
    }
}

#[test]
fn a_certificate_whose_list_cannot_be_used_is_not_one_that_names_none() {
    let root = Authority::root("Root");
    let certify = |point: Option<&[u8]>| {
        let mut params = params("Signer");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let extension =
            |value: &[u8]| CustomExtension::from_oid_content(&[2, 5, 29, 31], value.to_vec());
        params.custom_extensions = point.into_iter().map(extension).collect();
        let leaf = params.signed_by(&key(), &root.issuer()).expect("a certificate can be made");
        verified(&[leaf.der().to_vec()], &root)
    };
    let ask = |chain: &VerifiedChain| {
        let lists = RevocationLists::new(Arc::new(LocalRevocationLists::new()));
        let rule = RevocationRule::WherePublished;
        PROVIDERS.map(|provider| ready(chain.ask_revocation(&lists, rule, test_now(), provider)))
    };
    // a point with a cRLIssuer alone, `urn:a`: the list of somebody else, which is not evaluated
    let by_another = [0x30, 0x0b, 0x30, 0x09, 0xa2, 0x07, 0x86, 0x05, b'u', b'r', b'n', b':', b'a'];
    let none = RevocationListError::NoList;
    assert_eq!(ask(&certify(Some(&by_another))), [unknown(none), unknown(none)]);
    assert_eq!(ask(&certify(None)), [Ok(()), Ok(())]);
}

#[test]
fn another_distribution_point_is_asked_when_one_has_nothing_and_not_without_end() {
    let root = Authority::root("Root");
    let points: Vec<_> = (0..9).map(|n| format!("https://ca.example/{n}.crl")).collect();
    let points: Vec<_> = points.iter().map(String::as_str).collect();
    let chain = root.chain(&points);
    let lists = LocalRevocationLists::new()
        .with(url(points[0]), "gone")
        .with(url(points[1]), root.list(&[LEAF]));
    let source = Arc::new(Counting { lists, ..Counting::default() });
    let ask = |source: &Arc<Counting>| {
        let lists = RevocationLists::new(source.clone());
        ready(chain.ask_revocation(&lists, RevocationRule::Demanded, test_now(), PROVIDERS[0]))
    };
    assert_eq!(ask(&source), Err(ChainError::Revoked));
    assert_eq!(*source.asked.lock().unwrap(), points[..2]);
    let empty = Arc::new(Counting::default());
    assert_eq!(ask(&empty), unknown(RevocationListError::Unreachable));
    assert_eq!(empty.asked.lock().unwrap().len(), 4);
}

/// A source whose answer can be changed.
#[derive(Default)]
struct Changing {
    answer: Mutex<Vec<u8>>,
    asked: Mutex<usize>,
}

#[async_trait]
impl RevocationListSource for Changing {
    async fn list(&self, _: &Url) -> Result<Vec<u8>, RevocationListUnavailable> {
        *self.asked.lock().expect("not poisoned") += 1;
        Ok(self.answer.lock().expect("not poisoned").clone())
    }
}

#[test]
fn a_list_that_was_believed_is_asked_for_again_only_when_there_ought_to_be_a_newer_one() {
    let (root, forger) = (Authority::root("Root"), Authority::root("Root"));
    let chain = root.chain(&[POINT]);
    let source = Arc::new(Changing::default());
    let lists = RevocationLists::new(source.clone());
    let publish = |list: Vec<u8>| *source.answer.lock().unwrap() = list;
    let ask = |days: i64| {
        let now = test_now() + SignedDuration::from_hours(24 * days);
        let rule = RevocationRule::Demanded;
        (
            ready(chain.ask_revocation(&lists, rule, now, PROVIDERS[0])),
            *source.asked.lock().unwrap(),
        )
    };
    // what was forged is not kept, however long it says that it is good
    publish(forger.list(&[]));
    assert_eq!(ask(0), (unknown(RevocationListError::Signature), 1));
    publish(root.list(&[]));
    assert_eq!(ask(0), (Ok(()), 2));
    publish(root.list(&[LEAF]));
    assert_eq!(ask(0), (Ok(()), 2), "until nextUpdate");
    let newer = |list: &mut CertificateRevocationListParams| {
        list.this_update = rcgen::date_time_ymd(2026, 1, 20);
        list.next_update = rcgen::date_time_ymd(2026, 1, 30);
    };
    publish(root.list_with(&[LEAF], newer));
    assert_eq!(ask(7), (Err(ChainError::Revoked), 3));
    assert_eq!(ask(7), (Err(ChainError::Revoked), 3), "and that is kept, too");
}

// By the paved road

const ISS: &str = "https://issuer.example";

fn verdict(
    root: &Authority,
    rule: RevocationRule,
    source: Arc<Counting>,
    x5c: &[Vec<u8>],
    signer: &Party,
) -> Result<(), (&'static str, Outcome)> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let anchors = TrustAnchors::from_der([&root.der]).expect("a root is an anchor");
    let certificates = IssuerKeySource::Certificates { anchors, iss: CertificateIss::default() };
    let trust = IssuerTrust::new().with(certificates).with_revocation(rule);
    let x5c: Vec<_> = x5c.iter().map(|der| STANDARD.encode(der)).collect();
    let header = json!({"typ": "dc+sd-jwt", "x5c": x5c});
    let payload = json!({"iss": ISS, "vct": "urn:example:a"});
    let credential = signer.sign(&header, &payload) + "~";
    let expected = Expected::new(AUDIENCE, NONCE, KeyBindingRule::NotRequired).at(test_now());
    let [_, provider] = providers();
    let verifier = PresentationVerifier::new(trust, provider).with_revocation_lists(source);
    let verdict = ready(verifier.verify(&credential, &expected));
    verdict.map(|_| ()).map_err(|e| (e.code(), e.checks().outcome(CheckName::IssuerTrusted)))
}

fn signer(key: &KeyPair) -> Party {
    let public = PublicKey::from_uncompressed(Curve::P256, key.der_bytes()).expect("a point");
    let der = key.serialize_der();
    // RFC 5915 inside PKCS #8: the scalar follows its header
    let header = [0x02, 0x01, 0x01, 0x04, 0x20];
    let start = der.windows(5).position(|bytes| bytes == header).expect("a scalar") + 5;
    let key = PrivateKey::from_parts(der[start..start + 32].to_vec(), public).expect("32 bytes");
    Party::of(&key)
}

#[test]
fn a_credential_under_a_revoked_certificate_is_refused_and_one_out_of_reach_is_undetermined() {
    let root = Authority::root("Root");
    let (leaf, key) = root.leaf(&[POINT]);
    let signer = signer(&key);
    let source = |list: Option<Vec<u8>>| {
        let lists = LocalRevocationLists::new();
        let lists = match list {
            Some(list) => lists.with(url(POINT), list),
            None => lists,
        };
        Arc::new(Counting { lists, ..Counting::default() })
    };
    let judge =
        |list, rule| verdict(&root, rule, source(list), std::slice::from_ref(&leaf), &signer);
    let rule = RevocationRule::WherePublished;
    assert_eq!(judge(Some(root.list(&[])), rule), Ok(()));
    assert_eq!(
        judge(Some(root.list(&[LEAF])), rule),
        Err(("issuer_certificate_revoked", Outcome::Failed))
    );
    assert_eq!(
        judge(None, rule),
        Err(("issuer_certificate_status_unknown", Outcome::Undetermined))
    );
    assert_eq!(judge(None, RevocationRule::Ignored), Ok(()));
}

#[test]
fn no_list_is_asked_for_on_behalf_of_a_chain_that_leads_nowhere() {
    let (root, stranger) = (Authority::root("Root"), Authority::root("Root"));
    let (leaf, key) = stranger.leaf(&["https://169.254.169.254/latest"]);
    let source = Arc::new(Counting::default());
    let rule = RevocationRule::Demanded;
    let refused = verdict(&root, rule, source.clone(), &[leaf], &signer(&key));
    assert_eq!(refused.unwrap_err().1, Outcome::Failed);
    assert!(source.asked.lock().unwrap().is_empty());
}

#[test]
fn a_moment_before_1970_is_before_every_list() {
    let root = Authority::root("Root");
    let now = Timestamp::UNIX_EPOCH - SignedDuration::from_secs(1);
    let judged = judge_at(&root.chain(&[]), &root.list(&[]), RevocationRule::Demanded, now);
    assert_eq!(judged, unknown(RevocationListError::NotYetValid));
}
