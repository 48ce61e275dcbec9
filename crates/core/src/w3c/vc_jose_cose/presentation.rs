//! A presentation in a JWT or a COSE_Sign1, verified as a whole (VC-JOSE-COSE §3.1.2 and §3.3.2, OID4VP 1.0
//! App. B.1).

use serde_json::Value;

use super::{
    super::{
        ExpectedPresentation, Holder, HolderBinding, HolderError, Presentation,
        PresentedCredential, SecuredCredential,
        holder::{self, check_request},
        signed::ClaimedKey,
    },
    UnverifiedVcCose, UnverifiedVcJwt, UnverifiedVcSdJwt, VP_SLOT, VcJoseCoseError, VerifiedVc,
    VpError, cose,
    payload::{forbidden, is_content_type},
};
use crate::{
    cose::{CoseError, UnverifiedSign1},
    crypto::CryptoProvider,
    jose::UnverifiedJws,
    json::Object,
    trust::{ClaimedIssuer, IssuerKey, IssuerKeys},
};

/// A presentation of which everything was verified but the status of its credentials.
#[derive(Debug)]
pub struct VerifiedVp {
    holder: Holder,
    /// The CWT claims; in a JWT the claims are in the document.
    claims: Option<Object>,
    presentation: Presentation,
    credentials: Vec<VerifiedVc>,
}

impl VerifiedVp {
    /// Who presented it.
    pub const fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The presentation that the holder signed.
    pub const fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// The claims that the holder signed beside or in the presentation, as `nonce`.
    pub fn claims(&self) -> &Object {
        self.claims.as_ref().unwrap_or_else(|| self.presentation.document())
    }

    /// The credentials, each valid now and the holder's own; never empty.
    pub fn credentials(&self) -> &[VerifiedVc] {
        &self.credentials
    }

    /// Gives the credentials away.
    pub fn into_credentials(self) -> Vec<VerifiedVc> {
        self.credentials
    }
}

/// Verifies a `vp+jwt` as a whole: the holder's signature over this request, and of every credential the
/// issuer's signature, its times and that it is the holder's.
///
/// # Errors
/// One [`VpError`] per rule; see [`VpError::is_undetermined`].
pub async fn verify_presentation(
    compact: &str,
    expected: &ExpectedPresentation<'_>,
    issuers: &IssuerKeys,
) -> Result<VerifiedVp, VpError> {
    // 1. it can be read, says it is a presentation, and has credentials in it
    let jws = UnverifiedJws::parse(compact)?;
    jws.check_slot(&VP_SLOT)?;
    if !is_content_type(jws.header(), "vp") {
        return Err(VpError::ContentType);
    }
    let payload = jws.danger_unverified_claims()?;
    if let Some(name) = forbidden(&payload) {
        return Err(VpError::ForbiddenClaim(name));
    }
    let presentation = Presentation::parse(payload)?;
    let header_iss = jws.header().members.get("iss");
    let iss = claimed_holder(&presentation, presentation.document().get("iss"), header_iss)?;
    let opened = open(&presentation)?;
    let credentials = Presented::parse(&opened, issuers)?;

    // 2. the holder signed it, for this request
    let holder = credentials.find_holder(jws.header().into(), iss).await?;
    jws.verify(&VP_SLOT, holder.key(), issuers.provider())?;
    check_request(presentation.document(), expected)?;

    // 3. each credential is by an issuer that is believed, valid now, and the holder's own
    let credentials = credentials.verify(&holder, expected).await?;
    Ok(VerifiedVp { holder, claims: None, presentation, credentials })
}

/// Verifies a COSE_Sign1 of type `application/vp+cose` as a whole, as [`verify_presentation`] does a JWT.
///
/// VC-JOSE-COSE has no place for a nonce and an audience; they are CWT claims in the protected header
/// (RFC 9597 §2): `aud`, and `eat_nonce` as text (RFC 9711 §4.1).
///
/// # Errors
/// One [`VpError`] per rule; see [`VpError::is_undetermined`].
pub async fn verify_cose_presentation(
    bytes: &[u8],
    expected: &ExpectedPresentation<'_>,
    issuers: &IssuerKeys,
) -> Result<VerifiedVp, VpError> {
    // 1. it can be read, says it is a presentation, and has credentials in it
    let sign1 = UnverifiedSign1::parse(bytes)?;
    if !cose::is_type(sign1.headers(), "application/vp+cose") {
        return Err(VpError::CoseType);
    }
    if !cose::is_content_type(sign1.headers(), "application/vp") {
        return Err(VpError::ContentType);
    }
    let claims = cose::claims(sign1.headers(), issuers.provider()).ok_or(VpError::CwtClaims)?;
    let payload = sign1.danger_unverified_payload().ok_or(CoseError::PayloadMissing)?;
    let presentation = Presentation::from_json(payload)?;
    let iss = claimed_holder(&presentation, claims.get("iss"), None)?;
    let key = cose::OwnedKey::read(sign1.headers())?;
    let opened = open(&presentation)?;
    let credentials = Presented::parse(&opened, issuers)?;

    // 2. the holder signed it, for this request
    let holder = credentials.find_holder(key.claimed(), iss).await?;
    sign1.verify(holder.key(), b"", issuers.provider())?;
    check_request(&claims, expected)?;

    // 3. each credential is by an issuer that is believed, valid now, and the holder's own
    let credentials = credentials.verify(&holder, expected).await?;
    Ok(VerifiedVp { holder, claims: Some(claims), presentation, credentials })
}

