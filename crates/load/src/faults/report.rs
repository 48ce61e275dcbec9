//! What a run of the fault tool found, for people and for machines.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    path::Path,
};

use serde::Serialize;

use super::{inputs::Inputs, points::AtPoint, trials::Line};

/// Everything that a run found.
#[derive(Serialize)]
pub(super) struct Report {
    pub(super) commit: String,
    /// How the binary was built: `release`, or `debug`; nothing where nobody knows.
    pub(super) build: Option<String>,
    pub(super) processors: usize,
    pub(super) fsync_per_second: f64,
    pub(super) seed: u64,
    pub(super) faults: Vec<Line>,
    pub(super) points: Points,
    pub(super) inputs: Vec<Inputs>,
    /// What could not be played to its end, and why.
    pub(super) failed: Vec<String>,
    pub(super) not_exercised: Vec<&'static str>,
}

/// What happened at each point, on each store.
#[derive(Default, Serialize)]
pub(super) struct Points {
    stores: Vec<OnStore>,
    /// Calls of a store that keep something and that nothing came past.
    pub(super) unvisited: Vec<&'static str>,
}

#[derive(Serialize)]
struct OnStore {
    store: &'static str,
    points: Vec<AtPoint>,
}

impl Points {
    pub(super) fn add(&mut self, store: &'static str, points: Vec<AtPoint>) {
        self.stores.push(OnStore { store, points });
    }

    /// One line for each route: how many points are passed for it, and how often it ended or failed there.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        let mut routes: BTreeMap<&str, Vec<[u64; 3]>> = BTreeMap::new();
        if self.stores.is_empty() {
            return text;
        }
        let (mut head, mut rule) = ("| while |".to_owned(), "|---|".to_owned());
        for (nth, OnStore { store, points }) in self.stores.iter().enumerate() {
            let _ = write!(head, " {store}: points | the process ended | the store failed |");
            rule.push_str("---:|---:|---:|");
            for at in points {
                let sums = routes.entry(&at.passed.point.during).or_default();
                sums.resize(self.stores.len(), [0; 3]);
                for (sum, count) in sums[nth].iter_mut().zip([1, at.ended, at.failed]) {
                    *sum += count;
                }
            }
        }
        let _ = writeln!(text, "{head}\n{rule}");
        for (during, sums) in routes {
            let sums: Vec<_> = sums.as_flattened().iter().map(u64::to_string).collect();
            let _ = writeln!(text, "| `{during}` | {} |", sums.join(" | "));
        }
        if !self.unvisited.is_empty() {
            let calls = self.unvisited.join(", ");
            let _ = writeln!(text, "\nNo flow came past these calls: {calls}.");
        }
        text
    }
}

/// The folder that cargo built it in; whatever lies elsewhere was built somehow, of some commit.
pub(super) fn build_of(binary: &Path) -> Option<String> {
    let folder = binary.parent().filter(|folder| folder.join(".fingerprint").is_dir())?;
    Some(folder.file_name()?.to_string_lossy().into_owned())
}

pub(super) const HEAD: &str = "\
| fault | store | times | turns | steps ok | refused | unknown | answers lost | credentials | replays and leftovers tried | slowest start ms | invariants broken |\n\
|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|";

impl Line {
    /// Its line of the table.
    pub(super) fn row(&self) -> String {
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            self.fault,
            self.store,
            self.times,
            self.turns,
            self.steps.ok,
            self.steps.refused,
            self.steps.unknown,
            self.lost_answers,
            self.credentials,
            self.tried,
            self.slowest_start_ms,
            self.broken.len(),
        )
    }
}

impl Report {
    pub(super) fn broken(&self) -> usize {
        self.lines().map(|line| line.broken.len()).sum()
    }

