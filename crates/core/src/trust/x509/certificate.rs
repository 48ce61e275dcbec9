//! One certificate, parsed once, with its critical extensions accounted for.

use x509_cert::{
    Certificate as Der, Version,
    der::{
        Decode as _, Encode as _, Header, Reader as _, SliceReader,
        asn1::{ObjectIdentifier, UintRef},
        oid::AssociatedOid,
    },
    ext::pkix::{
        AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints, ExtendedKeyUsage,
        KeyUsage, NameConstraints, SubjectAltName, name::GeneralName,
    },
    name::Name,
    serial_number::SerialNumber,
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
    time::{Time, Validity},
};

use super::{CertificatePurpose, ChainError, crl};
use crate::{
    Timestamp,
    crypto::{CryptoError, CryptoProvider, Curve, PublicKey, SignatureAlgorithm},
};

/// A certificate with everything a path check asks for taken out of it.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) der: Vec<u8>,
    parsed: Der,
    /// The signed bytes, as they came.
    signed: std::ops::Range<usize>,
    pub(super) basic_constraints: Option<BasicConstraints>,
    key_usage: Option<KeyUsage>,
    extended_key_usage: Option<ExtendedKeyUsage>,
    pub(super) alternative_names: Vec<GeneralName>,
    pub(super) name_constraints: Option<NameConstraints>,
    pub(super) authority_key_identifier: Option<Vec<u8>>,
    /// Whether it says that its issuer publishes lists of revoked certificates, in whatever way.
    pub(super) names_lists: bool,
    /// Where the lists of revoked certificates are that cover this one.
    pub(super) distribution_points: Vec<String>,
}

impl Certificate {
    /// Reads a DER certificate, strictly.
    pub(super) fn parse(der: &[u8]) -> Result<Self, ChainError> {
        let malformed = |_| ChainError::Malformed;
        let parsed = Der::from_der(der).map_err(malformed)?;
        let signed = signed_range(der).map_err(malformed)?;

        let tbs = parsed.tbs_certificate();
        // RFC 5280 §4.1.1.2: the algorithm is stated twice, and only the inner statement is signed
        if tbs.signature() != parsed.signature_algorithm() {
            return Err(ChainError::Malformed);
        }
        let mut certificate = Self {
            der: der.to_vec(),
            signed,
            basic_constraints: None,
            key_usage: None,
            extended_key_usage: None,
            alternative_names: Vec::new(),
            name_constraints: None,
            authority_key_identifier: None,
            names_lists: false,
            distribution_points: Vec::new(),
            parsed,
        };
        certificate.read_extensions()?;
        Ok(certificate)
    }

    fn read_extensions(&mut self) -> Result<(), ChainError> {
        let tbs = self.parsed.tbs_certificate();
        let Some(extensions) = tbs.extensions().cloned() else { return Ok(()) };
        // RFC 5280 §4.1.2.1: extensions make it a version 3 certificate
        if tbs.version() != Version::V3 {
            return Err(ChainError::Malformed);
        }
        for (index, extension) in extensions.iter().enumerate() {
            let id = extension.extn_id;
            // RFC 5280 §4.2: one instance of each extension
            if extensions[..index].iter().any(|earlier| earlier.extn_id == id) {
                return Err(ChainError::Malformed);
            }
            let value = extension.extn_value.as_bytes();
            if id == BasicConstraints::OID {
                self.basic_constraints = Some(decode(value)?);
            } else if id == KeyUsage::OID {
                self.key_usage = Some(decode(value)?);
            } else if id == ExtendedKeyUsage::OID {
                self.extended_key_usage = Some(decode(value)?);
            } else if id == SubjectAltName::OID {
                self.alternative_names = decode::<SubjectAltName>(value)?.0;
            } else if id == NameConstraints::OID {
                self.name_constraints = Some(decode(value)?);
            } else if id == AuthorityKeyIdentifier::OID {
                let identifier = decode::<AuthorityKeyIdentifier>(value)?.key_identifier;
                self.authority_key_identifier =
                    identifier.map(|identifier| identifier.as_bytes().to_vec());
            } else if id == CrlDistributionPoints::OID {
                self.names_lists = true;
                self.distribution_points = crl::locations(&decode(value)?);
            } else if extension.critical && !HARMLESS.contains(&id) {
                // RFC 5280 §4.2: a critical extension that is not understood refuses the certificate
                return Err(ChainError::UnknownCriticalExtension);
            }
        }
        Ok(())
    }

