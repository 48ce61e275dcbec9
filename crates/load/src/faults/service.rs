//! Whom a fault does not concern is served as if it did not happen.

use std::time::Duration;

use super::trials::Trial;
use crate::failure::Failure;

/// How long others may always wait, whatever they waited for before.
const MOST_WAITED: Duration = Duration::from_secs(1);

impl Trial {
    /// Lets the crowd play beside nobody, and says what it waits for on this machine, in this minute.
    pub(super) async fn plays_alone(&mut self, lasts: Duration) -> Result<Duration, Failure> {
        self.while_playing(async |_| {
            tokio::time::sleep(lasts).await;
            Ok(())
        })
        .await?;
        Ok(slowest(&std::mem::take(&mut self.facts.borrow_mut().latencies)))
    }

    /// Holds the server to have let nobody wait in vain, and nobody much longer than alone.
    pub(super) fn is_served_as(&self, rule: &str, alone: Duration) {
        let beside = slowest(&self.facts.borrow().latencies);
        if beside > MOST_WAITED.max(alone * 3) {
            self.broken(format!("{rule}: others wait {beside:.1?} instead of {alone:.1?}"));
        }
        self.is_determined(rule);
    }

    /// Holds the server to have answered every step.
    pub(super) fn is_determined(&self, rule: &str) {
        let unknown = self.ledger.tally().unknown;
        if unknown > 0 {
            let why = self.why_open();
            self.broken(format!("{rule}: it is open what became of {unknown} steps: {why}"));
        }
    }

    /// Why it is open what became of some steps: the first reasons.
    pub(super) fn why_open(&self) -> String {
        Vec::from_iter(self.facts.borrow().open.iter().take(3).cloned()).join("; ")
    }
}

/// What 99 of 100 steps took at most.
fn slowest(latencies: &[Duration]) -> Duration {
    let mut sorted = latencies.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() * 99 / 100).copied().unwrap_or_default()
}
