//! What ours has to be beside what others wrote, in one run.

use std::fmt::Write as _;

use crate::{
    plan::{Flows, OURS},
    report::Line,
};

/// What is held against a peer: its name begins like this, and we make so many times its flows.
const PEERS: [(&str, [(Flows, f64); 2]); 2] = [
    ("openid4vc-ts", [(Flows::Issuance, 3.0), (Flows::Presentation, 2.5)]),
    ("Credo", [(Flows::Issuance, 15.0), (Flows::Presentation, 15.0)]),
];

/// We take at most this part of a peer's memory, at the most that either has while a flow is measured.
const MEMORY: f64 = 5.0;

/// One of them.
struct Gate {
    what: &'static str,
    peer: &'static str,
    flow: &'static str,
    ours: f64,
    theirs: f64,
    /// How many times better ours is.
    times: f64,
    bar: f64,
}

/// All of them.
pub(crate) struct Gates(Vec<Gate>);

impl Gates {
    /// Holds ours against each peer that played the same flow with as many wallets.
    pub(crate) fn of(lines: &[Line]) -> Self {
        let mut gates = Vec::new();
        for (peer, flows) in PEERS {
            for (flow, bar) in flows {
                let of = |server: &str| {
                    let mut lines = lines.iter().rev();
                    let same =
                        |line: &&Line| line.flow == flow.name() && line.server.starts_with(server);
                    lines.find(same)
                };
                let (Some(ours), Some(theirs)) = (of(OURS), of(peer)) else { continue };
                let gate = |what, (ours, theirs): (f64, f64), times: f64, bar: f64| Gate {
                    what,
                    peer,
                    flow: flow.name(),
                    ours,
                    theirs,
                    times,
                    bar,
                };
                let flows = (ours.flows_per_second, theirs.flows_per_second);
                gates.push(gate("flows/s", flows, flows.0 / flows.1, bar));
                // what is left after a flow is where a garbage collector happens to be
                if let (Some(ours), Some(theirs)) = (ours.peak_memory_mib, theirs.peak_memory_mib) {
                    gates.push(gate("memory, MiB at most", (ours, theirs), theirs / ours, MEMORY));
                }
                let cpu = (ours.server_cpu_us_per_flow, theirs.server_cpu_us_per_flow);
                gates.push(gate("server CPU, µs/flow", cpu, cpu.1 / cpu.0, 1.0));
                let start = (ours.start_ms, theirs.start_ms);
                gates.push(gate("cold start, ms", start, start.1 / start.0, 1.0));
            }
        }
        Self(gates)
    }

    /// Whether there are any, and all are passed.
    pub(crate) fn are_passed(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(Gate::is_passed)
    }

    /// The table, in Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text = String::from(
            "| flow | beside | what | ours | theirs | times better | bar | |\n\
             |---|---|---|---:|---:|---:|---:|---|\n",
        );
        for gate in &self.0 {
            let Gate { what, peer, flow, ours, theirs, times, bar } = gate;
            let passed = if gate.is_passed() { "passed" } else { "MISSED" };
            writeln!(
                text,
                "| {flow} | {peer} | {what} | {ours:.0} | {theirs:.0} | {times:.1} | {bar} | {passed} |"
            )
            .expect("a text takes everything");
        }
        text
    }
}

impl Gate {
    fn is_passed(&self) -> bool {
        self.times >= self.bar
    }
}
