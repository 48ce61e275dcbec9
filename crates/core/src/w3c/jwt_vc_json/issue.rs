//! Signing a credential (VCDM 1.1 §6.3.1.1).

use super::{
    super::{
        CredentialV1,
        vc_jose_cose::{IssuedCredential, SigningOptions},
    },
    TYP, mapping,
};
use crate::{
    crypto::{Signer, SignerError},
    jose,
};

/// Signs a credential; `exp` stands for its `expirationDate`, whatever the options say.
///
/// # Errors
/// [`SignerError`] when the issuer's key gives no signature.
pub async fn issue(
    credential: &CredentialV1,
    options: &SigningOptions,
    signer: &dyn Signer,
) -> Result<IssuedCredential, SignerError> {
    let mut payload = options.claims();
    payload.shift_remove("exp");
    payload.extend(mapping::claims_of(credential));
    jose::sign(options.header(TYP), &payload, signer).await.map(IssuedCredential)
}
