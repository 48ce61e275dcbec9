//! Signing a presentation as a JWT or a COSE_Sign1 (VC-JOSE-COSE §3.1.2, §3.3.2).

use std::fmt;

use serde_json::Value;
use thiserror::Error;

use super::{
    super::{EnvelopedCredential, HolderBinding, Presentation, PresentedCredential, Uri},
    HeldVcCose, HeldVcJwt, HeldVcSdJwt, VP_TYP, cose,
};
use crate::{
    Timestamp,
    crypto::{PublicKey, Signer, SignerError},
    did::{Did, DidUrl},
    jose,
    json::Object,
    sd_jwt::{Audience, RequestNonce},
};

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
    /// A `vc+cose`.
    Cose(&'h HeldVcCose),
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
pub enum PresentVpError {
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
    pub(in super::super) fn check(&self, binding: &HolderBinding) -> Result<(), PresentVpError> {
        let is_theirs = match binding {
            HolderBinding::Key(jwk) => jwk.key == *self.key(),
            HolderBinding::KeyId(url) => self.key_id == Some(url),
            HolderBinding::Subject(did) => self.did() == Some(did),
            HolderBinding::None => return Err(PresentVpError::NotBound),
        };
        if is_theirs { Ok(()) } else { Err(PresentVpError::WrongHolder) }
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
/// One [`PresentVpError`] per rule.
pub async fn present_jwt(
    credentials: &[HeldCredential<'_>],
    request: &PresentationRequest<'_>,
) -> Result<String, PresentVpError> {
    let presentation = presentation_of(credentials, request)?;
    let mut payload = request.claims();
    payload.extend(presentation.into_document());
    let mut header = request.header(VP_TYP);
    header.insert("cty".to_owned(), "vp".into());
    Ok(jose::sign(header, &payload, request.signer).await?)
}

/// Signs a presentation of these credentials as a COSE_Sign1 of type `application/vp+cose`; see
/// [`verify_cose_presentation`](super::verify_cose_presentation) for how it is bound to the request.
///
/// # Errors
/// One [`PresentVpError`] per rule.
pub async fn present_cose(
    credentials: &[HeldCredential<'_>],
    request: &PresentationRequest<'_>,
) -> Result<Vec<u8>, PresentVpError> {
    let presentation = presentation_of(credentials, request)?;
    let payload = Value::Object(presentation.into_document()).to_string();
    let key_id = request.key_id.map(DidUrl::to_string);
    let header = cose::header("vp", key_id.as_deref(), cose::encode_claims(&request.claims()));
    Ok(cose::sign(header, payload.as_bytes(), request.signer).await?)
}

fn presentation_of(
    credentials: &[HeldCredential<'_>],
    request: &PresentationRequest<'_>,
) -> Result<Presentation, PresentVpError> {
    let mut presented = Vec::with_capacity(credentials.len());
    for credential in credentials {
        let (binding, envelope) = match credential {
            HeldCredential::Jwt(held) => {
                (held.binding(), EnvelopedCredential::around_jwt(held.as_str()))
            }
            HeldCredential::SdJwt { held, presented } => {
                (held.binding(), EnvelopedCredential::around_sd_jwt(presented))
            }
            HeldCredential::Cose(held) => {
                (held.binding(), EnvelopedCredential::around_cose(held.as_bytes()))
            }
        };
        request.check(binding)?;
        // VC-JOSE-COSE §3.1.2: credentials MUST be in an EnvelopedVerifiableCredential
        presented.push(PresentedCredential::Enveloped(envelope));
    }
    let holder = request.did().and_then(|did| Uri::parse(did.as_str()).ok());
    Ok(Presentation::of(presented, holder.as_ref()))
}

impl fmt::Debug for PresentationRequest<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PresentationRequest(for {:?})", self.audience)
    }
}
