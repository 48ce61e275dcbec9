//! did:peer: identifiers of one or two parties that carry their document (Peer DID Method 1.0, did:peer:4 1.0).
//!
//! The forms 0 and 2 and the long form of 4 carry everything. Form 3 and the short form of 4 are hashes,
//! and lead to a document for those only who saw the longer form before
//! ([`DidMethods::with_known_peer`](super::DidMethods::with_known_peer)). Form 1 needs a store of its own.

use serde_json::{Value, json};
use thiserror::Error;

use super::{Did, DidDocument, Relationship, ResolutionError, key, multihash};
use crate::{
    crypto::CryptoProvider,
    json::{self, Object},
};

/// Why a did:peer was refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum PeerFault {
    /// A generation method that is not one of 0, 2, 3 and 4.
    #[error("its generation method is not supported")]
    Numalgo,
    /// An element of form 2 has no known purpose.
    #[error("an element has an unknown purpose")]
    Purpose,
    /// An element of form 2 carries no key.
    #[error("an element carries no supported key")]
    Key,
    /// A service of form 2 is no base64url of a JSON object, or its id is not relative.
    #[error("a service cannot be read")]
    Service,
    /// The hash is not one of what follows it.
    #[error("the hash does not fit the document")]
    Hash,
    /// The document of form 4 is no multibase, multicodec or JSON object, or brings its own `id`.
    #[error("the encoded document cannot be read")]
    Encoding,
    /// A hash of a document that was never seen here.
    #[error("the longer form was never seen")]
    LongFormUnknown,
}

impl PeerFault {
    /// The stable reason, for operators.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Numalgo => "peer_generation_method",
            Self::Purpose => "peer_element_purpose",
            Self::Key => "peer_element_key",
            Self::Service => "peer_service_malformed",
            Self::Hash => "peer_hash",
            Self::Encoding => "peer_document_encoding",
            Self::LongFormUnknown => "peer_long_form_unknown",
        }
    }
}

/// The multicodec prefix of JSON (0x0200) as a varint.
const JSON: [u8; 2] = [0x80, 0x04];

