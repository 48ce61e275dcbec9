//! The test authority of demo and development mode: its root vouches for every tenant's keys, and nobody else trusts it.

use std::net::IpAddr;

use jiff::{Timestamp, ToSpan as _, tz::TimeZone};
use lanyard_core::crypto::PrivateKey;
use lanyard_store::{SecretName, TenantId};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SerialNumber,
};

use super::{KeyError, SigningIdentity, Vault};

const COMMON_NAME: &str = "Lanyard Test Authority";
const IACA_NAME: &str = "Lanyard Test Issuing Authority";
/// The country of the test issuing authority: Utopia, the user-assigned code of the standard's examples.
const COUNTRY: &str = "UT";
/// The purpose of a document signer (ISO/IEC 18013-5 Annex B.1.4).
const DOCUMENT_SIGNING: [u64; 6] = [1, 0, 18013, 5, 1, 2];

/// A certificate authority that lives in one data folder, and beside it one for document signers.
pub struct TestAuthority {
    key: PrivateKey,
    certificate: Vec<u8>,
    iaca_key: PrivateKey,
    iaca: Vec<u8>,
}

impl TestAuthority {
    /// The authority of this vault, made on first use.
    ///
    /// # Errors
    /// When keys cannot be kept or certificates not made.
    pub async fn of(vault: &Vault, now: Timestamp) -> Result<Self, KeyError> {
        let tenant = own_tenant()?;
        let key = vault.key(&tenant, &name("authority/key")?, now).await?;
        let certificate = vault
            .bytes(&tenant, &name("authority/certificate")?, now, || {
                root(vault, &key, root_parameters(vault, now)?)
            })
            .await?;
        let iaca_key = vault.key(&tenant, &name("authority/iaca-key")?, now).await?;
        let iaca = vault
            .bytes(&tenant, &name("authority/iaca")?, now, || {
                root(vault, &iaca_key, iaca_parameters(vault, now)?)
            })
            .await?;
        Ok(Self { key, certificate, iaca_key, iaca })
    }

    /// The root certificates in DER: the trust anchors.
    #[must_use]
    pub fn anchors_der(&self) -> [&[u8]; 2] {
        [&self.certificate, &self.iaca]
    }

    /// The root certificates in PEM.
    #[must_use]
    pub fn anchors_pem(&self) -> String {
        self.anchors_der().map(pem).concat()
    }

    /// A tenant's identity for one purpose, with a certificate for `host`.
    ///
    /// The key is kept; the certificate is made anew at each start, so it never expires unnoticed and follows the host.
    ///
    /// # Errors
    /// When keys cannot be kept or certificates not made.
    pub async fn identity(
        &self,
        vault: &Vault,
        tenant: &TenantId,
        subject: &Subject<'_>,
        now: Timestamp,
    ) -> Result<SigningIdentity, KeyError> {
        let key = vault.key(tenant, &name(subject.key_name)?, now).await?;
        let mut params = parameters(vault, subject.common_name, now, 2)?;
        params.subject_alt_names = vec![alternative_name(subject.host)?];
        if let Some(uri) = subject.uri {
            let uri = uri.try_into().map_err(|_| KeyError::Certificate)?;
            params.subject_alt_names.push(SanType::URI(uri));
        }
        params.use_authority_key_identifier_extension = true;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // RFC 5280 §4.2.1.1, §6.1.3: issuer name and authority key identifier follow from the root's name and key
        let issuer = Issuer::new(root_parameters(vault, now)?, Key::new(vault, &self.key));
        let leaf =
            params.signed_by(&Key::new(vault, &key), &issuer).map_err(|_| KeyError::Certificate)?;
        SigningIdentity::new(vault.provider(), &key, vec![leaf.der().to_vec()])
    }
}

impl TestAuthority {
    /// A tenant's document signer, for mdocs; like [`TestAuthority::identity`] for everything else.
    ///
    /// # Errors
    /// When keys cannot be kept or certificates not made.
    pub async fn document_signer(
        &self,
        vault: &Vault,
        tenant: &TenantId,
        common_name: &str,
        now: Timestamp,
    ) -> Result<SigningIdentity, KeyError> {
        let key = vault.key(tenant, &name("issuer/document-signer")?, now).await?;
        let mut params = parameters(vault, common_name, now, 2)?;
        // ISO/IEC 18013-5 Annex B.1.4: in the country of its authority, for this purpose alone
        params.distinguished_name.push(DnType::CountryName, COUNTRY);
        params.use_authority_key_identifier_extension = true;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::Other(DOCUMENT_SIGNING.to_vec())];
        let issuer = Issuer::new(iaca_parameters(vault, now)?, Key::new(vault, &self.iaca_key));
        let leaf =
            params.signed_by(&Key::new(vault, &key), &issuer).map_err(|_| KeyError::Certificate)?;
        SigningIdentity::new(vault.provider(), &key, vec![leaf.der().to_vec()])
    }
}

