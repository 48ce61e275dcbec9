//! The sessions written a moment ago, so that the next request of the same run reads no page.
//!
//! One process has the directory, and its writer thread puts here what it has committed, in the order of
//! the commits and before anybody hears of it. So nothing here is older than what was acknowledged; what is
//! not here is in the file.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::columns::{as_kept, moment};
use crate::{Handle, NewSession, Next, Replaced, Session, SessionId, Taken, TenantId};

/// How many bytes of sealed state are kept at most.
const LARGEST: usize = 16 * 1024 * 1024;

/// A state larger than this is read when it is needed: a few of them would push out all others.
const LARGEST_STATE: usize = 64 * 1024;

/// What a session costs beside its state, roughly: names, handles, places in the maps.
const OVERHEAD: usize = 512;

/// The sessions written last, and what leads to them.
#[derive(Default)]
pub(super) struct Hot(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    sessions: HashMap<Name, Kept>,
    handles: HashMap<(TenantId, Handle), SessionId>,
    /// The oldest first; a name that was removed and put back is in it twice, with another turn.
    order: VecDeque<(Name, u64)>,
    turn: u64,
    bytes: usize,
}

type Name = (TenantId, SessionId);

struct Kept {
    session: Session,
    handles: Vec<Handle>,
    turn: u64,
}

impl Hot {
    /// What a handle leads to, if that is known here.
    pub(super) fn take(&self, tenant: &TenantId, handle: &Handle, now: Timestamp) -> Option<Taken> {
        let shelf = self.shelf();
        let session = *shelf.handles.get(&(tenant.clone(), *handle))?;
        shelf.taken(&(tenant.clone(), session), now)
    }

    /// The session of this name, if it is here.
    pub(super) fn by_id(&self, tenant: &TenantId, id: SessionId, now: Timestamp) -> Option<Taken> {
        self.shelf().taken(&(tenant.clone(), id), now)
    }

    /// A session was begun.
    pub(super) fn begun(&self, new: &NewSession) {
        let session = Session {
            tenant: new.tenant.clone(),
            id: new.id,
            kind: new.kind,
            version: 1,
            state: new.state.clone(),
            created_at: as_kept(new.created_at),
            expires_at: as_kept(new.expires_at),
        };
        self.shelf().put(session, new.handles.clone());
    }

    /// A step was tried on a session: it is in its next state, or another than this one was replaced.
    pub(super) fn stepped(&self, held: &Name, next: &Next, replaced: &Replaced) {
        let mut shelf = self.shelf();
        let before = shelf.remove(held);
        if let Replaced::Done(session) = replaced {
            let mut handles = before.map(|kept| kept.handles).unwrap_or_default();
            // what was used up is told apart from what never was by the file alone
            handles.retain(|handle| !next.retire_handles.contains(handle));
            handles.extend(&next.add_handles);
            shelf.put(session.clone(), handles);
        }
    }

    /// A session is gone.
    pub(super) fn gone(&self, name: &Name) {
        self.shelf().remove(name);
    }

    /// The store is closed: everything is.
    pub(super) fn forget(&self) {
        *self.shelf() = Shelf::default();
    }

    /// What had expired by then may be gone.
    pub(super) fn purged(&self, now: Timestamp) {
        let mut shelf = self.shelf();
        let expired = |(name, kept): (&Name, &Kept)| {
            (moment(kept.session.expires_at) <= moment(now)).then(|| name.clone())
        };
        let expired: Vec<_> = shelf.sessions.iter().filter_map(expired).collect();
        for name in expired {
            shelf.remove(&name);
        }
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn taken(&self, name: &Name, now: Timestamp) -> Option<Taken> {
        let session = &self.sessions.get(name)?.session;
        let expired = moment(session.expires_at) <= moment(now);
        Some(if expired { Taken::Expired } else { Taken::Live(session.clone()) })
    }

    fn put(&mut self, session: Session, handles: Vec<Handle>) {
        let name = (session.tenant.clone(), session.id);
        self.remove(&name);
        if session.state.len() > LARGEST_STATE {
            return;
        }
        self.bytes += session.state.len() + OVERHEAD;
        self.turn += 1;
        let turn = self.turn;
        for handle in &handles {
            self.handles.insert((session.tenant.clone(), *handle), session.id);
        }
        self.order.push_back((name.clone(), turn));
        self.sessions.insert(name, Kept { session, handles, turn });
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

    fn remove(&mut self, name: &Name) -> Option<Kept> {
        let kept = self.sessions.remove(name)?;
        self.bytes -= kept.session.state.len() + OVERHEAD;
        for handle in &kept.handles {
            self.handles.remove(&(name.0.clone(), *handle));
        }
        Some(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HandleKind, NewEvent, SessionKind};

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn code(n: u8) -> Handle {
        Handle::new(HandleKind::PreAuthorizedCode, [n; 32])
    }

    fn offer(n: u8, bytes: usize) -> NewSession {
        NewSession {
            tenant: "demo".parse().unwrap(),
            id: SessionId::from_bytes([n; 16]),
            kind: SessionKind::Offer,
            state: vec![n; bytes],
            created_at: second(0),
            expires_at: second(60),
            handles: vec![code(n)],
            subject: None,
            once: Vec::new(),
            event: NewEvent::done(second(0), "offered"),
        }
    }

    #[test]
    fn the_oldest_make_room_for_the_newest() {
        let (hot, tenant) = (Hot::default(), "demo".parse().unwrap());
        let most = LARGEST / (LARGEST_STATE + OVERHEAD);
        for n in 0..=u8::try_from(most).unwrap() {
            hot.begun(&offer(n, LARGEST_STATE));
        }
        assert_eq!(hot.take(&tenant, &code(0), second(1)), None);
        let newest = hot.take(&tenant, &code(u8::try_from(most).unwrap()), second(1));
        assert!(matches!(newest, Some(Taken::Live(_))));
        let shelf = hot.shelf();
        assert!(shelf.bytes <= LARGEST);
        assert_eq!((shelf.sessions.len(), shelf.handles.len()), (most, most));
    }

    #[test]
    fn a_large_state_is_left_to_the_file() {
        let (hot, tenant) = (Hot::default(), "demo".parse().unwrap());
        hot.begun(&offer(1, LARGEST_STATE + 1));
        assert_eq!(hot.take(&tenant, &code(1), second(1)), None);
    }

    #[test]
    fn a_lost_race_is_read_from_the_file_the_next_time() {
        let (hot, tenant) = (Hot::default(), "demo".parse().unwrap());
        hot.begun(&offer(1, 8));
        let next = Next::new(second(1), vec![1], second(60));
        let name = (tenant, SessionId::from_bytes([1; 16]));
        hot.stepped(&name, &next, &Replaced::Conflict);
        assert_eq!(hot.by_id(&name.0, name.1, second(1)), None);
    }

    #[test]
    fn the_queue_stays_short_however_often_one_session_steps() {
        let (hot, tenant): (_, TenantId) = (Hot::default(), "demo".parse().unwrap());
        for _ in 0..10_000 {
            hot.begun(&offer(1, 8));
        }
        assert!(hot.shelf().order.len() < 100);
        assert!(hot.by_id(&tenant, SessionId::from_bytes([1; 16]), second(1)).is_some());
    }
}
