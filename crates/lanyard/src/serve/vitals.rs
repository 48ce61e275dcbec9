//! Whether the store can be written, and how far behind the server is: looked at every few seconds, never for a
//! request.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use lanyard_issuer::LiveLists;
use lanyard_service::webhook::Webhooks;
use lanyard_store::{Store, StoreError, StoreFigures, Unavailability};
use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::{Registry, Unit},
};
use tokio::sync::watch;

use super::ticks::Ticks;

/// How often it is looked.
const INTERVAL: Duration = Duration::from_secs(5);

/// A store that takes longer to write one row writes nothing that anybody still waits for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether what is written is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writing {
    Works,
    /// There is no room; what is there is read.
    Full,
    /// It is refused, for this reason.
    Fails(&'static str),
}

/// What is looked at.
pub(super) struct Watched {
    pub(super) store: Arc<dyn Store>,
    pub(super) webhooks: Arc<Webhooks>,
    pub(super) lists: Arc<LiveLists>,
}

/// What Prometheus reads of it; clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Gauges {
    writable: Gauge,
    messages_waiting: Gauge,
    messages_given_up: Counter,
    notes_unlinked: Gauge,
    chores_done: Gauge,
    list_bytes: Gauge,
    log_bytes: Gauge,
    connections: Gauge,
    most_connections: Gauge,
}

/// Looks at it until the server stops; says whether the store can be written.
pub(super) fn keep_watching(
    watched: Watched,
    gauges: Option<Gauges>,
    shutdown: watch::Receiver<bool>,
) -> watch::Receiver<Writing> {
    // it was written a moment ago, when it was opened
    let (tell, told) = watch::channel(Writing::Works);
    tokio::spawn(async move {
        let mut ticks = Ticks::every(INTERVAL, shutdown);
        while ticks.next().await {
            let before = *tell.borrow();
            let writing = Writing::tried(&*watched.store, before).await;
            if tell.send_replace(writing) != writing {
                writing.log();
            }
            if let Some(gauges) = &gauges {
                gauges.writable.set((writing == Writing::Works).into());
                gauges.look(&watched).await;
            }
        }
    });
    told
}

impl Writing {
    /// Writes a row.
    async fn tried(store: &dyn Store, before: Self) -> Self {
        match tokio::time::timeout(PATIENCE, store.ready()).await {
            Ok(Ok(())) => Self::Works,
            Ok(Err(StoreError::Full)) => Self::Full,
            // there is too much to do, which says nothing about the disk
            Ok(Err(StoreError::Unavailable {
                cause: Unavailability::Busy | Unavailability::Overloaded,
                ..
            })) => before,
            Ok(Err(error)) => Self::Fails(error.reason()),
            Err(_) => Self::Fails("store_slow"),
        }
    }

    fn log(self) {
        match self {
            Self::Works => tracing::info!("the store can be written"),
            Self::Full => tracing::error!(reason = "store_full", "the store cannot be written"),
            Self::Fails(reason) => tracing::error!(reason, "the store cannot be written"),
        }
    }
}

impl Gauges {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "store_writable",
            "Whether the store keeps what is written, tried every five seconds",
            self.writable.clone(),
        );
        registry.register(
            "webhook_messages_waiting",
            "Messages that no webhook has taken yet, among the ten thousand that are due first",
            self.messages_waiting.clone(),
        );
        registry.register(
            "webhook_messages_given_up",
            "Messages that this process will not try again",
            self.messages_given_up.clone(),
        );
        registry.register(
            "audit_notes_unlinked",
            "What was noted and is in no audit chain yet, ten thousand at most",
            self.notes_unlinked.clone(),
        );
        registry.register_with_unit(
            "chores_done_timestamp",
            "When this process last deleted and linked all that was due",
            Unit::Seconds,
            self.chores_done.clone(),
        );
        let bytes = [
            ("status_lists_memory", "What published status lists take", &self.list_bytes),
            ("sqlite_log", "The write-ahead log of SQLite", &self.log_bytes),
        ];
        for (name, help, gauge) in bytes {
            registry.register_with_unit(name, help, Unit::Bytes, gauge.clone());
        }
        registry.register(
            "postgres_connections_in_use",
            "Connections to PostgreSQL that somebody uses",
            self.connections.clone(),
        );
        registry.register(
            "postgres_connections_most",
            "Connections to PostgreSQL that there may be",
            self.most_connections.clone(),
        );
    }

    /// Chores were done.
    pub(super) fn chores_done(&self, now: Timestamp) {
        self.chores_done.set(now.as_second());
    }

    async fn look(&self, Watched { store, webhooks, lists }: &Watched) {
        let given_up = webhooks.given_up().saturating_sub(self.messages_given_up.get());
        self.messages_given_up.inc_by(given_up);
        self.list_bytes.set(as_gauge(lists.bytes() as u64));
        // what a store that does not answer said last is left, and that it does not answer is told
        let Ok(Ok(figures)) = tokio::time::timeout(PATIENCE, store.figures()).await else { return };
        let StoreFigures {
            waiting_messages,
            unlinked_notes,
            log_bytes,
            connections,
            most_connections,
        } = figures;
        self.messages_waiting.set(as_gauge(waiting_messages));
        self.notes_unlinked.set(as_gauge(unlinked_notes));
        self.log_bytes.set(as_gauge(log_bytes));
        self.connections.set(as_gauge(connections));
        self.most_connections.set(as_gauge(most_connections));
    }
}

fn as_gauge(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use lanyard_core::crypto::AwsLc;
    use lanyard_store::{MemoryStore, Put, SecretStore as _};

    use super::*;

    #[tokio::test]
    async fn gauges_say_what_the_store_says() {
        let (store, gauges) = (Arc::new(MemoryStore::new()), Gauges::default());
        let (tenant, name) = ("acme".parse().unwrap(), "key".parse().unwrap());
        let put = store.put_secret(&tenant, &name, None, vec![1], Timestamp::UNIX_EPOCH).await;
        assert_eq!(put, Ok(Put::Done(1)));
        let webhooks = Arc::new(Webhooks::new([], Arc::new(AwsLc)));
        let watched = Watched { store: store.clone(), webhooks, lists: Arc::default() };
        gauges.look(&watched).await;
        assert_eq!(gauges.notes_unlinked.get(), 1);
        store.close().await.unwrap();
        gauges.look(&watched).await;
        assert_eq!(gauges.notes_unlinked.get(), 1, "what it said last is left");
    }

    #[tokio::test]
    async fn a_store_works_until_it_refuses_what_is_written() {
        let store = MemoryStore::new();
        assert_eq!(Writing::tried(&store, Writing::Full).await, Writing::Works);
        store.close().await.unwrap();
        let closed = Writing::Fails("store_closed");
        assert_eq!(Writing::tried(&store, Writing::Works).await, closed);
    }
}
