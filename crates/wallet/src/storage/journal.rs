//! The database as a journal, in Rust alone: each change is one frame at the end of the file, and which rows there
//! are is known from reading it through.
//!
//! A frame counts when it is whole; one that a crash tore, which is the last, is cut off by whoever writes next. A
//! damaged one is none of these and nothing is cut off. A file beside the journal is locked by everybody who reads or writes, and what others wrote is read before anything else. When more
//! than half of the journal is of the past, it is written anew.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use lanyard_core::crypto::{CryptoProvider, HashAlgorithm};

use super::{
    PATIENCE, StorageError,
    index::{Index, OPERATION, Operation},
    seal::Seal,
    tables::{Counted, Database, Row, Rows, Table, Version, Work},
};

/// How a journal begins, with the version of its form.
pub(super) const MAGIC: &[u8] = b"lanyard wallet 1";

/// The random number that tells a journal from the one it was before it was written anew.
type Generation = [u8; 16];

/// Length of the body and the first half of its digest.
const FRAME: usize = 8 + 16;

/// How much of a journal is read at once.
const READ_AT_ONCE: usize = 256 * 1024;

/// Below this a journal is not worth writing anew.
const SMALL: u64 = 64 * 1024;

/// Below this it is written anew at once where a credential or a key was deleted.
const QUICK: u64 = 1024 * 1024;

/// An opened journal.
pub(super) struct Journal {
    path: PathBuf,
    crypto: Arc<dyn CryptoProvider>,
    /// One thread at a time: two that lock the same file share one lock of the operating system.
    own: Mutex<Own>,
}

/// What one process has of a journal.
struct Own {
    /// The file beside the journal.
    lock: File,
    /// What was read so far; none after a failure, so that everything is read again.
    state: Option<State>,
}

/// The journal as it was read.
struct State {
    file: File,
    generation: Generation,
    /// Where the next frame begins.
    end: u64,
    index: Index,
}

impl Journal {
    /// Opens the file, or makes it, if the key is the one it was made with.
    pub(super) fn open(
        path: &Path,
        seal: &Seal,
        crypto: Arc<dyn CryptoProvider>,
    ) -> Result<Self, StorageError> {
        let mut lock = OpenOptions::new();
        let lock = lock.create(true).truncate(false).write(true).open(beside(path, "-lock"))?;
        let own = Mutex::new(Own { lock: lock.try_clone()?, state: None });
        let journal = Self { path: path.to_owned(), crypto, own };
        let locked = exclusive(&lock)?;
        if fs::metadata(path).map_or(0, |found| found.len()) == 0 {
            journal.write_anew(&journal.head(&seal.check()), None)?;
        }
        let start = Start::read(&mut File::open(path)?)?;
        drop(locked);
        seal.opens(&start.check)?;
        Ok(journal)
    }

    /// Brings what was read up to what is there, and gives it to the work.
    fn within<T>(
        &self,
        locked: fn(&File) -> Result<Locked<'_>, StorageError>,
        work: impl FnOnce(&mut State) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let Own { lock, state: kept } = &mut *own;
        let _locked = locked(lock)?;
        // taken out: what fails half way is read again from the file
        let known = kept.take();
        let mut file = OpenOptions::new().read(true).write(true).open(&self.path)?;
        let start = Start::read(&mut file)?;
        let mut state = match known {
            Some(known) if known.generation == start.generation => known,
            _ => State {
                file,
                generation: start.generation,
                end: start.length,
                index: Index::default(),
            },
        };
        state.read_on(&*self.crypto)?;
        let given = work(&mut state)?;
        *kept = Some(state);
        Ok(given)
    }

    fn head(&self, check: &[u8]) -> Vec<u8> {
        let mut generation = Generation::default();
        self.crypto.fill(&mut generation);
        let length = u32::try_from(check.len()).unwrap_or_default().to_le_bytes();
        [MAGIC, &generation, &length, check].concat()
    }

