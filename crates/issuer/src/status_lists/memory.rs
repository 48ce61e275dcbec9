//! The lists that are in memory, within a bound of bytes.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lanyard_store::TenantId;

use super::live::LiveList;

/// The bytes of all lists that are in memory.
const MAX_BYTES: usize = 64 << 20;

/// What a list takes beside what it says and what was signed.
const OVERHEAD: usize = 1024;

/// The lists of all tenants of a process that are in memory; what nobody asked for the longest makes room.
///
/// A list that is not here any more is made anew of what the store says.
pub struct LiveLists {
    max_bytes: usize,
    lists: Mutex<Lists>,
}

#[derive(Default)]
struct Lists {
    kept: HashMap<(TenantId, u32), Kept>,
    bytes: usize,
    /// How often any of them was asked for.
    uses: u64,
}

struct Kept {
    list: Arc<LiveList>,
    bytes: usize,
    /// Which use was the last one of it.
    used: u64,
}

impl Default for LiveLists {
    /// 64 MiB: some thousand lists in which little is revoked, and 30 in which everything is.
    fn default() -> Self {
        Self::within(MAX_BYTES)
    }
}

impl LiveLists {
    /// At most so many bytes.
    pub fn within(max_bytes: usize) -> Self {
        Self { max_bytes, lists: Mutex::default() }
    }

    /// How many bytes they take, about.
    pub fn bytes(&self) -> usize {
        self.lists().bytes
    }

    /// The list, if it is here; it is asked for now.
    pub(super) fn find(&self, tenant: &TenantId, number: u32) -> Option<Arc<LiveList>> {
        let mut lists = self.lists();
        lists.uses += 1;
        let used = lists.uses;
        let kept = lists.kept.get_mut(&(tenant.clone(), number))?;
        kept.used = used;
        Some(Arc::clone(&kept.list))
    }

    /// The list, which is here from now on; it is asked for now.
    pub(super) fn enter(&self, tenant: &TenantId, number: u32) -> Arc<LiveList> {
        let mut lists = self.lists();
        let Lists { kept, bytes, uses } = &mut *lists;
        *uses += 1;
        let kept = kept.entry((tenant.clone(), number)).or_insert_with(|| {
            *bytes += OVERHEAD;
            Kept { list: Arc::new(LiveList::new(number)), bytes: OVERHEAD, used: 0 }
        });
        kept.used = *uses;
        Arc::clone(&kept.list)
    }

    /// Notes how many bytes a list takes now; those that nobody asked for the longest make room.
    pub(super) fn weigh(&self, tenant: &TenantId, list: &LiveList, own: usize) {
        let mut lists = self.lists();
        let Lists { kept, bytes, .. } = &mut *lists;
        if let Some(kept) = kept.get_mut(&(tenant.clone(), list.number()))
            // one that made room already is gone with whoever still reads it
            && std::ptr::eq(&*kept.list, list)
        {
            *bytes -= kept.bytes;
            kept.bytes = own + OVERHEAD;
            *bytes += kept.bytes;
        }
        if *bytes <= self.max_bytes {
            return;
        }
        let mut by_use: Vec<_> = kept.iter().map(|(key, kept)| (kept.used, key.clone())).collect();
        by_use.sort_unstable_by_key(|(used, _)| *used);
        // an eighth more than has to be: not all of them are looked through for each that comes
        let wanted = self.max_bytes - self.max_bytes / 8;
        for (_, key) in by_use {
            if *bytes <= wanted {
                return;
            }
            if let Some(freed) = kept.remove(&key) {
                *bytes -= freed.bytes;
            }
        }
    }

    fn lists(&self) -> MutexGuard<'_, Lists> {
        self.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for LiveLists {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "LiveLists({} of {} bytes)", self.bytes(), self.max_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(nth: usize) -> TenantId {
        format!("t{nth}").parse().unwrap()
    }

    fn fetched(lists: &LiveLists, nth: usize, bytes: usize) {
        let list = lists.enter(&tenant(nth), 0);
        lists.weigh(&tenant(nth), &list, bytes - OVERHEAD);
    }

    #[test]
    fn the_lists_of_many_tenants_stay_within_the_bound() {
        let lists = LiveLists::within(64 * 4096);
        for nth in 0..2_000 {
            fetched(&lists, nth, 4096);
            assert!(lists.bytes() <= 64 * 4096, "{lists:?}");
        }
        assert!(lists.bytes() >= 48 * 4096, "and most of it is of use: {lists:?}");
    }

    #[test]
    fn what_nobody_asked_for_the_longest_makes_room() {
        let lists = LiveLists::within(8 * 4096);
        for nth in 0..8 {
            fetched(&lists, nth, 4096);
        }
        lists.find(&tenant(0), 0).unwrap();
        fetched(&lists, 8, 4096);
        let is_here = |nth| lists.find(&tenant(nth), 0).is_some();
        assert!(is_here(0) && is_here(8) && !is_here(1), "{lists:?}");
    }

    #[test]
    fn a_list_that_grows_is_counted_as_it_is_now() {
        let lists = LiveLists::within(1 << 20);
        for bytes in [4096, 65_536, 8192] {
            fetched(&lists, 0, bytes);
        }
        assert_eq!(lists.bytes(), 8192);
    }

    #[test]
    fn a_list_that_made_room_counts_no_more() {
        let lists = LiveLists::within(1 << 20);
        let gone = LiveList::new(0);
        fetched(&lists, 0, 4096);
        lists.weigh(&tenant(0), &gone, 65_536);
        assert_eq!(lists.bytes(), 4096);
    }
}
