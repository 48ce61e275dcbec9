//! DID documents, as far as keys are concerned (DID 1.1 §5, CID 1.0 §2).

use std::sync::Arc;

use serde_json::{Value, json};
use thiserror::Error;

use super::{Did, DidUrl, ResolutionError, key};
use crate::{
    crypto::{CryptoProvider, Curve, PublicKey},
    jose::{Jwk, JwkError},
    json::{self, JsonError, Object},
};

/// The most verification methods a document may have: each costs a point decompression.
const MAX_METHODS: usize = 64;

/// What a verification method may be used for (DID 1.1 §5.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relationship {
    /// To authenticate as the DID's subject: presentations, key proofs.
    Authentication,
    /// To make statements: credentials.
    AssertionMethod,
    /// To agree on keys: encryption.
    KeyAgreement,
    /// To invoke capabilities.
    CapabilityInvocation,
    /// To delegate capabilities.
    CapabilityDelegation,
}

impl Relationship {
    /// Every relationship there is.
    pub const ALL: &'static [Self] = &[
        Self::Authentication,
        Self::AssertionMethod,
        Self::CapabilityInvocation,
        Self::CapabilityDelegation,
        Self::KeyAgreement,
    ];

    /// Those that a signature key serves.
    pub const SIGNATURES: &'static [Self] = &[
        Self::Authentication,
        Self::AssertionMethod,
        Self::CapabilityInvocation,
        Self::CapabilityDelegation,
    ];

    /// The member's name in a document.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::AssertionMethod => "assertionMethod",
            Self::KeyAgreement => "keyAgreement",
            Self::CapabilityInvocation => "capabilityInvocation",
            Self::CapabilityDelegation => "capabilityDelegation",
        }
    }
}

/// Why a DID document was refused as a whole.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DocumentFault {
    /// Not strict JSON, or not an object.
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] JsonError),
    /// `id` is missing, no text, or another DID.
    #[error("it belongs to another DID")]
    ForeignId,
    /// A member has the wrong JSON type.
    #[error("its member {0} has the wrong type")]
    WrongType(&'static str),
    /// A verification method has no id, type or controller that can be read.
    #[error("it has a malformed verification method")]
    MalformedMethod,
    /// Two verification methods have one id.
    #[error("it has two verification methods of one id")]
    DuplicateMethod,
    /// A verification method carries its private key.
    #[error("it contains a private key")]
    PrivateKey,
    /// A verification method has its key in two forms.
    #[error("it has a verification method with two keys")]
    TwoKeys,
    /// A key of a supported kind is malformed or off its curve.
    #[error("it has an invalid key")]
    InvalidKey,
    /// More verification methods than anybody needs.
    #[error("it has too many verification methods")]
    TooManyMethods,
}

impl DocumentFault {
    /// The stable reason, for operators.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "did_document_unreadable",
            Self::ForeignId => "did_document_of_another",
            Self::WrongType(_) => "did_document_member_type",
            Self::MalformedMethod => "did_document_method_malformed",
            Self::DuplicateMethod => "did_document_method_twice",
            Self::PrivateKey => "did_document_private_key",
            Self::TwoKeys => "did_document_two_keys",
            Self::InvalidKey => "did_document_key_invalid",
            Self::TooManyMethods => "did_document_too_many_methods",
        }
    }
}

/// A key in a DID document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerificationMethod {
    /// Its name, absolute.
    pub id: DidUrl,
    /// Whose key it is; a document that does not say so can be read, but the key cannot be used.
    pub controller: Option<Did>,
    /// The key; none when its kind is not supported here.
    pub key: Option<PublicKey>,
    /// The `use` of a JWK.
    pub key_use: Option<String>,
}

/// What a DID resolved to: its keys, and what each may be used for. A clone costs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DidDocument(Arc<Contents>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Contents {
    id: Did,
    methods: Vec<VerificationMethod>,
    relationships: Vec<(Relationship, DidUrl)>,
    /// The document as it was received; none for did:key, where it is written when it is asked for.
    json: Option<Object>,
}

impl DidDocument {
    /// Reads the document of a DID, strictly.
    ///
    /// # Errors
    /// One [`DocumentFault`] per rule. A verification method of an unknown kind refuses nothing until
    /// its key is asked for.
    pub fn parse(
        did: &Did,
        bytes: &[u8],
        provider: &dyn CryptoProvider,
    ) -> Result<Self, DocumentFault> {
        Self::from_members(did, json::parse_object(bytes)?, provider)
    }

