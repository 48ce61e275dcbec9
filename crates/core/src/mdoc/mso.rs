//! The mobile security object: what the issuer's signature is over (ISO/IEC 18013-5 §9.1.2.4).

use jiff::Timestamp;

use super::{DocType, ElementIdentifier, MdocError, NameSpace, time};
use crate::{
    cbor::{Item, Value},
    cose::{self, CoseKeyError},
    credential::Validity,
    crypto::{CryptoProvider, HashAlgorithm, PublicKey},
    status::StatusReference,
};

/// The only version there is.
pub(super) const VERSION: &str = "1.0";

/// An MSO that was taken apart as far as its type and its form; the rest is read where it is judged.
#[derive(Clone, Debug)]
pub(super) struct Mso<'b> {
    item: Item<'b>,
    pub(super) doc_type: DocType,
    pub(super) digest_algorithm: HashAlgorithm,
}

/// The digests of each namespace.
pub(super) struct Digests<'b>(Vec<(&'b str, ById<'b>)>);

/// Digests in the order of their identifiers.
type ById<'b> = Vec<(u64, &'b [u8])>;

/// The elements that the device may sign itself (ISO/IEC 18013-5 §9.1.2.4, `keyAuthorizations`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyAuthorizations {
    /// Whole namespaces.
    pub name_spaces: Vec<NameSpace>,
    /// Single elements.
    pub elements: Vec<(NameSpace, Vec<ElementIdentifier>)>,
}

impl<'b> Mso<'b> {
    /// Reads the payload of `issuerAuth`: an MSO in a byte string behind tag 24.
    pub(super) fn open(payload: &'b [u8]) -> Result<Self, MdocError> {
        let embedded = Item::parse(payload)?.embedded().ok_or(MdocError::Mso)?;
        let item = Item::parse(embedded)?;
        let doc_type = item.get("docType").and_then(Item::as_text);
        let doc_type = doc_type.and_then(|text| DocType::parse(text).ok());
        let doc_type = doc_type.ok_or(MdocError::Mso)?;
        if item.get("version").and_then(Item::as_text) != Some(VERSION) {
            return Err(MdocError::MsoVersion);
        }
        let algorithm = item.get("digestAlgorithm").and_then(Item::as_text);
        let digest_algorithm =
            algorithm.and_then(digest_algorithm).ok_or(MdocError::DigestAlgorithm)?;
        Ok(Self { item, doc_type, digest_algorithm })
    }

    /// `valueDigests`.
    pub(super) fn digests(&self) -> Result<Digests<'b>, MdocError> {
        let length = self.digest_algorithm.length();
        let digest = |(id, digest): &(Item<'b>, Item<'b>)| {
            let digest = digest.as_bytes().filter(|digest| digest.len() == length);
            id.as_unsigned().zip(digest)
        };
        let name_space = |(name, digests): &(Item<'b>, Item<'b>)| {
            let digests = digests.as_map()?.iter().map(digest);
            let mut digests = digests.collect::<Option<ById<'_>>>()?;
            digests.sort_unstable_by_key(|(id, _)| *id);
            Some((name.as_text()?, digests))
        };
        let name_spaces = self.item.get("valueDigests").and_then(Item::as_map);
        let all = name_spaces.and_then(|all| all.iter().map(name_space).collect());
        all.map(Digests).ok_or(MdocError::ValueDigests)
    }

    /// The device's key.
    pub(super) fn device_key(&self, provider: &dyn CryptoProvider) -> Result<PublicKey, MdocError> {
        let key = self.item.get("deviceKeyInfo").and_then(|info| info.get("deviceKey"));
        // ISO/IEC 18013-5 §9.1.2.4: without a device key nobody could present the mdoc
        let key = key.ok_or(MdocError::DeviceKey(CoseKeyError::Malformed))?;
        cose::public_key(key, provider).map_err(MdocError::DeviceKey)
    }

    /// What the device may sign itself; nothing, where the issuer says nothing.
    pub(super) fn authorizations(&self) -> Result<KeyAuthorizations, MdocError> {
        let info = self.item.get("deviceKeyInfo");
        match info.and_then(|info| info.get("keyAuthorizations")) {
            None => Ok(KeyAuthorizations::default()),
            Some(authorizations) => KeyAuthorizations::read(authorizations),
        }
    }

    /// Where the status is kept.
    pub(super) fn status(&self) -> Result<Option<StatusReference>, MdocError> {
        let Some(status) = self.item.get("status") else { return Ok(None) };
        StatusReference::read(&status.to_json()?).map(Some).ok_or(MdocError::Status)
    }

    /// `signed`, `validFrom` and `validUntil`.
    pub(super) fn validity(&self) -> Result<Validity, MdocError> {
        let moment = |name| self.moment(name)?.ok_or(MdocError::ValidityInfo);
        let (signed, from, until) =
            (moment("signed")?, moment("validFrom")?, moment("validUntil")?);
        // ISO/IEC 18013-5 §9.1.2.4: validFrom is not before signed, validUntil is after validFrom
        if from < signed || until <= from {
            return Err(MdocError::ValidityInfo);
        }
        Ok(Validity { issued_at: Some(signed), not_before: Some(from), expires_at: Some(until) })
    }

    /// `expectedUpdate`.
    pub(super) fn expected_update(&self) -> Result<Option<Timestamp>, MdocError> {
        self.moment("expectedUpdate")
    }

    fn moment(&self, name: &str) -> Result<Option<Timestamp>, MdocError> {
        let info = self.item.get("validityInfo").ok_or(MdocError::ValidityInfo)?;
        let Some(moment) = info.get(name) else { return Ok(None) };
        time::read(moment).map(Some).ok_or(MdocError::ValidityInfo)
    }
}

impl<'b> Digests<'b> {
    /// The digest of an element.
    pub(super) fn find(&self, name_space: &NameSpace, id: u64) -> Option<&'b [u8]> {
        let (_, digests) = self.0.iter().find(|(found, _)| *found == name_space.as_str())?;
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

impl KeyAuthorizations {
    fn read(authorizations: &Item<'_>) -> Result<Self, MdocError> {
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
