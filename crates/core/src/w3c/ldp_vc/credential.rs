//! A credential with proofs: parsing, verifying, holding.

use std::{fmt, sync::Arc};

use super::{
    super::{Credential, HolderBinding, signed::is_key_of},
    LdpVcError,
};
use crate::{
    Timestamp,
    claims::DisclosedClaims,
    credential::{CredentialType, Validity, ValidityError, ValidityPolicy},
    crypto::CryptoProvider,
    data_integrity::{
        DataIntegrityError, DataIntegrityProof, ExpectedProof, HeldDocument, JsonPointer,
        UnverifiedDocument, json_ld::Contexts,
    },
    json::{self, Object},
    trust::{ClaimedIssuer, IssuerIdentity, IssuerKeys, TypeScope},
};

/// A credential with proofs that was taken apart; nothing in it is trusted.
#[derive(Debug)]
pub struct UnverifiedLdpVc {
    document: UnverifiedDocument,
    credential: Credential,
    binding: HolderBinding,
}

impl UnverifiedLdpVc {
    /// Takes a credential apart, and checks everything about it that needs no key.
    ///
    /// # Errors
    /// One [`LdpVcError`] per rule.
    pub fn parse(text: &[u8]) -> Result<Self, LdpVcError> {
        Self::from_object(json::parse_object(text)?)
    }

    /// As [`UnverifiedLdpVc::parse`], for an object that was read strictly before.
    ///
    /// # Errors
    /// One [`LdpVcError`] per rule.
    pub fn from_object(object: Object) -> Result<Self, LdpVcError> {
        Self::new(UnverifiedDocument::from_object(object)?)
    }

    fn new(document: UnverifiedDocument) -> Result<Self, LdpVcError> {
        // what the proofs cover: of a context that has grown since, only what there was
        let credential = Credential::parse(document.signed_document())?;
        let binding = HolderBinding::read(credential.document(), credential.subjects())
            .map_err(LdpVcError::Holder)?;
        Ok(Self { document, credential, binding })
    }

    /// The proofs, to choose keys by; they are not trusted.
    pub fn proofs(&self) -> &[DataIntegrityProof] {
        self.document.proofs()
    }

    /// What one of the proofs says about who made it, to find the key by.
    pub fn claimed_issuer<'c>(&'c self, proof: &'c DataIntegrityProof) -> ClaimedIssuer<'c> {
        // the type that every credential has gives nobody authority
        let specific = self.credential.types().filter(|name| *name != "VerifiableCredential");
        ClaimedIssuer {
            types: specific.map(CredentialType::w3c).collect(),
            issuer: Some(self.credential.issuer()),
            key_id: Some(proof.verification_method()),
            curve: proof.curve(),
            certificates: None,
        }
    }

    /// Verifies every proof with a key of the issuer; times are judged by
    /// [`VerifiedLdpVc::judge_validity`].
    ///
    /// # Errors
    /// One [`LdpVcError`] per rule; see [`LdpVcError::is_undetermined`].
    pub async fn verify(
        self,
        issuers: &IssuerKeys,
        contexts: &Contexts,
        now: Timestamp,
    ) -> Result<VerifiedLdpVc, LdpVcError> {
        let check = DataIntegrityProof::verify_under;
        let by = self.verify_each(None, (issuers, contexts), now, check).await?;
        Ok(self.verified(by))
    }

    /// As [`UnverifiedLdpVc::verify`], by an issuer who is trusted for these types instead of its own: a
    /// status list is as good as the credentials that refer to it.
    pub(crate) async fn verify_for(
        self,
        types: Vec<CredentialType>,
        issuers: &IssuerKeys,
        contexts: &Contexts,
        now: Timestamp,
    ) -> Result<VerifiedLdpVc, LdpVcError> {
        let check = DataIntegrityProof::verify_under;
        let by = self.verify_each(Some(types), (issuers, contexts), now, check).await?;
        Ok(self.verified(by))
    }

    /// Verifies what an issuer handed out, for the holder to keep; a base proof too.
    ///
    /// # Errors
    /// One [`LdpVcError`] per rule.
    pub async fn verify_for_holding(
        self,
        issuers: &IssuerKeys,
        contexts: &Arc<Contexts>,
        now: Timestamp,
    ) -> Result<HeldLdpVc, LdpVcError> {
        let check = DataIntegrityProof::verify_for_holding;
        let (issuer, _) = self.verify_each(None, (issuers, contexts), now, check).await?;
        // a credential that is no good now is not kept
        ValidityPolicy::default().judge(&self.credential.validity(), now)?;
        let held = self.danger_hold_unverified(contexts);
        Ok(HeldLdpVc { issuer: Some(issuer), ..held })
    }

