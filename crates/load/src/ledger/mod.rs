//! What was asked for and what was answered, written down before and after, and synced: what a server owes, whatever
//! happened to it, is what stands here.
//!
//! One thread writes: lines that come while it syncs go into the next sync together, as a store does it with its
//! transactions. Nobody goes on before the line is synced.

pub(crate) mod book;
pub(crate) mod checks;
pub(crate) mod entry;
pub(crate) mod facts;
pub(crate) mod left;

use std::{
    fs::File,
    io::{self, BufRead as _, BufReader, Write},
    iter,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread,
};

use lanyard_core::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;
use url::Url;

use crate::failure::Failure;

/// The first answers are kept whole, and of those after them one in so many: a file of hours is still read at once. A
/// prime, so that answers that come by turns are all among them.
const WHOLE: (u64, u64) = (1_000, 13);

/// What a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    Offer,
    Token,
    Credential,
    Revocation,
    /// Another change of something.
    Change,
    Erasure,
    Notification,
    Request,
    Response,
}

/// What came of it. Something unknown was done, or was not; never half.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    Intended,
    Ok,
    Refused,
    Unknown,
    /// Nobody was there to ask.
    Unasked,
}

impl Outcome {
    /// What a failure leaves of what was asked for; nothing if it says nothing about the server.
    pub(crate) const fn of(failure: &Failure) -> Option<Self> {
        match failure {
            Failure::Refused { status: 400..500, .. } => Some(Self::Refused),
            Failure::NobodyThere(_) => Some(Self::Unasked),
            // the connection broke, or the server could not say
            Failure::NoAnswer(_) | Failure::Io(_) | Failure::Connection(_) => Some(Self::Unknown),
            Failure::Refused { status, .. } if *status >= 500 => Some(Self::Unknown),
            _ => None,
        }
    }
}

/// What whoever looks at a server afterwards has to know of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fact {
    /// An offer of this session can be taken up until then.
    Offered { offer: String, session: String, until: Timestamp },
    /// A code is shown, good once.
    Code(String),
    /// Credentials at these places of lists; of some steps the credentials themselves, too.
    Received { places: Vec<(Url, u64)>, credentials: Vec<String> },
    /// A request of this session is answered; of some the answer itself, and where it goes.
    Answer { session: String, at: Timestamp, sent: Option<(Url, String)> },
}

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    /// The number of the step: whatever is asked again has one number.
    pub(crate) step: u64,
    pub(crate) deed: Deed,
    pub(crate) about: String,
    pub(crate) outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fact: Option<Fact>,
}

/// How often what came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) ok: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
}

impl Tally {
    /// Counts one more.
    pub(crate) const fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Intended | Outcome::Unasked => {}
            Outcome::Ok => self.ok += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::Unknown => self.unknown += 1,
        }
    }
}

/// What lines are kept on.
trait Disk: Write + Send + 'static {
    /// Returns once everything that was written would survive a power cut.
    fn sync(&mut self) -> io::Result<()>;
}

impl Disk for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }
}

/// A file of lines, each synced before whoever wrote it goes on.
pub(crate) struct Ledger {
    place: PathBuf,
    writer: mpsc::Sender<Waiting>,
    tally: Mutex<Tally>,
    steps: AtomicU64,
    answers: AtomicU64,
    syncs: Arc<AtomicU64>,
}

/// A line that is not yet synced, and who waits for it.
struct Waiting {
    line: Vec<u8>,
    written: oneshot::Sender<io::Result<()>>,
}

impl Ledger {
    /// An empty one.
    pub(crate) fn create(place: &Path) -> Result<Self, Failure> {
        Ok(Self::over(File::create_new(place)?, place))
    }

    fn over(disk: impl Disk, place: &Path) -> Self {
        let (writer, lines) = mpsc::channel();
        let syncs = Arc::<AtomicU64>::default();
        let counted = Arc::clone(&syncs);
        // ends with the ledger
        thread::spawn(move || write(disk, &lines, &counted));
        let (tally, place) = (Mutex::default(), place.to_owned());
        let [steps, answers] = [0, 0].map(AtomicU64::new);
        Self { place, writer, tally, steps, answers, syncs }
    }

    /// A number that no other step has.
    pub(crate) fn step(&self) -> u64 {
        self.steps.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether the next answer is to be kept whole, with everything that was sent.
    pub(crate) fn keeps_whole(&self) -> bool {
        let nth = self.answers.fetch_add(1, Ordering::Relaxed);
        nth < WHOLE.0 || nth.is_multiple_of(WHOLE.1)
    }

    /// Adds a line, and returns once it is synced.
    pub(crate) async fn note(&self, line: &Line) -> Result<(), Failure> {
        let outcome = line.outcome;
        let mut line = serde_json::to_vec(line)?;
        line.push(b'\n');
        let (written, synced) = oneshot::channel();
        self.writer.send(Waiting { line, written }).map_err(|_| Failure::Lacks("ledger"))?;
        synced.await.map_err(|_| Failure::Lacks("ledger"))??;
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).count(outcome);
        Ok(())
    }

