//! The mobile security object: what the issuer's signature is over (ISO/IEC 18013-5 §9.1.2.4).

use jiff::Timestamp;

use super::{DocType, ElementIdentifier, MdocError, NameSpace, time};
use crate::{
    cbor::{Item, Value},
    cose,
    credential::Validity,
    crypto::{CryptoProvider, HashAlgorithm, PublicKey},
    status::StatusReference,
};

/// The only version there is.
pub(super) const VERSION: &str = "1.0";

/// For each namespace the digests, in the order of their identifiers.
type Digests<'b> = Vec<(&'b str, Vec<(u64, &'b [u8])>)>;

/// An MSO, read from a payload that was signed.
pub(super) struct Mso<'b> {
    pub(super) digest_algorithm: HashAlgorithm,
    digests: Digests<'b>,
    pub(super) device_key: PublicKey,
    pub(super) authorizations: KeyAuthorizations,
    pub(super) validity: Validity,
    pub(super) expected_update: Option<Timestamp>,
    pub(super) status: Option<StatusReference>,
}

/// The elements that the device may sign itself (ISO/IEC 18013-5 §9.1.2.4, `keyAuthorizations`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyAuthorizations {
    /// Whole namespaces.
    pub name_spaces: Vec<NameSpace>,
    /// Single elements.
    pub elements: Vec<(NameSpace, Vec<ElementIdentifier>)>,
}

/// The MSO in the payload of `issuerAuth`, which is a byte string behind tag 24.
pub(super) fn open(payload: &[u8]) -> Result<Item<'_>, MdocError> {
    let embedded = Item::parse(payload)?.embedded().ok_or(MdocError::Mso)?;
    let mso = Item::parse(embedded)?;
    if mso.as_map().is_some() { Ok(mso) } else { Err(MdocError::Mso) }
}

/// The document type that an MSO is about.
pub(super) fn doc_type(mso: &Item<'_>) -> Result<DocType, MdocError> {
    let doc_type = mso.get("docType").and_then(Item::as_text).ok_or(MdocError::Mso)?;
    DocType::parse(doc_type).map_err(|_| MdocError::Mso)
}

impl<'b> Mso<'b> {
    pub(super) fn read(mso: &Item<'b>, provider: &dyn CryptoProvider) -> Result<Self, MdocError> {
        if mso.get("version").and_then(Item::as_text) != Some(VERSION) {
            return Err(MdocError::MsoVersion);
        }
        let digest_algorithm = mso
            .get("digestAlgorithm")
            .and_then(Item::as_text)
            .and_then(digest_algorithm)
            .ok_or(MdocError::DigestAlgorithm)?;
        let device = mso.get("deviceKeyInfo").ok_or(MdocError::Mso)?;
        let device_key = device.get("deviceKey").ok_or(MdocError::Mso)?;
        let status = match mso.get("status") {
            None => None,
            Some(status) => {
                Some(StatusReference::read(&status.to_json()?).ok_or(MdocError::Status)?)
            }
        };
        let info = mso.get("validityInfo").ok_or(MdocError::ValidityInfo)?;
        Ok(Self {
            digest_algorithm,
            digests: read_digests(mso, digest_algorithm)?,
            device_key: cose::public_key(device_key, provider).map_err(MdocError::DeviceKey)?,
            authorizations: KeyAuthorizations::read(device.get("keyAuthorizations"))?,
            validity: read_validity(info)?,
            expected_update: match info.get("expectedUpdate") {
                None => None,
                Some(moment) => Some(time::read(moment).ok_or(MdocError::ValidityInfo)?),
            },
            status,
        })
    }

    /// The digest of an element.
    pub(super) fn digest(&self, name_space: &NameSpace, id: u64) -> Option<&'b [u8]> {
        let (_, digests) = self.digests.iter().find(|(found, _)| *found == name_space.as_str())?;
        let at = digests.binary_search_by_key(&id, |(found, _)| *found).ok()?;
        digests.get(at).map(|(_, digest)| *digest)
    }
}

fn digest_algorithm(name: &str) -> Option<HashAlgorithm> {
    // ISO/IEC 18013-5 §9.1.2.5, table 21
    match name {
        "SHA-256" => Some(HashAlgorithm::Sha256),
        "SHA-384" => Some(HashAlgorithm::Sha384),
        "SHA-512" => Some(HashAlgorithm::Sha512),
        _ => None,
    }
}

