//! What a flow costs where much is kept already, beside what it costs where there is little.
//!
//! Two servers run at once on the same core, one over a store with little in it and one over a store with much, and
//! play by turns: what the machine does meanwhile, it does to both.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::{
    WALLETS_CORE,
    about::About,
    configured::{self, Tenants},
    crowd,
    failure::Failure,
    fill::{self, Filling},
    flows::{Measured, Place},
    issuance::Issuance,
    machine,
    plan::Flows,
    presentation::{Card, Presentation},
    report::{mebibytes, micros},
    server::Server,
    stage::{Clocks, Stage},
};

/// What is little.
const FEW: Filling = Filling { credentials: 1_000, tenants: 1, sessions: 0 };

/// What is much, unless the command line says otherwise: so many credentials of so many tenants.
const MANY: [&str; 8] = [
    "1000x1",
    "10000x1",
    "100000x1",
    "1000000x1",
    "100000x10",
    "100000x100",
    "100000x500",
    "1000000x2000",
];

/// What is played.
const PLAYED: [Flows; 2] = [Flows::Dpop, Flows::Presentation];

/// How much more a flow may cost.
const BAR: f64 = 1.2;

/// No turn takes longer.
const LONGEST: Duration = Duration::from_secs(30);

/// What is held beside little.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    measured: Measured,
    /// So many credentials of so many tenants, as in 100000x10; may be repeated [default: from 1000x1 to 1000000x2000]
    #[arg(long, value_name = "COUNTxCOUNT")]
    point: Vec<String>,
}

/// The curve.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Scale {
    about: About,
    points: Vec<Point>,
}

/// A store with much in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Point {
    credentials: u64,
    tenants: usize,
    /// The first start, which makes the keys of all tenants.
    first_start_ms: f64,
    /// A start with everything there.
    start_ms: f64,
    memory_mib: f64,
    flows: Vec<Beside>,
}

/// What a flow costs, in processor time of the server and of its database.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Beside {
    flow: String,
    little_us: f64,
    much_us: f64,
    /// Of them the database's, where it is a server of its own.
    database_us: f64,
    times: f64,
    /// The smallest and the largest ratio of two turns after each other.
    turns: (f64, f64),
}

/// Plays at each point, prints the curve, and says whether it is flat.
pub(crate) async fn run(arguments: &Arguments) -> Result<bool, Failure> {
    machine::pin_to(WALLETS_CORE);
    let measured = &arguments.measured;
    let place = measured.place()?;
    let about = About::here(place.folder())?;
    let asked: Vec<_> = arguments.point.iter().map(String::as_str).collect();
    let asked = if asked.is_empty() { &MANY[..] } else { &asked };
    let rounds = if measured.short {
        Rounds { count: 2, flows: 50 }
    } else {
        Rounds { count: 6, flows: 500 }
    };
    let little = Kept::laid(&place, "little", FEW).await?;
    let mut points = Vec::new();
    for (nth, point) in asked.iter().enumerate() {
        let filling = read(point).ok_or_else(|| Failure::server(format!("{point} is no point")))?;
        let much = Kept::laid(&place, &format!("much-{nth}"), filling).await?;
        let played = beside(&place, (&little, &much), rounds).await;
        let memory = much.server.resident_memory()?;
        let (first_start_ms, start_ms) = (much.first_start, much.server.ready_after());
        let flows = much.server.stopped(played).await?;
        let point = Point {
            credentials: filling.credentials,
            tenants: filling.tenants,
            first_start_ms: micros(first_start_ms) / 1e3,
            start_ms: micros(start_ms) / 1e3,
            memory_mib: mebibytes(memory),
            flows,
        };
        println!("{}", point.rows());
        points.push(point);
    }
    little.server.stop().await?;
    let scale = Scale { about, points };
    println!("{}", scale.table());
    let is_flat = scale.is_flat();
    measured.keep(|figures| {
        let kept = figures.scale.remove(measured.store());
        figures.scale.insert(measured.store().to_owned(), scale.over(kept));
    })?;
    Ok(is_flat)
}

fn read(point: &str) -> Option<Filling> {
    let (credentials, tenants) = point.split_once('x')?;
    let filling = Filling {
        credentials: credentials.parse().ok()?,
        tenants: tenants.parse().ok()?,
        sessions: 0,
    };
    (filling.tenants > 0).then_some(filling)
}

/// How often both play by turns, and how many flows in each turn.
#[derive(Clone, Copy)]
struct Rounds {
    count: usize,
    flows: usize,
}

/// A server over a store that was filled.
pub(crate) struct Kept {
    pub(crate) server: Server,
    pub(crate) tenants: Vec<String>,
    /// How long the start took that made everything.
    pub(crate) first_start: Duration,
}

impl Kept {
    /// Starts a server, stops it, fills its store and starts it again.
    pub(crate) async fn laid(place: &Place, name: &str, filling: Filling) -> Result<Self, Failure> {
        let (store, tenants) = (place.store(), Tenants::Many(filling.tenants));
        let server = place.serve(name, &store, &tenants).await?;
        let first_start = server.ready_after();
        server.stop().await?;
        fill::fill(&place.folder().join(name), &store, place.database.as_ref(), filling)?;
        let server = place.serve(name, &store, &tenants).await?;
        Ok(Self { server, tenants: configured::names(filling.tenants), first_start })
    }

