//! Status lists are fetched while nobody shows a credential, so that no issuer learns when one is shown.

use std::time::Duration;

use jiff::SignedDuration;
use lanyard_verifier::VerifierService;
use tokio::{sync::watch, time::MissedTickBehavior};

/// How often it is looked which lists are due.
const INTERVAL: Duration = Duration::from_secs(30);

/// A list is due before it goes stale, and early enough for the next look to come too late.
const AHEAD: SignedDuration = SignedDuration::from_secs(45);

/// Fetches until the server stops.
pub(super) fn fetch_ahead(verifier: VerifierService, mut shutdown: watch::Receiver<bool>) {
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                stopped = shutdown.wait_for(|stops| *stops) => {
                    drop(stopped);
                    return;
                }
            }
            let lists = verifier.refresh_status_lists(AHEAD).await;
            if lists > 0 {
                tracing::debug!(lists, "status lists fetched ahead");
            }
        }
    });
}
