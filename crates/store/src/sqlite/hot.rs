//! The sessions written or read a moment ago, so that the next request of the same run reads no page.
//!
//! One process has the directory, and its writer thread puts here what it has committed, in the order of
//! the commits and before anybody hears of it. What somebody read from the file comes here too, unless
//! something was committed while they read. So nothing here is older than what was acknowledged; what is not
//! here is in the file.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::columns::{as_kept, moment};
use super::sessions::Step;
use crate::{Handle, Handles, NewSession, Session, SessionId, Taken, TenantId};

/// How many bytes of sealed state are kept at most.
const LARGEST: usize = 2 * 1024 * 1024;

/// A state larger than this is read when it is needed: a few of them would push out all others.
const LARGEST_STATE: usize = 64 * 1024;

/// What a session costs beside its state, roughly: names, handles, places in the maps.
const OVERHEAD: usize = 512;

/// The sessions written or read last.
#[derive(Default)]
pub(super) struct Hot(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    sessions: HashMap<Name, Kept>,
    /// The oldest first; a name that was removed and put back is in it twice, with another turn.
    order: VecDeque<(Name, u64)>,
    turn: u64,
    bytes: usize,
    commits: Commits,
}

/// How many commits this has heard of: as many after a reading as before it, and what was read is still so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Commits(u64);

type Name = (TenantId, SessionId);

struct Kept {
    session: Session,
    turn: u64,
}

impl Hot {
    /// What a handle leads to, if its session is here.
    pub(super) fn take(&self, tenant: &TenantId, handle: &Handle, now: Timestamp) -> Option<Taken> {
        let session = self.session(tenant, handle.session())?;
        Some(session.taken_by(handle, now))
    }

    /// The session of this name, if it is here.
    pub(super) fn by_id(&self, tenant: &TenantId, id: SessionId, now: Timestamp) -> Option<Taken> {
        Some(self.session(tenant, id)?.taken(now))
    }

    fn session(&self, tenant: &TenantId, id: SessionId) -> Option<Session> {
        let shelf = self.shelf();
        shelf.sessions.get(&(tenant.clone(), id)).map(|kept| kept.session.clone())
    }

    /// What to remember before a session is read from the file.
    pub(super) fn commits(&self) -> Commits {
        self.shelf().commits
    }

    /// A session was read from the file, after so many commits.
    pub(super) fn read(&self, session: &Session, after: Commits) {
        let mut shelf = self.shelf();
        if shelf.commits == after {
            shelf.put(session.clone());
        }
    }

    /// A session was begun.
    pub(super) fn begun(&self, new: &NewSession, handles: &Handles) {
        let session = Session {
            tenant: new.tenant.clone(),
            id: new.id,
            kind: new.kind,
            version: 1,
            state: new.state.clone(),
            handles: handles.clone(),
            created_at: as_kept(new.created_at),
            expires_at: as_kept(new.expires_at),
        };
        self.committed().put(session);
    }

    /// A step was tried on a session: it counts, or another than this one was replaced.
    pub(super) fn stepped(&self, step: &Step, counts: bool) {
        let mut shelf = self.committed();
        if counts {
            shelf.put(step.session());
        } else {
            shelf.remove(&step.name());
        }
    }

    /// A session is gone.
    pub(super) fn gone(&self, name: &Name) {
        self.committed().remove(name);
    }

    /// The store is closed: everything is.
    pub(super) fn forget(&self) {
        let mut shelf = self.committed();
        *shelf = Shelf { commits: shelf.commits, ..Shelf::default() };
    }

    /// What had expired by then may be gone.
    pub(super) fn purged(&self, now: Timestamp) {
        let mut shelf = self.committed();
        let expired = |(name, kept): (&Name, &Kept)| {
            (moment(kept.session.expires_at) <= moment(now)).then(|| name.clone())
        };
        let expired: Vec<_> = shelf.sessions.iter().filter_map(expired).collect();
        for name in expired {
            shelf.remove(&name);
        }
    }

    fn committed(&self) -> MutexGuard<'_, Shelf> {
        let mut shelf = self.shelf();
        shelf.commits.0 += 1;
        shelf
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn put(&mut self, session: Session) {
        let name = (session.tenant.clone(), session.id);
        self.remove(&name);
        if session.state.len() > LARGEST_STATE {
            return;
        }
        self.bytes += session.state.len() + OVERHEAD;
        self.turn += 1;
        let turn = self.turn;
        self.order.push_back((name.clone(), turn));
        self.sessions.insert(name, Kept { session, turn });
        while self.bytes > LARGEST
            && let Some((oldest, turn)) = self.order.pop_front()
        {
            if self.is_current(&oldest, turn) {
                self.remove(&oldest);
            }
        }
        if self.order.len() > 2 * self.sessions.len() + 64 {
            let mut order = std::mem::take(&mut self.order);
            order.retain(|(name, turn)| self.is_current(name, *turn));
            self.order = order;
        }
    }

    fn is_current(&self, name: &Name, turn: u64) -> bool {
        self.sessions.get(name).is_some_and(|kept| kept.turn == turn)
    }

