//! How a wallet shows its keys to an issuer: what the metadata take, and the wallet can.

use lanyard_core::{
    crypto::PublicKey,
    did::{Did, DidUrl},
    jose::Jwk,
};

use super::Unsupported;
use crate::metadata::{CredentialConfigurationMetadata, ProofTypeMetadata};

/// How the keys for one credential are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofPlan {
    /// Not at all: it is bound to no key.
    None,
    /// Each by a JWT.
    Jwt(KeyName),
    /// Each by a JWT, and all by one attestation in it.
    AttestedJwt(KeyName),
    /// By an attestation alone.
    Attestation,
    /// Each by a presentation.
    DiVp(KeyName),
}

/// How a key is named to the issuer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyName {
    /// By itself.
    Jwk,
    /// By its did:jwk.
    DidJwk,
    /// By its did:key.
    DidKey,
}

impl KeyName {
    /// The DID URL of a key; none when it is named by itself.
    pub fn key_id(self, key: &PublicKey) -> Option<DidUrl> {
        match self {
            Self::Jwk => None,
            Self::DidJwk => Did::from_jwk(&Jwk::new(*key)).with_fragment("0").ok(),
            Self::DidKey => {
                let did = Did::from_key(key);
                did.with_fragment(did.method_specific_id()).ok()
            }
        }
    }
}

impl ProofPlan {
    /// Whether a key attestation has to be had first.
    pub const fn needs_attestation(self) -> bool {
        matches!(self, Self::AttestedJwt(_) | Self::Attestation)
    }
}

impl CredentialConfigurationMetadata {
    /// How a wallet shows its keys for such a credential; `attests` says whether somebody vouches for
    /// them.
    ///
    /// # Errors
    /// [`Unsupported`]: why this wallet cannot take it.
    pub fn proof_plan(&self, attests: bool) -> Result<ProofPlan, Unsupported> {
        if self.known_format().is_none() {
            return Err(Unsupported::Format);
        }
        let methods = &self.cryptographic_binding_methods_supported;
        let has = |name: &str| methods.iter().any(|method| method == name);
        let types = &self.proof_types_supported;
        // §12.2.4: both are absent for a credential that is bound to no key; one alone tells nobody how
        if methods.is_empty() && types.is_empty() {
            return Ok(ProofPlan::None);
        }
        let did = match () {
            () if has("did:jwk") => Some(KeyName::DidJwk),
            () if has("did:key") => Some(KeyName::DidKey),
            () => None,
        };
        // §12.2.4: cose_key is how an mdoc holds the key of a jwk proof
        let name = if has("jwk") || has("cose_key") { Some(KeyName::Jwk) } else { did };
        let demands = |kind: &ProofTypeMetadata| kind.key_attestations_required.is_some();
        let jwt = types.get("jwt").zip(name);
        if let Some((_, name)) = jwt.filter(|(kind, _)| !demands(kind)) {
            return Ok(ProofPlan::Jwt(name));
        }
        if let Some((_, name)) = jwt.filter(|_| attests) {
            return Ok(ProofPlan::AttestedJwt(name));
        }
        if attests && types.contains_key("attestation") {
            return Ok(ProofPlan::Attestation);
        }
        if let Some((_, name)) = types.get("di_vp").zip(did).filter(|(kind, _)| !demands(kind)) {
            return Ok(ProofPlan::DiVp(name));
        }
        let only_attested = jwt.is_some() || types.contains_key("attestation");
        Err(if only_attested { Unsupported::KeyAttestation } else { Unsupported::Binding })
    }

    /// Why a wallet for whose keys nobody vouches cannot take such a credential, if it cannot.
    pub fn unsupported(&self) -> Option<Unsupported> {
        self.proof_plan(false).err()
    }
}
