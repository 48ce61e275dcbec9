//! Lists of revoked certificates (RFC 5280 §5).

use thiserror::Error;
use x509_cert::{
    crl::CertificateList,
    der::{Decode as _, Document, asn1::ObjectIdentifier},
    ext::pkix::{
        CrlDistributionPoints,
        crl::IssuingDistributionPoint,
        name::{DistributionPointName, GeneralName},
    },
};

use super::certificate::{Certificate, signed_range, verify_signature};
use crate::{Timestamp, crypto::CryptoProvider};

/// The longest list that is read.
const MAX_LENGTH: usize = 5 * 1024 * 1024;

/// Why a list says nothing about a certificate.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RevocationListError {
    /// There is no list that covers the certificate.
    #[error("no list of revoked certificates covers it")]
    NoList,
    /// The list cannot be reached.
    #[error("the list of revoked certificates cannot be reached")]
    Unreachable,
    /// The list is longer than any that is read.
    #[error("the list of revoked certificates is too long")]
    TooLong,
    /// The list is neither DER nor PEM of RFC 5280.
    #[error("the list of revoked certificates is malformed")]
    Malformed,
    /// The list is of a kind that is not evaluated: a delta, an indirect one, one for some reasons alone,
    /// or one with a critical extension that is not understood.
    #[error("the list of revoked certificates is of a kind that is not supported")]
    NotSupported,
    /// The list is not by the certificate's issuer.
    #[error("the list of revoked certificates is by somebody else")]
    ForeignIssuer,
    /// The list's issuer may not sign such lists.
    #[error("the issuer's key is not meant for lists of revoked certificates")]
    NotASigner,
    /// The list's signature does not verify.
    #[error("the signature of the list of revoked certificates does not verify")]
    Signature,
    /// The list is from the future.
    #[error("the list of revoked certificates is not valid yet")]
    NotYetValid,
    /// There ought to be a newer list by now, or the list does not say when that will be.
    #[error("the list of revoked certificates is out of date")]
    OutOfDate,
}

/// A list of revoked certificates that was taken apart; nothing in it is trusted before it is held
/// against a chain.
#[derive(Clone, Debug)]
pub struct RevocationList {
    der: Vec<u8>,
    parsed: CertificateList,
    signed: std::ops::Range<usize>,
    scope: Option<IssuingDistributionPoint>,
}

impl RevocationList {
    /// Reads a list, DER or PEM.
    ///
    /// # Errors
    /// [`RevocationListError::TooLong`], [`RevocationListError::Malformed`] and
    /// [`RevocationListError::NotSupported`].
    pub fn parse(received: &[u8]) -> Result<Self, RevocationListError> {
        let malformed = |_| RevocationListError::Malformed;
        if received.len() > MAX_LENGTH {
            return Err(RevocationListError::TooLong);
        }
        let der = match std::str::from_utf8(received) {
            Ok(text) if text.trim_start().starts_with("-----BEGIN") => {
                let (label, document) = Document::from_pem(text.trim()).map_err(malformed)?;
                if label != "X509 CRL" {
                    return Err(RevocationListError::Malformed);
                }
                document.into_vec()
            }
            _ => received.to_vec(),
        };
        let parsed = CertificateList::from_der(&der).map_err(malformed)?;
        let signed = signed_range(&der).map_err(malformed)?;
        // RFC 5280 §5.1.1.2: the algorithm is stated twice, and only the inner statement is signed
        if parsed.tbs_cert_list.signature != parsed.signature_algorithm {
            return Err(RevocationListError::Malformed);
        }
        let mut list = Self { der, parsed, signed, scope: None };
        list.read_extensions()?;
        Ok(list)
    }

