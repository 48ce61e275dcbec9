//! What the issuer signed: elements, each behind a digest (ISO/IEC 18013-5 §8.3.2.1.2.2, §9.1.2).

use super::{ElementIdentifier, MdocError, NameSpace, mso::Mso};
use crate::{
    cbor::Item,
    cose::{CoseError, UnverifiedSign1},
    crypto::CryptoProvider,
    json::Object,
};

/// The shortest `random` of an element (ISO/IEC 18013-5 §9.1.2.5).
const MIN_RANDOM: usize = 16;

/// An IssuerSigned that was taken apart; nothing in it is trusted.
#[derive(Clone, Debug)]
pub(super) struct IssuerSigned<'b> {
    pub(super) name_spaces: Vec<(NameSpace, Vec<SignedElement<'b>>)>,
    pub(super) issuer_auth: UnverifiedSign1<'b>,
    /// `issuerAuth` as it came.
    pub(super) issuer_auth_bytes: &'b [u8],
}

/// An IssuerSignedItem with the very bytes that its digest is over.
#[derive(Clone, Debug)]
pub(super) struct SignedElement<'b> {
    /// Tag 24 and the byte string behind it, as they came.
    pub(super) encoded: &'b [u8],
    digest_id: u64,
    random: &'b [u8],
    pub(super) identifier: ElementIdentifier,
    value: Item<'b>,
}

impl<'b> IssuerSigned<'b> {
    pub(super) fn read(item: &Item<'b>) -> Result<Self, MdocError> {
        let issuer_auth = item.get("issuerAuth").ok_or(MdocError::IssuerSigned)?;
        let issuer_auth_bytes = issuer_auth.encoded();
        let issuer_auth = UnverifiedSign1::from_item(issuer_auth).map_err(MdocError::IssuerAuth)?;
        // ISO/IEC 18013-5 §9.1.2.4: IssuerAuth is a COSE_Sign1, which is the one without a tag
        if issuer_auth.is_tagged() {
            return Err(MdocError::IssuerAuth(CoseError::Malformed));
        }
        let name_spaces = match item.get("nameSpaces") {
            None => Vec::new(),
            Some(name_spaces) => read_name_spaces(name_spaces)?,
        };
        Ok(Self { name_spaces, issuer_auth, issuer_auth_bytes })
    }

    /// Holds every element to its digest in the MSO, each element and each digest to one use.
    pub(super) fn check_digests(
        &self,
        mso: &Mso<'_>,
        provider: &dyn CryptoProvider,
    ) -> Result<(), MdocError> {
        let digests = mso.digests()?;
        for (name_space, elements) in &self.name_spaces {
            check_unique(elements)?;
            for element in elements {
                if element.random.len() < MIN_RANDOM {
                    return Err(MdocError::RandomTooShort);
                }
                // ISO/IEC 18013-5 §9.1.2.5: the digest is over IssuerSignedItemBytes, as they came
                let expected = digests.find(name_space, element.digest_id);
                let expected = expected.ok_or(MdocError::DigestMissing)?;
                if provider.hash(mso.digest_algorithm, element.encoded).as_bytes() != expected {
                    return Err(MdocError::DigestMismatch);
                }
            }
        }
        Ok(())
    }

    /// The elements as `{namespace: {identifier: value}}`.
    pub(super) fn to_json(&self) -> Result<Object, MdocError> {
        let mut claims = Object::new();
        for (name_space, elements) in &self.name_spaces {
            let mut members = Object::new();
            for element in elements {
                let value = element.value.to_json()?;
                members.insert(element.identifier.as_str().to_owned(), value);
            }
            claims.insert(name_space.as_str().to_owned(), members.into());
        }
        Ok(claims)
    }

    /// The value of an element.
    pub(super) fn value(&self, name_space: &str, identifier: &str) -> Option<&Item<'b>> {
        let (_, elements) =
            self.name_spaces.iter().find(|(found, _)| found.as_str() == name_space)?;
        let element = elements.iter().find(|element| element.identifier.as_str() == identifier)?;
        Some(&element.value)
    }
}

fn read_name_spaces<'b>(
    name_spaces: &Item<'b>,
) -> Result<Vec<(NameSpace, Vec<SignedElement<'b>>)>, MdocError> {
    let name_spaces = name_spaces.as_map().ok_or(MdocError::NameSpace)?;
    let read = |(name, elements): &(Item<'b>, Item<'b>)| {
        let name = name.as_text().and_then(|name| NameSpace::parse(name).ok());
        // ISO/IEC 18013-5 §8.3.2.1.2.2: one element or more in each namespace
        let elements = elements.as_array().filter(|elements| !elements.is_empty());
        let (Some(name), Some(elements)) = (name, elements) else {
            return Err(MdocError::NameSpace);
        };
        let elements =
            elements.iter().map(SignedElement::read).collect::<Result<Vec<_>, MdocError>>()?;
        Ok((name, elements))
    };
    name_spaces.iter().map(read).collect()
}

fn check_unique(elements: &[SignedElement<'_>]) -> Result<(), MdocError> {
    // two elements of one name would be two answers to one question
    let mut names: Vec<_> = elements.iter().map(|element| &element.identifier).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(MdocError::ElementRepeated);
    }
    // ISO/IEC 18013-5 §9.1.2.4: a digest identifier is unique within its namespace
    let mut ids: Vec<_> = elements.iter().map(|element| element.digest_id).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(MdocError::DigestIdRepeated);
    }
    Ok(())
}

impl<'b> SignedElement<'b> {
    fn read(item: &Item<'b>) -> Result<Self, MdocError> {
        let encoded = item.encoded();
        let item = Item::parse(item.embedded().ok_or(MdocError::Element)?)?;
        let digest_id = item.get("digestID").and_then(Item::as_unsigned);
        let random = item.get("random").and_then(Item::as_bytes);
        let identifier = item.get("elementIdentifier").and_then(Item::as_text);
        let identifier = identifier.and_then(|text| ElementIdentifier::parse(text).ok());
        let value = item.get("elementValue");
        let (Some(digest_id), Some(random), Some(identifier), Some(value)) =
            (digest_id, random, identifier, value)
        else {
            return Err(MdocError::Element);
        };
        Ok(Self { encoded, digest_id, random, identifier, value: value.clone() })
    }
}
