//! Loads that a server has to hold, each with its bars.

mod crowds;
mod least;
mod lists;
mod pressed;
mod soak;

use std::{fmt::Write as _, time::Duration};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::{
    WALLETS_CORE,
    about::About,
    failure::Failure,
    flows::{Measured, Place},
    machine,
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
    /// For how long everything is played at a third
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
    checks: Vec<Check>,
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
            spell: Duration::from_secs(10),
            soak: Duration::from_secs_f64(arguments.minutes * 60.0),
            credentials: 1_000_000,
            tenants: 2_000,
            sessions: 10_000,
            revocations: 10_000,
        }
    };
    let mut checks = Vec::new();
    for load in Load::value_variants() {
        if arguments.only.is_empty() || arguments.only.contains(load) {
            checks.extend(load.put(&place, extent).await?);
        }
    }
    let held = Held { about, checks };
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
        let old = kept.map_or_else(Vec::new, |kept| kept.checks);
        let old = old.into_iter().filter(|old| self.checks.iter().all(|new| new.load != old.load));
        let old: Vec<_> = old.collect();
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
        text
    }
}
