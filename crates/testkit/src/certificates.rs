//! A certificate authority for tests.

use jiff::Timestamp;
use lanyard_core::crypto::{Curve, PrivateKey, PublicKey};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SanType,
};

/// A self-signed P-256 authority that lives as long as a test.
#[derive(Debug)]
pub struct TestCa {
    issuer: Issuer<'static, KeyPair>,
    certificate: Vec<u8>,
}

/// A leaf certificate with its key.
#[derive(Debug)]
pub struct Leaf {
    /// The certificate chain as `x5c` wants it: leaf first, anchor left out.
    pub chain: Vec<Vec<u8>>,
    /// The leaf's private key.
    pub key: PrivateKey,
}

/// A leaf certificate with its key, as they stand in files.
#[derive(Debug)]
pub struct LeafFiles {
    /// The certificate in PEM.
    pub certificates: String,
    /// The private key in PKCS #8, PEM.
    pub key: String,
    /// The certificate in DER.
    pub certificate_der: Vec<u8>,
}

/// How a leaf may differ from a good one; one fault at a time.
#[derive(Clone, Debug)]
pub struct LeafOptions {
    /// The common name.
    pub common_name: String,
    /// The country in the subject.
    pub country: Option<String>,
    /// The state or province in the subject.
    pub state: Option<String>,
    /// The `dNSName`s.
    pub dns_names: Vec<String>,
    /// First and last moment of validity.
    pub validity: (Timestamp, Timestamp),
    /// The extended key usages; none means no extension.
    pub usages: Vec<ExtendedKeyUsagePurpose>,
    /// Whether the leaf claims to be an authority itself.
    pub is_ca: bool,
}

impl LeafOptions {
    /// A good leaf, valid from 2025 to 2035.
    pub fn named(common_name: &str) -> Self {
        Self {
            common_name: common_name.to_owned(),
            country: None,
            state: None,
            dns_names: Vec::new(),
            validity: (
                Timestamp::constant(1_735_689_600, 0),
                Timestamp::constant(2_051_222_400, 0),
            ),
            usages: Vec::new(),
            is_ca: false,
        }
    }

    /// A good document signer of mdocs (ISO/IEC 18013-5 Annex B.1.4) in this country.
    pub fn mdoc_signer(common_name: &str, country: &str) -> Self {
        Self {
            country: Some(country.to_owned()),
            usages: vec![ExtendedKeyUsagePurpose::Other(vec![1, 0, 18013, 5, 1, 2])],
            ..Self::named(common_name)
        }
    }

    /// With a `dNSName`.
    #[must_use]
    pub fn dns(mut self, name: &str) -> Self {
        self.dns_names.push(name.to_owned());
        self
    }
}

impl TestCa {
    /// Makes an authority, valid from 2025 to 2035.
    ///
    /// # Panics
    /// When the certificate cannot be made.
    pub fn new(common_name: &str) -> Self {
        Self::root(&LeafOptions::named(common_name), BasicConstraints::Unconstrained)
    }

    /// Makes an issuing authority's root for mdocs (ISO/IEC 18013-5 Annex B.1.2), valid as long.
    ///
    /// # Panics
    /// When the certificate cannot be made.
    pub fn iaca(common_name: &str, country: &str) -> Self {
        let country = Some(country.to_owned());
        let options = LeafOptions { country, ..LeafOptions::named(common_name) };
        Self::root(&options, BasicConstraints::Constrained(0))
    }

    fn root(options: &LeafOptions, constraints: BasicConstraints) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key can be made");
        let mut params = parameters(options);
        params.is_ca = IsCa::Ca(constraints);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key).expect("a certificate can be made");
        Self { certificate: certificate.der().to_vec(), issuer: Issuer::new(params, key) }
    }

    /// The authority's own certificate in DER: the trust anchor.
    pub fn anchor_der(&self) -> &[u8] {
        &self.certificate
    }

    /// A leaf of this authority.
    ///
    /// # Panics
    /// When the certificate cannot be made.
    pub fn leaf(&self, options: &LeafOptions) -> Leaf {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key can be made");
        let certificate =
            parameters(options).signed_by(&key, &self.issuer).expect("a certificate can be made");
        Leaf { chain: vec![certificate.der().to_vec()], key: private_key(&key) }
    }

    /// A leaf of this authority, for a server that reads its key and certificates from files.
    ///
    /// # Panics
    /// When the certificate cannot be made.
    pub fn leaf_files(&self, options: &LeafOptions) -> LeafFiles {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key can be made");
        let certificate =
            parameters(options).signed_by(&key, &self.issuer).expect("a certificate can be made");
        LeafFiles {
            certificates: certificate.pem(),
            key: key.serialize_pem(),
            certificate_der: certificate.der().to_vec(),
        }
    }

    /// An authority under this one, for chains of more than one certificate.
    ///
    /// # Panics
    /// When the certificate cannot be made.
    pub fn intermediate(&self, common_name: &str, path_length: Option<u8>) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key can be made");
        let mut params = parameters(&LeafOptions::named(common_name));
        params.is_ca = IsCa::Ca(
            path_length.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained),
        );
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate can be made");
        Self { certificate: certificate.der().to_vec(), issuer: Issuer::new(params, key) }
    }

    /// A certificate that its own key signed: what `x5c` must never start with.
    ///
    /// # Panics
    /// When the certificate cannot be made.
    pub fn self_signed_leaf(options: &LeafOptions) -> Leaf {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key can be made");
        let certificate = parameters(options).self_signed(&key).expect("a certificate can be made");
        Leaf { chain: vec![certificate.der().to_vec()], key: private_key(&key) }
    }
}

fn parameters(options: &LeafOptions) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, options.common_name.as_str());
    if let Some(country) = &options.country {
        params.distinguished_name.push(DnType::CountryName, country.as_str());
    }
    if let Some(state) = &options.state {
        params.distinguished_name.push(DnType::StateOrProvinceName, state.as_str());
    }
    params.subject_alt_names = options
        .dns_names
        .iter()
        .map(|name| SanType::DnsName(name.as_str().try_into().expect("test names are ASCII")))
        .collect();
    let (from, until) = options.validity;
    params.not_before = moment(from);
    params.not_after = moment(until);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages.clone_from(&options.usages);
    params.is_ca =
        if options.is_ca { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
    params
}

fn moment(at: Timestamp) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(at.as_second()).expect("test times are in range")
}

fn private_key(key: &KeyPair) -> PrivateKey {
    let public = PublicKey::from_uncompressed(Curve::P256, key.der_bytes())
        .expect("a P-256 key is an uncompressed point");
    // RFC 5915 inside PKCS #8: the 32-byte scalar follows the octet string header `04 20`
    let der = key.serialize_der();
    let header = [0x02, 0x01, 0x01, 0x04, 0x20];
    let start = der
        .windows(header.len())
        .position(|window| window == header)
        .expect("a P-256 PKCS #8 key holds its scalar")
        + header.len();
    PrivateKey::from_parts(der[start..start + 32].to_vec(), public).expect("a scalar of 32 bytes")
}
