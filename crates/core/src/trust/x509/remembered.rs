//! The newest few of what was once found out at a price.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// How many are remembered. Only what an anchor stands behind is, so nobody else makes room.
const MOST: usize = 64;

/// The newest last; clones remember together.
#[derive(Clone)]
pub(super) struct Remembered<T>(Arc<Mutex<VecDeque<T>>>);

impl<T: Clone> Remembered<T> {
    pub(super) fn find(&self, wanted: impl FnMut(&&T) -> bool) -> Option<T> {
        self.known().iter().find(wanted).cloned()
    }

    /// Remembers it, unless the same is known already; the oldest makes room.
    pub(super) fn add(&self, new: T, same: impl FnMut(&T) -> bool) {
        let mut known = self.known();
        if known.iter().any(same) {
            return;
        }
        if known.len() == MOST {
            known.pop_front();
        }
        known.push_back(new);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.known().len()
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone> fmt::Debug for Remembered<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Remembered({})", self.known().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remembered(numbers: impl IntoIterator<Item = usize>) -> Remembered<usize> {
        let remembered = Remembered::default();
        for number in numbers {
            remembered.add(number, |known| *known == number);
        }
        remembered
    }

    #[test]
    fn every_clone_knows_what_one_remembers() {
        let remembered = remembered([]);
        remembered.clone().add(7, |_| false);
        assert_eq!(remembered.find(|number| **number == 7), Some(7));
        assert_eq!(remembered.find(|number| **number == 8), None);
    }

    #[test]
    fn nothing_is_remembered_twice() {
        assert_eq!(remembered([7, 7]).len(), 1);
    }

    #[test]
    fn the_oldest_makes_room() {
        let remembered = remembered(0..=MOST);
        assert_eq!(remembered.len(), MOST);
        assert_eq!(remembered.find(|number| **number == 0), None);
        assert_eq!(remembered.find(|number| **number == MOST), Some(MOST));
    }
}
