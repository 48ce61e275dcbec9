//! Issuing an mdoc (ISO/IEC 18013-5 §9.1.2).

use std::fmt;

use jiff::Timestamp;
use thiserror::Error;

use super::{
    DocType, ElementName, ElementType, KeyAuthorizations, NameSpace,
    mso::{VERSION, digest_algorithm_name},
    time,
};
use crate::{
    cbor::{Encoder, Value},
    cose::{self, Header, Payload},
    credential::Validity,
    crypto::{CryptoProvider, HashAlgorithm, PublicKey, Random, Signer, SignerError},
    json::{self, Object},
    status::StatusReference,
    trust::x509::period,
};

/// The length of an element's `random`: 128 bits, the shortest that is allowed.
const RANDOM: usize = 16;

/// Room for an element and for its digest, so that buffers seldom grow.
const ELEMENT: usize = 160;
const DIGEST: usize = 40;

/// The elements of an mdoc, in the order they were added.
#[derive(Clone, Default)]
pub struct IssuerNameSpaces {
    name_spaces: Vec<(NameSpace, Vec<(String, Value)>)>,
}

/// An mdoc that is about to be signed.
#[derive(Clone)]
pub struct MdocDraft {
    doc_type: DocType,
    elements: IssuerNameSpaces,
    device_key: PublicKey,
    times: Times,
    expected_update: Option<Timestamp>,
    authorizations: KeyAuthorizations,
    status: Option<Value>,
    digest_algorithm: HashAlgorithm,
}

#[derive(Clone, Copy)]
struct Times {
    signed: Timestamp,
    from: Timestamp,
    until: Timestamp,
}

/// Why a draft cannot become an mdoc.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MdocDraftError {
    /// There is no element.
    #[error("the mdoc would have no element")]
    NoElements,
    /// A namespace or an element has no proper name, or a namespace is not an object of elements.
    #[error("a namespace or an element is malformed")]
    Malformed,
    /// An element was added twice.
    #[error("the element {0} was added twice")]
    Duplicate(String),
    /// A standardised element is of another type than its standard says.
    #[error("the element {0} is of another type")]
    ElementType(String),
    /// The validity says not when it was issued, or not when it ends.
    #[error("an mdoc says when it was signed and when it expires")]
    UnlimitedValidity,
    /// It would expire before it starts to be valid, or start before it was signed.
    #[error("the times of the mdoc are not in order")]
    NeverValid,
    /// The document signer's certificate cannot be read, or is not valid now.
    #[error("the document signer's certificate is not valid now")]
    Certificate,
    /// A status reference of an unknown kind cannot be written.
    #[error("the status reference cannot be written")]
    Status,
}

impl IssuerNameSpaces {
    /// No elements yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an element.
    #[must_use]
    pub fn with(mut self, name: &ElementName, value: impl Into<Value>) -> Self {
        let element = (name.identifier.as_str().to_owned(), value.into());
        let space = &name.name_space;
        match self.name_spaces.iter_mut().find(|(found, _)| found == space) {
            Some((_, elements)) => elements.push(element),
            None => self.name_spaces.push((space.clone(), vec![element])),
        }
        self
    }

    /// Reads `{namespace: {identifier: value}}`; standardised elements get their [`ElementType`].
    ///
    /// # Errors
    /// [`MdocDraftError::Malformed`] and [`MdocDraftError::ElementType`].
    pub fn from_json(claims: &Object) -> Result<Self, MdocDraftError> {
        let malformed = || MdocDraftError::Malformed;
        let mut all = Self::new();
        for (name_space, elements) in claims {
            for (identifier, value) in elements.as_object().ok_or_else(malformed)? {
                let name = ElementName::parse(name_space.as_str(), identifier.as_str());
                let name = name.map_err(|_| malformed())?;
                let value = ElementType::of(&name.name_space, identifier)
                    .value(value)
                    .ok_or_else(|| MdocDraftError::ElementType(identifier.clone()))?;
                all = all.with(&name, value);
            }
        }
        Ok(all)
    }

