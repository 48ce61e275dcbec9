//! Asking for the status of a credential: the port, and the road through lists that are fetched.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
};

use async_trait::async_trait;
use jiff::SignedDuration;
use thiserror::Error;

use super::{
    Freshness, Status, StatusListUri, StatusMechanism, StatusReading, StatusReference,
    bitstring_status_list::{
        BitstringError, ListCredentialError, StatusEntry, UnverifiedListCredential,
    },
    kept::{Kept, KeptLists, Key, VerifiedList},
    token_status_list::{
        MEDIA_TYPE_CWT, SharedLists, StatusListAggregation, StatusListError, UnverifiedStatusList,
    },
};
use crate::{
    Timestamp,
    credential::CredentialType,
    crypto::CryptoProvider,
    trust::{IssuerError, IssuerIdentifier, IssuerIdentity, IssuerKeys},
};

/// The most lists that are fetched ahead because one list names them.
const MAX_AGGREGATED: usize = 64;

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
    /// A list made earlier is of no use: a kept one is fetched again, if a newer one can be had.
    pub not_before: Option<Timestamp>,
}

/// Says what became of a credential.
#[async_trait]
pub trait StatusCheck: Send + Sync {
    /// The status of a credential now.
    ///
    /// # Errors
    /// [`StatusError`] when nobody can tell, or when the list refuses the credential.
    async fn status(&self, question: &StatusQuestion<'_>) -> Result<StatusReading, StatusError>;
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
    /// The Bitstring Status List, or the entry that refers to it, is refused, or refuses the credential.
    #[error(transparent)]
    Bitstring(#[from] ListCredentialError),
    /// Whoever signed the list is not trusted for the credential's type.
    #[error("the status list is by an issuer that is refused: {0}")]
    Issuer(IssuerError),
}

impl From<BitstringError> for StatusError {
    fn from(error: BitstringError) -> Self {
        Self::Bitstring(error.into())
    }
}

impl StatusError {
    /// The stable reason code, for operators.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownMechanism => "status_unknown",
            Self::Unavailable(_) => "status_list_unreachable",
            Self::List(error) => error.code(),
            Self::Bitstring(error) => error.code(),
            Self::Issuer(_) => "status_list_issuer_refused",
        }
    }

    /// Whether another list may say something else; only what the credential itself says wrong is final.
    pub const fn is_undetermined(&self) -> bool {
        match self {
            // Token Status List §8.3(5): an index that is out of bounds refuses the token
            Self::List(StatusListError::IndexOutOfRange) => false,
            // Bitstring Status List §3.2: an entry that its list does not answer
            Self::Bitstring(ListCredentialError::List(
                BitstringError::IndexOutOfRange | BitstringError::PurposeMismatch,
            )) => false,
            _ => true,
        }
    }

    /// The error that the Bitstring Status List specification names (§3.5), for whoever speaks of W3C
    /// credentials.
    pub const fn problem(&self) -> &'static str {
        match self {
            Self::Bitstring(error) => error.problem(),
            Self::Unavailable(_) | Self::UnknownMechanism => "STATUS_RETRIEVAL_ERROR",
            Self::List(_) | Self::Issuer(_) => "STATUS_VERIFICATION_ERROR",
        }
    }
}

/// Gets status lists from wherever they are published.
#[async_trait]
pub trait StatusListSource: Send + Sync {
    /// What is published under a URI for this mechanism, no more than [`MAX_TOKEN`](super::MAX_TOKEN).
    ///
    /// Need not keep anything but for simultaneous questions: verified lists are kept here, for as long
    /// as they say themselves.
    ///
    /// # Errors
    /// [`StatusListUnavailable`], whatever went wrong.
    async fn list(
        &self,
        uri: &StatusListUri,
        mechanism: StatusMechanism,
    ) -> Result<PublishedStatusList, StatusListUnavailable>;

    /// The list of all lists of an issuer, to fetch them ahead (Token Status List §9).
    ///
    /// # Errors
    /// [`StatusListUnavailable`], whatever went wrong.
    async fn aggregation(
        &self,
        uri: &StatusListUri,
    ) -> Result<StatusListAggregation, StatusListUnavailable>;
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

/// Looks statuses up in Token Status Lists and Bitstring Status Lists, and keeps the lists it verified.
///
/// A list that is kept and fresh answers without fetching or cryptography. Where a new copy cannot be
/// had, the kept one speaks until its `exp` or `validUntil`, and never beyond.
pub struct StatusChecker {
    keys: IssuerKeys,
    source: Arc<dyn StatusListSource>,
    freshness: Freshness,
    kept: KeptLists,
    shared: SharedLists,
}

impl StatusChecker {
    /// Believes lists by these issuers, for the types of credential they are trusted for.
    pub fn new(keys: IssuerKeys, source: Arc<dyn StatusListSource>) -> Self {
        let (freshness, kept) = (Freshness::default(), KeptLists::default());
        Self { keys, source, freshness, kept, shared: SharedLists::default() }
    }

