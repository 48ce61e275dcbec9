//! The one writer, with group commit: a disk that syncs 300 times a second still takes thousands
//! of acknowledged writes, because all that wait share one sync.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::OpenError;
use super::fault::fault;
use super::queue::{LARGEST_GROUP, Queue};
use crate::{StoreError, Unavailability};

/// Hands writes to the thread that owns the writing connection.
pub(super) struct Writer {
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// One write of a group: run inside the transaction, answered after its commit.
pub(super) trait Command: Send {
    /// Nobody waits for the answer any more.
    fn abandoned(&self) -> bool;
    /// Writes into the open transaction; may be called again after that was rolled back.
    fn run(&mut self, connection: &Connection) -> Result<(), StoreError>;
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

impl Writer {
    pub(super) fn start(connection: Connection) -> Result<Self, OpenError> {
        let queue = Arc::new(Queue::default());
        let waiting = Arc::clone(&queue);
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
        let promise = self.queue.put(Box::new(Write { work, then, outcome: None, reply }))?;
        if let Some(promise) = promise {
            // whatever else can run now runs first, and its writes share the commit
            tokio::task::yield_now().await;
            drop(promise);
        }
        answer.await.unwrap_or(Err(StoreError::unavailable(Unavailability::Closed)))
    }

    /// Writes what is waiting, puts the log into the database file, and closes it.
    pub(super) async fn close(&self) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        if !self.queue.stop(Some(reply)) {
            return Ok(());
        }
        answer.await.unwrap_or(Ok(()))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue.stop(None);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            thread.join().ok();
        }
    }
}

fn serve(connection: Connection, queue: &Queue) {
    while !queue.is_stopped() {
        let group = queue.gather();
        if !group.is_empty() {
            commit_group(&connection, group, queue);
        }
    }
    queue.close();
    loop {
        let group = queue.take(LARGEST_GROUP);
        if group.is_empty() {
            break;
        }
        commit_group(&connection, group, queue);
    }
    let closed = close(connection);
    for closer in queue.closers().into_iter().flatten() {
        closer.send(closed.clone()).ok();
    }
}

fn close(connection: Connection) -> Result<(), StoreError> {
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .and_then(|()| connection.close().map_err(|(_, error)| error))
        .map_err(fault)
}

/// Runs a group, and what came meanwhile, in one transaction; answers after the commit.
fn commit_group(connection: &Connection, gathered: Vec<Box<dyn Command>>, queue: &Queue) {
    if let Err(error) = execute(connection, "BEGIN IMMEDIATE") {
        // Whoever waited behind a locked database waited long enough. Those are collected before
        // the first answer: who asks again after it gets a try of their own.
        let behind = queue.take(usize::MAX);
        for command in gathered.into_iter().chain(behind) {
            command.answer(Err(error.clone()));
        }
        return;
    }

    let mut group = Vec::with_capacity(gathered.len());
    let mut next = gathered;
    let mut outcome = Ok(());
    let mut neighbours = Neighbours::Trusted;
    while outcome.is_ok() && !next.is_empty() {
        let mut came = next.into_iter();
        while outcome.is_ok()
            && let Some(command) = came.next()
        {
            if !command.abandoned() {
                group.push(command);
                outcome = run_last(connection, &mut group, &mut neighbours);
            }
        }
        // with a transaction that is lost so are those that did not run
        group.extend(came);
        next = queue.take(LARGEST_GROUP - group.len().min(LARGEST_GROUP));
    }
    group.extend(next);

    let committed = outcome.and_then(|()| execute(connection, "COMMIT"));
    roll_back_unless_done(connection, &committed);
    if committed == Err(StoreError::Full) && group.len() > 1 {
        // For one write that finds no room SQLite gives up the transaction of all. What others
        // wrote may well fit.
        for mut command in group {
            let committed = commit_alone(connection, &mut *command);
            command.answer(committed);
        }
        return;
    }
    if let Err(error) = &committed {
        tracing::warn!(reason = error.reason(), writes = group.len(), "a group was not committed");
    }
    for command in group {
        command.answer(committed.clone());
    }
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