    /// Puts a journal of this beginning and this one frame in the place of the present one.
    fn write_anew(&self, head: &[u8], body: Option<&[u8]>) -> Result<(), StorageError> {
        let new = beside(&self.path, "-new");
        let mut file = File::create(&new)?;
        super::restrict(&new);
        file.write_all(head)?;
        if let Some(body) = body {
            file.write_all(&framed(body, &*self.crypto))?;
        }
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        if let Some(folder) = self.path.parent() {
            // where folders cannot be synced, renaming is durable by itself or not at all
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
        Ok(())
    }

    /// Writes the journal anew where that is worth it. What was changed is durable before, so a failure is none.
    fn tidy(&self, state: &mut State, deleted: bool) {
        let needed = state.index.needed();
        let mostly_past = state.end > SMALL && state.end > needed.saturating_mul(2);
        let quick = deleted && state.end < QUICK;
        if !mostly_past && !quick {
            return;
        }
        let anew = (|| {
            let mut body = Vec::with_capacity(usize::try_from(needed).unwrap_or_default());
            let State { file, index, .. } = state;
            index.write(&mut body, |at, length| bytes(file, at, length))?;
            let check = Start::read(&mut File::open(&self.path)?)?.check;
            self.write_anew(&self.head(&check), Some(&body))
        })();
        if anew.is_err() {
            let _ = fs::remove_file(beside(&self.path, "-new"));
        }
    }
}

impl Database for Journal {
    fn read(&self, look: &mut Work<'_>) -> Result<(), StorageError> {
        self.within(shared, |state| {
            let State { file, index, end, generation } = state;
            let version = (u128::from_le_bytes(*generation), *end);
            let (body, base) = (Vec::new(), u64::MAX);
            look(&mut Change { file, index, body, base, version, deleted: false })
        })
    }

    fn change(&self, work: &mut Work<'_>) -> Result<(), StorageError> {
        self.within(exclusive, |state| {
            let State { file, index, end, generation } = state;
            let (body, base) = (Vec::new(), *end + FRAME as u64);
            let version = (u128::from_le_bytes(*generation), *end);
            let mut change = Change { file, index, body, base, version, deleted: false };
            work(&mut change)?;
            let Change { body, deleted, .. } = change;
            if body.is_empty() {
                return Ok(());
            }
            let frame = framed(&body, &*self.crypto);
            if file.metadata()?.len() > *end {
                // a frame that a crash tore
                file.set_len(*end)?;
                file.sync_all()?;
            }
            file.seek(SeekFrom::Start(*end))?;
            file.write_all(&frame)?;
            file.sync_data()?;
            *end += frame.len() as u64;
            self.tidy(state, deleted);
            Ok(())
        })
    }
}

impl State {
    /// Reads the frames that are not read yet.
    fn read_on(&mut self, crypto: &dyn CryptoProvider) -> Result<(), StorageError> {
        let length = self.file.metadata()?.len();
        if length <= self.end {
            return Ok(());
        }
        self.file.seek(SeekFrom::Start(self.end))?;
        let mut frames = BufReader::with_capacity(READ_AT_ONCE, &self.file);
        let (mut left, mut body) = (length - self.end, Vec::new());
        while let Some(after) = left.checked_sub(FRAME as u64) {
            let mut header = [0; FRAME];
            frames.read_exact(&mut header)?;
            let frame = Frame::of(&header);
            let is_whole = (1..=after).contains(&frame.length);
            if is_whole {
                body.resize(usize::try_from(frame.length).map_err(|_| StorageError::Damaged)?, 0);
                frames.read_exact(&mut body)?;
            }
            if !is_whole || digest_of(&body, crypto) != frame.digest {
                let is_last = !is_whole || frame.length == after;
                drop(frames);
                return match is_last && self.is_torn(frame, crypto)? {
                    true => Ok(()),
                    false => Err(StorageError::Damaged),
                };
            }
            self.index.read(&body, self.end + FRAME as u64)?;
            self.end += FRAME as u64 + frame.length;
            left = after - frame.length;
        }
        Ok(())
    }

    /// Whether the bytes at the end are a frame torn by a crash: incomplete, and followed by nothing complete.
    fn is_torn(&mut self, frame: Frame, crypto: &dyn CryptoProvider) -> Result<bool, StorageError> {
        let mut rest = Vec::new();
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.read_to_end(&mut rest)?;
        let body = rest.get(FRAME..).unwrap_or_default();
        Ok(digest_of(body, crypto) != frame.digest && !holds_a_frame(&rest, crypto))
    }
}

/// What stands before the body of a frame.
#[derive(Clone, Copy)]
struct Frame {
    length: u64,
    digest: [u8; 16],
}

impl Frame {
    fn of(header: &[u8; FRAME]) -> Self {
        let (mut length, mut digest) = ([0; 8], [0; 16]);
        length.copy_from_slice(&header[..8]);
        digest.copy_from_slice(&header[8..]);
        Self { length: u64::from_le_bytes(length), digest }
    }
}

/// The rows while they are changed: what is new is in the body of a frame that is not written yet.
struct Change<'s> {
    file: &'s mut File,
    index: &'s mut Index,
    body: Vec<u8>,
    /// Where in the file the body will begin.
    base: u64,
    /// Of the rows before the change.
    version: Version,
    /// Whether a credential or a key was deleted.
    deleted: bool,
}