    fn check(&self) -> Result<(), MdocDraftError> {
        if self.name_spaces.is_empty() {
            return Err(MdocDraftError::NoElements);
        }
        for (_, elements) in &self.name_spaces {
            let mut names: Vec<_> = elements.iter().map(|(name, _)| name).collect();
            names.sort_unstable();
            if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
                return Err(MdocDraftError::Duplicate(pair[0].clone()));
            }
        }
        Ok(())
    }
}

impl MdocDraft {
    /// Puts an mdoc together; it is bound to the device's key.
    ///
    /// `validity` must say when the mdoc was issued and when it expires; without `not_before` it is valid
    /// from the moment it was issued.
    ///
    /// # Errors
    /// One [`MdocDraftError`] per rule.
    pub fn new(
        doc_type: &DocType,
        elements: IssuerNameSpaces,
        device_key: &PublicKey,
        validity: &Validity,
    ) -> Result<Self, MdocDraftError> {
        elements.check()?;
        let Validity { issued_at: Some(signed), not_before, expires_at: Some(until) } = *validity
        else {
            return Err(MdocDraftError::UnlimitedValidity);
        };
        let from = not_before.unwrap_or(signed);
        // ISO/IEC 18013-5 §9.1.2.4, judged in the whole seconds that are written
        if from.as_second() < signed.as_second() || until.as_second() <= from.as_second() {
            return Err(MdocDraftError::NeverValid);
        }
        Ok(Self {
            doc_type: doc_type.clone(),
            elements,
            device_key: *device_key,
            times: Times { signed, from, until },
            expected_update: None,
            authorizations: KeyAuthorizations::default(),
            status: None,
            digest_algorithm: HashAlgorithm::Sha256,
        })
    }

    /// Signed under this certificate, in DER, at this moment.
    ///
    /// Where the times were rounded to a day that began before the certificate was valid, they begin with the
    /// certificate: an mdoc that was signed before is invalid for ever (ISO/IEC 18013-5 §9.3.1).
    ///
    /// # Errors
    /// [`MdocDraftError::Certificate`] and [`MdocDraftError::NeverValid`].
    pub fn under(mut self, certificate: &[u8], now: Timestamp) -> Result<Self, MdocDraftError> {
        let (start, end) = period(certificate).map_err(|_| MdocDraftError::Certificate)?;
        if !(start..=end).contains(&now.as_second()) {
            return Err(MdocDraftError::Certificate);
        }
        let start = Timestamp::from_second(start).map_err(|_| MdocDraftError::Certificate)?;
        let Times { signed, from, until } = &mut self.times;
        *signed = start.max(*signed);
        *from = start.max(*from);
        if until.as_second() <= from.as_second() {
            return Err(MdocDraftError::NeverValid);
        }
        Ok(self)
    }

    /// With a reference to the mdoc's status.
    ///
    /// # Errors
    /// [`MdocDraftError::Status`] for a reference of an unknown kind.
    pub fn with_status(mut self, status: &StatusReference) -> Result<Self, MdocDraftError> {
        let StatusReference::TokenStatusList { index, uri } = status else {
            return Err(MdocDraftError::Status);
        };
        // Token Status List §6.3: the same members as in JSON
        let list = Value::map([("idx", (*index).into()), ("uri", uri.as_str().into())]);
        self.status = Some(Value::map([("status_list", list)]));
        Ok(self)
    }

    /// With the elements that the device may sign itself.
    #[must_use]
    pub fn with_key_authorizations(mut self, authorizations: KeyAuthorizations) -> Self {
        self.authorizations = authorizations;
        self
    }

    /// With the moment when it is meant to be signed anew.
    #[must_use]
    pub const fn with_expected_update(mut self, moment: Timestamp) -> Self {
        self.expected_update = Some(moment);
        self
    }

