//! Whether what was to be authorized was authorized (OID4VP 1.0 App. B.3.3).

use std::collections::HashSet;

use lanyard_core::{
    crypto::{CryptoProvider, HashAlgorithm},
    json::Object,
    verify::{VerifiedCredential, VerifiedCredentials},
};
use thiserror::Error;

use super::exchange::Verified;
use crate::{
    dcql::CredentialQuery,
    transaction::{HASHES, HASHES_ALGORITHM, TransactionData},
};

/// Why the transactions of a request were not authorized; one variant per rule.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum TransactionFault {
    /// What was to be authorized cannot be read any more.
    #[error("the transactions of the request cannot be read")]
    Unreadable,
    /// A transaction that no key binding is over.
    #[error("the holder did not authorize the transaction")]
    NotAuthorized,
    /// A hash of something that was not asked for with this credential.
    #[error("the key binding is over a transaction that was not asked for with this credential")]
    NotAskedFor,
    /// OID4VP 1.0 §5.1: a transaction is authorized by one credential, once.
    #[error("the holder authorized a transaction more than once")]
    Twice,
    /// `transaction_data_hashes` is not a non-empty array of texts.
    #[error("the hashes of the transactions cannot be read")]
    Malformed,
    /// `transaction_data_hashes_alg` is missing, unknown, or none of those on offer.
    #[error("the hash algorithm of the transactions is not one that was asked for")]
    Algorithm,
}

impl TransactionFault {
    /// The stable reason code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "transactions_unreadable",
            Self::NotAuthorized => "transaction_not_authorized",
            Self::NotAskedFor => "transaction_not_asked_for",
            Self::Twice => "transaction_authorized_twice",
            Self::Malformed => "transaction_hashes_malformed",
            Self::Algorithm => "transaction_hash_algorithm",
        }
    }
}

/// What was authorized by each of the presentations, as places in the transactions.
///
/// # Errors
/// One [`TransactionFault`] per rule, with the place of the presentation it concerns.
pub(super) fn authorized(
    transactions: &[TransactionData],
    presented: &[Verified<'_>],
    provider: &dyn CryptoProvider,
) -> Result<Vec<Vec<usize>>, (Option<usize>, TransactionFault)> {
    let mut by_presentation = Vec::with_capacity(presented.len());
    let mut authorized = HashSet::new();
    for (place, (query, presentation, _)) in presented.iter().enumerate() {
        let claims = key_binding(presentation);
        let found =
            claims.map_or(Ok(Vec::new()), |claims| read(transactions, query, claims, provider));
        let found = found.map_err(|fault| (Some(place), fault))?;
        // OID4VP 1.0 §5.1: each with one of the credentials that may
        if !found.iter().all(|transaction| authorized.insert(*transaction)) {
            return Err((Some(place), TransactionFault::Twice));
        }
        by_presentation.push(found);
    }
    // each transaction by some credential that may authorize it
    for (place, transaction) in transactions.iter().enumerate() {
        if !authorized.contains(&place) {
            let ids = transaction.credential_ids();
            let blamed = presented.iter().position(|(query, ..)| ids.contains(&query.id));
            return Err((blamed, TransactionFault::NotAuthorized));
        }
    }
    Ok(by_presentation)
}

fn key_binding(presentation: &VerifiedCredentials) -> Option<&Object> {
    match presentation.credentials() {
        [VerifiedCredential::SdJwtVc(credential)] => {
            credential.key_binding().map(|binding| binding.claims())
        }
        _ => None,
    }
}

fn read(
    transactions: &[TransactionData],
    query: &CredentialQuery,
    claims: &Object,
    provider: &dyn CryptoProvider,
) -> Result<Vec<usize>, TransactionFault> {
    let Some(hashes) = claims.get(HASHES) else { return Ok(Vec::new()) };
    let hashes = hashes.as_array().filter(|hashes| !hashes.is_empty());
    let hashes = hashes.ok_or(TransactionFault::Malformed)?;
    let algorithm = match claims.get(HASHES_ALGORITHM) {
        None => None,
        Some(name) => {
            let known = name.as_str().and_then(HashAlgorithm::from_name);
            Some(known.ok_or(TransactionFault::Algorithm)?)
        }
    };
    let mut found = Vec::new();
    for hash in hashes {
        let hash = hash.as_str().ok_or(TransactionFault::Malformed)?;
        let used = algorithm.unwrap_or_default();
        let own = |one: &TransactionData| {
            one.credential_ids().contains(&query.id) && one.hash(used, provider) == hash
        };
        let place = transactions.iter().position(own).ok_or(TransactionFault::NotAskedFor)?;
        let asked = &transactions[place];
        // App. B.3.3: one of those that were on offer, and named if any were
        if !asked.takes(used) || (asked.names_algorithms() && algorithm.is_none()) {
            return Err(TransactionFault::Algorithm);
        }
        found.push(place);
    }
    Ok(found)
}
