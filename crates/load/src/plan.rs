//! Which flows are played, by how many wallets, how often.

use std::{path::Path, sync::Arc, time::Duration};

use clap::ValueEnum;
use lanyard_core::{
    Timestamp,
    crypto::AwsLc,
    sd_jwt_vc::UnverifiedSdJwtVc,
    trust::x509::TrustAnchors,
    trust::{IssuerKeys, IssuerTrust},
};

use crate::{
    attester::{self, Attester},
    bare::{Replay, Shape},
    client::{Connection, Exchange},
    code::CodeFlow,
    configured,
    crowd::{self, Done, Flow},
    database::Database,
    failure::Failure,
    floor::{self, Sizes, Work},
    integrator::{Created, Integrator, Offer, Placed, Request, Verdict},
    issuance::{Issuance, Offered, Received},
    machine,
    presentation::{Asked, Card, Presentation},
    proofs::fresh_key,
    report::{Line, Run, Start},
    server::{Server, Setting},
};

/// What our own server is called in the table.
pub(crate) const OURS: &str = "Lanyard";

/// How many wallets play at once, unless the command line says otherwise.
const WALLETS: [usize; 3] = [1, 16, 64];

/// How many connections create offers and requests before the clock starts.
const INTEGRATORS: usize = 32;

/// No preparation takes longer than this.
const PREPARATION: Duration = Duration::from_secs(60);

/// How many copies a batch has.
const BATCH: usize = 20;

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
    pub(crate) fn new(short: bool, wallets: &[usize], flows: &[Flows], beside_peers: bool) -> Self {
        let all = if beside_peers { &WALLETS[2..] } else { &WALLETS[..] };
        let wallets = if wallets.is_empty() { all } else { wallets };
        let (limit, most) =
            if short { (Duration::from_secs(1), 1_000) } else { (Duration::from_secs(6), 12_000) };
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
) -> Result<Played, Failure> {
    let stage = Stage::set(server, &configured::names(1), database)?;
    let First { after, card, sizes } = stage.first_credential().await?;
    let start = Start { ready: server.ready_after(), first_credential: after, memory_at_rest };
    let card = Arc::new(card);

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
        let clocked = clock(OURS, (server, database), turn, played, jobs).await?;
        // what was issued verifies under the key in its own certificate: whom to trust is not the question
        for (text, _) in clocked.outcomes.into_iter().flatten() {
            UnverifiedSdJwtVc::parse(&text)?;
        }
        lines.push(clocked.line);
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

/// The server with everything that the wallets and the integrator know about it.
pub(crate) struct Stage<'s> {
    pub(crate) name: &'static str,
    pub(crate) server: &'s Server,
    pub(crate) database: Option<&'s Database>,
    pub(crate) integrator: Integrator,
    pub(crate) issuers: IssuerKeys,
}

/// The first credential of a new server.
pub(crate) struct First {
    after: Duration,
    pub(crate) card: Card,
    pub(crate) sizes: Sizes,
}

impl<'s> Stage<'s> {
    /// A server of ours with these tenants, and the database that it has in place of a file.
    pub(crate) fn set(
        server: &'s Server,
        tenants: &[String],
        database: Option<&'s Database>,
    ) -> Result<Self, Failure> {
        let anchors = TrustAnchors::from_pem(&server.file("ca.pem")?)?;
        let issuers = IssuerKeys::new(IssuerTrust::certificates(anchors), Arc::new(AwsLc));
        let integrator = Integrator::of(server, tenants)?;
        Ok(Self { name: OURS, server, database, integrator, issuers })
    }

    /// From nothing to a credential that verifies.
    pub(crate) async fn first_credential(&self) -> Result<First, Failure> {
        let mut connection = Connection::open(self.server.base()).await?;
        let offer = Offer(self.integrator.clone()).play(&mut connection, ()).await?;
        let job = offered(&offer.created, Flows::Issuance)?;
        let mut cards = self.verify(Issuance.play(&mut connection, job).await?).await?;
        let card = cards.pop().ok_or(Failure::Lacks("credential"))?;
        let after = self.server.started().elapsed();
        let issued = card.held.disclosable().count();
        let token = card.held.as_str().find('~').unwrap_or_default();
        Ok(First { after, sizes: Sizes { issued, disclosed: issued.min(4), token }, card })
    }

    async fn verify(&self, received: Received) -> Result<Vec<Card>, Failure> {
        let now = Timestamp::now();
        let mut cards = Vec::with_capacity(received.len());
        for (text, key) in received {
            let credential = UnverifiedSdJwtVc::parse(&text)?;
            let issuer = self.issuers.find(&credential.claimed_issuer(), now).await?;
            cards.push(Card { held: credential.verify_for_holding(issuer, now, &AwsLc)?, key });
        }
        Ok(cards)
    }

    /// Issues so often.
    pub(crate) async fn issue(
        &self,
        turn: Turn,
        jobs: usize,
    ) -> Result<(Line, Vec<Exchange>), Failure> {
        let jobs = self.offers(turn.flow, jobs).await?;
        let clocked = clock(self.name, (self.server, self.database), turn, Issuance, jobs).await?;
        for credentials in clocked.outcomes {
            self.verify(credentials).await?;
        }
        Ok((clocked.line, clocked.exchanges))
    }