impl Did {
    /// The did:peer:4 of a document without `id`, in its long form.
    ///
    /// # Errors
    /// [`PeerFault::Encoding`] when the document has an `id`, or is too large for a DID.
    pub fn peer_of_document(
        document: &Object,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, PeerFault> {
        // did:peer:4, Creating a DID (1): the document has no id, its references are relative
        if document.contains_key("id") {
            return Err(PeerFault::Encoding);
        }
        let text = Value::Object(document.clone()).to_string();
        let encoded =
            format!("z{}", bs58::encode([&JSON[..], text.as_bytes()].concat()).into_string());
        let hash = multihash::sha256(encoded.as_bytes(), provider);
        Self::parse(&format!("did:peer:4z{hash}:{encoded}")).map_err(|_| PeerFault::Encoding)
    }

    /// The shorter form of a did:peer: form 3 of a form 2, the short form of a long form 4.
    pub fn short_peer(&self, provider: &dyn CryptoProvider) -> Option<Self> {
        let text = match (self.method(), Form::of(self)?) {
            ("peer", Form::Elements(elements)) => {
                // Peer DID Method, Method 3: the hash covers what follows `did:peer:2`
                format!("did:peer:3z{}", multihash::sha256(elements.as_bytes(), provider))
            }
            ("peer", Form::Long { hash, .. }) => format!("did:peer:4{hash}"),
            _ => return None,
        };
        Self::parse(&text).ok()
    }
}

/// What comes after `did:peer:`.
enum Form<'d> {
    /// 0: one key.
    Key(&'d str),
    /// 2: keys and services, each after a full stop.
    Elements(&'d str),
    /// 3, and the short form of 4: a hash.
    Hash,
    /// The long form of 4: the hash and the encoded document.
    Long { hash: &'d str, encoded: &'d str },
}

impl<'d> Form<'d> {
    fn of(did: &'d Did) -> Option<Self> {
        let (numalgo, rest) = did.method_specific_id().split_at_checked(1)?;
        match (numalgo, rest.split_once(':')) {
            ("0", None) => Some(Self::Key(rest)),
            ("2", None) => Some(Self::Elements(rest)),
            ("3" | "4", None) => Some(Self::Hash),
            ("4", Some((hash, encoded))) => Some(Self::Long { hash, encoded }),
            _ => None,
        }
    }
}

/// Resolves a did:peer; `known` gives the longer form of a hash.
pub(super) fn resolve(
    did: &Did,
    known: impl Fn(&Did) -> Option<Did>,
    provider: &dyn CryptoProvider,
) -> Result<DidDocument, ResolutionError> {
    let members = match Form::of(did).ok_or(PeerFault::Numalgo)? {
        Form::Key(multibase) => of_key(did, multibase, provider)?,
        Form::Elements(elements) => {
            of_elements(did, did.short_peer(provider).as_ref(), elements, provider)?
        }
        Form::Long { hash, encoded } => of_long(did, hash, encoded, provider)?,
        Form::Hash => {
            let long = known(did).ok_or(PeerFault::LongFormUnknown)?;
            match Form::of(&long).ok_or(PeerFault::Numalgo)? {
                Form::Elements(elements) => of_elements(did, Some(&long), elements, provider)?,
                Form::Long { hash, encoded } => {
                    let document = decode(hash, encoded, provider)?;
                    contextualize(document, did, &long)
                }
                _ => return Err(PeerFault::LongFormUnknown.into()),
            }
        }
    };
    Ok(DidDocument::from_members(did, members, provider)?)
}

/// Peer DID Method, Method 0: the document of the did:key, under this name.
fn of_key(
    did: &Did,
    multibase: &str,
    provider: &dyn CryptoProvider,
) -> Result<Object, ResolutionError> {
    let equivalent = Did::parse(&format!("did:key:{multibase}"))?;
    let written = Value::Object(key::resolve(&equivalent, provider)?.to_json()).to_string();
    let renamed = written.replace(equivalent.as_str(), did.as_str());
    Ok(json::parse_object(renamed.as_bytes()).map_err(|_| PeerFault::Key)?)
}

/// Peer DID Method, Method 2, Resolving a did:peer:2.
fn of_elements(
    did: &Did,
    other: Option<&Did>,
    elements: &str,
    provider: &dyn CryptoProvider,
) -> Result<Object, ResolutionError> {
    let mut methods = Vec::new();
    let mut services: Vec<Value> = Vec::new();
    let mut unnamed = 0;
    let mut relationships: Vec<(Relationship, Vec<Value>)> = Vec::new();
    let mut elements = elements.split('.');
    // the DID goes on with a full stop
    if elements.next() != Some("") {
        return Err(PeerFault::Purpose.into());
    }
    for element in elements {
        let (purpose, content) = element.split_at_checked(1).ok_or(PeerFault::Purpose)?;
        let relationship = match purpose {
            "A" => Relationship::AssertionMethod,
            "D" => Relationship::CapabilityDelegation,
            "E" => Relationship::KeyAgreement,
            "I" => Relationship::CapabilityInvocation,
            "V" => Relationship::Authentication,
            "S" => {
                services.push(service(content, &mut unnamed)?);
                continue;
            }
            _ => return Err(PeerFault::Purpose.into()),
        };
        key::decode_multikey(content, provider).map_err(|_| PeerFault::Key)?;
        // Peer DID Method, Method 2: #key-1, #key-2, … in the order of the elements
        let id = format!("#key-{}", methods.len() + 1);
        methods.push(json!({
            "id": id, "controller": did, "type": "Multikey", "publicKeyMultibase": content,
        }));
        match relationships.iter_mut().find(|(of, _)| *of == relationship) {
            Some((_, listed)) => listed.push(id.into()),
            None => relationships.push((relationship, vec![id.into()])),
        }
    }
    let context = json!(["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"]);
    let mut members = Object::new();
    members.insert("@context".to_owned(), context);
    members.insert("id".to_owned(), json!(did));
    members.insert("verificationMethod".to_owned(), methods.into());
    for (relationship, listed) in relationships {
        members.insert(relationship.name().to_owned(), listed.into());
    }
    if !services.is_empty() {
        members.insert("service".to_owned(), services.into());
    }
    members.insert("alsoKnownAs".to_owned(), other.into_iter().map(|other| json!(other)).collect());
    Ok(members)
}

/// One service with its abbreviations written out, and an id when it brings none.
fn service(encoded: &str, unnamed: &mut usize) -> Result<Value, PeerFault> {
    let bytes = json::base64url_decode(encoded).map_err(|_| PeerFault::Service)?;
    // Peer DID Method, Method 2: one service an element, no list
    let service = json::parse_object(&bytes).map_err(|_| PeerFault::Service)?;
    let Value::Object(mut service) = expand(Value::Object(service)) else {
        return Err(PeerFault::Service);
    };
    match service.get("id") {
        // Peer DID Method, Method 2: an id is relative
        Some(Value::String(id)) if id.starts_with('#') => {}
        Some(_) => return Err(PeerFault::Service),
        None => {
            let id = match *unnamed {
                0 => "#service".to_owned(),
                number => format!("#service-{number}"),
            };
            *unnamed += 1;
            service.insert("id".to_owned(), id.into());
        }
    }
    Ok(service.into())
}

/// Peer DID Method, Method 2, Service Encoding: the table of common strings.
fn expand(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| {
                let (name, value) = match (name.as_str(), value) {
                    ("t", Value::String(kind)) if kind == "dm" => {
                        ("type", Value::from("DIDCommMessaging"))
                    }
                    ("t", kind) => ("type", kind),
                    ("s", endpoint) => ("serviceEndpoint", endpoint),
                    ("r", keys) => ("routingKeys", keys),
                    ("a", accepted) => ("accept", accepted),
                    (_, other) => (name.as_str(), other),
                };
                (name.to_owned(), expand(value))
            };
            Value::Object(members.into_iter().map(member).collect())
        }
        Value::Array(elements) => elements.into_iter().map(expand).collect(),
        other => other,
    }
}