    /// Holds what Token Status Lists say together with other checkers: each trusts whom it trusts, and the list is
    /// decompressed, and in memory, once.
    #[must_use]
    pub fn sharing(mut self, lists: SharedLists) -> Self {
        self.shared = lists;
        self
    }

    /// With other bounds on how long a copy is kept.
    #[must_use]
    pub const fn with_freshness(mut self, freshness: Freshness) -> Self {
        self.freshness = freshness;
        self
    }

    /// Fetches ahead: every list that goes stale within this span and that a credential asked for in the
    /// last day, and beside it the other lists of its issuer, where it says where they are. Gives how many
    /// could be had.
    ///
    /// Whoever looks at a credential later asks nobody then, so that nobody learns when and where it was
    /// shown (Token Status List §9, §12.4).
    pub async fn refresh(&self, now: Timestamp, ahead: SignedDuration) -> usize {
        let mut had = 0;
        for (key, asked_at) in self.wanted(now, ahead).await {
            had += usize::from(self.renew(key, asked_at, now).await.is_ok());
        }
        had
    }

    /// The lists to fetch ahead, each once, and when somebody last asked for one of them.
    async fn wanted(&self, now: Timestamp, ahead: SignedDuration) -> HashMap<Key, Timestamp> {
        let due = self.kept.due(now, ahead);
        let mut wanted = HashMap::new();
        let mut aggregations = HashSet::new();
        for (key, kept) in &due {
            let Some(uri) = kept.list.aggregation() else { continue };
            if !aggregations.insert((uri, &key.referring, &key.types)) {
                continue;
            }
            // nobody has signed it, so it says only where to look: every list in it is verified
            let Ok(all) = self.source.aggregation(uri).await else { continue };
            for uri in all.lists.into_iter().take(MAX_AGGREGATED) {
                let beside = key.beside(uri);
                if self.kept.find(&beside).is_none() {
                    wanted.insert(beside, kept.asked_at());
                }
            }
        }
        wanted.extend(due.iter().map(|(key, kept)| (key.clone(), kept.asked_at())));
        wanted
    }

    /// The list that speaks now: a kept one that is fresh, a new copy, or a kept one that has not ended.
    async fn list(
        &self,
        mechanism: StatusMechanism,
        uri: &StatusListUri,
        question: &StatusQuestion<'_>,
    ) -> Result<Arc<Kept>, StatusError> {
        // a Bitstring Status List always says who issued it
        let referring = match mechanism {
            StatusMechanism::TokenStatusList => vouched_for(question.issuer),
            StatusMechanism::BitstringStatusList => None,
        };
        let key = Key::new(mechanism, uri, referring.as_ref(), question.types);
        let now = question.now;
        let kept = self.kept.find(&key);
        let is_since = |kept: &Kept, moment| {
            kept.list.read(uri).issued_at.is_some_and(|issued_at| issued_at >= moment)
        };
        let is_fresh = |kept: &&Arc<Kept>| {
            now < kept.fresh_until
                && question.not_before.is_none_or(|moment| is_since(kept, moment))
        };
        if let Some(kept) = &kept {
            kept.was_asked_for(now);
        }
        if let Some(kept) = kept.as_ref().filter(is_fresh) {
            return Ok(Arc::clone(kept));
        }
        let renewed = match self.source.list(uri, mechanism).await {
            // whoever asked at the same moment got the same copy, and may have verified it meanwhile
            Ok(published) => match self.kept.find(&key).filter(|kept| is_fresh(&kept)) {
                Some(kept) => return Ok(kept),
                None => self.keep_verified(key, published, now, now).await,
            },
            Err(unavailable) => Err(unavailable.into()),
        };
        match (renewed, kept) {
            (Ok(list), _) => Ok(list),
            // Token Status List §8.3: ttl asks for a new copy, exp alone ends what the old one says
            (Err(_), Some(kept)) if kept.list.speaks_beyond_ttl(now) => Ok(kept),
            (Err(error), _) => Err(error),
        }
    }

    /// A new copy, which is kept from now on.
    async fn renew(
        &self,
        key: Key,
        asked_at: Timestamp,
        now: Timestamp,
    ) -> Result<Arc<Kept>, StatusError> {
        let published = self.source.list(&key.uri, key.mechanism).await?;
        self.keep_verified(key, published, asked_at, now).await
    }

