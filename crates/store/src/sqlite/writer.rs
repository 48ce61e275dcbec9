//! The one writer, with group commit: a disk that syncs 300 times a second still takes thousands
//! of acknowledged writes, because all that wait share one sync.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::OpenError;
use super::fault::fault;
use crate::{StoreError, Unavailability};

/// How many writes share one commit at most: bounds how long the first of them waits.
const LARGEST_GROUP: usize = 256;

/// How long a commit waits at most for as many writes as the one before had. Under load most of them
/// are on their way already, and a larger group costs one sync as well.
const PATIENCE: Duration = Duration::from_micros(1_500);

/// How many writes may wait. Whoever comes later is told to try again, at once.
const LONGEST_QUEUE: usize = 4096;

/// Hands writes to the thread that owns the writing connection.
pub(super) struct Writer {
    queue: SyncSender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Message {
    Write(Box<dyn Command>),
    /// Write what is waiting, then stop; tell when the file is closed.
    Stop(Option<oneshot::Sender<Result<(), StoreError>>>),
}

/// One write of a group: run inside the transaction, answered after its commit.
trait Command: Send {
    /// Nobody waits for the answer any more.
    fn abandoned(&self) -> bool;
    /// Writes into the open transaction; may be called again after that was rolled back.
    fn run(&mut self, connection: &Connection) -> Result<(), StoreError>;
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, OpenError> {
        let (queue, waiting) = sync_channel(LONGEST_QUEUE);
        let thread = thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || serve(connection, &waiting))
            .map_err(|source| OpenError::Io { path: "store-writer".into(), source })?;
        Ok(Self { queue, thread: Mutex::new(Some(thread)) })
    }

    /// Runs `work` in the next group; the answer comes when it is durable.
    ///
    /// It may run twice, if the first transaction is given up.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.write_then(work, |_| ()).await
    }

    /// As [`write`](Self::write); `then` is told what was committed, in the order of the commits and
    /// before whoever asked.
    pub(super) async fn write_then<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let command = Box::new(Write { work, then, outcome: None, reply });
        self.queue.try_send(Message::Write(command)).map_err(|error| {
            StoreError::unavailable(match error {
                TrySendError::Full(_) => Unavailability::Overloaded,
                TrySendError::Disconnected(_) => Unavailability::Closed,
            })
        })?;
        answer.await.unwrap_or(Err(StoreError::unavailable(Unavailability::Closed)))
    }

    /// Writes what is waiting, puts the log into the database file, and closes it.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let mut stop = Message::Stop(Some(reply));
        // The queue may be full: it empties as fast as the disk syncs.
        while let Err(refused) = self.queue.try_send(stop) {
            match refused {
                TrySendError::Disconnected(_) => return Ok(()),
                TrySendError::Full(refused) => stop = refused,
            }
            tokio::task::yield_now().await;
        }
        answer.await.unwrap_or(Ok(()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A queue that was closed before has no receiver, and the thread has ended.
        self.queue.send(Message::Stop(None)).ok();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.join().ok();
        }
    }
}

fn serve(connection: Connection, queue: &Receiver<Message>) {
    let mut closers = Vec::new();
    let mut usual = 1;
    while let Ok(message) = queue.recv() {
        match message {
            Message::Write(first) => {
                usual = commit_group(&connection, first, queue, &mut closers, usual);
            }
            Message::Stop(closer) => closers.push(closer),
        }
        if !closers.is_empty() {
            break;
        }
    }
    while let Ok(message) = queue.try_recv() {
        match message {
            Message::Write(first) => {
                commit_group(&connection, first, queue, &mut closers, 1);
            }
            Message::Stop(closer) => closers.push(closer),
        }
    }
    let closed = close(connection);
    for closer in closers.into_iter().flatten() {
        closer.send(closed.clone()).ok();
    }
}

fn close(connection: Connection) -> Result<(), StoreError> {
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .and_then(|()| connection.close().map_err(|(_, error)| error))
        .map_err(fault)
}