    pub(super) fn subject(&self) -> &Name {
        self.parsed.tbs_certificate().subject()
    }

    pub(super) fn issuer(&self) -> &Name {
        self.parsed.tbs_certificate().issuer()
    }

    pub(super) fn is_self_issued(&self) -> bool {
        self.subject() == self.issuer()
    }

    /// RFC 5280 §4.1.2.5: both ends belong to the period.
    pub(super) fn check_validity(&self, now: Timestamp) -> Result<(), ChainError> {
        let validity = self.parsed.tbs_certificate().validity();
        let now = u64::try_from(now.as_second()).map_err(|_| ChainError::NotYetValid)?;
        if now < validity.not_before.to_unix_duration().as_secs() {
            return Err(ChainError::NotYetValid);
        }
        if now > validity.not_after.to_unix_duration().as_secs() {
            return Err(ChainError::Expired);
        }
        Ok(())
    }

    /// RFC 5280 §6.1.4(k), (n): an authority says that it is one, and that its key signs certificates.
    pub(super) fn check_authority(&self) -> Result<(), ChainError> {
        if !self.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca) {
            return Err(ChainError::NotAnAuthority);
        }
        if self.key_usage.as_ref().is_some_and(|usage| !usage.key_cert_sign()) {
            return Err(ChainError::NotACertificateSigner);
        }
        Ok(())
    }

    /// RFC 5280 §4.2.1.3, §4.2.1.9: a leaf is no authority, and its key signs documents.
    pub(super) fn check_leaf(&self) -> Result<(), ChainError> {
        if self.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca) {
            return Err(ChainError::LeafIsAuthority);
        }
        if self.key_usage.as_ref().is_some_and(|usage| !usage.digital_signature()) {
            return Err(ChainError::NotADocumentSigner);
        }
        Ok(())
    }

    /// RFC 5280 §4.2.1.12: where purposes are stated, one of them must be this one.
    pub(super) fn check_purpose(&self, purpose: CertificatePurpose) -> Result<(), ChainError> {
        let is_authority =
            self.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca);
        let fits = match (&self.extended_key_usage, purpose.required()) {
            (None, None) => true,
            // an authority that states no purpose may give out certificates for any
            (None, Some(_)) => is_authority,
            (Some(ExtendedKeyUsage(stated)), Some(required)) => stated.contains(&required),
            (Some(ExtendedKeyUsage(stated)), None) => {
                !stated.iter().all(|stated| purpose.foreign().contains(stated))
            }
        };
        if fits { Ok(()) } else { Err(ChainError::WrongPurpose) }
    }

    /// ISO/IEC 18013-5 Annex B.1.4: what an mdoc document signer has beyond RFC 5280.
    pub(super) fn check_document_signer(&self, authority: &Self) -> Result<(), ChainError> {
        if self.key_usage.is_none() {
            return Err(ChainError::NotADocumentSigner);
        }
        let states = (self.state_or_province(), authority.state_or_province());
        let same_state = !matches!(states, (Some(own), Some(theirs)) if own != theirs);
        if self.country() == authority.country() && same_state {
            Ok(())
        } else {
            Err(ChainError::Jurisdiction)
        }
    }

    /// Checks this certificate's signature with its issuer's key.
    pub(super) fn verify_signature(
        &self,
        key: &PublicKey,
        provider: &dyn CryptoProvider,
    ) -> Result<(), ChainError> {
        let signed = self.der.get(self.signed.clone()).ok_or(ChainError::Malformed)?;
        let signature = self.parsed.signature().as_bytes().ok_or(ChainError::Malformed)?;
        verify_signature(self.parsed.signature_algorithm(), signed, signature, key, provider)
    }

    pub(super) fn serial_number(&self) -> &SerialNumber {
        self.parsed.tbs_certificate().serial_number()
    }

    pub(super) fn is_authority(&self) -> bool {
        self.basic_constraints.as_ref().is_some_and(|constraints| constraints.ca)
    }

    /// RFC 5280 §6.3.3(f): where key usage is stated, lists of revoked certificates are among it.
    pub(super) fn may_sign_revocation_lists(&self) -> bool {
        self.key_usage.as_ref().is_none_or(KeyUsage::crl_sign)
    }

    /// The key the certificate is about.
    pub(super) fn public_key(
        &self,
        provider: &dyn CryptoProvider,
    ) -> Result<PublicKey, ChainError> {
        let info = self.parsed.tbs_certificate().subject_public_key_info();
        let curve = curve(info)?;
        let bytes = info.subject_public_key.as_bytes().ok_or(ChainError::Malformed)?;
        match PublicKey::from_uncompressed(curve, bytes) {
            Some(key) => Ok(key),
            None => provider.decompress(curve, bytes).map_err(|_| ChainError::InvalidKey),
        }
    }

    /// The subject for humans: its common name, else its organisation, else nothing.
    pub(super) fn subject_text(&self) -> String {
        let text = |oid| self.subject_attribute(oid);
        text(COMMON_NAME).or_else(|| text(ORGANIZATION)).unwrap_or_default()
    }

    pub(super) fn country(&self) -> Option<String> {
        self.subject_attribute(COUNTRY)
    }

    pub(super) fn state_or_province(&self) -> Option<String> {
        self.subject_attribute(STATE_OR_PROVINCE)
    }

    /// Whether its subject has an address for mail in it, as certificates once had.
    pub(super) fn has_email_address(&self) -> bool {
        self.subject().iter().any(|attribute| attribute.oid == EMAIL_ADDRESS)
    }

    fn subject_attribute(&self, oid: ObjectIdentifier) -> Option<String> {
        let named = self.subject().iter().filter(|attribute| attribute.oid == oid);
        named.last().and_then(|attribute| directory_text(&attribute.value.to_der().ok()?))
    }
}

