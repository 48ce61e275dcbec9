//! Signing a presentation as a JWT (VC-JOSE-COSE §3.1.2).

use std::fmt;

use thiserror::Error;

use super::{
    super::{EnvelopedCredential, HolderBinding, Presentation, PresentedCredential, Uri},
    VP_TYP,
};
use crate::{
    Timestamp,
    crypto::{PublicKey, Signer, SignerError},
    did::{Did, DidUrl},
    jose,
    json::Object,
    sd_jwt::{Audience, RequestNonce},
};

use super::{HeldVcJwt, HeldVcSdJwt};

/// A credential on its way into a presentation.
#[derive(Clone, Copy, Debug)]
pub enum HeldCredential<'h> {
    /// A `vc+jwt`.
    Jwt(&'h HeldVcJwt),
    /// A `vc+sd-jwt` that holds what is to be disclosed of it: without a key binding, as the
    /// presentation is one.
    SdJwt {
        /// The credential.
        held: &'h HeldVcSdJwt,
        /// What [`HeldVcSdJwt::present`] gave.
        presented: &'h str,
    },
}

/// Whom a presentation is for, and who signs it.
#[derive(Clone, Copy)]
pub struct PresentationRequest<'r> {
    /// The verifier: its full client identifier.
    pub audience: &'r Audience,
    /// The request's nonce.
    pub nonce: &'r RequestNonce,
    /// The moment of signing.
    pub now: Timestamp,
    /// The holder's key.
    pub signer: &'r dyn Signer,
    /// The name of that key, for a holder who is a DID.
    pub key_id: Option<&'r DidUrl>,
}

/// Why nothing was presented.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PresentJwtError {
    /// A credential names nobody who could prove that it is theirs.
    #[error("the credential is not bound to a holder")]
    NotBound,
    /// A credential is bound to another key or DID than those of the request.
    #[error("the credential is bound to another holder")]
    WrongHolder,
    /// The holder's key gave no signature.
    #[error("the holder's key gave no signature: {0}")]
    Signer(#[from] SignerError),
}

impl PresentationRequest<'_> {
    /// Checks that a credential is the signer's to present.
    pub(in super::super) fn check(&self, binding: &HolderBinding) -> Result<(), PresentJwtError> {
        let is_theirs = match binding {
            HolderBinding::Key(jwk) => jwk.key == *self.key(),
            HolderBinding::Subject(did) => self.did() == Some(did),
            HolderBinding::None => return Err(PresentJwtError::NotBound),
        };
        if is_theirs { Ok(()) } else { Err(PresentJwtError::WrongHolder) }
    }

    fn key(&self) -> &PublicKey {
        self.signer.public_key()
    }

    pub(in super::super) fn did(&self) -> Option<&Did> {
        self.key_id.map(DidUrl::did)
    }

    /// The header without `alg`.
    pub(in super::super) fn header(&self, typ: &str) -> Object {
        let mut header = Object::from_iter([("typ".to_owned(), typ.into())]);
        if let Some(key_id) = self.key_id {
            header.insert("kid".to_owned(), key_id.to_string().into());
        }
        header
    }

    /// What binds a presentation to its request.
    pub(in super::super) fn claims(&self) -> Object {
        let mut claims = Object::from_iter([
            ("aud".to_owned(), self.audience.as_str().into()),
            ("nonce".to_owned(), self.nonce.as_str().into()),
            ("iat".to_owned(), self.now.as_second().into()),
        ]);
        if let Some(did) = self.did() {
            claims.insert("iss".to_owned(), did.as_str().into());
        }
        claims
    }
}

/// Signs a presentation of these credentials as a `vp+jwt`, useless for any other request.
///
/// # Errors
/// One [`PresentJwtError`] per rule.
pub async fn present_jwt(
    credentials: &[HeldCredential<'_>],
    request: &PresentationRequest<'_>,
) -> Result<String, PresentJwtError> {
    let mut presented = Vec::with_capacity(credentials.len());
    for credential in credentials {
        let (binding, envelope) = match credential {
            HeldCredential::Jwt(held) => {
                (held.binding(), EnvelopedCredential::around_jwt(held.as_str()))
            }
            HeldCredential::SdJwt { held, presented } => {
                (held.binding(), EnvelopedCredential::around_sd_jwt(presented))
            }
        };
        request.check(binding)?;
        // VC-JOSE-COSE §3.1.2: credentials MUST be in an EnvelopedVerifiableCredential
        presented.push(PresentedCredential::Enveloped(envelope));
    }
    let holder = request.did().and_then(|did| Uri::parse(did.as_str()).ok());
    let mut payload = request.claims();
    payload.extend(Presentation::of(presented, holder.as_ref()).into_document());
    let mut header = request.header(VP_TYP);
    header.insert("cty".to_owned(), "vp".into());
    Ok(jose::sign(header, &payload, request.signer).await?)
}

impl fmt::Debug for PresentationRequest<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PresentationRequest(for {:?})", self.audience)
    }
}