    pub(crate) fn stage<'s>(&'s self, place: &'s Place) -> Result<Stage<'s>, Failure> {
        Stage::set(&self.server, &self.tenants, place.database.as_ref())
    }
}

/// Plays every flow at both servers by turns.
async fn beside(
    place: &Place,
    (little, much): (&Kept, &Kept),
    rounds: Rounds,
) -> Result<Vec<Beside>, Failure> {
    let stages = [little.stage(place)?, much.stage(place)?];
    let mut cards = Vec::new();
    for stage in &stages {
        cards.push(Arc::new(stage.first_credential().await?.card));
    }
    let mut all = Vec::new();
    for flow in PLAYED {
        let (mut sums, mut databases) = ([Duration::ZERO; 2], [Duration::ZERO; 2]);
        let mut turns = (f64::INFINITY, 0.0_f64);
        // the first round warms both up
        for round in 0..=rounds.count {
            let mut costs = [Duration::ZERO; 2];
            for (nth, (stage, card)) in stages.iter().zip(&cards).enumerate() {
                let used = turn(stage, flow, rounds.flows, card).await?;
                costs[nth] = used.server + used.database;
                if round > 0 {
                    sums[nth] += costs[nth];
                    databases[nth] += used.database;
                }
            }
            if round > 0 {
                let times = costs[1].as_secs_f64() / costs[0].as_secs_f64();
                turns = (turns.0.min(times), turns.1.max(times));
            }
        }
        let each = |sum: Duration| micros(sum) / (rounds.count * rounds.flows) as f64;
        all.push(Beside {
            flow: flow.name().to_owned(),
            little_us: each(sums[0]),
            much_us: each(sums[1]),
            database_us: each(databases[1]),
            times: sums[1].as_secs_f64() / sums[0].as_secs_f64(),
            turns,
        });
    }
    Ok(all)
}

/// So many flows at one server; what they cost.
async fn turn(
    stage: &Stage<'_>,
    flow: Flows,
    count: usize,
    card: &Arc<Card>,
) -> Result<Clocks, Failure> {
    let base = stage.server.base();
    // offers and requests are made before the clock starts
    let (offers, requests) = match flow {
        Flows::Presentation => (Vec::new(), stage.requests(count, card).await?),
        _ => (stage.offers(flow, count).await?, Vec::new()),
    };
    let before = Clocks::read(stage.server, stage.database)?;
    let done = if requests.is_empty() {
        crowd::play(&Arc::new(Issuance), base, 16, offers, LONGEST).await?.outcomes.len()
    } else {
        crowd::play(&Arc::new(Presentation), base, 16, requests, LONGEST).await?.outcomes.len()
    };
    let used = Clocks::read(stage.server, stage.database)?.since(&before);
    if done == count { Ok(used) } else { Err(Failure::Lacks("turn that ends in time")) }
}

impl Scale {
    fn is_flat(&self) -> bool {
        let mut flows = self.points.iter().flat_map(|point| &point.flows);
        flows.all(|flow| flow.times <= BAR)
    }

    /// Its points in place of the same ones of a run before.
    fn over(mut self, kept: Option<Self>) -> Self {
        let size = |point: &Point| (point.tenants, point.credentials);
        // a curve is of one commit
        let kept = kept.filter(|kept| kept.about.commit == self.about.commit);
        let mut old = kept.map_or_else(Vec::new, |kept| kept.points);
        old.retain(|old| self.points.iter().all(|new| size(new) != size(old)));
        self.points.extend(old);
        self.points.sort_by_key(size);
        self
    }

    /// The curve, in Markdown.
    pub(crate) fn table(&self) -> String {
        let rows: Vec<_> = self.points.iter().map(Point::rows).collect();
        format!(
            "{} Processor time of the server and its database for a flow, beside a server on the same core that has 1,000 \
             credentials of one tenant; in the first line both have as much. Bar: at most {BAR} times.\n\n{HEAD}\n{}\n",
            self.about,
            rows.join("\n")
        )
    }
}

const HEAD: &str = "\
| credentials | tenants | flow | little µs | much µs | of it database µs | times | turns | first start ms | start ms | MiB | |\n\
|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|---:|---|";

impl Point {
    fn rows(&self) -> String {
        let mut text = String::new();
        for Beside { flow, little_us, much_us, database_us, times, turns } in &self.flows {
            let _ = writeln!(
                text,
                "| {} | {} | {flow} | {little_us:.0} | {much_us:.0} | {database_us:.0} | {times:.2} | {:.2} to {:.2} | {:.0} \
                 | {:.0} | {:.0} | {} |",
                self.credentials,
                self.tenants,
                turns.0,
                turns.1,
                self.first_start_ms,
                self.start_ms,
                self.memory_mib,
                if *times <= BAR { "flat" } else { "NOT FLAT" },
            );
        }
        text.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_two_counts() {
        let filling = read("1000x10").unwrap();
        assert_eq!((filling.credentials, filling.tenants), (1000, 10));
        for none in ["1000", "x", "1000x", "10x0", "ax1"] {
            assert!(read(none).is_none(), "{none}");
        }
    }
}
