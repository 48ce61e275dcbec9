//! Who may log in, and what is known about them: ports, since every enterprise has its own answer.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use lanyard_core::json::Object;
use lanyard_oid4vci::{CredentialConfigurationId, issuer::HolderId};
use thiserror::Error;

/// Knows who may log in.
#[async_trait]
pub trait Logins: Send + Sync + fmt::Debug {
    /// Who this is, if name and password belong together; as slow for a name that nobody has.
    ///
    /// # Errors
    /// [`LoginUnavailable`] when nobody can tell now.
    async fn log_in(
        &self,
        name: &str,
        password: &str,
    ) -> Result<Option<HolderId>, LoginUnavailable>;
}

/// Knows what credentials say about a holder who logged in.
#[async_trait]
pub trait ClaimSource: Send + Sync + fmt::Debug {
    /// The claims of one credential; none when this holder is to have no such credential.
    ///
    /// # Errors
    /// [`LoginUnavailable`] when nobody can tell now.
    async fn claims(
        &self,
        holder: &HolderId,
        configuration: &CredentialConfigurationId,
    ) -> Result<Option<Object>, LoginUnavailable>;
}

/// Nobody can tell now; whoever implements the port logs why.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the directory of holders cannot be asked now")]
pub struct LoginUnavailable;

/// How the holders of a tenant log in.
#[derive(Clone, Debug)]
pub struct LoginSettings {
    /// The issuer's name for people.
    pub issuer_name: String,
    /// Who may log in.
    pub logins: Arc<dyn Logins>,
    /// What is known about them.
    pub claims: Arc<dyn ClaimSource>,
    /// Whether they are asked.
    pub consent: Consent,
}

/// Whether a holder is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consent {
    /// They log in and decide.
    Ask,
    /// For tests: whoever comes is this holder, and agrees to everything.
    DangerAlways(HolderId),
    /// For tests: whoever comes declines.
    DangerNever,
}
