//! An operation beside its floor, or beside another: measured in turns, so that a busy machine slows both alike.

use std::{
    env,
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use criterion::Criterion;

/// How long one turn of one side of a comparison lasts, if one operation does not take longer.
const TURN: Duration = Duration::from_millis(1);
/// How long a comparison lasts, if that leaves each side more turns than `FEWEST`; and never more than `MOST`.
const COMPARISON: Duration = Duration::from_millis(800);
const FEWEST: u128 = 15;
const MOST: u128 = 200;
/// Nothing but comparisons, which take seconds where criterion takes minutes: `cargo bench … -- --beside`.
const BESIDE: &str = "--beside";

pub(crate) type Operation<'s> = Box<dyn Fn() + 's>;

/// Operations by name, each with its floor.
pub(crate) type Operations<'s> = Vec<(&'static str, Operation<'s>, Operation<'s>)>;

/// Prints each operation beside its floor, or beside whatever else `other` says; then criterion measures
/// each alone.
///
/// A group is named by what is measured and by the provider.
pub(crate) fn run(other: &str, groups: &[(String, Operations<'_>)]) {
    let is_asked = |name: &str| env::args().any(|argument| argument == name);
    // a profiler wants to see one operation, not all of them
    for (group, operations) in groups.iter().filter(|_| !is_asked("--profile-time")) {
        for (name, operation, floor) in operations {
            let (operation, floor) = in_turns(operation, floor);
            let ratio = |of: fn(&Turns) -> Duration| {
                of(&operation).as_secs_f64() / of(&floor).as_secs_f64()
            };
            println!(
                "{group:<34} {name:<36} {:>10.3} µs   {other} {:>10.3} µs   ratio {:.2}   undisturbed {:.2}",
                operation.median().as_secs_f64() * 1e6,
                floor.median().as_secs_f64() * 1e6,
                ratio(Turns::median),
                ratio(Turns::fastest),
            );
        }
    }
    if is_asked(BESIDE) {
        return;
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
    let (operation_once, floor_once) = (once(operation), once(floor));
    let repeats = |once: Duration| (TURN.as_nanos() / once.as_nanos().max(1)).clamp(1, 100_000);
    let (operation_repeats, floor_repeats) = (repeats(operation_once), repeats(floor_once));
    let both =
        operation_once.as_nanos() * operation_repeats + floor_once.as_nanos() * floor_repeats;
    let turns = (COMPARISON.as_nanos() / both.max(1)).clamp(FEWEST, MOST);
    let (mut operations, mut floors): (Vec<_>, Vec<_>) = (0..turns)
        .map(|_| (turn(operation, operation_repeats), turn(floor, floor_repeats)))
        .unzip();
    operations.sort_unstable();
    floors.sort_unstable();
    (Turns(operations), Turns(floors))
}

/// How long one operation takes, once everything it keeps is warm.
fn once(what: &dyn Fn()) -> Duration {
    (0..3).map(|_| turn(what, 1)).min().unwrap_or_default()
}

/// How long one operation took in a turn of so many.
fn turn(what: &dyn Fn(), repeats: u128) -> Duration {
    let start = Instant::now();
    (0..repeats).for_each(|_| what());
    start.elapsed().div_f64(repeats as f64)
}

pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => {
            unreachable!("nothing here waits: keys, lists and documents are in memory")
        }
    }
}
