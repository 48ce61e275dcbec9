//! A credential in a JWT: parsing, verifying, holding (VC-JOSE-COSE §3.1.1, §5.1).

use std::fmt;

use super::{
    super::{
        Credential, HolderBinding,
        signed::{claimed_issuer, is_key_of},
    },
    VC_SLOT, VcJoseCoseError,
    payload::{CredentialPayload, is_content_type},
};
use crate::{
    Timestamp,
    claims::{ClaimsPath, DisclosedClaims},
    credential::{Validity, ValidityError, ValidityPolicy},
    crypto::CryptoProvider,
    jose::{JoseHeader, UnverifiedJws},
    status::StatusReference,
    trust::{ClaimedIssuer, IssuerIdentity, IssuerKey, TypeScope},
};

/// A `vc+jwt` that was taken apart; nothing in it is trusted.
#[derive(Debug)]
pub struct UnverifiedVcJwt<'t> {
    text: &'t str,
    jws: UnverifiedJws<'t>,
    payload: CredentialPayload,
}

impl<'t> UnverifiedVcJwt<'t> {
    /// Takes a credential apart, and checks everything about it that needs no key.
    ///
    /// # Errors
    /// One [`VcJoseCoseError`] per rule.
    pub fn parse(compact: &'t str) -> Result<Self, VcJoseCoseError> {
        Self::of_jws(compact, UnverifiedJws::parse(compact)?)
    }

    /// As [`UnverifiedVcJwt::parse`], for credentials that may be longer than others: status lists.
    pub(crate) fn parse_within(compact: &'t str, longest: usize) -> Result<Self, VcJoseCoseError> {
        Self::of_jws(compact, UnverifiedJws::parse_within(compact, longest)?)
    }

    fn of_jws(compact: &'t str, jws: UnverifiedJws<'t>) -> Result<Self, VcJoseCoseError> {
        jws.check_slot(&VC_SLOT)?;
        if !is_content_type(jws.header(), "vc") {
            return Err(VcJoseCoseError::ContentType);
        }
        // VC-JOSE-COSE §3.1.1: the unsecured credential is the payload itself
        let payload = CredentialPayload::of_jwt(jws.danger_unverified_claims()?, jws.header())?;
        Ok(Self { text: compact, jws, payload })
    }

    /// The header, to choose a key by; it is not trusted.
    pub const fn header(&self) -> &JoseHeader {
        self.jws.header()
    }

    /// What it says about who signed it, to find the key by.
    pub fn claimed_issuer(&self) -> ClaimedIssuer<'_> {
        let credential = &self.payload.credential;
        claimed_issuer(self.header().into(), credential.issuer(), credential.types())
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
        self.jws.verify(&VC_SLOT, key.key(), provider)?;
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
    ) -> Result<HeldVcJwt, VcJoseCoseError> {
        let text = self.text.to_owned();
        let (payload, issuer) = self.verify(key, provider)?.into_parts();
        // a credential that is no good now is not kept
        ValidityPolicy::default().judge(&payload.validity, now)?;
        Ok(HeldVcJwt { text, payload, issuer: Some(issuer) })
    }

    /// Takes back what was verified when it was received and has been in the holder's own sealed storage
    /// since; neither the issuer's signature nor its times are checked again.
    pub fn danger_hold_unverified(self) -> HeldVcJwt {
        HeldVcJwt { text: self.text.to_owned(), payload: self.payload, issuer: None }
    }
}

/// A credential of VCDM 2.0 of which everything was verified but its times, its status and its purpose.
pub struct VerifiedVc {
    payload: CredentialPayload,
    issuer: IssuerIdentity,
    trusted_for: TypeScope,
    disclosed: Vec<ClaimsPath>,
}

impl VerifiedVc {
    pub(super) fn new(
        payload: CredentialPayload,
        key: IssuerKey,
        disclosed: Vec<ClaimsPath>,
    ) -> Result<Self, VcJoseCoseError> {
        // VC-JOSE-COSE §4.1: the key is that of the issuer, whoever else is trusted
        if !is_key_of(key.issuer(), payload.credential.issuer()) {
            return Err(VcJoseCoseError::IssuerKey);
        }
        Ok(Self { payload, issuer: key.issuer, trusted_for: key.types, disclosed })
    }

    pub(super) fn into_parts(self) -> (CredentialPayload, IssuerIdentity) {
        (self.payload, self.issuer)
    }

    /// The credential that the issuer signed.
    pub const fn credential(&self) -> &Credential {
        &self.payload.credential
    }

    /// What it says: the whole document, with the claims of a JWT in it.
    pub const fn claims(&self) -> &DisclosedClaims {
        self.payload.credential.claims()
    }

    /// Which claims came by a disclosure of an SD-JWT; all others were visible to everybody.
    pub fn disclosed(&self) -> &[ClaimsPath] {
        &self.disclosed
    }

    /// Who issued it.
    pub const fn issuer(&self) -> &IssuerIdentity {
        &self.issuer
    }

    /// The types that its issuer is trusted for.
    pub(crate) const fn trusted_for(&self) -> &TypeScope {
        &self.trusted_for
    }

    /// To whom it is bound.
    pub const fn binding(&self) -> &HolderBinding {
        &self.payload.binding
    }

    /// The times in it: of the credential and of its signature, whichever is narrower.
    pub const fn validity(&self) -> &Validity {
        &self.payload.validity
    }

    /// Where a claim beside the document says that its status is kept (Token Status List §6.2, §6.3).
    pub const fn status_claim(&self) -> Option<&StatusReference> {
        self.payload.status.as_ref()
    }

    /// Judges its times.
    ///
    /// # Errors
    /// One [`ValidityError`] per rule.
    pub fn judge_validity(
        &self,
        policy: &ValidityPolicy,
        now: Timestamp,
    ) -> Result<(), ValidityError> {
        policy.judge(self.validity(), now)
    }
}

/// A `vc+jwt` that its holder verified and keeps.
#[derive(Clone)]
pub struct HeldVcJwt {
    text: String,
    payload: CredentialPayload,
    issuer: Option<IssuerIdentity>,
}

impl HeldVcJwt {
    /// The credential as it was received: what a wallet keeps.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The credential.
    pub const fn credential(&self) -> &Credential {
        &self.payload.credential
    }

    /// What it says: the whole document, with the claims of the JWT in it.
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

impl fmt::Debug for VerifiedVc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VerifiedVc(by {})", self.issuer.name())
    }
}

impl fmt::Debug for HeldVcJwt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HeldVcJwt({:?})", self.credential())
    }
}
