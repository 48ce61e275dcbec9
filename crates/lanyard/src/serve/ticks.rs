//! What is done again and again until the server stops.

use std::time::Duration;

use tokio::{
    sync::watch,
    time::{Interval, MissedTickBehavior},
};

/// A clock that ends with the server.
pub(super) struct Ticks {
    interval: Interval,
    shutdown: watch::Receiver<bool>,
}

impl Ticks {
    /// Ticks at once, and then this long after whatever was done.
    pub(super) fn every(interval: Duration, shutdown: watch::Receiver<bool>) -> Self {
        let mut interval = tokio::time::interval(interval);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { interval, shutdown }
    }

    /// Waits for the next tick; false once the server stops.
    pub(super) async fn next(&mut self) -> bool {
        tokio::select! {
            // nothing is begun that a stopping server would wait for
            biased;
            _ = self.shutdown.wait_for(|stops| *stops) => false,
            _ = self.interval.tick() => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So long that a second tick never comes in a test.
    const HOUR: Duration = Duration::from_secs(3600);

    async fn next(ticks: &mut Ticks) -> bool {
        let next = tokio::time::timeout(Duration::from_secs(10), ticks.next()).await;
        next.expect("nothing to wait for")
    }

    #[tokio::test]
    async fn ticks_at_once_and_again_and_no_more_once_the_server_stops() {
        let (stop, stopping) = watch::channel(false);
        let mut often = Ticks::every(Duration::from_millis(1), stopping.clone());
        assert!(next(&mut often).await && next(&mut often).await);
        let mut seldom = Ticks::every(HOUR, stopping);
        assert!(next(&mut seldom).await);
        stop.send(true).unwrap();
        assert!(!next(&mut seldom).await);
        assert!(!next(&mut often).await, "not even a tick that is due");
    }

    #[tokio::test]
    async fn a_server_that_is_gone_is_a_server_that_stops() {
        let (stop, stopping) = watch::channel(false);
        let mut ticks = Ticks::every(HOUR, stopping);
        drop(stop);
        assert!(!next(&mut ticks).await);
    }
}
