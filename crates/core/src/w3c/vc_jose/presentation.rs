//! A presentation in a JWT, verified as a whole (VC-JOSE-COSE §3.1.2, OID4VP 1.0 App. B.1).

use serde_json::Value;

use super::{
    super::{
        ExpectedPresentation, Holder, HolderBinding, HolderError, Presentation,
        PresentedCredential, SecuredCredential,
        holder::{self, check_request},
    },
    UnverifiedVcJwt, UnverifiedVcSdJwt, VP_SLOT, VcJoseError, VerifiedCredential, VpJwtError,
    payload::{forbidden, is_content_type},
};
use crate::{
    crypto::CryptoProvider,
    jose::UnverifiedJws,
    json::Object,
    trust::{ClaimedIssuer, IssuerKey, IssuerKeys},
};

/// A presentation of which everything was verified but the status of its credentials.
#[derive(Debug)]
pub struct VerifiedVpJwt {
    holder: Holder,
    presentation: Presentation,
    credentials: Vec<VerifiedCredential>,
}

impl VerifiedVpJwt {
    /// Who presented it.
    pub const fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The presentation that the holder signed.
    pub const fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// Everything the holder signed, as `transaction_data_hashes`.
    pub fn claims(&self) -> &Object {
        self.presentation.document()
    }

    /// The credentials, each valid now and the holder's own; never empty.
    pub fn credentials(&self) -> &[VerifiedCredential] {
        &self.credentials
    }

    /// Gives the credentials away.
    pub fn into_credentials(self) -> Vec<VerifiedCredential> {
        self.credentials
    }
}

/// Verifies a `vp+jwt` as a whole: the holder's signature over this request, and of every credential the
/// issuer's signature, its times and that it is the holder's.
///
/// # Errors
/// One [`VpJwtError`] per rule; see [`VpJwtError::is_undetermined`].
pub async fn verify_presentation(
    compact: &str,
    expected: &ExpectedPresentation<'_>,
    issuers: &IssuerKeys,
) -> Result<VerifiedVpJwt, VpJwtError> {
    let provider = issuers.provider();
    // 1. it can be read, says it is a presentation, and has credentials in it
    let jws = UnverifiedJws::parse(compact)?;
    jws.check_slot(&VP_SLOT)?;
    if !is_content_type(jws.header(), "vp") {
        return Err(VpJwtError::ContentType);
    }
    let payload = jws.danger_unverified_claims()?;
    if let Some(name) = forbidden(&payload) {
        return Err(VpJwtError::ForbiddenClaim(name));
    }
    let presentation = Presentation::parse(payload)?;
    let opened = open(&presentation)?;
    let credentials = opened
        .iter()
        .map(|credential| Unverified::parse(credential, provider))
        .collect::<Result<Vec<_>, _>>()?;

    // 2. the holder signed it, for this request
    let bindings: Vec<_> = credentials.iter().map(Unverified::binding).collect();
    let iss = claimed_holder(&presentation, jws.header().members.get("iss"))?;
    let holder = holder::find(jws.header(), iss, &bindings, issuers.resolver()).await?;
    jws.verify(&VP_SLOT, holder.key(), provider)?;
    check_request(presentation.document(), expected)?;

    // 3. each credential is by an issuer that is believed, valid now, and the holder's own
    let mut verified = Vec::with_capacity(credentials.len());
    for credential in credentials {
        let key = issuers.find(&credential.claimed_issuer(), expected.now).await?;
        let credential = credential.verify(key, provider)?;
        let valid = credential.judge_validity(&expected.validity, expected.now);
        valid.map_err(VcJoseError::from)?;
        credential.binding().check(&holder)?;
        verified.push(credential);
    }
    Ok(VerifiedVpJwt { holder, presentation, credentials: verified })
}

/// `iss` in the claims or the header and the holder of the document: all that are there agree.
fn claimed_holder<'p>(
    presentation: &'p Presentation,
    header_iss: Option<&'p Value>,
) -> Result<Option<&'p str>, HolderError> {
    let mut named = presentation.holder().map(|holder| holder.as_str());
    for iss in [presentation.document().get("iss"), header_iss].into_iter().flatten() {
        let iss = iss.as_str().ok_or(HolderError::IssMismatch)?;
        if named.is_some_and(|named| named != iss) {
            return Err(HolderError::IssMismatch);
        }
        named = Some(iss);
    }
    Ok(named)
}

fn open(presentation: &Presentation) -> Result<Vec<SecuredCredential<'_>>, VpJwtError> {
    let mut opened = Vec::with_capacity(presentation.credentials().len());
    for credential in presentation.credentials() {
        // VC-JOSE-COSE §3.1.2: credentials MUST be in an EnvelopedVerifiableCredential
        let PresentedCredential::Enveloped(envelope) = credential else {
            return Err(VpJwtError::NotEnveloped);
        };
        opened.push(envelope.open()?);
    }
    // OID4VP 1.0 §8.1: a presentation answers a query for a credential
    if opened.is_empty() { Err(VpJwtError::Empty) } else { Ok(opened) }
}

/// A credential in an envelope that was opened.
enum Unverified<'t> {
    Jwt(Box<UnverifiedVcJwt<'t>>),
    SdJwt(Box<UnverifiedVcSdJwt<'t>>),
}

impl<'t> Unverified<'t> {
    fn parse(
        secured: &'t SecuredCredential<'_>,
        provider: &dyn CryptoProvider,
    ) -> Result<Self, VpJwtError> {
        match secured {
            SecuredCredential::Jwt(compact) => {
                Ok(Self::Jwt(Box::new(UnverifiedVcJwt::parse(compact)?)))
            }
            SecuredCredential::SdJwt(compact) => {
                Ok(Self::SdJwt(Box::new(UnverifiedVcSdJwt::parse(compact, provider)?)))
            }
            SecuredCredential::Cose(_) => Err(VpJwtError::OtherMechanism),
        }
    }

    fn binding(&self) -> &HolderBinding {
        match self {
            Self::Jwt(credential) => credential.binding(),
            Self::SdJwt(credential) => credential.binding(),
        }
    }

    fn claimed_issuer(&self) -> ClaimedIssuer<'_> {
        match self {
            Self::Jwt(credential) => credential.claimed_issuer(),
            Self::SdJwt(credential) => credential.claimed_issuer(),
        }
    }

    fn verify(
        self,
        key: IssuerKey,
        provider: &dyn CryptoProvider,
    ) -> Result<VerifiedCredential, VcJoseError> {
        match self {
            Self::Jwt(credential) => credential.verify(key, provider),
            // the presentation is the key binding, so none is looked for inside
            Self::SdJwt(credential) => {
                credential.verify(key, None, provider).map(|(credential, _)| credential)
            }
        }
    }
}
