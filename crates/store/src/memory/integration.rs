//! What integrators are promised, in memory: calls that are done once, messages, subjects forgotten.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{MemoryStore, Tables, to_the_microsecond};
use crate::{
    AuditEntry, CallAnswer, CallBegun, CallStore, Claim, CredentialStatus, Erased, Errand, Message,
    MessageId, MessagePage, MessageState, MessageStore, NewCall, NewMessage, Page, SessionId,
    Settled, StatusChange, StatusNote, StoreError, SubjectRef, SubjectStore, TenantId,
};

/// A call that was begun.
pub(super) struct KeptCall {
    request: [u8; 32],
    answer: Option<Vec<u8>>,
    lease_until: Timestamp,
    expires_at: Timestamp,
}

/// A message, and which one it is of all that were ever written.
pub(super) struct Told {
    ordinal: u64,
    pub(super) message: Message,
}

impl Told {
    /// Whether it waits to be sent to this webhook, of all that is told of this session.
    fn waits_for(&self, tenant: &TenantId, session: Option<SessionId>, webhook: &str) -> bool {
        let Message { errand, state, .. } = self.message;
        session.is_some()
            && (errand, state) == (Errand::Deliver, MessageState::Waiting)
            && self.message.session == session
            && self.message.tenant == *tenant
            && self.message.webhook == webhook
    }
}

#[async_trait]
impl CallStore for MemoryStore {
    async fn begin_call(&self, tenant: &TenantId, call: NewCall) -> Result<CallBegun, StoreError> {
        let mut tables = self.open()?;
        let (key, now) = ((tenant.clone(), call.key), to_the_microsecond(call.now));
        match tables.calls.get(&key) {
            Some(kept) if kept.expires_at <= now => {}
            Some(kept) if kept.request != call.request => return Ok(CallBegun::OtherRequest),
            Some(KeptCall { answer: Some(answer), .. }) => {
                return Ok(CallBegun::Answered(answer.clone()));
            }
            Some(kept) if now < kept.lease_until => return Ok(CallBegun::Running),
            _ => {}
        }
        let kept = KeptCall {
            request: call.request,
            answer: None,
            lease_until: to_the_microsecond(call.lease_until),
            expires_at: to_the_microsecond(call.expires_at),
        };
        tables.calls.insert(key, kept);
        Ok(CallBegun::Fresh)
    }

    async fn finish_call(
        &self,
        tenant: &TenantId,
        key: [u8; 32],
        answer: Vec<u8>,
    ) -> Result<bool, StoreError> {
        Ok(self.open()?.finish_call(tenant, CallAnswer { key, answer }))
    }

    async fn abandon_call(&self, tenant: &TenantId, key: [u8; 32]) -> Result<(), StoreError> {
        let mut tables = self.open()?;
        let key = (tenant.clone(), key);
        if tables.calls.get(&key).is_some_and(|kept| kept.answer.is_none()) {
            tables.calls.remove(&key);
        }
        Ok(())
    }

    async fn purge_calls(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut tables = self.open()?;
        let now = to_the_microsecond(now);
        let expired = tables.calls.iter().filter(|(_, kept)| kept.expires_at <= now);
        let mut expired: Vec<_> =
            expired.map(|(key, kept)| (kept.expires_at, key.clone())).collect();
        expired.sort();
        expired.truncate(limit as usize);
        for (_, key) in &expired {
            tables.calls.remove(key);
        }
        Ok(expired.len() as u64)
    }
}

impl Tables {
    /// Keeps the answer of a call, if there was one.
    pub(super) fn answer_call(
        &mut self,
        tenant: &TenantId,
        call: Option<CallAnswer>,
    ) -> Result<(), StoreError> {
        match call.is_none_or(|call| self.finish_call(tenant, call)) {
            true => Ok(()),
            false => Err(StoreError::CallAnswered),
        }
    }

    /// Keeps the answer of a call that was begun; says whether it had none.
    fn finish_call(&mut self, tenant: &TenantId, call: CallAnswer) -> bool {
        let CallAnswer { key, answer } = call;
        let waits = self.calls.get_mut(&(tenant.clone(), key)).filter(|kept| kept.answer.is_none());
        waits.map(|kept| kept.answer = Some(answer)).is_some()
    }

