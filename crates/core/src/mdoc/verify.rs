//! Verifying an mdoc, for a holder or for a verifier (ISO/IEC 18013-5 §9.3.1).

use std::fmt;

use super::{
    DeviceAuthMethod, DocType, ElementName, ExpectedDeviceAuth, HeldMdoc, MdocError, NameSpace,
    device_auth::DeviceSigned, issuer_signed::IssuerSigned, mso::Mso,
};
use crate::{
    Timestamp,
    cbor::Item,
    claims::{ClaimsPath, DisclosedClaims},
    credential::{CredentialType, Validity, ValidityError, ValidityPolicy},
    crypto::{CryptoProvider, PublicKey, SignatureAlgorithm},
    json::Object,
    status::StatusReference,
    trust::{
        ClaimedCertificates, ClaimedIssuer, IssuerIdentity, IssuerKey, x509::CertificatePurpose,
    },
};

/// An mdoc that was taken apart; nothing in it is trusted.
#[derive(Debug)]
pub struct UnverifiedMdoc<'b> {
    mso: Mso<'b>,
    x5chain: Option<Vec<Vec<u8>>>,
    issuer_signed: IssuerSigned<'b>,
    /// What the device signed, when it came in a DeviceResponse.
    device_signed: Option<Item<'b>>,
}

impl<'b> UnverifiedMdoc<'b> {
    /// Takes an IssuerSigned apart, as an issuer hands it out (OID4VCI 1.0 App. A.2).
    ///
    /// # Errors
    /// One [`MdocError`] per rule about its form.
    pub fn parse(issuer_signed: &'b [u8]) -> Result<Self, MdocError> {
        Self::read(&Item::parse(issuer_signed)?, None)
    }

    /// Takes one document of a DeviceResponse apart.
    pub(super) fn from_document(document: &Item<'b>) -> Result<Self, MdocError> {
        let doc_type = document.get("docType").and_then(Item::as_text);
        let doc_type = doc_type.ok_or(MdocError::Response)?;
        let issuer_signed = document.get("issuerSigned").ok_or(MdocError::Response)?;
        let mdoc = Self::read(issuer_signed, document.get("deviceSigned").cloned())?;
        // ISO/IEC 18013-5 §9.3.1: the document is of the type that the issuer signed
        if doc_type != mdoc.mso.doc_type.as_str() {
            return Err(MdocError::DocTypeMismatch);
        }
        Ok(mdoc)
    }

    fn read(issuer_signed: &Item<'b>, device_signed: Option<Item<'b>>) -> Result<Self, MdocError> {
        let issuer_signed = IssuerSigned::read(issuer_signed)?;
        let issuer_auth = &issuer_signed.issuer_auth;
        let payload = issuer_auth.danger_unverified_payload().ok_or(MdocError::Mso)?;
        let x5chain = issuer_auth.headers().x5chain().map_err(MdocError::IssuerAuth)?;
        Ok(Self { mso: Mso::open(payload)?, x5chain, issuer_signed, device_signed })
    }

    /// The type it claims to be of.
    pub const fn doc_type(&self) -> &DocType {
        &self.mso.doc_type
    }

