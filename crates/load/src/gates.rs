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
    /// Holds ours against each peer that played the same flow, by the most wallets that both were played by.
    pub(crate) fn of(lines: &[Line]) -> Self {
        let mut gates = Vec::new();
        for (peer, flows) in PEERS {
            for (flow, bar) in flows {
                let Some((ours, theirs)) = most_wallets(lines, flow.name(), peer) else { continue };
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

/// What we and a peer did with a flow, by the most wallets that both were played by.
fn most_wallets<'l>(
    lines: &'l [Line],
    flow: &'l str,
    peer: &'l str,
) -> Option<(&'l Line, &'l Line)> {
    let of = |server: &'l str| {
        lines.iter().filter(move |line| line.flow == flow && line.server.starts_with(server))
    };
    let pairs = of(OURS).filter_map(|ours| {
        let theirs = of(peer).find(|theirs| theirs.wallets == ours.wallets)?;
        Some((ours, theirs))
    });
    pairs.max_by_key(|(ours, _)| ours.wallets)
}

impl Gate {
    fn is_passed(&self) -> bool {
        self.times >= self.bar
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::Run;

    /// A second of issuances.
    fn line(server: &'static str, wallets: usize, flows: usize) -> Line {
        let run = Run {
            server,
            flow: Flows::Issuance.name(),
            wallets,
            start: Duration::from_millis(40),
            took: Duration::from_secs(1),
            latencies: vec![Duration::from_millis(20); flows],
            server_cpu: Duration::from_secs(1),
            wallets_cpu: Duration::ZERO,
            other_cpu: Duration::ZERO,
            database: None,
            waiting: 0,
            memory_while_waiting: 0,
            server_memory: 0,
            peak_memory: 0,
            floor: Duration::from_micros(50),
        };
        run.line()
    }

    fn flows_held(lines: &[Line]) -> Vec<(f64, f64)> {
        let Gates(gates) = Gates::of(lines);
        let flows = gates.iter().filter(|gate| gate.what == "flows/s");
        flows.map(|gate| (gate.ours, gate.theirs)).collect()
    }

    #[test]
    fn the_most_wallets_are_held_against_each_other_whatever_was_measured_last() {
        let peer = "openid4vc-ts, in memory";
        let lines =
            [line(OURS, 64, 300), line(peer, 64, 100), line(OURS, 16, 900), line(peer, 16, 1)];
        assert_eq!(flows_held(&lines), [(300.0, 100.0)]);
        let turned: Vec<_> = lines.iter().rev().cloned().collect();
        assert_eq!(flows_held(&turned), [(300.0, 100.0)]);
    }

    #[test]
    fn who_was_played_by_fewer_wallets_is_held_by_as_many() {
        let peer = "openid4vc-ts, in memory";
        let lines = [line(OURS, 64, 300), line(OURS, 16, 900), line(peer, 16, 100)];
        assert_eq!(flows_held(&lines), [(900.0, 100.0)]);
        assert!(flows_held(&lines[..1]).is_empty(), "nobody is held against nobody");
    }
}
