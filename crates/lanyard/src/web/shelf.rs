//! What waits for a person's next click: bounded in number and in time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lanyard_core::{
    crypto::{AwsLc, Random as _},
    json,
};

/// How many things wait at most; the oldest goes first.
const MOST: usize = 512;
/// How long a thing waits.
const LONGEST: Duration = Duration::from_secs(30 * 60);

/// Things by an unguessable name.
pub(super) struct Shelf<T>(Mutex<HashMap<String, (Instant, T)>>);

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self(Mutex::new(HashMap::new()))
    }
}

impl<T> Shelf<T> {
    /// Puts a thing under a fresh name.
    pub(super) fn put(&self, thing: T) -> String {
        let mut random = [0; 16];
        AwsLc.fill(&mut random);
        let name = json::base64url(random);
        self.put_as(name.clone(), thing);
        name
    }

    /// Puts a thing under a given name.
    pub(super) fn put_as(&self, name: String, thing: T) {
        let mut things = self.things();
        let now = Instant::now();
        things.retain(|_, (since, _)| now.duration_since(*since) < LONGEST);
        if things.len() >= MOST {
            let oldest =
                things.iter().min_by_key(|(_, (since, _))| *since).map(|(name, _)| name.clone());
            oldest.and_then(|name| things.remove(&name));
        }
        things.insert(name, (now, thing));
    }

    /// Takes a thing away.
    pub(super) fn take(&self, name: &str) -> Option<T> {
        self.things().remove(name).map(|(_, thing)| thing)
    }

    /// Looks at a thing.
    pub(super) fn look<R>(&self, name: &str, look: impl FnOnce(&T) -> R) -> Option<R> {
        self.things().get(name).map(|(_, thing)| look(thing))
    }

    fn things(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Instant, T)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Shelf};

    #[test]
    fn a_full_shelf_gives_its_oldest_thing_up() {
        let shelf = Shelf::default();
        let names: Vec<_> = (0..=MOST).map(|thing| shelf.put(thing)).collect();
        assert_eq!(shelf.take(&names[0]), None);
        assert_eq!(shelf.take(&names[MOST]), Some(MOST));
    }
}
