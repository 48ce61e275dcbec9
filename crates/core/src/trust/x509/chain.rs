//! A certificate chain, from the leaf to an anchor that is not in it.

use std::sync::Arc;

use thiserror::Error;
use x509_cert::{der::asn1::ObjectIdentifier, ext::pkix::name::GeneralName};

use super::{RevocationListError, TrustAnchors, certificate::Certificate, names};
use crate::{
    Timestamp,
    crypto::{CryptoProvider, HashAlgorithm, PublicKey},
};

/// The longest chain that is read.
const MAX_CERTIFICATES: usize = 6;

/// Why a certificate or a chain was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ChainError {
    /// There is no certificate, or more than six.
    #[error("the chain has no certificate, or too many")]
    Length,
    /// A certificate is not DER, or breaks the form of RFC 5280.
    #[error("a certificate is malformed")]
    Malformed,
    /// A critical extension is not understood.
    #[error("a certificate has a critical extension that is not understood")]
    UnknownCriticalExtension,
    /// The leaf signed itself.
    #[error("the leaf certificate is self-signed")]
    LeafSelfSigned,
    /// A trust anchor was sent along.
    #[error("the chain contains its trust anchor")]
    AnchorInChain,
    /// A certificate's issuer is not the subject of the next.
    #[error("the certificates are not in order")]
    Order,
    /// The last certificate's issuer is no trust anchor.
    #[error("the chain does not end at a trust anchor")]
    Untrusted,
    /// A signature does not verify with the issuer's key.
    #[error("a certificate's signature does not verify")]
    Signature,
    /// A signature was made over a SHA-1 digest.
    #[error("a certificate is signed with SHA-1")]
    Sha1,
    /// A signature was made with another algorithm than ES256, ES384 and Ed25519.
    #[error("a certificate is signed with an algorithm that is not supported")]
    AlgorithmNotSupported,
    /// A key is of another kind than P-256, P-384 and Ed25519.
    #[error("a certificate has a kind of key that is not supported")]
    KeyNotSupported,
    /// A key is not a point of its curve.
    #[error("a certificate has an invalid key")]
    InvalidKey,
    /// A certificate is not valid yet.
    #[error("a certificate is not valid yet")]
    NotYetValid,
    /// A certificate has expired.
    #[error("a certificate has expired")]
    Expired,
    /// A certificate that issued another is no authority.
    #[error("a certificate that issued another is not one of an authority")]
    NotAnAuthority,
    /// An authority's key is not meant for signing certificates.
    #[error("an authority's key is not meant for signing certificates")]
    NotACertificateSigner,
    /// More authorities than one of them allows below itself.
    #[error("the chain is longer than an authority allows")]
    PathLength,
    /// The leaf is an authority.
    #[error("the leaf certificate is one of an authority")]
    LeafIsAuthority,
    /// The leaf's key is not meant for signatures over documents.
    #[error("the leaf's key is not meant for digital signatures")]
    NotADocumentSigner,
    /// The stated purposes are all for something else.
    #[error("a certificate is meant for another purpose")]
    WrongPurpose,
    /// A DNS name lies outside what an authority may vouch for.
    #[error("a name lies outside an authority's name constraints")]
    NameConstraint,
    /// A name constraint is about a form of names that the certificate has, and that is no DNS name.
    #[error("a name constraint cannot be applied")]
    NameConstraintNotSupported,
    /// A certificate was revoked by its issuer.
    #[error("a certificate has been revoked")]
    Revoked,
    /// Whether a certificate was revoked cannot be told now.
    #[error("whether a certificate has been revoked cannot be told: {0}")]
    RevocationUnknown(RevocationListError),
    /// A document signer is of another country, state or province than its authority.
    #[error("the document signer is of another country or state than its authority")]
    Jurisdiction,
}

/// What a leaf certificate is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificatePurpose {
    /// Signs credentials, status lists or attestations.
    CredentialSigning,
    /// Signs presentation requests or metadata, in the name of a DNS host or a registered party.
    RequestSigning,
    /// Signs mdocs: a document signer under an issuing authority's root (ISO/IEC 18013-5 Annex B.1.4).
    MdocSigning,
}

impl CertificatePurpose {
    /// The extended key usages that are certainly about something else.
    ///
    /// Neither HAIP 1.0 nor SD-JWT VC assigns a key purpose, so ecosystems use their own, and a private
    /// or absent one is taken. But a certificate that was given out for TLS, mail or code alone must not
    /// be used for anything else (RFC 5280 §4.2.1.12); for requests, `x509_san_dns` rests on the very
    /// names a TLS certificate vouches for, so there TLS purposes are taken. Who may ask for mdocs may not
    /// therefore issue credentials, nor the other way round (ISO/IEC 18013-5 Annex B.1).
    pub(super) const fn foreign(self) -> &'static [ObjectIdentifier] {
        match self {
            Self::CredentialSigning => &FOREIGN_TO_CREDENTIALS,
            Self::RequestSigning => &FOREIGN_TO_REQUESTS,
            Self::MdocSigning => &[],
        }
    }

    /// The extended key usage that a leaf must state.
    pub(super) const fn required(self) -> Option<ObjectIdentifier> {
        match self {
            Self::CredentialSigning | Self::RequestSigning => None,
            Self::MdocSigning => Some(MDOC_SIGNER),
        }
    }
}