/// The seconds since 1970 from which and until which a certificate is valid; nothing else in it is read.
pub(crate) fn period(der: &[u8]) -> Result<(i64, i64), ChainError> {
    let read = || -> x509_cert::der::Result<Validity> {
        let mut reader = SliceReader::new(der)?;
        // RFC 5280 §4.1: the certificate, and what is signed of it
        Header::decode(&mut reader)?;
        Header::decode(&mut reader)?;
        // the version, which versions other than the first have
        if reader.tlv_bytes()?.first() == Some(&0xa0) {
            reader.tlv_bytes()?;
        }
        // the serial number was read; the algorithm and the issuer
        reader.tlv_bytes()?;
        reader.tlv_bytes()?;
        Validity::decode(&mut reader)
    };
    let validity = read().map_err(|_| ChainError::Malformed)?;
    let second = |time: Time| i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
    Ok((second(validity.not_before), second(validity.not_after)))
}

/// Where the signed part is in a signed structure: the first element of its outermost sequence.
pub(super) fn signed_range(der: &[u8]) -> x509_cert::der::Result<std::ops::Range<usize>> {
    let mut reader = SliceReader::new(der)?;
    Header::decode(&mut reader)?;
    let start = der.len() - usize::try_from(reader.remaining_len())?;
    let length = reader.tlv_bytes()?.len();
    Ok(start..start + length)
}

/// Checks the signature over the signed part of a certificate or of a list.
pub(super) fn verify_signature(
    algorithm: &AlgorithmIdentifierOwned,
    signed: &[u8],
    signature: &[u8],
    key: &PublicKey,
    provider: &dyn CryptoProvider,
) -> Result<(), ChainError> {
    let algorithm = signature_algorithm(algorithm)?;
    let fixed;
    let signature = match algorithm {
        SignatureAlgorithm::EdDsa => signature,
        SignatureAlgorithm::Es256 | SignatureAlgorithm::Es384 | SignatureAlgorithm::Es256k => {
            fixed = fixed_length(signature, algorithm.signature_length() / 2)?;
            &fixed
        }
    };
    match provider.verify(algorithm, key, signed, signature) {
        Ok(()) => Ok(()),
        Err(CryptoError::KeyMismatch) => Err(ChainError::AlgorithmNotSupported),
        Err(CryptoError::InvalidKey) => Err(ChainError::InvalidKey),
        Err(_) => Err(ChainError::Signature),
    }
}

