//! Dry runs: what a response that was recorded would have been worth under another policy.

use lanyard_oid4vp::verifier::{Recording, Verdict};
use lanyard_store::{SessionId, TenantId};
use serde::Deserialize;

use crate::{
    BrowserSession, RequestFault, RequestPolicy, VerifierError, VerifierService,
    sessions::{Held, Phase},
};

/// A policy, and a response to try it on; as JSON, the body of `POST /api/{tenant}/policies/test`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTrial {
    /// The policy.
    #[serde(default)]
    pub policy: RequestPolicy,
    /// A response that came to a request of this tenant with `record`; or
    #[serde(default)]
    pub request: Option<SessionId>,
    /// the recording itself.
    #[serde(default)]
    pub recording: Option<Box<Recording>>,
}

impl VerifierService {
    /// The response to a request, as it came; for the tenant's own people and programs alone.
    ///
    /// # Errors
    /// [`VerifierError::NotRecorded`] unless a response came to a request with `record`.
    pub async fn recording(
        &self,
        tenant: &TenantId,
        id: SessionId,
    ) -> Result<Recording, VerifierError> {
        let tenant = self.known_tenant(tenant)?;
        let held = self.sessions().by_id(tenant, id, self.now()).await?;
        recorded(held).ok_or(VerifierError::NotRecorded)
    }

    /// The response to a request, as it came, for a page in the browser that the request was made in.
    ///
    /// # Errors
    /// [`VerifierError::UnknownRequest`] in another browser, [`VerifierError::NotRecorded`] as
    /// [`VerifierService::recording`].
    pub async fn recording_in_browser(
        &self,
        tenant: &TenantId,
        id: SessionId,
        browser: &BrowserSession,
    ) -> Result<Recording, VerifierError> {
        let tenant = self.known_tenant(tenant)?;
        let held = self.held_in_browser(tenant, id, browser, self.now()).await?;
        recorded(held).ok_or(VerifierError::NotRecorded)
    }

    /// Tries a policy on a recorded response: nothing is kept, and nobody but the caller learns of it.
    ///
    /// # Errors
    /// [`VerifierError::Fault`] for a policy that cannot be used, and those of
    /// [`VerifierService::recording`].
    pub async fn try_policy(
        &self,
        tenant: &TenantId,
        trial: PolicyTrial,
    ) -> Result<Verdict, VerifierError> {
        let recording = match (trial.request, trial.recording) {
            (Some(id), None) => self.recording(tenant, id).await?,
            (None, Some(recording)) => *recording,
            _ => return Err(VerifierError::NotRecorded),
        };
        let tenant = self.known_tenant(tenant)?;
        let policy = trial.policy;
        policy.fit(&recording.dcql_query).map_err(RequestFault::from)?;
        let verifiers = tenant.verifiers_for(&[], &policy)?;
        let conclusion = recording.conclude(&verifiers, self.provider()).await;
        Ok(policy.judged(conclusion))
    }
}

fn recorded(held: Held) -> Option<Recording> {
    match held.state.phase {
        Phase::Waiting(waiting) => waiting.recording,
        // until the browser is back, nobody learns what came
        Phase::Ended(ended) if ended.awaits_return => None,
        Phase::Ended(ended) => ended.recording,
    }
}
