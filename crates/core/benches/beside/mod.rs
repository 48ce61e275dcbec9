//! An operation beside its floor: measured in turns, so that a busy machine slows both alike.

use std::{
    env, fs,
    future::Future,
    path::Path,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use lanyard_core::json;
use serde_json::Value;

/// How often each side of a comparison gets its turn, and for how many operations.
const TURNS: usize = 200;
const OPERATIONS: usize = 20;

pub(crate) type Operation<'s> = Box<dyn Fn() + 's>;

/// How long an operation took in each turn, from the fastest to the slowest.
pub(crate) struct Turns(Vec<Duration>);

impl Turns {
    pub(crate) fn median(&self) -> Duration {
        self.0[self.0.len() / 2]
    }

    /// What it takes when nothing else runs on the machine.
    pub(crate) fn fastest(&self) -> Duration {
        self.0[0]
    }
}

/// Many turns, each side right after the other.
pub(crate) fn in_turns(operation: &dyn Fn(), floor: &dyn Fn()) -> (Turns, Turns) {
    let turn = |what: &dyn Fn()| {
        let start = Instant::now();
        (0..OPERATIONS).for_each(|_| what());
        start.elapsed() / u32::try_from(OPERATIONS).expect("it is small")
    };
    let (mut operations, mut floors): (Vec<_>, Vec<_>) =
        (0..TURNS).map(|_| (turn(operation), turn(floor))).unzip();
    operations.sort_unstable();
    floors.sort_unstable();
    (Turns(operations), Turns(floors))
}

pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => unreachable!("a key in memory signs at once"),
    }
}

/// A workload in `LANYARD_BENCH` (else `../shared/bench` beside the repository).
pub(crate) fn workload(name: &str) -> Value {
    let folder = env::var("LANYARD_BENCH")
        .unwrap_or_else(|_| format!("{}/../../../shared/bench", env!("CARGO_MANIFEST_DIR")));
    let text = fs::read(Path::new(&folder).join(name));
    let text = text.expect("the workload is in LANYARD_BENCH or ../shared/bench");
    json::parse(&text).expect("the workload is JSON")
}
