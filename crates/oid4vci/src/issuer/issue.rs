//! Claims become credentials, one per key.

use jiff::{SignedDuration, Timestamp};
use lanyard_core::{
    claims::Claims,
    credential::{Format, Validity},
    did::Did,
    jose::Jwk,
    json::Object,
    mdoc::{DocType, MdocDraft},
    sd_jwt_vc::{DraftError, KeyBinding, SdJwtVcDraft, Vct},
    status::{StatusMechanism, StatusReference},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Issuer, IssuerName, WaitingClaims, w3c::Statement};
use crate::{
    NotificationId,
    configuration::{CredentialConfiguration, CredentialFormat, element},
    credential::{CredentialError, CredentialInResponse, CredentialResponse},
};

/// A key that a proof has shown, and the name under which it is the holder's.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct HolderKey {
    pub(super) jwk: Jwk,
    /// The DID that the proof named it by; none when the proof brought the key itself.
    pub(super) did: Option<Did>,
}

impl HolderKey {
    /// The DID of whoever has the key: their own, or the key as one.
    pub(super) fn subject_id(&self) -> Did {
        self.did.clone().unwrap_or_else(|| Did::from_jwk(&Jwk::new(self.jwk.key)))
    }
}

/// What goes into one copy beside its claims.
struct Copy<'c> {
    key: Option<&'c HolderKey>,
    status: Option<&'c StatusReference>,
    validity: &'c Validity,
    now: Timestamp,
}

impl Issuer {
    /// Signs a copy for each key; all copies share their times, none shares a salt or a status.
    pub(super) async fn issue(
        &self,
        configuration: &CredentialConfiguration,
        claims: &WaitingClaims,
        keys: &[Option<HolderKey>],
        now: Timestamp,
    ) -> Result<(CredentialResponse, Timestamp, Vec<StatusReference>), CredentialError> {
        let claims = claims.to_object();
        let lasting = SignedDuration::from_hours(24 * i64::from(configuration.valid_days));
        // RFC 9901 §10.1: the second of issuance would link copies and holders
        let validity = Validity::rounded_to_days(now, lasting);
        let statuses = self.statuses_for(configuration, keys.len()).await?;
        let mut credentials = Vec::with_capacity(keys.len());
        for (number, key) in keys.iter().enumerate() {
            let (key, status) = (key.as_ref(), statuses.get(number));
            let copy = Copy { key, status, validity: &validity, now };
            let credential = self.sign(configuration, claims.clone(), copy).await?;
            credentials.push(CredentialInResponse { credential });
        }
        let expires_at = validity.expires_at.ok_or(CredentialError::CredentialUnmakeable)?;
        let notification_id = Some(NotificationId::generate(&*self.provider));
        Ok((CredentialResponse { credentials, notification_id }, expires_at, statuses))
    }

    /// A status for each copy, or none at all.
    async fn statuses_for(
        &self,
        configuration: &CredentialConfiguration,
        copies: usize,
    ) -> Result<Vec<StatusReference>, CredentialError> {
        let purposes = configuration.status.purposes();
        let statuses = self.statuses.as_ref().filter(|_| !purposes.is_empty());
        let Some(statuses) = statuses else { return Ok(Vec::new()) };
        let mechanism = match &configuration.format {
            CredentialFormat::SdJwtVc { .. } | CredentialFormat::MsoMdoc { .. } => {
                StatusMechanism::TokenStatusList
            }
            CredentialFormat::JwtVcJson { .. } | CredentialFormat::LdpVc { .. } => {
                StatusMechanism::BitstringStatusList
            }
        };
        let statuses = statuses.allocate(copies, mechanism, purposes).await;
        let statuses = statuses.map_err(|_| CredentialError::StatusUnavailable)?;
        // a copy without a status could never be revoked
        if statuses.len() == copies {
            Ok(statuses)
        } else {
            Err(CredentialError::StatusUnavailable)
        }
    }