/// The name of a hash in `digestAlgorithm`.
pub(super) const fn digest_algorithm_name(algorithm: HashAlgorithm) -> &'static str {
    match algorithm {
        HashAlgorithm::Sha256 => "SHA-256",
        HashAlgorithm::Sha384 => "SHA-384",
        HashAlgorithm::Sha512 => "SHA-512",
    }
}

fn read_digests<'b>(mso: &Item<'b>, algorithm: HashAlgorithm) -> Result<Digests<'b>, MdocError> {
    let malformed = || MdocError::ValueDigests;
    let name_spaces = mso.get("valueDigests").and_then(Item::as_map).ok_or_else(malformed)?;
    let digest = |(id, digest): &(Item<'b>, Item<'b>)| {
        let (id, digest) = (id.as_unsigned(), digest.as_bytes());
        id.zip(digest.filter(|digest| digest.len() == algorithm.length()))
    };
    let name_space = |(name, digests): &(Item<'b>, Item<'b>)| {
        let digests = digests.as_map()?.iter().map(digest);
        let mut digests = digests.collect::<Option<Vec<_>>>()?;
        digests.sort_unstable_by_key(|(id, _)| *id);
        Some((name.as_text()?, digests))
    };
    name_spaces.iter().map(name_space).collect::<Option<_>>().ok_or_else(malformed)
}

fn read_validity(info: &Item<'_>) -> Result<Validity, MdocError> {
    let moment = |name| info.get(name).and_then(time::read).ok_or(MdocError::ValidityInfo);
    let (signed, from, until) = (moment("signed")?, moment("validFrom")?, moment("validUntil")?);
    // ISO/IEC 18013-5 §9.1.2.4: validFrom is not before signed, validUntil is after validFrom
    if from < signed || until <= from {
        return Err(MdocError::ValidityInfo);
    }
    Ok(Validity { issued_at: Some(signed), not_before: Some(from), expires_at: Some(until) })
}

impl KeyAuthorizations {
    fn read(authorizations: Option<&Item<'_>>) -> Result<Self, MdocError> {
        let Some(authorizations) = authorizations else { return Ok(Self::default()) };
        let read = || {
            authorizations.as_map()?;
            let name_spaces = match authorizations.get("nameSpaces") {
                None => Vec::new(),
                Some(names) => {
                    let name = |item: &Item<'_>| NameSpace::parse(item.as_text()?).ok();
                    names.as_array()?.iter().map(name).collect::<Option<_>>()?
                }
            };
            let elements = match authorizations.get("dataElements") {
                None => Vec::new(),
                Some(elements) => {
                    elements.as_map()?.iter().map(read_elements).collect::<Option<_>>()?
                }
            };
            Some(Self { name_spaces, elements })
        };
        read().ok_or(MdocError::KeyAuthorizations)
    }

    /// Whether the device may sign this element.
    pub fn allow(&self, name_space: &NameSpace, identifier: &ElementIdentifier) -> bool {
        let names = |(space, identifiers): &(NameSpace, Vec<ElementIdentifier>)| {
            space == name_space && identifiers.contains(identifier)
        };
        self.name_spaces.contains(name_space) || self.elements.iter().any(names)
    }
}

fn read_elements(
    (name_space, identifiers): &(Item<'_>, Item<'_>),
) -> Option<(NameSpace, Vec<ElementIdentifier>)> {
    let name = |item: &Item<'_>| ElementIdentifier::parse(item.as_text()?).ok();
    let identifiers = identifiers.as_array()?.iter().map(name).collect::<Option<_>>()?;
    Some((NameSpace::parse(name_space.as_text()?).ok()?, identifiers))
}

impl KeyAuthorizations {
    /// None when nothing is authorised.
    pub(super) fn to_value(&self) -> Option<Value> {
        let mut members = Vec::new();
        if !self.name_spaces.is_empty() {
            let names = self.name_spaces.iter().map(|name| name.as_str().into());
            members.push(("nameSpaces", Value::Array(names.collect())));
        }
        if !self.elements.is_empty() {
            let element = |(space, identifiers): &(NameSpace, Vec<ElementIdentifier>)| {
                let identifiers = identifiers.iter().map(|name| name.as_str().into());
                (Value::from(space.as_str()), Value::Array(identifiers.collect()))
            };
            let elements = self.elements.iter().map(element).collect();
            members.push(("dataElements", Value::Map(elements)));
        }
        (!members.is_empty()).then(|| Value::map(members))
    }
}
