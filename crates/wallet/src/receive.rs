//! Receiving what was granted: keys, nonce, proofs, request, verification, storage.

use std::sync::Arc;

use async_trait::async_trait;
use lanyard_core::{
    crypto::{PublicKey, Signer, SignerError},
    trust::IssuerIdentity,
};
use lanyard_fetch::Purpose;
use lanyard_oid4vci::{
    notification::NotificationEvent,
    wallet::{
        CredentialRefused, DeferredCredential, Granted, OutgoingRequest, Received,
        ReceivedCredential, Showing, SignsAtOnce,
    },
};

use crate::{
    Wallet, collect,
    face::Face,
    http::incoming,
    issuance::{IssuanceError, OfferedCard, Review},
    login::Pending,
    ports::{KeyHandle, KeyStore},
    proven::MOST_NONCES,
    status,
    storage::{CardId, Copy, NewCard, StorageError, Waiting},
};

impl Wallet {
    /// One credential of the offer: keys, nonce, proofs, request, verification, storage.
    pub(crate) async fn receive(
        &self,
        granted: &Granted,
        review: &Review,
        card: &OfferedCard,
        context: &Context<'_>,
    ) -> Result<Option<CardId>, IssuanceError> {
        let count = granted.most_keys(&card.configuration).min(self.0.settings.copies.max(1));
        let handles = self.0.ports.keys.generate(count).await?;
        let stored = self.receive_for(granted, review, card, &handles, context).await;
        if stored.is_err() {
            // keys that no credential came for; one that cannot be deleted now stays behind, useless
            let _ = self.0.ports.keys.delete(&handles).await;
        }
        stored
    }

    async fn receive_for(
        &self,
        granted: &Granted,
        review: &Review,
        card: &OfferedCard,
        handles: &[KeyHandle],
        context: &Context<'_>,
    ) -> Result<Option<CardId>, IssuanceError> {
        let mut signers: Vec<Arc<dyn Signer>> = Vec::with_capacity(handles.len());
        for handle in handles {
            signers.push(self.0.ports.keys.signer(handle).await?);
        }
        // before the request: however long they take, no credential is on its way meanwhile
        let pictures = self.pictures(&card.face, context.replaces).await;
        let received = match self.request(granted, card, handles, &signers).await? {
            Answered::Received(received) => received,
            Answered::Deferred(deferred, interval) => {
                let now = self.0.ports.clock.now();
                self.0.storage.insert_waiting(&Waiting {
                    issuer: review.issuer.clone(),
                    issuer_name: review.issuer_name.clone(),
                    face: card.face.clone(),
                    since: now,
                    next_at: collect::after(now, interval),
                    keys: handles.to_vec(),
                    token_key: context.token_key.cloned(),
                    replaces: context.replaces,
                    deferred: *deferred,
                })?;
                return Ok(None);
            }
        };
        let keys: Vec<_> = handles
            .iter()
            .zip(&signers)
            .map(|(handle, signer)| (handle.clone(), *signer.public_key()))
            .collect();
        let source = Source {
            issuer: &review.issuer,
            issuer_name: review.issuer_name.as_deref(),
            configuration: card.configuration.as_str(),
            face: card.face.with(&pictures),
        };
        let (content, copies) = self.card_of(source, &keys, &received.credentials)?;
        let (stored, old_keys) =
            self.0.storage.replace_card(context.replaces, &content, &copies, &pictures)?;
        // keys that cannot be deleted now stay behind, useless
        let _ = self.0.ports.keys.delete(&old_keys).await;
        self.drop_spare(&keys, &received.credentials).await;
        if let Some(id) = &received.notification {
            self.tell(granted.notification(id, NotificationEvent::CredentialAccepted)).await;
        }
        Ok(Some(stored))
    }

    /// Deletes the keys that no credential came for: an issuer may give fewer copies than there were keys.
    pub(crate) async fn drop_spare(
        &self,
        keys: &[(KeyHandle, PublicKey)],
        received: &[ReceivedCredential],
    ) {
        let is_spare = |public: &PublicKey| received.iter().all(|copy| copy.key != Some(*public));
        let spare = keys.iter().filter(|(_, public)| is_spare(public));
        let spare: Vec<_> = spare.map(|(handle, _)| handle.clone()).collect();
        let _ = self.0.ports.keys.delete(&spare).await;
    }

    /// Deletes the keys of access tokens, but those that something is still to be asked with; one that cannot be
    /// deleted now stays behind, useless.
    pub(crate) async fn drop_token_keys(&self, keys: &[KeyHandle]) {
        let is_free = |key: &&KeyHandle| !self.is_token_key(key).unwrap_or(true);
        let keys: Vec<_> = keys.iter().filter(is_free).cloned().collect();
        let _ = self.0.ports.keys.delete(&keys).await;
    }

    fn is_token_key(&self, key: &KeyHandle) -> Result<bool, StorageError> {
        let storage = &self.0.storage;
        let waits = |waiting: &Waiting| waiting.token_key.as_ref() == Some(key);
        Ok(storage.waiting()?.iter().any(|(_, waiting)| waits(waiting))
            || storage.pending::<Pending>()?.iter().any(|(_, one)| one.key() == Some(key)))
    }

    /// Tells the issuer what became of its credentials (OID4VCI 1.0 §11); whether it hears it changes nothing.
    pub(crate) async fn tell(&self, notification: Option<OutgoingRequest>) {
        if let Some(request) = notification {
            let _ = self.send(&request, Purpose::Credential).await;
        }
    }