impl Change<'_> {
    fn put(&mut self, operation: &Operation<'_>) {
        let at = self.base.saturating_add(self.body.len() as u64);
        operation.write(&mut self.body);
        self.index.apply(operation, at.saturating_add(OPERATION));
    }

    fn bytes(&mut self, at: u64, length: u64) -> Result<Vec<u8>, StorageError> {
        match at.checked_sub(self.base) {
            Some(place) => {
                let place = usize::try_from(place).ok().zip(usize::try_from(length).ok());
                let new = place.and_then(|(at, length)| self.body.get(at..)?.get(..length));
                Ok(new.ok_or(StorageError::Damaged)?.to_vec())
            }
            None => bytes(self.file, at, length),
        }
    }
}

impl Rows for Change<'_> {
    fn insert(
        &mut self,
        table: Table,
        card: Option<i64>,
        seal: &dyn Fn(i64) -> Vec<u8>,
    ) -> Result<i64, StorageError> {
        let row = self.index.last(table) + 1;
        self.put(&Operation::Put { table, row, card, uses: 0, sealed: &seal(row) });
        Ok(row)
    }

    fn update(&mut self, table: Table, row: i64, sealed: &[u8]) -> Result<(), StorageError> {
        if let Some((card, uses)) = self.index.owner(table, row) {
            self.put(&Operation::Put { table, row, card, uses, sealed });
        }
        Ok(())
    }

    fn delete(&mut self, table: Table, row: i64) -> Result<bool, StorageError> {
        if self.index.owner(table, row).is_none() {
            return Ok(false);
        }
        if table == Table::Card {
            for of_card in [Table::Copy, Table::Notice, Table::Status, Table::Picture] {
                self.delete_of(of_card, row)?;
            }
        }
        self.deleted |= matches!(table, Table::Card | Table::HolderKey);
        self.put(&Operation::Delete { table, row });
        Ok(true)
    }

    fn delete_of(&mut self, table: Table, card: i64) -> Result<(), StorageError> {
        for row in self.index.of_card(table, card) {
            self.put(&Operation::Delete { table, row });
        }
        Ok(())
    }

    fn clear(&mut self, table: Table) -> Result<(), StorageError> {
        for row in self.index.all(table) {
            self.delete(table, row)?;
        }
        Ok(())
    }

    fn row(&mut self, table: Table, row: i64) -> Result<Option<Vec<u8>>, StorageError> {
        let place = self.index.place(table, row);
        place.map(|(at, length)| self.bytes(at, length)).transpose()
    }

    fn rows(&mut self, table: Table) -> Result<Vec<Row>, StorageError> {
        let rows = self.index.all(table).into_iter();
        rows.filter_map(|row| Some(self.row(table, row).transpose()?.map(|sealed| (row, sealed))))
            .collect()
    }

    fn rows_of(&mut self, table: Table, card: i64) -> Result<Vec<Row>, StorageError> {
        let rows = self.index.of_card(table, card).into_iter();
        rows.filter_map(|row| Some(self.row(table, row).transpose()?.map(|sealed| (row, sealed))))
            .collect()
    }

    fn version(&mut self) -> Result<Version, StorageError> {
        let (generation, end) = self.version;
        // where the journal will end
        let more = if self.body.is_empty() { 0 } else { (FRAME + self.body.len()) as u64 };
        Ok((generation, end.saturating_add(more)))
    }

    fn counted(&mut self) -> Result<Vec<Counted>, StorageError> {
        Ok(self.index.counted())
    }

    fn counted_of(&mut self, card: i64) -> Result<Option<Counted>, StorageError> {
        Ok(self.index.counted_of(card))
    }

    fn next_copy(&mut self, card: i64) -> Result<Option<Row>, StorageError> {
        let Some(row) = self.index.next_copy(card) else { return Ok(None) };
        Ok(self.row(Table::Copy, row)?.map(|sealed| (row, sealed)))
    }

    fn note_use(&mut self, _: i64, copy: i64) -> Result<(), StorageError> {
        self.put(&Operation::Use { table: Table::Copy, row: copy });
        Ok(())
    }
}

