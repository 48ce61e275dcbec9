//! What is kept for a while, and fetched once however many ask for it at the same time.

use std::{
    any::Any,
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant},
};

use moka::{Expiry, future::Cache};

/// Values of one type by their names, bounded by their weight.
///
/// The cache beneath is the same for every type: its code is large, and copies of it for five types were more than
/// 100 kB of an app.
pub(crate) struct Kept<V> {
    entries: Cache<String, Entry>,
    rules: Rules<V>,
}

/// How much of the bound a value takes by its name, and for how long it serves; for ever where that is none.
type Rules<V> = Arc<dyn Fn(&str, &V) -> (usize, Option<Duration>) + Send + Sync>;

#[derive(Clone)]
struct Entry {
    value: Arc<dyn Any + Send + Sync>,
    weight: u32,
    serves: Option<Duration>,
}

impl<V: Clone + Send + Sync + 'static> Kept<V> {
    /// A memory for values of so much weight at most.
    pub(crate) fn new(
        most: u64,
        rules: impl Fn(&str, &V) -> (usize, Option<Duration>) + Send + Sync + 'static,
    ) -> Self {
        let entries = Cache::builder()
            .max_capacity(most)
            .weigher(|_: &String, entry: &Entry| entry.weight)
            .expire_after(AsRuled)
            .build();
        Self { entries, rules: Arc::new(rules) }
    }

    /// What is kept under a name.
    pub(crate) async fn kept(&self, name: &str) -> Option<V> {
        self.entries.get(name).await.map(|entry| value(&entry))
    }

    /// What is kept under a name, or what is fetched now: once for all who ask meanwhile.
    pub(crate) async fn kept_or(&self, name: &str, fetch: impl Future<Output = V> + Send) -> V {
        // a look-up by reference first: the name is copied for the first of many alone
        if let Some(kept) = self.kept(name).await {
            return kept;
        }
        let fetch: Pin<Box<dyn Future<Output = Entry> + Send + '_>> =
            Box::pin(async { self.entry(name, fetch.await) });
        value(&self.entries.get_with(name.to_owned(), fetch).await)
    }

    /// Keeps a value under a name, in place of any other.
    pub(crate) async fn keep(&self, name: &str, value: V) {
        self.entries.insert(name.to_owned(), self.entry(name, value)).await;
    }

    fn entry(&self, name: &str, value: V) -> Entry {
        let (weight, serves) = (self.rules)(name, &value);
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        Entry { value: Arc::new(value), weight, serves }
    }
}

fn value<V: Clone + 'static>(entry: &Entry) -> V {
    entry.value.downcast_ref::<V>().expect("only `keep` and `kept_or` fill it").clone()
}

impl<V> Clone for Kept<V> {
    fn clone(&self) -> Self {
        Self { entries: self.entries.clone(), rules: Arc::clone(&self.rules) }
    }
}

struct AsRuled;

impl Expiry<String, Entry> for AsRuled {
    fn expire_after_create(&self, _: &String, entry: &Entry, _: Instant) -> Option<Duration> {
        entry.serves
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_heavier_than_the_bound_is_not_kept() {
        let kept = Kept::new(10, |_, text: &String| (text.len(), None));
        kept.keep("light", "0123456789".to_owned()).await;
        kept.keep("heavy", "0123456789a".to_owned()).await;
        kept.entries.run_pending_tasks().await;
        assert_eq!(kept.kept("light").await.as_deref(), Some("0123456789"));
        assert_eq!(kept.kept("heavy").await, None);
    }

    #[tokio::test]
    async fn what_has_no_time_serves_and_what_has_none_left_does_not() {
        let kept = Kept::new(10, |_, left: &Option<Duration>| (1, *left));
        assert_eq!(kept.kept_or("for ever", async { None }).await, None);
        kept.kept_or("over", async { Some(Duration::ZERO) }).await;
        assert_eq!(kept.kept("for ever").await, Some(None));
        assert_eq!(kept.kept("over").await, None);
    }
}
