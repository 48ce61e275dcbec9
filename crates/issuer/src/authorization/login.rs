//! Who may log in, and what is known about them: ports, since every enterprise has its own answer.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use lanyard_core::json::Object;
use lanyard_oid4vci::{
    CredentialConfigurationId,
    issuer::{FoundClaims, HolderId},
};
use thiserror::Error;

use crate::{OidcProvider, OtherAuthorizationServer};

/// Knows who may log in.
#[async_trait]
pub trait Logins: Send + Sync + fmt::Debug {
    /// The holder, if name and password match; takes as long for an unknown name.
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
        holder: AskedHolder<'_>,
        configuration: &CredentialConfigurationId,
    ) -> Result<Option<FoundClaims>, LoginUnavailable>;
}

/// The holder that claims are wanted about.
#[derive(Clone, Copy)]
pub struct AskedHolder<'h> {
    /// Who it is.
    pub id: &'h HolderId,
    /// What a login provider told about them, at this login and for this once.
    pub profile: Option<&'h Object>,
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
    /// Where they do.
    pub ways: LoginWays,
    /// What is known about them.
    pub claims: Arc<dyn ClaimSource>,
    /// Whether they are asked.
    pub consent: Consent,
}

/// Where holders log in.
#[derive(Clone, Debug)]
pub enum LoginWays {
    /// Here, by name and password.
    Passwords(Arc<dyn Logins>),
    /// At a login provider.
    Upstream(Arc<OidcProvider>),
    /// As they like.
    Either(Arc<dyn Logins>, Arc<OidcProvider>),
    /// At an authorization server of somebody else, which gives out the access tokens too.
    Elsewhere(Arc<OtherAuthorizationServer>),
}

impl LoginWays {
    /// Who may log in here.
    pub(crate) fn logins(&self) -> Option<&dyn Logins> {
        match self {
            Self::Passwords(logins) | Self::Either(logins, _) => Some(&**logins),
            Self::Upstream(_) | Self::Elsewhere(_) => None,
        }
    }

    /// The authorization server of somebody else.
    pub(crate) fn elsewhere(&self) -> Option<&OtherAuthorizationServer> {
        match self {
            Self::Elsewhere(server) => Some(server),
            _ => None,
        }
    }

    /// The login provider.
    pub(crate) fn upstream(&self) -> Option<&OidcProvider> {
        match self {
            Self::Upstream(provider) | Self::Either(_, provider) => Some(provider),
            Self::Passwords(_) | Self::Elsewhere(_) => None,
        }
    }
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

/// What is known about a holder is nobody's business.
impl fmt::Debug for AskedHolder<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("AskedHolder")
    }
}
