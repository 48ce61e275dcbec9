//! An operation beside its floor, or beside another: measured in turns, so that a busy machine slows both alike.

use std::{
    env,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use criterion::Criterion;

/// How often each side of a comparison gets its turn, and for how many operations.
const TURNS: usize = 200;
const OPERATIONS: usize = 20;

pub(crate) type Operation<'s> = Box<dyn Fn() + 's>;

/// Operations by name, each with its floor.
pub(crate) type Operations<'s> = Vec<(&'static str, Operation<'s>, Operation<'s>)>;

/// Prints each operation beside its floor, or beside whatever else `other` says; then criterion measures
/// each alone.
///
/// A group is named by what is measured and by the provider.
pub(crate) fn run(other: &str, groups: &[(String, Operations<'_>)]) {
    // a profiler wants to see one operation, not all of them
    let is_profiled = env::args().any(|argument| argument == "--profile-time");
    for (group, operations) in groups.iter().filter(|_| !is_profiled) {
        for (name, operation, floor) in operations {
            let (operation, floor) = in_turns(operation, floor);
            let ratio = |of: fn(&Turns) -> Duration| {
                of(&operation).as_secs_f64() / of(&floor).as_secs_f64()
            };
            println!(
                "{group:<34} {name:<36} {:>8.1} µs   {other} {:>8.1} µs   ratio {:.2}   undisturbed {:.2}",
                operation.median().as_secs_f64() * 1e6,
                floor.median().as_secs_f64() * 1e6,
                ratio(Turns::median),
                ratio(Turns::fastest),
            );
        }
    }
    let mut criterion = Criterion::default().configure_from_args();
    for (group, operations) in groups {
        let mut group = criterion.benchmark_group(group);
        for (name, operation, floor) in operations {
            group.bench_function(*name, |bencher| bencher.iter(operation));
            group.bench_function(format!("{name}/{other}"), |bencher| bencher.iter(floor));
        }
        group.finish();
    }
    criterion.final_summary();
}

/// How long an operation took in each turn, from the fastest to the slowest.
struct Turns(Vec<Duration>);

impl Turns {
    fn median(&self) -> Duration {
        self.0[self.0.len() / 2]
    }

    /// What it takes when nothing else runs on the machine.
    fn fastest(&self) -> Duration {
        self.0[0]
    }
}

/// Many turns, each side right after the other.
fn in_turns(operation: &dyn Fn(), floor: &dyn Fn()) -> (Turns, Turns) {
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
