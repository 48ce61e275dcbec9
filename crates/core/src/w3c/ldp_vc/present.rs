//! Presenting credentials with a proof of the holder (OID4VP 1.0 App. B.1.3.2).

use thiserror::Error;

use super::{
    super::{
        Credential, CredentialError, HolderBinding, Presentation, PresentedCredential, Uri,
        vc_jose_cose::PresentationRequest,
    },
    HeldLdpVc,
};
use crate::{
    crypto::{CryptoProvider, SignatureAlgorithm},
    data_integrity::{Challenge, Cryptosuite, DataIntegrityError, Domain, JsonPointer, ProofDraft},
    json::Object,
};

/// What is shown of a credential.
#[derive(Clone, Copy, Debug)]
pub enum Shown<'h> {
    /// Everything.
    Whole(&'h HeldLdpVc),
    /// These parts, beside those that the issuer made mandatory.
    Parts(&'h HeldLdpVc, &'h [JsonPointer]),
}

/// Why nothing was presented.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PresentLdpError {
    /// The request does not say by which DID URL the holder's key is known.
    #[error("the holder's key has no DID URL")]
    NoKeyId,
    /// A credential names nobody who could prove that it is theirs.
    #[error("the credential is not bound to a holder")]
    NotBound,
    /// A credential is bound to another key or DID than those of the request.
    #[error("the credential is bound to another holder")]
    WrongHolder,
    /// What would be shown is no credential any more.
    #[error("what is shown is refused as a credential: {0}")]
    Credential(#[from] CredentialError),
    /// No proof was made, or nothing can be left out.
    #[error("no proof was made: {0}")]
    Proof(#[from] DataIntegrityError),
}

impl<'h> Shown<'h> {
    const fn held(&self) -> &'h HeldLdpVc {
        match self {
            Self::Whole(held) | Self::Parts(held, _) => held,
        }
    }
}

/// A credential as a verifier gets it, alone and for anyone to take further: nothing shows whose it is
/// (OID4VP 1.0 App. B.1, `require_cryptographic_holder_binding` false).
///
/// # Errors
/// [`PresentLdpError::Proof`].
pub fn show(shown: &Shown<'_>, provider: &dyn CryptoProvider) -> Result<Object, PresentLdpError> {
    Ok(match shown {
        Shown::Whole(held) => held.whole(provider)?,
        Shown::Parts(held, pointers) => held.parts(pointers, provider)?,
    })
}

/// Signs a presentation of these credentials, useless for any other request.
///
/// # Errors
/// One [`PresentLdpError`] per rule.
pub async fn present(
    credentials: &[Shown<'_>],
    request: &PresentationRequest<'_>,
    provider: &dyn CryptoProvider,
) -> Result<Object, PresentLdpError> {
    let key_id = request.key_id.ok_or(PresentLdpError::NoKeyId)?;
    let mut presented = Vec::with_capacity(credentials.len());
    for shown in credentials {
        let (held, object) = (shown.held(), show(shown, provider)?);
        let is_theirs = match held.binding() {
            HolderBinding::Key(jwk) => jwk.key == *request.signer.public_key(),
            HolderBinding::KeyId(url) => key_id == url,
            HolderBinding::Subject(did) => key_id.did() == did,
            HolderBinding::None => return Err(PresentLdpError::NotBound),
        };
        if !is_theirs {
            return Err(PresentLdpError::WrongHolder);
        }
        presented.push(PresentedCredential::WithProof(Box::new(Credential::parse(object)?)));
    }
    let holder = Uri::parse(key_id.did().as_str()).expect("a DID is a URI");
    let presentation = Presentation::of(presented, Some(&holder));
    let cryptosuite = match request.signer.algorithm() {
        SignatureAlgorithm::EdDsa => Cryptosuite::EddsaRdfc2022,
        _ => Cryptosuite::EcdsaRdfc2019,
    };
    // OID4VP 1.0 App. B.1.3.2: challenge is the nonce, domain the full client identifier
    let challenge = Challenge::from(request.nonce.as_str());
    let domain = Domain::from(request.audience.as_str());
    let draft =
        ProofDraft::authentication(cryptosuite, key_id, &challenge, &domain).created(request.now);
    Ok(draft.secure(presentation.into_document(), request.signer, provider).await?)
}