    /// What it says about who signed it, to find the key by.
    pub fn claimed_issuer(&self) -> ClaimedIssuer<'_> {
        let purpose = CertificatePurpose::MdocSigning;
        let algorithm = self.issuer_signed.issuer_auth.headers().algorithm();
        ClaimedIssuer {
            types: vec![CredentialType::from(self.doc_type())],
            // an mdoc names its issuer by its certificate alone
            issuer: None,
            key_id: None,
            curve: algorithm.ok().map(SignatureAlgorithm::curve),
            certificates: self.x5chain.as_deref().map(|der| ClaimedCertificates { der, purpose }),
        }
    }

    /// Verifies what a holder presented.
    ///
    /// Times are not judged here; see [`VerifiedMdoc::judge_validity`]. Better use
    /// [`verify_presentation`](super::verify_presentation), which forgets nothing.
    ///
    /// # Errors
    /// One [`MdocError`] per rule.
    pub fn verify(
        self,
        key: IssuerKey,
        expected: &ExpectedDeviceAuth<'_>,
        provider: &dyn CryptoProvider,
    ) -> Result<VerifiedMdoc, MdocError> {
        // 1. the issuer signed it, and each element is the issuer's
        self.verify_issuer_signed(&key, provider)?;
        // 2. the device's key stands behind this presentation, and signs only what it may
        let device_signed = self.device_signed.as_ref().ok_or(MdocError::DeviceSignedMissing)?;
        let device_signed = DeviceSigned::read(device_signed)?;
        let device_key = self.mso.device_key(provider)?;
        let device_auth = device_signed.verify(self.doc_type(), &device_key, expected, provider)?;
        let device_claims = device_signed.elements(&self.mso.authorizations()?)?;
        // 3. what the MSO says about the mdoc itself
        let facts = self.facts(&key.issuer, device_key)?;
        let claims = self.issuer_signed.to_json()?;
        Ok(VerifiedMdoc {
            disclosed: paths(&claims),
            claims: DisclosedClaims::new(claims),
            device_claims: DisclosedClaims::new(device_claims),
            doc_type: self.mso.doc_type,
            issuer: key.issuer,
            device_auth,
            facts,
        })
    }

    /// Verifies what an issuer handed out, for the holder to keep.
    ///
    /// # Errors
    /// One [`MdocError`] per rule.
    pub fn verify_for_holding(
        self,
        key: IssuerKey,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<HeldMdoc, MdocError> {
        self.verify_issuer_signed(&key, provider)?;
        let facts = self.facts(&key.issuer, self.mso.device_key(provider)?)?;
        // an mdoc that is no good now is not kept
        ValidityPolicy::default().judge(&facts.validity, now)?;
        HeldMdoc::new(&self.issuer_signed, self.mso.doc_type, Some(key.issuer), facts)
    }

    /// Takes back what was verified when it was received and has been in the holder's own sealed storage
    /// since; neither the issuer's signature nor its times are checked again.
    ///
    /// # Errors
    /// As [`UnverifiedMdoc::verify_for_holding`], signature and times apart.
    pub fn danger_hold_unverified(
        self,
        provider: &dyn CryptoProvider,
    ) -> Result<HeldMdoc, MdocError> {
        self.issuer_signed.check_digests(&self.mso, provider)?;
        let facts = Facts::read(&self.mso, self.mso.device_key(provider)?)?;
        HeldMdoc::new(&self.issuer_signed, self.mso.doc_type, None, facts)
    }

    /// ISO/IEC 18013-5 §9.3.1: issuer data authentication; the chain was verified to find the key.
    fn verify_issuer_signed(
        &self,
        key: &IssuerKey,
        provider: &dyn CryptoProvider,
    ) -> Result<(), MdocError> {
        let issuer_auth = self.issuer_signed.issuer_auth.clone();
        issuer_auth.verify(&key.key, &[], provider).map_err(MdocError::IssuerSignature)?;
        self.issuer_signed.check_digests(&self.mso, provider)
    }

    /// What the MSO says, held to the certificate of its signer.
    fn facts(&self, issuer: &IssuerIdentity, device_key: PublicKey) -> Result<Facts, MdocError> {
        let facts = Facts::read(&self.mso, device_key)?;
        let IssuerIdentity::Certificate { chain, .. } = issuer else { return Ok(facts) };
        // ISO/IEC 18013-5 §9.3.1: `signed` is within the validity of the signer's certificate
        if !facts.validity.issued_at.is_some_and(|signed| chain.was_valid_at(signed)) {
            return Err(MdocError::SignedOutsideCertificate);
        }
        // ISO/IEC 18013-5 §9.3.1: issuing_country and issuing_jurisdiction, where they were disclosed
        let says = |identifier, of_signer: &str| {
            let value = self.issuer_signed.value(NameSpace::MDL, identifier);
            value.is_none_or(|value| value.as_text() == Some(of_signer))
        };
        if !says("issuing_country", &chain.country().unwrap_or_default()) {
            return Err(MdocError::IssuingCountry);
        }
        if chain.state_or_province().is_some_and(|state| !says("issuing_jurisdiction", &state)) {
            return Err(MdocError::IssuingJurisdiction);
        }
        Ok(facts)
    }
}

