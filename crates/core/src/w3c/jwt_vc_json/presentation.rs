//! A presentation, verified as a whole (VCDM 1.1 §6.3.1, OID4VP 1.0 App. B.1.3.1).

use std::fmt;

use serde_json::Value;

use super::{
    super::{
        BASE_CONTEXT_V1, ExpectedPresentation, Holder, HolderError,
        holder::{self, check_request},
        members::{check_contexts, check_types, read_identity, set},
    },
    JwtVcError, JwtVpError, UnverifiedJwtVc, VP_SLOT, VerifiedJwtVc,
};
use crate::{jose::UnverifiedJws, json::Object, trust::IssuerKeys};

/// The most credentials in one presentation.
const MAX_CREDENTIALS: usize = 32;

/// A presentation of which everything was verified but the status of its credentials.
pub struct VerifiedJwtVp {
    holder: Holder,
    claims: Object,
    credentials: Vec<VerifiedJwtVc>,
}

impl VerifiedJwtVp {
    /// Who presented it.
    pub const fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Everything the holder signed, as `transaction_data_hashes`.
    pub const fn claims(&self) -> &Object {
        &self.claims
    }

    /// The credentials, each valid now and the holder's own; never empty.
    pub fn credentials(&self) -> &[VerifiedJwtVc] {
        &self.credentials
    }

    /// Gives the credentials away.
    pub fn into_credentials(self) -> Vec<VerifiedJwtVc> {
        self.credentials
    }
}

/// Verifies a presentation as a whole: the holder's signature over this request, and of every credential
/// the issuer's signature, its times and that it is the holder's.
///
/// # Errors
/// One [`JwtVpError`] per rule; see [`JwtVpError::is_undetermined`].
pub async fn verify_presentation(
    compact: &str,
    expected: &ExpectedPresentation<'_>,
    issuers: &IssuerKeys,
) -> Result<VerifiedJwtVp, JwtVpError> {
    let provider = issuers.provider();
    // 1. it can be read, says it is a presentation, and has credentials in it
    let jws = UnverifiedJws::parse(compact)?;
    jws.check_slot(&VP_SLOT)?;
    let claims = jws.danger_unverified_claims()?;
    let (vp, iss) = read(&claims)?;
    let credentials = credentials_of(vp)?;

    // 2. the holder signed it, for this request
    let bindings: Vec<_> = credentials.iter().map(UnverifiedJwtVc::binding).collect();
    let holder =
        holder::find(jws.header().into(), iss.as_deref(), &bindings, issuers.resolver()).await?;
    jws.verify(&VP_SLOT, holder.key(), provider)?;
    check_request(&claims, expected)?;

    // 3. each credential is by an issuer that is believed, valid now, and the holder's own
    let mut verified = Vec::with_capacity(credentials.len());
    for credential in credentials {
        let key = issuers.find(&credential.claimed_issuer(), expected.now).await?;
        let credential = credential.verify(key, provider)?;
        let valid = credential.judge_validity(&expected.validity, expected.now);
        valid.map_err(JwtVcError::from)?;
        credential.binding().check(&holder)?;
        verified.push(credential);
    }
    Ok(VerifiedJwtVp { holder, credentials: verified, claims })
}

/// The presentation in the claims, and whom it says it is by.
fn read(claims: &Object) -> Result<(&Object, Option<String>), JwtVpError> {
    if claims.contains_key("vc") {
        return Err(JwtVpError::VcPresent);
    }
    let vp = claims.get("vp").and_then(Value::as_object).ok_or(JwtVpError::VpMissing)?;
    check_contexts(vp, BASE_CONTEXT_V1).map_err(|_| JwtVpError::Context)?;
    check_types(vp, "VerifiablePresentation").map_err(|_| JwtVpError::Type)?;
    // VCDM 1.1 §6.3.1: jti stands for id, iss for holder; where both are there, both say the same
    if let (Some(jti), Some(id)) = (claims.get("jti"), vp.get("id"))
        && jti != id
    {
        return Err(JwtVpError::Jti);
    }
    let mut named = match vp.get("holder") {
        None => None,
        Some(holder) => Some(read_identity(holder).ok_or(JwtVpError::HolderMalformed)?),
    }
    .map(|holder| holder.as_str().to_owned());
    if let Some(iss) = claims.get("iss") {
        let iss = iss.as_str().ok_or(HolderError::IssMismatch)?;
        if named.is_some_and(|named| named != iss) {
            return Err(HolderError::IssMismatch.into());
        }
        named = Some(iss.to_owned());
    }
    Ok((vp, named))
}

fn credentials_of(vp: &Object) -> Result<Vec<UnverifiedJwtVc<'_>>, JwtVpError> {
    let credentials = vp.get("verifiableCredential").map_or(&[][..], set);
    if credentials.is_empty() {
        return Err(JwtVpError::Empty);
    }
    if credentials.len() > MAX_CREDENTIALS {
        return Err(JwtVpError::TooManyCredentials);
    }
    let mut parsed = Vec::with_capacity(credentials.len());
    for credential in credentials {
        let compact = credential.as_str().ok_or(JwtVpError::CredentialNotAJwt)?;
        parsed.push(UnverifiedJwtVc::parse(compact)?);
    }
    Ok(parsed)
}

impl fmt::Debug for VerifiedJwtVp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "VerifiedJwtVp({:?})", self.credentials)
    }
}
