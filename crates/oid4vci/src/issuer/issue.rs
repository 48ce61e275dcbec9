//! Claims become credentials, one per key.

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    claims::Claims,
    credential::Validity,
    jose::Jwk,
    json::Object,
    sd_jwt_vc::{DraftError, IssuedSdJwtVc, KeyBinding, SdJwtVcDraft},
};

use super::{Issuer, IssuerName, WaitingClaims};
use crate::{
    configuration::{CredentialConfiguration, CredentialFormat},
    credential::{CredentialError, CredentialInResponse, CredentialResponse},
};

impl Issuer {
    /// Signs a copy for each key; all copies share their times, none shares a salt.
    pub(super) async fn issue(
        &self,
        configuration: &CredentialConfiguration,
        claims: &WaitingClaims,
        keys: &[Option<Jwk>],
        now: Timestamp,
    ) -> Result<(CredentialResponse, Timestamp), CredentialError> {
        let claims = claims.to_object();
        let lasting = SignedDuration::from_hours(24 * i64::from(configuration.valid_days));
        // RFC 9901 §10.1: the second of issuance would link copies and holders
        let validity = Validity::rounded_to_days(now, lasting);
        let mut credentials = Vec::with_capacity(keys.len());
        for key in keys {
            let CredentialFormat::SdJwtVc { .. } = &configuration.format;
            let copy =
                self.sd_jwt_vc(configuration, claims.clone(), key.clone(), &validity).await?;
            credentials.push(CredentialInResponse { credential: copy.into_string().into() });
        }
        let expires_at = validity.expires_at.ok_or(CredentialError::CredentialUnmakeable)?;
        Ok((CredentialResponse { credentials }, expires_at))
    }

    async fn sd_jwt_vc(
        &self,
        configuration: &CredentialConfiguration,
        claims: Object,
        key: Option<Jwk>,
        validity: &Validity,
    ) -> Result<IssuedSdJwtVc, CredentialError> {
        let binding = key.map_or(KeyBinding::None, KeyBinding::To);
        let draft = self
            .draft(configuration, claims, &binding, validity)
            .map_err(|_| CredentialError::CredentialUnmakeable)?;
        draft
            .sign(&*self.key.signer, &*self.provider)
            .await
            .map_err(|_| CredentialError::SigningKeyUnavailable)
    }

    fn draft(
        &self,
        configuration: &CredentialConfiguration,
        claims: Object,
        binding: &KeyBinding,
        validity: &Validity,
    ) -> Result<SdJwtVcDraft, DraftError> {
        let CredentialFormat::SdJwtVc { vct } = &configuration.format;
        let claims = Claims::from_json(claims, &configuration.selective_paths())?;
        match &self.key.name {
            IssuerName::Certificate { chain, iss } => {
                Ok(SdJwtVcDraft::new(vct, iss.as_ref(), claims, binding, validity)?.with_x5c(chain))
            }
            IssuerName::Identifier { iss, key_id } => {
                let draft = SdJwtVcDraft::new(vct, Some(iss), claims, binding, validity)?;
                Ok(match key_id {
                    Some(key_id) => draft.with_key_id(key_id),
                    None => draft,
                })
            }
        }
    }
}
