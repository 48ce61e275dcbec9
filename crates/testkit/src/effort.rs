//! How much work something was: the time of this thread on a processor, whatever else the machine does.

use std::{
    fs,
    time::{Duration, Instant},
};

/// A stopwatch of one thread.
#[derive(Debug)]
pub struct Effort {
    started: Instant,
    on_cpu: Option<Duration>,
}

impl Effort {
    /// Starts it.
    pub fn start() -> Self {
        Self { on_cpu: on_cpu(), started: Instant::now() }
    }

    /// What was spent since then; by the wall clock where the system keeps no account of threads.
    pub fn spent(&self) -> Duration {
        match (self.on_cpu, on_cpu()) {
            (Some(before), Some(now)) => now - before,
            _ => self.started.elapsed(),
        }
    }
}

/// The first number of Linux' `schedstat`: nanoseconds on a processor.
fn on_cpu() -> Option<Duration> {
    let account = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    account.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