    fn read_extensions(&mut self) -> Result<(), RevocationListError> {
        let tbs = &self.parsed.tbs_cert_list;
        for extension in tbs.crl_extensions.iter().flatten() {
            if extension.extn_id == ISSUING_DISTRIBUTION_POINT {
                let scope = IssuingDistributionPoint::from_der(extension.extn_value.as_bytes());
                let scope = scope.map_err(|_| RevocationListError::Malformed)?;
                // RFC 5280 §5.2.5: a list for others' certificates, or one that leaves reasons out
                if scope.indirect_crl
                    || scope.only_some_reasons.is_some()
                    || scope.only_contains_attribute_certs
                {
                    return Err(RevocationListError::NotSupported);
                }
                self.scope = Some(scope);
            } else if extension.critical {
                // RFC 5280 §5.2: not used to determine the status; a delta is one of these (§5.2.4)
                return Err(RevocationListError::NotSupported);
            }
        }
        for entry in tbs.revoked_certificates.iter().flatten() {
            // RFC 5280 §5.3: as for the list itself; a foreign certificateIssuer is one of these (§5.3.3)
            if entry.crl_entry_extensions.iter().flatten().any(|extension| extension.critical) {
                return Err(RevocationListError::NotSupported);
            }
        }
        Ok(())
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> usize {
        self.der.len()
    }

    /// When there ought to be a newer list, in seconds since 1970; none when it does not say.
    pub(super) fn next_update(&self) -> Option<u64> {
        self.parsed.tbs_cert_list.next_update.map(|next| next.to_unix_duration().as_secs())
    }

    /// Whether a certificate is on the list, if the list is one to go by.
    pub(super) fn lists(
        &self,
        certificate: &Certificate,
        issuer: &Certificate,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<bool, RevocationListError> {
        let tbs = &self.parsed.tbs_cert_list;
        // RFC 5280 §6.3.3(b)(1): by the certificate's issuer, as indirect lists are not read
        if tbs.issuer != *issuer.subject() || tbs.issuer != *certificate.issuer() {
            return Err(RevocationListError::ForeignIssuer);
        }
        // RFC 5280 §6.3.3(b)(2): a list that is not about such certificates says nothing about this one
        if self.scope.as_ref().is_some_and(|scope| !covers(scope, certificate)) {
            return Err(RevocationListError::NoList);
        }
        // RFC 5280 §6.3.3(f)
        if !issuer.may_sign_revocation_lists() {
            return Err(RevocationListError::NotASigner);
        }
        // RFC 5280 §6.3.3(g)
        self.verify_signature(issuer, provider)?;
        let now = u64::try_from(now.as_second()).map_err(|_| RevocationListError::NotYetValid)?;
        if now < tbs.this_update.to_unix_duration().as_secs() {
            return Err(RevocationListError::NotYetValid);
        }
        // RFC 5280 §5.1.2.5: nextUpdate is there, and until then there may be no newer list
        let next = self.next_update().ok_or(RevocationListError::OutOfDate)?;
        if now > next {
            return Err(RevocationListError::OutOfDate);
        }
        // RFC 5280 §6.3.3(j): whatever the reason, a hold included
        let mut entries = tbs.revoked_certificates.iter().flatten();
        Ok(entries.any(|entry| entry.serial_number == *certificate.serial_number()))
    }

    fn verify_signature(
        &self,
        issuer: &Certificate,
        provider: &dyn CryptoProvider,
    ) -> Result<(), RevocationListError> {
        let bad = |_| RevocationListError::Signature;
        let key = issuer.public_key(provider).map_err(bad)?;
        let signed = self.der.get(self.signed.clone()).ok_or(RevocationListError::Malformed)?;
        let signature = self.parsed.signature.as_bytes().ok_or(RevocationListError::Malformed)?;
        let algorithm = &self.parsed.signature_algorithm;
        verify_signature(algorithm, signed, signature, &key, provider).map_err(bad)
    }
}

/// RFC 5280 §6.3.3(b)(2): the point the list is distributed at, and the kind of certificate.
fn covers(scope: &IssuingDistributionPoint, certificate: &Certificate) -> bool {
    let kind = match certificate.is_authority() {
        true => !scope.only_contains_user_certs,
        false => !scope.only_contains_ca_certs,
    };
    let point = match &scope.distribution_point {
        None => true,
        Some(DistributionPointName::FullName(names)) => {
            uris(names).any(|uri| certificate.distribution_points.iter().any(|own| own == uri))
        }
        // names relative to an issuer are not resolved
        Some(DistributionPointName::NameRelativeToCRLIssuer(_)) => false,
    };
    kind && point
}

fn uris(names: &[GeneralName]) -> impl Iterator<Item = &str> {
    names.iter().filter_map(|name| match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str()),
        _ => None,
    })
}

/// The URIs of those distribution points whose lists are by the certificate's issuer and for all reasons.
pub(super) fn locations(points: &CrlDistributionPoints) -> Vec<String> {
    let plain = |point: &&_| {
        let point: &x509_cert::ext::pkix::crl::dp::DistributionPoint = point;
        point.reasons.is_none() && point.crl_issuer.is_none()
    };
    let names = points.0.iter().filter(plain).filter_map(|point| match &point.distribution_point {
        Some(DistributionPointName::FullName(names)) => Some(names),
        _ => None,
    });
    names.flat_map(|names| uris(names)).map(str::to_owned).collect()
}

/// issuingDistributionPoint.
const ISSUING_DISTRIBUTION_POINT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.28");
