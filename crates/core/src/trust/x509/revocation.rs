//! Whether the certificates of a chain were revoked (RFC 5280 §6.3).

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Url;

use super::{
    ChainError, RevocationList, RevocationListError, RevocationLists, VerifiedChain,
    certificate::Certificate,
};
use crate::{Timestamp, crypto::CryptoProvider};

/// The most lists that are asked for on behalf of one certificate.
const MAX_POINTS: usize = 4;

/// How much the lists of revoked certificates count; a later one is stricter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationRule {
    /// They are not looked at: certificates are short-lived, or their authority publishes none.
    #[default]
    Ignored,
    /// A certificate on a list is refused; a list that cannot be had is not held against a certificate.
    /// Whoever can keep the list away can keep a revoked certificate alive.
    BestEffort,
    /// A certificate that says where its list is must not be on it, and without the list nobody can tell:
    /// [`ChainError::RevocationUnknown`]. A certificate that names no list passes.
    WherePublished,
    /// Every certificate must be covered by a list, or nobody can tell.
    Demanded,
}

/// Gets lists of revoked certificates, unread; the crate that may open sockets stands behind it.
///
/// It is asked only for chains that lead to a trust anchor.
#[async_trait]
pub trait RevocationListSource: Send + Sync {
    /// The bytes of the list at a distribution point.
    ///
    /// # Errors
    /// [`RevocationListUnavailable`].
    async fn list(&self, url: &Url) -> Result<Vec<u8>, RevocationListUnavailable>;
}

/// A source that has no list now.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the list of revoked certificates cannot be reached")]
pub struct RevocationListUnavailable;

/// Lists that were configured, by the distribution point that certificates name.
#[derive(Clone, Default)]
pub struct LocalRevocationLists {
    lists: BTreeMap<Url, Vec<u8>>,
}

impl LocalRevocationLists {
    /// Without any list.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more list, DER or PEM.
    #[must_use]
    pub fn with(mut self, url: Url, list: impl Into<Vec<u8>>) -> Self {
        self.lists.insert(url, list.into());
        self
    }
}

#[async_trait]
impl RevocationListSource for LocalRevocationLists {
    async fn list(&self, url: &Url) -> Result<Vec<u8>, RevocationListUnavailable> {
        self.lists.get(url).cloned().ok_or(RevocationListUnavailable)
    }
}

impl VerifiedChain {
    /// Holds the chain against lists that are at hand.
    ///
    /// # Errors
    /// [`ChainError::Revoked`], and [`ChainError::RevocationUnknown`] as far as the rule demands to know.
    pub fn judge_revocation(
        &self,
        lists: &[RevocationList],
        rule: RevocationRule,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<(), ChainError> {
        for (certificate, issuer) in self.issued() {
            let verdict = held_against(lists, certificate, issuer, now, provider);
            rule.judge(certificate, verdict)?;
        }
        Ok(())
    }

    /// Asks for the lists that the certificates name, and holds the chain against them.
    ///
    /// # Errors
    /// As [`VerifiedChain::judge_revocation`].
    pub async fn ask_revocation(
        &self,
        lists: &RevocationLists,
        rule: RevocationRule,
        now: Timestamp,
        provider: &dyn CryptoProvider,
    ) -> Result<(), ChainError> {
        if rule == RevocationRule::Ignored {
            return Ok(());
        }
        for (certificate, issuer) in self.issued() {
            let mut verdict = Err(RevocationListError::NoList);
            for point in certificate.distribution_points.iter().take(MAX_POINTS) {
                verdict = match Url::parse(point) {
                    Ok(url) => lists.lists(&url, (certificate, issuer), now, provider).await,
                    Err(_) => Err(RevocationListError::Unreachable),
                };
                // RFC 5280 §6.3.3: one list for all reasons is enough; another point may still have it
                if verdict.is_ok() {
                    break;
                }
            }
            rule.judge(certificate, verdict)?;
        }
        Ok(())
    }
}

/// Whether a certificate is on one of the lists; the error of the last that says nothing about it.
fn held_against(
    lists: &[RevocationList],
    certificate: &Certificate,
    issuer: &Certificate,
    now: Timestamp,
    provider: &dyn CryptoProvider,
) -> Result<bool, RevocationListError> {
    let mut verdict = Err(RevocationListError::NoList);
    for list in lists {
        match list.lists(certificate, issuer, now, provider) {
            Ok(true) => return Ok(true),
            Ok(false) => verdict = Ok(false),
            // lists of other issuers lie beside the one that counts
            Err(RevocationListError::ForeignIssuer | RevocationListError::NoList) => {}
            Err(error) if verdict.is_err() => verdict = Err(error),
            Err(_) => {}
        }
    }
    verdict
}

impl RevocationRule {
    fn judge(
        self,
        certificate: &Certificate,
        verdict: Result<bool, RevocationListError>,
    ) -> Result<(), ChainError> {
        let unknown = match verdict {
            Ok(true) if self != Self::Ignored => return Err(ChainError::Revoked),
            Ok(_) => return Ok(()),
            Err(error) => error,
        };
        match self {
            Self::Ignored | Self::BestEffort => Ok(()),
            Self::WherePublished if !certificate.names_lists => Ok(()),
            Self::WherePublished | Self::Demanded => Err(ChainError::RevocationUnknown(unknown)),
        }
    }
}

impl fmt::Debug for LocalRevocationLists {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "LocalRevocationLists({})", self.lists.len())
    }
}
