//! Whoever is told by webhooks: takes what it is told, is slow about it, refuses it, or is gone.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use jiff::Timestamp;
use lanyard_core::crypto::AwsLc;
use lanyard_service::webhook::WebhookSecret;
use lanyard_testkit::free_port;
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

use crate::{failure::Failure, ledger::facts::Facts, machine};

/// The name of the webhook, and of the file with its secret.
const NAME: &str = "tool";

/// How it is with the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Takes,
    /// After so long.
    Slow(Duration),
    /// With 500.
    Refuses,
}

/// Of what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hears {
    /// How presentations end, and what becomes of credentials.
    Ends,
    /// How presentations begin as well.
    Steps,
}

/// A server that is told, on one port for good.
pub(crate) struct Receiver {
    port: u16,
    hears: Hears,
    mood: watch::Sender<Mood>,
    heard: Arc<Heard>,
    serving: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Heard {
    /// By type and session: the names of the messages that were taken.
    told: Mutex<BTreeMap<(String, String), BTreeSet<String>>>,
    /// By session: when the last happened that was taken.
    last: Mutex<BTreeMap<String, Timestamp>>,
    /// How many messages came after one of their session that tells of something later.
    late: AtomicU64,
    taken: AtomicU64,
    turned_away: AtomicU64,
}

#[derive(Clone)]
struct Ear {
    heard: Arc<Heard>,
    mood: watch::Receiver<Mood>,
}

impl Receiver {
    /// One that takes everything.
    pub(crate) async fn listening(hears: Hears) -> Result<Self, Failure> {
        let (mood, _) = watch::channel(Mood::Takes);
        let (heard, serving) = (Arc::default(), Mutex::default());
        let receiver = Self { port: free_port(), hears, mood, heard, serving };
        receiver.come().await?;
        Ok(receiver)
    }

    /// How it is from now on.
    pub(crate) fn is(&self, mood: Mood) {
        self.mood.send_replace(mood);
    }

    /// Nobody listens any more.
    pub(crate) fn go(&self) {
        let serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner).take();
        serving.iter().for_each(JoinHandle::abort);
    }

    /// Listens again.
    pub(crate) async fn come(&self) -> Result<(), Failure> {
        let ear = Ear { heard: self.heard.clone(), mood: self.mood.subscribe() };
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await?;
        let router = Router::new().route("/", post(hear)).with_state(ear);
        let serving = tokio::spawn(async move {
            // ends with its task
            let _ = axum::serve(listener, router).await;
        });
        *self.serving.lock().unwrap_or_else(PoisonError::into_inner) = Some(serving);
        Ok(())
    }

    /// What the messages of a webhook are signed with.
    pub(crate) fn secret() -> String {
        WebhookSecret::generate(&AwsLc).as_str().to_owned()
    }

    /// The part of a tenant's configuration by which it is told, and the file that it names.
    pub(crate) fn webhook(&self, folder: &Path) -> Result<String, Failure> {
        let file = folder.join(NAME);
        if !fs::exists(&file)? {
            machine::write_private(&file, Self::secret().as_bytes())?;
        }
        let beginning = match self.hears {
            Hears::Ends => "",
            Hears::Steps => r#""presentation.request_created", "#,
        };
        Ok(format!(
            r#"[[tenants.webhooks]]
name = "{NAME}"
url = "http://127.0.0.1:{}/"
secret_file = "{NAME}"
events = [{beginning}"presentation.verified", "credential.*"]
"#,
            self.port
        ))
    }

    /// How many messages were taken, and how many were not.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (count(&self.heard.taken), count(&self.heard.turned_away))
    }

    /// How many presentations it has not been told of.
    pub(crate) fn misses(&self, facts: &Facts) -> usize {
        let told = self.heard.told.lock().unwrap_or_else(PoisonError::into_inner);
        let missed = facts.answered.iter().filter(|answered| {
            let about = ("presentation.verified".to_owned(), answered.request.clone());
            !told.contains_key(&about)
        });
        missed.count()
    }

    /// I5: what happened is told under one name, however often.
    pub(crate) fn told_twice(&self) -> Option<String> {
        let told = self.heard.told.lock().unwrap_or_else(PoisonError::into_inner);
        let (about, names) = told.iter().find(|(_, names)| names.len() > 1)?;
        Some(format!("I5: {} of one session is told as {} messages", about.0, names.len()))
    }

    /// R14: what happened to one session is told in its order.
    pub(crate) fn told_late(&self) -> Option<String> {
        let late = self.heard.late.load(Ordering::Relaxed);
        (late > 0).then(|| format!("R14: {late} messages came after a later one of their session"))
    }
}

impl Heard {
    /// A message that was taken.
    fn took(&self, name: &str, message: &Value) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        // a credential can be suspended twice; a session comes to an end once
        let (kind, session) = (&message["type"], &message["data"]["session"]);
        let (Some(kind), Some(session)) = (kind.as_str(), session.as_str()) else { return };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let names = told.entry((kind.to_owned(), session.to_owned())).or_default();
        let at = message["timestamp"].as_str().and_then(|at| at.parse().ok());
        let (true, Some(at)) = (names.insert(name.to_owned()), at) else { return };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let last = last.entry(session.to_owned()).or_insert(at);
        if at < *last {
            self.late.fetch_add(1, Ordering::Relaxed);
        }
        *last = at.max(*last);
    }
}

async fn hear(State(mut ear): State<Ear>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mood = *ear.mood.borrow_and_update();
    match mood {
        Mood::Takes => {}
        // no longer than it is in this mood
        Mood::Slow(long) => {
            let _ = tokio::time::timeout(long, ear.mood.changed()).await;
        }
        Mood::Refuses => {
            ear.heard.turned_away.fetch_add(1, Ordering::Relaxed);
            return StatusCode::INTERNAL_SERVER_ERROR;
        }
    }
    let name = headers.get("webhook-id").and_then(|name| name.to_str().ok());
    let message: Option<Value> = serde_json::from_slice(&body).ok();
    let (Some(name), Some(message)) = (name, message) else { return StatusCode::BAD_REQUEST };
    ear.heard.took(name, &message);
    StatusCode::NO_CONTENT
}
