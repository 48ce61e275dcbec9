//! The points at which a server can be made to end or its store to fail: before and after every call to the
//! store and every reply, found by passing them.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    fmt, process,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use lanyard_store::{StoreError, Unavailability};
use serde::{Deserialize, Serialize};

/// A moment in the life of a server.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Point {
    /// The route that is answered, by its pattern; or that the server starts; or that nobody asked.
    pub(crate) during: String,
    /// The call to the store, or the reply.
    pub(crate) call: String,
    /// Which of its kind within that.
    pub(crate) nth: u32,
    pub(crate) moment: Moment,
}

impl fmt::Display for Point {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { during, call, nth, moment } = self;
        let moment = match moment {
            Moment::Before => "before",
            Moment::After => "after",
        };
        match nth {
            1 => write!(out, "{moment} {call} ({during})"),
            _ => write!(out, "{moment} {call} no. {nth} ({during})"),
        }
    }
}

/// Before something, or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Moment {
    Before,
    After,
}

/// What is at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// A call that keeps something.
    Commit,
    /// A call that only reads.
    Read,
    Reply,
}

/// A point that was passed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Passed {
    pub(crate) point: Point,
    pub(crate) kind: Kind,
}

/// What happens at a point, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mishap {
    /// The process ends, as by a power cut.
    Abort,
    /// The call fails. What is after a call has been done nevertheless.
    Busy,
    Full,
    Io,
    Unreachable,
}

impl Mishap {
    /// What the store says.
    const fn error(self) -> Option<StoreError> {
        let retry_after = Duration::from_secs(1);
        let cause = match self {
            Self::Abort => return None,
            Self::Full => return Some(StoreError::Full),
            Self::Busy => Unavailability::Busy,
            // SQLITE_IOERR_WRITE
            Self::Io => Unavailability::Io { code: 778 },
            Self::Unreachable => Unavailability::Unreachable,
        };
        Some(StoreError::Unavailable { cause, retry_after })
    }
}

/// What is to happen where.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Arming {
    pub(crate) point: Point,
    pub(crate) mishap: Mishap,
}

/// What is known about the points of one server, and which is next.
#[derive(Debug, Default)]
pub(crate) struct Script {
    passed: Mutex<Vec<Passed>>,
    armed: Mutex<Option<Arming>>,
    /// Counts the calls outside of requests until the server serves.
    starting: Mutex<BTreeMap<&'static str, u32>>,
    serves: AtomicBool,
}

/// A request, and how often what was called for it.
pub(crate) struct Within {
    route: String,
    calls: RefCell<BTreeMap<&'static str, u32>>,
}

impl Within {
    pub(crate) fn route(route: String) -> Self {
        Self { route, calls: RefCell::default() }
    }
}

tokio::task_local! {
    /// The request that is being answered.
    pub(crate) static WITHIN: Within;
}

impl Script {
    /// From now on, calls that nobody asked for are chores.
    pub(crate) fn serves(&self) {
        self.serves.store(true, Ordering::Relaxed);
    }

    /// Has something happen at a point when it is passed next.
    pub(crate) fn arm(&self, arming: Option<Arming>) {
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = arming;
    }

    /// What has not happened yet.
    pub(crate) fn waits(&self) -> Option<Arming> {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every point that was passed, in the order of the first time.
    pub(crate) fn passed(&self) -> Vec<Passed> {
        self.passed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where a call is made.
    pub(crate) fn place(&self, call: &'static str) -> (String, u32) {
        let counted = |calls: &mut BTreeMap<&'static str, u32>| {
            let count = calls.entry(call).or_default();
            *count += 1;
            *count
        };
        let within = WITHIN
            .try_with(|within| (within.route.clone(), counted(&mut within.calls.borrow_mut())));
        // a server starts outside of all tasks; a chore has one of its own, which may begin meanwhile
        let is_chore = tokio::task::try_id().is_some() || self.serves.load(Ordering::Relaxed);
        within.unwrap_or_else(|_| match is_chore {
            // which of many chores it is depends on the clock
            true => ("aside".to_owned(), 1),
            false => {
                let mut starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
                ("start".to_owned(), counted(&mut starting))
            }
        })
    }

    /// Passes a point, which does not return if the process is to end there.
    pub(crate) fn pass(&self, point: Point, kind: Kind) -> Result<(), StoreError> {
        {
            let mut passed = self.passed.lock().unwrap_or_else(PoisonError::into_inner);
            if !passed.iter().any(|known| known.point == point) {
                passed.push(Passed { point: point.clone(), kind });
            }
        }
        let mishap = {
            let mut armed = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
            armed.take_if(|armed| armed.point == point).map(|armed| armed.mishap)
        };
        match mishap {
            None => Ok(()),
            Some(Mishap::Abort) => process::abort(),
            Some(mishap) => mishap.error().map_or(Ok(()), Err),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn point(moment: Moment) -> Point {
        Point { during: "POST /a".to_owned(), call: "insert".to_owned(), nth: 1, moment }
    }

    #[test]
    fn what_is_armed_happens_once_and_there_alone() {
        let script = Script::default();
        let arming = Arming { point: point(Moment::After), mishap: Mishap::Full };
        script.arm(Some(arming));
        assert_eq!(script.pass(point(Moment::Before), Kind::Commit), Ok(()));
        assert!(script.waits().is_some());
        assert_eq!(script.pass(point(Moment::After), Kind::Commit), Err(StoreError::Full));
        assert!(script.waits().is_none());
        assert_eq!(script.pass(point(Moment::After), Kind::Commit), Ok(()));
        assert_eq!(script.passed().len(), 2, "each point is told once");
    }

    #[tokio::test]
    async fn calls_are_counted_by_request_and_by_start() {
        let script = Script::default();
        let during = |text: &str| text.to_owned();
        assert_eq!(script.place("secret"), (during("start"), 1));
        assert_eq!(script.place("secret"), (during("start"), 2));
        let asked = async || [script.place("take"), script.place("take"), script.place("replace")];
        for _ in 0..2 {
            let places = WITHIN.scope(Within::route("POST /a".to_owned()), asked()).await;
            let at = |nth| (during("POST /a"), nth);
            assert_eq!(places, [at(1), at(2), at(1)]);
        }
        let script = Arc::new(script);
        let chore = Arc::clone(&script);
        let early = tokio::spawn(async move { chore.place("purge_once") }).await.unwrap();
        assert_eq!(early, (during("aside"), 1), "a chore is none of the start");
        script.serves();
        assert_eq!(script.place("purge_once"), (during("aside"), 1));
    }
}