    /// With another hash algorithm for digests than SHA-256.
    #[must_use]
    pub const fn with_digest_algorithm(mut self, algorithm: HashAlgorithm) -> Self {
        self.digest_algorithm = algorithm;
        self
    }

    /// Signs the mdoc; `x5chain` is the document signer's certificate first, the anchor left out.
    ///
    /// The randoms of the elements and the order of their digests come from the provider's randomness.
    ///
    /// # Errors
    /// [`SignerError`] when the issuer's key gives no signature.
    pub async fn sign<D: AsRef<[u8]> + Sync>(
        self,
        signer: &dyn Signer,
        x5chain: &[D],
        provider: &dyn CryptoProvider,
    ) -> Result<IssuedMdoc, SignerError> {
        let (name_spaces, value_digests) = self.digest_elements(provider);
        let mso = self.mso(&value_digests);
        let mut payload = Encoder::with_capacity(mso.len() + 8);
        payload.embedded(&mso);
        // ISO/IEC 18013-5 §9.1.2.4: x5chain is not protected; alg is
        let unprotected = Header::new().with_x5chain(x5chain);
        let payload = Payload::Attached(payload.as_bytes());
        let issuer_auth = cose::sign1(Header::new(), unprotected, payload, &[], signer).await?;
        let mut issuer_signed = Encoder::with_capacity(issuer_auth.len() + name_spaces.len() + 32);
        issuer_signed.map(2);
        issuer_signed.text("issuerAuth").raw(&issuer_auth);
        issuer_signed.text("nameSpaces").raw(&name_spaces);
        Ok(IssuedMdoc { encoded: issuer_signed.into_bytes() })
    }

    /// IssuerNameSpaces and ValueDigests, both encoded.
    fn digest_elements(&self, provider: &dyn CryptoProvider) -> (Vec<u8>, Vec<u8>) {
        let mut all: Vec<_> = self.elements.name_spaces.iter().collect();
        // RFC 8949 §4.2.1: the order of the encoded keys, so the shorter name first
        all.sort_unstable_by_key(|(name, _)| (name.as_str().len(), name.as_str()));
        let count = all.iter().map(|(_, elements)| elements.len()).sum();
        let mut randomness = Randomness::draw(count, provider);
        let mut name_spaces = Encoder::with_capacity(count * ELEMENT);
        let mut value_digests = Encoder::with_capacity(count * DIGEST);
        name_spaces.map(all.len());
        value_digests.map(all.len());
        let mut item = Encoder::with_capacity(ELEMENT);
        for (name_space, elements) in all {
            name_spaces.text(name_space.as_str()).array(elements.len());
            value_digests.text(name_space.as_str()).map(elements.len());
            let mut digests = Vec::with_capacity(elements.len());
            // ISO/IEC 18013-5 §9.1.2.4: a digest's identifier tells nothing about its element
            let ids = randomness.shuffled(elements.len());
            for ((identifier, value), id) in elements.iter().zip(ids) {
                item.clear();
                write_item(&mut item, id, randomness.next(), (identifier.as_str(), value));
                let start = name_spaces.as_bytes().len();
                name_spaces.embedded(item.as_bytes());
                // ISO/IEC 18013-5 §9.1.2.5: over IssuerSignedItemBytes, the tag and its head included
                let signed = &name_spaces.as_bytes()[start..];
                digests.push((id, provider.hash(self.digest_algorithm, signed)));
            }
            digests.sort_unstable_by_key(|(id, _)| *id);
            for (id, digest) in digests {
                value_digests.integer(id.into()).bytes(digest.as_bytes());
            }
        }
        (name_spaces.into_bytes(), value_digests.into_bytes())
    }

