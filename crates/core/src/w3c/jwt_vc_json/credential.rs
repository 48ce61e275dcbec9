//! A credential in a JWT: parsing, verifying, holding (VCDM 1.1 §6.3.1.2).

use std::fmt;

use super::{
    super::{
        CredentialV1, HolderBinding,
        signed::{claimed_issuer, is_key_of},
    },
    JwtVcError, VC_SLOT,
    mapping::Mapped,
};
use crate::{
    Timestamp,
    claims::DisclosedClaims,
    credential::{Validity, ValidityError, ValidityPolicy},
    crypto::CryptoProvider,
    jose::{JoseHeader, UnverifiedJws},
    status::StatusReference,
    trust::{ClaimedIssuer, IssuerIdentity, IssuerKey, TypeScope},
};

/// A `jwt_vc_json` that was taken apart; nothing in it is trusted.
#[derive(Debug)]
pub struct UnverifiedJwtVc<'t> {
    text: &'t str,
    jws: UnverifiedJws<'t>,
    mapped: Mapped,
}

impl<'t> UnverifiedJwtVc<'t> {
    /// Takes a credential apart, and checks everything about it that needs no key.
    ///
    /// # Errors
    /// One [`JwtVcError`] per rule.
    pub fn parse(compact: &'t str) -> Result<Self, JwtVcError> {
        let jws = UnverifiedJws::parse(compact)?;
        jws.check_slot(&VC_SLOT)?;
        let mapped = Mapped::read(jws.danger_unverified_claims()?)?;
        Ok(Self { text: compact, jws, mapped })
    }

    /// The header, to choose a key by; it is not trusted.
    pub const fn header(&self) -> &JoseHeader {
        self.jws.header()
    }

    /// What it says about who signed it, to find the key by.
    pub fn claimed_issuer(&self) -> ClaimedIssuer<'_> {
        let credential = &self.mapped.credential;
        claimed_issuer(self.header().into(), credential.issuer(), credential.types())
    }

    /// To whom it says it is bound; not trusted.
    pub(super) const fn binding(&self) -> &HolderBinding {
        &self.mapped.binding
    }

    /// Verifies the signature; times are judged by [`VerifiedJwtVc::judge_validity`].
    ///
    /// # Errors
    /// One [`JwtVcError`] per rule.
    pub fn verify(
        self,
        key: IssuerKey,
        provider: &dyn CryptoProvider,
    ) -> Result<VerifiedJwtVc, JwtVcError> {
        self.jws.verify(&VC_SLOT, key.key(), provider)?;
        // OID4VCI 1.0 App. A.1.1: the key is that of the issuer, whoever else is trusted
        if !is_key_of(key.issuer(), self.mapped.credential.issuer()) {
            return Err(JwtVcError::IssuerKey);
        }
        Ok(VerifiedJwtVc { mapped: self.mapped, issuer: key.issuer, trusted_for: key.types })
    }

    /// Verifies what an issuer handed out, for the holder to keep.
    ///
    /// # Errors
    /// One [`JwtVcError`] per rule.
    pub fn verify_for_holding(
        self,
        key: IssuerKey,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<HeldJwtVc, JwtVcError> {
        let text = self.text.to_owned();
        let VerifiedJwtVc { mapped, issuer, .. } = self.verify(key, provider)?;
        // a credential that is no good now is not kept
        ValidityPolicy::default().judge(&mapped.validity, now)?;
        Ok(HeldJwtVc { text, mapped, issuer: Some(issuer) })
    }

    /// Takes back what was verified when it was received and has been in the holder's own sealed storage
    /// since; neither the issuer's signature nor its times are checked again.
    pub fn danger_hold_unverified(self) -> HeldJwtVc {
        HeldJwtVc { text: self.text.to_owned(), mapped: self.mapped, issuer: None }
    }
}

/// A credential of VCDM 1.1 of which everything was verified but its times, its status and its purpose.
pub struct VerifiedJwtVc {
    mapped: Mapped,
    issuer: IssuerIdentity,
    trusted_for: TypeScope,
}

impl VerifiedJwtVc {
    /// The credential that the issuer signed.
    pub const fn credential(&self) -> &CredentialV1 {
        &self.mapped.credential
    }

    /// What it says: the whole document, with the registered claims in their places.
    pub const fn claims(&self) -> &DisclosedClaims {
        self.mapped.credential.claims()
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
        &self.mapped.binding
    }

    /// The times in it.
    pub const fn validity(&self) -> &Validity {
        &self.mapped.validity
    }

    /// Where the JWT says that its status is kept, beside the credential (Token Status List §6.2).
    pub const fn status_claim(&self) -> Option<&StatusReference> {
        self.mapped.status.as_ref()
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

/// A `jwt_vc_json` that its holder verified and keeps.
#[derive(Clone)]
pub struct HeldJwtVc {
    text: String,
    mapped: Mapped,
    issuer: Option<IssuerIdentity>,
}

impl HeldJwtVc {
    /// The credential as it was received: what a wallet keeps.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The credential.
    pub const fn credential(&self) -> &CredentialV1 {
        &self.mapped.credential
    }

    /// What it says: the whole document, with the registered claims in their places.
    pub const fn claims(&self) -> &DisclosedClaims {
        self.mapped.credential.claims()
    }

    /// Who issued it; none when it came back from storage.
    pub const fn issuer(&self) -> Option<&IssuerIdentity> {
        self.issuer.as_ref()
    }

    /// To whom it is bound.
    pub const fn binding(&self) -> &HolderBinding {
        &self.mapped.binding
    }

    /// The times in it.
    pub const fn validity(&self) -> &Validity {
        &self.mapped.validity
    }
}

impl fmt::Debug for VerifiedJwtVc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VerifiedJwtVc(by {})", self.issuer.name())
    }
}

impl fmt::Debug for HeldJwtVc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HeldJwtVc({:?})", self.credential())
    }
}
