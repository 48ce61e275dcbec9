//! Which flows are played, by how many wallets, how often.

use std::{path::Path, sync::Arc, time::Duration};

use clap::ValueEnum;
use lanyard_core::sd_jwt_vc::UnverifiedSdJwtVc;

use crate::{
    attester::{self, Attester},
    bare::{Replay, Shape},
    client::Exchange,
    code::CodeFlow,
    configured,
    database::Database,
    failure::Failure,
    floor::{self, Sizes, Work},
    flows::Measured,
    ledger::{Ledger, entry::Written},
    promises::Promises,
    report::{Line, Start},
    server::{Server, Setting},
    stage::{First, Stage, clock},
};

/// What our own server is called in the table.
pub(crate) const OURS: &str = "Lanyard";

/// How many wallets play at once, unless the command line says otherwise.
const WALLETS: [usize; 3] = [1, 16, 64];

/// How many copies a batch has.
pub(crate) const BATCH: usize = 20;

/// The kinds of flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Flows {
    /// Pre-authorized code: offer, metadata, nonce, token, credential
    Issuance,
    /// The same, the token bound to the wallet's key by DPoP
    Dpop,
    /// The same, twenty copies of the credential at once
    Batch,
    /// Authorization code: pushed request, DPoP, attested wallet, a holder who agrees at once
    Code,
    /// Request object, encrypted response
    Presentation,
}

impl Flows {
    const ALL: [Self; 5] =
        [Self::Issuance, Self::Dpop, Self::Batch, Self::Code, Self::Presentation];

    /// What the peers can do.
    const OF_PEERS: [Self; 2] = [Self::Issuance, Self::Presentation];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Issuance => "issuance",
            Self::Dpop => "issuance, DPoP",
            Self::Batch => "batch of 20",
            Self::Code => "login, PAR, DPoP, attestation",
            Self::Presentation => "presentation, encrypted",
        }
    }

    /// How many of its requests are answered only once something is durable.
    const fn rows(self) -> usize {
        match self {
            // token, credential
            Self::Issuance | Self::Dpop | Self::Batch => 2,
            // pushed request, authorization, token, credential
            Self::Code => 4,
            // response
            Self::Presentation => 1,
        }
    }

    pub(crate) const fn work(self, sizes: Sizes) -> Work {
        match self {
            Self::Issuance => Work::issuance(sizes, 1),
            Self::Dpop => Work::bound_issuance(sizes),
            Self::Batch => Work::issuance(sizes, BATCH),
            Self::Code => Work::code_flow(sizes),
            Self::Presentation => Work::presentation(sizes),
        }
    }
}

/// What is to be played.
pub(crate) struct Plan {
    flows: Vec<Flows>,
    wallets: Vec<usize>,
    limit: Duration,
    most: usize,
}

impl Plan {
    /// Every kind of flow at each concurrency, unless told otherwise.
    ///
    /// Beside peers, what they can do, and many wallets.
    pub(crate) fn new(
        measured: &Measured,
        wallets: &[usize],
        flows: &[Flows],
        beside_peers: bool,
    ) -> Self {
        let all = if beside_peers { &WALLETS[2..] } else { &WALLETS[..] };
        let wallets = if wallets.is_empty() { all } else { wallets };
        let (limit, most) = match measured.short {
            true => (Duration::from_secs(1), 1_000),
            false => {
                let limit = measured.lasts(Duration::from_secs(6));
                (limit, limit.as_secs() as usize * 2_000)
            }
        };
        let all = if beside_peers { &Flows::OF_PEERS[..] } else { &Flows::ALL[..] };
        let flows = if flows.is_empty() { all } else { flows };
        Self { flows: flows.to_vec(), wallets: wallets.to_vec(), limit, most }
    }

    /// The kinds of flow.
    pub(crate) fn flows(&self) -> &[Flows] {
        &self.flows
    }

    /// How many wallets at once, one after the other.
    pub(crate) fn wallets(&self) -> &[usize] {
        &self.wallets
    }

    /// How long a flow is played.
    pub(crate) const fn limit(&self) -> Duration {
        self.limit
    }

    /// Enough jobs that the time runs out first, within reason.
    pub(crate) fn jobs(&self, flow: Flows, wallets: usize) -> usize {
        let most = if flow == Flows::Batch { self.most / 10 } else { self.most };
        most.min(self.limit.as_secs() as usize * wallets * 400)
    }

    /// Whether any flow needs a server where holders log in.
    pub(crate) fn has_login(&self) -> bool {
        self.flows.contains(&Flows::Code)
    }
}