const FOREIGN_TO_CREDENTIALS: [ObjectIdentifier; 7] = [
    CODE_SIGNING,
    EMAIL_PROTECTION,
    TIME_STAMPING,
    OCSP_SIGNING,
    TLS_SERVER,
    TLS_CLIENT,
    MDOC_READER,
];

const FOREIGN_TO_REQUESTS: [ObjectIdentifier; 5] =
    [CODE_SIGNING, EMAIL_PROTECTION, TIME_STAMPING, OCSP_SIGNING, MDOC_SIGNER];

const CODE_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.3");
const EMAIL_PROTECTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.4");
const TIME_STAMPING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.8");
const OCSP_SIGNING: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.9");
const TLS_SERVER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const TLS_CLIENT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

/// The key purpose of mdoc document signers (ISO/IEC 18013-5 Annex B.1.4).
const MDOC_SIGNER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.0.18013.5.1.2");

/// The key purpose of mdoc readers (ISO/IEC 18013-5 Annex B.1.7).
const MDOC_READER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.0.18013.5.1.6");

/// Certificates as a message carried them, leaf first; nothing in them is trusted.
#[derive(Clone, Debug)]
pub struct CertificateChain {
    leaf: Arc<Certificate>,
    authorities: Vec<Arc<Certificate>>,
}

impl CertificateChain {
    /// Reads the DER certificates of an `x5c`, leaf first.
    ///
    /// # Errors
    /// [`ChainError::Length`], [`ChainError::Malformed`] or [`ChainError::UnknownCriticalExtension`].
    pub fn from_x5c(certificates: &[Vec<u8>]) -> Result<Self, ChainError> {
        if certificates.len() > MAX_CERTIFICATES {
            return Err(ChainError::Length);
        }
        let (leaf, authorities) = certificates.split_first().ok_or(ChainError::Length)?;
        let authorities = authorities.iter().map(|der| Certificate::parse(der).map(Arc::new));
        Ok(Self {
            leaf: Arc::new(Certificate::parse(leaf)?),
            authorities: authorities.collect::<Result<_, _>>()?,
        })
    }

    /// Whether both were read from the same certificates, in the same order.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.certificates().map(|one| &one.der).eq(other.certificates().map(|one| &one.der))
    }

    /// Whether it was read from these DER certificates.
    pub(super) fn is_of(&self, certificates: &[Vec<u8>]) -> bool {
        self.certificates().map(|one| &one.der).eq(certificates)
    }

    /// The key that the leaf is about; whether anybody vouches for it is not looked at.
    ///
    /// # Errors
    /// [`ChainError::KeyNotSupported`] and [`ChainError::InvalidKey`].
    pub fn danger_leaf_key(&self, provider: &dyn CryptoProvider) -> Result<PublicKey, ChainError> {
        self.leaf.public_key(provider)
    }

    /// Checks the whole chain up to one of the anchors (RFC 5280 §6.1).
    ///
    /// Revocation of certificates is not looked at, as nothing here fetches; see
    /// [`VerifiedChain::judge_revocation`].
    ///
    /// # Errors
    /// One [`ChainError`] per rule.
    pub fn verify(
        self,
        anchors: &TrustAnchors,
        purpose: CertificatePurpose,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<VerifiedChain, ChainError> {
        let key = self.leaf.public_key(provider)?;
        // HAIP §6.1.1: the certificate that signs must not be self-signed
        if self.leaf.is_self_issued() && self.leaf.verify_signature(&key, provider).is_ok() {
            return Err(ChainError::LeafSelfSigned);
        }
        // HAIP §6.1.1: the trust anchor must not be in the chain
        if self.certificates().any(|one| anchors.iter().any(|anchor| anchor.der == one.der)) {
            return Err(ChainError::AnchorInChain);
        }

        // RFC 5280 §6.1.3(a)(4): each issuer is the subject of the next
        for (one, next) in self.certificates().zip(&self.authorities) {
            if one.issuer() != next.subject() {
                return Err(ChainError::Order);
            }
        }
        let last = self.authorities.last().unwrap_or(&self.leaf);
        let anchor = Arc::clone(anchors.behind(last, provider)?);
        // RFC 5280 §6.1.3(a)(1): each is signed with the key of the next
        for (one, next) in self.certificates().zip(&self.authorities) {
            one.verify_signature(&next.public_key(provider)?, provider)?;
        }

        // HAIP §6.1.1: another edition of the anchor must not be in the chain either
        for one in self.authorities.iter().filter(|one| one.is_self_issued()) {
            if one.verify_signature(&one.public_key(provider)?, provider).is_ok() {
                return Err(ChainError::AnchorInChain);
            }
        }

        // RFC 5280 §6.1.3(a)(2): all of them are valid now, the anchor too
        for one in self.certificates().chain([&*anchor]) {
            one.check_validity(now)?;
        }
        self.leaf.check_leaf()?;
        let mut below = 0;
        for authority in self.authorities.iter().chain([&anchor]) {
            authority.check_authority()?;
            // RFC 5280 §4.2.1.9: so many authorities below this one, self-issued ones not counted
            let allowed = authority.basic_constraints.as_ref().and_then(|c| c.path_len_constraint);
            if allowed.is_some_and(|allowed| below > usize::from(allowed)) {
                return Err(ChainError::PathLength);
            }
            below += usize::from(!authority.is_self_issued());
        }
        for one in self.certificates() {
            one.check_purpose(purpose)?;
        }
        if purpose == CertificatePurpose::MdocSigning {
            self.leaf.check_document_signer(&anchor)?;
        }
        // RFC 5280 §6.1.3(b), (c): an authority's constraints bind everything below it
        for (position, authority) in self.authorities.iter().chain([&anchor]).enumerate() {
            let Some(constraints) = &authority.name_constraints else { continue };
            for one in self.certificates().take(position + 1) {
                names::check(one, constraints)?;
            }
        }
        anchors.remember(&self);
        Ok(VerifiedChain { chain: self, anchor, key })
    }

    fn certificates(&self) -> impl Iterator<Item = &Certificate> {
        [&self.leaf].into_iter().chain(&self.authorities).map(|certificate| &**certificate)
    }
}

