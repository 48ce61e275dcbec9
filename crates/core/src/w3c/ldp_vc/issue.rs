//! Issuing a credential with a proof.

use super::{super::Credential, LdpVcError};
use crate::{
    crypto::{CryptoProvider, Signer},
    data_integrity::ProofDraft,
    did::Did,
    json::Object,
};

/// Secures a credential with the issuer's proof.
///
/// # Errors
/// [`LdpVcError::IssuerKey`] when the issuer is a DID and the key of the draft is another's, and
/// [`LdpVcError::Proof`].
pub async fn issue(
    credential: &Credential,
    draft: ProofDraft,
    signer: &dyn Signer,
    provider: &dyn CryptoProvider,
) -> Result<Object, LdpVcError> {
    // VC Data Integrity §4.5: nobody believes a proof that is not by the issuer
    if Did::parse(credential.issuer().as_str())
        .is_ok_and(|issuer| issuer != *draft.verification_method().did())
    {
        return Err(LdpVcError::IssuerKey);
    }
    Ok(draft.secure(credential.document().clone(), signer, provider).await?)
}
