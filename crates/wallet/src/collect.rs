//! Collecting what issuers deferred (OID4VCI 1.0 §9): from the database, so that a restart loses nothing.

use jiff::SignedDuration;
use lanyard_core::{Timestamp, crypto::PublicKey};
use lanyard_fetch::Purpose;
use lanyard_oid4vci::{notification::NotificationEvent, wallet::CredentialRefused};

use crate::{
    IssuanceError, Wallet,
    history::Event,
    http::{incoming, retry_after},
    ports::KeyHandle,
    receive::Source,
    storage::{CardId, StorageError, Waiting, WaitingId},
    wallet::Party,
};

/// How long after a failure to reach the issuer it is asked again, in seconds.
const AFTER_FAILURE: u64 = 30;

/// The longest that an issuer can have a wallet wait between two requests, in seconds.
const LONGEST: u64 = 86_400;

/// The moment so many seconds from now.
pub(crate) fn after(now: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds.clamp(1, LONGEST)).unwrap_or(5);
    now.checked_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

impl Wallet {
    /// Everything that issuers have deferred and that is not there yet, the oldest first.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn waiting(&self) -> Result<Vec<(WaitingId, Waiting)>, StorageError> {
        self.0.storage.waiting()
    }

    /// Asks again for everything whose time has come; call it when the app opens and at
    /// [`Waiting::next_at`]. Gives back the cards that came.
    ///
    /// What fails for good is in the history and is waited for no longer; what fails for now is asked for
    /// again later.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn collect(&self) -> Result<Vec<CardId>, StorageError> {
        let mut came = Vec::new();
        for (id, waiting) in self.0.storage.waiting()? {
            let now = self.0.ports.clock.now();
            if now < waiting.next_at {
                continue;
            }
            match self.collect_one(id, &waiting).await {
                Ok(None) => {}
                Ok(Some(card)) => {
                    let names = vec![waiting.face.name.clone()];
                    self.record(Event::Received, party(&waiting), names, Vec::new());
                    came.push(card);
                }
                Err(failed) => self.wait_or_stop(id, waiting, failed, now).await?,
            }
        }
        Ok(came)
    }

    /// Waits no longer for a credential; true when it was waited for.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn stop_waiting(&self, id: WaitingId) -> Result<bool, StorageError> {
        let waiting = self.0.storage.waiting()?.into_iter().find(|(own, _)| *own == id);
        let Some((id, waiting)) = waiting else { return Ok(false) };
        self.0.storage.forget_waiting(id)?;
        let names = vec![waiting.face.name.clone()];
        self.record(Event::OfferDeclined, party(&waiting), names, Vec::new());
        // a key that cannot be deleted now stays behind, useless
        let _ = self.0.ports.keys.delete(&waiting.keys).await;
        self.drop_token_key(&waiting).await;
        Ok(true)
    }

    /// The card that came; none where the holder stopped waiting while it was on its way.
    async fn collect_one(
        &self,
        id: WaitingId,
        waiting: &Waiting,
    ) -> Result<Option<CardId>, NotCollected> {
        let inner = &self.0;
        // before anything is asked for: who stops waiting meanwhile deletes them
        let mut keys: Vec<(KeyHandle, PublicKey)> = Vec::with_capacity(waiting.keys.len());
        for handle in &waiting.keys {
            let signer = inner.ports.keys.signer(handle).await?;
            keys.push((handle.clone(), *signer.public_key()));
        }
        let prover = self.prover(waiting.token_key.as_ref()).await?;
        let deferred = waiting.deferred.clone().proven_by(prover);
        let pending = deferred.request(inner.ports.crypto.as_ref())?;
        let response = self.send(pending.request(), Purpose::Credential).await?;
        let now = inner.ports.clock.now();
        let received = pending.receive_all(incoming(&response), &inner.issuers, now).await;
        let received = match received {
            Ok(received) => received,
            Err(error) => {
                let id = pending.notification_of(incoming(&response), inner.ports.crypto.as_ref());
                if let Some(id) = id {
                    let event = NotificationEvent::CredentialFailure;
                    self.tell(deferred.notification(&id, event)).await;
                }
                let wait = retry_after(&response, now);
                return Err(NotCollected { error: error.into(), wait });
            }
        };
        let pictures = self.pictures(&waiting.face, waiting.replaces).await;
        let source = Source {
            issuer: &waiting.issuer,
            issuer_name: waiting.issuer_name.as_deref(),
            configuration: waiting.deferred.configuration().as_str(),
            face: waiting.face.with(&pictures),
        };
        let (content, copies) = self.card_of(source, &keys, &received.credentials)?;
        let (old, storage) = (waiting.replaces, &inner.storage);
        let stored = storage.insert_awaited(id, old, &content, &copies, &pictures)?;
        let Some((card, old_keys)) = stored else {
            // OID4VCI 1.0 §11.1: the holder ended it, and the issuer learns that nothing was kept
            if let Some(notification) = &received.notification {
                let event = NotificationEvent::CredentialDeleted;
                self.tell(deferred.notification(notification, event)).await;
            }
            return Ok(None);
        };
        // keys that cannot be deleted now stay behind, useless
        let _ = inner.ports.keys.delete(&old_keys).await;
        self.drop_spare(&keys, &received.credentials).await;
        if let Some(notification) = &received.notification {
            let event = NotificationEvent::CredentialAccepted;
            self.tell(deferred.notification(notification, event)).await;
        }
        self.drop_token_key(waiting).await;
        Ok(Some(card))
    }

    /// The token was for this alone; a key that cannot be deleted now stays behind, useless.
    async fn drop_token_key(&self, waiting: &Waiting) {
        self.drop_token_keys(waiting.token_key.as_slice()).await;
    }

    async fn wait_or_stop(
        &self,
        id: WaitingId,
        mut waiting: Waiting,
        NotCollected { error, wait }: NotCollected,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        let again = match &error {
            // §9.2: not ready; the interval is what the issuer says now
            IssuanceError::Credential(CredentialRefused::Deferred(later)) => Some(later.interval),
            // RFC 6585 §4, RFC 9110 §15.6.4: whoever is overloaded says when to come again
            error if error.may_pass() => Some(wait.unwrap_or(AFTER_FAILURE)),
            _ => None,
        };
        if let Some(seconds) = again {
            waiting.next_at = after(now, seconds);
            return self.0.storage.wait_on(id, &waiting);
        }
        self.record_failure(&error, party(&waiting), vec![waiting.face.name.clone()]);
        self.0.storage.forget_waiting(id)?;
        // a key that cannot be deleted now stays behind, useless
        let _ = self.0.ports.keys.delete(&waiting.keys).await;
        self.drop_token_key(&waiting).await;
        Ok(())
    }
}

/// Why nothing was collected, and how many seconds the issuer asks to wait.
struct NotCollected {
    error: IssuanceError,
    wait: Option<u64>,
}

impl<E: Into<IssuanceError>> From<E> for NotCollected {
    fn from(error: E) -> Self {
        Self { error: error.into(), wait: None }
    }
}

fn party(waiting: &Waiting) -> Party {
    Party::new(waiting.issuer.clone(), waiting.issuer_name.clone())
}