/// A chain that leads to a trust anchor, for one purpose at one moment.
#[derive(Clone, Debug)]
pub struct VerifiedChain {
    chain: CertificateChain,
    anchor: Arc<Certificate>,
    key: PublicKey,
}

impl VerifiedChain {
    /// Each certificate of the chain with the one that issued it; the anchor is not judged itself.
    pub(super) fn issued(&self) -> impl Iterator<Item = (&Certificate, &Certificate)> {
        let issuers = self.chain.authorities.iter().chain([&self.anchor]);
        self.chain.certificates().zip(issuers.map(|certificate| &**certificate))
    }

    /// The leaf's key.
    pub const fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// The leaf's subject for humans: its common name, else its organisation, else nothing.
    pub fn subject(&self) -> String {
        self.chain.leaf.subject_text()
    }

    /// The leaf's `dNSName`s, as they are written.
    pub fn dns_names(&self) -> impl Iterator<Item = &str> {
        names::dns_names(&self.chain.leaf.alternative_names)
    }

    /// The leaf's `uniformResourceIdentifier`s, as they are written.
    pub fn uri_names(&self) -> impl Iterator<Item = &str> {
        self.chain.leaf.alternative_names.iter().filter_map(|name| match name {
            GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str()),
            _ => None,
        })
    }

    /// The leaf's country, as its subject writes it (ISO 3166-1, two letters).
    pub fn country(&self) -> Option<String> {
        self.chain.leaf.country()
    }

    /// The leaf's state or province, as its subject writes it.
    pub fn state_or_province(&self) -> Option<String> {
        self.chain.leaf.state_or_province()
    }

    /// Whether the leaf was valid at another moment than the one it was verified for.
    pub fn was_valid_at(&self, moment: Timestamp) -> bool {
        self.chain.leaf.check_validity(moment).is_ok()
    }

    /// Every certificate in DER, leaf first; the anchor that they lead to is not among them.
    pub fn certificates_der(&self) -> impl Iterator<Item = &[u8]> {
        self.chain.certificates().map(|certificate| certificate.der.as_ref())
    }

    /// The leaf in DER.
    pub fn leaf_der(&self) -> &[u8] {
        &self.chain.leaf.der
    }

    /// The SHA-256 digest of the leaf in DER (OID4VP 1.0 §5.9.3, `x509_hash`).
    pub fn leaf_sha256(&self, provider: &dyn CryptoProvider) -> [u8; 32] {
        let digest = provider.hash(HashAlgorithm::Sha256, self.leaf_der());
        digest.as_bytes().try_into().expect("a SHA-256 digest has 32 bytes")
    }

    /// The authority key identifiers along the chain (OID4VP 1.0 §6.1.1.1, `aki`).
    pub fn authority_key_identifiers(&self) -> impl Iterator<Item = &[u8]> {
        self.chain.certificates().filter_map(|one| one.authority_key_identifier.as_deref())
    }
}
