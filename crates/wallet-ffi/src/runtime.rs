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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_in_the_wallet_is_an_error_value_and_the_next_call_works() {
        let waiting = Builder::new_current_thread().build().expect("a runtime");
        let missing: Option<u8> = std::hint::black_box(None);
        let fault = async move { missing.expect("what a fault of the wallet left out") };
        let stopped = waiting.block_on(on_own_threads(fault));
        assert!(stopped.is_err());
        assert_eq!(waiting.block_on(on_own_threads(async { 7 })).ok(), Some(7));
    }

    #[test]
    fn the_threads_have_room_for_what_a_phones_have_not() {
        /// Half a kilobyte for each level.
        fn deep(levels: u32) -> u64 {
            let room = std::hint::black_box([levels; 128]);
            if levels == 0 { 0 } else { u64::from(room[7] != 0) + deep(levels - 1) }
        }
        let waiting = Builder::new_current_thread().build().expect("a runtime");
        // twice what all of a phone's thread has
        let went = waiting.block_on(on_own_threads(async { deep(1_000) }));
        assert_eq!(went.ok(), Some(1_000));
    }
}
