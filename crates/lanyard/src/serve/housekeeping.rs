//! What nobody asks for any more is deleted while the server runs.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use lanyard_store::{OnceStore as _, SessionStore as _, SqliteStore};
use tokio::{sync::watch, time::MissedTickBehavior};

/// How often it is looked for.
const INTERVAL: Duration = Duration::from_secs(60);

/// For how long an expired session still says that it has expired.
const GRACE: SignedDuration = SignedDuration::from_hours(24);

/// How much is deleted at once: a write that keeps nobody waiting.
const PORTION: u32 = 500;

/// Deletes until the server stops.
pub(super) fn keep_house(store: Arc<SqliteStore>, mut shutdown: watch::Receiver<bool>) {
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => sweep(&store).await,
                stopped = shutdown.changed() => {
                    if stopped.is_err() || *shutdown.borrow() {
                        return;
                    }
                }
            }
        }
    });
}

async fn sweep(store: &SqliteStore) {
    let now = Timestamp::now();
    let sessions = store.purge_expired(now - GRACE, PORTION).await;
    let seen = store.purge_once(now, PORTION).await;
    for failed in [sessions.err(), seen.err()].into_iter().flatten() {
        tracing::warn!(reason = failed.reason(), "housekeeping");
    }
}