    /// Asks again when the issuer wants another nonce: it may refuse a good one (OID4VCI 1.0 §8.3.1.2).
    async fn request(
        &self,
        granted: &Granted,
        card: &OfferedCard,
        handles: &[KeyHandle],
        signers: &[Arc<dyn Signer>],
    ) -> Result<Answered, IssuanceError> {
        for _ in 0..MOST_NONCES {
            match self.request_once(granted, card, handles, signers).await {
                Err(IssuanceError::Credential(CredentialRefused::Nonce)) => {}
                answered => return answered,
            }
        }
        self.request_once(granted, card, handles, signers).await
    }

    async fn request_once(
        &self,
        granted: &Granted,
        card: &OfferedCard,
        handles: &[KeyHandle],
        signers: &[Arc<dyn Signer>],
    ) -> Result<Answered, IssuanceError> {
        let Self(inner) = self;
        let nonce = match granted.nonce_request() {
            Some(request) => {
                let response = self.send(&request, Purpose::Nonce).await?;
                let nonce = granted.receive_nonce(incoming(&response));
                Some(nonce.map_err(|fault| IssuanceError::Answer("nonce", fault))?)
            }
            None => None,
        };
        let plan = granted.proof_plan(&card.configuration, self.attests())?;
        let attestation = match &inner.ports.key_attestation {
            Some(attester) if plan.needs_attestation() => {
                let nonce = nonce.as_ref().map(|nonce| nonce.reveal());
                Some(attester.attest(handles, nonce).await?)
            }
            _ => None,
        };
        let showing = Showing {
            nonce: nonce.as_ref(),
            attestation: attestation.as_deref(),
            at_once: Some(&AtOnce { keys: &*inner.ports.keys, handles }),
            now: inner.ports.clock.now(),
            provider: inner.ports.crypto.as_ref(),
        };
        let pending = granted.request(&card.configuration, signers, showing).await?;
        let response = self.send(pending.request(), Purpose::Credential).await?;
        let now = inner.ports.clock.now();
        match pending.receive_all(incoming(&response), &inner.issuers, now).await {
            Ok(received) => Ok(Answered::Received(received)),
            Err(CredentialRefused::Deferred(later)) => match pending.deferred(granted, &later) {
                Some(deferred) => Ok(Answered::Deferred(Box::new(deferred), later.interval)),
                None => Err(CredentialRefused::Deferred(later).into()),
            },
            Err(error) => {
                // §11.1: credentials that came and are not kept
                let id = pending.notification_of(incoming(&response), inner.ports.crypto.as_ref());
                if let Some(id) = id {
                    self.tell(granted.notification(&id, NotificationEvent::CredentialFailure))
                        .await;
                }
                Err(error.into())
            }
        }
    }

    /// One card with all its copies; only what was verified comes here.
    pub(crate) fn card_of(
        &self,
        source: Source<'_>,
        keys: &[(KeyHandle, PublicKey)],
        received: &[ReceivedCredential],
    ) -> Result<(NewCard, Vec<Copy>), IssuanceError> {
        let first = &received.first().ok_or(CredentialRefused::Count)?.credential;
        let issuer = first.issuer();
        let content = NewCard {
            issuer: source.issuer.to_owned(),
            issuer_name: source.issuer_name.map(str::to_owned),
            issuer_identity: issuer.map(IssuerIdentity::name).unwrap_or_default(),
            configuration: source.configuration.to_owned(),
            format: first.format(),
            types: first.types().iter().map(|name| name.name().to_owned()).collect(),
            face: source.face,
            has_status: status::is_kept(first),
            key_identifiers: issuer
                .map(|issuer| issuer.authority_key_identifiers().map(<[u8]>::to_vec).collect())
                .unwrap_or_default(),
            holder_bound: received.iter().all(|copy| copy.key.is_some()),
            claims: first.claims().as_object().clone(),
            received_at: self.0.ports.clock.now(),
            expires_at: first.validity().expires_at,
        };
        let handle = |key: &PublicKey| {
            keys.iter().find(|(_, public)| public == key).map(|(handle, _)| handle.clone())
        };
        let copies = received
            .iter()
            .map(|received| Copy {
                credential: received.credential.to_text().into_owned(),
                key: received.key.as_ref().and_then(handle),
            })
            .collect();
        Ok((content, copies))
    }
}

/// Where a card comes from.
pub(crate) struct Source<'s> {
    pub(crate) issuer: &'s str,
    pub(crate) issuer_name: Option<&'s str>,
    pub(crate) configuration: &'s str,
    pub(crate) face: Face,
}

/// What an issuance knows beside the offer.
pub(crate) struct Context<'c> {
    /// The key that the access token is bound to, if it is.
    pub(crate) token_key: Option<&'c KeyHandle>,
    /// The card whose place the new one takes.
    pub(crate) replaces: Option<CardId>,
}

/// All the keys of a request, whose home is asked once for all their signatures.
struct AtOnce<'k> {
    keys: &'k dyn KeyStore,
    handles: &'k [KeyHandle],
}

#[async_trait]
impl SignsAtOnce for AtOnce<'_> {
    async fn sign_each(&self, messages: Vec<Vec<u8>>) -> Result<Vec<Vec<u8>>, SignerError> {
        let wanted: Vec<_> = self.handles.iter().cloned().zip(messages).collect();
        self.keys.sign_each(&wanted).await.map_err(SignerError::from)
    }
}

/// What a credential request brought.
enum Answered {
    Received(Received),
    Deferred(Box<DeferredCredential>, u64),
}
