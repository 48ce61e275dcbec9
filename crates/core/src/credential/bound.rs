//! To whom a credential is bound, whatever the format, and whether a key is theirs.

use super::HeldCredential;
use crate::{
    crypto::{CryptoProvider, PublicKey},
    did::{Did, DidUrl, Relationship},
    jose::Jwk,
    w3c::HolderBinding,
};

impl HeldCredential {
    /// To whom it is bound.
    pub fn binding(&self) -> HolderBinding {
        let to = |key| HolderBinding::Key(Box::new(Jwk::new(key)));
        match self {
            Self::SdJwtVc(held) => held.holder_key().map_or(HolderBinding::None, to),
            Self::MsoMdoc(held) => to(*held.device_key()),
            Self::JwtVcJson(held) => held.binding().clone(),
            Self::LdpVc(held) => held.binding().clone(),
            Self::VcJwt(held) => held.binding().clone(),
            Self::VcSdJwt(held) => held.binding().clone(),
        }
    }
}

impl HolderBinding {
    /// Whether it is bound to this key, as far as the key or the DID in it tells without asking anybody.
    ///
    /// A DID of another method than did:key, did:jwk and did:peer may be bound to it and is not found to be.
    pub fn is_to(&self, key: &PublicKey, provider: &dyn CryptoProvider) -> bool {
        match self {
            Self::Key(jwk) => jwk.key == *key,
            Self::KeyId(_) | Self::Subject(_) => self.key_id_of(key, provider).is_some(),
            Self::None => false,
        }
    }

    /// The DID URL under which this key is the holder's; none where it is bound to the key itself, or to
    /// somebody else.
    pub fn key_id_of(&self, key: &PublicKey, provider: &dyn CryptoProvider) -> Option<DidUrl> {
        let (did, only): (&Did, Option<&DidUrl>) = match self {
            Self::KeyId(url) => (url.did(), Some(url)),
            Self::Subject(did) => (did, None),
            Self::Key(_) | Self::None => return None,
        };
        let document = did.carried_document(provider).ok()?;
        let mut methods = document.methods_for(Relationship::Authentication);
        let theirs = methods.find(|method| {
            only.is_none_or(|only| method.id == *only)
                && document.authentication(&method.id) == Ok(key)
        })?;
        Some(theirs.id.clone())
    }
}
