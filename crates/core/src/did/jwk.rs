//! did:jwk: the identifier is a JWK.

use super::{Did, DidDocument, Relationship, ResolutionError, VerificationMethod};
use crate::{
    jose::{Jwk, JwkError},
    json,
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
    let members = json::parse_object(&bytes).map_err(ResolutionError::JwkUnreadable)?;
    let jwk = Jwk::from_value(&members.into()).map_err(|fault| match fault {
        JwkError::Unsupported => ResolutionError::KeyNotSupported,
        fault => ResolutionError::Jwk(fault),
    })?;
    // did:jwk, "To create the DID Document": `use` decides between signing and key agreement
    let relationships = match jwk.key_use.as_deref() {
        Some("sig") => Relationship::SIGNATURES,
        Some("enc") => &[Relationship::KeyAgreement],
        _ => Relationship::ALL,
    };
    let method = VerificationMethod {
        // did:jwk: the fragment is always 0, whatever `kid` says
        id: did.with_fragment("0")?,
        controller: did.clone(),
        key: Some(jwk.key),
        key_use: jwk.key_use,
    };
    Ok(DidDocument::of_one(did.clone(), method, relationships))
}