    /// Writes messages; none is due before those that it waits behind and that are tried again.
    pub(super) fn tell(&mut self, tenant: &TenantId, messages: Vec<NewMessage>) {
        for new in messages {
            let before = self.waiting(tenant, new.session, &new.webhook);
            let tried = before.filter(|told| told.message.outcome.is_some());
            let due_at = tried.map(|told| told.message.due_at).max();
            let due_at = due_at.unwrap_or(Timestamp::MIN).max(to_the_microsecond(new.due_at));
            let message = Message {
                tenant: tenant.clone(),
                id: new.id,
                webhook: new.webhook,
                errand: new.errand,
                kind: new.kind,
                session: new.session,
                payload: new.payload,
                state: MessageState::Waiting,
                attempts: 0,
                due_at,
                outcome: None,
                keep_until: to_the_microsecond(new.keep_until),
            };
            self.told += 1;
            let told = Told { ordinal: self.told, message };
            self.messages.insert((tenant.clone(), new.id), told);
        }
    }

    /// What waits to be sent to a webhook of all that is told of a session.
    fn waiting<'t>(
        &'t self,
        tenant: &'t TenantId,
        session: Option<SessionId>,
        webhook: &'t str,
    ) -> impl Iterator<Item = &'t Told> {
        let all = self.messages.values();
        all.filter(move |told| told.waits_for(tenant, session, webhook))
    }

    /// Whether nothing that was written before it waits for the same webhook.
    fn is_its_turn(&self, told: &Told) -> bool {
        let Message { tenant, session, webhook, errand, .. } = &told.message;
        *errand != Errand::Deliver
            || self.waiting(tenant, *session, webhook).all(|other| told.ordinal <= other.ordinal)
    }
}

#[async_trait]
impl MessageStore for MemoryStore {
    async fn claim_messages(&self, claim: Claim) -> Result<Vec<Message>, StoreError> {
        let mut tables = self.open()?;
        let (now, left_out) = (to_the_microsecond(claim.now), &claim.without);
        let is_due = |told: &&Told| {
            let message = &told.message;
            message.state == MessageState::Waiting
                && message.due_at <= now
                && !left_out.iter().any(|(tenant, webhook)| {
                    *tenant == message.tenant && *webhook == message.webhook
                })
                && tables.is_its_turn(told)
        };
        let due = tables.messages.values().filter(is_due);
        let mut due: Vec<_> =
            due.map(|told| (told.message.due_at, told.ordinal, told.message.clone())).collect();
        due.sort_by_key(|(due_at, ordinal, _)| (*due_at, *ordinal));
        due.truncate(claim.looked_at() as usize);
        let mut shares = BTreeMap::<_, u32>::new();
        due.retain(|(_, _, message)| {
            let share =
                shares.entry((message.tenant.clone(), message.webhook.clone())).or_default();
            *share += 1;
            *share <= claim.of_one_webhook
        });
        due.truncate(claim.limit as usize);
        let keys = due.into_iter().map(|(_, _, message)| (message.tenant, message.id));
        let mut claimed = Vec::new();
        for key in keys {
            let Some(Told { message, .. }) = tables.messages.get_mut(&key) else { continue };
            message.due_at = to_the_microsecond(claim.lease_until);
            message.attempts += 1;
            claimed.push(message.clone());
        }
        claimed.sort_by_key(|message| message.id);
        Ok(claimed)
    }

    async fn settle_message(&self, held: &Message, settled: Settled) -> Result<bool, StoreError> {
        let mut tables = self.open()?;
        let key = (held.tenant.clone(), held.id);
        let is_held = |told: &&mut Told| {
            let message = &told.message;
            message.state == MessageState::Waiting
                && (message.attempts, message.due_at) == (held.attempts, held.due_at)
        };
        let Some(Told { ordinal, message }) = tables.messages.get_mut(&key).filter(is_held) else {
            return Ok(false);
        };
        let (state, at, outcome) = match settled {
            Settled::Delivered { at, outcome } => (MessageState::Delivered, at, outcome),
            Settled::Retry { due_at, outcome } => (MessageState::Waiting, due_at, outcome),
            Settled::Dead { at, outcome } => (MessageState::Dead, at, outcome),
            Settled::Replaced(messages) => {
                tables.messages.remove(&key);
                tables.tell(&held.tenant, messages);
                return Ok(true);
            }
        };
        let (at, settled) = (to_the_microsecond(at), *ordinal);
        message.state = state;
        message.due_at = at;
        message.outcome = Some(outcome);
        if held.errand == Errand::Deliver {
            // what waits behind it: its turn comes now, or not before that of this one
            let behind = tables.messages.values_mut().filter(|told| {
                told.ordinal > settled
                    && told.message.attempts == 0
                    && told.waits_for(&held.tenant, held.session, &held.webhook)
            });
            behind.for_each(|told| told.message.due_at = at);
        }
        Ok(true)
    }

