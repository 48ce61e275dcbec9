//! A presentation with proofs, verified as a whole (OID4VP 1.0 App. B.1.3.2).

use super::{
    super::{ExpectedPresentation, Holder, HolderError, Presentation, PresentedCredential},
    LdpVcError, LdpVpError, UnverifiedLdpVc, VerifiedLdpVc,
};
use crate::{
    Timestamp,
    data_integrity::{
        DataIntegrityError, DataIntegrityProof, ExpectedProof, UnverifiedDocument,
        json_ld::Contexts,
    },
    did::DidUrl,
    json,
    trust::IssuerKeys,
};

/// A presentation of which everything was verified but the status of its credentials.
#[derive(Debug)]
pub struct VerifiedLdpVp {
    holder: Holder,
    presentation: Presentation,
    credentials: Vec<VerifiedLdpVc>,
}

impl VerifiedLdpVp {
    /// Who presented it.
    pub const fn holder(&self) -> &Holder {
        &self.holder
    }

    /// The presentation that the holder secured, without its proofs.
    pub const fn presentation(&self) -> &Presentation {
        &self.presentation
    }

    /// The credentials, each valid now and the holder's own; never empty.
    pub fn credentials(&self) -> &[VerifiedLdpVc] {
        &self.credentials
    }

    /// Gives the credentials away.
    pub fn into_credentials(self) -> Vec<VerifiedLdpVc> {
        self.credentials
    }
}

/// Verifies a presentation as a whole: the holder's proof for this request, and of every credential the
/// issuer's proofs, its times and that it is the holder's.
///
/// # Errors
/// One [`LdpVpError`] per rule; see [`LdpVpError::is_undetermined`].
pub async fn verify_presentation(
    text: &[u8],
    expected: &ExpectedPresentation<'_>,
    issuers: &IssuerKeys,
    contexts: &Contexts,
) -> Result<VerifiedLdpVp, LdpVpError> {
    // 1. it can be read, says it is a presentation, and has credentials in it
    let document = UnverifiedDocument::from_object(json::parse_object(text)?)?;
    let presentation = Presentation::parse(document.signed_document())?;
    let credentials = open(&presentation)?;

    // 2. the holder secured it, for this request
    let (nonce, audience) = (expected.nonce.as_str(), expected.audience.as_str());
    let proof = ExpectedProof::authentication(nonce, audience, expected.now);
    // OID4VP 1.0 §14.1: the nonce makes it fresh; an older proof would say that it was prepared
    let is_old = |made: Timestamp| made.duration_until(expected.now) > expected.window.past;
    if document.proofs().iter().filter_map(DataIntegrityProof::created).any(is_old) {
        return Err(HolderError::TooOld.into());
    }
    let holder = verify_holder(&document, &proof, &presentation, issuers, contexts).await?;

    // 3. each credential is by an issuer that is believed, valid now, and the holder's own
    let mut verified = Vec::with_capacity(credentials.len());
    for credential in credentials {
        let credential = credential.verify(issuers, contexts, expected.now).await?;
        let valid = credential.judge_validity(&expected.validity, expected.now);
        valid.map_err(LdpVcError::from)?;
        credential.binding().check(&holder)?;
        verified.push(credential);
    }
    Ok(VerifiedLdpVp { holder, presentation, credentials: verified })
}

fn open(presentation: &Presentation) -> Result<Vec<UnverifiedLdpVc>, LdpVpError> {
    let open = |credential: &PresentedCredential| match credential {
        PresentedCredential::WithProof(credential) => {
            Ok(UnverifiedLdpVc::from_object(credential.document().clone())?)
        }
        PresentedCredential::Enveloped(_) | PresentedCredential::SelfAsserted(_) => {
            Err(LdpVpError::OtherMechanism)
        }
    };
    let credentials = presentation.credentials().iter().map(open).collect::<Result<Vec<_>, _>>()?;
    // OID4VP 1.0 §8.1: a presentation answers a query for a credential
    if credentials.is_empty() { Err(LdpVpError::Empty) } else { Ok(credentials) }
}

/// Every proof is by the one holder.
async fn verify_holder(
    document: &UnverifiedDocument,
    expected: &ExpectedProof,
    presentation: &Presentation,
    issuers: &IssuerKeys,
    contexts: &Contexts,
) -> Result<Holder, LdpVpError> {
    document.proofs().iter().try_for_each(|proof| expected.judge(proof))?;
    let mut holder: Option<Holder> = None;
    for proof in document.proofs() {
        let url = DidUrl::parse(proof.verification_method())
            .map_err(|_| DataIntegrityError::VerificationMethod)?;
        // VCDM 2.0 §4.13.1: who is named as the holder is who proves it
        let is_named =
            presentation.holder().is_none_or(|named| named.as_str() == url.did().as_str());
        let is_same = holder.as_ref().is_none_or(|holder: &Holder| holder.did() == Some(url.did()));
        if !is_named || !is_same {
            return Err(LdpVpError::HolderMismatch);
        }
        let resolved = issuers.resolver().resolve(url.did()).await.map_err(HolderError::from)?;
        // DID 1.1 §5.3.1: a presentation is secured to authenticate
        let key = *resolved.authentication(&url).map_err(HolderError::from)?;
        let covered = document.covered_by(proof);
        proof.verify_under(contexts, &covered, &key, issuers.provider())?;
        holder = Some(Holder::new(key, url));
    }
    holder.ok_or(LdpVpError::Proof(DataIntegrityError::NoProof))
}