    /// Presents a credential so often.
    pub(crate) async fn present(
        &self,
        turn: Turn,
        jobs: usize,
        card: &Arc<Card>,
    ) -> Result<(Line, Vec<Exchange>), Failure> {
        let jobs = self.requests(jobs, card).await?;
        let clocked =
            clock(self.name, (self.server, self.database), turn, Presentation, jobs).await?;
        self.prepare(Verdict(self.integrator.clone()), clocked.outcomes).await?;
        Ok((clocked.line, clocked.exchanges))
    }

    /// So many offers, and the keys of those who take them.
    pub(crate) async fn offers(&self, flow: Flows, count: usize) -> Result<Vec<Offered>, Failure> {
        let offers = self.prepare(Offer(self.integrator.clone()), vec![(); count]).await?;
        offers.iter().map(|offer| offered(&offer.created, flow)).collect()
    }

    /// So many requests, and the card that answers them.
    pub(crate) async fn requests(
        &self,
        count: usize,
        card: &Arc<Card>,
    ) -> Result<Vec<Asked>, Failure> {
        let requests = self.prepare(Request(self.integrator.clone()), vec![(); count]).await?;
        requests.into_iter().map(|request| asked(request, card)).collect()
    }

    /// What the integrator does while no clock runs.
    async fn prepare<F: Flow>(
        &self,
        flow: F,
        jobs: Vec<F::Job>,
    ) -> Result<Vec<F::Outcome>, Failure> {
        let base = self.server.base();
        Ok(crowd::play(&Arc::new(flow), base, INTEGRATORS, jobs, PREPARATION).await?.outcomes)
    }
}

/// What came out while the clocks ran.
struct Clocked<O> {
    line: Line,
    outcomes: Vec<O>,
    exchanges: Vec<Exchange>,
}

/// Plays jobs while the clocks run.
async fn clock<F: Flow>(
    name: &'static str,
    (server, database): (&Server, Option<&Database>),
    turn: Turn,
    flow: F,
    jobs: Vec<F::Job>,
) -> Result<Clocked<F::Outcome>, Failure> {
    let (waiting, memory_while_waiting) = (jobs.len(), server.resident_memory()?);
    server.forget_peak()?;
    let counted = database.map(Database::counts).transpose()?;
    let before = Clocks::read(server, database)?;
    let Done { took, latencies, outcomes, exchanges } =
        crowd::play(&Arc::new(flow), server.base(), turn.wallets, jobs, turn.limit).await?;
    let used = Clocks::read(server, database)?.since(&before);
    let counted = match (database, counted) {
        (Some(database), Some(before)) => Some(database.counts()?.since(before)),
        _ => None,
    };
    let run = Run {
        server: name,
        flow: turn.flow.name(),
        wallets: turn.wallets,
        start: server.ready_after(),
        took,
        latencies,
        server_cpu: used.server,
        other_cpu: used.machine.saturating_sub(used.server + used.database + used.wallets),
        wallets_cpu: used.wallets,
        database: counted.map(|counts| (used.database, counts)),
        waiting,
        memory_while_waiting,
        server_memory: server.resident_memory()?,
        peak_memory: server.peak_memory()?,
        floor: turn.floor,
    };
    Ok(Clocked { line: run.line(), outcomes, exchanges })
}

/// A request as the wallet with this card finds it.
pub(crate) fn asked(request: Placed, card: &Arc<Card>) -> Result<Asked, Failure> {
    let place = request.created.parameter("request_uri")?;
    Ok(Asked { request: place, session: request.session, card: Arc::clone(card) })
}

/// An offer as a wallet with fresh keys finds it.
pub(crate) fn offered(created: &Created, flow: Flows) -> Result<Offered, Failure> {
    let copies = if flow == Flows::Batch { BATCH } else { 1 };
    Ok(Offered {
        offer: created.parameter("credential_offer_uri")?,
        keys: (0..copies).map(|_| fresh_key()).collect::<Result<_, _>>()?,
        bound_to: (flow == Flows::Dpop).then(fresh_key).transpose()?,
    })
}

/// Processor time used, by whom.
pub(crate) struct Clocks {
    pub(crate) server: Duration,
    pub(crate) database: Duration,
    wallets: Duration,
    machine: Duration,
}

impl Clocks {
    /// What was used so far.
    pub(crate) fn read(server: &Server, database: Option<&Database>) -> Result<Self, Failure> {
        Ok(Self {
            server: server.cpu()?,
            database: database.map(Database::cpu).transpose()?.unwrap_or_default(),
            wallets: machine::own_cpu()?,
            machine: machine::machine_cpu()?,
        })
    }

    /// What was used since.
    pub(crate) const fn since(&self, before: &Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            database: self.database.saturating_sub(before.database),
            wallets: self.wallets.saturating_sub(before.wallets),
            machine: self.machine.saturating_sub(before.machine),
        }
    }
}
