//! did:jwk: the identifier is a JWK.

use serde_json::{Value, json};

use super::{Did, DidDocument, DidUrl, Relationship, ResolutionError, VerificationMethod};
use crate::{
    crypto::PublicKey,
    jose::{Jwk, JwkError},
    json::{self, Object},
};

impl Did {
    /// The did:jwk of a public JWK.
    pub fn from_jwk(jwk: &Jwk) -> Self {
        let text = format!("did:jwk:{}", json::base64url(jwk.to_value().to_string()));
        Self::parse(&text).expect("base64url is made of characters that a DID may have")
    }
}

/// Resolves a did:jwk; the text is compared as it was written, never written anew.
pub(super) fn resolve(did: &Did) -> Result<DidDocument, ResolutionError> {
    let bytes = json::base64url_decode(did.method_specific_id())
        .map_err(|_| ResolutionError::InvalidDid)?;
    let written =
        Value::Object(json::parse_object(&bytes).map_err(ResolutionError::JwkUnreadable)?);
    let jwk = Jwk::from_value(&written).map_err(|fault| match fault {
        JwkError::Unsupported => ResolutionError::KeyNotSupported,
        fault => ResolutionError::Jwk(fault),
    })?;
    // did:jwk, "To create the DID Document": `use` decides between signing and key agreement
    let relationships: &[Relationship] = match (jwk.key_use.as_deref(), jwk.key) {
        (Some("sig"), PublicKey::X25519(_)) => &[],
        (Some("enc"), _) | (_, PublicKey::X25519(_)) => &[Relationship::KeyAgreement],
        (Some("sig"), _) => Relationship::SIGNATURES,
        _ => Relationship::ALL,
    };
    let method = VerificationMethod {
        // did:jwk: the fragment is always 0, whatever `kid` says
        id: did.with_fragment("0")?,
        controller: Some(did.clone()),
        key: Some(jwk.key),
        key_use: jwk.key_use,
    };
    let json = document(did, &method.id, written, relationships);
    Ok(DidDocument::of_one(did.clone(), method, relationships).with_json(json))
}

/// did:jwk, "To create the DID Document": the JWK goes into the document as it was written.
fn document(did: &Did, method: &DidUrl, jwk: Value, relationships: &[Relationship]) -> Object {
    let id = method.to_string();
    let members = [
        (
            "@context",
            json!(["https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1"]),
        ),
        ("id", json!(did)),
        (
            "verificationMethod",
            json!([{"id": id, "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": jwk}]),
        ),
    ];
    let relationships = relationships.iter().map(|relationship| (relationship.name(), json!([id])));
    members.into_iter().chain(relationships).map(|(name, value)| (name.to_owned(), value)).collect()
}
