//! What a run found, as a table for people and JSON for machines.

use std::{fmt::Write as _, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{about::About, database::Counts, ledger::book::Kept, promises::Promises};

/// One kind of flow under one concurrency.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) server: String,
    pub(crate) flow: String,
    pub(crate) wallets: usize,
    /// From process start until the server was ready.
    pub(crate) start_ms: f64,
    flows: usize,
    pub(crate) flows_per_second: f64,
    p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) server_cpu_us_per_flow: f64,
    /// What the database took beside it, where it is a server of its own.
    database: Option<DatabaseLine>,
    crypto_floor_us: f64,
    server_cpu_over_floor: f64,
    /// What one core could serve if it did nothing else.
    flows_per_server_core_second: f64,
    /// Offers or requests that waited when the clock started, and what memory the server had then.
    waiting: usize,
    memory_while_waiting_mib: f64,
    server_memory_mib: f64,
    /// The most that it had meanwhile, unless the run was before that was looked at.
    pub(crate) peak_memory_mib: Option<f64>,
    wallets_cpu_us_per_flow: f64,
    /// Processors that neither side used, but somebody did.
    other_load: f64,
    /// What was tried again once the clocks had stopped, and how many promises were broken; at a server of ours.
    #[serde(default)]
    tried: u64,
    #[serde(default)]
    pub(crate) promises_broken: Option<u64>,
}

/// What a database of its own did for a flow.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct DatabaseLine {
    cpu_us_per_flow: f64,
    transactions_per_flow: f64,
    round_trips_per_flow: f64,
}

/// What was measured about a run of flows.
pub(crate) struct Run {
    pub(crate) server: &'static str,
    pub(crate) flow: &'static str,
    pub(crate) wallets: usize,
    pub(crate) start: Duration,
    pub(crate) took: Duration,
    pub(crate) latencies: Vec<Duration>,
    pub(crate) server_cpu: Duration,
    pub(crate) wallets_cpu: Duration,
    pub(crate) other_cpu: Duration,
    /// What a database of its own used and did.
    pub(crate) database: Option<(Duration, Counts)>,
    pub(crate) waiting: usize,
    pub(crate) memory_while_waiting: u64,
    pub(crate) server_memory: u64,
    pub(crate) peak_memory: u64,
    pub(crate) floor: Duration,
}

impl Run {
    pub(crate) fn line(mut self) -> Line {
        self.latencies.sort_unstable();
        let flows = self.latencies.len();
        let percentile = |share: f64| {
            let index = ((flows as f64 * share) as usize).min(flows.saturating_sub(1));
            self.latencies.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
        };
        let per_flow = |cpu: Duration| micros(cpu) / flows as f64;
        let cpu = per_flow(self.server_cpu);
        Line {
            server: self.server.to_owned(),
            flow: self.flow.to_owned(),
            wallets: self.wallets,
            start_ms: micros(self.start) / 1e3,
            flows,
            flows_per_second: flows as f64 / self.took.as_secs_f64(),
            p50_ms: percentile(0.50),
            p99_ms: percentile(0.99),
            server_cpu_us_per_flow: cpu,
            database: self.database.map(|(used, counts)| DatabaseLine {
                cpu_us_per_flow: per_flow(used),
                transactions_per_flow: counts.transactions as f64 / flows as f64,
                round_trips_per_flow: counts.round_trips as f64 / flows as f64,
            }),
            crypto_floor_us: micros(self.floor),
            server_cpu_over_floor: cpu / micros(self.floor),
            flows_per_server_core_second: 1e6 / cpu,
            waiting: self.waiting,
            memory_while_waiting_mib: mebibytes(self.memory_while_waiting),
            server_memory_mib: mebibytes(self.server_memory),
            peak_memory_mib: Some(mebibytes(self.peak_memory)),
            wallets_cpu_us_per_flow: per_flow(self.wallets_cpu),
            other_load: self.other_cpu.as_secs_f64() / self.took.as_secs_f64(),
            tried: 0,
            promises_broken: None,
        }
    }
}