    async fn list_messages(
        &self,
        tenant: &TenantId,
        page: MessagePage,
    ) -> Result<Vec<Message>, StoreError> {
        let tables = self.open()?;
        let all = tables.messages.values().rev().map(|told| &told.message);
        let wanted = all.filter(|message| {
            message.tenant == *tenant
                && message.errand == Errand::Deliver
                && page.before.is_none_or(|before| message.id < before)
                && page.state.is_none_or(|state| message.state == state)
        });
        Ok(wanted.take(page.limit.min(Page::LARGEST).into()).cloned().collect())
    }

    async fn redeliver_message(
        &self,
        tenant: &TenantId,
        id: MessageId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut tables = self.open()?;
        let found = tables.messages.get_mut(&(tenant.clone(), id)).map(|told| &mut told.message);
        let Some(message) = found.filter(|message| message.errand == Errand::Deliver) else {
            return Ok(false);
        };
        message.state = MessageState::Waiting;
        message.attempts = 0;
        message.due_at = to_the_microsecond(now);
        Ok(true)
    }

    async fn purge_messages(&self, now: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut tables = self.open()?;
        let now = to_the_microsecond(now);
        let all = tables.messages.iter().map(|(key, told)| (key, &told.message));
        let old = all.filter(|(_, message)| {
            message.state != MessageState::Waiting && message.keep_until <= now
        });
        let mut old: Vec<_> = old.map(|(key, message)| (message.keep_until, key.clone())).collect();
        old.sort();
        old.truncate(limit as usize);
        for (_, key) in &old {
            tables.messages.remove(key);
        }
        Ok(old.len() as u64)
    }
}

#[async_trait]
impl SubjectStore for MemoryStore {
    async fn erase_subject(
        &self,
        tenant: &TenantId,
        subject: SubjectRef,
        now: Timestamp,
    ) -> Result<Erased, StoreError> {
        let mut tables = self.open()?;
        let of_tenant = tables.sessions.iter().filter(|((owner, _), _)| owner == tenant);
        let sessions = of_tenant.filter(|(_, kept)| kept.subject == Some(subject));
        let sessions: Vec<_> = sessions.map(|((_, id), _)| *id).collect();
        let of_tenant = tables.issued.iter().filter(|((owner, _), _)| owner == tenant);
        let credentials = of_tenant.filter(|(_, record)| record.subject == Some(subject));
        let credentials: Vec<_> = credentials.map(|((_, id), _)| *id).collect();
        let before = tables.messages.len();
        tables.messages.retain(|(owner, _), told| {
            owner != tenant || told.message.session.is_none_or(|about| !sessions.contains(&about))
        });
        let messages = (before - tables.messages.len()) as u64;
        for id in &sessions {
            tables.delete(&(tenant.clone(), *id));
        }
        let (mut revoked, mut lists) = (Vec::new(), BTreeSet::new());
        for credential in &credentials {
            let status = CredentialStatus::Revoked;
            if tables.status(tenant, *credential).is_none_or(|now| now == status) {
                continue;
            }
            let mut note = StatusNote::erased(now);
            self.herald.status_changed(tenant, *credential, status, &mut note);
            if let StatusChange::Done(changed) =
                tables.set_status(tenant, *credential, status, note)
            {
                revoked.push(*credential);
                lists.extend(changed);
            }
        }
        for credential in &credentials {
            let key = (tenant.clone(), *credential);
            tables.issued.remove(&key);
            tables.forget_status(&key);
        }
        let erased = Erased { sessions, credentials, revoked, lists, messages };
        if !erased.is_nothing() {
            tables.audit.note(tenant, AuditEntry::erased(&subject, &erased, now));
        }
        Ok(erased)
    }
}