/// did:peer:4, Resolving a DID: the document under the long form, also known by the short one.
fn of_long(
    did: &Did,
    hash: &str,
    encoded: &str,
    provider: &dyn CryptoProvider,
) -> Result<Object, ResolutionError> {
    let document = decode(hash, encoded, provider)?;
    let short = did.short_peer(provider).ok_or(PeerFault::Encoding)?;
    Ok(contextualize(document, did, &short))
}

fn decode(hash: &str, encoded: &str, provider: &dyn CryptoProvider) -> Result<Object, PeerFault> {
    // did:peer:4, Hash: over the encoded document as text, before anything in it is looked at
    if hash.strip_prefix('z') != Some(multihash::sha256(encoded.as_bytes(), provider).as_str()) {
        return Err(PeerFault::Hash);
    }
    let base58 = encoded.strip_prefix('z').ok_or(PeerFault::Encoding)?;
    let bytes = bs58::decode(base58).into_vec().map_err(|_| PeerFault::Encoding)?;
    let text = bytes.strip_prefix(&JSON).ok_or(PeerFault::Encoding)?;
    let document = json::parse_object(text).map_err(|_| PeerFault::Encoding)?;
    if document.contains_key("id") {
        return Err(PeerFault::Encoding);
    }
    Ok(document)
}

/// did:peer:4, Contextualize Document: its id, its other form, and whose the keys are.
fn contextualize(mut document: Object, did: &Did, other: &Did) -> Object {
    let of_subject = |method: &mut Value| {
        if let Value::Object(method) = method {
            method.entry("controller").or_insert_with(|| json!(did));
        }
    };
    let lists = Relationship::ALL.iter().map(|relationship| relationship.name());
    for list in ["verificationMethod"].into_iter().chain(lists) {
        if let Some(Value::Array(methods)) = document.get_mut(list) {
            methods.iter_mut().for_each(of_subject);
        }
    }
    match document.get_mut("alsoKnownAs") {
        Some(Value::Array(names)) => names.push(json!(other)),
        _ => drop(document.insert("alsoKnownAs".to_owned(), json!([other]))),
    }
    document.insert("id".to_owned(), json!(did));
    document
}