/// What stands before the first frame.
struct Start {
    generation: Generation,
    /// What tells whether a key is the right one.
    check: Vec<u8>,
    length: u64,
}

impl Start {
    fn read(file: &mut File) -> Result<Self, StorageError> {
        let (mut magic, mut generation, mut length) =
            ([0; MAGIC.len()], Generation::default(), [0; 4]);
        let mut whole = |part: &mut [u8]| file.read_exact(part).map_err(|_| StorageError::Form);
        whole(&mut magic)?;
        whole(&mut generation)?;
        whole(&mut length)?;
        let length = u32::from_le_bytes(length);
        if magic != MAGIC || length > 1024 {
            return Err(StorageError::Form);
        }
        let mut check = vec![0; length as usize];
        whole(&mut check)?;
        let length = (MAGIC.len() + generation.len() + 4 + check.len()) as u64;
        Ok(Self { generation, check, length })
    }
}

/// A lock that is held; the operating system takes it from a process that dies.
struct Locked<'f>(&'f File);

fn shared(file: &File) -> Result<Locked<'_>, StorageError> {
    patiently(file, try_shared)
}

fn exclusive(file: &File) -> Result<Locked<'_>, StorageError> {
    patiently(file, try_exclusive)
}

/// Tries until the lock is had or the patience is over: the system's own waiting has no end, and a process that the
/// system suspends keeps its locks.
fn patiently(
    file: &File,
    try_lock: fn(&File) -> io::Result<bool>,
) -> Result<Locked<'_>, StorageError> {
    let begun = Instant::now();
    let mut pause = Duration::from_micros(50);
    while !try_lock(file)? {
        if begun.elapsed() >= PATIENCE {
            return Err(StorageError::Busy);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(10));
    }
    Ok(Locked(file))
}

// those of std are not there on Android
#[cfg(unix)]
fn try_shared(file: &File) -> io::Result<bool> {
    had(rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockShared))
}

#[cfg(unix)]
fn try_exclusive(file: &File) -> io::Result<bool> {
    had(rustix::fs::flock(file, rustix::fs::FlockOperation::NonBlockingLockExclusive))
}

#[cfg(unix)]
fn had(tried: rustix::io::Result<()>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) => Ok(false),
        Err(cause) => Err(cause.into()),
    }
}

#[cfg(not(unix))]
fn try_shared(file: &File) -> io::Result<bool> {
    had(file.try_lock_shared())
}

#[cfg(not(unix))]
fn try_exclusive(file: &File) -> io::Result<bool> {
    had(file.try_lock())
}

#[cfg(not(unix))]
fn had(tried: Result<(), fs::TryLockError>) -> io::Result<bool> {
    match tried {
        Ok(()) => Ok(true),
        Err(fs::TryLockError::WouldBlock) => Ok(false),
        Err(fs::TryLockError::Error(cause)) => Err(cause),
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        #[cfg(unix)]
        let _ = rustix::fs::flock(self.0, rustix::fs::FlockOperation::Unlock);
        #[cfg(not(unix))]
        let _ = self.0.unlock();
    }
}

fn framed(body: &[u8], crypto: &dyn CryptoProvider) -> Vec<u8> {
    [&(body.len() as u64).to_le_bytes()[..], &digest_of(body, crypto), body].concat()
}

/// Whether a whole frame begins anywhere behind the first byte, as none does in what a crash tore.
fn holds_a_frame(torn: &[u8], crypto: &dyn CryptoProvider) -> bool {
    let begins = |from: &[u8]| {
        let (header, after) = from.split_first_chunk::<FRAME>()?;
        let Frame { length, digest } = Frame::of(header);
        let body = after.get(..usize::try_from(length).ok()?)?;
        // what can be no operation is not worth a digest
        (Operation::may_begin(body) && digest_of(body, crypto) == digest).then_some(())
    };
    (1..torn.len()).any(|from| torn.get(from..).and_then(begins).is_some())
}

fn digest_of(body: &[u8], crypto: &dyn CryptoProvider) -> [u8; 16] {
    let digest = crypto.hash(HashAlgorithm::Sha256, body);
    digest.as_bytes().first_chunk().copied().unwrap_or_default()
}

fn bytes(file: &mut File, at: u64, length: u64) -> Result<Vec<u8>, StorageError> {
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| StorageError::Damaged)?];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