/// `iss` in the claims or the header and the holder of the document: all that are there agree.
fn claimed_holder<'p>(
    presentation: &'p Presentation,
    iss: Option<&'p Value>,
    header_iss: Option<&'p Value>,
) -> Result<Option<&'p str>, HolderError> {
    let mut named = presentation.holder().map(|holder| holder.as_str());
    for iss in [iss, header_iss].into_iter().flatten() {
        let iss = iss.as_str().ok_or(HolderError::IssMismatch)?;
        if named.is_some_and(|named| named != iss) {
            return Err(HolderError::IssMismatch);
        }
        named = Some(iss);
    }
    Ok(named)
}

fn open(presentation: &Presentation) -> Result<Vec<SecuredCredential<'_>>, VpError> {
    let mut opened = Vec::with_capacity(presentation.credentials().len());
    for credential in presentation.credentials() {
        // VC-JOSE-COSE §3.1.2: credentials MUST be in an EnvelopedVerifiableCredential
        let PresentedCredential::Enveloped(envelope) = credential else {
            return Err(VpError::NotEnveloped);
        };
        opened.push(envelope.open()?);
    }
    // OID4VP 1.0 §8.1: a presentation answers a query for a credential
    if opened.is_empty() { Err(VpError::Empty) } else { Ok(opened) }
}

/// The credentials of a presentation, before anything was verified.
struct Presented<'t> {
    credentials: Vec<Unverified<'t>>,
    issuers: &'t IssuerKeys,
}

impl<'t> Presented<'t> {
    fn parse(
        opened: &'t [SecuredCredential<'_>],
        issuers: &'t IssuerKeys,
    ) -> Result<Self, VcJoseCoseError> {
        let parse = |credential| Unverified::parse(credential, issuers.provider());
        let credentials = opened.iter().map(parse).collect::<Result<_, _>>()?;
        Ok(Self { credentials, issuers })
    }

    async fn find_holder(
        &self,
        key: ClaimedKey<'_>,
        iss: Option<&str>,
    ) -> Result<Holder, HolderError> {
        let bindings: Vec<_> = self.credentials.iter().map(Unverified::binding).collect();
        holder::find(key, iss, &bindings, self.issuers.resolver()).await
    }

    async fn verify(
        self,
        holder: &Holder,
        expected: &ExpectedPresentation<'_>,
    ) -> Result<Vec<VerifiedVc>, VpError> {
        let mut verified = Vec::with_capacity(self.credentials.len());
        for credential in self.credentials {
            let key = self.issuers.find(&credential.claimed_issuer(), expected.now).await?;
            let credential = credential.verify(key, self.issuers.provider())?;
            let valid = credential.judge_validity(&expected.validity, expected.now);
            valid.map_err(VcJoseCoseError::from)?;
            credential.binding().check(holder)?;
            verified.push(credential);
        }
        Ok(verified)
    }
}

/// A credential in an envelope that was opened.
enum Unverified<'t> {
    Jwt(Box<UnverifiedVcJwt<'t>>),
    SdJwt(Box<UnverifiedVcSdJwt<'t>>),
    Cose(Box<UnverifiedVcCose<'t>>),
}

impl<'t> Unverified<'t> {
    fn parse(
        secured: &'t SecuredCredential<'_>,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, VcJoseCoseError> {
        match secured {
            SecuredCredential::Jwt(compact) => {
                Ok(Self::Jwt(Box::new(UnverifiedVcJwt::parse(compact)?)))
            }
            SecuredCredential::SdJwt(compact) => {
                Ok(Self::SdJwt(Box::new(UnverifiedVcSdJwt::parse(compact, provider)?)))
            }
            SecuredCredential::Cose(bytes) => {
                Ok(Self::Cose(Box::new(UnverifiedVcCose::parse(bytes, provider)?)))
            }
        }
    }

    fn binding(&self) -> &HolderBinding {
        match self {
            Self::Jwt(credential) => credential.binding(),
            Self::SdJwt(credential) => credential.binding(),
            Self::Cose(credential) => credential.binding(),
        }
    }

    fn claimed_issuer(&self) -> ClaimedIssuer<'_> {
        match self {
            Self::Jwt(credential) => credential.claimed_issuer(),
            Self::SdJwt(credential) => credential.claimed_issuer(),
            Self::Cose(credential) => credential.claimed_issuer(),
        }
    }

    fn verify(
        self,
        key: IssuerKey,
        provider: &dyn CryptoProvider,
    ) -> Result<VerifiedVc, VcJoseCoseError> {
        match self {
            Self::Jwt(credential) => credential.verify(key, provider),
            Self::Cose(credential) => credential.verify(key, provider),
            // the presentation is the key binding, so none is looked for inside
            Self::SdJwt(credential) => {
                credential.verify(key, None, provider).map(|(credential, _)| credential)
            }
        }
    }
}
