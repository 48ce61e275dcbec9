//! What waits for the writer, and when it is woken: once for a group, not once for each write.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use super::writer::Command;
use crate::{StoreError, Unavailability};

/// How many writes share one commit at most: bounds how long the first of them waits.
pub(super) const LARGEST_GROUP: usize = 256;

/// How many writes may wait. Whoever comes later is told to try again, at once.
const LONGEST_QUEUE: usize = 4096;

/// How long a commit waits at most for as many writes as the one before had. Under load most of them
/// are on their way already, and a larger group costs one sync as well.
const PATIENCE: Duration = Duration::from_micros(1_500);

/// Tells whoever closes the store how that went.
pub(super) type Closer = Option<oneshot::Sender<Result<(), StoreError>>>;

/// What waits.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    enough: Condvar,
}

#[derive(Default)]
struct Waiting {
    commands: VecDeque<Box<dyn Command>>,
    closers: Vec<Closer>,
    /// How many commands the writer sleeps for; none while it is awake.
    wanted: Option<usize>,
    is_closed: bool,
}

impl Waiting {
    fn lacks(&self, wanted: usize) -> bool {
        self.commands.len() < wanted && self.closers.is_empty()
    }
}

impl Queue {
    /// Lets a write wait for its group.
    pub(super) fn put(&self, command: Box<dyn Command>) -> Result<(), StoreError> {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return Err(StoreError::unavailable(Unavailability::Closed));
        }
        if waiting.commands.len() >= LONGEST_QUEUE {
            return Err(StoreError::unavailable(Unavailability::Overloaded));
        }
        waiting.commands.push_back(command);
        let is_enough = waiting.wanted == Some(waiting.commands.len());
        drop(waiting);
        if is_enough {
            self.enough.notify_one();
        }
        Ok(())
    }

    /// Asks the writer to write what waits and to end; says whether it has not already.
    pub(super) fn stop(&self, closer: Closer) -> bool {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return false;
        }
        waiting.closers.push(closer);
        drop(waiting);
        self.enough.notify_one();
        true
    }

    /// Sleeps until something is to be written, and a little longer for a group of the `usual` size: a lone
    /// writer never waits for anybody. Empty when the store is to be closed.
    pub(super) fn gather(&self, usual: usize) -> Vec<Box<dyn Command>> {
        let mut waiting = self.lock();
        waiting.wanted = Some(1);
        let asleep = self.enough.wait_while(waiting, |waiting| waiting.lacks(1));
        waiting = asleep.unwrap_or_else(PoisonError::into_inner);
        if waiting.lacks(usual) {
            waiting.wanted = Some(usual);
            let lacks = |waiting: &mut Waiting| waiting.lacks(usual);
            let asleep = self.enough.wait_timeout_while(waiting, PATIENCE, lacks);
            waiting = asleep.unwrap_or_else(PoisonError::into_inner).0;
        }
        waiting.wanted = None;
        waiting.take(LARGEST_GROUP)
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