    /// MobileSecurityObject, the members in the order of their encoded keys (RFC 8949 §4.2.1).
    fn mso(&self, value_digests: &[u8]) -> Vec<u8> {
        let mut out = Encoder::with_capacity(value_digests.len() + 512);
        out.map(6 + usize::from(self.status.is_some()));
        if let Some(status) = &self.status {
            out.text("status").value(status);
        }
        out.text("docType").text(self.doc_type.as_str()).text("version").text(VERSION);
        let Times { signed, from, until } = self.times;
        out.text("validityInfo").map(3 + usize::from(self.expected_update.is_some()));
        for (name, moment) in [("signed", signed), ("validFrom", from), ("validUntil", until)] {
            out.text(name).value(&time::value(moment));
        }
        if let Some(moment) = self.expected_update {
            out.text("expectedUpdate").value(&time::value(moment));
        }
        out.text("valueDigests").raw(value_digests);
        let authorizations = self.authorizations.to_value();
        out.text("deviceKeyInfo").map(1 + usize::from(authorizations.is_some()));
        out.text("deviceKey").value(&cose::public_key_value(&self.device_key));
        if let Some(authorizations) = authorizations {
            out.text("keyAuthorizations").value(&authorizations);
        }
        out.text("digestAlgorithm").text(digest_algorithm_name(self.digest_algorithm));
        out.into_bytes()
    }
}

/// IssuerSignedItem, the members in the order of their encoded keys (RFC 8949 §4.2.1).
fn write_item(out: &mut Encoder, id: u64, random: &[u8], (identifier, value): (&str, &Value)) {
    out.map(4).text("random").bytes(random).text("digestID").integer(id.into());
    out.text("elementValue").value(value).text("elementIdentifier").text(identifier);
}

/// What one mdoc needs, drawn at once: asking for each piece alone takes longer than signing.
struct Randomness {
    bytes: Vec<u8>,
    used: usize,
}

impl Randomness {
    /// Enough for so many elements.
    fn draw(elements: usize, random: &(impl Random + ?Sized)) -> Self {
        let mut bytes = vec![0; elements * (RANDOM + size_of::<u64>())];
        random.fill(&mut bytes);
        Self { bytes, used: 0 }
    }

    /// The `random` of one element.
    fn next(&mut self) -> &[u8] {
        self.take(RANDOM)
    }

    /// The numbers below `count`, each once, in an order that nobody can guess.
    fn shuffled(&mut self, count: usize) -> Vec<u64> {
        let mut numbers: Vec<u64> = (0..).take(count).collect();
        // Fisher and Yates: each draw is uniform but for one part in 2^64 / count
        for last in (1..count).rev() {
            let mut draw = [0; size_of::<u64>()];
            draw.copy_from_slice(self.take(size_of::<u64>()));
            let other = u64::from_le_bytes(draw) % (last as u64 + 1);
            numbers.swap(last, other as usize);
        }
        numbers
    }

    fn take(&mut self, length: usize) -> &[u8] {
        let from = self.used;
        self.used += length;
        &self.bytes[from..self.used]
    }
}

impl fmt::Debug for IssuerNameSpaces {
    /// The number of elements; never a name or a value.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count: usize = self.name_spaces.iter().map(|(_, elements)| elements.len()).sum();
        write!(out, "IssuerNameSpaces({count} elements)")
    }
}

impl fmt::Debug for MdocDraft {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "MdocDraft({}, {:?})", self.doc_type, self.elements)
    }
}

/// An mdoc as its issuer signed it, with every element: for its holder alone.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedMdoc {
    encoded: Vec<u8>,
}

impl IssuedMdoc {
    /// The encoded IssuerSigned.
    pub fn as_bytes(&self) -> &[u8] {
        &self.encoded
    }

    /// What goes into a credential response (OID4VCI 1.0 App. A.2.4).
    pub fn to_base64url(&self) -> String {
        json::base64url(&self.encoded)
    }
}

impl fmt::Debug for IssuedMdoc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("IssuedMdoc")
    }
}