    async fn keep_verified(
        &self,
        key: Key,
        published: PublishedStatusList,
        asked_at: Timestamp,
        now: Timestamp,
    ) -> Result<Arc<Kept>, StatusError> {
        let list = self.verify(&key, published, now).await?;
        let fresh_until = list.fresh_until(now, &self.freshness);
        let kept = Arc::new(Kept::new(list, fresh_until, asked_at));
        self.kept.keep(key, Arc::clone(&kept), now);
        Ok(kept)
    }

    async fn verify(
        &self,
        key: &Key,
        PublishedStatusList { media_type, bytes }: PublishedStatusList,
        now: Timestamp,
    ) -> Result<VerifiedList, StatusError> {
        let Key { mechanism, uri, referring, types } = key;
        match mechanism {
            StatusMechanism::TokenStatusList => {
                // SD-JWT VC §2.2.2.2: the list that an SD-JWT VC refers to is a JWT
                if media_type == MEDIA_TYPE_CWT && types.iter().any(CredentialType::is_vct) {
                    return Err(StatusListError::MediaType.into());
                }
                let list = UnverifiedStatusList::parse(&media_type, &bytes)?.sharing(&self.shared);
                let claimed = list.claimed_issuer(referring.as_ref(), types);
                // Token Status List §11.3: who signs the list is trusted like who signs the credential
                let key = self.keys.find(&claimed, now).await.map_err(StatusError::Issuer)?;
                let provider: &dyn CryptoProvider = self.keys.provider();
                Ok(VerifiedList::Token(list.verify(key.key(), uri, now, provider)?))
            }
            StatusMechanism::BitstringStatusList => {
                let list = UnverifiedListCredential::parse(&media_type, &bytes)?;
                let list = list.verify(uri, types, &self.keys, now).await?;
                Ok(VerifiedList::Bitstring(list))
            }
        }
    }

    async fn token_status(
        &self,
        (index, uri): (u64, &StatusListUri),
        question: &StatusQuestion<'_>,
    ) -> Result<StatusReading, StatusError> {
        let kept = self.list(StatusMechanism::TokenStatusList, uri, question).await?;
        match &kept.list {
            VerifiedList::Token(list) => {
                Ok(StatusReading { status: list.status(index)?, lists: vec![kept.list.read(uri)] })
            }
            VerifiedList::Bitstring(_) => Err(StatusError::UnknownMechanism),
        }
    }

    async fn entry_status(
        &self,
        entry: &StatusEntry,
        question: &StatusQuestion<'_>,
    ) -> Result<StatusReading, StatusError> {
        let mechanism = StatusMechanism::BitstringStatusList;
        let kept = self.list(mechanism, entry.list(), question).await?;
        match &kept.list {
            VerifiedList::Bitstring(list) => Ok(StatusReading {
                status: list.look_up(entry)?.status(),
                lists: vec![kept.list.read(entry.list())],
            }),
            VerifiedList::Token(_) => Err(StatusError::UnknownMechanism),
        }
    }
}

#[async_trait]
impl StatusCheck for StatusChecker {
    async fn status(&self, question: &StatusQuestion<'_>) -> Result<StatusReading, StatusError> {
        match question.reference {
            StatusReference::TokenStatusList { index, uri } => {
                self.token_status((*index, uri), question).await
            }
            StatusReference::Bitstring(entries) => {
                let mut worst = Ok(Status::Valid);
                let mut lists = Vec::new();
                for entry in entries {
                    let status = self.entry_status(entry, question).await.map(|reading| {
                        lists.extend(reading.lists);
                        reading.status
                    });
                    if severity(&status) > severity(&worst) {
                        worst = status;
                    }
                    // nothing goes before that, so no further list is asked for
                    if worst == Ok(Status::Invalid) {
                        break;
                    }
                }
                worst.map(|status| StatusReading { status, lists })
            }
            StatusReference::Unknown => Err(StatusError::UnknownMechanism),
        }
    }
}

/// How much an answer says against a credential: what is final goes before what nobody can tell.
const fn severity(status: &Result<Status, StatusError>) -> u8 {
    match status {
        Ok(Status::Valid) => 0,
        Err(error) if error.is_undetermined() => 1,
        Ok(Status::ApplicationSpecific(_) | Status::Unassigned(_)) => 2,
        Ok(Status::Suspended) => 3,
        Err(_) => 4,
        Ok(Status::Invalid) => 5,
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
