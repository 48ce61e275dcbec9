//! What another server said about itself, kept for a while.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use lanyard_service::OneAsks;

/// Something that is fetched when it is wanted, for all who want it at once.
#[derive(Debug)]
pub(super) struct Kept<T> {
    known: Mutex<Option<(T, Timestamp)>>,
    one: OneAsks,
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self { known: Mutex::default(), one: OneAsks::default() }
    }
}

impl<T: Clone> Kept<T> {
    /// What is known, at most so old.
    pub(super) async fn at_most<E, Fetched>(
        &self,
        oldest: SignedDuration,
        now: Timestamp,
        fetch: impl Fn() -> Fetched,
    ) -> Result<T, E>
    where
        Fetched: Future<Output = Result<T, E>>,
    {
        let look = || {
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let fresh =
                known.as_ref().filter(|(_, since)| now.duration_since(*since).abs() < oldest);
            fresh.map(|(known, _)| known.clone())
        };
        let ask = || async {
            let fetched = fetch().await?;
            *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some((fetched, now));
            Ok(())
        };
        self.one.until(look, ask).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_fetched_is_kept_as_long_as_it_is_young_enough() {
        let kept = Kept::default();
        let life = SignedDuration::from_mins(10);
        let at = |minutes| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes);
        for (minutes, answer, told) in [(0, 1, 1), (9, 2, 1), (10, 3, 3), (5, 4, 3), (-1, 5, 5)] {
            let got = kept.at_most(life, at(minutes), async || Ok::<_, &str>(answer)).await;
            assert_eq!(got, Ok(told), "after {minutes} minutes");
        }
        let fails = kept.at_most(SignedDuration::ZERO, at(-1), async || Err("away")).await;
        assert_eq!(fails, Err("away"));
        let still = kept.at_most(life, at(-1), async || Err("away")).await;
        assert_eq!(still, Ok(5), "a failure takes nothing away");
    }
}
