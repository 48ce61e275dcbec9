//! What the tests of DIDs share.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
};

/// Nothing in these tests waits for anything, so one poll is enough.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let poll = pin!(future).poll(&mut Context::from_waker(Waker::noop()));
    let ready = match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    };
    ready.expect("a future without network does not wait")
}
