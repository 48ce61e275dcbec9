//! R8: what is promised is on the disk before it is promised.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{
    scene::{Program, Scene, Setting, Store},
    trace::{self, Exchange, STRACE},
    trials::{Line, Trial},
};
use crate::failure::Failure;

/// What the fault is called.
pub(super) const FAULT: &str = "syncs traced";

/// How many turns a wallet takes: more than a hundred requests.
const TURNS: u64 = 24;

/// A trace is written to its end by then.
const WRITTEN_WITHIN: Duration = Duration::from_secs(10);

/// Of each of these something must have been promised: a run in which nothing was proves nothing.
const PROMISES: [&str; 6] = [
    "POST /api/load/offers",
    "POST /load/token",
    "POST /load/credential",
    "POST /api/load/requests",
    "POST /load/responses/",
    "POST /api/load/credentials/",
];

/// Whether system calls can be traced here: there is `strace`, and it may.
pub(super) fn can_trace() -> bool {
    let [strace, arguments @ ..] = STRACE;
    let mut command = Command::new(strace);
    command.args(arguments).args(["/dev/null", "true"]);
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// One wallet after the other, so that no sync between a request and its answer is of somebody else's.
pub(super) async fn traced((binary, folder): (&Path, &Path)) -> Result<Line, Failure> {
    let store = Store::Sqlite;
    let folder = Trial::folder(folder, FAULT, &store);
    let file = folder.join("trace");
    let program = Program::Traced { binary: binary.to_owned(), trace: file.clone() };
    let setting = Setting { program, store: &store, attester: None, receiver: None };
    let scene = Scene::laid(&folder, setting)?;
    scene.start().await?;
    let mut trial = Trial::of(FAULT, scene, &folder, &store)?;
    let mut wallet = trial.wallet();
    while wallet.turns < TURNS {
        wallet.turn().await?;
        wallet.turns += 1;
    }
    trial.turns = wallet.turns;
    drop(wallet);
    trial.scene.terminate().await?;
    let exchanges = trace::exchanges(&whole(&file).await?);
    let promised = exchanges.iter().filter(|exchange| exchange.promises());
    let promised: Vec<_> = promised.collect();
    for broken in unkept(&promised) {
        trial.broken(broken);
    }
    trial.times = promised.len() as u64;
    trial.seen.push(format!(
        "Syncs on SQLite: {} requests were traced; {} answers promised something.",
        exchanges.len(),
        promised.len(),
    ));
    trial.scene.becomes(Program::Product(binary.to_owned()));
    trial.start().await?;
    trial.ended().await
}

/// Which promises nothing was synced for, and which were never made.
fn unkept(promised: &[&Exchange]) -> Vec<String> {
    let unsynced = promised.iter().filter(|exchange| !exchange.is_synced);
    let unsynced = unsynced.map(|Exchange { request, status, .. }| {
        format!("R8: {request} is answered with {status} and nothing was synced before")
    });
    let is_made = |what: &str| promised.iter().any(|exchange| exchange.request.starts_with(what));
    let unmade = PROMISES.iter().filter(|what| !is_made(what));
    let unmade = unmade.map(|what| format!("R8: {what} promised nothing: nothing was tried"));
    unsynced.chain(unmade).collect()
}

/// The trace, once whoever writes it has seen the server end.
async fn whole(file: &Path) -> Result<String, Failure> {
    let begun = Instant::now();
    loop {
        let text = String::from_utf8_lossy(&fs::read(file)?).into_owned();
        if trace::is_whole(&text) {
            return Ok(text);
        }
        if begun.elapsed() > WRITTEN_WITHIN {
            return Err(Failure::Lacks("end of the trace"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(is_synced: bool) -> Vec<Exchange> {
        let of =
            |request: &&str| Exchange { request: (*request).to_owned(), status: 200, is_synced };
        PROMISES.iter().map(of).collect()
    }

    #[test]
    fn every_promise_that_nothing_was_synced_for_is_broken() {
        let mut exchanges = all(true);
        assert!(unkept(&exchanges.iter().collect::<Vec<_>>()).is_empty());
        exchanges[1].is_synced = false;
        assert_eq!(
            unkept(&exchanges.iter().collect::<Vec<_>>()),
            ["R8: POST /load/token is answered with 200 and nothing was synced before"]
        );
        assert_eq!(unkept(&all(false).iter().collect::<Vec<_>>()).len(), PROMISES.len());
    }

    #[test]
    fn a_kind_of_promise_that_was_never_made_proves_nothing() {
        let exchanges = all(true);
        let all_but_the_last: Vec<_> = exchanges.iter().take(PROMISES.len() - 1).collect();
        assert_eq!(
            unkept(&all_but_the_last),
            ["R8: POST /api/load/credentials/ promised nothing: nothing was tried"]
        );
    }
}