fn decode<'d, T: x509_cert::der::Decode<'d>>(value: &'d [u8]) -> Result<T, ChainError> {
    T::from_der(value).map_err(|_| ChainError::Malformed)
}

fn directory_text(der: &[u8]) -> Option<String> {
    use x509_cert::ext::pkix::name::DirectoryString;
    let text = DirectoryString::from_der(der).ok()?.value().into_owned();
    // a name is shown to people: nothing in it may move the cursor or turn the text around
    let harmless = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    Some(text.chars().filter(harmless).collect())
}

fn signature_algorithm(
    stated: &AlgorithmIdentifierOwned,
) -> Result<SignatureAlgorithm, ChainError> {
    match stated.oid {
        // RFC 5758 §3.2, RFC 8410 §3: the parameters are absent
        _ if stated.parameters.is_some() && !SHA1.contains(&stated.oid) => {
            Err(ChainError::AlgorithmNotSupported)
        }
        ECDSA_SHA256 => Ok(SignatureAlgorithm::Es256),
        ECDSA_SHA384 => Ok(SignatureAlgorithm::Es384),
        ED25519 => Ok(SignatureAlgorithm::EdDsa),
        oid if SHA1.contains(&oid) => Err(ChainError::Sha1),
        _ => Err(ChainError::AlgorithmNotSupported),
    }
}

fn curve(info: &SubjectPublicKeyInfoOwned) -> Result<Curve, ChainError> {
    let parameters = info.algorithm.parameters.as_ref();
    match info.algorithm.oid {
        ED25519 if parameters.is_none() => Ok(Curve::Ed25519),
        EC_PUBLIC_KEY => {
            let named = parameters.and_then(|named| named.decode_as::<ObjectIdentifier>().ok());
            match named {
                Some(P256) => Ok(Curve::P256),
                Some(P384) => Ok(Curve::P384),
                _ => Err(ChainError::KeyNotSupported),
            }
        }
        _ => Err(ChainError::KeyNotSupported),
    }
}

/// RFC 3279 §2.2.3: `SEQUENCE { r INTEGER, s INTEGER }`, made `r || s` of fixed length.
fn fixed_length(der: &[u8], length: usize) -> Result<Vec<u8>, ChainError> {
    let read = || -> x509_cert::der::Result<Vec<u8>> {
        let mut reader = SliceReader::new(der)?;
        let fixed = reader.sequence(|inner| {
            let mut fixed = Vec::with_capacity(2 * length);
            for _ in 0..2 {
                let integer = UintRef::decode(inner)?;
                let padding = length
                    .checked_sub(integer.as_bytes().len())
                    .ok_or_else(|| inner.error(x509_cert::der::ErrorKind::Overlength))?;
                fixed.resize(fixed.len() + padding, 0);
                fixed.extend_from_slice(integer.as_bytes());
            }
            Ok::<_, x509_cert::der::Error>(fixed)
        })?;
        reader.finish()?;
        Ok(fixed)
    };
    read().map_err(|_| ChainError::Signature)
}

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const COUNTRY: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.6");
const STATE_OR_PROVINCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.8");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");

/// ecdsa-with-SHA1, sha1WithRSAEncryption.
const SHA1: [ObjectIdentifier; 2] = [
    ObjectIdentifier::new_unwrap("1.2.840.10045.4.1"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.5"),
];

/// Extensions that may be critical although nothing here depends on them: subjectKeyIdentifier,
/// issuerAltName, and certificatePolicies, as long as no policy is demanded (RFC 5280 §6.1.1(c)).
const HARMLESS: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("2.5.29.14"),
    ObjectIdentifier::new_unwrap("2.5.29.18"),
    ObjectIdentifier::new_unwrap("2.5.29.32"),
];
