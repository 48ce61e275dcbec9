//! A credential in a COSE_Sign1: issuing, parsing, verifying, holding (VC-JOSE-COSE §3.3.1, §5.3).

use std::fmt;

use serde_json::Value;

use super::{
    super::{Credential, CredentialError, HolderBinding, signed::claimed_issuer},
    SigningOptions, VcJoseCoseError, VerifiedVc, cose,
    payload::CredentialPayload,
};
use crate::{
    Timestamp,
    claims::DisclosedClaims,
    cose::{CoseError, UnverifiedSign1},
    credential::{Validity, ValidityPolicy},
    crypto::{CryptoProvider, Signer, SignerError},
    json,
    trust::{ClaimedIssuer, IssuerIdentity, IssuerKey},
};

/// Signs a credential as a tagged COSE_Sign1 of type `application/vc+cose`.
///
/// What the options have beside the document goes into the CWT claims of the protected header (RFC 9597).
///
/// # Errors
/// [`SignerError`] when the issuer's key gives no signature.
pub async fn issue_cose(
    credential: &Credential,
    options: &SigningOptions,
    signer: &dyn Signer,
) -> Result<Vec<u8>, SignerError> {
    let claims = cose::encode_claims(&options.claims());
    let header = cose::header("vc", options.key_id.as_deref(), claims).with_x5chain(&options.x5c);
    // VC-JOSE-COSE §3.3.1: the unsecured credential is the payload itself
    let payload = Value::Object(credential.document().clone()).to_string();
    cose::sign(header, payload.as_bytes(), signer).await
}

/// A `vc+cose` that was taken apart; nothing in it is trusted.
#[derive(Debug)]
pub struct UnverifiedVcCose<'b> {
    bytes: &'b [u8],
    sign1: UnverifiedSign1<'b>,
    key: cose::OwnedKey,
    payload: CredentialPayload,
}

impl<'b> UnverifiedVcCose<'b> {
    /// Takes a credential apart, and checks everything about it that needs no key.
    ///
    /// The provider reads a compressed point in `cnf`.
    ///
    /// # Errors
    /// One [`VcJoseCoseError`] per rule.
    pub fn parse(bytes: &'b [u8], provider: &dyn CryptoProvider) -> Result<Self, VcJoseCoseError> {
        let sign1 = UnverifiedSign1::parse(bytes)?;
        let headers = sign1.headers();
        if !cose::is_type(headers, "application/vc+cose") {
            return Err(VcJoseCoseError::CoseType);
        }
        if !cose::is_content_type(headers, "application/vc") {
            return Err(VcJoseCoseError::ContentType);
        }
        let key = cose::OwnedKey::read(headers)?;
        let claims = cose::claims(headers, provider).ok_or(VcJoseCoseError::CwtClaims)?;
        let payload = sign1.danger_unverified_payload().ok_or(CoseError::PayloadMissing)?;
        let payload = json::parse_object(payload).map_err(CredentialError::from)?;
        let payload = CredentialPayload::of_cose(payload, &claims)?;
        Ok(Self { bytes, sign1, key, payload })
    }

    /// What it says about who signed it, to find the key by.
    pub fn claimed_issuer(&self) -> ClaimedIssuer<'_> {
        let credential = &self.payload.credential;
        claimed_issuer(self.key.claimed(), credential.issuer(), credential.types())
    }

    /// To whom it says it is bound; not trusted.
    pub(super) const fn binding(&self) -> &HolderBinding {
        &self.payload.binding
    }

    /// Verifies the signature; times are judged by [`VerifiedVc::judge_validity`].
    ///
    /// # Errors
    /// One [`VcJoseCoseError`] per rule.
    pub fn verify(
        self,
        key: IssuerKey,
        provider: &dyn CryptoProvider,
    ) -> Result<VerifiedVc, VcJoseCoseError> {
        self.sign1.verify(key.key(), b"", provider)?;
        VerifiedVc::new(self.payload, key, Vec::new())
    }

    /// Verifies what an issuer handed out, for the holder to keep.
    ///
    /// # Errors
    /// One [`VcJoseCoseError`] per rule.
    pub fn verify_for_holding(
        self,
        key: IssuerKey,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<HeldVcCose, VcJoseCoseError> {
        let bytes = self.bytes.to_vec();
        let (payload, issuer) = self.verify(key, provider)?.into_parts();
        // a credential that is no good now is not kept
        ValidityPolicy::default().judge(&payload.validity, now)?;
        Ok(HeldVcCose { bytes, payload, issuer: Some(issuer) })
    }

    /// Takes back what was verified when it was received and has been in the holder's own sealed storage
    /// since; neither the issuer's signature nor its times are checked again.
    pub fn danger_hold_unverified(self) -> HeldVcCose {
        HeldVcCose { bytes: self.bytes.to_vec(), payload: self.payload, issuer: None }
    }
}

/// A `vc+cose` that its holder verified and keeps.
#[derive(Clone)]
pub struct HeldVcCose {
    bytes: Vec<u8>,
    payload: CredentialPayload,
    issuer: Option<IssuerIdentity>,
}

impl HeldVcCose {
    /// The credential as it was received: what a wallet keeps.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The credential.
    pub const fn credential(&self) -> &Credential {
        &self.payload.credential
    }

    /// What it says: the whole document.
    pub const fn claims(&self) -> &DisclosedClaims {
        self.payload.credential.claims()
    }

    /// Who issued it; none when it came back from storage.
    pub const fn issuer(&self) -> Option<&IssuerIdentity> {
        self.issuer.as_ref()
    }

    /// To whom it is bound.
    pub const fn binding(&self) -> &HolderBinding {
        &self.payload.binding
    }

    /// The times in it: of the credential and of its signature, whichever is narrower.
    pub const fn validity(&self) -> &Validity {
        &self.payload.validity
    }
}

impl fmt::Debug for HeldVcCose {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HeldVcCose({:?})", self.credential())
    }
}
