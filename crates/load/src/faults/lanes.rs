//! Faults that know nothing of each other happen at the same time: each to servers of its own, on a thread of its
//! own, and so by a clock of its own.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

use crate::{clock, failure::Failure};

/// One fault, to be begun on the thread that it happens on.
pub(super) type Work<'w, T> = Box<dyn FnOnce() -> Happening<'w, T> + Send + 'w>;

/// A fault on its way.
pub(super) type Happening<'w, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + 'w>>;

/// Has so many faults happen at once until all have, and tells what came of each in their order: one that cannot be
/// played to its end does not keep the others from it.
pub(super) fn happen<T: Send>(
    lanes: usize,
    works: Vec<Work<'_, T>>,
    mut tell: impl FnMut(Result<T, Failure>),
) {
    let works = Mutex::new(works.into_iter().enumerate());
    let (done, came) = mpsc::channel();
    thread::scope(|lanes_end| {
        for _ in 0..lanes {
            let (works, done) = (&works, done.clone());
            lanes_end.spawn(move || {
                loop {
                    let next = works.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((nth, work)) = next else { return };
                    if done.send((nth, on_this_thread(work))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        let (mut early, mut next) = (BTreeMap::new(), 0);
        for (nth, outcome) in came {
            early.insert(nth, outcome);
            while let Some(first) = early.remove(&next) {
                tell(first);
                next += 1;
            }
        }
    });
}

fn on_this_thread<T>(work: Work<'_, T>) -> Result<T, Failure> {
    clock::put_ahead(0);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(work())
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    fn work<'w, T>(begin: impl AsyncFnOnce() -> Result<T, Failure> + Send + 'w) -> Work<'w, T> {
        Box::new(move || Box::pin(async move { begin().await }))
    }

    #[test]
    fn faults_happen_at_once_each_by_its_own_clock_and_are_told_in_their_order() {
        let both = Barrier::new(2);
        let by = |seconds, is_first: bool| {
            let both = &both;
            work(async move || {
                clock::put_ahead(seconds);
                both.wait();
                if !is_first {
                    // the first is told first, though it ends last
                    return Ok(clock::ahead());
                }
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                Ok(clock::ahead())
            })
        };
        let mut told = Vec::new();
        happen(2, vec![by(7, true), by(-7, false)], |ahead| told.push(ahead.unwrap()));
        assert_eq!(told, [7, -7]);
    }

    #[test]
    fn after_a_failure_the_others_happen_all_the_same() {
        let begin =
            |nth, fails| work(async move || if fails { Err(Failure::ServerGone) } else { Ok(nth) });
        let mut told = Vec::new();
        let works = vec![begin(1, false), begin(2, true), begin(3, false)];
        happen(1, works, |came| told.push(came));
        assert!(matches!(told[..], [Ok(1), Err(Failure::ServerGone), Ok(3)]));
    }
}
