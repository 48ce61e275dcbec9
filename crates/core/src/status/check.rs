//! Asking for the status of a credential: the port, and the road through lists that are fetched.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use thiserror::Error;

use super::{
    Status, StatusListUri, StatusReference,
    kept::{Kept, KeptLists, Key},
    token_status_list::{Freshness, StatusListError, UnverifiedStatusList, VerifiedStatusList},
};
use crate::{
    Timestamp,
    credential::CredentialType,
    crypto::CryptoProvider,
    trust::{IssuerError, IssuerIdentifier, IssuerIdentity, IssuerKeys},
};

/// A question about one credential that passed every other check.
#[derive(Clone, Copy, Debug)]
pub struct StatusQuestion<'q> {
    /// Where its status is kept.
    pub reference: &'q StatusReference,
    /// Who issued it.
    pub issuer: &'q IssuerIdentity,
    /// The types it is of.
    pub types: &'q [CredentialType],
    /// The moment to judge at.
    pub now: Timestamp,
}

/// Says what became of a credential.
#[async_trait]
pub trait StatusCheck: Send + Sync {
    /// The status of a credential now.
    ///
    /// # Errors
    /// [`StatusError`] when nobody can tell, or when the list refuses the credential.
    async fn status(&self, question: &StatusQuestion<'_>) -> Result<Status, StatusError>;
}

/// Why there is no status.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StatusError {
    /// The credential refers to its status in a way that is unknown here.
    #[error("the credential's status is kept in a way that is unknown here")]
    UnknownMechanism,
    /// The list cannot be had.
    #[error(transparent)]
    Unavailable(#[from] StatusListUnavailable),
    /// The list is refused, or refuses the credential.
    #[error(transparent)]
    List(#[from] StatusListError),
    /// Whoever signed the list is not trusted for the credential's type.
    #[error("the status list is by an issuer that is refused: {0}")]
    Issuer(IssuerError),
}

impl StatusError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownMechanism => "status_unknown",
            Self::Unavailable(_) => "status_list_unreachable",
            Self::List(error) => error.code(),
            Self::Issuer(_) => "status_list_issuer_refused",
        }
    }

    /// Whether another list may say something else; only an index beyond the list is final.
    pub const fn is_undetermined(&self) -> bool {
        // Token Status List §8.3(5): an index that is out of bounds refuses the token
        !matches!(self, Self::List(StatusListError::IndexOutOfRange))
    }
}

/// Gets status lists from wherever they are published.
#[async_trait]
pub trait StatusListSource: Send + Sync {
    /// What is published under a URI, at most a few MiB of it.
    ///
    /// Need not keep anything but for simultaneous questions: verified lists are kept here, for as long
    /// as they say themselves.
    ///
    /// # Errors
    /// [`StatusListUnavailable`], whatever went wrong.
    async fn list(&self, uri: &StatusListUri)
    -> Result<PublishedStatusList, StatusListUnavailable>;
}

/// What is published under the URI of a status list; nothing in it is trusted.
#[derive(Clone, Debug)]
pub struct PublishedStatusList {
    /// Its media type, without parameters.
    pub media_type: String,
    /// The token.
    pub bytes: Vec<u8>,
}

/// The list could not be had; whoever implements the port logs why.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the status list is unreachable")]
pub struct StatusListUnavailable;

/// Looks statuses up in Token Status Lists, and keeps the lists it verified.
///
/// A list that is kept and fresh answers without fetching or cryptography. Where a new copy cannot be
/// had, the kept one speaks until its `exp`, and never beyond.
pub struct StatusChecker {
    keys: IssuerKeys,
    source: Arc<dyn StatusListSource>,
    freshness: Freshness,
    kept: KeptLists,
}

impl StatusChecker {
    /// Believes lists by these issuers, for the types of credential they are trusted for.
    pub fn new(keys: IssuerKeys, source: Arc<dyn StatusListSource>) -> Self {
        Self { keys, source, freshness: Freshness::default(), kept: KeptLists::default() }
    }

    /// With other bounds on how long a copy is kept.
    #[must_use]
    pub const fn with_freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = freshness;
        self
    }

    async fn fetch(
        &self,
        uri: &StatusListUri,
        referring: Option<&IssuerIdentifier>,
        question: &StatusQuestion<'_>,
    ) -> Result<VerifiedStatusList, StatusError> {
        let published = self.source.list(uri).await?;
        let list = UnverifiedStatusList::parse(&published.media_type, &published.bytes)?;
        let claimed = list.claimed_issuer(referring, question.types);
        // Token Status List §11.3: who signs the list is trusted like who signs the credential
        let key = self.keys.find(&claimed, question.now).await.map_err(StatusError::Issuer)?;
        let provider: &dyn CryptoProvider = self.keys.provider();
        Ok(list.verify(key.key(), uri, question.now, provider)?)
    }
}

#[async_trait]
impl StatusCheck for StatusChecker {
    async fn status(&self, question: &StatusQuestion<'_>) -> Result<Status, StatusError> {
        let StatusReference::TokenStatusList { index, uri } = question.reference else {
            return Err(StatusError::UnknownMechanism);
        };
        let referring = vouched_for(question.issuer);
        let key = Key::new(uri, referring.as_ref(), question.types);
        let kept = self.kept.find(&key);
        if let Some(kept) = kept.as_ref().filter(|kept| question.now < kept.fresh_until) {
            return Ok(kept.list.status(*index)?);
        }
        match (self.fetch(uri, referring.as_ref(), question).await, kept) {
            (Ok(list), _) => {
                let status = list.status(*index);
                let fresh_until = list.fresh_until(question.now, &self.freshness);
                self.kept.keep(key, Kept { list, fresh_until });
                Ok(status?)
            }
            // Token Status List §8.3: ttl asks for a new copy, exp alone ends what the old one says
            (Err(_), Some(kept)) if kept.list.speaks_beyond_ttl(question.now) => {
                Ok(kept.list.status(*index)?)
            }
            (Err(error), _) => Err(error),
        }
    }
}

/// The issuer whom a list without `iss` claims to be by; with a certificate it is the list's own subject.
fn vouched_for(issuer: &IssuerIdentity) -> Option<IssuerIdentifier> {
    match issuer {
        IssuerIdentity::Certificate { .. } => None,
        IssuerIdentity::Did(did) => IssuerIdentifier::parse(did.as_str()).ok(),
        IssuerIdentity::Identifier(issuer) => Some(issuer.clone()),
    }
}

impl fmt::Debug for StatusChecker {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "StatusChecker({:?})", self.keys)
    }
}