/// How the server came up.
pub(crate) struct Start {
    pub(crate) ready: Duration,
    pub(crate) first_credential: Duration,
    pub(crate) memory_at_rest: u64,
}

/// Everything a run says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Where and when it was.
    about: About,
    /// From process start to readiness.
    ready_ms: f64,
    /// From process start to a credential that verifies.
    first_credential_ms: f64,
    /// Resident memory before the first flow.
    memory_at_rest_mib: f64,
    /// The flows.
    pub(crate) flows: Vec<Line>,
    /// What every step was written down in, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ledger: Option<Kept>,
}

impl Report {
    pub(crate) fn new(about: About, start: &Start, flows: Vec<Line>) -> Self {
        Self {
            about,
            ready_ms: micros(start.ready) / 1e3,
            first_credential_ms: micros(start.first_credential) / 1e3,
            memory_at_rest_mib: mebibytes(start.memory_at_rest),
            flows,
            ledger: None,
        }
    }

    /// With what its ledger came to, if one was kept.
    pub(crate) fn with(mut self, ledger: Option<Kept>) -> Self {
        self.ledger = ledger;
        self
    }

    /// Its flows in place of the same ones of a run before.
    pub(crate) fn over(mut self, kept: Option<Self>) -> Self {
        // a table is of one commit, and of runs without a ledger or of one run with it
        let kept = kept.filter(|kept| kept.about.commit == self.about.commit);
        let kept = kept.filter(|kept| kept.ledger.is_none() && self.ledger.is_none());
        let mut old = kept.map_or_else(Vec::new, |kept| kept.flows);
        let is_same = |old: &Line, new: &Line| {
            old.flow == new.flow && old.wallets == new.wallets && old.server == new.server
        };
        old.retain(|old| !self.flows.iter().any(|new| is_same(old, new)));
        self.flows.extend(old);
        self
    }

    /// How many promises were broken while flows were played.
    pub(crate) fn promises_broken(&self) -> u64 {
        let kept = self.ledger.as_ref().map_or(0, |kept| kept.broken.len() as u64);
        kept + self.flows.iter().filter_map(|line| line.promises_broken).sum::<u64>()
    }

    /// The tables, in Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "{}\n\nStart, in an empty store: ready after {:.0} ms, first verified credential after {:.0} ms \
             (bar: 150), {:.1} MiB at rest (bar: 50).\n\n\
             | flow | server | wallets | s | flows | flows/s | p50 ms | p99 ms | server CPU µs/flow | crypto µs/flow \
             | CPU ÷ crypto | flows per server-core-second | waiting before | MiB then | MiB at most | MiB after | wallets' CPU µs/flow \
             | other load |\n\
             |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
            self.about, self.ready_ms, self.first_credential_ms, self.memory_at_rest_mib,
        );
        for line in &self.flows {
            line.write(&mut text);
        }
        if self.flows.iter().any(|line| line.promises_broken.is_some()) {
            let tried: u64 = self.flows.iter().map(|line| line.tried).sum();
            let broken: u64 = self.flows.iter().filter_map(|line| line.promises_broken).sum();
            let _ = writeln!(
                text,
                "\nOnce the clocks had stopped, {tried} offers and requests were tried again: what was used is \
                 refused, what was not is good, each answered request has one result, and no two credentials have \
                 one place of a status list. Invariants broken: {broken}."
            );
        }
        if let Some(kept) = &self.ledger {
            let _ = writeln!(
                text,
                "\n{kept} The flows/s above are those with it: its syncs and the server's share a disk."
            );
        }
        if self.flows.iter().any(|line| line.database.is_some()) {
            text.push_str(
                "\nWhat the database did for a flow, on whichever core was free:\n\n\
                 | flow | wallets | database CPU µs/flow | transactions | round trips |\n\
                 |---|---:|---:|---:|---:|\n",
            );
        }
        for line in &self.flows {
            let Some(database) = &line.database else { continue };
            writeln!(
                text,
                "| {} | {} | {:.0} | {:.1} | {:.1} |",
                line.flow,
                line.wallets,
                database.cpu_us_per_flow,
                database.transactions_per_flow,
                database.round_trips_per_flow
            )
            .expect("a text takes everything");
        }
        text
    }
}