fn pem(der: &[u8]) -> String {
    let encoded = crate::pages::standard_base64(&lanyard_core::json::base64url(der));
    let lines: Vec<&str> =
        (0..encoded.len()).step_by(64).map(|at| &encoded[at..encoded.len().min(at + 64)]).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// Whom a certificate is made for.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The name of the key in the vault.
    pub key_name: &'a str,
    /// The name for people.
    pub common_name: &'a str,
    /// The DNS name or address of the server.
    pub host: &'a str,
    /// The identifier of an issuer, which plain http keeps a host from vouching for (SD-JWT VC §2.5).
    pub uri: Option<&'a str>,
}

fn own_tenant() -> Result<TenantId, KeyError> {
    "lanyard-authority".parse().map_err(|_| KeyError::Unusable)
}

fn name(text: &str) -> Result<SecretName, KeyError> {
    text.parse().map_err(|_| KeyError::Unusable)
}

fn root(vault: &Vault, key: &PrivateKey, params: CertificateParams) -> Result<Vec<u8>, KeyError> {
    let certificate =
        params.self_signed(&Key::new(vault, key)).map_err(|_| KeyError::Certificate)?;
    Ok(certificate.der().to_vec())
}

fn root_parameters(vault: &Vault, now: Timestamp) -> Result<CertificateParams, KeyError> {
    authority_parameters(vault, COMMON_NAME, now)
}

/// ISO/IEC 18013-5 Annex B.1.2: the authority of document signers says its country.
fn iaca_parameters(vault: &Vault, now: Timestamp) -> Result<CertificateParams, KeyError> {
    let mut params = authority_parameters(vault, IACA_NAME, now)?;
    params.distinguished_name.push(DnType::CountryName, COUNTRY);
    Ok(params)
}

fn authority_parameters(
    vault: &Vault,
    common_name: &str,
    now: Timestamp,
) -> Result<CertificateParams, KeyError> {
    let mut params = parameters(vault, common_name, now, 10)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn parameters(
    vault: &Vault,
    common_name: &str,
    now: Timestamp,
    years: i64,
) -> Result<CertificateParams, KeyError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common_name);
    // RFC 5280 §4.1.2.2: positive, at most 20 octets, never used twice
    let mut serial = [0; 16];
    vault.provider().fill(&mut serial);
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let today = now.to_zoned(TimeZone::UTC).date();
    let day = |date: jiff::civil::Date| {
        rcgen::date_time_ymd(
            i32::from(date.year()),
            date.month().unsigned_abs(),
            date.day().unsigned_abs(),
        )
    };
    params.not_before = day(today.saturating_sub(1.day()));
    params.not_after = day(today.saturating_add(years.years()));
    Ok(params)
}

fn alternative_name(host: &str) -> Result<SanType, KeyError> {
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(address) => Ok(SanType::IpAddress(address)),
        Err(_) => host.try_into().map(SanType::DnsName).map_err(|_| KeyError::Certificate),
    }
}

/// A vault key as the certificate maker wants it.
struct Key<'a> {
    vault: &'a Vault,
    key: &'a PrivateKey,
    point: Vec<u8>,
}

impl<'a> Key<'a> {
    fn new(vault: &'a Vault, key: &'a PrivateKey) -> Self {
        Self { vault, key, point: key.public().to_uncompressed() }
    }
}

impl PublicKeyData for Key<'_> {
    fn der_bytes(&self) -> &[u8] {
        &self.point
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Key<'_> {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        let refused = |_| rcgen::Error::RemoteKeyError;
        let signer = self.vault.provider().signing_key(self.key).map_err(refused)?;
        let signature = signer.sign(message).map_err(refused)?;
        Ok(der_signature(&signature))
    }
}

/// RFC 3279 §2.2.3: certificates carry ECDSA signatures as a DER sequence of two integers.
fn der_signature(raw: &[u8]) -> Vec<u8> {
    let (r, s) = raw.split_at(raw.len() / 2);
    let body = [der_integer(r), der_integer(s)].concat();
    [vec![0x30, u8::try_from(body.len()).unwrap_or(u8::MAX)], body].concat()
}

fn der_integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len().saturating_sub(1));
    let mut digits = bytes[start..].to_vec();
    if digits.first().is_some_and(|first| first & 0x80 != 0) {
        digits.insert(0, 0);
    }
    [vec![0x02, u8::try_from(digits.len()).unwrap_or(u8::MAX)], digits].concat()
}

#[cfg(test)]
mod tests {
    use super::der_signature;

    #[test]
    fn a_signature_becomes_two_minimal_positive_integers() {
        assert_eq!(der_signature(&[0x00, 0x01, 0x80, 0x00]), [0x30, 8, 2, 1, 1, 2, 3, 0, 0x80, 0]);
    }
}