    /// Reads the document of a DID from its members.
    ///
    /// # Errors
    /// As [`DidDocument::parse`].
    pub fn from_members(
        did: &Did,
        members: Object,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, DocumentFault> {
        // DID 1.1 §5.1.1, did:web §Read: the document is about the DID that was resolved
        if members.get("id").and_then(Value::as_str) != Some(did.as_str()) {
            return Err(DocumentFault::ForeignId);
        }
        let (methods, relationships) = (Vec::new(), Vec::new());
        let mut document = Contents { id: did.clone(), methods, relationships, json: None };
        for method in list(&members, "verificationMethod")? {
            document.add(method, provider)?;
        }
        for relationship in Relationship::ALL {
            for entry in list(&members, relationship.name())? {
                let id = match entry {
                    // DID 1.1 §5.3: by reference to a method above, or embedded for this purpose alone
                    Value::String(reference) => document.absolute(reference)?,
                    embedded => document.add(embedded, provider)?,
                };
                document.relationships.push((*relationship, id));
            }
        }
        list(&members, "service")?;
        document.json = Some(members);
        Ok(Self(Arc::new(document)))
    }

    /// A document with one key.
    pub(super) fn of_one(
        id: Did,
        method: VerificationMethod,
        relationships: &[Relationship],
    ) -> Self {
        let relationships =
            relationships.iter().map(|relationship| (*relationship, method.id.clone())).collect();
        Self(Arc::new(Contents { id, methods: vec![method], relationships, json: None }))
    }

    /// With one more key, for one purpose.
    pub(super) fn and(self, method: VerificationMethod, relationship: Relationship) -> Self {
        let mut contents = Arc::unwrap_or_clone(self.0);
        contents.relationships.push((relationship, method.id.clone()));
        contents.methods.push(method);
        Self(Arc::new(contents))
    }

    /// With the JSON that the keys were read from.
    pub(super) fn with_json(self, json: Object) -> Self {
        Self(Arc::new(Contents { json: Some(json), ..Arc::unwrap_or_clone(self.0) }))
    }

    /// The DID the document is about.
    pub fn id(&self) -> &Did {
        &self.0.id
    }

    /// Every verification method, whatever it is for.
    pub fn verification_methods(&self) -> &[VerificationMethod] {
        &self.0.methods
    }

    /// The document as JSON: as it was received, or written from the identifier that carries it.
    pub fn to_json(&self) -> Object {
        self.0.json.clone().unwrap_or_else(|| self.0.write())
    }

    /// The services as they were received (DID 1.1 §5.4); none is ever contacted here.
    pub fn services(&self) -> impl Iterator<Item = &Object> {
        let services = self.0.json.as_ref().and_then(|json| json.get("service"));
        let services = services.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        services.iter().filter_map(Value::as_object)
    }

    /// The verification methods for a purpose.
    pub fn methods_for(
        &self,
        relationship: Relationship,
    ) -> impl Iterator<Item = &VerificationMethod> {
        self.0
            .relationships
            .iter()
            .filter(move |(of, _)| *of == relationship)
            .filter_map(|(_, id)| self.0.methods.iter().find(|method| method.id == *id))
    }

    /// The key that a DID URL names, for a purpose.
    ///
    /// # Errors
    /// [`ResolutionError::MethodNotFound`], [`ResolutionError::NotInRelationship`],
    /// [`ResolutionError::ForeignController`] or [`ResolutionError::KeyNotSupported`].
    pub fn key_for(
        &self,
        url: &DidUrl,
        relationship: Relationship,
    ) -> Result<&PublicKey, ResolutionError> {
        let method = self
            .0
            .methods
            .iter()
            .find(|method| url.names_a_key() && method.id == *url)
            .ok_or(ResolutionError::MethodNotFound)?;
        // DID 1.1 §5.3: a key is used for what its controller listed it for, and for nothing else
        let listed = self.0.relationships.iter().any(|(of, id)| *of == relationship && id == url);
        // RFC 7517 §4.2: `use` is about signatures or encryption, not both
        let other_use = match relationship {
            Relationship::KeyAgreement => "sig",
            _ => "enc",
        };
        if !listed || method.key_use.as_deref() == Some(other_use) {
            return Err(ResolutionError::NotInRelationship(relationship.name()));
        }
        // CID 1.0 §3.3: the controller of the method is the subject of this document
        if method.controller.as_ref() != Some(&self.0.id) {
            return Err(ResolutionError::ForeignController);
        }
        match &method.key {
            // RFC 7748 §6.1: Curve25519 agrees on keys, and signs nothing
            Some(PublicKey::X25519(_)) if relationship != Relationship::KeyAgreement => {
                Err(ResolutionError::KeyNotSupported)
            }
            Some(key) => Ok(key),
            None => Err(ResolutionError::KeyNotSupported),
        }
    }

    /// The key that may sign credentials under this DID URL.
    ///
    /// # Errors
    /// As [`DidDocument::key_for`].
    pub fn assertion_method(&self, url: &DidUrl) -> Result<&PublicKey, ResolutionError> {
        self.key_for(url, Relationship::AssertionMethod)
    }

    /// The key that may sign presentations and key proofs under this DID URL.
    ///
    /// # Errors
    /// As [`DidDocument::key_for`].
    pub fn authentication(&self, url: &DidUrl) -> Result<&PublicKey, ResolutionError> {
        self.key_for(url, Relationship::Authentication)
    }
}

impl Contents {
    fn add(
        &mut self,
        value: &Value,
        provider: &dyn CryptoProvider,
    ) -> Result<DidUrl, DocumentFault> {
        if self.methods.len() == MAX_METHODS {
            return Err(DocumentFault::TooManyMethods);
        }
        let members = value.as_object().ok_or(DocumentFault::MalformedMethod)?;
        let required =
            |name| members.get(name).and_then(Value::as_str).ok_or(DocumentFault::MalformedMethod);
        let id = self.absolute(required("id")?)?;
        if self.methods.iter().any(|method| method.id == id) {
            return Err(DocumentFault::DuplicateMethod);
        }
        let controller = match members.get("controller") {
            None => None,
            Some(_) => Some(
                Did::parse(required("controller")?).map_err(|_| DocumentFault::MalformedMethod)?,
            ),
        };
        let (key, key_use) = match key_material(required("type")?, members, provider)? {
            Some(jwk) => (Some(jwk.key), jwk.key_use),
            None => (None, None),
        };
        self.methods.push(VerificationMethod { id: id.clone(), controller, key, key_use });
        Ok(id)
    }

