//! Everything about a subject is forgotten, and what that was is proved.

use jiff::Timestamp;
use lanyard_core::json;
use lanyard_store::{CredentialStatus, Erased, IssuedFilter, IssuedPage, SubjectRef, TenantId};
use serde::Serialize;

use crate::{IssuerError, IssuerService, Subject, lifecycle::Reason, tenant::Tenant};

/// What was erased about a subject, by names that say nothing about whom.
#[derive(Clone, Debug, Serialize)]
pub struct Erasure {
    /// When.
    pub at: Timestamp,
    /// The HMAC under which it was kept, in base64url.
    pub subject: String,
    /// The sessions, with claims that waited, trails, codes and tokens.
    pub sessions: Vec<lanyard_store::SessionId>,
    /// The records of credentials, with their statuses and the reasons of changes.
    pub credentials: Vec<lanyard_store::CredentialId>,
    /// How many of these credentials were still good, and were revoked.
    pub revoked: usize,
    /// How many messages about those sessions.
    pub messages: u64,
    /// What a search found afterwards: none.
    pub left: usize,
    /// An HMAC over all of it under a key of the tenant, in base64url: that this server said so.
    pub proof: String,
}

impl IssuerService {
    /// Revokes and forgets everything about a subject.
    ///
    /// Afterwards nobody could revoke what was forgotten, so it is revoked first; what a step under way issues
    /// meanwhile, as it is forgotten. Its places in the published lists stay as they are and are given to nobody else.
    ///
    /// # Errors
    /// [`IssuerError::UnknownTenant`] and [`IssuerError::Store`]; the same call erases the rest.
    pub async fn erase_subject(
        &self,
        tenant: &TenantId,
        subject: &Subject,
    ) -> Result<Erasure, IssuerError> {
        let tenant = &*self.known_tenant(tenant)?;
        let subject = self.subject_ref(tenant, subject);
        let about = IssuedFilter { subject: Some(subject), configuration: None };
        let reason = Reason::try_from("erased".to_owned()).ok();
        let revoked =
            self.change_all(tenant, &about, CredentialStatus::Revoked, reason.as_ref()).await?;
        let at = self.now();
        let erased = self.environment().store.erase_subject(&tenant.id, subject, at).await?;
        if let Some(lists) = &tenant.status_lists {
            lists.renew(erased.lists.iter().copied()).await;
        }
        let page = IssuedPage { before: None, limit: 1 };
        let left = self.environment().store.list_issued(&tenant.id, &about, page).await?.len();
        tracing::info!(
            tenant = tenant.id.as_str(),
            sessions = erased.sessions.len(),
            credentials = erased.credentials.len(),
            "a subject was erased"
        );
        let proof = self.proof_of(tenant, subject, &erased, at);
        let revoked = revoked.changed.len() + erased.revoked.len();
        let Erased { sessions, credentials, messages, .. } = erased;
        Ok(Erasure {
            at,
            subject: json::base64url(subject.as_bytes()),
            sessions,
            credentials,
            revoked,
            messages,
            left,
            proof,
        })
    }

    fn proof_of(
        &self,
        tenant: &Tenant,
        subject: SubjectRef,
        erased: &Erased,
        at: Timestamp,
    ) -> String {
        let Erased { sessions, credentials, messages, .. } = erased;
        let said = serde_json::json!([
            at,
            json::base64url(subject.as_bytes()),
            sessions,
            credentials,
            messages
        ]);
        let proof = tenant.data_key.prove(&tenant.id, said.to_string().as_bytes(), self.provider());
        json::base64url(proof)
    }
}