/// Where each element is, namespace by namespace.
pub(super) fn paths(claims: &Object) -> Vec<ClaimsPath> {
    let elements = claims.iter().filter_map(|(name_space, elements)| {
        Some(elements.as_object()?.keys().map(move |name| (name_space, name)))
    });
    let path = |(name_space, name): (&String, &String)| {
        ClaimsPath::key(name_space.as_str()).then_key(name.as_str())
    };
    elements.flatten().map(path).collect()
}

/// What an MSO says beside its digests.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) device_key: PublicKey,
    pub(super) validity: Validity,
    pub(super) expected_update: Option<Timestamp>,
    pub(super) status: Option<StatusReference>,
}

impl Facts {
    fn read(mso: &Mso<'_>, device_key: PublicKey) -> Result<Self, MdocError> {
        let (status, validity) = (mso.status()?, mso.validity()?);
        Ok(Self { device_key, validity, expected_update: mso.expected_update()?, status })
    }
}

/// An mdoc of which everything was verified but its times, its status and its purpose.
pub struct VerifiedMdoc {
    doc_type: DocType,
    issuer: IssuerIdentity,
    claims: DisclosedClaims,
    device_claims: DisclosedClaims,
    disclosed: Vec<ClaimsPath>,
    device_auth: DeviceAuthMethod,
    facts: Facts,
}

impl VerifiedMdoc {
    /// The type.
    pub const fn doc_type(&self) -> &DocType {
        &self.doc_type
    }

    /// Who issued it.
    pub const fn issuer(&self) -> &IssuerIdentity {
        &self.issuer
    }

    /// The elements that the issuer signed: `{namespace: {identifier: value}}`, in JSON by the advice
    /// of RFC 8949 §6.1 (OID4VP 1.0 App. B.2.4).
    pub const fn claims(&self) -> &DisclosedClaims {
        &self.claims
    }

    /// One element that the issuer signed.
    pub fn element(&self, name: &ElementName) -> Option<&serde_json::Value> {
        self.claims.claim(name.name_space.as_str())?.get(name.identifier.as_str())
    }

    /// The elements that the device signed itself, as the issuer allowed; never mixed with the issuer's.
    pub const fn device_claims(&self) -> &DisclosedClaims {
        &self.device_claims
    }

    /// Which elements were disclosed; the holder could have withheld each.
    pub fn disclosed(&self) -> &[ClaimsPath] {
        &self.disclosed
    }

    /// By what the device proved that it has its key.
    pub const fn device_auth(&self) -> DeviceAuthMethod {
        self.device_auth
    }

    /// The device's key.
    pub const fn device_key(&self) -> &PublicKey {
        &self.facts.device_key
    }

    /// The times in it: `signed`, `validFrom` and `validUntil`.
    pub const fn validity(&self) -> &Validity {
        &self.facts.validity
    }

    /// When the issuer means to sign it anew.
    pub const fn expected_update(&self) -> Option<Timestamp> {
        self.facts.expected_update
    }

    /// Where its status is kept, if it has one.
    pub const fn status(&self) -> Option<&StatusReference> {
        self.facts.status.as_ref()
    }

    /// Judges its times.
    ///
    /// # Errors
    /// One [`ValidityError`] per rule.
    pub fn judge_validity(
        &self,
        policy: &ValidityPolicy,
        now: Timestamp,
    ) -> Result<(), ValidityError> {
        policy.judge(&self.facts.validity, now)
    }
}

impl fmt::Debug for VerifiedMdoc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VerifiedMdoc({}, by {})", self.doc_type, self.issuer.name())
    }
}
