//! Loads that a server has to hold, each with its bars.

mod crowds;
mod least;
mod lists;
mod pressed;
mod soak;

use std::{collections::BTreeMap, fmt::Write as _, time::Duration};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::{
    WALLETS_CORE,
    about::About,
    failure::Failure,
    flows::{Measured, Place},
    ledger::book::Kept,
    machine,
    report::Line,
};

/// The loads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Load {
    /// Batches of twenty, by 64 wallets
    Batches,
    /// Verifiers that all ask for a list of a million statuses
    Herd,
    /// Ten thousand revocations while wallets play
    Revocations,
    /// Two thousand tenants, a million credentials, ten thousand offers that wait
    Tenants,
    /// Three times as many wallets as can be served, and then as many as can
    Overload,
    /// A thousand clients that send a byte a second
    Slow,
    /// Everything at a third of what can be done, for long
    Soak,
}

/// Which loads, and for how long.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    measured: Measured,
    /// Only these loads; may be repeated [default: all]
    #[arg(long, value_enum, value_name = "LOAD")]
    only: Vec<Load>,
    /// For how long everything is played at a third; 0 leaves it out
    #[arg(long, value_name = "MINUTES", default_value_t = 30.0)]
    minutes: f64,
}

/// How much of each.
#[derive(Clone, Copy)]
struct Extent {
    /// How long most loads are put on.
    spell: Duration,
    soak: Duration,
    credentials: u64,
    tenants: usize,
    sessions: u64,
    revocations: u64,
}

/// What a load came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Check {
    load: String,
    what: String,
    found: f64,
    bar: Bar,
}

/// What it has to be.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Bar {
    AtLeast(f64),
    AtMost(f64),
    /// It is only said.
    Free,
}

/// Everything that was held.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Held {
    about: About,
    /// By load: the run that its checks are of.
    #[serde(default)]
    runs: BTreeMap<String, Ran>,
    checks: Vec<Check>,
}

/// When a load was put on, on what, and for how long.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Ran {
    about: About,
    seconds: f64,
}

/// What the checks of one load are put into.
struct Checks {
    load: &'static str,
    checks: Vec<Check>,
}

impl Checks {
    const fn of(load: &'static str) -> Self {
        Self { load, checks: Vec::new() }
    }

    fn add(&mut self, what: impl Into<String>, found: f64, bar: Bar) {
        let (load, what) = (self.load.to_owned(), what.into());
        let check = Check { load, what, found, bar };
        println!("{}", check.row());
        self.checks.push(check);
    }

    /// What came of looking at the promises of flows.
    fn promises<'l>(&mut self, lines: impl IntoIterator<Item = &'l Line>) {
        let broken: u64 = lines.into_iter().filter_map(|line| line.promises_broken).sum();
        self.add("invariants broken", broken as f64, Bar::AtMost(0.0));
    }

    /// What a ledger came to.
    fn ledger(&mut self, kept: Kept) {
        self.add("steps in the ledger that were done", kept.steps.ok as f64, Bar::Free);
        self.add("steps that were refused", kept.steps.refused as f64, Bar::AtMost(0.0));
        self.add(
            "steps of which nobody knew, and that were tried again",
            kept.steps.unknown as f64,
            Bar::AtMost(0.0),
        );
        let each = kept.lines as f64 / kept.syncs.max(1) as f64;
        self.add("lines of the ledger for each of its syncs", each, Bar::Free);
        self.add("credentials in it", kept.credentials as f64, Bar::Free);
        self.add("revocations in it", kept.revocations as f64, Bar::Free);
        self.add("replays and leftovers tried", kept.tried as f64, Bar::Free);
        self.add("invariants broken", kept.broken.len() as f64, Bar::AtMost(0.0));
    }
}

/// Puts the loads on, prints what came of them, and says whether every bar was met.
pub(crate) async fn run(arguments: &Arguments) -> Result<bool, Failure> {
    machine::pin_to(WALLETS_CORE);
    let measured = &arguments.measured;
    let place = measured.place()?;
    let about = About::here(place.folder())?;
    let extent = if measured.short {
        Extent {
            spell: Duration::from_secs(1),
            soak: Duration::from_secs(3),
            credentials: 2_000,
            tenants: 20,
            sessions: 100,
            revocations: 50,
        }
    } else {
        Extent {
            spell: measured.lasts(Duration::from_secs(10)),
            soak: Duration::from_secs_f64(arguments.minutes * 60.0),
            credentials: 1_000_000,
            tenants: 2_000,
            sessions: 10_000,
            revocations: 10_000,
        }
    };
    let (mut checks, mut runs) = (Vec::new(), BTreeMap::new());
    for load in Load::value_variants() {
        let is_left_out = *load == Load::Soak && extent.soak.is_zero();
        if !is_left_out && (arguments.only.is_empty() || arguments.only.contains(load)) {
            let lasts = if *load == Load::Soak { extent.soak } else { extent.spell };
            let found = load.put(&place, extent).await?;
            let ran = Ran { about: about.clone(), seconds: lasts.as_secs_f64() };
            runs.extend(found.first().map(|check| (check.load.clone(), ran)));
            checks.extend(found);
        }
    }
    let held = Held { about, runs, checks };
    println!("\n{}", held.table());
    let is_held = held.checks.iter().all(Check::is_met);
    measured.keep(|figures| {
        let kept = figures.held.remove(measured.store());
        figures.held.insert(measured.store().to_owned(), held.over(kept));
    })?;
    Ok(is_held)
}