    fn remove(&mut self, name: &Name) {
        if let Some(kept) = self.sessions.remove(name) {
            self.bytes -= kept.session.state.len() + OVERHEAD;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HandleKind, NewEvent, Next, SessionKind};

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn id(n: u16) -> SessionId {
        SessionId::from_bytes(u128::from(n).to_be_bytes())
    }

    fn code(n: u16) -> Handle {
        Handle::new(id(n), HandleKind::PreAuthorizedCode, [7; 32])
    }

    fn begin(hot: &Hot, n: u16, bytes: usize) {
        let id = id(n);
        let new = NewSession {
            tenant: "demo".parse().unwrap(),
            id,
            kind: SessionKind::Offer,
            state: vec![7; bytes],
            created_at: second(0),
            expires_at: second(60),
            handles: vec![code(n)],
            subject: None,
            once: Vec::new(),
            call: None,
            event: NewEvent::done(second(0), "offered"),
        };
        hot.begun(&new, &Handles::of(id, &new.handles).unwrap());
    }

    #[test]
    fn the_oldest_make_room_for_the_newest() {
        let (hot, tenant) = (Hot::default(), "demo".parse().unwrap());
        let most = LARGEST / (LARGEST_STATE + OVERHEAD);
        for n in 0..=u16::try_from(most).unwrap() {
            begin(&hot, n, LARGEST_STATE);
        }
        assert_eq!(hot.take(&tenant, &code(0), second(1)), None);
        let newest = hot.take(&tenant, &code(u16::try_from(most).unwrap()), second(1));
        assert!(matches!(newest, Some(Taken::Live(_))));
        let shelf = hot.shelf();
        assert!(shelf.bytes <= LARGEST);
        assert_eq!(shelf.sessions.len(), most);
    }

    #[test]
    fn a_large_state_is_left_to_the_file() {
        let (hot, tenant) = (Hot::default(), "demo".parse().unwrap());
        begin(&hot, 1, LARGEST_STATE + 1);
        assert_eq!(hot.take(&tenant, &code(1), second(1)), None);
    }

    #[test]
    fn a_lost_race_is_read_from_the_file_the_next_time() {
        let (hot, tenant) = (Hot::default(), "demo".parse().unwrap());
        begin(&hot, 1, 8);
        let Some(Taken::Live(held)) = hot.take(&tenant, &code(1), second(1)) else {
            unreachable!("it was put here")
        };
        let next = Next::new(second(1), vec![1], second(60)).retiring(code(1));
        let step = Step::new(&held, next).unwrap();
        hot.stepped(&step, true);
        assert_eq!(hot.take(&tenant, &code(1), second(1)), Some(Taken::Used(held.id)));
        hot.stepped(&step, false);
        assert_eq!(hot.by_id(&tenant, held.id, second(1)), None);
    }

    type Commit<'c> = &'c dyn Fn(&Hot);

    /// The session of that number as somebody reads it from the file.
    fn in_the_file(n: u16) -> Session {
        let source = Hot::default();
        begin(&source, n, 8);
        source.session(&"demo".parse().unwrap(), id(n)).unwrap()
    }

    #[test]
    fn what_was_read_from_the_file_is_here_for_the_next_request() {
        let (hot, tenant) = (Hot::default(), "demo".parse().unwrap());
        hot.read(&in_the_file(1), hot.commits());
        let taken = hot.take(&tenant, &code(1), second(1));
        assert!(matches!(taken, Some(Taken::Live(_))));
    }

    #[test]
    fn what_was_read_while_something_was_committed_is_left_to_the_file() {
        let tenant: TenantId = "demo".parse().unwrap();
        let session = in_the_file(1);
        let next = Next::new(second(1), vec![1], second(60)).retiring(code(1));
        let step = Step::new(&session, next).unwrap();
        let name = step.name();
        let commits: [(&str, Commit<'_>); 6] = [
            ("another begun", &|hot| begin(hot, 2, 8)),
            ("a step", &|hot| hot.stepped(&step, true)),
            ("a lost race", &|hot| hot.stepped(&step, false)),
            ("a deletion", &|hot| hot.gone(&name)),
            ("a purge", &|hot| hot.purged(second(61))),
            ("the end", &Hot::forget),
        ];
        for (what, commit) in commits {
            let hot = Hot::default();
            let before = hot.commits();
            commit(&hot);
            hot.read(&session, before);
            let found = hot.take(&tenant, &code(1), second(1));
            // after the step the code is used, whatever was read before
            let used = (what == "a step").then_some(Taken::Used(session.id));
            assert_eq!(found, used, "{what}");
        }
    }

    #[test]
    fn the_queue_stays_short_however_often_one_session_steps() {
        let (hot, tenant): (_, TenantId) = (Hot::default(), "demo".parse().unwrap());
        for _ in 0..10_000 {
            begin(&hot, 1, 8);
        }
        assert!(hot.shelf().order.len() < 100);
        assert!(hot.by_id(&tenant, id(1), second(1)).is_some());
    }
}
