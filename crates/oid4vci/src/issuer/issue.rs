//! Claims become credentials, one per key.

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    claims::Claims,
    credential::Validity,
    jose::Jwk,
    json::Object,
    sd_jwt_vc::{DraftError, IssuedSdJwtVc, KeyBinding, SdJwtVcDraft},
    status::StatusReference,
};

use super::{Issuer, IssuerName, WaitingClaims};
use crate::{
    configuration::{CredentialConfiguration, CredentialFormat},
    credential::{CredentialError, CredentialInResponse, CredentialResponse},
};

impl Issuer {
    /// Signs a copy for each key; all copies share their times, none shares a salt or a status.
    pub(super) async fn issue(
        &self,
        configuration: &CredentialConfiguration,
        claims: &WaitingClaims,
        keys: &[Option<Jwk>],
        now: Timestamp,
    ) -> Result<(CredentialResponse, Timestamp, Vec<StatusReference>), CredentialError> {
        let claims = claims.to_object();
        let lasting = SignedDuration::from_hours(24 * i64::from(configuration.valid_days));
        // RFC 9901 §10.1: the second of issuance would link copies and holders
        let validity = Validity::rounded_to_days(now, lasting);
        let statuses = self.statuses_for(keys.len()).await?;
        let mut credentials = Vec::with_capacity(keys.len());
        for (copy, key) in keys.iter().enumerate() {
            let CredentialFormat::SdJwtVc { .. } = &configuration.format;
            let (key, status) = (key.clone(), statuses.get(copy));
            let draft = self
                .draft(configuration, claims.clone(), key, &validity)
                .and_then(|draft| match status {
                    Some(status) => draft.with_status(status),
                    None => Ok(draft),
                })
                .map_err(|_| CredentialError::CredentialUnmakeable)?;
            let copy = self.sign(draft).await?;
            credentials.push(CredentialInResponse { credential: copy.into_string().into() });
        }
        let expires_at = validity.expires_at.ok_or(CredentialError::CredentialUnmakeable)?;
        Ok((CredentialResponse { credentials }, expires_at, statuses))
    }

    /// A status for each copy, or none at all.
    async fn statuses_for(&self, copies: usize) -> Result<Vec<StatusReference>, CredentialError> {
        let Some(statuses) = &self.statuses else { return Ok(Vec::new()) };
        let statuses = statuses.allocate(copies).await;
        let statuses = statuses.map_err(|_| CredentialError::StatusUnavailable)?;
        // a copy without a status could never be revoked
        if statuses.len() == copies {
            Ok(statuses)
        } else {
            Err(CredentialError::StatusUnavailable)
        }
    }

    async fn sign(&self, draft: SdJwtVcDraft) -> Result<IssuedSdJwtVc, CredentialError> {
        let signed = draft.sign(&*self.key.signer, &*self.provider).await;
        signed.map_err(|_| CredentialError::SigningKeyUnavailable)
    }

    fn draft(
        &self,
        configuration: &CredentialConfiguration,
        claims: Object,
        key: Option<Jwk>,
        validity: &Validity,
    ) -> Result<SdJwtVcDraft, DraftError> {
        let binding = key.map_or(KeyBinding::None, KeyBinding::To);
        let CredentialFormat::SdJwtVc { vct } = &configuration.format;
        let claims = Claims::from_json(claims, &configuration.selective_paths())?;
        match &self.key.name {
            IssuerName::Certificate { chain, iss } => {
                Ok(SdJwtVcDraft::new(vct, iss.as_ref(), claims, &binding, validity)?
                    .with_x5c(chain))
            }
            IssuerName::Identifier { iss, key_id } => {
                let draft = SdJwtVcDraft::new(vct, Some(iss), claims, &binding, validity)?;
                Ok(match key_id {
                    Some(key_id) => draft.with_key_id(key_id),
                    None => draft,
                })
            }
        }
    }
}
