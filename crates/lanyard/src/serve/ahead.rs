//! Status lists are fetched while nobody shows a credential, so that no issuer learns when one is shown.

use std::time::Duration;

use jiff::SignedDuration;
use lanyard_verifier::VerifierService;
use tokio::sync::watch;

use super::ticks::Ticks;

/// How often it is looked which lists are due.
const INTERVAL: Duration = Duration::from_secs(30);

/// A list is due before it goes stale, and early enough for the next look to come too late.
const AHEAD: SignedDuration = SignedDuration::from_secs(45);

/// Fetches until the server stops.
pub(super) fn fetch_ahead(verifier: VerifierService, shutdown: watch::Receiver<bool>) {
    tokio::spawn(async move {
        let mut ticks = Ticks::every(INTERVAL, shutdown);
        while ticks.next().await {
            let lists = verifier.refresh_status_lists(AHEAD).await;
            if lists > 0 {
                tracing::debug!(lists, "status lists fetched ahead");
            }
        }
    });
}