/// Runs `first` and what is waiting behind it in one transaction, and answers after the commit.
///
/// Waits a little for a group of the `usual` size, and says how large this one was: a lone writer never
/// waits for anybody.
fn commit_group(
    connection: &Connection,
    first: Box<dyn Command>,
    queue: &Receiver<Message>,
    closers: &mut Vec<Option<oneshot::Sender<Result<(), StoreError>>>>,
    usual: usize,
) -> usize {
    if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
        // Whoever waited behind a locked database waited long enough. Those are collected before
        // the first answer: who asks again after it gets a try of their own.
        let mut waited = vec![first];
        for message in queue.try_iter().take(LONGEST_QUEUE) {
            match message {
                Message::Write(command) => waited.push(command),
                Message::Stop(closer) => closers.push(closer),
            }
        }
        for command in waited {
            command.answer(Err(error.clone()));
        }
        return 1;
    }

    let deadline = Instant::now() + PATIENCE;
    let mut group = Vec::new();
    let mut next = Some(first);
    let mut outcome = Ok(());
    let mut neighbours = Neighbours::Trusted;
    while let Some(command) = next.take() {
        if !command.abandoned() {
            group.push(command);
            outcome = run_last(connection, &mut group, &mut neighbours);
        }
        if outcome.is_err() || group.len() == LARGEST_GROUP || !closers.is_empty() {
            break;
        }
        let patience = match group.len() < usual {
            true => deadline.saturating_duration_since(Instant::now()),
            false => Duration::ZERO,
        };
        match queue.recv_timeout(patience) {
            Ok(Message::Write(command)) => next = Some(command),
            Ok(Message::Stop(closer)) => closers.push(closer),
            Err(_) => {}
        }
    }

    let committed = outcome.and_then(|()| execute(connection, "COMMIT"));
    roll_back_unless_done(connection, &committed);
    if committed == Err(StoreError::Full) && group.len() > 1 {
        // For one write that finds no room SQLite gives up the transaction of all. What others
        // wrote may well fit.
        for mut command in group {
            let committed = commit_alone(connection, &mut *command);
            command.answer(committed);
        }
        return 1;
    }
    if let Err(error) = &committed {
        tracing::warn!(reason = error.reason(), writes = group.len(), "a group was not committed");
    }
    let size = group.len();
    for command in group {
        command.answer(committed.clone());
    }
    size
}

/// Runs one command in a transaction of its own, for the second time.
fn commit_alone(connection: &Connection, command: &mut dyn Command) -> Result<(), StoreError> {
    execute(connection, "BEGIN IMMEDIATE")?;
    let committed = command.run(connection).and_then(|()| execute(connection, "COMMIT"));
    roll_back_unless_done(connection, &committed);
    committed
}

/// A disk that is full or failing may have made SQLite roll back all by itself.
fn roll_back_unless_done(connection: &Connection, committed: &Result<(), StoreError>) {
    if committed.is_err() && !connection.is_autocommit() {
        execute(connection, "ROLLBACK").ok();
    }
}

/// Whether a group still believes that none of its commands fails half-way.
#[derive(PartialEq, Eq)]
enum Neighbours {
    /// None has: they run one after the other, with nothing between them.
    Trusted,
    /// One has: each runs behind a savepoint of its own, which copies every page it touches.
    Guarded,
}

/// Runs the last command of the group so that its failure leaves its neighbours' writes in place.
///
/// An error from here means that the whole transaction is lost.
fn run_last(
    connection: &Connection,
    group: &mut [Box<dyn Command>],
    neighbours: &mut Neighbours,
) -> Result<(), StoreError> {
    let Some(last) = group.last_mut() else {
        return Ok(());
    };
    if *neighbours == Neighbours::Guarded {
        return run_guarded(connection, &mut **last);
    }
    let before = connection.total_changes();
    match last.run(connection) {
        Err(error) if connection.is_autocommit() => Err(error),
        // A step that lost its race found no row, and wrote none.
        Err(_) if connection.total_changes() == before => Ok(()),
        Ok(()) => Ok(()),
        Err(_) => {
            *neighbours = Neighbours::Guarded;
            execute(connection, "ROLLBACK")?;
            execute(connection, "BEGIN IMMEDIATE")?;
            group.iter_mut().try_for_each(|command| run_guarded(connection, &mut **command))
        }
    }
}

/// Runs one command behind a savepoint.
///
/// An error from here means that the whole transaction is lost.
fn run_guarded(connection: &Connection, command: &mut dyn Command) -> Result<(), StoreError> {
    execute(connection, "SAVEPOINT command")?;
    match command.run(connection) {
        Ok(()) => execute(connection, "RELEASE command"),
        Err(error) if connection.is_autocommit() => Err(error),
        Err(_) => execute(connection, "ROLLBACK TO command")
            .and_then(|()| execute(connection, "RELEASE command")),
    }
}

fn execute(connection: &Connection, sql: &str) -> Result<(), StoreError> {
    connection.prepare_cached(sql).and_then(|mut it| it.execute([])).map(|_| ()).map_err(fault)
}

struct Write<T, F, A> {
    work: F,
    then: A,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F, A> Command for Write<T, F, A>
where
    T: Send,
    F: Fn(&Connection) -> Result<T, StoreError> + Send,
    A: FnOnce(&T) + Send,
{
    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let outcome = (self.work)(connection);
        let ran = outcome.as_ref().map(|_| ()).map_err(StoreError::clone);
        self.outcome = Some(outcome);
        ran
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let answer = match (self.outcome, committed) {
            // What the command itself says is more telling than the fate of its group.
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (Some(Ok(value)), Ok(())) => {
                (self.then)(&value);
                Ok(value)
            }
            (None, Ok(())) => Err(StoreError::unavailable(Unavailability::Closed)),
        };
        // Whoever asked may have gone; the write stands.
        self.reply.send(answer).ok();
    }
}
