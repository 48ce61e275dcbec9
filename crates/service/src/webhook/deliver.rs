//! The worker that sends what is due.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use lanyard_core::crypto::CryptoProvider;
use lanyard_fetch::{Body, HttpClient, Purpose, Request, RequestHeader};
use lanyard_store::{Claim, Errand, Message, SessionId, Settled, Store, StoreError, TenantId};
use tokio::{
    sync::watch,
    task::{Id, JoinError, JoinSet},
    time::MissedTickBehavior,
};

use super::Webhooks;
use crate::Clock;

/// How often it is looked for what is due.
const PAUSE: Duration = Duration::from_millis(500);

/// How many messages are under way at once.
const AT_ONCE: usize = 64;

/// How many of them go to one webhook: as many as there are connections to one host. A receiver that hangs has these and
/// leaves the others.
const AT_ONCE_TO_ONE: usize = 4;

/// For how long a message is in one hand: longer than all that are under way wait for one host that hangs.
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
        let mut hand = Hand::default();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = hand.makes_room() => {}
                stopped = shutdown.changed() => {
                    if stopped.is_err() || *shutdown.borrow() {
                        return;
                    }
                }
            }
            if let Err(error) = self.take_up(&mut hand).await {
                tracing::warn!(reason = error.reason(), "webhooks");
            }
        }
    }

    /// Sends what is due now, and says how many messages that was.
    ///
    /// # Errors
    /// Those of a store that does not say what is due.
    pub async fn deliver_due(&self) -> Result<usize, StoreError> {
        let (mut hand, mut taken) = (Hand::default(), 0);
        loop {
            taken += self.take_up(&mut hand).await?;
            if hand.is_empty() {
                return Ok(taken);
            }
            hand.settles().await;
        }
    }

    /// Takes what is due into the hand until that is full, or nothing is left but for webhooks that have their share.
    async fn take_up(&self, hand: &mut Hand) -> Result<usize, StoreError> {
        let mut taken = 0;
        while taken < AT_ONCE {
            let claim = hand.claim(self.clock.now());
            if claim.limit == 0 {
                return Ok(taken);
            }
            let due = self.store.claim_messages(claim).await?;
            if due.is_empty() {
                return Ok(taken);
            }
            taken += due.len();
            for message in due {
                hand.take(message, self);
            }
        }
        Ok(taken)
    }

    async fn attend_to(&self, message: Message) {
        let settled = match message.errand {
            Errand::Deliver => self.send(&message).await,
            Errand::WatchExpiry => self.look(&message).await,
        };
        if matches!(settled, Settled::Dead { .. }) {
            self.webhooks.gave_up();
        }
        let tenant = message.tenant.as_str();
        match self.store.settle_message(&message, settled).await {
            Ok(true) => {}
            // this worker was paused beyond its lease: what the other says counts
            Ok(false) => tracing::info!(tenant, "a message is in another hand, or was erased"),
            // its lease ends and it is sent again: the receiver knows it by its name
            Err(error) => {
                tracing::warn!(tenant, reason = error.reason(), "a message was not settled");
            }
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

/// The messages that are under way.
#[derive(Default)]
struct Hand {
    tasks: JoinSet<()>,
    /// Where each of them goes.
    webhooks: HashMap<Id, (TenantId, String)>,
}

impl Hand {
    fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// What there is room for. A webhook gets half of its share at a time, and so never more than all of it.
    fn claim(&mut self, now: Timestamp) -> Claim {
        self.let_go();
        let mut shares = HashMap::<_, usize>::new();
        for webhook in self.webhooks.values() {
            *shares.entry(webhook).or_default() += 1;
        }
        let portion = AT_ONCE_TO_ONE / 2;
        let full = shares.into_iter().filter(|(_, share)| *share + portion > AT_ONCE_TO_ONE);
        let without: Vec<_> = full.map(|(webhook, _)| webhook.clone()).collect();
        let limit = AT_ONCE.saturating_sub(self.tasks.len());
        Claim {
            now,
            lease_until: now.checked_add(LEASE).unwrap_or(Timestamp::MAX),
            limit: u32::try_from(limit).unwrap_or(0),
            of_one_webhook: u32::try_from(portion).unwrap_or(1),
            without,
        }
    }

    fn take(&mut self, message: Message, worker: &Deliverer) {
        let (worker, webhook) = (worker.clone(), (message.tenant.clone(), message.webhook.clone()));
        let task = self.tasks.spawn(async move { worker.attend_to(message).await });
        self.webhooks.insert(task.id(), webhook);
    }

    /// Waits until one of them is settled.
    async fn settles(&mut self) {
        if let Some(ended) = self.tasks.join_next_with_id().await {
            self.ended(ended);
        }
    }

    /// Waits until one of them is settled, which makes room for others and lets go what waits behind it; for ever if
    /// there is none.
    async fn makes_room(&mut self) {
        if self.tasks.is_empty() {
            return std::future::pending().await;
        }
        self.settles().await;
    }

    fn let_go(&mut self) {
        while let Some(ended) = self.tasks.try_join_next_with_id() {
            self.ended(ended);
        }
    }

    fn ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
        self.webhooks.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering},
        },
    };

    use lanyard_core::crypto::RustCrypto;
    use lanyard_fetch::{FetchError, Response, ResponseHeaders};
    use lanyard_store::{MemoryStore, NewEvent, NewSession, SessionKind, SessionStore as _};
    use tokio::sync::Notify;

    use super::*;
    use crate::{
        SystemClock,
        webhook::{Webhook, WebhookSecret},
    };

    /// Receivers of which one never answers.
    #[derive(Default)]
    struct Receivers {
        hanging: AtomicUsize,
        told: Notify,
    }

    #[async_trait]
    impl HttpClient for Receivers {
        async fn send(&self, request: Request) -> Result<Response, FetchError> {
            if request.url.host_str() == Some("hangs.example") {
                self.hanging.fetch_add(1, Ordering::SeqCst);
                return pending().await;
            }
            self.told.notify_one();
            Ok(no_content(request))
        }
    }

    fn no_content(request: Request) -> Response {
        Response {
            status: 204,
            content_type: None,
            headers: ResponseHeaders::default(),
            body: Vec::new().into(),
            final_url: request.url,
        }
    }

    fn webhook(host: &str) -> Webhook {
        Webhook {
            name: "hr".to_owned(),
            url: format!("https://{host}/hook").parse().unwrap(),
            secret: WebhookSecret::parse(&WebhookSecret::generate(&RustCrypto)).unwrap(),
            events: vec!["*".to_owned()],
        }
    }

    /// A session whose beginning is told.
    fn session(tenant: &str, n: u16) -> NewSession {
        let now = Timestamp::now();
        let mut tail = [0; 10];
        tail[..2].copy_from_slice(&n.to_be_bytes());
        NewSession {
            tenant: tenant.parse().unwrap(),
            id: SessionId::new(now, tail),
            kind: SessionKind::Offer,
            state: Vec::new(),
            created_at: now,
            expires_at: Timestamp::MAX,
            handles: Vec::new(),
            subject: None,
            once: Vec::new(),
            call: None,
            event: NewEvent::done(now, "offer_created"),
        }
    }

    #[tokio::test]
    async fn a_receiver_that_hangs_with_much_to_hear_keeps_no_message_from_another() {
        let tenants = [("acme", "hangs.example"), ("globex", "hears.example")];
        let told = tenants.map(|(id, host)| (id.parse().unwrap(), vec![webhook(host)]));
        let webhooks = Arc::new(Webhooks::new(told, Arc::new(RustCrypto)));
        let store = Arc::new(MemoryStore::new().heralded_by(webhooks.clone()));
        for n in 0..200 {
            store.insert(session("acme", n)).await.unwrap();
        }
        store.insert(session("globex", 200)).await.unwrap();
        let receivers = Arc::new(Receivers::default());
        let worker = Deliverer {
            store,
            http: receivers.clone(),
            webhooks,
            provider: Arc::new(RustCrypto),
            clock: Arc::new(SystemClock),
            judges: Vec::new(),
        };
        let (_stop, stopped) = watch::channel(false);
        let worker = tokio::spawn(worker.run(stopped));
        let told = tokio::time::timeout(Duration::from_secs(2), receivers.told.notified()).await;
        assert!(told.is_ok(), "{} messages hang", receivers.hanging.load(Ordering::SeqCst));
        assert!(receivers.hanging.load(Ordering::SeqCst) <= AT_ONCE_TO_ONE);
        worker.abort();
    }

    /// A receiver that keeps what it is told.
    #[derive(Default)]
    struct Diary(Mutex<Vec<String>>);

    #[async_trait]
    impl HttpClient for Diary {
        async fn send(&self, request: Request) -> Result<Response, FetchError> {
            let Body::Json(body) = &request.body else { panic!("a message has a body") };
            let message: serde_json::Value = serde_json::from_slice(body).unwrap();
            self.0.lock().unwrap().push(message["data"]["step"].as_str().unwrap().to_owned());
            Ok(no_content(request))
        }
    }

    #[tokio::test]
    async fn what_waits_behind_a_message_is_sent_as_soon_as_that_is_taken() {
        let steps = ["offer_created", "a", "b", "c", "d", "e", "f", "g"];
        let told = [("acme".parse().unwrap(), vec![webhook("hears.example")])];
        let webhooks = Arc::new(Webhooks::new(told, Arc::new(RustCrypto)));
        let store = Arc::new(MemoryStore::new().heralded_by(webhooks.clone()));
        let begun = session("acme", 1);
        let (tenant, id) = (begun.tenant.clone(), begun.id);
        store.insert(begun).await.unwrap();
        for step in &steps[1..] {
            let event = NewEvent::done(Timestamp::now(), step);
            store.append_event(&tenant, id, event).await.unwrap();
        }
        let diary = Arc::new(Diary::default());
        let worker = Deliverer {
            store,
            http: diary.clone(),
            webhooks,
            provider: Arc::new(RustCrypto),
            clock: Arc::new(SystemClock),
            judges: Vec::new(),
        };
        let (_stop, stopped) = watch::channel(false);
        let worker = tokio::spawn(worker.run(stopped));
        // one for each look would take twice as long
        tokio::time::sleep(PAUSE * 4).await;
        assert_eq!(*diary.0.lock().unwrap(), steps);
        worker.abort();
    }
}