    /// DID 1.1 §3.2.2: a reference may leave the document's own DID out.
    fn absolute(&self, reference: &str) -> Result<DidUrl, DocumentFault> {
        match reference.strip_prefix('#') {
            Some(fragment) => self.id.with_fragment(fragment),
            None => DidUrl::parse(reference),
        }
        .map_err(|_| DocumentFault::MalformedMethod)
    }

    /// did:key v0.9, Document Creation Algorithm, with `Multikey` for every key.
    fn write(&self) -> Object {
        let methods = self.methods.iter().map(|method| {
            let multibase = method.key.as_ref().map(key::encode_multikey);
            json!({
                "id": method.id.to_string(), "type": "Multikey",
                "controller": method.controller, "publicKeyMultibase": multibase,
            })
        });
        let mut members = Object::new();
        members.insert("@context".to_owned(), json!(["https://www.w3.org/ns/did/v1.1"]));
        members.insert("id".to_owned(), json!(self.id));
        members.insert("verificationMethod".to_owned(), methods.collect());
        for relationship in Relationship::ALL {
            let listed = self.relationships.iter().filter(|(of, _)| of == relationship);
            let ids: Vec<_> = listed.map(|(_, id)| Value::String(id.to_string())).collect();
            if !ids.is_empty() {
                members.insert(relationship.name().to_owned(), ids.into());
            }
        }
        members
    }
}

/// The key of a method, by its type; none for a type or a curve that is not supported.
fn key_material(
    kind: &str,
    members: &Object,
    provider: &dyn CryptoProvider,
) -> Result<Option<Jwk>, DocumentFault> {
    // CID 1.0 §2.2: a method never carries its secret half
    if ["secretKeyJwk", "secretKeyMultibase", "privateKeyJwk", "privateKeyMultibase"]
        .iter()
        .any(|name| members.contains_key(*name))
    {
        return Err(DocumentFault::PrivateKey);
    }
    // CID 1.0 §2.2: not two forms of one key, or of two keys
    if members.contains_key("publicKeyJwk") && members.contains_key("publicKeyMultibase") {
        return Err(DocumentFault::TwoKeys);
    }
    match kind {
        "EcdsaSecp256k1VerificationKey2019" if members.contains_key("publicKeyJwk") => {
            match Jwk::from_value(&members["publicKeyJwk"]) {
                Ok(jwk) if jwk.curve() == Curve::Secp256k1 => Ok(Some(jwk)),
                Err(JwkError::PrivateMember) => Err(DocumentFault::PrivateKey),
                _ => Err(DocumentFault::InvalidKey),
            }
        }
        "JsonWebKey" | "JsonWebKey2020" => {
            let jwk = members.get("publicKeyJwk").ok_or(DocumentFault::MalformedMethod)?;
            match Jwk::from_value(jwk) {
                Ok(jwk) => Ok(Some(jwk)),
                Err(JwkError::Unsupported) => Ok(None),
                Err(JwkError::PrivateMember) => Err(DocumentFault::PrivateKey),
                Err(_) => Err(DocumentFault::InvalidKey),
            }
        }
        "Multikey" | "Ed25519VerificationKey2020" | "X25519KeyAgreementKey2020" => {
            let multibase = members
                .get("publicKeyMultibase")
                .and_then(Value::as_str)
                .ok_or(DocumentFault::MalformedMethod)?;
            match key::decode_multikey(multibase, provider) {
                Ok(key) if kind == "Multikey" => Ok(Some(Jwk::new(key))),
                Ok(key @ PublicKey::Ed25519(_)) if kind.starts_with("Ed25519") => {
                    Ok(Some(Jwk::new(key)))
                }
                Ok(key @ PublicKey::X25519(_)) if kind.starts_with("X25519") => {
                    Ok(Some(Jwk::new(key)))
                }
                Err(ResolutionError::KeyNotSupported) if kind == "Multikey" => Ok(None),
                _ => Err(DocumentFault::InvalidKey),
            }
        }
        _ => Ok(None),
    }
}

fn list<'d>(members: &'d Object, name: &'static str) -> Result<&'d [Value], DocumentFault> {
    match members.get(name) {
        None => Ok(&[]),
        Some(Value::Array(entries)) => Ok(entries),
        Some(_) => Err(DocumentFault::WrongType(name)),
    }
}
