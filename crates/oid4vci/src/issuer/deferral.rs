//! A credential that is not ready when it is asked for (OID4VCI 1.0 §9).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Authorized, HolderKey, Issuance, Issued, IssuedCredential, Issuer, Offered, Progress, Refused,
    authorized::{AwaitedClaims, Due},
    holder::holder_keys,
    kept_answer::KeptAnswer,
};
use crate::{
    TransactionId,
    credential::{CredentialError, CredentialRequest, CredentialResponse, Wanted},
    deferred::DeferredResponse,
};

/// After how many seconds a wallet asks again, where nothing better is known.
const INTERVAL: u64 = 5;

/// How long a deferred credential can be collected: what it says is true for so long at most.
const LIFE: SignedDuration = SignedDuration::from_hours(24);

/// Whether what was offered can be issued now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// At once.
    #[default]
    Ready,
    /// From this moment on.
    From(Timestamp),
    /// When the integrator says so.
    Undecided,
    /// Never: the integrator said no.
    Denied,
}

/// What an integrator decides about what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It can be issued.
    Release,
    /// It is not issued.
    Deny,
}

/// A credential whose keys were shown, and that is not ready.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeferredCredential {
    transaction: TransactionId,
    pub(super) due: Due,
    keys: Vec<Option<HolderKey>>,
    ends_at: Timestamp,
}

/// What became of a credential request.
#[derive(Debug)]
pub enum Accepted {
    /// The credential, what is recorded of it, and where the session goes.
    Issued(CredentialResponse, IssuedCredential, Progress),
    /// The answer that was given before, to a wallet that it may not have reached; nothing was signed for it,
    /// and the session is as it was.
    Repeated(CredentialResponse, Authorized),
    /// It is not ready: the wallet asks again with the transaction. Only the first time the session has
    /// changed.
    Deferred {
        /// For the wallet.
        response: DeferredResponse,
        /// Where the session goes, or stays.
        authorized: Authorized,
        /// Whether it has changed.
        is_new: bool,
    },
}

impl Readiness {
    pub(super) fn is_ready(self, now: Timestamp) -> bool {
        match self {
            Self::Ready => true,
            Self::From(moment) => now >= moment,
            Self::Undecided | Self::Denied => false,
        }
    }

    /// In whole seconds, so that a wallet that waits them finds it ready.
    fn interval(self, now: Timestamp) -> u64 {
        match self {
            Self::From(moment) => {
                let millis = now.duration_until(moment).as_millis().max(1);
                u64::try_from((millis + 999) / 1000).unwrap_or(INTERVAL).clamp(1, INTERVAL)
            }
            Self::Ready | Self::Undecided | Self::Denied => INTERVAL,
        }
    }
}

impl Authorized {
    pub(super) const fn ready(mut self, readiness: Readiness) -> Self {
        self.readiness = readiness;
        self
    }

    /// Whether something was asked for before it was ready.
    pub fn has_deferred(&self) -> bool {
        !self.deferred.is_empty()
    }

    /// The claims that have to be looked up before this can be collected, as [`Authorized::awaited_for`] has it.
    pub fn awaited_in(&self, transaction: &TransactionId, now: Timestamp) -> Option<AwaitedClaims> {
        let is_meant = |waiting: &&DeferredCredential| waiting.transaction == *transaction;
        self.awaited(&self.deferred.iter().find(is_meant)?.due, now)
    }

    /// From when on nothing that was deferred can be collected.
    pub(super) fn deferral_ends(&self) -> Option<Timestamp> {
        self.deferred.iter().map(|waiting| waiting.ends_at).max()
    }