    /// Takes back what was verified when it was received and has been in the holder's own sealed storage
    /// since; neither the proofs nor the times are checked again.
    pub fn danger_hold_unverified(self, contexts: &Arc<Contexts>) -> HeldLdpVc {
        let Self { document, credential, binding } = self;
        let held = HeldDocument::danger_hold_unverified(document, Arc::clone(contexts));
        HeldLdpVc { held, credential, binding, issuer: None }
    }

    fn verified(self, (issuer, trusted_for): (IssuerIdentity, TypeScope)) -> VerifiedLdpVc {
        let Self { credential, binding, .. } = self;
        VerifiedLdpVc { credential, binding, issuer, trusted_for }
    }

    async fn verify_each(
        &self,
        types: Option<Vec<CredentialType>>,
        (issuers, contexts): (&IssuerKeys, &Contexts),
        now: Timestamp,
        check: Check,
    ) -> Result<(IssuerIdentity, TypeScope), LdpVcError> {
        // 1. what can be told without a key
        let expected = ExpectedProof::assertion(now);
        self.proofs().iter().try_for_each(|proof| expected.judge(proof))?;
        // 2. every proof is by the issuer, whom somebody trusts for this type
        let mut by = None;
        for proof in self.proofs() {
            let mut claimed = self.claimed_issuer(proof);
            if let Some(types) = &types {
                claimed.types.clone_from(types);
            }
            let key = issuers.find(&claimed, now).await?;
            if !is_key_of(key.issuer(), self.credential.issuer()) {
                return Err(LdpVcError::IssuerKey);
            }
            let covered = self.document.covered_by(proof);
            check(proof, contexts, &covered, key.key(), issuers.provider())?;
            by = Some((key.issuer, key.types));
        }
        by.ok_or(LdpVcError::Proof(DataIntegrityError::NoProof))
    }
}

/// How one signature is checked.
type Check = fn(
    &DataIntegrityProof,
    &Contexts,
    &Object,
    &crate::crypto::PublicKey,
    &dyn CryptoProvider,
) -> Result<(), DataIntegrityError>;

/// A credential of which everything was verified but its times, its status and its purpose.
pub struct VerifiedLdpVc {
    credential: Credential,
    binding: HolderBinding,
    issuer: IssuerIdentity,
    trusted_for: TypeScope,
}

impl VerifiedLdpVc {
    /// The credential that the issuer secured, without its proofs.
    pub const fn credential(&self) -> &Credential {
        &self.credential
    }

    /// What it says: the whole document, as far as the holder disclosed it.
    pub const fn claims(&self) -> &DisclosedClaims {
        self.credential.claims()
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
        &self.binding
    }

    /// The times in it.
    pub const fn validity(&self) -> Validity {
        self.credential.validity()
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
        policy.judge(&self.validity(), now)
    }
}

impl fmt::Debug for VerifiedLdpVc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VerifiedLdpVc(by {})", self.issuer.name())
    }
}

/// A credential that its holder verified and keeps.
#[derive(Clone)]
pub struct HeldLdpVc {
    held: HeldDocument,
    credential: Credential,
    binding: HolderBinding,
    issuer: Option<IssuerIdentity>,
}

impl HeldLdpVc {
    /// The credential, without its proofs.
    pub const fn credential(&self) -> &Credential {
        &self.credential
    }

    /// What it says.
    pub const fn claims(&self) -> &DisclosedClaims {
        self.credential.claims()
    }

    /// Who issued it; none when it came back from storage.
    pub const fn issuer(&self) -> Option<&IssuerIdentity> {
        self.issuer.as_ref()
    }

    /// To whom it is bound.
    pub const fn binding(&self) -> &HolderBinding {
        &self.binding
    }

    /// Whether parts of it can be left out.
    pub fn is_selective(&self) -> bool {
        self.held.is_selective()
    }

    /// The credential as it was received: what a wallet keeps, and with a base proof in it nobody else gets.
    pub fn danger_to_secured(&self) -> Object {
        self.held.danger_to_secured()
    }

    /// The credential as a verifier gets it, whole.
    pub(super) fn whole(
        &self,
        provider: &dyn CryptoProvider,
    ) -> Result<Object, DataIntegrityError> {
        if self.is_selective() {
            return self.parts(&[JsonPointer::parse("")?], provider);
        }
        Ok(self.danger_to_secured())
    }

    /// The credential as a verifier gets it, in part.
    pub(super) fn parts(
        &self,
        pointers: &[JsonPointer],
        provider: &dyn CryptoProvider,
    ) -> Result<Object, DataIntegrityError> {
        self.held.disclose(pointers, provider)
    }
}

impl fmt::Debug for HeldLdpVc {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HeldLdpVc({:?})", self.credential)
    }
}
