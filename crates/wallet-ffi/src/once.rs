//! A value that is used once.

use std::sync::{Mutex, PoisonError};

/// The value was used before.
pub(crate) struct Used;

/// Holds a step until it is taken.
#[derive(Debug)]
pub(crate) struct Once<T>(Mutex<Option<T>>);

impl<T> Once<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(Some(value)))
    }

    /// The value, for the first who asks.
    pub(crate) fn take(&self) -> Result<T, Used> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(Used)
    }

    /// Puts back what can be used again.
    pub(crate) fn put(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    /// Looks at the value while it is there.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&T) -> R) -> Result<R, Used> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(look).ok_or(Used)
    }
}
