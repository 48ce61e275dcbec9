//! The worker that sends what is due.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::crypto::CryptoProvider;
use lanyard_fetch::{Body, HttpClient, Purpose, Request, RequestHeader};
use lanyard_store::{Errand, Message, SessionId, Settled, Store, StoreError, TenantId};
use tokio::{sync::watch, task::JoinSet, time::MissedTickBehavior};

use super::Webhooks;
use crate::Clock;

/// How often it is looked for what is due.
const PAUSE: Duration = Duration::from_millis(500);

/// How many messages are under way at once.
const AT_ONCE: usize = 64;

/// For how long a message is in one hand: longer than the longest request.
const LEASE: SignedDuration = SignedDuration::from_secs(90);

/// After how many seconds a message that was not taken is sent again, try by try.
const BACK_OFF: [i64; 9] =
    [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600];

/// How often a message is tried before it is given up.
pub const GIVEN_UP_AFTER: u32 = BACK_OFF.len() as u32 + 1;

/// What a session that somebody waits for has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its time ran out before it came to anything.
    Expired,
    /// It still waits, until this moment at least.
    Open(Timestamp),
    /// It ended in another way, or is gone.
    Over,
}

/// Knows what became of sessions: the issuer and the verifier, each of its own.
#[async_trait]
pub trait ExpiryJudge: Send + Sync {
    /// What its sessions are called in the types of events.
    fn topic(&self) -> &'static str;

    /// What became of a session.
    ///
    /// # Errors
    /// Only those of a store that cannot answer.
    async fn fate(&self, tenant: &TenantId, session: SessionId) -> Result<Fate, StoreError>;
}

/// Sends messages to webhooks; cloning is cheap and every clone is the same worker.
#[derive(Clone)]
pub struct Deliverer {
    /// Where messages are.
    pub store: Arc<dyn Store>,
    /// How they are sent, under the rules for addresses of every outbound request.
    pub http: Arc<dyn HttpClient>,
    /// Where they are sent.
    pub webhooks: Arc<Webhooks>,
    /// Signs.
    pub provider: Arc<dyn CryptoProvider>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who knows what became of sessions.
    pub judges: Vec<Arc<dyn ExpiryJudge>>,
}

impl Deliverer {
    /// Sends what is due until the server stops; what is under way then is sent again after the next start.
    pub async fn run(self, mut shutdown: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(PAUSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut under_way = JoinSet::new();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                stopped = shutdown.changed() => {
                    if stopped.is_err() || *shutdown.borrow() {
                        return;
                    }
                }
            }
            while under_way.try_join_next().is_some() {}
            if let Err(error) = self.take_up(&mut under_way).await {
                tracing::warn!(reason = error.reason(), "webhooks");
            }
        }
    }

    /// Sends what is due now, and says how many messages that was.
    ///
    /// # Errors
    /// Those of a store that does not say what is due.
    pub async fn deliver_due(&self) -> Result<usize, StoreError> {
        let mut under_way = JoinSet::new();
        let taken = self.take_up(&mut under_way).await?;
        under_way.join_all().await;
        Ok(taken)
    }

    async fn take_up(&self, under_way: &mut JoinSet<()>) -> Result<usize, StoreError> {
        let room = u32::try_from(AT_ONCE.saturating_sub(under_way.len())).unwrap_or(0);
        let now = self.clock.now();
        let lease = now.checked_add(LEASE).unwrap_or(Timestamp::MAX);
        let due = self.store.claim_messages(now, lease, room).await?;
        let taken = due.len();
        for message in due {
            let worker = self.clone();
            under_way.spawn(async move { worker.attend_to(message).await });
        }
        Ok(taken)
    }

    async fn attend_to(&self, message: Message) {
        let settled = match message.errand {
            Errand::Deliver => self.send(&message).await,
            Errand::WatchExpiry => self.look(&message).await,
        };
        let settled = self.store.settle_message(&message.tenant, message.id, settled).await;
        if let Err(error) = settled {
            // its lease ends and it is sent again: the receiver knows it by its name
            let tenant = message.tenant.as_str();
            tracing::warn!(tenant, reason = error.reason(), "a message was not settled");
        }
    }

    async fn send(&self, message: &Message) -> Settled {
        let now = self.clock.now();
        let Some(webhook) = self.webhooks.named(&message.tenant, &message.webhook) else {
            return Settled::Dead { at: now, outcome: "webhook_removed".to_owned() };
        };
        let (name, second) = (format!("msg_{}", message.id), now.as_second());
        let signature = webhook.secret.sign(&name, second, &message.payload, &*self.provider);
        let body = Body::Json(message.payload.clone().into_bytes().into());
        let request = Request::post(webhook.url.clone(), Purpose::Webhook, body)
            .header(RequestHeader::WebhookId, name)
            .header(RequestHeader::WebhookTimestamp, second.to_string())
            .header(RequestHeader::WebhookSignature, signature);
        let outcome = match self.http.send(request).await {
            Ok(answer) if answer.is_success() => {
                return Settled::Delivered { at: now, outcome: answer.status.to_string() };
            }
            // Standard Webhooks: 410 says that the receiver wants nothing any more
            Ok(answer) if answer.status == 410 => {
                return Settled::Dead { at: now, outcome: "410".to_owned() };
            }
            Ok(answer) => answer.status.to_string(),
            // names the host at most
            Err(error) => error.to_string(),
        };
        let (tenant, webhook) = (message.tenant.as_str(), message.webhook.as_str());
        tracing::info!(tenant, webhook, reason = outcome, "a message was not taken");
        let tried = usize::try_from(message.attempts).unwrap_or(usize::MAX);
        match BACK_OFF.get(tried.saturating_sub(1)) {
            Some(seconds) => {
                let due_at = now.checked_add(SignedDuration::from_secs(self.spread(*seconds)));
                Settled::Retry { due_at: due_at.unwrap_or(Timestamp::MAX), outcome }
            }
            None => Settled::Dead { at: now, outcome },
        }
    }

    /// Up to a tenth longer: those who failed together do not come back together.
    fn spread(&self, seconds: i64) -> i64 {
        let mut random = [0];
        self.provider.fill(&mut random);
        seconds + seconds * i64::from(random[0]) / 2560
    }

    async fn look(&self, message: &Message) -> Settled {
        let now = self.clock.now();
        let judge = self.judges.iter().find(|judge| judge.topic() == message.kind);
        let (Some(judge), Some(session)) = (judge, message.session) else {
            return Settled::Replaced(Vec::new());
        };
        match judge.fate(&message.tenant, session).await {
            Ok(Fate::Expired) => {
                let told = self.webhooks.expired(&message.tenant, judge.topic(), session, now);
                Settled::Replaced(told)
            }
            Ok(Fate::Open(until)) => {
                let soon = now.checked_add(SignedDuration::from_secs(1)).unwrap_or(now);
                Settled::Retry { due_at: until.max(soon), outcome: "open".to_owned() }
            }
            Ok(Fate::Over) => Settled::Replaced(Vec::new()),
            Err(error) => {
                let due_at = now.checked_add(SignedDuration::from_secs(5)).unwrap_or(now);
                Settled::Retry { due_at, outcome: error.reason().to_owned() }
            }
        }
    }
}