    /// Issues one credential, or defers it if it is not ready; the keys are shown once, now.
    ///
    /// The same request again, when its answer was lost, gets the same transaction.
    ///
    /// # Errors
    /// One [`CredentialError`] per rule; the session is always left as it was.
    pub async fn accept_or_defer(
        self,
        request: CredentialRequest,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<Accepted, Refused<CredentialError, Self>> {
        let again = self.deferred.iter().position(|waiting| waiting.due.is(&request.wanted));
        let known = self.due_for(&request.wanted, issuer).is_ok_and(Due::is_known);
        if self.readiness.is_ready(now) && again.is_none() && known {
            let (response, issued, progress) = self.accept(request, issuer, now).await?;
            return Ok(Accepted::Issued(response, issued, progress));
        }
        match self.keys_to_wait_with(&request, again, issuer, now).await {
            Ok(keys) => Ok(self.defer(&request.wanted, again, keys, issuer, now)),
            Err(error) => Err(Refused::unchanged(error, self)),
        }
    }

    async fn keys_to_wait_with(
        &self,
        request: &CredentialRequest,
        again: Option<usize>,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<Vec<Option<HolderKey>>, CredentialError> {
        if now >= self.token_expires_at() {
            return Err(CredentialError::AccessTokenExpired);
        }
        if self.readiness == Readiness::Denied {
            return Err(CredentialError::Denied);
        }
        let due = match again {
            Some(place) => &self.deferred[place].due,
            None => self.due_for(&request.wanted, issuer)?,
        };
        if due.denied {
            return Err(CredentialError::Denied);
        }
        let configuration = issuer.configuration.credential(&due.configuration);
        let configuration = configuration.ok_or(CredentialError::UnknownConfiguration)?;
        let (proofs, client) = (request.proofs.as_ref(), self.client.as_ref());
        let keys = holder_keys(proofs, client, configuration, issuer, now).await?;
        let same = |keys: &[Option<HolderKey>], before: &[Option<HolderKey>]| {
            let key = |key: &Option<HolderKey>| key.as_ref().map(|key| key.jwk.key);
            keys.iter().map(key).eq(before.iter().map(key))
        };
        match again {
            // §9: what waits, waits for these keys and no others
            Some(place) if !same(&keys, &self.deferred[place].keys) => {
                Err(CredentialError::AlreadyIssued)
            }
            _ => Ok(keys),
        }
    }

    fn defer(
        mut self,
        wanted: &Wanted,
        again: Option<usize>,
        keys: Vec<Option<HolderKey>>,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Accepted {
        self.redeemed = None;
        let transaction = match again {
            Some(place) => self.deferred[place].transaction.clone(),
            None => {
                let transaction = TransactionId::generate(&*issuer.provider);
                if let Some(due) = self.take_due(wanted) {
                    let ends_at = now.checked_add(LIFE).unwrap_or(Timestamp::MAX);
                    let transaction = transaction.clone();
                    self.deferred.push(DeferredCredential { transaction, due, keys, ends_at });
                }
                transaction
            }
        };
        let interval = self.readiness.interval(now);
        Accepted::Deferred {
            response: DeferredResponse { transaction_id: transaction, interval },
            authorized: self,
            is_new: again.is_none(),
        }
    }

    /// Gives out a deferred credential, once, or says that it is not ready; what was given out is given again,
    /// the same, until the wallet tells what became of it or an hour has passed.
    ///
    /// The access token that the credential was asked for with opens this for as long as it waits,
    /// whatever life it had for new requests.
    ///
    /// # Errors
    /// One [`CredentialError`] per rule; the session is always left as it was.
    pub async fn collect(
        mut self,
        transaction: &TransactionId,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<Accepted, Refused<CredentialError, Self>> {
        let place = self
            .deferred
            .iter()
            .position(|waiting| waiting.transaction == *transaction && waiting.waits(now));
        let Some(place) = place else {
            return match again(&self.answers, transaction, issuer, now) {
                Ok(response) => Ok(Accepted::Repeated(response, self)),
                Err(error) => Err(Refused::unchanged(error, self)),
            };
        };
        if self.readiness == Readiness::Denied || self.deferred[place].due.denied {
            return Err(Refused::unchanged(CredentialError::Denied, self));
        }
        if !self.readiness.is_ready(now) || !self.deferred[place].due.is_known() {
            // §9.2: the same transaction until it is ready
            let interval = self.readiness.interval(now);
            let transaction_id = transaction.clone();
            let response = DeferredResponse { transaction_id, interval };
            return Ok(Accepted::Deferred { response, authorized: self, is_new: false });
        }
        let waiting = &self.deferred[place];
        let issued = self.issue_to(&waiting.due, &waiting.keys, issuer, now).await;
        let (response, issued) = match issued {
            Ok(done) => done,
            Err(error) => return Err(Refused::unchanged(error, self)),
        };
        self.deferred.remove(place);
        self.answers.retain(|answer| now < answer.ends_at());
        self.answers.push(KeptAnswer::new(transaction, &response, now, &*issuer.provider));
        let progress = self.after(&issued);
        Ok(Accepted::Issued(response, issued, progress))
    }
}

impl Issued {
    /// The answer that was given before, to a wallet that it may not have reached.
    ///
    /// # Errors
    /// [`CredentialError::TransactionUnknown`].
    pub fn repeat(
        &self,
        transaction: &TransactionId,
        issuer: &Issuer,
        now: Timestamp,
    ) -> Result<CredentialResponse, CredentialError> {
        again(&self.answers, transaction, issuer, now)
    }
}

fn again(
    answers: &[KeptAnswer],
    transaction: &TransactionId,
    issuer: &Issuer,
    now: Timestamp,
) -> Result<CredentialResponse, CredentialError> {
    let open = |answer: &KeptAnswer| answer.open(transaction, now, &*issuer.provider);
    // §9.3: used up, or never given out under this token
    answers.iter().find_map(open).ok_or(CredentialError::TransactionUnknown)
}

impl DeferredCredential {
    /// Whether it can still be collected.
    pub(super) fn waits(&self, now: Timestamp) -> bool {
        now < self.ends_at
    }
}

impl Issuance {
    /// What an integrator decided about what waits; nothing changes where nothing waits.
    #[must_use]
    pub fn decided(self, decision: Decision) -> Self {
        let readiness = match decision {
            Decision::Release => Readiness::Ready,
            Decision::Deny => Readiness::Denied,
        };
        match self {
            Self::Offered(offered) => Self::Offered(offered.ready(readiness)),
            Self::Authorized(authorized) => Self::Authorized(authorized.ready(readiness)),
            Self::Pushed(pushed) => Self::Pushed(pushed.ready(readiness)),
            Self::Authorizing(authorizing) => Self::Authorizing(authorizing.ready(readiness)),
            Self::Granted(granted) => Self::Granted(granted.ready(readiness)),
            Self::Issued(_) | Self::Ended(_) => self,
        }
    }

    /// Whether something waits for a decision or a moment.
    pub fn waits(&self, now: Timestamp) -> bool {
        let offered = |offered: Option<&Offered>| {
            offered.is_some_and(|offered| !offered.readiness().is_ready(now))
        };
        match self {
            Self::Offered(_) | Self::Pushed(_) | Self::Authorizing(_) => {
                offered(self.waiting_offer())
            }
            Self::Granted(granted) => !granted.readiness().is_ready(now),
            Self::Authorized(authorized) => !authorized.readiness.is_ready(now),
            Self::Issued(_) | Self::Ended(_) => false,
        }
    }
}
