//! What a run of the fault tool found, for people and for machines.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    path::Path,
};

use serde::Serialize;

use super::{inputs::Inputs, points::AtPoint, script::Kind, trials::Line};

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

    /// One line for each call within each route: how often it ended or failed there, over both moments.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        for OnStore { store, points } in &self.stores {
            let _ = writeln!(text, "\n{store}: {} points\n\n{POINTS_HEAD}", points.len());
            let mut calls: BTreeMap<(&str, &str), Vec<&AtPoint>> = BTreeMap::new();
            for at in points {
                let point = &at.passed.point;
                calls.entry((&point.during, &point.call)).or_default().push(at);
            }
            for ((during, call), at) in calls {
                let sum = |count: fn(&AtPoint) -> u64| at.iter().copied().map(count).sum::<u64>();
                let kind = match at.first().map(|at| at.passed.kind) {
                    Some(Kind::Commit) => "keeps",
                    Some(Kind::Read) => "reads",
                    _ => "answers",
                };
                let (ended, failed) = (sum(|at| at.ended), sum(|at| at.failed));
                let count = at.len();
                let _ = writeln!(
                    text,
                    "| `{during}` | {call} | {kind} | {count} | {ended} | {failed} |"
                );
            }
        }
        if !self.unvisited.is_empty() {
            let calls = self.unvisited.join(", ");
            let _ = writeln!(text, "\nNo flow came past these calls: {calls}.");
        }
        text
    }
}

const POINTS_HEAD: &str = "\
| while | call | what it does | points | the process ended | the store failed |\n\
|---|---|---|---:|---:|---:|";

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
            let _ = writeln!(text, "Not exercised on this machine: {name}.");
        }
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
| 503 | a server that cannot answer now says 503 and when to ask again, and nothing else of 5xx |
| I11 | the SQLite file passes its integrity and foreign-key checks |

Two replicas: each request goes to the one that did not get the request before. In a race 64 wallets show the same code, token or presentation to both at once, and eight callers the same DPoP proof or call; half of the rounds with clocks 90 s apart. In a rolling upgrade (`--before`) the release before serves, this one starts beside it and brings the schema up to date, every kind of issuance goes through both request by request, and then the older one is replaced; no step may be refused or stay open. A clock that jumps is that of a server of this tool: the product has no hand on it.

Not checked here: tenants (I10, by tests), the answers of both stores side by side (I12, by the contract suite). While a server is asked to end no answer may stay open (R2). *Answers lost* are steps that were done and whose answer was cut off with the connection: a code or a token is used then, and the wallet needs a new offer.

";

const POINTS: &str = "\
## Every point

Before and after every call to the store and every reply, while one wallet and one integrator do everything once: \
log in, offer, take up, wait for a decision, present, suspend, reissue, revoke, take back, erase, call by a name, save \
a question, have a message delivered again. At each point the \
process ended, and the store said in turn that it is busy, full, broken and unreachable; after what it keeps, \
it was done nevertheless. Points are found by passing them, in a server of the fault tool that is the product's over \
such a store: the product has none.";

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
