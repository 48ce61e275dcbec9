//! Threads of the wallet's own: a phone's have stacks of 512 kB, which deep JSON-LD documents do not fit.

use std::{io, sync::OnceLock};

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};

const STACK: usize = 4 * 1024 * 1024;

static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();

/// Stops the work when whoever waits for it goes away.
struct StopOnDrop<T>(JoinHandle<T>);

impl<T> Drop for StopOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs the work on the wallet's threads; what is wrong there is an error value, never the end of the app.
pub(crate) async fn on_own_threads<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Stopped> {
    let runtime = RUNTIME.get_or_init(|| start().ok()).as_ref().ok_or(Stopped)?;
    let mut running = StopOnDrop(runtime.spawn(work));
    (&mut running.0).await.map_err(|_| Stopped)
}

/// The work did not come to its end: a thread could not be started, or a fault in the wallet stopped it.
pub(crate) struct Stopped;

fn start() -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).thread_stack_size(STACK).thread_name("lanyard-wallet");
    builder.enable_all().build()
}