    /// What every fault came to, bad inputs among them.
    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.faults.iter().chain(self.inputs.iter().map(|inputs| &inputs.line))
    }

    pub(super) fn sum(&self) -> String {
        let sum = |count: fn(&Line) -> u64| self.lines().map(count).sum::<u64>();
        // a bad input is no fault
        let faults: u64 = self.faults.iter().map(|line| line.times).sum();
        format!(
            "load held: {} turns, {} steps; faults survived: {}; inputs tried: {}; invariants broken: {}",
            sum(|line| line.turns),
            sum(|line| line.steps.ok + line.steps.refused + line.steps.unknown),
            faults,
            sum(|line| line.tried),
            self.broken(),
        )
    }

    /// The page that is published.
    pub(super) fn page(&self) -> String {
        let mut text = String::from(PAGE);
        let _ = writeln!(text, "{}\n\n{HEAD}", self.sum());
        for line in self.lines() {
            let _ = writeln!(text, "{}", line.row());
        }
        let _ = writeln!(
            text,
            "\nCommit {} ({}), {} processors, {:.0} fsynced commits a second, seed {}.",
            self.commit,
            self.build.as_ref().map_or_else(
                || "the tool; the server is of a build of its own".to_owned(),
                |build| format!("{build} build")
            ),
            self.processors,
            self.fsync_per_second,
            self.seed
        );
        let _ = writeln!(text, "\n{POINTS}\n{}", self.points.table());
        for inputs in &self.inputs {
            let _ = writeln!(text, "\n{inputs}");
        }
        for seen in self.lines().flat_map(|line| &line.seen) {
            let _ = writeln!(text, "\n{seen}");
        }
        for failed in &self.failed {
            let _ = writeln!(text, "\nNot played to its end: {failed}");
        }
        for name in &self.not_exercised {
            let _ = writeln!(text, "\nNot exercised on this machine: {name}.");
        }
        let _ = writeln!(text, "\n{NOT_HERE}");
        text
    }
}

const PAGE: &str = "\
# Reliability

Written by `cargo xtask faults`; the same for machines is in `reliability.json`. Do not edit.

Eight wallets play against one server: each turn is an offer, mostly a token and a credential, often a presentation or a revocation. Before a step they write down what they ask for, after it what they were answered, each line synced. What was acknowledged is a promise; what was not is open, and must be done whole or not at all. Then something happens to the server, again and again, and afterwards it is held to:

| | what is checked |
|---|---|
| I1 | no code gives two tokens; an acknowledged offer that nobody took up is good |
| I2 | every acknowledged credential is on record; no status place is given twice, also across restores |
| I3 | an acknowledged revocation is in the published list, and nothing else is |
| I4 | a presentation that was taken has one result, whoever asks how often, and is taken once; it is verified, or where the store was away and with it the status list, one that could not be checked |
| I5 | where webhooks are heard, every result that was taken is told of, under one name however often |
| I6 | what was used stays used: every code and every presentation is shown again |
| I7 | nobody waits for a minute: what is open is tried again and comes to an end |
| I8 | every acknowledged credential, revocation and erasure is in the audit chain, once, and the chain is whole |
| I9 | every credential that was issued verifies |
| I10 | no answer crosses a tenant: by tests, not here |
| I11 | the store is sound: the SQLite file passes its integrity and foreign-key checks, every index of PostgreSQL `amcheck` |
| I12 | both stores give the same answers: by the contract suite, not here |

Whenever a server cannot answer, it says 503 and when to ask again, and nothing else of 5xx. What happens, by the names that broken promises have:

| | what happens | what is promised beside I1 to I12 |
|---|---|---|
| R1 | the process is killed at any moment | it starts within 5 s |
| R2 | it is asked to end | it ends well within 11 s, no answer stays open |
| R3 | the process ends at a point | |
| R4 | the store fails at a point | |
| R5 | the disk is full; on PostgreSQL triggers say what it says then (53100) | what needs no write is answered; it heals by itself |
| R6 | somebody else holds the database, or PostgreSQL stands still (`SIGSTOP`) | on SQLite what needs no write is answered, on PostgreSQL `/healthz` within a second; it heals by itself |
| R7 | connections to the database are cut, the database server is killed, another takes over | the server says that it is not ready; it heals by itself |
| R8 | the system calls of a server on SQLite are traced (`strace`) while one wallet goes on alone | between each request and the 2xx that promises something the log of the database is synced, whole |
| R9 | a backup is restored | nothing that was good before is |
| R10 | clocks jump | what has expired is refused, what has not is taken |
| R11 | clients are slow | others wait no more than a second, or three times as long as alone |
| R12 | 500 presentations at once need status lists of hosts that refuse, hang, drip and send without end | each ends within 10 s, as one that could not be checked; others wait no more than a second, or three times as long as alone; no more than 64 MiB more; once the hosts are well, such presentations verify |
| R13 | no more than 256 files may be open, and clients hold all connections that there may be | it goes on, and heals once they are gone |
| R14 | whoever is told by webhooks is slow, refuses, is gone | others do not notice; what happened is told in the end, what happened to one session in its order, or waits for somebody to have it delivered |
| R15 | the sealing key is changed | |
| | the signing key and its certificate are replaced, on two replicas one after the other; then they do not belong together, or are cut off | every credential is signed by a key that was in force then, and by no other once it is replaced; what was issued before verifies, with its status; no start without a reason |
| R16 | a store of the release before is taken over | what is newer is refused and left as it is |
| R18 | housekeeping goes on all the time, by turns, over a store full of what is due | one of a hundred steps takes no longer than twice what it takes without, or 30 ms; what is due is gone, what is not yet due is there |
| D2 | two replicas: each request goes to the other, and both race for what is good once | no step is refused |
| D3 | one of two replicas is killed again and again | steps go on at 60 % of their pace at least |
| D4 | one of two replicas is cut off from the database | it says so within 5 s, and signs no list |
| D5 | the release before and this one serve together | no step is refused |
| D6 | two replicas race with clocks 90 s apart | nothing is taken twice |
| D7 | one of two replicas sleeps past every lease | it does not put back what went on meanwhile |