impl Load {
    async fn put(self, place: &Place, extent: Extent) -> Result<Vec<Check>, Failure> {
        let checks = match self {
            Self::Batches => crowds::batches(place, extent).await?,
            Self::Herd => lists::herd(place, extent).await?,
            Self::Revocations => lists::revocations(place, extent).await?,
            Self::Tenants => crowds::tenants(place, extent).await?,
            Self::Overload => crowds::overload(place, extent).await?,
            Self::Slow => crowds::slow(place, extent).await?,
            Self::Soak => soak::soak(place, extent).await?,
        };
        Ok(checks.checks)
    }
}

impl Check {
    fn is_met(&self) -> bool {
        match self.bar {
            Bar::AtLeast(bar) => self.found >= bar,
            Bar::AtMost(bar) => self.found <= bar,
            Bar::Free => true,
        }
    }

    fn row(&self) -> String {
        let Self { load, what, found, bar } = self;
        let bar = match bar {
            Bar::AtLeast(bar) => format!("≥ {bar}"),
            Bar::AtMost(bar) => format!("≤ {bar}"),
            Bar::Free => String::new(),
        };
        let found = if found.abs() < 10.0 { format!("{found:.2}") } else { format!("{found:.0}") };
        format!(
            "| {load} | {what} | {found} | {bar} | {} |",
            if self.is_met() { "" } else { "MISSED" }
        )
    }
}

impl Held {
    /// Its loads in place of the same ones of a run before.
    fn over(mut self, kept: Option<Self>) -> Self {
        let Some(kept) = kept else { return self };
        let old = kept.checks.into_iter();
        let old = old.filter(|old| self.checks.iter().all(|new| new.load != old.load));
        let old: Vec<_> = old.collect();
        for load in old.iter().map(|old| &old.load) {
            // what was kept before runs were has that of its file
            let ran = kept.runs.get(load).cloned();
            let ran = ran.unwrap_or_else(|| Ran { about: kept.about.clone(), seconds: 0.0 });
            self.runs.entry(load.clone()).or_insert(ran);
        }
        self.checks.extend(old);
        self
    }

    /// The table, in Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text =
            format!("{}\n\n| load | what | found | bar | |\n|---|---|---:|---:|---|\n", self.about);
        for check in &self.checks {
            let _ = writeln!(text, "{}", check.row());
        }
        text.push_str(
            "\n| load | s that it was put on | on (UTC) | commit |\n|---|---:|---|---|\n",
        );
        for (load, Ran { about, seconds }) in &self.runs {
            let (date, commit) = (about.date.replace('T', " "), &about.commit);
            let seconds = if *seconds > 0.0 { format!("{seconds:.0}") } else { String::new() };
            let _ = writeln!(text, "| {load} | {seconds} | {date} | {commit} |");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(loads: &[&str], commit: &str) -> Held {
        let about = About::of(commit);
        let check = |load: &&str| Check {
            load: (*load).to_owned(),
            what: "flows/s".to_owned(),
            found: 1.0,
            bar: Bar::Free,
        };
        let ran = |load: &&str| ((*load).to_owned(), Ran { about: about.clone(), seconds: 10.0 });
        let (runs, checks) = (loads.iter().map(ran).collect(), loads.iter().map(check).collect());
        Held { about: about.clone(), runs, checks }
    }

    #[test]
    fn a_load_of_a_run_before_says_of_which_commit_it_is() {
        let kept = held(&["slow clients", "batches of 20"], "before");
        let table = held(&["batches of 20"], "after").over(Some(kept)).table();
        let is_of = |load, commit| {
            table.lines().any(|line| line.starts_with(load) && line.ends_with(commit))
        };
        assert!(is_of("| slow clients | 10 |", "| before |"), "{table}");
        assert!(is_of("| batches of 20 | 10 |", "| after |"), "{table}");
    }
}
