//! A credential in its holder's hands.

use std::fmt;

use super::{Vct, verify::Facts};
use crate::{
    claims::{ClaimsPath, DisclosedClaims, PathError},
    credential::Validity,
    crypto::{CryptoProvider, PublicKey},
    json::Object,
    sd_jwt::{HeldSdJwt, KeyBindingRequest, PresentError, confirmation_key},
    status::StatusReference,
    trust::IssuerIdentity,
};

/// An SD-JWT VC that its holder verified and keeps.
#[derive(Clone)]
pub struct HeldSdJwtVc {
    sd_jwt: HeldSdJwt,
    vct: Vct,
    issuer: Option<IssuerIdentity>,
    facts: Facts,
}

impl HeldSdJwtVc {
    pub(super) const fn new(
        sd_jwt: HeldSdJwt,
        vct: Vct,
        issuer: Option<IssuerIdentity>,
        facts: Facts,
    ) -> Self {
        Self { sd_jwt, vct, issuer, facts }
    }

    /// The credential as it was received: what a wallet keeps.
    pub fn as_str(&self) -> &str {
        self.sd_jwt.as_str()
    }

    /// The type.
    pub const fn vct(&self) -> &Vct {
        &self.vct
    }

    /// Further types that it may be asked for by.
    pub fn aka_vcts(&self) -> &[Vct] {
        &self.facts.aka_vcts
    }

    /// Whether it is of this type, by `vct` or by `aka_vcts`.
    pub fn is_of_type(&self, vct: &Vct) -> bool {
        self.vct == *vct || self.facts.aka_vcts.contains(vct)
    }

    /// Who issued it; none when it came back from storage.
    pub const fn issuer(&self) -> Option<&IssuerIdentity> {
        self.issuer.as_ref()
    }

    /// The times in it.
    pub const fn validity(&self) -> &Validity {
        &self.facts.validity
    }

    /// Where its status is kept, if it has one.
    pub const fn status(&self) -> Option<&StatusReference> {
        self.facts.status.as_ref()
    }

    /// Everything that could be presented, in its place.
    pub const fn claims(&self) -> &DisclosedClaims {
        self.sd_jwt.claims()
    }

    /// The claims that the holder may withhold; all others every verifier sees.
    pub fn disclosable(&self) -> impl Iterator<Item = &ClaimsPath> {
        self.sd_jwt.disclosable()
    }

    /// The key it is bound to; none when it is bound to none that can be used.
    pub fn holder_key(&self) -> Option<PublicKey> {
        let key = confirmation_key(self.claims().as_object()).ok().flatten();
        key.map(|jwk| jwk.key)
    }

    /// Which claims a presentation of these would disclose, for the holder to see before consenting.
    ///
    /// # Errors
    /// [`PathError`] when a pointer selects nothing.
    pub fn disclosed_by(&self, disclose: &[ClaimsPath]) -> Result<Vec<&ClaimsPath>, PathError> {
        self.sd_jwt.disclosed_by(disclose)
    }

    /// Presents these claims, and no others that can be withheld; see [`HeldSdJwt::present`].
    ///
    /// # Errors
    /// One [`PresentError`] per rule.
    pub async fn present(
        &self,
        disclose: &[ClaimsPath],
        binding: Option<&KeyBindingRequest<'_>>,
        provider: &dyn CryptoProvider,
    ) -> Result<String, PresentError> {
        self.sd_jwt.present(disclose, binding, provider).await
    }

    /// As [`HeldSdJwtVc::present`], with further claims in the key binding, as `transaction_data_hashes`.
    ///
    /// # Errors
    /// One [`PresentError`] per rule.
    pub async fn present_with_claims(
        &self,
        disclose: &[ClaimsPath],
        binding: &KeyBindingRequest<'_>,
        further: &Object,
        provider: &dyn CryptoProvider,
    ) -> Result<String, PresentError> {
        self.sd_jwt.present_with_claims(disclose, binding, further, provider).await
    }
}

impl fmt::Debug for HeldSdJwtVc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HeldSdJwtVc({})", self.vct)
    }
}