Two replicas: each request goes to the one that did not get the request before. In a race 64 wallets show the same code, token or presentation to both at once, and eight callers the same DPoP proof or call; half of the rounds with clocks 90 s apart. In a rolling upgrade (`--before`) the release before serves, this one starts beside it and brings the schema up to date, every kind of issuance goes through both request by request, and then the older one is replaced. A clock that jumps is that of a server of this tool: the product has no hand on it.

*Answers lost* are steps that were done and whose answer was cut off with the connection: a code or a token is used then, and the wallet needs a new offer.

";

const NOT_HERE: &str = "\
## Not here

| | why |
|---|---|
| that PostgreSQL syncs before it acknowledges | its own processes do: a server does not start where `fsync` or `synchronous_commit` is off for its role |
| what a machine without power loses | a traced sync is as good as the disk that says it is done |
| hosts that a server asks for DIDs and claims are in trouble, and names that resolve to another address each time | R12 is by status lists, which go through the same fetcher; the others by the tests of `crates/fetch` and of both services, each alone |
| no memory to be had, a folder of the configuration that cannot be written, no room for temporary files | not tried: memory that is merely set apart for an allocator counts where a process can be limited without a control group |
| keys of document signers and of DIDs are replaced, and the certificate of a signing key is revoked | the key of SD-JWT VCs, their status lists and presentation requests is replaced; what verifiers make of revoked certificates: by tests |
| the wallet's library is killed | by the tests of `crates/wallet` |
| an issuer that refuses good nonces, is late and moves | by the tests of both sides (`awkward`) |
| housekeeping beside a load at its most | R18 is by eight wallets that wait for each answer; under `lanyard-load held` it runs once a minute |
| shorter than one could wish: slow clients are there for 10 s, webhooks are in trouble for a second a time, and for an hour and for days by a clock that is put ahead, one of two replicas is killed for seven minutes, a disk is full and a database locked for 15 s at most | the whole run is to end within an hour |";

const POINTS: &str = "\
## Every point

Before and after every call to the store and every reply, while one wallet and one integrator do everything once: \
log in, offer, take up, wait for a decision, present, suspend, reissue, revoke, take back, erase, call by a name, save \
a question, have a message delivered again. At each point of what is kept or answered the process ended, at each call \
the store said in turn that it is busy, full, broken and unreachable; after what it keeps, \
it was done nevertheless. At what a first start keeps the process ended once; at what a start reads nothing happened. \
A point that nothing came past is a broken promise. \
`aside` is what nobody asked for, housekeeping among it. Points are found by passing them, in a server of the fault \
tool that is the product's over such a store: the product has none. What happened at each call is in `reliability.json`.";

impl fmt::Display for Inputs {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, recorded, routes, sent, answers, seconds, .. } = self;
        let (early, late) = (self.memory_after_a_tenth_mib, self.memory_at_the_end_mib);
        let answers: Vec<_> = answers
            .iter()
            .map(|(status, count)| match status {
                0 => format!("{count} × closed"),
                status => format!("{count} × {status}"),
            })
            .collect();
        let answers = answers.join(", ");
        write!(
            out,
            "{store}: {sent} mutations of {recorded} good requests to {routes} routes in {seconds:.0} s, answered by \
             {answers}; resident memory {early} MiB after a tenth of them, {late} MiB at the end."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_named_where_cargo_built_it_and_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["elsewhere", "release/.fingerprint"] {
            std::fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        assert_eq!(build_of(&folder.path().join("elsewhere/lanyard")), None);
        assert_eq!(build_of(&folder.path().join("release/lanyard")).as_deref(), Some("release"));
        assert_eq!(build_of(Path::new("lanyard")), None);
    }
}
