//! What waits for the writer, and when it is woken: once for a group, not once for each write.
//!
//! Whoever puts a write here first lets every task run that can; each of them may have one, too. The next
//! commit takes them all, and a lone writer waits for nobody.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::writer::Command;
use crate::{StoreError, Unavailability};

/// How many writes share one commit at most: bounds how long the first of them waits.
pub(super) const LARGEST_GROUP: usize = 256;

/// How many writes may wait. Whoever comes later is told to try again, at once.
const LONGEST_QUEUE: usize = 4096;

/// Tells whoever closes the store how that went.
pub(super) type Closer = Option<oneshot::Sender<Result<(), StoreError>>>;

/// What waits.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    ready: Condvar,
}

#[derive(Default)]
struct Waiting {
    commands: VecDeque<Box<dyn Command>>,
    closers: Vec<Closer>,
    /// Somebody is going to wake the writer.
    is_promised: bool,
    /// The writer has been woken for what waits.
    is_due: bool,
    is_closed: bool,
}

/// The promise to wake the writer, kept when it is dropped.
#[must_use]
pub(super) struct Promise<'q>(&'q Queue);

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.is_promised = false;
        waiting.is_due = true;
        drop(waiting);
        self.0.ready.notify_one();
    }
}

impl Queue {
    /// Lets a write wait for its group; the first of a group has to wake the writer.
    pub(super) fn put(&self, command: Box<dyn Command>) -> Result<Option<Promise<'_>>, StoreError> {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return Err(StoreError::unavailable(Unavailability::Closed));
        }
        if waiting.commands.len() >= LONGEST_QUEUE {
            return Err(StoreError::unavailable(Unavailability::Overloaded));
        }
        waiting.commands.push_back(command);
        let is_first = !std::mem::replace(&mut waiting.is_promised, true);
        // made for the first alone: whoever drops one wakes the writer
        Ok(is_first.then(|| Promise(self)))
    }

    /// Asks the writer to write what waits and to end; says whether it has not already.
    pub(super) fn stop(&self, closer: Closer) -> bool {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return false;
        }
        waiting.closers.push(closer);
        drop(waiting);
        self.ready.notify_one();
        true
    }

    /// Sleeps until somebody wakes the writer. Empty when the store is to be closed, or when what waited has
    /// been taken meanwhile.
    pub(super) fn gather(&self) -> Vec<Box<dyn Command>> {
        let asleep = |waiting: &mut Waiting| !waiting.is_due && waiting.closers.is_empty();
        let woken = self.ready.wait_while(self.lock(), asleep);
        let mut waiting = woken.unwrap_or_else(PoisonError::into_inner);
        waiting.is_due = false;
        let group = waiting.take(LARGEST_GROUP);
        // what is left needs nobody to wake the writer again
        waiting.is_due = !waiting.commands.is_empty();
        group
    }

    /// Up to `most` of what waits now.
    pub(super) fn take(&self, most: usize) -> Vec<Box<dyn Command>> {
        self.lock().take(most)
    }

    /// Whether somebody asked to close the store.
    pub(super) fn is_stopped(&self) -> bool {
        !self.lock().closers.is_empty()
    }

    /// Takes nothing more in.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
    }

    /// Whoever wants to know that the store is closed.
    pub(super) fn closers(&self) -> Vec<Closer> {
        std::mem::take(&mut self.lock().closers)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn take(&mut self, most: usize) -> Vec<Box<dyn Command>> {
        let most = most.min(self.commands.len());
        self.commands.drain(..most).collect()
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    struct Nothing;

    impl Command for Nothing {
        fn abandoned(&self) -> bool {
            false
        }

        fn run(&mut self, _: &Connection) -> Result<(), StoreError> {
            Ok(())
        }

        fn answer(self: Box<Self>, _: Result<(), StoreError>) {}
    }

    #[test]
    fn the_first_write_of_a_group_alone_wakes_the_writer_for_all_of_them() {
        let queue = Queue::default();
        let first = queue.put(Box::new(Nothing)).unwrap();
        assert!(first.is_some());
        assert!(queue.put(Box::new(Nothing)).unwrap().is_none());
        assert!(!queue.lock().is_due, "not before everything has run that can");
        drop(first);
        assert_eq!(queue.gather().len(), 2);
        assert!(queue.put(Box::new(Nothing)).unwrap().is_some(), "the next group has a first too");
    }

    #[test]
    fn what_no_group_has_room_for_is_gathered_without_another_promise() {
        let queue = Queue::default();
        let promises: Vec<_> =
            (0..=LARGEST_GROUP).map(|_| queue.put(Box::new(Nothing)).unwrap()).collect();
        drop(promises);
        assert_eq!(queue.gather().len(), LARGEST_GROUP);
        assert_eq!(queue.gather().len(), 1);
    }
}
