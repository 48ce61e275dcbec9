//! Every flow by crowds of wallets, on either store.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;

use crate::{
    WALLETS_CORE,
    about::About,
    attester::{self, Attester},
    configured::{self, Tenants},
    database::Database,
    failure::Failure,
    faults::Store,
    figures::{self, Figures},
    gates::Gates,
    ledger::book::{self, Book},
    machine,
    peers::{self, Ground},
    plan::{self, Flows, Plan, Played},
    report::Report,
    server::{Server, Setting},
};

/// The core that the server runs on, alone.
pub(crate) const SERVER_CORE: usize = 0;

/// What is measured, where, and who is told.
#[derive(Clone, Debug, Args)]
pub(crate) struct Measured {
    /// The binary to measure; without it the release build of this workspace
    #[arg(long, value_name = "FILE")]
    pub(crate) binary: Option<PathBuf>,
    /// Where to put the server's data for the run; a real disk, not tmpfs [default: beside the binary]
    #[arg(long, value_name = "FOLDER")]
    pub(crate) data: Option<PathBuf>,
    /// On a PostgreSQL that is started for it, in place of SQLite
    #[arg(long)]
    pub(crate) postgres: bool,
    /// Do everything shorter: what comes out says that it works, and little more
    #[arg(long)]
    pub(crate) short: bool,
    /// For how many seconds each flow is played, or most loads are put on [default: 6, and 10]
    #[arg(long, value_name = "SECONDS", conflicts_with = "short")]
    seconds: Option<u64>,
    /// Write what was found into this page, between its marks, and into the JSON file beside it
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
}

/// Which flows are played, by whom, and what they are held against.
#[derive(Debug, Args)]
#[group(id = "flows")]
pub(crate) struct Arguments {
    #[command(flatten)]
    measured: Measured,
    /// How many wallets at once; may be repeated [default: 1, 16, 64]
    #[arg(long, value_name = "COUNT")]
    wallets: Vec<usize>,
    /// Play these flows only; may be repeated
    #[arg(long, value_enum, value_name = "FLOW")]
    flow: Vec<Flows>,
    /// Play the flows against the least that a server can do, too: the same requests, durable rows and
    /// cryptography, and nothing else
    #[arg(long)]
    least: bool,
    /// Play issuance and presentation against the peers in this folder, too, and hold ours to the gates:
    /// interop-tests/peers
    #[arg(long, value_name = "FOLDER")]
    peers: Option<PathBuf>,
    /// Write down every step before it and after it in this file, each line synced, and hold the server to what the
    /// file says; the syncs take the disk from the server
    #[arg(long, value_name = "FILE", conflicts_with = "peers")]
    ledger: Option<PathBuf>,
    /// Write what was found as JSON too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

impl Arguments {
    /// The folder of the data, if one was named.
    pub(crate) fn data(&self) -> Option<&Path> {
        self.measured.data.as_deref()
    }
}

/// Where one run has its data.
pub(crate) struct Place {
    pub(crate) binary: PathBuf,
    folder: tempfile::TempDir,
    pub(crate) database: Option<Database>,
}

impl Measured {
    /// A folder for the run, and a database if it is to have one.
    pub(crate) fn place(&self) -> Result<Place, Failure> {
        let binary = machine::binary(self.binary.as_deref())?;
        let folder = machine::data_folder(&binary, self.data.as_deref())?;
        let database = self.postgres.then(Database::start).transpose()?;
        Ok(Place { binary, folder, database })
    }

    /// How long something lasts, unless somebody said how long.
    pub(crate) fn lasts(&self, else_so_long: Duration) -> Duration {
        self.seconds.map_or(else_so_long, Duration::from_secs)
    }

    /// What the store of the run is called.
    pub(crate) const fn store(&self) -> &'static str {
        if self.postgres { "PostgreSQL" } else { "SQLite" }
    }

    /// Writes what was found where somebody asked for it.
    pub(crate) fn keep(&self, change: impl FnOnce(&mut Figures)) -> Result<(), Failure> {
        match &self.report {
            Some(page) => figures::keep(page, change),
            None => Ok(()),
        }
    }
}

