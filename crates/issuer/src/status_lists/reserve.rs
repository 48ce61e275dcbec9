//! Numbers that were reserved in the store, given out without waiting for each other.

use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
};

use lanyard_service::OneAsks;
use lanyard_store::StoreError;

/// What is left of what was reserved.
#[derive(Debug, Default)]
pub(super) struct Reserve {
    left: Mutex<Range<u64>>,
    one: OneAsks,
}

impl Reserve {
    /// So many numbers that nobody else gets; `more` reserves others when too few are left.
    pub(super) async fn take<More>(
        &self,
        count: usize,
        more: impl Fn() -> More,
    ) -> Result<Vec<u64>, StoreError>
    where
        More: Future<Output = Result<Range<u64>, StoreError>>,
    {
        let mut taken = Vec::with_capacity(count);
        let look = || {
            self.with_left(|left| taken.extend(left.take(count - taken.len())));
            (taken.len() == count).then(|| std::mem::take(&mut taken))
        };
        let ask = || async {
            let numbers = more().await?;
            self.with_left(|left| *left = numbers);
            Ok(())
        };
        self.one.until(look, ask).await
    }

    fn with_left(&self, change: impl FnOnce(&mut Range<u64>)) {
        change(&mut self.left.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::{
            Arc,
            atomic::{AtomicU64, Ordering},
        },
    };

    use tokio::task::{JoinSet, yield_now};

    use super::*;

    #[tokio::test]
    async fn everybody_gets_as_many_numbers_as_asked_for_and_none_is_left_out_or_given_twice() {
        let (reserve, next) = (Arc::new(Reserve::default()), Arc::new(AtomicU64::new(0)));
        let mut takers = JoinSet::new();
        for nth in 0..100 {
            let (reserve, next) = (Arc::clone(&reserve), Arc::clone(&next));
            let more = move || {
                let first = next.fetch_add(10, Ordering::Relaxed);
                async move {
                    yield_now().await;
                    Ok(first..first + 10)
                }
            };
            let count = 1 + nth % 25;
            takers.spawn(async move { (count, reserve.take(count, more).await) });
        }
        let mut all = Vec::new();
        for (count, taken) in takers.join_all().await {
            let taken = taken.unwrap();
            assert_eq!(taken.len(), count);
            all.extend(taken);
        }
        let different: BTreeSet<_> = all.iter().copied().collect();
        assert_eq!(different, (0..all.len() as u64).collect());
    }
}