    /// What came of everything so far.
    pub(crate) fn tally(&self) -> Tally {
        *self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often it was synced so far.
    pub(crate) fn syncs(&self) -> u64 {
        self.syncs.load(Ordering::Relaxed)
    }

    /// Where it is.
    pub(crate) fn place(&self) -> &Path {
        &self.place
    }
}

/// Writes whatever waits, and syncs once for all of it.
fn write(mut disk: impl Disk, lines: &mpsc::Receiver<Waiting>, syncs: &AtomicU64) {
    while let Ok(first) = lines.recv() {
        let group: Vec<_> = iter::once(first).chain(lines.try_iter()).collect();
        let text: Vec<_> = group.iter().flat_map(|waiting| &waiting.line).copied().collect();
        let synced = disk.write_all(&text).and_then(|()| disk.sync());
        syncs.fetch_add(1, Ordering::Relaxed);
        for Waiting { written, .. } in group {
            let synced = match &synced {
                Ok(()) => Ok(()),
                Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
            };
            // whoever asked may be gone
            let _ = written.send(synced);
        }
    }
}

/// Every line of a file, without the last one where it is torn: nobody went on because of that.
pub(crate) fn read(
    place: &Path,
) -> Result<impl Iterator<Item = Result<Line, Failure>> + use<>, Failure> {
    let mut file = BufReader::new(File::open(place)?);
    Ok(iter::from_fn(move || {
        let mut line = Vec::new();
        match file.read_until(b'\n', &mut line) {
            Err(error) => Some(Err(error.into())),
            Ok(_) if line.last() != Some(&b'\n') => None,
            Ok(_) => Some(serde_json::from_slice(&line).map_err(Failure::from)),
        }
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn line(step: u64, outcome: Outcome) -> Line {
        Line {
            step,
            deed: Deed::Offer,
            about: "https://a.example/1".to_owned(),
            outcome,
            fact: None,
        }
    }

    #[tokio::test]
    async fn a_line_that_was_torn_is_none_and_those_before_it_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("ledger");
        let ledger = Ledger::create(&place).unwrap();
        let lines = [line(0, Outcome::Intended), line(0, Outcome::Unknown), line(0, Outcome::Ok)];
        for line in &lines {
            ledger.note(line).await.unwrap();
        }
        assert_eq!(ledger.tally(), Tally { ok: 1, refused: 0, unknown: 1 });
        drop(ledger);

        let all = std::fs::read(&place).unwrap();
        let all_of = || read(&place).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
        assert_eq!(all_of(), lines);
        for torn in 1..20 {
            std::fs::write(&place, &all[..all.len() - torn]).unwrap();
            assert_eq!(all_of(), lines[..2], "{torn} bytes are missing");
        }
        // what is damaged elsewhere is not passed over
        std::fs::write(&place, [b"{\n", &all[..]].concat()).unwrap();
        assert!(read(&place).unwrap().next().is_some_and(|line| line.is_err()));
        assert!(Ledger::create(&place).is_err(), "a ledger of before is written over");
    }

    /// A disk that syncs when it is told to, and keeps what it was given until then.
    struct Slow {
        written: Arc<Mutex<Vec<u8>>>,
        syncs: mpsc::Receiver<io::Result<()>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Disk for Slow {
        fn sync(&mut self) -> io::Result<()> {
            self.syncs.recv().unwrap()
        }
    }

    #[tokio::test]
    async fn nobody_goes_on_before_the_sync_and_what_waits_shares_the_next_one() {
        let (sync, syncs) = mpsc::channel();
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let slow = Slow { written: Arc::clone(&written), syncs };
        let ledger = Arc::new(Ledger::over(slow, Path::new("ledger")));
        let note = |step| {
            let ledger = Arc::clone(&ledger);
            tokio::spawn(async move { ledger.note(&line(step, Outcome::Ok)).await })
        };
        let first = note(0);
        while written.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let others: Vec<_> = (1..20).map(note).collect();
        tokio::time::sleep(Duration::from_millis(20)).await;
        // its line is written, and it is not told so: nothing is synced
        assert!(!first.is_finished() && others.iter().all(|other| !other.is_finished()));
        assert_eq!(ledger.tally().ok, 0);

        sync.send(Ok(())).unwrap();
        first.await.unwrap().unwrap();
        assert!(others.iter().all(|other| !other.is_finished()));
        sync.send(Ok(())).unwrap();
        for other in others {
            other.await.unwrap().unwrap();
        }
        assert_eq!((ledger.syncs(), ledger.tally().ok), (2, 20));

        sync.send(Err(io::Error::other("the disk is full"))).unwrap();
        let failed = note(20).await.unwrap().unwrap_err();
        assert!(failed.to_string().contains("the disk is full"), "{failed}");
        assert_eq!(ledger.tally().ok, 20, "what was not synced is counted");
    }
}