/// The bars that every flow has.
pub(crate) const BARS: &str = "Bars by one wallet: 100 issuances/s, p99 50 ms. Bars at 64 wallets on one server core: 2000 issuances/s, bound by DPoP too; \
    200 batches/s; 800 logins/s; 1500 presentations/s; CPU ÷ crypto at most 4, with DPoP and for presentations 3; \
    10,000 open requests in 100 MB.";

impl Line {
    /// Notes what came of looking at its promises, and says which were broken.
    pub(crate) fn kept(&mut self, promises: Promises) {
        promises.broken.iter().for_each(|broken| eprintln!("broken: {}: {broken}", self.flow));
        self.tried = promises.tried;
        self.promises_broken = Some(promises.broken.len() as u64);
    }

    fn write(&self, text: &mut String) {
        writeln!(
            text,
            "| {} | {} | {} | {:.1} | {} | {:.0} | {:.2} | {:.2} | {:.0} | {:.0} | {:.1} | {:.0} | {} | {:.0} | {} | {:.0} | {:.0} | {:.2} |",
            self.flow,
            self.server,
            self.wallets,
            self.flows as f64 / self.flows_per_second.max(f64::MIN_POSITIVE),
            self.flows,
            self.flows_per_second,
            self.p50_ms,
            self.p99_ms,
            self.server_cpu_us_per_flow,
            self.crypto_floor_us,
            self.server_cpu_over_floor,
            self.flows_per_server_core_second,
            self.waiting,
            self.memory_while_waiting_mib,
            self.peak_memory_mib.map_or_else(String::new, |peak| format!("{peak:.0}")),
            self.server_memory_mib,
            self.wallets_cpu_us_per_flow,
            self.other_load,
        )
        .expect("a text takes everything");
    }
}

pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(commit: &str, ledger: Option<Kept>) -> Report {
        let start =
            Start { ready: Duration::ZERO, first_credential: Duration::ZERO, memory_at_rest: 0 };
        let run = Run {
            server: "Lanyard",
            flow: if ledger.is_some() { "issuance" } else { "presentation" },
            wallets: 64,
            start: Duration::ZERO,
            took: Duration::from_secs(1),
            latencies: vec![Duration::from_millis(1)],
            server_cpu: Duration::ZERO,
            wallets_cpu: Duration::ZERO,
            other_cpu: Duration::ZERO,
            database: None,
            waiting: 0,
            memory_while_waiting: 0,
            server_memory: 0,
            peak_memory: 0,
            floor: Duration::from_micros(1),
        };
        Report::new(About::of(commit), &start, vec![run.line()]).with(ledger)
    }

    #[test]
    fn what_a_ledger_finds_broken_counts_and_is_said_beside_the_rates_that_it_cost() {
        let broken = vec!["I1: one code gave two tokens".to_owned()];
        let report = report("now", Some(Kept { broken, ..Kept::default() }));
        assert_eq!(report.promises_broken(), 1);
        let table = report.table();
        assert!(
            table.contains("Invariants broken: 1. The flows/s above are those with it"),
            "{table}"
        );
    }

    #[test]
    fn rates_with_a_ledger_and_without_one_are_in_no_table_together() {
        let with = || report("now", Some(Kept::default()));
        assert_eq!(with().over(Some(report("now", None))).flows.len(), 1);
        assert_eq!(report("now", None).over(Some(with())).flows.len(), 1);
        let mut other = report("now", None);
        other.flows.iter_mut().for_each(|line| line.flow = "batch of 20".to_owned());
        assert_eq!(report("now", None).over(Some(other)).flows.len(), 2);
    }
}
