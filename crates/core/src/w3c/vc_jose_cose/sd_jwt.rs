//! A credential in an SD-JWT: issuing, parsing, verifying, holding, presenting (VC-JOSE-COSE §3.2.1).

use std::fmt;

use thiserror::Error;

use super::{
    super::{
        Credential, HolderBinding,
        signed::{claimed_issuer, is_key_of},
    },
    IssuedCredential, SigningOptions, VC_SD_JWT_SLOT, VC_SD_JWT_TYP, VcJoseCoseError, VerifiedVc,
    payload::{CredentialPayload, is_content_type},
};
use crate::{
    Timestamp,
    claims::{Claims, ClaimsError, ClaimsPath, DisclosedClaims, PathSegment},
    credential::{Validity, ValidityPolicy},
    crypto::{CryptoProvider, HashAlgorithm, Signer, SignerError},
    jose::JoseHeader,
    sd_jwt::{
        self, ExpectedKeyBinding, HeldSdJwt, IssueError, KeyBindingRequest, PresentError,
        UnverifiedSdJwt, VerifiedKeyBinding,
    },
    trust::{ClaimedIssuer, IssuerIdentity, IssuerKey},
};

/// What a holder would gain by withholding: an end, a start or a status that nobody sees.
const NEVER_SELECTIVE: [&str; 10] = [
    "validFrom",
    "validUntil",
    "credentialStatus",
    "status",
    "termsOfUse",
    "iss",
    "nbf",
    "exp",
    "cnf",
    "relatedResource",
];

/// What a document is no credential without, so it goes with every presentation.
const ALWAYS_DISCLOSED: [&str; 8] = [
    "@context",
    "type",
    "issuer",
    "credentialSchema",
    "credentialStatus",
    "refreshService",
    "evidence",
    "termsOfUse",
];

/// Why a credential was not issued as an SD-JWT.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IssueSdJwtError {
    /// A claim that verification needs would be selectively disclosable.
    #[error("the claim {0} must not be selectively disclosable")]
    NeverSelective(&'static str),
    /// The claims would be misread.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// The issuer's key gave no signature.
    #[error("the issuer's key gave no signature: {0}")]
    Signer(#[from] SignerError),
}

/// Signs a credential as a `vc+sd-jwt`, in which the holder may withhold these claims.
///
/// # Errors
/// One [`IssueSdJwtError`] per rule.
pub async fn issue_sd_jwt(
    credential: &Credential,
    selective: &[ClaimsPath],
    options: &SigningOptions,
    signer: &dyn Signer,
    provider: &dyn CryptoProvider,
) -> Result<IssuedCredential, IssueSdJwtError> {
    let mut payload = options.claims();
    payload.extend(credential.document().clone());
    let claims = Claims::from_json(payload, selective)?;
    // VC-JOSE-COSE §3.2.1: what verification needs SHOULD NOT be selectively disclosable
    let mut needed = NEVER_SELECTIVE.iter().chain(&ALWAYS_DISCLOSED);
    if let Some(name) = needed.find(|name| claims.is_selective_within(name)) {
        return Err(IssueSdJwtError::NeverSelective(name));
    }
    let mut header = options.header(VC_SD_JWT_TYP);
    header.insert("cty".to_owned(), "vc".into());
    let hash = HashAlgorithm::Sha256;
    let issued = sd_jwt::issue(header, &claims, hash, signer, provider).await;
    issued.map(IssuedCredential).map_err(|error| match error {
        IssueError::Claims(error) => error.into(),
        IssueError::Signer(error) => error.into(),
    })
}

/// A `vc+sd-jwt` that was taken apart; nothing in it is trusted.
#[derive(Debug)]
pub struct UnverifiedVcSdJwt<'t> {
    sd_jwt: UnverifiedSdJwt<'t>,
    /// As it would be with every disclosure in its place, to find the key by.
    payload: CredentialPayload,
}

impl<'t> UnverifiedVcSdJwt<'t> {
    /// Takes a credential or a presentation apart, and checks everything about it that needs no key.
    ///
    /// # Errors
    /// One [`VcJoseCoseError`] per rule.
    pub fn parse(compact: &'t str, provider: &dyn CryptoProvider) -> Result<Self, VcJoseCoseError> {
        let sd_jwt = UnverifiedSdJwt::parse(compact)?;
        sd_jwt.check_slot(&VC_SD_JWT_SLOT)?;
        if !is_content_type(sd_jwt.header(), "vc") {
            return Err(VcJoseCoseError::ContentType);
        }
        // VC-JOSE-COSE §5.2: the document is the processed payload, and its issuer may be inside a disclosure
        let claims = sd_jwt.danger_unverified_processed(provider)?;
        let payload = CredentialPayload::of_jwt(claims, sd_jwt.header())?;
        Ok(Self { sd_jwt, payload })
    }

