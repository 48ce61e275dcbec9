//! What many want at once is asked for once.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// One of those who want something asks for it, and the others wait until it is there.
///
/// A lock that is waited for would do, but is handed from one to the next, each of whom needs a turn on the processor
/// to have it for a moment: where many come at once, one in a turn goes on, and whoever comes later waits behind all of
/// them. Here all go on at once.
#[derive(Debug, Default)]
pub struct OneAsks {
    is_asked: AtomicBool,
    answered: Notify,
}

impl OneAsks {
    /// What `look` finds. While it finds nothing, one caller has `ask` bring it, and the others look again afterwards.
    ///
    /// Where asking fails, or whoever asks is no longer waited for, the next one asks.
    ///
    /// # Errors
    /// That of `ask`, for the one who asked.
    pub async fn until<T, E, Asked>(
        &self,
        mut look: impl FnMut() -> Option<T>,
        ask: impl Fn() -> Asked,
    ) -> Result<T, E>
    where
        Asked: Future<Output = Result<(), E>>,
    {
        loop {
            // made before anybody looks, or the word could come in between
            let answered = self.answered.notified();
            if let Some(found) = look() {
                return Ok(found);
            }
            if self.is_asked.swap(true, Ordering::AcqRel) {
                answered.await;
                continue;
            }
            let _asking = Asking(self);
            // somebody may have been answered in between
            if let Some(found) = look() {
                return Ok(found);
            }
            ask().await?;
        }
    }
}

/// Somebody asks, until this is dropped.
struct Asking<'o>(&'o OneAsks);

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.is_asked.store(false, Ordering::Release);
        self.0.answered.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        task::Poll,
    };

    use tokio::{
        sync::Semaphore,
        task::{JoinSet, yield_now},
    };

    use super::*;

    /// Something that is there once somebody has asked for it, which takes until it is let.
    struct Thing {
        one: OneAsks,
        is_there: AtomicBool,
        lets: Semaphore,
        asked: AtomicUsize,
    }

    impl Thing {
        fn new() -> Arc<Self> {
            Arc::new(Self {
                one: OneAsks::default(),
                is_there: AtomicBool::new(false),
                lets: Semaphore::new(0),
                asked: AtomicUsize::new(0),
            })
        }

        async fn get(&self) -> Result<(), &'static str> {
            let look = || self.is_there.load(Ordering::Relaxed).then_some(());
            let ask = async || {
                self.asked.fetch_add(1, Ordering::Relaxed);
                self.lets.acquire().await.map_err(|_| "nobody is there")?.forget();
                self.is_there.store(true, Ordering::Relaxed);
                Ok(())
            };
            self.one.until(look, ask).await
        }
    }

    /// Lets everybody else have a turn who waits for one.
    async fn to_the_back() {
        let mut is_first = true;
        poll_fn(|context| {
            if std::mem::take(&mut is_first) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }

    #[tokio::test]
    async fn one_asks_and_all_go_on_at_once_not_one_in_a_turn() {
        let (thing, turns) = (Thing::new(), Arc::new(AtomicUsize::new(0)));
        let mut all = JoinSet::new();
        for _ in 0..100 {
            let (thing, turns) = (Arc::clone(&thing), Arc::clone(&turns));
            all.spawn(async move { thing.get().await.map(|()| turns.load(Ordering::Relaxed)) });
        }
        yield_now().await;
        let (count, lets) = (Arc::clone(&turns), Arc::clone(&thing));
        let bystander = tokio::spawn(async move {
            lets.lets.add_permits(1);
            loop {
                to_the_back().await;
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let after = all.join_all().await.into_iter().map(Result::unwrap).max();
        bystander.abort();
        assert_eq!(thing.asked.load(Ordering::Relaxed), 1);
        assert!(after < Some(5), "the last of a hundred goes on after {after:?} turns of others");
    }

    #[tokio::test]
    async fn whoever_gives_up_while_asking_leaves_it_to_the_next() {
        let thing = Thing::new();
        let get = |thing: &Arc<Thing>| {
            let thing = Arc::clone(thing);
            tokio::spawn(async move { thing.get().await })
        };
        let gives_up = get(&thing);
        yield_now().await;
        let waits = get(&thing);
        yield_now().await;
        gives_up.abort();
        thing.lets.add_permits(1);
        assert_eq!(waits.await.unwrap(), Ok(()));
        assert_eq!(thing.asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn a_failure_is_told_to_whoever_asked_and_the_next_asks_again() {
        let one = OneAsks::default();
        let nothing = || None::<()>;
        assert_eq!(one.until(nothing, async || Err("away")).await, Err("away"));
        let mut looks = 0;
        let look = || {
            looks += 1;
            (looks > 2).then_some("there")
        };
        assert_eq!(one.until(look, async || Ok::<_, &str>(())).await, Ok("there"));
    }
}