/// What a run with the demo found.
pub(crate) struct Played {
    pub(crate) start: Start,
    pub(crate) sizes: Sizes,
    pub(crate) lines: Vec<Line>,
    pub(crate) shapes: Vec<(Turn, Shape)>,
}

/// Plays every flow that a server with one tenant serves.
pub(crate) async fn play(
    plan: &Plan,
    server: &Server,
    database: Option<&Database>,
    memory_at_rest: u64,
    ledger: Option<&Arc<Ledger>>,
) -> Result<Played, Failure> {
    let mut stage = Stage::set(server, &configured::names(1), database)?;
    let First { after, card, sizes } = stage.first_credential().await?;
    let start = Start { ready: server.ready_after(), first_credential: after, memory_at_rest };
    let card = Arc::new(card);
    // a start is not to wait for a ledger
    stage.ledger = ledger.cloned();

    let (mut lines, mut shapes) = (Vec::new(), Vec::new());
    for flow in plan.flows.iter().filter(|flow| **flow != Flows::Code) {
        let floor = floor::measure(flow.work(sizes), sizes)?;
        for wallets in &plan.wallets {
            let turn = Turn { flow: *flow, wallets: *wallets, floor, limit: plan.limit };
            let jobs = plan.jobs(*flow, *wallets);
            let (line, exchanges) = match flow {
                Flows::Presentation => stage.present(turn, jobs, &card).await?,
                _ => stage.issue(turn, jobs).await?,
            };
            lines.push(line);
            shapes.push((turn, turn.shape(exchanges, sizes)));
        }
    }
    Ok(Played { start, sizes, lines, shapes })
}

/// Plays the flow with a login, on a server that believes the attester.
pub(crate) async fn play_logins(
    plan: &Plan,
    (server, database): (&Server, Option<&Database>),
    attester: &Attester,
    sizes: Sizes,
    ledger: Option<&Arc<Ledger>>,
) -> Result<(Vec<Line>, Vec<(Turn, Shape)>), Failure> {
    let flow = Flows::Code;
    let floor = floor::measure(flow.work(sizes), sizes)?;
    let (mut lines, mut shapes) = (Vec::new(), Vec::new());
    for wallets in &plan.wallets {
        let mut jobs = Vec::new();
        for _ in 0..plan.jobs(flow, *wallets) {
            jobs.push(attester.wallet().await?);
        }
        let played = CodeFlow {
            issuer: server.base().join(attester::TENANT)?,
            configuration: attester::CONFIGURATION.to_owned(),
        };
        let turn = Turn { flow, wallets: *wallets, floor, limit: plan.limit };
        let played = Written::new(played, ledger);
        let clocked = clock(OURS, (server, database), turn, played, jobs).await?;
        // what was issued verifies under the key in its own certificate: whom to trust is not the question
        let mut promises = Promises::default();
        for (text, _) in clocked.outcomes.iter().flatten() {
            UnverifiedSdJwtVc::parse(text)?;
            promises.places(std::iter::once(text.as_str()))?;
        }
        let mut line = clocked.line;
        if ledger.is_none() {
            line.kept(promises);
        }
        lines.push(line);
        shapes.push((turn, turn.shape(clocked.exchanges, sizes)));
    }
    Ok((lines, shapes))
}

/// Plays the shapes of the flows against the least that a server can do.
pub(crate) async fn play_bare(
    plan: &Plan,
    data: &Path,
    core: usize,
    shapes: Vec<(Turn, Shape)>,
) -> Result<Vec<Line>, Failure> {
    let this = std::env::current_exe()?;
    let mut lines = Vec::new();
    for (number, (turn, shape)) in shapes.into_iter().enumerate() {
        let data = data.join(format!("bare-{number}"));
        let server = Server::start(&this, &data, core, Setting::Bare(&shape)).await?;
        let jobs = vec![server.base().clone(); plan.jobs(turn.flow, turn.wallets)];
        let clocked = clock("the least", (&server, None), turn, Replay(shape), jobs).await;
        server.stop().await?;
        lines.push(clocked?.line);
    }
    Ok(lines)
}

/// One flow under one concurrency.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    pub(crate) flow: Flows,
    pub(crate) wallets: usize,
    pub(crate) floor: Duration,
    pub(crate) limit: Duration,
}

impl Turn {
    /// What its flow was, as a server that does the least has to know it.
    const fn shape(&self, exchanges: Vec<Exchange>, sizes: Sizes) -> Shape {
        let (rows, work) = (self.flow.rows(), self.flow.work(sizes));
        Shape { exchanges, rows, work, sizes }
    }
}