    /// The header, to choose a key by; it is not trusted.
    pub const fn header(&self) -> &JoseHeader {
        self.sd_jwt.header()
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

    /// Verifies signature and disclosures, and the key binding where one is demanded; times are judged by
    /// [`VerifiedVc::judge_validity`].
    ///
    /// # Errors
    /// One [`VcJoseCoseError`] per rule.
    pub fn verify(
        self,
        key: IssuerKey,
        binding: Option<&ExpectedKeyBinding<'_>>,
        provider: &dyn CryptoProvider,
    ) -> Result<(VerifiedVc, Option<VerifiedKeyBinding>), VcJoseCoseError> {
        let verified = self.sd_jwt.verify(&VC_SD_JWT_SLOT, key.key(), binding, provider)?;
        check_disclosed(verified.disclosed().iter())?;
        let disclosed = verified.disclosed().to_vec();
        let key_binding = verified.key_binding().cloned();
        Ok((VerifiedVc::new(self.payload, key, disclosed)?, key_binding))
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
    ) -> Result<HeldVcSdJwt, VcJoseCoseError> {
        let sd_jwt = self.sd_jwt.verify_for_holding(&VC_SD_JWT_SLOT, key.key(), provider)?;
        check_disclosed(sd_jwt.disclosable())?;
        if !is_key_of(key.issuer(), self.payload.credential.issuer()) {
            return Err(VcJoseCoseError::IssuerKey);
        }
        ValidityPolicy::default().judge(&self.payload.validity, now)?;
        Ok(HeldVcSdJwt { sd_jwt, payload: self.payload, issuer: Some(key.issuer) })
    }

    /// Takes back what was verified when it was received and has been in the holder's own sealed storage
    /// since; neither the issuer's signature nor its times are checked again.
    ///
    /// # Errors
    /// [`VcJoseCoseError::SdJwt`].
    pub fn danger_hold_unverified(
        self,
        provider: &dyn CryptoProvider,
    ) -> Result<HeldVcSdJwt, VcJoseCoseError> {
        let sd_jwt = self.sd_jwt.danger_hold_unverified(provider)?;
        Ok(HeldVcSdJwt { sd_jwt, payload: self.payload, issuer: None })
    }
}

/// Refuses a disclosure of something that a holder would gain by withholding.
fn check_disclosed<'p>(
    mut paths: impl Iterator<Item = &'p ClaimsPath>,
) -> Result<(), VcJoseCoseError> {
    let gain = |path: &ClaimsPath| match path.segments() {
        // without a part of it, a status would be of a kind that nobody knows
        [PathSegment::Key(name), ..] if name == "status" => Some("status"),
        // the member as a whole, or one of several objects; without a part of one it is malformed
        [PathSegment::Key(name)] | [PathSegment::Key(name), PathSegment::Index(_)] => {
            NEVER_SELECTIVE.into_iter().find(|never| *never == name)
        }
        _ => None,
    };
    paths.find_map(gain).map_or(Ok(()), |name| Err(VcJoseCoseError::NeverSelective(name)))
}

/// A `vc+sd-jwt` that its holder verified and keeps.
#[derive(Clone)]
pub struct HeldVcSdJwt {
    sd_jwt: HeldSdJwt,
    payload: CredentialPayload,
    issuer: Option<IssuerIdentity>,
}

impl HeldVcSdJwt {
    /// The credential as it was received: what a wallet keeps.
    pub fn as_str(&self) -> &str {
        self.sd_jwt.as_str()
    }

    /// The credential with everything in it that could be presented.
    pub const fn credential(&self) -> &Credential {
        &self.payload.credential
    }

    /// Everything that could be presented, in its place.
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

    /// The claims that the holder may withhold; all others every verifier sees.
    pub fn disclosable(&self) -> impl Iterator<Item = &ClaimsPath> {
        self.sd_jwt.disclosable().filter(|path| !is_always_disclosed(path))
    }

    /// Presents these claims and what a document is no credential without; see [`HeldSdJwt::present`].
    ///
    /// # Errors
    /// One [`PresentError`] per rule.
    pub async fn present(
        &self,
        disclose: &[ClaimsPath],
        binding: Option<&KeyBindingRequest<'_>>,
        provider: &dyn CryptoProvider,
    ) -> Result<String, PresentError> {
        let mut paths = disclose.to_vec();
        paths.extend(self.sd_jwt.disclosable().filter(|path| is_always_disclosed(path)).cloned());
        self.sd_jwt.present(&paths, binding, provider).await
    }
}

fn is_always_disclosed(path: &ClaimsPath) -> bool {
    match path.segments().first() {
        Some(PathSegment::Key(name)) => ALWAYS_DISCLOSED.contains(&name.as_str()),
        _ => false,
    }
}

impl fmt::Debug for HeldVcSdJwt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "HeldVcSdJwt({:?})", self.credential())
    }
}