impl Place {
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A new store of the kind that the run is about.
    pub(crate) fn store(&self) -> Store {
        match &self.database {
            Some(database) => Store::Postgres { address: database.fresh() },
            None => Store::Sqlite,
        }
    }

    /// Starts a server with these tenants in a folder of this name, which may have been served before.
    pub(crate) async fn serve(
        &self,
        name: &str,
        store: &Store,
        tenants: &Tenants<'_>,
    ) -> Result<Server, Failure> {
        let data = self.folder().join(name);
        let setting = Setting::Configured(configured::lay(&data, store, tenants)?);
        Server::start(&self.binary, &data, SERVER_CORE, setting).await
    }
}

/// Plays the flows, prints what came out, and says whether every gate was passed.
pub(crate) async fn run(arguments: &Arguments) -> Result<bool, Failure> {
    machine::pin_to(WALLETS_CORE);
    let measured = &arguments.measured;
    let place = measured.place()?;
    let report = measure(arguments, &place).await?;
    println!("{}", report.table());
    let gates = arguments.peers.is_some().then(|| Gates::of(&report.flows));
    if let Some(gates) = &gates {
        println!("{}", gates.table());
    }
    if let Some(file) = &arguments.json {
        std::fs::write(file, serde_json::to_vec_pretty(&report)?)?;
    }
    let passed = gates.as_ref().is_none_or(Gates::are_passed) && report.promises_broken() == 0;
    measured.keep(|figures| {
        let part = if gates.is_some() { &mut figures.peers } else { &mut figures.flows };
        let kept = part.remove(measured.store());
        part.insert(measured.store().to_owned(), report.over(kept));
    })?;
    Ok(passed)
}

async fn measure(arguments: &Arguments, place: &Place) -> Result<Report, Failure> {
    let Arguments { measured, wallets, flow, .. } = arguments;
    let plan = Plan::new(measured, wallets, flow, arguments.peers.is_some());
    let about = About::here(place.folder())?;
    let database = place.database.as_ref();
    let store = place.store();
    let whose = (configured::ONE, configured::VCT);
    let ledger = arguments.ledger.as_deref();
    let book = ledger.map(|ledger| Book::open(ledger, &store, whose)).transpose()?;
    let server = match database {
        Some(_) => place.serve("data", &store, &Tenants::Many(1)).await?,
        // in an empty folder, as a newcomer starts it
        None => {
            let data = place.folder().join("data");
            Server::start(&place.binary, &data, SERVER_CORE, Setting::Demo).await?
        }
    };
    let memory_at_rest = server.resident_memory()?;
    let written = book.as_ref().map(|book| &book.ledger);
    let played = plan::play(&plan, &server, database, memory_at_rest, written).await;
    let (played, mut kept) = book::closed(server, played, book.as_ref()).await?;
    let Played { start, sizes, mut lines, mut shapes } = played;

    // the tenant where holders log in has a server of its own
    if plan.has_login() {
        let attester = Attester::new()?;
        let tenants = Tenants::Attested(&attester);
        let store = place.store();
        let server = place.serve("login", &store, &tenants).await?;
        // a ledger is of one server
        let whose = (attester::TENANT, attester::VCT);
        let ledger = ledger.map(|ledger| ledger.with_added_extension("login"));
        let book = ledger.map(|ledger| Book::open(&ledger, &store, whose)).transpose()?;
        let written = book.as_ref().map(|book| &book.ledger);
        let server_of = (&server, database);
        let played = plan::play_logins(&plan, server_of, &attester, sizes, written).await;
        let (played, more) = book::closed(server, played, book.as_ref()).await?;
        kept = kept.zip(more).map(|(kept, more)| kept.and(more));
        let (more_lines, more_shapes) = played;
        lines.extend(more_lines);
        shapes.extend(more_shapes);
    }
    if arguments.least {
        lines.extend(plan::play_bare(&plan, place.folder(), SERVER_CORE, shapes).await?);
    }
    if let Some(programs) = &arguments.peers {
        let ground = Ground { programs, data: place.folder(), core: SERVER_CORE };
        lines.extend(peers::play(&plan, &ground, sizes).await?);
    }
    Ok(Report::new(about, &start, lines).with(kept))
}