    /// The credential in the form of its format.
    async fn sign(
        &self,
        configuration: &CredentialConfiguration,
        claims: Object,
        copy: Copy<'_>,
    ) -> Result<Value, CredentialError> {
        let Copy { key, status, validity, .. } = copy;
        match &configuration.format {
            CredentialFormat::SdJwtVc { vct } => {
                self.sd_jwt_vc(configuration, vct, claims, copy).await
            }
            CredentialFormat::MsoMdoc { doctype } => {
                self.mso_mdoc(configuration, doctype, &claims, copy).await
            }
            CredentialFormat::JwtVcJson { credential_definition: definition } => {
                self.jwt_vc_json(Statement { definition, claims, key, status, validity }).await
            }
            CredentialFormat::LdpVc { credential_definition: definition, cryptosuite } => {
                self.ldp_vc(Statement { definition, claims, key, status, validity }, *cryptosuite)
                    .await
            }
        }
    }

    /// App. A.3.4: the credential as a string.
    async fn sd_jwt_vc(
        &self,
        configuration: &CredentialConfiguration,
        vct: &Vct,
        claims: Object,
        copy: Copy<'_>,
    ) -> Result<Value, CredentialError> {
        let key = self.key_for(Format::SdJwtVc);
        let draft = || -> Result<SdJwtVcDraft, DraftError> {
            let binding = copy.key.map(|key| KeyBinding::To(key.jwk.clone()));
            let binding = binding.unwrap_or(KeyBinding::None);
            let mut claims = Claims::from_json(claims, &configuration.selective_paths())?;
            // SD-JWT VC §6: whoever reads the type metadata reads those that were meant
            if let Some(document) = self.types.get(&configuration.id) {
                claims = claims.visible("vct#integrity", document.integrity.as_str());
            }
            let draft = match &key.name {
                IssuerName::Certificate { chain, iss } => {
                    SdJwtVcDraft::new(vct, iss.as_ref(), claims, &binding, copy.validity)?
                        .with_x5c(chain)
                }
                IssuerName::Identifier { iss, key_id } => {
                    let draft = SdJwtVcDraft::new(vct, Some(iss), claims, &binding, copy.validity)?;
                    match key_id {
                        Some(key_id) => draft.with_key_id(key_id),
                        None => draft,
                    }
                }
            };
            match copy.status {
                Some(status) => draft.with_status(status),
                None => Ok(draft),
            }
        };
        let draft = draft().map_err(|_| CredentialError::CredentialUnmakeable)?;
        let signed = draft.sign(&*key.signer, &*self.provider).await;
        let signed = signed.map_err(|_| CredentialError::SigningKeyUnavailable)?;
        Ok(signed.into_string().into())
    }

    /// App. A.2.4: the IssuerSigned in base64url.
    async fn mso_mdoc(
        &self,
        configuration: &CredentialConfiguration,
        doctype: &DocType,
        claims: &Object,
        copy: Copy<'_>,
    ) -> Result<Value, CredentialError> {
        let unmakeable = || CredentialError::CredentialUnmakeable;
        let key = self.key_for(Format::MsoMdoc);
        let IssuerName::Certificate { chain, .. } = &key.name else { return Err(unmakeable()) };
        // ISO/IEC 18013-5 §9.1.2.4: there is no mdoc without a device key
        let device = copy.key.ok_or_else(unmakeable)?;
        let elements = element::name_spaces(configuration, claims).map_err(|_| unmakeable())?;
        let draft = MdocDraft::new(doctype, elements, &device.jwk.key, copy.validity);
        let draft = draft.map_err(|_| unmakeable())?;
        // ISO/IEC 18013-5 §9.3.1: signed while the document signer's certificate is valid
        let signer = chain.first().ok_or_else(unmakeable)?;
        let draft = draft.under(signer, copy.now).map_err(|_| unmakeable())?;
        let draft = match copy.status {
            Some(status) => draft.with_status(status).map_err(|_| unmakeable())?,
            None => draft,
        };
        let signed = draft.sign(&*key.signer, chain, &*self.provider).await;
        let signed = signed.map_err(|_| CredentialError::SigningKeyUnavailable)?;
        Ok(signed.to_base64url().into())
    }
}
